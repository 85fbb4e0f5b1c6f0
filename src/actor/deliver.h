/* deliver.h: the short way of a message into a mailbox, inlined where it is walked by the million. See deliver.c. */

#ifndef ZANNI_ACTOR_DELIVER_H
#define ZANNI_ACTOR_DELIVER_H

#include "worker.h"

/* A tell or ask arrives at an actor that heeds it; false: it is in its place, or gone, else it goes the common way. */
bool zanni__heed (zanni_worker_t *worker, zanni__identity_t *to, zanni__item_t *item);

/* Counts what lies in a mailbox; only the owner writes. */
ZANNI__INLINE void
zanni__count_queued (zanni__identity_t *to, uint32_t by, uint64_t bytes_by)
{
    uint32_t queued = atomic_load_explicit (&to->queued, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit (&to->queued_bytes, memory_order_relaxed);
    atomic_store_explicit (&to->queued, queued + by, memory_order_relaxed);
    atomic_store_explicit (&to->queued_bytes, bytes + bytes_by, memory_order_relaxed);
}

ZANNI__INLINE void
zanni__enqueue (zanni_worker_t *worker, zanni__identity_t *to, zanni__item_t *item)
{
    zanni__queue_push (&to->mailbox, item);
    if (!to->busy)
        zanni__worker_push_run (worker, to);
}

/* Takes what is behind `before` (NULL: at the front) out of a mailbox, otherwise than by handling it. */
void zanni__mailbox_unlink (zanni__identity_t *to, zanni__item_t *before, zanni__item_t *item);

/* The method of a message is looked up again when it is handled. */
ZANNI__INLINE void
zanni__method_forget (zanni_msg_t *msg)
{
    if (!msg->method)
        return;
    msg->name = msg->method->name;
    msg->method = NULL;
}

/* A tell or ask arrives at a living actor of this worker. */
ZANNI__INLINE void
zanni__arrive (zanni_worker_t *worker, zanni__identity_t *to, zanni__item_t *item)
{
    if (__builtin_expect (to->heeds != 0, 0) && !zanni__heed (worker, to, item))
        return;
    if (item->flags & ZANNI__COUNTED)
        zanni__count_queued (to, 1, item->weight);
    zanni__enqueue (worker, to, item);
}

/* A message that counted leaves the mailbox. */
ZANNI__INLINE void
zanni__leave (zanni_worker_t *worker, zanni_msg_t *msg)
{
    if (!(msg->item.flags & ZANNI__COUNTED))
        return;
    msg->item.flags &= (uint8_t) ~ZANNI__COUNTED;
    zanni__count_queued (msg->to, UINT32_MAX, UINT64_MAX - msg->item.weight + 1);
    if (__builtin_expect (msg->from->elsewhere, 0))
        zanni__remote_taken (worker, msg);
    const zanni__item_t *watcher = msg->to->watchers;
    if (__builtin_expect (watcher && watcher->kind == ZANNI__WAITER, 0))
        zanni__waiters_wake (worker, msg->to);
}

/* A tell or ask that is in its handler's hands goes on itself to an actor of this worker, `method` being one of its
   class; false: nothing happened, it has to go another way (zanni__hand_over). */
ZANNI__INLINE bool
zanni__hand_over_here (zanni_worker_t *worker, zanni_msg_t *msg, zanni__identity_t *to, const zanni__method_t *method)
{
    if (__builtin_expect (to->worker != worker || to->elsewhere || msg->item.holds != 1 || msg->extra
                              || msg->item.flags & ZANNI__HOLDS_TO || msg->from->elsewhere
                              || atomic_load_explicit (&to->queued, memory_order_relaxed)
                                     >= atomic_load_explicit (&to->limit, memory_order_relaxed)
                              || atomic_load_explicit (&to->queued_bytes, memory_order_relaxed) + msg->item.weight
                                     > to->limit_bytes,
                          0))
        return false;
    msg->to = to;
    msg->method = method;
    msg->item.flags |= ZANNI__COUNTED;
    zanni__arrive (worker, to, &msg->item);
    return true;
}

#endif
