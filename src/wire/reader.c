/* How a value is read: its first byte says everything about its shape. Below 0x80 and from 0xe0 on it is an
   integer itself; from 0x80 to 0xbf it holds a short length; the 32 bytes between have a row each in s_shapes:
   what kind of value, how many bytes of number follow (the value itself, a length or a count), and for the fixed
   extensions how long their data is.

   msgpack-c's own unpacker is not used for what strangers send: it reserves memory for a count before it has
   looked whether the bytes are there (PITFALLS: five bytes made it reserve 384 MB). */

#include "reader.h"

typedef struct {
    uint8_t form;     // 0: no such byte in msgpack
    uint8_t width;    // of the big-endian number behind the first byte
    uint8_t fixed;    // fixext: size of the data; bool: the value
    uint8_t is_signed;
} s_shape_t;

static const s_shape_t s_shapes [32] = {
    { ZANNI__NIL, 0, 0, 0 },   { 0, 0, 0, 0 },            { ZANNI__BOOL, 0, 0, 0 },  { ZANNI__BOOL, 0, 1, 0 },
    { ZANNI__BIN, 1, 0, 0 },   { ZANNI__BIN, 2, 0, 0 },   { ZANNI__BIN, 4, 0, 0 },   { ZANNI__EXT, 1, 0, 0 },
    { ZANNI__EXT, 2, 0, 0 },   { ZANNI__EXT, 4, 0, 0 },   { ZANNI__FLOAT, 4, 0, 0 }, { ZANNI__FLOAT, 8, 0, 0 },
    { ZANNI__UINT, 1, 0, 0 },  { ZANNI__UINT, 2, 0, 0 },  { ZANNI__UINT, 4, 0, 0 },  { ZANNI__UINT, 8, 0, 0 },
    { ZANNI__UINT, 1, 0, 1 },  { ZANNI__UINT, 2, 0, 1 },  { ZANNI__UINT, 4, 0, 1 },  { ZANNI__UINT, 8, 0, 1 },
    { ZANNI__EXT, 0, 1, 0 },   { ZANNI__EXT, 0, 2, 0 },   { ZANNI__EXT, 0, 4, 0 },   { ZANNI__EXT, 0, 8, 0 },
    { ZANNI__EXT, 0, 16, 0 },  { ZANNI__STR, 1, 0, 0 },   { ZANNI__STR, 2, 0, 0 },   { ZANNI__STR, 4, 0, 0 },
    { ZANNI__ARRAY, 2, 0, 0 }, { ZANNI__ARRAY, 4, 0, 0 }, { ZANNI__MAP, 2, 0, 0 },   { ZANNI__MAP, 4, 0, 0 },
};

static void
s_take_float (zanni__value_t *value, uint64_t number, uint32_t width)
{
    if (width == 4) {
        uint32_t bits = (uint32_t) number;
        float narrow;
        memcpy (&narrow, &bits, sizeof narrow);
        value->value.d = (double) narrow;
        value->narrow = true;
    }
    else
        memcpy (&value->value.d, &number, sizeof value->value.d);
}

static void
s_take_int (zanni__value_t *value, uint64_t number, const s_shape_t *shape)
{
    value->value.u = number;
    if (!shape->is_signed)
        return;
    value->value.i = zanni__wire_signed (number, shape->width);
    if (value->value.i < 0)
        value->form = ZANNI__INT;
}

/* Data of `size` bytes, behind an ext type where the form has one. */
static bool
s_take_data (zanni__reader_t *reader, zanni__value_t *value, const uint8_t *at, uint64_t size)
{
    bool ext = value->form == ZANNI__EXT;
    if ((uint64_t) (reader->end - at) < size + ext)
        return false;
    if (ext)
        value->ext = (int8_t) *at++;
    value->size = (uint32_t) size;
    value->value.data = at;
    reader->at = at + size;
    return true;
}

static bool
s_take_count (zanni__reader_t *reader, zanni__value_t *value, const uint8_t *at, uint64_t count)
{
    uint64_t least = value->form == ZANNI__MAP ? 2 * count : count;
    if ((uint64_t) (reader->end - at) < least)
        return false;
    value->size = (uint32_t) count;
    reader->at = at;
    return true;
}

/* First bytes 0x80 to 0xbf: a map, array or string whose length stands in the byte. */
static bool
s_next_short (zanni__reader_t *reader, zanni__value_t *value, uint8_t first)
{
    const uint8_t *at = reader->at + 1;
    if (first >= 0xa0) {
        value->form = ZANNI__STR;
        return s_take_data (reader, value, at, first & 0x1f);
    }
    value->form = first >= 0x90 ? ZANNI__ARRAY : ZANNI__MAP;
    return s_take_count (reader, value, at, first & 0x0f);
}

/* First bytes 0xc0 to 0xdf. */
static bool
s_next_long (zanni__reader_t *reader, zanni__value_t *value, uint8_t first)
{
    const s_shape_t *shape = &s_shapes [first - 0xc0];
    const uint8_t *at = reader->at + 1;
    if (!shape->form || reader->end - at < shape->width)
        return false;
    uint64_t number = shape->width ? zanni__wire_number (at, shape->width) : shape->fixed;
    at += shape->width;
    value->form = shape->form;
    switch (shape->form) {
    case ZANNI__STR:
    case ZANNI__BIN:
    case ZANNI__EXT:
        return s_take_data (reader, value, at, number);
    case ZANNI__ARRAY:
    case ZANNI__MAP:
        return s_take_count (reader, value, at, number);
    case ZANNI__FLOAT:
        s_take_float (value, number, shape->width);
        break;
    default:
        s_take_int (value, number, shape);
    }
    reader->at = at;
    return true;
}

bool
zanni__reader_next (zanni__reader_t *reader, zanni__value_t *value)
{
    if (reader->at == reader->end)
        return false;
    uint8_t first = *reader->at;
    value->ext = 0;
    value->narrow = false;
    value->size = 0;
    if (first >= 0x80 && first < 0xc0)
        return s_next_short (reader, value, first);
    if (first >= 0xc0 && first < 0xe0)
        return s_next_long (reader, value, first);
    value->form = first < 0x80 ? ZANNI__UINT : ZANNI__INT;
    value->value.i = (int8_t) first;
    reader->at++;
    return true;
}

bool
zanni__reader_any_array (zanni__reader_t *reader, uint32_t *count)
{
    zanni__reader_t ahead = *reader;
    zanni__value_t value;
    if (!zanni__reader_next (&ahead, &value) || value.form != ZANNI__ARRAY)
        return false;
    *reader = ahead;
    *count = value.size;
    return true;
}

static inline bool
s_is_refused (const zanni__value_t *value, uint32_t refused)
{
    return value->form == ZANNI__EXT && value->ext >= 0 && value->ext < 32 && refused >> value->ext & 1;
}

bool
zanni__reader_skip_but (zanni__reader_t *reader, uint32_t depth, uint32_t refused)
{
    uint64_t left [ZANNI__WIRE_DEPTH + 1];   // values to pass over, at each level
    uint32_t level = 0;
    zanni__reader_t ahead = *reader;
    left [0] = 1;
    for (;;) {
        zanni__value_t value;
        while (!left [level] && level)
            level--;
        if (!left [level])
            break;
        if (!zanni__reader_next (&ahead, &value) || s_is_refused (&value, refused))
            return false;
        left [level]--;
        if (value.form != ZANNI__ARRAY && value.form != ZANNI__MAP)
            continue;
        if (level == depth || level == ZANNI__WIRE_DEPTH)
            return false;
        left [++level] = value.form == ZANNI__MAP ? 2 * (uint64_t) value.size : value.size;
    }
    *reader = ahead;
    return true;
}
