/* Sessions with nodes of other hosts, of whom one is none of ours: it says what ours never do. */

#include "tcp.h"

#include "actor/remote/nodes.h"
#include "link/trust.h"
#include "raw.h"

CLASSES (&worker_class);
TCP_SUITE (far);

static int
count_events (void *monitor)
{
    int count = 0;
    char part [256];
    while (zmq_recv (monitor, part, sizeof part, ZMQ_DONTWAIT) >= 0)
        count++;
    return count / 2;
}

/* One that is denied may have been cut off by something else. */
Test (far, of_a_node_that_denied_us_once_is_tried_as_often_as_the_first)
{
    char endpoint [ZANNI_ENDPOINT_MAX];
    zanni_ref_t *ref = NULL;
    begin ((zanni_options_t) { .secret = SECRET });
    void *context = zmq_ctx_new ();
    void *socket = raw_listen (context, "another secret of the tests", endpoint);
    void *monitor = zmq_socket (context, ZMQ_PAIR);
    cr_assert (!zmq_socket_monitor (socket, "inproc://monitor", ZMQ_EVENT_ACCEPTED) && !zmq_connect (monitor, "inproc://monitor"));
    cr_assert_eq (zanni_connect (root, &ref, endpoint, NULL), ZANNI_EAUTH);
    int first = count_events (monitor);
    cr_assert_gt (first, 1);
    cr_assert_eq (zanni_connect (root, &ref, endpoint, NULL), ZANNI_EAUTH);
    cr_assert_eq (count_events (monitor), first);
    (void) zmq_close (monitor);
    (void) zmq_close (socket);
    (void) zmq_ctx_term (context);
    end ();
}

/* That the other node takes them is no reason: this one has not said so by tcp, nor looked whether its store is there. */
Test (far, get_no_buffers_as_blobs)
{
    static const uint8_t node [16] = "a node of tests";
    char id [256], endpoint [ZANNI_ENDPOINT_MAX], store [SCRATCH_PATH + 8];
    zanni_ref_t *ref = NULL;
    snprintf (store, sizeof store, "file:%s", folder);
    begin ((zanni_options_t) { .secret = SECRET, .claim_store = store, .claim_least = 10000 });
    void *context = zmq_ctx_new ();
    void *socket = raw_listen (context, SECRET, endpoint);
    cr_assert_eq (zanni__node_at (root, &ref, endpoint), 0);
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    cr_assert_eq (zanni_buffer_new (root, &buffer, 20000), 0);
    cr_assert_eq (zanni_tell (root, ref, "take", buffer), 0);
    cr_assert (raw_comes (root, socket), "no HELLO");
    int id_size = zmq_recv (socket, id, sizeof id, 0);
    zanni_wire_hello_t welcome = raw_hello (node, raw_hear (socket).as.hello.session, endpoint);
    welcome.abilities = ZANNI_ABILITY_FRAMES | ZANNI_ABILITY_CLAIMS;
    cr_assert_geq (zmq_send (socket, id, (size_t) id_size, ZMQ_SNDMORE), 0);
    raw_say (socket, ZANNI_RECORD_WELCOME, &welcome);
    zanni_record_t tell = { .kind = ZANNI_RECORD_HELLO };
    while (tell.kind == ZANNI_RECORD_HELLO) {   // there may be that of a pulse
        cr_assert (raw_comes (root, socket), "no TELL");
        (void) zmq_recv (socket, id, sizeof id, 0);
        tell = raw_hear (socket);
    }
    cr_assert_eq (tell.kind, ZANNI_RECORD_TELL);
    cr_assert_eq (tell.buffers_count, 1);
    cr_assert_null (tell.buffers [0].blob);
    (void) zmq_close (socket);
    (void) zmq_ctx_term (context);
    zanni_ref_destroy (&ref);
    end ();
}

/* What `hear` would, while the root works. */
static int
hear_here (void *socket)
{
    cr_assert (raw_comes (root, socket), "nothing came");
    return hear (socket);
}

/* A key that was admitted has one session, or one pulse, a connection: what else it made would be there for good. */
Test (far, are_one_for_each_connection)
{
    static const uint8_t one [16] = "a node of tests", two [16] = "another of them";
    static const uint8_t key [ZANNI__KEY] = "of another node";
    const char *endpoint;
    zanni_wire_hello_t hello = raw_hello (one, 1, "~1");
    begin ((zanni_options_t) { .secret = SECRET });
    zanni_node_t *node = root->worker->node;
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    cr_assert_eq (zanni_endpoint (root, &endpoint), 0);
    void *context = zmq_ctx_new ();
    void *socket = raw_dial (context, SECRET, endpoint);
    for (uint32_t purpose = 0; purpose < 2; purpose++) {
        hello.purpose = (uint8_t) purpose;
        hello.node = one;
        raw_say (socket, ZANNI_RECORD_HELLO, &hello);
        cr_assert_eq (hear_here (socket), ZANNI_RECORD_WELCOME);
        raw_say (socket, ZANNI_RECORD_HELLO, &hello);
        cr_assert_eq (hear_here (socket), ZANNI_RECORD_WELCOME, "it may say so again");
        cr_assert_not (zanni__claim_fits (node, one, key));
        hello.node = two;
        hello.session++;
        raw_say (socket, ZANNI_RECORD_HELLO, &hello);
        cr_assert_eq (hear_here (socket), 100 + (purpose ? ZANNI_BYE_DEAD : ZANNI_BYE_FAULT));
        cr_assert (zanni__claim_fits (node, one, key) && zanni__claim_fits (node, two, key), "both ids are free");
        hello.session++;
        raw_say (socket, ZANNI_RECORD_HELLO, &hello);
        cr_assert_eq (hear_here (socket), ZANNI_RECORD_WELCOME);
        hello.purpose = !purpose;
        raw_say (socket, ZANNI_RECORD_HELLO, &hello);
        cr_assert_geq (hear_here (socket), 100, "a session's connection is no pulse's");
        hello.session++;
    }
    (void) zmq_close (socket);
    (void) zmq_ctx_term (context);
    end ();
}
