/* supervisor.h: supervisors, the actors that begin others again.

   A supervisor starts its children in their order, and when one of them ends it decides by its restart type whether
   it is begun again, and by its own strategy who else is. It ends its children in the reverse order when it is
   stopped, when its last strong reference is gone, and when it gives up: where more restarts were due than it is to
   make, it ends with ZANNI_EXIT_SHUTDOWN, and its text says which child it was. (The end of a node ends all actors
   at once: for that order, stop the supervisor before.) Supervisors are actors like any other: they run in any place,
   have children in any place, and are children of others.

   What stays across a restart: a child keeps its reference, whatever time lies between, and so does whoever has that,
   anywhere; its state is new. What is sent to it meanwhile waits for the next incarnation. A child that exits, fails,
   or is stopped by its supervisor together with others, keeps its mailbox, too; one whose process crashes, exits or is
   killed loses what had reached that: asks among it fail with ZANNI_EDOWN. Where a child's whole node is gone (it was
   spawned `on` another one), or somebody who owns it has stopped or killed it, the next one has another reference. So
   who talks to a child for long monitors it, and asks the supervisor where `restarts` of its DOWN is false.

   A child whose start fails when the supervisor begins ends the supervisor: its spawner gets the error, whose text
   names the child. One that fails at a restart is a further restart that is due.

   Who has a reference to a supervisor, which need not own, may ask it (zanni_ask, zanni_call):

       "child", name
           answers a weak reference to it, which owns for who spawned the supervisor, and for others may call only.
           While the child is between two incarnations and has no reference the answer waits. ZANNI_ENOACTOR: no child
           has that name, or it has ended and will not begin again. What is lost with another node may be known to the
           asker before it is here: then he gets the old reference again.
       "children"
           answers an array of (name, class, state, restarts so far); the state is "starting", "running", "stopping",
           "restarting" or "ended".
       "add", name, arguments
           of a DYNAMIC one: begins a child with these start arguments, ZANNI_LIST (...) or zanni_arg_list (NULL, 0),
           behind those that all children have; the name may be "", then it gets one. Answers as "child" does, when it
           has begun, or how its start failed: then there is no such child. ZANNI_EINUSE: the name is taken.
       "remove", name
           of a DYNAMIC one: ends a child for good; answers when it has ended. ZANNI_ESTUCK: it does not.

   Who is to do less than all of that gets an actor of the program's between itself and the supervisor.

   Call zanni_supervise from the actor whose `self` it is.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SUPERVISOR_H
#define ZANNI_SUPERVISOR_H

#include "actor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Who is begun again when a child is to be. */
typedef enum {
    ZANNI_ONE_FOR_ONE = 0,   // itself
    ZANNI_ONE_FOR_ALL,       // all children, the others having been stopped
    ZANNI_REST_FOR_ONE,      // itself and those behind it
    ZANNI_DYNAMIC            // itself; there are none at first, "add" begins them, all of one class
} zanni_strategy_t;

/* Whether a child is begun again. A temporary one never is, not with others either; what has ended and is not begun
   again of a DYNAMIC supervisor, and any temporary child, is forgotten. */
typedef enum {
    ZANNI_PERMANENT = 0,   // behind any end
    ZANNI_TRANSIENT,       // behind an end other than normal and shutdown
    ZANNI_TEMPORARY
} zanni_restarts_t;

typedef struct zanni_supervisor zanni_supervisor_t;

typedef struct {
    const char *name;            // 1 to 63 bytes, unlike its siblings'; NULL ends the array
    const char *class_name;      // registered; or NULL, and then
    const zanni_supervisor_t *supervisor;   // what it is: a supervisor itself
    zanni_arg_t args;            // start arguments, ZANNI_LIST (...); left out: none
    zanni_spawn_t spawn;         // where; `restartable` and `error` are not looked at, and `start_ms` neither
    zanni_restarts_t restarts;
    bool kill;                   // to be ended it is killed; else stopped, and killed if that takes longer than
    int64_t stop_ms;             // ... this. 0: 5000, or a supervisor as long as it takes; -1: as long as it takes.
                                 // Who heeds no kill for the node's shutdown_ms is abandoned; the log says so
} zanni_child_t;

#define ZANNI_CHILD_END { .name = NULL }

struct zanni_supervisor {
    size_t size;                 // sizeof (zanni_supervisor_t), or 0; another is ZANNI_EINVAL
    zanni_strategy_t strategy;
    int32_t max_restarts;        // so many in `within_ms`, one more ends the supervisor; 0: 1; -1: none
    int64_t within_ms;           // 0: 5000
    int64_t delay_ms;            // before a restart, doubled each time until a child lives for delay_max_ms; 0: none
    int64_t delay_max_ms;        // what it is doubled up to; 0: 30000
    uint32_t jitter;             // by so many per cent, at most, a delay is shorter, at random; 100 at most
    const zanni_child_t *children;   // ends with ZANNI_CHILD_END; of a DYNAMIC one it has one, what all are like
};

/* Begins a supervisor, wherever `options` (may be NULL) say, and gives the caller a strong reference that owns it.
   What is described is copied. An actor that may block (root, attached, THREAD) waits, for `options->start_ms` at
   most, until all children have begun; any other is told by its `down` hook, with monitor 0, where one fails, as for
   zanni_spawn. `options->error` says which child it is about, and why. ZANNI_EINVAL: something is not as above, or a
   supervisor is told to supervise itself; ZANNI_ENOCLASS; ZANNI_ETOOBIG: supervisors or start arguments are nested
   too deep; what the start of a child answered, and what zanni_spawn answers. */
ZANNI_EXPORT int zanni_supervise (zanni_t *self, zanni_ref_t **ref_p, const zanni_supervisor_t *supervisor,
                                  const zanni_spawn_t *options) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
