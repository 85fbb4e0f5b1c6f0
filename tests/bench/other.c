/* The other side of a case: the sink of cross.c in a process of its own.

   A case whose name begins with "tcp-" has a node there that nobody spawned: this program once more, whose root is
   the sink, binds a free port of 127.0.0.1 and says which on its standard output. It ends when its standard input
   does, with us at the latest. The sink of every other case is a process actor. A name that ends with "-curve" has a
   secret on both sides.

   Over tcp there is no lane and no shared memory, which are for processes of a host that meet by ipc. */

#define _GNU_SOURCE

#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define S_END_MS 5000

const char *
bench_secret (const char *name)
{
    const char *suffix = strrchr (name, '-');
    return suffix && !strcmp (suffix, "-curve") ? "a secret of the benchmark's own" : NULL;
}

int
bench_be_other (const char *name)
{
    ZANNI_AUTO (zanni_t) self = NULL;
    const char *secret = bench_secret (name);
    const zanni_options_t options = { .secret = secret, .insecure = !secret };
    const char *endpoint;
    uint64_t watch;
    bench_check (zanni_new (&self, &options), "new");
    bench_check (zanni_serve (self, "sink"), "serve");
    bench_check (zanni_watch (self, &watch, STDIN_FILENO, ZANNI_READABLE, "leave"), "watch");
    bench_check (zanni_bind (self, "tcp://127.0.0.1:0", NULL), "bind");
    bench_check (zanni_endpoint (self, &endpoint), "endpoint");
    bench_check_system (printf ("%s\n", endpoint) > 0 && !fflush (stdout), "endpoint");
    bench_check (zanni_run (self, -1), "run");
    return EXIT_SUCCESS;
}

static void
s_spawn (zanni_t *self, zanni_ref_t **ref_p)
{
    zanni_error_t error = { .code = 0 };
    const zanni_spawn_t options = { .place = ZANNI_PROCESS, .error = &error };
    int rc = zanni_spawn (self, ref_p, "sink", &options);
    if (rc && *error.text)
        fprintf (stderr, "zanni-bench: %s\n", error.text);
    bench_check (rc, "spawn");
    zanni_error_reset (&error);
}

/* Starts the node at the other end of tcp and connects to it. */
static void
s_connect (zanni_t *self, bench_other_t *other, const char *name)
{
    char program [] = "zanni-bench", mode [] = BENCH_OTHER;
    char endpoint [256] = "";
    int in [2];
    int out [2];
    bench_check_system (!pipe2 (in, O_CLOEXEC) && !pipe2 (out, O_CLOEXEC), "pipe");
    FILE *said = fdopen (out [0], "r");
    other->pid = bench_start ((char *const []) { program, mode, (char *) (uintptr_t) name, NULL }, in [0], out [1]);
    other->leash = in [1];
    close (in [0]);
    close (out [1]);
    bench_check_system (said && fgets (endpoint, sizeof endpoint, said), "the other process");
    endpoint [strcspn (endpoint, "\n")] = '\0';
    fclose (said);
    bench_check (zanni_connect (self, &other->sink, endpoint, NULL), endpoint);
}

void
bench_other_open (zanni_t *self, bench_other_t *other, const char *name)
{
    *other = (bench_other_t) { .pid = 0 };
    if (!strncmp (name, "tcp-", 4))
        s_connect (self, other, name);
    else
        s_spawn (self, &other->sink);
}

/* Lets go of the other process, and waits for its end. */
void
bench_other_close (zanni_t *self, bench_other_t *other)
{
    ZANNI_AUTO (zanni_msg_t) down = NULL;
    uint64_t monitor;
    int status = 0;
    bench_check (zanni_monitor (self, &monitor, other->sink), "monitor");
    zanni_ref_destroy (&other->sink);
    if (other->pid)
        close (other->leash);
    bench_check (zanni_receive (self, &down, S_END_MS), "down");
    if (other->pid && (waitpid (other->pid, &status, 0) != other->pid || status)) {
        fprintf (stderr, "zanni-bench: the other process failed\n");
        exit (EXIT_FAILURE);
    }
}
