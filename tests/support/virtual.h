/* virtual.h: a world of one thread, virtual time and one seed: the second clock, port and place of a node.

       virtual_t *world = virtual_new (&(virtual_options_t) { .seed = 7 });
       zanni_options_t options = ZANNI_OPTIONS_DEFAULT;
       virtual_plug (world, &options);
       rc = zanni_new (&self, &options);      // from here on as ever
       rc = zanni_run (self, 1000);           // a second of virtual time
       rc = zanni_destroy (&self);
       virtual_destroy (&world);

   All workers of the node run on the calling thread. Whenever the root waits (zanni_call, zanni_receive, zanni_run, a
   spawn), the world runs the others, one step at a time, in an order that the seed chooses; the seed also chooses when a
   posted batch arrives. Where nobody can run, time goes on to the next moment at which somebody can. What one worker
   posts to another arrives in order. Same seed and same program: same trace.

   Out of scope: `run` hooks, and THREAD actors that wait for what only somebody further up the stack could do (a handler
   that calls the root): the world says so and aborts. Descriptors are not watched. */

#ifndef TESTS_SUPPORT_VIRTUAL_H
#define TESTS_SUPPORT_VIRTUAL_H

#include <zanni/node.h>

typedef struct virtual virtual_t;

typedef struct {
    uint64_t seed;
    int64_t tick_ns;      // a look at the clock takes up to so long; 0: time stands while anybody can run
    int64_t latency_ns;   // a batch is under way for up to so long; 0: as long as the seed likes
    bool traced;          // keep the trace's lines, and not only their hash
    bool echoed;          // and write each to stderr as it comes
} virtual_options_t;

/* What the port does wrong, from now on. A broken lane takes no more (ZANNI_ECLOSED), so that what is behind a lost
   batch does not overtake it; the undertaker's own lanes do not break. */
typedef struct {
    uint64_t refuse_post;       // refuses the n-th post (from 1) with ZANNI_ENOMEM, once; 0: none
    uint64_t lose_batch;        // accepts the n-th; then gives it back undelivered and breaks its lane; 0: none
    uint32_t refuse_percent;    // so many of all posts
    uint32_t lose_percent;
    uint32_t closed_percent;    // of all ports that are to be opened: ZANNI_ESOCKETS
    uint32_t threadless_percent;   // of all workers that are to be started: ZANNI_ETHREADS
} virtual_faults_t;

virtual_t *virtual_new (const virtual_options_t *options);
void virtual_destroy (virtual_t **world_p);

/* Sets clock, port and place. Several nodes may live in one world. */
void virtual_plug (virtual_t *world, zanni_options_t *options);

int64_t virtual_now_ns (const virtual_t *world);

/* A number from the world's seed; below `limit`, which is at least 1. */
uint64_t virtual_random (virtual_t *world);
uint32_t virtual_below (virtual_t *world, uint32_t limit);

/* What a handler does that takes its time: the clock goes on, nobody else runs. */
void virtual_spend (virtual_t *world, int64_t ns);

/* Runs everybody, `self` included, until nobody can do anything before time goes on. `self` is the root's, or NULL. */
void virtual_settle (virtual_t *world, zanni_t *self);

void virtual_set_faults (virtual_t *world, const virtual_faults_t *faults);

/* How many posts there were, refused ones included. */
uint64_t virtual_posts (const virtual_t *world);

/* What happened: one line a delivery, and those that the test added. The text is "" unless options asked for it. */
void virtual_note (virtual_t *world, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
uint64_t virtual_hash (const virtual_t *world);
const char *virtual_trace (const virtual_t *world);

#endif
