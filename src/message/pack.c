/* The arguments of a message are packed into the room of its own block; what does not fit there moves to a counted
   payload, whose bytes then grow by doubling.

   The side table has all references before all buffers, but a buffer may be an earlier argument than a reference.
   So when the first handle turns up, all of them are counted and the table gets its final place and size; messages
   without handles, nearly all of them, pay nothing for that. Of buffers there may be fewer then, where a hook packs. In the room the table ends where the room ends and
   the bytes grow towards it; in a payload it lies before the bytes, so that it moves along when they grow. */

#include "pack.h"

#include "buffer.h"

#include "../base/memory.h"
#include "args.h"
#include "object.h"
#include "../base/assert.h"
#include <string.h>
#include <zanni/type.h>

#define S_PAYLOAD_LEAST 1024

typedef struct {
    zanni__writer_t base;
    const zanni__pack_t *pack;
    const zanni_arg_t *list;
    size_t count;
    zanni__payload_t *payload;   // NULL: still in the room
    void **table;
    bool counted;
    uint32_t refs, buffers;              // that there will be
    uint32_t refs_kept, buffers_kept;    // that are in the table
} s_packing_t;

typedef struct {
    size_t refs, buffers;
} s_handles_t;

/* Too deep a list is refused when its turn comes; here it only must not be followed. */
static void
s_count_handles (s_handles_t *handles, const zanni_arg_t *list, size_t count, uint32_t depth)
{
    for (size_t i = 0; list && i < count; i++) {
        uint32_t tag = list [i].tag;
        handles->refs += tag == ZANNI_ARG_REF || tag == ZANNI_ARG_BOUND;
        handles->buffers += tag == ZANNI_ARG_BUFFER;
        if (tag == ZANNI_ARG_TYPED || tag == ZANNI_ARG_OBJECT)
            zanni__object_handles (&list [i], &handles->refs, &handles->buffers);
        if (tag == ZANNI_ARG_LIST && depth < ZANNI__PACK_DEPTH)
            s_count_handles (handles, list [i].value.p, list [i].size, depth + 1);
    }
}

static bool
s_fail (s_packing_t *packing, int error)
{
    packing->base.error = error;
    return false;
}

static bool
s_count (s_packing_t *packing)
{
    if (packing->counted)
        return true;
    s_handles_t handles = { 0, 0 };
    s_count_handles (&handles, packing->list, packing->count, 0);
    if (handles.refs + handles.buffers > ZANNI__TABLE_MAX)
        return s_fail (packing, ZANNI_ETOOBIG);
    packing->refs = (uint32_t) handles.refs;
    packing->buffers = (uint32_t) handles.buffers;
    packing->counted = true;
    return true;
}

static inline size_t
s_table_size (const s_packing_t *packing)
{
    return ((size_t) packing->refs + packing->buffers) * sizeof (void *);
}

/* Moves everything from the room into a payload. */
static bool
s_leave_room (s_packing_t *packing, size_t capacity)
{
    zanni__writer_t *writer = &packing->base;
    if (!s_count (packing))
        return false;
    size_t table_size = s_table_size (packing);
    size_t used = (size_t) (writer->at - writer->start);
    zanni__payload_t *payload = zanni__malloc (sizeof *payload + table_size + capacity);
    if (!payload)
        return s_fail (packing, ZANNI_ENOMEM);
    void **table = (void **) (void *) (payload + 1);
    if (packing->table)
        memcpy (table, packing->table, table_size);
    writer->start = (uint8_t *) table + table_size;
    if (used)
        memcpy (writer->start, packing->pack->room, used);
    writer->at = writer->start + used;
    writer->end = writer->start + capacity;
    packing->table = table;
    packing->payload = payload;
    return true;
}

static bool
s_grow_payload (s_packing_t *packing, size_t capacity)
{
    zanni__writer_t *writer = &packing->base;
    size_t used = (size_t) (writer->at - writer->start);
    size_t before = sizeof *packing->payload + s_table_size (packing);
    zanni__payload_t *payload = zanni__realloc (packing->payload, before + capacity);
    if (!payload)
        return s_fail (packing, ZANNI_ENOMEM);
    packing->payload = payload;
    packing->table = (void **) (void *) (payload + 1);
    writer->start = (uint8_t *) payload + before;
    writer->at = writer->start + used;
    writer->end = writer->start + capacity;
    return true;
}

static bool
s_grow (zanni__writer_t *writer, size_t need)
{
    s_packing_t *packing = (s_packing_t *) writer;
    size_t used = (size_t) (writer->at - writer->start);
    if (need > UINT32_MAX - used)
        return s_fail (packing, ZANNI_ETOOBIG);
    size_t capacity = 2 * used > used + need ? 2 * used : used + need;
    if (capacity < S_PAYLOAD_LEAST)
        capacity = S_PAYLOAD_LEAST;
    return packing->payload ? s_grow_payload (packing, capacity) : s_leave_room (packing, capacity);
}

/* Gives the table its place, once the first handle needs it. */
static bool
s_lay_table (s_packing_t *packing)
{
    zanni__writer_t *writer = &packing->base;
    if (!s_count (packing))
        return false;
    size_t size = s_table_size (packing);
    uintptr_t top = (uintptr_t) writer->end & ~(uintptr_t) (sizeof (void *) - 1);
    if (!packing->payload && top >= size + (uintptr_t) writer->at) {
        packing->table = (void **) (top - size);
        writer->end = (uint8_t *) packing->table;
        return true;
    }
    return s_grow (writer, 64);
}

static bool
s_keep_ref (zanni__writer_t *writer, const zanni_ref_t *ref, uint32_t *index)
{
    s_packing_t *packing = (s_packing_t *) writer;
    const zanni__refs_t *refs = packing->pack->refs;
    if (!refs)
        return s_fail (packing, ZANNI_EARGS);
    if (!packing->table && !s_lay_table (packing))
        return false;
    zanni_ref_t *kept = refs->keep (refs->context, ref);
    if (!kept)
        return s_fail (packing, ZANNI_ENOMEM);
    *index = packing->refs_kept++;
    packing->table [*index] = kept;
    zanni__assert (packing->refs_kept <= packing->refs);
    return true;
}

static bool
s_keep_buffer (zanni__writer_t *writer, const zanni_buffer_t *buffer, uint32_t *index)
{
    s_packing_t *packing = (s_packing_t *) writer;
    if (!packing->table && !s_lay_table (packing))
        return false;
    if (packing->buffers_kept == packing->buffers)
        return s_fail (packing, ZANNI_ETOOBIG);   // a hook appended more than it may
    if (writer->type)
        zanni__buffer_prefer (buffer, writer->type->wire_level_max, writer->type->in_band_max);
    *index = packing->buffers_kept++;
    packing->table [packing->refs + *index] = zanni_buffer_keep (buffer);
    return true;
}

static const zanni__writer_ops_t s_ops = { s_grow, s_keep_ref, s_keep_buffer };

static void
s_undo (s_packing_t *packing)
{
    const zanni__refs_t *refs = packing->pack->refs;
    for (uint32_t i = 0; i < packing->refs_kept; i++)
        refs->drop (refs->context, packing->table [i]);
    for (uint32_t i = 0; i < packing->buffers_kept; i++) {
        zanni_buffer_t *buffer = packing->table [packing->refs + i];
        zanni_buffer_destroy (&buffer);
    }
    zanni__free (packing->payload);
}

__attribute__ ((noinline)) int
zanni__args_pack_all (zanni__args_t *args, zanni__payload_t **payload_p, const zanni__pack_t *pack,
                      const zanni_arg_t *list, size_t count)
{
    s_packing_t packing = {
        .base = { .at = pack->room, .end = pack->room + pack->room_size, .start = pack->room, .ops = &s_ops },
        .pack = pack, .list = list, .count = count
    };
    zanni__writer_t *writer = &packing.base;
    if (!zanni__writer_array (writer, count) || !zanni__writer_values (writer, list, count, 0)) {
        s_undo (&packing);
        return writer->error;
    }
    *args = (zanni__args_t) {
        .bytes = writer->start, .table = packing.table, .size = (uint32_t) (writer->at - writer->start),
        .refs = (uint16_t) packing.refs_kept, .buffers = (uint16_t) packing.buffers_kept
    };
    *payload_p = packing.payload;
    if (packing.payload) {
        atomic_init (&packing.payload->users, 1);
        packing.payload->args = *args;
    }
    return 0;
}

void
zanni__args_release (zanni__args_t *args, zanni__payload_t *payload, const zanni__refs_t *refs)
{
    /* The release half orders what this user read of the payload before the free of the last one, whose acquire
       half sees it. */
    if (payload && atomic_fetch_sub_explicit (&payload->users, 1, memory_order_acq_rel) > 1)
        return;
    for (uint32_t i = 0; i < args->refs; i++)
        refs->drop (refs->context, args->table [i]);
    for (uint32_t i = args->refs; i < (uint32_t) args->refs + args->buffers; i++) {
        zanni_buffer_t *buffer = args->table [i];
        zanni_buffer_destroy (&buffer);
    }
    zanni__free (payload);
}

int
zanni__args_to_payload (zanni__args_t *args, zanni__payload_t **payload_p)
{
    size_t table_size = ((size_t) args->refs + args->buffers) * sizeof (void *);
    if (*payload_p)
        return 0;
    zanni__payload_t *payload = zanni__malloc (sizeof *payload + table_size + args->size);
    if (!payload)
        return ZANNI_ENOMEM;
    void **table = (void **) (void *) (payload + 1);
    uint8_t *bytes = (uint8_t *) table + table_size;
    if (table_size)
        memcpy (table, args->table, table_size);
    if (args->size)
        memcpy (bytes, args->bytes, args->size);
    args->table = table;
    args->bytes = bytes;
    atomic_init (&payload->users, 1);
    payload->args = *args;
    *payload_p = payload;
    return 0;
}

int
zanni__args_move (zanni__args_t *args, zanni__payload_t **payload_p, const zanni__pack_t *pack,
                  const zanni__args_t *from)
{
    zanni__args_t moved = *from;
    zanni__payload_t *payload = NULL;
    size_t table_size = ((size_t) from->refs + from->buffers) * sizeof (void *);
    uintptr_t top = ((uintptr_t) pack->room + pack->room_size) & ~(uintptr_t) (sizeof (void *) - 1);
    if (top < (uintptr_t) pack->room + from->size + table_size) {
        int rc = zanni__args_to_payload (&moved, &payload);
        if (rc)
            return rc;
    }
    else {
        memcpy (pack->room, from->bytes, from->size);
        moved.bytes = pack->room;
        moved.table = table_size ? (void **) (top - table_size) : NULL;
        if (table_size)
            memcpy (moved.table, from->table, table_size);
    }
    *args = moved;
    *payload_p = payload;
    return 0;
}

int
zanni__args_copy (zanni__args_t *args, zanni__payload_t **payload_p, const zanni__args_t *from,
                  const zanni__refs_t *refs)
{
    zanni__args_t copy = *from;
    zanni__payload_t *payload = NULL;
    int rc = zanni__args_to_payload (&copy, &payload);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < copy.refs; i++) {
        copy.table [i] = refs->keep (refs->context, from->table [i]);
        if (!copy.table [i]) {
            while (i-- > 0)
                refs->drop (refs->context, copy.table [i]);
            zanni__free (payload);
            return ZANNI_ENOMEM;
        }
    }
    for (uint32_t i = copy.refs; i < (uint32_t) copy.refs + copy.buffers; i++)
        copy.table [i] = zanni_buffer_keep (from->table [i]);
    *args = copy;
    *payload_p = payload;
    return 0;
}

uint32_t
zanni__args_weight (const zanni__args_t *args)
{
    uint64_t weight = args->size;
    for (uint32_t i = args->refs; i < (uint32_t) args->refs + args->buffers; i++)
        weight += zanni_buffer_size (args->table [i]);
    return weight < UINT32_MAX ? (uint32_t) weight : UINT32_MAX;
}
