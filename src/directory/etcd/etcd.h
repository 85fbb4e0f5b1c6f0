/* etcd.h: the actor that speaks to an etcd, for all handles of a node that name the same place.

   reach.c is the kind and how agents find the actor, server.c its class, txn.c what it says, client.c who has entries and
   their leases, entry.c what is put and dropped, list.c what is read, watch.c what changes. */

#ifndef ZANNI_DIRECTORY_ETCD_ETCD_H
#define ZANNI_DIRECTORY_ETCD_ETCD_H

#include "form.h"
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <zanni/actor.h>
#include <zanni/call.h>
#include <zanni/timer.h>

#define ZANNI__ETCD_CLASS "zanni-etcd"
#define ZANNI__ETCD_CALL_MS 4000u
#define ZANNI__ETCD_LEASE_LEAST_MS 200
#define ZANNI__ETCD_LEASE_MOST_MS 3600000
#define ZANNI__ETCD_PAGE 32               // entries, or changes, of one answer
#define ZANNI__ETCD_ALL UINT64_C (0xffff) // of a version: all changes of its revision

/* The last changes of a group, or of several, in order. */
typedef struct {
    zanni__link_t changes;
    uint32_t count;
    uint64_t forgotten;              // those up to this version may not be there
} zanni__etcd_log_t;

typedef struct {
    zanni_t *self;
    zanni__etcd_place_t place;
    zanni__etcd_http_t http;
    zanni_ref_t *own;                // strong: it stays until it has no clients
    uint64_t base;                   // ids and versions begin there; 0: etcd is not reached
    char base_text [17];
    char base_key [ZANNI__ETCD_PREFIX + 8];
    size_t tried;                    // endpoints, while it is being reached
    bool reaching;
    bool lost;
    uint64_t beat;                   // a timer, from when it was reached
    uint64_t settling;               // another, while agents may put again what they have
    zanni__link_t askers;            // who wants it to be reached
    zanni__link_t clients;
    uint32_t clients_count;
    zanni__link_t sheets;            // list.c
    uint32_t sheets_count;
    zanni__link_t topics;            // watch.c: groups that somebody here follows
    zanni__etcd_log_t rest;          // of groups that nobody here has followed so far
    uint32_t topics_count;
    uint32_t waiters_count;
    uint64_t seen;                   // of the last one that was told
    uint64_t revision;               // of what is being told, since the stream has begun
    uint64_t part;
    zanni__etcd_call_t *stream;      // NULL: nothing is watched
    int64_t stream_ns;               // when it began
    bool refused;                    // it was ended by etcd
    uint64_t restart;                // a timer, where it is to begin anew
} zanni__etcd_t;

typedef struct {
    zanni__link_t link;
    zanni_msg_t *msg;                // kept
} zanni__etcd_asker_t;

typedef enum {
    ZANNI__ETCD_NO_LEASE = 0,        // as far as we know
    ZANNI__ETCD_ASKED,
    ZANNI__ETCD_HELD
} zanni__etcd_lease_t;

/* An agent. */
typedef struct {
    zanni__link_t link;
    zanni__etcd_t *etcd;
    zanni_ref_t *agent;
    uint64_t monitor;
    uint64_t number;                 // 0: it has put nothing yet
    uint32_t lease_ms;
    zanni__etcd_lease_t lease;
    int64_t held_ns;                 // until then it is there for certain
    int64_t asked_ns;
    uint32_t tries;                  // to get one
    uint32_t going;                  // calls that know it
    bool had;                        // a lease, from this actor
    bool lost;                       // one that it had, with all its entries: its agent is not told yet
    bool again;                      // the agent has reached us anew: what it does not put again is no more
    int64_t begun_ns;                // when it began to do so; 0: not yet
    bool ended;                      // freed when no call knows it
    zanni__link_t slots;             // what it has, or had
    uint32_t slots_count;
} zanni__etcd_client_t;

/* server.c */
extern const zanni_class_t zanni__etcd_class;
void zanni__etcd_lost (zanni__etcd_t *etcd, const char *text);     // the actor ends after this handler
void zanni__etcd_rest (zanni__etcd_t *etcd);                       // likewise, if nobody needs it
void zanni__etcd_refuse (zanni__etcd_t *etcd, zanni_msg_t **msg_p, int code, const char *text);   // and destroys it
void zanni__etcd_accept (zanni__etcd_t *etcd, zanni_msg_t **msg_p, const zanni_arg_t *args, size_t count);

/* Begins a call of this actor's; a failure is no loss of etcd. */
int zanni__etcd_say (zanni__etcd_t *etcd, const char *path, json_t *body, zanni__etcd_then_fn *then, void *context);

/* reach.c: the calling actor is not found any more. */
void zanni__etcd_unknown (zanni_t *self);

/* txn.c. All of these answer NULL where there is no memory, and take what is given to them over. */
json_t *zanni__etcd_txn (const zanni__etcd_t *etcd, json_t *compare, json_t *success, json_t *failure);
json_t *zanni__etcd_compare (const char *target, const char *key, const char *behind, const char *field, json_t *value);
json_t *zanni__etcd_range (const char *key, const char *behind, uint32_t limit, uint64_t least);   // the eldest first
json_t *zanni__etcd_decimal (uint64_t number);

/* What came of a transaction: 1 or 0, as its comparison went, with the responses that belong to that (of 0: behind the first,
   which is ours); or a code. Where etcd is lost by it that is noted. `revision_p` may be NULL. */
int zanni__etcd_outcome (zanni__etcd_t *etcd, const zanni__etcd_answer_t *answer, const json_t **responses_p,
                         uint64_t *revision_p);
const json_t *zanni__etcd_found (const json_t *responses, size_t index);   // entries of a range, or NULL

/* client.c */
zanni__etcd_client_t *zanni__etcd_client_find (const zanni__etcd_t *etcd, const zanni_msg_t *msg);
int zanni__etcd_client_get (zanni__etcd_t *etcd, zanni__etcd_client_t **client_p, const zanni_msg_t *msg);
void zanni__etcd_client_down (zanni__etcd_t *etcd, uint64_t monitor);
void zanni__etcd_client_done (zanni__etcd_client_t *client);       // a call that knew it has ended
void zanni__etcd_clients_end (zanni__etcd_t *etcd);                // what they had is taken back
void zanni__etcd_clients_free (zanni__etcd_t *etcd);
uint64_t zanni__etcd_lease_id (const zanni__etcd_client_t *client);
int zanni__etcd_lease_ready (zanni__etcd_client_t *client);        // 1; 0: its slots are told later; a code
int zanni__etcd_renew (zanni_t *self, zanni_msg_t *msg);
void zanni__etcd_client_again (zanni__etcd_client_t *client);      // its agent has reached us,
void zanni__etcd_client_speaks (zanni__etcd_client_t *client);     // and puts again what it has, or drops
int zanni__etcd_settle (zanni_t *self, zanni_msg_t *msg);

/* entry.c */
int zanni__etcd_put (zanni_t *self, zanni_msg_t *msg);
int zanni__etcd_drop (zanni_t *self, zanni_msg_t *msg);
void zanni__etcd_slots_go (zanni__etcd_client_t *client);          // there is a lease
void zanni__etcd_slots_fail (zanni__etcd_client_t *client, int code, const char *text);   // there is none
void zanni__etcd_slots_doubt (zanni__etcd_client_t *client);       // they have to be put again
void zanni__etcd_slots_sweep (zanni__etcd_client_t *client);       // those that were not are dropped
void zanni__etcd_slot_adopt (zanni__etcd_client_t *client, const char *key);   // of an actor before this one
void zanni__etcd_slots_free (zanni__etcd_client_t *client);

/* list.c */
int zanni__etcd_lookup (zanni_t *self, zanni_msg_t *msg);
int zanni__etcd_list (zanni_t *self, zanni_msg_t *msg);
void zanni__etcd_sheets_sweep (zanni__etcd_t *etcd, int64_t before_ns);

/* watch.c */
int zanni__etcd_watch (zanni_t *self, zanni_msg_t *msg);
int zanni__etcd_stream (zanni_t *self, zanni_msg_t *msg);
void zanni__etcd_topics_sweep (zanni__etcd_t *etcd);
void zanni__etcd_topics_free (zanni__etcd_t *etcd);

static inline uint64_t
zanni__etcd_version (const zanni__etcd_t *etcd, uint64_t revision, uint64_t part)
{
    return etcd->base + (revision << 16 | part);
}

static inline bool
zanni__etcd_group_is_good (const char *group)
{
    return *group && strnlen (group, ZANNI__ETCD_GROUP) < ZANNI__ETCD_GROUP;
}

#endif
