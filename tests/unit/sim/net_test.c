/* Several nodes in one world: the real sessions over connections that break, are cut off, and end with their node. Every ask
   ends exactly once, every monitor fires exactly once, what is told arrives in order and at most once. */

#include "support/seeds.h"

#include <criterion/criterion.h>
#include <zanni.h>
#include <zanni/net.h>
#include <zanni/sim.h>

#define MS INT64_C (1000000)
#define SEEDS 1000

/* Takes numbers, which have to grow, and answers them. */
typedef struct {
    int64_t last;
} s_server_t;

static int s_served;

static int
s_server_put (zanni_t *self, zanni_msg_t *msg)
{
    s_server_t *server = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    cr_assert_gt (number, server->last);
    server->last = number;
    s_served++;
    return 0;
}

static int
s_server_echo (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

static const zanni_method_t s_server_methods [] = {
    ZANNI_METHOD ("put", "x", "", s_server_put, "Takes a number, larger than the last."),
    ZANNI_METHOD ("echo", "x", "x", s_server_echo, "Answers it."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_server_class = {
    .name = "server", .state_size = sizeof (s_server_t), .methods = s_server_methods
};

static int s_downs;

static void
s_client_down (zanni_t *self, const zanni_down_t *down)
{
    (void) self, (void) down;
    s_downs++;
}

static const zanni_class_t s_client_class = { .name = "client", .down = s_client_down };
static const zanni_class_t *const s_classes [] = { &s_server_class, &s_client_class, NULL };

typedef struct {
    zanni_sim_t *sim;
    zanni_t *server;
    zanni_t *client;
    zanni_ref_t *ref;    // the server, at the client
    int answers;
    int failures;
} s_play_t;

static zanni_t *
s_node (zanni_sim_t *sim)
{
    zanni_t *self = NULL;
    zanni_options_t options = ZANNI_OPTIONS_DEFAULT;
    options.workers = 2;
    cr_assert_eq (zanni_sim_node (sim, &self, &options), 0);
    return self;
}

static void
s_begin (s_play_t *play, const seeds_t *seeds)
{
    const zanni_bind_t bind = { .insecure = true };
    const zanni_connect_t connect = { .insecure = true };
    *play = (s_play_t) { .sim = NULL };
    s_served = s_downs = 0;
    const zanni_sim_options_t options = {
        .seed = seeds->seed, .latency_ns = MS, .net_ns = 5 * MS, .stuck = seeds_print,
        .line = seeds->alone ? seeds_print : NULL
    };
    cr_assert_eq (zanni_init (s_classes), 0);
    cr_assert_eq (zanni_sim_new (&play->sim, &options), 0);
    play->server = s_node (play->sim);
    play->client = s_node (play->sim);
    check_eq (zanni_serve (play->server, "server"), 0);
    check_eq (zanni_serve (play->client, "client"), 0);
    check_eq (zanni_bind (play->server, "tcp://10.0.0.1:7000", &bind), 0);
    check_eq (zanni_connect (play->client, &play->ref, "tcp://10.0.0.1:7000", &connect), 0);
}

static void
s_end (s_play_t *play)
{
    zanni_ref_destroy (&play->ref);
    check_eq (zanni_destroy (&play->client), 0);
    check_eq (zanni_destroy (&play->server), 0);
    zanni_sim_destroy (&play->sim);
}

static void
s_for_seeds (void (*play_one) (s_play_t *play))
{
    for (seeds_t seeds = seeds_usual (SEEDS); seeds_next (&seeds);) {
        s_play_t play;
        s_begin (&play, &seeds);
        play_one (&play);
        s_end (&play);
    }
}

static void
s_answered (zanni_t *self, zanni_msg_t *reply, void *context)
{
    s_play_t *play = context;
    zanni_error_t error;
    (void) self;
    if (zanni_msg_error (reply, &error))
        play->answers++;
    else
        play->failures++;
}

static void
s_ask (s_play_t *play, int count)
{
    const zanni_ask_t ask = { .then = s_answered, .arg = play };
    for (int64_t i = 0; i < count; i++)
        check_eq (zanni_ask (play->client, play->ref, &ask, "echo", i), 0);
}

static void
s_play_calls (s_play_t *play)
{
    for (int64_t i = 1; i <= 10; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        int64_t number = 0;
        check_eq (zanni_call (play->client, &reply, play->ref, "echo", i), 0);
        check_eq (zanni_read (reply, &number), 0);
        check_eq (number, i);
    }
}

Test (net, nodes_call_each_other)
{
    s_for_seeds (s_play_calls);
}

/* Connections break amid everything; the sessions outlive it. */
static void
s_play_resets (s_play_t *play)
{
    zanni_sim_set_faults (play->sim, &(zanni_sim_faults_t) { .reset_percent = 10 });
    for (int64_t i = 1; i <= 50; i++) {
        check_eq (zanni_tell (play->client, play->ref, "put", i), 0);
        s_ask (play, 1);
        zanni_sim_pass (play->sim, zanni_sim_below (play->sim, 20));
    }
    zanni_sim_set_faults (play->sim, &(zanni_sim_faults_t) { 0 });
    zanni_sim_pass (play->sim, 20000);
    check_eq (s_served, 50);
    check_eq (play->answers, 50);
    check_eq (play->failures, 0);
    check_eq (s_downs, 0);
}

Test (net, what_is_sent_arrives_once_and_in_order_though_connections_break)
{
    s_for_seeds (s_play_resets);
}

/* Short cuts are nothing but delays; long ones end the session, once. */
static void
s_play_cuts (s_play_t *play)
{
    uint64_t monitor;
    bool long_cut = zanni_sim_below (play->sim, 2);
    check_eq (zanni_monitor (play->client, &monitor, play->ref), 0);
    zanni_sim_pass (play->sim, 100);
    s_ask (play, 10);
    zanni_sim_pass (play->sim, zanni_sim_below (play->sim, 6));
    check_eq (zanni_sim_cut (play->sim, play->client, play->server), 0);
    s_ask (play, 10);
    zanni_sim_pass (play->sim, long_cut ? 30000 : 500);
    zanni_sim_heal (play->sim, NULL, NULL);
    zanni_sim_pass (play->sim, 20000);
    check_eq (play->answers + play->failures, 20);
    if (!long_cut)
        check_eq (play->failures, 0);
    check_eq (s_downs, long_cut);
}

Test (net, a_short_cut_delays_and_a_long_one_ends_the_session_once)
{
    s_for_seeds (s_play_cuts);
}

static void
s_play_crash (s_play_t *play)
{
    uint64_t monitor;
    check_eq (zanni_monitor (play->client, &monitor, play->ref), 0);
    s_ask (play, 10);
    zanni_sim_pass (play->sim, zanni_sim_below (play->sim, 30));
    s_ask (play, 10);
    check_eq (zanni_sim_crash (play->sim, play->server), 0);
    check_eq (zanni_destroy (&play->server), 0);
    s_ask (play, 10);
    zanni_sim_pass (play->sim, 30000);
    check_eq (play->answers + play->failures, 30);
    check_eq (s_downs, 1);
}

Test (net, a_crash_of_a_node_ends_asks_and_fires_monitors_once)
{
    s_for_seeds (s_play_crash);
}
