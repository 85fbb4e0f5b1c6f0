/* watch.h: watches as the worker sees them, and descriptors that the library watches for itself. */

#ifndef ZANNI_ACTOR_WATCH_H
#define ZANNI_ACTOR_WATCH_H

#include "worker.h"

/* Fires the watches whose descriptor or socket is ready; calls the hooks of those that are. Waits for that as long at most
   (INT64_MAX: for ever). */
void zanni__watches_poll (zanni_worker_t *worker, int64_t left_ns);

/* Whether an armed socket has something to read or room to write, whatever its descriptor says. */
bool zanni__watches_ready (const zanni_worker_t *worker);

/* Waits in the epoll set alone, for a worker without a port. */
void zanni__watches_wait (zanni_worker_t *worker, int64_t left_ns);

/* One descriptor that is readable when `fd` (or -1) or a watch is; that `fd` was is seen as a stir of the port. */
int zanni__watches_with (zanni_worker_t *worker, int fd);
void zanni__watches_without (zanni_worker_t *worker, int fd);

void zanni__watches_close (zanni_worker_t *worker);

/* A descriptor of the library's own. `ready` is called by the worker's look when epoll tells of it, and may remove it. */
typedef struct zanni__hook_fd {
    int fd;
    void (*ready) (zanni_worker_t *worker, struct zanni__hook_fd *hook, uint32_t epoll_events);
    struct zanni__hook_fd *next;   // of those that are added
} zanni__hook_fd_t;

/* 0, ZANNI_EDESCRIPTORS, ZANNI_ENOMEM. */
int zanni__hook_fd_add (zanni_worker_t *worker, zanni__hook_fd_t *hook, uint32_t epoll_events);
void zanni__hook_fd_remove (zanni_worker_t *worker, zanni__hook_fd_t *hook);

#endif
