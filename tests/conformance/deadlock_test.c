/* Calls in a circle: they are refused, and the error says who calls whom; what only looks like one is not. */

#include "support.h"

/* Calls the next one in each of its methods, in one way or another. `note` calls nobody. */
typedef struct {
    zanni_ref_t *next;
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

static int
caller_run (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    return s_go_on (self, msg, caller->next, "run");
}

static int
caller_touch (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    return s_go_on (self, msg, caller->next, "note");
}

static int
caller_start_touch (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    return s_go_on (self, msg, caller->next, "touch");
}

static int
caller_start_answer (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    return s_go_on (self, msg, caller->next, "answer first");
}

static int
caller_start_forward (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    return s_go_on (self, msg, caller->next, "forward");
}

/* Who asks has its answer when it is called. */
static int
caller_answer_first (zanni_t *self, zanni_msg_t *msg)
{
    caller_t *caller = zanni_state (self);
    int rc = zanni_reply (self, msg, (int64_t) 0);
    if (rc)
        return rc;
    zanni_error_t error = { 0 };
    const zanni_ask_t options = { .error = &error, .deadline_ms = -1 };
    caller->rc = zanni_call_with (self, NULL, caller->next, &options, "note");
    zanni_error_reset (&error);
    return 0;
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
    ZANNI_METHOD ("run", "", "x", handler (caller_run), "Calls run."), \
    ZANNI_METHOD ("touch", "", "x", handler (caller_touch), "Calls note."), \
    ZANNI_METHOD ("start touch", "", "x", handler (caller_start_touch), "Calls touch."), \
    ZANNI_METHOD ("start answer", "", "x", handler (caller_start_answer), "Calls answer first."), \
    ZANNI_METHOD ("start forward", "", "x", handler (caller_start_forward), "Calls forward."), \
    ZANNI_METHOD ("start ask", "", "x", handler (caller_start_ask), "Asks touch."), \
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

CLASSES (&alpha_class, &beta_class, &gamma_class, &loop_class);

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
    ZANNI_AUTO (zanni_ref_t) alpha = spawn_caller ("alpha");
    ZANNI_AUTO (zanni_ref_t) beta = spawn_caller ("beta");
    done (alpha, "know", beta);
    done (beta, "know", alpha);
    cr_assert_eq (outcome (alpha, "run"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("alpha calls beta.run calls alpha.run");
    cr_assert_eq (call_int (alpha, "note"), 1, "both live on");
    cr_assert_eq (call_int (beta, "note"), 1);
}

OWNERS_TEST (three_in_a_circle_are_refused_and_named)
{
    ZANNI_AUTO (zanni_ref_t) alpha = spawn_caller ("alpha");
    ZANNI_AUTO (zanni_ref_t) beta = spawn_caller ("beta");
    ZANNI_AUTO (zanni_ref_t) gamma = spawn_caller ("gamma");
    done (alpha, "know", beta);
    done (beta, "know", gamma);
    done (gamma, "know", alpha);
    cr_assert_eq (outcome (alpha, "run"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("alpha calls beta.run calls gamma.run calls alpha.run");
}

OWNERS_TEST (a_circle_behind_somebody_is_told_without_him)
{
    ZANNI_AUTO (zanni_ref_t) alpha = spawn_caller ("alpha");
    ZANNI_AUTO (zanni_ref_t) beta = spawn_caller ("beta");
    ZANNI_AUTO (zanni_ref_t) gamma = spawn_caller ("gamma");
    done (alpha, "know", beta);
    done (beta, "know", gamma);
    done (gamma, "know", beta);
    cr_assert_eq (outcome (alpha, "run"), ZANNI_EDEADLOCK, "%s", s_error.text);
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
    ZANNI_AUTO (zanni_ref_t) alpha = spawn_caller ("alpha");
    ZANNI_AUTO (zanni_ref_t) beta = spawn_caller ("beta");
    ZANNI_AUTO (zanni_ref_t) gamma = spawn_caller ("gamma");
    done (alpha, "know", beta);
    done (beta, "know", gamma);
    done (gamma, "know", alpha);
    cr_assert_eq (outcome (alpha, "start forward"), ZANNI_EDEADLOCK, "%s", s_error.text);
    s_says ("alpha calls gamma.touch calls alpha.note");
}

OWNERS_TEST (who_has_answered_may_call_whom_it_served)
{
    ZANNI_AUTO (zanni_ref_t) alpha = spawn_caller ("alpha");
    ZANNI_AUTO (zanni_ref_t) beta = spawn_caller ("beta");
    done (alpha, "know", beta);
    done (beta, "know", alpha);
    cr_assert_eq (outcome (alpha, "start answer"), 0, "%s", s_error.text);
    cr_assert_eq (call_int (beta, "result"), 0);
    cr_assert_eq (call_int (alpha, "note"), 2);
}

OWNERS_TEST (who_asks_without_waiting_may_be_called)
{
    ZANNI_AUTO (zanni_ref_t) alpha = spawn_caller ("alpha");
    ZANNI_AUTO (zanni_ref_t) beta = spawn_caller ("beta");
    done (alpha, "know", beta);
    done (beta, "know", alpha);
    cr_assert_eq (outcome (alpha, "start ask"), 0, "%s", s_error.text);
    cr_assert_eq (call_int (alpha, "note"), 2);
}

OWNERS_TEST (a_chain_of_calls_is_none)
{
    ZANNI_AUTO (zanni_ref_t) alpha = spawn_caller ("alpha");
    ZANNI_AUTO (zanni_ref_t) beta = spawn_caller ("beta");
    ZANNI_AUTO (zanni_ref_t) gamma = spawn_caller ("gamma");
    done (alpha, "know", beta);
    done (beta, "know", gamma);
    for (int64_t i = 1; i <= 3; i++) {
        cr_assert_eq (outcome (alpha, "start touch"), 0, "%s", s_error.text);
        cr_assert_eq (call_int (gamma, "note"), 2 * i);
    }
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
