/* Stores: what one process puts others get, whole or not at all, until its time is over; written once for all kinds.

   Another process is an actor with a process of its own, which opens the same store and says what it finds. */

#include "store.h"
#include "kinds.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#if defined HAS_REDIS
#include "store_redis.h"
#endif

typedef struct {
    zanni_store_t *store;
    zanni_buffer_t *held;
    zanni_promise_t *fetching;
    uint64_t seed;
} reader_t;

static int
reader_open (zanni_t *self, zanni_msg_t *msg)
{
    reader_t *reader = zanni_state (self);
    const char *where;
    int rc = zanni_read (msg, &where);
    zanni_store_close (&reader->store);
    return rc ? rc : zanni_store_open (self, &reader->store, where, &(zanni_store_options_t) { .deadline_ms = 4000 });
}

/* The result of the get, and whether the bytes are what they should be; they are held. */
static int
reader_get (zanni_t *self, zanni_msg_t *msg)
{
    reader_t *reader = zanni_state (self);
    zanni_blob_t blob;
    uint64_t seed;
    int rc = zanni_read (msg, &blob, &seed);
    if (rc)
        return rc;
    zanni_buffer_destroy (&reader->held);
    rc = zanni_store_get (reader->store, &reader->held, &blob);
    bool good = !rc && zanni_buffer_size (reader->held) == blob.size
                && is_filled (zanni_buffer_data (reader->held), blob.size, seed, 0);
    return zanni_reply (self, msg, rc, good);
}

static void
reader_fetched (zanni_t *self, int code, const zanni_buffer_t *buffer, void *arg)
{
    reader_t *reader = arg;
    bool good = buffer && is_filled (zanni_buffer_data (buffer), zanni_buffer_size (buffer), reader->seed, 0);
    int rc = zanni_promise_reply (self, &reader->fetching, code, good);
    (void) rc;
}

/* As get, without waiting; and then, if that is asked for, closes the store. */
static int
reader_fetch (zanni_t *self, zanni_msg_t *msg)
{
    reader_t *reader = zanni_state (self);
    zanni_blob_t blob;
    bool closes;
    int rc = zanni_read (msg, &blob, &reader->seed, &closes);
    if (!rc)
        rc = zanni_promise_new (self, &reader->fetching, msg);
    if (!rc)
        rc = zanni_store_fetch (reader->store, &blob, reader_fetched, reader);
    if (closes)
        zanni_store_close (&reader->store);
    return rc;
}

/* Whether what it holds is still the same. */
static int
reader_holds (zanni_t *self, zanni_msg_t *msg)
{
    const reader_t *reader = zanni_state (self);
    uint64_t seed;
    int rc = zanni_read (msg, &seed);
    return rc ? rc : zanni_reply (self, msg, is_filled (zanni_buffer_data (reader->held), zanni_buffer_size (reader->held), seed, 0));
}

/* Reads all that comes until the end; how it ended, and how much was good. */
static int
reader_follow (zanni_t *self, zanni_msg_t *msg)
{
    reader_t *reader = zanni_state (self);
    static uint8_t piece [10000];
    zanni_blob_t blob;
    uint64_t seed, at = 0;
    size_t got = 1;
    int rc = zanni_read (msg, &blob, &seed);
    if (rc)
        return rc;
    while (!rc && got) {
        got = sizeof piece;
        rc = zanni_store_read (reader->store, &blob, at, piece, &got);
        if (rc || !is_filled (piece, got, seed, at))
            break;
        at += got;
    }
    return zanni_reply (self, msg, rc, at);
}

static int
reader_retain (zanni_t *self, zanni_msg_t *msg)
{
    reader_t *reader = zanni_state (self);
    zanni_blob_t blob;
    uint64_t seed;
    int rc = zanni_read (msg, &blob, &seed);
    return rc ? rc : zanni_reply (self, msg, zanni_store_retain (reader->store, &blob));
}

static int
reader_release (zanni_t *self, zanni_msg_t *msg)
{
    reader_t *reader = zanni_state (self);
    zanni_blob_t blob;
    uint64_t seed;
    int rc = zanni_read (msg, &blob, &seed);
    return rc ? rc : zanni_reply (self, msg, zanni_store_release (reader->store, &blob));
}

static int
reader_put (zanni_t *self, zanni_msg_t *msg)
{
    reader_t *reader = zanni_state (self);
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    void *data;
    zanni_blob_t blob;
    uint64_t size, seed;
    int rc = zanni_read (msg, &size, &seed);
    if (!rc)
        rc = zanni_buffer_new (self, &buffer, size);
    if (!rc)
        rc = zanni_buffer_edit (&data, buffer);
    for (uint64_t i = 0; !rc && i < size; i++)
        ((uint8_t *) data) [i] = byte_at (seed, i);
    if (!rc)
        rc = zanni_store_put (reader->store, &blob, buffer);
    return rc ? rc : zanni_reply (self, msg, &blob);
}

static void
reader_stop (zanni_t *self, const zanni_reason_t *reason)
{
    reader_t *reader = zanni_state (self);
    (void) reason;
    zanni_buffer_destroy (&reader->held);
    zanni_store_close (&reader->store);
}

static const zanni_method_t reader_methods [] = {
    ZANNI_METHOD ("open", "s", "", reader_open, ""),
    ZANNI_METHOD ("get", "Kt", "ib", reader_get, ""),
    ZANNI_METHOD ("fetch", "Ktb", "ib", reader_fetch, ""),
    ZANNI_METHOD ("holds", "t", "b", reader_holds, ""),
    ZANNI_METHOD ("follow", "Kt", "it", reader_follow, ""),
    ZANNI_METHOD ("retain", "Kt", "i", reader_retain, ""), ZANNI_METHOD ("release", "Kt", "i", reader_release, ""),
    ZANNI_METHOD ("put", "tt", "K", reader_put, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t reader_class = {
    .name = "reader", .state_size = sizeof (reader_t), .methods = reader_methods, .stop = reader_stop
};

CLASSES (&reader_class);

static void
conform_in (const char *kind, void (*body) (void))
{
    char command [160];
    cr_assert (scratch_new (folder));
    bool in_memory = !strcmp (kind, "shm") || !strcmp (kind, "peer");
    snprintf (there, sizeof there, "%s:%s", kind, in_memory ? "" : folder);
    place = ZANNI_PROCESS;
    begin ((zanni_options_t) { .name = "store" });
    open_store ((zanni_store_options_t) { .size = 0 });
    body ();
    zanni_store_close (&store);
    end ();
    snprintf (command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq (system (command), 0);
}

#define ANY_STORE(name) \
    static void s_##name (void); \
    IN_KIND (shm, store, name) \
    IN_KIND (file, store, name) \
    IN_KIND (peer, store, name) \
    IN_LMDB (store, name) \
    IN_REDIS (store, name) \
    static void s_##name (void)

static zanni_ref_t *
spawn_reader (void)
{
    zanni_ref_t *reader = spawn ("reader");
    done (reader, "open", (const char *) there);
    return reader;
}

/* The result of a get in another process. */
static int
get_by (const zanni_ref_t *reader, const zanni_blob_t *blob, uint64_t seed)
{
    int rc = 1;
    bool good;
    ZANNI_AUTO (zanni_msg_t) reply = call (reader, "get", blob, seed);
    cr_assert_eq (zanni_read (reply, &rc, &good), 0);
    cr_assert_eq (good, !rc);
    return rc;
}

/* The same by a fetch. */
static int
fetch_by (const zanni_ref_t *reader, const zanni_blob_t *blob, uint64_t seed, bool closes)
{
    int rc = 1;
    bool good;
    ZANNI_AUTO (zanni_msg_t) reply = call (reader, "fetch", blob, seed, closes);
    cr_assert_eq (zanni_read (reply, &rc, &good), 0);
    cr_assert_eq (good, !rc);
    return rc;
}

static zanni_blob_t
put_by (const zanni_ref_t *reader, size_t size, uint64_t seed)
{
    zanni_blob_t blob;
    ZANNI_AUTO (zanni_msg_t) reply = call (reader, "put", size, seed);
    cr_assert_eq (zanni_read (reply, &blob), 0);
    return blob;
}

static bool
holds (const zanni_ref_t *reader, uint64_t seed)
{
    bool same = false;
    ZANNI_AUTO (zanni_msg_t) reply = call (reader, "holds", seed);
    cr_assert_eq (zanni_read (reply, &same), 0);
    return same;
}

ANY_STORE (what_is_put_is_got_here_and_in_another_process)
{
    static const size_t sizes [] = { 0, 1, 100, 4096, 60000, 64 << 10, MIB, 5 * MIB + 3 };
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zanni_blob_t blob = put (sizes [i], i);
        cr_assert_eq (get (&blob, i), 0);
        cr_assert_eq (get_by (reader, &blob, i), 0, "%zu bytes", sizes [i]);
    }
}

ANY_STORE (a_reference_is_forty_bytes_and_survives_as_text)
{
    char text [ZANNI_BLOB_TEXT];
    zanni_blob_t read, blob = put (1000, 1);
    cr_assert_eq (sizeof blob, 40);
    zanni_blob_print (&blob, text);
    cr_assert (zanni_blob_parse (&read, text));
    cr_assert_eq (memcmp (&blob, &read, sizeof blob), 0);
    cr_assert_eq (get (&read, 1), 0);
    text [5] = 'x';
    cr_assert_not (zanni_blob_parse (&read, text));
    cr_assert_not (zanni_blob_parse (&read, ""));
}

ANY_STORE (what_is_put_in_pieces_is_whole)
{
    static uint8_t piece [70000];
    zanni_put_t *going;
    zanni_blob_t blob;
    cr_assert_eq (zanni_put_begin (store, &going, 0), 0);
    uint64_t at = 0;
    for (size_t size = 1; size < sizeof piece; size = size * 3 + 1) {
        for (size_t i = 0; i < size; i++)
            piece [i] = byte_at (3, at + i);
        cr_assert_eq (zanni_put_append (going, piece, size), 0);
        at += size;
    }
    zanni_blob_t early = zanni_put_blob (going);
    cr_assert_eq (get (&early, 3), ZANNI_EAGAIN);
    cr_assert_eq (zanni_put_commit (&going, &blob), 0);
    cr_assert_null (going);
    cr_assert_eq (blob.size, at);
    cr_assert_eq (get (&blob, 3), 0);
}

ANY_STORE (a_put_is_followed_from_another_process_to_its_end)
{
    static uint8_t piece [50000];
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    zanni_put_t *going;
    zanni_blob_t blob;
    uint64_t at = 0, id = 0, seen;
    int rc;
    cr_assert_eq (zanni_put_begin (store, &going, 0), 0);
    blob = zanni_put_blob (going);
    const zanni_ask_t options = { .id_p = &id, .deadline_ms = 30000 };
    cr_assert_eq (zanni_ask (root, reader, &options, "follow", &blob, 7), 0);
    for (int i = 0; i < 40; i++) {
        for (size_t k = 0; k < sizeof piece; k++)
            piece [k] = byte_at (7, at + k);
        cr_assert_eq (zanni_put_append (going, piece, sizeof piece), 0);
        at += sizeof piece;
        cr_assert_eq (zanni_run (root, 1), 0);
    }
    cr_assert_eq (zanni_put_commit (&going, &blob), 0);
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    cr_assert_eq (zanni_read (reply, &rc, &seen), 0);
    cr_assert_eq (rc, 0);
    cr_assert_eq (seen, at);
}

ANY_STORE (who_follows_a_put_that_is_aborted_is_told)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    zanni_put_t *going;
    uint64_t id = 0, seen;
    uint8_t piece [100];
    int rc;
    for (size_t i = 0; i < sizeof piece; i++)
        piece [i] = byte_at (7, i);
    cr_assert_eq (zanni_put_begin (store, &going, 0), 0);
    cr_assert_eq (zanni_put_append (going, piece, sizeof piece), 0);
    zanni_blob_t blob = zanni_put_blob (going);
    const zanni_ask_t options = { .id_p = &id, .deadline_ms = 30000 };
    cr_assert_eq (zanni_ask (root, reader, &options, "follow", &blob, 7), 0);
    cr_assert_eq (zanni_run (root, 50), 0);
    zanni_put_abort (&going);
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    cr_assert_eq (zanni_read (reply, &rc, &seen), 0);
    cr_assert_eq (rc, ZANNI_EGONE);
    cr_assert_eq (get (&blob, 7), ZANNI_EGONE);
}

static int
count_unseen (void *context, const zanni_blob_t *blob)
{
    (void) blob;
    ++*(int *) context;
    return 0;
}

/* The same where one that is listed may be gone before it is looked at. */
static int
becoming_fewer (void)
{
    int count = 0;
    cr_assert_eq (zanni_store_list (store, count_unseen, &count), 0);
    return count;
}

ANY_STORE (blobs_are_listed_until_they_are_deleted)
{
    zanni_blob_t first = put (1000, 1), second = put (100000, 1);
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    cr_assert_eq (blobs (), 2);
    cr_assert_eq (get_by (reader, &second, 1), 0);
    cr_assert_eq (zanni_store_delete (store, &second), 0);
    cr_assert_eq (blobs (), 1);
    cr_assert_eq (get (&second, 1), ZANNI_EGONE);
    cr_assert_eq (zanni_store_delete (store, &second), ZANNI_EGONE);
    cr_assert (holds (reader, 1), "who has its bytes keeps them");
    cr_assert_eq (get (&first, 1), 0);
}

ANY_STORE (a_blob_is_gone_when_its_time_is_over)
{
    open_store ((zanni_store_options_t) { .ttl_ms = 300 });
    zanni_blob_t blob = put (100000, 1);
    cr_assert_eq (get (&blob, 1), 0);
    cr_assert (becomes (&blob, 1, ZANNI_EGONE));
    cr_assert_eq (blobs (), 0);
}

ANY_STORE (a_quota_that_is_full_is_an_error_and_nothing_is_half_there)
{
    open_store ((zanni_store_options_t) { .quota_bytes = MIB });
    zanni_blob_t blob, first = put (900000, 1);
    zanni_put_t *going;
    ZANNI_AUTO (zanni_buffer_t) large = make (300000, 1);
    uint8_t piece [1000] = { 0 };
    int rc;
    cr_assert_eq (zanni_store_put (store, &blob, large), ZANNI_ENOSPACE);
    cr_assert_eq (zanni_put_begin (store, &going, 300000), ZANNI_ENOSPACE);
    rc = zanni_put_begin (store, &going, 0);
    if (!rc) {
        for (int i = 0; !rc && i < 2000; i++)
            rc = zanni_put_append (going, piece, sizeof piece);
        if (rc)
            zanni_put_abort (&going);
        else
            rc = zanni_put_commit (&going, &blob);
    }
    cr_assert_eq (rc, ZANNI_ENOSPACE);
    cr_assert_eq (blobs (), 1);
    cr_assert_eq (zanni_store_delete (store, &first), 0);
    cr_assert_eq (zanni_store_put (store, &blob, large), 0);
}

ANY_STORE (a_counted_blob_lives_as_long_as_somebody_retains_it)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    open_store ((zanni_store_options_t) { .counted = true });
    zanni_blob_t one = put (100000, 1), other = put (100000, 1);
    int64_t rc = call_int (reader, "retain", &other, 1);
    cr_assert_eq (rc, 0);
    cr_assert_eq (zanni_store_release (store, &one), 0);
    cr_assert_eq (get (&one, 1), ZANNI_EGONE);
    cr_assert_eq (zanni_store_release (store, &other), 0);
    cr_assert_eq (get (&other, 1), 0, "the other process has it");
    uint64_t down = monitor (reader);
    cr_assert_eq (zanni_kill (root, reader), 0);
    (void) expect_down (down, false);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (becoming_fewer () && zanni_now_ns (root) < until_ns)
        cr_assert_eq (zanni_run (root, 5), 0);
    cr_assert_eq (blobs (), 0, "a process that ends holds nothing");
}

ANY_STORE (processes_put_and_get_at_once)
{
    enum { MANY = 8, ROUNDS = 5 };
    zanni_ref_t *readers [MANY];
    zanni_blob_t all [MANY];
    for (int i = 0; i < MANY; i++)
        readers [i] = spawn_reader ();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < MANY; i++)
            all [i] = put_by (readers [i], 200000 + 1000 * (size_t) i, (uint64_t) i);
        for (int i = 0; i < MANY; i++)
            cr_assert_eq (get_by (readers [i], &all [(i + 1 + round) % MANY], (uint64_t) (i + 1 + round) % MANY), 0);
    }
    for (int i = 0; i < MANY; i++)
        zanni_ref_destroy (&readers [i]);
}

/* Many at once: a sweep by one takes nothing of another's away. */
ANY_STORE (puts_of_many_processes_do_not_disturb_each_other)
{
    enum { MANY = 6, ROUNDS = 60 };
    zanni_ref_t *readers [MANY];
    for (int i = 0; i < MANY; i++)
        readers [i] = spawn_reader ();
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < MANY; i++) {
            uint64_t id = 0;
            const zanni_ask_t options = { .id_p = &id, .deadline_ms = 30000 };
            cr_assert_eq (zanni_ask (root, readers [i], &options, "put", 500 + round, i), 0);
        }
    for (int i = 0; i < MANY * ROUNDS; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = next ();
        zanni_error_t error = { 0 };
        cr_assert_neq (zanni_msg_error (reply, &error), 0, "%s", error.text);
        zanni_blob_t blob;
        cr_assert_eq (zanni_read (reply, &blob), 0);
        cr_assert_lt (blob.size, 500 + ROUNDS);
    }
    for (int i = 0; i < MANY; i++)
        zanni_ref_destroy (&readers [i]);
}

ANY_STORE (who_retains_nothing_releases_nothing)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    open_store ((zanni_store_options_t) { .counted = true });
    zanni_blob_t blob = put (100000, 1);
    cr_assert_eq (call_int (reader, "release", &blob, 1), ZANNI_EINVAL);
    cr_assert_eq (get (&blob, 1), 0);
    cr_assert_eq (call_int (reader, "retain", &blob, 1), 0);
    cr_assert_eq (zanni_store_release (store, &blob), 0);
    cr_assert_eq (zanni_store_release (store, &blob), ZANNI_EINVAL, "it has released its own already");
    cr_assert_eq (get (&blob, 1), 0, "the other process has it");
    cr_assert_eq (call_int (reader, "release", &blob, 1), 0);
    cr_assert_eq (get (&blob, 1), ZANNI_EGONE);
}

ANY_STORE (a_handle_that_is_closed_retains_nothing)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    open_store ((zanni_store_options_t) { .counted = true });
    zanni_blob_t blob = put (100000, 1);
    cr_assert_eq (call_int (reader, "retain", &blob, 1), 0);
    cr_assert_eq (call_int (reader, "retain", &blob, 1), 0);
    cr_assert_eq (zanni_store_release (store, &blob), 0);
    cr_assert_eq (get (&blob, 1), 0, "the other process has it");
    done (reader, "open", (const char *) there);   // which closes what it had open
    cr_assert (becomes (&blob, 1, ZANNI_EGONE));
}

ANY_STORE (processes_that_never_met_get_each_others_blobs)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_reader ();
    ZANNI_AUTO (zanni_ref_t) other = spawn_reader ();
    ZANNI_AUTO (zanni_ref_t) third = spawn_reader ();
    zanni_blob_t small = put_by (one, 100, 1), large = put_by (one, MIB, 2);
    cr_assert_eq (get_by (other, &small, 1), 0);
    cr_assert_eq (get_by (other, &large, 2), 0);
    cr_assert_eq (fetch_by (third, &large, 2, false), 0);
}

/* On a worker of the pool, where nobody may wait for another node. */
ANY_STORE (an_actor_that_must_not_wait_fetches)
{
    ZANNI_AUTO (zanni_ref_t) producer = spawn_reader ();
    place = ZANNI_SHARED;
    ZANNI_AUTO (zanni_ref_t) shared = spawn_reader ();
    place = ZANNI_PROCESS;
    zanni_blob_t here = put (MIB, 1), there_too = put_by (producer, MIB, 2);
    zanni_blob_t nowhere = there_too;
    nowhere.id [3] ^= 1;
    cr_assert_eq (fetch_by (shared, &here, 1, false), 0);
    cr_assert_eq (fetch_by (shared, &there_too, 2, false), 0);
    cr_assert_eq (fetch_by (shared, &nowhere, 2, false), ZANNI_EGONE);
}

/* The program's own memory, whose free function uses the store in its turn. */
static void
free_and_list (void *data, void *hint)
{
    free (data);
    *(int *) hint = blobs ();
}

static void
s_wrapped (void)
{
    int left = -1;
    zanni_blob_t blob;
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni_buffer_wrap (root, &buffer, calloc (1, 1000), 1000, free_and_list, &left), 0);
    cr_assert_eq (zanni_store_put (store, &blob, buffer), 0);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (left, -1);
    cr_assert_eq (zanni_store_delete (store, &blob), 0);
    cr_assert_eq (left, 0, "it is gone already");
}

Test (peer_store, memory_of_the_program_is_freed_when_nothing_is_locked, .timeout = 20)
{
    conform_in ("peer", s_wrapped);
}

/* In a handler beside the root, while that waits for the first put's actor to begin. */
static void
s_founders (void)
{
    place = ZANNI_HERE;
    ZANNI_AUTO (zanni_ref_t) beside = spawn_reader ();
    place = ZANNI_PROCESS;
    uint64_t id = 0;
    const zanni_ask_t options = { .id_p = &id, .deadline_ms = 10000 };
    cr_assert_eq (zanni_ask (root, beside, &options, "put", MIB, 1), 0);
    zanni_blob_t other, blob = put (MIB, 2);
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    cr_assert_eq (zanni_read (reply, &other), 0);
    cr_assert_eq (get (&blob, 2), 0);
    cr_assert_eq (get (&other, 1), 0);
}

Test (peer_store, two_actors_of_a_thread_put_first_at_once, .timeout = 20)
{
    conform_in ("peer", s_founders);
}

/* Bytes beyond what is there would be somebody else's. */
static int
piece_of (const zanni_blob_t *blob, uint64_t offset)
{
    static uint8_t piece [MIB];
    size_t got = sizeof piece;
    return zanni_store_read (store, blob, offset, piece, &got) ? -1 : (int) got;
}

static void
s_short_reads (void)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    zanni_blob_t blob = put_by (reader, 10, 1);
    cr_assert_eq (piece_of (&blob, 0), 10);
    cr_assert_eq (piece_of (&blob, 7), 3);
    cr_assert_eq (piece_of (&blob, 10), 0);
    cr_assert_eq (piece_of (&blob, 1000), 0);
}

Test (peer_store, a_read_answers_what_is_there_and_no_more, .timeout = 20)
{
    conform_in ("peer", s_short_reads);
}

static void
s_hasty (void)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    place = ZANNI_SHARED;
    ZANNI_AUTO (zanni_ref_t) shared = spawn_reader ();
    place = ZANNI_PROCESS;
    zanni_blob_t blob = put_by (reader, 1000, 1);
    cr_assert_eq (get_by (shared, &blob, 1), ZANNI_EOWNER);
    cr_assert_eq (fetch_by (shared, &blob, 1, true), ZANNI_ECLOSED);
}

Test (peer_store, a_fetch_that_goes_on_ends_when_its_store_is_closed, .timeout = 60)
{
    conform_in ("peer", s_hasty);
}

Test (store, that_cannot_be_opened_says_why, .timeout = 20)
{
    begin ((zanni_options_t) { .name = "store" });
    expect_error ("magic:x", "names no kind");
    expect_error ("no colon", "names no kind");
    expect_error ("file:", "needs a folder");
    expect_error ("file:/nowhere/at/all", "cannot be made");
    expect_error ("shm:here", "has no place");
    expect_error ("peer:there", "has no place");
    end ();
}

static void
s_ended_owner (void)
{
    ZANNI_AUTO (zanni_ref_t) reader = spawn_reader ();
    zanni_blob_t blob = put_by (reader, 200000, 1);
    ZANNI_AUTO (zanni_buffer_t) held = NULL;
    cr_assert_eq (zanni_store_get (store, &held, &blob), 0);
    uint64_t down = monitor (reader);
    cr_assert_eq (zanni_kill (root, reader), 0);
    (void) expect_down (down, false);
    cr_assert (becomes (&blob, 1, ZANNI_EGONE));
    cr_assert (is_filled (zanni_buffer_data (held), zanni_buffer_size (held), 1, 0), "who has its bytes keeps them");
}

Test (shm_store, blobs_of_a_process_that_ended_are_gone, .timeout = 60)
{
    conform_in ("shm", s_ended_owner);
}

Test (peer_store, blobs_of_a_process_that_ended_are_gone, .timeout = 60)
{
    conform_in ("peer", s_ended_owner);
}

/* Changes a byte of the one file there is. */
static void
damage (void)
{
    char path [400];
    DIR *handle = opendir (folder);
    for (struct dirent *entry; (entry = readdir (handle));) {
        if (*entry->d_name == '.')
            continue;
        snprintf (path, sizeof path, "%s/%s", folder, entry->d_name);
        int fd = open (path, O_RDWR | O_CLOEXEC);
        cr_assert_eq (pwrite (fd, "?", 1, 4096 + 500), 1);
        close (fd);
    }
    closedir (handle);
}

static void
s_damaged (void)
{
    zanni_buffer_t *buffer = NULL;
    open_store ((zanni_store_options_t) { .verify = true });
    zanni_blob_t blob = put (1000, 1);
    cr_assert_eq (get (&blob, 1), 0);
    damage ();
    cr_assert_eq (zanni_store_get (store, &buffer, &blob), ZANNI_ECORRUPT);
    cr_assert_null (buffer);
}

Test (file_store, a_damaged_blob_is_told, .timeout = 60)
{
    conform_in ("file", s_damaged);
}

static void
s_full_disk (void)
{
    zanni_blob_t blob;
    if (mount ("zanni", folder, "tmpfs", 0, "size=1m")) {
        cr_log_warn ("skipped: no tmpfs can be mounted here");
        return;
    }
    open_store ((zanni_store_options_t) { .size = 0 });
    ZANNI_AUTO (zanni_buffer_t) large = make (2 * MIB, 1);
    zanni_blob_t small = put (100000, 1);
    int rc = zanni_store_put (store, &blob, large);
    int left = blobs ();
    int again = get (&small, 1);
    zanni_store_close (&store);
    cr_assert_eq (umount2 (folder, MNT_DETACH), 0);
    cr_assert_eq (rc, ZANNI_ENOSPACE);
    cr_assert_eq (left, 1);
    cr_assert_eq (again, 0);
}

Test (file_store, a_full_disk_is_an_error_and_nothing_is_half_there, .timeout = 60)
{
    conform_in ("file", s_full_disk);
}

#if defined HAS_LMDB

static void
s_growing_map (void)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = make (8 * MIB, 1);
    ZANNI_AUTO (zanni_buffer_t) held = NULL;
    zanni_blob_t first, blob;
    cr_assert_eq (zanni_store_put (store, &first, buffer), 0);
    for (int i = 0; i < 40; i++)
        cr_assert_eq (zanni_store_put (store, &blob, buffer), 0, "the map grows");
    cr_assert_eq (get (&first, 1), 0);
    cr_assert_eq (zanni_store_get (store, &held, &first), 0);
    int rc = 0, more = 0;
    while (!rc && more < 200) {
        rc = zanni_store_put (store, &blob, buffer);
        more += !rc;
    }
    cr_assert_eq (rc, ZANNI_ENOSPACE, "it cannot, as long as a buffer is in it");
    cr_assert_eq (blobs (), 41 + more);
    cr_assert (is_filled (zanni_buffer_data (held), 8 * MIB, 1, 0));
    zanni_buffer_destroy (&held);
    cr_assert_eq (zanni_store_put (store, &blob, buffer), 0);
}

Test (lmdb_store, grows_and_says_when_it_cannot, .timeout = 120)
{
    conform_in ("lmdb", s_growing_map);
}

#endif
