/* A buffer is a count over bytes that are a pooled block, the caller's memory, or a part of another buffer. A
   slice holds its root directly, also when it was cut from a slice, so that freeing never goes deeper than one
   step.

   The seal: bytes change only while one handle exists that was never sent or shared. The first keep, slice or send
   sets the seal, before the second holder can exist; what hands the buffer over to that one (a queue) orders the
   bytes, so the seal itself is relaxed. It is atomic only because holders on several threads may set it again. It is broken
   where there is one holder again, who wants to write. */

#include "buffer.h"

#include "../base/memory.h"
#include "../base/assert.h"
#include <string.h>

static const size_t s_widths [] = {
    [ZANNI_RAW] = 1,    [ZANNI_INT8] = 1,   [ZANNI_INT16] = 2,  [ZANNI_INT32] = 4,   [ZANNI_INT64] = 8,
    [ZANNI_UINT8] = 1,  [ZANNI_UINT16] = 2, [ZANNI_UINT32] = 4, [ZANNI_UINT64] = 8,
    [ZANNI_FLOAT32] = 4, [ZANNI_FLOAT64] = 8,
};

/* What data of a buffer without bytes points to: nobody has to ask for NULL. */
static _Alignas (64) uint8_t s_nothing [64];

static zanni_buffer_t *
s_new (uint8_t *data, size_t size)
{
    zanni_buffer_t *buffer = zanni__calloc (sizeof *buffer);
    if (!buffer)
        return NULL;
    atomic_init (&buffer->users, 1);
    buffer->data = size ? data : s_nothing;
    buffer->size = size;
    return buffer;
}

int
zanni__buffer_new (zanni_buffer_t **buffer_p, const zanni_region_ops_t *ops, void *region, size_t size)
{
    zanni_block_t block = { NULL, 0, NULL };
    int rc = size ? ops->allocate (region, size, &block) : 0;
    if (rc)
        return rc;
    zanni_buffer_t *buffer = s_new (block.data, size);
    if (!buffer) {
        if (size)
            ops->release (region, &block);
        return ZANNI_ENOMEM;
    }
    buffer->own = true;
    buffer->ops = size ? ops : NULL;
    buffer->region = region;
    buffer->block = block;
    *buffer_p = buffer;
    return 0;
}

int
zanni__buffer_wrap (zanni_buffer_t **buffer_p, void *data, size_t size, zanni_buffer_free_fn *release, void *hint)
{
    if (size && !data)
        return ZANNI_EINVAL;
    zanni_buffer_t *buffer = s_new (data, size);
    if (!buffer)
        return ZANNI_ENOMEM;
    buffer->block.data = data;
    buffer->release = release;
    buffer->hint = hint;
    *buffer_p = buffer;
    return 0;
}

void
zanni__buffer_finish (zanni_buffer_t *buffer)
{
    zanni__assert (!atomic_load_explicit (&buffer->users, memory_order_relaxed));
    if (buffer->release)
        buffer->release (buffer->block.data, buffer->hint);
    zanni__free (buffer);
}

void
zanni__buffer_prefer (const zanni_buffer_t *buffer, uint32_t level_max, uint32_t in_band_max)
{
    zanni_buffer_t *own = (zanni_buffer_t *) (uintptr_t) buffer;
    bool in_band = in_band_max && buffer->size <= in_band_max;
    uint32_t way = (level_max <= ZANNI__BUFFER_LEVEL ? level_max : 0) | (in_band ? ZANNI__BUFFER_IN_BAND : 0);
    /* Relaxed: who sends it at the same time may take it either way. */
    if (way && atomic_load_explicit (&own->way, memory_order_relaxed) != way)
        atomic_store_explicit (&own->way, (uint8_t) way, memory_order_relaxed);
}

int
zanni__buffer_lost (zanni_buffer_t **buffer_p, size_t size, int code)
{
    int rc = zanni__buffer_new (buffer_p, NULL, NULL, 0);
    if (rc)
        return rc;
    (*buffer_p)->size = size;
    (*buffer_p)->shape [0] = (uint64_t) -(int64_t) code;
    atomic_store_explicit (&(*buffer_p)->way, ZANNI__BUFFER_LOST, memory_order_relaxed);
    return 0;
}

bool
zanni__buffer_unseal (zanni_buffer_t *buffer)
{
    /* acquire: pairs with the release of those that had it before; their reads are over. */
    uint32_t one = 1;
    if (!buffer->own
        || !atomic_compare_exchange_strong_explicit (&buffer->users, &one, 2, memory_order_acquire, memory_order_relaxed))
        return false;
    /* Looked at only now: one who had it before may have asked for a weak handle just before he let go. */
    if (atomic_load_explicit (&buffer->weak, memory_order_relaxed)) {
        atomic_fetch_sub_explicit (&buffer->users, 1, memory_order_release);   // not the last: the caller's message has one
        return false;
    }
    atomic_store_explicit (&buffer->sealed, false, memory_order_relaxed);
    return true;
}

static void
s_seal (zanni_buffer_t *buffer)
{
    if (!atomic_load_explicit (&buffer->sealed, memory_order_relaxed))
        atomic_store_explicit (&buffer->sealed, true, memory_order_relaxed);
}

zanni_buffer_t *
zanni_buffer_keep (const zanni_buffer_t *buffer)
{
    zanni_buffer_t *kept = (zanni_buffer_t *) (uintptr_t) buffer;
    if (!kept)
        return NULL;
    s_seal (kept);
    /* Relaxed: the caller's own count keeps the buffer alive meanwhile. */
    uint32_t before = atomic_fetch_add_explicit (&kept->users, 1, memory_order_relaxed);
    zanni__assert (before && before < UINT32_MAX);
    (void) before;
    return kept;
}

int
zanni_buffer_slice (zanni_buffer_t **slice_p, const zanni_buffer_t *buffer, size_t offset, size_t size)
{
    if (!buffer || offset > buffer->size || size > buffer->size - offset)
        return ZANNI_EINVAL;
    zanni_buffer_t *slice = s_new (buffer->data + offset, size);
    if (!slice)
        return ZANNI_ENOMEM;
    s_seal ((zanni_buffer_t *) (uintptr_t) buffer);
    s_seal (slice);
    slice->root = zanni_buffer_keep (buffer->root ? buffer->root : buffer);
    zanni__assert (!slice->root->root);
    *slice_p = slice;
    return 0;
}

static inline void
s_end_weak (zanni_buffer_t *buffer)
{
    if (atomic_load_explicit (&buffer->weak, memory_order_relaxed))
        zanni__weak_end (buffer);
}

/* One count less of a buffer that is no slice. */
static void
s_drop_root (zanni_buffer_t *buffer)
{
    /* Each release orders its holder's reads before the last one's acquire, after which the bytes may be reused.
       */
    if (atomic_fetch_sub_explicit (&buffer->users, 1, memory_order_acq_rel) > 1)
        return;
    s_end_weak (buffer);
    if (buffer->ops)
        buffer->ops->release (buffer->region, &buffer->block);
    if (buffer->send_home)
        buffer->send_home (buffer);
    else
        zanni__buffer_finish (buffer);
}

void
zanni_buffer_destroy (zanni_buffer_t **buffer_p)
{
    if (!buffer_p || !*buffer_p)
        return;
    zanni_buffer_t *buffer = *buffer_p;
    *buffer_p = NULL;
    if (!buffer->root) {
        s_drop_root (buffer);
        return;
    }
    /* As in s_drop_root; then the root may go. */
    if (atomic_fetch_sub_explicit (&buffer->users, 1, memory_order_acq_rel) > 1)
        return;
    s_end_weak (buffer);
    s_drop_root (buffer->root);
    zanni__free (buffer);
}

const void *
zanni_buffer_data (const zanni_buffer_t *buffer)
{
    return buffer->data;
}

size_t
zanni_buffer_size (const zanni_buffer_t *buffer)
{
    return buffer->size;
}

bool
zanni__buffer_segment (const zanni_buffer_t *buffer, zanni_segment_t *segment)
{
    const zanni_buffer_t *root = buffer->root ? buffer->root : buffer;
    if (!root->ops || !buffer->size || root->ops->share (root->region, &root->block, segment))
        return false;
    segment->offset += (size_t) (buffer->data - root->data);
    return true;
}

void
zanni__buffer_abandon (const zanni_buffer_t *buffer)
{
    const zanni_buffer_t *root = buffer->root ? buffer->root : buffer;
    root->ops->abandon (root->region, &root->block);
}

static bool
s_is_sealed (const zanni_buffer_t *buffer)
{
    return atomic_load_explicit (&buffer->sealed, memory_order_relaxed);
}

int
zanni_buffer_edit (void **data_p, zanni_buffer_t *buffer)
{
    if (s_is_sealed (buffer))
        return ZANNI_ESEALED;
    *data_p = buffer->data;
    return 0;
}

int
zanni_buffer_set_array (zanni_buffer_t *buffer, zanni_element_t element, size_t dimensions, const uint64_t *shape)
{
    if (s_is_sealed (buffer))
        return ZANNI_ESEALED;
    if ((size_t) element >= sizeof s_widths / sizeof *s_widths || !dimensions
        || dimensions > ZANNI_BUFFER_DIMENSIONS || !shape)
        return ZANNI_EINVAL;
    uint64_t product = s_widths [element];
    bool empty = false;
    for (size_t i = 0; i < dimensions; i++)
        empty |= !shape [i];
    for (size_t i = 0; i < dimensions && !empty; i++)
        if (__builtin_mul_overflow (product, shape [i], &product))
            return ZANNI_EINVAL;
    if (!empty && product > buffer->size)
        return ZANNI_EINVAL;
    buffer->element = (uint8_t) element;
    buffer->dimensions = (uint8_t) dimensions;
    memcpy (buffer->shape, shape, dimensions * sizeof *shape);
    return 0;
}

size_t
zanni_buffer_array (const zanni_buffer_t *buffer, zanni_element_t *element, uint64_t *shape)
{
    if (element)
        *element = (zanni_element_t) buffer->element;
    if (shape)
        memcpy (shape, buffer->shape, sizeof buffer->shape);
    return buffer->dimensions;
}
