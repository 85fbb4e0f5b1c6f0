/* A child is watched through two pipes: one takes its output, the other ends when it does. So the parent needs no
   handler and no clock of its own but the deadline. */

#include "probe.h"
#include "support/scratch.h"

#include <sched.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int
probe_descriptors (void)
{
    return scratch_entries ("/proc/self/fd") - 1;   // without the folder's own
}

int
probe_threads (void)
{
    return scratch_entries ("/proc/self/task");
}

size_t
probe_resident (void)
{
    unsigned long all = 0, resident = 0;
    FILE *file = fopen ("/proc/self/statm", "r");
    if (file && fscanf (file, "%lu %lu", &all, &resident) != 2)
        resident = 0;
    if (file)
        (void) fclose (file);
    return resident * (size_t) sysconf (_SC_PAGESIZE);
}

size_t
probe_allocated (void)
{
    struct mallinfo2 info = mallinfo2 ();
    return info.uordblks + info.hblkhd;
}

double
probe_seconds (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

bool
probe_until (zanni_t *self, bool (*holds) (void *context), void *context)
{
    double until = probe_seconds () + 10;
    while (!holds (context)) {
        if (probe_seconds () > until)
            return false;
        if (!self)
            sched_yield ();
        else if (zanni_run (self, 1))
            return false;
    }
    return true;
}

bool
probe_readable (int fd, int timeout_ms)
{
    struct pollfd item = { .fd = fd, .events = POLLIN };
    return poll (&item, 1, timeout_ms) == 1 && item.revents & POLLIN;
}

static void
s_be_child (const int *pipes, int (*program) (void))
{
    (void) dup2 (pipes [1], STDOUT_FILENO);
    (void) dup2 (pipes [1], STDERR_FILENO);
    close (pipes [0]);
    close (pipes [1]);
    exit (program ());
}

static void
s_collect (probe_end_t *end, int fd)
{
    size_t room = sizeof end->output - 1 - end->output_size;
    char rest [512];
    ssize_t size = read (fd, room ? end->output + end->output_size : rest, room ? room : sizeof rest);
    if (size > 0 && room)
        end->output_size += (size_t) size;
}

/* The leak sanitizer takes the threads of the test runner for threads of the child, and says so. */
static void
s_drop_remark (probe_end_t *end)
{
    char *line = end->output;
    while (*line) {
        char *next = line + strcspn (line, "\n");
        next += *next == '\n';
        char *remark = strstr (line, "was not suspended. False leaks are possible.");
        if (remark && remark < next)
            memmove (line, next, strlen (next) + 1);
        else
            line = next;
    }
}

void
probe_child (probe_end_t *end, int (*program) (void), int limit_s)
{
    int pipes [2];
    memset (end, 0, sizeof *end);
    end->status = -1;
    if (pipe2 (pipes, O_CLOEXEC | O_NONBLOCK))
        return;
    double begun = probe_seconds ();
    fflush (NULL);
    pid_t pid = fork ();
    if (!pid)
        s_be_child (pipes, program);
    close (pipes [1]);
    int ended = (int) syscall (SYS_pidfd_open, pid, 0);
    struct pollfd items [] = { { ended, POLLIN, 0 }, { pipes [0], POLLIN, 0 } };
    while (!(items [0].revents & POLLIN) && probe_seconds () < begun + limit_s) {
        (void) poll (items, 2, 100);
        if (items [1].revents)
            s_collect (end, pipes [0]);
        if (items [1].revents & POLLHUP)
            items [1].fd = -1;
    }
    end->seconds = probe_seconds () - begun;
    bool late = !(items [0].revents & POLLIN);
    if (late)
        kill (pid, SIGKILL);
    (void) waitpid (pid, &end->status, 0);
    for (int i = 0; i < 64; i++)
        s_collect (end, pipes [0]);
    if (late)
        end->status = -1;
    s_drop_remark (end);
    close (pipes [0]);
    close (ended);
}

bool
probe_exited (const probe_end_t *end, int status)
{
    bool good = end->status != -1 && WIFEXITED (end->status) && WEXITSTATUS (end->status) == status;
    if (!good)
        fprintf (stderr, "child: status %x after %.3f s, wrote \"%s\"\n", (unsigned) end->status, end->seconds,
                 end->output);
    return good;
}

bool
probe_sanitized (void)
{
#if defined __SANITIZE_ADDRESS__
    return true;
#else
    return false;
#endif
}

bool
probe_long (void)
{
    return getenv ("ZANNI_LONG") != NULL;
}

static int
s_echo (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

static int
s_stop (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static _Atomic int s_blocked;

/* User code that never comes back. */
static int
s_block (zanni_t *self, zanni_msg_t *msg)
{
    int pipes [2];
    char byte;
    (void) self;
    (void) msg;
    if (pipe (pipes))
        return ZANNI_ESYSTEM;
    s_blocked++;
    return read (pipes [0], &byte, 1) < 0 ? ZANNI_ESYSTEM : 0;
}

static bool
s_is_blocked (void *context)
{
    return s_blocked > *(const int *) context;
}

bool
probe_block (zanni_t *self, const zanni_ref_t *echo)
{
    int before = s_blocked;
    return !zanni_tell (self, echo, "block") && probe_until (NULL, s_is_blocked, &before);
}

static int
s_run (zanni_t *self)
{
    for (;;) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        int rc = zanni_receive (self, &msg, -1);
        if (!rc && zanni_msg_kind (msg) == ZANNI_MSG_ASK)
            rc = s_echo (self, msg);
        if (rc)
            return rc == ZANNI_ECLOSED ? 0 : rc;
    }
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("echo", "x", "x", s_echo, "Answers the number."),
    ZANNI_METHOD ("stop", "", "", s_stop, "Ends the actor."),
    ZANNI_METHOD ("block", "", "", s_block, "Does not return."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_echo_class = { .name = "echo", .methods = s_methods };
static const zanni_class_t s_reader_class = { .name = "reader", .methods = s_methods, .run = s_run };

const zanni_class_t *const probe_classes [] = { &s_echo_class, &s_reader_class, NULL };
