/* An argument is what its JSON is; whether that fits the method is for the method to say. What has no bytes in JSON's text,
   references and buffers, is shown as what it names. */

#include "given.h"

#include "input.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

typedef struct tool_piece {
    struct tool_piece *next;
    zanni_buffer_t *buffer;
    _Alignas (16) uint8_t bytes [];
} s_piece_t;

static const char s_no_memory [] = "out of memory";

static s_piece_t *
s_piece (tool_given_t *given, size_t size)
{
    s_piece_t *piece = calloc (1, sizeof *piece + size);
    if (!piece)
        return NULL;
    piece->next = given->pieces;
    given->pieces = piece;
    return piece;
}

static const char *s_make (tool_given_t *given, zanni_arg_t *arg, json_t *json);

static const char *
s_array (tool_given_t *given, zanni_arg_t *arg, json_t *json)
{
    size_t count = json_array_size (json);
    s_piece_t *piece = s_piece (given, (count + 1) * sizeof (zanni_arg_t));
    const char *fault = piece ? NULL : s_no_memory;
    zanni_arg_t *items = piece ? (void *) piece->bytes : NULL;
    for (size_t i = 0; !fault && i < count; i++)
        fault = s_make (given, &items [i], json_array_get (json, i));
    *arg = zanni_arg_list (items, count);
    return fault;
}

/* A list of pairs. */
static const char *
s_pairs (tool_given_t *given, zanni_arg_t *arg, json_t *json)
{
    size_t count = json_object_size (json);
    s_piece_t *piece = s_piece (given, (3 * count + 1) * sizeof (zanni_arg_t));
    const char *fault = piece ? NULL : s_no_memory;
    zanni_arg_t *items = piece ? (void *) piece->bytes : NULL;
    size_t at = 0;
    const char *key;
    json_t *value;
    json_object_foreach (json, key, value) {
        if (fault)
            break;
        zanni_arg_t *pair = &items [count + 2 * at];
        pair [0] = zanni_arg_string (key);
        fault = s_make (given, &pair [1], value);
        items [at++] = zanni_arg_list (pair, 2);
    }
    *arg = zanni_arg_list (items, count);
    return fault;
}

static const char *
s_bytes (tool_given_t *given, zanni_arg_t *arg, const char *hex, bool buffer)
{
    void *data;
    size_t room = strlen (hex);
    s_piece_t *piece = s_piece (given, room + 1);
    if (!piece)
        return s_no_memory;
    memcpy (piece->bytes, hex, room);
    tool_bytes_t bytes = { piece->bytes, room };
    if (!tool_unhex (&bytes))
        return "is not made of hex digits, two a byte";
    *arg = zanni_arg_bytes (bytes.data, bytes.size);
    if (!buffer)
        return NULL;
    if (zanni_buffer_new (given->self, &piece->buffer, bytes.size) || zanni_buffer_edit (&data, piece->buffer))
        return s_no_memory;
    if (bytes.size)
        memcpy (data, bytes.data, bytes.size);
    *arg = zanni_arg_buffer (piece->buffer);
    return NULL;
}

static const char *
s_object (tool_given_t *given, zanni_arg_t *arg, json_t *json)
{
    const char *bytes = json_string_value (json_object_get (json, "bytes"));
    const char *buffer = json_string_value (json_object_get (json, "buffer"));
    if (json_object_size (json) == 1 && (bytes || buffer))
        return s_bytes (given, arg, bytes ? bytes : buffer, buffer != NULL);
    return s_pairs (given, arg, json);
}

static const char *
s_make (tool_given_t *given, zanni_arg_t *arg, json_t *json)
{
    switch (json_typeof (json)) {
    case JSON_STRING:
        *arg = zanni_arg_string (json_string_value (json));
        return NULL;
    case JSON_INTEGER:
        *arg = zanni_arg_int (json_integer_value (json));
        return NULL;
    case JSON_REAL:
        *arg = zanni_arg_double (json_real_value (json));
        return NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        *arg = zanni_arg_bool (json_is_true (json));
        return NULL;
    case JSON_ARRAY:
        return s_array (given, arg, json);
    case JSON_OBJECT:
        return s_object (given, arg, json);
    default:
        *arg = zanni_arg_packed ((zanni_packed_t) { "\xc0", 1 });
        return NULL;
    }
}

static const char *
s_parse (tool_given_t *given, zanni_arg_t *arg, const char *text)
{
    json_error_t error;
    json_t *json = json_loads (text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!json && json_error_code (&error) == json_error_numeric_overflow)
        return "has a number that is out of range: integers go from -2^63 to 2^63 - 1";
    if (!json)
        return "is no JSON (a string needs its quotes, too: '\"text\"')";
    if (json_array_append_new (given->json, json))
        return s_no_memory;
    return s_make (given, arg, json);
}

const char *
tool_given (tool_given_t *given, zanni_t *self, char *const *texts, size_t count, size_t *which)
{
    const char *fault = NULL;
    *given = (tool_given_t) { .self = self, .count = count, .json = json_array () };
    s_piece_t *piece = s_piece (given, (count + 1) * sizeof (zanni_arg_t));
    *which = 0;
    if (!piece || !given->json)
        return s_no_memory;
    given->args = (void *) piece->bytes;
    for (size_t i = 0; !fault && i < count; i++) {
        *which = i;
        fault = s_parse (given, &given->args [i], texts [i]);
    }
    return fault;
}

void
tool_given_free (tool_given_t *given)
{
    while (given->pieces) {
        s_piece_t *piece = given->pieces;
        given->pieces = piece->next;
        zanni_buffer_destroy (&piece->buffer);
        free (piece);
    }
    json_decref (given->json);
}

static json_t *
s_ref (const zanni_ref_t *ref)
{
    zanni_address_t address = zanni_ref_address (ref);
    return json_pack ("{s:{s:o,s:o,s:s}}", "ref", "node", tool_hex (address.node, sizeof address.node), "actor",
                      tool_number (address.actor), "class", zanni_ref_class (ref));
}

/* One value, as arguments that are nothing else. */
static json_t *
s_packed (const zanni_packed_t *packed)
{
    uint8_t *bytes = malloc (packed->size + 1);
    if (!bytes)
        return NULL;
    bytes [0] = 0x91;
    memcpy (bytes + 1, packed->data, packed->size);
    const zanni_bytes_t args = { bytes, packed->size + 1 };
    json_t *array = tool_values (&args);
    json_t *value = json_incref (json_array_get (array, 0));
    json_decref (array);
    free (bytes);
    return value;
}

/* An array is gone into: what it has of references says nothing in its bytes. */
static json_t *
s_items (zanni_msg_t *reply, size_t count)
{
    json_t *array = json_array ();
    for (size_t i = 0; i < count; i++)
        (void) json_array_append_new (array, tool_result (reply));
    if (!zanni_leave (reply) && json_array_size (array) == count)
        return array;
    json_decref (array);
    return NULL;
}

json_t *
tool_result (zanni_msg_t *reply)
{
    const zanni_ref_t *ref;
    const zanni_buffer_t *buffer;
    zanni_packed_t packed;
    size_t count;
    if (!zanni_read (reply, &ref))
        return s_ref (ref);
    if (!zanni_read (reply, &buffer))
        return json_pack ("{s:o}", "buffer", tool_hex (zanni_buffer_data (buffer), zanni_buffer_size (buffer)));
    if (!zanni_enter (reply, &count))
        return s_items (reply, count);
    if (!zanni_read (reply, &packed))
        return s_packed (&packed);
    json_t *unreadable = json_pack ("{s:s}", "unreadable", zanni_msg_fault (reply));
    if (!zanni_skip (reply))
        return unreadable;
    json_decref (unreadable);
    return NULL;
}
