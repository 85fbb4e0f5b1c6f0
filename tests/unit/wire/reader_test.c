/* The bounded reader: every form, every limit, every truncation. */

#include "wire/reader.h"

#include <criterion/criterion.h>
#include <math.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

/* Bytes in a block of their very size, so that the address sanitizer sees a read past the end. */
static uint8_t *
exact (const void *bytes, size_t size)
{
    uint8_t *copy = malloc (size ? size : 1);
    if (size)
        memcpy (copy, bytes, size);
    return copy;
}

static zanni__value_t
read_whole (const char *bytes, size_t size)
{
    uint8_t *copy = exact (bytes, size);
    zanni__reader_t reader = zanni__reader (copy, (uint32_t) size);
    zanni__value_t value = { .form = 0 };
    cr_assert (zanni__reader_next (&reader, &value));
    cr_assert_eq (reader.at, reader.end);
    free (copy);
    return value;
}
#define READ(bytes) read_whole (bytes, sizeof bytes - 1)

static bool
is_read (const char *bytes, size_t size)
{
    uint8_t *copy = exact (bytes, size);
    zanni__reader_t reader = zanni__reader (copy, (uint32_t) size);
    zanni__value_t value;
    bool good = zanni__reader_next (&reader, &value);
    cr_assert (good || reader.at == copy, "it moved");
    free (copy);
    return good;
}

static bool
is_skipped (const void *bytes, size_t size, uint32_t depth)
{
    uint8_t *copy = exact (bytes, size);
    zanni__reader_t reader = zanni__reader (copy, (uint32_t) size);
    bool good = zanni__reader_skip (&reader, depth);
    cr_assert (good ? reader.at == reader.end : reader.at == copy);
    free (copy);
    return good;
}

Test (reader, reads_nil_and_bools)
{
    cr_assert_eq (READ ("\xc0").form, ZANNI__NIL);
    cr_assert_eq (READ ("\xc2").form, ZANNI__BOOL);
    cr_assert_eq (READ ("\xc2").value.u, 0);
    cr_assert_eq (READ ("\xc3").value.u, 1);
}

/* value, and its bytes as anybody may write it */
static const struct {
    int64_t value;
    const char *bytes;
    size_t size;
} integers [] = {
    { 0, "\x00", 1 },
    { 127, "\x7f", 1 },
    { 128, "\xcc\x80", 2 },
    { 5, "\xcc\x05", 2 },
    { 65535, "\xcd\xff\xff", 3 },
    { 70000, "\xce\x00\x01\x11\x70", 5 },
    { 4294967295, "\xce\xff\xff\xff\xff", 5 },
    { 4294967296, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9 },
    { INT64_MAX, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9 },
    { -1, "\xff", 1 },
    { -32, "\xe0", 1 },
    { -33, "\xd0\xdf", 2 },
    { 100, "\xd0\x64", 2 },
    { -128, "\xd0\x80", 2 },
    { -129, "\xd1\xff\x7f", 3 },
    { 300, "\xd1\x01\x2c", 3 },
    { -32768, "\xd1\x80\x00", 3 },
    { INT32_MIN, "\xd2\x80\x00\x00\x00", 5 },
    { 7, "\xd2\x00\x00\x00\x07", 5 },
    { INT64_MIN, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9 },
    { 9, "\xd3\x00\x00\x00\x00\x00\x00\x00\x09", 9 },
};
#define INTEGERS (sizeof integers / sizeof *integers)

Test (reader, reads_integers_in_every_form)
{
    for (size_t i = 0; i < INTEGERS; i++) {
        zanni__value_t value = read_whole (integers [i].bytes, integers [i].size);
        cr_assert_eq (value.form, integers [i].value < 0 ? ZANNI__INT : ZANNI__UINT, "%zu", i);
        cr_assert_eq (value.value.i, integers [i].value, "%zu", i);
    }
}

Test (reader, has_a_quick_way_that_reads_the_same_integers)
{
    for (size_t i = 0; i < INTEGERS; i++) {
        uint8_t *copy = exact (integers [i].bytes, integers [i].size);
        const uint8_t *end = copy + integers [i].size;
        int64_t value = 0;
        cr_assert_eq (zanni__wire_int (copy, end, &value), end, "%zu", i);
        cr_assert_eq (value, integers [i].value, "%zu", i);
        free (copy);
    }
}

Test (reader, has_a_quick_way_that_leaves_all_else_alone)
{
    for (int first = 0x80; first < 0xe0; first++) {
        uint8_t bytes [20] = { (uint8_t) first, 0xff };
        int64_t value;
        bool integer = first >= 0xcc && first <= 0xd3 && first != 0xcf;
        cr_assert_eq (zanni__wire_int (bytes, bytes + 20, &value) != NULL, integer, "%x", (unsigned) first);
    }
}

Test (reader, has_a_quick_way_that_stops_at_the_end)
{
    for (size_t i = 0; i < INTEGERS; i++)
        for (size_t size = 0; size < integers [i].size; size++) {
            uint8_t *copy = exact (integers [i].bytes, size);
            int64_t value;
            cr_assert_null (zanni__wire_int (copy, copy + size, &value));
            free (copy);
        }
}

Test (reader, reads_the_largest_unsigned_integer)
{
    zanni__value_t value = READ ("\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    cr_assert_eq (value.form, ZANNI__UINT);
    cr_assert_eq (value.value.u, UINT64_MAX);
}

Test (reader, reads_floats_of_both_widths)
{
    zanni__value_t narrow = READ ("\xca\xbf\xc0\x00\x00");
    zanni__value_t wide = READ ("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a");
    cr_assert_eq (narrow.form, ZANNI__FLOAT);
    cr_assert_eq (narrow.value.d, -1.5);
    cr_assert_eq (wide.value.d, 0.1);
    cr_assert (isnan (READ ("\xca\x7f\xc0\x00\x00").value.d));
}

/* Data of every form, with its head. */
static const struct {
    int form;
    int8_t ext;
    uint32_t size;
    const char *head;
    uint32_t head_size;
} data [] = {
    { ZANNI__STR, 0, 0, "\xa0", 1 },
    { ZANNI__STR, 0, 31, "\xbf", 1 },
    { ZANNI__STR, 0, 3, "\xd9\x03", 2 },
    { ZANNI__STR, 0, 300, "\xda\x01\x2c", 3 },
    { ZANNI__STR, 0, 70000, "\xdb\x00\x01\x11\x70", 5 },
    { ZANNI__BIN, 0, 0, "\xc4\x00", 2 },
    { ZANNI__BIN, 0, 200, "\xc4\xc8", 2 },
    { ZANNI__BIN, 0, 300, "\xc5\x01\x2c", 3 },
    { ZANNI__BIN, 0, 70000, "\xc6\x00\x01\x11\x70", 5 },
    { ZANNI__EXT, 1, 1, "\xd4\x01", 2 },
    { ZANNI__EXT, 2, 2, "\xd5\x02", 2 },
    { ZANNI__EXT, 3, 4, "\xd6\x03", 2 },
    { ZANNI__EXT, -1, 8, "\xd7\xff", 2 },
    { ZANNI__EXT, 127, 16, "\xd8\x7f", 2 },
    { ZANNI__EXT, -128, 5, "\xc7\x05\x80", 3 },
    { ZANNI__EXT, 4, 300, "\xc8\x01\x2c\x04", 4 },
    { ZANNI__EXT, 4, 70000, "\xc9\x00\x01\x11\x70\x04", 6 },
};

static uint8_t *
data_bytes (size_t i, uint32_t *size)
{
    *size = data [i].head_size + data [i].size;
    uint8_t *bytes = malloc (*size);
    memset (bytes, 'z', *size);
    memcpy (bytes, data [i].head, data [i].head_size);
    return bytes;
}

Test (reader, reads_strings_bytes_and_extensions_of_every_form)
{
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        uint32_t size;
        uint8_t *bytes = data_bytes (i, &size);
        zanni__reader_t reader = zanni__reader (bytes, size);
        zanni__value_t value;
        cr_assert (zanni__reader_next (&reader, &value), "%zu", i);
        cr_assert_eq (value.form, data [i].form, "%zu", i);
        cr_assert_eq (value.ext, data [i].ext, "%zu", i);
        cr_assert_eq (value.size, data [i].size, "%zu", i);
        cr_assert_eq (value.value.data, bytes + data [i].head_size, "%zu", i);
        cr_assert_eq (reader.at, reader.end, "%zu", i);
        free (bytes);
    }
}

Test (reader, refuses_data_that_is_cut_anywhere)
{
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        uint32_t size;
        uint8_t *bytes = data_bytes (i, &size);
        for (uint32_t cut = 0; cut < size; cut += cut < 400 ? 1 : 997) {
            cr_assert_not (is_read ((char *) bytes, cut), "%zu %u", i, cut);
            cr_assert_not (is_skipped (bytes, cut, ZANNI__WIRE_DEPTH));
        }
        free (bytes);
    }
}

Test (reader, refuses_numbers_that_are_cut_anywhere)
{
    for (size_t i = 0; i < INTEGERS; i++)
        for (size_t cut = 0; cut < integers [i].size; cut++)
            cr_assert_not (is_read (integers [i].bytes, cut));
    for (size_t cut = 0; cut < 5; cut++)
        cr_assert_not (is_read ("\xca\xbf\xc0\x00\x00", cut));
}

Test (reader, refuses_the_byte_that_msgpack_never_uses)
{
    cr_assert_not (is_read ("\xc1", 1));
    cr_assert_not (is_read ("\xc1\x00\x00\x00\x00", 5));
}

Test (reader, answers_how_many_elements_follow)
{
    uint8_t bytes [400] = { 0xdc, 0x01, 0x2c };
    zanni__reader_t reader = zanni__reader (bytes, sizeof bytes);
    zanni__value_t value;
    cr_assert (zanni__reader_next (&reader, &value));
    cr_assert_eq (value.form, ZANNI__ARRAY);
    cr_assert_eq (value.size, 300);
    cr_assert_eq (reader.at, bytes + 3);
    bytes [0] = 0x8f;
    reader = zanni__reader (bytes, 31);
    cr_assert (zanni__reader_next (&reader, &value));
    cr_assert_eq (value.form, ZANNI__MAP);
    cr_assert_eq (value.size, 15);
}

Test (reader, refuses_counts_for_which_there_are_too_few_bytes)
{
    cr_assert (is_read ("\x93\x01\x02\x03", 4));
    cr_assert_not (is_read ("\x93\x01\x02", 3));
    cr_assert_not (is_read ("\xdc\x01\x00\x01", 4));
    cr_assert_not (is_read ("\xdd\x01\x00\x00\x00", 5));   // five bytes that claim 16 M elements
    cr_assert_not (is_read ("\xdd\xff\xff\xff\xff\x00", 6));
    cr_assert (is_read ("\x81\x01\x02", 3));
    cr_assert_not (is_read ("\x82\x01\x02\x03", 4));
    cr_assert_not (is_read ("\xde\xff\xff\x00\x00", 5));
    cr_assert_not (is_read ("\xdf\xff\xff\xff\xff\x00", 6));   // twice the count is over 32 bits
    cr_assert_not (is_read ("\xdf\x80\x00\x00\x00\x00", 6));
}

Test (reader, refuses_lengths_for_which_there_are_too_few_bytes)
{
    cr_assert_not (is_read ("\xdb\xff\xff\xff\xff\x00", 6));
    cr_assert_not (is_read ("\xc6\xff\xff\xff\xff\x00", 6));
    cr_assert_not (is_read ("\xc9\xff\xff\xff\xff\x00", 6));
    cr_assert_not (is_read ("\xc9\x00\x00\x00\x01\x00", 6));   // the type counts, too
}

Test (reader, reads_array_heads_of_every_width)
{
    uint8_t bytes [64] = { 0 };
    static const char *const heads [] = { "\x93", "\xdc\x00\x03", "\xdd\x00\x00\x00\x03" };
    static const size_t sizes [] = { 1, 3, 5 };
    for (size_t i = 0; i < 3; i++) {
        memcpy (bytes, heads [i], sizes [i]);
        zanni__reader_t reader = zanni__reader (bytes, sizeof bytes);
        uint32_t count = 0;
        cr_assert (zanni__reader_array (&reader, &count));
        cr_assert_eq (count, 3);
        cr_assert_eq (reader.at, bytes + sizes [i]);
    }
}

Test (reader, answers_false_where_an_array_should_be_and_does_not_move)
{
    static const char bytes [] = "\x83\x01\x02\x03\x01\x02\x03";
    zanni__reader_t reader = zanni__reader (bytes, sizeof bytes - 1);
    uint32_t count;
    cr_assert_not (zanni__reader_array (&reader, &count));
    cr_assert_eq ((const char *) reader.at, bytes);
    cr_assert_eq (zanni__wire_short_array (reader.at, reader.end), -1);
    cr_assert_eq (zanni__wire_short_array (reader.end, reader.end), -1);
}

Test (reader, skips_whole_values)
{
    cr_assert (is_skipped ("\x01", 1, 0));
    cr_assert (is_skipped ("\xa3" "abc", 4, 0));
    cr_assert (is_skipped ("\x90", 1, 1));
    cr_assert (is_skipped ("\x93\x01\x92\x02\x90\xa1x", 7, 3));
    cr_assert (is_skipped ("\x82\x01\x80\xa1k\x91\xc0", 7, 2));
}

Test (reader, skips_one_value_and_no_more)
{
    static const char bytes [] = "\x92\x01\x02\x03";
    zanni__reader_t reader = zanni__reader (bytes, 4);
    cr_assert (zanni__reader_skip (&reader, 1));
    cr_assert_eq ((const char *) reader.at, bytes + 3);
}

Test (reader, skips_as_deep_as_it_is_told)
{
    uint8_t nested [64];
    memset (nested, 0x91, sizeof nested);
    for (uint32_t depth = 0; depth <= ZANNI__WIRE_DEPTH; depth++) {
        nested [depth] = 0xc0;   // behind `depth` arrays
        cr_assert (is_skipped (nested, depth + 1, depth));
        cr_assert_not (depth && is_skipped (nested, depth + 1, depth - 1));
        nested [depth] = 0x91;
    }
}

Test (reader, goes_no_deeper_than_the_limit)
{
    size_t size = 1 << 20;
    uint8_t *nested = malloc (size);
    memset (nested, 0x91, size);
    cr_assert_not (is_skipped (nested, size, ZANNI__WIRE_DEPTH));
    cr_assert_not (is_skipped (nested, size, UINT32_MAX));
    memset (nested, 0x81, size);
    cr_assert_not (is_skipped (nested, size, UINT32_MAX));
    free (nested);
}

Test (reader, refuses_a_nested_value_that_is_cut_anywhere)
{
    static const char bytes [] = "\x94\xcd\x01\x2c\x82\xa1k\x92\x01\xcb\x3f\xf0\0\0\0\0\0\0\xc0\xd5\x02\x01\x02"
                                 "\xc4\x02xx\xa2yy";
    size_t size = sizeof bytes - 1;
    cr_assert (is_skipped (bytes, size, 3));
    for (size_t cut = 0; cut < size; cut++)
        cr_assert_not (is_skipped (bytes, cut, 3), "%zu", cut);
}

/* A small generator of our own: the same bytes in every run. */
static uint32_t
next_random (uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

Test (reader, agrees_with_msgpack_c_on_a_million_random_bytes)
{
    uint32_t state = 42;
    for (int round = 0; round < 100000; round++) {
        uint8_t bytes [24];
        uint32_t size = 1 + next_random (&state) % sizeof bytes;
        for (uint32_t i = 0; i < size; i++) {
            uint32_t random = next_random (&state);
            bytes [i] = (uint8_t) (random & 0x300 ? random : 0x90 | (random & 3));   // many arrays
        }
        uint8_t *copy = exact (bytes, size);
        zanni__reader_t reader = zanni__reader (copy, size);
        bool good = zanni__reader_skip (&reader, ZANNI__WIRE_DEPTH);
        size_t end = (size_t) (reader.at - copy);
        if (good) {
            msgpack_unpacked result;
            msgpack_unpacked_init (&result);
            size_t theirs = 0;
            cr_assert_eq (msgpack_unpack_next (&result, (char *) copy, size, &theirs), MSGPACK_UNPACK_SUCCESS);
            cr_assert_eq (theirs, end);
            msgpack_unpacked_destroy (&result);
        }
        free (copy);
    }
}
