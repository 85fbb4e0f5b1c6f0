/* Connections between processes that are cut: what travels the session is neither lost nor repeated, and its order is kept,
   as long as the two find each other again before they give each other up. If not, both do, and begin anew.

   A proxy (tests/support) takes the place of a process's socket before its sibling first dials it, so that all between
   the two passes through, the pulse included; the root has its own ways to both. Where a process listens is nothing that a
   program can ask for: it is read out of the library's memory. */

#include "process.h"
#include "support/proxy.h"

#include "actor/remote/remote.h"

/* Keeps telling its other numbers, a few a turn, until it is told to end; and buffers, which that one weighs. */
typedef struct {
    zanni_ref_t *other;
    int64_t sender, told;
    bool on;
    int64_t weighed, wrong;
} stream_t;

#define STREAM_TURN 50
#define LOAD_SIZE ((size_t) 3 << 20)

static int
stream_hold (zanni_t *self, zanni_msg_t *msg)
{
    stream_t *stream = zanni_state (self);
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other, &stream->sender);
    return rc ? rc : zanni_ref_keep (self, &stream->other, other);
}

static int
stream_on (zanni_t *self, zanni_msg_t *msg)
{
    stream_t *stream = zanni_state (self);
    int rc = 0;
    (void) msg;
    for (int i = 0; !rc && stream->on && i < STREAM_TURN; i++) {
        rc = zanni_tell (self, stream->other, "note", stream->sender, stream->told + 1);
        stream->told += !rc;
    }
    if (rc == ZANNI_EFULL)
        return zanni_when_writable (self, stream->other, "on");
    return rc || !stream->on ? rc : zanni_tell (self, zanni_self (self), "on");
}

static int
stream_begin (zanni_t *self, zanni_msg_t *msg)
{
    stream_t *stream = zanni_state (self);
    (void) msg;
    stream->on = true;
    return zanni_tell (self, zanni_self (self), "on");
}

static int
stream_end (zanni_t *self, zanni_msg_t *msg)
{
    stream_t *stream = zanni_state (self);
    stream->on = false;
    return zanni_reply (self, msg, stream->told);
}

static int
stream_load (zanni_t *self, zanni_msg_t *msg)
{
    stream_t *stream = zanni_state (self);
    int64_t count;
    int rc = zanni_read (msg, &count);
    for (int64_t i = 0; !rc && i < count; i++) {
        ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
        void *data;
        rc = zanni_buffer_new (self, &buffer, LOAD_SIZE + (size_t) i);
        if (!rc)
            rc = zanni_buffer_edit (&data, buffer);
        for (size_t at = 0; !rc && at < LOAD_SIZE / sizeof (uint32_t); at++)
            ((uint32_t *) data) [at] = (uint32_t) (at * 2654435761u + (size_t) i);
        if (!rc)
            rc = zanni_tell_wait (self, stream->other, -1, "weigh", i, buffer);
    }
    return rc;
}

static int
stream_weigh (zanni_t *self, zanni_msg_t *msg)
{
    stream_t *stream = zanni_state (self);
    const zanni_buffer_t *buffer;
    int64_t number;
    size_t bad = 0;
    int rc = zanni_read (msg, &number, &buffer);
    if (rc)
        return rc;
    const uint32_t *words = zanni_buffer_data (buffer);
    for (size_t at = 0; at < LOAD_SIZE / sizeof *words; at++)
        bad += words [at] != (uint32_t) (at * 2654435761u + (size_t) number);
    stream->wrong += bad || number != stream->weighed || zanni_buffer_size (buffer) != LOAD_SIZE + (size_t) number;
    stream->weighed++;
    return 0;
}

static int
stream_weighed (zanni_t *self, zanni_msg_t *msg)
{
    stream_t *stream = zanni_state (self);
    return zanni_reply (self, msg, stream->weighed, stream->wrong);
}

static const zanni_method_t stream_methods [] = {
    ZANNI_METHOD ("keep", "rx", "", stream_hold, ""),
    ZANNI_METHOD ("begin", "", "", stream_begin, ""),
    ZANNI_PRIVATE ("on", "", "", stream_on, ""),
    ZANNI_METHOD ("end", "", "x", stream_end, ""),
    ZANNI_METHOD ("load", "x", "", stream_load, ""),
    ZANNI_METHOD ("weigh", "xB", "", stream_weigh, ""),
    ZANNI_METHOD ("weighed", "", "xx", stream_weighed, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t stream_class = {
    .name = "stream", .state_size = sizeof (stream_t), .methods = stream_methods
};

CLASSES (&worker_class, &stream_class);
PROCESS_SUITE (cut);

#define PATIENT_MS 5000   // an interval in which a slow machine, too, dials again

/* Sockets at that path, the listening one included. */
static int
sockets_at (const char *path)
{
    char line [512];
    int count = 0;
    FILE *file = fopen ("/proc/net/unix", "r");
    cr_assert_not_null (file);
    while (fgets (line, sizeof line, file))
        count += strstr (line, path) != NULL;
    (void) fclose (file);
    return count;
}

/* The root has a session and a pulse of its own by then, which pass beside: a connection that comes through the proxy
   before anybody else knows the endpoint is that pulse, and what was counted in its place was on the way out. */
static proxy_t *
stand_between (const zanni_ref_t *ref)
{
    const char *endpoint = ref->identity->as.remote->endpoint;
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    proxy_t *proxy = NULL;
    while (!proxy) {
        cr_assert_lt (zanni_now_ns (root), until_ns, "the root has no pulse with %s", endpoint);
        cr_assert_eq (zanni_run (root, 1), 0);
        if (sockets_at (endpoint + strlen ("ipc://")) < 3)
            continue;
        proxy = proxy_new (endpoint);
        cr_assert_not_null (proxy);
        cr_assert_eq (zanni_run (root, 100), 0);
        if (proxy_connections (proxy))
            proxy_destroy (&proxy);
    }
    return proxy;
}

/* Until so many connections were cut. */
static void
run_until_cut (proxy_t *proxy, uint64_t count)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (4000000) * DEADLINE_MS;
    while (proxy_cuts (proxy) < count) {
        cr_assert_eq (zanni_run (root, 1), 0);
        cr_assert_lt (zanni_now_ns (root), until_ns, "only %d connections were cut", (int) proxy_cuts (proxy));
    }
}

/* Its answer, or it was refused for want of room: then it was not passed. */
static int
pass_one (const zanni_ref_t *dialer, int64_t expected)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int64_t number = 0;
    int rc = zanni_call (root, &reply, dialer, "pass", 1);
    if (rc == ZANNI_EFULL)
        return 0;
    cr_assert_eq (rc, 0, "%s", zanni_strerror (rc));
    cr_assert_eq (zanni_read (reply, &number), 0);
    cr_assert_eq (number, expected);
    return 1;
}

/* Both stream to each other, and there are asks between them, while the ground shakes. */
Test (cut, a_hundred_times_under_load_loses_and_repeats_nothing)
{
    const uint64_t cuts = LONG ? 2000 : 100;
    begin_again ((zanni_options_t) { .window_bytes = 256 << 10, .heartbeat_ms = PATIENT_MS });
    ZANNI_AUTO (zanni_ref_t) dialer = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) listener = spawn_worker (0);
    proxy_t *proxy = stand_between (listener);
    done (dialer, "hold", listener);
    cr_assert_eq (call_int (dialer, "call", 0), 0);   // the one session of the two
    done (listener, "hold", dialer);
    ZANNI_AUTO (zanni_ref_t) there = kept (dialer, "spawn beside", "stream");
    ZANNI_AUTO (zanni_ref_t) back = kept (listener, "spawn beside", "stream");
    done (there, "keep", listener, 1);
    done (back, "keep", dialer, 2);
    done (there, "begin");
    done (back, "begin");
    uint32_t random = 7;
    int64_t asks = 0;
    for (uint64_t before = proxy_cuts (proxy); before < cuts; before = proxy_cuts (proxy)) {
        random = random * 1664525 + 1013904223;
        proxy_cut_after (proxy, 1 + (random >> 8) % 300000);
        run_until_cut (proxy, before + 1);
        asks += pass_one (dialer, asks + 1);
    }
    int64_t told [2] = { call_int (there, "end"), call_int (back, "end") };
    int64_t until_ns = zanni_now_ns (root) + INT64_C (2000000) * DEADLINE_MS;
    while (noted (listener, 1) < told [0] || noted (dialer, 2) < told [1])
        cr_assert_lt (zanni_now_ns (root), until_ns, "some are lost");
    cr_assert_eq (noted (listener, 1), told [0]);
    cr_assert_eq (noted (dialer, 2), told [1]);
    cr_assert_gt (told [0], 1000);
    cr_assert_gt (told [1], 1000);
    cr_assert_eq (call_int (dialer, "pass", 1), ++asks);
    cr_assert_geq (asks, 2, "no ask had room amid all that");   // how many have is the machine's affair
    proxy_destroy (&proxy);
}

/* At each byte of what the two say before they go on. */
Test (cut, at_any_byte_of_the_handshake_loses_nothing)
{
    begin_again ((zanni_options_t) { .heartbeat_ms = PATIENT_MS });
    ZANNI_AUTO (zanni_ref_t) dialer = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) listener = spawn_worker (0);
    proxy_t *proxy = stand_between (listener);
    done (dialer, "hold", listener);
    int64_t asks = 0;
    for (uint64_t bytes = 1; bytes < 900; bytes += LONG ? 1 : 29) {
        uint64_t before = proxy_cuts (proxy);
        (void) proxy_cut (proxy);
        proxy_cut_after (proxy, bytes);
        uint64_t id = ask (dialer, "pass", 1);
        expect_answer (id, ++asks);
        proxy_cut_after (proxy, 0);
        cr_assert_gt (proxy_cuts (proxy), before);
    }
    proxy_destroy (&proxy);
}

/* And in the middle of buffers, of whose pieces some were acknowledged. */
Test (cut, in_the_middle_of_buffers_loses_nothing_of_them)
{
    const int64_t count = LONG ? 200 : 20;
    const zanni_spawn_t options = { .place = ZANNI_PROCESS };
    begin_again ((zanni_options_t) { .heartbeat_ms = PATIENT_MS });
    ZANNI_AUTO (zanni_ref_t) dialer = spawn_with (&options, "stream");
    ZANNI_AUTO (zanni_ref_t) listener = spawn_with (&options, "stream");
    proxy_t *proxy = stand_between (listener);
    done (dialer, "keep", listener, 0);
    uint64_t id = ask (dialer, "load", count);
    int64_t weighed = 0, wrong = 0;
    uint32_t random = 3;
    while (weighed < count) {
        random = random * 1664525 + 1013904223;
        proxy_cut_after (proxy, 1 + (random >> 8) % (4 << 20));
        zanni_msg_t *reply = call (listener, "weighed");
        cr_assert_eq (zanni_read (reply, &weighed, &wrong), 0);
        zanni_msg_destroy (&reply);
        cr_assert_eq (zanni_run (root, 10), 0);
    }
    cr_assert_eq (weighed, count);
    cr_assert_eq (wrong, 0);
    cr_assert_geq (proxy_cuts (proxy), 5);
    ZANNI_AUTO (zanni_msg_t) loaded = next ();
    cr_assert_eq (zanni_msg_id (loaded), id);
    cr_assert_eq (zanni_msg_kind (loaded), ZANNI_MSG_REPLY);
    proxy_destroy (&proxy);
}

/* A line that is slow is no reason for anything. */
Test (cut, is_not_what_a_slow_line_is)
{
    begin_again ((zanni_options_t) { .heartbeat_ms = 300 });
    ZANNI_AUTO (zanni_ref_t) dialer = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) listener = spawn_worker (0);
    proxy_t *proxy = stand_between (listener);
    proxy_delay (proxy, 30);
    done (dialer, "hold", listener);
    done (dialer, "witness", zanni_self (root));
    done (dialer, "watch", listener);
    for (int64_t i = 1; i <= 30; i++)
        cr_assert_eq (call_int (dialer, "call", 1), i);
    expect_nothing ();
    proxy_destroy (&proxy);
}

/* Two asks under way, one in each direction, and a monitor each. */
typedef struct {
    zanni_ref_t *dialer, *listener;
    uint64_t there, back;
    proxy_t *proxy;
} pair_t;

/* The dialer's pulse, which follows its session, has said HELLO through the proxy: who listens misses nothing before. */
static void
run_until_pulse (proxy_t *proxy, uint32_t interval_ms)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (proxy_connections (proxy) < 2) {
        cr_assert_eq (zanni_run (root, 1), 0);
        cr_assert_lt (zanni_now_ns (root), until_ns, "the two have no pulse");
    }
    cr_assert_eq (zanni_run (root, interval_ms / 4), 0);
}

static pair_t
make_pair (uint32_t interval_ms)
{
    begin_again ((zanni_options_t) { .heartbeat_ms = interval_ms });
    pair_t pair = { .dialer = spawn_worker (0), .listener = spawn_worker (0) };
    pair.proxy = stand_between (pair.listener);
    done (pair.dialer, "hold", pair.listener);
    cr_assert_eq (call_int (pair.dialer, "call", 0), 0);
    done (pair.listener, "hold", pair.dialer);
    done (pair.dialer, "witness", zanni_self (root));
    done (pair.listener, "witness", zanni_self (root));
    done (pair.dialer, "watch", pair.listener);
    done (pair.listener, "watch", pair.dialer);
    pair.there = ask (pair.dialer, "relay", "promise");
    pair.back = ask (pair.listener, "relay", "promise");
    until_answers (pair.listener, "promises", 1);
    until_answers (pair.dialer, "promises", 1);
    run_until_pulse (pair.proxy, interval_ms);
    return pair;
}

/* Both have given each other up: both asks fail, both monitors fire. */
static void
expect_both_down (const pair_t *pair)
{
    int failed = 0, downs = 0;
    for (int i = 0; i < 4; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        const char *text = "";
        zanni_error_t error;
        int rc = zanni_receive (root, &msg, DEADLINE_MS);
        cr_assert_eq (rc, 0, "after %d errors and %d downs: %s", failed, downs, zanni_strerror (rc));
        if (!zanni_msg_error (msg, &error)) {
            cr_assert (zanni_msg_id (msg) == pair->there || zanni_msg_id (msg) == pair->back);
            cr_assert_eq (error.app_code, ZANNI_ENODE, "%s", error.text);
            failed++;
        }
        else if (!zanni_read (msg, &text))
            downs += strcmp (text, "down: no connection") == 0;
    }
    cr_assert_eq (failed, 2);
    cr_assert_eq (downs, 2);
}

static void
expect_a_new_session (const pair_t *pair)
{
    for (int64_t i = 1; i <= 10; i++) {
        cr_assert_eq (call_int (pair->dialer, "call", 1), i);
        cr_assert_eq (call_int (pair->listener, "call", 1), i);
    }
    done (pair->dialer, "send", 4, 1000, 0);
    done (pair->listener, "send", 5, 1000, 0);
    while (noted (pair->listener, 4) < 1000 || noted (pair->dialer, 5) < 1000) {}
    cr_assert_eq (noted (pair->listener, 4) + noted (pair->dialer, 5), 2000);
}

static void
drop_pair (pair_t *pair)
{
    zanni_ref_destroy (&pair->dialer);
    zanni_ref_destroy (&pair->listener);
    proxy_destroy (&pair->proxy);
}

/* For longer than the bound, in each way that a line can be. */
static void
cut_for_long (proxy_door_t door)
{
    const uint32_t interval_ms = 600;
    pair_t pair = make_pair (interval_ms);
    proxy_door (pair.proxy, door);
    cr_assert_gt (proxy_cut (pair.proxy), 0);
    int64_t before_ns = zanni_now_ns (root);
    expect_both_down (&pair);
    int64_t ms = (zanni_now_ns (root) - before_ns) / 1000000;
    cr_assert_leq (ms, interval_ms * 36 / 10, "it took %" PRId64 " ms", ms);
    proxy_door (pair.proxy, PROXY_OPEN);
    expect_a_new_session (&pair);
    drop_pair (&pair);
}

Test (cut, for_longer_than_the_bound_both_give_up_and_begin_anew)
{
    cut_for_long (PROXY_CLOSED);
}

Test (cut, and_then_hanging_both_give_up_and_begin_anew)
{
    cut_for_long (PROXY_HELD);
}

Test (cut, and_then_refused_both_give_up_and_begin_anew)
{
    cut_for_long (PROXY_GONE);
}

/* No byte passes, and no connection breaks. */
Test (cut, is_what_a_stalled_line_is)
{
    const uint32_t interval_ms = 600;
    pair_t pair = make_pair (interval_ms);
    proxy_stall (pair.proxy, true);
    int64_t before_ns = zanni_now_ns (root);
    expect_both_down (&pair);
    int64_t ms = (zanni_now_ns (root) - before_ns) / 1000000;
    cr_assert_leq (ms, interval_ms * 36 / 10, "it took %" PRId64 " ms", ms);
    (void) proxy_cut (pair.proxy);
    proxy_stall (pair.proxy, false);
    expect_a_new_session (&pair);
    drop_pair (&pair);
}

/* Shorter than an interval, which nobody notices. */
Test (cut, for_a_moment_is_no_end_of_anything)
{
    pair_t pair = make_pair (1000);
    for (int round = 0; round < 3; round++) {
        proxy_door (pair.proxy, round ? PROXY_GONE : PROXY_CLOSED);
        cr_assert_gt (proxy_cut (pair.proxy), 0);
        cr_assert_eq (zanni_run (root, 300), 0);
        proxy_door (pair.proxy, PROXY_OPEN);
        cr_assert_eq (call_int (pair.dialer, "pass", 1), round + 1);
    }
    tell (pair.listener, "fulfil", 8);
    tell (pair.dialer, "fulfil", 9);
    bool there = false, back = false;
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        int64_t number = 0;
        cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY);
        cr_assert_eq (zanni_read (msg, &number), 0);
        there |= zanni_msg_id (msg) == pair.there && number == 8;
        back |= zanni_msg_id (msg) == pair.back && number == 9;
    }
    cr_assert (there && back);
    expect_nothing ();
    drop_pair (&pair);
}

/* The pulse alone is not the session: what is cut now and then in both stands again in time. */
Test (cut, again_and_again_for_many_intervals_is_no_end_either)
{
    const uint32_t interval_ms = 1000;   // in which a slow machine, too, dials them again
    pair_t pair = make_pair (interval_ms);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (4000000) * interval_ms;
    while (zanni_now_ns (root) < until_ns) {
        (void) proxy_cut (pair.proxy);
        cr_assert_eq (zanni_run (root, 200), 0);
    }
    expect_nothing ();
    cr_assert_eq (call_int (pair.dialer, "call", 1), 1);
    drop_pair (&pair);
}
