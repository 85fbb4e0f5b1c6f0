/* Answers: reply, fail, forward, promise, and the errors that the runtime answers itself.

   An ask carries the duty to be answered. Whoever releases it unanswered, for whatever reason, turns the message itself
   round into an error: that needs no memory, so it cannot fail. A promise is the same duty on an envelope without
   arguments, hanging in its actor's list. */

#include "pending.h"

#include "answer.h"
#include "chain.h"
#include "remote/remote.h"

#include "../wire/text.h"

#include <stdio.h>

bool
zanni__ask_is_open (const zanni_msg_t *msg)
{
    return (msg->item.kind == ZANNI__ASK || msg->item.kind == ZANNI__START || msg->item.kind == ZANNI__AGAIN)
           && !(msg->item.flags & ZANNI__ANSWERED);
}

/* The room of an ERROR begins with this. */
typedef struct {
    int64_t app_code;   // the application's own
    zanni_address_t origin;
    char text [];
} s_error_t;
_Static_assert (sizeof (s_error_t) + sizeof ((zanni_error_t *) 0)->text <= ZANNI__MESSAGE_ROOM, "an error fits");

static void
s_set_error (zanni_msg_t *msg, const zanni_address_t *origin, int64_t app_code, const char *text)
{
    s_error_t *error = (s_error_t *) (void *) msg->room;
    size_t limit = sizeof ((zanni_error_t *) 0)->text;
    size_t length = strnlen (text, limit - 1);
    memmove (error->text, text, length);
    error->text [length] = 0;
    zanni__text_mend (error->text);   // nothing else may travel
    error->app_code = app_code;
    error->origin = *origin;
    msg->room_used = (uint32_t) (sizeof *error + strlen (error->text) + 1);
}

void
zanni__error_fill (zanni_msg_t *msg, int code, const char *text)
{
    zanni_address_t origin = zanni_ref_address (&msg->from->self);
    msg->item.kind = ZANNI__ERROR;
    msg->code = code;
    s_set_error (msg, &origin, 0, text);
}

void
zanni__error_take (zanni_msg_t *msg, const zanni_error_t *error)
{
    msg->item.kind = ZANNI__ERROR;
    msg->code = error->code;
    s_set_error (msg, &error->origin, error->app_code, error->text);
}

int
zanni_msg_error (const zanni_msg_t *msg, zanni_error_t *error)
{
    if (!msg || !error || msg->item.kind != ZANNI__ERROR)
        return ZANNI_EINVAL;
    const s_error_t *from = (const s_error_t *) (const void *) msg->room;
    *error = (zanni_error_t) { .code = msg->code, .app_code = from->app_code, .origin = from->origin };
    snprintf (error->text, sizeof error->text, "%s", from->text);
    return 0;
}

/* By which stand-in whoever asked is answered. An ask that was forwarded within the node came by another worker's session;
   its answer goes by this one's, as all that its receiver sends there does, or it would overtake that. */
static zanni__identity_t *
s_asker (zanni_worker_t *worker, const zanni_msg_t *ask)
{
    zanni__identity_t *here, *from = ask->from;
    if (__builtin_expect (!from->elsewhere || from->worker == worker || ask->item.kind != ZANNI__ASK, 1))
        return from;
    return zanni__remote_here (worker, &here, from) ? from : here;
}

/* An answer to `ask` with nothing in it yet. */
static zanni_msg_t *
s_answer_new (zanni_worker_t *worker, const zanni_msg_t *ask, zanni__kind_t kind)
{
    zanni_msg_t *msg = zanni__msg_new (worker);
    if (!msg)
        return NULL;
    msg->item.kind = (uint8_t) kind;
    msg->code = ask->item.kind == ZANNI__START ? ZANNI__STARTED : 0;
    msg->to = s_asker (worker, ask);
    msg->id = ask->id;
    zanni__msg_set_from (worker, msg, ask->to, msg->to->worker);
    zanni__hold_to (msg);
    return msg;
}

static void
s_answer (zanni_worker_t *worker, zanni_msg_t *ask, zanni_msg_t *answer)
{
    ask->item.flags |= ZANNI__ANSWERED;
    zanni__send (worker, answer->to->worker, &answer->item);
    zanni__uncorked (worker);
}

/* The arguments of another message, without a copy. */
static int
s_take_arguments (zanni_msg_t *answer, zanni_msg_t *from)
{
    int rc = zanni__msg_share (from);
    if (rc)
        return rc;
    atomic_fetch_add_explicit (&from->payload->users, 1, memory_order_relaxed);   // `from` has one
    answer->payload = from->payload;
    answer->args = from->args;
    return 0;
}

int
zanni__answer_error_from (zanni_worker_t *worker, zanni_msg_t *ask, const zanni__answer_t *what)
{
    zanni_msg_t *answer = s_answer_new (worker, ask, ZANNI__ERROR);
    if (!answer)
        return ZANNI_ENOMEM;
    zanni_address_t here = zanni_ref_address (&ask->to->self);
    s_set_error (answer, what->origin ? what->origin : &here, what->app_code, what->text);
    answer->code = what->code;
    int rc = what->data ? s_take_arguments (answer, what->data)
                        : zanni__msg_pack (worker, answer, what->args, what->count);
    if (rc) {
        zanni__msg_free (worker, answer);
        return rc;
    }
    s_answer (worker, ask, answer);
    return 0;
}

int
zanni__answer_error (zanni_worker_t *worker, zanni_msg_t *ask, int code, int64_t app_code, const char *text)
{
    const zanni__answer_t what = { .code = code, .app_code = app_code, .text = text };
    return zanni__answer_error_from (worker, ask, &what);
}

/* Swaps the ends of a message. Its holds are alike at both, so the one on the old sender becomes the one on whom it is
   for, and whom it came to is held anew. */
void
zanni__msg_turn (zanni_worker_t *worker, zanni_msg_t *msg, zanni__kind_t kind)
{
    static const uint8_t nothing [] = { 0x90 };   // an empty array
    zanni__identity_t *to = msg->from;
    zanni__identity_t *from = msg->to;
    bool remote = msg->item.flags & ZANNI__REMOTE;
    zanni__args_release (&msg->args, msg->payload, &worker->ref_hooks);
    msg->args = (zanni__args_t) { .bytes = nothing, .size = sizeof nothing };
    msg->payload = NULL;
    if (msg->extra)
        zanni__msg_extra_free (msg);
    if (!(msg->item.flags & ZANNI__HOLDS_TO)) {
        if (remote)
            zanni__identity_ref (from);
        else
            zanni__identity_hold (from);
    }
    msg->to = to;
    msg->from = from;
    msg->item.kind = (uint8_t) kind;
    msg->item.flags = (uint8_t) (ZANNI__HOLDS_TO | (remote ? ZANNI__REMOTE : 0));
    msg->item.holds = 1;
    msg->method = NULL;
    msg->name = NULL;
    msg->deadline_ns = INT64_MAX;
    msg->at = 0;
}

void
zanni__answer_turned (zanni_worker_t *worker, zanni_msg_t *ask, int code, const zanni_reason_t *reason)
{
    char text [160];
    char why [128];
    if (reason)
        snprintf (text, sizeof text, "%s: %s", zanni_strerror (code), zanni_reason_string (reason, why, sizeof why));
    else
        snprintf (text, sizeof text, "%s", zanni_strerror (code));
    zanni__msg_turn (worker, ask, ZANNI__ERROR);
    zanni__error_fill (ask, code, text);
    zanni__send (worker, ask->to->worker, &ask->item);
}

/* The worker on which an ask may be answered, or why it may not. */
static int
s_check_ask (const zanni_t *self, const zanni_msg_t *msg)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!msg)
        return ZANNI_EINVAL;
    return zanni__ask_is_open (msg) && msg->item.kind == ZANNI__ASK ? 0 : ZANNI_EREPLIED;
}

static int
s_check_result (zanni_msg_t *ask, const zanni_msg_t *answer)
{
    zanni__fault_t fault;
    char where [160];
    char text [200];
    if (!ask->method || !zanni__signature_match (ask->method->out, &answer->args, &fault))
        return 0;
    snprintf (text, sizeof text, "result of %s: %s", ask->method->name,
              zanni__fault_text (&fault, where, sizeof where));
    zanni__msg_set_fault (ask, text);
    return ZANNI_EARGS;
}

static int
s_reply (zanni_worker_t *worker, zanni_msg_t *msg, const zanni_arg_t *args, size_t count)
{
    zanni_msg_t *answer = s_answer_new (worker, msg, ZANNI__REPLY);
    if (!answer)
        return ZANNI_ENOMEM;
    int rc = zanni__msg_pack (worker, answer, args, count);
    if (!rc)
        rc = s_check_result (msg, answer);
    if (rc) {
        zanni__msg_free (worker, answer);
        return rc;
    }
    s_answer (worker, msg, answer);
    return 0;
}

int
zanni__answer_empty (zanni_worker_t *worker, zanni_msg_t *ask)
{
    return s_reply (worker, ask, NULL, 0);
}

int
zanni_reply_args (zanni_t *self, zanni_msg_t *msg, const zanni_arg_t *args, size_t count)
{
    int rc = s_check_ask (self, msg);
    if (rc == ZANNI_EREPLIED && msg->item.kind == ZANNI__TELL)
        return 0;   // nobody asked
    return rc ? rc : s_reply (self->worker, msg, args, count);
}

int
zanni_fail_args (zanni_t *self, zanni_msg_t *msg, int64_t code, const char *text, const zanni_arg_t *args,
                 size_t count)
{
    int rc = s_check_ask (self, msg);
    if (rc)
        return rc;
    const zanni__answer_t what = {
        .code = ZANNI_EAPP, .app_code = code, .text = text ? text : "", .args = args, .count = count
    };
    return zanni__answer_error_from (self->worker, msg, &what);
}

int
zanni_pass (zanni_t *self, zanni_msg_t *msg, const zanni_error_t *error)
{
    int rc = s_check_ask (self, msg);
    if (rc)
        return rc;
    if (!error || !error->code)
        return ZANNI_EINVAL;
    static const zanni_address_t nowhere;
    bool known = memcmp (&error->origin, &nowhere, sizeof nowhere) != 0;
    const zanni__answer_t what = {
        .code = error->code, .app_code = error->app_code, .text = error->text,
        .origin = known ? &error->origin : NULL, .data = error->data
    };
    return zanni__answer_error_from (self->worker, msg, &what);
}

int
zanni__answer_as (zanni_worker_t *worker, zanni_msg_t *ask, zanni_msg_t *like)
{
    zanni_msg_t *answer = s_answer_new (worker, ask, ZANNI__REPLY);
    if (!answer)
        return ZANNI_ENOMEM;
    int rc = zanni__msg_share (like);
    if (!rc)
        rc = zanni__msg_share_args (worker, answer, like);
    if (rc)
        zanni__msg_free (worker, answer);
    else
        s_answer (worker, ask, answer);
    return rc;
}

/* Who sent it is held in the way that travels from now on, where that is needed: from another node, it does not come
   straight any more and counts in no window. */
static void
s_hold_sender (zanni_msg_t *msg, const zanni__identity_t *to)
{
    zanni__identity_t *from = msg->from;
    if (msg->item.flags & ZANNI__REMOTE || (to->worker == from->worker && !from->elsewhere))
        return;
    zanni__identity_ref (from);
    zanni__identity_unhold (from);
    msg->item.flags |= ZANNI__REMOTE;
}

int
zanni__hand_over (zanni_worker_t *worker, zanni_msg_t *msg, const zanni_ref_t *ref, const zanni__method_t *method)
{
    zanni__identity_t *to = ref->identity;
    if (__builtin_expect (to->elsewhere || msg->item.holds != 1 || msg->item.flags & ZANNI__HOLDS_TO || msg->extra,
                          0))
        return 0;
    int rc = zanni__admit (worker, to, msg->item.weight);
    if (__builtin_expect (rc != 0, 0))
        return rc;
    s_hold_sender (msg, to);
    msg->to = to;
    msg->method = method;
    msg->item.flags |= ZANNI__COUNTED;
    zanni__send (worker, to->worker, &msg->item);
    return ZANNI__GIVEN_AWAY;
}

/* A message for `to` from `sender` with the arguments of `pattern`, without copying what lies in its side table. */
static int
s_forwarded (zanni_t *self, zanni__identity_t *sender, zanni_msg_t *pattern, zanni__identity_t *to, const char *method,
             zanni_msg_t **onward_p)
{
    int rc = zanni__msg_share (pattern);
    if (rc)
        return rc;
    zanni_msg_t *onward = zanni__msg_again (self, pattern, to, method);
    if (!onward)
        return ZANNI_ENOMEM;
    /* The answer goes to the first asker, not to us. */
    zanni__identity_unhold (self->identity);
    /* Of another node's actor it does not come straight any more, and counts in no window. */
    zanni__msg_set_from (self->worker, onward, sender, sender->elsewhere ? NULL : self->worker);
    *onward_p = onward;
    return 0;
}

/* An ask goes to another node: its asker is told whose end is to end it now. */
static int
s_tell_asker (zanni_t *self, const zanni_msg_t *ask, zanni__identity_t *target)
{
    zanni_worker_t *worker = self->worker;
    zanni_msg_t *msg = zanni__msg_new (worker);
    zanni_ref_t *ref = msg ? zanni__ref_new (target, NULL, false, false) : NULL;
    if (!ref) {
        if (msg)
            zanni__msg_free (worker, msg);
        return ZANNI_ENOMEM;
    }
    msg->item.kind = ZANNI__FORWARDED;
    msg->id = ask->id;
    msg->to = ask->from;
    msg->args.table = (void **) (void *) msg->room;
    msg->args.table [0] = ref;
    msg->args.refs = 1;
    msg->room_used = sizeof ref;
    zanni__msg_set_from (worker, msg, self->identity, ask->from->worker);
    zanni__hold_to (msg);
    zanni__send (worker, msg->to->worker, &msg->item);
    return 0;
}

static int
s_give_up (zanni_t *self, zanni_msg_t *onward, int rc)
{
    zanni__msg_free (self->worker, onward);
    return rc;
}

/* At the asker's worker. */
void
zanni__forwarded_arrives (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni__identity_t *target;
    if (!zanni__target (worker, &target, msg->args.table [0]))   // else its deadline stays
        zanni__repoint (worker, msg->id, target);
    zanni__msg_release (worker, msg);
}

int
zanni_forward (zanni_t *self, zanni_msg_t *msg, const zanni_ref_t *ref, const char *method)
{
    return zanni__forward_with (self, msg, msg, ref, method);
}

int
zanni__forward_with (zanni_t *self, zanni_msg_t *msg, zanni_msg_t *pattern, const zanni_ref_t *ref, const char *method)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!msg || !ref || msg->item.kind > ZANNI__ASK)
        return ZANNI_EINVAL;
    if (msg->item.kind == ZANNI__ASK && !zanni__ask_is_open (msg))
        return ZANNI_EREPLIED;
    if (msg->item.kind == ZANNI__ASK && msg->id & ZANNI__TICKETED) {
        zanni__msg_set_fault (msg, "an ask with a ticket is not handed on: who asked has to ask that actor itself");
        return ZANNI_EPERM;
    }
    zanni__identity_t *to;
    rc = zanni__target (self->worker, &to, ref);
    if (!rc)
        rc = zanni__admit (self->worker, to, pattern->item.weight);
    if (rc)
        return rc;
    zanni_msg_t *onward;
    rc = s_forwarded (self, msg->from, pattern, to, method ? method : zanni_msg_method (msg), &onward);
    if (!rc && onward->method && onward->method->flags & ZANNI_METHOD_PRIVATE && onward->to != self->identity)
        rc = s_give_up (self, onward, ZANNI_EPERM);   // its receiver would judge by the first sender
    else if (!rc && to->elsewhere && msg->item.kind == ZANNI__ASK) {
        rc = s_tell_asker (self, msg, to);
        if (rc)
            (void) s_give_up (self, onward, rc);
    }
    if (rc)
        return rc;
    zanni__chain_pass (onward, msg);
    onward->item.kind = msg->item.kind;
    onward->item.flags |= ZANNI__COUNTED;
    onward->id = msg->id;
    onward->deadline_ns = msg->deadline_ns;
    msg->item.flags |= ZANNI__ANSWERED;
    zanni__hold_borrowed (self->worker, onward, ref);
    zanni__dispatch (self, onward);
    return 0;
}
