/* conductor.h: leads a run of the pipeline. */

#ifndef PIPELINE_CONDUCTOR_H
#define PIPELINE_CONDUCTOR_H

#include "options.h"

/* What came out of it. */
typedef struct {
    uint64_t sent;         // frames that the source was told to make
    uint64_t arrived;      // of them, at the sink, checked and in order
    double seconds;        // from the first "make" to the last arrival
    int signal;            // the one that ended it early, or 0
    zanni_error_t error;   // why it came to nothing
} result_t;

/* How many frames are under way at once, at most. */
unsigned conductor_in_flight (const options_t *options);

/* Starts the stages and the first frames; zanni_run then returns when it is over. The class "conductor" must be served;
   `signals` is a signalfd. Both pointers stay valid until the node has ended. */
int conductor_begin (zanni_t *self, const options_t *options, int signals, result_t *result);

#endif
