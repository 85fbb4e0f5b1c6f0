/* clock.h: the seam through which zanni knows time, chance and order.

   The default is this system's monotonic clock and random source. A test sets its own table in zanni_options_t and
   so decides what time it is. Weaker stability promise than the rest of the API.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SYS_CLOCK_H
#define ZANNI_SYS_CLOCK_H

#include "../error.h"

/* Every hook may be called from any thread of the node, must not block, and must not call zanni. */
typedef struct zanni_clock {
    size_t size;   // sizeof (zanni_clock_t), or 0
    void *context;
    /* Nanoseconds that never go back, from any start. */
    int64_t (*now_ns) (void *context);
    /* Fills `data` with `size` unpredictable bytes: node ids and nonces. 0, or a negative ZANNI_E... code. */
    int (*random) (void *context, void *data, size_t size);
    /* One of 0 .. count - 1: which pool worker is next. The default goes round robin. */
    uint32_t (*choose) (void *context, uint32_t count);
    /* The time of day, in nanoseconds since 1970 UTC, for people only. May be NULL: none is told. */
    int64_t (*wall_ns) (void *context);
} zanni_clock_t;

#endif
