/* Flow: a mailbox has limits in messages and bytes, and whoever sends learns the truth about them: refused, dropped, or
   waited for. One turn of the runner fills a mailbox, so that its owner cannot empty it meanwhile.

   Whoever sends to a process is refused for want of room in the window of the session instead: tests of that make the
   window small, and have the receiver block, so that it takes nothing out. */

#include "support.h"

/* Reports what it gets. */
typedef struct {
    zanni_ref_t *witness;
    zanni_ref_t *other;
    int answers;
} sink_t;

static int
sink_start (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    return rc ? rc : zanni_ref_keep (self, &sink->witness, witness);
}

/* Its witness may be full, too: of another node, where windows are small. */
static int
sink_report (zanni_t *self, const char *line)
{
    sink_t *sink = zanni_state (self);
    int rc = zanni_tell (self, sink->witness, "saw", line);
    return rc == ZANNI_EFULL ? zanni_tell_wait (self, sink->witness, DEADLINE_MS, "saw", line) : rc;
}

static int
sink_put (zanni_t *self, zanni_msg_t *msg)
{
    char line [32];
    int64_t number;
    int rc = zanni_read (msg, &number);
    snprintf (line, sizeof line, "%d", rc ? 0 : (int) number);
    if (!rc)
        rc = sink_report (self, line);
    return rc ? rc : zanni_reply (self, msg, number);
}

static int
sink_put_text (zanni_t *self, zanni_msg_t *msg)
{
    char line [32];
    const char *text;
    int rc = zanni_read (msg, &text);
    snprintf (line, sizeof line, "%zu bytes", rc ? 0 : strlen (text));
    return rc ? rc : sink_report (self, line);
}

static int
sink_put_buffer (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    return rc ? rc : report (self, sink->witness, "at %p", zanni_buffer_data (buffer));
}

/* How many dead letters its node has counted. */
static int
sink_dead (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    zanni_stats_t now;
    (void) msg;
    int rc = zanni_stats (self, &now);
    return rc ? rc : report (self, sink->witness, "%d dead", (int) now.dead_letters);
}

static void
sink_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    sink_t *sink = arg;
    (void) reply;
    if (++sink->answers == 5)
        (void) report (self, sink->witness, "five answers");
}

/* Asks so often at once. */
static int
sink_ask (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    const zanni_ask_t ask = { .then = sink_answered, .arg = sink };
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    for (int i = 0; !rc && i < 5; i++)
        rc = zanni_ask (self, other, &ask, "zanni.describe");
    return rc;
}

static int
sink_wait (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    return rc ? rc : zanni_when_writable (self, other, "room");
}

static int
sink_room (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    (void) msg;
    return report (self, sink->witness, "room");
}

/* The codes of what may block. */
static int
sink_may_block (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *other;
    zanni_msg_t *got = NULL;
    int rc = zanni_read (msg, &other);
    if (rc)
        return rc;
    int call_rc = zanni_call (self, &got, other, "zanni.describe");
    zanni_msg_destroy (&got);
    int receive_rc = zanni_receive (self, &got, 0);
    int tell_rc = zanni_tell_wait (self, other, 0, "put text", "some");
    return zanni_reply (self, msg, call_rc, receive_rc, tell_rc);
}

/* Asks its sender something and waits for the answer. */
static int
sink_block (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    return zanni_call (self, &reply, zanni_msg_from (msg), "go on?");
}

static const zanni_method_t sink_methods [] = {
    ZANNI_METHOD ("put", "x", "x", sink_put, ""),
    ZANNI_METHOD ("put text", "s", "", sink_put_text, ""),
    ZANNI_METHOD ("put buffer", "B", "", sink_put_buffer, ""),
    ZANNI_METHOD ("dead", "", "", sink_dead, ""),
    ZANNI_METHOD ("ask", "r", "", sink_ask, ""),
    ZANNI_METHOD ("may block", "r", "iii", sink_may_block, ""),
    ZANNI_METHOD ("block", "", "", sink_block, ""),
    ZANNI_METHOD ("wait", "r", "", sink_wait, ""),
    ZANNI_PRIVATE ("room", "", "", sink_room, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t sink_class = {
    .name = "sink", .state_size = sizeof (sink_t), .methods = sink_methods, .start_in = "r", .start = sink_start
};
CLASSES (&sink_class, &runner_class);

/* The runner spawns the sink itself, in the place, or has one of the root's: so it is on its own worker, or not. */
static zanni_ref_t *s_sink;
static zanni_spawn_t s_options;
static int s_results [6];

static int
spawn_sink (zanni_t *self)
{
    return zanni_spawn (self, &s_sink, "sink", &s_options, witness_of (self));
}

static int
drop_sink (zanni_t *self)
{
    (void) self;
    zanni_ref_destroy (&s_sink);
    return 0;
}

static int
put_six (zanni_t *self)
{
    for (int i = 0; i < 6; i++)
        s_results [i] = zanni_tell (self, s_sink, "put", i + 1);
    return 0;
}

static int
ask_for_dead (zanni_t *self)
{
    return zanni_tell (self, s_sink, "dead");
}

/* So many dead letters more than `before`; a process has counts of its own, and this is the first of them. */
static void
expect_dead (const zanni_ref_t *runner, uint64_t before, int more)
{
    char line [32];
    snprintf (line, sizeof line, "%d dead", apart () ? more : (int) before + more);
    run_in (runner, ask_for_dead);
    expect (line);
}

/* One test with a sink of the root's, then with one of the runner's. */
static void
with_sinks (zanni_spawn_t options, void (*body) (const zanni_ref_t *runner))
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    options.place = place;
    s_options = options;
    s_sink = spawn_with (&options, "sink", zanni_self (root));
    body (runner);
    zanni_ref_destroy (&s_sink);
    run_in (runner, spawn_sink);
    body (runner);
    run_in (runner, drop_sink);
    expect_nothing ();
}

/* The next messages are these lines, in any order. */
static void
expect_all (const char *const *lines, size_t count)
{
    bool seen [16] = { false };
    for (size_t i = 0; i < count; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        const char *text = "";
        size_t at = 0;
        cr_assert_eq (zanni_read (msg, &text), 0);
        while (at < count && (seen [at] || strcmp (text, lines [at]) != 0))
            at++;
        cr_assert_lt (at, count, "\"%s\" came", text);
        seen [at] = true;
    }
}

static void
reject_over_four (const zanni_ref_t *runner)
{
    for (int round = 0; round < 2; round++) {   // there is room again
        run_in (runner, put_six);
        for (int i = 0; i < 6; i++)
            cr_assert_eq (s_results [i], i < 4 ? 0 : ZANNI_EFULL, "tell %d: %s", i, zanni_strerror (s_results [i]));
        expect ("1");
        expect ("2");
        expect ("3");
        expect ("4");
    }
    cr_assert_eq (stats ().dead_letters, 0);
}

BESIDE (flow, a_full_mailbox_rejects)
{
    with_sinks ((zanni_spawn_t) { .mailbox_messages = 4 }, reject_over_four);
}

BESIDE (flow, the_node_has_a_limit_for_all_mailboxes)
{
    begin_again ((zanni_options_t) { .mailbox_messages = 4 });
    with_sinks ((zanni_spawn_t) { 0 }, reject_over_four);
}

static void
drop_the_oldest (const zanni_ref_t *runner)
{
    uint64_t dead_letters = stats ().dead_letters;
    run_in (runner, put_six);
    for (int i = 0; i < 6; i++)
        cr_assert_eq (s_results [i], 0);
    expect ("3");
    expect ("4");
    expect ("5");
    expect ("6");
    expect_dead (runner, dead_letters, 2);
}

EVERYWHERE_HERE (flow, a_full_mailbox_drops_its_oldest)
{
    with_sinks ((zanni_spawn_t) { .mailbox_messages = 4, .overflow = ZANNI_DROP_OLDEST }, drop_the_oldest);
}

static void
drop_the_newest (const zanni_ref_t *runner)
{
    uint64_t dead_letters = stats ().dead_letters;
    run_in (runner, put_six);
    for (int i = 0; i < 6; i++)
        cr_assert_eq (s_results [i], 0);
    expect ("1");
    expect ("2");
    expect ("3");
    expect ("4");
    expect_dead (runner, dead_letters, 2);
}

EVERYWHERE_HERE (flow, a_full_mailbox_drops_its_newest)
{
    with_sinks ((zanni_spawn_t) { .mailbox_messages = 4, .overflow = ZANNI_DROP_NEWEST }, drop_the_newest);
}

static void
report_error (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error = { 0 };
    (void) arg;
    if (zanni_msg_error (reply, &error))
        (void) report (self, witness_of (self), "answered");
    else
        (void) report (self, witness_of (self), "error: %s", error.text);
}

static int
ask_three (zanni_t *self)
{
    const zanni_ask_t ask = { .then = report_error };
    for (int i = 0; i < 3; i++)
        s_results [i] = zanni_ask (self, s_sink, &ask, "put", i + 1);
    return 0;
}

static void
drop_an_ask (const zanni_ref_t *runner)
{
    static const char *const lines [] = { "1", "2", "answered", "answered", "error: mailbox full" };
    run_in (runner, ask_three);
    for (int i = 0; i < 3; i++)
        cr_assert_eq (s_results [i], 0);
    expect_all (lines, 5);
}

static void
reject_an_ask (const zanni_ref_t *runner)
{
    static const char *const lines [] = { "1", "2", "answered", "answered" };
    run_in (runner, ask_three);
    cr_assert_eq (s_results [1], 0);
    cr_assert_eq (s_results [2], ZANNI_EFULL);
    expect_all (lines, 4);
}

EVERYWHERE_HERE (flow, an_ask_that_is_dropped_or_rejected_is_told_to_its_asker)
{
    with_sinks ((zanni_spawn_t) { .mailbox_messages = 2, .overflow = ZANNI_DROP_NEWEST }, drop_an_ask);
    if (!apart ())
        with_sinks ((zanni_spawn_t) { .mailbox_messages = 2 }, reject_an_ask);
}

static char s_long_text [5001];

static int
put_texts (zanni_t *self)
{
    static const size_t sizes [] = { 400, 400, 400, 100, 100, 5000 };
    for (int i = 0; i < 6; i++) {
        memset (s_long_text, 'x', sizes [i]);
        s_long_text [sizes [i]] = 0;
        s_results [i] = zanni_tell (self, s_sink, "put text", (const char *) s_long_text);
    }
    return 0;
}

static int
put_one_that_is_too_large (zanni_t *self)
{
    memset (s_long_text, 'x', 5000);
    s_results [0] = zanni_tell (self, s_sink, "put text", (const char *) s_long_text);
    s_results [1] = zanni_tell (self, s_sink, "put", 1);
    return 0;
}

static int
put_buffers (zanni_t *self)
{
    zanni_buffer_t *buffer = NULL;
    int rc = zanni_buffer_new (self, &buffer, 600);
    for (int i = 0; !rc && i < 2; i++)
        s_results [i] = zanni_tell (self, s_sink, "put buffer", buffer);
    if (!rc)
        snprintf (s_long_text, sizeof s_long_text, "at %p", zanni_buffer_data (buffer));
    zanni_buffer_destroy (&buffer);
    return rc;
}

static void
reject_over_a_thousand_bytes (const zanni_ref_t *runner)
{
    static const int expected [] = { 0, 0, ZANNI_EFULL, 0, ZANNI_EFULL, ZANNI_EFULL };
    run_in (runner, put_texts);
    cr_assert_arr_eq (s_results, expected, sizeof expected);
    expect ("400 bytes");
    expect ("400 bytes");
    expect ("100 bytes");
    run_in (runner, put_one_that_is_too_large);   // an empty mailbox takes one of any size
    cr_assert_eq (s_results [0], 0);
    cr_assert_eq (s_results [1], ZANNI_EFULL);
    expect ("5000 bytes");
    run_in (runner, put_buffers);
    cr_assert_eq (s_results [0], 0);
    cr_assert_eq (s_results [1], ZANNI_EFULL);
    expect (s_long_text);
}

BESIDE (flow, a_mailbox_is_limited_in_bytes)
{
    with_sinks ((zanni_spawn_t) { .mailbox_bytes = 1000 }, reject_over_a_thousand_bytes);
}

EVERYWHERE (flow, answers_do_not_count_against_a_mailbox)
{
    ZANNI_AUTO (zanni_ref_t) other = spawn ("sink", zanni_self (root));
    const zanni_spawn_t options = { .place = place, .mailbox_messages = 1 };
    ZANNI_AUTO (zanni_ref_t) sink = spawn_with (&options, "sink", zanni_self (root));
    tell (sink, "ask", other);
    expect ("five answers");
}

/* Fills the mailbox and asks to be told of room. */
static int
fill_and_wait (zanni_t *self)
{
    int rc = put_six (self);
    return rc ? rc : zanni_when_writable (self, s_sink, "room");
}

static int
wait_for_room (zanni_t *self)
{
    return zanni_when_writable (self, s_sink, "room");
}

static void
room_comes_once (const zanni_ref_t *runner)
{
    static const char *const lines [] = { "1", "2", "3", "4", "room" };
    run_in (runner, fill_and_wait);
    cr_assert_eq (s_results [4], ZANNI_EFULL);
    expect_all (lines, 5);
    run_in (runner, wait_for_room);   // it has room
    expect ("room");
}

BESIDE (flow, a_sender_is_told_once_of_room)
{
    with_sinks ((zanni_spawn_t) { .mailbox_messages = 4 }, room_comes_once);
}

EVERYWHERE (flow, a_sender_that_waits_for_room_is_told_of_the_end)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    s_sink = spawn ("sink", zanni_self (root));
    uint64_t down = monitor (s_sink);
    cr_assert_eq (zanni_kill (root, s_sink), 0);
    (void) expect_down (down, false);
    run_in (runner, wait_for_room);
    expect ("room");
    zanni_ref_destroy (&s_sink);
}

EVERYWHERE (flow, any_actor_is_told_of_room_at_once_where_there_is_some)
{
    ZANNI_AUTO (zanni_ref_t) sender = spawn ("sink", zanni_self (root));
    ZANNI_AUTO (zanni_ref_t) sink = spawn ("sink", zanni_self (root));
    const zanni_ref_t *const refs [] = { sink, sender, zanni_self (root) };
    for (int i = 0; i < 3; i++) {
        tell (sender, "wait", refs [i]);
        expect ("room");
    }
    done (sender, "zanni.describe");
    expect_nothing ();
}

EVERYWHERE (flow, the_root_is_told_of_room_by_a_message)
{
    ZANNI_AUTO (zanni_ref_t) sink = spawn ("sink", zanni_self (root));
    cr_assert_eq (zanni_when_writable (root, sink, "room"), 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_str_eq (zanni_msg_method (msg), "room");
    cr_assert_eq (zanni_when_writable (root, sink, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_when_writable (root, NULL, "room"), ZANNI_EINVAL);
}

EVERYWHERE (flow, an_owner_of_its_worker_can_wait_for_room)
{
    const zanni_spawn_t options = { .place = place, .mailbox_messages = 4 };
    ZANNI_AUTO (zanni_ref_t) sink = spawn_with (&options, "sink", zanni_self (root));
    char line [32];
    int refusals = 0;
    for (int i = 1; i <= 200; i++) {
        int rc = zanni_tell (root, sink, "put", i);
        refusals += rc == ZANNI_EFULL;
        if (rc == ZANNI_EFULL)
            rc = zanni_tell_wait (root, sink, -1, "put", i);
        cr_assert_eq (rc, 0, "tell %d: %s", i, zanni_strerror (rc));
    }
    if (place == ZANNI_HERE)
        cr_assert_gt (refusals, 0);
    for (int i = 1; i <= 200; i++) {
        snprintf (line, sizeof line, "%d", i);
        expect (line);
    }
    cr_assert_eq (stats ().dead_letters, 0);
}

EVERYWHERE (flow, only_an_owner_of_its_worker_may_block)
{
    ZANNI_AUTO (zanni_ref_t) sink = spawn ("sink", zanni_self (root));
    ZANNI_AUTO (zanni_ref_t) other = spawn ("sink", zanni_self (root));
    ZANNI_AUTO (zanni_msg_t) reply = call (sink, "may block", other);
    int32_t call_rc, receive_rc, tell_rc;
    cr_assert_eq (zanni_read (reply, &call_rc, &receive_rc, &tell_rc), 0);
    cr_assert_eq (call_rc, owns () ? 0 : ZANNI_EOWNER);
    cr_assert_eq (receive_rc, owns () ? ZANNI_ETIMEOUT : ZANNI_EOWNER);
    cr_assert_eq (tell_rc, owns () ? 0 : ZANNI_EOWNER);
    if (owns ())
        expect ("4 bytes");
    zanni_msg_t *none = NULL;
    cr_assert_eq (zanni_call (root, &none, zanni_self (root), "anything"), ZANNI_EINVAL, "it would wait for itself");
}

/* A sink that is in the middle of a handler until the question that comes from it is answered. */
static zanni_msg_t *
block_sink (const zanni_ref_t *sink)
{
    tell (sink, "block");
    zanni_msg_t *question = next ();
    cr_assert_str_eq (zanni_msg_method (question), "go on?");
    return question;
}

/* Tells it numbers until it is full; answers the last one that it took. */
static int
fill (const zanni_ref_t *sink, int from)
{
    int number = from, rc;
    while ((rc = zanni_tell (root, sink, "put", number)) == 0)
        number++;
    cr_assert_eq (rc, ZANNI_EFULL, "tell %d: %s", number, zanni_strerror (rc));
    return number - 1;
}

static void
expect_numbers (int first, int last)
{
    char line [32];
    for (int i = first; i <= last; i++) {
        snprintf (line, sizeof line, "%d", i);
        expect (line);
    }
}

ALONE (flow, waiting_for_room_ends_at_its_deadline_or_with_the_actor)
{
    begin_again ((zanni_options_t) { .window_bytes = 1000 });
    const zanni_spawn_t options = { .place = place, .mailbox_messages = 2 };
    ZANNI_AUTO (zanni_ref_t) sink = spawn_with (&options, "sink", zanni_self (root));
    ZANNI_AUTO (zanni_msg_t) question = block_sink (sink);
    int last = fill (sink, 1);
    if (place == ZANNI_THREAD)
        cr_assert_eq (last, 2);
    cr_assert_eq (zanni_tell_wait (root, sink, 0, "put", last + 1), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_tell_wait (root, sink, 10, "put", last + 1), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_reply (root, question), 0);
    cr_assert_eq (zanni_tell_wait (root, sink, DEADLINE_MS, "put", last + 1), 0);
    expect_numbers (1, last + 1);

    ZANNI_AUTO (zanni_msg_t) another = block_sink (sink);
    (void) fill (sink, 1);
    cr_assert_eq (zanni_kill (root, sink), 0);
    int rc = zanni_tell_wait (root, sink, DEADLINE_MS, "put", 6);
    while (apart () && !rc)   // what it left opened the window before its end was known here
        rc = zanni_tell_wait (root, sink, DEADLINE_MS, "put", 6);
    cr_assert_eq (rc, ZANNI_ENOACTOR, "%s", zanni_strerror (rc));
}

ALONE (flow, waiting_for_room_in_bytes_ends_at_its_deadline)
{
    begin_again ((zanni_options_t) { .window_bytes = 1000 });
    const zanni_spawn_t options = { .place = place, .mailbox_bytes = 1000 };
    ZANNI_AUTO (zanni_ref_t) sink = spawn_with (&options, "sink", zanni_self (root));
    char text [601];
    memset (text, 'x', sizeof text);
    text [600] = 0;
    ZANNI_AUTO (zanni_msg_t) question = block_sink (sink);
    tell (sink, "put text", text);
    int64_t before = zanni_now_ns (root);
    cr_assert_eq (zanni_tell_wait (root, sink, 20, "put text", text), ZANNI_ETIMEOUT);
    cr_assert_lt (zanni_now_ns (root) - before, INT64_C (2000000000));
    cr_assert_eq (zanni_reply (root, question), 0);
    cr_assert_eq (zanni_tell_wait (root, sink, DEADLINE_MS, "put text", text), 0);
    expect ("600 bytes");
    expect ("600 bytes");
}

/* Though the window is never whole: what is larger than it does not wait for that, nor keeps others out. */
CONFORM_ONCE (flow, a_large_one_goes_to_a_process_beside_small_ones, ZANNI_PROCESS)
{
    begin_again ((zanni_options_t) { .window_bytes = 1000 });
    ZANNI_AUTO (zanni_ref_t) sink = spawn ("sink", zanni_self (root));
    char text [2001];
    memset (text, 'x', sizeof text);
    text [2000] = 0;
    ZANNI_AUTO (zanni_msg_t) question = block_sink (sink);
    tell (sink, "put text", "small");
    tell (sink, "put text", text);
    tell (sink, "put text", "small");
    cr_assert_eq (zanni_tell (root, sink, "put text", text), ZANNI_EFULL);
    cr_assert_eq (zanni_reply (root, question), 0);
    cr_assert_eq (zanni_tell_wait (root, sink, DEADLINE_MS, "put text", text), 0);
    expect ("5 bytes");
    expect ("2000 bytes");
    expect ("5 bytes");
    expect ("2000 bytes");
}

CONFORM_ONCE (flow, a_process_is_full_when_its_window_is_and_goes_on_when_it_takes_something_out, ZANNI_PROCESS)
{
    begin_again ((zanni_options_t) { .window_bytes = 4096 });
    const zanni_spawn_t options = { .place = place, .mailbox_messages = 1 };   // rejects no sender from elsewhere
    ZANNI_AUTO (zanni_ref_t) sink = spawn_with (&options, "sink", zanni_self (root));
    int last = 0;
    for (int round = 0; round < 3; round++) {
        ZANNI_AUTO (zanni_msg_t) question = block_sink (sink);
        int first = last + 1;
        last = fill (sink, first);
        int count = last - first + 1;
        cr_assert (count > 4096 / 64 / 2 && count <= 4096 / 64, "%d messages", count);
        cr_assert_eq (zanni_reply (root, question), 0);
        expect_numbers (first, last);
    }
    cr_assert_eq (stats ().dead_letters, 0);
    cr_assert_eq (call_int (sink, "put", 5), 5);
}

CONFORM_ONCE (flow, a_sender_is_told_once_of_room_in_a_window, ZANNI_PROCESS)
{
    begin_again ((zanni_options_t) { .window_bytes = 2000 });
    ZANNI_AUTO (zanni_ref_t) sink = spawn ("sink", zanni_self (root));
    ZANNI_AUTO (zanni_msg_t) question = block_sink (sink);
    int last = fill (sink, 1), rooms = 0;
    cr_assert_eq (zanni_when_writable (root, sink, "room"), 0);
    cr_assert_eq (zanni_tell (root, sink, "put", 0), ZANNI_EFULL);
    expect_nothing ();
    cr_assert_eq (zanni_reply (root, question), 0);
    for (int i = 0; i <= last; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        rooms += strcmp (zanni_msg_method (msg), "room") == 0;
    }
    cr_assert_eq (rooms, 1);
    cr_assert_eq (call_int (sink, "put", 8), 8);
    expect ("8");
    expect_nothing ();
}

/* The largest item that there is goes through a window that is smaller than it, alone. */
CONFORM_ONCE (flow, what_is_larger_than_a_window_goes_alone, ZANNI_PROCESS)
{
    begin_again ((zanni_options_t) { .window_bytes = 1000 });
    ZANNI_AUTO (zanni_ref_t) sink = spawn ("sink", zanni_self (root));
    memset (s_long_text, 'x', sizeof s_long_text - 1);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq (zanni_tell_wait (root, sink, DEADLINE_MS, "put text", (const char *) s_long_text), 0);
        cr_assert_eq (zanni_tell_wait (root, sink, DEADLINE_MS, "put text", (const char *) s_long_text), 0);
        expect ("5000 bytes");
        expect ("5000 bytes");
    }
}

EVERYWHERE (flow, one_message_to_many_is_told_of_each)
{
    const zanni_spawn_t options = { .place = place, .mailbox_messages = 1 };
    ZANNI_AUTO (zanni_ref_t) one = spawn ("sink", zanni_self (root));
    ZANNI_AUTO (zanni_ref_t) gone = spawn ("sink", zanni_self (root));
    ZANNI_AUTO (zanni_ref_t) other = spawn_with (&options, "sink", zanni_self (root));
    uint64_t down = monitor (gone);
    cr_assert_eq (zanni_kill (root, gone), 0);
    (void) expect_down (down, false);
    const zanni_ref_t *const refs [] = { one, gone, NULL, other };
    int results [4] = { 77, 77, 77, 77 };
    cr_assert_eq (zanni_send_all (root, refs, 4, results, "put", 8), 2);
    cr_assert_eq (results [0], 0);
    cr_assert_eq (results [1], ZANNI_ENOACTOR);
    cr_assert_eq (results [2], ZANNI_EINVAL);
    cr_assert_eq (results [3], 0);
    expect ("8");
    expect ("8");
    cr_assert_eq (zanni_send_all (root, refs, 1, NULL, "put", 9), 1);
    expect ("9");
    cr_assert_eq (zanni_send_all (root, NULL, 0, NULL, "put", 9), 0);
    cr_assert_eq (zanni_send_all (root, refs, 1, results, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_send_all (root, refs, 1, results, "put text", "not \xff UTF-8"), ZANNI_EARGS);
    expect_nothing ();
}

static const zanni_ref_t *s_refs [3];

static int
send_to_all (zanni_t *self)
{
    int rc = zanni_send_all (self, s_refs, 3, s_results, "put", 1);
    return rc < 0 ? rc : zanni_send_all (self, s_refs, 3, s_results + 3, "put", 2) == 2 ? 0 : ZANNI_EINVAL;
}

BESIDE (flow, one_message_to_many_is_refused_by_those_that_are_full)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    const zanni_spawn_t options = { .place = place, .mailbox_messages = 1 };
    ZANNI_AUTO (zanni_ref_t) one = spawn ("sink", zanni_self (root));
    ZANNI_AUTO (zanni_ref_t) small = spawn_with (&options, "sink", zanni_self (root));
    ZANNI_AUTO (zanni_ref_t) other = spawn ("sink", zanni_self (root));
    static const int expected [] = { 0, 0, 0, 0, ZANNI_EFULL, 0 };
    static const char *const lines [] = { "1", "1", "1", "2", "2" };
    s_refs [0] = one;
    s_refs [1] = small;
    s_refs [2] = other;
    run_in (runner, send_to_all);
    cr_assert_arr_eq (s_results, expected, sizeof expected);
    expect_all (lines, 5);
}

BESIDE (flow, a_buffer_to_many_is_not_copied)
{
    zanni_ref_t *sinks [8];
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    char line [32];
    for (int i = 0; i < 8; i++)
        sinks [i] = spawn ("sink", zanni_self (root));
    cr_assert_eq (zanni_buffer_new (root, &buffer, 1 << 20), 0);
    snprintf (line, sizeof line, "at %p", zanni_buffer_data (buffer));
    const zanni_ref_t *const *refs = (const zanni_ref_t *const *) sinks;
    cr_assert_eq (zanni_send_all (root, refs, 8, NULL, "put buffer", buffer), 8);
    for (int i = 0; i < 8; i++)
        expect (line);
    for (int i = 0; i < 8; i++)
        zanni_ref_destroy (&sinks [i]);
}
