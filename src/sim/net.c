/* Sockets in memory, which behave as libzmq's do over tcp and ipc, for the sessions of the real link above.

   A connection has two sides and a way to each, by which packets come in order: what was sent, and what becomes of the
   connection itself. The scheduler decides when the first of a way arrives. A connection that breaks loses what is behind
   some point of each way, and then tells its end; where two nodes are cut off from each other nothing arrives, but a side that
   pings misses the answers after as long as libzmq would, and breaks on its own. Nothing else is lost, and nothing comes
   twice, as with a stream: resending and dropping duplicates is the sessions' business. */

#include "net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_HANDSHAKE_NS INT64_C (3000000000)   // within which a connection has to stand
#define S_FIRST_PORT 40000
#define S_ID 5

typedef enum { S_DATA, S_OPEN, S_STANDS, S_END } s_kind_t;

/* A message, or an event. */
typedef struct s_packet {
    struct s_packet *next;
    s_kind_t kind;
    int64_t ready_ns;
    uint32_t number;         // of its connection
    uint32_t count;
    uint32_t room;
    zmq_msg_t *frames;
} s_packet_t;

typedef struct {
    s_packet_t *head;
    s_packet_t **tail;
} s_queue_t;

typedef struct {
    zanni_socket_t base;     // first
    zanni__sim_net_t *net;
    int type;
    bool dead;               // its node crashed
    char endpoint [ZANNI_ENDPOINT_MAX];   // where it is bound; "": nowhere
    int ping_ms;
    int timeout_ms;          // of answers to pings; 0: it does not ping
    int linger_ms;
    s_queue_t inbox;
    s_packet_t *reading;
    uint32_t at;             // the next frame of that; of a ROUTER the first is the id
    uint32_t origin;
    s_packet_t *writing;
    zanni__sim_conn_t *writing_to;
    zanni_socket_t *monitor;
    void (*stirred) (void *context);
    void *stirred_context;
} s_socket_t;

/* One end of a connection, and the way to it. */
typedef struct {
    s_socket_t *socket;      // NULL: not yet, or broken
    zanni__sim_node_t *node; // NULL: not yet
    s_queue_t way;
    int64_t last_ns;
    int64_t break_ns;        // INT64_MAX: nothing is missing
} s_side_t;

enum { S_DIALER, S_LISTENER };

struct zanni__sim_conn {
    zanni__sim_conn_t *next;
    uint32_t number;
    char endpoint [ZANNI_ENDPOINT_MAX];
    bool stands;
    bool dying;              // it was broken in between: what is sent goes nowhere
    s_side_t sides [2];
};

static void
s_queue_init (s_queue_t *queue)
{
    queue->head = NULL;
    queue->tail = &queue->head;
}

static void
s_push (s_queue_t *queue, s_packet_t *packet)
{
    packet->next = NULL;
    *queue->tail = packet;
    queue->tail = &packet->next;
}

static s_packet_t *
s_pop (s_queue_t *queue)
{
    s_packet_t *packet = queue->head;
    if (packet && !(queue->head = packet->next))
        queue->tail = &queue->head;
    return packet;
}

static void
s_packet_free (s_packet_t *packet)
{
    if (!packet)
        return;
    for (uint32_t i = 0; i < packet->count; i++)
        (void) zmq_msg_close (&packet->frames [i]);
    free (packet->frames);
    free (packet);
}

static void
s_clear (s_queue_t *queue)
{
    s_packet_t *packet;
    while ((packet = s_pop (queue)))
        s_packet_free (packet);
}

static s_packet_t *
s_packet (s_kind_t kind, uint32_t number)
{
    s_packet_t *packet = calloc (1, sizeof *packet);
    if (!packet)
        abort ();   // what a network does not lose cannot be lost here
    packet->kind = kind;
    packet->number = number;
    return packet;
}

/* A copy: the other side has no memory in common with this one. */
static void
s_packet_add (s_packet_t *packet, const void *data, size_t size)
{
    if (packet->count == packet->room) {
        packet->room = packet->room ? packet->room * 2 : 2;
        packet->frames = realloc (packet->frames, packet->room * sizeof *packet->frames);
        if (!packet->frames)
            abort ();
    }
    zmq_msg_t *frame = &packet->frames [packet->count++];
    if (zmq_msg_init_size (frame, size))
        abort ();
    if (size)
        memcpy (zmq_msg_data (frame), data, size);
}

static size_t
s_size (s_packet_t *packet)
{
    size_t size = 0;
    for (uint32_t i = 0; i < packet->count; i++)
        size += zmq_msg_size (&packet->frames [i]);
    return size;
}

/* It has something to read. */
static void
s_stir (s_socket_t *socket)
{
    if (socket->stirred)
        socket->stirred (socket->stirred_context);
    socket->net->port->stirred = true;
}

static void
s_tell (s_socket_t *socket, int event, uint32_t number)
{
    uint8_t data [6];
    const uint16_t what = (uint16_t) event;
    s_socket_t *monitor = (s_socket_t *) (void *) socket->monitor;
    if (!monitor || socket->dead)
        return;
    memcpy (data, &what, sizeof what);
    memcpy (data + sizeof what, &number, sizeof number);
    s_packet_t *packet = s_packet (S_DATA, number);
    s_packet_add (packet, data, sizeof data);
    s_push (&monitor->inbox, packet);
    s_stir (monitor);
}

/* Who listens there, or NULL. */
static s_socket_t *
s_listener (const zanni_sim_t *sim, const char *endpoint)
{
    for (zanni__sim_net_t *net = sim->nets; net; net = net->next)
        for (uint32_t i = 0; i < net->count; i++) {
            s_socket_t *socket = (s_socket_t *) (void *) net->sockets [i];
            if (*socket->endpoint && !socket->dead && !strcmp (socket->endpoint, endpoint))
                return socket;
        }
    return NULL;
}

static const zanni__sim_node_t *
s_far_node (const zanni_sim_t *sim, const zanni__sim_conn_t *conn)
{
    if (conn->sides [S_LISTENER].node)
        return conn->sides [S_LISTENER].node;
    const s_socket_t *socket = s_listener (sim, conn->endpoint);
    return socket ? socket->net->node : NULL;
}

static bool
s_is_cut (const zanni_sim_t *sim, const zanni__sim_conn_t *conn)
{
    const zanni__sim_node_t *far = sim->cuts ? s_far_node (sim, conn) : NULL;
    return far && zanni__sim_is_cut (sim, conn->sides [S_DIALER].node, far);
}

/* On its way to that side. */
static void
s_put (zanni_sim_t *sim, zanni__sim_conn_t *conn, int to, s_packet_t *packet)
{
    s_side_t *side = &conn->sides [to];
    packet->ready_ns = sim->now_ns;
    if (sim->options.net_ns)
        packet->ready_ns += (int64_t) (zanni_sim_random (sim) % (uint64_t) (sim->options.net_ns + 1));
    if (packet->ready_ns < side->last_ns)
        packet->ready_ns = side->last_ns;
    side->last_ns = packet->ready_ns;
    s_push (&side->way, packet);
}

/* What is on the way to that side arrives up to some point, and then the end. */
static void
s_truncate (zanni_sim_t *sim, zanni__sim_conn_t *conn, int to)
{
    s_queue_t *way = &conn->sides [to].way;
    uint32_t count = 0;
    for (const s_packet_t *packet = way->head; packet; packet = packet->next)
        count++;
    s_queue_t kept;
    s_queue_init (&kept);
    for (uint32_t left = zanni_sim_below (sim, count + 1); left; left--)
        s_push (&kept, s_pop (way));
    s_clear (way);
    s_packet_t *packet;
    while ((packet = s_pop (&kept)))
        s_push (way, packet);
    s_put (sim, conn, to, s_packet (S_END, conn->number));
}

static void
s_reset (zanni_sim_t *sim, zanni__sim_conn_t *conn)
{
    if (conn->dying)
        return;
    conn->dying = true;
    zanni_sim_note (sim, "reset #%u", conn->number);
    s_truncate (sim, conn, S_DIALER);
    s_truncate (sim, conn, S_LISTENER);
}

static void
s_settle (zanni_sim_t *sim, zanni__sim_conn_t *conn)
{
    zanni__sim_conn_t **at = &sim->conns;
    if (conn->sides [S_DIALER].socket || conn->sides [S_LISTENER].socket || conn->sides [S_LISTENER].way.head)
        return;
    while (*at != conn)
        at = &(*at)->next;
    *at = conn->next;
    for (zanni__sim_net_t *net = sim->nets; net; net = net->next)
        for (uint32_t i = 0; i < net->count; i++) {
            s_socket_t *socket = (s_socket_t *) (void *) net->sockets [i];
            if (socket->writing_to == conn)
                socket->writing_to = NULL;
        }
    s_clear (&conn->sides [S_DIALER].way);
    free (conn);
}

/* Nothing is sent before both have shaken hands. */
static void
s_forget_data (zanni__sim_conn_t *conn)
{
    s_queue_t kept;
    s_queue_t *way = &conn->sides [S_LISTENER].way;
    s_packet_t *packet;
    s_queue_init (&kept);
    while ((packet = s_pop (way)))
        if (packet->kind == S_DATA)
            s_packet_free (packet);
        else
            s_push (&kept, packet);
    while ((packet = s_pop (&kept)))
        s_push (way, packet);
}

/* The side is no more, as it finds out by itself or is told; the other one hears of it when it can. */
static void
s_leave (zanni_sim_t *sim, zanni__sim_conn_t *conn, int which, bool tells)
{
    s_side_t *side = &conn->sides [which];
    s_socket_t *socket = side->socket;
    side->socket = NULL;
    side->break_ns = INT64_MAX;
    s_clear (&side->way);
    if (tells && !conn->dying)
        s_put (sim, conn, !which, s_packet (S_END, conn->number));
    conn->dying = true;
    if (which == S_DIALER && !conn->stands)
        s_forget_data (conn);
    if (socket)
        s_tell (socket, conn->stands || which == S_LISTENER ? ZMQ_EVENT_DISCONNECTED : ZMQ_EVENT_CLOSED, conn->number);
    s_settle (sim, conn);
}

static void
s_open_arrives (zanni_sim_t *sim, zanni__sim_conn_t *conn)
{
    s_socket_t *socket = s_listener (sim, conn->endpoint);
    if (!socket || zanni__sim_draw (sim, sim->faults.unreachable_percent)) {
        s_put (sim, conn, S_DIALER, s_packet (S_END, conn->number));
        conn->dying = true;
        s_clear (&conn->sides [S_LISTENER].way);
        return;
    }
    conn->sides [S_LISTENER].socket = socket;
    conn->sides [S_LISTENER].node = socket->net->node;
    s_put (sim, conn, S_DIALER, s_packet (S_STANDS, conn->number));
}

static const char *
s_kind_name (s_kind_t kind)
{
    static const char *const names [] = { "data", "open", "stands", "end" };
    return names [kind];
}

/* The first of a way. */
static void
s_arrive (zanni_sim_t *sim, zanni__sim_conn_t *conn, int which)
{
    s_side_t *side = &conn->sides [which];
    s_packet_t *packet = s_pop (&side->way);
    zanni_sim_note (sim, "%s #%u to the %s, %zu bytes", s_kind_name (packet->kind), conn->number,
                    which == S_DIALER ? "dialer" : "listener", s_size (packet));
    if (packet->kind == S_OPEN)
        s_open_arrives (sim, conn);
    else if (packet->kind == S_END)
        s_leave (sim, conn, which, false);
    else if (packet->kind == S_STANDS) {
        conn->stands = true;
        if (side->socket)
            s_tell (side->socket, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, conn->number);
    }
    else if (side->socket) {
        s_push (&side->socket->inbox, packet);
        s_stir (side->socket);
        return;
    }
    s_packet_free (packet);
}

/* Ways and breaks are counted through: two of each connection. */
bool
zanni__sim_net_next (const zanni_sim_t *sim, zanni__sim_step_t *step, int64_t *ready_ns)
{
    for (;;) {
        if (!step->conn || step->line == 3) {
            step->conn = step->conn ? step->conn->next : sim->conns;
            step->line = 0;
        }
        else
            step->line++;
        if (!step->conn)
            return false;
        const s_side_t *side = &step->conn->sides [step->line & 1];
        if (step->line >= 2)
            *ready_ns = side->break_ns;
        else
            *ready_ns = side->way.head && !s_is_cut (sim, step->conn) ? side->way.head->ready_ns : INT64_MAX;
        if (*ready_ns != INT64_MAX)
            return true;
    }
}

void
zanni__sim_net_step (zanni_sim_t *sim, const zanni__sim_step_t *step)
{
    if (step->line < 2) {
        s_arrive (sim, step->conn, (int) step->line);
        return;
    }
    zanni_sim_note (sim, "silent #%u", step->conn->number);
    s_leave (sim, step->conn, (int) step->line & 1, true);
}

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
    s_socket_t *socket = calloc (1, sizeof *socket);
    if (!socket)
        return ZANNI_ENOMEM;
    socket->base.ops = &net->node->sockets;
    socket->net = net;
    socket->type = type;
    socket->dead = net->node->crashed;
    s_queue_init (&socket->inbox);
    net->sockets [net->count++] = &socket->base;
    *socket_p = &socket->base;
    return 0;
}

/* Ends of connections, of that socket. */
static void
s_disconnect (s_socket_t *socket)
{
    zanni__sim_conn_t *next;
    zanni_sim_t *sim = socket->net->sim;
    for (zanni__sim_conn_t *conn = sim->conns; conn; conn = next) {
        next = conn->next;
        for (int which = 0; which < 2; which++)
            if (conn->sides [which].socket == socket) {
                if (socket->dead || !socket->linger_ms)
                    s_reset (sim, conn);
                s_leave (sim, conn, which, true);
                break;
            }
    }
}

static void
s_close (zanni_socket_t *base)
{
    s_socket_t *socket = (s_socket_t *) (void *) base;
    zanni__sim_net_t *net = socket->net;
    uint32_t at = 0;
    socket->monitor = NULL;
    s_disconnect (socket);
    while (net->sockets [at] != base)
        at++;
    for (net->count--; at < net->count; at++)
        net->sockets [at] = net->sockets [at + 1];
    s_clear (&socket->inbox);
    s_packet_free (socket->reading);
    s_packet_free (socket->writing);
    free (socket);
}

static int
s_set (zanni_socket_t *base, int option, const void *value, size_t size)
{
    s_socket_t *socket = (s_socket_t *) (void *) base;
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
    s_socket_t *socket = (s_socket_t *) (void *) base;
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
    s_socket_t *socket = (s_socket_t *) (void *) base;
    zanni_sim_t *sim = socket->net->sim;
    zanni__sim_conn_t **at = &sim->conns;
    zanni__sim_conn_t *conn = calloc (1, sizeof *conn);
    if (!conn) {
        errno = ENOMEM;
        return -1;
    }
    while (*at)
        at = &(*at)->next;
    *at = conn;
    conn->number = ++sim->conns_made;
    snprintf (conn->endpoint, sizeof conn->endpoint, "%s", endpoint);
    for (int which = 0; which < 2; which++) {
        s_queue_init (&conn->sides [which].way);
        conn->sides [which].break_ns = INT64_MAX;
    }
    conn->sides [S_DIALER].socket = socket;
    conn->sides [S_DIALER].node = socket->net->node;
    if (s_is_cut (sim, conn))
        conn->sides [S_DIALER].break_ns = sim->now_ns + S_HANDSHAKE_NS;
    if (!socket->dead)
        s_put (sim, conn, S_LISTENER, s_packet (S_OPEN, conn->number));
    return 0;
}

/* A port that is to be found is "*". */
static int
s_bind (zanni_socket_t *base, const char *endpoint)
{
    s_socket_t *socket = (s_socket_t *) (void *) base;
    zanni_sim_t *sim = socket->net->sim;
    size_t size = strlen (endpoint);
    if (size + 6 > sizeof socket->endpoint) {
        errno = EINVAL;
        return -1;
    }
    if (endpoint [size - 1] != '*' && s_listener (sim, endpoint)) {
        errno = EADDRINUSE;
        return -1;
    }
    strcpy (socket->endpoint, endpoint);
    if (endpoint [size - 1] == '*')
        snprintf (socket->endpoint + size - 1, sizeof socket->endpoint - size + 1, "%u",
                  S_FIRST_PORT + sim->listeners_made++ % 20000);
    return 0;
}

static void
s_unmonitor (zanni_socket_t *base)
{
    ((s_socket_t *) (void *) base)->monitor = NULL;
}

static int
s_monitor (void *handle, zanni_socket_t *base, zanni_socket_t **monitor_p, int events)
{
    (void) events;
    int rc = s_open (handle, monitor_p, ZMQ_PAIR);
    if (!rc)
        ((s_socket_t *) (void *) base)->monitor = *monitor_p;
    return rc;
}

/* The connection that a ROUTER means by this id, if it has it. */
static zanni__sim_conn_t *
s_by_id (const s_socket_t *socket, const uint8_t *id, size_t size)
{
    uint32_t number = 0;
    zanni__sim_conn_t *conn = socket->net->sim->conns;
    if (size == S_ID)
        memcpy (&number, id + 1, sizeof number);
    while (conn && !(conn->number == number && conn->sides [S_LISTENER].socket == socket))
        conn = conn->next;
    return conn;
}

static zanni__sim_conn_t *
s_of_dealer (const s_socket_t *socket)
{
    zanni__sim_conn_t *conn = socket->net->sim->conns;
    while (conn && conn->sides [S_DIALER].socket != socket)
        conn = conn->next;
    return conn;
}

/* A whole message leaves; what goes to a connection that has ended meanwhile is lost. */
static void
s_send_off (s_socket_t *socket)
{
    zanni_sim_t *sim = socket->net->sim;
    zanni__sim_conn_t *conn = socket->writing_to;
    s_packet_t *packet = socket->writing;
    socket->writing = NULL;
    socket->writing_to = NULL;
    if (!conn || conn->dying) {
        s_packet_free (packet);
        return;
    }
    packet->number = conn->number;
    s_put (sim, conn, socket->type == ZMQ_ROUTER ? S_DIALER : S_LISTENER, packet);
    if (zanni__sim_draw (sim, sim->faults.reset_percent))
        s_reset (sim, conn);
}

static int
s_send (zanni_socket_t *base, zmq_msg_t *msg, bool more)
{
    s_socket_t *socket = (s_socket_t *) (void *) base;
    bool router = socket->type == ZMQ_ROUTER;
    bool first = !socket->writing;
    if (first) {
        zanni__sim_conn_t *conn = socket->dead ? NULL
                                  : router ? s_by_id (socket, zmq_msg_data (msg), zmq_msg_size (msg)) : s_of_dealer (socket);
        if (!conn) {
            errno = router ? EHOSTUNREACH : EAGAIN;
            return -1;
        }
        socket->writing_to = conn;
        socket->writing = s_packet (S_DATA, 0);
    }
    if (!first || !router)
        s_packet_add (socket->writing, zmq_msg_data (msg), zmq_msg_size (msg));
    (void) zmq_msg_close (msg);
    (void) zmq_msg_init (msg);
    if (!more)
        s_send_off (socket);
    return 0;
}

static int
s_recv (zanni_socket_t *base, zmq_msg_t *msg, bool *more)
{
    s_socket_t *socket = (s_socket_t *) (void *) base;
    uint32_t ids = socket->type == ZMQ_ROUTER;
    if (!socket->reading && !socket->dead) {
        socket->reading = s_pop (&socket->inbox);
        socket->at = 0;
    }
    s_packet_t *packet = socket->reading;
    if (!packet) {
        errno = EAGAIN;
        return -1;
    }
    socket->origin = packet->number;
    if (socket->at < ids) {
        uint8_t id [S_ID] = { 0 };
        memcpy (id + 1, &packet->number, sizeof packet->number);
        (void) zmq_msg_close (msg);
        if (zmq_msg_init_size (msg, sizeof id))
            abort ();
        memcpy (zmq_msg_data (msg), id, sizeof id);
    }
    else
        (void) zmq_msg_move (msg, &packet->frames [socket->at - ids]);
    socket->at++;
    *more = socket->at < packet->count + ids;
    if (!*more) {
        s_packet_free (packet);
        socket->reading = NULL;
    }
    return 0;
}

static int
s_origin (zanni_socket_t *base, zmq_msg_t *msg)
{
    (void) msg;
    return (int) ((s_socket_t *) (void *) base)->origin;
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
    s_socket_t *socket = (s_socket_t *) (void *) base;
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
    return !strncmp (endpoint, "ipc://", 6) && !s_listener (net->sim, endpoint);
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

/* When a side that waits for answers would miss them, now that nothing comes; INT64_MAX: it does not wait. */
static int64_t
s_patience (zanni_sim_t *sim, const zanni__sim_conn_t *conn, int which)
{
    const s_socket_t *socket = conn->sides [which].socket;
    if (which == S_DIALER && !conn->stands)
        return sim->now_ns + S_HANDSHAKE_NS;
    if (!socket || !socket->timeout_ms)
        return INT64_MAX;
    return sim->now_ns + (socket->timeout_ms + (int64_t) zanni_sim_below (sim, (uint32_t) socket->ping_ms + 1)) * 1000000;
}

void
zanni__sim_net_cut (zanni_sim_t *sim)
{
    for (zanni__sim_conn_t *conn = sim->conns; conn; conn = conn->next) {
        bool cut = s_is_cut (sim, conn);
        for (int which = 0; which < 2; which++) {
            s_side_t *side = &conn->sides [which];
            if (!cut)
                side->break_ns = INT64_MAX;
            else if (side->socket && side->break_ns == INT64_MAX)
                side->break_ns = s_patience (sim, conn, which);
        }
    }
}

void
zanni__sim_net_reset (zanni_sim_t *sim, const zanni__sim_node_t *one, const zanni__sim_node_t *other)
{
    for (zanni__sim_conn_t *conn = sim->conns; conn; conn = conn->next) {
        const zanni__sim_node_t *dialer = conn->sides [S_DIALER].node;
        const zanni__sim_node_t *listener = conn->sides [S_LISTENER].node;
        if ((dialer == one && (!other || listener == other)) || (listener == one && (!other || dialer == other)))
            s_reset (sim, conn);
    }
}

/* The kernel closes what a process had open. */
void
zanni__sim_net_crash (zanni_sim_t *sim, const zanni__sim_node_t *node)
{
    for (zanni__sim_net_t *net = sim->nets; net; net = net->next)
        for (uint32_t i = 0; net->node == node && i < net->count; i++) {
            s_socket_t *socket = (s_socket_t *) (void *) net->sockets [i];
            socket->dead = true;
            s_clear (&socket->inbox);
            s_disconnect (socket);
        }
}

/* Those that only a cut has kept. */
void
zanni__sim_net_free (zanni_sim_t *sim)
{
    zanni__sim_conn_t *conn;
    while ((conn = sim->conns)) {
        sim->conns = conn->next;
        s_clear (&conn->sides [S_DIALER].way);
        s_clear (&conn->sides [S_LISTENER].way);
        free (conn);
    }
}
