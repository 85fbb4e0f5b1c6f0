/* node.h: what the workers of a node share. Assembled by node/; the layers below only read it, but for the members
   that say otherwise. It lives until the last worker lets go of it. */

#ifndef ZANNI_ACTOR_NODE_H
#define ZANNI_ACTOR_NODE_H

#include "../base/table.h"
#include "actor.h"

#include <pthread.h>
#include <sys/types.h>
#include <zanni/node.h>
#include <zanni/sys/clock.h>
#include <zanni/sys/link.h>
#include <zanni/sys/place.h>
#include <zanni/sys/port.h>
#include <zanni/sys/region.h>

#define ZANNI__WORKERS_MAX 65536
#define ZANNI__KEY 32

typedef struct {
    uint8_t public_key [ZANNI__KEY];
    uint8_t secret_key [ZANNI__KEY];
} zanni__keypair_t;

/* By which nodes of other hosts know that they may trust each other; link/keys.c. */
typedef struct {
    _Atomic bool known;              // the pair is, of the secret, which is wiped then (release; acquire)
    pthread_mutex_t lock;            // while it is made
    char secret [256];               // "": there is none
    zanni__keypair_t pair;
} zanni__keys_t;

typedef struct zanni__processes zanni__processes_t;
struct zanni__claim_ops;

struct zanni_node {
    _Atomic uint32_t users;          // workers, and the root; the last one (acq_rel) frees
    uint8_t id [16];
    pid_t pid;                       // in a child of fork it differs
    zanni_options_t options;         // with the defaults filled in
    char name [64];
    zanni_clock_t clock;
    const zanni_port_ops_t *port;
    const zanni_place_ops_t *place;
    const zanni_link_ops_t *link;
    const zanni_region_ops_t *region_ops;
    void *region;
    const struct zanni__claim_ops *claims;   // NULL: its options name no store
    char claim_store [256];

    pthread_mutex_t lock;            // guards from here ...
    zanni_worker_t **workers;        // by number; NULL where free
    uint32_t workers_size;
    bool ending;
    bool settling;                   // all workers have ended; the undertaker takes nothing more from other threads
    uint64_t next_serial;
    zanni__identity_t *subscriber;   // of dead letters, held
    char subscriber_method [64];
    struct zanni__tally *past_tally; // of workers that have ended; NULL: none yet
    zanni_stats_t past;              // of workers that have ended      ... to here
    struct zanni__lease *lease;      // of names in the runtime directory; made with the first endpoint (lock)
    zanni_worker_t **pool;           // 0 .. options.workers - 1; each starts with its first actor (under pool_lock)
    pthread_mutex_t pool_lock;       // held while a thread starts, so before `lock`, which the control thread may take
    _Atomic (void *) place_handle;   // opened with the second worker (release; acquire)
    zanni_worker_t *root;
    int bell;                        // an eventfd: wakes a root that waits without a port when it has got one
    _Atomic (zanni_worker_t *) undertaker;   // answers for workers that have ended (relaxed: it changes twice)

    /* Batches that were posted and are neither delivered nor undelivered; items that no worker takes: a stack, pushed
       from any thread (release), taken whole by the undertaker (acquire). */
    _Atomic uint64_t next_actor;     // relaxed: only its uniqueness counts
    _Atomic uint64_t batches;
    _Atomic (zanni__item_t *) orphans;
    _Atomic uint64_t closings;       // of workers that have closed
    _Atomic bool subscribed;
    _Atomic uint32_t watchdog_ms;    // the least that an actor has; 0: none is watched (relaxed: the undertaker is roused)
    _Atomic bool drains;             // nothing new is taken from other hosts (relaxed: it only becomes true)
    _Atomic int64_t stop_until_ns;   // the node ends: actors that are there still are killed then (relaxed); INT64_MAX: it does not

    pthread_mutex_t exports_lock;    // guards the actors whose references have left the process, by id, and:
    zanni__table_t exports;
    zanni__table_t met;              // other nodes: nodes.h
    zanni__table_t shares;           // objects that are actors, by address: shared.c
    struct zanni__offer *offers;     // who can be found by a name: nodes.h
    zanni__table_t pulses;           // the link's, of all workers, by the node that they are with
    zanni__identity_t *blobs;        // who serves those of this node; with a reference
    zanni__processes_t *processes;   // this node's process actors; guarded by their own lock
    zanni__keys_t keys;
    struct zanni__trust *trust;      // certificate, who is trusted and admitted: the link's, link/trust.h
    struct zanni__rights *rights;    // what keys may do: rights.h
    _Atomic int64_t losses;          // of other nodes, that the link has found
    _Atomic uint64_t distrusts;      // grows when somebody is not trusted any more (release; acquire)
    struct zanni__translation *translations;   // of addresses: link/translate.h (lock)
    char far_endpoint [108];         // the first at which it listens for other hosts; "": none (lock)
    _Atomic bool insecure_far;       // said twice: whatever is dialled may be open (relaxed: it only becomes true)
    /* Who asked that the node end: node/stop.c. */
    _Atomic int stop_asked;          // 0: nobody; 1: an actor, for `stop_reason` (release; acquire); 2 and more: signal n + 2
    _Atomic int stop_fd;             // an eventfd that says so to a root that waits; -1: there is none yet
    zanni_reason_t stop_reason;      // (lock)
    struct zanni__hook_fd *stop_hook;

    uint64_t incarnation;            // of a process actor's node; else 1
    const char *home;                // of a process actor's node: who knows why it ends; else ""
};

void zanni__node_ref (zanni_node_t *node);
void zanni__node_unref (zanni_node_t *node);

static inline int64_t
zanni__node_now (const zanni_node_t *node)
{
    return node->clock.now_ns (node->clock.context);
}

/* zanni_drain was called: nothing new comes from outside. Any thread. */
static inline bool
zanni__node_drains (const zanni_node_t *node)
{
    return atomic_load_explicit (&node->drains, memory_order_relaxed);
}

/* zanni_destroy is at it: nothing new begins. Any thread. */
static inline bool
zanni__node_is_ending (const zanni_node_t *node)
{
    return atomic_load_explicit (&node->stop_until_ns, memory_order_relaxed) != INT64_MAX;
}

/* One line to the log callback, if there is one. Any thread, no lock held. */
void zanni__log (const zanni_node_t *node, zanni_log_level_t level, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* Gives items that cannot be posted to the undertaker. Any thread; consumes the chain. */
void zanni__node_orphan (zanni_node_t *node, zanni__item_t *chain);

/* By the undertaker itself, which has to keep them for later; a worker that closes rouses it then. */
void zanni__node_orphan_again (zanni_node_t *node, zanni__item_t *chain);
void zanni__node_closing (zanni_node_t *node);

/* Makes the node ready for more than its root: undertaker and place. ZANNI_ECLOSED: it is ending. */
int zanni__node_open (zanni_node_t *node);

/* Makes a worker that belongs to the node: a number, a name, an open port; not yet a thread. Any thread of the
   node. */
int zanni__node_add_worker (zanni_node_t *node, zanni_worker_t **worker_p, int kind, const char *name);

/* Gives it its thread; waits until it runs. On failure the worker is still the caller's to cancel. */
int zanni__node_start_worker (zanni_worker_t *worker);

/* Takes back a worker that was never started. */
void zanni__node_cancel_worker (zanni_worker_t *worker);

/* The worker has ended: its number is free, its counts stay. On its own thread. */
void zanni__node_remove_worker (zanni_node_t *node, zanni_worker_t *worker);

/* node/process.c: a process for an actor of that class, and the stand-in for it on `worker`, whose thread calls (borrowed). */
int zanni__node_process (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni__class_t *cls,
                         const zanni__care_t *care);

/* The process of an actor ends at once, whatever it does, if it is one of this node's own. On the thread of `from`. */
void zanni__node_kill (const zanni_worker_t *from, const uint8_t *process);

/* How many actors are alive in it. */
uint64_t zanni__node_actors (zanni_node_t *node);

/* The pool worker with this index, started if it is not there yet. */
int zanni__node_pool_worker (zanni_node_t *node, zanni_worker_t **worker_p, uint32_t index);

#endif
