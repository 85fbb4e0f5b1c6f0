/* Actors of other hosts, by tcp: found, asked, told, watched; what breaks, and what is refused. */

#include "tcp.h"

#include "support/proxy.h"

CLASSES (&worker_class);
TCP_SUITE (tcp);

static const zanni_options_t openly = { .insecure = true };
static const zanni_options_t secretly = { .secret = SECRET };

static host_t host;

/* A host, a node here, and the host's root. */
static zanni_ref_t *
meet (zanni_options_t options)
{
    start_host (&host, options);
    begin (options);
    return connect_to (host.endpoint, NULL);
}

static void
part (void)
{
    end ();
    end_host (&host);
}

Test (tcp, leads_to_the_actor_that_bound)
{
    zanni_ref_t *ref = meet (openly);
    cr_assert_eq (pid_of (ref), host.pid);
    cr_assert_eq (call_int (ref, "add", 42), 42);
    cr_assert_not (zanni_ref_is_strong (ref));
    cr_assert_not (zanni_ref_is_own (ref));
    cr_assert_str_eq (zanni_ref_class (ref), "worker");
    zanni_ref_destroy (&ref);
    part ();
}

Test (tcp, answers_over_the_connection_of_who_can_only_dial)
{
    zanni_ref_t *ref = meet (openly);
    done (ref, "witness", zanni_self (root));
    tell (ref, "compute", 1);
    expect ("computing");
    zanni_ref_destroy (&ref);
    part ();
}

Test (tcp, with_a_secret_works_as_without)
{
    zanni_ref_t *ref = meet (secretly);
    done (ref, "witness", zanni_self (root));
    for (int i = 0; i < 500; i++)
        cr_assert_eq (call_int (ref, "add", 1), i + 1);
    zanni_ref_destroy (&ref);
    part ();
}

/* Each way in which two secrets differ. */
static void
expect_refused (zanni_options_t theirs, zanni_options_t ours)
{
    zanni_ref_t *ref = NULL;
    start_host (&host, theirs);
    begin (ours);
    int64_t before_ns = zanni_now_ns (root);
    cr_assert_eq (zanni_connect (root, &ref, host.endpoint, NULL), ZANNI_EAUTH);
    cr_assert_lt (ms_since (before_ns), 1000);
    cr_assert_null (ref);
    cr_assert (logged ("does not take our secret, or has none"));
    cr_assert (host_says_why (&host, "is refused: its secret is another, or it has none"));
    part ();
}

Test (tcp, with_another_secret_is_refused_within_a_second_in_both_logs)
{
    expect_refused (secretly, (zanni_options_t) { .secret = "another secret of the tests" });
}

Test (tcp, without_a_secret_is_refused_where_the_other_side_has_one)
{
    expect_refused (secretly, openly);
}

Test (tcp, with_a_secret_is_not_spoken_where_the_other_side_has_none)
{
    expect_refused (openly, secretly);
}

/* Nothing leaves this process before. */
Test (tcp, is_closed_by_default)
{
    zanni_ref_t *ref = NULL;
    const zanni_connect_t connect_openly = { .insecure = true };
    const zanni_bind_t bind_openly = { .insecure = true };
    begin ((zanni_options_t) { 0 });
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), ZANNI_EAUTH);
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", &bind_openly), ZANNI_EAUTH, "the node has not said so");
    cr_assert_eq (zanni_connect (root, &ref, "tcp://127.0.0.1:9", &connect_openly), ZANNI_EAUTH);
    begin_again (openly);
    cr_assert_eq (zanni_bind (root, "tcp://*:0", NULL), ZANNI_EAUTH, "beyond this host it has to be said twice");
    cr_assert_eq (zanni_connect (root, &ref, "tcp://192.0.2.1:9", NULL), ZANNI_EAUTH);
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    cr_assert (logged ("is open to everybody: there is no secret"));
    end ();
}

static void
expect_no_listener (const char *endpoint, const char *advertised, int code, const char *why)
{
    zanni_error_t error = { .code = 0 };
    const zanni_bind_t options = { .advertised = advertised, .error = &error };
    cr_assert_eq (zanni_bind (root, endpoint, &options), code, "%s", error.text);
    cr_assert_eq (error.code, code);
    cr_assert_not_null (strstr (error.text, why), "%s", error.text);
}

Test (tcp, says_why_nobody_can_listen)
{
    const char *taken = NULL;
    zanni_t *other = NULL;
    begin ((zanni_options_t) { 0 });
    expect_no_listener ("tcp://127.0.0.1:0", NULL, ZANNI_EAUTH, "tcp://127.0.0.1:0: there is no secret or certificate, and the node");
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), ZANNI_EAUTH);
    cr_assert (logged ("there is no secret or certificate"));
    begin_again (openly);
    expect_no_listener ("tcp://*:0", NULL, ZANNI_EAUTH, "has to be said here, too");
    expect_no_listener ("tcp://127.0.0.1", NULL, ZANNI_EINVAL, "is no tcp://ADDRESS:PORT");
    expect_no_listener ("tcp://127.0.0.1:0", "gate", ZANNI_EINVAL, "what is advertised is no tcp://HOST:PORT");
    expect_no_listener ("tcp://127.0.0.1:1000000", NULL, ZANNI_EINVAL, "is no tcp://ADDRESS:PORT");
    cr_assert_eq (zanni_new (&other, &openly), 0);
    cr_assert_eq (zanni_bind (other, "tcp://127.0.0.1:0", NULL), 0);
    cr_assert_eq (zanni_endpoint (other, &taken), 0);
    expect_no_listener (taken, NULL, ZANNI_EINUSE, "in use");
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    expect_no_listener ("tcp://127.0.0.1:0", NULL, ZANNI_EINVAL, "this worker listens already");
    cr_assert_eq (zanni_destroy (&other), 0);
    begin_again ((zanni_options_t) { .secret = SECRET });
    expect_no_listener ("tcp://192.0.2.1:7000", NULL, ZANNI_ESYSTEM, "tcp://192.0.2.1:7000: Cannot assign requested address");
    end ();
}

Test (tcp, needs_a_secret_that_is_long_enough)
{
    zanni_t *self = NULL;
    zanni_error_t error = { .code = 0 };
    const zanni_options_t options = { .secret = "fifteen letters", .error = &error };
    cr_assert_eq (zanni_new (&self, &options), ZANNI_EAUTH);
    cr_assert_null (self);
    cr_assert_eq (error.code, ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, "the secret has 15 bytes"), "%s", error.text);
}

Test (tcp, takes_the_secret_of_the_environment)
{
    setenv ("ZANNI_SECRET", SECRET, 1);
    zanni_ref_t *ref = meet ((zanni_options_t) { 0 });
    cr_assert_eq (call_int (ref, "add", 42), 42);
    zanni_ref_destroy (&ref);
    part ();
}

Test (tcp, endpoints_that_cannot_be_are_said_to_be_so)
{
    static const char *const wrong [] = {
        "", "tcp://", "tcp://:0", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:port", "ipc:///tmp/a", "inproc://a",
        "ws://127.0.0.1:0", "udp://127.0.0.1:0", "tcp://127.0.0.1:1;127.0.0.1:2", "tcp://127.0.0.1:70000"
    };
    zanni_ref_t *ref = NULL;
    begin (openly);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_eq (zanni_bind (root, wrong [i], NULL), ZANNI_EINVAL, "%s", wrong [i]);
        cr_assert_eq (zanni_connect (root, &ref, wrong [i], NULL), ZANNI_EINVAL, "%s", wrong [i]);
        cr_assert_eq (zanni_route (root, wrong [i], NULL), ZANNI_EINVAL, "%s", wrong [i]);
        cr_assert_eq (zanni_trust (root, wrong [i], NULL), ZANNI_EINVAL, "%s", wrong [i]);
    }
    cr_assert_eq (zanni_connect (root, &ref, "tcp://127.0.0.1:0", NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), ZANNI_EINVAL, "once a worker");
    end ();
}

Test (tcp, of_a_port_that_is_taken_is_said_to_be_so)
{
    start_host (&host, openly);
    begin (openly);
    cr_assert_eq (zanni_bind (root, host.endpoint, NULL), ZANNI_EINUSE);
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0, "and it can be had elsewhere");
    part ();
}

Test (tcp, is_known_as_it_is_advertised)
{
    const char *endpoint = NULL;
    const zanni_bind_t options = { .advertised = "tcp://gate.example:0" };
    begin (openly);
    cr_assert_eq (zanni_endpoint (root, &endpoint), 0);
    cr_assert_str_eq (endpoint, "");
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", &options), 0);
    cr_assert_eq (zanni_endpoint (root, &endpoint), 0);
    cr_assert_eq (strncmp (endpoint, "tcp://gate.example:", 19), 0);
    cr_assert_gt (atoi (endpoint + 19), 0);
    end ();
}

Test (tcp, where_nobody_listens_is_an_error_soon)
{
    zanni_ref_t *ref = NULL;
    char endpoint [ZANNI_ENDPOINT_MAX];
    start_host (&host, openly);
    strcpy (endpoint, host.endpoint);
    end_host (&host);
    begin ((zanni_options_t) { .insecure = true, .heartbeat_ms = 300 });
    int64_t before_ns = zanni_now_ns (root);
    cr_assert_eq (zanni_connect (root, &ref, endpoint, NULL), ZANNI_ENODE);
    cr_assert_lt (ms_since (before_ns), 1000);
    end ();
}

Test (tcp, leads_to_who_is_offered_by_a_name)
{
    zanni_ref_t *ref = meet (openly);
    zanni_ref_t *none = NULL;
    const zanni_connect_t options = { .name = "nobody" };
    cr_assert_eq (zanni_connect (root, &none, host.endpoint, &options), ZANNI_ENOACTOR);
    ZANNI_AUTO (zanni_ref_t) named = kept (ref, "spawn", (int) ZANNI_HERE);
    done (ref, "offer", "one", named);
    zanni_ref_t *found = connect_to (host.endpoint, "one");
    cr_assert (zanni_ref_equal (found, named));
    cr_assert_eq (call_int (found, "add", 0), 100);
    zanni_ref_destroy (&found);
    zanni_ref_destroy (&ref);
    zanni_ref_destroy (&named);
    part ();
}

Test (tcp, is_connected_to_by_an_ask_too)
{
    start_host (&host, openly);
    begin (openly);
    uint64_t id = 0;
    const zanni_ask_t ask = { .id_p = &id };
    cr_assert_eq (zanni_connect_ask (root, host.endpoint, NULL, &ask), 0);
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    const zanni_ref_t *ref = NULL;
    cr_assert_eq (zanni_msg_id (reply), id);
    cr_assert_eq (zanni_read (reply, &ref), 0);
    cr_assert_eq (call_int (ref, "add", 7), 7);
    zanni_msg_destroy (&reply);
    part ();
}

/* Strong references keep an actor there, and let it go. */
Test (tcp, holds_what_is_held)
{
    zanni_ref_t *ref = meet (secretly);
    zanni_ref_t *other = kept (ref, "spawn", (int) ZANNI_HERE);
    uint64_t down = monitor (other);
    done (ref, "drop");
    cr_assert_eq (call_int (other, "add", 1), 101);
    zanni_ref_destroy (&other);
    expect_reason (down, "normal");
    zanni_ref_destroy (&ref);
    part ();
}

Test (tcp, carries_buffers_of_every_size)
{
    static const size_t sizes [] = { 0, 1, 1024, 1025, 100000, 1 << 20, (3 << 20) + 5, 20 << 20 };
    zanni_ref_t *ref = meet (secretly);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        const zanni_buffer_t *back = NULL;
        cr_assert_eq (zanni_buffer_new (root, &buffer, sizes [i]), 0);
        void *data;
        cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
        uint8_t *bytes = data;
        for (size_t j = 0; j < sizes [i]; j++)
            bytes [j] = (uint8_t) (j * 7 + i);
        reply = call (ref, "echo", buffer);
        cr_assert_eq (zanni_read (reply, &back), 0);
        cr_assert_eq (zanni_buffer_size (back), sizes [i]);
        cr_assert (!sizes [i] || !memcmp (zanni_buffer_data (back), bytes, sizes [i]), "%zu bytes", sizes [i]);
    }
    zanni_ref_destroy (&ref);
    part ();
}

Test (tcp, of_a_killed_host_ends_asks_and_monitors)
{
    zanni_ref_t *ref = meet ((zanni_options_t) { .insecure = true, .heartbeat_ms = 300 });
    uint64_t down = monitor (ref);
    uint64_t id = ask (ref, "promise");
    cr_assert_eq (call_int (ref, "promises"), 1);
    int64_t before_ns = zanni_now_ns (root);
    signal_to (host.pid, SIGKILL);
    expect_failure (id, ZANNI_ENODE);
    expect_reason (down, "no connection");
    cr_assert_lt (ms_since (before_ns), 300 * 3 + 300 * 3 / 5);
    zanni_ref_destroy (&ref);
    part ();
}

/* With CURVE, too: the pulse has to get through. */
Test (tcp, of_a_stopped_host_is_down_within_three_intervals_and_a_fifth)
{
    for (int round = 0; round < (LONG ? 20 : 2); round++) {
        zanni_ref_t *ref = meet ((zanni_options_t) { .secret = SECRET, .heartbeat_ms = 300 });
        uint64_t down = monitor (ref);
        uint64_t id = ask (ref, "promise");
        cr_assert_eq (call_int (ref, "promises"), 1);
        int64_t before_ns = zanni_now_ns (root);
        signal_to (host.pid, SIGSTOP);
        int rc = 0;
        while (round % 2 && !rc)
            rc = zanni_tell (root, ref, "count");
        expect_failure (id, ZANNI_ENODE);
        expect_reason (down, "no connection");
        cr_assert_lt (ms_since (before_ns), 300 * 3 + 300 * 3 / 5);
        zanni_ref_destroy (&ref);
        part ();
    }
}

/* It is another node, however it is reached. */
Test (tcp, of_a_host_that_comes_back_is_another_s)
{
    zanni_ref_t *ref = meet ((zanni_options_t) { .insecure = true, .heartbeat_ms = 300 });
    uint64_t down = monitor (ref);
    host_t before = host;
    cr_assert_eq (call_int (ref, "add", 5), 5);
    end_host (&before);
    expect_reason (down, "no connection");
    zanni_ref_destroy (&ref);
    end ();
    start_host_at (&host, openly, before.endpoint);
    begin (openly);
    ref = connect_to (host.endpoint, NULL);
    cr_assert_eq (call_int (ref, "add", 1), 1);
    zanni_ref_destroy (&ref);
    part ();
}

/* A window that was full has room for an ask, too. */
static void
until_admits (const zanni_ref_t *ref)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (zanni_tell (root, ref, "count") == ZANNI_EFULL) {
        cr_assert_eq (zanni_run (root, 1), 0);
        cr_assert_lt (zanni_now_ns (root), until_ns, "its window does not open");
    }
}

/* By the name of before. */
Test (tcp, who_begins_to_listen_keeps_its_sessions)
{
    char own [PROXY_TCP];
    start_host (&host, secretly);
    begin (secretly);
    proxy_t *proxy = proxy_new_tcp (host.endpoint, own);
    cr_assert_not_null (proxy);
    zanni_ref_t *ref = connect_to (own, NULL);
    cr_assert_eq (zanni_tell (root, ref, "note", 1, (int64_t) 1), 0);
    cr_assert_eq (noted (ref, 1), 1);
    uint64_t end_of_it = monitor (ref);
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    proxy_cut_after (proxy, 1);
    cr_assert_eq (zanni_tell (root, ref, "note", 1, (int64_t) 2), 0);
    cr_assert_eq (noted (ref, 1), 2);
    cr_assert_geq (proxy_cuts (proxy), 1u);
    cr_assert_eq (zanni_demonitor (root, end_of_it), 0);
    zanni_ref_destroy (&ref);
    end ();
    proxy_destroy (&proxy);
    end_host (&host);
}

/* Nothing is lost, nothing comes twice, order is kept. A slow machine has time to shake hands again. */
Test (tcp, survives_a_hundred_cuts_under_load)
{
    char own [PROXY_TCP];
    unsigned seed = 5;
    zanni_options_t patiently = secretly;
    patiently.heartbeat_ms = 20000;
    start_host (&host, patiently);
    begin (patiently);
    proxy_t *proxy = proxy_new_tcp (host.endpoint, own);
    cr_assert_not_null (proxy);
    zanni_ref_t *ref = connect_to (own, NULL);
    int64_t sent = 0;
    uint64_t cuts = 0;
    while (proxy_cuts (proxy) < 100) {
        for (int i = 0; i < 500; i++)
            if (!zanni_tell (root, ref, "note", 1, sent + 1))
                sent++;
        cr_assert_eq (zanni_run (root, 0), 0);
        if (proxy_cuts (proxy) < cuts)
            continue;
        cuts = proxy_cuts (proxy) + 1;
        proxy_cut_after (proxy, 1 + (uint64_t) rand_r (&seed) % 100000);
    }
    proxy_cut_after (proxy, 0);
    int rc = zanni_tell_wait (root, ref, 2 * DEADLINE_MS, "note", 1, ++sent);
    cr_assert_eq (rc, 0, "%s, %s", zanni_strerror (rc), s_log.text);
    until_admits (ref);
    cr_assert_eq (noted (ref, 1), sent);
    zanni_ref_destroy (&ref);
    end ();
    proxy_destroy (&proxy);
    end_host (&host);
}

static void
be_one_who_adds (zanni_options_t how, int fd)
{
    (void) fd;
    begin (how);
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    _exit (call_int (ref, "add", 1) > 0 && zanni_run (root, DEADLINE_MS) == 0 ? 0 : 1);
}

/* Who listens, and who only dials. */
Test (tcp, tells_two_nodes_that_dialled_apart)
{
    other_t other;
    start_host (&host, openly);
    start_other (&other, openly, be_one_who_adds);
    begin (openly);
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    done (ref, "witness", zanni_self (root));
    tell (ref, "compute", 1);
    expect ("computing");
    until_answers (ref, "total", 1);
    end_other (&other);
    cr_assert_eq (call_int (ref, "add", 1), 2);
    zanni_ref_destroy (&ref);
    part ();
}

static const zanni_place_t places [] = { ZANNI_HERE, ZANNI_SHARED, ZANNI_THREAD, ZANNI_PROCESS };
enum { PLACES_COUNT = sizeof places / sizeof *places };

Test (tcp, leads_to_actors_in_every_place)
{
    zanni_ref_t *ref = meet (openly);
    for (int i = 0; i < PLACES_COUNT; i++) {
        zanni_ref_t *there = kept (ref, "spawn", (int) places [i]);
        uint64_t down = monitor (there);
        uint64_t in_vain = monitor (there);
        cr_assert_eq (zanni_demonitor (root, in_vain), 0);
        cr_assert_eq (call_int (there, "add", 1), 101);
        for (int64_t n = 1; n <= 1000; n++)
            cr_assert_eq (zanni_tell_wait (root, there, DEADLINE_MS, "note", 1, n), 0);
        cr_assert_eq (noted (there, 1), 1000);
        zanni_error_t error = { 0 };
        cr_assert_eq (refused (&error, there, "no such thing"), ZANNI_ENOMETHOD);
        done (ref, "drop");
        zanni_ref_destroy (&there);
        expect_reason (down, "normal");
        expect_nothing ();
    }
    zanni_ref_destroy (&ref);
    part ();
}

/* Each way through two nodes: an actor in any place there, and one in any place here, where nobody listens. */
Test (tcp, lets_actors_in_every_place_reach_those_of_who_dialled)
{
    zanni_ref_t *ref = meet (openly);
    for (int i = 0; i < PLACES_COUNT * PLACES_COUNT; i++) {
        zanni_ref_t *here = spawn_with (&(zanni_spawn_t) { .place = places [i % PLACES_COUNT] }, "worker", 7);
        zanni_ref_t *there = kept (ref, "spawn", (int) places [i / PLACES_COUNT]);
        done (there, "witness", zanni_self (root));
        done (there, "hold", here);
        cr_assert_eq (call_int (there, "relay", "total"), 7);
        done (there, "watch", here);
        done (there, "ask and cancel");
        until_answers (here, "promises", 1);
        int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
        while (!call_bool_args (here, "is void", NULL, 0))
            cr_assert_lt (zanni_now_ns (root), until_ns, "the promise is not taken back");
        done (there, "drop");
        zanni_ref_destroy (&here);
        expect ("down: normal");
        done (ref, "drop");
        zanni_ref_destroy (&there);
        expect ("stopped at 100: normal");
    }
    zanni_ref_destroy (&ref);
    part ();
}

/* An actor is made known by root, and then asks by the session of its own worker: the answer has to come by that. */
Test (tcp, answers_by_the_session_that_was_asked_by)
{
    zanni_ref_t *ref = meet (openly);
    zanni_ref_t *here = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "worker", 7);
    zanni_ref_t *there = kept (ref, "spawn", (int) ZANNI_HERE);
    done (there, "hold", here);
    done (here, "hold", there);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq (call_int (here, "relay", "total"), 100);
        cr_assert_eq (call_int (there, "relay", "total"), 7);
    }
    done (here, "drop");
    done (there, "drop");
    zanni_ref_destroy (&here);
    done (ref, "drop");
    zanni_ref_destroy (&there);
    zanni_ref_destroy (&ref);
    part ();
}

/* In another process: an actor that the one which is offered as "one" holds, and asks; then all of it is gone. */
static void
be_asked_and_wait (zanni_options_t how, int fd)
{
    const zanni_connect_t options = { .name = "one" };
    zanni_ref_t *one = NULL;
    begin (how);
    while (zanni_connect (root, &one, host.endpoint, &options) == ZANNI_ENOACTOR) {}
    zanni_ref_t *here = spawn_with (&(zanni_spawn_t) { .place = ZANNI_HERE }, "worker", 7);
    done (one, "hold", here);
    say_byte (fd, 'h');
    until_answers (here, "promises", 1);
    say_byte (fd, 'p');
    _exit (zanni_run (root, -1));
}

Test (tcp, fails_what_actors_in_every_place_asked_of_who_is_gone)
{
    for (int i = 0; i < PLACES_COUNT; i++) {
        other_t other;
        const zanni_options_t options = { .insecure = true, .heartbeat_ms = 300 };
        start_host (&host, options);
        start_other (&other, options, be_asked_and_wait);
        begin (options);
        zanni_ref_t *ref = connect_to (host.endpoint, NULL);
        zanni_ref_t *there = kept (ref, "spawn", (int) places [i]);
        done (ref, "offer", "one", there);
        await_byte (other.fd, 'h');
        uint64_t id = ask (there, "relay", "promise");
        await_byte (other.fd, 'p');
        end_other (&other);
        cr_assert_eq (expect_failure (id, ZANNI_EAPP).app_code, ZANNI_ENODE);
        zanni_ref_destroy (&there);
        zanni_ref_destroy (&ref);
        part ();
    }
}

/* Its window is what holds the sender back, however slow the actor is: its mailbox loses nothing. */
Test (tcp, waits_for_slow_actors_of_other_workers)
{
    enum { COUNT = 200000 };
    zanni_ref_t *ref = meet (openly);
    zanni_ref_t *there = kept (ref, "spawn", (int) ZANNI_SHARED);
    tell (there, "compute", 300);
    for (int64_t n = 1; n <= COUNT; n++)
        cr_assert_eq (zanni_tell_wait (root, there, DEADLINE_MS, "note", 1, n), 0);
    until_admits (there);
    cr_assert_eq (noted (there, 1), COUNT);
    zanni_ref_destroy (&there);
    zanni_ref_destroy (&ref);
    part ();
}

/* Neither of the two can be dialled; they know each other by the host that both have dialled. */
Test (tcp, lets_those_who_dialled_a_host_reach_each_other)
{
    other_t other;
    const zanni_options_t options = { .secret = SECRET, .heartbeat_ms = 300 };
    start_host (&host, options);
    start_other (&other, options, be_asked_and_wait);
    begin (options);
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    zanni_ref_t *one = kept (ref, "spawn", (int) ZANNI_HERE);
    done (ref, "offer", "one", one);
    await_byte (other.fd, 'h');
    zanni_ref_t *theirs = kept (one, "lend");
    zanni_ref_t *ours = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "worker", 3);
    uint64_t down = monitor (theirs);
    cr_assert_eq (call_int (theirs, "pid"), other.pid);
    for (int i = 0; i < 200; i++)
        cr_assert_eq (call_int (theirs, "add", 1), 8 + i);
    done (theirs, "hold", ours);
    cr_assert_eq (call_int (theirs, "relay", "total"), 3);
    done (theirs, "drop");
    uint64_t id = ask (theirs, "promise");
    await_byte (other.fd, 'p');
    end_other (&other);
    cr_assert_eq (expect_failure (id, ZANNI_ENODE).code, ZANNI_ENODE);
    expect_reason (down, "no connection");
    zanni_ref_destroy (&ours);
    zanni_ref_destroy (&theirs);
    zanni_ref_destroy (&one);
    zanni_ref_destroy (&ref);
    part ();
}

/* Written here and read by others: an actor of any place, and one of a third node. */
Test (tcp, texts_of_references_lead_to_their_actors)
{
    char text [ZANNI_REF_TEXT];
    zanni_ref_t *ref = meet (openly);
    for (int i = 0; i < PLACES_COUNT; i++) {
        zanni_ref_t *there = kept (ref, "spawn", (int) places [i]);
        ZANNI_AUTO (zanni_msg_t) reply = call (there, "text of", there);
        const char *theirs;
        zanni_ref_t *parsed = NULL, *again = NULL;
        cr_assert_eq (zanni_read (reply, &theirs), 0);
        cr_assert_eq (zanni_ref_parse (root, &parsed, theirs), 0, "%s", theirs);
        cr_assert_eq (call_int (parsed, "add", 1), 101);
        cr_assert_not (zanni_ref_is_strong (parsed));
        cr_assert_str_eq (zanni_ref_class (parsed), "worker");
        cr_assert_eq (zanni_ref_text (root, there, text, sizeof text), 0);
        cr_assert_eq (zanni_ref_parse (root, &again, text), 0);
        cr_assert (zanni_ref_equal (again, there));
        cr_assert (call_bool (ref, "knows", there, (const char *) text), "home again");
        zanni_ref_destroy (&again);
        zanni_ref_destroy (&parsed);
        zanni_ref_destroy (&there);
    }
    zanni_ref_destroy (&ref);
    part ();
}

Test (tcp, texts_that_are_no_references_are_said_to_be_so)
{
    char text [ZANNI_REF_TEXT], wrong [ZANNI_REF_TEXT];
    zanni_ref_t *ref = NULL;
    begin (openly);
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    cr_assert_eq (zanni_ref_text (root, zanni_self (root), text, sizeof text), 0);
    cr_assert_eq (strncmp (text, "tcp://127.0.0.1:", 16), 0);
    size_t size = strlen (text);
    cr_assert_eq (zanni_ref_text (root, zanni_self (root), wrong, size), ZANNI_ETOOBIG);
    cr_assert_eq (zanni_ref_text (root, zanni_self (root), wrong, size + 1), 0);
    for (size_t cut = 0; cut < size; cut++) {
        snprintf (wrong, sizeof wrong, "%.*s", (int) cut, text);
        cr_assert_eq (zanni_ref_parse (root, &ref, wrong), ZANNI_EARGS, "%s", wrong);
    }
    cr_assert_eq (zanni_ref_parse (root, &ref, text), 0);
    cr_assert (zanni_ref_equal (ref, zanni_self (root)));
    zanni_ref_destroy (&ref);
    text [size - 2] = text [size - 2] == '0' ? '1' : '0';   // of the nonce
    cr_assert_eq (zanni_ref_parse (root, &ref, text), 0);
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, ref, "add", 1), ZANNI_ENOACTOR);
    zanni_ref_destroy (&ref);
    end ();
}

Test (tcp, goes_where_an_address_is_translated_to)
{
    start_host (&host, openly);
    begin (openly);
    cr_assert_eq (zanni_route (root, "tcp://127.0.0.1:1", host.endpoint), 0);
    zanni_ref_t *ref = connect_to ("tcp://127.0.0.1:1", NULL);
    cr_assert_eq (pid_of (ref), host.pid);
    zanni_ref_destroy (&ref);
    cr_assert_eq (zanni_route (root, host.endpoint, "tcp://127.0.0.1:1"), 0);
    cr_assert_eq (zanni_route (root, host.endpoint, NULL), 0);
    cr_assert_eq (zanni_route (root, "tcp://127.0.0.1", NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_route (root, host.endpoint, "ipc:///tmp/a"), ZANNI_EINVAL);
    part ();
}

/* Who asked is on another worker than the connection, and learns who is asked now. */
Test (tcp, asks_are_forwarded_to_who_dialled)
{
    zanni_ref_t *ref = meet (openly);
    zanni_ref_t *here = spawn_with (&(zanni_spawn_t) { .place = ZANNI_HERE }, "worker", 7);
    for (int i = 0; i < PLACES_COUNT; i++) {
        zanni_ref_t *there = kept (ref, "spawn", (int) places [i]);
        done (there, "hold", ref);
        done (ref, "hold", here);
        uint64_t id = ask (there, "relay", "pass promise");
        until_answers (here, "promises", i + 1);
        tell (here, "fulfil", 9);
        expect_answer (id, 9);
        zanni_ref_destroy (&there);
    }
    zanni_ref_destroy (&here);
    zanni_ref_destroy (&ref);
    part ();
}

/* An actor that is known there by the root's session, and sends by its own. */
Test (tcp, opens_the_window_of_actors_that_have_two_ways)
{
    enum { COUNT = 400000 };
    zanni_ref_t *ref = meet (openly);
    zanni_ref_t *here = spawn_with (&(zanni_spawn_t) { .place = ZANNI_THREAD }, "worker", 7);
    done (ref, "hold", here);
    done (here, "hold", ref);
    done (here, "send", 1, COUNT, 0);
    sleep_until_noted (ref, 1, COUNT);   // what its own way carries may come later than this
    cr_assert_eq (noted (ref, 1), COUNT);
    zanni_ref_destroy (&here);
    zanni_ref_destroy (&ref);
    part ();
}

/* Nobody looks here for a while, and the sender there is not on the worker of the connection. */
Test (tcp, holds_senders_of_other_workers_back)
{
    enum { COUNT = 1500000 };
    zanni_ref_t *ref = meet (openly);
    zanni_ref_t *there = kept (ref, "spawn", (int) ZANNI_THREAD);
    zanni_ref_t *slow = spawn_with (&(zanni_spawn_t) { .place = ZANNI_HERE }, "worker", 7);
    done (there, "hold", slow);
    uint64_t id = ask (there, "send", 1, COUNT, 0);
    int64_t until_ns = zanni_now_ns (root) + 500000000;
    while (zanni_now_ns (root) < until_ns) {}
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int rc = zanni_receive (root, &reply, 6 * DEADLINE_MS);
    cr_assert_eq (rc, 0, "%s", zanni_strerror (rc));
    cr_assert (zanni_msg_id (reply) == id && zanni_msg_kind (reply) == ZANNI_MSG_REPLY);
    until_admits (there);
    cr_assert_eq (noted (slow, 1), COUNT);
    zanni_msg_destroy (&reply);
    zanni_ref_destroy (&slow);
    zanni_ref_destroy (&there);
    zanni_ref_destroy (&ref);
    part ();
}
