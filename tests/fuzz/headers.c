/* A million header frames from a seeded generator, of 0 to 64 bytes, and as many golden vectors with bytes that are
   changed, cut out, doubled or joined: each ends with 0 or with a fault in words, and the decoder reads no byte that is
   not the frame's (the address sanitizer sees it).

   Bytes that are merely random hardly ever get past the BATCH. So most of the random frames begin with one, and bytes
   that mean something to the decoder are more frequent than others. ZANNI_LONG multiplies the counts by 20. */

#include "../unit/wire/golden.h"

#include <stdio.h>
#include <zanni/sys/wire.h>

#define S_ROUNDS 1000000
#define S_LARGEST 64
#define S_VECTORS 512
#define S_SEED UINT64_C (0x9e3779b97f4a7c15)

typedef struct {
    uint8_t *bytes;
    size_t size;
} s_frame_t;

static uint64_t s_state = S_SEED;
static s_frame_t s_frames [S_VECTORS];
static size_t s_count;
static size_t s_taken;
static size_t s_refused;

static uint32_t
s_random (uint32_t below)
{
    s_state ^= s_state << 13;
    s_state ^= s_state >> 7;
    s_state ^= s_state << 17;
    return (uint32_t) ((s_state >> 32) * below >> 32);
}

static int
s_each (void *context, const zanni_record_t *record)
{
    (void) context;
    return *zanni_record_name (record->kind) == '?';
}

/* The frame lies at the end of its block. */
static void
s_decode (const uint8_t *bytes, size_t size)
{
    zanni_error_t fault;
    *fault.text = 0;
    int rc = zanni_wire_decode (bytes, size, s_each, NULL, &fault);
    s_taken += !rc;
    s_refused += rc == ZANNI_EARGS && !strncmp (fault.text, "byte ", 5);
}

static uint8_t
s_byte (void)
{
    static const uint8_t telling [] = {
        0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0xc0, 0xc2, 0xc3, 0xc4, 0xc5, 0xcc, 0xcd, 0xcf,
        0xd3, 0xa0, 0xa3, 0xd9, 0xdc, 0xdd, 0xc7, 0xd4, 0x81, 10, 11, 12, 13, 16
    };
    return s_random (3) ? telling [s_random (sizeof telling)] : (uint8_t) s_random (256);
}

static void
s_random_frame (uint8_t *block)
{
    static const uint8_t batch [] = { 0x95, 0, 1, 0, 0, 0 };
    size_t size = s_random (S_LARGEST + 1);
    uint8_t *bytes = block + S_LARGEST - size;
    for (size_t i = 0; i < size; i++)
        bytes [i] = s_byte ();
    if (size >= sizeof batch && s_random (4))
        memcpy (bytes, batch, sizeof batch);
    s_decode (bytes, size);
}

/* One change of a frame with room for as many bytes again. */
static void
s_mutate (uint8_t *bytes, size_t *size)
{
    size_t at = *size ? s_random ((uint32_t) *size) : 0;
    size_t count = 1 + s_random (8);
    if (count > *size - at)
        count = *size - at;
    switch (s_random (4)) {
    case 0:
        for (size_t i = 0; i < count; i++)
            bytes [at + i] = s_byte ();
        break;
    case 1:
        memmove (bytes + at, bytes + at + count, *size - at - count);
        *size -= count;
        break;
    case 2:
        memmove (bytes + at + count, bytes + at, *size - at);
        *size += count;
        break;
    default:
        if (count)
            bytes [at] ^= (uint8_t) (1u << s_random (8));
    }
}

static void
s_mutated_frame (void)
{
    const s_frame_t *from = &s_frames [s_random ((uint32_t) s_count)];
    const s_frame_t *more = &s_frames [s_random ((uint32_t) s_count)];
    size_t size = from->size;
    uint8_t bytes [8192];
    memcpy (bytes, from->bytes, size);
    if (!s_random (4) && size + more->size + 64 <= sizeof bytes) {
        memcpy (bytes + size, more->bytes, more->size);
        size += more->size;
    }
    for (uint32_t changes = 1 + s_random (3); changes; changes--)
        s_mutate (bytes, &size);
    uint8_t *exact = malloc (size ? size : 1);
    memcpy (exact, bytes, size);
    s_decode (exact, size);
    free (exact);
}

/* All vectors that leave room for changes. */
static bool
s_load (void)
{
    for (size_t i = 0; i < sizeof golden_files / sizeof *golden_files; i++) {
        size_t at, size;
        json_t *file;
        const json_t *vector;
        const json_t *vectors = golden_load (golden_files [i], &file);
        json_array_foreach (vectors, at, vector) {
            uint8_t *bytes = golden_bytes (vector, &size);
            if (size > 4096 + 200 || s_count == S_VECTORS)
                free (bytes);
            else
                s_frames [s_count++] = (s_frame_t) { bytes, size };
        }
        if (!json_array_size (vectors))
            return false;
        json_decref (file);
    }
    return true;
}

int
main (void)
{
    size_t rounds = getenv ("ZANNI_LONG") ? 20u * S_ROUNDS : S_ROUNDS;
    uint8_t *block = malloc (S_LARGEST);
    if (!block || !s_load ()) {
        fprintf (stderr, "the golden vectors cannot be read\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < rounds; i++)
        s_random_frame (block);
    printf ("%zu random headers: %zu taken, %zu refused\n", rounds, s_taken, s_refused);
    for (size_t i = 0; i < rounds; i++)
        s_mutated_frame ();
    printf ("with %zu mutated vectors: %zu taken, %zu refused\n", rounds, s_taken, s_refused);
    for (size_t i = 0; i < s_count; i++)
        free (s_frames [i].bytes);
    free (block);
    return s_taken + s_refused == 2 * rounds && s_taken > rounds / 100 ? EXIT_SUCCESS : EXIT_FAILURE;
}
