/* env.h: an LMDB database as a store of blobs sees it: keys, heads, transactions that find room. */

#ifndef ZANNI_STORE_LMDB_ENV_H
#define ZANNI_STORE_LMDB_ENV_H

#include <lmdb.h>
#include <stdatomic.h>
#include <zanni/sys/store.h>

#define ZANNI__LMDB_KEY_MAX 40

enum { ZANNI__LMDB_GOES_ON, ZANNI__LMDB_WHOLE };

typedef struct {
    uint32_t state;
    uint32_t counted;
    uint64_t size;
    uint64_t checksum;
    int64_t expires_ms;
    uint32_t pieces;          // it is in pieces
    int32_t pid;              // who puts it
    uint64_t began;           // when that process did
} zanni__lmdb_head_t;

typedef struct {
    MDB_env *env;
    MDB_dbi db;
    zanni_store_options_t options;
    _Atomic uint32_t users;   // the handle, and each buffer that keeps a transaction; the last one closes
    int32_t pid;
    uint64_t began;
} zanni__lmdb_store_t;

/* Id, kind, and what tells several of one kind apart, in an order that is that of the bytes. */
typedef struct {
    uint8_t bytes [ZANNI__LMDB_KEY_MAX];
    MDB_val value;
} zanni__lmdb_key_t;

/* Something that writes, in a transaction of its own, and again in a larger map. */
typedef struct {
    int (*write) (zanni__lmdb_store_t *store, MDB_txn *txn, void *context);
    void *context;
    uint64_t size;
} zanni__lmdb_change_t;

typedef struct {
    uint8_t (*ids) [16];
    uint32_t count, room;
    uint64_t used;
    int (*each) (void *, const zanni_stored_t *);
    void *context;
    zanni_stored_t *all;
} zanni__lmdb_survey_t;

void zanni__lmdb_key (zanni__lmdb_key_t *key, const uint8_t id [16], char kind, const void *more, size_t size);
void zanni__lmdb_piece_key (zanni__lmdb_key_t *key, const uint8_t id [16], uint64_t at);
uint64_t zanni__lmdb_piece_at (const MDB_val *key);
int zanni__lmdb_code (int rc);                 // LMDB's, or errno's, in zanni's
int64_t zanni__lmdb_now_ms (void);
uint64_t zanni__lmdb_began (int32_t pid);      // in the kernel's ticks; 0: there is no such process
int zanni__lmdb_begin_txn (zanni__lmdb_store_t *store, MDB_txn **txn, unsigned flags);
int zanni__lmdb_change (zanni__lmdb_store_t *store, const zanni__lmdb_change_t *change);
int zanni__lmdb_put_head (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t id [16],
                          const zanni__lmdb_head_t *head);
int zanni__lmdb_get_head (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t id [16],
                          zanni__lmdb_head_t *head);   // ZANNI_EGONE: there is none, or it is over
int zanni__lmdb_erase (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t id [16]);
bool zanni__lmdb_is_held (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t id [16]);

typedef int zanni__lmdb_see_fn (const zanni__lmdb_store_t *store, MDB_txn *txn, const uint8_t *id,
                                const zanni__lmdb_head_t *head, void *context);
int zanni__lmdb_each (const zanni__lmdb_store_t *store, MDB_txn *txn, zanni__lmdb_see_fn *see, void *context);

/* A change: erases what is over; `context`: where the bytes of all others are counted, or NULL. */
int zanni__lmdb_sweep (zanni__lmdb_store_t *store, MDB_txn *txn, void *context);

#endif
