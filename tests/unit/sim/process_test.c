/* Process actors in a world: they answer, call, end, and crash; whoever watches learns why. */

#include "support/seeds.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <zanni.h>
#include <zanni/net.h>
#include <zanni/sim.h>
#include <zanni/supervisor.h>

#define MS INT64_C (1000000)
#define SEEDS 1000

static int
s_echo_say (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

/* Asks somebody else, and waits for that. */
static int
s_echo_relay (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *to;
    int64_t number;
    int rc = zanni_read (msg, &to, &number);
    if (!rc)
        rc = zanni_call (self, &reply, to, "say", number);
    if (!rc)
        rc = zanni_read (reply, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

static int
s_echo_end (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static zanni_sim_t *s_sim;

static int
s_echo_take (zanni_t *self, zanni_msg_t *msg)
{
    int64_t ms;
    (void) self;
    int rc = zanni_read (msg, &ms);
    if (!rc)
        zanni_sim_spend (s_sim, ms * MS);
    return rc;
}

/* What it was given to keep. */
typedef struct {
    zanni_ref_t *kept;
} s_echo_t;

static int
s_echo_keep (zanni_t *self, zanni_msg_t *msg)
{
    s_echo_t *echo = zanni_state (self);
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    return rc ? rc : zanni_ref_keep (self, &echo->kept, ref);
}

/* Asks it, and waits for that. */
static int
s_echo_pass (zanni_t *self, zanni_msg_t *msg)
{
    const s_echo_t *echo = zanni_state (self);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (!rc)
        rc = zanni_call (self, &reply, echo->kept, "say", number);
    if (!rc)
        rc = zanni_read (reply, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

static const zanni_method_t s_echo_methods [] = {
    ZANNI_METHOD ("keep", "r", "", s_echo_keep, "Keeps it."),
    ZANNI_METHOD ("pass", "x", "x", s_echo_pass, "Has it answered by whom it keeps."),
    ZANNI_METHOD ("take", "x", "", s_echo_take, "Takes so long."),
    ZANNI_METHOD ("say", "x", "x", s_echo_say, "Answers it."),
    ZANNI_METHOD ("relay", "rx", "x", s_echo_relay, "Has it answered by another."),
    ZANNI_METHOD ("end", "", "", s_echo_end, "Ends."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_echo_class = { .name = "echo", .state_size = sizeof (s_echo_t), .methods = s_echo_methods };
static const zanni_class_t *const s_classes [] = { &s_echo_class, NULL };

static zanni_t *s_self;

static void
s_for_seeds (void (*play) (void))
{
    cr_assert_eq (zanni_init (s_classes), 0);
    for (seeds_t seeds = seeds_usual (SEEDS); seeds_next (&seeds);) {
        const zanni_sim_options_t options = {
            .seed = seeds.seed, .latency_ns = MS, .net_ns = MS, .stuck = seeds_print, .line = seeds.alone ? seeds_print : NULL
        };
        check_eq (zanni_sim_new (&s_sim, &options), 0);
        check_eq (zanni_sim_node (s_sim, &s_self, NULL), 0);
        play ();
        check_eq (zanni_destroy (&s_self), 0);
        zanni_sim_destroy (&s_sim);
    }
}

static zanni_ref_t *
s_spawn (void)
{
    zanni_ref_t *ref = NULL;
    check_eq (zanni_spawn (s_self, &ref, "echo", &(zanni_spawn_t) { .place = ZANNI_PROCESS }), 0);
    return ref;
}

static void
s_play_calls (void)
{
    ZANNI_AUTO (zanni_ref_t) one = s_spawn ();
    ZANNI_AUTO (zanni_ref_t) other = s_spawn ();
    for (int64_t i = 0; i < 5; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        int64_t number = -1;
        check_eq (zanni_call (s_self, &reply, one, "relay", other, i), 0);
        check_eq (zanni_read (reply, &number), 0);
        check_eq (number, i);
    }
}

Test (process, actors_call_each_other)
{
    s_for_seeds (s_play_calls);
}

static void
s_expect_down (zanni_exit_t kind, int64_t code)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_down_t down;
    check_eq (zanni_receive (s_self, &msg, 60000), 0);
    check_eq (zanni_msg_down (msg, &down), 0);
    check_eq (down.reason.kind, kind);
    check_eq (down.reason.code, code);
}

static void
s_play_end (void)
{
    uint64_t monitor;
    ZANNI_AUTO (zanni_ref_t) ref = s_spawn ();
    check_eq (zanni_monitor (s_self, &monitor, ref), 0);
    check_eq (zanni_tell (s_self, ref, "end"), 0);
    s_expect_down (ZANNI_EXIT_NORMAL, 0);
}

Test (process, that_ends_is_down)
{
    s_for_seeds (s_play_end);
}

static void
s_play_kill (void)
{
    uint64_t monitor;
    ZANNI_AUTO (zanni_ref_t) ref = s_spawn ();
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    check_eq (zanni_monitor (s_self, &monitor, ref), 0);
    zanni_sim_pass (s_sim, zanni_sim_below (s_sim, 10));
    check_eq (zanni_sim_kill (s_sim, ref, SIGSEGV), 0);
    check_eq (zanni_sim_kill (s_sim, ref, SIGSEGV), ZANNI_EINVAL);
    s_expect_down (ZANNI_EXIT_SIGNAL, SIGSEGV);
    check_eq (zanni_call (s_self, &reply, ref, "say", 1), ZANNI_ENOACTOR);
}

Test (process, that_crashes_is_down_by_its_signal)
{
    s_for_seeds (s_play_kill);
}

/* While it waits for somebody, and somebody for it. */
static void
s_play_kill_amid_a_call (void)
{
    ZANNI_AUTO (zanni_ref_t) one = s_spawn ();
    ZANNI_AUTO (zanni_ref_t) other = s_spawn ();
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_error_t error;
    check_eq (zanni_ask (s_self, one, NULL, "relay", other, 7), 0);
    check_eq (zanni_sim_kill (s_sim, zanni_sim_below (s_sim, 2) ? one : other, SIGABRT), 0);
    check_eq (zanni_receive (s_self, &msg, 60000), 0);
    check_eq (zanni_msg_error (msg, &error), 0);
    check_eq (error.code, ZANNI_EDOWN);
}

Test (process, that_crashes_amid_a_call_ends_it)
{
    s_for_seeds (s_play_kill_amid_a_call);
}

/* In some worlds the actor is asked first for what it may do. */
static void
s_play_stuck (void)
{
    uint64_t monitor;
    zanni_error_t error;
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    const zanni_spawn_t options = { .place = ZANNI_PROCESS, .watchdog_ms = 400 };
    const zanni_ask_t ask = { .deadline_ms = 60000, .error = &error };
    check_eq (zanni_spawn (s_self, &ref, "echo", &options), 0);
    check_eq (zanni_monitor (s_self, &monitor, ref), 0);
    for (uint32_t i = zanni_sim_below (s_sim, 3); i; i--)
        check_eq (zanni_call_with (s_self, NULL, ref, &ask, "take", 399), 0);
    check_eq (zanni_call_with (s_self, NULL, ref, &ask, "take", 700), ZANNI_EDOWN);
    cr_assert_not_null (strstr (error.text, "watchdog: echo has been in its method take for "), "%s", error.text);
    s_expect_down (ZANNI_EXIT_ERROR, ZANNI_EWATCHDOG);
}

Test (process, that_is_stuck_is_killed_by_its_watchdog)
{
    s_for_seeds (s_play_stuck);
}

static char s_log [1024];

static void
s_note (void *context, zanni_log_level_t level, const char *text)
{
    (void) context, (void) level;
    snprintf (s_log + strlen (s_log), sizeof s_log - strlen (s_log), "%s\n", text);
}

static void
s_play_told (void)
{
    zanni_t *self = NULL;
    zanni_ref_t *ref = NULL;
    const zanni_ask_t ask = { .deadline_ms = 60000 };
    const zanni_spawn_t options = { .worker = 1, .watchdog_ms = 1000 };
    *s_log = 0;
    check_eq (zanni_sim_node (s_sim, &self, &(zanni_options_t) { .log = s_note }), 0);
    check_eq (zanni_spawn (self, &ref, "echo", &options), 0);
    check_eq (zanni_call_with (self, NULL, ref, &ask, "take", 999), 0);
    cr_assert_str_eq (s_log, "");
    check_eq (zanni_call_with (self, NULL, ref, &ask, "take", 1300), 0);
    zanni_sim_pass (s_sim, 1000);
    cr_assert_not_null (strstr (s_log, "(echo) of worker 1 has been in its method take for 1"), "%s", s_log);
    cr_assert_not_null (strstr (s_log, "has left its method take after more than 1"), "%s", s_log);
    zanni_ref_destroy (&ref);
    check_eq (zanni_destroy (&self), 0);
}

Test (process, whose_shared_actor_is_stuck_says_so)
{
    s_for_seeds (s_play_told);
}

static void
s_play_supervisor (void)
{
    const zanni_child_t children [] = {
        { .name = "echo", .class_name = "echo", .spawn = { .place = ZANNI_HERE } }, ZANNI_CHILD_END
    };
    const zanni_supervisor_t what = { .children = children };
    ZANNI_AUTO (zanni_ref_t) supervisor = NULL;
    ZANNI_AUTO (zanni_msg_t) found = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *child;
    check_eq (zanni_supervise (s_self, &supervisor, &what, &(zanni_spawn_t) { .place = ZANNI_PROCESS }), 0);
    check_eq (zanni_call (s_self, &found, supervisor, "child", "echo"), 0);
    check_eq (zanni_read (found, &child), 0);
    check_eq (zanni_call (s_self, &reply, child, "say", 1), 0);
}

Test (process, may_be_a_supervisor_with_its_children_in_it)
{
    s_for_seeds (s_play_supervisor);
}

static void
s_play_nothing (void)
{
    zanni_ref_t *ref = s_spawn ();
    zanni_ref_destroy (&ref);
    ref = s_spawn ();
    check_eq (zanni_sim_kill (s_sim, NULL, SIGKILL), ZANNI_EINVAL);
    check_eq (zanni_sim_kill (s_sim, zanni_self (s_self), SIGKILL), ZANNI_EINVAL);
    zanni_ref_destroy (&ref);
}

Test (process, ends_with_its_node)
{
    s_for_seeds (s_play_nothing);
}

/* A child in a process of its own, under a supervisor that nobody has told to hurry. */
static zanni_ref_t *
s_supervise_for (zanni_ref_t **child_p, zanni_restarts_t restarts, int64_t delay_ms)
{
    const zanni_child_t children [] = {
        { .name = "echo", .class_name = "echo", .spawn = { .place = ZANNI_PROCESS }, .restarts = restarts }, ZANNI_CHILD_END
    };
    const zanni_supervisor_t what = { .children = children, .max_restarts = 100, .within_ms = 3600000, .delay_ms = delay_ms };
    const zanni_spawn_t where = { .place = zanni_sim_below (s_sim, 2) ? ZANNI_HERE : ZANNI_SHARED };
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_ref_t *supervisor = NULL;
    const zanni_ref_t *ref;
    check_eq (zanni_supervise (s_self, &supervisor, &what, &where), 0);
    check_eq (zanni_call (s_self, &reply, supervisor, "child", "echo"), 0);
    check_eq (zanni_read (reply, &ref), 0);
    check_eq (zanni_ref_keep (s_self, child_p, ref), 0);
    return supervisor;
}

static zanni_ref_t *
s_supervise (zanni_ref_t **child_p, zanni_restarts_t restarts)
{
    return s_supervise_for (child_p, restarts, 20);
}

/* Asks until the next incarnation answers: an ask that was with the one that crashed fails, and ends. */
static void
s_call_until_answered (zanni_t *self, const zanni_ref_t *ref, const char *method, int64_t number)
{
    for (int tries = 0; tries < 3; tries++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        int64_t said = -1;
        int rc = zanni_call (self, &reply, ref, method, number);
        if (rc) {
            check_eq (rc, ZANNI_EDOWN);
            continue;
        }
        check_eq (zanni_read (reply, &said), 0);
        check_eq (said, number);
        return;
    }
    check_eq (ZANNI_EDOWN, 0);   // nobody answers
}

static void
s_stop (const zanni_ref_t *supervisor)
{
    check_eq (zanni_stop (s_self, supervisor), 0);
}

static void
s_end (zanni_ref_t **supervisor_p)
{
    uint64_t monitor;
    check_eq (zanni_monitor (s_self, &monitor, *supervisor_p), 0);
    s_stop (*supervisor_p);
    s_expect_down (ZANNI_EXIT_SHUTDOWN, 0);
    zanni_ref_destroy (supervisor_p);
}

/* An ask that fails, or a DOWN that says that nothing follows. */
static void
s_expect_end (void)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_error_t error;
    zanni_down_t down;
    check_eq (zanni_receive (s_self, &msg, 60000), 0);
    if (zanni_msg_kind (msg) == ZANNI_MSG_DOWN) {
        check_eq (zanni_msg_down (msg, &down), 0);
        check_eq (down.reason.kind, ZANNI_EXIT_SHUTDOWN);
        check_eq (down.restarts, false);
        return;
    }
    check_eq (zanni_msg_error (msg, &error), 0);
    check_eq (error.code, ZANNI_EDOWN);
}

static void
s_expect_gone (zanni_t *self, const zanni_ref_t *ref, const char *method)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int rc = zanni_call (self, &reply, ref, method, 1);
    check (rc == ZANNI_ENOACTOR || rc == ZANNI_EDOWN);
}

static void
s_play_restarts (void)
{
    ZANNI_AUTO (zanni_ref_t) child = NULL;
    zanni_ref_t *supervisor = s_supervise (&child, ZANNI_PERMANENT);
    for (int64_t i = 0; i < 4; i++) {
        zanni_sim_pass (s_sim, zanni_sim_below (s_sim, 40));
        int rc = zanni_sim_kill (s_sim, child, SIGKILL);   // it may be between two incarnations
        check (!rc || rc == ZANNI_EINVAL);
        s_call_until_answered (s_self, child, "say", i);
    }
    s_end (&supervisor);
}

Test (process, of_a_supervisor_crashes_and_is_begun_again_under_its_reference)
{
    s_for_seeds (s_play_restarts);
}

/* By another process, which has got the reference once. */
static void
s_play_restarts_for_a_sibling (void)
{
    ZANNI_AUTO (zanni_ref_t) child = NULL;
    zanni_ref_t *supervisor = s_supervise (&child, ZANNI_TRANSIENT);
    zanni_ref_t *sibling = s_spawn ();
    check_eq (zanni_tell (s_self, sibling, "keep", child), 0);
    for (int64_t i = 0; i < 4; i++) {
        zanni_sim_pass (s_sim, zanni_sim_below (s_sim, 40));
        int rc = zanni_sim_kill (s_sim, child, SIGSEGV);
        check (!rc || rc == ZANNI_EINVAL);
        s_call_until_answered (s_self, sibling, "pass", i);
    }
    zanni_ref_destroy (&sibling);
    s_end (&supervisor);
}

Test (process, of_a_supervisor_is_reached_by_another_process_that_has_its_reference)
{
    s_for_seeds (s_play_restarts_for_a_sibling);
}

/* By another host, which found it by its name and knows it by an alias. */
static void
s_play_restarts_for_another_node (void)
{
    const zanni_connect_t how = { .name = "echo", .insecure = true };
    ZANNI_AUTO (zanni_ref_t) child = NULL;
    zanni_t *far = NULL;
    zanni_ref_t *found = NULL;
    zanni_ref_t *supervisor = s_supervise (&child, ZANNI_PERMANENT);
    check_eq (zanni_bind (s_self, "tcp://10.0.0.1:7000", &(zanni_bind_t) { .insecure = true }), 0);
    check_eq (zanni_offer (s_self, "echo", child), 0);
    check_eq (zanni_sim_node (s_sim, &far, NULL), 0);
    check_eq (zanni_connect (far, &found, "tcp://10.0.0.1:7000", &how), 0);
    for (int64_t i = 0; i < 4; i++) {
        zanni_sim_pass (s_sim, zanni_sim_below (s_sim, 40));
        int rc = zanni_sim_kill (s_sim, child, SIGKILL);
        check (!rc || rc == ZANNI_EINVAL);
        s_call_until_answered (far, found, "say", i);
    }
    zanni_ref_destroy (&found);
    check_eq (zanni_connect (far, &found, "tcp://10.0.0.1:7000", &how), 0);   // it is still offered
    s_call_until_answered (far, found, "say", 4);
    zanni_ref_destroy (&found);
    check_eq (zanni_destroy (&far), 0);
    s_end (&supervisor);
}

Test (process, of_a_supervisor_is_reached_by_another_host_that_has_its_reference)
{
    s_for_seeds (s_play_restarts_for_another_node);
}

/* Where it is not begun again any more, everybody is told: who asks, whoever he is, and who monitors. */
static void
s_play_no_more (void)
{
    ZANNI_AUTO (zanni_ref_t) child = NULL;
    uint64_t monitor;
    zanni_ref_t *supervisor = s_supervise_for (&child, ZANNI_PERMANENT, 3600000);
    zanni_ref_t *sibling = s_spawn ();
    bool asks = zanni_sim_below (s_sim, 2);
    check_eq (zanni_tell (s_self, sibling, "keep", child), 0);
    zanni_sim_pass (s_sim, zanni_sim_below (s_sim, 20));
    check_eq (zanni_monitor (s_self, &monitor, child), 0);
    zanni_sim_pass (s_sim, zanni_sim_below (s_sim, 20));
    check_eq (zanni_sim_kill (s_sim, child, SIGKILL), 0);
    s_expect_down (ZANNI_EXIT_SIGNAL, SIGKILL);
    check_eq (zanni_monitor (s_self, &monitor, child), 0);   // of the incarnation that is to come
    check_eq (zanni_ask (s_self, child, NULL, "say", 1), 0);
    if (asks)
        check_eq (zanni_ask (s_self, sibling, NULL, "pass", 2), 0);
    zanni_sim_pass (s_sim, zanni_sim_below (s_sim, 20));
    s_stop (supervisor);
    for (int left = asks ? 3 : 2; left; left--)
        s_expect_end ();
    s_expect_gone (s_self, child, "say");
    s_expect_gone (s_self, sibling, "pass");
    zanni_ref_destroy (&sibling);
    zanni_ref_destroy (&supervisor);
}

Test (process, of_a_supervisor_that_is_not_begun_again_has_ended_for_all)
{
    s_for_seeds (s_play_no_more);
}

/* Some know of everything later than others. */
static void
s_play_restarts_slowly (void)
{
    zanni_sim_set_faults (s_sim, &(zanni_sim_faults_t) { .slow_percent = 20, .slow_ns = 30 * MS });
    s_play_restarts_for_a_sibling ();
}

Test (process, of_a_supervisor_is_reached_again_though_workers_are_slow)
{
    s_for_seeds (s_play_restarts_slowly);
}
