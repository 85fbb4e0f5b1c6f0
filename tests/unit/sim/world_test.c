/* Worlds: the same seed gives the same order, in this process and in another one; threads, loops and waits are simulated, too;
   roots are served while others wait. */

#include "support/scratch.h"
#include "support/seeds.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zanni.h>
#include <zanni/net.h>
#include <zanni/sim.h>

#define MS INT64_C (1000000)

/* Asks the next of a chain, and answers one more than that one does. */
typedef struct {
    zanni_ref_t *next;
} s_chain_t;

static int
s_chain_start (zanni_t *self, zanni_msg_t *msg)
{
    s_chain_t *chain = zanni_state (self);
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next);
    return rc ? rc : zanni_ref_keep (self, &chain->next, next);
}

static void
s_chain_stop (zanni_t *self, const zanni_reason_t *reason)
{
    (void) reason;
    zanni_ref_destroy (&((s_chain_t *) zanni_state (self))->next);
}

static int
s_chain_depth (zanni_t *self, zanni_msg_t *msg)
{
    const s_chain_t *chain = zanni_state (self);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int64_t depth = 0;
    int rc = zanni_call (self, &reply, chain->next, "depth");
    if (!rc)
        rc = zanni_read (reply, &depth);
    return rc ? rc : zanni_reply (self, msg, depth + 1);
}

static const zanni_method_t s_chain_methods [] = {
    ZANNI_METHOD ("depth", "", "x", s_chain_depth, "How many follow."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_chain_class = {
    .name = "chain", .state_size = sizeof (s_chain_t), .methods = s_chain_methods, .start_in = "r",
    .start = s_chain_start, .stop = s_chain_stop
};

static int
s_leaf_depth (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, INT64_C (1));
}

static const zanni_method_t s_leaf_methods [] = {
    ZANNI_METHOD ("depth", "", "x", s_leaf_depth, "None."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_leaf_class = { .name = "leaf", .methods = s_leaf_methods };

/* Reads its mailbox itself, and answers how many it has read. */
static int
s_loop_run (zanni_t *self)
{
    for (int64_t count = 1;; count++) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        int rc = zanni_receive (self, &msg, -1);
        if (!rc)
            rc = zanni_reply (self, msg, count);
        if (rc)
            return rc == ZANNI_ECLOSED ? 0 : rc;
    }
}

static const zanni_method_t s_loop_methods [] = {
    ZANNI_METHOD ("next", "", "x", NULL, "The next number."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_loop_class = { .name = "loop", .methods = s_loop_methods, .run = s_loop_run };

static int s_ticks;

static int
s_watch_tick (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    s_ticks++;
    return 0;
}

static const zanni_method_t s_watch_methods [] = {
    ZANNI_METHOD ("tick", "", "", s_watch_tick, "Counts."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_watch_class = { .name = "watch", .methods = s_watch_methods };

static const zanni_class_t *const s_classes [] = { &s_chain_class, &s_leaf_class, &s_loop_class, &s_watch_class, NULL };

static zanni_sim_t *
s_world (uint64_t seed)
{
    zanni_sim_t *sim = NULL;
    cr_assert_eq (zanni_init (s_classes), 0);
    cr_assert_eq (zanni_sim_new (&sim, &(zanni_sim_options_t) { .seed = seed, .latency_ns = 5 * MS, .stuck = seeds_print }), 0);
    return sim;
}

static zanni_t *
s_node (zanni_sim_t *sim)
{
    zanni_t *self = NULL;
    zanni_options_t options = ZANNI_OPTIONS_DEFAULT;
    options.workers = 3;
    cr_assert_eq (zanni_sim_node (sim, &self, &options), 0);
    return self;
}

static void
s_call_another_node (zanni_sim_t *sim, zanni_t *self)
{
    const zanni_bind_t bind = { .insecure = true };
    const zanni_connect_t connect = { .insecure = true };
    zanni_t *other = s_node (sim);
    zanni_ref_t *ref = NULL;
    cr_assert_eq (zanni_serve (other, "leaf"), 0);
    cr_assert_eq (zanni_bind (other, "tcp://10.0.0.1:7000", &bind), 0);
    cr_assert_eq (zanni_connect (self, &ref, "tcp://10.0.0.1:7000", &connect), 0);
    for (int i = 0; i < 5; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        cr_assert_eq (zanni_call (self, &reply, ref, "depth"), 0);
        cr_assert_eq (zanni_sim_reset (sim, self, other), 0);
        zanni_sim_pass (sim, 100);
    }
    zanni_ref_destroy (&ref);
    cr_assert_eq (zanni_destroy (&other), 0);
}

/* Chains of actors in threads, which wait for each other; a loop; all at once. */
static uint64_t
s_play (uint64_t seed)
{
    zanni_sim_t *sim = s_world (seed);
    zanni_t *self = s_node (sim);
    zanni_ref_t *refs [10];
    const zanni_spawn_t thread = { .place = ZANNI_THREAD };
    cr_assert_eq (zanni_spawn (self, &refs [0], "leaf", NULL), 0);
    for (int i = 1; i < 9; i++)
        cr_assert_eq (zanni_spawn (self, &refs [i], "chain", &thread, refs [i - 1]), 0);
    cr_assert_eq (zanni_spawn (self, &refs [9], "loop", &thread), 0);
    for (int64_t i = 1; i < 10; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        ZANNI_AUTO (zanni_msg_t) counted = NULL;
        int64_t depth = 0, count = 0;
        cr_assert_eq (zanni_call (self, &reply, refs [i - 1], "depth"), 0);
        cr_assert_eq (zanni_read (reply, &depth), 0);
        cr_assert_eq (depth, i);
        cr_assert_eq (zanni_call (self, &counted, refs [9], "next"), 0);
        cr_assert_eq (zanni_read (counted, &count), 0);
        cr_assert_eq (count, i);
    }
    for (int i = 0; i < 10; i++)
        zanni_ref_destroy (&refs [i]);
    zanni_sim_settle (sim, NULL);
    s_call_another_node (sim, self);
    cr_assert_eq (zanni_destroy (&self), 0);
    uint64_t hash = zanni_sim_hash (sim);
    zanni_sim_destroy (&sim);
    return hash;
}

Test (world, the_same_seed_gives_the_same_order)
{
    for (seeds_t seeds = seeds_usual (20); seeds_next (&seeds);)
        check (s_play (seeds.seed) == s_play (seeds.seed));
}

Test (world, another_seed_gives_another_order)
{
    uint64_t hashes [20];
    for (uint64_t i = 0; i < 20; i++) {
        hashes [i] = s_play (i);
        for (uint64_t j = 0; j < i; j++)
            cr_assert_neq (hashes [i], hashes [j]);
    }
}

/* What a fresh start of this program finds, whose memory lies elsewhere. (Criterion tells its children by that variable that
   they are such.) */
static uint64_t
s_play_in_another_process (void)
{
    char program [4000], command [4200], path [64];
    uint64_t hash = 0;
    int fd = scratch_file ();
    cr_assert_geq (fd, 0);
    snprintf (path, sizeof path, "/proc/%d/fd/%d", (int) getpid (), fd);
    ssize_t size = readlink ("/proc/self/exe", program, sizeof program - 1);
    cr_assert_gt (size, 0);
    program [size] = 0;
    cr_assert_eq (setenv ("SIM_WORLD_HASH", path, 1), 0);
    snprintf (command, sizeof command, "env -u BXFI_MAP '%s' --jobs 1 --filter world/tells_its_hash >/dev/null 2>&1", program);
    cr_assert_eq (system (command), 0);
    size = read (fd, &hash, sizeof hash);
    close (fd);
    cr_assert_eq (size, sizeof hash);
    return hash;
}

/* For the one above. */
Test (world, tells_its_hash)
{
    const char *path = getenv ("SIM_WORLD_HASH");
    uint64_t hash = path ? s_play (7) : 0;
    FILE *file = path ? fopen (path, "wb") : NULL;
    if (file) {
        cr_assert_eq (fwrite (&hash, sizeof hash, 1, file), 1);
        fclose (file);
    }
}

Test (world, the_same_seed_gives_the_same_order_in_another_process)
{
    cr_assert_eq (s_play_in_another_process (), s_play (7));
}

Test (world, a_minute_goes_by_at_once)
{
    zanni_sim_t *sim = s_world (1);
    zanni_t *self = s_node (sim);
    int64_t before_ns = zanni_sim_now_ns (sim);
    zanni_sim_pass (sim, 60000);
    cr_assert_eq (zanni_sim_now_ns (sim) - before_ns, 60000 * MS);
    cr_assert_eq (zanni_destroy (&self), 0);
    zanni_sim_destroy (&sim);
}

Test (world, a_root_is_served_while_the_program_waits_for_another)
{
    zanni_sim_t *sim = s_world (1);
    zanni_t *one = s_node (sim);
    zanni_t *other = s_node (sim);
    zanni_msg_t *msg = NULL;
    uint64_t timer;
    s_ticks = 0;
    cr_assert_eq (zanni_serve (other, "watch"), 0);
    cr_assert_eq (zanni_timer (other, &timer, 100, 100, "tick"), 0);
    cr_assert_eq (zanni_receive (one, &msg, 1050), ZANNI_ETIMEOUT);
    cr_assert_eq (s_ticks, 10);
    cr_assert_eq (zanni_destroy (&other), 0);
    cr_assert_eq (zanni_destroy (&one), 0);
    zanni_sim_destroy (&sim);
}

Test (world, a_further_actor_of_the_same_thread_expects_what_it_is_sent)
{
    zanni_sim_t *sim = s_world (1);
    zanni_t *self = s_node (sim);
    zanni_t *probe = NULL;
    zanni_msg_t *msg = NULL;
    cr_assert_eq (zanni_attach (&probe, zanni_node_of (self)), 0);
    cr_assert_eq (zanni_tell (self, zanni_self (probe), "done", 7), 0);
    cr_assert_eq (zanni_receive (probe, &msg, 1000), 0);
    cr_assert_str_eq (zanni_msg_method (msg), "done");
    zanni_msg_destroy (&msg);
    cr_assert_eq (zanni_receive (probe, &msg, 1000), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_destroy (&probe), 0);
    cr_assert_eq (zanni_destroy (&self), 0);
    zanni_sim_destroy (&sim);
}

Test (world, slow_workers_only_take_longer)
{
    for (seeds_t seeds = seeds_usual (50); seeds_next (&seeds);) {
        zanni_sim_t *sim = s_world (seeds.seed);
        zanni_t *self = s_node (sim);
        ZANNI_AUTO (zanni_ref_t) leaf = NULL;
        zanni_sim_set_faults (sim, &(zanni_sim_faults_t) { .slow_percent = 50, .slow_ns = 100 * MS });
        cr_assert_eq (zanni_spawn (self, &leaf, "leaf", &(zanni_spawn_t) { .worker = 1 }), 0);
        for (int i = 0; i < 10; i++) {
            ZANNI_AUTO (zanni_msg_t) reply = NULL;
            check_eq (zanni_call (self, &reply, leaf, "depth"), 0);
        }
        zanni_ref_destroy (&leaf);
        cr_assert_eq (zanni_destroy (&self), 0);
        zanni_sim_destroy (&sim);
    }
}

static void
s_keep (void *context, const char *text)
{
    char *kept = context;
    snprintf (kept + strlen (kept), 100 - strlen (kept), "%s", text);
}

Test (world, who_waits_where_nothing_can_happen_any_more_is_told_so)
{
    char said [100] = "";
    zanni_sim_t *sim = NULL;
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    const zanni_sim_options_t options = { .seed = 77, .stuck = s_keep, .context = said };
    cr_assert_eq (zanni_init (s_classes), 0);
    cr_assert_eq (zanni_sim_new (&sim, &options), 0);
    zanni_t *self = s_node (sim);
    ZANNI_AUTO (zanni_ref_t) loop = NULL;
    cr_assert_eq (zanni_spawn (self, &loop, "loop", &(zanni_spawn_t) { .place = ZANNI_THREAD }), 0);
    int64_t before_ns = zanni_sim_now_ns (sim);
    cr_assert_eq (zanni_receive (self, &msg, -1), ZANNI_EDEADLOCK);
    cr_assert_str_eq (said, "everybody waits for ever, in the world of seed 77\n");
    cr_assert_eq (zanni_run (self, -1), ZANNI_EDEADLOCK);
    cr_assert_eq (zanni_sim_now_ns (sim), before_ns);
    cr_assert_eq (zanni_call (self, &msg, loop, "next"), 0);   // everything goes on as before
    zanni_ref_destroy (&loop);
    cr_assert_eq (zanni_destroy (&self), 0);
    zanni_sim_destroy (&sim);
}

Test (world, bad_options_are_refused)
{
    zanni_sim_t *sim = NULL;
    zanni_t *self = NULL;
    cr_assert_eq (zanni_sim_new (NULL, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_sim_new (&sim, &(zanni_sim_options_t) { .size = 1 }), ZANNI_EINVAL);
    cr_assert_eq (zanni_sim_node (NULL, &self, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_sim_new (&sim, NULL), 0);
    cr_assert_eq (zanni_sim_node (sim, NULL, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_sim_node (sim, &self, &(zanni_options_t) { .size = 1 }), ZANNI_EINVAL);
    zanni_sim_destroy (&sim);
    zanni_sim_destroy (&sim);
    zanni_sim_destroy (NULL);
}
