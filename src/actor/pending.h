/* pending.h: what an actor has begun and not finished: asks, monitors, links, timers, watches.

   Each has an id that is never used again (slot and generation), hangs in its actor's list, so that it ends with the
   incarnation, and may be due at a time. The due ones form a 4-ary heap in the worker: almost every ask is answered
   long before its deadline and was inserted behind earlier ones, so inserting and removing are near the leaves. */

#ifndef ZANNI_ACTOR_PENDING_H
#define ZANNI_ACTOR_PENDING_H

#include "worker.h"

/* What ended, or has room again. In the turn of the actor whose it is. */
typedef void zanni__down_fn (zanni_t *self, const zanni_down_t *down, void *arg);

typedef enum { ZANNI__AN_ASK, ZANNI__A_MONITOR, ZANNI__A_LINK, ZANNI__A_TIMER, ZANNI__A_WATCH } zanni__pending_kind_t;

struct zanni__pending {
    zanni__hook_t hook;        // in its actor's list
    zanni_t *actor;
    uint64_t id;
    int64_t due_ns;
    uint32_t heap_at;          // place in the heap, + 1; 0: not due
    zanni__pending_kind_t kind;
    union {
        struct {
            zanni_reply_fn *then;
            void *arg;
            zanni_msg_t *answer;             // of a blocked call
            zanni__identity_t *target;       // held, for cancelling
            int64_t begun_ns;
            const zanni__method_t *method;   // NULL: `name`, as much of it as fits
            char name [24];
            bool over;                       // its error is in the mailbox already
            bool starts;                     // it is a START: an actor elsewhere is to begin
            uint64_t ticket;                 // its target is told how it ended, with this number; 0: it is not
            bool settled;                    // and was: an answer that is in the mailbox has come too late
        } ask;
        struct {
            zanni__identity_t *target;       // held
            zanni__down_fn *then;            // gets its DOWN, instead of the class's hook or zanni_receive; or NULL
            void *arg;
        } monitor;
        struct {
            zanni__entry_t entry;            // in the worker's table: exit.c
            zanni_msg_t *msg;                // from the partner; its EXIT, when this side ends. Its id is the link's
            bool over;                       // the partner's EXIT is in the mailbox
        } link;
        struct {
            int64_t every_ns;
            zanni_msg_t *tick;               // what each tick copies
            bool waiting;                    // one is in the mailbox
        } timer;
        struct {
            zanni_msg_t *tick;
            zanni__pending_t *next_socket;
            void *socket;
            int fd;
            uint32_t events;
            bool armed;
        } watch;
    } as;
};

int zanni__pending_new (zanni_t *self, zanni__pending_t **pending_p, zanni__pending_kind_t kind);
zanni__pending_t *zanni__pending_find (zanni_worker_t *worker, uint64_t id);
zanni__pending_t *zanni__pending_at (const zanni_worker_t *worker, uint32_t slot);   // NULL: free

/* Ends it and lets go of what it holds. */
void zanni__pending_free (zanni_worker_t *worker, zanni__pending_t *pending);

/* ZANNI_ENOMEM where the heap cannot grow. */
int zanni__due_set (zanni_worker_t *worker, zanni__pending_t *pending, int64_t due_ns);
void zanni__due_clear (zanni_worker_t *worker, zanni__pending_t *pending);

/* Fires what is due at worker->now_ns. */
void zanni__due_fire (zanni_worker_t *worker);

static inline int64_t
zanni__due_next (const zanni_worker_t *worker)
{
    return worker->heap_count ? worker->heap [0]->due_ns : INT64_MAX;
}

void zanni__ask_expired (zanni_worker_t *worker, zanni__pending_t *pending);

/* In the id of an ask: it has a ticket, so whom it is for has to be whom its asker tells how it ended. It travels, and is not
   handed on. */
#define ZANNI__TICKETED (UINT64_C (1) << 61)

/* Whether this answer or error ends its ask. Where that has a ticket, who was asked is told, unless it was before. */
bool zanni__ask_ends (zanni__pending_t *pending, const zanni_msg_t *answer);
void zanni__timer_expired (zanni_worker_t *worker, zanni__pending_t *pending);
void zanni__watch_release (zanni_worker_t *worker, zanni__pending_t *pending);
void zanni__exit_forget (zanni_worker_t *worker, zanni__pending_t *pending);

/* A held identity that was named from `worker`. */
void zanni__hold_from (zanni_worker_t *worker, zanni__identity_t *identity);
void zanni__unhold_from (zanni_worker_t *worker, zanni__identity_t *identity);

/* Tells the actor of a timer or watch: a copy of `tick`. ZANNI_ENOMEM. */
int zanni__tick (zanni_worker_t *worker, zanni__pending_t *pending, zanni_msg_t *tick);

/* Whether a tick's timer or watch is still there; marks that it arrived. */
bool zanni__tick_arrived (zanni_worker_t *worker, const zanni_msg_t *msg);

/* monitor.c: a monitor whose DOWN goes to `then`; and the same for one call once `ref`'s mailbox has room again, or the actor
   is gone. Neither is called after the actor's end, or behind zanni_demonitor. */
int zanni__monitor_then (zanni_t *self, uint64_t *monitor_p, const zanni_ref_t *ref, zanni__down_fn *then, void *arg);
int zanni__room_then (zanni_t *self, const zanni_ref_t *ref, zanni__down_fn *then, void *arg);

/* A tick's pattern: a message of the actor to itself that is never sent. */
int zanni__tick_new (zanni_t *self, zanni_msg_t **tick_p, const zanni__words_t *words, const char *signature);

#endif
