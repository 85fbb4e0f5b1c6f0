/* sim.h: whole systems of actors on one thread, in virtual time, from one seed. A library of its own: zanni::sim
   (libzanni_sim.so), for tests.

       zanni_sim_t *sim = NULL;
       zanni_t *self = NULL;
       rc = zanni_sim_new (&sim, &(zanni_sim_options_t) { .seed = 7 });
       rc = zanni_sim_node (sim, &self, NULL);    // a root actor, as of zanni_new; from here on as ever
       rc = zanni_call (self, ...);
       zanni_sim_pass (sim, 60000);               // a minute goes by at once
       rc = zanni_destroy (&self);
       zanni_sim_destroy (&sim);

   Whenever the program waits (zanni_call, zanni_receive, zanni_run, zanni_destroy, or one of the functions here), the
   simulator runs everybody else, one step at a time, in an order that the seed chooses, as it chooses how long messages
   take. Where nobody can run, time goes on to the next moment at which somebody can. The same seed and the same program give
   the same order, which a hash and, if wanted, lines of text tell; another seed gives another. What one actor sends to
   another arrives in order, as ever.

   Several nodes of one world reach each other by tcp and ipc (zanni_bind, zanni_connect), through connections in memory below
   the real sessions: addresses are any ("tcp://10.0.0.1:7000"), and what is bound is open. They can be cut off, broken, and
   crash.

   A test injects messages by zanni_tell and zanni_ask of a root, and expects them by zanni_receive: of a root without a class,
   or of a further actor that zanni_attach gives it, on the same thread. Descriptors are not watched, and large
   buffers not shared. Process actors are nodes, too, with memory of this process: globals are common, and a crash is injected.

   Actors in threads of their own get one, too, and may wait and loop; but one thread alone runs at any time. Where nothing
   can happen any more, whatever the time, a program that waits without a deadline gets ZANNI_EDEADLOCK, of zanni_receive,
   say, and options.stuck the seed.

   Functions here may be called from the thread that made the world, outside of handlers; from handlers, too, where that is
   said. Weaker stability promise than the rest of the API.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SIM_H
#define ZANNI_SIM_H

#include "node.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zanni_sim zanni_sim_t;

/* Gets a line or text that ends with NUL; borrowed. Must not call the simulator or zanni. */
typedef void zanni_sim_text_fn (void *context, const char *text);

typedef struct {
    size_t size;                // sizeof (zanni_sim_options_t), or 0
    uint64_t seed;
    int64_t tick_ns;            // a look at the clock takes up to so long; 0: time stands while anybody can run
    int64_t latency_ns;         // messages between workers of a node take up to so long; 0: as long as the seed likes
    int64_t net_ns;             // what goes between nodes takes up to so long; 0: as long as the seed likes
    bool traced;                // keep the trace's lines, and not only their hash
    zanni_sim_text_fn *line;    // gets each as it comes; may be NULL
    zanni_sim_text_fn *stuck;   // everybody waits for ever: gets the seed, and the trace that was kept
    void *context;              // of both
} zanni_sim_options_t;

/* A world without nodes. `options` may be NULL. ZANNI_ENOMEM, ZANNI_EINVAL. */
ZANNI_EXPORT int zanni_sim_new (zanni_sim_t **sim_p, const zanni_sim_options_t *options) ZANNI_CHECKED;

/* Forgives NULL, and nulls it. Its nodes have to be destroyed before. */
ZANNI_EXPORT void zanni_sim_destroy (zanni_sim_t **sim_p);

/* zanni_new, with a node of this world; `options` may be NULL, and what they say of seams is ignored. Its root is served while
   the program waits for something else, too: its handlers and callbacks run, on the thread of the program. Several nodes are
   several roots. As zanni_new. */
ZANNI_EXPORT int zanni_sim_node (zanni_sim_t *sim, zanni_t **self_p, const zanni_options_t *options) ZANNI_CHECKED;

/* Sets the seams in options for a zanni_new of the program's own, whose root is only served as programs do it: by
   zanni_run, zanni_step, zanni_call, zanni_receive. For one zanni_new. ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_sim_plug (zanni_sim_t *sim, zanni_options_t *options) ZANNI_CHECKED;

/* Runs until nobody can do anything before time goes on. `self`, a root or attached actor that nobody else serves, takes part;
   NULL: none. */
ZANNI_EXPORT void zanni_sim_settle (zanni_sim_t *sim, zanni_t *self);

/* Lets so much time go by, and everybody run as they would meanwhile. */
ZANNI_EXPORT void zanni_sim_pass (zanni_sim_t *sim, int64_t ms);

/* Virtual time. Any handler, too. */
ZANNI_EXPORT int64_t zanni_sim_now_ns (const zanni_sim_t *sim);

/* What a handler does that takes its time: the clock goes on, nobody else runs but watchdogs (`watchdog_ms` of zanni_spawn_t):
   a process that one kills ends at that moment, as far as anybody can tell. Any handler. */
ZANNI_EXPORT void zanni_sim_spend (zanni_sim_t *sim, int64_t ns);

/* Numbers from the world's seed, for what the program does by chance; the second is below `limit`, which is at least 1. Any
   handler. */
ZANNI_EXPORT uint64_t zanni_sim_random (zanni_sim_t *sim);
ZANNI_EXPORT uint32_t zanni_sim_below (zanni_sim_t *sim, uint32_t limit);

/* What goes wrong from now on inside of nodes. Between two workers a batch that is lost comes back to its sender, and no
   other passes it: the runtime has to find another way, so actors notice no more than that it takes longer. */
typedef struct {
    uint64_t refuse_post;          // the n-th post (from 1) is refused for lack of memory, once; 0: none
    uint64_t lose_batch;           // the n-th is taken, and lost later; 0: none
    uint32_t refuse_percent;       // so many of all posts
    uint32_t lose_percent;
    uint32_t closed_percent;       // of all workers that are made: there are no sockets for them
    uint32_t threadless_percent;   // of all workers that are to be started: there is no thread
    uint32_t slow_percent;         // of all steps of a worker, and of all waits of one that may: the next one comes later, by
    int64_t slow_ns;               // up to so long, while others go on
    uint64_t reset_message;        // behind the n-th message between nodes its connection breaks, once; 0: none
    uint32_t reset_percent;        // behind so many of all
    uint32_t repeat_percent;       // of all messages between nodes but the first by a connection: they come twice
    uint32_t unreachable_percent;  // of all connections that are to be made: nobody answers
} zanni_sim_faults_t;

ZANNI_EXPORT void zanni_sim_set_faults (zanni_sim_t *sim, const zanni_sim_faults_t *faults);

/* Nodes of zanni_sim_node, by their roots. From now on nothing arrives between the two, or between `one` and any other where
   the other is NULL: connections stay, until a side misses answers for too long, as with a network that is down. Cuts add up.
   ZANNI_EINVAL: no such node; ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_sim_cut (zanni_sim_t *sim, zanni_t *one, zanni_t *other) ZANNI_CHECKED;

/* Takes cuts of just these two back; NULL for the other: all of `one`; for both: all. */
ZANNI_EXPORT void zanni_sim_heal (zanni_sim_t *sim, zanni_t *one, zanni_t *other);

/* Connections between the two (NULL: of `one` with any) break: each side gets what was under way up to some point, and then
   hears of the end. ZANNI_EINVAL. */
ZANNI_EXPORT int zanni_sim_reset (zanni_sim_t *sim, zanni_t *one, zanni_t *other) ZANNI_CHECKED;

/* The process of that node ends at once, as by a signal: its connections break, and nothing leaves any more. What is left of
   it is memory, for the program to free as ever, by zanni_ref_destroy, zanni_destroy: what its actors do meanwhile (their
   `stop` hooks run) is heard by nobody, and takes no time. That its host goes down is a cut before. ZANNI_EINVAL. */
ZANNI_EXPORT int zanni_sim_crash (zanni_sim_t *sim, zanni_t *self) ZANNI_CHECKED;

/* The process of that process actor ends by a signal, as far as anybody can tell; see zanni_sim_crash. Its `stop` may run, unheard.
   A supervisor begins it again as ever. ZANNI_EINVAL: it is none of this world's, or has ended. */
ZANNI_EXPORT int zanni_sim_kill (zanni_sim_t *sim, const zanni_ref_t *process, int signal) ZANNI_CHECKED;

/* How many posts there were between workers, refused ones included. */
ZANNI_EXPORT uint64_t zanni_sim_posts (const zanni_sim_t *sim);

/* What happened so far: one line for each thing that the seed decided, and those that the program added by zanni_sim_note.
   Traces are equal where their hashes are. The text is "" unless options asked for it; as long as nothing happens. */
ZANNI_EXPORT void zanni_sim_note (zanni_sim_t *sim, const char *format, ...)
#if defined __GNUC__
    __attribute__ ((format (printf, 2, 3)))
#endif
    ;
ZANNI_EXPORT uint64_t zanni_sim_hash (const zanni_sim_t *sim);
ZANNI_EXPORT const char *zanni_sim_trace (const zanni_sim_t *sim);

#ifdef __cplusplus
}
#endif
#endif
