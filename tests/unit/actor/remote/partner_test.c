/* Links that cross nodes: what stays with stand-ins and what goes, messages that cross, and what others may not
   say. */

#include "things.h"

static void
begin (void)
{
    setup ();
    s_stopped = 0;
    cr_assert_eq (zanni_trap_exits (s_nodes [1], true), 0);
}

/* Nothing of a link is left anywhere. */
static void
finish (void)
{
    for (int i = 0; i < 3; i++)
        cr_assert_eq (s_nodes [i]->worker->links.count, 0);
    cr_assert_null (s_remote->identity->watchers);
    teardown ();
}

TestSuite (partner, .init = begin, .fini = finish);

/* The second node's root is linked with the first one's actor. */
static void
link_both (void)
{
    cr_assert_eq (zanni_link (s_nodes [1], s_remote), 0);
    settle ();
    cr_assert_eq (s_nodes [0]->worker->links.count, 1);
    cr_assert_eq (s_nodes [1]->worker->links.count, 1);
    cr_assert_not_null (s_remote->identity->watchers);
}

static zanni_reason_t
trapped (void)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_exit_signal_t signal;
    cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), 0, "nothing was trapped");
    cr_assert_eq (zanni_msg_exit (msg, &signal), 0);
    cr_assert (signal.linked);
    cr_assert (zanni_ref_equal (signal.from, s_remote));
    cr_assert (zanni_ref_equal (signal.from, zanni_msg_from (msg)));
    cr_assert_eq (zanni_msg_id (msg), 0);
    return signal.reason;
}

static void
nothing_trapped (void)
{
    zanni_msg_t *msg = NULL;
    settle ();
    cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), ZANNI_ETIMEOUT);
}

static bool
is_alive (void)
{
    return s_local->identity->state == ZANNI__RUNNING;
}

Test (partner, is_told_of_an_end_with_its_reason)
{
    link_both ();
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    settle ();
    zanni_reason_t reason = trapped ();
    cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (reason.code, 3);
    cr_assert_str_eq (reason.text, "enough");
    cr_assert_eq (s_kinds [ZANNI_RECORD_LINK], 1);
    cr_assert_eq (s_kinds [ZANNI_RECORD_EXIT], 1);
    cr_assert_eq (s_kinds [ZANNI_RECORD_UNLINK], 0);
}

Test (partner, hears_nothing_of_an_end_that_crosses_its_unlink)
{
    link_both ();
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    (void) !zanni_step (s_nodes [0], 100);   // the EXIT is on its way
    cr_assert_eq (s_kinds [ZANNI_RECORD_EXIT], 1);
    cr_assert_eq (zanni_unlink (s_nodes [1], s_remote), 0);
    nothing_trapped ();
}

Test (partner, hears_nothing_of_an_end_that_waits_in_its_mailbox_when_it_unlinks)
{
    link_both ();
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    settle ();
    cr_assert_eq (zanni_unlink (s_nodes [1], s_remote), 0);
    nothing_trapped ();
}

/* The first link's end is on its way, the next one finds nobody. */
Test (partner, hears_of_each_of_two_links_what_it_is_its_to_hear)
{
    link_both ();
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    (void) !zanni_step (s_nodes [0], 100);
    cr_assert_eq (zanni_unlink (s_nodes [1], s_remote), 0);
    cr_assert_eq (zanni_link (s_nodes [1], s_remote), 0);
    settle ();
    cr_assert_eq (trapped ().kind, ZANNI_EXIT_NO_ACTOR);
    nothing_trapped ();
}

/* An actor of each, which link each other: that is two links, of which the first end takes both. */
Test (partner, is_one_though_both_have_linked_at_once)
{
    ZANNI_AUTO (zanni_ref_t) other = spawn_in (1);
    ZANNI_AUTO (zanni_ref_t) there = loop_introduce (s_nodes [0], s_nodes [1], other, false);
    cr_assert_eq (zanni_link (s_local->identity->actor, there), 0);
    cr_assert_eq (zanni_link (other->identity->actor, s_remote), 0);
    settle ();
    cr_assert_eq (s_kinds [ZANNI_RECORD_LINK], 2);
    cr_assert_eq (s_nodes [0]->worker->links.count, 2);
    cr_assert_eq (s_nodes [1]->worker->links.count, 2);
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    settle ();
    cr_assert_eq (s_stopped, 2);
    cr_assert_eq (s_stop_kind, ZANNI_EXIT_ERROR);
    cr_assert_null (there->identity->watchers);
}

/* It undoes the link before it has heard that the other side has linked, too. */
Test (partner, stays_linked_by_what_the_other_side_asked_for_later)
{
    ZANNI_AUTO (zanni_ref_t) other = spawn_in (1);
    ZANNI_AUTO (zanni_ref_t) there = loop_introduce (s_nodes [0], s_nodes [1], other, false);
    cr_assert_eq (zanni_link (s_local->identity->actor, there), 0);
    settle ();
    cr_assert_eq (zanni_unlink (other->identity->actor, s_remote), 0);
    cr_assert_eq (zanni_link (other->identity->actor, s_remote), 0);
    cr_assert_eq (zanni_unlink (s_local->identity->actor, there), 0);
    settle ();
    cr_assert_eq (s_nodes [0]->worker->links.count, 1);
    cr_assert_eq (s_nodes [1]->worker->links.count, 1);
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    settle ();
    cr_assert_eq (s_stopped, 2);
}

Test (partner, is_lost_with_its_session_on_both_sides)
{
    const zanni_reason_t gone = { .kind = ZANNI_EXIT_NO_CONNECTION };
    link_both ();
    loop_down (s_nodes [1], s_nodes [0], &gone, true);
    cr_assert_eq (trapped ().kind, ZANNI_EXIT_NO_CONNECTION);
    loop_down (s_nodes [0], s_nodes [1], &gone, true);
    settle ();
    cr_assert_eq (s_stopped, 1);
    cr_assert_eq (s_stop_kind, ZANNI_EXIT_NO_CONNECTION);
}

Test (partner, may_not_be_linked_or_signalled_without_the_right_to_own)
{
    const zanni_reason_t shutdown = { .kind = ZANNI_EXIT_SHUTDOWN };
    atomic_store (&s_remote->identity->as.remote->owns, false);   // a node that believes it had it
    cr_assert_eq (zanni_exit_signal (s_nodes [1], s_remote, &shutdown), 0);
    cr_assert_eq (zanni_link (s_nodes [1], s_remote), 0);
    settle ();
    zanni_reason_t reason = trapped ();
    cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (reason.code, ZANNI_EPERM);
    cr_assert (is_alive ());
}

/* A record from the second node's root to the first one's actor. */
static int
say (zanni_record_kind_t kind, uint64_t number, bool nobody)
{
    const zanni__export_t *export;
    const zanni__remote_t *remote = s_remote->identity->as.remote;
    const char *fault = NULL;
    zanni_peer_t *peer;
    cr_assert_eq (zanni__export_get (s_nodes [1]->identity, &export), 0);
    zanni_record_t record = {
        .kind = (uint8_t) kind, .id = number, .to = { remote->address.actor, remote->call },
        .from = { export->id, nobody ? NULL : export->call }, .as.end.reason = { .kind = ZANNI_EXIT_ERROR, .text = { "", 0 } }
    };
    loop_link_t *link = loop_link (s_nodes [0]);
    zanni_worker_t *other = s_nodes [1]->worker;
    cr_assert_eq (loopback.join (link, other->endpoint, other->node->id, &peer), 0);
    int rc = zanni_worker_record (link->worker, peer, &record, NULL, &fault);
    loopback.leave (peer);
    settle ();
    return rc;
}

Test (partner, ignores_what_ends_no_link)
{
    link_both ();
    cr_assert_eq (say (ZANNI_RECORD_EXIT, 7, false), 0);
    cr_assert_eq (say (ZANNI_RECORD_UNLINK, 7, false), 0);
    cr_assert_eq (say (ZANNI_RECORD_UNLINK, 0, false), 0);
    cr_assert_eq (say (ZANNI_RECORD_EXIT, 0, false), 0, "nor what has no right to signal");
    cr_assert (is_alive ());
    cr_assert_eq (s_nodes [0]->worker->links.count, 1);
    cr_assert_eq (zanni_unlink (s_nodes [1], s_remote), 0);
    settle ();
}

Test (partner, ends_the_session_of_who_links_in_nobodys_name)
{
    cr_assert_neq (say (ZANNI_RECORD_LINK, 7, true), 0);
    cr_assert_neq (say (ZANNI_RECORD_LINK, 0, false), 0);
    cr_assert_neq (say (ZANNI_RECORD_UNLINK, 7, true), 0);
    cr_assert_neq (say (ZANNI_RECORD_EXIT, 7, true), 0);
}

Test (partner, of_a_node_that_knows_no_links_is_an_error_at_once)
{
    const zanni_reason_t shutdown = { .kind = ZANNI_EXIT_SHUTDOWN };
    s_remote->identity->as.remote->peer->no_links = true;
    cr_assert_eq (zanni_link (s_nodes [1], s_remote), 0);
    cr_assert_eq (zanni_exit_signal (s_nodes [1], s_remote, &shutdown), 0);
    settle ();
    cr_assert_eq (trapped ().code, ZANNI_ENOMETHOD);
    cr_assert_eq (s_kinds [ZANNI_RECORD_LINK], 0);
    cr_assert_eq (s_kinds [ZANNI_RECORD_EXIT], 0);
    cr_assert (is_alive ());
    cr_assert_eq (zanni_kill (s_nodes [1], s_remote), 0);
    settle ();
    cr_assert_not (is_alive ());
}

Test (partner, of_a_node_that_turns_out_to_know_no_links_is_an_error_then)
{
    zanni_peer_t *peer = s_remote->identity->as.remote->peer;
    cr_assert_eq (zanni_link (s_nodes [1], s_remote), 0);
    peer->no_links = true;
    zanni_worker_no_links (s_nodes [1]->worker, peer);
    zanni_reason_t reason = trapped ();
    cr_assert_eq (reason.code, ZANNI_ENOMETHOD);
    cr_assert_str_eq (reason.text, "its node is of a version that knows no links");
    settle ();
    cr_assert_eq (zanni_kill (s_nodes [0], s_local), 0);   // which knows one, in truth
    nothing_trapped ();
}

Test (partner, that_no_record_can_be_sent_to_is_told_of_by_its_error)
{
    loop_link (s_nodes [1])->refuses = ZANNI_RECORD_LINK;
    cr_assert_eq (zanni_link (s_nodes [1], s_remote), 0);
    cr_assert_eq (trapped ().code, ZANNI_ETOOBIG);
}

/* Nobody has told it to end: so whoever supervises it may begin it again. */
Test (partner, that_is_supervised_waits_behind_an_exit_signal_and_gets_no_further_one)
{
    const zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = 3 };
    zanni__identity_t *identity = s_local->identity;
    identity->waits = ZANNI__WAITS_ABNORMAL;
    cr_assert_eq (zanni_exit_signal (s_nodes [1], s_remote, &reason), 0);
    settle ();
    cr_assert_eq (identity->state, ZANNI__WAITING);
    cr_assert_eq (s_stopped, 1);
    cr_assert_eq (zanni_exit_signal (s_nodes [1], s_remote, &reason), 0);
    settle ();
    cr_assert_null (identity->mailbox.head);
    cr_assert_eq (zanni_stop (s_nodes [1], s_remote), 0);
    settle ();
    cr_assert_eq (identity->state, ZANNI__ENDED);
}

Test (partner, that_is_told_to_stop_does_not_wait_though_a_signal_was_first)
{
    const zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = 3 };
    zanni__identity_t *identity = s_local->identity;
    identity->waits = ZANNI__WAITS_ALWAYS;
    cr_assert_eq (zanni_exit_signal (s_nodes [0], s_local, &reason), 0);   // it ends in its next turn
    cr_assert_not_null (identity->actor);
    cr_assert_eq (zanni_stop (s_nodes [0], s_local), 0);
    settle ();
    cr_assert_eq (identity->state, ZANNI__ENDED);
    cr_assert_eq (s_stop_kind, ZANNI_EXIT_ERROR);
}

Test (partner, that_links_with_one_who_waits_is_linked_with_its_next_incarnation)
{
    const zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = 3 };
    zanni__identity_t *identity = s_local->identity;
    identity->waits = ZANNI__WAITS_ALWAYS;
    cr_assert_eq (zanni_exit_signal (s_nodes [0], s_local, &reason), 0);
    settle ();
    cr_assert_eq (identity->state, ZANNI__WAITING);
    cr_assert_eq (zanni_link (s_nodes [1], s_remote), 0);
    nothing_trapped ();
    cr_assert_eq (zanni_kill (s_nodes [0], s_local), 0);   // there will be none
    settle ();
    cr_assert_eq (trapped ().kind, ZANNI_EXIT_KILLED);
}
