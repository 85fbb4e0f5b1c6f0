/* How a registry is reached: that of a node by the name that it is offered by, which finds it from other hosts,
   too. A node has one; where two are begun at once, the one that is offered first stays. */

#include "registry.h"

#include "../../actor/remote/nodes.h"
#include "../../base/tcp.h"

#include <zanni/net.h>

/* Held while one looks whether there is one, and offers another. */
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;

/* NULL: there is none. A reference of the caller's. */
static zanni__identity_t *
s_find (zanni_node_t *node)
{
    return zanni__offer_find (node, ZANNI__REGISTRY, strlen (ZANNI__REGISTRY));
}

/* ZANNI_EINUSE: there is one already. */
static int
s_offer (zanni_node_t *node, zanni__identity_t *identity)
{
    pthread_mutex_lock (&s_lock);
    zanni__identity_t *before = s_find (node);
    int rc = before ? ZANNI_EINUSE : zanni__offer_set (node, ZANNI__REGISTRY, identity);
    pthread_mutex_unlock (&s_lock);
    if (before)
        zanni__identity_unref (before);
    return rc;
}

static int
s_begin (zanni_t *self, zanni_ref_t **ref_p)
{
    zanni_ref_t *ref = NULL;
    int rc = zanni__registry_spawn (self, &ref);
    if (!rc)
        rc = s_offer (self->worker->node, ref->identity);
    if (rc)
        zanni_ref_destroy (&ref);
    else
        *ref_p = ref;
    return rc;
}

int
zanni_registry (zanni_t *self, zanni_ref_t **ref_p)
{
    int rc = zanni__check_thread (self);
    if (rc || !ref_p)
        return rc ? rc : ZANNI_EINVAL;
    zanni__identity_t *before = s_find (self->worker->node);
    if (!before)
        return s_begin (self, ref_p);
    zanni__identity_unref (before);
    return ZANNI_EINUSE;
}

/* Weak: one that its program has begun is its program's. */
static int
s_refer (zanni_t *self, zanni_ref_t **ref_p)
{
    zanni__identity_t *identity = s_find (self->worker->node);
    if (!identity)
        return ZANNI_EGONE;
    zanni_ref_t *ref = zanni__ref_new (identity, self->worker, false, false);
    zanni__identity_unref (identity);
    if (!ref)
        return ZANNI_ENOMEM;
    zanni__ref_adopt (self, ref);
    *ref_p = ref;
    return 0;
}

/* One that nobody has begun stays until its node ends. */
static int
s_here (zanni_t *self, zanni_ref_t **ref_p)
{
    int rc = s_refer (self, ref_p);
    if (rc != ZANNI_EGONE)
        return rc;
    zanni_ref_t *ref = NULL;
    rc = s_begin (self, &ref);
    if (!rc)
        rc = zanni_tell (self, ref, "stay", ref);
    if (!rc || rc == ZANNI_EINUSE)
        rc = s_refer (self, ref_p);
    zanni_ref_destroy (&ref);
    return rc;
}

static int
s_check (const char *place, zanni_error_t *error)
{
    return !*place || zanni__tcp_is_address (place) ? 0 : zanni__directory_error (error, ZANNI_EINVAL, "a registry is \"registry:\", this node's own, or "
                                              "\"registry:tcp://HOST:PORT\": what is \"%.100s\"?", place);
}

static int
s_reach (zanni_t *self, zanni_ref_t **ref_p, const char *place, const zanni_directory_options_t *options,
         const zanni_ask_t *ask)
{
    const zanni_connect_t connect = { .name = ZANNI__REGISTRY, .insecure = options->insecure };
    return *place ? zanni_connect_ask (self, place, &connect, ask) : s_here (self, ref_p);
}

const zanni_directory_ops_t zanni__directory_registry = {
    .size = sizeof (zanni_directory_ops_t), .kind = "registry", .check = s_check, .reach = s_reach
};
