#include "kinds.h"

#include <string.h>
#include <zanni/error.h>

static const char *
s_kind (const zanni__kinds_t *kinds, const void *table)
{
    return *(const char *const *) (const void *) ((const char *) table + kinds->kind_at);
}

/* Where that kind is, or where there is room for it; ZANNI__KINDS_MAX: nowhere. With the lock. */
static int
s_seek (const zanni__kinds_t *kinds, const char *kind, size_t size)
{
    int i = 0;
    while (i < ZANNI__KINDS_MAX && kinds->tables [i]
           && (strlen (s_kind (kinds, kinds->tables [i])) != size || memcmp (s_kind (kinds, kinds->tables [i]), kind, size)))
        i++;
    return i;
}

const void *
zanni__kind_find (zanni__kinds_t *kinds, const char *kind, size_t size)
{
    pthread_mutex_lock (&kinds->lock);
    int i = s_seek (kinds, kind, size);
    const void *found = i < ZANNI__KINDS_MAX ? kinds->tables [i] : NULL;
    pthread_mutex_unlock (&kinds->lock);
    return found;
}

int
zanni__kind_add (zanni__kinds_t *kinds, const void *table)
{
    const char *kind = s_kind (kinds, table);
    pthread_mutex_lock (&kinds->lock);
    int i = s_seek (kinds, kind, strlen (kind));
    int rc = i == ZANNI__KINDS_MAX || (kinds->tables [i] && kinds->tables [i] != table) ? ZANNI_ECLASS : 0;
    if (!rc)
        kinds->tables [i] = table;
    pthread_mutex_unlock (&kinds->lock);
    return rc;
}
