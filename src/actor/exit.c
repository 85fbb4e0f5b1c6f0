/* Links and exit signals between the actors of a node; those of other nodes are the matter of partner.c.

   Each side keeps its half of a link: something pending, found in the worker's table by the two actors, with a
   message from the partner which becomes the EXIT when this side ends, so that telling of an end needs no memory.
   A LINK has a number that whoever makes it draws at random. UNLINK and EXIT name it, so they end that link and
   no other, however messages cross: one that ends nothing any more came late. If both sides link at once there
   are two such links; to the program they are one, for the first EXIT takes the others along.

   A signal acts when it arrives. What comes before its actor has begun waits in the mailbox, and acts when there
   is an incarnation. What is trapped waits there like a DOWN, and is wanted as long as its half is pending. */

#include "answer.h"
#include "deliver.h"
#include "pending.h"
#include "remote/remote.h"

#include "../wire/text.h"

#include <stdio.h>

_Static_assert (sizeof (zanni_reason_t) <= ZANNI__MESSAGE_ROOM, "a reason fits a message");

static const uint8_t s_nothing [] = { 0x90 };   // an empty array

#define S_TRAPPED 1   // `code` of an EXIT that is in the mailbox for its hook

int
zanni_msg_exit (const zanni_msg_t *msg, zanni_exit_signal_t *signal)
{
    if (!msg || !signal || msg->item.kind != ZANNI__EXIT)
        return ZANNI_EINVAL;
    *signal = (zanni_exit_signal_t) {
        .from = &msg->from->self, .reason = *(const zanni_reason_t *) (const void *) msg->room, .linked = msg->id != 0
    };
    return 0;
}

static uint64_t
s_hash (const zanni_t *self, const zanni__identity_t *partner)
{
    return zanni_ref_hash (&partner->self) ^ zanni__spread ((uintptr_t) self);
}

/* A half of `self` and that partner; `number` 0: any of them. */
static zanni__pending_t *
s_find (const zanni_t *self, const zanni__identity_t *partner, uint64_t number, bool or_over)
{
    uint64_t hash = s_hash (self, partner);
    zanni__entry_t *entry = zanni__table_find (&self->worker->links, hash);
    for (; entry; entry = zanni__table_again (entry->next, hash)) {
        zanni__pending_t *pending = ZANNI__CONTAINER (entry, zanni__pending_t, as.link.entry);
        const zanni_msg_t *msg = pending->as.link.msg;
        if (pending->actor == self && (!number || msg->id == number) && (or_over || !pending->as.link.over)
            && zanni_ref_equal (&msg->from->self, &partner->self))
            return pending;
    }
    return NULL;
}

/* A half with this message, which it takes. */
static int
s_keep (zanni_t *self, zanni_msg_t *msg)
{
    zanni__pending_t *pending;
    int rc = zanni__pending_new (self, &pending, ZANNI__A_LINK);
    if (rc)
        return rc;
    pending->as.link.msg = msg;
    if (zanni__table_put (&self->worker->links, &pending->as.link.entry, s_hash (self, msg->from)))
        return 0;
    pending->as.link.msg = NULL;
    zanni__pending_free (self->worker, pending);
    return ZANNI_ENOMEM;
}

/* The message out of a half, which ends. */
static zanni_msg_t *
s_take (zanni_worker_t *worker, zanni__pending_t *pending)
{
    zanni_msg_t *msg = pending->as.link.msg;
    zanni__table_remove (&worker->links, &pending->as.link.entry);
    pending->as.link.msg = NULL;
    zanni__pending_free (worker, pending);
    return msg;
}

void
zanni__exit_forget (zanni_worker_t *worker, zanni__pending_t *pending)
{
    zanni_msg_t *msg = pending->as.link.msg;
    if (!msg)
        return;
    zanni__table_remove (&worker->links, &pending->as.link.entry);
    zanni__msg_release (worker, msg);
}

void
zanni__exit_now (zanni_worker_t *worker, zanni_msg_t *link, const zanni_reason_t *reason)
{
    static const zanni_reason_t gone = { .kind = ZANNI_EXIT_NO_ACTOR };
    zanni__msg_turn (worker, link, ZANNI__EXIT);
    *(zanni_reason_t *) (void *) link->room = reason ? *reason : gone;
    zanni__send (worker, link->to->worker, &link->item);
}

/* Every half of these two ends here, and there. */
static void
s_undo (zanni_t *self, const zanni__identity_t *partner, bool or_over)
{
    zanni_worker_t *worker = self->worker;
    zanni__pending_t *pending;
    while ((pending = s_find (self, partner, 0, or_over))) {
        bool over = pending->as.link.over;
        zanni_msg_t *msg = s_take (worker, pending);
        if (over)
            zanni__msg_release (worker, msg);
        else {
            zanni__msg_turn (worker, msg, ZANNI__UNLINK);
            zanni__send (worker, msg->to->worker, &msg->item);
        }
    }
}

static void
s_linked (zanni_worker_t *worker, zanni_t *self, zanni_msg_t *link)
{
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR };
    if (s_find (self, link->from, link->id, true)) {
        zanni__msg_release (worker, link);
        return;
    }
    int rc = s_keep (self, link);
    if (!rc)
        return;
    reason.code = rc;
    snprintf (reason.text, sizeof reason.text, "%s", zanni_strerror (rc));
    zanni__exit_now (worker, link, &reason);
}

static void
s_unlinked (zanni_worker_t *worker, zanni_t *self, zanni_msg_t *unlink)
{
    zanni__pending_t *pending = s_find (self, unlink->from, unlink->id, false);
    if (pending)
        zanni__pending_free (worker, pending);
    zanni__msg_release (worker, unlink);
}

static void
s_signalled (zanni_worker_t *worker, zanni_t *self, zanni_msg_t *exit)
{
    const zanni_reason_t *reason = (const zanni_reason_t *) (const void *) exit->room;
    zanni__pending_t *pending = exit->id ? s_find (self, exit->from, exit->id, false) : NULL;
    if (exit->id && !pending) {
        zanni__msg_release (worker, exit);
        return;
    }
    if (pending) {
        pending->as.link.over = true;
        s_undo (self, exit->from, false);
        exit->id = pending->id;
    }
    if (self->traps) {
        exit->code = S_TRAPPED;
        zanni__enqueue (worker, exit->to, &exit->item);
        return;
    }
    if (pending)
        zanni__pending_free (worker, pending);
    if (reason->kind == ZANNI_EXIT_NORMAL)
        zanni__msg_release (worker, exit);
    else
        zanni__exit_ends (worker, exit);
}

void
zanni__exit_arrives (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni_t *self = msg->to->actor;
    if (!self && msg->item.kind == ZANNI__EXIT && !msg->id && msg->to->state == ZANNI__WAITING)
        zanni__msg_release (worker, msg);   // to an incarnation that is gone
    else if (!self)
        zanni__enqueue (worker, msg->to, &msg->item);   // until it begins
    else if (msg->item.kind == ZANNI__LINK)
        s_linked (worker, self, msg);
    else if (msg->item.kind == ZANNI__UNLINK)
        s_unlinked (worker, self, msg);
    else
        s_signalled (worker, self, msg);
}

static bool
s_waits (const zanni__item_t *item)
{
    const zanni_msg_t *msg = (const zanni_msg_t *) (const void *) item;
    return item->kind == ZANNI__LINK || item->kind == ZANNI__UNLINK
           || (item->kind == ZANNI__EXIT && msg->code != S_TRAPPED);
}

void
zanni__exit_begin (zanni_worker_t *worker, zanni__identity_t *identity)
{
    zanni__queue_t waiting = { NULL, NULL }, others = { NULL, NULL };
    zanni__item_t *item;
    while ((item = zanni__queue_pop (&identity->mailbox)))
        zanni__queue_push (s_waits (item) ? &waiting : &others, item);
    identity->mailbox = others;
    while ((item = zanni__queue_pop (&waiting)))
        zanni__exit_arrives (worker, (zanni_msg_t *) (void *) item);
}

/* What is sent may come back as an UNLINK at once, so all halves are taken first. */
void
zanni__exit_all (zanni_t *self, const zanni_reason_t *reason)
{
    zanni__queue_t links = { NULL, NULL };
    zanni__hook_t *next;
    zanni__item_t *item;
    for (zanni__hook_t *hook = self->pendings; hook; hook = next) {
        zanni__pending_t *pending = ZANNI__CONTAINER (hook, zanni__pending_t, hook);
        next = hook->next;
        if (pending->kind == ZANNI__A_LINK && !pending->as.link.over)
            zanni__queue_push (&links, &s_take (self->worker, pending)->item);
    }
    while ((item = zanni__queue_pop (&links)))
        zanni__exit_now (self->worker, (zanni_msg_t *) (void *) item, reason);
}

/* This side's half, as if it had come from the partner. */
static int
s_keep_own (zanni_t *self, zanni__identity_t *to, uint64_t number)
{
    zanni_msg_t *msg = zanni__msg_new (self->worker);
    if (!msg)
        return ZANNI_ENOMEM;
    msg->item.kind = ZANNI__LINK;
    msg->id = number;
    msg->to = self->identity;
    zanni__msg_set_from (self->worker, msg, to, self->worker);
    zanni__hold_to (msg);
    int rc = s_keep (self, msg);
    if (rc)
        zanni__msg_free (self->worker, msg);
    return rc;
}

static int
s_link (zanni_t *self, zanni__identity_t *to)
{
    const zanni_clock_t *clock = &self->worker->node->clock;
    uint64_t number = 0;
    int rc = clock->random (clock->context, &number, sizeof number);
    if (rc)
        return rc;
    number |= UINT64_C (1) << 63;   // never 0
    zanni_msg_t *msg = zanni__msg_about (self, to, ZANNI__LINK, number);
    if (!msg)
        return ZANNI_ENOMEM;
    rc = s_keep_own (self, to, number);
    if (rc)
        zanni__msg_free (self->worker, msg);
    else
        zanni__dispatch (self, msg);
    return rc;
}

int
zanni_link (zanni_t *self, const zanni_ref_t *ref)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!ref || zanni_ref_equal (ref, &self->identity->self))
        return ZANNI_EINVAL;
    if (!ref->own)
        return ZANNI_EPERM;
    zanni__identity_t *to;
    rc = zanni__target (self->worker, &to, ref);
    return rc || s_find (self, to, 0, false) ? rc : s_link (self, to);
}

int
zanni_unlink (zanni_t *self, const zanni_ref_t *ref)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!ref)
        return ZANNI_EINVAL;
    if (!ref->own)
        return ZANNI_EPERM;
    s_undo (self, ref->identity, true);
    zanni__uncorked (self->worker);
    return 0;
}

int
zanni_trap_exits (zanni_t *self, bool trap)
{
    int rc = zanni__check_thread (self);
    if (!rc)
        self->traps = trap;
    return rc;
}

static bool
s_is_reason (const zanni_reason_t *reason)
{
    size_t length = strnlen (reason->text, sizeof reason->text);
    return (unsigned) reason->kind <= ZANNI_EXIT_CODE && length < sizeof reason->text
           && zanni__text_valid (reason->text, length);
}

int
zanni_exit_signal (zanni_t *self, const zanni_ref_t *ref, const zanni_reason_t *reason)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!ref || !reason || !s_is_reason (reason))
        return ZANNI_EINVAL;
    if (reason->kind == ZANNI_EXIT_KILLED)
        return zanni_kill (self, ref);
    if (!ref->own)
        return ZANNI_EPERM;
    zanni__identity_t *to;
    rc = zanni__target (self->worker, &to, ref);
    if (rc)
        return rc;
    zanni_msg_t *msg = zanni__msg_about (self, to, ZANNI__EXIT, 0);
    if (!msg)
        return ZANNI_ENOMEM;
    msg->args.bytes = s_nothing;
    msg->args.size = sizeof s_nothing;
    *(zanni_reason_t *) (void *) msg->room = *reason;
    zanni__dispatch (self, msg);
    return 0;
}
