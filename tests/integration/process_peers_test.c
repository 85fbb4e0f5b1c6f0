/* Processes among themselves: siblings and cousins talk directly, whoever introduced them and whoever dialled first; what
   an ask carries (who asked, how long, that it was given up) goes with it through all of them. */

#include "process.h"

#include <fcntl.h>

/* Tells whoever asks before it answers, which that one counts until then. */
typedef struct {
    zanni_promise_t *promise;
    int64_t told;
} s_judge_t;

static int
s_judge_told (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    ((s_judge_t *) zanni_state (self))->told++;
    return 0;
}

static void
s_judged (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    s_judge_t *judge = arg;
    int64_t answer;
    int rc = zanni_read (reply, &answer);
    if (!rc)
        rc = zanni_promise_reply (self, &judge->promise, judge->told);
    if (rc)
        zanni_promise_destroy (&judge->promise);
}

static int
s_judge_try (zanni_t *self, zanni_msg_t *msg)
{
    s_judge_t *judge = zanni_state (self);
    const zanni_ask_t ask = { .then = s_judged, .arg = judge };
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    judge->told = 0;
    if (!rc)
        rc = zanni_promise_new (self, &judge->promise, msg);
    return rc ? rc : zanni_ask (self, ref, &ask, "pass", 1);
}

static int
s_judge_add (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni_tell (self, zanni_msg_from (msg), "told");
    return rc ? rc : zanni_reply (self, msg, 1);
}

static const zanni_method_t judge_methods [] = {
    ZANNI_METHOD ("told", "", "", s_judge_told, ""),
    ZANNI_METHOD ("try", "r", "x", s_judge_try, ""),
    ZANNI_METHOD ("add", "x", "x", s_judge_add, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t judge_class = { .name = "judge", .state_size = sizeof (s_judge_t), .methods = judge_methods };

CLASSES (&worker_class, &judge_class);
PROCESS_SUITE (peers);

/* The root does nothing meanwhile, so nothing goes by its node. */
Test (peers, talk_directly)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (0);
    done (one, "hold", other);
    tell (one, "send", 1, 1000, 0);
    sleep_until_noted (other, 1, 1000);
    cr_assert_eq (noted (other, 1), 1000);
}

/* Its node is a process, which ends in good order, or is killed, or only stopped. */
static void
introduce (int how)
{
    zanni_ref_t *introducer = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (10);
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (20);
    pid_t pid = pid_of (introducer);
    int pidfd = open_pid (pid);
    done (introducer, "hold", one);
    done (introducer, "give", other);
    done (introducer, "add", 0);
    while (!call_bool (other, "holds something")) {}
    done (introducer, "hold", other);
    done (introducer, "give", one);
    while (!call_bool (one, "holds something")) {}
    if (how == SIGTERM)
        zanni_ref_destroy (&introducer);
    else
        signal_to (pid, how);
    if (how != SIGSTOP)
        expect_gone (pidfd);
    cr_assert_eq (call_int (one, "pass", 1), 21);
    cr_assert_eq (call_int (other, "call", 1), 11);
    done (one, "send", 3, 1000, 0);
    while (noted (other, 3) < 1000) {}
    if (how == SIGSTOP)
        signal_to (pid, SIGCONT);
    zanni_ref_destroy (&introducer);
}

Test (peers, talk_on_when_their_introducer_has_ended)
{
    introduce (SIGTERM);
}

Test (peers, talk_on_when_their_introducer_was_killed)
{
    introduce (SIGKILL);
}

Test (peers, talk_on_while_their_introducer_is_stopped)
{
    introduce (SIGSTOP);
}

/* Both are told when to begin, which is one clock for all processes. */
Test (peers, that_dial_each_other_at_once_have_one_session_and_lose_nothing)
{
    for (int round = 0; round < (LONG ? 500 : 25); round++) {
        ZANNI_AUTO (zanni_ref_t) one = spawn_worker (0);
        ZANNI_AUTO (zanni_ref_t) other = spawn_worker (0);
        done (one, "hold", other);
        done (other, "hold", one);
        int64_t begin_ns = zanni_now_ns (root) + 2000000;
        uint64_t ids [2] = { ask (one, "send", 1, 200, begin_ns), ask (other, "send", 2, 200, begin_ns) };
        for (int i = 0; i < 2; i++) {
            ZANNI_AUTO (zanni_msg_t) msg = next ();
            zanni_error_t error = { 0 };
            cr_assert_neq (zanni_msg_error (msg, &error), 0, "%s", error.text);
            cr_assert (zanni_msg_id (msg) == ids [0] || zanni_msg_id (msg) == ids [1]);
        }
        while (noted (other, 1) < 200 || noted (one, 2) < 200) {}
        cr_assert_eq (noted (other, 1) + noted (one, 2), 400);
        cr_assert_eq (call_int (one, "call", 1), 1);
        cr_assert_eq (call_int (other, "call", 1), 1);
        done (one, "drop");   // or each kept the other, and so themselves
        done (other, "drop");
    }
}

/* Any number of them, all with all. */
Test (peers, in_a_full_mesh_all_reach_all)
{
    enum { PEERS = 5 };
    zanni_ref_t *peers [PEERS];
    for (int i = 0; i < PEERS; i++)
        peers [i] = spawn_worker (0);
    for (int step = 1; step < PEERS; step++) {
        int64_t begin_ns = zanni_now_ns (root) + 2000000;
        for (int i = 0; i < PEERS; i++)
            done (peers [i], "hold", peers [(i + step) % PEERS]);
        for (int i = 0; i < PEERS; i++)
            (void) ask (peers [i], "send", step, 100, begin_ns);
        for (int i = 0; i < PEERS; i++) {
            ZANNI_AUTO (zanni_msg_t) msg = next ();
            cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY);
        }
        for (int i = 0; i < PEERS; i++)
            while (noted (peers [i], step) < 100) {}
    }
    for (int i = 0; i < PEERS; i++) {
        cr_assert_eq (noted (peers [i], 0), 0);
        done (peers [i], "drop");
    }
}

/* Other workers of a node have sessions of their own: an actor of each, in the root's node and in that of a process. */
Test (peers, are_reached_from_every_worker_of_a_node)
{
    begin_again ((zanni_options_t) { .workers = 2 });
    ZANNI_AUTO (zanni_ref_t) sink = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) source = spawn_worker (0);
    zanni_ref_t *senders [4];
    for (int i = 0; i < 2; i++) {
        const zanni_spawn_t options = { .place = i ? ZANNI_THREAD : ZANNI_SHARED };
        senders [i] = spawn_with (&options, "worker", 0);
    }
    senders [2] = kept (source, "spawn", (int) ZANNI_SHARED);
    senders [3] = kept (source, "spawn", (int) ZANNI_THREAD);
    for (int i = 0; i < 4; i++)
        done (senders [i], "hold", sink);
    for (int64_t round = 1; round <= 100; round++)
        for (int64_t i = 0; i < 4; i++)
            cr_assert_eq (call_int (senders [i], "pass", 1), 4 * (round - 1) + i + 1);
    for (int i = 0; i < 4; i++)
        zanni_ref_destroy (&senders [i]);
}

Test (peers, compare_references_as_everybody_does)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) beside = kept (one, "spawn", (int) ZANNI_HERE);
    const zanni_ref_t *const refs [] = { one, other, beside, zanni_self (root) };
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            cr_assert_eq (call_bool (one, "same", refs [i], refs [j]), i == j);
            cr_assert_eq (call_bool (other, "same", refs [i], refs [j]), i == j);
        }
}

/* Through three processes. */
Test (peers, hand_an_ask_on_and_its_answer_goes_to_who_asked_first)
{
    enum { CHAIN = 4 };
    zanni_ref_t *chain [CHAIN];
    for (int i = 0; i < CHAIN; i++)
        chain [i] = spawn_worker (100);
    for (int i = 0; i + 1 < CHAIN; i++)
        done (chain [i], "hold", chain [i + 1]);
    done (chain [CHAIN - 1], "hold", zanni_self (root));
    uint64_t id = 0;
    int64_t total = 0;
    cr_assert_eq (zanni_ask (root, chain [0], &(zanni_ask_t) { .id_p = &id }, "pass promise"), 0);
    until_answers (chain [1], "promises", 1);
    tell (chain [1], "fulfil", 12);
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    cr_assert_eq (zanni_msg_id (reply), id);
    cr_assert_eq (zanni_read (reply, &total), 0);
    cr_assert_eq (total, 12);
    cr_assert (zanni_ref_equal (zanni_msg_from (reply), chain [1]));
    for (int i = 0; i < CHAIN; i++)
        zanni_ref_destroy (&chain [i]);
}

/* It follows the ask to where that was forwarded. */
Test (peers, hear_that_an_ask_was_given_up)
{
    ZANNI_AUTO (zanni_ref_t) forwarder = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) receiver = spawn_worker (0);
    uint64_t id = ask_forwarded (forwarder, receiver);
    done (forwarder, "add", 0);
    cr_assert (!call_bool (receiver, "is void"));
    cr_assert_eq (zanni_cancel (root, id), 0);
    (void) expect_failure (id, ZANNI_ECANCELED);
    cr_assert (call_bool (receiver, "is void"));
    tell (receiver, "fulfil", 5);
    cr_assert_eq (call_int (receiver, "add", 0), 0);
    expect_nothing ();
}

/* Their asker is not the root: it has a number of its own in a node of its own. */
Test (peers, hear_that_an_ask_of_another_actor_was_given_up)
{
    ZANNI_AUTO (zanni_ref_t) outer = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) asker = kept (outer, "spawn", (int) ZANNI_HERE);
    ZANNI_AUTO (zanni_ref_t) receiver = spawn_worker (0);
    done (asker, "hold", receiver);
    tell (asker, "ask and cancel");
    until_answers (receiver, "promises", 1);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (!call_bool (receiver, "is void"))
        cr_assert_lt (zanni_now_ns (root), until_ns);
}

/* The time that an asker has left goes along, less what was spent on the way. */
Test (peers, know_what_time_an_ask_has_left)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (0);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    ZANNI_AUTO (zanni_msg_t) endless = NULL;
    int64_t left = 0;
    done (one, "hold", other);
    done (one, "work before it relays", 200);
    const zanni_ask_t limited = { .deadline_ms = 3000 };
    cr_assert_eq (zanni_call_with (root, &reply, one, &limited, "relay", "remaining"), 0);
    cr_assert_eq (zanni_read (reply, &left), 0);
    cr_assert (left > 1000 && left <= 2800, "%" PRId64 " ms are left", left);
    const zanni_ask_t unlimited = { .deadline_ms = -1 };
    cr_assert_eq (zanni_call_with (root, &endless, one, &unlimited, "remaining"), 0);
    cr_assert_eq (zanni_read (endless, &left), 0);
    cr_assert_eq (left, INT64_MAX);
}

Test (peers, give_an_ask_up_when_its_time_is_over)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (0);
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker (0);
    zanni_msg_t *none = NULL;
    zanni_error_t error = { 0 };
    done (one, "hold", other);
    const zanni_ask_t soon = { .deadline_ms = 100, .error = &error };
    int rc = zanni_call_with (root, &none, one, &soon, "relay", "promise");
    cr_assert (rc == ZANNI_ETIMEOUT || error.app_code == ZANNI_ETIMEOUT, "%s", error.text);   // at the same time
    cr_assert_eq (call_int (other, "promises"), 1);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (!call_bool (other, "is void"))
        cr_assert_lt (zanni_now_ns (root), until_ns);
}

/* The ask comes by the session of whom it was sent to, and so do those behind it. */
Test (peers, are_answered_behind_what_they_were_told_by_whom_an_ask_was_handed_on_to)
{
    begin_again ((zanni_options_t) { .workers = 3 });
    const zanni_spawn_t process = { .place = ZANNI_PROCESS };
    for (uint32_t i = 0; i < 2; i++) {
        const zanni_spawn_t first = { .worker = 1 }, next = { .worker = 2 + i };
        ZANNI_AUTO (zanni_ref_t) asker = spawn_with (&process, "judge");
        ZANNI_AUTO (zanni_ref_t) router = spawn_with (&first, "worker", 0);
        ZANNI_AUTO (zanni_ref_t) answerer = spawn_with (&next, "judge");
        done (router, "hold", answerer);
        for (int round = 0; round < 20; round++)
            cr_assert_eq (call_int (asker, "try", router), 1, "in round %d", round);
    }
}

/* Whoever was given no reference cannot guess one: the same address without its nonce is nobody. */
Test (peers, that_end_are_told_from_those_that_never_were)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker (0);
    zanni_ref_t *other = spawn_worker (0);
    int pidfd = pidfd_of (other);
    done (one, "witness", zanni_self (root));
    done (one, "hold", other);
    done (one, "watch", other);
    tell (other, "finish", 3, "all said");
    expect ("down: error 3: all said");
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, one, "call", 1), ZANNI_ENOACTOR, "%s", error.text);
    zanni_ref_destroy (&other);
    expect_gone (pidfd);
}
