/* Links with actors of another host, by connections that are cut, and when there are none any more. */

#include "tcp.h"

#include "support/proxy.h"

CLASSES (&worker_class);
TCP_SUITE (tcp_links);

static host_t host;
static proxy_t *proxy;
static zanni_ref_t *on;

static void
meet (void)
{
    char own [PROXY_TCP];
    start_host (&host, (zanni_options_t) { .secret = SECRET, .allow_spawn = true });
    begin ((zanni_options_t) { .secret = SECRET });
    proxy = proxy_new_tcp (host.endpoint, own);
    cr_assert_not_null (proxy);
    on = connect_to (own, NULL);
    cr_assert_eq (zanni_trap_exits (root, true), 0);
}

static void
part (void)
{
    zanni_ref_destroy (&on);
    end ();
    proxy_destroy (&proxy);
    end_host (&host);
}

static zanni_ref_t *
spawn_there (void)
{
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    const zanni_spawn_t options = { .on = on, .error = &error };
    int rc = zanni_spawn (root, &ref, "worker", &options, 0);
    cr_assert_eq (rc, 0, "%s: %s", zanni_strerror (rc), error.text);
    return ref;
}

/* Of that actor, and nothing else. */
static zanni_reason_t
trapped (const zanni_ref_t *ref)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_exit_signal_t signal;
    int rc = zanni_receive (root, &msg, 4 * DEADLINE_MS);
    cr_assert_eq (rc, 0, "no exit came: %s", zanni_strerror (rc));
    cr_assert_eq (zanni_msg_exit (msg, &signal), 0);
    cr_assert (signal.linked);
    cr_assert (zanni_ref_equal (signal.from, ref));
    return signal.reason;
}

Test (tcp_links, outlive_connections_and_tell_of_each_end_once)
{
    unsigned seed = 7;
    meet ();
    for (int i = 0; i < 40; i++) {
        ZANNI_AUTO (zanni_ref_t) ref = spawn_there ();
        proxy_cut_after (proxy, 1 + (uint64_t) rand_r (&seed) % 400);   // amid one of what follows, or behind it
        cr_assert_eq (zanni_link (root, ref), 0);
        if (i % 4 == 1)
            cr_assert_eq (zanni_unlink (root, ref), 0);
        if (i % 4 == 2)
            cr_assert_eq (call_int (ref, "total"), 0);
        const zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = i };
        cr_assert_eq (zanni_exit_signal (root, ref, &reason), 0);
        if (i % 4 != 1)
            cr_assert_eq (trapped (ref).code, i);
    }
    proxy_cut_after (proxy, 0);
    cr_assert_gt (proxy_cuts (proxy), 5u);
    zanni_ref_t *last = spawn_there ();   // its answer comes behind whatever else was sent
    zanni_ref_destroy (&last);
    expect_nothing ();
    part ();
}

Test (tcp_links, end_with_the_way_to_their_node)
{
    meet ();
    zanni_ref_t *one = spawn_there (), *two = spawn_there ();
    cr_assert_eq (zanni_link (root, one), 0);
    cr_assert_eq (call_int (one, "total"), 0);
    cr_assert_eq (zanni_link (root, two), 0);
    cr_assert_eq (zanni_unlink (root, two), 0);
    proxy_door (proxy, PROXY_CLOSED);
    proxy_cut (proxy);
    cr_assert_eq (trapped (one).kind, ZANNI_EXIT_NO_CONNECTION);
    expect_nothing ();
    zanni_ref_destroy (&one);
    zanni_ref_destroy (&two);
    part ();
}
