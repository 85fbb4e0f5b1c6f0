/* What only directories in an etcd have to answer for: an etcd that goes, hangs, forgets, or is written to by others; nodes
   that cannot be dialled; leases that are taken over, and given back. */

#include "directory_etcd.h"

#include "directory/etcd/form.h"
#include "support/proxy.h"

#include <curl/curl.h>

CLASSES (&worker_class, &member_class);
TCP_SUITE (etcd_only);

#define ETCD(name) \
    static void s_##name (void); \
    Test (etcd_only, name) { conform_to (&in_etcd, s_##name); } \
    static void s_##name (void)

typedef struct {
    size_t size;
    char text [65536];
} said_t;

static size_t
take_what_it_says (char *data, size_t one, size_t size, void *context)
{
    said_t *said = context;
    size_t room = sizeof said->text - 1 - said->size, taken = size < room ? size : room;
    memcpy (said->text + said->size, data, taken);
    said->size += taken;
    return one * size;
}

/* Another client of the etcd's. */
static const char *
say (const char *path, const char *body)
{
    static said_t said;
    char url [100];
    CURL *easy = curl_easy_init ();
    memset (&said, 0, sizeof said);
    snprintf (url, sizeof url, "%s%s", etcd_server.client, path);
    curl_easy_setopt (easy, CURLOPT_URL, url);
    curl_easy_setopt (easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt (easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, take_what_it_says);
    curl_easy_setopt (easy, CURLOPT_WRITEDATA, &said);
    cr_assert_eq (curl_easy_perform (easy), 0, "etcd does not answer");
    curl_easy_cleanup (easy);
    return said.text;
}

static void
write_there (const char *key, const char *value)
{
    json_t *body = json_pack ("{s:o, s:o}", "key", zanni__etcd_bytes (key), "value", zanni__etcd_bytes (value));
    char *text = json_dumps (body, 0);
    cr_assert (strstr (say ("/v3/kv/put", text), "revision"));
    free (text);
    json_decref (body);
}

/* How many keys of a folder, or of all, there are. */
static int
keys_of (const char *keys)
{
    char behind [ZANNI__ETCD_KEY];
    zanni__etcd_behind (behind, keys);
    json_t *body = json_pack ("{s:o, s:o, s:b}", "key", zanni__etcd_bytes (keys), "range_end", zanni__etcd_bytes (behind),
                              "count_only", 1);
    char *text = json_dumps (body, 0);
    json_t *answer = json_loads (say ("/v3/kv/range", text), 0, NULL);
    uint64_t count = 0;
    cr_assert (zanni__etcd_number (answer, "count", &count));
    json_decref (answer);
    json_decref (body);
    free (text);
    return (int) count;
}

/* The actor that speaks to the etcd, begun by this root, which is its client. */
static zanni_ref_t *
speaker (void)
{
    zanni_ref_t *ref = spawn_with (&(zanni_spawn_t) { .place = ZANNI_THREAD }, "zanni-etcd", there + strlen ("etcd:"));
    done (ref, "reach");
    return ref;
}

ETCD (an_actor_that_cannot_be_dialled_is_refused_with_what_to_do)
{
    zanni_directory_close (&names);
    begin_again ((zanni_options_t) { .insecure = true });
    open_names ((zanni_directory_options_t) { 0 });
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), ZANNI_EINVAL);
    cr_assert (strstr (names_error.text, "zanni_bind"), "%s", names_error.text);
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), ZANNI_EINVAL);
    ZANNI_AUTO (zanni_ref_t) member = member_away ();   // it finds others, though
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    cr_assert_eq (call_int (member, "publish", "one"), 0);
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), 0);
    cr_assert_eq (call_int (found, "pid"), other.pid);
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    cr_assert_eq (zanni_directory_publish (names, "two", zanni_self (root)), 0);
}

ETCD (a_process_of_a_node_is_dialled_by_way_of_it)
{
    ZANNI_AUTO (zanni_ref_t) child = spawn_with (&(zanni_spawn_t) { .place = ZANNI_PROCESS }, "member");
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    cr_assert_eq (zanni_directory_publish (names, "child", child), 0);
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    cr_assert_eq (zanni_directory_lookup (names, &found, "child"), 0);
    cr_assert_eq (call_int (found, "pid"), call_int (child, "pid"));
}

ETCD (names_of_any_letters_are_apart)
{
    static const char *const all [] = { "a", "a/b", "a/", "/a", "a%2Fb", "%", "name", "a b", "\xc3\xa4", "..", "groups/a", "\n" };
    char longest [256];
    memset (longest, '/', 255);
    longest [255] = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cr_assert_eq (members (all [i]), 0, "%s", all [i]);
        cr_assert_eq (zanni_directory_join (names, all [i], zanni_self (root)), 0);
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cr_assert_eq (members (all [i]), 1, "%s", all [i]);
    cr_assert_eq (zanni_directory_publish (names, longest, zanni_self (root)), 0);
    cr_assert_eq (members (longest), 1);
}

ETCD (another_prefix_is_another_directory)
{
    zanni_directory_t *blue = NULL;
    char where [3 * ZANNI_ENDPOINT_MAX];
    snprintf (where, sizeof where, "%s/blue", there);
    cr_assert_eq (zanni_directory_open (root, &blue, where, NULL), 0);
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_publish (blue, "one", zanni_self (root)), 0);
    cr_assert_eq (keys_of ("blue/groups/one/"), 1);
    cr_assert_eq (keys_of ("zanni/groups/one/"), 1);
    zanni_directory_close (&blue);
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), 0);
}

ETCD (an_endpoint_that_is_not_there_is_passed_over)
{
    char where [2 * ZANNI_ENDPOINT_MAX];
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    snprintf (where, sizeof where, "etcd:http://127.0.0.1:1,%s", etcd_server.client);
    strcpy (there, where);
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    open_names ((zanni_directory_options_t) { 0 });
    cr_assert_eq (zanni_directory_lookup (names, &found, "two"), ZANNI_EGONE, "%s", names_error.text);
}

ETCD (without_tls_beyond_this_host_a_program_has_to_say_so)
{
    zanni_directory_t *far_names = NULL;
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    zanni_error_t error = { 0 };
    zanni_directory_options_t options = { .error = &error, .timeout_ms = 3000 };
    cr_assert_eq (zanni_directory_open (root, &far_names, "etcd:http://192.0.2.1:2379", &options), 0);
    cr_assert_eq (zanni_directory_lookup (far_names, &found, "one"), ZANNI_EAUTH);
    zanni_directory_close (&far_names);
    options.insecure = true;
    options.timeout_ms = 300;
    cr_assert_eq (zanni_directory_open (root, &far_names, "etcd:http://192.0.2.1:2379", &options), 0);
    int rc = zanni_directory_lookup (far_names, &found, "one");
    cr_assert (rc == ZANNI_ETIMEOUT || rc == ZANNI_ENODE, "%s", zanni_strerror (rc));
    zanni_directory_close (&far_names);
    zanni_error_reset (&error);
}

/* Calls go beside each other, but not those about one name. */
ETCD (what_is_published_and_taken_back_at_once_happens_in_order)
{
    const zanni_ask_t ask = { .deadline_ms = DEADLINE_MS };
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    for (int i = 0; i < 50; i++) {
        cr_assert_eq (zanni_directory_publish_ask (names, "one", zanni_self (root), &ask), 0);
        cr_assert_eq (zanni_directory_join_ask (names, "all", zanni_self (root), &ask), 0);
        cr_assert_eq (zanni_directory_leave_ask (names, "all", zanni_self (root), &ask), 0);
        cr_assert_eq (zanni_directory_withdraw_ask (names, "one", &ask), 0);
    }
    cr_assert_eq (zanni_directory_publish_ask (names, "one", zanni_self (root), &ask), 0);
    for (int i = 0; i < 201; i++) {
        ZANNI_AUTO (zanni_msg_t) answer = next ();
        zanni_error_t error = { 0 };
        int code = zanni_msg_error (answer, &error) ? 0 : error.code;
        cr_assert (!code || code == ZANNI_ECANCELED, "%s: %s", zanni_strerror (code), error.text);
    }
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), 0);
    cr_assert (zanni_ref_equal (found, zanni_self (root)));
    cr_assert_eq (members ("all"), 0);
    cr_assert_eq (keys_of ("zanni/groups/"), 1);
}

ETCD (all_handles_of_a_node_share_one_thread)
{
    zanni_directory_t *more [20] = { NULL };
    cr_assert_eq (members ("all"), 0);
    uint64_t before = stats ().threads;
    for (int i = 0; i < 20; i++) {
        cr_assert_eq (zanni_directory_open (root, &more [i], there, NULL), 0);
        cr_assert_eq (zanni_directory_join (more [i], "all", zanni_self (root)), 0);
    }
    cr_assert_eq (stats ().threads, before);
    cr_assert_eq (members ("all"), 20);
    for (int i = 0; i < 20; i++)
        zanni_directory_close (&more [i]);
}

ETCD (an_etcd_that_is_not_there_costs_one_thread)
{
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    zanni_directory_t *more [5] = { NULL };
    cr_assert_eq (members ("all"), 0);
    uint64_t before = stats ().threads;
    etcd_crash ();
    for (int i = 0; i < 5; i++) {
        const zanni_directory_options_t options = { .timeout_ms = 400 };
        cr_assert_eq (zanni_directory_open (root, &more [i], there, &options), 0);
        cr_assert_eq (zanni_directory_lookup (more [i], &found, "one"), ZANNI_ENODE);
    }
    cr_assert_leq (stats ().threads, before + 1);   // one that ends may still be there
    for (int i = 0; i < 5; i++)
        zanni_directory_close (&more [i]);
}

ETCD (what_a_handle_had_is_given_back_when_it_is_closed)
{
    zanni_directory_t *long_one = NULL;
    const zanni_directory_options_t options = { .lease_ms = 3600000 };
    cr_assert_eq (zanni_directory_open (root, &long_one, there, &options), 0);
    cr_assert_eq (zanni_directory_publish (long_one, "one", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_join (long_one, "all", zanni_self (root)), 0);
    zanni_directory_close (&long_one);
    cr_assert (lookup_becomes ("one", ZANNI_EGONE, DEADLINE_MS));
    cr_assert (lookup_becomes ("all", ZANNI_EGONE, DEADLINE_MS));
}

ETCD (what_a_node_had_is_given_back_when_it_ends)
{
    open_names ((zanni_directory_options_t) { .lease_ms = 3600000 });
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    cr_assert_eq (keys_of ("zanni/groups/"), 1);
    zanni_directory_close (&names);
    begin_again ((zanni_options_t) { .insecure = true });
    cr_assert_eq (keys_of ("zanni/groups/"), 0);
}

ETCD (what_was_taken_back_while_etcd_was_lost_does_not_stay)
{
    open_names ((zanni_directory_options_t) { .lease_ms = 6000 });
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_publish (names, "two", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_publish (names, "three", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    etcd_crash ();
    ZANNI_AUTO (zanni_ref_t) none = NULL;
    cr_assert_neq (zanni_directory_lookup (names, &none, "one"), 0);   // from now on it is known
    cr_assert_eq (zanni_directory_withdraw (names, "one"), 0);
    cr_assert_eq (zanni_directory_withdraw (names, "three"), 0);
    cr_assert_eq (zanni_directory_leave (names, "all", zanni_self (root)), 0);
    etcd_again ();
    const zanni_ask_t ask = { .deadline_ms = DEADLINE_MS };   // by the same handle, as another entry
    cr_assert_eq (zanni_directory_publish_ask (names, "three", zanni_self (root), &ask), 0);
    ZANNI_AUTO (zanni_msg_t) answer = next ();
    cr_assert_eq (zanni_msg_kind (answer), ZANNI_MSG_REPLY);
    cr_assert (lookup_becomes ("two", 0, DEADLINE_MS));
    cr_assert (lookup_becomes ("one", ZANNI_EGONE, 5500), "it is not the lease's end that drops it");
    cr_assert (lookup_becomes ("all", ZANNI_EGONE, 5500));
    cr_assert_not (lookup_becomes ("two", ZANNI_EGONE, 6500), "what was kept stays");
    cr_assert (lookup_becomes ("three", 0, DEADLINE_MS));
}

ETCD (the_last_name_that_was_taken_back_while_etcd_was_lost_does_not_stay)
{
    zanni_directory_t *others = NULL;
    ZANNI_AUTO (zanni_ref_t) none = NULL;
    open_names ((zanni_directory_options_t) { .lease_ms = 3600000 });
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    etcd_crash ();
    cr_assert_neq (zanni_directory_lookup (names, &none, "one"), 0);
    cr_assert_eq (zanni_directory_withdraw (names, "one"), 0);
    etcd_again ();
    cr_assert_eq (zanni_directory_open (root, &others, there, NULL), 0);
    cr_assert_eq (zanni_directory_lookup (others, &none, "none"), ZANNI_EGONE);
    cr_assert (lookup_becomes ("one", ZANNI_EGONE, DEADLINE_MS));
    zanni_directory_close (&others);
}

ETCD (an_etcd_that_hangs_is_lost_in_time_and_found_again)
{
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    cr_assert_eq (kill (etcd_server.pid, SIGSTOP), 0);
    cr_assert_eq (waitpid (etcd_server.pid, NULL, WUNTRACED), etcd_server.pid);   // all of its threads have stopped
    int64_t begun_ns = zanni_now_ns (root);
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), ZANNI_ENODE);
    cr_assert_lt (zanni_now_ns (root) - begun_ns, INT64_C (4900000000), "not by the deadline of who asked");
    cr_assert_eq (kill (etcd_server.pid, SIGCONT), 0);
    cr_assert (lookup_becomes ("one", 0, DEADLINE_MS));
}

/* What stands in the directory for a group: of the first page, the version and how many ids; the first of those. */
static int
list_of (const zanni_ref_t *ref, const char *group, uint64_t *version, uint64_t *first)
{
    ZANNI_AUTO (zanni_msg_t) reply = call (ref, "list", group, 0u);
    bool more;
    size_t count = 0;
    cr_assert_eq (zanni_read (reply, version, &more), 0);
    cr_assert_eq (zanni_enter (reply, &count), 0);
    if (count)
        cr_assert_eq (zanni_read (reply, first), 0);
    return (int) count;
}

ETCD (an_etcd_that_was_begun_anew_without_its_data_gives_no_id_twice)
{
    char command [100];
    uint64_t version = 0, before = 0, after = 0;
    ZANNI_AUTO (zanni_ref_t) old = speaker ();
    uint64_t end_of_it = monitor (old);
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    cr_assert_eq (list_of (old, "all", &version, &before), 1);
    etcd_crash ();
    snprintf (command, sizeof command, "rm -rf %s/data", etcd_server.folder);
    cr_assert_eq (system (command), 0);
    etcd_again ();
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, old, "list", "all", 0u), ZANNI_ENODE, "it is not taken for the one of before");
    (void) expect_down (end_of_it, false);
    ZANNI_AUTO (zanni_ref_t) new = speaker ();
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (!list_of (new, "all", &version, &after) && zanni_now_ns (root) < until_ns)
        continue;
    cr_assert_neq (after, 0, "it was not put again");
    cr_assert_neq (after, before);
}

ETCD (a_version_that_etcd_has_compacted_is_gone)
{
    ZANNI_AUTO (zanni_ref_t) ref = speaker ();
    uint64_t version = 0, first = 0, before = 0;
    zanni_error_t error = { 0 };
    char body [64];
    (void) list_of (ref, "all", &before, &first);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
        cr_assert_eq (zanni_directory_leave (names, "all", zanni_self (root)), 0);
    }
    json_t *answer = json_loads (say ("/v3/kv/range", "{\"key\": \"AA==\"}"), 0, NULL);
    cr_assert (zanni__etcd_number (json_object_get (answer, "header"), "revision", &version));
    json_decref (answer);
    snprintf (body, sizeof body, "{\"revision\": \"%llu\"}", (unsigned long long) version);
    cr_assert (strstr (say ("/v3/kv/compaction", body), "revision"));
    int rc = refused (&error, ref, "watch", "all", before);
    cr_assert (rc == ZANNI_EGONE || rc == ZANNI_ENOREPLY, "%s", zanni_strerror (rc));
    (void) list_of (ref, "all", &version, &first);
    const zanni_ask_t ask = { .deadline_ms = DEADLINE_MS };
    cr_assert_eq (zanni_ask (root, ref, &ask, "watch", "all", version), 0);
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_msg_t) changed = next ();
    cr_assert_eq (zanni_msg_kind (changed), ZANNI_MSG_REPLY, "it goes on with what is there");
    cr_assert_eq (refused (&error, ref, "watch", "all", 1u), ZANNI_EGONE);
}

/* By way of a proxy; for longer than a second, so that it is no etcd that cuts everybody who comes. */
ETCD (changes_are_told_on_when_the_connection_was_cut)
{
    char own [PROXY_TCP], dialled [100];
    ZANNI_AUTO (zanni_msg_t) none = NULL;
    uint64_t version = 0, first = 0;
    snprintf (dialled, sizeof dialled, "tcp:%.40s", etcd_server.client + strlen ("http:"));
    proxy_t *proxy = proxy_new_tcp (dialled, own);
    cr_assert_not_null (proxy);
    snprintf (there, sizeof there, "etcd:http:%.*s", PROXY_TCP, own + strlen ("tcp:"));
    ZANNI_AUTO (zanni_ref_t) ref = speaker ();
    (void) list_of (ref, "all", &version, &first);
    const zanni_ask_t ask = { .deadline_ms = 3 * DEADLINE_MS };
    cr_assert_eq (zanni_ask (root, ref, &ask, "watch", "all", version), 0);
    cr_assert_eq (zanni_receive (root, &none, 1200), ZANNI_ETIMEOUT);
    cr_assert_gt (proxy_cut (proxy), 0);
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_msg_t) changed = next ();
    cr_assert_eq (zanni_msg_kind (changed), ZANNI_MSG_REPLY);
    done (ref, "reach");
    proxy_destroy (&proxy);
}

/* All leave by one revision; pages of that, which go on in its middle, say each once. */
ETCD (what_changes_by_one_revision_is_told_page_by_page)
{
    ZANNI_AUTO (zanni_ref_t) ref = speaker ();
    zanni_directory_t *many = NULL;
    uint64_t version = 0, first = 0, id = 0;
    static bool seen [1000];
    cr_assert_eq (zanni_directory_open (root, &many, there, NULL), 0);
    for (int i = 0; i < 200; i++)
        cr_assert_eq (zanni_directory_join (many, "all", zanni_self (root)), 0);
    (void) list_of (ref, "all", &version, &first);
    zanni_directory_close (&many);
    for (int left = 0; left < 200;) {
        ZANNI_AUTO (zanni_msg_t) reply = call (ref, "watch", "all", version);
        size_t count = 0, two = 0;
        cr_assert_eq (zanni_read (reply, &version), 0);
        cr_assert_eq (zanni_enter (reply, &count), 0);
        cr_assert (count && count <= 32);
        for (size_t i = 0; i < count; i++, left++) {
            bool joined = true;
            cr_assert_eq (zanni_enter (reply, &two), 0);
            cr_assert_eq (zanni_read (reply, &id, &joined), 0);
            cr_assert_eq (zanni_leave (reply), 0);
            cr_assert (!joined && id - first < 1000 && !seen [id - first], "%d", left);
            seen [id - first] = true;
        }
    }
    cr_assert_eq (list_of (ref, "all", &version, &first), 0);
}

ETCD (what_others_write_there_is_passed_over)
{
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    expect_change ("joined", "all", zanni_self (root));
    write_there ("zanni/groups/all/junk", "junk");
    write_there ("zanni/groups/all/00000000000000ab.1", "00000000000000ab.1 tcp://nobody");
    write_there ("zanni/groups/all/00000000000000ab.2", "00000000000000ab.2 \xff\xff");
    write_there ("zanni/groups/all/", "");
    write_there ("zanni/groups/all/deep/er", "00000000000000ab.2 x");
    for (int i = 0; i < 40; i++) {
        char key [64];
        snprintf (key, sizeof key, "zanni/groups/all/junk%d", i);
        write_there (key, "");
    }
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    expect_change ("joined", "all", zanni_self (root));
    cr_assert_eq (members ("all"), 2);
    for (int i = 0; i < 20; i++) {
        char key [64];
        snprintf (key, sizeof key, "zanni/groups/late/junk%d", i);
        write_there (key, "");
    }
    cr_assert_eq (zanni_directory_join (names, "late", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_ref_t) late = NULL;
    cr_assert_eq (zanni_directory_lookup (names, &late, "late"), 0, "%s", names_error.text);
    write_there ("zanni/groups/none/junk", "junk");
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    cr_assert_eq (zanni_directory_lookup (names, &found, "none"), ZANNI_EGONE);
    cr_assert_eq (zanni_directory_publish (names, "none", zanni_self (root)), ZANNI_EINUSE);
}

/* Keys that one transaction puts have one revision. */
ETCD (what_others_write_by_one_transaction_is_passed_over)
{
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    json_t *puts = json_array ();
    for (int i = 0; i < 20; i++) {
        char key [64];
        snprintf (key, sizeof key, "zanni/groups/all/junk%d", i);
        json_array_append_new (puts, json_pack ("{s:{s:o, s:o}}", "request_put", "key", zanni__etcd_bytes (key), "value",
                                                zanni__etcd_bytes ("junk")));
    }
    json_t *body = json_pack ("{s:o}", "success", puts);
    char *text = json_dumps (body, 0);
    cr_assert (strstr (say ("/v3/kv/txn", text), "succeeded"));
    free (text);
    json_decref (body);
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    cr_assert_eq (members ("all"), 2);
}

/* More than fits into one answer, in front of what is ours and behind it; the last is changed. */
ETCD (large_values_that_others_write_are_passed_over)
{
    enum { DIGITS = 1200000 };
    char *body = malloc (DIGITS + 200), name [64];
    cr_assert_not_null (body);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    for (int i = 0; i < 8; i++) {
        snprintf (name, sizeof name, "zanni/groups/all/large%d", i < 7 ? i : 6);
        json_t *key = zanni__etcd_bytes (name);
        int size = sprintf (body, "{\"key\": \"%s\", \"value\": \"", json_string_value (key));
        memset (body + size, 'A', DIGITS);
        strcpy (body + size + DIGITS, "\"}");
        cr_assert (strstr (say ("/v3/kv/put", body), "revision"));
        json_decref (key);
        if (i == 4)
            cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    }
    free (body);
    expect_change ("joined", "all", zanni_self (root));
    cr_assert_eq (members ("all"), 1);
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    cr_assert_eq (zanni_directory_lookup (names, &found, "all"), 0);
    cr_assert (zanni_ref_equal (found, zanni_self (root)));
}

/* As an etcd at its quota is. */
static void
set_space_alarm (bool on)
{
    char body [100];
    snprintf (body, sizeof body, "{\"action\": \"%sACTIVATE\", \"alarm\": \"NOSPACE\"}", on ? "" : "DE");
    cr_assert (strstr (say ("/v3/maintenance/alarm", body), "NOSPACE"));
}

ETCD (whose_space_is_used_up_is_read_and_keeps_what_it_has)
{
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) before = speaker ();
    done (before, "put", 7u, 1u, "one", true, 60000u, zanni_self (root));
    done (before, "put", 7u, 2u, "all", false, 60000u, zanni_self (root));
    set_space_alarm (true);
    ZANNI_AUTO (zanni_ref_t) after = speaker ();
    ZANNI_AUTO (zanni_msg_t) found = call (after, "lookup", "one");
    done (after, "put", 7u, 1u, "one", true, 60000u, zanni_self (root));
    done (after, "put", 7u, 2u, "all", false, 60000u, zanni_self (root));
    done (after, "renew", 7u, 60000u);
    int rc = refused (&error, after, "put", 7u, 3u, "two", true, 60000u, zanni_self (root));
    cr_assert_eq (rc, ZANNI_EFULL);
    cr_assert (strstr (error.text, "disarm its alarm"), "%s", error.text);
    cr_assert_eq (zanni_directory_publish (names, "three", zanni_self (root)), ZANNI_EFULL);   // needs a lease, too
    cr_assert (strstr (names_error.text, "disarm its alarm"), "%s", names_error.text);
    rc = refused (&error, after, "put", 7u, 4u, "one", true, 60000u, zanni_self (root));
    cr_assert_eq (rc, ZANNI_EINUSE);
    done (after, "drop", 7u, 1u);
    set_space_alarm (false);
    done (after, "put", 7u, 4u, "one", true, 60000u, zanni_self (root));
    cr_assert_eq (zanni_directory_publish (names, "two", zanni_self (root)), 0);
}

/* By somebody who may. */
static void
take_lease_away (void)
{
    char body [64];
    json_t *all = json_loads (say ("/v3/lease/leases", "{}"), 0, NULL);
    json_t *lease = json_array_get (json_object_get (all, "leases"), 0);
    snprintf (body, sizeof body, "{\"ID\": \"%s\"}", json_string_value (json_object_get (lease, "ID")));
    json_decref (all);
    cr_assert (strstr (say ("/v3/lease/revoke", body), "revision"));
    cr_assert_eq (keys_of ("zanni/groups/"), 0);
}

/* Which the agent learns when it renews. */
ETCD (what_was_lost_with_a_lease_is_put_again)
{
    open_names ((zanni_directory_options_t) { .lease_ms = 3000 });
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    take_lease_away ();
    cr_assert (lookup_becomes ("one", 0, DEADLINE_MS));
    cr_assert (lookup_becomes ("all", 0, DEADLINE_MS));
}

ETCD (what_was_lost_with_a_lease_is_put_again_though_there_is_another_by_then)
{
    open_names ((zanni_directory_options_t) { .lease_ms = 3000 });
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    take_lease_away ();
    cr_assert_eq (zanni_directory_publish (names, "two", zanni_self (root)), 0);
    cr_assert (lookup_becomes ("one", 0, DEADLINE_MS));
    cr_assert (lookup_becomes ("two", 0, DEADLINE_MS));
}

ETCD (hundreds_of_groups_are_watched_at_once)
{
    char group [32];
    for (int i = 0; i < 200; i++) {
        snprintf (group, sizeof group, "group %d", i);
        cr_assert_eq (zanni_directory_subscribe (names, group, "changed"), 0);
    }
    for (int i = 199; i >= 0; i--) {
        snprintf (group, sizeof group, "group %d", i);
        cr_assert_eq (zanni_directory_join (names, group, zanni_self (root)), 0);
        expect_change ("joined", group, zanni_self (root));
    }
}

ETCD (an_etcd_that_wants_users_is_not_ours_to_use)
{
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    cr_assert (strstr (say ("/v3/auth/user/add", "{\"name\": \"root\", \"password\": \"a secret\"}"), "header"));
    cr_assert (strstr (say ("/v3/auth/role/add", "{\"name\": \"root\"}"), "header"));
    cr_assert (strstr (say ("/v3/auth/user/grant", "{\"user\": \"root\", \"role\": \"root\"}"), "header"));
    cr_assert (strstr (say ("/v3/auth/enable", "{}"), "header"));
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), ZANNI_EAUTH);
    open_names ((zanni_directory_options_t) { 0 });
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), ZANNI_EAUTH, "%s", names_error.text);
}

static etcd_t cluster [3];

static void
prepare_cluster (void)
{
    cr_assert (etcd_new_cluster (cluster), "etcd does not start: see %s/log", cluster [0].folder);
}

static void
begin_with_cluster (void)
{
    etcd_begin_at (cluster [0].client);
    for (int i = 1; i < 3; i++)
        snprintf (there + strlen (there), sizeof there - strlen (there), ",%s", cluster [i].client);
    strcpy (far, there);
}

static void
end_cluster (void)
{
    for (int i = 0; i < 3; i++)
        cr_assert (etcd_end (&cluster [i]));
}

/* The one that is spoken to is gone; those that are left elect a leader, and nobody has left. */
static void
s_cluster (void)
{
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    ZANNI_AUTO (zanni_ref_t) its = NULL;
    cr_assert_eq (call_int (member, "join", "all"), 0);
    cr_assert_eq (zanni_directory_lookup (names, &its, "all"), 0);
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    expect_change ("joined", "all", its);
    etcd_kill (&cluster [0]);
    cr_assert (lookup_becomes ("one", 0, 2 * DEADLINE_MS));
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    expect_change ("joined", "all", zanni_self (root));
    cr_assert_eq (members ("all"), 2);
}

Test (etcd_only, of_a_cluster_another_member_is_found)
{
    static kind_t clustered;
    clustered = in_etcd;
    clustered.prepare = prepare_cluster;
    clustered.start = begin_with_cluster;
    clustered.end = end_cluster;
    conform_to (&clustered, s_cluster);
}

static void
prepare_tls (void)
{
    cr_assert (etcd_new_with_tls (&etcd_server), "etcd does not start: see %s/log", etcd_server.folder);
}

/* The place with these files, which `%s` in the text stands for the folder of. */
static void
expect_lookup (const char *files, const char *folder_of, int code)
{
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    zanni_directory_t *its = NULL;
    char where [400] = "", rest [300];
    zanni_error_t error = { 0 };
    const zanni_directory_options_t options = { .error = &error, .timeout_ms = 2000 };
    snprintf (rest, sizeof rest, files, folder_of, folder_of, folder_of);
    snprintf (where, sizeof where, "etcd:%s%s", etcd_server.client, rest);
    cr_assert_eq (zanni_directory_open (root, &its, where, &options), 0, "%s", error.text);
    int rc = zanni_directory_lookup (its, &found, "one");
    cr_assert_eq (rc, code, "%s: %s: %s", where, zanni_strerror (rc), error.text);
    zanni_directory_close (&its);
    zanni_error_reset (&error);
}

static void
s_tls (void)
{
    const char *at = etcd_server.folder;
    expect_lookup ("?ca=%s/cert&cert=%s/cert&key=%s/key", at, ZANNI_EGONE);
    expect_lookup ("/blue?ca=%s/cert&cert=%s/cert&key=%s/key", at, ZANNI_EGONE);
    expect_lookup ("", at, ZANNI_EAUTH);
    expect_lookup ("?ca=%s/none", at, ZANNI_EAUTH);
    expect_lookup ("?ca=%s/cert", at, ZANNI_ENODE);   // it does not say why it goes
}

Test (etcd_only, by_tls_both_sides_prove_who_they_are)
{
    static kind_t by_tls;
    by_tls = in_etcd;
    by_tls.prepare = prepare_tls;
    if (system ("openssl version >/dev/null 2>&1"))
        cr_skip ("there is no openssl to make a certificate");
    conform_to (&by_tls, s_tls);
}
