/* Instances with a table of fields, out of msgpack, which a stranger may have written.

   What is there is read field by field into an instance that holds its defaults; where the fields end early, an older
   version wrote them, and the defaults stay; what is behind the last field, a newer one wrote, and it is passed over.
   Nothing is believed: a number must fit its member, a text its array with its NUL, an index the table of buffers. The
   instance is not shown to anybody before all of it fits, so it needs no undoing.

   Strings and bytes go into memory of the message, buffers are the message's: as with everything that is read, nothing
   in the instance has to be given back. */

#include "type.h"

#include <float.h>
#include <string.h>

#define S_STORE(type, to, value) (*(type *) (void *) (to) = (type) (value))

static const struct {
    int64_t least;
    uint64_t most;
} s_ranges [ZANNI_KIND_DOUBLE + 1] = {
    [ZANNI_KIND_BOOL] = { 0, 1 },                   [ZANNI_KIND_INT8] = { INT8_MIN, INT8_MAX },
    [ZANNI_KIND_INT16] = { INT16_MIN, INT16_MAX },  [ZANNI_KIND_INT32] = { INT32_MIN, INT32_MAX },
    [ZANNI_KIND_INT64] = { INT64_MIN, INT64_MAX },  [ZANNI_KIND_UINT8] = { 0, UINT8_MAX },
    [ZANNI_KIND_UINT16] = { 0, UINT16_MAX },        [ZANNI_KIND_UINT32] = { 0, UINT32_MAX },
    [ZANNI_KIND_UINT64] = { 0, UINT64_MAX },
};

static inline void
s_store_int (uint32_t width, uint8_t *to, int64_t number)
{
    switch (width) {
    case 1: S_STORE (uint8_t, to, number); break;
    case 2: S_STORE (uint16_t, to, number); break;
    case 4: S_STORE (uint32_t, to, number); break;
    default: S_STORE (int64_t, to, number);
    }
}

/* The general way to an integer, also for those of 64 bits without a sign. */
static bool
s_read_any_int (zanni__reader_t *reader, const zanni__step_t *step, int64_t *number)
{
    zanni__value_t value;
    if (!zanni__reader_next (reader, &value))
        return false;
    *number = value.value.i;
    if (value.form == ZANNI__BOOL)
        return step->kind == ZANNI_KIND_BOOL;
    if (value.form == ZANNI__INT)
        return value.value.i >= s_ranges [step->kind].least;
    return value.form == ZANNI__UINT && value.value.u <= s_ranges [step->kind].most;
}

static inline bool
s_read_int (zanni__reader_t *reader, const zanni__step_t *step, uint8_t *to)
{
    int64_t number;
    const uint8_t *behind = zanni__wire_int (reader->at, reader->end, &number);
    if (behind && number >= s_ranges [step->kind].least
        && (number < 0 || (uint64_t) number <= s_ranges [step->kind].most))
        reader->at = behind;
    else if (!s_read_any_int (reader, step, &number))
        return false;
    s_store_int (step->width, to, number);
    return true;
}

/* Float32 takes what it holds exactly, and what is no number. */
static bool
s_read_double (zanni__reader_t *reader, const zanni__step_t *step, uint8_t *to)
{
    double number;
    zanni__value_t value;
    if (!zanni__reader_next (reader, &value) || !zanni__value_double (&value, &number))
        return false;
    if (step->kind == ZANNI_KIND_DOUBLE) {
        S_STORE (double, to, number);
        return true;
    }
    bool finite = number - number == 0;
    if (finite && (number > (double) FLT_MAX || number < (double) -FLT_MAX || (double) (float) number != number))
        return false;
    S_STORE (float, to, number);
    return true;
}

static inline bool
s_read_number (zanni__reader_t *reader, const zanni__step_t *step, uint8_t *to)
{
    return step->kind < ZANNI_KIND_FLOAT ? s_read_int (reader, step, to) : s_read_double (reader, step, to);
}

/* An array may be shorter than the member, whose rest keeps its defaults. */
static bool
s_read_array (zanni__reader_t *reader, const zanni__step_t *step, uint8_t *to)
{
    uint32_t count;
    if (!zanni__reader_array (reader, &count) || count > step->count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!s_read_number (reader, step, to + i * step->width))
            return false;
    return true;
}

static bool
s_read_text (const zanni__value_t *value, const zanni__step_t *step, uint8_t *to)
{
    if (!zanni__value_text (value) || value->size >= step->count)
        return false;
    memcpy (to, value->value.data, value->size);
    memset (to + value->size, 0, step->count - value->size);
    return true;
}

static bool
s_read_raw (const zanni__value_t *value, const zanni__step_t *step, uint8_t *to)
{
    if (value->form != ZANNI__BIN || value->size > step->count)
        return false;
    memcpy (to, value->value.data, value->size);
    return true;
}

static int
s_read_string (zanni_msg_t *msg, const zanni__value_t *value, uint8_t *to)
{
    if (value->form == ZANNI__NIL)
        S_STORE (const char *, to, NULL);
    else if (!zanni__value_text (value))
        return ZANNI_EARGS;
    else {
        const char *copy = zanni__msg_copy (msg, value->value.data, value->size);
        if (!copy)
            return ZANNI_ENOMEM;
        S_STORE (const char *, to, copy);
    }
    return 0;
}

static bool
s_read_bytes (const zanni__value_t *value, uint8_t *to)
{
    if (value->form != ZANNI__BIN)
        return false;
    *(zanni_bytes_t *) (void *) to = (zanni_bytes_t) { value->value.data, value->size };
    return true;
}

static bool
s_read_buffer (const zanni_msg_t *msg, const zanni__value_t *value, uint8_t *to)
{
    zanni_buffer_t *buffer = NULL;
    if (value->form != ZANNI__NIL) {
        buffer = zanni__value_handle (value, &msg->args, ZANNI__EXT_BUFFER);
        if (!buffer)
            return false;
    }
    S_STORE (zanni_buffer_t *, to, buffer);
    return true;
}

static int
s_fits (bool good)
{
    return good ? 0 : ZANNI_EARGS;
}

static int s_read_fields (zanni__unfields_t *unfields, const zanni__type_t *type, uint8_t *instance, uint32_t count);

static int
s_read_nested (zanni__unfields_t *unfields, const zanni__step_t *step, uint8_t *to)
{
    uint32_t count;
    zanni__value_t version;
    if (!zanni__reader_array (&unfields->reader, &count) || !count
        || !zanni__reader_next (&unfields->reader, &version) || version.form != ZANNI__UINT
        || version.value.u > UINT32_MAX)
        return ZANNI_EARGS;
    if (step->nested->definition->defaults)
        memcpy (to, step->nested->definition->defaults, step->nested->definition->size);
    return s_read_fields (unfields, step->nested, to, count - 1);
}

/* One value that is no number. */
static int
s_read_other (zanni__unfields_t *unfields, const zanni__step_t *step, uint8_t *to)
{
    zanni__value_t value;
    if (step->kind == ZANNI_KIND_NESTED)
        return s_read_nested (unfields, step, to);
    if (step->array)
        return s_fits (s_read_array (&unfields->reader, step, to));
    if (!zanni__reader_next (&unfields->reader, &value))
        return ZANNI_EARGS;
    switch (step->kind) {
    case ZANNI_KIND_TEXT:
        return s_fits (s_read_text (&value, step, to));
    case ZANNI_KIND_RAW:
        return s_fits (s_read_raw (&value, step, to));
    case ZANNI_KIND_STRING:
        return s_read_string (unfields->msg, &value, to);
    case ZANNI_KIND_BYTES:
        return s_fits (s_read_bytes (&value, to));
    default:
        return s_fits (s_read_buffer (unfields->msg, &value, to));
    }
}

static bool
s_is_plain (const zanni__step_t *step)
{
    return step->kind <= ZANNI_KIND_DOUBLE && !step->array;
}

/* Up to `left` fields; answers how many there were, or a negative code and which. */
static int64_t
s_read_step (zanni__unfields_t *unfields, const zanni__step_t *step, uint8_t *to, uint32_t left, uint32_t *failed)
{
    *failed = step->field;
    if (!s_is_plain (step)) {
        int rc = s_read_other (unfields, step, to);
        return rc ? rc : 1;
    }
    uint32_t count = left < step->count ? left : step->count;
    zanni__reader_t reader = unfields->reader;
    for (uint32_t i = 0; i < count; i++)
        if (!s_read_number (&reader, step, to + i * step->width)) {
            *failed = step->field + i;
            return ZANNI_EARGS;
        }
    unfields->reader = reader;
    return count;
}

static int
s_read_fields (zanni__unfields_t *unfields, const zanni__type_t *type, uint8_t *instance, uint32_t count)
{
    const zanni__step_t *end = type->steps + type->steps_count;
    uint32_t failed;
    for (const zanni__step_t *step = type->steps; step < end && count; step++) {
        int64_t done = s_read_step (unfields, step, instance + step->offset, count, &failed);
        if (done < 0) {
            if (!unfields->field)
                unfields->field = type->definition->fields [failed - 1].name;
            return (int) done;
        }
        count -= (uint32_t) done;
    }
    for (; count; count--)
        if (!zanni__reader_skip (&unfields->reader, ZANNI__WIRE_DEPTH - ZANNI__TYPE_DEPTH - 1))
            return ZANNI_EARGS;
    return 0;
}

int
zanni__fields_read (zanni__unfields_t *unfields, const zanni__type_t *type, void *instance)
{
    uint32_t count;
    unfields->field = NULL;
    if (!zanni__reader_array (&unfields->reader, &count))
        return ZANNI_EARGS;
    int rc = s_read_fields (unfields, type, instance, count);
    return rc ? rc : s_fits (unfields->reader.at == unfields->reader.end);
}

bool
zanni__fields_each (const zanni__type_t *type, void *instance, zanni__pointer_fn *each, void *context)
{
    bool good = true;
    if (!type->buffers && !type->pointers)
        return true;
    for (uint32_t i = 0; good && i < type->steps_count; i++) {
        const zanni__step_t *step = &type->steps [i];
        uint8_t *member = (uint8_t *) instance + step->offset;
        if (step->kind == ZANNI_KIND_NESTED)
            good = zanni__fields_each (step->nested, member, each, context);
        else if (step->kind >= ZANNI_KIND_STRING)
            good = each (context, step, member);
    }
    return good;
}
