/* Answers that come later, from elsewhere, too late or not at all: promises, kept messages, forwards, deadlines,
   cancelling, and asks to an actor that ends. An ask ends exactly once, whatever happens. */

#include "support.h"

/* Puts asks off in every way and answers them when it is told to. */
typedef struct {
    int handled;
    zanni_promise_t *promise;
    zanni_msg_t *kept;
    zanni_ref_t *other;
} server_t;

static int
server_count (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    server->handled++;
    return zanni_reply (self, msg, server->handled);
}

/* Is busy for a while. */
static int
server_stall (zanni_t *self, zanni_msg_t *msg)
{
    int64_t ms;
    int rc = zanni_read (msg, &ms);
    for (int64_t until_ns = zanni_now_ns (self) + (rc ? 0 : ms * 1000000); zanni_now_ns (self) < until_ns;) {}
    return rc;
}

static int
server_handled (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    return zanni_reply (self, msg, server->handled);
}

static int
server_promise (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    zanni_promise_destroy (&server->promise);
    return zanni_promise_new (self, &server->promise, msg);
}

/* A promise takes the duty off the message. */
static int
server_promise_and_reply (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    int rc = zanni_promise_new (self, &server->promise, msg);
    if (!rc)
        rc = zanni_reply (self, msg, 1) == ZANNI_EREPLIED ? 0 : ZANNI_EINVAL;
    if (!rc)
        rc = zanni_promise_reply (self, &server->promise, 2);
    return rc;
}

static int
server_promise_a_tell (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    zanni_promise_t *promise = NULL;
    server->handled = zanni_promise_new (self, &promise, msg);
    zanni_promise_destroy (&promise);
    return 0;
}

static int
server_fulfil (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_promise_reply (self, &server->promise, number);
}

/* A result of the wrong type leaves the promise as it was. */
static int
server_fulfil_wrongly (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    int rc = zanni_promise_reply (self, &server->promise, "no number");
    return zanni_reply (self, msg, rc);
}

static int
server_decline (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    (void) msg;
    return zanni_promise_fail (self, &server->promise, 17, "declined");
}

static int
server_drop (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    (void) self;
    (void) msg;
    zanni_promise_destroy (&server->promise);
    zanni_msg_destroy (&server->kept);
    return 0;
}

static int
server_is_void (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    return zanni_reply (self, msg, zanni_promise_is_void (server->promise));
}

static int
server_keep (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    (void) self;
    return zanni_msg_keep (&server->kept, msg);
}

/* Answers a kept ask with its own argument. */
static int
server_answer_kept (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    const char *text;
    (void) msg;
    int rc = zanni_read (server->kept, &text);
    if (!rc)
        rc = zanni_reply (self, server->kept, text);
    zanni_msg_destroy (&server->kept);
    return rc;
}

/* Keeps what it has answered already. */
static int
server_keep_answered (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    int rc = zanni_reply (self, msg, "at once");
    return rc ? rc : zanni_msg_keep (&server->kept, msg);
}

static int
server_keep_a_moment (zanni_t *self, zanni_msg_t *msg)
{
    zanni_msg_t *kept = NULL;
    int rc = zanni_msg_keep (&kept, msg);
    (void) self;
    zanni_msg_destroy (&kept);
    return rc;
}

static int
server_remaining (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, zanni_msg_remaining_ms (msg));
}

static int
server_know (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    zanni_ref_destroy (&server->other);
    return rc ? rc : zanni_ref_keep (self, &server->other, other);
}

static void
server_got (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    server_t *server = arg;
    int64_t number = -1;
    zanni_error_t error = { 0 };
    int rc;
    if (!zanni_msg_error (reply, &error))
        rc = zanni_promise_fail (self, &server->promise, error.code, error.text);
    else if ((rc = zanni_read (reply, &number)) == 0)
        rc = zanni_promise_reply (self, &server->promise, number);
    (void) rc;
}

/* Asks another how long it has, and answers that. */
static int
server_remaining_there (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    const zanni_ask_t ask = { .then = server_got, .arg = server };
    int rc = zanni_promise_new (self, &server->promise, msg);
    return rc ? rc : zanni_ask (self, server->other, &ask, "remaining");
}

/* The same, to one that never answers. */
static int
server_wait_there (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    const zanni_ask_t ask = { .then = server_got, .arg = server };
    int rc = zanni_promise_new (self, &server->promise, msg);
    return rc ? rc : zanni_ask (self, server->other, &ask, "promise");
}

static int
server_forward (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    return zanni_forward (self, msg, server->other, NULL);
}

static int
server_forward_as_other (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    return zanni_forward (self, msg, server->other, "text");
}

static int
server_forward_as_none (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    return zanni_forward (self, msg, server->other, "no such thing");
}

/* To one that is gone: the ask is still ours to answer. */
static int
server_forward_or_answer (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    int rc = zanni_forward (self, msg, server->other, NULL);
    return zanni_reply (self, msg, rc);
}

static int
server_forward_twice (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    int rc = zanni_forward (self, msg, server->other, "text");
    if (!rc)
        server->handled = zanni_forward (self, msg, server->other, "text");
    return rc;
}

/* To a private method of whoever sent it: its own, as it might seem there. */
static int
server_forward_back (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    server->handled = zanni_forward (self, msg, zanni_msg_from (msg), "secret");
    return zanni_reply (self, msg, (int) server->handled);
}

static int
server_visit (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    const zanni_ask_t ask = { .then = server_got, .arg = server };
    int rc = zanni_promise_new (self, &server->promise, msg);
    return rc ? rc : zanni_ask (self, server->other, &ask, "forward back");
}

static int
server_exit (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit_error (self, 5, "out of paper");
}

static const zanni_method_t server_methods [] = {
    ZANNI_METHOD ("count", "", "x", server_count, ""),
    ZANNI_METHOD ("stall", "x", "", server_stall, ""),
    ZANNI_METHOD ("handled", "", "x", server_handled, ""),
    ZANNI_METHOD ("promise", "", "x", server_promise, ""),
    ZANNI_METHOD ("promise and reply", "", "x", server_promise_and_reply, ""),
    ZANNI_METHOD ("promise a tell", "", "x", server_promise_a_tell, ""),
    ZANNI_METHOD ("fulfil", "x", "", server_fulfil, ""),
    ZANNI_METHOD ("fulfil wrongly", "", "i", server_fulfil_wrongly, ""),
    ZANNI_METHOD ("decline", "", "", server_decline, ""),
    ZANNI_METHOD ("drop", "", "", server_drop, ""),
    ZANNI_METHOD ("is void", "", "b", server_is_void, ""),
    ZANNI_METHOD ("keep", "s", "s", server_keep, ""),
    ZANNI_METHOD ("answer kept", "", "", server_answer_kept, ""),
    ZANNI_METHOD ("keep a moment", "", "", server_keep_a_moment, ""),
    ZANNI_METHOD ("keep answered", "", "s", server_keep_answered, ""),
    ZANNI_METHOD ("remaining", "", "x", server_remaining, ""),
    ZANNI_METHOD ("know", "r", "", server_know, ""),
    ZANNI_METHOD ("remaining there", "", "x", server_remaining_there, ""),
    ZANNI_METHOD ("wait there", "", "x", server_wait_there, ""),
    ZANNI_METHOD ("record", "s", "s", server_forward, ""),
    ZANNI_METHOD ("echo", "s", "s", server_forward_as_other, ""),
    ZANNI_METHOD ("lost", "s", "s", server_forward_as_none, ""),
    ZANNI_METHOD ("forward or answer", "", "i", server_forward_or_answer, ""),
    ZANNI_METHOD ("forward twice", "s", "s", server_forward_twice, ""),
    ZANNI_METHOD ("exit", "", "", server_exit, ""),
    ZANNI_METHOD ("forward back", "", "i", server_forward_back, ""),
    ZANNI_METHOD ("visit", "", "x", server_visit, ""),
    ZANNI_PRIVATE ("secret", "", "i", server_exit, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t server_class = {
    .name = "server", .state_size = sizeof (server_t), .methods = server_methods
};

/* To whom others forward. */
static int
backend_record (zanni_t *self, zanni_msg_t *msg)
{
    const char *text;
    int rc = zanni_read (msg, &text);
    if (!rc && zanni_msg_kind (msg) == ZANNI_MSG_TELL)
        return report (self, zanni_msg_from (msg), "recorded %s", text);
    return rc ? rc : zanni_reply (self, msg, text);
}

static int
backend_text (zanni_t *self, zanni_msg_t *msg)
{
    char line [100];
    const char *text;
    int rc = zanni_read (msg, &text);
    if (rc)
        return rc;
    snprintf (line, sizeof line, "text %s", text);
    return zanni_reply (self, msg, line);
}

static const zanni_method_t backend_methods [] = {
    ZANNI_METHOD ("record", "s", "s", backend_record, ""),
    ZANNI_METHOD ("text", "s", "s", backend_text, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t backend_class = { .name = "backend", .methods = backend_methods };

CLASSES (&server_class, &backend_class, &runner_class);

/* An ask by the root, whose answer comes to zanni_receive. */
static uint64_t
ask (const zanni_ref_t *ref, const char *method)
{
    uint64_t id = 0;
    cr_assert_eq (zanni_ask (root, ref, &(zanni_ask_t) { .id_p = &id }, method), 0);
    return id;
}

static void
expect_reply (uint64_t id, int64_t number)
{
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    int64_t value = -1;
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY);
    cr_assert_eq (zanni_msg_id (msg), id);
    cr_assert_eq (zanni_read (msg, &value), 0);
    cr_assert_eq (value, number);
}

static zanni_error_t
expect_error (uint64_t id, int code)
{
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_ERROR);
    cr_assert_eq (zanni_msg_id (msg), id);
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    cr_assert_eq (error.code, code, "the error is %s", error.text);
    return error;
}

EVERYWHERE (answers, a_promise_is_answered_later)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    uint64_t id = ask (server, "promise");
    tell (server, "fulfil", 33);
    expect_reply (id, 33);
    id = ask (server, "promise");
    tell (server, "decline");
    zanni_error_t error = expect_error (id, ZANNI_EAPP);
    cr_assert_eq (error.app_code, 17);
    cr_assert_str_eq (error.text, "declined");
    id = ask (server, "promise");
    cr_assert_eq (call_int (server, "fulfil wrongly"), ZANNI_EARGS);
    tell (server, "fulfil", 34);
    expect_reply (id, 34);
}

EVERYWHERE (answers, a_promise_that_is_dropped_answers_no_reply)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    uint64_t id = ask (server, "promise");
    tell (server, "drop");
    (void) expect_error (id, ZANNI_ENOREPLY);
}

EVERYWHERE (answers, a_promise_takes_the_duty_off_its_message)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    cr_assert_eq (call_int (server, "promise and reply"), 2);
    tell (server, "promise a tell");
    cr_assert_eq (call_int (server, "handled"), ZANNI_EREPLIED);
}

EVERYWHERE (answers, a_kept_ask_is_answered_later_and_can_still_be_read)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    const char *text = "";
    cr_assert_eq (zanni_ask (root, server, NULL, "keep", "this text"), 0);
    tell (server, "answer kept");
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
    cr_assert_eq (zanni_read (reply, &text), 0);
    cr_assert_str_eq (text, "this text");
}

EVERYWHERE (answers, a_kept_ask_that_is_destroyed_answers_no_reply)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    uint64_t id = 0;
    cr_assert_eq (zanni_ask (root, server, &(zanni_ask_t) { .id_p = &id }, "keep", "text"), 0);
    tell (server, "drop");
    (void) expect_error (id, ZANNI_ENOREPLY);
    done (server, "keep answered");
    tell (server, "drop");
    cr_assert_eq (call_int (server, "handled"), 0);
    expect_nothing ();
}

EVERYWHERE (answers, what_is_kept_only_as_long_as_its_handler_runs_is_forgotten)
{
    zanni_ref_t *server = spawn ("server");
    for (int i = 0; i < 3; i++) {
        tell (server, "keep a moment");
        done (server, "keep a moment");
    }
    uint64_t down = monitor (server);
    zanni_ref_destroy (&server);   // what it keeps would be looked through now
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
}

EVERYWHERE (answers, a_forwarded_ask_is_answered_to_the_first_asker)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    ZANNI_AUTO (zanni_ref_t) backend = spawn ("backend");
    const char *text = "";
    tell (server, "know", backend);
    ZANNI_AUTO (zanni_msg_t) same = call (server, "record", "one");
    cr_assert_eq (zanni_read (same, &text), 0);
    cr_assert_str_eq (text, "one");
    /* Where another node forwards to an actor of its own, this one is not told. */
    cr_assert (zanni_ref_equal (zanni_msg_from (same), place == OTHER_NODE ? server : backend));
    ZANNI_AUTO (zanni_msg_t) other = call (server, "echo", "two");
    cr_assert_eq (zanni_read (other, &text), 0);
    cr_assert_str_eq (text, "text two");
}

EVERYWHERE (answers, a_forwarded_tell_comes_from_its_first_sender)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    ZANNI_AUTO (zanni_ref_t) backend = spawn ("backend");
    tell (server, "know", backend);
    tell (server, "record", "one");
    tell (server, "record", "two");
    expect ("recorded one");
    expect ("recorded two");
}

EVERYWHERE (answers, a_forward_through_several_actors_arrives)
{
    ZANNI_AUTO (zanni_ref_t) first = spawn ("server");
    ZANNI_AUTO (zanni_ref_t) second = spawn ("server");
    ZANNI_AUTO (zanni_ref_t) backend = spawn ("backend");
    const char *text = "";
    tell (first, "know", second);
    done (second, "know", backend);   // before `first` reaches it: order holds between two, not among three
    ZANNI_AUTO (zanni_msg_t) reply = call (first, "record", "far");
    cr_assert_eq (zanni_read (reply, &text), 0);
    cr_assert_str_eq (text, "far");
    tell (first, "record", "away");
    expect ("recorded away");
}

EVERYWHERE (answers, a_forward_that_fails_is_told_to_the_right_one)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    ZANNI_AUTO (zanni_ref_t) backend = spawn ("backend");
    zanni_error_t error = { 0 };
    tell (server, "know", backend);
    cr_assert_eq (refused (&error, server, "lost", "text"), ZANNI_ENOMETHOD);
    cr_assert_str_eq (error.text, "no such method: class backend has no no such thing");
    done (server, "forward twice", "text");
    cr_assert_eq (call_int (server, "handled"), ZANNI_EREPLIED);

    uint64_t down = monitor (backend);
    cr_assert_eq (zanni_kill (root, backend), 0);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_KILLED);
    if (apart ())   // the server's node need not know yet
        cr_assert (refused (&error, server, "lost", "text") == ZANNI_ENOACTOR || error.code == ZANNI_EDOWN);
    else
        cr_assert_eq (call_int (server, "forward or answer"), ZANNI_ENOACTOR);
}

EVERYWHERE (answers, nothing_is_forwarded_to_a_private_method)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn ("server");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("server");
    zanni_error_t error = { 0 };
    tell (one, "know", other);
    if (place != ZANNI_PROCESS) {
        cr_assert_eq (call_int (one, "visit"), ZANNI_EPERM);
        return;
    }
    cr_assert_eq (refused (&error, one, "visit"), ZANNI_EAPP);   // the other does not see it, but `one` refuses
    cr_assert_eq (error.app_code, ZANNI_EPERM);
}

EVERYWHERE (answers, an_ask_ends_at_its_deadline)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    zanni_msg_t *reply = NULL;
    zanni_error_t error = { 0 };
    const zanni_ask_t soon = { .deadline_ms = 20, .error = &error };
    int64_t before = zanni_now_ns (root);
    cr_assert_eq (zanni_call_with (root, &reply, server, &soon, "promise"), ZANNI_ETIMEOUT);
    cr_assert_geq (zanni_now_ns (root) - before, 20000000);
    cr_assert_eq (error.code, ZANNI_ETIMEOUT);
    cr_assert_str_eq (error.text, zanni_strerror (ZANNI_ETIMEOUT));

    uint64_t id = 0;
    const zanni_ask_t asked = { .deadline_ms = 20, .id_p = &id };
    cr_assert_eq (zanni_ask (root, server, &asked, "promise"), 0);
    (void) expect_error (id, ZANNI_ETIMEOUT);
}

EVERYWHERE (answers, a_late_answer_vanishes_and_is_counted)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    uint64_t id = 0;
    const zanni_ask_t soon = { .deadline_ms = 10, .id_p = &id };
    cr_assert_eq (zanni_ask (root, server, &soon, "promise"), 0);
    (void) expect_error (id, ZANNI_ETIMEOUT);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    bool is_void = false;
    do {   // in another node what time is left begins with the arrival
        ZANNI_AUTO (zanni_msg_t) reply = call (server, "is void");
        cr_assert_eq (zanni_read (reply, &is_void), 0);
    } while (!is_void && apart () && zanni_now_ns (root) < until_ns);
    cr_assert (is_void);
    tell (server, "fulfil", 1);
    cr_assert_eq (call_int (server, "handled"), 0);
    expect_nothing ();
    cr_assert_eq (stats ().late_replies, 1);
}

EVERYWHERE (answers, the_node_decides_the_default_deadline)
{
    begin_again ((zanni_options_t) { .ask_deadline_ms = 30 });
    const zanni_spawn_t options = { PLACED, .start_ms = DEADLINE_MS };   // which a spawn would have, too
    ZANNI_AUTO (zanni_ref_t) server = spawn_with (&options, "server");
    zanni_msg_t *reply = NULL;
    cr_assert_eq (zanni_call (root, &reply, server, "promise"), ZANNI_ETIMEOUT);
    cr_assert_leq (call_int (server, "remaining"), 30);
    zanni_ref_destroy (&server);
}

EVERYWHERE (answers, an_asked_actor_knows_what_time_is_left)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    ZANNI_AUTO (zanni_msg_t) endless = NULL;
    int64_t left = 0;
    cr_assert_eq (zanni_call_with (root, &reply, server, &(zanni_ask_t) { .deadline_ms = 3000 }, "remaining"), 0);
    cr_assert_eq (zanni_read (reply, &left), 0);
    cr_assert (left > 0 && left <= 3000);
    cr_assert_eq (zanni_call_with (root, &endless, server, &(zanni_ask_t) { .deadline_ms = -1 }, "remaining"), 0);
    cr_assert_eq (zanni_read (endless, &left), 0);
    cr_assert_eq (left, INT64_MAX);
}

EVERYWHERE (answers, an_ask_made_while_serving_one_inherits_what_time_is_left)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("server");
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_msg_t *none = NULL;
    zanni_error_t error = { 0 };
    int64_t left = 0;
    tell (server, "know", other);
    cr_assert_eq (zanni_call_with (root, &reply, server, &(zanni_ask_t) { .deadline_ms = 2000 }, "remaining there"), 0);
    cr_assert_eq (zanni_read (reply, &left), 0);
    cr_assert (left > 0 && left <= 2000, "%" PRId64 " ms are left", left);
    const zanni_ask_t soon = { .deadline_ms = 30, .error = &error };
    int rc = zanni_call_with (root, &none, server, &soon, "wait there");
    cr_assert (rc == ZANNI_ETIMEOUT || error.app_code == ZANNI_ETIMEOUT);   // both deadlines are the same
}

EVERYWHERE (answers, the_root_answers_asks_that_it_received)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    zanni_promise_t *promise = NULL;
    zanni_error_t error = { 0 };
    tell (server, "know", zanni_self (root));
    for (int i = 0; i < 3; i++) {
        uint64_t id = ask (server, "wait there");
        zanni_msg_t *asked = next ();
        cr_assert_eq (zanni_msg_kind (asked), ZANNI_MSG_ASK);
        cr_assert_str_eq (zanni_msg_method (asked), "promise");
        cr_assert_eq (zanni_promise_new (root, &promise, asked), 0);
        zanni_msg_destroy (&asked);
        if (i == 0) {
            cr_assert_eq (zanni_promise_reply (root, &promise, 55), 0);
            expect_reply (id, 55);
        }
        else if (i == 1) {
            cr_assert_eq (zanni_promise_fail (root, &promise, 1, "not today"), 0);
            error = expect_error (id, ZANNI_EAPP);
            cr_assert_str_eq (error.text, "not today");
        }
        else {
            zanni_promise_destroy (&promise);
            error = expect_error (id, ZANNI_EAPP);
            cr_assert_eq (error.app_code, ZANNI_ENOREPLY);
        }
        cr_assert_null (promise);
    }
}

/* The runner asks and cancels in one turn. */
static zanni_ref_t *s_server;

static void
report_answer (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error = { 0 };
    int64_t number = 0;
    (void) arg;
    if (!zanni_msg_error (reply, &error))
        (void) report (self, witness_of (self), "error: %s", error.text);
    else if (!zanni_read (reply, &number))
        (void) report (self, witness_of (self), "reply: %d", (int) number);
}

static int
ask_and_cancel (zanni_t *self)
{
    uint64_t id = 0;
    const zanni_ask_t asked = { .then = report_answer, .id_p = &id };
    int rc = zanni_ask (self, s_server, &asked, "count");
    if (!rc)
        rc = zanni_cancel (self, id);
    return rc ? rc : zanni_cancel (self, id);
}

EVERYWHERE (answers, an_ask_that_is_cancelled_before_it_began_is_not_handled)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    s_server = spawn ("server");
    run_in (runner, ask_and_cancel);
    expect ("error: cancelled");
    cr_assert_eq (call_int (s_server, "handled"), 0);
    run_in (runner, ask_and_cancel);
    expect ("error: cancelled");
    cr_assert_eq (call_int (s_server, "handled"), 0);
    expect_nothing ();
    zanni_ref_destroy (&s_server);
}

static int
ask_one_that_is_busy (zanni_t *self)
{
    const zanni_ask_t asked = { .then = report_answer, .deadline_ms = 5 };
    int rc = zanni_tell (self, s_server, "stall", 20);
    return rc ? rc : zanni_ask (self, s_server, &asked, "count");
}

EVERYWHERE (answers, an_ask_whose_deadline_is_over_before_it_began_is_not_handled)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    s_server = spawn ("server");
    run_in (runner, ask_one_that_is_busy);
    expect ("error: timeout");
    cr_assert_eq (call_int (s_server, "handled"), 0);
    expect_nothing ();
    zanni_ref_destroy (&s_server);
}

static uint64_t s_asked;

/* The answer of a later ask says that what went before has arrived. */
static int
ask_for_a_promise (zanni_t *self)
{
    const zanni_ask_t asked = { .then = report_answer, .id_p = &s_asked };
    const zanni_ask_t behind = { .then = report_answer };
    int rc = zanni_ask (self, s_server, &asked, "promise");
    return rc ? rc : zanni_ask (self, s_server, &behind, "count");
}

static int
cancel_it (zanni_t *self)
{
    const zanni_ask_t behind = { .then = report_answer };
    int rc = zanni_cancel (self, s_asked);
    return rc ? rc : zanni_ask (self, s_server, &behind, "count");
}

EVERYWHERE (answers, a_promise_whose_ask_is_cancelled_is_void)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    bool is_void = true;
    s_server = spawn ("server");
    run_in (runner, ask_for_a_promise);
    expect ("reply: 1");
    ZANNI_AUTO (zanni_msg_t) before = call (s_server, "is void");
    cr_assert (!zanni_read (before, &is_void) && !is_void);
    run_in (runner, cancel_it);
    expect ("error: cancelled");
    expect ("reply: 2");
    ZANNI_AUTO (zanni_msg_t) after = call (s_server, "is void");
    cr_assert (!zanni_read (after, &is_void) && is_void);
    tell (s_server, "fulfil", 5);
    cr_assert_eq (call_int (s_server, "handled"), 2);
    run_in (runner, cancel_it);
    expect ("reply: 3");
    expect_nothing ();
    cr_assert_eq (stats ().failed_tells, 0);
    zanni_ref_destroy (&s_server);
}

EVERYWHERE (answers, an_ask_of_the_root_can_be_cancelled_while_it_runs)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    uint64_t id = ask (server, "promise");
    cr_assert_eq (call_int (server, "handled"), 0);
    cr_assert_eq (zanni_cancel (root, id), 0);
    (void) expect_error (id, ZANNI_ECANCELED);
    cr_assert_eq (zanni_cancel (root, id), 0);
    cr_assert_eq (zanni_cancel (root, 12345), 0);
    tell (server, "fulfil", 5);
    cr_assert_eq (call_int (server, "handled"), 0);
    expect_nothing ();
}

static int
ask_one_that_exits (zanni_t *self)
{
    const zanni_ask_t asked = { .then = report_answer };
    int rc = zanni_tell (self, s_server, "exit");
    return rc ? rc : zanni_ask (self, s_server, &asked, "count");
}

EVERYWHERE (answers, an_ask_in_the_mailbox_of_an_actor_that_ends_fails_with_the_reason)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    s_server = spawn ("server");
    run_in (runner, ask_one_that_exits);
    expect ("error: receiver down: error 5: out of paper");
    zanni_ref_destroy (&s_server);
}

EVERYWHERE (answers, a_promise_of_an_actor_that_ends_fails_with_the_reason)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    uint64_t id = ask (server, "promise");
    tell (server, "exit");
    cr_assert_str_eq (expect_error (id, ZANNI_EDOWN).text, "receiver down: error 5: out of paper");
}

EVERYWHERE (answers, a_kept_ask_of_an_actor_that_ends_fails_with_the_reason)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    uint64_t id = 0;
    cr_assert_eq (zanni_ask (root, server, &(zanni_ask_t) { .id_p = &id }, "keep", "text"), 0);
    cr_assert_eq (call_int (server, "handled"), 0);
    cr_assert_eq (zanni_stop (root, server), 0);
    cr_assert_str_eq (expect_error (id, ZANNI_EDOWN).text, "receiver down: shutdown");
}

EVERYWHERE (answers, an_ask_to_an_actor_that_is_gone_fails)
{
    ZANNI_AUTO (zanni_ref_t) server = spawn ("server");
    zanni_error_t error = { 0 };
    uint64_t down = monitor (server);
    cr_assert_eq (zanni_kill (root, server), 0);
    (void) expect_down (down, false);
    cr_assert_eq (refused (&error, server, "count"), ZANNI_ENOACTOR);
    cr_assert_eq (zanni_tell (root, server, "count"), ZANNI_ENOACTOR);
    cr_assert_eq (zanni_ask (root, server, NULL, "count"), ZANNI_ENOACTOR);
    expect_nothing ();
}
