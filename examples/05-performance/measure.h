/* measure.h: messages to an actor, and where their time goes. */

#ifndef PERFORMANCE_MEASURE_H
#define PERFORMANCE_MEASURE_H

#include "tip.h"

#define MEASURE_ROUNDS 9
#define MEASURE_WAYS 2      // at once, at most
#define MEASURE_WINDOW 20   // messages under way at once, where the work is what is compared

double measure_now (void);

/* A node and one sink in it: the other side of what is measured. `self` is declared first, since it goes last. */
typedef struct {
    zanni_t *self;
    zanni_ref_t *sink;
} stage_t;

int stage_open (stage_t *stage, zanni_place_t place, zanni_options_t options);
void stage_close (stage_t *stage);

/* How the one argument of a message is made and what it was made of is given back. */
typedef struct {
    const char *method;
    int (*make) (zanni_t *self, zanni_arg_t *arg, void *context);
    void (*done) (void *context);   // may be NULL
    void *context;
    unsigned repeats;               // messages a round
    unsigned window;                // of them that are under way at once; 0: one
} way_t;

/* What one message costs in each of some ways, of methods of their own: in the shortest round of it. Bytes are what the
   sink's node counted. */
int measure (cost_t *costs, stage_t *stage, const way_t *ways, size_t count);

/* Adds a row of the table. */
void outcome_add (outcome_t *outcome, const char *label, const cost_t *cost);

/* What was counted so far for a method of the sink. */
int stage_count (stage_t *stage, zanni_count_t *count, const char *method);

extern const zanni_class_t sink_class;

#endif
