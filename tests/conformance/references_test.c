/* References: strength, right, sameness, and the promise that the last strong one ends its actor, after everything that
   its holders sent before. */

#include "support.h"

/* What is referred to: counts what it is told, and says when it goes. */
typedef struct {
    zanni_ref_t *witness;
    int64_t count;
} thing_t;

static int
thing_start (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    return rc ? rc : zanni_ref_keep (self, &thing->witness, witness);
}

static void
thing_stop (zanni_t *self, const zanni_reason_t *reason)
{
    thing_t *thing = zanni_state (self);
    char text [160];
    (void) report (self, thing->witness, "%s after %d", zanni_reason_string (reason, text, sizeof text),
                   (int) thing->count);
}

static int
thing_count (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    return zanni_reply (self, msg, ++thing->count);
}

static const zanni_method_t thing_methods [] = {
    ZANNI_METHOD ("count", "", "x", thing_count, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t thing_class = {
    .name = "thing", .state_size = sizeof (thing_t), .methods = thing_methods, .start_in = "r",
    .start = thing_start, .stop = thing_stop
};

/* Who refers to it. */
typedef struct {
    zanni_ref_t *held;
} holder_t;

static int
holder_hold (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    zanni_ref_destroy (&holder->held);
    return rc ? rc : zanni_ref_keep (self, &holder->held, ref);
}

static int
holder_hold_first (zanni_t *self, zanni_msg_t *msg)
{
    size_t count;
    int rc = zanni_enter (msg, &count);
    return rc ? rc : holder_hold (self, msg);
}

static int
holder_hold_bound (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    zanni_bound_t bound;
    int rc = zanni_read (msg, &bound);
    return rc ? rc : zanni_ref_keep (self, &holder->held, bound.ref);
}

static int
holder_drop (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    (void) self;
    (void) msg;
    zanni_ref_destroy (&holder->held);
    return 0;
}

static int
holder_look (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    return rc ? rc : zanni_reply (self, msg, zanni_ref_is_strong (ref), zanni_ref_is_own (ref));
}

/* Tells what it holds so often, and lets it go. */
static int
holder_tell_and_drop (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    int64_t times;
    int rc = zanni_read (msg, &times);
    for (; !rc && times; times--)
        rc = zanni_tell (self, holder->held, "count");
    zanni_ref_destroy (&holder->held);
    return rc;
}

static int
holder_give (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    const zanni_ref_t *to;
    int rc = zanni_read (msg, &to);
    if (!rc)
        rc = zanni_tell (self, to, "hold", holder->held);
    zanni_ref_destroy (&holder->held);
    return rc;
}

static int
holder_lend (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    return zanni_reply (self, msg, holder->held);
}

static int
holder_self (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, zanni_self (self));
}

static int
holder_stop (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    return zanni_reply (self, msg, zanni_stop (self, holder->held));
}

/* Spawns a thing in the same place as the holder's spawner says, and answers with the only reference. */
static int
holder_make (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *witness;
    zanni_ref_t *thing;
    int32_t where;
    int rc = zanni_read (msg, &where, &witness);
    const zanni_spawn_t options = { .place = (zanni_place_t) where };
    if (!rc)
        rc = zanni_spawn (self, &thing, "thing", &options, witness);
    if (rc)
        return rc;
    rc = zanni_reply (self, msg, thing);
    zanni_ref_destroy (&thing);
    return rc;
}

static int
holder_nothing (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 0;
}

static int
holder_exit (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static const zanni_method_t holder_methods [] = {
    ZANNI_METHOD ("hold", "r", "", holder_hold, ""),
    ZANNI_METHOD ("hold first", "ar", "", holder_hold_first, ""),
    ZANNI_METHOD ("hold bound", "M", "", holder_hold_bound, ""),
    ZANNI_METHOD ("drop", "", "", holder_drop, ""),
    ZANNI_METHOD ("look", "r", "bb", holder_look, ""),
    ZANNI_METHOD ("tell and drop", "x", "", holder_tell_and_drop, ""),
    ZANNI_METHOD ("give", "r", "", holder_give, ""),
    ZANNI_METHOD ("lend", "", "r", holder_lend, ""),
    ZANNI_METHOD ("self", "", "r", holder_self, ""),
    ZANNI_METHOD ("stop", "", "i", holder_stop, ""),
    ZANNI_METHOD ("make", "ir", "r", holder_make, ""),
    ZANNI_METHOD ("nothing", "v", "", holder_nothing, ""),
    ZANNI_METHOD ("exit", "", "", holder_exit, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t holder_class = {
    .name = "holder", .state_size = sizeof (holder_t), .methods = holder_methods
};

CLASSES (&thing_class, &holder_class, &runner_class);

static zanni_ref_t *
spawn_thing (void)
{
    return spawn ("thing", zanni_self (root));
}

EVERYWHERE (references, have_strength_and_right)
{
    ZANNI_AUTO (zanni_ref_t) thing = spawn_thing ();
    ZANNI_AUTO (zanni_ref_t) kept = NULL;
    ZANNI_AUTO (zanni_ref_t) weak = NULL;
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    ZANNI_AUTO (zanni_ref_t) both = NULL;
    cr_assert (zanni_ref_is_strong (thing) && zanni_ref_is_own (thing));
    cr_assert_eq (zanni_ref_keep (root, &kept, thing), 0);
    cr_assert (zanni_ref_is_strong (kept) && zanni_ref_is_own (kept));
    cr_assert_eq (zanni_ref_weak (root, &weak, thing), 0);
    cr_assert (!zanni_ref_is_strong (weak) && zanni_ref_is_own (weak));
    cr_assert_eq (zanni_ref_limit (root, &limited, thing), 0);
    cr_assert (zanni_ref_is_strong (limited) && !zanni_ref_is_own (limited));
    cr_assert_eq (zanni_ref_limit (root, &both, weak), 0);
    cr_assert (!zanni_ref_is_strong (both) && !zanni_ref_is_own (both));
    cr_assert (!zanni_ref_is_strong (zanni_self (root)) && !zanni_ref_is_own (zanni_self (root)));
    cr_assert_eq (zanni_ref_keep (root, &kept, NULL), ZANNI_EINVAL);
}

EVERYWHERE (references, to_the_same_actor_are_equal_whatever_their_strength)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn ("holder");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("holder");
    ZANNI_AUTO (zanni_ref_t) weak = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = call (one, "self");
    const zanni_ref_t *itself = NULL;
    cr_assert_eq (zanni_ref_weak (root, &weak, one), 0);
    cr_assert_eq (zanni_read (reply, &itself), 0);
    cr_assert (zanni_ref_equal (one, weak) && zanni_ref_equal (weak, itself));
    cr_assert_eq (zanni_ref_hash (one), zanni_ref_hash (itself));
    cr_assert_eq (zanni_ref_hash (one), zanni_ref_hash (weak));
    zanni_address_t here = zanni_ref_address (one), there = zanni_ref_address (itself);
    cr_assert_eq (memcmp (&here, &there, sizeof here), 0);
    there = zanni_ref_address (other);
    cr_assert_neq (memcmp (&here, &there, sizeof here), 0);
    cr_assert_not (zanni_ref_equal (one, other));
    cr_assert_not (zanni_ref_equal (one, NULL) || zanni_ref_equal (NULL, NULL));
    cr_assert_str_eq (zanni_ref_class (itself), "holder");
    cr_assert_str_eq (zanni_ref_class (zanni_self (root)), "");
}

EVERYWHERE (references, keep_strength_and_right_on_their_way)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    ZANNI_AUTO (zanni_ref_t) thing = spawn_thing ();
    zanni_ref_t *refs [4] = { NULL };
    cr_assert_eq (zanni_ref_keep (root, &refs [0], thing), 0);
    cr_assert_eq (zanni_ref_weak (root, &refs [1], thing), 0);
    cr_assert_eq (zanni_ref_limit (root, &refs [2], thing), 0);
    cr_assert_eq (zanni_ref_limit (root, &refs [3], refs [1]), 0);
    for (int i = 0; i < 4; i++) {
        bool strong = false, own = false;
        ZANNI_AUTO (zanni_msg_t) reply = call (holder, "look", refs [i]);
        cr_assert_eq (zanni_read (reply, &strong, &own), 0);
        cr_assert_eq (strong, i % 2 == 0);
        cr_assert_eq (own, i < 2);
        zanni_ref_destroy (&refs [i]);
        cr_assert_null (refs [i]);
    }
}

EVERYWHERE (references, without_the_right_to_own_end_nobody)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    ZANNI_AUTO (zanni_ref_t) thing = spawn_thing ();
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    cr_assert_eq (zanni_ref_limit (root, &limited, thing), 0);
    cr_assert_eq (zanni_stop (root, limited), ZANNI_EPERM);
    cr_assert_eq (zanni_kill (root, limited), ZANNI_EPERM);
    cr_assert_eq (zanni_restart (root, limited), ZANNI_EPERM);
    done (holder, "hold", limited);
    cr_assert_eq (call_int (holder, "stop"), ZANNI_EPERM);
    cr_assert_eq (call_int (limited, "count"), 1);
    done (holder, "hold", thing);   // the right is handed on
    cr_assert_eq (call_int (holder, "stop"), 0);
    expect ("shutdown after 1");
}

EVERYWHERE (references, the_last_strong_one_ends_its_actor_after_what_was_sent_before)
{
    zanni_ref_t *thing = spawn_thing ();
    zanni_ref_t *weak = NULL;
    cr_assert_eq (zanni_ref_weak (root, &weak, thing), 0);
    for (int i = 0; i < 100; i++)
        tell (thing, "count");
    zanni_ref_destroy (&thing);
    expect ("normal after 100");
    uint64_t down = monitor (weak);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NO_ACTOR);
    cr_assert_eq (zanni_tell (root, weak, "count"), ZANNI_ENOACTOR);
    zanni_ref_destroy (&weak);
    zanni_ref_destroy (&weak);
    zanni_ref_destroy (NULL);
}

EVERYWHERE (references, of_an_actor_end_others_after_what_it_sent)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    zanni_ref_t *thing = spawn_thing ();
    done (holder, "hold", thing);
    zanni_ref_destroy (&thing);
    tell (holder, "tell and drop", 100);
    expect ("normal after 100");
}

EVERYWHERE (references, one_of_two_strong_ones_is_enough)
{
    zanni_ref_t *thing = spawn_thing ();
    zanni_ref_t *other = NULL;
    cr_assert_eq (zanni_ref_keep (root, &other, thing), 0);
    zanni_ref_destroy (&thing);
    cr_assert_eq (call_int (other, "count"), 1);
    expect_nothing ();
    zanni_ref_destroy (&other);
    expect ("normal after 1");
}

EVERYWHERE (references, in_the_hands_of_another_actor_keep_alive)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    zanni_ref_t *thing = spawn_thing ();
    zanni_ref_t *weak = NULL;
    cr_assert_eq (zanni_ref_weak (root, &weak, thing), 0);
    tell (holder, "hold", thing);
    zanni_ref_destroy (&thing);
    cr_assert_eq (call_int (weak, "count"), 1);
    done (holder, "hold", zanni_self (root));   // another instead
    expect ("normal after 1");
    zanni_ref_destroy (&weak);
}

EVERYWHERE (references, in_lists_and_bound_methods_keep_alive)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    zanni_ref_t *thing = spawn_thing ();
    done (holder, "hold first", ZANNI_LIST (thing, holder));
    zanni_ref_destroy (&thing);
    tell (holder, "tell and drop", 2);
    expect ("normal after 2");
    thing = spawn_thing ();
    zanni_bound_t bound = { thing, "count" };
    done (holder, "hold bound", &bound);
    zanni_ref_destroy (&thing);
    tell (holder, "tell and drop", 3);
    expect ("normal after 3");
}

EVERYWHERE (references, that_nobody_took_out_of_a_message_go_with_it)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    zanni_ref_t *thing = spawn_thing ();
    tell (holder, "nothing", thing);
    zanni_ref_destroy (&thing);
    expect ("normal after 0");
}

EVERYWHERE (references, in_a_message_that_is_refused_or_dead_are_dropped)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    zanni_ref_t *thing = spawn_thing ();
    tell (holder, "no such method", thing);
    zanni_ref_destroy (&thing);
    expect ("normal after 0");
    thing = spawn_thing ();
    tell (holder, "exit");
    int rc = zanni_tell (root, holder, "hold", thing);
    cr_assert (!rc || rc == ZANNI_ENOACTOR);
    zanni_ref_destroy (&thing);
    expect ("normal after 0");
}

EVERYWHERE (references, wander_from_actor_to_actor)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn ("holder");
    ZANNI_AUTO (zanni_ref_t) two = spawn ("holder");
    ZANNI_AUTO (zanni_ref_t) three = spawn ("holder");
    zanni_ref_t *thing = spawn_thing ();
    done (one, "hold", thing);
    zanni_ref_destroy (&thing);
    done (one, "give", two);
    zanni_msg_t *lent = NULL;
    for (const zanni_ref_t *back = NULL; !back;) {   // until it has arrived: one and root are two senders
        zanni_msg_destroy (&lent);
        if (zanni_call (root, &lent, two, "lend") == 0)
            cr_assert_eq (zanni_read (lent, &back), 0);
    }
    zanni_msg_destroy (&lent);
    done (two, "give", three);
    cr_assert_eq (zanni_stop (root, two), 0);
    cr_assert_eq (zanni_stop (root, one), 0);
    expect_nothing ();
    zanni_ref_destroy (&three);
    expect ("normal after 0");
}

EVERYWHERE_HERE (references, that_come_in_a_reply_live_as_long_as_it_or_are_kept)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    const zanni_ref_t *back = NULL;
    zanni_ref_t *kept = NULL;
    zanni_msg_t *reply = call (holder, "make", (int) place, zanni_self (root));
    cr_assert_eq (zanni_read (reply, &back), 0);
    cr_assert_eq (call_int (back, "count"), 1);
    zanni_msg_destroy (&reply);
    expect ("normal after 1");
    reply = call (holder, "make", (int) place, zanni_self (root));
    cr_assert_eq (zanni_read (reply, &back), 0);
    cr_assert_eq (zanni_ref_keep (root, &kept, back), 0);
    zanni_msg_destroy (&reply);
    cr_assert_eq (call_int (kept, "count"), 1);
    zanni_ref_destroy (&kept);
    expect ("normal after 1");
}

EVERYWHERE (references, that_an_actor_forgot_are_dropped_at_its_end)
{
    zanni_ref_t *thing = spawn_thing ();
    zanni_ref_t *holder = spawn ("holder");
    done (holder, "hold", thing);
    zanni_ref_destroy (&thing);
    expect_nothing ();
    cr_assert_eq (zanni_kill (root, holder), 0);
    expect ("normal after 0");
    zanni_ref_destroy (&holder);
    thing = spawn_thing ();
    holder = spawn ("holder");
    done (holder, "hold", thing);
    zanni_ref_destroy (&thing);
    zanni_ref_destroy (&holder);   // ends the holder, which ends the thing
    expect ("normal after 0");
}

EVERYWHERE (references, from_messages_and_to_oneself_keep_nobody_alive)
{
    ZANNI_AUTO (zanni_ref_t) holder = spawn ("holder");
    zanni_ref_t *other = spawn ("holder");
    uint64_t down = monitor (other);
    ZANNI_AUTO (zanni_msg_t) reply = call (other, "self");
    const zanni_ref_t *itself = NULL;
    cr_assert_eq (zanni_read (reply, &itself), 0);
    done (holder, "hold", itself);
    zanni_ref_destroy (&other);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
    cr_assert_str_eq (zanni_ref_class (itself), "holder");
    cr_assert_str_eq (zanni_ref_class (zanni_msg_from (reply)), "holder");
}
