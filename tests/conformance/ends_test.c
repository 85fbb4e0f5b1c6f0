/* Learning of an end: monitors with every reason, and restarts, which end an incarnation and not its identity. */

#include "support.h"

/* Ends as it is told, watches others, and begins anew with what it was started with. */
typedef struct {
    zanni_ref_t *witness;
    int64_t number;
    uint64_t monitor;
    uint64_t timer;
} phoenix_t;

static int
phoenix_start (zanni_t *self, zanni_msg_t *msg)
{
    phoenix_t *phoenix = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness, &phoenix->number);
    if (!rc)
        rc = zanni_ref_keep (self, &phoenix->witness, witness);
    return rc ? rc : report (self, witness, "started with %d", (int) phoenix->number);
}

static void
phoenix_stop (zanni_t *self, const zanni_reason_t *reason)
{
    phoenix_t *phoenix = zanni_state (self);
    char text [160];
    (void) report (self, phoenix->witness, "stopped at %d: %s", (int) phoenix->number,
                   zanni_reason_string (reason, text, sizeof text));
}

static void
phoenix_down (zanni_t *self, const zanni_down_t *down)
{
    phoenix_t *phoenix = zanni_state (self);
    char text [160];
    bool mine = down->monitor == phoenix->monitor;
    (void) report (self, phoenix->witness, "%s is down%s: %s%s", zanni_ref_class (down->ref), mine ? "" : " (?)",
                   zanni_reason_string (&down->reason, text, sizeof text), down->restarts ? ", restarts" : "");
}

static int
phoenix_add (zanni_t *self, zanni_msg_t *msg)
{
    phoenix_t *phoenix = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    phoenix->number += rc ? 0 : number;
    return rc ? rc : zanni_reply (self, msg, phoenix->number);
}

static int
phoenix_exit (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static int
phoenix_exit_error (zanni_t *self, zanni_msg_t *msg)
{
    int64_t code;
    const char *text;
    int rc = zanni_read (msg, &code, &text);
    return rc ? rc : zanni_exit_error (self, code, text);
}

/* An end that was begun goes on when the handler answers. */
static int
phoenix_exit_and_reply (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni_exit (self);
    return rc ? rc : zanni_reply (self, msg, 1);
}

static int
phoenix_tell_and_exit (zanni_t *self, zanni_msg_t *msg)
{
    int rc = report (self, zanni_msg_from (msg), "last words");
    return rc ? rc : zanni_exit (self);
}

static void
phoenix_watching (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_promise_t *promise = arg;
    int rc = zanni_promise_reply (self, &promise);
    (void) reply;
    (void) rc;
}

/* Monitors, and answers when the monitor has arrived: the ask behind it was answered. */
static int
phoenix_watch (zanni_t *self, zanni_msg_t *msg)
{
    phoenix_t *phoenix = zanni_state (self);
    const zanni_ref_t *ref;
    zanni_promise_t *promise;
    int rc = zanni_read (msg, &ref);
    if (!rc)
        rc = zanni_monitor (self, &phoenix->monitor, ref);
    if (!rc)
        rc = zanni_promise_new (self, &promise, msg);
    if (rc)
        return rc;
    const zanni_ask_t ask = { .then = phoenix_watching, .arg = promise };
    return zanni_ask (self, ref, &ask, "add", 0);
}

static int
phoenix_unwatch (zanni_t *self, zanni_msg_t *msg)
{
    phoenix_t *phoenix = zanni_state (self);
    (void) msg;
    return zanni_demonitor (self, phoenix->monitor);
}

static int
phoenix_wind_up (zanni_t *self, zanni_msg_t *msg)
{
    phoenix_t *phoenix = zanni_state (self);
    int64_t after_ms;
    const char *word;
    int rc = zanni_read (msg, &after_ms, &word);
    return rc ? rc : zanni_timer (self, &phoenix->timer, after_ms, 0, "ring", word);
}

static int
phoenix_note (zanni_t *self, zanni_msg_t *msg)
{
    phoenix_t *phoenix = zanni_state (self);
    return report (self, phoenix->witness, "noted by %d: %s", (int) phoenix->number,
                   zanni_ref_class (zanni_msg_from (msg)));
}

static int
phoenix_ring (zanni_t *self, zanni_msg_t *msg)
{
    phoenix_t *phoenix = zanni_state (self);
    const char *word;
    int rc = zanni_read (msg, &word);
    return rc ? rc : report (self, phoenix->witness, "%s", word);
}

/* A promise that is never kept. */
static int
phoenix_promise (zanni_t *self, zanni_msg_t *msg)
{
    zanni_promise_t *promise;
    return zanni_promise_new (self, &promise, msg);
}

static void
phoenix_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    (void) reply;
    (void) arg;
    (void) report (self, zanni_msg_from (reply), "answered");
}

static int
phoenix_ask (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ask_t ask = { .then = phoenix_answered };
    return zanni_ask (self, zanni_msg_from (msg), &ask, "well?");
}

static const zanni_method_t phoenix_methods [] = {
    ZANNI_METHOD ("add", "x", "x", phoenix_add, ""),
    ZANNI_METHOD ("exit", "", "", phoenix_exit, ""),
    ZANNI_METHOD ("exit error", "xs", "", phoenix_exit_error, ""),
    ZANNI_METHOD ("exit and reply", "", "x", phoenix_exit_and_reply, ""),
    ZANNI_METHOD ("tell and exit", "", "", phoenix_tell_and_exit, ""),
    ZANNI_METHOD ("watch", "r", "", phoenix_watch, ""),
    ZANNI_METHOD ("unwatch", "", "", phoenix_unwatch, ""),
    ZANNI_METHOD ("wind up", "xs", "", phoenix_wind_up, ""),
    ZANNI_METHOD ("promise", "", "x", phoenix_promise, ""),
    ZANNI_METHOD ("ask", "", "", phoenix_ask, ""),
    ZANNI_METHOD ("note", "", "", phoenix_note, ""),
    STATS_METHOD,
    ZANNI_PRIVATE ("ring", "s", "", phoenix_ring, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t phoenix_class = {
    .name = "phoenix", .state_size = sizeof (phoenix_t), .methods = phoenix_methods, .start_in = "rx",
    .start = phoenix_start, .stop = phoenix_stop, .down = phoenix_down
};

/* Its start needs the reference that it was started with. */
static int
moth_start (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *flame;
    int rc = zanni_read (msg, &flame);
    return rc ? rc : zanni_tell (self, flame, "note");
}
static const zanni_class_t moth_class = { .name = "moth", .start_in = "r", .start = moth_start };

/* A loop actor that counts what it reads. */
static int
loop_run (zanni_t *self)
{
    int64_t *number = zanni_state (self);
    zanni_msg_t *msg = NULL;
    int rc;
    while ((rc = zanni_receive (self, &msg, -1)) == 0) {
        if (zanni_msg_kind (msg) == ZANNI_MSG_ASK)
            rc = zanni_reply (self, msg, ++*number);
        zanni_msg_destroy (&msg);
    }
    return rc == ZANNI_ECLOSED ? 0 : rc;
}
static const zanni_method_t loop_methods [] = {
    ZANNI_METHOD ("count", "", "x", NULL, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t loop_class = {
    .name = "loop", .state_size = sizeof (int64_t), .methods = loop_methods, .run = loop_run
};

CLASSES (&phoenix_class, &moth_class, &loop_class, &runner_class);

static zanni_ref_t *
spawn_phoenix (int64_t number)
{
    char line [32];
    const zanni_spawn_t options = { PLACED, .restartable = true };
    zanni_ref_t *ref = spawn_with (&options, "phoenix", zanni_self (root), number);
    snprintf (line, sizeof line, "started with %d", (int) number);
    expect (line);
    return ref;
}

EVERYWHERE (ends, a_monitor_tells_of_a_normal_end)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_phoenix (1);
    uint64_t down = monitor (one);
    tell (one, "exit");
    expect ("stopped at 1: normal");
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
    ZANNI_AUTO (zanni_ref_t) two = spawn_phoenix (2);
    down = monitor (two);
    zanni_ref_destroy (&two);
    expect ("stopped at 2: normal");
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
}

EVERYWHERE (ends, a_monitor_tells_of_a_stop_and_of_a_kill)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_phoenix (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_phoenix (2);
    uint64_t down = monitor (one);
    cr_assert_eq (zanni_stop (root, one), 0);
    expect ("stopped at 1: shutdown");
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_SHUTDOWN);
    down = monitor (two);
    cr_assert_eq (zanni_kill (root, two), 0);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_KILLED);
}

EVERYWHERE (ends, a_monitor_tells_of_an_error_with_code_and_text)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    uint64_t down = monitor (phoenix);
    tell (phoenix, "exit error", INT64_C (5000000000), "out of ink");
    expect ("stopped at 1: error 5000000000: out of ink");
    zanni_reason_t reason = expect_down (down, false);
    cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (reason.code, INT64_C (5000000000));
    cr_assert_str_eq (reason.text, "out of ink");
}

EVERYWHERE (ends, a_monitor_of_an_actor_that_is_gone_answers_at_once)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    uint64_t down = monitor (phoenix);
    cr_assert_eq (zanni_kill (root, phoenix), 0);
    (void) expect_down (down, false);
    uint64_t other = monitor (phoenix);
    cr_assert_neq (other, down);
    cr_assert_eq (expect_down (other, false).kind, ZANNI_EXIT_NO_ACTOR);
}

EVERYWHERE (ends, every_monitor_gets_one_down)
{
    uint64_t none = 0;
    cr_assert_eq (zanni_monitor (root, &none, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_monitor (root, NULL, zanni_self (root)), ZANNI_EINVAL);
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    uint64_t ids [3];
    bool seen [3] = { false };
    for (int i = 0; i < 3; i++)
        ids [i] = monitor (phoenix);
    cr_assert_eq (zanni_kill (root, phoenix), 0);
    for (int i = 0; i < 3; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        zanni_down_t down;
        cr_assert_eq (zanni_msg_down (msg, &down), 0);
        cr_assert (zanni_ref_equal (down.ref, phoenix));
        cr_assert (zanni_ref_equal (zanni_msg_from (msg), phoenix));
        for (int j = 0; j < 3; j++)
            seen [j] |= ids [j] == down.monitor;
    }
    cr_assert (seen [0] && seen [1] && seen [2]);
    expect_nothing ();
}

EVERYWHERE (ends, a_down_hook_learns_of_the_end)
{
    ZANNI_AUTO (zanni_ref_t) watcher = spawn_phoenix (1);
    ZANNI_AUTO (zanni_ref_t) watched = spawn_phoenix (2);
    done (watcher, "watch", watched);
    tell (watched, "exit error", 3, "enough");
    expect_both ("stopped at 2: error 3: enough", "phoenix is down: error 3: enough");
}

EVERYWHERE (ends, what_an_actor_sent_comes_before_its_down)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    uint64_t down = monitor (phoenix);
    tell (phoenix, "tell and exit");
    expect ("last words");
    expect ("stopped at 1: normal");
    (void) expect_down (down, false);
}

EVERYWHERE (ends, an_actor_that_exits_still_answers_what_it_serves)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    uint64_t down = monitor (phoenix);
    cr_assert_eq (call_int (phoenix, "exit and reply"), 1);
    expect ("stopped at 1: normal");
    (void) expect_down (down, false);
}

EVERYWHERE (ends, a_monitor_that_was_ended_tells_nothing)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    uint64_t one = monitor (phoenix);
    uint64_t two = monitor (phoenix);
    cr_assert_eq (zanni_demonitor (root, one), 0);
    cr_assert_eq (zanni_demonitor (root, one), 0);
    cr_assert_eq (zanni_demonitor (root, 999), 0);
    cr_assert_eq (zanni_kill (root, phoenix), 0);
    (void) expect_down (two, false);
    expect_nothing ();
}

EVERYWHERE (ends, a_down_on_its_way_is_held_back_when_its_monitor_ends)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    uint64_t ids [2] = { monitor (phoenix), monitor (phoenix) };
    cr_assert_eq (zanni_kill (root, phoenix), 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_DOWN);
    cr_assert_eq (zanni_demonitor (root, ids [zanni_msg_id (msg) == ids [0]]), 0);
    expect_nothing ();
}

EVERYWHERE (ends, an_actor_that_unwatches_hears_nothing)
{
    ZANNI_AUTO (zanni_ref_t) watcher = spawn_phoenix (1);
    ZANNI_AUTO (zanni_ref_t) watched = spawn_phoenix (2);
    done (watcher, "watch", watched);
    done (watcher, "unwatch");
    uint64_t down = monitor (watched);
    cr_assert_eq (zanni_kill (root, watched), 0);
    (void) expect_down (down, false);
    cr_assert_eq (call_int (watcher, "add", 0), 1);
    expect_nothing ();
}

EVERYWHERE (ends, a_monitor_keeps_nobody_alive)
{
    ZANNI_AUTO (zanni_ref_t) watcher = spawn_phoenix (1);
    zanni_ref_t *watched = spawn_phoenix (2);
    done (watcher, "watch", watched);
    zanni_ref_destroy (&watched);
    expect_both ("stopped at 2: normal", "phoenix is down: normal");
}

EVERYWHERE (ends, a_restart_begins_anew_with_the_first_arguments)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (10);
    uint64_t down = monitor (phoenix);
    zanni_address_t before = zanni_ref_address (phoenix);
    cr_assert_eq (call_int (phoenix, "add", 5), 15);
    cr_assert_eq (zanni_restart (root, phoenix), 0);
    expect ("stopped at 15: shutdown");
    cr_assert_eq (expect_down (down, true).kind, ZANNI_EXIT_SHUTDOWN);
    expect ("started with 10");
    cr_assert_eq (call_int (phoenix, "add", 1), 11);
    zanni_address_t after = zanni_ref_address (phoenix);
    cr_assert_eq (memcmp (&before, &after, sizeof before), 0);
    expect_nothing ();   // a monitor watches one incarnation
    down = monitor (phoenix);
    cr_assert_eq (zanni_restart (root, phoenix), 0);
    expect ("stopped at 11: shutdown");
    (void) expect_down (down, true);
    expect ("started with 10");
    cr_assert_eq (zanni_stop (root, phoenix), 0);
    expect ("stopped at 10: shutdown");
}

/* The runner fills a mailbox and has its owner restarted in one turn. */
static zanni_ref_t *s_phoenix;

static int
restart_behind_messages (zanni_t *self)
{
    int rc = 0;
    for (int i = 0; !rc && i < 3; i++)
        rc = zanni_tell (self, s_phoenix, "add", 2);
    return rc ? rc : zanni_restart (self, s_phoenix);
}

EVERYWHERE (ends, a_mailbox_survives_a_restart)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    s_phoenix = spawn_phoenix (10);
    run_in (runner, restart_behind_messages);
    expect ("stopped at 10: shutdown");
    expect ("started with 10");
    cr_assert_eq (call_int (s_phoenix, "add", 0), 16);
    zanni_ref_destroy (&s_phoenix);
    expect ("stopped at 16: normal");
}

EVERYWHERE (ends, what_an_incarnation_began_ends_with_it)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    ZANNI_AUTO (zanni_ref_t) other = spawn_phoenix (2);
    done (phoenix, "watch", other);
    done (phoenix, "wind up", 60, "before");
    cr_assert_eq (zanni_restart (root, phoenix), 0);
    expect ("stopped at 1: shutdown");
    expect ("started with 1");
    done (phoenix, "wind up", 120, "after");
    cr_assert_eq (zanni_kill (root, other), 0);
    expect ("after");
    expect_nothing ();
}

EVERYWHERE (ends, asks_to_and_from_an_incarnation_end_with_it)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    uint64_t id = 0;
    zanni_error_t error = { 0 };
    done (phoenix, "ask");
    ZANNI_AUTO (zanni_msg_t) question = next ();
    cr_assert_eq (zanni_ask (root, phoenix, &(zanni_ask_t) { .id_p = &id }, "promise"), 0);
    cr_assert_eq (call_int (phoenix, "add", 1), 2);
    cr_assert_eq (zanni_restart (root, phoenix), 0);
    expect ("stopped at 2: shutdown");
    ZANNI_AUTO (zanni_msg_t) failure = next ();
    cr_assert_eq (zanni_msg_error (failure, &error), 0);
    cr_assert_eq (zanni_msg_id (failure), id);
    cr_assert_eq (error.code, ZANNI_EDOWN);
    cr_assert_str_eq (error.text, "receiver down: shutdown");
    expect ("started with 1");
    cr_assert_eq (zanni_reply (root, question), 0);
    cr_assert_eq (call_int (phoenix, "add", 1), 2);
    expect_nothing ();
    cr_assert_eq (stats_of (phoenix).late_replies, 1);
}

EVERYWHERE (ends, only_a_restartable_actor_restarts)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn ("phoenix", zanni_self (root), 1);
    expect ("started with 1");
    cr_assert_eq (call_int (phoenix, "add", 1), 2);
    cr_assert_eq (zanni_restart (root, phoenix), 0);
    cr_assert_eq (call_int (phoenix, "add", 1), 3);
    if (!apart ())
        cr_assert (logged ("phoenix was not spawned as restartable"));
    expect_nothing ();
}

EVERYWHERE (ends, a_restart_needs_the_right_to_own)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    cr_assert_eq (zanni_ref_limit (root, &limited, phoenix), 0);
    cr_assert_eq (zanni_restart (root, limited), ZANNI_EPERM);
    cr_assert_eq (zanni_restart (root, zanni_self (root)), ZANNI_EPERM);
    cr_assert_eq (zanni_restart (root, NULL), ZANNI_EINVAL);
    cr_assert_eq (call_int (phoenix, "add", 1), 2);
}

EVERYWHERE (ends, a_restart_of_an_actor_that_is_gone_does_nothing)
{
    ZANNI_AUTO (zanni_ref_t) phoenix = spawn_phoenix (1);
    uint64_t down = monitor (phoenix);
    cr_assert_eq (zanni_stop (root, phoenix), 0);
    expect ("stopped at 1: shutdown");
    (void) expect_down (down, false);
    cr_assert_eq (zanni_restart (root, phoenix), 0);
    cr_assert_eq (zanni_kill (root, phoenix), 0);
    cr_assert_eq (zanni_stop (root, phoenix), 0);
    down = monitor (phoenix);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NO_ACTOR);
    expect_nothing ();
}

EVERYWHERE (ends, kept_start_arguments_keep_alive_whom_they_name)
{
    const char *noted = place == ZANNI_PROCESS ? "noted by 1: " : "noted by 1: moth";   // no class travels with a sender
    ZANNI_AUTO (zanni_ref_t) moth = NULL;
    zanni_ref_t *phoenix = spawn_phoenix (1);
    const zanni_spawn_t options = { PLACED, .restartable = true };
    cr_assert_eq (zanni_spawn (root, &moth, "moth", &options, phoenix), 0);
    expect (noted);
    zanni_ref_destroy (&phoenix);
    cr_assert_eq (zanni_restart (root, moth), 0);
    expect (noted);
    uint64_t down = monitor (moth);
    cr_assert_eq (zanni_stop (root, moth), 0);
    bool stopped = false, ended = false;
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        ended |= zanni_msg_id (msg) == down;
        stopped |= strcmp (zanni_msg_method (msg), "saw") == 0;
    }
    cr_assert (stopped && ended);
}

ALONE (ends, a_loop_actor_restarts)
{
    ZANNI_AUTO (zanni_ref_t) loop = NULL;
    const zanni_spawn_t options = { PLACED, .restartable = true };
    cr_assert_eq (zanni_spawn (root, &loop, "loop", &options), 0);
    uint64_t down = monitor (loop);
    cr_assert_eq (call_int (loop, "count"), 1);
    cr_assert_eq (call_int (loop, "count"), 2);
    cr_assert_eq (zanni_restart (root, loop), 0);
    cr_assert_eq (expect_down (down, true).kind, ZANNI_EXIT_SHUTDOWN);
    cr_assert_eq (call_int (loop, "count"), 1);
    down = monitor (loop);
    cr_assert_eq (zanni_stop (root, loop), 0);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_SHUTDOWN);
}
