/* Actors with a process of their own, from spawn to every kind of end. The test program itself is what their launcher runs:
   a constructor calls zanni_init before Criterion's main, and in a child it never returns. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zanni.h>

#define WAIT_MS 10000

typedef struct {
    int64_t total;
    int64_t first;
    zanni_ref_t *other;
} worker_t;

static int
worker_start (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    int rc = zanni_read (msg, &worker->first);
    worker->total = worker->first;
    return rc ? rc : worker->first < 0 ? ZANNI_EAPP : 0;
}

static int
worker_add (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    worker->total += rc ? 0 : number;
    return rc ? rc : zanni_reply (self, msg, worker->total);
}

static int
worker_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) getpid ());
}

static int
worker_raise (zanni_t *self, zanni_msg_t *msg)
{
    int32_t number;
    int rc = zanni_read (msg, &number);
    (void) self;
    signal (number, SIG_DFL);
    return rc ? rc : raise (number);
}

static int
worker_leave (zanni_t *self, zanni_msg_t *msg)
{
    int32_t code;
    int rc = zanni_read (msg, &code);
    (void) self;
    if (!rc)
        _exit (code);
    return rc;
}

static int
worker_finish (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit_error (self, 5, "out of paper");
}

/* Spawns another in a process, and answers with it. */
static int
worker_spawn (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    const zanni_spawn_t options = { .place = ZANNI_PROCESS };
    int rc = zanni_spawn (self, &worker->other, "worker", &options, 100);
    return rc ? rc : zanni_reply (self, msg, worker->other);
}

static int
worker_hold (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    return rc ? rc : zanni_ref_keep (self, &worker->other, other);
}

static int
worker_pass (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    return zanni_forward (self, msg, worker->other, "add");
}

static int
worker_sum (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    if (rc)
        return rc;
    const uint8_t *bytes = zanni_buffer_data (buffer);
    int64_t sum = 0;
    for (size_t i = 0; i < zanni_buffer_size (buffer); i++)
        sum += bytes [i];
    return zanni_reply (self, msg, sum, ((uintptr_t) bytes & 7) == 0, buffer);
}

static const zanni_method_t worker_methods [] = {
    ZANNI_METHOD ("add", "x", "x", worker_add, ""),       ZANNI_METHOD ("pid", "", "x", worker_pid, ""),
    ZANNI_METHOD ("raise", "i", "", worker_raise, ""),    ZANNI_METHOD ("leave", "i", "", worker_leave, ""),
    ZANNI_METHOD ("finish", "", "", worker_finish, ""),   ZANNI_METHOD ("spawn", "", "r", worker_spawn, ""),
    ZANNI_METHOD ("hold", "r", "", worker_hold, ""),      ZANNI_METHOD ("pass", "x", "x", worker_pass, ""),
    ZANNI_METHOD ("sum", "B", "xbB", worker_sum, ""),     ZANNI_METHOD_END
};
static const zanni_class_t worker_class = {
    .name = "worker", .state_size = sizeof (worker_t), .methods = worker_methods, .start_in = "x",
    .start = worker_start
};
static const zanni_class_t *const classes [] = { &worker_class, NULL };

__attribute__ ((constructor)) static void
begin_as_what_this_is (void)
{
    zanni_init (classes);
}

static zanni_t *root;
static char s_folder [] = "/tmp/zanni-test-XXXXXX";

static void
setup (void)
{
    cr_assert (mkdtemp (s_folder));
    cr_assert_eq (setenv ("XDG_RUNTIME_DIR", s_folder, 1), 0);
    cr_assert_eq (zanni_new (&root, NULL), 0);
}

/* Nothing is left in the runtime directory. */
static void
teardown (void)
{
    char path [64];
    cr_assert_eq (zanni_destroy (&root), 0);
    snprintf (path, sizeof path, "%s/zanni", s_folder);
    cr_assert (rmdir (path) == 0 || access (path, F_OK), "something is left in %s", path);
    cr_assert_eq (rmdir (s_folder), 0);
}

TestSuite (process, .init = setup, .fini = teardown, .timeout = 60);

static zanni_ref_t *
spawn_worker (int64_t first)
{
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    const zanni_spawn_t options = { .place = ZANNI_PROCESS, .restartable = true, .error = &error };
    int rc = zanni_spawn (root, &ref, "worker", &options, first);
    cr_assert_eq (rc, 0, "%s: %s", zanni_strerror (rc), error.text);
    return ref;
}

static int64_t
call_args (const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int64_t number = 0;
    int rc = zanni_call_args (root, &reply, ref, NULL, method, args, count);
    cr_assert_eq (rc, 0, "%s: %s", method, zanni_strerror (rc));
    cr_assert_eq (zanni_read (reply, &number), 0);
    return number;
}
#define call(ref, ...) call_args (ref, ZANNI_ARGV (__VA_ARGS__))

static int
open_pid (int64_t pid)
{
    int fd = (int) syscall (SYS_pidfd_open, (pid_t) pid, 0);
    cr_assert_geq (fd, 0);
    return fd;
}

/* The process ends, within a time that a good one never takes; the root works on meanwhile. */
static void
expect_end (int pidfd)
{
    struct pollfd item = { .fd = pidfd, .events = POLLIN };
    int left = WAIT_MS / 10;
    while (!poll (&item, 1, 0) && left--)
        cr_assert_eq (zanni_run (root, 10), 0);
    cr_assert (poll (&item, 1, 0) == 1, "the process lives on");
    close (pidfd);
}

static zanni_reason_t
expect_down (uint64_t monitor, bool restarts)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_down_t down;
    cr_assert_eq (zanni_receive (root, &msg, WAIT_MS), 0);
    cr_assert_eq (zanni_msg_down (msg, &down), 0);
    cr_assert_eq (down.monitor, monitor);
    cr_assert_eq (down.restarts, restarts);
    return down.reason;
}

Test (process, has_a_pid_of_its_own_and_answers)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (1);
    cr_assert_neq (call (ref, "pid"), getpid ());
    cr_assert_eq (call (ref, "add", 41), 42);
    cr_assert_str_eq (zanni_ref_class (ref), "worker");
}

Test (process, that_fails_to_start_says_why)
{
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    const zanni_spawn_t options = { .place = ZANNI_PROCESS, .error = &error };
    cr_assert_eq (zanni_spawn (root, &ref, "worker", &options, -1), ZANNI_EAPP);
    cr_assert_str_eq (error.text, "the start of worker failed: application error");
    cr_assert_eq (zanni_spawn (root, &ref, "worker", &options, "one"), ZANNI_EARGS);
    cr_assert_null (ref);
}

Test (process, ends_with_its_last_strong_reference_behind_what_was_sent)
{
    zanni_ref_t *ref = spawn_worker (0);
    int pidfd = open_pid (call (ref, "pid"));
    uint64_t monitor;
    cr_assert_eq (zanni_monitor (root, &monitor, ref), 0);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (zanni_tell_wait (root, ref, -1, "add", 1), 0);
    zanni_ref_destroy (&ref);
    cr_assert_eq (expect_down (monitor, false).kind, ZANNI_EXIT_NORMAL);
    expect_end (pidfd);
}

Test (process, that_crashes_is_a_reason_with_a_signal)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    uint64_t monitor;
    char text [64];
    cr_assert_eq (zanni_monitor (root, &monitor, ref), 0);
    cr_assert_eq (zanni_tell (root, ref, "raise", SIGSEGV), 0);
    zanni_reason_t reason = expect_down (monitor, false);
    cr_assert_str_eq (zanni_reason_string (&reason, text, sizeof text), "signal 11 (SIGSEGV)");
    cr_assert_eq (zanni_tell (root, ref, "add", 1), ZANNI_ENOACTOR);
}

Test (process, that_exits_is_a_reason_with_its_code)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    uint64_t monitor;
    cr_assert_eq (zanni_monitor (root, &monitor, ref), 0);
    cr_assert_eq (zanni_tell (root, ref, "leave", 3), 0);
    zanni_reason_t reason = expect_down (monitor, false);
    cr_assert_eq (reason.kind, ZANNI_EXIT_CODE);
    cr_assert_eq (reason.code, 3);
}

Test (process, whose_actor_ends_itself_says_why)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    int pidfd = open_pid (call (ref, "pid"));
    uint64_t monitor;
    cr_assert_eq (zanni_monitor (root, &monitor, ref), 0);
    cr_assert_eq (zanni_tell (root, ref, "finish"), 0);
    zanni_reason_t reason = expect_down (monitor, false);
    cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_str_eq (reason.text, "out of paper");
    expect_end (pidfd);
}

Test (process, killed_amid_a_thousand_asks_answers_or_fails_every_one_at_once)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    pid_t pid = (pid_t) call (ref, "pid");
    const zanni_ask_t patient = { .deadline_ms = 600000 };
    int failed = 0;
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq (zanni_ask (root, ref, &patient, "add", 1), 0);
        if (i == 500)
            cr_assert_eq (kill (pid, SIGKILL), 0);
    }
    for (int i = 0; i < 1000; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        zanni_error_t error;
        cr_assert_eq (zanni_receive (root, &msg, WAIT_MS), 0, "ask %d did not end", i);
        if (!zanni_msg_error (msg, &error)) {
            cr_assert_eq (error.code, ZANNI_EDOWN);
            cr_assert_str_eq (error.text, "receiver down: signal 9 (SIGKILL)");
            failed++;
        }
    }
    cr_assert_geq (failed, 499);   // those that were asked after its end, at least
}

Test (process, is_restarted_under_the_same_reference)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (7);
    uint64_t monitor;
    cr_assert_eq (call (ref, "add", 1), 8);
    cr_assert_eq (zanni_monitor (root, &monitor, ref), 0);
    cr_assert_eq (zanni_restart (root, ref), 0);
    (void) expect_down (monitor, true);
    cr_assert_eq (call (ref, "add", 1), 8);
}

Test (process, that_another_process_spawned_is_reached_directly)
{
    ZANNI_AUTO (zanni_ref_t) middle = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) inner = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *lent;
    cr_assert_eq (zanni_call (root, &reply, middle, "spawn"), 0);
    cr_assert_eq (zanni_read (reply, &lent), 0);
    cr_assert_eq (zanni_ref_keep (root, &inner, lent), 0);
    cr_assert_eq (call (inner, "add", 1), 101);
    cr_assert (!zanni_ref_equal (inner, middle));
    cr_assert_neq (call (inner, "pid"), call (middle, "pid"));
}

Test (process, that_is_killed_takes_those_that_it_spawned_along)
{
    ZANNI_AUTO (zanni_ref_t) middle = spawn_worker (0);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *inner;
    cr_assert_eq (zanni_call (root, &reply, middle, "spawn"), 0);
    cr_assert_eq (zanni_read (reply, &inner), 0);
    int pidfd = open_pid (call (inner, "pid"));
    cr_assert_eq (kill ((pid_t) call (middle, "pid"), SIGKILL), 0);
    expect_end (pidfd);
}

Test (process, siblings_talk_and_forward_without_their_parent)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (1000);
    cr_assert_eq (zanni_tell (root, one, "hold", other), 0);
    cr_assert_eq (call (one, "pass", 1), 1001);
    uint64_t monitor;
    cr_assert_eq (zanni_monitor (root, &monitor, other), 0);
    int pidfd = open_pid (call (other, "pid"));
    zanni_ref_destroy (&other);
    cr_assert_eq (call (one, "pass", 1), 1002);   // its sibling holds it
    zanni_ref_destroy (&one);
    cr_assert_eq (expect_down (monitor, false).kind, ZANNI_EXIT_NORMAL);
    expect_end (pidfd);
}

/* The root's node ends while its children live: they are told, and nobody waits for a deadline. */
Test (process, that_lives_when_its_parent_s_node_ends_goes_with_it_at_once)
{
    zanni_ref_t *one = spawn_worker (0);
    zanni_ref_t *other = spawn_worker (0);
    int pidfd = open_pid (call (one, "pid"));
    int64_t before = zanni_now_ns (root);
    (void) other;
    cr_assert_eq (zanni_destroy (&root), 0);
    struct pollfd item = { .fd = pidfd, .events = POLLIN };
    cr_assert_eq (poll (&item, 1, 0), 1);
    close (pidfd);
    cr_assert_eq (zanni_new (&root, NULL), 0);
    cr_assert_lt (zanni_now_ns (root) - before, INT64_C (4000000000));
}

/* Sizes at the borders of the ways that a buffer can take. */
Test (process, gets_buffers_of_every_size_aligned_and_whole)
{
    static const size_t sizes [] = { 0, 1, 7, 8, 100, 4096, 7999, 8000, 8001, 65536, 70001, 1 << 20, (1 << 20) + 1,
                                     (5 << 20) + 3, 20 << 20 };
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        const zanni_buffer_t *back;
        void *data;
        int64_t sum = 0, wanted = 0;
        bool aligned = false;
        cr_assert_eq (zanni_buffer_new (root, &buffer, sizes [i]), 0);
        cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
        for (size_t j = 0; j < sizes [i]; j++)
            wanted += ((uint8_t *) data) [j] = (uint8_t) (j * 31 + i);
        cr_assert_eq (zanni_call (root, &reply, ref, "sum", buffer), 0);
        cr_assert_eq (zanni_read (reply, &sum, &aligned, &back), 0);
        cr_assert_eq (sum, wanted, "%zu bytes", sizes [i]);
        cr_assert (aligned);
        cr_assert_eq (zanni_buffer_size (back), sizes [i]);
        cr_assert_arr_eq (zanni_buffer_data (back), zanni_buffer_data (buffer), sizes [i]);
    }
}

Test (process, actors_come_and_go_with_descriptors_flat)
{
    int before = 0;
    for (int round = 0; round < 20; round++) {
        zanni_ref_t *ref = spawn_worker (round);
        uint64_t monitor;
        int pidfd = open_pid (call (ref, "pid"));
        cr_assert_eq (zanni_monitor (root, &monitor, ref), 0);
        zanni_ref_destroy (&ref);
        (void) expect_down (monitor, false);
        expect_end (pidfd);
        int count = 0;
        DIR *folder = opendir ("/proc/self/fd");
        while (readdir (folder))
            count++;
        closedir (folder);
        if (round == 10)
            before = count;
        if (round > 10)
            cr_assert_leq (count, before + 8, "%d descriptors, %d before", count, before);
    }
}
