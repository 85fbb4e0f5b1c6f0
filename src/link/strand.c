/* Records that wait: for a buffer that comes in chunks, or behind one that does.

   A strand is what one actor sends to another while the first of it is not whole. What follows in it queues up, as bytes of
   its own and the buffers that came with it, and is read again when its turn comes; what others send passes. A RELEASE or
   CANCEL waits while there is any strand to its actor: it has no sender, and must not overtake what its holder sent.

   Answers and the like name no pair; one whose buffer is cut has a strand that nothing else enters. */

#include "hub.h"

#include "../base/memory.h"

#include <string.h>

typedef struct s_parked {
    struct s_parked *next;
    zanni__strand_t *strand;
    uint64_t charge;               // that it counts in the window
    uint32_t missing;              // assemblies that are not whole
    uint32_t buffers_count;
    zanni_buffer_t *args;          // where they are not among the bytes
    zanni_buffer_t **buffers;
    int64_t came_ns;
    uint32_t size;
    _Alignas (8) uint8_t bytes [];   // of the record; behind it, aligned, the buffers
} s_parked_t;

struct zanni__strand {
    zanni__strand_t *next;
    uint64_t from;
    uint64_t to;
    bool paired;                   // others may enter
    bool last;                     // waits for all other strands to `to`
    s_parked_t *first;
    s_parked_t **end;
};

struct zanni__assembly {
    zanni__assembly_t *next;
    uint64_t number;
    zanni_buffer_t *buffer;
    uint8_t *data;
    uint64_t size;
    uint64_t got;
    s_parked_t *parked;
    uint32_t index;                // of its buffers; or:
    bool args;
};

static bool
s_is_last (const zanni_record_t *record)
{
    return (record->kind == ZANNI_RECORD_RELEASE || record->kind == ZANNI_RECORD_CANCEL) && !record->about;
}

static bool
s_is_paired (const zanni_record_t *record)
{
    return record->kind == ZANNI_RECORD_TELL || record->kind == ZANNI_RECORD_ASK || record->kind == ZANNI_RECORD_LINK
           || record->kind == ZANNI_RECORD_UNLINK || record->kind == ZANNI_RECORD_EXIT;
}

/* Who sent it, as a number; two that collide wait for each other without need. */
static uint64_t
s_from (const zanni_record_t *record)
{
    uint64_t node;
    const zanni_wire_ref_t *about = record->about;
    if (!about)
        return record->from.nonce ? record->from.actor : UINT64_MAX;
    memcpy (&node, about->nonce, sizeof node);
    return zanni__spread (about->actor ^ node);
}

static bool
s_is_behind (const zanni__strand_t *strand, const zanni_record_t *record)
{
    if (s_is_last (record))
        return !strand->last && strand->paired && strand->to == record->to.actor;
    return strand->paired && s_is_paired (record) && strand->to == record->to.actor && strand->from == s_from (record);
}

bool
zanni__strand_wanted (const zanni__inbox_t *in, const zanni_record_t *record)
{
    const zanni__strand_t *strand = in->strands;
    while (strand && !s_is_behind (strand, record))
        strand = strand->next;
    return strand != NULL;
}

/* The strand that the record enters, made where it is new. */
static zanni__strand_t *
s_strand (zanni__inbox_t *in, const zanni_record_t *record)
{
    zanni__strand_t **at = &in->strands;
    while (*at && (s_is_last (record) || !s_is_behind (*at, record)))
        at = &(*at)->next;
    if (*at)
        return *at;
    zanni__strand_t *strand = zanni__calloc (sizeof *strand);
    if (!strand)
        return NULL;
    strand->paired = s_is_paired (record);
    strand->last = s_is_last (record);
    strand->to = record->to.actor;
    strand->from = strand->paired ? s_from (record) : 0;
    strand->end = &strand->first;
    *at = strand;   // strands that wait for others stand behind them
    return strand;
}

static void
s_parked_free (s_parked_t *parked)
{
    for (uint32_t i = 0; i < parked->buffers_count; i++)
        zanni_buffer_destroy (&parked->buffers [i]);
    zanni_buffer_destroy (&parked->args);
    zanni__free (parked);
}

static s_parked_t *
s_parked_new (const zanni__peer_t *peer, const zanni_record_t *record, const zanni_bytes_t *bytes)
{
    size_t size = (bytes->size + 7) & ~(size_t) 7;
    s_parked_t *parked = zanni__calloc (sizeof *parked + size + record->buffers_count * sizeof *parked->buffers);
    if (!parked)
        return NULL;
    memcpy (parked->bytes, bytes->data, bytes->size);
    parked->size = (uint32_t) bytes->size;
    parked->buffers = (zanni_buffer_t **) (void *) (parked->bytes + size);
    parked->buffers_count = record->buffers_count;
    parked->came_ns = peer->hub->worker->now_ns;
    parked->charge = zanni__inbox_charge (peer, record);
    return parked;
}

static void
s_assembly_free (zanni__assembly_t *assembly)
{
    zanni_buffer_destroy (&assembly->buffer);
    zanni__free (assembly);
}

static zanni__assembly_t *
s_assembly_find (const zanni__inbox_t *in, uint64_t number)
{
    zanni__assembly_t *assembly = in->assemblies;
    while (assembly && assembly->number != number)
        assembly = assembly->next;
    return assembly;
}

static int
s_assemble (zanni__peer_t *peer, s_parked_t *parked, const zanni_wire_buffer_t *wire, const char **fault)
{
    void *data = NULL;
    if (s_assembly_find (&peer->in, wire->chunks)) {
        *fault = "two buffers have one number";
        return ZANNI_EARGS;
    }
    zanni__assembly_t *assembly = zanni__calloc (sizeof *assembly);
    int rc = assembly ? zanni_worker_buffer (peer->hub->worker, &assembly->buffer, wire->size) : ZANNI_ENOMEM;
    if (!rc && wire->dimensions
        && zanni_buffer_set_array (assembly->buffer, (zanni_element_t) wire->element, wire->dimensions, wire->shape)) {
        *fault = "a shape does not fit its buffer";
        rc = ZANNI_EARGS;
    }
    if (!rc)
        rc = zanni_buffer_edit (&data, assembly->buffer);
    if (rc) {
        if (assembly)
            s_assembly_free (assembly);
        return rc;
    }
    assembly->data = data;
    assembly->size = wire->size;
    assembly->number = wire->chunks;
    assembly->parked = parked;
    assembly->next = peer->in.assemblies;
    peer->in.assemblies = assembly;
    parked->missing++;
    return 0;
}

static int
s_assemble_all (zanni__peer_t *peer, s_parked_t *parked, const zanni_record_t *record, const char **fault)
{
    int rc = 0;
    if (record->args_chunks) {
        const zanni_wire_buffer_t args = { .size = record->args.size, .chunks = record->args_chunks };
        rc = s_assemble (peer, parked, &args, fault);
        if (!rc)
            peer->in.assemblies->args = true;
    }
    for (uint32_t i = 0; !rc && i < record->buffers_count; i++) {
        if (!record->buffers [i].chunks)
            continue;
        rc = s_assemble (peer, parked, &record->buffers [i], fault);
        if (!rc)
            peer->in.assemblies->index = i;
    }
    return rc;
}

/* On failure the session ends, and all of this with it. The hub's buffers of the record are taken over. */
int
zanni__strand_put (zanni__peer_t *peer, const zanni_record_t *record, const zanni_bytes_t *bytes, zanni_buffer_t *args,
                 const char **fault)
{
    s_parked_t *parked = s_parked_new (peer, record, bytes);
    zanni__strand_t *strand = parked ? s_strand (&peer->in, record) : NULL;
    if (!strand) {
        for (uint32_t i = 0; i < record->buffers_count; i++)
            zanni_buffer_destroy (&peer->hub->buffers [i]);
        zanni_buffer_destroy (&args);
        zanni__free (parked);
        peer->held -= zanni__inbox_charge (peer, record);
        return ZANNI_ENOMEM;
    }
    if (record->buffers_count)
        memcpy (parked->buffers, peer->hub->buffers, record->buffers_count * sizeof *parked->buffers);
    parked->args = args;
    parked->strand = strand;
    *strand->end = parked;
    strand->end = &parked->next;
    return s_assemble_all (peer, parked, record, fault);
}

/* Reads the record again and gives it to the runtime. */
static int
s_deliver (zanni__peer_t *peer, s_parked_t *parked, const char **fault)
{
    zanni_record_t record;
    zanni__reader_t reader = zanni__reader (parked->bytes, parked->size);
    int rc = zanni__record_read (&reader, &record, &peer->hub->tables, fault) == 1 ? 0 : ZANNI_EARGS;
    if (rc)
        return rc;
    if (parked->args)
        record.args = (zanni_bytes_t) { zanni_buffer_data (parked->args), zanni_buffer_size (parked->args) };
    int64_t waited_ms = (peer->hub->worker->now_ns - parked->came_ns) / 1000000;
    if ((record.kind == ZANNI_RECORD_ASK || record.kind == ZANNI_RECORD_SPAWN) && record.remaining_ms >= 0)
        record.remaining_ms = record.remaining_ms > waited_ms ? record.remaining_ms - waited_ms : 0;
    parked->buffers_count = 0;   // they are the runtime's now
    return zanni__inbox_deliver (peer, &record, parked->buffers, fault);
}

/* Whether some other strand to the same actor is there. */
static bool
s_is_held (const zanni__inbox_t *in, const zanni__strand_t *strand)
{
    const zanni__strand_t *other = in->strands;
    while (other && (other->last || !other->paired || other->to != strand->to))
        other = other->next;
    return strand->last && other;
}

/* Delivers what need not wait any longer; stops where that ends the session. */
static int
s_run (zanni__peer_t *peer, const char **fault)
{
    zanni__inbox_t *in = &peer->in;
    uint32_t generation = peer->generation;
    zanni__strand_t **at = &in->strands;
    while (*at) {
        zanni__strand_t *strand = *at;
        s_parked_t *parked = strand->first;
        if (parked && (parked->missing || s_is_held (in, strand))) {
            at = &strand->next;
            continue;
        }
        if (!parked) {
            *at = strand->next;
            zanni__free (strand);
            at = &in->strands;   // some may have waited for this one
            continue;
        }
        strand->first = parked->next;
        if (!strand->first)
            strand->end = &strand->first;
        int rc = s_deliver (peer, parked, fault);
        s_parked_free (parked);
        if (rc || peer->generation != generation)
            return rc;
    }
    return 0;
}

static void
s_whole (zanni__inbox_t *in, zanni__assembly_t *assembly)
{
    zanni__assembly_t **at = &in->assemblies;
    s_parked_t *parked = assembly->parked;
    while (*at != assembly)
        at = &(*at)->next;
    *at = assembly->next;
    if (assembly->args)
        parked->args = assembly->buffer;
    else
        parked->buffers [assembly->index] = assembly->buffer;
    assembly->buffer = NULL;
    parked->missing--;
    s_assembly_free (assembly);
}

int
zanni__chunk_take (zanni__peer_t *peer, const zanni_record_t *record, const zanni_bytes_t *bytes, const char **fault)
{
    zanni__assembly_t *assembly = s_assembly_find (&peer->in, record->as.chunk.buffer);
    size_t size = bytes->size;
    if (!assembly || record->as.chunk.offset != assembly->got || record->as.chunk.total != assembly->size || !size
        || size > assembly->size - assembly->got) {
        *fault = "CHUNK: it is not the next of a buffer that was announced";
        return ZANNI_EARGS;
    }
    memcpy (assembly->data + assembly->got, bytes->data, size);
    assembly->got += size;
    if (assembly->got < assembly->size)
        return 0;
    s_whole (&peer->in, assembly);
    return s_run (peer, fault);
}

/* What waits here never comes to the runtime, which would say that it was taken. */
void
zanni__strands_clear (zanni__peer_t *peer)
{
    zanni__inbox_t *in = &peer->in;
    while (in->assemblies) {
        zanni__assembly_t *assembly = in->assemblies;
        in->assemblies = assembly->next;
        s_assembly_free (assembly);
    }
    while (in->strands) {
        zanni__strand_t *strand = in->strands;
        in->strands = strand->next;
        while (strand->first) {
            s_parked_t *parked = strand->first;
            strand->first = parked->next;
            peer->held -= parked->charge;
            s_parked_free (parked);
        }
        zanni__free (strand);
    }
}
