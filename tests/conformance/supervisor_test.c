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
static char at_last [256];   // what was done before the end that was awaited

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

/* The DOWN of that monitor, and every line that is in the ledger then, in whatever order they come. */
static zanni_reason_t
await_down (uint64_t id)
{
    zanni_down_t down = { .monitor = 0 };
    int lines = 0;
    while (!down.monitor) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        lines += zanni_msg_kind (msg) == ZANNI_MSG_TELL;
        if (zanni_msg_kind (msg) == ZANNI_MSG_DOWN) {
            cr_assert_eq (zanni_msg_down (msg, &down), 0);
            cr_assert_eq (down.monitor, id);
        }
    }
    const char *text = ledger (0);
    snprintf (at_last, sizeof at_last, "%s", text);
    for (lines = -lines; *text; text++)
        lines += *text == ',' || !text [1];
    (void) ledger (lines);
    return down.reason;
}

static void
end_family (zanni_ref_t **supervisor_p)
{
    uint64_t id = monitor (*supervisor_p);
    cr_assert_eq (zanni_stop (root, *supervisor_p), 0);
    await_down (id);
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
        [ZANNI_EXIT_NORMAL] = true, [ZANNI_EXIT_SHUTDOWN] = true, [ZANNI_EXIT_KILLED] = true, [ZANNI_EXIT_ERROR] = true,
        [ZANNI_EXIT_SIGNAL] = true, [ZANNI_EXIT_CODE] = true
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
    bool stays = kind == ZANNI_EXIT_NORMAL || kind == ZANNI_EXIT_ERROR;
    zanni_ref_t *supervisor = supervise (family_of (strategy, restarts));
    ZANNI_AUTO (zanni_ref_t) b = child_of (supervisor, "b");
    done_so_far (3, "start a, start b, start c");
    end_as (b, kind);
    snprintf (expected, sizeof expected, "%s%s%s", stops ? "stop b" : "", stops && again ? ", " : "",
              again ? then [strategy].what : "");
    if (!again)
        await_state (supervisor, "b", restarts == ZANNI_TEMPORARY ? "" : "ended");
    const char *found = ledger (stops + (again ? then [strategy].lines : 0));
    cr_assert_str_eq (found, expected, "strategy %d, restarts %d, reason %d: %s", (int) strategy, (int) restarts, (int) kind,
                      found);
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
        ZANNI_EXIT_NORMAL, ZANNI_EXIT_SHUTDOWN, ZANNI_EXIT_KILLED, ZANNI_EXIT_ERROR, ZANNI_EXIT_SIGNAL, ZANNI_EXIT_CODE
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
