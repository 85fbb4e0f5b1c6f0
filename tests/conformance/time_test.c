/* Timers, and watches of descriptors and ZeroMQ sockets: messages of an actor to itself. */

#include "support.h"

#include <unistd.h>
#include <zmq.h>

typedef struct {
    zanni_ref_t *witness;
    uint64_t timer;
    uint64_t other;
    uint64_t watch;
    int64_t ticks;
    int64_t begun_ns;
    int fd;
    bool reached;
    void *context;
    void *socket;
} clock_t_;

static int
clock_start (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    return rc ? rc : zanni_ref_keep (self, &state->witness, witness);
}

static void
clock_stop (zanni_t *self, const zanni_reason_t *reason)
{
    clock_t_ *state = zanni_state (self);
    (void) reason;
    if (state->socket) {
        int rc = zanni_watch_cancel (self, state->watch);
        rc += zmq_close (state->socket);
        rc += zmq_ctx_term (state->context);
        (void) rc;
    }
}

/* Once, with arguments of its own. */
static int
clock_once (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    int64_t after_ms;
    const char *word;
    int rc = zanni_read (msg, &after_ms, &word);
    int64_t due_ns = zanni_now_ns (self) + (rc ? 0 : after_ms * 1000000);
    return rc ? rc : zanni_timer (self, &state->timer, after_ms, 0, "ring", word, due_ns);
}

/* The last first, and all in one turn. */
static int
clock_thrice (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    (void) msg;
    int rc = zanni_timer (self, &state->timer, 100, 0, "ring", "third", 0);
    if (!rc)
        rc = zanni_timer (self, &state->timer, 50, 0, "ring", "second", 0);
    return rc ? rc : zanni_timer (self, &state->timer, 1, 0, "ring", "first", 0);
}

static int
clock_ring (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    const char *word;
    int64_t due_ns;
    int rc = zanni_read (msg, &word, &due_ns);
    if (rc)
        return rc;
    bool early = zanni_now_ns (self) < due_ns;
    return report (self, state->witness, "%s%s", word, early ? " too early" : "");
}

static int
clock_repeat (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    int64_t every_ms;
    int rc = zanni_read (msg, &every_ms);
    state->ticks = 0;
    state->begun_ns = zanni_now_ns (self);
    return rc ? rc : zanni_timer (self, &state->timer, every_ms, every_ms, "tick");
}

static int
clock_tick (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    (void) msg;
    ++state->ticks;
    return state->ticks == 3 ? report (self, state->witness, "ticked") : 0;
}

/* Is busy for a while, so that ticks come due. */
static int
clock_stall (zanni_t *self, zanni_msg_t *msg)
{
    int64_t ms;
    int rc = zanni_read (msg, &ms);
    for (int64_t until_ns = zanni_now_ns (self) + (rc ? 0 : ms * 1000000); zanni_now_ns (self) < until_ns;) {}
    return rc;
}

/* Ticks, and how many there can have been: whole milliseconds since the timer was set. */
static int
clock_ticks (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    return zanni_reply (self, msg, state->ticks, (zanni_now_ns (self) - state->begun_ns) / 1000000);
}

static int
clock_cancel (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    (void) msg;
    return zanni_timer_cancel (self, state->timer);
}

/* Two timers that are due at once; the first to ring ends the other, whose tick waits in the mailbox by then. */
static int
clock_race (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    (void) msg;
    int rc = zanni_timer (self, &state->timer, 0, 0, "win");
    if (!rc)
        rc = zanni_timer (self, &state->other, 0, 0, "win");
    return rc;
}

static int
clock_win (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    (void) msg;
    int rc = zanni_timer_cancel (self, state->timer);
    if (!rc)
        rc = zanni_timer_cancel (self, state->other);
    if (!rc)
        rc = report (self, state->witness, "won");
    return rc ? rc : zanni_timer (self, &state->timer, 5, 0, "ring", "later", 0);
}

static int
clock_wrong (zanni_t *self, zanni_msg_t *msg)
{
    uint64_t id = 77;
    int rcs [] = {
        zanni_timer (self, &id, -1, 0, "tick"), zanni_timer (self, NULL, 1, 0, "tick"),
        zanni_timer (self, &id, 1, -1, "tick"), zanni_timer (self, &id, 1, 0, NULL),
        zanni_timer (self, &id, 1, 0, "ring", 5), zanni_timer (self, &id, INT64_MAX, 0, "tick"),
        zanni_watch (self, &id, -1, ZANNI_READABLE, "ready"), zanni_watch (self, &id, 0, 0, "ready"),
        zanni_watch (self, &id, 0, 64, "ready"), zanni_watch (self, &id, 0, ZANNI_READABLE, NULL),
        zanni_watch_socket (self, &id, NULL, ZANNI_READABLE, "ready"), zanni_watch_again (self, 999),
    };
    for (size_t i = 0; i < sizeof rcs / sizeof *rcs; i++)
        if (rcs [i] != (i == 4 ? ZANNI_EARGS : ZANNI_EINVAL) || id != 77)
            return zanni_reply (self, msg, i);
    int rc = zanni_timer_cancel (self, 999);
    return zanni_reply (self, msg, rc ? rc : zanni_watch_cancel (self, 999) ? -1 : 100);
}

static int
clock_watch (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    int32_t pid, fd;
    uint32_t events;
    int rc = zanni_read (msg, &pid, &fd, &events);
    if (!rc)
        state->fd = reach (pid, fd, events & ZANNI_WRITABLE ? O_WRONLY : O_RDONLY);
    state->reached = !rc && pid != getpid ();
    return rc ? rc : zanni_watch (self, &state->watch, state->fd, events, "ready");
}

/* Reads one byte only: more may be left. */
static int
clock_ready (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    uint32_t events;
    char byte = '-';
    int rc = zanni_read (msg, &events);
    if (rc)
        return rc;
    if (events & ZANNI_READABLE && read (state->fd, &byte, 1) != 1)
        byte = '!';
    return report (self, state->witness, "%c%s%s", byte, events & ZANNI_WRITABLE ? " writable" : "",
                   events & ZANNI_BROKEN ? " broken" : "");
}

static int
clock_again (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    (void) msg;
    return zanni_watch_again (self, state->watch);
}

static int
clock_unwatch (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    (void) msg;
    int rc = zanni_watch_cancel (self, state->watch);
    if (state->reached)
        close (state->fd);
    state->reached = false;
    return rc;
}

/* Binds a ZeroMQ socket of its own, answers where, and watches it. */
static int
clock_bind (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    char endpoint [64] = "";
    size_t size = sizeof endpoint;
    state->context = zmq_ctx_new ();
    state->socket = zmq_socket (state->context, ZMQ_PULL);
    if (zmq_bind (state->socket, "tcp://127.0.0.1:*")
        || zmq_getsockopt (state->socket, ZMQ_LAST_ENDPOINT, endpoint, &size))
        return ZANNI_ESYSTEM;
    int rc = zanni_watch_socket (self, &state->watch, state->socket, ZANNI_READABLE, "arrived");
    return rc ? rc : zanni_reply (self, msg, (const char *) endpoint);
}

static int
clock_arrived (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    uint32_t events;
    char text [32] = "";
    int rc = zanni_read (msg, &events);
    int size = rc ? 0 : zmq_recv (state->socket, text, sizeof text - 1, ZMQ_DONTWAIT);
    return rc ? rc : report (self, state->witness, "%s%s", size < 0 ? "nothing" : text,
                             events == ZANNI_READABLE ? "" : " by other events");
}

static int
clock_self (zanni_t *self, zanni_msg_t *msg)
{
    clock_t_ *state = zanni_state (self);
    return zanni_reply (self, msg, state->ticks);
}

static const zanni_method_t clock_methods [] = {
    ZANNI_METHOD ("once", "xs", "", clock_once, ""),
    ZANNI_METHOD ("thrice", "", "", clock_thrice, ""),
    ZANNI_METHOD ("repeat", "x", "", clock_repeat, ""),
    ZANNI_METHOD ("stall", "x", "", clock_stall, ""),
    ZANNI_METHOD ("ticks", "", "xx", clock_ticks, ""),
    ZANNI_METHOD ("cancel", "", "", clock_cancel, ""),
    ZANNI_METHOD ("race", "", "", clock_race, ""),
    ZANNI_METHOD ("wrong", "", "x", clock_wrong, ""),
    ZANNI_METHOD ("watch", "iiu", "", clock_watch, ""),
    ZANNI_METHOD ("again", "", "", clock_again, ""),
    ZANNI_METHOD ("unwatch", "", "", clock_unwatch, ""),
    ZANNI_METHOD ("bind", "", "s", clock_bind, ""),
    ZANNI_METHOD ("sync", "", "x", clock_self, ""),
    ZANNI_PRIVATE ("ring", "sx", "", clock_ring, ""),
    ZANNI_PRIVATE ("tick", "", "", clock_tick, ""),
    ZANNI_PRIVATE ("win", "", "", clock_win, ""),
    ZANNI_PRIVATE ("ready", "u", "", clock_ready, ""),
    ZANNI_PRIVATE ("arrived", "u", "", clock_arrived, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t clock_class = {
    .name = "clock", .state_size = sizeof (clock_t_), .methods = clock_methods, .start_in = "r",
    .start = clock_start, .stop = clock_stop
};
CLASSES (&clock_class);

static zanni_ref_t *
spawn_clock (void)
{
    return spawn ("clock", zanni_self (root));
}

EVERYWHERE (timers, a_timer_rings_once_with_its_arguments_and_not_early)
{
    ZANNI_AUTO (zanni_ref_t) clock = spawn_clock ();
    done (clock, "once", 10, "dawn");
    expect ("dawn");
    done (clock, "once", 0, "now");
    expect ("now");
    (void) call_int (clock, "sync");
    expect_nothing ();
}

EVERYWHERE (timers, ring_in_the_order_of_their_times)
{
    ZANNI_AUTO (zanni_ref_t) clock = spawn_clock ();
    done (clock, "thrice");
    expect ("first");
    expect ("second");
    expect ("third");
}

EVERYWHERE (timers, a_repeated_timer_goes_on_until_it_is_cancelled)
{
    ZANNI_AUTO (zanni_ref_t) clock = spawn_clock ();
    int64_t before = 0, after = 0, most = 0;
    done (clock, "repeat", 1);
    expect ("ticked");
    done (clock, "cancel");
    done (clock, "cancel");
    ZANNI_AUTO (zanni_msg_t) then = call (clock, "ticks");
    cr_assert_eq (zanni_read (then, &before, &most), 0);
    cr_assert (before >= 3 && before <= most);
    done (clock, "once", 5, "later");
    expect ("later");
    ZANNI_AUTO (zanni_msg_t) now = call (clock, "ticks");
    cr_assert_eq (zanni_read (now, &after, &most), 0);
    cr_assert_eq (after, before);
}

EVERYWHERE (timers, an_actor_that_falls_behind_has_one_tick_waiting)
{
    ZANNI_AUTO (zanni_ref_t) clock = spawn_clock ();
    int64_t ticks = 0, most = 0;
    done (clock, "repeat", 1);
    done (clock, "stall", 50);
    ZANNI_AUTO (zanni_msg_t) reply = call (clock, "ticks");
    cr_assert_eq (zanni_read (reply, &ticks, &most), 0);
    cr_assert_leq (ticks, most - 50 + 1, "%" PRId64 " ticks in %" PRId64 " ms", ticks, most);
    if (ticks < 3)
        expect ("ticked");   // it goes on
}

EVERYWHERE (timers, a_tick_that_waits_in_the_mailbox_goes_with_its_timer)
{
    ZANNI_AUTO (zanni_ref_t) clock = spawn_clock ();
    done (clock, "race");
    expect ("won");
    expect ("later");
    expect_nothing ();
}

EVERYWHERE (timers, end_with_their_actor)
{
    ZANNI_AUTO (zanni_ref_t) clock = spawn_clock ();
    done (clock, "repeat", 1);
    uint64_t down = monitor (clock);
    cr_assert_eq (zanni_kill (root, clock), 0);
    for (bool gone = false; !gone;) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        gone = zanni_msg_id (msg) == down;
    }
    expect_nothing ();
    cr_assert_eq (stats ().dead_letters, 0);
}

EVERYWHERE (timers, and_watches_that_make_no_sense_are_refused)
{
    ZANNI_AUTO (zanni_ref_t) clock = spawn_clock ();
    cr_assert_eq (call_int (clock, "wrong"), 100);
}

CONFORM_ONCE (timers, of_a_root_come_out_of_receive, ZANNI_HERE)
{
    uint64_t timer;
    const char *word = "";
    cr_assert_eq (zanni_timer (root, &timer, 1, 0, "saw", "tick"), 0);
    expect ("tick");
    cr_assert_eq (zanni_timer (root, &timer, 1, 2, "saw", "tock"), 0);
    expect ("tock");
    expect ("tock");
    cr_assert_eq (zanni_timer_cancel (root, timer), 0);
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    cr_assert_eq (zanni_receive (root, &msg, 5), ZANNI_ETIMEOUT);
    (void) word;
}

static void
put (int fd, const char *text)
{
    cr_assert_eq (write (fd, text, strlen (text)), (ssize_t) strlen (text));
}

EVERYWHERE (watches, a_pipe_with_something_to_read_is_one_message_until_it_is_watched_again)
{
    int fds [2];
    cr_assert_eq (pipe (fds), 0);
    ZANNI_AUTO (zanni_ref_t) clock = spawn_clock ();
    done (clock, "watch", (int) getpid (), fds [0], ZANNI_READABLE);
    (void) call_int (clock, "sync");
    expect_nothing ();
    put (fds [1], "ab");
    expect ("a");
    (void) call_int (clock, "sync");
    expect_nothing ();
    done (clock, "again");
    expect ("b");
    done (clock, "again");
    done (clock, "again");
    put (fds [1], "c");
    expect ("c");
    done (clock, "again");
    done (clock, "unwatch");
    done (clock, "unwatch");
    put (fds [1], "d");
    done (clock, "once", 5, "later");
    expect ("later");
    expect_nothing ();
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, clock, "again"), ZANNI_EINVAL);
    cr_assert_eq (close (fds [0]) + close (fds [1]), 0);
}

EVERYWHERE (watches, tell_what_can_be_written_and_what_is_broken)
{
    int fds [2];
    cr_assert_eq (pipe (fds), 0);
    ZANNI_AUTO (zanni_ref_t) writer = spawn_clock ();
    ZANNI_AUTO (zanni_ref_t) reader = spawn_clock ();
    done (writer, "watch", (int) getpid (), fds [1], ZANNI_WRITABLE);
    expect ("- writable");
    done (writer, "unwatch");
    done (reader, "watch", (int) getpid (), fds [0], ZANNI_READABLE);
    cr_assert_eq (close (fds [1]), 0);
    expect ("- broken");
    done (reader, "unwatch");
    cr_assert_eq (close (fds [0]), 0);
}

EVERYWHERE (watches, end_with_their_actor)
{
    int fds [2];
    cr_assert_eq (pipe (fds), 0);
    ZANNI_AUTO (zanni_ref_t) one = spawn_clock ();
    ZANNI_AUTO (zanni_ref_t) two = spawn_clock ();
    done (one, "watch", (int) getpid (), fds [0], ZANNI_READABLE);
    uint64_t down = monitor (one);
    cr_assert_eq (zanni_stop (root, one), 0);
    (void) expect_down (down, false);
    done (two, "watch", (int) getpid (), fds [0], ZANNI_READABLE);
    put (fds [1], "x");
    expect ("x");
    done (two, "unwatch");
    cr_assert_eq (close (fds [0]) + close (fds [1]), 0);
}

EVERYWHERE (watches, a_zeromq_socket_with_something_to_read_is_a_message)
{
    ZANNI_AUTO (zanni_ref_t) clock = spawn_clock ();
    ZANNI_AUTO (zanni_msg_t) bound = call (clock, "bind");
    const char *endpoint = "";
    cr_assert_eq (zanni_read (bound, &endpoint), 0);
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, ZMQ_PUSH);
    cr_assert_eq (zmq_connect (socket, endpoint), 0);
    cr_assert_eq (zmq_send (socket, "one", 3, 0), 3);
    expect ("one");
    cr_assert_eq (zmq_send (socket, "two", 3, 0), 3);
    cr_assert_eq (zmq_send (socket, "three", 5, 0), 5);
    done (clock, "once", 5, "later");
    expect ("later");   // the watch rests
    for (int i = 0; i < 2; i++) {
        done (clock, "again");
        expect (i ? "three" : "two");
    }
    done (clock, "again");
    done (clock, "unwatch");
    cr_assert_eq (zmq_send (socket, "four", 4, 0), 4);
    done (clock, "once", 5, "later");
    expect ("later");
    expect_nothing ();
    cr_assert_eq (zmq_close (socket), 0);
    cr_assert_eq (zmq_ctx_term (context), 0);
}
