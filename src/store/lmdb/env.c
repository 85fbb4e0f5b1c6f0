/* Keys and heads of blobs, and changes, which are transactions that are tried again in a larger map. */

#include "env.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void
zanni__lmdb_key (zanni__lmdb_key_t *key, const uint8_t id [16], char kind, const void *more, size_t size)
{
    memcpy (key->bytes, id, 16);
    key->bytes [16] = (uint8_t) kind;
    if (size)
        memcpy (key->bytes + 17, more, size);
    key->value = (MDB_val) { 17 + size, key->bytes };
}

void
zanni__lmdb_piece_key (zanni__lmdb_key_t *key, const uint8_t id [16], uint64_t at)
{
    uint8_t order [8];
    for (int i = 0; i < 8; i++)
        order [i] = (uint8_t) (at >> (8 * (7 - i)));
    zanni__lmdb_key (key, id, 'p', order, sizeof order);
}

uint64_t
zanni__lmdb_piece_at (const MDB_val *key)
{
    uint64_t at = 0;
    for (size_t i = 17; i < 25 && i < key->mv_size; i++)
        at = at << 8 | ((const uint8_t *) key->mv_data) [i];
    return at;
}

int
zanni__lmdb_code (int rc)
{
    switch (rc) {
    case 0:
        return 0;
    case MDB_NOTFOUND:
        return ZANNI_EGONE;
    case MDB_MAP_FULL:
    case ENOSPC:
        return ZANNI_ENOSPACE;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return ZANNI_ECORRUPT;
    case ENOMEM:
        return ZANNI_ENOMEM;
    default:
        return ZANNI_ESYSTEM;
    }
}

int64_t
zanni__lmdb_now_ms (void)
{
    struct timespec now;
    (void) clock_gettime (CLOCK_REALTIME, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* When a process began, in the kernel's ticks; 0: there is none. */
uint64_t
zanni__lmdb_began (int32_t pid)
{
    char path [32], text [512];
    uint64_t began = 0;
    snprintf (path, sizeof path, "/proc/%" PRId32 "/stat", pid);
    FILE *file = fopen (path, "r");
    const char *at = file && fgets (text, sizeof text, file) ? strrchr (text, ')') : NULL;
    static const char form [] = " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64;
    if (at && sscanf (at + 1, form, &began) != 1)
        began = 0;
    if (file)
        fclose (file);
    return began;
}

static bool
s_lives (int32_t pid, uint64_t began)
{
    return began && zanni__lmdb_began (pid) == began;
}

/* Begins a transaction; a map that another process has made larger is followed. */
int
zanni__lmdb_begin_txn (zanni__lmdb_store_t *store, MDB_txn **txn, unsigned flags)
{
    int rc = mdb_txn_begin (store->env, NULL, flags, txn);
    if (rc == MDB_MAP_RESIZED && store->users == 1) {
        (void) mdb_env_set_mapsize (store->env, 0);
        rc = mdb_txn_begin (store->env, NULL, flags, txn);
    }
    if (rc == MDB_READERS_FULL) {
        int dead;
        (void) mdb_reader_check (store->env, &dead);
        rc = mdb_txn_begin (store->env, NULL, flags, txn);
    }
    return rc;
}

/* Twice as large a map, or as much as is wanted; false: it cannot be now. */
static bool
s_grow (zanni__lmdb_store_t *store, uint64_t wanted)
{
    MDB_envinfo info;
    int dead;
    if (store->users > 1 || mdb_env_info (store->env, &info))
        return false;
    (void) mdb_reader_check (store->env, &dead);
    size_t size = info.me_mapsize * 2;
    while (size < wanted + info.me_mapsize)
        size *= 2;
    return !mdb_env_set_mapsize (store->env, size);
}

int
zanni__lmdb_change (zanni__lmdb_store_t *store, const zanni__lmdb_change_t *change)
{
    for (;;) {
        MDB_txn *txn;
        int rc = zanni__lmdb_begin_txn (store, &txn, 0);
        if (rc)
            return zanni__lmdb_code (rc);
        rc = change->write (store, txn, change->context);
        if (rc)
            mdb_txn_abort (txn);
        else
            rc = mdb_txn_commit (txn);
        if (rc != MDB_MAP_FULL || !s_grow (store, change->size))
            return rc < 0 && rc > -1000 ? rc : zanni__lmdb_code (rc);   // a code of zanni's own passes
    }
}

int
zanni__lmdb_put_head (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t id [16],
                      const zanni__lmdb_head_t *head)
{
    zanni__lmdb_key_t key;
    MDB_val value = { sizeof *head, (void *) (uintptr_t) head };
    zanni__lmdb_key (&key, id, 'h', NULL, 0);
    return mdb_put (txn, store->db, &key.value, &value, 0);
}

int
zanni__lmdb_get_head (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t id [16], zanni__lmdb_head_t *head)
{
    zanni__lmdb_key_t key;
    MDB_val value;
    zanni__lmdb_key (&key, id, 'h', NULL, 0);
    int rc = mdb_get (txn, store->db, &key.value, &value);
    if (rc)
        return zanni__lmdb_code (rc);
    if (value.mv_size != sizeof *head)
        return ZANNI_ECORRUPT;
    memcpy (head, value.mv_data, sizeof *head);
    bool dead = head->state == ZANNI__LMDB_GOES_ON && !s_lives (head->pid, head->began);
    return dead || (head->expires_ms && head->expires_ms <= zanni__lmdb_now_ms ()) ? ZANNI_EGONE : 0;
}

/* Everything under an id. */
int
zanni__lmdb_erase (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t id [16])
{
    MDB_cursor *cursor;
    MDB_val key = { 16, (void *) (uintptr_t) id }, value;
    int rc = mdb_cursor_open (txn, store->db, &cursor);
    if (rc)
        return rc;
    rc = mdb_cursor_get (cursor, &key, &value, MDB_SET_RANGE);
    while (!rc && key.mv_size > 16 && !memcmp (key.mv_data, id, 16)) {
        rc = mdb_cursor_del (cursor, 0);
        if (!rc)
            rc = mdb_cursor_get (cursor, &key, &value, MDB_GET_CURRENT);
        if (!rc && (key.mv_size <= 16 || memcmp (key.mv_data, id, 16)))
            break;
        if (rc == EINVAL)
            rc = MDB_NOTFOUND;   // that was the last of all
    }
    mdb_cursor_close (cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Whether somebody alive retains it. */
bool
zanni__lmdb_is_held (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t id [16])
{
    MDB_cursor *cursor;
    zanni__lmdb_key_t first;
    bool held = false;
    zanni__lmdb_key (&first, id, 'o', NULL, 0);
    MDB_val key = first.value, value;
    if (mdb_cursor_open (txn, store->db, &cursor))
        return true;
    int rc = mdb_cursor_get (cursor, &key, &value, MDB_SET_RANGE);
    while (!rc && !held && key.mv_size > 17 && !memcmp (key.mv_data, id, 16) && ((uint8_t *) key.mv_data) [16] == 'o') {
        int32_t pid;
        uint64_t began;
        memcpy (&pid, (uint8_t *) key.mv_data + 17, sizeof pid);
        memcpy (&began, (uint8_t *) key.mv_data + 17 + sizeof pid, sizeof began);
        held = s_lives (pid, began);
        rc = mdb_cursor_get (cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close (cursor);
    return held;
}

/* Calls `see` for each head; not 0 ends it. */
int
zanni__lmdb_each (const zanni__lmdb_store_t *store, MDB_txn *txn, zanni__lmdb_see_fn *see, void *context)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    zanni__lmdb_head_t head;
    int rc = mdb_cursor_open (txn, store->db, &cursor);
    if (rc)
        return rc;
    for (int got = mdb_cursor_get (cursor, &key, &value, MDB_FIRST); !got && !rc;
         got = mdb_cursor_get (cursor, &key, &value, MDB_NEXT)) {
        if (key.mv_size != 17 || ((uint8_t *) key.mv_data) [16] != 'h' || value.mv_size != sizeof head)
            continue;
        memcpy (&head, value.mv_data, sizeof head);
        rc = see (store, txn, key.mv_data, &head, context);
    }
    mdb_cursor_close (cursor);
    return rc;
}

/* What is over: its time, its putter, or all who retained it. */
static int
s_see_over (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t *id, const zanni__lmdb_head_t *head,
            void *context)
{
    zanni__lmdb_survey_t *survey = context;
    bool over = (head->expires_ms && head->expires_ms <= zanni__lmdb_now_ms ())
                || (head->state == ZANNI__LMDB_GOES_ON && !s_lives (head->pid, head->began))
                || (head->state == ZANNI__LMDB_WHOLE && head->counted && !zanni__lmdb_is_held (store, txn, id));
    survey->used += over ? 0 : head->size;
    if (!over || survey->count == survey->room)
        return 0;
    memcpy (survey->ids [survey->count++], id, 16);
    return 0;
}

int
zanni__lmdb_sweep (zanni__lmdb_store_t *store, MDB_txn *txn, void *context)
{
    static const uint32_t room = 64;
    uint8_t ids [64] [16];
    zanni__lmdb_survey_t survey = { .ids = ids, .room = room };
    int rc = zanni__lmdb_each (store, txn, s_see_over, &survey);
    for (uint32_t i = 0; i < survey.count && !rc; i++)
        rc = zanni__lmdb_erase (store, txn, ids [i]);
    if (context)
        *(uint64_t *) context = survey.used;
    return rc;
}

