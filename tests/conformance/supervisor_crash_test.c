/* Children that crash: who has their reference reaches the next incarnation by it, in every place; what was with the one
   that crashed ends once; and where none follows, that is so for all. */

#include "support.h"

#define PATIENCE_MS 20000
#define HOUR_MS 3600000

typedef struct {
    int64_t sum;
    zanni_msg_t *held [16];
    int holds;
} victim_t;

static int
victim_add (zanni_t *self, zanni_msg_t *msg)
{
    victim_t *victim = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    victim->sum += rc ? 0 : number;
    return rc;
}

static int
victim_sum (zanni_t *self, zanni_msg_t *msg)
{
    const victim_t *victim = zanni_state (self);
    return zanni_reply (self, msg, victim->sum);
}

/* Does not answer. */
static int
victim_hold (zanni_t *self, zanni_msg_t *msg)
{
    victim_t *victim = zanni_state (self);
    return zanni_msg_keep (&victim->held [victim->holds++], msg);
}

static int
victim_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) getpid ());
}

/* Does not return. */
static int
victim_loop (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    while (pause ())   // it is interrupted at most
        continue;
    return 0;
}

/* By a signal, or, less than 1, with that exit code; what has no process of its own fails. */
static int
victim_crash (zanni_t *self, zanni_msg_t *msg)
{
    int how;
    bool alone;
    int rc = zanni_read (msg, &how, &alone);
    if (rc)
        return rc;
    if (!alone)
        return zanni_exit_error (self, how, "as bad as a crash");
    (void) prctl (PR_SET_DUMPABLE, 0);   // no core file
    if (how > 0)
        (void) raise (how);
    exit (-how);
}

static const zanni_method_t victim_methods [] = {
    ZANNI_METHOD ("add", "x", "", victim_add, "Adds."),
    ZANNI_METHOD ("sum", "", "x", victim_sum, "Of what was added."),
    ZANNI_METHOD ("hold", "", "x", victim_hold, "Keeps it."),
    ZANNI_METHOD ("pid", "", "x", victim_pid, "Of its process."),
    ZANNI_METHOD ("loop", "", "", victim_loop, "Does not return."),
    ZANNI_METHOD ("crash", "ib", "", victim_crash, "Crashes."),
    ZANNI_METHOD_END
};
static const zanni_class_t victim_class = {
    .name = "victim", .state_size = sizeof (victim_t), .methods = victim_methods
};

/* Has a reference, and hands on what it is asked. */
typedef struct {
    zanni_ref_t *kept;
} holder_t;

static int
holder_keep (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    return rc ? rc : zanni_ref_keep (self, &holder->kept, ref);
}

static int
holder_sum (zanni_t *self, zanni_msg_t *msg)
{
    const holder_t *holder = zanni_state (self);
    return zanni_forward (self, msg, holder->kept, "sum");
}

static const zanni_method_t holder_methods [] = {
    ZANNI_METHOD ("keep", "r", "", holder_keep, "Keeps it."),
    ZANNI_METHOD ("sum", "", "x", holder_sum, "Of whom it keeps."),
    ZANNI_METHOD_END
};
static const zanni_class_t holder_class = {
    .name = "holder", .state_size = sizeof (holder_t), .methods = holder_methods
};

CLASSES (&victim_class, &holder_class);

static zanni_ref_t *
supervise_in (zanni_spawn_t where, int64_t delay_ms)
{
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    const zanni_child_t children [] = {
        { .name = "victim", .class_name = "victim", .spawn = where }, ZANNI_CHILD_END
    };
    const zanni_supervisor_t what = {
        .children = children, .max_restarts = 100, .within_ms = HOUR_MS, .delay_ms = delay_ms, .delay_max_ms = delay_ms
    };
    int rc = zanni_supervise (root, &ref, &what, &(zanni_spawn_t) { .error = &error });
    cr_assert_eq (rc, 0, "%s: %s", zanni_strerror (rc), error.text);
    return ref;
}

static zanni_ref_t *
victim_of (const zanni_ref_t *supervisor)
{
    ZANNI_AUTO (zanni_msg_t) reply = call (supervisor, "child", "victim");
    const zanni_ref_t *ref;
    zanni_ref_t *kept = NULL;
    cr_assert_eq (zanni_read (reply, &ref), 0);
    cr_assert_eq (zanni_ref_keep (root, &kept, ref), 0);
    return kept;
}

static void
crash (const zanni_ref_t *victim)
{
    tell (victim, "crash", SIGKILL, place == ZANNI_PROCESS);
}

/* Who hands on may not have heard of the crash yet: what he handed to the one that is gone ends. */
static int64_t
sum_by (const zanni_ref_t *holder)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * PATIENCE_MS;
    for (;;) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        int64_t sum;
        int rc = zanni_call (root, &reply, holder, "sum");
        if (!rc) {
            cr_assert_eq (zanni_read (reply, &sum), 0);
            return sum;
        }
        cr_assert (rc == ZANNI_EDOWN || rc == ZANNI_ENODE, "%s", zanni_strerror (rc));
        cr_assert_lt (zanni_now_ns (root), until_ns);
    }
}

static void
end_supervisor (zanni_ref_t **supervisor_p)
{
    uint64_t id = monitor (*supervisor_p);
    cr_assert_eq (zanni_stop (root, *supervisor_p), 0);
    cr_assert_eq (expect_down (id, false).kind, ZANNI_EXIT_SHUTDOWN);
    zanni_ref_destroy (supervisor_p);
}

EVERYWHERE (crash, all_who_have_the_reference_reach_the_next_incarnation)
{
    zanni_ref_t *supervisor = supervise_in ((zanni_spawn_t) { PLACED }, 20);
    ZANNI_AUTO (zanni_ref_t) victim = victim_of (supervisor);
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    tell (holder, "keep", victim);
    for (int i = 1; i <= 3; i++) {
        uint64_t id = monitor (victim);
        tell (victim, "add", 1000);
        crash (victim);
        zanni_reason_t reason = expect_down (id, true);
        cr_assert_eq (reason.kind, place == ZANNI_PROCESS ? ZANNI_EXIT_SIGNAL : ZANNI_EXIT_ERROR);
        cr_assert_eq (reason.code, SIGKILL);
        tell (victim, "add", i);   // while there is none
        tell (victim, "add", 10);
        cr_assert_eq (call_int (victim, "sum"), i + 10);
        cr_assert_eq (sum_by (holder), i + 10);
        ZANNI_AUTO (zanni_ref_t) now = victim_of (supervisor);
        cr_assert (zanni_ref_equal (now, victim));
    }
    end_supervisor (&supervisor);
}

EVERYWHERE (crash, asks_that_it_had_end_once_and_those_behind_them_are_answered)
{
    zanni_ref_t *supervisor = supervise_in ((zanni_spawn_t) { PLACED }, 20);
    ZANNI_AUTO (zanni_ref_t) victim = victim_of (supervisor);
    uint64_t id = monitor (victim);
    for (int i = 0; i < 10; i++)
        cr_assert_eq (zanni_ask (root, victim, NULL, "hold"), 0);
    crash (victim);
    int failed = 0, downs = 0;
    while (failed < 10 || !downs) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        zanni_error_t error = { 0 };
        zanni_down_t down;
        if (!zanni_msg_down (msg, &down)) {
            cr_assert_eq (down.monitor, id);
            downs++;
            continue;
        }
        cr_assert_eq (zanni_msg_error (msg, &error), 0);
        cr_assert_eq (error.code, ZANNI_EDOWN, "%s", error.text);
        failed++;
    }
    cr_assert_eq (call_int (victim, "sum"), 0);
    expect_nothing ();
    end_supervisor (&supervisor);
}

EVERYWHERE (crash, where_none_follows_who_waits_for_the_next_incarnation_is_told)
{
    ZANNI_AUTO (zanni_ref_t) supervisor = supervise_in ((zanni_spawn_t) { PLACED }, HOUR_MS);
    ZANNI_AUTO (zanni_ref_t) victim = victim_of (supervisor);
    uint64_t id = monitor (victim);
    crash (victim);
    (void) expect_down (id, true);
    zanni_error_t error = { 0 };
    uint64_t ids [2] = { monitor (victim), monitor (supervisor) };
    cr_assert_eq (zanni_ask (root, victim, NULL, "sum"), 0);
    cr_assert_eq (zanni_stop (root, supervisor), 0);
    for (int i = 0; i < 3; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        zanni_down_t down;
        if (!zanni_msg_down (msg, &down)) {
            cr_assert (down.monitor == ids [0] || down.monitor == ids [1]);
            cr_assert_eq (down.reason.kind, ZANNI_EXIT_SHUTDOWN);
            cr_assert_not (down.restarts);
            continue;
        }
        cr_assert_eq (zanni_msg_error (msg, &error), 0);
        cr_assert (error.code == ZANNI_EDOWN || error.code == ZANNI_ENOACTOR, "%s", error.text);
    }
    int rc = refused (&error, victim, "sum");
    cr_assert (rc == ZANNI_ENOACTOR || rc == ZANNI_EDOWN, "%s", zanni_strerror (rc));
}

EVERYWHERE (crash, who_is_stopped_meanwhile_is_replaced_by_another)
{
    zanni_ref_t *supervisor = supervise_in ((zanni_spawn_t) { PLACED }, 300);
    ZANNI_AUTO (zanni_ref_t) victim = victim_of (supervisor);
    uint64_t id = monitor (victim);
    crash (victim);
    (void) expect_down (id, true);
    id = monitor (victim);
    cr_assert_eq (zanni_stop (root, victim), 0);
    cr_assert_eq (expect_down (id, false).kind, ZANNI_EXIT_SHUTDOWN);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * PATIENCE_MS;
    for (bool same = true; same;) {
        ZANNI_AUTO (zanni_ref_t) now = victim_of (supervisor);
        same = zanni_ref_equal (now, victim);
        cr_assert_lt (zanni_now_ns (root), until_ns);
        if (!same)
            cr_assert_eq (call_int (now, "sum"), 0);
    }
    end_supervisor (&supervisor);
}

EVERYWHERE (crash, a_link_ends_with_the_incarnation)
{
    zanni_ref_t *supervisor = supervise_in ((zanni_spawn_t) { PLACED }, 5);
    ZANNI_AUTO (zanni_ref_t) victim = victim_of (supervisor);
    cr_assert_eq (zanni_trap_exits (root, true), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq (zanni_link (root, victim), 0);
        crash (victim);
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        zanni_exit_signal_t signal;
        cr_assert_eq (zanni_msg_exit (msg, &signal), 0);
        cr_assert_eq (signal.reason.code, SIGKILL);
        cr_assert (zanni_ref_equal (signal.from, victim));
        cr_assert_eq (call_int (victim, "sum"), 0);
        expect_nothing ();
    }
    end_supervisor (&supervisor);
}

CONFORM_ONCE (crash, however_a_process_ends_its_reference_stays, ZANNI_PROCESS)
{
    static const int ways [] = { SIGSEGV, SIGABRT, SIGKILL, SIGTERM, 0, -3 };
    zanni_ref_t *supervisor = supervise_in ((zanni_spawn_t) { PLACED }, 0);
    ZANNI_AUTO (zanni_ref_t) victim = victim_of (supervisor);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int64_t before = call_int (victim, "pid");
        uint64_t id = monitor (victim);
        tell (victim, "crash", ways [i], true);
        zanni_reason_t reason = expect_down (id, true);
        cr_assert_eq (reason.code, ways [i] < 0 ? -ways [i] : ways [i]);
        cr_assert_neq (call_int (victim, "pid"), before);
    }
    end_supervisor (&supervisor);
}

/* The next incarnation has a watchdog, too. */
CONFORM_ONCE (crash, whom_the_watchdog_kills_keeps_its_reference, ZANNI_PROCESS)
{
    zanni_ref_t *supervisor = supervise_in ((zanni_spawn_t) { PLACED, .watchdog_ms = 1000 }, 0);
    ZANNI_AUTO (zanni_ref_t) victim = victim_of (supervisor);
    for (int i = 1; i <= 2; i++) {
        int64_t before = call_int (victim, "pid");
        uint64_t id = monitor (victim);
        tell (victim, "loop");
        zanni_reason_t reason = expect_down (id, true);
        cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
        cr_assert_eq (reason.code, ZANNI_EWATCHDOG, "%s", reason.text);
        tell (victim, "add", i);
        cr_assert_eq (call_int (victim, "sum"), i);
        cr_assert_neq (call_int (victim, "pid"), before);
    }
    end_supervisor (&supervisor);
}

CONFORM_ONCE (crash, a_process_on_another_node_keeps_its_reference_too, OTHER_NODE)
{
    zanni_ref_t *supervisor = supervise_in ((zanni_spawn_t) { .place = ZANNI_PROCESS, .on = other_node }, 10);
    ZANNI_AUTO (zanni_ref_t) victim = victim_of (supervisor);
    for (int i = 1; i <= 3; i++) {
        int64_t before = call_int (victim, "pid");
        uint64_t id = monitor (victim);
        tell (victim, "crash", SIGKILL, true);
        cr_assert_eq (expect_down (id, true).kind, ZANNI_EXIT_SIGNAL);
        tell (victim, "add", i);
        cr_assert_eq (call_int (victim, "sum"), i);
        cr_assert_neq (call_int (victim, "pid"), before);
    }
    end_supervisor (&supervisor);
}
