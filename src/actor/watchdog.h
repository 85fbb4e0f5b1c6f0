/* watchdog.h: handlers and hooks that do not return. See watchdog.c. */

#ifndef ZANNI_ACTOR_WATCHDOG_H
#define ZANNI_ACTOR_WATCHDOG_H

#include "doing.h"

/* What a thread was in before, for zanni__watch_leave. */
typedef struct {
    const zanni__method_t *method;
    uint64_t number;
    uint64_t actor;
    uint32_t limit_ms;
} zanni__was_t;

/* Whether that may be the `watchdog_ms` of a spawn. */
static inline bool
zanni__watchdog_fits (int64_t watchdog_ms)
{
    return watchdog_ms >= -1 && watchdog_ms <= INT32_MAX;
}

/* What an actor has that is spawned with it; 0: no watchdog. */
static inline uint32_t
zanni__watchdog_limit (const zanni_node_t *node, int64_t watchdog_ms)
{
    return watchdog_ms < 0 ? 0 : watchdog_ms ? (uint32_t) watchdog_ms : node->options.watchdog_ms;
}

/* From now on somebody of the node looks after handlers that have so long; 0: nothing. Any thread. What
   zanni__node_open answers. */
int zanni__watchdog_arm (zanni_node_t *node, uint32_t limit_ms);

/* The worker has an actor that is watched: its beat is there from now on. On its thread. */
void zanni__beat_begin (zanni_worker_t *worker);

/* Names the method in the page that the worker shares with the launcher. */
void zanni__page_name (zanni__page_t *page, const zanni__method_t *method);

static inline zanni__beat_t *
zanni__beat (const zanni_worker_t *worker)
{
    /* Relaxed: only this thread ever sets it. */
    return atomic_load_explicit (&worker->beat, memory_order_relaxed);
}

/* The worker's thread is in a handler or hook of that actor, and out of it. On its thread, where it has a beat. */
static inline void
zanni__beat_enter (zanni_worker_t *worker, const zanni__identity_t *identity, const zanni__method_t *method)
{
    zanni__beat_t *beat = zanni__beat (worker);
    if (atomic_load_explicit (&beat->actor, memory_order_relaxed) != identity->id) {
        atomic_store_explicit (&beat->actor, identity->id, memory_order_relaxed);
        atomic_store_explicit (&beat->limit_ms, identity->watchdog_ms, memory_order_relaxed);
    }
    if (worker->page && worker->page->named != method)
        zanni__page_name (worker->page, method);
    atomic_store_explicit (&beat->number, identity->watchdog_ms ? ++worker->beats : 0, memory_order_relaxed);
}

static inline void
zanni__beat_leave (zanni__beat_t *beat)
{
    atomic_store_explicit (&beat->number, 0, memory_order_relaxed);
}

/* The worker's thread goes from what it was in into a hook of that actor, or (both NULL) waits; and comes back, where
   `anew` says that its time begins anew. On its thread. */
void zanni__watch_enter (zanni_worker_t *worker, const zanni__identity_t *identity, const zanni__method_t *method,
                         zanni__was_t *was);
void zanni__watch_leave (zanni_worker_t *worker, const zanni__was_t *was, bool anew);

/* On the undertaker's thread: looks, if it is time to; when that is next, INT64_MAX: never. */
void zanni__watchdog_look (zanni_worker_t *undertaker);
int64_t zanni__watchdog_due (const zanni_worker_t *worker);

/* What a process is killed for. */
void zanni__watchdog_reason (zanni_reason_t *reason, const char *cls, bool hook, const char *method, int64_t spent_ns);

/* The worker ends, on its thread: what it was stuck in is over. */
void zanni__watchdog_end (zanni_worker_t *worker);

/* Whether the handler that the worker is in has been told of. Any thread, while the worker is held. */
bool zanni__is_stuck (const zanni_worker_t *worker, uint64_t *actor);

#endif
