/* reader.h: a bounded reader of msgpack.

   It walks bytes that may come from a stranger: it allocates nothing, recurses nowhere, and answers false rather
   than believe a length that goes past the end or a count of elements for which too few bytes are left (each needs
   one at least). What it has answered can therefore be used without another check. A reader that answers false has
   not moved. */

#ifndef ZANNI_WIRE_READER_H
#define ZANNI_WIRE_READER_H

#include "limits.h"
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum {
    ZANNI__NIL = 1,
    ZANNI__BOOL,    // value.u is 0 or 1
    ZANNI__UINT,    // value.u; also what was written in a signed form but is not below zero
    ZANNI__INT,     // value.i, below zero
    ZANNI__FLOAT,   // value.d
    ZANNI__STR,     // value.data, size
    ZANNI__BIN,     // value.data, size
    ZANNI__ARRAY,   // size: elements that follow
    ZANNI__MAP,     // size: pairs that follow
    ZANNI__EXT      // value.data, size, ext
} zanni__form_t;

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} zanni__reader_t;

typedef struct {
    uint8_t form;   // zanni__form_t
    int8_t ext;
    bool narrow;    // FLOAT: written as a float32
    uint32_t size;
    union {
        uint64_t u;
        int64_t i;
        double d;
        const uint8_t *data;
    } value;
} zanni__value_t;

static inline zanni__reader_t
zanni__reader (const void *bytes, uint32_t size)
{
    const uint8_t *start = bytes;
    return (zanni__reader_t) { .at = start, .end = start + size };
}

/* Reads the next value and goes behind it, data of strings and the like included; for an array or map it goes to
   the first element. */
bool zanni__reader_next (zanni__reader_t *reader, zanni__value_t *value);

/* Goes behind the next value, whatever is in it but an extension whose type's bit is set in `refused` (0 to 31).
   `depth` is how deep arrays and maps may nest, at most ZANNI__WIRE_DEPTH. */
bool zanni__reader_skip_but (zanni__reader_t *reader, uint32_t depth, uint32_t refused);

static inline bool
zanni__reader_skip (zanni__reader_t *reader, uint32_t depth)
{
    return zanni__reader_skip_but (reader, depth, 0);
}

/* The big-endian number of 1, 2, 4 or 8 bytes at `at`. */
static inline uint64_t
zanni__wire_number (const uint8_t *at, uint32_t width)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (width) {
    case 1:
        return *at;
    case 2:
        memcpy (&two, at, sizeof two);
        return be16toh (two);
    case 4:
        memcpy (&four, at, sizeof four);
        return be32toh (four);
    default:
        memcpy (&eight, at, sizeof eight);
        return be64toh (eight);
    }
}

static inline int64_t
zanni__wire_signed (uint64_t number, uint32_t width)
{
    uint64_t sign = UINT64_C (1) << (8 * width - 1);
    return (int64_t) ((number ^ sign) - sign);
}

/* The quick way to an integer that fits an int64_t: where it begins, where the bytes end; answers where it ends.
   NULL for anything else, which zanni__reader_next then tells. It takes and gives pointers and calls nothing, so
   that the loops that it stands in keep everything in registers. */
static inline const uint8_t *
zanni__wire_int (const uint8_t *at, const uint8_t *end, int64_t *value)
{
    if (at == end)
        return NULL;
    *value = (int8_t) *at;
    if (*value >= -32)
        return at + 1;   // 0 to 127 and -32 to -1 are their own bytes
    uint32_t kind = *at++ - 0xccu;   // cc to cf without and d0 to d3 with a sign: 1, 2, 4, 8 bytes
    if (kind == 1 && end - at >= 2) {
        *value = (int64_t) zanni__wire_number (at, 2);   // the next most frequent, without the detours below
        return at + 2;
    }
    uint32_t width = 1u << (kind & 3);
    if (kind > 7 || end - at < (ptrdiff_t) width)
        return NULL;
    uint64_t number = zanni__wire_number (at, width);
    *value = kind < 4 ? (int64_t) number : zanni__wire_signed (number, width);
    return kind == 3 && *value < 0 ? NULL : at + width;
}

/* The quick way to the count of an array of at most 15 elements, the commonest head of all: the count, or -1 for
   anything else. Whether the elements are there shows when they are read. */
static inline int32_t
zanni__wire_short_array (const uint8_t *at, const uint8_t *end)
{
    return at != end && (*at & 0xf0) == 0x90 ? *at & 0x0f : -1;
}

/* Reads the head of an array; false: the next value is none. */
bool zanni__reader_any_array (zanni__reader_t *reader, uint32_t *count);

static inline bool
zanni__reader_array (zanni__reader_t *reader, uint32_t *count)
{
    int32_t few = zanni__wire_short_array (reader->at, reader->end);
    if (few < 0 || few >= reader->end - reader->at)
        return zanni__reader_any_array (reader, count);
    reader->at++;
    *count = (uint32_t) few;
    return true;
}

#endif
