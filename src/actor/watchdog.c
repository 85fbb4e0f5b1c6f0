/* The watchdog: it tells of handlers and hooks that do not return, once each, and when they have returned after all.

   It is the undertaker that looks, since its thread runs no user code: at the beats of all workers, at least
   ZANNI__WATCHDOG_LOOKS times in the shortest time that an actor of the node has. So a handler is found when its time
   is over and a quarter more at most. What it costs a message, where it is on, is its beat; where it is off, nothing:
   see turn.c.

   Threads cannot be killed, so all it can do is say so: in the log, and in the picture that survey.c makes. The
   launcher, which looks at the beat of a process actor in the same way, ends the process: place/guard.c.

   A thread that waits in zanni_call or zanni_receive is not in a handler meanwhile, for its worker goes on; what
   it does behind that begins anew. */

#include "watchdog.h"

#include <inttypes.h>
#include <stdio.h>

#define S_TOLD_MOST 16   // in one look; further ones in the next

/* Something to be told. */
typedef struct {
    char worker [80];
    const zanni__method_t *method;
    uint64_t actor;
    uint64_t others;
    int64_t for_ms;
    bool over;
} s_news_t;

int
zanni__watchdog_arm (zanni_node_t *node, uint32_t limit_ms)
{
    uint32_t least_ms = atomic_load_explicit (&node->watchdog_ms, memory_order_relaxed);
    if (!limit_ms || (least_ms && least_ms <= limit_ms))
        return 0;
    int rc = zanni__node_open (node);
    if (rc)
        return rc;
    while ((!least_ms || least_ms > limit_ms)
           && !atomic_compare_exchange_weak_explicit (&node->watchdog_ms, &least_ms, limit_ms, memory_order_relaxed,
                                                      memory_order_relaxed)) {}
    node->place->rouse (atomic_load_explicit (&node->place_handle, memory_order_acquire));
    return 0;
}

void
zanni__beat_begin (zanni_worker_t *worker)
{
    zanni__beat_t *beat = worker->page ? &worker->page->beat : &worker->own_beat;
    if (zanni__beat (worker))
        return;
    atomic_store_explicit (&beat->actor, UINT64_MAX, memory_order_relaxed);
    atomic_store_explicit (&worker->beat, beat, memory_order_release);   // pairs with those who look
    worker->observed = true;
}

static void
s_copy (char to [ZANNI__PAGE_NAME], const char *name)
{
    size_t length = strnlen (name, ZANNI__PAGE_NAME - 1);
    memcpy (to, name, length);
    to [length] = 0;
}

void
zanni__page_name (zanni__page_t *page, const zanni__method_t *method)
{
    page->named = method;
    page->hook = method->hook;
    s_copy (page->cls, method->cls->definition->name);
    s_copy (page->method, method->name);
}

void
zanni__watch_enter (zanni_worker_t *worker, const zanni__identity_t *identity, const zanni__method_t *method,
                    zanni__was_t *was)
{
    zanni__beat_t *beat = zanni__beat (worker);
    *was = (zanni__was_t) { .method = zanni__doing_what (worker) };
    zanni__doing (worker, method);
    if (!beat)
        return;
    was->number = atomic_load_explicit (&beat->number, memory_order_relaxed);
    was->actor = atomic_load_explicit (&beat->actor, memory_order_relaxed);
    was->limit_ms = atomic_load_explicit (&beat->limit_ms, memory_order_relaxed);
    if (identity)
        zanni__beat_enter (worker, identity, method);
    else
        zanni__beat_leave (beat);
}

void
zanni__watch_leave (zanni_worker_t *worker, const zanni__was_t *was, bool anew)
{
    zanni__beat_t *beat = zanni__beat (worker);
    zanni__doing (worker, was->method);
    if (beat)
        zanni__beat_leave (beat);
    if (!beat || !was->number)
        return;
    if (worker->page && was->method)
        zanni__page_name (worker->page, was->method);
    atomic_store_explicit (&beat->actor, was->actor, memory_order_relaxed);
    atomic_store_explicit (&beat->limit_ms, was->limit_ms, memory_order_relaxed);
    atomic_store_explicit (&beat->number, anew ? ++worker->beats : was->number, memory_order_relaxed);
}

/* 0: nothing is watched. */
static int64_t
s_period_ns (const zanni_node_t *node)
{
    uint32_t limit_ms = atomic_load_explicit (&node->watchdog_ms, memory_order_relaxed);
    return limit_ms ? zanni__watchdog_period_ns (limit_ms) : 0;
}

/* What was told of is over: the vigil still is what the last look found. */
static void
s_note_over (zanni_worker_t *worker, s_news_t *news)
{
    *news = (s_news_t) {
        .method = worker->stuck_in, .actor = worker->stuck_actor, .for_ms = worker->vigil.spent_ns / 1000000,
        .over = true
    };
    snprintf (news->worker, sizeof news->worker, "%s", worker->name);
    atomic_store_explicit (&worker->stuck_number, 0, memory_order_relaxed);
}

static void
s_note_stuck (zanni_worker_t *worker, const zanni__beat_t *beat, s_news_t *news)
{
    worker->stuck_in = zanni__doing_what (worker);
    worker->stuck_actor = atomic_load_explicit (&beat->actor, memory_order_relaxed);
    uint64_t actors = atomic_load_explicit (&worker->counts.actors, memory_order_relaxed);
    *news = (s_news_t) {
        .method = worker->stuck_in, .actor = worker->stuck_actor, .for_ms = worker->vigil.spent_ns / 1000000,
        .others = actors ? actors - 1 : 0
    };
    snprintf (news->worker, sizeof news->worker, "%s", worker->name);
    atomic_store_explicit (&worker->stuck_number, worker->vigil.number, memory_order_relaxed);
}

/* Under the node's lock, which keeps the worker; answers how many news there are, two at most. */
static int
s_look_at (zanni_worker_t *worker, int64_t now_ns, int64_t period_ns, s_news_t *news)
{
    /* acquire pairs with zanni__beat_begin. */
    const zanni__beat_t *beat = atomic_load_explicit (&worker->beat, memory_order_acquire);
    uint64_t told = atomic_load_explicit (&worker->stuck_number, memory_order_relaxed);
    if (!beat)
        return 0;
    int count = 0;
    if (told && told != atomic_load_explicit (&beat->number, memory_order_relaxed))
        s_note_over (worker, &news [count++]);
    bool same = zanni__vigil_look (&worker->vigil, beat, now_ns, period_ns);
    int64_t limit_ns = atomic_load_explicit (&beat->limit_ms, memory_order_relaxed) * INT64_C (1000000);
    if (same && !told && worker->vigil.spent_ns >= limit_ns)
        s_note_stuck (worker, beat, &news [count++]);
    return count;
}

static void
s_tell (const zanni_node_t *node, const s_news_t *news)
{
    const zanni__method_t *method = news->method;
    const char *kind = method && method->hook ? "hook" : "method";
    const char *name = method ? method->name : "";
    const char *cls = method && *method->cls->definition->name ? method->cls->definition->name : "without a class";
    char others [64] = "";
    if (news->others)
        snprintf (others, sizeof others, "; %" PRIu64 " more actors wait for that", news->others);
    if (news->over)
        zanni__log (node, ZANNI_LOG_WARNING,
                    "watchdog: actor %" PRIu64 " (%s) of %s has left its %s %s after more than %" PRId64 " ms",
                    news->actor, cls, news->worker, kind, name, news->for_ms);
    else
        zanni__log (node, ZANNI_LOG_WARNING,
                    "watchdog: actor %" PRIu64 " (%s) of %s has been in its %s %s for %" PRId64 " ms%s",
                    news->actor, cls, news->worker, kind, name, news->for_ms, others);
}

void
zanni__watchdog_look (zanni_worker_t *undertaker)
{
    zanni_node_t *node = undertaker->node;
    s_news_t news [S_TOLD_MOST];
    int count = 0;
    int64_t now_ns = undertaker->now_ns;
    int64_t period_ns = s_period_ns (node);
    if (undertaker->watch_ns > now_ns + period_ns)
        undertaker->watch_ns = now_ns + period_ns;
    if (!period_ns || now_ns < undertaker->watch_ns)
        return;
    undertaker->watch_ns = now_ns + period_ns;
    pthread_mutex_lock (&node->lock);
    for (uint32_t i = 0; i < node->workers_size && count + 2 <= S_TOLD_MOST; i++)
        if (node->workers [i])
            count += s_look_at (node->workers [i], now_ns, period_ns, &news [count]);
    pthread_mutex_unlock (&node->lock);
    for (int i = 0; i < count; i++)
        s_tell (node, &news [i]);
}

void
zanni__watchdog_end (zanni_worker_t *worker)
{
    zanni_node_t *node = worker->node;
    s_news_t news;
    pthread_mutex_lock (&node->lock);   // the undertaker may look just now
    bool was_stuck = atomic_load_explicit (&worker->stuck_number, memory_order_relaxed);
    if (was_stuck)
        s_note_over (worker, &news);
    pthread_mutex_unlock (&node->lock);
    if (was_stuck && !zanni__node_is_ending (node))   // it may be abandoned, and its node gone
        s_tell (node, &news);
}

int64_t
zanni__watchdog_due (const zanni_worker_t *worker)
{
    return worker == worker->node->undertaker && s_period_ns (worker->node) ? worker->watch_ns : INT64_MAX;
}

int64_t
zanni_worker_watch (zanni_worker_t *undertaker)
{
    if (zanni__watchdog_due (undertaker) == INT64_MAX)
        return INT64_MAX;
    undertaker->now_ns = zanni__node_now (undertaker->node);
    zanni__watchdog_look (undertaker);
    return zanni__watchdog_due (undertaker);
}

void
zanni__watchdog_reason (zanni_reason_t *reason, const char *cls, bool hook, const char *method, int64_t spent_ns)
{
    *reason = (zanni_reason_t) { .kind = ZANNI_EXIT_ERROR, .code = ZANNI_EWATCHDOG };
    snprintf (reason->text, sizeof reason->text, "watchdog: %.29s has been in its %s %.29s for %" PRIu32 " ms", cls,
              hook ? "hook" : "method", method, (uint32_t) (spent_ns / 1000000));
}

bool
zanni__is_stuck (const zanni_worker_t *worker, uint64_t *actor)
{
    const zanni__beat_t *beat = atomic_load_explicit (&worker->beat, memory_order_acquire);
    uint64_t number = beat ? atomic_load_explicit (&beat->number, memory_order_relaxed) : 0;
    bool stuck = number && number == atomic_load_explicit (&worker->stuck_number, memory_order_relaxed);
    *actor = stuck ? atomic_load_explicit (&beat->actor, memory_order_relaxed) : 0;
    return stuck;
}
