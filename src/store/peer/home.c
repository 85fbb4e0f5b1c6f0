/* Homes are found by their node in a list of the process's. A home goes with the last of its handles; its actor has a part
   in it too, since it ends a little later. */

#include "peer.h"

#include "../../base/memory.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct zanni__home {
    zanni__link_t link;             // among all; under s_lock, as these:
    zanni_node_t *node;
    zanni__identity_t *server;      // which the handles have references to
    uint32_t stores;
    _Atomic uint32_t users;         // the handles together, and the actor; the last (acq_rel) frees
    pthread_mutex_t lock;           // guards the list, and each handle in it against being closed
    zanni__link_t list;
    int wake_fd;
};

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static zanni__link_t s_homes = { &s_homes, &s_homes };

static zanni__home_t *
s_find (const zanni_node_t *node)
{
    for (zanni__link_t *at = s_homes.next; at != &s_homes; at = at->next)
        if (ZANNI__CONTAINER (at, zanni__home_t, link)->node == node)
            return ZANNI__CONTAINER (at, zanni__home_t, link);
    return NULL;
}

static int
s_new (zanni__home_t **home_p, zanni_node_t *node)
{
    zanni__home_t *home = zanni__calloc (sizeof *home);
    if (!home)
        return ZANNI_ENOMEM;
    home->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (home->wake_fd < 0) {
        zanni__free (home);
        return ZANNI_EDESCRIPTORS;
    }
    home->node = node;
    atomic_init (&home->users, 1);
    zanni__link_init (&home->link);
    zanni__link_init (&home->list);
    pthread_mutex_init (&home->lock, NULL);
    *home_p = home;
    return 0;
}

static void
s_changed (void *context)
{
    const zanni__home_t *home = context;
    const uint64_t one = 1;
    ssize_t size = write (home->wake_fd, &one, sizeof one);
    (void) size;
}

int
zanni__home_wake_fd (const zanni__home_t *home)
{
    return home->wake_fd;
}

void
zanni__home_use (zanni__home_t *home)
{
    /* Relaxed: the caller's own use keeps it meanwhile. */
    atomic_fetch_add_explicit (&home->users, 1, memory_order_relaxed);
}

void
zanni__home_unuse (zanni__home_t *home)
{
    if (atomic_fetch_sub_explicit (&home->users, 1, memory_order_acq_rel) > 1)
        return;
    pthread_mutex_destroy (&home->lock);
    close (home->wake_fd);
    zanni__free (home);
}

/* Under s_lock: the first handle's. */
static int
s_settle (zanni__peer_store_t *store, zanni__home_t **home_p)
{
    int rc = s_new (home_p, store->self->worker->node);
    if (rc)
        return rc;
    rc = zanni__home_serve (store->self, &store->server, *home_p);
    if (rc) {
        zanni__home_unuse (*home_p);
        return rc;
    }
    (*home_p)->server = store->server->identity;
    zanni__list_append (&s_homes, &(*home_p)->link);
    zanni__node_offer ((*home_p)->node, (*home_p)->server);
    return 0;
}

/* Under s_lock: a further reference to an actor that another handle keeps alive. */
static int
s_move_in (zanni__peer_store_t *store, const zanni__home_t *home)
{
    store->server = zanni__ref_new (home->server, store->self->worker, true, false);
    if (!store->server)
        return ZANNI_ENOMEM;
    zanni__ref_adopt (store->self, store->server);
    return 0;
}

int
zanni__home_join (zanni__peer_store_t *store, bool found)
{
    if (store->home)
        return 0;
    pthread_mutex_lock (&s_lock);
    zanni__home_t *home = s_find (store->self->worker->node);
    int rc = home ? s_move_in (store, home) : found ? s_settle (store, &home) : ZANNI_EGONE;
    if (!rc) {
        home->stores++;
        store->home = home;
        store->memory.changed = s_changed;
        store->memory.context = home;
        pthread_mutex_lock (&home->lock);
        zanni__list_append (&home->list, &store->link);
        pthread_mutex_unlock (&home->lock);
    }
    pthread_mutex_unlock (&s_lock);
    return rc;
}

void
zanni__home_leave (zanni__peer_store_t *store)
{
    zanni__home_t *home = store->home;
    if (!home)
        return;
    pthread_mutex_lock (&s_lock);
    pthread_mutex_lock (&home->lock);
    zanni__link_remove (&store->link);
    pthread_mutex_unlock (&home->lock);
    bool last = --home->stores == 0;
    if (last) {
        zanni__link_remove (&home->link);
        zanni__node_offer (home->node, NULL);
    }
    pthread_mutex_unlock (&s_lock);
    zanni_ref_destroy (&store->server);
    if (last) {
        s_changed (home);   // who waits for something of it is told
        zanni__home_unuse (home);
    }
}

zanni__memory_t *
zanni__home_find (zanni__home_t *home, const uint8_t id [16])
{
    pthread_mutex_lock (&home->lock);
    for (zanni__link_t *at = home->list.next; at != &home->list; at = at->next) {
        zanni__memory_t *memory = &ZANNI__CONTAINER (at, zanni__peer_store_t, link)->memory;
        pthread_mutex_lock (&memory->lock);
        bool found = zanni__memory_find (memory, id) != NULL;
        pthread_mutex_unlock (&memory->lock);
        if (found)
            return memory;
    }
    pthread_mutex_unlock (&home->lock);
    return NULL;
}

void
zanni__home_found (zanni__home_t *home)
{
    pthread_mutex_unlock (&home->lock);
}
