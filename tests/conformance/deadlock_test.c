/* Calls in a circle: they are refused, and the error says who calls whom; what only looks like one is not. */

#include "support.h"

/* Calls the next one in each of its methods, in one way or another. `note` calls nobody. */
typedef struct {
    zanni_ref_t *next;
    zanni_promise_t *promise;
    int64_t notes;
    int rc;   // of its last call
} caller_t;

static int
caller_know (zanni_t *self, zanni_msg_t *msg)
{
    caller_t *caller = zanni_state (self);
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next);
    zanni_ref_destroy (&caller->next);
    return rc ? rc : zanni_ref_weak (self, &caller->next, next);
}

static int
caller_note (zanni_t *self, zanni_msg_t *msg)
{
    caller_t *caller = zanni_state (self);
    return zanni_reply (self, msg, ++caller->notes);
}

/* Calls `method` of the next one and passes on what that answered. */
static int
s_go_on (zanni_t *self, zanni_msg_t *msg, const zanni_ref_t *next, const char *method)
{
    zanni_error_t error = { 0 };
    const zanni_ask_t options = { .error = &error, .deadline_ms = -1 };
    int rc = zanni_call_with (self, NULL, next, &options, method);
    rc = rc ? zanni_pass (self, msg, &error) : zanni_reply (self, msg, (int64_t) 0);
    zanni_error_reset (&error);
    return rc;
}

/* A method that calls another, which stands in a table. */
static int
caller_go_on (zanni_t *self, zanni_msg_t *msg)
{
    static const char *const calls [][2] = {
        { "run", "run" }, { "touch", "note" }, { "start touch", "touch" }, { "start answer", "answer first" },
        { "start forward", "forward" }, { "start promise", "promise" }
    };
    const caller_t *caller = zanni_state (self);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (!strcmp (calls [i][0], zanni_msg_method (msg)))
            return s_go_on (self, msg, caller->next, calls [i][1]);
    return ZANNI_ENOMETHOD;
}

/* Remembers how it ends. */
static void
s_call_note (zanni_t *self, caller_t *caller)
{
    zanni_error_t error = { 0 };
    const zanni_ask_t options = { .error = &error, .deadline_ms = -1 };
    caller->rc = zanni_call_with (self, NULL, caller->next, &options, "note");
    zanni_error_reset (&error);
}

/* Who asks has its answer when it is called. */
static int
caller_answer_first (zanni_t *self, zanni_msg_t *msg)
{
    caller_t *caller = zanni_state (self);
    int rc = zanni_reply (self, msg, (int64_t) 0);
    if (!rc)
        s_call_note (self, caller);
    return rc;
}

static int
caller_result (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    return zanni_reply (self, msg, (int64_t) caller->rc);
}

static int
caller_forward (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    return zanni_forward (self, msg, caller->next, "touch");
}

/* Says that it is there, and goes on when the test says so: descriptors of the process `pid`. */
static int
s_hold (zanni_msg_t *msg)
{
    int pid, said_fd, go_fd;
    char letter = 'h';
    int rc = zanni_read (msg, &pid, &said_fd, &go_fd);
    if (!rc && (write (reach (pid, said_fd, O_WRONLY), &letter, 1) != 1
                || read (reach (pid, go_fd, O_RDONLY), &letter, 1) != 1))
        rc = ZANNI_ESYSTEM;
    return rc;
}

static int
caller_hold (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    int rc = s_hold (msg);
    return rc ? rc : s_go_on (self, msg, caller->next, "note");
}

static int
caller_stay (zanni_t *self, zanni_msg_t *msg)
{
    int rc = s_hold (msg);
    return rc ? rc : zanni_reply (self, msg, (int64_t) 0);
}

static int
caller_promise (zanni_t *self, zanni_msg_t *msg)
{
    caller_t *caller = zanni_state (self);
    return zanni_promise_new (self, &caller->promise, msg);
}

/* Whether somebody waits for its promise. */
static int
caller_has_promised (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    return zanni_reply (self, msg, (int64_t) (caller->promise != NULL));
}

/* Calls whom it has promised something, and keeps its word then. */
static int
caller_break (zanni_t *self, zanni_msg_t *msg)
{
    caller_t *caller = zanni_state (self);
    s_call_note (self, caller);
    int rc = zanni_promise_reply (self, &caller->promise, (int64_t) 0);
    (void) rc;
    return zanni_reply (self, msg, (int64_t) caller->rc);
}

static void
s_asked (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_promise_t *promise = arg;
    zanni_error_t error = { 0 };
    int rc = zanni_msg_error (reply, &error) ? zanni_promise_reply (self, &promise, (int64_t) 0)
                                             : zanni_promise_fail (self, &promise, error.code, error.text);
    (void) rc;
    zanni_promise_destroy (&promise);
}

/* Asks and does not wait: it serves others meanwhile. */
static int
caller_start_ask (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    zanni_promise_t *promise;
    int rc = zanni_promise_new (self, &promise, msg);
    if (rc)
        return rc;
    const zanni_ask_t options = { .then = s_asked, .arg = promise, .deadline_ms = -1 };
    rc = zanni_ask (self, caller->next, &options, "touch");
    if (rc)
        zanni_promise_destroy (&promise);
    return rc;
}

#define METHODS(handler) \
    ZANNI_METHOD ("know", "r", "", handler (caller_know), "Who is the next."), \
    ZANNI_METHOD ("note", "", "x", handler (caller_note), "Counts."), \
    ZANNI_METHOD ("run", "", "x", handler (caller_go_on), "Calls run."), \
    ZANNI_METHOD ("touch", "", "x", handler (caller_go_on), "Calls note."), \
    ZANNI_METHOD ("start touch", "", "x", handler (caller_go_on), "Calls touch."), \
    ZANNI_METHOD ("start answer", "", "x", handler (caller_go_on), "Calls answer first."), \
    ZANNI_METHOD ("start forward", "", "x", handler (caller_go_on), "Calls forward."), \
    ZANNI_METHOD ("start ask", "", "x", handler (caller_start_ask), "Asks touch."), \
    ZANNI_METHOD ("hold", "iii", "x", handler (caller_hold), "Calls note when it may."), \
    ZANNI_METHOD ("stay", "iii", "x", handler (caller_stay), "Answers when it may."), \
    ZANNI_METHOD ("promise", "", "x", handler (caller_promise), "Answers later."), \
    ZANNI_METHOD ("start promise", "", "x", handler (caller_go_on), "Calls promise."), \
    ZANNI_METHOD ("has promised", "", "x", handler (caller_has_promised), "And not kept it."), \
    ZANNI_METHOD ("break", "", "x", handler (caller_break), "Calls note, then answers."), \
    ZANNI_METHOD ("answer first", "", "x", handler (caller_answer_first), "Answers, then calls note."), \
    ZANNI_METHOD ("result", "", "x", handler (caller_result), "Of that call."), \
    ZANNI_METHOD ("forward", "", "x", handler (caller_forward), "Has the next one do touch."), \
    ZANNI_METHOD_END
#define ITSELF(handler) handler
#define NONE(handler) NULL

static const zanni_method_t caller_methods [] = { METHODS (ITSELF) };
static const zanni_class_t alpha_class = { .name = "alpha", .state_size = sizeof (caller_t), .methods = caller_methods };
static const zanni_class_t beta_class = { .name = "beta", .state_size = sizeof (caller_t), .methods = caller_methods };
static const zanni_class_t gamma_class = { .name = "gamma", .state_size = sizeof (caller_t), .methods = caller_methods };

/* The same as a loop that reads its messages itself. */
static int
loop_run (zanni_t *self)
{
    for (;;) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        int rc = zanni_receive (self, &msg, -1);
        if (rc)
            return rc == ZANNI_ECLOSED ? 0 : rc;
        for (const zanni_method_t *method = caller_methods; method->name; method++)
            if (!strcmp (method->name, zanni_msg_method (msg)))
                rc = method->handler (self, msg);
        if (!rc && !strcmp (zanni_msg_method (msg), "know"))
            rc = zanni_reply (self, msg);
        if (rc)
            return rc;
    }
}

static const zanni_method_t loop_methods [] = { METHODS (NONE) };
static const zanni_class_t loop_class = {
    .name = "loop", .state_size = sizeof (caller_t), .methods = loop_methods, .run = loop_run
};

/* Calls its spawner in its start, who waits for that. */
static int
infant_start (zanni_t *self, zanni_msg_t *msg)
{
    zanni_error_t error = { 0 };
    const zanni_ask_t options = { .error = &error, .deadline_ms = -1 };
    int rc = zanni_call_with (self, NULL, zanni_msg_from (msg), &options, "note");
    zanni_error_reset (&error);
    return rc;
}
static const zanni_class_t infant_class = { .name = "infant", .start = infant_start };

CLASSES (&alpha_class, &beta_class, &gamma_class, &loop_class, &infant_class);

/* Actors that own their worker, and so may call: here, in processes, on another node. */
#define OWNERS(ROW, suite, name) \
    PLACES_ALONE (ROW, suite, name) \
    ROW (suite, name, node, OTHER_NODE)
#define OWNERS_TEST(name) CONFORM_IN (OWNERS, deadlock, name)

#define LONG_MS 60000   // a test that is refused at once never waits for it

static zanni_ref_t *
spawn_caller (const char *class_name)
{
    return spawn_with (&((zanni_spawn_t) { .place = place == OTHER_NODE ? ZANNI_THREAD : place, .on = other_node }), class_name);
}

/* Callers that know each other: each the next, and the last the first where it is a circle. */
typedef struct {
    zanni_ref_t *alpha, *beta, *gamma;
} circle_t;

static void
circle_t_auto (circle_t **circle)
{
    zanni_ref_destroy (&(*circle)->alpha);
    zanni_ref_destroy (&(*circle)->beta);
    zanni_ref_destroy (&(*circle)->gamma);
}

static circle_t *
row_of (uint32_t count)
{
    static circle_t row;
    row.alpha = spawn_caller ("alpha");
    row.beta = spawn_caller ("beta");
    row.gamma = count == 3 ? spawn_caller ("gamma") : NULL;
    done (row.alpha, "know", row.beta);
    if (row.gamma)
        done (row.beta, "know", row.gamma);
    return &row;
}

static circle_t *
circle_of (uint32_t count)
{
    circle_t *circle = row_of (count);
    done (count == 3 ? circle->gamma : circle->beta, "know", circle->alpha);
    return circle;
}

static zanni_error_t s_error;

/* The code of a call of the root's. */
static int
outcome (const zanni_ref_t *ref, const char *method)
{
    const zanni_ask_t options = { .error = &s_error, .deadline_ms = LONG_MS };
    zanni_error_reset (&s_error);
    return zanni_call_with (root, NULL, ref, &options, method);
}

#define s_says(words) cr_assert (strstr (s_error.text, words), "it says: %s", s_error.text)

OWNERS_TEST (two_that_call_each_other_are_refused_and_named)
{
    ZANNI_AUTO (circle_t) callers = circle_of (2);
    cr_assert_eq (outcome (callers->alpha, "run"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("alpha calls beta.run calls alpha.run");
    cr_assert_eq (call_int (callers->alpha, "note"), 1, "both live on");
    cr_assert_eq (call_int (callers->beta, "note"), 1);
}

OWNERS_TEST (three_in_a_circle_are_refused_and_named)
{
    ZANNI_AUTO (circle_t) callers = circle_of (3);
    cr_assert_eq (outcome (callers->alpha, "run"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("alpha calls beta.run calls gamma.run calls alpha.run");
}

OWNERS_TEST (a_circle_behind_somebody_is_told_without_him)
{
    ZANNI_AUTO (circle_t) callers = row_of (3);
    done (callers->gamma, "know", callers->beta);
    cr_assert_eq (outcome (callers->alpha, "run"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("next: beta calls gamma.run calls beta.run");
}

OWNERS_TEST (who_calls_its_calling_root_is_refused)
{
    ZANNI_AUTO (zanni_ref_t) alpha = spawn_caller ("alpha");
    done (alpha, "know", zanni_self (root));
    cr_assert_eq (outcome (alpha, "touch"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("root calls alpha.touch calls root.note");
}

OWNERS_TEST (a_loop_that_calls_whom_it_serves_is_refused)
{
    ZANNI_AUTO (zanni_ref_t) alpha = spawn_caller ("alpha");
    ZANNI_AUTO (zanni_ref_t) loop = spawn_caller ("loop");
    done (alpha, "know", loop);
    done (loop, "know", alpha);
    cr_assert_eq (outcome (alpha, "run"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("alpha calls loop.run calls alpha.run");
    cr_assert_eq (outcome (loop, "run"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("loop calls alpha.run calls loop.run");
    cr_assert_eq (call_int (loop, "note"), 1);
}

OWNERS_TEST (an_ask_that_was_forwarded_is_still_waited_for)
{
    ZANNI_AUTO (circle_t) callers = circle_of (3);
    cr_assert_eq (outcome (callers->alpha, "start forward"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("alpha calls gamma.touch calls alpha.note");
}

OWNERS_TEST (who_has_answered_may_call_whom_it_served)
{
    ZANNI_AUTO (circle_t) callers = circle_of (2);
    cr_assert_eq (outcome (callers->alpha, "start answer"), 0, "%s", s_error.text);
    cr_assert_eq (call_int (callers->beta, "result"), 0);
    cr_assert_eq (call_int (callers->alpha, "note"), 2);
}

OWNERS_TEST (who_asks_without_waiting_may_be_called)
{
    ZANNI_AUTO (circle_t) callers = circle_of (2);
    cr_assert_eq (outcome (callers->alpha, "start ask"), 0, "%s", s_error.text);
    cr_assert_eq (call_int (callers->alpha, "note"), 2);
}

OWNERS_TEST (a_chain_of_calls_is_none)
{
    ZANNI_AUTO (circle_t) callers = row_of (3);
    for (int64_t i = 1; i <= 3; i++) {
        cr_assert_eq (outcome (callers->alpha, "start touch"), 0, "%s", s_error.text);
        cr_assert_eq (call_int (callers->gamma, "note"), 2 * i);
    }
}

/* Circles that nobody could see when they were closed. */

static int s_said [2];   // the test reads, actors write
static int s_go [2];     // and the other way round

static void
open_pipes (void)
{
    cr_assert_eq (pipe2 (s_said, O_CLOEXEC), 0);
    cr_assert_eq (pipe2 (s_go, O_CLOEXEC), 0);
}

static void
await_held (int count)
{
    char letter;
    for (int i = 0; i < count; i++)
        cr_assert_eq (read (s_said [0], &letter, 1), 1);
}

static void
let_go (int count)
{
    for (int i = 0; i < count; i++)
        cr_assert_eq (write (s_go [1], "g", 1), 1);
}

static void
ask_to_hold (const zanni_ref_t *ref)
{
    const zanni_ask_t options = { .deadline_ms = LONG_MS };
    cr_assert_eq (zanni_ask (root, ref, &options, "hold", (int) getpid (), s_said [1], s_go [0]), 0);
}

/* The code of the next answer, and what it says. */
static int
next_outcome (char *text)
{
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    cr_assert_eq (zanni_receive (root, &msg, LONG_MS), 0);
    if (zanni_msg_kind (msg) == ZANNI_MSG_REPLY)
        return 0;
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    snprintf (text, sizeof error.text, "%s", error.text);
    return error.code;
}

OWNERS_TEST (two_that_call_each_other_at_once_are_found)
{
    open_pipes ();
    char text [232] = "";
    ZANNI_AUTO (circle_t) callers = circle_of (2);
    ask_to_hold (callers->alpha);
    ask_to_hold (callers->beta);
    await_held (2);
    let_go (2);
    int first = next_outcome (text);
    int second = next_outcome (text);
    cr_assert (first == ZANNI_EDEADLOCK || second == ZANNI_EDEADLOCK, "%s, %s", zanni_strerror (first),
               zanni_strerror (second));
    cr_assert (strstr (text, "alpha calls beta.note calls alpha.note") || strstr (text, "beta calls alpha.note calls beta.note"),
               "it says: %s", text);
}

OWNERS_TEST (three_that_call_each_other_at_once_are_found)
{
    open_pipes ();
    char text [232] = "";
    ZANNI_AUTO (circle_t) callers = circle_of (3);
    ask_to_hold (callers->alpha);
    ask_to_hold (callers->beta);
    ask_to_hold (callers->gamma);
    await_held (3);
    let_go (3);
    bool found = false;
    for (int i = 0; i < 3; i++)
        found |= next_outcome (text) == ZANNI_EDEADLOCK;
    cr_assert (found);
    cr_assert (strstr (text, " calls alpha.note") && strstr (text, " calls beta.note") && strstr (text, " calls gamma.note"),
               "it says: %s", text);   // beginning with whoever found it
}

OWNERS_TEST (who_calls_whom_it_promised_an_answer_is_found)
{
    ZANNI_AUTO (circle_t) callers = circle_of (2);
    const zanni_ask_t options = { .deadline_ms = LONG_MS };
    char text [232];
    cr_assert_eq (zanni_ask (root, callers->alpha, &options, "start promise"), 0);
    while (!call_int (callers->beta, "has promised")) {}
    cr_assert_eq (zanni_ask (root, callers->beta, &options, "break"), 0);
    int first = next_outcome (text);
    int second = next_outcome (text);
    bool refused = call_int (callers->beta, "result") == ZANNI_EDEADLOCK;
    cr_assert (refused || first == ZANNI_EDEADLOCK || second == ZANNI_EDEADLOCK, "%s, %s", zanni_strerror (first),
               zanni_strerror (second));
}

OWNERS_TEST (who_calls_its_spawner_in_its_start_is_found)
{
    ZANNI_AUTO (zanni_ref_t) infant = NULL;
    zanni_error_t error = { 0 };
    zanni_spawn_t options = { PLACED, .start_ms = LONG_MS, .error = &error };
    options.place = place == OTHER_NODE ? ZANNI_THREAD : place;
    cr_assert_eq (zanni_spawn (root, &infant, "infant", &options), ZANNI_EDEADLOCK, "%s", error.text);
    /* A process that finds it does not know what its spawner is. */
    cr_assert (strstr (error.text, "infant calls root.note calls infant.start")
               || strstr (error.text, "infant calls somebody.note calls infant.start")
               || strstr (error.text, "root calls infant.start calls root.note"), "it says: %s", error.text);
}

/* Probes pass, and find nothing. */
OWNERS_TEST (a_long_call_is_no_circle)
{
    open_pipes ();
    ZANNI_AUTO (zanni_msg_t) none = NULL;
    ZANNI_AUTO (circle_t) callers = row_of (3);
    const zanni_ask_t options = { .deadline_ms = LONG_MS };
    char text [232] = "";
    cr_assert_eq (zanni_ask (root, callers->gamma, &options, "stay", (int) getpid (), s_said [1], s_go [0]), 0);
    await_held (1);
    cr_assert_eq (zanni_ask (root, callers->alpha, &options, "start touch"), 0);
    cr_assert_eq (zanni_receive (root, &none, 700), ZANNI_ETIMEOUT);   // for some probes
    let_go (1);
    cr_assert_eq (next_outcome (text), 0, "%s", text);
    cr_assert_eq (next_outcome (text), 0, "%s", text);
}

/* Across places: what waits in a process is known in a thread, and the other way round. */
CONFORM_ONCE (deadlock, a_thread_and_a_process_that_call_each_other_are_refused, ZANNI_THREAD)
{
    ZANNI_AUTO (zanni_ref_t) alpha = spawn_with (&(zanni_spawn_t) { .place = ZANNI_THREAD }, "alpha");
    ZANNI_AUTO (zanni_ref_t) beta = spawn_with (&(zanni_spawn_t) { .place = ZANNI_PROCESS }, "beta");
    done (alpha, "know", beta);
    done (beta, "know", alpha);
    cr_assert_eq (outcome (alpha, "run"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("alpha calls beta.run calls alpha.run");
    cr_assert_eq (outcome (beta, "run"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("beta calls alpha.run calls beta.run");
}
