/* A record becomes bytes: the letters of its kind (fields.c) in order, each by the function of its form. Nothing is
   measured beforehand; the pen knows its room, and a record that does not fit ends in a full pen. Plain tells, which
   are most of what travels, go the quick way (tell.h). */

#include "fields.h"
#include "pen.h"
#include "record.h"
#include "tell.h"

#include "../base/assert.h"

typedef void s_put_fn (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field);

static inline const void *
s_member (const zanni_record_t *record, const zanni__field_t *field)
{
    return (const uint8_t *) record + field->offset;
}

static void
s_put_number (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    const void *member = s_member (record, field);
    uint64_t number = field->width == 1   ? *(const uint8_t *) member
                      : field->width == 4 ? *(const uint32_t *) member
                                          : *(const uint64_t *) member;
    zanni__pen_uint (pen, number);
}

static void
s_put_signed (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    const int64_t *number = s_member (record, field);
    zanni__assert (*number >= field->least && *number <= (int64_t) field->most);
    zanni__pen_int (pen, *number);
}

static void
s_put_flag (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    const bool *flag = s_member (record, field);
    zanni__pen_bool (pen, *flag);
}

static void
s_put_text (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    const zanni_bytes_t *text = s_member (record, field);
    zanni__assert (text->size <= field->most);
    zanni__pen_text (pen, text->data, text->size);
}

static void
s_put_id_or_nil (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    const uint8_t *const *id = s_member (record, field);
    if (*id)
        zanni__pen_bytes (pen, *id, ZANNI__ID_SIZE);
    else
        zanni__pen_nil (pen);
}

static void
s_put_id (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    const uint8_t *const *id = s_member (record, field);
    zanni__assert (*id);
    zanni__pen_bytes (pen, *id, ZANNI__ID_SIZE);
}

static void
s_put_somebody (zanni__pen_t *pen, const zanni_wire_actor_t *actor)
{
    if (!actor->nonce) {
        zanni__pen_nil (pen);
        return;
    }
    zanni__pen_array (pen, 2);
    zanni__pen_uint (pen, actor->actor);
    zanni__pen_bytes (pen, actor->nonce, ZANNI__ID_SIZE);
}

static void
s_put_actor (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    s_put_somebody (pen, s_member (record, field));
}

static void
s_put_ref (zanni__pen_t *pen, const zanni_wire_ref_t *ref)
{
    zanni__assert (ref->nonce && ref->endpoint.size <= ZANNI_WIRE_NAME_MAX && ref->cls.size <= ZANNI_WIRE_NAME_MAX);
    zanni__pen_array (pen, 6);
    if (ref->node)
        zanni__pen_bytes (pen, ref->node, ZANNI__ID_SIZE);
    else
        zanni__pen_nil (pen);
    zanni__pen_uint (pen, ref->actor);
    zanni__pen_bytes (pen, ref->nonce, ZANNI__ID_SIZE);
    if (ref->endpoint.size)
        zanni__pen_text (pen, ref->endpoint.data, ref->endpoint.size);
    else
        zanni__pen_nil (pen);
    zanni__pen_text (pen, ref->cls.data, ref->cls.size);
    zanni__pen_uint (pen, (ref->strong ? ZANNI__WIRE_STRONG : 0) | (ref->own ? ZANNI__WIRE_OWN : 0));
}

static void
s_put_about (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    (void) field;
    zanni__assert (record->about);
    s_put_ref (pen, record->about);
}

static void
s_put_relayed (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    if (record->about)
        s_put_ref (pen, record->about);
    else
        s_put_actor (pen, record, field);
}

static void
s_put_refs (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    (void) field;
    zanni__assert (record->refs_count <= ZANNI_WIRE_TABLE_MAX);
    zanni__pen_array (pen, record->refs_count);
    for (uint32_t i = 0; i < record->refs_count && !pen->full; i++)
        s_put_ref (pen, &record->refs [i]);
}

static void
s_put_buffer (zanni__pen_t *pen, const zanni_wire_buffer_t *buffer)
{
    zanni__assert (buffer->dimensions <= ZANNI__WIRE_DIMENSIONS);
    bool elsewhere = buffer->bytes || buffer->segment || buffer->blob;
    bool plain = !elsewhere && !buffer->chunks && !buffer->element && !buffer->dimensions;
    zanni__assert (buffer->chunks ? buffer->size > 0 && !elsewhere : elsewhere || buffer->size <= ZANNI_WIRE_FRAME_MAX);
    if (!plain)
        zanni__pen_array (pen, elsewhere ? 5 : 4);
    zanni__pen_uint (pen, buffer->size);
    if (plain)
        return;
    zanni__pen_uint (pen, buffer->element);
    zanni__pen_array (pen, buffer->dimensions);
    for (uint32_t i = 0; i < buffer->dimensions; i++)
        zanni__pen_uint (pen, buffer->shape [i]);
    zanni__pen_uint (pen, buffer->chunks);
    if (buffer->bytes)
        zanni__pen_bytes (pen, buffer->bytes, buffer->size);
    else if (buffer->blob)
        zanni__pen_ext (pen, ZANNI__WIRE_BLOB_EXT, buffer->blob, ZANNI__WIRE_BLOB_BYTES);
    else if (buffer->segment) {
        zanni__pen_array (pen, 2);
        zanni__pen_uint (pen, buffer->segment);
        zanni__pen_uint (pen, buffer->offset);
    }
}

static void
s_put_buffers (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    (void) field;
    zanni__assert (record->buffers_count <= ZANNI_WIRE_TABLE_MAX);
    zanni__pen_array (pen, record->buffers_count);
    for (uint32_t i = 0; i < record->buffers_count && !pen->full; i++)
        s_put_buffer (pen, &record->buffers [i]);
}

static void
s_put_args (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    (void) field;
    if (record->args_chunks) {
        zanni__assert (!record->args_framed && record->args.size);
        zanni__pen_array (pen, 2);
        zanni__pen_uint (pen, record->args.size);
        zanni__pen_uint (pen, record->args_chunks);
    }
    else if (record->args_framed)
        zanni__pen_nil (pen);
    else {
        zanni__assert (record->args.size <= ZANNI_WIRE_INLINE_MAX);
        zanni__pen_bytes (pen, record->args.data, record->args.size);
    }
}

static void
s_put_options (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    (void) record;
    (void) field;
    zanni__pen_array (pen, 0);
}

static void
s_put_maybe_bytes (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    const zanni_bytes_t *bytes = s_member (record, field);
    if (bytes->data)
        zanni__pen_bytes (pen, bytes->data, bytes->size);
}

static void
s_put_maybe_number (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    const uint64_t *number = s_member (record, field);
    if (*number)
        zanni__pen_uint (pen, *number);
}

static void
s_put_maybe_spot (zanni__pen_t *pen, const zanni_record_t *record, const zanni__field_t *field)
{
    (void) field;
    if (!record->to.nonce)
        return;
    zanni__pen_array (pen, record->as.spawn.watchdog_ms ? 10 : 9);
    zanni__pen_uint (pen, record->to.actor);
    zanni__pen_bytes (pen, record->to.nonce, ZANNI__ID_SIZE);
    zanni__pen_uint (pen, record->as.spawn.place);
    zanni__pen_uint (pen, record->as.spawn.worker);
    zanni__pen_uint (pen, (record->as.spawn.restartable ? ZANNI__WIRE_RESTARTABLE : 0)
                              | (uint32_t) record->as.spawn.waits << ZANNI__WIRE_WAITS
                              | (record->as.spawn.again ? ZANNI__WIRE_AGAIN : 0));
    zanni__pen_uint (pen, record->as.spawn.overflow);
    zanni__pen_uint (pen, record->as.spawn.mailbox_messages);
    zanni__pen_uint (pen, record->as.spawn.mailbox_bytes);
    s_put_somebody (pen, &record->as.spawn.beside);
    if (record->as.spawn.watchdog_ms)
        zanni__pen_uint (pen, record->as.spawn.watchdog_ms);
}

/* Whether the last field is left out. */
static bool
s_is_without (const zanni_record_t *record)
{
    bool may_wait = record->kind == ZANNI_RECORD_ASK || record->kind == ZANNI_RECORD_PROBE;
    return (may_wait && !record->as.ask.waiting.data)
        || (record->kind == ZANNI_RECORD_CHUNK && !record->as.chunk.bytes.data)
        || (record->kind == ZANNI_RECORD_SPAWN && !record->to.nonce)
        || (record->kind == ZANNI_RECORD_HELLO && !record->as.hello.connection);
}

static s_put_fn *const s_forms [ZANNI__FIELD_FORMS] = {
    [ZANNI__FIELD_NUMBER] = s_put_number,       [ZANNI__FIELD_SIGNED] = s_put_signed,
    [ZANNI__FIELD_FLAG] = s_put_flag,           [ZANNI__FIELD_TEXT] = s_put_text,
    [ZANNI__FIELD_ID] = s_put_id,               [ZANNI__FIELD_ID_OR_NIL] = s_put_id_or_nil,
    [ZANNI__FIELD_ACTOR] = s_put_actor,         [ZANNI__FIELD_RELAYED] = s_put_relayed,
    [ZANNI__FIELD_ABOUT] = s_put_about,         [ZANNI__FIELD_REFS] = s_put_refs,
    [ZANNI__FIELD_BUFFERS] = s_put_buffers,     [ZANNI__FIELD_ARGS] = s_put_args,
    [ZANNI__FIELD_OPTIONS] = s_put_options,     [ZANNI__FIELD_MAYBE_BYTES] = s_put_maybe_bytes,
    [ZANNI__FIELD_MAYBE_SPOT] = s_put_maybe_spot, [ZANNI__FIELD_MAYBE_NUMBER] = s_put_maybe_number,
};

/* Kept out of the quick way's registers. */
static __attribute__ ((noinline)) size_t
s_write (uint8_t *at, size_t room, const zanni_record_t *record)
{
    const zanni__layout_t *kind = zanni__kind (record->kind);
    zanni__pen_t pen = { .at = at, .end = at + room };
    zanni__assert (kind);
    zanni__pen_array (&pen, 1 + zanni__letters_count (kind->letters) - s_is_without (record));
    zanni__pen_uint (&pen, record->kind);
    for (const char *letter = kind->letters; *letter && !pen.full; letter++) {
        const zanni__field_t *field = &zanni__fields [(uint8_t) *letter];
        if (*letter == '[')
            zanni__pen_array (&pen, zanni__letters_count (letter + 1));
        else if (*letter != ']')
            s_forms [field->form] (&pen, record, field);
    }
    return pen.full ? 0 : (size_t) (pen.at - at);
}

size_t
zanni__record_write (uint8_t *at, size_t room, const zanni_record_t *record)
{
    size_t size = zanni__tell_write (at, room, record);
    return size ? size : s_write (at, room, record);
}
