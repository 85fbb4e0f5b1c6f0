/* The default region: blocks by size class, and a cache of those that came back, since the first touch of fresh
   memory costs up to 64 times that of memory which was used before.

   There are four classes for every power of two, so that a block is at most a quarter larger than what was asked
   for. A block that comes back goes to the head of its class's list, from where the next of that size is taken
   while it is still warm, and to the head of a list of all; when more than S_CACHE_MOST bytes lie there, the ones
   that lay longest go, so a program whose sizes change does not drag its past along.

   All memory comes from zanni__malloc, that of large blocks too. Mapping large ones ourselves would save the part
   of a page that alignment costs and nothing else (glibc maps them as well), but the program's allocator hook
   would not see its largest allocations, nor could a test let them fail. A region that shares blocks with other
   processes is another operations table.

   One mutex guards the lists. It is held for a few instructions, never while memory is allocated or freed. */

#include "region.h"

#include "../base/list.h"
#include "../base/memory.h"
#include "../base/assert.h"
#include <pthread.h>
#include <stdint.h>

#define S_LEAST_BITS 8                              // the smallest class has 256 bytes
#define S_CLASSES (4 * (48 - S_LEAST_BITS))         // the largest 2^48
#define S_CACHE_MOST ((size_t) 256 << 20)
#define S_ALIGN ((size_t) 64)
#define S_PAGE ((size_t) 4096)
#define S_LARGE ((size_t) 64 << 10)                 // from here on aligned to a page

typedef struct {
    pthread_mutex_t mutex;
    zanni__link_t classes [S_CLASSES];   // cached blocks of each, the last to come back first
    zanni__link_t cached;                // all of them, in the same order
    size_t cached_size;
    size_t blocks;                       // that are out
    bool closed;
} s_region_t;

/* Stands at the start of the allocation that a block lies in. */
typedef struct {
    zanni__link_t in_class;
    zanni__link_t in_cached;
    size_t size;
    uint32_t class;
    void *data;
} s_block_t;

/* The class whose blocks have at least `size` bytes: two bits behind the leading one of size - 1. */
static uint32_t
s_class_of (size_t size)
{
    if (size <= (size_t) 1 << S_LEAST_BITS)
        return 0;
    uint32_t bits = 63 - (uint32_t) __builtin_clzll (size - 1);
    uint32_t quarter = (uint32_t) ((size - 1) >> (bits - 2)) & 3;
    return 4 * (bits - S_LEAST_BITS) + quarter + 1;
}

static size_t
s_class_size (uint32_t class)
{
    uint32_t bits = class / 4 + S_LEAST_BITS;
    return ((size_t) 4 + class % 4) << (bits - 2);
}

static int
s_open (void **region_p)
{
    s_region_t *region = zanni__calloc (sizeof *region);
    if (!region)
        return ZANNI_ENOMEM;
    if (pthread_mutex_init (&region->mutex, NULL)) {
        zanni__free (region);
        return ZANNI_ENOMEM;
    }
    for (uint32_t i = 0; i < S_CLASSES; i++)
        zanni__link_init (&region->classes [i]);
    zanni__link_init (&region->cached);
    *region_p = region;
    return 0;
}

static s_block_t *
s_make (uint32_t class)
{
    size_t size = s_class_size (class);
    size_t align = size >= S_LARGE ? S_PAGE : S_ALIGN;
    s_block_t *block = zanni__malloc (sizeof *block + align - 1 + size);
    if (!block)
        return NULL;
    uintptr_t data = ((uintptr_t) (block + 1) + align - 1) & ~(uintptr_t) (align - 1);
    *block = (s_block_t) { .size = size, .class = class, .data = (void *) data };
    zanni__link_init (&block->in_class);
    zanni__link_init (&block->in_cached);
    return block;
}

/* Under the mutex: to the head of both lists, which is in front of what is first now. */
static void
s_cache (s_region_t *region, s_block_t *block)
{
    zanni__list_append (region->classes [block->class].next, &block->in_class);
    zanni__list_append (region->cached.next, &block->in_cached);
    region->cached_size += block->size;
}

/* Under the mutex. */
static void
s_uncache (s_region_t *region, s_block_t *block)
{
    zanni__link_remove (&block->in_class);
    zanni__link_remove (&block->in_cached);
    zanni__assert (region->cached_size >= block->size);
    region->cached_size -= block->size;
}

/* Counts a block as out and answers a cached one, or NULL: one has to be made. */
static s_block_t *
s_take (s_region_t *region, uint32_t class)
{
    s_block_t *block = NULL;
    pthread_mutex_lock (&region->mutex);
    zanni__link_t *list = &region->classes [class];
    if (!zanni__list_empty (list)) {
        block = ZANNI__CONTAINER (list->next, s_block_t, in_class);
        s_uncache (region, block);
    }
    region->blocks++;
    pthread_mutex_unlock (&region->mutex);
    return block;
}

static void
s_destroy (s_region_t *region)
{
    zanni__assert (zanni__list_empty (&region->cached) && !region->blocks);
    pthread_mutex_destroy (&region->mutex);
    zanni__free (region);
}

/* Under the mutex: takes what the cache holds too much, as a ring on `out`. */
static void
s_evict (s_region_t *region, size_t most, zanni__link_t *out)
{
    while (region->cached_size > most) {
        s_block_t *oldest = ZANNI__CONTAINER (region->cached.prev, s_block_t, in_cached);
        s_uncache (region, oldest);
        zanni__list_append (out, &oldest->in_cached);
    }
}

static void
s_free_all (zanni__link_t *list)
{
    while (!zanni__list_empty (list)) {
        s_block_t *block = ZANNI__CONTAINER (list->next, s_block_t, in_cached);
        zanni__link_remove (&block->in_cached);
        zanni__free (block);
    }
}

/* Counts a block as back; `block` NULL: it was never made. The last one ends a closed region. */
static void
s_give_back (s_region_t *region, s_block_t *block)
{
    zanni__link_t out;
    zanni__link_init (&out);
    pthread_mutex_lock (&region->mutex);
    zanni__assert (region->blocks);
    region->blocks--;
    if (block && (region->closed || block->size > S_CACHE_MOST))
        zanni__list_append (&out, &block->in_cached);
    else if (block)
        s_cache (region, block);
    s_evict (region, S_CACHE_MOST, &out);
    bool last = region->closed && !region->blocks;
    pthread_mutex_unlock (&region->mutex);
    s_free_all (&out);
    if (last)
        s_destroy (region);
}

static int
s_allocate (void *context, size_t size, zanni_block_t *block)
{
    s_region_t *region = context;
    if (size > (size_t) 1 << 47)
        return ZANNI_ENOMEM;
    uint32_t class = s_class_of (size);
    zanni__assert (class < S_CLASSES && s_class_size (class) >= size);
    s_block_t *taken = s_take (region, class);
    if (!taken)
        taken = s_make (class);
    if (!taken) {
        s_give_back (region, NULL);
        return ZANNI_ENOMEM;
    }
    *block = (zanni_block_t) { .data = taken->data, .size = taken->size, .handle = taken };
    return 0;
}

static int
s_share (void *context, const zanni_block_t *block, int *fd_p)
{
    (void) context;
    (void) block;
    (void) fd_p;
    return ZANNI_EROUTE;
}

static void
s_release (void *context, zanni_block_t *block)
{
    s_block_t *back = block->handle;
    *block = (zanni_block_t) { NULL, 0, NULL };
    s_give_back (context, back);
}

static void
s_close (void *context)
{
    s_region_t *region = context;
    zanni__link_t out;
    zanni__link_init (&out);
    pthread_mutex_lock (&region->mutex);
    region->closed = true;
    s_evict (region, 0, &out);
    bool last = !region->blocks;
    pthread_mutex_unlock (&region->mutex);
    s_free_all (&out);
    if (last)
        s_destroy (region);
}

const zanni_region_ops_t zanni__region_default = {
    .size = sizeof (zanni_region_ops_t), .open = s_open, .allocate = s_allocate, .share = s_share,
    .release = s_release, .close = s_close
};
