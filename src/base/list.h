/* list.h: an intrusive doubly linked ring, for what is removed from its middle. A link that is in no list points to
   itself. One thread at a time. */

#ifndef ZANNI_BASE_LIST_H
#define ZANNI_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct zanni__link {
    struct zanni__link *next;
    struct zanni__link *prev;
} zanni__link_t;

#define ZANNI__CONTAINER(link, type, member) ((type *) (void *) ((char *) (link) - offsetof (type, member)))

static inline void
zanni__link_init (zanni__link_t *link)
{
    link->next = link->prev = link;
}

static inline bool
zanni__list_empty (const zanni__link_t *list)
{
    return list->next == list;
}

static inline void
zanni__list_append (zanni__link_t *list, zanni__link_t *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

/* Safe for a link that is in no list. */
static inline void
zanni__link_remove (zanni__link_t *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    zanni__link_init (link);
}

#endif
