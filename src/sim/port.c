/* Batches between the workers of a node.

   A parcel is a posted batch; a lane holds those from one worker to another, in order, and belongs to the receiver's port,
   which receives what has arrived. What a closed port had left, and what is behind a parcel that is lost, goes back in
   order. */

#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct s_parcel {
    struct s_parcel *next;
    zanni_batch_t *batch;
    int64_t ready_ns;        // not delivered before
    uint64_t number;         // in its lane
    bool lost;
} s_parcel_t;

struct zanni__sim_lane {
    zanni__sim_lane_t *next;
    uint64_t from;           // number of the sender's port
    s_parcel_t *head;
    s_parcel_t **tail;
    s_parcel_t *coming;      // the first of them that has not arrived
    int64_t last_ns;
    uint64_t count;
    bool broken;
};

static void
s_push (zanni__sim_lane_t *lane, s_parcel_t *parcel)
{
    parcel->next = NULL;
    *lane->tail = parcel;
    lane->tail = &parcel->next;
    if (!lane->coming)
        lane->coming = parcel;
}

static s_parcel_t *
s_pop (zanni__sim_lane_t *lane)
{
    s_parcel_t *parcel = lane->head;
    if (parcel && !(lane->head = parcel->next))
        lane->tail = &lane->head;
    return parcel;
}

static int
s_open (void *context, zanni_worker_t *worker, void **port_p)
{
    zanni__sim_node_t *node = context;
    zanni_sim_t *sim = node->sim;
    if (zanni__sim_draw (sim, sim->faults.closed_percent))
        return ZANNI_ESOCKETS;
    zanni__sim_port_t *port = calloc (1, sizeof *port);
    if (!port)
        return ZANNI_ENOMEM;
    port->sim = sim;
    port->node = node;
    port->worker = worker;
    port->number = ++sim->ports_made;
    port->next = sim->ports;
    sim->ports = port;
    *port_p = port;
    return 0;
}

static zanni__sim_lane_t *
s_lane (zanni__sim_port_t *port, uint64_t from)
{
    zanni__sim_lane_t *lane = port->lanes;
    while (lane && lane->from != from)
        lane = lane->next;
    if (lane)
        return lane;
    lane = calloc (1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->from = from;
    lane->tail = &lane->head;
    lane->next = port->lanes;
    port->lanes = lane;
    return lane;
}

/* The undertaker posts what others could not: its own posts always arrive. */
static bool
s_is_undertaker (const zanni_sim_t *sim, const zanni_worker_t *worker)
{
    for (const zanni__sim_driver_t *driver = sim->drivers; driver; driver = driver->next)
        if (driver->place && driver->place->undertaker == worker)
            return true;
    return false;
}

static int
s_send (zanni__sim_port_t *from, zanni__sim_lane_t *lane, zanni_batch_t *batch)
{
    zanni_sim_t *sim = from->sim;
    s_parcel_t *parcel = calloc (1, sizeof *parcel);
    if (!parcel)
        return ZANNI_ENOMEM;
    parcel->batch = batch;
    parcel->number = ++lane->count;
    parcel->ready_ns = sim->now_ns;
    if (!s_is_undertaker (sim, from->worker))
        parcel->lost = zanni__sim_fault (sim, &sim->faults.lose_batch, sim->faults.lose_percent);
    if (sim->options.latency_ns)
        parcel->ready_ns += (int64_t) (zanni_sim_random (sim) % (uint64_t) (sim->options.latency_ns + 1));
    if (parcel->ready_ns < lane->last_ns)
        parcel->ready_ns = lane->last_ns;
    lane->last_ns = parcel->ready_ns;
    s_push (lane, parcel);
    return 0;
}

static int
s_post (void *self, zanni_worker_t *to, zanni_batch_t *batch)
{
    zanni__sim_port_t *from = self;
    zanni_sim_t *sim = from->sim;
    zanni__sim_port_t *port = zanni_worker_port (to);
    sim->posts++;
    if (!port)
        return ZANNI_ECLOSED;
    zanni__sim_lane_t *lane = s_lane (port, from->number);
    if (!lane)
        return ZANNI_ENOMEM;
    if (lane->broken)
        return ZANNI_ECLOSED;
    if (zanni__sim_fault (sim, &sim->faults.refuse_post, sim->faults.refuse_percent)) {
        zanni_sim_note (sim, "refused %" PRIu64 ">%" PRIu64, lane->from, port->number);
        return ZANNI_ENOMEM;
    }
    return s_send (from, lane, batch);
}

static bool
s_has_arrived (const zanni__sim_lane_t *lane)
{
    return lane->head && lane->head != lane->coming;
}

bool
zanni__sim_port_arrived (const zanni__sim_port_t *port)
{
    if (port)
        for (const zanni__sim_lane_t *lane = port->lanes; lane; lane = lane->next)
            if (s_has_arrived (lane))
                return true;
    return false;
}

zanni__sim_lane_t *
zanni__sim_lane_coming (const zanni__sim_port_t *port, const zanni__sim_lane_t *before, int64_t *ready_ns)
{
    zanni__sim_lane_t *lane = before ? before->next : port->lanes;
    while (lane && !lane->coming)
        lane = lane->next;
    if (lane)
        *ready_ns = port->node->crashed ? 0 : lane->coming->ready_ns;
    return lane;
}

void
zanni__sim_lane_arrive (zanni__sim_lane_t *lane)
{
    lane->coming = lane->coming->next;
}

/* What is left goes back in its order, and nothing passes here any more. */
static void
s_break (zanni__sim_lane_t *lane)
{
    s_parcel_t *parcel;
    lane->broken = true;
    lane->coming = NULL;
    while ((parcel = s_pop (lane))) {
        zanni_batch_undelivered (parcel->batch);
        free (parcel);
    }
}

/* One of the parcels that are first in their lanes and have arrived. */
static bool
s_deliver_one (zanni__sim_port_t *port)
{
    zanni_sim_t *sim = port->sim;
    zanni__sim_lane_t *chosen = NULL;
    uint32_t count = 0;
    for (zanni__sim_lane_t *lane = port->lanes; lane; lane = lane->next)
        if (s_has_arrived (lane) && zanni_sim_below (sim, ++count) == 0)
            chosen = lane;
    if (!chosen)
        return false;
    bool lost = chosen->head->lost;
    sim->delivered++;
    zanni_sim_note (sim, "%s %" PRIu64 ">%" PRIu64 " #%" PRIu64, lost ? "lost" : "batch", chosen->from, port->number,
                    chosen->head->number);
    if (lost)
        s_break (chosen);
    else {
        s_parcel_t *parcel = s_pop (chosen);
        zanni_worker_deliver (port->worker, parcel->batch);
        free (parcel);
    }
    return true;
}

static int
s_receive (void *self)
{
    int count = 0;
    while (s_deliver_one (self))
        count++;
    return count;
}

static bool
s_is_stirred (void *self)
{
    const zanni__sim_port_t *port = self;
    return port->stirred || port->node->crashed || zanni__sim_port_arrived (port);
}

static bool
s_is_stirred_afar (void *self)
{
    const zanni__sim_port_t *port = self;
    return port->stirred || port->node->crashed;
}

static bool
s_is_crashed (void *self)
{
    return ((const zanni__sim_port_t *) self)->node->crashed;
}

bool
zanni__sim_port_wait (zanni__sim_port_t *port, int64_t until_ns, bool afar)
{
    port->waits++;
    bool hopeful = zanni__sim_wait (port->sim, afar ? s_is_stirred_afar : s_is_stirred, port, until_ns);
    int64_t pause_ns = zanni__sim_node_pause (port->node);
    if (pause_ns)
        (void) zanni__sim_wait (port->sim, s_is_crashed, port, port->sim->now_ns + pause_ns);
    port->waits--;
    zanni__sim_node_skip (port->node, until_ns);
    zanni_worker_enter (port->worker);   // somebody else may have had to
    port->stirred = false;
    return hopeful;
}

static int
s_wait (void *self, int64_t until_ns, int fd)
{
    zanni__sim_port_t *port = self;
    (void) fd;
    return zanni__sim_port_wait (port, until_ns, false) ? s_deliver_one (port) : ZANNI_EDEADLOCK;
}

static int
s_fd (void *self)
{
    (void) self;
    return -1;
}

static bool
s_waiting (void *self)
{
    return zanni__sim_port_arrived (self);
}

static void
s_close (void *self)
{
    zanni__sim_port_t *port = self;
    zanni__sim_port_t **at = &port->sim->ports;
    zanni__sim_lane_t *lane;
    zanni__sim_root_forget (port->sim, port->worker);
    while (*at != port)
        at = &(*at)->next;
    *at = port->next;
    while ((lane = port->lanes)) {
        port->lanes = lane->next;
        s_break (lane);
        free (lane);
    }
    free (port);
}

const zanni_port_ops_t zanni__sim_port_ops = {
    .size = sizeof (zanni_port_ops_t), .open = s_open, .post = s_post, .receive = s_receive, .wait = s_wait, .fd = s_fd,
    .waiting = s_waiting, .close = s_close
};
