/* Stand-ins, and what becomes of them when their node does.

   A worker's table has one reference to each of its stand-ins; those that nobody else refers to are swept when the table
   has doubled, so that a stream of short-lived senders leaves nothing behind. One with an alias is not among them, since
   nobody knows who may still use that: it stays until its actor's end is known, which only a monitor or the session's end
   tells. A stand-in is ZANNI__ELSEWHERE as long as it lives; `ended` says that its actor will not come back. Its limit is 0,
   so that whoever sends to it takes the slow way, where the window is asked. */

#include "nodes.h"

#include "../pending.h"

#include "../../message/buffer.h"
#include "../../base/memory.h"

#include <stdio.h>

#define S_SWEEP_LEAST 256
#define S_CREDIT (UINT64_C (64) << 10)   // bytes, and the link is told

int
zanni__worker_link (zanni_worker_t *worker)
{
    const zanni_link_ops_t *ops = worker->node->link;
    if (worker->link)
        return 0;
    if (worker->link_over)
        return ZANNI_ECLOSED;
    zanni__remotes_t *remotes = zanni__calloc (sizeof *remotes);
    if (!remotes)
        return ZANNI_ENOMEM;
    remotes->sweep_at = S_SWEEP_LEAST;
    worker->remotes = remotes;
    int rc = ops->open (ops->context, worker, &worker->link);
    if (rc) {
        worker->link = NULL;
        worker->remotes = NULL;
        zanni__free (remotes);
    }
    return rc;
}

/* It does not come back by itself. relaxed: on the thread that writes it. */
static bool
s_has_ended (const zanni__identity_t *identity)
{
    return identity->as.remote->cut || atomic_load_explicit (&identity->ended, memory_order_relaxed);
}

/* Which of two for one address a reference goes by: one that does not come back may have a successor. */
static bool
s_is_rather (const zanni__remote_t *one, const zanni__remote_t *other)
{
    bool ended = s_has_ended (one->identity);
    return ended == s_has_ended (other->identity) ? other->by_peer : !ended;
}

zanni__identity_t *
zanni__remote_find (const zanni_worker_t *worker, const zanni_address_t *address)
{
    if (!worker->remotes)
        return NULL;
    uint64_t hash = zanni__address_hash (address);
    zanni__identity_t *found = NULL;
    zanni__entry_t *entry = zanni__table_find (&worker->remotes->stand_ins, hash);
    for (; entry; entry = zanni__table_again (entry->next, hash)) {
        const zanni__remote_t *remote = (zanni__remote_t *) (void *) entry;
        if (!memcmp (&remote->address, address, sizeof *address) && (!found || s_is_rather (remote, found->as.remote)))
            found = remote->identity;
    }
    return found;
}

void
zanni__remote_free (zanni__remote_t *remote)
{
    zanni__aliases_free (remote);
    zanni__free (remote->place);
    zanni__free (remote);
}

/* Takes a stand-in out of its table. */
static void
s_forget (zanni_worker_t *worker, zanni__remote_t *remote)
{
    zanni__remotes_t *remotes = worker->remotes;
    zanni__table_remove (&remotes->stand_ins, &remote->entry);
    if (remotes->last == remote->identity)
        remotes->last = NULL;
    if (remotes->again.from == remote->identity)
        zanni__tell_forget (worker);
    zanni__credit (worker);
    zanni__alias_end (remote, true);
    atomic_store_explicit (&remote->identity->ended, true, memory_order_relaxed);   // should anybody still send to it
    worker->node->link->leave (remote->peer);
    remote->peer = NULL;
    zanni__identity_unref (remote->identity);
}

/* Those that only the table refers to. The count is this thread's to judge: others only have what they were given, and
   that counts. */
static void
s_sweep (zanni_worker_t *worker)
{
    zanni__table_t *table = &worker->remotes->stand_ins;
    for (uint32_t i = 0; i < table->size; i++) {
        zanni__entry_t *next;
        for (zanni__entry_t *entry = table->buckets [i]; entry; entry = next) {
            zanni__remote_t *remote = (zanni__remote_t *) (void *) entry;
            next = entry->next;
            /* acquire: what those did who let go of it is over. */
            if (atomic_load_explicit (&remote->identity->refs, memory_order_acquire) == 1 && !remote->lent
                && !remote->identity->watchers)
                s_forget (worker, remote);
        }
    }
    worker->remotes->sweep_at = table->count * 2 > S_SWEEP_LEAST ? table->count * 2 : S_SWEEP_LEAST;
}

static zanni__remote_t *
s_remote_new (const zanni_wire_ref_t *ref, const zanni_address_t *address)
{
    zanni__remote_t *remote = zanni__calloc (sizeof *remote + ref->cls.size + 1);
    if (!remote)
        return NULL;
    remote->address = *address;
    if (ref->cls.size)
        memcpy (remote->name, ref->cls.data, ref->cls.size);
    if (ref->own) {
        memcpy (remote->own, ref->nonce, ZANNI__NONCE);
        zanni__nonce_to_call (remote->call, ref->nonce);
        atomic_init (&remote->owns, true);
    }
    else
        memcpy (remote->call, ref->nonce, ZANNI__NONCE);
    return remote;
}

/* Its class is known where the program registered one of that name. */
static zanni__identity_t *
s_identity_new (zanni_worker_t *worker, zanni__remote_t *remote)
{
    const zanni__class_t *cls = *remote->name ? zanni__class_find (remote->name) : NULL;
    zanni__identity_t *identity = zanni__identity_new (worker, cls ? cls : zanni__class_none ());
    if (!identity)
        return NULL;
    identity->id = remote->address.actor;
    identity->elsewhere = true;
    identity->state = ZANNI__ELSEWHERE;
    identity->owned = false;   // its one reference is the table's
    atomic_store_explicit (&identity->limit, 0, memory_order_relaxed);
    identity->as.remote = remote;
    remote->identity = identity;
    return identity;
}

static int
s_join (zanni_worker_t *worker, zanni__remote_t *remote, const zanni_bytes_t *endpoint)
{
    const zanni_link_ops_t *ops = worker->node->link;
    if (!endpoint->size || endpoint->size >= sizeof remote->endpoint)
        return ZANNI_EROUTE;
    memcpy (remote->endpoint, endpoint->data, endpoint->size);   // zeroed before
    int rc = ops->join (worker->link, remote->endpoint, remote->address.node, &remote->peer);
    if (!rc)
        remote->serial = remote->peer->serial;
    if (!rc && *remote->endpoint == '~')
        memcpy (remote->listens, remote->peer->listens, sizeof remote->listens);
    return rc;
}

static int
s_make (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni_wire_ref_t *ref,
        const zanni_address_t *address)
{
    zanni__remotes_t *remotes = worker->remotes;
    if (remotes->stand_ins.count >= remotes->sweep_at)
        s_sweep (worker);
    zanni__remote_t *remote = s_remote_new (ref, address);
    if (!remote)
        return ZANNI_ENOMEM;
    int rc = s_join (worker, remote, &ref->endpoint);
    if (rc) {
        zanni__free (remote);
        return rc;
    }
    zanni__identity_t *identity = s_identity_new (worker, remote);
    if (!identity) {
        worker->node->link->leave (remote->peer);
        zanni__free (remote);
        return ZANNI_ENOMEM;
    }
    if (!zanni__table_put (&remotes->stand_ins, &remote->entry, zanni__address_hash (address))) {
        worker->node->link->leave (remote->peer);
        zanni__identity_unref (identity);
        return ZANNI_ENOMEM;
    }
    if (remotes->met != remote->peer->serial && ref->actor != ZANNI__NODE_ACTOR) {   // once a peer, as long as it is always the same
        remotes->met = remote->peer->serial;
        zanni__node_met (worker->node, remote->address.node, remote->endpoint);
    }
    *identity_p = identity;
    return 0;
}

/* Somebody gave us the right to own it. */
static void
s_learn (zanni__remote_t *remote, const zanni_wire_ref_t *ref)
{
    if (!ref->own || atomic_load_explicit (&remote->owns, memory_order_relaxed))
        return;
    memcpy (remote->own, ref->nonce, ZANNI__NONCE);
    /* release: who sees that it is known sees it whole. */
    atomic_store_explicit (&remote->owns, true, memory_order_release);
}

/* A stand-in ends with the last way to its actor, which may be known by another one now. */
static bool
s_leads_elsewhere (const zanni__identity_t *identity, const zanni_bytes_t *endpoint)
{
    const char *known = identity->as.remote->endpoint;
    return identity->as.remote->cut || strlen (known) != endpoint->size || memcmp (known, endpoint->data, endpoint->size) != 0;
}

int
zanni__remote_get (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni_wire_ref_t *ref)
{
    zanni_address_t address = { .actor = ref->actor };
    memcpy (address.node, ref->node, sizeof address.node);
    int rc = zanni__worker_link (worker);
    if (rc)
        return rc;
    zanni__identity_t *found = zanni__remote_find (worker, &address);
    if (!found || (s_has_ended (found) && s_leads_elsewhere (found, &ref->endpoint)))
        return s_make (worker, identity_p, ref, &address);
    s_learn (found->as.remote, ref);
    *identity_p = found;
    return 0;
}

int
zanni__remote_by (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni_wire_ref_t *ref,
                  const zanni_peer_t *peer)
{
    zanni_address_t address = { .actor = ref->actor };
    memcpy (address.node, ref->node, sizeof address.node);
    uint64_t hash = zanni__address_hash (&address);
    zanni__entry_t *entry = zanni__table_find (&worker->remotes->stand_ins, hash);
    for (; entry; entry = zanni__table_again (entry->next, hash)) {
        zanni__remote_t *remote = (zanni__remote_t *) (void *) entry;
        if (remote->peer != peer || memcmp (&remote->address, &address, sizeof address) != 0)
            continue;
        *identity_p = remote->identity;
        return 0;
    }
    int rc = s_make (worker, identity_p, ref, &address);
    if (!rc)
        (*identity_p)->as.remote->by_peer = true;
    return rc;
}

int
zanni__remote_at (zanni_worker_t *worker, zanni__identity_t **identity_p, const char *endpoint)
{
    static const uint8_t nobody [ZANNI__NONCE];
    const zanni_address_t address = { .actor = ZANNI__NODE_ACTOR };
    const zanni_wire_ref_t ref = {
        .node = address.node, .actor = address.actor, .nonce = nobody, .endpoint = { endpoint, strlen (endpoint) }
    };
    int rc = zanni__worker_link (worker);
    return rc ? rc : s_make (worker, identity_p, &ref, &address);
}

/* Whether only its own worker reaches it: it dialled us; or it was spawned and may not be there yet. */
static bool
s_is_reached_by_its_own (const zanni__identity_t *identity)
{
    zanni__remote_t *remote = identity->as.remote;
    uint8_t spawning = ZANNI__SPAWNING;
    if (*remote->endpoint == '~')
        return true;
    if (atomic_load_explicit (&remote->birth, memory_order_relaxed) == ZANNI__BORN)
        return false;
    (void) atomic_compare_exchange_strong_explicit (&remote->birth, &spawning, ZANNI__SPAWNED_EARLY, memory_order_relaxed,
                                                    memory_order_relaxed);
    return spawning != ZANNI__BORN;   // what it was
}

int
zanni__remote_here (zanni_worker_t *worker, zanni__identity_t **here_p, zanni__identity_t *identity)
{
    zanni_wire_ref_t ref;
    if (!identity->elsewhere || identity->worker == worker || s_is_reached_by_its_own (identity)) {
        *here_p = identity;
        return 0;
    }
    int rc = zanni__ref_to_wire (worker, NULL, &ref, identity, false, true);
    if (!rc)
        rc = zanni__remote_get (worker, here_p, &ref);
    /* relaxed: a hint, as everywhere. */
    if (!rc && atomic_load_explicit (&identity->ended, memory_order_relaxed))
        zanni__remote_ended (*here_p);
    return rc;
}

void
zanni__remote_ended (zanni__identity_t *identity)
{
    if (atomic_load_explicit (&identity->ended, memory_order_relaxed))
        return;
    identity->as.remote->lent = 0;
    atomic_store_explicit (&identity->ended, true, memory_order_relaxed);
    zanni__alias_end (identity->as.remote, false);
}

void
zanni__remote_sent (zanni_worker_t *worker)
{
    if (!worker->dirty && !worker->link_dirty)
        worker->dirty_ns = worker->now_ns;
    worker->link_dirty = true;
}

/* Only its own worker knows the window; what is on the way to that worker counts like what is in the window. */
static bool
s_admits_from_afar (const zanni_node_t *node, const zanni__identity_t *to)
{
    uint64_t coming = (uint64_t) atomic_load_explicit (&to->coming, memory_order_relaxed) * ZANNI__CHARGE
                      + atomic_load_explicit (&to->coming_bytes, memory_order_relaxed);
    return !atomic_load_explicit (&to->as.remote->full, memory_order_relaxed) && coming <= node->options.window_bytes;
}

int
zanni__remote_admits (const zanni_worker_t *worker, const zanni__identity_t *to, uint32_t weight)
{
    const zanni_node_t *node = worker->node;
    if (atomic_load_explicit (&to->ended, memory_order_relaxed))
        return ZANNI_ENOACTOR;
    if (to->worker != worker)
        return s_admits_from_afar (node, to) ? 0 : ZANNI_EFULL;
    const zanni_peer_t *peer = to->as.remote->peer;
    uint64_t half = peer->item_most ? peer->item_most : node->options.window_bytes / 2;
    uint64_t charge = weight ? zanni__charge (peer, weight) : half;
    return node->link->admits (to->as.remote->peer, charge) ? 0 : ZANNI_EFULL;
}

int
zanni__remote_trusts (const zanni_worker_t *worker, const zanni__identity_t *to)
{
    zanni_peer_t *peer = to->elsewhere && to->worker == worker ? to->as.remote->peer : NULL;
    const zanni_link_ops_t *link = worker->node->link;
    return peer && peer->far && link->trusts ? link->trusts (peer) : 0;
}

void
zanni__remote_taken (zanni_worker_t *worker, const zanni_msg_t *msg)
{
    const zanni__remote_t *remote = msg->from->as.remote;
    zanni__remotes_t *remotes = worker->remotes;
    if (msg->item.flags & ZANNI__REMOTE)
        return;   // it did not come straight from there, and counts no more: see inbound.c
    uint64_t charge = zanni__charge (remote->peer, msg->item.weight);
    if (__builtin_expect (remotes->credited != remote->peer || remotes->credit >= S_CREDIT, 0)) {
        zanni__credit (worker);
        remotes->credited = remote->peer;
    }
    remotes->credit += remote->peer ? charge : 0;
}

bool
zanni__remote_retake (zanni_worker_t *worker, const zanni_msg_t *msg)
{
    zanni__remotes_t *remotes = worker->remotes;
    zanni_peer_t *peer = msg->from->as.remote->peer;
    uint64_t charge = zanni__charge (peer, msg->item.weight);
    if (msg->item.flags & ZANNI__REMOTE || !peer || remotes->credited != peer || remotes->credit < charge)
        return false;
    remotes->credit -= charge;
    return true;
}

void
zanni__credit (zanni_worker_t *worker)
{
    zanni__remotes_t *remotes = worker->remotes;
    uint64_t charge = remotes->credit;
    remotes->credit = 0;
    if (charge)
        worker->node->link->taken (remotes->credited, charge);
}

/* The error that ends asks whose receiver is gone. */
static int
s_why (const zanni_reason_t *reason, char *text, size_t size)
{
    char why [128];
    int code = reason->kind == ZANNI_EXIT_NO_CONNECTION ? ZANNI_ENODE : ZANNI_EDOWN;
    if (reason->kind == ZANNI_EXIT_ERROR && reason->code == ZANNI_EAUTH) {
        snprintf (text, size, "%s", reason->text);
        return ZANNI_EAUTH;
    }
    snprintf (text, size, "%s: %s", zanni_strerror (code), zanni_reason_string (reason, why, sizeof why));
    return code;
}

/* A spawn answers why it failed, where that is known. */
static bool
s_is_failed_start (const zanni_reason_t *reason)
{
    return reason->kind == ZANNI_EXIT_ERROR && reason->code < 0 && reason->code >= INT32_MIN;
}

/* Without memory its deadline, or a later try, ends it. */
static void
s_fail_ask (zanni_worker_t *worker, zanni__pending_t *pending, const zanni_reason_t *reason)
{
    char text [160];
    if (pending->as.ask.starts && s_is_failed_start (reason)) {
        zanni__ask_fail (worker, pending, (int) reason->code, reason->text);
        return;
    }
    int code = s_why (reason, text, sizeof text);
    zanni__ask_fail (worker, pending, code, text);
}

static void
s_fail_asks (zanni_worker_t *worker, const zanni_peer_t *peer, const zanni_reason_t *reason)
{
    for (uint32_t slot = 0; slot < worker->pendings_size; slot++) {
        zanni__pending_t *pending = zanni__pending_at (worker, slot);
        if (!pending || pending->kind != ZANNI__AN_ASK || !pending->as.ask.target)
            continue;
        const zanni__identity_t *target = pending->as.ask.target;
        if (target->elsewhere && target->worker == worker && target->as.remote->peer == peer)
            s_fail_ask (worker, pending, reason);
    }
}

/* Of a node that begins anew only actor 0 comes back. */
static void
s_down (zanni_worker_t *worker, zanni__remote_t *remote, const zanni_reason_t *reason, bool restarts)
{
    zanni__identity_t *identity = remote->identity;
    remote->lent = 0;
    atomic_store_explicit (&remote->full, false, memory_order_relaxed);   // the next session has a window of its own
    if (!restarts || remote->address.actor)
        zanni__alias_end (remote, false);   // who knows it by that is told by its monitors, and finds it gone
    if (reason->kind <= ZANNI_EXIT_SHUTDOWN)   // who ends so has told its partners: whom it did not came too late
        zanni__watchers_unlink (worker, identity, NULL);
    zanni__watchers_end (worker, identity, reason, restarts && !remote->address.actor);
}

void
zanni_worker_peer_down (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_reason_t *reason, bool restarts,
                        bool final)
{
    const zanni__table_t *table = &worker->remotes->stand_ins;
    char text [160];
    s_fail_asks (worker, peer, reason);
    const zanni__answer_t asks = { .code = s_why (reason, text, sizeof text), .text = text };
    const zanni__answer_t starts = { .code = (int) reason->code, .text = reason->text };
    zanni__relays_fail (worker, peer, &asks, s_is_failed_start (reason) ? &starts : &asks);
    for (uint32_t i = 0; i < table->size; i++)
        for (zanni__entry_t *entry = table->buckets [i]; entry; entry = entry->next) {
            zanni__remote_t *remote = (zanni__remote_t *) (void *) entry;
            if (remote->peer != peer)
                continue;
            s_down (worker, remote, reason, restarts);
            remote->cut = *peer->endpoint == '~';
            if (final || (restarts && remote->address.actor))
                zanni__remote_ended (remote->identity);
        }
    zanni__lend_end_all (worker, peer);
}

void
zanni_worker_peer_room (zanni_worker_t *worker, zanni_peer_t *peer)
{
    const zanni__table_t *table = &worker->remotes->stand_ins;
    for (uint32_t i = 0; i < table->size; i++)
        for (zanni__entry_t *entry = table->buckets [i]; entry; entry = entry->next)
            if (((zanni__remote_t *) (void *) entry)->peer == peer) {
                zanni__remote_t *remote = (zanni__remote_t *) (void *) entry;
                atomic_store_explicit (&remote->full, false, memory_order_relaxed);
                zanni__waiters_wake (worker, remote->identity);
            }
}

int
zanni_worker_buffer (zanni_worker_t *worker, zanni_buffer_t **buffer_p, size_t size)
{
    return zanni__buffer_new (buffer_p, worker->node->region_ops, worker->node->region, size);
}

void
zanni__remotes_free (zanni_worker_t *worker)
{
    zanni__remotes_t *remotes = worker->remotes;
    uint32_t at = 0;
    zanni__entry_t *entry;
    if (!remotes)
        return;
    zanni__tell_forget (worker);
    zanni__relays_free (worker);
    zanni__debts_free (worker);
    for (int i = 0; i < ZANNI__REACHED; i++)
        if (remotes->reached [i])
            zanni__identity_unref (remotes->reached [i]);
    while ((entry = zanni__table_first (&remotes->stand_ins, &at)))
        s_forget (worker, (zanni__remote_t *) (void *) entry);
    zanni__table_free (&remotes->stand_ins);
    zanni__free (remotes);
    worker->remotes = NULL;
}

int
zanni_set_wire (zanni_t *self, const zanni_ref_t *ref, const zanni_wire_t *wire)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!ref || !wire || (wire->size && wire->size != sizeof *wire) || wire->level_max > 3)
        return ZANNI_EINVAL;
    zanni__identity_t *to;
    const zanni_link_ops_t *link = self->worker->node->link;
    if (!ref->identity->elsewhere)
        return 0;
    rc = zanni__target (self->worker, &to, ref);
    if (!rc && link->prefer && to->worker == self->worker)
        link->prefer (to->as.remote->peer, wire->level_max, wire->in_band_max);
    return rc;
}
