/* net.h: sockets in memory, and the connections between them; see net.c and socket.c. */

#ifndef ZANNI_SIM_NET_H
#define ZANNI_SIM_NET_H

#include "packet.h"
#include "sim.h"

/* The sockets of one worker. */
struct zanni__sim_net {
    zanni__sim_net_t *next;
    zanni_sim_t *sim;
    zanni__sim_node_t *node;
    zanni__sim_port_t *port;
    zanni_socket_t **sockets;
    uint32_t count;
    uint32_t room;
};

typedef struct {
    zanni_socket_t base;     // first
    zanni__sim_net_t *net;
    int type;
    bool dead;               // its node crashed
    char endpoint [ZANNI_ENDPOINT_MAX];   // where it is bound; "": nowhere
    int ping_ms;
    int timeout_ms;          // of answers to pings; 0: it does not ping
    int linger_ms;
    zanni__sim_row_t inbox;
    zanni__sim_packet_t *reading;
    uint32_t at;             // the next frame of that; of a ROUTER the first is the id
    uint32_t origin;
    zanni__sim_packet_t *writing;
    zanni__sim_conn_t *writing_to;
    zanni_socket_t *monitor;
    void (*stirred) (void *context);
    void *stirred_context;
} zanni__sim_socket_t;

static inline zanni__sim_socket_t *
zanni__sim_socket (zanni_socket_t *base)
{
    return (zanni__sim_socket_t *) (void *) base;
}

/* One end of a connection, and the way to it. */
typedef struct {
    zanni__sim_socket_t *socket;   // NULL: not yet, or broken
    zanni__sim_node_t *node;       // NULL: not yet
    zanni__sim_row_t way;
    int64_t last_ns;
    int64_t break_ns;              // INT64_MAX: nothing is missing
    bool greeted;                  // something was sent to it
} zanni__sim_side_t;

enum { ZANNI__SIM_DIALER, ZANNI__SIM_LISTENER };

struct zanni__sim_conn {
    zanni__sim_conn_t *next;
    uint32_t number;
    char endpoint [ZANNI_ENDPOINT_MAX];
    bool stands;
    bool dying;              // it was broken in between: what is sent goes nowhere
    zanni__sim_side_t sides [2];
    zanni__sim_row_t spare;  // for all that is ever said of it
};

/* Who listens there, or NULL. */
zanni__sim_socket_t *zanni__sim_listener (const zanni_sim_t *sim, const char *endpoint);

/* 0, or -1: no memory. */
int zanni__sim_dial (zanni__sim_socket_t *socket, const char *endpoint);

/* A message leaves; NULL, or torn: it does not, and so the connection has to break. */
void zanni__sim_carry (zanni_sim_t *sim, zanni__sim_conn_t *conn, int to, zanni__sim_packet_t *packet);

/* Ends all connections of that socket. */
void zanni__sim_hang_up (zanni__sim_socket_t *socket);

#endif
