/* What a node opens, and to whom: what was said of that holds, whatever fails or comes later. */

#include "tcp.h"

#include "actor/node.h"
#include "raw.h"

#include <sys/resource.h>

CLASSES (&worker_class);
TCP_SUITE (trust);

/* So many bytes more than there are now is all that this process may have. Answers the limit that there was. */
static struct rlimit
limit_memory (rlim_t more)
{
    unsigned long pages = 0;
    struct rlimit before, now;
    FILE *file = fopen ("/proc/self/statm", "r");
    cr_assert_not_null (file);
    cr_assert_eq (fscanf (file, "%lu", &pages), 1);
    fclose (file);
    cr_assert_eq (getrlimit (RLIMIT_AS, &before), 0);
    now = before;
    now.rlim_cur = (rlim_t) pages * (rlim_t) sysconf (_SC_PAGESIZE) + more;
    cr_assert_eq (setrlimit (RLIMIT_AS, &now), 0);
    return before;
}

/* To make the key takes 64 MiB. */
Test (trust, of_a_secret_without_memory_for_its_key_opens_nothing)
{
    zanni_ref_t *ref = NULL;
    begin ((zanni_options_t) { .secret = SECRET, .insecure = true });
    cr_assert_eq (zanni_bind (root, "tcp://nowhere", NULL), ZANNI_EINVAL);   // all else that it takes is there now
    struct rlimit before = limit_memory (32 << 20);
    int bound = zanni_bind (root, "tcp://127.0.0.1:0", NULL);
    int connected = zanni_connect (root, &ref, "tcp://127.0.0.1:9", NULL);
    cr_assert_eq (setrlimit (RLIMIT_AS, &before), 0);
    cr_assert_eq (bound, ZANNI_ENOMEM, "%s", zanni_strerror (bound));
    cr_assert_eq (connected, ZANNI_ENOMEM, "%s", zanni_strerror (connected));
    cr_assert (logged ("no key can be made of the secret"));
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    cr_assert_not (logged ("is open to everybody"));
    end ();
}

Test (trust, that_is_taken_back_reaches_a_dial_that_was_not_answered_yet)
{
    static const uint8_t node [16] = "a node of tests";
    char id [256], endpoint [ZANNI_ENDPOINT_MAX];
    uint64_t find = 0;
    const zanni_ask_t ask = { .id_p = &find };
    const zanni_trust_t by = { .secret = "another secret of the tests" };
    begin ((zanni_options_t) { .secret = SECRET });
    void *context = zmq_ctx_new ();
    void *socket = raw_listen (context, SECRET, endpoint);
    cr_assert_eq (zanni_connect_ask (root, endpoint, NULL, &ask), 0);
    cr_assert (raw_comes (root, socket), "no HELLO");
    int id_size = zmq_recv (socket, id, sizeof id, 0);
    zanni_wire_hello_t welcome = raw_hello (node, raw_hear (socket).as.hello.session, endpoint);
    cr_assert_eq (zanni_trust (root, endpoint, &by), 0);
    cr_assert_geq (zmq_send (socket, id, (size_t) id_size, ZMQ_SNDMORE), 0);
    raw_say (socket, ZANNI_RECORD_WELCOME, &welcome);
    zanni_error_t error = expect_failure (find, ZANNI_EAUTH);
    cr_assert_not_null (strstr (error.text, endpoint), "%s", error.text);
    (void) zmq_close (socket);
    (void) zmq_ctx_term (context);
    end ();
}

static host_t host;

/* Whatever else the options would let be spoken with. */
static void
take_trust_back (zanni_options_t options, const zanni_trust_t *again)
{
    zanni_ref_t *none = NULL;
    start_host (&host, options);
    begin (options);
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    uint64_t id = ask (ref, "promise");
    cr_assert_eq (call_int (ref, "promises"), 1);
    cr_assert_eq (zanni_trust (root, host.endpoint, NULL), 0);
    expect_failure (id, ZANNI_EAUTH);
    cr_assert_eq (zanni_tell (root, ref, "count"), ZANNI_EAUTH);
    cr_assert_eq (zanni_connect (root, &none, host.endpoint, NULL), ZANNI_EAUTH);
    if (again) {
        cr_assert_eq (zanni_trust (root, host.endpoint, again), 0);
        cr_assert_eq (call_int (ref, "add", 1), 1);
    }
    zanni_ref_destroy (&ref);
    end ();
    end_host (&host);
}

Test (trust, that_is_taken_back_holds_where_there_is_a_secret_for_all)
{
    const zanni_trust_t by = { .secret = SECRET };
    take_trust_back ((zanni_options_t) { .secret = SECRET }, &by);
}

Test (trust, that_is_taken_back_holds_where_tcp_is_open)
{
    take_trust_back ((zanni_options_t) { .insecure = true }, NULL);
}

/* The call may fail, too. */
Test (trust, in_openness_said_of_one_call_opens_no_other_listener)
{
    zanni_ref_t *ref = NULL;
    const zanni_connect_t connect_openly = { .insecure = true };
    const zanni_bind_t bind_openly = { .insecure = true };
    start_host (&host, (zanni_options_t) { .insecure = true });
    begin ((zanni_options_t) { .insecure = true });
    cr_assert_eq (zanni_connect (root, &ref, host.endpoint, &connect_openly), 0);
    cr_assert_eq (zanni_bind (root, "tcp://*:port", &bind_openly), ZANNI_EINVAL);
    cr_assert_eq (zanni_bind (root, "tcp://*:0", NULL), ZANNI_EAUTH);
    zanni_ref_destroy (&ref);
    end ();
    end_host (&host);
}

static int
s_bind (zanni_t *self, zanni_msg_t *msg)
{
    const char *endpoint;
    int rc = zanni_read (msg, &endpoint);
    if (!rc)
        rc = zanni_bind (self, endpoint, NULL);
    return rc ? rc : zanni_reply (self, msg);
}

static int
offer_binder (zanni_t *self, const char *name, zanni_place_t where)
{
    static zanni_ref_t *binders [2];
    zanni_ref_t **ref_p = &binders [where == ZANNI_THREAD];
    int rc = zanni_spawn (self, ref_p, "binder", &(zanni_spawn_t) { .place = where });
    return rc ? rc : zanni_offer (self, name, *ref_p);
}

/* One on the worker that binds, and one on another. */
static int
offer_binders (zanni_t *self)
{
    int rc = offer_binder (self, "beside", ZANNI_HERE);
    return rc ? rc : offer_binder (self, "apart", ZANNI_THREAD);
}

Test (trust, is_of_who_bound_and_not_of_who_failed_to)
{
    static const zanni_method_t methods [] = { ZANNI_METHOD ("bind", "s", "", s_bind, ""), ZANNI_METHOD_END };
    static const zanni_class_t binder = { .name = "binder", .methods = methods };
    static const zanni_class_t *const binders [] = { &binder, NULL };
    host_classes = binders;
    host_prepares = offer_binders;
    start_host (&host, (zanni_options_t) { .secret = SECRET });
    begin ((zanni_options_t) { .secret = SECRET });
    zanni_ref_t *beside = connect_to (host.endpoint, "beside");
    zanni_ref_t *apart = connect_to (host.endpoint, "apart");
    zanni_ref_t *bound = connect_to (host.endpoint, NULL);
    expect_failure (ask (beside, "bind", "tcp://127.0.0.1:0"), ZANNI_EINVAL);
    zanni_ref_t *found = connect_to (host.endpoint, NULL);
    cr_assert (zanni_ref_equal (found, bound), "the worker listened already");
    zanni_ref_destroy (&found);
    expect_failure (ask (apart, "bind", host.endpoint), ZANNI_EINUSE);
    found = connect_to (host.endpoint, NULL);
    cr_assert (zanni_ref_equal (found, bound), "its port was taken");
    zanni_ref_destroy (&found);
    zanni_ref_destroy (&bound);
    zanni_ref_destroy (&apart);
    zanni_ref_destroy (&beside);
    end ();
    end_host (&host);
}

/* Also who sleeps, and would not be woken by a pulse so soon. */
Test (trust, that_changes_reaches_every_session_at_that_address)
{
    char said [200];
    const zanni_trust_t by = { .secret = "another secret of the tests" };
    start_host (&host, (zanni_options_t) { .secret = SECRET, .heartbeat_ms = 60000 });
    begin ((zanni_options_t) { .secret = SECRET, .heartbeat_ms = 60000 });
    zanni_ref_t *ref = connect_to (host.endpoint, NULL);
    zanni_ref_t *other = spawn_with (&(zanni_spawn_t) { .place = ZANNI_THREAD }, "worker", 0);
    done (other, "witness", zanni_self (root));
    done (other, "watch", ref);
    cr_assert_eq (zanni_run (root, 200), 0);   // the last that its worker has to do by itself is to acknowledge
    cr_assert_eq (zanni_trust (root, host.endpoint, &by), 0);
    snprintf (said, sizeof said, "down: error -33: %s: its key is not trusted any more", host.endpoint);
    expect (said);
    zanni_ref_destroy (&other);
    zanni_ref_destroy (&ref);
    end ();
    end_host (&host);
}
