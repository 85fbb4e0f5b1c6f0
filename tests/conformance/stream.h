/* stream.h: a source that pushes numbers or bytes to a sink, which can be shut: then it puts aside what comes, so
   that no credit comes back. Both report to the root; the order between what two actors report is nobody's promise,
   so lines are awaited by whose they are. */

#ifndef TESTS_CONFORMANCE_STREAM_H
#define TESTS_CONFORMANCE_STREAM_H

#include "support.h"


#define PATIENCE_MS 15000   // for what a loaded machine takes long for: processes
#define CREDIT 4
#define STREAMS 3

typedef struct {
    zanni_ref_t *witness;
    bool shut;
    bool quiet;
    int64_t count;
    int64_t sum;
    int64_t disorder;
    zanni_stream_t *last;
} sink_t;

static const char *
why (const zanni_error_t *error, char *text, size_t size)
{
    if (!error)
        return "well";
    snprintf (text, size, "%d %d %s", -error->code, (int) error->app_code, error->text);
    return text;
}

static int
sink_start (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    return rc ? rc : zanni_ref_keep (self, &sink->witness, witness);
}

/* Its argument is a number, which it is the data of the stream; below 0 it is refused. */
static int
sink_opened (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    zanni_stream_set_data (stream, (void *) (intptr_t) number);
    sink->last = stream;
    return number < 0 ? ZANNI_EPERM : 0;
}

static int
sink_number (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    sink->count++;
    sink->sum += number;
    sink->disorder += number != sink->count;
    if (number == -13)
        return ZANNI_EPERM;
    if (number == -14)
        return zanni_stream_cancel (self, stream, 5, "no more of this");
    int slot = (int) (intptr_t) zanni_stream_data (stream);
    return sink->quiet ? 0 : report (self, sink->witness, "sink %d: %d", slot, (int) number);
}

static void
sink_ended (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    sink_t *sink = zanni_state (self);
    char text [300];
    (void) report (self, sink->witness, "sink %d ended: %s", (int) (intptr_t) zanni_stream_data (stream),
                   why (error, text, sizeof text));
    if (sink->last == stream)
        sink->last = NULL;
}

static int
sink_take (zanni_t *self, zanni_msg_t *msg, const zanni_inlet_t *inlet)
{
    sink_t *sink = zanni_state (self);
    return sink->shut ? zanni_stash (self, msg) : zanni_stream_take (self, msg, inlet);
}

static int
sink_numbers (zanni_t *self, zanni_msg_t *msg)
{
    return sink_take (self, msg, &(zanni_inlet_t) {
        .opened = sink_opened, .item = sink_number, .ended = sink_ended, .items = CREDIT
    });
}

/* Any bytes; their number is reported. */
static int
sink_bytes (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    zanni_bytes_t bytes;
    int rc = zanni_read (msg, &bytes);
    (void) stream;
    return rc ? rc : report (self, sink->witness, "sink: %zu bytes", bytes.size);
}

static int
sink_texts (zanni_t *self, zanni_msg_t *msg)
{
    return sink_take (self, msg, &(zanni_inlet_t) { .item = sink_bytes, .ended = sink_ended, .bytes = 1000 });
}

/* A reference and a buffer: who is meant gets a line, with what the buffer says. */
static int
sink_handles (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &ref, &buffer);
    (void) stream;
    return rc ? rc : report (self, ref, "sink: %s", (const char *) zanni_buffer_data (buffer));
}

static int
sink_things (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_stream_take (self, msg, &(zanni_inlet_t) { .item = sink_handles, .ended = sink_ended });
}

/* More credit than there may be. */
static int
sink_too_much (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_stream_take (self, msg, &(zanni_inlet_t) { .item = sink_handles, .items = 65537 });
}

static int
sink_shut (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    sink->shut = true;
    return zanni_reply (self, msg);
}

static int
sink_unshut (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    sink->shut = false;
    (void) zanni_unstash_all (self);
    return zanni_reply (self, msg);
}

static int
sink_be_quiet (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    sink->quiet = true;
    return zanni_reply (self, msg);
}

static int
sink_total (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    return zanni_reply (self, msg, sink->count, sink->sum, sink->disorder);
}

static int
sink_cancel (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    int rc = sink->last ? zanni_stream_cancel (self, sink->last, 9, "had enough") : ZANNI_EINVAL;
    sink->last = NULL;
    return rc ? rc : zanni_reply (self, msg);
}

static void
sink_was_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    sink_t *sink = arg;
    (void) report (self, sink->witness, "sink knows: %s", zanni_msg_kind (reply) == ZANNI_MSG_REPLY ? "yes" : "no");
}

/* Asks the other end of the last stream: the answer comes behind what the sink itself has sent there. */
static int
sink_greet (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    const zanni_ask_t ask = { .then = sink_was_answered, .arg = sink };
    const zanni_ref_t *peer = zanni_stream_peer (sink->last);
    (void) msg;
    return peer ? zanni_ask (self, peer, &ask, "zanni.describe") : ZANNI_EINVAL;
}

/* Of either side. */
static int
crash_here (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return raise (SIGKILL);
}

static const zanni_method_t sink_methods [] = {
    ZANNI_METHOD ("crash", "", "", crash_here, ""),
    ZANNI_METHOD ("greet", "", "", sink_greet, ""),
    ZANNI_STREAM ("numbers", sink_numbers, "Takes numbers."),
    ZANNI_STREAM ("texts", sink_texts, "Takes bytes."),
    ZANNI_STREAM ("things", sink_things, "Takes handles."),
    ZANNI_STREAM ("too much", sink_too_much, "Takes nothing."),
    ZANNI_METHOD ("shut", "", "", sink_shut, ""),
    ZANNI_METHOD ("unshut", "", "", sink_unshut, ""),
    ZANNI_METHOD ("be quiet", "", "", sink_be_quiet, ""),
    ZANNI_METHOD ("total", "", "xxx", sink_total, ""),
    ZANNI_METHOD ("cancel", "", "", sink_cancel, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t sink_class = {
    .name = "sink", .state_size = sizeof (sink_t), .methods = sink_methods, .start_in = "r", .start = sink_start
};

typedef struct {
    zanni_ref_t *witness;
    zanni_stream_t *streams [STREAMS];
    int64_t next;    // number to push,
    int64_t last;    // until this one; 0: it pushes what it is told to
} source_t;

static int
source_start (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    return rc ? rc : zanni_ref_keep (self, &source->witness, witness);
}

/* Pushes as many as it can, and ends behind the last. */
static void
source_go_on (zanni_t *self, zanni_stream_t *stream)
{
    source_t *source = zanni_state (self);
    int rc = 0;
    while (!rc && source->next <= source->last) {
        rc = zanni_push (self, stream, source->next);
        source->next += !rc;
    }
    if (!rc)
        rc = zanni_stream_end (self, stream);
    if (rc && rc != ZANNI_EFULL)
        (void) report (self, source->witness, "source: %s", zanni_strerror (rc));
}

static void
source_room (zanni_t *self, zanni_stream_t *stream)
{
    source_t *source = zanni_state (self);
    if (source->last)
        source_go_on (self, stream);
    else
        (void) report (self, source->witness, "source %d: room", (int) (intptr_t) zanni_stream_data (stream));
}

static void
source_ended (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    source_t *source = zanni_state (self);
    char text [300];
    (void) report (self, source->witness, "source %d ended: %s", (int) (intptr_t) zanni_stream_data (stream),
                   why (error, text, sizeof text));
}

static int
source_open (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    const zanni_ref_t *sink;
    const char *method;
    int64_t number;
    uint32_t overflow;
    int rc = zanni_read (msg, &sink, &method, &number, &overflow);
    int64_t slot = number < 0 ? 0 : number;
    if (rc || slot >= STREAMS)
        return rc ? rc : ZANNI_EINVAL;
    const zanni_stream_options_t options = {
        .room = source_room, .ended = source_ended, .data = (void *) (intptr_t) number, .waiting_items = 3,
        .overflow = (zanni_overflow_t) overflow
    };
    zanni_stream_destroy (&source->streams [slot]);
    rc = zanni_stream_open (self, &source->streams [slot], sink, &options, method, number);
    return rc ? rc : zanni_reply (self, msg);
}

/* Pushes these numbers; answers how many went, and the code that the next one got. */
static int
source_push (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    int64_t slot, number, last;
    int pushed = 0, rc = 0;
    int read = zanni_read (msg, &slot, &number, &last);
    if (read || slot >= STREAMS)
        return read ? read : ZANNI_EINVAL;
    for (; !rc && number <= last; number++) {
        rc = zanni_push (self, source->streams [slot], number);
        pushed += !rc;
    }
    return zanni_reply (self, msg, pushed, rc);
}

static int
source_push_bytes (zanni_t *self, zanni_msg_t *msg)
{
    static const char bytes [5000];
    source_t *source = zanni_state (self);
    int64_t size;
    int rc = zanni_read (msg, &size);
    if (rc || size > (int64_t) sizeof bytes)
        return rc ? rc : ZANNI_EINVAL;
    return zanni_reply (self, msg, zanni_push (self, source->streams [0], zanni_arg_bytes (bytes, (size_t) size)));
}

static int
source_push_things (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    zanni_buffer_t *buffer = NULL;
    void *data;
    int rc = zanni_buffer_new (self, &buffer, 100000);
    if (!rc)
        rc = zanni_buffer_edit (&data, buffer);
    if (!rc) {
        snprintf (data, 100000, "in a buffer");
        rc = zanni_push (self, source->streams [0], source->witness, buffer);
    }
    zanni_buffer_destroy (&buffer);
    return rc ? rc : zanni_reply (self, msg);
}

/* Pushes 1 to that number by itself. */
static int
source_run (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    int rc = zanni_read (msg, &source->last);
    source->next = 1;
    if (!rc)
        source_go_on (self, source->streams [0]);
    return rc;
}

static int
source_end (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    int rc = zanni_stream_end (self, source->streams [0]);
    return rc ? rc : zanni_reply (self, msg);
}

static int
source_fail (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    int rc = zanni_stream_fail (self, source->streams [0], 7, "it broke");
    return rc ? rc : zanni_reply (self, msg);
}

static int
source_destroy (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    zanni_stream_destroy (&source->streams [0]);
    return zanni_reply (self, msg);
}

static int
source_dropped (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    return zanni_reply (self, msg, zanni_stream_dropped (source->streams [0]));
}

/* The codes of calls that are wrong. */
static int
source_err (zanni_t *self, zanni_msg_t *msg)
{
    source_t *source = zanni_state (self);
    zanni_stream_t *stream = NULL;
    const zanni_stream_options_t size = { .size = 1 }, overflow = { .overflow = (zanni_overflow_t) 9 };
    const zanni_ref_t *other = zanni_msg_from (msg);
    const int wrong [] = {
        zanni_stream_open (self, NULL, other, NULL, "numbers"), zanni_stream_open (self, &stream, NULL, NULL, "numbers"),
        zanni_stream_open (self, &stream, other, NULL, NULL), zanni_stream_open (self, &stream, other, &size, "numbers"),
        zanni_stream_open (self, &stream, other, &overflow, "numbers"), zanni_push (self, NULL, 1),
        zanni_push (NULL, source->streams [0], 1), zanni_stream_end (self, NULL), zanni_stream_fail (self, NULL, 1, NULL),
        zanni_stream_cancel (self, NULL, 1, NULL), zanni_stream_cancel (self, source->streams [0], 1, NULL),
        zanni_stream_take (self, NULL, NULL), zanni_stream_take (self, msg, NULL),
        zanni_stream_take (self, msg, &(zanni_inlet_t) { .items = 1 })
    };
    int count = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        count += wrong [i] == ZANNI_EINVAL;
    zanni_stream_destroy (NULL);
    zanni_stream_destroy (&stream);
    zanni_stream_set_data (NULL, NULL);
    bool nothing = !stream && !zanni_stream_data (NULL) && !zanni_stream_peer (NULL) && !zanni_stream_dropped (NULL);
    return zanni_reply (self, msg, count - (int) (sizeof wrong / sizeof *wrong), nothing);
}

static const zanni_method_t source_methods [] = {
    ZANNI_METHOD ("crash", "", "", crash_here, ""),
    ZANNI_METHOD ("open", "rsxu", "", source_open, ""),
    ZANNI_METHOD ("push", "xxx", "ii", source_push, ""),
    ZANNI_METHOD ("push bytes", "x", "i", source_push_bytes, ""),
    ZANNI_METHOD ("push things", "", "", source_push_things, ""),
    ZANNI_METHOD ("run", "x", "", source_run, ""),
    ZANNI_METHOD ("end", "", "", source_end, ""),
    ZANNI_METHOD ("fail", "", "", source_fail, ""),
    ZANNI_METHOD ("destroy", "", "", source_destroy, ""),
    ZANNI_METHOD ("dropped", "", "t", source_dropped, ""),
    ZANNI_METHOD ("err", "", "ib", source_err, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t source_class = {
    .name = "source", .state_size = sizeof (source_t), .methods = source_methods, .start_in = "r", .start = source_start
};
CLASSES (&sink_class, &source_class, &runner_class);

/* Lines that came and were not expected yet. */
static struct {
    char lines [64] [200];
    size_t count;
} early;

static bool
take_early (const char *whose, char *line, size_t size)
{
    for (size_t i = 0; i < early.count; i++)
        if (!strncmp (early.lines [i], whose, strlen (whose))) {
            snprintf (line, size, "%s", early.lines [i]);
            memmove (early.lines [i], early.lines [i + 1], (--early.count - i) * sizeof early.lines [0]);
            return true;
        }
    return false;
}

/* The next line of whom these are by their first word is one of them. */
static void
expect_one_of (const char *wanted, const char *other)
{
    char whose [16], line [200] = "";
    snprintf (whose, sizeof whose, "%.*s", (int) strcspn (wanted, " :"), wanted);
    while (!take_early (whose, line, sizeof line)) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        const char *text = "";
        cr_assert_eq (zanni_receive (root, &msg, PATIENCE_MS), 0, "%s did not come", wanted);
        cr_assert_eq (zanni_read (msg, &text), 0, "%s was due, a message of kind %d came", wanted,
                      (int) zanni_msg_kind (msg));
        cr_assert_lt (early.count, 63);
        snprintf (early.lines [early.count++], sizeof early.lines [0], "%s", text);
    }
    cr_assert (!strcmp (line, wanted) || !strcmp (line, other), "\"%s\" was due, \"%s\" came", wanted, line);
}

static void
expect_of (const char *wanted)
{
    expect_one_of (wanted, wanted);
}

static zanni_ref_t *s_sink;
static zanni_ref_t *s_source;

/* The sink in the place, the source on a worker of the root's node; or the other way round. */
static inline void
set_up (bool sink_there)
{
    const zanni_spawn_t here = { .place = ZANNI_SHARED }, there = { PLACED };
    s_sink = spawn_with (sink_there ? &there : &here, "sink", zanni_self (root));
    s_source = spawn_with (sink_there ? &here : &there, "source", zanni_self (root));
    early.count = 0;
}

static inline void
tear_down (void)
{
    zanni_ref_destroy (&s_source);
    zanni_ref_destroy (&s_sink);
}

static inline void
open_stream (const char *method, int number, zanni_overflow_t overflow)
{
    done (s_source, "open", s_sink, method, number, (unsigned) overflow);
}

static inline void
push (int slot, int from, int to, int pushed, int rc)
{
    ZANNI_AUTO (zanni_msg_t) reply = call (s_source, "push", slot, from, to);
    int got = -1, got_rc = -1;
    cr_assert_eq (zanni_read (reply, &got, &got_rc), 0);
    cr_assert_eq (got, pushed, "%d were pushed, not %d: %s", got, pushed, zanni_strerror (got_rc));
    cr_assert_eq (got_rc, rc, "%s", zanni_strerror (got_rc));
}

/* Opens one of numbers that has credit. */
static inline void
open_numbers (void)
{
    open_stream ("numbers", 0, ZANNI_REJECT);
    expect_of ("source 0: room");
}

#endif
