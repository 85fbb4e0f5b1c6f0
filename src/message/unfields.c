/* Instances with a table of fields, out of msgpack, which a stranger may have written.

   What is there is read field by field into an instance that holds its defaults; where the fields end early, an older
   version wrote them, and the defaults stay; what is behind the last field, a newer one wrote, and it is passed over.
   Nothing is believed: a number must fit its member, a text its array with its NUL, an index the table of buffers. The
   instance is not shown to anybody before all of it fits, so it needs no undoing.

   Strings and bytes go into memory of the message, buffers are the message's: as with everything that is read, nothing
   in the instance has to be given back. */

#include "type.h"

#include "../wire/text.h"

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
static __attribute__ ((noinline)) bool
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
    zanni__reader_t ahead = *reader;
    const uint8_t *behind = zanni__wire_int (ahead.at, ahead.end, &number);
    if (behind && number >= s_ranges [step->kind].least
        && (number < 0 || (uint64_t) number <= s_ranges [step->kind].most))
        reader->at = behind;
    else if (!s_read_any_int (&ahead, step, &number))
        return false;
    else
        reader->at = ahead.at;
    s_store_int (step->width, to, number);
    return true;
}

/* Float32 takes what it holds exactly, and what is no number. */
static __attribute__ ((noinline)) bool
s_read_any_double (zanni__reader_t *reader, const zanni__step_t *step, uint8_t *to)
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
    return step->kind < ZANNI_KIND_FLOAT ? s_read_int (reader, step, to) : s_read_any_double (reader, step, to);
}

/* The integer at `at`, behind which 9 bytes can be looked at; NULL: none that an int64_t holds. */
static inline const uint8_t *
s_int (const uint8_t *at, int64_t *number)
{
    uint64_t bytes;
    *number = (int8_t) *at;
    if (*number >= -32)
        return at + 1;
    uint32_t kind = *at - 0xccu;
    uint32_t shift = 64 - (8u << (kind & 3));
    memcpy (&bytes, at + 1, sizeof bytes);
    bytes = be64toh (bytes);
    *number = kind < 4 ? (int64_t) (bytes >> shift) : (int64_t) bytes >> shift;
    return kind > 7 || (kind == 3 && *number < 0) ? NULL : at + 1 + (1u << (kind & 3));
}

static inline const uint8_t *
s_bool (const uint8_t *at, bool *value)
{
    *value = *at & 1;
    return (*at & 0xfe) == 0xc2 ? at + 1 : NULL;
}

static inline const uint8_t *
s_float (const uint8_t *at, float *value)
{
    uint32_t bits;
    memcpy (&bits, at + 1, sizeof bits);
    bits = be32toh (bits);
    memcpy (value, &bits, sizeof bits);
    return *at == 0xca ? at + 5 : NULL;
}

static inline const uint8_t *
s_double (const uint8_t *at, double *value)
{
    uint64_t bits;
    memcpy (&bits, at + 1, sizeof bits);
    bits = be64toh (bits);
    memcpy (value, &bits, sizeof bits);
    return *at == 0xcb ? at + 9 : NULL;
}

/* As many numbers as fit at once, in the forms that we write and far enough from the end; answers how many. */
#define S_LOOP(type, get, from, fits) \
    for (; done < count && end - at >= 9 && (behind = get (at, &(from))) && (fits); done++, at = behind) \
        ((type *) (void *) to) [done] = (type) (from); \
    break
#define S_EACH(type, fits) S_LOOP (type, s_int, number, fits)

ZANNI__INLINE uint32_t
s_read_quick (zanni__reader_t *reader, uint32_t kind, uint8_t *to, uint32_t count)
{
    const uint8_t *at = reader->at, *end = reader->end, *behind;
    uint32_t done = 0;
    int64_t number;
    float narrow;
    double wide;
    bool flag;
    switch (kind) {
    case ZANNI_KIND_BOOL: S_LOOP (bool, s_bool, flag, true);
    case ZANNI_KIND_FLOAT: S_LOOP (float, s_float, narrow, true);
    case ZANNI_KIND_DOUBLE: S_LOOP (double, s_double, wide, true);
    case ZANNI_KIND_INT8: S_EACH (int8_t, (int8_t) number == number);
    case ZANNI_KIND_INT16: S_EACH (int16_t, (int16_t) number == number);
    case ZANNI_KIND_INT32: S_EACH (int32_t, (int32_t) number == number);
    case ZANNI_KIND_INT64: S_EACH (int64_t, true);
    case ZANNI_KIND_UINT8: S_EACH (uint8_t, (uint8_t) number == number);
    case ZANNI_KIND_UINT16: S_EACH (uint16_t, (uint16_t) number == number);
    case ZANNI_KIND_UINT32: S_EACH (uint32_t, (uint32_t) number == number);
    default: S_EACH (uint64_t, number >= 0);
    }
    reader->at = at;
    return done;
}

/* The general way, from the number `done` on; answers how many of `count` fit. */
static __attribute__ ((noinline)) uint32_t
s_read_slowly (zanni__reader_t *reader, const zanni__step_t *step, uint8_t *to, uint32_t count, uint32_t done)
{
    while (done < count && s_read_number (reader, step, to + done * step->width))
        done++;
    return done;
}

ZANNI__INLINE uint32_t
s_read_numbers (zanni__reader_t *reader, const zanni__step_t *step, uint8_t *to, uint32_t count)
{
    uint32_t done = s_read_quick (reader, step->kind, to, count);
    if (__builtin_expect (done == count, 1))
        return done;
    zanni__reader_t rest = *reader;   // a copy, so that the quick way has its own in registers
    done = s_read_slowly (&rest, step, to, count, done);
    *reader = rest;
    return done;
}

/* An array may be shorter than the member, whose rest keeps its defaults. */
static bool
s_read_array (zanni__reader_t *reader, const zanni__step_t *step, uint8_t *to)
{
    uint32_t count;
    if (!zanni__reader_array (reader, &count) || count > step->count)
        return false;
    return s_read_numbers (reader, step, to, count) == count;
}

/* Behind its NUL a text keeps what was there. */
static bool
s_read_text (const zanni__value_t *value, const zanni__step_t *step, uint8_t *to)
{
    if (value->size >= step->count || !zanni__value_text (value))
        return false;
    memcpy (to, value->value.data, value->size);
    to [value->size] = 0;
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
static __attribute__ ((noinline)) int
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

/* A text as we write it, with fewer than 32 bytes; NULL: nothing was done. */
ZANNI__INLINE const uint8_t *
s_read_short (const zanni__reader_t *reader, const zanni__step_t *step, uint8_t *to)
{
    const uint8_t *at = reader->at;
    if (step->kind != ZANNI_KIND_TEXT || at == reader->end || (*at & 0xe0) != 0xa0)
        return NULL;
    size_t size = *at++ & 0x1f;
    if (size >= step->count || size > (size_t) (reader->end - at))
        return NULL;
    if (!zanni__text_copy_short (to, at, size))
        return NULL;   // all of it is written again
    to [size] = 0;
    return at + size;
}

static bool
s_is_plain (const zanni__step_t *step)
{
    return step->kind <= ZANNI_KIND_DOUBLE && !step->array;
}

static int
s_failed (zanni__unfields_t *unfields, const zanni__type_t *type, uint32_t field, int rc)
{
    if (!unfields->field)
        unfields->field = type->definition->fields [field - 1].name;
    return rc;
}

static int
s_read_fields (zanni__unfields_t *unfields, const zanni__type_t *type, uint8_t *instance, uint32_t count)
{
    const zanni__step_t *end = type->steps + type->steps_count;
    zanni__reader_t reader = unfields->reader;
    const uint8_t *behind;
    for (const zanni__step_t *step = type->steps; step < end && count; step++) {
        uint32_t done = 1;
        if (s_is_plain (step)) {
            uint32_t wanted = count < step->count ? count : step->count;
            done = s_read_numbers (&reader, step, instance + step->offset, wanted);
            if (done < wanted)
                return s_failed (unfields, type, step->field + done, ZANNI_EARGS);
        }
        else if ((behind = s_read_short (&reader, step, instance + step->offset)))
            reader.at = behind;
        else {
            unfields->reader = reader;
            int rc = s_read_other (unfields, step, instance + step->offset);
            if (rc)
                return s_failed (unfields, type, step->field, rc);
            reader = unfields->reader;
        }
        count -= done;
    }
    for (; count; count--)
        if (!zanni__reader_skip (&reader, ZANNI__WIRE_DEPTH - 1))
            return ZANNI_EARGS;
    unfields->reader = reader;
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
