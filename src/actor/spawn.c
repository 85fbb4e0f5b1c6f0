/* Spawning: an identity on the worker that the place asks for, a strong reference for the spawner, and a START. */

#include "answer.h"
#include "pending.h"
#include "remote.h"

#include <stdio.h>

static const zanni_spawn_t s_defaults;

static int
s_fail (const zanni_spawn_t *options, int code, const char *format, const char *value)
{
    char text [200];
    snprintf (text, sizeof text, format, value);
    zanni__error_set (options->error, code, text);
    return code;
}

/* SHARED: the spawner's own worker, if it is of the pool; the one asked for; or the next in turn. */
static int
s_pool_worker (zanni_t *self, const zanni_spawn_t *options, zanni_worker_t **worker_p)
{
    zanni_node_t *node = self->worker->node;
    if (options->worker > node->options.workers)
        return s_fail (options, ZANNI_EINVAL, "no such worker: the pool has fewer than %s asks for", "`worker`");
    if (!options->worker && self->worker->kind == ZANNI__WORKER_POOL) {
        *worker_p = self->worker;
        return 0;
    }
    uint32_t index = options->worker ? options->worker - 1
                                     : node->clock.choose (node->clock.context, node->options.workers);
    return zanni__node_pool_worker (node, worker_p, index);
}

static int
s_worker_for (zanni_t *self, const zanni_spawn_t *options, const zanni__class_t *cls, zanni_worker_t **worker_p)
{
    if (cls->run && options->place != ZANNI_THREAD)
        return s_fail (options, ZANNI_EINVAL,
                       "class %s has a run hook: it needs .place = ZANNI_THREAD or ZANNI_PROCESS",
                       cls->definition->name);
    switch (options->place) {
    case ZANNI_SHARED:
        return s_pool_worker (self, options, worker_p);
    case ZANNI_HERE:
        *worker_p = self->worker;
        return 0;
    case ZANNI_THREAD: {
        char name [80];
        snprintf (name, sizeof name, "thread actor %s", cls->definition->name);
        return zanni__node_add_worker (self->worker->node, worker_p, ZANNI__WORKER_THREAD, name);
    }
    default:
        return s_fail (options, ZANNI_EINVAL, "no such place%s", "");
    }
}

static void
s_apply (zanni__identity_t *identity, const zanni_spawn_t *options)
{
    identity->overflow = (uint8_t) options->overflow;
    identity->restartable = options->restartable;
    if (options->mailbox_messages)
        identity->limit = options->mailbox_messages;
    if (options->mailbox_bytes)
        identity->limit_bytes = options->mailbox_bytes;
}

/* On the spawner's own worker the start runs now. */
static int
s_start_here (zanni_t *self, zanni__identity_t *identity, zanni_msg_t *start, const zanni_spawn_t *options)
{
    zanni_error_t error = { 0 };
    start->item.flags |= ZANNI__ANSWERED;
    if (options->restartable) {
        identity->start = start;
        start->item.holds++;
    }
    zanni__enlist (self->worker, identity);
    int rc = zanni__start (self->worker, identity, start, &error);
    zanni__msg_release (self->worker, start);
    if (rc && options->error)
        *options->error = error;
    return rc;
}

/* A start elsewhere failed, and nobody waited: the spawner's down hook hears of it. */
static void
s_started_elsewhere (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error;
    (void) arg;
    if (zanni_msg_error (reply, &error))
        return;
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = error.code };
    snprintf (reason.text, sizeof reason.text, "%.*s", (int) sizeof reason.text - 1, error.text);
    zanni_down_t down = { .ref = zanni_msg_from (reply), .reason = reason };
    const zanni__class_t *cls = atomic_load_explicit (&self->identity->cls, memory_order_relaxed);
    for (; cls; cls = cls->parent)
        if (cls->definition->down)
            cls->definition->down (self, &down);
}

static int
s_start_there (zanni_t *self, zanni_msg_t *start, const zanni_spawn_t *options)
{
    zanni__pending_t *pending;
    bool waits = !zanni__may_block (self);
    int64_t wait_ms = options->start_ms ? options->start_ms : self->worker->node->options.ask_deadline_ms;
    const zanni_ask_t ask = {
        .then = waits ? NULL : s_started_elsewhere, .error = options->error, .deadline_ms = waits ? wait_ms : -1
    };
    int rc = zanni__ask_begin (self, start, &ask, &pending);
    if (rc) {
        start->item.flags |= ZANNI__ANSWERED;
        zanni__msg_release (self->worker, start);
        return rc;
    }
    pending->as.ask.starts = true;
    start->deadline_ns = INT64_MAX;   // it bounds the wait, not the start
    if (!start->to->elsewhere)
        start->to->busy |= ZANNI__UNBORN;
    if (waits)
        self->calling = pending->id;
    zanni__dispatch (self, start);
    return waits ? zanni__ask_wait (self, NULL, pending, &ask) : 0;
}

static int
s_start_message (zanni_t *self, zanni_msg_t **start_p, zanni__identity_t *identity, const zanni__words_t *words)
{
    zanni_msg_t *start = zanni__msg_new (self->worker);
    if (!start)
        return ZANNI_ENOMEM;
    int rc = zanni__msg_pack (self->worker, start, words->args, words->count);
    if (rc) {
        zanni__msg_free (self->worker, start);
        return rc;
    }
    start->item.kind = ZANNI__START;
    start->to = identity;
    zanni__msg_set_from (self->worker, start, self->identity, identity->worker);
    zanni__hold_to (start);
    *start_p = start;
    return 0;
}

/* An actor in a process of its own begins as a stand-in of its spawner's worker, whose node holds it from the start. */
static int
s_spawn_process (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, const zanni_spawn_t *options,
                 const zanni__words_t *words)
{
    zanni__identity_t *identity;
    zanni_msg_t *start;
    int rc = zanni__node_process (self, &identity, cls, options);
    if (rc)
        return rc;
    zanni_ref_t *ref = zanni__ref_new (identity, self->worker, true, true);
    if (!ref)
        return ZANNI_ENOMEM;
    zanni__ref_adopt (self, ref);
    rc = s_start_message (self, &start, identity, words);
    if (!rc) {
        rc = zanni__retain (self->worker, identity);
        if (rc) {
            start->item.flags |= ZANNI__ANSWERED;
            zanni__msg_free (self->worker, start);
        }
    }
    if (!rc)
        rc = s_start_there (self, start, options);
    if (rc)
        zanni_ref_destroy (&ref);
    else
        *ref_p = ref;
    return rc;
}

/* The actor exists, but its start was never sent. */
static void
s_undo (zanni_worker_t *worker, zanni__identity_t *identity)
{
    if (worker->kind == ZANNI__WORKER_THREAD && worker->owner == identity)
        zanni__node_cancel_worker (worker);
    identity->state = ZANNI__ENDED;
    identity->owned = false;
    zanni__identity_unref (identity);
}

int
zanni__spawn (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, const zanni_spawn_t *options,
              const zanni__words_t *words)
{
    zanni_worker_t *worker;
    zanni_msg_t *start;
    if (options->place == ZANNI_PROCESS)
        return s_spawn_process (self, ref_p, cls, options, words);
    int rc = s_worker_for (self, options, cls, &worker);
    if (rc)
        return rc;
    zanni__identity_t *identity = zanni__identity_new (worker, cls);
    bool alone = worker->kind == ZANNI__WORKER_THREAD && options->place == ZANNI_THREAD;
    if (!identity) {
        if (alone)
            zanni__node_cancel_worker (worker);
        return ZANNI_ENOMEM;
    }
    s_apply (identity, options);
    if (alone)
        zanni__worker_own (worker, identity);
    zanni_ref_t *ref = zanni__ref_new (identity, self->worker, true, true);
    rc = ref ? s_start_message (self, &start, identity, words) : ZANNI_ENOMEM;
    if (!rc && alone) {
        rc = zanni__node_start_worker (worker);
        if (rc) {
            start->item.flags |= ZANNI__ANSWERED;
            zanni__msg_free (self->worker, start);
        }
    }
    if (rc) {
        if (ref)
            zanni__ref_undo (ref);
        s_undo (worker, identity);
        return rc;
    }
    zanni__ref_adopt (self, ref);
    rc = worker == self->worker ? s_start_here (self, identity, start, options) : s_start_there (self, start, options);
    if (rc)
        zanni_ref_destroy (&ref);
    else
        *ref_p = ref;
    return rc;
}

int
zanni_spawn_args (zanni_t *self, zanni_ref_t **ref_p, const char *class_name, const zanni_spawn_t *options,
                  const zanni_arg_t *args, size_t count)
{
    const zanni__words_t words = { NULL, args, count };
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!options)
        options = &s_defaults;
    if (options->size && options->size != sizeof *options)
        return ZANNI_EINVAL;   // of another version: `error` may lie elsewhere
    if (!ref_p || !class_name)
        return s_fail (options, ZANNI_EINVAL, "%s", "spawn needs a class name and a place for the reference");
    const zanni__class_t *cls = zanni__class_find (class_name);
    if (!cls)
        return s_fail (options, ZANNI_ENOCLASS, "no such class: %s; was it given to zanni_init?", class_name);
    if (options->error)
        *options->error = (zanni_error_t) { 0 };
    if ((unsigned) options->overflow > ZANNI_DROP_NEWEST)
        return s_fail (options, ZANNI_EINVAL, "`overflow` is none of ZANNI_REJECT, _DROP_OLDEST, _DROP_NEWEST%s", "");
    rc = zanni__spawn (self, ref_p, cls, options, &words);
    if (rc && options->error && !options->error->code)
        zanni__error_set (options->error, rc, NULL);
    return rc;
}
