/* Bytes become a record: the letters of its kind (fields.c) in order, each by the function of its form. The bytes come
   from a stranger. Whatever a function below takes from them it has checked, and the first that finds a fault says
   which; the reader is then put where the wrong value begins, so that the fault has a place.

   The record is large and most of it counts for few kinds, so only what any kind may look at is cleared. Plain tells
   go the quick way (tell.h). */

#include "fields.h"
#include "record.h"
#include "tell.h"
#include "text.h"

#include <stddef.h>
#include <zanni/buffer.h>

#define S_BROKEN "the bytes end inside a record, or are no msgpack"

typedef struct {
    zanni__reader_t *reader;
    zanni_record_t *record;
    zanni__tables_t *tables;
    const uint8_t *last;   // where the value that was read last begins
    const char *fault;
} s_source_t;

typedef bool s_get_fn (s_source_t *source, const zanni__field_t *field);

static inline void *
s_member (s_source_t *source, const zanni__field_t *field)
{
    return (uint8_t *) source->record + field->offset;
}

static bool
s_wrong (s_source_t *source, const char *fault)
{
    source->fault = fault;
    return false;
}

static bool
s_next (s_source_t *source, zanni__value_t *value)
{
    source->last = source->reader->at;
    return zanni__reader_next (source->reader, value) || s_wrong (source, S_BROKEN);
}

/* Goes behind `count` values of which nothing is known. */
static bool
s_skip (s_source_t *source, uint64_t count)
{
    for (; count; count--) {
        source->last = source->reader->at;
        if (!zanni__reader_skip (source->reader, ZANNI__WIRE_DEPTH))
            return s_wrong (source, "an unknown field is cut off, is no msgpack, or nests too deep");
    }
    return true;
}

static bool
s_number (s_source_t *source, uint64_t most, uint64_t *number, const char *fault)
{
    zanni__value_t value;
    if (!s_next (source, &value))
        return false;
    if (value.form != ZANNI__UINT || value.value.u > most)
        return s_wrong (source, fault);
    *number = value.value.u;
    return true;
}

static bool
s_id (s_source_t *source, const uint8_t **id, const char *fault)
{
    zanni__value_t value;
    if (!s_next (source, &value))
        return false;
    if (value.form != ZANNI__BIN || value.size != ZANNI__ID_SIZE)
        return s_wrong (source, fault);
    *id = value.value.data;
    return true;
}

static bool
s_text (s_source_t *source, uint64_t most, zanni_bytes_t *text, const char *fault)
{
    zanni__value_t value;
    if (!s_next (source, &value))
        return false;
    if (value.form != ZANNI__STR || value.size > most || !zanni__text_valid (value.value.data, value.size))
        return s_wrong (source, fault);
    *text = (zanni_bytes_t) { .data = value.value.data, .size = value.size };
    return true;
}

/* The head of an array of `least` to `most` elements. */
static bool
s_array (s_source_t *source, uint32_t least, uint32_t most, uint32_t *count, const char *fault)
{
    zanni__value_t value;
    if (!s_next (source, &value))
        return false;
    if (value.form != ZANNI__ARRAY || value.size < least || value.size > most)
        return s_wrong (source, fault);
    *count = value.size;
    return true;
}

static bool
s_get_number (s_source_t *source, const zanni__field_t *field)
{
    void *member = s_member (source, field);
    uint64_t number;
    if (!s_number (source, field->most, &number, field->fault))
        return false;
    if (field->width == 1)
        *(uint8_t *) member = (uint8_t) number;
    else if (field->width == 4)
        *(uint32_t *) member = (uint32_t) number;
    else
        *(uint64_t *) member = number;
    return true;
}

static bool
s_get_signed (s_source_t *source, const zanni__field_t *field)
{
    zanni__value_t value;
    if (!s_next (source, &value))
        return false;
    bool fits = value.form == ZANNI__INT || (value.form == ZANNI__UINT && value.value.u <= INT64_MAX);
    if (!fits || value.value.i < field->least || value.value.i > (int64_t) field->most)
        return s_wrong (source, field->fault);
    *(int64_t *) s_member (source, field) = value.value.i;
    return true;
}

static bool
s_get_flag (s_source_t *source, const zanni__field_t *field)
{
    zanni__value_t value;
    if (!s_next (source, &value))
        return false;
    if (value.form != ZANNI__BOOL)
        return s_wrong (source, field->fault);
    *(bool *) s_member (source, field) = value.value.u != 0;
    return true;
}

static bool
s_get_text (s_source_t *source, const zanni__field_t *field)
{
    return s_text (source, field->most, s_member (source, field), field->fault);
}

static bool
s_get_id (s_source_t *source, const zanni__field_t *field)
{
    return s_id (source, s_member (source, field), field->fault);
}

/* Takes a nil that comes next. */
static bool
s_take_nil (s_source_t *source)
{
    zanni__reader_t *reader = source->reader;
    if (reader->at == reader->end || *reader->at != 0xc0)
        return false;
    reader->at++;
    return true;
}

static bool
s_get_id_or_nil (s_source_t *source, const zanni__field_t *field)
{
    const uint8_t **id = s_member (source, field);
    *id = NULL;
    return s_take_nil (source) || s_id (source, id, field->fault);
}

/* What follows in an actor's array of `count` behind its head. */
static bool
s_actor (s_source_t *source, uint32_t count, zanni_wire_actor_t *actor, const char *fault)
{
    return s_number (source, UINT64_MAX, &actor->actor, fault) && s_id (source, &actor->nonce, fault)
           && s_skip (source, count - 2);
}

/* What follows in a full reference's array of `count` behind its head. */
static bool
s_ref (s_source_t *source, uint32_t count, zanni_wire_ref_t *ref, const char *fault)
{
    uint64_t flags;
    *ref = (zanni_wire_ref_t) { 0 };
    if (count < 6)
        return s_wrong (source, fault);
    if (!s_take_nil (source) && !s_id (source, &ref->node, "a reference's node is neither nil nor 16 bytes"))
        return false;
    if (!s_number (source, UINT64_MAX, &ref->actor, "a reference's actor is no unsigned integer")
        || !s_id (source, &ref->nonce, "a reference's nonce is not 16 bytes"))
        return false;
    if (!s_take_nil (source)) {
        static const char why [] = "a reference's endpoint is neither nil nor a UTF-8 text of 1 to 255 bytes";
        if (!s_text (source, ZANNI_WIRE_NAME_MAX, &ref->endpoint, why))
            return false;
        if (!ref->endpoint.size)
            return s_wrong (source, why);
    }
    if (!s_text (source, ZANNI_WIRE_NAME_MAX, &ref->cls, "a reference's class is no UTF-8 text of at most 255 bytes")
        || !s_number (source, UINT64_MAX, &flags, "a reference's flags are no unsigned integer"))
        return false;
    ref->strong = flags & ZANNI__WIRE_STRONG;
    ref->own = flags & ZANNI__WIRE_OWN;
    return s_skip (source, count - 6);
}

static bool
s_get_actor (s_source_t *source, const zanni__field_t *field)
{
    uint32_t count;
    return s_take_nil (source)
           || (s_array (source, 2, UINT32_MAX, &count, field->fault)
               && s_actor (source, count, s_member (source, field), field->fault));
}

/* An actor's array begins with a number, a full reference's does not. */
static bool
s_get_relayed (s_source_t *source, const zanni__field_t *field)
{
    const zanni__reader_t *reader = source->reader;
    uint32_t count;
    if (s_take_nil (source))
        return true;
    if (!s_array (source, 2, UINT32_MAX, &count, field->fault))
        return false;
    if (*reader->at != 0xc0 && (*reader->at < 0xc4 || *reader->at > 0xc6))   // neither nil nor bytes
        return s_actor (source, count, s_member (source, field), field->fault);
    source->record->about = &source->tables->about;
    return s_ref (source, count, &source->tables->about, field->fault);
}

static bool
s_get_about (s_source_t *source, const zanni__field_t *field)
{
    uint32_t count;
    source->record->about = &source->tables->about;
    return s_array (source, 6, UINT32_MAX, &count, field->fault)
           && s_ref (source, count, &source->tables->about, field->fault);
}

static bool
s_get_refs (s_source_t *source, const zanni__field_t *field)
{
    uint32_t count, parts;
    if (!s_array (source, 0, ZANNI_WIRE_TABLE_MAX, &count, field->fault))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!s_array (source, 6, UINT32_MAX, &parts, "an entry of refs is no full reference")
            || !s_ref (source, parts, &source->tables->refs [i], field->fault))
            return false;
    source->record->refs = source->tables->refs;
    source->record->refs_count = count;
    return true;
}

/* Whether the elements that a shape counts lie in the buffer. */
static bool
s_shape_fits (const zanni_wire_buffer_t *buffer)
{
    static const uint8_t widths [] = {
        [ZANNI_RAW] = 1,    [ZANNI_INT8] = 1,   [ZANNI_INT16] = 2,  [ZANNI_INT32] = 4,   [ZANNI_INT64] = 8,
        [ZANNI_UINT8] = 1,  [ZANNI_UINT16] = 2, [ZANNI_UINT32] = 4, [ZANNI_UINT64] = 8,
        [ZANNI_FLOAT32] = 4, [ZANNI_FLOAT64] = 8
    };
    uint64_t product = buffer->dimensions ? widths [buffer->element] : 0;
    for (uint32_t i = 0; i < buffer->dimensions; i++)
        if (!buffer->shape [i])
            return true;
    for (uint32_t i = 0; i < buffer->dimensions; i++)
        if (__builtin_mul_overflow (product, buffer->shape [i], &product))
            return false;
    return product <= buffer->size;
}

/* Where a buffer's bytes are, if neither in a frame nor in chunks. */
static bool
s_buffer_place (s_source_t *source, zanni_wire_buffer_t *buffer)
{
    static const char fault [] = "a buffer's place is neither nil, nor its bytes, nor [segment, offset], nor a blob";
    zanni__value_t value;
    if (!s_next (source, &value))
        return false;
    if (value.form == ZANNI__NIL)
        return true;
    if (buffer->chunks)
        return s_wrong (source, "a buffer comes in chunks and otherwise, too");
    if (value.form == ZANNI__BIN) {
        buffer->bytes = value.value.data;
        return value.size == buffer->size || s_wrong (source, "a buffer in band is not as large as it says");
    }
    if (value.form == ZANNI__EXT && value.ext == ZANNI__WIRE_BLOB_EXT && value.size == ZANNI__WIRE_BLOB_BYTES) {
        buffer->blob = value.value.data;
        return true;
    }
    if (value.form != ZANNI__ARRAY || value.size < 2)
        return s_wrong (source, fault);
    return s_number (source, UINT64_MAX, &buffer->segment, fault) && s_number (source, UINT64_MAX, &buffer->offset, fault)
           && s_skip (source, value.size - 2) && (buffer->segment || s_wrong (source, fault));
}

/* What follows in a buffer's array of `count` behind its head. */
static bool
s_buffer_parts (s_source_t *source, uint32_t count, zanni_wire_buffer_t *buffer)
{
    const uint8_t *start = source->last;
    uint64_t element;
    uint32_t dimensions;
    if (!s_number (source, UINT64_MAX, &buffer->size, "a buffer's size is no unsigned integer")
        || !s_number (source, ZANNI_FLOAT64, &element, "a buffer's element is not known")
        || !s_array (source, 0, ZANNI__WIRE_DIMENSIONS, &dimensions, "a buffer's shape is no array of at most 8"))
        return false;
    buffer->element = (uint8_t) element;
    buffer->dimensions = (uint8_t) dimensions;
    for (uint32_t i = 0; i < dimensions; i++)
        if (!s_number (source, UINT64_MAX, &buffer->shape [i], "a buffer's shape holds no unsigned integer"))
            return false;
    if (!s_number (source, UINT64_MAX, &buffer->chunks, "a buffer's chunks is no unsigned integer")
        || (count > 4 && !s_buffer_place (source, buffer)) || !s_skip (source, count > 4 ? count - 5 : 0))
        return false;
    source->last = start;
    if (buffer->chunks && !buffer->size)
        return s_wrong (source, "a buffer without a byte comes in chunks");
    return s_shape_fits (buffer) || s_wrong (source, "a buffer's shape holds more than the buffer");
}

static bool
s_buffer (s_source_t *source, zanni_wire_buffer_t *buffer)
{
    zanni__value_t value;
    buffer->chunks = buffer->segment = buffer->offset = 0;
    buffer->bytes = buffer->blob = NULL;
    buffer->element = ZANNI_RAW;
    buffer->dimensions = 0;
    if (!s_next (source, &value))
        return false;
    if (value.form == ZANNI__UINT)
        buffer->size = value.value.u;
    else if (value.form != ZANNI__ARRAY || value.size < 4)
        return s_wrong (source, "an entry of buffers is neither a size nor [size, element, shape, chunks]");
    else if (!s_buffer_parts (source, value.size, buffer))
        return false;
    if (zanni__wire_framed (buffer) && buffer->size > ZANNI_WIRE_FRAME_MAX)
        return s_wrong (source, "a buffer is too large for a frame");
    return true;
}

static bool
s_get_buffers (s_source_t *source, const zanni__field_t *field)
{
    uint32_t count;
    if (!s_array (source, 0, ZANNI_WIRE_TABLE_MAX, &count, field->fault))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!s_buffer (source, &source->tables->buffers [i]))
            return false;
    source->record->buffers = source->tables->buffers;
    source->record->buffers_count = count;
    return true;
}

static bool
s_get_args (s_source_t *source, const zanni__field_t *field)
{
    zanni_record_t *record = source->record;
    zanni__value_t value;
    uint64_t size;
    if (!s_next (source, &value))
        return false;
    if (value.form == ZANNI__BIN && value.size <= ZANNI_WIRE_INLINE_MAX) {
        record->args = (zanni_bytes_t) { .data = value.value.data, .size = value.size };
        return true;
    }
    if (value.form == ZANNI__NIL) {
        record->args_framed = true;
        return true;
    }
    if (value.form != ZANNI__ARRAY || value.size < 2)
        return s_wrong (source, field->fault);
    if (!s_number (source, UINT32_MAX, &size, field->fault)
        || !s_number (source, UINT64_MAX, &record->args_chunks, field->fault))
        return false;
    if (!size || !record->args_chunks)
        return s_wrong (source, "arguments in chunks have no size or no number");
    record->args.size = size;
    return s_skip (source, value.size - 2);
}

static bool
s_get_options (s_source_t *source, const zanni__field_t *field)
{
    uint32_t count;
    return s_array (source, 0, UINT32_MAX, &count, field->fault) && s_skip (source, count);
}

static bool
s_get_maybe_bytes (s_source_t *source, const zanni__field_t *field)
{
    zanni__value_t value;
    zanni_bytes_t *bytes = s_member (source, field);
    *bytes = (zanni_bytes_t) { 0 };
    if (!s_next (source, &value))
        return false;
    if (value.form == ZANNI__BIN)
        *bytes = (zanni_bytes_t) { value.value.data, value.size };
    return value.form == ZANNI__BIN || value.form == ZANNI__NIL || s_wrong (source, field->fault);
}

static bool
s_get_maybe_number (s_source_t *source, const zanni__field_t *field)
{
    zanni__value_t value;
    if (!s_next (source, &value))
        return false;
    *(uint64_t *) s_member (source, field) = value.form == ZANNI__UINT ? value.value.u : 0;
    return value.form == ZANNI__UINT || value.form == ZANNI__NIL || s_wrong (source, field->fault);
}

/* Nine values in a row, of which the first and the last are about actors; a tenth may follow. */
static bool
s_spot (s_source_t *source, const char *fault)
{
    zanni_record_t *record = source->record;
    const zanni__field_t beside = { .offset = offsetof (zanni_record_t, as.spawn.beside), .fault = fault };
    static const uint64_t most [6] = { UINT8_MAX, UINT32_MAX, UINT64_MAX, UINT8_MAX, UINT32_MAX, UINT64_MAX };
    uint64_t numbers [6];
    zanni__value_t nonce;
    if (!s_number (source, UINT64_MAX, &record->to.actor, fault) || !s_next (source, &nonce))
        return false;
    if (nonce.form != ZANNI__BIN || nonce.size != ZANNI__ID_SIZE)
        return s_wrong (source, fault);
    for (int i = 0; i < 6; i++)
        if (!s_number (source, most [i], &numbers [i], fault))
            return false;
    record->to.nonce = nonce.value.data;
    record->as.spawn.place = (uint8_t) numbers [0];
    record->as.spawn.worker = (uint32_t) numbers [1];
    record->as.spawn.restartable = numbers [2] & ZANNI__WIRE_RESTARTABLE;
    record->as.spawn.waits = (uint8_t) (numbers [2] >> ZANNI__WIRE_WAITS & 3);
    record->as.spawn.again = numbers [2] & ZANNI__WIRE_AGAIN;
    record->as.spawn.overflow = (uint8_t) numbers [3];
    record->as.spawn.mailbox_messages = (uint32_t) numbers [4];
    record->as.spawn.mailbox_bytes = numbers [5];
    record->as.spawn.beside = (zanni_wire_actor_t) { 0 };
    return s_get_actor (source, &beside);
}

static bool
s_get_maybe_spot (s_source_t *source, const zanni__field_t *field)
{
    zanni__value_t value;
    if (!s_next (source, &value))
        return false;
    if (value.form == ZANNI__NIL)
        return true;
    if (value.form != ZANNI__ARRAY || value.size < 9)
        return s_wrong (source, field->fault);
    uint64_t watchdog_ms = 0;
    uint32_t rest = value.size - 9;
    if (!s_spot (source, field->fault) || (rest && !s_number (source, UINT32_MAX, &watchdog_ms, field->fault)))
        return false;
    source->record->as.spawn.watchdog_ms = (uint32_t) watchdog_ms;
    return s_skip (source, rest ? rest - 1 : 0);
}

/* The last field of a record, which is not there. */
static bool
s_is_left_out (s_source_t *source, const zanni__field_t *field)
{
    if (field->form == ZANNI__FIELD_MAYBE_BYTES)
        *(zanni_bytes_t *) s_member (source, field) = (zanni_bytes_t) { 0 };
    else if (field->form == ZANNI__FIELD_MAYBE_NUMBER)
        *(uint64_t *) s_member (source, field) = 0;
    return field->form == ZANNI__FIELD_MAYBE_BYTES || field->form == ZANNI__FIELD_MAYBE_SPOT
           || field->form == ZANNI__FIELD_MAYBE_NUMBER;
}

static s_get_fn *const s_forms [ZANNI__FIELD_FORMS] = {
    [ZANNI__FIELD_NUMBER] = s_get_number,       [ZANNI__FIELD_SIGNED] = s_get_signed,
    [ZANNI__FIELD_FLAG] = s_get_flag,           [ZANNI__FIELD_TEXT] = s_get_text,
    [ZANNI__FIELD_ID] = s_get_id,               [ZANNI__FIELD_ID_OR_NIL] = s_get_id_or_nil,
    [ZANNI__FIELD_ACTOR] = s_get_actor,         [ZANNI__FIELD_RELAYED] = s_get_relayed,
    [ZANNI__FIELD_ABOUT] = s_get_about,         [ZANNI__FIELD_REFS] = s_get_refs,
    [ZANNI__FIELD_BUFFERS] = s_get_buffers,     [ZANNI__FIELD_ARGS] = s_get_args,
    [ZANNI__FIELD_OPTIONS] = s_get_options,     [ZANNI__FIELD_MAYBE_BYTES] = s_get_maybe_bytes,
    [ZANNI__FIELD_MAYBE_SPOT] = s_get_maybe_spot, [ZANNI__FIELD_MAYBE_NUMBER] = s_get_maybe_number,
};

/* What belongs to more than one field, once all are there. */
static bool
s_complete (s_source_t *source)
{
    zanni_record_t *record = source->record;
    if (record->kind == ZANNI_RECORD_WELCOME) {
        record->as.hello.purpose = 0;
        record->as.hello.connection = 0;
        record->as.hello.version_max = record->as.hello.version_min;
    }
    if (record->kind == ZANNI_RECORD_CHUNK
        && (!record->as.chunk.buffer || record->as.chunk.offset >= record->as.chunk.total))
        return s_wrong (source, "a chunk has no number, or lies outside of its buffer");
    return true;
}

/* The fields of a record, of which `count` elements are left. `outer` keeps the rest of the record while an array
   inside it is read; no letter stands inside two of them. */
static bool
s_fields (s_source_t *source, const char *letter, uint32_t count)
{
    uint32_t outer = 0;
    for (;; letter++) {
        const zanni__field_t *field = &zanni__fields [(uint8_t) *letter];
        if (!*letter)
            return s_skip (source, count) && s_complete (source);
        if (*letter == ']') {
            if (!s_skip (source, count))
                return false;
            count = outer;
            continue;
        }
        if (!count && s_is_left_out (source, field))
            continue;
        if (!count--) {
            source->last = source->reader->at;
            return s_wrong (source, "a record or an array in it has too few fields");
        }
        if (*letter == '[') {
            outer = count;
            if (!s_array (source, 0, UINT32_MAX, &count, "a field is not the array that it should be"))
                return false;
        }
        else if (!s_forms [field->form] (source, field))
            return false;
    }
}

static void
s_clear (zanni_record_t *record, uint64_t kind)
{
    record->kind = (uint8_t) kind;
    record->args_framed = false;
    record->args_chunks = 0;
    record->refs_count = 0;
    record->buffers_count = 0;
    record->to = (zanni_wire_actor_t) { 0 };
    record->from = (zanni_wire_actor_t) { 0 };
    record->method = (zanni_bytes_t) { 0 };
    record->args = (zanni_bytes_t) { 0 };
    record->refs = NULL;
    record->buffers = NULL;
    record->about = NULL;
}

/* One record, known or not. 1, 0 (it was not known) or -1. */
static int
s_read (s_source_t *source)
{
    uint32_t count;
    uint64_t number;
    if (!s_array (source, 1, UINT32_MAX, &count, "a record is no array that begins with its kind")
        || !s_number (source, UINT64_MAX, &number, "a record's kind is no unsigned integer"))
        return -1;
    const zanni__layout_t *kind = zanni__kind (number);
    if (!kind)
        return s_skip (source, count - 1) ? 0 : -1;
    s_clear (source->record, number);
    return s_fields (source, kind->letters, count - 1) ? 1 : -1;
}

/* Kept out of the quick way's registers. */
static __attribute__ ((noinline)) int
s_read_any (zanni__reader_t *reader, zanni_record_t *record, zanni__tables_t *tables, const char **fault)
{
    s_source_t source = { .reader = reader, .record = record, .tables = tables, .last = reader->at };
    int got = 0;
    record->kind = UINT8_MAX;   // not known yet, and no kind
    while (!got && reader->at != reader->end)
        got = s_read (&source);
    if (got < 0) {
        reader->at = source.last;
        *fault = source.fault;
    }
    return got;
}

int
zanni__record_read (zanni__reader_t *reader, zanni_record_t *record, zanni__tables_t *tables, const char **fault)
{
    return zanni__tell_read (reader, record) ? 1 : s_read_any (reader, record, tables, fault);
}

uint32_t
zanni__record_frames (const zanni_record_t *record)
{
    if (record->kind == ZANNI_RECORD_CHUNK)
        return !record->as.chunk.bytes.data;
    const zanni__layout_t *kind = zanni__kind (record->kind);
    if (!kind || !kind->payload)
        return 0;
    uint32_t frames = record->args_framed;
    for (uint32_t i = 0; i < record->buffers_count; i++)
        frames += zanni__wire_framed (&record->buffers [i]);
    return frames;
}
