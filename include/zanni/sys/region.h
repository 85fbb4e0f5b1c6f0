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

/* Memory that another process of this host can map to read. */
typedef struct {
    uint64_t serial;   // names it among all that this process ever shares
    int fd;            // a memfd of a fixed size, all allocated, which nobody else can map to write; borrowed
    size_t size;       // of the whole
    size_t offset;     // of what is meant in it
} zanni_segment_t;

/* Every hook may be called from any thread. */
typedef struct zanni_region_ops {
    size_t size;   // sizeof (zanni_region_ops_t), or 0
    /* Makes the region of one node. Blocks from `share_least` bytes on are to be shareable, as long as all those together
       have at most `share_most`. ZANNI_ENOMEM. */
    int (*open) (void **region_p, uint64_t share_least, uint64_t share_most);
    /* A block of at least `size` bytes (at least 1), not zeroed. ZANNI_ENOMEM. */
    int (*allocate) (void *region, size_t size, zanni_block_t *block);
    /* How another process maps the block, which is out; ZANNI_EROUTE: it is not shareable. */
    int (*share) (void *region, const zanni_block_t *block, zanni_segment_t *segment);
    /* Somebody may read the block for ever: its memory is not used again when it is released. */
    void (*abandon) (void *region, const zanni_block_t *block);
    /* Whether a segment that was shared is still there; `gone` counts those that are not. */
    bool (*has) (void *region, uint64_t serial);
    uint64_t (*gone) (void *region);
    /* Takes a block back. */
    void (*release) (void *region, zanni_block_t *block);
    /* The node ends: the region goes with the last of its blocks. */
    void (*close) (void *region);
} zanni_region_ops_t;

#endif
