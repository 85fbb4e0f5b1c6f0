/* Delivery: an item arrives on the worker of whom it is for. What counts against the mailbox is counted here and
   uncounted when it is handled; commands overtake; the rest queues. */

#include "chain.h"
#include "deliver.h"

#include "../base/memory.h"
#include "../message/buffer.h"
#include "pending.h"
#include "census/survey.h"

zanni__identity_t *
zanni__item_to (zanni__item_t *item)
{
    if (item->kind == ZANNI__DROP)
        return ((zanni_ref_t *) (void *) item)->identity;
    return ((zanni_msg_t *) (void *) item)->to;
}

void
zanni__uncount (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni__leave (worker, msg);
}

static bool
s_over_limit (const zanni__identity_t *to, uint32_t weight)
{
    uint64_t bytes = atomic_load_explicit (&to->queued_bytes, memory_order_relaxed);
    return atomic_load_explicit (&to->queued, memory_order_relaxed)
               >= atomic_load_explicit (&to->limit, memory_order_relaxed)
           || (bytes && bytes + weight > to->limit_bytes);
}

/* Whether a message overtakes others, or has: its receiver's present behaviour says so for the method. */
static bool
s_is_high (const zanni__identity_t *to, const zanni__item_t *item)
{
    const zanni_msg_t *msg = (const zanni_msg_t *) (const void *) item;
    if (item->kind > ZANNI__ASK || !(item->flags & ZANNI__COUNTED))
        return false;
    const zanni__method_t *method = msg->method;
    if (!method && msg->name)
        method = zanni__class_method (zanni__behaviour (to), msg->name);
    return method && method->flags & ZANNI_METHOD_HIGH;
}

/* The last of those in the mailbox that overtook others, or a START, which nothing does; NULL: there is none. Where it is
   not known, which is so after a restart, it is the last of those that are high at the front. */
static zanni__item_t *
s_last_high (const zanni__identity_t *to)
{
    const zanni__more_t *more = to->actor ? to->actor->more : NULL;
    zanni__item_t *last = more ? more->high : NULL;
    zanni__item_t *item = last ? last->next : to->mailbox.head;
    if (!(to->heeds & ZANNI__HEEDS_PRIORITY))
        return NULL;
    while (item && (item->kind == ZANNI__START || s_is_high (to, item))) {
        last = item;
        item = item->next;
    }
    return last;
}

void
zanni__mailbox_unlink (zanni__identity_t *to, zanni__item_t *before, zanni__item_t *item)
{
    zanni__more_t *more = to->actor ? to->actor->more : NULL;
    if (more && more->high == item)
        more->high = NULL;
    zanni__queue_unlink (&to->mailbox, before, item);
}

static zanni__item_t *
s_counted_behind (const zanni__identity_t *to, zanni__item_t **before)
{
    zanni__item_t *item = *before ? (*before)->next : to->mailbox.head;
    while (item && !(item->kind <= ZANNI__ASK && item->flags & ZANNI__COUNTED)) {
        *before = item;
        item = item->next;
    }
    return item;
}

/* The oldest message that counts leaves the mailbox, whose order stays; of those that overtook one goes only where there is
   no other. false: there is none, for all that counts is stashed. */
static bool
s_drop_oldest (zanni_worker_t *worker, zanni__identity_t *to)
{
    zanni__item_t *before = s_last_high (to);
    zanni__item_t *item = s_counted_behind (to, &before);
    if (!item) {
        before = NULL;
        item = s_counted_behind (to, &before);
    }
    if (!item)
        return false;
    zanni__mailbox_unlink (to, before, item);
    zanni__uncount (worker, (zanni_msg_t *) (void *) item);
    zanni__bury (worker, item, ZANNI_EFULL, NULL);
    return true;
}

/* Nor does it get into its mailbox. */
static void
s_turn_away (zanni_worker_t *worker, zanni__item_t *item, int code)
{
    const zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
    if (item->flags & ZANNI__COUNTED && msg->from->elsewhere)
        zanni__remote_taken (worker, msg);
    item->flags &= (uint8_t) ~ZANNI__COUNTED;
    zanni__bury (worker, item, code, NULL);
}

/* A mailbox at its limit whose policy is not to reject; false: the arriving message is gone. */
static bool
s_make_room (zanni_worker_t *worker, zanni__identity_t *to, zanni__item_t *item)
{
    while (s_over_limit (to, item->weight) && atomic_load_explicit (&to->queued, memory_order_relaxed))
        if (to->overflow == ZANNI_DROP_NEWEST || !s_drop_oldest (worker, to)) {
            s_turn_away (worker, item, ZANNI_EFULL);
            return false;
        }
    return true;
}

bool
zanni__heed (zanni_worker_t *worker, zanni__identity_t *to, zanni__item_t *item)
{
    if (to->heeds & ZANNI__HEEDS_LIMIT && item->flags & ZANNI__COUNTED && !s_make_room (worker, to, item))
        return false;
    if (to->heeds & ZANNI__HEEDS_BEHAVIOUR)
        zanni__method_forget ((zanni_msg_t *) (void *) item);
    if (!(to->heeds & ZANNI__HEEDS_PRIORITY) || !s_is_high (to, item))
        return true;
    zanni__count_queued (to, 1, item->weight);
    zanni__queue_insert (&to->mailbox, s_last_high (to), item);
    zanni__more_t *more = to->actor ? zanni__more (to->actor) : NULL;
    if (more)   // else it is looked for
        more->high = item;
    if (!to->busy)
        zanni__worker_push_run (worker, to);
    return false;
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
    zanni__enqueue (worker, to, &msg->item);
}

/* Whoever was told of the actor by its spawner may have been faster: what is there already comes behind. */
static void
s_start_arrives (zanni_worker_t *worker, zanni__identity_t *to, zanni__item_t *start)
{
    zanni__enlist (worker, to);
    to->busy &= (uint8_t) ~ZANNI__UNBORN;
    zanni__queue_push_front (&to->mailbox, start);
    if (!to->busy)
        zanni__worker_push_run (worker, to);
}

/* The first who asks about an end that nobody knows of is told. */
static void
s_monitor_arrives (zanni_worker_t *worker, zanni__identity_t *to, zanni_msg_t *monitor)
{
    zanni_reason_t *untold = to->untold;
    if (!untold) {
        zanni__watcher_add (worker, to, monitor);
        return;
    }
    to->untold = NULL;
    zanni__down_now (worker, monitor, untold, true);
    zanni__free (untold);
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
        s_start_arrives (worker, to, item);
        break;
    case ZANNI__AGAIN:
        zanni__again_arrives (worker, to, (zanni_msg_t *) (void *) item);
        break;
    case ZANNI__DROP:   // of one that waits: its mailbox is not looked into
        if (to->state == ZANNI__WAITING)
            zanni__drop_arrives (worker, to, (zanni_ref_t *) (void *) item);
        else
            zanni__enqueue (worker, to, item);
        break;
    case ZANNI__WAITER:   // about the mailbox, so not behind what is in it
        if (item->flags & ZANNI__TICK) {   // one's own, of a blocking send, comes back
            (void) zanni__tick_arrived (worker, (zanni_msg_t *) (void *) item);
            zanni__msg_release (worker, (zanni_msg_t *) (void *) item);
        }
        else
            zanni__watcher_add (worker, to, (zanni_msg_t *) (void *) item);
        break;
    case ZANNI__PROBE:
        zanni__probe_arrives (worker, (zanni_msg_t *) (void *) item);
        break;
    case ZANNI__FORWARDED:
        zanni__forwarded_arrives (worker, (zanni_msg_t *) (void *) item);
        break;
    case ZANNI__MONITOR:   // of this incarnation, which a restart may end before its next turn
        s_monitor_arrives (worker, to, (zanni_msg_t *) (void *) item);
        break;
    case ZANNI__DEMONITOR:
        zanni__watcher_remove (worker, to, (zanni_msg_t *) (void *) item);
        break;
    case ZANNI__LINK:
    case ZANNI__UNLINK:
    case ZANNI__EXIT:
        zanni__exit_arrives (worker, (zanni_msg_t *) (void *) item);
        break;
    default:
        zanni__enqueue (worker, to, item);
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
        if (item->kind == ZANNI__MEMORY) {
            atomic_fetch_sub_explicit (&worker->homebound, 1, memory_order_relaxed);
            zanni__memory_home (worker, (zanni_msg_t *) (void *) item);
            return;
        }
        if (item->kind == ZANNI__WORKER_STOP) {
            worker->stopping = true;
            zanni__msg_release (worker, (zanni_msg_t *) (void *) item);
            if (worker->owner)   // it may be waiting in call or receive
                zanni__end_for_good (worker, worker->owner, (zanni_reason_t) { .kind = ZANNI_EXIT_SHUTDOWN });
            zanni_worker_drop (worker);
            return;
        }
        if (item->kind == ZANNI__SURVEY) {
            zanni__survey_arrives (worker, (zanni_msg_t *) (void *) item);
            return;
        }
        if (item->kind == ZANNI__EVENT) {
            zanni__event_arrives (worker, (zanni_msg_t *) (void *) item);
            return;
        }
    }
    zanni__identity_t *to = zanni__item_to (item);
    if (__builtin_expect (to->worker != worker || to->state >= ZANNI__ENDED, 0)) {
        if (to->worker == worker && to->state == ZANNI__ELSEWHERE) {
            zanni__route (worker, item);
            return;
        }
        s_turn_away (worker, item, ZANNI_ENOACTOR);
        return;
    }
    if (item->kind <= ZANNI__ASK)
        zanni__arrive (worker, to, item);
    else
        s_deliver_system (worker, to, item);
}
