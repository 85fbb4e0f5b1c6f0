/* region.h: the seam through which buffers get their memory.

   The default keeps freed blocks for reuse, since the first touch of fresh memory is slow. Weaker stability promise
   than the rest of the API.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SYS_REGION_H
#define ZANNI_SYS_REGION_H

#include "../error.h"

typedef struct {
    void *data;      // aligned to 64
    size_t size;     // at least what was asked for
    void *handle;    // the region's own
} zanni_block_t;

/* Every hook may be called from any thread. */
typedef struct zanni_region_ops {
    size_t size;   // sizeof (zanni_region_ops_t), or 0
    /* Makes the region of one node. ZANNI_ENOMEM. */
    int (*open) (void **region_p);
    /* A block of at least `size` bytes (at least 1), not zeroed. ZANNI_ENOMEM. */
    int (*allocate) (void *region, size_t size, zanni_block_t *block);
    /* A descriptor by which another process on this host maps the block, which the caller closes; ZANNI_EROUTE where
       the region cannot. */
    int (*share) (void *region, const zanni_block_t *block, int *fd_p);
    /* Takes a block back. */
    void (*release) (void *region, zanni_block_t *block);
    /* The node ends: the region goes with the last of its blocks. */
    void (*close) (void *region);
} zanni_region_ops_t;

#endif
