/* lane.h: the end of a lane whose other end is hostile. */

#ifndef TESTS_FUZZ_LANE_H
#define TESTS_FUZZ_LANE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t messages;   // that were handed out
    uint64_t faults;     // lanes that were found to lie
} lane_count_t;

/* What these bytes make both ends do, on a fresh lane. Aborts where our end does what it must not; else counts. */
void lane_drive (const uint8_t *data, size_t size, lane_count_t *count);

#endif
