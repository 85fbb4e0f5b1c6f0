/* Supervisors of children that are added and removed while they run. */

#include "supervisor.h"

/* Stays in a method until it is let go; and takes no notice of anything meanwhile. */
static int entered [2], let_go [2];

static int
stone_stay (zanni_t *self, zanni_msg_t *msg)
{
    char letter = 'i';
    (void) self, (void) msg;
    return write (entered [1], &letter, 1) == 1 && read (let_go [0], &letter, 1) == 1 ? 0 : ZANNI_ESYSTEM;
}

static const zanni_method_t stone_methods [] = {
    ZANNI_METHOD ("stay", "", "", stone_stay, "Until it is let go."),
    ZANNI_METHOD_END
};
static const zanni_class_t stone_class = { .name = "stone", .methods = stone_methods };

static const zanni_class_t slow_class = { .name = "slow", .start = stone_stay };

CLASSES (&ward_class, &runner_class, &stone_class, &slow_class);

/* A dynamic supervisor of wards, whose names are their last argument. */
static zanni_supervisor_t *
dynamic_of (zanni_restarts_t restarts)
{
    family_of (ZANNI_DYNAMIC, ZANNI_PERMANENT);
    family.children [0].args.size = 2;   // without a name
    family.children [0].name = "ward";
    family.children [0].restarts = restarts;
    family.children [1].name = NULL;
    return &family.what;
}

static zanni_ref_t *
add_child (const zanni_ref_t *supervisor, const char *name, const char *argument)
{
    const zanni_ref_t *ref;
    zanni_ref_t *kept = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = call (supervisor, "add", name, ZANNI_LIST (argument));
    cr_assert_eq (zanni_read (reply, &ref), 0);
    cr_assert_eq (zanni_ref_keep (root, &kept, ref), 0);
    return kept;
}

EVERYWHERE (supervisor_add, children_are_added_and_removed)
{
    open_ledger ();
    zanni_ref_t *supervisor = supervise (dynamic_of (ZANNI_PERMANENT));
    ZANNI_AUTO (zanni_ref_t) a = add_child (supervisor, "a", "a");
    ZANNI_AUTO (zanni_ref_t) b = add_child (supervisor, "", "b");
    done_so_far (2, "start a, start b");
    cr_assert_str_eq (state_of (supervisor, "ward-2", NULL), "running");
    tell (a, "end", (int) ZANNI_EXIT_ERROR);
    tell (a, "add", 3);
    cr_assert_eq (call_int (a, "sum"), 3);
    done_so_far (2, "stop a, start a");
    done (supervisor, "remove", "ward-2");
    done_so_far (1, "stop b");
    cr_assert_str_eq (state_of (supervisor, "ward-2", NULL), "");
    cr_assert_str_eq (state_of (supervisor, "a", NULL), "running");
    end_family (&supervisor);
    cr_assert_str_eq (at_last, "stop a");
    close_ledger ();
}

/* Whatever others were called by those who added them; and in whole characters. */
EVERYWHERE (supervisor_add, a_child_without_a_name_gets_one_that_is_free)
{
    open_ledger ();
    zanni_supervisor_t *what = dynamic_of (ZANNI_PERMANENT);
    family.children [0].name = "a name of more than forty bytes: of it \xe2\x82\xac";
    zanni_ref_t *supervisor = supervise (what);
    ZANNI_AUTO (zanni_ref_t) a = add_child (supervisor, "a name of more than forty bytes: of it -2", "a");
    ZANNI_AUTO (zanni_ref_t) b = add_child (supervisor, "", "b");
    done_so_far (2, "start a, start b");
    cr_assert_str_eq (state_of (supervisor, "a name of more than forty bytes: of it -3", NULL), "running");
    end_family (&supervisor);
    close_ledger ();
}

EVERYWHERE (supervisor_add, one_that_ends_and_is_not_begun_again_is_forgotten)
{
    open_ledger ();
    zanni_ref_t *supervisor = supervise (dynamic_of (ZANNI_TRANSIENT));
    ZANNI_AUTO (zanni_ref_t) a = add_child (supervisor, "a", "a");
    done_so_far (1, "start a");
    tell (a, "end", (int) ZANNI_EXIT_NORMAL);
    await_state (supervisor, "a", "");
    done_so_far (1, "stop a");
    ZANNI_AUTO (zanni_ref_t) again = add_child (supervisor, "a", "a");
    done_so_far (1, "start a");
    cr_assert_not (zanni_ref_equal (a, again));
    end_family (&supervisor);
    close_ledger ();
}

EVERYWHERE (supervisor_add, what_is_wrong_with_a_child_is_told_to_who_adds_it)
{
    zanni_error_t error = { 0 };
    char long_name [65];
    open_ledger ();
    zanni_ref_t *supervisor = supervise (dynamic_of (ZANNI_PERMANENT));
    ZANNI_AUTO (zanni_ref_t) a = add_child (supervisor, "a", "a");
    done_so_far (1, "start a");
    forbid ("bad", true);
    cr_assert_eq (refused (&error, supervisor, "add", "b", ZANNI_LIST ("bad")), ZANNI_ENOSPACE);
    cr_assert_not_null (strstr (error.text, "child b: the start of ward failed: no space left"), "%s", error.text);
    done_so_far (1, "fail bad");
    cr_assert_eq (refused (&error, supervisor, "add", "b", ZANNI_LIST (1)), ZANNI_EARGS);
    cr_assert_not_null (strstr (error.text, "child b: bad arguments for the start of ward: argument 3"), "%s",
                        error.text);
    cr_assert_eq (refused (&error, supervisor, "add", "a", ZANNI_LIST ("a")), ZANNI_EINUSE);
    snprintf (long_name, sizeof long_name, "%064d", 1);
    cr_assert_eq (refused (&error, supervisor, "add", long_name, ZANNI_LIST ("a")), ZANNI_EINVAL);
    cr_assert_str_eq (error.text, "invalid argument: the name of a child has 63 bytes at most");
    cr_assert_eq (refused (&error, supervisor, "remove", "b"), ZANNI_ENOACTOR);
    cr_assert_str_eq (error.text, "no such actor: no child has the name b");
    cr_assert_eq (refused (&error, supervisor, "child", "b"), ZANNI_ENOACTOR);
    end_family (&supervisor);
    close_ledger ();
}

/* Nobody is there to be told; the others know nothing of it. */
EVERYWHERE (supervisor_add, a_first_start_that_fails_is_no_restart)
{
    open_ledger ();
    zanni_supervisor_t *what = dynamic_of (ZANNI_PERMANENT);
    what->max_restarts = -1;
    zanni_ref_t *supervisor = supervise (what);
    ZANNI_AUTO (zanni_ref_t) a = add_child (supervisor, "a", "a");
    forbid ("bad", true);
    tell (supervisor, "add", "b", ZANNI_LIST ("bad"));
    await_state (supervisor, "b", "");
    done_so_far (2, "start a, fail bad");
    cr_assert_eq (call_int (a, "sum"), 0);
    end_family (&supervisor);
    close_ledger ();
}

EVERYWHERE (supervisor_add, nobody_is_added_to_a_supervisor_whose_children_are_fixed)
{
    zanni_error_t error = { 0 };
    zanni_ref_t *supervisor = begin_family (family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT));
    cr_assert_eq (refused (&error, supervisor, "add", "d", ZANNI_LIST ("d")), ZANNI_EINVAL);
    cr_assert_str_eq (error.text, "invalid argument: children are added to a ZANNI_DYNAMIC supervisor only");
    cr_assert_eq (refused (&error, supervisor, "remove", "b"), ZANNI_EINVAL);
    cr_assert_str_eq (error.text, "invalid argument: children are removed from a ZANNI_DYNAMIC supervisor only");
    close_family (&supervisor);
}

EVERYWHERE (supervisor_add, a_child_that_is_removed_while_it_is_delayed_is_gone)
{
    zanni_error_t error = { 0 };
    open_ledger ();
    zanni_supervisor_t *what = dynamic_of (ZANNI_PERMANENT);
    what->delay_ms = what->delay_max_ms = 3600000;
    zanni_ref_t *supervisor = supervise (what);
    ZANNI_AUTO (zanni_ref_t) a = add_child (supervisor, "a", "a");
    tell (a, "end", (int) ZANNI_EXIT_ERROR);
    await_state (supervisor, "a", "restarting");
    done_so_far (2, "start a, stop a");
    done (supervisor, "remove", "a");
    cr_assert_str_eq (state_of (supervisor, "a", NULL), "");
    int rc = refused (&error, a, "sum");
    cr_assert (rc == ZANNI_EDOWN || rc == ZANNI_ENOACTOR || rc == ZANNI_ENODE, "%s", zanni_strerror (rc));
    end_family (&supervisor);
    close_ledger ();
}

CONFORM_ONCE (supervisor_add, a_child_that_does_not_even_heed_a_kill_is_abandoned_and_its_remover_told, ZANNI_THREAD)
{
    const zanni_child_t children [] = {
        { .name = "stone", .class_name = "stone", .spawn = { PLACED }, .stop_ms = 20 }, ZANNI_CHILD_END
    };
    const zanni_supervisor_t what = { .strategy = ZANNI_DYNAMIC, .children = children };
    zanni_error_t error = { 0 };
    char letter = 'o';
    cr_assert (!pipe2 (entered, O_CLOEXEC) && !pipe2 (let_go, O_CLOEXEC));
    begin_again ((zanni_options_t) { .shutdown_ms = 100 });
    ZANNI_AUTO (zanni_ref_t) supervisor = supervise (&what);
    done (supervisor, "add", "a", zanni_arg_list (NULL, 0));
    ZANNI_AUTO (zanni_ref_t) a = child_of (supervisor, "a");
    tell (a, "stay");
    cr_assert_eq (read (entered [0], &letter, 1), 1);
    cr_assert_eq (refused (&error, supervisor, "remove", "a"), ZANNI_ESTUCK);
    cr_assert_str_eq (error.text, "child a does not end, and is abandoned");
    cr_assert (logged ("child a of class stone is abandoned"));
    cr_assert_str_eq (state_of (supervisor, "a", NULL), "");
    uint64_t id = monitor (a);
    cr_assert_eq (write (let_go [1], &letter, 1), 1);
    (void) expect_down (id, false);   // then it heeds it
    s_log.errors = 0;
}

CONFORM_ONCE (supervisor_add, whoever_does_not_wait_for_a_slow_start_leaves_nothing_behind, ZANNI_THREAD)
{
    const zanni_child_t children [] = {
        { .name = "slow", .class_name = "slow", .spawn = { PLACED } }, ZANNI_CHILD_END
    };
    const zanni_supervisor_t what = { .children = children };
    zanni_ref_t *supervisor = NULL;
    zanni_error_t error = { 0 };
    char letter = 'o';
    cr_assert (!pipe2 (entered, O_CLOEXEC) && !pipe2 (let_go, O_CLOEXEC));
    const zanni_spawn_t options = { .start_ms = 20, .error = &error };
    cr_assert_eq (zanni_supervise (root, &supervisor, &what, &options), ZANNI_ETIMEOUT, "%s", error.text);
    cr_assert_null (supervisor);
    cr_assert_eq (read (entered [0], &letter, 1), 1);
    cr_assert_eq (write (let_go [1], &letter, 1), 1);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * PATIENCE_MS;
    while (stats ().actors > 1) {
        cr_assert_lt (zanni_now_ns (root), until_ns, "%" PRIu64 " actors are left", stats ().actors);
        cr_assert_eq (zanni_run (root, 1), 0);
    }
}
