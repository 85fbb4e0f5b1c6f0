/* zanni.array: numbers of one type in a row, of a length that stays. Ranges of them travel as buffers. */

#include "classes.h"
#include "waiting.h"

#include "../base/memory.h"
#include "../message/value.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <zanni/actor.h>
#include <zanni/buffer.h>

#define S_BYTES_MOST (UINT64_C (1) << 40)

typedef struct {
    uint8_t *data;
    int64_t count;
    size_t size;               // of an element
    const struct s_type *type;
} s_array_t;

/* A type of elements. */
typedef struct s_type {
    const char *name;
    zanni_element_t element;
    size_t size;
    int64_t least;
    uint64_t most;
} s_type_t;

static const s_type_t s_types [] = {
    { "int8", ZANNI_INT8, 1, INT8_MIN, INT8_MAX },       { "int16", ZANNI_INT16, 2, INT16_MIN, INT16_MAX },
    { "int32", ZANNI_INT32, 4, INT32_MIN, INT32_MAX },   { "int64", ZANNI_INT64, 8, INT64_MIN, INT64_MAX },
    { "uint8", ZANNI_UINT8, 1, 0, UINT8_MAX },           { "uint16", ZANNI_UINT16, 2, 0, UINT16_MAX },
    { "uint32", ZANNI_UINT32, 4, 0, UINT32_MAX },        { "uint64", ZANNI_UINT64, 8, 0, UINT64_MAX },
    { "float32", ZANNI_FLOAT32, 4, 0, 0 },               { "float64", ZANNI_FLOAT64, 8, 0, 0 },
};

static bool
s_is_float (const s_type_t *type)
{
    return type->element == ZANNI_FLOAT32 || type->element == ZANNI_FLOAT64;
}

/* Where the byte of that weight lies in an element: as this machine has it, and elements of buffers are. */
static size_t
s_place (const s_type_t *type, size_t weight)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? weight : type->size - 1 - weight;
}

/* The bytes of a number of this type; false: it does not fit. */
static bool
s_encode (const s_type_t *type, const zanni__value_t *value, uint8_t bytes [8])
{
    double number = 0;
    if (s_is_float (type)) {
        float narrow;
        if (!zanni__value_double (value, &number))
            return false;
        if (type->size == 4 && fabs (number) > (double) FLT_MAX && !isinf (number))
            return false;
        narrow = (float) number;
        memcpy (bytes, type->size == 4 ? (const void *) &narrow : (const void *) &number, type->size);
        return true;
    }
    if (value->form == ZANNI__UINT ? value->value.u > type->most
                                   : value->form != ZANNI__INT || value->value.i < type->least)
        return false;
    for (size_t i = 0; i < type->size; i++)
        bytes [s_place (type, i)] = (uint8_t) (value->value.u >> (8 * i));
    return true;
}

static zanni_arg_t
s_decode (const s_type_t *type, const uint8_t *at)
{
    uint64_t bits = 0;
    float narrow;
    double number;
    if (type->element == ZANNI_FLOAT32) {
        memcpy (&narrow, at, sizeof narrow);
        return zanni_arg_double ((double) narrow);
    }
    if (type->element == ZANNI_FLOAT64) {
        memcpy (&number, at, sizeof number);
        return zanni_arg_double (number);
    }
    for (size_t i = 0; i < type->size; i++)
        bits |= (uint64_t) at [s_place (type, i)] << (8 * i);
    if (!type->least)
        return zanni_arg_uint (bits);
    uint64_t sign = UINT64_C (1) << (8 * type->size - 1);
    return zanni_arg_int ((int64_t) ((bits ^ sign) - sign));
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_array_t *array = zanni_state (self);
    const char *name;
    int64_t count;
    int rc = zanni_read (msg, &name, &count);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof s_types / sizeof *s_types; i++)
        if (strcmp (s_types [i].name, name) == 0)
            array->type = &s_types [i];
    if (!array->type)
        return zanni__refuse (msg, ZANNI_EINVAL, "an array of \"%.40s\": it is int8 to int64, uint8 to uint64,"
                              " float32 or float64", name);
    array->size = array->type->size;
    if (count < 0 || (uint64_t) count > S_BYTES_MOST / array->size)
        return zanni__refuse (msg, ZANNI_EINVAL, "an array of %" PRId64 " elements", count);
    array->count = count;
    array->data = zanni__calloc ((size_t) count * array->size + 1);
    return array->data ? 0 : ZANNI_ENOMEM;
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_array_t *array = zanni_state (self);
    (void) reason;
    zanni__free (array->data);
    array->data = NULL;
}

/* `count` elements from the position `from`, negative from the end, have to be there. */
static int
s_range (const s_array_t *array, zanni_msg_t *msg, int64_t from, int64_t count, uint8_t **at)
{
    int64_t first = from < 0 ? from + array->count : from;
    if (count < 0 || first < 0 || first > array->count || count > array->count - first)
        return zanni__refuse (msg, ZANNI_ENOKEY, "%s: %" PRId64 " from position %" PRId64 " are not inside of an"
                              " array of %" PRId64, zanni_msg_method (msg), count, from, array->count);
    *at = array->data + (size_t) first * array->size;
    return 0;
}

static int
s_get (zanni_t *self, zanni_msg_t *msg)
{
    const s_array_t *array = zanni_state (self);
    int64_t index;
    uint8_t *at;
    int rc = zanni_read (msg, &index);
    if (!rc)
        rc = s_range (array, msg, index, 1, &at);
    return rc ? rc : zanni_reply (self, msg, s_decode (array->type, at));
}

/* The next argument, as an element. */
static int
s_read_number (const s_array_t *array, zanni_msg_t *msg, uint8_t bytes [8])
{
    zanni_packed_t packed;
    zanni__value_t value;
    int rc = zanni_read (msg, &packed);
    if (rc)
        return rc;
    zanni__reader_t reader = zanni__reader (packed.data, (uint32_t) packed.size);
    if (!zanni__reader_next (&reader, &value) || !s_encode (array->type, &value, bytes))
        return zanni__refuse (msg, ZANNI_EARGS, "%s: the value is no %s", zanni_msg_method (msg), array->type->name);
    return 0;
}

static int
s_set (zanni_t *self, zanni_msg_t *msg)
{
    s_array_t *array = zanni_state (self);
    int64_t index;
    uint8_t *at;
    uint8_t bytes [8];
    int rc = zanni_read (msg, &index);
    if (!rc)
        rc = s_range (array, msg, index, 1, &at);
    if (!rc)
        rc = s_read_number (array, msg, bytes);
    if (!rc)
        memcpy (at, bytes, array->size);
    return rc;
}

static int
s_fill (zanni_t *self, zanni_msg_t *msg)
{
    s_array_t *array = zanni_state (self);
    uint8_t bytes [8];
    int rc = s_read_number (array, msg, bytes);
    for (int64_t i = 0; !rc && i < array->count; i++)
        memcpy (array->data + (size_t) i * array->size, bytes, array->size);
    return rc;
}

static int
s_slice (zanni_t *self, zanni_msg_t *msg)
{
    const s_array_t *array = zanni_state (self);
    int64_t from, count;
    uint8_t *at;
    void *data;
    zanni_buffer_t *buffer = NULL;
    int rc = zanni_read (msg, &from, &count);
    if (!rc)
        rc = s_range (array, msg, from, count, &at);
    if (!rc)
        rc = zanni_buffer_new (self, &buffer, (size_t) count * array->size);
    if (!rc && count) {
        rc = zanni_buffer_edit (&data, buffer);
        if (!rc)
            memcpy (data, at, (size_t) count * array->size);
    }
    const uint64_t shape [] = { (uint64_t) (rc ? 0 : count) };
    if (!rc && count)
        rc = zanni_buffer_set_array (buffer, array->type->element, 1, shape);
    if (!rc)
        rc = zanni_reply (self, msg, buffer);
    zanni_buffer_destroy (&buffer);
    return rc;
}

static int
s_store (zanni_t *self, zanni_msg_t *msg)
{
    s_array_t *array = zanni_state (self);
    const zanni_buffer_t *buffer;
    zanni_element_t element = ZANNI_RAW;
    uint64_t shape [ZANNI_BUFFER_DIMENSIONS];
    int64_t from;
    uint8_t *at;
    int rc = zanni_read (msg, &from, &buffer);
    if (rc)
        return rc;
    size_t size = zanni_buffer_size (buffer);
    if (zanni_buffer_array (buffer, &element, shape) && element != ZANNI_RAW && element != array->type->element)
        return zanni__refuse (msg, ZANNI_EARGS, "store: the buffer holds other elements than %s", array->type->name);
    if (size % array->size)
        return zanni__refuse (msg, ZANNI_EARGS, "store: %zu bytes are no whole number of %s", size,
                              array->type->name);
    rc = s_range (array, msg, from, (int64_t) (size / array->size), &at);
    if (!rc && size)
        memcpy (at, zanni_buffer_data (buffer), size);
    return rc;
}

static int
s_look (zanni_t *self, zanni_msg_t *msg)
{
    const s_array_t *array = zanni_state (self);
    return zanni_reply (self, msg, array->type->name, array->count);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("get", "x", "v", s_get, "The number at a position."),
    ZANNI_METHOD ("set", "xv", "", s_set, "Another one there."),
    ZANNI_METHOD ("fill", "v", "", s_fill, "The same everywhere."),
    ZANNI_METHOD ("slice", "xx", "B", s_slice, "So many from a position, as a buffer."),
    ZANNI_METHOD ("store", "xB", "", s_store, "Those of a buffer, from a position."),
    ZANNI_METHOD ("look", "", "sx", s_look, "Type and length."),
    ZANNI_METHOD_END
};

const zanni_class_t zanni__array_class = {
    .name = "zanni.array", .state_size = sizeof (s_array_t), .methods = s_methods, .start_in = "sx", .start = s_start,
    .stop = s_stop, .text = "Numbers of one type in a row."
};
