/* tcp.h: "tcp://HOST:PORT", as programs and other nodes write it. Any thread. */

#ifndef ZANNI_BASE_TCP_H
#define ZANNI_BASE_TCP_H

#include <stdbool.h>
#include <stddef.h>

/* The text's own parts. */
typedef struct {
    const char *host;   // not empty; of IPv6 with its brackets; whether there is one of that name is not looked at
    size_t host_size;
    const char *port;   // up to the end of the text
    bool any_port;      // "0" or "*": one that is free, which only a listener can have
} zanni__tcp_t;

/* false: it is no such text, is too long for an endpoint, or has two addresses, as libzmq would take it ("tcp://FROM;TO"). */
bool zanni__tcp_split (zanni__tcp_t *parts, const char *endpoint);

/* Whether it could be dialled; forgives NULL. */
bool zanni__tcp_is_address (const char *endpoint);

#endif
