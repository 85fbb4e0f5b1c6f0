/* Promises: an ask's duty without its arguments, on an envelope of its own. The promise hangs in its actor's list by a
   hook in the envelope's room, so that the asker hears of it when the actor ends first; and in a table of its worker's by
   the ask's number, for an actor may have promised a hundred thousand when their askers begin to give up. */

#include "answer.h"
#include "pending.h"
#include "remote/remote.h"

static zanni_msg_t *
s_msg (const zanni_promise_t *promise)
{
    return (zanni_msg_t *) (uintptr_t) promise;
}

/* The room of a promise. The hook comes first. */
typedef struct {
    zanni__hook_t hook;
    zanni__entry_t entry;
} s_place_t;

static s_place_t *
s_place (zanni_msg_t *duty)
{
    return (s_place_t *) (void *) duty->room;
}

/* A promise leaves its list and table. */
static void
s_leave (zanni_worker_t *worker, zanni_msg_t *duty)
{
    zanni__hook_remove (&s_place (duty)->hook);
    zanni__table_remove (&worker->promises, &s_place (duty)->entry);
}

int
zanni_promise_new (zanni_t *self, zanni_promise_t **promise_p, zanni_msg_t *msg)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!promise_p || !msg)
        return ZANNI_EINVAL;
    if (!zanni__ask_is_open (msg))   // a START, too: then the promise says how it went
        return ZANNI_EREPLIED;
    zanni_msg_t *duty = zanni__msg_new (self->worker);
    if (!duty)
        return ZANNI_ENOMEM;
    if (!zanni__table_put (&self->worker->promises, &s_place (duty)->entry, zanni__spread (msg->id))) {
        zanni__msg_free (self->worker, duty);
        return ZANNI_ENOMEM;
    }
    duty->item.kind = ZANNI__ASK;
    duty->to = msg->to;
    duty->id = msg->id;
    duty->deadline_ns = msg->deadline_ns;
    duty->method = msg->method;
    zanni__msg_set_from (self->worker, duty, msg->from, msg->from->worker);
    zanni__hook_insert (&self->promises, &s_place (duty)->hook);
    msg->item.flags |= ZANNI__ANSWERED;
    *promise_p = (zanni_promise_t *) (void *) duty;
    return 0;
}

static void
s_done (zanni_t *self, zanni_promise_t **promise_p)
{
    zanni_msg_t *duty = s_msg (*promise_p);
    *promise_p = NULL;
    s_leave (self->worker, duty);
    zanni__msg_release (self->worker, duty);
}

static int
s_check (zanni_t *self, zanni_promise_t **promise_p)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    return promise_p && *promise_p ? 0 : ZANNI_EINVAL;
}

int
zanni_promise_reply_args (zanni_t *self, zanni_promise_t **promise_p, const zanni_arg_t *args, size_t count)
{
    int rc = s_check (self, promise_p);
    if (!rc)
        rc = zanni_reply_args (self, s_msg (*promise_p), args, count);
    if (!rc || rc == ZANNI_EREPLIED)
        s_done (self, promise_p);
    return rc == ZANNI_EREPLIED ? 0 : rc;   // cancelled meanwhile: nobody waits for it
}

int
zanni_promise_fail (zanni_t *self, zanni_promise_t **promise_p, int64_t code, const char *text)
{
    int rc = s_check (self, promise_p);
    if (!rc)
        rc = zanni_fail_args (self, s_msg (*promise_p), code, text, NULL, 0);
    if (!rc || rc == ZANNI_EREPLIED)
        s_done (self, promise_p);
    return rc == ZANNI_EREPLIED ? 0 : rc;
}

/* Where there is no memory for the answer, dropping it is one. */
void
zanni__promise_pass (zanni_t *self, zanni_promise_t **promise_p, zanni_msg_t *answer)
{
    zanni_msg_t *duty = s_msg (*promise_p);
    zanni_error_t error;
    int rc = ZANNI_EREPLIED;
    if (!zanni__ask_is_open (duty))
        ;   // cancelled: nobody waits for it
    else if (!zanni_msg_error (answer, &error)) {
        error.data = answer->args.size > 1 ? answer : NULL;   // one byte is an empty array
        rc = zanni_pass (self, duty, &error);
    }
    else
        rc = zanni__answer_as (self->worker, duty, answer);
    (void) rc;
    s_done (self, promise_p);
}

void
zanni__promise_error (zanni_t *self, zanni_promise_t **promise_p, const zanni_error_t *error)
{
    zanni_msg_t *duty = s_msg (*promise_p);
    int rc = zanni__ask_is_open (duty) ? zanni_pass (self, duty, error) : 0;
    (void) rc;
    s_done (self, promise_p);
}

void
zanni__promise_undo (zanni_t *self, zanni_promise_t **promise_p, zanni_msg_t *msg)
{
    s_msg (*promise_p)->item.flags |= ZANNI__ANSWERED;
    msg->item.flags &= (uint8_t) ~ZANNI__ANSWERED;
    s_done (self, promise_p);
}

bool
zanni_promise_is_void (const zanni_promise_t *promise)
{
    const zanni_msg_t *duty = s_msg (promise);
    return duty->item.flags & ZANNI__ANSWERED
           || duty->deadline_ns <= zanni__node_now (duty->to->worker->node);
}

void
zanni_promise_destroy (zanni_promise_t **promise_p)
{
    if (!promise_p || !*promise_p)
        return;
    zanni_worker_t *worker = s_msg (*promise_p)->to->worker;
    if (zanni__wrong_thread (worker)) {
        zanni__log (worker->node, ZANNI_LOG_ERROR, "a promise was destroyed on another thread than its actor's");
        *promise_p = NULL;
        return;
    }
    zanni_msg_t *duty = s_msg (*promise_p);
    *promise_p = NULL;
    s_leave (worker, duty);
    zanni__msg_release (worker, duty);
}

void
zanni__promises_end (zanni_t *actor, const zanni_reason_t *reason)
{
    zanni__hook_t *hook;
    while ((hook = actor->promises)) {
        zanni_msg_t *duty = (zanni_msg_t *) (void *) ((char *) hook - offsetof (zanni_msg_t, room));
        s_leave (actor->worker, duty);
        if (zanni__ask_is_open (duty))
            zanni__answer_turned (actor->worker, duty, ZANNI_EDOWN, reason);
        else
            zanni__msg_free (actor->worker, duty);
    }
}

bool
zanni__cancels (const zanni_msg_t *cancel, const zanni_msg_t *ask)
{
    return cancel->id == ask->id && zanni__same_asker (ask->from, cancel->from);
}

zanni_msg_t *
zanni__promise_find (const zanni_t *actor, const zanni_msg_t *about)
{
    uint64_t hash = zanni__spread (about->id);
    zanni__entry_t *entry = zanni__table_find (&actor->worker->promises, hash);
    for (; entry; entry = zanni__table_again (entry->next, hash)) {
        char *place = (char *) entry - offsetof (s_place_t, entry);
        zanni_msg_t *duty = (zanni_msg_t *) (void *) (place - offsetof (zanni_msg_t, room));
        if (duty->to == actor->identity && zanni__ask_is_open (duty) && zanni__cancels (about, duty))
            return duty;
    }
    return NULL;
}
