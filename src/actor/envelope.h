/* envelope.h: the short way of a message from and to the free list, inlined where messages are made and freed by the
   million. See envelope.c. */

#ifndef ZANNI_ACTOR_ENVELOPE_H
#define ZANNI_ACTOR_ENVELOPE_H

#include "worker.h"

/* A message whose envelope is not cleared yet; NULL: out of memory. */
zanni_msg_t *zanni__msg_allocate (void);

/* Frees a message that has more than its arguments to give back. */
void zanni__msg_free_all (zanni_worker_t *worker, zanni_msg_t *msg);

/* Back to the allocator. */
void zanni__msg_discard (zanni_msg_t *msg);

/* Brings the lines of a message, or of nothing, that comes next into the cache: in a long list it lies far away. */
ZANNI__INLINE void
zanni__msg_fetch (const zanni__item_t *item)
{
    uintptr_t at = (uintptr_t) item;
    __builtin_prefetch ((const void *) at, 1);
    __builtin_prefetch ((const void *) (at + 64), 1);
}

ZANNI__INLINE zanni_msg_t *
zanni__msg_take (zanni_worker_t *worker)
{
    zanni_msg_t *msg = worker->free_messages;
    if (__builtin_expect (msg != NULL, 1)) {
        worker->free_messages = (zanni_msg_t *) (void *) msg->item.next;
        worker->free_count--;
        zanni__msg_fetch ((const zanni__item_t *) (const void *) worker->free_messages);
    }
    else {
        msg = zanni__msg_allocate ();
        if (!msg)
            return NULL;
    }
    /* Member by member: the compiler would clear the whole by a string instruction, which takes longer to start than
       these stores take. What is left of reading is set where that begins. */
    msg->item.next = NULL;
    msg->item.kind = 0;
    msg->item.flags = 0;
    msg->item.holds = 1;
    msg->item.weight = 0;
    msg->to = NULL;
    msg->from = NULL;
    msg->method = NULL;
    msg->name = NULL;
    msg->id = 0;
    msg->deadline_ns = INT64_MAX;
    msg->code = 0;
    msg->args.bytes = NULL;
    msg->args.table = NULL;
    msg->args.size = 0;
    msg->args.refs = 0;
    msg->args.buffers = 0;
    msg->payload = NULL;
    msg->at = 0;
    msg->extra = NULL;
    msg->room_used = 0;
    return msg;
}

ZANNI__INLINE void
zanni__msg_recycle (zanni_worker_t *worker, zanni_msg_t *msg)
{
    if (__builtin_expect (worker->free_count >= ZANNI__FREE_MESSAGES, 0)) {
        zanni__msg_discard (msg);
        return;
    }
    msg->item.next = (zanni__item_t *) (void *) worker->free_messages;
    worker->free_messages = msg;
    worker->free_count++;
}

/* Frees a message that nobody else has. */
ZANNI__INLINE void
zanni__msg_done (zanni_worker_t *worker, zanni_msg_t *msg)
{
    if (__builtin_expect ((msg->item.flags & (ZANNI__REMOTE | ZANNI__HOLDS_TO)) || msg->args.refs || msg->args.buffers
                              || msg->payload || msg->extra || !msg->from,
                          0)) {
        zanni__msg_free_all (worker, msg);
        return;
    }
    zanni__identity_unhold (msg->from);
    zanni__msg_recycle (worker, msg);
}

#endif
