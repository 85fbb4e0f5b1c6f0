/* clock.h: this system as the clock seam sees it. */

#ifndef ZANNI_BASE_CLOCK_H
#define ZANNI_BASE_CLOCK_H

#include <stdatomic.h>
#include <zanni/sys/clock.h>

/* What the system's clock has as `context`: how often it chose. */
typedef _Atomic uint32_t zanni__turns_t;

/* The monotonic clock, the kernel's random source, and round robin. A copy of the table may be given a context of
   its own, so that one node's choices do not shift another's. */
extern const zanni_clock_t zanni__clock_system;

#endif
