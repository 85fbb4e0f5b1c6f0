/* A hostile end has the same memory as the honest one, and does in it whatever can be done: what is written here is
   never checked against what the ring allows, but for the bounds of the mapping.

   Lies that are merely random are seen through at the first look. So most of what it does is nearly right: a message's
   head whose sizes are mostly legal, a position that is one byte too far, a change of what was read a moment ago. */

#include "hostile.h"

#include <string.h>

#define S_NUMBERS 80   // of a head: of what is legal and some more

uint8_t
hostile_byte (hostile_t *hostile)
{
    if (!hostile->size)
        return 0;
    hostile->size--;
    return *hostile->data++;
}

uint32_t
hostile_word (hostile_t *hostile)
{
    uint32_t low = hostile_byte (hostile);
    return low | (uint32_t) hostile_byte (hostile) << 8;
}

/* Of any size, but mostly a small one. */
static uint32_t
s_size (hostile_t *hostile)
{
    uint32_t size = hostile_byte (hostile);
    return size << hostile_byte (hostile) % 17;
}

/* A position that cannot be, or hardly. */
static uint64_t
s_position (hostile_t *hostile, uint64_t near)
{
    switch (hostile_byte (hostile) % 4) {
    case 0:
        return near + hostile_byte (hostile) - 128;
    case 1:
        return near + ZANNI__RING_SIZE + hostile_byte (hostile) - 128;
    case 2:
        return near - ZANNI__RING_SIZE + hostile_byte (hostile) - 128;
    default:
        return (uint64_t) hostile_byte (hostile) << hostile_byte (hostile) % 64;
    }
}

static void
s_put (zanni__ring_t *ring, const void *bytes, size_t size)
{
    memcpy (ring->data + ring->own % ZANNI__RING_SIZE, bytes, size);
    ring->own += size;
}

static void
s_tell (zanni__ring_t *ring)
{
    atomic_store (&ring->shared->written, ring->own);
}

/* The head of a message, whole: its header is what lay there. */
static void
s_put_head (hostile_t *hostile, zanni__ring_t *ring)
{
    uint32_t numbers [S_NUMBERS];
    uint32_t frames = hostile_byte (hostile);
    frames = frames < 240 ? frames % 4 : frames - 240 + 56;   // 64 are legal
    numbers [0] = hostile_byte (hostile) % 4 ? hostile_byte (hostile) : s_size (hostile);
    numbers [1] = frames;
    for (uint32_t i = 0; i < frames; i++)
        numbers [2 + i] = s_size (hostile);
    s_put (ring, numbers, (2 + frames) * sizeof *numbers);
    ring->own += numbers [0] < ZANNI__RING_SIZE ? numbers [0] : 1;
    s_tell (ring);
}

static void
s_change (hostile_t *hostile, zanni__ring_t *ring, uint64_t before)
{
    uint64_t at = before - 1 - hostile_byte (hostile);
    ring->data [at % ZANNI__RING_SIZE] = hostile_byte (hostile);
}

void
hostile_write (hostile_t *hostile, zanni__ring_t *ring)
{
    uint8_t byte;
    switch (hostile->size ? hostile_byte (hostile) % 16 : 15) {
    case 0:
        for (uint8_t left = hostile_byte (hostile) % 16; left; left--) {
            byte = hostile_byte (hostile);
            s_put (ring, &byte, 1);
        }
        s_tell (ring);
        break;
    case 1:
    case 2:
        s_put_head (hostile, ring);
        break;
    case 3:
        ring->own += s_size (hostile) % (ZANNI__RING_SIZE + 1);
        s_tell (ring);
        break;
    case 4:
        ring->own = atomic_load (&ring->shared->read) + ZANNI__RING_SIZE;   // full
        s_tell (ring);
        break;
    case 5:
        atomic_store (&ring->shared->written, s_position (hostile, ring->own));
        break;
    case 6:
        s_tell (ring);   // as if nothing had been
        break;
    case 7:
        s_change (hostile, ring, ring->own);
        break;
    case 8:
        atomic_store (&ring->shared->reader_waits, hostile_byte (hostile) % 2);
        atomic_store (&ring->shared->writer_waits, hostile_byte (hostile) % 2);
        break;
    default:
        break;
    }
}

void
hostile_read (hostile_t *hostile, zanni__ring_t *ring)
{
    uint64_t written = atomic_load (&ring->shared->written);
    switch (hostile->size ? hostile_byte (hostile) % 12 : 11) {
    case 0:
        ring->own = written;
        atomic_store (&ring->shared->read, ring->own);
        break;
    case 1:
        ring->own += s_size (hostile) % (ZANNI__RING_SIZE + 1);
        if ((int64_t) (written - ring->own) < 0)
            ring->own = written;
        atomic_store (&ring->shared->read, ring->own);
        break;
    case 2:
        atomic_store (&ring->shared->read, s_position (hostile, written));
        break;
    case 3:
        atomic_store (&ring->shared->read, ring->own);   // as if nothing had been
        break;
    case 4:
        s_change (hostile, ring, written);
        break;
    case 5:
        atomic_store (&ring->shared->reader_waits, hostile_byte (hostile) % 2);
        atomic_store (&ring->shared->writer_waits, hostile_byte (hostile) % 2);
        break;
    default:
        break;
    }
}

void
hostile_fill (uint64_t *seed, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *seed = *seed * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
        bytes [i] = (uint8_t) (*seed >> 56);
    }
}
