/* simplify.c: the same four thousand readings as pairs of strings and as numbers; one reading with a note that nobody reads
   and without it, which is what the counters of a node show. */

#include "measure.h"

#include <stdio.h>
#include <string.h>

#define S_READINGS 4000
#define S_NOTE 4000

typedef struct {
    double values [S_READINGS];
    zanni_list_t *list;
} readings_t;

static int
s_make_pairs (zanni_t *self, zanni_arg_t *arg, void *context)
{
    (void) self;
    readings_t *readings = context;
    char name [32], value [32];
    int rc = zanni_list_new (&readings->list);
    for (size_t i = 0; !rc && i < S_READINGS; i++) {
        snprintf (name, sizeof name, "temperature-%zu", i);
        snprintf (value, sizeof value, "%.6f", readings->values [i]);
        rc = zanni_list_append (readings->list, ZANNI_LIST ((const char *) name, (const char *) value));
    }
    if (rc)
        zanni_list_destroy (&readings->list);
    else
        *arg = zanni_list_arg (readings->list);
    return rc;
}

static void
s_done_pairs (void *context)
{
    readings_t *readings = context;
    zanni_list_destroy (&readings->list);
}

static int
s_make_doubles (zanni_t *self, zanni_arg_t *arg, void *context)
{
    (void) self;
    readings_t *readings = context;
    *arg = zanni_arg_doubles (readings->values, S_READINGS);
    return 0;
}

int
tip_simplify (outcome_t *outcome, bool quick)
{
    static readings_t readings;
    stage_t stage;
    cost_t costs [2];
    for (size_t i = 0; i < S_READINGS; i++)
        readings.values [i] = 20.0 + (double) i / 997.0;
    int rc = stage_open (&stage, ZANNI_PROCESS, (zanni_options_t) { 0 });
    if (rc)
        return rc;
    unsigned repeats = quick ? 40 : 200;
    const way_t ways [2] = {
        { "pairs", s_make_pairs, s_done_pairs, &readings, repeats, MEASURE_WINDOW },
        { "doubles", s_make_doubles, NULL, &readings, repeats, MEASURE_WINDOW }
    };
    rc = measure (costs, &stage, ways, 2);
    if (!rc) {
        outcome_add (outcome, "4000 pairs of strings", &costs [0]);
        outcome_add (outcome, "4000 numbers", &costs [1]);
        outcome->ratio = costs [0].seconds / costs [1].seconds;
    }
    stage_close (&stage);
    return rc;
}

static zanni_arg_t s_noted_args [2];

static int
s_make_noted (zanni_t *self, zanni_arg_t *arg, void *context)
{
    (void) self;
    s_noted_args [0] = zanni_arg_double (21.5);
    s_noted_args [1] = zanni_arg_string (context);
    *arg = zanni_arg_list (s_noted_args, 2);
    return 0;
}

static int
s_make_number (zanni_t *self, zanni_arg_t *arg, void *context)
{
    (void) self;
    (void) context;
    *arg = zanni_arg_double (21.5);
    return 0;
}

static void
s_print_count (const zanni_count_t *count)
{
    printf ("    counted: %s.%s: %llu messages, %.0f bytes each\n", count->class_name, count->method,
            (unsigned long long) count->messages,
            (double) (count->argument_bytes + count->buffer_bytes) / (double) count->messages);
}

int
tip_trim (outcome_t *outcome, bool quick)
{
    stage_t stage;
    cost_t costs [2];
    zanni_count_t counts [2];
    char note [S_NOTE + 1];
    memset (note, 'n', S_NOTE);
    note [S_NOTE] = 0;
    int rc = stage_open (&stage, ZANNI_PROCESS, (zanni_options_t) { 0 });
    if (rc)
        return rc;
    unsigned repeats = quick ? 50 : 500;
    const way_t ways [2] = {
        { "noted", s_make_noted, NULL, note, repeats, 0 },
        { "number", s_make_number, NULL, NULL, repeats, 0 }
    };
    rc = measure (costs, &stage, ways, 2);
    if (!rc)
        rc = stage_count (&stage, &counts [0], "noted");
    if (!rc)
        rc = stage_count (&stage, &counts [1], "number");
    if (!rc) {
        s_print_count (&counts [0]);
        s_print_count (&counts [1]);
        outcome_add (outcome, "a number and a note", &costs [0]);
        outcome_add (outcome, "a number", &costs [1]);
        outcome->ratio = costs [0].bytes / costs [1].bytes;
    }
    stage_close (&stage);
    return rc;
}
