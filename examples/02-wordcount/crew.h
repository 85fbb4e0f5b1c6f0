/* crew.h: the counters, and the supervisor that begins them again when they die. */

#ifndef WORDCOUNT_CREW_H
#define WORDCOUNT_CREW_H

#include "options.h"

typedef struct {
    char name [16];     // by which the supervisor knows it
    zanni_ref_t *ref;   // to it as it was found last, or NULL
    int pid;            // of the process that it is in, as far as it has said; 0 from when it is killed
    int killed;         // what that was then
} counter_t;

typedef struct {
    zanni_ref_t *supervisor;          // ask it for "child" with a counter's name
    counter_t counters [WORKERS_MAX];
    unsigned count;
    unsigned short random [3];        // for --chaos: nrand48's state,
    unsigned left;                    // ... and the chunks that are counted before the next kill; 0: there is none
} crew_t;

/* Begins as many counters as the options say, where they say; waits until they are there. `error` says why not. */
int crew_begin (zanni_t *self, crew_t *crew, const options_t *options, zanni_error_t *error);

/* Ends them all. */
void crew_end (crew_t *crew);

/* A counter, in that process, has counted a chunk. Where it is time, kills somebody: then true. */
bool crew_has_counted (zanni_t *self, crew_t *crew, counter_t *counter, int pid);

#endif
