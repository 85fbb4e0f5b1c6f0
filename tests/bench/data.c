/* What does not travel at once, or not far: typed records, and blobs.

   types: an actor tells itself a record of twelve fields, reads it and tells itself the next: each is packed, goes
   through its mailbox, is checked and unpacked; records per second. The baseline packs and unpacks alone. Allocations of
   the last run, which follows others, are counted at zanni's allocator.

   types-create: a thousand records of twelve fields are taken out of their type's pool, filled and put back, again and
   again; records per second. The same record as a hash of strings is the baseline, in batches as large.

   store-shm, store-lmdb, store-redis: a buffer of 100 MB, filled before, is put into a store, got out of it and read there, and deleted;
   per second. The baselines copy as much in and out of warm memory, and so read it, too; or use LMDB directly, in the same
   place, or Redis, with a server that is started in the same way. */

#define _GNU_SOURCE

#include "bench.h"
#include "peer.h"

#include "../support/scratch.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <unistd.h>
#include <zanni/log.h>
#include <zanni/store.h>

#if defined HAS_LMDB
#include <zanni/lmdb.h>
#endif
#if defined HAS_REDIS
#include "../support/redis.h"
#include <zanni/redis.h>
#endif

#define S_BATCH 1000

/* Six integers, three floats, three strings, as in types/types-bench.c. */
typedef struct {
    int64_t identity, created, changed, quantity, priority, flags;
    double price, weight, discount;
    char name [16], owner [16], place [16];
} record_t;

static const zanni_field_t s_fields [] = {
    ZANNI_FIELD (record_t, identity), ZANNI_FIELD (record_t, created), ZANNI_FIELD (record_t, changed),
    ZANNI_FIELD (record_t, quantity), ZANNI_FIELD (record_t, priority), ZANNI_FIELD (record_t, flags),
    ZANNI_FIELD (record_t, price), ZANNI_FIELD (record_t, weight), ZANNI_FIELD (record_t, discount),
    ZANNI_FIELD (record_t, name), ZANNI_FIELD (record_t, owner), ZANNI_FIELD (record_t, place), ZANNI_FIELD_END
};
static const zanni_type_t s_type = { .name = "record", .size = sizeof (record_t), .fields = s_fields };

static void
s_create (int64_t count)
{
    static record_t *batch [S_BATCH];
    for (int64_t done = 0; done < count; done += S_BATCH) {
        int64_t here = count - done < S_BATCH ? count - done : S_BATCH;
        for (int64_t i = 0; i < here; i++) {
            bench_check (zanni_type_new (&batch [i], &s_type), "a record");
            *batch [i] = (record_t) { 1234567 + i, 1700000000, 1700000999, 12, 3, 7, 9.99, 1.25, 0.5, "a small thing",
                                      "somebody", "shelf 12" };
        }
        for (int64_t i = 0; i < here; i++)
            zanni_type_destroy (&batch [i]);
    }
}

typedef struct {
    int64_t left;
    int64_t started_ns;
    uint64_t allocations;   // when this run began
    zanni_promise_t *done;
} typer_t;

static _Atomic uint64_t s_allocations;
static uint64_t s_allocations_run;   // of the last run

static void *
s_allocate (void *context, size_t size)
{
    (void) context;
    s_allocations++;
    return malloc (size);
}

static void *
s_resize (void *context, void *memory, size_t size)
{
    (void) context;
    s_allocations++;
    return realloc (memory, size);
}

static void
s_release (void *context, void *memory)
{
    (void) context;
    free (memory);
}

void
bench_types_prepare (void)
{
    static const zanni_allocator_t counted = {
        .size = sizeof counted, .allocate = s_allocate, .resize = s_resize, .release = s_release
    };
    zanni_set_allocator (&counted);
}

static int
s_tell_record (zanni_t *self, int64_t number)
{
    const record_t record = { number, 1700000000, 1700000999, 12, 3, 7, 9.99, 1.25, 0.5, "a small thing", "somebody",
                              "shelf 12" };
    return zanni_tell (self, zanni_self (self), "record", ZANNI_OBJECT (&s_type, &record));
}

static int
typer_types (zanni_t *self, zanni_msg_t *msg)
{
    typer_t *typer = zanni_state (self);
    int rc = zanni_read (msg, &typer->left);
    if (!rc)
        rc = zanni_promise_new (self, &typer->done, msg);
    typer->allocations = s_allocations;
    typer->started_ns = bench_now_ns ();
    return rc ? rc : s_tell_record (self, typer->left);
}

static int
typer_record (zanni_t *self, zanni_msg_t *msg)
{
    typer_t *typer = zanni_state (self);
    const record_t *record;
    int rc = zanni_read (msg, ZANNI_INTO (&s_type, &record));
    bench_check (!rc && (record->identity != typer->left || strcmp (record->place, "shelf 12")) ? ZANNI_EARGS : rc,
                 "a record");
    if (--typer->left)
        return s_tell_record (self, typer->left);
    int64_t took_ns = bench_now_ns () - typer->started_ns;
    s_allocations_run = s_allocations - typer->allocations;
    return zanni_promise_reply (self, &typer->done, took_ns);
}

static const zanni_method_t typer_methods [] = {
    ZANNI_METHOD ("types", "x", "x", typer_types, "Records packed and unpacked."),
    ZANNI_METHOD ("record", "o", "", typer_record, "One of them."), ZANNI_METHOD_END
};
const zanni_class_t bench_typer_class = { .name = "typer", .state_size = sizeof (typer_t), .methods = typer_methods };

void
bench_types_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) typer = NULL;
    bench_check (zanni_spawn (self, &typer, "typer", NULL), "spawn");
    bench_rate (self, typer, &(bench_run_t) { .name = name });
    printf ("%s-allocations %" PRIu64 " x\n", name, s_allocations_run);
}

static void
s_rate (zanni_t *self, const char *name, int64_t first, void (*work) (int64_t count))
{
    int64_t next = first, count;
    double seconds;
    do {
        count = next;
        int64_t started_ns = bench_now_ns ();
        work (count);
        seconds = (double) (bench_now_ns () - started_ns) / 1e9;
        next = bench_grow (count, seconds);
    }
    while (next);
    printf ("%s %.3f /s\n", name, (double) count / seconds);
    bench_check_letters (self);
}

void
bench_create_case (zanni_t *self, const char *name)
{
    s_rate (self, name, S_BATCH, s_create);
}

static zanni_store_t *s_store;
static zanni_buffer_t *s_buffer;

static void
s_put_and_get (int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        zanni_blob_t blob;
        ZANNI_AUTO (zanni_buffer_t) got = NULL;
        bench_check (zanni_store_put (s_store, &blob, s_buffer), "put");
        bench_check (zanni_store_get (s_store, &got, &blob), "get");
        uint64_t sum = peer_sum (zanni_buffer_data (got), PEER_100MB);
        bench_check (sum == peer_sum_of (BENCH_FILL, PEER_100MB) ? 0 : ZANNI_EARGS, "the sum");
        bench_check (zanni_store_delete (s_store, &blob), "delete");
    }
}

static void
s_store_case (zanni_t *self, const char *name, const char *place)
{
    void *data;
    bench_check (zanni_store_open (self, &s_store, place, NULL), "store");
    bench_check (zanni_buffer_new (self, &s_buffer, PEER_100MB), "buffer");
    bench_check (zanni_buffer_edit (&data, s_buffer), "buffer");
    memset (data, BENCH_FILL, PEER_100MB);
    s_rate (self, name, 1, s_put_and_get);
    zanni_buffer_destroy (&s_buffer);
    zanni_store_close (&s_store);
}

void
bench_store_case (zanni_t *self, const char *name)
{
    s_store_case (self, name, "shm:");
}

#if defined HAS_LMDB

void
bench_store_lmdb_case (zanni_t *self, const char *name)
{
    char folder [SCRATCH_PATH], place [SCRATCH_PATH + 8], file [SCRATCH_PATH + 16];
    bench_check_system (scratch_new_in_memory (folder), "mkdtemp");
    snprintf (place, sizeof place, "lmdb:%s", folder);
    bench_check (zanni_lmdb_register (), "lmdb");
    s_store_case (self, name, place);
    for (int i = 0; i < 2; i++) {
        snprintf (file, sizeof file, "%s/%s.mdb", folder, i ? "lock" : "data");
        (void) unlink (file);
    }
    (void) rmdir (folder);
}

#endif

#if defined HAS_REDIS

void
bench_store_redis_case (zanni_t *self, const char *name)
{
    char folder [SCRATCH_PATH], place [SCRATCH_PATH + 24];
    bench_check_system (scratch_new (folder), "mkdtemp");
    pid_t server = redis_start (folder, NULL, NULL);
    bench_check_system (server > 0, "redis-server");
    snprintf (place, sizeof place, "redis:%s/socket", folder);
    bench_check (zanni_redis_register (), "redis");
    s_store_case (self, name, place);
    redis_stop (&server);
    (void) unlink (place + strlen ("redis:"));
    (void) rmdir (folder);
}

#endif
