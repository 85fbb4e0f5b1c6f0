/* Large buffers to process actors, of which a new one is filled every time.

   handover-100MB: the root takes a buffer, fills it in place, sends it and gets the sum that a process actor made of it
   there. The buffer is given back once the answer is here, so that the next one can have the same memory: so the
   baseline, a mapping that is used again and again, has it too. The sum is the baseline's own.

   handover-untouched: the same where nobody fills or reads the buffer: what a hand-over costs by itself, which should
   not depend on the size. The larger of the medians for 1 MB and 1 GB is the figure; both stand beside it, and that of an
   ask without a buffer.

   fanout: one buffer is kept by sixteen process actors that have all read it. Their share of memory and the root's
   (PSS, which divides each page among those who map it) above what it was before the buffer is the figure; beside it
   stands what one buffer takes. */

#define _GNU_SOURCE

#include "bench.h"
#include "peer.h"

#include <inttypes.h>
#include <unistd.h>

#define S_MB ((size_t) 1000 * 1000)
#define S_GB ((size_t) 1000 * 1000 * 1000)
#define S_HOLDERS 16
#define S_MOST 1000      // samples
#define S_LEAST 100
#define S_FIRST 5        // that are left out

typedef struct {
    zanni_buffer_t *kept;
} holder_t;

static int
holder_sum (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    return rc ? rc : zanni_reply (self, msg, peer_sum (zanni_buffer_data (buffer), zanni_buffer_size (buffer)));
}

static int
holder_keep (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    if (rc)
        return rc;
    zanni_buffer_destroy (&holder->kept);
    holder->kept = zanni_buffer_keep (buffer);
    return zanni_reply (self, msg, peer_sum (zanni_buffer_data (buffer), zanni_buffer_size (buffer)));
}

static int
holder_take (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    return rc ? rc : zanni_reply (self, msg, (uint64_t) zanni_buffer_size (buffer));
}

static int
holder_pid (zanni_t *self, zanni_msg_t *msg)
{
    uint64_t pid = (uint64_t) getpid ();
    return zanni_reply (self, msg, pid);
}

static void
holder_stop (zanni_t *self, const zanni_reason_t *reason)
{
    holder_t *holder = zanni_state (self);
    (void) self, (void) reason;
    zanni_buffer_destroy (&holder->kept);
}

static const zanni_method_t holder_methods [] = {
    ZANNI_METHOD ("sum", "B", "t", holder_sum, "The sum of the buffer's words."),
    ZANNI_METHOD ("keep", "B", "t", holder_keep, "The same; the buffer stays."),
    ZANNI_METHOD ("take", "B", "t", holder_take, "The buffer's size, without a look at it."),
    ZANNI_METHOD ("pid", "", "t", holder_pid, "The process it runs in."), ZANNI_METHOD_END
};
const zanni_class_t bench_holder_class = {
    .name = "holder", .state_size = sizeof (holder_t), .methods = holder_methods, .stop = holder_stop
};

static uint64_t
s_ask (zanni_t *self, const zanni_ref_t *ref, const char *method, const zanni_buffer_t *buffer)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ask_t patient = { .deadline_ms = -1 };
    const zanni_arg_t args [1] = { zanni_arg_buffer (buffer) };
    uint64_t answer = 0;
    int rc = zanni_call_args (self, &reply, ref, &patient, method, args, buffer ? 1 : 0);
    if (!rc)
        rc = zanni_read (reply, &answer);
    bench_check (rc, method);
    return answer;
}

static zanni_buffer_t *
s_filled (zanni_t *self, size_t size, uint8_t byte)
{
    zanni_buffer_t *buffer;
    void *data;
    bench_check (zanni_buffer_new (self, &buffer, size), "buffer");
    bench_check (zanni_buffer_edit (&data, buffer), "buffer");
    memset (data, byte, size);
    return buffer;
}

static void
s_spawn (zanni_t *self, zanni_ref_t **ref_p)
{
    bench_check (zanni_spawn (self, ref_p, "holder", &(zanni_spawn_t) { .place = ZANNI_PROCESS }), "spawn");
}

static double
s_handover_s (zanni_t *self, const zanni_ref_t *holder, int64_t count)
{
    int64_t started_ns = bench_now_ns ();
    for (int64_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t) (1 + i % 255);
        ZANNI_AUTO (zanni_buffer_t) buffer = s_filled (self, PEER_100MB, byte);
        uint64_t sum = s_ask (self, holder, "sum", buffer);
        bench_check (sum == peer_sum_of (byte, PEER_100MB) ? 0 : ZANNI_EARGS, "the sum");
    }
    return (double) (bench_now_ns () - started_ns) / 1e9;
}

void
bench_handover_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) holder = NULL;
    int64_t next = 2;
    int64_t count;
    double seconds;
    s_spawn (self, &holder);
    do {
        count = next;
        seconds = s_handover_s (self, holder, count);
        next = bench_grow (count, seconds);
    }
    while (next);
    printf ("%s %.3f /s\n", name, (double) count / seconds);
    bench_check_letters (self);
}

/* One of `size` bytes; 0: an ask alone. */
static int64_t
s_untouched_ns (zanni_t *self, const zanni_ref_t *holder, size_t size)
{
    int64_t started_ns = bench_now_ns ();
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    if (size)
        bench_check (zanni_buffer_new (self, &buffer, size), "buffer");
    uint64_t answer = s_ask (self, holder, size ? "take" : "pid", buffer);
    bench_check (!size || answer == size ? 0 : ZANNI_EARGS, "the size");
    zanni_buffer_destroy (&buffer);
    return bench_now_ns () - started_ns;
}

/* The median of what is steady: the first of a size make its memory. */
static double
s_untouched_us (zanni_t *self, const zanni_ref_t *holder, size_t size)
{
    int64_t samples [S_MOST];
    size_t taken = 0;
    for (int i = 0; i < S_FIRST; i++)
        (void) s_untouched_ns (self, holder, size);
    int64_t end_ns = bench_now_ns () + (int64_t) (bench_seconds * 1e9);
    while (taken < S_MOST && (taken < S_LEAST || bench_now_ns () < end_ns))
        samples [taken++] = s_untouched_ns (self, holder, size);
    return (double) bench_median_ns (samples, taken) / 1e3;
}

void
bench_untouched_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) holder = NULL;
    s_spawn (self, &holder);
    (void) s_untouched_us (self, holder, S_MB);
    double ask = s_untouched_us (self, holder, 0);
    double small = s_untouched_us (self, holder, S_MB), large = s_untouched_us (self, holder, S_GB);
    printf ("%s-ask %.3f us\n%s-1MB %.3f us\n%s-1GB %.3f us\n", name, ask, name, small, name, large);
    printf ("%s %.3f us\n", name, small > large ? small : large);
    bench_check_letters (self);
}

/* The process's share of the memory that it maps. */
static int64_t
s_pss (uint64_t pid)
{
    char line [128];
    int64_t kib = -1;
    snprintf (line, sizeof line, "/proc/%" PRIu64 "/smaps_rollup", pid);
    FILE *file = fopen (line, "r");
    bench_check_system (file != NULL, line);
    while (kib < 0 && fgets (line, sizeof line, file))
        (void) sscanf (line, "Pss: %" SCNd64, &kib);
    fclose (file);
    bench_check_system (kib >= 0, "no Pss in smaps_rollup");
    return kib * 1024;
}

static int64_t
s_all_pss (const uint64_t *pids)
{
    int64_t sum = s_pss ((uint64_t) getpid ());
    for (int i = 0; i < S_HOLDERS; i++)
        sum += s_pss (pids [i]);
    return sum;
}

void
bench_fanout_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    zanni_ref_t *holders [S_HOLDERS];
    uint64_t pids [S_HOLDERS];
    for (int i = 0; i < S_HOLDERS; i++) {
        s_spawn (self, &holders [i]);
        pids [i] = s_ask (self, holders [i], "pid", NULL);
    }
    int64_t idle = s_all_pss (pids);
    buffer = s_filled (self, PEER_100MB, BENCH_FILL);
    for (int i = 0; i < S_HOLDERS; i++) {
        uint64_t sum = s_ask (self, holders [i], "keep", buffer);
        bench_check (sum == peer_sum_of (BENCH_FILL, PEER_100MB) ? 0 : ZANNI_EARGS, "the sum");
    }
    printf ("%s-one %zu B\n%s %" PRId64 " B\n", name, PEER_100MB, name, s_all_pss (pids) - idle);
    bench_check_letters (self);
    for (int i = 0; i < S_HOLDERS; i++)
        zanni_ref_destroy (&holders [i]);
}
