/* libFuzzer's way into the decoder of header frames. Built by clang with -DZANNI_FUZZ=ON; to run it for a minute, from
   the golden vectors:

       cmake --build BUILD --target fuzz-header
       BUILD/tests/fuzz/fuzz-header -max_total_time=60 -max_len=4096 CORPUS BUILD/tests/fuzz/seeds

   A frame that is taken must be one that a session could go on with: what its records point at lies in the frame, and
   each is written again within its own size. */

#include "wire/record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *data;
    size_t size;
    uint8_t *again;
} s_input_t;

static void
s_expect (bool condition)
{
    if (!condition)
        abort ();
}

static void
s_expect_inside (const s_input_t *input, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    s_expect (!size || (at >= input->data && size <= (size_t) (input->data + input->size - at)));
}

static int
s_each (void *context, const zanni_record_t *record)
{
    const s_input_t *input = context;
    s_expect (*zanni_record_name (record->kind) != '?');
    s_expect (record->refs_count <= ZANNI_WIRE_TABLE_MAX && record->buffers_count <= ZANNI_WIRE_TABLE_MAX);
    s_expect (zanni__record_frames (record) <= ZANNI_WIRE_FRAMES_MAX);
    s_expect_inside (input, record->method.data, record->method.size);
    if (!record->args_chunks)
        s_expect_inside (input, record->args.data, record->args.size);
    for (uint32_t i = 0; i < record->refs_count; i++)
        s_expect_inside (input, record->refs [i].nonce, 16);
    s_expect (zanni__record_write (input->again, input->size, record) != 0);   // our forms are the shortest
    return 0;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    zanni_error_t fault = { .code = 0 };
    s_input_t input = { .data = data, .size = size, .again = malloc (size + 1) };
    int rc = zanni_wire_decode (data, size, s_each, &input, &fault);
    s_expect (rc == 0 || (rc == ZANNI_EARGS && *fault.text));
    free (input.again);
    return 0;
}
