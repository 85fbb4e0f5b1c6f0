/* A ring of bytes in shared memory, for one writer and one reader.

   Positions only grow, as 64-bit counts of bytes, each written by one end and read by the other; the difference of the two
   is what lies in the ring. An end keeps its own position to itself until it has something to show, and looks at the
   other's only where what it knows of it does not do, so that a line of memory changes hands once for many messages.

   Who finds nothing to do says so in a flag and looks again, and the other end looks at the flag behind having moved:
   with a full barrier between the two steps at both ends, one of them sees the other. Whoever takes the flag back is the
   one to wake; how is not the ring's matter.

   The data is mapped twice in a row: any piece up to the size of the ring is one piece of memory, wherever it begins. */

#include "ring.h"

#include "../base/assert.h"

#include <string.h>
#include <sys/mman.h>
#include <zanni/error.h>

#define S_WORTH (ZANNI__RING_SIZE / 4)   // room for which a writer that waits is woken

/* Puts the two views of the data behind the shared page. */
static int
s_place (uint8_t *at, int fd, uint64_t offset)
{
    const int both = PROT_READ | PROT_WRITE;
    const uint64_t data = offset + ZANNI__RING_PAGE;
    void *shared = mmap (at, ZANNI__RING_PAGE, both, MAP_SHARED | MAP_FIXED, fd, (off_t) offset);
    at += ZANNI__RING_PAGE;
    void *first = mmap (at, ZANNI__RING_SIZE, both, MAP_SHARED | MAP_FIXED, fd, (off_t) data);
    at += ZANNI__RING_SIZE;
    void *second = mmap (at, ZANNI__RING_SIZE, both, MAP_SHARED | MAP_FIXED, fd, (off_t) data);
    return shared == MAP_FAILED || first == MAP_FAILED || second == MAP_FAILED ? ZANNI_ENOMEM : 0;
}

int
zanni__ring_map (zanni__ring_t *ring, int fd, uint64_t offset)
{
    const size_t size = ZANNI__RING_PAGE + 2 * (size_t) ZANNI__RING_SIZE;
    uint8_t *at = mmap (NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return ZANNI_ENOMEM;
    if (s_place (at, fd, offset)) {
        (void) munmap (at, size);
        return ZANNI_ENOMEM;
    }
    *ring = (zanni__ring_t) { .shared = (zanni__ring_shared_t *) (void *) at, .data = at + ZANNI__RING_PAGE };
    return 0;
}

void
zanni__ring_unmap (zanni__ring_t *ring)
{
    if (ring->shared)
        (void) munmap (ring->shared, ZANNI__RING_PAGE + 2 * (size_t) ZANNI__RING_SIZE);
    ring->shared = NULL;
}

void
zanni__ring_put (zanni__ring_t *ring, const void *bytes, size_t size)
{
    zanni__assert (size <= ZANNI__RING_SIZE);
    memcpy (ring->data + ring->own % ZANNI__RING_SIZE, bytes, size);
    ring->own += size;
}

/* Whether the flag was up; it is down now. */
static bool
s_lower (_Atomic uint32_t *flag)
{
    return atomic_load_explicit (flag, memory_order_relaxed) && atomic_exchange (flag, 0);
}

bool
zanni__ring_wrote (zanni__ring_t *ring)
{
    /* release: pairs with zanni__ring_ready. */
    atomic_store_explicit (&ring->shared->written, ring->own, memory_order_release);
    atomic_thread_fence (memory_order_seq_cst);   // pairs with that of zanni__ring_sleep
    return s_lower (&ring->shared->reader_waits);
}

bool
zanni__ring_wait_for_room (zanni__ring_t *ring, uint64_t wanted)
{
    atomic_store_explicit (&ring->shared->writer_waits, 1, memory_order_relaxed);
    atomic_thread_fence (memory_order_seq_cst);   // pairs with that of zanni__ring_took
    if (zanni__ring_room (ring, wanted) < wanted)
        return true;
    (void) s_lower (&ring->shared->writer_waits);
    return false;
}

void
zanni__ring_take (zanni__ring_t *ring, void *to, size_t size)
{
    zanni__assert (size <= ring->other - ring->own && ring->other - ring->own <= ZANNI__RING_SIZE);
    memcpy (to, ring->data + ring->own % ZANNI__RING_SIZE, size);
    ring->own += size;
}

bool
zanni__ring_took (zanni__ring_t *ring)
{
    /* release: pairs with zanni__ring_room. */
    atomic_store_explicit (&ring->shared->read, ring->own, memory_order_release);
    atomic_thread_fence (memory_order_seq_cst);   // pairs with that of zanni__ring_wait_for_room
    uint64_t left = atomic_load_explicit (&ring->shared->written, memory_order_relaxed) - ring->own;
    return left <= ZANNI__RING_SIZE - S_WORTH && s_lower (&ring->shared->writer_waits);
}

bool
zanni__ring_sleep (zanni__ring_t *ring)
{
    atomic_store_explicit (&ring->shared->reader_waits, 1, memory_order_relaxed);
    atomic_thread_fence (memory_order_seq_cst);   // pairs with that of zanni__ring_wrote
    return !zanni__ring_ready (ring);
}
