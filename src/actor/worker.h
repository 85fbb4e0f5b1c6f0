/* worker.h: a run queue with what its actors need: messages, timers, a port, and what leaves for other workers.

   One thread drives a worker. An actor with messages is in the run queue once; a turn gives it at most
   ZANNI__TURN_MESSAGES or ZANNI__TURN_NS. What a turn sends to actors of other workers gathers in one batch a worker
   and leaves when the queue is empty, a batch is full, or ZANNI__BATCH_NS have passed. An actor that owns its worker
   may block after it sent, so what it sends leaves at once. */

#ifndef ZANNI_ACTOR_WORKER_H
#define ZANNI_ACTOR_WORKER_H

#include "../base/inline.h"
#include "../base/rundir.h"
#include "beat.h"
#include "node.h"

#include <zanni/exit.h>

#define ZANNI__TURN_MESSAGES 64
#define ZANNI__TURN_NS 200000
#define ZANNI__POLL_MESSAGES 2048    // at most, between two looks at port and timers while there is work
#define ZANNI__POLL_NS 200000        // about so long, where handlers are slow
#define ZANNI__AHEAD_NS 50000000     // for which what came from other nodes may keep more of it away
#define ZANNI__BATCH_ITEMS 256
#define ZANNI__BATCH_NS 20000
#define ZANNI__FREE_MESSAGES 16384    // kept for reuse a worker
#define ZANNI__FREE_ENOUGH 1024      // over these, memory that came from another worker goes home
#define ZANNI__FREE_BATCHES 16
#define ZANNI__HOMEBOUND 64          // chains of memory on their way to a worker, which may not look for a long time
#define ZANNI__LINGER_NS 20000000     // between two looks of a process for the last of its actors

typedef enum {
    ZANNI__WORKER_ROOT,
    ZANNI__WORKER_ATTACHED,
    ZANNI__WORKER_POOL,
    ZANNI__WORKER_THREAD,    // of one THREAD actor
    ZANNI__WORKER_PROCESS,   // of one PROCESS actor, in its process
    ZANNI__WORKER_CONTROL    // of the node's control thread: no actors
} zanni__worker_kind_t;

struct zanni_batch {
    zanni_worker_t *from;    // held
    zanni_batch_t *next;     // in the list of free ones
    uint32_t count;
    zanni__item_t *items [ZANNI__BATCH_ITEMS];
};

typedef struct {
    zanni_worker_t *to;      // held while set
    zanni_batch_t *batch;    // NULL: nothing waits
    zanni__identity_t *admits;   // an actor there for which so many more are counted already
    uint32_t credit;
    uint64_t credit_bytes;
    uint32_t next;           // in the list of those with a batch
    bool listed;             // is in it, even if its batch has left since
} zanni__outlet_t;

typedef struct zanni__pending zanni__pending_t;

/* A method that was looked up before, by where its name lies; whether the name still says the same is looked at again,
   which for a literal that the method table shares is one comparison. */
#define ZANNI__MEMO 64
typedef struct {
    const char *name;
    const zanni__class_t *cls;
    const zanni__method_t *method;
} zanni__memo_t;

/* Counts of one worker: it writes (relaxed), anyone may sum them up. */
typedef struct {
    _Atomic uint64_t messages;
    _Atomic uint64_t dead_letters;
    _Atomic uint64_t failed_tells;
    _Atomic uint64_t late_replies;
    _Atomic uint64_t actors;
} zanni__counts_t;

struct zanni_worker {
    const void *thread;               // zanni__thread_token of the thread that drives it
    bool corked;                      // a turn is on whose sends may wait for its end
    bool observed;                    // its messages are counted by method, or its handlers watched: `tally`, `beat`
    zanni__identity_t *run_head;
    zanni__identity_t *run_tail;
    zanni_msg_t *free_messages;
    uint32_t free_count;
    zanni_batch_t *free_batches;
    uint32_t free_batches_count;
    zanni__identity_t *owed;          // whose `refs` are to be given back so often: see envelope.c
    uint32_t owed_count;
    struct zanni__tally *tally;       // NULL: messages are not counted by method
    zanni_msg_t *current;             // the ask being served: its deadline is inherited
    _Atomic (const zanni__method_t *) doing;   // what its thread is in: doing.h
    _Atomic (zanni__beat_t *) beat;   // for whoever watches that; NULL: nobody does (release; acquire)
    uint64_t beats;                   // so far
    int64_t now_ns;                   // when the clock was last asked
    _Atomic int64_t looked_ns;        // when the port was; for other threads, too (relaxed)
    uint32_t poll;                    // messages until the next look, at most
    uint32_t ran;                     // since the last one
    bool fresh;                       // its wait has shown what is in the port
    _Atomic bool slept;               // it waits, or waited for what comes next (others read it: relaxed)
    bool lingers;                     // it will stay awake for a while before it sleeps: wait.c
    uint8_t misses;                   // how often in a row that was in vain
    uint16_t abstains;                // sleeps until it may again
    bool polled;                      // its watches were polled by that
    bool bell_watched;                // the node's bell is among them, as long as there is no port
    bool port_watched;                // the port's descriptor is
    bool port_stirred;                // and has shown something
    uint32_t ahead;                   // records that the link took in and that may wait in mailboxes
    int64_t linked_ns;                // when it last took in some
    zanni__counts_t counts;

    zanni__memo_t memo [ZANNI__MEMO];

    zanni__outlet_t *outlets;         // by worker number
    uint32_t outlets_size;
    uint32_t dirty;                   // first outlet with a batch, + 1; 0: none
    int64_t dirty_ns;
    zanni__queue_t stalled;           // what found no memory for a batch; all that is posted later is behind it

    zanni__pending_t **pendings;      // by slot
    uint32_t pendings_size;
    uint32_t pendings_free;           // first free slot, + 1
    uint64_t pending_serial;
    zanni__table_t links;             // of its actors: exit.c
    zanni__table_t promises;          // of its actors, by the number of the ask: promise.c
    zanni__pending_t **heap;          // by due time
    uint32_t heap_count;
    uint32_t heap_size;

    zanni_node_t *node;               // held
    _Atomic (void *) port;            // NULL: there is no other worker; another thread may open the root's
    zanni__identity_t *owner;         // root, attached, THREAD: who owns it
    zanni__queue_t inbox;             // of an owner without class: what zanni_receive is to yield next
    zanni__hook_t *actors;
    uint64_t actor_serial;
    zanni__refs_t ref_hooks;
    void *link;                       // to other nodes; NULL: none yet
    struct zanni__remotes *remotes;   // made with it
    int64_t debts_ns;                 // when those are looked after: handon.c; INT64_MAX: there are none
    void *claims;                     // the store that its large buffers go into: claims.h
    bool link_dirty;                  // it has records that were not sent yet
    bool link_over;                   // it was closed for good: nobody would close another one
    zanni__queue_t events;            // of other nodes, from this worker itself
    int epoll;                        // of watches; -1: none yet
    int watches;
    struct zanni__hook_fd *hooks;     // descriptors of the library's own: see watch.h
    struct zanni__descriptor *descriptor;   // what zanni_fd made, or NULL
    zanni__pending_t *sockets;        // watched ZeroMQ sockets
    zanni__worker_kind_t kind;
    uint32_t number;
    uint64_t serial;                  // unique in the node's life: the address of its port
    struct zanni__wanted *wanted;     // the object that a parent's handler is to answer with: shared.c; or NULL
    zanni_reason_t spare_reason;      // of an actor that ends when memory is out
    struct zanni__survey *surveys;    // that its actors have begun: survey.h
    uint64_t survey_serial;
    bool stopping;                    // told to end
    uint32_t killed;                  // of its actors when it did, since time was over
    zanni_msg_t *last_word;           // the message that will tell it to: made with it, so that none is missing then
    bool blocking;                    // its owner waits inside call, receive, ...
    bool quit;                        // zanni_exit by a root or attached actor: zanni_run is to return
    zanni__beat_t own_beat;           // unless there is a page:
    zanni__page_t *page;              // of a process actor: shared with the launcher; NULL: none
    /* The watchdog's, on the undertaker's thread: watchdog.c. */
    zanni__vigil_t vigil;
    _Atomic uint64_t stuck_number;    // which was told of; 0: none (others read it: relaxed)
    const zanni__method_t *stuck_in;
    uint64_t stuck_actor;
    int64_t watch_ns;                 // of the undertaker: its next look
    char name [80];
    char endpoint [ZANNI__ENDPOINT_MAX];   // at which others reach its actors; "": made when that is needed (node's lock)
    char far_endpoint [ZANNI__ENDPOINT_MAX];   // and from other hosts; "": nowhere
    int listen_fd;                         // its sockets, until the link adopts them
    int lane_fd;
    _Atomic uint32_t users;           // identities, outlets, the node; the last one (acq_rel) frees
    _Atomic uint32_t homebound;       // chains of its memory that are on their way home (relaxed: a bound, no order)
    /* The end. A poster counts itself, then looks whether the worker refuses; the worker refuses, then waits until no one
       is counted: one of the two sees the other (seq_cst), so what was posted is all there when it receives for the last
       time. */
    _Atomic uint32_t posting;
    _Atomic bool refusing;
    _Atomic bool closed;              // has ended: nothing of it runs (release; acquire)
};

static inline int64_t
zanni__looked_ns (const zanni_worker_t *worker)
{
    return atomic_load_explicit (&worker->looked_ns, memory_order_relaxed);
}

/* The token of the calling thread; a child of fork has none that fits. */
extern _Thread_local const void *zanni__thread_token __attribute__ ((tls_model ("initial-exec")));
const void *zanni__thread_enter (void);

/* 0 where `worker` belongs to the calling thread, else ZANNI_ETHREAD or ZANNI_EFORK. */
int zanni__wrong_thread (const zanni_worker_t *worker);

static inline int
zanni__check_thread (const zanni_t *self)
{
    if (!self)
        return ZANNI_EINVAL;
    return __builtin_expect (self->worker->thread == zanni__thread_token, 1) ? 0 : zanni__wrong_thread (self->worker);
}

static inline bool
zanni__is_owner (const zanni_t *self)
{
    return self->worker->owner == self->identity;
}

static inline void
zanni__count (_Atomic uint64_t *counter, int64_t by)
{
    atomic_store_explicit (counter, atomic_load_explicit (counter, memory_order_relaxed) + (uint64_t) by,
                           memory_order_relaxed);
}

/* worker.c */
zanni_worker_t *zanni__worker_new (zanni_node_t *node, zanni__worker_kind_t kind, const char *name);
void zanni__worker_push_run (zanni_worker_t *worker, zanni__identity_t *identity);
uint32_t zanni__worker_run (zanni_worker_t *worker, uint32_t budget);
void zanni__worker_look (zanni_worker_t *worker);
void zanni__worker_own (zanni_worker_t *worker, zanni__identity_t *owner);
void zanni__worker_close (zanni_worker_t *worker);
void zanni__worker_end_actors (zanni_worker_t *worker);
void zanni__worker_loop (zanni_worker_t *worker);   // until it is to end

/* Something was sent and has not left yet. */
static inline bool
zanni__unsent (const zanni_worker_t *worker)
{
    return worker->dirty || worker->link_dirty;
}

/* wait.c: whether there is something to do; whether there is not, and whatever comes will show in a descriptor; waits. */
bool zanni__worker_busy (const zanni_worker_t *worker);
bool zanni__worker_rests (const zanni_worker_t *worker);
int zanni__worker_wait (zanni_worker_t *worker, int64_t until_ns);   // 0, or ZANNI_EDEADLOCK: see zanni_port_ops_t.wait

/* When it next has something to do by itself. */
int64_t zanni__worker_due (const zanni_worker_t *worker);

/* turn.c */
uint32_t zanni__turn (zanni_worker_t *worker, zanni__identity_t *identity, uint32_t budget);
void zanni__handle (zanni_worker_t *worker, zanni__identity_t *identity, zanni__item_t *item);
bool zanni__receivable (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *msg);

/* outlet.c: what leaves for other workers. */
void zanni__post (zanni_worker_t *worker, zanni_worker_t *to, zanni__item_t *item);
void zanni__flush (zanni_worker_t *worker);
void zanni__uncount_coming (zanni__item_t *item);
void zanni__memory_home (zanni_worker_t *worker, zanni_msg_t *first);
void zanni__uncorked (zanni_worker_t *worker);   // after a send outside a turn
void zanni__outlets_free (zanni_worker_t *worker);
zanni_worker_t *zanni__item_home (zanni__item_t *item);   // letter.c

/* deliver.c: an item arrives at its actor, on the actor's worker. */
void zanni__deliver (zanni_worker_t *worker, zanni__item_t *item);
zanni__identity_t *zanni__item_to (zanni__item_t *item);

/* Uncounts a message that leaves its mailbox. */
void zanni__uncount (zanni_worker_t *worker, zanni_msg_t *msg);

/* Sends an item to its actor from any worker's thread: by pointer on the same worker, else in a batch. Cannot fail. */
static inline void
zanni__send (zanni_worker_t *worker, zanni_worker_t *to, zanni__item_t *item)
{
    if (to == worker)
        zanni__deliver (worker, item);
    else
        zanni__post (worker, to, item);
}

/* letter.c: what cannot be delivered, on the worker that finds out. */
void zanni__bury (zanni_worker_t *worker, zanni__item_t *item, int code, const zanni_reason_t *reason);
void zanni__dead_letter (zanni_worker_t *worker, const zanni_msg_t *msg, const char *why);
void zanni__buffer_home (zanni_buffer_t *buffer);   // a wrapped one, on the worker that lent it
void zanni__bury_orphans (zanni_worker_t *worker);

/* route.c: hands what arrives at a stand-in to its link. */
void zanni__route (zanni_worker_t *worker, zanni__item_t *item);

/* handon.c: whether what was handed on has found room. */
void zanni__debts_look (zanni_worker_t *worker);

/* remote.c (remote.h has the rest): the stand-in by which `worker` reaches whom a reference names, borrowed; `identity`
   itself where it is none. Whether what is to be sent to one is admitted (weight 0: whether it has room again). */
int zanni__remote_here (zanni_worker_t *worker, zanni__identity_t **here_p, zanni__identity_t *identity);
int zanni__remote_admits (const zanni_worker_t *worker, const zanni__identity_t *to, uint32_t weight);

/* Whether a node of another host to which there is no session may be dialled: 0 or ZANNI_EAUTH. An ask is told when it is
   sent, and at which address. */
int zanni__remote_trusts (const zanni_worker_t *worker, const zanni__identity_t *to);

/* What came from one has left its mailbox. What was taken is told the link. */
void zanni__remote_taken (zanni_worker_t *worker, const zanni_msg_t *msg);
void zanni__credit (zanni_worker_t *worker);
void zanni__remotes_free (zanni_worker_t *worker);

static inline int
zanni__target (zanni_worker_t *worker, zanni__identity_t **to_p, const zanni_ref_t *ref)
{
    *to_p = ref->identity;
    if (__builtin_expect (ref->identity->elsewhere && ref->identity->worker != worker, 0))
        return zanni__remote_here (worker, to_p, ref->identity);
    return 0;
}

/* remote.c: the worker's link, opened where it is new. */
int zanni__worker_link (zanni_worker_t *worker);

/* event.c: what happens to other nodes, told between workers. */
void zanni__event_arrives (zanni_worker_t *worker, zanni_msg_t *msg);
void zanni__events_look (zanni_worker_t *worker);

/* node/endpoint.c: where `worker` is reached, made where that is new; by the thread of `from`. */
int zanni__worker_endpoint (zanni_worker_t *from, zanni_worker_t *worker, const char **endpoint_p);
void zanni__worker_unlisten (zanni_worker_t *worker);

/* node/process.c: whether a process of this node has ended, and why. Any thread. */
bool zanni__process_ended (zanni_node_t *node, const uint8_t id [16], zanni_reason_t *reason);

/* The same of an incarnation (0: whichever comes last), and whether another one may follow, or has. */
bool zanni__process_gone (zanni_node_t *node, const uint8_t id [16], uint64_t incarnation, zanni_reason_t *reason, bool *restarts);

/* Whether it waits for its next incarnation. Any thread. */
bool zanni__process_waits (zanni_node_t *node, const uint8_t id [16]);

/* Begins the next one of a process of this node that waits, which listens where the last did; else does nothing. An error is
   that incarnation's end, too, which is told as any. On the worker's thread, as all that follow. */
int zanni__process_again (zanni_worker_t *worker, const uint8_t id [16]);

/* None is to follow: where it waits, it has ended, for this reason. */
void zanni__process_no_more (zanni_worker_t *worker, const uint8_t id [16], const zanni_reason_t *reason);

/* Kills it from outside, as if it had crashed; false: it is none of this node's, or that cannot be. */
bool zanni__process_crash (const zanni_worker_t *from, const uint8_t id [16]);

/* envelope.c: messages from and to the free list. */
zanni_msg_t *zanni__msg_new (zanni_worker_t *worker);
void zanni__msg_free (zanni_worker_t *worker, zanni_msg_t *msg);
void zanni__msg_set_from (zanni_worker_t *worker, zanni_msg_t *msg, zanni__identity_t *from, zanni_worker_t *to);
/* Gives back what was gathered of one identity's references. */
void zanni__settle (zanni_worker_t *worker);

/* Gives a message to the program: it holds whom it is for until it is destroyed. */
void zanni__msg_own (zanni_msg_t *msg);
void zanni__hold_to (zanni_msg_t *msg);

void zanni__hold_afar (zanni_worker_t *worker, zanni_msg_t *msg);

/* What leaves the worker through a reference that is no handle (a sender's, one inside a message) holds whom it is for:
   no drop follows it on the same way. */
static inline void
zanni__hold_borrowed (zanni_worker_t *worker, zanni_msg_t *msg, const zanni_ref_t *ref)
{
    if (!ref->worker && msg->to->worker != worker)
        zanni__hold_afar (worker, msg);
}

void zanni__msg_release (zanni_worker_t *worker, zanni_msg_t *msg);

/* send.c */
typedef struct {
    const char *method;
    const zanni_arg_t *args;
    size_t count;
} zanni__words_t;

/* plain.c: writes a plain tell to `to`, a stand-in of this worker, right where it leaves; *rc is what zanni_tell answers.
   false: nothing happened, it has to be sent as a message. */
bool zanni__tell_plainly (zanni_t *self, zanni__identity_t *to, const zanni__method_t *method,
                          const zanni__words_t *words, int *rc);
int zanni__msg_make (zanni_t *self, zanni_msg_t **msg_p, zanni__identity_t *to, const zanni__words_t *words);
int zanni__msg_prepare (zanni_t *self, zanni_msg_t **msg_p, const zanni_ref_t *ref, const zanni__words_t *words);
int zanni__msg_pack (zanni_worker_t *worker, zanni_msg_t *msg, const zanni_arg_t *args, size_t count);
int zanni__msg_share (zanni_msg_t *msg);
int zanni__msg_share_args (zanni_worker_t *worker, zanni_msg_t *msg, const zanni_msg_t *pattern);
zanni_msg_t *zanni__msg_again (zanni_t *self, const zanni_msg_t *pattern, zanni__identity_t *to,
                               const char *method);
bool zanni__room_of (const zanni__identity_t *to, uint64_t *room);   // of another worker; false: it has ended
int zanni__admit (const zanni_worker_t *worker, const zanni__identity_t *to, uint32_t weight);
void zanni__dispatch (zanni_t *self, zanni_msg_t *msg);

/* ask.c: an ask and what waits for its answer; a cancel, at whom it was asked; errors as people read them. */
int zanni__ask_begin (zanni_t *self, zanni_msg_t *msg, const zanni_ask_t *options, zanni__pending_t **pending_p);
int zanni__ask_wait (zanni_t *self, zanni_msg_t **reply_p, zanni__pending_t *pending, const zanni_ask_t *options);
int zanni__ask_again (zanni_t *self, const zanni_ref_t *ref, const zanni_ask_t *options, zanni_msg_t *like,
                      const char *method);
void zanni__ask_forget (zanni_t *self, uint64_t ask);
void zanni__cancel_arrives (zanni_worker_t *worker, zanni_msg_t *cancel);
void zanni__ask_fail (zanni_worker_t *worker, zanni__pending_t *pending, int code, const char *text);
void zanni__error_set (zanni_error_t *error, int code, const char *text);

/* answer.c (answer.h has the rest): errors that the runtime answers; whom an ask is at now. */
int zanni__answer_error (zanni_worker_t *worker, zanni_msg_t *ask, int code, int64_t app_code, const char *text);
void zanni__answer_turned (zanni_worker_t *worker, zanni_msg_t *ask, int code, const zanni_reason_t *reason);
bool zanni__ask_is_open (const zanni_msg_t *msg);

void zanni__forwarded_arrives (zanni_worker_t *worker, zanni_msg_t *msg);

/* spawn.c */
int zanni__spawn_with (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, const zanni__care_t *care,
                       const zanni__words_t *words);

/* The same for a class of that name, on whatever node; checks both. */
int zanni__spawn_named (zanni_t *self, zanni_ref_t **ref_p, const char *class_name, const zanni__care_t *care,
                        const zanni__words_t *words);

/* Begins an identity that waits again: of `care` pattern, then and arg count. */
int zanni__spawn_again (zanni_t *self, const zanni_ref_t *ref, const zanni__care_t *care);

/* An identity of a class where `options` say, which has not begun; `from` is whose worker HERE is, NULL: nobody's.
   Whether it is alone on a worker that is still to be started; its end before it has begun. */
int zanni__spawn_place (zanni_node_t *node, zanni_worker_t *from, zanni__identity_t **identity_p, const zanni__class_t *cls,
                        const zanni_spawn_t *options);
bool zanni__spawned_alone (const zanni__identity_t *identity);
void zanni__spawn_undo (zanni__identity_t *identity);

int zanni__spawn (zanni_t *self, zanni_ref_t **ref_p, const zanni__class_t *cls, const zanni_spawn_t *options,
                  const zanni__words_t *words);

/* shared.c: whether an actor whose last strong reference is gone is to end: not if it is a shared object that somebody
   has shared again meanwhile. The object of one that has ended goes back. */
bool zanni__shared_leave (zanni__identity_t *identity);
void zanni__shared_end (zanni_worker_t *worker, struct zanni__shared *share);

/* lifecycle.c */
void zanni__command (zanni_worker_t *worker, zanni_msg_t *msg);
void zanni__begin (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *start);
int zanni__start (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *start, zanni_error_t *error);
zanni_t *zanni__actor_new (zanni_worker_t *worker, zanni__identity_t *identity, const zanni__class_t *cls);
void zanni__enlist (zanni_worker_t *worker, zanni__identity_t *identity);
void zanni__end (zanni_worker_t *worker, zanni__identity_t *identity);
void zanni__request_end (zanni_worker_t *worker, zanni__identity_t *identity, zanni_reason_t reason);
void zanni__exit_ends (zanni_worker_t *worker, zanni_msg_t *exit);   // the same by an EXIT, in a turn of its own
void zanni__again_arrives (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *start);

/* The same, and its identity with it, whatever was said before. */
void zanni__end_for_good (zanni_worker_t *worker, zanni__identity_t *identity, zanni_reason_t reason);

/* The actor ends by itself: what zanni_exit does, for any reason. */
void zanni__quit (zanni_t *self, const zanni_reason_t *reason);

/* Stops or kills an actor that is supervised, whose identity then waits. As zanni_stop. */
int zanni__hold (zanni_t *self, const zanni_ref_t *ref, bool kills);

/* turn.c: a reference to it is gone. */
void zanni__drop_arrives (zanni_worker_t *worker, zanni__identity_t *identity, zanni_ref_t *ref);

/* monitor.c: who wants to know of an actor's end, or of room in its mailbox. */
void zanni__watcher_add (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *msg);
void zanni__watcher_remove (zanni_worker_t *worker, zanni__identity_t *identity, zanni_msg_t *demonitor);
void zanni__watchers_end (zanni_worker_t *worker, zanni__identity_t *identity, const zanni_reason_t *reason,
                          bool restarts);
void zanni__watcher_fire (zanni_worker_t *worker, zanni__identity_t *identity, const zanni__identity_t *from, uint64_t id,
                          const zanni_reason_t *reason, bool restarts);
void zanni__waiters_wake (zanni_worker_t *worker, zanni__identity_t *identity);
void zanni__down_now (zanni_worker_t *worker, zanni_msg_t *monitor, const zanni_reason_t *reason, bool restarts);
void zanni__waiter_now (zanni_worker_t *worker, zanni_msg_t *waiter);
void zanni__watchers_unlink (zanni_worker_t *worker, zanni__identity_t *identity, const zanni_reason_t *reason);

/* Takes the LINK of that number out; NULL: there is none. */
zanni_msg_t *zanni__watcher_take (zanni__identity_t *identity, const zanni__identity_t *from, uint64_t id);

zanni_msg_t *zanni__msg_about (zanni_t *self, zanni__identity_t *to, zanni__kind_t kind, uint64_t id);

/* exit.c: links and exit signals. A LINK, UNLINK or EXIT arrives; those that came before their actor was there; a
   LINK's actor is gone (`reason` NULL: it was not there); an actor ends. The room of an EXIT is its reason; in a mailbox
   its id is that of the pending link, or 0. */
void zanni__exit_arrives (zanni_worker_t *worker, zanni_msg_t *msg);
void zanni__exit_begin (zanni_worker_t *worker, zanni__identity_t *identity);
void zanni__exit_now (zanni_worker_t *worker, zanni_msg_t *link, const zanni_reason_t *reason);
void zanni__exit_all (zanni_t *self, const zanni_reason_t *reason);

/* block.c */
int zanni__may_block (zanni_t *self);
int zanni__waiter_send (zanni_t *self, const zanni_ref_t *ref, const char *method, uint32_t weight,
                        uint64_t *waiter_p);
/* Works until `over`, or the time is; 0, or ZANNI_EOWNER where the thread may not; as zanni__worker_wait. */
int zanni__run_until (zanni_t *self, bool (*over) (zanni_worker_t *worker), int64_t timeout_ms);
int zanni__block_until (zanni_t *self, bool (*done) (zanni_t *self, void *context), void *context, int64_t until_ns);

#endif
