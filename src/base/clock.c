/* The default of the clock seam.

   Time is CLOCK_MONOTONIC: deadlines and timers must not jump when somebody sets the date, and what passes while the
   machine sleeps is not counted against them. Chance is getrandom, which may be interrupted or answer less than was
   asked for, early in a system's life above all. */

#include "clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#define S_NS_PER_S INT64_C (1000000000)

static int64_t
s_now_ns (void *context)
{
    struct timespec now;
    (void) context;
    clock_gettime (CLOCK_MONOTONIC, &now);   // cannot fail with this clock
    return now.tv_sec * S_NS_PER_S + now.tv_nsec;
}

static int64_t
s_wall_ns (void *context)
{
    struct timespec now;
    (void) context;
    clock_gettime (CLOCK_REALTIME, &now);
    return now.tv_sec * S_NS_PER_S + now.tv_nsec;
}

static int
s_random (void *context, void *data, size_t size)
{
    uint8_t *at = data;
    (void) context;
    while (size) {
        ssize_t got = getrandom (at, size, 0);
        if (got < 0 && errno != EINTR)
            return ZANNI_ESYSTEM;
        if (got > 0) {
            at += got;
            size -= (size_t) got;
        }
    }
    return 0;
}

/* Relaxed: nothing else is read by it, and two callers that get neighbouring numbers in any order are fine. */
static uint32_t
s_choose (void *context, uint32_t count)
{
    zanni__turns_t *turns = context;
    return count ? atomic_fetch_add_explicit (turns, 1, memory_order_relaxed) % count : 0;
}

static zanni__turns_t s_turns;

const zanni_clock_t zanni__clock_system = {
    .size = sizeof (zanni_clock_t), .context = &s_turns,
    .now_ns = s_now_ns, .random = s_random, .choose = s_choose, .wall_ns = s_wall_ns
};
