/* What a process costs at least: a bare fork, up to the first byte that the child writes to a pipe.

   It is measured in a process like zanni's launcher: this program again, started by posix_spawn with no other
   descriptors than its own three; one thread, linked with the same libraries, no ZeroMQ context. It forks whenever a
   byte comes in; the child writes one and ends, and when it was reaped its parent writes another, so that the next fork
   does not run beside an end. */

#define _GNU_SOURCE

#include "bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int
bench_be_forker (void)
{
    char word;
    while (read (STDIN_FILENO, &word, 1) == 1) {
        pid_t pid = fork ();
        if (pid < 0)
            return EXIT_FAILURE;
        if (!pid)
            _exit (write (STDOUT_FILENO, &word, 1) != 1);
        if (waitpid (pid, NULL, 0) != pid || write (STDOUT_FILENO, &word, 1) != 1)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

pid_t
bench_start (char *const arguments [], int in, int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    bool good = !posix_spawn_file_actions_init (&actions)
             && !posix_spawn_file_actions_adddup2 (&actions, in, STDIN_FILENO)
             && !posix_spawn_file_actions_adddup2 (&actions, out, STDOUT_FILENO)
             && !posix_spawn_file_actions_addclosefrom_np (&actions, STDERR_FILENO + 1)
             && !posix_spawn (&pid, "/proc/self/exe", &actions, NULL, arguments, environ);
    bench_check_system (good, "posix_spawn");
    (void) posix_spawn_file_actions_destroy (&actions);
    return pid;
}

double
bench_fork_us (int rounds)
{
    int requests [2];
    int answers [2];
    char word = 0;
    char program [] = "zanni-bench", mode [] = BENCH_FORKER;
    int64_t *samples = calloc ((size_t) rounds, sizeof *samples);
    bench_check_system (!pipe2 (requests, O_CLOEXEC) && !pipe2 (answers, O_CLOEXEC), "pipe");
    pid_t pid = bench_start ((char *const []) { program, mode, NULL }, requests [0], answers [1]);
    close (requests [0]);
    close (answers [1]);
    for (int i = 0; i < rounds; i++) {
        int64_t started_ns = bench_now_ns ();
        bench_check_system (write (requests [1], &word, 1) == 1 && read (answers [0], &word, 1) == 1, "fork");
        samples [i] = bench_now_ns () - started_ns;
        bench_check_system (read (answers [0], &word, 1) == 1, "fork");
    }
    close (requests [1]);
    close (answers [0]);
    (void) waitpid (pid, NULL, 0);
    double median_us = (double) bench_median_ns (samples, (size_t) rounds) / 1e3;
    free (samples);
    return median_us;
}
