/* socket.h: a socket, whatever it is made of: see zanni/sys/sockets.h. */

#ifndef ZANNI_LINK_SOCKET_H
#define ZANNI_LINK_SOCKET_H

#include <string.h>
#include <zanni/sys/sockets.h>
#include <zmq.h>

/* ZeroMQ's. */
extern const zanni_sockets_t zanni__sockets_zmq;

static inline int
zanni__socket_set (zanni_socket_t *socket, int option, const void *value, size_t size)
{
    return socket->ops->set (socket, option, value, size);
}

static inline int
zanni__socket_get (zanni_socket_t *socket, int option, void *value, size_t *size)
{
    return socket->ops->get (socket, option, value, size);
}

static inline int
zanni__socket_send (zanni_socket_t *socket, zmq_msg_t *msg, bool more)
{
    return socket->ops->send (socket, msg, more);
}

static inline int
zanni__socket_recv (zanni_socket_t *socket, zmq_msg_t *msg, bool *more)
{
    return socket->ops->recv (socket, msg, more);
}

/* One frame with a copy of these bytes. */
static inline bool
zanni__socket_write (zanni_socket_t *socket, const void *bytes, size_t size, bool more)
{
    zmq_msg_t msg;
    if (zmq_msg_init_size (&msg, size))
        return false;
    if (size)
        memcpy (zmq_msg_data (&msg), bytes, size);
    if (!zanni__socket_send (socket, &msg, more))
        return true;
    (void) zmq_msg_close (&msg);
    return false;
}

#endif
