/* Hosts between which packets, or bytes, pass one way only. Both have to learn that they have lost each other, though one
   of them hears the other one all the time; each ask ends once; and when both ways are there again, all is as new.

   The hosts that lose each other are watched over a third way that works: by pipes, and from a host that both can reach.
   Who hears the other one learns it last: TCP holds back what that one sends, even the end of the connection, as soon as
   it has waited for an acknowledgement for 200 ms. With intervals of that order it may be later than they say. */

#include "guard.h"
#include "hosts.h"

#include "support/proxy.h"

CLASSES (&worker_class, &guard_class);
TCP_SUITE (oneway);

#define INTERVAL_HERE_MS 1000
#define BOUND_HERE_MS (INTERVAL_HERE_MS * 3 + INTERVAL_HERE_MS * 3 / 5)

/* Two hosts that are each other's guards, of which the first has dialled the other one. */
typedef struct {
    zanni_ref_t *workers [HOSTS];
    zanni_ref_t *guards [HOSTS];
    int seen_fds [HOSTS];      // what the guards see
    int say_fds [HOSTS];       // where they say it, in all processes
    int promises;              // of each worker
} s_pair_t;

static void
make_pipes (s_pair_t *pair)
{
    for (int i = 0; i < HOSTS; i++) {
        int fds [2];
        cr_assert_eq (pipe2 (fds, O_CLOEXEC), 0);
        pair->seen_fds [i] = fds [0];
        pair->say_fds [i] = fds [1];
    }
}

static void
watch_each_other (s_pair_t *pair)
{
    pair->promises++;
    for (int i = 0; i < HOSTS; i++) {
        done (pair->guards [i], "watch", pair->workers [1 - i], pair->say_fds [i]);
        until_answers (pair->workers [1 - i], "promises", pair->promises);
    }
}

static void
meet_pair (s_pair_t *pair)
{
    *pair = (s_pair_t) { .promises = 0 };
    make_pipes (pair);
    host_classes = guard_classes;
    host_offers = "guard";
    hosts_options.heartbeat_ms = INTERVAL_HERE_MS;
    meet_hosts ();
    for (int i = 0; i < HOSTS; i++) {
        pair->workers [i] = connect_to (hosts [i].endpoint, NULL);
        pair->guards [i] = connect_to (hosts [i].endpoint, "guard");
    }
    watch_each_other (pair);
}

/* Nothing more was seen than what was waited for. */
static void
part_pair (s_pair_t *pair)
{
    for (int i = 0; i < HOSTS; i++) {
        cr_assert (guard_sees_nothing (pair->seen_fds [i]), "guard %d sees something twice", i);
        zanni_ref_destroy (&pair->workers [i]);
        zanni_ref_destroy (&pair->guards [i]);
        close (pair->seen_fds [i]);
        close (pair->say_fds [i]);
    }
    part_from_hosts ();
}

/* Both ways work, and the asks of before are over, whatever happens to their promises. */
static void
expect_all_as_new (s_pair_t *pair)
{
    watch_each_other (pair);
    for (int i = 0; i < HOSTS; i++) {
        cr_assert (guard_sees_nothing (pair->seen_fds [i]));
        done (pair->workers [1 - i], "fulfil", 40 + i);
        const guard_seen_t seen = guard_sees (pair->seen_fds [i]);
        cr_assert_eq (seen.kind, GUARD_ANSWER);
        cr_assert_eq (seen.value, 40 + i);
    }
}

/* From a thread of each, without end. */
static void
flood_each_other (s_pair_t *pair, zanni_ref_t *threads [HOSTS])
{
    for (int i = 0; i < HOSTS; i++) {
        threads [i] = kept (pair->workers [i], "spawn", (int) ZANNI_THREAD);
        done (threads [i], "hold", pair->workers [1 - i]);
        tell (threads [i], "send", 1, INT64_MAX, 0);
    }
    for (int i = 0; i < HOSTS; i++)
        sleep_until_noted (pair->workers [i], 1, 1000);
}

static void
lose_and_find_again (int from, bool flooded)
{
    s_pair_t pair;
    zanni_ref_t *threads [HOSTS] = { NULL };
    meet_pair (&pair);
    if (flooded)
        flood_each_other (&pair, threads);
    lose_packets (from, 1 - from, true);
    int64_t lost_ns = zanni_now_ns (root);
    for (int i = 0; i < HOSTS; i++) {
        int64_t ms = guard_sees_loss (pair.seen_fds [i], lost_ns);
        cr_log_info ("host %d, of %d: %" PRId64 " ms", i, from, ms);
        cr_assert_lt (ms, BOUND_HERE_MS, "host %d", i);
    }
    for (int i = 0; i < HOSTS; i++)
        cr_assert_eq (call_int (pair.workers [i], "pid"), hosts [i].pid, "who is reached by both ways stays");
    lose_packets (from, 1 - from, false);
    expect_all_as_new (&pair);
    for (int i = 0; i < HOSTS; i++)
        zanni_ref_destroy (&threads [i]);
    part_pair (&pair);
}

Test (oneway, packets_of_who_dialled_are_lost_and_both_learn_it)
{
    lose_and_find_again (0, false);
}

Test (oneway, packets_of_who_was_dialled_are_lost_and_both_learn_it)
{
    lose_and_find_again (1, false);
}

Test (oneway, packets_are_lost_amid_a_flood_and_both_learn_it)
{
    lose_and_find_again (0, true);
}

/* Of a flood both ways nothing is lost, or comes twice, where packets of one way are lost for a moment. */
Test (oneway, packets_are_lost_for_a_moment_and_all_goes_on)
{
    enum { COUNT = 300000 };
    s_pair_t pair;
    uint64_t ids [HOSTS];
    zanni_ref_t *threads [HOSTS];
    meet_pair (&pair);
    for (int i = 0; i < HOSTS; i++) {
        threads [i] = kept (pair.workers [i], "spawn", (int) ZANNI_THREAD);
        done (threads [i], "hold", pair.workers [1 - i]);
        ids [i] = ask (threads [i], "send", 1, COUNT, 0);
    }
    for (int i = 0; i < HOSTS; i++) {
        lose_packets (i, 1 - i, true);
        cr_assert_eq (zanni_run (root, 200), 0);
        lose_packets (i, 1 - i, false);
        cr_assert_eq (zanni_run (root, 100), 0);
    }
    for (int i = 0; i < HOSTS; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        cr_assert_eq (zanni_receive (root, &reply, 4 * DEADLINE_MS), 0);
        cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
        cr_assert (zanni_msg_id (reply) == ids [0] || zanni_msg_id (reply) == ids [1]);
    }
    for (int i = 0; i < HOSTS; i++) {
        sleep_until_noted (pair.workers [i], 1, COUNT);
        cr_assert_eq (noted (pair.workers [i], 1), COUNT);
        done (pair.workers [1 - i], "fulfil", 9);
        cr_assert_eq (guard_sees (pair.seen_fds [i]).kind, GUARD_ANSWER);
        zanni_ref_destroy (&threads [i]);
    }
    part_pair (&pair);
}

/* The proxy takes what is sent, so that nobody's TCP complains; what was held comes at last, when it is too late. */
static void
hold_and_let_go (proxy_way_t way)
{
    int fds [2];
    char own [PROXY_TCP];
    host_t host;
    const zanni_options_t options = { .secret = SECRET, .heartbeat_ms = INTERVAL_MS };
    cr_assert_eq (pipe2 (fds, O_CLOEXEC), 0);
    host_classes = guard_classes;
    host_offers = "guard";
    start_host (&host, options);
    begin (options);
    proxy_t *proxy = proxy_new_tcp (host.endpoint, own);
    cr_assert_not_null (proxy);
    zanni_ref_t *here = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "worker", 0);
    zanni_ref_t *there = connect_to (own, NULL);
    zanni_ref_t *guard = connect_to (own, "guard");
    done (guard, "watch", here, fds [1]);
    until_answers (here, "promises", 1);
    uint64_t down = monitor (there);
    uint64_t id = ask (there, "promise");
    until_answers (there, "promises", 1);
    proxy_hold (proxy, way, true);
    int64_t held_ns = zanni_now_ns (root);
    tell (there, "count");
    expect_failure (id, ZANNI_ENODE);
    expect_reason (down, "no connection");
    cr_assert_lt (ms_since (held_ns), BOUND_MS);
    cr_assert_lt (guard_sees_loss (fds [0], held_ns), BOUND_MS);
    proxy_hold (proxy, way, false);
    zanni_ref_destroy (&there);
    zanni_ref_destroy (&guard);
    zanni_ref_t *again = connect_to (own, NULL);
    cr_assert_eq (call_int (again, "add", 5), way == PROXY_BACK ? 6 : 5, "the tell that was held counts, or the other does not");
    expect_nothing ();
    cr_assert (guard_sees_nothing (fds [0]));
    zanni_ref_destroy (&again);
    zanni_ref_destroy (&here);
    end ();
    proxy_destroy (&proxy);
    end_host (&host);
    close (fds [0]);
    close (fds [1]);
}

Test (oneway, bytes_of_who_dialled_are_held_and_come_too_late)
{
    hold_and_let_go (PROXY_THERE);
}

Test (oneway, bytes_to_who_dialled_are_held_and_come_too_late)
{
    hold_and_let_go (PROXY_BACK);
}
