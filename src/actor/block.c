/* Blocking, for actors that own their worker. While one waits its worker goes on: timers, batches, and the turns of
   every other actor on it; its own handlers and callbacks rest, and what comes for it gathers in its mailbox. A loop
   actor has no turns in which a callback could run, so those run inside its zanni_receive. */

#include "answer.h"
#include "chain.h"
#include "pending.h"
#include "watchdog.h"

int
zanni__may_block (zanni_t *self)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!zanni__is_owner (self) || self->worker->blocking)
        return ZANNI_EOWNER;
    return self->closing ? ZANNI_ECLOSED : 0;
}

/* A deadline from now; -1: none. */
static int64_t
s_until (zanni_t *self, int64_t timeout_ms)
{
    if (timeout_ms < 0 || timeout_ms > INT64_MAX / 4000000)
        return INT64_MAX;
    return zanni__node_now (self->worker->node) + timeout_ms * 1000000;
}

/* 0 when `done` holds; ZANNI_ETIMEOUT; ZANNI_ECLOSED when the actor is told to stop; as zanni__worker_wait. */
int
zanni__block_until (zanni_t *self, bool (*done) (zanni_t *self, void *context), void *context, int64_t until_ns)
{
    zanni_worker_t *worker = self->worker;
    zanni__identity_t *identity = self->identity;
    zanni_msg_t *current = worker->current;
    zanni__was_t was;
    uint8_t was_blocked = identity->busy & ZANNI__BLOCKED;
    bool was_corked = worker->corked;
    int rc = 0;
    identity->busy |= ZANNI__BLOCKED;
    worker->blocking = true;
    worker->current = NULL;
    self->handling = current;
    zanni__watch_enter (worker, NULL, NULL, &was);
    worker->corked = false;
    while (!done (self, context)) {
        if (!zanni__worker_busy (worker))
            rc = zanni__worker_wait (worker, until_ns);
        zanni__worker_look (worker);
        if (done (self, context))
            break;
        if (self->closing)
            rc = ZANNI_ECLOSED;
        else if (worker->now_ns >= until_ns)
            rc = ZANNI_ETIMEOUT;
        if (rc)
            break;
        zanni__worker_run (worker, worker->poll);
    }
    worker->corked = was_corked;
    worker->current = current;
    self->handling = NULL;
    zanni__watch_leave (worker, &was, true);
    worker->blocking = false;
    if (!was_blocked)
        identity->busy &= (uint8_t) ~ZANNI__BLOCKED;
    if (!identity->busy && identity->mailbox.head)
        zanni__worker_push_run (worker, identity);
    zanni__uncorked (worker);   // what is left may be the program's own loop's to find
    return rc;
}

/* One receive: what it yields, and what it passes over. */
typedef struct {
    zanni_msg_t *msg;
    zanni__queue_t aside;
} s_receive_t;

static bool
s_has_callback (zanni_worker_t *worker, const zanni__item_t *item)
{
    if (item->kind < ZANNI__REPLY || item->kind > ZANNI__DOWN)
        return false;
    const zanni__pending_t *pending = zanni__pending_find (worker, ((const zanni_msg_t *) (const void *) item)->id);
    if (!pending || item->kind == ZANNI__DOWN)
        return pending && pending->kind == ZANNI__A_MONITOR && pending->as.monitor.then;
    return pending->kind == ZANNI__AN_ASK && pending->as.ask.then;
}

/* An answer that has a callback waits for its actor's next turn; a loop actor's runs now, for it has no turns. */
static void
s_pass_over (zanni_t *self, s_receive_t *receive, zanni__item_t *item)
{
    const zanni__class_t *cls = atomic_load_explicit (&self->identity->cls, memory_order_relaxed);
    if (cls->run)
        zanni__handle (self->worker, self->identity, item);
    else
        zanni__queue_push (&receive->aside, item);
}

static void
s_put_back (zanni_t *self, zanni__queue_t *aside)
{
    zanni__identity_t *identity = self->identity;
    zanni__queue_t *mailbox = &identity->mailbox;
    if (!aside->head)
        return;
    aside->tail->next = mailbox->head;
    if (!mailbox->head)
        mailbox->tail = aside->tail;
    mailbox->head = aside->head;
    if (!identity->busy)
        zanni__worker_push_run (self->worker, identity);
    zanni__uncorked (self->worker);
}

/* The next message that zanni_receive yields, or NULL; what the runtime handles itself is handled on the way. */
static zanni_msg_t *
s_next (zanni_t *self, s_receive_t *receive)
{
    zanni_worker_t *worker = self->worker;
    zanni__identity_t *identity = self->identity;
    for (;;) {
        zanni__item_t *item = zanni__queue_pop (&worker->inbox);
        if (!item)
            item = zanni__queue_pop (&identity->mailbox);
        if (!item)
            return NULL;
        if (item->kind > ZANNI__EXIT)
            zanni__handle (worker, identity, item);
        else if (s_has_callback (worker, item))
            s_pass_over (self, receive, item);
        else if (zanni__receivable (worker, identity, (zanni_msg_t *) (void *) item))
            return (zanni_msg_t *) (void *) item;
    }
}

static bool
s_has_next (zanni_t *self, void *context)
{
    s_receive_t *receive = context;
    if (!receive->msg)
        receive->msg = s_next (self, receive);
    return receive->msg != NULL;
}

int
zanni_receive (zanni_t *self, zanni_msg_t **msg_p, int64_t timeout_ms)
{
    int rc = zanni__may_block (self);
    if (rc && rc != ZANNI_ECLOSED)
        return rc;
    if (!msg_p)
        return ZANNI_EINVAL;
    if (rc)
        return rc;
    s_receive_t receive = { .msg = NULL };
    rc = zanni__block_until (self, s_has_next, &receive, s_until (self, timeout_ms));
    s_put_back (self, &receive.aside);
    if (!receive.msg)
        return rc;
    zanni__msg_own (receive.msg);
    if (zanni__waited_for (receive.msg))
        self->serving = receive.msg;
    zanni__count (&self->worker->counts.messages, 1);
    *msg_p = receive.msg;
    return 0;
}

typedef struct {
    zanni__identity_t *to;
    uint32_t weight;     // of what is to be sent
    uint64_t waiter;
} s_room_t;

static bool
s_has_room (zanni_t *self, void *context)
{
    s_room_t *room = context;
    return !zanni__pending_find (self->worker, room->waiter)
           || zanni__admit (self->worker, room->to, room->weight) != ZANNI_EFULL;
}

static bool
s_never (zanni_t *self, void *context)
{
    (void) self, (void) context;
    return false;
}

/* The waiter that has not come back waits there no more. */
static void
s_take_back (zanni_t *self, uint64_t waiter)
{
    zanni__pending_t *pending = zanni__pending_find (self->worker, waiter);
    if (pending && zanni_demonitor (self, waiter))   // no memory to say so: it comes back some time, to nobody
        zanni__pending_free (self->worker, pending);
}

/* Waits until the mailbox behind `ref` has room for so much, or its actor is gone. */
static int
s_wait_for_room (zanni_t *self, const zanni_ref_t *ref, uint32_t weight, int64_t until_ns)
{
    s_room_t room = { .to = ref->identity, .weight = weight };
    if (zanni__node_now (self->worker->node) >= until_ns)   // one look: who polls must see what makes room
        return zanni__block_until (self, s_never, NULL, until_ns);
    int rc = zanni__target (self->worker, &room.to, ref);
    if (!rc)
        rc = zanni__waiter_send (self, ref, "", weight, &room.waiter);
    if (rc)
        return rc;
    rc = zanni__block_until (self, s_has_room, &room, until_ns);
    s_take_back (self, room.waiter);
    return rc;
}

/* What a message with these arguments weighs in a mailbox. */
static int
s_weigh (zanni_t *self, const zanni_ref_t *ref, const zanni__words_t *words, uint32_t *weight)
{
    zanni_msg_t *msg;
    int rc = zanni__msg_make (self, &msg, ref->identity, words);
    if (rc)
        return rc;
    *weight = msg->item.weight;
    zanni__msg_free (self->worker, msg);
    return 0;
}

int
zanni_tell_wait_args (zanni_t *self, const zanni_ref_t *ref, int64_t wait_ms, const char *method,
                      const zanni_arg_t *args, size_t count)
{
    int rc = zanni__may_block (self);
    if (rc)
        return rc;
    const zanni__words_t words = { method, args, count };
    uint32_t weight = 0;
    int64_t until_ns = s_until (self, wait_ms);
    for (;;) {
        rc = zanni_tell_args (self, ref, method, args, count);
        if (rc != ZANNI_EFULL)
            return rc;
        rc = weight ? 0 : s_weigh (self, ref, &words, &weight);
        if (!rc)
            rc = s_wait_for_room (self, ref, weight, until_ns);
        if (rc)
            return rc;
    }
}

static bool
s_quits (zanni_worker_t *worker)
{
    return worker->quit;
}

int
zanni__run_until (zanni_t *self, bool (*over) (zanni_worker_t *worker), int64_t timeout_ms)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_worker_t *worker = self->worker;
    if (!zanni__is_owner (self) || worker->kind == ZANNI__WORKER_THREAD || worker->blocking || worker->corked
        || self->identity->busy & ZANNI__IN_TURN)
        return ZANNI_EOWNER;
    int64_t until_ns = s_until (self, timeout_ms);
    while (!rc && !over (worker) && !self->closing) {
        zanni__worker_look (worker);
        if (worker->now_ns >= until_ns)
            break;
        zanni__worker_run (worker, worker->poll);
        if (!over (worker) && !zanni__worker_busy (worker))
            rc = zanni__worker_wait (worker, until_ns);
    }
    zanni__uncorked (worker);
    return self->closing ? ZANNI_ECLOSED : rc;
}

int
zanni_run (zanni_t *self, int64_t timeout_ms)
{
    int rc = zanni__run_until (self, s_quits, timeout_ms);
    if (!rc)
        self->worker->quit = false;
    return rc;
}
