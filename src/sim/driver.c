/* Workers that are stepped: those that a place started, undertakers, and roots.

   A worker whose actors may wait has a thread of its own, on which it is stepped, too, so that others run between any two of
   its steps. Roots are stepped on the program's thread, where their owner may wait. All others are stepped by whoever
   schedules: their handlers do not wait. */

#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>

#define S_ROOT_MESSAGES 64   // a step

zanni__sim_driver_t *
zanni__sim_driver_new (zanni_sim_t *sim, zanni__sim_place_t *place, zanni_worker_t *worker)
{
    zanni__sim_driver_t **at = &sim->drivers;
    zanni__sim_driver_t *driver = calloc (1, sizeof *driver);
    if (!driver)
        return NULL;
    while (*at)
        at = &(*at)->next;
    zanni_worker_hold (worker);
    driver->sim = sim;
    driver->worker = worker;
    driver->place = place;
    *at = driver;
    return driver;
}

void
zanni__sim_driver_forget (zanni__sim_driver_t *driver)
{
    zanni__sim_driver_t **at = &driver->sim->drivers;
    while (*at != driver)
        at = &(*at)->next;
    *at = driver->next;
    zanni_worker_drop (driver->worker);
    free (driver);
}

static bool
s_is_undertaker (const zanni__sim_driver_t *driver)
{
    return driver->place && driver->place->undertaker == driver->worker;
}

static bool
s_is_stirred (const zanni__sim_driver_t *driver)
{
    const zanni__sim_port_t *port = zanni_worker_port (driver->worker);
    return (s_is_undertaker (driver) && driver->place->roused) || (port && port->stirred) || zanni__sim_port_arrived (port);
}

/* Its owner waits already, and so serves it. */
static bool
s_is_served (const zanni__sim_driver_t *driver)
{
    const zanni__sim_port_t *port = zanni_worker_port (driver->worker);
    return driver->self && port && port->waits;
}

/* Of a process that has crashed nothing is slow any more: its ends are this program's only, and their time runs ahead. */
static int64_t
s_not_before (const zanni__sim_driver_t *driver)
{
    const zanni__sim_port_t *port = zanni_worker_port (driver->worker);
    return port && port->node->crashed ? 0 : driver->not_before_ns;
}

bool
zanni__sim_driver_can_run (const zanni__sim_driver_t *driver)
{
    int64_t now_ns = driver->sim->now_ns;
    if (driver->active || now_ns < s_not_before (driver) || s_is_served (driver))
        return false;
    return driver->busy || zanni_worker_next_ns (driver->worker) <= now_ns || s_is_stirred (driver);
}

int64_t
zanni__sim_driver_due (const zanni__sim_driver_t *driver)
{
    if (driver->active || s_is_served (driver))
        return INT64_MAX;
    int64_t next_ns = driver->busy || s_is_stirred (driver) ? driver->sim->now_ns : zanni_worker_next_ns (driver->worker);
    int64_t not_before_ns = s_not_before (driver);
    return next_ns > not_before_ns ? next_ns : not_before_ns;
}

static void
s_end (zanni__sim_driver_t *driver)
{
    const zanni__sim_port_t *port = zanni_worker_port (driver->worker);
    zanni_sim_note (driver->sim, "end %" PRIu64, port->number);
    zanni_worker_end (driver->worker);
    zanni__sim_driver_forget (driver);
}

/* On the thread that steps it; true: it has ended. */
static bool
s_step (zanni__sim_driver_t *driver)
{
    const zanni_sim_t *sim = driver->sim;
    zanni__sim_port_t *port = zanni_worker_port (driver->worker);
    driver->active = true;
    port->stirred = false;
    if (s_is_undertaker (driver))
        driver->place->roused = false;
    if (driver->self)
        driver->busy = zanni_step (driver->self, S_ROOT_MESSAGES) > 0;
    else {
        zanni_worker_enter (driver->worker);
        if (s_is_undertaker (driver))
            zanni__sim_children_tell (driver->place);
        driver->busy = zanni_worker_step (driver->worker);
    }
    driver->not_before_ns = sim->now_ns + zanni__sim_node_pause (port->node);
    bool ends = driver->place && !s_is_undertaker (driver) && zanni_worker_stopping (driver->worker);
    if (!ends)
        driver->active = false;
    return ends;
}

static bool
s_can_go_on (void *context)
{
    return zanni__sim_driver_can_run (context);
}

static void
s_run (void *context)
{
    zanni__sim_driver_t *driver = context;
    while (!s_step (driver))
        (void) zanni__sim_wait (driver->sim, s_can_go_on, driver, INT64_MAX);
    s_end (driver);
}

bool
zanni__sim_driver_threaded (zanni__sim_driver_t *driver)
{
    driver->threaded = zanni__sim_fiber (driver->sim, s_run, driver) != NULL;
    return driver->threaded;
}

static void
s_end_aside (void *context)
{
    zanni__sim_driver_t *driver = context;
    zanni_worker_enter (driver->worker);
    s_end (driver);
}

/* A worker that is linked with other nodes waits for them at its end. */
void
zanni__sim_driver_step (zanni__sim_driver_t *driver)
{
    zanni_sim_t *sim = driver->sim;
    if (driver->self && sim->holder != &sim->main) {
        sim->errand = driver;
        zanni__sim_hand_over (sim, &sim->main);
        return;
    }
    if (!s_step (driver))
        return;
    const zanni__sim_port_t *port = zanni_worker_port (driver->worker);
    zanni__sim_fiber_t *fiber = port->linked ? zanni__sim_fiber (sim, s_end_aside, driver) : NULL;
    if (!fiber)
        s_end (driver);
}

/* Its port is the first that its node opened, and so the last in the world. */
int
zanni__sim_root_new (zanni__sim_node_t *node, zanni_t *self)
{
    zanni__sim_driver_t *driver = zanni__sim_driver_new (node->sim, NULL, node->sim->ports->worker);
    if (!driver)
        return ZANNI_ENOMEM;
    driver->self = node->self = self;
    return 0;
}

void
zanni__sim_root_forget (zanni_sim_t *sim, const zanni_worker_t *worker)
{
    zanni__sim_driver_t *next;
    for (zanni__sim_driver_t *driver = sim->drivers; driver; driver = next) {
        next = driver->next;
        if (driver->self && driver->worker == worker)
            zanni__sim_driver_forget (driver);
    }
}

void
zanni__sim_roots_forget (zanni__sim_node_t *node)
{
    zanni__sim_driver_t *next;
    for (zanni__sim_driver_t *driver = node->sim->drivers; driver; driver = next) {
        next = driver->next;
        if (driver->self && driver->self == node->self)
            zanni__sim_driver_forget (driver);
    }
    node->self = NULL;
}
