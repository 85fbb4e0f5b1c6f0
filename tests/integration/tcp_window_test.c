/* Windows of sessions that end while they are full: what the other side has not handled yet counts in the next one until it
   has, and not a byte longer, wherever its actors live. */

#include "tcp.h"

#include "actor/actor.h"
#include "actor/remote/remote.h"
#include "link/hub.h"
#include "support/proxy.h"

CLASSES (&worker_class);
TCP_SUITE (tcp_window);

#define ROUNDS (LONG ? 20 : 4)

static const zanni_options_t options = { .insecure = true, .heartbeat_ms = 300 };

static host_t host;
static proxy_t *proxy;

/* What is under way when the session ends: small ones, whole frames, and pieces. */
static void
fill (const zanni_ref_t *ref, int round)
{
    static const size_t sizes [] = { 1, 100000, (3 << 20) + 5 };
    int rc = 0;
    for (int i = 0; !rc && i < 100000; i++) {
        ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
        zanni_ask_t ask = { .deadline_ms = -1 };
        cr_assert_eq (zanni_buffer_new (root, &buffer, sizes [(i + round) % 3]), 0);
        rc = i % 7 ? zanni_tell (root, ref, "count") : zanni_ask (root, ref, &ask, "echo", buffer);
    }
    cr_assert_eq (rc, ZANNI_EFULL, "%s", zanni_strerror (rc));
}

/* All that was asked ends. */
static void
forget_answers (void)
{
    zanni_msg_t *msg = NULL;
    while (!zanni_receive (root, &msg, 0))
        zanni_msg_destroy (&msg);
}

static void
expect_open (const zanni_ref_t *ref, int round)
{
    int64_t before_ns = zanni_now_ns (root);
    const zanni__peer_t *peer = NULL;
    uint64_t room = 0;
    do {
        (void) call_int (ref, "pid");   // behind all that is there
        forget_answers ();
        peer = (const zanni__peer_t *) (const void *) ref->identity->as.remote->peer;
        room = peer->out.room - peer->out.charge;
        cr_assert_eq (zanni_run (root, 30), 0);
    } while (room < peer->out.window && ms_since (before_ns) < DEADLINE_MS);
    cr_assert_eq (room, peer->out.window, "%" PRIu64 " bytes are missing after %d rounds", peer->out.window - room, round);
}

/* The host may be about to give the old session up, and the new one with it. */
static zanni_ref_t *
connect_again (const char *endpoint)
{
    zanni_ref_t *ref = NULL;
    int64_t before_ns = zanni_now_ns (root);
    int rc = ZANNI_ENODE;
    while (rc == ZANNI_ENODE && ms_since (before_ns) < DEADLINE_MS) {
        zanni_ref_destroy (&ref);
        rc = zanni_connect (root, &ref, endpoint, NULL);
        if (!rc)
            rc = zanni_call (root, NULL, ref, "pid");
    }
    cr_assert_eq (rc, 0, "%s", zanni_strerror (rc));
    return ref;
}

static void
lose_and_fill (zanni_place_t where)
{
    char own [PROXY_TCP];
    start_host (&host, options);
    begin (options);
    cr_assert_not_null (proxy = proxy_new_tcp (host.endpoint, own));
    zanni_ref_t *ref = connect_to (own, NULL);
    done (ref, "hold", zanni_self (root));   // so that what is counted there outlives the sessions
    zanni_ref_t *there = where == ZANNI_HERE ? connect_to (own, NULL) : kept (ref, "spawn", (int) where);
    for (int round = 1; round <= ROUNDS; round++) {
        uint64_t down = monitor (there);
        tell (there, "compute", 50);
        fill (there, round);
        cr_assert_eq (zanni_run (root, 5 * (round % 4)), 0);
        proxy_hold (proxy, PROXY_THERE, true);
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        zanni_down_t end = { .monitor = 0 };
        while (end.monitor != down) {   // beside it come the ends of asks
            zanni_msg_destroy (&msg);
            cr_assert_eq (zanni_receive (root, &msg, DEADLINE_MS), 0);
            (void) !zanni_msg_down (msg, &end);
        }
        proxy_hold (proxy, PROXY_THERE, false);
        zanni_ref_destroy (&ref);
        ref = connect_again (own);
        if (where != ZANNI_HERE) {   // with its holder it is gone
            zanni_ref_destroy (&there);
            there = kept (ref, "spawn", (int) where);
        }
        expect_open (there, round);
        expect_open (ref, round);
    }
    zanni_ref_destroy (&there);
    zanni_ref_destroy (&ref);
    end ();
    proxy_destroy (&proxy);
    end_host (&host);
}

Test (tcp_window, of_an_actor_that_listens_opens_again_after_sessions_that_ended)
{
    lose_and_fill (ZANNI_HERE);
}

Test (tcp_window, of_an_actor_of_another_worker_opens_again_after_sessions_that_ended)
{
    lose_and_fill (ZANNI_SHARED);
}

Test (tcp_window, of_an_actor_in_a_thread_opens_again_after_sessions_that_ended)
{
    lose_and_fill (ZANNI_THREAD);
}

Test (tcp_window, of_an_actor_in_a_process_opens_again_after_sessions_that_ended)
{
    lose_and_fill (ZANNI_PROCESS);
}
