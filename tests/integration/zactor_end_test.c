/* How zactor functions end, by themselves or told to, and what becomes of what was on its way. */

#include "zactor.h"

Test (zactor, ends_normally_when_its_function_returns)
{
    stage_t *stage = s_stage (3);
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_counter, stage);
    s_monitor (ref);
    sem_post (&stage->gate);
    s_expect_heard ("0");
    s_expect_heard ("1");
    s_expect_heard ("2");
    s_expect_down (ZANNI_EXIT_NORMAL);
    cr_assert (stage->returned);
    cr_assert_eq (zanni_tell (root, ref, "more"), ZANNI_ENOACTOR);
    zanni_ref_destroy (&ref);
    s_finish ();
}

static void
s_returner (zsock_t *pipe, void *args)
{
    (void) pipe;
    ((stage_t *) args)->returned = true;
}

Test (zactor, may_return_without_a_signal)
{
    stage_t *stage = s_stage (0);
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_returner, stage);
    s_monitor (ref);
    ZANNI_AUTO (zanni_msg_t) msg = s_next ();
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_DOWN);   // of one that ends now, or is gone
    cr_assert (stage->returned);
    zanni_ref_destroy (&ref);
    s_finish ();
}

/* Signals by and by, as functions do that take commands. */
static void
s_signaller (zsock_t *pipe, void *args)
{
    stage_t *stage = args;
    zsock_signal (pipe, 0);
    s_wait_at (&stage->gate);
    zsock_signal (pipe, 7);
    zstr_send (pipe, "said");
    zsock_signal (pipe, 0);
}

Test (zactor, tells_every_signal_but_the_first)
{
    const uint64_t seven = UINT64_C (0x7766554433221100) + 7, zero = UINT64_C (0x7766554433221100);
    stage_t *stage = s_stage (0);
    zanni_bytes_t bytes;
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_signaller, stage);
    s_monitor (ref);
    sem_post (&stage->gate);
    zanni_msg_t *msg = s_heard (1);
    cr_assert_eq (zanni_read (msg, &bytes), 0);
    cr_assert (bytes.size == 8 && !memcmp (bytes.data, &seven, 8));
    zanni_msg_destroy (&msg);
    s_expect_heard ("said");
    msg = s_heard (1);
    cr_assert_eq (zanni_read (msg, &bytes), 0);
    cr_assert (bytes.size == 8 && !memcmp (bytes.data, &zero, 8));
    zanni_msg_destroy (&msg);
    s_expect_down (ZANNI_EXIT_NORMAL);
    zanni_ref_destroy (&ref);
    s_finish ();
}

/* Has a last word. */
static void
s_polite (zsock_t *pipe, void *args)
{
    s_echo (pipe, args);
    zstr_send (pipe, "goodbye");
}

Test (zactor, is_told_to_end_by_a_stop_and_ends_when_it_has_returned)
{
    stage_t *stage = s_stage (0);
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_polite, stage);
    s_monitor (ref);
    cr_assert_eq (zanni_stop (root, ref), 0);
    s_expect_heard ("goodbye");
    s_expect_down (ZANNI_EXIT_SHUTDOWN);
    cr_assert (stage->terminated && stage->returned);
    zanni_ref_destroy (&ref);
    s_finish ();
}

Test (zactor, is_told_to_end_by_a_kill_too)
{
    stage_t *stage = s_stage (0);
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_polite, stage);
    s_monitor (ref);
    cr_assert_eq (zanni_kill (root, ref), 0);
    s_expect_heard ("goodbye");
    s_expect_down (ZANNI_EXIT_KILLED);
    cr_assert (stage->terminated && stage->returned);
    zanni_ref_destroy (&ref);
    s_finish ();
}

Test (zactor, gets_all_that_was_told_before_its_last_reference_was_dropped)
{
    stage_t *stage = s_stage (0);
    ZANNI_AUTO (zanni_ref_t) weak = NULL;
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_sluggard, stage);
    s_monitor (ref);
    for (int i = 0; i < 5000; i++)   // more than a pipe holds
        cr_assert_eq (zanni_tell (root, ref, "count"), 0);
    cr_assert_eq (zanni_ref_weak (root, &weak, ref), 0);
    zanni_ref_destroy (&ref);
    sem_post (&stage->gate);
    s_expect_down (ZANNI_EXIT_NORMAL);
    cr_assert_eq (stage->seen, 5000);
    cr_assert (stage->terminated);
    zanni_ref_destroy (&weak);
    s_finish ();
}

Test (zactor, has_returned_when_its_node_is_destroyed)
{
    stage_t *stage = s_stage (0);
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_echo, stage);
    (void) ref;   // goes with the root
    s_finish ();
    cr_assert (stage->terminated && stage->returned);
}

Test (zactor, has_returned_even_if_a_kill_and_the_end_of_its_node_meet)
{
    for (int i = 0; i < 30; i++) {
        stage_t *stage = s_stage (0);
        stage->returned = false;
        s_begin ((zanni_options_t) { 0 });
        zanni_ref_t *ref = s_spawn (s_echo, stage);
        cr_assert_eq (zanni_kill (root, ref), 0);
        s_finish ();
        cr_assert (stage->returned);
    }
}

/* Sends without end until it is told to end. */
static void
s_flooder (zsock_t *pipe, void *args)
{
    stage_t *stage = args;
    zmsg_t *zmsg = NULL;
    zsock_signal (pipe, 0);
    while (!zmsg) {
        zstr_send (pipe, "more");
        if (zsock_events (pipe) & ZMQ_POLLIN)
            zmsg = zmsg_recv (pipe);
    }
    stage->terminated = s_is_term (zmsg);
    zmsg_destroy (&zmsg);
}

Test (zactor, that_floods_its_pipe_ends_with_its_node)
{
    stage_t *stage = s_stage (0);
    s_begin ((zanni_options_t) { .mailbox_messages = 16 });
    zanni_ref_t *ref = s_spawn (s_flooder, stage);
    (void) ref;
    s_expect_heard ("more");
    s_finish ();
    cr_assert (stage->terminated);
}

Test (zactor, that_is_stuck_is_abandoned_by_a_stop_and_named)
{
    stage_t *stage = s_stage (0);
    s_begin ((zanni_options_t) { .shutdown_ms = 50 });
    zanni_ref_t *ref = s_spawn (s_deaf, stage);
    s_monitor (ref);
    cr_assert_eq (zanni_stop (root, ref), 0);
    s_expect_down (ZANNI_EXIT_SHUTDOWN);
    cr_assert_not (stage->returned);
    cr_assert (s_logged ("for heard did not end in time and is abandoned"), "logged: %s", log_text);
    sem_post (&stage->gate);
    zanni_ref_destroy (&ref);
    (void) zanni_destroy (&root);   // it came back: whether in time is the machine's affair
}

/* The library says nothing, nor makes czmq say something. The sanitizer may, of a thread that is on its way out. */
static void
s_expect_silence (const probe_end_t *end)
{
#if !defined __SANITIZE_ADDRESS__
    cr_assert_eq (end->output_size, 0, "said: %s", end->output);
#else
    cr_assert (!strstr (end->output, "ERROR") && !strstr (end->output, "dangling"), "said: %s", end->output);
#endif
}

/* Main of a child, since what is abandoned stays. */
static int
s_leave_stuck (void)
{
    stage_t *stage = s_stage (0);
    zanni_ref_t *ref = NULL;
    const zanni_options_t options = { .shutdown_ms = 50, .log = s_note_log };
    if (zanni_new (&root, &options) || zanni_spawn_zactor (root, &ref, s_deaf, stage, "heard"))
        return 10;
    if (zanni_destroy (&root) != ZANNI_ESTUCK)
        return 11;
    return s_logged ("for heard did not end in time and is abandoned") ? 0 : 12;
}

Test (zactor, that_is_stuck_when_its_node_ends_is_abandoned_and_named)
{
    probe_end_t end;
    probe_child (&end, s_leave_stuck, 20);
    cr_assert (probe_exited (&end, 0), "status %x, said: %s", end.status, end.output);
    s_expect_silence (&end);
}

/* Reads its pipe and does as it likes; only the end of czmq ends it. */
static void
s_stubborn (zsock_t *pipe, void *args)
{
    zmsg_t *zmsg;
    (void) args;
    zsock_signal (pipe, 0);
    while ((zmsg = zmsg_recv (pipe)))
        zmsg_destroy (&zmsg);
}

static int
s_leave_stubborn (void)
{
    zanni_ref_t *ref = NULL;
    const zanni_options_t options = { .shutdown_ms = 50 };
    if (zanni_new (&root, &options) || zanni_spawn_zactor (root, &ref, s_stubborn, NULL, "heard"))
        return 10;
    return zanni_destroy (&root) == ZANNI_ESTUCK ? 3 : 11;
}

Test (zactor, that_waits_in_its_pipe_for_ever_does_not_break_the_exit)
{
    probe_end_t end;
    probe_child (&end, s_leave_stubborn, 20);
    cr_assert (probe_exited (&end, 3), "status %x, said: %s", end.status, end.output);
    s_expect_silence (&end);
}

/* Main of a child that ends without zanni_destroy. */
static int
s_leave_running (void)
{
    stage_t *stage = s_stage (0);
    zanni_ref_t *ref = NULL;
    if (zanni_new (&root, NULL) || zanni_spawn_zactor (root, &ref, s_echo, stage, "heard"))
        return 10;
    return 1;
}

Test (zactor, does_not_keep_a_program_from_exiting)
{
    probe_end_t end;
    probe_child (&end, s_leave_running, 20);
    cr_assert (probe_exited (&end, 1), "status %x, said: %s", end.status, end.output);
    cr_assert_lt (end.seconds, 5);
    s_expect_silence (&end);
}

Test (zactor, that_does_not_read_fills_its_mailbox_and_loses_nothing)
{
    stage_t *stage = s_stage (0);
    int accepted = 0, rc = 0;
    s_begin ((zanni_options_t) { .mailbox_messages = 100 });
    zanni_ref_t *ref = s_spawn (s_sluggard, stage);
    s_monitor (ref);
    while (accepted < 10000 && (rc = zanni_tell_wait (root, ref, 200, "count")) == 0)
        accepted++;
    cr_assert_eq (rc, ZANNI_ETIMEOUT);
    cr_assert_geq (accepted, 100);
    cr_assert_eq (zanni_tell (root, ref, "count"), ZANNI_EFULL);
    cr_assert_eq (zanni_when_writable (root, ref, "writable"), 0);
    sem_post (&stage->gate);
    ZANNI_AUTO (zanni_msg_t) msg = s_next ();
    cr_assert_str_eq (zanni_msg_method (msg), "writable");
    cr_assert_eq (zanni_tell (root, ref, "count"), 0);
    zanni_ref_destroy (&ref);
    s_expect_down (ZANNI_EXIT_NORMAL);
    cr_assert_eq (stage->seen, accepted + 1);
    s_finish ();
}

Test (zactor, waits_for_room_in_the_mailbox_of_its_spawner)
{
    char text [16];
    stage_t *stage = s_stage (10000);
    s_begin ((zanni_options_t) { .mailbox_messages = 16 });
    zanni_ref_t *ref = s_spawn (s_counter, stage);
    s_monitor (ref);
    sem_post (&stage->gate);
    for (int i = 0; i < 10000; i++) {
        snprintf (text, sizeof text, "%d", i);
        s_expect_heard (text);
    }
    s_expect_down (ZANNI_EXIT_NORMAL);
    zanni_ref_destroy (&ref);
    s_finish ();
}

static uint64_t
s_dead_letters (void)
{
    zanni_stats_t stats;
    cr_assert_eq (zanni_stats (root, &stats), 0);
    return stats.dead_letters;
}

Test (zactor, leaves_what_it_did_not_read_as_dead_letters)
{
    stage_t *stage = s_stage (0);
    s_begin ((zanni_options_t) { 0 });
    cr_assert_eq (zanni_dead_letters (root, "dead"), 0);
    zanni_ref_t *ref = s_spawn (s_deaf, stage);
    s_monitor (ref);
    for (int i = 0; i < 3000; i++)   // into the pipe and beside it
        cr_assert_eq (zanni_tell (root, ref, "lost", i), 0);
    sem_post (&stage->gate);
    for (int i = 0; i < 3000; i++) {
        const char *class_name, *method;
        ZANNI_AUTO (zanni_msg_t) msg = s_next ();
        cr_assert_str_eq (zanni_msg_method (msg), "dead");
        cr_assert_eq (zanni_read (msg, &class_name, &method), 0);
        cr_assert_str_eq (class_name, "zanni.zactor");
        cr_assert_str_eq (method, "lost");
    }
    s_expect_down (ZANNI_EXIT_NORMAL);
    cr_assert_eq (s_dead_letters (), 3000);
    zanni_ref_destroy (&ref);
    s_finish ();
}

Test (zactor, is_stopped_before_what_waits_for_it)
{
    stage_t *stage = s_stage (0);
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_sluggard, stage);
    s_monitor (ref);
    for (int i = 0; i < 5000; i++)
        cr_assert_eq (zanni_tell (root, ref, "count"), 0);
    cr_assert_eq (zanni_stop (root, ref), 0);
    sem_post (&stage->gate);
    s_expect_down (ZANNI_EXIT_SHUTDOWN);
    cr_assert (stage->terminated);
    cr_assert_lt (stage->seen, 5000);
    cr_assert_eq (stage->seen + (int) s_dead_letters (), 5000, "%d and %d", stage->seen, (int) s_dead_letters ());
    zanni_ref_destroy (&ref);
    s_finish ();
}
