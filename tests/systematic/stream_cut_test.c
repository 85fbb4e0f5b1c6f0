/* A stream between two nodes, whose connections break, who are cut off from each other, and one of whom may crash:
   what breaks is not noticed; else each side that is left hears once that the other is gone, behind what came in
   order. */

#include "support/seeds.h"

#include <criterion/criterion.h>
#include <string.h>
#include <zanni.h>
#include <zanni/net.h>
#include <zanni/sim.h>

#define MS INT64_C (1000000)
#define SEEDS 300
#define ITEMS 100

static struct {
    zanni_sim_t *sim;
    zanni_t *source;
    zanni_t *sink;
    zanni_ref_t *ref;        // the sink, at the source
    zanni_stream_t *stream;
    int pushed;
    int taken;
    int source_ended;
    int sink_ended;
    int source_code;
    int sink_code;
} s_play;

static int
s_sink_item (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    int number;
    (void) self, (void) stream;
    check_eq (zanni_read (msg, &number), 0);
    check_eq (number, s_play.taken++);
    check_eq (s_play.sink_ended, 0);
    zanni_sim_spend (s_play.sim, zanni_sim_below (s_play.sim, 1000000));
    return 0;
}

static void
s_sink_ended (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    (void) self, (void) stream;
    s_play.sink_ended++;
    s_play.sink_code = error ? error->code : 0;
}

static int
s_sink_take (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_stream_take (self, msg, &(zanni_inlet_t) { .item = s_sink_item, .ended = s_sink_ended, .items = 8 });
}

static const zanni_method_t s_methods [] = {
    ZANNI_STREAM ("take", s_sink_take, "Numbers."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_class = { .name = "sink", .methods = s_methods };
static const zanni_class_t *const s_classes [] = { &s_class, NULL };

static void
s_go_on (zanni_t *self, zanni_stream_t *stream)
{
    int rc = 0;
    while (!rc && s_play.pushed < ITEMS) {
        rc = zanni_push (self, stream, s_play.pushed);
        s_play.pushed += !rc;
    }
    cr_assert (!rc || rc == ZANNI_EFULL || rc == ZANNI_ENODE, "%s", zanni_strerror (rc));
    if (!rc)
        check_eq (zanni_stream_end (self, stream), 0);
}

static void
s_source_ended (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    (void) self, (void) stream;
    s_play.source_ended++;
    s_play.source_code = error ? error->code : 0;
}

static void
s_begin (const seeds_t *seeds)
{
    const zanni_bind_t bind = { .insecure = true };
    const zanni_connect_t connect = { .insecure = true };
    const zanni_stream_options_t how = { .room = s_go_on, .ended = s_source_ended };
    const zanni_sim_options_t options = {
        .seed = seeds->seed, .latency_ns = MS, .net_ns = 5 * MS, .stuck = seeds_print,
        .line = seeds->alone ? seeds_print : NULL
    };
    memset (&s_play, 0, sizeof s_play);
    cr_assert_eq (zanni_init (s_classes), 0);
    check_eq (zanni_sim_new (&s_play.sim, &options), 0);
    check_eq (zanni_sim_node (s_play.sim, &s_play.sink, NULL), 0);
    check_eq (zanni_sim_node (s_play.sim, &s_play.source, NULL), 0);
    check_eq (zanni_serve (s_play.sink, "sink"), 0);
    check_eq (zanni_bind (s_play.sink, "tcp://10.0.0.1:7000", &bind), 0);
    check_eq (zanni_connect (s_play.source, &s_play.ref, "tcp://10.0.0.1:7000", &connect), 0);
    check_eq (zanni_stream_open (s_play.source, &s_play.stream, s_play.ref, &how, "take"), 0);
}

static void
s_end (void)
{
    zanni_stream_destroy (&s_play.stream);
    zanni_ref_destroy (&s_play.ref);
    check_eq (zanni_destroy (&s_play.source), 0);
    check_eq (zanni_destroy (&s_play.sink), 0);
    zanni_sim_destroy (&s_play.sim);
}

static void
s_for_seeds (void (*play) (void))
{
    for (seeds_t seeds = seeds_usual (SEEDS); seeds_next (&seeds);) {
        s_begin (&seeds);
        play ();
        s_end ();
    }
}

/* Some of it goes by. */
static void
s_pass_some (uint32_t ms)
{
    zanni_sim_pass (s_play.sim, zanni_sim_below (s_play.sim, ms));
}

static void
s_play_resets (void)
{
    for (uint32_t i = zanni_sim_below (s_play.sim, 6); i; i--) {
        s_pass_some (50);
        check_eq (zanni_sim_reset (s_play.sim, s_play.source, NULL), 0);
    }
    zanni_sim_pass (s_play.sim, 60000);
    check_eq (s_play.taken, ITEMS);
    check_eq (s_play.source_ended, 1);
    check_eq (s_play.source_code, 0);
    check_eq (s_play.sink_ended, 1);
    check_eq (s_play.sink_code, 0);
}

Test (stream_cut, is_not_noticed_where_connections_break)
{
    s_for_seeds (s_play_resets);
}

/* What a side that is left has heard: well, where all had gone there before. */
static void
s_check_side (int ended, int code)
{
    check_eq (ended, 1);
    cr_assert (!code || code == ZANNI_ENODE || code == ZANNI_EDOWN, "%s: %s", zanni_strerror (code), seeds_again ());
}

static void
s_play_cut (void)
{
    s_pass_some (150);
    bool opened = s_play.taken > 0;
    check_eq (zanni_sim_cut (s_play.sim, s_play.source, s_play.sink), 0);
    zanni_sim_pass (s_play.sim, 60000);
    s_check_side (s_play.source_ended, s_play.source_code);
    if (opened)
        s_check_side (s_play.sink_ended, s_play.sink_code);
    if (!s_play.sink_code && opened)
        check_eq (s_play.taken, ITEMS);
    zanni_sim_heal (s_play.sim, NULL, NULL);
}

Test (stream_cut, ends_where_the_network_is_gone)
{
    s_for_seeds (s_play_cut);
}

static void
s_play_crash (void)
{
    bool sink = zanni_sim_below (s_play.sim, 2);
    s_pass_some (150);
    bool opened = s_play.taken > 0;
    check_eq (zanni_sim_crash (s_play.sim, sink ? s_play.sink : s_play.source), 0);
    zanni_sim_pass (s_play.sim, 60000);
    if (sink)
        s_check_side (s_play.source_ended, s_play.source_code);
    else if (opened)
        s_check_side (s_play.sink_ended, s_play.sink_code);
}

Test (stream_cut, ends_where_the_other_node_has_crashed)
{
    s_for_seeds (s_play_crash);
}
