/* parcel.h: a parcel: one numbered message of a session, kept until its number is acknowledged.

   Its records lie in one block, with room in front of them for the BATCH that each sending writes anew. A block goes into
   a ZeroMQ message as it is; whoever lets go of it last, mostly one of libzmq's threads, gives it back to its pool. */

#ifndef ZANNI_LINK_PARCEL_H
#define ZANNI_LINK_PARCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <zanni/buffer.h>
#include <zanni/sys/wire.h>

#define ZANNI__PARCEL_FRONT 48   // bytes in front of the records; a BATCH has 38 at most
#define ZANNI__PARCEL_CLASSES 3

typedef struct zanni__parcel zanni__parcel_t;
typedef struct zanni__pool zanni__pool_t;

/* What travels as a frame of its own: a part of a buffer, of which one count is kept. */
typedef struct {
    zanni_buffer_t *buffer;
    const void *data;
    size_t size;
} zanni__frame_t;

/* A blob that a record names, kept until that has arrived. */
typedef struct zanni__claim {
    struct zanni__claim *next;
    zanni_buffer_t *blob;
} zanni__claim_t;

struct zanni__parcel {
    zanni__parcel_t *next;       // in its session's queue, or among free ones
    zanni__pool_t *pool;
    _Atomic uint32_t users;      // the session, and messages of libzmq's; the last one (acq_rel) gives it back
    uint32_t room;               // bytes of data
    uint32_t end;                // records lie in data from ZANNI__PARCEL_FRONT to here
    uint32_t records;
    uint32_t frames_count;
    uint32_t frames_room;
    zanni__frame_t *frames;      // stays with the block when it is used again
    zanni__claim_t *claims;
    uint64_t frames_bytes;
    uint64_t sequence;
    uint64_t charge;             // what its records count in the receiver's window
    uint64_t weight;             // bytes of those that do not count there
    int64_t begun_ns;
    uint8_t size_class;
    bool chunk;                  // has a CHUNK, which counts against their pace
    bool posting;                // a lane is amid its frames, which it has to write to the end
    bool over;                   // nobody else needs them
    _Alignas (16) uint8_t data [];
};

/* The pool of one link; goes with the last of its parcels after `end`. NULL: out of memory. */
zanni__pool_t *zanni__pool_new (void);
void zanni__pool_end (zanni__pool_t *pool);

/* An empty parcel with room for `size` bytes of data (at most ZANNI_WIRE_HEADER_MAX), with one user. On the link's
   thread. NULL: out of memory. */
zanni__parcel_t *zanni__parcel_new (zanni__pool_t *pool, uint32_t size);

/* A parcel of the smallest block that `parcel` fits in, maybe itself; takes over what it has, its one user included. */
zanni__parcel_t *zanni__parcel_shrink (zanni__parcel_t *parcel);

/* Room for `count` more frames. ZANNI_ENOMEM. */
int zanni__parcel_reserve (zanni__parcel_t *parcel, uint32_t count);

/* Lets go of its frames and claims; a lane that is amid them does so when it is done. On the link's thread. */
void zanni__parcel_empty (zanni__parcel_t *parcel);
void zanni__claims_free (zanni__claim_t *claims);

static inline void
zanni__parcel_use (zanni__parcel_t *parcel)
{
    /* Relaxed: the caller's own use keeps it meanwhile. */
    atomic_fetch_add_explicit (&parcel->users, 1, memory_order_relaxed);
}

/* Any thread. */
void zanni__parcel_drop (zanni__parcel_t *parcel);

#endif
