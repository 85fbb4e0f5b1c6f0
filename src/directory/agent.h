/* agent.h: the actor that serves the handles of directories, one each.

   agent.c is the class, session.c how the directory is reached, offer.c what was published, follow.c the groups
   that are live, event.c what the owner is told. */

#ifndef ZANNI_DIRECTORY_AGENT_H
#define ZANNI_DIRECTORY_AGENT_H

#include "directory.h"
#include "roster.h"

#define ZANNI__PLACE_MAX 512

/* An ask of the owner's that is to be answered until some time; then the answer is why the directory is not
   reached. */
typedef struct {
    zanni_msg_t *msg;           // kept; NULL: answered, or nobody waits
    int64_t due_ns;
} zanni__duty_t;

typedef struct {
    zanni_t *self;
    const zanni_directory_ops_t *ops;
    const char *place;
    zanni_directory_options_t options;
    char lost [ZANNI__GROUP_MAX + 1];   // of the options
    char whole [ZANNI__PLACE_MAX];
    zanni_ref_t *owner;
    uint64_t number;            // of this client
    uint64_t serial;            // of offers and follows

    zanni_ref_t *directory;     // who answers for it; NULL: not reached
    uint64_t monitor;
    uint64_t retry;             // a timer, which is 0 while it is asked for
    uint32_t backoff_ms;
    int64_t reached_ns;
    uint64_t renewal;           // a timer, while there are entries
    uint64_t renewing;          // the ask for it; 0: none
    uint64_t reaching;          // the ask for it; 0: none
    uint64_t patience;          // a timer, while somebody waits
    zanni_error_t why;          // it was not reached the last time, or is given up
    bool hopeless;              // that will not be otherwise by trying again

    zanni__link_t waiting;      // what is to be handed on
    zanni__link_t offers;
    zanni__table_t offers_by_number;
    uint32_t offers_count;
    zanni__link_t follows;
    zanni__link_t events;       // that the owner has not been told yet
    bool full;                  // its mailbox was
} zanni__agent_t;

/* agent.c */
int zanni__agent_spawn (zanni_t *self, zanni_ref_t **ref_p, const char *place,
                        const zanni_directory_options_t *options);
int zanni__agent_check (zanni_t *self, const zanni_msg_t *msg);   // ZANNI_EPERM: it is not from the owner
int zanni__duty_take (zanni__agent_t *agent, zanni__duty_t *duty, zanni_msg_t *msg);
void zanni__duty_done (zanni__agent_t *agent, zanni__duty_t *duty, const zanni_arg_t *args, size_t count);
void zanni__duty_fail (zanni__agent_t *agent, zanni__duty_t *duty, const zanni_error_t *error);

/* Whether nobody waits any more, or not for long: then it is answered. */
bool zanni__duty_is_over (zanni__agent_t *agent, zanni__duty_t *duty, int64_t now_ns);

/* session.c */
void zanni__agent_begin (zanni__agent_t *agent);
void zanni__agent_end (zanni__agent_t *agent);

/* The directory is not there any more, or not as it should be: it is reached anew, later. `code` says why. Changes
   nothing else. */
void zanni__agent_lost (zanni__agent_t *agent, int code);

/* Offers are refused that were taken before: asks again, later. */
void zanni__agent_retry_later (zanni__agent_t *agent);

/* Somebody waits, or there are entries: looks after that from now on. */
void zanni__agent_await (zanni__agent_t *agent);
void zanni__agent_keep_renewed (zanni__agent_t *agent);

/* Hands an ask of the owner's on, at once or when the directory is reached. */
int zanni__agent_forward (zanni_t *self, zanni_msg_t *msg);
int zanni__agent_retry (zanni_t *self, zanni_msg_t *msg);
int zanni__agent_renew (zanni_t *self, zanni_msg_t *msg);
int zanni__agent_look (zanni_t *self, zanni_msg_t *msg);

/* The code of an answer that is an error, or 0; and whether a code says no more than that nobody answers. */
int zanni__agent_code (const zanni_msg_t *reply, zanni_error_t *error);
bool zanni__agent_is_gone (int code);

/* offer.c */
int zanni__offer_publish (zanni_t *self, zanni_msg_t *msg);
int zanni__offer_join (zanni_t *self, zanni_msg_t *msg);
int zanni__offer_withdraw (zanni_t *self, zanni_msg_t *msg);
int zanni__offer_leave (zanni_t *self, zanni_msg_t *msg);
void zanni__offer_down (zanni__agent_t *agent, const zanni_down_t *down);
void zanni__offers_again (zanni__agent_t *agent, bool all);   // or those that were refused
bool zanni__offers_look (zanni__agent_t *agent, int64_t now_ns);   // whether one waits
void zanni__offers_end (zanni__agent_t *agent);

/* follow.c */
int zanni__follow_subscribe (zanni_t *self, zanni_msg_t *msg);
int zanni__follow_unsubscribe (zanni_t *self, zanni_msg_t *msg);
int zanni__follow_route (zanni_t *self, zanni_msg_t *msg);
int zanni__follow_unroute (zanni_t *self, zanni_msg_t *msg);
int zanni__follow_members (zanni_t *self, zanni_msg_t *msg);
int zanni__follow_settle (zanni_t *self, zanni_msg_t *msg);
void zanni__follows_again (zanni__agent_t *agent);
void zanni__follows_go_on (zanni__agent_t *agent);
bool zanni__follows_look (zanni__agent_t *agent, int64_t now_ns);   // whether one waits
void zanni__follows_end (zanni__agent_t *agent);

/* event.c. What the owner is told, in order: a change, the answer to who subscribed (`kind` NULL), a name that is
   lost (`follow` NULL). `follow` is the caller's way to know its own. */
int zanni__event_add (zanni__agent_t *agent, void *follow, const char *kind, const zanni_ref_t *ref);
int zanni__event_lost (zanni__agent_t *agent, const char *name);
void zanni__events_forget (zanni__agent_t *agent, const void *follow);
void zanni__events_end (zanni__agent_t *agent);
int zanni__event_room (zanni_t *self, zanni_msg_t *msg);
void zanni__events_again (zanni__agent_t *agent);
int zanni__follow_tell (zanni__agent_t *agent, void *follow, const char *kind, const zanni_ref_t *ref);   // follow.c

#endif
