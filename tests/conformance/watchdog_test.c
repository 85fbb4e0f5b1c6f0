/* Handlers that do not return: who is told of them, who is killed, and who is let be. How long anything takes is not asserted:
   who is stuck is so until the watchdog has said what it is to say. */

#include "support.h"

#define SHORT_MS 50
#define TOLD 80
#define SOME_MS 1000     // which a handler that does nothing does not take on a busy machine either

typedef struct {
    zanni_ref_t *next;
    zanni_promise_t *promise;
} sloth_t;

/* What the log says of a sloth's method or hook. */
static const char *
telling (char text [TOLD], const char *what)
{
    snprintf (text, TOLD, "has been in its %s for ", what);
    return text;
}

static bool
told (const char *what)
{
    char text [TOLD];
    return logged (telling (text, what));
}

static int
times_logged (const char *part)
{
    int count = 0;
    pthread_mutex_lock (&s_log.lock);
    for (const char *at = s_log.text; (at = strstr (at, part)); at++)
        count++;
    pthread_mutex_unlock (&s_log.lock);
    return count;
}

/* In actors that share the test's memory. */
static int
stay_until_told (const char *what)
{
    char text [TOLD];
    return block_until_logged (telling (text, what)) ? 0 : ZANNI_ETIMEOUT;
}

static _Noreturn void
loop (bool spins)
{
    for (volatile uint64_t turns = 0;; turns++)
        if (!spins)
            (void) pause ();
}

static int
sloth_stay (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return stay_until_told ("method stay");
}

static int
sloth_await (zanni_t *self, zanni_msg_t *msg)
{
    const char *what;
    (void) self;
    int rc = zanni_read (msg, &what);
    return rc ? rc : stay_until_told (what);
}

static int
sloth_loop (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    loop (false);
}

static int
sloth_spin (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    loop (true);
}

static int
sloth_know (zanni_t *self, zanni_msg_t *msg)
{
    sloth_t *sloth = zanni_state (self);
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next);
    return rc ? rc : zanni_ref_weak (self, &sloth->next, next);
}

static int
sloth_promise (zanni_t *self, zanni_msg_t *msg)
{
    sloth_t *sloth = zanni_state (self);
    return zanni_promise_new (self, &sloth->promise, msg);
}

static int
sloth_keep (zanni_t *self, zanni_msg_t *msg)
{
    sloth_t *sloth = zanni_state (self);
    (void) msg;
    return zanni_promise_reply (self, &sloth->promise);
}

static int
sloth_call (zanni_t *self, zanni_msg_t *msg)
{
    const sloth_t *sloth = zanni_state (self);
    const zanni_ask_t options = { .deadline_ms = 60000 };
    (void) msg;
    return zanni_call_args (self, NULL, sloth->next, &options, "promise", NULL, 0);
}

static void
sloth_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    (void) self, (void) reply, (void) arg;
    (void) stay_until_told ("hook answer");
}

static int
sloth_ask (zanni_t *self, zanni_msg_t *msg)
{
    const sloth_t *sloth = zanni_state (self);
    const zanni_ask_t options = { .then = sloth_answered };
    (void) msg;
    return zanni_ask (self, sloth->next, &options, "pid");
}

static int
sloth_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int) getpid ());
}

static int
sloth_nothing (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return 0;
}

static const zanni_method_t sloth_methods [] = {
    ZANNI_METHOD ("stay", "", "", sloth_stay, "Returns when the watchdog has told of it."),
    ZANNI_METHOD ("await", "s", "", sloth_await, "Returns when it has told of that."),
    ZANNI_METHOD ("loop", "", "", sloth_loop, "Never returns."),
    ZANNI_METHOD ("spin", "", "", sloth_spin, "Never returns, and takes all that a CPU can give."),
    ZANNI_METHOD ("know", "r", "", sloth_know, "Whom to call."),
    ZANNI_METHOD ("promise", "", "", sloth_promise, "Answers later."),
    ZANNI_METHOD ("keep", "", "", sloth_keep, "Keeps its promise."),
    ZANNI_METHOD ("call", "", "", sloth_call, "Waits for a promise."),
    ZANNI_METHOD ("ask", "", "", sloth_ask, "Asks, and takes its time with the answer."),
    ZANNI_METHOD ("pid", "", "i", sloth_pid, "Of its process."),
    ZANNI_METHOD ("nothing", "", "", sloth_nothing, "Returns at once."),
    ZANNI_METHOD_END
};
static const zanni_class_t sloth_class = { .name = "sloth", .state_size = sizeof (sloth_t), .methods = sloth_methods };

static int
early_start (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return stay_until_told ("hook start");
}

static void
late_stop (zanni_t *self, const zanni_reason_t *reason)
{
    (void) self, (void) reason;
    (void) stay_until_told ("hook stop");
}

static const zanni_class_t early_class = { .name = "early", .start = early_start };
static const zanni_class_t late_class = { .name = "late", .stop = late_stop };

static int
stuck_start (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    loop (false);
}
static const zanni_class_t stuck_class = { .name = "stuck", .start = stuck_start };

CLASSES (&sloth_class, &early_class, &late_class, &stuck_class, &runner_class);

static zanni_ref_t *
spawn_sloth (int64_t watchdog_ms)
{
    return spawn_with (&((zanni_spawn_t) { .place = place, .watchdog_ms = watchdog_ms }), "sloth");
}

static void
await_log (const char *part)
{
    ZANNI_AUTO (zanni_msg_t) none = NULL;
    while (!logged (part))
        cr_assert_eq (zanni_receive (root, &none, 1), ZANNI_ETIMEOUT);
}

/* A call that takes as long as it takes. */
static void
patiently (const zanni_ref_t *ref, const char *method)
{
    const zanni_ask_t options = { .deadline_ms = 60000 };
    cr_assert_eq (zanni_call_args (root, NULL, ref, &options, method, NULL, 0), 0);
}

BESIDE (watchdog, a_handler_that_does_not_return_is_told_of_once_and_again_when_it_has)
{
    ZANNI_AUTO (zanni_ref_t) sloth = spawn_sloth (SHORT_MS);
    patiently (sloth, "stay");
    await_log ("has left its method stay after more than ");
    cr_assert_eq (times_logged ("(sloth)"), times_logged ("has been in its method stay") + times_logged ("has left its"));
    cr_assert_eq (times_logged ("has been in its method stay"), 1);
    done (sloth, "nothing");
}

BESIDE (watchdog, start_hooks_are_watched)
{
    ZANNI_AUTO (zanni_ref_t) early = spawn_with (&((zanni_spawn_t) { .place = place, .watchdog_ms = SHORT_MS, .start_ms = 60000 }),
                                                 "early");
    await_log ("(early)");
    await_log ("has left its hook start");
}

BESIDE (watchdog, stop_hooks_are_watched)
{
    zanni_ref_t *late = spawn_with (&((zanni_spawn_t) { .place = place, .watchdog_ms = SHORT_MS }), "late");
    zanni_ref_destroy (&late);
    await_log ("(late)");
    await_log ("has left its hook stop");
}

BESIDE (watchdog, callbacks_of_answers_are_watched)
{
    ZANNI_AUTO (zanni_ref_t) sloth = spawn_sloth (SHORT_MS);
    ZANNI_AUTO (zanni_ref_t) other = spawn_sloth (-1);
    done (sloth, "know", other);
    done (sloth, "ask");
    await_log ("has left its hook answer");
}

BESIDE (watchdog, a_node_s_option_is_for_all_but_those_that_say_otherwise)
{
    begin_again ((zanni_options_t) { .watchdog_ms = SHORT_MS });
    ZANNI_AUTO (zanni_ref_t) free = spawn_with (&((zanni_spawn_t) { .place = ZANNI_THREAD, .watchdog_ms = -1 }), "sloth");
    ZANNI_AUTO (zanni_ref_t) sloth = spawn_sloth (0);
    tell (free, "await", "method stay");
    patiently (sloth, "stay");
    patiently (free, "nothing");
    cr_assert (!told ("method await"), "%s", s_log.text);
}

/* The longest of all is not told of, though somebody looks, for the shortest. */
BESIDE (watchdog, each_actor_has_its_own_time)
{
    ZANNI_AUTO (zanni_ref_t) patient = spawn_with (&((zanni_spawn_t) { .place = ZANNI_THREAD, .watchdog_ms = 3600000 }), "sloth");
    ZANNI_AUTO (zanni_ref_t) sloth = spawn_sloth (SHORT_MS);
    tell (patient, "await", "method stay");
    patiently (sloth, "stay");
    patiently (patient, "nothing");
    cr_assert (!told ("method await"), "%s", s_log.text);
}

CONFORM_ONCE (watchdog, who_waits_in_a_call_is_not_stuck, ZANNI_THREAD)
{
    ZANNI_AUTO (zanni_ref_t) caller = spawn_sloth (SOME_MS);
    ZANNI_AUTO (zanni_ref_t) other = spawn_sloth (SOME_MS);
    ZANNI_AUTO (zanni_ref_t) sloth = spawn_sloth (SOME_MS);
    done (caller, "know", other);
    tell (caller, "call");
    patiently (sloth, "stay");
    tell (other, "keep");
    patiently (caller, "nothing");
    cr_assert (!told ("method call"), "%s", s_log.text);
}

/* What was told of whom. */
static void
s_note_stuck (void *context, const zanni_work_t *work)
{
    uint64_t *actor = context;
    if (work->stuck && !strcmp (work->class_name, "sloth") && !strcmp (work->method, "await"))
        *actor = work->actor;
}

#define OWN_THREAD(ROW, suite, name) \
    ROW (suite, name, shared, ZANNI_SHARED) \
    ROW (suite, name, thread, ZANNI_THREAD)

CONFORM_IN (OWN_THREAD, watchdog, who_is_stuck_is_seen_in_the_work_of_its_node)
{
    ZANNI_AUTO (zanni_ref_t) sloth = spawn_sloth (SHORT_MS);
    ZANNI_AUTO (zanni_ref_t) other = spawn_with (&((zanni_spawn_t) { .place = ZANNI_THREAD, .watchdog_ms = SHORT_MS }), "sloth");
    uint64_t actor = 0;
    tell (sloth, "await", "method stay");
    while (!actor)
        cr_assert_eq (zanni_work (root, 0, s_note_stuck, &actor), 0);
    cr_assert_eq (actor, zanni_ref_address (sloth).actor);
    cr_assert_eq (stay_until_told ("method await"), 0);   // it is seen a little before
    patiently (other, "stay");
    patiently (sloth, "nothing");
    actor = 0;
    cr_assert_eq (zanni_work (root, 0, s_note_stuck, &actor), 0);
    cr_assert_eq (actor, 0);
}

/* Whether the next row is that of the sloth. false in *good: it is none. */
static bool
s_row_is_stuck (zanni_msg_t *reply, bool *good)
{
    const char *name, *class_name = "", *method = "";
    int64_t for_ms;
    bool known, stuck = false;
    uint64_t actors, queued, held, actor;
    size_t entries, members;
    int rc = zanni_enter (reply, &members);
    rc |= zanni_read (reply, &name, &class_name, &method, &for_ms, &known, &actors, &queued, &held);
    for (int list = 0; !rc && list < 2; list++) {
        rc = zanni_enter (reply, &entries);
        for (size_t i = 0; !rc && i < entries; i++)
            rc = zanni_enter (reply, &members) | zanni_leave (reply);
        rc |= zanni_leave (reply);
    }
    rc |= zanni_read (reply, &stuck, &actor);
    rc |= zanni_leave (reply);
    *good = *good && !rc;
    return stuck && !strcmp (class_name, "sloth") && !strcmp (method, "loop");
}

static bool
s_is_stuck_there (void)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ask_t options = { .deadline_ms = 500 };
    size_t rows;
    bool found = false, good = true;
    int rc = zanni_call_args (root, &reply, other_node, &options, "zanni.work", NULL, 0);
    if (rc == ZANNI_ETIMEOUT)
        return false;   // it was asked what it is at when it got stuck
    cr_assert_eq (rc, 0);
    cr_assert_eq (zanni_enter (reply, &rows), 0);
    for (size_t i = 0; i < rows; i++)
        found |= s_row_is_stuck (reply, &good);
    cr_assert (good);
    return found;
}

CONFORM_ONCE (watchdog, who_is_stuck_on_another_node_is_seen_there, OTHER_NODE)
{
    ZANNI_AUTO (zanni_ref_t) sloth = spawn_with (&((zanni_spawn_t) { .place = place, .watchdog_ms = SHORT_MS }), "sloth");
    tell (sloth, "loop");
    while (!s_is_stuck_there ()) {}
}

/* A process, of this node or of another. */
#define PROCESSES(ROW, suite, name) \
    ROW (suite, name, process, ZANNI_PROCESS) \
    ROW (suite, name, node, OTHER_NODE)

static const zanni_spawn_t *
in_process (int64_t watchdog_ms)
{
    static zanni_spawn_t options;
    options = (zanni_spawn_t) { .place = ZANNI_PROCESS, .on = other_node, .watchdog_ms = watchdog_ms };
    return &options;
}

static void
assert_watchdog (const zanni_reason_t *reason, const char *what)
{
    char text [160];
    zanni_reason_string (reason, text, sizeof text);
    cr_assert_eq (reason->kind, ZANNI_EXIT_ERROR, "%s", text);
    cr_assert_eq (reason->code, ZANNI_EWATCHDOG, "%s", text);
    cr_assert_not_null (strstr (reason->text, what), "%s", text);
}

/* The next message, however long the launcher of a busy machine takes to look often enough. */
static zanni_msg_t *
await (void)
{
    zanni_msg_t *msg = NULL;
    cr_assert_eq (zanni_receive (root, &msg, 60000), 0);
    return msg;
}

static zanni_reason_t
await_down (uint64_t monitor)
{
    ZANNI_AUTO (zanni_msg_t) msg = await ();
    zanni_down_t down;
    cr_assert_eq (zanni_msg_down (msg, &down), 0);
    cr_assert_eq (down.monitor, monitor);
    return down.reason;
}

CONFORM_IN (PROCESSES, watchdog, a_process_whose_handler_does_not_return_is_killed_and_its_end_says_why)
{
    ZANNI_AUTO (zanni_ref_t) sloth = spawn_with (in_process (SOME_MS), "sloth");
    uint64_t watch = monitor (sloth);
    const zanni_ask_t patient = { .deadline_ms = 60000 };
    int pid = (int) call_int (sloth, "pid");
    cr_assert_eq (zanni_ask (root, sloth, &patient, "loop"), 0);
    ZANNI_AUTO (zanni_msg_t) answer = await ();
    zanni_error_t error;
    cr_assert_eq (zanni_msg_error (answer, &error), 0);
    cr_assert_eq (error.code, ZANNI_EDOWN);
    cr_assert_not_null (strstr (error.text, "watchdog"), "%s", error.text);
    zanni_reason_t reason = await_down (watch);
    assert_watchdog (&reason, "watchdog: sloth has been in its method loop for ");
    cr_assert_eq (kill (pid, 0), -1);
    cr_assert (place == OTHER_NODE || logged ("process actor sloth is killed: watchdog: "), "%s", s_log.text);
}

CONFORM_IN (PROCESSES, watchdog, a_process_whose_start_does_not_return_is_killed_and_its_spawner_told)
{
    zanni_spawn_t options = *in_process (SOME_MS);
    zanni_error_t error = { 0 };
    zanni_ref_t *ref = NULL;
    options.start_ms = 60000;
    options.error = &error;
    int rc = zanni_spawn_args (root, &ref, "stuck", &options, NULL, 0);
    cr_assert_neq (rc, 0);
    cr_assert_neq (rc, ZANNI_ETIMEOUT);
    cr_assert_not_null (strstr (error.text, "watchdog: stuck has been in its hook start for "), "%d: %s", rc, error.text);
}

CONFORM_ONCE (watchdog, the_process_of_a_node_with_the_option_is_watched, ZANNI_PROCESS)
{
    begin_again ((zanni_options_t) { .watchdog_ms = SOME_MS });
    ZANNI_AUTO (zanni_ref_t) sloth = spawn_sloth (0);
    uint64_t watch = monitor (sloth);
    tell (sloth, "loop");
    zanni_reason_t reason = await_down (watch);
    assert_watchdog (&reason, "method loop");
}

/* Behind one whose sibling has a watchdog a spare is there that was made for that. */
CONFORM_ONCE (watchdog, processes_without_one_are_let_be_beside_those_that_have_one, ZANNI_PROCESS)
{
    ZANNI_AUTO (zanni_ref_t) sloth = spawn_sloth (SOME_MS);
    ZANNI_AUTO (zanni_ref_t) free = spawn_sloth (0);
    ZANNI_AUTO (zanni_ref_t) other = spawn_sloth (SOME_MS);
    uint64_t one = monitor (sloth), two = monitor (other);
    (void) monitor (free);
    tell (free, "loop");
    tell (sloth, "loop");
    zanni_reason_t reason = await_down (one);
    assert_watchdog (&reason, "method loop");
    tell (other, "loop");
    reason = await_down (two);
    assert_watchdog (&reason, "method loop");
    expect_nothing ();
    cr_assert_eq (zanni_kill (root, free), 0);
}

CONFORM_ONCE (watchdog, a_supervisor_begins_again_whoever_was_stuck, ZANNI_PROCESS)
{
    static const zanni_child_t children [] = {
        { .name = "sloth", .class_name = "sloth", .spawn = { .place = ZANNI_PROCESS, .watchdog_ms = SOME_MS } }, ZANNI_CHILD_END
    };
    static const zanni_supervisor_t plan = { .children = children };
    ZANNI_AUTO (zanni_ref_t) supervisor = NULL;
    cr_assert_eq (zanni_supervise (root, &supervisor, &plan, NULL), 0);
    for (int round = 0; round < 2; round++) {
        ZANNI_AUTO (zanni_msg_t) before = call (supervisor, "child", "sloth");
        const zanni_ref_t *sloth;
        cr_assert_eq (zanni_read (before, &sloth), 0);
        int pid = (int) call_int (sloth, "pid");
        cr_assert_gt (pid, 0);
        if (round)
            break;
        uint64_t watch = monitor (sloth);
        tell (sloth, "spin");
        zanni_reason_t reason = await_down (watch);
        assert_watchdog (&reason, "method spin");
    }
}

/* Whoever asked gets an error, since the job may have been done in part; the next one finds another worker. */
CONFORM_ONCE (watchdog, a_pool_replaces_a_worker_that_was_stuck, ZANNI_PROCESS)
{
    ZANNI_AUTO (zanni_ref_t) pool = NULL;
    const zanni_spawn_t spawn = { .place = ZANNI_PROCESS, .watchdog_ms = SOME_MS };
    const zanni_pool_options_t options = { .workers = 1, .spawn = &spawn };
    const zanni_ask_t patient = { .deadline_ms = 60000 };
    cr_assert_eq (zanni_pool (root, &pool, "sloth", &options), 0);
    int pid = (int) call_int (pool, "pid");
    int rc = zanni_call_args (root, NULL, pool, &patient, "loop", NULL, 0);
    cr_assert_eq (rc, ZANNI_EDOWN, "%s", zanni_strerror (rc));
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int other = pid;
    cr_assert_eq (zanni_call_args (root, &reply, pool, &patient, "pid", NULL, 0), 0);
    cr_assert_eq (zanni_read (reply, &other), 0);
    cr_assert_neq (other, pid);
}

EVERYWHERE (watchdog, a_time_that_is_none_is_refused)
{
    static const int64_t none [] = { -2, INT64_MIN, INT64_C (1) << 31, INT64_MAX };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        zanni_error_t error = { 0 };
        zanni_ref_t *ref = NULL;
        zanni_spawn_t options = { PLACED, .watchdog_ms = none [i], .error = &error };
        cr_assert_eq (zanni_spawn_args (root, &ref, "sloth", &options, NULL, 0), ZANNI_EINVAL);
        cr_assert_not_null (strstr (error.text, "watchdog_ms"), "%s", error.text);
        const zanni_child_t children [] = {
            { .name = "sloth", .class_name = "sloth", .spawn = { PLACED, .watchdog_ms = none [i] } }, ZANNI_CHILD_END
        };
        const zanni_supervisor_t plan = { .children = children };
        cr_assert_eq (zanni_supervise (root, &ref, &plan, &(zanni_spawn_t) { .error = &error }), ZANNI_EINVAL);
        cr_assert_not_null (strstr (error.text, "watchdog_ms"), "%s", error.text);
        const zanni_pool_options_t pool = { .workers = 1, .spawn = &options, .error = &error };
        cr_assert_eq (zanni_pool (root, &ref, "sloth", &pool), ZANNI_EINVAL);
        cr_assert_not_null (strstr (error.text, "watchdog_ms"), "%s", error.text);
    }
}

CONFORM_ONCE (watchdog, a_node_s_time_that_is_none_is_refused, ZANNI_SHARED)
{
    zanni_error_t error = { 0 };
    zanni_t *self = NULL;
    cr_assert_eq (zanni_new (&self, &(zanni_options_t) { .watchdog_ms = UINT32_MAX, .error = &error }), ZANNI_EINVAL);
    cr_assert_not_null (strstr (error.text, "watchdog_ms"), "%s", error.text);
}
