/* rogue.h: somebody who says by a socket what no node says, and the stub that has to bear it. Over ipc, or over tcp where
   STUB_TCP is in the environment, with the keys of that secret if it is one. */

#ifndef TESTS_UNIT_LINK_ROGUE_H
#define TESTS_UNIT_LINK_ROGUE_H

#include "stub.h"

#include "link/keys.h"
#include "wire/record.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static stub_t ours;
static stub_t *mine [] = { &ours };
static void *context;
static void *rogue;

static const uint8_t node [16] = { 9, 9 };
static const uint8_t nonce [16] = { 4 };

static inline bool
is_far (void)
{
    return getenv ("STUB_TCP") != NULL;
}

/* A DEALER that dials, or a ROUTER that listens, with the keys that are needed. */
static inline void *
rogue_socket (int type)
{
    const int none = 0, on = 1;
    void *socket = zmq_socket (context, type);
    (void) zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none);
    if (!stub_secret ())
        return socket;
    const zanni__keypair_t *keys;
    cr_assert_eq (zanni__keys_of (&ours.node, &keys), 0);
    cr_assert_eq (zmq_setsockopt (socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, sizeof keys->secret_key), 0);
    if (type == ZMQ_ROUTER)
        cr_assert_eq (zmq_setsockopt (socket, ZMQ_CURVE_SERVER, &on, sizeof on), 0);
    else
        cr_assert (!zmq_setsockopt (socket, ZMQ_CURVE_SERVERKEY, keys->public_key, sizeof keys->public_key)
                   && !zmq_setsockopt (socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, sizeof keys->public_key));
    return socket;
}

/* It dials, and ours listens. */
static inline void *
dial_ours (void)
{
    void *socket = rogue_socket (ZMQ_DEALER);
    cr_assert_eq (zmq_connect (socket, is_far () ? ours.bound : ours.worker.endpoint), 0);
    return socket;
}

static inline void
begin (void)
{
    stub_open_with (&ours, 1, 1 << 20, 300);
    if (is_far ())
        (void) stub_bind (&ours);
    else
        (void) stub_endpoint (&ours);
    stub_run (mine, 1, 1, NULL, NULL);
    context = zmq_ctx_new ();
    rogue = dial_ours ();
}

static inline void
end (void)
{
    (void) zmq_close (rogue);
    (void) zmq_ctx_term (context);
    stub_close (&ours, 0);
}

static inline size_t
put (uint8_t *at, const zanni_record_t *record)
{
    size_t size = zanni__record_write (at, 4096, record);
    cr_assert (size);
    return size;
}

static inline size_t
put_batch (uint8_t *at, uint64_t sequence)
{
    return put (at, &(zanni_record_t) { .kind = ZANNI_RECORD_BATCH, .as.batch = { .sequence = sequence } });
}

/* Whom it is for is driven by this thread too, so it has to read meanwhile where the socket is full. */
static inline void
send_bytes (const void *bytes, size_t size, bool more)
{
    int flags = (more ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT;
    int64_t until_ns = stub_now_ns () + 10000000000;
    while (zmq_send (rogue, bytes, size, flags) < 0) {
        cr_assert (errno == EAGAIN && stub_now_ns () < until_ns, "it takes nothing more: %s", zmq_strerror (errno));
        stub_run (mine, 1, 1, NULL, NULL);
    }
}

static inline zanni_record_t
hello (uint64_t session)
{
    zanni_record_t record = { .kind = ZANNI_RECORD_HELLO };
    record.as.hello = (zanni_wire_hello_t) {
        .version_min = 1, .version_max = 1, .node = node, .incarnation = 1, .host = node, .session = session,
        .window = 1 << 20, .buffer_max = 1 << 20, .endpoint = { "ipc:///tmp/zanni-no-rogue", 25 }
    };
    if (is_far ())
        record.as.hello.endpoint = (zanni_bytes_t) { "~7", 2 };
    return record;
}

static inline void
say (const zanni_record_t *record)
{
    uint8_t bytes [8192];
    size_t size = put_batch (bytes, 0);
    size += put (bytes + size, record);
    send_bytes (bytes, size, false);
}

static uint8_t id [256];   // where the rogue listens: of the connection that said something last
static size_t id_size;

/* The next record that is not an ACK, which points into memory of this; false: none comes. */
static inline bool
hear_record (zanni_record_t *record)
{
    int type = 0;
    size_t type_size = sizeof type;
    static uint8_t bytes [8192];
    static zanni_wire_ref_t refs [8];
    static zanni_wire_buffer_t buffers [8];
    zanni__tables_t tables = { .refs = refs, .buffers = buffers };
    const char *fault;
    cr_assert_eq (zmq_getsockopt (rogue, ZMQ_TYPE, &type, &type_size), 0);
    for (int64_t until_ns = stub_now_ns () + 10000000000; stub_now_ns () < until_ns;) {
        stub_run (mine, 1, 1, NULL, NULL);
        int size = type == ZMQ_ROUTER ? zmq_recv (rogue, id, sizeof id, ZMQ_DONTWAIT) : 0;
        id_size = size > 0 ? (size_t) size : id_size;
        size = size < 0 ? size : zmq_recv (rogue, bytes, sizeof bytes, ZMQ_DONTWAIT);
        if (size < 0)
            continue;
        zanni__reader_t reader = zanni__reader (bytes, (uint32_t) size);
        cr_assert_eq (zanni__record_read (&reader, record, &tables, &fault), 1);
        cr_assert_eq (zanni__record_read (&reader, record, &tables, &fault), 1);
        if (record->kind != ZANNI_RECORD_ACK)
            return true;
    }
    return false;
}

/* Its kind, and the code of a BYE. */
static inline int
hear (int64_t *code)
{
    zanni_record_t record;
    if (!hear_record (&record))
        return -1;
    if (code)
        *code = record.as.error.code;
    return record.kind;
}

static inline void
greet (uint64_t session)
{
    const zanni_record_t record = hello (session);
    say (&record);
    cr_assert_eq (hear (NULL), ZANNI_RECORD_WELCOME);
}

static inline void
expect_fault (const char *what)
{
    int64_t code = -1;
    int downs = ours.downs;
    cr_assert_eq (hear (&code), ZANNI_RECORD_BYE);
    cr_assert_eq (code, ZANNI_BYE_FAULT);
    cr_assert_eq (ours.downs, downs + 1);
    cr_assert_not_null (strstr (ours.log, what), "%s", ours.log);
}

#endif
