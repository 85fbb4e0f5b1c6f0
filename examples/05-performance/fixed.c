/* fixed.c: a million records, made, filled, read and given back: instances of a registered type with a field table
   against records of malloc whose members are found by name in a hash. No message is sent: pack is making and filling,
   unpack is reading and giving back, and bytes are those of memory that one of them takes. */

#include "measure.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_MEMBERS 4
#define S_SLOTS 8

typedef struct {
    int64_t id;
    double x, y, z;
} point_t;

static const zanni_field_t s_fields [] = {
    ZANNI_FIELD (point_t, id), ZANNI_FIELD (point_t, x), ZANNI_FIELD (point_t, y), ZANNI_FIELD (point_t, z),
    ZANNI_FIELD_END
};
static const zanni_type_t s_point = { .name = "point", .size = sizeof (point_t), .fields = s_fields };

static const char *const s_names [S_MEMBERS] = { "id", "x", "y", "z" };

typedef struct {
    char *names [S_SLOTS];
    char *values [S_SLOTS];
} record_t;

static volatile double s_used;

static size_t
s_slot (const record_t *record, const char *name)
{
    size_t slot = 5381;
    for (const char *at = name; *at; at++)
        slot = slot * 33 + (unsigned char) *at;
    slot %= S_SLOTS;
    while (record->names [slot] && strcmp (record->names [slot], name))
        slot = (slot + 1) % S_SLOTS;
    return slot;
}

static bool
s_set (record_t *record, const char *name, double value)
{
    char text [32];
    size_t slot = s_slot (record, name);
    snprintf (text, sizeof text, "%.6f", value);
    record->names [slot] = strdup (name);
    record->values [slot] = strdup (text);
    return record->names [slot] && record->values [slot];
}

static int
s_make_record (void **place, size_t i)
{
    record_t *record = calloc (1, sizeof *record);
    bool good = record != NULL;
    *place = record;
    for (size_t k = 0; good && k < S_MEMBERS; k++)
        good = s_set (record, s_names [k], (double) (i + k));
    return good ? 0 : ZANNI_ENOMEM;
}

static double
s_end_record (void *place)
{
    record_t *record = place;
    double sum = 0;
    for (size_t k = 0; record && k < S_MEMBERS; k++) {
        const char *value = record->values [s_slot (record, s_names [k])];
        sum += value ? strtod (value, NULL) : 0;
    }
    for (size_t k = 0; record && k < S_SLOTS; k++) {
        free (record->names [k]);
        free (record->values [k]);
    }
    free (record);
    return sum;
}

static int
s_make_point (void **place, size_t i)
{
    point_t *point = NULL;
    int rc = zanni_type_new (&point, &s_point);
    if (rc)
        return rc;
    *point = (point_t) { (int64_t) i, (double) (i + 1), (double) (i + 2), (double) (i + 3) };
    *place = point;
    return 0;
}

static double
s_end_point (void *place)
{
    point_t *point = place;
    double sum = point ? (double) point->id + point->x + point->y + point->z : 0;
    zanni_type_destroy (&point);
    return sum;
}

static double
s_memory (void)
{
    struct mallinfo2 info = mallinfo2 ();
    return (double) (info.uordblks + info.hblkhd);
}

static int
s_run (cost_t *cost, size_t count, int (*make) (void **place, size_t i), double (*end) (void *place))
{
    void **all = calloc (count, sizeof *all);
    double sum = 0;
    int rc = all ? 0 : ZANNI_ENOMEM;
    double memory = s_memory ();
    double start = measure_now ();
    for (size_t i = 0; !rc && i < count; i++)
        rc = make (&all [i], i);
    double made = measure_now ();
    cost->bytes = (s_memory () - memory) / (double) count;
    double read = measure_now ();
    for (size_t i = 0; all && i < count; i++)
        sum += end (all [i]);
    cost->unpack = (measure_now () - read) / (double) count;
    cost->pack = (made - start) / (double) count;
    cost->transport = 0;
    cost->seconds = cost->pack + cost->unpack;
    s_used = sum;
    free (all);
    return rc;
}

int
tip_fixed (outcome_t *outcome, bool quick)
{
    size_t count = quick ? 200000 : 1000000;
    cost_t records, points;
    int rc = s_run (&points, count, s_make_point, s_end_point);   // memory is what the first run takes
    double bytes = points.bytes;
    if (!rc)
        rc = s_run (&records, count, s_make_record, s_end_record);
    if (!rc)
        rc = s_run (&points, count, s_make_point, s_end_point);
    if (rc)
        return rc;
    if (points.bytes < bytes)
        points.bytes = bytes;   // the pool kept them
    outcome_add (outcome, "hash of strings, malloc", &records);
    outcome_add (outcome, "fields, out of a pool", &points);
    outcome->ratio = records.seconds / points.seconds;
    return 0;
}
