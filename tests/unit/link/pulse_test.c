/* Whether stopped, busy and flooded peers are told apart. The other side is a process, forked before anything of ZeroMQ
   is there. */

#include "stub.h"

#include "link/hub.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define INTERVAL_MS 300

static stub_t ours, theirs;
static stub_t *mine [] = { &ours };
static zanni_peer_t *peer;
static pid_t other;
static char endpoint [64];
static char own_endpoint [80];
static const uint8_t nobody [16];   // who is there will be said

/* A method that computes: the number says for how many milliseconds. */
static int
compute (stub_t *stub, zanni_peer_t *from, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    (void) stub;
    (void) from;
    (void) buffers;
    int64_t until_ns = stub_now_ns () + (int64_t) stub_number (record) * 1000000;
    while (stub_now_ns () < until_ns) {}
    return 0;
}

/* As if it were stopped before its pulse is dialled. */
static bool without_pulse;

/* Ends with 7 when its session or its pulse is lost. */
static void
be_the_other (bool dials)
{
    stub_t *one [] = { &theirs };
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    stub_open_with (&theirs, 2, 8 << 20, INTERVAL_MS);
    theirs.record = compute;
    if (without_pulse)
        atomic_store (&theirs.node.undertaker, NULL);
    stub_listen_at (&theirs, endpoint);
    if (dials) {
        zanni_peer_t *back;
        if (zanni__link_zmq.join (theirs.link, own_endpoint, nobody, &back) || stub_tell (&theirs, back, 1, 0, 0))
            _exit (1);
    }
    while (!theirs.lost && !theirs.downs)
        stub_run (one, 1, 10, NULL, NULL);
    _exit (7);
}

static bool
has_session (void *context)
{
    const zanni__peer_t *other_peer = context;
    return other_peer->up;
}

static bool
has_record (void *context)
{
    (void) context;
    return ours.records > 0;
}

static bool
is_lost (void *context)
{
    (void) context;
    return ours.lost > 0;
}

static void
begin (bool they_dial)
{
    snprintf (endpoint, sizeof endpoint, "ipc:///tmp/zanni-pulse-%d", (int) getpid ());
    snprintf (own_endpoint, sizeof own_endpoint, "%s-ours", endpoint);
    unlink (own_endpoint + 6);
    other = fork ();
    if (!other) {
        while (they_dial && access (own_endpoint + 6, F_OK)) {}
        be_the_other (they_dial);
    }
    stub_open_with (&ours, 1, 1 << 20, INTERVAL_MS);
    stub_listen_at (&ours, own_endpoint);
    if (they_dial) {
        cr_assert (stub_run (mine, 1, 5000, has_record, NULL));
        return;
    }
    while (access (endpoint + 6, F_OK)) {}
    cr_assert_eq (zanni__link_zmq.join (ours.link, endpoint, nobody, &peer), 0);
    cr_assert_eq (stub_tell (&ours, peer, 5, 0, 0), 0);
    cr_assert (stub_run (mine, 1, 5000, has_session, peer));
}

static void
finish (void)
{
    kill (other, SIGKILL);
    kill (other, SIGCONT);
    waitpid (other, NULL, 0);
    unlink (endpoint + 6);
    if (peer)
        zanni__link_zmq.leave (peer);
    stub_close (&ours, 0);
}

static void
stop_and_time (void)
{
    stub_run (mine, 1, INTERVAL_MS, NULL, NULL);
    cr_assert_eq (ours.lost, 0);
    kill (other, SIGSTOP);
    int64_t start_ns = stub_now_ns ();
    cr_assert (stub_run (mine, 1, 10000, is_lost, NULL));
    int64_t took_ms = (stub_now_ns () - start_ns) / 1000000;
    cr_assert_leq (took_ms, INTERVAL_MS * 36 / 10, "%ld ms", (long) took_ms);
    cr_assert_geq (took_ms, INTERVAL_MS, "%ld ms", (long) took_ms);
    stub_run (mine, 1, 1, NULL, NULL);
    cr_assert_eq (ours.downs, 1);
    cr_assert_eq (ours.reason.kind, ZANNI_EXIT_NO_CONNECTION);
}

Test (pulse, of_a_stopped_process_is_missed_in_time, .timeout = 60)
{
    begin (false);
    cr_assert_eq (ours.watched, 1);
    stop_and_time ();
    finish ();
}

Test (pulse, of_a_stopped_process_that_dialled_is_missed_in_time, .timeout = 60)
{
    begin (true);
    stop_and_time ();
    finish ();
}

Test (pulse, that_never_came_of_a_stopped_process_is_missed_in_time, .timeout = 60)
{
    without_pulse = true;
    begin (true);
    stop_and_time ();
    finish ();
}

Test (pulse, of_a_stopped_process_is_missed_behind_a_flood, .timeout = 60)
{
    begin (false);
    for (uint64_t i = 0; i < 200000; i++)
        (void) stub_tell (&ours, peer, 5, 0, 0);
    stop_and_time ();
    finish ();
}

Test (pulse, goes_on_while_the_process_computes, .timeout = 60)
{
    begin (false);
    cr_assert_eq (stub_tell (&ours, peer, 5, INTERVAL_MS * 10, 0), 0);
    stub_run (mine, 1, INTERVAL_MS * 12, NULL, NULL);
    cr_assert_eq (ours.lost, 0);
    cr_assert_eq (ours.downs, 0);
    cr_assert_eq (peer->acknowledged, peer->sent);
    finish ();
}

/* We are away from where its pulse broke until long after it stands again. */
Test (pulse, that_stands_again_is_seen_by_who_was_busy, .timeout = 60)
{
    begin (true);
    stub_run (mine, 1, INTERVAL_MS, NULL, NULL);
    kill (other, SIGSTOP);
    int64_t start_ns = stub_now_ns ();
    stub_run (mine, 1, INTERVAL_MS * 15 / 10, NULL, NULL);   // its pulse breaks, or is about to
    cr_assert_eq (ours.lost, 0);
    kill (other, SIGCONT);
    while (stub_now_ns () - start_ns < INTERVAL_MS * INT64_C (4000000)) {}
    stub_run (mine, 1, INTERVAL_MS, NULL, NULL);
    cr_assert_eq (ours.lost, 0);
    cr_assert_eq (ours.downs, 0);
    finish ();
}

Test (pulse, tells_a_process_that_was_stopped_that_it_was_given_up, .timeout = 60)
{
    int status = 0;
    begin (true);
    stop_and_time ();
    kill (other, SIGCONT);
    int64_t start_ns = stub_now_ns ();
    while (waitpid (other, &status, WNOHANG) == 0 && stub_now_ns () - start_ns < 10000000000)
        stub_run (mine, 1, 10, NULL, NULL);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 7);
    finish ();
}

Test (pulse, of_a_killed_process_is_missed, .timeout = 60)
{
    begin (true);
    stub_run (mine, 1, INTERVAL_MS, NULL, NULL);
    kill (other, SIGKILL);
    int64_t start_ns = stub_now_ns ();
    while (!ours.downs && stub_now_ns () - start_ns < 5000000000)
        stub_run (mine, 1, 10, NULL, NULL);
    cr_assert_eq (ours.downs, 1);
    cr_assert_leq ((stub_now_ns () - start_ns) / 1000000, INTERVAL_MS * 2, "it did not stand again within an interval");
    finish ();
}
