/* A node that dialled is stopped, as by SIGSTOP: who listens has nothing but the pulse to learn it by, since it cannot dial that
   one, and its connections stand. (Of one that listens tcp_test.c knows.) With full counts twenty times each. */

#include "guard.h"
#include "tcp.h"

CLASSES (&worker_class, &guard_class);
TCP_SUITE (stopped);

#define INTERVAL_MS 300
#define BOUND_MS (INTERVAL_MS * 3 + INTERVAL_MS * 3 / 5)
#define ROUNDS (LONG ? 20 : 2)

static const zanni_options_t options = { .secret = SECRET, .heartbeat_ms = INTERVAL_MS };

static host_t host;
static int seen_fds [2];
static bool floods;

/* The host's guard watches an actor here. */
static void
be_watched (zanni_options_t how, int fd)
{
    begin (how);
    zanni_ref_t *guard = connect_to (host.endpoint, "guard");
    zanni_ref_t *theirs = connect_to (host.endpoint, NULL);
    zanni_ref_t *here = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "worker", 0);
    zanni_ref_t *flooder = spawn_with (&(zanni_spawn_t) { .place = ZANNI_THREAD }, "worker", 0);
    done (guard, "watch", here, seen_fds [1]);
    until_answers (here, "promises", 1);
    done (flooder, "hold", theirs);
    if (floods) {
        tell (flooder, "send", 1, INT64_MAX, 0);
        sleep_until_noted (theirs, 1, 1000);
    }
    say_byte (fd, 'w');
    _exit (zanni_run (root, -1));
}

static void
stop_often (bool flooded)
{
    floods = flooded;
    host_classes = guard_classes;
    host_offers = "guard";
    for (int round = 0; round < ROUNDS; round++) {
        other_t other;
        cr_assert_eq (pipe2 (seen_fds, O_CLOEXEC), 0);
        start_host (&host, options);
        start_other (&other, options, be_watched);
        begin (options);
        zanni_ref_t *ref = connect_to (host.endpoint, NULL);
        await_byte (other.fd, 'w');
        int64_t stopped_ns = zanni_now_ns (root);
        signal_to (other.pid, SIGSTOP);
        int64_t ms = guard_sees_loss (seen_fds [0], stopped_ns);
        cr_assert_lt (ms, BOUND_MS, "of round %d", round);
        cr_assert_eq (call_int (ref, "pid"), host.pid, "others go on");
        end_other (&other);
        zanni_ref_destroy (&ref);
        end ();
        end_host (&host);
        cr_assert (guard_sees_nothing (seen_fds [0]));
        close (seen_fds [0]);
        close (seen_fds [1]);
    }
}

Test (stopped, who_dialled_and_said_nothing_is_down_within_three_intervals_and_a_fifth)
{
    stop_often (false);
}

Test (stopped, who_dialled_and_flooded_is_down_within_three_intervals_and_a_fifth)
{
    stop_often (true);
}
