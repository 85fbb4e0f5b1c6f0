/* Processes that have processes: an actor in one spawns another process and an actor in that, and hands out references to
   both. Everybody reaches them directly, knows them for the same however they were got, and none outlives its parents. */

#include "support.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

typedef struct {
    zanni_ref_t *child;      // in a process
    zanni_ref_t *inner;      // beside it
    int64_t count;
} nest_t;

static int
nest_child (zanni_t *self, zanni_msg_t *msg)
{
    nest_t *nest = zanni_state (self);
    const zanni_spawn_t options = { .place = ZANNI_PROCESS };
    int rc = nest->child ? 0 : zanni_spawn (self, &nest->child, "nest", &options);
    return rc ? rc : zanni_reply (self, msg, nest->child);
}

static int
nest_inner (zanni_t *self, zanni_msg_t *msg)
{
    nest_t *nest = zanni_state (self);
    const zanni_spawn_t options = { .place = ZANNI_HERE };
    int rc = nest->inner ? 0 : zanni_spawn (self, &nest->inner, "nest", &options);
    return rc ? rc : zanni_reply (self, msg, nest->inner);
}

/* What its child has inside: that one answers. */
static int
nest_inner_of_child (zanni_t *self, zanni_msg_t *msg)
{
    nest_t *nest = zanni_state (self);
    return zanni_forward (self, msg, nest->child, "inner");
}

/* The same, but it asks, and passes on what it gets. */
static void
nest_passed (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_promise_t *promise = arg;
    const zanni_ref_t *inner;
    int rc = zanni_msg_kind (reply) == ZANNI_MSG_REPLY ? zanni_read (reply, &inner) : ZANNI_EAPP;
    if (!rc)
        rc = zanni_promise_reply (self, &promise, inner);
    if (rc)
        zanni_promise_destroy (&promise);
}

static int
nest_relay_inner (zanni_t *self, zanni_msg_t *msg)
{
    nest_t *nest = zanni_state (self);
    zanni_promise_t *promise;
    int rc = zanni_promise_new (self, &promise, msg);
    const zanni_ask_t ask = { .then = nest_passed, .arg = rc ? NULL : promise };
    return rc ? rc : zanni_ask (self, nest->child, &ask, "inner");
}

static int
nest_self (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, zanni_self (self));
}

static int
nest_same (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *one, *other;
    int rc = zanni_read (msg, &one, &other);
    return rc ? rc : zanni_reply (self, msg, zanni_ref_equal (one, other));
}

static int
nest_is_its_child (zanni_t *self, zanni_msg_t *msg)
{
    nest_t *nest = zanni_state (self);
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    return rc ? rc : zanni_reply (self, msg, zanni_ref_equal (ref, nest->child));
}

static int
nest_count (zanni_t *self, zanni_msg_t *msg)
{
    nest_t *nest = zanni_state (self);
    return zanni_reply (self, msg, ++nest->count);
}

static int
nest_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, getpid ());
}

static int
nest_drop (zanni_t *self, zanni_msg_t *msg)
{
    nest_t *nest = zanni_state (self);
    (void) self;
    (void) msg;
    zanni_ref_destroy (&nest->child);
    return 0;
}

static const zanni_method_t nest_methods [] = {
    ZANNI_METHOD ("child", "", "r", nest_child, ""),
    ZANNI_METHOD ("inner", "", "r", nest_inner, ""),
    ZANNI_METHOD ("inner of child", "", "r", nest_inner_of_child, ""),
    ZANNI_METHOD ("relay inner", "", "r", nest_relay_inner, ""),
    ZANNI_METHOD ("self", "", "r", nest_self, ""),
    ZANNI_METHOD ("same", "rr", "b", nest_same, ""),
    ZANNI_METHOD ("is its child", "r", "b", nest_is_its_child, ""),
    ZANNI_METHOD ("count", "", "x", nest_count, ""),
    ZANNI_METHOD ("pid", "", "x", nest_pid, ""),
    ZANNI_METHOD ("drop", "", "", nest_drop, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t nest_class = {
    .name = "nest", .state_size = sizeof (nest_t), .methods = nest_methods
};

CLASSES (&nest_class);

#define NESTED(name) CONFORM_ONCE (nested, name, ZANNI_PROCESS)

/* A reference that an answer holds, kept. */
static zanni_ref_t *
fetch (const zanni_ref_t *from, const char *method)
{
    ZANNI_AUTO (zanni_msg_t) reply = call_args (from, method, NULL, 0);
    const zanni_ref_t *got = NULL;
    zanni_ref_t *copy = NULL;
    cr_assert_eq (zanni_read (reply, &got), 0);
    cr_assert_eq (zanni_ref_keep (root, &copy, got), 0);
    return copy;
}

static bool
call_bool_args (const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    ZANNI_AUTO (zanni_msg_t) reply = call_args (ref, method, args, count);
    bool value = false;
    cr_assert_eq (zanni_read (reply, &value), 0);
    return value;
}
#define call_bool(ref, ...) call_bool_args (ref, ZANNI_ARGV (__VA_ARGS__))

static int
pidfd_of (const zanni_ref_t *ref)
{
    int fd = (int) syscall (SYS_pidfd_open, (pid_t) call_int (ref, "pid"), 0);
    cr_assert_geq (fd, 0);
    return fd;
}

static void
expect_gone (int pidfd)
{
    struct pollfd item = { .fd = pidfd, .events = POLLIN };
    for (int left = DEADLINE_MS / 10; left && poll (&item, 1, 0) != 1; left--)
        cr_assert_eq (zanni_run (root, 10), 0);
    cr_assert_eq (poll (&item, 1, 0), 1, "the process lives on");
    close (pidfd);
}

static void
expect_alive (int pidfd)
{
    struct pollfd item = { .fd = pidfd, .events = POLLIN };
    cr_assert_eq (poll (&item, 1, 0), 0);
}

NESTED (processes_are_reached_by_everybody)
{
    ZANNI_AUTO (zanni_ref_t) middle = spawn ("nest");
    ZANNI_AUTO (zanni_ref_t) grandchild = fetch (middle, "child");
    ZANNI_AUTO (zanni_ref_t) inner = fetch (grandchild, "inner");
    int64_t pids [] = { getpid (), call_int (middle, "pid"), call_int (grandchild, "pid") };
    cr_assert (pids [0] != pids [1] && pids [1] != pids [2] && pids [0] != pids [2]);
    cr_assert_eq (call_int (inner, "pid"), pids [2]);
    for (int i = 1; i <= 10; i++) {
        cr_assert_eq (call_int (grandchild, "count"), i);
        cr_assert_eq (call_int (inner, "count"), i);
    }
    cr_assert_eq (call_int (middle, "count"), 1);
}

NESTED (references_are_equal_however_often_and_from_whomever_they_are_fetched)
{
    ZANNI_AUTO (zanni_ref_t) middle = spawn ("nest");
    ZANNI_AUTO (zanni_ref_t) grandchild = fetch (middle, "child");
    ZANNI_AUTO (zanni_ref_t) inner = fetch (grandchild, "inner");
    cr_assert_not (zanni_ref_equal (grandchild, inner) || zanni_ref_equal (grandchild, middle));
    for (int i = 0; i < 20; i++) {
        ZANNI_AUTO (zanni_ref_t) by_parent = fetch (middle, "child");
        ZANNI_AUTO (zanni_ref_t) by_itself = fetch (grandchild, "self");
        ZANNI_AUTO (zanni_ref_t) forwarded = fetch (middle, "inner of child");
        ZANNI_AUTO (zanni_ref_t) relayed = fetch (middle, "relay inner");
        ZANNI_AUTO (zanni_ref_t) direct = fetch (grandchild, "inner");
        ZANNI_AUTO (zanni_ref_t) inner_itself = fetch (inner, "self");
        cr_assert (zanni_ref_equal (by_parent, grandchild) && zanni_ref_equal (by_itself, grandchild));
        cr_assert (zanni_ref_equal (forwarded, inner) && zanni_ref_equal (relayed, inner));
        cr_assert (zanni_ref_equal (direct, inner) && zanni_ref_equal (inner_itself, inner));
        cr_assert_eq (zanni_ref_hash (by_parent), zanni_ref_hash (by_itself));
        cr_assert_eq (zanni_ref_hash (forwarded), zanni_ref_hash (inner_itself));
        zanni_address_t one = zanni_ref_address (relayed), other = zanni_ref_address (inner);
        cr_assert_eq (memcmp (&one, &other, sizeof one), 0);
        cr_assert (call_bool (middle, "is its child", by_itself));
        cr_assert (call_bool (middle, "same", relayed, inner_itself));
        cr_assert (call_bool (grandchild, "same", relayed, direct));
        cr_assert_not (call_bool (middle, "same", grandchild, inner));
    }
}

NESTED (processes_are_reached_without_those_between)
{
    ZANNI_AUTO (zanni_ref_t) middle = spawn ("nest");
    ZANNI_AUTO (zanni_ref_t) grandchild = fetch (middle, "child");
    ZANNI_AUTO (zanni_ref_t) inner = fetch (middle, "relay inner");
    pid_t pid = (pid_t) call_int (middle, "pid");
    cr_assert_eq (kill (pid, SIGSTOP), 0);
    cr_assert_eq (call_int (grandchild, "count"), 1);
    cr_assert_eq (call_int (inner, "count"), 1);
    cr_assert_eq (kill (pid, SIGCONT), 0);
    cr_assert_eq (call_int (middle, "count"), 1);
}

NESTED (a_grandchild_lives_as_long_as_anybody_refers_to_it)
{
    ZANNI_AUTO (zanni_ref_t) middle = spawn ("nest");
    zanni_ref_t *grandchild = fetch (middle, "child");
    zanni_ref_t *inner = fetch (grandchild, "inner");
    int pidfd = pidfd_of (grandchild);
    uint64_t down = monitor (grandchild);
    done (middle, "drop");
    cr_assert_eq (call_int (grandchild, "count"), 1);
    zanni_ref_destroy (&grandchild);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
    expect_alive (pidfd);   // for what is in it
    cr_assert_eq (call_int (inner, "count"), 1);
    zanni_ref_destroy (&inner);
    expect_gone (pidfd);
}

/* Four generations. */
#define DEPTH 4

NESTED (a_process_in_the_middle_that_is_killed_leaves_no_descendant)
{
    for (int killed = 0; killed + 1 < DEPTH; killed++) {
        zanni_ref_t *line [DEPTH];
        int fds [DEPTH];
        line [0] = spawn ("nest");
        for (int i = 1; i < DEPTH; i++)
            line [i] = fetch (line [i - 1], "child");
        for (int i = 0; i < DEPTH; i++)
            fds [i] = pidfd_of (line [i]);
        uint64_t down = monitor (line [DEPTH - 1]);
        cr_assert_eq (kill ((pid_t) call_int (line [killed], "pid"), SIGKILL), 0);
        for (int i = killed; i < DEPTH; i++)
            expect_gone (fds [i]);
        zanni_exit_t kind = expect_down (down, false).kind;
        cr_assert (kind == ZANNI_EXIT_NO_CONNECTION || kind == ZANNI_EXIT_SIGNAL, "its kind is %d", (int) kind);
        for (int i = 0; i < killed; i++) {
            expect_alive (fds [i]);
            cr_assert_eq (call_int (line [i], "count"), 1);
            close (fds [i]);
        }
        for (int i = 0; i < DEPTH; i++)
            zanni_ref_destroy (&line [i]);
    }
}

/* Nobody tells why, since who knew has died with it: but that it is gone is known at once, and not by a deadline. */
NESTED (an_ask_to_a_grandchild_fails_when_the_process_between_is_killed)
{
    ZANNI_AUTO (zanni_ref_t) middle = spawn ("nest");
    ZANNI_AUTO (zanni_ref_t) grandchild = fetch (middle, "child");
    pid_t pid = (pid_t) call_int (grandchild, "pid");
    cr_assert_eq (kill (pid, SIGSTOP), 0);   // so that it does not answer before
    uint64_t id = 0;
    const zanni_ask_t patient = { .deadline_ms = 3600000, .id_p = &id };
    cr_assert_eq (zanni_ask (root, grandchild, &patient, "count"), 0);
    cr_assert_eq (kill ((pid_t) call_int (middle, "pid"), SIGKILL), 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_msg_id (msg), id);
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    cr_assert (error.code == ZANNI_ENODE || error.code == ZANNI_EDOWN, "%s", error.text);
}

NESTED (a_process_that_ends_in_good_order_takes_its_own_along)
{
    ZANNI_AUTO (zanni_ref_t) middle = spawn ("nest");
    ZANNI_AUTO (zanni_ref_t) grandchild = fetch (middle, "child");
    int middle_fd = pidfd_of (middle), grandchild_fd = pidfd_of (grandchild);
    uint64_t down = monitor (grandchild);
    cr_assert_eq (call_int (grandchild, "count"), 1);   // the monitor has arrived: the stop goes another way
    cr_assert_eq (zanni_stop (root, middle), 0);
    zanni_exit_t kind = expect_down (down, false).kind;
    cr_assert_eq (kind, ZANNI_EXIT_SHUTDOWN, "its kind is %d", (int) kind);
    expect_gone (grandchild_fd);
    expect_gone (middle_fd);
}
