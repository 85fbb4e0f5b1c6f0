/* To a process actor: the sink of cross.c in a process of its own, which the root spawns.

   One-way messages come from the source of cross.c, a shared actor on a worker of the pool; asks come from the root, by
   zanni_call: so does a program that begins with one process.

   A buffer is sent again and again by reference, and so is memory at the sender that was filled before the run; raw
   libzmq does the same with zmq_msg_init_data. Both receivers look at one byte a page. */

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_BUFFER ((size_t) 1 << 20)
#define S_BIG ((size_t) 64 << 20)
#define S_WARM_UP 1000

static void
s_spawn (zanni_t *self, zanni_ref_t **ref_p)
{
    zanni_error_t error = { .code = 0 };
    const zanni_spawn_t options = { .place = ZANNI_PROCESS, .error = &error };
    int rc = zanni_spawn (self, ref_p, "sink", &options);
    if (rc && *error.text)
        fprintf (stderr, "zanni-bench: %s\n", error.text);
    bench_check (rc, "spawn");
    zanni_error_reset (&error);
}

/* One run after the other, from a source on a worker of the pool. */
static void
s_pour (zanni_t *self, bench_run_t run)
{
    ZANNI_AUTO (zanni_ref_t) source = NULL;
    ZANNI_AUTO (zanni_ref_t) sink = NULL;
    bench_check (zanni_spawn (self, &source, "source", NULL), "spawn");
    s_spawn (self, &sink);
    run.sink = sink;
    bench_rate (self, source, &run);
}

void
bench_process_tell_case (zanni_t *self, const char *name)
{
    s_pour (self, (bench_run_t) { .name = name, .method = "go" });
}

void
bench_process_buffer_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    void *data;
    const size_t size = !strcmp (name, "process-big") ? S_BIG : S_BUFFER;
    bench_check (zanni_buffer_new (self, &buffer, size), "buffer");
    bench_check (zanni_buffer_edit (&data, buffer), "buffer");
    memset (data, BENCH_FILL, size);
    s_pour (self, (bench_run_t) { .name = name, .method = "stream", .buffer = buffer, .first = size == S_BIG ? 2 : 50 });
}

static void
s_call (zanni_t *self, const zanni_ref_t *ref)
{
    static const uint8_t payload [64];
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    bench_check (zanni_call (self, &reply, ref, "echo", zanni_arg_bytes (payload, sizeof payload)), "echo");
}

/* The median time of an ask. */
static double
s_ask_us (zanni_t *self, const zanni_ref_t *ref)
{
    const size_t most = (size_t) 1 << 20;
    const int64_t span_ns = (int64_t) (bench_seconds * 1e9);
    int64_t *samples = calloc (most, sizeof *samples);
    size_t taken = 0;
    for (int i = 0; i < S_WARM_UP; i++)
        s_call (self, ref);
    int64_t begun_ns = bench_now_ns ();
    int64_t now_ns = begun_ns;
    while (taken < most && now_ns - begun_ns < span_ns) {
        int64_t started_ns = now_ns;
        s_call (self, ref);
        now_ns = bench_now_ns ();
        samples [taken++] = now_ns - started_ns;
    }
    double median_us = (double) bench_median_ns (samples, taken) / 1e3;
    free (samples);
    return median_us;
}

void
bench_process_ask_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) sink = NULL;
    s_spawn (self, &sink);
    printf ("%s %.3f us\n", name, s_ask_us (self, sink));
    bench_check_letters (self);
}

/* From the spawn to the first answer. The reference is dropped behind that, and the process ends. */
static int64_t
s_spawn_ns (zanni_t *self)
{
    ZANNI_AUTO (zanni_ref_t) sink = NULL;
    ZANNI_AUTO (zanni_msg_t) down = NULL;
    uint64_t monitor;
    int64_t started_ns = bench_now_ns ();
    s_spawn (self, &sink);
    s_call (self, sink);
    int64_t took_ns = bench_now_ns () - started_ns;
    bench_check (zanni_monitor (self, &monitor, sink), "monitor");
    zanni_ref_destroy (&sink);
    bench_check (zanni_receive (self, &down, 5000), "down");
    return took_ns;
}

void
bench_spawn_process_case (zanni_t *self, const char *name)
{
    int rounds = bench_seconds < 1 ? 20 : 300;
    double fork_us = bench_fork_us (rounds);
    double first_us = (double) s_spawn_ns (self) / 1e3;
    int64_t *samples = calloc ((size_t) rounds, sizeof *samples);
    for (int i = 0; i < rounds; i++)
        samples [i] = s_spawn_ns (self);
    double median_us = (double) bench_median_ns (samples, (size_t) rounds) / 1e3;
    free (samples);
    ZANNI_AUTO (zanni_ref_t) sink = NULL;
    s_spawn (self, &sink);
    double ask_us = s_ask_us (self, sink);
    printf ("%s-first %.1f us\n%s-fork %.1f us\n%s-ask %.1f us\n%s-parts %.1f us\n%s %.1f us\n", name, first_us, name,
            fork_us, name, ask_us, name, fork_us + ask_us, name, median_us);
    bench_check_letters (self);
}
