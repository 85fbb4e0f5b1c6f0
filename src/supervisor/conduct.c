/* Who does what when. A supervisor is in one phase at a time:

       BEGINNING → SERVING → (SWEEPING → PAUSING → RESUMING → SERVING)* → ENDING → OVER

   In all but SERVING it goes through its children one by one, with a cursor: forwards to start them, each when the
   one before has begun, backwards to stop them. A child that ends meanwhile, and is not the one that it is about, is
   news, and news wait until it serves again; those whose turn it is to be stopped are stopped, news or not. One for
   one and dynamic supervisors have no sweeps: there each child is begun again by itself.

   zanni__conduct goes on as far as it can. Everything that happens ends with it, so it is the only place where
   something follows from something else, and never runs inside itself. */

#include "supervisor.h"

#include "../actor/answer.h"
#include "../base/memory.h"

#include <stdio.h>
#include <zanni/timer.h>

#define S_NS INT64_C (1000000)   // a millisecond

static zanni__child_t *
s_at (const zanni__supervisor_t *supervisor, zanni__link_t *link)
{
    return link == &supervisor->children ? NULL : ZANNI__CONTAINER (link, zanni__child_t, all);
}

static zanni__child_t *
s_next (const zanni__supervisor_t *supervisor, const zanni__child_t *child)
{
    zanni__child_t *next = s_at (supervisor, child ? child->all.next : supervisor->children.next);
    while (!child && next && next->number < supervisor->from)
        next = s_at (supervisor, next->all.next);
    return next;
}

static zanni__child_t *
s_before (const zanni__supervisor_t *supervisor, const zanni__child_t *child)
{
    zanni__child_t *before = s_at (supervisor, child ? child->all.prev : supervisor->children.prev);
    return before && before->number >= supervisor->from ? before : NULL;
}

static bool
s_is_abnormal (const zanni_reason_t *reason)
{
    return reason->kind > ZANNI_EXIT_SHUTDOWN;
}

/* Whether one more restart is within what the supervisor is to make; then it is noted. */
static bool
s_may_restart (zanni__supervisor_t *supervisor)
{
    int64_t now_ns = zanni_now_ns (supervisor->self);
    uint32_t most = supervisor->max_restarts;
    if (!most)
        return false;
    if (supervisor->times_used == most
        && now_ns - supervisor->times_ns [supervisor->times_at] <= supervisor->within_ms * S_NS)
        return false;
    uint32_t at = supervisor->times_at;
    if (supervisor->times_used < most)
        at = supervisor->times_used++;
    else
        supervisor->times_at = (at + 1) % most;
    supervisor->times_ns [at] = now_ns;
    return true;
}

static int64_t
s_delay_ms (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    zanni_t *self = supervisor->self;
    const zanni_clock_t *clock = &self->worker->node->clock;
    int64_t delay_ms = supervisor->delay_ms;
    int64_t most_ms = supervisor->delay_max_ms > delay_ms ? supervisor->delay_max_ms : delay_ms;
    uint32_t random = 0;
    bool lived = child->news == ZANNI__NEWS_ENDED && zanni_now_ns (self) - child->began_ns >= most_ms * S_NS;
    if (lived)
        child->tries = 0;
    for (uint32_t i = 0; i < child->tries && delay_ms && delay_ms < most_ms; i++)
        delay_ms *= 2;
    child->tries++;
    if (delay_ms > most_ms)
        delay_ms = most_ms;
    if (supervisor->jitter && !clock->random (clock->context, &random, sizeof random))
        delay_ms -= delay_ms * (int64_t) (random % (supervisor->jitter + 1)) / 100;
    return delay_ms;
}

/* Whoever waits for a child that cannot come any more. */
static void
s_refuse_adder (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    zanni_msg_t *adder = child->adder;
    child->adder = NULL;
    if (!adder)
        return;
    if (child->news == ZANNI__NEWS_FAILED)
        zanni__answer_fault (supervisor, adder, (int) child->reason.code, "child %s: %s", child->name, child->reason.text);
    else if (supervisor->phase < ZANNI__ENDING)
        zanni__answer_fault (supervisor, adder, ZANNI_ENOACTOR, "no such actor: child %s was removed before it had begun",
                             child->name);
    else
        zanni__answer_fault (supervisor, adder, ZANNI_ECLOSED, "closed: child %s: the supervisor is about to end",
                             child->name);
}

static void
s_forget (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    s_refuse_adder (supervisor, child);
    zanni__child_calm (child);
    if (child->restarts == ZANNI_TEMPORARY || supervisor->strategy == ZANNI_DYNAMIC)
        zanni__child_free (supervisor, child);
    else
        zanni__questions_answer (supervisor, child);
}

static void
s_say (zanni__supervisor_t *supervisor, const zanni__child_t *child, const char *what)
{
    char why [160];
    zanni__log (supervisor->self->worker->node, ZANNI_LOG_WARNING, "child %s of class %s has ended, %s: %s",
                child->name, child->class_name, what, zanni_reason_string (&child->reason, why, sizeof why));
}

static void
s_give_up (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    char why [160], text [320];
    zanni_reason_t reason = { .kind = ZANNI_EXIT_SHUTDOWN };
    snprintf (text, sizeof text, "child %s: more than %u restarts in %lld ms: %s", child->name,
              (unsigned) supervisor->max_restarts, (long long) supervisor->within_ms,
              zanni_reason_string (&child->reason, why, sizeof why));
    snprintf (reason.text, sizeof reason.text, "%.*s", (int) sizeof reason.text - 1, text);
    s_say (supervisor, child, "and is not begun again, for that was done too often");
    zanni__child_calm (child);
    zanni__conduct_end (supervisor, &reason, false);
}

/* Something has become of a child, which decides what is done. */
static void
s_decide (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    bool failed = child->news == ZANNI__NEWS_FAILED;
    bool restarts = failed || child->restarts == ZANNI_PERMANENT
                    || (child->restarts == ZANNI_TRANSIENT && s_is_abnormal (&child->reason));
    bool first = failed && supervisor->strategy == ZANNI_DYNAMIC && !child->restarted;   // it was added, and has never begun
    bool ending = zanni__node_is_ending (supervisor->self->worker->node);   // nothing begins any more
    if (first && !child->adder)
        s_say (supervisor, child, "in its first start");
    if (first || !restarts || child->restarts == ZANNI_TEMPORARY || child->leaves || ending) {
        s_forget (supervisor, child);
        return;
    }
    if (!s_may_restart (supervisor)) {
        s_give_up (supervisor, child);
        return;
    }
    int64_t delay_ms = s_delay_ms (supervisor, child);
    s_say (supervisor, child, "and is begun again");
    zanni__child_calm (child);
    child->restarted++;
    if (supervisor->strategy == ZANNI_ONE_FOR_ALL || supervisor->strategy == ZANNI_REST_FOR_ONE) {
        supervisor->from = supervisor->strategy == ZANNI_REST_FOR_ONE ? child->number : 0;
        supervisor->phase = ZANNI__SWEEPING;
        supervisor->pause_ms = delay_ms;
        supervisor->cursor = s_before (supervisor, NULL);
    }
    else if (delay_ms)
        zanni__child_delay (supervisor, child, delay_ms);
    else
        zanni__child_start (supervisor, child);
}

static bool
s_serve (zanni__supervisor_t *supervisor)
{
    if (zanni__list_empty (&supervisor->news))
        return false;
    s_decide (supervisor, ZANNI__CONTAINER (supervisor->news.next, zanni__child_t, news_link));
    return true;
}

/* Stops the one at the cursor; true: it has ended, and the cursor has gone on. */
static bool
s_stop_one (zanni__supervisor_t *supervisor, bool for_good)
{
    zanni__child_t *child = supervisor->cursor;
    zanni__child_stop (supervisor, child, for_good);
    if (child->state != ZANNI__CHILD_IDLE)
        return false;
    supervisor->cursor = s_before (supervisor, child);
    if (child->restarts == ZANNI_TEMPORARY && !for_good) {
        zanni__child_t *cursor = supervisor->cursor;
        zanni__child_free (supervisor, child);
        supervisor->cursor = cursor;
    }
    return true;
}

static bool
s_sweep (zanni__supervisor_t *supervisor)
{
    if (supervisor->cursor)
        return s_stop_one (supervisor, false);
    supervisor->phase = supervisor->pause_ms ? ZANNI__PAUSING : ZANNI__RESUMING;
    if (supervisor->pause_ms
        && zanni_timer (supervisor->self, &supervisor->pause, supervisor->pause_ms, 0, "zanni.timer", (uint64_t) 0))
        supervisor->phase = ZANNI__RESUMING;   // without memory for it
    return true;
}

/* The first start of a child has failed, and so has the supervisor's. */
static void
s_begin_failed (zanni__supervisor_t *supervisor, zanni__child_t *child)
{
    zanni_error_t *error = &supervisor->error;
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = child->reason.code };
    zanni__error_set (error, (int) child->reason.code, NULL);
    snprintf (error->text, sizeof error->text, "child %s: %s", child->name, child->reason.text);
    snprintf (reason.text, sizeof reason.text, "%.*s", (int) sizeof reason.text - 1, error->text);
    zanni__child_calm (child);
    zanni__conduct_end (supervisor, &reason, false);
}

static void
s_all_begun (zanni__supervisor_t *supervisor)
{
    supervisor->phase = ZANNI__SERVING;
    if (supervisor->started && zanni_promise_reply_args (supervisor->self, &supervisor->started, NULL, 0))
        zanni_promise_destroy (&supervisor->started);   // without memory it is an error, which destroying answers
}

/* Starts them one by one. */
static bool
s_start (zanni__supervisor_t *supervisor)
{
    zanni__child_t *child = supervisor->cursor;
    bool begins = supervisor->phase == ZANNI__BEGINNING;
    if (child && (child->state == ZANNI__CHILD_STARTING || child->state == ZANNI__CHILD_FAILING))
        return false;
    if (child && child->news == ZANNI__NEWS_FAILED) {
        if (begins)
            s_begin_failed (supervisor, child);
        else
            supervisor->phase = ZANNI__SERVING;
        return true;
    }
    supervisor->cursor = s_next (supervisor, child);
    if (!supervisor->cursor)
        s_all_begun (supervisor);
    else if (supervisor->cursor->state == ZANNI__CHILD_IDLE) {
        zanni__child_calm (supervisor->cursor);
        zanni__child_start (supervisor, supervisor->cursor);
    }
    return true;
}

static void
s_over (zanni__supervisor_t *supervisor)
{
    zanni_t *self = supervisor->self;
    supervisor->phase = ZANNI__OVER;
    if (supervisor->started && supervisor->error.code)
        zanni__promise_error (self, &supervisor->started, &supervisor->error);
    if (!supervisor->by_request)
        zanni__quit (self, &supervisor->reason);
    else if (!supervisor->closing)
        zanni__request_end (self->worker, self->identity, supervisor->reason);
}

/* Children of a dynamic one have no order: all have been told at once, and are waited for. */
static bool
s_end (zanni__supervisor_t *supervisor)
{
    bool dynamic = supervisor->strategy == ZANNI_DYNAMIC;
    while (dynamic && supervisor->cursor && supervisor->cursor->state == ZANNI__CHILD_IDLE)
        supervisor->cursor = s_before (supervisor, supervisor->cursor);
    if (supervisor->cursor)
        return !dynamic && s_stop_one (supervisor, true);
    s_over (supervisor);
    return false;
}

static bool
s_rests (zanni__supervisor_t *supervisor)
{
    (void) supervisor;
    return false;
}

void
zanni__conduct (zanni__supervisor_t *supervisor)
{
    static bool (*const phases []) (zanni__supervisor_t *) = {
        [ZANNI__BEGINNING] = s_start, [ZANNI__SERVING] = s_serve, [ZANNI__SWEEPING] = s_sweep,
        [ZANNI__PAUSING] = s_rests, [ZANNI__RESUMING] = s_start, [ZANNI__ENDING] = s_end, [ZANNI__OVER] = s_rests
    };
    if (supervisor->conducting)
        return;
    supervisor->conducting = true;
    while (phases [supervisor->phase] (supervisor)) {}
    supervisor->conducting = false;
}

/* Nobody waits any more; and a dynamic one's are stopped. */
static void
s_begin_end (zanni__supervisor_t *supervisor)
{
    for (zanni__link_t *link = supervisor->children.next; link != &supervisor->children; link = link->next) {
        zanni__child_t *child = ZANNI__CONTAINER (link, zanni__child_t, all);
        s_refuse_adder (supervisor, child);
        zanni__questions_answer (supervisor, child);
        if (supervisor->strategy == ZANNI_DYNAMIC)
            zanni__child_stop (supervisor, child, true);
    }
}

/* The first reason stands. */
void
zanni__conduct_end (zanni__supervisor_t *supervisor, const zanni_reason_t *reason, bool by_request)
{
    supervisor->by_request = supervisor->by_request || by_request;
    if (supervisor->phase >= ZANNI__ENDING)
        return;
    supervisor->phase = ZANNI__ENDING;
    supervisor->reason = *reason;
    supervisor->from = 0;
    supervisor->cursor = s_before (supervisor, NULL);
    s_begin_end (supervisor);
    supervisor->closing = by_request;
    zanni__conduct (supervisor);
    supervisor->closing = false;
}
