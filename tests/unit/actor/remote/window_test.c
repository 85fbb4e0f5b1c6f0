/* What comes from a peer counts in its window until it is handled, and is credited exactly once, whatever becomes of it. */

#include "things.h"

#include "actor/remote/rights.h"

#define S_CHARGE (ZANNI__CHARGE + 2)   // of a tell or ask with one small number

static zanni_ref_t *s_other;   // a further actor of the first node
static uint64_t s_before;

static uint64_t
credited (void)
{
    return loop_link (s_nodes [0])->taken - s_before;
}

static void
begin (void)
{
    setup ();
    s_other = spawn_in (0);
    settle ();
    s_before = loop_link (s_nodes [0])->taken;
}

static void
end (void)
{
    zanni_ref_destroy (&s_other);
    teardown ();
}

TestSuite (window, .init = begin, .fini = end, .timeout = 20);

Test (window, has_room_again_for_what_was_handled)
{
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add", 5), 0);
    settle ();
    cr_assert_eq (credited (), S_CHARGE);
}

Test (window, has_room_again_for_a_dead_letter)
{
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    settle ();
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add", 5), 0);
    settle ();
    cr_assert_eq (credited (), S_CHARGE);
}

Test (window, has_room_again_for_what_found_no_room_in_its_mailbox)
{
    const zanni_spawn_t options = { .place = ZANNI_HERE, .overflow = ZANNI_DROP_NEWEST, .mailbox_messages = 1 };
    ZANNI_AUTO (zanni_ref_t) small = NULL;
    cr_assert_eq (zanni_spawn (s_nodes [0], &small, "thing", &options), 0);
    ZANNI_AUTO (zanni_ref_t) there = loop_introduce (s_nodes [1], s_nodes [0], small, false);
    settle ();
    for (int i = 0; i < 3; i++)
        cr_assert_eq (zanni_tell (s_nodes [1], there, "add", 5), 0);
    settle ();
    cr_assert_eq (credited (), 3 * S_CHARGE);
    cr_assert_eq (number_of (asked (1, there, "add", 0)), 5);
}

Test (window, counts_what_is_forwarded_on_its_worker_once)
{
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "hold", s_other), 0);
    cr_assert_eq (number_of (asked (1, s_remote, "pass", 5)), 5);
    cr_assert_eq (credited (), S_CHARGE);
}

Test (window, has_no_room_for_what_was_put_aside_until_it_is_handled)
{
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add later", 5), 0);
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add later", 6), 0);
    settle ();
    cr_assert_eq (credited (), 0);
    cr_assert_eq (number_of (asked (0, s_local, "get ready")), 2);
    cr_assert_eq (credited (), 2 * S_CHARGE);
    cr_assert_eq (number_of (asked (0, s_local, "add", 0)), 11);
}

Test (window, has_room_again_for_what_was_put_aside_and_lost_with_its_actor)
{
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add later", 5), 0);
    settle ();
    cr_assert_eq (credited (), 0);
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "end"), 0);
    settle ();
    cr_assert_eq (credited (), S_CHARGE);
}

/* As a node of another host knows it: by the worker that speaks with it. */
static zanni_ref_t *
introduce_from_afar (const zanni_ref_t *ref)
{
    const zanni__export_t *export;
    const zanni_worker_t *worker = s_nodes [0]->worker;
    zanni__identity_t *identity;
    cr_assert_eq (zanni__export_get (ref->identity, &export), 0);
    const zanni_wire_ref_t wire = {
        .node = worker->node->id, .actor = export->id, .nonce = export->call,
        .endpoint = { worker->endpoint, strlen (worker->endpoint) }
    };
    cr_assert_eq (zanni__remote_get (s_nodes [1]->worker, &identity, &wire), 0);
    zanni_ref_t *there = zanni__ref_new (identity, s_nodes [1]->worker, false, false);
    zanni__ref_adopt (s_nodes [1], there);
    return there;
}

Test (window, counts_what_another_worker_forwards_home_once)
{
    ZANNI_AUTO (zanni_ref_t) between = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_msg_t *none = NULL;
    cr_assert_eq (zanni_spawn (s_nodes [0], &between, "thing", &(zanni_spawn_t) { .place = ZANNI_SHARED }), 0);
    cr_assert_eq (zanni_tell (s_nodes [0], between, "hold", s_other), 0);
    ZANNI_AUTO (zanni_ref_t) there = introduce_from_afar (between);
    cr_assert_eq (zanni_ask (s_nodes [1], there, NULL, "pass", 5), 0);
    do {
        settle ();
        cr_assert_eq (zanni_receive (s_nodes [0], &none, 10), ZANNI_ETIMEOUT);
        settle ();
    } while (zanni_receive (s_nodes [1], &reply, 0));
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
    cr_assert_eq (credited (), S_CHARGE);
}

/* Its sender is nobody of that peer's, and whom it is for is on another worker. */
Test (window, has_room_again_for_what_was_forwarded_and_is_not_permitted)
{
    static const uint8_t key [ZANNI__KEY] = { 1 };
    static const char *const nothing [] = { NULL };
    const zanni_policy_t policy = { .methods = nothing };
    zanni_node_t *node = s_nodes [0]->worker->node;
    ZANNI_AUTO (zanni_ref_t) back = loop_introduce (s_nodes [0], s_nodes [1], &s_nodes [1]->identity->self, false);
    ZANNI_AUTO (zanni_ref_t) away = NULL;
    cr_assert_eq (zanni_spawn (s_nodes [0], &away, "thing", &(zanni_spawn_t) { .place = ZANNI_SHARED }), 0);
    ZANNI_AUTO (zanni_ref_t) there = introduce_from_afar (away);
    const zanni__remote_t *remote = there->identity->as.remote;
    const zanni__export_t *export;
    cr_assert_eq (zanni__export_get (s_other->identity, &export), 0);
    const zanni_wire_ref_t by = { .node = node->id, .actor = export->id, .nonce = export->call };
    const zanni_record_t tell = {
        .kind = ZANNI_RECORD_TELL, .to = { remote->address.actor, remote->call }, .about = &by, .remaining_ms = -1,
        .method = { "add", 3 }, .args = { "\x91\x05", 2 }
    };
    cr_assert_eq (zanni__rights_set (node, key, &policy), 0);
    back->identity->as.remote->peer->rights = zanni__rights_of (node, key);
    cr_assert_eq (loopback.send (remote->peer, &tell, NULL), 0);
    settle ();
    cr_assert_eq (credited (), S_CHARGE);
}

/* Forwarded by the other node, so its sender is nobody of that peer's, either. */
Test (window, counts_what_was_forwarded_as_long_as_its_mailbox_is_more_than_half_full)
{
    enum { MAILBOX = 8, SENT = 3 * MAILBOX };
    const zanni_spawn_t options = { .place = ZANNI_HERE, .mailbox_messages = MAILBOX };
    zanni_worker_t *worker = s_nodes [0]->worker;
    ZANNI_AUTO (zanni_ref_t) small = NULL;
    const zanni__export_t *export;
    cr_assert_eq (zanni_spawn (s_nodes [0], &small, "thing", &options), 0);
    ZANNI_AUTO (zanni_ref_t) there = loop_introduce (s_nodes [1], s_nodes [0], small, false);
    const zanni__remote_t *remote = there->identity->as.remote;
    settle ();
    cr_assert_eq (zanni__export_get (s_other->identity, &export), 0);
    const zanni_wire_ref_t by = { .node = worker->node->id, .actor = export->id, .nonce = export->call };
    const zanni_record_t tell = {
        .kind = ZANNI_RECORD_TELL, .to = { remote->address.actor, remote->call }, .about = &by, .remaining_ms = -1,
        .method = { "add", 3 }, .args = { "\x91\x05", 2 }
    };
    for (int i = 0; i < SENT; i++)
        cr_assert_eq (loopback.send (remote->peer, &tell, NULL), 0);
    cr_assert_eq (loopback.receive (worker->link), SENT);   // and nothing of it is handled yet
    cr_assert_leq (credited (), (MAILBOX / 2 + 1) * S_CHARGE);
    do
        settle ();
    while (credited () < SENT * S_CHARGE);
    cr_assert_eq (credited (), SENT * S_CHARGE);
    cr_assert_eq (number_of (asked (1, there, "add", 0)), 5 * SENT);
}
