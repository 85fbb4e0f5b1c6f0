/* Sending: a method name and tagged arguments become a message for an actor.

   The sender looks the method up, since the class of an actor is known wherever its identity is; the receiver's worker
   checks the arguments. A receiver's limit is checked before anything is packed, and again with the bytes known. */

#include "deliver.h"
#include "envelope.h"

#include "../message/pack.h"

/* 0, or why `to` takes nothing of this weight now; how many more it takes goes to `room`. */
static int
s_look_at (const zanni__identity_t *to, bool here, uint32_t weight, uint64_t *room)
{
    uint64_t limit = atomic_load_explicit (&to->limit, memory_order_relaxed);
    uint64_t queued = atomic_load_explicit (&to->queued, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit (&to->queued_bytes, memory_order_relaxed);
    if (atomic_load_explicit (&to->ended, memory_order_relaxed))
        return ZANNI_ENOACTOR;
    queued += here ? 0 : atomic_load_explicit (&to->coming, memory_order_relaxed);
    bytes += here ? 0 : atomic_load_explicit (&to->coming_bytes, memory_order_relaxed);
    bool full = queued >= limit || (bytes && bytes + weight > to->limit_bytes);
    *room = full || bytes > to->limit_bytes / 2 ? 0 : limit - queued;
    return full && to->overflow == ZANNI_REJECT ? ZANNI_EFULL : 0;
}

bool
zanni__room_of (const zanni__identity_t *to, uint64_t *room)
{
    return s_look_at (to, false, 0, room) != ZANNI_ENOACTOR;
}

/* For an actor of another worker, what was counted in advance (see outlet.c) is room enough. */
static __attribute__ ((noinline)) int
s_refuses (const zanni_worker_t *worker, const zanni__identity_t *to, uint32_t weight)
{
    uint64_t room;
    if (to->elsewhere)
        return zanni__remote_admits (worker, to, weight);
    uint32_t number = to->worker->number;
    const zanni__outlet_t *outlet = number < worker->outlets_size ? &worker->outlets [number] : NULL;
    if (outlet && outlet->admits == to && outlet->credit && outlet->credit_bytes >= weight
        && !atomic_load_explicit (&to->ended, memory_order_relaxed))
        return 0;
    return s_look_at (to, to->worker == worker, weight, &room);
}

/* The same, with the common case in line: an actor of this worker that is far from its limits. */
ZANNI__INLINE int
s_check_open (const zanni_worker_t *worker, const zanni__identity_t *to, uint32_t weight)
{
    if (to->worker == worker
        && atomic_load_explicit (&to->queued, memory_order_relaxed)
               < atomic_load_explicit (&to->limit, memory_order_relaxed)
        && atomic_load_explicit (&to->queued_bytes, memory_order_relaxed) + weight <= to->limit_bytes)
        return 0;
    return s_refuses (worker, to, weight);
}

int
zanni__admit (const zanni_worker_t *worker, const zanni__identity_t *to, uint32_t weight)
{
    return s_check_open (worker, to, weight);
}

/* An unknown method travels by name: its receiver says that there is none, or is a program that reads. */
static __attribute__ ((noinline)) int
s_set_name (zanni_msg_t *msg, const char *method)
{
    size_t length = strlen (method);
    if (length > 255)
        return ZANNI_EINVAL;
    char *name = zanni__msg_copy (msg, method, length);
    msg->name = name;
    return name ? 0 : ZANNI_ENOMEM;
}

ZANNI__INLINE bool
s_is_noted (const zanni__memo_t *memo, const zanni__class_t *cls, const char *name)
{
    return memo->name == name && memo->cls == cls
           && (memo->method->name == name || zanni__same_name (memo->method->name, name));
}

/* The last one is noted in the first of two places, and who was there goes to the second: two that share them, as methods of
   one name in two classes may, do not drive each other out. */
static __attribute__ ((noinline)) const zanni__method_t *
s_look_up (zanni_worker_t *worker, uintptr_t place, const zanni__class_t *cls, const char *name)
{
    zanni__memo_t *memo = &worker->memo [place];
    zanni__memo_t *second = &worker->memo [place ^ 1];
    const zanni__memo_t first = *memo;
    const zanni__method_t *method = s_is_noted (second, cls, name) ? second->method : zanni__class_method (cls, name);
    if (!method)
        return NULL;
    *memo = (zanni__memo_t) { .name = name, .cls = cls, .method = method };
    *second = first;
    return method;
}

ZANNI__INLINE const zanni__method_t *
s_method (zanni_worker_t *worker, const zanni__class_t *cls, const char *name)
{
    uintptr_t key = (uintptr_t) name ^ ((uintptr_t) cls >> 4);
    uintptr_t place = (key ^ (key >> 6)) % ZANNI__MEMO;
    const zanni__memo_t *memo = &worker->memo [place];
    return __builtin_expect (s_is_noted (memo, cls, name), 1) ? memo->method : s_look_up (worker, place, cls, name);
}

/* Packs into the room behind its first `used` bytes, a multiple of 8. */
ZANNI__INLINE int
s_pack (zanni_worker_t *worker, zanni_msg_t *msg, uint32_t used, const zanni_arg_t *args, size_t count)
{
    const zanni__pack_t pack = {
        .room = msg->room + used, .room_size = ZANNI__MESSAGE_ROOM - used, .refs = &worker->ref_hooks
    };
    int rc = zanni__args_pack (&msg->args, &msg->payload, &pack, args, count);
    if (__builtin_expect (rc != 0, 0))
        return rc;
    msg->room_used = msg->payload ? used : used + msg->args.size;
    msg->item.weight = msg->args.buffers ? zanni__args_weight (&msg->args) : msg->args.size;
    return 0;
}

int
zanni__msg_pack (zanni_worker_t *worker, zanni_msg_t *msg, const zanni_arg_t *args, size_t count)
{
    return s_pack (worker, msg, (msg->room_used + 7u) & ~7u, args, count);
}

/* A method that its class does not have: its name takes the front of the room. */
static __attribute__ ((noinline)) int
s_pack_named (zanni_worker_t *worker, zanni_msg_t *msg, const zanni__words_t *words)
{
    int rc = s_set_name (msg, words->method);
    return rc ? rc : zanni__msg_pack (worker, msg, words->args, words->count);
}

ZANNI__INLINE int
s_make (zanni_t *self, zanni_msg_t **msg_p, zanni__identity_t *to, const zanni__words_t *words)
{
    zanni_worker_t *worker = self->worker;
    zanni_msg_t *msg = zanni__msg_take (worker);
    if (__builtin_expect (!msg, 0))
        return ZANNI_ENOMEM;
    /* acquire pairs with the release of a root that begins to serve. */
    msg->method = s_method (worker, atomic_load_explicit (&to->cls, memory_order_acquire), words->method);
    msg->to = to;
    int rc = __builtin_expect (msg->method != NULL, 1) ? s_pack (worker, msg, 0, words->args, words->count)
                                                       : s_pack_named (worker, msg, words);
    if (__builtin_expect (rc != 0, 0)) {
        zanni__msg_free (worker, msg);
        return rc;
    }
    msg->from = self->identity;   // where it leaves the worker, its hold becomes another one: see outlet.c
    zanni__identity_hold (msg->from);
    *msg_p = msg;
    return 0;
}

int
zanni__msg_make (zanni_t *self, zanni_msg_t **msg_p, zanni__identity_t *to, const zanni__words_t *words)
{
    return s_make (self, msg_p, to, words);
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
ZANNI__INLINE int
s_prepare_for (zanni_t *self, zanni_msg_t **msg_p, zanni__identity_t *to, const zanni__words_t *words)
{
    int rc = s_make (self, msg_p, to, words);
    if (__builtin_expect (rc != 0, 0))
        return rc;
    rc = s_check_open (self->worker, to, (*msg_p)->item.weight);
    if (__builtin_expect (rc != 0, 0)) {
        zanni__msg_free (self->worker, *msg_p);
        return rc;
    }
    (*msg_p)->item.flags |= ZANNI__COUNTED;
    return 0;
}

ZANNI__INLINE int
s_prepare (zanni_t *self, zanni_msg_t **msg_p, const zanni_ref_t *ref, const zanni__words_t *words)
{
    int rc = zanni__check_thread (self);
    if (__builtin_expect (rc != 0, 0))
        return rc;
    if (__builtin_expect (!ref || !words->method, 0))
        return ZANNI_EINVAL;
    zanni__identity_t *to;
    rc = zanni__target (self->worker, &to, ref);
    return __builtin_expect (rc != 0, 0) ? rc : s_prepare_for (self, msg_p, to, words);
}

int
zanni__msg_prepare (zanni_t *self, zanni_msg_t **msg_p, const zanni_ref_t *ref, const zanni__words_t *words)
{
    int rc = s_prepare (self, msg_p, ref, words);
    if (!rc)
        zanni__hold_borrowed (self->worker, *msg_p, ref);
    return rc;
}

ZANNI__INLINE int
s_tell (zanni_t *self, const zanni_ref_t *ref, const zanni__words_t *words)
{
    zanni_msg_t *msg;
    int rc = s_prepare (self, &msg, ref, words);
    if (__builtin_expect (rc != 0, 0))
        return rc;
    if (__builtin_expect (msg->to->worker == self->worker && self->worker->corked
                              && msg->to->state != ZANNI__ELSEWHERE,
                          1))
        zanni__arrive (self->worker, msg->to, &msg->item);
    else {
        zanni__hold_borrowed (self->worker, msg, ref);
        zanni__dispatch (self, msg);
    }
    return 0;
}

/* To an actor of another node: where it can be, without a message. */
static __attribute__ ((noinline)) int
s_tell_elsewhere (zanni_t *self, const zanni_ref_t *ref, const zanni__words_t *words)
{
    zanni__identity_t *to;
    zanni_worker_t *worker = self->worker;
    int rc = words->method ? zanni__target (worker, &to, ref) : ZANNI_EINVAL;
    if (rc)
        return rc;
    const zanni__method_t *method =
        s_method (worker, atomic_load_explicit (&to->cls, memory_order_acquire), words->method);
    if (method && zanni__tell_plainly (self, to, method, words, &rc)) {
        if (!worker->corked)
            zanni__uncorked (worker);
        return rc;
    }
    zanni_msg_t *msg;
    rc = zanni__remote_trusts (worker, to);
    if (!rc)
        rc = s_prepare_for (self, &msg, to, words);
    if (rc)
        return rc;
    zanni__hold_borrowed (worker, msg, ref);
    zanni__dispatch (self, msg);
    return 0;
}

int
zanni_tell_args (zanni_t *self, const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    const zanni__words_t words = { method, args, count };
    if (__builtin_expect (ref && ref->identity->elsewhere, 0)) {
        int rc = zanni__check_thread (self);
        return rc ? rc : s_tell_elsewhere (self, ref, &words);
    }
    return s_tell (self, ref, &words);
}

/* Moves the arguments of `msg` into a payload of their own, so that several messages can share them. */
int
zanni__msg_share (zanni_msg_t *msg)
{
    if (msg->payload)
        return 0;
    return zanni__args_to_payload (&msg->args, &msg->payload);
}

/* The arguments of `pattern`, which has a payload: the same ones, or where there are references in them, others. */
int
zanni__msg_share_args (zanni_worker_t *worker, zanni_msg_t *msg, const zanni_msg_t *pattern)
{
    if (pattern->args.refs)
        return zanni__args_copy (&msg->args, &msg->payload, &pattern->args, &worker->ref_hooks);
    atomic_fetch_add_explicit (&pattern->payload->users, 1, memory_order_relaxed);
    msg->payload = pattern->payload;
    msg->args = pattern->args;
    return 0;
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
    msg->method = s_method (worker, atomic_load_explicit (&to->cls, memory_order_acquire), method);
    if ((!msg->method && s_set_name (msg, method)) || zanni__msg_share_args (worker, msg, pattern)) {
        zanni__msg_free (worker, msg);
        return NULL;
    }
    msg->item.weight = pattern->item.weight;
    msg->from = self->identity;
    zanni__identity_hold (msg->from);
    return msg;
}

int
zanni_msg_new_args (zanni_t *self, zanni_msg_t **msg_p, const char *method, const zanni_arg_t *args, size_t count)
{
    const zanni__words_t words = { method, args, count };
    zanni_msg_t *msg;
    int rc = zanni__check_thread (self);
    if (!rc && (!msg_p || !method))
        rc = ZANNI_EINVAL;
    if (!rc)
        rc = zanni__msg_make (self, &msg, self->identity, &words);
    if (rc)
        return rc;
    zanni__msg_own (msg);
    *msg_p = msg;
    return 0;
}

static int
s_send_one (zanni_t *self, const zanni_msg_t *pattern, const zanni_ref_t *ref, const char *method)
{
    zanni__identity_t *to;
    if (!ref)
        return ZANNI_EINVAL;
    int rc = zanni__target (self->worker, &to, ref);
    if (!rc)
        rc = s_check_open (self->worker, to, pattern->item.weight);
    if (!rc && to->elsewhere)
        rc = zanni__remote_trusts (self->worker, to);
    if (rc)
        return rc;
    zanni_msg_t *msg = zanni__msg_again (self, pattern, to, method);
    if (!msg)
        return ZANNI_ENOMEM;
    msg->item.flags |= ZANNI__COUNTED;
    zanni__hold_borrowed (self->worker, msg, ref);
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
