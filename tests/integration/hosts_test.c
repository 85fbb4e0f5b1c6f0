/* Three hosts: network namespaces of the test's own, joined by a bridge in the first, in which the test's own node lives.
   Cables are pulled and put back. */

#include "tcp.h"

#include <sched.h>

CLASSES (&worker_class);
TCP_SUITE (hosts);

#define INTERVAL_MS 300
#define BOUND_MS (INTERVAL_MS * 3 + INTERVAL_MS * 3 / 5)

static zanni_options_t options = { .secret = SECRET, .heartbeat_ms = INTERVAL_MS };

static host_t hosts [2];

__attribute__ ((format (printf, 1, 2))) static void
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
static void
move_in (int number, int ready_fd, int cable_fd)
{
    char byte = 0;
    if (unshare (CLONE_NEWNET) || write (ready_fd, "r", 1) != 1 || read (cable_fd, &byte, 1) != 1)
        _exit (1);
    run ("ip link set lo up && ip addr add 10.77.0.%d/24 dev eth0 && ip link set eth0 up", number + 2);
}

static void
start (int number)
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
        move_in (number, ready_fds [1], cable_fds [0]);
        s_be_host (options, endpoint, endpoint_fds [1], log_fds [1]);
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
static void
meet (void)
{
    if (unshare (CLONE_NEWNET) || system ("ip link add bridge0 type bridge 2>/dev/null"))
        cr_skip_test ("no network namespaces can be made here");
    run ("ip link set lo up && ip addr add 10.77.0.1/24 dev bridge0 && ip link set bridge0 up");
    start (0);
    start (1);
    begin (options);
}

static void
part (void)
{
    end ();
    end_host (&hosts [0]);
    end_host (&hosts [1]);
}

static void
plug (int number, bool in)
{
    run ("ip link set cable%d %s", number, in ? "up" : "down");
}

static int64_t
ms_since (int64_t before_ns)
{
    return (zanni_now_ns (root) - before_ns) / 1000000;
}

Test (hosts, reach_each_other_by_references_that_a_third_one_gave)
{
    meet ();
    zanni_ref_t *one = connect_to (hosts [0].endpoint, NULL);
    zanni_ref_t *other = connect_to (hosts [1].endpoint, NULL);
    done (one, "hold", other);
    done (other, "hold", one);
    cr_assert_eq (call_int (other, "add", 7), 7);
    cr_assert_eq (call_int (one, "relay", "total"), 7);
    cr_assert_eq (call_int (other, "relay", "pid"), hosts [0].pid);
    zanni_ref_t *deep = kept (other, "spawn", (int) ZANNI_PROCESS);   // it cannot be dialled: its host relays
    done (one, "hold", deep);
    cr_assert_eq (call_int (one, "relay", "total"), 100);
    zanni_ref_destroy (&deep);
    zanni_ref_destroy (&one);
    zanni_ref_destroy (&other);
    part ();
}

/* With all of its consequences, at both ends; and afterwards all is as new. */
Test (hosts, that_are_cut_off_are_down_in_time_and_can_be_reached_again)
{
    meet ();
    zanni_ref_t *one = connect_to (hosts [0].endpoint, NULL);
    zanni_ref_t *other = connect_to (hosts [1].endpoint, NULL);
    done (other, "witness", zanni_self (root));
    done (other, "watch", one);
    uint64_t down = monitor (one);
    uint64_t id = ask (one, "promise");
    cr_assert_eq (call_int (one, "promises"), 1);
    plug (0, false);
    int64_t before_ns = zanni_now_ns (root);
    bool seen [3] = { false };
    for (int i = 0; i < 3; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        zanni_error_t error;
        zanni_down_t end;
        const char *text = "";
        if (!zanni_msg_error (msg, &error))
            seen [0] = zanni_msg_id (msg) == id && error.code == ZANNI_ENODE;
        else if (!zanni_msg_down (msg, &end))
            seen [1] = end.monitor == down && end.reason.kind == ZANNI_EXIT_NO_CONNECTION;
        else if (!zanni_read (msg, &text))
            seen [2] = !strcmp (text, "down: no connection");
    }
    cr_assert (seen [0] && seen [1] && seen [2]);
    cr_assert_lt (ms_since (before_ns), BOUND_MS + 200);
    plug (0, true);
    zanni_ref_destroy (&one);
    one = connect_to (hosts [0].endpoint, NULL);
    cr_assert_eq (call_int (one, "add", 3), 3);
    done (other, "hold", one);
    cr_assert_eq (call_int (other, "relay", "total"), 3);
    zanni_ref_destroy (&one);
    zanni_ref_destroy (&other);
    part ();
}

/* A cable that is out for less than it takes to be given up harms nothing: a large buffer is under way meanwhile. TCP tries
   again after 200 ms, and then after twice as long. */
Test (hosts, that_are_cut_off_for_a_moment_go_on)
{
    options.heartbeat_ms = 1000;
    meet ();
    zanni_ref_t *one = connect_to (hosts [0].endpoint, NULL);
    zanni_buffer_t *buffer = NULL;
    void *data;
    const size_t size = 256 << 20;
    cr_assert_eq (zanni_buffer_new (root, &buffer, size), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memset (data, 'z', size);
    uint64_t down = monitor (one);
    uint64_t id = ask (one, "echo", buffer);
    cr_assert_eq (zanni_run (root, 20), 0);
    plug (0, false);
    cr_assert_eq (zanni_run (root, 300), 0);
    plug (0, true);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_buffer_t *back = NULL;
    int rc = zanni_receive (root, &reply, 4 * DEADLINE_MS);
    cr_assert_eq (rc, 0, "%s", zanni_strerror (rc));
    cr_assert_eq (zanni_msg_id (reply), id);
    cr_assert_eq (zanni_read (reply, &back), 0);
    cr_assert_eq (zanni_buffer_size (back), size);
    cr_assert_eq (memcmp (zanni_buffer_data (back), data, size), 0);
    cr_assert_eq (zanni_demonitor (root, down), 0);
    zanni_msg_destroy (&reply);
    zanni_buffer_destroy (&buffer);
    zanni_ref_destroy (&one);
    part ();
}
