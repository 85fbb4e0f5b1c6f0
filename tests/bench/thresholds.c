/* From which size on a buffer should travel as a frame of its own, and from which in shared memory: what
   options.in_band_max and options.share_least are chosen by. No case of compare, for there is nothing to compare with.

   For each size and each way that it can travel: a new buffer is taken, filled, sent to a process actor, which sums all of
   it, and given back. `one` is the time of that with one message under way, `many` the time of each of sixteen that are
   sent before the answers are read. The ways take turns, round by round; the shortest round counts. */

#include "bench.h"

#include <stdio.h>
#include <string.h>

#define S_WAYS 3
#define S_LEAST ((size_t) 256)
#define S_MOST ((size_t) 1 << 20)
#define S_MANY 16
#define S_ROUNDS 60
#define S_SMALLEST ((size_t) 64 << 10)   // that a region ever shares

static const char *const s_names [S_WAYS] = { "in-band", "frame", "shared" };

typedef struct {
    zanni_t *self;
    zanni_ref_t *holder;
} side_t;

static void
s_open (side_t *side, uint32_t level)
{
    const zanni_options_t options = {
        .wire_level_max = level, .in_band_max = level > 1 ? 1 : 0, .share_least = S_SMALLEST, .ask_deadline_ms = 60000,
        .mailbox_bytes = UINT64_C (1) << 30, .window_bytes = UINT64_C (1) << 30
    };
    bench_check (zanni_new (&side->self, &options), "new");
    bench_check (zanni_spawn (side->self, &side->holder, "holder", &(zanni_spawn_t) { .place = ZANNI_PROCESS }), "spawn");
}

static void
s_send (const side_t *side, size_t size)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    void *data;
    bench_check (zanni_buffer_new (side->self, &buffer, size), "buffer");
    bench_check (zanni_buffer_edit (&data, buffer), "buffer");
    memset (data, BENCH_FILL, size);
    bench_check (zanni_ask (side->self, side->holder, NULL, "sum", buffer), "ask");
}

static void
s_answer (const side_t *side)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    bench_check (zanni_receive (side->self, &reply, -1), "receive");
    bench_check (zanni_msg_kind (reply) == ZANNI_MSG_REPLY ? 0 : ZANNI_ENOREPLY, "sum");
}

/* Microseconds a message, where so many are under way at once. */
static double
s_round_us (const side_t *side, size_t size, int window)
{
    const int times = bench_seconds < 1 ? 1 : 6;
    int64_t started_ns = bench_now_ns ();
    for (int i = 0; i < times; i++) {
        for (int k = 0; k < window; k++)
            s_send (side, size);
        for (int k = 0; k < window; k++)
            s_answer (side);
    }
    return (double) (bench_now_ns () - started_ns) / 1e3 / (times * window);
}

static void
s_size (const side_t *sides, size_t size, int window, double *us)
{
    for (int round = 0; round <= S_ROUNDS; round++)
        for (int way = 0; way < S_WAYS; way++) {
            double this_us = s_round_us (&sides [way], size, window);
            if (round < 2 || this_us < us [way])   // the first one warms up
                us [way] = this_us;
        }
}

void
bench_thresholds_case (zanni_t *self, const char *name)
{
    side_t sides [S_WAYS];
    (void) self;
    for (uint32_t way = 0; way < S_WAYS; way++)
        s_open (&sides [way], way + 1);
    printf ("%s: us a message\n%10s", name, "bytes");
    for (int i = 0; i < 2 * S_WAYS; i++)
        printf (" %8s %s", s_names [i % S_WAYS], i < S_WAYS ? "one" : "many");
    putchar ('\n');
    for (size_t size = S_LEAST; size <= S_MOST; size *= 2) {
        double us [2 * S_WAYS];
        s_size (sides, size, 1, us);
        s_size (sides, size, S_MANY, us + S_WAYS);
        printf ("%10zu", size);
        for (int i = 0; i < 2 * S_WAYS; i++)
            if (i % S_WAYS == S_WAYS - 1 && size < S_SMALLEST)
                printf (" %*s", i < S_WAYS ? 12 : 13, "-");
            else
                printf (" %*.2f", i < S_WAYS ? 12 : 13, us [i]);
        putchar ('\n');
        (void) fflush (stdout);
    }
    for (int way = 0; way < S_WAYS; way++) {
        zanni_ref_destroy (&sides [way].holder);
        bench_check (zanni_destroy (&sides [way].self), "destroy");
    }
}
