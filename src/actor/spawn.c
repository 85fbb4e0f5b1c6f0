/* Spawning: an identity on the worker that the place asks for, a strong reference for the spawner, and a START.

   On another node it is a stand-in for an actor that is not there yet: the spawner chooses its number, at random and
   beyond those that a node counts up to, and the right to own it. So there is a reference at once, as for any other
   place, and what is sent through it follows the SPAWN; whether the node takes it, guest.c there decides. */

#include "answer.h"
#include "pending.h"
#include "remote/remote.h"
#include "watchdog.h"

#include "../base/memory.h"

#include <inttypes.h>
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
s_pool_worker (zanni_node_t *node, zanni_worker_t *from, const zanni_spawn_t *options, zanni_worker_t **worker_p)
{
    if (options->worker > node->options.workers)
        return s_fail (options, ZANNI_EINVAL, "no such worker: the pool has fewer than %s asks for", "`worker`");
    if (!options->worker && from && from->kind == ZANNI__WORKER_POOL) {
        *worker_p = from;
        return 0;
    }
    uint32_t index = options->worker ? options->worker - 1
                                     : node->clock.choose (node->clock.context, node->options.workers);
    return zanni__node_pool_worker (node, worker_p, index);
}

static int
s_worker_for (zanni_node_t *node, zanni_worker_t *from, const zanni_spawn_t *options, const zanni__class_t *cls,
              zanni_worker_t **worker_p)
{
    if (cls->run && options->place != ZANNI_THREAD)
        return s_fail (options, ZANNI_EINVAL,
                       "class %s has a run hook: it needs .place = ZANNI_THREAD or ZANNI_PROCESS",
                       cls->definition->name);
    switch (options->place) {
    case ZANNI_SHARED:
        return s_pool_worker (node, from, options, worker_p);
    case ZANNI_HERE:
        *worker_p = from;
        return 0;
    case ZANNI_THREAD: {
        char name [80];
        snprintf (name, sizeof name, "thread actor %s", cls->definition->name);
        return zanni__node_add_worker (node, worker_p, ZANNI__WORKER_THREAD, name);
    }
    default:
        return s_fail (options, ZANNI_EINVAL, "no such place%s", "");
    }
}

static void
s_apply (zanni__identity_t *identity, const zanni_spawn_t *options)
{
    identity->overflow = (uint8_t) options->overflow;
    identity->heeds |= identity->overflow != ZANNI_REJECT ? ZANNI__HEEDS_LIMIT : 0;
    identity->restartable = options->restartable;
    if (options->mailbox_messages)
        identity->limit = options->mailbox_messages;
    if (options->mailbox_bytes)
        identity->limit_bytes = options->mailbox_bytes;
    identity->watchdog_ms = zanni__watchdog_limit (identity->worker->node, options->watchdog_ms);
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
s_start_there (zanni_t *self, zanni_msg_t *start, const zanni__care_t *care)
{
    zanni__pending_t *pending;
    const zanni_spawn_t *options = &care->options;
    bool waits = !care->then && !zanni__may_block (self);
    int64_t wait_ms = options->start_ms ? options->start_ms : self->worker->node->options.ask_deadline_ms;
    const zanni_ask_t ask = {
        .then = waits ? NULL : care->then ? care->then : s_started_elsewhere, .arg = care->arg,
        .error = options->error, .deadline_ms = waits ? wait_ms : -1
    };
    int rc = zanni__ask_begin (self, start, &ask, &pending);
    if (rc) {
        start->item.flags |= ZANNI__ANSWERED;
        zanni__msg_release (self->worker, start);
        return rc;
    }
    pending->as.ask.starts = true;
    start->deadline_ns = INT64_MAX;   // it bounds the wait, not the start
    if (!start->to->elsewhere && start->item.kind == ZANNI__START)
        start->to->busy |= ZANNI__UNBORN;
    if (waits)
        self->calling = pending->id;
    zanni__dispatch (self, start);
    return waits ? zanni__ask_wait (self, NULL, pending, &ask) : 0;
}

static int
s_start_message (zanni_t *self, zanni_msg_t **start_p, zanni__identity_t *identity, const zanni__care_t *care,
                 const zanni__words_t *words)
{
    zanni_msg_t *start = zanni__msg_new (self->worker);
    if (!start)
        return ZANNI_ENOMEM;
    int rc = care->pattern ? zanni__msg_share_args (self->worker, start, care->pattern)
                           : zanni__msg_pack (self->worker, start, words->args, words->count);
    if (rc) {
        zanni__msg_free (self->worker, start);
        return rc;
    }
    if (care->pattern)
        start->item.weight = care->pattern->item.weight;
    start->item.kind = ZANNI__START;
    start->to = identity;
    zanni__msg_set_from (self->worker, start, self->identity, identity->worker);
    zanni__hold_to (start);
    *start_p = start;
    return 0;
}

/* An actor in a process of its own begins as a stand-in of its spawner's worker, whose node holds it from the start. */
static int
s_spawn_process (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, const zanni__care_t *care,
                 const zanni__words_t *words)
{
    zanni__identity_t *identity;
    zanni_msg_t *start;
    int rc = zanni__node_process (self->worker, &identity, cls, care);
    if (rc)
        return rc;
    zanni_ref_t *ref = zanni__ref_new (identity, self->worker, true, true);
    if (!ref)
        return ZANNI_ENOMEM;
    zanni__ref_adopt (self, ref);
    rc = s_start_message (self, &start, identity, care, words);
    if (!rc) {
        rc = zanni__retain (self->worker, identity);
        if (rc) {
            start->item.flags |= ZANNI__ANSWERED;
            zanni__msg_free (self->worker, start);
        }
    }
    if (!rc)
        rc = s_start_there (self, start, care);
    if (rc)
        zanni_ref_destroy (&ref);
    else
        *ref_p = ref;
    return rc;
}

/* The actor exists, but its start was never sent. */
void
zanni__spawn_undo (zanni__identity_t *identity)
{
    zanni_worker_t *worker = identity->worker;
    if (worker->kind == ZANNI__WORKER_THREAD && worker->owner == identity)
        zanni__node_cancel_worker (worker);
    identity->state = ZANNI__ENDED;
    identity->owned = false;
    zanni__identity_unref (identity);
}

bool
zanni__spawned_alone (const zanni__identity_t *identity)
{
    return identity->worker->kind == ZANNI__WORKER_THREAD && identity->worker->owner == identity;
}

/* After a process's own worker the launcher looks, for as long as all of the process has. */
static int
s_set_watchdog (zanni_node_t *node, const zanni_worker_t *from, const zanni_spawn_t *options)
{
    uint32_t limit_ms = zanni__watchdog_limit (node, options->watchdog_ms);
    bool looked_after = options->place == ZANNI_HERE && from && from->page && limit_ms == node->options.watchdog_ms;
    return looked_after ? 0 : zanni__watchdog_arm (node, limit_ms);
}

int
zanni__spawn_place (zanni_node_t *node, zanni_worker_t *from, zanni__identity_t **identity_p, const zanni__class_t *cls,
                    const zanni_spawn_t *options)
{
    zanni_worker_t *worker;
    int rc = s_set_watchdog (node, from, options);
    if (!rc)
        rc = s_worker_for (node, from, options, cls, &worker);
    if (rc)
        return rc;
    zanni__identity_t *identity = zanni__identity_new (worker, cls);
    if (!identity && options->place == ZANNI_THREAD)
        zanni__node_cancel_worker (worker);
    if (!identity)
        return ZANNI_ENOMEM;
    s_apply (identity, options);
    if (options->place == ZANNI_THREAD)
        zanni__worker_own (worker, identity);
    *identity_p = identity;
    return 0;
}

int
zanni__spawn_with (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, const zanni__care_t *care,
                   const zanni__words_t *words)
{
    zanni__identity_t *identity;
    zanni_msg_t *start;
    const zanni_spawn_t *options = &care->options;
    if (options->place == ZANNI_PROCESS)
        return s_spawn_process (self, ref_p, cls, care, words);
    int rc = zanni__spawn_place (self->worker->node, self->worker, &identity, cls, options);
    if (rc)
        return rc;
    zanni_worker_t *worker = identity->worker;
    identity->waits = care->waits;
    zanni_ref_t *ref = zanni__ref_new (identity, self->worker, true, true);
    rc = ref ? s_start_message (self, &start, identity, care, words) : ZANNI_ENOMEM;
    if (!rc && zanni__spawned_alone (identity)) {
        rc = zanni__node_start_worker (worker);
        if (rc) {
            start->item.flags |= ZANNI__ANSWERED;
            zanni__msg_free (self->worker, start);
        }
    }
    if (rc) {
        if (ref)
            zanni__ref_undo (ref);
        zanni__spawn_undo (identity);
        return rc;
    }
    zanni__ref_adopt (self, ref);
    rc = worker == self->worker && !care->then && !care->awaits ? s_start_here (self, identity, start, options)
                                               : s_start_there (self, start, care);
    if (rc)
        zanni_ref_destroy (&ref);
    else
        *ref_p = ref;
    return rc;
}

int
zanni__spawn (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, const zanni_spawn_t *options,
              const zanni__words_t *words)
{
    const zanni__care_t care = { .options = *options };
    return zanni__spawn_with (self, ref_p, cls, &care, words);
}

int
zanni__spawn_again (zanni_t *self, const zanni_ref_t *ref, const zanni__care_t *care)
{
    zanni__identity_t *to;
    zanni_msg_t *start;
    int rc = zanni__target (self->worker, &to, ref);
    if (!rc)
        rc = s_start_message (self, &start, to, care, NULL);
    if (rc)
        return rc;
    start->item.kind = ZANNI__AGAIN;
    return s_start_there (self, start, care);
}

/* The stand-in for an actor of `on`'s node that is not there yet. */
static int
s_stand_in (zanni_t *self, zanni__identity_t **identity_p, const char *class_name, const zanni__care_t *care,
            const zanni__remote_t *on)
{
    const zanni_clock_t *clock = &self->worker->node->clock;
    uint8_t own [ZANNI__NONCE];
    zanni_wire_ref_t ref = {
        .node = on->address.node, .nonce = own, .own = true, .strong = true,
        .endpoint = { on->endpoint, strlen (on->endpoint) }, .cls = { class_name, strlen (class_name) }
    };
    const zanni_spawn_t *options = &care->options;
    zanni__place_t *place = zanni__malloc (sizeof *place);
    if (!place)
        return ZANNI_ENOMEM;
    *place = (zanni__place_t) { .options = *options, .waits = care->waits };
    if (options->place == ZANNI_HERE) {
        memcpy (place->nonce, on->call, sizeof place->nonce);
        place->beside = (zanni_wire_actor_t) { on->address.actor, place->nonce };
    }
    int rc = clock->random (clock->context, own, sizeof own);
    if (!rc)
        rc = clock->random (clock->context, &ref.actor, sizeof ref.actor);
    ref.actor = (ref.actor | ZANNI__GUEST_BIT) & ~(ZANNI__GUEST_BIT << 1);
    if (!rc)
        rc = zanni__remote_get (self->worker, identity_p, &ref);
    if (rc) {
        zanni__free (place);
        return rc;
    }
    (*identity_p)->as.remote->place = place;
    atomic_store_explicit (&(*identity_p)->as.remote->birth, ZANNI__SPAWNING, memory_order_relaxed);
    return 0;
}

/* On the node of `on`, which is another one. It is lent to us by the SPAWN itself. */
static int
s_spawn_on (zanni_t *self, zanni_ref_t **ref_p, const char *class_name, const zanni__care_t *care,
            const zanni__words_t *words)
{
    const zanni_spawn_t *options = &care->options;
    zanni__identity_t *on, *identity;
    zanni_msg_t *start;
    int rc = zanni__target (self->worker, &on, options->on);
    if (!rc && on->worker != self->worker)
        return s_fail (options, ZANNI_EROUTE, "%s", "only the worker that the node has dialled can spawn there");
    if (!rc)
        rc = s_stand_in (self, &identity, class_name, care, on->as.remote);
    if (rc)
        return rc;
    zanni_ref_t *ref = zanni__ref_new (identity, self->worker, true, true);
    if (!ref)
        return ZANNI_ENOMEM;
    zanni__ref_adopt (self, ref);
    rc = s_start_message (self, &start, identity, care, words);
    if (!rc && zanni__remote_admits (self->worker, identity, start->item.weight + 1)) {
        rc = s_fail (options, ZANNI_EFULL, "%s", "there is no room on the way to the node");
        start->item.flags |= ZANNI__ANSWERED;
        zanni__msg_release (self->worker, start);
    }
    if (!rc) {
        identity->as.remote->lent = 1;
        rc = s_start_there (self, start, care);
    }
    if (rc)
        zanni_ref_destroy (&ref);
    else
        *ref_p = ref;
    return rc;
}

/* What needs no class. */
static int
s_check (const char *class_name, const zanni_spawn_t *options)
{
    if (!*class_name || strlen (class_name) > ZANNI_WIRE_NAME_MAX)
        return s_fail (options, ZANNI_ENOCLASS, "%s", "no such class: its name is empty, or too long");
    if ((unsigned) options->place > ZANNI_PROCESS)
        return s_fail (options, ZANNI_EINVAL, "no such place%s", "");
    if ((unsigned) options->overflow > ZANNI_DROP_NEWEST)
        return s_fail (options, ZANNI_EINVAL, "`overflow` is none of ZANNI_REJECT, _DROP_OLDEST, _DROP_NEWEST%s", "");
    if (!zanni__watchdog_fits (options->watchdog_ms)) {
        char given [24];
        snprintf (given, sizeof given, "%" PRId64, options->watchdog_ms);
        return s_fail (options, ZANNI_EINVAL, "`watchdog_ms` is %s: 0 is the node's, -1 none, 2147483647 the most", given);
    }
    return 0;
}

int
zanni__spawn_named (zanni_t *self, zanni_ref_t **ref_p, const char *class_name, const zanni__care_t *care,
                    const zanni__words_t *words)
{
    const zanni_spawn_t *options = &care->options;
    bool away = options->on && options->on->identity->elsewhere;
    const zanni__class_t *cls = away ? NULL : zanni__class_named (class_name);
    if (!cls && !away)
        return s_fail (options, ZANNI_ENOCLASS, "no such class: %s; was it given to zanni_init?", class_name);
    if (options->error)
        *options->error = (zanni_error_t) { 0 };
    if (zanni__node_is_ending (self->worker->node))
        return s_fail (options, ZANNI_ECLOSED, "%s", "the node is ending: nothing is started any more");
    int rc = s_check (class_name, options);
    if (!rc)
        rc = away ? s_spawn_on (self, ref_p, class_name, care, words)
                  : zanni__spawn_with (self, ref_p, cls, care, words);
    if (rc && options->error && !options->error->code)
        zanni__error_set (options->error, rc, NULL);
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
    const zanni__care_t care = { .options = *options };
    return zanni__spawn_named (self, ref_p, class_name, &care, &words);
}
