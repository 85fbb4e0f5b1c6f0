/* Properties: two handlers for all of them, which find in the method of the message which member it is about. */

#include "property.h"

#include "worker.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <zanni/buffer.h>

/* What a kind of member is as an argument, and between which bounds it is where that holds more. */
typedef struct {
    const char *letter;
    uint32_t out;      // zanni_out_tag_t; 0: read in a way of its own
    int64_t least, most;
} s_kind_t;

static const s_kind_t s_kinds [] = {
    [ZANNI_KIND_BOOL] = { "b", ZANNI_OUT_BOOL, 0, 0 },       [ZANNI_KIND_INT8] = { "i", 0, INT8_MIN, INT8_MAX },
    [ZANNI_KIND_INT16] = { "i", 0, INT16_MIN, INT16_MAX },   [ZANNI_KIND_INT32] = { "i", ZANNI_OUT_INT32, 0, 0 },
    [ZANNI_KIND_INT64] = { "x", ZANNI_OUT_INT64, 0, 0 },     [ZANNI_KIND_UINT8] = { "y", ZANNI_OUT_UINT8, 0, 0 },
    [ZANNI_KIND_UINT16] = { "u", 0, 0, UINT16_MAX },         [ZANNI_KIND_UINT32] = { "u", ZANNI_OUT_UINT32, 0, 0 },
    [ZANNI_KIND_UINT64] = { "t", ZANNI_OUT_UINT64, 0, 0 },   [ZANNI_KIND_FLOAT] = { "d", 0, 0, 0 },
    [ZANNI_KIND_DOUBLE] = { "d", ZANNI_OUT_DOUBLE, 0, 0 },   [ZANNI_KIND_TEXT] = { "s", 0, 0, 0 },
    [ZANNI_KIND_RAW] = { "ay", 0, 0, 0 },                    [ZANNI_KIND_BUFFER] = { "B", 0, 0, 0 },
};

const char *
zanni__property_letter (const zanni_property_t *property)
{
    uint32_t kind = property->field.kind;
    return kind < sizeof s_kinds / sizeof *s_kinds ? s_kinds [kind].letter : NULL;
}

static const zanni_field_t *
s_field (const zanni_msg_t *msg)
{
    return &msg->method->property->field;
}

static void *
s_member (zanni_t *self, const zanni_field_t *field)
{
    return (char *) zanni_state (self) + field->offset;
}

#define S_LOAD(type, place) (*(const type *) (place))

static zanni_arg_t
s_value (const zanni_field_t *field, const void *place)
{
    switch (field->kind) {
    case ZANNI_KIND_BOOL: return zanni_arg_bool (S_LOAD (bool, place));
    case ZANNI_KIND_INT8: return zanni_arg_int (S_LOAD (int8_t, place));
    case ZANNI_KIND_INT16: return zanni_arg_int (S_LOAD (int16_t, place));
    case ZANNI_KIND_INT32: return zanni_arg_int (S_LOAD (int32_t, place));
    case ZANNI_KIND_INT64: return zanni_arg_int (S_LOAD (int64_t, place));
    case ZANNI_KIND_UINT8: return zanni_arg_uint (S_LOAD (uint8_t, place));
    case ZANNI_KIND_UINT16: return zanni_arg_uint (S_LOAD (uint16_t, place));
    case ZANNI_KIND_UINT32: return zanni_arg_uint (S_LOAD (uint32_t, place));
    case ZANNI_KIND_UINT64: return zanni_arg_uint (S_LOAD (uint64_t, place));
    case ZANNI_KIND_FLOAT: return zanni_arg_double ((double) S_LOAD (float, place));
    case ZANNI_KIND_DOUBLE: return zanni_arg_double (S_LOAD (double, place));
    case ZANNI_KIND_TEXT: return zanni_arg_string (place);
    case ZANNI_KIND_RAW: return zanni_arg_bytes (place, field->size);
    default: return zanni_arg_buffer (S_LOAD (zanni_buffer_t *, place));
    }
}

static int
s_refuse (zanni_msg_t *msg, int code, const char *text)
{
    zanni__msg_set_fault (msg, text);
    return code;
}

int
zanni__property_get (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_field_t *field = s_field (msg);
    const void *place = s_member (self, field);
    if (field->kind == ZANNI_KIND_BUFFER && !S_LOAD (zanni_buffer_t *, place))
        return s_refuse (msg, ZANNI_ENOKEY, "there is no buffer yet");
    if (field->kind == ZANNI_KIND_TEXT && !memchr (place, 0, field->size))
        return s_refuse (msg, ZANNI_EINVAL, "the text does not end");   // the actor's own doing
    return zanni_reply (self, msg, s_value (field, place));
}

static int
s_set_text (zanni_msg_t *msg, const zanni_field_t *field, char *place)
{
    const char *value;
    char text [120];
    int rc = zanni_read (msg, &value);
    if (rc)
        return rc;
    size_t size = strlen (value);
    if (size < field->size) {
        memcpy (place, value, size + 1);
        return 0;
    }
    snprintf (text, sizeof text, "%zu bytes are too many: %" PRIu32 " fit", size, field->size - 1);
    return s_refuse (msg, ZANNI_ETOOBIG, text);
}

static int
s_set_raw (zanni_msg_t *msg, const zanni_field_t *field, void *place)
{
    zanni_bytes_t value;
    char text [120];
    int rc = zanni_read (msg, &value);
    if (rc)
        return rc;
    if (value.size == field->size) {
        memcpy (place, value.data, value.size);
        return 0;
    }
    snprintf (text, sizeof text, "%zu bytes: %" PRIu32 " are wanted", value.size, field->size);
    return s_refuse (msg, ZANNI_EARGS, text);
}

static int
s_set_buffer (zanni_msg_t *msg, zanni_buffer_t **place)
{
    const zanni_buffer_t *value;
    int rc = zanni_read (msg, &value);
    if (rc)
        return rc;
    zanni_buffer_destroy (place);
    *place = zanni_buffer_keep (value);
    return 0;
}

static int
s_set_float (zanni_msg_t *msg, float *place)
{
    double value;
    char text [120];
    int rc = zanni_read (msg, &value);
    if (rc)
        return rc;
    if (isinf (value) || isnan (value) || fabs (value) <= (double) FLT_MAX) {
        *place = (float) value;
        return 0;
    }
    snprintf (text, sizeof text, "%g is too large for a float", value);
    return s_refuse (msg, ZANNI_EARGS, text);
}

/* Integers of 8 and 16 bits, which arguments have none of. */
static int
s_set_narrow (zanni_msg_t *msg, const zanni_field_t *field, void *place)
{
    const s_kind_t *kind = &s_kinds [field->kind];
    int64_t number;
    char text [120];
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    if (number < kind->least || number > kind->most) {
        snprintf (text, sizeof text, "%" PRId64 " is outside of %" PRId64 " to %" PRId64, number, kind->least,
                  kind->most);
        return s_refuse (msg, ZANNI_EARGS, text);
    }
    if (field->kind == ZANNI_KIND_INT8)
        *(int8_t *) place = (int8_t) number;
    else if (field->kind == ZANNI_KIND_INT16)
        *(int16_t *) place = (int16_t) number;
    else
        *(uint16_t *) place = (uint16_t) number;
    return 0;
}

int
zanni__property_set (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_field_t *field = s_field (msg);
    void *place = s_member (self, field);
    const zanni_out_t out = { s_kinds [field->kind].out, place };
    if (out.tag)
        return zanni_read_args (msg, &out, 1);
    switch (field->kind) {
    case ZANNI_KIND_TEXT: return s_set_text (msg, field, place);
    case ZANNI_KIND_RAW: return s_set_raw (msg, field, place);
    case ZANNI_KIND_BUFFER: return s_set_buffer (msg, place);
    case ZANNI_KIND_FLOAT: return s_set_float (msg, place);
    default: return s_set_narrow (msg, field, place);
    }
}
