/* Threads that are none: a worker of the pool is stepped by whoever schedules, one of a THREAD actor has a stack of its
   own. */

#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>

/* The table has no context: the undertaker's port, which was opened before, knows the world. */
static int
s_open (void **place_p, zanni_worker_t *undertaker)
{
    const zanni__sim_port_t *port = zanni_worker_port (undertaker);
    zanni__sim_place_t *place = calloc (1, sizeof *place);
    if (!place)
        return ZANNI_ENOMEM;
    place->sim = port->sim;
    place->node = port->node;
    place->undertaker = undertaker;
    if (!zanni__sim_driver_new (port->sim, place, undertaker)) {
        free (place);
        return ZANNI_ENOMEM;
    }
    *place_p = place;
    return 0;
}

static void
s_rouse (void *self)
{
    ((zanni__sim_place_t *) self)->roused = true;
}

static int
s_start (void *self, zanni_worker_t *worker)
{
    zanni__sim_place_t *place = self;
    const zanni__sim_port_t *port = zanni_worker_port (worker);
    zanni_sim_t *sim = place->sim;
    if (zanni__sim_draw (sim, sim->faults.threadless_percent))
        return ZANNI_ETHREADS;
    zanni__sim_driver_t *driver = zanni__sim_driver_new (sim, place, worker);
    if (!driver)
        return ZANNI_ENOMEM;
    driver->busy = true;
    if (zanni_worker_may_wait (worker) && !zanni__sim_driver_threaded (driver)) {
        zanni__sim_driver_forget (driver);
        return ZANNI_ETHREADS;
    }
    zanni_sim_note (sim, "start %" PRIu64, port->number);
    return 0;
}

/* Nobody else runs while a handler spends time, so it is its own watchdog. */
int64_t
zanni__sim_watch (zanni_sim_t *sim)
{
    int64_t least_ns = INT64_MAX;
    for (const zanni__sim_driver_t *driver = sim->drivers; driver; driver = driver->next) {
        const zanni__sim_place_t *place = driver->place;
        if (!place || place->undertaker != driver->worker || place->node->crashed)
            continue;
        int64_t next_ns = zanni_worker_watch (place->undertaker);
        least_ns = next_ns < least_ns ? next_ns : least_ns;
    }
    zanni__sim_children_watch (sim);
    return least_ns;
}

static bool
s_is_living (const zanni__sim_driver_t *driver, const zanni__sim_place_t *place)
{
    return driver->place == place && driver->worker != place->undertaker;
}

static int
s_living (const zanni__sim_place_t *place)
{
    int count = 0;
    for (const zanni__sim_driver_t *driver = place->sim->drivers; driver; driver = driver->next)
        count += s_is_living (driver, place);
    return count;
}

static bool
s_all_ended (void *self)
{
    return !s_living (self) && !zanni__sim_children_live (self);
}

static bool
s_is_settled (void *self)
{
    return !zanni_worker_unsettled (((const zanni__sim_place_t *) self)->undertaker);
}

/* The root is the program's again. */
static int
s_finish (void *self, int64_t until_ns, int64_t wait_ns)
{
    zanni__sim_place_t *place = self;
    zanni_sim_t *sim = place->sim;
    (void) until_ns;
    zanni__sim_roots_forget (place->node);
    zanni__sim_children_stop (place);
    for (zanni__sim_driver_t *driver = sim->drivers; driver; driver = driver->next)
        if (s_is_living (driver, place))
            zanni_worker_stop (place->undertaker, driver->worker);
        else if (driver->place == place)
            driver->busy = true;   // a post of these that was refused is its to repeat
    (void) zanni__sim_wait (sim, s_all_ended, place, wait_ns - place->node->ahead_ns);
    return s_living (place) + zanni__sim_children_live (place);
}

static int
s_process (void *self, zanni_process_t *process)
{
    return zanni__sim_child_start (self, process);
}

/* It heeds what comes by the link. */
static void
s_kill (void *self, const uint8_t *node)
{
    (void) self, (void) node;
}

static void
s_forget (void *self, const char *endpoint)
{
    zanni__sim_forget (((zanni__sim_place_t *) self)->sim, endpoint);
}

static void
s_close (void *self, int64_t until_ns)
{
    zanni__sim_place_t *place = self;
    zanni_sim_t *sim = place->sim;
    zanni__sim_driver_t *driver = sim->drivers;
    while (driver->worker != place->undertaker)
        driver = driver->next;
    (void) zanni__sim_wait (sim, s_is_settled, place, until_ns);
    driver->active = true;
    zanni_worker_enter (place->undertaker);
    zanni_worker_end (place->undertaker);
    zanni__sim_driver_forget (driver);
    free (place);
}

const zanni_place_ops_t zanni__sim_place_ops = {
    .size = sizeof (zanni_place_ops_t), .open = s_open, .rouse = s_rouse, .start = s_start,
    .process = s_process, .forget = s_forget, .kill = s_kill, .finish = s_finish, .close = s_close
};
