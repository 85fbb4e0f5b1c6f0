/* remote.h: actors of other nodes, as this one knows them; and its own, as others do.

   A stand-in is an identity on a worker, found by the address of the actor that it stands for, with references, watchers
   and pending asks like any other. Each worker has its own, since each has its own session with the actor's endpoint: what
   is sent through a reference goes by the stand-in of the sender's worker, so that everything between two workers takes
   one way, in order. References to one actor compare by its address.

   Rights are two nonces, of which the one to call follows from the one to own (by a hash), not the other way round. */

#ifndef ZANNI_ACTOR_REMOTE_H
#define ZANNI_ACTOR_REMOTE_H

#include "../../base/table.h"
#include "../../wire/record.h"
#include "../answer.h"
#include "../worker.h"
#include <zanni/sys/link.h>

#define ZANNI__NONCE 16
#define ZANNI__REACHED 64
#define ZANNI__CHARGE 64u   // what a message counts in a window beside its arguments and buffers

/* What a message of this weight counts in the peer's window. */
static inline uint64_t
zanni__charge (const zanni_peer_t *peer, uint64_t weight)
{
    uint64_t charge = ZANNI__CHARGE + weight;
    return peer && peer->item_most && charge > peer->item_most ? peer->item_most : charge;
}

/* An actor as it is known outside: one of this node; or, by an alias, one of another node, which who is told of it could not
   dial itself. */
typedef struct zanni__export {
    zanni__entry_t entry;             // in its node's table
    uint64_t id;
    zanni__identity_t *identity;      // an alias has a reference
    uint8_t call [ZANNI__NONCE];
    uint8_t own [ZANNI__NONCE];
} zanni__export_t;

/* Where on its node, and how, an actor is to be made whose number and right to own its spawner chose: spawn.c there,
   guest.c here. */
typedef struct zanni__place {
    zanni_spawn_t options;
    uint8_t waits;
    zanni_wire_actor_t beside;        // HERE: on whose worker; the nonce is:
    uint8_t nonce [ZANNI__NONCE];
} zanni__place_t;

/* While nobody knows whether it was made, its spawner's session is the only way there: what came by another might be faster
   than the SPAWN. If another worker of this node has gone that way before it was made, all of them do for good. */
typedef enum { ZANNI__BORN, ZANNI__SPAWNING, ZANNI__SPAWNED_EARLY } zanni__spawning_t;

#define ZANNI__GUEST_BIT (UINT64_C (1) << 62)   // of its number, and no higher one

/* What a stand-in knows. */
typedef struct zanni__remote {
    zanni__entry_t entry;             // in its worker's table, which has one of its references
    zanni__identity_t *identity;
    zanni_address_t address;
    zanni_peer_t *peer;               // joined; the worker's own thread alone reads it
    uint64_t serial;                  // of the peer, fixed: any thread may compare it
    bool cut;                         // that dialled us, and is down: we cannot dial it
    bool spawned;                     // a process that this worker has started, and that may begin again
    bool by_peer;                     // made by zanni__remote_by, beside the one by which references go
    uint8_t call [ZANNI__NONCE];
    uint8_t own [ZANNI__NONCE];
    _Atomic bool owns;                // `own` is known (release; acquire)
    zanni__export_t *alias;           // or NULL (the lock of the exports)
    zanni__export_t *old_aliases;     // that have ended, by entry.next
    bool forgotten;                   // it is in no table any more, and gets no alias (the same lock)
    _Atomic bool full;                // its window admits nothing, for who sends from other workers (relaxed: a hint)
    uint64_t lent;                    // so often its owner holds it for us
    struct {
        const zanni__method_t *method;
        uint64_t from;
        uint32_t size;
        uint8_t bytes [ZANNI__TELL_HEAD];
    } head;                           // of the last plain tell to it: see plain.c
    struct zanni__place *place;       // of an actor that this worker spawned there: what its SPAWN says
    _Atomic uint8_t birth;            // zanni__spawning_t; set by this worker, but for one step (relaxed: who got a reference
                                      // sees what was before that)
    char endpoint [ZANNI_ENDPOINT_MAX];   // the peer's, also when that is left
    char listens [ZANNI_ENDPOINT_MAX];    // of one that dialled us: where it says that it can be dialled
    char name [];                     // of its class
} zanni__remote_t;

/* What a worker knows of other nodes. */
typedef struct zanni__remotes {
    zanni__table_t stand_ins;
    uint32_t sweep_at;                        // so many before those that nobody refers to are looked for
    zanni__identity_t *last;                  // who sent last, for the next message is mostly from the same
    zanni__identity_t *reached [ZANNI__REACHED];   // own actors that others reached, held, by id
    zanni__memo_t methods [ZANNI__MEMO];      // by name and class: names in `method->name`
    struct {
        zanni_peer_t *peer;
        zanni__identity_t *to;                // both held; NULL
        zanni__identity_t *from;
        const zanni__class_t *cls;            // of `to`, then
        const zanni__method_t *method;
    } again;                                  // of the last plain tell that came: see plain.c
    uint64_t met;                             // serial of the peer that the node heard of last
    zanni__table_t relayed;                   // by number: see relay.c
    uint64_t relay_serial;
    uint32_t relay_sweep_at;
    struct zanni__debt *debts;                // what was handed on to full mailboxes: see handon.c
    zanni_peer_t *credited;                   // what of it was handled and has not been told the link
    uint64_t credit;
} zanni__remotes_t;

static inline uint64_t
zanni__address_hash (const zanni_address_t *address)
{
    uint64_t node;
    memcpy (&node, address->node, sizeof node);
    return zanni__spread (address->actor ^ node);
}

/* `node` NULL: the worker's own. */
static inline zanni_address_t
zanni__address (const zanni_worker_t *worker, const uint8_t *node, uint64_t actor)
{
    zanni_address_t address = { .actor = actor };
    memcpy (address.node, node ? node : worker->node->id, sizeof address.node);
    return address;
}

/* remote.c. The stand-in of `worker` for whom a reference names, made where it is new; borrowed: hold or refer to it. */
int zanni__remote_get (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni_wire_ref_t *ref);

/* The same by that peer and no other: for who asked by it, since the worker at its other end is the one that knows the ask.
   There may be another stand-in, where the actor became known by another worker of its node: what is told to its sender goes
   by that one, with the rest of what is sent to it. */
int zanni__remote_by (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni_wire_ref_t *ref,
                      const zanni_peer_t *peer);

/* The same for whatever node listens at an endpoint, to be asked what nodes.h says: a new one each time. */
int zanni__remote_at (zanni_worker_t *worker, zanni__identity_t **identity_p, const char *endpoint);

/* zanni__remote_here (worker.h): the same for the sender: `identity` itself where it is no stand-in or its own. */

/* The worker's own stand-in for that address, or NULL. */
zanni__identity_t *zanni__remote_find (const zanni_worker_t *worker, const zanni_address_t *address);

/* A stand-in that will not come back. */
void zanni__remote_ended (zanni__identity_t *identity);

/* What is sent to others leaves with the next flush. */
void zanni__remote_sent (zanni_worker_t *worker);

void zanni__remote_free (zanni__remote_t *remote);   // with its identity

/* export.c. The nonces of an actor of this node, made where they are new. Any worker's thread. */
int zanni__export_get (zanni__identity_t *identity, const zanni__export_t **export_p);

/* The same with nonces that are given: of a process actor, whose home made them. Before anyone else knows it. */
int zanni__export_as (zanni__identity_t *identity, const uint8_t own [ZANNI__NONCE]);
bool zanni__export_taken (zanni_node_t *node, uint64_t id);   // somebody is known by that
void zanni__export_end (zanni__export_t *export);

/* A stand-in, as if it were an actor of this node; until its peer is down. */
int zanni__alias_get (zanni__identity_t *identity, const zanni__export_t **export_p);
int zanni__alias_as (zanni__identity_t *identity, uint64_t id, const uint8_t own [ZANNI__NONCE]);   // where it has none
void zanni__alias_end (zanni__remote_t *remote, bool for_good);
void zanni__aliases_free (zanni__remote_t *remote);
void zanni__nonce_to_call (uint8_t call [ZANNI__NONCE], const uint8_t own [ZANNI__NONCE]);

/* Who is known by that id and nonce, or whom an alias stands for: a reference for the caller to give back; NULL: nobody. */
zanni__identity_t *zanni__export_find (zanni_node_t *node, const zanni_wire_actor_t *to, bool *own);

/* The same for what comes by a session of `worker`, which remembers whom of its own it has found. */
zanni__identity_t *zanni__reach (zanni_worker_t *worker, const zanni_wire_actor_t *to, bool *own);

/* How a reference looks to the node of `peer` (NULL: to a worker of this one): where that node cannot dial the actor's, or
   need not be able to, it is an alias. Pointers lead into what the reference keeps alive. */
int zanni__ref_to_wire (zanni_worker_t *worker, const zanni_peer_t *peer, zanni_wire_ref_t *wire, zanni__identity_t *identity,
                        bool strong, bool own);

/* inbound.c. Whether an endpoint that `peer` names, or is told, leads anywhere from the other side. */
bool zanni__may_be_dialled (const zanni_peer_t *peer, const zanni_bytes_t *endpoint);

/* Who is meant by a whole reference: a stand-in of this worker, or an actor of this node; a reference of the
   caller's. */
int zanni__ref_meant (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni_wire_ref_t *whole, bool *own);

/* lend.c. A strong reference goes to a peer, whose node holds it until RELEASE. `address` is what the peer knows it by: it
   may be an alias, which ends before that. ZANNI_ENOMEM. */
int zanni__lend (zanni_peer_t *peer, const zanni_address_t *address, zanni__identity_t *identity, bool own);
void zanni__lend_undo (zanni_peer_t *peer, const zanni_address_t *address);   // the first, of who has not begun
void zanni__lend_end (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_address_t *address, uint64_t count);
void zanni__lend_nothing (zanni_peer_t *peer);   // what was begun and not sent: without a session nothing else ends it
void zanni__lend_end_all (zanni_worker_t *worker, zanni_peer_t *peer);

/* The drop of a reference waits until what was sent to `peer` is acknowledged. false: it need not, or cannot. */
bool zanni__drop_behind (zanni_peer_t *peer, zanni_ref_t *ref);

/* Gives back what `lender` lent, once `owner` has what was sent to it. */
void zanni__release_behind (zanni_worker_t *worker, zanni_peer_t *owner, zanni_peer_t *lender,
                            const zanni_address_t *address);

/* A stand-in of this worker is about to be referred to strongly: its owner has to hold it for us. */
int zanni__retain (zanni_worker_t *worker, zanni__identity_t *identity);

/* How an actor is named to its own node, with the right to own where that is wanted and known. */
static inline zanni_wire_actor_t
zanni__remote_to (const zanni__remote_t *remote, bool own)
{
    /* acquire pairs with the release that made `own` known. */
    own = own && atomic_load_explicit (&remote->owns, memory_order_acquire);
    return (zanni_wire_actor_t) { remote->address.actor, own ? remote->own : remote->call };
}

/* partner.c. A reason on the wire, which points into `reason`: of a text that was cut amid a character, what is whole.
   And out of a DOWN or EXIT. */
zanni_wire_reason_t zanni__reason_to_wire (const zanni_reason_t *reason);
zanni_reason_t zanni__reason_from_wire (const zanni_record_t *record);

/* partner.c. A LINK to a stand-in, or an EXIT or UNLINK. */
void zanni__route_link (zanni_worker_t *worker, zanni_msg_t *link);
void zanni__route_exit (zanni_worker_t *worker, zanni_msg_t *msg);

/* route.c. A record of a kind that is only about `to`, a stand-in. */
int zanni__route_about (zanni_worker_t *worker, zanni__identity_t *to, zanni_record_kind_t kind, uint64_t id, bool own);

/* plain.c. A plain tell has come, whose head the next one may have, too. */
void zanni__tell_came (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_msg_t *msg);
void zanni__tell_forget (zanni_worker_t *worker);

/* relay.c. An ask or monitor of an actor of another worker of this node, or of one that is known there by an alias, which
   leaves by a session of this worker: it has a number of its own there, by which the answer is taken back to the asker. */
typedef struct {
    zanni__entry_t entry;
    uint64_t number;
    zanni__identity_t *from;          // with a reference
    zanni__identity_t *to;            // the stand-in, held
    uint64_t id;                      // at `from`
    int64_t due_ns;                   // nobody waits for it any more
    bool monitors;
    bool starts;
} zanni__relayed_t;

static inline bool
zanni__relay_is (uint64_t number)
{
    return number >> 62 == 1;   // an id of a pending thing never gets there, the link's monitors lie above
}

/* Whether what `from` sends by this worker's sessions may be relayed. */
static inline bool
zanni__relays (const zanni_worker_t *worker, const zanni__identity_t *from)
{
    return from->elsewhere || from->worker != worker;
}

/* Whether what is asked by `asker` is taken back by `by`. What comes from another node for that does not name the asker: ids
   are unique at the endpoint that it comes from. Any thread that holds both. */
bool zanni__same_asker (const zanni__identity_t *asker, const zanni__identity_t *by);

int zanni__relay_new (zanni_worker_t *worker, const zanni_msg_t *msg, uint64_t *number);
zanni__relayed_t *zanni__relay_find (zanni_worker_t *worker, uint64_t number);   // NULL: there is none any more
zanni__relayed_t *zanni__relay_of (zanni_worker_t *worker, const zanni_msg_t *msg);   // a CANCEL or DEMONITOR
void zanni__relay_end (zanni_worker_t *worker, zanni__relayed_t *relayed);
zanni_msg_t *zanni__relay_answer (zanni_worker_t *worker, const zanni__relayed_t *relayed, zanni__kind_t kind);
void zanni__relays_fail (zanni_worker_t *worker, const zanni_peer_t *peer, const zanni__answer_t *asks,
                         const zanni__answer_t *starts);
void zanni__relays_free (zanni_worker_t *worker);

/* handon.c. A message counts in the window of the peer by which it came until the mailbox that it is for has room for more. */
void zanni__owe (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_msg_t *msg);

/* The same of one for an actor of another worker of this node, which goes there. */
void zanni__hand_on (zanni_worker_t *worker, zanni_peer_t *peer, zanni_msg_t *msg);
void zanni__debts_free (zanni_worker_t *worker);

/* returns.c. Points a pending ask at whom it was forwarded to. */
void zanni__repoint (zanni_worker_t *worker, uint64_t ask, zanni__identity_t *target);

#endif
