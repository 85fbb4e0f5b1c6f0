/* sink.c: the actor that everything is sent to. Each method reads its argument as a program would, to the last value or
   the last page, and answers how many nanoseconds that took. */

#include "measure.h"

#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zanni/store.h>

#define S_PAGE 4096

typedef struct {
    zanni_store_t *store;
    char place [64];
} sink_t;

static volatile double s_used;   // what was read is looked at, or a compiler would leave the reading out

static uint64_t
s_since (double start)
{
    return (uint64_t) ((measure_now () - start) * 1e9);
}

static int
s_pairs (zanni_t *self, zanni_msg_t *msg)
{
    size_t pairs = 0, two;
    double sum = 0;
    double start = measure_now ();
    int rc = zanni_enter (msg, &pairs);
    for (size_t i = 0; !rc && i < pairs; i++) {
        const char *name, *value;
        rc = zanni_enter (msg, &two);
        if (!rc)
            rc = zanni_read (msg, &name, &value);
        if (!rc)
            rc = zanni_leave (msg);
        if (!rc)
            sum += strtod (value, NULL);
    }
    s_used = sum;
    return rc ? rc : zanni_reply (self, msg, s_since (start));
}

static int
s_doubles (zanni_t *self, zanni_msg_t *msg)
{
    size_t count = 0;
    double sum = 0, value = 0;
    double start = measure_now ();
    int rc = zanni_enter (msg, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        rc = zanni_read (msg, &value);
        sum += value;
    }
    s_used = sum;
    return rc ? rc : zanni_reply (self, msg, s_since (start));
}

/* A reading and what the sender thought of it, which is never looked at. */
static int
s_noted (zanni_t *self, zanni_msg_t *msg)
{
    size_t two;
    double value = 0;
    double start = measure_now ();
    int rc = zanni_enter (msg, &two);
    if (!rc)
        rc = zanni_read (msg, &value);
    s_used = value;
    return rc ? rc : zanni_reply (self, msg, s_since (start));
}

static int
s_number (zanni_t *self, zanni_msg_t *msg)
{
    double value = 0;
    double start = measure_now ();
    int rc = zanni_read (msg, &value);
    s_used = value;
    return rc ? rc : zanni_reply (self, msg, s_since (start));
}

static int
s_document (zanni_t *self, zanni_msg_t *msg)
{
    const document_t *document = NULL;
    double start = measure_now ();
    int rc = zanni_read (msg, ZANNI_INTO (&document_lean, &document));
    if (!rc)
        s_used = document->text [0];
    return rc ? rc : zanni_reply (self, msg, s_since (start));
}

static int
s_whole (zanni_t *self, zanni_msg_t *msg)
{
    const document_t *document = NULL;
    double start = measure_now ();
    int rc = zanni_read (msg, ZANNI_INTO (&document_whole, &document));
    if (!rc)
        s_used = document->text [0];
    return rc ? rc : zanni_reply (self, msg, s_since (start));
}

static double
s_touch (const zanni_buffer_t *buffer)
{
    const unsigned char *data = zanni_buffer_data (buffer);
    double sum = 0;
    for (size_t at = 0; at < zanni_buffer_size (buffer); at += S_PAGE)
        sum += data [at];
    return sum;
}

static int
s_buffer (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer = NULL;
    double start = measure_now ();
    int rc = zanni_read (msg, &buffer);
    if (!rc)
        s_used = s_touch (buffer);
    return rc ? rc : zanni_reply (self, msg, s_since (start));
}

static int
s_bytes (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bytes_t bytes;
    double sum = 0;
    double start = measure_now ();
    int rc = zanni_read (msg, &bytes);
    for (size_t at = 0; !rc && at < bytes.size; at += S_PAGE)
        sum += ((const unsigned char *) bytes.data) [at];
    s_used = sum;
    return rc ? rc : zanni_reply (self, msg, s_since (start));
}

/* The store that it was told last stays open. */
static int
s_enter_store (zanni_t *self, sink_t *sink, const char *place)
{
    if (sink->store && !strcmp (sink->place, place))
        return 0;
    zanni_store_close (&sink->store);
    snprintf (sink->place, sizeof sink->place, "%s", place);
    return zanni_store_open (self, &sink->store, place, NULL);
}

static int
s_stored (zanni_t *self, zanni_msg_t *msg)
{
    sink_t *sink = zanni_state (self);
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    const char *place = NULL;
    zanni_blob_t blob;
    size_t two;
    double start = measure_now ();
    int rc = zanni_enter (msg, &two);
    if (!rc)
        rc = zanni_read (msg, &place, &blob);
    if (!rc)
        rc = s_enter_store (self, sink, place);
    if (!rc)
        rc = zanni_store_get (sink->store, &buffer, &blob);
    if (!rc)
        s_used = s_touch (buffer);
    return rc ? rc : zanni_reply (self, msg, s_since (start));
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    sink_t *sink = zanni_state (self);
    (void) self, (void) reason;
    zanni_store_close (&sink->store);
}

static const zanni_method_t sink_methods [] = {
    ZANNI_METHOD ("pairs", "a{ss}", "t", s_pairs, "Readings as pairs of strings."),
    ZANNI_METHOD ("doubles", "ad", "t", s_doubles, "Readings as numbers."),
    ZANNI_METHOD ("noted", "(ds)", "t", s_noted, "A reading with a note that nobody reads."),
    ZANNI_METHOD ("number", "d", "t", s_number, "A reading."),
    ZANNI_METHOD ("document", "o", "t", s_document, "A document without its index."),
    ZANNI_METHOD ("whole", "o", "t", s_whole, "A document with its index."),
    ZANNI_METHOD ("bytes", "ay", "t", s_bytes, "Bytes in the arguments, of which every page is touched."),
    ZANNI_METHOD ("stored", "(sK)", "t", s_stored, "A store and a blob in it, of which every page is touched."),
    ZANNI_METHOD ("buffer", "B", "t", s_buffer, "Bytes, of which every page is touched."),
    ZANNI_METHOD_END
};
const zanni_class_t sink_class = {
    .name = "sink", .state_size = sizeof (sink_t), .methods = sink_methods, .stop = s_stop,
    .text = "Reads, and says how long it took."
};
