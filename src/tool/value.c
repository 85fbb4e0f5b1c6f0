/* Arguments as JSON. A msgpack value that JSON has too is shown as itself; what it has not is an object of one member
   that says what it is: {"bytes": hex}, {"str": hex} for one that is not UTF-8, {"map": [[key, value], ...]},
   {"ref": index}, {"buffer": index}, {"blob": text form}, {"method": [index, name]}, {"object": name, "version": number,
   "fields": [...]}, {"ext": type, "bytes": hex}. Floats that are no numbers are strings: "nan", "inf", "-inf".

   The bytes were checked by zanni_wire_decode, so lengths and depth are believed here. */

#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zanni/store.h>

#define S_EXT_REF 1
#define S_EXT_BUFFER 2
#define S_EXT_BLOB 3
#define S_EXT_METHOD 4
#define S_EXT_OBJECT 6
#define S_BLOB 40   // bytes
#define S_DEPTH 32

typedef struct {
    const uint8_t *at;
} s_cursor_t;

static json_t *s_value (s_cursor_t *cursor);

static uint64_t
s_take (s_cursor_t *cursor, unsigned width)
{
    uint64_t number = 0;
    while (width--)
        number = number << 8 | *cursor->at++;
    return number;
}

static int64_t
s_take_signed (s_cursor_t *cursor, unsigned width)
{
    uint64_t sign = UINT64_C (1) << (8 * width - 1);
    return (int64_t) ((s_take (cursor, width) ^ sign) - sign);
}

json_t *
tool_number (uint64_t number)
{
    char text [24];
    if (number <= INT64_MAX)
        return json_integer ((json_int_t) number);
    snprintf (text, sizeof text, "%" PRIu64, number);
    return json_string (text);
}

json_t *
tool_hex (const void *data, size_t size)
{
    static const char digits [] = "0123456789abcdef";
    const uint8_t *bytes = data;
    json_t *json = NULL;
    char *text = malloc (2 * size + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        text [2 * i] = digits [bytes [i] >> 4];
        text [2 * i + 1] = digits [bytes [i] & 15];
    }
    json = json_stringn (text, 2 * size);
    free (text);
    return json;
}

static json_t *
s_float (s_cursor_t *cursor, unsigned width)
{
    uint64_t bits = s_take (cursor, width);
    uint32_t half = (uint32_t) bits;
    double number;
    float narrow;
    memcpy (&number, &bits, sizeof number);
    memcpy (&narrow, &half, sizeof narrow);
    if (width == 4)
        number = (double) narrow;
    if (isnan (number))
        return json_string ("nan");
    return isinf (number) ? json_string (number < 0 ? "-inf" : "inf") : json_real (number);
}

static json_t *
s_text (s_cursor_t *cursor, size_t size)
{
    const char *text = (const char *) cursor->at;
    json_t *json = json_stringn (text, size);   // NULL: it is not UTF-8
    cursor->at += size;
    return json ? json : json_pack ("{s:o}", "str", tool_hex (text, size));
}

static json_t *
s_bytes (s_cursor_t *cursor, size_t size)
{
    const uint8_t *bytes = cursor->at;
    cursor->at += size;
    return json_pack ("{s:o}", "bytes", tool_hex (bytes, size));
}

static json_t *
s_array (s_cursor_t *cursor, size_t count)
{
    json_t *array = json_array ();
    for (; count; count--)
        (void) json_array_append_new (array, s_value (cursor));
    return array;
}

static json_t *
s_map (s_cursor_t *cursor, size_t count)
{
    json_t *pairs = json_array ();
    for (; count; count--)
        (void) json_array_append_new (pairs, s_array (cursor, 2));
    return json_pack ("{s:o}", "map", pairs);
}

/* A bound method is an array of an index and a name. Whether the bytes are one, nobody has checked. */
static json_t *
s_method (const uint8_t *bytes, size_t size)
{
    bool narrow = size > 2 && bytes [1] < 0x80;
    size_t head = narrow ? 2 : 3;
    uint64_t index = narrow ? bytes [1] : bytes [2];
    if (size > 4 && bytes [1] == 0xcd) {
        head = 4;
        index = (uint64_t) bytes [2] << 8 | bytes [3];
    }
    else if (!narrow && (size < 4 || bytes [1] != 0xcc))
        return NULL;
    if (bytes [0] != 0x92 || size <= head)
        return NULL;
    size_t skip = (bytes [head] & 0xe0) == 0xa0 ? 1 : bytes [head] == 0xd9 ? 2 : 0;
    if (!skip || size < head + skip || size - head - skip != (skip == 1 ? bytes [head] & 0x1fu : bytes [head + 1]))
        return NULL;
    return json_pack ("{s:[I,o]}", "method", (json_int_t) index,
                      json_stringn ((const char *) bytes + head + skip, size - head - skip));
}

static uint64_t
s_number_at (const uint8_t *at, unsigned width)
{
    s_cursor_t cursor = { at };
    return s_take (&cursor, width);
}

/* Behind a value that may be cut off or go too deep; NULL: it does. What is inside an extension nobody has checked. */
static const uint8_t *
s_behind (const uint8_t *at, const uint8_t *end, int depth)
{
    static const uint8_t widths [] = { 0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4,
                                       2, 4, 2, 4 };
    if (at == end || depth < 0 || *at == 0xc1)
        return NULL;
    uint8_t first = *at++;
    uint64_t data = first >= 0xa0 && first < 0xc0 ? first & 31 : 0;
    uint64_t items = first >= 0x90 && first < 0xa0 ? first & 15 : first >= 0x80 && first < 0x90 ? 2 * (first & 15) : 0;
    if (first >= 0xc0 && first < 0xe0) {
        unsigned width = widths [first - 0xc0];
        if (end - at < width)
            return NULL;
        uint64_t number = width ? s_number_at (at, width) : 0;
        at += width;
        bool fixed = first >= 0xd4 && first <= 0xd8;
        bool sized = (first >= 0xc4 && first <= 0xc9) || (first >= 0xd9 && first <= 0xdb);
        data = sized ? number : fixed ? UINT64_C (1) << (first - 0xd4) : 0;
        data += fixed || (first >= 0xc7 && first <= 0xc9);
        items = first >= 0xde ? 2 * number : first >= 0xdc ? number : 0;
    }
    if (data > (uint64_t) (end - at))
        return NULL;
    for (at += data; at && items; items--)
        at = s_behind (at, end, depth - 1);
    return at;
}

static bool
s_is_text (const uint8_t *at)
{
    return (*at >= 0xa0 && *at < 0xc0) || (*at >= 0xd9 && *at <= 0xdb);
}

static bool
s_is_array (const uint8_t *at)
{
    return (*at >= 0x90 && *at < 0xa0) || *at == 0xdc || *at == 0xdd;
}

/* A registered type is a name, a version and an array, if it is one. */
static json_t *
s_object (const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes + size;
    const uint8_t *version = s_behind (bytes, end, 0);
    const uint8_t *fields = version ? s_behind (version, end, 0) : NULL;
    if (!fields || s_behind (fields, end, S_DEPTH) != end || !s_is_text (bytes) || !s_is_array (fields))
        return NULL;
    if (*version >= 0x80 && (*version < 0xcc || *version > 0xd3))
        return NULL;
    s_cursor_t cursor = { bytes };
    json_t *name = s_value (&cursor);
    json_t *number = s_value (&cursor);
    return json_pack ("{s:o,s:o,s:o}", "object", name, "version", number, "fields", s_value (&cursor));
}

/* Its text form: store, id, size and checksum. */
static json_t *
s_blob (const uint8_t *bytes)
{
    s_cursor_t cursor = { bytes };
    zanni_blob_t blob;
    char text [ZANNI_BLOB_TEXT];
    blob.store = s_take (&cursor, 8);
    memcpy (blob.id, cursor.at, sizeof blob.id);
    cursor.at += sizeof blob.id;
    blob.size = s_take (&cursor, 8);
    blob.checksum = s_take (&cursor, 8);
    zanni_blob_print (&blob, text);
    return json_pack ("{s:s}", "blob", text);
}

static json_t *
s_ext (s_cursor_t *cursor, size_t size)
{
    int8_t type = (int8_t) *cursor->at++;
    const uint8_t *bytes = cursor->at;
    json_t *json = NULL;
    cursor->at += size;
    if ((type == S_EXT_REF || type == S_EXT_BUFFER) && (size == 1 || size == 2)) {
        s_cursor_t inside = { bytes };
        return json_pack ("{s:I}", type == S_EXT_REF ? "ref" : "buffer",
                          (json_int_t) s_take (&inside, (unsigned) size));
    }
    if (type == S_EXT_BLOB && size == S_BLOB)
        return s_blob (bytes);
    if (type == S_EXT_METHOD)
        json = s_method (bytes, size);
    if (type == S_EXT_OBJECT)
        json = s_object (bytes, size);
    return json ? json : json_pack ("{s:i,s:o}", "ext", type, "bytes", tool_hex (bytes, size));
}

/* First bytes 0xc0 to 0xdf. */
static json_t *
s_long (s_cursor_t *cursor, uint8_t first)
{
    switch (first) {
    case 0xc2: case 0xc3:
        return json_boolean (first & 1);
    case 0xc4: case 0xc5: case 0xc6:
        return s_bytes (cursor, s_take (cursor, 1u << (first - 0xc4)));
    case 0xc7: case 0xc8: case 0xc9:
        return s_ext (cursor, s_take (cursor, 1u << (first - 0xc7)));
    case 0xca: case 0xcb:
        return s_float (cursor, first == 0xca ? 4 : 8);
    case 0xcc: case 0xcd: case 0xce: case 0xcf:
        return tool_number (s_take (cursor, 1u << (first - 0xcc)));
    case 0xd0: case 0xd1: case 0xd2: case 0xd3:
        return json_integer (s_take_signed (cursor, 1u << (first - 0xd0)));
    case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8:
        return s_ext (cursor, (size_t) 1 << (first - 0xd4));
    case 0xd9: case 0xda: case 0xdb:
        return s_text (cursor, s_take (cursor, 1u << (first - 0xd9)));
    case 0xdc: case 0xdd:
        return s_array (cursor, s_take (cursor, first == 0xdc ? 2 : 4));
    case 0xde: case 0xdf:
        return s_map (cursor, s_take (cursor, first == 0xde ? 2 : 4));
    default:
        return json_null ();
    }
}

static json_t *
s_value (s_cursor_t *cursor)
{
    uint8_t first = *cursor->at++;
    if (first < 0x80 || first >= 0xe0)
        return json_integer ((int8_t) first);
    if (first < 0x90)
        return s_map (cursor, first & 15);
    if (first < 0xa0)
        return s_array (cursor, first & 15);
    return first < 0xc0 ? s_text (cursor, first & 31) : s_long (cursor, first);
}

json_t *
tool_values (const zanni_bytes_t *args)
{
    s_cursor_t cursor = { args->data };
    return s_value (&cursor);
}
