/* Records as JSON: a row of functions for each kind, in the order of the wire, each of which adds what it knows. */

#include "json.h"

#include <string.h>
#include <zanni/buffer.h>

#define S_ID_SIZE 16
#define S_FIELDS 9

typedef void s_add_fn (json_t *object, const zanni_record_t *record);

static void
s_set (json_t *object, const char *name, json_t *value)
{
    (void) json_object_set_new (object, name, value);
}

static json_t *
s_text (const zanni_bytes_t *text)
{
    return json_stringn (text->size ? text->data : "", text->size);
}

static json_t *
s_id (const uint8_t *id)
{
    return id ? tool_hex (id, S_ID_SIZE) : json_null ();
}

static json_t *
s_ref (const zanni_wire_ref_t *ref)
{
    json_t *endpoint = ref->endpoint.size ? s_text (&ref->endpoint) : json_null ();
    return json_pack ("{s:o,s:o,s:o,s:o,s:o,s:b,s:b}", "node", s_id (ref->node), "actor", tool_number (ref->actor),
                      "nonce", s_id (ref->nonce), "endpoint", endpoint, "class", s_text (&ref->cls), "strong", ref->strong, "own", ref->own);
}

static json_t *
s_actor (const zanni_wire_actor_t *actor)
{
    if (!actor->nonce)
        return json_null ();
    return json_pack ("{s:o,s:o}", "actor", tool_number (actor->actor), "nonce", s_id (actor->nonce));
}

/* `to` or `from`, whichever may be relayed in this kind. */
static json_t *
s_relayed (const zanni_wire_actor_t *actor, const zanni_record_t *record)
{
    return record->about ? s_ref (record->about) : s_actor (actor);
}

static json_t *
s_buffer (const zanni_wire_buffer_t *buffer)
{
    static const char *const elements [] = {
        [ZANNI_RAW] = "raw",        [ZANNI_INT8] = "int8",       [ZANNI_INT16] = "int16",
        [ZANNI_INT32] = "int32",    [ZANNI_INT64] = "int64",     [ZANNI_UINT8] = "uint8",
        [ZANNI_UINT16] = "uint16",  [ZANNI_UINT32] = "uint32",   [ZANNI_UINT64] = "uint64",
        [ZANNI_FLOAT32] = "float32", [ZANNI_FLOAT64] = "float64",
    };
    json_t *shape = json_array ();
    for (uint32_t i = 0; i < buffer->dimensions; i++)
        (void) json_array_append_new (shape, tool_number (buffer->shape [i]));
    json_t *json = json_pack ("{s:o,s:s,s:o,s:o}", "size", tool_number (buffer->size), "element",
                              elements [buffer->element], "shape", shape, "chunks", tool_number (buffer->chunks));
    if (buffer->bytes)
        s_set (json, "bytes", tool_hex (buffer->bytes, buffer->size));
    else if (buffer->blob)
        s_set (json, "blob", tool_hex (buffer->blob, 40));
    else if (buffer->segment)
        s_set (json, "segment", json_pack ("[o,o]", tool_number (buffer->segment), tool_number (buffer->offset)));
    return json;
}

static json_t *
s_args (const zanni_record_t *record)
{
    if (record->args_framed)
        return json_pack ("{s:b}", "framed", true);
    if (record->args_chunks)
        return json_pack ("{s:o,s:o}", "size", tool_number (record->args.size), "chunks",
                          tool_number (record->args_chunks));
    return record->args.size ? tool_values (&record->args) : json_null ();
}

static void
s_add_batch (json_t *object, const zanni_record_t *record)
{
    s_set (object, "sequence", tool_number (record->as.batch.sequence));
}

static void
s_add_ack (json_t *object, const zanni_record_t *record)
{
    s_set (object, "ack", tool_number (record->as.batch.ack));
    s_set (object, "window", tool_number (record->as.batch.window));
}

static void
s_add_held (json_t *object, const zanni_record_t *record)
{
    s_set (object, "held_ms", tool_number (record->as.batch.held_ms));
}

static void
s_add_purpose (json_t *object, const zanni_record_t *record)
{
    const zanni_wire_hello_t *hello = &record->as.hello;
    s_set (object, "purpose", tool_number (hello->purpose));
    s_set (object, "versions", json_pack ("[o,o]", tool_number (hello->version_min), tool_number (hello->version_max)));
}

static void
s_add_version (json_t *object, const zanni_record_t *record)
{
    s_set (object, "version", tool_number (record->as.hello.version_min));
}

static void
s_add_speaker (json_t *object, const zanni_record_t *record)
{
    const zanni_wire_hello_t *hello = &record->as.hello;
    s_set (object, "node", s_id (hello->node));
    s_set (object, "incarnation", tool_number (hello->incarnation));
    s_set (object, "name", s_text (&hello->name));
    s_set (object, "host", s_id (hello->host));
    s_set (object, "session", tool_number (hello->session));
    s_set (object, "last", tool_number (hello->last));
    s_set (object, "abilities", tool_number (hello->abilities));
    s_set (object, "limits", json_pack ("[o,o]", tool_number (hello->window), tool_number (hello->buffer_max)));
    s_set (object, "endpoint", s_text (&hello->endpoint));
    s_set (object, "home", s_text (&hello->home));
}

static void
s_add_connection (json_t *object, const zanni_record_t *record)
{
    if (record->as.hello.connection)
        s_set (object, "connection", tool_number (record->as.hello.connection));
}

static void
s_add_code (json_t *object, const zanni_record_t *record)
{
    s_set (object, "code", json_integer (record->as.error.code));
    s_set (object, "text", s_text (&record->as.error.text));
}

static void
s_add_origin (json_t *object, const zanni_record_t *record)
{
    s_set (object, "origin", json_pack ("[o,o]", s_id (record->as.error.node), tool_number (record->as.error.actor)));
    s_set (object, "app_code", json_integer (record->as.error.app_code));
}

static void
s_add_id (json_t *object, const zanni_record_t *record)
{
    s_set (object, "id", tool_number (record->id));
}

static void
s_add_to (json_t *object, const zanni_record_t *record)
{
    s_set (object, "to", s_actor (&record->to));
}

static void
s_add_to_relayed (json_t *object, const zanni_record_t *record)
{
    s_set (object, "to", s_relayed (&record->to, record));
}

static void
s_add_from (json_t *object, const zanni_record_t *record)
{
    s_set (object, "from", s_actor (&record->from));
}

static void
s_add_from_relayed (json_t *object, const zanni_record_t *record)
{
    s_set (object, "from", s_relayed (&record->from, record));
}

static void
s_add_method (json_t *object, const zanni_record_t *record)
{
    s_set (object, "method", s_text (&record->method));
}

static void
s_add_class (json_t *object, const zanni_record_t *record)
{
    s_set (object, "class", s_text (&record->method));
}

static void
s_add_tables (json_t *object, const zanni_record_t *record)
{
    json_t *refs = json_array ();
    json_t *buffers = json_array ();
    for (uint32_t i = 0; i < record->refs_count; i++)
        (void) json_array_append_new (refs, s_ref (&record->refs [i]));
    for (uint32_t i = 0; i < record->buffers_count; i++)
        (void) json_array_append_new (buffers, s_buffer (&record->buffers [i]));
    s_set (object, "refs", refs);
    s_set (object, "buffers", buffers);
}

static void
s_add_args (json_t *object, const zanni_record_t *record)
{
    s_set (object, "args", s_args (record));
}

static void
s_add_results (json_t *object, const zanni_record_t *record)
{
    s_set (object, "results", s_args (record));
}

static void
s_add_data (json_t *object, const zanni_record_t *record)
{
    s_set (object, "data", s_args (record));
}

static void
s_add_remaining (json_t *object, const zanni_record_t *record)
{
    s_set (object, "remaining_ms", json_integer (record->remaining_ms));
}

static void
s_add_spot (json_t *object, const zanni_record_t *record)
{
    if (!record->to.nonce)
        return;
    json_t *spot = json_pack ("[o,o,i,o,i,i,o,o,o]", tool_number (record->to.actor), s_id (record->to.nonce),
                              record->as.spawn.place, tool_number (record->as.spawn.worker),
                              record->as.spawn.restartable + (record->as.spawn.waits << 1)
                                  + (record->as.spawn.again << 3), record->as.spawn.overflow,
                              tool_number (record->as.spawn.mailbox_messages),
                              tool_number (record->as.spawn.mailbox_bytes), s_actor (&record->as.spawn.beside));
    if (record->as.spawn.watchdog_ms)
        (void) json_array_append_new (spot, tool_number (record->as.spawn.watchdog_ms));
    s_set (object, "spot", spot);
}

static void
s_add_reference (json_t *object, const zanni_record_t *record)
{
    s_set (object, "reference", s_ref (record->about));
}

static void
s_add_reason (json_t *object, const zanni_record_t *record)
{
    const zanni_wire_reason_t *reason = &record->as.end.reason;
    s_set (object, "reason", json_pack ("[i,I,o]", reason->kind, (json_int_t) reason->code, s_text (&reason->text)));
}

static void
s_add_restarts (json_t *object, const zanni_record_t *record)
{
    s_set (object, "restarts", json_boolean (record->as.end.restarts));
}

static void
s_add_count (json_t *object, const zanni_record_t *record)
{
    s_set (object, "count", tool_number (record->as.count));
}

static void
s_add_waiting (json_t *object, const zanni_record_t *record)
{
    const zanni_bytes_t *waiting = &record->as.ask.waiting;
    if (waiting->data)
        s_set (object, "waiting", tool_hex (waiting->data, waiting->size));
}

static void
s_add_chunk (json_t *object, const zanni_record_t *record)
{
    s_set (object, "buffer", tool_number (record->as.chunk.buffer));
    s_set (object, "offset", tool_number (record->as.chunk.offset));
    s_set (object, "total", tool_number (record->as.chunk.total));
    if (record->as.chunk.bytes.data)
        s_set (object, "bytes", tool_hex (record->as.chunk.bytes.data, record->as.chunk.bytes.size));
}

static void
s_add_lane (json_t *object, const zanni_record_t *record)
{
    s_set (object, "segment", tool_number (record->as.lane.segment));
    s_set (object, "count", tool_number (record->as.lane.count));
}

static s_add_fn *const s_kinds [] [S_FIELDS] = {
    [ZANNI_RECORD_BATCH] = { s_add_batch, s_add_ack, s_add_held },
    [ZANNI_RECORD_HELLO] = { s_add_purpose, s_add_speaker, s_add_connection },
    [ZANNI_RECORD_WELCOME] = { s_add_version, s_add_speaker },
    [ZANNI_RECORD_BYE] = { s_add_code },
    [ZANNI_RECORD_ACK] = { s_add_ack },
    [ZANNI_RECORD_TELL] = { s_add_to, s_add_from_relayed, s_add_method, s_add_tables, s_add_args },
    [ZANNI_RECORD_ASK] = { s_add_to, s_add_from_relayed, s_add_method, s_add_tables, s_add_id, s_add_remaining,
                           s_add_args, s_add_waiting },
    [ZANNI_RECORD_REPLY] = { s_add_id, s_add_tables, s_add_results },
    [ZANNI_RECORD_ERROR] = { s_add_id, s_add_code, s_add_origin, s_add_tables, s_add_data },
    [ZANNI_RECORD_CANCEL] = { s_add_id, s_add_to },
    [ZANNI_RECORD_FORWARDED] = { s_add_id, s_add_reference },
    [ZANNI_RECORD_PROBE] = { s_add_id, s_add_to, s_add_waiting },
    [ZANNI_RECORD_MONITOR] = { s_add_id, s_add_to_relayed },
    [ZANNI_RECORD_DEMONITOR] = { s_add_id, s_add_to_relayed },
    [ZANNI_RECORD_DOWN] = { s_add_id, s_add_reason, s_add_restarts },
    [ZANNI_RECORD_LINK] = { s_add_to, s_add_from, s_add_id },
    [ZANNI_RECORD_UNLINK] = { s_add_to, s_add_from, s_add_id },
    [ZANNI_RECORD_EXIT] = { s_add_to, s_add_from, s_add_reason, s_add_id },
    [ZANNI_RECORD_RETAIN] = { s_add_to },
    [ZANNI_RECORD_RELEASE] = { s_add_to_relayed, s_add_count },
    [ZANNI_RECORD_SPAWN] = { s_add_id, s_add_class, s_add_tables, s_add_args, s_add_from, s_add_remaining,
                             s_add_spot },
    [ZANNI_RECORD_SPAWNED] = { s_add_id, s_add_reference },
    [ZANNI_RECORD_STOP] = { s_add_to, s_add_reason },
    [ZANNI_RECORD_RESTART] = { s_add_to },
    [ZANNI_RECORD_CHUNK] = { s_add_chunk },
    [ZANNI_RECORD_LANE] = { s_add_lane },
};

json_t *
tool_record (const zanni_record_t *record)
{
    json_t *object = json_object ();
    s_set (object, "kind", json_string (zanni_record_name (record->kind)));
    for (s_add_fn *const *add = s_kinds [record->kind]; *add; add++)
        (*add) (object, record);
    return object;
}

typedef struct {
    json_t *records;
    uint64_t frames;
} s_frame_t;

static int
s_each (void *context, const zanni_record_t *record)
{
    s_frame_t *frame = context;
    frame->frames += record->args_framed || (record->kind == ZANNI_RECORD_CHUNK && !record->as.chunk.bytes.data);
    for (uint32_t i = 0; i < record->buffers_count; i++) {
        const zanni_wire_buffer_t *buffer = &record->buffers [i];
        frame->frames += !buffer->chunks && !buffer->bytes && !buffer->segment && !buffer->blob;
    }
    return json_array_append_new (frame->records, tool_record (record)) ? ZANNI_ENOMEM : 0;
}

json_t *
tool_frame (const void *frame, size_t size)
{
    zanni_error_t fault = { .code = 0 };
    s_frame_t told = { .records = json_array () };
    json_t *json = json_object ();
    int rc = zanni_wire_decode (frame, size, s_each, &told, &fault);
    s_set (json, "records", told.records);
    s_set (json, "frames", tool_number (told.frames));
    if (rc == ZANNI_EARGS)
        s_set (json, "fault", json_string (fault.text));
    if (!rc || rc == ZANNI_EARGS)
        return json;
    json_decref (json);
    return NULL;
}
