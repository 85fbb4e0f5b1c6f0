/* timer.h: messages to oneself, later. Call these from the actor whose `self` it is; none blocks.

   A timer tells a method of its own actor, so it arrives like any message: in a handler, or out of zanni_receive.
   It ends with its actor's incarnation.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_TIMER_H
#define ZANNI_TIMER_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tells `method` (private or public) of the calling actor after `after_ms`, and then, unless it is 0, every
   `every_ms`, counted from the first. At most one tick of a timer waits in the mailbox: ticks that come meanwhile
   are left out. Each tick carries these arguments. */
ZANNI_EXPORT int zanni_timer_args (zanni_t *self, uint64_t *timer_p, int64_t after_ms, int64_t every_ms,
                                   const char *method, const zanni_arg_t *args, size_t count) ZANNI_CHECKED;

/* Ends a timer; a tick that waits in the mailbox is not delivered any more. An id that has ended is no error. */
ZANNI_EXPORT int zanni_timer_cancel (zanni_t *self, uint64_t timer) ZANNI_CHECKED;

/* The node's clock: nanoseconds that only grow, from an arbitrary start. */
ZANNI_EXPORT int64_t zanni_now_ns (zanni_t *self);

#ifdef __cplusplus
}
#else

/* With their arguments typed by C; cpp.h has the same for C++. */
#define zanni_timer(self, timer_p, after_ms, every_ms, ...)                                                   \
    zanni_timer_args (self, timer_p, after_ms, every_ms, ZANNI_ARGV (__VA_ARGS__))

#endif
#endif
