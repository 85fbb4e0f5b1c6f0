/* Nodes of different secrets: who has another one is a stranger until zanni_trust has said otherwise, also where a reference
   to one of its actors came from somebody who is trusted; and one id is one node, whoever says that he has it. */

#include "tcp.h"

#include "actor/node.h"

CLASSES (&worker_class);
TCP_SUITE (secrets);

#define ANOTHER_SECRET "another secret of the tests"

static const zanni_options_t ours = { .secret = SECRET, .heartbeat_ms = 300 };
static const zanni_options_t theirs = { .secret = ANOTHER_SECRET, .heartbeat_ms = 300 };
static const zanni_trust_t by_their_secret = { .secret = ANOTHER_SECRET };

static host_t host, stranger;

/* The host knows the stranger's secret, and offers his actor. */
static int
offer_stranger (zanni_t *self)
{
    zanni_ref_t *ref = NULL;   // held until the process ends
    int rc = zanni_trust (self, stranger.endpoint, &by_their_secret);
    if (!rc)
        rc = zanni_connect (self, &ref, stranger.endpoint, NULL);
    return rc ? rc : zanni_offer (self, "stranger", ref);
}

static void
meet (void)
{
    start_host (&stranger, theirs);
    host_prepares = offer_stranger;
    start_host (&host, ours);
    host_prepares = NULL;
    begin (ours);
}

static void
part (void)
{
    end ();
    end_host (&host);
    end_host (&stranger);
}

/* An ask ends so within a second. */
static void
expect_distrust (const zanni_ref_t *ref)
{
    zanni_error_t error = { 0 };
    int64_t before_ns = zanni_now_ns (root);
    cr_assert_eq (refused (&error, ref, "total"), ZANNI_EAUTH, "%s", error.text);
    cr_assert_lt (ms_since (before_ns), 1000);
    cr_assert_not_null (strstr (error.text, stranger.endpoint), "%s", error.text);
}

Test (secrets, that_differ_are_said_with_the_address_until_the_other_one_is_trusted)
{
    meet ();
    zanni_ref_t *ref = connect_to (host.endpoint, "stranger");
    for (int i = 0; i < 3; i++)
        expect_distrust (ref);
    cr_assert_eq (zanni_trust (root, stranger.endpoint, &by_their_secret), 0);
    cr_assert_eq (pid_of (ref), stranger.pid);
    cr_assert_eq (zanni_tell (root, ref, "count"), 0);
    cr_assert_eq (call_int (ref, "total"), 1, "what was told before was lost");
    cr_assert_eq (zanni_trust (root, stranger.endpoint, NULL), 0);
    expect_distrust (ref);
    cr_assert_eq (zanni_trust (root, stranger.endpoint, &by_their_secret), 0);
    cr_assert_eq (call_int (ref, "total"), 1);
    zanni_ref_destroy (&ref);
    part ();
}

/* The one who was trusted by its own secret is not another one's. */
Test (secrets, that_differ_do_not_change_what_others_are_trusted_by)
{
    meet ();
    zanni_ref_t *known = connect_to (host.endpoint, NULL);
    uint64_t id = ask (known, "promise");
    zanni_ref_t *ref = connect_to (host.endpoint, "stranger");
    expect_distrust (ref);
    cr_assert_eq (zanni_trust (root, stranger.endpoint, &by_their_secret), 0);
    cr_assert_eq (pid_of (ref), stranger.pid);
    done (known, "fulfil", 3);
    expect_answer (id, 3);
    zanni_ref_destroy (&ref);
    zanni_ref_destroy (&known);
    part ();
}

/* As no node does: it has the id of the host that is known already. */
static int
take_id (zanni_t *self)
{
    memset (zanni_node_of (self)->id, 0x42, 16);
    return 0;
}

/* Of two that listen with one id and two keys the second one is refused, and the first one goes on. */
Test (secrets, of_two_listeners_with_one_id_lead_to_the_first)
{
    zanni_ref_t *none = NULL;
    host_prepares = take_id;
    start_host (&host, ours);
    start_host (&stranger, theirs);
    host_prepares = NULL;
    begin (ours);
    cr_assert_eq (zanni_trust (root, stranger.endpoint, &by_their_secret), 0);
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    uint64_t down = monitor (ref);
    uint64_t id = ask (ref, "promise");
    cr_assert_eq (call_int (ref, "promises"), 1);
    cr_assert_eq (zanni_connect (root, &none, stranger.endpoint, NULL), ZANNI_EAUTH);
    cr_assert_null (none);
    cr_assert (logged ("it claims to be a node that is known by another key"));
    done (ref, "fulfil", 7);
    expect_answer (id, 7);
    expect_nothing ();
    cr_assert_eq (zanni_demonitor (root, down), 0);
    zanni_ref_destroy (&ref);
    part ();
}

/* With one key for all nobody can tell them apart: the second one is taken for the first, which has begun anew. The first
   hears of it at once: its asks end, once each. */
static void
be_first (zanni_options_t how, int fd)
{
    begin (how);
    memset (zanni_node_of (root)->id, 0x42, 16);
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    uint64_t id = ask (ref, "promise");
    cr_assert_eq (call_int (ref, "promises"), 1);
    say_byte (fd, 'p');
    await_byte (fd, 'g');
    expect_failure (id, ZANNI_ENODE);
    expect_nothing ();
    say_byte (fd, 'e');
    _exit (0);
}

Test (secrets, that_are_one_let_a_second_of_one_id_replace_the_first)
{
    other_t other;
    start_host (&host, ours);
    start_other (&other, ours, be_first);
    begin (ours);
    memset (zanni_node_of (root)->id, 0x42, 16);
    await_byte (other.fd, 'p');
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    say_byte (other.fd, 'g');
    await_byte (other.fd, 'e');
    for (int i = 1; i <= 100; i++)
        cr_assert_eq (call_int (ref, "add", 1), i);
    expect_other_done (&other);
    zanni_ref_destroy (&ref);
    end ();
    end_host (&host);
}
