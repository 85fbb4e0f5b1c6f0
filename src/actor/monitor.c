/* Monitors: the MONITOR message itself waits with the watched actor and goes back as the DOWN, so that reporting an end
   needs no memory. On the watcher's side a pending thing says whether the DOWN is still wanted. */

#include "answer.h"
#include "pending.h"

#include <stdio.h>

/* The room of a DOWN is this. */
typedef struct {
    zanni_reason_t reason;
    bool restarts;
} s_down_t;

int
zanni_msg_down (const zanni_msg_t *msg, zanni_down_t *down)
{
    if (!msg || !down || msg->item.kind != ZANNI__DOWN)
        return ZANNI_EINVAL;
    const s_down_t *from = (const s_down_t *) (const void *) msg->room;
    *down = (zanni_down_t) {
        .monitor = msg->id, .ref = &msg->from->self, .reason = from->reason, .restarts = from->restarts
    };
    return 0;
}

void
zanni__down_now (zanni_worker_t *worker, zanni_msg_t *monitor, const zanni_reason_t *reason, bool restarts)
{
    static const zanni_reason_t gone = { .kind = ZANNI_EXIT_NO_ACTOR };
    s_down_t *down = (s_down_t *) (void *) monitor->room;
    zanni__msg_turn (worker, monitor, ZANNI__DOWN);
    down->reason = reason ? *reason : gone;
    down->restarts = restarts;
    zanni__send (worker, monitor->to->worker, &monitor->item);
}

/* A message of one's own to `ref`'s actor, which it holds. */
zanni_msg_t *
zanni__msg_about (zanni_t *self, zanni__identity_t *to, zanni__kind_t kind, uint64_t id)
{
    zanni_msg_t *msg = zanni__msg_new (self->worker);
    if (!msg)
        return NULL;
    msg->item.kind = (uint8_t) kind;
    msg->id = id;
    msg->to = to;
    zanni__msg_set_from (self->worker, msg, self->identity, to->worker);
    zanni__hold_to (msg);
    return msg;
}

/* Sends a watcher of `kind`, with a pending thing that says that it is wanted. */
static int
s_watch (zanni_t *self, const zanni_ref_t *ref, zanni__kind_t kind, zanni__pending_t **pending_p,
         zanni_msg_t **msg_p)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!ref)
        return ZANNI_EINVAL;
    zanni__identity_t *to;
    rc = zanni__target (self->worker, &to, ref);
    if (!rc)
        rc = zanni__pending_new (self, pending_p, ZANNI__A_MONITOR);
    if (rc)
        return rc;
    zanni_msg_t *msg = zanni__msg_about (self, to, kind, (*pending_p)->id);
    if (!msg) {
        zanni__pending_free (self->worker, *pending_p);
        return ZANNI_ENOMEM;
    }
    zanni__hold_from (self->worker, to);
    (*pending_p)->as.monitor.target = to;
    *msg_p = msg;
    return 0;
}

int
zanni__monitor_then (zanni_t *self, uint64_t *monitor_p, const zanni_ref_t *ref, zanni__down_fn *then, void *arg)
{
    zanni__pending_t *pending;
    zanni_msg_t *msg;
    if (!monitor_p)
        return ZANNI_EINVAL;
    int rc = s_watch (self, ref, ZANNI__MONITOR, &pending, &msg);
    if (rc)
        return rc;
    pending->as.monitor.then = then;
    pending->as.monitor.arg = arg;
    *monitor_p = pending->id;
    zanni__dispatch (self, msg);
    return 0;
}

int
zanni_monitor (zanni_t *self, uint64_t *monitor_p, const zanni_ref_t *ref)
{
    return zanni__monitor_then (self, monitor_p, ref, NULL, NULL);
}

int
zanni_demonitor (zanni_t *self, uint64_t monitor)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni__pending_t *pending = zanni__pending_find (self->worker, monitor);
    if (!pending || pending->actor != self || pending->kind != ZANNI__A_MONITOR)
        return 0;
    zanni_msg_t *msg = zanni__msg_about (self, pending->as.monitor.target, ZANNI__DEMONITOR, monitor);
    if (!msg)
        return ZANNI_ENOMEM;
    zanni__pending_free (self->worker, pending);
    zanni__dispatch (self, msg);
    return 0;
}

/* Room again: the waiter goes back as a tell to its own sender's method, whose name it carries in its room; that of a
   blocking send, which has no method, as a WAITER, since its sender handles no tells now; one with a callback as a DOWN. */
void
zanni__waiter_now (zanni_worker_t *worker, zanni_msg_t *waiter)
{
    if (waiter->code) {
        zanni__down_now (worker, waiter, NULL, false);
        return;
    }
    zanni__msg_turn (worker, waiter, *waiter->room ? ZANNI__TELL : ZANNI__WAITER);
    waiter->item.flags |= ZANNI__TICK;
    waiter->name = (const char *) waiter->room;
    zanni__send (worker, waiter->to->worker, &waiter->item);
}

int
zanni__waiter_send (zanni_t *self, const zanni_ref_t *ref, const char *method, uint32_t weight,
                    uint64_t *waiter_p)
{
    zanni__pending_t *pending;
    zanni_msg_t *msg;
    size_t length = strlen (method);
    if (length > 63)
        return ZANNI_EINVAL;
    int rc = s_watch (self, ref, ZANNI__WAITER, &pending, &msg);
    if (rc)
        return rc;
    memcpy (msg->room, method, length + 1);
    msg->item.weight = weight;   // what there is to be room for
    *waiter_p = pending->id;
    zanni__dispatch (self, msg);
    return 0;
}

int
zanni__room_then (zanni_t *self, const zanni_ref_t *ref, zanni__down_fn *then, void *arg)
{
    zanni__pending_t *pending;
    zanni_msg_t *msg;
    int rc = s_watch (self, ref, ZANNI__WAITER, &pending, &msg);
    if (rc)
        return rc;
    pending->as.monitor.then = then;
    pending->as.monitor.arg = arg;
    *msg->room = 0;
    msg->code = 1;
    zanni__dispatch (self, msg);
    return 0;
}

int
zanni_when_writable (zanni_t *self, const zanni_ref_t *ref, const char *method)
{
    uint64_t waiter;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    return method && *method ? zanni__waiter_send (self, ref, method, 0, &waiter) : ZANNI_EINVAL;
}

static bool
s_has_room (const zanni__identity_t *identity, const zanni_msg_t *waiter)
{
    uint64_t bytes = atomic_load_explicit (&identity->queued_bytes, memory_order_relaxed);
    /* Half empty, so that a sender that was stopped gets a good run. */
    return atomic_load_explicit (&identity->queued, memory_order_relaxed) <= identity->limit / 2
           && bytes <= identity->limit_bytes / 2
           && (!bytes || bytes + waiter->item.weight <= identity->limit_bytes);
}

void
zanni__watcher_add (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *msg)
{
    if (msg->item.kind == ZANNI__WAITER && !identity->elsewhere && s_has_room (identity, msg)) {
        zanni__waiter_now (worker, msg);
        return;
    }
    zanni__item_t **at = &identity->watchers;
    if (msg->item.kind != ZANNI__WAITER)   // those come first: they are looked for with every message that leaves
        while (*at && (*at)->kind == ZANNI__WAITER)
            at = &(*at)->next;
    msg->item.next = *at;
    *at = &msg->item;
}

void
zanni__watcher_remove (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *demonitor)
{
    for (zanni__item_t **at = &identity->watchers; *at; at = &(*at)->next) {
        zanni_msg_t *msg = (zanni_msg_t *) (void *) *at;
        if (msg->id == demonitor->id && msg->from == demonitor->from) {
            *at = msg->item.next;
            zanni__msg_release (worker, msg);
            break;
        }
    }
    zanni__msg_release (worker, demonitor);
}

/* One monitor's DOWN; the others wait on. */
void
zanni__watcher_fire (zanni_worker_t *worker, zanni__identity_t *identity, const zanni__identity_t *from, uint64_t id,
                     const zanni_reason_t *reason, bool restarts)
{
    for (zanni__item_t **at = &identity->watchers; *at; at = &(*at)->next) {
        zanni_msg_t *msg = (zanni_msg_t *) (void *) *at;
        if (msg->id != id || msg->from != from || msg->item.kind != ZANNI__MONITOR)
            continue;
        *at = msg->item.next;
        zanni__down_now (worker, msg, reason, restarts);
        return;
    }
}

/* The LINK of that number out of the list, where it is there. */
zanni_msg_t *
zanni__watcher_take (zanni__identity_t *identity, const zanni__identity_t *from, uint64_t id)
{
    for (zanni__item_t **at = &identity->watchers; *at; at = &(*at)->next) {
        zanni_msg_t *msg = (zanni_msg_t *) (void *) *at;
        if (msg->item.kind != ZANNI__LINK || msg->id != id || !zanni_ref_equal (&msg->from->self, &from->self))
            continue;
        *at = msg->item.next;
        return msg;
    }
    return NULL;
}

/* All LINKs become EXITs. */
void
zanni__watchers_unlink (zanni_worker_t *worker, zanni__identity_t *identity, const zanni_reason_t *reason)
{
    zanni__item_t **at = &identity->watchers;
    while (*at) {
        zanni_msg_t *msg = (zanni_msg_t *) (void *) *at;
        if (msg->item.kind == ZANNI__LINK) {
            *at = msg->item.next;
            zanni__exit_now (worker, msg, reason);
        }
        else
            at = &msg->item.next;
    }
}

void
zanni__waiters_wake (zanni_worker_t *worker, zanni__identity_t *identity)
{
    for (zanni__item_t **at = &identity->watchers; *at && (*at)->kind == ZANNI__WAITER;) {
        zanni_msg_t *msg = (zanni_msg_t *) (void *) *at;
        if (s_has_room (identity, msg)) {
            *at = msg->item.next;
            zanni__waiter_now (worker, msg);
        }
        else
            at = &msg->item.next;
    }
}

void
zanni__watchers_end (zanni_worker_t *worker, zanni__identity_t *identity, const zanni_reason_t *reason,
                     bool restarts)
{
    zanni__item_t *next;
    zanni__item_t *item = identity->watchers;
    identity->watchers = NULL;
    for (; item; item = next) {
        zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
        next = item->next;
        if (item->kind == ZANNI__WAITER)
            zanni__waiter_now (worker, msg);
        else if (item->kind == ZANNI__LINK)
            zanni__exit_now (worker, msg, reason);
        else
            zanni__down_now (worker, msg, reason, restarts);
    }
}
