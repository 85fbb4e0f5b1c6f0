/* What goes through a node between two others that do not dial each other: asks, monitors, and what takes them back. The
   third node knows the first one's actor by the second, as it would between hosts. */

#include "things.h"

#include "store/peer/away.h"

static zanni_ref_t *s_hub_thing;   // an actor of the second node
static zanni_ref_t *s_hub;         // the same, as the third knows it
static zanni_ref_t *s_alias;       // the first node's actor, as the third knows it

static void
see_far (void)
{
    loop_link_t *link = loop_link (s_nodes [1]);
    for (int i = 0; i < LOOP_PEERS && link->peers [i]; i++)
        link->peers [i]->base.far = true;
}

static void
begin (void)
{
    const zanni_ref_t *lent;
    setup ();
    s_hub_thing = spawn_in (1);
    s_hub = loop_introduce (s_nodes [2], s_nodes [1], s_hub_thing, false);
    cr_assert_eq (number_of (asked (2, s_hub, "add", 0)), 0);
    see_far ();
    cr_assert_eq (zanni_tell (s_nodes [1], s_hub_thing, "hold", s_remote), 0);
    zanni_msg_t *reply = asked (2, s_hub, "lend");
    cr_assert_eq (zanni_read (reply, &lent), 0);
    cr_assert_eq (zanni_ref_keep (s_nodes [2], &s_alias, lent), 0);
    zanni_msg_destroy (&reply);
    cr_assert_eq (memcmp (zanni_ref_address (s_alias).node, s_nodes [1]->worker->node->id, 16), 0);
    cr_assert_eq (number_of (asked (2, s_alias, "add", 5)), 5);
}

static void
end (void)
{
    zanni_ref_destroy (&s_alias);
    zanni_ref_destroy (&s_hub);
    zanni_ref_destroy (&s_hub_thing);
    teardown ();
}

TestSuite (relay, .init = begin, .fini = end);

/* The next number by which the second node takes something back. */
static uint64_t
next_relay (void)
{
    return UINT64_C (1) << 62 | (s_nodes [1]->worker->remotes->relay_serial + 1);
}

static zanni_wire_actor_t
known_as (const zanni_ref_t *ref)
{
    const zanni__remote_t *remote = ref->identity->as.remote;
    return (zanni_wire_actor_t) { remote->address.actor, remote->call };
}

static void
send_by (const zanni_ref_t *ref, const zanni_record_t *record)
{
    cr_assert_eq (loopback.send (ref->identity->as.remote->peer, record, NULL), 0);
    settle ();
}

static void
expect_message (int node, zanni_msg_t **msg_p)
{
    settle ();
    cr_assert_eq (zanni_receive (s_nodes [node], msg_p, 0), 0);
}

Test (relay, takes_answers_back_to_who_asked)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    cr_assert_eq (zanni_ask (s_nodes [2], s_alias, NULL, "wait"), 0);
    settle ();
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "answer"), 0);
    expect_message (2, &reply);
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
}

/* Numbers count up from one in every node. */
Test (relay, of_one_ask_outlives_another_s_that_is_not_sent_and_has_its_number)
{
    ZANNI_AUTO (zanni_ref_t) back = loop_introduce (s_nodes [0], s_nodes [1], s_hub_thing, false);
    ZANNI_AUTO (zanni_ref_t) other = spawn_in (0);
    ZANNI_AUTO (zanni_ref_t) to_other = loop_introduce (s_nodes [1], s_nodes [0], other, false);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni__export_t *root;
    const uint64_t number = next_relay ();
    cr_assert_eq (zanni_tell (s_nodes [1], s_hub_thing, "hold", to_other), 0);
    cr_assert_eq (zanni_ask (s_nodes [2], s_alias, NULL, "wait"), 0);
    settle ();
    cr_assert_eq (zanni__export_get (s_nodes [0]->identity, &root), 0);
    const zanni_record_t same = {
        .kind = ZANNI_RECORD_ASK, .id = number, .to = known_as (back), .from = { root->id, root->call },
        .remaining_ms = -1, .method = { "pass", 4 }, .args = { "\x91\x05", 2 }
    };
    loop_link (s_nodes [1])->refuses = ZANNI_RECORD_ASK;
    send_by (back, &same);
    loop_link (s_nodes [1])->refuses = 0;
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "answer"), 0);
    expect_message (2, &reply);
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
}

/* Its DOWN and the third node's DEMONITOR have passed each other: whose id that is, nobody here can tell. */
Test (relay, ends_no_monitor_of_this_node_that_has_the_id_of_another_s)
{
    uint64_t id;
    zanni_down_t down;
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    cr_assert_eq (zanni_monitor (s_nodes [1], &id, s_remote), 0);
    settle ();
    const zanni_record_t late = { .kind = ZANNI_RECORD_DEMONITOR, .id = id, .to = known_as (s_alias), .remaining_ms = -1 };
    send_by (s_alias, &late);
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    expect_message (1, &msg);
    cr_assert_eq (zanni_msg_down (msg, &down), 0);
    cr_assert_eq (down.monitor, id);
}

Test (relay, cancels_no_ask_of_this_node_that_has_the_id_of_another_s)
{
    uint64_t id;
    const zanni_ask_t options = { .id_p = &id };
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    cr_assert_eq (zanni_ask (s_nodes [1], s_remote, &options, "promise"), 0);
    settle ();
    const zanni_record_t late = { .kind = ZANNI_RECORD_CANCEL, .id = id, .to = known_as (s_alias), .remaining_ms = -1 };
    send_by (s_alias, &late);
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "fulfil"), 0);
    cr_assert_eq (number_of ((expect_message (1, &reply), reply)), 7);
    reply = NULL;
}

Test (relay, cancels_an_ask_where_it_was_forwarded_to)
{
    uint64_t id;
    const zanni_ask_t options = { .id_p = &id };
    ZANNI_AUTO (zanni_ref_t) last = spawn_in (2);
    ZANNI_AUTO (zanni_ref_t) to_last = loop_introduce (s_nodes [0], s_nodes [2], last, false);
    ZANNI_AUTO (zanni_ref_t) hub_to_last = loop_introduce (s_nodes [1], s_nodes [2], last, false);
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "hold", to_last), 0);
    settle ();
    cr_assert_eq (zanni_ask (s_nodes [2], s_alias, &options, "pass promise"), 0);
    settle ();
    cr_assert_eq (s_kinds [ZANNI_RECORD_MONITOR], 1, "nobody would learn that it is lost");
    cr_assert_eq (zanni_cancel (s_nodes [2], id), 0);
    expect_message (2, &msg);   // that it is cancelled
    cr_assert_eq (number_of (asked (2, last, "is void")), 1);
}

/* The alias goes with the session; the loan is the third node's until that has let go of it. */
Test (relay, holds_nothing_any_more_that_was_known_by_an_alias_which_has_ended)
{
    const zanni_reason_t gone = { .kind = ZANNI_EXIT_NO_CONNECTION };
    const zanni__identity_t *identity = s_remote->identity;
    uint32_t strong = atomic_load (&identity->strong);
    zanni_worker_peer_down (s_nodes [1]->worker, identity->as.remote->peer, &gone, false, false);
    cr_assert_null (identity->as.remote->alias);
    zanni_ref_destroy (&s_alias);
    settle ();
    cr_assert_eq (atomic_load (&identity->strong), strong - 1);
}

Test (relay, keeps_no_alias_of_an_actor_whose_end_is_known)
{
    uint64_t id;
    ZANNI_AUTO (zanni_msg_t) down = NULL;
    const zanni__table_t *exports = &s_nodes [1]->worker->node->exports;
    cr_assert_eq (zanni_monitor (s_nodes [1], &id, s_remote), 0);
    settle ();
    uint32_t before = exports->count;
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    expect_message (1, &down);
    cr_assert_eq (exports->count, before - 1);
}

/* A reference to it is still to be had, and leads nowhere. */
Test (relay, makes_no_alias_of_an_actor_whose_end_is_known)
{
    uint64_t id;
    const zanni_ref_t *lent;
    ZANNI_AUTO (zanni_msg_t) down = NULL;
    const zanni__table_t *exports = &s_nodes [1]->worker->node->exports;
    cr_assert_eq (zanni_monitor (s_nodes [1], &id, s_remote), 0);
    settle ();
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    expect_message (1, &down);
    uint32_t before = exports->count;
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) failed = NULL;
        zanni_error_t error = { 0 };
        zanni_msg_t *reply = asked (2, s_hub, "lend");
        cr_assert_eq (zanni_read (reply, &lent), 0);
        cr_assert_eq (exports->count, before);
        cr_assert_eq (zanni_ask (s_nodes [2], lent, NULL, "add", 5), 0);
        expect_message (2, &failed);
        cr_assert (!zanni_msg_error (failed, &error) && error.code == ZANNI_ENOACTOR);
        zanni_msg_destroy (&reply);
    }
}

static int
where (const char *endpoint, zanni__met_t *met)
{
    zanni_msg_t *reply = asked (1, s_remote, "where", endpoint);
    int rc = zanni__away_where (reply, met, 0);
    zanni_msg_destroy (&reply);
    return rc;
}

Test (relay, dials_nothing_of_its_own_host_that_another_one_names)
{
    zanni__met_t met;
    cr_assert_eq (where ("ipc:///run/user/0/somebody", &met), ZANNI_EGONE);
    cr_assert_eq (where ("", &met), ZANNI_EGONE);
    cr_assert_eq (where ("tcp://192.0.2.1:5555", &met), 0);
    cr_assert_str_eq (met.endpoint, "tcp://192.0.2.1:5555");
}

Test (relay, tells_another_host_of_no_endpoint_that_is_not_tcp)
{
    zanni_worker_t *worker = s_nodes [1]->worker;
    const uint8_t *id = s_nodes [0]->worker->node->id;
    zanni_error_t error;
    zanni_bytes_t node, endpoint;
    ZANNI_AUTO (zanni_ref_t) hub = NULL;
    cr_assert_eq (zanni__node_at (s_nodes [2], &hub, worker->endpoint), 0);
    zanni_msg_t *reply = asked (2, hub, "zanni.where", zanni__node_number (id));
    cr_assert_eq (zanni_msg_error (reply, &error), 0);
    cr_assert_eq (error.code, ZANNI_EGONE);
    zanni_msg_destroy (&reply);
    zanni__node_met (worker->node, id, "tcp://192.0.2.1:5555");
    reply = asked (2, hub, "zanni.where", zanni__node_number (id));
    cr_assert_eq (zanni_read (reply, &node, &endpoint), 0);
    zanni_msg_destroy (&reply);
}

Test (relay, is_answered_by_an_actor_of_this_node_that_it_was_forwarded_home_to)
{
    ZANNI_AUTO (zanni_ref_t) back = loop_introduce (s_nodes [0], s_nodes [1], s_hub_thing, false);
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "hold", back), 0);
    settle ();
    cr_assert_eq (number_of (asked (2, s_alias, "pass", 7)), 7);
    cr_assert_eq (s_nodes [1]->worker->remotes->relayed.count, 0);
}

Test (relay, of_every_ask_fails_when_the_node_that_it_is_at_is_gone)
{
    const zanni_reason_t gone = { .kind = ZANNI_EXIT_NO_CONNECTION };
    for (int i = 0; i < 40; i++)
        cr_assert_eq (zanni_ask (s_nodes [2], s_alias, NULL, "wait"), 0);
    settle ();
    zanni_worker_peer_down (s_nodes [1]->worker, s_remote->identity->as.remote->peer, &gone, false, false);
    cr_assert_eq (s_nodes [1]->worker->remotes->relayed.count, 0);
    for (int i = 0; i < 40; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        zanni_error_t error;
        expect_message (2, &reply);
        cr_assert_eq (zanni_msg_error (reply, &error), 0);
        cr_assert_eq (error.code, ZANNI_ENODE);
    }
}
