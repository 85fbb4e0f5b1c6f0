/* Bytes that are summed while they are copied.

   What is large is copied by stores that pass the cache by (where the processor has such), since nobody reads it before it
   would have left the cache anyway, and to load each line that is going to be overwritten costs half of a copy. A page is
   summed first, which brings it into the cache, and copied from there. So both together take as long as a plain copy. */

#include "store.h"

#include "../base/memory.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define S_PAGE ((size_t) 4096)           // bytes that are summed and copied in turn
#define S_LARGE ((size_t) 4 << 20)       // bytes of what will not stay in the cache

typedef void s_copy_fn (void *to, const void *from, size_t size);

static void
s_copy (void *to, const void *from, size_t size)
{
    memcpy (to, from, size);
}

#if defined __SSE2__

#include <emmintrin.h>

/* `to` is aligned to 16. */
static void
s_stream (void *to, const void *from, size_t size)
{
    __m128i *at = to;
    const __m128i *source = from;
    for (; size >= 4 * sizeof *at; size -= 4 * sizeof *at, at += 4, source += 4)
        for (int i = 0; i < 4; i++)
            _mm_stream_si128 (at + i, _mm_loadu_si128 (source + i));
    memcpy (at, source, size);
}

/* What was streamed is seen by others behind this. */
static void
s_settle (void)
{
    _mm_sfence ();
}

#else

#define s_stream s_copy

static void
s_settle (void)
{
}

#endif

uint64_t
zanni__store_sum (const void *data, size_t size)
{
    return XXH3_64bits (size ? data : "", size);
}

/* xxHash wants its state aligned to more than allocators give. */
struct zanni__sum {
    XXH3_state_t state;
    void *memory;
};

zanni__sum_t *
zanni__sum_new (void)
{
    uint8_t *memory = zanni__malloc (sizeof (zanni__sum_t) + _Alignof (zanni__sum_t));
    if (!memory)
        return NULL;
    zanni__sum_t *sum = (zanni__sum_t *) (void *) (memory + _Alignof (zanni__sum_t)
                                                   - (uintptr_t) memory % _Alignof (zanni__sum_t));
    sum->memory = memory;
    (void) XXH3_64bits_reset (&sum->state);
    return sum;
}

void
zanni__sum_add (zanni__sum_t *sum, const void *data, size_t size)
{
    (void) XXH3_64bits_update (&sum->state, data, size);
}

uint64_t
zanni__sum_so_far (const zanni__sum_t *sum)
{
    return XXH3_64bits_digest (&sum->state);
}

void
zanni__sum_free (zanni__sum_t *sum)
{
    if (sum)
        zanni__free (sum->memory);
}

void
zanni_store_copy (zanni_stored_t *stored, void *to, const zanni_buffer_t *from)
{
    const uint8_t *data = zanni_buffer_data (from);
    size_t left = zanni_buffer_size (from);
    s_copy_fn *copy = left >= S_LARGE && (uintptr_t) to % 16 == 0 ? s_stream : s_copy;
    XXH3_state_t sum;
    (void) XXH3_64bits_reset (&sum);
    while (left) {
        size_t size = left < S_PAGE ? left : S_PAGE;
        (void) XXH3_64bits_update (&sum, data, size);
        copy (to, data, size);
        data += size;
        to = (uint8_t *) to + size;
        left -= size;
    }
    s_settle ();
    stored->checksum = XXH3_64bits_digest (&sum);
}
