/* process.h: what the tests about processes share. It stands on the helpers of the conformance tests.

   PROCESS_SUITE (name) is a suite whose tests begin with a root and a runtime directory of their own (in `folder`), and end
   with the check that nothing is left in there. Processes are watched by pidfd, which no other process can be taken for. */

#ifndef TESTS_INTEGRATION_PROCESS_H
#define TESTS_INTEGRATION_PROCESS_H

#include "conformance/support.h"
#include "support/scratch.h"
#include "worker.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define LONG (getenv ("ZANNI_LONG") != NULL)

static char folder [SCRATCH_PATH];
static char directory [SCRATCH_PATH + sizeof "/zanni"];   // where sockets lie

static inline void
make_folder (void)
{
    cr_assert (scratch_runtime (folder, directory));
    place = ZANNI_PROCESS;
}

static inline void
expect_no_sockets (void)
{
    char names [512] = "";
    DIR *handle = opendir (directory);
    for (struct dirent *entry; handle && (entry = readdir (handle));)
        if (*entry->d_name != '.')
            snprintf (names + strlen (names), sizeof names - strlen (names), " %.40s", entry->d_name);
    if (handle)
        closedir (handle);
    cr_assert_str_eq (names, "", "these are left in %s:%s", directory, names);
}

static inline void
remove_folder (void)
{
    expect_no_sockets ();
    (void) rmdir (directory);
    cr_assert_eq (rmdir (folder), 0);
}

static inline void
set_up (void)
{
    make_folder ();
    begin ((zanni_options_t) { 0 });
}

static inline void
tear_down (void)
{
    if (root)
        end ();
    remove_folder ();
}

#define PROCESS_SUITE(name) TestSuite (name, .init = set_up, .fini = tear_down, .timeout = LONG_TIMEOUT)
#define LONG_TIMEOUT 600

static inline zanni_ref_t *
spawn_worker (int64_t total)
{
    const zanni_spawn_t options = { .place = ZANNI_PROCESS, .restartable = true };
    return spawn_with (&options, "worker", total);
}

/* What a message holds, kept. */
static inline zanni_ref_t *
kept_args (const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    ZANNI_AUTO (zanni_msg_t) reply = call_args (ref, method, args, count);
    const zanni_ref_t *got = NULL;
    zanni_ref_t *copy = NULL;
    cr_assert_eq (zanni_read (reply, &got), 0);
    cr_assert_eq (zanni_ref_keep (root, &copy, got), 0);
    return copy;
}
#define kept(ref, ...) kept_args (ref, ZANNI_ARGV (__VA_ARGS__))

static inline bool
call_bool_args (const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    ZANNI_AUTO (zanni_msg_t) reply = call_args (ref, method, args, count);
    bool value = false;
    cr_assert_eq (zanni_read (reply, &value), 0);
    return value;
}
#define call_bool(ref, ...) call_bool_args (ref, ZANNI_ARGV (__VA_ARGS__))

static inline int
open_pid (pid_t pid)
{
    int fd = (int) syscall (SYS_pidfd_open, pid, 0);
    cr_assert_geq (fd, 0, "there is no process %d", (int) pid);
    return fd;
}

static inline pid_t
pid_of (const zanni_ref_t *ref)
{
    return (pid_t) call_int (ref, "pid");
}

static inline int
pidfd_of (const zanni_ref_t *ref)
{
    return open_pid (pid_of (ref));
}

static inline bool
is_gone (int pidfd)
{
    struct pollfd item = { .fd = pidfd, .events = POLLIN };
    return poll (&item, 1, 0) == 1;
}

/* The process ends within a time that a good one never takes; the root, if there is one, works on meanwhile. */
static inline void
expect_gone (int pidfd)
{
    struct pollfd item = { .fd = pidfd, .events = POLLIN };
    for (int left = 2 * DEADLINE_MS / 10; left && !is_gone (pidfd); left--) {
        if (root)
            cr_assert_eq (zanni_run (root, 10), 0);
        else
            (void) poll (&item, 1, 10);
    }
    cr_assert (is_gone (pidfd), "the process lives on");
    close (pidfd);
}

static inline void
signal_to (pid_t pid, int number)
{
    cr_assert_eq (kill (pid, number), 0);
}

/* The monitor's DOWN comes next, and says this. */
static inline void
expect_reason (uint64_t id, const char *text)
{
    char said [160];
    zanni_reason_t reason = expect_down (id, false);
    cr_assert_str_eq (zanni_reason_string (&reason, said, sizeof said), text);
}

/* An ask of the root's that waits for its answer until something happens. */
static inline uint64_t
ask_args (const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    uint64_t id = 0;
    const zanni_ask_t patient = { .deadline_ms = 3600000, .id_p = &id };
    cr_assert_eq (zanni_ask_args (root, ref, &patient, method, args, count), 0);
    return id;
}
#define ask(ref, ...) ask_args (ref, ZANNI_ARGV (__VA_ARGS__))

static inline void
expect_answer (uint64_t id, int64_t number)
{
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    int64_t value = -1;
    zanni_error_t error = { 0 };
    cr_assert_neq (zanni_msg_error (msg, &error), 0, "the answer is an error: %s", error.text);
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY);
    cr_assert_eq (zanni_msg_id (msg), id);
    cr_assert_eq (zanni_read (msg, &value), 0);
    cr_assert_eq (value, number);
}

static inline zanni_error_t
expect_failure (uint64_t id, int code)
{
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_ERROR, "a message of kind %d came", (int) zanni_msg_kind (msg));
    cr_assert_eq (zanni_msg_id (msg), id);
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    cr_assert_eq (error.code, code, "the error is %s", error.text);
    return error;
}

/* What a worker has noted of a sender: the last number. All were in order. */
static inline int64_t
noted (const zanni_ref_t *ref, int64_t sender)
{
    ZANNI_AUTO (zanni_msg_t) reply = call (ref, "noted", sender);
    int64_t last = 0, wrong = 0;
    cr_assert_eq (zanni_read (reply, &last, &wrong), 0);
    cr_assert_eq (wrong, 0, "%" PRId64 " of %" PRId64 " numbers did not follow the one before", wrong, last);
    return last;
}

/* Waits until a worker has noted so many, without looking after the root's node at all. */
static inline void
sleep_until_noted (const zanni_ref_t *ref, int64_t sender, int64_t count)
{
    int fds [2];
    cr_assert_eq (pipe2 (fds, O_CLOEXEC), 0);
    done (ref, "when noted", sender, count, (int) getpid (), fds [1]);
    struct pollfd item = { .fd = fds [0], .events = POLLIN };
    cr_assert_eq (poll (&item, 1, 4 * DEADLINE_MS), 1, "%" PRId64 " never came", count);
    close (fds [0]);
    close (fds [1]);
}

/* The calls of `ref` until one answers this. */
static inline void
until_answers (const zanni_ref_t *ref, const char *method, int64_t number)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (call_int_args (ref, method, NULL, 0) != number)
        cr_assert_lt (zanni_now_ns (root), until_ns, "%s never answers %" PRId64, method, number);
}

/* An ask of the first that it has forwarded to the other, which has promised an answer. */
static inline uint64_t
ask_forwarded (const zanni_ref_t *forwarder, const zanni_ref_t *receiver)
{
    done (forwarder, "hold", receiver);
    uint64_t id = ask (forwarder, "pass promise");
    until_answers (receiver, "promises", 1);
    return id;
}

#endif
