/* tcp, as programs say it: who listens, who is offered, who connects. What a node is asked when it is connected to is an ask
   to the node itself, whose id is not known yet: see actor/remote/nodes.h. */

#include "../actor/remote/nodes.h"
#include "../actor/worker.h"
#include "../base/tcp.h"
#include "../link/translate.h"

#include <stdio.h>
#include <zanni/arg.h>
#include <zanni/message.h>
#include <zanni/net.h>

/* Sees to all that sessions with other nodes need. */
static int
s_prepare (zanni_t *self, bool insecure)
{
    zanni_node_t *node = self->worker->node;
    if (insecure && node->options.insecure)
        atomic_store_explicit (&node->insecure_far, true, memory_order_relaxed);
    int rc = zanni__node_open (node);   // the pulses need the control thread
    return rc ? rc : zanni__worker_link (self->worker);
}

/* Nobody is offered before he listens: nothing comes by the listener until this worker looks. */
static int
s_bind (zanni_t *self, const zanni_link_bind_t *how)
{
    zanni_worker_t *worker = self->worker;
    zanni_node_t *node = worker->node;
    struct zanni__offer *offer = zanni__offer_new ("", self->identity);
    if (!offer)
        return ZANNI_ENOMEM;
    int rc = node->link->bind (worker->link, how, worker->far_endpoint);
    if (rc) {
        zanni__offer_destroy (&offer);
        return rc;
    }
    zanni__offer_put_p (node, &offer);
    pthread_mutex_lock (&node->lock);
    if (!*node->far_endpoint)
        strcpy (node->far_endpoint, worker->far_endpoint);
    pthread_mutex_unlock (&node->lock);
    return 0;
}

int
zanni_bind (zanni_t *self, const char *endpoint, const zanni_bind_t *options)
{
    static const zanni_bind_t defaults;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!options)
        options = &defaults;
    if (!endpoint || (options->size && options->size != sizeof *options))
        return ZANNI_EINVAL;
    if (!self->worker->node->link->bind)
        return ZANNI_EROUTE;
    char why [sizeof options->error->text] = "";
    const zanni_link_bind_t how = {
        .endpoint = endpoint, .advertised = options->advertised ? options->advertised : "", .openly = options->insecure,
        .why = why, .why_size = sizeof why
    };
    rc = s_prepare (self, options->insecure);
    if (!rc)
        rc = s_bind (self, &how);
    if (rc && options->error)
        zanni__error_set (options->error, rc, *why ? why : NULL);
    else if (rc && *why)
        zanni__log (self->worker->node, ZANNI_LOG_WARNING, "%s", why);
    return rc;
}

int
zanni_endpoint (zanni_t *self, const char **endpoint_p)
{
    int rc = zanni__check_thread (self);
    if (!rc && !endpoint_p)
        rc = ZANNI_EINVAL;
    if (!rc)
        *endpoint_p = self->worker->far_endpoint;
    return rc;
}

int
zanni_offer (zanni_t *self, const char *name, const zanni_ref_t *ref)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!name || !*name || strlen (name) > ZANNI_WIRE_NAME_MAX)
        return ZANNI_EINVAL;
    return zanni__offer_set (self->worker->node, name, ref ? ref->identity : NULL);
}

int
zanni_route (zanni_t *self, const char *from, const char *to)
{
    int rc = zanni__check_thread (self);
    if (!rc && !(zanni__tcp_is_address (from) && (!to || zanni__tcp_is_address (to))))
        rc = ZANNI_EINVAL;
    return rc ? rc : zanni__translation_set (self->worker->node, from, to);
}

static int
s_check (const char *endpoint, const zanni_connect_t *options)
{
    bool good = zanni__tcp_is_address (endpoint) && (!options->size || options->size == sizeof *options)
                && (!options->name || strlen (options->name) <= ZANNI_WIRE_NAME_MAX);
    return good ? 0 : ZANNI_EINVAL;
}

/* A reference to the node there. */
static int
s_reach (zanni_t *self, zanni_ref_t **node_p, const char *endpoint, const zanni_connect_t *options)
{
    int rc = zanni__check_thread (self);
    if (!rc)
        rc = s_check (endpoint, options);
    if (!rc)
        rc = s_prepare (self, options->insecure);
    return rc ? rc : zanni__node_at (self, node_p, endpoint);
}

int
zanni_connect_ask (zanni_t *self, const char *endpoint, const zanni_connect_t *options, const zanni_ask_t *ask)
{
    static const zanni_connect_t defaults;
    zanni_ref_t *node = NULL;
    if (!options)
        options = &defaults;
    int rc = s_reach (self, &node, endpoint, options);
    if (rc)
        return rc;
    const zanni_arg_t name = zanni_arg_string (options->name ? options->name : "");
    rc = zanni_ask_args (self, node, ask, "zanni.find", &name, 1);
    zanni_ref_destroy (&node);
    return rc;
}

static int
s_find (zanni_t *self, zanni_ref_t **ref_p, const zanni_ref_t *node, const zanni_connect_t *options)
{
    zanni_msg_t *reply = NULL;
    const zanni_ref_t *found = NULL;
    const zanni_arg_t name = zanni_arg_string (options->name ? options->name : "");
    const zanni_ask_t ask = { .deadline_ms = options->timeout_ms, .error = options->error };
    int rc = zanni_call_args (self, &reply, node, &ask, "zanni.find", &name, 1);
    if (!rc)
        rc = zanni_read (reply, &found);
    if (!rc)
        rc = zanni_ref_keep (self, ref_p, found);
    zanni_msg_destroy (&reply);
    return rc;
}

int
zanni_connect (zanni_t *self, zanni_ref_t **ref_p, const char *endpoint, const zanni_connect_t *options)
{
    static const zanni_connect_t defaults;
    zanni_ref_t *node = NULL;
    if (!ref_p)
        return ZANNI_EINVAL;
    if (!options)
        options = &defaults;
    int rc = s_reach (self, &node, endpoint, options);
    if (!rc)
        rc = s_find (self, ref_p, node, options);
    else if (!options->size || options->size == sizeof *options)
        zanni__error_set (options->error, rc, zanni_strerror (rc));
    zanni_ref_destroy (&node);
    return rc;
}
