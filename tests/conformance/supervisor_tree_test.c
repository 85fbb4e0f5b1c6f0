/* Supervisors below supervisors, in any place; and what is wrong with a description. */

#include "supervisor.h"

/* Starts with a list in which there is a reference, and sends what it got there; ends when it is told. */
typedef struct {
    zanni_ref_t *to;
    int64_t number;
} sender_t;

static int
sender_start (zanni_t *self, zanni_msg_t *msg)
{
    sender_t *sender = zanni_state (self);
    const zanni_ref_t *to;
    const char *word;
    zanni_bytes_t bytes;
    size_t count;
    int rc = zanni_enter (msg, &count);
    if (!rc)
        rc = zanni_read (msg, &sender->number, &to);
    if (!rc)
        rc = zanni_leave (msg);
    if (!rc)
        rc = zanni_read (msg, &bytes, &word);
    if (!rc)
        rc = zanni_ref_weak (self, &sender->to, to);
    return rc ? rc : report (self, to, "%" PRId64 " %.*s %s", sender->number, (int) bytes.size,
                             (const char *) bytes.data, word);
}

static int
sender_end (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit_error (self, 1, "as told");
}

static const zanni_method_t sender_methods [] = {
    ZANNI_METHOD ("end", "", "", sender_end, "Ends with an error."),
    ZANNI_METHOD_END
};
static const zanni_class_t sender_class = {
    .name = "sender", .state_size = sizeof (sender_t), .methods = sender_methods, .start_in = "(xr)ays",
    .start = sender_start
};

CLASSES (&ward_class, &runner_class, &sender_class);

EVERYWHERE (supervisor_tree, start_arguments_are_the_same_each_time)
{
    const zanni_child_t children [] = {
        { .name = "sender", .class_name = "sender", .spawn = { PLACED },
          .args = ZANNI_LIST (ZANNI_LIST (42, zanni_self (root)), ((zanni_bytes_t) { "bytes", 5 }), "word") },
        ZANNI_CHILD_END
    };
    const zanni_supervisor_t what = { .children = children, .max_restarts = 10 };
    ZANNI_AUTO (zanni_ref_t) supervisor = supervise (&what);
    ZANNI_AUTO (zanni_ref_t) sender = child_of (supervisor, "sender");
    expect ("42 bytes word");
    for (int i = 0; i < 3; i++) {
        tell (sender, "end");
        expect ("42 bytes word");
    }
}

/* A tree: z, the family a b c below it, y. */
static zanni_supervisor_t *
tree_of (zanni_strategy_t strategy, zanni_restarts_t restarts, zanni_spawn_t where)
{
    static zanni_child_t children [4];
    static zanni_arg_t args [2][3];
    static zanni_supervisor_t tree;
    const zanni_supervisor_t *below = family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT);
    memset (children, 0, sizeof children);
    children [0] = ward ("z", ZANNI_PERMANENT, args [0]);
    children [1] = (zanni_child_t) { .name = "family", .supervisor = below, .restarts = restarts, .spawn = where };
    children [2] = ward ("y", ZANNI_PERMANENT, args [1]);
    tree = (zanni_supervisor_t) {
        .strategy = strategy, .max_restarts = 10, .within_ms = 60000, .children = children
    };
    return &tree;
}

EVERYWHERE (supervisor_tree, a_supervisor_below_another_starts_and_stops_with_it)
{
    open_ledger ();
    zanni_ref_t *tree = supervise (tree_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT, (zanni_spawn_t) { 0 }));
    done_so_far (5, "start z, start a, start b, start c, start y");
    uint64_t id = monitor (tree);
    cr_assert_eq (zanni_stop (root, tree), 0);
    cr_assert_eq (await_down (id).kind, ZANNI_EXIT_SHUTDOWN);
    cr_assert_str_eq (at_last, "stop y, stop c, stop b, stop a, stop z");
    zanni_ref_destroy (&tree);
    close_ledger ();
}

EVERYWHERE (supervisor_tree, a_supervisor_that_gives_up_is_begun_again_by_the_one_above)
{
    open_ledger ();
    zanni_supervisor_t *what = tree_of (ZANNI_REST_FOR_ONE, ZANNI_PERMANENT, (zanni_spawn_t) { 0 });
    family.what.max_restarts = -1;
    zanni_ref_t *tree = supervise (what);
    ZANNI_AUTO (zanni_ref_t) below = child_of (tree, "family");
    ZANNI_AUTO (zanni_ref_t) b = child_of (below, "b");
    done_so_far (5, "start z, start a, start b, start c, start y");
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    done_so_far (8, "stop b, stop c, stop a, stop y, start a, start b, start c, start y");
    ZANNI_AUTO (zanni_ref_t) again = child_of (tree, "family");
    ZANNI_AUTO (zanni_ref_t) next_b = child_of (again, "b");
    cr_assert (zanni_ref_equal (below, again));   // its reference stays
    cr_assert_eq (call_int (next_b, "sum"), 0);
    end_family (&tree);
    close_ledger ();
}

EVERYWHERE (supervisor_tree, a_transient_supervisor_that_gives_up_stays_away)
{
    open_ledger ();
    zanni_supervisor_t *what = tree_of (ZANNI_ONE_FOR_ALL, ZANNI_TRANSIENT, (zanni_spawn_t) { 0 });
    family.what.max_restarts = -1;
    zanni_ref_t *tree = supervise (what);
    ZANNI_AUTO (zanni_ref_t) below = child_of (tree, "family");
    ZANNI_AUTO (zanni_ref_t) b = child_of (below, "b");
    done_so_far (5, "start z, start a, start b, start c, start y");
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    await_state (tree, "family", "ended");
    done_so_far (3, "stop b, stop c, stop a");
    end_family (&tree);
    close_ledger ();
}

EVERYWHERE (supervisor_tree, a_start_that_fails_far_below_is_told_at_the_top)
{
    zanni_ref_t *tree = NULL;
    zanni_error_t error = { 0 };
    open_ledger ();
    zanni_supervisor_t *what = tree_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT, (zanni_spawn_t) { 0 });
    forbid ("b", true);
    cr_assert_eq (zanni_supervise (root, &tree, what, &(zanni_spawn_t) { .error = &error }), ZANNI_ENOSPACE);
    cr_assert_not_null (strstr (error.text, "child family: child b: the start of ward failed: no space left"), "%s",
                        error.text);
    done_so_far (5, "start z, start a, fail b, stop a, stop z");
    close_ledger ();
}

/* The supervisor itself in the place, its children on its worker or its node's pool. */
EVERYWHERE (supervisor_tree, a_supervisor_runs_in_any_place)
{
    zanni_ref_t *tree = NULL;
    zanni_error_t error = { 0 };
    open_ledger ();
    family_of (ZANNI_ONE_FOR_ALL, ZANNI_PERMANENT);
    for (int i = 0; i < 3; i++)
        family.children [i].spawn = (zanni_spawn_t) { .place = i ? ZANNI_HERE : ZANNI_SHARED };
    const zanni_spawn_t options = { PLACED, .error = &error };
    cr_assert_eq (zanni_supervise (root, &tree, &family.what, &options), 0, "%s", error.text);
    done_so_far (3, "start a, start b, start c");
    ZANNI_AUTO (zanni_ref_t) b = child_of (tree, "b");
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    tell (b, "add", 5);
    done_so_far (6, "stop b, stop c, stop a, start a, start b, start c");
    cr_assert_eq (call_int (b, "sum"), 5);
    cr_assert_eq (call_int (b, "pid") == getpid (), !apart ());
    end_family (&tree);
    close_ledger ();
}

/* With children that still run. */
EVERYWHERE (supervisor_tree, a_supervisor_beside_the_root_ends_with_it)
{
    zanni_ref_t *supervisor = NULL;
    const zanni_child_t children [] = {
        { .name = "a", .class_name = "runner", .spawn = { PLACED } },
        { .name = "b", .class_name = "runner", .spawn = { PLACED } },
        ZANNI_CHILD_END
    };
    const zanni_supervisor_t what = { .children = children };
    const zanni_spawn_t here = { .place = ZANNI_HERE };
    cr_assert_eq (zanni_supervise (root, &supervisor, &what, &here), 0);
    await_state (supervisor, "b", "running");
    zanni_ref_destroy (&supervisor);
}

EVERYWHERE (supervisor_tree, a_whole_process_is_begun_again_by_the_supervisor_above)
{
    open_ledger ();
    const zanni_spawn_t where = { .place = ZANNI_PROCESS };
    zanni_supervisor_t *what = tree_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT, where);
    for (int i = 0; i < 3; i++)
        family.children [i].spawn = (zanni_spawn_t) { .place = i ? ZANNI_HERE : ZANNI_THREAD };
    zanni_ref_t *tree = supervise (what);
    ZANNI_AUTO (zanni_ref_t) below = child_of (tree, "family");
    ZANNI_AUTO (zanni_ref_t) b = child_of (below, "b");
    done_so_far (5, "start z, start a, start b, start c, start y");
    int64_t pid = call_int (b, "pid");
    cr_assert_neq (pid, getpid ());
    tell (b, "end", (int) ZANNI_EXIT_SIGNAL);
    done_so_far (3, "start a, start b, start c");
    ZANNI_AUTO (zanni_ref_t) again = child_of (tree, "family");
    ZANNI_AUTO (zanni_ref_t) next_b = child_of (again, "b");
    cr_assert_neq (call_int (next_b, "pid"), pid);
    end_family (&tree);
    close_ledger ();
}

/* Names of the supervisor's own. */
static void
check_refused (const zanni_supervisor_t *what, const zanni_spawn_t *where, int code, const char *part)
{
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    zanni_spawn_t options = where ? *where : (zanni_spawn_t) { 0 };
    options.error = &error;
    int rc = zanni_supervise (root, &ref, what, &options);
    cr_assert_eq (rc, code, "%s: %s, not %s", part, zanni_strerror (rc), zanni_strerror (code));
    cr_assert_null (ref);
    cr_assert_eq (error.code, code);
    cr_assert_not_null (strstr (error.text, part), "\"%s\" is not in \"%s\"", part, error.text);
}

CONFORM_ONCE (supervisor_tree, a_wrong_description_is_refused_with_a_text, ZANNI_SHARED)
{
    open_ledger ();
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT);
    zanni_child_t *b = &family.children [1];
    zanni_child_t good = *b;
    check_refused (NULL, NULL, ZANNI_EINVAL, "needs a supervisor");
    b->class_name = "nobody";
    check_refused (what, NULL, ZANNI_ENOCLASS, "child b: no such class: nobody");
    b->class_name = NULL;
    check_refused (what, NULL, ZANNI_EINVAL, "child b: it needs a class_name or a supervisor");
    b->supervisor = what;
    b->args = (zanni_arg_t) { 0 };
    check_refused (what, NULL, ZANNI_EINVAL, "a supervisor is told to supervise itself");
    *b = good;
    b->args = ZANNI_LIST (1, 2, 3);
    check_refused (what, NULL, ZANNI_EARGS, "child b: bad arguments for the start of ward");
    b->args = zanni_arg_int (1);
    check_refused (what, NULL, ZANNI_EINVAL, "child b: `args` is no ZANNI_LIST");
    *b = good;
    b->name = "a";
    check_refused (what, NULL, ZANNI_EINVAL, "two children have the name a");
    *b = good;
    b->stop_ms = -2;
    check_refused (what, NULL, ZANNI_EINVAL, "child b: `stop_ms` is -2");
    *b = good;
    b->restarts = (zanni_restarts_t) 3;
    check_refused (what, NULL, ZANNI_EINVAL, "child b: `restarts`");
    *b = good;
    b->spawn.worker = 1000;
    check_refused (what, NULL, ZANNI_EINVAL, "child b: no such worker");
    *b = good;
    what->max_restarts = -2;
    check_refused (what, NULL, ZANNI_EINVAL, "`max_restarts` is -2");
    what->max_restarts = 0;
    what->within_ms = -1;
    check_refused (what, NULL, ZANNI_EINVAL, "`within_ms`");
    what->within_ms = INT64_MAX;
    check_refused (what, NULL, ZANNI_EINVAL, "`within_ms`");
    what->within_ms = 0;
    what->jitter = 101;
    check_refused (what, NULL, ZANNI_EINVAL, "`jitter` is 101");
    what->jitter = 0;
    what->strategy = ZANNI_DYNAMIC;
    check_refused (what, NULL, ZANNI_EINVAL, "has one child");
    what->strategy = (zanni_strategy_t) 4;
    check_refused (what, NULL, ZANNI_EINVAL, "no strategy 4");
    what->strategy = ZANNI_ONE_FOR_ONE;
    what->children = NULL;
    check_refused (what, NULL, ZANNI_EINVAL, "`children` is NULL");
    what->children = family.children;
    what->size = 1;
    check_refused (what, NULL, ZANNI_EINVAL, "another version");
    cr_assert_eq (zanni_supervise (root, NULL, what, NULL), ZANNI_EINVAL);
    (void) ledger (0);
    close_ledger ();
}

/* Start arguments as nobody describes them: they may come from another node. */
static int
start_with (unsigned strategy, const int64_t numbers [4], uint64_t jitter, zanni_arg_t children)
{
    zanni_ref_t *ref = NULL;
    int rc = zanni_spawn (root, &ref, "zanni.supervisor", NULL, strategy, numbers [0], numbers [1], numbers [2],
                          numbers [3], jitter, children);
    cr_assert_eq (!ref, rc != 0);
    zanni_ref_destroy (&ref);
    return rc;
}

CONFORM_ONCE (supervisor_tree, start_arguments_that_make_no_sense_are_refused, ZANNI_SHARED)
{
    static const int64_t good [4] = { 1, 5000, 0, 0 };
    static const int64_t bad [] [4] = {
        { -1, 5000, 0, 0 }, { 1, INT64_MAX, 0, 0 }, { 1, 5000, -1, 0 }, { 1, 5000, 0, INT64_MAX },
        { 1 << 20, 5000, 0, 0 }
    };
    const zanni_arg_t none = zanni_arg_list (NULL, 0);
    const zanni_arg_t number = zanni_arg_int (1);
    const zanni_arg_t one = zanni_arg_list (&number, 1);
    const zanni_arg_t nested = zanni_arg_list (&one, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq (start_with (ZANNI_ONE_FOR_ONE, bad [i], 0, none), ZANNI_EINVAL, "%zu", i);
    cr_assert_eq (start_with (9, good, 0, none), ZANNI_EINVAL);
    cr_assert_eq (start_with (ZANNI_ONE_FOR_ONE, good, UINT32_MAX, none), ZANNI_EINVAL);
    cr_assert_eq (start_with (ZANNI_DYNAMIC, good, 0, none), ZANNI_EINVAL);
    cr_assert_eq (start_with (ZANNI_ONE_FOR_ONE, good, 0, one), ZANNI_EARGS);
    cr_assert_eq (start_with (ZANNI_ONE_FOR_ONE, good, 0, nested), ZANNI_EARGS);
    cr_assert_eq (start_with (ZANNI_ONE_FOR_ONE, good, 0, none), 0);
}

CONFORM_ONCE (supervisor_tree, its_class_is_to_be_spawned_and_nothing_else, ZANNI_SHARED)
{
    static const zanni_class_t heir = { .name = "heir", .parent = "zanni.supervisor", .state_size = 4096 };
    static const zanni_class_t *const heirs [] = { &heir, NULL };
    static char state [4096];
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    cr_assert_eq (zanni_register (heirs, &error), ZANNI_ECLASS);
    cr_assert_not_null (strstr (error.text, "no class has the name of its parent"), "%s", error.text);
    cr_assert_eq (zanni_serve (root, "zanni.supervisor"), ZANNI_ENOCLASS);
    cr_assert_eq (zanni_share (root, &ref, "zanni.supervisor", state, NULL), ZANNI_ENOCLASS);
}

/* Once more after that: the limit of 0 is the default, 1. */
EVERYWHERE (supervisor_tree, without_a_limit_one_restart_is_made)
{
    zanni_supervisor_t *what = family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT);
    what->max_restarts = 0;
    ZANNI_AUTO (zanni_ref_t) supervisor = begin_family (what);
    uint64_t id = monitor (supervisor);
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    done_so_far (2, "stop b, start b");
    tell (b, "end", (int) ZANNI_EXIT_ERROR);
    cr_assert_eq (await_down (id).kind, ZANNI_EXIT_SHUTDOWN);
    cr_assert_neq (zanni_stop (root, supervisor), ZANNI_EPERM);   // it is gone, which is no harm
    close_ledger ();
}

EVERYWHERE (supervisor_tree, nothing_begins_again_when_the_node_ends)
{
    open_ledger ();
    const zanni_spawn_t where = { .place = ZANNI_THREAD };
    zanni_ref_t *tree = supervise (tree_of (ZANNI_REST_FOR_ONE, ZANNI_PERMANENT, where));
    done_so_far (5, "start z, start a, start b, start c, start y");
    zanni_ref_destroy (&tree);
    begin_again ((zanni_options_t) { 0 });
    cr_assert_not (logged ("begun again"));
    close_ledger ();
}
