/* libFuzzer's way into a lane whose other end is hostile (lane.c). Built by clang with -DZANNI_FUZZ=ON; to run it for a
   minute, from what honest ends do:

       cmake --build BUILD --target fuzz-lane
       BUILD/tests/fuzz/fuzz-lane -max_total_time=60 -max_len=1024 CORPUS BUILD/tests/fuzz/lane-seeds */

#include "lane.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    lane_count_t count = { .messages = 0 };
    lane_drive (data, size, &count);
    return 0;
}
