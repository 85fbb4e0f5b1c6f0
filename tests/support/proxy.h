/* proxy.h: stands between those who dial an endpoint and who listens there, and cuts, holds, slows, counts.

   It takes over the path: the listening socket's file is renamed (what listens does not notice), and the proxy listens
   under the old name, so that whoever dials the endpoint passes through it. A thread of its own moves the bytes; every
   function below has taken effect when it returns. Call them from one thread at a time. */

#ifndef TESTS_SUPPORT_PROXY_H
#define TESTS_SUPPORT_PROXY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct proxy proxy_t;

typedef enum {
    PROXY_OPEN,      // who dials is connected
    PROXY_CLOSED,    // who dials is connected and cut at once
    PROXY_HELD,      // who dials waits in the backlog: for a connection that hangs
    PROXY_GONE       // there is nobody at that path: dials are refused
} proxy_door_t;

/* `endpoint` is "ipc://PATH", and somebody listens there. NULL: that failed. */
proxy_t *proxy_new (const char *endpoint);

/* Before who listens at "tcp://127.0.0.1:PORT"; it is dialled at `own`, and stays there as long as it lives. */
#define PROXY_TCP 32
proxy_t *proxy_new_tcp (const char *endpoint, char own [PROXY_TCP]);

/* Cuts everything and gives the path back. */
void proxy_destroy (proxy_t **proxy_p);

/* Cuts all connections, whatever is under way in them; answers how many. */
int proxy_cut (proxy_t *proxy);

/* Cuts them once `bytes` more have passed, in the middle of whatever that is. */
void proxy_cut_after (proxy_t *proxy, uint64_t bytes);

void proxy_door (proxy_t *proxy, proxy_door_t door);

/* Nothing passes, and nothing is read, until it is let go on. */
void proxy_stall (proxy_t *proxy, bool stalled);

/* The same one way only: of who dialled, or to him. */
typedef enum { PROXY_THERE, PROXY_BACK } proxy_way_t;
void proxy_hold (proxy_t *proxy, proxy_way_t way, bool held);

/* What comes from now on passes so much later; order is kept. */
void proxy_delay (proxy_t *proxy, int64_t ms);

uint64_t proxy_connections (proxy_t *proxy);   // so far
uint64_t proxy_bytes (proxy_t *proxy);         // that passed, both ways
uint64_t proxy_cuts (proxy_t *proxy);          // connections that were cut

#endif
