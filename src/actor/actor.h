/* actor.h: an actor in memory: identity, incarnation, references.

   The identity is what others know: id, mailbox, counts, limits. It lives as long as anyone refers to it, and
   survives restarts. The incarnation (`zanni_t`, what a handler gets as self) is what runs: state and everything
   that it began, and is freed when it ends. Between two of them the identity of a supervised actor *waits*: what is
   sent to it gathers in its mailbox, and nothing is handled.

   Threads: an identity belongs to one worker for its whole life; only that worker's thread touches its plain
   members. Others see its worker (fixed), its class, and the atomic counts.

   Memory: `refs` counts handles, messages that travel between workers and name it as sender, and 1 for its owner
   (held while it is alive or `holds` is above 0). `holds` counts messages of its own worker, without an atomic
   operation. Increments need somebody who holds already; whoever takes the last away frees. A handle's drop goes to
   the owner as an item, behind what was sent through it, so a message under way never outlives whom it is for. */

#ifndef ZANNI_ACTOR_ACTOR_H
#define ZANNI_ACTOR_ACTOR_H

#include "../message/message.h"
#include "class.h"

#include "../base/assert.h"
#include <zanni/actor.h>
#include <zanni/call.h>
#include <zanni/ref.h>

typedef struct zanni_worker zanni_worker_t;
typedef struct zanni__identity zanni__identity_t;

/* Everything that can lie in a mailbox or a batch. The first six are zanni_msg_kind_t. */
typedef enum {
    ZANNI__TELL = ZANNI_MSG_TELL,
    ZANNI__ASK = ZANNI_MSG_ASK,
    ZANNI__REPLY = ZANNI_MSG_REPLY,
    ZANNI__ERROR = ZANNI_MSG_ERROR,
    ZANNI__DOWN = ZANNI_MSG_DOWN,
    ZANNI__EXIT = ZANNI_MSG_EXIT,
    ZANNI__START,        // begin an incarnation with these arguments; answered like an ask
    ZANNI__AGAIN,        // the same, of an identity that waits, where it becomes a START
    ZANNI__MONITOR,      // stays with the watched actor and becomes its DOWN
    ZANNI__DEMONITOR,
    ZANNI__LINK,         // stays with whom it is for and becomes the EXIT that its end sends
    ZANNI__UNLINK,
    ZANNI__FORWARDED,    // to an asker: who is to answer now
    ZANNI__WAITER,       // when writable; stays until then and becomes a TELL
    ZANNI__DROP,         // a zanni_ref_t
    ZANNI__BUFFER,       // a zanni_buffer_t whose memory is to be freed on this worker
    ZANNI__STOP,         // these overtake
    ZANNI__KILL,
    ZANNI__RESTART,
    ZANNI__CANCEL,
    ZANNI__PROBE,        // whether a call comes back: probe.c
    ZANNI__MEMORY,       // a chain of free messages that goes home
    ZANNI__WORKER_STOP,  // these three are for the worker itself
    ZANNI__SURVEY,       // what it has just now
    ZANNI__EVENT         // of other nodes
} zanni__kind_t;

/* Flags of a message. */
#define ZANNI__REMOTE 1u     // holds its sender by `refs`, since it came from another worker
#define ZANNI__COUNTED 2u    // counts against the mailbox's limit
#define ZANNI__ANSWERED 4u   // an ask that needs no answer any more
#define ZANNI__TICK 8u       // from a timer, watch or waiter of the actor itself: `id` must still be alive
#define ZANNI__KEPT 16u      // linked into its actor's kept messages
#define ZANNI__OWNED 32u     // the program has to destroy it
#define ZANNI__NESTED 64u    // a dead letter's notice: makes no further one
#define ZANNI__HOLDS_TO 128u // holds whom it is for: an answer or a DOWN, which no handle precedes

/* Lists whose members know where they hang, so that they can leave from anywhere. */
typedef struct zanni__hook {
    struct zanni__hook *next;
    struct zanni__hook **at;   // what points here; NULL: in no list
} zanni__hook_t;

static inline void
zanni__hook_insert (zanni__hook_t **list, zanni__hook_t *hook)
{
    hook->next = *list;
    hook->at = list;
    if (*list)
        (*list)->at = &hook->next;
    *list = hook;
}

static inline void
zanni__hook_remove (zanni__hook_t *hook)
{
    if (!hook->at)
        return;
    *hook->at = hook->next;
    if (hook->next)
        hook->next->at = hook->at;
    hook->at = NULL;
}

/* A handle. Held, it hangs in its holder's list; dropped, it is an item on its way to the actor's worker. */
struct zanni_ref {
    union {
        zanni__item_t item;
        zanni__hook_t hook;
    } as;
    zanni__identity_t *identity;
    zanni_worker_t *worker;      // of the holder, on whose thread it may be dropped; NULL: inside a message
    bool strong;
    bool own;
};

#define ZANNI__SCHEDULED 1u   // in the run queue
#define ZANNI__IN_TURN 2u
#define ZANNI__BLOCKED 4u     // an owner waits in call or receive, or runs its loop: no turns
#define ZANNI__UNBORN 8u      // its START has not arrived yet; what comes before waits for it
#define ZANNI__WAITS 16u      // for its next incarnation

/* What makes a mailbox heed each arrival, which else goes the short way (deliver.h). */
#define ZANNI__HEEDS_LIMIT 1u      // its overflow policy is not to reject
#define ZANNI__HEEDS_BEHAVIOUR 2u  // its actor has changed its behaviour: methods are looked up when they are handled
#define ZANNI__HEEDS_PRIORITY 4u   // there are methods whose messages overtake

typedef enum {
    ZANNI__STARTING,   // its START is on the way or in the mailbox
    ZANNI__RUNNING,
    ZANNI__WAITING,    // between two incarnations
    ZANNI__ENDED,
    ZANNI__ELSEWHERE   // a stand-in for an actor of another node: what arrives is handed to its worker's link
} zanni__state_t;

/* Behind which ends, that nobody asked for, an identity waits for its supervisor to begin it again. */
typedef enum {
    ZANNI__WAITS_NEVER,
    ZANNI__WAITS_ABNORMAL,   // not behind normal and shutdown
    ZANNI__WAITS_ALWAYS
} zanni__waits_t;

/* `code` of a STOP or KILL: the identity waits, whatever it does else. */
#define ZANNI__HOLDS_ON 1

/* Ordered by who writes: first what senders on other workers read and hardly anyone writes, then what they write, then
   what the owner writes with every message, so that the owner's writes do not take the first away from their caches. */
struct zanni__identity {
    zanni_worker_t *worker;                   // held
    _Atomic (const zanni__class_t *) cls;     // changes once, when a root begins to serve (release; acquire)
    uint64_t id;
    uint64_t limit_bytes;
    _Atomic uint32_t limit;                   // 0: ended
    uint8_t overflow;
    uint8_t waits;                            // zanni__waits_t, fixed from the start
    bool pinned : 1;                          // root, attached: no count of references ends it
    bool restartable : 1;
    bool elsewhere : 1;                       // a stand-in (remote.h); this and the two before are fixed from the start
    _Atomic bool ended;                       // for senders on other workers; a hint (relaxed)
    struct zanni_ref self;

    /* Flow. The owner alone writes `queued`; senders on other workers add to `coming` before they post and the owner
       subtracts when it takes in. A sender reads both: relaxed, for a limit needs no order. */
    _Atomic uint64_t coming_bytes;
    _Atomic uint32_t coming;
    _Atomic uint32_t refs;
    _Atomic uint32_t strong;
    uint32_t incarnation;
    zanni__hook_t all;                        // the worker's actors
    zanni_msg_t *start;                       // kept for a restart
    union {
        _Atomic (struct zanni__export *) exported;   // nonces, once a reference has left the process (release; acquire)
        struct zanni__remote *remote;                // of a stand-in
    } as;

    zanni__queue_t mailbox;
    zanni_t *actor;                           // NULL before the start and after the end
    zanni__identity_t *next_runnable;
    zanni__item_t *watchers;                  // chain of MONITOR and WAITER, of a stand-in LINK, too
    _Atomic uint64_t queued_bytes;
    _Atomic uint32_t queued;
    uint32_t holds;
    uint8_t state;
    uint8_t busy;                             // ZANNI__SCHEDULED, ...: what arrives needs no place in the run queue
    uint8_t heeds;                            // ZANNI__HEEDS_LIMIT, ...
    bool owned;                               // the owner's one of `refs` is there
    uint32_t watchdog_ms;                     // that a handler may take; 0: as long as it likes. Fixed from the start
    zanni_reason_t *untold;                   // why it waits, as long as no monitor has learnt of it
};

/* How somebody spawns: as the options say, and what a supervisor cares for beside. */
typedef struct {
    zanni_spawn_t options;
    uint8_t waits;                // zanni__waits_t
    const zanni_msg_t *pattern;   // the start arguments, shared (zanni__msg_share), in place of words; or NULL
    bool awaits;                  // its start is a message on its own worker, too: it may be answered later
    zanni_reply_fn *then;         // gets the outcome of the start, also where it runs at once; NULL: as for any spawn
    void *arg;
} zanni__care_t;

/* Something of a higher folder's that ends with the incarnation, which frees it by that; nothing calls back any more then. */
typedef struct zanni__annex {
    zanni__hook_t hook;
    void (*end) (struct zanni__annex *annex);   // out of the list already
} zanni__annex_t;

/* What few actors have. */
typedef struct {
    const zanni__class_t *behaviour;   // whose methods serve it; NULL: its class's
    zanni__queue_t stash;              // what it put aside, the oldest first; counts in the mailbox
    uint32_t stashed;
    zanni__item_t *high;               // the last message in the mailbox that overtook others; NULL: look for it
    zanni__hook_t *annexes;
    void *inlets;                      // of streams that come in: stream/
    uint64_t claim_least;              // zanni_set_claims
    struct zanni__shared *share;       // its state is an object of the program's: shared.c; or NULL
} zanni__more_t;

struct zanni {
    zanni__identity_t *identity;
    zanni_worker_t *worker;
    void *state;
    zanni__hook_t *refs;         // what it holds and did not drop, by kind
    zanni__hook_t *pendings;     // asks, monitors, links, timers, watches
    zanni__hook_t *promises;
    zanni__link_t kept;          // kept asks
    zanni_reason_t *reason;      // why it is about to end; NULL: it is not
    uint64_t calling;            // the ask it is blocked in
    zanni_msg_t *handling;       // while it is blocked in its handler: what that handles
    zanni_msg_t *serving;        // what zanni_receive gave it last of asks whose asker waits, if that is there yet; its START
    bool closing;                // told to stop
    bool killed;
    bool restarting;
    bool held;                   // told to end so that its identity waits
    bool traps;                  // exits
    bool signalled;              // ends by an exit signal: nobody has told it to
    uint8_t started;             // classes, from the eldest down, whose start succeeded: their stops will run
    zanni__more_t *more;         // NULL: nothing of that
};

/* Whose methods serve an actor of the calling worker now. */
static inline const zanni__class_t *
zanni__behaviour (const zanni__identity_t *identity)
{
    const zanni__more_t *more = identity->actor ? identity->actor->more : NULL;
    const zanni__class_t *own = more ? more->behaviour : NULL;
    /* Relaxed: only this thread ever changes it. */
    return own ? own : atomic_load_explicit (&identity->cls, memory_order_relaxed);
}

/* identity.c. What few actors have, made where that is new; NULL: out of memory. */
zanni__more_t *zanni__more (zanni_t *self);
zanni__identity_t *zanni__identity_new (zanni_worker_t *worker, const zanni__class_t *cls);
void zanni__identity_free (zanni__identity_t *identity);

static inline void
zanni__identity_unref (zanni__identity_t *identity)
{
    /* acq_rel: the last one sees everything that the others did to it. */
    if (atomic_fetch_sub_explicit (&identity->refs, 1, memory_order_acq_rel) == 1)
        zanni__identity_free (identity);
}

static inline void
zanni__identity_ref (zanni__identity_t *identity)
{
    atomic_fetch_add_explicit (&identity->refs, 1, memory_order_relaxed);
}

/* A hold from the owner's thread. All holds together are one of `refs`, which goes with the last of them once the
   actor has ended. */
static inline void
zanni__identity_hold (zanni__identity_t *identity)
{
    if (__builtin_expect (!identity->owned, 0)) {
        identity->owned = true;
        zanni__identity_ref (identity);
    }
    identity->holds++;
}

static inline void
zanni__identity_unhold (zanni__identity_t *identity)
{
    zanni__assert (identity->holds > 0);
    if (--identity->holds == 0 && identity->state >= ZANNI__ENDED) {
        identity->owned = false;
        zanni__identity_unref (identity);
    }
}

/* ref.c. A copy for a holder (`worker` NULL: inside a message); NULL: out of memory. */
zanni_ref_t *zanni__ref_new (zanni__identity_t *identity, zanni_worker_t *worker, bool strong, bool own);
void zanni__ref_adopt (zanni_t *self, zanni_ref_t *ref);
void zanni__ref_drop (zanni_worker_t *worker, zanni_ref_t *ref);
void zanni__ref_undo (zanni_ref_t *ref);
void zanni__free_ref (zanni_ref_t *ref);   // on the actor's worker, its drop was counted
void zanni__ref_hooks_init (zanni__refs_t *hooks, zanni_worker_t *worker);

#endif
