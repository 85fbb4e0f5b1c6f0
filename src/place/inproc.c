/* The default port: a worker receives on one DEALER bound to an inproc endpoint and sends with one ROUTER that dials
   whomever it first sends to, under that worker's serial as routing id. Every connection has one direction, so no two
   dials meet. A batch travels as one message whose data is the batch; its free function is called in the end by whoever
   closes it, and a batch that nobody took by then is undelivered.

   Sockets live in the library's own context (base/sockets.c). Pipes have no limit: what bounds them is the receivers'
   mailboxes. Both sockets are made with the port: whoever wants a worker is told that sockets are short, not who first
   sends.

   A socket that was closed is only gone when its peers have noticed, and a ROUTER notices when it is asked for its
   events. Nobody reads from one here, so after a port was closed, somewhere, every port asks its own for a while.

   A worker that waits for nothing but batches blocks in zmq_msg_recv: that is 10 us faster than zmq_poll. */

#include "inproc.h"

#include "../actor/worker.h"
#include "../base/memory.h"
#include "../base/race.h"
#include "../base/sockets.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <zmq.h>

#define S_ID 8               // bytes of a routing id
#define S_TIDY_NS 1000000000   // for how long a port that was closed is looked for
#define S_TIDY_EVERY_NS 1000000

static _Atomic uint64_t s_ports_closed;   // relaxed: who sees it late tidies late

typedef struct {
    zanni_worker_t *worker;
    void *context;
    void *dealer;
    void *router;
    uint64_t *dialled;       // by worker number: the serial that was dialled, 0 for none
    uint32_t dialled_size;
    uint64_t closed_seen;    // of s_ports_closed
    int64_t tidy_ns;         // until then; 0: all is tidy
    int64_t tidied_ns;
    int timeout_ms;          // what ZMQ_RCVTIMEO is set to
} s_port_t;

static int
s_socket (const s_port_t *port, void **socket_p, int type)
{
    const int none = 0;
    void *socket = zmq_socket (port->context, type);
    if (!socket)
        return errno == EMFILE ? ZANNI_ESOCKETS : ZANNI_ENOMEM;
    (void) zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none);
    (void) zmq_setsockopt (socket, ZMQ_SNDHWM, &none, sizeof none);
    (void) zmq_setsockopt (socket, ZMQ_RCVHWM, &none, sizeof none);
    *socket_p = socket;
    return 0;
}

static void
s_endpoint (char *endpoint, size_t size, const zanni_worker_t *worker)
{
    const uint8_t *id = zanni_worker_node_id (worker);
    int length = snprintf (endpoint, size, "inproc://zanni-");
    for (int i = 0; i < 16; i++)
        length += snprintf (endpoint + length, size - (size_t) length, "%02x", id [i]);
    snprintf (endpoint + length, size - (size_t) length, "-%llu", (unsigned long long) zanni_worker_serial (worker));
}

/* Both sockets, the DEALER bound; on failure neither. */
static int
s_open_sockets (s_port_t *port)
{
    char endpoint [80];
    const int on = 1;
    int rc = zanni__descriptors_left (2);
    if (!rc)
        rc = s_socket (port, &port->dealer, ZMQ_DEALER);
    if (rc)
        return rc;
    rc = s_socket (port, &port->router, ZMQ_ROUTER);
    s_endpoint (endpoint, sizeof endpoint, port->worker);
    if (!rc && !zmq_setsockopt (port->router, ZMQ_ROUTER_MANDATORY, &on, sizeof on)
        && !zmq_bind (port->dealer, endpoint))
        return 0;
    (void) zmq_close (port->dealer);
    if (port->router)
        (void) zmq_close (port->router);
    return rc ? rc : ZANNI_ENOMEM;
}

static int
s_open (void *context, zanni_worker_t *worker, void **port_p)
{
    (void) context;
    s_port_t *port = zanni__calloc (sizeof *port);
    if (!port)
        return ZANNI_ENOMEM;
    int rc = zanni__zmq_context_take (&port->context);
    if (rc) {
        zanni__free (port);
        return rc;
    }
    port->worker = worker;
    port->timeout_ms = -1;
    port->closed_seen = atomic_load_explicit (&s_ports_closed, memory_order_relaxed);
    rc = s_open_sockets (port);
    if (rc) {
        zanni__zmq_context_give ();
        zanni__free (port);
        return rc;
    }
    *port_p = port;
    return 0;
}

/* Never begins with 0, which ROUTER keeps for itself. */
static void
s_routing_id (uint8_t *id, uint64_t serial)
{
    id [0] = 'w';
    for (int i = 1; i < S_ID; i++)
        id [i] = (uint8_t) (serial >> (8 * (i - 1)));
}

/* Lets go of peers that have closed. */
static void
s_tidy (s_port_t *port)
{
    int events;
    size_t size = sizeof events;
    uint64_t closed = atomic_load_explicit (&s_ports_closed, memory_order_relaxed);
    if (closed == port->closed_seen && !port->tidy_ns)
        return;
    int64_t now_ns = port->worker->now_ns;
    if (closed != port->closed_seen)
        port->tidy_ns = now_ns + S_TIDY_NS;
    port->closed_seen = closed;
    if (now_ns - port->tidied_ns < S_TIDY_EVERY_NS)
        return;
    port->tidied_ns = now_ns;
    if (now_ns >= port->tidy_ns)
        port->tidy_ns = 0;
    (void) zmq_getsockopt (port->router, ZMQ_EVENTS, &events, &size);
}

static bool
s_is_dialled (const s_port_t *port, uint32_t number, uint64_t serial)
{
    return number < port->dialled_size && port->dialled [number] == serial;
}

static int
s_dial (s_port_t *port, zanni_worker_t *to, const uint8_t *id)
{
    char endpoint [80];
    if (to->number >= port->dialled_size) {
        uint32_t size = to->number + 8;
        uint64_t *dialled = zanni__realloc (port->dialled, size * sizeof *dialled);
        if (!dialled)
            return ZANNI_ENOMEM;
        memset (dialled + port->dialled_size, 0, (size - port->dialled_size) * sizeof *dialled);
        port->dialled = dialled;
        port->dialled_size = size;
    }
    s_endpoint (endpoint, sizeof endpoint, to);
    if (zmq_setsockopt (port->router, ZMQ_CONNECT_ROUTING_ID, id, S_ID) || zmq_connect (port->router, endpoint))
        return ZANNI_ENOMEM;
    port->dialled [to->number] = zanni_worker_serial (to);
    return 0;
}

/* Called by libzmq for every batch, on the thread that closes it; data is NULL once it was taken. */
static void
s_closed (void *data, void *hint)
{
    zanni_batch_t **slot = data;
    (void) hint;
    ZANNI__TAKEN_OVER (slot);
    if (*slot)
        zanni_batch_undelivered (*slot);
    zanni__free (slot);
}

static int
s_send (s_port_t *port, const uint8_t *id, zanni_batch_t *batch)
{
    zmq_msg_t msg;
    zanni_batch_t **slot = zanni__malloc (sizeof *slot);
    if (!slot)
        return ZANNI_ENOMEM;
    *slot = batch;
    if (zmq_msg_init_data (&msg, slot, sizeof *slot, s_closed, NULL)) {
        zanni__free (slot);
        return ZANNI_ENOMEM;
    }
    if (zmq_send (port->router, id, S_ID, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        *slot = NULL;   // still the caller's
        (void) zmq_msg_close (&msg);
        return errno == EHOSTUNREACH ? ZANNI_ECLOSED : ZANNI_ENOMEM;
    }
    ZANNI__HANDED_OVER (slot);
    (void) zmq_msg_send (&msg, port->router, ZMQ_DONTWAIT);   // behind its first frame, it cannot fail
    return 0;
}

static int
s_post (void *self, zanni_worker_t *to, zanni_batch_t *batch)
{
    s_port_t *port = self;
    uint64_t serial = zanni_worker_serial (to);
    uint8_t id [S_ID];
    int rc = 0;
    s_routing_id (id, serial);
    if (!s_is_dialled (port, to->number, serial))
        rc = s_dial (port, to, id);
    return rc ? rc : s_send (port, id, batch);
}

static void
s_take (s_port_t *port, zmq_msg_t *msg)
{
    zanni_batch_t **slot = zmq_msg_data (msg);
    ZANNI__TAKEN_OVER (slot);
    zanni_batch_t *batch = *slot;
    *slot = NULL;
    ZANNI__HANDED_OVER (slot);
    (void) zmq_msg_close (msg);
    zanni_worker_deliver (port->worker, batch);
}

static int
s_receive (void *self)
{
    s_port_t *port = self;
    zmq_msg_t msg;
    int count = 0;
    s_tidy (port);
    for (;;) {
        (void) zmq_msg_init (&msg);
        if (zmq_msg_recv (&msg, port->dealer, ZMQ_DONTWAIT) < 0)
            return count;
        s_take (port, &msg);
        count++;
    }
}

/* Milliseconds until then, rounded up; -1: for ever. */
static int
s_timeout (const s_port_t *port, int64_t until_ns)
{
    if (until_ns == INT64_MAX)
        return -1;
    int64_t left_ns = until_ns - zanni_worker_now_ns (port->worker);
    if (left_ns <= 0)
        return 0;
    return left_ns > INT64_C (3600000000000) ? 3600000 : (int) ((left_ns + 999999) / 1000000);
}

static int
s_fd (void *self)
{
    s_port_t *port = self;
    int fd = -1;
    size_t size = sizeof fd;
    return zmq_getsockopt (port->dealer, ZMQ_FD, &fd, &size) ? -1 : fd;
}

static bool
s_waiting (void *self)
{
    s_port_t *port = self;
    int events = 0;
    size_t size = sizeof events;
    return !zmq_getsockopt (port->dealer, ZMQ_EVENTS, &events, &size) && events & ZMQ_POLLIN;
}

/* Beside another descriptor. The port's own is only good for waiting once libzmq has looked after its commands. */
static int
s_wait_beside (s_port_t *port, int64_t until_ns, int fd)
{
    struct pollfd items [] = { { .fd = s_fd (port), .events = POLLIN }, { .fd = fd, .events = POLLIN } };
    if (s_waiting (port))
        return 0;
    int64_t left_ns = until_ns == INT64_MAX ? 0 : until_ns - zanni_worker_now_ns (port->worker);
    const struct timespec left = { left_ns / 1000000000, left_ns % 1000000000 };
    if (left_ns >= 0)
        (void) ppoll (items, 2, until_ns == INT64_MAX ? NULL : &left, NULL);
    return items [0].revents ? 0 : -1;
}

static int
s_wait (void *self, int64_t until_ns, int fd)
{
    s_port_t *port = self;
    zmq_msg_t msg;
    if (fd >= 0)
        return s_wait_beside (port, until_ns, fd);
    int timeout_ms = s_timeout (port, until_ns);
    if (timeout_ms != port->timeout_ms) {
        (void) zmq_setsockopt (port->dealer, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
        port->timeout_ms = timeout_ms;
    }
    (void) zmq_msg_init (&msg);
    if (zmq_msg_recv (&msg, port->dealer, 0) < 0)
        return 0;
    s_take (port, &msg);
    return 1;
}

static void
s_close (void *self)
{
    s_port_t *port = self;
    (void) zmq_close (port->dealer);
    (void) zmq_close (port->router);
    atomic_fetch_add_explicit (&s_ports_closed, 1, memory_order_relaxed);
    zanni__free (port->dialled);
    zanni__free (port);
    zanni__zmq_context_give ();
}

const zanni_port_ops_t zanni__port_inproc = {
    .size = sizeof (zanni_port_ops_t), .open = s_open, .post = s_post, .receive = s_receive, .wait = s_wait,
    .fd = s_fd, .waiting = s_waiting, .close = s_close
};
