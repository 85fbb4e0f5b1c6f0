/* maker.h: three actors of a program's class "maker", one a worker, that make and end others until there were so many. */

#ifndef TESTS_STRESS_MAKER_H
#define TESTS_STRESS_MAKER_H

#include "stress.h"

#define MAKERS 3

/* What the state of a maker begins with; its class starts by maker_start and has a method "more", which it is told first. */
typedef struct {
    zanni_ref_t *boss;
    int64_t left;        // to make
    int64_t open;        // monitors that have not fired
    uint64_t random;
} maker_t;

#define MAKER_START_IN "rxt"

static inline int
maker_start (zanni_t *self, zanni_msg_t *msg)
{
    maker_t *maker = zanni_state (self);
    const zanni_ref_t *boss;
    int rc = zanni_read (msg, &boss, &maker->left, &maker->random);
    if (!rc)
        rc = zanni_ref_weak (self, &maker->boss, boss);
    return rc ? rc : zanni_tell (self, zanni_self (self), "more");
}

static inline void
maker_done (zanni_t *self, const maker_t *maker)
{
    STRESS_OK (zanni_tell (self, maker->boss, "done"));
}

/* Each makes `count`; when all are done nobody is left but the root, who ends then. */
static inline void
maker_play (const zanni_class_t *const *classes, int64_t count)
{
    zanni_ref_t *makers [MAKERS] = { NULL };
    zanni_stats_t stats = { .actors = 0 };
    zanni_t *self = NULL;
    STRESS_OK (zanni_init (classes));
    STRESS_OK (zanni_new (&self, &(zanni_options_t) { .workers = MAKERS }));
    for (uint32_t i = 0; i < MAKERS; i++)
        STRESS_OK (zanni_spawn (self, &makers [i], "maker", &(zanni_spawn_t) { .worker = i + 1 }, zanni_self (self), count,
                                i + 1));
    for (int i = 0; i < MAKERS; i++)
        stress_await (self, "done");
    for (int i = 0; i < MAKERS; i++)
        zanni_ref_destroy (&makers [i]);
    for (int i = 0; i < STRESS_WAIT_MS && stats.actors != 1; i++) {
        STRESS_OK (zanni_run (self, 1));
        STRESS_OK (zanni_stats (self, &stats));
    }
    STRESS_CHECK (stats.actors == 1);
    STRESS_OK (zanni_destroy (&self));
}

#endif
