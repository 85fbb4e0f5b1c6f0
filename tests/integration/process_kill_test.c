/* What others see of a process that is killed, stopped or just busy: asks, monitors and forwards, from wherever they come.
   Nobody waits for a deadline, and nobody who computes is taken for dead. */

#include "process.h"

CLASSES (&worker_class);
PROCESS_SUITE (killed);

/* In whole milliseconds since. */
static int64_t
ms_since (int64_t before_ns)
{
    return (zanni_now_ns (root) - before_ns) / 1000000;
}

/* Every second ask is answered at once, the others never are. */
Test (killed, amid_a_thousand_asks_answers_or_fails_every_one_at_once)
{
    enum { ASKS = 1000 };
    static uint64_t ids [ASKS];
    static int ended [ASKS];
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    pid_t pid = pid_of (ref);
    int failures = 0;
    for (int i = 0; i < ASKS; i++)
        ids [i] = i % 2 ? ask (ref, "promise") : ask (ref, "add", 1);
    int64_t before = zanni_now_ns (root);
    for (int i = 0; i < ASKS; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        zanni_error_t error;
        int at = 0;
        if (i == 100)
            signal_to (pid, SIGKILL);
        while (at < ASKS && ids [at] != zanni_msg_id (msg))
            at++;
        cr_assert_lt (at, ASKS, "a message that answers none of the asks");
        ended [at]++;
        if (zanni_msg_error (msg, &error))
            continue;
        failures++;
        cr_assert_eq (error.code, ZANNI_EDOWN);
        cr_assert_str_eq (error.text, "receiver down: signal 9 (SIGKILL)");
    }
    for (int i = 0; i < ASKS; i++)
        cr_assert_eq (ended [i], 1);
    cr_assert_geq (failures, ASKS / 2);
    cr_assert_lt (ms_since (before), 2000);
    expect_nothing ();
}

Test (killed, fails_the_asks_of_other_processes_at_once)
{
    ZANNI_AUTO (zanni_ref_t) asker = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    done (asker, "hold", ref);
    uint64_t id = ask (asker, "relay", "promise");
    until_answers (ref, "promises", 1);
    signal_to (pid_of (ref), SIGKILL);
    zanni_error_t error = expect_failure (id, ZANNI_EAPP);   // so the asker passes it on
    cr_assert_eq (error.app_code, ZANNI_EDOWN);
    cr_assert_str_eq (error.text, "receiver down: signal 9 (SIGKILL)");
}

/* It computes for a minute, and never reads that it is to end. */
Test (killed, by_zanni_kill_in_a_handler_that_does_not_return_ends_at_once)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    int pidfd = pidfd_of (ref);
    uint64_t down = monitor (ref);
    done (ref, "witness", zanni_self (root));
    tell (ref, "compute", 60000);
    expect ("computing");
    int64_t before_ns = zanni_now_ns (root);
    cr_assert_eq (zanni_kill (root, ref), 0);
    expect_reason (down, "killed");
    expect_gone (pidfd);
    cr_assert_lt (ms_since (before_ns), 1000);
}

/* Asks of its fail with that reason, too; whose it is makes no difference. */
Test (killed, by_zanni_kill_while_it_is_stopped_ends_at_once)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    int pidfd = pidfd_of (ref);
    signal_to (pid_of (ref), SIGSTOP);
    uint64_t id = ask (ref, "add", 1);
    cr_assert_eq (zanni_kill (root, ref), 0);
    cr_assert_str_eq (expect_failure (id, ZANNI_EDOWN).text, "receiver down: killed");
    expect_gone (pidfd);
}

/* Who hears it ends by itself, and takes nobody with it. */
Test (killed, by_zanni_kill_leaves_other_actors_of_its_process_alone)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) other = kept (ref, "spawn", (int) ZANNI_HERE);
    int pidfd = pidfd_of (ref);
    uint64_t down = monitor (ref);
    cr_assert_eq (zanni_kill (root, ref), 0);
    expect_reason (down, "killed");
    cr_assert_eq (zanni_run (root, 100), 0);   // longer than it has to hear
    cr_assert_eq (call_int (other, "add", 1), 101);
    zanni_ref_destroy (&other);
    expect_gone (pidfd);
}

/* It asks the home of the process, which is not its own. */
Test (killed, is_a_down_with_the_signal_for_a_monitor_of_another_process)
{
    ZANNI_AUTO (zanni_ref_t) watcher = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    done (watcher, "witness", zanni_self (root));
    done (watcher, "watch", ref);
    signal_to (pid_of (ref), SIGKILL);
    expect ("down: signal 9 (SIGKILL)");
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (0);
    done (watcher, "watch", other);
    tell (other, "leave", 3);
    expect ("down: exit code 3");
    done (watcher, "watch", ref);   // one that is gone already
    expect ("down: no such actor");
}

Test (killed, is_a_down_for_every_monitor_of_every_process)
{
    enum { WATCHERS = 4 };
    zanni_ref_t *watchers [WATCHERS];
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    for (int i = 0; i < WATCHERS; i++) {
        watchers [i] = spawn_worker (i);
        done (watchers [i], "witness", zanni_self (root));
        for (int j = 0; j < 3; j++)
            done (watchers [i], "watch", ref);
    }
    signal_to (pid_of (ref), SIGSEGV);
    for (int i = 0; i < 3 * WATCHERS; i++)
        expect ("down: signal 11 (SIGSEGV)");
    for (int i = 0; i < WATCHERS; i++)
        cr_assert_eq (call_int (watchers [i], "add", 0), i);
    expect_nothing ();
}

/* What it had written before is read: the end comes behind the last of it, and there is no hole. */
Test (killed, is_no_reason_to_lose_what_came_before)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) sink = spawn_worker (0);
    pid_t pid = pid_of (ref);
    done (sink, "witness", zanni_self (root));
    done (ref, "hold", sink);
    done (sink, "watch", ref);
    uint64_t id = ask (ref, "send", 1, 100000000, 0);
    sleep_until_noted (sink, 1, 10000);
    signal_to (pid, SIGKILL);
    bool failed = false, told = false;
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        const char *text = "";
        if (zanni_msg_id (msg) == id)
            failed = zanni_msg_kind (msg) == ZANNI_MSG_ERROR;
        else if (!zanni_read (msg, &text))
            told = strcmp (text, "down: signal 9 (SIGKILL)") == 0;
    }
    cr_assert (failed && told);
    int64_t last = noted (sink, 1);
    cr_assert_geq (last, 10000);
    cr_assert_eq (noted (sink, 1), last);
}

Test (killed, a_forwarder_is_no_loss_once_it_has_forwarded)
{
    ZANNI_AUTO (zanni_ref_t) forwarder = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) receiver = spawn_worker (0);
    uint64_t id = ask_forwarded (forwarder, receiver);
    pid_t pid = pid_of (forwarder);   // and so all that it sent here before has come
    uint64_t down = monitor (forwarder);
    signal_to (pid, SIGKILL);
    expect_reason (down, "signal 9 (SIGKILL)");
    tell (receiver, "fulfil", 77);
    expect_answer (id, 77);
    expect_nothing ();
}

Test (killed, whom_an_ask_was_forwarded_to_fails_it_at_once)
{
    ZANNI_AUTO (zanni_ref_t) forwarder = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) receiver = spawn_worker (0);
    uint64_t id = ask_forwarded (forwarder, receiver);
    done (forwarder, "add", 0);
    signal_to (pid_of (receiver), SIGKILL);
    cr_assert_str_eq (expect_failure (id, ZANNI_EDOWN).text, "receiver down: signal 9 (SIGKILL)");
    done (forwarder, "add", 0);
    expect_nothing ();
}

/* The asker's own node knows the last receiver by nothing but the FORWARDED. */
Test (killed, whom_an_ask_was_forwarded_to_by_two_others_fails_it_at_once)
{
    ZANNI_AUTO (zanni_ref_t) asker = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) forwarder = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) receiver = spawn_worker (0);
    done (asker, "hold", forwarder);
    done (forwarder, "hold", receiver);
    uint64_t id = ask (asker, "relay", "pass promise");
    until_answers (receiver, "promises", 1);
    done (forwarder, "add", 0);
    cr_assert_eq (call_int (asker, "call", 1), 1);   // the forwarder has told it before
    signal_to (pid_of (receiver), SIGKILL);
    zanni_error_t error = expect_failure (id, ZANNI_EAPP);
    cr_assert_eq (error.app_code, ZANNI_EDOWN);
}

Test (killed, the_launcher_takes_all_along_and_the_next_process_has_another)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (0);
    int one_fd = pidfd_of (one), other_fd = pidfd_of (other);
    pid_t launcher = (pid_t) call_int (one, "parent");
    uint64_t down = monitor (one);
    uint64_t id = ask (other, "promise");
    signal_to (launcher, SIGKILL);
    bool told = false, failed = false;
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        zanni_down_t end;
        zanni_error_t error;
        if (!zanni_msg_down (msg, &end))
            told = end.monitor == down && end.reason.kind == ZANNI_EXIT_SIGNAL && end.reason.code == SIGKILL;
        else if (!zanni_msg_error (msg, &error))
            failed = zanni_msg_id (msg) == id && !strcmp (error.text, "receiver down: signal 9 (SIGKILL)");
    }
    cr_assert (told && failed);
    expect_gone (one_fd);
    expect_gone (other_fd);
    ZANNI_AUTO (zanni_ref_t) next_one = spawn_worker (3);
    cr_assert_eq (call_int (next_one, "add", 1), 4);
    cr_assert_neq (call_int (next_one, "parent"), launcher);
}

/* libzmq's threads answer for it, in its own process and in that of a sibling. */
Test (busy, for_twenty_intervals_is_not_dead)
{
    int64_t ms = LONG ? 10000 : 2000;
    begin_again ((zanni_options_t) { .heartbeat_ms = 100 });
    ZANNI_AUTO (zanni_ref_t) busy = spawn_worker (7);
    ZANNI_AUTO (zanni_ref_t) sibling = spawn_worker (0);
    done (sibling, "hold", busy);
    done (sibling, "witness", zanni_self (root));
    done (sibling, "watch", busy);
    uint64_t down = monitor (busy);
    done (busy, "witness", zanni_self (root));
    uint64_t computed = ask (busy, "compute", ms);
    expect ("computing");
    int64_t before = zanni_now_ns (root);
    uint64_t relayed = ask (sibling, "relay", "add");
    uint64_t asked = ask (busy, "add", 1);
    zanni_msg_t *msg = NULL;
    cr_assert_eq (zanni_receive (root, &msg, ms + DEADLINE_MS), 0);
    cr_assert_eq (zanni_msg_id (msg), computed, "a message of kind %d came", (int) zanni_msg_kind (msg));
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY);
    cr_assert_geq (ms_since (before), ms - 100);
    zanni_msg_destroy (&msg);
    bool seen [2] = { false };
    for (int i = 0; i < 2; i++) {
        msg = next ();
        cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY);
        cr_assert (zanni_msg_id (msg) == relayed || zanni_msg_id (msg) == asked);
        seen [zanni_msg_id (msg) == relayed] = true;
        zanni_msg_destroy (&msg);
    }
    cr_assert (seen [0] && seen [1]);
    expect_nothing ();
    cr_assert_eq (zanni_demonitor (root, down), 0);
    zanni_ref_destroy (&busy);   // whose stop it would tell
    done (sibling, "drop");
}
TestSuite (busy, .init = set_up, .fini = tear_down, .timeout = LONG_TIMEOUT);

/* Not before two intervals, nor after 3 and a fifth. */
static void
expect_lost (int64_t before_ns, int64_t interval_ms)
{
    int64_t ms = ms_since (before_ns);
    cr_assert_leq (ms, interval_ms * 36 / 10, "it took %" PRId64 " ms", ms);
    cr_assert_geq (ms, interval_ms, "it took %" PRId64 " ms only", ms);
}

/* The error and the DOWN, in either order. */
static void
expect_node_down (uint64_t id, uint64_t down)
{
    bool failed = false, told = false;
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        zanni_error_t error;
        zanni_down_t end;
        if (!zanni_msg_error (msg, &error)) {
            cr_assert_eq (zanni_msg_id (msg), id);
            cr_assert_eq (error.code, ZANNI_ENODE, "%s", error.text);
            failed = true;
        }
        else if (!zanni_msg_down (msg, &end)) {
            cr_assert_eq (end.monitor, down);
            cr_assert_eq (end.reason.kind, ZANNI_EXIT_NO_CONNECTION);
            told = true;
        }
    }
    cr_assert (failed && told);
}

/* A stopped process does not answer, though its sockets take what is sent. It goes on, and finds that it was given up:
   so its node ends, for nobody refers to it. */
Test (stopped, is_noticed_within_three_intervals_and_a_fifth)
{
    int64_t interval_ms = LONG ? 1000 : 300;
    begin_again ((zanni_options_t) { .heartbeat_ms = (uint32_t) interval_ms });
    for (int round = 0; round < (LONG ? 10 : 3); round++) {
        zanni_ref_t *ref = spawn_worker (0);
        pid_t pid = pid_of (ref);
        int pidfd = open_pid (pid);
        uint64_t down = monitor (ref);
        uint64_t id = ask (ref, "promise");
        cr_assert_eq (call_int (ref, "promises"), 1);
        signal_to (pid, SIGSTOP);
        int64_t before_ns = zanni_now_ns (root);
        expect_node_down (id, down);
        expect_lost (before_ns, interval_ms);
        zanni_ref_destroy (&ref);
        signal_to (pid, SIGCONT);
        expect_gone (pidfd);
    }
}
TestSuite (stopped, .init = set_up, .fini = tear_down, .timeout = LONG_TIMEOUT);

/* The other one dialled, so that all there is comes from its side. */
static void
stop_one_of_two (bool dialer)
{
    int64_t interval_ms = 300;
    begin_again ((zanni_options_t) { .heartbeat_ms = (uint32_t) interval_ms });
    ZANNI_AUTO (zanni_ref_t) first = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) second = spawn_worker (0);
    done (first, "hold", second);
    cr_assert_eq (call_int (first, "call", 1), 1);   // it has dialled
    done (second, "hold", first);
    zanni_ref_t *stopped = dialer ? first : second, *other = dialer ? second : first;
    pid_t pid = pid_of (stopped);
    done (other, "witness", zanni_self (root));
    done (other, "watch", stopped);
    uint64_t id = ask (other, "relay", "promise");
    until_answers (stopped, "promises", 1);
    signal_to (pid, SIGSTOP);
    int64_t before_ns = zanni_now_ns (root);
    bool failed = false, told = false;
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        const char *text = "";
        zanni_error_t error;
        int rc = zanni_receive (root, &msg, DEADLINE_MS);
        cr_assert_eq (rc, 0, "neither its ask failed nor its monitor fired: %s", zanni_strerror (rc));
        if (!zanni_msg_error (msg, &error))
            failed = zanni_msg_id (msg) == id && error.app_code == ZANNI_ENODE;
        else if (!zanni_read (msg, &text))
            told = strcmp (text, "down: no connection") == 0;
    }
    cr_assert (failed && told);
    expect_lost (before_ns, interval_ms);
    signal_to (pid, SIGCONT);
}

Test (stopped, is_noticed_by_a_sibling_that_dialled_it)
{
    stop_one_of_two (false);
}

Test (stopped, is_noticed_by_a_sibling_that_it_dialled)
{
    stop_one_of_two (true);
}

/* With the session full to the brim, so that no message and no heartbeat passes it. */
Test (stopped, is_noticed_though_it_was_flooded)
{
    int64_t interval_ms = 300;
    begin_again ((zanni_options_t) { .heartbeat_ms = (uint32_t) interval_ms });
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    pid_t pid = pid_of (ref);
    uint64_t down = monitor (ref);
    uint64_t id = ask (ref, "promise");
    cr_assert_eq (call_int (ref, "promises"), 1);
    signal_to (pid, SIGSTOP);
    int64_t before_ns = zanni_now_ns (root);
    int rc;
    while ((rc = zanni_tell (root, ref, "count")) == 0) {}
    cr_assert_eq (rc, ZANNI_EFULL);
    expect_node_down (id, down);
    expect_lost (before_ns, interval_ms);
    signal_to (pid, SIGCONT);
}

/* Whoever stops it for less than that does no harm. */
Test (stopped, for_a_moment_goes_on)
{
    begin_again ((zanni_options_t) { .heartbeat_ms = 1000 });
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (5);
    pid_t pid = pid_of (ref);
    uint64_t down = monitor (ref);
    signal_to (pid, SIGSTOP);
    uint64_t id = ask (ref, "add", 1);
    cr_assert_eq (zanni_run (root, 700), 0);
    expect_nothing ();
    signal_to (pid, SIGCONT);
    expect_answer (id, 6);
    cr_assert_eq (zanni_demonitor (root, down), 0);
}
