/* crew.c: the counters, and the supervisor that begins them again when they die.

   The supervisor shares the reader's thread; the counters run where the options say: on the pool's threads one on each,
   or in a thread or a process of their own. Some deaths are to be expected; when a chunk kills whoever counts it, there
   are so many that the supervisor gives up.

   With --chaos some are killed by chance. It counts chunks, not time, so that slow machines see as many kills as fast
   ones. The generator is one of our own, since the C library's is shared with whatever else the program is linked
   with. */

#include "crew.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define S_RESTARTS 3           // of each counter, on average, within the supervisor's five seconds
#define S_CHAOS_RESTARTS 1000
#define S_MOST_LEFT 12         // chunks from one kill to the next

static unsigned
s_choose (crew_t *crew, unsigned count)
{
    return (unsigned) nrand48 (crew->random) % count;
}

static zanni_child_t
s_child (const counter_t *counter, zanni_place_t place, unsigned number)
{
    return (zanni_child_t) {
        .name = counter->name, .class_name = "counter",
        .spawn = { .place = place, .worker = place == ZANNI_SHARED ? number : 0 }
    };
}

int
crew_begin (zanni_t *self, crew_t *crew, const options_t *options, zanni_error_t *error)
{
    zanni_child_t children [WORKERS_MAX + 1] = { ZANNI_CHILD_END };
    const zanni_spawn_t here = { .place = ZANNI_HERE, .error = error };
    const zanni_supervisor_t supervisor = {
        .max_restarts = options->chaos ? S_CHAOS_RESTARTS : S_RESTARTS * (int) options->workers, .children = children
    };
    crew->count = options->workers;
    for (unsigned i = 0; i < crew->count; i++) {
        counter_t *counter = &crew->counters [i];
        snprintf (counter->name, sizeof counter->name, "%u", i + 1);
        children [i] = s_child (counter, options->place, i + 1);
    }
    crew->random [0] = (unsigned short) options->seed;
    crew->random [1] = (unsigned short) (options->seed >> 16);
    crew->left = options->chaos ? 1 + s_choose (crew, S_MOST_LEFT) : 0;
    return zanni_supervise (self, &crew->supervisor, &supervisor, &here);
}

void
crew_end (crew_t *crew)
{
    for (unsigned i = 0; i < crew->count; i++)
        zanni_ref_destroy (&crew->counters [i].ref);
    zanni_ref_destroy (&crew->supervisor);   // the last one: it ends its children, then itself
}

/* With the process that it has for itself, which gives back all that it had; otherwise it is stopped, which is to the
   others as sudden, but its stop hook runs. False: it is dead already. */
static bool
s_kill (zanni_t *self, counter_t *counter)
{
    bool alone = counter->pid != getpid ();
    if (!counter->pid || (alone ? kill (counter->pid, SIGKILL) : zanni_stop (self, counter->ref)))
        return false;
    counter->killed = alone ? counter->pid : 0;
    counter->pid = 0;
    return true;
}

bool
crew_has_counted (zanni_t *self, crew_t *crew, counter_t *counter, int pid)
{
    bool killed = false;
    if (pid != counter->killed)   // else what it did before was on its way
        counter->pid = pid;
    if (!crew->left || --crew->left)
        return false;
    crew->left = 1 + s_choose (crew, S_MOST_LEFT);
    unsigned first = s_choose (crew, crew->count);
    for (unsigned i = 0; !killed && i < crew->count; i++)
        killed = s_kill (self, &crew->counters [(first + i) % crew->count]);
    return killed;
}
