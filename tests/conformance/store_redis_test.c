/* What only stores in a Redis server have to answer for: a server that goes, hangs, is full, or is changed by others. */

#include "store_redis.h"

#include <zanni/redis.h>

__attribute__ ((constructor (101))) static void
register_kind (void)
{
    if (zanni_redis_register ())
        abort ();
}

/* A put whose server is gone in the middle, and a get of what was there; then there is another one, empty. */
static void
s_server_killed (void)
{
    static uint8_t piece [3 * MIB];
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    zanni_put_t *going;
    zanni_blob_t blob, whole = put (100000, 1);
    open_store ((zanni_store_options_t) { .deadline_ms = 2000 });
    cr_assert_eq (zanni_put_begin (store, &going, 0), 0);
    cr_assert_eq (zanni_put_append (going, piece, sizeof piece), 0);
    redis_stop (&server);
    int rc = zanni_put_append (going, piece, sizeof piece);
    cr_assert (!rc || rc == ZANNI_ESYSTEM);
    cr_assert_eq (zanni_put_commit (&going, &blob), ZANNI_ESYSTEM);
    cr_assert_eq (zanni_store_get (store, &buffer, &whole), ZANNI_ESYSTEM);
    server = redis_start (folder, NULL, NULL);
    cr_assert_gt (server, 0);
    cr_assert_eq (blobs (), 0, "nothing is half there");
    cr_assert_eq (zanni_store_get (store, &buffer, &whole), ZANNI_EGONE);
    blob = put (5 * MIB, 1);
    cr_assert_eq (get (&blob, 1), 0);
}

Test (redis_store, a_killed_server_ends_what_goes_on_and_the_next_one_is_used, .timeout = 60)
{
    conform_in_redis (s_server_killed);
}

/* A server that is stopped answers nothing: in the middle of a get, and of a put. */
static void
s_server_stuck (void)
{
    static uint8_t piece [4 * MIB];
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    zanni_put_t *going;
    zanni_blob_t blob = put (100000, 1);
    open_store ((zanni_store_options_t) { .deadline_ms = 300 });
    cr_assert_eq (zanni_put_begin (store, &going, 0), 0);
    cr_assert_eq (kill (server, SIGSTOP), 0);
    cr_assert_eq (zanni_put_append (going, piece, sizeof piece), ZANNI_ETIMEOUT);
    zanni_put_abort (&going);
    cr_assert_neq (zanni_store_get (store, &buffer, &blob), 0);
    cr_assert_eq (kill (server, SIGCONT), 0);
    cr_assert (becomes (&blob, 1, 0));
    cr_assert_eq (blobs (), 1);
}

Test (redis_store, a_server_that_does_not_answer_is_a_timeout, .timeout = 60)
{
    conform_in_redis (s_server_stuck);
}

/* Whose connection is cut has no put any more, and nothing of it stays; what it retained it retains again. */
static void
s_cut (void)
{
    static uint8_t piece [3 * MIB];
    char line [300];
    zanni_put_t *going;
    zanni_blob_t blob, counted;
    open_store ((zanni_store_options_t) { .counted = true });
    counted = put (1000, 1);
    cr_assert_eq (zanni_put_begin (store, &going, 0), 0);
    cr_assert_eq (zanni_put_append (going, piece, sizeof piece), 0);
    blob = zanni_put_blob (going);
    snprintf (line, sizeof line, "redis-cli -s %s/socket client kill type normal >%s/said", folder, folder);
    cr_assert_eq (system (line), 0);
    cr_assert_eq (get (&counted, 1), 0);
    cr_assert_eq (get (&blob, 1), ZANNI_EGONE);
    cr_assert_eq (zanni_put_commit (&going, &blob), ZANNI_ESYSTEM);
    cr_assert_eq (blobs (), 1);
    snprintf (line, sizeof line, "test $(redis-cli -s %s/socket --scan --pattern 'zanni:d:*' | wc -l) = 1", folder);
    cr_assert_eq (system (line), 0, "pieces of the put are left");
    cr_assert_eq (zanni_store_release (store, &counted), 0);
    cr_assert_eq (get (&counted, 1), ZANNI_EGONE);
}

Test (redis_store, a_cut_connection_ends_its_puts_and_retains_again, .timeout = 60)
{
    conform_in_redis (s_cut);
}

static void
s_full_server (void)
{
    open_store ((zanni_store_options_t) { .size = 0 });
    ZANNI_AUTO (zanni_buffer_t) large = make (20 * MIB, 1);
    zanni_blob_t blob, small = put (100000, 1);
    for (int i = 0; i < 3; i++)
        cr_assert_eq (zanni_store_put (store, &blob, large), ZANNI_ENOSPACE);
    cr_assert_eq (blobs (), 1);
    cr_assert_eq (get (&small, 1), 0);
    small = put (2 * MIB, 1);
    cr_assert_eq (get (&small, 1), 0);
}

Test (redis_store, a_full_server_is_an_error_and_nothing_is_half_there, .timeout = 60)
{
    conform_in_redis_with ("--maxmemory", "12mb", s_full_server);
}

/* Another client of the server's; what it does to keys of a blob. */
static void
meddle (const char *command, const char *kind, const zanni_blob_t *blob, const char *rest)
{
    char line [300], id [33];
    for (int i = 0; i < 16; i++)
        snprintf (id + 2 * i, 3, "%02x", blob->id [i]);
    snprintf (line, sizeof line, "redis-cli -s %s/socket %s zanni:%s:%s%s >%s/said", folder, command, kind, id, rest, folder);
    cr_assert_eq (system (line), 0);
}

static void
s_meddled (void)
{
    static const struct {
        const char *command, *kind, *rest;
    } ways [] = {
        { "setrange", "d", ":0 500 ?" }, { "append", "d", ":1 more" }, { "del", "d", ":1" }, { "hset", "b", " size 5" },
        { "hset", "b", " size none" }, { "hdel", "b", " sum" }, { "hset", "b", " size 99999999999999" }
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
        zanni_blob_t good = put (1000, 1), blob = put (MIB + 1000, 1);
        meddle (ways [i].command, ways [i].kind, &blob, ways [i].rest);
        cr_assert_eq (zanni_store_get (store, &buffer, &blob), ZANNI_ECORRUPT, "%s", ways [i].command);
        cr_assert_null (buffer);
        cr_assert_eq (get (&good, 1), 0);
    }
}

Test (redis_store, what_others_changed_is_told, .timeout = 60)
{
    conform_in_redis (s_meddled);
}

static void
s_locked_server (void)
{
    char where [160];
    expect_error (there, "password");
    snprintf (where, sizeof where, "redis:wrong@%s/socket", folder);
    expect_error (where, "password");
    snprintf (there, sizeof there, "redis:secret@%s/socket", folder);
    open_store ((zanni_store_options_t) { .size = 0 });
    zanni_blob_t blob = put (1000, 1);
    cr_assert_eq (get (&blob, 1), 0);
}

Test (redis_store, a_server_may_ask_for_a_password, .timeout = 60)
{
    conform_in_redis_with ("--requirepass", "secret", s_locked_server);
}

Test (redis_store, that_is_not_there_says_how_to_start_one, .timeout = 20)
{
    begin ((zanni_options_t) { .name = "store" });
    expect_error ("redis:/nowhere/at.all",
                  "no Redis server answers at /nowhere/at.all: start one with redis-server --unixsocket /nowhere/at.all --port 0");
    expect_error ("redis:", "needs a server");
    expect_error ("redis:127.0.0.1:1", "redis-server --port 1");
    end ();
}
