/* An answer that goes straight to a third actor: "zanni.chain" of every actor.

   The message says which other method of this actor is to handle which arguments. It is kept, with its duty to be
   answered, and an ask of the actor to itself takes its place at the front of the mailbox, so that order stays and
   methods, checks, behaviours and programs that read know nothing of it. The answer comes back to here and becomes
   the arguments with which the kept message is forwarded.

   The ask's arguments are the list in the message, byte for byte: a list is what arguments are. As they may come from
   a stranger and the ask would be one's own, it is held as what comes from elsewhere is, so that they are checked
   closely. */

#include "answer.h"
#include "pending.h"

#include "../wire/reader.h"

#include <stdio.h>

static int
s_fault (zanni_msg_t *msg, int code, const char *text)
{
    zanni__msg_set_fault (msg, text);
    return code;
}

/* What the method answered goes on. */
static int
s_pass_on (zanni_t *self, zanni_msg_t *msg, zanni_msg_t *reply)
{
    zanni_bound_t then;
    zanni_error_t error;
    zanni_rewind (msg);
    if (!zanni_msg_error (reply, &error)) {
        error.data = reply;
        return zanni_msg_kind (msg) == ZANNI_MSG_ASK ? zanni_pass (self, msg, &error) : error.code;
    }
    int rc = zanni_read (msg, &then);
    return rc ? rc : zanni__forward_with (self, msg, reply, then.ref, then.method);
}

static void
s_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_worker_t *worker = self->worker;
    zanni_msg_t *msg = arg;
    int rc = s_pass_on (self, msg, reply);
    if (rc && zanni_msg_kind (msg) == ZANNI_MSG_ASK)
        msg->code = zanni__answer_error (worker, msg, rc, 0, zanni_strerror (rc)) ? rc : 0;
    else if (rc) {
        zanni__count (&worker->counts.failed_tells, 1);
        zanni__log (worker->node, ZANNI_LOG_WARNING, "a chain by %s was told, and got \"%s\"",
                    zanni_ref_class (&self->identity->self), zanni_strerror (rc));
    }
    zanni_msg_destroy (&msg);
}

/* An ask of the actor to itself with these arguments, which are part of those of `msg`. */
static int
s_make (zanni_t *self, zanni_msg_t **inner_p, zanni_msg_t *msg, const char *method, const zanni_packed_t *args)
{
    const zanni__args_t whole = msg->args;
    msg->args.bytes = args->data;
    msg->args.size = (uint32_t) args->size;
    zanni_msg_t *inner = zanni__msg_again (self, msg, self->identity, method);
    msg->args = whole;
    if (!inner)
        return ZANNI_ENOMEM;
    zanni__identity_unhold (self->identity);
    zanni__msg_set_from (self->worker, inner, self->identity, NULL);
    inner->item.kind = ZANNI__ASK;
    *inner_p = inner;
    return 0;
}

static int
s_ask_oneself (zanni_t *self, zanni_msg_t *msg, zanni_msg_t *inner)
{
    zanni__pending_t *pending;
    zanni__identity_t *identity = self->identity;
    zanni_msg_t *kept = NULL;
    int rc = zanni_msg_keep (&kept, msg);
    if (rc)
        return rc;
    const zanni_ask_t ask = { .then = s_answered, .arg = kept, .deadline_ms = msg->deadline_ns == INT64_MAX ? -1 : 0 };
    rc = zanni__ask_begin (self, inner, &ask, &pending);
    if (rc) {
        zanni_msg_destroy (&kept);
        return rc;
    }
    zanni__queue_push_front (&identity->mailbox, &inner->item);
    if (!identity->busy)
        zanni__worker_push_run (self->worker, identity);
    return 0;
}

/* The arguments of `msg`, which has a payload, so that they stay where they are. */
static int
s_read (zanni_msg_t *msg, const char **method, zanni_packed_t *args)
{
    zanni_bound_t then;
    uint32_t count;
    zanni_rewind (msg);
    int rc = zanni_read (msg, &then, method, args);
    if (rc)
        return rc;
    zanni__reader_t reader = zanni__reader (args->data, (uint32_t) args->size);
    if (!zanni__reader_array (&reader, &count))
        return s_fault (msg, ZANNI_EARGS, "argument 3 is no list of arguments");
    return 0;
}

int
zanni__answer_chain (zanni_t *self, zanni_msg_t *msg)
{
    char text [160];
    const char *name;
    zanni_packed_t args;
    zanni_msg_t *inner;
    int rc = zanni__msg_share (msg);
    if (!rc)
        rc = s_read (msg, &name, &args);
    if (rc)
        return rc;
    const zanni__class_t *cls = zanni__behaviour (self->identity);
    const zanni__method_t *method = zanni__class_method (cls, name);
    if (method && method->flags & ZANNI_METHOD_PRIVATE) {
        snprintf (text, sizeof text, "%.64s of class %s is private", name, cls->definition->name);
        return s_fault (msg, ZANNI_EPERM, text);
    }
    rc = s_make (self, &inner, msg, name, &args);
    if (rc)
        return rc;
    rc = s_ask_oneself (self, msg, inner);
    if (rc)
        zanni__msg_free (self->worker, inner);
    return rc;
}
