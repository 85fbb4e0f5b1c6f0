/* Large buffers between processes of one host: both map the same memory, which is used again when its last reader is done,
   whatever becomes of that. */

#include "process.h"
#include "probe.h"

#include <sys/mman.h>

#define MIB ((size_t) 1 << 20)

typedef struct {
    zanni_buffer_t *held [64];
    int count;
} holder_t;

static int
s_hold (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    if (rc)
        return rc;
    holder->held [holder->count++] = zanni_buffer_keep (buffer);
    return zanni_reply (self, msg, (uint64_t) zanni_buffer_size (buffer));
}

static int
s_drop (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    while (holder->count)
        zanni_buffer_destroy (&holder->held [--holder->count]);
    return zanni_reply (self, msg);
}

/* Reads a byte of every page; answers the sum of its first, middle and last. */
static int
s_look (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    if (rc)
        return rc;
    size_t size = zanni_buffer_size (buffer);
    const volatile uint8_t *data = zanni_buffer_data (buffer);
    for (size_t at = 0; at < size; at += 4096)
        (void) data [at];
    int64_t sum = size ? data [0] + data [size / 2] + data [size - 1] : 0;
    return zanni_reply (self, msg, (uint64_t) size, sum);
}

static int
s_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) getpid ());
}

static const zanni_method_t holder_methods [] = {
    ZANNI_METHOD ("hold", "B", "t", s_hold, ""), ZANNI_METHOD ("drop", "", "", s_drop, ""),
    ZANNI_METHOD ("look", "B", "tx", s_look, ""), ZANNI_METHOD ("pid", "", "x", s_pid, ""), ZANNI_METHOD_END
};
static const zanni_class_t holder_class = {
    .name = "holder", .state_size = sizeof (holder_t), .methods = holder_methods
};

CLASSES (&holder_class);
PROCESS_SUITE (shared);

static zanni_buffer_t *
make (size_t size, uint8_t byte)
{
    void *data;
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni_buffer_new (root, &buffer, size), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memset (data, byte, size);
    return buffer;
}

/* Bytes that a process has mapped of files with such names. */
static size_t
mapped_of (pid_t pid, const char *name)
{
    char path [64], line [512];
    size_t bytes = 0;
    snprintf (path, sizeof path, "/proc/%d/maps", (int) pid);
    FILE *file = fopen (path, "r");
    while (file && fgets (line, sizeof line, file)) {
        uintptr_t from, to;
        if (strstr (line, name) && sscanf (line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2)
            bytes += to - from;
    }
    if (file)
        fclose (file);
    return bytes;
}

static size_t
mapped (pid_t pid)
{
    return mapped_of (pid, "memfd:zanni");
}

/* What a process takes of the host's memory, what it shares counted in part. */
static size_t
share_of (pid_t pid)
{
    char path [64], line [256];
    size_t kib = 0;
    snprintf (path, sizeof path, "/proc/%d/smaps_rollup", (int) pid);
    FILE *file = fopen (path, "r");
    while (file && fgets (line, sizeof line, file))
        (void) sscanf (line, "Pss: %zu", &kib);
    if (file)
        fclose (file);
    return kib << 10;
}

static void
look (const zanni_ref_t *holder, const zanni_buffer_t *buffer, uint8_t byte)
{
    uint64_t size;
    int64_t sum;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    cr_assert_eq (zanni_call (root, &reply, holder, "look", buffer), 0);
    cr_assert_eq (zanni_read (reply, &size, &sum), 0);
    cr_assert_eq (size, zanni_buffer_size (buffer));
    cr_assert_eq (sum, size ? 3 * byte : 0);
}

Test (shared, a_large_buffer_is_mapped_by_its_receiver)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    ZANNI_AUTO (zanni_buffer_t) buffer = make (20 * MIB, 5);
    pid_t pid = (pid_t) call_int (holder, "pid");
    size_t before = mapped (pid);
    done (holder, "hold", buffer);
    size_t after = mapped (pid);
    bool shares = before > 0;   // where nodes share no memory, there is not even a lane
    cr_assert_eq (after - before >= 20 * MIB, shares, "%zu, then %zu", before, after);
}

Test (shared, no_memory_has_a_name_in_the_system_s_folder)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    ZANNI_AUTO (zanni_buffer_t) buffer = make (20 * MIB, 5);
    done (holder, "hold", buffer);
    cr_assert_eq (mapped_of ((pid_t) call_int (holder, "pid"), "/dev/shm"), 0);
}

Test (shared, buffers_of_no_and_of_one_byte_arrive)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    ZANNI_AUTO (zanni_buffer_t) none = make (0, 0);
    ZANNI_AUTO (zanni_buffer_t) one = make (1, 7);
    look (holder, none, 0);
    look (holder, one, 7);
}

/* Memory that was never touched: it is the receiver's, or a copy's, that takes room. */
Test (shared, a_buffer_of_more_than_four_gibibytes_arrives, .timeout = 300)
{
    const size_t size = ((size_t) 4 << 30) + 1;
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    if (!LONG)
        return;
    void *data = mmap (NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cr_assert_neq (data, MAP_FAILED);
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    cr_assert_eq (zanni_buffer_wrap (root, &buffer, data, size, NULL, NULL), 0);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    uint64_t id = 0;
    const zanni_ask_t options = { .id_p = &id, .deadline_ms = 200000 };
    cr_assert_eq (zanni_ask (root, holder, &options, "look", buffer), 0);
    cr_assert_eq (zanni_receive (root, &reply, 200000), 0);
    uint64_t came;
    int64_t sum;
    cr_assert_eq (zanni_read (reply, &came, &sum), 0);
    cr_assert (came == size && !sum);
}

static void
hold_and_die (int times)
{
    for (int i = 0; i < times; i++) {
        ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
        ZANNI_AUTO (zanni_buffer_t) buffer = make (4 * MIB, (uint8_t) i);
        uint64_t down = monitor (holder);
        done (holder, "hold", buffer);
        cr_assert_eq (zanni_kill (root, holder), 0);
        expect_reason (down, "killed");
    }
}

static bool
s_is_flat (void *context)
{
    const size_t *before = context;
    return mapped (getpid ()) <= before [0] + 4 * MIB && probe_descriptors () <= (int) before [1] + 4;
}

Test (shared, what_holders_had_comes_back_though_they_are_killed, .timeout = 600)
{
    hold_and_die (5);
    size_t before [2] = { mapped (getpid ()), (size_t) probe_descriptors () };
    hold_and_die (LONG ? 1000 : 20);
    cr_assert (probe_until (root, s_is_flat, before), "%zu bytes and %zu descriptors, then %zu and %d", before [0],
               before [1], mapped (getpid ()), probe_descriptors ());
}

Test (shared, memory_stays_flat_over_many_large_messages, .timeout = 600)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    pid_t pid = (pid_t) call_int (holder, "pid");
    size_t before = 0;
    for (int i = 0; i < (LONG ? 10000 : 600); i++) {
        ZANNI_AUTO (zanni_buffer_t) buffer = make (MIB + (size_t) (i % 7) * 100000, (uint8_t) i);
        look (holder, buffer, (uint8_t) i);
        if (i == 100)
            before = share_of (pid) + share_of (getpid ());
    }
    size_t after = share_of (pid) + share_of (getpid ());
    size_t slack = probe_sanitized () ? 200 * MIB : 8 * MIB;   // who looks for errors keeps what was freed
    cr_assert_lt (after, before + slack, "%zu, then %zu", before, after);
}

Test (shared, one_buffer_for_many_takes_the_room_of_one)
{
    enum { MANY = 6 };
    const size_t size = 40 * MIB;
    ZANNI_AUTO (zanni_buffer_t) buffer = make (size, 5);
    zanni_ref_t *holders [MANY];
    pid_t pids [MANY];
    size_t before = 0, after = 0;
    for (int i = 0; i < MANY; i++) {
        holders [i] = spawn ("holder");
        pids [i] = (pid_t) call_int (holders [i], "pid");
    }
    bool shares = mapped (pids [0]) > 0;
    for (int i = 0; i < MANY; i++)
        before += share_of (pids [i]);
    for (int i = 0; i < MANY; i++)
        done (holders [i], "hold", buffer);
    for (int i = 0; i < MANY; i++)
        look (holders [i], buffer, 5);
    for (int i = 0; i < MANY; i++)
        after += share_of (pids [i]);
    if (shares)
        cr_assert (after > before + size / MANY && after < before + size * 6 / 5, "%zu, then %zu", before, after);
    for (int i = 0; i < MANY; i++)
        zanni_ref_destroy (&holders [i]);
}

Test (shared, beyond_the_quota_buffers_travel_as_bytes)
{
    begin_again ((zanni_options_t) { .share_most = 1 });
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    ZANNI_AUTO (zanni_buffer_t) buffer = make (5 * MIB, 9);
    look (holder, buffer, 9);
}
