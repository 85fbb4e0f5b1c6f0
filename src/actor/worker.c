/* A worker's life: its run queue, its looks at port, timers and watches, its end.

   While there is work the port and the clock are looked at once in ZANNI__POLL_MESSAGES messages, since a look costs a
   system call or two; or in fewer where those take longer than ZANNI__POLL_NS: the number follows from one look to the
   next, so that messages do not pay for asking the time, and where it was too high the time, asked now and then, ends the
   round. What it does without work is a matter of wait.c. */

#include "remote/claims.h"
#include "descriptor.h"
#include "envelope.h"
#include "pending.h"
#include "census/tally.h"
#include "watch.h"
#include "watchdog.h"

#include "../base/memory.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

#define S_KILLED_NAMED 16   // of the actors that were not stopped in time

zanni_worker_t *
zanni__worker_new (zanni_node_t *node, zanni__worker_kind_t kind, const char *name)
{
    zanni_worker_t *worker = zanni__calloc (sizeof *worker);
    if (!worker)
        return NULL;
    worker->node = node;
    worker->kind = kind;
    worker->epoll = -1;
    worker->debts_ns = INT64_MAX;
    worker->listen_fd = worker->lane_fd = -1;
    worker->now_ns = zanni__node_now (node);
    atomic_init (&worker->looked_ns, worker->now_ns);
    worker->poll = ZANNI__POLL_MESSAGES;
    worker->last_word = zanni__msg_new (worker);
    worker->tally = node->options.counts ? zanni__tally_new () : NULL;
    worker->observed = worker->tally;
    if (!worker->last_word || (node->options.counts && !worker->tally)) {
        if (worker->last_word)
            zanni__msg_discard (worker->last_word);
        zanni__tally_destroy (&worker->tally);
        zanni__free (worker);
        return NULL;
    }
    zanni__node_ref (node);
    atomic_init (&worker->users, 1);
    snprintf (worker->name, sizeof worker->name, "%s", name);
    zanni__ref_hooks_init (&worker->ref_hooks, worker);
    return worker;
}

static void
s_free (zanni_worker_t *worker)
{
    zanni_node_t *node = worker->node;
    zanni_msg_t *next;
    zanni__msg_discard (worker->last_word);
    zanni__tally_destroy (&worker->tally);
    for (zanni_msg_t *msg = worker->free_messages; msg; msg = next) {
        next = (zanni_msg_t *) (void *) msg->item.next;
        zanni__msg_discard (msg);
    }
    zanni_batch_t *next_batch;
    for (zanni_batch_t *batch = worker->free_batches; batch; batch = next_batch) {
        next_batch = batch->next;
        zanni__free (batch);
    }
    zanni__table_free (&worker->links);
    zanni__table_free (&worker->promises);
    zanni__free (worker->pendings);
    zanni__free (worker->heap);
    zanni__free (worker);
    zanni__node_unref (node);
}

void
zanni_worker_hold (zanni_worker_t *worker)
{
    atomic_fetch_add_explicit (&worker->users, 1, memory_order_relaxed);
}

void
zanni_worker_drop (zanni_worker_t *worker)
{
    if (atomic_fetch_sub_explicit (&worker->users, 1, memory_order_acq_rel) == 1)
        s_free (worker);
}

void
zanni__worker_push_run (zanni_worker_t *worker, zanni__identity_t *identity)
{
    zanni__assert (!(identity->busy & ZANNI__SCHEDULED));
    identity->busy |= ZANNI__SCHEDULED;
    zanni__identity_hold (identity);   // until the end of its turn
    identity->next_runnable = NULL;
    if (worker->run_head)
        worker->run_tail->next_runnable = identity;
    else
        worker->run_head = identity;
    worker->run_tail = identity;
}

/* A batch leaves when nothing is left to run, or when it has waited long enough. */
static void
s_flush_when_due (zanni_worker_t *worker)
{
    if (worker->run_head) {
        worker->now_ns = zanni__node_now (worker->node);
        if (worker->now_ns - worker->dirty_ns < ZANNI__BATCH_NS)
            return;
    }
    zanni__flush (worker);
}

uint32_t
zanni__worker_run (zanni_worker_t *worker, uint32_t budget)
{
    uint32_t total = 0, asked = 0;
    zanni__identity_t *identity;
    while (total < budget && (identity = worker->run_head)) {
        uint32_t left = budget - total;
        worker->run_head = identity->next_runnable;
        total += zanni__turn (worker, identity, left < ZANNI__TURN_MESSAGES ? left : ZANNI__TURN_MESSAGES);
        if (zanni__unsent (worker))
            s_flush_when_due (worker);
        if (total - asked < ZANNI__TURN_MESSAGES)
            continue;
        asked = total;
        worker->now_ns = zanni__node_now (worker->node);
        if (worker->now_ns - zanni__looked_ns (worker) > 2 * ZANNI__POLL_NS)
            break;
    }
    worker->ran = total;
    zanni__doing (worker, NULL);
    if (worker->remotes)
        zanni__credit (worker);
    return total;
}

/* There was work all the time since the last look. */
static void
s_set_poll (zanni_worker_t *worker, int64_t took_ns)
{
    if (took_ns > 2 * ZANNI__POLL_NS)
        worker->poll = 1 + (uint32_t) (worker->ran * (int64_t) ZANNI__POLL_NS / took_ns);
    else if (took_ns < ZANNI__POLL_NS && worker->poll < ZANNI__POLL_MESSAGES)
        worker->poll *= 2;
}

/* What came from other nodes is handled before more of it is taken in: mailboxes stay short, what they are made of stays
   in the cache, and the rest waits where windows bound it. While nothing runs, because the owner waits for something that
   may be among it, all that comes is taken. Not everything that came is handled in a turn, so what is ahead is a guess, which
   holds for some time only. */
static void
s_look_at_link (zanni_worker_t *worker)
{
    const zanni_link_ops_t *link = worker->node->link;
    worker->ahead -= worker->ran < worker->ahead ? worker->ran : worker->ahead;
    bool idle = !worker->run_head;
    bool looks = idle || !worker->ahead || worker->now_ns - worker->linked_ns >= ZANNI__AHEAD_NS
                 || link->next_ns (worker->link) <= worker->now_ns;
    if (!looks)
        return;
    uint32_t came = (uint32_t) link->receive (worker->link);
    worker->ahead = idle ? came : worker->ahead + came;
    worker->linked_ns = worker->now_ns;
}

/* It rang, and is never silent again. */
static void
s_forget_bell (zanni_worker_t *worker)
{
    zanni__watches_without (worker, worker->node->bell);
    worker->bell_watched = false;
}

/* A look costs a system call, so it is only taken where something may be. */
static void
s_look_at_port (zanni_worker_t *worker)
{
    bool looks = worker->port_watched ? worker->port_stirred
                                      : !worker->fresh || zanni__due_next (worker) <= worker->now_ns;
    worker->fresh = false;
    if (!worker->port || !looks)
        return;
    worker->port_stirred = false;
    worker->node->port->receive (worker->port);
}

void
zanni__worker_look (zanni_worker_t *worker)
{
    if (worker->owed)
        zanni__settle (worker);
    worker->now_ns = zanni__node_now (worker->node);
    if (worker->run_head)
        s_set_poll (worker, worker->now_ns - zanni__looked_ns (worker));
    atomic_store_explicit (&worker->looked_ns, worker->now_ns, memory_order_relaxed);
    if ((worker->watches || worker->port_watched) && !worker->polled)
        zanni__watches_poll (worker, 0);   // the link's sockets are among them
    worker->polled = false;
    if (worker->bell_watched && worker->port)
        s_forget_bell (worker);
    s_look_at_port (worker);
    if (worker->link)
        s_look_at_link (worker);
    if (worker->events.head)
        zanni__events_look (worker);
    if (zanni__due_next (worker) <= worker->now_ns)   // behind what came in time, though nobody looked
        zanni__due_fire (worker);
    if (worker->debts_ns <= worker->now_ns)
        zanni__debts_look (worker);
    if (worker == worker->node->undertaker) {
        zanni__bury_orphans (worker);
        zanni__watchdog_look (worker);
    }
    if (zanni__unsent (worker) || worker->stalled.head)
        zanni__flush (worker);
    atomic_store_explicit (&worker->slept, false, memory_order_relaxed);
}

void
zanni__uncorked (zanni_worker_t *worker)
{
    if (worker->corked)
        return;
    if (zanni__unsent (worker))
        zanni__flush (worker);
    if (worker->descriptor)
        zanni__descriptor_update (worker);
}

/* Who owns a worker is held by it until the worker closes. */
void
zanni__worker_own (zanni_worker_t *worker, zanni__identity_t *owner)
{
    zanni__identity_t *before = worker->owner;
    worker->owner = owner;
    if (owner)
        zanni__identity_ref (owner);
    if (before)
        zanni__identity_unref (before);
}

/* When the time for stopping is over the rest is killed, and the log says whom. */
static bool
s_is_late (zanni_worker_t *worker, const zanni__identity_t *identity)
{
    zanni_node_t *node = worker->node;
    worker->now_ns = zanni__node_now (node);
    atomic_store_explicit (&worker->looked_ns, worker->now_ns, memory_order_relaxed);
    if (worker->now_ns < atomic_load_explicit (&node->stop_until_ns, memory_order_relaxed))
        return false;
    if (worker->killed++ < S_KILLED_NAMED)
        zanni__log (node, ZANNI_LOG_WARNING, "shutdown: actor %" PRIu64 " (%s) of %s was not stopped in time and is killed",
                    identity->id, zanni_ref_class (&identity->self), worker->name);
    return true;
}

void
zanni__worker_end_actors (zanni_worker_t *worker)
{
    zanni__hook_t *hook;
    while ((hook = worker->actors)) {
        zanni__identity_t *identity = ZANNI__CONTAINER (hook, zanni__identity_t, all);
        bool kills = s_is_late (worker, identity);
        zanni__end_for_good (worker, identity,
                             (zanni_reason_t) { .kind = kills ? ZANNI_EXIT_KILLED : ZANNI_EXIT_SHUTDOWN });
        zanni__assert (worker->actors != hook);
    }
}

static void
s_count_killed (const zanni_worker_t *worker)
{
    if (worker->killed > S_KILLED_NAMED)
        zanni__log (worker->node, ZANNI_LOG_WARNING, "shutdown: and %u more actors of %s", worker->killed - S_KILLED_NAMED,
                    worker->name);
}

/* The run queue may still name identities that have ended. */
static void
s_clear_run_queue (zanni_worker_t *worker)
{
    zanni__identity_t *identity;
    while ((identity = worker->run_head)) {
        worker->run_head = identity->next_runnable;
        zanni__turn (worker, identity, UINT32_MAX);
    }
}

/* From here on nobody posts to this worker; what was posted before is taken in, and finds no actor any more. */
static void
s_refuse (zanni_worker_t *worker)
{
    atomic_store (&worker->refusing, true);
    while (atomic_load (&worker->posting))   // one post each, which does not block
        sched_yield ();
    if (worker->port)
        worker->node->port->receive (worker->port);
    zanni__worker_end_actors (worker);
    s_clear_run_queue (worker);
}

/* Without memory some of it may have to wait; for a while it is given the chance to leave in order. */
static void
s_flush_at_last (zanni_worker_t *worker)
{
    zanni__flush (worker);
    for (int i = 0; i < 1000 && worker->port && (worker->dirty || worker->stalled.head); i++) {
        sched_yield ();
        zanni__flush (worker);
    }
}

/* What the ends of its actors had to say is waited for. What comes meanwhile finds no actor any more. */
static void
s_close_link (zanni_worker_t *worker)
{
    const zanni_node_t *node = worker->node;
    if (worker->link) {
        int64_t until_ns = zanni__node_now (node) + (int64_t) node->options.shutdown_ms * 1000000;
        int64_t stop_until_ns = atomic_load_explicit (&node->stop_until_ns, memory_order_relaxed);
        node->link->close (worker->link, stop_until_ns < until_ns ? stop_until_ns : until_ns);
        zanni__remotes_free (worker);
        worker->link = NULL;
        worker->link_dirty = false;
    }
    worker->link_over = true;
    if (node->claims)
        node->claims->close (worker);
    zanni__worker_unlisten (worker);
    zanni__events_look (worker);
}

void
zanni__worker_close (zanni_worker_t *worker)
{
    zanni_node_t *node = worker->node;
    worker->stopping = true;   // nobody waits for others before it ends
    zanni__worker_end_actors (worker);
    s_clear_run_queue (worker);
    if (worker->port)
        node->port->receive (worker->port);
    zanni__worker_end_actors (worker);   // whom the last batch started
    s_clear_run_queue (worker);
    s_refuse (worker);
    s_count_killed (worker);
    s_flush_at_last (worker);
    s_close_link (worker);
    zanni__settle (worker);
    /* release: whoever sees it closed (acquire) finds nothing of it running. */
    atomic_store_explicit (&worker->closed, true, memory_order_release);
    zanni__node_closing (node);
    zanni__watches_close (worker);
    zanni__descriptor_close (worker);
    if (worker->port)
        node->port->close (worker->port);
    worker->port = NULL;
    zanni__outlets_free (worker);
    zanni__node_remove_worker (node, worker);
    zanni__watchdog_end (worker);
    zanni__worker_own (worker, NULL);
    if (worker->kind == ZANNI__WORKER_THREAD)
        zanni_worker_drop (worker);   // nobody else keeps it for longer
}

void
zanni_worker_enter (zanni_worker_t *worker)
{
    worker->thread = zanni__thread_enter ();
}

/* Answers whether it ran one; a restart has left a further incarnation then. */
static bool
s_run_loop_actor (zanni_worker_t *worker)
{
    zanni__identity_t *owner = worker->owner;
    zanni_t *self = owner->actor;
    if (!self || owner->state != ZANNI__RUNNING)
        return false;
    const zanni__class_t *cls = atomic_load_explicit (&owner->cls, memory_order_relaxed);
    zanni__was_t was;
    if (!cls->run || self->reason)
        return false;
    owner->busy |= ZANNI__BLOCKED;   // it reads its mailbox itself
    zanni__watch_enter (worker, owner, &cls->hooks [ZANNI__HOOK_RUN], &was);
    int rc = cls->run (self);
    zanni__watch_leave (worker, &was, false);
    if (!self->reason)
        (void) (rc < 0 ? zanni_exit_error (self, rc, zanni_strerror (rc)) : zanni_exit (self));
    owner->busy &= (uint8_t) ~ZANNI__BLOCKED;
    zanni__end (worker, owner);
    return true;
}

bool
zanni_worker_step (zanni_worker_t *worker)
{
    zanni__worker_look (worker);
    zanni__worker_run (worker, worker->poll);
    if (worker->kind >= ZANNI__WORKER_THREAD && worker->owner)
        while (s_run_loop_actor (worker)) {}
    return zanni__worker_busy (worker);
}

/* Whose actor has ended: a thread ends with it, a process when nothing in it is referred to any more. */
static bool
s_is_over (const zanni_worker_t *worker)
{
    if (!worker->owner || worker->owner->state != ZANNI__ENDED)
        return false;
    return worker->kind == ZANNI__WORKER_THREAD
           || (worker->kind == ZANNI__WORKER_PROCESS && !zanni__node_actors (worker->node));
}

bool
zanni_worker_may_wait (const zanni_worker_t *worker)
{
    return worker->kind == ZANNI__WORKER_THREAD || worker->kind == ZANNI__WORKER_PROCESS;
}

bool
zanni_worker_stopping (const zanni_worker_t *worker)
{
    return worker->stopping || s_is_over (worker);
}

/* A process whose own actor has ended waits for those that others refer to, on whatever worker: nobody tells it of the
   last one, so it looks. */
static int64_t
s_look_again_ns (const zanni_worker_t *worker)
{
    bool lingers = worker->kind == ZANNI__WORKER_PROCESS && worker->owner->state == ZANNI__ENDED;
    return lingers ? zanni__node_now (worker->node) + ZANNI__LINGER_NS : INT64_MAX;
}

void
zanni__worker_loop (zanni_worker_t *worker)
{
    while (!zanni_worker_stopping (worker))
        if (!zanni_worker_step (worker) && !zanni_worker_stopping (worker))
            (void) zanni__worker_wait (worker, s_look_again_ns (worker));
}

void
zanni_worker_main (zanni_worker_t *worker)
{
    zanni_worker_enter (worker);
    zanni__worker_loop (worker);
    zanni__worker_close (worker);
}

void
zanni_worker_end (zanni_worker_t *worker)
{
    zanni__worker_close (worker);
}

void
zanni_worker_stop (zanni_worker_t *from, zanni_worker_t *worker)
{
    zanni_msg_t *msg = worker->last_word;
    if (!msg)
        return;   // it was told
    worker->last_word = NULL;
    msg->item.kind = ZANNI__WORKER_STOP;
    zanni_worker_hold (worker);   // by the message
    msg->to = (zanni__identity_t *) (void *) worker;
    zanni__post (from, worker, &msg->item);
    zanni__uncorked (from);
}

uint64_t
zanni_worker_unsettled (const zanni_worker_t *worker)
{
    return atomic_load_explicit (&worker->node->batches, memory_order_acquire)
           + (atomic_load_explicit (&worker->node->orphans, memory_order_acquire) != NULL);
}

void
zanni_worker_log (const zanni_worker_t *worker, zanni_log_level_t level, const char *text)
{
    zanni__log (worker->node, level, "%s", text);
}

bool
zanni_worker_ended (const zanni_worker_t *worker)
{
    return atomic_load_explicit (&worker->closed, memory_order_acquire);
}

const char *
zanni_worker_name (const zanni_worker_t *worker)
{
    return worker->name;
}

uint64_t
zanni_worker_serial (const zanni_worker_t *worker)
{
    return worker->serial;
}

const uint8_t *
zanni_worker_node_id (const zanni_worker_t *worker)
{
    return worker->node->id;
}

void *
zanni_worker_port (const zanni_worker_t *worker)
{
    return worker->port;
}

int64_t
zanni_worker_now_ns (const zanni_worker_t *worker)
{
    return zanni__node_now (worker->node);
}
