/* beat.h: what a worker's thread shows to whoever watches whether its handlers return, and what that one remembers.

   Each handler or hook that is watched is a beat with a number that no other one of the worker ever had. Who sees the
   same number look after look knows that it is one and the same handler; so nobody asks the time on the way of a
   message. Between two looks no more is counted than they should be apart: a watcher that was itself kept from
   running (a suspended host, a debugger, a machine that is short of CPUs) takes nobody for stuck who could not run
   either.

   The beat of a process actor is in a page that it shares with the launcher, which knows nothing of the classes
   there: so their names are in it, too. */

#ifndef ZANNI_ACTOR_BEAT_H
#define ZANNI_ACTOR_BEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ZANNI__PAGE_NAME 64
#define ZANNI__WATCHDOG_LOOKS 4   // at least, in the time that a handler has

/* Written by the worker's thread alone, read by others: relaxed, since what they act upon stood still for several
   looks. */
typedef struct {
    _Atomic uint64_t number;      // 0: it is in no handler that is watched
    _Atomic uint64_t actor;       // whose
    _Atomic uint32_t limit_ms;
} zanni__beat_t;

typedef struct {
    zanni__beat_t beat;
    const void *named;            // of whom the names are; the process's own
    bool hook;
    char cls [ZANNI__PAGE_NAME];
    char method [ZANNI__PAGE_NAME];
} zanni__page_t;

/* Of one worker, by its only watcher. */
typedef struct {
    uint64_t number;              // that was seen last
    int64_t looked_ns;
    int64_t spent_ns;             // since it was first seen
} zanni__vigil_t;

/* Looks; answers whether it is the same handler as at the last look. */
static inline bool
zanni__vigil_look (zanni__vigil_t *vigil, const zanni__beat_t *beat, int64_t now_ns, int64_t period_ns)
{
    uint64_t number = atomic_load_explicit (&beat->number, memory_order_relaxed);
    int64_t since_ns = now_ns - vigil->looked_ns;
    bool same = number && number == vigil->number;
    vigil->spent_ns = same ? vigil->spent_ns + (since_ns < 2 * period_ns ? since_ns : period_ns) : 0;
    vigil->number = number;
    vigil->looked_ns = now_ns;
    return same;
}

/* Between two looks at handlers that have so long. */
static inline int64_t
zanni__watchdog_period_ns (uint32_t limit_ms)
{
    int64_t period_ns = limit_ms * INT64_C (1000000) / ZANNI__WATCHDOG_LOOKS;
    return period_ns > 1000000 ? period_ns : 1000000;
}

#endif
