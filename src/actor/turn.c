/* A turn: one actor handles what lies in its mailbox, for so many messages or so long. The clock is asked after 1,
   2, 4, 8 ... messages and only while more wait, so an actor that handles one at a time never pays for it, and one
   with slow handlers overstays at most twofold.

   The checks that a message passes before its handler: method, right, deadline, signature. What fails them is
   answered; it never reaches user code. */

#include "answer.h"
#include "deliver.h"
#include "envelope.h"
#include "pending.h"
#include "census/tally.h"
#include "watchdog.h"

#include "../message/quick.h"

#include <stdio.h>

#define S_POWERS_OF_4 0x55555555u

static void
s_refuse (zanni_worker_t *worker, zanni_msg_t *msg, int code, const char *text)
{
    if (msg->item.kind == ZANNI__ASK)
        (void) zanni__answer_error (worker, msg, code, 0, text);
    else
        zanni__dead_letter (worker, msg, text);
}

static bool
s_refuse_arguments (zanni_worker_t *worker, zanni_msg_t *msg, const zanni__fault_t *fault)
{
    char where [160];
    char text [232];
    zanni__fault_text (fault, where, sizeof where);
    snprintf (text, sizeof text, "bad arguments for %s: %s", zanni_msg_method (msg), where);
    s_refuse (worker, msg, ZANNI_EARGS, text);
    return false;
}

static __attribute__ ((noinline)) bool
s_refuse_method (zanni_worker_t *worker, zanni_msg_t *msg, int code)
{
    char text [232];
    const char *class_name = zanni__behaviour (msg->to)->definition->name;
    if (code == ZANNI_ENOMETHOD)
        snprintf (text, sizeof text, "no such method: class %s has no %s", class_name, zanni_msg_method (msg));
    else
        snprintf (text, sizeof text, "not permitted: %s of class %s is private", zanni_msg_method (msg), class_name);
    s_refuse (worker, msg, code, text);
    return false;
}

/* A message that may be the last one that overtook others is about to be handled. */
static void
s_leaves_front (zanni_msg_t *msg)
{
    zanni__more_t *more = msg->to->actor->more;
    if (more && more->high == &msg->item)
        more->high = NULL;
}

static __attribute__ ((noinline)) bool
s_resolve (zanni_worker_t *worker, zanni_msg_t *msg)
{
    const zanni__class_t *cls = zanni__behaviour (msg->to);
    s_leaves_front (msg);
    msg->method = zanni__class_method (cls, msg->name ? msg->name : "");
    if (!msg->method)
        msg->method = cls->any;
    return msg->method || s_refuse_method (worker, msg, ZANNI_ENOMETHOD);
}

static __attribute__ ((noinline)) bool
s_match_closely (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni__fault_t fault;
    if (msg->method->any)
        return true;
    /* What came from another node has a stand-in as its sender, or holds it by `refs`, whoever that is said to be. */
    bool ours = msg->from && !msg->from->elsewhere && !(msg->item.flags & ZANNI__REMOTE);
    int rc = ours ? zanni__signature_match_ours (msg->method->in, &msg->args, &fault)
                  : zanni__signature_match_closely (msg->method->in, &msg->args, &fault);
    return !rc || s_refuse_arguments (worker, msg, &fault);
}

/* All of it for a private or high method. */
static __attribute__ ((noinline)) bool
s_passes_flagged (zanni_worker_t *worker, zanni_msg_t *msg)
{
    s_leaves_front (msg);
    if (msg->method->flags & ZANNI_METHOD_PRIVATE && msg->from != msg->to && !(msg->item.flags & ZANNI__TICK))
        return s_refuse_method (worker, msg, ZANNI_EPERM);
    return msg->deadline_ns > worker->now_ns && s_match_closely (worker, msg);
}

/* Whether `msg` may reach its handler. */
ZANNI__INLINE bool
s_passes (zanni_worker_t *worker, zanni_msg_t *msg)
{
    if (__builtin_expect (!msg->method, 0) && !s_resolve (worker, msg))
        return false;
    if (__builtin_expect (msg->method->flags & (ZANNI_METHOD_PRIVATE | ZANNI_METHOD_HIGH), 0))
        return s_passes_flagged (worker, msg);
    if (__builtin_expect (msg->deadline_ns <= worker->now_ns, 0))
        return false;   // the asker has its timeout already, or in a moment
    return __builtin_expect (zanni__signature_match_quickly (msg->method->in, &msg->args), 1)
           || s_match_closely (worker, msg);
}

static void
s_tell_failed (zanni_worker_t *worker, const zanni_msg_t *msg, int rc)
{
    zanni__count (&worker->counts.failed_tells, 1);
    zanni__log (worker->node, ZANNI_LOG_WARNING, "%s.%s answered a tell with \"%s\"%s%s",
                zanni_ref_class (&msg->to->self), zanni_msg_method (msg), zanni_strerror (rc),
                *zanni_msg_fault (msg) ? ": " : "", zanni_msg_fault (msg));
}

/* The handler of an ask has returned and neither answered nor promised. */
static void
s_conclude_ask (zanni_worker_t *worker, zanni_msg_t *msg, int rc)
{
    if (msg->item.holds > 1 && !rc)
        return;   // kept: to be answered later
    if (!rc && !*msg->method->out) {
        msg->code = zanni__answer_empty (worker, msg);
        return;
    }
    const char *fault = zanni_msg_fault (msg);
    char text [232];
    if (!rc)
        snprintf (text, sizeof text, "no reply: the handler of %s returned without one", zanni_msg_method (msg));
    else
        snprintf (text, sizeof text, "%s%s%s", zanni_strerror (rc), *fault ? ": " : "", fault);
    rc = rc ? rc : ZANNI_ENOREPLY;
    if (zanni__answer_error (worker, msg, rc, 0, text))
        msg->code = rc;   // no memory: the ask itself goes back with it when it is released
}

static __attribute__ ((noinline)) void
s_conclude (zanni_worker_t *worker, zanni_msg_t *msg, int rc)
{
    if (rc == ZANNI__GIVEN_AWAY)
        return;
    if (zanni__ask_is_open (msg))
        s_conclude_ask (worker, msg, rc);
    else if (rc && msg->item.kind == ZANNI__TELL)
        s_tell_failed (worker, msg, rc);
    zanni__msg_release (worker, msg);
}

static __attribute__ ((noinline)) void
s_turn_away (zanni_worker_t *worker, zanni_msg_t *msg)
{
    if (msg->item.kind == ZANNI__ASK)
        msg->item.flags |= ZANNI__ANSWERED;
    zanni__msg_release (worker, msg);
}

/* Where messages are counted, the time that they take is, too. */
static __attribute__ ((noinline)) int
s_handle_counted (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *msg)
{
    struct zanni__row *row = zanni__tally_add (worker, msg);
    int64_t begun_ns = zanni__node_now (worker->node);
    int rc = msg->method->handler (identity->actor, msg);
    zanni__tally_took (row, zanni__node_now (worker->node) - begun_ns);
    return rc;
}

static __attribute__ ((noinline)) int
s_handle_observed (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *msg)
{
    zanni__beat_t *beat = zanni__beat (worker);
    if (beat)
        zanni__beat_enter (worker, identity, msg->method);
    int rc = worker->tally ? s_handle_counted (worker, identity, msg) : msg->method->handler (identity->actor, msg);
    if (beat)
        zanni__beat_leave (beat);
    return rc;
}

ZANNI__INLINE void
s_handle_message (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *msg)
{
    zanni__leave (worker, msg);
    if (__builtin_expect (msg->item.flags & ZANNI__TICK, 0) && !zanni__tick_arrived (worker, msg)) {
        zanni__msg_free (worker, msg);
        return;
    }
    if (__builtin_expect (!s_passes (worker, msg), 0)) {
        s_turn_away (worker, msg);
        return;
    }
    const zanni__method_t *method = msg->method;
    worker->current = msg;   // none was: who blocks in a handler has put its own aside
    zanni__doing (worker, method);
    int rc = __builtin_expect (worker->observed, 0) ? s_handle_observed (worker, identity, msg)
                                                    : method->handler (identity->actor, msg);
    worker->current = NULL;
    if (__builtin_expect (!rc && msg->item.kind == ZANNI__TELL && msg->item.holds == 1, 1))
        zanni__msg_done (worker, msg);
    else
        s_conclude (worker, msg, rc);
}

/* An answer whose ask had ended; the error of the ask's own deadline is none. */
static void
s_came_late (zanni_worker_t *worker, const zanni_msg_t *msg)
{
    if (!(msg->item.flags & ZANNI__TICK))
        zanni__count (&worker->counts.late_replies, 1);
}

static void
s_handle_answer (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *msg)
{
    zanni__pending_t *pending = zanni__pending_find (worker, msg->id);
    if (!pending || pending->kind != ZANNI__AN_ASK || pending->actor != identity->actor) {
        s_came_late (worker, msg);
        zanni__msg_release (worker, msg);
        return;
    }
    zanni_reply_fn *then = pending->as.ask.then;
    void *arg = pending->as.ask.arg;
    if (__builtin_expect (pending->as.ask.ticket != 0, 0) && !zanni__ask_ends (pending, msg)) {
        s_came_late (worker, msg);
        zanni__msg_release (worker, msg);
        return;
    }
    zanni__pending_free (worker, pending);
    if (then) {
        zanni__doing_hook (worker, identity, ZANNI__HOOK_ANSWER);
        then (identity->actor, msg, arg);
    }
    zanni__msg_release (worker, msg);
}

static void
s_handle_down (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *msg)
{
    zanni__pending_t *pending = msg->id ? zanni__pending_find (worker, msg->id) : NULL;
    bool wanted = !msg->id || (pending && pending->actor == identity->actor);
    zanni__down_fn *then = pending && pending->kind == ZANNI__A_MONITOR ? pending->as.monitor.then : NULL;
    void *arg = then ? pending->as.monitor.arg : NULL;
    if (pending && wanted)
        zanni__pending_free (worker, pending);
    zanni_down_t down;
    const zanni__class_t *cls = atomic_load_explicit (&identity->cls, memory_order_relaxed);
    zanni__doing_hook (worker, identity, ZANNI__HOOK_DOWN);
    if (wanted && then && !zanni_msg_down (msg, &down))
        then (identity->actor, &down, arg);
    else if (wanted && cls->has_down && !zanni_msg_down (msg, &down))
        for (; cls; cls = cls->parent)
            if (cls->definition->down)
                cls->definition->down (identity->actor, &down);
    zanni__msg_release (worker, msg);
}

/* An exit that was trapped; or the turn in which its actor ends by it. */
static void
s_handle_exit (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *msg)
{
    zanni__pending_t *pending = msg->id ? zanni__pending_find (worker, msg->id) : NULL;
    bool wanted = !identity->actor->reason && (!msg->id || (pending && pending->actor == identity->actor));
    if (pending && wanted)
        zanni__pending_free (worker, pending);
    zanni_exit_signal_t signal;
    const zanni__class_t *cls = atomic_load_explicit (&identity->cls, memory_order_relaxed);
    zanni__doing_hook (worker, identity, ZANNI__HOOK_EXIT);
    if (wanted && cls->has_exit && !zanni_msg_exit (msg, &signal))
        for (; cls; cls = cls->parent)
            if (cls->definition->exit)
                cls->definition->exit (identity->actor, &signal);
    zanni__msg_release (worker, msg);
}

void
zanni__drop_arrives (zanni_worker_t *worker, zanni__identity_t *identity, zanni_ref_t *ref)
{
    /* acq_rel: pairs with itself, as in any count. */
    bool last = ref->strong && atomic_fetch_sub_explicit (&identity->strong, 1, memory_order_acq_rel) == 1;
    zanni__free_ref (ref);
    if (last && !identity->pinned && zanni__shared_leave (identity))
        zanni__end_for_good (worker, identity, (zanni_reason_t) { .kind = ZANNI_EXIT_NORMAL });
}

/* What is not a tell or ask. */
static void
s_handle_system (zanni_worker_t *worker, zanni__identity_t *identity, zanni__item_t *item)
{
    zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
    switch (item->kind) {
    case ZANNI__REPLY:
    case ZANNI__ERROR:
        s_handle_answer (worker, identity, msg);
        break;
    case ZANNI__DOWN:
        s_handle_down (worker, identity, msg);
        break;
    case ZANNI__EXIT:
        s_handle_exit (worker, identity, msg);
        break;
    case ZANNI__START:
        zanni__begin (worker, identity, msg);
        break;
    case ZANNI__MONITOR:
    case ZANNI__WAITER:
        zanni__watcher_add (worker, identity, msg);
        break;
    case ZANNI__DEMONITOR:
        zanni__watcher_remove (worker, identity, msg);
        break;
    case ZANNI__DROP:
        zanni__drop_arrives (worker, identity, (zanni_ref_t *) (void *) item);
        break;
    default:
        zanni__assert (false && "an item of this kind is never queued");
    }
}

/* The callbacks and hooks of what comes back; a START enters its own. */
static __attribute__ ((noinline)) void
s_handle_system_watched (zanni_worker_t *worker, zanni__identity_t *identity, zanni__item_t *item)
{
    const zanni__class_t *cls = atomic_load_explicit (&identity->cls, memory_order_relaxed);
    zanni__hook_kind_t hook = item->kind == ZANNI__DOWN   ? ZANNI__HOOK_DOWN
                              : item->kind == ZANNI__EXIT ? ZANNI__HOOK_EXIT
                                                          : ZANNI__HOOK_ANSWER;
    bool enters = item->kind <= ZANNI__EXIT;
    if (enters)
        zanni__beat_enter (worker, identity, &cls->hooks [hook]);
    s_handle_system (worker, identity, item);
    if (enters)
        zanni__beat_leave (zanni__beat (worker));
}

/* A root or attached thread that serves no class: what zanni_receive is to yield waits there. */
static bool
s_is_for_receive (const zanni_worker_t *worker, const zanni__identity_t *identity, zanni__item_t *item)
{
    if (worker->owner != identity || item->kind > ZANNI__EXIT
        || atomic_load_explicit (&identity->cls, memory_order_relaxed) != &zanni__none)
        return false;
    zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
    if (item->kind == ZANNI__REPLY || item->kind == ZANNI__ERROR) {
        zanni__pending_t *pending = zanni__pending_find ((zanni_worker_t *) (uintptr_t) worker, msg->id);
        return pending && pending->kind == ZANNI__AN_ASK && !pending->as.ask.then;
    }
    if (item->kind == ZANNI__DOWN && msg->id) {
        zanni__pending_t *pending = zanni__pending_find ((zanni_worker_t *) (uintptr_t) worker, msg->id);
        return !pending || pending->kind != ZANNI__A_MONITOR || !pending->as.monitor.then;
    }
    return !msg->method;   // a built-in method needs no class
}

/* Whether zanni_receive may yield this message, taken from its actor's queue; if not, it was dealt with. */
bool
zanni__receivable (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *msg)
{
    bool yields;
    if (msg->item.kind <= ZANNI__ASK) {
        zanni__leave (worker, msg);
        if (worker->remotes)
            zanni__credit (worker);
        yields = !(msg->item.flags & ZANNI__TICK) || zanni__tick_arrived (worker, msg);
        s_leaves_front (msg);
        if (!msg->method && msg->name)
            msg->method = zanni__class_method (zanni__behaviour (identity), msg->name);
        if (yields && msg->method && msg->method->builtin) {
            s_handle_message (worker, identity, msg);
            return false;
        }
        if (yields && msg->method && !s_passes (worker, msg)) {
            msg->item.flags |= ZANNI__ANSWERED;
            yields = false;
        }
        if (yields && msg->method && worker->tally)
            (void) zanni__tally_add (worker, msg);
    }
    else {
        zanni__pending_t *pending = msg->id ? zanni__pending_find (worker, msg->id) : NULL;
        yields = (pending && pending->actor == identity->actor) || (msg->item.kind >= ZANNI__DOWN && !msg->id);
        if (yields && pending && pending->kind == ZANNI__AN_ASK)
            yields = zanni__ask_ends (pending, msg);
        if (pending && yields)
            zanni__pending_free (worker, pending);
        if (!yields && msg->item.kind < ZANNI__DOWN)
            s_came_late (worker, msg);
    }
    if (!yields)
        zanni__msg_release (worker, msg);
    return yields;
}

void
zanni__handle (zanni_worker_t *worker, zanni__identity_t *identity, zanni__item_t *item)
{
    if (__builtin_expect (s_is_for_receive (worker, identity, item), 0))
        zanni__queue_push (&worker->inbox, item);
    else if (__builtin_expect (item->kind <= ZANNI__ASK, 1))
        s_handle_message (worker, identity, (zanni_msg_t *) (void *) item);
    else if (__builtin_expect (zanni__beat (worker) != NULL, 0))
        s_handle_system_watched (worker, identity, item);
    else
        s_handle_system (worker, identity, item);
}

uint32_t
zanni__turn (zanni_worker_t *worker, zanni__identity_t *identity, uint32_t budget)
{
    uint32_t handled = 0;
    int64_t started_ns = worker->now_ns;
    bool corked = worker->corked;
    bool owner = worker->owner == identity;
    /* A loop actor reads what is in its mailbox itself, once it has begun. */
    bool loops = owner && atomic_load_explicit (&identity->cls, memory_order_relaxed)->run;
    zanni__item_t *item;
    identity->busy &= (uint8_t) ~ZANNI__SCHEDULED;
    if (identity->busy & (ZANNI__BLOCKED | ZANNI__WAITS) || !identity->mailbox.head
        || __builtin_expect (loops && identity->actor, 0)) {
        zanni__identity_unhold (identity);
        return 0;
    }
    identity->busy |= ZANNI__IN_TURN;
    worker->corked = !owner;
    while (handled < budget && (item = zanni__queue_pop (&identity->mailbox))) {
        zanni__msg_fetch (identity->mailbox.head);
        if (__builtin_expect (!owner && item->kind <= ZANNI__ASK, 1))
            s_handle_message (worker, identity, (zanni_msg_t *) (void *) item);
        else {
            zanni__handle (worker, identity, item);
            if (__builtin_expect (loops, 0))
                budget = 0;
        }
        handled++;
        if (__builtin_expect (!identity->actor || identity->actor->reason, 0)) {
            if (identity->actor && !identity->pinned)
                zanni__end (worker, identity);
            if (identity->busy & ZANNI__WAITS)
                break;
        }
        if (!identity->mailbox.head)
            break;
        if ((handled & (handled - 1)) == 0 && handled & S_POWERS_OF_4) {   // asking the time is not free
            worker->now_ns = zanni__node_now (worker->node);
            if (worker->now_ns - started_ns > ZANNI__TURN_NS)
                break;
        }
    }
    worker->corked = corked;
    identity->busy &= (uint8_t) ~ZANNI__IN_TURN;
    if (identity->mailbox.head && !identity->busy)
        zanni__worker_push_run (worker, identity);
    zanni__identity_unhold (identity);
    zanni__count (&worker->counts.messages, handled);
    return handled;
}
