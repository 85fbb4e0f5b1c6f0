/* Connections with other hosts: who may speak there.

   A node with a secret takes part in tcp with the key pair that follows from it, as listener and dialer alike: CURVE shows
   each side that the other one has the secret, too, and nobody else can read along. One with a certificate listens with that,
   and dials by what it knows of an address: see trust.c. A node without any may speak openly, where its program says so, and
   beyond this host where it says so once more. */

#include "hub.h"

#include "translate.h"
#include "trust.h"
#include "zap.h"

#include "../base/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define S_TCP "tcp://"
#define S_CONNECT_MS 5000
#define S_CURVE_BYTES 33   // that CURVE adds to each frame, and libzmq counts in its limit

bool
zanni__is_tcp (const char *endpoint)
{
    return !strncmp (endpoint, S_TCP, strlen (S_TCP));
}

static bool
s_is_host (const zanni__tcp_t *parts, const char *host)
{
    return parts->host_size == strlen (host) && !memcmp (parts->host, host, parts->host_size);
}

/* Only what is surely of this host: nothing that is looked up. */
static bool
s_is_loopback (const char *endpoint)
{
    zanni__tcp_t parts;
    if (!zanni__tcp_split (&parts, endpoint))
        return false;
    bool numeric = strspn (parts.host, "0123456789.") == parts.host_size;
    return (numeric && !strncmp (parts.host, "127.", 4)) || s_is_host (&parts, "localhost") || s_is_host (&parts, "[::1]");
}

/* Whether the program has said that it may be open there: for what leaves this host `twice`. */
static bool
s_may_be_open (const zanni_node_t *node, const char *endpoint, bool twice)
{
    return node->options.insecure && (twice || s_is_loopback (endpoint));
}

/* References lead to nodes of which no call has spoken: so what was said in one holds for all that is dialled. */
static bool
s_may_dial_openly (const zanni_node_t *node, const char *endpoint)
{
    return s_may_be_open (node, endpoint, atomic_load_explicit (&node->insecure_far, memory_order_relaxed));
}

static bool
s_make_room (zanni_socket_t *socket)
{
    const int64_t largest = ZANNI_WIRE_FRAME_MAX + S_CURVE_BYTES;
    return !zanni__socket_set (socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest);
}

/* A name is looked up for IPv4: libzmq tries the first address only. */
static void
s_allow_ipv6 (zanni_socket_t *socket, const char *endpoint)
{
    const int on = endpoint [strlen (S_TCP)] == '[';
    (void) zanni__socket_set (socket, ZMQ_IPV6, &on, sizeof on);
}

static int
s_set_keys (zanni_socket_t *socket, const zanni__dialled_by_t *by)
{
    bool set = s_make_room (socket)
               && !zanni__socket_set (socket, ZMQ_CURVE_SERVERKEY, by->server, sizeof by->server)
               && !zanni__socket_set (socket, ZMQ_CURVE_PUBLICKEY, by->own.public_key, sizeof by->own.public_key)
               && !zanni__socket_set (socket, ZMQ_CURVE_SECRETKEY, by->own.secret_key, sizeof by->own.secret_key);
    return set ? 0 : ZANNI_EAUTH;
}

int
zanni__secure_dial (zanni__hub_t *hub, zanni__dial_t *dial, const char *endpoint, const char *dialled)
{
    zanni_node_t *node = hub->worker->node;
    zanni__dialled_by_t by;
    zanni_socket_t *socket = dial->dealer.socket;
    const int connect_ms = S_CONNECT_MS;
    (void) zanni__socket_set (socket, ZMQ_CONNECT_TIMEOUT, &connect_ms, sizeof connect_ms);
    s_allow_ipv6 (socket, dialled);
    int rc = zanni__trust_dial (node, &by, endpoint);
    if (rc > 0)
        return s_may_dial_openly (node, dialled) ? 0 : ZANNI_EAUTH;
    if (!rc)
        rc = s_set_keys (socket, &by);
    dial->certified = by.certified;
    dial->shown.keyed = !rc;
    if (!rc)
        memcpy (dial->shown.key, by.server, sizeof dial->shown.key);
    sodium_memzero (&by, sizeof by);
    return rc;
}

int
zanni__trusts (zanni_peer_t *base)
{
    zanni__peer_t *peer = (zanni__peer_t *) (void *) base;
    zanni_node_t *node = peer->hub->worker->node;
    zanni__dialled_by_t by;
    if (peer->alive || *base->endpoint == '~')
        return 0;
    char dialled [ZANNI_ENDPOINT_MAX];
    zanni__translate (node, dialled, base->endpoint);
    int rc = zanni__trust_dial (node, &by, base->endpoint);
    sodium_memzero (&by, sizeof by);
    return rc > 0 ? s_may_dial_openly (node, dialled) ? 0 : ZANNI_EAUTH : rc;
}

int
zanni__secure_listener (zanni__hub_t *hub, zanni_socket_t *socket, const char *endpoint)
{
    zanni_node_t *node = hub->worker->node;
    const zanni__zap_asked_t asked = {
        .admits = zanni__trust_asked, .look = zanni__trust_has_folder (node) ? zanni__trust_look : NULL, .context = node
    };
    const int on = 1;
    const int backlog = ZANNI__THRONG_MOST;
    zanni__keypair_t own;
    char domain [ZANNI__ZAP_DOMAIN];
    s_allow_ipv6 (socket, endpoint);
    (void) zanni__socket_set (socket, ZMQ_BACKLOG, &backlog, sizeof backlog);
    int rc = zanni__trust_listen (node, &own);
    if (rc)
        return rc > 0 ? 0 : rc;   // open, which was asked for
    zanni__zap_domain (domain, node->id);
    rc = zanni__zap_allow (domain, &asked);
    hub->admits = !rc;
    hub->certified = zanni__trust_certified (node);
    bool set = !rc && s_make_room (socket) && !zanni__socket_set (socket, ZMQ_CURVE_SERVER, &on, sizeof on)
               && !zanni__socket_set (socket, ZMQ_CURVE_SECRETKEY, own.secret_key, sizeof own.secret_key)
               && !zanni__socket_set (socket, ZMQ_ZAP_DOMAIN, domain, strlen (domain));
    sodium_memzero (&own, sizeof own);
    return rc ? rc : set ? 0 : ZANNI_EAUTH;
}

void
zanni__secure_no_more (zanni__hub_t *hub)
{
    char domain [ZANNI__ZAP_DOMAIN];
    if (!hub->admits)
        return;
    zanni__zap_domain (domain, hub->worker->node->id);
    zanni__zap_forget (domain);
    hub->admits = false;
}

/* A port that is to be found is "*" to libzmq. */
static int
s_spell (char *spelled, const char *endpoint)
{
    zanni__tcp_t parts;
    if (!zanni__tcp_split (&parts, endpoint))
        return ZANNI_EINVAL;
    snprintf (spelled, ZANNI_ENDPOINT_MAX, "%.*s%s", (int) (parts.port - endpoint), endpoint, parts.any_port ? "*" : parts.port);
    return 0;
}

/* An address by which others may reach this host, in place of "any": the first that is up; "": there is none. */
static void
s_own_address (char address [INET_ADDRSTRLEN])
{
    struct ifaddrs *all = NULL;
    *address = 0;
    if (getifaddrs (&all))
        return;
    for (const struct ifaddrs *at = all; at && !*address; at = at->ifa_next)
        if (at->ifa_addr && at->ifa_addr->sa_family == AF_INET && at->ifa_flags & IFF_UP && !(at->ifa_flags & IFF_LOOPBACK))
            (void) inet_ntop (AF_INET, &((const struct sockaddr_in *) (const void *) at->ifa_addr)->sin_addr, address,
                              INET_ADDRSTRLEN);
    freeifaddrs (all);
}

static void
s_name (char known [ZANNI_ENDPOINT_MAX], const char *bound)
{
    char address [INET_ADDRSTRLEN];
    bool any = !strncmp (bound, S_TCP "0.0.0.0:", strlen (S_TCP "0.0.0.0:")) || !strncmp (bound, S_TCP "[::]:", strlen (S_TCP "[::]:"));
    snprintf (known, ZANNI_ENDPOINT_MAX, "%s", bound);
    if (!any)
        return;
    s_own_address (address);
    if (*address)
        snprintf (known, ZANNI_ENDPOINT_MAX, S_TCP "%s%s", address, strrchr (bound, ':'));
}

/* As others dial it: with the port that was found. */
static int
s_advertise (char known [ZANNI_ENDPOINT_MAX], const char *advertised, const char *bound)
{
    zanni__tcp_t parts;
    char named [ZANNI_ENDPOINT_MAX];
    const char *port = strrchr (bound, ':') + 1;
    if (!*advertised) {
        s_name (known, bound);
        return 0;
    }
    if (!zanni__tcp_split (&parts, advertised))
        return ZANNI_EINVAL;
    int size = snprintf (named, sizeof named, "%.*s%s", (int) (parts.port - advertised), advertised,
                         parts.any_port ? port : parts.port);
    if (size >= (int) sizeof named)
        return ZANNI_EINVAL;
    memcpy (known, named, sizeof named);
    return 0;
}

static int
s_fault (const zanni_link_bind_t *how, int rc, const char *what)
{
    snprintf (how->why, how->why_size, "%.100s: %s", how->endpoint, what);
    return rc;
}

/* Whether anybody could connect, and nobody whom the program has not thought of. What was said of another listener, or of a
   node that was dialled, does not count. */
static int
s_check_listener (zanni_node_t *node, const zanni_link_bind_t *how, bool *open)
{
    zanni__keypair_t own;
    int rc = zanni__trust_listen (node, &own);
    sodium_memzero (&own, sizeof own);
    *open = rc > 0;
    if (rc < 0)
        return rc;
    if (zanni__trust_certified (node) && !zanni__trust_has_folder (node))
        return s_fault (how, ZANNI_EAUTH, "nobody could connect: there is a certificate, and no options.allowed");
    if (!*open || s_may_be_open (node, how->endpoint, how->openly))
        return 0;
    return s_fault (how, ZANNI_EAUTH, node->options.insecure
                    ? "there is no secret or certificate, and beyond this host `insecure` has to be said here, too"
                    : "there is no secret or certificate, and the node's options do not say that it may be open (insecure)");
}

int
zanni__bind (void *link, const zanni_link_bind_t *how, char known [ZANNI_ENDPOINT_MAX])
{
    zanni__hub_t *hub = link;
    char spelled [ZANNI_ENDPOINT_MAX];
    char bound [ZANNI_ENDPOINT_MAX] = "";
    zanni_node_t *node = hub->worker->node;
    bool open = false;
    if (s_spell (spelled, how->endpoint))
        return s_fault (how, ZANNI_EINVAL, "is no tcp://ADDRESS:PORT");
    int rc = s_check_listener (node, how, &open);
    if (rc)
        return rc;
    rc = zanni__listen_far (hub, spelled, bound);
    if (rc)
        return rc == ZANNI_EINVAL ? s_fault (how, rc, "this worker listens already")
               : rc == ZANNI_ESYSTEM || rc == ZANNI_EINUSE ? s_fault (how, rc, zmq_strerror (errno)) : rc;
    if (s_advertise (known, how->advertised, bound)) {
        zanni__listen_far_close (hub);
        return s_fault (how, ZANNI_EINVAL, "what is advertised is no tcp://HOST:PORT");
    }
    if (open)
        zanni__log (node, ZANNI_LOG_WARNING, "%s is open to everybody: there is no secret", bound);
    snprintf (hub->far_endpoint, sizeof hub->far_endpoint, "%s", known);
    return 0;
}
