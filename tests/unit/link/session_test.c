/* Sessions between stubs of one process: hello, numbers, resending, windows, crossing dials, ends. */

#include "stub.h"

#include "link/hub.h"
#include "support/proxy.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static stub_t a, b;
static stub_t *both [] = { &a, &b };
static zanni_peer_t *to_b, *to_a;
static proxy_t *proxy;          // in front of b, where a test has one

/* What arrived in order, per stub. */
static uint64_t next_a, next_b;
static int out_of_order;

static int
in_order (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    uint64_t *next = stub == &a ? &next_a : &next_b;
    (void) peer;
    if (record->kind != ZANNI_RECORD_TELL)
        return 0;
    out_of_order += stub_number (record) != *next;
    if (record->buffers_count)
        out_of_order += !stub_buffer_is (buffers [0], zanni_buffer_size (buffers [0]), *next);
    *next = stub_number (record) + 1;
    return 0;
}

static void
meet_with (uint64_t window, uint32_t heartbeat_ms)
{
    stub_open_with (&a, 1, window, heartbeat_ms);
    stub_open_with (&b, 2, window, heartbeat_ms);
    a.record = b.record = in_order;
    cr_assert_eq (zanni__link_zmq.join (a.link, stub_endpoint (&b), b.node.id, &to_b), 0);
    cr_assert_eq (zanni__link_zmq.join (b.link, stub_endpoint (&a), a.node.id, &to_a), 0);
}

static void
meet (uint64_t window)
{
    meet_with (window, 200);
}

static void
part (void)
{
    zanni__link_zmq.leave (to_b);
    zanni__link_zmq.leave (to_a);
    stub_close (&a, 0);
    stub_close (&b, 0);
}

static bool
b_has (void *context)
{
    return next_b >= *(uint64_t *) context;
}

static bool
a_has (void *context)
{
    return next_a >= *(uint64_t *) context;
}

static bool
a_down (void *context)
{
    (void) context;
    return a.downs > 0;
}

static bool
b_down (void *context)
{
    (void) context;
    return b.downs > 0;
}

static bool
a_has_room (void *context)
{
    (void) context;
    return a.rooms > 0;
}

static bool
both_down (void *context)
{
    (void) context;
    return a.downs && b.downs;
}

static bool
settled (void *context)
{
    const zanni_peer_t *peer = context;
    return peer->acknowledged == peer->sent;
}

static void
tell_b (uint64_t count)
{
    for (uint64_t number = next_b; number < count; number++)
        cr_assert_eq (stub_tell (&a, to_b, 5, number, 0), 0);
    cr_assert (stub_run (both, 2, 20000, b_has, &count), "%lu of %lu", next_b, count);
}

Test (session, carries_records_in_order)
{
    meet (8 << 20);
    tell_b (10000);
    cr_assert_eq (out_of_order, 0);
    cr_assert_eq (to_b->incarnation, 1);
    cr_assert_str_eq (to_a->endpoint, a.worker.endpoint);
    cr_assert_leq (to_b->sent, 20, "coalesced");
    part ();
}

Test (session, is_duplex_whoever_dialled)
{
    meet (8 << 20);
    tell_b (1);
    for (uint64_t i = 0; i < 100; i++)
        cr_assert_eq (stub_tell (&b, to_a, 5, i, 0), 0);
    uint64_t count = 100;
    cr_assert (stub_run (both, 2, 20000, a_has, &count));
    const zanni__peer_t *peer = (zanni__peer_t *) (void *) to_a;
    cr_assert_not (peer->ours);
    part ();
}

/* A slow machine has time to dial a pulse that is cut again and again. */
Test (session, outlives_its_connections)
{
    meet_with (8 << 20, 20000);
    proxy = proxy_new (stub_endpoint (&b));
    uint64_t sent = 1, back = 0, cuts = 0;
    unsigned seed = 7;
    cr_assert_not_null (proxy);
    tell_b (1);
    while (proxy_cuts (proxy) < 100) {
        for (int i = 0; i < 20; i++) {
            size_t size = rand_r (&seed) % 16 ? 0 : 1 + (size_t) rand_r (&seed) % 40000;
            size = rand_r (&seed) % 300 ? size : (3 << 20) + 5;
            if (zanni__link_zmq.admits (to_b, 74 + size))
                cr_assert_eq (stub_tell (&a, to_b, 5, sent++, size), 0);
            if (zanni__link_zmq.admits (to_a, 74))
                cr_assert_eq (stub_tell (&b, to_a, 9, back++, 0), 0);
        }
        stub_run (both, 2, 0, NULL, NULL);
        if (proxy_cuts (proxy) < cuts)
            continue;
        cuts = proxy_cuts (proxy) + 1;
        proxy_cut_after (proxy, 1 + (uint64_t) rand_r (&seed) % 500000);
    }
    proxy_cut_after (proxy, 0);
    cr_assert (stub_run (both, 2, 20000, b_has, &sent), "%lu of %lu", next_b, sent);
    cr_assert (stub_run (both, 2, 20000, a_has, &back), "%lu of %lu", next_a, back);
    cr_assert_eq (a.downs + b.downs, 0);
    cr_assert_eq (out_of_order, 0);
    cr_assert_eq (a.records, (int) back);
    cr_assert_eq (b.records, (int) sent);
    proxy_destroy (&proxy);
    part ();
}

/* The pulse of its node goes to another worker: here, to none. */
Test (session, that_is_cut_and_comes_again_is_not_lost_for_want_of_a_pulse)
{
    meet (8 << 20);
    proxy = proxy_new (stub_endpoint (&b));
    uint64_t sent = 1;
    atomic_store (&a.node.undertaker, NULL);
    tell_b (1);
    for (int round = 0; round < 3; round++) {
        cr_assert_geq (proxy_cut (proxy), 1);
        cr_assert_eq (stub_tell (&a, to_b, 5, sent++, 0), 0);
        cr_assert (stub_run (both, 2, 5000, b_has, &sent));
    }
    cr_assert_not (stub_run (both, 2, 600, NULL, NULL));   // three intervals
    cr_assert_eq (b.lost, 0);
    cr_assert_eq (a.downs + b.downs, 0);
    proxy_destroy (&proxy);
    part ();
}

/* Its session and its pulse with b go through the proxy, and b has heard of both. */
static bool
has_both (void *context)
{
    (void) context;
    return proxy_connections (proxy) == 2 && b.node.pulses.count;
}

/* Its pulse is given up, since nobody was there to take it, and there is no session that wants another. */
static bool
a_has_no_pulse (void *context)
{
    (void) context;
    return !((const zanni__hub_t *) a.link)->pulses && !((const zanni__peer_t *) (void *) to_b)->up;
}

/* When something is due for b, reckoned anew in its next look. */
static bool
b_waits_for_nothing (void *context)
{
    zanni__hub_t *hub = b.link;
    (void) context;
    bool nothing = hub->next_ns == INT64_MAX;
    hub->next_ns = 0;
    return nothing;
}

/* For a moment nobody listens where b does, but its home may know more; in the end the session stands again. */
static void
stand_again (bool without_pulse)
{
    meet_with (8 << 20, 20000);
    proxy = proxy_new (stub_endpoint (&b));
    b.node.home = stub_endpoint (&b);
    tell_b (1);
    cr_assert (stub_run (both, 2, 20000, has_both, NULL));
    if (without_pulse)
        atomic_store (&a.node.undertaker, NULL);
    proxy_door (proxy, PROXY_GONE);
    cr_assert_eq (proxy_cut (proxy), 2);
    cr_assert (stub_run (both, 2, 20000, a_has_no_pulse, NULL));
    proxy_door (proxy, PROXY_OPEN);
    tell_b (2);
}

static void
part_again (void)
{
    cr_assert_eq (a.downs + b.downs, 0);
    cr_assert_eq (a.lost + b.lost, 0);
    proxy_destroy (&proxy);
    part ();
}

Test (session, that_stands_again_has_a_pulse_again)
{
    stand_again (false);
    cr_assert (stub_run (both, 2, 15000, b_waits_for_nothing, NULL));
    part_again ();
}

/* The word of its dialer shows that its node lives: there is time for the pulse that follows. */
Test (session, that_stands_again_gives_its_pulse_time)
{
    stand_again (true);
    zanni__hub_t *hub = b.link;
    cr_assert (stub_run (both, 2, 20000, settled, to_b));
    cr_assert_not (b_waits_for_nothing (NULL));
    stub_step (&b, 0);
    cr_assert_gt (hub->next_ns - stub_now_ns (), INT64_C (40000000000), "more than two intervals");
    part_again ();
}

static void
cross (uint8_t id_a, uint8_t id_b)
{
    stub_open_with (&a, id_a, 8 << 20, 200);
    stub_open_with (&b, id_b, 8 << 20, 200);
    a.record = b.record = in_order;
    cr_assert_eq (zanni__link_zmq.join (a.link, stub_endpoint (&b), b.node.id, &to_b), 0);
    cr_assert_eq (zanni__link_zmq.join (b.link, stub_endpoint (&a), a.node.id, &to_a), 0);
    uint64_t count = 3000;
    for (uint64_t i = 0; i < count; i++) {   // before either has looked
        cr_assert_eq (stub_tell (&a, to_b, 5, i, i == 10 ? 2 << 20 : 0), 0);
        cr_assert_eq (stub_tell (&b, to_a, 5, i, 0), 0);
    }
    cr_assert (stub_run (both, 2, 20000, b_has, &count));
    cr_assert (stub_run (both, 2, 20000, a_has, &count));
    cr_assert_eq (out_of_order, 0);
    cr_assert_eq (a.downs + b.downs, 0);
    const zanni__peer_t *mine = (zanni__peer_t *) (void *) to_b;
    const zanni__peer_t *other = (zanni__peer_t *) (void *) to_a;
    cr_assert_eq (mine->number, other->number);
    cr_assert_neq (mine->ours, other->ours);
    if (id_a != id_b)
        cr_assert_eq (mine->ours, id_a < id_b);
    part ();
}

Test (session, of_two_dials_at_once_one_stays)
{
    cross (1, 2);
}

Test (session, of_two_dials_at_once_one_stays_the_other_way_round)
{
    cross (9, 2);
}

Test (session, of_two_dials_between_workers_of_one_id_one_stays)
{
    cross (4, 4);
}

Test (session, waits_in_the_backlog_for_who_does_not_listen_yet)
{
    meet (8 << 20);
    cr_assert_eq (stub_tell (&a, to_b, 5, 0, 0), 0);
    stub_run (both, 1, 50, NULL, NULL);
    cr_assert_eq (a.downs, 0);
    uint64_t count = 1;
    cr_assert (stub_run (both, 2, 5000, b_has, &count));
    tell_b (2);
    cr_assert_eq (out_of_order, 0);
    part ();
}

Test (session, stops_at_the_window_and_goes_on_when_half_is_open)
{
    meet (1 << 20);
    tell_b (1);
    b.keeps = true;
    uint64_t sent = 1;
    while (zanni__link_zmq.admits (to_b, 74 + 4000))
        cr_assert_eq (stub_tell (&a, to_b, 5, sent++, 4000), 0);
    cr_assert (stub_run (both, 2, 20000, b_has, &sent));
    cr_assert_eq (sent - 1, (1 << 20) / 4074);
    stub_run (both, 2, 60, NULL, NULL);
    cr_assert_not (zanni__link_zmq.admits (to_b, 74 + 4000));
    cr_assert_eq (a.rooms, 0);
    zanni__link_zmq.taken (to_a, b.kept / 3);
    stub_run (both, 2, 60, NULL, NULL);
    cr_assert_eq (a.rooms, 0, "a third is no half");
    zanni__link_zmq.taken (to_a, b.kept / 3);
    cr_assert (stub_run (both, 2, 5000, a_has_room, NULL));
    cr_assert_eq (a.rooms, 1);
    cr_assert (zanni__link_zmq.admits (to_b, 74 + 4000));
    part ();
}

/* The word that there is room goes into a connection that never carries it. */
Test (session, tells_its_room_again_on_the_next_connection)
{
    meet (1 << 20);
    proxy = proxy_new (stub_endpoint (&b));
    tell_b (1);
    b.keeps = true;
    uint64_t sent = 1;
    while (zanni__link_zmq.admits (to_b, 74 + 4000))
        cr_assert_eq (stub_tell (&a, to_b, 5, sent++, 4000), 0);
    cr_assert (stub_run (both, 2, 20000, b_has, &sent));
    stub_run (both, 2, 60, NULL, NULL);
    cr_assert_not (zanni__link_zmq.admits (to_b, 74 + 4000));
    proxy_stall (proxy, true);
    zanni__link_zmq.taken (to_a, b.kept);
    stub_run (both, 2, 60, NULL, NULL);
    cr_assert_geq (proxy_cut (proxy), 1);
    proxy_stall (proxy, false);
    cr_assert (stub_run (both, 2, 5000, a_has_room, NULL));
    cr_assert (zanni__link_zmq.admits (to_b, 74 + 4000));
    proxy_destroy (&proxy);
    part ();
}

Test (session, admits_one_item_that_is_larger_than_the_window_and_small_ones_beside_it)
{
    meet (100000);
    tell_b (1);
    cr_assert (stub_run (both, 2, 5000, settled, to_b));
    b.keeps = true;
    cr_assert_eq (stub_tell (&a, to_b, 5, 1, 100), 0);
    cr_assert (zanni__link_zmq.admits (to_b, to_b->item_most), "though one is under way");
    cr_assert_eq (stub_tell (&a, to_b, 5, 2, 300000), 0);
    cr_assert_not (zanni__link_zmq.admits (to_b, to_b->item_most));
    cr_assert (zanni__link_zmq.admits (to_b, 74));
    uint64_t count = 3;
    cr_assert (stub_run (both, 2, 20000, b_has, &count));
    stub_run (both, 2, 60, NULL, NULL);
    cr_assert_not (zanni__link_zmq.admits (to_b, to_b->item_most));
    zanni__link_zmq.taken (to_a, b.kept);
    cr_assert (stub_run (both, 2, 5000, a_has_room, NULL));
    cr_assert (zanni__link_zmq.admits (to_b, to_b->item_most));
    cr_assert_eq (a.rooms, 1);
    part ();
}

Test (session, of_a_node_that_ends_in_good_order_is_down_for_shutdown)
{
    meet (8 << 20);
    tell_b (10);
    cr_assert (stub_run (both, 2, 5000, settled, to_b));
    zanni__link_zmq.leave (to_b);
    stub_close (&a, 1000);
    cr_assert_eq (a.downs, 1);
    stub_t *left [] = { &b };
    cr_assert (stub_run (left, 1, 5000, b_down, NULL));
    cr_assert_eq (b.downs, 1);
    cr_assert_eq (b.reason.kind, ZANNI_EXIT_SHUTDOWN);
    cr_assert_not (b.final);
    zanni__link_zmq.leave (to_a);
    stub_close (&b, 0);
}

static bool
a_has_record (void *context)
{
    (void) context;
    return a.records > 0;
}

Test (session, is_down_when_nobody_listens_any_more_and_the_next_one_works)
{
    meet (8 << 20);
    proxy = proxy_new (stub_endpoint (&b));
    tell_b (10);
    proxy_door (proxy, PROXY_GONE);
    proxy_cut (proxy);
    cr_assert (stub_run (both, 2, 5000, a_down, NULL));
    cr_assert_eq (a.reason.kind, ZANNI_EXIT_NO_CONNECTION);
    cr_assert_eq (b.downs, 0, "b can reach a");
    proxy_door (proxy, PROXY_OPEN);
    tell_b (20);
    cr_assert_eq (b.downs, 1, "the new session ends the old one");
    cr_assert_eq (out_of_order, 0);
    proxy_destroy (&proxy);
    part ();
}

Test (session, that_one_side_declared_down_is_down_for_both)
{
    meet (8 << 20);
    proxy = proxy_new (stub_endpoint (&b));
    tell_b (10);
    proxy_door (proxy, PROXY_HELD);
    proxy_cut (proxy);
    stub_run (both, 2, 20, NULL, NULL);
    zanni_node_event_t lost = { .change = ZANNI_NODE_LOST, .incarnation = 1 };
    memcpy (lost.node, a.node.id, 16);
    zanni__link_zmq.event (b.link, &lost);
    cr_assert_eq (b.downs, 1);
    cr_assert_eq (stub_tell (&a, to_b, 5, 10, 0), 0);
    stub_run (both, 2, 50, NULL, NULL);
    cr_assert_eq (a.downs, 0);
    proxy_door (proxy, PROXY_OPEN);
    cr_assert (stub_run (both, 2, 5000, both_down, NULL));
    cr_assert_eq (next_b, 10, "what was under way is not in the next session");
    tell_b (20);
    proxy_destroy (&proxy);
    part ();
}

Test (session, that_was_never_dialled_well_is_down_after_some_doubt)
{
    stub_open_with (&a, 1, 8 << 20, 200);
    cr_assert_eq (zanni__link_zmq.join (a.link, "ipc:///tmp/zanni-nobody-at-all", b.node.id, &to_b), 0);
    int64_t start_ns = stub_now_ns ();
    cr_assert_eq (stub_tell (&a, to_b, 5, 0, 0), 0);
    cr_assert (stub_run (both, 1, 5000, a_down, NULL));
    cr_assert_eq (a.reason.kind, ZANNI_EXIT_NO_CONNECTION);
    cr_assert_lt (stub_now_ns () - start_ns, INT64_C (1000000000));
    zanni__link_zmq.leave (to_b);
    stub_close (&a, 0);
}

Test (session, of_a_dead_process_is_down_for_the_reason_that_its_home_says)
{
    meet (8 << 20);
    b.node.home = stub_endpoint (&a);   // a is the home itself
    tell_b (10);
    cr_assert_str_eq (to_b->home, b.node.home);
    zanni_node_event_t ended = {
        .change = ZANNI_NODE_ENDED, .incarnation = 1, .kind = ZANNI_EXIT_SIGNAL, .code = 9, .restarts = true
    };
    memcpy (ended.node, b.node.id, 16);
    cr_assert_eq (stub_tell (&b, to_a, 5, 0, 0), 0);
    zanni__link_zmq.flush (b.link);
    zanni__link_zmq.event (a.link, &ended);
    cr_assert_eq (a.downs, 0, "what it had written is read first");
    cr_assert (stub_run (both, 1, 5000, a_down, NULL));
    cr_assert_eq (next_a, 1);
    cr_assert_eq (a.reason.kind, ZANNI_EXIT_SIGNAL);
    cr_assert_eq (a.reason.code, 9);
    cr_assert (a.restarts && !a.final);
    zanni__link_zmq.event (a.link, &ended);
    cr_assert_eq (a.downs, 1, "told once");
    part ();
}

/* c is a node that is neither b nor b's home a. */
Test (session, with_anothers_process_asks_its_home)
{
    static stub_t c;
    stub_t *all [] = { &a, &b, &c };
    zanni_peer_t *from_c;
    meet (8 << 20);
    stub_open_with (&c, 3, 8 << 20, 200);
    b.node.home = stub_endpoint (&a);
    cr_assert_eq (zanni__link_zmq.join (c.link, stub_endpoint (&b), b.node.id, &from_c), 0);
    cr_assert_eq (stub_tell (&c, from_c, 5, 0, 0), 0);
    cr_assert_not (stub_run (all, 3, 200, NULL, NULL));
    cr_assert_eq (a.records, 1, "a MONITOR");
    cr_assert_eq (c.downs, 0);
    zanni_peer_t *to_c = NULL;
    cr_assert_eq (zanni__link_zmq.join (a.link, stub_endpoint (&c), c.node.id, &to_c), 0);
    zanni_record_t down = { .kind = ZANNI_RECORD_DOWN, .id = UINT64_C (1) << 63 | 1 };
    down.as.end.reason.kind = ZANNI_EXIT_CODE;
    down.as.end.reason.code = 3;
    cr_assert_eq (stub_send (&a, to_c, &down, NULL), 0);
    cr_assert_not (stub_run (all, 3, 400, NULL, NULL));
    cr_assert_eq (c.ended, 1);
    cr_assert_eq (c.downs, 1);
    cr_assert_eq (c.reason.kind, ZANNI_EXIT_CODE);
    cr_assert (c.final);
    zanni__link_zmq.leave (from_c);
    zanni__link_zmq.leave (to_c);
    stub_close (&c, 0);
    part ();
}

static bool
knows_nobody (void *context)
{
    const stub_t *stub = context;
    return zanni__list_empty (&((zanni__hub_t *) stub->link)->peers);
}

/* Each of two claims that the other is its home. */
Test (session, that_was_never_dialled_well_asks_the_home_of_who_dialled)
{
    meet (8 << 20);
    b.node.home = stub_endpoint (&a);
    zanni_peer_t *gone;
    const uint8_t node [16] = { 9 };
    cr_assert_eq (zanni__link_zmq.join (b.link, "ipc:///tmp/zanni-nobody-at-all", node, &gone), 0);
    cr_assert_eq (stub_tell (&b, gone, 5, 0, 0), 0);
    cr_assert (stub_run (both, 2, 5000, a_has_record, NULL));
    cr_assert_eq (b.downs, 0);
    zanni_record_t down = { .kind = ZANNI_RECORD_DOWN, .id = UINT64_C (1) << 63 | 1 };
    down.as.end.reason.kind = ZANNI_EXIT_SIGNAL;
    down.as.end.reason.code = 9;
    cr_assert_eq (stub_send (&a, to_b, &down, NULL), 0);
    cr_assert (stub_run (both, 2, 5000, b_down, NULL));
    cr_assert_eq (b.reason.kind, ZANNI_EXIT_SIGNAL);
    cr_assert_eq (b.reason.code, 9);
    cr_assert (b.final);
    zanni__link_zmq.leave (gone);
    part ();
}

Test (session, with_two_homes_of_each_other_is_forgotten_all_the_same)
{
    static stub_t c;
    stub_t *all [] = { &a, &b, &c };
    zanni_peer_t *c_a, *c_b;
    meet (8 << 20);
    stub_open_with (&c, 3, 8 << 20, 200);
    a.node.home = stub_endpoint (&b);
    b.node.home = stub_endpoint (&a);
    cr_assert_eq (zanni__link_zmq.join (c.link, stub_endpoint (&a), a.node.id, &c_a), 0);
    cr_assert_eq (zanni__link_zmq.join (c.link, stub_endpoint (&b), b.node.id, &c_b), 0);
    cr_assert_eq (stub_tell (&c, c_a, 5, 0, 0), 0);
    cr_assert_eq (stub_tell (&c, c_b, 5, 0, 0), 0);
    cr_assert_not (stub_run (all, 3, 300, NULL, NULL));
    cr_assert_str_eq (c_a->home, b.worker.endpoint);
    cr_assert_str_eq (c_b->home, a.worker.endpoint);
    zanni__link_zmq.leave (c_a);
    zanni__link_zmq.leave (c_b);
    part ();
    cr_assert (stub_run (all + 2, 1, 5000, knows_nobody, &c));
    stub_close (&c, 0);
}

/* What a worker that has slept reads first is one message; the end of the connection behind it is not forgotten for that. */
Test (session, whose_connection_ends_behind_a_message_is_seen_to_have_ended)
{
    meet (8 << 20);
    a.node.options.lane_off = true;
    tell_b (1);
    const zanni__peer_t *peer = (zanni__peer_t *) (void *) to_a;
    cr_assert_eq (stub_tell (&a, to_b, 5, 1, 0), 0);
    zanni__link_zmq.flush (a.link);
    zanni__dial_close (&((zanni__peer_t *) (void *) to_b)->dial, 1000);
    for (int i = 0; i < 500 && peer->up; i++) {
        b.worker.slept = true;
        stub_step (&b, 10);
    }
    cr_assert_not (peer->up);
    cr_assert_eq (next_b, 2, "what it had said was read first");
    part ();
}

static bool
b_has_some (void *context)
{
    const zanni__peer_t *peer = context;
    return peer->in.assemblies != NULL;
}

static bool
is_open (void *context)
{
    const zanni__peer_t *peer = context;
    return peer->out.room == 1 << 20;
}

/* What had come of it is thrown away, and is not waited for any longer: the window is as open as before. */
Test (session, that_ends_amid_a_buffer_leaves_the_window_to_the_next_one)
{
    meet (1 << 20);
    tell_b (1);
    zanni__peer_t *ours = (zanni__peer_t *) (void *) to_b, *theirs = (zanni__peer_t *) (void *) to_a;
    for (int i = 1; i <= 5; i++) {
        uint64_t before = next_b;
        cr_assert (zanni__link_zmq.admits (to_b, ours->base.item_most), "the window is shut after %d", i - 1);
        cr_assert_eq (stub_tell (&a, to_b, 5, before, 20 << 20), 0);
        cr_assert_eq (stub_tell (&a, to_b, 5, before + 1, 0), 0);   // which waits behind it
        cr_assert (stub_run (both, 2, 5000, b_has_some, theirs));
        zanni__session_lost (ours);
        tell_b (before + 1);
        cr_assert_eq (b.downs, i);
        cr_assert (stub_run (both, 2, 5000, settled, to_b));
        cr_assert (stub_run (both, 2, 5000, is_open, ours));
        cr_assert_eq (theirs->held, 0);
    }
    part ();
}
