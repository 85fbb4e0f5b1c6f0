/* hostile.h: the other end of a ring, which lies. Bytes decide what it does; where they are used up it does nothing. */

#ifndef TESTS_SUPPORT_HOSTILE_H
#define TESTS_SUPPORT_HOSTILE_H

#include "link/ring.h"

typedef struct {
    const uint8_t *data;   // what is left of them
    size_t size;
} hostile_t;

/* The next of the bytes, or 0. */
uint8_t hostile_byte (hostile_t *hostile);
uint32_t hostile_word (hostile_t *hostile);   // two of them

/* Does one thing, or nothing, as the writer of a ring: adds messages and bytes, or says that it did, or did something
   that cannot be, or changes what it had written. */
void hostile_write (hostile_t *hostile, zanni__ring_t *ring);

/* The same as the reader of a ring. */
void hostile_read (hostile_t *hostile, zanni__ring_t *ring);

/* Bytes to decide by, from a seed that goes on. */
void hostile_fill (uint64_t *seed, uint8_t *bytes, size_t size);

#endif
