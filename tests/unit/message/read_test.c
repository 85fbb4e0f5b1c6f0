/* Reading: what goes where, all or none, levels, and faults. */

#include "kinds.h"
#include "support.h"

#include <math.h>
#include <zanni/store.h>

#define FAILS(msg, expected, ...)                                                                             \
    do {                                                                                                      \
        cr_assert_eq (zanni_read (msg, __VA_ARGS__), ZANNI_EARGS);                                            \
        cr_assert_str_eq (zanni_msg_fault (msg), expected);                                                   \
    } while (0)

Test (read, numbers_come_back)
{
    static const int64_t numbers [] = {
        0, 1, 127, 128, 255, 256, 65536, INT32_MAX, UINT32_MAX, INT64_MAX, -1, -32, -33, -129, INT32_MIN, INT64_MIN
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        zanni_msg_t *msg = test_packed (numbers [i], numbers [i], 1);
        int64_t one = 0;
        long long two = 0;
        int last = 0;
        cr_assert_eq (zanni_read (msg, &one), 0);
        cr_assert_eq (zanni_read (msg, &two, &last), 0);
        cr_assert_eq (one, numbers [i]);
        cr_assert_eq (two, numbers [i]);
        cr_assert_eq (last, 1);
        test_free (msg);
    }
}

Test (read, every_type_comes_back)
{
    zanni_buffer_t *sent = NULL;
    zanni_bound_t sent_bound = { test_ref (2), "add" };
    zanni_blob_t sent_blob = { .store = UINT64_MAX - 1, .id = "fifteen letters", .size = 1u << 31, .checksum = 5 };
    zanni_blob_t blob = { .size = 0 };
    cr_assert_eq (zanni__buffer_wrap (&sent, &sent_bound, 4, NULL, NULL), 0);
    zanni_msg_t *msg = test_packed ((bool) true, 200u, -5, 4000000000u, INT64_MIN, UINT64_MAX, 0.1, "text",
                                    zanni_arg_bytes ("a\0b", 3), test_ref (1), sent, &sent_bound, &sent_blob);
    bool flag = false;
    uint8_t byte = 0;
    int32_t i = 0;
    uint32_t u = 0;
    int64_t x = 0;
    uint64_t t = 0;
    double d = 0;
    const char *text = NULL;
    zanni_bytes_t bytes = { NULL, 0 };
    const zanni_ref_t *ref = NULL;
    const zanni_buffer_t *buffer = NULL;
    zanni_bound_t bound = { NULL, NULL };
    int rc = zanni_read (msg, &flag, &byte, &i, &u, &x, &t, &d, &text, &bytes, &ref, &buffer, &bound, &blob);
    cr_assert_eq (rc, 0);
    cr_assert_eq (memcmp (&blob, &sent_blob, sizeof blob), 0);
    cr_assert (flag);
    cr_assert_eq (byte, 200);
    cr_assert_eq (i, -5);
    cr_assert_eq (u, 4000000000u);
    cr_assert_eq (x, INT64_MIN);
    cr_assert_eq (t, UINT64_MAX);
    cr_assert_eq (d, 0.1);
    cr_assert_str_eq (text, "text");
    cr_assert_eq (bytes.size, 3);
    cr_assert_arr_eq (bytes.data, "a\0b", 3);
    cr_assert_eq (ref, test_ref (1));
    cr_assert_eq (buffer, sent);
    cr_assert_eq (bound.ref, test_ref (2));
    cr_assert_str_eq (bound.method, "add");
    cr_assert_not (zanni_more (msg));
    test_free (msg);
    zanni_buffer_destroy (&sent);
}

/* What a read into each kind of place gives for a value: as int64 where it is a number. */
static int
read_as (zanni_msg_t *msg, uint32_t tag, double *number)
{
    union {
        bool b;
        uint8_t byte;
        int32_t i;
        uint32_t u;
        int64_t x;
        uint64_t t;
        double d;
        char room [16];
    } place;
    zanni_out_t out = { tag, &place };
    memset (&place, 0xcd, sizeof place);
    int rc = zanni_read_args (msg, &out, 1);
    switch (rc ? 0 : tag) {
    case ZANNI_OUT_BOOL: *number = place.b; break;
    case ZANNI_OUT_UINT8: *number = place.byte; break;
    case ZANNI_OUT_INT32: *number = place.i; break;
    case ZANNI_OUT_UINT32: *number = place.u; break;
    case ZANNI_OUT_INT64: *number = (double) place.x; break;
    case ZANNI_OUT_UINT64: *number = (double) place.t; break;
    case ZANNI_OUT_DOUBLE: *number = place.d; break;
    default: break;
    }
    static const size_t widths [] = { [ZANNI_OUT_BOOL] = 1,  [ZANNI_OUT_UINT8] = 1,  [ZANNI_OUT_INT32] = 4,
                                      [ZANNI_OUT_UINT32] = 4, [ZANNI_OUT_INT64] = 8,  [ZANNI_OUT_UINT64] = 8,
                                      [ZANNI_OUT_DOUBLE] = 8, [ZANNI_OUT_STRING] = 8, [ZANNI_OUT_BYTES] = 16,
                                      [ZANNI_OUT_REF] = 8,    [ZANNI_OUT_BUFFER] = 8, [ZANNI_OUT_PACKED] = 16,
                                      [ZANNI_OUT_BOUND] = 16 };
    for (size_t i = rc ? 0 : widths [tag]; i < sizeof place; i++)
        cr_assert_eq ((uint8_t) place.room [i], 0xcd, "wrote past its place, or though it failed");
    return rc;
}

/* One value of each kind, and the places that take it: b y i u x t d s, Y bytes, r, B, v, M. */
#define PLACES "byiuxtdsYrBvM"

static size_t
kinds (zanni_arg_t *values, const char **places)
{
    static zanni_bound_t bound;
    static zanni_buffer_t *buffer;
    static const int64_t numbers [] = { 1, 2 };
    size_t i = 0;
    bound = (zanni_bound_t) { test_ref (9), "add" };
    if (!buffer)
        cr_assert_eq (zanni__buffer_wrap (&buffer, &bound, sizeof bound, NULL, NULL), 0);
#define KIND(taken, ...) places [i] = taken, values [i++] = __VA_ARGS__
    NUMBERS (KIND)
    KIND ("sYv", ZANNI_ARG ("text"));
    KIND ("sYv", ZANNI_ARG (""));
    KIND ("Yv", zanni_arg_bytes ("abc", 3));
    KIND ("v", zanni_arg_ints (numbers, 2));
    KIND ("v", zanni_arg_list (NULL, 0));
    KIND ("v", zanni_arg_packed ((zanni_packed_t) { "\xc0", 1 }));
    KIND ("v", zanni_arg_packed ((zanni_packed_t) { "\x81\x01\x02", 3 }));
    KIND ("v", zanni_arg_packed ((zanni_packed_t) { "\xd4\x09\x00", 3 }));
    KIND ("dv", zanni_arg_packed ((zanni_packed_t) { "\xca\x3f\x00\x00\x00", 5 }));
    KIND ("rv", ZANNI_ARG (test_ref (1)));
    KIND ("Bv", ZANNI_ARG (buffer));
    KIND ("Mv", ZANNI_ARG (&bound));
#undef KIND
    return i;
}

Test (read, each_place_takes_what_it_should_and_nothing_else)
{
    zanni_arg_t values [40];
    const char *places [40];
    size_t count = kinds (values, places);
    for (size_t i = 0; i < count; i++)
        for (uint32_t tag = ZANNI_OUT_BOOL; tag <= ZANNI_OUT_BOUND; tag++) {
            zanni_msg_t *msg = test_packed_args (&values [i], 1);
            double number = 0;
            int expected = strchr (places [i], PLACES [tag - 1]) ? 0 : ZANNI_EARGS;
            cr_assert_eq (read_as (msg, tag, &number), expected, "value %zu into %c", i, PLACES [tag - 1]);
            if (!expected && tag <= ZANNI_OUT_DOUBLE && values [i].tag == ZANNI_ARG_INT)
                cr_assert_eq (number, (double) values [i].value.i);
            cr_assert_eq (zanni_more (msg), expected != 0);
            cr_assert_eq (*zanni_msg_fault (msg) != 0, expected != 0);
            test_free (msg);
        }
}

Test (read, a_failed_read_takes_and_moves_nothing)
{
    zanni_msg_t *msg = test_packed (1, 2, "three");
    int64_t one = -1, two = -1;
    int three = -1;
    FAILS (msg, "argument 3 is a string, int32 was wanted", &one, &two, &three);
    cr_assert_eq (one, -1);
    cr_assert_eq (two, -1);
    cr_assert_eq (three, -1);
    cr_assert_eq (zanni_read (msg, &one), 0);
    cr_assert_eq (one, 1);
    FAILS (msg, "argument 3 is a string, int32 was wanted", &two, &three);
    cr_assert_eq (zanni_read (msg, &two), 0);
    cr_assert_eq (two, 2);
    test_free (msg);
}

Test (read, a_fault_names_position_and_both_types)
{
    zanni_msg_t *msg = test_packed ("one", 300, test_ref (1));
    int64_t x;
    uint8_t byte;
    const char *text;
    bool flag;
    zanni_bytes_t bytes;
    cr_assert_str_eq (zanni_msg_fault (msg), "");
    FAILS (msg, "argument 1 is a string, int64 was wanted", &x);
    FAILS (msg, "argument 2 is an integer that does not fit, byte was wanted", &text, &byte);
    FAILS (msg, "argument 2 is an integer that does not fit, bool was wanted", &text, &flag);
    FAILS (msg, "argument 3 is a reference, bytes was wanted", &text, &x, &bytes);
    cr_assert_eq (zanni_skip (msg), 0);
    cr_assert_eq (zanni_skip (msg), 0);
    FAILS (msg, "argument 3 is a reference, string was wanted", &text);
    test_free (msg);
}

Test (read, past_the_end_is_a_fault)
{
    zanni_msg_t *msg = test_packed (1);
    int64_t one = 0, two = 0;
    FAILS (msg, "argument 2 is missing, int64 was wanted", &one, &two);
    cr_assert_eq (zanni_read (msg, &one), 0);
    FAILS (msg, "argument 2 is missing, int64 was wanted", &two);
    cr_assert_eq (zanni_skip (msg), ZANNI_EARGS);
    size_t count;
    cr_assert_eq (zanni_enter (msg, &count), ZANNI_EARGS);
    test_free (msg);
}

Test (read, of_a_message_without_arguments_is_a_fault)
{
    zanni_msg_t *msg = test_packed_args (NULL, 0);
    int64_t x;
    for (int i = 0; i < 2; i++) {
        cr_assert_not (zanni_more (msg));
        FAILS (msg, "argument 1 is missing, int64 was wanted", &x);
        msg->args.size = 0;
        msg->args.bytes = NULL;
    }
    cr_assert_eq (zanni_read_args (msg, NULL, 0), 0);
    test_free (msg);
}

Test (read, an_unknown_place_is_invalid)
{
    zanni_msg_t *msg = test_packed (1);
    int64_t x;
    cr_assert_eq (zanni_read_args (msg, &(zanni_out_t) { 0, &x }, 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_read_args (msg, &(zanni_out_t) { 99, &x }, 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_read (msg, &x), 0);
    test_free (msg);
}

Test (read, more_places_than_a_signature_has_types_are_invalid)
{
    zanni_msg_t *msg = test_packed (1);
    zanni_out_t outs [65];
    int64_t numbers [65];
    for (int i = 0; i < 65; i++)
        outs [i] = (zanni_out_t) { ZANNI_OUT_INT64, &numbers [i] };
    cr_assert_eq (zanni_read_args (msg, outs, 65), ZANNI_EINVAL);
    cr_assert_eq (zanni_read_args (msg, outs, 64), ZANNI_EARGS);
    test_free (msg);
}

Test (read, rewind_goes_back_before_the_first)
{
    zanni_msg_t *msg = test_packed (1, ZANNI_LIST (2));
    int64_t x = 0;
    size_t count;
    cr_assert_eq (zanni_read (msg, &x), 0);
    cr_assert_eq (zanni_enter (msg, &count), 0);
    zanni_rewind (msg);
    cr_assert_eq (zanni_read (msg, &x), 0);
    cr_assert_eq (x, 1);
    cr_assert_eq (zanni_leave (msg), ZANNI_EINVAL);
    test_free (msg);
}

Test (read, strings_end_with_nul_and_stay)
{
    zanni_msg_t *msg = test_packed ("one", "", "three", 4);
    const char *one, *two, *three;
    cr_assert_eq (zanni_read (msg, &one, &two, &three), 0);
    cr_assert_str_eq (one, "one");
    cr_assert_str_eq (two, "");
    cr_assert_str_eq (three, "three");
    zanni_rewind (msg);
    const char *again;
    cr_assert_eq (zanni_read (msg, &again), 0);
    cr_assert_str_eq (one, "one");
    cr_assert_str_eq (again, "one");
    cr_assert_eq (msg->args.bytes [5], 0xa0, "argument bytes are never rewritten");
    test_free (msg);
}

Test (read, short_strings_need_no_allocation, .init = faults_install)
{
    zanni_msg_t *msg = test_packed ("a string of fifty bytes, which is a usual length..", test_ref (1));
    long held = faults_held ();
    const char *text;
    const zanni_ref_t *ref;
    cr_assert_eq (zanni_read (msg, &text, &ref), 0);
    cr_assert_eq (faults_held (), held);
    cr_assert_eq (ref, test_ref (1), "the table is whole");
    test_free (msg);
}

Test (read, strings_never_meet_the_arguments_or_the_table, .init = faults_install)
{
    for (size_t length = 0; length < 400; length++) {
        char text [400] = { 0 };
        memset (text, 'x', length);
        zanni_msg_t *msg = test_packed (text, test_ref (1), "end");
        for (int round = 0; round < 3; round++) {
            const char *copy, *end;
            const zanni_ref_t *ref;
            zanni_rewind (msg);
            cr_assert_eq (zanni_read (msg, &copy, &ref, &end), 0);
            cr_assert_str_eq (copy, text);
            cr_assert_str_eq (end, "end");
            cr_assert_eq (ref, test_ref (1));
        }
        test_free (msg);
    }
    cr_assert_eq (faults_held (), 0);
}

Test (read, strings_keep_clear_of_what_stands_before_the_arguments)
{
    zanni_msg_t *msg = test_message ();
    strcpy ((char *) msg->room, "method");
    msg->room_used = 8;
    zanni__pack_t pack = { msg->room + 8, ZANNI__MESSAGE_ROOM - 8, &test_hooks };
    cr_assert_eq (zanni__args_pack (&msg->args, &msg->payload, &pack, ZANNI_ARGS ("text", 5)), 0);
    msg->room_used += msg->args.size;
    const char *text;
    int five = 0;
    cr_assert_eq (zanni_read (msg, &text, &five), 0);
    cr_assert_str_eq (text, "text");
    cr_assert_str_eq ((char *) msg->room, "method");
    cr_assert_eq (five, 5);
    test_free (msg);
}

Test (read, a_string_without_memory_for_its_copy_takes_nothing, .init = faults_install)
{
    char text [1000] = { 0 };
    memset (text, 'x', sizeof text - 1);
    zanni_msg_t *msg = test_packed (1, text);
    int rc = ZANNI_ENOMEM;
    for (long failing = 0; rc; failing++) {
        const char *copy = NULL;
        int one = 0;
        faults_fail (failing + 1, 0);
        rc = zanni_read (msg, &one, &copy);
        cr_assert (!rc || rc == ZANNI_ENOMEM);
        cr_assert_eq (one, !rc);
        cr_assert (rc ? !copy : !strcmp (copy, text));
    }
    faults_fail (0, 0);
    test_free (msg);
    cr_assert_eq (faults_held (), 0);
}

Test (read, a_fault_without_memory_is_empty, .init = faults_install)
{
    zanni_msg_t *msg = test_packed (1);
    const char *text;
    faults_fail (1, 0);
    cr_assert_eq (zanni_read (msg, &text), ZANNI_EARGS);
    cr_assert_str_eq (zanni_msg_fault (msg), "");
    FAILS (msg, "argument 1 is an integer, string was wanted", &text);
    test_free (msg);
}

Test (read, bytes_may_be_a_string)
{
    zanni_msg_t *msg = test_packed ("text");
    zanni_bytes_t bytes;
    cr_assert_eq (zanni_read (msg, &bytes), 0);
    cr_assert_eq (bytes.size, 4);
    cr_assert_arr_eq (bytes.data, "text", 4);
    test_free (msg);
}

Test (read, any_value_comes_as_it_is_packed)
{
    zanni_msg_t *msg = test_packed (300, ZANNI_LIST (1, "x"), "y");
    zanni_packed_t number, list, text;
    cr_assert_eq (zanni_read (msg, &number, &list, &text), 0);
    cr_assert_eq (number.size, 3);
    cr_assert_arr_eq (number.data, "\xcd\x01\x2c", 3);
    cr_assert_eq (list.size, 4);
    cr_assert_arr_eq (list.data, "\x92\x01\xa1x", 4);
    zanni_msg_t *again = test_packed (list, text);
    cr_assert_eq (again->args.size, 7);
    test_free (again);
    test_free (msg);
}

Test (read, a_float32_widens)
{
    zanni_msg_t *msg = test_foreign ("\x91\xca\x3f\xc0\x00\x00", 6);
    double d = 0;
    cr_assert_eq (zanni_read (msg, &d), 0);
    cr_assert_eq (d, 1.5);
    test_foreign_free (msg);
}

Test (read, nan_and_infinity_come_back)
{
    zanni_msg_t *msg = test_packed ((double) NAN, (double) INFINITY, -0.0);
    double nan, infinity, zero;
    cr_assert_eq (zanni_read (msg, &nan, &infinity, &zero), 0);
    cr_assert (isnan (nan));
    cr_assert (isinf (infinity));
    cr_assert (signbit (zero));
    test_free (msg);
}

Test (enter, yields_the_items_one_level_down)
{
    zanni_msg_t *msg = test_packed (ZANNI_LIST (ZANNI_LIST ("one", 1), ZANNI_LIST ("two", 2)), "behind");
    size_t count = 0, members = 0;
    cr_assert_eq (zanni_enter (msg, &count), 0);
    cr_assert_eq (count, 2);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        int number;
        cr_assert (zanni_more (msg));
        cr_assert_eq (zanni_enter (msg, &members), 0);
        cr_assert_eq (members, 2);
        cr_assert_eq (zanni_read (msg, &name, &number), 0);
        cr_assert_str_eq (name, i ? "two" : "one");
        cr_assert_eq (number, (int) i + 1);
        cr_assert_not (zanni_more (msg));
        cr_assert_eq (zanni_leave (msg), 0);
    }
    cr_assert_not (zanni_more (msg));
    cr_assert_eq (zanni_leave (msg), 0);
    const char *behind;
    cr_assert_eq (zanni_read (msg, &behind), 0);
    cr_assert_str_eq (behind, "behind");
    test_free (msg);
}

Test (enter, leave_goes_on_behind_however_much_was_read)
{
    for (int inner = 0; inner <= 3; inner++)
        for (int outer = 0; outer <= 2; outer++) {
            zanni_msg_t *msg = test_packed (ZANNI_LIST (ZANNI_LIST (1, 2, 3), ZANNI_LIST ("x"), 5), "behind");
            size_t count;
            cr_assert_eq (zanni_enter (msg, &count), 0);
            cr_assert_eq (zanni_enter (msg, &count), 0);
            for (int i = 0; i < inner; i++)
                cr_assert_eq (zanni_skip (msg), 0);
            cr_assert_eq (zanni_leave (msg), 0);
            for (int i = 0; i < outer; i++)
                cr_assert_eq (zanni_skip (msg), 0);
            cr_assert_eq (zanni_leave (msg), 0);
            const char *behind;
            cr_assert_eq (zanni_read (msg, &behind), 0);
            cr_assert_str_eq (behind, "behind");
            test_free (msg);
        }
}

Test (enter, an_empty_array_has_nothing)
{
    zanni_msg_t *msg = test_packed (zanni_arg_list (NULL, 0), 7);
    size_t count = 99;
    int seven = 0;
    cr_assert_eq (zanni_enter (msg, &count), 0);
    cr_assert_eq (count, 0);
    cr_assert_not (zanni_more (msg));
    FAILS (msg, "item 1 of argument 1 is missing, int32 was wanted", &seven);
    cr_assert_eq (zanni_leave (msg), 0);
    cr_assert_eq (zanni_read (msg, &seven), 0);
    cr_assert_eq (seven, 7);
    test_free (msg);
}

Test (enter, only_arrays_can_be_entered)
{
    zanni_msg_t *msg = test_packed (1, zanni_arg_packed ((zanni_packed_t) { "\x81\x01\x02", 3 }));
    size_t count = 99;
    cr_assert_eq (zanni_enter (msg, &count), ZANNI_EARGS);
    cr_assert_str_eq (zanni_msg_fault (msg), "argument 1 is an integer, array was wanted");
    cr_assert_eq (zanni_skip (msg), 0);
    cr_assert_eq (zanni_enter (msg, &count), ZANNI_EARGS);
    cr_assert_str_eq (zanni_msg_fault (msg), "argument 2 is a map, array was wanted");
    cr_assert_eq (count, 99);
    test_free (msg);
}

Test (enter, goes_eight_deep)
{
    static const char nested [] = "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x01";
    zanni_msg_t *msg = test_packed (((zanni_packed_t) { nested, 10 }));
    size_t count;
    for (int depth = 0; depth < 8; depth++)
        cr_assert_eq (zanni_enter (msg, &count), 0);
    cr_assert_eq (zanni_enter (msg, &count), ZANNI_ETOOBIG);
    int x;
    FAILS (msg, "item 1 of item 1 of item 1 of item 1 of item 1 of item 1 of item 1 of item 1 of argument 1 is an "
                "array, int32 was wanted", &x);
    for (int depth = 0; depth < 8; depth++)
        cr_assert_eq (zanni_leave (msg), 0);
    cr_assert_eq (zanni_leave (msg), ZANNI_EINVAL);
    cr_assert_not (zanni_more (msg));
    test_free (msg);
}

Test (enter, a_fault_inside_leads_to_the_item)
{
    zanni_msg_t *msg = test_packed (7, ZANNI_LIST (1, 2, "three", ZANNI_LIST (4, "five")));
    int64_t one, two, three;
    size_t count;
    cr_assert_eq (zanni_skip (msg), 0);
    cr_assert_eq (zanni_enter (msg, &count), 0);
    FAILS (msg, "item 3 of argument 2 is a string, int64 was wanted", &one, &two, &three);
    cr_assert_eq (zanni_read (msg, &one, &two), 0);
    FAILS (msg, "item 3 of argument 2 is a string, int64 was wanted", &three);
    cr_assert_eq (zanni_skip (msg), 0);
    cr_assert_eq (zanni_enter (msg, &count), 0);
    FAILS (msg, "item 2 of item 4 of argument 2 is a string, int64 was wanted", &one, &two);
    cr_assert_eq (zanni_leave (msg), 0);
    FAILS (msg, "item 5 of argument 2 is missing, int64 was wanted", &one);
    test_free (msg);
}

Test (enter, without_memory_nothing_is_entered, .init = faults_install)
{
    zanni_msg_t *msg = test_packed (ZANNI_LIST (1));
    size_t count = 99;
    faults_fail (1, 0);
    cr_assert_eq (zanni_enter (msg, &count), ZANNI_ENOMEM);
    cr_assert_eq (count, 99);
    cr_assert_eq (zanni_enter (msg, &count), 0);
    test_free (msg);
    cr_assert_eq (faults_held (), 0);
}

static void
read_everything (zanni_msg_t *msg, int depth)
{
    while (zanni_more (msg)) {
        size_t count;
        if (depth < 9 && !zanni_enter (msg, &count)) {
            read_everything (msg, depth + 1);
            if (zanni_leave (msg))
                return;
            continue;
        }
        double number;
        uint32_t tag = ZANNI_OUT_BOOL;
        while (tag <= ZANNI_OUT_BOUND && read_as (msg, tag, &number))
            tag++;
        if (tag > ZANNI_OUT_BOUND)
            return;
    }
}

Test (foreign, bytes_that_are_cut_anywhere_are_never_read_past)
{
    zanni_bound_t bound = { test_ref (2), "add" };
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni__buffer_wrap (&buffer, &bound, 3, NULL, NULL), 0);
    zanni_msg_t *msg = test_packed (1, 300, -70000, 1.5, "text", zanni_arg_bytes ("abc", 3), test_ref (1), buffer,
                                    &bound, ZANNI_LIST (ZANNI_LIST ("k", 1), ZANNI_LIST ("l", 2)), (bool) true);
    for (uint32_t size = 0; size <= msg->args.size; size++) {
        zanni_msg_t *cut = test_foreign (msg->args.bytes, size);
        cut->args.table = msg->args.table;
        cut->args.refs = msg->args.refs;
        cut->args.buffers = msg->args.buffers;
        read_everything (cut, 0);
        cr_assert_eq (zanni_more (cut), size > 11 && size < msg->args.size, "%u", size);
        test_foreign_free (cut);
    }
    test_free (msg);
    zanni_buffer_destroy (&buffer);
}

Test (foreign, bytes_that_are_no_array_are_a_fault)
{
    static const char *const bytes [] = { "\x01", "\x81\x01\x01", "\xc1", "\xdd\xff\xff\xff\xff", "\xa1x" };
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        zanni_msg_t *msg = test_foreign (bytes [i], strlen (bytes [i]));
        int64_t x;
        size_t count;
        FAILS (msg, "argument 1 is not well-formed", &x);
        cr_assert_eq (zanni_skip (msg), ZANNI_EARGS);
        cr_assert_eq (zanni_enter (msg, &count), ZANNI_EARGS);
        cr_assert_not (zanni_more (msg));
        test_foreign_free (msg);
    }
}

#define NO_TEXT "argument 1 is a string that has a NUL or is not UTF-8, string was wanted"
#define BROKEN "argument 1 is not well-formed, "

Test (foreign, strings_and_indices_are_checked)
{
    static const struct {
        uint32_t tag;
        const char *bytes;
        size_t size;
        const char *fault;
    } cases [] = {
        { ZANNI_OUT_STRING, "\x91\xa3" "a\0b", 5, NO_TEXT },
        { ZANNI_OUT_STRING, "\x91\xa2\xc3(", 4, NO_TEXT },
        { ZANNI_OUT_REF, "\x91\xd4\x01\x00", 4, BROKEN "reference was wanted" },
        { ZANNI_OUT_BUFFER, "\x91\xd4\x02\x00", 4, BROKEN "buffer was wanted" },
        { ZANNI_OUT_BOUND, "\x91\xc7\x06\x04\x92\x00\xa3" "add", 10, BROKEN "bound method was wanted" },
        { ZANNI_OUT_BLOB, "\x91\xd5\x03\x00\x00", 5, BROKEN "blob was wanted" },
        { ZANNI_OUT_INT64, "\x91\xcd\x01", 3, BROKEN "int64 was wanted" },
        { ZANNI_OUT_PACKED, "\x91\x92\x01", 3, BROKEN "any value was wanted" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zanni_msg_t *msg = test_foreign (cases [i].bytes, cases [i].size);
        double number;
        cr_assert_eq (read_as (msg, cases [i].tag, &number), ZANNI_EARGS, "%zu", i);
        cr_assert_str_eq (zanni_msg_fault (msg), cases [i].fault);
        test_foreign_free (msg);
    }
}

Test (foreign, random_bytes_are_survived)
{
    uint32_t state = 7;
    for (int round = 0; round < 50000; round++) {
        uint8_t bytes [32];
        size_t size = (size_t) (round % 32) + 1;
        for (size_t i = 0; i < size; i++) {
            state = state * 1664525u + 1013904223u;
            bytes [i] = (uint8_t) (state >> 24);
        }
        bytes [0] = 0x94;
        zanni_msg_t *msg = test_foreign (bytes, size);
        read_everything (msg, 0);
        test_foreign_free (msg);
    }
}
