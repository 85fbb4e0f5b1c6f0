/* measure.c: the time of a message, split in three.

   The program makes the argument and looks at the clock: pack. It calls the sink, which looks at the clock before and
   after it reads, and answers the difference: unpack. What is left of the round trip is transport, with everything that
   zanni does itself. A machine that does something else meanwhile makes rounds longer and never shorter, so the shortest
   counts, and one goes ahead that does not, with first touches of memory and lookups. */

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

double
cost_seconds (const cost_t *cost)
{
    return cost->pack + cost->transport + cost->unpack;
}

static int
s_one (cost_t *sum, stage_t *stage, const way_t *way)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_arg_t arg;
    uint64_t nanoseconds = 0;
    double start = measure_now ();
    int rc = way->make (stage->self, &arg, way->context);
    if (rc)
        return rc;
    double made = measure_now ();
    rc = zanni_call_args (stage->self, &reply, stage->sink, NULL, way->method, &arg, 1);
    double answered = measure_now ();
    if (way->done)
        way->done (way->context);
    double end = measure_now ();
    if (!rc)
        rc = zanni_read (reply, &nanoseconds);
    double unpack = (double) nanoseconds / 1e9;
    sum->pack += made - start + end - answered;   // giving back belongs to making
    sum->unpack += unpack;
    sum->transport += answered - made - unpack;
    return rc;
}

static int
s_round (cost_t *cost, stage_t *stage, const way_t *way)
{
    cost_t sum = { .pack = 0 };
    int rc = 0;
    for (unsigned i = 0; !rc && i < way->repeats; i++)
        rc = s_one (&sum, stage, way);
    *cost = (cost_t) {
        .pack = sum.pack / way->repeats, .transport = sum.transport / way->repeats, .unpack = sum.unpack / way->repeats
    };
    return rc;
}

static const cost_t *
s_shortest (const cost_t rounds [])
{
    const cost_t *shortest = rounds;
    for (size_t i = 1; i < MEASURE_ROUNDS; i++)
        if (cost_seconds (&rounds [i]) < cost_seconds (shortest))
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

int
measure (cost_t *cost, stage_t *stage, const way_t *way)
{
    cost_t rounds [MEASURE_ROUNDS];
    zanni_count_t before, after;
    int rc = s_round (&rounds [0], stage, way);
    if (!rc)
        rc = stage_count (stage, &before, way->method);
    for (size_t i = 0; !rc && i < MEASURE_ROUNDS; i++)
        rc = s_round (&rounds [i], stage, way);
    if (!rc)
        rc = stage_count (stage, &after, way->method);
    if (rc)
        return rc;
    *cost = *s_shortest (rounds);
    cost->bytes = (double) (after.argument_bytes + after.buffer_bytes - before.argument_bytes - before.buffer_bytes)
                  / (double) (after.messages - before.messages);
    return 0;
}

void
outcome_add (outcome_t *outcome, const char *label, const cost_t *cost)
{
    row_t *row = &outcome->rows [outcome->count++];
    snprintf (row->label, sizeof row->label, "%s", label);
    row->cost = *cost;
}
