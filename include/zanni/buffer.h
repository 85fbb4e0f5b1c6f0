/* buffer.h: raw memory that travels beside a message and is never copied.

   A buffer is counted. It can be written until it is sent or shared; from then on everyone who holds it, on
   whatever thread, sees the same unchanging bytes. Functions without `self` may be called from any thread; one
   handle belongs to one thread at a time.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_BUFFER_H
#define ZANNI_BUFFER_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the elements of a buffer are, where somebody said so. */
typedef enum {
    ZANNI_RAW = 0,
    ZANNI_INT8,
    ZANNI_INT16,
    ZANNI_INT32,
    ZANNI_INT64,
    ZANNI_UINT8,
    ZANNI_UINT16,
    ZANNI_UINT32,
    ZANNI_UINT64,
    ZANNI_FLOAT32,
    ZANNI_FLOAT64
} zanni_element_t;

#define ZANNI_BUFFER_DIMENSIONS 8

/* Frees memory that a program lent with zanni_buffer_wrap. */
typedef void zanni_buffer_free_fn (void *data, void *hint);

/* A writable buffer of `size` bytes from the node's pooled pages, aligned to 64; not zeroed, since reuse is what
   makes it fast. The caller owns the one count. ZANNI_ENOMEM, ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_buffer_new (zanni_t *self, zanni_buffer_t **buffer_p, size_t size) ZANNI_CHECKED;

/* Lends the caller's memory without copying it. `release` (may be NULL) runs once, after the last user, on the
   worker that wrapped it; where that worker has ended by then, on the thread of the last user. */
ZANNI_EXPORT int zanni_buffer_wrap (zanni_t *self, zanni_buffer_t **buffer_p, void *data, size_t size,
                                    zanni_buffer_free_fn *release, void *hint) ZANNI_CHECKED;

/* A view of `size` bytes from `offset`, without a copy; keeps `buffer` alive and seals it. ZANNI_EINVAL where the
   range is not inside. Any thread. */
ZANNI_EXPORT int zanni_buffer_slice (zanni_buffer_t **slice_p, const zanni_buffer_t *buffer, size_t offset,
                                     size_t size) ZANNI_CHECKED;

/* One more count of the same buffer, which seals it; answers its argument. */
ZANNI_EXPORT zanni_buffer_t *zanni_buffer_keep (const zanni_buffer_t *buffer);

/* Gives one count back and nulls the handle; forgives NULL. */
ZANNI_EXPORT void zanni_buffer_destroy (zanni_buffer_t **buffer_p);

/* The bytes to read; never NULL for a buffer of at least one byte. */
ZANNI_EXPORT const void *zanni_buffer_data (const zanni_buffer_t *buffer);
ZANNI_EXPORT size_t zanni_buffer_size (const zanni_buffer_t *buffer);

/* The bytes to write, as long as the buffer was neither sent nor shared. ZANNI_ESEALED afterwards. */
ZANNI_EXPORT int zanni_buffer_edit (void **data_p, zanni_buffer_t *buffer) ZANNI_CHECKED;

/* A writable buffer of the same bytes, element type and shape, with one count, which is the caller's. Where `buffer` has
   but one count (that of the message that it was read from, say) and its memory is this process's own, it is the same one,
   copied nowhere, and who has that count sees what is written; else it is a copy: of slices, of what others hold, of what
   another process lent. ZANNI_ENOMEM, ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_buffer_writable (zanni_t *self, zanni_buffer_t **writable_p,
                                        const zanni_buffer_t *buffer) ZANNI_CHECKED;

/* Says what the buffer holds: `shape` has `dimensions` (1 to 8) lengths, the last one varying fastest; their
   product times the element size must not exceed the buffer's. ZANNI_EINVAL, ZANNI_ESEALED. */
ZANNI_EXPORT int zanni_buffer_set_array (zanni_buffer_t *buffer, zanni_element_t element, size_t dimensions,
                                         const uint64_t *shape) ZANNI_CHECKED;

/* The element type and number of dimensions (0 where nobody said), and the shape into an array of
   ZANNI_BUFFER_DIMENSIONS. */
ZANNI_EXPORT size_t zanni_buffer_array (const zanni_buffer_t *buffer, zanni_element_t *element, uint64_t *shape);

/* A handle that does not keep its buffer. Any thread, several at once too. */
typedef struct zanni_weak zanni_weak_t;

/* A weak handle, for the caller to destroy; seals the buffer. ZANNI_EINVAL: there is none; ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_buffer_weak (zanni_weak_t **weak_p, const zanni_buffer_t *buffer) ZANNI_CHECKED;

/* One more count of the buffer, for the caller to give back. ZANNI_EGONE: nobody holds it any more. */
ZANNI_EXPORT int zanni_weak_get (zanni_buffer_t **buffer_p, zanni_weak_t *weak) ZANNI_CHECKED;

/* One more handle of the same buffer; answers its argument. */
ZANNI_EXPORT zanni_weak_t *zanni_weak_keep (zanni_weak_t *weak);

/* Destroys the handle and nulls it; forgives NULL. */
ZANNI_EXPORT void zanni_weak_destroy (zanni_weak_t **weak_p);

static inline void
zanni_weak_t_auto (zanni_weak_t **weak_p)
{
    zanni_weak_destroy (weak_p);
}

static inline void
zanni_buffer_t_auto (zanni_buffer_t **buffer_p)
{
    zanni_buffer_destroy (buffer_p);
}

#ifdef __cplusplus
}
#endif
#endif
