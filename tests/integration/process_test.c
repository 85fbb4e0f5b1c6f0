/* Actors with a process of their own: how they begin, and every way in which they end. */

#include "process.h"

CLASSES (&worker_class);
PROCESS_SUITE (process);

Test (process, has_a_pid_of_its_own_and_answers)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (1);
    cr_assert_neq (pid_of (ref), getpid ());
    cr_assert_eq (call_int (ref, "add", 41), 42);
    cr_assert_str_eq (zanni_ref_class (ref), "worker");
}

Test (process, that_fails_to_start_says_why)
{
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    const zanni_spawn_t options = { .place = ZANNI_PROCESS, .error = &error };
    cr_assert_eq (zanni_spawn (root, &ref, "worker", &options, -1), ZANNI_EAPP);
    cr_assert_str_eq (error.text, "the start of worker failed: application error");
    cr_assert_eq (zanni_spawn (root, &ref, "worker", &options, "one"), ZANNI_EARGS);
    cr_assert_null (ref);
}

Test (process, that_dies_in_its_start_says_of_what)
{
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    const zanni_spawn_t options = { .place = ZANNI_PROCESS, .error = &error };
    cr_assert_eq (zanni_spawn (root, &ref, "worker", &options, WORKER_DIES), ZANNI_EDOWN);
    cr_assert_not_null (strstr (error.text, "signal 9 (SIGKILL)"), "the text is: %s", error.text);
    cr_assert_null (ref);
}

Test (process, ends_with_its_last_strong_reference_behind_what_was_sent)
{
    zanni_ref_t *ref = spawn_worker (0);
    int pidfd = pidfd_of (ref);
    tell (ref, "witness", zanni_self (root));
    uint64_t down = monitor (ref);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (zanni_tell_wait (root, ref, -1, "count"), 0);
    zanni_ref_destroy (&ref);
    expect ("stopped at 1000: normal");
    expect_reason (down, "normal");
    expect_gone (pidfd);
}

Test (process, that_crashes_is_a_reason_with_the_signal_s_name)
{
    static const struct {
        int number;
        const char *reason;
    } crashes [] = {
        { SIGSEGV, "signal 11 (SIGSEGV)" }, { SIGABRT, "signal 6 (SIGABRT)" }, { SIGFPE, "signal 8 (SIGFPE)" },
        { SIGKILL, "signal 9 (SIGKILL)" },  { SIGTERM, "signal 15 (SIGTERM)" }, { SIGUSR1, "signal 10 (SIGUSR1)" }
    };
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
        ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
        int pidfd = pidfd_of (ref);
        uint64_t down = monitor (ref);
        tell (ref, "raise", crashes [i].number);
        expect_reason (down, crashes [i].reason);
        cr_assert_eq (zanni_tell (root, ref, "add", 1), ZANNI_ENOACTOR);
        cr_assert_eq (zanni_ask (root, ref, NULL, "add", 1), ZANNI_ENOACTOR);
        expect_gone (pidfd);
    }
}

Test (process, that_exits_is_a_reason_with_its_code)
{
    for (int code = 0; code <= 3; code += 3) {
        ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
        uint64_t down = monitor (ref);
        tell (ref, "leave", code);
        zanni_reason_t reason = expect_down (down, false);
        cr_assert_eq (reason.kind, code ? ZANNI_EXIT_CODE : ZANNI_EXIT_NORMAL);
        cr_assert_eq (reason.code, code);
    }
}

Test (process, whose_actor_ends_itself_says_why)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    int pidfd = pidfd_of (ref);
    uint64_t down = monitor (ref);
    tell (ref, "finish", 5, "out of paper");
    expect_reason (down, "error 5: out of paper");
    expect_gone (pidfd);
}

Test (process, that_is_stopped_or_killed_by_its_owner_says_so)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_worker (2);
    int one_fd = pidfd_of (one), two_fd = pidfd_of (two);
    done (one, "witness", zanni_self (root));
    uint64_t down = monitor (one);
    cr_assert_eq (zanni_stop (root, one), 0);
    expect ("stopped at 1: shutdown");
    expect_reason (down, "shutdown");
    done (two, "witness", zanni_self (root));
    down = monitor (two);
    cr_assert_eq (zanni_kill (root, two), 0);
    expect_reason (down, "killed");
    expect_gone (one_fd);
    expect_gone (two_fd);
    expect_nothing ();
}

Test (process, is_restarted_under_the_same_reference)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (7);
    ZANNI_AUTO (zanni_ref_t) friend = spawn_worker (0);
    cr_assert_eq (call_int (ref, "add", 1), 8);
    done (friend, "witness", zanni_self (root));
    done (friend, "hold", ref);
    for (int round = 0; round < 3; round++) {
        done (friend, "watch", ref);
        uint64_t down = monitor (ref);
        cr_assert_eq (call_int (ref, "add", 1), 9);
        cr_assert_eq (zanni_restart (root, ref), 0);
        bool told = false, seen = false;
        for (int i = 0; i < 2; i++) {
            ZANNI_AUTO (zanni_msg_t) msg = next ();
            zanni_down_t end;
            const char *text = "";
            if (!zanni_msg_down (msg, &end))
                told = end.monitor == down && end.restarts && end.reason.kind == ZANNI_EXIT_SHUTDOWN;
            else if (!zanni_read (msg, &text))
                seen = strcmp (text, "down: shutdown, restarts") == 0;
        }
        cr_assert (told && seen);
        cr_assert_eq (call_int (ref, "add", 0), 7);
        cr_assert_eq (call_int (friend, "pass", 1), 8);   // a reference of another process is as good as before
    }
}

/* A process has everything for itself but what is sent. */
Test (process, has_globals_and_an_environment_of_its_own)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    pid_t launcher = (pid_t) call_int (ref, "parent");
    cr_assert_neq (launcher, getpid ());
    cr_assert_null (getenv ("ZANNI_LAUNCHER"));
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (0);
    cr_assert_eq (call_int (other, "parent"), launcher, "one launcher forks all");
    cr_assert_neq (pid_of (other), pid_of (ref));
}

/* The root's node ends while its children live: they are told, and nobody waits for a deadline. */
Test (process, that_lives_when_its_parent_s_node_ends_goes_with_it_at_once)
{
    zanni_ref_t *one = spawn_worker (0);
    zanni_ref_t *other = spawn_worker (0);
    int pidfd = pidfd_of (one);
    int64_t before = zanni_now_ns (root);
    (void) other;
    end ();
    cr_assert (is_gone (pidfd));
    close (pidfd);
    begin ((zanni_options_t) { 0 });
    cr_assert_lt (zanni_now_ns (root) - before, INT64_C (2000000000));
}

/* What a handler does when its process is the only thing that it stops. */
Test (process, that_blocks_stops_nobody_else)
{
    ZANNI_AUTO (zanni_ref_t) busy = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (5);
    uint64_t id = ask (busy, "compute", 300);
    int64_t before = zanni_now_ns (root);
    for (int i = 0; i < 100; i++)
        cr_assert_eq (call_int (other, "add", 0), 5);
    cr_assert_lt (zanni_now_ns (root) - before, INT64_C (250000000));
    ZANNI_AUTO (zanni_msg_t) answer = next ();
    cr_assert_eq (zanni_msg_id (answer), id);
}

/* It owns its worker: so it may call, and whoever waits is no obstacle for those beside it. */
Test (process, may_wait_for_others)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) sibling = spawn_worker (10);
    done (ref, "hold", sibling);
    cr_assert_eq (call_int (ref, "call", 1), 11);
    ZANNI_AUTO (zanni_ref_t) beside = kept (ref, "spawn", (int) ZANNI_HERE);
    cr_assert_eq (call_int (ref, "call", 1), 101);
    zanni_error_t error = { 0 };
    done (beside, "hold", sibling);
    cr_assert_eq (refused (&error, beside, "call", 1), ZANNI_EOWNER);
}
