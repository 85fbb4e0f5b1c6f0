/* What all kinds of stores have in common.

   A kind knows where bytes are. In front of it stands this: who may call, ids and checksums, deadlines, and buffers made of
   what a kind has found. So a kind is small, and the same suite holds for all.

   Checksums are XXH3, which runs at the speed of memory: of a put they are made piece by piece as it goes on; of what was
   found they are compared where the bytes were copied on their way, or where the program wants it: who maps memory looks
   at what he uses himself. */

#include "store.h"

#include "../base/kinds.h"
#include "../base/memory.h"
#include "../message/buffer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define S_DEADLINE_MS 5000

struct zanni_store {
    zanni_t *self;
    const zanni_store_ops_t *ops;
    void *store;
    uint64_t number;
    zanni_store_options_t options;
    zanni__link_t puts;
    bool closing;
};

struct zanni_put {
    zanni__link_t link;
    zanni_store_t *store;
    void *put;
    zanni_stored_t stored;
    zanni__sum_t *sum;
};

static zanni__kinds_t s_kinds =
    ZANNI__KINDS (zanni_store_ops_t, &zanni__store_shm, &zanni__store_file, &zanni__store_peer);

int
zanni_store_register (const zanni_store_ops_t *ops)
{
    if (!ops || ops->size != sizeof *ops || !ops->kind || !ops->open || !ops->close || !ops->begin || !ops->append
        || !ops->commit || !ops->abort || !ops->get || !ops->read || !ops->wait || !ops->list || !ops->drop
        || !ops->retain || !ops->release)
        return ZANNI_EINVAL;
    return zanni__kind_add (&s_kinds, ops);
}

int
zanni__store_fail (const zanni_store_options_t *options, int code, const char *what, const char *place)
{
    if (!options->error)
        return code;
    zanni_error_reset (options->error);
    options->error->code = code;
    snprintf (options->error->text, sizeof options->error->text, what, place);
    return code;
}

static int
s_open (zanni_store_t *store, const char *place)
{
    const char *colon = strchr (place, ':');
    store->ops = colon ? zanni__kind_find (&s_kinds, place, (size_t) (colon - place)) : NULL;
    if (!store->ops)
        return zanni__store_fail (&store->options, ZANNI_EINVAL, "\"%.60s\" names no kind of store known here: "
                                  "shm:, peer: and file:FOLDER are; lmdb:FOLDER with zanni_lmdb_register, "
                                  "redis:SOCKET or HOST:PORT with zanni_redis_register", place);
    return store->ops->open (store->self, &store->store, &store->number, colon + 1, &store->options);
}

int
zanni_store_open (zanni_t *self, zanni_store_t **store_p, const char *place, const zanni_store_options_t *options)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!store_p || !place || (options && options->size && options->size != sizeof *options))
        return ZANNI_EINVAL;
    zanni_store_t *store = zanni__calloc (sizeof *store);
    if (!store)
        return ZANNI_ENOMEM;
    store->self = self;
    zanni__link_init (&store->puts);
    if (options)
        store->options = *options;
    if (!store->options.deadline_ms)
        store->options.deadline_ms = S_DEADLINE_MS;
    rc = s_open (store, place);
    store->options.error = NULL;
    if (rc)
        zanni__free (store);
    else
        *store_p = store;
    return rc;
}

void
zanni_store_close (zanni_store_t **store_p)
{
    if (!store_p || !*store_p)
        return;
    zanni_store_t *store = *store_p;
    *store_p = NULL;
    while (!zanni__list_empty (&store->puts)) {
        zanni_put_t *put = ZANNI__CONTAINER (store->puts.next, zanni_put_t, link);
        zanni_put_abort (&put);
    }
    store->closing = true;
    store->ops->close (store->store);
    zanni__free (store);
}

static int
s_check (const zanni_store_t *store)
{
    int rc = store ? zanni__check_thread (store->self) : ZANNI_EINVAL;
    return rc || !store->closing ? rc : ZANNI_ECLOSED;   // a fetch that ends with it
}

static int64_t
s_time_ms (clockid_t clock)
{
    struct timespec now;
    (void) clock_gettime (clock, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
zanni__store_now_ms (void)
{
    return s_time_ms (CLOCK_REALTIME);
}

int64_t
zanni__store_ticks_ms (void)
{
    return s_time_ms (CLOCK_MONOTONIC);
}

/* What is known of a new blob. */
static int
s_describe (const zanni_store_t *store, zanni_stored_t *stored)
{
    const zanni_clock_t *clock = &store->self->worker->node->clock;
    uint32_t ttl_ms = store->options.ttl_ms;
    *stored = (zanni_stored_t) {
        .expires_ms = ttl_ms ? zanni__store_now_ms () + ttl_ms : 0, .counted = store->options.counted
    };
    return clock->random (clock->context, stored->id, sizeof stored->id);
}

static zanni_blob_t
s_blob (uint64_t number, const zanni_stored_t *stored)
{
    zanni_blob_t blob = { .store = number, .size = stored->size, .checksum = stored->checksum };
    memcpy (blob.id, stored->id, sizeof blob.id);
    return blob;
}

int
zanni_put_begin (zanni_store_t *store, zanni_put_t **put_p, uint64_t expected)
{
    int rc = s_check (store);
    if (rc || !put_p)
        return rc ? rc : ZANNI_EINVAL;
    zanni_put_t *put = zanni__calloc (sizeof *put);
    if (!put)
        return ZANNI_ENOMEM;
    put->store = store;
    put->sum = zanni__sum_new ();
    rc = put->sum ? s_describe (store, &put->stored) : ZANNI_ENOMEM;
    if (!rc)
        rc = store->ops->begin (store->store, &put->put, &put->stored, expected);
    if (rc) {
        zanni__sum_free (put->sum);
        zanni__free (put);
        return rc;
    }
    zanni__list_append (&store->puts, &put->link);
    *put_p = put;
    return 0;
}

int
zanni_put_append (zanni_put_t *put, const void *data, size_t size)
{
    int rc = put ? s_check (put->store) : ZANNI_EINVAL;
    if (!rc && size && !data)
        rc = ZANNI_EINVAL;
    if (!rc && size)
        rc = put->store->ops->append (put->put, data, size);
    if (rc || !size)
        return rc;
    zanni__sum_add (put->sum, data, size);
    put->stored.size += size;
    return 0;
}

static void
s_put_free (zanni_put_t *put)
{
    zanni__link_remove (&put->link);
    zanni__sum_free (put->sum);
    zanni__free (put);
}

int
zanni_put_commit (zanni_put_t **put_p, zanni_blob_t *blob)
{
    if (!put_p || !*put_p || !blob)
        return ZANNI_EINVAL;
    zanni_put_t *put = *put_p;
    int rc = s_check (put->store);
    if (rc)
        return rc;
    *put_p = NULL;
    put->stored.checksum = zanni__sum_so_far (put->sum);
    rc = put->store->ops->commit (put->put, &put->stored);
    if (!rc)
        *blob = s_blob (put->store->number, &put->stored);
    s_put_free (put);
    return rc;
}

void
zanni_put_abort (zanni_put_t **put_p)
{
    if (!put_p || !*put_p)
        return;
    zanni_put_t *put = *put_p;
    *put_p = NULL;
    put->store->ops->abort (put->put);
    s_put_free (put);
}

zanni_blob_t
zanni_put_blob (const zanni_put_t *put)
{
    zanni_blob_t blob = s_blob (put->store->number, &put->stored);
    blob.size = UINT64_MAX;
    return blob;
}

/* Piece by piece, where the kind cannot take the buffer as it is. */
static int
s_put_bytes (zanni_store_t *store, zanni_stored_t *stored, const zanni_buffer_t *buffer)
{
    void *put;
    if (store->ops->sums)
        stored->checksum = zanni__store_sum (zanni_buffer_data (buffer), stored->size);
    int rc = store->ops->begin (store->store, &put, stored, stored->size);
    if (rc)
        return rc;
    if (stored->size)
        rc = store->ops->append (put, zanni_buffer_data (buffer), stored->size);
    if (!rc)
        return store->ops->commit (put, stored);
    store->ops->abort (put);
    return rc;
}

int
zanni_store_put (zanni_store_t *store, zanni_blob_t *blob, const zanni_buffer_t *buffer)
{
    zanni_stored_t stored;
    int rc = s_check (store);
    if (rc || !blob || !buffer)
        return rc ? rc : ZANNI_EINVAL;
    rc = s_describe (store, &stored);
    if (rc)
        return rc;
    zanni_buffer_t *kept = zanni_buffer_keep (buffer);   // which seals it
    stored.size = zanni_buffer_size (buffer);
    if (!store->ops->sums)
        stored.checksum = zanni__store_sum (zanni_buffer_data (buffer), stored.size);
    rc = store->ops->put ? store->ops->put (store->store, &stored, buffer) : ZANNI_EROUTE;
    if (rc == ZANNI_EROUTE)
        rc = s_put_bytes (store, &stored, buffer);
    if (!rc)
        *blob = s_blob (store->number, &stored);
    zanni_buffer_destroy (&kept);
    return rc;
}

static bool
s_is_good (const zanni_store_t *store, const zanni_found_t *found, const zanni_blob_t *blob)
{
    const void *data = found->buffer ? zanni_buffer_data (found->buffer) : found->data;
    if (blob->size != UINT64_MAX && blob->size != found->stored.size)
        return false;
    bool looks = (!found->mapped || store->options.verify) && (blob->checksum || found->stored.checksum);
    uint64_t wanted = blob->checksum ? blob->checksum : found->stored.checksum;
    return !looks || zanni__store_sum (data, found->stored.size) == wanted;
}

static int
s_wrap (zanni_store_t *store, zanni_buffer_t **buffer_p, const zanni_found_t *found)
{
    const zanni_block_t block = { (void *) (uintptr_t) found->data, found->stored.size, found->hint };
    return zanni_worker_wrap (store->self->worker, buffer_p, &block, found->release);
}

/* What a kind has found, as a buffer, if it is what was put; gives back what it is not. */
static int
s_accept (zanni_store_t *store, zanni_found_t *found, const zanni_blob_t *blob)
{
    int rc = s_is_good (store, found, blob) ? 0 : ZANNI_ECORRUPT;
    bool whole = found->buffer != NULL;
    if (!rc && !whole)
        rc = s_wrap (store, &found->buffer, found);
    if (rc && whole)
        zanni_buffer_destroy (&found->buffer);
    else if (rc && found->release)
        found->release ((void *) (uintptr_t) found->data, found->hint);
    return rc;
}

int
zanni_store_get (zanni_store_t *store, zanni_buffer_t **buffer_p, const zanni_blob_t *blob)
{
    zanni_found_t found = { .buffer = NULL };
    int rc = s_check (store);
    if (rc || !buffer_p || !blob)
        return rc ? rc : ZANNI_EINVAL;
    rc = store->ops->get (store->store, &found, blob);
    if (!rc)
        rc = s_accept (store, &found, blob);
    if (!rc)
        *buffer_p = found.buffer;
    return rc;
}

typedef struct {
    zanni_store_t *store;
    zanni_blob_t blob;
    zanni_fetched_fn *then;
    void *arg;
} s_fetch_t;

static void
s_fetched (void *context, int rc, zanni_found_t *found)
{
    s_fetch_t fetch = *(s_fetch_t *) context;
    zanni__free (context);
    if (!rc)
        rc = s_accept (fetch.store, found, &fetch.blob);
    fetch.then (fetch.store->self, rc, rc ? NULL : found->buffer, fetch.arg);
    if (!rc)
        zanni_buffer_destroy (&found->buffer);
}

int
zanni_store_fetch (zanni_store_t *store, const zanni_blob_t *blob, zanni_fetched_fn *then, void *arg)
{
    zanni_found_t found = { .buffer = NULL };
    int rc = s_check (store);
    if (rc || !blob || !then)
        return rc ? rc : ZANNI_EINVAL;
    s_fetch_t *fetch = zanni__malloc (sizeof *fetch);
    if (!fetch)
        return ZANNI_ENOMEM;
    *fetch = (s_fetch_t) { store, *blob, then, arg };
    if (store->ops->fetch)
        store->ops->fetch (store->store, blob, s_fetched, fetch);
    else
        s_fetched (fetch, store->ops->get (store->store, &found, blob), &found);
    return 0;
}

int
zanni_store_read (zanni_store_t *store, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size)
{
    int rc = s_check (store);
    if (rc || !blob || !size || (*size && !data))
        return rc ? rc : ZANNI_EINVAL;
    int64_t until_ms = zanni__store_ticks_ms () + store->options.deadline_ms;
    for (;;) {
        size_t got = *size;
        bool more = false;
        rc = store->ops->read (store->store, blob, offset, data, &got, &more);
        int64_t left_ms = until_ms - zanni__store_ticks_ms ();
        if (rc || got || !more || !*size) {
            if (!rc)
                *size = got;
            return rc;
        }
        if (left_ms <= 0)
            return ZANNI_ETIMEOUT;
        store->ops->wait (store->store, blob, offset, (uint32_t) left_ms);
    }
}

typedef struct {
    const zanni_store_t *store;
    zanni_blob_fn *each;
    void *context;
} s_listing_t;

static int
s_each (void *context, const zanni_stored_t *stored)
{
    const s_listing_t *listing = context;
    const zanni_blob_t blob = s_blob (listing->store->number, stored);
    return listing->each (listing->context, &blob);
}

int
zanni_store_list (zanni_store_t *store, zanni_blob_fn *each, void *context)
{
    s_listing_t listing = { store, each, context };
    int rc = s_check (store);
    if (rc || !each)
        return rc ? rc : ZANNI_EINVAL;
    return store->ops->list (store->store, s_each, &listing);
}

int
zanni_store_delete (zanni_store_t *store, const zanni_blob_t *blob)
{
    int rc = s_check (store);
    return rc || !blob ? rc ? rc : ZANNI_EINVAL : store->ops->drop (store->store, blob);
}

int
zanni_store_retain (zanni_store_t *store, const zanni_blob_t *blob)
{
    int rc = s_check (store);
    return rc || !blob ? rc ? rc : ZANNI_EINVAL : store->ops->retain (store->store, blob);
}

int
zanni_store_release (zanni_store_t *store, const zanni_blob_t *blob)
{
    int rc = s_check (store);
    return rc || !blob ? rc ? rc : ZANNI_EINVAL : store->ops->release (store->store, blob);
}
