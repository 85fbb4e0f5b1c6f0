/* quick.h: the quick way past a signature, for what nearly all messages carry: a few numbers.

   Two small tables say all: what kind of value a msgpack byte begins and how long it is, and which kinds a letter takes
   without a closer look. Anything else, also what may still be right, is for zanni__signature_match to decide. */

#ifndef ZANNI_MESSAGE_QUICK_H
#define ZANNI_MESSAGE_QUICK_H

#include "../base/inline.h"
#include "args.h"

/* By first byte: bits 0 to 3 the value's bytes, head included (0: not of the quick kinds); above them its kind. */
extern const uint8_t zanni__quick_values [256];

#define ZANNI__QUICK_BYTES 0x0fu
#define ZANNI__QUICK_SMALL 0x10u     // an integer of 0 to 127, in one byte
#define ZANNI__QUICK_INT 0x20u       // any other that an int64 holds
#define ZANNI__QUICK_DOUBLE 0x40u
#define ZANNI__QUICK_BOOL 0x80u

/* By letter: the kinds that it takes. */
extern const uint8_t zanni__quick_letters [128];

/* Whether the arguments surely are what a well-formed signature says. */
ZANNI__INLINE bool
zanni__signature_match_quickly (const char *signature, const zanni__args_t *args)
{
    const uint8_t *at = args->bytes;
    const uint8_t *end = at + args->size;
    uint32_t count = 0;
    uint8_t head = *at++;
    for (; *signature; signature++, count++) {
        if (at >= end)
            return false;
        uint8_t value = zanni__quick_values [*at];
        if (!(value & zanni__quick_letters [*signature & 127]))
            return false;
        at += value & ZANNI__QUICK_BYTES;
    }
    return at == end && head == (0x90 | count) && count < 16;
}

#endif
