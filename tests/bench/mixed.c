/* Asks beside a transfer to the same node: what a large transfer costs those who share the connection with it, and
   what they cost the transfer.

   The transfer is 1 GiB in buffers of 64 MiB, from a source on the root's worker; the root asks by zanni_call, one
   ask after the other, until the transfer is over. The same sink takes both, by the same connection. Two figures come
   of it: the 99th percentile of an ask beside the transfer as a multiple of that without it, and the speed of the
   transfer beside the asks as a part of that alone. */

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define S_SIZE ((size_t) 64 << 20)
#define S_COUNT 16
#define S_IDLE_ASKS 20000
#define S_MOST ((size_t) 1 << 20)

typedef struct {
    const zanni_ref_t *source;
    const zanni_ref_t *sink;
    const zanni_buffer_t *buffer;
    int64_t count;              // buffers of a transfer
    int64_t *samples;
    double p99_us;
} mix_t;

static int64_t
s_alone_ns (zanni_t *self, const mix_t *mix)
{
    const bench_run_t run = { .name = "tcp-mixed", .method = "transfer", .sink = mix->sink, .buffer = mix->buffer };
    return bench_ask (self, mix->source, &run, mix->count);
}

/* Asks until the root has a message, or `most` times. */
static void
s_ask (zanni_t *self, mix_t *mix, size_t most, zanni_msg_t **msg_p)
{
    size_t taken = 0;
    while (taken < most && zanni_receive (self, msg_p, 0)) {
        int64_t started_ns = bench_now_ns ();
        bench_echo (self, mix->sink);
        mix->samples [taken++] = bench_now_ns () - started_ns;
    }
    mix->p99_us = (double) bench_percentile_ns (mix->samples, taken, 99) / 1e3;
}

static int64_t
s_beside_ns (zanni_t *self, mix_t *mix)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ask_t patient = { .deadline_ms = -1 };
    int64_t elapsed_ns = 0;
    bench_check (zanni_ask (self, mix->source, &patient, "transfer", mix->count, mix->sink, mix->buffer), "transfer");
    s_ask (self, mix, S_MOST, &reply);
    bench_check (reply ? zanni_read (reply, &elapsed_ns) : ZANNI_ENOREPLY, "transfer");
    return elapsed_ns;
}

void
bench_mixed_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) source = NULL;
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    ZANNI_AUTO (zanni_msg_t) none = NULL;
    bench_other_t other;
    bench_buffer (self, &buffer, S_SIZE);
    bench_other_open (self, &other, name);
    bench_check (zanni_spawn (self, &source, "source", &(zanni_spawn_t) { .place = ZANNI_HERE }), "spawn");
    mix_t mix = {
        .source = source, .sink = other.sink, .buffer = buffer, .count = bench_seconds < 1 ? 2 : S_COUNT,
        .samples = calloc (S_MOST, sizeof (int64_t))
    };
    (void) s_alone_ns (self, &mix);   // warms up
    int64_t alone_ns = s_alone_ns (self, &mix);
    s_ask (self, &mix, bench_seconds < 1 ? 1000 : S_IDLE_ASKS, &none);
    double idle_us = mix.p99_us;
    int64_t beside_ns = s_beside_ns (self, &mix);
    printf ("tcp-mixed-idle %.1f us\ntcp-mixed-beside %.1f us\n", idle_us, mix.p99_us);
    printf ("tcp-mixed-alone %.3f /s\n", 1e9 * (double) mix.count / (double) alone_ns);
    printf ("tcp-mixed %.3f x\n", mix.p99_us / idle_us);
    printf ("tcp-mixed-speed %.3f x\n", (double) alone_ns / (double) beside_ns);
    free (mix.samples);
    bench_other_close (self, &other);
    bench_check_letters (self);
}
