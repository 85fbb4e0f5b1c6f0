/* Where others dial us: one ROUTER on a socket that listens already, and its monitor.

   A connection is known by its routing id, which libzmq gives, once its HELLO was accepted; it is never trusted for more.
   libzmq does not tell a ROUTER's owner that a connection has ended, but its monitor tells the descriptor, which HELLO
   came with. Then everything that it had sent is read before its session hears of it. A connection whose end came before
   its HELLO was read is found out by the WELCOME that cannot be sent. Descriptors are used again: ends and beginnings are
   told in order, and those before a HELLO are read before it is accepted, so that none is taken for an end of this one.

   All connections are pinged for the sake of the pulses (see there), since options are the socket's. An answer of a session
   may be missing because nobody here reads what came before it: then it loses its connection, which is no harm. */

#include "hub.h"

#include "../base/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define S_HANDSHAKE_MS 3000
#define S_REFUSED_NS 1000000000

/* What was sent last goes before the end begins, unless the kernel has no room for it. A connection that breaks amid that is
   kept as long as this by libzmq (4.3.4), which asserts when a ping of its falls due meanwhile: so it is short. */
#define S_LINGER_MS 20

static uint64_t
s_hash (const void *id, size_t size)
{
    const uint8_t *bytes = id;
    uint64_t hash = size;
    for (size_t i = 0; i < size; i++)
        hash = hash << 8 ^ bytes [i] ^ hash >> 56;
    return zanni__spread (hash);
}

/* Two ROUTERs may choose the same id. */
static bool
s_is (const zanni__route_t *route, const zanni__way_t *way)
{
    return route->id_size == way->id_size && !memcmp (route->id, way->id, way->id_size)
        && route->gate->router.socket == way->socket;
}

static zanni__route_t *
s_find (zanni__hub_t *hub, const zanni__way_t *way)
{
    if (hub->last_route && s_is (hub->last_route, way))
        return hub->last_route;
    uint64_t hash = s_hash (way->id, way->id_size);
    zanni__entry_t *entry = zanni__table_find (&hub->routes, hash);
    while (entry && !s_is ((zanni__route_t *) (void *) entry, way))
        entry = zanni__table_again (entry->next, hash);
    if (entry)
        hub->last_route = (zanni__route_t *) (void *) entry;
    return (zanni__route_t *) (void *) entry;
}

/* A connection that says another HELLO is another's from now on. */
static void
s_detach (zanni__route_t *route)
{
    if (route->peer) {
        route->peer->route = NULL;
        route->peer->up = false;
        if (route->peer->alive)
            zanni__pulse_miss (route->peer);
    }
    zanni__pulse_detach (route->pulse);
    route->peer = NULL;
    route->pulse = NULL;
}

static void
s_disconnected (zanni__gate_t *gate, int fd)
{
    zanni__hub_t *hub = gate->router.hub;
    for (uint32_t i = 0; i < hub->routes.size; i++)
        for (zanni__entry_t *entry = hub->routes.buckets [i]; entry; entry = entry->next) {
            zanni__route_t *route = (zanni__route_t *) (void *) entry;
            if (route->gate == gate && route->fd == fd && zanni__list_empty (&route->broken))
                zanni__list_append (&hub->broken, &route->broken);
        }
    gate->router.ends = !zanni__list_empty (&hub->broken);
    zanni__source_stir (&gate->router);
}

/* What a handshake that failed means. */
static const char *
s_why_refused (const zanni__hub_t *hub, int event)
{
    if (!hub->certified)
        return "its secret is another, or it has none";
    return event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ? "its key is not allowed"
                                                    : "it has no key, or takes this node for one with another key";
}

/* Who has no key, or another one, is told nothing; the log says so, once a second. */
static void
s_judge_handshake (zanni__hub_t *hub, int event)
{
    int64_t now_ns = zanni__hub_now (hub);
    if ((event != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && event != ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        || now_ns - hub->refused_ns < S_REFUSED_NS)
        return;
    hub->refused_ns = now_ns;
    zanni__log (hub->worker->node, ZANNI_LOG_WARNING, "a connection to %s is refused: %s", hub->far_endpoint,
                s_why_refused (hub, event));
}

static void
s_judge_throng (zanni__gate_t *gate)
{
    zanni__hub_t *hub = gate->router.hub;
    int64_t due_ns, now_ns = zanni__hub_now (hub);
    if (zanni__throng_judge (&gate->throng, now_ns, &due_ns))
        zanni__log (hub->worker->node, ZANNI_LOG_WARNING, "%u connections to %s have not said who they are: others have to wait",
                    gate->throng.count, hub->far_endpoint);
    zanni__hub_due (hub, due_ns);
}

void
zanni__listen_due (zanni__hub_t *hub)
{
    if (hub->far.router.socket && hub->far.throng.shut)
        s_judge_throng (&hub->far);
}

static void
s_listens (zanni__gate_t *gate, int fd)
{
    const zanni__hub_t *hub = gate->router.hub;
    if (!zanni__throng_listens (&gate->throng, fd))
        zanni__log (hub->worker->node, ZANNI_LOG_WARNING,
                    "too few descriptors: %s takes any number of connections that do not say who they are", hub->worker->name);
}

static void
s_far_event (zanni__gate_t *gate, int event, int value)
{
    if (event == ZMQ_EVENT_LISTENING)
        s_listens (gate, value);
    else if (event == ZMQ_EVENT_ACCEPTED)
        zanni__throng_came (&gate->throng, value, zanni__hub_now (gate->router.hub));
    else if (event == ZMQ_EVENT_DISCONNECTED)
        zanni__throng_left (&gate->throng, value);
    else
        s_judge_handshake (gate->router.hub, event);
}

/* Whether the last connection on that descriptor has ended by now, as far as the monitor had not told before. */
static bool
s_read_events (zanni__gate_t *gate, int fd)
{
    int event, value;
    bool ended = false;
    while (gate->monitor.socket && zanni__monitor_read (&gate->monitor, &event, &value)) {
        if (event == ZMQ_EVENT_DISCONNECTED)
            s_disconnected (gate, value);
        if (gate == &gate->router.hub->far)
            s_far_event (gate, event, value);
        if (value == fd && (event == ZMQ_EVENT_DISCONNECTED || event == ZMQ_EVENT_ACCEPTED))
            ended = event == ZMQ_EVENT_DISCONNECTED;
    }
    if (gate == &gate->router.hub->far)
        s_judge_throng (gate);
    return ended;
}

/* What the monitor has to tell is read first: it may be the end of a connection that had the same descriptor. */
zanni__route_t *
zanni__route_new (zanni__hub_t *hub, const zanni__way_t *way, int fd)
{
    zanni__gate_t *gate = way->socket == hub->far.router.socket ? &hub->far : &hub->near;
    bool ended = s_read_events (gate, fd);
    zanni__route_t *route = s_find (hub, way);
    zanni__throng_left (&gate->throng, fd);
    if (gate->throng.shut)
        s_judge_throng (gate);
    if (route) {
        s_detach (route);
        return route;
    }
    route = zanni__calloc (sizeof *route);
    if (!route)
        return NULL;
    route->gate = gate;
    memcpy (route->id, way->id, way->id_size);
    route->id_size = (uint8_t) way->id_size;
    route->fd = fd;
    zanni__link_init (&route->broken);
    if (!zanni__table_put (&hub->routes, &route->entry, s_hash (way->id, way->id_size))) {
        zanni__free (route);
        return NULL;
    }
    if (ended)
        s_disconnected (gate, fd);
    return route;
}

void
zanni__route_end (zanni__hub_t *hub, zanni__route_t **route_p)
{
    zanni__route_t *route = *route_p;
    if (!route)
        return;
    *route_p = NULL;
    if (hub->last_route == route)
        hub->last_route = NULL;
    zanni__table_remove (&hub->routes, &route->entry);
    zanni__link_remove (&route->broken);
    zanni__free (route);
}

static zanni__route_t *
s_broken_at (const zanni__gate_t *gate)
{
    const zanni__hub_t *hub = gate->router.hub;
    for (zanni__link_t *link = hub->broken.next; link != &hub->broken; link = link->next)
        if (ZANNI__CONTAINER (link, zanni__route_t, broken)->gate == gate)
            return ZANNI__CONTAINER (link, zanni__route_t, broken);
    return NULL;
}

/* All that they had sent is read. */
static void
s_end_broken (zanni__gate_t *gate)
{
    zanni__hub_t *hub = gate->router.hub;
    zanni__route_t *route;
    gate->router.ends = false;
    while ((route = s_broken_at (gate))) {
        zanni__link_remove (&route->broken);
        if (route->peer)
            zanni__session_broke (route->peer);
        else if (route->pulse)
            zanni__pulse_broke (hub, route->pulse);
    }
}

/* One message; false: there is none. */
static bool
s_read (zanni__hub_t *hub, zanni_socket_t *socket)
{
    zmq_msg_t id;
    bool more;
    (void) zmq_msg_init (&id);
    if (zanni__socket_recv (socket, &id, &more))
        return false;
    const zanni__way_t way = { socket, zmq_msg_data (&id), zmq_msg_size (&id) };
    if (more && zanni__mail_read (&hub->mail, socket)) {
        zanni__mail_came (hub, &way, s_find (hub, &way), &hub->mail);
        zanni__mail_close (&hub->mail);
    }
    (void) zmq_msg_close (&id);
    return true;
}

static bool
s_read_router (zanni__source_t *source)
{
    zanni__hub_t *hub = source->hub;
    while (source->socket && !zanni__hub_has_enough (hub)) {
        if (!s_read (hub, source->socket)) {
            s_end_broken ((zanni__gate_t *) (void *) source);
            return false;
        }
        hub->messages++;
    }
    return true;
}

static bool
s_read_monitor (zanni__source_t *source)
{
    (void) s_read_events (ZANNI__CONTAINER (source, zanni__gate_t, monitor), -1);
    return false;
}

void
zanni__gate_init (zanni__gate_t *gate)
{
    zanni__link_init (&gate->router.stirred);
    zanni__link_init (&gate->monitor.stirred);
}

static int
s_socket (zanni__hub_t *hub, zanni_socket_t **socket_p)
{
    zanni_socket_t *socket = NULL;
    const int on = 1;
    const int handshake = S_HANDSHAKE_MS;
    int rc = zanni__socket_new (hub, &socket, ZMQ_ROUTER, S_LINGER_MS);
    if (rc)
        return rc;
    (void) zanni__socket_set (socket, ZMQ_ROUTER_MANDATORY, &on, sizeof on);
    (void) zanni__socket_set (socket, ZMQ_HANDSHAKE_IVL, &handshake, sizeof handshake);
    zanni__socket_pings (socket, hub->interval_ns);
    *socket_p = socket;
    return 0;
}

/* Takes the socket, which is to be bound. */
static int
s_watch (zanni__hub_t *hub, zanni__gate_t *gate, zanni_socket_t *socket)
{
    int rc = zanni__source_open (&gate->router, hub, socket, s_read_router);
    return rc ? rc : zanni__monitor_open (&gate->monitor, &gate->router, s_read_monitor);
}

static void
s_gate_close (zanni__gate_t *gate)
{
    if (gate->monitor.socket)
        gate->router.socket->ops->unmonitor (gate->router.socket);
    zanni__source_close (&gate->monitor);
    zanni__source_close (&gate->router);
    zanni__throng_close (&gate->throng);
}

static int
s_bind (zanni__hub_t *hub, const char *endpoint, int fd)
{
    zanni_socket_t *socket;
    int rc = s_socket (hub, &socket);
    if (rc)
        return rc;
    (void) zanni__socket_set (socket, ZMQ_USE_FD, &fd, sizeof fd);
    rc = s_watch (hub, &hub->near, socket);
    if (!rc && hub->sockets->bind (socket, endpoint))
        rc = ZANNI_ESYSTEM;
    return rc;
}

int
zanni__listen (zanni__hub_t *hub, const char *endpoint, int fd, int lane_fd)
{
    bool unknown = zanni__list_empty (&hub->peers);   // nobody can have said HELLO
    if (hub->near.router.socket && !unknown)
        return ZANNI_EINVAL;
    s_gate_close (&hub->near);
    zanni__lane_unlisten (hub);
    int rc = s_bind (hub, endpoint, fd);
    zanni__lane_listen (hub, lane_fd);
    if (!rc) {
        strncpy (hub->endpoint, endpoint, sizeof hub->endpoint - 1);
        return 0;
    }
    s_gate_close (&hub->near);
    zanni__lane_unlisten (hub);
    if (fd >= 0)
        close (fd);
    return rc;
}

/* What the socket was bound to, in place of what was asked for. */
static int
s_far_bind (zanni__hub_t *hub, const char *endpoint, char bound [ZANNI_ENDPOINT_MAX])
{
    zanni_socket_t *socket;
    size_t size = ZANNI_ENDPOINT_MAX;
    int rc = s_socket (hub, &socket);
    if (rc)
        return rc;
    rc = zanni__secure_listener (hub, socket, endpoint);
    if (rc) {
        hub->sockets->close (socket);
        return rc;
    }
    rc = s_watch (hub, &hub->far, socket);
    if (!rc && hub->sockets->bind (socket, endpoint))
        rc = errno == EMFILE ? ZANNI_ESOCKETS : errno == EADDRINUSE ? ZANNI_EINUSE : ZANNI_ESYSTEM;
    if (!rc && zanni__socket_get (socket, ZMQ_LAST_ENDPOINT, bound, &size))
        rc = ZANNI_ETOOBIG;
    return rc;
}

int
zanni__listen_far (zanni__hub_t *hub, const char *endpoint, char bound [ZANNI_ENDPOINT_MAX])
{
    if (hub->far.router.socket)
        return ZANNI_EINVAL;
    int rc = s_far_bind (hub, endpoint, bound);
    int why = errno;
    if (rc)
        zanni__listen_far_close (hub);
    errno = why;
    return rc;
}

void
zanni__listen_far_close (zanni__hub_t *hub)
{
    s_gate_close (&hub->far);
    zanni__secure_no_more (hub);
}

void
zanni__listen_close (zanni__hub_t *hub)
{
    s_gate_close (&hub->near);
    zanni__listen_far_close (hub);
    zanni__lane_unlisten (hub);
}
