/* What happens to other nodes, told between the workers of this one.

   An event is a message for a worker, not for an actor. Those that a worker sends to itself wait for its next look, so that
   a link that tells of something is not called again while it does. */

#include "../worker.h"

#include <stdio.h>
#include <zanni/sys/link.h>

_Static_assert (sizeof (zanni_node_event_t) <= ZANNI__MESSAGE_ROOM, "an event fits a message");

/* `to` is held by the message, and so is its node. */
static void
s_send (zanni_worker_t *from, zanni_worker_t *to, const zanni_node_event_t *event)
{
    zanni_msg_t *msg = zanni__msg_new (from);
    if (!msg) {
        zanni__log (from->node, ZANNI_LOG_ERROR, "out of memory: %s does not hear what happened to another node",
                    to->name);
        return;
    }
    zanni_worker_hold (to);
    msg->item.kind = ZANNI__EVENT;
    msg->to = (zanni__identity_t *) (void *) to;
    memcpy (msg->room, event, sizeof *event);
    if (to == from)
        zanni__queue_push (&from->events, &msg->item);
    else
        zanni__post (from, to, &msg->item);
}

/* The worker with that number, held, or NULL. */
static zanni_worker_t *
s_worker (zanni_node_t *node, uint32_t number, bool *more)
{
    pthread_mutex_lock (&node->lock);
    *more = number < node->workers_size;
    zanni_worker_t *worker = *more ? node->workers [number] : NULL;
    if (worker)
        zanni_worker_hold (worker);
    pthread_mutex_unlock (&node->lock);
    return worker;
}

void
zanni_worker_event (zanni_worker_t *from, zanni_worker_t *to, const zanni_node_event_t *event)
{
    bool more = true;
    if (to)
        s_send (from, to, event);
    for (uint32_t number = 0; !to && more; number++) {
        zanni_worker_t *worker = s_worker (from->node, number, &more);
        if (!worker)
            continue;
        s_send (from, worker, event);
        zanni_worker_drop (worker);
    }
    zanni__uncorked (from);
}

/* Others may dial from now on. */
static void
s_listen (zanni_worker_t *worker)
{
    int fd = worker->listen_fd, lane_fd = worker->lane_fd;
    worker->listen_fd = worker->lane_fd = -1;
    int rc = zanni__worker_link (worker);
    if (!rc)
        rc = worker->node->link->listen (worker->link, worker->endpoint, fd, lane_fd);
    if (rc)
        zanni__log (worker->node, ZANNI_LOG_ERROR, "%s cannot be reached from other processes: %s", worker->name,
                    zanni_strerror (rc));
}

void
zanni__event_arrives (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni_node_event_t event;
    memcpy (&event, msg->room, sizeof event);
    zanni__msg_release (worker, msg);
    if (worker->link_over) {   // it came too late, whatever it is
        zanni_worker_drop (worker);
        return;
    }
    if (event.change == ZANNI_NODE_LISTEN && (worker->listen_fd >= 0 || worker->node->link->seat))
        s_listen (worker);
    else if (event.change == ZANNI_NODE_WATCH && *event.endpoint && zanni__worker_link (worker))   // of the control thread, its first
        zanni__log (worker->node, ZANNI_LOG_ERROR, "too little memory or too few sockets to see whether %s lives", event.endpoint);
    else if (worker->link)
        worker->node->link->event (worker->link, &event);
    zanni_worker_drop (worker);
}

void
zanni__events_look (zanni_worker_t *worker)
{
    zanni__item_t *item;
    while ((item = zanni__queue_pop (&worker->events)))
        zanni__event_arrives (worker, (zanni_msg_t *) (void *) item);
}
