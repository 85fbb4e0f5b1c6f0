/* Routers: who of a group gets a message. Keys are spread by the highest of the hashes of key and member: a member
   that leaves gives its keys to all others alike, and no other key moves; all routers choose alike, for the hash
   of a reference is its actor's address. That looks at each member, some nanoseconds each, and needs no ring to be
   kept. */

#include "roster.h"

#include "../base/memory.h"

#include <string.h>

struct zanni_router {
    zanni_directory_t *directory;
    zanni__roster_t *roster;
    zanni__roster_seats_t seats;
    zanni_routing_t routing;
    size_t next;
};

static void
s_free (zanni_router_t *router)
{
    zanni__roster_exit (router->roster);
    zanni__roster_seats_free (&router->seats);
    zanni__free (router);
}

/* `ask` NULL: waits. */
static int
s_open (zanni_directory_t *directory, zanni_router_t **router_p, const char *group, zanni_routing_t routing,
        const zanni_ask_t *ask)
{
    if (!directory || !router_p || !zanni__group_is_good (group) || routing > ZANNI_BROADCAST)
        return ZANNI_EINVAL;
    int rc = zanni__check_thread (directory->self);
    if (rc)
        return rc;
    zanni_router_t *router = zanni__calloc (sizeof *router);
    zanni__roster_t *roster = zanni__roster_new ();
    if (!router || !roster) {
        if (roster)
            zanni__roster_exit (roster);
        zanni__free (router);
        return ZANNI_ENOMEM;
    }
    *router = (zanni_router_t) { .directory = directory, .roster = roster, .routing = routing };
    const zanni_arg_t args [] = { zanni_arg_string (group), zanni_arg_uint (zanni__roster_serial (roster)) };
    const zanni__words_t words = { "route", args, 2 };
    rc = zanni__directory_do (directory, NULL, ask, &words);
    if (rc)
        s_free (router);
    else
        *router_p = router;
    return rc;
}

int
zanni_router_open (zanni_directory_t *directory, zanni_router_t **router_p, const char *group,
                   zanni_routing_t routing)
{
    return s_open (directory, router_p, group, routing, NULL);
}

int
zanni_router_open_ask (zanni_directory_t *directory, zanni_router_t **router_p, const char *group,
                       zanni_routing_t routing,
                       const zanni_ask_t *ask)
{
    static const zanni_ask_t defaults;
    return s_open (directory, router_p, group, routing, ask ? ask : &defaults);
}

void
zanni_router_close (zanni_router_t **router_p)
{
    if (!router_p || !*router_p)
        return;
    zanni_router_t *router = *router_p;
    *router_p = NULL;
    int rc = zanni_tell (router->directory->self, router->directory->agent, "unroute",
                         zanni__roster_serial (router->roster));
    (void) rc;   // one that is full or gone follows no longer than the handle lives
    s_free (router);
}

/* Without memory what was known before does. */
static int
s_sync (zanni_router_t *router)
{
    int rc = router ? zanni__check_thread (router->directory->self) : ZANNI_EINVAL;
    int lack = rc ? 0 : zanni__roster_sync (router->directory->self, router->roster, &router->seats);
    (void) lack;
    return rc;
}

size_t
zanni_router_count (zanni_router_t *router)
{
    return s_sync (router) ? 0 : router->seats.count;
}

static size_t
s_by_key (const zanni_router_t *router, const char *key)
{
    uint64_t hash = zanni__directory_hash (key, strlen (key)), best = 0;
    size_t chosen = 0;
    for (size_t i = 0; i < router->seats.count; i++) {
        uint64_t weight = zanni__affinity (hash, zanni_ref_hash (router->seats.seats [i].ref));
        if (i && weight <= best)
            continue;
        best = weight;
        chosen = i;
    }
    return chosen;
}

static int
s_choose (zanni_router_t *router, size_t *at_p, const char *key)
{
    const zanni_clock_t *clock = &router->directory->self->worker->node->clock;
    size_t count = router->seats.count;
    uint64_t random;
    if (router->routing == ZANNI_BROADCAST || (router->routing == ZANNI_BY_KEY) != (key != NULL))
        return ZANNI_EINVAL;
    if (!count)
        return ZANNI_EGONE;
    if (router->routing == ZANNI_BY_KEY)
        *at_p = s_by_key (router, key);
    else if (router->routing == ZANNI_ROUND_ROBIN) {
        *at_p = router->next % count;
        router->next = *at_p + 1;
    } else {
        int rc = clock->random (clock->context, &random, sizeof random);
        if (rc)
            return rc;
        *at_p = (size_t) (random % count);
    }
    return 0;
}

int
zanni_router_next (zanni_router_t *router, const zanni_ref_t **ref_p, const char *key)
{
    size_t at = 0;
    int rc = s_sync (router);
    if (!rc && !ref_p)
        rc = ZANNI_EINVAL;
    if (!rc)
        rc = s_choose (router, &at, key);
    if (!rc)
        *ref_p = router->seats.seats [at].ref;
    return rc;
}

static bool
s_passes_over (int rc)
{
    return rc == ZANNI_EFULL || rc == ZANNI_ENOACTOR || rc == ZANNI_EROUTE;
}

int
zanni_router_tell_args (zanni_router_t *router, const char *key, const char *method, const zanni_arg_t *args,
                        size_t count)
{
    size_t at = 0;
    int rc = s_sync (router);
    if (!rc && router->routing == ZANNI_BROADCAST) {
        rc = key ? ZANNI_EINVAL : zanni_topic_tell_args (router, method, args, count);
        return rc < 0 ? rc : 0;
    }
    if (!rc)
        rc = s_choose (router, &at, key);
    if (rc)
        return rc;
    size_t tries = router->routing == ZANNI_BY_KEY ? 1 : router->seats.count;
    for (rc = ZANNI_EFULL; tries && s_passes_over (rc); tries--, at++) {
        at %= router->seats.count;
        rc = zanni_tell_args (router->directory->self, router->seats.seats [at].ref, method, args, count);
    }
    return rc;
}

int
zanni_topic_tell_args (zanni_router_t *router, const char *method, const zanni_arg_t *args, size_t count)
{
    int rc = s_sync (router);
    if (rc || !router->seats.count)
        return rc;
    const zanni_ref_t **refs = zanni__malloc (router->seats.count * sizeof *refs);
    if (!refs)
        return ZANNI_ENOMEM;
    for (size_t i = 0; i < router->seats.count; i++)
        refs [i] = router->seats.seats [i].ref;
    rc = zanni_send_all_args (router->directory->self, refs, router->seats.count, NULL, method, args, count);
    zanni__free ((void *) (uintptr_t) refs);
    return rc;
}
