/* What crosses from node to node: messages and answers, counted references, monitors, what is forwarded, and what becomes
   of all that when a node is gone. Two or three nodes on one thread, with a link that is a queue. */

#include "things.h"

TestSuite (remote, .init = setup, .fini = teardown);

Test (remote, a_tell_and_an_ask_are_handled_as_at_home)
{
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add", 40), 0);
    cr_assert_eq (number_of (asked (1, s_remote, "add", 2)), 42);
    cr_assert_eq (s_kinds [ZANNI_RECORD_TELL], 1);
    cr_assert_eq (s_kinds [ZANNI_RECORD_REPLY], 1);
}

Test (remote, an_error_brings_its_code_text_data_and_origin)
{
    ZANNI_AUTO (zanni_msg_t) reply = asked (1, s_remote, "fail");
    zanni_error_t error;
    const char *data = "";
    cr_assert_eq (zanni_msg_error (reply, &error), 0);
    cr_assert_eq (error.code, ZANNI_EAPP);
    cr_assert_eq (error.app_code, 7);
    cr_assert_str_eq (error.text, "no luck");
    cr_assert_eq (error.origin.actor, zanni_ref_address (s_local).actor);
    cr_assert_arr_eq (error.origin.node, zanni_ref_address (s_local).node, 16);
    cr_assert_eq (zanni_read (reply, &data), 0);
    cr_assert_str_eq (data, "with data");
}

Test (remote, wrong_arguments_and_methods_are_refused_there)
{
    zanni_error_t error;
    zanni_msg_t *reply = asked (1, s_remote, "add", "one");
    cr_assert_eq (zanni_msg_error (reply, &error), 0);
    cr_assert_eq (error.code, ZANNI_EARGS);
    zanni_msg_destroy (&reply);
    reply = asked (1, s_remote, "subtract", 1);
    cr_assert_eq (zanni_msg_error (reply, &error), 0);
    cr_assert_eq (error.code, ZANNI_ENOMETHOD);
    zanni_msg_destroy (&reply);
}

/* Something with a small number from an actor of the first node to the root of the second, whose `back` is there. */
static void
say (const zanni_ref_t *actor, const zanni_ref_t *back, zanni_record_kind_t kind, zanni_msg_t **msg_p)
{
    const zanni__export_t *export;
    const zanni__remote_t *remote = back->identity->as.remote;
    cr_assert_eq (zanni__export_get (actor->identity, &export), 0);
    const zanni_record_t record = {
        .kind = (uint8_t) kind, .id = kind == ZANNI_RECORD_ASK ? 7 : 0, .to = { remote->address.actor, remote->call },
        .from = { export->id, export->call }, .remaining_ms = -1, .method = { "add", 3 }, .args = { "\x91\x05", 2 }
    };
    cr_assert_eq (loopback.send (remote->peer, &record, NULL), 0);
    settle ();
    cr_assert_eq (zanni_receive (s_nodes [1], msg_p, 0), 0);
}

/* It became known by another worker of its node. What it asks is answered by its own session all the same. */
Test (remote, an_actor_is_told_by_one_session_whichever_it_speaks_by)
{
    ZANNI_AUTO (zanni_ref_t) other = spawn_in (0);
    ZANNI_AUTO (zanni_ref_t) back = loop_introduce (s_nodes [0], s_nodes [1], &s_nodes [1]->identity->self, false);
    zanni_worker_t *worker = s_nodes [1]->worker;
    const zanni_address_t address = zanni_ref_address (other);
    const zanni__export_t *export;
    zanni__identity_t *first, *again;
    zanni_msg_t *msg = NULL;
    cr_assert_eq (zanni__export_get (other->identity, &export), 0);
    zanni_wire_ref_t known = {
        .node = address.node, .actor = address.actor, .nonce = export->call, .endpoint = { "loop-99", 7 }
    };
    cr_assert_eq (zanni__remote_get (worker, &first, &known), 0);
    say (other, back, ZANNI_RECORD_ASK, &msg);
    cr_assert_neq (zanni_msg_from (msg)->identity, first);
    zanni_msg_destroy (&msg);
    say (other, back, ZANNI_RECORD_TELL, &msg);
    cr_assert_eq (zanni_msg_from (msg)->identity, first);
    zanni_msg_destroy (&msg);
    for (known.actor = 1000; known.actor < 1100; known.actor++)   // the table grows, which turns its chains round
        cr_assert_eq (zanni__remote_get (worker, &again, &known), 0);
    cr_assert_eq (zanni__remote_find (worker, &address), first);
    for (; known.actor < 1200; known.actor++)
        cr_assert_eq (zanni__remote_get (worker, &again, &known), 0);
    cr_assert_eq (zanni__remote_find (worker, &address), first);
}

Test (remote, references_to_one_actor_are_equal_wherever_they_came_from)
{
    ZANNI_AUTO (zanni_ref_t) other = spawn_in (2);
    ZANNI_AUTO (zanni_ref_t) known = loop_introduce (s_nodes [1], s_nodes [2], other, false);
    const zanni_ref_t *lent = NULL;
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "hold", known), 0);
    ZANNI_AUTO (zanni_msg_t) reply = asked (1, s_remote, "lend");
    cr_assert_eq (zanni_read (reply, &lent), 0);
    cr_assert (zanni_ref_equal (lent, known));
    cr_assert_eq (zanni_ref_hash (lent), zanni_ref_hash (known));
    cr_assert (!zanni_ref_equal (lent, s_remote));
    cr_assert_str_eq (zanni_ref_class (lent), "thing");
}

Test (remote, the_last_strong_reference_elsewhere_ends_an_actor_behind_what_was_sent)
{
    zanni_ref_destroy (&s_local);
    settle ();
    cr_assert_eq (s_stopped, 0);
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add", 1), 0);
    zanni_ref_destroy (&s_remote);
    settle ();
    cr_assert_eq (s_stopped, 1);
    cr_assert_eq (s_stop_kind, ZANNI_EXIT_NORMAL);
    cr_assert_eq (s_kinds [ZANNI_RECORD_RELEASE], 1);
}

Test (remote, a_message_that_is_thrown_away_releases_what_it_held)
{
    ZANNI_AUTO (zanni_ref_t) other = spawn_in (1);
    ZANNI_AUTO (zanni_ref_t) weak = NULL;
    cr_assert_eq (zanni_ref_weak (s_nodes [1], &weak, other), 0);
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "nowhere", other), 0);   // there is no such method
    zanni_ref_destroy (&other);
    settle ();
    cr_assert_eq (s_stopped, 1);
}

Test (remote, an_answer_that_nobody_waits_for_releases_what_it_held)
{
    ZANNI_AUTO (zanni_ref_t) other = spawn_in (0);
    ZANNI_AUTO (zanni_ref_t) root = loop_introduce (s_nodes [0], s_nodes [1], &s_nodes [1]->identity->self, false);
    zanni_peer_t *peer = root->identity->as.remote->peer;
    zanni_worker_t *worker = s_nodes [0]->worker;
    zanni_wire_ref_t ref;
    const zanni_record_t late = {
        .kind = ZANNI_RECORD_REPLY, .id = 12345, .remaining_ms = -1, .refs = &ref, .refs_count = 1,
        .args = { "\x91\xd4\x01\x00", 4 }
    };
    cr_assert_eq (zanni__ref_to_wire (worker, peer, &ref, other->identity, true, false), 0);
    const zanni_address_t address = zanni_ref_address (other);
    cr_assert_eq (zanni__lend (peer, &address, other->identity, false), 0);
    cr_assert_eq (loopback.send (peer, &late, NULL), 0);
    zanni_ref_destroy (&other);
    settle ();
    cr_assert_eq (s_stopped, 1);
}

Test (remote, what_a_node_passes_on_is_held_by_the_third_before_it_lets_go)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn_in (2);
    ZANNI_AUTO (zanni_ref_t) to_holder = loop_introduce (s_nodes [1], s_nodes [2], holder, false);
    zanni_ref_destroy (&s_local);
    loop_link (s_nodes [2])->late = true;   // it does not know yet that its RETAIN has arrived
    cr_assert_eq (zanni_tell (s_nodes [1], to_holder, "hold", s_remote), 0);
    zanni_ref_destroy (&s_remote);
    settle ();
    cr_assert_eq (s_kinds [ZANNI_RECORD_RETAIN], 2);   // of the second node in the setup, of the third
    cr_assert_eq (s_kinds [ZANNI_RECORD_RELEASE], 0);
    cr_assert_eq (s_stopped, 0);
    loop_link_t *third = loop_link (s_nodes [2]);
    for (int i = 0; third->peers [i]; i++) {
        third->peers [i]->base.acknowledged = third->peers [i]->base.sent;
        zanni_worker_acknowledged (s_nodes [2]->worker, &third->peers [i]->base);
    }
    third->late = false;
    settle ();
    cr_assert_eq (s_kinds [ZANNI_RECORD_RELEASE], 2);   // the third to the second, the second to the first
    cr_assert_eq (s_stopped, 0);
    cr_assert_eq (zanni_tell (s_nodes [2], holder, "drop"), 0);
    settle ();
    cr_assert_eq (s_stopped, 1);
}

Test (remote, a_reference_that_comes_home_is_one_of_home)
{
    ZANNI_AUTO (zanni_ref_t) other = spawn_in (1);
    ZANNI_AUTO (zanni_ref_t) there = loop_introduce (s_nodes [0], s_nodes [1], other, true);
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "hold", there), 0);
    const zanni_ref_t *lent = NULL;
    zanni_msg_t *reply = asked (1, s_remote, "lend");
    cr_assert_eq (zanni_read (reply, &lent), 0);
    cr_assert_eq (lent->identity, other->identity);
    zanni_msg_destroy (&reply);
    zanni_ref_destroy (&there);
    zanni_ref_destroy (&other);
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "drop"), 0);
    settle ();
    cr_assert_eq (s_stopped, 1);
}

Test (remote, a_node_that_is_gone_gives_back_what_it_held)
{
    const zanni_reason_t gone = { .kind = ZANNI_EXIT_SIGNAL, .code = 9 };
    zanni_ref_destroy (&s_local);
    settle ();
    cr_assert_eq (s_stopped, 0);
    loop_down (s_nodes [0], s_nodes [1], &gone, false);
    settle ();
    cr_assert_eq (s_stopped, 1);
}

Test (remote, a_monitor_hears_why_an_actor_elsewhere_ended)
{
    uint64_t id;
    zanni_down_t down;
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    cr_assert_eq (zanni_monitor (s_nodes [1], &id, s_remote), 0);
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "end"), 0);
    settle ();
    cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), 0);
    cr_assert_eq (zanni_msg_down (msg, &down), 0);
    cr_assert_eq (down.monitor, id);
    cr_assert_eq (down.reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (down.reason.code, 3);
    cr_assert_str_eq (down.reason.text, "enough");
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add", 1), ZANNI_ENOACTOR);
}

Test (remote, a_monitor_that_was_ended_stays_silent)
{
    uint64_t id;
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    cr_assert_eq (zanni_monitor (s_nodes [1], &id, s_remote), 0);
    cr_assert_eq (zanni_demonitor (s_nodes [1], id), 0);
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "end"), 0);
    settle ();
    cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), ZANNI_ETIMEOUT);
}

Test (remote, asks_and_monitors_fail_when_the_node_is_gone)
{
    const zanni_reason_t gone = { .kind = ZANNI_EXIT_SIGNAL, .code = 9 };
    uint64_t id;
    zanni_error_t error;
    zanni_down_t down;
    cr_assert_eq (zanni_monitor (s_nodes [1], &id, s_remote), 0);
    cr_assert_eq (zanni_ask (s_nodes [1], s_remote, NULL, "wait"), 0);
    settle ();
    loop_down (s_nodes [1], s_nodes [0], &gone, false);
    settle ();
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), 0);
        if (!zanni_msg_error (msg, &error)) {
            cr_assert_eq (error.code, ZANNI_EDOWN);
            cr_assert_str_eq (error.text, "receiver down: signal 9 (SIGKILL)");
        }
        else {
            cr_assert_eq (zanni_msg_down (msg, &down), 0);
            cr_assert_eq (down.reason.kind, ZANNI_EXIT_SIGNAL);
        }
    }
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add", 1), ZANNI_ENOACTOR);
}

Test (remote, what_is_forwarded_is_answered_to_who_asked_first)
{
    ZANNI_AUTO (zanni_ref_t) last = spawn_in (2);
    ZANNI_AUTO (zanni_ref_t) to_last = loop_introduce (s_nodes [0], s_nodes [2], last, false);
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "hold", to_last), 0);
    settle ();
    cr_assert_eq (number_of (asked (1, s_remote, "pass", 5)), 5);
    cr_assert_eq (s_kinds [ZANNI_RECORD_FORWARDED], 1);
    cr_assert_eq (s_kinds [ZANNI_RECORD_REPLY], 1);   // not by way of the one that forwarded
}

Test (remote, an_ask_that_was_forwarded_fails_with_whom_it_is_at_now)
{
    const zanni_reason_t gone = { .kind = ZANNI_EXIT_SIGNAL, .code = 11 };
    ZANNI_AUTO (zanni_ref_t) last = spawn_in (2);
    ZANNI_AUTO (zanni_ref_t) to_last = loop_introduce (s_nodes [0], s_nodes [2], last, false);
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_error_t error;
    cr_assert_eq (zanni_tell (s_nodes [0], s_local, "hold", to_last), 0);
    settle ();
    cr_assert_eq (zanni_ask (s_nodes [1], s_remote, NULL, "pass", 5), 0);
    for (int i = 0; i < 4; i++) {   // the third does not run
        (void) !zanni_step (s_nodes [1], 100);
        (void) !zanni_step (s_nodes [0], 100);
    }
    loop_down (s_nodes [1], s_nodes [0], &gone, false);
    cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), ZANNI_ETIMEOUT);
    loop_down (s_nodes [1], s_nodes [2], &gone, false);
    cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), 0);
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    cr_assert_str_eq (error.text, "receiver down: signal 11 (SIGSEGV)");
}

Test (remote, commands_need_the_right_to_own)
{
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    cr_assert_eq (zanni_ref_limit (s_nodes [1], &limited, s_remote), 0);
    cr_assert_eq (zanni_stop (s_nodes [1], limited), ZANNI_EPERM);
    cr_assert_eq (zanni_stop (s_nodes [1], s_remote), 0);
    settle ();
    cr_assert_eq (s_stopped, 1);
    cr_assert_eq (s_stop_kind, ZANNI_EXIT_SHUTDOWN);
}

Test (remote, the_right_to_own_is_not_found_in_that_to_call)
{
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    cr_assert_eq (zanni_ref_limit (s_nodes [0], &limited, s_local), 0);
    ZANNI_AUTO (zanni_ref_t) there = loop_introduce (s_nodes [2], s_nodes [0], limited, false);
    there->own = true;   // somebody lies
    cr_assert_eq (zanni_kill (s_nodes [2], there), 0);
    settle ();
    cr_assert_eq (number_of (asked (1, s_remote, "add", 1)), 1);
}

/* The second node sends the first one's actor a message of its own back: forwarded, as it says. */
static void
send_back (zanni_record_kind_t kind, const char *method)
{
    zanni_wire_ref_t sender;
    cr_assert_eq (zanni__ref_to_wire (s_nodes [0]->worker, NULL, &sender, s_local->identity, false, false), 0);
    sender.node = s_nodes [0]->worker->node->id;
    const zanni_record_t record = {
        .kind = (uint8_t) kind, .to = { sender.actor, sender.nonce }, .about = &sender, .id = 1, .remaining_ms = -1,
        .method = { method, strlen (method) }, .args = { "\x90", 1 }
    };
    cr_assert_eq (loopback.send (s_remote->identity->as.remote->peer, &record, NULL), 0);
    settle ();
}

Test (remote, what_comes_back_in_an_actor_s_own_name_does_not_reach_its_private_methods)
{
    zanni_stats_t stats;
    send_back (ZANNI_RECORD_TELL, "secret");
    send_back (ZANNI_RECORD_ASK, "secret");
    cr_assert_eq (number_of (asked (1, s_remote, "add", 1)), 1);
    cr_assert_eq (zanni_stats (s_nodes [0], &stats), 0);
    cr_assert_eq (stats.dead_letters, 1);
    cr_assert_eq (stats.late_replies, 1);   // the ask that it never made was answered
    send_back (ZANNI_RECORD_TELL, "drop");
    cr_assert_eq (zanni_stats (s_nodes [0], &stats), 0);
    cr_assert_eq (stats.dead_letters, 1);
}

Test (remote, a_restart_keeps_the_reference_and_tells_monitors)
{
    uint64_t id;
    zanni_down_t down;
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    cr_assert_eq (number_of (asked (1, s_remote, "add", 5)), 5);
    cr_assert_eq (zanni_monitor (s_nodes [1], &id, s_remote), 0);
    cr_assert_eq (zanni_restart (s_nodes [1], s_remote), 0);
    settle ();
    cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), 0);
    cr_assert_eq (zanni_msg_down (msg, &down), 0);
    cr_assert (down.restarts);
    cr_assert_eq (number_of (asked (1, s_remote, "add", 1)), 1);
}

Test (remote, a_buffer_arrives_with_its_bytes)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    cr_assert_eq (zanni_buffer_new (s_nodes [1], &buffer, 1000), 0);
    cr_assert_eq (number_of (asked (1, s_remote, "size", buffer)), 1000);
}

Test (remote, a_cancelled_ask_is_dropped_there)
{
    uint64_t id;
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_error_t error;
    cr_assert_eq (zanni_ask (s_nodes [1], s_remote, &((zanni_ask_t) { .id_p = &id }), "add", 1), 0);
    cr_assert_eq (zanni_cancel (s_nodes [1], id), 0);
    settle ();
    cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), 0);
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    cr_assert_eq (error.code, ZANNI_ECANCELED);
    cr_assert_eq (number_of (asked (1, s_remote, "add", 1)), 1);
}

Test (remote, a_window_that_is_used_up_is_full_and_says_when_it_is_not)
{
    loop_link (s_nodes [1])->room = 0;
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add", 1), ZANNI_EFULL);
    cr_assert_eq (zanni_when_writable (s_nodes [1], s_remote, "room"), 0);
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    settle ();
    cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), ZANNI_ETIMEOUT);
    loop_link (s_nodes [1])->room = UINT64_MAX;
    zanni_worker_peer_room (s_nodes [1]->worker, s_remote->identity->as.remote->peer);
    settle ();
    cr_assert_eq (zanni_receive (s_nodes [1], &msg, 0), 0);
    cr_assert_str_eq (zanni_msg_method (msg), "room");
}

/* Those of other workers look at what was seen last of the window, which goes with its session. */
Test (remote, a_window_that_was_full_is_not_when_its_session_is_gone)
{
    const zanni_reason_t gone = { .kind = ZANNI_EXIT_NO_CONNECTION };
    zanni__identity_t *identity = s_remote->identity;
    atomic_store (&identity->as.remote->full, true);
    zanni_worker_peer_down (s_nodes [1]->worker, identity->as.remote->peer, &gone, false, false);
    cr_assert_not (atomic_load (&identity->as.remote->full));
}

Test (remote, a_send_that_waits_for_no_time_looks_at_what_came_all_the_same)
{
    ZANNI_AUTO (zanni_ref_t) other = spawn_in (1);
    ZANNI_AUTO (zanni_ref_t) there = loop_introduce (s_nodes [0], s_nodes [1], other, false);
    loop_link (s_nodes [1])->room = 0;
    cr_assert_eq (zanni_tell (s_nodes [0], there, "add", 1), 0);
    cr_assert_not_null (loop_link (s_nodes [1])->first);
    cr_assert_eq (zanni_tell_wait (s_nodes [1], s_remote, 0, "add", 1), ZANNI_ETIMEOUT);
    cr_assert_null (loop_link (s_nodes [1])->first, "an acknowledgement, which makes room, might be among it");
}

Test (remote, what_came_is_taken_once_it_is_handled)
{
    uint64_t before = loop_link (s_nodes [0])->taken;
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add", 1), 0);
    (void) !zanni_step (s_nodes [1], 100);
    zanni__worker_look (s_nodes [0]->worker);
    cr_assert_eq (loop_link (s_nodes [0])->taken, before);
    settle ();
    cr_assert_eq (loop_link (s_nodes [0])->taken, before + ZANNI__CHARGE + 2);
}

Test (remote, an_actor_that_is_gone_is_an_error_to_who_asks_and_a_dead_letter_else)
{
    zanni_error_t error;
    zanni_stats_t stats;
    cr_assert_eq (zanni_kill (s_nodes [0], s_local), 0);
    settle ();
    ZANNI_AUTO (zanni_msg_t) reply = asked (1, s_remote, "add", 1);
    cr_assert_eq (zanni_msg_error (reply, &error), 0);
    cr_assert_eq (error.code, ZANNI_ENOACTOR);
    cr_assert_eq (zanni_tell (s_nodes [1], s_remote, "add", 1), 0);
    settle ();
    cr_assert_eq (zanni_stats (s_nodes [0], &stats), 0);
    cr_assert_eq (stats.dead_letters, 1);
}
