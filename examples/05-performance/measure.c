/* measure.c: the time of a message, split in three.

   The program makes the argument and looks at the clock: pack. It asks the sink, which looks at the clock before and
   after it reads, and answers the difference: unpack. What is left of the round trip is transport, with everything that
   zanni does itself, and the system: with one message under way that is to wake two threads, most of all. Where the work
   is what is compared, a window of messages is sent before the answers are read, and shares the wake-ups. A machine that
   does something else meanwhile makes rounds longer and never shorter, so the shortest counts, and one goes ahead that
   does not, with first touches of memory and lookups. */

#include "measure.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

double
measure_now (void)
{
    struct timespec now;
    (void) clock_gettime (CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

int
stage_open (stage_t *stage, zanni_place_t place, zanni_options_t options)
{
    options.name = "performance";
    options.ask_deadline_ms = 60000;
    options.mailbox_bytes = UINT64_C (1) << 40;
    options.window_bytes = UINT64_C (1) << 40;
    options.counts = true;
    *stage = (stage_t) { NULL, NULL };
    int rc = zanni_new (&stage->self, &options);
    if (!rc)
        rc = zanni_spawn (stage->self, &stage->sink, "sink", &(zanni_spawn_t) { .place = place });
    if (rc)
        stage_close (stage);
    return rc;
}

void
stage_close (stage_t *stage)
{
    zanni_ref_destroy (&stage->sink);
    (void) zanni_destroy (&stage->self);
}

static int
s_send (cost_t *sum, stage_t *stage, const way_t *way)
{
    zanni_arg_t arg;
    double start = measure_now ();
    int rc = way->make (stage->self, &arg, way->context);
    if (rc)
        return rc;
    double made = measure_now ();
    rc = zanni_ask_args (stage->self, stage->sink, NULL, way->method, &arg, 1);
    double sent = measure_now ();
    if (way->done)
        way->done (way->context);
    sum->pack += made - start + measure_now () - sent;   // giving back belongs to making
    return rc;
}

static int
s_answer (cost_t *sum, stage_t *stage)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    uint64_t nanoseconds = 0;
    int rc = zanni_receive (stage->self, &reply, -1);   // the ask has a deadline
    if (!rc && zanni_msg_kind (reply) != ZANNI_MSG_REPLY)
        rc = ZANNI_ENOREPLY;
    if (!rc)
        rc = zanni_read (reply, &nanoseconds);
    sum->unpack += (double) nanoseconds / 1e9;
    return rc;
}

static int
s_round (cost_t *cost, stage_t *stage, const way_t *way)
{
    cost_t sum = { .pack = 0 };
    unsigned window = way->window ? way->window : 1, sent = 0, answered = 0;
    int rc = 0;
    double start = measure_now ();
    while (!rc && answered < way->repeats) {
        while (!rc && sent < way->repeats && sent - answered < window) {
            rc = s_send (&sum, stage, way);
            sent++;
        }
        for (; !rc && answered < sent; answered++)
            rc = s_answer (&sum, stage);
    }
    double seconds = measure_now () - start;
    double rest = seconds - sum.pack - sum.unpack;
    *cost = (cost_t) {
        .seconds = seconds / way->repeats, .pack = sum.pack / way->repeats, .unpack = sum.unpack / way->repeats,
        .transport = rest > 0 ? rest / way->repeats : 0   // with a window the two sides work at once
    };
    return rc;
}

static const cost_t *
s_shortest (const cost_t rounds [])
{
    const cost_t *shortest = rounds;
    for (size_t i = 1; i < MEASURE_ROUNDS; i++)
        if (rounds [i].seconds < shortest->seconds)
            shortest = &rounds [i];
    return shortest;
}

int
stage_count (stage_t *stage, zanni_count_t *count, const char *method)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    size_t rows = 0, members;
    *count = (zanni_count_t) { .method = method };
    int rc = zanni_call (stage->self, &reply, stage->sink, "zanni.counts");
    if (!rc)
        rc = zanni_enter (reply, &rows);
    for (size_t i = 0; !rc && i < rows; i++) {
        zanni_count_t row;
        rc = zanni_enter (reply, &members);
        if (!rc)
            rc = zanni_read (reply, &row.class_name, &row.method, &row.messages, &row.argument_bytes,
                             &row.buffer_bytes, &row.largest_bytes);
        if (!rc)
            rc = zanni_leave (reply);
        if (!rc && !strcmp (row.class_name, "sink") && !strcmp (row.method, method)) {
            *count = row;
            count->class_name = "sink";
            count->method = method;
        }
    }
    return rc;
}

/* Each round of one way is followed by one of the next, so that what disturbs a while disturbs all. */
int
measure (cost_t *costs, stage_t *stage, const way_t *ways, size_t count)
{
    cost_t rounds [MEASURE_WAYS] [MEASURE_ROUNDS];
    zanni_count_t before [MEASURE_WAYS], after;
    int rc = 0;
    for (size_t way = 0; !rc && way < count; way++) {
        rc = s_round (&rounds [way] [0], stage, &ways [way]);
        if (!rc)
            rc = stage_count (stage, &before [way], ways [way].method);
    }
    for (size_t i = 0; !rc && i < MEASURE_ROUNDS * count; i++)
        rc = s_round (&rounds [i % count] [i / count], stage, &ways [i % count]);
    for (size_t way = 0; !rc && way < count; way++) {
        const zanni_count_t *was = &before [way];
        rc = stage_count (stage, &after, ways [way].method);
        if (rc)
            break;
        costs [way] = *s_shortest (rounds [way]);
        costs [way].bytes = (double) (after.argument_bytes + after.buffer_bytes - was->argument_bytes - was->buffer_bytes)
                            / (double) (after.messages - was->messages);
    }
    return rc;
}

void
outcome_add (outcome_t *outcome, const char *label, const cost_t *cost)
{
    row_t *row = &outcome->rows [outcome->count++];
    snprintf (row->label, sizeof row->label, "%s", label);
    row->cost = *cost;
}
