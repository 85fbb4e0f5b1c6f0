/* pool.h: pools of actors of one class, which share the work; and maps, which send them many jobs.

   A pool is an actor, and so is known by a reference, which travels like any other. Whatever it is told or asked is a
   *job*: a method of its workers' class (those that are not private), with the arguments of that, which the pool
   checks; it has the methods "zanni.pool", "zanni.resize" and "zanni.drain" besides. It ends with its last strong
   reference, or by zanni_stop, and its workers with it.

   Jobs wait in the pool, in its mailbox as senders see it: one that is full is ZANNI_EFULL to them, and
   zanni_when_writable tells when to go on. A worker who dies loses no more than it has been given (`ahead`): by
   default one job, where workers die alone (in processes, on other nodes). Its asker is answered ZANNI_EDOWN with the
   reason; but a job whose method is declared ZANNI_REPEATABLE is given to another worker, up to `attempts` times, and
   is then the only one there: until such jobs are done each worker gets one at a time, whatever `ahead` says, so that
   one which ends whoever does it takes no others along. What was told and got lost is a dead letter. Workers see the
   pool as who sends, and what was told them as an ask.

   Where workers get all that comes at once, which is the default for those that share a process, and the method is
   not repeatable, the pool only hands on: workers see who sent a message, the answer comes straight from them, and
   what lies in their mailboxes when they end is lost as that of any actor. That costs little more than the message
   itself. Methods that overtake others (behaviour.h) do so in the workers' mailboxes only. An ask that is cancelled
   is not begun any more; a worker who has it already is not told.

   Workers who end are replaced, for whatever reason. A pool gives up, ending with the last reason, when more than
   `restarts` have ended within `restart_ms`; so a class that crashes at once costs so many starts. Where no worker
   can be started (descriptors, memory), the pool tries again each 100 ms, and counts that as an end.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_POOL_H
#define ZANNI_POOL_H

#include "actor.h"
#include "call.h"
#include "ref.h"
#include "routing.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ZANNI_POOL_MOST 4096          // workers of a pool
#define ZANNI_POOL_AHEAD UINT32_MAX   // all jobs at once

typedef struct {
    size_t size;                  // sizeof (zanni_pool_options_t), or 0; another is ZANNI_EINVAL
    uint32_t workers;             // how many: 1 to ZANNI_POOL_MOST
    zanni_routing_t routing;      // who gets a job; by default one after the other, passing over those who have
                                  // enough. BY_KEY: by the first argument, which has to be there; BROADCAST: see
                                  // below
    const zanni_spawn_t *spawn;   // place, node and mailbox of each worker; default: ZANNI_SHARED, where without
                                  // `.worker` the threads of the pool get one after the other
    uint32_t ahead;               // jobs that a worker is given before it has done the first; ZANNI_POOL_AHEAD: all.
                                  // 0: 1 in processes, on other nodes and with ZANNI_PULL, else all
    uint32_t queue;               // jobs that may wait in the pool, as mailbox_messages; default: the node's
    uint32_t restarts;            // workers that may end within restart_ms: up to 65,535; default: 3 for each worker,
                                  // so many as there are to be
    int64_t restart_ms;           // default 5000
    uint32_t attempts;            // how often a repeatable job is begun at most; default 3
    uint32_t enough;              // BROADCAST: an ask is answered by so many good answers; 0: all
    int64_t gather_ms;            // BROADCAST: or after so long; 0: somewhat before the ask's own deadline
    zanni_error_t *error;         // filled when zanni_pool fails
} zanni_pool_options_t;

#define ZANNI_POOL_DEFAULT { .size = sizeof (zanni_pool_options_t) }

/* BROADCAST: what is told goes to all workers. An ask goes to all, too: it is answered by a list of what they
   answered (of a method that answers "x" it is "a(x)"), in the order in which that came, as soon as there are
   `enough` or the time is over, by then perhaps fewer; where a method answers nothing, by their number ("u"). Answers
   with references or buffers count as failed (ZANNI_EARGS). If none is good, by the last error. */

/* Makes a pool of workers of a registered class, which all start with these arguments, and gives the caller a strong
   reference that owns it: zanni_pool (self, &pool, "cruncher", &options, 5). An actor that may block waits until all
   have started; for any other 0 means that the pool is there, and one whose workers do not start ends with the error,
   which whoever asks or monitors it gets. ZANNI_EINVAL: an option makes no sense, as the error says; ZANNI_ENOCLASS;
   else as zanni_spawn. With place ZANNI_HERE the pool is here, too, else on a thread of the node's. References and
   buffers among the arguments stand by themselves, in no list (ZANNI_EARGS). */
ZANNI_EXPORT int zanni_pool_args (zanni_t *self, zanni_ref_t **ref_p, const char *class_name,
                                  const zanni_pool_options_t *options, const zanni_arg_t *args,
                                  size_t count) ZANNI_CHECKED;

/* So many workers from now on (1 to ZANNI_POOL_MOST); those that are too many do what they have been given and end
   (where the pool only hands on, when they have handled it). By key, one of n that comes or goes gets or leaves about
   one in n of the keys, with what waits for them; what a worker has been given of a key that moves it does still.
   Does not wait. For who made the pool, whom alone it obeys: anybody else's is refused with ZANNI_EPERM by the pool,
   which logs it, and one while it drains with ZANNI_ECLOSED. ZANNI_EINVAL: no pool, or no such number; else as
   zanni_tell. */
ZANNI_EXPORT int zanni_pool_resize (zanni_t *self, const zanni_ref_t *pool, uint32_t workers) ZANNI_CHECKED;

/* The pool takes no more jobs (ZANNI_ECLOSED), does those it has, lets its workers end, answers ("") and ends. For
   who made it (ZANNI_EPERM). The first blocks, as zanni_call, up to `timeout_ms` (0: the node's, -1: none); the
   second is an ask. ZANNI_ECLOSED: it is draining already. */
ZANNI_EXPORT int zanni_pool_drain (zanni_t *self, const zanni_ref_t *pool, int64_t timeout_ms) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_pool_drain_ask (zanni_t *self, const zanni_ref_t *pool, const zanni_ask_t *ask) ZANNI_CHECKED;

typedef struct {
    uint32_t workers;     // as it was made or resized
    uint32_t running;     // that have started
    uint64_t waiting;     // jobs that no worker has yet
    uint64_t given;       // that a worker has: 0 where the pool only hands on
    uint64_t done;        // that were answered by a worker, or handed on
    uint64_t repeated;    // begun anew
    uint64_t lost;        // with their worker
    uint64_t ended;       // workers that ended otherwise than told to
} zanni_pool_status_t;

/* How it is doing, as anybody may ask; blocks, as zanni_call. Who may not asks "zanni.pool" (answer "uutttttt": the
   members in order). */
ZANNI_EXPORT int zanni_pool_status (zanni_t *self, const zanni_ref_t *pool,
                                    zanni_pool_status_t *status) ZANNI_CHECKED;

/* Makes the next job: zanni_msg_new (self, msg_p, "square", 5). *msg_p left NULL: there are no more. Negative: the
   map ends with that. */
typedef int zanni_map_next_fn (void *closure, zanni_msg_t **msg_p);

/* The job with that number, from 0, was done: rc 0 and the reply; or its error code, with the error message, or NULL.
   `reply` is borrowed. Called once for each job. Negative: the map ends with that. */
typedef int zanni_map_done_fn (void *closure, uint64_t index, int rc, zanni_msg_t *reply);

typedef struct {
    uint64_t begun;
    uint64_t done;
    uint64_t failed;      // of those that are done
    int64_t elapsed_ms;
} zanni_map_progress_t;

typedef struct {
    size_t size;                  // sizeof (zanni_map_t), or 0
    zanni_map_next_fn *next;
    zanni_map_done_fn *done;
    void *closure;
    uint32_t in_flight;           // jobs at once that were begun and not given to `done`; default 64
    bool ordered;                 // `done` gets them in the order of `next`; else as they come
    int64_t deadline_ms;          // of each job, from when it is sent, as in zanni_ask_t
    void (*progress) (void *closure, const zanni_map_progress_t *progress);   // may be NULL
    int64_t progress_ms;          // between two of them, and one at the end; default 200
    zanni_error_t *error;         // zanni_map: filled when it fails
} zanni_map_t;

#define ZANNI_MAP_DEFAULT { .size = sizeof (zanni_map_t) }

/* Asks `ref`, a pool or any actor, one job after the other, with so many at once. Blocks until all are done, for
   actors that own their worker (ZANNI_EOWNER). `next`, `done` and `progress` run on the caller's thread, and must not
   block (ZANNI_EOWNER); they may ask. In order, results that come before their turn are kept: `in_flight` at most.
   0, also where jobs failed; what `next` or `done` answered, or why nothing more could be sent
   (ZANNI_ENOACTOR: `ref` is gone): then jobs that were begun are cancelled, and `done` is called for each with
   ZANNI_ECANCELED. ZANNI_EINVAL, ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_map (zanni_t *self, const zanni_ref_t *ref, const zanni_map_t *map) ZANNI_CHECKED;

/* The same without waiting, for any actor: the answer of the ask `ask` ("", or an error) says that all is done; its
   deadline is none by default. *map is copied. */
ZANNI_EXPORT int zanni_map_ask (zanni_t *self, zanni_ref_t **map_p, const zanni_ref_t *ref, const zanni_map_t *map,
                                const zanni_ask_t *ask) ZANNI_CHECKED;

/* Ends such a map, whether all is done or not, and nulls it; forgives NULL. None of its functions is called any more,
   as when the actor that began it ends; they may call this themselves. Jobs that were begun are cancelled, and an ask
   that is open is answered ZANNI_ECANCELED. For that actor. */
ZANNI_EXPORT void zanni_map_cancel (zanni_t *self, zanni_ref_t **map_p);

#ifdef __cplusplus
}
#else

/* With its arguments typed by C; cpp.h has the same for C++. */
#define zanni_pool(self, ref_p, class_name, ...) zanni_pool_args (self, ref_p, class_name, ZANNI_ARGV (__VA_ARGS__))

#endif
#endif
