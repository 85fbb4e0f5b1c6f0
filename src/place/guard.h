/* guard.h: the watchdog of a process actor, in its launcher. See guard.c. */

#ifndef ZANNI_PLACE_GUARD_H
#define ZANNI_PLACE_GUARD_H

#include "../actor/beat.h"

#include <sys/types.h>
#include <zanni/error.h>

typedef struct {
    zanni__page_t *page;      // shared with the process; NULL: none
    zanni__vigil_t vigil;
    uint32_t limit_ms;        // 0: nobody looks
    int64_t due_ns;           // the next look; INT64_MAX: none
    bool killed;
} zanni__guard_t;

/* Before the process is forked. ZANNI_ENOMEM. */
int zanni__guard_new (zanni__guard_t *guard);

/* In the launcher when the process has ended, and in every other child. */
void zanni__guard_free (zanni__guard_t *guard);

/* The process has become an actor with so long; 0: as long as it likes. */
void zanni__guard_set (zanni__guard_t *guard, uint32_t limit_ms, int64_t now_ns);

/* Looks, if it is time to, and kills the process that is stuck. */
void zanni__guard_look (zanni__guard_t *guard, pid_t pid, int64_t now_ns);

/* What is told of the end of a process that was killed so. */
void zanni__guard_reason (const zanni__guard_t *guard, zanni_reason_t *reason);

#endif
