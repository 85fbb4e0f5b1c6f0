/* Envelopes: messages come from their worker's free list and go to the list of whoever was done with them, since
   blocks are all alike. A list keeps so many; what is over goes back to the allocator.

   A block begins with a cache line, and with what aligns it and finds it again it takes seven: an odd number, or the
   first lines of many blocks would compete for a few sets of the cache.

   Whom a message names as its sender is held: by `holds` when both are on this worker, which is a plain increment, by
   `refs` when it travels. An answer or DOWN holds whom it is for in the same way. */

#include "envelope.h"

#include "../base/memory.h"

#define S_LINE 64
#define S_MALLOC 16   // what the allocator aligns to

zanni_msg_t *
zanni__msg_allocate (void)
{
    uint8_t *memory = zanni__malloc (S_LINE - S_MALLOC + ZANNI__MESSAGE_SIZE + sizeof memory);
    if (!memory)
        return NULL;
    uint8_t *block = memory + (-(uintptr_t) memory & (S_LINE - 1));
    memcpy (block + ZANNI__MESSAGE_SIZE, &memory, sizeof memory);
    return (zanni_msg_t *) (void *) block;
}

void
zanni__msg_discard (zanni_msg_t *msg)
{
    void *memory;
    if (!msg)
        return;
    memcpy (&memory, (uint8_t *) msg + ZANNI__MESSAGE_SIZE, sizeof memory);
    zanni__free (memory);
}

zanni_msg_t *
zanni__msg_new (zanni_worker_t *worker)
{
    return zanni__msg_take (worker);
}

/* A stream of messages from one actor of another worker gives back one hold each on the same identity, whose line that
   worker writes: they are gathered and given back together, before this worker rests. */
void
zanni__settle (zanni_worker_t *worker)
{
    zanni__identity_t *identity = worker->owed;
    uint32_t count = worker->owed_count;
    worker->owed = NULL;
    worker->owed_count = 0;
    /* acq_rel: the last one sees everything that the others did to it. */
    if (count && atomic_fetch_sub_explicit (&identity->refs, count, memory_order_acq_rel) == count)
        zanni__identity_free (identity);
}

static void
s_let_go (zanni_worker_t *worker, zanni__identity_t *identity, bool remote)
{
    if (remote && atomic_load_explicit (&worker->closed, memory_order_relaxed))
        zanni__identity_unref (identity);
    else if (remote) {
        if (worker->owed != identity)
            zanni__settle (worker);
        worker->owed = identity;
        worker->owed_count++;
    }
    else
        zanni__identity_unhold (identity);
}

void
zanni__msg_set_from (zanni_worker_t *worker, zanni_msg_t *msg, zanni__identity_t *from, zanni_worker_t *to)
{
    msg->from = from;
    if (from->worker == worker && to == worker)
        zanni__identity_hold (from);
    else {
        zanni__identity_ref (from);
        msg->item.flags |= ZANNI__REMOTE;
    }
}

void
zanni__msg_free_all (zanni_worker_t *worker, zanni_msg_t *msg)
{
    bool remote = msg->item.flags & ZANNI__REMOTE;
    if (msg->args.refs || msg->args.buffers || msg->payload)
        zanni__args_release (&msg->args, msg->payload, &worker->ref_hooks);
    if (msg->extra) {
        if (msg->item.flags & ZANNI__KEPT)   // a tell that was kept, and given back before its handler returned
            zanni__link_remove (&msg->extra->kept);
        zanni__msg_extra_free (msg);
    }
    if (msg->item.flags & ZANNI__HOLDS_TO)
        s_let_go (worker, msg->to, remote);
    if (msg->from)
        s_let_go (worker, msg->from, remote);
    zanni__msg_recycle (worker, msg);
}

void
zanni__msg_free (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni__msg_done (worker, msg);
}

/* One user less. An ask that is still open then is answered: nobody can do it any more. */
void
zanni__msg_release (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni__assert (msg->item.holds > 0);
    if (--msg->item.holds)
        return;
    if (msg->item.flags & ZANNI__KEPT)
        zanni__link_remove (&msg->extra->kept);
    if (zanni__ask_is_open (msg))
        zanni__answer_turned (worker, msg, msg->code < 0 ? msg->code : ZANNI_ENOREPLY, NULL);
    else
        zanni__msg_free (worker, msg);
}

/* Holds whom a message is for, in the same way as its sender. */
void
zanni__hold_to (zanni_msg_t *msg)
{
    if (msg->item.flags & ZANNI__HOLDS_TO)
        return;
    msg->item.flags |= ZANNI__HOLDS_TO;
    if (msg->item.flags & ZANNI__REMOTE)
        zanni__identity_ref (msg->to);
    else
        zanni__identity_hold (msg->to);
}

/* The same for a message that is about to leave this worker, and holds its sender in the way that travels. */
void
zanni__hold_afar (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni__identity_t *from = msg->from;
    if (!(msg->item.flags & ZANNI__REMOTE)) {
        zanni__assert (from->worker == worker);
        zanni__identity_ref (from);
        zanni__identity_unhold (from);
        msg->item.flags |= ZANNI__REMOTE;
    }
    zanni__hold_to (msg);
}

void
zanni__msg_own (zanni_msg_t *msg)
{
    msg->item.flags |= ZANNI__OWNED;
    zanni__hold_to (msg);
}

static zanni_worker_t *
s_worker_of (const zanni_msg_t *msg)
{
    return msg->to->worker;
}

int
zanni_msg_keep (zanni_msg_t **kept_p, zanni_msg_t *msg)
{
    if (!kept_p || !msg)
        return ZANNI_EINVAL;
    int rc = zanni__wrong_thread (s_worker_of (msg));
    if (rc)
        return rc;
    if (msg->item.flags & ZANNI__KEPT) {
        msg->item.holds++;
        *kept_p = msg;
        return 0;
    }
    zanni__extra_t *extra = zanni__msg_extra (msg);
    if (!extra)
        return ZANNI_ENOMEM;
    zanni__list_append (&msg->to->actor->kept, &extra->kept);
    msg->item.flags |= ZANNI__KEPT;
    msg->item.holds++;
    *kept_p = msg;
    return 0;
}

void
zanni_msg_destroy (zanni_msg_t **msg_p)
{
    if (!msg_p || !*msg_p)
        return;
    zanni_msg_t *msg = *msg_p;
    zanni_worker_t *worker = s_worker_of (msg);
    *msg_p = NULL;
    if (zanni__wrong_thread (worker)) {   // not ours to touch: better a leak than a race
        zanni__log (worker->node, ZANNI_LOG_ERROR, "a message was destroyed on another thread than it was got on");
        return;
    }
    zanni_t *actor = msg->to->actor;
    if (actor && actor->serving == msg && msg->item.holds == 1)
        actor->serving = NULL;
    zanni_worker_hold (worker);   // the message may be the last to need it
    zanni__msg_release (worker, msg);
    zanni__uncorked (worker);
    zanni_worker_drop (worker);
}

zanni_msg_kind_t
zanni_msg_kind (const zanni_msg_t *msg)
{
    return (zanni_msg_kind_t) msg->item.kind;
}

const char *
zanni_msg_method (const zanni_msg_t *msg)
{
    if (msg->name)
        return msg->name;
    return msg->method ? msg->method->name : "";
}

const zanni_ref_t *
zanni_msg_from (const zanni_msg_t *msg)
{
    return &msg->from->self;
}

uint64_t
zanni_msg_id (const zanni_msg_t *msg)
{
    return msg->item.kind >= ZANNI__REPLY && msg->item.kind != ZANNI__EXIT ? msg->id : 0;
}

int64_t
zanni_msg_remaining_ms (const zanni_msg_t *msg)
{
    if (msg->deadline_ns == INT64_MAX)
        return INT64_MAX;
    int64_t left_ns = msg->deadline_ns - zanni__node_now (s_worker_of (msg)->node);
    return left_ns > 0 ? (left_ns + 999999) / 1000000 : 0;
}
