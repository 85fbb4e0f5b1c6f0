/* memory.h: every allocation of the library goes through here, so that the process's allocator hook sees it.

   Like malloc, these answer NULL when memory is out; the caller turns that into ZANNI_ENOMEM. */

#ifndef ZANNI_BASE_MEMORY_H
#define ZANNI_BASE_MEMORY_H

#include <stddef.h>

void *zanni__malloc (size_t size);
void *zanni__calloc (size_t size);
void *zanni__realloc (void *memory, size_t size);
void zanni__free (void *memory);
char *zanni__strdup (const char *text);

#endif
