/* lmdb-bench: 100 MB put into LMDB and read from it, per second, with LMDB used directly and at its best.

   The map is written in place (MDB_WRITEMAP) and never synced (MDB_NOSYNC, MDB_NOMETASYNC); there is one user, so no
   locks (MDB_NOLOCK), and no reading ahead. A put reserves the room (MDB_RESERVE) and copies the bytes there; a get is
   a look into the map, where the bytes are summed. The same key is put again and again: its old pages are free two
   transactions later, so in the steady state the file does not grow.

   The environment is in a new folder in memory where there is such, since what is measured is LMDB and not a disk. The
   folder is gone at the end, whatever the end is like: its files are unlinked once they are open. */

#define _GNU_SOURCE

#include "../../support/scratch.h"
#include "../peer.h"

#include <lmdb.h>
#include <unistd.h>

#define S_MAP ((size_t) 1 << 30)

static MDB_env *s_env;
static MDB_dbi s_db;
static uint8_t *s_data;

static void
s_good (int rc, const char *what)
{
    if (!rc)
        return;
    fprintf (stderr, "lmdb-bench: %s: %s\n", what, mdb_strerror (rc));
    exit (EXIT_FAILURE);
}

static void
s_open (void)
{
    const unsigned flags = MDB_WRITEMAP | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOLOCK | MDB_NORDAHEAD | MDB_NOMEMINIT
                           | MDB_NOTLS;
    char folder [SCRATCH_PATH], file [SCRATCH_PATH + 16];
    MDB_txn *txn;
    peer_check (scratch_new_in_memory (folder), "mkdtemp");
    s_good (mdb_env_create (&s_env), "mdb_env_create");
    s_good (mdb_env_set_mapsize (s_env, S_MAP), "mdb_env_set_mapsize");
    int rc = mdb_env_open (s_env, folder, flags, 0600);
    snprintf (file, sizeof file, "%s/data.mdb", folder);
    unlink (file);
    rmdir (folder);
    s_good (rc, "mdb_env_open");
    s_good (mdb_txn_begin (s_env, NULL, 0, &txn), "mdb_txn_begin");
    s_good (mdb_dbi_open (txn, NULL, 0, &s_db), "mdb_dbi_open");
    s_good (mdb_txn_commit (txn), "mdb_txn_commit");
    s_data = malloc (PEER_100MB);
    peer_check (s_data != NULL, "malloc");
    memset (s_data, 0x5a, PEER_100MB);
}

static void
s_put (MDB_val *key)
{
    MDB_txn *txn;
    MDB_val value = { .mv_size = PEER_100MB };
    s_good (mdb_txn_begin (s_env, NULL, 0, &txn), "mdb_txn_begin");
    s_good (mdb_put (txn, s_db, key, &value, MDB_RESERVE), "mdb_put");
    memcpy (value.mv_data, s_data, PEER_100MB);
    s_good (mdb_txn_commit (txn), "mdb_txn_commit");
}

static void
s_get (MDB_val *key)
{
    MDB_txn *txn;
    MDB_val value;
    s_good (mdb_txn_begin (s_env, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
    s_good (mdb_get (txn, s_db, key, &value), "mdb_get");
    peer_check (value.mv_size == PEER_100MB, "the size");
    peer_check (peer_sum (value.mv_data, PEER_100MB) == peer_sum_of (0x5a, PEER_100MB), "the sum");
    mdb_txn_abort (txn);
}

static void
s_store (int64_t count)
{
    MDB_val key = { .mv_size = 3, .mv_data = "key" };
    if (!s_env)
        s_open ();
    for (int64_t i = 0; i < count; i++) {
        s_put (&key);
        s_get (&key);
    }
}

int
main (int argc, char **argv)
{
    static const peer_case_t cases [] = { { "store-lmdb", s_store, 4 }, { NULL, NULL, 0 } };
    return peer_main (argc, argv, cases);
}
