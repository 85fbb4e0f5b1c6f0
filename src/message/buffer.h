/* buffer.h: a buffer in memory.

   A buffer begins with an item, so that one whose memory was lent can queue itself to the worker that wrapped it,
   without needing memory for that. */

#ifndef ZANNI_MESSAGE_BUFFER_H
#define ZANNI_MESSAGE_BUFFER_H

#include "../base/queue.h"
#include <stdatomic.h>
#include <zanni/buffer.h>
#include <zanni/sys/region.h>

struct zanni_buffer {
    zanni__item_t item;
    _Atomic uint32_t users;    // the last release (acq_rel) frees
    _Atomic bool sealed;
    _Atomic uint8_t way;       // how it is to travel: ZANNI__BUFFER_... and the highest level; 0: nobody said
    bool own;                  // nobody else can see its memory: with one user it may be written again
    uint8_t element;           // zanni_element_t
    uint8_t dimensions;
    uint8_t *data;
    size_t size;
    zanni_buffer_t *root;                      // slice: whose bytes these are, counted; never a slice itself
    const zanni_region_ops_t *ops;             // pooled: where the block goes
    void *region;
    zanni_block_t block;
    zanni_buffer_free_fn *release;             // wrapped
    void *hint;
    _Atomic (zanni_weak_t *) weak;             // what weak handles of it share, or NULL
    void *home;                                // the wrapping worker, opaque
    void (*send_home) (zanni_buffer_t *buffer);   // called on any thread when the last count goes; may be NULL
    uint64_t shape [ZANNI_BUFFER_DIMENSIONS];
};

/* A writable buffer in a block of `region`, with one count. ZANNI_ENOMEM, or what ops->allocate says. */
int zanni__buffer_new (zanni_buffer_t **buffer_p, const zanni_region_ops_t *ops, void *region, size_t size);

/* A buffer over the caller's memory, with one count; `home` and `send_home` are the caller's to fill. On failure
   the memory was not released. */
int zanni__buffer_wrap (zanni_buffer_t **buffer_p, void *data, size_t size, zanni_buffer_free_fn *release,
                        void *hint);

/* How another process maps the bytes; false: it cannot. */
bool zanni__buffer_segment (const zanni_buffer_t *buffer, zanni_segment_t *segment);

/* Somebody may read them for ever: their memory is not used again. */
void zanni__buffer_abandon (const zanni_buffer_t *buffer);

#define ZANNI__BUFFER_LEVEL 3u       // mask of a level, which may be 0; beside it:
#define ZANNI__BUFFER_IN_BAND 4u
#define ZANNI__BUFFER_LOST 128u      // it stands for one that could not be had: zanni__buffer_lost

/* A buffer that stands for one of that size that could not be had, and why: nobody gets it, its message is not handled. */
int zanni__buffer_lost (zanni_buffer_t **buffer_p, size_t size, int code);

/* Says how it is to travel: at most by that level (0: any), in band if it has at most so many bytes. */
void zanni__buffer_prefer (const zanni_buffer_t *buffer, uint32_t level_max, uint32_t in_band_max);

static inline uint32_t
zanni__buffer_way (const zanni_buffer_t *buffer)
{
    return atomic_load_explicit (&buffer->way, memory_order_relaxed);
}

/* Why it could not be had; 0: it was. */
static inline int
zanni__buffer_loss (const zanni_buffer_t *buffer)
{
    return zanni__buffer_way (buffer) & ZANNI__BUFFER_LOST ? -(int) buffer->shape [0] : 0;
}

/* Opens it again for writing, with one more count, if nobody but its one user has it. */
bool zanni__buffer_unseal (zanni_buffer_t *buffer);

/* Runs the release function of a wrapped buffer without users and frees it: what send_home has to see to. */
void zanni__buffer_finish (zanni_buffer_t *buffer);

/* Tells the weak handles of a buffer without users that it is gone: weak.c. */
void zanni__weak_end (zanni_buffer_t *buffer);

#endif
