/* What a node gets that has dialled somebody who is no good listener: answers of other versions, of other sessions, too early
   or twice, garbage, and none at all. Its session ends, and says why; what it had to send comes back as lost. */

#include "rogue.h"

#include "link/hub.h"

#include <unistd.h>

static zanni_peer_t *peer;
static uint64_t session;        // of its HELLO

/* Ours has dialled, and has something to send; its HELLO is there. */
static void
be_dialled (void)
{
    char endpoint [64] = "tcp://127.0.0.1:*";
    size_t size = sizeof endpoint;
    zanni_record_t record;
    begin ();
    (void) zmq_close (rogue);
    rogue = rogue_socket (ZMQ_ROUTER);
    if (!is_far ())
        snprintf (endpoint, sizeof endpoint, "ipc:///tmp/zanni-rogue-%d", (int) getpid ());
    cr_assert_eq (zmq_bind (rogue, endpoint), 0);
    cr_assert_eq (zmq_getsockopt (rogue, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    cr_assert_eq (zanni__link_zmq.join (ours.link, endpoint, node, &peer), 0);
    cr_assert_eq (stub_tell (&ours, peer, 5, 0, 0), 0);
    cr_assert (hear_record (&record));
    cr_assert_eq (record.kind, ZANNI_RECORD_HELLO);
    cr_assert_eq (record.as.hello.version_min, 1);
    cr_assert_eq (record.as.hello.version_max, 1);
    session = record.as.hello.session;
}

/* What was said last goes while there is somebody to whom. */
static void
part (void)
{
    zanni__link_zmq.leave (peer);
    stub_close (&ours, 0);
    (void) zmq_close (rogue);
    (void) zmq_ctx_term (context);
}

TestSuite (welcome, .init = be_dialled, .fini = part, .timeout = 120);

static void
answer_bytes (const void *bytes, size_t size)
{
    cr_assert_geq (zmq_send (rogue, id, id_size, ZMQ_SNDMORE), 0);
    cr_assert_geq (zmq_send (rogue, bytes, size, 0), 0);
}

static void
answer (const zanni_record_t *record)
{
    uint8_t bytes [8192];
    size_t size = put_batch (bytes, 0);
    size += put (bytes + size, record);
    answer_bytes (bytes, size);
}

static zanni_record_t
welcome (void)
{
    zanni_record_t record = hello (session);
    record.kind = ZANNI_RECORD_WELCOME;
    return record;
}

static bool
is_down (void *downs)
{
    return ours.downs == *(int *) downs;
}

/* The session ends at once, and the log says why. */
static void
expect_down (const char *why)
{
    int downs = 1;
    cr_assert (stub_run (mine, 1, 5000, is_down, &downs), "its session goes on");
    cr_assert_eq (ours.reason.kind, ZANNI_EXIT_NO_CONNECTION);
    cr_assert_not_null (strstr (ours.log, why), "%s", ours.log);
    cr_assert_eq (ours.records, 0);
}

/* Of the session, and of the connection: the other side hears it. */
static void
expect_fault_said (const char *why)
{
    zanni_record_t record;
    expect_down (why);
    do
        cr_assert (hear_record (&record), "no BYE comes");
    while (record.kind != ZANNI_RECORD_BYE);
    cr_assert_eq (record.as.error.code, ZANNI_BYE_FAULT);
}

/* It may dial anew, and is served. */
static void
expect_another_session (void)
{
    uint64_t before = session;
    zanni_record_t record;
    cr_assert_eq (stub_tell (&ours, peer, 5, 1, 0), 0);
    do
        cr_assert (hear_record (&record), "it does not dial");
    while (record.kind != ZANNI_RECORD_HELLO || record.as.hello.purpose);
    session = record.as.hello.session;
    cr_assert_gt (session, before);
    record = welcome ();
    answer (&record);
    do
        cr_assert (hear_record (&record), "it sends nothing");
    while (record.kind != ZANNI_RECORD_TELL);
    cr_assert_eq (stub_number (&record), 1);
}

Test (welcome, of_the_version_that_was_offered_begins_the_session)
{
    zanni_record_t record = welcome ();
    answer (&record);
    do
        cr_assert (hear_record (&record));
    while (record.kind != ZANNI_RECORD_TELL);
    cr_assert_eq (stub_number (&record), 0);
    cr_assert_eq (ours.downs, 0);
}

/* By another name it would be another node's worker there, and a session of which it is not known that it is down would stay. */
Test (welcome, is_asked_for_by_the_name_of_before_by_who_begins_to_listen)
{
    stub_t silent;
    zanni_peer_t *again;
    zanni_record_t record;
    char endpoint [108] = "", name [108];
    size_t size = sizeof endpoint;
    const zanni_record_t bye = { .kind = ZANNI_RECORD_BYE, .as.error = { .code = ZANNI_BYE_DONE } };
    if (!is_far ())
        return;
    stub_open_with (&silent, 2, 1 << 20, 300);
    mine [0] = &silent;
    cr_assert_eq (zmq_getsockopt (rogue, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    cr_assert_eq (zanni__link_zmq.join (silent.link, endpoint, node, &again), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq (stub_tell (&silent, again, 5, 1, 0), 0);
        do
            cr_assert (hear_record (&record));
        while (record.kind != ZANNI_RECORD_HELLO || record.as.hello.purpose);
        if (!i)
            snprintf (name, sizeof name, "%.*s", (int) record.as.hello.endpoint.size, (const char *) record.as.hello.endpoint.data);
        cr_assert_eq (*name, '~');
        cr_assert (record.as.hello.endpoint.size == strlen (name) && !memcmp (record.as.hello.endpoint.data, name, strlen (name)));
        answer (&bye);
        int downs = i + 1;
        for (int64_t until_ns = stub_now_ns () + 10000000000; silent.downs < downs && stub_now_ns () < until_ns;)
            stub_run (mine, 1, 1, NULL, NULL);
        cr_assert_eq (silent.downs, downs);
        if (!i)
            (void) stub_bind (&silent);
    }
    zanni__link_zmq.leave (again);
    stub_close (&silent, 0);
    mine [0] = &ours;
}

/* Nobody is linked with actors of a node that does not say so. */
static void
expect_links (bool links)
{
    zanni_record_t record = welcome ();
    record.as.hello.abilities = links ? ZANNI_ABILITY_LINK : ZANNI_ABILITY_FRAMES;
    answer (&record);
    do
        cr_assert (hear_record (&record));
    while (record.kind != ZANNI_RECORD_TELL);
    cr_assert_eq (peer->no_links, !links);
    cr_assert_eq (ours.no_links, !links);
}

Test (welcome, of_a_node_that_knows_no_links_is_noted)
{
    expect_links (false);
}

Test (welcome, of_a_node_that_knows_links_is_noted)
{
    expect_links (true);
}

Test (welcome, of_a_version_that_was_not_offered_ends_the_session)
{
    zanni_record_t record = welcome ();
    record.as.hello.version_min = 2;
    answer (&record);
    expect_fault_said ("a version that was not offered");
    expect_another_session ();
}

Test (welcome, that_does_not_come_since_no_version_is_common_ends_the_session)
{
    const zanni_record_t bye = {
        .kind = ZANNI_RECORD_BYE, .as.error = { .code = ZANNI_BYE_VERSION, .text = { "this node speaks version 9", 26 } }
    };
    answer (&bye);
    expect_down ("no version in common: this node speaks version 9");
    expect_another_session ();
}

Test (welcome, of_another_session_ends_it)
{
    zanni_record_t record = welcome ();
    record.as.hello.session++;
    answer (&record);
    expect_fault_said ("WELCOME: of another session");
    expect_another_session ();
}

Test (welcome, that_comes_twice_ends_the_session)
{
    const zanni_record_t record = welcome ();
    answer (&record);
    answer (&record);
    expect_fault_said ("WELCOME: it is not expected");
    expect_another_session ();
}

Test (welcome, that_has_seen_what_was_never_sent_ends_the_session)
{
    zanni_record_t record = welcome ();
    record.as.hello.last = 9;
    answer (&record);
    expect_fault_said ("it has seen a batch that was never sent");
    expect_another_session ();
}

Test (welcome, has_to_come_before_anything_else)
{
    uint8_t bytes [1024];
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_TELL, .to = { 1, nonce }, .method = { "add", 3 }, .args = { "\x90", 1 }
    };
    size_t size = put_batch (bytes, 1);
    size += put (bytes + size, &record);
    answer_bytes (bytes, size);
    expect_fault_said ("a numbered message before WELCOME");
    expect_another_session ();
}

Test (welcome, is_not_a_hello)
{
    const zanni_record_t record = hello (session);
    answer (&record);
    expect_fault_said ("this record needs a numbered message");
    expect_another_session ();
}

Test (welcome, that_is_cut_ends_the_session)
{
    uint8_t bytes [1024];
    const zanni_record_t record = welcome ();
    size_t size = put_batch (bytes, 0);
    size += put (bytes + size, &record);
    answer_bytes (bytes, size / 2);
    expect_fault_said ("breaks the protocol");
    expect_another_session ();
}
