/* What an actor becomes, puts aside, and lets go first. Order is seen by what it reports: lines to the root, which is
   the only one to send to it, or it sends to itself. */

#include "support.h"

#define STASH_MAX 3

typedef struct {
    zanni_ref_t *witness;
    int64_t let_in;
    uint64_t timer;
} door_t;

typedef struct {
    char more [sizeof (door_t) + 8];
} wide_t;

static int
door_start (zanni_t *self, zanni_msg_t *msg)
{
    door_t *door = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    return rc ? rc : zanni_ref_keep (self, &door->witness, witness);
}

static void
door_stop (zanni_t *self, const zanni_reason_t *reason)
{
    door_t *door = zanni_state (self);
    char text [160];
    (void) report (self, door->witness, "stopped: %s", zanni_reason_string (reason, text, sizeof text));
}

static int
door_say (zanni_t *self, const char *what)
{
    door_t *door = zanni_state (self);
    return report (self, door->witness, "%s", what);
}

static int
door_is_closed (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_msg_kind (msg) == ZANNI_MSG_ASK ? zanni_reply (self, msg, "closed") : door_say (self, "closed");
}

static int
door_is_open (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_msg_kind (msg) == ZANNI_MSG_ASK ? zanni_reply (self, msg, "open") : door_say (self, "open");
}

static int
door_become (zanni_t *self, zanni_msg_t *msg)
{
    const char *name;
    int rc = zanni_read (msg, &name);
    return rc ? rc : zanni_become (self, *name ? name : NULL);
}

/* Opens, and lets in who waits. */
static int
door_open (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni_become (self, "open door");
    return rc ? rc : zanni_reply (self, msg, zanni_unstash_all (self));
}

static int
door_close (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_become (self, NULL);
}

static int
door_wait (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_stash (self, msg);
}

static int
door_pass (zanni_t *self, zanni_msg_t *msg)
{
    door_t *door = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (!rc)
        rc = report (self, door->witness, "%d", (int) number);
    return rc ? rc : zanni_reply (self, msg, ++door->let_in);
}

static int
door_knock (zanni_t *self, zanni_msg_t *msg)
{
    const char *text;
    int rc = zanni_read (msg, &text);
    return rc ? rc : zanni_reply (self, msg, text);
}

/* What cannot be put aside. */
static int
door_wait_in_vain (zanni_t *self, zanni_msg_t *msg)
{
    zanni_msg_t *none = NULL;
    int rc = zanni_stash (self, none) == ZANNI_EINVAL ? zanni_reply (self, msg, 1) : ZANNI_EAPP;
    return rc ? rc : zanni_stash (self, msg) == ZANNI_EREPLIED ? 0 : ZANNI_EAPP;
}

static int
door_ring_soon (zanni_t *self, zanni_msg_t *msg)
{
    door_t *door = zanni_state (self);
    int rc = zanni_timer (self, &door->timer, 1, 0, "ring");
    return rc ? rc : zanni_reply (self, msg);
}

static int
door_wait_for_ring (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni_stash (self, msg);
    return rc ? rc : door_say (self, "waits");
}

static int
door_ring (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return door_say (self, "rings");
}

/* Tells itself numbers; those below 0 go first. */
static int
door_tell_itself (zanni_t *self, zanni_msg_t *msg)
{
    size_t count = 0;
    int rc = zanni_enter (msg, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        int64_t number = 0;
        rc = zanni_read (msg, &number);
        if (!rc)
            rc = zanni_tell (self, zanni_self (self), number < 0 ? "hurry" : "pass", number);
    }
    return rc;
}

static const zanni_method_t door_methods [] = {
    ZANNI_METHOD ("is", "", "s", door_is_closed, "Says so."),
    ZANNI_METHOD ("open", "", "x", door_open, ""),
    ZANNI_METHOD ("become", "s", "", door_become, ""),
    ZANNI_METHOD ("pass", "x", "x", door_wait, "Waits."),
    ZANNI_METHOD ("knock", "s", "s", door_knock, ""),
    ZANNI_METHOD ("wait in vain", "", "x", door_wait_in_vain, ""),
    ZANNI_METHOD ("ring soon", "", "", door_ring_soon, ""),
    ZANNI_PRIVATE ("ring", "", "", door_wait_for_ring, ""),
    STATS_METHOD,
    ZANNI_METHOD_END
};
static const zanni_class_t door_class = {
    .name = "door", .state_size = sizeof (door_t), .methods = door_methods, .start_in = "r", .start = door_start,
    .stop = door_stop, .stash_max = STASH_MAX
};

static const zanni_method_t open_methods [] = {
    ZANNI_METHOD ("is", "", "s", door_is_open, "Says so, too."),
    ZANNI_METHOD ("close", "", "", door_close, ""),
    ZANNI_METHOD ("become", "s", "", door_become, ""),
    ZANNI_METHOD ("pass", "x", "x", door_pass, "Passes."),
    ZANNI_HIGH ("hurry", "x", "x", door_pass, "Passes first."),
    ZANNI_METHOD ("tell itself", "ax", "", door_tell_itself, ""),
    ZANNI_METHOD ("knock", "x", "x", door_pass, ""),
    ZANNI_PRIVATE ("ring", "", "", door_ring, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t open_class = {
    .name = "open door", .state_size = sizeof (door_t), .methods = open_methods, .start_in = "r", .start = door_start,
    .stop = door_stop
};
/* Puts aside what its first incarnation gets. */
static bool s_has_risen;

static int
phoenix_pass (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    return s_has_risen ? zanni_reply (self, msg, number) : zanni_stash (self, msg);
}

static void
phoenix_stop (zanni_t *self, const zanni_reason_t *reason)
{
    (void) self, (void) reason;
    s_has_risen = true;
}

static const zanni_method_t phoenix_methods [] = {
    ZANNI_METHOD ("pass", "x", "x", phoenix_pass, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t phoenix_class = { .name = "phoenix", .methods = phoenix_methods, .stop = phoenix_stop };
static const zanni_class_t wide_class = { .name = "wide door", .state_size = sizeof (wide_t) };

/* Puts numbers aside until it is told to turn, then reports them. */
static int
loop_run (zanni_t *self)
{
    bool turns = false;
    for (;;) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        int64_t number;
        int rc = zanni_receive (self, &msg, -1);
        if (rc)
            return rc == ZANNI_ECLOSED ? 0 : rc;
        if (!strcmp (zanni_msg_method (msg), "turn")) {
            turns = true;
            rc = zanni_reply (self, msg, zanni_unstash_all (self));
        }
        else if (!turns)
            rc = zanni_stash (self, msg);
        else if (!(rc = zanni_read (msg, &number)))
            rc = zanni_reply (self, msg, number * 2);
        if (rc)
            return rc;
    }
}

static const zanni_method_t loop_methods [] = {
    ZANNI_METHOD ("turn", "", "x", NULL, ""),
    ZANNI_METHOD ("pass", "x", "x", NULL, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t loop_class = {
    .name = "revolving door", .state_size = sizeof (door_t), .methods = loop_methods, .run = loop_run
};
CLASSES (&phoenix_class, &door_class, &open_class, &wide_class, &loop_class, &runner_class);

static zanni_ref_t *
spawn_door (void)
{
    return spawn ("door", zanni_self (root));
}

static void
expect_is (const zanni_ref_t *door, const char *what)
{
    ZANNI_AUTO (zanni_msg_t) reply = call (door, "is");
    const char *text = "";
    cr_assert_eq (zanni_read (reply, &text), 0);
    cr_assert_str_eq (text, what);
}

static void
end_of (zanni_ref_t **door)
{
    zanni_ref_destroy (door);
    expect ("stopped: normal");
}

EVERYWHERE (becoming, gives_an_actor_the_methods_of_another_class_and_back)
{
    zanni_ref_t *door = spawn_door ();
    zanni_error_t error = { 0 };
    expect_is (door, "closed");
    done (door, "become", "open door");
    expect_is (door, "open");
    cr_assert_eq (refused (&error, door, "wait in vain"), ZANNI_ENOMETHOD);
    cr_assert_str_eq (error.text, "no such method: class open door has no wait in vain");
    cr_assert_str_eq (zanni_ref_class (door), "door");
    done (door, "close");
    expect_is (door, "closed");
    cr_assert_eq (refused (&error, door, "close"), ZANNI_ENOMETHOD);
    cr_assert_eq (call_int (door, "wait in vain"), 1);
    end_of (&door);
    zanni_error_reset (&error);
}

EVERYWHERE (becoming, decides_for_what_was_sent_before)
{
    zanni_ref_t *door = spawn_door ();
    tell (door, "is");
    tell (door, "become", "open door");
    tell (door, "is");
    tell (door, "close");
    tell (door, "is");
    tell (door, "become", "open door");
    tell (door, "is");
    expect ("closed");
    expect ("open");
    expect ("closed");
    expect ("open");
    end_of (&door);
}

EVERYWHERE (becoming, decides_which_arguments_fit)
{
    zanni_ref_t *door = spawn_door ();
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_msg_t) reply = call (door, "knock", "who is there");
    const char *text = "";
    cr_assert_eq (zanni_read (reply, &text), 0);
    cr_assert_str_eq (text, "who is there");
    done (door, "become", "open door");
    cr_assert_eq (refused (&error, door, "knock", "who is there"), ZANNI_EARGS);
    cr_assert_str_eq (error.text, "bad arguments for knock: argument 1 is a string, int64 (x) was wanted");
    cr_assert_eq (call_int (door, "knock", 5), 1);
    expect ("5");
    end_of (&door);
    zanni_error_reset (&error);
}

static void
expect_described (const zanni_ref_t *door, const char *class_name, const char *first)
{
    ZANNI_AUTO (zanni_msg_t) reply = call (door, "zanni.describe");
    const char *name = "", *text = "", *method = "";
    size_t count = 0;
    cr_assert_eq (zanni_read (reply, &name, &text), 0);
    cr_assert_str_eq (name, class_name);
    cr_assert_eq (zanni_enter (reply, &count), 0);
    cr_assert_eq (zanni_enter (reply, &count), 0);
    cr_assert_eq (zanni_read (reply, &method), 0);
    cr_assert_str_eq (method, first);
}

EVERYWHERE (becoming, is_described)
{
    zanni_ref_t *door = spawn_door ();
    expect_described (door, "door", "become");
    done (door, "become", "open door");
    expect_described (door, "open door", "become");
    done (door, "close");
    expect_described (door, "door", "become");
    end_of (&door);
}

EVERYWHERE (becoming, is_refused_for_what_cannot_be)
{
    zanni_ref_t *door = spawn_door ();
    zanni_error_t error = { 0 };
    char text [200];
    cr_assert_eq (refused (&error, door, "become", "barn door"), ZANNI_ENOCLASS);
    cr_assert_str_eq (error.text, "no such class: barn door is not registered: give it to zanni_init");
    cr_assert_eq (refused (&error, door, "become", "wide door"), ZANNI_EINVAL);
    snprintf (text, sizeof text, "invalid argument: class wide door has a state of %zu bytes, that of this door has %zu: "
              "they must share one struct", sizeof (wide_t), sizeof (door_t));
    cr_assert_str_eq (error.text, text);
    cr_assert_eq (refused (&error, door, "become", "revolving door"), ZANNI_EINVAL);
    cr_assert_str_eq (error.text, "invalid argument: class revolving door is a loop, and this door is not");
    expect_is (door, "closed");
    end_of (&door);
    zanni_error_reset (&error);
}

EVERYWHERE (becoming, ends_with_a_restart)
{
    zanni_ref_t *door = spawn_with (&((zanni_spawn_t) { PLACED, .restartable = true }), "door", zanni_self (root));
    done (door, "become", "open door");
    expect_is (door, "open");
    cr_assert_eq (zanni_restart (root, door), 0);
    expect ("stopped: shutdown");
    expect_is (door, "closed");
    end_of (&door);
}

EVERYWHERE (becoming, decides_what_a_timer_tells)
{
    zanni_ref_t *door = spawn_door ();
    done (door, "ring soon");
    expect ("waits");
    done (door, "open");
    expect ("rings");
    done (door, "close");
    end_of (&door);
}

EVERYWHERE (becoming, decides_what_is_private)
{
    zanni_ref_t *door = spawn_door ();
    zanni_error_t error = { 0 };
    done (door, "open");
    cr_assert_eq (refused (&error, door, "ring"), ZANNI_EPERM);
    cr_assert_str_eq (error.text, "not permitted: ring of class open door is private");
    end_of (&door);
    zanni_error_reset (&error);
}

CONFORM_ONCE (becoming, is_refused_to_a_root_that_serves_nothing, ZANNI_SHARED)
{
    cr_assert_eq (zanni_become (root, "door"), ZANNI_EINVAL);
    cr_assert_eq (zanni_become (root, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_become (NULL, "door"), ZANNI_EINVAL);
    cr_assert_eq (zanni_stash (NULL, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_stash (root, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_unstash_all (NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_unstash_all (root), 0);
}

/* What it asked, and the number that it was answered. */
static uint64_t
ask_pass (const zanni_ref_t *door, int number)
{
    uint64_t id = 0;
    const zanni_ask_t ask = { .id_p = &id, .deadline_ms = -1 };
    cr_assert_eq (zanni_ask (root, door, &ask, "pass", number), 0);
    return id;
}

static void
expect_answer (uint64_t id, int64_t value)
{
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    int64_t got = 0;
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY, "kind %d", (int) zanni_msg_kind (msg));
    cr_assert_eq (zanni_msg_id (msg), id);
    cr_assert_eq (zanni_read (msg, &got), 0);
    cr_assert_eq (got, value);
}

static int
error_of (uint64_t id)
{
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_msg_id (msg), id);
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    return error.code;
}

EVERYWHERE (stash, gives_back_in_order_and_before_what_came_later)
{
    zanni_ref_t *door = spawn_door ();
    tell (door, "pass", 1);
    uint64_t asked = ask_pass (door, 2);
    tell (door, "pass", 3);
    tell (door, "open");
    tell (door, "pass", 4);
    expect ("1");
    expect ("2");
    expect_answer (asked, 2);
    expect ("3");
    expect ("4");
    end_of (&door);
}

EVERYWHERE (stash, can_be_filled_again)
{
    zanni_ref_t *door = spawn_door ();
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < STASH_MAX; k++)
            tell (door, "pass", k);
        cr_assert_eq (call_int (door, "open"), STASH_MAX);
        for (int k = 0; k < STASH_MAX; k++)
            expect ((const char *[]) { "0", "1", "2" } [k]);
        done (door, "close");
    }
    end_of (&door);
}

EVERYWHERE (stash, that_is_full_refuses)
{
    zanni_ref_t *door = spawn_door ();
    zanni_error_t error = { 0 };
    for (int i = 0; i < STASH_MAX; i++)
        tell (door, "pass", i);
    cr_assert_eq (refused (&error, door, "pass", 9), ZANNI_EFULL);
    cr_assert_eq (call_int (door, "open"), STASH_MAX);
    expect ("0");
    expect ("1");
    expect ("2");
    end_of (&door);
    zanni_error_reset (&error);
}

EVERYWHERE (stash, takes_no_ask_that_was_answered)
{
    zanni_ref_t *door = spawn_door ();
    cr_assert_eq (call_int (door, "wait in vain"), 1);
    cr_assert_eq (call_int (door, "open"), 0);
    end_of (&door);
}

EVERYWHERE (stash, loses_an_ask_that_is_cancelled)
{
    zanni_ref_t *door = spawn_door ();
    uint64_t first = ask_pass (door, 1);
    uint64_t second = ask_pass (door, 2);
    expect_is (door, "closed");
    cr_assert_eq (zanni_cancel (root, first), 0);
    cr_assert_eq (error_of (first), ZANNI_ECANCELED);
    cr_assert_eq (call_int (door, "open"), 1);
    expect ("2");
    expect_answer (second, 1);
    end_of (&door);
}

EVERYWHERE (stash, ends_with_its_actor_as_a_mailbox_does)
{
    zanni_ref_t *door = spawn_door ();
    uint64_t watch = monitor (door);
    uint64_t asked = ask_pass (door, 1);
    tell (door, "pass", 2);
    expect_is (door, "closed");
    uint64_t before = stats ().dead_letters;
    cr_assert_eq (zanni_kill (root, door), 0);
    cr_assert_eq (error_of (asked), ZANNI_EDOWN);
    cr_assert_eq (expect_down (watch, false).kind, ZANNI_EXIT_KILLED);
    if (!apart ())
        cr_assert_eq (stats ().dead_letters, before + 1);
    zanni_ref_destroy (&door);
}

EVERYWHERE (stash, goes_back_to_the_mailbox_before_a_restart)
{
    zanni_ref_t *door = spawn_with (&((zanni_spawn_t) { PLACED, .restartable = true }), "door", zanni_self (root));
    uint64_t asked = ask_pass (door, 1);
    tell (door, "pass", 2);
    expect_is (door, "closed");
    cr_assert_eq (zanni_restart (root, door), 0);
    expect ("stopped: shutdown");
    cr_assert_eq (call_int (door, "open"), 2);   // it had both again, and put them aside again
    expect ("1");
    expect_answer (asked, 1);
    expect ("2");
    end_of (&door);
}

EVERYWHERE (stash, is_handled_after_a_restart_though_nothing_else_comes)
{
    zanni_ref_t *phoenix = spawn_with (&((zanni_spawn_t) { PLACED, .restartable = true }), "phoenix");
    uint64_t asked = ask_pass (phoenix, 7);
    done (phoenix, "zanni.describe");
    cr_assert_eq (zanni_restart (root, phoenix), 0);
    expect_answer (asked, 7);
    zanni_ref_destroy (&phoenix);
}

BESIDE (stash, counts_in_the_mailbox)
{
    zanni_ref_t *door = spawn_with (&((zanni_spawn_t) { PLACED, .mailbox_messages = 3 }), "door", zanni_self (root));
    zanni_error_t error = { 0 };
    tell (door, "pass", 1);
    expect_is (door, "closed");
    tell (door, "pass", 2);
    expect_is (door, "closed");
    tell (door, "pass", 3);
    while (zanni_tell (root, door, "is") != ZANNI_EFULL)
        expect ("closed");
    cr_assert_eq (refused (&error, door, "is"), ZANNI_EFULL);
    zanni_ref_destroy (&door);
    expect ("stopped: normal");
    zanni_error_reset (&error);
}

CONFORM_ONCE (stash, of_a_loop_actor_is_received_again, ZANNI_THREAD)
{
    zanni_ref_t *door = spawn ("revolving door");
    uint64_t first = ask_pass (door, 1);
    uint64_t second = ask_pass (door, 2);
    cr_assert_eq (call_int (door, "turn"), 2);
    expect_answer (first, 2);
    expect_answer (second, 4);
    zanni_ref_destroy (&door);
}

CONFORM_ONCE (stash, of_a_root_is_received_again, ZANNI_SHARED)
{
    tell (zanni_self (root), "one", 1);
    tell (zanni_self (root), "two", 2);
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        cr_assert_eq (zanni_stash (root, msg), 0);
    }
    tell (zanni_self (root), "three", 3);
    cr_assert_eq (zanni_unstash_all (root), 2);
    for (int64_t i = 1; i <= 3; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        int64_t number = 0;
        cr_assert_eq (zanni_read (msg, &number), 0);
        cr_assert_eq (number, i);
        cr_assert_str_eq (zanni_msg_method (msg), ((const char *[]) { "one", "two", "three" } [i - 1]));
    }
}

EVERYWHERE (priority, high_overtakes_and_each_keeps_its_order)
{
    static const int64_t numbers [] = { 1, 2, -3, 4, -5, -6, 7 };
    zanni_ref_t *door = spawn ("open door", zanni_self (root));
    for (int i = 0; i < 2; i++) {
        tell (door, "tell itself", zanni_arg_ints (numbers, 7));
        expect ("-3");
        expect ("-5");
        expect ("-6");
        expect ("1");
        expect ("2");
        expect ("4");
        expect ("7");
    }
    end_of (&door);
}

EVERYWHERE (priority, high_of_a_behaviour_overtakes)
{
    static const int64_t numbers [] = { 1, -2, 3, -4 };
    zanni_ref_t *door = spawn_door ();
    done (door, "open");
    tell (door, "tell itself", zanni_arg_ints (numbers, 4));
    expect ("-2");
    expect ("-4");
    expect ("1");
    expect ("3");
    end_of (&door);
}

EVERYWHERE (priority, high_is_answered_and_refused_like_others)
{
    zanni_ref_t *door = spawn ("open door", zanni_self (root));
    zanni_error_t error = { 0 };
    cr_assert_eq (call_int (door, "hurry", 5), 1);
    expect ("5");
    cr_assert_eq (refused (&error, door, "hurry", "up"), ZANNI_EARGS);
    cr_assert_eq (call_int (door, "hurry", 6), 2);
    expect ("6");
    end_of (&door);
    zanni_error_reset (&error);
}

EVERYWHERE (priority, the_oldest_that_is_dropped_is_no_high_one)
{
    static const int64_t numbers [] = { 1, -2, 3, 4, -5, 6 };
    const zanni_spawn_t options = { PLACED, .mailbox_messages = 4, .overflow = ZANNI_DROP_OLDEST };
    zanni_ref_t *door = spawn_with (&options, "open door", zanni_self (root));
    tell (door, "tell itself", zanni_arg_ints (numbers, 6));
    expect ("-2");
    expect ("-5");
    expect ("4");
    expect ("6");
    end_of (&door);
}
