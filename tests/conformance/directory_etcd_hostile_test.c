/* Directories in what says that it is an etcd, and lies: it answers with what is no HTTP, no JSON, or not what was asked; in
   pieces, without end, or not at all. Who asks gets an error in time, the node lives on, and works with the next one. */

#include "directory.h"

#include "support/liar.h"

#include <limits.h>
#include <zanni/etcd.h>

CLASSES (&worker_class, &member_class);

__attribute__ ((constructor (101))) static void
register_etcd (void)
{
    if (zanni_etcd_register ())
        abort ();
}

static liar_t liar;

static void
set_liar_up (void)
{
    make_folder ();
    cr_assert_eq (liar_start (&liar), 0);
    begin ((zanni_options_t) { .insecure = true });
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
}

static void
tear_liar_down (void)
{
    end ();
    liar_end (&liar);
    sweep_folder ();
}

TestSuite (etcd_lies, .init = set_liar_up, .fini = tear_liar_down, .timeout = LONG_TIMEOUT);

#define TXN "/v3/kv/txn"
#define GRANT "/v3/lease/grant"
#define KEEP "/v3/lease/keepalive"
#define KEYS "/v3/lease/timetolive"
#define WATCH "/v3/watch"
#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define HEADER "\"header\": {\"revision\": \"5\"}"
#define GOOD "{" HEADER ", \"succeeded\": true}"

static zanni_ref_t *
speaker (void)
{
    char where [64];
    snprintf (where, sizeof where, "http://127.0.0.1:%d", liar.port);
    return spawn_with (&(zanni_spawn_t) { .place = ZANNI_THREAD }, "zanni-etcd", where);
}

/* That etcd is not reached: by this code, if it is not 0. */
static void
expect_unreached (int code)
{
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) ref = speaker ();
    int rc = refused (&error, ref, "reach");
    cr_assert (!code || rc == code, "%s: %s", zanni_strerror (rc), error.text);
    cr_assert_neq (rc, ZANNI_ETIMEOUT, "it has to be found before the deadline of who asks");
    cr_assert (*error.text);
}

/* One that has been reached. */
static zanni_ref_t *
reached (void)
{
    liar_says (&liar, TXN, GOOD);
    zanni_ref_t *ref = speaker ();
    done (ref, "reach");
    return ref;
}

Test (etcd_lies, by_what_is_no_answer_is_no_etcd)
{
    static const char *const nonsense [] = {
        "nonsense", "HTTP/9.9 banana\r\n\r\n", "\r\n\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"succeeded",
        "HTTP/1.1 302 Found\r\nLocation: /v3/kv/txn\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\n<html>", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        (void) liar_says_raw (&liar, TXN, nonsense [i]);
        expect_unreached (0);
    }
}

Test (etcd_lies, by_bodies_of_other_kinds_is_no_etcd)
{
    static const char *const bodies [] = {
        "", "{", "null", "5", "\"text\"", "[]", "{}", "{\"succeeded\": \"yes\"}", "{\"succeeded\": false, \"responses\": {\"a\": 1}}",
        "{\"responses\": [{\"response_range\": []}]}", "{\"responses\": [{\"response_range\": {\"kvs\": [5]}}]}",
        "{\"responses\": [{\"response_range\": {\"kvs\": [{\"value\": \"eno=\"}]}}]}",
        "{\"responses\": [{\"response_range\": {\"kvs\": [{\"value\": \"ZmZmZmZmZmZmZmZmZmZmZg==\"}]}}]}", "\xff\xff", "{\"a\": 1} {}"
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        liar_says (&liar, TXN, bodies [i]);
        expect_unreached (0);
    }
}

/* Behind its beginning it says that, again and again, as fast as it is read. */
static void
goes_on (liar_answer_t *answer, const char *text, unsigned repeat)
{
    *answer->again = 0;
    while (strlen (answer->again) + strlen (text) < sizeof answer->again)
        strcat (answer->again, text);
    answer->repeat = repeat;
}

Test (etcd_lies, by_an_answer_without_end_is_cut_off)
{
    goes_on (liar_says_raw (&liar, TXN, JSON_HEAD "\r\n["), "[[[[[[[[[[[[[[[[", UINT_MAX);
    expect_unreached (ZANNI_ETOOBIG);
    goes_on (liar_says_raw (&liar, TXN, "HTTP/1.1 200 OK\r\n"), "A-Header-That: does not end, and goes on\r\n", UINT_MAX);
    expect_unreached (ZANNI_ENODE);
}

Test (etcd_lies, deep_in_brackets_is_no_etcd)
{
    goes_on (liar_says_raw (&liar, TXN, JSON_HEAD "\r\n{\"a\":"), "[[[[[[[[[[[[[[[[", 40);
    expect_unreached (0);
}

Test (etcd_lies, that_says_nothing_is_given_up)
{
    liar_says_raw (&liar, TXN, JSON_HEAD)->hold = 1;
    int64_t begun_ns = zanni_now_ns (root);
    expect_unreached (ZANNI_ENODE);
    cr_assert_lt (zanni_now_ns (root) - begun_ns, INT64_C (3000000000));
}

/* Errors are for people: each says what to do about it. */
Test (etcd_lies, about_why_it_does_nothing_is_explained)
{
    static const struct {
        int status, grpc;
        const char *text;
        int code;
        const char *advice;
    } said [] = {
        { 400, 3, "etcdserver: user name is empty", ZANNI_EAUTH, "certificates" },
        { 403, 7, "etcdserver: permission denied", ZANNI_EAUTH, "needs a role" },
        { 429, 8, "etcdserver: mvcc: database space exceeded", ZANNI_ENOSPACE, "defragment" },
        { 429, 8, "etcdserver: too many requests", ZANNI_EFULL, "try again later" },
        { 503, 14, "etcdserver: no leader", ZANNI_ENODE, "members of its cluster" },
        { 404, 5, "Not Found", ZANNI_ESYSTEM, "etcd 3.4 or later" },
        { 501, 12, "unimplemented", ZANNI_ESYSTEM, "etcd 3.4 or later" },
        { 502, 0, "Bad Gateway", ZANNI_ENODE, "members of its cluster" }
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        char body [200], bytes [400];
        zanni_error_t error = { 0 };
        int size = snprintf (body, sizeof body, "{\"message\": \"%s\", \"code\": %d}", said [i].text, said [i].grpc);
        snprintf (bytes, sizeof bytes, "HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%s", said [i].status, size, body);
        (void) liar_says_raw (&liar, TXN, bytes);
        ZANNI_AUTO (zanni_ref_t) ref = speaker ();
        int rc = refused (&error, ref, "reach");
        cr_assert_eq (rc, said [i].code, "%s: %s", said [i].text, zanni_strerror (rc));
        cr_assert (strstr (error.text, said [i].advice), "%s", error.text);
        cr_assert (strstr (error.text, "127.0.0.1"), "%s", error.text);
    }
}

/* The handle says it to who asks, not only that it is not reached. */
Test (etcd_lies, about_why_it_does_nothing_is_told_by_the_handle)
{
    static const char full [] = "{\"message\": \"etcdserver: mvcc: database space exceeded\", \"code\": 8}";
    char bytes [400], where [64];
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    zanni_directory_t *its = NULL;
    zanni_error_t error = { 0 };
    const zanni_directory_options_t options = { .error = &error, .timeout_ms = 2000 };
    snprintf (bytes, sizeof bytes, "HTTP/1.1 429 No\r\nContent-Length: %zu\r\n\r\n%s", strlen (full), full);
    (void) liar_says_raw (&liar, TXN, bytes);
    snprintf (where, sizeof where, "etcd:http://127.0.0.1:%d", liar.port);
    cr_assert_eq (zanni_directory_open (root, &its, where, &options), 0, "%s", error.text);
    cr_assert_eq (zanni_directory_lookup (its, &found, "one"), ZANNI_ENOSPACE);
    cr_assert (strstr (error.text, "defragment"), "%s", error.text);
    zanni_directory_close (&its);
    zanni_error_reset (&error);
}

/* Whatever is said of entries: it is an answer, or an error in time. */
Test (etcd_lies, about_entries_is_an_error_or_passed_over)
{
    static const char *const entries [] = {
        "[{\"key\": \"!!\", \"value\": \"!!\", \"create_revision\": \"9\"}]",
        "[{\"key\": 5, \"create_revision\": \"-1\"}]", "[{\"create_revision\": \"0\"}]", "[null]", "{\"0\": 1}", "\"kvs\"",
        "[{\"create_revision\": \"9\"}, {\"create_revision\": \"9\"}]",
        "[{\"create_revision\": \"9\"}, {\"create_revision\": \"8\"}]",
        "[{\"create_revision\": \"18446744073709551615\"}]",
        "[{\"key\": \"a\", \"value\": \"MDAwMDAwMDAwMDAwMDBhYi4xIHRjcDovL25vYm9keQ==\", \"create_revision\": \"9\"}]"
    };
    char body [1024];
    for (int more = 0; more < 2; more++)
        for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
            ZANNI_AUTO (zanni_ref_t) ref = reached ();
            ZANNI_AUTO (zanni_msg_t) list = NULL;
            ZANNI_AUTO (zanni_msg_t) lookup = NULL;
            snprintf (body, sizeof body, "{" HEADER ", \"succeeded\": true, \"responses\": [{\"response_range\": {\"more\": %s, "
                      "\"kvs\": %s}}]}", more ? "true" : "false", entries [i]);
            liar_says (&liar, TXN, body);
            int rc = zanni_call (root, &lookup, ref, "lookup", "all");
            cr_assert (rc && rc != ZANNI_ETIMEOUT, "%s", entries [i]);
            rc = zanni_call (root, &list, ref, "list", "all", 0u);
            cr_assert_neq (rc, ZANNI_ETIMEOUT, "%s", entries [i]);
        }
}

/* Of transactions in which nothing is as it should be. */
Test (etcd_lies, about_puts_are_errors)
{
    static const char *const bodies [] = {
        "{}", "{" HEADER "}", "{\"header\": {\"revision\": \"99999999999999999\"}, \"succeeded\": true}",
        "{\"header\": {\"revision\": \"x\"}, \"succeeded\": true}", "{\"header\": 5, \"succeeded\": true}",
        "{" HEADER ", \"responses\": [[], [], []]}", "[]", "true"
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        zanni_error_t error = { 0 };
        ZANNI_AUTO (zanni_ref_t) ref = reached ();
        liar_says (&liar, GRANT, "{\"ID\": \"5\", \"TTL\": \"60\"}");
        liar_says (&liar, TXN, bodies [i]);
        int rc = refused (&error, ref, "put", 7u, 1u, "all", false, 1000u, zanni_self (root));
        cr_assert_neq (rc, ZANNI_ETIMEOUT, "%s", bodies [i]);
    }
}

Test (etcd_lies, about_leases_are_errors)
{
    static const char *const said [] [3] = {   // by grant, timetolive and keepalive
        { "{}", "{}", "{}" }, { "{\"TTL\": \"x\"}", "{}", "{}" }, { "{\"TTL\": \"-5\"}", "{}", "{}" }, { "[]", "{}", "{}" },
        { NULL, "{}", "{}" }, { NULL, "{\"keys\": {}}", "{\"result\": {\"TTL\": []}}" },
        { NULL, "{\"keys\": [5, \"!\", \"\", \"a2V5\", \"emFubmkvZ3JvdXBzL2EvYg==\"]}", "{\"result\": {}}" },
        { NULL, "[]", "[]" }
    };
    static const char exists [] = "HTTP/1.1 412 No\r\nContent-Length: 11\r\n\r\n{\"code\": 9}";
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        zanni_error_t error = { 0 };
        ZANNI_AUTO (zanni_ref_t) ref = reached ();
        if (said [i] [0])
            liar_says (&liar, GRANT, said [i] [0]);
        else
            (void) liar_says_raw (&liar, GRANT, exists);
        liar_says (&liar, KEYS, said [i] [1]);
        liar_says (&liar, KEEP, said [i] [2]);
        int rc = refused (&error, ref, "put", 7u, 1u, "all", false, 1000u, zanni_self (root));
        cr_assert_neq (rc, ZANNI_ETIMEOUT, "%d", (int) i);
        liar_says (&liar, GRANT, "{\"ID\": \"5\", \"TTL\": \"18446744073709551615\"}");
        ZANNI_AUTO (zanni_ref_t) other_ref = reached ();
        done (other_ref, "put", 7u, 1u, "all", false, 1000u, zanni_self (root));
        rc = refused (&error, other_ref, "renew", 7u, 1000u);
        cr_assert_neq (rc, ZANNI_ETIMEOUT, "%d", (int) i);
    }
}

/* A watch of what is told in lines. */
static int
watch_what_is_told (const char *lines)
{
    char bytes [LIAR_TEXT];
    ZANNI_AUTO (zanni_ref_t) ref = reached ();
    ZANNI_AUTO (zanni_msg_t) list = NULL;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    uint64_t version = 0;
    bool more;
    snprintf (bytes, sizeof bytes, JSON_HEAD "\r\n%s", lines);
    liar_says_raw (&liar, WATCH, bytes)->hold = 1;
    liar_says (&liar, TXN, "{" HEADER ", \"succeeded\": true, \"responses\": [{\"response_range\": {}}]}");
    list = call (ref, "list", "all", 0u);
    cr_assert_eq (zanni_read (list, &version, &more), 0);
    const zanni_ask_t ask = { .deadline_ms = 300 };
    return zanni_call_with (root, &reply, ref, &ask, "watch", "all", version);
}

Test (etcd_lies, about_changes_are_errors_or_passed_over)
{
#define ENTRY "emFubmkvZ3JvdXBzL2FsbC9vbmU="   // zanni/groups/all/one
#define EVENTS(list) "{\"result\": {\"events\": [" list "]}}\n"
    static const struct {
        const char *lines;
        int code;
    } told [] = {
        { "nonsense\n", ZANNI_ENOREPLY }, { "[]\n", ZANNI_ENOREPLY }, { "\n\n\n", ZANNI_ETIMEOUT }, { "{}\n{}\n", ZANNI_ETIMEOUT },
        { "{\"result\": {\"events\": 5}}\n", ZANNI_ETIMEOUT }, { "{\"result\": [{\"events\": [5]}]}\n", ZANNI_ETIMEOUT },
        { "{\"result\": {\"canceled\": true}}\n", ZANNI_ETIMEOUT },
        { "{\"result\": {\"canceled\": true, \"compact_revision\": \"9\"}}\n", ZANNI_ENOREPLY },
        { "{\"result\": {\"canceled\": true, \"compact_revision\": \"0\"}}\n", ZANNI_ETIMEOUT },
        { "{\"result\": {\"canceled\": false, \"compact_revision\": \"0\", \"events\": []}}\n", ZANNI_ETIMEOUT },
        { EVENTS ("5"), ZANNI_ENOREPLY }, { EVENTS ("{}"), ZANNI_ENOREPLY }, { EVENTS ("{\"kv\": {}}"), ZANNI_ENOREPLY },
        { EVENTS ("{\"kv\": {\"mod_revision\": \"18446744073709551615\"}}"), ZANNI_ENOREPLY },
        { EVENTS ("{\"kv\": {\"mod_revision\": \"9\"}}, {\"kv\": {\"mod_revision\": \"8\"}}"), ZANNI_ENOREPLY },
        { EVENTS ("{\"type\": \"DELETE\", \"kv\": {\"key\": \"" ENTRY "\", \"mod_revision\": \"9\"}}"), ZANNI_ENOREPLY },
        { EVENTS ("{\"type\": \"DELETE\", \"kv\": {\"key\": \"" ENTRY "\", \"mod_revision\": \"9\"}, "
                  "\"prev_kv\": {\"create_revision\": \"7\"}}"), 0 },
        { EVENTS ("{\"type\": \"DELETE\", \"kv\": {\"key\": \"b/b\", \"mod_revision\": \"9\"}, "
                  "\"prev_kv\": {\"create_revision\": \"7\"}}"), ZANNI_ETIMEOUT },
        { EVENTS ("{\"kv\": {\"mod_revision\": \"3\"}}"), ZANNI_ETIMEOUT }
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        int rc = watch_what_is_told (told [i].lines);
        bool lost = told [i].code == ZANNI_ENOREPLY && (rc == ZANNI_EDOWN || rc == ZANNI_ENODE);
        cr_assert (rc == told [i].code || lost, "%s: %s", told [i].lines, zanni_strerror (rc));
    }
}

Test (etcd_lies, by_a_line_without_end_is_cut_off)
{
    ZANNI_AUTO (zanni_ref_t) ref = reached ();
    uint64_t end_of_it = monitor (ref);
    uint64_t version = 0;
    bool more;
    goes_on (liar_says_raw (&liar, WATCH, JSON_HEAD "\r\n{\"a\": \""), "and so on ", UINT_MAX);
    liar_says (&liar, TXN, "{" HEADER ", \"succeeded\": true, \"responses\": [{\"response_range\": {}}]}");
    ZANNI_AUTO (zanni_msg_t) list = call (ref, "list", "all", 0u);
    cr_assert_eq (zanni_read (list, &version, &more), 0);
    tell (ref, "watch", "all", version);
    (void) expect_down (end_of_it, false);
}
