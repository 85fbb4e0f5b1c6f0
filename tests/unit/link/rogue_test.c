/* What comes from strangers: garbage, lies, and too much of either end a session with a reason, or nothing at all, and
   never the process. */

#include "rogue.h"

#include "base/sockets.h"
#include "link/hub.h"

#include <netinet/in.h>
#include <unistd.h>

TestSuite (rogue, .init = begin, .fini = end, .timeout = 120);

static size_t
put_tell (uint8_t *at, const zanni_record_t *with)
{
    zanni_record_t record = *with;
    record.kind = ZANNI_RECORD_TELL;
    record.to = (zanni_wire_actor_t) { 1, nonce };
    record.method = (zanni_bytes_t) { "add", 3 };
    if (!record.args.size)
        record.args = (zanni_bytes_t) { "\x90", 1 };
    return put (at, &record);
}

Test (rogue, records_before_hello_are_dropped_and_answered_by_bye)
{
    uint8_t bytes [4096];
    int64_t code = -1;
    size_t size = put_batch (bytes, 1);
    size += put_tell (bytes + size, &(zanni_record_t) { 0 });
    send_bytes (bytes, size, false);
    cr_assert_eq (hear (&code), ZANNI_RECORD_BYE);
    cr_assert_eq (code, ZANNI_BYE_DEAD);
    cr_assert_eq (ours.records, 0);
    cr_assert_not_null (strstr (ours.log, "dropped"));
}

Test (rogue, another_version_is_refused)
{
    int64_t code = -1;
    zanni_record_t record = hello (1);
    record.as.hello.version_min = 2;
    record.as.hello.version_max = 9;
    say (&record);
    cr_assert_eq (hear (&code), ZANNI_RECORD_BYE);
    cr_assert_eq (code, ZANNI_BYE_VERSION);
    cr_assert_eq (ours.downs, 0);
}

Test (rogue, dead_numbers_are_refused_and_greater_ones_end_the_session)
{
    int64_t code = -1;
    greet (10);
    greet (11);
    cr_assert_eq (ours.downs, 1);
    zanni_record_t record = hello (10);
    say (&record);
    cr_assert_eq (hear (&code), ZANNI_RECORD_BYE);
    cr_assert_eq (code, ZANNI_BYE_DEAD);
    record = hello (12);
    record.as.hello.last = 3;   // it went on somewhere else
    say (&record);
    cr_assert_eq (hear (&code), ZANNI_RECORD_BYE);
    cr_assert_eq (code, ZANNI_BYE_DEAD);
}

Test (rogue, a_missing_batch_ends_the_session)
{
    uint8_t bytes [4096];
    greet (1);
    send_bytes (bytes, put_batch (bytes, 2), false);
    expect_fault ("a batch is missing");
}

Test (rogue, an_acknowledgement_of_what_was_never_sent_ends_the_session)
{
    greet (1);
    say (&(zanni_record_t) { .kind = ZANNI_RECORD_ACK, .as.batch = { .ack = 5, .window = 9 } });
    expect_fault ("never sent");
}

Test (rogue, frames_must_be_as_the_records_say)
{
    uint8_t bytes [4096];
    static const zanni_wire_buffer_t buffer = { .size = 100 };
    const zanni_record_t with = { .buffers_count = 1, .buffers = &buffer };
    greet (1);
    size_t size = put_batch (bytes, 1);
    size += put_tell (bytes + size, &with);
    send_bytes (bytes, size, true);
    send_bytes (bytes, 99, false);
    expect_fault ("a frame is missing");
    greet (2);
    send_bytes (bytes, size, false);
    expect_fault ("a frame is missing");
    greet (3);
    send_bytes (bytes, size, true);
    send_bytes (bytes, 100, true);
    send_bytes (bytes, 100, false);
    expect_fault ("frames that no record counts");
}

Test (rogue, a_crowd_of_frames_is_read_to_its_end_and_refused)
{
    uint8_t bytes [4096];
    greet (1);
    send_bytes (bytes, put_batch (bytes, 1), true);
    for (int i = 0; i < 300; i++)
        send_bytes (bytes, 100, i < 299);
    expect_fault ("frames that no record counts");
    greet (2);
}

Test (rogue, chunks_must_be_the_next_of_something)
{
    uint8_t bytes [4096];
    static const zanni_wire_buffer_t buffer = { .size = 3000, .chunks = 7 };
    const zanni_record_t with = { .buffers_count = 1, .buffers = &buffer };
    static const uint64_t wrong [][3] = { { 8, 0, 3000 }, { 7, 1, 3000 }, { 7, 0, 2999 } };
    for (uint64_t i = 0; i < 3; i++) {
        greet (i + 1);
        size_t size = put_batch (bytes, 1);
        size += put_tell (bytes + size, &with);
        size += put (bytes + size, &(zanni_record_t) {
            .kind = ZANNI_RECORD_CHUNK, .as.chunk = { wrong [i][0], wrong [i][1], wrong [i][2], { 0 } }
        });
        send_bytes (bytes, size, true);
        send_bytes (bytes, 100, false);
        expect_fault ("CHUNK");
    }
}

Test (rogue, the_window_must_be_heeded)
{
    uint8_t bytes [4096];
    static uint8_t frame [1 << 20];
    static const zanni_wire_buffer_t buffer = { .size = sizeof frame };
    const zanni_record_t with = { .buffers_count = 1, .buffers = &buffer };
    int64_t code = -1;
    greet (1);
    ours.keeps = true;
    for (uint64_t i = 1; i <= 270; i++) {   // each counts half of a window of as much
        size_t size = put_batch (bytes, i);
        size += put_tell (bytes + size, &with);
        send_bytes (bytes, size, true);
        send_bytes (frame, sizeof frame, false);
    }
    cr_assert_eq (hear (&code), ZANNI_RECORD_BYE);
    cr_assert_eq (code, ZANNI_BYE_FAULT);
    cr_assert_leq (ours.records, 260);
    cr_assert_eq (ours.downs, 1);
}

Test (rogue, random_headers_end_nothing_but_sessions)
{
    uint8_t bytes [200];
    unsigned seed = 3;
    for (int i = 0; i < 20000; i++) {
        size_t size = (size_t) rand_r (&seed) % 65;
        size_t from = 0;
        if (i % 3 == 0) {
            const zanni_record_t record = hello ((uint64_t) i + 1);
            say (&record);
            from = put_batch (bytes, rand_r (&seed) % 2 ? 1 : 0);
        }
        for (size_t j = 0; j < size; j++)
            bytes [from + j] = (uint8_t) rand_r (&seed);
        if (i % 2 && size)
            bytes [from] = (uint8_t) (0x90 | (bytes [from] & 15));
        send_bytes (bytes, from + size, false);
        if (i % 50 == 0)
            stub_run (mine, 1, 0, NULL, NULL);
        char heard [1000];
        while (zmq_recv (rogue, heard, sizeof heard, ZMQ_DONTWAIT) >= 0) {}
    }
    stub_run (mine, 1, 50, NULL, NULL);
    cr_assert_gt (ours.downs, 100);
}

/* A good header, of which some bytes are others. */
static size_t
put_changed (uint8_t *bytes, unsigned *seed)
{
    static const zanni_wire_buffer_t buffers [] = { { .size = 100 }, { .size = 70000, .chunks = 9 } };
    static const zanni_wire_ref_t refs [] = {
        { .node = node, .actor = 5, .nonce = nonce, .endpoint = { "tcp://127.0.0.1:9", 17 }, .cls = { "a", 1 }, .strong = true }
    };
    static const uint8_t kinds [] = {
        ZANNI_RECORD_TELL, ZANNI_RECORD_ASK, ZANNI_RECORD_REPLY, ZANNI_RECORD_CANCEL, ZANNI_RECORD_MONITOR,
        ZANNI_RECORD_RELEASE, ZANNI_RECORD_SPAWN, ZANNI_RECORD_CHUNK, ZANNI_RECORD_LANE, ZANNI_RECORD_ACK
    };
    zanni_record_t record = {
        .kind = kinds [(unsigned) rand_r (seed) % sizeof kinds], .to = { 1, nonce }, .method = { "add", 3 },
        .refs_count = 1, .refs = refs, .buffers_count = 2, .buffers = buffers, .args = { "\x90", 1 }
    };
    if (record.kind == ZANNI_RECORD_CHUNK)
        record.as.chunk.buffer = record.as.chunk.total = 9;
    size_t size = put_batch (bytes, rand_r (seed) % 8 ? 1 : 0);
    size += zanni__record_write (bytes + size, 4096, &record);
    for (int changes = rand_r (seed) % 4; changes; changes--)
        bytes [(size_t) rand_r (seed) % size] = (uint8_t) rand_r (seed);
    return size;
}

Test (rogue, changed_headers_end_nothing_but_sessions)
{
    static uint8_t frame [100];
    uint8_t bytes [8192];
    unsigned seed = 17;
    for (int i = 0; i < 10000; i++) {
        const zanni_record_t record = hello ((uint64_t) i + 1);
        say (&record);
        bool framed = rand_r (&seed) % 2;
        send_bytes (bytes, put_changed (bytes, &seed), framed);
        if (framed)
            send_bytes (frame, (size_t) rand_r (&seed) % 2 ? sizeof frame : 7, false);
        if (i % 50 == 0)
            stub_run (mine, 1, 0, NULL, NULL);
        char heard [1000];
        while (zmq_recv (rogue, heard, sizeof heard, ZMQ_DONTWAIT) >= 0) {}
    }
    stub_run (mine, 1, 50, NULL, NULL);
    cr_assert_gt (ours.downs, 100);
    const zanni_record_t last = hello (20000);
    int kind;
    say (&last);
    do
        kind = hear (NULL);
    while (kind >= 0 && kind != ZANNI_RECORD_WELCOME);   // what was answered to the others comes before
    cr_assert_eq (kind, ZANNI_RECORD_WELCOME);
}

static bool
is_lost (void *unused)
{
    (void) unused;
    return ours.lost > 0;
}

/* HELLO of one node, and then of another by the same connection. */
static void
greet_as_two (uint8_t purpose)
{
    static const uint8_t another [16] = { 9, 8 };
    zanni_record_t record = hello (1);
    record.as.hello.purpose = purpose;
    say (&record);
    cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
    record.as.hello.node = another;
    if (!is_far ())
        record.as.hello.endpoint = (zanni_bytes_t) { "ipc:///tmp/zanni-no-other", 25 };
    say (&record);
    cr_assert_eq (hear (NULL), is_far () ? ZANNI_RECORD_BYE : ZANNI_RECORD_WELCOME);
    if (is_far ())
        return;   // a connection from afar is of one node for good
    cr_assert (stub_run (mine, 1, 5000, is_lost, NULL), "the first one is there for good");
}

Test (rogue, a_session_whose_connection_goes_on_as_another_node_s_is_lost)
{
    greet_as_two (0);
}

Test (rogue, a_pulse_whose_connection_goes_on_as_another_node_s_is_lost)
{
    greet_as_two (1);
}

/* Without a look of ours. */
static void
until_hello_waits (const zanni__gate_t *gate)
{
    int events = 0;
    size_t size = sizeof events;
    int64_t until_ns = stub_now_ns () + 5000000000;
    while (!(events & ZMQ_POLLIN)) {
        cr_assert_eq (zanni__socket_get (gate->router.socket, ZMQ_EVENTS, &events, &size), 0);
        cr_assert_lt (stub_now_ns (), until_ns);
    }
}

/* A connection that ends at once. */
static void
knock (void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    if (!is_far ()) {
        cr_assert_not (zanni__dial_refused (ours.link, ours.worker.endpoint));
        return;
    }
    address.sin_port = htons ((uint16_t) atoi (strrchr (ours.bound, ':') + 1));
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq (connect (fd, (const struct sockaddr *) &address, sizeof address), 0);
    close (fd);
}

/* Who dials again asks first whether anybody listens, by a connection that ends at once: the descriptor that it had here
   is the next one's, whose HELLO may be read before the end of that. */
Test (rogue, connections_that_had_the_same_descriptor_end_no_session)
{
    zanni__hub_t *hub = ours.link;
    zanni__gate_t *gate = is_far () ? &hub->far : &hub->near;
    for (int round = 0; round < 100; round++) {
        const zanni_record_t first = hello ((uint64_t) round + 1);
        (void) zmq_close (rogue);
        stub_run (mine, 1, 1, NULL, NULL);
        knock ();
        rogue = dial_ours ();
        say (&first);
        until_hello_waits (gate);
        zanni__source_stir (&gate->router);   // before its monitor
        cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
        stub_run (mine, 1, 1, NULL, NULL);
        cr_assert_eq (ours.downs, round, "the session of round %d has ended", round);
    }
}
