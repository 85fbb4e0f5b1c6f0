/* memory.h: blobs in this process, as kinds keep them that hand them out themselves: shm to those who map them, peer to
   those who ask.

   A blob's bytes are a buffer: one that was put whole is kept as it is, and not copied; what comes piece by piece grows in
   one of the node's region. The lock guards everything, since those who answer for a store do so on threads of their own.
   Blobs are taken out under it and freed behind it, for a buffer may be the program's, whose free function runs then. */

#ifndef ZANNI_STORE_MEMORY_H
#define ZANNI_STORE_MEMORY_H

#include "../base/table.h"
#include "../message/buffer.h"
#include "store.h"

#include <pthread.h>
#include <stdatomic.h>

/* One blob, or a put. */
typedef struct {
    zanni__entry_t entry;
    zanni_stored_t stored;      // its size is what is there
    zanni_buffer_t *buffer;     // with at least so much; NULL: nothing yet
    uint64_t charged;           // bytes that it counts in the quota
    bool whole;
    uint32_t holds;             // of a counted one, in all
    uint32_t owned;             // of these, by the handle that has put it
    void *dead;                 // the next one that is to be freed
} zanni__blob_t;

typedef struct {
    _Atomic uint32_t users;     // its handle, and who looks into it now; the last (acq_rel) frees it
    const zanni_region_ops_t *ops;
    void *region;
    uint64_t quota_bytes;
    void (*changed) (void *context);   // something that somebody may wait for; without the lock
    void *context;
    pthread_mutex_t lock;       // guards what follows
    zanni__table_t blobs;
    uint64_t used;
} zanni__memory_t;

/* With one use; NULL: out of memory. Who closes it, its handle, gives back that use and all blobs. */
zanni__memory_t *zanni__memory_new (const zanni_node_t *node, const zanni_store_options_t *options);
void zanni__memory_close (zanni__memory_t *memory);
void zanni__memory_use (zanni__memory_t *memory);
void zanni__memory_unuse (zanni__memory_t *memory);

/* What a kind's operations do with blobs that are here; zanni/sys/store.h says what. */
int zanni__memory_put (zanni__memory_t *memory, const zanni_stored_t *stored, const zanni_buffer_t *buffer);
int zanni__memory_begin (zanni__memory_t *memory, void **put_p, const zanni_stored_t *stored, uint64_t expected);
int zanni__memory_append (void *put, const void *data, size_t size);
int zanni__memory_commit (void *put, const zanni_stored_t *stored);
void zanni__memory_abort (void *put);
int zanni__memory_get (zanni__memory_t *memory, zanni_found_t *found, const uint8_t id [16]);
int zanni__memory_read (zanni__memory_t *memory, const uint8_t id [16], uint64_t offset, void *data, size_t *size, bool *more);
int zanni__memory_list (zanni__memory_t *memory, int (*each) (void *, const zanni_stored_t *), void *context);
int zanni__memory_drop (zanni__memory_t *memory, const uint8_t id [16]);

/* For the handle that has put it, whose holds are told from others': ZANNI_EINVAL where it has none. */
int zanni__memory_retain (zanni__memory_t *memory, const uint8_t id [16]);
int zanni__memory_release (zanni__memory_t *memory, const uint8_t id [16]);

/* For others, who know themselves what they hold. */
int zanni__memory_hold (zanni__memory_t *memory, const uint8_t id [16]);
int zanni__memory_unhold (zanni__memory_t *memory, const uint8_t id [16]);

/* Whether there is more of it than `offset` bytes, or never will be; how many bytes there are behind it now. */
bool zanni__memory_has_more (zanni__memory_t *memory, const uint8_t id [16], uint64_t offset);
uint64_t zanni__memory_left (zanni__memory_t *memory, const uint8_t id [16], uint64_t offset);

/* One whose time is not over, or NULL; the caller has the lock. */
zanni__blob_t *zanni__memory_find (const zanni__memory_t *memory, const uint8_t id [16]);

#endif
