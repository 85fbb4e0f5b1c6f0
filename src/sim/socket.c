/* Sockets in memory, which behave as libzmq's do over tcp and ipc, for the sessions of the real link above. What goes between
   them is net.c's. */

#include "net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_FIRST_PORT 40000
#define S_PORTS 20000
#define S_ID 5
#define S_EVENT 6

static int
s_begin (void *context, zanni_worker_t *worker, void **handle_p)
{
    zanni__sim_node_t *node = context;
    zanni_sim_t *sim = node->sim;
    zanni__sim_net_t *net = calloc (1, sizeof *net);
    if (!net)
        return ZANNI_ENOMEM;
    net->sim = sim;
    net->node = node;
    net->port = zanni_worker_port (worker);
    net->port->linked = true;
    net->next = sim->nets;
    sim->nets = net;
    *handle_p = net;
    return 0;
}

static void
s_end (void *handle)
{
    zanni__sim_net_t *net = handle;
    zanni__sim_net_t **at = &net->sim->nets;
    while (*at != net)
        at = &(*at)->next;
    *at = net->next;
    free (net->sockets);
    free (net);
}

static int
s_open (void *handle, zanni_socket_t **socket_p, int type)
{
    zanni__sim_net_t *net = handle;
    if (net->count == net->room) {
        uint32_t room = net->room ? net->room * 2 : 8;
        zanni_socket_t **sockets = realloc (net->sockets, room * sizeof *sockets);
        if (!sockets)
            return ZANNI_ENOMEM;
        net->sockets = sockets;
        net->room = room;
    }
    zanni__sim_socket_t *socket = calloc (1, sizeof *socket);
    if (!socket)
        return ZANNI_ENOMEM;
    socket->base.ops = &net->node->sockets;
    socket->net = net;
    socket->type = type;
    socket->dead = net->node->crashed;
    zanni__sim_row_init (&socket->inbox);
    net->sockets [net->count++] = &socket->base;
    *socket_p = &socket->base;
    return 0;
}

static void
s_close (zanni_socket_t *base)
{
    zanni__sim_socket_t *socket = zanni__sim_socket (base);
    zanni__sim_net_t *net = socket->net;
    uint32_t at = 0;
    socket->monitor = NULL;
    zanni__sim_hang_up (socket);
    while (net->sockets [at] != base)
        at++;
    for (net->count--; at < net->count; at++)
        net->sockets [at] = net->sockets [at + 1];
    zanni__sim_row_clear (&socket->inbox);
    zanni__sim_packet_free (socket->reading);
    zanni__sim_packet_free (socket->writing);
    free (socket);
}

static int
s_set (zanni_socket_t *base, int option, const void *value, size_t size)
{
    zanni__sim_socket_t *socket = zanni__sim_socket (base);
    int number = 0;
    if (size == sizeof number)
        memcpy (&number, value, sizeof number);
    if (option == ZMQ_LINGER)
        socket->linger_ms = number;
    else if (option == ZMQ_HEARTBEAT_IVL)
        socket->ping_ms = number;
    else if (option == ZMQ_HEARTBEAT_TIMEOUT)
        socket->timeout_ms = number;
    return 0;   // limits of memory, addresses and keys mean nothing here
}

static int
s_get (zanni_socket_t *base, int option, void *value, size_t *size)
{
    zanni__sim_socket_t *socket = zanni__sim_socket (base);
    if (option == ZMQ_EVENTS) {
        int events = !socket->dead && (socket->reading || socket->inbox.head) ? ZMQ_POLLIN : 0;
        memcpy (value, &events, sizeof events);
        return 0;
    }
    if (option != ZMQ_LAST_ENDPOINT || *size < sizeof socket->endpoint) {
        errno = EINVAL;
        return -1;
    }
    memcpy (value, socket->endpoint, sizeof socket->endpoint);
    return 0;
}

static int
s_connect (zanni_socket_t *base, const char *endpoint)
{
    int rc = zanni__sim_dial (zanni__sim_socket (base), endpoint);
    if (rc)
        errno = ENOMEM;
    return rc;
}

/* A port that is to be found is "*". */
static int
s_bind (zanni_socket_t *base, const char *endpoint)
{
    zanni__sim_socket_t *socket = zanni__sim_socket (base);
    zanni_sim_t *sim = socket->net->sim;
    size_t size = strlen (endpoint);
    if (size + 6 > sizeof socket->endpoint) {
        errno = EINVAL;
        return -1;
    }
    if (endpoint [size - 1] != '*' && zanni__sim_listener (sim, endpoint)) {
        errno = EADDRINUSE;
        return -1;
    }
    strcpy (socket->endpoint, endpoint);
    if (endpoint [size - 1] == '*')
        snprintf (socket->endpoint + size - 1, sizeof socket->endpoint - size + 1, "%u",
                  S_FIRST_PORT + sim->listeners_made++ % S_PORTS);
    return 0;
}

static void
s_unmonitor (zanni_socket_t *base)
{
    zanni__sim_socket (base)->monitor = NULL;
}

static int
s_monitor (void *handle, zanni_socket_t *base, zanni_socket_t **monitor_p, int events)
{
    (void) events;
    int rc = s_open (handle, monitor_p, ZMQ_PAIR);
    if (!rc)
        zanni__sim_socket (base)->monitor = *monitor_p;
    return rc;
}

/* The connection that a ROUTER means by this id, if it has it. */
static zanni__sim_conn_t *
s_by_id (const zanni__sim_socket_t *socket, const uint8_t *id, size_t size)
{
    uint32_t number = 0;
    zanni__sim_conn_t *conn = socket->net->sim->conns;
    if (size == S_ID)
        memcpy (&number, id + 1, sizeof number);
    while (conn && !(conn->number == number && conn->sides [ZANNI__SIM_LISTENER].socket == socket))
        conn = conn->next;
    return conn;
}

static zanni__sim_conn_t *
s_of_dealer (const zanni__sim_socket_t *socket)
{
    zanni__sim_conn_t *conn = socket->net->sim->conns;
    while (conn && conn->sides [ZANNI__SIM_DIALER].socket != socket)
        conn = conn->next;
    return conn;
}

/* A whole message leaves; what goes to a connection that has ended meanwhile is lost. */
static void
s_send_off (zanni__sim_socket_t *socket)
{
    zanni_sim_t *sim = socket->net->sim;
    zanni__sim_conn_t *conn = socket->writing_to;
    zanni__sim_packet_t *packet = socket->writing;
    socket->writing = NULL;
    socket->writing_to = NULL;
    if (!conn || conn->dying) {
        zanni__sim_packet_free (packet);
        return;
    }
    zanni__sim_carry (sim, conn, socket->type == ZMQ_ROUTER ? ZANNI__SIM_DIALER : ZANNI__SIM_LISTENER, packet);
}

static int
s_send (zanni_socket_t *base, zmq_msg_t *msg, bool more)
{
    zanni__sim_socket_t *socket = zanni__sim_socket (base);
    bool router = socket->type == ZMQ_ROUTER;
    bool first = !socket->writing;
    if (first) {
        zanni__sim_conn_t *conn = socket->dead ? NULL
                                  : router ? s_by_id (socket, zmq_msg_data (msg), zmq_msg_size (msg)) : s_of_dealer (socket);
        if (!conn) {
            errno = router ? EHOSTUNREACH : EAGAIN;
            return -1;
        }
        socket->writing = zanni__sim_packet_new (ZANNI__SIM_DATA);
        if (!socket->writing) {
            errno = ENOMEM;
            return -1;
        }
        socket->writing_to = conn;
    }
    if (!first || !router)
        zanni__sim_packet_add (socket->writing, zmq_msg_data (msg), zmq_msg_size (msg));
    (void) zmq_msg_close (msg);
    (void) zmq_msg_init (msg);
    if (!more)
        s_send_off (socket);
    return 0;
}

/* So little is in the message itself, and needs no memory. */
static void
s_fill (zmq_msg_t *msg, const void *data, size_t size)
{
    (void) zmq_msg_close (msg);
    (void) zmq_msg_init_size (msg, size);
    memcpy (zmq_msg_data (msg), data, size);
}

static int
s_recv (zanni_socket_t *base, zmq_msg_t *msg, bool *more)
{
    zanni__sim_socket_t *socket = zanni__sim_socket (base);
    uint32_t ids = socket->type == ZMQ_ROUTER;
    if (!socket->reading && !socket->dead) {
        socket->reading = zanni__sim_row_pop (&socket->inbox);
        socket->at = 0;
    }
    zanni__sim_packet_t *packet = socket->reading;
    if (!packet) {
        errno = EAGAIN;
        return -1;
    }
    socket->origin = packet->number;
    if (socket->at < ids) {
        uint8_t id [S_ID] = { 0 };
        memcpy (id + 1, &packet->number, sizeof packet->number);
        s_fill (msg, id, sizeof id);
    }
    else if (packet->kind == ZANNI__SIM_EVENT) {
        uint8_t event [S_EVENT];
        memcpy (event, &packet->event, sizeof packet->event);
        memcpy (event + sizeof packet->event, &packet->number, sizeof packet->number);
        s_fill (msg, event, sizeof event);
    }
    else
        (void) zmq_msg_move (msg, &packet->frames [socket->at - ids]);
    socket->at++;
    *more = socket->at < packet->count + ids;
    if (!*more) {
        zanni__sim_packet_free (packet);
        socket->reading = NULL;
    }
    return 0;
}

static int
s_origin (zanni_socket_t *base, zmq_msg_t *msg)
{
    (void) msg;
    return (int) zanni__sim_socket (base)->origin;
}

static int
s_descriptor (zanni_socket_t *socket)
{
    (void) socket;
    return -1;
}

static void
s_watch (zanni_socket_t *base, void (*stirred) (void *context), void *context)
{
    zanni__sim_socket_t *socket = zanni__sim_socket (base);
    socket->stirred = stirred;
    socket->stirred_context = context;
}

static void
s_wait (void *handle, const zanni_socket_wait_t *items, int count, int timeout_ms)
{
    zanni__sim_net_t *net = handle;
    (void) items, (void) count;
    (void) zanni__sim_port_wait (net->port, zanni__sim_node_now (net->node) + timeout_ms * INT64_C (1000000), true);
}

/* libzmq does not say for tcp. */
static bool
s_refused (void *handle, const char *endpoint)
{
    const zanni__sim_net_t *net = handle;
    return !strncmp (endpoint, "ipc://", 6) && !zanni__sim_listener (net->sim, endpoint)
           && !zanni__sim_is_kept (net->sim, endpoint);
}

static int
s_seat (void *context, zanni_worker_t *worker, char endpoint [ZANNI_ENDPOINT_MAX])
{
    zanni__sim_node_t *node = context;
    (void) worker;
    snprintf (endpoint, ZANNI_ENDPOINT_MAX, "ipc://sim/%u", ++node->sim->seats_made);
    return 0;
}

const zanni_sockets_t zanni__sim_sockets_ops = {
    .size = sizeof (zanni_sockets_t), .begin = s_begin, .end = s_end, .open = s_open, .close = s_close, .set = s_set,
    .get = s_get, .connect = s_connect, .bind = s_bind, .monitor = s_monitor, .unmonitor = s_unmonitor, .send = s_send,
    .recv = s_recv, .origin = s_origin, .descriptor = s_descriptor, .watch = s_watch, .wait = s_wait,
    .refused = s_refused, .seat = s_seat
};
