/* tally.h: messages and bytes of each method, as one worker counts them. See tally.c. */

#ifndef ZANNI_ACTOR_TALLY_H
#define ZANNI_ACTOR_TALLY_H

#include "worker.h"

typedef struct zanni__tally zanni__tally_t;

/* NULL: out of memory. */
zanni__tally_t *zanni__tally_new (void);
void zanni__tally_destroy (zanni__tally_t **tally_p);

/* The worker ends: what it counted becomes the node's. On its own thread, under the node's lock. */
void zanni__tally_leave (zanni_worker_t *worker);

/* Counts a message that has its method. On the worker's thread. */
void zanni__tally_add (zanni_worker_t *worker, const zanni_msg_t *msg);

#endif
