/* Circles of calls that nobody could see when they were closed: see chain.c.

   Who has waited in a call for some time sends a *probe* behind it, to whom it asked. If that one still has the ask, and
   waits in a call itself, it adds the asker to the probe's chain and sends it on behind its own call. Who finds itself in
   the chain waits for itself, and its call ends. (A spawner that waits for a start has asked, too.)

   Each step is certain when it is taken: the ask lies there open, so its asker waits; who has it waits, too, so nobody will
   answer it. And it stays so, but for deadlines, which the chain knows, until somebody in it goes on, which takes an answer of
   the next one. So when a probe comes back, the whole circle stands. (It is the way of Chandy, Misra and Haas, for who
   waits for one at a time.) Every member sends a probe of its own, and he who was last to wait sends one when the circle is
   closed: so one is enough, and further ones are for what gets lost on the way. */

#include "answer.h"
#include "chain.h"
#include "pending.h"
#include "remote/remote.h"

/* To whom the ask of `pending` is at now; with the chain of `before` and who asked `ask`, or without one. */
static void
s_send (zanni_t *self, const zanni__pending_t *pending, const zanni_msg_t *before, const zanni_msg_t *ask)
{
    zanni_worker_t *worker = self->worker;
    zanni__identity_t *to = pending->as.ask.target;
    zanni_msg_t *msg = to ? zanni__msg_new (worker) : NULL;
    if (!msg)
        return;   // the next one, or the deadline
    msg->item.kind = ZANNI__PROBE;
    msg->id = pending->id;
    msg->code = ZANNI__CALLED;
    msg->to = to;
    zanni__msg_set_from (worker, msg, self->identity, to->worker);
    zanni__hold_to (msg);
    if (ask && !zanni__chain_extend (msg, before, ask, ZANNI__PROBE_MAX))
        zanni__msg_free (worker, msg);
    else
        zanni__dispatch (self, msg);
}

void
zanni__probe_send (zanni_t *self, const zanni__pending_t *pending)
{
    s_send (self, pending, NULL, NULL);
}

static bool
s_is (const zanni_msg_t *probe, const zanni_msg_t *msg)
{
    return msg && zanni__ask_is_open (msg) && zanni__cancels (probe, msg);
}

static zanni_msg_t *
s_in_queue (const zanni_msg_t *probe, const zanni__queue_t *queue)
{
    zanni__item_t *item = queue->head;
    while (item && !s_is (probe, (const zanni_msg_t *) (const void *) item))
        item = item->next;
    return (zanni_msg_t *) (void *) item;
}

/* The ask that the probe follows, wherever the actor has it; NULL: it has not come, or is answered, or went on. */
static zanni_msg_t *
s_followed (const zanni_msg_t *probe, const zanni_t *actor)
{
    if (s_is (probe, actor->handling))
        return actor->handling;
    if (s_is (probe, actor->serving))
        return actor->serving;
    for (zanni__link_t *link = actor->kept.next; link != &actor->kept; link = link->next) {
        zanni_msg_t *msg = ZANNI__CONTAINER (link, zanni__extra_t, kept)->msg;
        if (s_is (probe, msg))
            return msg;
    }
    zanni_msg_t *ask = zanni__promise_find (actor, probe);
    if (!ask)
        ask = s_in_queue (probe, &actor->identity->mailbox);
    return ask || !zanni__is_owner (actor) ? ask : s_in_queue (probe, &actor->worker->inbox);
}

/* Where the probe comes back, the call ends. Without memory it goes no further either. */
static bool
s_fails (zanni_t *actor, const zanni_msg_t *probe, const zanni_msg_t *ask, zanni__pending_t *pending)
{
    char text [sizeof ((zanni_error_t *) 0)->text];
    zanni_msg_t *whole = zanni__msg_new (actor->worker);
    if (!whole)
        return true;
    zanni__msg_set_from (actor->worker, whole, actor->identity, actor->worker);
    whole->to = actor->identity;
    bool closes = zanni__chain_extend (whole, probe, ask, ZANNI__PROBE_MAX)
                  && zanni__chain_closes (whole, actor->identity, NULL, text, sizeof text)
                  && zanni__chain_follows (whole, actor->identity, pending->as.ask.target);   // others may have made it up
    zanni__msg_free (actor->worker, whole);
    zanni_msg_t *served = actor->handling ? actor->handling : actor->serving;
    if (closes && served)
        zanni__msg_set_fault (served, text);
    if (closes)
        zanni__ask_fail (actor->worker, pending, ZANNI_EDEADLOCK, text);
    return closes;
}

void
zanni__probe_arrives (zanni_worker_t *worker, zanni_msg_t *probe)
{
    zanni_t *actor = probe->to->actor;
    zanni__pending_t *pending = actor && actor->calling ? zanni__pending_find (worker, actor->calling) : NULL;
    zanni_msg_t *ask = pending && !pending->as.ask.answer ? s_followed (probe, actor) : NULL;
    if (ask && !s_fails (actor, probe, ask, pending) && zanni__chain_count (probe) < ZANNI__PROBE_MAX - 1)
        s_send (actor, pending, probe, ask);
    zanni__msg_release (worker, probe);
}
