/* What the tests of stores share: a store, bytes that can be known again, puts and gets that have to be good. */

#ifndef TESTS_CONFORMANCE_STORE_H
#define TESTS_CONFORMANCE_STORE_H

#include "support.h"
#include "support/scratch.h"

#include <zanni/store.h>

#define MIB ((size_t) 1 << 20)

static inline uint8_t
byte_at (uint64_t seed, uint64_t at)
{
    return (uint8_t) (seed * 31 + at * 7 + (at >> 8) * 13);
}

static inline bool
is_filled (const void *data, size_t size, uint64_t seed, uint64_t from)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        if (bytes [i] != byte_at (seed, from + i))
            return false;
    return true;
}

static char folder [SCRATCH_PATH];
static char there [100];       // the store's place
static zanni_store_t *store;

static inline void
open_store (zanni_store_options_t options)
{
    zanni_error_t error = { 0 };
    options.error = &error;
    zanni_store_close (&store);
    cr_assert_eq (zanni_store_open (root, &store, there, &options), 0, "%s", error.text);
}

static inline zanni_buffer_t *
make (size_t size, uint64_t seed)
{
    void *data;
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni_buffer_new (root, &buffer, size), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    for (size_t i = 0; i < size; i++)
        ((uint8_t *) data) [i] = byte_at (seed, i);
    return buffer;
}

static inline zanni_blob_t
put (size_t size, uint64_t seed)
{
    zanni_blob_t blob;
    ZANNI_AUTO (zanni_buffer_t) buffer = make (size, seed);
    cr_assert_eq (zanni_store_put (store, &blob, buffer), 0);
    cr_assert_eq (blob.size, size);
    return blob;
}

/* The result of a get here, whose bytes have to be good. */
static inline int
get (const zanni_blob_t *blob, uint64_t seed)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    int rc = zanni_store_get (store, &buffer, blob);
    if (!rc) {
        cr_assert_eq (zanni_buffer_size (buffer), blob->size);
        cr_assert (is_filled (zanni_buffer_data (buffer), blob->size, seed, 0));
    }
    return rc;
}

/* Until a get answers this; the store looks after it by itself. */
static inline bool
becomes (const zanni_blob_t *blob, uint64_t seed, int wanted)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (get (blob, seed) != wanted)
        if (zanni_now_ns (root) > until_ns || zanni_run (root, 5))
            return false;
    return true;
}

static inline int
count_one (void *context, const zanni_blob_t *blob)
{
    cr_assert_eq (get (blob, 1), 0);
    ++*(int *) context;
    return 0;
}

static inline int
blobs (void)
{
    int count = 0;
    cr_assert_eq (zanni_store_list (store, count_one, &count), 0);
    return count;
}

static inline void
expect_error (const char *what, const char *part)
{
    zanni_error_t error = { 0 };
    zanni_store_t *none = NULL;
    cr_assert_neq (zanni_store_open (root, &none, what, &(zanni_store_options_t) { .error = &error }), 0);
    cr_assert_null (none);
    cr_assert (strstr (error.text, part), "%s", error.text);
}

#endif
