/* From one worker to another, and to a process: a source, which sends or asks, and a sink.

   The source pours some messages a turn; where the sink has no more room, it goes on when there is
   (zanni_when_writable). It sends 64 bytes each time, or the same buffer again and again: a buffer that was sent does
   not change any more, so every message refers to the same memory. The sink counts what arrives; of a buffer it looks
   at one byte a page, as raw libzmq's receiver does, and finds what the buffer was filled with. What it does not like
   ends the program, and a sink that ends too early fails the run. */

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S_SOME 1024   // messages a turn
#define S_PAGE 4096

typedef struct {
    int64_t left;
    int64_t started_ns;
    zanni_ref_t *sink;
    zanni_buffer_t *buffer;   // what is sent; NULL: s_payload is
    const char *method;       // of the sink, that takes the buffer
    zanni_promise_t *done;
    int64_t *samples;
    int64_t taken;
} source_t;

typedef struct {
    int64_t count;
    int64_t wanted;
} sink_t;

static uint8_t s_payload [64];

/* Some at a time: a handler that never returned would keep its worker from everything else. */
static int
source_pour (zanni_t *self, source_t *source)
{
    int rc = 0;
    for (int some = S_SOME; !rc && source->left && some; some--) {
        rc = source->buffer ? zanni_tell (self, source->sink, source->method, source->buffer)
                            : zanni_tell (self, source->sink, "drop", zanni_arg_bytes (s_payload, sizeof s_payload));
        if (!rc)
            source->left--;
    }
    if (rc == ZANNI_EFULL)
        return zanni_when_writable (self, source->sink, "more");
    return rc || !source->left ? rc : zanni_tell (self, zanni_self (self), "more");
}

static int
source_more (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return source_pour (self, zanni_state (self));
}

/* Reads a run's arguments; the answer waits in a promise. */
static int
source_begin (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    const zanni_ref_t *sink;
    uint64_t monitor;
    int rc = zanni_read (msg, &source->left, &sink);
    if (!rc && !source->sink) {
        rc = zanni_ref_weak (self, &source->sink, sink);
        if (!rc)
            rc = zanni_monitor (self, &monitor, sink);
    }
    return rc ? rc : zanni_promise_new (self, &source->done, msg);
}

static int
source_go (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    int rc = source_begin (self, msg);
    if (!rc)
        rc = zanni_tell (self, source->sink, "begin", source->left);
    source->started_ns = bench_now_ns ();
    return rc ? rc : source_pour (self, source);
}

static int
source_send (zanni_t *self, zanni_msg_t *msg, const char *method)
{
    source_t *source = zanni_state (self);
    const zanni_buffer_t *buffer;
    source->method = method;
    int rc = source_begin (self, msg);
    if (!rc)
        rc = zanni_read (msg, &buffer);
    if (!rc && !source->buffer)
        source->buffer = zanni_buffer_keep (buffer);
    if (!rc)
        rc = zanni_tell (self, source->sink, "begin", source->left);
    source->started_ns = bench_now_ns ();
    return rc ? rc : source_pour (self, source);
}

static int
source_stream (zanni_t *self, zanni_msg_t *msg)
{
    return source_send (self, msg, "page");
}

static int
source_transfer (zanni_t *self, zanni_msg_t *msg)
{
    return source_send (self, msg, "whole");
}

static int
source_done (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    (void) msg;
    return zanni_promise_reply (self, &source->done, bench_now_ns () - source->started_ns);
}

static int source_next (zanni_t *self, source_t *source);

static void
source_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    source_t *source = arg;
    bench_check (zanni_msg_kind (reply) == ZANNI_MSG_ERROR ? ZANNI_ENOREPLY : 0, "ask");
    source->samples [source->taken++] = bench_now_ns () - source->started_ns;
    bench_check (source_next (self, source), "ask");
}

static int
source_next (zanni_t *self, source_t *source)
{
    if (source->taken < source->left) {
        source->started_ns = bench_now_ns ();
        return zanni_ask (self, source->sink, &((zanni_ask_t) { .then = source_answered, .arg = source }), "echo",
                          zanni_arg_bytes (s_payload, sizeof s_payload));
    }
    int64_t median_ns = bench_median_ns (source->samples, (size_t) source->taken);
    free (source->samples);
    return zanni_promise_reply (self, &source->done, median_ns);
}

static int
source_asks (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    int rc = source_begin (self, msg);
    source->taken = 0;
    source->samples = calloc ((size_t) source->left, sizeof *source->samples);
    return rc ? rc : source_next (self, source);
}

static void
source_down (zanni_t *self, const zanni_down_t *down)
{
    source_t *source = zanni_state (self);
    char text [128];
    (void) zanni_reason_string (&down->reason, text, sizeof text);
    if (source->done)
        bench_check (zanni_promise_fail (self, &source->done, 0, text), "sink");
}

static void
source_stop (zanni_t *self, const zanni_reason_t *reason)
{
    source_t *source = zanni_state (self);
    (void) self, (void) reason;
    zanni_ref_destroy (&source->sink);
    zanni_buffer_destroy (&source->buffer);
}

static int
sink_begin (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    sink->count = 0;
    return zanni_read (msg, &sink->wanted);
}

/* One more has arrived; says so when it was the last. */
static int
sink_count (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    return ++sink->count == sink->wanted ? zanni_tell (self, zanni_msg_from (msg), "done") : 0;
}

static int
sink_drop (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bytes_t bytes;
    int rc = zanni_read (msg, &bytes);
    bench_check (!rc && bytes.size != sizeof s_payload ? ZANNI_EARGS : rc, "drop");
    return sink_count (self, msg);
}

static int
sink_page (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    bench_check (zanni_read (msg, &buffer), "page");
    const uint8_t *data = zanni_buffer_data (buffer);
    for (size_t i = 0; i < zanni_buffer_size (buffer); i += S_PAGE)
        bench_check (data [i] == BENCH_FILL ? 0 : ZANNI_EARGS, "page");
    return sink_count (self, msg);
}

/* Looks at both ends only: what is measured beside it shall wait for the connection, and not for the sink. */
static int
sink_whole (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    bench_check (zanni_read (msg, &buffer), "whole");
    const uint8_t *data = zanni_buffer_data (buffer);
    bool good = data [0] == BENCH_FILL && data [zanni_buffer_size (buffer) - 1] == BENCH_FILL;
    bench_check (good ? 0 : ZANNI_EARGS, "whole");
    return sink_count (self, msg);
}

static int
sink_leave (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static int
sink_echo (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bytes_t bytes;
    int rc = zanni_read (msg, &bytes);
    return rc ? rc : zanni_reply (self, msg, bytes);
}

static int
sink_buffer (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    return rc ? rc : zanni_reply (self, msg, buffer);
}

static int
sink_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) getpid ());
}

static const zanni_method_t source_methods [] = {
    ZANNI_METHOD ("go", "xr", "x", source_go, "Tells so many; answers the time until all had arrived."),
    ZANNI_METHOD ("stream", "xrB", "x", source_stream, "The same, with a buffer each."),
    ZANNI_METHOD ("transfer", "xrB", "x", source_transfer, "The same, and nobody reads the buffers."),
    ZANNI_METHOD ("asks", "xr", "x", source_asks, "Asks so often; answers the median time."),
    ZANNI_METHOD ("more", "", "", source_more, "There is room again."),
    ZANNI_METHOD ("done", "", "", source_done, "All have arrived."), ZANNI_METHOD_END
};
static const zanni_method_t sink_methods [] = {
    ZANNI_METHOD ("begin", "x", "", sink_begin, "How many will come."),
    ZANNI_METHOD ("drop", "ay", "", sink_drop, "One more."),
    ZANNI_METHOD ("page", "B", "", sink_page, "One more, in a buffer."),
    ZANNI_METHOD ("whole", "B", "", sink_whole, "One more, in a buffer that is not read."),
    ZANNI_METHOD ("leave", "u", "", sink_leave, "Nobody holds this process any more."),
    ZANNI_METHOD ("echo", "ay", "ay", sink_echo, "Answers the same."),
    ZANNI_METHOD ("buffer", "B", "B", sink_buffer, "Answers the same."),
    ZANNI_METHOD ("pid", "", "x", sink_pid, "Which process this is."), ZANNI_METHOD_END
};
const zanni_class_t bench_source_class = {
    .name = "source", .state_size = sizeof (source_t), .methods = source_methods, .stop = source_stop,
    .down = source_down
};
const zanni_class_t bench_sink_class = { .name = "sink", .state_size = sizeof (sink_t), .methods = sink_methods };

void
bench_cross_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) source = NULL;
    ZANNI_AUTO (zanni_ref_t) sink = NULL;
    bench_check (zanni_spawn (self, &source, "source", &((zanni_spawn_t) { .worker = 1 })), "spawn");
    bench_check (zanni_spawn (self, &sink, "sink", &((zanni_spawn_t) { .worker = 2 })), "spawn");
    if (!strcmp (name, "crossworker")) {
        bench_rate (self, source, &(bench_run_t) { .name = name, .method = "go", .sink = sink });
        return;
    }
    const bench_run_t run = { .name = name, .method = "asks", .sink = sink };
    int64_t count = bench_seconds < 1 ? 1000 : 30000;
    (void) bench_ask (self, source, &run, 100);
    printf ("%s %.3f us\n", name, (double) bench_ask (self, source, &run, count) / 1e3);
}

/* The median time for a buffer of `size` to a thread actor and back. */
static double
s_buffer_us (zanni_t *self, const zanni_ref_t *ref, size_t size, int rounds)
{
    int64_t *samples = calloc ((size_t) rounds, sizeof *samples);
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    bench_check (zanni_buffer_new (self, &buffer, size), "buffer");
    for (int i = 0; i < rounds; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        int64_t started_ns = bench_now_ns ();
        bench_check (zanni_call (self, &reply, ref, "buffer", buffer), "call");
        samples [i] = bench_now_ns () - started_ns;
    }
    double median_us = (double) bench_median_ns (samples, (size_t) rounds) / 1e3;
    free (samples);
    return median_us;
}

void
bench_thread_buffer_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) sink = NULL;
    int rounds = bench_seconds < 1 ? 200 : 10000;
    bench_check (zanni_spawn (self, &sink, "sink", &((zanni_spawn_t) { .place = ZANNI_THREAD })), "spawn");
    (void) s_buffer_us (self, sink, 64, 100);
    printf ("%s-small %.3f us\n", name, s_buffer_us (self, sink, 64, rounds));
    printf ("%s %.3f us\n", name, s_buffer_us (self, sink, (size_t) 64 << 20, rounds));
}
