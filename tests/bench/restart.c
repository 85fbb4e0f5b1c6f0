/* How soon a process actor that was killed answers again, where a supervisor begins it anew without a delay.

   From SIGKILL to the first answer there is the end of the process, the news of it, the supervisor, a new process with its
   session, and the ask. Who asks is the root: it hears of the end by a monitor, then asks the supervisor for its child,
   whose answer waits until that has begun. Rounds alternate with what it is compared with, the spawn of a process actor up
   to its first answer (process.c), so that both see the same machine. */

#define _GNU_SOURCE

#include "bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define S_DOWN_MS 5000

static void
s_supervise (zanni_t *self, zanni_ref_t **supervisor_p)
{
    const zanni_child_t children [] = {
        { .name = "sink", .class_name = "sink", .spawn = { .place = ZANNI_PROCESS } }, ZANNI_CHILD_END
    };
    const zanni_supervisor_t supervisor = { .max_restarts = 10000, .children = children };
    bench_check (zanni_supervise (self, supervisor_p, &supervisor, NULL), "supervise");
}

/* The child as it is now, or is going to be. */
static void
s_find (zanni_t *self, zanni_ref_t **sink_p, const zanni_ref_t *supervisor)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *sink;
    zanni_ref_destroy (sink_p);
    bench_check (zanni_call (self, &reply, supervisor, "child", "sink"), "child");
    bench_check (zanni_read (reply, &sink), "child");
    bench_check (zanni_ref_keep (self, sink_p, sink), "child");
}

/* From the kill of the child until the next one answers. */
static int64_t
s_restart_ns (zanni_t *self, const zanni_ref_t *supervisor)
{
    ZANNI_AUTO (zanni_ref_t) sink = NULL;
    ZANNI_AUTO (zanni_msg_t) down = NULL;
    uint64_t monitor;
    s_find (self, &sink, supervisor);
    bench_check (zanni_monitor (self, &monitor, sink), "monitor");
    pid_t pid = bench_pid (self, sink);
    int64_t started_ns = bench_now_ns ();
    bench_check_system (!kill (pid, SIGKILL), "kill");
    bench_check (zanni_receive (self, &down, S_DOWN_MS), "down");
    s_find (self, &sink, supervisor);
    bench_echo (self, sink);
    return bench_now_ns () - started_ns;
}

void
bench_restart_case (zanni_t *self, const char *name)
{
    int rounds = bench_seconds < 1 ? 20 : 300;
    ZANNI_AUTO (zanni_ref_t) supervisor = NULL;
    int64_t *restarts = calloc ((size_t) rounds, sizeof *restarts);
    int64_t *spawns = calloc ((size_t) rounds, sizeof *spawns);
    s_supervise (self, &supervisor);
    for (int i = 0; i < rounds; i++) {
        bench_other_t other;
        spawns [i] = bench_spawn_ns (self, &other);
        bench_other_close (self, &other);
        restarts [i] = s_restart_ns (self, supervisor);
    }
    printf ("%s-spawn %.1f us\n", name, (double) bench_median_ns (spawns, (size_t) rounds) / 1e3);
    printf ("%s %.1f us\n", name, (double) bench_median_ns (restarts, (size_t) rounds) / 1e3);
    free (restarts);
    free (spawns);
    bench_check_letters (self);
}
