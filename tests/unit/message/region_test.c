/* The default region: size classes, the cache and its limit, the end. */

#include "base/memfd.h"
#include "message/region.h"

#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define SHARED ((size_t) 64 << 10)   // the least that is

static const zanni_region_ops_t *const ops = &zanni__region_default;
static void *region;

static void
open_region (void)
{
    faults_install ();
    cr_assert_eq (ops->open (&region, 1 << 16, 1 << 30), 0);
}

TestSuite (region, .init = open_region);

static zanni_block_t
allocate (size_t size)
{
    zanni_block_t block = { NULL, 0, NULL };
    cr_assert_eq (ops->allocate (region, size, &block), 0);
    return block;
}

Test (region, blocks_are_large_enough_and_at_most_a_quarter_too_large)
{
    for (size_t size = 1; size < (size_t) 1 << 26; size += size / 7 + 1) {
        zanni_block_t block = allocate (size);
        cr_assert_geq (block.size, size);
        cr_assert (block.size <= 256 || block.size <= size + size / 4 + 1, "%zu for %zu", block.size, size);
        cr_assert_eq ((uintptr_t) block.data % 64, 0);
        ((char *) block.data) [0] = ((char *) block.data) [block.size - 1] = 1;
        ops->release (region, &block);
        cr_assert_null (block.data);
    }
    ops->close (region);
    cr_assert_eq (faults_held (), 0);
}

Test (region, exact_classes_waste_nothing)
{
    for (int bits = 8; bits < 28; bits++) {
        zanni_block_t block = allocate ((size_t) 1 << bits);
        cr_assert_eq (block.size, (size_t) 1 << bits);
        ops->release (region, &block);
        block = allocate ((size_t) 5 << (bits - 2));
        cr_assert_eq (block.size, (size_t) 5 << (bits - 2));
        ops->release (region, &block);
    }
    ops->close (region);
}

Test (region, large_blocks_begin_at_a_page)
{
    zanni_block_t block = allocate (1 << 20);
    cr_assert_eq ((uintptr_t) block.data % 4096, 0);
    ops->release (region, &block);
    ops->close (region);
}

Test (region, a_released_block_is_used_again_the_warmest_first)
{
    zanni_block_t one = allocate (5000), two = allocate (5000);
    void *first = one.data, *second = two.data;
    cr_assert_neq (first, second);
    ops->release (region, &one);
    ops->release (region, &two);
    one = allocate (5001);
    two = allocate (4999);
    cr_assert_eq (one.data, second);
    cr_assert_eq (two.data, first);
    ops->release (region, &one);
    ops->release (region, &two);
    ops->close (region);
    cr_assert_eq (faults_held (), 0);
}

Test (region, keeps_at_most_256_mib_and_forgets_the_oldest)
{
    zanni_block_t blocks [20];
    long before = faults_held ();
    for (int i = 0; i < 20; i++)
        blocks [i] = allocate ((size_t) 16 << 20);
    void *last = blocks [19].data;
    zanni_block_t small = allocate (1000);
    ops->release (region, &small);
    for (int i = 0; i < 20; i++)
        ops->release (region, &blocks [i]);
    cr_assert_eq (faults_held () - before, 17, "16 blocks, and the table of those that can be shared");
    zanni_block_t block = allocate ((size_t) 16 << 20);
    cr_assert_eq (block.data, last);
    ops->release (region, &block);
    ops->close (region);
    cr_assert_eq (faults_held (), 0);
}

Test (region, of_blocks_larger_than_the_cache_the_last_stays_beside_it)
{
    zanni_block_t small = allocate (1000), huge = allocate ((size_t) 300 << 20), other = allocate ((size_t) 300 << 20);
    void *data = small.data, *last = other.data;
    ops->release (region, &small);
    long held = faults_held ();
    ops->release (region, &huge);
    ops->release (region, &other);
    cr_assert_eq (faults_held (), held - 1);
    huge = allocate ((size_t) 300 << 20);
    cr_assert_eq (huge.data, last);
    small = allocate (1000);
    cr_assert_eq (small.data, data);
    ops->release (region, &huge);
    ops->release (region, &small);
    ops->close (region);
    cr_assert_eq (faults_held (), 0);
}

Test (region, goes_with_its_last_block_after_close)
{
    zanni_block_t one = allocate (100), two = allocate (100000), three = allocate (100000);
    ops->release (region, &three);
    ops->close (region);
    cr_assert_eq (faults_held (), 4, "two blocks, the region itself, its table of those that can be shared");
    ops->release (region, &one);
    memset (two.data, 1, two.size);
    ops->release (region, &two);
    cr_assert_eq (faults_held (), 0);
}

Test (region, small_blocks_cannot_be_shared)
{
    zanni_block_t block = allocate (100);
    zanni_segment_t segment = { .fd = -1 };
    cr_assert_eq (ops->share (region, &block, &segment), ZANNI_EROUTE);
    cr_assert_eq (segment.fd, -1);
    ops->release (region, &block);
    ops->close (region);
}

/* A block from the least size on, and what another process would see of it. */
static const uint8_t *
map (const zanni_block_t *block, zanni_segment_t *segment)
{
    cr_assert_eq (ops->share (region, block, segment), 0);
    cr_assert (zanni__memfd_is_good (segment->fd, segment->size, true));
    const uint8_t *data = mmap (NULL, segment->size, PROT_READ, MAP_SHARED, segment->fd, 0);
    cr_assert_neq (data, MAP_FAILED);
    return data + segment->offset;
}

Test (region, large_blocks_are_seen_by_who_maps_them)
{
    zanni_block_t block = allocate (SHARED);
    zanni_segment_t segment;
    const uint8_t *seen = map (&block, &segment);
    memset (block.data, 7, SHARED);
    cr_assert_eq (seen [0], 7);
    cr_assert_eq (seen [SHARED - 1], 7);
    cr_assert (ops->has (region, segment.serial));
    ops->release (region, &block);
    ops->close (region);
}

Test (region, nobody_else_can_write_to_or_resize_a_large_block)
{
    zanni_block_t block = allocate (SHARED);
    zanni_segment_t segment;
    cr_assert_eq (ops->share (region, &block, &segment), 0);
    cr_assert_eq (mmap (NULL, segment.size, PROT_WRITE, MAP_SHARED, segment.fd, 0), MAP_FAILED);
    cr_assert_neq (ftruncate (segment.fd, 0), 0);
    cr_assert_neq (ftruncate (segment.fd, 1 << 30), 0);
    cr_assert_neq (fcntl (segment.fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    ops->release (region, &block);
    ops->close (region);
}

Test (region, a_large_block_that_came_back_is_the_same_segment_again)
{
    zanni_block_t block = allocate (SHARED);
    zanni_segment_t before, after;
    cr_assert_eq (ops->share (region, &block, &before), 0);
    ops->release (region, &block);
    block = allocate (SHARED);
    cr_assert_eq (ops->share (region, &block, &after), 0);
    cr_assert_eq (before.serial, after.serial);
    ops->release (region, &block);
    ops->close (region);
}

Test (region, an_abandoned_block_is_never_used_again)
{
    zanni_block_t block = allocate (SHARED);
    zanni_segment_t before, after;
    const uint8_t *seen = map (&block, &before);
    memset (block.data, 7, SHARED);
    uint64_t gone = ops->gone (region);
    ops->abandon (region, &block);
    ops->release (region, &block);
    cr_assert_not (ops->has (region, before.serial));
    cr_assert_eq (ops->gone (region), gone + 1);
    block = allocate (SHARED);
    memset (block.data, 8, SHARED);
    cr_assert_eq (ops->share (region, &block, &after), 0);
    cr_assert_neq (before.serial, after.serial);
    cr_assert_eq (seen [0], 7, "who mapped it still sees what was there");
    ops->release (region, &block);
    ops->close (region);
}

Test (region, beyond_the_quota_blocks_are_ordinary_memory)
{
    zanni_block_t blocks [3];
    zanni_segment_t segment;
    void *small = NULL;
    cr_assert_eq (ops->open (&small, SHARED, 2 * SHARED), 0);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq (ops->allocate (small, SHARED, &blocks [i]), 0);
        memset (blocks [i].data, i, SHARED);
        cr_assert_eq (ops->share (small, &blocks [i], &segment), i < 2 ? 0 : ZANNI_EROUTE);
    }
    for (int i = 0; i < 3; i++)
        ops->release (small, &blocks [i]);
    ops->close (small);
    ops->close (region);
}

Test (region, without_descriptors_blocks_are_ordinary_memory)
{
    struct rlimit before, none;
    zanni_segment_t segment;
    cr_assert_eq (getrlimit (RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    cr_assert_eq (setrlimit (RLIMIT_NOFILE, &none), 0);
    zanni_block_t block = allocate (SHARED);
    cr_assert_eq (setrlimit (RLIMIT_NOFILE, &before), 0);
    cr_assert_eq (ops->share (region, &block, &segment), ZANNI_EROUTE);
    ops->release (region, &block);
    ops->close (region);
}

Test (region, without_memory_is_an_error)
{
    zanni_block_t block = { NULL, 0, NULL };
    void *other = NULL;
    faults_fail (1, 0);
    cr_assert_eq (ops->allocate (region, 100, &block), ZANNI_ENOMEM);
    cr_assert_eq (ops->allocate (region, SIZE_MAX, &block), ZANNI_ENOMEM);
    cr_assert_eq (ops->allocate (region, (size_t) 1 << 62, &block), ZANNI_ENOMEM);
    faults_fail (1, 0);
    cr_assert_eq (ops->open (&other, 1 << 16, 1 << 30), ZANNI_ENOMEM);
    ops->close (region);
    cr_assert_eq (faults_held (), 0);
}

/* Answers what went wrong, or NULL: Criterion's assertions are for the main thread. */
static void *
churn (void *context)
{
    static char clash [] = "two threads have the same block", none [] = "no memory";
    uint32_t state = (uint32_t) (uintptr_t) context;
    zanni_block_t blocks [16] = { { NULL, 0, NULL } };
    void *wrong = NULL;
    for (int round = 0; round < 20000 && !wrong; round++) {
        state = state * 1664525u + 1013904223u;
        zanni_block_t *block = &blocks [state >> 28];
        if (!block->data) {
            wrong = ops->allocate (region, 8 + (state >> 12) % 20000, block) ? none : NULL;
            if (!wrong)
                *(void **) block->data = block;
        }
        else {
            wrong = *(void **) block->data != block ? clash : NULL;
            ops->release (region, block);
        }
    }
    for (int i = 0; i < 16; i++)
        if (blocks [i].data)
            ops->release (region, &blocks [i]);
    return wrong;
}

Test (region, serves_several_threads_at_once)
{
    pthread_t threads [4];
    for (uintptr_t i = 0; i < 4; i++)
        cr_assert_eq (pthread_create (&threads [i], NULL, churn, (void *) (i + 1)), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = NULL;
        pthread_join (threads [i], &wrong);
        cr_assert_null (wrong, "%s", (char *) wrong);
    }
    ops->close (region);
}
