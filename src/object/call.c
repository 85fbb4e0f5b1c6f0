/* The asker's side of methods that wait: an ask with a timeout and a ticket, and the calls that stand on it.

   The object itself ends a wait in time, so that its answer is the truth. Only where it is not heard of at all does
   the ask's own deadline end it, which comes as much later as any ask has; then the ticket gives back what may be on
   its way. */

#include "../actor/worker.h"

#include <zanni/object.h>

#define S_ARGS_MOST 14

typedef struct {
    zanni_arg_t args [S_ARGS_MOST + 2];
    zanni_ask_t options;
} s_asked_t;

/* `words` and `options` with what a method that waits takes besides. */
static int
s_prepare (zanni_t *self, s_asked_t *asked, const zanni_ask_t *options, int64_t timeout_ms, zanni__words_t *words)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (words->count > S_ARGS_MOST || (words->count && !words->args) || timeout_ms < -1
        || (options && options->size && options->size != sizeof *options))
        return ZANNI_EINVAL;
    zanni_worker_t *worker = self->worker;
    if (options)
        asked->options = *options;
    if (!asked->options.ticket)
        asked->options.ticket = ++worker->pending_serial;   // used once by this worker, and so by this actor
    if (!asked->options.deadline_ms)
        asked->options.deadline_ms = timeout_ms < 0 || timeout_ms > INT64_MAX / 2
                                         ? -1 : timeout_ms + worker->node->options.ask_deadline_ms;
    if (words->count)
        memcpy (asked->args, words->args, words->count * sizeof *asked->args);
    asked->args [words->count++] = zanni_arg_int (timeout_ms);
    asked->args [words->count++] = zanni_arg_uint (asked->options.ticket);
    words->args = asked->args;
    return 0;
}

int
zanni_wait_ask_args (zanni_t *self, const zanni_ref_t *ref, const zanni_ask_t *options, int64_t timeout_ms,
                     const char *method, const zanni_arg_t *args, size_t count)
{
    zanni__words_t words = { method, args, count };
    s_asked_t asked = { .options = ZANNI_ASK_DEFAULT };
    int rc = s_prepare (self, &asked, options, timeout_ms, &words);
    return rc ? rc : zanni_ask_args (self, ref, &asked.options, words.method, words.args, words.count);
}

int
zanni_wait_call_args (zanni_t *self, zanni_msg_t **reply_p, const zanni_ref_t *ref, const zanni_ask_t *options,
                      int64_t timeout_ms, const char *method, const zanni_arg_t *args, size_t count)
{
    zanni__words_t words = { method, args, count };
    s_asked_t asked = { .options = ZANNI_ASK_DEFAULT };
    int rc = s_prepare (self, &asked, options, timeout_ms, &words);
    return rc ? rc : zanni_call_args (self, reply_p, ref, &asked.options, words.method, words.args, words.count);
}

/* Waits by `method`, whose answer is nothing, a truth or a number: `out` may be NULL. */
static int
s_wait (zanni_t *self, const zanni_out_t *out, const zanni_ref_t *ref, int64_t timeout_ms, const char *method)
{
    zanni_msg_t *reply = NULL;
    int rc = zanni_wait_call_args (self, &reply, ref, NULL, timeout_ms, method, NULL, 0);
    if (!rc && out)
        rc = zanni_read_args (reply, out, 1);
    zanni_msg_destroy (&reply);
    return rc;
}

int
zanni_lock_acquire (zanni_t *self, bool *abandoned, const zanni_ref_t *lock, int64_t timeout_ms)
{
    const zanni_out_t out = { ZANNI_OUT_BOOL, abandoned };
    return s_wait (self, abandoned ? &out : NULL, lock, timeout_ms, "acquire");
}

int
zanni_lock_release (zanni_t *self, const zanni_ref_t *lock)
{
    return zanni_call_args (self, NULL, lock, NULL, "release", NULL, 0);
}

int
zanni_semaphore_acquire (zanni_t *self, const zanni_ref_t *semaphore, int64_t timeout_ms)
{
    return s_wait (self, NULL, semaphore, timeout_ms, "acquire");
}

int
zanni_semaphore_release (zanni_t *self, const zanni_ref_t *semaphore, int64_t count)
{
    const zanni_arg_t args [] = { zanni_arg_int (count) };
    return zanni_call_args (self, NULL, semaphore, NULL, "release", args, 1);
}

int
zanni_event_wait (zanni_t *self, const zanni_ref_t *event, int64_t timeout_ms)
{
    return s_wait (self, NULL, event, timeout_ms, "wait");
}

int
zanni_queue_put_args (zanni_t *self, const zanni_ref_t *queue, int64_t timeout_ms, const zanni_arg_t *item)
{
    return item ? zanni_wait_call_args (self, NULL, queue, NULL, timeout_ms, "put", item, 1) : ZANNI_EINVAL;
}

int
zanni_queue_get (zanni_t *self, zanni_msg_t **item_p, const zanni_ref_t *queue, int64_t timeout_ms)
{
    return item_p ? zanni_wait_call_args (self, item_p, queue, NULL, timeout_ms, "get", NULL, 0) : ZANNI_EINVAL;
}

int
zanni_queue_join (zanni_t *self, const zanni_ref_t *queue, int64_t timeout_ms)
{
    return s_wait (self, NULL, queue, timeout_ms, "join");
}

/* Ends only when the lock is had again, so it has no deadline of its own. */
int
zanni_condition_wait (zanni_t *self, bool *notified, const zanni_ref_t *condition, int64_t timeout_ms)
{
    const zanni_ask_t options = { .deadline_ms = -1 };
    zanni_msg_t *reply = NULL;
    int rc = zanni_wait_call_args (self, &reply, condition, &options, timeout_ms, "wait", NULL, 0);
    if (!rc && notified)
        rc = zanni_read (reply, notified);
    zanni_msg_destroy (&reply);
    return rc;
}

int
zanni_barrier_wait (zanni_t *self, int64_t *index, const zanni_ref_t *barrier, int64_t timeout_ms)
{
    const zanni_out_t out = { ZANNI_OUT_INT64, index };
    return s_wait (self, index ? &out : NULL, barrier, timeout_ms, "wait");
}
