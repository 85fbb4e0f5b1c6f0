/* The golden vectors: what is valid decodes to what they say and is encoded to the same bytes, what is not is refused
   for the reason that they give. */

#include "golden.h"
#include "tool/json.h"
#include "wire/record.h"

#include <criterion/criterion.h>

typedef void vector_fn (const json_t *vector, const char *name, const uint8_t *bytes, size_t size);

static void
for_each (const char *file_name, vector_fn *check)
{
    size_t i;
    const json_t *vector;
    json_t *file;
    const json_t *vectors = golden_load (file_name, &file);
    cr_assert (json_array_size (vectors), "%s cannot be read", file_name);
    json_array_foreach (vectors, i, vector) {
        size_t size;
        uint8_t *bytes = golden_bytes (vector, &size);
        check (vector, golden_text (vector, "name"), bytes, size);
        free (bytes);
    }
    json_decref (file);
}

static void
expect_records (const json_t *vector, const char *name, const uint8_t *bytes, size_t size)
{
    json_t *frame = tool_frame (bytes, size);
    cr_assert_not_null (frame);
    cr_assert_null (json_object_get (frame, "fault"), "%s: %s", name, golden_text (frame, "fault"));
    cr_assert (json_equal (json_object_get (frame, "records"), json_object_get (vector, "records")), "%s: %s", name,
               json_dumps (frame, 0));
    cr_assert (json_equal (json_object_get (frame, "frames"), json_object_get (vector, "frames")), "%s", name);
    json_decref (frame);
}

typedef struct {
    uint8_t *bytes;
    size_t size;
    size_t room;
} encoded_t;

static int
encode (void *context, const zanni_record_t *record)
{
    encoded_t *encoded = context;
    encoded->size += zanni__record_write (encoded->bytes + encoded->size, encoded->room - encoded->size, record);
    return 0;
}

static void
expect_same_bytes (const json_t *vector, const char *name, const uint8_t *bytes, size_t size)
{
    encoded_t encoded = { .bytes = malloc (size + 1), .room = size };   // no byte more than it needs
    (void) vector;
    cr_assert_eq (zanni_wire_decode (bytes, size, encode, &encoded, NULL), 0, "%s", name);
    cr_assert_eq (encoded.size, size, "%s", name);
    cr_assert_arr_eq (encoded.bytes, bytes, size, "%s", name);
    free (encoded.bytes);
}

static int
take (void *context, const zanni_record_t *record)
{
    (void) context;
    return record->kind == UINT8_MAX;
}

static void
expect_fault (const json_t *vector, const char *name, const uint8_t *bytes, size_t size)
{
    zanni_error_t fault;
    const char *expected = golden_text (vector, "fault");
    cr_assert_eq (zanni_wire_decode (bytes, size, take, NULL, &fault), ZANNI_EARGS, "%s", name);
    cr_assert_eq (fault.code, ZANNI_EARGS);
    cr_assert_eq (strncmp (fault.text, "byte ", 5), 0, "%s: %s", name, fault.text);
    if (expected)
        cr_assert_str_eq (fault.text, expected, "%s: \"%s\", not \"%s\"", name, fault.text, expected);
}

/* Wherever a frame is cut, the rest is refused, or is whole records. */
static void
expect_cuts_are_seen (const json_t *vector, const char *name, const uint8_t *bytes, size_t size)
{
    size_t whole = 0;
    (void) vector;
    for (size_t cut = 0; cut < size; cut += cut < 500 ? 1 : 97) {
        uint8_t *copy = malloc (cut ? cut : 1);
        memcpy (copy, bytes, cut);
        int rc = zanni_wire_decode (copy, cut, take, NULL, NULL);
        cr_assert (rc == 0 || rc == ZANNI_EARGS, "%s", name);
        whole += !rc;
        free (copy);
    }
    cr_assert (whole < 8, "%s: %zu of its beginnings are accepted", name, whole);
}

Test (golden, vectors_decode_to_the_records_that_they_say)
{
    for_each ("records.json", expect_records);
    for_each ("forms.json", expect_records);
}

Test (golden, records_are_encoded_to_the_same_bytes_again)
{
    for_each ("records.json", expect_same_bytes);
}

Test (golden, invalid_vectors_are_refused_for_the_reason_that_they_say)
{
    for_each ("invalid.json", expect_fault);
}

Test (golden, vectors_that_are_cut_anywhere_are_refused_or_end_with_a_record)
{
    for_each ("records.json", expect_cuts_are_seen);
    for_each ("forms.json", expect_cuts_are_seen);
}

static int
note_kind (void *context, const zanni_record_t *record)
{
    bool *seen = context;
    seen [record->kind] = true;
    return 0;
}

static bool seen_kinds [256];

static void
note_kinds (const json_t *vector, const char *name, const uint8_t *bytes, size_t size)
{
    (void) vector;
    cr_assert_eq (zanni_wire_decode (bytes, size, note_kind, seen_kinds, NULL), 0, "%s", name);
}

Test (golden, vectors_hold_every_kind)
{
    for_each ("records.json", note_kinds);
    for (unsigned kind = 0; kind < 256; kind++)
        cr_assert_eq (seen_kinds [kind], *zanni_record_name (kind) != '?', "%u", kind);
}
