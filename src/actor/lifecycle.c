/* The life of an actor: its incarnation begins with a START, runs, and ends once, for one reason.

   A START is an ask: the answer tells the spawner how the start hook went. An actor on the spawner's own worker
   starts inside zanni_spawn, any other when its START arrives. What ends an actor is noted first (`reason`) and done
   when its handler has returned; a loop actor learns of it from zanni_receive. A restart ends the incarnation and
   begins the next on the same identity, whose mailbox and references go on.

   A supervised actor (`waits`) may leave its identity waiting when it ends by itself or is held: its supervisor,
   which learns of it by a monitor as anybody does, says by an AGAIN how it goes on, or by a STOP that it does not.
   Whoever stops or kills an actor without that being said means it for good. A monitor that comes while the identity
   waits is for the next incarnation, but where nobody has been told of the end yet: an actor may end while its
   supervisor's first monitor is under way. */

#include "answer.h"
#include "behaviour.h"
#include "pending.h"
#include "census/survey.h"
#include "watchdog.h"

#include "../base/memory.h"

#include <stdio.h>

zanni_t *
zanni__actor_new (zanni_worker_t *worker, zanni__identity_t *identity, const zanni__class_t *cls)
{
    size_t head = (sizeof (zanni_t) + 15u) & ~(size_t) 15u;
    zanni_t *self = zanni__calloc (head + cls->state_size);
    if (!self)
        return NULL;
    self->identity = identity;
    self->worker = worker;
    self->state = cls->state_size ? (char *) self + head : NULL;
    zanni__link_init (&self->kept);
    if (identity->watchdog_ms)
        zanni__beat_begin (worker);
    return self;
}

/* Start hooks run from the eldest class down, each from the first argument. */
static int
s_start_hooks (zanni_t *self, const zanni__class_t *cls, zanni_msg_t *start)
{
    int rc = cls->parent ? s_start_hooks (self, cls->parent, start) : 0;
    if (!rc && cls->definition->start) {
        zanni_rewind (start);
        rc = cls->definition->start (self, start);
    }
    if (rc < 0)
        return rc;
    self->started++;
    return 0;
}

static uint32_t
s_generations (const zanni__class_t *cls)
{
    uint32_t count = 0;
    for (; cls; cls = cls->parent)
        count++;
    return count;
}

/* The stops of those classes whose start succeeded, from the youngest up; behind a kill of those that tidy. */
static void
s_stop_hooks (zanni_t *self, const zanni__class_t *cls, const zanni_reason_t *reason)
{
    for (uint32_t generation = s_generations (cls); cls; cls = cls->parent, generation--)
        if (generation <= self->started && cls->definition->stop && (!self->killed || cls->tidies))
            cls->definition->stop (self, reason);
}

static int
s_match_start (const zanni__class_t *cls, zanni_msg_t *start, zanni_error_t *error)
{
    zanni__fault_t fault;
    char where [160];
    if (!zanni__signature_match (cls->start_in, &start->args, &fault))
        return 0;
    *error = (zanni_error_t) { .code = ZANNI_EARGS };
    snprintf (error->text, sizeof error->text, "bad arguments for the start of %s: %s", cls->definition->name,
              zanni__fault_text (&fault, where, sizeof where));
    return ZANNI_EARGS;
}

static int
s_run_start (zanni_worker_t *worker, zanni_t *self, const zanni__class_t *cls, zanni_msg_t *start,
             zanni_error_t *error)
{
    int rc = s_match_start (cls, start, error);
    if (rc || !cls->has_start) {
        self->started = rc ? 0 : UINT8_MAX;
        return rc;
    }
    zanni_msg_t *previous = worker->current;
    uint8_t busy = self->identity->busy;
    bool corked = worker->corked;
    zanni__was_t was;
    worker->current = NULL;
    self->identity->busy |= ZANNI__IN_TURN;
    worker->corked = worker->owner != self->identity;
    zanni__watch_enter (worker, self->identity, &cls->hooks [ZANNI__HOOK_START], &was);
    self->serving = start;
    rc = s_start_hooks (self, cls, start);
    self->serving = NULL;
    zanni__watch_leave (worker, &was, false);
    worker->corked = corked;
    self->identity->busy = (uint8_t) ((self->identity->busy & ~ZANNI__IN_TURN) | (busy & ZANNI__IN_TURN));
    worker->current = previous;
    if (rc) {
        const char *fault = zanni_msg_fault (start);
        *error = (zanni_error_t) { .code = rc };
        snprintf (error->text, sizeof error->text, "the start of %s failed: %s%s%s", cls->definition->name,
                  zanni_strerror (rc), *fault ? ": " : "", fault);
    }
    return rc;
}

/* Begins an incarnation; on failure the actor has ended with that error. `start` stays the caller's. */
int
zanni__start (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *start, zanni_error_t *error)
{
    const zanni__class_t *cls = atomic_load_explicit (&identity->cls, memory_order_relaxed);
    int rc = ZANNI_ENOMEM;
    zanni__identity_hold (identity);
    identity->actor = zanni__actor_new (worker, identity, cls);
    if (!identity->actor)
        zanni__error_set (error, rc, NULL);
    else {
        identity->state = ZANNI__RUNNING;
        zanni__exit_begin (worker, identity);
        rc = s_run_start (worker, identity->actor, cls, start, error);
    }
    if (rc) {
        zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = rc };
        snprintf (reason.text, sizeof reason.text, "%.*s", (int) sizeof reason.text - 1, error->text);
        if (identity->waits && identity->incarnation > 1 && identity->actor)
            zanni__quit (identity->actor, &reason);
        else
            zanni__request_end (worker, identity, reason);
    }
    if (identity->actor && identity->actor->reason)
        zanni__end (worker, identity);
    zanni__identity_unhold (identity);
    return rc;
}

void
zanni__enlist (zanni_worker_t *worker, zanni__identity_t *identity)
{
    zanni__hook_insert (&worker->actors, &identity->all);
    zanni__count (&worker->counts.actors, 1);
}

/* There is no memory even for an answer: the START itself goes back. */
static void
s_begin_not (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *start)
{
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = ZANNI_ENOMEM };
    snprintf (reason.text, sizeof reason.text, "%s", zanni_strerror (ZANNI_ENOMEM));
    zanni__request_end (worker, identity, reason);
    start->code = ZANNI_ENOMEM;
    zanni__msg_release (worker, start);
}

/* A START was handled in its mailbox's order: its sender gets the outcome, whose memory is put aside before. */
void
zanni__begin (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *start)
{
    zanni_error_t error = { 0 };
    zanni_msg_t *spare = zanni__msg_new (worker);
    if (!spare) {
        s_begin_not (worker, identity, start);
        return;
    }
    if (identity->restartable && !identity->start) {
        identity->start = start;
        start->item.holds++;
    }
    zanni__identity_hold (identity);
    int rc = zanni__start (worker, identity, start, &error);
    zanni__msg_free (worker, spare);
    if (zanni__ask_is_open (start)) {
        const zanni__answer_t what = { .code = rc, .text = error.text };
        (void) (rc ? zanni__answer_error_from (worker, start, &what) : zanni__answer_empty (worker, start));
    }
    zanni__msg_release (worker, start);
    zanni__identity_unhold (identity);
}

static void
s_end_kept (zanni_t *self, const zanni_reason_t *reason)
{
    while (!zanni__list_empty (&self->kept)) {
        zanni__extra_t *extra = ZANNI__CONTAINER (self->kept.next, zanni__extra_t, kept);
        zanni_msg_t *msg = extra->msg;
        zanni__link_remove (&extra->kept);
        msg->item.flags &= (uint8_t) ~ZANNI__KEPT;
        if (zanni__ask_is_open (msg))
            zanni__answer_turned (self->worker, msg, ZANNI_EDOWN, reason);
        else
            zanni__msg_free (self->worker, msg);
    }
}

/* Everything that an incarnation began or holds goes with it. */
static void
s_end_actor (zanni_t *self, const zanni_reason_t *reason)
{
    zanni_worker_t *worker = self->worker;
    const zanni__class_t *cls = atomic_load_explicit (&self->identity->cls, memory_order_relaxed);
    if (self->started) {
        zanni__was_t was;
        self->identity->busy |= ZANNI__IN_TURN;
        zanni__watch_enter (worker, self->identity, &cls->hooks [ZANNI__HOOK_STOP], &was);
        s_stop_hooks (self, cls, reason);
        zanni__watch_leave (worker, &was, false);
    }
    zanni__unstash (self);
    zanni__promises_end (self, reason);
    s_end_kept (self, reason);
    zanni__exit_all (self, reason);   // before the drops, by which a partner may end for another reason
    while (self->pendings)
        zanni__pending_free (worker, ZANNI__CONTAINER (self->pendings, zanni__pending_t, hook));
    zanni__surveys_end (worker, self);
    while (self->more && self->more->annexes) {
        zanni__annex_t *annex = ZANNI__CONTAINER (self->more->annexes, zanni__annex_t, hook);
        zanni__hook_remove (&annex->hook);
        annex->end (annex);
    }
    zanni__free (self->more);
    self->more = NULL;
    while (self->refs)
        zanni__ref_drop (worker, ZANNI__CONTAINER (self->refs, zanni_ref_t, as.hook));
}

static void
s_bury_mailbox (zanni_worker_t *worker, zanni__identity_t *identity, const zanni_reason_t *reason)
{
    zanni__item_t *item;
    while ((worker->owner == identity && (item = zanni__queue_pop (&worker->inbox)))
           || (item = zanni__queue_pop (&identity->mailbox))) {
        if (item->kind <= ZANNI__ASK)
            zanni__uncount (worker, (zanni_msg_t *) (void *) item);
        zanni__bury (worker, item, ZANNI_EDOWN, reason);
    }
}

/* The identity is left to those who still refer to it. */
static void
s_end_identity (zanni_worker_t *worker, zanni__identity_t *identity, const zanni_reason_t *reason)
{
    identity->state = ZANNI__ENDED;
    identity->busy &= (uint8_t) ~ZANNI__WAITS;
    zanni__free (identity->untold);
    identity->untold = NULL;
    atomic_store_explicit (&identity->ended, true, memory_order_relaxed);
    atomic_store_explicit (&identity->limit, 0, memory_order_relaxed);   // what is sent takes the slow way
    s_bury_mailbox (worker, identity, reason);
    if (identity->start) {
        zanni_msg_t *start = identity->start;
        identity->start = NULL;
        zanni__msg_release (worker, start);   // answered, or about to be by who handles it now
    }
    if (identity->all.at) {
        zanni__hook_remove (&identity->all);
        zanni__count (&worker->counts.actors, -1);
    }
}

static void
s_restart (zanni_worker_t *worker, zanni__identity_t *identity)
{
    zanni_error_t error = { 0 };
    identity->incarnation++;
    identity->state = ZANNI__STARTING;   // until there is memory for the next one
    if (zanni__start (worker, identity, identity->start, &error))
        zanni__log (worker->node, ZANNI_LOG_ERROR, "restart failed: %s", error.text);
    if (identity->mailbox.head && !identity->busy)   // what was put aside has come back
        zanni__worker_push_run (worker, identity);
}

/* Whether the identity is to wait; without memory for the reason, who is to begin it again might never learn of it.
   */
static bool
s_is_to_wait (const zanni_worker_t *worker, const zanni__identity_t *identity)
{
    const zanni_t *self = identity->actor;
    bool abnormal = self->reason->kind > ZANNI_EXIT_SHUTDOWN;
    if (!identity->waits || self->restarting || self->reason == &worker->spare_reason || worker->stopping)
        return false;
    bool may = !self->closing || self->signalled;
    return self->held || (may && (abnormal || identity->waits == ZANNI__WAITS_ALWAYS));
}

static bool
s_is_monitored (const zanni__identity_t *identity)
{
    const zanni__item_t *item = identity->watchers;
    while (item && item->kind != ZANNI__MONITOR)
        item = item->next;
    return item != NULL;
}

/* Drops that lie in the mailbox are no matter of the next incarnation's: there may be nobody left who begins it. */
static void
s_take_drops (zanni_worker_t *worker, zanni__identity_t *identity)
{
    zanni__queue_t drops = { NULL, NULL }, rest = { NULL, NULL };
    zanni__item_t *item;
    while ((item = zanni__queue_pop (&identity->mailbox)))
        zanni__queue_push (item->kind == ZANNI__DROP ? &drops : &rest, item);
    identity->mailbox = rest;
    while ((item = zanni__queue_pop (&drops)))
        zanni__drop_arrives (worker, identity, (zanni_ref_t *) (void *) item);
}

static void
s_wait (zanni_worker_t *worker, zanni__identity_t *identity, zanni_reason_t *reason)
{
    identity->state = ZANNI__WAITING;
    identity->busy |= ZANNI__WAITS;
    bool told = s_is_monitored (identity);
    zanni__watchers_end (worker, identity, reason, true);
    if (told)
        zanni__free (reason);
    else
        identity->untold = reason;
    s_take_drops (worker, identity);
}

/* Its supervisor begins an identity again. */
void
zanni__again_arrives (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *start)
{
    if (identity->state != ZANNI__WAITING) {
        zanni__bury (worker, &start->item, ZANNI_EINVAL, NULL);
        return;
    }
    start->item.kind = ZANNI__START;
    zanni__free (identity->untold);
    identity->untold = NULL;
    identity->incarnation++;
    identity->state = ZANNI__STARTING;
    identity->busy &= (uint8_t) ~ZANNI__WAITS;
    zanni__queue_push_front (&identity->mailbox, &start->item);
    if (!identity->busy)
        zanni__worker_push_run (worker, identity);
}

/* Ends an actor whose reason is noted and whose handler has returned. */
void
zanni__end (zanni_worker_t *worker, zanni__identity_t *identity)
{
    zanni_t *self = identity->actor;
    zanni_reason_t reason = *self->reason;
    bool restarts = self->restarting && identity->start;
    bool waits = s_is_to_wait (worker, identity);
    struct zanni__shared *share = self->more ? self->more->share : NULL;
    uint8_t in_turn = identity->busy & ZANNI__IN_TURN;
    zanni__identity_hold (identity);
    s_end_actor (self, &reason);
    identity->actor = NULL;
    identity->busy = (uint8_t) ((identity->busy & ~ZANNI__IN_TURN) | in_turn);
    if (waits)
        s_wait (worker, identity, self->reason);
    else if (self->reason != &worker->spare_reason)
        zanni__free (self->reason);
    if (identity->pinned)
        zanni__free (self->state);
    if (share)
        zanni__shared_end (worker, share);
    zanni__free (self);
    if (!restarts && !waits)
        s_end_identity (worker, identity, &reason);
    if (!waits)
        zanni__watchers_end (worker, identity, &reason, restarts);
    if (restarts)
        s_restart (worker, identity);
    zanni__identity_unhold (identity);
}

/* A root or attached actor gets a class, and with it a state of its own. */
int
zanni_serve_args (zanni_t *self, const char *class_name, const zanni_arg_t *args, size_t count)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni__identity_t *identity = self->identity;
    const zanni__class_t *cls = class_name ? zanni__class_find (class_name) : NULL;
    if (!identity->pinned || self->started || !class_name)
        return ZANNI_EINVAL;
    if (!cls)
        return ZANNI_ENOCLASS;
    if (cls->run)
        return ZANNI_EINVAL;
    zanni_msg_t *start = zanni__msg_new (self->worker);
    void *state = zanni__calloc (cls->state_size + 1);
    rc = start && state ? zanni__msg_pack (self->worker, start, args, count) : ZANNI_ENOMEM;
    if (!rc) {
        zanni_error_t error = { 0 };
        start->to = identity;
        zanni__msg_set_from (self->worker, start, identity, self->worker);
        self->state = state;
        /* release: senders that see the class see it whole. */
        atomic_store_explicit (&identity->cls, cls, memory_order_release);
        identity->heeds |= cls->has_high ? ZANNI__HEEDS_PRIORITY : 0;
        rc = s_run_start (self->worker, self, cls, start, &error);
        if (rc) {
            s_stop_hooks (self, cls, &(zanni_reason_t) { .kind = ZANNI_EXIT_ERROR, .code = rc });
            self->started = 0;
            atomic_store_explicit (&identity->cls, zanni__class_none (), memory_order_release);
            self->state = NULL;
            zanni__log (self->worker->node, ZANNI_LOG_ERROR, "%s", error.text);
        }
    }
    if (start)
        zanni__msg_free (self->worker, start);
    if (rc)
        zanni__free (state);
    return rc;
}

static bool
s_can_end_now (const zanni__identity_t *identity)
{
    return !(identity->busy & (ZANNI__IN_TURN | ZANNI__BLOCKED));
}

/* Notes why an actor is to end. The first reason stands; a kill overrules a stop. Whether it is to end now. */
static bool
s_note_end (zanni_worker_t *worker, zanni_t *self, const zanni_reason_t *reason, bool kills)
{
    const zanni__class_t *cls = atomic_load_explicit (&self->identity->cls, memory_order_relaxed);
    if (cls->closing && cls->closing (self, reason))
        return false;
    bool first = !self->reason;
    self->closing = true;
    self->killed |= kills;
    if (first) {
        self->reason = zanni__malloc (sizeof *reason);
        if (!self->reason)
            self->reason = &worker->spare_reason;
    }
    if (first || kills)
        *self->reason = *reason;
    return s_can_end_now (self->identity);
}

/* Ends an actor unless its handler is on the way. */
void
zanni__request_end (zanni_worker_t *worker, zanni__identity_t *identity, zanni_reason_t reason)
{
    zanni_t *self = identity->actor;
    if (!self) {
        if (identity->state == ZANNI__STARTING || identity->state == ZANNI__WAITING) {   // nothing of it runs
            zanni__identity_hold (identity);
            s_end_identity (worker, identity, &reason);
            zanni__watchers_end (worker, identity, &reason, false);
            zanni__identity_unhold (identity);
        }
        return;
    }
    if (s_note_end (worker, self, &reason, reason.kind == ZANNI_EXIT_KILLED))
        zanni__end (worker, identity);
}

void
zanni__end_for_good (zanni_worker_t *worker, zanni__identity_t *identity, zanni_reason_t reason)
{
    if (identity->actor)
        identity->actor->restarting = identity->actor->held = identity->actor->signalled = false;
    zanni__request_end (worker, identity, reason);
}

void
zanni__quit (zanni_t *self, const zanni_reason_t *reason)
{
    if (self->reason)
        return;
    zanni_reason_t *memory = zanni__malloc (sizeof *reason);
    self->reason = memory ? memory : &self->worker->spare_reason;
    *self->reason = *reason;
    if (s_can_end_now (self->identity))
        zanni__end (self->worker, self->identity);
}

/* Not from within what sends the EXIT, or a chain of linked actors would end as deep as it is long: the EXIT itself
   begins the turn that ends its actor. One that was killed does not take the stop hooks of its partners along. */
void
zanni__exit_ends (zanni_worker_t *worker, zanni_msg_t *exit)
{
    zanni__identity_t *identity = exit->to;
    zanni_t *self = identity->actor;
    bool first = !self->reason;
    bool now = s_note_end (worker, self, (const zanni_reason_t *) (const void *) exit->room, false);
    if (identity->pinned)
        worker->quit = true;   // its thread is the host's, who destroys it
    self->signalled |= first;
    if (first && now && !identity->pinned) {
        exit->id = UINT64_MAX;   // to its hook it is nothing, whoever handles it
        zanni__queue_push_front (&identity->mailbox, &exit->item);
        if (!identity->busy)
            zanni__worker_push_run (worker, identity);
    }
    else
        zanni__msg_release (worker, exit);
}

static int
s_exit (zanni_t *self, zanni_reason_t reason)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (self->identity->pinned)
        self->worker->quit = true;
    else
        zanni__quit (self, &reason);
    return 0;
}

int
zanni_exit (zanni_t *self)
{
    return s_exit (self, (zanni_reason_t) { .kind = ZANNI_EXIT_NORMAL });
}

int
zanni_exit_error (zanni_t *self, int64_t code, const char *text)
{
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = code };
    snprintf (reason.text, sizeof reason.text, "%s", text ? text : "");
    return s_exit (self, reason);
}

/* It is held before its START was handled, which comes before all else: it waits as if it had run. */
static bool
s_begins_not (zanni_worker_t *worker, zanni__identity_t *identity, const zanni_reason_t *reason)
{
    zanni__item_t *start = identity->mailbox.head;
    zanni_reason_t *memory = start && start->kind == ZANNI__START ? zanni__malloc (sizeof *memory) : NULL;
    if (!memory)
        return false;
    *memory = *reason;
    (void) zanni__queue_pop (&identity->mailbox);
    s_wait (worker, identity, memory);
    zanni__bury (worker, start, ZANNI_EDOWN, reason);
    return true;
}

static void
s_end_by_command (zanni_worker_t *worker, zanni__identity_t *to, const zanni_msg_t *msg)
{
    const zanni_reason_t reason = {
        .kind = msg->item.kind == ZANNI__KILL ? ZANNI_EXIT_KILLED : ZANNI_EXIT_SHUTDOWN
    };
    bool holds = msg->code == ZANNI__HOLDS_ON && to->waits;
    if (holds && to->actor) {
        to->actor->held = true;
        zanni__request_end (worker, to, reason);
    }
    else if (!holds || (to->state == ZANNI__STARTING && !s_begins_not (worker, to, &reason)))
        zanni__end_for_good (worker, to, reason);
}

/* A command arrives: it overtakes the mailbox. */
void
zanni__command (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni__identity_t *to = msg->to;
    zanni__identity_hold (to);
    switch (msg->item.kind) {
    case ZANNI__CANCEL:
        zanni__cancel_arrives (worker, msg);
        break;
    case ZANNI__RESTART:
        if (!to->start) {
            zanni__log (worker->node, ZANNI_LOG_WARNING, "%s was not spawned as restartable: restart ignored",
                        zanni_ref_class (&to->self));
            break;
        }
        if (to->actor && !to->actor->reason)
            to->actor->restarting = true;
        zanni__request_end (worker, to, (zanni_reason_t) { .kind = ZANNI_EXIT_SHUTDOWN });
        break;
    default:
        s_end_by_command (worker, to, msg);
    }
    zanni__identity_unhold (to);
    zanni__msg_release (worker, msg);
}

static int
s_send_command (zanni_t *self, const zanni_ref_t *ref, zanni__kind_t kind, int32_t code)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!ref)
        return ZANNI_EINVAL;
    if (!ref->own)
        return ZANNI_EPERM;
    zanni__identity_t *to;
    rc = zanni__target (self->worker, &to, ref);
    if (rc)
        return rc;
    zanni_msg_t *msg = zanni__msg_new (self->worker);
    if (!msg)
        return ZANNI_ENOMEM;
    msg->item.kind = (uint8_t) kind;
    msg->code = code;
    msg->to = to;
    zanni__msg_set_from (self->worker, msg, self->identity, to->worker);
    zanni__dispatch (self, msg);
    return 0;
}

int
zanni__hold (zanni_t *self, const zanni_ref_t *ref, bool kills)
{
    return s_send_command (self, ref, kills ? ZANNI__KILL : ZANNI__STOP, ZANNI__HOLDS_ON);
}

int
zanni_stop (zanni_t *self, const zanni_ref_t *ref)
{
    return s_send_command (self, ref, ZANNI__STOP, 0);
}

int
zanni_kill (zanni_t *self, const zanni_ref_t *ref)
{
    return s_send_command (self, ref, ZANNI__KILL, 0);
}

int
zanni_restart (zanni_t *self, const zanni_ref_t *ref)
{
    return s_send_command (self, ref, ZANNI__RESTART, 0);
}

int
zanni_super (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!msg || !msg->method)
        return ZANNI_EINVAL;
    const zanni__method_t *method = msg->method;
    if (!method->super || !method->super->handler)
        return ZANNI_ENOMETHOD;
    zanni_rewind (msg);
    msg->method = method->super;
    rc = method->super->handler (self, msg);
    msg->method = method;
    return rc;
}
