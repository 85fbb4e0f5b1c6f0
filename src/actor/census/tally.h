/* tally.h: messages and bytes of each method, as one worker counts them. See tally.c. */

#ifndef ZANNI_ACTOR_CENSUS_TALLY_H
#define ZANNI_ACTOR_CENSUS_TALLY_H

#include "../worker.h"

typedef struct zanni__tally zanni__tally_t;

/* NULL: out of memory. */
zanni__tally_t *zanni__tally_new (void);
void zanni__tally_destroy (zanni__tally_t **tally_p);

/* The worker ends: what it counted becomes the node's. On its own thread, under the node's lock. */
void zanni__tally_leave (zanni_worker_t *worker);

/* Counts a message that has its method, in a row that stays as long as the worker: NULL, out of memory. Then the time that
   its handler took, if it has one. On the worker's thread. */
struct zanni__row *zanni__tally_add (zanni_worker_t *worker, const zanni_msg_t *msg);
void zanni__tally_took (struct zanni__row *row, int64_t ns);

#endif
