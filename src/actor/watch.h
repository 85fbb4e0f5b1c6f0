/* watch.h: the watches of a worker: one epoll set for all, and the ZeroMQ sockets, whose descriptor only says that
   their events are worth a look. */

#ifndef ZANNI_ACTOR_WATCH_H
#define ZANNI_ACTOR_WATCH_H

#include "worker.h"

/* Tells the actors whose descriptors or sockets are ready; does not block. */
void zanni__watches_poll (zanni_worker_t *worker);

/* Whether a watched socket has something that its descriptor may not show. */
bool zanni__watches_ready (const zanni_worker_t *worker);

/* Waits for a watch or the time; for a worker that has no port. */
void zanni__watches_wait (zanni_worker_t *worker, int64_t left_ns);

void zanni__watches_close (zanni_worker_t *worker);

#endif
