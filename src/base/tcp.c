/* One parser for all places at which such a text comes in, since libzmq takes more than we do, and would listen or dial
   elsewhere than a check that has read the text in another way believed. */

#include "tcp.h"

#include <arpa/inet.h>
#include <string.h>
#include <zanni/sys/link.h>

#define S_TCP "tcp://"
#define S_PORT_MOST 65535

static bool
s_is_port (const char *text)
{
    unsigned port = 0;
    if (!*text || strlen (text) > 5)
        return false;
    for (; *text >= '0' && *text <= '9'; text++)
        port = port * 10 + (unsigned) (*text - '0');
    return !*text && port <= S_PORT_MOST;
}

/* Digits and dots are an address, or would be looked up as a name, which none is. */
static bool
s_is_host (const char *host, size_t size)
{
    char text [INET_ADDRSTRLEN] = "";
    struct in_addr address;
    if (strspn (host, "0123456789.") < size)
        return true;
    memcpy (text, host, size < sizeof text ? size : 0);
    return inet_pton (AF_INET, text, &address) == 1;
}

bool
zanni__tcp_split (zanni__tcp_t *parts, const char *endpoint)
{
    const char *host = endpoint + strlen (S_TCP);
    if (strncmp (endpoint, S_TCP, strlen (S_TCP)) || strlen (endpoint) >= ZANNI_ENDPOINT_MAX || strpbrk (host, ";/"))
        return false;
    const char *colon = strrchr (host, ':');
    if (!colon || colon == host)
        return false;
    const char *port = colon + 1;
    bool any_port = !strcmp (port, "*") || (*port && strspn (port, "0") == strlen (port));
    if ((!any_port && !s_is_port (port)) || !s_is_host (host, (size_t) (colon - host)))
        return false;
    *parts = (zanni__tcp_t) { .host = host, .host_size = (size_t) (colon - host), .port = port, .any_port = any_port };
    return true;
}

bool
zanni__tcp_is_address (const char *endpoint)
{
    zanni__tcp_t parts;
    return endpoint && zanni__tcp_split (&parts, endpoint) && !parts.any_port;
}
