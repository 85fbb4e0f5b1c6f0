/* scene.h: what the systematic tests share. A play is run in many worlds, one a seed; each gets a root in a node of its
   own, and at its end nothing may be left: no actor, no message, no byte.

       static void
       play_ping (scene_t *scene) { ... check (rc == 0); ... }

       Test (ping, is_answered) { scene_run (&setup, play_ping); }

   What fails says how to play its seed alone, which writes that world's trace to stderr; see support/seeds.h. */

#ifndef TESTS_SYSTEMATIC_SCENE_H
#define TESTS_SYSTEMATIC_SCENE_H

#include "support/faults.h"
#include "support/seeds.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zanni.h>
#include <zanni/sim.h>

#define SCENE_SEEDS 400
#define SCENE_MANY 1000     // of what matters most
#define MS INT64_C (1000000)

typedef struct {
    zanni_sim_t *world;
    zanni_t *self;        // the root
    uint64_t seed;
} scene_t;

typedef void scene_play_fn (scene_t *scene);

typedef struct {
    const zanni_class_t *const *classes;
    zanni_sim_options_t world;
    zanni_options_t node;
    uint32_t seeds;       // 0: SCENE_SEEDS
    bool may_fail;        // memory is out on purpose: zanni_new may answer ZANNI_ENOMEM, and the play is left out
} scene_setup_t;

/* The scene that is on, for handlers. */
extern scene_t *scene_now;

void scene_run (const scene_setup_t *setup, scene_play_fn *play);

/* Registers the setup's classes and installs the allocator of faults.h, which the two others do by themselves. */
void scene_register (const scene_setup_t *setup);

/* Whether full counts are wanted (ZANNI_LONG). */
bool scene_full (void);

/* One world only; answers its trace's hash. */
uint64_t scene_run_seed (const scene_setup_t *setup, scene_play_fn *play, uint64_t seed);

/* The world's seed draws, below `limit`. */
uint32_t scene_draw (uint32_t limit);

/* Lets everybody run until nobody can before time goes on; lets `ms` pass and everybody run. */
void scene_settle (void);
void scene_pass (int64_t ms);

/* A SHARED actor on pool worker `worker` (from 1; 0: root's worker) without start arguments. */
zanni_ref_t *scene_spawn (const char *class_name, uint32_t worker);

zanni_stats_t scene_stats (void);
int64_t scene_now_ns (void);

#endif
