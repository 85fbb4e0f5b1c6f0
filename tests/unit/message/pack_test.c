/* Arguments as bytes: golden facts, limits, and what a failure leaves behind. */

#include "support.h"

#include <math.h>

static void
expect_bytes (const zanni_msg_t *msg, const char *bytes, size_t size)
{
    cr_assert_eq (msg->args.size, size);
    cr_assert_arr_eq (msg->args.bytes, bytes, size);
}

#define GOLDEN(bytes, ...)                                                                                    \
    do {                                                                                                      \
        zanni_msg_t *golden = test_packed (__VA_ARGS__);                                                      \
        expect_bytes (golden, bytes, sizeof bytes - 1);                                                       \
        test_free (golden);                                                                                   \
    } while (0)

Test (pack, no_arguments_are_an_empty_array)
{
    zanni_msg_t *msg = test_packed_args (NULL, 0);
    expect_bytes (msg, "\x90", 1);
    test_free (msg);
}

Test (pack, integers_take_their_shortest_form)
{
    GOLDEN ("\x91\x05", 5);
    GOLDEN ("\x91\x7f", 127);
    GOLDEN ("\x91\xcc\x80", 128);
    GOLDEN ("\x91\xcd\x01\x2c", 300);
    GOLDEN ("\x91\xce\x00\x01\x11\x70", 70000);
    GOLDEN ("\x91\xcf\x00\x00\x00\x01\x00\x00\x00\x00", INT64_C (4294967296));
    GOLDEN ("\x91\xff", -1);
    GOLDEN ("\x91\xe0", -32);
    GOLDEN ("\x91\xd0\xdf", -33);
    GOLDEN ("\x91\xd1\xff\x7f", -129);
    GOLDEN ("\x91\xd2\xff\xff\x7f\xff", -32769);
    GOLDEN ("\x91\xd3\x80\x00\x00\x00\x00\x00\x00\x00", INT64_MIN);
    GOLDEN ("\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff", UINT64_MAX);
}

Test (pack, integers_beside_others_take_the_same_form)
{
    GOLDEN ("\x93\xcd\x01\x2c\xd1\xff\x7f\xc3", 300, -129, (bool) true);
    GOLDEN ("\x92\xcc\x80\xa1x", 128u, "x");
}

Test (pack, bools_floats_strings_and_bytes)
{
    GOLDEN ("\x92\xc3\xc2", (bool) true, (bool) false);
    GOLDEN ("\x91\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", 1.5);
    GOLDEN ("\x91\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", 1.5f);
    GOLDEN ("\x92\xa0\xa5hello", "", "hello");
    GOLDEN ("\x91\xc4\x03\x00\x01\xff", ((zanni_bytes_t) { "\x00\x01\xff", 3 }));
    GOLDEN ("\x91\xc4\x00", ((zanni_bytes_t) { NULL, 0 }));
}

Test (pack, strings_take_their_shortest_head)
{
    static const struct {
        size_t size;
        const char *head;
        size_t head_size;
    } cases [] = {
        { 31, "\x91\xbf", 2 }, { 32, "\x91\xd9\x20", 3 }, { 255, "\x91\xd9\xff", 3 },
        { 256, "\x91\xda\x01\x00", 4 }, { 65536, "\x91\xdb\x00\x01\x00\x00", 6 }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = calloc (1, cases [i].size + 1);
        memset (text, 't', cases [i].size);
        zanni_msg_t *msg = test_packed (text);
        cr_assert_eq (msg->args.size, cases [i].head_size + cases [i].size);
        cr_assert_arr_eq (msg->args.bytes, cases [i].head, cases [i].head_size);
        test_free (msg);
        free (text);
    }
}

Test (pack, lists_are_arrays)
{
    GOLDEN ("\x91\x90", zanni_arg_list (NULL, 0));
    GOLDEN ("\x91\x92\x92\xa1" "a\x01\x92\xa1" "b\x02", ZANNI_LIST (ZANNI_LIST ("a", 1), ZANNI_LIST ("b", 2)));
    GOLDEN ("\x91\x92\x01\xcd\x01\x2c", zanni_arg_ints ((const int64_t []) { 1, 300 }, 2));
    GOLDEN ("\x91\x91\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", zanni_arg_doubles ((const double []) { 1.5 }, 1));
    GOLDEN ("\x91\x92\xa1x\xa0", zanni_arg_strings ((const char *const []) { "x", "" }, 2));
}

Test (pack, sixteen_arguments_have_a_longer_head)
{
    GOLDEN ("\x9f\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    GOLDEN ("\xdc\x00\x10\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10",
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
}

Test (pack, references_and_buffers_are_indices_into_the_table)
{
    zanni_buffer_t *one = NULL, *two = NULL;
    cr_assert_eq (zanni__buffer_wrap (&one, (void *) (uintptr_t) "one", 3, NULL, NULL), 0);
    cr_assert_eq (zanni__buffer_wrap (&two, (void *) (uintptr_t) "two", 3, NULL, NULL), 0);
    zanni_msg_t *msg = test_packed (one, test_ref (1), two, ZANNI_LIST (test_ref (2), 7));
    expect_bytes (msg, "\x94\xd4\x02\x00\xd4\x01\x00\xd4\x02\x01\x92\xd4\x01\x01\x07", 15);
    cr_assert_eq (msg->args.refs, 2);
    cr_assert_eq (msg->args.buffers, 2);
    cr_assert_eq (msg->args.table [0], test_ref (1));
    cr_assert_eq (msg->args.table [1], test_ref (2));
    cr_assert_eq (msg->args.table [2], one);
    cr_assert_eq (msg->args.table [3], two);
    test_free (msg);
    zanni_buffer_destroy (&one);
    zanni_buffer_destroy (&two);
}

Test (pack, an_index_from_256_on_takes_two_bytes)
{
    zanni_arg_t refs [300];
    for (uintptr_t i = 0; i < 300; i++)
        refs [i] = zanni_arg_ref (test_ref (i + 1));
    zanni_msg_t *msg = test_packed (zanni_arg_list (refs, 300));
    cr_assert_eq (msg->args.size, 4 + 256 * 3 + 44 * 4);
    cr_assert_arr_eq (msg->args.bytes + 4 + 255 * 3, "\xd4\x01\xff\xd5\x01\x01\x00", 7);
    cr_assert_eq (msg->args.table [299], test_ref (300));
    test_free (msg);
    cr_assert_eq (test_refs.kept, 0);
}

Test (pack, bound_methods_hold_an_index_and_a_name)
{
    zanni_bound_t bound = { test_ref (3), "add" };
    zanni_msg_t *msg = test_packed (&bound);
    expect_bytes (msg, "\x91\xc7\x06\x04\x92\x00\xa3" "add", 10);
    cr_assert_eq (msg->args.refs, 1);
    test_free (msg);
}

Test (pack, a_ready_made_value_is_copied_as_it_is)
{
    GOLDEN ("\x92\x82\x01\x02\x03\xc0\x01", ((zanni_packed_t) { "\x82\x01\x02\x03\xc0", 5 }), 1);
    GOLDEN ("\x91\xd7\xff\0\0\0\0\0\0\0\1", ((zanni_packed_t) { "\xd7\xff\0\0\0\0\0\0\0\1", 10 }));
}

Test (pack, a_ready_made_value_must_be_exactly_one)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases [] = {
        { "", 0 }, { "\x01\x02", 2 }, { "\x92\x01", 2 }, { "\xc1", 1 }, { "\xa3" "ab", 3 }, { "\x91\xcd\x01", 3 }
    };
    zanni_msg_t *msg = test_message ();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq (test_pack (msg, ((zanni_packed_t) { cases [i].bytes, cases [i].size })), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, ((zanni_packed_t) { NULL, 1 })), ZANNI_EARGS);
    zanni__free (msg);
}

Test (pack, a_ready_made_value_cannot_point_into_the_table)
{
    static const char *const values [] = { "\xd4\x01\x00", "\xd4\x02\x00", "\xd4\x04\x00" };
    zanni_msg_t *msg = test_message ();
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq (test_pack (msg, test_ref (1), ((zanni_packed_t) { values [i], 3 })), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, ((zanni_packed_t) { "\x91\x91\xd4\x01\x00", 5 })), ZANNI_EARGS);
    cr_assert_eq (test_refs.kept, 0);
    zanni__free (msg);
}

Test (pack, a_ready_made_value_may_be_as_deep_as_readers_go)
{
    uint8_t nested [40];
    memset (nested, 0x91, sizeof nested);
    nested [32] = 0xc0;
    zanni_msg_t *msg = test_packed (((zanni_packed_t) { nested, 33 }));
    test_free (msg);
    msg = test_message ();
    cr_assert_eq (test_pack (msg, ZANNI_LIST (((zanni_packed_t) { nested, 33 }))), ZANNI_EARGS);
    zanni__free (msg);
}

Test (pack, what_is_wrong_is_refused)
{
    zanni_msg_t *msg = test_message ();
    zanni_arg_t unknown = { 99, 0, { 0 } }, none = { 0, 0, { 0 } };
    zanni_bound_t no_ref = { NULL, "add" }, no_method = { test_ref (1), NULL };
    zanni_bound_t bad_method = { test_ref (1), "\xff" };
    cr_assert_eq (test_pack (msg, (const char *) NULL), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, "\xff"), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, 1, "\xc3("), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, (zanni_ref_t *) NULL), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, (zanni_buffer_t *) NULL), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, (zanni_bound_t *) NULL), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, &no_ref), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, &no_method), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, &bad_method), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, zanni_arg_bytes (NULL, 1)), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, zanni_arg_ints (NULL, 1)), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, zanni_arg_doubles (NULL, 1)), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, zanni_arg_strings (NULL, 1)), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, zanni_arg_strings ((const char *const []) { NULL }, 1)), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, zanni_arg_list (NULL, 1)), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, unknown), ZANNI_EARGS);
    cr_assert_eq (test_pack (msg, none), ZANNI_EARGS);
    cr_assert_eq (test_refs.kept, 0);
    zanni__free (msg);
}

Test (pack, lists_nest_eight_deep)
{
    zanni_arg_t nested [10];
    zanni_msg_t *msg = test_message ();
    nested [0] = zanni_arg_int (1);
    for (size_t depth = 1; depth < 10; depth++) {
        nested [depth] = zanni_arg_list (&nested [depth - 1], 1);
        cr_assert_eq (test_pack_args (msg, &nested [depth], 1), depth <= 8 ? 0 : ZANNI_ETOOBIG);
    }
    nested [0] = zanni_arg_ints ((const int64_t []) { 1 }, 1);
    cr_assert_eq (test_pack_args (msg, &nested [7], 1), 0);
    cr_assert_eq (test_pack_args (msg, &nested [8], 1), ZANNI_ETOOBIG);
    zanni__free (msg);
}

Test (pack, handles_too_deep_are_refused_without_being_kept)
{
    zanni_arg_t nested [10] = { zanni_arg_ref (test_ref (1)) };
    zanni_msg_t *msg = test_message ();
    for (size_t depth = 1; depth < 10; depth++)
        nested [depth] = zanni_arg_list (&nested [depth - 1], 1);
    cr_assert_eq (test_pack (msg, test_ref (2), nested [9]), ZANNI_ETOOBIG);
    cr_assert_eq (test_refs.kept, 0);
    zanni__free (msg);
}

Test (pack, more_bytes_than_32_bits_count_are_refused)
{
    zanni_msg_t *msg = test_message ();
    cr_assert_eq (test_pack (msg, zanni_arg_bytes ("x", (size_t) UINT32_MAX + 1)), ZANNI_ETOOBIG);
    cr_assert_eq (test_pack (msg, zanni_arg_bytes ("x", UINT32_MAX)), ZANNI_ETOOBIG);   // its head counts, too
    cr_assert_eq (test_pack (msg, ((zanni_packed_t) { "x", (size_t) UINT32_MAX + 1 })), ZANNI_ETOOBIG);
    cr_assert_eq (test_pack (msg, zanni_arg_list (&(zanni_arg_t) { 0 }, (size_t) UINT32_MAX + 1)), ZANNI_ETOOBIG);
    zanni__free (msg);
}

Test (pack, more_handles_than_the_table_counts_are_refused)
{
    size_t count = ZANNI__TABLE_MAX + 1;
    zanni_arg_t *refs = calloc (count, sizeof *refs);
    for (size_t i = 0; i < count; i++)
        refs [i] = zanni_arg_ref (test_ref (i + 1));
    zanni_msg_t *msg = test_message ();
    cr_assert_eq (test_pack (msg, zanni_arg_list (refs, count)), ZANNI_ETOOBIG);
    cr_assert_eq (test_refs.kept, 0);
    cr_assert_eq (test_pack (msg, zanni_arg_list (refs, count - 1)), 0);
    cr_assert_eq (test_refs.kept, ZANNI__TABLE_MAX);
    test_free (msg);
    cr_assert_eq (test_refs.kept, 0);
    free (refs);
}

Test (pack, references_need_hooks)
{
    uint8_t room [64];
    zanni__pack_t pack = { room, sizeof room, NULL };
    zanni__args_t args;
    zanni__payload_t *payload;
    cr_assert_eq (zanni__args_pack (&args, &payload, &pack, ZANNI_ARGS (test_ref (1))), ZANNI_EARGS);
}

Test (pack, what_fits_the_room_lies_there)
{
    zanni_msg_t *msg = test_packed ("text", 1);
    cr_assert_null (msg->payload);
    cr_assert_eq (msg->args.bytes, msg->room);
    test_free (msg);
}

/* Packs a string of `length` and a reference into a room of `room_size`. */
static void
pack_into (size_t room_size, size_t length)
{
    uint64_t *room = malloc (room_size + 8);
    char *text = calloc (1, length + 1);
    memset (text, 'x', length);
    memset (room, 0xee, room_size + 8);
    zanni__pack_t pack = { (uint8_t *) room, room_size, &test_hooks };
    zanni__args_t args;
    zanni__payload_t *payload;
    cr_assert_eq (zanni__args_pack (&args, &payload, &pack, ZANNI_ARGS (text, test_ref (5), 300)), 0);
    cr_assert_eq (args.table [0], test_ref (5));
    cr_assert_eq (args.bytes [0], 0x93);
    cr_assert_arr_eq (args.bytes + args.size - 6, "\xd4\x01\x00\xcd\x01\x2c", 6);
    cr_assert_eq (((uint8_t *) room) [room_size], 0xee);
    cr_assert_eq ((uintptr_t) args.table % sizeof (void *), 0);
    zanni__args_release (&args, payload, &test_hooks);
    free (text);
    free (room);
}

Test (pack, bytes_and_table_fit_any_room)
{
    for (size_t room_size = 0; room_size < 100; room_size++)
        for (size_t length = 0; length < 100; length += 3)
            pack_into (room_size, length);
    cr_assert_eq (test_refs.kept, 0);
}

Test (pack, many_large_arguments_grow_a_payload)
{
    size_t length = 100000;
    char *text = calloc (1, length + 1);
    memset (text, 'x', length);
    zanni_msg_t *msg = test_packed (test_ref (1), text, test_ref (2), text, text, text);
    cr_assert_not_null (msg->payload);
    cr_assert_eq (msg->args.size, 1 + 2 * 3 + 4 * (5 + length));
    cr_assert_eq (msg->args.table [1], test_ref (2));
    cr_assert_eq (msg->payload->args.bytes, msg->args.bytes);
    test_free (msg);
    cr_assert_eq (test_refs.kept, 0);
    free (text);
}

Test (pack, a_payload_goes_with_its_last_user, .init = faults_install)
{
    uint8_t room [1];
    zanni__pack_t pack = { room, 0, &test_hooks };
    zanni__args_t args;
    zanni__payload_t *payload;
    cr_assert_eq (zanni__args_pack (&args, &payload, &pack, ZANNI_ARGS (test_ref (1))), 0);
    atomic_fetch_add (&payload->users, 1);
    zanni__args_release (&args, payload, &test_hooks);
    cr_assert_eq (test_refs.kept, 1);
    zanni__args_release (&args, payload, &test_hooks);
    cr_assert_eq (test_refs.kept, 0);
    cr_assert_eq (faults_held (), 0);
}

Test (pack, arguments_move_from_the_room_into_a_payload, .init = faults_install)
{
    zanni_msg_t *msg = test_packed (test_ref (1), "text");
    faults_fail (1, 0);
    cr_assert_eq (zanni__args_to_payload (&msg->args, &msg->payload), ZANNI_ENOMEM);
    cr_assert_eq (msg->args.bytes, msg->room);
    cr_assert_eq (zanni__args_to_payload (&msg->args, &msg->payload), 0);
    cr_assert_not_null (msg->payload);
    memset (msg->room, 0xee, ZANNI__MESSAGE_ROOM);
    expect_bytes (msg, "\x92\xd4\x01\x00\xa4text", 9);
    cr_assert_eq (msg->args.table [0], test_ref (1));
    test_free (msg);
    cr_assert_eq (test_refs.kept, 0);
    cr_assert_eq (faults_held (), 0);
}

Test (pack, a_copy_has_handles_of_its_own, .init = faults_install)
{
    zanni_buffer_t *buffer = NULL;
    zanni__args_t args = { 0 };
    zanni__payload_t *payload = NULL;
    cr_assert_eq (zanni__buffer_wrap (&buffer, (void *) (uintptr_t) "x", 1, NULL, NULL), 0);
    zanni_msg_t *msg = test_packed (test_ref (1), test_ref (2), buffer);
    faults_fail (1, 0);
    cr_assert_eq (zanni__args_copy (&args, &payload, &msg->args, &test_hooks), ZANNI_ENOMEM);
    test_refs.limit = 1;
    cr_assert_eq (zanni__args_copy (&args, &payload, &msg->args, &test_hooks), ZANNI_ENOMEM);
    cr_assert_eq (test_refs.kept, 2);
    cr_assert_null (payload);
    test_refs.limit = 2;
    cr_assert_eq (zanni__args_copy (&args, &payload, &msg->args, &test_hooks), 0);
    cr_assert_eq (test_refs.kept, 4);
    cr_assert_eq (atomic_load (&buffer->users), 3);
    cr_assert (args.size == msg->args.size && !memcmp (args.bytes, msg->args.bytes, args.size));
    test_free (msg);
    cr_assert_eq (args.table [1], test_ref (2));
    zanni__args_release (&args, payload, &test_hooks);
    cr_assert_eq (test_refs.kept, 0);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (faults_held (), 0);
}

Test (pack, weight_is_argument_bytes_and_buffers)
{
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni__buffer_wrap (&buffer, (void *) (uintptr_t) "0123456789", 10, NULL, NULL), 0);
    zanni_msg_t *msg = test_packed (1, buffer, buffer, test_ref (1));
    cr_assert_eq (zanni__args_weight (&msg->args), msg->args.size + 20);
    test_free (msg);
    zanni_buffer_destroy (&buffer);
}

Test (pack, weight_stops_at_what_32_bits_count)
{
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni__buffer_wrap (&buffer, (void *) (uintptr_t) "x", (size_t) 1 << 33, NULL, NULL), 0);
    zanni_msg_t *msg = test_packed (buffer);
    cr_assert_eq (zanni__args_weight (&msg->args), UINT32_MAX);
    test_free (msg);
    zanni_buffer_destroy (&buffer);
}

Test (pack, a_failed_allocation_leaves_nothing_behind, .init = faults_install)
{
    char text [2000] = { 0 };
    memset (text, 'x', sizeof text - 1);
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni__buffer_wrap (&buffer, text, sizeof text, NULL, NULL), 0);
    zanni_msg_t *msg = test_message ();
    long held = faults_held ();
    int rc = ZANNI_ENOMEM;
    long failing = 0;
    for (; rc; failing++) {
        faults_fail (failing + 1, 0);
        rc = test_pack (msg, test_ref (1), text, buffer, test_ref (2), text, text, text);
        cr_assert (!rc || rc == ZANNI_ENOMEM);
        cr_assert (!rc || faults_held () == held);
        cr_assert (!rc || !test_refs.kept);
        cr_assert_eq (atomic_load (&buffer->users), rc ? 1 : 2);
    }
    faults_fail (0, 0);
    cr_assert_gt (failing, 2);
    test_free (msg);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (faults_held (), 0);
}

Test (pack, a_reference_that_cannot_be_kept_undoes_the_others)
{
    zanni_msg_t *msg = test_message ();
    for (int limit = 0; limit < 3; limit++) {
        test_refs.limit = limit;
        int rc = test_pack (msg, test_ref (1), ZANNI_LIST (test_ref (2)), test_ref (3));
        cr_assert_eq (rc, ZANNI_ENOMEM);
        cr_assert_eq (test_refs.kept, 0);
    }
    zanni__free (msg);
}
