/* Connections between the sockets in memory, and what becomes of them.

   A connection has two sides and a way to each, by which packets come in order: what was sent, and what becomes of the
   connection itself. The scheduler decides when the first of a way arrives. A connection that breaks loses what is behind
   some point of each way, and then tells its end; where two nodes are cut off from each other nothing arrives, but a side that
   pings misses the answers after as long as libzmq would, and breaks on its own. Nothing else is lost, as with a stream:
   resending and dropping duplicates is the sessions' business.

   A connection has all that is ever said of it from its beginning, so no memory is needed to say so. Where there is none for
   a message, its connection breaks. */

#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_HANDSHAKE_NS INT64_C (3000000000)   // within which a connection has to stand
#define S_SAID 7   // opens, stands, an end to each side; an event each of a handshake and two ends

static zanni__sim_packet_t *
s_say (zanni__sim_conn_t *conn, zanni__sim_kind_t kind)
{
    zanni__sim_packet_t *packet = zanni__sim_row_pop (&conn->spare);
    packet->kind = kind;
    packet->number = conn->number;
    return packet;
}

/* It has something to read. */
static void
s_stir (zanni__sim_socket_t *socket)
{
    if (socket->stirred)
        socket->stirred (socket->stirred_context);
    socket->net->port->stirred = true;
}

static void
s_tell (zanni__sim_socket_t *socket, zanni__sim_conn_t *conn, int event)
{
    zanni__sim_socket_t *monitor = zanni__sim_socket (socket->monitor);
    if (!monitor || socket->dead)
        return;
    zanni__sim_packet_t *packet = s_say (conn, ZANNI__SIM_EVENT);
    packet->event = (uint16_t) event;
    zanni__sim_row_push (&monitor->inbox, packet);
    s_stir (monitor);
}

zanni__sim_socket_t *
zanni__sim_listener (const zanni_sim_t *sim, const char *endpoint)
{
    for (zanni__sim_net_t *net = sim->nets; net; net = net->next)
        for (uint32_t i = 0; i < net->count; i++) {
            zanni__sim_socket_t *socket = zanni__sim_socket (net->sockets [i]);
            if (*socket->endpoint && !socket->dead && !strcmp (socket->endpoint, endpoint))
                return socket;
        }
    return NULL;
}

static const zanni__sim_node_t *
s_far_node (const zanni_sim_t *sim, const zanni__sim_conn_t *conn)
{
    if (conn->sides [ZANNI__SIM_LISTENER].node)
        return conn->sides [ZANNI__SIM_LISTENER].node;
    const zanni__sim_socket_t *socket = zanni__sim_listener (sim, conn->endpoint);
    return socket ? socket->net->node : NULL;
}

static bool
s_is_cut (const zanni_sim_t *sim, const zanni__sim_conn_t *conn)
{
    const zanni__sim_node_t *far = sim->cuts ? s_far_node (sim, conn) : NULL;
    return far && zanni__sim_is_cut (sim, conn->sides [ZANNI__SIM_DIALER].node, far);
}

/* On its way to that side. */
static void
s_put (zanni_sim_t *sim, zanni__sim_conn_t *conn, int to, zanni__sim_packet_t *packet)
{
    zanni__sim_side_t *side = &conn->sides [to];
    packet->ready_ns = sim->now_ns;
    if (sim->options.net_ns)
        packet->ready_ns += (int64_t) (zanni_sim_random (sim) % (uint64_t) (sim->options.net_ns + 1));
    if (packet->ready_ns < side->last_ns)
        packet->ready_ns = side->last_ns;
    side->last_ns = packet->ready_ns;
    zanni__sim_row_push (&side->way, packet);
}

/* What is on the way to that side arrives up to some point, and then the end. */
static void
s_truncate (zanni_sim_t *sim, zanni__sim_conn_t *conn, int to)
{
    zanni__sim_row_t *way = &conn->sides [to].way;
    uint32_t count = 0;
    for (const zanni__sim_packet_t *packet = way->head; packet; packet = packet->next)
        count++;
    zanni__sim_row_t kept;
    zanni__sim_row_init (&kept);
    for (uint32_t left = zanni_sim_below (sim, count + 1); left; left--)
        zanni__sim_row_push (&kept, zanni__sim_row_pop (way));
    zanni__sim_row_clear (way);
    zanni__sim_packet_t *packet;
    while ((packet = zanni__sim_row_pop (&kept)))
        zanni__sim_row_push (way, packet);
    s_put (sim, conn, to, s_say (conn, ZANNI__SIM_END));
}

static void
s_reset (zanni_sim_t *sim, zanni__sim_conn_t *conn)
{
    if (conn->dying)
        return;
    conn->dying = true;
    zanni_sim_note (sim, "reset #%u", conn->number);
    s_truncate (sim, conn, ZANNI__SIM_DIALER);
    s_truncate (sim, conn, ZANNI__SIM_LISTENER);
}

static void
s_free (zanni__sim_conn_t *conn)
{
    zanni__sim_row_clear (&conn->sides [ZANNI__SIM_DIALER].way);
    zanni__sim_row_clear (&conn->sides [ZANNI__SIM_LISTENER].way);
    zanni__sim_row_clear (&conn->spare);
    free (conn);
}

/* Neither side is left, and nothing is on its way to the second. */
static void
s_settle (zanni_sim_t *sim, zanni__sim_conn_t *conn)
{
    zanni__sim_conn_t **at = &sim->conns;
    if (conn->sides [ZANNI__SIM_DIALER].socket || conn->sides [ZANNI__SIM_LISTENER].socket || conn->sides [ZANNI__SIM_LISTENER].way.head)
        return;
    while (*at != conn)
        at = &(*at)->next;
    *at = conn->next;
    for (zanni__sim_net_t *net = sim->nets; net; net = net->next)
        for (uint32_t i = 0; i < net->count; i++) {
            zanni__sim_socket_t *socket = zanni__sim_socket (net->sockets [i]);
            if (socket->writing_to == conn)
                socket->writing_to = NULL;
        }
    s_free (conn);
}

/* Nothing is sent before both have shaken hands. */
static void
s_forget_data (zanni__sim_conn_t *conn)
{
    zanni__sim_row_t kept;
    zanni__sim_row_t *way = &conn->sides [ZANNI__SIM_LISTENER].way;
    zanni__sim_packet_t *packet;
    zanni__sim_row_init (&kept);
    while ((packet = zanni__sim_row_pop (way)))
        if (packet->kind == ZANNI__SIM_DATA)
            zanni__sim_packet_free (packet);
        else
            zanni__sim_row_push (&kept, packet);
    while ((packet = zanni__sim_row_pop (&kept)))
        zanni__sim_row_push (way, packet);
}

/* The side is no more, as it finds out by itself or is told; the other one hears of it when it can. */
static void
s_leave (zanni_sim_t *sim, zanni__sim_conn_t *conn, int which, bool tells)
{
    zanni__sim_side_t *side = &conn->sides [which];
    zanni__sim_socket_t *socket = side->socket;
    side->socket = NULL;
    side->break_ns = INT64_MAX;
    zanni__sim_row_clear (&side->way);
    if (tells && !conn->dying)
        s_put (sim, conn, !which, s_say (conn, ZANNI__SIM_END));
    conn->dying = true;
    if (which == ZANNI__SIM_DIALER && !conn->stands)
        s_forget_data (conn);
    if (socket)
        s_tell (socket, conn, conn->stands || which == ZANNI__SIM_LISTENER ? ZMQ_EVENT_DISCONNECTED : ZMQ_EVENT_CLOSED);
    s_settle (sim, conn);
}

static void
s_open_arrives (zanni_sim_t *sim, zanni__sim_conn_t *conn)
{
    zanni__sim_socket_t *socket = zanni__sim_listener (sim, conn->endpoint);
    if (!socket || zanni__sim_draw (sim, sim->faults.unreachable_percent)) {
        if (!conn->dying)
            s_put (sim, conn, ZANNI__SIM_DIALER, s_say (conn, ZANNI__SIM_END));
        conn->dying = true;
        zanni__sim_row_clear (&conn->sides [ZANNI__SIM_LISTENER].way);
        return;
    }
    conn->sides [ZANNI__SIM_LISTENER].socket = socket;
    conn->sides [ZANNI__SIM_LISTENER].node = socket->net->node;
    s_put (sim, conn, ZANNI__SIM_DIALER, s_say (conn, ZANNI__SIM_STANDS));
}

static const char *
s_kind_name (zanni__sim_kind_t kind)
{
    static const char *const names [] = { "data", "open", "stands", "end", "event" };
    return names [kind];
}

/* The first of a way. */
static void
s_arrive (zanni_sim_t *sim, zanni__sim_conn_t *conn, int which)
{
    zanni__sim_side_t *side = &conn->sides [which];
    zanni__sim_packet_t *packet = zanni__sim_row_pop (&side->way);
    zanni_sim_note (sim, "%s #%u to the %s, %zu bytes", s_kind_name (packet->kind), conn->number,
                    which == ZANNI__SIM_DIALER ? "dialer" : "listener", zanni__sim_packet_size (packet));
    if (packet->kind == ZANNI__SIM_OPEN)
        s_open_arrives (sim, conn);
    else if (packet->kind == ZANNI__SIM_END)
        s_leave (sim, conn, which, false);
    else if (packet->kind == ZANNI__SIM_STANDS) {
        conn->stands = true;
        side->break_ns = INT64_MAX;
        if (side->socket)
            s_tell (side->socket, conn, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    }
    else if (side->socket) {
        zanni__sim_row_push (&side->socket->inbox, packet);
        s_stir (side->socket);
        return;
    }
    zanni__sim_packet_free (packet);
}

/* Where one process may follow another, who dials meanwhile waits for it. */
static bool
s_waits (const zanni_sim_t *sim, const zanni__sim_conn_t *conn, const zanni__sim_packet_t *packet)
{
    return packet->kind == ZANNI__SIM_OPEN && !zanni__sim_listener (sim, conn->endpoint)
           && zanni__sim_is_kept (sim, conn->endpoint);
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
        const zanni__sim_side_t *side = &step->conn->sides [step->line & 1];
        const zanni__sim_packet_t *first = side->way.head;
        if (step->line >= 2)
            *ready_ns = side->break_ns;
        else
            *ready_ns = first && !s_is_cut (sim, step->conn) && !s_waits (sim, step->conn, first) ? first->ready_ns : INT64_MAX;
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

static zanni__sim_conn_t *
s_conn (void)
{
    zanni__sim_conn_t *conn = calloc (1, sizeof *conn);
    if (!conn)
        return NULL;
    zanni__sim_row_init (&conn->spare);
    for (int which = 0; which < 2; which++) {
        zanni__sim_row_init (&conn->sides [which].way);
        conn->sides [which].break_ns = INT64_MAX;
    }
    for (int i = 0; i < S_SAID; i++) {
        zanni__sim_packet_t *packet = zanni__sim_packet_new (ZANNI__SIM_EVENT);
        if (!packet) {
            s_free (conn);
            return NULL;
        }
        zanni__sim_row_push (&conn->spare, packet);
    }
    return conn;
}

int
zanni__sim_dial (zanni__sim_socket_t *socket, const char *endpoint)
{
    zanni_sim_t *sim = socket->net->sim;
    zanni__sim_conn_t **at = &sim->conns;
    zanni__sim_conn_t *conn = s_conn ();
    if (!conn)
        return -1;
    while (*at)
        at = &(*at)->next;
    *at = conn;
    conn->number = ++sim->conns_made;
    snprintf (conn->endpoint, sizeof conn->endpoint, "%s", endpoint);
    conn->sides [ZANNI__SIM_DIALER].socket = socket;
    conn->sides [ZANNI__SIM_DIALER].node = socket->net->node;
    conn->sides [ZANNI__SIM_DIALER].break_ns = sim->now_ns + S_HANDSHAKE_NS;
    if (!socket->dead)
        s_put (sim, conn, ZANNI__SIM_LISTENER, s_say (conn, ZANNI__SIM_OPEN));
    return 0;
}

static void
s_repeat (zanni_sim_t *sim, zanni__sim_conn_t *conn, int to, zanni__sim_packet_t *packet)
{
    zanni__sim_packet_t *copy = zanni__sim_packet_copy (packet);
    if (!copy)
        return;
    zanni_sim_note (sim, "twice #%u", conn->number);
    s_put (sim, conn, to, copy);
}

void
zanni__sim_carry (zanni_sim_t *sim, zanni__sim_conn_t *conn, int to, zanni__sim_packet_t *packet)
{
    if (!packet || packet->torn) {
        zanni__sim_packet_free (packet);
        s_reset (sim, conn);
        return;
    }
    packet->number = conn->number;
    s_put (sim, conn, to, packet);
    if (conn->sides [to].greeted && zanni__sim_draw (sim, sim->faults.repeat_percent))
        s_repeat (sim, conn, to, packet);
    conn->sides [to].greeted = true;
    if (zanni__sim_fault (sim, &sim->faults.reset_message, sim->faults.reset_percent))
        s_reset (sim, conn);
}

void
zanni__sim_hang_up (zanni__sim_socket_t *socket)
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

/* When a side that waits for answers would miss them, now that nothing comes; INT64_MAX: it does not wait. */
static int64_t
s_patience (zanni_sim_t *sim, const zanni__sim_conn_t *conn, int which)
{
    const zanni__sim_socket_t *socket = conn->sides [which].socket;
    if (which == ZANNI__SIM_DIALER && !conn->stands)
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
            zanni__sim_side_t *side = &conn->sides [which];
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
        const zanni__sim_node_t *dialer = conn->sides [ZANNI__SIM_DIALER].node;
        const zanni__sim_node_t *listener = conn->sides [ZANNI__SIM_LISTENER].node;
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
            zanni__sim_socket_t *socket = zanni__sim_socket (net->sockets [i]);
            socket->dead = true;
            zanni__sim_row_clear (&socket->inbox);
            zanni__sim_hang_up (socket);
        }
}

/* Those that only a cut has kept. */
void
zanni__sim_net_free (zanni_sim_t *sim)
{
    zanni__sim_conn_t *conn;
    while ((conn = sim->conns)) {
        sim->conns = conn->next;
        s_free (conn);
    }
}
