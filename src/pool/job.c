/* Jobs: given, answered, lost, begun anew.

   What the pool only hands on is not kept: the message itself goes to the worker, and what becomes of it is between
   its sender and that one. Everything else the pool asks of the worker, in its own name, so that it learns when that
   is done; the asker's duty is a promise meanwhile.

   A worker's end is told by its DOWN alone. An error that speaks of an end (receiver down, node down, no such actor)
   may as well be what a living worker has answered, who asked somebody else in vain: the job is in doubt until either
   the DOWN is there or the worker has answered another ask. So is one whose time is over, whose worker may be busy
   with it or have thrown it away: its asker is answered, the worker is not free yet. */

#include "pool.h"

#include "../actor/behaviour.h"
#include "../actor/deliver.h"
#include "../actor/envelope.h"
#include "../base/memory.h"

#include <stdio.h>

#define S_ROW 16   // jobs that are handed on in one turn beyond the first

static void
s_job_free (zanni__pool_t *pool, zanni__job_t *job)
{
    pool->suspects -= job->suspect;
    zanni_msg_destroy (&job->doubt);
    zanni_promise_destroy (&job->promise);
    zanni_msg_destroy (&job->msg);   // handed on, or answered by the promise
    zanni__free (job);
}

/* Out of the queue that it waits in. */
static void
s_leave_queue (zanni__pool_t *pool, zanni__job_t *job)
{
    zanni__link_remove (&job->link);
    pool->waiting_count--;
    zanni__uncount (pool->self->worker, job->msg);
}

/* `seat`: of a key; NULL: for whoever can. */
static void
s_queue (zanni__pool_t *pool, zanni__job_t *job, zanni__pool_seat_t *seat, bool first)
{
    zanni__link_t *queue = pool->setup.routing == ZANNI_BY_KEY ? &seat->waiting : &pool->waiting;
    zanni__list_append (first ? queue->next : queue, &job->link);
    pool->waiting_count++;
    zanni__stay (pool->self->worker, job->msg);
}

static void
s_leave_seat (zanni__pool_t *pool, zanni__job_t *job)
{
    zanni__link_remove (&job->link);
    job->seat->busy--;
    job->seat = NULL;
    pool->status.given--;
}

/* The asker gets the error; a tell is a dead letter. */
static void
s_job_fail (zanni__pool_t *pool, zanni__job_t *job, int code, const char *text)
{
    zanni_error_t error = { .code = code };
    snprintf (error.text, sizeof error.text, "%s", text);
    if (job->promise)
        zanni__promise_error (pool->self, &job->promise, &error);
    else if (zanni_msg_kind (job->msg) == ZANNI_MSG_TELL)
        zanni__pool_letter (pool, job->msg, text);
    else if (zanni__ask_is_open (job->msg)) {
        int rc = zanni_pass (pool->self, job->msg, &error);
        (void) rc;   // without memory: the message is the answer itself when it is freed
    }
    s_job_free (pool, job);
}

static void
s_job_done (zanni__pool_t *pool, zanni__job_t *job, zanni_msg_t *reply)
{
    zanni_error_t error;
    if (job->promise)
        zanni__promise_pass (pool->self, &job->promise, reply);
    else if (zanni_msg_kind (job->msg) == ZANNI_MSG_TELL && !zanni_msg_error (reply, &error)
             && error.code != ZANNI_ENOREPLY) {
        zanni__count (&pool->self->worker->counts.failed_tells, 1);
        zanni__log (pool->self->worker->node, ZANNI_LOG_WARNING,
                    "%s.%s answered what was told to its pool with \"%s\"",
                    pool->cls->workers->definition->name, job->method->name, error.text);
    }
    pool->status.done++;
    s_leave_seat (pool, job);
    s_job_free (pool, job);
}

/* Nobody waits for it any more. */
static bool
s_is_void (const zanni__job_t *job)
{
    return job->promise ? zanni_promise_is_void (job->promise) : !zanni_msg_remaining_ms (job->msg);
}

bool
zanni__speaks_of_end (zanni_msg_t *reply, zanni_error_t *error)
{
    return !zanni_msg_error (reply, error)
           && (error->code == ZANNI_EDOWN || error->code == ZANNI_ENODE || error->code == ZANNI_ENOACTOR
               || error->code == ZANNI_ETIMEOUT);
}

/* Those that wait for this very seat, or for anybody, go to the seat that has room now. */
static void s_feed (zanni__pool_t *pool, zanni__pool_seat_t *seat);

/* A job of that seat's was done; where it was the last to be done alone, all seats have more room. */
static void
s_go_on (zanni__pool_t *pool, zanni__pool_seat_t *seat, bool suspects)
{
    s_feed (pool, seat);
    if (suspects && !pool->suspects)
        zanni__jobs_flow (pool);
    zanni__pool_seats_settle (pool);
}

static void
s_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni__pool_t *pool = zanni_state (self);
    zanni__job_t *job = arg;
    zanni__pool_seat_t *seat = job->seat;
    zanni_error_t error;
    bool suspects = pool->suspects;
    job->ask = 0;
    if (zanni__speaks_of_end (reply, &error)) {
        if (error.code == ZANNI_ETIMEOUT && job->promise && s_is_void (job))
            zanni__promise_pass (self, &job->promise, reply);
        if (!zanni_msg_keep (&job->doubt, reply)) {
            zanni__pool_seat_doubt (pool, seat);
            return;
        }
    }
    s_job_done (pool, job, reply);
    s_go_on (pool, seat, suspects);
}

void
zanni__jobs_of_living (zanni__pool_t *pool, zanni__pool_seat_t *seat)
{
    zanni__link_t *next;
    bool suspects = pool->suspects;
    for (zanni__link_t *link = seat->jobs.next; link != &seat->jobs; link = next) {
        zanni__job_t *job = ZANNI__CONTAINER (link, zanni__job_t, link);
        next = link->next;
        if (job->doubt)
            s_job_done (pool, job, job->doubt);
    }
    s_go_on (pool, seat, suspects);
}

/* Its time was over before its worker's end: the asker knows. */
static bool
s_is_over (const zanni__job_t *job)
{
    return job->promise ? zanni_promise_is_void (job->promise) : zanni_msg_kind (job->msg) == ZANNI_MSG_ASK;
}

static void
s_job_lost (zanni__pool_t *pool, zanni__job_t *job, const zanni_reason_t *reason)
{
    char why [128], text [sizeof ((zanni_error_t *) 0)->text];
    zanni_reason_string (reason, why, sizeof why);
    int used = snprintf (text, sizeof text, "%s: %s; ", zanni_strerror (ZANNI_EDOWN), why);
    if (job->method->flags & ZANNI_METHOD_REPEATABLE)
        snprintf (text + used, sizeof text - (size_t) used, "the job was begun %u times", job->attempts);
    else
        snprintf (text + used, sizeof text - (size_t) used,
                  "%.40s was not repeated, for it is not declared repeatable", job->method->name);
    pool->status.lost++;
    s_job_fail (pool, job, ZANNI_EDOWN, text);
}

/* Begins anew, before those that came later. */
static void
s_again (zanni__pool_t *pool, zanni__job_t *job)
{
    zanni__pool_seat_t *seat = NULL;
    bool can;
    pool->suspects += !job->suspect;
    job->suspect = true;
    if (pool->setup.routing == ZANNI_BY_KEY) {
        int rc = zanni__pool_choose (pool, &seat, &can, job->msg);   // its key may have moved
        zanni__assert (!rc);
    }
    s_queue (pool, job, seat, true);
}

void
zanni__jobs_of_dead (zanni__pool_t *pool, zanni__pool_seat_t *seat, const zanni_reason_t *reason)
{
    while (!zanni__list_empty (&seat->jobs)) {   // from the last: each goes before those that came later
        zanni__job_t *job = ZANNI__CONTAINER (seat->jobs.prev, zanni__job_t, link);
        s_leave_seat (pool, job);
        zanni__ask_forget (pool->self, job->ask);
        job->ask = 0;
        zanni_msg_destroy (&job->doubt);
        if (s_is_over (job))
            s_job_free (pool, job);
        else if (job->method->flags & ZANNI_METHOD_REPEATABLE && job->attempts < pool->setup.attempts)
            s_again (pool, job);
        else
            s_job_lost (pool, job, reason);
    }
}

/* `seat` may stay as it is: who asks is told when there is room. */
static void
s_is_full (zanni__pool_t *pool, zanni__pool_seat_t *seat)
{
    if (!zanni_when_writable (pool->self, seat->ref, "zanni.room")) {
        seat->shut |= ZANNI__POOL_FULL;
        return;
    }
    seat->shut |= ZANNI__POOL_ABSENT;   // no memory: the probe's answer opens it again
    zanni__pool_seat_doubt (pool, seat);
}

static int
s_ask (zanni__pool_t *pool, zanni__job_t *job, zanni__pool_seat_t *seat)
{
    int64_t left_ms = zanni_msg_remaining_ms (job->msg);
    const zanni_ask_t ask = {
        .then = s_answered, .arg = job, .deadline_ms = left_ms == INT64_MAX ? -1 : left_ms, .id_p = &job->ask
    };
    int rc = zanni__ask_again (pool->self, seat->ref, &ask, job->msg, job->method->name);
    if (rc)
        return rc;
    pool->status.repeated += job->attempts > 0;
    pool->status.given++;
    job->attempts++;
    job->seat = seat;
    seat->busy++;
    zanni__list_append (&seat->jobs, &job->link);
    return 0;
}

/* Hands the message itself on. Meanwhile it was a promise, which its asker could cancel. */
static int
s_let_go (zanni__pool_t *pool, zanni__job_t *job, const zanni__pool_seat_t *seat)
{
    if (job->promise)
        zanni__promise_undo (pool->self, &job->promise, job->msg);
    int rc = zanni_forward (pool->self, job->msg, seat->ref, job->method->name);
    int result = rc && zanni__ask_is_open (job->msg) ? zanni_promise_new (pool->self, &job->promise, job->msg) : 0;
    (void) result;   // without memory it cannot be cancelled
    return rc;
}

/* Gives a job that is in no list to who sits there. 0: it is not the caller's any more. */
static int
s_give (zanni__pool_t *pool, zanni__job_t *job, zanni__pool_seat_t *seat)
{
    if (s_is_void (job)) {
        s_job_fail (pool, job, ZANNI_ETIMEOUT, zanni_strerror (ZANNI_ETIMEOUT));
        return 0;
    }
    int rc = job->tracked ? s_ask (pool, job, seat) : s_let_go (pool, job, seat);
    if (!rc && !job->tracked) {
        pool->status.done++;
        s_job_free (pool, job);
    }
    if (rc == ZANNI_EFULL)
        s_is_full (pool, seat);
    else if (rc == ZANNI_ENOACTOR)
        seat->shut |= ZANNI__POOL_ABSENT;   // its DOWN is on its way
    else if (rc)
        s_job_fail (pool, job, rc, zanni_strerror (rc));
    return rc == ZANNI_EFULL || rc == ZANNI_ENOACTOR ? rc : 0;
}

/* The first that waits, for this seat. */
static bool
s_give_first (zanni__pool_t *pool, zanni__link_t *queue, zanni__pool_seat_t *seat)
{
    zanni__job_t *job = ZANNI__CONTAINER (queue->next, zanni__job_t, link);
    s_leave_queue (pool, job);
    if (!s_give (pool, job, seat))
        return true;
    s_queue (pool, job, seat, true);
    return false;
}

static void
s_feed (zanni__pool_t *pool, zanni__pool_seat_t *seat)
{
    zanni__link_t *queue = pool->setup.routing == ZANNI_BY_KEY ? &seat->waiting : &pool->waiting;
    while (!zanni__list_empty (queue) && zanni__pool_seat_has_room (pool, seat))
        (void) s_give_first (pool, queue, seat);
}

void
zanni__jobs_flow (zanni__pool_t *pool)
{
    zanni__pool_seat_t *seat;
    bool can = true;
    if (pool->setup.routing == ZANNI_BY_KEY)
        for (uint32_t i = 0; i < pool->count; i++)
            s_feed (pool, pool->seats [i]);
    while (!zanni__list_empty (&pool->waiting)) {
        int rc = zanni__pool_choose (pool, &seat, &can, NULL);
        zanni__assert (!rc);
        if (!can)
            return;
        (void) s_give_first (pool, &pool->waiting, seat);
    }
}

int
zanni__job_room (zanni_t *self, zanni_msg_t *msg)
{
    zanni__pool_t *pool = zanni_state (self);
    (void) msg;   // of whom it does not say
    for (uint32_t i = 0; i < pool->count; i++)
        pool->seats [i]->shut &= (uint8_t) ~ZANNI__POOL_FULL;
    zanni__jobs_flow (pool);
    zanni__pool_seats_settle (pool);   // what is handed on is done
    return 0;
}

void
zanni__jobs_elsewhere (zanni__pool_t *pool, zanni__pool_seat_t *seat)
{
    bool can;
    zanni__link_t *next, *last = seat->waiting.prev;   // those that stay go behind it
    for (zanni__link_t *link = seat->waiting.next; last != &seat->waiting; link = next) {
        zanni__job_t *job = ZANNI__CONTAINER (link, zanni__job_t, link);
        zanni__pool_seat_t *other;
        next = link->next;
        s_leave_queue (pool, job);
        int rc = zanni__pool_choose (pool, &other, &can, job->msg);
        zanni__assert (!rc);
        s_queue (pool, job, other, false);
        if (link == last)
            break;
    }
    zanni__jobs_flow (pool);
}

static int
s_job_new (zanni__pool_t *pool, zanni__job_t **job_p, zanni_msg_t *msg, const zanni__method_t *method)
{
    zanni__job_t *job = zanni__calloc (sizeof *job);
    if (!job)
        return ZANNI_ENOMEM;
    *job = (zanni__job_t) { .method = method, .tracked = !pool->plain || method->flags & ZANNI_METHOD_REPEATABLE };
    zanni__link_init (&job->link);
    int rc = zanni_msg_keep (&job->msg, msg);
    if (!rc && zanni_msg_kind (msg) == ZANNI_MSG_ASK)
        rc = zanni_promise_new (pool->self, &job->promise, msg);
    if (rc)
        s_job_free (pool, job);   // an ask is the handler's still
    else
        *job_p = job;
    return rc;
}

/* What is kept: given now, where `seat` has room and nobody waits before it, or put into the queue. */
static int
s_keep (zanni__pool_t *pool, zanni_msg_t *msg, const zanni__method_t *method, zanni__pool_seat_t *seat, bool now)
{
    zanni__job_t *job;
    int rc = s_job_new (pool, &job, msg, method);
    if (rc)
        return rc;
    if (!now || s_give (pool, job, seat))
        s_queue (pool, job, seat, false);
    return 0;
}

/* Whatever is not handed on at once. */
static __attribute__ ((noinline)) int
s_take (zanni__pool_t *pool, zanni_msg_t *msg, const zanni__method_t *method, zanni__pool_seat_t *seat, bool can)
{
    if (pool->draining)
        return zanni__pool_refuse (pool->self, msg, ZANNI_ECLOSED, "the pool is draining and takes no more jobs");
    if (pool->setup.routing == ZANNI_BROADCAST)
        return zanni__gather (pool, msg, method);
    if (pool->setup.routing == ZANNI_BY_KEY && !seat)
        return zanni__pool_refuse (pool->self, msg, ZANNI_EARGS,
                                   "%s has no first argument, by which this pool routes", method->name);
    return s_keep (pool, msg, method, seat, can);
}

/* To who sits there, and no more of it; false: not now. */
static bool
s_hand_on (zanni__pool_t *pool, int *result, zanni_msg_t *msg, const zanni__method_t *method,
           zanni__pool_seat_t *seat)
{
    int rc = zanni__hand_over (pool->self->worker, msg, seat->ref, method);
    if (!rc) {
        rc = zanni_forward (pool->self, msg, seat->ref, method->name);
        *result = 0;
    }
    else if (rc == ZANNI__GIVEN_AWAY) {
        *result = rc;
        rc = 0;
    }
    pool->status.done += !rc;
    return !rc;
}

/* The quick way: who is next is on this worker and takes it. */
ZANNI__INLINE bool
s_hand_on_here (zanni__pool_t *pool, zanni_msg_t *msg, const zanni__method_t *method)
{
    uint32_t at = pool->next < pool->count ? pool->next : 0;
    const zanni__pool_seat_t *seat = pool->seats [at];
    if (seat->shut || !zanni__hand_over_here (pool->self->worker, msg, seat->ref->identity, method))
        return false;
    pool->next = at + 1;
    pool->status.done++;
    return true;
}

/* Messages come in rows: those behind one that was handed on go the same way at once, without a turn for each. What
   they say is looked at where they are handled. */
static void
s_hand_on_row (zanni__pool_t *pool)
{
    zanni_worker_t *worker = pool->self->worker;
    zanni__queue_t *mailbox = &pool->self->identity->mailbox;
    uint32_t count = 0;
    for (; count < S_ROW && mailbox->head && mailbox->head->kind <= ZANNI__ASK; count++) {
        zanni__item_t *item = mailbox->head;
        zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
        zanni__msg_fetch (item->next);
        if (!msg->method || msg->method->handler != zanni__job_take || msg->method->super->flags || worker->tally
            || msg->from->elsewhere)
            break;
        mailbox->head = item->next;
        zanni__leave (worker, msg);
        if (s_hand_on_here (pool, msg, msg->method->super))
            continue;
        zanni__stay (worker, msg);
        zanni__queue_push_front (mailbox, item);
        break;
    }
    zanni__count (&worker->counts.messages, count);
}

int
zanni__job_take (zanni_t *self, zanni_msg_t *msg)
{
    zanni__pool_t *pool = zanni_state (self);
    const zanni__method_t *method = msg->method->super;
    zanni__pool_seat_t *seat = NULL;
    bool can = false;
    int rc;
    bool plain = pool->plain && !(method->flags & ZANNI_METHOD_REPEATABLE) && !(pool->waiting_count | pool->suspects);
    if (plain && pool->setup.routing == ZANNI_ROUND_ROBIN && s_hand_on_here (pool, msg, method)) {
        if (self->identity->mailbox.head)
            s_hand_on_row (pool);
        return ZANNI__GIVEN_AWAY;
    }
    if (zanni__list_empty (&pool->waiting) && pool->setup.routing != ZANNI_BROADCAST && !pool->draining) {
        if (zanni__pool_choose (pool, &seat, &can, msg))
            seat = NULL;
        else if (can && plain && s_hand_on (pool, &rc, msg, method, seat))
            return rc;
    }
    return s_take (pool, msg, method, seat, can);
}

static void
s_forget (zanni__pool_t *pool, zanni__link_t *jobs, bool begun)
{
    while (!zanni__list_empty (jobs)) {
        zanni__job_t *job = ZANNI__CONTAINER (jobs->next, zanni__job_t, link);
        zanni__link_remove (&job->link);
        if (!begun && zanni_msg_kind (job->msg) == ZANNI_MSG_TELL)
            zanni__pool_letter (pool, job->msg, "its pool has ended");
        zanni__free (job);   // message and promise are the actor's, whose end answers them
    }
}

void
zanni__jobs_free (zanni__pool_t *pool)
{
    s_forget (pool, &pool->waiting, false);
    for (uint32_t i = 0; i < pool->count; i++) {
        s_forget (pool, &pool->seats [i]->jobs, true);
        s_forget (pool, &pool->seats [i]->waiting, false);
    }
    for (zanni__link_t *link = pool->leaving.next; link != &pool->leaving; link = link->next)
        s_forget (pool, &ZANNI__CONTAINER (link, zanni__pool_seat_t, link)->jobs, true);
}
