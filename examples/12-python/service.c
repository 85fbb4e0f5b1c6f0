/* service: what the Python program uses, as a node of its own that listens by tcp.

   The program's own thread is the actor that everybody gets who connects. It scales tables, hires workers, counts
   down to somebody, and watches him. What it knows of Python is references: to it, an actor there is like any other.
   With a secret in ZANNI_SECRET only who has it, too, can connect; without, everybody on this host. It prints where
   it listens, and ends when it is told to. */

#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zanni.h>

typedef struct {
    zanni_ref_t *kept;           // whom it was asked to keep alive
    zanni_promise_t *counted;    // the ask for the countdown that is under way
    zanni_promise_t *pondered;   // an ask that is never answered
    int64_t gone;                // watched actors that have ended
    char why [64];               // the last of them did
} service_t;

/* Numbers of any shape, times a factor: what came is read where it lies, what leaves is filled in place. */
static int
service_scale (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_buffer_t) scaled = NULL;
    const zanni_buffer_t *table;
    zanni_element_t element = ZANNI_RAW;
    uint64_t shape [ZANNI_BUFFER_DIMENSIONS];
    void *cells;
    double factor;
    int rc = zanni_read (msg, &table, &factor);
    if (rc)
        return rc;
    size_t size = zanni_buffer_size (table), dimensions = zanni_buffer_array (table, &element, shape);
    if (element != ZANNI_FLOAT64 || !dimensions)
        return zanni_fail (self, msg, 1, "float64 is wanted");
    rc = zanni_buffer_new (self, &scaled, size);
    if (!rc)
        rc = zanni_buffer_edit (&cells, scaled);
    for (size_t i = 0; !rc && i < size / sizeof (double); i++)
        ((double *) cells) [i] = ((const double *) zanni_buffer_data (table)) [i] * factor;
    if (!rc)
        rc = zanni_buffer_set_array (scaled, ZANNI_FLOAT64, dimensions, shape);
    return rc ? rc : zanni_reply (self, msg, scaled);
}

static int
service_echo (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    return rc ? rc : zanni_reply (self, msg, buffer);
}

static int
service_join (zanni_t *self, zanni_msg_t *msg)
{
    char joined [8192] = "";
    size_t count, used = 0;
    int rc = zanni_enter (msg, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        const char *word;
        rc = zanni_read (msg, &word);
        if (!rc && used + strlen (word) < sizeof joined)
            used += (size_t) snprintf (joined + used, sizeof joined - used, "%s", word);
    }
    return rc ? rc : zanni_reply (self, msg, joined);
}

/* The worker lives as long as whoever asked, or somebody else, has the reference. */
static int
service_hire (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_ref_t) worker = NULL;
    int rc = zanni_spawn (self, &worker, "worker", NULL);
    return rc ? rc : zanni_reply (self, msg, worker);
}

static int
service_workers (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, worker_count ());
}

static void
s_enough (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    service_t *service = arg;
    zanni_error_t error;
    const char *word;
    int rc;
    if (!zanni_msg_error (reply, &error))
        rc = zanni_promise_fail (self, &service->counted, 3, error.text);
    else if (zanni_read (reply, &word))
        rc = zanni_promise_fail (self, &service->counted, 3, "no word");
    else
        rc = zanni_promise_reply (self, &service->counted, word);
    (void) rc;   // who asked does not wait any longer
}

/* Tells somebody each number, asks him at the end, and answers what he says. */
static int
service_count (zanni_t *self, zanni_msg_t *msg)
{
    service_t *service = zanni_state (self);
    const zanni_ref_t *to;
    int64_t from;
    int rc = zanni_read (msg, &to, &from);
    if (rc)
        return rc;
    if (service->counted)
        return zanni_fail (self, msg, 4, "one at a time");
    while (!rc && from > 0)
        rc = zanni_tell (self, to, "tick", from--);
    if (!rc)
        rc = zanni_promise_new (self, &service->counted, msg);
    const zanni_ask_t then = { .then = s_enough, .arg = service };
    if (!rc)
        rc = zanni_ask (self, to, &then, "enough", "zero");
    if (rc && service->counted)
        zanni_promise_destroy (&service->counted);
    return rc;
}

static int
service_ponder (zanni_t *self, zanni_msg_t *msg)
{
    service_t *service = zanni_state (self);
    zanni_promise_destroy (&service->pondered);
    return zanni_promise_new (self, &service->pondered, msg);
}

static int
service_refuse (zanni_t *self, zanni_msg_t *msg)
{
    const char *text;
    int rc = zanni_read (msg, &text);
    return rc ? rc : zanni_fail (self, msg, 42, text, "why", 6, 7);
}

static int
service_watch (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *whom;
    uint64_t monitor;
    int rc = zanni_read (msg, &whom);
    return rc ? rc : zanni_monitor (self, &monitor, whom);
}

static void
service_down (zanni_t *self, const zanni_down_t *down)
{
    service_t *service = zanni_state (self);
    service->gone++;
    (void) zanni_reason_string (&down->reason, service->why, sizeof service->why);
}

static int
service_gone (zanni_t *self, zanni_msg_t *msg)
{
    const service_t *service = zanni_state (self);
    return zanni_reply (self, msg, service->gone, service->why);
}

static int
service_keep (zanni_t *self, zanni_msg_t *msg)
{
    service_t *service = zanni_state (self);
    const zanni_ref_t *whom;
    int rc = zanni_read (msg, &whom);
    zanni_ref_destroy (&service->kept);
    return rc ? rc : zanni_ref_keep (self, &service->kept, whom);
}

static int
service_kept (zanni_t *self, zanni_msg_t *msg)
{
    const service_t *service = zanni_state (self);
    return service->kept ? zanni_reply (self, msg, service->kept) : zanni_fail (self, msg, 5, "nobody is kept");
}

static int
service_forget (zanni_t *self, zanni_msg_t *msg)
{
    service_t *service = zanni_state (self);
    (void) msg;
    zanni_ref_destroy (&service->kept);
    return 0;
}

static int
service_stop_now (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static void
service_stop (zanni_t *self, const zanni_reason_t *reason)
{
    service_t *service = zanni_state (self);
    (void) reason;
    zanni_ref_destroy (&service->kept);
    zanni_promise_destroy (&service->counted);
    zanni_promise_destroy (&service->pondered);
}

static const zanni_method_t service_methods [] = {
    ZANNI_METHOD ("scale", "Bd", "B", service_scale, "A table of float64, times a factor."),
    ZANNI_METHOD ("echo", "B", "B", service_echo, "The same buffer."),
    ZANNI_METHOD ("join", "as", "s", service_join, "One word of many."),
    ZANNI_METHOD ("hire", "", "r", service_hire, "A worker, for as long as somebody holds it."),
    ZANNI_METHOD ("workers", "", "x", service_workers, "How many there are."),
    ZANNI_METHOD ("count", "rx", "s", service_count, "Tell somebody to tick so many times, then ask him."),
    ZANNI_METHOD ("ponder", "", "", service_ponder, "Never answer."),
    ZANNI_METHOD ("refuse", "s", "", service_refuse, "Answer an error with this text."),
    ZANNI_METHOD ("watch", "r", "", service_watch, "Learn of the end of somebody."),
    ZANNI_METHOD ("gone", "", "xs", service_gone, "How many of those have ended, and why the last one did."),
    ZANNI_METHOD ("keep", "r", "", service_keep, "Keep a reference."),
    ZANNI_METHOD ("kept", "", "r", service_kept, "The reference that is kept."),
    ZANNI_METHOD ("forget", "", "", service_forget, "Keep it no longer."),
    ZANNI_METHOD ("stop", "", "", service_stop_now, "End the program."), ZANNI_METHOD_END
};
static const zanni_class_t service_class = {
    .name = "service", .state_size = sizeof (service_t), .methods = service_methods, .down = service_down,
    .stop = service_stop
};
static const zanni_class_t *const classes [] = { &service_class, &worker_class, NULL };

int
main (int argc, char **argv)
{
    zanni_init (classes);
    ZANNI_AUTO (zanni_t) self = NULL;
    const zanni_options_t options = { .name = "service", .insecure = true };   // if there is no secret, on this host
    const char *endpoint = argc > 1 ? argv [1] : "tcp://127.0.0.1:0", *bound;
    int rc = zanni_new (&self, &options);
    if (!rc)
        rc = zanni_serve (self, "service");
    if (!rc)
        rc = zanni_bind (self, endpoint, NULL);
    if (!rc)
        rc = zanni_endpoint (self, &bound);
    if (!rc) {
        printf ("%s\n", bound);
        fflush (stdout);
        rc = zanni_run (self, -1);
    }
    if (rc)
        fprintf (stderr, "service: %s: %s\n", endpoint, zanni_strerror (rc));
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
