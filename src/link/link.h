/* link.h: the default link: sessions with other nodes over ZeroMQ, on ipc. */

#ifndef ZANNI_LINK_LINK_H
#define ZANNI_LINK_LINK_H

#include <zanni/sys/link.h>

extern const zanni_link_ops_t zanni__link_zmq;

#endif
