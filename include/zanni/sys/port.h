/* port.h: the seam through which the workers of one node exchange messages.

   A worker collects what its actors produced for another worker in a batch and posts it; the other one takes it in
   with zanni_worker_deliver. The default port is a DEALER bound to an inproc endpoint and a ROUTER that dials.

   What one worker posts to another is delivered in that order. A port that gives a batch back undelivered (its receiver
   has closed) gives back, in order, everything that was posted behind it, and answers ZANNI_ECLOSED from then on.
   Weaker stability promise than the rest of the API.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SYS_PORT_H
#define ZANNI_SYS_PORT_H

#include "../error.h"

typedef struct zanni_worker zanni_worker_t;
typedef struct zanni_batch zanni_batch_t;

typedef struct zanni_port_ops {
    size_t size;   // sizeof (zanni_port_ops_t), or 0
    void *context;
    /* Makes the receiving end of `worker`, before anybody posts to it. Called on a thread that may differ from the
       worker's, with a full fence in between. 0, or ZANNI_ENOMEM, ZANNI_ESOCKETS, ZANNI_EDESCRIPTORS. */
    int (*open) (void *context, zanni_worker_t *worker, void **port_p);
    /* Gives `batch` to `to`. On 0 the port owns it: it is delivered, or answered with zanni_batch_undelivered from
       any thread. Otherwise (the receiver is gone: ZANNI_ECLOSED; ZANNI_ENOMEM, ...) it is still the caller's. Must
       not block. On the posting worker's thread. */
    int (*post) (void *port, zanni_worker_t *to, zanni_batch_t *batch);
    /* Hands every batch that waits to zanni_worker_deliver; answers their number. Must not block. */
    int (*receive) (void *port);
    /* Blocks until a batch waits, `fd` (unless -1) is readable, or the node's clock reaches `until_ns`. May deliver
       what ended the wait: answers how many batches it did. 0: none, some may wait; -1: none, and none waits;
       ZANNI_EDEADLOCK: nothing ever would end it, which whoever waits gets, and only a simulated port knows. */
    int (*wait) (void *port, int64_t until_ns, int fd);
    /* A descriptor that polls readable when a batch arrived after the last receive, or -1. */
    int (*fd) (void *port);
    /* Whether a batch waits for receive, whatever the descriptor shows. */
    bool (*waiting) (void *port);
    /* Closes the port, on the worker's own thread; what nobody received becomes undelivered. */
    void (*close) (void *port);
} zanni_port_ops_t;

#ifdef __cplusplus
extern "C" {
#endif

/* Takes a batch in, on the thread of `worker`; consumes it. */
ZANNI_EXPORT void zanni_worker_deliver (zanni_worker_t *worker, zanni_batch_t *batch);

/* Turns a batch that no one will receive into dead letters and errors to askers; consumes it. Any thread. */
ZANNI_EXPORT void zanni_batch_undelivered (zanni_batch_t *batch);

/* The worker's serial, never used twice in its node, and the node's 16-byte id: together the address of its port. */
ZANNI_EXPORT uint64_t zanni_worker_serial (const zanni_worker_t *worker);
ZANNI_EXPORT const uint8_t *zanni_worker_node_id (const zanni_worker_t *worker);

/* The port that `open` made for the worker, or NULL. */
ZANNI_EXPORT void *zanni_worker_port (const zanni_worker_t *worker);

/* Waits in the worker's port, or returns at once when it has something to do; on its thread. */
ZANNI_EXPORT void zanni_worker_wait (zanni_worker_t *worker, int64_t until_ns, int fd);

/* The time by the clock of the worker's node. */
ZANNI_EXPORT int64_t zanni_worker_now_ns (const zanni_worker_t *worker);

#ifdef __cplusplus
}
#endif
#endif
