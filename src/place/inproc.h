/* inproc.h: the default port, ZeroMQ between the threads of a node. */

#ifndef ZANNI_PLACE_INPROC_H
#define ZANNI_PLACE_INPROC_H

#include <zanni/sys/port.h>

extern const zanni_port_ops_t zanni__port_inproc;

#endif
