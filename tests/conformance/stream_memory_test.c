/* A source that pushes as fast as it can to a sink that is slower: what both need in memory is no more than the
   credit and a tenth of it. With full counts that goes on for a minute, else until several times the credit has
   passed. */

#include "support.h"

#define MIB (INT64_C (1) << 20)
#define CREDIT (32 * MIB)
#define ITEM 32768
#define ITEMS (4 * CREDIT / ITEM)
#define PASSES 4                        // over an item, by the sink
#define LONG_NS (60 * INT64_C (1000000000))

/* The most that this process has had in memory since the last call of forget_peak. */
static int64_t
peak_bytes (void)
{
    char line [256];
    int64_t kib = -1;
    FILE *file = fopen ("/proc/self/status", "r");
    while (file && fgets (line, sizeof line, file))
        if (!strncmp (line, "VmHWM:", 6))
            kib = strtoll (line + 6, NULL, 10);
    if (file)
        fclose (file);
    return kib * 1024;
}

static void
forget_peak (void)
{
    FILE *file = fopen ("/proc/self/clear_refs", "w");
    if (!file)
        return;
    (void) fprintf (file, "5");
    fclose (file);
}

typedef struct {
    int64_t before;
    uint64_t sum;
    int64_t items;
} slow_t;

static int
slow_begin (zanni_t *self, zanni_msg_t *msg)
{
    slow_t *slow = zanni_state (self);
    forget_peak ();
    slow->before = peak_bytes ();
    return zanni_reply (self, msg);
}

/* What it has needed, and how many items it got. */
static int
slow_grown (zanni_t *self, zanni_msg_t *msg)
{
    slow_t *slow = zanni_state (self);
    return zanni_reply (self, msg, peak_bytes () - slow->before, slow->items);
}

static int
slow_item (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    slow_t *slow = zanni_state (self);
    zanni_bytes_t bytes;
    int rc = zanni_read (msg, &bytes);
    (void) stream;
    for (int pass = 0; !rc && pass < PASSES; pass++)
        for (size_t i = 0; i < bytes.size; i++)
            slow->sum = (slow->sum ^ ((const uint8_t *) bytes.data) [i]) * UINT64_C (0x100000001b3);
    slow->items += !rc;
    return rc;
}

static int
slow_take (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_inlet_t inlet = { .item = slow_item, .items = 65536, .bytes = CREDIT };
    return zanni_stream_take (self, msg, &inlet);
}

static const zanni_method_t slow_methods [] = {
    ZANNI_METHOD ("begin", "", "", slow_begin, ""),
    ZANNI_METHOD ("grown", "", "xx", slow_grown, ""),
    ZANNI_STREAM ("take", slow_take, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t slow_class = { .name = "slow", .state_size = sizeof (slow_t), .methods = slow_methods };

typedef struct {
    zanni_stream_t *stream;
    zanni_ref_t *witness;
    int64_t pushed;
    int64_t refused;
    int64_t until_ns;
} quick_t;

static void
quick_go_on (zanni_t *self, zanni_stream_t *stream)
{
    static const uint8_t bytes [ITEM];
    quick_t *quick = zanni_state (self);
    int rc = 0;
    while (!rc && (quick->until_ns ? zanni_now_ns (self) < quick->until_ns : quick->pushed < ITEMS)) {
        rc = zanni_push (self, stream, zanni_arg_bytes (bytes, sizeof bytes));
        quick->pushed += !rc;
        quick->refused += rc == ZANNI_EFULL;
    }
    if (rc != ZANNI_EFULL && (rc || zanni_stream_end (self, stream)))
        (void) report (self, quick->witness, "%s", zanni_strerror (rc));
}

static void
quick_ended (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    quick_t *quick = zanni_state (self);
    (void) stream;
    (void) report (self, quick->witness, "%s", error ? error->text : "well");
}

static int
quick_push (zanni_t *self, zanni_msg_t *msg)
{
    quick_t *quick = zanni_state (self);
    const zanni_stream_options_t options = { .room = quick_go_on, .ended = quick_ended };
    const zanni_ref_t *slow;
    int rc = zanni_read (msg, &slow);
    if (!rc)
        rc = zanni_ref_weak (self, &quick->witness, zanni_msg_from (msg));
    quick->until_ns = getenv ("ZANNI_LONG") ? zanni_now_ns (self) + LONG_NS : 0;
    return rc ? rc : zanni_stream_open (self, &quick->stream, slow, &options, "take");
}

static int
quick_counts (zanni_t *self, zanni_msg_t *msg)
{
    quick_t *quick = zanni_state (self);
    return zanni_reply (self, msg, quick->pushed, quick->refused);
}

static const zanni_method_t quick_methods [] = {
    ZANNI_METHOD ("push", "r", "", quick_push, ""),
    ZANNI_METHOD ("counts", "", "xx", quick_counts, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t quick_class = { .name = "quick", .state_size = sizeof (quick_t), .methods = quick_methods };
CLASSES (&slow_class, &quick_class);

static void
push_to_slow (void)
{
    const zanni_spawn_t options = { .place = place, .mailbox_bytes = 2 * CREDIT, .mailbox_messages = 100000 };
    int64_t grown = -1, items = -1, pushed = -1, refused = -1;
    zanni_ref_t *slow = spawn_with (&options, "slow");
    zanni_ref_t *quick = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "quick");
    done (quick, "counts");
    done (slow, "begin");
    forget_peak ();
    int64_t before = peak_bytes ();
    tell (quick, "push", slow);
    ZANNI_AUTO (zanni_msg_t) end = NULL;
    const char *how = "";
    cr_assert_eq (zanni_receive (root, &end, 110000), 0);
    cr_assert_eq (zanni_read (end, &how), 0);
    cr_assert_str_eq (how, "well");
    int64_t here = peak_bytes () - before;
    ZANNI_AUTO (zanni_msg_t) at_slow = call (slow, "grown");
    ZANNI_AUTO (zanni_msg_t) at_quick = call (quick, "counts");
    cr_assert_eq (zanni_read (at_slow, &grown, &items), 0);
    cr_assert_eq (zanni_read (at_quick, &pushed, &refused), 0);
    cr_assert_eq (items, pushed);
    cr_assert_gt (refused, 0, "it was never too quick");
    cr_assert_leq (here, CREDIT + CREDIT / 10, "the source's process needed %" PRId64 " KiB more", here / 1024);
    cr_assert_leq (grown, CREDIT + CREDIT / 10, "the sink's process needed %" PRId64 " KiB more", grown / 1024);
    cr_log_info ("%" PRId64 " items, refused %" PRId64 " times; %" PRId64 " and %" PRId64 " KiB", items, refused,
                 here / 1024, grown / 1024);
    zanni_ref_destroy (&quick);
    zanni_ref_destroy (&slow);
}

Test (stream_memory, is_the_credit_where_both_are_in_one_process, .timeout = 120)
{
    conform (classes, ZANNI_THREAD, push_to_slow);
}

Test (stream_memory, is_the_credit_in_each_of_two_processes, .timeout = 120)
{
    conform (classes, ZANNI_PROCESS, push_to_slow);
}
