/* Supervisors: who is begun again, in which order, and what stays. */

#include "supervisor.h"

CLASSES (&ward_class, &runner_class);

/* A supervisor of a, b and c. */
typedef struct {
    zanni_arg_t args [CHILDREN] [3];
    zanni_child_t children [CHILDREN];
    zanni_supervisor_t what;
} family_t;

static family_t family;

static zanni_supervisor_t *
family_of (zanni_strategy_t strategy, zanni_restarts_t restarts)
{
    static const char *const names [] = { "a", "b", "c" };
    memset (&family, 0, sizeof family);
    for (int i = 0; i < 3; i++)
        family.children [i] = ward (names [i], i == 1 ? restarts : ZANNI_PERMANENT, family.args [i]);
    family.what = (zanni_supervisor_t) {
        .strategy = strategy, .max_restarts = 100, .within_ms = 60000, .children = family.children
    };
    return &family.what;
}

static void
end_family (zanni_ref_t **supervisor_p)
{
    uint64_t id = monitor (*supervisor_p);
    cr_assert_eq (zanni_stop (root, *supervisor_p), 0);
    for (;;) {   // what its children say comes before
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        if (zanni_msg_kind (msg) == ZANNI_MSG_DOWN && zanni_msg_id (msg) == id)
            break;
    }
    zanni_ref_destroy (supervisor_p);
}

EVERYWHERE (supervisor, starts_its_children_in_order_and_stops_them_in_reverse)
{
    open_ledger ();
    zanni_ref_t *supervisor = supervise (family_of (ZANNI_ONE_FOR_ONE, ZANNI_PERMANENT));
    done_so_far (3, "start a, start b, start c");
    cr_assert_str_eq (state_of (supervisor, "b", NULL), "running");
    uint64_t id = monitor (supervisor);
    cr_assert_eq (zanni_stop (root, supervisor), 0);
    bool down = false;
    for (int i = 0; i < 4; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        zanni_down_t what;
        if (zanni_msg_down (msg, &what))
            continue;
        down = true;
        cr_assert_eq (what.monitor, id);
        cr_assert_eq (what.reason.kind, ZANNI_EXIT_SHUTDOWN);
    }
    cr_assert (down);
    done_so_far (0, "stop c, stop b, stop a");
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
