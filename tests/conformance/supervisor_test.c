/* Supervisors: who is begun again, in which order, and what stays. */

#include "supervisor.h"

/* A loop that adds what it is told, and fails when it is told to. */
static int
loop_run (zanni_t *self)
{
    int64_t sum = 0;
    for (;;) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        int64_t number;
        int rc = zanni_receive (self, &msg, -1);
        if (rc)
            return rc == ZANNI_ECLOSED ? 0 : rc;
        const char *method = zanni_msg_method (msg);
        if (!strcmp (method, "fail"))
            return ZANNI_ENOSPACE;
        if (!strcmp (method, "add"))
            rc = zanni_read (msg, &number);
        else
            rc = zanni_reply (self, msg, sum);
        if (rc)
            return rc;
        sum += strcmp (method, "add") ? 0 : number;
    }
}

static const zanni_method_t loop_methods [] = {
    ZANNI_METHOD ("add", "x", "", NULL, "Adds."),
    ZANNI_METHOD ("sum", "", "x", NULL, "Of what was added."),
    ZANNI_METHOD ("fail", "", "", NULL, "Ends the loop with an error."),
    ZANNI_METHOD_END
};
static const zanni_class_t loop_class = { .name = "loop", .methods = loop_methods, .run = loop_run };

CLASSES (&ward_class, &runner_class, &loop_class);

EVERYWHERE (supervisor, starts_its_children_in_order_and_stops_them_in_reverse)
{
    zanni_ref_t *supervisor = begin_family (family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT));
    cr_assert_str_eq (state_of (supervisor, "b", NULL), "running");
    uint64_t id = monitor (supervisor);
    cr_assert_eq (zanni_stop (root, supervisor), 0);
    cr_assert_eq (await_down (id).kind, ZANNI_EXIT_SHUTDOWN);
    cr_assert_str_eq (at_last, "stop c, stop b, stop a");
    zanni_ref_destroy (&supervisor);
    close_ledger ();
}

EVERYWHERE (supervisor, a_child_that_fails_keeps_its_reference_and_its_mailbox_while_it_is_delayed)
{
    open_ledger ();
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT);
    what->delay_ms = 50;
    zanni_ref_t *supervisor = supervise (what);
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    done_so_far (3, "start a, start b, start c");
    tell (b, "add", 1000);
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    for (int i = 1; i <= 10; i++)
        tell (b, "add", i);
    cr_assert_eq (call_int (b, "sum"), 55);
    done_so_far (2, "stop b, start b");
    uint64_t restarts = 0;
    (void) state_of (supervisor, "b", &restarts);
    cr_assert_eq (restarts, 1);
    end_family (&supervisor);
    close_ledger ();
}

/* OTP's rules. */
static const bool begins_again [] [ZANNI_EXIT_CODE + 1] = {
    [ZANNI_PERMANENT] = {
        [ZANNI_EXIT_NORMAL] = true, [ZANNI_EXIT_SHUTDOWN] = true, [ZANNI_EXIT_KILLED] = true,
        [ZANNI_EXIT_ERROR] = true, [ZANNI_EXIT_SIGNAL] = true, [ZANNI_EXIT_CODE] = true
    },
    [ZANNI_TRANSIENT] = {
        [ZANNI_EXIT_KILLED] = true, [ZANNI_EXIT_ERROR] = true, [ZANNI_EXIT_SIGNAL] = true, [ZANNI_EXIT_CODE] = true
    },
    [ZANNI_TEMPORARY] = { false }
};

static const struct {
    const char *what;
    int lines;
} then [] = {
    [ZANNI_ONE_FOR_ONE] = { "start b", 1 },
    [ZANNI_ONE_FOR_ALL] = { "stop c, stop a, start a, start b, start c", 5 },
    [ZANNI_REST_FOR_ONE] = { "stop c, start b, start c", 3 }
};

static void
end_as (const zanni_ref_t *ref, zanni_exit_t kind)
{
    if (kind == ZANNI_EXIT_SHUTDOWN)
        cr_assert_eq (zanni_stop (root, ref), 0);
    else if (kind == ZANNI_EXIT_KILLED)
        cr_assert_eq (zanni_kill (root, ref), 0);
    else
        tell (ref, "end", (int) kind);
}

/* b of a, b and c ends in that way. */
static void
check_rule (zanni_strategy_t strategy, zanni_restarts_t restarts, zanni_exit_t kind)
{
    char expected [160];
    bool again = begins_again [restarts][kind];
    bool stops = kind <= ZANNI_EXIT_SHUTDOWN || kind == ZANNI_EXIT_ERROR;
    bool stays = kind != ZANNI_EXIT_SHUTDOWN && kind != ZANNI_EXIT_KILLED;   // nobody has ended it for good
    zanni_ref_t *supervisor = supervise (family_of (strategy, restarts));
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    done_so_far (3, "start a, start b, start c");
    end_as (b, kind);
    snprintf (expected, sizeof expected, "%s%s%s", stops ? "stop b" : "", stops && again ? ", " : "",
              again ? then [strategy].what : "");
    if (!again)
        await_state (supervisor, "b", restarts == ZANNI_TEMPORARY ? "" : "ended");
    const char *found = ledger (stops + (again ? then [strategy].lines : 0));
    cr_assert_str_eq (found, expected, "strategy %d, restarts %d, reason %d: %s", (int) strategy, (int) restarts,
                      (int) kind, found);
    ZANNI_AUTO (zanni_ref_t) now = again ? child_of (supervisor, "b") : NULL;
    if (again) {
        cr_assert_eq (call_int (now, "sum"), 0);
        cr_assert_eq (zanni_ref_equal (now, b), stays);
    }
    end_family (&supervisor);
    (void) ledger (0);
}

static void
check_rules (zanni_strategy_t strategy)
{
    static const zanni_exit_t kinds [] = {
        ZANNI_EXIT_NORMAL, ZANNI_EXIT_SHUTDOWN, ZANNI_EXIT_KILLED, ZANNI_EXIT_ERROR, ZANNI_EXIT_SIGNAL,
        ZANNI_EXIT_CODE
    };
    open_ledger ();
    for (int restarts = ZANNI_PERMANENT; restarts <= ZANNI_TEMPORARY; restarts++)
        for (int i = 0; i < (place == ZANNI_PROCESS ? 6 : 4); i++)   // a signal ends a process
            check_rule (strategy, (zanni_restarts_t) restarts, kinds [i]);
    close_ledger ();
}

EVERYWHERE (supervisor, one_for_one_begins_again_who_has_ended)
{
    check_rules (ZANNI_ONE_FOR_ONE);
}

EVERYWHERE (supervisor, one_for_all_begins_all_again)
{
    check_rules (ZANNI_ONE_FOR_ALL);
}

EVERYWHERE (supervisor, rest_for_one_begins_those_again_who_started_later)
{
    check_rules (ZANNI_REST_FOR_ONE);
}

/* By a signal it ends as if it had done so by itself: its reference stays where another incarnation follows. */
static void
check_signal (zanni_restarts_t restarts, zanni_exit_t kind)
{
    const zanni_reason_t reason = { .kind = kind, .code = 7, .text = "no disk" };
    bool again = begins_again [restarts][kind];
    zanni_ref_t *supervisor = supervise (family_of (ZANNI_ONE_FOR_ONE, restarts));
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    done_so_far (3, "start a, start b, start c");
    cr_assert_eq (zanni_exit_signal (root, b, &(zanni_reason_t) { .kind = ZANNI_EXIT_NORMAL }), 0);   // is ignored
    cr_assert_eq (call_int (b, "sum"), 0);
    cr_assert_eq (zanni_exit_signal (root, b, &reason), 0);
    if (!again)
        await_state (supervisor, "b", restarts == ZANNI_TEMPORARY ? "" : "ended");
    done_so_far (again ? 2 : 1, again ? "stop b, start b" : "stop b");
    if (again) {
        tell (b, "add", 5);
        cr_assert_eq (call_int (b, "sum"), 5);
    }
    end_family (&supervisor);
    (void) ledger (0);
}

EVERYWHERE (supervisor, an_exit_signal_is_an_end_of_its_childs_own)
{
    open_ledger ();
    for (int restarts = ZANNI_PERMANENT; restarts <= ZANNI_TEMPORARY; restarts++) {
        check_signal ((zanni_restarts_t) restarts, ZANNI_EXIT_SHUTDOWN);
        check_signal ((zanni_restarts_t) restarts, ZANNI_EXIT_ERROR);
    }
    close_ledger ();
}

EVERYWHERE (supervisor, an_exit_signal_ends_it_behind_its_children)
{
    const zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = 7, .text = "no disk" };
    ZANNI_AUTO (zanni_ref_t) supervisor = begin_family (family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT));
    uint64_t id = monitor (supervisor);
    cr_assert_eq (zanni_exit_signal (root, supervisor, &(zanni_reason_t) { .kind = ZANNI_EXIT_NORMAL }), 0);
    cr_assert_str_eq (state_of (supervisor, "b", NULL), "running");
    cr_assert_eq (zanni_exit_signal (root, supervisor, &reason), 0);
    zanni_reason_t why = await_down (id);
    cr_assert (why.kind == ZANNI_EXIT_ERROR && why.code == 7 && !strcmp (why.text, "no disk"));
    cr_assert_str_eq (at_last, "stop c, stop b, stop a");
    close_ledger ();
}

EVERYWHERE (supervisor, who_is_linked_with_it_learns_why_it_has_given_up)
{
    zanni_exit_signal_t exit = { .from = NULL };
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT);
    what->max_restarts = -1;
    ZANNI_AUTO (zanni_ref_t) supervisor = begin_family (what);
    cr_assert_eq (zanni_trap_exits (root, true), 0);
    cr_assert_eq (zanni_link (root, supervisor), 0);
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    while (!exit.from) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        if (zanni_msg_kind (msg) != ZANNI_MSG_EXIT)
            continue;
        cr_assert_eq (zanni_msg_exit (msg, &exit), 0);
        cr_assert (exit.linked && zanni_ref_equal (exit.from, supervisor));
    }
    cr_assert_eq (exit.reason.kind, ZANNI_EXIT_SHUTDOWN);
    cr_assert_str_eq (exit.reason.text, "child b: more than 0 restarts in 60000 ms: error 7: no disk");
    close_ledger ();
}

EVERYWHERE (supervisor, what_is_temporary_is_stopped_with_others_and_forgotten)
{
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ALL, ZANNI_PERMANENT);
    family.children [0].restarts = ZANNI_TEMPORARY;
    zanni_ref_t *supervisor = begin_family (what);
    ZANNI_AUTO (zanni_ref_t) c = child_of (supervisor, "c");
    tell (c, "end", (int) ZANNI_EXIT_ERROR);
    done_so_far (5, "stop c, stop b, stop a, start b, start c");
    cr_assert_str_eq (state_of (supervisor, "a", NULL), "");
    close_family (&supervisor);
}

EVERYWHERE (supervisor, what_had_ended_normally_begins_again_with_others)
{
    zanni_ref_t *supervisor = begin_family (family_of (ZANNI_REST_FOR_ONE, ZANNI_TRANSIENT));
    ZANNI_AUTO (zanni_ref_t) a = child_of (supervisor, "a");
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    tell (b, "end", (int) ZANNI_EXIT_NORMAL);
    await_state (supervisor, "b", "ended");
    done_so_far (1, "stop b");
    tell (a, "end", (int) ZANNI_EXIT_ERROR);
    done_so_far (5, "stop a, stop c, start a, start b, start c");
    close_family (&supervisor);
}

EVERYWHERE (supervisor, too_many_restarts_end_it_with_reason_shutdown)
{
    open_ledger ();
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT);
    what->max_restarts = 2;
    ZANNI_AUTO (zanni_ref_t) supervisor = supervise (what);
    uint64_t id = monitor (supervisor);
    for (int i = 0; i < 3; i++) {
        ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
        if (!i)
            done_so_far (3, "start a, start b, start c");
        else
            done_so_far (2, "stop b, start b");
        tell (b, "end", (int) ZANNI_EXIT_ERROR);
    }
    zanni_reason_t reason = await_down (id);
    cr_assert_eq (reason.kind, ZANNI_EXIT_SHUTDOWN);
    cr_assert_str_eq (reason.text, "child b: more than 2 restarts in 60000 ms: error 7: no disk");
    cr_assert_str_eq (at_last, "stop b, stop c, stop a");
    close_ledger ();
}

EVERYWHERE (supervisor, where_none_is_allowed_the_first_restart_that_is_due_ends_it)
{
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ALL, ZANNI_TRANSIENT);
    what->max_restarts = -1;
    ZANNI_AUTO (zanni_ref_t) supervisor = begin_family (what);
    uint64_t id = monitor (supervisor);
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    cr_assert_eq (await_down (id).kind, ZANNI_EXIT_SHUTDOWN);
    cr_assert_str_eq (at_last, "stop b, stop c, stop a");
    close_ledger ();
}

EVERYWHERE (supervisor, a_first_start_that_fails_is_told_to_its_spawner)
{
    zanni_ref_t *supervisor = NULL;
    zanni_error_t error = { 0 };
    open_ledger ();
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT);
    forbid ("c", true);
    int rc = zanni_supervise (root, &supervisor, what, &(zanni_spawn_t) { .error = &error });
    cr_assert_eq (rc, ZANNI_ENOSPACE, "%s", zanni_strerror (rc));
    cr_assert_null (supervisor);
    cr_assert_str_eq (error.text, "child c: the start of ward failed: no space left in the store, or on its disk");
    done_so_far (5, "start a, start b, fail c, stop b, stop a");
    close_ledger ();
}

static int
supervise_in_runner (zanni_t *self)
{
    zanni_ref_t *supervisor = NULL;   // ends with the runner
    return zanni_supervise (self, &supervisor, &family.what, NULL);
}

EVERYWHERE (supervisor, a_first_start_that_fails_is_told_to_the_down_hook_of_a_spawner_that_cannot_wait)
{
    open_ledger ();
    family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT);
    forbid ("a", true);
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    run_in (runner, supervise_in_runner);
    expect_both ("fail a", "failed start of zanni.supervisor: error -30: child a: the start of ward failed: no space "
                           "left in the store, or on its disk");
    close_ledger ();
}

EVERYWHERE (supervisor, a_restart_that_fails_is_tried_again_and_nothing_of_the_mailbox_is_lost)
{
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ONE, ZANNI_TRANSIENT);
    what->delay_ms = 5;
    what->jitter = 50;
    zanni_ref_t *supervisor = begin_family (what);
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    forbid ("b", true);
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    for (int i = 1; i <= 4; i++)
        tell (b, "add", i);
    const char *first = "stop b, fail b, fail b";
    cr_assert_eq (strncmp (ledger (3), first, strlen (first)), 0);   // and so on, until it may
    forbid ("b", false);
    cr_assert_eq (call_int (b, "sum"), 10);
    close_family (&supervisor);
}

EVERYWHERE (supervisor, restarts_that_fail_end_it_when_they_are_too_many)
{
    zanni_supervisor_t *what = family_of (ZANNI_REST_FOR_ONE, ZANNI_TRANSIENT);
    what->max_restarts = 2;
    ZANNI_AUTO (zanni_ref_t) supervisor = begin_family (what);
    uint64_t id = monitor (supervisor);
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    forbid ("b", true);
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    zanni_reason_t reason = await_down (id);
    cr_assert_eq (reason.kind, ZANNI_EXIT_SHUTDOWN);
    cr_assert_not_null (strstr (reason.text, "child b: more than 2 restarts in 60000 ms: error -30: the start"));
    cr_assert_str_eq (at_last, "stop b, stop c, fail b, fail b, stop a");
    close_ledger ();
}

EVERYWHERE (supervisor, when_it_is_stopped_nobody_waits_for_a_child_that_is_delayed)
{
    zanni_error_t error = { 0 };
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT);
    what->delay_ms = 3600000;
    what->delay_max_ms = 3600000;
    zanni_ref_t *supervisor = begin_family (what);
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    await_state (supervisor, "b", "restarting");
    cr_assert_eq (zanni_stop (root, supervisor), 0);
    cr_assert_eq (zanni_stop (root, supervisor), 0);   // twice
    int rc = refused (&error, b, "sum");
    cr_assert (rc == ZANNI_EDOWN || rc == ZANNI_ENOACTOR || rc == ZANNI_ENODE, "%s", zanni_strerror (rc));
    close_family (&supervisor);
}

EVERYWHERE (supervisor, a_monitor_is_told_that_another_incarnation_follows)
{
    zanni_ref_t *supervisor = begin_family (family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT));
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    for (int i = 0; i < 3; i++) {
        uint64_t id = monitor (b);
        tell (b, "end", i < 2 ? (int) ZANNI_EXIT_ERROR : (int) ZANNI_EXIT_NORMAL);
        zanni_down_t down = { .monitor = 0 };
        for (int messages = 0; messages < 3; messages++) {
            ZANNI_AUTO (zanni_msg_t) msg = next ();
            if (!zanni_msg_down (msg, &down))
                cr_assert_eq (down.monitor, id);
        }
        cr_assert_eq (down.reason.kind, i < 2 ? ZANNI_EXIT_ERROR : ZANNI_EXIT_NORMAL);
        cr_assert (down.restarts);
    }
    (void) ledger (0);
    close_family (&supervisor);
}

/* In the runner: kills whom the supervisor gives it. */
static zanni_ref_t *asked;

static void
got_child (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    const zanni_ref_t *ref;
    (void) arg;
    int rc = zanni_read (reply, &ref);
    if (!rc)
        rc = report (self, witness_of (self), "%s %s: %s", zanni_ref_is_own (ref) ? "owns" : "may call",
                     zanni_ref_is_strong (ref) ? "strong" : "weak", zanni_strerror (zanni_kill (self, ref)));
    (void) rc;
}

static int
ask_for_child (zanni_t *self)
{
    static const zanni_ask_t options = { .then = got_child };
    return zanni_ask (self, asked, &options, "child", "b");
}

EVERYWHERE (supervisor, only_who_spawned_it_owns_its_children)
{
    open_ledger ();
    zanni_ref_t *supervisor = supervise (family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT));
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    cr_assert (zanni_ref_is_own (b));
    cr_assert_not (zanni_ref_is_strong (b));
    done_so_far (3, "start a, start b, start c");
    asked = supervisor;
    run_in (runner, ask_for_child);
    expect ("may call weak: not permitted");
    end_family (&supervisor);
    close_ledger ();
}

EVERYWHERE (supervisor, its_children_end_with_the_last_reference_to_it)
{
    zanni_ref_t *supervisor = begin_family (family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT));
    uint64_t id = monitor (supervisor);
    zanni_ref_destroy (&supervisor);
    cr_assert_eq (await_down (id).kind, ZANNI_EXIT_NORMAL);
    cr_assert_str_eq (at_last, "stop c, stop b, stop a");
    close_ledger ();
}

EVERYWHERE (supervisor, its_children_are_killed_with_it)
{
    zanni_ref_t *supervisor = begin_family (family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT));
    ZANNI_AUTO (zanni_ref_t) a = child_of (supervisor, "a");
    uint64_t ids [2] = { monitor (supervisor), monitor (a) };
    cr_assert_eq (call_int (a, "sum"), 0);   // the monitor is there
    cr_assert_eq (zanni_kill (root, supervisor), 0);
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        zanni_down_t down;
        cr_assert_eq (zanni_msg_down (msg, &down), 0);
        cr_assert (down.monitor == ids [0] || down.monitor == ids [1]);
        cr_assert (down.reason.kind == ZANNI_EXIT_KILLED || down.reason.kind == ZANNI_EXIT_SIGNAL, "reason %d",
                   (int) down.reason.kind);
        cr_assert_not (down.restarts);
    }
    zanni_ref_destroy (&supervisor);
    close_ledger ();
}

EVERYWHERE (supervisor, a_child_that_is_to_be_killed_is_not_stopped)
{
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ALL, ZANNI_PERMANENT);
    family.children [2].kill = true;
    zanni_ref_t *supervisor = begin_family (what);
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    for (int i = 0; i < 3; i++) {
        tell (b, "end", (int) ZANNI_EXIT_ERROR);
        done_so_far (5, "stop b, stop a, start a, start b, start c");
        ZANNI_AUTO (zanni_ref_t) c = child_of (supervisor, "c");
        cr_assert_eq (call_int (c, "sum"), 0);
    }
    uint64_t restarts = 0;
    (void) state_of (supervisor, "c", &restarts);
    cr_assert_eq (restarts, 0);   // that were its own
    end_family (&supervisor);
    cr_assert_str_eq (at_last, "stop b, stop a");
    close_ledger ();
}

CONFORM_ONCE (supervisor, a_process_that_does_not_heed_a_stop_is_killed, ZANNI_PROCESS)
{
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ALL, ZANNI_PERMANENT);
    family.children [1].stop_ms = 200;
    zanni_ref_t *supervisor = begin_family (what);
    ZANNI_AUTO (zanni_ref_t) a = child_of (supervisor, "a");
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    ZANNI_AUTO (zanni_ref_t) c = child_of (supervisor, "c");
    int64_t before = call_int (b, "pid");
    pid_t other = (pid_t) call_int (a, "pid");
    tell (b, "hang");
    tell (c, "end", (int) ZANNI_EXIT_CODE);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * PATIENCE_MS;
    for (uint64_t restarts = 0; !restarts;) {   // then b is to stop
        cr_assert_lt (zanni_now_ns (root), until_ns);
        (void) state_of (supervisor, "c", &restarts);
    }
    (void) kill (other, SIGKILL);   // what else happens meanwhile does not matter
    await_state (supervisor, "c", "running");
    cr_assert_not_null (strstr (ledger (0), "start a, start b, start c"));
    ZANNI_AUTO (zanni_ref_t) now = child_of (supervisor, "b");
    cr_assert_neq (call_int (now, "pid"), before);
    close_family (&supervisor);
}

ALONE (supervisor, a_loop_that_fails_goes_on_with_its_mailbox_in_the_next_incarnation)
{
    const zanni_child_t children [] = {
        { .name = "loop", .class_name = "loop", .spawn = { PLACED } }, ZANNI_CHILD_END
    };
    const zanni_supervisor_t what = { .children = children, .max_restarts = 10, .delay_ms = 5 };
    ZANNI_AUTO (zanni_ref_t) supervisor = supervise (&what);
    ZANNI_AUTO (zanni_ref_t) loop = child_of (supervisor, "loop");
    for (int i = 1; i <= 3; i++) {
        tell (loop, "add", 100);
        tell (loop, "fail");
        tell (loop, "add", i);
        cr_assert_eq (call_int (loop, "sum"), i);
    }
}

EVERYWHERE (supervisor, a_child_that_ends_in_its_start_has_begun_and_is_begun_again)
{
    open_ledger ();
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ONE, ZANNI_TRANSIENT);
    what->max_restarts = 60000;
    what->delay_ms = 2;
    what->delay_max_ms = 5;
    forbid ("b.ends", true);
    zanni_ref_t *supervisor = supervise (what);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * PATIENCE_MS;
    for (uint64_t restarts = 0; restarts < 3;) {
        cr_assert_lt (zanni_now_ns (root), until_ns);
        (void) state_of (supervisor, "b", &restarts);
    }
    forbid ("b.ends", false);
    await_state (supervisor, "b", "running");
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    cr_assert_eq (call_int (b, "sum"), 0);
    end_family (&supervisor);
    close_ledger ();
}
