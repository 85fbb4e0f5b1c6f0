/* stores.c: large data to an actor in a process of its own, inside the arguments of a message against a reference to where a
   store has it. The buffer of the third way is what travels where nobody needs it any more behind the message. */

#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zanni/store.h>

#if defined HAS_LMDB
#include <zanni/lmdb.h>
#endif

#define S_MIB ((size_t) 1 << 20)
#define S_PROMISED (16 * S_MIB)

/* One way to send `size` bytes. */
typedef struct {
    size_t size;
    char *data;              // of arguments
    zanni_buffer_t *buffer;
    const char *place;
    zanni_store_t *store;
    bool put;                // there is a blob, whose message may be under way
    zanni_blob_t blob;
    zanni_arg_t pair [2];    // the place and the blob
} parcel_t;

static int
s_make_bytes (zanni_t *self, zanni_arg_t *arg, void *context)
{
    parcel_t *parcel = context;
    (void) self;
    memset (parcel->data, 7, parcel->size);
    *arg = zanni_arg_bytes (parcel->data, parcel->size);
    return 0;
}

static int
s_fill (zanni_t *self, parcel_t *parcel)
{
    void *data;
    int rc = zanni_buffer_new (self, &parcel->buffer, parcel->size);
    if (!rc)
        rc = zanni_buffer_edit (&data, parcel->buffer);
    if (!rc)
        memset (data, 7, parcel->size);
    return rc;
}

static int
s_make_buffer (zanni_t *self, zanni_arg_t *arg, void *context)
{
    parcel_t *parcel = context;
    int rc = s_fill (self, parcel);
    *arg = zanni_arg_buffer (parcel->buffer);
    return rc;
}

/* The blob before has been read. */
static int
s_make_blob (zanni_t *self, zanni_arg_t *arg, void *context)
{
    parcel_t *parcel = context;
    int rc = parcel->put ? zanni_store_delete (parcel->store, &parcel->blob) : 0;
    parcel->put = false;
    if (!rc)
        rc = s_fill (self, parcel);
    if (!rc)
        rc = zanni_store_put (parcel->store, &parcel->blob, parcel->buffer);
    parcel->put = !rc;
    parcel->pair [0] = zanni_arg_string (parcel->place);
    parcel->pair [1] = zanni_arg_blob (&parcel->blob);
    *arg = zanni_arg_list (parcel->pair, 2);
    return rc;
}

static void
s_done (void *context)
{
    parcel_t *parcel = context;
    zanni_buffer_destroy (&parcel->buffer);
}

static int
s_add (outcome_t *outcome, cost_t *cost, stage_t *stage, const way_t *way, const char *name)
{
    const parcel_t *parcel = way->context;
    char label [40];
    int rc = measure (cost, stage, way, 1);
    snprintf (label, sizeof label, "%zu MiB %.20s", parcel->size / S_MIB, name);
    if (!rc)
        outcome_add (outcome, label, cost);
    return rc;
}

static int
s_store (outcome_t *outcome, cost_t *cost, stage_t *stage, const char *place, size_t size)
{
    parcel_t parcel = { .size = size, .place = place };
    const way_t way = { "stored", s_make_blob, s_done, &parcel, size > S_MIB ? 2 : 20, 0 };
    int rc = zanni_store_open (stage->self, &parcel.store, place, NULL);
    char name [8] = "";
    strncat (name, place, strcspn (place, ":") < sizeof name ? strcspn (place, ":") : sizeof name - 1);
    if (!rc)
        rc = s_add (outcome, cost, stage, &way, name);
    zanni_store_close (&parcel.store);
    return rc;
}

static int
s_size (outcome_t *outcome, stage_t *stage, const char *const *places, size_t size)
{
    parcel_t parcel = { .size = size, .data = malloc (size) };
    unsigned repeats = size > S_MIB ? 2 : 20;
    const way_t ways [2] = {
        { "bytes", s_make_bytes, NULL, &parcel, repeats, 0 }, { "buffer", s_make_buffer, s_done, &parcel, repeats, 0 }
    };
    cost_t inside, beside, one;
    double shortest = 0;   // by a store
    int rc = parcel.data ? s_add (outcome, &inside, stage, &ways [0], "in the arguments") : ZANNI_ENOMEM;
    for (size_t i = 0; !rc && places [i]; i++) {
        rc = s_store (outcome, &one, stage, places [i], size);
        if (!i || one.seconds < shortest)
            shortest = one.seconds;
    }
    if (!rc)
        rc = s_add (outcome, &beside, stage, &ways [1], "a buffer");
    if (!rc && size == S_PROMISED)
        outcome->ratio = inside.seconds / shortest;
    free (parcel.data);
    return rc;
}

/* Without a server, and a store that needs a library where that is there. */
static int
s_measure (outcome_t *outcome, stage_t *stage, const char *folder, bool quick)
{
    static const size_t sizes [] = { S_MIB, S_PROMISED, 100 * S_MIB };
    char file [64], lmdb [64];
    snprintf (file, sizeof file, "file:%s", folder);
    snprintf (lmdb, sizeof lmdb, "lmdb:%s", folder);
    const char *places [5] = { "shm:", "peer:", file };
    int rc = 0;
#if defined HAS_LMDB
    places [3] = lmdb;
#endif
    for (size_t i = 0; !rc && i < (quick ? 2 : 3); i++)
        rc = s_size (outcome, stage, places, sizes [i]);
    return rc;
}

int
tip_stores (outcome_t *outcome, bool quick)
{
    stage_t stage;
    char folder [] = P_tmpdir "/performance-XXXXXX", command [64];
    if (!mkdtemp (folder))
        return ZANNI_ESYSTEM;
    int rc = stage_open (&stage, ZANNI_PROCESS, (zanni_options_t) { 0 });
    if (!rc)
        rc = s_measure (outcome, &stage, folder, quick);
    stage_close (&stage);
    snprintf (command, sizeof command, "rm -r %s", folder);
    return system (command) && !rc ? ZANNI_ESYSTEM : rc;
}
