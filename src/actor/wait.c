/* A worker without work waits in its port, which a batch, a watched descriptor or the next due time ends.

   To sleep and to be woken costs tens of microseconds, and who waits for an answer through memory that it shares with another
   process pays that twice for something that takes one. So a worker whose last sleep was short, and which has a link by
   which things come that way, stays awake for a while first: it *lingers*, looks into that memory and now and then at all
   descriptors. If nothing comes for so long, or something comes just behind that time again and again, it sleeps at once
   for a while: idle workers cost nothing, and what lingering can waste has a bound. Erlang's schedulers and CAF's workers
   wait so, too; where there is one CPU only, whoever is waited for could not run, and nobody lingers. */

#include "descriptor.h"
#include "pending.h"
#include "watch.h"
#include "watchdog.h"

#include <zanni/sys/link.h>

#define S_LINGER_NS 50000          // at most
#define S_SHORT_NS 150000          // a sleep after which lingering may help
#define S_GLANCES 64               // between two looks at descriptors: some microseconds
#define S_MISSES_MOST 8            // in a row, and it does not linger any more ...
#define S_MISSES_SLEEPS 1024       // ... for so many sleeps

static bool
s_has_work (const zanni_worker_t *worker)
{
    return worker->run_head || zanni__unsent (worker) || worker->stalled.head || worker->events.head
           || zanni__watches_ready (worker);
}

bool
zanni__worker_busy (const zanni_worker_t *worker)
{
    return s_has_work (worker) || (worker->link && worker->node->link->waiting (worker->link));
}

bool
zanni__worker_rests (const zanni_worker_t *worker)
{
    return !s_has_work (worker) && (!worker->link || worker->node->link->rest (worker->link));
}

int64_t
zanni__worker_due (const zanni_worker_t *worker)
{
    int64_t due_ns = zanni__due_next (worker);
    int64_t link_ns = worker->link ? worker->node->link->next_ns (worker->link) : INT64_MAX;
    due_ns = worker->debts_ns < due_ns ? worker->debts_ns : due_ns;
    return link_ns < due_ns ? link_ns : due_ns;
}

static int64_t
s_left (const zanni_worker_t *worker, int64_t until_ns)
{
    return until_ns == INT64_MAX ? INT64_MAX : until_ns - zanni__node_now (worker->node);
}

static void
s_wait_in_watches (zanni_worker_t *worker, int64_t left_ns)
{
    zanni__watches_poll (worker, left_ns);
    worker->polled = true;
}

/* Without a port there is one worker: only time and watches can end its waiting. */
static void
s_wait_alone (zanni_worker_t *worker, int64_t until_ns)
{
    int64_t left_ns = s_left (worker, until_ns);
    if (worker->watches && !worker->bell_watched)
        worker->bell_watched = zanni__watches_with (worker, worker->node->bell) == worker->epoll;
    if (worker->bell_watched)
        s_wait_in_watches (worker, left_ns);
    else
        zanni__watches_wait (worker, left_ns);
}

static int
s_wait_in_port (zanni_worker_t *worker, int64_t until_ns, int fd)
{
    int seen = worker->node->port->wait (worker->port, until_ns, fd);
    worker->fresh = seen != 0;
    worker->port_stirred |= seen >= 0;
    return seen == ZANNI_EDEADLOCK ? seen : 0;
}

/* Where there are watches the port's descriptor is best one of them: then a wait is one system call, which says what
   ended it. */
static bool
s_watches_port (zanni_worker_t *worker)
{
    if (worker->port_watched)
        return true;
    int fd = worker->node->port->fd (worker->port);
    if (fd < 0 || zanni__watches_with (worker, fd) != worker->epoll)
        return false;
    worker->port_watched = true;
    worker->port_stirred = true;   // it may have been before
    return true;
}

static inline void
s_pause (void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause ();
#elif defined __aarch64__
    __asm__ volatile ("isb");
#endif
}

/* Something for this worker came, or it has waited for long enough. */
static bool
s_is_stirred (zanni_worker_t *worker)
{
    for (int i = 0; i < S_GLANCES; i++) {
        if (worker->node->link->waiting (worker->link))
            return true;
        s_pause ();
    }
    zanni__watches_poll (worker, 0);
    worker->polled = true;
    return worker->port_stirred || zanni__worker_busy (worker);
}

/* Whether something came meanwhile. */
static bool
s_lingers (zanni_worker_t *worker, int64_t until_ns)
{
    int64_t now_ns = worker->lingers ? zanni__node_now (worker->node) : 0;
    int64_t end_ns = until_ns - now_ns > S_LINGER_NS ? now_ns + S_LINGER_NS : until_ns;
    if (!worker->lingers || (worker->port && !worker->port_watched) || !worker->node->link->shares (worker->link))
        return false;
    for (; now_ns < end_ns; now_ns = zanni__node_now (worker->node))
        if (s_is_stirred (worker)) {
            worker->misses = 0;
            return true;
        }
    return false;
}

static void
s_learn (zanni_worker_t *worker, int64_t slept_ns)
{
    bool was_short = slept_ns < S_SHORT_NS;
    if (!worker->link || worker->node->options.sleep_at_once)
        return;
    if (worker->lingers && was_short)
        worker->misses++;
    if (worker->misses >= S_MISSES_MOST) {
        worker->misses = 0;
        worker->abstains = S_MISSES_SLEEPS;
    }
    if (worker->abstains)
        worker->abstains--;
    worker->lingers = was_short && !worker->abstains;
}

int
zanni__worker_wait (zanni_worker_t *worker, int64_t until_ns)
{
    int rc = 0;
    if (zanni__unsent (worker))
        zanni__flush (worker);
    int64_t next_ns = zanni__worker_due (worker);
    if (next_ns < until_ns)
        until_ns = next_ns;
    if (zanni__worker_busy (worker) || s_lingers (worker, until_ns) || !zanni__worker_rests (worker))
        return 0;
    atomic_store_explicit (&worker->slept, true, memory_order_relaxed);
    int64_t since_ns = zanni__node_now (worker->node);
    if (!worker->port)
        s_wait_alone (worker, until_ns);
    else if (!worker->watches || !s_watches_port (worker))
        rc = s_wait_in_port (worker, until_ns, worker->epoll);
    else if (!worker->port_stirred)
        s_wait_in_watches (worker, s_left (worker, until_ns));
    s_learn (worker, zanni__node_now (worker->node) - since_ns);
    return rc;
}

void
zanni_worker_wait (zanni_worker_t *worker, int64_t until_ns, int fd)
{
    if (zanni__unsent (worker))
        zanni__flush (worker);
    int64_t next_ns = zanni_worker_next_ns (worker);
    if (next_ns < until_ns)
        until_ns = next_ns;
    if (worker->port && zanni__worker_rests (worker))
        (void) s_wait_in_port (worker, until_ns, zanni__watches_with (worker, fd));
}

int64_t
zanni_worker_next_ns (const zanni_worker_t *worker)
{
    int64_t due_ns = zanni__worker_due (worker);
    int64_t watch_ns = zanni__watchdog_due (worker);
    return watch_ns < due_ns ? watch_ns : due_ns;
}
