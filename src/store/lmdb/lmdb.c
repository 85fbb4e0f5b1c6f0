/* Blobs in an LMDB database, which any number of processes of one host use at once.

   A blob is a head, under its id and 'h', and its bytes: under 'd' where it was put whole, written straight into the
   map (MDB_RESERVE); in pieces, under 'p' and where each begins, where it came so. What was put whole is got without a
   copy: the buffer keeps the read transaction that guards it. A long one keeps pages from being used again, as LMDB has
   it.

   The map grows when it is full: it is made twice as large, which LMDB allows while this handle has no transaction; a
   handle whose buffers are out cannot, and says that the store is full. Another process that has made it larger is
   followed. Readers that have died are cleared before that, and when a store is opened.

   Who retains a counted blob is a key, too: 'o' and its process, of which a pid and the time at which it began say
   whether it lives. Followers look again after some milliseconds, since nothing in LMDB tells them. */

#include "env.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zanni/lmdb.h>

#define S_FIRST_MAP ((size_t) 256 << 20)
#define S_WAIT_MS 2

typedef struct {
    zanni__lmdb_store_t *store;
    uint8_t id [16];
    zanni__lmdb_head_t head;
} s_put_t;

static int
s_fail (const zanni_store_options_t *options, int code, const char *what, const char *place, const char *why)
{
    if (!options->error)
        return code;
    zanni_error_reset (options->error);
    options->error->code = code;
    snprintf (options->error->text, sizeof options->error->text, what, place, why);
    return code;
}

static uint64_t
s_number (const char *path)
{
    uint64_t hash = UINT64_C (0xcbf29ce484222325);
    for (; *path; path++)
        hash = (hash ^ (uint8_t) *path) * UINT64_C (0x100000001b3);
    return hash;
}

static int
s_open_env (zanni__lmdb_store_t *store, const char *place)
{
    MDB_txn *txn;
    int dead;
    unsigned flags = MDB_WRITEMAP | MDB_NOTLS | MDB_NORDAHEAD | MDB_NOMEMINIT
                     | (store->options.durable ? 0 : MDB_NOSYNC | MDB_NOMETASYNC);
    int rc = mdb_env_create (&store->env);
    if (!rc)
        rc = mdb_env_set_mapsize (store->env, S_FIRST_MAP);
    if (!rc)
        rc = mdb_env_set_maxreaders (store->env, 1022);
    if (!rc)
        rc = mdb_env_open (store->env, place, flags, 0600);
    if (!rc)
        rc = mdb_reader_check (store->env, &dead);
    if (!rc)
        rc = zanni__lmdb_begin_txn (store, &txn, 0);
    if (rc)
        return rc;
    rc = mdb_dbi_open (txn, NULL, 0, &store->db);
    if (rc)
        mdb_txn_abort (txn);
    else
        rc = mdb_txn_commit (txn);
    return rc;
}

static int
s_open (zanni_t *self, void **store_p, uint64_t *number, const char *place, const zanni_store_options_t *options)
{
    (void) self;
    if (!*place)
        return s_fail (options, ZANNI_EINVAL, "a store in LMDB needs a folder: lmdb:/a/folder%s%s", "", "");
    if (mkdir (place, 0700) && errno != EEXIST)
        return s_fail (options, ZANNI_ESYSTEM, "the folder %.120s of the store cannot be made: %.60s", place,
                       strerror (errno));
    zanni__lmdb_store_t *store = calloc (1, sizeof *store);
    if (!store)
        return ZANNI_ENOMEM;
    atomic_init (&store->users, 1);
    store->options = *options;
    store->pid = (int32_t) getpid ();
    store->began = zanni__lmdb_began (store->pid);
    int rc = s_open_env (store, place);
    char *path = rc ? NULL : realpath (place, NULL);
    if (rc || !path) {
        if (store->env)
            mdb_env_close (store->env);
        free (store);
        return s_fail (options, ZANNI_ESYSTEM, "LMDB cannot use the folder %.120s: %.60s", place, mdb_strerror (rc));
    }
    *number = s_number (path);
    free (path);
    *store_p = store;
    /* Where that fails the next one does it. */
    (void) zanni__lmdb_change (store, &(zanni__lmdb_change_t) { zanni__lmdb_sweep, NULL, 0 });
    return 0;
}

static void
s_unuse (zanni__lmdb_store_t *store)
{
    if (atomic_fetch_sub (&store->users, 1) > 1)
        return;
    mdb_env_close (store->env);
    free (store);
}

typedef struct {
    zanni__lmdb_store_t *store;
    MDB_txn *txn;
} s_guard_t;

static void
s_unguard (void *data, void *hint)
{
    s_guard_t *guard = hint;
    zanni__lmdb_store_t *store = guard->store;
    (void) data;
    mdb_txn_abort (guard->txn);
    free (guard);
    s_unuse (store);
}

typedef struct {
    const uint8_t *id;
    bool more;
    int rc;
} s_hold_t;

/* A key of this process, with how often it retains the blob. */
static void
s_owner_key (const zanni__lmdb_store_t *store, zanni__lmdb_key_t *key, const uint8_t *id)
{
    uint8_t who [12];
    memcpy (who, &store->pid, sizeof store->pid);
    memcpy (who + 4, &store->began, sizeof store->began);
    zanni__lmdb_key (key, id, 'o', who, sizeof who);
}

static int
s_write_hold (zanni__lmdb_store_t *store, MDB_txn *txn, void *context)
{
    const s_hold_t *hold = context;
    zanni__lmdb_head_t head;
    zanni__lmdb_key_t key;
    MDB_val value;
    uint64_t count = 0;
    int rc = zanni__lmdb_get_head (store, txn, hold->id, &head);
    if (rc)
        return rc;
    s_owner_key (store, &key, hold->id);
    rc = mdb_get (txn, store->db, &key.value, &value);
    if (!rc && value.mv_size == sizeof count)
        memcpy (&count, value.mv_data, sizeof count);
    if (!hold->more && !count)
        return ZANNI_EINVAL;
    count += hold->more ? 1 : (uint64_t) -1;
    value = (MDB_val) { sizeof count, &count };
    if (count)
        return mdb_put (txn, store->db, &key.value, &value, 0);
    rc = mdb_del (txn, store->db, &key.value, NULL);
    bool stays = rc || !head.counted || zanni__lmdb_is_held (store, txn, hold->id);
    return stays ? rc : zanni__lmdb_erase (store, txn, hold->id);
}

static int
s_retain (void *store, const zanni_blob_t *blob)
{
    s_hold_t hold = { .id = blob->id, .more = true };
    return zanni__lmdb_change (store, &(zanni__lmdb_change_t) { s_write_hold, &hold, 0 });
}

static int
s_release (void *store, const zanni_blob_t *blob)
{
    s_hold_t hold = { .id = blob->id };
    return zanni__lmdb_change (store, &(zanni__lmdb_change_t) { s_write_hold, &hold, 0 });
}

/* What this process retains; it may have the store open more than once, which then let go together. */
static int
s_see_own (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t *id, const zanni__lmdb_head_t *head,
           void *context)
{
    zanni__lmdb_survey_t *survey = context;
    zanni__lmdb_key_t key;
    MDB_val value;
    (void) head;
    s_owner_key (store, &key, id);
    if (survey->count < survey->room && !mdb_get (txn, store->db, &key.value, &value))
        memcpy (survey->ids [survey->count++], id, 16);
    return 0;
}

static int
s_let_go (zanni__lmdb_store_t *store, MDB_txn *txn, void *context)
{
    uint8_t ids [64] [16];
    zanni__lmdb_survey_t survey = { .ids = ids, .room = 64 };
    zanni__lmdb_head_t head;
    zanni__lmdb_key_t key;
    (void) context;
    int rc = zanni__lmdb_each (store, txn, s_see_own, &survey);
    for (uint32_t i = 0; i < survey.count && !rc; i++) {
        s_owner_key (store, &key, ids [i]);
        rc = mdb_del (txn, store->db, &key.value, NULL);
        bool known = !rc && !zanni__lmdb_get_head (store, txn, ids [i], &head);
        if (known && head.counted && !zanni__lmdb_is_held (store, txn, ids [i]))
            rc = zanni__lmdb_erase (store, txn, ids [i]);
    }
    return rc;
}

static void
s_close (void *context)
{
    zanni__lmdb_store_t *store = context;
    (void) zanni__lmdb_change (store, &(zanni__lmdb_change_t) { s_let_go, NULL, 0 });
    s_unuse (store);
}

/* Room in the quota, behind a sweep. */
static int
s_make_room (zanni__lmdb_store_t *store, uint64_t more)
{
    uint64_t used = 0, quota = store->options.quota_bytes;
    int rc = zanni__lmdb_change (store, &(zanni__lmdb_change_t) { zanni__lmdb_sweep, &used, 0 });
    if (rc)
        return rc;
    return quota && (used > quota || more > quota - used) ? ZANNI_ENOSPACE : 0;
}

static zanni__lmdb_head_t
s_head_of (const zanni__lmdb_store_t *store, const zanni_stored_t *stored)
{
    return (zanni__lmdb_head_t) { .counted = stored->counted, .expires_ms = stored->expires_ms, .size = stored->size,
                        .checksum = stored->checksum, .pid = store->pid, .began = store->began };
}

typedef struct {
    zanni_stored_t *stored;
    const zanni_buffer_t *buffer;
} s_whole_t;

static int
s_write_owner (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t *id)
{
    zanni__lmdb_key_t key;
    uint64_t one = 1;
    MDB_val value = { sizeof one, &one };
    s_owner_key (store, &key, id);
    return mdb_put (txn, store->db, &key.value, &value, 0);
}

/* Straight into the map. */
static int
s_write_whole (zanni__lmdb_store_t *store, MDB_txn *txn, void *context)
{
    const s_whole_t *whole = context;
    zanni__lmdb_key_t key;
    MDB_val value = { whole->stored->size, NULL };
    zanni__lmdb_key (&key, whole->stored->id, 'd', NULL, 0);
    int rc = mdb_put (txn, store->db, &key.value, &value, MDB_RESERVE);
    if (rc)
        return rc;
    zanni_store_copy (whole->stored, value.mv_data, whole->buffer);
    zanni__lmdb_head_t head = s_head_of (store, whole->stored);
    head.state = ZANNI__LMDB_WHOLE;
    rc = zanni__lmdb_put_head (store, txn, whole->stored->id, &head);
    return rc || !head.counted ? rc : s_write_owner (store, txn, whole->stored->id);
}

static int
s_put_buffer (void *context, zanni_stored_t *stored, const zanni_buffer_t *buffer)
{
    s_whole_t whole = { stored, buffer };
    int rc = s_make_room (context, stored->size);
    return rc ? rc : zanni__lmdb_change (context, &(zanni__lmdb_change_t) { s_write_whole, &whole, stored->size });
}

static int
s_write_put (zanni__lmdb_store_t *store, MDB_txn *txn, void *context)
{
    const s_put_t *put = context;
    return zanni__lmdb_put_head (store, txn, put->id, &put->head);
}

static int
s_begin (void *context, void **put_p, const zanni_stored_t *stored, uint64_t expected)
{
    zanni__lmdb_store_t *store = context;
    int rc = s_make_room (store, expected);
    s_put_t *put = rc ? NULL : calloc (1, sizeof *put);
    if (!put)
        return rc ? rc : ZANNI_ENOMEM;
    put->store = store;
    put->head = s_head_of (store, stored);
    put->head.size = put->head.checksum = 0;
    put->head.pieces = 1;
    memcpy (put->id, stored->id, sizeof put->id);
    rc = zanni__lmdb_change (store, &(zanni__lmdb_change_t) { s_write_put, put, expected });
    if (rc)
        free (put);
    else
        *put_p = put;
    return rc;
}

typedef struct {
    s_put_t *put;
    const void *data;
    size_t size;
} s_piece_t;

static int
s_write_piece (zanni__lmdb_store_t *store, MDB_txn *txn, void *context)
{
    const s_piece_t *piece = context;
    zanni__lmdb_key_t key;
    zanni__lmdb_head_t head = piece->put->head;
    MDB_val value = { piece->size, (void *) (uintptr_t) piece->data };
    zanni__lmdb_piece_key (&key, piece->put->id, head.size);
    int rc = mdb_put (txn, store->db, &key.value, &value, 0);
    head.size += piece->size;
    return rc ? rc : zanni__lmdb_put_head (store, txn, piece->put->id, &head);
}

static int
s_append (void *context, const void *data, size_t size)
{
    s_put_t *put = context;
    s_piece_t piece = { put, data, size };
    int rc = put->store->options.quota_bytes ? s_make_room (put->store, size) : 0;
    if (!rc)
        rc = zanni__lmdb_change (put->store, &(zanni__lmdb_change_t) { s_write_piece, &piece, size });
    put->head.size += rc ? 0 : size;
    return rc;
}

static int
s_write_end (zanni__lmdb_store_t *store, MDB_txn *txn, void *context)
{
    const s_put_t *put = context;
    int rc = zanni__lmdb_put_head (store, txn, put->id, &put->head);
    return rc || !put->head.counted ? rc : s_write_owner (store, txn, put->id);
}

static int
s_write_drop (zanni__lmdb_store_t *store, MDB_txn *txn, void *context)
{
    return zanni__lmdb_erase (store, txn, context);
}

static void
s_abort (void *context)
{
    s_put_t *put = context;
    (void) zanni__lmdb_change (put->store, &(zanni__lmdb_change_t) { s_write_drop, put->id, 0 });
    free (put);
}

static int
s_commit (void *context, const zanni_stored_t *stored)
{
    s_put_t *put = context;
    put->head.state = ZANNI__LMDB_WHOLE;
    put->head.checksum = stored->checksum;
    int rc = zanni__lmdb_change (put->store, &(zanni__lmdb_change_t) { s_write_end, put, 0 });
    if (rc)
        s_abort (put);
    else
        free (put);
    return rc;
}

static void
s_free (void *data, void *hint)
{
    (void) hint;
    free (data);
}

/* A blob that is being read. */
typedef struct {
    zanni__lmdb_store_t *store;
    MDB_txn *txn;
    const zanni_blob_t *blob;
} s_source_t;

/* From the piece in which `at` lies on; how much that was. */
static int
s_copy_pieces (s_source_t *source, uint64_t at, void *to, size_t *size)
{
    MDB_cursor *cursor;
    zanni__lmdb_key_t first;
    size_t done = 0;
    zanni__lmdb_piece_key (&first, source->blob->id, at);
    MDB_val key = first.value, value;
    int rc = mdb_cursor_open (source->txn, source->store->db, &cursor);
    if (rc)
        return rc;
    rc = mdb_cursor_get (cursor, &key, &value, MDB_SET_RANGE);
    bool exact = !rc && key.mv_size == 25 && !memcmp (key.mv_data, first.bytes, 25);
    if (!exact)
        rc = mdb_cursor_get (cursor, &key, &value, rc ? MDB_LAST : MDB_PREV);
    while (!rc && done < *size && key.mv_size == 25 && !memcmp (key.mv_data, first.bytes, 17)) {
        uint64_t start = zanni__lmdb_piece_at (&key);
        if (at + done < start || at + done >= start + value.mv_size)
            break;
        size_t skip = (size_t) (at + done - start), left = value.mv_size - skip;
        size_t take = left < *size - done ? left : *size - done;
        memcpy ((uint8_t *) to + done, (uint8_t *) value.mv_data + skip, take);
        done += take;
        rc = mdb_cursor_get (cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close (cursor);
    *size = done;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
s_found (s_source_t *source, const zanni__lmdb_head_t *head, zanni_found_t *found)
{
    zanni__lmdb_store_t *store = source->store;
    MDB_txn *txn = source->txn;
    zanni__lmdb_key_t key;
    MDB_val value;
    if (head->pieces || !head->size) {
        size_t size = head->size;
        void *copy = malloc (size ? size : 1);
        int rc = !copy ? ZANNI_ENOMEM : size ? s_copy_pieces (source, 0, copy, &size) : 0;
        if (!rc && size != head->size)
            rc = ZANNI_ECORRUPT;
        if (rc) {
            free (copy);
            return rc;
        }
        found->data = copy;
        found->release = s_free;
        mdb_txn_abort (txn);
        return 0;
    }
    zanni__lmdb_key (&key, source->blob->id, 'd', NULL, 0);
    int rc = mdb_get (txn, store->db, &key.value, &value);
    s_guard_t *guard = rc ? NULL : malloc (sizeof *guard);
    if (!guard)
        return rc ? zanni__lmdb_code (rc) : ZANNI_ENOMEM;
    *guard = (s_guard_t) { store, txn };
    atomic_fetch_add (&store->users, 1);
    found->data = value.mv_data;
    found->release = s_unguard;
    found->hint = guard;
    found->mapped = value.mv_size == head->size;
    return 0;
}

static int
s_get (void *context, zanni_found_t *found, const zanni_blob_t *blob)
{
    zanni__lmdb_store_t *store = context;
    MDB_txn *txn;
    zanni__lmdb_head_t head;
    int rc = zanni__lmdb_begin_txn (store, &txn, MDB_RDONLY);
    if (rc)
        return zanni__lmdb_code (rc);
    rc = zanni__lmdb_get_head (store, txn, blob->id, &head);
    if (!rc && head.state != ZANNI__LMDB_WHOLE)
        rc = ZANNI_EAGAIN;
    if (!rc) {
        memcpy (found->stored.id, blob->id, sizeof found->stored.id);
        found->stored.size = head.size;
        found->stored.checksum = head.checksum;
        rc = s_found (&(s_source_t) { store, txn, blob }, &head, found);
    }
    if (rc)
        mdb_txn_abort (txn);
    return rc;
}

static int
s_read_at (s_source_t *source, uint64_t offset, void *data, size_t *size)
{
    zanni__lmdb_key_t key;
    MDB_val value;
    zanni__lmdb_key (&key, source->blob->id, 'd', NULL, 0);
    if (mdb_get (source->txn, source->store->db, &key.value, &value))
        return s_copy_pieces (source, offset, data, size);
    uint64_t left = offset < value.mv_size ? value.mv_size - offset : 0;
    *size = left < *size ? (size_t) left : *size;
    if (*size)
        memcpy (data, (uint8_t *) value.mv_data + offset, *size);
    return 0;
}

static int
s_read (void *context, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size, bool *more)
{
    zanni__lmdb_store_t *store = context;
    MDB_txn *txn;
    zanni__lmdb_head_t head;
    int rc = zanni__lmdb_begin_txn (store, &txn, MDB_RDONLY);
    if (rc)
        return zanni__lmdb_code (rc);
    rc = zanni__lmdb_get_head (store, txn, blob->id, &head);
    if (!rc) {
        *more = head.state == ZANNI__LMDB_GOES_ON;
        if (offset >= head.size)
            *size = 0;
        else
            rc = zanni__lmdb_code (s_read_at (&(s_source_t) { store, txn, blob }, offset, data, size));
    }
    mdb_txn_abort (txn);
    return rc;
}

static void
s_wait (void *context, const zanni_blob_t *blob, uint64_t offset, uint32_t timeout_ms)
{
    const struct timespec moment = { .tv_nsec = (timeout_ms < S_WAIT_MS ? timeout_ms : S_WAIT_MS) * 1000000 };
    (void) context, (void) blob, (void) offset;
    (void) nanosleep (&moment, NULL);
}

static int
s_see_whole (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t *id, const zanni__lmdb_head_t *head,
             void *context)
{
    zanni__lmdb_survey_t *survey = context;
    (void) store, (void) txn;
    if (head->state != ZANNI__LMDB_WHOLE || (head->expires_ms && head->expires_ms <= zanni__lmdb_now_ms ()))
        return 0;
    if (survey->count == survey->room) {
        uint32_t room = survey->room ? survey->room * 2 : 64;
        zanni_stored_t *all = realloc (survey->all, room * sizeof *all);
        if (!all)
            return ZANNI_ENOMEM;
        survey->all = all;
        survey->room = room;
    }
    zanni_stored_t *stored = &survey->all [survey->count++];
    *stored = (zanni_stored_t) { .size = head->size, .checksum = head->checksum, .expires_ms = head->expires_ms,
                                 .counted = head->counted };
    memcpy (stored->id, id, sizeof stored->id);
    return 0;
}

static int
s_list (void *context, int (*each) (void *, const zanni_stored_t *), void *inner)
{
    zanni__lmdb_store_t *store = context;
    zanni__lmdb_survey_t survey = { .count = 0 };
    MDB_txn *txn;
    (void) zanni__lmdb_change (store, &(zanni__lmdb_change_t) { zanni__lmdb_sweep, NULL, 0 });
    int rc = zanni__lmdb_begin_txn (store, &txn, MDB_RDONLY);
    if (rc)
        return zanni__lmdb_code (rc);
    rc = zanni__lmdb_each (store, txn, s_see_whole, &survey);
    mdb_txn_abort (txn);
    for (uint32_t i = 0; i < survey.count && !rc; i++)   // who is told may use the store
        rc = each (inner, &survey.all [i]);
    free (survey.all);
    return rc;
}

static int
s_drop_known (zanni__lmdb_store_t *store, MDB_txn *txn, void *context)
{
    zanni__lmdb_head_t head;
    int rc = zanni__lmdb_get_head (store, txn, context, &head);
    return rc ? rc : head.state == ZANNI__LMDB_WHOLE ? zanni__lmdb_erase (store, txn, context) : ZANNI_EAGAIN;
}

static int
s_drop (void *store, const zanni_blob_t *blob)
{
    zanni_blob_t copy = *blob;
    return zanni__lmdb_change (store, &(zanni__lmdb_change_t) { s_drop_known, copy.id, 0 });
}

static const zanni_store_ops_t s_ops = {
    .size = sizeof (zanni_store_ops_t), .kind = "lmdb", .open = s_open, .close = s_close, .begin = s_begin,
    .append = s_append, .commit = s_commit, .abort = s_abort, .put = s_put_buffer, .sums = true, .get = s_get, .read = s_read,
    .wait = s_wait, .list = s_list, .drop = s_drop, .retain = s_retain, .release = s_release
};

int
zanni_lmdb_register (void)
{
    return zanni_store_register (&s_ops);
}
