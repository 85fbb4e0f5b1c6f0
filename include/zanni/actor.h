/* actor.h: spawning actors, ending them, and learning of their end.

   Call these from the actor whose `self` it is. A spawn by an actor that may block (root, attached, THREAD) waits
   for the outcome of the start hook. A SHARED or HERE actor gets that of an actor on its own worker at once, too;
   for any other place spawn answers 0 as soon as the thread exists, and a start that fails ends the actor: whoever
   monitors or asks it gets the error, and the spawner's `down` hook does, with monitor 0. An actor on another node
   (`on`) begins like one with a process of its own, and ends when the node, or the way there, is lost to its spawner.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_ACTOR_H
#define ZANNI_ACTOR_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ZANNI_SHARED = 0,   // among thousands on a pool worker: the spawner's, or round robin from outside the pool
    ZANNI_HERE,         // on the spawner's worker: may share memory with it
    ZANNI_THREAD,       // alone in a thread; may block
    ZANNI_PROCESS       // alone in a process of its own: this program begun anew, whose main calls zanni_init first
} zanni_place_t;

typedef enum {
    ZANNI_REJECT = 0,    // a tell to a full mailbox answers ZANNI_EFULL
    ZANNI_DROP_OLDEST,   // the mailbox's oldest message becomes a dead letter
    ZANNI_DROP_NEWEST    // the arriving one does
} zanni_overflow_t;

typedef struct {
    size_t size;                 // sizeof (zanni_spawn_t), or 0; another is ZANNI_EINVAL
    zanni_place_t place;
    const zanni_ref_t *on;       // any actor of the node that is to run it; NULL: this one. See below
    uint32_t worker;             // SHARED: pool worker 1 .. workers; 0: see zanni_place_t
    bool restartable;            // keeps the start arguments for zanni_restart
    zanni_overflow_t overflow;
    uint32_t mailbox_messages;   // 0: the node's
    uint64_t mailbox_bytes;      // 0: the node's
    int64_t start_ms;            // how long a blocking spawn waits for the start; 0: the node's ask deadline
    int64_t watchdog_ms;         // how long a handler of it may take, see below; 0: the node's; -1: as long as it likes
    zanni_error_t *error;        // filled when spawn fails
} zanni_spawn_t;

/* `on` names another node: it runs the actor, where its own options allow that (zanni_options_t.allow_spawn) and it has
   registered the class, which the spawner need not know. The place is meant there: SHARED is round robin, HERE on the worker
   of the very actor `on`. An actor that may block waits for the outcome of the start, for `start_ms` at most; any other gets
   a reference at once, and what it and others of its node send through that follows; one of another node to whom it gives the
   reference may find no such actor until it has begun. A reference that was passed on by a relay names the relay's node.

   `watchdog_ms` is for handlers and hooks that never return. A process actor with one that takes longer is killed, with
   all that runs in its process; the reason of its end is an error, ZANNI_EWATCHDOG, whose text names the method, and a
   supervisor begins it again. (All actors of that process have the same time, where their own options do not say
   otherwise.) What runs in a thread cannot be killed: the log tells, once, of the actor, the method and how long, and
   again when it has returned after all; zanni_work (work.h) shows it meanwhile. All that is found a quarter of the time
   later at most. What zanni_call, zanni_receive and the like wait is not counted, and the time begins anew behind it;
   nor is time in which the process was stopped, or a debugger had it. A machine that is short of memory or CPUs makes
   handlers slow: be generous. Without a watchdog all this costs nothing; with one some nanoseconds a message, and a
   thread looks four times in the shortest `watchdog_ms` of the node.

   In a calling macro an options literal with a comma in it needs parentheses, &((zanni_spawn_t) { .worker = 1, ... }),
   or a variable. */
#define ZANNI_SPAWN_DEFAULT { .size = sizeof (zanni_spawn_t) }

/* Starts an actor of a registered class with these start arguments and gives the caller a strong reference that
   owns it. `options` may be NULL. Errors: ZANNI_ENOCLASS, ZANNI_EARGS, what start answered, ZANNI_ENOMEM,
   ZANNI_ETHREADS, ZANNI_EDESCRIPTORS, ZANNI_ESOCKETS, ZANNI_EINVAL (no such worker, a loop actor not in a
   thread). On another node also: ZANNI_EPERM (it does not allow that), ZANNI_ENODE, ZANNI_ETIMEOUT, ZANNI_EFULL,
   ZANNI_EROUTE (it dialled another worker of this node, and cannot be dialled). */
ZANNI_EXPORT int zanni_spawn_args (zanni_t *self, zanni_ref_t **ref_p, const char *class_name,
                                   const zanni_spawn_t *options, const zanni_arg_t *args,
                                   size_t count) ZANNI_CHECKED;

/* The actor's state struct, zeroed before its start; NULL for a root or attached thread that serves no class. */
ZANNI_EXPORT void *zanni_state (zanni_t *self);

/* The actor's reference to itself: weak, borrowed, right to call. */
ZANNI_EXPORT const zanni_ref_t *zanni_self (zanni_t *self);

/* Ends the calling actor after this handler: normally, or with an error that monitors and open asks get. For a root or
   attached actor zanni_run returns instead. */
ZANNI_EXPORT int zanni_exit (zanni_t *self);
ZANNI_EXPORT int zanni_exit_error (zanni_t *self, int64_t code, const char *text);

/* End an actor, overtaking what is in its mailbox: its stop hook runs (reason shutdown), or does not (killed). What
   it left unhandled becomes dead letters and errors to askers. Both need a reference that owns: ZANNI_EPERM. One that
   is ending or gone stays so, which is no error. Not waiting for the end: monitor it. A process actor that does not
   heed a kill (its handler does not return, it was stopped) is ended from outside, with all that runs in its process,
   where an actor of the node that spawned it kills it; a kill by any other node waits until it reads. */
ZANNI_EXPORT int zanni_stop (zanni_t *self, const zanni_ref_t *ref) ZANNI_CHECKED;
ZANNI_EXPORT int zanni_kill (zanni_t *self, const zanni_ref_t *ref) ZANNI_CHECKED;

/* Ends the actor's incarnation (reason shutdown, restarts true) and starts the next one with the kept start
   arguments; its mailbox, references and id go on. A process actor begins anew within its process: one whose process
   has ended is not started again. Needs *own* (ZANNI_EPERM) and the spawn option `restartable`
   (else the actor logs it and lives on). */
ZANNI_EXPORT int zanni_restart (zanni_t *self, const zanni_ref_t *ref) ZANNI_CHECKED;

/* Delivers one DOWN when the actor's present incarnation ends, behind what it sent before: to the `down` hook, or
   as a message to zanni_receive. An actor that is gone already answers at once, with ZANNI_EXIT_NO_ACTOR; one that is
   between two incarnations (supervisor.h) when the next has ended. */
ZANNI_EXPORT int zanni_monitor (zanni_t *self, uint64_t *monitor_p, const zanni_ref_t *ref) ZANNI_CHECKED;

/* Ends a monitor; its DOWN is not delivered any more, even if it is on its way. An unknown id is no error. */
ZANNI_EXPORT int zanni_demonitor (zanni_t *self, uint64_t monitor) ZANNI_CHECKED;

#ifdef __cplusplus
}
#else

/* With their arguments typed by C; cpp.h has the same for C++. */
#define zanni_spawn(self, ref_p, class_name, ...) \
    zanni_spawn_args (self, ref_p, class_name, ZANNI_ARGV (__VA_ARGS__))

#endif
#endif
