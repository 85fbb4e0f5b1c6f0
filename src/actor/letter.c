/* Dead letters: what cannot be delivered. An ask gets an error, a monitor its DOWN, a dropped reference is counted; a
   tell is counted as dead and told to the subscriber, if there is one. */

#include "answer.h"
#include "pending.h"
#include "census/survey.h"

#include "../message/buffer.h"

#include <stdio.h>

/* It counts in its subscriber's mailbox like any other message; where that is full the letter was counted, no more. */
static void
s_send_notice (zanni_worker_t *worker, zanni_msg_t *notice)
{
    if (zanni__admit (worker, notice->to, notice->item.weight)) {
        zanni__msg_free (worker, notice);
        return;
    }
    notice->item.flags |= ZANNI__COUNTED;
    zanni__send (worker, notice->to->worker, &notice->item);
}

static void
s_notify (zanni_worker_t *worker, const zanni_msg_t *letter, const char *why)
{
    zanni_node_t *node = worker->node;
    char method [sizeof node->subscriber_method];
    pthread_mutex_lock (&node->lock);
    zanni__identity_t *subscriber = node->subscriber;
    if (subscriber)
        zanni__identity_ref (subscriber);
    memcpy (method, node->subscriber_method, sizeof method);
    pthread_mutex_unlock (&node->lock);
    if (!subscriber)
        return;
    zanni_msg_t *notice = zanni__msg_new (worker);
    const char *class_name = zanni_ref_class (&letter->to->self);
    const zanni_arg_t args [] = {
        ZANNI_ARG (class_name), ZANNI_ARG (zanni_msg_method (letter)), ZANNI_ARG (why),
        ZANNI_ARG (letter->args.size)
    };
    if (notice) {
        notice->to = subscriber;
        notice->name = zanni__msg_copy (notice, method, strlen (method));
        if (!notice->name || zanni__msg_pack (worker, notice, args, 4))
            zanni__msg_free (worker, notice);
        else {
            notice->item.flags |= ZANNI__NESTED | ZANNI__REMOTE | ZANNI__HOLDS_TO;
            notice->from = subscriber;   // private methods are open to it
            zanni__identity_ref (subscriber);
            zanni__identity_ref (subscriber);
            s_send_notice (worker, notice);
        }
    }
    zanni__identity_unref (subscriber);
}

void
zanni__dead_letter (zanni_worker_t *worker, const zanni_msg_t *msg, const char *why)
{
    zanni__count (&worker->counts.dead_letters, 1);
    if (msg->item.flags & ZANNI__NESTED)
        return;
    /* relaxed: a subscription begins some time; the lock orders what it says. */
    if (atomic_load_explicit (&worker->node->subscribed, memory_order_relaxed))
        s_notify (worker, msg, why);
}

static void
s_bury_drop (zanni_ref_t *ref)
{
    if (ref->strong)
        atomic_fetch_sub_explicit (&ref->identity->strong, 1, memory_order_acq_rel);
    zanni__free_ref (ref);
}

static void
s_bury_ask (zanni_worker_t *worker, zanni_msg_t *ask, int code, const zanni_reason_t *reason)
{
    if (zanni__ask_is_open (ask))
        zanni__answer_turned (worker, ask, code, reason);
    else
        zanni__msg_release (worker, ask);
}

/* Its worker ended before the START came, and knew nothing of it: what others have sent it is still there. */
static void
s_bury_unborn (zanni_worker_t *worker, zanni__identity_t *identity)
{
    if (identity->state == ZANNI__STARTING)
        zanni__request_end (worker, identity, (zanni_reason_t) { .kind = ZANNI_EXIT_SHUTDOWN });
}

void
zanni__bury (zanni_worker_t *worker, zanni__item_t *item, int code, const zanni_reason_t *reason)
{
    zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
    switch (item->kind) {
    case ZANNI__TELL:
        if (!(item->flags & ZANNI__TICK))
            zanni__dead_letter (worker, msg, zanni_strerror (code));
        zanni__msg_release (worker, msg);
        break;
    case ZANNI__ASK:
        s_bury_ask (worker, msg, code, reason);
        break;
    case ZANNI__START:
        s_bury_unborn (worker, msg->to);
        s_bury_ask (worker, msg, code, reason);
        break;
    case ZANNI__AGAIN:
        s_bury_ask (worker, msg, code, reason);
        break;
    case ZANNI__MONITOR:
        zanni__down_now (worker, msg, reason, false);
        break;
    case ZANNI__LINK:
        zanni__exit_now (worker, msg, reason);
        break;
    case ZANNI__WAITER:
        if (item->flags & ZANNI__TICK)
            zanni__msg_release (worker, msg);
        else
            zanni__waiter_now (worker, msg);
        break;
    case ZANNI__DROP:
        s_bury_drop ((zanni_ref_t *) (void *) item);
        break;
    case ZANNI__MEMORY:
        zanni__memory_home (worker, msg);
        break;
    case ZANNI__BUFFER:
        zanni__buffer_home ((zanni_buffer_t *) (void *) item);
        break;
    case ZANNI__SURVEY:
        zanni__survey_buried (worker, msg);
        break;
    case ZANNI__WORKER_STOP:
    case ZANNI__EVENT:
        zanni_worker_drop (zanni__item_home (item));
        zanni__msg_release (worker, msg);
        break;
    default:
        zanni__msg_release (worker, msg);
    }
}

/* The worker that an item is for; NULL: any. */
zanni_worker_t *
zanni__item_home (zanni__item_t *item)
{
    switch (item->kind) {
    case ZANNI__BUFFER:
        return ((zanni_buffer_t *) (void *) item)->home;
    case ZANNI__WORKER_STOP:
    case ZANNI__SURVEY:
    case ZANNI__EVENT:
        return (zanni_worker_t *) (void *) ((zanni_msg_t *) (void *) item)->to;
    case ZANNI__MEMORY:
        return NULL;
    default:
        return zanni__item_to (item)->worker;
    }
}

/* A worker that refuses is taking in what was posted to it before, and that goes first; then it waits for other nodes, for
   seconds where they are out of reach. What comes behind something that has to wait for it waits, too. */
static bool
s_has_to_wait (const zanni_worker_t *to, const zanni__queue_t *waiting)
{
    if (!to || !atomic_load (&to->refusing))
        return false;
    return waiting->head || !atomic_load_explicit (&to->closed, memory_order_acquire);
}

/* Answers whether a worker has closed meanwhile. What waits goes back on the stack; then the number is looked at by a
   step that writes it, too, and so stands before or behind that of who closes: if he did not see what is there, this sees
   that he has closed. */
static bool
s_bury_some (zanni_worker_t *worker)
{
    zanni_node_t *node = worker->node;
    zanni__queue_t waiting = { NULL, NULL };
    uint64_t closings = atomic_load_explicit (&node->closings, memory_order_acquire);
    if (!atomic_load_explicit (&node->orphans, memory_order_relaxed))
        return false;
    /* acquire pairs with the release that pushed. */
    zanni__item_t *item = atomic_exchange_explicit (&node->orphans, NULL, memory_order_acquire);
    zanni__queue_t in_order = { NULL, NULL };
    zanni__item_t *next;
    for (; item; item = next) {   // a stack: the last came first
        next = item->next;
        zanni__queue_push_front (&in_order, item);
    }
    while ((item = zanni__queue_pop (&in_order))) {
        zanni_worker_t *to = zanni__item_home (item);
        if (to != worker && s_has_to_wait (to, &waiting))
            zanni__queue_push (&waiting, item);
        else if (to && to != worker && !atomic_load (&to->refusing)) {
            zanni__uncount_coming (item);
            zanni__post (worker, to, item);
        }
        else
            zanni__bury (worker, item, ZANNI_ENOACTOR, NULL);
    }
    if (!waiting.head)
        return false;
    zanni__node_orphan_again (node, waiting.head);
    return atomic_fetch_add_explicit (&node->closings, 0, memory_order_acq_rel) != closings;
}

/* What no worker took: passed on where the receiver lives after all, else buried. */
void
zanni__bury_orphans (zanni_worker_t *worker)
{
    while (s_bury_some (worker)) {}
}
