/* Reading arguments: all or none.

   Values are decoded into slots, one for each place, and only when all of them fit are they stored and the message
   moved on; a read that fails leaves places and message as they were.

   Nothing is taken from an earlier check against a signature: what a message holds under `v`, or what a reply from
   elsewhere holds, was never checked, and looking again costs little. */

#include "message.h"

#include "object.h"
#include "quick.h"
#include "value.h"
#include "../base/assert.h"
#include <stdio.h>
#include <string.h>
#include <zanni/store.h>
#include <zanni/type.h>

#define S_PLACES_MOST ZANNI__SIGNATURE_TYPES

typedef union {
    int64_t number;   // of whatever width
    double d;
    const void *p;
    zanni_bytes_t bytes;
    zanni_packed_t packed;
    zanni_bound_t bound;
} s_slot_t;

typedef struct {
    zanni_msg_t *msg;
    zanni__reader_t reader;
    uint32_t left;
    int rc;
    const char *detail;   // of the value that does not fit, or NULL
} s_read_t;

/* What became of a value. */
typedef enum { S_FITS, S_WRONG, S_RANGE, S_TEXT, S_BROKEN, S_MISSING, S_NO_MEMORY } s_finding_t;

static inline uint32_t
s_depth (const zanni_msg_t *msg)
{
    return msg->extra ? msg->extra->depth : 0;
}

/* Where the message is; false: its arguments are no array. */
static inline bool
s_begin (s_read_t *read, const zanni_msg_t *msg)
{
    if (!msg->at)
        return zanni__args_begin (&msg->args, &read->reader, &read->left);
    read->reader = (zanni__reader_t) { msg->args.bytes + msg->at, msg->args.bytes + msg->args.size };
    read->left = msg->left;
    return true;
}

static inline void
s_commit (const s_read_t *read, zanni_msg_t *msg)
{
    msg->at = (uint32_t) (read->reader.at - msg->args.bytes);
    msg->left = read->left;
}

/* The number of the value that is next to read, at each level. */
static void
s_find_place (const s_read_t *read, zanni__fault_t *fault)
{
    zanni__reader_t reader;
    const zanni__extra_t *extra = read->msg->extra;
    uint32_t depth = s_depth (read->msg);
    uint32_t count = 0;
    if (!zanni__args_begin (&read->msg->args, &reader, &count))
        count = 0;
    fault->depth = depth;
    fault->position = count - (depth ? extra->levels [0].left : read->left) + !depth;
    for (uint32_t i = 0; i < depth; i++) {
        bool inmost = i + 1 == depth;
        uint32_t left = inmost ? read->left : extra->levels [i + 1].left;
        fault->items [i] = extra->levels [i].count - left + inmost;
    }
}

/* Says what is wrong with the value at `at`, where `wanted` should be; the whole read then fails. */
static bool
s_fault (s_read_t *read, const char *wanted, const uint8_t *at, s_finding_t found)
{
    read->rc = ZANNI_ENOMEM;
    if (found == S_NO_MEMORY)
        return false;
    char text [sizeof read->msg->extra->fault];
    zanni__reader_t ahead = { at, read->reader.end };
    zanni__value_t value = { .ext = 0 };
    bool whole = found == S_MISSING || zanni__reader_next (&ahead, &value);
    zanni__fault_t fault = {
        .found = at < ahead.end ? *at : 0, .ext = (uint8_t) value.ext, .missing = found == S_MISSING,
        .range = found == S_RANGE, .text = found == S_TEXT, .broken = found == S_BROKEN || !whole,
        .detail = read->detail
    };
    s_find_place (read, &fault);
    zanni__msg_set_fault (read->msg, zanni__fault_words (&fault, wanted, text, sizeof text));
    read->rc = ZANNI_EARGS;
    return false;
}

/* A place: how many bytes it has, what it is called, and the integers that it takes, where it takes integers. */
typedef struct s_place s_place_t;

/* Each taker gets a value and fills the slot, or says why not. */
typedef s_finding_t s_take_fn (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value,
                               s_slot_t *slot);

struct s_place {
    s_take_fn *take;   // NULL: the value as it is
    const char *name;
    uint32_t width;
    int64_t least;
    uint64_t most;     // 0: no integers
};

static bool
s_is_integer (const zanni__value_t *value)
{
    return value->form == ZANNI__UINT || value->form == ZANNI__INT;
}

static s_finding_t
s_take_int (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value, s_slot_t *slot)
{
    (void) msg;
    if (!s_is_integer (value))
        return S_WRONG;
    if (value->form == ZANNI__INT ? value->value.i < place->least : value->value.u > place->most)
        return S_RANGE;
    slot->number = value->value.i;
    return S_FITS;
}

static s_finding_t
s_take_bool (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value, s_slot_t *slot)
{
    if (value->form != ZANNI__BOOL)
        return s_take_int (msg, place, value, slot);
    slot->number = (int64_t) value->value.u;
    return S_FITS;
}

static s_finding_t
s_take_double (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value, s_slot_t *slot)
{
    (void) msg;
    (void) place;
    if (zanni__value_double (value, &slot->d))
        return S_FITS;
    return s_is_integer (value) ? S_RANGE : S_WRONG;
}

static s_finding_t
s_take_string (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value, s_slot_t *slot)
{
    (void) place;
    if (value->form != ZANNI__STR)
        return S_WRONG;
    if (!zanni__value_text (value))
        return S_TEXT;
    slot->p = zanni__msg_copy (msg, value->value.data, value->size);
    return slot->p ? S_FITS : S_NO_MEMORY;
}

static s_finding_t
s_take_bytes (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value, s_slot_t *slot)
{
    (void) msg;
    (void) place;
    if (value->form != ZANNI__BIN && value->form != ZANNI__STR)
        return S_WRONG;
    slot->bytes = (zanni_bytes_t) { value->value.data, value->size };
    return S_FITS;
}

static s_finding_t
s_take_handle (zanni_msg_t *msg, const zanni__value_t *value, s_slot_t *slot, int8_t ext)
{
    if (value->form != ZANNI__EXT || value->ext != ext)
        return S_WRONG;
    slot->p = zanni__value_handle (value, &msg->args, ext);
    return slot->p ? S_FITS : S_BROKEN;
}

static s_finding_t
s_take_ref (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value, s_slot_t *slot)
{
    (void) place;
    return s_take_handle (msg, value, slot, ZANNI__EXT_REF);
}

static s_finding_t
s_take_buffer (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value, s_slot_t *slot)
{
    (void) place;
    return s_take_handle (msg, value, slot, ZANNI__EXT_BUFFER);
}

/* Where its bytes are: it is longer than a slot. */
static s_finding_t
s_take_blob (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value, s_slot_t *slot)
{
    (void) msg, (void) place;
    if (value->form != ZANNI__EXT || value->ext != ZANNI__EXT_BLOB)
        return S_WRONG;
    slot->p = value->value.data;
    return zanni__value_is_blob (value) ? S_FITS : S_BROKEN;
}

static s_finding_t
s_take_bound (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value, s_slot_t *slot)
{
    (void) place;
    zanni_ref_t *ref;
    zanni__value_t method;
    if (value->form != ZANNI__EXT || value->ext != ZANNI__EXT_BOUND)
        return S_WRONG;
    if (!zanni__value_bound (value, &msg->args, &ref, &method))
        return S_BROKEN;
    slot->bound = (zanni_bound_t) { ref, zanni__msg_copy (msg, method.value.data, method.size) };
    return slot->bound.method ? S_FITS : S_NO_MEMORY;
}

static s_finding_t
s_take_object (zanni_msg_t *msg, const s_place_t *place, const zanni__value_t *value, s_slot_t *slot)
{
    (void) place;
    const zanni_object_t *object = NULL;
    if (value->form != ZANNI__EXT || value->ext != ZANNI__EXT_OBJECT)
        return S_WRONG;
    int rc = zanni__object_read (msg, value, &object);
    slot->p = object;
    return !rc ? S_FITS : rc == ZANNI_EARGS ? S_BROKEN : S_NO_MEMORY;
}

static const s_place_t s_places [] = {
    [ZANNI_OUT_BOOL] = { s_take_bool, "bool", sizeof (bool), 0, 1 },
    [ZANNI_OUT_UINT8] = { s_take_int, "byte", 1, 0, UINT8_MAX },
    [ZANNI_OUT_INT32] = { s_take_int, "int32", 4, INT32_MIN, INT32_MAX },
    [ZANNI_OUT_UINT32] = { s_take_int, "uint32", 4, 0, UINT32_MAX },
    [ZANNI_OUT_INT64] = { s_take_int, "int64", 8, INT64_MIN, INT64_MAX },
    [ZANNI_OUT_UINT64] = { s_take_int, "uint64", 8, 0, UINT64_MAX },
    [ZANNI_OUT_DOUBLE] = { s_take_double, "double", sizeof (double), 0, 0 },
    [ZANNI_OUT_STRING] = { s_take_string, "string", sizeof (const char *), 0, 0 },
    [ZANNI_OUT_BYTES] = { s_take_bytes, "bytes", sizeof (zanni_bytes_t), 0, 0 },
    [ZANNI_OUT_REF] = { s_take_ref, "reference", sizeof (void *), 0, 0 },
    [ZANNI_OUT_BUFFER] = { s_take_buffer, "buffer", sizeof (void *), 0, 0 },
    [ZANNI_OUT_PACKED] = { NULL, "any value", sizeof (zanni_packed_t), 0, 0 },
    [ZANNI_OUT_BOUND] = { s_take_bound, "bound method", sizeof (zanni_bound_t), 0, 0 },
    [ZANNI_OUT_TYPED] = { NULL, "registered type", 0, 0, 0 },
    [ZANNI_OUT_OBJECT] = { s_take_object, "registered type", sizeof (void *), 0, 0 },
    [ZANNI_OUT_BLOB] = { s_take_blob, "blob", sizeof (zanni_blob_t), 0, 0 },
};

/* Passes over the next value. */
static bool
s_skip (s_read_t *read, const char *wanted)
{
    if (!read->left)
        return s_fault (read, wanted, read->reader.at, S_MISSING);
    if (!zanni__reader_skip (&read->reader, ZANNI__WIRE_DEPTH - s_depth (read->msg)))
        return s_fault (read, wanted, read->reader.at, S_BROKEN);
    read->left--;
    return true;
}

static bool
s_read_packed (s_read_t *read, s_slot_t *slot, const char *wanted)
{
    const uint8_t *at = read->reader.at;
    if (!s_skip (read, wanted))
        return false;
    slot->packed = (zanni_packed_t) { at, (size_t) (read->reader.at - at) };
    return true;
}

/* Says what was found instead of an instance, and in which field. */
static bool
s_typed_fault (s_read_t *read, const zanni__value_t *value, const zanni_into_t *into, const char *field)
{
    char wanted [80], found [160];
    snprintf (wanted, sizeof wanted, "type \"%.63s\"", into->type->name);
    read->detail = zanni__typed_words (value, into, field, found, sizeof found);
    bool object = value->form == ZANNI__EXT && value->ext == ZANNI__EXT_OBJECT;
    s_fault (read, wanted, read->reader.at, object && !read->detail ? S_BROKEN : S_WRONG);
    read->detail = NULL;
    return false;
}

static bool
s_read_typed (s_read_t *read, const zanni_into_t *into, s_slot_t *slot)
{
    zanni__value_t value;
    zanni__reader_t ahead = read->reader;
    void *instance = NULL;
    const char *field = NULL;
    if (!read->left)
        return s_fault (read, "registered type", ahead.at, S_MISSING);
    if (!zanni__reader_next (&ahead, &value))
        return s_fault (read, "registered type", ahead.at, S_BROKEN);
    read->rc = zanni__typed_read (read->msg, &value, into, &instance, &field);
    if (read->rc)
        return read->rc == ZANNI_EARGS ? s_typed_fault (read, &value, into, field) : false;
    slot->p = instance;
    read->reader = ahead;
    read->left--;
    return true;
}

static bool
s_read_one (s_read_t *read, const s_place_t *place, s_slot_t *slot)
{
    const uint8_t *at = read->reader.at;
    zanni__value_t value;
    if (!read->left)
        return s_fault (read, place->name, at, S_MISSING);
    if (!place->take)
        return s_read_packed (read, slot, place->name);
    if (!zanni__reader_next (&read->reader, &value))
        return s_fault (read, place->name, at, S_BROKEN);
    s_finding_t found = place->take (read->msg, place, &value, slot);
    if (found != S_FITS)
        return s_fault (read, place->name, at, found);
    read->left--;
    return true;
}

/* The quick way for integers; false: nothing was done. */
static inline bool
s_read_int (s_read_t *read, const s_place_t *place, s_slot_t *slot)
{
    int64_t number;
    if (!place->most || !read->left)
        return false;
    const uint8_t *behind = zanni__wire_int (read->reader.at, read->reader.end, &number);
    if (!behind || number < place->least || (number > 0 && (uint64_t) number > place->most))
        return false;
    slot->number = number;
    read->reader.at = behind;
    read->left--;
    return true;
}

static const s_place_t *
s_place_of (uint32_t tag)
{
    bool known = tag && tag < sizeof s_places / sizeof *s_places;
    return known ? &s_places [tag] : NULL;
}

/* Integers are stored by their width; other slots of 8 bytes have the representation of what they hold. */
static inline void
s_store (const zanni_out_t *out, const s_slot_t *slot)
{
    if (out->tag == ZANNI_OUT_TYPED) {
        memcpy (((const zanni_into_t *) out->place)->place, slot, sizeof (void *));
        return;
    }
    switch (s_places [out->tag].width) {
    case sizeof (zanni_blob_t):
        zanni__blob_of_bytes (out->place, slot->p);
        break;
    case 8:
        memcpy (out->place, slot, 8);
        break;
    case 4:
        memcpy (out->place, &(uint32_t) { (uint32_t) slot->number }, 4);
        break;
    case 1:
        memcpy (out->place, &(uint8_t) { (uint8_t) slot->number }, 1);
        break;
    default:
        memcpy (out->place, slot, sizeof *slot);
    }
}
_Static_assert (sizeof (s_slot_t) == 16 && sizeof (zanni_bytes_t) == 16 && sizeof (zanni_bound_t) == 16, "widths");
_Static_assert (sizeof (bool) == 1, "a bool is stored as a byte");

/* Not inline, so that the quick way keeps no registers for it. */
static __attribute__ ((noinline)) int
s_read_all (zanni_msg_t *msg, const zanni_out_t *outs, size_t count)
{
    s_slot_t slots [S_PLACES_MOST];
    s_read_t read = { .msg = msg };
    if (count > S_PLACES_MOST)
        return ZANNI_EINVAL;
    if (!s_begin (&read, msg)) {
        s_fault (&read, "", read.reader.at, S_BROKEN);
        return read.rc;
    }
    for (size_t i = 0; i < count; i++) {
        const s_place_t *place = s_place_of (outs [i].tag);
        if (!place)
            return ZANNI_EINVAL;
        if (outs [i].tag == ZANNI_OUT_TYPED) {
            if (!s_read_typed (&read, outs [i].place, &slots [i]))
                return read.rc;
        }
        else if (!s_read_int (&read, place, &slots [i]) && !s_read_one (&read, place, &slots [i]))
            return read.rc;
    }
    for (size_t i = 0; i < count; i++)
        s_store (&outs [i], &slots [i]);
    s_commit (&read, msg);
    return 0;
}

/* The quick way for the commonest read of all, one int64; false: nothing was done. */
static inline bool
s_read_int64 (zanni_msg_t *msg, int64_t *place)
{
    const uint8_t *at = msg->args.bytes + msg->at;
    const uint8_t *end = msg->args.bytes + msg->args.size;
    uint32_t left = msg->left;
    int64_t number;
    if (!msg->at) {
        int32_t count = zanni__wire_short_array (at, end);
        if (count < 1)
            return false;
        left = (uint32_t) count;
        at++;
    }
    at = left ? zanni__wire_int (at, end, &number) : NULL;
    if (!at)
        return false;
    *place = number;
    msg->at = (uint32_t) (at - msg->args.bytes);
    msg->left = left - 1;
    return true;
}

/* The same for bytes that are the only argument. */
static inline bool
s_read_bytes (zanni_msg_t *msg, zanni_bytes_t *place)
{
    const uint8_t *at = msg->args.bytes;
    const uint8_t *end = at + msg->args.size;
    uint32_t size = 0;
    if (msg->at || zanni__wire_short_array (at, end) != 1 || zanni__quick_bytes (at + 1, end, &size) != end)
        return false;
    *place = (zanni_bytes_t) { end - size, size };
    msg->at = msg->args.size;
    msg->left = 0;
    return true;
}

int
zanni_read_args (zanni_msg_t *msg, const zanni_out_t *outs, size_t count)
{
    if (count == 1 && outs->tag == ZANNI_OUT_INT64 && s_read_int64 (msg, outs->place))
        return 0;
    if (count == 1 && outs->tag == ZANNI_OUT_BYTES && s_read_bytes (msg, outs->place))
        return 0;
    return s_read_all (msg, outs, count);
}

int
zanni_skip (zanni_msg_t *msg)
{
    s_read_t read = { .msg = msg };
    bool good = s_begin (&read, msg) ? s_skip (&read, "any value") : s_fault (&read, "", read.reader.at, S_BROKEN);
    if (good)
        s_commit (&read, msg);
    return read.rc;
}

int
zanni_enter (zanni_msg_t *msg, size_t *count)
{
    s_read_t read = { .msg = msg };
    if (!s_begin (&read, msg)) {
        s_fault (&read, "", read.reader.at, S_BROKEN);
        return read.rc;
    }
    uint32_t items;
    const uint8_t *at = read.reader.at;
    zanni__extra_t *extra = zanni__msg_extra (msg);
    if (!extra)
        return ZANNI_ENOMEM;
    if (!read.left)
        s_fault (&read, "array", at, S_MISSING);
    else if (!zanni__reader_array (&read.reader, &items))
        s_fault (&read, "array", at, S_WRONG);
    else if (extra->depth == ZANNI__READ_DEPTH)
        read.rc = ZANNI_ETOOBIG;
    else {
        extra->levels [extra->depth++] = (zanni__level_t) { .count = items, .left = read.left - 1 };
        read.left = items;
        s_commit (&read, msg);
        *count = items;
    }
    return read.rc;
}

int
zanni_leave (zanni_msg_t *msg)
{
    s_read_t read = { .msg = msg };
    if (!s_depth (msg) || !s_begin (&read, msg))
        return ZANNI_EINVAL;
    while (read.left)
        if (!s_skip (&read, "any value"))
            return read.rc;
    zanni__assert (msg->extra->depth <= ZANNI__READ_DEPTH);
    read.left = msg->extra->levels [--msg->extra->depth].left;
    s_commit (&read, msg);
    return 0;
}

void
zanni_rewind (zanni_msg_t *msg)
{
    msg->at = 0;
    msg->left = 0;
    if (msg->extra)
        msg->extra->depth = 0;
}

bool
zanni_more (const zanni_msg_t *msg)
{
    s_read_t read = { .left = 0 };
    return s_begin (&read, msg) && read.left;
}

const char *
zanni_msg_fault (const zanni_msg_t *msg)
{
    return msg->extra ? msg->extra->fault : "";
}
