/* What the conformance tests share.

   A test is written once and runs in every place: EVERYWHERE (suite, sentence) { ... } makes one Criterion test for
   each row of PLACES, so that a further place is one more row. The body plays the root of a fresh node and finds in
   `place` where its actors are to live; what it asserts does not depend on that, or says how.

   Actors are seen through messages only, since an actor need not share memory with its test: they answer calls, or
   report lines of text to a witness ("saw", "s"), which is the root, reading with zanni_receive. Assertions stand in
   the root's own functions, for Criterion takes none from other threads. Nothing sleeps: what has to come is awaited
   with a deadline that a passing test never reaches.

   An actor in a process of its own is one of a node of its own, with counts (stats_of) and a log of its own; the test's
   descriptors are reached by their number and its pid (reach). What it is sent from here is bounded by the window of the
   session, not by its mailbox.

   The runner is a helper that shares the test's memory: an actor on a pool worker that runs a function of the test's
   in one turn. What one turn sends leaves together, so a mailbox can be filled, or a message be followed by a command,
   without any chance for the receiver in between. */

#ifndef TESTS_CONFORMANCE_SUPPORT_H
#define TESTS_CONFORMANCE_SUPPORT_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zanni.h>

#define DEADLINE_MS 5000
#define UNUSED __attribute__ ((unused))

#define PLACES_BESIDE(ROW, suite, name) \
    ROW (suite, name, shared, ZANNI_SHARED) \
    ROW (suite, name, here, ZANNI_HERE) \
    ROW (suite, name, thread, ZANNI_THREAD)

#define PLACES_ALONE(ROW, suite, name) \
    ROW (suite, name, thread, ZANNI_THREAD) \
    ROW (suite, name, process, ZANNI_PROCESS)

/* On another node, which is reached by tcp: what a place is called here only. */
#define OTHER_NODE ((zanni_place_t) 99)

#define PLACES_HERE(ROW, suite, name) \
    PLACES_BESIDE (ROW, suite, name) \
    ROW (suite, name, process, ZANNI_PROCESS)

#define PLACES(ROW, suite, name) \
    PLACES_HERE (ROW, suite, name) \
    ROW (suite, name, node, OTHER_NODE)

#define CONFORMS(suite, name, word, where) \
    Test (suite, name##_##word, .timeout = 20) \
    { \
        conform (classes, where, suite##_##name); \
    }

/* The classes of a file of tests. The program is begun anew to run process actors, and finds out before Criterion's main:
   in their launcher and in themselves zanni_init never returns. */
#define CLASSES(...) \
    static const zanni_class_t *const classes [] = { __VA_ARGS__, NULL }; \
    __attribute__ ((constructor)) static void \
    begin_as_what_this_is (void) \
    { \
        (void) zanni_init (classes); \
    } \
    static void begin_as_what_this_is (void)

#define CONFORM_IN(places, suite, name) \
    static void suite##_##name (void); \
    places (CONFORMS, suite, name) \
    static void suite##_##name (void)

#define EVERYWHERE(suite, name) CONFORM_IN (PLACES, suite, name)

/* For what an actor does with places itself, or what takes more than one process of this node. */
#define EVERYWHERE_HERE(suite, name) CONFORM_IN (PLACES_HERE, suite, name)

/* For actors that share the test's memory. */
#define BESIDE(suite, name) CONFORM_IN (PLACES_BESIDE, suite, name)

/* For actors that own their worker: they may block, and loop. */
#define ALONE(suite, name) CONFORM_IN (PLACES_ALONE, suite, name)

/* For what only one place has. */
#define CONFORM_ONCE(suite, name, where) \
    static void suite##_##name (void); \
    CONFORMS (suite, name, only, where) \
    static void suite##_##name (void)

static zanni_t *root;
static zanni_place_t place;

static zanni_ref_t *other_node;   // its root, where actors are to be there
static pid_t other_pid;
static char other_endpoint [128];

/* Whether actors in the place share nothing with the test. */
static inline bool
apart (void)
{
    return place == ZANNI_PROCESS || place == OTHER_NODE;
}

/* Whether actors in the place own their worker. */
static inline bool
owns (void)
{
    return place == ZANNI_THREAD || place == ZANNI_PROCESS;
}

/* What the node said. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    size_t used;
    int errors;
    char text [8192];
} s_log = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

static void
s_note_log (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    pthread_mutex_lock (&s_log.lock);
    s_log.errors += level == ZANNI_LOG_ERROR;
    if (s_log.used < sizeof s_log.text)
        s_log.used += (size_t) snprintf (s_log.text + s_log.used, sizeof s_log.text - s_log.used, "%s\n", text);
    pthread_cond_broadcast (&s_log.more);
    pthread_mutex_unlock (&s_log.lock);
}

static inline bool
logged (const char *part)
{
    pthread_mutex_lock (&s_log.lock);
    bool found = strstr (s_log.text, part) != NULL;
    pthread_mutex_unlock (&s_log.lock);
    return found;
}

/* Blocks the thread, and with it its worker, until that is logged, for a minute at most. */
static inline bool
block_until_logged (const char *part)
{
    struct timespec due;
    clock_gettime (CLOCK_REALTIME, &due);
    due.tv_sec += 60;
    pthread_mutex_lock (&s_log.lock);
    bool found = strstr (s_log.text, part) != NULL;
    while (!found && !pthread_cond_timedwait (&s_log.more, &s_log.lock, &due))
        found = strstr (s_log.text, part) != NULL;
    pthread_mutex_unlock (&s_log.lock);
    return found;
}

static inline void
begin (zanni_options_t options)
{
    options.log = s_note_log;
    options.insecure = options.insecure || place == OTHER_NODE;
    int rc = zanni_new (&root, &options);
    cr_assert_eq (rc, 0, "zanni_new: %s", zanni_strerror (rc));
    if (place == OTHER_NODE)
        rc = zanni_connect (root, &other_node, other_endpoint, NULL);
    cr_assert_eq (rc, 0, "zanni_connect: %s", zanni_strerror (rc));
}

static inline void
end (void)
{
    zanni_ref_destroy (&other_node);
    cr_assert_eq (zanni_destroy (&root), 0, "the node logged:\n%s", s_log.text);
    cr_assert_eq (s_log.errors, 0, "the node logged errors:\n%s", s_log.text);
}

/* For a test that needs other options than the default. */
static inline void
begin_again (zanni_options_t options)
{
    end ();
    begin (options);
}

/* Another node, in a process that was forked before this one had anything of ZeroMQ: its endpoint goes to `fd`. */
static inline void
s_be_other_node (int fd)
{
    zanni_t *self = NULL;
    const char *endpoint = "";
    const zanni_options_t options = { .insecure = true, .allow_spawn = true };
    int rc = zanni_new (&self, &options);
    if (!rc)
        rc = zanni_bind (self, "tcp://127.0.0.1:0", NULL);
    if (!rc)
        rc = zanni_endpoint (self, &endpoint);
    if (rc || write (fd, endpoint, strlen (endpoint) + 1) < 0)
        _exit (1);
    rc = zanni_run (self, -1);
    _exit (rc || zanni_destroy (&self) ? 1 : 0);
}

static inline void
start_other_node (void)
{
    int fds [2];
    cr_assert_eq (pipe2 (fds, O_CLOEXEC), 0);
    other_pid = fork ();
    if (!other_pid) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        s_be_other_node (fds [1]);
    }
    close (fds [1]);
    cr_assert_gt (read (fds [0], other_endpoint, sizeof other_endpoint), 0, "the other node did not start");
    close (fds [0]);
}

static inline void
end_other_node (void)
{
    (void) kill (other_pid, SIGKILL);
    (void) waitpid (other_pid, NULL, 0);
}

static inline void
conform (const zanni_class_t *const *classes, zanni_place_t where, void (*body) (void))
{
    place = where;
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_register (classes, &error), 0, "%s", error.text);
    if (place == OTHER_NODE)
        start_other_node ();
    begin ((zanni_options_t) { 0 });
    body ();
    end ();
    if (place == OTHER_NODE)
        end_other_node ();
}

/* An actor in the place, strong and owned; spawn_with takes the address of further options. */
static inline zanni_ref_t *
spawn_args (const zanni_spawn_t *options, const char *class_name, const zanni_arg_t *args, size_t count)
{
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    zanni_spawn_t own = *options;
    own.error = &error;
    if (own.place == OTHER_NODE) {
        own.place = ZANNI_SHARED;
        own.on = other_node;
    }
    int rc = zanni_spawn_args (root, &ref, class_name, &own, args, count);
    cr_assert_eq (rc, 0, "spawn of %s: %s: %s", class_name, zanni_strerror (rc), error.text);
    cr_assert_not_null (ref);
    return ref;
}
#define PLACED .place = place == OTHER_NODE ? ZANNI_SHARED : place, .on = other_node   // of options that zanni_spawn gets

#define spawn(...) spawn_args (&(zanni_spawn_t) { .place = place }, ZANNI_ARGV (__VA_ARGS__))
#define spawn_with(options, ...) spawn_args (options, ZANNI_ARGV (__VA_ARGS__))

#define tell(ref, ...) cr_assert_eq (zanni_tell (root, ref, __VA_ARGS__), 0)

/* The reply of a call that has to succeed, for the caller to destroy. */
static inline zanni_msg_t *
call_args (const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    zanni_msg_t *reply = NULL;
    zanni_error_t error = { 0 };
    const zanni_ask_t options = { .error = &error };
    int rc = zanni_call_args (root, &reply, ref, &options, method, args, count);
    cr_assert_eq (rc, 0, "call of %s: %s: %s", method, zanni_strerror (rc), error.text);
    cr_assert_not_null (reply);
    return reply;
}
#define call(ref, ...) call_args (ref, ZANNI_ARGV (__VA_ARGS__))

/* A call whose answer says no more than that it was done. */
static inline void
done_args (const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    zanni_msg_t *reply = call_args (ref, method, args, count);
    zanni_msg_destroy (&reply);
}
#define done(ref, ...) done_args (ref, ZANNI_ARGV (__VA_ARGS__))

static inline int64_t
call_int_args (const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    ZANNI_AUTO (zanni_msg_t) reply = call_args (ref, method, args, count);
    int64_t value = 0;
    cr_assert_eq (zanni_read (reply, &value), 0);
    return value;
}
#define call_int(ref, ...) call_int_args (ref, ZANNI_ARGV (__VA_ARGS__))

/* The code of a call that has to fail; `error` gets the rest. */
static inline int
refused_args (zanni_error_t *error, const zanni_ref_t *ref, const char *method, const zanni_arg_t *args,
              size_t count)
{
    zanni_msg_t *reply = NULL;
    zanni_error_reset (error);
    const zanni_ask_t options = { .error = error };
    int rc = zanni_call_args (root, &reply, ref, &options, method, args, count);
    cr_assert_neq (rc, 0, "call of %s succeeded", method);
    cr_assert_null (reply);
    cr_assert_eq (error->code, rc);
    return rc;
}
#define refused(error, ref, ...) refused_args (error, ref, ZANNI_ARGV (__VA_ARGS__))

/* The next message that the root receives. */
static inline zanni_msg_t *
next (void)
{
    zanni_msg_t *msg = NULL;
    int rc = zanni_receive (root, &msg, DEADLINE_MS);
    cr_assert_eq (rc, 0, "nothing came: %s", zanni_strerror (rc));
    return msg;
}

/* The next message is this line of a witness. */
static inline void
expect (const char *line)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    const char *text = "";
    int rc = zanni_receive (root, &msg, DEADLINE_MS);
    cr_assert_eq (rc, 0, "\"%s\" did not come: %s", line, zanni_strerror (rc));
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_TELL, "\"%s\" was due, a message of kind %d came", line,
                  (int) zanni_msg_kind (msg));
    cr_assert_str_eq (zanni_msg_method (msg), "saw", "\"%s\" was due, %s came", line, zanni_msg_method (msg));
    cr_assert_eq (zanni_read (msg, &text), 0);
    cr_assert_str_eq (text, line);
}

/* The next two messages are these lines, in either order: they come from different actors. */
static inline void
expect_both (const char *one, const char *other)
{
    bool seen [2] = { false };
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        const char *text = "";
        cr_assert_eq (zanni_read (msg, &text), 0);
        bool is_other = strcmp (text, other) == 0;
        cr_assert (is_other || strcmp (text, one) == 0, "\"%s\" came", text);
        seen [is_other] = true;
    }
    cr_assert (seen [0] && seen [1]);
}

/* What has arrived holds no message. Whoever might have sent one is asked something first: its answer comes behind. */
static inline void
expect_nothing (void)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    const char *text = "";
    int rc = zanni_receive (root, &msg, 0);
    if (msg && zanni_msg_kind (msg) == ZANNI_MSG_TELL && zanni_read (msg, &text))
        text = zanni_msg_method (msg);
    cr_assert_eq (rc, ZANNI_ETIMEOUT, "nothing was due, but a message of kind %d came: %s",
                  msg ? (int) zanni_msg_kind (msg) : -1, text);
}

/* The next message is the DOWN of this monitor. */
static inline zanni_reason_t
expect_down (uint64_t monitor, bool restarts)
{
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    zanni_down_t down;
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_DOWN, "a DOWN was due, a message of kind %d came: %s",
                  (int) zanni_msg_kind (msg), zanni_msg_method (msg));
    cr_assert_eq (zanni_msg_down (msg, &down), 0);
    cr_assert_eq (down.monitor, monitor);
    cr_assert_eq (zanni_msg_id (msg), monitor);
    cr_assert_eq (down.restarts, restarts);
    return down.reason;
}

static inline uint64_t
monitor (const zanni_ref_t *ref)
{
    uint64_t id = 0;
    cr_assert_eq (zanni_monitor (root, &id, ref), 0);
    cr_assert_neq (id, 0);
    return id;
}

static inline zanni_stats_t
stats (void)
{
    zanni_stats_t now = { 0 };
    cr_assert_eq (zanni_stats (root, &now), 0);
    return now;
}

/* What an actor's node has counted, by a method of the actor's: STATS_METHOD in its table. */
UNUSED static int
answer_stats (zanni_t *self, zanni_msg_t *msg)
{
    zanni_stats_t now;
    int rc = zanni_stats (self, &now);
    return rc ? rc : zanni_reply (self, msg, now.messages, now.dead_letters, now.failed_tells, now.late_replies);
}
#define STATS_METHOD ZANNI_METHOD ("stats", "", "tttt", answer_stats, "Of its node.")

static inline zanni_stats_t
stats_of (const zanni_ref_t *ref)
{
    zanni_stats_t now = { 0 };
    ZANNI_AUTO (zanni_msg_t) reply = call (ref, "stats");
    int rc = zanni_read (reply, &now.messages, &now.dead_letters, &now.failed_tells, &now.late_replies);
    cr_assert_eq (rc, 0, "%s", zanni_strerror (rc));
    return now;
}

/* In an actor: the descriptor `fd` of the process `pid`, which may be another. */
UNUSED static int
reach (int pid, int fd, int flags)
{
    char path [64];
    if (pid == getpid ())
        return fd;
    snprintf (path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    return open (path, flags | O_CLOEXEC);
}

/* Tells a witness a line. In actors. */
__attribute__ ((format (printf, 3, 4))) UNUSED static int
report (zanni_t *self, const zanni_ref_t *witness, const char *format, ...)
{
    char line [200];
    va_list values;
    va_start (values, format);
    vsnprintf (line, sizeof line, format, values);
    va_end (values);
    return witness ? zanni_tell (self, witness, "saw", line) : ZANNI_EINVAL;
}

/* The runner. */
typedef int run_fn (zanni_t *self);

typedef struct {
    zanni_ref_t *witness;
} runner_t;

static inline int
s_runner_do (zanni_t *self, zanni_msg_t *msg)
{
    uint64_t address;
    runner_t *runner = zanni_state (self);
    int rc = zanni_read (msg, &address);
    if (!rc && !runner->witness)
        rc = zanni_ref_weak (self, &runner->witness, zanni_msg_from (msg));
    if (!rc)
        rc = zanni_reply (self, msg, ((run_fn *) (uintptr_t) address) (self));
    return rc;
}

static inline int
s_runner_pass (zanni_t *self, zanni_msg_t *msg)
{
    runner_t *runner = zanni_state (self);
    const char *line;
    int rc = zanni_read (msg, &line);
    return rc ? rc : report (self, runner->witness, "%s", line);
}

static inline int
s_runner_room (zanni_t *self, zanni_msg_t *msg)
{
    runner_t *runner = zanni_state (self);
    (void) msg;
    return report (self, runner->witness, "room");
}

static inline void
s_runner_down (zanni_t *self, const zanni_down_t *down)
{
    runner_t *runner = zanni_state (self);
    char text [160];
    (void) report (self, runner->witness, "%s of %s: %s%s", down->monitor ? "down" : "failed start",
                   zanni_ref_class (down->ref), zanni_reason_string (&down->reason, text, sizeof text),
                   down->restarts ? ", restarts" : "");
}

UNUSED static const zanni_method_t runner_methods [] = {
    ZANNI_METHOD ("do", "t", "i", s_runner_do, "Runs a function of the test's; answers its result."),
    ZANNI_METHOD ("saw", "s", "", s_runner_pass, "Passes a line on to the root."),
    ZANNI_PRIVATE ("room", "", "", s_runner_room, "Reports it."),
    ZANNI_METHOD_END
};
UNUSED static const zanni_class_t runner_class = {
    .name = "runner", .state_size = sizeof (runner_t), .methods = runner_methods, .down = s_runner_down
};

static inline zanni_ref_t *
spawn_runner (void)
{
    return spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "runner");
}

/* Runs `function` in one turn of the runner, which must answer 0. */
static inline void
run_in (const zanni_ref_t *runner, run_fn *function)
{
    int64_t rc = call_int (runner, "do", (uint64_t) (uintptr_t) function);
    cr_assert_eq (rc, 0, "the runner's function answered %s", zanni_strerror ((int) rc));
}

/* In the runner: who watches. */
static inline const zanni_ref_t *
witness_of (zanni_t *self)
{
    return ((runner_t *) zanni_state (self))->witness;
}

#endif
