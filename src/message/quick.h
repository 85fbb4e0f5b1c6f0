/* quick.h: the quick way past a signature, for what nearly all messages carry: a few numbers.

   To know whether a number fits a letter it is rarely necessary to know the number: its first byte says how wide
   it is. So two small tables say nearly all: what kind of value a msgpack byte begins and how long it is, and
   which kinds a letter takes whatever the value. Anything else, also what may still be right, is for
   zanni__signature_match_closely to decide. */

#ifndef ZANNI_MESSAGE_QUICK_H
#define ZANNI_MESSAGE_QUICK_H

#include "../base/inline.h"
#include "args.h"

/* By first byte: bits 0 to 3 the value's bytes, head included (0: not of the quick kinds); above them its kind. */
extern const uint16_t zanni__quick_values [256];

#define ZANNI__QUICK_BYTES 0x0fu
#define ZANNI__QUICK_BIT 0x10u        // the integers 0 and 1, in one byte
#define ZANNI__QUICK_SMALL 0x20u      // 2 to 127, in one byte
#define ZANNI__QUICK_U8 0x40u
#define ZANNI__QUICK_U16 0x80u
#define ZANNI__QUICK_U32 0x100u
#define ZANNI__QUICK_U64 0x200u
#define ZANNI__QUICK_I32 0x400u       // signed, up to 32 bits
#define ZANNI__QUICK_I64 0x800u
#define ZANNI__QUICK_BOOL 0x1000u
#define ZANNI__QUICK_FLOAT 0x2000u

/* By letter: the kinds that it takes. */
extern const uint16_t zanni__quick_letters [128];

/* Of the integers of 64 bits without a sign, int64 takes the lower half: times in nanoseconds look like that. */
ZANNI__INLINE bool
zanni__quick_half (const uint8_t *at, const uint8_t *end, char letter)
{
    return *at == 0xcf && letter == 'x' && end - at > 1 && at [1] < 0x80;
}

/* Where the value at `at` ends, which may be behind `end`; NULL: it is not surely what the letter says. */
ZANNI__INLINE const uint8_t *
zanni__quick_pass (const uint8_t *at, const uint8_t *end, char letter)
{
    if (at >= end)
        return NULL;
    uint32_t value = zanni__quick_values [*at];
    if (!(value & zanni__quick_letters [letter & 127]) && !zanni__quick_half (at, end, letter))
        return NULL;
    return at + (value & ZANNI__QUICK_BYTES);
}

/* The same for `ay`: bytes of up to 64 KiB. */
ZANNI__INLINE const uint8_t *
zanni__quick_bytes (const uint8_t *at, const uint8_t *end, uint32_t *size)
{
    if (end - at < 3)
        return NULL;
    if (*at == 0xc4)
        *size = at [1];
    else if (*at == 0xc5)
        *size = (uint32_t) at [1] << 8 | at [2];
    else
        return NULL;
    at += *at == 0xc4 ? 2 : 3;
    return (size_t) (end - at) >= *size ? at + *size : NULL;
}

/* Whether the arguments surely are what a well-formed signature says. One number is so common that it has no loop.
   */
ZANNI__INLINE bool
zanni__signature_match_quickly (const char *signature, const zanni__args_t *args)
{
    const uint8_t *at = args->bytes;
    const uint8_t *end = at + args->size;
    uint32_t count = 0;
    if (at == end)
        return false;
    uint8_t head = *at++;
    if (head == 0x91 && *signature && !signature [1])
        return zanni__quick_pass (at, end, *signature) == end;
    for (; *signature; signature++, count++) {
        uint32_t size;
        bool bytes = *signature == 'a' && signature [1] == 'y';
        at = bytes ? zanni__quick_bytes (at, end, &size) : zanni__quick_pass (at, end, *signature);
        if (!at)
            return false;
        signature += bytes;
    }
    return at == end && head == (0x90 | count) && count < 16;
}

#endif
