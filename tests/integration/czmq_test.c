/* Zactor functions as actors: what goes in and comes out, who may spawn them, and a host that uses czmq itself. */

#include "zactor.h"

#include "support/faults.h"

#include <sys/resource.h>

#define MANY 8000 // no more than a mailbox takes by default: nobody reads while they are sent

Test (zactor, takes_any_method_and_tells_its_spawner_what_it_sends)
{
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_echo, s_stage (0));
    cr_assert_str_eq (zanni_ref_class (ref), "zanni.zactor");
    cr_assert_eq (zanni_tell (root, ref, "first"), 0);
    cr_assert_eq (zanni_tell (root, ref, "second", -5, "text", true), 0);
    s_expect_heard ("first");
    zanni_msg_t *msg = s_heard (4);
    cr_assert (zanni_ref_equal (zanni_msg_from (msg), ref));
    s_expect_frame (msg, "second");
    s_expect_frame (msg, "-5");
    s_expect_frame (msg, "text");
    s_expect_frame (msg, "1");
    zanni_msg_destroy (&msg);
    zanni_ref_destroy (&ref);
    s_finish ();
}

Test (zactor, keeps_the_order_of_many_messages)
{
    char text [16];
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_echo, s_stage (0));
    for (int i = 0; i < MANY; i++) {
        snprintf (text, sizeof text, "m%d", i);
        cr_assert_eq (zanni_tell (root, ref, text), 0);
    }
    for (int i = 0; i < MANY; i++) {
        snprintf (text, sizeof text, "m%d", i);
        s_expect_heard (text);
    }
    zanni_ref_destroy (&ref);
    s_finish ();
}

/* Signals only when it is let to. */
static void
s_late_starter (zsock_t *pipe, void *args)
{
    stage_t *stage = args;
    s_wait_at (&stage->gate);
    s_echo (pipe, args);
}

static void *
s_open_gate (void *argument)
{
    stage_t *stage = argument;
    sem_post (&stage->gate);
    return NULL;
}

Test (zactor, has_given_its_first_signal_when_spawn_returns)
{
    stage_t *stage = s_stage (0);
    pthread_t thread;
    s_begin ((zanni_options_t) { 0 });
    pthread_create (&thread, NULL, s_open_gate, stage);
    zanni_ref_t *ref = s_spawn (s_late_starter, stage);
    cr_assert (stage->ready);
    pthread_join (thread, NULL);
    zanni_ref_destroy (&ref);
    s_finish ();
}

Test (zactor, that_never_signals_fails_to_start_in_time)
{
    stage_t *stage = s_stage (0);
    zanni_ref_t *ref = NULL;
    s_begin ((zanni_options_t) { .ask_deadline_ms = 50 });
    cr_assert_eq (zanni_spawn_zactor (root, &ref, s_late_starter, stage, "heard"), ZANNI_ETIMEOUT);
    cr_assert_null (ref);
    sem_post (&stage->gate);
    s_finish ();
    cr_assert (stage->terminated);
}

/* An actor that has a zactor function, and passes on what it says. */
typedef struct {
    zanni_ref_t *zactor;
    zanni_ref_t *witness;
    stage_t *stage;
} keeper_t;

static int
s_keeper_start (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    const zanni_ref_t *witness;
    uint64_t stage;
    int rc = zanni_read (msg, &witness, &stage);
    if (!rc)
        rc = zanni_ref_keep (self, &keeper->witness, witness);
    if (!rc)
        rc = zanni_spawn_zactor (self, &keeper->zactor, s_echo, (void *) (uintptr_t) stage, "said");
    return rc;
}

static int
s_keeper_say (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    const char *text;
    int rc = zanni_read (msg, &text);
    return rc ? rc : zanni_tell (self, keeper->zactor, text);
}

static int
s_keeper_said (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    return zanni_forward (self, msg, keeper->witness, "heard");
}

static int
s_keeper_try (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    const char *method;
    int rc = zanni_read (msg, &method);
    return zanni_reply (self, msg, rc ? rc : zanni_spawn_zactor (self, &ref, s_echo, NULL, method));
}

static int
s_keeper_give (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    return zanni_reply (self, msg, keeper->zactor);
}

static const zanni_method_t s_keeper_methods [] = {
    ZANNI_METHOD ("give", "", "r", s_keeper_give, "The function's reference."),
    ZANNI_METHOD ("say", "s", "", s_keeper_say, "Goes to the function."),
    ZANNI_METHOD ("said", "aay", "", s_keeper_said, "Came from the function."),
    ZANNI_PRIVATE ("secret", "aay", "", s_keeper_said, "Nobody else's."),
    ZANNI_METHOD ("try", "s", "i", s_keeper_try, "The code of a spawn that is to tell this method."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_keeper_class = {
    .name = "keeper", .state_size = sizeof (keeper_t), .methods = s_keeper_methods, .start_in = "rt",
    .start = s_keeper_start
};
static const zanni_class_t *const s_classes [] = { &s_keeper_class, NULL };

static void
s_keep_in (zanni_place_t place)
{
    stage_t *stage = s_stage (0);
    zanni_ref_t *ref = NULL;
    const zanni_spawn_t options = { .place = place };
    cr_assert_eq (zanni_init (s_classes), 0);
    s_begin ((zanni_options_t) { 0 });
    cr_assert_eq (zanni_spawn (root, &ref, "keeper", &options, zanni_self (root), (uint64_t) (uintptr_t) stage), 0);
    s_monitor (ref);
    cr_assert_eq (zanni_tell (root, ref, "say", "ay"), 0);
    s_expect_heard ("ay");
    zanni_ref_destroy (&ref);   // and with the keeper goes the only reference to the function
    s_expect_down (ZANNI_EXIT_NORMAL);
    s_finish ();
    cr_assert (stage->terminated && stage->returned);
}

Test (zactor, can_be_spawned_by_a_shared_actor)
{
    s_keep_in (ZANNI_SHARED);
}

Test (zactor, can_be_spawned_by_an_actor_on_the_worker_of_the_root)
{
    s_keep_in (ZANNI_HERE);
}

Test (zactor, can_be_spawned_by_a_thread_actor)
{
    s_keep_in (ZANNI_THREAD);
}

static uint64_t
s_dead_letters (void)
{
    zanni_stats_t stats;
    cr_assert_eq (zanni_stats (root, &stats), 0);
    return stats.dead_letters;
}

Test (zactor, that_outlives_its_spawner_speaks_to_nobody)
{
    stage_t *stage = s_stage (0);
    zanni_ref_t *keeper = NULL;
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *given = NULL;
    cr_assert_eq (zanni_init (s_classes), 0);
    s_begin ((zanni_options_t) { 0 });
    cr_assert_eq (zanni_spawn (root, &keeper, "keeper", NULL, zanni_self (root), (uint64_t) (uintptr_t) stage), 0);
    cr_assert_eq (zanni_call (root, &reply, keeper, "give"), 0);
    cr_assert_eq (zanni_read (reply, &given), 0);
    cr_assert_eq (zanni_ref_keep (root, &ref, given), 0);
    zanni_msg_destroy (&reply);
    s_monitor (keeper);
    zanni_ref_destroy (&keeper);
    s_expect_down (ZANNI_EXIT_NORMAL);
    s_monitor (ref);
    cr_assert_eq (zanni_tell (root, ref, "hello"), 0);
    zanni_ref_destroy (&ref);
    s_expect_down (ZANNI_EXIT_NORMAL);
    cr_assert_eq (stage->seen, 1);
    cr_assert_eq (s_dead_letters (), 1);
    s_finish ();
}

static int
s_try (const zanni_ref_t *keeper, const char *method)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int code = 0;
    cr_assert_eq (zanni_call (root, &reply, keeper, "try", method), 0);
    cr_assert_eq (zanni_read (reply, &code), 0);
    return code;
}

Test (zactor, tells_only_a_public_method_that_takes_frames)
{
    stage_t *stage = s_stage (0);
    zanni_ref_t *ref = NULL;
    cr_assert_eq (zanni_init (s_classes), 0);
    s_begin ((zanni_options_t) { 0 });
    cr_assert_eq (zanni_spawn (root, &ref, "keeper", NULL, zanni_self (root), (uint64_t) (uintptr_t) stage), 0);
    cr_assert_eq (s_try (ref, "say"), ZANNI_EARGS);
    cr_assert_eq (s_try (ref, "secret"), ZANNI_EPERM);
    cr_assert_eq (s_try (ref, ""), ZANNI_EINVAL);
    zanni_ref_destroy (&ref);
    s_finish ();
}

static void *
s_spawn_elsewhere (void *argument)
{
    zanni_ref_t *ref = NULL;
    *(int *) argument = zanni_spawn_zactor (root, &ref, s_echo, NULL, "heard");
    return NULL;
}

Test (zactor, wants_all_that_it_needs)
{
    zanni_ref_t *ref = NULL;
    pthread_t thread;
    int rc = 0;
    char name [300];
    memset (name, 'n', sizeof name - 1);
    name [sizeof name - 1] = 0;
    s_begin ((zanni_options_t) { 0 });
    cr_assert_eq (zanni_spawn_zactor (NULL, &ref, s_echo, NULL, "heard"), ZANNI_EINVAL);
    cr_assert_eq (zanni_spawn_zactor (root, NULL, s_echo, NULL, "heard"), ZANNI_EINVAL);
    cr_assert_eq (zanni_spawn_zactor (root, &ref, NULL, NULL, "heard"), ZANNI_EINVAL);
    cr_assert_eq (zanni_spawn_zactor (root, &ref, s_echo, NULL, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_spawn_zactor (root, &ref, s_echo, NULL, name), ZANNI_EINVAL);
    pthread_create (&thread, NULL, s_spawn_elsewhere, &rc);
    pthread_join (thread, NULL);
    cr_assert_eq (rc, ZANNI_ETHREAD);
    cr_assert_eq (zanni_spawn (root, &ref, "zanni.zactor", NULL), ZANNI_ENOCLASS);
    cr_assert_null (ref);
    s_finish ();
}

Test (zactor, cannot_be_asked)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_error_t error = { 0 };
    const zanni_ask_t options = { .error = &error };
    stage_t *stage = s_stage (0);
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_echo, stage);
    cr_assert_eq (zanni_call_with (root, &reply, ref, &options, "question"), ZANNI_ENOREPLY);
    cr_assert_str_eq (error.text, "no reply: a zactor takes messages and answers none");
    cr_assert_eq (zanni_call (root, &reply, ref, "zanni.describe"), 0);   // which every actor can be
    zanni_ref_destroy (&ref);
    s_finish ();
    cr_assert_eq (stage->seen, 0);
}

Test (zactor, gets_no_reference_and_no_command_of_the_library)
{
    stage_t *stage = s_stage (0);
    zanni_stats_t stats;
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_echo, stage);
    cr_assert_eq (zanni_tell (root, ref, "take", ref), 0);
    cr_assert_eq (zanni_tell (root, ref, "zanni.late"), 0);
    cr_assert_eq (zanni_tell (root, ref, "take", "this"), 0);
    zanni_msg_t *msg = s_heard (2);
    zanni_msg_destroy (&msg);
    cr_assert_eq (zanni_stats (root, &stats), 0);
    cr_assert_eq (stats.failed_tells, 1);
    cr_assert_eq (stats.dead_letters, 1);
    zanni_ref_destroy (&ref);
    s_finish ();
    cr_assert (s_logged ("argument 1 holds a reference"), "logged: %s", log_text);
    cr_assert_eq (stage->seen, 1);
}

/* Main of a child that has few descriptors. */
static int
s_run_short (void)
{
    const struct rlimit few = { 64, 64 };
    zanni_ref_t *ref = NULL;
    int rc = setrlimit (RLIMIT_NOFILE, &few);
    if (!rc)
        rc = zanni_new (&root, NULL);
    while (!rc)
        rc = zanni_spawn_zactor (root, &ref, s_echo, s_stage (0), "heard");
    if (rc != ZANNI_EDESCRIPTORS && rc != ZANNI_ESOCKETS)
        return 10 - rc;
    return zanni_destroy (&root) ? 11 : 0;
}

Test (zactor, for_which_there_are_no_descriptors_is_an_error)
{
    probe_end_t end;
    probe_child (&end, s_run_short, 20);
    cr_assert (probe_exited (&end, 0), "status %x, said: %s", end.status, end.output);
}

static void
s_note_signal (int number)
{
    (void) number;
}

Test (zactor, lives_beside_the_sockets_and_zactors_of_its_host)
{
    stage_t *stage = s_stage (0);
    struct sigaction before = { .sa_handler = s_note_signal }, after;
    zsock_t *server = zsock_new_rep ("inproc://host");
    zsock_t *client = zsock_new_req ("inproc://host");
    zactor_t *auth = zactor_new (zauth, NULL);
    cr_assert (server && client && auth);
    sigaction (SIGINT, &before, NULL);
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (s_echo, stage);
    cr_assert_eq (zanni_tell (root, ref, "here"), 0);
    s_expect_heard ("here");
    zstr_send (client, "question");
    char *text = zstr_recv (server);
    cr_assert_str_eq (text, "question");
    zstr_free (&text);
    zanni_ref_destroy (&ref);
    s_finish ();
    zstr_send (server, "answer");
    text = zstr_recv (client);
    cr_assert_str_eq (text, "answer");
    zstr_free (&text);
    cr_assert_eq (zstr_sendx (auth, "ALLOW", "127.0.0.1", NULL), 0);
    cr_assert_eq (zsock_wait (auth), 0);
    zactor_destroy (&auth);
    zsock_destroy (&client);
    zsock_destroy (&server);
    sigaction (SIGINT, NULL, &after);
    cr_assert (after.sa_handler == s_note_signal);
}

Test (zactor, can_be_one_of_czmq_s_own)
{
    zanni_bytes_t bytes;
    s_begin ((zanni_options_t) { 0 });
    zanni_ref_t *ref = s_spawn (zauth, NULL);
    s_monitor (ref);
    cr_assert_eq (zanni_tell (root, ref, "ALLOW", "127.0.0.1"), 0);
    zanni_msg_t *msg = s_heard (1);   // its commands are answered by a signal
    cr_assert_eq (zanni_read (msg, &bytes), 0);
    cr_assert_eq (bytes.size, 8);
    zanni_msg_destroy (&msg);
    cr_assert_eq (zanni_stop (root, ref), 0);
    s_expect_down (ZANNI_EXIT_SHUTDOWN);
    zanni_ref_destroy (&ref);
    s_finish ();
}

Test (zactor, comes_and_goes_many_times)
{
    s_begin ((zanni_options_t) { 0 });
    int threads = 0, descriptors = 0;
    for (int i = 0; i < 30; i++) {
        zanni_ref_t *refs [4];
        for (int j = 0; j < 4; j++) {
            refs [j] = s_spawn (s_echo, s_stage (0));
            s_monitor (refs [j]);
        }
        for (int j = 0; j < 4; j++)
            zanni_ref_destroy (&refs [j]);
        for (int j = 0; j < 4; j++)
            s_expect_down (ZANNI_EXIT_NORMAL);
        if (i == 9) {
            threads = probe_threads ();
            descriptors = probe_descriptors ();
        }
    }
    /* The last of them may still be on their way out. */
    cr_assert_leq (probe_threads (), threads + 4);
    cr_assert_leq (probe_descriptors (), descriptors + 40);
    s_finish ();
}

/* Whether a function was spawned and took a zmsg, while memory was short at some point; ENOMEM is the one excuse. */
static bool
s_try_all (long nth)
{
    stage_t *stage = s_stage (0);
    zanni_ref_t *ref = NULL;
    zmsg_t *zmsg = zmsg_new ();
    zmsg_addstr (zmsg, "method");
    zmsg_addmem (zmsg, "\xff", 1);
    s_begin ((zanni_options_t) { 0 });
    faults_fail (nth, 0);
    int rc = zanni_spawn_zactor (root, &ref, s_echo, stage, "heard");
    if (!rc)
        rc = zanni_tell_zmsg_p (root, ref, &zmsg);
    bool struck = faults_struck ();
    faults_fail (0, 0);
    cr_assert (!rc || (struck && rc == ZANNI_ENOMEM), "allocation %ld: %s", nth, zanni_strerror (rc));
    cr_assert_eq (!rc, !zmsg);
    zmsg_destroy (&zmsg);
    zanni_ref_destroy (&ref);
    cr_assert_eq (zanni_destroy (&root), 0);
    return !struck;
}

Test (zactor, for_which_there_is_no_memory_is_an_error, .timeout = 60)
{
    long nth = 1;
    faults_install ();
    (void) s_try_all (0);   // the class stays
    long held = faults_held ();
    while (!s_try_all (nth)) {
        cr_assert_eq (faults_held (), held, "allocation %ld: %ld blocks are left", nth, faults_held () - held);
        cr_assert_lt (++nth, 1000);
    }
    cr_assert_gt (nth, 10);
}
