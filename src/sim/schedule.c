/* What happens next.

   Every decision takes one of the things that could happen, all alike likely: steps of workers, arrivals of what is under
   way, and the ends of waits, of which each thread has one that can end, the innermost. Where nothing can happen, time goes
   on to when something can. The scheduler has no thread: it runs inside of whatever wait has the baton. */

#include "sim.h"

#include <inttypes.h>
#include <stdio.h>

/* Something that could happen now, drawn from all of it. */
typedef struct {
    uint32_t count;
    zanni__sim_driver_t *driver;
    zanni__sim_lane_t *lane;
    zanni__sim_fiber_t *fiber;   // whose wait ends, or whose job begins
    zanni__sim_step_t step;      // of a connection
} s_choice_t;

static bool
s_drawn (zanni_sim_t *sim, s_choice_t *choice)
{
    if (zanni_sim_below (sim, ++choice->count))
        return false;
    *choice = (s_choice_t) { .count = choice->count };
    return true;
}

static bool
s_can_wake (const zanni_sim_t *sim, const zanni__sim_fiber_t *fiber)
{
    const zanni__sim_wait_t *wait = fiber->wait;
    if (fiber->job && !fiber->begun)
        return true;
    return wait && !wait->woken && (wait->until_ns <= sim->now_ns || (wait->done && wait->done (wait->context)));
}

static s_choice_t
s_choose (zanni_sim_t *sim)
{
    s_choice_t choice = { .count = 0 };
    int64_t ready_ns;
    for (zanni__sim_driver_t *driver = sim->drivers; driver; driver = driver->next)
        if (!driver->threaded && zanni__sim_driver_can_run (driver) && s_drawn (sim, &choice))
            choice.driver = driver;
    for (const zanni__sim_port_t *port = sim->ports; port; port = port->next)
        for (zanni__sim_lane_t *lane = NULL; (lane = zanni__sim_lane_coming (port, lane, &ready_ns));)
            if (ready_ns <= sim->now_ns && s_drawn (sim, &choice))
                choice.lane = lane;
    for (zanni__sim_step_t step = { 0 }; zanni__sim_net_next (sim, &step, &ready_ns);)
        if (ready_ns <= sim->now_ns && s_drawn (sim, &choice))
            choice.step = step;
    for (zanni__sim_fiber_t *fiber = &sim->main; fiber; fiber = fiber == &sim->main ? sim->fibers : fiber->next)
        if (s_can_wake (sim, fiber) && s_drawn (sim, &choice))
            choice.fiber = fiber;
    return choice;
}

/* false: nothing was drawn. */
static bool
s_do (zanni_sim_t *sim, const s_choice_t *choice)
{
    if (!choice->count)
        return false;
    if (choice->driver)
        zanni__sim_driver_step (choice->driver);
    else if (choice->lane)
        zanni__sim_lane_arrive (choice->lane);
    else if (choice->step.conn)
        zanni__sim_net_step (sim, &choice->step);
    else {
        if (choice->fiber->wait)
            choice->fiber->wait->woken = true;
        zanni__sim_hand_over (sim, choice->fiber);
    }
    return true;
}

static int64_t
s_earlier (int64_t one_ns, int64_t other_ns)
{
    return one_ns < other_ns ? one_ns : other_ns;
}

static int64_t
s_next_ns (const zanni_sim_t *sim)
{
    int64_t ready_ns, next_ns = INT64_MAX;
    for (const zanni__sim_driver_t *driver = sim->drivers; driver; driver = driver->next)
        next_ns = s_earlier (next_ns, zanni__sim_driver_due (driver));
    for (const zanni__sim_port_t *port = sim->ports; port; port = port->next)
        for (const zanni__sim_lane_t *lane = NULL; (lane = zanni__sim_lane_coming (port, lane, &ready_ns));)
            next_ns = s_earlier (next_ns, ready_ns);
    for (zanni__sim_step_t step = { 0 }; zanni__sim_net_next (sim, &step, &ready_ns);)
        next_ns = s_earlier (next_ns, ready_ns);
    for (const zanni__sim_fiber_t *fiber = &sim->main; fiber; fiber = fiber == &sim->main ? sim->fibers : fiber->next)
        if (fiber->wait)
            next_ns = s_earlier (next_ns, fiber->wait->until_ns);
    return next_ns;
}

static void
s_report (const zanni_sim_t *sim)
{
    char text [80];
    zanni_sim_text_fn *stuck = sim->options.stuck;
    snprintf (text, sizeof text, "everybody waits for ever, in the world of seed %" PRIu64 "\n", sim->options.seed);
    if (stuck)
        stuck (sim->options.context, text);
    if (stuck && sim->text)
        stuck (sim->options.context, sim->text);
}

/* Nothing can happen: time goes on to when something can, if the program's thread lets it. false: nothing ever will. */
static bool
s_advance (zanni_sim_t *sim)
{
    if (sim->holder != &sim->main) {
        zanni__sim_hand_over (sim, &sim->main);
        return true;
    }
    int64_t next_ns = s_next_ns (sim);
    if (next_ns == INT64_MAX)
        return false;
    if (next_ns > sim->now_ns)
        sim->now_ns = next_ns;
    return true;
}

/* What only the program's thread can do. */
static void
s_run_errand (zanni_sim_t *sim)
{
    zanni__sim_driver_t *driver = sim->errand;
    if (sim->holder != &sim->main)
        return;
    sim->errand = NULL;
    if (driver)
        zanni__sim_driver_step (driver);
}

/* The program may have given its roots something to do, which nothing else shows. */
static void
s_look_at_roots (zanni_sim_t *sim)
{
    for (zanni__sim_driver_t *driver = sim->drivers; driver; driver = driver->next)
        driver->busy = driver->busy || driver->self;
}

bool
zanni__sim_wait (zanni_sim_t *sim, bool (*done) (void *), void *context, int64_t until_ns)
{
    zanni__sim_fiber_t *own = sim->holder;
    zanni__sim_wait_t wait = { .outer = own->wait, .done = done, .context = context, .until_ns = until_ns };
    own->wait = &wait;
    if (own == &sim->main)
        s_look_at_roots (sim);
    bool hopeful = true;
    while (!wait.woken && hopeful) {
        s_choice_t choice = s_choose (sim);
        if (!s_do (sim, &choice))
            hopeful = s_advance (sim);
        s_run_errand (sim);
    }
    own->wait = wait.outer;
    if (!hopeful)
        s_report (sim);
    return hopeful;
}

void
zanni_sim_settle (zanni_sim_t *sim, zanni_t *self)
{
    s_look_at_roots (sim);
    for (;;) {
        uint64_t delivered = sim->delivered;
        int left = self ? zanni_step (self, 64) : 0;
        s_choice_t choice = s_choose (sim);
        bool done = s_do (sim, &choice);
        s_run_errand (sim);
        if (!done && left <= 0 && delivered == sim->delivered)
            return;
    }
}

void
zanni_sim_pass (zanni_sim_t *sim, int64_t ms)
{
    int64_t most_ms = (INT64_MAX / 2 - sim->now_ns) / 1000000;
    (void) zanni__sim_wait (sim, NULL, NULL, sim->now_ns + (ms < most_ms ? ms : most_ms) * 1000000);
    zanni_sim_settle (sim, NULL);
}
