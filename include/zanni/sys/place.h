/* place.h: the seam through which workers get a thread to run on.

   The default asks the node's control thread, which makes a czmq zactor. A test drives workers itself, all on one
   thread, with zanni_worker_step. Weaker stability promise than the rest of the API.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SYS_PLACE_H
#define ZANNI_SYS_PLACE_H

#include "../node.h"
#include "port.h"

/* A process to start. */
typedef struct {
    uint8_t node [16];
    uint64_t incarnation;
    char endpoint [108];      // filled in: where it listens, "ipc://..."; of a later incarnation where the one before did
    bool keeps;               // there may be a later one: where it listens goes on to, for whoever dials meanwhile waits
    const void *brief;        // what it has to know, opaque here
    size_t brief_size;        // at most ZANNI_BRIEF_MAX
    uint32_t watchdog_ms;     // a handler there that takes longer ends it, with ZANNI_EWATCHDOG; 0: none does
    zanni_error_t *error;     // may be NULL: filled on failure
} zanni_process_t;

#define ZANNI_BRIEF_MAX 16384

typedef struct zanni_place_ops {
    size_t size;   // sizeof (zanni_place_ops_t), or 0
    /* Prepares a node for more than one worker, once, before the first start or attach. `undertaker` is a worker
       without actors that answers for those that have ended: the place runs it until `close`, on a thread that it
       enters. 0, or an error that the spawner gets. */
    int (*open) (void **place_p, zanni_worker_t *undertaker);
    /* The undertaker has something to do. Any thread; must not block. */
    void (*rouse) (void *place);
    /* Makes a thread (or a stand-in) that runs `worker` from now on: zanni_worker_main, or steps. Waits until it
       runs. Called from any worker's thread. ZANNI_ETHREADS, ZANNI_ESOCKETS, ZANNI_EDESCRIPTORS, ZANNI_ENOMEM. */
    int (*start) (void *place, zanni_worker_t *worker);
    /* Starts a process, which gets the brief; waits until it was forked and its endpoint listens. From then on its end is
       told once, by zanni_worker_process_ended on the undertaker's thread. Called from any worker's thread. NULL: there
       are no processes. */
    int (*process) (void *place, zanni_process_t *process);
    /* Where a process listened that has ended, and was kept, is free. Any worker's thread. NULL: as `process`. */
    void (*forget) (void *place, const char *endpoint);
    /* A process is killed at once, from outside, as if it had crashed. As `kill`; NULL: it is told by its link that it is to end. */
    void (*crash) (void *place, const uint8_t *node);
    /* Asks that a process which `process` started end, as killed: a STOP is on its way to it by the link, and if it does not
       heed that soon (20 ms, and again as long once the launcher has told it, too), it is ended from outside. Whose node is
       not one of these is let be. `node` is the caller's, to be copied. Does not wait for any of it. Any worker's thread
       but the undertaker's. NULL: as `process`. */
    void (*kill) (void *place, const uint8_t *node);
    /* The node ends: tells every process to end and stops every worker that was started (zanni_worker_stop), then waits
       until all have ended or the clock reaches `wait_ns`, and answers how many have not. Called again as long as there are
       some, since those that end may wait for an answer of the root's; when the clock has reached `until_ns`, processes are
       killed, and what it then answers is how many threads are abandoned. On the root's thread. */
    int (*finish) (void *place, int64_t until_ns, int64_t wait_ns);
    /* Ends the undertaker, once zanni_worker_unsettled answers 0 or the clock reaches `until_ns`, and frees what open
       made. On the root's thread. */
    void (*close) (void *place, int64_t until_ns);
} zanni_place_ops_t;

typedef struct zanni_process_child zanni_process_child_t;

#ifdef __cplusplus
extern "C" {
#endif

/* For a place whose processes are none, in simulation: the node of that process actor, in this process, with these seams
   (clock, port, place, link) and the endpoint that `process` names. What `process` of a place may answer. */
ZANNI_EXPORT int zanni_child_begin (zanni_process_child_t **child_p, const zanni_process_t *process, const zanni_options_t *seams);

/* Tells it to end, or kills its actor, while it waits in its port or does not run: as what the launcher of processes says. */
ZANNI_EXPORT void zanni_child_bid (zanni_process_child_t *child, bool kills);

/* Whether a handler of it has taken longer than it may; then `reason` is what its process ends for. While it does not run. */
ZANNI_EXPORT bool zanni_child_stuck (const zanni_process_child_t *child, zanni_reason_t *reason);

/* Runs it on the calling thread until it is over, and frees it. 0 or ZANNI_ESTUCK. */
ZANNI_EXPORT int zanni_child_run (zanni_process_child_t *child);

/* A process that `process` started has ended, for this reason. `kept`: it did not come to the end of its actor and node, and
   another one could listen where it did. Whether another one may: the place is kept then until `process` or `forget`. On the
   thread of `undertaker`. */
ZANNI_EXPORT bool zanni_worker_process_ended (zanni_worker_t *undertaker, const uint8_t *node, uint64_t incarnation,
                                              const zanni_reason_t *reason, bool kept);

/* Where the process that will be started next listens already: who expects to ask for it may dial. On the thread of
   `undertaker`; optional. */
ZANNI_EXPORT void zanni_worker_process_next (zanni_worker_t *undertaker, const char *endpoint);

/* Runs a worker until it ends; on the thread that start made for it. */
ZANNI_EXPORT void zanni_worker_main (zanni_worker_t *worker);

/* Whether actors of the worker may wait in its port, in zanni_call say: who steps it gives it a stack of its own. */
ZANNI_EXPORT bool zanni_worker_may_wait (const zanni_worker_t *worker);

/* Makes the calling thread the worker's own, and runs what it has to do once, without blocking. Answers whether
   work is left. */
ZANNI_EXPORT void zanni_worker_enter (zanni_worker_t *worker);
ZANNI_EXPORT bool zanni_worker_step (zanni_worker_t *worker);

/* When the worker next has something to do by itself; INT64_MAX: never. */
ZANNI_EXPORT int64_t zanni_worker_next_ns (const zanni_worker_t *worker);

/* The watchdog's part of an undertaker's steps, for a place whose clock goes on while a handler runs: looks, if it is time
   to. Answers when that is next; INT64_MAX: never. While the undertaker does not run. */
ZANNI_EXPORT int64_t zanni_worker_watch (zanni_worker_t *undertaker);

/* Tells another worker to end its actors and itself; `from` is the calling thread's. */
ZANNI_EXPORT void zanni_worker_stop (zanni_worker_t *from, zanni_worker_t *worker);

/* Ends a worker that was stepped, on its thread, after zanni_worker_stopping answered true. */
ZANNI_EXPORT bool zanni_worker_stopping (const zanni_worker_t *worker);
ZANNI_EXPORT void zanni_worker_end (zanni_worker_t *worker);

/* What of the node's is on its way between workers and will reach none: batches not yet taken in or given back. */
ZANNI_EXPORT uint64_t zanni_worker_unsettled (const zanni_worker_t *worker);

/* One line to the node's log. Any thread, no lock held. */
ZANNI_EXPORT void zanni_worker_log (const zanni_worker_t *worker, zanni_log_level_t level, const char *text);

/* Whether the worker has ended: zanni_worker_main returned, or is about to. Any thread. */
ZANNI_EXPORT bool zanni_worker_ended (const zanni_worker_t *worker);

/* What the worker is for, for logs: "worker 1", "thread actor logger". Any thread. */
ZANNI_EXPORT const char *zanni_worker_name (const zanni_worker_t *worker);

/* What the worker's thread is in just now, for logs: "logger is in its method write, for 300 ms". Answers `text`. Any
   thread, while the worker is held. */
ZANNI_EXPORT const char *zanni_worker_doing (const zanni_worker_t *worker, char *text, size_t size);

/* Counted holds on the worker, for a place that keeps it in a list. Any thread. */
ZANNI_EXPORT void zanni_worker_hold (zanni_worker_t *worker);
ZANNI_EXPORT void zanni_worker_drop (zanni_worker_t *worker);

#ifdef __cplusplus
}
#endif
#endif
