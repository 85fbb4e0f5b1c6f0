/* simplify.c: the same thousand readings as pairs of strings and as numbers; one reading with a note that nobody reads
   and without it, which is what the counters of a node show. */

#include "measure.h"

#include <stdio.h>
#include <string.h>

#define S_READINGS 1000
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
    cost_t pairs, doubles;
    for (size_t i = 0; i < S_READINGS; i++)
        readings.values [i] = 20.0 + (double) i / 997.0;
    int rc = stage_open (&stage, ZANNI_PROCESS, (zanni_options_t) { 0 });
    if (rc)
        return rc;
    unsigned repeats = quick ? 20 : 200;
    rc = measure (&pairs, &stage, &(way_t) { "pairs", s_make_pairs, s_done_pairs, &readings, repeats });
    if (!rc)
        rc = measure (&doubles, &stage, &(way_t) { "doubles", s_make_doubles, NULL, &readings, repeats });
    if (!rc) {
        outcome_add (outcome, "1000 pairs of strings", &pairs);
        outcome_add (outcome, "1000 numbers", &doubles);
        outcome->ratio = cost_seconds (&pairs) / cost_seconds (&doubles);
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
    cost_t noted, number;
    zanni_count_t counts [2];
    char note [S_NOTE + 1];
    memset (note, 'n', S_NOTE);
    note [S_NOTE] = 0;
    int rc = stage_open (&stage, ZANNI_PROCESS, (zanni_options_t) { 0 });
    if (rc)
        return rc;
    unsigned repeats = quick ? 50 : 500;
    rc = measure (&noted, &stage, &(way_t) { "noted", s_make_noted, NULL, note, repeats });
    if (!rc)
        rc = measure (&number, &stage, &(way_t) { "number", s_make_number, NULL, NULL, repeats });
    if (!rc)
        rc = stage_count (&stage, &counts [0], "noted");
    if (!rc)
        rc = stage_count (&stage, &counts [1], "number");
    if (!rc) {
        s_print_count (&counts [0]);
        s_print_count (&counts [1]);
        outcome_add (outcome, "a number and a note", &noted);
        outcome_add (outcome, "a number", &number);
        outcome->ratio = noted.bytes / number.bytes;
    }
    stage_close (&stage);
    return rc;
}
