/* What a world does to nodes, messages and workers when it is told to: each of it happens, and is seen where it should be. */

#include "support/seeds.h"

#include <signal.h>
#include <string.h>
#include <zanni.h>
#include <zanni/net.h>
#include <zanni/sim.h>

#define MS INT64_C (1000000)
#define ADDRESS "tcp://10.0.0.1:7000"

/* Keeps the numbers that it is given, and answers one. */
typedef struct {
    int64_t numbers [20];
    int count;
} s_keeper_t;

static s_keeper_t s_kept;   // of the one that is looked at

static int
s_keeper_put (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    return zanni_read (msg, &s_kept.numbers [s_kept.count++]);
}

static int
s_keeper_echo (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

static const zanni_method_t s_keeper_methods [] = {
    ZANNI_METHOD ("put", "x", "", s_keeper_put, "Keeps it."),
    ZANNI_METHOD ("echo", "x", "x", s_keeper_echo, "Answers it."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_keeper_class = { .name = "keeper", .methods = s_keeper_methods };
static const zanni_class_t *const s_classes [] = { &s_keeper_class, NULL };

static zanni_sim_t *
s_world (uint64_t seed, zanni_sim_options_t options)
{
    zanni_sim_t *sim = NULL;
    options.seed = seed;
    options.traced = true;
    s_kept.count = 0;
    cr_assert_eq (zanni_init (s_classes), 0);
    cr_assert_eq (zanni_sim_new (&sim, &options), 0);
    return sim;
}

static zanni_t *
s_node (zanni_sim_t *sim)
{
    zanni_t *self = NULL;
    zanni_options_t options = ZANNI_OPTIONS_DEFAULT;
    options.workers = 2;
    check_eq (zanni_sim_node (sim, &self, &options), 0);
    return self;
}

/* A node whose root is a keeper, which listens. */
static zanni_t *
s_keeper (zanni_sim_t *sim)
{
    const zanni_bind_t bind = { .insecure = true };
    zanni_t *self = s_node (sim);
    check_eq (zanni_serve (self, "keeper"), 0);
    check_eq (zanni_bind (self, ADDRESS, &bind), 0);
    return self;
}

static zanni_ref_t *
s_connected (zanni_t *self)
{
    const zanni_connect_t connect = { .insecure = true };
    zanni_ref_t *ref = NULL;
    check_eq (zanni_connect (self, &ref, ADDRESS, &connect), 0);
    return ref;
}

static int
s_call (zanni_t *self, const zanni_ref_t *ref)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    return zanni_call (self, &reply, ref, "echo", 7);
}

static void
s_end (zanni_sim_t **sim, zanni_t **one, zanni_t **other)
{
    zanni_sim_set_faults (*sim, &(zanni_sim_faults_t) { 0 });
    check_eq (zanni_destroy (one), 0);
    check_eq (zanni_destroy (other), 0);
    zanni_sim_destroy (sim);
}

/* How long some calls take in all, of an actor in that place. */
static int64_t
s_calls_ns (uint64_t seed, zanni_sim_options_t options, const zanni_sim_faults_t *faults, zanni_place_t place)
{
    zanni_sim_t *sim = s_world (seed, options);
    zanni_t *self = s_node (sim);
    zanni_t *none = NULL;
    const zanni_spawn_t spawn = { .place = place, .worker = place == ZANNI_SHARED };
    zanni_ref_t *keeper = NULL;
    check_eq (zanni_spawn (self, &keeper, "keeper", &spawn), 0);
    zanni_sim_set_faults (sim, faults);
    int64_t before_ns = zanni_sim_now_ns (sim);
    for (int i = 0; i < 10; i++)
        check_eq (s_call (self, keeper), 0);
    int64_t passed_ns = zanni_sim_now_ns (sim) - before_ns;
    zanni_ref_destroy (&keeper);
    s_end (&sim, &self, &none);
    return passed_ns;
}

Test (fault, messages_take_as_long_as_the_options_say)
{
    const zanni_sim_faults_t faults = { 0 };
    for (seeds_t seeds = seeds_usual (20); seeds_next (&seeds);) {
        const zanni_sim_options_t inside = { .latency_ns = MS }, between = { .net_ns = MS };
        int64_t passed_ns = s_calls_ns (seeds.seed, inside, &faults, ZANNI_SHARED);
        check (passed_ns > 0 && passed_ns <= 20 * MS);
        passed_ns = s_calls_ns (seeds.seed, between, &faults, ZANNI_PROCESS);
        check (passed_ns > 0 && passed_ns <= 60 * MS);   // acknowledgements may be waited for
        check_eq (s_calls_ns (seeds.seed, between, &faults, ZANNI_SHARED), 0);
    }
}

Test (fault, slow_workers_are_slow_in_every_place)
{
    static const zanni_place_t places [] = { ZANNI_SHARED, ZANNI_THREAD, ZANNI_PROCESS };
    const zanni_sim_faults_t faults = { .slow_percent = 50, .slow_ns = 100 * MS };
    for (seeds_t seeds = seeds_usual (20); seeds_next (&seeds);)
        for (int i = 0; i < 3; i++)
            check (s_calls_ns (seeds.seed, (zanni_sim_options_t) { 0 }, &faults, places [i]) > 0);   // else time stands
}

/* Which of two that speak at once is heard first. */
static int64_t
s_first_heard (uint64_t seed)
{
    zanni_sim_t *sim = s_world (seed, (zanni_sim_options_t) { .net_ns = MS });
    zanni_t *keeper = s_keeper (sim);
    zanni_t *clients [] = { s_node (sim), s_node (sim) };
    zanni_ref_t *refs [] = { s_connected (clients [0]), s_connected (clients [1]) };
    zanni_sim_pass (sim, 100);
    for (int64_t i = 0; i < 10; i++)
        check_eq (zanni_tell (clients [i % 2], refs [i % 2], "put", i), 0);
    zanni_sim_pass (sim, 100);
    check_eq (s_kept.count, 10);
    int64_t last [2] = { -1, -1 };
    for (int i = 0; i < 10; i++) {
        check (s_kept.numbers [i] > last [s_kept.numbers [i] % 2]);
        last [s_kept.numbers [i] % 2] = s_kept.numbers [i];
    }
    for (int i = 0; i < 2; i++) {
        zanni_ref_destroy (&refs [i]);
        check_eq (zanni_destroy (&clients [i]), 0);
    }
    zanni_t *none = NULL;
    s_end (&sim, &keeper, &none);
    return s_kept.numbers [0] % 2;
}

Test (fault, order_holds_for_each_pair_and_not_between_them)
{
    int heard [2] = { 0 };
    for (seeds_t seeds = seeds_usual (20); seeds_next (&seeds);)
        heard [s_first_heard (seeds.seed)]++;
    cr_assert (heard [0] && heard [1]);
}

/* Whatever message that is: the sessions go on behind it. false: there were not so many. */
static bool
s_breaks_behind (uint64_t nth)
{
    zanni_sim_t *sim = s_world (nth, (zanni_sim_options_t) { .net_ns = MS });
    zanni_t *keeper = s_keeper (sim);
    zanni_t *client = s_node (sim);
    zanni_sim_set_faults (sim, &(zanni_sim_faults_t) { .reset_message = nth });
    zanni_ref_t *ref = s_connected (client);
    for (int64_t i = 0; i < 3; i++) {
        check_eq (zanni_tell (client, ref, "put", i), 0);
        check_eq (s_call (client, ref), 0);
    }
    zanni_sim_pass (sim, 2000);
    bool broke = strstr (zanni_sim_trace (sim), " reset #");
    check_eq (s_kept.count, 3);
    for (int64_t i = 0; i < 3; i++)
        check_eq (s_kept.numbers [i], i);
    zanni_ref_destroy (&ref);
    s_end (&sim, &client, &keeper);
    return broke;
}

Test (fault, the_connection_breaks_behind_any_message_and_nothing_is_missing)
{
    uint64_t nth = 1;
    for (seeds_play (nth); s_breaks_behind (nth);)
        seeds_play (++nth);
    cr_assert_gt (nth, 8);
}

Test (fault, what_comes_twice_is_heard_once)
{
    for (seeds_t seeds = seeds_usual (100); seeds_next (&seeds);) {
        zanni_sim_t *sim = s_world (seeds.seed, (zanni_sim_options_t) { .net_ns = MS });
        zanni_t *keeper = s_keeper (sim);
        zanni_t *client = s_node (sim);
        zanni_sim_set_faults (sim, &(zanni_sim_faults_t) { .repeat_percent = 50, .reset_percent = 10 });
        zanni_ref_t *ref = s_connected (client);
        for (int64_t i = 0; i < 20; i++) {
            check_eq (zanni_tell (client, ref, "put", i), 0);
            zanni_sim_pass (sim, 10);
        }
        zanni_sim_pass (sim, 1000);
        check (strstr (zanni_sim_trace (sim), " twice #"));
        check_eq (s_kept.count, 20);
        for (int64_t i = 0; i < 20; i++)
            check_eq (s_kept.numbers [i], i);
        zanni_ref_destroy (&ref);
        s_end (&sim, &client, &keeper);
    }
}

Test (fault, two_that_are_cut_off_from_each_other_reach_a_third)
{
    for (seeds_t seeds = seeds_usual (20); seeds_next (&seeds);) {
        zanni_sim_t *sim = s_world (seeds.seed, (zanni_sim_options_t) { .net_ns = MS });
        zanni_t *keeper = s_keeper (sim);
        zanni_t *one = s_node (sim), *other = s_node (sim);
        zanni_ref_t *from_one = s_connected (one), *from_other = s_connected (other);
        check_eq (zanni_sim_cut (sim, one, keeper), 0);
        check_eq (zanni_sim_cut (sim, one, NULL), 0);
        check_eq (s_call (other, from_other), 0);
        check (s_call (one, from_one));
        zanni_sim_heal (sim, one, keeper);
        check (s_call (one, from_one));   // all of `one` is still cut off
        zanni_sim_heal (sim, one, NULL);
        zanni_sim_pass (sim, 10000);
        zanni_ref_destroy (&from_one);
        from_one = s_connected (one);
        check_eq (s_call (one, from_one), 0);
        zanni_ref_destroy (&from_one);
        zanni_ref_destroy (&from_other);
        check_eq (zanni_destroy (&one), 0);
        s_end (&sim, &other, &keeper);
    }
}

Test (fault, nobody_answers_where_all_are_out_of_reach)
{
    zanni_sim_t *sim = s_world (1, (zanni_sim_options_t) { .net_ns = MS });
    zanni_t *keeper = s_keeper (sim);
    zanni_t *client = s_node (sim);
    zanni_ref_t *ref = NULL;
    const zanni_connect_t connect = { .insecure = true };
    zanni_sim_set_faults (sim, &(zanni_sim_faults_t) { .unreachable_percent = 100 });
    cr_assert_eq (zanni_connect (client, &ref, ADDRESS, &connect), ZANNI_ENODE);
    zanni_sim_set_faults (sim, &(zanni_sim_faults_t) { 0 });
    ref = s_connected (client);
    cr_assert_eq (s_call (client, ref), 0);
    zanni_ref_destroy (&ref);
    s_end (&sim, &client, &keeper);
}

/* Each fault on every occasion: what a spawn in a place answers. */
static int
s_spawn_with (const zanni_sim_faults_t *faults, zanni_place_t place)
{
    zanni_sim_t *sim = s_world (1, (zanni_sim_options_t) { 0 });
    zanni_t *self = s_node (sim);
    zanni_t *none = NULL;
    zanni_ref_t *ref = NULL;
    zanni_sim_set_faults (sim, faults);
    int rc = zanni_spawn (self, &ref, "keeper", &(zanni_spawn_t) { .place = place });
    zanni_ref_destroy (&ref);
    s_end (&sim, &self, &none);
    return rc;
}

Test (fault, without_threads_or_sockets_a_spawn_says_so)
{
    cr_assert_eq (s_spawn_with (&(zanni_sim_faults_t) { .threadless_percent = 100 }, ZANNI_THREAD), ZANNI_ETHREADS);
    cr_assert_eq (s_spawn_with (&(zanni_sim_faults_t) { .closed_percent = 100 }, ZANNI_THREAD), ZANNI_ESOCKETS);
}

Test (fault, without_sockets_a_node_says_so)
{
    zanni_t *self = NULL;
    zanni_sim_t *sim = s_world (1, (zanni_sim_options_t) { 0 });
    zanni_sim_set_faults (sim, &(zanni_sim_faults_t) { .closed_percent = 100 });
    cr_assert_eq (zanni_sim_node (sim, &self, NULL), ZANNI_ESOCKETS);
    cr_assert_null (self);
    zanni_sim_destroy (&sim);
}

Test (fault, a_crash_of_a_process_is_told_to_whoever_it_was_asked_by)
{
    for (seeds_t seeds = seeds_usual (20); seeds_next (&seeds);) {
        zanni_sim_t *sim = s_world (seeds.seed, (zanni_sim_options_t) { .net_ns = MS });
        zanni_t *self = s_node (sim);
        zanni_t *none = NULL;
        zanni_ref_t *keeper = NULL;
        check_eq (zanni_spawn (self, &keeper, "keeper", &(zanni_spawn_t) { .place = ZANNI_PROCESS }), 0);
        check_eq (zanni_sim_kill (sim, keeper, SIGSEGV), 0);
        check (s_call (self, keeper));
        check (strstr (zanni_sim_trace (sim), " signal 11 to process "));
        zanni_ref_destroy (&keeper);
        s_end (&sim, &self, &none);
    }
}
