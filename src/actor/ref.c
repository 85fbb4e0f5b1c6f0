/* References as handles. A handle hangs in its holder's list, so that what an actor forgot to drop goes with it; one
   inside a message hangs nowhere and goes with the message. A drop is the handle itself, sent to the actor's worker:
   it arrives behind everything that was sent before from this thread, and no memory is needed for it. */

#include "remote/remote.h"

#include "../base/memory.h"

zanni_ref_t *
zanni__ref_new (zanni__identity_t *identity, zanni_worker_t *worker, bool strong, bool own)
{
    zanni_ref_t *ref = zanni__malloc (sizeof *ref);
    if (!ref)
        return NULL;
    *ref = (zanni_ref_t) { .identity = identity, .worker = worker, .strong = strong, .own = own };
    zanni__identity_ref (identity);
    if (strong)
        atomic_fetch_add_explicit (&identity->strong, 1, memory_order_relaxed);
    if (worker)
        zanni_worker_hold (worker);
    return ref;
}

void
zanni__ref_adopt (zanni_t *self, zanni_ref_t *ref)
{
    zanni__hook_insert (&self->refs, &ref->as.hook);
}

/* A strong reference by another worker's stand-in, which releases it by a session of its own: not before what was sent
   from here has arrived. It comes back when it has. */
static bool
s_waits (zanni_worker_t *worker, zanni_ref_t *ref)
{
    const zanni__identity_t *identity = ref->identity;
    if (__builtin_expect (!identity->elsewhere, 1) || !ref->strong || identity->worker == worker)
        return false;
    const zanni__identity_t *here = zanni__remote_find (worker, &identity->as.remote->address);
    return here && zanni__drop_behind (here->as.remote->peer, ref);
}

/* On the thread of `worker`; the handle is in no list any more. */
static void
s_send_drop (zanni_worker_t *worker, zanni_ref_t *ref)
{
    zanni_worker_t *holder = ref->worker;
    ref->worker = NULL;
    ref->as.item = (zanni__item_t) { .kind = ZANNI__DROP };
    if (!s_waits (worker, ref))
        zanni__send (worker, ref->identity->worker, &ref->as.item);
    if (holder)
        zanni_worker_drop (holder);
}

void
zanni__ref_drop (zanni_worker_t *worker, zanni_ref_t *ref)
{
    if (ref->worker)
        zanni__hook_remove (&ref->as.hook);
    s_send_drop (worker, ref);
    zanni__uncorked (worker);
}

/* Takes a reference back that nobody has used, where no drop may reach its actor: that has not begun, or somebody else
   holds it. */
void
zanni__ref_undo (zanni_ref_t *ref)
{
    zanni_worker_t *worker = ref->worker;
    if (ref->strong)
        atomic_fetch_sub_explicit (&ref->identity->strong, 1, memory_order_relaxed);
    zanni__free_ref (ref);
    if (worker)
        zanni_worker_drop (worker);
}

void
zanni__free_ref (zanni_ref_t *ref)
{
    zanni__identity_t *identity = ref->identity;
    zanni__free (ref);
    zanni__identity_unref (identity);
}

void
zanni_ref_destroy (zanni_ref_t **ref_p)
{
    if (!ref_p || !*ref_p)
        return;
    zanni_ref_t *ref = *ref_p;
    zanni_worker_t *worker = ref->worker;
    zanni__assert (worker);   // one inside a message is borrowed
    *ref_p = NULL;
    if (worker->thread == zanni__thread_token && !atomic_load_explicit (&worker->closed, memory_order_relaxed)) {
        zanni__ref_drop (worker, ref);
        return;
    }
    /* Its holder's worker has ended, and so its list is gone; the node's undertaker passes the drop on. */
    zanni_node_t *node = worker->node;
    zanni__node_ref (node);
    ref->worker = NULL;
    ref->as.item = (zanni__item_t) { .kind = ZANNI__DROP };
    zanni__node_orphan (node, &ref->as.item);
    zanni_worker_drop (worker);
    zanni__node_unref (node);
}

static int
s_copy (zanni_t *self, zanni_ref_t **copy_p, const zanni_ref_t *ref, bool strong, bool own)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!copy_p || !ref)
        return ZANNI_EINVAL;
    zanni__identity_t *identity;
    rc = zanni__target (self->worker, &identity, ref);
    if (!rc && strong && identity != ref->identity)
        rc = zanni__retain (self->worker, identity);
    if (rc)
        return rc;
    zanni_ref_t *copy = zanni__ref_new (identity, self->worker, strong, own);
    if (!copy)
        return ZANNI_ENOMEM;
    zanni__ref_adopt (self, copy);
    *copy_p = copy;
    return 0;
}

int
zanni_ref_keep (zanni_t *self, zanni_ref_t **copy_p, const zanni_ref_t *ref)
{
    return s_copy (self, copy_p, ref, ref && ref->strong, ref && ref->own);
}

int
zanni_ref_weak (zanni_t *self, zanni_ref_t **copy_p, const zanni_ref_t *ref)
{
    return s_copy (self, copy_p, ref, false, ref && ref->own);
}

int
zanni_ref_limit (zanni_t *self, zanni_ref_t **copy_p, const zanni_ref_t *ref)
{
    return s_copy (self, copy_p, ref, ref && ref->strong, false);
}

bool
zanni_ref_is_strong (const zanni_ref_t *ref)
{
    return ref && ref->strong;
}

bool
zanni_ref_is_own (const zanni_ref_t *ref)
{
    return ref && ref->own;
}

bool
zanni_ref_equal (const zanni_ref_t *one, const zanni_ref_t *other)
{
    if (!one || !other)
        return false;
    if (one->identity == other->identity)
        return true;
    const zanni_address_t here = zanni_ref_address (one);
    const zanni_address_t there = zanni_ref_address (other);
    return here.actor == there.actor && !memcmp (here.node, there.node, sizeof here.node);
}

uint64_t
zanni_ref_hash (const zanni_ref_t *ref)
{
    const zanni_address_t address = zanni_ref_address (ref);
    return zanni__address_hash (&address);
}

const char *
zanni_ref_class (const zanni_ref_t *ref)
{
    if (!ref)
        return "";
    if (ref->identity->elsewhere)
        return ref->identity->as.remote->name;
    return atomic_load_explicit (&ref->identity->cls, memory_order_acquire)->definition->name;
}

zanni_address_t
zanni_ref_address (const zanni_ref_t *ref)
{
    if (!ref)
        return (zanni_address_t) { .actor = 0 };
    if (ref->identity->elsewhere)
        return ref->identity->as.remote->address;
    zanni_address_t address = { .actor = ref->identity->id };
    memcpy (address.node, ref->identity->worker->node->id, sizeof address.node);
    return address;
}

/* A reference inside a message keeps its strength and right. */
static zanni_ref_t *
s_keep_in_message (void *context, const zanni_ref_t *ref)
{
    (void) context;
    return zanni__ref_new (ref->identity, NULL, ref->strong, ref->own);
}

static void
s_drop_in_message (void *context, zanni_ref_t *ref)
{
    s_send_drop (context, ref);
}

void
zanni__ref_hooks_init (zanni__refs_t *hooks, zanni_worker_t *worker)
{
    *hooks = (zanni__refs_t) { .keep = s_keep_in_message, .drop = s_drop_in_message, .context = worker };
}
