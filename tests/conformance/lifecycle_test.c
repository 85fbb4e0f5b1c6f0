/* How an actor begins and ends: start hooks and their arguments, who hears of a start that fails, stop hooks, and what
   a class inherits. */

#include "support.h"

#include <unistd.h>

/* Its start does as it is told; its hooks tell a witness. */
typedef struct {
    zanni_ref_t *witness;
    int64_t number;
    int fd;
} starter_t;

static int
starter_start (zanni_t *self, zanni_msg_t *msg)
{
    starter_t *starter = zanni_state (self);
    const zanni_ref_t *witness;
    const char *how;
    int rc = zanni_read (msg, &witness, &starter->number, &how);
    if (!rc)
        rc = zanni_ref_keep (self, &starter->witness, witness);
    if (rc)
        return rc;
    if (strcmp (how, "fail") == 0)
        return ZANNI_EROUTE;
    if (strcmp (how, "read on") == 0)
        return zanni_read (msg, &how);
    if (strcmp (how, "exit") == 0)
        (void) zanni_exit (self);
    if (strcmp (how, "fail with text") == 0) {
        (void) zanni_exit_error (self, 7, "no paper");
        return ZANNI_EAPP;
    }
    for (int64_t until_ns = zanni_now_ns (self) + 60000000; strcmp (how, "slowly") == 0;)
        if (zanni_now_ns (self) > until_ns)
            break;
    return report (self, starter->witness, "started");
}

static void
starter_stop (zanni_t *self, const zanni_reason_t *reason)
{
    starter_t *starter = zanni_state (self);
    char text [160];
    (void) report (self, starter->witness, "stopped: %s", zanni_reason_string (reason, text, sizeof text));
    if (starter->fd && write (starter->fd, "s", 1) != 1)
        (void) report (self, starter->witness, "the pipe is broken");
}

static int
starter_number (zanni_t *self, zanni_msg_t *msg)
{
    starter_t *starter = zanni_state (self);
    return zanni_reply (self, msg, starter->number);
}

static int
starter_exit (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

/* An exit with an error, after an exit: the first stands. */
static int
starter_exit_twice (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    int rc = zanni_exit_error (self, 3, "first");
    return rc ? rc : zanni_exit_error (self, 4, "second");
}

static int
starter_use_pipe (zanni_t *self, zanni_msg_t *msg)
{
    starter_t *starter = zanni_state (self);
    int32_t pid, fd;
    int rc = zanni_read (msg, &pid, &fd);
    if (!rc)
        starter->fd = reach (pid, fd, O_WRONLY);
    return rc ? rc : starter->fd < 0 ? ZANNI_ESYSTEM : 0;
}

static const zanni_method_t starter_methods [] = {
    ZANNI_METHOD ("number", "", "x", starter_number, ""),
    ZANNI_METHOD ("exit", "", "", starter_exit, ""),
    ZANNI_METHOD ("exit twice", "", "", starter_exit_twice, ""),
    ZANNI_METHOD ("use pipe", "ii", "", starter_use_pipe, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t starter_class = {
    .name = "starter", .state_size = sizeof (starter_t), .methods = starter_methods, .start_in = "rxs",
    .start = starter_start, .stop = starter_stop
};
static const zanni_class_t plain_class = { .name = "plain" };

/* Three generations. */
typedef struct {
    zanni_ref_t *witness;
} base_t;

typedef struct {
    base_t base;
    char word [16];
} derived_t;

static int
base_start (zanni_t *self, zanni_msg_t *msg)
{
    base_t *base = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    if (!rc)
        rc = zanni_ref_keep (self, &base->witness, witness);
    return rc ? rc : report (self, base->witness, "base starts");
}

static void
base_stop (zanni_t *self, const zanni_reason_t *reason)
{
    base_t *base = zanni_state (self);
    (void) reason;
    (void) report (self, base->witness, "base stops");
}

static void
base_down (zanni_t *self, const zanni_down_t *down)
{
    base_t *base = zanni_state (self);
    (void) report (self, base->witness, "base: %s is down", zanni_ref_class (down->ref));
}

static int
base_greet (zanni_t *self, zanni_msg_t *msg)
{
    base_t *base = zanni_state (self);
    const char *whom;
    int rc = zanni_read (msg, &whom);
    if (!rc)
        rc = report (self, base->witness, "base greets %s", whom);
    return rc ? rc : zanni_reply (self, msg, "base");
}

static int
base_super (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, zanni_super (self, msg));
}

static int
base_watch (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    uint64_t id;
    int rc = zanni_read (msg, &ref);
    return rc ? rc : zanni_monitor (self, &id, ref);
}

static int
derived_start (zanni_t *self, zanni_msg_t *msg)
{
    derived_t *derived = zanni_state (self);
    const zanni_ref_t *witness;
    const char *word;
    int rc = zanni_read (msg, &witness, &word);
    if (rc)
        return rc;
    snprintf (derived->word, sizeof derived->word, "%s", word);
    rc = report (self, witness, "derived starts with %s", word);
    return rc ? rc : strcmp (word, "bad") == 0 ? ZANNI_EAPP : 0;
}

static void
derived_stop (zanni_t *self, const zanni_reason_t *reason)
{
    derived_t *derived = zanni_state (self);
    (void) reason;
    (void) report (self, derived->base.witness, "derived stops with %s", derived->word);
}

static void
derived_down (zanni_t *self, const zanni_down_t *down)
{
    base_t *base = zanni_state (self);
    (void) report (self, base->witness, "derived: %s is down", zanni_ref_class (down->ref));
}

/* Reads, and lets the parent read again. */
static int
derived_greet (zanni_t *self, zanni_msg_t *msg)
{
    derived_t *derived = zanni_state (self);
    const char *whom;
    int rc = zanni_read (msg, &whom);
    if (!rc)
        rc = report (self, derived->base.witness, "derived greets %s", whom);
    return rc ? rc : zanni_super (self, msg);
}

static int
derived_word (zanni_t *self, zanni_msg_t *msg)
{
    derived_t *derived = zanni_state (self);
    return zanni_reply (self, msg, (const char *) derived->word);
}

static int
young_greet (zanni_t *self, zanni_msg_t *msg)
{
    base_t *base = zanni_state (self);
    int rc = report (self, base->witness, "young greets");
    return rc ? rc : zanni_super (self, msg);
}

static const zanni_method_t base_methods [] = {
    ZANNI_METHOD ("greet", "s", "s", base_greet, ""),
    ZANNI_METHOD ("super", "", "i", base_super, ""),
    ZANNI_METHOD ("watch", "r", "", base_watch, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t base_class = {
    .name = "base", .state_size = sizeof (base_t), .methods = base_methods, .start_in = "r", .start = base_start,
    .stop = base_stop, .down = base_down
};
static const zanni_method_t derived_methods [] = {
    ZANNI_METHOD ("greet", "s", "s", derived_greet, ""),
    ZANNI_METHOD ("word", "", "s", derived_word, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t derived_class = {
    .name = "derived", .parent = "base", .state_size = sizeof (derived_t), .methods = derived_methods,
    .start_in = "rs", .start = derived_start, .stop = derived_stop, .down = derived_down
};
static const zanni_method_t young_methods [] = {
    ZANNI_METHOD ("greet", "s", "s", young_greet, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t young_class = {
    .name = "young", .parent = "derived", .state_size = sizeof (derived_t), .methods = young_methods
};

static int
loop_run (zanni_t *self)
{
    (void) self;
    return 0;
}
static const zanni_class_t loop_class = { .name = "loop", .run = loop_run };

CLASSES (&starter_class, &plain_class, &base_class, &derived_class, &young_class, &loop_class, &runner_class);

/* A spawn that has to fail. */
static int
failed_spawn_args (zanni_error_t *error, const char *class_name, const zanni_arg_t *args, size_t count)
{
    zanni_ref_t *ref = NULL;
    const zanni_spawn_t options = { PLACED, .error = error };
    int rc = zanni_spawn_args (root, &ref, class_name, &options, args, count);
    cr_assert_null (ref, "the spawn of %s succeeded", class_name);
    cr_assert_eq (rc, error->code);
    return rc;
}
#define failed_spawn(error, ...) failed_spawn_args (error, ZANNI_ARGV (__VA_ARGS__))

EVERYWHERE (lifecycle, a_start_reads_its_arguments)
{
    ZANNI_AUTO (zanni_ref_t) starter = spawn ("starter", zanni_self (root), 5, "well");
    expect ("started");
    cr_assert_eq (call_int (starter, "number"), 5);
}

EVERYWHERE (lifecycle, a_class_without_state_methods_and_hooks_lives)
{
    ZANNI_AUTO (zanni_ref_t) plain = spawn ("plain");
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, plain, "anything"), ZANNI_ENOMETHOD);
    cr_assert_eq (failed_spawn (&error, "plain", 1), ZANNI_EARGS);
}

EVERYWHERE (lifecycle, wrong_start_arguments_are_refused_and_said)
{
    zanni_error_t error = { 0 };
    cr_assert_eq (failed_spawn (&error, "starter", zanni_self (root), "five", "well"), ZANNI_EARGS);
    cr_assert_str_eq (error.text,
                      "bad arguments for the start of starter: argument 2 is a string, int64 (x) was wanted");
    cr_assert_eq (failed_spawn (&error, "starter", zanni_self (root), 5), ZANNI_EARGS);
    cr_assert_str_eq (error.text,
                      "bad arguments for the start of starter: argument 3 is missing, string (s) was wanted");
    expect_nothing ();
}

EVERYWHERE (lifecycle, a_start_that_fails_gives_its_spawner_code_and_text)
{
    zanni_error_t error = { 0 };
    uint64_t actors = stats ().actors;
    cr_assert_eq (failed_spawn (&error, "starter", zanni_self (root), 5, "fail"), ZANNI_EROUTE);
    cr_assert_str_eq (error.text, "the start of starter failed: no route");
    cr_assert_eq (failed_spawn (&error, "starter", zanni_self (root), 5, "read on"), ZANNI_EARGS);
    cr_assert_str_eq (error.text,
                      "the start of starter failed: bad arguments: argument 4 is missing, string was wanted");
    cr_assert_eq (failed_spawn (&error, "starter", zanni_self (root), 5, "fail with text"), ZANNI_EAPP);
    expect_nothing ();
    cr_assert_eq (stats ().actors, actors);
}

EVERYWHERE (lifecycle, what_cannot_be_spawned_is_said)
{
    zanni_error_t error = { 0 };
    zanni_ref_t *ref = NULL;
    cr_assert_eq (failed_spawn (&error, "missing"), ZANNI_ENOCLASS);
    cr_assert_not_null (strstr (error.text, "missing"));
    cr_assert_eq (zanni_spawn (root, NULL, "plain", NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_spawn (root, &ref, NULL, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_spawn (root, &ref, "plain", &(zanni_spawn_t) { .worker = 1000 }), ZANNI_EINVAL);
    if (owns ())
        ref = spawn ("loop");
    else
        cr_assert_eq (failed_spawn (&error, "loop"), ZANNI_EINVAL);
    zanni_ref_destroy (&ref);
}

EVERYWHERE (lifecycle, an_exit_in_the_start_ends_an_actor_that_has_started)
{
    ZANNI_AUTO (zanni_ref_t) starter = spawn ("starter", zanni_self (root), 5, "exit");
    expect ("started");
    expect ("stopped: normal");
    uint64_t down = monitor (starter);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NO_ACTOR);
}

EVERYWHERE (lifecycle, a_spawner_waits_for_a_slow_start_as_long_as_it_says)
{
    zanni_ref_t *ref = NULL;
    const zanni_spawn_t options = { PLACED, .start_ms = 10 };
    int rc = zanni_spawn (root, &ref, "starter", &options, zanni_self (root), 5, "slowly");
    if (place == ZANNI_HERE)   // the start runs inside zanni_spawn
        cr_assert_eq (rc, 0);
    else
        cr_assert_eq (rc, ZANNI_ETIMEOUT);
    expect ("started");
    zanni_ref_destroy (&ref);
    expect ("stopped: normal");   // nobody has a reference
}

/* The runner spawns. */
static zanni_error_t s_error;
static zanni_spawn_t s_options;
static zanni_ref_t *s_child;

static int
spawn_failing (zanni_t *self)
{
    s_error = (zanni_error_t) { 0 };
    s_options.error = &s_error;
    return zanni_spawn (self, &s_child, "starter", &s_options, witness_of (self), 5, "fail");
}

static int
drop_child (zanni_t *self)
{
    (void) self;
    zanni_ref_destroy (&s_child);
    return 0;
}

static const char *const s_failed_elsewhere =
    "failed start of starter: error -17: the start of starter failed: no route";

EVERYWHERE_HERE (lifecycle, a_shared_actor_learns_of_a_start_that_failed_at_once_or_by_its_down_hook)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    s_options = (zanni_spawn_t) { .place = place };
    int64_t rc = call_int (runner, "do", (uint64_t) (uintptr_t) spawn_failing);
    if (owns ()) {
        cr_assert_eq (rc, 0);
        expect (s_failed_elsewhere);
        run_in (runner, drop_child);
    }
    else {
        cr_assert_eq (rc, ZANNI_EROUTE);
        cr_assert_str_eq (s_error.text, "the start of starter failed: no route");
    }
    cr_assert_eq (call_int (runner, "do", (uint64_t) (uintptr_t) drop_child), 0);
    expect_nothing ();
}

CONFORM_ONCE (lifecycle, a_start_on_another_worker_of_the_pool_fails_in_the_down_hook, ZANNI_SHARED)
{
    begin_again ((zanni_options_t) { .workers = 2 });
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    int at_once = 0;
    for (uint32_t worker = 1; worker <= 2; worker++) {
        s_options = (zanni_spawn_t) { .worker = worker };
        int64_t rc = call_int (runner, "do", (uint64_t) (uintptr_t) spawn_failing);
        at_once += rc == ZANNI_EROUTE;
        if (!rc)
            expect (s_failed_elsewhere);
        run_in (runner, drop_child);
    }
    cr_assert_eq (at_once, 1);
}

static void
report_error (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error = { 0 };
    int rc = zanni_msg_error (reply, &error);
    (void) arg;
    (void) report (self, witness_of (self), "error: %s", rc ? "none" : error.text);
}

static int
spawn_failing_and_ask (zanni_t *self)
{
    const zanni_ask_t ask = { .then = report_error };
    uint64_t id;
    int rc = spawn_failing (self);
    if (!rc)
        rc = zanni_ask (self, s_child, &ask, "number");
    return rc ? rc : zanni_monitor (self, &id, s_child);
}

ALONE (lifecycle, whoever_asks_and_monitors_an_actor_whose_start_fails_gets_the_error)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    bool seen [3] = { false };
    s_options = (zanni_spawn_t) { .place = place };
    run_in (runner, spawn_failing_and_ask);
    for (int i = 0; i < 3; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        const char *text = "";
        cr_assert_eq (zanni_read (msg, &text), 0);
        seen [0] |= strcmp (text, s_failed_elsewhere) == 0;
        seen [1] |= strncmp (text, "down of starter: error -17: the start", 37) == 0
                    || strcmp (text, "down of starter: no such actor") == 0;
        seen [2] |= strncmp (text, "error: receiver down: error -17: the start", 42) == 0
                    || strcmp (text, "error: no such actor") == 0;
    }
    cr_assert (seen [0] && seen [1] && seen [2]);
    run_in (runner, drop_child);
}

EVERYWHERE (lifecycle, a_stop_hook_runs_once_and_knows_the_reason)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn ("starter", zanni_self (root), 1, "well");
    expect ("started");
    cr_assert_eq (zanni_stop (root, one), 0);
    cr_assert_eq (zanni_stop (root, one), 0);
    expect ("stopped: shutdown");
    ZANNI_AUTO (zanni_ref_t) two = spawn ("starter", zanni_self (root), 2, "well");
    expect ("started");
    tell (two, "exit");
    expect ("stopped: normal");
    ZANNI_AUTO (zanni_ref_t) three = spawn ("starter", zanni_self (root), 3, "well");
    expect ("started");
    tell (three, "exit twice");
    expect ("stopped: error 3: first");
    ZANNI_AUTO (zanni_ref_t) four = spawn ("starter", zanni_self (root), 4, "well");
    expect ("started");
    zanni_ref_destroy (&four);
    expect ("stopped: normal");
    expect_nothing ();
}

EVERYWHERE (lifecycle, a_kill_runs_no_stop_hook)
{
    ZANNI_AUTO (zanni_ref_t) starter = spawn ("starter", zanni_self (root), 5, "well");
    expect ("started");
    uint64_t down = monitor (starter);
    cr_assert_eq (zanni_kill (root, starter), 0);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_KILLED);
    expect_nothing ();
}

EVERYWHERE_HERE (lifecycle, the_end_of_the_node_stops_its_actors)
{
    int fds [2];
    char byte = 0;
    cr_assert_eq (pipe (fds), 0);
    zanni_ref_t *starter = spawn ("starter", zanni_self (root), 5, "well");   // the node's end drops it
    done (starter, "use pipe", (int) getpid (), fds [1]);
    begin_again ((zanni_options_t) { 0 });
    cr_assert_eq (close (fds [1]), 0);
    cr_assert_eq (read (fds [0], &byte, 1), 1);
    cr_assert_eq (byte, 's');
    cr_assert_eq (read (fds [0], &byte, 1), 0);
    cr_assert_eq (close (fds [0]), 0);
}

static int
exit_and_tell_on (zanni_t *self)
{
    int rc = zanni_tell (self, s_child, "exit");
    for (int i = 0; !rc && i < 3; i++)
        rc = zanni_tell (self, s_child, "number");
    return rc;
}

EVERYWHERE (lifecycle, what_an_actor_leaves_unhandled_becomes_dead_letters)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    s_child = spawn ("starter", zanni_self (root), 5, "well");
    expect ("started");
    uint64_t down = monitor (s_child);
    run_in (runner, exit_and_tell_on);
    expect ("stopped: normal");
    (void) expect_down (down, false);
    if (!apart ())   // its node counted them, and has ended
        cr_assert_eq (stats ().dead_letters, 3);
    zanni_ref_destroy (&s_child);
}

EVERYWHERE (lifecycle, starts_run_from_the_eldest_down_and_stops_from_the_youngest_up)
{
    ZANNI_AUTO (zanni_ref_t) derived = spawn ("derived", zanni_self (root), "one");
    expect ("base starts");
    expect ("derived starts with one");
    zanni_ref_destroy (&derived);
    expect ("derived stops with one");
    expect ("base stops");
    ZANNI_AUTO (zanni_ref_t) young = spawn ("young", zanni_self (root), "two");
    expect ("base starts");
    expect ("derived starts with two");
    cr_assert_eq (zanni_stop (root, young), 0);
    expect ("derived stops with two");
    expect ("base stops");
    expect_nothing ();
}

EVERYWHERE (lifecycle, a_start_that_fails_is_followed_by_the_stops_of_those_that_did_not)
{
    zanni_error_t error = { 0 };
    cr_assert_eq (failed_spawn (&error, "derived", zanni_self (root), "bad"), ZANNI_EAPP);
    expect ("base starts");
    expect ("derived starts with bad");
    expect ("base stops");
    expect_nothing ();
}

EVERYWHERE (lifecycle, down_hooks_run_from_the_youngest_up)
{
    ZANNI_AUTO (zanni_ref_t) young = spawn ("young", zanni_self (root), "one");
    ZANNI_AUTO (zanni_ref_t) plain = spawn ("plain");
    expect ("base starts");
    expect ("derived starts with one");
    done (young, "watch", plain);
    cr_assert_eq (zanni_kill (root, plain), 0);
    expect ("derived: plain is down");
    expect ("base: plain is down");
}

EVERYWHERE (lifecycle, methods_are_inherited_and_overridden_and_reach_their_parents)
{
    ZANNI_AUTO (zanni_ref_t) young = spawn ("young", zanni_self (root), "one");
    const char *text = "";
    expect ("base starts");
    expect ("derived starts with one");
    ZANNI_AUTO (zanni_msg_t) greeted = call (young, "greet", "you");
    cr_assert_eq (zanni_read (greeted, &text), 0);
    cr_assert_str_eq (text, "base");
    expect ("young greets");
    expect ("derived greets you");
    expect ("base greets you");
    ZANNI_AUTO (zanni_msg_t) word = call (young, "word");
    cr_assert_eq (zanni_read (word, &text), 0);
    cr_assert_str_eq (text, "one");
    cr_assert_eq (call_int (young, "super"), ZANNI_ENOMETHOD);
    cr_assert_str_eq (zanni_ref_class (young), "young");
}
