/* text.h: what a string may be on the wire and in arguments. */

#ifndef ZANNI_WIRE_TEXT_H
#define ZANNI_WIRE_TEXT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Whether the bytes are UTF-8 (shortest forms, no surrogates, at most U+10FFFF) without NUL. */
bool zanni__text_valid (const void *data, size_t size);

/* Makes a text that ends with a NUL, and may have been cut, such a string: half a character at its end goes, any other
   byte that is no character becomes a question mark. */
void zanni__text_mend (char *text);

#define ZANNI__TEXT_ONES UINT64_C (0x0101010101010101)
#define ZANNI__TEXT_TOPS UINT64_C (0x8080808080808080)

/* Top bits are set where one of eight bytes is no plain character, which is one from 1 to 127. */
static inline uint64_t
zanni__text_strange (uint64_t word)
{
    return word | (word - ZANNI__TEXT_ONES);
}

/* Copies `size` bytes of plain characters, fewer than 32, by words that may overlap. false: there is another one, and what
   is at `to` means nothing. */
static inline bool
zanni__text_copy_short (uint8_t *to, const uint8_t *from, size_t size)
{
    uint64_t word, strange = 0;
    uint32_t low, high;
    if (size >= 8) {
        for (size_t at = 0; at < size; at += 8) {
            size_t here = at + 8 <= size ? at : size - 8;
            memcpy (&word, from + here, 8);
            memcpy (to + here, &word, 8);
            strange |= zanni__text_strange (word);
        }
        return !(strange & ZANNI__TEXT_TOPS);
    }
    if (size >= 4) {
        memcpy (&low, from, 4);
        memcpy (&high, from + size - 4, 4);
        memcpy (to, &low, 4);
        memcpy (to + size - 4, &high, 4);
        return !(zanni__text_strange ((uint64_t) high << 32 | low) & ZANNI__TEXT_TOPS);
    }
    for (size_t at = 0; at < size; at++) {
        to [at] = from [at];
        strange |= from [at] | (from [at] - 1u);
    }
    return strange < 0x80;
}

/* Copies a text of plain characters, fewer than 32, that ends with a NUL within `most` bytes; at `to` there is room for 32.
   Its size; -1: it is something else, and what is at `to` means nothing. */
static inline int32_t
zanni__text_take_short (uint8_t *to, const uint8_t *from, size_t most)
{
    uint64_t word;
    for (size_t at = 0; at < 32 && at + 8 <= most; at += 8) {
        memcpy (&word, from + at, 8);
        memcpy (to + at, &word, 8);
        word = le64toh (word);
        uint64_t ends = (word - ZANNI__TEXT_ONES) & ~word & ZANNI__TEXT_TOPS;   // the lowest bit is at the first NUL
        uint64_t before = ends ? (ends & -ends) - 1 : UINT64_MAX;
        if (word & before & ZANNI__TEXT_TOPS)
            return -1;
        if (ends)
            return (int32_t) at + (__builtin_ctzll (ends) >> 3);
    }
    return -1;
}

#endif
