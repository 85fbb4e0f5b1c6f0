/* The default region: blocks by size class, and a cache of those that came back, since the first touch of fresh
   memory costs up to 64 times that of memory which was used before.

   There are four classes for every power of two, so that a block is at most a quarter larger than what was asked
   for. A block that comes back goes to the head of its class's list, from where the next of that size is taken
   while it is still warm, and to the head of a list of all; when more than S_CACHE_MOST bytes lie there, the ones
   that lay longest go, so a program whose sizes change does not drag its past along.

   Large blocks are memory files, each with a descriptor that is kept, so that another process of the host can map them:
   what is filled in place there is not copied when it is sent. Their number and their bytes are bounded; beyond that, and
   where the system has none, a block comes from zanni__malloc like the small ones, and travels as bytes. A block that
   came back is used again only if nobody else may still be reading it: whoever knows that somebody might abandons it.

   Of the blocks that are larger than the whole cache the last to come back stays beside it, so that a program that passes
   on one thing of a gigabyte after the other fills the same memory again.

   One mutex guards the lists. It is held for a few instructions, never while memory is allocated or freed. */

#include "region.h"

#include "../base/list.h"
#include "../base/memfd.h"
#include "../base/memory.h"
#include "../base/table.h"
#include "../base/assert.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define S_LEAST_BITS 8                              // the smallest class has 256 bytes
#define S_CLASSES (4 * (48 - S_LEAST_BITS))         // the largest 2^48
#define S_CACHE_MOST ((size_t) 256 << 20)
#define S_ALIGN ((size_t) 64)
#define S_PAGE ((size_t) 4096)
#define S_LARGE ((size_t) 64 << 10)                 // from here on aligned to a page

/* Stands at the start of the allocation that a block lies in, or alone where that is a memory file. */
typedef struct {
    zanni__link_t in_class;
    zanni__link_t in_cached;
    size_t size;
    uint32_t class;
    int fd;                              // -1: none
    bool abandoned;
    zanni__entry_t entry;                // of a shareable one; its hash is the serial
    void *data;
} s_block_t;

typedef struct {
    pthread_mutex_t mutex;
    zanni__link_t classes [S_CLASSES];   // cached blocks of each, the last to come back first
    zanni__link_t cached;                // all of them, in the same order
    size_t cached_size;
    s_block_t *giant;                    // the last to come back that is too large for the cache; NULL
    size_t blocks;                       // that are out
    bool closed;
    uint64_t share_least;
    uint64_t share_most;
    uint64_t shared_size;                // of all shareable blocks there are
    uint32_t shared_count;
    uint32_t shared_count_most;          // their descriptors are a part of the program's
    _Atomic uint64_t gone;               // relaxed: a count that is looked at now and then
    zanni__table_t shared;               // by serial
} s_region_t;

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

/* A quarter of the descriptors that the program may have. */
static uint32_t
s_count_most (void)
{
    struct rlimit limit;
    return getrlimit (RLIMIT_NOFILE, &limit) || limit.rlim_cur > UINT32_MAX ? 1024 : (uint32_t) limit.rlim_cur / 4;
}

static int
s_open (void **region_p, uint64_t share_least, uint64_t share_most)
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
    region->share_least = share_least < S_LARGE ? S_LARGE : share_least;
    region->share_most = share_most;
    region->shared_count_most = s_count_most ();
    *region_p = region;
    return 0;
}

static void
s_free (s_block_t *block)
{
    if (block->fd >= 0 && block->data != MAP_FAILED)
        (void) munmap (block->data, block->size);
    if (block->fd >= 0)
        close (block->fd);
    zanni__free (block);
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
    *block = (s_block_t) { .size = size, .class = class, .fd = -1, .data = (void *) data };
    zanni__link_init (&block->in_class);
    zanni__link_init (&block->in_cached);
    return block;
}

/* A block that is a memory file; NULL: there is none to be had. */
static s_block_t *
s_make_shared (uint32_t class)
{
    size_t size = s_class_size (class);
    s_block_t *block = zanni__malloc (sizeof *block);
    if (!block)
        return NULL;
    *block = (s_block_t) { .size = size, .class = class, .data = MAP_FAILED };
    zanni__link_init (&block->in_class);
    zanni__link_init (&block->in_cached);
    if (zanni__memfd_new (&block->fd, size)) {
        zanni__free (block);
        return NULL;
    }
    block->data = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, block->fd, 0);
    if (block->data != MAP_FAILED && zanni__memfd_seal (block->fd))
        return block;
    s_free (block);
    return NULL;
}

/* Under the mutex: whether a further one of that class may be made; it counts then. */
static bool
s_may_share (s_region_t *region, uint32_t class)
{
    size_t size = s_class_size (class);
    if (size < region->share_least || size > region->share_most - region->shared_size
        || region->shared_count >= region->shared_count_most)
        return false;
    region->shared_size += size;
    region->shared_count++;
    return true;
}

/* Under the mutex: one that was counted is not there, or not any more. */
static void
s_unshare (s_region_t *region, size_t size)
{
    region->shared_size -= size;
    region->shared_count--;
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

/* Counts a block as out and answers a cached one, or NULL: one has to be made, `shared` or not. */
static s_block_t *
s_take (s_region_t *region, uint32_t class, bool *shared)
{
    s_block_t *block = NULL;
    *shared = false;
    pthread_mutex_lock (&region->mutex);
    zanni__link_t *list = &region->classes [class];
    if (!zanni__list_empty (list)) {
        block = ZANNI__CONTAINER (list->next, s_block_t, in_class);
        s_uncache (region, block);
    }
    else if (region->giant && region->giant->class == class) {
        block = region->giant;
        region->giant = NULL;
    }
    else
        *shared = s_may_share (region, class);
    region->blocks++;
    pthread_mutex_unlock (&region->mutex);
    return block;
}

static void
s_destroy (s_region_t *region)
{
    zanni__assert (zanni__list_empty (&region->cached) && !region->blocks && !region->shared_count);
    zanni__table_free (&region->shared);
    pthread_mutex_destroy (&region->mutex);
    zanni__free (region);
}

/* Under the mutex: a block that is not used again goes to the ring `out`. */
static void
s_retire (s_region_t *region, s_block_t *block, zanni__link_t *out)
{
    zanni__list_append (out, &block->in_cached);
    if (block->fd < 0)
        return;
    zanni__table_remove (&region->shared, &block->entry);
    atomic_fetch_add_explicit (&region->gone, 1, memory_order_relaxed);
    s_unshare (region, block->size);
}

/* Under the mutex: takes what the cache holds too much, as a ring on `out`. */
static void
s_evict (s_region_t *region, size_t most, zanni__link_t *out)
{
    while (region->cached_size > most) {
        s_block_t *oldest = ZANNI__CONTAINER (region->cached.prev, s_block_t, in_cached);
        s_uncache (region, oldest);
        s_retire (region, oldest, out);
    }
}

/* Under the mutex: `block` (NULL: none) takes the place of the giant that is kept. */
static void
s_keep_giant (s_region_t *region, s_block_t *block, zanni__link_t *out)
{
    if (region->giant)
        s_retire (region, region->giant, out);
    region->giant = block;
}

static void
s_free_all (zanni__link_t *list)
{
    while (!zanni__list_empty (list)) {
        s_block_t *block = ZANNI__CONTAINER (list->next, s_block_t, in_cached);
        zanni__link_remove (&block->in_cached);
        s_free (block);
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
    if (block && (region->closed || block->abandoned))
        s_retire (region, block, &out);
    else if (block && block->size > S_CACHE_MOST)
        s_keep_giant (region, block, &out);
    else if (block)
        s_cache (region, block);
    s_evict (region, S_CACHE_MOST, &out);
    bool last = region->closed && !region->blocks;
    pthread_mutex_unlock (&region->mutex);
    s_free_all (&out);
    if (last)
        s_destroy (region);
}

/* Gives it a serial, under which it is found; NULL: it could not be made, or there is no memory for that. */
static s_block_t *
s_register (s_region_t *region, s_block_t *block, uint32_t class)
{
    pthread_mutex_lock (&region->mutex);
    bool known = block && zanni__table_put (&region->shared, &block->entry, zanni__memfd_serial ());
    if (!known)
        s_unshare (region, s_class_size (class));
    pthread_mutex_unlock (&region->mutex);
    if (block && !known)
        s_free (block);
    return known ? block : NULL;
}

static int
s_allocate (void *context, size_t size, zanni_block_t *block)
{
    s_region_t *region = context;
    if (size > (size_t) 1 << 47)
        return ZANNI_ENOMEM;
    uint32_t class = s_class_of (size);
    zanni__assert (class < S_CLASSES && s_class_size (class) >= size);
    bool shared;
    s_block_t *taken = s_take (region, class, &shared);
    if (shared)
        taken = s_register (region, s_make_shared (class), class);
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
s_share (void *context, const zanni_block_t *block, zanni_segment_t *segment)
{
    const s_block_t *own = block->handle;
    (void) context;
    if (own->fd < 0)
        return ZANNI_EROUTE;
    *segment = (zanni_segment_t) { .serial = own->entry.hash, .fd = own->fd, .size = own->size };
    return 0;
}

static void
s_abandon (void *context, const zanni_block_t *block)
{
    s_region_t *region = context;
    pthread_mutex_lock (&region->mutex);
    ((s_block_t *) block->handle)->abandoned = true;
    pthread_mutex_unlock (&region->mutex);
}

static bool
s_has (void *context, uint64_t serial)
{
    s_region_t *region = context;
    pthread_mutex_lock (&region->mutex);
    bool has = zanni__table_find (&region->shared, serial);
    pthread_mutex_unlock (&region->mutex);
    return has;
}

static uint64_t
s_gone (void *context)
{
    return atomic_load_explicit (&((s_region_t *) context)->gone, memory_order_relaxed);
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
    s_keep_giant (region, NULL, &out);
    bool last = !region->blocks;
    pthread_mutex_unlock (&region->mutex);
    s_free_all (&out);
    if (last)
        s_destroy (region);
}

const zanni_region_ops_t zanni__region_default = {
    .size = sizeof (zanni_region_ops_t), .open = s_open, .allocate = s_allocate, .share = s_share,
    .abandon = s_abandon, .has = s_has, .gone = s_gone, .release = s_release, .close = s_close
};
