/* Loop actors, which read their messages themselves: only in a place of their own. And the root, which can do both:
   read with zanni_receive, or serve a class. */

#include "support.h"

/* Reads until it is told to stop; each message by its name. */
typedef struct {
    zanni_ref_t *witness;
    int64_t total;
    uint64_t asked;
    uint64_t monitor;
} reader_t;

static int
reader_start (zanni_t *self, zanni_msg_t *msg)
{
    reader_t *reader = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    return rc ? rc : zanni_ref_keep (self, &reader->witness, witness);
}

static void
reader_stop (zanni_t *self, const zanni_reason_t *reason)
{
    reader_t *reader = zanni_state (self);
    char text [160];
    (void) report (self, reader->witness, "stopped: %s", zanni_reason_string (reason, text, sizeof text));
}

static int
reader_add (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    reader->total += rc ? 0 : number;
    return rc ? rc : zanni_reply (self, msg, reader->total);
}

/* Nothing comes: the receive ends at its time. */
static int
reader_idle (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    zanni_msg_t *none = NULL;
    (void) msg;
    int64_t before_ns = zanni_now_ns (self);
    int rc = zanni_receive (self, &none, 5);
    bool early = zanni_now_ns (self) - before_ns < 5000000;
    return report (self, reader->witness, "%s%s", zanni_strerror (rc), early ? ", early" : "");
}

static int
reader_ask (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    const zanni_ref_t *other;
    const zanni_ask_t ask = { .id_p = &reader->asked };
    int rc = zanni_read (msg, &other);
    return rc ? rc : zanni_ask (self, other, &ask, "add", 7);
}

static void
reader_told (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    reader_t *reader = arg;
    int64_t number = -1;
    int rc = zanni_read (reply, &number);
    (void) report (self, reader->witness, rc ? "told nothing" : "told %d", (int) number);
}

static int
reader_ask_by_callback (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    const zanni_ref_t *other;
    const zanni_ask_t ask = { .then = reader_told, .arg = reader };
    int rc = zanni_read (msg, &other);
    return rc ? rc : zanni_ask (self, other, &ask, "add", 7);
}

static int
reader_call (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    const zanni_ref_t *other;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int64_t number = 0;
    (void) reader;
    int rc = zanni_read (msg, &other);
    if (!rc)
        rc = zanni_call (self, &reply, other, "add", 7);
    if (!rc)
        rc = zanni_read (reply, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

static int
reader_watch (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    if (!rc)
        rc = zanni_monitor (self, &reader->monitor, other);
    return rc ? rc : zanni_reply (self, msg);
}

static int
reader_wind_up (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    uint64_t timer;
    (void) reader;
    (void) msg;
    return zanni_timer (self, &timer, 1, 0, "saw", "a tick");
}

/* Answers what it has received in the meantime first. */
static int
reader_last_first (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_msg_t) later = NULL;
    (void) reader;
    int rc = zanni_receive (self, &later, DEADLINE_MS);
    if (!rc)
        rc = zanni_reply (self, later, 2);
    return rc ? rc : zanni_reply (self, msg, 1);
}

static int
reader_stats (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    (void) reader;
    return answer_stats (self, msg);
}

static int
reader_fail (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    (void) self;
    (void) reader;
    (void) msg;
    return ZANNI_EROUTE;
}

static int
reader_pass_on (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    const char *text = "";
    int rc = zanni_read (msg, &text);
    return rc ? rc : report (self, reader->witness, "saw %s", text);
}

static int
reader_other_kinds (zanni_t *self, reader_t *reader, zanni_msg_t *msg)
{
    zanni_down_t down;
    zanni_error_t error;
    int64_t number = 0;
    char text [160];
    if (!zanni_msg_down (msg, &down))
        return report (self, reader->witness, "down%s: %s", down.monitor == reader->monitor ? "" : " (?)",
                       zanni_reason_string (&down.reason, text, sizeof text));
    const char *strange = zanni_msg_id (msg) == reader->asked ? "" : " (?)";
    if (!zanni_msg_error (msg, &error))
        return report (self, reader->witness, "error%s: %s", strange, error.text);
    int rc = zanni_read (msg, &number);
    return rc ? rc : report (self, reader->witness, "reply%s: %d", strange, (int) number);
}

typedef struct {
    const char *name;
    int (*act) (zanni_t *self, reader_t *reader, zanni_msg_t *msg);
} act_t;

static int
reader_act (zanni_t *self, zanni_msg_t *msg)
{
    static const act_t acts [] = {
        { "add", reader_add }, { "idle", reader_idle }, { "ask", reader_ask }, { "call", reader_call },
        { "ask by callback", reader_ask_by_callback }, { "watch", reader_watch }, { "wind up", reader_wind_up },
        { "last first", reader_last_first }, { "stats", reader_stats }, { "fail", reader_fail }, { "saw", reader_pass_on },
        { "", reader_other_kinds },
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (strcmp (acts [i].name, zanni_msg_method (msg)) == 0)
            return acts [i].act (self, zanni_state (self), msg);
    return zanni_msg_kind (msg) == ZANNI_MSG_ASK ? zanni_fail (self, msg, 404, zanni_msg_method (msg)) : 0;
}

static int
reader_run (zanni_t *self)
{
    reader_t *reader = zanni_state (self);
    zanni_msg_t *msg = NULL;
    int code = 0, rc;
    while ((rc = zanni_receive (self, &msg, -1)) == 0) {
        bool returns = strcmp (zanni_msg_method (msg), "return") == 0;
        rc = returns ? zanni_read (msg, &code) : reader_act (self, msg);
        zanni_msg_destroy (&msg);
        if (rc || returns)
            return rc ? rc : code;
    }
    zanni_msg_t *none = NULL;
    if (zanni_receive (self, &none, 0) != ZANNI_ECLOSED
        || zanni_tell_wait (self, reader->witness, 0, "x") != ZANNI_ECLOSED)
        rc = ZANNI_EINVAL;
    (void) report (self, reader->witness, "closing: %s", zanni_strerror (rc));
    return rc == ZANNI_ECLOSED ? 0 : rc;
}

static const zanni_method_t reader_methods [] = {
    ZANNI_METHOD ("add", "x", "x", NULL, "Adds."),
    ZANNI_METHOD ("idle", "", "", NULL, ""),
    ZANNI_METHOD ("ask", "r", "", NULL, ""),
    ZANNI_METHOD ("ask by callback", "r", "", NULL, ""),
    ZANNI_METHOD ("call", "r", "x", NULL, ""),
    ZANNI_METHOD ("watch", "r", "", NULL, ""),
    ZANNI_METHOD ("last first", "", "x", NULL, ""),
    ZANNI_METHOD ("fail", "", "", NULL, ""),
    ZANNI_METHOD ("stats", "", "tttt", NULL, ""),
    ZANNI_METHOD ("wind up", "", "", NULL, ""),
    ZANNI_METHOD ("return", "i", "", NULL, ""),
    ZANNI_PRIVATE ("saw", "s", "", NULL, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t reader_class = {
    .name = "reader", .state_size = sizeof (reader_t), .methods = reader_methods, .start_in = "r",
    .start = reader_start, .stop = reader_stop, .run = reader_run
};

/* Whom it asks. */
typedef struct {
    int64_t total;
    int downs;
    bool stopped;
} counter_t;

static bool s_stopped;

static int
counter_start (zanni_t *self, zanni_msg_t *msg)
{
    counter_t *counter = zanni_state (self);
    return zanni_read (msg, &counter->total);
}

static void
counter_stop (zanni_t *self, const zanni_reason_t *reason)
{
    (void) self;
    s_stopped = reason->kind == ZANNI_EXIT_SHUTDOWN;
}

static void
counter_down (zanni_t *self, const zanni_down_t *down)
{
    counter_t *counter = zanni_state (self);
    counter->downs += down->reason.kind == ZANNI_EXIT_KILLED;
    (void) zanni_exit (self);
}

static int
counter_add (zanni_t *self, zanni_msg_t *msg)
{
    counter_t *counter = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    counter->total += rc ? 0 : number;
    return rc ? rc : zanni_reply (self, msg, counter->total);
}

static int
counter_quit (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

/* What does not go in a handler. */
static int
counter_wrongly (zanni_t *self, zanni_msg_t *msg)
{
    zanni_t *other = self;
    return zanni_reply (self, msg, zanni_run (self, 0), zanni_step (self, 1), zanni_destroy (&other));
}

static const zanni_method_t counter_methods [] = {
    ZANNI_METHOD ("add", "x", "x", counter_add, ""),
    ZANNI_METHOD ("quit", "", "", counter_quit, ""),
    ZANNI_METHOD ("wrongly", "", "iii", counter_wrongly, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t counter_class = {
    .name = "counter", .state_size = sizeof (counter_t), .methods = counter_methods, .start_in = "x",
    .start = counter_start, .stop = counter_stop, .down = counter_down
};

/* Uses whom it is told about. */
static void
client_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    int64_t *last = arg;
    if (zanni_read (reply, last))
        *last = -1;
    if (zanni_tell (self, zanni_msg_from (reply), "quit"))
        *last = -2;
}

static int
client_use (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *server;
    const zanni_ask_t ask = { .then = client_answered, .arg = zanni_state (self) };
    int rc = zanni_read (msg, &server);
    for (int i = 0; !rc && i < 3; i++)
        rc = zanni_tell (self, server, "add", 1);
    return rc ? rc : zanni_ask (self, server, &ask, "add", 10);
}

static int
client_last (zanni_t *self, zanni_msg_t *msg)
{
    int64_t *last = zanni_state (self);
    return zanni_reply (self, msg, *last);
}

static const zanni_method_t client_methods [] = {
    ZANNI_METHOD ("use", "r", "", client_use, ""),
    ZANNI_METHOD ("last", "", "x", client_last, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t client_class = {
    .name = "client", .state_size = sizeof (int64_t), .methods = client_methods
};

CLASSES (&reader_class, &counter_class, &client_class, &runner_class);

static zanni_ref_t *
spawn_reader (void)
{
    return spawn ("reader", zanni_self (root));
}

ALONE (loops, a_loop_actor_answers_what_it_reads)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    cr_assert_eq (call_int (reader, "add", 3), 3);
    for (int i = 0; i < 100; i++)
        tell (reader, "add", 1);
    cr_assert_eq (call_int (reader, "add", 4), 107);
}

/* In the runner, which does not wait for a start elsewhere. */
static zanni_ref_t *early_reader;   // the runner's: ends with it

static void
early_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    int64_t sum = -1;
    (void) arg;
    int rc = zanni_read (reply, &sum);
    if (!rc)
        rc = report (self, witness_of (self), "%" PRId64, sum);
    (void) rc;
}

static int
use_early (zanni_t *self)
{
    const zanni_spawn_t options = { .place = place };
    static const zanni_ask_t ask = { .then = early_answered };
    int rc = zanni_spawn (self, &early_reader, "reader", &options, witness_of (self));
    for (int i = 0; !rc && i < 3; i++)
        rc = zanni_tell (self, early_reader, "add", 1);
    return rc ? rc : zanni_ask (self, early_reader, &ask, "add", 4);
}

ALONE (loops, a_loop_actor_reads_what_was_sent_before_it_began)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    run_in (runner, use_early);
    expect ("7");
}

ALONE (loops, a_loop_actor_gets_only_what_its_methods_take)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, reader, "add", "three"), ZANNI_EARGS);
    cr_assert_str_eq (error.text, "bad arguments for add: argument 1 is a string, int64 (x) was wanted");
    cr_assert_eq (refused (&error, reader, "saw", "a secret"), ZANNI_EPERM);
    cr_assert_eq (refused (&error, reader, "something else", 5), ZANNI_EAPP);   // it reads what it has no method for
    cr_assert_eq (error.app_code, 404);
    cr_assert_str_eq (error.text, "something else");
    cr_assert_eq (refused (&error, reader, "return", 5, 6), ZANNI_EARGS);
    tell (reader, "add", "three");
    cr_assert_eq (call_int (reader, "add", 3), 3);
    cr_assert_eq (stats_of (reader).dead_letters, 1);
}

ALONE (loops, a_loop_actor_says_what_it_is)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    ZANNI_AUTO (zanni_msg_t) reply = call (reader, "zanni.describe");
    const char *name = "";
    cr_assert_eq (zanni_read (reply, &name), 0);
    cr_assert_str_eq (name, "reader");
}

ALONE (loops, an_ask_that_is_destroyed_unanswered_is_answered_no_reply)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, reader, "idle"), ZANNI_ENOREPLY);
    expect ("timeout");
}

ALONE (loops, a_receive_ends_at_its_time)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    tell (reader, "idle");
    expect ("timeout");
    zanni_msg_t *none = NULL;
    int64_t before_ns = zanni_now_ns (root);
    cr_assert_eq (zanni_receive (root, &none, 10), ZANNI_ETIMEOUT);
    cr_assert_geq (zanni_now_ns (root) - before_ns, 10000000);
    cr_assert_eq (zanni_receive (root, NULL, 0), ZANNI_EINVAL);
}

ALONE (loops, answers_errors_ticks_and_downs_are_received)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    ZANNI_AUTO (zanni_ref_t) counter = spawn ("counter", 0);
    tell (reader, "ask", counter);
    expect ("reply: 7");
    tell (reader, "wind up");
    expect ("saw a tick");
    done (reader, "watch", counter);
    tell (reader, "ask", counter);   // behind the monitor: the kill goes another way
    expect ("reply: 14");
    cr_assert_eq (zanni_kill (root, counter), 0);
    expect ("down: killed");
    tell (reader, "ask", zanni_self (root));
    ZANNI_AUTO (zanni_msg_t) asked = next ();
    cr_assert_eq (zanni_fail (root, asked, 1, "no counter"), 0);
    expect ("error: no counter");
}

ALONE (loops, the_callbacks_of_a_loop_actor_run_while_it_receives)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    ZANNI_AUTO (zanni_ref_t) counter = spawn ("counter", 0);
    tell (reader, "ask by callback", counter);
    expect ("told 7");
    cr_assert_eq (call_int (reader, "add", 1), 1);
    expect_nothing ();
}

ALONE (loops, a_loop_actor_calls_and_keeps_what_comes_meanwhile)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    uint64_t first = 0, second = 0;
    cr_assert_eq (zanni_ask (root, reader, &(zanni_ask_t) { .id_p = &first }, "call", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_msg_t) question = next ();
    cr_assert_eq (zanni_ask (root, reader, &(zanni_ask_t) { .id_p = &second }, "add", 5), 0);
    cr_assert_eq (zanni_reply (root, question, 99), 0);
    ZANNI_AUTO (zanni_msg_t) one = next ();
    ZANNI_AUTO (zanni_msg_t) two = next ();
    cr_assert_eq (zanni_msg_id (one), first);
    cr_assert_eq (zanni_msg_id (two), second);
}

ALONE (loops, asks_are_answered_in_any_order)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    uint64_t first = 0, second = 0;
    cr_assert_eq (zanni_ask (root, reader, &(zanni_ask_t) { .id_p = &first }, "last first"), 0);
    cr_assert_eq (zanni_ask (root, reader, &(zanni_ask_t) { .id_p = &second }, "add", 5), 0);
    ZANNI_AUTO (zanni_msg_t) one = next ();
    ZANNI_AUTO (zanni_msg_t) two = next ();
    cr_assert_eq (zanni_msg_id (one), second);
    cr_assert_eq (zanni_msg_id (two), first);
}

ALONE (loops, a_loop_actor_that_is_stopped_reads_closed)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_reader ();
    uint64_t down = monitor (one);
    cr_assert_eq (call_int (one, "add", 1), 1);
    cr_assert_eq (zanni_stop (root, one), 0);
    expect ("closing: closed");
    expect ("stopped: shutdown");
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_SHUTDOWN);
    zanni_ref_t *two = spawn_reader ();
    zanni_ref_destroy (&two);
    expect ("closing: closed");
    expect ("stopped: normal");
    ZANNI_AUTO (zanni_ref_t) three = spawn_reader ();
    down = monitor (three);
    cr_assert_eq (zanni_kill (root, three), 0);
    expect ("closing: closed");
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_KILLED);
    expect_nothing ();
}

ALONE (loops, what_run_returns_is_the_reason_of_the_end)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_reader ();
    uint64_t down = monitor (one);
    tell (one, "return", 0);
    expect ("stopped: normal");
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
    ZANNI_AUTO (zanni_ref_t) two = spawn_reader ();
    down = monitor (two);
    tell (two, "fail");
    expect ("stopped: error -17: no route");
    zanni_reason_t reason = expect_down (down, false);
    cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (reason.code, ZANNI_EROUTE);
}

ALONE (loops, what_a_loop_actor_left_unread_fails_with_the_reason)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    uint64_t id = 0;
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_ask (root, reader, NULL, "call", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_msg_t) question = next ();
    cr_assert_str_eq (zanni_msg_method (question), "add");   // it is blocked in its call
    cr_assert_eq (zanni_ask (root, reader, &(zanni_ask_t) { .id_p = &id }, "add", 5), 0);
    cr_assert_eq (zanni_kill (root, reader), 0);
    for (uint64_t failed = 0; failed != id;) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        failed = zanni_msg_error (msg, &error) ? 0 : zanni_msg_id (msg);
    }
    cr_assert_eq (error.code, ZANNI_EDOWN);
    cr_assert_str_eq (error.text, "receiver down: killed");
}

ALONE (loops, the_end_of_the_node_closes_a_loop_actor)
{
    (void) spawn_reader ();
    (void) spawn_reader ();
    begin_again ((zanni_options_t) { 0 });   // which asserts that none was stuck
}

static int64_t
total (void)
{
    return ((const counter_t *) zanni_state (root))->total;
}

EVERYWHERE (serving, the_root_serves_a_class_while_it_runs)
{
    cr_assert_null (zanni_state (root));
    cr_assert_eq (zanni_serve (root, "counter", 100), 0);
    cr_assert_eq (total (), 100);
    cr_assert_str_eq (zanni_ref_class (zanni_self (root)), "counter");
    ZANNI_AUTO (zanni_ref_t) client = spawn ("client");
    tell (client, "use", zanni_self (root));
    cr_assert_eq (zanni_run (root, DEADLINE_MS), 0);
    cr_assert_eq (total (), 113);
    cr_assert_eq (call_int (client, "last"), 113);
}

EVERYWHERE (serving, the_root_serves_a_class_step_by_step)
{
    cr_assert_eq (zanni_serve (root, "counter", 0), 0);
    ZANNI_AUTO (zanni_ref_t) client = spawn ("client");
    tell (client, "use", zanni_self (root));
    while (total () < 13)
        cr_assert_geq (zanni_step (root, 1), 0);
    cr_assert_eq (zanni_step (root, 0), ZANNI_EINVAL);
}

EVERYWHERE (serving, the_root_does_not_serve_while_it_calls)
{
    cr_assert_eq (zanni_serve (root, "counter", 0), 0);
    ZANNI_AUTO (zanni_ref_t) client = spawn ("client");
    tell (client, "use", zanni_self (root));
    cr_assert_eq (call_int (client, "last"), 0);
    cr_assert_eq (total (), 0);
    cr_assert_eq (zanni_run (root, DEADLINE_MS), 0);
    cr_assert_eq (total (), 13);
}

EVERYWHERE (serving, a_root_that_serves_hears_of_ends)
{
    cr_assert_eq (zanni_serve (root, "counter", 0), 0);
    ZANNI_AUTO (zanni_ref_t) client = spawn ("client");
    (void) monitor (client);
    cr_assert_eq (zanni_kill (root, client), 0);
    cr_assert_eq (zanni_run (root, DEADLINE_MS), 0);
    cr_assert_eq (((const counter_t *) zanni_state (root))->downs, 1);
}

CONFORM_ONCE (serving, what_cannot_be_served_is_said, ZANNI_HERE)
{
    cr_assert_eq (zanni_serve (root, "missing"), ZANNI_ENOCLASS);
    cr_assert_eq (zanni_serve (root, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_serve (root, "reader", zanni_self (root)), ZANNI_EINVAL);
    cr_assert_eq (zanni_serve (root, "counter", 1, 2), ZANNI_EARGS);
    cr_assert (logged ("argument 2 is too many"));
    cr_assert_null (zanni_state (root));
    s_log.errors = 0;
    cr_assert_eq (zanni_serve (root, "counter", 1), 0);
    cr_assert_eq (zanni_serve (root, "counter", 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_run (root, 1), 0);
    begin_again ((zanni_options_t) { 0 });
    cr_assert (s_stopped);
}

EVERYWHERE (serving, a_handler_cannot_run_step_or_destroy)
{
    ZANNI_AUTO (zanni_ref_t) counter = spawn ("counter", 0);
    ZANNI_AUTO (zanni_msg_t) reply = call (counter, "wrongly");
    int32_t codes [3];
    cr_assert_eq (zanni_read (reply, &codes [0], &codes [1], &codes [2]), 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq (codes [i], ZANNI_EOWNER);
}

/* Another thread of the host takes part. */
static zanni_node_t *s_node;
static zanni_place_t s_place;
static int64_t s_outcome;

static void *
attach_and_serve (void *argument)
{
    zanni_t *self = NULL;
    zanni_ref_t *client = NULL;
    zanni_msg_t *reply = NULL;
    const zanni_spawn_t options = { .place = s_place };
    int64_t last = 0;
    (void) argument;
    int rc = zanni_attach (&self, s_node);
    if (!rc)
        rc = zanni_serve (self, "counter", 20);
    if (!rc)
        rc = zanni_spawn (self, &client, "client", &options);
    if (!rc)
        rc = zanni_tell (self, client, "use", zanni_self (self));
    if (!rc)
        rc = zanni_run (self, DEADLINE_MS);
    if (!rc)
        rc = zanni_call (self, &reply, client, "last");
    if (!rc)
        rc = zanni_read (reply, &last);
    zanni_msg_destroy (&reply);
    zanni_ref_destroy (&client);
    int end = zanni_destroy (&self);
    s_outcome = rc ? rc : end ? end : last;
    return NULL;
}

EVERYWHERE_HERE (serving, another_thread_of_the_host_takes_part)
{
    pthread_t thread;
    s_node = zanni_node_of (root);
    s_place = place;
    cr_assert_eq (pthread_create (&thread, NULL, attach_and_serve, NULL), 0);
    cr_assert_eq (pthread_join (thread, NULL), 0);
    cr_assert_eq (s_outcome, 33, "the outcome is %" PRId64, s_outcome);
    s_outcome = 0;
    cr_assert_eq (pthread_create (&thread, NULL, attach_and_serve, NULL), 0);
    cr_assert_eq (pthread_join (thread, NULL), 0);
    cr_assert_eq (s_outcome, 33);
}
