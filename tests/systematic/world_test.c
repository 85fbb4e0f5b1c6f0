/* The simulated world itself: what every other test here stands on. */

#include "scene.h"

/* Passes a number on to the next of a ring until it is used up. */
typedef struct {
    zanni_ref_t *next;
} hop_t;

static int hops;

static int
hop_next (zanni_t *self, zanni_msg_t *msg)
{
    hop_t *hop = zanni_state (self);
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next);
    return rc ? rc : zanni_ref_keep (self, &hop->next, next);
}

static int
hop_pass (zanni_t *self, zanni_msg_t *msg)
{
    hop_t *hop = zanni_state (self);
    int left;
    int rc = zanni_read (msg, &left);
    hops++;
    return rc || !left ? rc : zanni_tell (self, hop->next, "pass", left - 1);
}

static int
hop_echo (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

static const zanni_method_t hop_methods [] = {
    ZANNI_METHOD ("next", "r", "", hop_next, "Whom to pass to."),
    ZANNI_METHOD ("pass", "i", "", hop_pass, "Passes on."),
    ZANNI_METHOD ("echo", "x", "x", hop_echo, "Answers its argument."),
    ZANNI_METHOD_END
};
static const zanni_class_t hop_class = { .name = "hop", .state_size = sizeof (hop_t), .methods = hop_methods };
static const zanni_class_t *const classes [] = { &hop_class, NULL };
static const scene_setup_t setup = { .classes = classes };

/* Three rings across four workers at once. */
static void
play_rings (scene_t *scene)
{
    zanni_ref_t *ring [12];
    hops = 0;
    for (uint32_t i = 0; i < 12; i++)
        ring [i] = scene_spawn ("hop", i % 4 + 1);
    for (int i = 0; i < 12; i++)
        check_eq (zanni_tell (scene->self, ring [i], "next", ring [i / 4 * 4 + (i + 1) % 4]), 0);
    scene_settle ();
    for (int i = 0; i < 12; i += 4)
        check_eq (zanni_tell (scene->self, ring [i], "pass", 50), 0);
    scene_settle ();
    check_eq (hops, 3 * 51);
    for (int i = 0; i < 12; i++)
        zanni_ref_destroy (&ring [i]);
}

Test (world, runs_everybody)
{
    scene_run (&setup, play_rings);
}

Test (world, same_seed_same_trace)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t hash = scene_run_seed (&setup, play_rings, seed);
        cr_assert_eq (scene_run_seed (&setup, play_rings, seed), hash);
    }
}

Test (world, another_seed_another_order)
{
    uint64_t hashes [20];
    for (uint64_t i = 0; i < 20; i++) {
        hashes [i] = scene_run_seed (&setup, play_rings, i);
        for (uint64_t j = 0; j < i; j++)
            cr_assert_neq (hashes [i], hashes [j]);
    }
}

static void
play_call (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) hop = scene_spawn ("hop", 1 + scene_draw (4));
    for (int64_t i = 0; i < 20; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        int64_t number;
        check_eq (zanni_call (scene->self, &reply, hop, "echo", i), 0);
        check_eq (zanni_read (reply, &number), 0);
        check_eq (number, i);
    }
}

static void
play_frozen_call (scene_t *scene)
{
    int64_t before_ns = scene_now_ns ();
    play_call (scene);
    check_eq (scene_now_ns (), before_ns);
}

Test (world, time_stands_while_anybody_can_run)
{
    scene_run (&setup, play_frozen_call);
}

static void
play_idle (scene_t *scene)
{
    int64_t before_ns = scene_now_ns ();
    zanni_msg_t *msg;
    check_eq (zanni_receive (scene->self, &msg, 3600000), ZANNI_ETIMEOUT);
    check_eq (scene_now_ns () - before_ns, 3600000 * MS);
}

Test (world, an_hour_passes_at_once)
{
    scene_run (&setup, play_idle);
}

Test (world, with_latency_and_a_clock_that_ticks)
{
    static const scene_setup_t slow = {
        .classes = classes, .world = { .latency_ns = 5 * MS, .tick_ns = 30000 }
    };
    scene_run (&slow, play_call);
}

static void
play_refused (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) hop = scene_spawn ("hop", 1);
    uint64_t posts = zanni_sim_posts (scene->world);
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { .refuse_post = 1 });
    check_eq (zanni_tell (scene->self, hop, "pass", 0), 0);
    check_eq (zanni_sim_posts (scene->world), posts + 1);
    hops = 0;
    scene_settle ();
    check_eq (hops, 1);   // it was posted again
    check (zanni_sim_posts (scene->world) >= posts + 2);
}

Test (world, a_refused_post_is_tried_again)
{
    scene_run (&setup, play_refused);
}

static void
play_lost (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) hop = scene_spawn ("hop", 1);
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { .lose_batch = 1 });
    hops = 0;
    check_eq (zanni_tell (scene->self, hop, "pass", 0), 0);
    scene_settle ();
    check_eq (hops, 1);   // the undertaker posted it
    check_eq (scene_stats ().dead_letters, 0);
}

Test (world, an_undelivered_batch_finds_its_living_receiver)
{
    scene_run (&setup, play_lost);
}

static void
play_nodes (scene_t *scene)
{
    zanni_options_t options = ZANNI_OPTIONS_DEFAULT;
    zanni_t *other = NULL;
    zanni_ref_t *hop = NULL;
    check_eq (zanni_sim_plug (scene->world, &options), 0);
    check_eq (zanni_new (&other, &options), 0);
    check_eq (zanni_spawn (other, &hop, "hop", NULL), 0);
    play_call (scene);
    check_eq (zanni_tell (other, hop, "pass", 0), 0);
    hops = 0;
    zanni_sim_settle (scene->world, other);
    check_eq (hops, 1);
    zanni_ref_destroy (&hop);
    check_eq (zanni_destroy (&other), 0);
    play_call (scene);
}

Test (world, two_nodes_in_one)
{
    scene_run (&setup, play_nodes);
}
