/* ring.h: bytes that flow from one process to another through memory that both have mapped.

   One writes, one reads; each end is one thread's. What the other end leaves in the memory may be a lie: a position that
   cannot be is told, and no byte outside of the ring is touched. */

#ifndef ZANNI_LINK_RING_H
#define ZANNI_LINK_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZANNI__RING_SIZE (256u << 10)    // bytes that it holds; a power of two, of whole pages
#define ZANNI__RING_PAGE 4096u
#define ZANNI__RING_MAPPED (ZANNI__RING_PAGE + ZANNI__RING_SIZE)   // of the memory that is shared

/* What both see, on lines of their own. */
typedef struct {
    _Alignas (128) _Atomic uint64_t written;      // by the writer: bytes so far
    _Atomic uint32_t reader_waits;                // by the reader, which sleeps; taken back by whoever wakes it
    _Alignas (128) _Atomic uint64_t read;         // by the reader: bytes so far
    _Atomic uint32_t writer_waits;                // by the writer: there was not enough room
} zanni__ring_shared_t;

/* One end. */
typedef struct {
    zanni__ring_shared_t *shared;   // NULL: it is not mapped
    uint8_t *data;                  // mapped twice in a row, so that nothing ever wraps
    uint64_t own;                   // our position, of which the other end may not have been told yet
    uint64_t other;                 // where the other end was when we last looked
} zanni__ring_t;

/* Maps one end of the ring that lies at `offset` (of whole pages) in the memory of `fd`. ZANNI_ENOMEM. */
int zanni__ring_map (zanni__ring_t *ring, int fd, uint64_t offset);
void zanni__ring_unmap (zanni__ring_t *ring);   // forgives one that is not mapped

/* The writer. */

/* How many bytes there is room for; more than the ring holds where its reader lies. */
static inline uint64_t
zanni__ring_room (zanni__ring_t *ring, uint64_t wanted)
{
    uint64_t room = ZANNI__RING_SIZE - (ring->own - ring->other);
    if (room >= wanted)
        return room;
    /* acquire: pairs with zanni__ring_took; the bytes there are not read any more. */
    ring->other = atomic_load_explicit (&ring->shared->read, memory_order_acquire);
    return ZANNI__RING_SIZE - (ring->own - ring->other);
}

/* Adds bytes for which there is room; the reader sees them with the next zanni__ring_wrote. */
void zanni__ring_put (zanni__ring_t *ring, const void *bytes, size_t size);

/* Shows what was put; whether the reader sleeps and has to be woken, which is said once. */
bool zanni__ring_wrote (zanni__ring_t *ring);

/* Asks to be woken when there is room again; false: there is room for so much by now. */
bool zanni__ring_wait_for_room (zanni__ring_t *ring, uint64_t wanted);

/* The reader. */

/* How many bytes are there to read; more than the ring holds where its writer lies. */
static inline uint64_t
zanni__ring_ready (zanni__ring_t *ring)
{
    /* acquire: pairs with zanni__ring_wrote; the bytes are there. */
    ring->other = atomic_load_explicit (&ring->shared->written, memory_order_acquire);
    return ring->other - ring->own;
}

/* Copies bytes that are there. */
void zanni__ring_take (zanni__ring_t *ring, void *to, size_t size);

/* Gives back the room of what was taken; whether the writer waits for it and has to be woken, which is said once. */
bool zanni__ring_took (zanni__ring_t *ring);

/* Before the reader sleeps: asks to be woken. false: there is something to read. */
bool zanni__ring_sleep (zanni__ring_t *ring);

#endif
