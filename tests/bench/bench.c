/* Counts, times and faults: the same for every case of zanni-bench. A run that is too short warms up for the next. */

#define _GNU_SOURCE

#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define S_FIRST 10000
#define S_GROWTH 100

double bench_seconds = 1.5;
int64_t bench_exactly;

int64_t
bench_now_ns (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (int64_t) time.tv_sec * 1000000000 + time.tv_nsec;
}

void
bench_check (int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf (stderr, "zanni-bench: %s: %s\n", what, zanni_strerror (rc));
    exit (EXIT_FAILURE);
}

void
bench_check_system (bool good, const char *what)
{
    if (good)
        return;
    fprintf (stderr, "zanni-bench: %s: %s\n", what, strerror (errno));
    exit (EXIT_FAILURE);
}

int64_t
bench_ask (zanni_t *self, const zanni_ref_t *ref, const bench_run_t *run, int64_t count)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ask_t patient = { .deadline_ms = -1 };
    const char *method = run->method ? run->method : run->name;
    zanni_arg_t args [3] = { zanni_arg_int (count) };
    size_t size = 1;
    int64_t answer = 0;
    if (run->sink)
        args [size++] = zanni_arg_ref (run->sink);
    if (run->buffer)
        args [size++] = zanni_arg_buffer (run->buffer);
    int rc = zanni_call_args (self, &reply, ref, &patient, method, args, size);
    if (!rc)
        rc = zanni_read (reply, &answer);
    bench_check (rc, method);
    return answer;
}

int64_t
bench_grow (int64_t count, double seconds)
{
    if (bench_exactly || seconds >= 0.7 * bench_seconds)
        return 0;
    double factor = seconds > 0 ? bench_seconds / seconds : S_GROWTH;
    return (int64_t) ((double) count * (factor > S_GROWTH ? S_GROWTH : factor)) + 1;
}

void
bench_rate (zanni_t *self, const zanni_ref_t *ref, const bench_run_t *run)
{
    int64_t next = bench_exactly ? bench_exactly : run->first ? run->first : S_FIRST;
    int64_t count;
    double seconds;
    do {
        count = next;
        seconds = (double) bench_ask (self, ref, run, count) / 1e9;
        next = bench_grow (count, seconds);
    }
    while (next);
    printf ("%s %.*f /s\n", run->name, run->buffer ? 3 : 0, (double) count / seconds);
    bench_check_letters (self);
}

static int
s_compare (const void *one, const void *other)
{
    int64_t a = *(const int64_t *) one, b = *(const int64_t *) other;
    return (a > b) - (a < b);
}

int64_t
bench_percentile_ns (int64_t *samples, size_t count, size_t percent)
{
    qsort (samples, count, sizeof *samples, s_compare);
    return samples [count * percent / 100];
}

int64_t
bench_median_ns (int64_t *samples, size_t count)
{
    return bench_percentile_ns (samples, count, 50);
}

void
bench_buffer (zanni_t *self, zanni_buffer_t **buffer_p, size_t size)
{
    void *data;
    bench_check (zanni_buffer_new (self, buffer_p, size), "buffer");
    bench_check (zanni_buffer_edit (&data, *buffer_p), "buffer");
    memset (data, BENCH_FILL, size);
}

void
bench_check_letters (zanni_t *self)
{
    zanni_stats_t stats;
    bench_check (zanni_stats (self, &stats), "stats");
    if (stats.dead_letters || stats.failed_tells) {
        fprintf (stderr, "zanni-bench: %" PRIu64 " dead letters, %" PRIu64 " failed tells\n", stats.dead_letters,
                 stats.failed_tells);
        exit (EXIT_FAILURE);
    }
}
