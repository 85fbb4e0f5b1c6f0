/* Asks: a pending thing with a deadline on the asker's side, an ASK on the way.

   Whatever ends an ask first (answer, deadline, cancelling) wins; what comes later finds no pending thing and
   vanishes. Deadline and cancelling put their error behind what is in the asker's mailbox, as an answer would come.
   */

#include "answer.h"
#include "behaviour.h"
#include "chain.h"
#include "deliver.h"
#include "pending.h"

#include <stdio.h>

#define S_PROBE_NS INT64_C (200000000)   // in a call, and it may be one in a circle
#define S_PROBE_AGAIN_NS INT64_C (300000000)

static int64_t
s_deadline (const zanni_t *self, int64_t deadline_ms)
{
    zanni_worker_t *worker = self->worker;
    int64_t inherited = worker->current ? worker->current->deadline_ns : INT64_MAX;
    if (deadline_ms < 0)
        return INT64_MAX;
    if (!deadline_ms && inherited != INT64_MAX)
        return inherited;
    if (!deadline_ms)
        deadline_ms = worker->node->options.ask_deadline_ms;
    if (deadline_ms > INT64_MAX / 4000000)
        return INT64_MAX;
    worker->now_ns = zanni__node_now (worker->node);
    return worker->now_ns + deadline_ms * 1000000;
}

int
zanni__ask_begin (zanni_t *self, zanni_msg_t *msg, const zanni_ask_t *options, zanni__pending_t **pending_p)
{
    zanni__pending_t *pending;
    int rc = zanni__pending_new (self, &pending, ZANNI__AN_ASK);
    if (rc)
        return rc;
    msg->deadline_ns = s_deadline (self, options->deadline_ms);
    if (options->ticket)
        pending->id |= ZANNI__TICKETED;
    msg->id = pending->id;
    pending->as.ask.begun_ns = self->worker->now_ns;
    pending->as.ask.method = msg->method;
    if (!msg->method && msg->name)
        snprintf (pending->as.ask.name, sizeof pending->as.ask.name, "%s", msg->name);
    pending->as.ask.then = options->then;
    pending->as.ask.arg = options->arg;
    pending->as.ask.ticket = options->ticket;
    if (msg->deadline_ns != INT64_MAX)
        rc = zanni__due_set (self->worker, pending, msg->deadline_ns);
    if (rc) {
        zanni__pending_free (self->worker, pending);
        return rc;
    }
    zanni__hold_from (self->worker, msg->to);
    pending->as.ask.target = msg->to;
    *pending_p = pending;
    return 0;
}

/* `pending_p`: of a call, which waits for the answer and may get it before this returns; else NULL. */
static int
s_ask (zanni_t *self, const zanni_ref_t *ref, const zanni_ask_t *options, const zanni__words_t *words,
       zanni__pending_t **pending_p)
{
    zanni__pending_t *pending;
    zanni_msg_t *msg;
    if (options->size && options->size != sizeof *options)
        return ZANNI_EINVAL;
    int rc = zanni__msg_prepare (self, &msg, ref, words);
    if (rc)
        return rc;
    if (pending_p)
        rc = zanni__chain_call (self, msg, options->error);
    if (!rc)
        rc = zanni__ask_begin (self, msg, options, &pending);
    if (rc) {
        zanni__msg_free (self->worker, msg);
        return rc;
    }
    if (pending_p) {
        *pending_p = pending;
        self->calling = pending->id;
    }
    msg->item.kind = ZANNI__ASK;
    if (options->id_p)
        *options->id_p = msg->id;
    zanni__dispatch (self, msg);
    return 0;
}

int
zanni_ask_args (zanni_t *self, const zanni_ref_t *ref, const zanni_ask_t *options, const char *method,
                const zanni_arg_t *args, size_t count)
{
    static const zanni_ask_t defaults;
    const zanni__words_t words = { method, args, count };
    return s_ask (self, ref, options ? options : &defaults, &words, NULL);
}

/* Asks the same as another message, which stays the caller's, of whoever it is for. */
int
zanni__ask_again (zanni_t *self, const zanni_ref_t *ref, const zanni_ask_t *options, zanni_msg_t *like,
                  const char *method)
{
    zanni__identity_t *to;
    zanni__pending_t *pending;
    int rc = zanni__target (self->worker, &to, ref);
    if (!rc)
        rc = zanni__admit (self->worker, to, like->item.weight);
    if (!rc && to->elsewhere)
        rc = zanni__remote_trusts (self->worker, to);
    if (!rc)
        rc = zanni__msg_share (like);
    if (rc)
        return rc;
    zanni_msg_t *msg = zanni__msg_again (self, like, to, method);
    rc = msg ? zanni__ask_begin (self, msg, options, &pending) : ZANNI_ENOMEM;
    if (rc) {
        if (msg)
            zanni__msg_free (self->worker, msg);
        return rc;
    }
    msg->item.kind = ZANNI__ASK;
    msg->item.flags |= ZANNI__COUNTED;
    if (options->id_p)
        *options->id_p = msg->id;
    zanni__hold_borrowed (self->worker, msg, ref);
    zanni__dispatch (self, msg);
    return 0;
}

/* Nobody waits for the answer of an ask any more, and nobody is told. */
void
zanni__ask_forget (zanni_t *self, uint64_t ask)
{
    zanni__pending_t *pending = zanni__pending_find (self->worker, ask);
    if (pending && pending->kind == ZANNI__AN_ASK && pending->actor == self)
        zanni__pending_free (self->worker, pending);
}

/* The error that ends an ask from the asker's own side. */
static zanni_msg_t *
s_own_error (zanni_worker_t *worker, const zanni__pending_t *pending, int code, const char *text)
{
    zanni_msg_t *msg = zanni__msg_new (worker);
    if (!msg)
        return NULL;
    msg->to = pending->actor->identity;
    msg->id = pending->id;
    zanni__msg_set_from (worker, msg, pending->actor->identity, worker);
    zanni__error_fill (msg, code, text);
    msg->item.flags |= ZANNI__TICK;   // behind an answer that came in time it is nothing
    return msg;
}

/* The ask has ended for its asker, by this answer or error (NULL: by its own deadline, or cancelled), once and for
   all: who was asked is told. What the asker sends from here on comes behind that, so who keeps what he has answered
   for as long as it may not have been heard knows it by order. It is not subject to the limit of a mailbox. */
static void
s_settle (zanni__pending_t *pending, const zanni_msg_t *answer)
{
    zanni_t *self = pending->actor;
    zanni__identity_t *to = pending->as.ask.target;
    bool heard = answer && answer->item.kind == ZANNI__REPLY;
    int code = answer ? answer->code : 0;
    bool gone = code == ZANNI_EDOWN || code == ZANNI_ENODE || code == ZANNI_ENOACTOR;
    pending->as.ask.settled = true;
    if (answer && answer->from != self->identity && !answer->from->elsewhere)
        to = answer->from;   // within the node it may have been handed on
    const zanni_arg_t ticket = zanni_arg_uint (pending->as.ask.ticket);
    const zanni__words_t words = { heard ? "got" : "give_back", &ticket, 1 };
    zanni_msg_t *msg;
    if (!to || (!heard && gone))
        return;
    int rc = zanni__msg_make (self, &msg, to, &words);
    if (rc) {
        zanni__log (self->worker->node, ZANNI_LOG_ERROR, "%s of an ask's ticket could not be said: %s", words.method,
                    zanni_strerror (rc));
        return;
    }
    if (to->worker != self->worker)
        zanni__hold_afar (self->worker, msg);
    zanni__dispatch (self, msg);
}

bool
zanni__ask_ends (zanni__pending_t *pending, const zanni_msg_t *answer)
{
    if (pending->as.ask.settled)
        return answer->item.flags & ZANNI__TICK;
    if (pending->as.ask.ticket)
        s_settle (pending, answer);
    return true;
}

/* Ends an ask with an error, unless something has ended it. */
void
zanni__ask_fail (zanni_worker_t *worker, zanni__pending_t *pending, int code, const char *text)
{
    if (pending->as.ask.over || pending->as.ask.answer)
        return;
    zanni_msg_t *msg = s_own_error (worker, pending, code, text);
    if (!msg) {   // no memory: a little later
        (void) zanni__due_set (worker, pending, worker->now_ns + 10000000);
        return;
    }
    pending->as.ask.over = true;
    if (pending->as.ask.ticket)
        s_settle (pending, NULL);
    zanni__deliver (worker, &msg->item);
}

void
zanni__ask_expired (zanni_worker_t *worker, zanni__pending_t *pending)
{
    zanni__ask_fail (worker, pending, ZANNI_ETIMEOUT, zanni_strerror (ZANNI_ETIMEOUT));
}

int
zanni_cancel (zanni_t *self, uint64_t ask)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_worker_t *worker = self->worker;
    zanni__pending_t *pending = zanni__pending_find (worker, ask);
    if (!pending || pending->kind != ZANNI__AN_ASK || pending->actor != self || pending->as.ask.over)
        return 0;
    zanni_msg_t *error = s_own_error (worker, pending, ZANNI_ECANCELED, zanni_strerror (ZANNI_ECANCELED));
    zanni_msg_t *cancel = error ? zanni__msg_new (worker) : NULL;
    if (!cancel) {
        if (error)
            zanni__msg_free (worker, error);
        return ZANNI_ENOMEM;
    }
    zanni__identity_t *target = pending->as.ask.target;
    pending->as.ask.over = true;
    zanni__due_clear (worker, pending);
    cancel->item.kind = ZANNI__CANCEL;
    cancel->id = ask;
    cancel->to = target;
    zanni__msg_set_from (worker, cancel, self->identity, target->worker);
    zanni__hold_to (cancel);
    zanni__deliver (worker, &error->item);
    zanni__dispatch (self, cancel);
    if (pending->as.ask.ticket)
        s_settle (pending, NULL);
    return 0;
}

/* At the receiver: a promise becomes void, an ask that has not begun is taken out of the mailbox. */
void
zanni__cancel_arrives (zanni_worker_t *worker, zanni_msg_t *cancel)
{
    zanni__identity_t *to = cancel->to;
    zanni_msg_t *promised = to->actor ? zanni__promise_find (to->actor, cancel) : NULL;
    if (promised) {
        promised->item.flags |= ZANNI__ANSWERED;
        return;
    }
    zanni__item_t *before = NULL;
    for (zanni__item_t *item = to->mailbox.head; item; before = item, item = item->next) {
        zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
        if (item->kind != ZANNI__ASK || !zanni__cancels (cancel, msg))
            continue;
        zanni__mailbox_unlink (to, before, item);
        msg->item.flags |= ZANNI__ANSWERED;
        zanni__uncount (worker, msg);
        zanni__msg_release (worker, msg);
        return;
    }
    if (to->actor)
        (void) zanni__stash_cancel (to->actor, cancel);
}

static bool
s_answered (zanni_t *self, void *context)
{
    (void) self;
    const zanni__pending_t *pending = context;
    return pending->as.ask.answer != NULL;
}

/* What a blocked call got: the reply, or an error as the call's result. */
static int
s_take_answer (zanni_t *self, zanni_msg_t **reply_p, zanni_msg_t *answer, const zanni_ask_t *options)
{
    if (answer->item.kind == ZANNI__REPLY) {
        zanni__msg_own (answer);
        if (reply_p)
            *reply_p = answer;
        else
            zanni__msg_release (self->worker, answer);
        return 0;
    }
    int rc = answer->code;
    bool has_data = answer->args.size > 1;   // one byte is an empty array
    if (options->error && !zanni_msg_error (answer, options->error) && has_data) {
        zanni__msg_own (answer);
        options->error->data = answer;
    }
    else
        zanni__msg_release (self->worker, answer);
    return rc;
}

void
zanni__error_set (zanni_error_t *error, int code, const char *text)
{
    if (!error)
        return;
    *error = (zanni_error_t) { .code = code };
    snprintf (error->text, sizeof error->text, "%s", text ? text : zanni_strerror (code));
}

/* Waits for the answer of `pending`, which the deadline ends at the latest. */
int
zanni__ask_wait (zanni_t *self, zanni_msg_t **reply_p, zanni__pending_t *pending, const zanni_ask_t *options)
{
    zanni__assert (self->calling == pending->id);
    int64_t until_ns = self->worker->now_ns + S_PROBE_NS;
    int rc;
    while ((rc = zanni__block_until (self, s_answered, pending, until_ns)) == ZANNI_ETIMEOUT) {
        zanni__probe_send (self, pending);
        until_ns = self->worker->now_ns + S_PROBE_AGAIN_NS;
    }
    self->calling = 0;
    zanni_msg_t *answer = pending->as.ask.answer;
    pending->as.ask.answer = NULL;
    if (pending->as.ask.ticket && !pending->as.ask.settled)
        s_settle (pending, answer);
    zanni__pending_free (self->worker, pending);
    if (answer)
        return s_take_answer (self, reply_p, answer, options);
    zanni__error_set (options->error, rc, NULL);
    return rc;
}

int
zanni_call_args (zanni_t *self, zanni_msg_t **reply_p, const zanni_ref_t *ref, const zanni_ask_t *options,
                 const char *method, const zanni_arg_t *args, size_t count)
{
    static const zanni_ask_t defaults;
    const zanni__words_t words = { method, args, count };
    zanni__pending_t *pending = NULL;
    if (!options)
        options = &defaults;
    int rc = zanni__may_block (self);
    if (!rc && ref && ref->identity == self->identity)
        rc = ZANNI_EINVAL;   // it would wait for itself
    if (!rc)
        rc = s_ask (self, ref, options, &words, &pending);
    if (rc) {
        if (rc != ZANNI_EDEADLOCK)   // that has been told in full
            zanni__error_set (options->error, rc, NULL);
        return rc;
    }
    return zanni__ask_wait (self, reply_p, pending, options);
}

void
zanni_error_reset (zanni_error_t *error)
{
    if (!error)
        return;
    zanni_msg_destroy (&error->data);
    *error = (zanni_error_t) { 0 };
}
