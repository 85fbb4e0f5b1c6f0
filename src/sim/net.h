/* net.h: connections between nodes; see net.c. */

#ifndef ZANNI_SIM_NET_H
#define ZANNI_SIM_NET_H

#include "sim.h"

#include <zmq.h>

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

#endif
