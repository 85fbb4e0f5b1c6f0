/* measure.h: messages to an actor, and where their time goes. */

#ifndef PERFORMANCE_MEASURE_H
#define PERFORMANCE_MEASURE_H

#include "tip.h"

#define MEASURE_ROUNDS 9

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
} way_t;

/* The cost of one such message: of the shortest round. Bytes are what the sink's node counted. */
int measure (cost_t *cost, stage_t *stage, const way_t *way);

double cost_seconds (const cost_t *cost);

/* Adds a row of the table. */
void outcome_add (outcome_t *outcome, const char *label, const cost_t *cost);

/* What was counted so far for a method of the sink. */
int stage_count (stage_t *stage, zanni_count_t *count, const char *method);

extern const zanni_class_t sink_class;

#endif
