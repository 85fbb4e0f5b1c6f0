/* Own actors, as other nodes know them: nonces, the table in which they are found, references as they travel.

   An actor gets its nonces when a reference to it first leaves the process. The table is the node's, under a lock, since
   whoever exports need not be the actor's worker; each worker keeps those of its own that were reached last, so that
   a stream of messages asks the table once. It counts nobody: an identity takes itself out before it is freed, and whoever
   finds one takes a reference only while there is one. */

#include "remote.h"

#include "../../base/memory.h"

#include <sodium.h>

void
zanni__nonce_to_call (uint8_t call [ZANNI__NONCE], const uint8_t own [ZANNI__NONCE])
{
    _Static_assert (ZANNI__NONCE == crypto_generichash_BYTES_MIN, "a nonce is a hash");
    (void) crypto_generichash (call, ZANNI__NONCE, own, ZANNI__NONCE, NULL, 0);
}

/* Under the lock. Somebody else may have been faster. */
static int
s_publish (zanni__identity_t *identity, zanni__export_t *export)
{
    zanni_node_t *node = identity->worker->node;
    if (atomic_load_explicit (&identity->as.exported, memory_order_relaxed))
        return ZANNI_EAPP;
    if (!zanni__table_put (&node->exports, &export->entry, zanni__spread (identity->id)))
        return ZANNI_ENOMEM;
    /* release: whoever sees the nonces sees them whole. */
    atomic_store_explicit (&identity->as.exported, export, memory_order_release);
    return 0;
}

static void
s_fill (zanni__export_t *export, zanni__identity_t *identity, uint64_t id, const uint8_t own [ZANNI__NONCE])
{
    export->id = id;
    export->identity = identity;
    memcpy (export->own, own, ZANNI__NONCE);
    zanni__nonce_to_call (export->call, own);
}

int
zanni__export_as (zanni__identity_t *identity, const uint8_t own [ZANNI__NONCE])
{
    zanni_node_t *node = identity->worker->node;
    zanni__export_t *export = zanni__malloc (sizeof *export);
    if (!export)
        return ZANNI_ENOMEM;
    s_fill (export, identity, identity->id, own);
    pthread_mutex_lock (&node->exports_lock);
    int rc = s_publish (identity, export);
    pthread_mutex_unlock (&node->exports_lock);
    if (rc)
        zanni__free (export);
    return rc == ZANNI_ENOMEM ? rc : 0;
}

int
zanni__export_get (zanni__identity_t *identity, const zanni__export_t **export_p)
{
    const zanni_clock_t *clock = &identity->worker->node->clock;
    uint8_t own [ZANNI__NONCE];
    int rc = 0;
    zanni__assert (!identity->elsewhere);
    if (!atomic_load_explicit (&identity->as.exported, memory_order_acquire)) {
        rc = clock->random (clock->context, own, sizeof own);
        if (!rc)
            rc = zanni__export_as (identity, own);
    }
    if (!rc)
        *export_p = atomic_load_explicit (&identity->as.exported, memory_order_acquire);
    return rc;
}

void
zanni__export_end (zanni__export_t *export)
{
    zanni_node_t *node = export->identity->worker->node;
    pthread_mutex_lock (&node->exports_lock);
    zanni__table_remove (&node->exports, &export->entry);
    pthread_mutex_unlock (&node->exports_lock);
    zanni__free (export);
}

/* A reference, unless the last is gone already. */
static bool
s_refer (zanni__identity_t *identity)
{
    uint32_t refs = atomic_load_explicit (&identity->refs, memory_order_relaxed);
    while (refs && !atomic_compare_exchange_weak_explicit (&identity->refs, &refs, refs + 1, memory_order_acquire,
                                                           memory_order_relaxed)) {}
    return refs;
}

static bool
s_knows (const zanni__export_t *export, const zanni_wire_actor_t *to, bool *own)
{
    *own = memcmp (to->nonce, export->call, ZANNI__NONCE) != 0;
    return !*own || !memcmp (to->nonce, export->own, ZANNI__NONCE);
}

/* Under the lock; there is a reference more to its identity then. */
static zanni__export_t *
s_find (zanni_node_t *node, uint64_t id)
{
    zanni__export_t *found = NULL;
    zanni__entry_t *entry = zanni__table_find (&node->exports, zanni__spread (id));
    if (entry && s_refer (((zanni__export_t *) (void *) entry)->identity))
        found = (zanni__export_t *) (void *) entry;
    return found;
}

bool
zanni__export_taken (zanni_node_t *node, uint64_t id)
{
    pthread_mutex_lock (&node->exports_lock);
    zanni__export_t *export = s_find (node, id);
    pthread_mutex_unlock (&node->exports_lock);
    if (export)
        zanni__identity_unref (export->identity);
    return export;
}

zanni__identity_t *
zanni__export_find (zanni_node_t *node, const zanni_wire_actor_t *to, bool *own)
{
    pthread_mutex_lock (&node->exports_lock);
    const zanni__export_t *export = to->nonce ? s_find (node, to->actor) : NULL;
    zanni__identity_t *identity = export ? export->identity : NULL;
    bool known = export && s_knows (export, to, own);
    pthread_mutex_unlock (&node->exports_lock);
    if (identity && !known)
        zanni__identity_unref (identity);
    return known ? identity : NULL;
}

/* Those of this worker that were reached last are held. */
zanni__identity_t *
zanni__reach (zanni_worker_t *worker, const zanni_wire_actor_t *to, bool *own)
{
    if (!to->nonce)
        return NULL;
    zanni__identity_t **slot = &worker->remotes->reached [to->actor % ZANNI__REACHED];
    zanni__identity_t *found = *slot;
    if (found && found->id == to->actor && found->state != ZANNI__ENDED) {
        if (!s_knows (atomic_load_explicit (&found->as.exported, memory_order_acquire), to, own))
            return NULL;
        zanni__identity_ref (found);
        return found;
    }
    found = zanni__export_find (worker->node, to, own);
    if (!found || found->worker != worker || found->elsewhere)
        return found;
    if (*slot)
        zanni__identity_unref (*slot);
    *slot = found;
    zanni__identity_ref (found);
    return found;
}

/* Under the lock. */
static int
s_alias_as (zanni__identity_t *identity, uint64_t id, const uint8_t own [ZANNI__NONCE])
{
    zanni__remote_t *remote = identity->as.remote;
    zanni_node_t *node = identity->worker->node;
    zanni__export_t *alias = zanni__malloc (sizeof *alias);
    if (!alias)
        return ZANNI_ENOMEM;
    s_fill (alias, identity, id, own);
    if (!zanni__table_put (&node->exports, &alias->entry, zanni__spread (alias->id))) {
        zanni__free (alias);
        return ZANNI_ENOMEM;
    }
    zanni__identity_ref (identity);
    remote->alias = alias;
    return 0;
}

/* Under the lock. */
static int
s_alias (zanni__identity_t *identity)
{
    zanni_node_t *node = identity->worker->node;
    uint8_t own [ZANNI__NONCE];
    int rc = node->clock.random (node->clock.context, own, sizeof own);
    uint64_t id = atomic_fetch_add_explicit (&node->next_actor, 1, memory_order_relaxed);
    return rc ? rc : s_alias_as (identity, id, own);
}

int
zanni__alias_as (zanni__identity_t *identity, uint64_t id, const uint8_t own [ZANNI__NONCE])
{
    zanni_node_t *node = identity->worker->node;
    pthread_mutex_lock (&node->exports_lock);
    zanni__assert (!identity->as.remote->alias);
    int rc = s_alias_as (identity, id, own);
    pthread_mutex_unlock (&node->exports_lock);
    return rc;
}

/* Under the lock. Its memory stays as long as the stand-in, since another worker may be about to write it into a record. */
static zanni__export_t *
s_alias_end (zanni__remote_t *remote)
{
    zanni__export_t *alias = remote->alias;
    remote->alias = NULL;
    if (alias) {
        zanni__table_remove (&remote->identity->worker->node->exports, &alias->entry);
        alias->entry.next = (zanni__entry_t *) (void *) remote->old_aliases;
        remote->old_aliases = alias;
    }
    return alias;
}

/* One that has ended is known by an alias that has ended, too, since nobody would end another one: it leads nowhere. */
int
zanni__alias_get (zanni__identity_t *identity, const zanni__export_t **export_p)
{
    zanni__remote_t *remote = identity->as.remote;
    zanni_node_t *node = identity->worker->node;
    zanni__export_t *ended = NULL;
    pthread_mutex_lock (&node->exports_lock);
    /* relaxed: who sets it ends the alias behind that, by this lock. */
    bool is_over = atomic_load_explicit (&identity->ended, memory_order_relaxed);
    bool has = remote->alias || (is_over && remote->old_aliases);
    int rc = remote->forgotten ? ZANNI_ENOACTOR : has ? 0 : s_alias (identity);
    if (is_over && !rc)
        ended = s_alias_end (remote);
    *export_p = is_over ? remote->old_aliases : remote->alias;
    pthread_mutex_unlock (&node->exports_lock);
    if (ended)
        zanni__identity_unref (ended->identity);
    return rc;
}

void
zanni__alias_end (zanni__remote_t *remote, bool for_good)
{
    zanni_node_t *node = remote->identity->worker->node;
    pthread_mutex_lock (&node->exports_lock);
    zanni__export_t *alias = s_alias_end (remote);
    remote->forgotten = remote->forgotten || for_good;
    pthread_mutex_unlock (&node->exports_lock);
    if (alias)
        zanni__identity_unref (alias->identity);
}

void
zanni__aliases_free (zanni__remote_t *remote)
{
    while (remote->old_aliases) {
        zanni__export_t *alias = remote->old_aliases;
        remote->old_aliases = (zanni__export_t *) (void *) alias->entry.next;
        zanni__free (alias);
    }
}

static zanni_bytes_t
s_text (const char *text)
{
    return (zanni_bytes_t) { text, strlen (text) };
}

/* Other hosts reach all actors by the worker that speaks with them. */
static int
s_own_to_wire (zanni_worker_t *worker, const zanni_peer_t *peer, zanni_wire_ref_t *wire, zanni__identity_t *identity)
{
    const zanni__export_t *export;
    const char *endpoint = "";
    int rc = zanni__export_get (identity, &export);
    if (!rc && identity->worker != worker && !(peer && peer->far))
        rc = zanni__worker_endpoint (worker, identity->worker, &endpoint);
    if (rc)
        return rc;
    wire->node = NULL;
    wire->actor = identity->id;
    wire->nonce = wire->own ? export->own : export->call;
    wire->endpoint = s_text (endpoint);
    wire->cls = s_text (zanni_ref_class (&identity->self));
    return 0;
}

/* Where `peer` dials the stand-in's actor; "": it does not. What belongs to this host is not reached from another one, nor the
   other way round: processes of this one have no part in tcp. */
static const char *
s_dialled_at (const zanni__remote_t *remote, const zanni_peer_t *peer)
{
    const char *endpoint = remote->endpoint;
    if (*endpoint == '~')   // it dialled us, and may have said where it listens
        endpoint = remote->listens;
    bool far = !strncmp (endpoint, "tcp:", 4);
    return *endpoint == '~' || peer->far != far ? "" : endpoint;
}

static int
s_alias_to_wire (zanni_worker_t *worker, const zanni_peer_t *peer, zanni_wire_ref_t *wire, zanni__identity_t *identity)
{
    const zanni__export_t *alias;
    const char *endpoint = "";
    int rc = zanni__alias_get (identity, &alias);
    if (!rc && identity->worker != worker && !peer->far)
        rc = zanni__worker_endpoint (worker, identity->worker, &endpoint);
    if (rc)
        return rc;
    wire->node = NULL;
    wire->actor = alias->id;
    wire->nonce = wire->own ? alias->own : alias->call;
    wire->endpoint = s_text (endpoint);
    return 0;
}

int
zanni__ref_to_wire (zanni_worker_t *worker, const zanni_peer_t *peer, zanni_wire_ref_t *wire, zanni__identity_t *identity,
                    bool strong, bool own)
{
    wire->strong = strong;
    wire->own = own;
    if (!identity->elsewhere)
        return s_own_to_wire (worker, peer, wire, identity);
    const zanni__remote_t *remote = identity->as.remote;
    /* acquire pairs with the release that made `own` known. */
    wire->own = own && atomic_load_explicit (&remote->owns, memory_order_acquire);
    wire->cls = s_text (remote->name);
    bool its_own = peer && !memcmp (peer->node, remote->address.node, sizeof peer->node);
    wire->endpoint = s_text (!peer || its_own ? remote->endpoint : s_dialled_at (remote, peer));
    if (!wire->endpoint.size)
        return s_alias_to_wire (worker, peer, wire, identity);
    wire->node = remote->address.node;
    wire->actor = remote->address.actor;
    wire->nonce = wire->own ? remote->own : remote->call;
    return 0;
}
