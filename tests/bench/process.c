/* To another process: the sink of cross.c, which other.c reaches as the case's name says.

   One-way messages come from the source of cross.c: a shared actor on a worker of the pool; with tcp on the root's,
   which has the connection, or each message would be handed from one worker to the other. Asks come from the root, by
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
#define S_BURST 16
#define S_CALM_MS 20

/* One run after the other. */
static void
s_pour (zanni_t *self, bench_run_t run)
{
    ZANNI_AUTO (zanni_ref_t) source = NULL;
    bench_other_t other;
    bench_other_open (self, &other, run.name);
    const zanni_spawn_t here = { .place = other.pid ? ZANNI_HERE : ZANNI_SHARED };
    bench_check (zanni_spawn (self, &source, "source", &here), "spawn");
    run.sink = other.sink;
    bench_rate (self, source, &run);
    bench_other_close (self, &other);
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
    const size_t size = strstr (name, "-big") ? S_BIG : S_BUFFER;
    bench_buffer (self, &buffer, size);
    const bench_run_t run = { .name = name, .method = "stream", .buffer = buffer, .first = size == S_BIG ? 2 : 50 };
    s_pour (self, run);
}

void
bench_echo (zanni_t *self, const zanni_ref_t *ref)
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
        bench_echo (self, ref);
    int64_t begun_ns = bench_now_ns ();
    int64_t now_ns = begun_ns;
    while (taken < most && now_ns - begun_ns < span_ns) {
        int64_t started_ns = now_ns;
        bench_echo (self, ref);
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
    bench_other_t other;
    bench_other_open (self, &other, name);
    printf ("%s %.3f us\n", name, s_ask_us (self, other.sink));
    bench_other_close (self, &other);
    bench_check_letters (self);
}

int64_t
bench_spawn_ns (zanni_t *self, bench_other_t *other)
{
    int64_t started_ns = bench_now_ns ();
    bench_other_open (self, other, "process");
    bench_echo (self, other->sink);
    return bench_now_ns () - started_ns;
}

/* The median of spawns that each follow the end of the one before, at once or `calm_ms` later: when that process is gone,
   and nothing else goes on, as in the measure of a bare fork. */
static double
s_spawn_us (zanni_t *self, int rounds, int calm_ms)
{
    int64_t *samples = calloc ((size_t) rounds, sizeof *samples);
    for (int i = 0; i < rounds; i++) {
        bench_other_t other;
        if (calm_ms)
            bench_check (zanni_run (self, calm_ms), "run");
        samples [i] = bench_spawn_ns (self, &other);
        bench_other_close (self, &other);
    }
    double median_us = (double) bench_median_ns (samples, (size_t) rounds) / 1e3;
    free (samples);
    return median_us;
}

/* The median of spawns without a pause, of processes that all stay. */
static double
s_burst_us (zanni_t *self)
{
    bench_other_t others [S_BURST];
    int64_t samples [S_BURST];
    for (int i = 0; i < S_BURST; i++)
        samples [i] = bench_spawn_ns (self, &others [i]);
    for (int i = 0; i < S_BURST; i++)
        bench_other_close (self, &others [i]);
    return (double) bench_median_ns (samples, S_BURST) / 1e3;
}

void
bench_spawn_process_case (zanni_t *self, const char *name)
{
    int rounds = bench_seconds < 1 ? 20 : 300;
    double fork_us = bench_fork_us (rounds);
    double first_us = s_spawn_us (self, 1, 0);
    double spawn_us = s_spawn_us (self, rounds, 0);
    double calm_us = s_spawn_us (self, rounds, S_CALM_MS);
    double burst_us = s_burst_us (self);
    bench_other_t other;
    bench_other_open (self, &other, "process");
    double ask_us = s_ask_us (self, other.sink);
    bench_other_close (self, &other);
    printf ("%s-first %.1f us\n%s-burst %.1f us\n", name, first_us, name, burst_us);
    printf ("%s-calm %.1f us\n", name, calm_us);
    printf ("%s-fork %.1f us\n%s-ask %.1f us\n", name, fork_us, name, ask_us);
    printf ("%s-parts %.1f us\n%s %.1f us\n", name, fork_us + ask_us, name, spawn_us);
    bench_check_letters (self);
}
