/* hosts.h: hosts with networks of their own: network namespaces, joined by a bridge in the first, in which the test's own
   node lives as 10.77.0.1; the others are 10.77.0.2 and so on. Cables are pulled and put back, and packets of one host to
   another are lost while those of the other one arrive.

   That last is done by a wrong hardware address for the other one: what is sent there is thrown away where it comes, as on
   a real wire, and nobody is told. */

#ifndef TESTS_INTEGRATION_HOSTS_H
#define TESTS_INTEGRATION_HOSTS_H

#include "tcp.h"

#include <sched.h>

#define HOSTS 2
#define INTERVAL_MS 300
#define BOUND_MS (INTERVAL_MS * 3 + INTERVAL_MS * 3 / 5)

static zanni_options_t hosts_options = { .secret = SECRET, .heartbeat_ms = INTERVAL_MS };
static host_t hosts [HOSTS];

__attribute__ ((format (printf, 1, 2))) static inline void
run (const char *format, ...)
{
    char command [256];
    va_list values;
    va_start (values, format);
    vsnprintf (command, sizeof command, format, values);
    va_end (values);
    cr_assert_eq (system (command), 0, "%s", command);
}

/* In the host's process: its namespace, and its end of the cable once somebody has given it one. */
static inline void
s_move_in (int number, int ready_fd, int cable_fd)
{
    char byte = 0;
    if (unshare (CLONE_NEWNET) || write (ready_fd, "r", 1) != 1 || read (cable_fd, &byte, 1) != 1)
        _exit (1);
    run ("ip link set lo up && ip addr add 10.77.0.%d/24 dev eth0 && ip link set eth0 up", number + 2);
}

static inline void
s_start_host (int number)
{
    int endpoint_fds [2], log_fds [2], ready_fds [2], cable_fds [2];
    char byte, endpoint [64];
    host_t *host = &hosts [number];
    cr_assert (!pipe2 (endpoint_fds, O_CLOEXEC) && !pipe2 (log_fds, O_CLOEXEC | O_NONBLOCK) && !pipe2 (ready_fds, O_CLOEXEC)
               && !pipe2 (cable_fds, O_CLOEXEC));
    snprintf (endpoint, sizeof endpoint, "tcp://10.77.0.%d:5670", number + 2);
    *host = (host_t) { .pid = fork (), .log_fd = log_fds [0] };
    if (!host->pid) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        s_move_in (number, ready_fds [1], cable_fds [0]);
        s_be_host (hosts_options, endpoint, endpoint_fds [1], log_fds [1]);
    }
    cr_assert_eq (read (ready_fds [0], &byte, 1), 1);
    run ("ip link add cable%d type veth peer name eth0 netns %d", number, (int) host->pid);
    run ("ip link set cable%d master bridge0 up", number);
    cr_assert_eq (write (cable_fds [1], "c", 1), 1);
    close (endpoint_fds [1]);
    cr_assert_gt (read (endpoint_fds [0], host->endpoint, sizeof host->endpoint), 0, "host %d did not start", number);
    host->pidfd = open_pid (host->pid);
    int fds [] = { endpoint_fds [0], log_fds [1], ready_fds [0], ready_fds [1], cable_fds [0], cable_fds [1] };
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close (fds [i]);
}

/* Without the right to make namespaces, or without `ip`, nothing can be seen here: tcp_test.c has the rest. */
static inline void
meet_hosts (void)
{
    if (unshare (CLONE_NEWNET) || system ("ip link add bridge0 type bridge 2>/dev/null"))
        cr_skip_test ("no network namespaces can be made here");
    run ("ip link set lo up && ip addr add 10.77.0.1/24 dev bridge0 && ip link set bridge0 up");
    for (int i = 0; i < HOSTS; i++)
        s_start_host (i);
    begin (hosts_options);
}

static inline void
part_from_hosts (void)
{
    end ();
    for (int i = 0; i < HOSTS; i++)
        end_host (&hosts [i]);
}

static inline void
plug (int number, bool in)
{
    run ("ip link set cable%d %s", number, in ? "up" : "down");
}

/* What that host sends to the other one is lost, or not any more; HERE is the test's own. */
#define HERE (-1)

static inline void
lose_packets (int from, int to, bool lost)
{
    int status = -1, address = to + 2;
    const char *device = from == HERE ? "bridge0" : "eth0";
    pid_t pid = fork ();
    if (!pid) {
        char path [64];
        snprintf (path, sizeof path, "/proc/%d/ns/net", from == HERE ? (int) getpid () : (int) hosts [from].pid);
        int fd = open (path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || setns (fd, CLONE_NEWNET))
            _exit (1);
        if (lost)
            run ("ip neigh replace 10.77.0.%d lladdr 02:00:00:00:00:77 nud permanent dev %s", address, device);
        else
            run ("ip neigh del 10.77.0.%d dev %s", address, device);
        _exit (0);
    }
    cr_assert_eq (waitpid (pid, &status, 0), pid);
    cr_assert_eq (status, 0, "packets from %d to %d cannot be lost", from, to);
}

#endif
