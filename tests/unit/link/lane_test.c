/* Lanes between stubs of one process: when there is one, what goes by it, what happens when it is full, and that nothing
   in its memory is believed. */

#include "base/memfd.h"
#include "base/passing.h"
#include "stub.h"

#include "link/hub.h"
#include "support/hostile.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static stub_t a, b;
static stub_t *both [] = { &a, &b };
static zanni_peer_t *to_b, *to_a;
static uint64_t next_number;
static int out_of_order;

static int
in_order (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    (void) stub;
    (void) peer;
    if (record->kind != ZANNI_RECORD_TELL)
        return 0;
    out_of_order += stub_number (record) != next_number;
    if (record->buffers_count)
        out_of_order += !stub_buffer_is (buffers [0], zanni_buffer_size (buffers [0]), next_number);
    next_number = stub_number (record) + 1;
    return 0;
}

static void
open_both (void)
{
    stub_open_with (&a, 1, 64 << 20, 1000);
    stub_open_with (&b, 2, 64 << 20, 1000);
    a.node.options.lane_off = b.node.options.lane_off = false;
    b.record = in_order;
    cr_assert_eq (zanni__link_zmq.join (a.link, stub_endpoint (&b), b.node.id, &to_b), 0);
    cr_assert_eq (zanni__link_zmq.join (b.link, stub_endpoint (&a), a.node.id, &to_a), 0);
}

static void
close_both (void)
{
    zanni__link_zmq.leave (to_b);
    zanni__link_zmq.leave (to_a);
    stub_close (&a, 0);
    stub_close (&b, 0);
}

TestSuite (lane, .init = open_both, .fini = close_both, .timeout = 60);

static bool
b_has (void *context)
{
    return next_number >= *(uint64_t *) context;
}

static void
tell_b (uint64_t count, size_t size)
{
    for (uint64_t number = next_number; number < count; number++)
        cr_assert_eq (stub_tell (&a, to_b, 5, number, size), 0);
    cr_assert (stub_run (both, 2, 20000, b_has, &count), "%lu of %lu", next_number, count);
    cr_assert_eq (out_of_order, 0);
}

static zanni__lane_t *
lane_of (zanni_peer_t *peer)
{
    return ((zanni__peer_t *) (void *) peer)->lane;
}

static bool
have_rings (void)
{
    bool here = lane_of (to_b) && lane_of (to_b)->rings;
    cr_assert_eq (here, lane_of (to_a) && lane_of (to_a)->rings, "both have them, or none has");
    return here;
}

Test (lane, stands_from_the_first_message_on)
{
    tell_b (1, 0);
    cr_assert (have_rings ());
    cr_assert_gt (lane_of (to_b)->out.own, 0);
    cr_assert_eq (lane_of (to_b)->out.own, lane_of (to_a)->in.own);
}

Test (lane, carries_everything_in_order)
{
    tell_b (20000, 0);
    tell_b (20100, 5000);
    tell_b (20110, 1 << 20);
    cr_assert (have_rings ());
}

Test (lane, is_not_there_where_the_dialer_wants_none)
{
    a.node.options.lane_off = true;
    tell_b (100, 5000);
    cr_assert_not (have_rings ());
}

Test (lane, is_not_there_where_the_listener_wants_none)
{
    b.node.options.lane_off = true;
    tell_b (100, 5000);
    cr_assert_not (have_rings ());
}

Test (lane, is_not_there_where_nobody_listens_for_it)
{
    char path [ZANNI_ENDPOINT_MAX + 1];
    snprintf (path, sizeof path, "%s+", stub_endpoint (&b) + 6);
    cr_assert_eq (unlink (path), 0);
    tell_b (100, 5000);
    cr_assert_not (have_rings ());
}

/* What is larger than the ring goes by it, too, while the reader takes what is there. */
Test (lane, takes_messages_that_are_larger_than_itself)
{
    for (int i = 0; i < 5; i++)
        cr_assert_eq (stub_tell (&a, to_b, 5, (uint64_t) i, ZANNI__FRAME_LARGEST), 0);
    uint64_t count = 5;
    cr_assert (stub_run (both, 2, 20000, b_has, &count));
    cr_assert_eq (out_of_order, 0);
}

/* Also what is sent before the session stands, and so leaves with WELCOME. */
Test (lane, takes_what_is_large_once)
{
    tell_b (1, ZANNI__FRAME_LARGEST);
    tell_b (2, 0);
    cr_assert_lt (lane_of (to_b)->out.own, ZANNI__FRAME_LARGEST * 3 / 2);
}

static bool
is_settled (void *context)
{
    return !((const zanni__peer_t *) context)->out.first;
}

/* As behind another connection: b acknowledges the first time amid the second, which goes on to its end. */
Test (lane, takes_what_is_sent_again_and_acknowledged_meanwhile)
{
    zanni__peer_t *peer = (zanni__peer_t *) (void *) to_b;
    tell_b (1, 0);
    cr_assert (stub_run (both, 2, 20000, is_settled, peer));
    tell_b (2, ZANNI__FRAME_LARGEST);
    const zanni__parcel_t *parcel = peer->out.first;
    cr_assert_not_null (parcel, "b says that it has come when nothing follows for a while");
    zanni__outbox_again (peer, peer->base.acknowledged);
    zanni__outbox_transmit (peer);
    cr_assert_eq (lane_of (to_b)->posting, parcel, "a part of it fits");
    zanni__session_acknowledge (peer, parcel->sequence, NULL);
    cr_assert_null (peer->out.first);
    tell_b (3, 0);
    tell_b (4, ZANNI__FRAME_LARGEST);
    cr_assert (stub_run (both, 2, 20000, is_settled, peer));
    cr_assert_eq (a.downs + b.downs, 0);
}

/* As long as b does not look nothing is lost, and a does not wait for it in any call. */
Test (lane, that_is_full_pushes_back)
{
    tell_b (1, 0);
    uint64_t count = 1001;
    for (uint64_t number = 1; number < count; number++) {
        cr_assert_eq (stub_tell (&a, to_b, 5, number, 3000), 0);
        stub_step (&a, 0);
    }
    zanni__lane_t *lane = lane_of (to_b);
    uint64_t filled = lane->out.own - lane_of (to_a)->in.own;
    cr_assert (filled > ZANNI__RING_SIZE / 2 && filled <= ZANNI__RING_SIZE, "%lu", filled);
    cr_assert_not (zanni__link_zmq.waiting (a.link), "it waits for its bell");
    cr_assert (stub_run (both, 2, 20000, b_has, &count), "%lu of %lu", next_number, count);
    cr_assert_eq (out_of_order, 0);
}

static bool
b_is_down (void *context)
{
    (void) context;
    return b.downs;
}

/* b ends the session, says why, and goes on. */
static void
expect_fault (const char *text)
{
    cr_assert (stub_run (both, 2, 20000, b_is_down, NULL));
    cr_assert (strstr (b.log, text), "%s", b.log);
}

#define LIE "what lies in the memory of its lane cannot be"

/* Writes bytes as a message of a's. */
static void
write_to_b (const void *bytes, size_t size)
{
    zanni__lane_t *lane = lane_of (to_b);
    zanni__ring_put (&lane->out, bytes, size);
    (void) zanni__ring_wrote (&lane->out);
}

Test (lane, whose_position_cannot_be_ends_the_session)
{
    tell_b (1, 0);
    atomic_store (&lane_of (to_b)->out.shared->written, UINT64_C (1) << 40);
    expect_fault (LIE);
}

Test (lane, whose_reader_is_ahead_of_the_writer_ends_the_session)
{
    tell_b (1, 0);
    a.record = NULL;
    atomic_store (&lane_of (to_b)->in.shared->read, UINT64_C (1) << 40);
    lane_of (to_a)->out.other = lane_of (to_a)->out.own - ZANNI__RING_SIZE;   // so that it looks
    cr_assert_eq (stub_tell (&b, to_a, 5, 0, 0), 0);
    expect_fault (LIE);
}

/* The frame is larger than the room that the writer knows of, so that it looks when it has begun. */
Test (lane, whose_reader_is_ahead_within_a_frame_ends_the_session)
{
    tell_b (1, 0);
    a.record = NULL;
    atomic_store (&lane_of (to_b)->in.shared->read, UINT64_C (1) << 40);
    cr_assert_eq (stub_tell (&b, to_a, 5, 0, ZANNI__FRAME_LARGEST), 0);
    expect_fault (LIE);
}

Test (lane, with_half_a_message_ends_the_session)
{
    const uint32_t sizes [2] = { 1000, 0 };
    tell_b (1, 0);
    write_to_b (sizes, sizeof sizes);
    expect_fault (LIE);
}

Test (lane, with_too_long_a_header_ends_the_session)
{
    static uint32_t sizes [40000] = { ZANNI_WIRE_HEADER_MAX + 1, 0 };
    tell_b (1, 0);
    write_to_b (sizes, sizeof sizes);
    expect_fault (LIE);
}

Test (lane, with_too_many_frames_ends_the_session)
{
    const uint32_t sizes [1000] = { 3, ZANNI_WIRE_FRAMES_MAX + 1 };
    tell_b (1, 0);
    write_to_b (sizes, sizeof sizes);
    expect_fault (LIE);
}

Test (lane, with_too_large_a_frame_ends_the_session)
{
    const uint32_t sizes [1000] = { 3, 1, ZANNI_WIRE_FRAME_MAX + 1 };
    tell_b (1, 0);
    write_to_b (sizes, sizeof sizes);
    expect_fault (LIE);
}

Test (lane, takes_no_hello_or_bye)
{
    /* A BATCH without a number, then BYE: done, no text. */
    const uint8_t bytes [] = { 10, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0x93, 3, 0, 0xa0 };
    tell_b (1, 0);
    write_to_b (bytes, sizeof bytes);
    expect_fault ("does not belong into a lane");
}

/* Offers that are not what they should be. */

typedef struct {
    char magic [8];
    uint32_t ring_size, reserved;
    uint64_t session;
    uint8_t node [16];
} offer_t;

static int
dial_lane (void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    snprintf (address.sun_path, sizeof address.sun_path, "%s+", stub_endpoint (&b) + 6);
    cr_assert_eq (connect (fd, (const struct sockaddr *) &address, sizeof address), 0);
    return fd;
}

/* Makes bad offers in front of a good one. */
static void
offer (const int *fds, int count, uint32_t ring_size)
{
    offer_t packet = { .magic = "zanni/1", .ring_size = ring_size, .session = 1 };
    int fd = dial_lane ();
    cr_assert (zanni__pass (fd, &packet, sizeof packet, fds, count));
    tell_b (next_number + 1, 0);
    cr_assert (have_rings ());
    cr_assert_eq (((zanni__hub_t *) b.link)->offers_count, 0, "it was not taken");
    close (fd);
}

static void
make_offer (int fds [3], uint64_t size)
{
    cr_assert_eq (zanni__memfd_new (&fds [0], size), 0);
    fds [1] = eventfd (0, EFD_CLOEXEC);
    fds [2] = eventfd (0, EFD_CLOEXEC);
}

#define WHOLE (2 * (uint64_t) ZANNI__RING_MAPPED)

Test (lane, that_is_offered_too_small_is_not_taken)
{
    int fds [3];
    make_offer (fds, WHOLE - 1);
    offer (fds, 3, ZANNI__RING_SIZE);
}

Test (lane, that_is_offered_of_another_size_is_not_taken)
{
    int fds [3];
    make_offer (fds, WHOLE);
    offer (fds, 3, ZANNI__RING_SIZE * 2);
}

Test (lane, that_is_offered_with_too_few_descriptors_is_not_taken)
{
    int fds [3];
    make_offer (fds, WHOLE);
    offer (fds, 2, ZANNI__RING_SIZE);
}

Test (lane, that_is_offered_with_a_file_is_not_taken)
{
    int fds [3];
    make_offer (fds, WHOLE);
    close (fds [0]);
    fds [0] = scratch_file ();
    cr_assert_eq (ftruncate (fds [0], WHOLE), 0);
    offer (fds, 3, ZANNI__RING_SIZE);
}

Test (lane, that_is_offered_with_a_pipe_for_a_bell_is_not_taken)
{
    int fds [3], pipes [2];
    make_offer (fds, WHOLE);
    cr_assert_eq (pipe (pipes), 0);
    fds [1] = pipes [1];
    offer (fds, 3, ZANNI__RING_SIZE);
}

Test (lane, that_is_offered_by_who_is_silent_is_forgotten)
{
    int fds [3], sockets [100];
    make_offer (fds, WHOLE);
    offer_t packet = { .magic = "zanni/1", .ring_size = ZANNI__RING_SIZE, .session = 1 };
    for (int i = 0; i < 40; i++) {
        sockets [i] = dial_lane ();
        cr_assert (zanni__pass (sockets [i], &packet, sizeof packet, fds, 3));
        if (i % 2)
            close (sockets [i]);
    }
    tell_b (1, 0);
    cr_assert (have_rings ());
    cr_assert_leq (((zanni__hub_t *) b.link)->offers_count, 32);
}

/* Whatever lies there: the worst that happens is that the session ends. */

static uint64_t seed;

static uint32_t
below (uint32_t limit)
{
    uint8_t bytes [2];
    hostile_fill (&seed, bytes, sizeof bytes);
    return (bytes [0] | (uint32_t) bytes [1] << 8) % limit;
}

/* Changes what a has written and b has not read, or what both say of themselves, behind the back of both. */
static void
corrupt (void)
{
    uint8_t bytes [64];
    hostile_fill (&seed, bytes, sizeof bytes);
    hostile_t hostile = { .data = bytes, .size = sizeof bytes };
    zanni__ring_t writes = lane_of (to_b)->out, reads = lane_of (to_a)->in;
    while (hostile.size) {
        hostile_write (&hostile, &writes);
        hostile_read (&hostile, &reads);
    }
}

static int
take_anything (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    (void) stub, (void) peer, (void) record, (void) buffers;
    return 0;
}

Test (lane, survives_whatever_lies_in_its_memory, .timeout = 1200)
{
    const int rounds = getenv ("ZANNI_LONG") ? 20000 : 300;
    for (int round = 0; round < rounds; round++) {
        seed = (uint64_t) round;
        b.record = in_order;
        next_number = 0;
        tell_b (1, 0);
        b.record = take_anything;
        for (uint64_t i = 0; i < 1 + below (6); i++)
            cr_assert_eq (stub_tell (&a, to_b, 5, i, below (3) ? 0 : below (20000)), 0);
        stub_step (&a, 0);
        corrupt ();
        for (int i = 0; i < 6; i++) {
            stub_step (&b, 0);
            stub_step (&a, 0);
        }
        close_both ();
        out_of_order = 0;
        open_both ();
    }
}
