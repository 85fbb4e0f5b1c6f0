/* kinds.h: operations tables of which a process has some, each found by the name of its kind; threads share them. */

#ifndef ZANNI_BASE_KINDS_H
#define ZANNI_BASE_KINDS_H

#include <pthread.h>
#include <stddef.h>

#define ZANNI__KINDS_MAX 16

typedef struct {
    pthread_mutex_t lock;
    size_t kind_at;                          // the offset of a table's `const char *kind`
    const void *tables [ZANNI__KINDS_MAX];   // the first are the library's own; guarded by the lock
} zanni__kinds_t;

/* A static of the file that keeps them, with tables of that type. */
#define ZANNI__KINDS(type, ...) \
    { .lock = PTHREAD_MUTEX_INITIALIZER, .kind_at = offsetof (type, kind), .tables = { __VA_ARGS__ } }

/* The table of a kind whose name has so many bytes; NULL: there is none. */
const void *zanni__kind_find (zanni__kinds_t *kinds, const char *kind, size_t size);

/* Adds a table, which has to stay. The same one again changes nothing. ZANNI_ECLASS: another one has its name, or there
   are too many. */
int zanni__kind_add (zanni__kinds_t *kinds, const void *table);

#endif
