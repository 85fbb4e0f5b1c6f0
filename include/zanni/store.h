/* store.h: where large intermediate results live while messages carry a reference to them.

   A store holds blobs: bytes that somebody puts once, whole or piece by piece, and that do not change. Whoever has a
   blob's reference, a plain value of 40 bytes, and can open the same store gets the bytes. Which kind of store that is
   stands in the one word that opens it:

       "shm:"            memory of this process that others on the host map to read; the default, needs nothing
       "peer:"           memory of this node, which serves it to other nodes over its sessions; they wait for it by calls,
                         so actors that may not (ZANNI_EOWNER) use zanni_store_fetch
       "lmdb:/a/folder"  an LMDB database, where the program links with zanni::lmdb and called zanni_lmdb_register
       "redis:/a/socket" a Redis server, or "redis:HOST:PORT", likewise with zanni::redis and zanni_redis_register; with
                         "PASSWORD@" or "USER:PASSWORD@" behind the colon where it asks for one
       "file:/a/folder"  one file a blob, on whatever file system; who cuts a file short that is mapped ends its readers

   A store handle belongs to the actor that opened it and is used on its thread. Functions that wait say so; what they
   wait for is the disk, a server or another node, or as long as a put goes on that is followed, at most until the deadline.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_STORE_H
#define ZANNI_STORE_H

#include "arg.h"
#include "buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zanni_store zanni_store_t;
typedef struct zanni_put zanni_put_t;     // a put that goes on

/* The reference of a blob, `K` in a signature: zanni_tell (self, ref, "look", &blob), and zanni_read (msg, &blob) into
   memory of the reader's. Compare, copy and keep it as you like; it owns nothing. */
struct zanni_blob {
    uint64_t store;        // who has it
    uint8_t id [16];
    uint64_t size;         // in bytes; UINT64_MAX: the put went on when this was made
    uint64_t checksum;     // XXH3 (64 bits, seed 0) of the bytes; 0 as long as the put goes on
};

#define ZANNI_BLOB_TEXT 84   // bytes of the text form, its NUL included

typedef struct {
    size_t size;           // sizeof (zanni_store_options_t), or 0
    uint64_t quota_bytes;  // that all blobs of the store may have together, as far as this handle puts them; 0: any
    uint32_t ttl_ms;       // after which a blob that this handle puts is gone; 0: never
    uint32_t deadline_ms;  // of everything that waits; default 5000
    bool counted;          // a blob that this handle puts lives as long as somebody retains it; the putter does at first.
                           // Who that is ends with his process; "peer:": his actor; "redis:": his connection
    bool durable;          // a put is on the disk when it is committed
    bool verify;           // the checksum is compared also where the bytes are mapped and not copied
    zanni_error_t *error;  // filled when zanni_store_open fails
} zanni_store_options_t;

/* Opens a store. Waits for the disk. ZANNI_EINVAL: no such kind, or the place makes no sense; ZANNI_ESYSTEM: it cannot be
   used, as the error says; ZANNI_ENOMEM, ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_store_open (zanni_t *self, zanni_store_t **store_p, const char *place,
                                   const zanni_store_options_t *options) ZANNI_CHECKED;

/* Ends its puts that go on, gives back what it retains, and nulls it; forgives NULL. Buffers that came out of it live
   on. What a "shm:" or "peer:" store put goes with it. */
ZANNI_EXPORT void zanni_store_close (zanni_store_t **store_p);

/* Puts a buffer, which is sealed. In shared memory it is copied nowhere if it is from zanni_buffer_new and large enough
   to be shared. ZANNI_ENOSPACE: the quota or the disk is full, and nothing of it is there; ZANNI_ENOMEM, ZANNI_ESYSTEM. */
ZANNI_EXPORT int zanni_store_put (zanni_store_t *store, zanni_blob_t *blob, const zanni_buffer_t *buffer) ZANNI_CHECKED;

/* The bytes of a blob, with one count, which is the caller's; mapped, not copied, where the store can. ZANNI_EGONE: there
   is no such blob, or not any more; ZANNI_ECORRUPT: its bytes are not those that were put; ZANNI_EAGAIN: its put goes on;
   ZANNI_EOWNER: "peer:", in an actor that may not wait; ZANNI_ETIMEOUT, ZANNI_ENOMEM, ZANNI_ESYSTEM. */
ZANNI_EXPORT int zanni_store_get (zanni_store_t *store, zanni_buffer_t **buffer_p,
                                  const zanni_blob_t *blob) ZANNI_CHECKED;

/* The same for actors that may not wait for another node, as a "peer:" store does. `then` gets what zanni_store_get would
   have answered, and the buffer, borrowed (NULL where it failed): once, before this returns where the bytes are at hand, else
   in a turn of the actor, at the latest when the store is closed (ZANNI_ECLOSED). Where this does not answer 0 it is not
   called. */
typedef void zanni_fetched_fn (zanni_t *self, int rc, const zanni_buffer_t *buffer, void *arg);
ZANNI_EXPORT int zanni_store_fetch (zanni_store_t *store, const zanni_blob_t *blob, zanni_fetched_fn *then,
                                    void *arg) ZANNI_CHECKED;

/* A put piece by piece, of what need not fit in memory. `expected`: how many bytes there will be, as far as is known (0:
   not at all), for which room is made at once. */
ZANNI_EXPORT int zanni_put_begin (zanni_store_t *store, zanni_put_t **put_p, uint64_t expected) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_put_append (zanni_put_t *put, const void *data, size_t size) ZANNI_CHECKED;

/* Ends it: the blob is there, whole, or on failure not at all. Nulls the handle in any case. */
ZANNI_EXPORT int zanni_put_commit (zanni_put_t **put_p, zanni_blob_t *blob) ZANNI_CHECKED;
ZANNI_EXPORT void zanni_put_abort (zanni_put_t **put_p);

/* A reference to follow the put by. */
ZANNI_EXPORT zanni_blob_t zanni_put_blob (const zanni_put_t *put);

/* Copies at most `size` bytes from `offset` on into `data`; *got: how many, 0 at the end. Of a put that goes on it gives
   what is there, and waits for more if there is nothing, until the deadline. ZANNI_EGONE: it was aborted, or its process has
   ended; else as zanni_store_get. */
ZANNI_EXPORT int zanni_store_read (zanni_store_t *store, const zanni_blob_t *blob, uint64_t offset, void *data,
                                   size_t *size) ZANNI_CHECKED;

/* Tells each blob that is whole; not 0: no more is wanted, and that is the answer. */
typedef int zanni_blob_fn (void *context, const zanni_blob_t *blob);
ZANNI_EXPORT int zanni_store_list (zanni_store_t *store, zanni_blob_fn *each, void *context) ZANNI_CHECKED;

/* Deletes it, whoever retains it; who has its bytes keeps them. ZANNI_EGONE. */
ZANNI_EXPORT int zanni_store_delete (zanni_store_t *store, const zanni_blob_t *blob) ZANNI_CHECKED;

/* One more hold of a counted blob by this store handle, or one less; with the last one it goes. A process that ends holds
   nothing. ZANNI_EGONE; ZANNI_EINVAL: it holds none. */
ZANNI_EXPORT int zanni_store_retain (zanni_store_t *store, const zanni_blob_t *blob) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_store_release (zanni_store_t *store, const zanni_blob_t *blob) ZANNI_CHECKED;

/* Claim check for one actor: buffers of at least so many bytes that it sends to other nodes, from now on, go as blobs; 0: as
   the node's options say; UINT64_MAX: none does. ZANNI_EINVAL: the node's options name no store (claim_store);
   ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_set_claims (zanni_t *self, uint64_t least) ZANNI_CHECKED;

/* The text form, "store-id-size-checksum" in hex, and back; false: it is none. */
ZANNI_EXPORT void zanni_blob_print (const zanni_blob_t *blob, char text [ZANNI_BLOB_TEXT]);
ZANNI_EXPORT bool zanni_blob_parse (zanni_blob_t *blob, const char *text);

static inline void
zanni_store_t_auto (zanni_store_t **store_p)
{
    zanni_store_close (store_p);
}

static inline void
zanni_put_t_auto (zanni_put_t **put_p)
{
    zanni_put_abort (put_p);
}

#ifdef __cplusplus
}
#endif
#endif
