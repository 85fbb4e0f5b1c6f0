/* A stream whose memory runs out, at any allocation of either side: it is not opened, or it ends, once, and leaves
   nothing. */

#include "support/faults.h"

#include <criterion/criterion.h>
#include <zanni.h>

#define CREDIT 2
#define ITEMS 7

static int s_seen;
static int s_sink_ended;
static int s_ended;
static int s_code;         // with which it did; 0: well
static int s_pushed;

static int
sink_item (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    int64_t number;
    (void) self, (void) stream;
    int rc = zanni_read (msg, &number);
    s_seen += !rc && number == s_seen;
    return rc;
}

static void
sink_end (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    (void) self, (void) stream, (void) error;
    s_sink_ended++;
}

static int
sink_take (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_stream_take (self, msg, &(zanni_inlet_t) { .item = sink_item, .ended = sink_end, .items = CREDIT });
}

static const zanni_method_t sink_methods [] = {
    ZANNI_STREAM ("take", sink_take, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t sink_class = { .name = "sink", .methods = sink_methods };
static const zanni_class_t *const classes [] = { &sink_class, NULL };

static void
go_on (zanni_t *self, zanni_stream_t *stream)
{
    while (s_pushed < ITEMS && !zanni_push (self, stream, s_pushed))
        s_pushed++;
}

static void
end (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    (void) self, (void) stream;
    s_ended++;
    s_code = error ? error->code : 0;
}

static void
settle (zanni_t *self)
{
    while (zanni_step (self, 64) > 0)
        continue;
}

/* What zanni_stream_open answered. A push that found no memory is not called again, so it is tried again. */
static int
run (zanni_t *self, const zanni_ref_t *sink, zanni_overflow_t overflow)
{
    const zanni_stream_options_t options = { .room = go_on, .ended = end, .overflow = overflow };
    zanni_stream_t *stream = NULL;
    s_seen = s_sink_ended = s_ended = s_pushed = 0;
    int rc = zanni_stream_open (self, &stream, sink, &options, "take");
    if (rc)
        return rc;
    for (int i = 0; i < 3 * ITEMS && s_pushed < ITEMS; i++) {
        settle (self);
        go_on (self, stream);
    }
    settle (self);
    if (!s_ended)
        cr_assert_eq (s_pushed, ITEMS);
    rc = zanni_stream_end (self, stream);
    cr_assert_eq (rc, s_ended ? ZANNI_ECLOSED : 0);
    settle (self);
    cr_assert_eq (s_ended, 1);
    zanni_stream_destroy (&stream);
    settle (self);
    return 0;
}

/* Streams with one failing allocation, each later than the one before, until none fails. */
static void
run_short_of_memory (zanni_overflow_t overflow)
{
    zanni_t *self = NULL;
    zanni_ref_t *sink = NULL;
    cr_assert_eq (zanni_init (classes), 0);
    faults_install ();
    long held = faults_held ();
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_spawn (self, &sink, "sink", &(zanni_spawn_t) { .place = ZANNI_HERE }), 0);
    cr_assert_eq (run (self, sink, overflow), 0);   // fills free lists and tables
    cr_assert_eq (s_code, 0);
    cr_assert_eq (s_seen, ITEMS);
    bool struck = true;
    for (long nth = 1; struck; nth++) {
        faults_fail (nth, 0);
        int rc = run (self, sink, overflow);
        struck = faults_struck ();
        faults_fail (0, 0);
        cr_assert (!rc || rc == ZANNI_ENOMEM, "%s", zanni_strerror (rc));
        cr_assert (rc || s_code || s_seen == ITEMS, "of %d items %d came", ITEMS, s_seen);
        cr_assert_leq (s_sink_ended, 1);
    }
    cr_assert_eq (s_code, 0);
    zanni_ref_destroy (&sink);
    cr_assert_eq (zanni_destroy (&self), 0);
    cr_assert_eq (faults_held (), held);
}

Test (stream, ends_once_when_memory_is_short, .timeout = 30)
{
    run_short_of_memory (ZANNI_REJECT);
}

Test (stream, whose_items_wait_ends_once_when_memory_is_short, .timeout = 30)
{
    run_short_of_memory (ZANNI_DROP_NEWEST);
}

/* Its actors go first, with everything under way. */
Test (stream, goes_with_its_actors, .timeout = 30)
{
    zanni_t *self = NULL;
    zanni_ref_t *sink = NULL;
    zanni_stream_t *streams [2] = { NULL, NULL };
    const zanni_stream_options_t options = { .ended = end, .overflow = ZANNI_DROP_OLDEST };
    cr_assert_eq (zanni_init (classes), 0);
    faults_install ();
    long held = faults_held ();
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_spawn (self, &sink, "sink", &(zanni_spawn_t) { .place = ZANNI_HERE }), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq (zanni_stream_open (self, &streams [i], sink, &options, "take"), 0);
        if (!i)
            settle (self);
        for (int k = 0; k < ITEMS; k++)
            cr_assert_eq (zanni_push (self, streams [i], k), 0);
    }
    zanni_ref_destroy (&sink);
    cr_assert_eq (zanni_destroy (&self), 0);
    cr_assert_eq (faults_held (), held);
}
