/* Pools: the public calls, and the actor that a pool is.

   The actor stands in three places: its seats (seat.c), the way of a job (job.c, route.c, gather.c), and here what it
   is told besides. It begins in two steps: START brings the options, "zanni.begin" the arguments of the workers'
   start, which are kept as they came, for as long as there are workers to start.

   Whoever made a pool may resize and drain it, and nobody else: a reference that is handed out for asking it would
   give that away otherwise, since a method does not see by which right it was called. */

#include "pool.h"

#include "../actor/watchdog.h"
#include "../base/memory.h"

#include <stdarg.h>
#include <stdio.h>

#define S_YEAR_MS (INT64_C (365) * 86400 * 1000)

void
zanni__pool_letter (zanni__pool_t *pool, const zanni_msg_t *msg, const char *why)
{
    zanni__dead_letter (pool->self->worker, msg, why);
}

int
zanni__pool_refuse (zanni_t *self, zanni_msg_t *msg, int code, const char *format, ...)
{
    zanni_error_t error = { .code = code };
    va_list values;
    va_start (values, format);
    vsnprintf (error.text, sizeof error.text, format, values);
    va_end (values);
    if (zanni_msg_kind (msg) == ZANNI_MSG_ASK) {
        int rc = zanni_pass (self, msg, &error);
        return rc ? rc : code;
    }
    zanni__pool_letter (zanni_state (self), msg, error.text);
    return 0;
}

void
zanni__pool_fail (zanni__pool_t *pool, int code, const char *format, ...)
{
    zanni_error_t error = { .code = code };
    va_list values;
    va_start (values, format);
    vsnprintf (error.text, sizeof error.text, format, values);
    va_end (values);
    if (pool->ending)
        return;
    pool->ending = true;
    if (pool->began)
        zanni__promise_error (pool->self, &pool->began, &error);
    int rc = zanni_exit_error (pool->self, code, error.text);
    zanni__assert (!rc);
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    zanni__pool_t *pool = zanni_state (self);
    zanni__pool_setup_t *setup = &pool->setup;
    zanni_spawn_t *spawn = &pool->spawn;
    const zanni_clock_t *clock = &self->worker->node->clock;
    const zanni_ref_t *owner, *on;
    uint32_t place, overflow;
    bool away;
    int rc = zanni_read (msg, &owner, &on, &away, &setup->workers, &setup->routing, &setup->ahead, &setup->restarts,
                         &setup->restart_ms, &setup->attempts, &setup->enough, &setup->gather_ms, &place, &overflow);
    if (!rc)
        rc = zanni_read (msg, &spawn->worker, &spawn->mailbox_messages, &spawn->mailbox_bytes, &spawn->watchdog_ms);
    if (rc)
        return rc;
    pool->self = self;
    pool->cls = (zanni__pool_class_t *) (uintptr_t) self->identity->cls->definition;
    spawn->place = (zanni_place_t) place;
    spawn->overflow = (zanni_overflow_t) overflow;
    pool->plain = setup->ahead == ZANNI_POOL_AHEAD && setup->routing < ZANNI_BROADCAST;
    zanni__link_init (&pool->leaving);
    zanni__link_init (&pool->waiting);
    zanni__link_init (&pool->gathers);
    rc = clock->random (clock->context, &pool->random, sizeof pool->random);
    pool->random |= 1;   // it must not be 0
    if (!rc)
        rc = zanni_ref_weak (self, &pool->owner, owner);
    if (!rc && away)
        rc = zanni_ref_weak (self, &pool->on, on);
    return rc;
}

/* The arguments of `begin`, as they are given to each worker. */
static int
s_read_arguments (zanni__pool_t *pool)
{
    zanni_msg_t *msg = pool->begin;
    zanni_arg_t args [ZANNI__SIGNATURE_TYPES];
    size_t count = 0;
    int rc = 0;
    for (; !rc && zanni_more (msg); count++) {
        const zanni_ref_t *ref;
        const zanni_buffer_t *buffer;
        zanni_packed_t packed;
        if (count == ZANNI__SIGNATURE_TYPES)
            return ZANNI_EARGS;
        if (!zanni_read (msg, &ref))
            args [count] = zanni_arg_ref (ref);
        else if (!zanni_read (msg, &buffer))
            args [count] = zanni_arg_buffer (buffer);
        else {
            rc = zanni_read (msg, &packed);
            args [count] = zanni_arg_packed (packed);
        }
    }
    pool->args = rc ? NULL : zanni__malloc ((count + 1) * sizeof *args);
    if (!rc && !pool->args)
        rc = ZANNI_ENOMEM;
    if (!rc)
        memcpy (pool->args, args, count * sizeof *args);
    pool->args_count = count;
    return rc;
}

static bool
s_is_owner (const zanni__pool_t *pool, const zanni_msg_t *msg)
{
    return zanni_ref_equal (pool->owner, zanni_msg_from (msg));
}

static int
s_begin (zanni_t *self, zanni_msg_t *msg)
{
    zanni__pool_t *pool = zanni_state (self);
    if (!s_is_owner (pool, msg) || pool->begin)
        return ZANNI_EPERM;
    int rc = zanni_msg_keep (&pool->begin, msg);
    if (!rc)
        rc = s_read_arguments (pool);
    if (!rc && zanni_msg_kind (msg) == ZANNI_MSG_ASK)
        rc = zanni_promise_new (self, &pool->began, msg);
    if (!rc)
        rc = zanni__pool_seats_begin (pool);
    if (rc)
        zanni__pool_fail (pool, rc, "%s", zanni_strerror (rc));
    return rc;
}

static int
s_resize (zanni_t *self, zanni_msg_t *msg)
{
    zanni__pool_t *pool = zanni_state (self);
    uint32_t workers;
    int rc = zanni_read (msg, &workers);
    if (rc)
        return rc;
    if (!s_is_owner (pool, msg))
        return ZANNI_EPERM;
    if (!workers || workers > ZANNI_POOL_MOST)
        return ZANNI_EINVAL;
    return pool->draining ? ZANNI_ECLOSED : zanni__pool_seats_resize (pool, workers);
}

static int
s_drain (zanni_t *self, zanni_msg_t *msg)
{
    zanni__pool_t *pool = zanni_state (self);
    if (!s_is_owner (pool, msg))
        return zanni__pool_refuse (self, msg, ZANNI_EPERM, "only who made a pool may drain it");
    if (pool->draining)
        return zanni__pool_refuse (self, msg, ZANNI_ECLOSED, "the pool is draining already");
    int rc = zanni_msg_kind (msg) == ZANNI_MSG_ASK ? zanni_promise_new (self, &pool->drained, msg) : 0;
    if (rc)
        return rc;
    pool->draining = true;
    pool->plain = false;   // each job is to be refused
    zanni__pool_seats_settle (pool);
    return 0;
}

static int
s_answer_status (zanni_t *self, zanni_msg_t *msg)
{
    const zanni__pool_t *pool = zanni_state (self);
    const zanni_pool_status_t *status = &pool->status;
    return zanni_reply (self, msg, pool->setup.workers, status->running, pool->waiting_count, status->given,
                        status->done, status->repeated, status->lost, status->ended);
}

/* What no end of an actor frees by itself. What is kept and promised ends with the actor. */
static void
s_free (zanni__pool_t *pool)
{
    zanni__jobs_free (pool);
    zanni__gathers_free (pool);
    zanni__pool_seats_free (pool);
    zanni__free (pool->args);
    pool->args = NULL;
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    zanni__pool_t *pool = zanni_state (self);
    (void) reason;
    pool->ending = true;
    s_free (pool);
}

/* A kill runs no stop hook. */
bool
zanni__pool_closing (zanni_t *self, const zanni_reason_t *reason)
{
    zanni__pool_t *pool = zanni_state (self);
    bool in_turn = self->identity->busy & ZANNI__IN_TURN;   // what it is doing now needs all of it: then some is lost
    if (reason->kind == ZANNI_EXIT_KILLED && pool->self && !in_turn) {
        pool->ending = true;
        s_free (pool);
    }
    return false;
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("zanni.begin", "", "", s_begin, "The arguments of the workers' start."),   // takes any: class.c
    ZANNI_METHOD ("zanni.pool", "", "uutttttt", s_answer_status,
                  "Workers, how many run; jobs that wait, are given, done, repeated, lost; workers that ended."),
    ZANNI_METHOD ("zanni.resize", "u", "", s_resize, "So many workers."),
    ZANNI_METHOD ("zanni.drain", "", "", s_drain, "Takes no more jobs, and ends when all are done."),
    ZANNI_PRIVATE ("zanni.room", "", "", zanni__job_room, "A worker's mailbox has room again."),
    ZANNI_PRIVATE ("zanni.retry", "", "", zanni__pool_seat_retry, "Empty seats are to be taken."),
    ZANNI_METHOD_END
};

const zanni_class_t zanni__pool_hooks = {
    .state_size = sizeof (zanni__pool_t), .methods = s_methods, .start_in = "rrbuuuuxuuxuuuutx", .start = s_start,
    .stop = s_stop, .down = zanni__pool_seat_down, .text = "Actors of one class that share the work."
};

static int
s_fault (const zanni_pool_options_t *options, int code, const char *text)
{
    if (options->error) {
        *options->error = (zanni_error_t) { .code = code };
        snprintf (options->error->text, sizeof options->error->text, "%s", text);
    }
    return code;
}

static int
s_check (const zanni_pool_options_t *options, const char *class_name)
{
    const zanni_spawn_t *spawn = options->spawn;
    char text [160];
    const char *fault = NULL;
    if (!options->workers || options->workers > ZANNI_POOL_MOST)
        fault = "a pool has 1 to 4,096 workers: say how many in `workers`";
    else if ((unsigned) options->routing > ZANNI_PULL)
        fault = "`routing` is none of ZANNI_ROUND_ROBIN to ZANNI_PULL";
    else if (spawn && spawn->size && spawn->size != sizeof *spawn)
        fault = "`spawn` is of another version";
    else if (spawn && ((unsigned) spawn->place > ZANNI_PROCESS || (unsigned) spawn->overflow > ZANNI_DROP_NEWEST))
        fault = "`spawn` names no such place, or no such `overflow`";
    else if (spawn && spawn->restartable)
        fault = "the workers of a pool are replaced, and not `restartable`";
    else if (spawn && !zanni__watchdog_fits (spawn->watchdog_ms))
        fault = "`spawn`: 0 as `watchdog_ms` is the node's, -1 none, 2147483647 the most";
    else if (options->restarts > ZANNI__POOL_RESTARTS_MOST || options->restart_ms < 0
             || options->restart_ms > S_YEAR_MS)
        fault = "`restarts` are at most 65,535, within a year (`restart_ms`)";
    else if (options->gather_ms < 0 || options->enough > options->workers)
        fault = "`gather_ms` is below 0, or `enough` more than there are workers";
    if (fault)
        return s_fault (options, ZANNI_EINVAL, fault);
    if (zanni__class_find (class_name))
        return 0;
    snprintf (text, sizeof text, "no such class: %.64s; was it given to zanni_init?", class_name);
    return s_fault (options, ZANNI_ENOCLASS, text);
}

/* What stands for 0. */
static zanni__pool_setup_t
s_setup (const zanni_pool_options_t *options, const zanni_spawn_t *spawn)
{
    bool alone = spawn->place == ZANNI_PROCESS || spawn->on || options->routing == ZANNI_PULL;
    return (zanni__pool_setup_t) {
        .workers = options->workers, .routing = options->routing,
        .ahead = options->ahead ? options->ahead : alone ? 1 : ZANNI_POOL_AHEAD,
        .restarts = options->restarts, .restart_ms = options->restart_ms ? options->restart_ms : 5000,
        .attempts = options->attempts ? options->attempts : 3,
        .enough = options->enough ? options->enough : UINT32_MAX, .gather_ms = options->gather_ms
    };
}

static int
s_spawn (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, const zanni_pool_options_t *options,
         const zanni_spawn_t *spawn)
{
    const zanni__pool_setup_t setup = s_setup (options, spawn);
    const zanni_ref_t *owner = zanni_self (self);
    const zanni_arg_t args [] = {
        ZANNI_ARG (owner), ZANNI_ARG (spawn->on ? spawn->on : owner), ZANNI_ARG ((bool) (spawn->on != NULL)),
        ZANNI_ARG (setup.workers), ZANNI_ARG (setup.routing), ZANNI_ARG (setup.ahead), ZANNI_ARG (setup.restarts),
        ZANNI_ARG (setup.restart_ms), ZANNI_ARG (setup.attempts), ZANNI_ARG (setup.enough),
        ZANNI_ARG (setup.gather_ms),
        ZANNI_ARG ((uint32_t) spawn->place), ZANNI_ARG ((uint32_t) spawn->overflow), ZANNI_ARG (spawn->worker),
        ZANNI_ARG (spawn->mailbox_messages), ZANNI_ARG (spawn->mailbox_bytes), ZANNI_ARG (spawn->watchdog_ms)
    };
    const zanni__words_t words = { NULL, args, sizeof args / sizeof *args };
    bool here = spawn->place == ZANNI_HERE && !spawn->on;
    const zanni_spawn_t how = {
        .place = here ? ZANNI_HERE : ZANNI_SHARED, .mailbox_messages = options->queue, .error = options->error
    };
    return zanni__spawn (self, ref_p, cls, &how, &words);
}

int
zanni_pool_args (zanni_t *self, zanni_ref_t **ref_p, const char *class_name, const zanni_pool_options_t *options,
                 const zanni_arg_t *args, size_t count)
{
    static const zanni_spawn_t defaults;
    zanni__pool_class_t *cls;
    zanni_ref_t *ref = NULL;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!options || (options->size && options->size != sizeof *options))
        return ZANNI_EINVAL;
    if (!ref_p || !class_name)
        return s_fault (options, ZANNI_EINVAL, "a pool needs the name of a class and a place for the reference");
    rc = s_check (options, class_name);
    const zanni_spawn_t *spawn = options->spawn ? options->spawn : &defaults;
    if (!rc)
        rc = zanni__pool_class (&cls, zanni__class_find (class_name), options->routing == ZANNI_BROADCAST);
    if (!rc)
        rc = s_spawn (self, &ref, cls->own.made, options, spawn);
    if (rc)
        return rc;
    if (!zanni__may_block (self)) {
        const zanni_ask_t wait = { .deadline_ms = spawn->start_ms, .error = options->error };
        rc = zanni_call_args (self, NULL, ref, &wait, "zanni.begin", args, count);
    }
    else
        rc = zanni_tell_args (self, ref, "zanni.begin", args, count);
    if (rc)
        zanni_ref_destroy (&ref);
    else
        *ref_p = ref;
    return rc;
}

static bool
s_is_pool (const zanni_ref_t *ref)
{
    return ref && !strncmp (zanni_ref_class (ref), ZANNI__POOL_PREFIX ":", sizeof ZANNI__POOL_PREFIX);
}

/* What a pool is told besides jobs does not count in its mailbox, which jobs may fill. A pool of another node knows
   nothing of that. `ask` NULL: a tell; `reply_p` not NULL: waits for the answer. */
static int
s_control (zanni_t *self, zanni_msg_t **reply_p, const zanni_ref_t *pool, const zanni_ask_t *ask,
           const zanni__words_t *words)
{
    zanni__pending_t *pending;
    zanni__identity_t *to = pool->identity;
    zanni_msg_t *msg;
    int rc = reply_p ? zanni__may_block (self) : 0;
    if (!rc && (to->elsewhere || atomic_load_explicit (&to->ended, memory_order_relaxed)))
        return reply_p ? zanni_call_args (self, reply_p, pool, ask, words->method, words->args, words->count)
               : ask   ? zanni_ask_args (self, pool, ask, words->method, words->args, words->count)
                       : zanni_tell_args (self, pool, words->method, words->args, words->count);
    if (!rc)
        rc = zanni__msg_make (self, &msg, to, words);
    if (rc)
        return rc;
    rc = ask ? zanni__ask_begin (self, msg, ask, &pending) : 0;
    if (rc) {
        zanni__msg_free (self->worker, msg);
        return rc;
    }
    msg->item.kind = ask ? ZANNI__ASK : ZANNI__TELL;
    if (ask && ask->id_p)
        *ask->id_p = msg->id;
    if (reply_p)
        self->calling = msg->id;
    zanni__hold_borrowed (self->worker, msg, pool);
    zanni__dispatch (self, msg);
    return reply_p ? zanni__ask_wait (self, reply_p, pending, ask) : 0;
}

int
zanni_pool_resize (zanni_t *self, const zanni_ref_t *pool, uint32_t workers)
{
    const zanni_arg_t arg = zanni_arg_uint (workers);
    const zanni__words_t words = { "zanni.resize", &arg, 1 };
    int rc = zanni__check_thread (self);
    if (!rc && (!s_is_pool (pool) || !workers || workers > ZANNI_POOL_MOST))
        rc = ZANNI_EINVAL;
    return rc ? rc : s_control (self, NULL, pool, NULL, &words);
}

int
zanni_pool_drain (zanni_t *self, const zanni_ref_t *pool, int64_t timeout_ms)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ask_t wait = { .deadline_ms = timeout_ms };
    const zanni__words_t words = { "zanni.drain", NULL, 0 };
    int rc = zanni__check_thread (self);
    if (!rc && !s_is_pool (pool))
        rc = ZANNI_EINVAL;
    return rc ? rc : s_control (self, &reply, pool, &wait, &words);
}

int
zanni_pool_drain_ask (zanni_t *self, const zanni_ref_t *pool, const zanni_ask_t *ask)
{
    static const zanni_ask_t defaults;
    const zanni__words_t words = { "zanni.drain", NULL, 0 };
    int rc = zanni__check_thread (self);
    if (!rc && (!s_is_pool (pool) || (ask && ask->size && ask->size != sizeof *ask)))
        rc = ZANNI_EINVAL;
    return rc ? rc : s_control (self, NULL, pool, ask ? ask : &defaults, &words);
}

int
zanni_pool_status (zanni_t *self, const zanni_ref_t *pool, zanni_pool_status_t *status)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    static const zanni_ask_t wait;
    const zanni__words_t words = { "zanni.pool", NULL, 0 };
    int rc = zanni__check_thread (self);
    if (!rc && (!s_is_pool (pool) || !status))
        rc = ZANNI_EINVAL;
    if (!rc)
        rc = s_control (self, &reply, pool, &wait, &words);
    if (rc)
        return rc;
    zanni_pool_status_t now = { 0 };
    rc = zanni_read (reply, &now.workers, &now.running, &now.waiting, &now.given, &now.done, &now.repeated, &now.lost,
                     &now.ended);
    if (!rc)
        *status = now;
    return rc;
}
