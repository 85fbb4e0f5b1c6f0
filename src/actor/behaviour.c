/* An actor changes how it is served.

   Who sends looks methods up in the class that an actor was spawned as, which never changes, and that stays so: no
   sender has to learn what the actor has become, on its own thread or another. Instead the mailbox of an actor that
   has changed its behaviour once heeds what arrives (deliver.h) and forgets the method that was found; its name is
   looked up when the message is handled, among the methods of that moment. What was in the mailbox before is treated
   so at the first change. Looking up at the sender in the present behaviour would be quicker, but what is on its way
   would still be wrong.

   What is put aside is an envelope of its own that shares the arguments, as what is forwarded is, so that a message
   is in one place still: the handler's goes its way, and the program may keep or have received it. It counts in the
   mailbox; where it came straight from another node, the room that it had in the window there is taken again, unless
   that node has been told already. */

#include "behaviour.h"

#include "answer.h"
#include "deliver.h"
#include "remote/remote.h"

#include <zanni/behaviour.h>

#include <stdarg.h>
#include <stdio.h>

/* Says what was wrong with what the present message asked for. */
__attribute__ ((format (printf, 2, 3))) static int
s_fault (const zanni_t *self, const char *format, ...)
{
    va_list values;
    char text [200];
    va_start (values, format);
    vsnprintf (text, sizeof text, format, values);
    va_end (values);
    if (self->worker->current && self->worker->current->to == self->identity)
        zanni__msg_set_fault (self->worker->current, text);
    return ZANNI_EINVAL;
}

static int
s_check_behaviour (const zanni_t *self, const zanni__class_t *own, const zanni__class_t *next)
{
    const char *name = next->definition->name;
    if (next->state_size != own->state_size)
        return s_fault (self, "class %s has a state of %zu bytes, that of this %s has %zu: they must share one struct",
                        name, next->state_size, own->definition->name, own->state_size);
    if (!next->run != !own->run)
        return s_fault (self, "class %s %s a loop, and this %s %s", name, next->run ? "is" : "is not",
                        own->definition->name, own->run ? "is" : "is not");
    return 0;
}

/* Methods that were looked up before are forgotten, once. */
static void
s_forget_methods (zanni__identity_t *identity)
{
    for (zanni__item_t *item = identity->mailbox.head; item; item = item->next)
        if (item->kind <= ZANNI__ASK)
            zanni__method_forget ((zanni_msg_t *) (void *) item);
    identity->heeds |= ZANNI__HEEDS_BEHAVIOUR;
}

int
zanni_become (zanni_t *self, const char *class_name)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni__identity_t *identity = self->identity;
    const zanni__class_t *own = atomic_load_explicit (&identity->cls, memory_order_relaxed);
    if (own == &zanni__none)
        return s_fault (self, "a root or attached thread that serves no class has no behaviour: zanni_serve comes first");
    const zanni__class_t *next = class_name ? zanni__class_find (class_name) : own;
    if (!next) {
        (void) s_fault (self, "%.64s is not registered: give it to zanni_init", class_name);
        return ZANNI_ENOCLASS;
    }
    rc = s_check_behaviour (self, own, next);
    zanni__more_t *more = rc ? NULL : zanni__more (self);
    if (!more)
        return rc ? rc : ZANNI_ENOMEM;
    if (next != own && !(identity->heeds & ZANNI__HEEDS_BEHAVIOUR))
        s_forget_methods (identity);
    identity->heeds |= next->has_high ? ZANNI__HEEDS_PRIORITY : 0;
    more->behaviour = next == own ? NULL : next;
    return 0;
}

/* The sender of `msg` is that of `copy`, which was made as the actor's own. */
static void
s_set_sender (zanni_t *self, zanni_msg_t *copy, zanni_msg_t *msg)
{
    zanni_worker_t *worker = self->worker;
    zanni__identity_t *from = msg->from;
    if (msg->item.flags & ZANNI__TICK)
        return;   // what the actor wanted to be told, whoever did
    bool straight = !from->elsewhere || zanni__remote_retake (worker, msg);
    zanni__identity_unhold (self->identity);
    zanni__msg_set_from (worker, copy, from, straight ? worker : NULL);
}

void
zanni__stay (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni__identity_t *from = msg->from;
    if (from->elsewhere && !(msg->item.flags & ZANNI__REMOTE) && !zanni__remote_retake (worker, msg)) {
        zanni__identity_ref (from);   // that node was told of its room already: it counts here alone
        zanni__identity_unhold (from);
        msg->item.flags |= ZANNI__REMOTE;
    }
    msg->item.flags |= ZANNI__COUNTED;
    zanni__count_queued (msg->to, 1, msg->item.weight);
}

int
zanni_stash (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!msg || msg->item.kind > ZANNI__ASK || msg->to != self->identity)
        return ZANNI_EINVAL;
    if (msg->item.kind == ZANNI__ASK && msg->item.flags & ZANNI__ANSWERED)
        return ZANNI_EREPLIED;
    const zanni__class_t *cls = atomic_load_explicit (&self->identity->cls, memory_order_relaxed);
    zanni__more_t *more = zanni__more (self);
    if (!more)
        return ZANNI_ENOMEM;
    if (more->stashed >= cls->stash_max)
        return ZANNI_EFULL;
    rc = zanni__msg_share (msg);
    if (rc)
        return rc;
    zanni_msg_t *copy = zanni__msg_again (self, msg, self->identity, zanni_msg_method (msg));
    if (!copy)
        return ZANNI_ENOMEM;
    zanni__method_forget (copy);
    s_set_sender (self, copy, msg);
    copy->item.kind = msg->item.kind;
    copy->item.flags |= ZANNI__COUNTED;
    copy->id = msg->id;
    copy->deadline_ns = msg->deadline_ns;
    msg->item.flags |= msg->item.kind == ZANNI__ASK ? ZANNI__ANSWERED : 0;
    zanni__count_queued (self->identity, 1, copy->item.weight);
    zanni__queue_push (&more->stash, &copy->item);
    more->stashed++;
    return 0;
}

uint32_t
zanni__unstash (zanni_t *self)
{
    zanni__identity_t *identity = self->identity;
    zanni_worker_t *worker = self->worker;
    zanni__more_t *more = self->more;
    uint32_t count = more ? more->stashed : 0;
    if (!count)
        return 0;
    /* What zanni_receive is to yield to one who serves no class waits there. */
    bool reads = worker->owner == identity
                 && atomic_load_explicit (&identity->cls, memory_order_relaxed) == &zanni__none;
    more->stashed = 0;
    zanni__queue_prepend (reads ? &worker->inbox : &identity->mailbox, &more->stash);
    if (identity->mailbox.head && !identity->busy)
        zanni__worker_push_run (worker, identity);
    return count;
}

int
zanni_unstash_all (zanni_t *self)
{
    int rc = zanni__check_thread (self);
    return rc ? rc : (int) zanni__unstash (self);
}

bool
zanni__stash_cancel (zanni_t *self, const zanni_msg_t *cancel)
{
    zanni__item_t *before = NULL;
    zanni__more_t *more = self->more;
    for (zanni__item_t *item = more ? more->stash.head : NULL; item; before = item, item = item->next) {
        zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
        if (item->kind != ZANNI__ASK || !zanni__cancels (cancel, msg))
            continue;
        zanni__queue_unlink (&more->stash, before, item);
        more->stashed--;
        msg->item.flags |= ZANNI__ANSWERED;
        zanni__uncount (self->worker, msg);
        zanni__msg_release (self->worker, msg);
        return true;
    }
    return false;
}
