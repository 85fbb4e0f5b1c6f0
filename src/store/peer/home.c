/* Homes are found by their node in a list of the process's, and so is the memory that has a blob. No lock is held while an
   actor is spawned, which may wait and run others, nor while anything is done to a blob.

   A home is counted: by its handles, and by the actor that serves it, which finds it by a number when it starts, or not any
   more. The actor lives as long as a handle has a reference to it; the next put finds another one where it has ended. */

#include "peer.h"

#include "../../base/memory.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct zanni__home {
    zanni__link_t link;             // among all; everything is under s_lock but wake_fd, which stays
    zanni_node_t *node;
    uint64_t serial;
    uint32_t users;                 // handles, and the actor
    uint32_t stores;                // of these, handles
    zanni__link_t list;             // of handles
    zanni__identity_t *server;      // with a reference; NULL: there was none yet
    int wake_fd;
};

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static zanni__link_t s_homes = { &s_homes, &s_homes };
static uint64_t s_serial;

static zanni__home_t *
s_find (const zanni_node_t *node)
{
    for (zanni__link_t *at = s_homes.next; at != &s_homes; at = at->next) {
        zanni__home_t *home = ZANNI__CONTAINER (at, zanni__home_t, link);
        if (home->node == node && home->stores)
            return home;
    }
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
    home->serial = ++s_serial;
    zanni__link_init (&home->list);
    zanni__list_append (&s_homes, &home->link);
    *home_p = home;
    return 0;
}

/* Under s_lock. */
static void
s_unuse (zanni__home_t *home)
{
    if (--home->users)
        return;
    zanni__link_remove (&home->link);
    close (home->wake_fd);
    zanni__free (home);
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

zanni__home_t *
zanni__home_enter (uint64_t serial)
{
    zanni__home_t *found = NULL;
    pthread_mutex_lock (&s_lock);
    for (zanni__link_t *at = s_homes.next; at != &s_homes && !found; at = at->next)
        if (ZANNI__CONTAINER (at, zanni__home_t, link)->serial == serial)
            found = ZANNI__CONTAINER (at, zanni__home_t, link);
    if (found)
        found->users++;
    pthread_mutex_unlock (&s_lock);
    return found;
}

void
zanni__home_exit (zanni__home_t *home)
{
    pthread_mutex_lock (&s_lock);
    s_unuse (home);
    pthread_mutex_unlock (&s_lock);
}

/* Under s_lock: the handle is one of the home's. */
static void
s_move_in (zanni__peer_store_t *store, zanni__home_t *home)
{
    home->users++;
    home->stores++;
    store->home = home;
    store->memory->changed = s_changed;
    store->memory->context = home;
    zanni__list_append (&home->list, &store->link);
}

static bool
s_is_served (const zanni__home_t *home)
{
    /* relaxed: a hint, as everywhere. */
    return home->server && !atomic_load_explicit (&home->server->ended, memory_order_relaxed);
}

/* A handle's reference to who serves the home. Under s_lock. */
static int
s_refer (zanni__peer_store_t *store)
{
    zanni_ref_t *server = zanni__ref_new (store->home->server, store->self->worker, true, false);
    if (!server)
        return ZANNI_ENOMEM;
    zanni__ref_adopt (store->self, server);
    store->server = server;
    return 0;
}

/* Under s_lock: who was spawned serves it, where nobody else does by now. */
static void
s_appoint (zanni__home_t *home, zanni__identity_t *server)
{
    zanni__identity_t *before = home->server;
    if (s_is_served (home))
        return;
    zanni__identity_ref (server);
    home->server = server;
    if (before)
        zanni__identity_unref (before);
    zanni__node_offer (home->node, server);
}

static int
s_serve (zanni__peer_store_t *store)
{
    zanni_ref_t *server = NULL;
    int rc = zanni__home_serve (store->self, &server, store->home->serial);
    if (rc)
        return rc;
    pthread_mutex_lock (&s_lock);
    s_appoint (store->home, server->identity);
    bool ours = store->home->server == server->identity;
    if (!ours)
        rc = s_refer (store);   // somebody was faster
    pthread_mutex_unlock (&s_lock);
    if (ours)
        store->server = server;
    else
        zanni_ref_destroy (&server);
    return rc;
}

int
zanni__home_join (zanni__peer_store_t *store, bool found)
{
    zanni_ref_t *before = NULL;
    pthread_mutex_lock (&s_lock);
    zanni__home_t *home = store->home ? store->home : s_find (store->self->worker->node);
    int rc = home ? 0 : found ? s_new (&home, store->self->worker->node) : ZANNI_EGONE;
    if (!rc && !store->home)
        s_move_in (store, home);
    bool served = !rc && s_is_served (home);
    if (!rc && store->server && (!served || store->server->identity != home->server)) {
        before = store->server;
        store->server = NULL;
    }
    if (served && !store->server)
        rc = s_refer (store);
    pthread_mutex_unlock (&s_lock);
    zanni_ref_destroy (&before);
    return rc || served || !found ? rc : s_serve (store);
}

void
zanni__home_leave (zanni__peer_store_t *store)
{
    zanni__home_t *home = store->home;
    if (!home)
        return;
    pthread_mutex_lock (&s_lock);
    zanni__link_remove (&store->link);
    zanni__identity_t *server = NULL;
    if (!--home->stores) {
        server = home->server;
        home->server = NULL;
        zanni__node_offer (home->node, NULL);
    }
    s_changed (home);   // who waits for something of the handle's is told
    s_unuse (home);
    pthread_mutex_unlock (&s_lock);
    store->home = NULL;
    if (server)
        zanni__identity_unref (server);
    zanni_ref_destroy (&store->server);
}

/* Under s_lock. */
static bool
s_has (zanni__memory_t *memory, const uint8_t id [16])
{
    pthread_mutex_lock (&memory->lock);
    bool found = zanni__memory_find (memory, id) != NULL;
    pthread_mutex_unlock (&memory->lock);
    return found;
}

zanni__memory_t *
zanni__home_find (zanni__home_t *home, const uint8_t id [16])
{
    zanni__memory_t *found = NULL;
    pthread_mutex_lock (&s_lock);
    for (zanni__link_t *at = home->list.next; at != &home->list && !found; at = at->next)
        if (s_has (ZANNI__CONTAINER (at, zanni__peer_store_t, link)->memory, id))
            found = ZANNI__CONTAINER (at, zanni__peer_store_t, link)->memory;
    if (found)
        zanni__memory_use (found);
    pthread_mutex_unlock (&s_lock);
    return found;
}
