/* Offers: the actors of a node that others find by a name when they connect. There are few, so they are a list, under the lock
   of the exports. An offer keeps the identity, so that its memory stays, and not the actor alive: one that has ended is not
   found, and is forgotten with the next offer or the node. */

#include "nodes.h"

#include "../../base/memory.h"

struct zanni__offer {
    struct zanni__offer *next;
    zanni__identity_t *identity;   // with a reference
    size_t size;
    char name [];
};

static bool
s_is (const struct zanni__offer *offer, const void *name, size_t size)
{
    return offer->size == size && !memcmp (offer->name, name, size);
}

/* Under the lock: takes out what has this name, or whose actor has ended. */
static struct zanni__offer *
s_take_out (zanni_node_t *node, const void *name, size_t size)
{
    struct zanni__offer *taken = NULL;
    for (struct zanni__offer **at = &node->offers; *at;) {
        struct zanni__offer *offer = *at;
        bool ended = atomic_load_explicit (&offer->identity->ended, memory_order_relaxed);
        if (!ended && !s_is (offer, name, size)) {
            at = &offer->next;
            continue;
        }
        *at = offer->next;
        offer->next = taken;
        taken = offer;
    }
    return taken;
}

static void
s_free (struct zanni__offer *offers)
{
    while (offers) {
        struct zanni__offer *next = offers->next;
        zanni__identity_unref (offers->identity);
        zanni__free (offers);
        offers = next;
    }
}

struct zanni__offer *
zanni__offer_new (const char *name, zanni__identity_t *identity)
{
    size_t size = strlen (name);
    struct zanni__offer *offer = zanni__malloc (sizeof *offer + size);
    if (!offer)
        return NULL;
    zanni__identity_ref (identity);
    offer->next = NULL;
    offer->identity = identity;
    offer->size = size;
    memcpy (offer->name, name, size);
    return offer;
}

void
zanni__offer_destroy (struct zanni__offer **offer_p)
{
    s_free (*offer_p);
    *offer_p = NULL;
}

/* `offer`: NULL, nobody has that name any more. */
static void
s_replace (zanni_node_t *node, const void *name, size_t size, struct zanni__offer *offer)
{
    pthread_mutex_lock (&node->exports_lock);
    struct zanni__offer *before = s_take_out (node, name, size);
    if (offer) {
        offer->next = node->offers;
        node->offers = offer;
    }
    pthread_mutex_unlock (&node->exports_lock);
    s_free (before);
}

void
zanni__offer_put_p (zanni_node_t *node, struct zanni__offer **offer_p)
{
    struct zanni__offer *offer = *offer_p;
    *offer_p = NULL;
    s_replace (node, offer->name, offer->size, offer);
}

int
zanni__offer_set (zanni_node_t *node, const char *name, zanni__identity_t *identity)
{
    struct zanni__offer *offer = identity ? zanni__offer_new (name, identity) : NULL;
    if (identity && !offer)
        return ZANNI_ENOMEM;
    s_replace (node, name, strlen (name), offer);
    return 0;
}

zanni__identity_t *
zanni__offer_find (zanni_node_t *node, const void *name, size_t size)
{
    zanni__identity_t *found = NULL;
    pthread_mutex_lock (&node->exports_lock);
    for (const struct zanni__offer *offer = node->offers; offer && !found; offer = offer->next)
        if (s_is (offer, name, size) && !atomic_load_explicit (&offer->identity->ended, memory_order_relaxed))
            found = offer->identity;
    if (found)
        zanni__identity_ref (found);
    pthread_mutex_unlock (&node->exports_lock);
    return found;
}

int
zanni__offers_list (zanni_node_t *node, zanni_list_t *names)
{
    char name [ZANNI_WIRE_NAME_MAX + 1];
    int rc = 0;
    pthread_mutex_lock (&node->exports_lock);
    for (const struct zanni__offer *offer = node->offers; offer && !rc; offer = offer->next) {
        if (atomic_load_explicit (&offer->identity->ended, memory_order_relaxed))
            continue;
        memcpy (name, offer->name, offer->size);
        name [offer->size] = 0;
        rc = zanni_list_append (names, name);
    }
    pthread_mutex_unlock (&node->exports_lock);
    return rc;
}

void
zanni__offers_free (zanni_node_t *node)
{
    pthread_mutex_lock (&node->exports_lock);
    struct zanni__offer *offers = node->offers;
    node->offers = NULL;
    pthread_mutex_unlock (&node->exports_lock);
    s_free (offers);
}
