/* Delivery: an item arrives on the worker of whom it is for. What counts against the mailbox is counted here and
   uncounted when it is handled; commands overtake; the rest queues. */

#include "worker.h"

#include "../message/buffer.h"
#include "pending.h"

zanni__identity_t *
zanni__item_to (zanni__item_t *item)
{
    if (item->kind == ZANNI__DROP)
        return ((zanni_ref_t *) (void *) item)->identity;
    return ((zanni_msg_t *) (void *) item)->to;
}

static void
s_queued (zanni__identity_t *to, int by, uint32_t weight)
{
    uint32_t queued = atomic_load_explicit (&to->queued, memory_order_relaxed) + (uint32_t) by;
    uint64_t bytes = atomic_load_explicit (&to->queued_bytes, memory_order_relaxed);
    atomic_store_explicit (&to->queued, queued, memory_order_relaxed);
    atomic_store_explicit (&to->queued_bytes, bytes + (uint64_t) ((int64_t) weight * by), memory_order_relaxed);
}

void
zanni__uncount (zanni_worker_t *worker, zanni_msg_t *msg)
{
    if (!(msg->item.flags & ZANNI__COUNTED))
        return;
    msg->item.flags &= (uint8_t) ~ZANNI__COUNTED;
    s_queued (msg->to, -1, msg->item.weight);
    if (__builtin_expect (msg->to->watchers != NULL, 0))
        zanni__waiters_wake (worker, msg->to);
}

static bool
s_over_limit (const zanni__identity_t *to, uint32_t weight)
{
    uint64_t bytes = atomic_load_explicit (&to->queued_bytes, memory_order_relaxed);
    return atomic_load_explicit (&to->queued, memory_order_relaxed) >= to->limit
           || (bytes && bytes + weight > to->limit_bytes);
}

/* The oldest message that counts leaves the mailbox, whose order stays. */
static void
s_drop_oldest (zanni_worker_t *worker, zanni__identity_t *to)
{
    zanni__item_t *before = NULL;
    zanni__item_t *item = to->mailbox.head;
    while (item && !(item->kind <= ZANNI__ASK && item->flags & ZANNI__COUNTED)) {
        before = item;
        item = item->next;
    }
    if (!item)
        return;
    if (before)
        before->next = item->next;
    else
        to->mailbox.head = item->next;
    if (to->mailbox.tail == item)
        to->mailbox.tail = before;
    zanni__uncount (worker, (zanni_msg_t *) (void *) item);
    zanni__bury (worker, item, ZANNI_EFULL, NULL);
}

/* Makes room according to the policy; false: the arriving message is to go. */
static bool
s_make_room (zanni_worker_t *worker, zanni__identity_t *to, uint32_t weight)
{
    if (to->overflow == ZANNI_DROP_NEWEST)
        return false;
    while (s_over_limit (to, weight) && atomic_load_explicit (&to->queued, memory_order_relaxed))
        s_drop_oldest (worker, to);
    return true;
}

static void
s_queue (zanni_worker_t *worker, zanni__identity_t *to, zanni__item_t *item)
{
    zanni__queue_push (&to->mailbox, item);
    if (!to->scheduled && !to->in_turn && !to->blocked)
        zanni__worker_push_run (worker, to);
}

static void
s_arrive (zanni_worker_t *worker, zanni__identity_t *to, zanni__item_t *item)
{
    if (item->flags & ZANNI__COUNTED) {
        if (__builtin_expect (to->overflow != ZANNI_REJECT, 0) && s_over_limit (to, item->weight)
            && !s_make_room (worker, to, item->weight)) {
            item->flags &= (uint8_t) ~ZANNI__COUNTED;
            zanni__bury (worker, item, ZANNI_EFULL, NULL);
            return;
        }
        s_queued (to, 1, item->weight);
    }
    s_queue (worker, to, item);
}

/* A blocked call takes its answer past the mailbox; everything else keeps its order. */
static void
s_answer_arrives (zanni_worker_t *worker, zanni__identity_t *to, zanni_msg_t *msg)
{
    zanni_t *actor = to->actor;
    if (actor && actor->calling && actor->calling == msg->id) {
        zanni__pending_t *pending = zanni__pending_find (worker, msg->id);
        if (pending && !pending->as.ask.answer) {
            pending->as.ask.answer = msg;
            return;
        }
    }
    s_queue (worker, to, &msg->item);
}

static void
s_deliver_system (zanni_worker_t *worker, zanni__identity_t *to, zanni__item_t *item)
{
    switch (item->kind) {
    case ZANNI__REPLY:
    case ZANNI__ERROR:
        s_answer_arrives (worker, to, (zanni_msg_t *) (void *) item);
        break;
    case ZANNI__STOP:
    case ZANNI__KILL:
    case ZANNI__RESTART:
    case ZANNI__CANCEL:
        zanni__command (worker, (zanni_msg_t *) (void *) item);
        break;
    case ZANNI__START:
        zanni__enlist (worker, to);
        s_queue (worker, to, item);
        break;
    case ZANNI__MONITOR:
    case ZANNI__DEMONITOR:
    case ZANNI__WAITER:
        if (to->blocked) {   // an owner that waits answers for itself
            zanni__handle (worker, to, item);
            break;
        }
        s_queue (worker, to, item);
        break;
    default:
        s_queue (worker, to, item);
    }
}

void
zanni__deliver (zanni_worker_t *worker, zanni__item_t *item)
{
    if (__builtin_expect (item->kind > ZANNI__ASK, 0)) {
        if (item->kind == ZANNI__BUFFER) {
            zanni__buffer_home ((zanni_buffer_t *) (void *) item);
            return;
        }
        if (item->kind == ZANNI__WORKER_STOP) {
            worker->stopping = true;
            zanni__msg_release (worker, (zanni_msg_t *) (void *) item);
            return;
        }
    }
    zanni__identity_t *to = zanni__item_to (item);
    if (__builtin_expect (to->worker != worker || to->state == ZANNI__ENDED, 0)) {
        item->flags &= (uint8_t) ~ZANNI__COUNTED;
        zanni__bury (worker, item, ZANNI_ENOACTOR, NULL);
        return;
    }
    if (item->kind <= ZANNI__ASK)
        s_arrive (worker, to, item);
    else
        s_deliver_system (worker, to, item);
}
