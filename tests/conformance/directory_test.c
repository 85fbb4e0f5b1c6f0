/* Directories: who holds a name, who is in a group, who is told, whatever becomes of any of them; written once for
   all kinds. */

#include "directory.h"

#if defined HAS_ETCD
#include "directory_etcd.h"

#define IN_ETCD(name) Test (etcd, name) { conform_to (&in_etcd, s_##name); }
#else
#define IN_ETCD(name)
#endif

CLASSES (&worker_class, &member_class);
TCP_SUITE (here);
TCP_SUITE (away);
#if defined HAS_ETCD
TCP_SUITE (etcd);
#endif

/* The body s_NAME as a test for each kind. */
#define DIRECTORY(name) \
    static void s_##name (void); \
    Test (here, name) { conform_to (&here, s_##name); } \
    Test (away, name) { conform_to (&away, s_##name); } \
    IN_ETCD (name) \
    static void s_##name (void)

DIRECTORY (a_name_is_looked_up_and_taken_back)
{
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    ZANNI_AUTO (zanni_ref_t) none = NULL;
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    cr_assert_eq (zanni_directory_lookup (names, &none, "one"), ZANNI_EGONE);
    cr_assert (strstr (names_error.text, "nobody is known as \"one\""), "%s", names_error.text);
    cr_assert_eq (call_int (member, "publish", "one"), 0);
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), 0);
    cr_assert_not (zanni_ref_is_strong (found));
    cr_assert_not (zanni_ref_is_own (found));
    cr_assert_eq (call_int (found, "pid"), other.pid);
    cr_assert_eq (call_int (member, "withdraw", "one"), 0);
    cr_assert_eq (zanni_directory_lookup (names, &none, "one"), ZANNI_EGONE);
    cr_assert_eq (call_int (member, "withdraw", "one"), ZANNI_EGONE);
}

DIRECTORY (a_name_has_one_holder)
{
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    ZANNI_AUTO (zanni_ref_t) local = member_here ();
    cr_assert_eq (call_int (member, "publish", "one"), 0);
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), ZANNI_EINUSE);
    cr_assert (strstr (names_error.text, "the name \"one\" is held by somebody else"), "%s", names_error.text);
    cr_assert_eq (call_int (local, "publish", "one"), ZANNI_EINUSE);
    cr_assert_eq (call_int (local, "join", "one"), ZANNI_EINUSE);
    cr_assert_eq (call_int (member, "withdraw", "one"), 0);
    cr_assert_eq (call_int (local, "publish", "one"), 0);
    cr_assert_eq (call_int (member, "publish", "one"), ZANNI_EINUSE);
    cr_assert_eq (call_int (local, "withdraw", "one"), 0);
    cr_assert_eq (call_int (local, "join", "one"), 0);
    cr_assert_eq (call_int (member, "publish", "one"), ZANNI_EINUSE);
}

DIRECTORY (a_name_goes_with_its_holder)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "member");
    ZANNI_AUTO (zanni_ref_t) other_one = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "member");
    cr_assert_eq (zanni_directory_publish (names, "one", one), 0);
    cr_assert_eq (zanni_directory_publish (names, "two", other_one), 0);
    cr_assert_eq (zanni_kill (root, one), 0);
    cr_assert (lookup_becomes ("one", ZANNI_EGONE, DEADLINE_MS));
    zanni_ref_destroy (&other_one);   // an entry does not hold it
    cr_assert (lookup_becomes ("two", ZANNI_EGONE, DEADLINE_MS));
}

DIRECTORY (a_name_goes_with_the_handle)
{
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    cr_assert_eq (call_int (member, "publish", "one"), 0);
    done (member, "open", far, 5000u);
    cr_assert (lookup_becomes ("one", ZANNI_EGONE, DEADLINE_MS));
}

DIRECTORY (a_group_has_many_members)
{
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    ZANNI_AUTO (zanni_ref_t) local = member_here ();
    cr_assert_eq (members ("all"), 0);
    cr_assert_eq (call_int (member, "join", "all"), 0);
    cr_assert_eq (call_int (local, "join", "all"), 0);
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    cr_assert_eq (members ("all"), 3);
    ZANNI_AUTO (zanni_ref_t) eldest = NULL;
    cr_assert_eq (zanni_directory_lookup (names, &eldest, "all"), 0);
    cr_assert_eq (call_int (eldest, "pid"), other.pid);
    cr_assert_eq (zanni_directory_leave (names, "all", zanni_self (root)), 0);
    cr_assert_eq (call_int (member, "leave", "all"), 0);
    cr_assert_eq (call_int (member, "leave", "all"), ZANNI_EGONE);
    cr_assert_eq (members ("all"), 1);
}

DIRECTORY (a_subscriber_is_told_who_is_there_and_every_change_in_order)
{
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    ZANNI_AUTO (zanni_ref_t) local = member_here ();
    ZANNI_AUTO (zanni_ref_t) its = NULL;
    cr_assert_eq (call_int (member, "join", "all"), 0);
    cr_assert_eq (call_int (local, "join", "all"), 0);
    cr_assert_eq (zanni_directory_lookup (names, &its, "all"), 0);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), ZANNI_EINVAL);
    expect_change ("joined", "all", its);
    expect_change ("joined", "all", local);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq (call_int (member, "leave", "all"), 0);
        cr_assert_eq (call_int (local, "leave", "all"), 0);
        cr_assert_eq (call_int (local, "join", "all"), 0);
        cr_assert_eq (call_int (member, "join", "all"), 0);
    }
    for (int i = 0; i < 100; i++) {
        expect_change ("left", "all", its);
        expect_change ("left", "all", local);
        expect_change ("joined", "all", local);
        expect_change ("joined", "all", its);
    }
    cr_assert_eq (zanni_directory_unsubscribe (names, "all", "changed"), 0);
    cr_assert_eq (zanni_directory_unsubscribe (names, "all", "changed"), ZANNI_EGONE);
    cr_assert_eq (call_int (local, "leave", "all"), 0);
    expect_nothing ();
}

DIRECTORY (a_subscriber_whose_mailbox_is_full_misses_nothing)
{
    zanni_directory_close (&names);
    kind->finish ();
    begin_again ((zanni_options_t) { .insecure = true, .heartbeat_ms = 300, .mailbox_messages = 16 });
    kind->start ();
    open_names ((zanni_directory_options_t) { 0 });
    ZANNI_AUTO (zanni_ref_t) again = member_away ();
    done (again, "many", "all", 200u);
    const zanni_ask_t ask = { .deadline_ms = DEADLINE_MS };
    cr_assert_eq (zanni_directory_subscribe_ask (names, "all", "changed", &ask), 0);
    for (int i = 0; i < 200; i++)
        expect_change ("joined", "all", NULL);
    ZANNI_AUTO (zanni_msg_t) answer = next ();
    cr_assert_eq (zanni_msg_kind (answer), ZANNI_MSG_REPLY);
}

/* It lists the group anew: the changes that cancel out are not kept for it. */
DIRECTORY (a_subscriber_that_reads_late_is_told_what_is_right_and_not_everything)
{
    zanni_directory_close (&names);
    kind->finish ();
    begin_again ((zanni_options_t) { .insecure = true, .heartbeat_ms = 300, .mailbox_messages = 16 });
    kind->start ();
    open_names ((zanni_directory_options_t) { 0 });
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    int told = 0, balance = 0;
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq (call_int (member, "join", "all"), 0);
        cr_assert_eq (call_int (member, "leave", "all"), 0);
    }
    cr_assert_eq (call_int (member, "join", "all"), 0);
    ZANNI_AUTO (zanni_ref_t) last = member_here ();
    cr_assert_eq (call_int (last, "join", "all"), 0);
    for (bool over = false; !over; told++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        const char *change = "", *group = "";
        const zanni_ref_t *who = NULL;
        cr_assert_eq (zanni_read (msg, &change, &group, &who), 0);
        over = zanni_ref_equal (who, last);
        balance += over ? 0 : !strcmp (change, "joined") ? 1 : -1;
    }
    cr_assert_eq (balance, 1);
    cr_assert_leq (told, 200);
}

DIRECTORY (what_a_host_that_crashes_has_published_is_gone_in_time)
{
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    cr_assert_eq (call_int (member, "publish", "one"), 0);
    cr_assert_eq (call_int (member, "join", "all"), 0);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    expect_change ("joined", "all", NULL);
    cr_assert_eq (kill (other.pid, SIGKILL), 0);
    cr_assert (lookup_becomes ("one", ZANNI_EGONE, 2000));
    expect_change ("left", "all", NULL);
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
}

DIRECTORY (what_a_host_that_stands_still_has_published_is_gone_with_its_lease)
{
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    cr_assert_eq (call_int (member, "publish", "one"), 0);
    cr_assert_eq (kill (other.pid, SIGSTOP), 0);
    cr_assert (lookup_becomes ("one", ZANNI_EGONE, 3000));
    cr_assert_eq (kill (other.pid, SIGCONT), 0);
    cr_assert (lookup_becomes ("one", 0, DEADLINE_MS), "it publishes it again");
}

DIRECTORY (what_is_published_outlives_its_lease)
{
    ZANNI_AUTO (zanni_ref_t) local = spawn_with (&(zanni_spawn_t) { .place = ZANNI_THREAD }, "member");
    done (local, "open", there, 200u);
    cr_assert_eq (call_int (local, "publish", "one"), 0);
    cr_assert_not (lookup_becomes ("one", ZANNI_EGONE, 700));
}

DIRECTORY (a_directory_that_was_begun_anew_is_complete_soon)
{
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    ZANNI_AUTO (zanni_ref_t) local = member_here ();
    open_names ((zanni_directory_options_t) { .lease_ms = 2500 });
    cr_assert_eq (call_int (member, "publish", "one"), 0);
    cr_assert_eq (call_int (member, "join", "all"), 0);
    cr_assert_eq (call_int (local, "join", "all"), 0);
    cr_assert_eq (zanni_directory_join (names, "all", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    for (int i = 0; i < 3; i++)
        expect_change ("joined", "all", NULL);
    kind->crash ();
    kind->again ();
    cr_assert (lookup_becomes ("one", 0, DEADLINE_MS), "%s", names_error.text);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (5000000000);
    while (members ("all") < 3 && zanni_now_ns (root) < until_ns)
        continue;
    cr_assert_eq (members ("all"), 3);
    cr_assert_eq (call_int (local, "leave", "all"), 0);
    expect_change ("left", "all", local);   // and nothing before: who was there has stayed
}

DIRECTORY (a_member_that_ends_while_the_directory_is_down_has_left_then)
{
    ZANNI_AUTO (zanni_ref_t) local = member_here ();
    open_names ((zanni_directory_options_t) { .lease_ms = 500 });
    cr_assert_eq (call_int (local, "join", "all"), 0);
    cr_assert_eq (zanni_directory_subscribe (names, "all", "changed"), 0);
    expect_change ("joined", "all", local);
    kind->crash ();
    ZANNI_AUTO (zanni_ref_t) known = NULL;
    cr_assert_eq (zanni_ref_weak (root, &known, local), 0);
    zanni_ref_destroy (&local);
    kind->again ();
    expect_change ("left", "all", known);
}

DIRECTORY (a_directory_that_is_not_there_is_waited_for_and_named)
{
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    kind->crash ();
    zanni_directory_close (&names);
    if (kind == &here)
        return;   // this node's own is begun where there is none
    open_names ((zanni_directory_options_t) { .timeout_ms = 700 });
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), ZANNI_ENODE);
    cr_assert (strstr (names_error.text, "is not reached"), "%s", names_error.text);
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), ZANNI_ENODE);
    cr_assert_eq (zanni_directory_subscribe (names, "one", "changed"), ZANNI_ENODE);
    open_names ((zanni_directory_options_t) { 0 });
    const zanni_ask_t ask = { .deadline_ms = DEADLINE_MS };
    cr_assert_eq (zanni_directory_publish_ask (names, "one", zanni_self (root), &ask), 0);
    kind->again ();
    ZANNI_AUTO (zanni_msg_t) answer = next ();
    cr_assert_eq (zanni_msg_kind (answer), ZANNI_MSG_REPLY);
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), 0);
    cr_assert (zanni_ref_equal (found, zanni_self (root)));
}

DIRECTORY (of_a_name_that_somebody_else_has_taken_its_holder_is_told)
{
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    uint64_t end_of_it = monitor (member);
    cr_assert_eq (call_int (member, "publish", "one"), 0);
    cr_assert_eq (kill (other.pid, SIGSTOP), 0);
    cr_assert (lookup_becomes ("one", ZANNI_EGONE, 3000));
    cr_assert_eq (zanni_directory_publish (names, "one", zanni_self (root)), 0);
    (void) expect_down (end_of_it, false);   // to us, too, it is dead: not only to the directory
    cr_assert_eq (kill (other.pid, SIGCONT), 0);
    ZANNI_AUTO (zanni_ref_t) back = NULL;
    while (zanni_connect (root, &back, other.endpoint, NULL) == ZANNI_ENODE)
        continue;
    cr_assert_not_null (back);
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (call_int (back, "hits") != 1000 && zanni_now_ns (root) < until_ns)
        continue;
    cr_assert_eq (call_int (back, "hits"), 1000, "it is told so");
    cr_assert_eq (call_int (back, "withdraw", "one"), ZANNI_EGONE);
    ZANNI_AUTO (zanni_ref_t) found = NULL;
    cr_assert_eq (zanni_directory_lookup (names, &found, "one"), 0);
    cr_assert (zanni_ref_equal (found, zanni_self (root)));
}

DIRECTORY (an_actor_that_may_not_block_asks)
{
    ZANNI_AUTO (zanni_ref_t) shared = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "member");
    done (shared, "open", there, 1000u);
    cr_assert_eq (call_int (shared, "asks", "publish", "one"), 0);
    cr_assert_eq (call_int (shared, "asks", "publish", "one"), ZANNI_EINUSE);
    cr_assert_eq (call_int (shared, "asks", "find", "one"), 0);
    cr_assert_eq (call_int (shared, "asks", "withdraw", "one"), 0);
    cr_assert_eq (call_int (shared, "asks", "find", "one"), ZANNI_EGONE);
    cr_assert_eq (call_int (shared, "asks", "join", "all"), 0);
    cr_assert_eq (call_int (shared, "asks", "subscribe", "all"), 0);
    cr_assert_eq (call_int (shared, "asks", "members", "all"), 0);
    cr_assert_eq (call_int (shared, "asks", "unsubscribe", "all"), 0);
    cr_assert_eq (call_int (shared, "asks", "leave", "all"), 0);
    cr_assert_eq (call_int (shared, "asks", "leave", "all"), ZANNI_EGONE);
    cr_assert_eq (call_int (shared, "hits"), 100, "it was told of itself");
}

static void
await_count (zanni_router_t *router, size_t count)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (zanni_router_count (router) != count && zanni_now_ns (root) < until_ns)
        cr_assert_eq (members ("nobody"), 0);
    cr_assert_eq (zanni_router_count (router), count);
}

DIRECTORY (a_thousand_members_are_known_and_gone)
{
    ZANNI_AUTO (zanni_ref_t) member = member_away ();
    ZANNI_AUTO (zanni_router_t) router = NULL;
    const zanni_ask_t patient = { .deadline_ms = 30000 };
    cr_assert_eq (zanni_router_open (names, &router, "all", ZANNI_ROUND_ROBIN), 0);
    cr_assert_eq (zanni_router_count (router), 0);
    cr_assert_eq (zanni_call_with (root, NULL, member, &patient, "many", "all", 1000u), 0);
    cr_assert_eq (members ("all"), 1000);
    await_count (router, 1000);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (zanni_router_tell (router, NULL, "hit"), 0);
    cr_assert_eq (zanni_topic_tell (router, "hit"), 1000);
    cr_assert_eq (kill (other.pid, SIGKILL), 0);
    await_count (router, 0);
    cr_assert_eq (members ("all"), 0);
}

#define CREW 4

static zanni_ref_t *crew [CREW];

/* Three of this node, one of another host. */
static void
gather_crew (void)
{
    for (int i = 0; i < CREW; i++) {
        crew [i] = i ? member_here () : member_away ();
        cr_assert_eq (call_int (crew [i], "join", "crew"), 0);
    }
}

static void
dismiss_crew (void)
{
    for (int i = 0; i < CREW; i++)
        zanni_ref_destroy (&crew [i]);
}

/* What goes by two ways need not arrive in order: a tell that the directory's node relays, and a call that it does
   not. */
static void
await_hits (int64_t wanted)
{
    int64_t hits = 0, until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (hits != wanted && zanni_now_ns (root) < until_ns) {
        hits = 0;
        for (int i = 0; i < CREW; i++)
            hits += call_int (crew [i], "hits");
    }
    cr_assert_eq (hits, wanted, "%d of %d", (int) hits, (int) wanted);
}

DIRECTORY (a_router_goes_round)
{
    ZANNI_AUTO (zanni_router_t) router = NULL;
    const zanni_ref_t *chosen = NULL;
    cr_assert_eq (zanni_router_open (names, &router, "crew", ZANNI_ROUND_ROBIN), 0);
    cr_assert_eq (zanni_router_tell (router, NULL, "hit"), ZANNI_EGONE);
    cr_assert_eq (zanni_router_next (router, &chosen, NULL), ZANNI_EGONE);
    gather_crew ();
    await_count (router, CREW);
    for (int i = 0; i < 3 * CREW; i++)
        cr_assert_eq (zanni_router_tell (router, NULL, "hit"), 0);
    cr_assert_eq (zanni_router_next (router, &chosen, "key"), ZANNI_EINVAL);
    cr_assert_eq (zanni_router_next (router, &chosen, NULL), 0);
    done (chosen, "hit");
    await_hits (3 * CREW + 1);
    for (int i = 0; i < CREW; i++) {
        int64_t its = call_int (crew [i], "hits");
        cr_assert (its == 3 || its == 4, "%d", (int) its);
    }
    cr_assert_eq (call_int (crew [1], "leave", "crew"), 0);
    await_count (router, CREW - 1);
    for (int i = 0; i < 6; i++)
        cr_assert_eq (zanni_router_tell (router, NULL, "hit"), 0);
    cr_assert_leq (call_int (crew [1], "hits"), 4);
    dismiss_crew ();
}

DIRECTORY (a_router_keeps_a_key_with_its_member)
{
    ZANNI_AUTO (zanni_router_t) router = NULL;
    ZANNI_AUTO (zanni_ref_t) gone = NULL;
    zanni_ref_t *chosen [64];
    int moved = 0, used = 0;
    gather_crew ();
    cr_assert_eq (zanni_router_open (names, &router, "crew", ZANNI_BY_KEY), 0);
    cr_assert_eq (zanni_router_count (router), CREW);
    cr_assert_eq (zanni_router_tell (router, NULL, "hit"), ZANNI_EINVAL);
    for (int i = 0; i < 64; i++) {
        char key [16];
        const zanni_ref_t *ref = NULL;
        snprintf (key, sizeof key, "key %d", i);
        cr_assert_eq (zanni_router_next (router, &ref, key), 0);
        cr_assert_eq (zanni_ref_keep (root, &chosen [i], ref), 0);
        cr_assert_eq (zanni_router_tell (router, key, "hit"), 0);
    }
    await_hits (64);
    for (int i = 0; i < CREW; i++)
        used += call_int (crew [i], "hits") > 2;
    cr_assert_eq (used, CREW, "each has some keys");
    cr_assert_eq (zanni_ref_weak (root, &gone, crew [1]), 0);
    cr_assert_eq (call_int (crew [1], "leave", "crew"), 0);
    await_count (router, CREW - 1);
    for (int i = 0; i < 64; i++) {
        char key [16];
        const zanni_ref_t *ref = NULL;
        snprintf (key, sizeof key, "key %d", i);
        cr_assert_eq (zanni_router_next (router, &ref, key), 0);
        bool same = zanni_ref_equal (ref, chosen [i]);
        cr_assert (same || zanni_ref_equal (chosen [i], gone), "a key moved from one that stays");
        moved += !same;
        zanni_ref_destroy (&chosen [i]);
    }
    cr_assert_gt (moved, 0);
    dismiss_crew ();
}

DIRECTORY (a_topic_tells_all)
{
    ZANNI_AUTO (zanni_router_t) topic = NULL;
    ZANNI_AUTO (zanni_router_t) random = NULL;
    cr_assert_eq (zanni_router_open (names, &topic, "crew", ZANNI_BROADCAST), 0);
    cr_assert_eq (zanni_router_open (names, &random, "crew", ZANNI_RANDOM), 0);
    cr_assert_eq (zanni_router_tell (topic, NULL, "hit"), 0, "to nobody");
    gather_crew ();
    await_count (topic, CREW);
    await_count (random, CREW);
    cr_assert_eq (zanni_topic_tell (topic, "hit"), CREW);
    cr_assert_eq (zanni_router_tell (topic, NULL, "hit"), 0);
    await_hits (2 * CREW);
    for (int i = 0; i < CREW; i++)
        cr_assert_eq (call_int (crew [i], "hits"), 2);
    for (int i = 0; i < 50; i++)
        cr_assert_eq (zanni_router_tell (random, NULL, "hit"), 0);
    await_hits (2 * CREW + 50);
    dismiss_crew ();
}

DIRECTORY (bad_input_is_an_error)
{
    zanni_directory_t *none = NULL;
    zanni_error_t error = { 0 };
    char longer [300] = "";
    const zanni_directory_options_t options = { .error = &error };
    const zanni_directory_options_t quick = { .error = &error, .lease_ms = 10 };
    memset (longer, 'x', sizeof longer - 1);
    cr_assert_eq (zanni_directory_open (root, &none, "telephone:", &options), ZANNI_EINVAL);
    cr_assert (strstr (error.text, "names no kind of directory"), "%s", error.text);
    cr_assert_eq (zanni_directory_open (root, &none, "registry:ipc:///tmp/a", &options), ZANNI_EINVAL);
    cr_assert (strstr (error.text, "registry:tcp://HOST:PORT"), "%s", error.text);
    cr_assert_eq (zanni_directory_open (root, &none, "registry:tcp://host", &options), ZANNI_EINVAL);
    cr_assert_eq (zanni_directory_open (root, &none, "registry", NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_directory_open (root, &none, there, &quick), ZANNI_EINVAL);
    cr_assert (strstr (error.text, "a lease"), "%s", error.text);
    cr_assert_eq (zanni_directory_open (root, &none, NULL, NULL), ZANNI_EINVAL);
    cr_assert_null (none);
    cr_assert_eq (zanni_directory_publish (names, "", zanni_self (root)), ZANNI_EINVAL);
    cr_assert_eq (zanni_directory_publish (names, longer, zanni_self (root)), ZANNI_EINVAL);
    cr_assert_eq (zanni_directory_publish (names, "one", NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_directory_join (NULL, "one", zanni_self (root)), ZANNI_EINVAL);
    cr_assert_neq (zanni_directory_publish (names, "\xff\xff", zanni_self (root)), 0);
    cr_assert_eq (zanni_directory_subscribe (names, "one", ""), ZANNI_EINVAL);
    zanni_router_t *router = NULL;
    cr_assert_eq (zanni_router_open (names, &router, "one", (zanni_routing_t) 9), ZANNI_EINVAL);
    cr_assert_eq (zanni_router_tell (NULL, NULL, "hit"), ZANNI_EINVAL);
    zanni_router_close (&router);
    zanni_directory_close (&none);
}
