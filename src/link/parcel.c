/* Blocks come in three sizes, and a parcel that is ready moves to the smallest that it fits: a slow consumer's window may
   be full of parcels of one record each. Freed blocks are kept, since fresh memory is slow.

   Blocks come back from any thread, onto a stack (release); the link's thread takes it whole (acquire) when a free list
   is empty. The pool counts the link and each block that is out, and goes with the last. */

#include "parcel.h"

#include "../base/memory.h"

#include "../base/assert.h"
#include <string.h>

struct zanni__pool {
    zanni__parcel_t *free [ZANNI__PARCEL_CLASSES];
    uint32_t count [ZANNI__PARCEL_CLASSES];
    _Atomic (zanni__parcel_t *) returned;
    _Atomic uint32_t users;
};

static const struct {
    uint32_t room;
    uint32_t kept;   // free ones
} s_classes [ZANNI__PARCEL_CLASSES] = { { 1024, 1024 }, { 8192, 256 }, { ZANNI_WIRE_HEADER_MAX, 128 } };

zanni__pool_t *
zanni__pool_new (void)
{
    zanni__pool_t *pool = zanni__calloc (sizeof *pool);
    if (pool)
        atomic_init (&pool->users, 1);
    return pool;
}

static void
s_parcel_free (zanni__parcel_t *parcel)
{
    zanni__free (parcel->frames);
    zanni__free (parcel);
}

static void
s_chain_free (zanni__parcel_t *chain)
{
    while (chain) {
        zanni__parcel_t *parcel = chain;
        chain = parcel->next;
        s_parcel_free (parcel);
    }
}

static void
s_pool_unuse (zanni__pool_t *pool)
{
    /* acq_rel: the last one sees what the others left on the stack. */
    if (atomic_fetch_sub_explicit (&pool->users, 1, memory_order_acq_rel) > 1)
        return;
    s_chain_free (atomic_load_explicit (&pool->returned, memory_order_relaxed));
    for (int i = 0; i < ZANNI__PARCEL_CLASSES; i++)
        s_chain_free (pool->free [i]);
    zanni__free (pool);
}

void
zanni__pool_end (zanni__pool_t *pool)
{
    if (pool)
        s_pool_unuse (pool);
}

/* Sorts what came back into the free lists. */
static void
s_collect (zanni__pool_t *pool)
{
    /* acquire: pairs with the release of whoever gave a block back. */
    zanni__parcel_t *chain = atomic_exchange_explicit (&pool->returned, NULL, memory_order_acquire);
    while (chain) {
        zanni__parcel_t *parcel = chain;
        uint32_t which = parcel->size_class;
        chain = parcel->next;
        if (pool->count [which] >= s_classes [which].kept) {
            s_parcel_free (parcel);
            continue;
        }
        parcel->next = pool->free [which];
        pool->free [which] = parcel;
        pool->count [which]++;
    }
}

static zanni__parcel_t *
s_take (zanni__pool_t *pool, uint32_t which)
{
    if (!pool->free [which])
        s_collect (pool);
    zanni__parcel_t *parcel = pool->free [which];
    if (parcel) {
        pool->free [which] = parcel->next;
        pool->count [which]--;
        return parcel;
    }
    parcel = zanni__malloc (sizeof *parcel + s_classes [which].room);
    if (!parcel)
        return NULL;
    parcel->pool = pool;
    parcel->room = s_classes [which].room;
    parcel->size_class = (uint8_t) which;
    parcel->frames = NULL;
    parcel->frames_room = 0;
    return parcel;
}

static uint32_t
s_class_for (uint32_t size)
{
    uint32_t which = 0;
    while (s_classes [which].room < size)
        which++;
    zanni__assert (which < ZANNI__PARCEL_CLASSES);
    return which;
}

zanni__parcel_t *
zanni__parcel_new (zanni__pool_t *pool, uint32_t size)
{
    zanni__parcel_t *parcel = s_take (pool, s_class_for (size));
    if (!parcel)
        return NULL;
    atomic_fetch_add_explicit (&pool->users, 1, memory_order_relaxed);
    atomic_store_explicit (&parcel->users, 1, memory_order_relaxed);
    parcel->next = NULL;
    parcel->end = ZANNI__PARCEL_FRONT;
    parcel->records = parcel->frames_count = 0;
    parcel->frames_bytes = parcel->sequence = parcel->charge = parcel->weight = 0;
    parcel->begun_ns = 0;
    parcel->chunk = parcel->posting = parcel->over = false;
    parcel->claims = NULL;
    return parcel;
}

static void
s_move (zanni__parcel_t *to, zanni__parcel_t *from)
{
    zanni__frame_t *frames = to->frames;
    uint32_t frames_room = to->frames_room;
    memcpy (to->data + ZANNI__PARCEL_FRONT, from->data + ZANNI__PARCEL_FRONT, from->end - ZANNI__PARCEL_FRONT);
    to->end = from->end;
    to->records = from->records;
    to->frames_count = from->frames_count;
    to->frames_bytes = from->frames_bytes;
    to->charge = from->charge;
    to->weight = from->weight;
    to->begun_ns = from->begun_ns;
    to->chunk = from->chunk;
    to->claims = from->claims;
    from->claims = NULL;
    to->frames = from->frames;
    to->frames_room = from->frames_room;
    from->frames = frames;
    from->frames_room = frames_room;
    from->frames_count = 0;
}

zanni__parcel_t *
zanni__parcel_shrink (zanni__parcel_t *parcel)
{
    if (s_class_for (parcel->end) == parcel->size_class)
        return parcel;
    zanni__parcel_t *small = zanni__parcel_new (parcel->pool, parcel->end);
    if (!small)
        return parcel;
    s_move (small, parcel);
    zanni__parcel_drop (parcel);
    return small;
}

int
zanni__parcel_reserve (zanni__parcel_t *parcel, uint32_t count)
{
    uint32_t wanted = parcel->frames_count + count;
    if (wanted <= parcel->frames_room)
        return 0;
    uint32_t room = wanted <= 4 ? 4 : ZANNI_WIRE_FRAMES_MAX;
    zanni__assert (wanted <= ZANNI_WIRE_FRAMES_MAX);
    zanni__frame_t *frames = zanni__realloc (parcel->frames, room * sizeof *frames);
    if (!frames)
        return ZANNI_ENOMEM;
    parcel->frames = frames;
    parcel->frames_room = room;
    return 0;
}

void
zanni__parcel_empty (zanni__parcel_t *parcel)
{
    parcel->over = true;
    if (parcel->posting)
        return;
    for (uint32_t i = 0; i < parcel->frames_count; i++)
        zanni_buffer_destroy (&parcel->frames [i].buffer);
    parcel->frames_count = 0;
    zanni__claims_free (parcel->claims);
    parcel->claims = NULL;
}

void
zanni__claims_free (zanni__claim_t *claims)
{
    while (claims) {
        zanni__claim_t *claim = claims;
        claims = claim->next;
        zanni_buffer_destroy (&claim->blob);
        zanni__free (claim);
    }
}

void
zanni__parcel_drop (zanni__parcel_t *parcel)
{
    zanni__pool_t *pool = parcel->pool;
    /* acq_rel: the last one's push comes after what all others did with the block. */
    if (atomic_fetch_sub_explicit (&parcel->users, 1, memory_order_acq_rel) > 1)
        return;
    zanni__parcel_t *first = atomic_load_explicit (&pool->returned, memory_order_relaxed);
    do
        parcel->next = first;
    while (!atomic_compare_exchange_weak_explicit (&pool->returned, &first, parcel, memory_order_release,
                                                   memory_order_relaxed));
    s_pool_unuse (pool);
}
