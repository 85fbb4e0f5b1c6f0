/* Arguments and buffers of every size, as they come out at the other end: contents, alignment, shapes, order. */

#include "stub.h"

#include "link/hub.h"

#include <criterion/criterion.h>
#include <string.h>

static stub_t a, b;
static stub_t *both [] = { &a, &b };
static zanni_peer_t *to_b;
static int wrong;
static uint64_t expected;       // the size of what comes next
static bool typed;

static const uint8_t nonce [16] = { 7 };

static bool
b_records (void *context)
{
    return b.records >= *(int *) context;
}

static void
wait_for (int records)
{
    cr_assert (stub_run (both, 2, 60000, b_records, &records), "%d of %d", b.records, records);
}

static void
meet (void)
{
    stub_open_with (&a, 1, 8 << 20, 1000);
    stub_open_with (&b, 2, 8 << 20, 1000);
    cr_assert_eq (zanni__link_zmq.join (a.link, stub_endpoint (&b), b.node.id, &to_b), 0);
}

static void
part (void)
{
    zanni__link_zmq.leave (to_b);
    stub_close (&a, 0);
    stub_close (&b, 0);
}

TestSuite (frames, .init = meet, .fini = part, .timeout = 120);

static int
check_buffer (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    uint64_t shape [ZANNI_BUFFER_DIMENSIONS];
    zanni_element_t element;
    (void) stub;
    (void) peer;
    const zanni_buffer_t *buffer = buffers [0];
    size_t dimensions = zanni_buffer_array (buffer, &element, shape);
    wrong += record->buffers_count != 1 || !stub_buffer_is (buffer, expected, expected);
    wrong += (uintptr_t) zanni_buffer_data (buffer) % (typed ? 64 : 8) != 0;
    if (typed)
        wrong += element != ZANNI_INT16 || dimensions != 2 || shape [0] != expected / 4 || shape [1] != 2;
    else
        wrong += element != ZANNI_RAW || dimensions != 0;
    expected++;
    return 0;
}

static void
tell_buffer (zanni_buffer_t *buffer)
{
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_TELL, .to = { 1, nonce }, .method = { "see", 3 }, .args = { "\x91\xd4\x02\x00", 4 },
        .buffers_count = 1
    };
    cr_assert_eq (stub_send (&a, to_b, &record, &buffer), 0);
    zanni_buffer_destroy (&buffer);
}

/* Every size up to 70,000 takes long: here those around every edge, and steps between them. */
static void
sweep (void)
{
    b.record = check_buffer;
    int records = 0;
    for (size_t size = 0; size <= 70000; size += size < 300 || (size > 7900 && size < 8300) ? 1 : 97) {
        zanni_buffer_t *buffer = stub_buffer (&a, size, size);
        const uint64_t shape [2] = { size / 4, 2 };
        if (typed)
            cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_INT16, 2, shape), 0);
        expected = size;
        tell_buffer (buffer);
        wait_for (++records);
    }
    cr_assert_eq (wrong, 0);
}

Test (frames, of_every_size_arrive_whole_and_aligned)
{
    sweep ();
}

Test (frames, with_a_shape_are_aligned_to_64)
{
    typed = true;
    sweep ();
}

Test (frames, of_any_position_in_a_batch_are_aligned)
{
    b.record = check_buffer;
    expected = 1;
    for (size_t size = 1; size <= 3000; size++)
        tell_buffer (stub_buffer (&a, size, size));
    wait_for (3000);
    cr_assert_eq (wrong, 0);
}

Test (frames, are_cut_above_a_mebibyte)
{
    static const size_t sizes [] = { 1 << 20, (1 << 20) + 1, (2 << 20) - 1, 3000000, 20 << 20 };
    b.record = check_buffer;
    for (int i = 0; i < 5; i++) {
        expected = sizes [i];
        typed = i % 2;
        zanni_buffer_t *buffer = stub_buffer (&a, expected, expected);
        const uint64_t shape [2] = { expected / 4, 2 };
        if (typed)
            cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_INT16, 2, shape), 0);
        tell_buffer (buffer);
        wait_for (i + 1);
        cr_assert_eq (wrong, 0, "%zu", sizes [i]);
    }
}

static int
check_many (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    (void) stub;
    (void) peer;
    wrong += record->buffers_count != expected;
    for (uint32_t i = 0; i < record->buffers_count; i++)
        wrong += !stub_buffer_is (buffers [i], 10 + i, i);
    return 0;
}

Test (frames, more_than_a_message_has_come_in_chunks)
{
    static zanni_buffer_t *buffers [ZANNI_WIRE_TABLE_MAX];
    b.record = check_many;
    int records = 0;
    for (uint32_t count = 62; count <= 1024; count = count < 67 ? count + 1 : 1024 + (count == 1024)) {
        for (uint32_t i = 0; i < count; i++)
            buffers [i] = stub_buffer (&a, 10 + i, i);
        const zanni_record_t record = {
            .kind = ZANNI_RECORD_TELL, .to = { 1, nonce }, .method = { "see", 3 }, .args = { "\x90", 1 },
            .buffers_count = count
        };
        expected = count;
        cr_assert_eq (stub_send (&a, to_b, &record, buffers), 0);
        for (uint32_t i = 0; i < count; i++)
            zanni_buffer_destroy (&buffers [i]);
        wait_for (++records);
        cr_assert_eq (wrong, 0, "%u", count);
    }
}

static int
check_args (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    (void) stub;
    (void) peer;
    (void) buffers;
    const uint8_t *bytes = record->args.data;
    wrong += record->args.size != expected;
    for (size_t i = 0; i < record->args.size; i++)
        wrong += bytes [i] != (uint8_t) (i * 13);
    return 0;
}

Test (frames, arguments_of_every_size_arrive)
{
    static const size_t sizes [] = { 1, 4095, 4096, 4097, 65536, 1 << 20, (1 << 20) + 1, 5 << 20 };
    static uint8_t args [5 << 20];
    b.record = check_args;
    for (size_t i = 0; i < sizeof args; i++)
        args [i] = (uint8_t) (i * 13);
    for (int i = 0; i < 8; i++) {
        const zanni_record_t record = {
            .kind = i % 2 ? ZANNI_RECORD_REPLY : ZANNI_RECORD_TELL, .id = 5, .to = { 1, nonce }, .method = { "see", 3 },
            .args = { args, sizes [i] }
        };
        expected = sizes [i];
        cr_assert_eq (stub_send (&a, to_b, &record, NULL), 0);
        wait_for (i + 1);
        cr_assert_eq (wrong, 0, "%zu", sizes [i]);
    }
}

/* Who told what, in the order in which it came. */
static uint64_t came [64];
static int came_count;

static int
note (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    (void) stub;
    (void) peer;
    (void) buffers;
    if (record->kind == ZANNI_RECORD_TELL)
        came [came_count++] = record->from.actor * 100 + stub_number (record);
    else
        came [came_count++] = record->kind;
    return 0;
}

static int
place_of (uint64_t what)
{
    for (int i = 0; i < came_count; i++)
        if (came [i] == what)
            return i;
    return -1;
}

Test (frames, that_are_cut_hold_up_their_own_sender_only)
{
    b.record = note;
    const zanni_record_t release = { .kind = ZANNI_RECORD_RELEASE, .to = { 1, nonce }, .as.count = 1 };
    cr_assert_eq (stub_tell (&a, to_b, 5, 1, 4 << 20), 0);
    cr_assert_eq (stub_tell (&a, to_b, 5, 2, 0), 0);
    cr_assert_eq (stub_tell (&a, to_b, 6, 3, 0), 0);
    cr_assert_eq (stub_tell (&a, to_b, 5, 4, 10), 0);
    cr_assert_eq (stub_send (&a, to_b, &release, NULL), 0);
    cr_assert_eq (stub_tell (&a, to_b, 7, 5, 2 << 20), 0);
    cr_assert_eq (stub_tell (&a, to_b, 7, 6, 0), 0);
    wait_for (7);
    cr_assert_eq (place_of (603), 0, "another sender passes");
    cr_assert_lt (place_of (501), place_of (502));
    cr_assert_lt (place_of (502), place_of (504));
    cr_assert_lt (place_of (705), place_of (706));
    cr_assert_lt (place_of (504), place_of (ZANNI_RECORD_RELEASE));
    cr_assert_lt (place_of (705), place_of (502), "they take turns, so the smaller is whole first");
}

static void
answer (uint64_t from, size_t size)
{
    zanni_buffer_t *buffer = size ? stub_buffer (&a, size, 0) : NULL;
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_REPLY, .id = 9, .to = { 1, nonce }, .from = { from, nonce }, .args = { "\x90", 1 },
        .buffers_count = size > 0
    };
    cr_assert_eq (stub_send (&a, to_b, &record, &buffer), 0);
    zanni_buffer_destroy (&buffer);
}

Test (frames, that_are_cut_are_not_overtaken_by_answers)
{
    b.record = note;
    cr_assert_eq (stub_tell (&a, to_b, 5, 1, 3 << 20), 0);
    answer (5, 0);
    cr_assert_eq (stub_tell (&a, to_b, 5, 2, 0), 0);
    cr_assert_eq (stub_tell (&a, to_b, 6, 3, 0), 0);
    wait_for (4);
    const uint64_t order [] = { 603, 501, ZANNI_RECORD_REPLY, 502 };
    cr_assert_arr_eq (came, order, sizeof order);
}

static bool
is_acknowledged (void *context)
{
    const zanni__outbox_t *out = context;
    return !(out->charge + out->weight) && zanni__outbox_idle (out);
}

Test (frames, of_answers_that_are_cut_are_not_overtaken)
{
    b.record = note;
    answer (5, 3 << 20);
    cr_assert_eq (stub_tell (&a, to_b, 5, 1, 2 << 20), 0);
    cr_assert_eq (stub_tell (&a, to_b, 5, 2, 100), 0);
    cr_assert_eq (stub_tell (&a, to_b, 6, 3, 0), 0);
    wait_for (4);
    const uint64_t order [] = { 603, ZANNI_RECORD_REPLY, 501, 502 };
    cr_assert_arr_eq (came, order, sizeof order);
    cr_assert (stub_run (both, 2, 5000, is_acknowledged, &((zanni__peer_t *) (void *) to_b)->out));
}

static int
count_record (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    (void) stub;
    (void) peer;
    (void) record;
    (void) buffers;
    return 0;
}

Test (frames, too_large_a_record_is_refused_and_the_session_goes_on)
{
    static zanni_wire_ref_t refs [1000];
    char endpoint [108];
    memset (endpoint, 'x', sizeof endpoint);
    for (int i = 0; i < 1000; i++)
        refs [i] = (zanni_wire_ref_t) { .node = nonce, .nonce = nonce, .endpoint = { endpoint, sizeof endpoint } };
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_TELL, .to = { 1, nonce }, .method = { "see", 3 }, .args = { "\x90", 1 },
        .refs_count = 1000, .refs = refs
    };
    b.record = count_record;
    cr_assert_eq (stub_send (&a, to_b, &record, NULL), ZANNI_ETOOBIG);
    cr_assert_eq (stub_tell (&a, to_b, 5, 1, 0), 0);
    wait_for (1);
    cr_assert_eq (a.downs + b.downs, 0);
}
