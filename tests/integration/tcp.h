/* tcp.h: what the tests about other hosts share. The other host is a process that was forked before this one had a node, and
   is reached by tcp only, on loopback. Its root is a worker (worker.h), which whoever connects gets. What it logs can be read
   here. Beside it there may be further processes with nodes of their own, which do what a function of the test says. */

#ifndef TESTS_INTEGRATION_TCP_H
#define TESTS_INTEGRATION_TCP_H

#include "base/rundir.h"
#include "process.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <zanni/sys/link.h>

#define SECRET "a secret of the tests"

typedef struct {
    pid_t pid;
    int pidfd;
    int log_fd;              // what it logs, to be read; a pipe that does not block
    char endpoint [ZANNI_ENDPOINT_MAX];
    char log [4096];
} host_t;

static inline void
s_host_log (void *context, zanni_log_level_t level, const char *text)
{
    char line [512];
    int size = snprintf (line, sizeof line, "%d %s\n", (int) level, text);
    ssize_t written = write ((int) (intptr_t) context, line, (size_t) (size < (int) sizeof line ? size : (int) sizeof line - 1));
    (void) written;
}

static int (*host_prepares) (zanni_t *self);   // in the other process, before it listens; NULL: nothing
static const char *host_offers;                // a class, one of which is found there by the same name; NULL: none

/* Classes that only the host has. */
static const zanni_class_t *const *host_classes;

/* Held as long as the process lives. */
static inline int
s_offer (zanni_t *self, const char *cls)
{
    zanni_ref_t *ref = NULL;
    int rc = zanni_spawn (self, &ref, cls, NULL);
    return rc ? rc : zanni_offer (self, cls, ref);
}

/* In the other process. */
static inline void
s_be_host (zanni_options_t options, const char *endpoint, int endpoint_fd, int log_fd)
{
    zanni_t *self = NULL;
    const char *bound = "";
    options.log = s_host_log;
    options.log_context = (void *) (intptr_t) log_fd;
    options.name = "host";
    int rc = host_classes ? zanni_register (host_classes, NULL) : 0;
    if (!rc)
        rc = zanni_new (&self, &options);
    if (!rc)
        rc = zanni_serve (self, "worker", 0);
    if (!rc && host_prepares)
        rc = host_prepares (self);
    if (!rc && host_offers)
        rc = s_offer (self, host_offers);
    if (!rc)
        rc = zanni_bind (self, endpoint, NULL);
    if (!rc)
        rc = zanni_endpoint (self, &bound);
    if (rc || write (endpoint_fd, bound, strlen (bound) + 1) < 0)
        _exit (1);
    rc = zanni_run (self, -1);
    _exit (rc || zanni_destroy (&self) ? 1 : 0);
}

/* Starts one that listens at `endpoint`. Before this process has a node. */
static inline void
start_host_at (host_t *host, zanni_options_t options, const char *endpoint)
{
    int endpoint_fds [2], log_fds [2];
    cr_assert (!pipe2 (endpoint_fds, O_CLOEXEC) && !pipe2 (log_fds, O_CLOEXEC | O_NONBLOCK));
    *host = (host_t) { .pid = fork (), .log_fd = log_fds [0] };
    if (!host->pid) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        s_be_host (options, endpoint, endpoint_fds [1], log_fds [1]);
    }
    close (endpoint_fds [1]);
    close (log_fds [1]);
    struct pollfd item = { .fd = endpoint_fds [0], .events = POLLIN };
    cr_assert_eq (poll (&item, 1, DEADLINE_MS), 1);
    cr_assert_gt (read (endpoint_fds [0], host->endpoint, sizeof host->endpoint), 0, "the host did not start");
    close (endpoint_fds [0]);
    host->pidfd = open_pid (host->pid);
}

static inline void
start_host (host_t *host, zanni_options_t options)
{
    start_host_at (host, options, "tcp://127.0.0.1:0");
}

/* Whether it has logged that, or does so within so long. */
static inline bool
host_logs_within (host_t *host, const char *part, int64_t ms)
{
    size_t used = strlen (host->log);
    int64_t until_ns = zanni_now_ns (root) + ms * INT64_C (1000000);
    for (int64_t left_ns = 1; left_ns > 0 && !strstr (host->log, part); left_ns = until_ns - zanni_now_ns (root)) {
        struct pollfd item = { .fd = host->log_fd, .events = POLLIN };
        (void) poll (&item, 1, 10);
        ssize_t size = read (host->log_fd, host->log + used, sizeof host->log - 1 - used);
        used += size > 0 ? (size_t) size : 0;
        host->log [used] = 0;
    }
    return strstr (host->log, part) != NULL;
}

static inline bool
host_logs (host_t *host, const char *part)
{
    return host_logs_within (host, part, 2 * DEADLINE_MS);
}

/* The same of why it refuses whoever dials it. Where the two do not speak in the same way, the first to see that ends the
   connection, and then the other one does not learn why: so it is dialled until the host was the first. */
static inline bool
host_says_why (host_t *host, const char *part)
{
    bool said = host_logs_within (host, part, 200);
    for (int i = 0; i < 50 && !said; i++) {
        zanni_ref_t *ref = NULL;
        cr_assert_eq (zanni_connect (root, &ref, host->endpoint, NULL), ZANNI_EAUTH);
        said = host_logs_within (host, part, 200);
    }
    return said;
}

static inline void
end_host (host_t *host)
{
    (void) kill (host->pid, SIGKILL);
    (void) kill (host->pid, SIGCONT);
    (void) waitpid (host->pid, NULL, 0);
    close (host->pidfd);
    close (host->log_fd);
}

/* Another process, which `be` is all of; it and the test say each other, byte by byte, how far they are. */
typedef struct {
    pid_t pid;
    int fd;
} other_t;

/* Before this process has a node. */
static inline void
start_other (other_t *other, zanni_options_t options, void (*be) (zanni_options_t options, int fd))
{
    int fds [2];
    cr_assert_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    *other = (other_t) { .pid = fork (), .fd = fds [0] };
    if (!other->pid) {
        close (fds [0]);
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        be (options, fds [1]);
        _exit (0);
    }
    close (fds [1]);
}

static inline void
say_byte (int fd, char byte)
{
    cr_assert_eq (send (fd, &byte, 1, MSG_NOSIGNAL), 1);
}

static inline void
await_byte (int fd, char wanted)
{
    char byte = 0;
    struct pollfd item = { .fd = fd, .events = POLLIN };
    cr_assert_eq (poll (&item, 1, 4 * DEADLINE_MS), 1, "it does not say '%c'", wanted);
    cr_assert_eq (read (fd, &byte, 1), 1, "it ended before it said '%c'", wanted);
    cr_assert_eq (byte, wanted, "'%c' in place of '%c'", byte, wanted);
}

static inline void
end_other (other_t *other)
{
    (void) kill (other->pid, SIGKILL);
    (void) waitpid (other->pid, NULL, 0);
    close (other->fd);
}

/* It ends by itself, well. */
static inline void
expect_other_done (other_t *other)
{
    int status = -1;
    cr_assert_eq (waitpid (other->pid, &status, 0), other->pid);
    cr_assert_eq (status, 0, "the other one ended with status %x", (unsigned) status);
    close (other->fd);
}

static inline int64_t
ms_since (int64_t before_ns)
{
    return (zanni_now_ns (root) - before_ns) / 1000000;
}

static inline zanni_ref_t *
connect_to (const char *endpoint, const char *name)
{
    zanni_ref_t *ref = NULL;
    const zanni_connect_t options = { .name = name };
    int rc = zanni_connect (root, &ref, endpoint, &options);
    cr_assert_eq (rc, 0, "connect to %s: %s", endpoint, zanni_strerror (rc));
    return ref;
}

/* A host that was killed leaves its sockets, which the next node of its user sweeps once all of its processes are gone. */
static inline void
sweep_folder (void)
{
    time_t until = time (NULL) + DEADLINE_MS / 1000;
    while (scratch_entries (directory) && time (NULL) < until)
        zanni__rundir_sweep ();
    remove_folder ();
}

#define TCP_SUITE(name) TestSuite (name, .init = make_folder, .fini = sweep_folder, .timeout = LONG_TIMEOUT)

#endif
