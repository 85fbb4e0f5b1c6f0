/* raw.h: the beginning of a session as a program speaks it that is no node of ours, by a socket of its own. */

#ifndef TESTS_INTEGRATION_RAW_H
#define TESTS_INTEGRATION_RAW_H

#include "link/keys.h"
#include "wire/record.h"

#include <criterion/criterion.h>
#include <zanni.h>
#include <zmq.h>

/* HELLO, as a text says where it listens ("~1": nowhere). */
static inline zanni_wire_hello_t
raw_hello (const uint8_t node [16], uint64_t session, const char *listens)
{
    return (zanni_wire_hello_t) {
        .version_min = 1, .version_max = 1, .node = node, .incarnation = 1, .name = { "raw", 3 }, .host = node,
        .session = session, .window = 1 << 20, .buffer_max = 1 << 20, .endpoint = { listens, strlen (listens) },
        .home = { "", 0 }
    };
}

/* A message of a BATCH and that. Behind the frame of a ROUTER's that says to whom. */
static inline void
raw_say (void *socket, zanni_record_kind_t kind, const zanni_wire_hello_t *hello)
{
    uint8_t bytes [1024];
    const zanni_record_t batch = { .kind = ZANNI_RECORD_BATCH };
    zanni_record_t record = { .kind = (uint8_t) kind };
    record.as.hello = *hello;
    size_t size = zanni__record_write (bytes, sizeof bytes, &batch);
    size += zanni__record_write (bytes + size, sizeof bytes - size, &record);
    cr_assert_geq (zmq_send (socket, bytes, size, 0), 0);
}

static inline void
say_hello (void *socket, const uint8_t node [16], uint64_t session)
{
    const zanni_wire_hello_t hello = raw_hello (node, session, "~1");
    raw_say (socket, ZANNI_RECORD_HELLO, &hello);
}

/* The first record behind the BATCH of what comes next, whose texts last until the next call. */
static inline zanni_record_t
raw_hear (void *socket)
{
    static uint8_t bytes [65536];
    static zanni_wire_ref_t refs [ZANNI_WIRE_TABLE_MAX];
    static zanni_wire_buffer_t buffers [ZANNI_WIRE_TABLE_MAX];
    const char *fault = NULL;
    zanni_record_t record;
    zanni__tables_t tables = { .refs = refs, .buffers = buffers };
    int size = zmq_recv (socket, bytes, sizeof bytes, 0);
    cr_assert_gt (size, 0, "nothing came");
    zanni__reader_t reader = zanni__reader (bytes, (uint32_t) size);
    cr_assert_eq (zanni__record_read (&reader, &record, &tables, &fault), 1);
    cr_assert_eq (zanni__record_read (&reader, &record, &tables, &fault), 1);
    return record;
}

/* The kind of the next that is no ACK, and of BYE the code behind 100. */
static inline int
hear (void *socket)
{
    zanni_record_t record = raw_hear (socket);
    while (record.kind == ZANNI_RECORD_ACK)
        record = raw_hear (socket);
    return record.kind == ZANNI_RECORD_BYE ? 100 + (int) record.as.error.code : record.kind;
}

/* A listener with that secret, which answers nothing by itself. */
static inline void *
raw_listen (void *context, const char *secret, char endpoint [ZANNI_ENDPOINT_MAX])
{
    const int on = 1, none = 0, wait_ms = DEADLINE_MS;
    zanni__keypair_t pair;
    size_t size = ZANNI_ENDPOINT_MAX;
    void *socket = zmq_socket (context, ZMQ_ROUTER);
    cr_assert_eq (zanni__keys_derive (&pair, secret), 0);
    cr_assert (!zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none)
               && !zmq_setsockopt (socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms)
               && !zmq_setsockopt (socket, ZMQ_CURVE_SERVER, &on, sizeof on)
               && !zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, pair.secret_key, sizeof pair.secret_key)
               && !zmq_bind (socket, "tcp://127.0.0.1:0")
               && !zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size));
    return socket;
}

static inline void *
raw_dial (void *context, const char *secret, const char *endpoint)
{
    const int none = 0, wait_ms = DEADLINE_MS;
    zanni__keypair_t pair;
    void *socket = zmq_socket (context, ZMQ_DEALER);
    cr_assert_eq (zanni__keys_derive (&pair, secret), 0);
    cr_assert (!zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none)
               && !zmq_setsockopt (socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms)
               && !zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, pair.public_key, sizeof pair.public_key)
               && !zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, pair.public_key, sizeof pair.public_key)
               && !zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, pair.secret_key, sizeof pair.secret_key)
               && !zmq_connect (socket, endpoint));
    return socket;
}

/* Whether something comes there; the node here works on meanwhile. */
static inline bool
raw_comes (zanni_t *self, void *socket)
{
    zmq_pollitem_t item = { .socket = socket, .events = ZMQ_POLLIN };
    int64_t until_ns = zanni_now_ns (self) + INT64_C (1000000) * DEADLINE_MS;
    while (!item.revents && zanni_now_ns (self) < until_ns) {
        cr_assert_eq (zanni_run (self, 1), 0);
        cr_assert_geq (zmq_poll (&item, 1, 0), 0);
    }
    return item.revents & ZMQ_POLLIN;
}

#endif
