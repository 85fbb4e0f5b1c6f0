/* Buffers in memory that both sides map: who copies, who gives back, what happens when a session ends, and what is not
   believed. */

#include "base/memfd.h"
#include "base/passing.h"
#include "stub.h"

#include "link/hub.h"
#include "message/buffer.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE ((size_t) 1 << 20)

static stub_t a, b;
static stub_t *both [] = { &a, &b };
static zanni_peer_t *to_b, *to_a;
static zanni_buffer_t *kept [64];   // what b got
static int kept_count;

static const uint8_t nonce [16] = { 7 };

static int
keep (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    (void) stub;
    (void) peer;
    for (uint32_t i = 0; i < record->buffers_count; i++)
        kept [kept_count++] = zanni_buffer_keep (buffers [i]);
    return 0;
}

static void
open_with (uint32_t level_a, uint32_t level_b)
{
    stub_open_with (&a, 1, 64 << 20, 1000);
    stub_open_with (&b, 2, 64 << 20, 1000);
    a.node.options.wire_level_max = level_a;
    b.node.options.wire_level_max = level_b;
    b.record = keep;
    cr_assert_eq (zanni__link_zmq.join (a.link, stub_endpoint (&b), b.node.id, &to_b), 0);
    cr_assert_eq (zanni__link_zmq.join (b.link, stub_endpoint (&a), a.node.id, &to_a), 0);
}

static void
open_both (void)
{
    open_with (3, 3);
}

static void
drop_all (void)
{
    while (kept_count)
        zanni_buffer_destroy (&kept [--kept_count]);
}

static void
close_both (void)
{
    drop_all ();
    zanni__link_zmq.leave (to_b);
    zanni__link_zmq.leave (to_a);
    stub_close (&a, 0);
    stub_close (&b, 0);
}

TestSuite (share, .init = open_both, .fini = close_both, .timeout = 60);

static bool
b_has (void *context)
{
    return kept_count >= *(int *) context;
}

/* Sends it to b, which keeps it. */
static const zanni_buffer_t *
send_to_b (zanni_buffer_t *buffer)
{
    int count = kept_count + 1;
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_TELL, .to = { 1, nonce }, .from = { 5, nonce }, .method = { "m", 1 },
        .args = { "\x90", 1 }, .buffers_count = 1
    };
    cr_assert_eq (stub_send (&a, to_b, &record, &buffer), 0);
    cr_assert (stub_run (both, 2, 20000, b_has, &count));
    return kept [count - 1];
}

static zanni__lane_t *
lane_of (zanni_peer_t *peer)
{
    return ((zanni__peer_t *) (void *) peer)->lane;
}

static bool
is_shared (const zanni_buffer_t *got)
{
    zanni_segment_t segment;
    return got->ops && got->ops != a.node.region_ops && zanni__buffer_segment (got, &segment);
}

/* Writes to memory that was given away: whether the other side sees it says whether it is the same. */
static bool
is_same_memory (const zanni_buffer_t *sent, const zanni_buffer_t *got)
{
    uint8_t *byte = (uint8_t *) (uintptr_t) zanni_buffer_data (sent) + 1000;
    const volatile uint8_t *seen = (const uint8_t *) zanni_buffer_data (got) + 1000;
    uint8_t before = *byte, other = before ^ 0xff;
    *byte = other;
    bool same = *seen == other;
    *byte = before;
    return same;
}

Test (share, what_is_filled_in_place_is_copied_nowhere)
{
    zanni_buffer_t *buffer = stub_buffer (&a, SIZE, 1);
    const zanni_buffer_t *got = send_to_b (buffer);
    cr_assert (is_shared (got) && is_same_memory (buffer, got));
    cr_assert (stub_buffer_is (got, SIZE, 1));
    zanni_buffer_destroy (&buffer);
    cr_assert (stub_buffer_is (got, SIZE, 1));
}

Test (share, slices_and_shapes_arrive_in_the_same_memory)
{
    zanni_buffer_t *buffer = stub_buffer (&a, SIZE, 1), *slice;
    const uint64_t shape [2] = { 100, 1024 };
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_FLOAT64, 2, shape), 0);
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 4096, SIZE / 2), 0);
    const zanni_buffer_t *whole = send_to_b (buffer);
    const zanni_buffer_t *part = send_to_b (slice);
    zanni_element_t element;
    uint64_t seen [ZANNI_BUFFER_DIMENSIONS];
    cr_assert_eq (zanni_buffer_array (whole, &element, seen), 2);
    cr_assert (element == ZANNI_FLOAT64 && seen [0] == 100 && seen [1] == 1024);
    cr_assert (is_shared (part) && is_same_memory (slice, part));
    cr_assert_eq (memcmp (zanni_buffer_data (part), (const uint8_t *) zanni_buffer_data (whole) + 4096, SIZE / 2), 0);
    cr_assert_eq (lane_of (to_a)->mappings.count, 1, "both are in one segment");
    zanni_buffer_destroy (&slice);
    zanni_buffer_destroy (&buffer);
}

Test (share, a_slice_that_lies_badly_arrives_well)
{
    zanni_buffer_t *buffer = stub_buffer (&a, SIZE, 1), *slice;
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 3, SIZE / 2), 0);
    const zanni_buffer_t *got = send_to_b (slice);
    cr_assert_eq ((uintptr_t) zanni_buffer_data (got) % 8, 0);
    cr_assert_eq (memcmp (zanni_buffer_data (got), zanni_buffer_data (slice), SIZE / 2), 0);
    zanni_buffer_destroy (&slice);
    zanni_buffer_destroy (&buffer);
}

static void
count_release (void *data, void *hint)
{
    (void) data;
    ++*(int *) hint;
}

static bool
is_released (void *context)
{
    return *(int *) context > 0;
}

Test (share, the_programs_own_memory_is_copied_once_and_comes_back_at_once)
{
    static uint8_t memory [SIZE];
    int released = 0;
    zanni_buffer_t *buffer;
    memset (memory, 9, sizeof memory);
    cr_assert_eq (zanni__buffer_wrap (&buffer, memory, SIZE, count_release, &released), 0);
    const zanni_buffer_t *got = send_to_b (buffer);
    cr_assert (is_shared (got));
    cr_assert_eq (memcmp (zanni_buffer_data (got), memory, SIZE), 0);
    zanni_buffer_destroy (&buffer);
    cr_assert (stub_run (both, 2, 5000, is_released, &released), "though b has it still");
}

static bool
nothing_is_lent (void *context)
{
    (void) context;
    zanni__table_t *loans = &lane_of (to_b)->loans;
    for (uint32_t i = 0; i < loans->size; i++)
        for (zanni__entry_t *entry = loans->buckets [i]; entry; entry = entry->next)
            if (((zanni_buffer_t **) (entry + 1)) [0])
                return false;
    return true;
}

Test (share, memory_is_used_again_when_its_last_reader_is_done)
{
    zanni_buffer_t *buffer = stub_buffer (&a, SIZE, 1);
    const void *memory = zanni_buffer_data (buffer);
    const zanni_buffer_t *got = send_to_b (buffer);
    zanni_buffer_destroy (&buffer);
    buffer = stub_buffer (&a, SIZE, 2);
    cr_assert_neq (zanni_buffer_data (buffer), memory, "it is being read");
    zanni_buffer_destroy (&buffer);
    cr_assert (stub_buffer_is (got, SIZE, 1));
    drop_all ();
    cr_assert (stub_run (both, 2, 5000, nothing_is_lent, NULL));
    buffer = stub_buffer (&a, SIZE, 3);
    cr_assert_eq (zanni_buffer_data (buffer), memory);
    got = send_to_b (buffer);
    cr_assert (is_shared (got) && stub_buffer_is (got, SIZE, 3));
    cr_assert_eq (lane_of (to_a)->mappings.count, 1, "b knew it already");
    zanni_buffer_destroy (&buffer);
}

Test (share, one_buffer_that_is_sent_often_is_given_back_as_often)
{
    zanni_buffer_t *buffer = stub_buffer (&a, SIZE, 1);
    for (int i = 0; i < 20; i++)
        (void) send_to_b (buffer);
    zanni_buffer_destroy (&buffer);
    zanni_buffer_destroy (&kept [--kept_count]);
    stub_step (&b, 0);
    stub_step (&a, 10);
    cr_assert_not (nothing_is_lent (NULL));
    drop_all ();
    cr_assert (stub_run (both, 2, 5000, nothing_is_lent, NULL));
}

static bool
b_has_mapped_nothing (void *context)
{
    (void) context;
    return !lane_of (to_a)->mappings.count;
}

Test (share, what_goes_back_to_the_system_is_not_kept_mapped)
{
    zanni_buffer_t *buffers [20];
    for (int i = 0; i < 20; i++) {
        buffers [i] = stub_buffer (&a, 30 << 20, 1);   // more than the region keeps, together
        (void) send_to_b (buffers [i]);
        drop_all ();
    }
    for (int i = 0; i < 20; i++)
        zanni_buffer_destroy (&buffers [i]);
    cr_assert (stub_run (both, 2, 5000, nothing_is_lent, NULL));
    cr_assert_eq (stub_tell (&a, to_b, 5, 1, 0), 0);
    cr_assert_not (stub_run (both, 2, 200, b_has_mapped_nothing, NULL), "some are kept for the next");
    cr_assert_leq (lane_of (to_a)->mappings.count, 9);
}

static bool
b_is_down (void *context)
{
    (void) context;
    return b.downs;
}

Test (share, a_session_that_ends_takes_nothing_from_a_reader)
{
    zanni_segment_t before, after;
    zanni_buffer_t *buffer = stub_buffer (&a, SIZE, 1);
    const zanni_buffer_t *got = send_to_b (buffer);
    cr_assert (zanni__buffer_segment (buffer, &before));
    zanni_buffer_destroy (&buffer);
    zanni__session_fault ((zanni__peer_t *) (void *) to_b, "the test wants it so");
    cr_assert (stub_run (both, 2, 5000, b_is_down, NULL));
    buffer = stub_buffer (&a, SIZE, 2);
    cr_assert (stub_buffer_is (got, SIZE, 1));
    cr_assert (zanni__buffer_segment (buffer, &after));
    cr_assert_neq (before.serial, after.serial);
    zanni_buffer_destroy (&buffer);
    buffer = stub_buffer (&a, SIZE, 4);
    got = send_to_b (buffer);
    cr_assert (is_shared (got) && stub_buffer_is (got, SIZE, 4), "the next session shares, too");
    zanni_buffer_destroy (&buffer);
}

Test (share, what_was_lent_is_lent_on)
{
    stub_t c;
    stub_t *three [] = { &a, &b, &c };
    zanni_peer_t *b_to_c;
    stub_open_with (&c, 3, 64 << 20, 1000);
    c.node.options.wire_level_max = 3;
    c.record = keep;
    cr_assert_eq (zanni__link_zmq.join (b.link, stub_endpoint (&c), c.node.id, &b_to_c), 0);
    zanni_buffer_t *buffer = stub_buffer (&a, SIZE, 1);
    zanni_buffer_t *got = (zanni_buffer_t *) (uintptr_t) send_to_b (buffer);
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_TELL, .to = { 1, nonce }, .from = { 5, nonce }, .method = { "m", 1 },
        .args = { "\x90", 1 }, .buffers_count = 1
    };
    int count = 2;
    cr_assert_eq (stub_send (&b, b_to_c, &record, &got), 0);
    cr_assert (stub_run (three, 3, 20000, b_has, &count));
    cr_assert (is_shared (kept [1]) && is_same_memory (buffer, kept [1]));
    zanni_buffer_destroy (&buffer);
    zanni_buffer_destroy (&kept [0]);
    kept [0] = kept [1];
    kept_count = 1;
    stub_step (&b, 0);
    stub_step (&a, 10);
    cr_assert_not (nothing_is_lent (NULL), "c reads it");
    drop_all ();
    cr_assert (stub_run (three, 3, 5000, nothing_is_lent, NULL));
    zanni__link_zmq.leave (b_to_c);
    stub_close (&c, 0);
}

/* Descriptors that are not what they should be end the session, without SIGBUS. */
static void
expect_refusal (int fd, uint64_t size, uint64_t offset)
{
    struct {
        uint64_t serial, size;
    } notice = { 77, size };
    zanni_wire_buffer_t wire = { .size = 4096, .segment = 77, .offset = offset };
    uint8_t bytes [300];
    zanni_buffer_t *first = stub_buffer (&a, SIZE, 1);
    (void) send_to_b (first);
    zanni_buffer_destroy (&first);
    zanni__peer_t *peer = (zanni__peer_t *) (void *) to_b;
    const zanni_record_t batch = { .kind = ZANNI_RECORD_BATCH, .as.batch = { peer->out.sequence + 1, 0, 1 << 20, 0 } };
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_TELL, .to = { 1, nonce }, .from = { 5, nonce }, .method = { "m", 1 },
        .args = { "\x90", 1 }, .buffers = &wire, .buffers_count = 1
    };
    if (fd >= 0)
        cr_assert (zanni__pass (peer->lane->socket, &notice, sizeof notice, &fd, 1));
    size_t used = zanni__record_write (bytes, sizeof bytes, &batch);
    used += zanni__record_write (bytes + used, sizeof bytes - used, &record);
    cr_assert (zanni__lane_say (peer, bytes, used));
    cr_assert (stub_run (both, 2, 20000, b_is_down, NULL));
    cr_assert (strstr (b.log, "shared memory"), "%s", b.log);
    if (fd >= 0)
        close (fd);
}

static int
memory (uint64_t size, bool sealed)
{
    int fd;
    cr_assert_eq (zanni__memfd_new (&fd, size), 0);
    cr_assert (!sealed || zanni__memfd_seal (fd));
    return fd;
}

Test (share, a_segment_that_did_not_come_is_refused)
{
    expect_refusal (-1, 0, 0);
}

Test (share, a_segment_that_is_smaller_than_it_says_is_refused)
{
    expect_refusal (memory (4096, true), 8192, 0);
}

Test (share, a_segment_that_others_can_write_to_is_refused)
{
    expect_refusal (memory (8192, false), 8192, 0);
}

Test (share, a_segment_that_can_shrink_is_refused)
{
    int fd = memfd_create ("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq (ftruncate (fd, 8192), 0);
    expect_refusal (fd, 8192, 0);
}

Test (share, a_segment_with_holes_is_refused)
{
    int fd = memfd_create ("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq (ftruncate (fd, 8192), 0);
    cr_assert_eq (fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | 0x10 | F_SEAL_SEAL), 0);
    expect_refusal (fd, 8192, 0);
}

Test (share, a_segment_that_is_a_file_is_refused)
{
    int fd = scratch_file ();
    cr_assert_eq (ftruncate (fd, 8192), 0);
    expect_refusal (fd, 8192, 0);
}

Test (share, a_buffer_outside_of_its_segment_is_refused)
{
    expect_refusal (memory (8192, true), 8192, 8192 - 8);
}

Test (share, a_buffer_far_outside_of_its_segment_is_refused)
{
    expect_refusal (memory (8192, true), 8192, UINT64_MAX - 7);
}

Test (share, uses_that_were_not_lent_cannot_be_given_back)
{
    const zanni_record_t record = { .kind = ZANNI_RECORD_LANE, .as.lane = { 5, 1 } };
    zanni_buffer_t *first = stub_buffer (&a, SIZE, 1);
    (void) send_to_b (first);
    zanni_buffer_destroy (&first);
    cr_assert_eq (stub_send (&a, to_b, &record, NULL), 0);
    cr_assert (stub_run (both, 2, 20000, b_is_down, NULL));
    cr_assert (strstr (b.log, "what was not lent"), "%s", b.log);
}

/* What the program wants of a peer, or of one buffer, is less than what the two could do. */
Test (share, it_goes_as_the_program_wants)
{
    static const struct {
        uint32_t peer, buffer, in_band;
        size_t size;
        bool shared;
    } wants [] = {
        { 0, 0, 0, SIZE, true },  { 2, 0, 0, SIZE, false }, { 1, 0, 0, SIZE, false },   { 3, 2, 0, SIZE, false },
        { 0, 1, 0, SIZE, false }, { 0, 0, 0, SIZE, true },  { 0, 0, 9000, 9000, false }, { 1, 3, 0, 9000, false }
    };
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        zanni_buffer_t *buffer = stub_buffer (&a, wants [i].size, i);
        zanni__link_zmq.prefer (to_b, wants [i].peer, wants [i].in_band);
        zanni__buffer_prefer (buffer, wants [i].buffer, 0);
        const zanni_buffer_t *got = send_to_b (buffer);
        cr_assert (stub_buffer_is (got, wants [i].size, i));
        cr_assert_eq (is_shared (got), wants [i].shared, "number %zu", i);
        zanni_buffer_destroy (&buffer);
    }
}

/* What two sides can do need not be the same: the lesser counts. */
TestSuite (levels, .timeout = 60);

Test (levels, every_pair_understands_each_other)
{
    static const size_t sizes [] = { 0, 1, 100, 1024, 1025, 16 << 10, (16 << 10) + 1, 64 << 10, SIZE, SIZE + 1, 3 * SIZE };
    for (uint32_t level_a = 1; level_a <= 3; level_a++)
        for (uint32_t level_b = 1; level_b <= 3; level_b++) {
            uint32_t level = level_a < level_b ? level_a : level_b;
            open_with (level_a, level_b);
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                zanni_buffer_t *buffer = stub_buffer (&a, sizes [i], i);
                const zanni_buffer_t *got = send_to_b (buffer);
                cr_assert (stub_buffer_is (got, sizes [i], i), "%zu bytes, %u to %u", sizes [i], level_a, level_b);
                cr_assert_eq (is_shared (got), level > 2 && sizes [i] >= 64 << 10);
                zanni_buffer_destroy (&buffer);
            }
            cr_assert_eq (((zanni__peer_t *) (void *) to_b)->level, level);
            close_both ();
        }
}
