/* How soon the end of a process actor is known that somebody kills while it has work.

   A sink in a process gets tells, some of which wait there when SIGKILL ends it. The root, who monitors it, takes the time
   until it has DOWN. Meanwhile a thread of this program that does nothing else waits by poll on a pidfd of that very
   process: what it takes is what the end of a process takes, with all that it had mapped, and what a wake-up does. */

#define _GNU_SOURCE

#include "bench.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define S_WAITING 2000   // tells that are sent before
#define S_DOWN_MS 5000

typedef struct {
    int requests [2];    // a pidfd goes to the watcher,
    int answers [2];     // which says that it has it, and then when it ended
} s_watcher_t;

static void *
s_watch (void *arg)
{
    const s_watcher_t *watcher = arg;
    struct pollfd end = { .events = POLLIN };
    while (read (watcher->requests [0], &end.fd, sizeof end.fd) == sizeof end.fd) {
        int64_t ended_ns = 0;
        bench_check_system (write (watcher->answers [1], &ended_ns, sizeof ended_ns) == sizeof ended_ns, "write");
        bench_check_system (poll (&end, 1, S_DOWN_MS) == 1, "poll");
        ended_ns = bench_now_ns ();
        bench_check_system (write (watcher->answers [1], &ended_ns, sizeof ended_ns) == sizeof ended_ns, "write");
    }
    return NULL;
}

static int64_t
s_said (const s_watcher_t *watcher)
{
    int64_t said_ns = 0;
    bench_check_system (read (watcher->answers [0], &said_ns, sizeof said_ns) == sizeof said_ns, "read");
    return said_ns;
}

pid_t
bench_pid (zanni_t *self, const zanni_ref_t *sink)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int64_t pid = 0;
    bench_check (zanni_call (self, &reply, sink, "pid"), "pid");
    bench_check (zanni_read (reply, &pid), "pid");
    return (pid_t) pid;
}

/* One kill, as the monitor sees it, and as the watcher does. */
static void
s_kill (zanni_t *self, const s_watcher_t *watcher, int64_t *down_ns, int64_t *ended_ns)
{
    static const uint8_t payload [64];
    ZANNI_AUTO (zanni_msg_t) down = NULL;
    uint64_t monitor;
    bench_other_t other;
    bench_other_open (self, &other, "process");
    bench_check (zanni_monitor (self, &monitor, other.sink), "monitor");
    pid_t pid = bench_pid (self, other.sink);
    int pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
    bench_check_system (pidfd >= 0 && write (watcher->requests [1], &pidfd, sizeof pidfd) == sizeof pidfd, "pidfd");
    (void) s_said (watcher);
    for (int i = 0; i < S_WAITING; i++)
        bench_check (zanni_tell (self, other.sink, "drop", zanni_arg_bytes (payload, sizeof payload)), "tell");
    int64_t started_ns = bench_now_ns ();
    bench_check_system (!kill (pid, SIGKILL), "kill");
    bench_check (zanni_receive (self, &down, S_DOWN_MS), "down");
    *down_ns = bench_now_ns () - started_ns;
    *ended_ns = s_said (watcher) - started_ns;
    close (pidfd);
    zanni_ref_destroy (&other.sink);
}

void
bench_kill_case (zanni_t *self, const char *name)
{
    int rounds = bench_seconds < 1 ? 20 : 300;
    int64_t *downs = calloc ((size_t) rounds, sizeof *downs);
    int64_t *ends = calloc ((size_t) rounds, sizeof *ends);
    s_watcher_t watcher;
    pthread_t thread;
    bench_check_system (!pipe (watcher.requests) && !pipe (watcher.answers), "pipe");
    bench_check_system (!pthread_create (&thread, NULL, s_watch, &watcher), "pthread_create");
    for (int i = 0; i < rounds; i++)
        s_kill (self, &watcher, &downs [i], &ends [i]);
    close (watcher.requests [1]);
    (void) pthread_join (thread, NULL);
    printf ("%s-pidfd %.1f us\n", name, (double) bench_median_ns (ends, (size_t) rounds) / 1e3);
    printf ("%s %.1f us\n", name, (double) bench_median_ns (downs, (size_t) rounds) / 1e3);
    free (downs);
    free (ends);
}
