/* Three hosts with networks of their own: who is given a reference, and what a cable that is pulled does. */

#include "hosts.h"

CLASSES (&worker_class);
TCP_SUITE (hosts);

Test (hosts, reach_each_other_by_references_that_a_third_one_gave)
{
    meet_hosts ();
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
    part_from_hosts ();
}

/* With all of its consequences, at both ends; and afterwards all is as new. */
Test (hosts, that_are_cut_off_are_down_in_time_and_can_be_reached_again)
{
    meet_hosts ();
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
    part_from_hosts ();
}

/* A cable that is out for less than it takes to be given up harms nothing: a large buffer is under way meanwhile. TCP tries
   again after 200 ms, and then after twice as long. */
Test (hosts, that_are_cut_off_for_a_moment_go_on)
{
    hosts_options.heartbeat_ms = 1000;
    meet_hosts ();
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
    part_from_hosts ();
}
