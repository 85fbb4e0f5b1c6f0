/* Order, and what is never lost silently: messages of a pair arrive as they were sent, replies and DOWN among them;
   what cannot be delivered is counted and told. What every actor says about itself, and who may use it, stands here
   too. */

#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

static int
talker_burst (zanni_t *self, zanni_msg_t *msg)
{
    int64_t count;
    int rc = zanni_read (msg, &count);
    for (int64_t i = 1; !rc && i <= count; i++)
        rc = zanni_tell (self, zanni_msg_from (msg), "number", i);
    return rc;
}

/* Tells, answers, tells, and ends. */
static int
talker_everything (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *to = zanni_msg_from (msg);
    int rc = zanni_tell (self, to, "number", 1);
    if (!rc)
        rc = zanni_reply (self, msg, 2);
    if (!rc)
        rc = zanni_tell (self, to, "number", 3);
    return rc ? rc : zanni_exit (self);
}

static int
talker_follow (zanni_t *self, zanni_msg_t *msg)
{
    int64_t *next_number = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (!rc && number != ++*next_number)
        *next_number = INT64_MIN;
    return rc;
}

static int
talker_followed (zanni_t *self, zanni_msg_t *msg)
{
    int64_t *next_number = zanni_state (self);
    return zanni_reply (self, msg, *next_number);
}

/* What another thread hears when it uses an actor. */
static zanni_t *s_foreign;
static int s_codes [6];

static void *
use_from_elsewhere (void *ref)
{
    zanni_msg_t *msg = NULL;
    uint64_t id;
    s_codes [0] = zanni_tell (s_foreign, ref, "follow", 1);
    s_codes [1] = zanni_call (s_foreign, &msg, ref, "followed");
    s_codes [2] = zanni_receive (s_foreign, &msg, 0);
    s_codes [3] = zanni_monitor (s_foreign, &id, ref);
    s_codes [4] = zanni_stop (s_foreign, ref);
    s_codes [5] = zanni_exit (s_foreign);
    return NULL;
}

/* How many of the uses of `self` by another thread answer something else than that it is one. */
static int
use_from_a_thread (zanni_t *self)
{
    pthread_t thread;
    int wrong = 0;
    s_foreign = self;
    if (pthread_create (&thread, NULL, use_from_elsewhere, (zanni_ref_t *) (uintptr_t) zanni_self (self))
        || pthread_join (thread, NULL))
        return -1;
    for (size_t i = 0; i < 6; i++)
        wrong += s_codes [i] != ZANNI_ETHREAD;
    return wrong;
}

/* The same in a child of fork. */
static int
use_from_a_child (zanni_t *self)
{
    int status = 0;
    pid_t child = fork ();
    if (child < 0)
        return -1;
    if (!child) {
        int wrong = 0;
        s_foreign = self;
        (void) use_from_elsewhere ((zanni_ref_t *) (uintptr_t) zanni_self (self));
        for (size_t i = 0; i < 6; i++)
            wrong += s_codes [i] != ZANNI_EFORK;
        _exit (wrong);
    }
    return waitpid (child, &status, 0) == child && WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static int
talker_misuse (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, use_from_a_thread (self));
}

static int
talker_fork (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, use_from_a_child (self));
}

static int
talker_listen (zanni_t *self, zanni_msg_t *msg)
{
    bool on;
    int rc = zanni_read (msg, &on);
    return rc ? rc : zanni_dead_letters (self, on ? "dead" : NULL);
}

static int
talker_dead (zanni_t *self, zanni_msg_t *msg)
{
    int64_t *dead = zanni_state (self);
    (void) msg;
    ++*dead;
    return 0;
}

static int
talker_exit (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static const zanni_method_t talker_methods [] = {
    ZANNI_METHOD ("burst", "x", "", talker_burst, "Counts."),
    ZANNI_METHOD ("everything", "", "x", talker_everything, "All in one."),
    ZANNI_METHOD ("follow", "x", "", talker_follow, ""),
    ZANNI_METHOD ("followed", "", "x", talker_followed, ""),
    ZANNI_METHOD ("misuse", "", "i", talker_misuse, ""),
    ZANNI_METHOD ("fork", "", "i", talker_fork, ""),
    ZANNI_METHOD ("listen", "b", "", talker_listen, ""),
    ZANNI_METHOD ("exit", "", "", talker_exit, ""),
    STATS_METHOD,
    ZANNI_PRIVATE ("dead", "ssst", "", talker_dead, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t talker_class = {
    .name = "talker", .state_size = sizeof (int64_t), .methods = talker_methods, .text = "Talks."
};
CLASSES (&talker_class, &runner_class);

static void
expect_number (int64_t number)
{
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    int64_t value = 0;
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_TELL);
    cr_assert_eq (zanni_read (msg, &value), 0);
    cr_assert_eq (value, number);
}

EVERYWHERE (order, messages_of_a_pair_arrive_as_they_were_sent)
{
    ZANNI_AUTO (zanni_ref_t) talker = spawn ("talker");
    const int64_t count = 5000;
    for (int64_t i = 1; i <= count; i++)
        tell (talker, "follow", i);
    cr_assert_eq (call_int (talker, "followed"), count);
    tell (talker, "burst", count);
    for (int64_t i = 1; i <= count; i++)
        expect_number (i);
}

EVERYWHERE (order, replies_and_downs_have_their_place_among_tells)
{
    ZANNI_AUTO (zanni_ref_t) talker = spawn ("talker");
    uint64_t id = 0;
    int64_t value = 0;
    uint64_t down = monitor (talker);
    cr_assert_eq (zanni_ask (root, talker, &(zanni_ask_t) { .id_p = &id }, "everything"), 0);
    expect_number (1);
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
    cr_assert_eq (zanni_msg_id (reply), id);
    cr_assert (!zanni_read (reply, &value) && value == 2);
    expect_number (3);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
}

static zanni_ref_t *s_talker;

static int
follow_and_ask (zanni_t *self)
{
    int rc = 0;
    for (int64_t i = 1; !rc && i <= 1000; i++)   // more than a batch and a turn
        rc = zanni_tell (self, s_talker, "follow", i);
    return rc;
}

EVERYWHERE (order, what_one_turn_sends_arrives_as_it_was_sent)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    s_talker = spawn ("talker");
    run_in (runner, follow_and_ask);
    for (int64_t followed = 0; followed != 1000; followed = call_int (s_talker, "followed"))
        cr_assert (followed >= 0);
    zanni_ref_destroy (&s_talker);
}

EVERYWHERE (order, a_call_leaves_what_came_before_to_be_received)
{
    ZANNI_AUTO (zanni_ref_t) talker = spawn ("talker");
    tell (talker, "burst", 3);
    cr_assert_eq (call_int (talker, "followed"), 0);
    for (int64_t i = 1; i <= 3; i++)
        expect_number (i);
    expect_nothing ();
}

/* Told to an actor that exits before it comes to them. */
static int
leave_dead_letters (zanni_t *self)
{
    int rc = zanni_tell (self, s_talker, "exit");
    for (int i = 0; !rc && i < 3; i++)
        rc = zanni_tell (self, s_talker, "follow", 1);
    return rc;
}

/* Of this node: those of a process are its own node's. */
BESIDE (order, dead_letters_are_counted_and_told_to_a_subscriber)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    s_talker = spawn ("talker");
    cr_assert_eq (zanni_dead_letters (root, "dead"), 0);
    tell (s_talker, "no such method", 1, 2, 3);
    tell (s_talker, "follow", "me");
    cr_assert_eq (call_int (s_talker, "followed"), 0);
    run_in (runner, leave_dead_letters);
    static const struct {
        const char *method, *why;
        uint64_t size;
    } letters [] = {
        { "no such method", "no such method: class talker has no no such method", 4 },
        { "follow", "bad arguments for follow: argument 1 is a string, int64 (x) was wanted", 4 },
        { "follow", "receiver down", 2 }, { "follow", "receiver down", 2 }, { "follow", "receiver down", 2 },
    };
    for (size_t i = 0; i < 5; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        const char *class_name, *method, *why;
        uint64_t size;
        cr_assert_str_eq (zanni_msg_method (msg), "dead");
        cr_assert_eq (zanni_read (msg, &class_name, &method, &why, &size), 0);
        cr_assert_str_eq (class_name, "talker");
        cr_assert_str_eq (method, letters [i].method);
        cr_assert_str_eq (why, letters [i].why);
        cr_assert_eq (size, letters [i].size);
        cr_assert_not (zanni_more (msg));
    }
    cr_assert_eq (stats ().dead_letters, 5);
    cr_assert_eq (zanni_dead_letters (root, NULL), 0);
    zanni_ref_destroy (&s_talker);
    ZANNI_AUTO (zanni_ref_t) other = spawn ("talker");
    tell (other, "no such method");
    cr_assert_eq (call_int (other, "followed"), 0);
    expect_nothing ();
    cr_assert_eq (stats ().dead_letters, 6);
}

BESIDE (order, dead_letters_count_in_their_subscriber_s_mailbox)
{
    begin_again ((zanni_options_t) { .mailbox_messages = 64 });
    ZANNI_AUTO (zanni_ref_t) talker = spawn ("talker");
    int told = 0;
    cr_assert_eq (zanni_dead_letters (root, "dead"), 0);
    for (int i = 0; i < 150; i++)
        cr_assert_eq (zanni_tell_wait (root, talker, -1, "no such method"), 0);
    int rc;
    do   // its mailbox may be as full as the last tell has made it
        rc = zanni_call (root, NULL, talker, "zanni.describe");
    while (rc == ZANNI_EFULL);
    cr_assert_eq (rc, 0);
    cr_assert_eq (stats ().dead_letters, 150);
    for (zanni_msg_t *msg = NULL; !zanni_receive (root, &msg, 0); zanni_msg_destroy (&msg))
        told++;
    /* Another worker may judge by counts that are just being changed, by a message or two. */
    cr_assert (told >= 64 && told <= (place == ZANNI_HERE ? 64 : 72), "%d were told", told);
}

BESIDE (order, an_actor_can_subscribe_with_a_private_method)
{
    ZANNI_AUTO (zanni_ref_t) listener = spawn ("talker");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("talker");
    done (listener, "listen", true);
    tell (other, "no such method");
    tell (other, "dead");
    while (call_int (listener, "followed") < 2) {}
    done (listener, "listen", false);
    tell (other, "no such method");
    cr_assert_eq (call_int (other, "followed"), 0);
    cr_assert_eq (call_int (listener, "followed"), 2);
}

CONFORM_ONCE (order, dead_letters_of_a_process_are_told_to_its_own_subscriber, ZANNI_PROCESS)
{
    ZANNI_AUTO (zanni_ref_t) listener = spawn ("talker");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("talker");
    done (listener, "listen", true);
    cr_assert_eq (zanni_dead_letters (root, "dead"), 0);
    tell (other, "no such method");
    tell (listener, "no such method");
    tell (listener, "follow", "me");
    cr_assert_eq (stats_of (other).dead_letters, 1);
    cr_assert_eq (stats_of (listener).dead_letters, 2);
    cr_assert_eq (call_int (listener, "followed"), 2);
    cr_assert_eq (stats ().dead_letters, 0);
    expect_nothing ();
}

EVERYWHERE (order, a_subscriber_that_has_ended_is_no_trouble)
{
    ZANNI_AUTO (zanni_ref_t) listener = spawn ("talker");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("talker");
    done (listener, "listen", true);
    uint64_t down = monitor (listener);
    cr_assert_eq (zanni_kill (root, listener), 0);
    (void) expect_down (down, false);
    tell (other, "no such method");
    tell (other, "no such method");
    cr_assert_eq (call_int (other, "followed"), 0);
    cr_assert_geq (stats_of (other).dead_letters, 2);
}

EVERYWHERE (order, every_actor_says_what_it_is)
{
    ZANNI_AUTO (zanni_ref_t) talker = spawn ("talker");
    ZANNI_AUTO (zanni_msg_t) reply = call (talker, "zanni.describe");
    const char *class_name, *text, *method, *in, *out;
    size_t count = 0;
    cr_assert_eq (zanni_read (reply, &class_name, &text), 0);
    cr_assert_str_eq (class_name, "talker");
    cr_assert_str_eq (text, "Talks.");
    cr_assert_eq (zanni_enter (reply, &count), 0);
    cr_assert_eq (count, 9);
    cr_assert_eq (zanni_enter (reply, &count), 0);
    cr_assert_eq (zanni_read (reply, &method, &in, &out, &text), 0);
    cr_assert_str_eq (method, "burst");
    cr_assert_str_eq (in, "x");
    cr_assert_str_eq (out, "");
    cr_assert_str_eq (text, "Counts.");
}

EVERYWHERE (order, what_was_done_is_counted)
{
    zanni_stats_t before = stats ();
    cr_assert_eq (before.actors, 1);   // the root
    ZANNI_AUTO (zanni_ref_t) talker = spawn ("talker");
    for (int64_t i = 1; i <= 10; i++)
        tell (talker, "follow", i);
    cr_assert_eq (call_int (talker, "followed"), 10);
    uint64_t down = monitor (talker);
    cr_assert_eq (stats ().actors, apart () ? 1 : 2);   // a process is a node
    zanni_stats_t there = stats_of (talker);
    while (there.messages < 11)   // counted at the end of a turn
        there = stats_of (talker);
    cr_assert_eq (there.dead_letters + there.failed_tells + there.late_replies, 0);
    cr_assert_eq (zanni_stop (root, talker), 0);
    (void) expect_down (down, false);
    zanni_stats_t after = stats ();
    while ((!apart () && after.messages < before.messages + 11) || after.actors > 1)
        after = stats ();
    cr_assert_eq (after.dead_letters, 0);
    cr_assert_eq (after.failed_tells, 0);
    cr_assert_eq (after.late_replies, 0);
}

EVERYWHERE (order, an_actor_is_its_own_threads)
{
    ZANNI_AUTO (zanni_ref_t) talker = spawn ("talker");
    cr_assert_eq (use_from_a_thread (root), 0);
    cr_assert_eq (call_int (talker, "misuse"), 0);
    cr_assert_eq (call_int (talker, "followed"), 0);
}

EVERYWHERE (order, no_node_lives_on_in_a_child_of_fork)
{
    ZANNI_AUTO (zanni_ref_t) talker = spawn ("talker");
    cr_assert_eq (use_from_a_child (root), 0);
    cr_assert_eq (call_int (talker, "fork"), 0);
    pid_t child = fork ();
    if (!child) {
        zanni_t *attached = NULL;
        zanni_node_t *node = zanni_node_of (root);
        int wrong = zanni_attach (&attached, node) != ZANNI_EFORK;
        wrong += zanni_destroy (&root) != ZANNI_EFORK;
        _exit (wrong);
    }
    int status = 0;
    cr_assert_eq (waitpid (child, &status, 0), child);
    cr_assert (WIFEXITED (status));
    cr_assert_eq (WEXITSTATUS (status), 0);
    cr_assert_eq (call_int (talker, "followed"), 0);
}
