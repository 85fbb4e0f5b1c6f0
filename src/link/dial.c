/* Connections that we make: a DEALER for each, and its monitor.

   libzmq is not to dial again by itself, for it would send what was queued before we can say HELLO. Its way to turn that
   off (an interval of -1) throws away what came and was not read when the connection ends; an interval of a day does not.
   A DEALER is used for one connection; when its monitor tells of the end, what is left is read, and then its owner hears
   of it.

   To shake hands takes longer than all else that comes before a first answer. So a worker that has begun processes dials
   the next one in advance, without a word: the session that wants to go there finds the connection and says HELLO on it. */

#include "hub.h"

#include "translate.h"

#include "../base/memory.h"
#include "../base/tcp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S_NEVER_MS 86400000
#define S_HANDSHAKE_MS 3000
#define S_IPC "ipc://"

static bool
s_read_monitor (zanni__source_t *source)
{
    zanni__dial_t *dial = ZANNI__CONTAINER (source, zanni__dial_t, monitor);
    int event, value;
    while (source->socket && zanni__monitor_read (source, &event, &value)) {
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            dial->shook = true;
            if (dial->stands)
                dial->stands (dial);
        }
        else if (!dial->broken) {
            dial->denied = event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL || event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                           || event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
            dial->not_admitted = event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
            dial->broken = dial->dealer.ends = true;
            zanni__source_stir (&dial->dealer);
        }
    }
    return false;
}

static bool
s_read_dealer (zanni__source_t *source)
{
    zanni__dial_t *dial = (zanni__dial_t *) (void *) source;
    zanni__hub_t *hub = source->hub;
    while (source->socket && !zanni__hub_has_enough (hub)) {
        if (!zanni__mail_read (&hub->mail, source->socket)) {
            if (dial->broken)
                dial->broke (dial);
            return false;
        }
        hub->messages++;
        dial->came (dial, &hub->mail);
        zanni__mail_close (&hub->mail);
    }
    return true;
}

/* The listener, too, misses pings; libzmq sends it after how long, in tenths of a second. */
static void
s_set_heartbeats (zanni_socket_t *socket, int64_t interval_ns)
{
    int ttl = (int) (interval_ns / 1000000 * 5 / 4);
    if (ttl < 100)
        ttl = 100;
    zanni__socket_pings (socket, interval_ns);
    (void) zanni__socket_set (socket, ZMQ_HEARTBEAT_TTL, &ttl, sizeof ttl);
}

static int
s_open (zanni__dial_t *dial, zanni__hub_t *hub, int64_t pulse_ns)
{
    zanni_socket_t *socket = NULL;
    const int never = S_NEVER_MS;
    const int handshake = S_HANDSHAKE_MS;
    int rc = zanni__socket_new (hub, &socket, ZMQ_DEALER, 0);
    if (rc)
        return rc;
    (void) zanni__socket_set (socket, ZMQ_RECONNECT_IVL, &never, sizeof never);
    (void) zanni__socket_set (socket, ZMQ_HANDSHAKE_IVL, &handshake, sizeof handshake);
    if (pulse_ns)
        s_set_heartbeats (socket, pulse_ns);
    rc = zanni__source_open (&dial->dealer, hub, socket, s_read_dealer);
    return rc ? rc : zanni__monitor_open (&dial->monitor, &dial->dealer, s_read_monitor);
}

static void
s_give (zanni__dial_t *dial, const zanni__dialling_t *how)
{
    dial->owner = how->owner;
    dial->came = how->came;
    dial->stands = how->stands;
    dial->broke = how->broke;
}

/* The connection in advance, if it is to there. */
static bool
s_take_ahead (zanni__hub_t *hub, zanni__dial_t **dial_p, const char *endpoint, const zanni__dialling_t *how)
{
    if (!hub->ahead || how->pulse_ns || strcmp (endpoint, hub->ahead_endpoint))
        return false;
    *dial_p = hub->ahead;
    hub->ahead = NULL;
    s_give (*dial_p, how);
    return true;
}

int
zanni__dial_new (zanni__hub_t *hub, zanni__dial_t **dial_p, const char *endpoint, const zanni__dialling_t *how)
{
    if (s_take_ahead (hub, dial_p, endpoint, how))
        return 0;
    zanni__dial_t *dial = zanni__calloc (sizeof *dial);
    if (!dial)
        return ZANNI_ENOMEM;
    zanni__link_init (&dial->dealer.stirred);
    zanni__link_init (&dial->monitor.stirred);
    dial->dealer.hub = dial->monitor.hub = hub;
    s_give (dial, how);
    char dialled [ZANNI_ENDPOINT_MAX];
    zanni__translate (hub->worker->node, dialled, endpoint);
    bool far = zanni__tcp_is_address (dialled);
    int rc = far || !strncmp (dialled, S_IPC, strlen (S_IPC)) ? s_open (dial, hub, how->pulse_ns) : ZANNI_EROUTE;
    if (!rc && far)
        rc = zanni__secure_dial (hub, dial, endpoint, dialled);
    if (!rc && hub->sockets->connect (dial->dealer.socket, dialled))
        rc = errno == EMFILE ? ZANNI_ESOCKETS : ZANNI_EROUTE;
    if (rc)
        zanni__dial_close (&dial, 0);
    else
        *dial_p = dial;
    return rc;
}

/* It may be in use further up the stack, so its memory waits. */
void
zanni__dial_close (zanni__dial_t **dial_p, int linger_ms)
{
    zanni__dial_t *dial = *dial_p;
    if (!dial)
        return;
    *dial_p = NULL;
    if (dial->monitor.socket)
        dial->dealer.socket->ops->unmonitor (dial->dealer.socket);
    zanni__source_close (&dial->monitor);
    if (dial->dealer.socket && linger_ms)
        (void) zanni__socket_set (dial->dealer.socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zanni__source_close (&dial->dealer);
    dial->owner = NULL;
    dial->next = dial->dealer.hub->old_dials;
    dial->dealer.hub->old_dials = dial;
}

static void
s_ahead_came (zanni__dial_t *dial, zanni__mail_t *mail)
{
    (void) dial;
    (void) mail;   // nobody speaks there without HELLO
}

static void
s_ahead_broke (zanni__dial_t *dial)
{
    zanni__dial_close (&dial->dealer.hub->ahead, 0);
}

/* Where it fails, the session's own dial will say so. */
void
zanni__dial_ahead (zanni__hub_t *hub, const char *endpoint)
{
    const zanni__dialling_t how = { .came = s_ahead_came, .broke = s_ahead_broke };
    zanni__dial_close (&hub->ahead, 0);
    if (!hub->spawns || hub->closing)
        return;
    snprintf (hub->ahead_endpoint, sizeof hub->ahead_endpoint, "%s", endpoint);
    (void) zanni__dial_new (hub, &hub->ahead, endpoint, &how);
}

bool
zanni__dial_refused (zanni__hub_t *hub, const char *endpoint)
{
    return hub->sockets->refused (hub->handle, endpoint);
}
