/* References as text: ENDPOINT#NODE:ACTOR:NONCE:CLASS, node and nonce in hexadecimal digits. It is what a reference in a record
   says, but for the right to own and the count of a strong one, which only a session can keep. */

#include "remote/remote.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define S_HEX (2 * ZANNI__NONCE + 1)

/* Where this node is dialled from everywhere; "": only on this host. It does not change once it is there. */
static const char *
s_far_endpoint (zanni_node_t *node)
{
    pthread_mutex_lock (&node->lock);
    const char *endpoint = node->far_endpoint;
    pthread_mutex_unlock (&node->lock);
    return endpoint;
}

/* As the node's own: an actor of it, or one that it relays to. */
static int
s_own (zanni_worker_t *worker, zanni_wire_ref_t *wire, zanni__identity_t *identity, const char *endpoint)
{
    const zanni__export_t *export;
    int rc = identity->elsewhere ? zanni__alias_get (identity, &export) : zanni__export_get (identity, &export);
    if (!rc && !*endpoint)
        rc = zanni__worker_endpoint (worker, identity->worker, &endpoint);
    if (rc)
        return rc;
    *wire = (zanni_wire_ref_t) {
        .node = worker->node->id, .actor = export->id, .nonce = export->call, .endpoint = { endpoint, strlen (endpoint) }
    };
    return 0;
}

/* Another node's as it is known here, where whoever reads the text can dial it as this node does. */
static bool
s_is_dialled (const zanni__remote_t *remote, const char *own_endpoint)
{
    bool far = !strncmp (remote->endpoint, "tcp:", 4);
    return far || (*remote->endpoint != '~' && !*own_endpoint);
}

static int
s_to_wire (zanni_worker_t *worker, zanni_wire_ref_t *wire, zanni__identity_t *identity)
{
    const char *endpoint = s_far_endpoint (worker->node);
    if (!identity->elsewhere || !s_is_dialled (identity->as.remote, endpoint))
        return s_own (worker, wire, identity, endpoint);
    const zanni__remote_t *remote = identity->as.remote;
    *wire = (zanni_wire_ref_t) {
        .node = remote->address.node, .actor = remote->address.actor, .nonce = remote->call,
        .endpoint = { remote->endpoint, strlen (remote->endpoint) }
    };
    return 0;
}

int
zanni_ref_text (zanni_t *self, const zanni_ref_t *ref, char *text, size_t size)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!ref || !text)
        return ZANNI_EINVAL;
    char node [S_HEX], nonce [S_HEX];
    zanni_wire_ref_t wire;
    rc = s_to_wire (self->worker, &wire, ref->identity);
    if (rc)
        return rc;
    sodium_bin2hex (node, sizeof node, wire.node, ZANNI__NONCE);
    sodium_bin2hex (nonce, sizeof nonce, wire.nonce, ZANNI__NONCE);
    int written = snprintf (text, size, "%.*s#%s:%llu:%s:%s", (int) wire.endpoint.size, (const char *) wire.endpoint.data, node,
                            (unsigned long long) wire.actor, nonce, zanni_ref_class (ref));
    return written >= 0 && (size_t) written < size ? 0 : ZANNI_ETOOBIG;
}

/* 16 bytes and the colon behind them. */
static const char *
s_read_id (const char *at, uint8_t id [ZANNI__NONCE])
{
    size_t size;
    const char *end;
    if (strnlen (at, S_HEX) < S_HEX || sodium_hex2bin (id, ZANNI__NONCE, at, S_HEX - 1, NULL, &size, &end)
        || size != ZANNI__NONCE || *end != ':')
        return NULL;
    return end + 1;
}

static const char *
s_read_actor (const char *at, uint64_t *actor)
{
    char *end;
    errno = 0;
    *actor = strtoull (at, &end, 10);
    return errno || end == at || *at < '0' || *at > '9' || *end != ':' ? NULL : end + 1;
}

int
zanni_ref_parse (zanni_t *self, zanni_ref_t **ref_p, const char *text)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!ref_p || !text)
        return ZANNI_EINVAL;
    uint8_t node [ZANNI__NONCE], nonce [ZANNI__NONCE];
    uint64_t actor = 0;
    const char *hash = strchr (text, '#');
    const char *at = hash ? s_read_id (hash + 1, node) : NULL;
    at = at ? s_read_actor (at, &actor) : NULL;
    at = at ? s_read_id (at, nonce) : NULL;
    size_t size = hash ? (size_t) (hash - text) : 0;
    bool dialled = !strncmp (text, "tcp://", 6) || !strncmp (text, "ipc://", 6);
    if (!at || !dialled || size >= ZANNI_ENDPOINT_MAX || strlen (at) > ZANNI_WIRE_NAME_MAX)
        return ZANNI_EARGS;
    const zanni_wire_ref_t wire = {
        .node = node, .actor = actor, .nonce = nonce, .endpoint = { text, size }, .cls = { at, strlen (at) }
    };
    zanni__identity_t *identity;
    bool own;
    rc = zanni__node_open (self->worker->node);
    if (!rc)
        rc = zanni__ref_meant (self->worker, &identity, &wire, &own);
    if (rc)
        return rc;
    zanni_ref_t *ref = zanni__ref_new (identity, self->worker, false, false);
    zanni__identity_unref (identity);
    if (!ref)
        return ZANNI_ENOMEM;
    zanni__ref_adopt (self, ref);
    *ref_p = ref;
    return 0;
}
