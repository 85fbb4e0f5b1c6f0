/* burn.h: work for a processor, of about 1 ms, that no compiler shortens: each step needs the one before. */

#ifndef ZANNI_BENCH_BURN_H
#define ZANNI_BENCH_BURN_H

#include <stdint.h>

#define BURN_STEPS 600000

static inline uint64_t
burn (uint64_t number)
{
    for (int i = 0; i < BURN_STEPS; i++) {
        number ^= number >> 31;
        number = number * UINT64_C (0x9e3779b97f4a7c15) + 1;
    }
    return number;
}

#endif
