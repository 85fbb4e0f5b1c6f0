/* Endpoints: where a worker's actors are reached from other processes.

   A worker gets one when a reference to one of its actors first leaves the process, on whatever thread that happens: the
   socket is made and listens at once, so that nobody who dials is refused, and the worker adopts it when it comes to it.
   All sockets of a process lie under one lease in the user's runtime directory. */

#include "../actor/worker.h"

#include <unistd.h>
#include <zanni/sys/link.h>

/* Under the lock. */
static int
s_lease (zanni_node_t *node)
{
    const char *why = NULL;
    uint64_t tag;
    if (node->lease)
        return 0;
    int rc = node->clock.random (node->clock.context, &tag, sizeof tag);
    if (!rc)
        rc = zanni__lease_new (&node->lease, (const uint8_t *) &tag, &why);
    if (rc)
        zanni__log (node, ZANNI_LOG_ERROR, "no sockets for other processes can be made: %s",
                    why ? why : zanni_strerror (rc));
    return rc;
}

/* Under the lock; whether it is new. */
static int
s_make (zanni_worker_t *worker, bool *made)
{
    zanni__seat_t seat;
    const zanni_link_ops_t *link = worker->node->link;
    *made = !*worker->endpoint;
    if (!*made)
        return 0;
    if (link->seat)
        return link->seat (link->context, worker, worker->endpoint);
    int rc = s_lease (worker->node);
    if (!rc)
        rc = zanni__lease_listen (worker->node->lease, &seat);
    if (rc)
        return rc;
    memcpy (worker->endpoint, seat.endpoint, sizeof worker->endpoint);
    worker->listen_fd = seat.fd;
    worker->lane_fd = seat.lane_fd;
    return 0;
}

int
zanni__worker_endpoint (zanni_worker_t *from, zanni_worker_t *worker, const char **endpoint_p)
{
    zanni_node_t *node = worker->node;
    bool made = false;
    pthread_mutex_lock (&node->lock);
    int rc = s_make (worker, &made);
    pthread_mutex_unlock (&node->lock);
    if (rc)
        return rc;
    *endpoint_p = worker->endpoint;   // it does not change any more
    if (made) {
        const zanni_node_event_t event = { .change = ZANNI_NODE_LISTEN };
        zanni_worker_event (from, worker, &event);
    }
    return 0;
}

int
zanni_worker_endpoint (zanni_worker_t *worker, const char **endpoint_p)
{
    return zanni__worker_endpoint (worker, worker, endpoint_p);
}

/* The worker ends: nobody is to dial it. A process actor's own endpoint is its launcher's to unlink. */
void
zanni__worker_unlisten (zanni_worker_t *worker)
{
    zanni_node_t *node = worker->node;
    pthread_mutex_lock (&node->lock);
    if (node->lease && *worker->endpoint && worker->kind != ZANNI__WORKER_PROCESS)
        zanni__lease_unlisten (node->lease, worker->endpoint);
    if (worker->listen_fd >= 0)
        close (worker->listen_fd);
    if (worker->lane_fd >= 0)
        close (worker->lane_fd);
    worker->listen_fd = worker->lane_fd = -1;
    pthread_mutex_unlock (&node->lock);
}
