/* inproc.h: the default port, ZeroMQ between the threads of a node. */

#ifndef ZANNI_PLACE_INPROC_H
#define ZANNI_PLACE_INPROC_H

#include <zanni/sys/port.h>

extern const zanni_port_ops_t zanni__port_inproc;

/* 0 where `count` more descriptors can be opened and a reserve of 16 is left; ZANNI_EDESCRIPTORS. */
int zanni__descriptors_left (int count);

#endif
