/* store.h: the seam behind which the kinds of stores are.

   A kind is an operations table, known by the word in front of the colon; zanni_store_register adds one, for the whole
   process and for good. What holds for all kinds is done in front of it: checksums, the ids, buffers. A store is used by
   one thread at a time. Weaker stability promise than the rest of the API.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SYS_STORE_H
#define ZANNI_SYS_STORE_H

#include "../store.h"

/* What is known of a blob beside its bytes. */
typedef struct {
    uint8_t id [16];
    uint64_t size;
    uint64_t checksum;
    int64_t expires_ms;     // since 1970; 0: never
    bool counted;
} zanni_stored_t;

/* A blob's bytes that were found. */
typedef struct {
    zanni_stored_t stored;
    zanni_buffer_t *buffer;         // with a count, which is given away; or NULL, and:
    const void *data;
    void (*release) (void *data, void *hint);   // when its last user is done, on whatever thread
    void *hint;
    bool mapped;                    // and not copied, so that nobody has looked at them
} zanni_found_t;

/* Gets what a fetch found: as `get` answers, which is taken over where that is 0. */
typedef void zanni_store_found_fn (void *context, int rc, zanni_found_t *found);

typedef struct zanni_store_ops {
    size_t size;            // sizeof (zanni_store_ops_t)
    const char *kind;
    /* Opens the store at `place`, what stands behind the colon, and says by which number it is known everywhere. */
    int (*open) (zanni_t *self, void **store_p, uint64_t *number, const char *place, const zanni_store_options_t *options);
    void (*close) (void *store);
    /* A put under this id: begin, append any number of times, then commit or abort. What fails leaves nothing behind. */
    int (*begin) (void *store, void **put_p, const zanni_stored_t *stored, uint64_t expected);
    int (*append) (void *put, const void *data, size_t size);
    int (*commit) (void *put, const zanni_stored_t *stored);
    void (*abort) (void *put);
    /* A whole buffer at once; may be NULL. ZANNI_EROUTE: not of this buffer. Where `sums` the kind copies the bytes by
       zanni_store_copy, which fills in the checksum; else that is known before. */
    int (*put) (void *store, zanni_stored_t *stored, const zanni_buffer_t *buffer);
    bool sums;
    /* ZANNI_EGONE, ZANNI_EAGAIN: its put goes on. `number`: of the store that has it. */
    int (*get) (void *store, zanni_found_t *found, const zanni_blob_t *blob);
    /* The same without waiting: tells once, now or in a turn of the actor, at the latest when the store is closed. May be
       NULL where get never waits for another node. */
    void (*fetch) (void *store, const zanni_blob_t *blob, zanni_store_found_fn *found, void *context);
    /* Copies what is there; *more: the put goes on, and *size may be 0. */
    int (*read) (void *store, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size, bool *more);
    /* Waits until there may be more than `offset` bytes of it, so long at most. */
    void (*wait) (void *store, const zanni_blob_t *blob, uint64_t offset, uint32_t timeout_ms);
    int (*list) (void *store, int (*each) (void *context, const zanni_stored_t *stored), void *context);
    int (*drop) (void *store, const zanni_blob_t *blob);
    int (*retain) (void *store, const zanni_blob_t *blob);
    int (*release) (void *store, const zanni_blob_t *blob);
} zanni_store_ops_t;

#ifdef __cplusplus
extern "C" {
#endif

/* Adds a kind. The table stays where it is. ZANNI_EINVAL: it lacks an operation; ZANNI_ECLASS: another one has its name. */
ZANNI_EXPORT int zanni_store_register (const zanni_store_ops_t *ops) ZANNI_CHECKED;

/* Copies the bytes of a whole blob and sums them on the way, which takes hardly longer than the copy alone. Any thread. */
ZANNI_EXPORT void zanni_store_copy (zanni_stored_t *stored, void *to, const zanni_buffer_t *from);

#ifdef __cplusplus
}
#endif
#endif
