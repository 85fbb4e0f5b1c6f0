/* Sending: a method name and tagged arguments become a message for an actor.

   The sender looks the method up, since the class of an actor is known wherever its identity is; the receiver's worker
   checks the arguments. A receiver's limit is checked before anything is packed, and again with the bytes known. */

#include "worker.h"

/* 0, or why nothing may be sent to `to` now. */
static int
s_check_open (const zanni__identity_t *to, uint32_t weight)
{
    uint32_t queued = atomic_load_explicit (&to->queued, memory_order_relaxed)
                      + atomic_load_explicit (&to->coming, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit (&to->queued_bytes, memory_order_relaxed)
                     + atomic_load_explicit (&to->coming_bytes, memory_order_relaxed);
    if (__builtin_expect (atomic_load_explicit (&to->ended, memory_order_relaxed), 0))
        return ZANNI_ENOACTOR;
    if (__builtin_expect (queued >= to->limit || (bytes && bytes + weight > to->limit_bytes), 0))
        return to->overflow == ZANNI_REJECT ? ZANNI_EFULL : 0;
    return 0;
}

int
zanni__admit (zanni__identity_t *to, uint32_t weight)
{
    return s_check_open (to, weight);
}

/* An unknown method travels by name: its receiver says that there is none, or is a program that reads. */
static int
s_set_method (zanni_msg_t *msg, const char *method)
{
    const zanni__class_t *cls = atomic_load_explicit (&msg->to->cls, memory_order_acquire);
    msg->method = zanni__class_method (cls, method);
    if (__builtin_expect (msg->method != NULL, 1))
        return 0;
    size_t length = strlen (method);
    if (length > 255)
        return ZANNI_EINVAL;
    char *name = zanni__msg_copy (msg, method, length);
    msg->name = name;
    return name ? 0 : ZANNI_ENOMEM;
}

int
zanni__msg_pack (zanni_worker_t *worker, zanni_msg_t *msg, const zanni_arg_t *args, size_t count)
{
    uint32_t used = (msg->room_used + 7u) & ~7u;
    zanni__pack_t pack = {
        .room = msg->room + used, .room_size = ZANNI__MESSAGE_ROOM - used, .refs = &worker->ref_hooks
    };
    int rc = zanni__args_pack (&msg->args, &msg->payload, &pack, args, count);
    if (__builtin_expect (rc != 0, 0))
        return rc;
    msg->room_used = msg->payload ? used : used + msg->args.size;
    msg->item.weight = zanni__args_weight (&msg->args);
    return 0;
}

int
zanni__msg_make (zanni_t *self, zanni_msg_t **msg_p, zanni__identity_t *to, const zanni__words_t *words)
{
    zanni_worker_t *worker = self->worker;
    zanni_msg_t *msg = zanni__msg_new (worker);
    if (!msg)
        return ZANNI_ENOMEM;
    msg->to = to;
    int rc = s_set_method (msg, words->method);
    if (!rc)
        rc = zanni__msg_pack (worker, msg, words->args, words->count);
    if (__builtin_expect (rc != 0, 0)) {
        zanni__msg_free (worker, msg);
        return rc;
    }
    zanni__msg_set_from (worker, msg, self->identity, to->worker);
    *msg_p = msg;
    return 0;
}

/* Off it goes; a counted message was admitted before. */
void
zanni__dispatch (zanni_t *self, zanni_msg_t *msg)
{
    zanni_worker_t *worker = self->worker;
    zanni__send (worker, msg->to->worker, &msg->item);
    if (__builtin_expect (!worker->corked, 0))
        zanni__uncorked (worker);
}

/* Makes a message that its receiver admits. */
int
zanni__msg_prepare (zanni_t *self, zanni_msg_t **msg_p, const zanni_ref_t *ref, const zanni__words_t *words)
{
    int rc = zanni__check_thread (self);
    if (__builtin_expect (rc != 0, 0))
        return rc;
    if (__builtin_expect (!ref || !words->method, 0))
        return ZANNI_EINVAL;
    rc = s_check_open (ref->identity, 0);
    if (!rc)
        rc = zanni__msg_make (self, msg_p, ref->identity, words);
    if (__builtin_expect (rc != 0, 0))
        return rc;
    rc = s_check_open (ref->identity, (*msg_p)->item.weight);
    if (__builtin_expect (rc != 0, 0)) {
        zanni__msg_free (self->worker, *msg_p);
        *msg_p = NULL;
        return rc;
    }
    (*msg_p)->item.flags |= ZANNI__COUNTED;
    return 0;
}

int
zanni_tell_args (zanni_t *self, const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    const zanni__words_t words = { method, args, count };
    zanni_msg_t *msg;
    int rc = zanni__msg_prepare (self, &msg, ref, &words);
    if (__builtin_expect (!rc, 1))
        zanni__dispatch (self, msg);
    return rc;
}

/* Moves the arguments of `msg` into a payload of their own, so that several messages can share them. */
int
zanni__msg_share (zanni_msg_t *msg)
{
    if (msg->payload)
        return 0;
    int rc = zanni__args_to_payload (&msg->args, &msg->payload);
    return rc;
}

/* A further message with the arguments of `pattern`, which has a payload. */
zanni_msg_t *
zanni__msg_again (zanni_t *self, const zanni_msg_t *pattern, zanni__identity_t *to, const char *method)
{
    zanni_worker_t *worker = self->worker;
    zanni_msg_t *msg = zanni__msg_new (worker);
    if (!msg)
        return NULL;
    msg->to = to;
    if (s_set_method (msg, method)) {
        zanni__msg_free (worker, msg);
        return NULL;
    }
    atomic_fetch_add_explicit (&pattern->payload->users, 1, memory_order_relaxed);
    msg->payload = pattern->payload;
    msg->args = pattern->args;
    msg->item.weight = pattern->item.weight;
    zanni__msg_set_from (worker, msg, self->identity, to->worker);
    return msg;
}

static int
s_send_one (zanni_t *self, const zanni_msg_t *pattern, const zanni_ref_t *ref, const char *method)
{
    if (!ref)
        return ZANNI_EINVAL;
    int rc = zanni__admit (ref->identity, pattern->item.weight);
    if (rc)
        return rc;
    zanni_msg_t *msg = zanni__msg_again (self, pattern, ref->identity, method);
    if (!msg)
        return ZANNI_ENOMEM;
    msg->item.flags |= ZANNI__COUNTED;
    zanni__send (self->worker, msg->to->worker, &msg->item);
    return 0;
}

int
zanni_send_all_args (zanni_t *self, const zanni_ref_t *const *refs, size_t refs_count, int *results,
                     const char *method, const zanni_arg_t *args, size_t count)
{
    const zanni__words_t words = { method, args, count };
    zanni_msg_t *pattern;
    int accepted = 0;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!method || (refs_count && !refs) || refs_count > INT32_MAX)
        return ZANNI_EINVAL;
    rc = zanni__msg_make (self, &pattern, self->identity, &words);
    if (rc)
        return rc;
    rc = zanni__msg_share (pattern);
    for (size_t i = 0; !rc && i < refs_count; i++) {
        int result = s_send_one (self, pattern, refs [i], method);
        accepted += !result;
        if (results)
            results [i] = result;
    }
    zanni__msg_release (self->worker, pattern);
    zanni__uncorked (self->worker);
    return rc ? rc : accepted;
}
