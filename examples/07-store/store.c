/* store: large results stay in a store, and messages carry references to them.

   A producer computes tables of numbers, puts each into a store and tells the consumer only where it is: forty bytes. The
   consumer, in another process, gets the bytes when it wants them, which maps them and copies nothing, and says when it
   is done; then the producer deletes them. A message never grows with what it is about, a consumer that is slow keeps no
   mailbox full of data, and references can be passed on to whoever wants to look.

   Which store it is stands in one word on the command line. `shm:` is memory of the producer's process, which others on
   the host map; `peer:` the same, served to whatever node asks; `file:FOLDER` keeps blobs on a disk, where they outlive every
   process. Nothing else in here changes. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zanni.h>

#if defined HAS_LMDB
#include <zanni/lmdb.h>
#endif
#if defined HAS_REDIS
#include <zanni/redis.h>
#endif

#define ROWS 1024
#define COLUMNS 1024
#define TABLES 20
#define AT_ONCE 4   // tables that wait for the consumer

typedef struct {
    zanni_store_t *store;
    zanni_ref_t *consumer;
    zanni_promise_t *finished;   // the program's ask, answered when all is done
    int64_t made, wanted, out;
} producer_t;

typedef struct {
    zanni_store_t *store;
    int64_t whole;
} consumer_t;

static double
cell (int64_t table, size_t at)
{
    return (double) table + (double) at / 1024;
}

/* A table in a buffer of zanni's, filled in place: putting it into shared memory copies nothing. */
static int
make_table (zanni_t *self, zanni_buffer_t **buffer_p, int64_t table)
{
    static const uint64_t shape [2] = { ROWS, COLUMNS };
    void *data;
    int rc = zanni_buffer_new (self, buffer_p, sizeof (double) * ROWS * COLUMNS);
    if (!rc)
        rc = zanni_buffer_edit (&data, *buffer_p);
    for (size_t i = 0; !rc && i < ROWS * COLUMNS; i++)
        ((double *) data) [i] = cell (table, i);
    return rc ? rc : zanni_buffer_set_array (*buffer_p, ZANNI_FLOAT64, 2, shape);
}

/* As many as may wait. */
static int
produce (zanni_t *self)
{
    producer_t *producer = zanni_state (self);
    int rc = 0;
    while (!rc && producer->made < producer->wanted && producer->out < AT_ONCE) {
        ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
        zanni_blob_t blob;
        rc = make_table (self, &buffer, producer->made);
        if (!rc)
            rc = zanni_store_put (producer->store, &blob, buffer);
        if (!rc)
            rc = zanni_tell (self, producer->consumer, "look", zanni_self (self), producer->made,
                             &blob);
        producer->made += !rc;
        producer->out += !rc;
    }
    return rc;
}

static int
producer_begin (zanni_t *self, zanni_msg_t *msg)
{
    producer_t *producer = zanni_state (self);
    const zanni_ref_t *consumer;
    const char *place;
    int rc = zanni_read (msg, &place, &consumer, &producer->wanted);
    if (!rc)
        rc = zanni_store_open (self, &producer->store, place, NULL);
    if (!rc)
        rc = zanni_ref_keep (self, &producer->consumer, consumer);
    if (!rc)
        rc = zanni_promise_new (self, &producer->finished, msg);
    return rc ? rc : produce (self);
}

/* The consumer has looked at one: it is not needed any more. */
static int
producer_done (zanni_t *self, zanni_msg_t *msg)
{
    producer_t *producer = zanni_state (self);
    zanni_blob_t blob;
    int rc = zanni_read (msg, &blob);
    if (rc)
        return rc;
    rc = zanni_store_delete (producer->store, &blob);
    producer->out--;
    if (!rc)
        rc = produce (self);
    if (!rc && !producer->out && producer->made == producer->wanted)
        rc = zanni_promise_reply (self, &producer->finished, producer->made);
    return rc;
}

static void
producer_stop (zanni_t *self, const zanni_reason_t *reason)
{
    producer_t *producer = zanni_state (self);
    (void) self, (void) reason;
    zanni_ref_destroy (&producer->consumer);
    zanni_store_close (&producer->store);
}

static int
consumer_open (zanni_t *self, zanni_msg_t *msg)
{
    consumer_t *consumer = zanni_state (self);
    const char *place;
    int rc = zanni_read (msg, &place);
    return rc ? rc : zanni_store_open (self, &consumer->store, place, NULL);
}

static int
consumer_look (zanni_t *self, zanni_msg_t *msg)
{
    consumer_t *consumer = zanni_state (self);
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    const zanni_ref_t *producer;
    zanni_blob_t blob;
    int64_t table;
    int rc = zanni_read (msg, &producer, &table, &blob);
    if (rc)
        return rc;
    rc = zanni_store_get (consumer->store, &buffer, &blob);
    if (rc)
        return rc;
    const double *cells = zanni_buffer_data (buffer);
    size_t good = 0;
    while (good < ROWS * COLUMNS && cells [good] == cell (table, good))
        good++;
    consumer->whole += good == ROWS * COLUMNS;
    return zanni_tell (self, producer, "done", &blob);
}

static int
consumer_whole (zanni_t *self, zanni_msg_t *msg)
{
    const consumer_t *consumer = zanni_state (self);
    return zanni_reply (self, msg, consumer->whole);
}

static void
consumer_stop (zanni_t *self, const zanni_reason_t *reason)
{
    consumer_t *consumer = zanni_state (self);
    (void) self, (void) reason;
    zanni_store_close (&consumer->store);
}

static const zanni_method_t producer_methods [] = {
    ZANNI_METHOD ("begin", "srx", "x", producer_begin, "Put so many tables into the store for the consumer; answers at the end."),
    ZANNI_METHOD ("done", "K", "", producer_done, "A table is not needed any more."), ZANNI_METHOD_END
};
static const zanni_method_t consumer_methods [] = {
    ZANNI_METHOD ("open", "s", "", consumer_open, "Look into this store."),
    ZANNI_METHOD ("look", "rxK", "", consumer_look, "A table lies there."),
    ZANNI_METHOD ("whole", "", "x", consumer_whole, "How many tables were as they should be."), ZANNI_METHOD_END
};
static const zanni_class_t producer_class = {
    .name = "producer", .state_size = sizeof (producer_t), .methods = producer_methods, .stop = producer_stop
};
static const zanni_class_t consumer_class = {
    .name = "consumer", .state_size = sizeof (consumer_t), .methods = consumer_methods, .stop = consumer_stop
};
static const zanni_class_t *const classes [] = { &producer_class, &consumer_class, NULL };

/* Kinds that are libraries of their own, in every process of this program. */
static bool
register_kinds (void)
{
    int rc = 0;
#if defined HAS_LMDB
    rc = zanni_lmdb_register ();
#endif
#if defined HAS_REDIS
    rc = rc ? rc : zanni_redis_register ();
#endif
    return !rc;
}

/* Whether there is such a store, or what is wrong with it. */
static int
check (zanni_t *self, const char *place)
{
    ZANNI_AUTO (zanni_store_t) store = NULL;
    zanni_error_t error = { .code = 0 };
    int rc = zanni_store_open (self, &store, place, &(zanni_store_options_t) { .error = &error });
    if (rc)
        fprintf (stderr, "store: %s\n", *error.text ? error.text : zanni_strerror (rc));
    zanni_error_reset (&error);
    return rc;
}

static int
run (zanni_t *self, const char *place, int64_t *whole)
{
    const zanni_spawn_t process = { .place = ZANNI_PROCESS };
    const zanni_ask_t patient = { .deadline_ms = 60000 };
    ZANNI_AUTO (zanni_ref_t) producer = NULL;
    ZANNI_AUTO (zanni_ref_t) consumer = NULL;
    ZANNI_AUTO (zanni_msg_t) opened = NULL;
    ZANNI_AUTO (zanni_msg_t) made = NULL;
    ZANNI_AUTO (zanni_msg_t) counted = NULL;
    int rc = zanni_spawn (self, &producer, "producer", &process);
    if (!rc)
        rc = zanni_spawn (self, &consumer, "consumer", &process);
    if (!rc)
        rc = zanni_call (self, &opened, consumer, "open", place);
    if (!rc)
        rc = zanni_call_with (self, &made, producer, &patient, "begin", place, consumer, TABLES);
    if (!rc)
        rc = zanni_call (self, &counted, consumer, "whole");
    return rc ? rc : zanni_read (counted, whole);
}

int
main (int argc, char **argv)
{
    if (!register_kinds ())
        return EXIT_FAILURE;
    zanni_init (classes);   // in the two processes it never returns
    const char *place = argc > 1 ? argv [1] : "shm:";
    ZANNI_AUTO (zanni_t) self = NULL;
    int64_t whole = 0;
    int rc = zanni_new (&self, NULL);
    if (!rc && check (self, place))
        return EXIT_FAILURE;
    if (!rc)
        rc = run (self, place, &whole);
    if (rc) {
        fprintf (stderr, "store: %s: %s\n", place, zanni_strerror (rc));
        return EXIT_FAILURE;
    }
    printf ("store: %" PRId64 " of %d tables of 8 MiB came whole through %s\n", whole, TABLES, place);
    return whole == TABLES ? EXIT_SUCCESS : EXIT_FAILURE;
}
