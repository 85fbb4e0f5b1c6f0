/* Counted references across processes: a process lives as long as anything in it is strongly referred to from anywhere,
   and no longer, whoever of those that hold, give and drop dies in between. */

#include "process.h"

CLASSES (&worker_class);
PROCESS_SUITE (references);

/* A worker that says when it stops. */
static zanni_ref_t *
spawn_witnessed (int64_t total)
{
    zanni_ref_t *ref = spawn_worker (total);
    done (ref, "witness", zanni_self (root));
    return ref;
}

/* `holder` holds it, and nobody else does. */
static zanni_ref_t *
spawn_holder_of (zanni_ref_t *held)
{
    zanni_ref_t *holder = spawn_worker (0);
    done (holder, "hold", held);
    zanni_ref_destroy (&held);
    return holder;
}

/* Its actor 0 has ended, its process goes on for the other one. */
Test (references, to_anything_in_a_process_keep_it)
{
    zanni_ref_t *outer = spawn_witnessed (1);
    pid_t pid = pid_of (outer);
    int pidfd = open_pid (pid);
    zanni_ref_t *inner = kept (outer, "spawn", (int) ZANNI_HERE);
    zanni_ref_t *pooled = kept (outer, "spawn", (int) ZANNI_SHARED);
    done (inner, "witness", zanni_self (root));
    done (pooled, "witness", zanni_self (root));
    zanni_ref_destroy (&outer);
    expect ("stopped at 1: normal");
    cr_assert_eq (pid_of (inner), pid);
    zanni_ref_destroy (&inner);
    expect ("stopped at 100: normal");
    cr_assert_eq (pid_of (pooled), pid);
    cr_assert (!is_gone (pidfd));
    zanni_ref_destroy (&pooled);
    expect ("stopped at 100: normal");
    expect_gone (pidfd);
}

Test (references, in_another_process_keep_it)
{
    zanni_ref_t *holder = spawn_holder_of (spawn_witnessed (5));
    cr_assert_eq (call_int (holder, "pass", 1), 6);
    expect_nothing ();
    done (holder, "drop");
    expect ("stopped at 6: normal");
    zanni_ref_destroy (&holder);
}

/* Releases go the way of the tells before them, from everybody who tells and drops. */
Test (references, that_are_dropped_at_once_with_the_last_tells_lose_none)
{
    enum { HOLDERS = 3, TELLS = 1000 };
    zanni_ref_t *holders [HOLDERS];
    for (int i = 0; i < HOLDERS; i++)
        holders [i] = spawn_worker (0);
    for (int round = 0; round < (LONG ? 200 : 10); round++) {
        zanni_ref_t *ref = spawn_witnessed (0);
        int pidfd = pidfd_of (ref);
        for (int i = 0; i < HOLDERS; i++)
            done (holders [i], "hold", ref);
        for (int i = 0; i < HOLDERS; i++)
            tell (holders [i], "tell and drop", TELLS);
        for (int i = 0; i < TELLS; i++)
            cr_assert_eq (zanni_tell_wait (root, ref, -1, "count"), 0);
        zanni_ref_destroy (&ref);
        expect ("stopped at 4000: normal");
        expect_gone (pidfd);
    }
    for (int i = 0; i < HOLDERS; i++)
        zanni_ref_destroy (&holders [i]);
}

Test (references, of_a_holder_that_is_killed_are_released)
{
    zanni_ref_t *ref = spawn_witnessed (3);
    int pidfd = pidfd_of (ref);
    zanni_ref_t *holder = spawn_holder_of (ref);
    expect_nothing ();
    signal_to (pid_of (holder), SIGKILL);
    expect ("stopped at 3: normal");
    expect_gone (pidfd);
    zanni_ref_destroy (&holder);
}

/* It had not even read the message. */
Test (references, in_the_mailbox_of_one_that_is_killed_are_released)
{
    zanni_ref_t *ref = spawn_witnessed (3);
    int pidfd = pidfd_of (ref);
    zanni_ref_t *busy = spawn_worker (0);
    pid_t pid = pid_of (busy);
    done (busy, "witness", zanni_self (root));
    tell (busy, "compute", 60000);
    expect ("computing");
    tell (busy, "hold", ref);
    zanni_ref_destroy (&ref);
    signal_to (pid, SIGKILL);
    expect ("stopped at 3: normal");
    expect_gone (pidfd);
    zanni_ref_destroy (&busy);
}

/* From the root to a holder in another process, to a third: each releases only when the next one is known to hold. */
Test (references, that_wander_keep_it_all_the_way)
{
    enum { HANDS = 4 };
    zanni_ref_t *hands [HANDS];
    zanni_ref_t *ref = spawn_witnessed (0);
    int pidfd = pidfd_of (ref);
    for (int i = 0; i < HANDS; i++)
        hands [i] = spawn_worker (0);
    done (hands [0], "hold", ref);
    zanni_ref_destroy (&ref);
    for (int round = 1; round <= (LONG ? 1000 : 50); round++) {
        zanni_ref_t *giver = hands [(round - 1) % HANDS], *taker = hands [round % HANDS];
        done (giver, "give", taker);
        done (giver, "drop");
        for (int64_t total = 0; total != round;) {   // until it has arrived: giver and root are two senders
            ZANNI_AUTO (zanni_msg_t) reply = NULL;
            if (zanni_call (root, &reply, taker, "call", 1) == 0)
                cr_assert_eq (zanni_read (reply, &total), 0);
        }
    }
    expect_nothing ();
    for (int i = 0; i < HANDS; i++)
        zanni_ref_destroy (&hands [i]);
    ZANNI_AUTO (zanni_msg_t) last = next ();
    expect_gone (pidfd);
}

/* Who got it says so at once, and its giver dies at once. */
Test (references, outlive_whoever_gave_them)
{
    for (int round = 0; round < (LONG ? 200 : 15); round++) {
        zanni_ref_t *ref = spawn_worker (5);
        int pidfd = pidfd_of (ref);
        ZANNI_AUTO (zanni_ref_t) taker = spawn_worker (0);
        ZANNI_AUTO (zanni_ref_t) giver = spawn_holder_of (ref);
        pid_t pid = pid_of (giver);
        uint64_t down = monitor (giver);
        done (giver, "give", taker);
        ZANNI_AUTO (zanni_msg_t) lent = NULL;
        for (int rc = -1; rc;) {
            zanni_msg_destroy (&lent);
            rc = zanni_call (root, &lent, taker, "call", 1);
        }
        signal_to (pid, SIGKILL);
        expect_reason (down, "signal 9 (SIGKILL)");
        cr_assert_eq (call_int (taker, "call", 1), 7);
        cr_assert (!is_gone (pidfd));
        done (taker, "drop");
        expect_gone (pidfd);
    }
}

/* The introducer is a process itself, and gone before anybody has used what it gave. */
Test (references, outlive_the_process_that_introduced_the_two)
{
    zanni_ref_t *introducer = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (1);
    zanni_ref_t *other = spawn_worker (1000);
    int introducer_fd = pidfd_of (introducer), other_fd = pidfd_of (other);
    done (introducer, "hold", other);
    zanni_ref_destroy (&other);
    done (introducer, "give", one);
    zanni_ref_destroy (&introducer);
    expect_gone (introducer_fd);
    cr_assert (!is_gone (other_fd));
    cr_assert_eq (call_int (one, "pass", 1), 1001);
    done (one, "drop");
    expect_gone (other_fd);
}

/* What nobody keeps is given back as often as it was lent. */
Test (references, that_are_sent_a_thousand_times_are_dropped_as_often)
{
    zanni_ref_t *ref = spawn_witnessed (9);
    int pidfd = pidfd_of (ref);
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (0);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq (zanni_tell_wait (root, one, -1, "no such method", ref, ref), 0);
        cr_assert_eq (zanni_tell_wait (root, other, -1, "hold", ref), 0);
    }
    done (other, "give", one);
    cr_assert_eq (call_int (other, "pass", 1), 10);
    zanni_ref_destroy (&ref);
    done (other, "drop");
    while (!call_bool (one, "holds something")) {}   // nothing orders what two say to a third
    cr_assert (!is_gone (pidfd));   // the other one has it
    done (one, "drop");
    expect ("stopped at 10: normal");
    expect_gone (pidfd);
}

/* A process that holds another, which holds the first: nobody collects cycles, but the end of the node does. */
Test (references, in_a_cycle_end_with_the_node)
{
    zanni_ref_t *one = spawn_worker (0);
    zanni_ref_t *other = spawn_worker (0);
    int one_fd = pidfd_of (one), other_fd = pidfd_of (other);
    done (one, "hold", other);
    done (other, "hold", one);
    zanni_ref_destroy (&one);
    cr_assert_eq (call_int (other, "pass", 1), 1);
    zanni_ref_destroy (&other);
    cr_assert (!is_gone (one_fd) && !is_gone (other_fd));
    end ();
    expect_gone (one_fd);
    expect_gone (other_fd);
}

/* A weak reference of another process is a way to talk, and no reason to live. */
Test (references, that_are_weak_keep_nobody)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn_worker (0);
    zanni_ref_t *ref = spawn_worker (0);
    zanni_ref_t *weak = NULL;
    int pidfd = pidfd_of (ref);
    cr_assert_eq (zanni_ref_weak (root, &weak, ref), 0);
    done (holder, "hold", weak);
    zanni_ref_destroy (&weak);
    cr_assert_eq (call_int (holder, "call", 1), 1);
    zanni_ref_destroy (&ref);
    expect_gone (pidfd);
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, holder, "call", 1), ZANNI_ENOACTOR, "%s", error.text);
}

/* The right travels with the reference, and stands in its nonce: nobody can take more than he was given. */
Test (references, without_the_right_to_own_stop_nobody_elsewhere)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (4);
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    uint64_t down = monitor (ref);
    cr_assert_eq (zanni_ref_limit (root, &limited, ref), 0);
    done (holder, "hold", limited);
    cr_assert_eq (call_int (holder, "stop other"), ZANNI_EPERM);
    zanni_ref_t *back = kept (holder, "lend");
    cr_assert (zanni_ref_equal (back, ref));
    cr_assert (!zanni_ref_is_own (back));
    cr_assert_eq (zanni_kill (root, back), ZANNI_EPERM);
    zanni_ref_destroy (&back);
    cr_assert_eq (call_int (holder, "pass", 1), 5);
    done (holder, "hold", ref);
    cr_assert_eq (call_int (holder, "stop other"), 0);
    expect_reason (down, "shutdown");
}
