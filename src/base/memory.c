/* The allocator hook: one table for the process, since a block that is allocated on one thread may be freed on any
   other and by any node. It is plain data: zanni_set_allocator may only be called while nothing of zanni lives. */

#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <zanni/log.h>

static void *
s_allocate (void *context, size_t size)
{
    (void) context;
    return malloc (size);
}

static void *
s_resize (void *context, void *memory, size_t size)
{
    (void) context;
    return realloc (memory, size);
}

static void
s_release (void *context, void *memory)
{
    (void) context;
    free (memory);
}

static const zanni_allocator_t s_default = {
    .size = sizeof (zanni_allocator_t), .allocate = s_allocate, .resize = s_resize, .release = s_release
};
static zanni_allocator_t s_allocator = {
    .size = sizeof (zanni_allocator_t), .allocate = s_allocate, .resize = s_resize, .release = s_release
};

void
zanni_set_allocator (const zanni_allocator_t *allocator)
{
    s_allocator = allocator ? *allocator : s_default;
}

void *
zanni__malloc (size_t size)
{
    return s_allocator.allocate (s_allocator.context, size);
}

void *
zanni__calloc (size_t size)
{
    void *memory = zanni__malloc (size);
    if (memory)
        memset (memory, 0, size);
    return memory;
}

void *
zanni__realloc (void *memory, size_t size)
{
    return s_allocator.resize (s_allocator.context, memory, size);
}

void
zanni__free (void *memory)
{
    if (memory)
        s_allocator.release (s_allocator.context, memory);
}

char *
zanni__strdup (const char *text)
{
    size_t size = strlen (text) + 1;
    char *copy = zanni__malloc (size);
    if (copy)
        memcpy (copy, text, size);
    return copy;
}
