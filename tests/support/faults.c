/* The failing allocator. Counts are atomic and relaxed: they order nothing, and which allocation is the n-th is only
   certain while one thread allocates. */

#include "faults.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zanni/log.h>

static _Atomic long s_held;
static _Atomic long s_tried;
static _Atomic long s_from;        // the first that fails, counted as s_tried is; 0: none
static _Atomic long s_to;          // the last
static _Atomic unsigned s_among;
static _Atomic unsigned long s_random;
static _Atomic bool s_struck;

static bool
s_by_chance (void)
{
    unsigned among = atomic_load_explicit (&s_among, memory_order_relaxed);
    if (!among)
        return false;
    unsigned long step = 0x9e3779b97f4a7c15ul;
    unsigned long mixed = atomic_fetch_add_explicit (&s_random, step, memory_order_relaxed) + step;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ul;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebul;
    return (mixed ^ (mixed >> 31)) % among == 0;
}

static bool
s_fails (void)
{
    long number = atomic_fetch_add_explicit (&s_tried, 1, memory_order_relaxed) + 1;
    long from = atomic_load_explicit (&s_from, memory_order_relaxed);
    bool fails = (from && number >= from && number <= atomic_load_explicit (&s_to, memory_order_relaxed))
                 || s_by_chance ();
    if (fails)
        atomic_store_explicit (&s_struck, true, memory_order_relaxed);
    return fails;
}

static void *
s_allocate (void *context, size_t size)
{
    (void) context;
    void *memory = s_fails () ? NULL : malloc (size);
    if (!memory)
        return NULL;
    atomic_fetch_add_explicit (&s_held, 1, memory_order_relaxed);
    return memset (memory, 0xab, size < 65536 ? size : 65536);   // fresh pages are slow
}

static void *
s_resize (void *context, void *memory, size_t size)
{
    if (!memory)
        return s_allocate (context, size);
    return s_fails () ? NULL : realloc (memory, size);
}

static void
s_release (void *context, void *memory)
{
    (void) context;
    if (memory)
        atomic_fetch_sub_explicit (&s_held, 1, memory_order_relaxed);
    free (memory);
}

void
faults_install (void)
{
    const zanni_allocator_t allocator = {
        .size = sizeof allocator, .allocate = s_allocate, .resize = s_resize, .release = s_release
    };
    faults_fail (0, 0);
    atomic_store_explicit (&s_held, 0, memory_order_relaxed);
    atomic_store_explicit (&s_tried, 0, memory_order_relaxed);
    zanni_set_allocator (&allocator);
}

void
faults_remove (void)
{
    zanni_set_allocator (NULL);
}

void
faults_fail (long nth, long more)
{
    long from = nth ? atomic_load_explicit (&s_tried, memory_order_relaxed) + nth : 0;
    atomic_store_explicit (&s_among, 0, memory_order_relaxed);
    atomic_store_explicit (&s_to, from + more, memory_order_relaxed);
    atomic_store_explicit (&s_from, from, memory_order_relaxed);
    atomic_store_explicit (&s_struck, false, memory_order_relaxed);
}

void
faults_fail_some (unsigned among, unsigned long seed)
{
    faults_fail (0, 0);
    atomic_store_explicit (&s_random, seed, memory_order_relaxed);
    atomic_store_explicit (&s_among, among, memory_order_relaxed);
}

bool
faults_struck (void)
{
    return atomic_load_explicit (&s_struck, memory_order_relaxed);
}

long
faults_held (void)
{
    return atomic_load_explicit (&s_held, memory_order_relaxed);
}

long
faults_tried (void)
{
    return atomic_load_explicit (&s_tried, memory_order_relaxed);
}
