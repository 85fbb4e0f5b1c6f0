/* Scenes: one world after the other, in one process. The allocator that counts is put in place once, before the first
   node, and every world has to leave it at zero. */

#include "scene.h"

scene_t *scene_now;

static int
s_begin (scene_t *scene, const scene_setup_t *setup, bool echoed)
{
    zanni_sim_options_t world = setup->world;
    zanni_options_t node = setup->node;
    world.seed = scene->seed;
    world.line = echoed ? seeds_print : NULL;
    world.stuck = seeds_print;
    cr_assert_eq (zanni_sim_new (&scene->world, &world), 0);
    cr_assert_eq (zanni_sim_plug (scene->world, &node), 0);
    if (!node.workers)
        node.workers = 4;
    scene_now = scene;
    return zanni_new (&scene->self, &node);
}

static uint64_t
s_play (const scene_setup_t *setup, scene_play_fn *play, uint64_t seed, bool echoed)
{
    scene_t scene = { .seed = seed };
    long held = faults_held ();
    int rc = s_begin (&scene, setup, echoed);
    if (!rc) {
        play (&scene);
        check_eq (zanni_destroy (&scene.self), 0);
    }
    else
        check (setup->may_fail && rc == ZANNI_ENOMEM);
    uint64_t hash = zanni_sim_hash (scene.world);
    zanni_sim_destroy (&scene.world);
    check_eq (faults_held (), held);
    return hash;
}

void
scene_register (const scene_setup_t *setup)
{
    static const zanni_class_t *const *registered;
    if (registered == setup->classes)
        return;
    if (registered)
        faults_remove ();
    cr_assert_eq (zanni_init (setup->classes), 0);
    faults_install ();
    registered = setup->classes;
}

bool
scene_full (void)
{
    return getenv ("ZANNI_LONG") != NULL;
}

void
scene_run (const scene_setup_t *setup, scene_play_fn *play)
{
    scene_register (setup);
    for (seeds_t seeds = seeds_usual (setup->seeds ? setup->seeds : SCENE_SEEDS); seeds_next (&seeds);)
        (void) s_play (setup, play, seeds.seed, seeds.alone);
}

uint64_t
scene_run_seed (const scene_setup_t *setup, scene_play_fn *play, uint64_t seed)
{
    scene_register (setup);
    seeds_play (seed);
    return s_play (setup, play, seed, false);
}

uint32_t
scene_draw (uint32_t limit)
{
    return zanni_sim_below (scene_now->world, limit);
}

void
scene_settle (void)
{
    zanni_sim_settle (scene_now->world, scene_now->self);
}

void
scene_pass (int64_t ms)
{
    check_eq (zanni_run (scene_now->self, ms), 0);
    scene_settle ();
}

zanni_ref_t *
scene_spawn (const char *class_name, uint32_t worker)
{
    zanni_ref_t *ref = NULL;
    zanni_spawn_t options = { .place = worker ? ZANNI_SHARED : ZANNI_HERE, .worker = worker };
    check_eq (zanni_spawn (scene_now->self, &ref, class_name, &options), 0);
    return ref;
}

zanni_stats_t
scene_stats (void)
{
    zanni_stats_t stats;
    check_eq (zanni_stats (scene_now->self, &stats), 0);
    return stats;
}

int64_t
scene_now_ns (void)
{
    return zanni_sim_now_ns (scene_now->world);
}
