/* Threads that pass one baton: whoever has it runs, all others sleep.

   Actors in threads and processes of their own may wait anywhere, so each needs a stack. A stack of our own (ucontext) would
   be quicker to change, but sanitizers, valgrind and debuggers know threads without being told. A thread whose job is done
   gives the baton to the program's own one, which is in the scheduler then, and waits for another job. */

#include "sim.h"

#include <signal.h>
#include <stdlib.h>

void
zanni__sim_batons_begin (zanni_sim_t *sim)
{
    pthread_mutex_init (&sim->lock, NULL);
    pthread_cond_init (&sim->main.turn, NULL);
    sim->main.sim = sim;
    sim->holder = &sim->main;
}

static void *
s_main (void *context)
{
    zanni__sim_fiber_t *fiber = context;
    zanni_sim_t *sim = fiber->sim;
    pthread_mutex_lock (&sim->lock);
    for (;;) {
        while (sim->holder != fiber && !fiber->quits)
            pthread_cond_wait (&fiber->turn, &sim->lock);
        if (fiber->quits)
            break;
        pthread_mutex_unlock (&sim->lock);
        fiber->begun = true;
        fiber->job (fiber->context);
        fiber->begun = false;
        fiber->job = NULL;
        pthread_mutex_lock (&sim->lock);
        sim->holder = &sim->main;
        pthread_cond_signal (&sim->main.turn);
    }
    pthread_mutex_unlock (&sim->lock);
    return NULL;
}

void
zanni__sim_batons_end (zanni_sim_t *sim)
{
    zanni__sim_fiber_t *fiber;
    while ((fiber = sim->fibers)) {
        sim->fibers = fiber->next;
        pthread_mutex_lock (&sim->lock);
        fiber->quits = true;
        pthread_cond_signal (&fiber->turn);
        pthread_mutex_unlock (&sim->lock);
        pthread_join (fiber->thread, NULL);
        pthread_cond_destroy (&fiber->turn);
        free (fiber);
    }
    pthread_cond_destroy (&sim->main.turn);
    pthread_mutex_destroy (&sim->lock);
}

/* Who gives it away is in the scheduler, or about to be. */
void
zanni__sim_hand_over (zanni_sim_t *sim, zanni__sim_fiber_t *to)
{
    zanni__sim_fiber_t *own = sim->holder;
    if (to == own)
        return;
    pthread_mutex_lock (&sim->lock);
    sim->holder = to;
    pthread_cond_signal (&to->turn);
    while (sim->holder != own)
        pthread_cond_wait (&own->turn, &sim->lock);
    pthread_mutex_unlock (&sim->lock);
}

/* Threads of zanni take no signal of the host. */
static int
s_start (zanni__sim_fiber_t *fiber)
{
    sigset_t every, before;
    sigfillset (&every);
    pthread_sigmask (SIG_SETMASK, &every, &before);
    int rc = pthread_create (&fiber->thread, NULL, s_main, fiber);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return rc;
}

zanni__sim_fiber_t *
zanni__sim_fiber (zanni_sim_t *sim, void (*job) (void *), void *context)
{
    zanni__sim_fiber_t **at = &sim->fibers;
    while (*at && (*at)->job)
        at = &(*at)->next;
    zanni__sim_fiber_t *fiber = *at;
    if (!fiber) {
        fiber = calloc (1, sizeof *fiber);
        if (!fiber)
            return NULL;
        fiber->sim = sim;
        pthread_cond_init (&fiber->turn, NULL);
        if (s_start (fiber)) {
            pthread_cond_destroy (&fiber->turn);
            free (fiber);
            return NULL;
        }
        *at = fiber;
    }
    fiber->context = context;
    fiber->job = job;
    return fiber;
}
