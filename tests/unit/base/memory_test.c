/* Every allocation sees the process's hook. */

#include "base/memory.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zanni/log.h>

/* A hook that counts, fills what it gives with rubbish, and fails on demand. */
typedef struct {
    int allocated;
    int resized;
    int released;
    bool fails;
} counts_t;

static void *
allocate (void *context, size_t size)
{
    counts_t *counts = context;
    if (counts->fails)
        return NULL;
    counts->allocated++;
    void *memory = malloc (size);
    memset (memory, 0xab, size);
    return memory;
}

static void *
resize (void *context, void *memory, size_t size)
{
    counts_t *counts = context;
    if (counts->fails)
        return NULL;
    counts->resized++;
    return realloc (memory, size);
}

static void
release (void *context, void *memory)
{
    counts_t *counts = context;
    counts->released++;
    free (memory);
}

static counts_t counts;

static void
hook (void)
{
    zanni_allocator_t allocator = {
        .size = sizeof allocator, .context = &counts, .allocate = allocate, .resize = resize, .release = release
    };
    zanni_set_allocator (&allocator);
    memset (&allocator, 0, sizeof allocator);   // it was copied
}

Test (memory, comes_from_malloc_by_default)
{
    char *memory = zanni__malloc (100);
    cr_assert_not_null (memory);
    memory = zanni__realloc (memory, 200);
    cr_assert_not_null (memory);
    zanni__free (memory);
}

Test (memory, hook_sees_every_call, .init = hook)
{
    void *memory = zanni__malloc (100);
    memory = zanni__realloc (memory, 200);
    zanni__free (memory);
    cr_assert_eq (counts.allocated, 1);
    cr_assert_eq (counts.resized, 1);
    cr_assert_eq (counts.released, 1);
}

Test (memory, calloc_zeroes_what_the_hook_gives, .init = hook)
{
    uint8_t *memory = zanni__calloc (64);
    for (size_t i = 0; i < 64; i++)
        cr_assert_eq (memory [i], 0);
    zanni__free (memory);
}

Test (memory, realloc_of_nothing_allocates, .init = hook)
{
    void *memory = zanni__realloc (NULL, 10);
    cr_assert_not_null (memory);
    zanni__free (memory);
}

Test (memory, free_forgives_null, .init = hook)
{
    zanni__free (NULL);
    cr_assert_eq (counts.released, 0);
}

Test (memory, strdup_copies_with_its_end, .init = hook)
{
    char *copy = zanni__strdup ("counter");
    cr_assert_str_eq (copy, "counter");
    zanni__free (copy);
    copy = zanni__strdup ("");
    cr_assert_str_eq (copy, "");
    zanni__free (copy);
}

Test (memory, that_is_out_is_null, .init = hook)
{
    void *memory = zanni__malloc (10);
    counts.fails = true;
    cr_assert_null (zanni__malloc (1));
    cr_assert_null (zanni__calloc (1));
    cr_assert_null (zanni__strdup ("counter"));
    cr_assert_null (zanni__realloc (memory, 20));
    zanni__free (memory);
}

Test (memory, hook_is_taken_off_by_null, .init = hook)
{
    zanni_set_allocator (NULL);
    zanni__free (zanni__malloc (1));
    cr_assert_eq (counts.allocated + counts.released, 0);
}
