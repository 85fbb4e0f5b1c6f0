/* A large buffer between hosts whose connections are cut amid it: it comes whole, and once, or its ask ends with an error;
   and neither side needs more memory than for the buffer and what is under way. With full counts it has a gibibyte. */

#include "tcp.h"

#include "support/proxy.h"

#include <inttypes.h>

#define MIB (INT64_C (1) << 20)
#define SIZE ((LONG ? 1024 : 96) * MIB)
#define CUTS 6
#if defined __SANITIZE_ADDRESS__
#define SPARE (600 * MIB)   // what was freed is kept for a while
#else
#define SPARE (48 * MIB)    // beside the buffer: what is under way, and what libzmq and the allocator keep
#endif

/* "sink": answers how many bytes of a buffer are as they should be, and counts the buffers. */
static int64_t s_taken;

static uint64_t
word_at (uint64_t at)
{
    return at * UINT64_C (0x9e3779b97f4a7c15);
}

static int
s_take (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    if (rc)
        return rc;
    const uint64_t *words = zanni_buffer_data (buffer);
    int64_t good = 0;
    for (uint64_t i = 0; i < zanni_buffer_size (buffer) / sizeof *words; i++)
        good += words [i] == word_at (i);
    s_taken++;
    return zanni_reply (self, msg, good * (int64_t) sizeof *words, s_taken);
}

static int
s_count (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, s_taken);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("take", "B", "xx", s_take, ""),
    ZANNI_METHOD ("taken", "", "x", s_count, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t sink_class = { .name = "sink", .methods = s_methods };

CLASSES (&worker_class, &sink_class);
TCP_SUITE (tcp_buffer);

static host_t host;
static proxy_t *proxy;
static zanni_ref_t *sink;
static int64_t before_here, before_there;

/* The most that a process has had in memory so far. */
static int64_t
peak_bytes (pid_t pid)
{
    char path [64], line [256];
    int64_t kib = -1;
    snprintf (path, sizeof path, "/proc/%d/status", (int) pid);
    FILE *file = fopen (path, "r");
    cr_assert_not_null (file);
    while (fgets (line, sizeof line, file))
        if (!strncmp (line, "VmHWM:", 6))
            kib = strtoll (line + 6, NULL, 10);
    fclose (file);
    cr_assert_gt (kib, 0);
    return kib * 1024;
}

/* What it had for the keys of a secret does not hide what it needs now. */
static void
forget_peak (pid_t pid)
{
    char path [64];
    snprintf (path, sizeof path, "/proc/%d/clear_refs", (int) pid);
    FILE *file = fopen (path, "w");
    cr_assert_not_null (file);
    cr_assert_gt (fprintf (file, "5"), 0);
    cr_assert_eq (fclose (file), 0);
}

static void
meet (zanni_options_t options)
{
    char own [PROXY_TCP];
    host_offers = "sink";
    start_host (&host, options);
    begin (options);
    cr_assert_not_null (proxy = proxy_new_tcp (host.endpoint, own));
    sink = connect_to (own, "sink");
    forget_peak (getpid ());
    forget_peak (host.pid);
    before_here = peak_bytes (getpid ());
    before_there = peak_bytes (host.pid);
}

static void
part (void)
{
    zanni_ref_destroy (&sink);
    end ();
    proxy_destroy (&proxy);
    end_host (&host);
}

static zanni_buffer_t *
make_large (void)
{
    void *data;
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni_buffer_new (root, &buffer, (size_t) SIZE), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    uint64_t *words = data;
    for (uint64_t i = 0; i < (uint64_t) SIZE / sizeof *words; i++)
        words [i] = word_at (i);
    return buffer;
}

static void
expect_bounded (void)
{
    int64_t here = peak_bytes (getpid ()) - before_here, there = peak_bytes (host.pid) - before_there;
    cr_log_info ("%" PRId64 " MiB here, %" PRId64 " MiB there, of %" PRId64 " MiB", here / MIB, there / MIB, SIZE / MIB);
    cr_assert_lt (here, SIZE + SPARE);
    cr_assert_lt (there, SIZE + SPARE);
}

/* Works on until so many further bytes have passed, or something has come. */
static zanni_msg_t *
work_for_bytes (int64_t bytes)
{
    zanni_msg_t *msg = NULL;
    uint64_t until = proxy_bytes (proxy) + (uint64_t) bytes;
    int64_t before_ns = zanni_now_ns (root);
    while (!msg && proxy_bytes (proxy) < until) {
        int rc = zanni_receive (root, &msg, 5);
        cr_assert (!rc || rc == ZANNI_ETIMEOUT, "%s", zanni_strerror (rc));
        cr_assert_lt (ms_since (before_ns), 4 * DEADLINE_MS);
    }
    return msg;
}

/* Amid it, at places that hit frames and what is between them. */
static void
send_and_cut (zanni_options_t options)
{
    int64_t good = 0, taken = 0;
    meet (options);
    zanni_buffer_t *buffer = make_large ();
    uint64_t id = ask (sink, "take", buffer);
    zanni_buffer_destroy (&buffer);
    for (int i = 1; i <= CUTS; i++) {
        uint64_t cuts = proxy_cuts (proxy);
        proxy_cut_after (proxy, (uint64_t) (SIZE / (CUTS + 2)) + (uint64_t) i * 9991);
        while (proxy_cuts (proxy) == cuts)
            cr_assert_null (work_for_bytes (1), "something has come, too early");
    }
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int rc = zanni_receive (root, &reply, (LONG ? 40 : 8) * DEADLINE_MS);
    cr_assert_eq (rc, 0, "%s", zanni_strerror (rc));
    cr_assert_eq (zanni_msg_id (reply), id);
    cr_assert_eq (zanni_read (reply, &good, &taken), 0);
    cr_assert_eq (good, SIZE);
    cr_assert_eq (taken, 1);
    cr_assert_eq (call_int_args (sink, "taken", NULL, 0), 1, "it has come twice");
    expect_bounded ();
    zanni_msg_destroy (&reply);
    part ();
}

Test (tcp_buffer, comes_whole_and_once_over_connections_that_are_cut)
{
    send_and_cut ((zanni_options_t) { .insecure = true });
}

Test (tcp_buffer, comes_whole_and_once_over_secret_connections_that_are_cut)
{
    send_and_cut ((zanni_options_t) { .secret = SECRET });
}

/* Nothing of it is taken; its memory is given back there, and the next one comes. */
Test (tcp_buffer, of_a_host_that_was_given_up_amid_it_is_an_error)
{
    meet ((zanni_options_t) { .insecure = true, .heartbeat_ms = 300 });
    for (int round = 0; round < 3; round++) {
        zanni_buffer_t *buffer = make_large ();
        uint64_t id = 0;
        const zanni_ask_t patient = { .deadline_ms = 3600000, .id_p = &id };
        int rc = zanni_ask (root, sink, &patient, "take", buffer);
        cr_assert_eq (rc, 0, "%d: %s", round, zanni_strerror (rc));
        zanni_buffer_destroy (&buffer);
        cr_assert_null (work_for_bytes (SIZE / 2));
        proxy_hold (proxy, PROXY_THERE, true);
        expect_failure (id, ZANNI_ENODE);
        proxy_hold (proxy, PROXY_THERE, false);
        int64_t before_ns = zanni_now_ns (root);
        int64_t taken = -1;
        while (taken < 0) {   // until both have given the old one up
            ZANNI_AUTO (zanni_msg_t) reply = NULL;
            rc = zanni_call (root, &reply, sink, "taken");
            cr_assert (rc == 0 || rc == ZANNI_ENODE, "%s", zanni_strerror (rc));
            cr_assert_lt (ms_since (before_ns), DEADLINE_MS);
            if (!rc)
                cr_assert_eq (zanni_read (reply, &taken), 0);
        }
        cr_assert_eq (taken, 0, "half of it has come");
    }
    expect_bounded ();
    part ();
}
