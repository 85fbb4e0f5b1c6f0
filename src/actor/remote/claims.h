/* claims.h: the seam by which large buffers leave the node as blobs in a store (claim check), and come in from there.

   store/claim.c fills it; a node has it where its options name a store. On the worker's thread, and none waits for another
   node. */

#ifndef ZANNI_ACTOR_REMOTE_CLAIMS_H
#define ZANNI_ACTOR_REMOTE_CLAIMS_H

#include "../worker.h"

typedef struct zanni__claim_ops {
    /* Whether the store can be used, with the reason in `error` where it cannot. */
    int (*check) (zanni_worker_t *worker, zanni_error_t *error);
    /* Puts a buffer. What is answered holds the reference's bytes, and the blob, which goes with its last count. */
    int (*put) (zanni_worker_t *worker, zanni_buffer_t **claim_p, const zanni_buffer_t *buffer);
    /* A buffer by the reference's bytes. */
    int (*take) (zanni_worker_t *worker, zanni_buffer_t **buffer_p, const uint8_t *bytes);
    void (*close) (zanni_worker_t *worker);
} zanni__claim_ops_t;

#endif
