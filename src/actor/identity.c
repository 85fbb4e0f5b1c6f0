/* Identities: made by the spawner, on whatever worker; freed by whoever lets go last. Ids count
   up and are never used again; 0 is the root's. */

#include "remote/remote.h"

#include "../base/memory.h"

void
zanni__identity_free (zanni__identity_t *identity)
{
    zanni_worker_t *worker = identity->worker;
    zanni__assert (!identity->mailbox.head && !identity->actor && !identity->watchers);
    if (identity->elsewhere)
        zanni__remote_free (identity->as.remote);
    else if (atomic_load_explicit (&identity->as.exported, memory_order_relaxed))
        zanni__export_end (atomic_load_explicit (&identity->as.exported, memory_order_relaxed));
    zanni__free (identity);
    if (worker)
        zanni_worker_drop (worker);
}

zanni__identity_t *
zanni__identity_new (zanni_worker_t *worker, const zanni__class_t *cls)
{
    const zanni_options_t *options = &worker->node->options;
    zanni__identity_t *identity = zanni__calloc (sizeof *identity);
    if (!identity)
        return NULL;
    zanni_worker_hold (worker);
    identity->worker = worker;
    atomic_init (&identity->cls, cls);
    identity->heeds = cls->has_high ? ZANNI__HEEDS_PRIORITY : 0;
    atomic_init (&identity->refs, 1);
    identity->owned = true;
    identity->limit = options->mailbox_messages;
    identity->limit_bytes = options->mailbox_bytes;
    identity->watchdog_ms = options->watchdog_ms;
    identity->incarnation = 1;
    identity->self.identity = identity;
    identity->id = atomic_fetch_add_explicit (&worker->node->next_actor, 1, memory_order_relaxed);
    return identity;
}

zanni__more_t *
zanni__more (zanni_t *self)
{
    if (!self->more)
        self->more = zanni__calloc (sizeof *self->more);
    return self->more;
}

const zanni_ref_t *
zanni_self (zanni_t *self)
{
    return &self->identity->self;
}

void *
zanni_state (zanni_t *self)
{
    return self->state;
}
