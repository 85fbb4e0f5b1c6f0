/* Addresses that are other ones from here: behind a gate, in a container. A node is known by the address that it says of
   itself, whatever is dialled for it, so that references to it stay the same everywhere; only the dial itself goes elsewhere. */

#include "translate.h"

#include "../base/memory.h"

#include <string.h>

struct zanni__translation {
    struct zanni__translation *next;
    char to [ZANNI_ENDPOINT_MAX];
    char from [ZANNI_ENDPOINT_MAX];
};

int
zanni__translation_set (zanni_node_t *node, const char *from, const char *to)
{
    pthread_mutex_lock (&node->lock);
    struct zanni__translation **at = &node->translations;
    while (*at && strcmp ((*at)->from, from))
        at = &(*at)->next;
    struct zanni__translation *entry = *at;
    if (!to && entry) {
        *at = entry->next;
        zanni__free (entry);
    }
    else if (to && !entry && (entry = zanni__calloc (sizeof *entry))) {
        strcpy (entry->from, from);
        *at = entry;
    }
    if (to && entry)
        strcpy (entry->to, to);
    pthread_mutex_unlock (&node->lock);
    return to && !entry ? ZANNI_ENOMEM : 0;
}

void
zanni__translate (zanni_node_t *node, char dialled [ZANNI_ENDPOINT_MAX], const char *endpoint)
{
    pthread_mutex_lock (&node->lock);
    const struct zanni__translation *entry = node->translations;
    while (entry && strcmp (entry->from, endpoint))
        entry = entry->next;
    strcpy (dialled, entry ? entry->to : endpoint);
    pthread_mutex_unlock (&node->lock);
}

void
zanni__translations_free (zanni_node_t *node)
{
    while (node->translations) {
        struct zanni__translation *entry = node->translations;
        node->translations = entry->next;
        zanni__free (entry);
    }
}
