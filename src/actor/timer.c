/* Timers: a tick is a tell of the actor to itself with the arguments of a pattern. While one waits in the mailbox no
   second one is sent; an actor that falls behind gets one tick late, not a heap of them.

   Watches and zanni_when_writable use the same ticks: what they have in common is that the message is wanted only as
   long as the pending thing whose id it carries is there. */

#include "pending.h"

#include <zanni/timer.h>

int
zanni__tick_new (zanni_t *self, zanni_msg_t **tick_p, const zanni__words_t *words, const char *signature)
{
    zanni_msg_t *tick;
    zanni__fault_t fault;
    int rc = zanni__msg_make (self, &tick, self->identity, words);
    if (rc)
        return rc;
    const zanni__method_t *method =
        self->more ? zanni__class_method (zanni__behaviour (self->identity), words->method) : tick->method;
    if (!signature && method && zanni__signature_match (method->in, &tick->args, &fault))
        rc = ZANNI_EARGS;
    if (!rc)
        rc = zanni__msg_share (tick);
    if (rc) {
        zanni__msg_release (self->worker, tick);
        return rc;
    }
    *tick_p = tick;
    return 0;
}

int
zanni__tick (zanni_worker_t *worker, zanni__pending_t *pending, zanni_msg_t *tick)
{
    zanni_msg_t *msg = zanni__msg_again (pending->actor, tick, tick->to, zanni_msg_method (tick));
    if (!msg)
        return ZANNI_ENOMEM;
    msg->id = pending->id;
    msg->item.flags |= ZANNI__TICK;
    zanni__deliver (worker, &msg->item);
    return 0;
}

bool
zanni__tick_arrived (zanni_worker_t *worker, const zanni_msg_t *msg)
{
    zanni__pending_t *pending = zanni__pending_find (worker, msg->id);
    if (!pending || pending->actor->identity != msg->to)
        return false;
    if (pending->kind == ZANNI__A_MONITOR) {   // of a waiter: it is done
        bool wanted = *zanni_msg_method (msg) != 0;
        zanni__pending_free (worker, pending);
        return wanted;
    }
    if (pending->kind != ZANNI__A_TIMER)
        return true;
    pending->as.timer.waiting = false;
    if (!pending->as.timer.every_ns)
        zanni__pending_free (worker, pending);
    return true;
}

/* The next multiple of the interval that lies ahead. */
static int64_t
s_next_ns (const zanni__pending_t *pending, int64_t now_ns)
{
    int64_t every_ns = pending->as.timer.every_ns;
    int64_t late_ns = now_ns - pending->due_ns;
    return pending->due_ns + (late_ns / every_ns + 1) * every_ns;
}

void
zanni__timer_expired (zanni_worker_t *worker, zanni__pending_t *pending)
{
    bool again = pending->as.timer.every_ns > 0;
    if (!pending->as.timer.waiting) {
        if (zanni__tick (worker, pending, pending->as.timer.tick)) {   // no memory: a little later
            (void) zanni__due_set (worker, pending, worker->now_ns + 10000000);
            return;
        }
        pending->as.timer.waiting = true;
    }
    if (again)
        (void) zanni__due_set (worker, pending, s_next_ns (pending, worker->now_ns));
}

int
zanni_timer_args (zanni_t *self, uint64_t *timer_p, int64_t after_ms, int64_t every_ms, const char *method,
                  const zanni_arg_t *args, size_t count)
{
    const zanni__words_t words = { method, args, count };
    const int64_t limit_ms = INT64_MAX / 4000000;
    zanni__pending_t *pending;
    zanni_msg_t *tick;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!timer_p || !method || after_ms < 0 || every_ms < 0 || after_ms > limit_ms || every_ms > limit_ms)
        return ZANNI_EINVAL;
    rc = zanni__tick_new (self, &tick, &words, NULL);
    if (rc)
        return rc;
    rc = zanni__pending_new (self, &pending, ZANNI__A_TIMER);
    if (rc) {
        zanni__msg_release (self->worker, tick);
        return rc;
    }
    pending->as.timer.tick = tick;
    pending->as.timer.every_ns = every_ms * 1000000;
    rc = zanni__due_set (self->worker, pending, zanni_now_ns (self) + after_ms * 1000000);
    if (rc) {
        zanni__pending_free (self->worker, pending);
        return rc;
    }
    *timer_p = pending->id;
    zanni__uncorked (self->worker);
    return 0;
}

int
zanni_timer_cancel (zanni_t *self, uint64_t timer)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni__pending_t *pending = zanni__pending_find (self->worker, timer);
    if (pending && pending->actor == self && pending->kind == ZANNI__A_TIMER)
        zanni__pending_free (self->worker, pending);
    return 0;
}

int64_t
zanni_now_ns (zanni_t *self)
{
    return zanni__node_now (self->worker->node);
}
