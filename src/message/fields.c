/* Instances with a table of fields, to msgpack.

   A type's program (type.h) is run step by step. Before each step it is known how many bytes its numbers take at most,
   so they are written without a look at the end of the memory: per number there is a load, the choice of the shortest
   form, and a store. What can be of any size, strings and the like, takes the way that arguments of that kind take.

   The fields are an array without names: position says what is what, and a table only ever grows at its end. A nested
   instance is an array of its version and its fields. */

#include "type.h"

#include "../wire/text.h"
#include <endian.h>
#include <string.h>

#define S_LOAD(type, from) (*(const type *) (const void *) (from))

static bool
s_fail (zanni__writer_t *writer, int error)
{
    writer->error = error;
    return false;
}

/* By the bytes that a number needs, less one: the power of two of its width. */
static const uint8_t s_widths [8] = { 0, 1, 2, 2, 3, 3, 3, 3 };

/* The shortest form of what is not below zero; there is room for 9 bytes, however few it takes. */
static inline uint8_t *
s_put_uint (uint8_t *at, uint64_t value)
{
    *at = (uint8_t) value;
    if (value < 128)
        return at + 1;
    uint32_t power = s_widths [(63 - __builtin_clzll (value)) >> 3];
    uint64_t bytes = htobe64 (value << (64 - (8 << power)));
    *at = (uint8_t) (0xcc + power);
    memcpy (at + 1, &bytes, sizeof bytes);
    return at + 1 + (1 << power);
}

static inline uint8_t *
s_put_int (uint8_t *at, int64_t value)
{
    if (value >= 0)
        return s_put_uint (at, (uint64_t) value);
    *at = (uint8_t) value;
    if (value >= -32)
        return at + 1;
    uint32_t power = s_widths [(64 - __builtin_clzll (~(uint64_t) value)) >> 3 & 7];
    uint64_t bytes = htobe64 ((uint64_t) value << (64 - (8 << power)));
    *at = (uint8_t) (0xd0 + power);
    memcpy (at + 1, &bytes, sizeof bytes);
    return at + 1 + (1 << power);
}

static inline uint8_t *
s_put_float (uint8_t *at, float value)
{
    msgpack_packer packer = { &at, zanni__pack_append };
    (void) msgpack_pack_float (&packer, value);
    return at;
}

static inline uint8_t *
s_put_double (uint8_t *at, double value)
{
    msgpack_packer packer = { &at, zanni__pack_append };
    (void) msgpack_pack_double (&packer, value);
    return at;
}

static inline uint8_t *
s_put_bool (uint8_t *at, bool value)
{
    *at = value ? 0xc3 : 0xc2;
    return at + 1;
}

/* One loop for each kind, so that nothing is decided inside it. */
#define S_EACH(put, type) \
    for (; from < end; from += sizeof (type)) \
        at = put (at, S_LOAD (type, from)); \
    break

static inline uint8_t *
s_put_numbers (uint8_t *at, uint32_t kind, const uint8_t *from, const uint8_t *end)
{
    switch (kind) {
    case ZANNI_KIND_BOOL: S_EACH (s_put_bool, bool);
    case ZANNI_KIND_INT8: S_EACH (s_put_int, int8_t);
    case ZANNI_KIND_INT16: S_EACH (s_put_int, int16_t);
    case ZANNI_KIND_INT32: S_EACH (s_put_int, int32_t);
    case ZANNI_KIND_INT64: S_EACH (s_put_int, int64_t);
    case ZANNI_KIND_UINT8: S_EACH (s_put_uint, uint8_t);
    case ZANNI_KIND_UINT16: S_EACH (s_put_uint, uint16_t);
    case ZANNI_KIND_UINT32: S_EACH (s_put_uint, uint32_t);
    case ZANNI_KIND_UINT64: S_EACH (s_put_uint, uint64_t);
    case ZANNI_KIND_FLOAT: S_EACH (s_put_float, float);
    default: S_EACH (s_put_double, double);
    }
    return at;
}

static bool
s_pack_text (zanni__writer_t *writer, const zanni__step_t *step, const uint8_t *from)
{
    size_t size = strnlen ((const char *) from, step->count);
    if (size == step->count || !zanni__text_valid (from, size))
        return s_fail (writer, ZANNI_EARGS);
    if (!zanni__writer_room (writer, size + 5))
        return false;
    msgpack_packer packer = { &writer->at, zanni__pack_append };
    (void) msgpack_pack_str (&packer, size);
    (void) zanni__pack_append (&writer->at, (const char *) from, size);
    return true;
}

static bool
s_pack_value (zanni__writer_t *writer, zanni_arg_t value)
{
    return zanni__writer_values (writer, &value, 1, 0);
}

static bool
s_pack_nil (zanni__writer_t *writer)
{
    return zanni__writer_append (writer, "\xc0", 1);
}

static bool
s_pack_string (zanni__writer_t *writer, const char *text)
{
    return text ? s_pack_value (writer, zanni_arg_string (text)) : s_pack_nil (writer);
}

static bool
s_pack_buffer (zanni__writer_t *writer, const zanni_buffer_t *buffer)
{
    return buffer ? s_pack_value (writer, zanni_arg_buffer (buffer)) : s_pack_nil (writer);
}

/* Whatever is no number. */
static __attribute__ ((noinline)) bool
s_pack_other (zanni__writer_t *writer, const zanni__step_t *step, const uint8_t *from)
{
    switch (step->kind) {
    case ZANNI_KIND_TEXT:
        return s_pack_text (writer, step, from);
    case ZANNI_KIND_RAW:
        return s_pack_value (writer, zanni_arg_bytes (from, step->count));
    case ZANNI_KIND_STRING:
        return s_pack_string (writer, S_LOAD (char *, from));
    case ZANNI_KIND_BYTES:
        return s_pack_value (writer, zanni_arg_bytes_of (S_LOAD (zanni_bytes_t, from)));
    case ZANNI_KIND_BUFFER:
        return s_pack_buffer (writer, S_LOAD (zanni_buffer_t *, from));
    default:
        return zanni__writer_array (writer, step->nested->fields + 1)
            && s_pack_value (writer, zanni_arg_uint (step->nested->definition->version))
            && zanni__fields_pack (writer, step->nested, from);
    }
}

/* A short text of plain characters, where there is room for any of those. */
static inline bool
s_pack_short (zanni__writer_t *writer, const zanni__step_t *step, const uint8_t *from)
{
    if (step->kind != ZANNI_KIND_TEXT || writer->end - writer->at < 33)
        return false;
    int32_t size = zanni__text_take_short (writer->at + 1, from, step->count);
    if (size < 0)
        return false;
    *writer->at = (uint8_t) (0xa0 | size);
    writer->at += 1 + size;
    return true;
}

bool
zanni__fields_pack (zanni__writer_t *writer, const zanni__type_t *type, const void *instance)
{
    const zanni__step_t *end = type->steps + type->steps_count;
    for (const zanni__step_t *step = type->steps; step < end; step++) {
        const uint8_t *from = (const uint8_t *) instance + step->offset;
        if (step->kind > ZANNI_KIND_DOUBLE) {
            if (!s_pack_short (writer, step, from) && !s_pack_other (writer, step, from))
                return false;
            continue;
        }
        if (!zanni__writer_room (writer, step->most) || (step->array && !zanni__writer_array (writer, step->count)))
            return false;
        writer->at = s_put_numbers (writer->at, step->kind, from, from + step->size);
    }
    return true;
}
