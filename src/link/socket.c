/* Sockets of libzmq, behind the table that others can stand in for. */

#include "socket.h"

#include "../base/memory.h"
#include "../base/sockets.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define S_IPC "ipc://"
#define S_WAITS 128   // items of one wait, at most

typedef struct {
    zanni_socket_t base;   // first
    void *zmq;
} s_socket_t;

static void *
s_zmq (const zanni_socket_t *socket)
{
    return ((const s_socket_t *) (const void *) socket)->zmq;
}

static int
s_begin (void *context, zanni_worker_t *worker, void **handle_p)
{
    (void) context, (void) worker;
    return zanni__zmq_context_take (handle_p);
}

static void
s_end (void *handle)
{
    (void) handle;
    zanni__zmq_context_give ();
}

static int
s_open (void *handle, zanni_socket_t **socket_p, int type)
{
    int rc = zanni__descriptors_left (4);
    if (rc)
        return rc;
    s_socket_t *socket = zanni__malloc (sizeof *socket);
    if (!socket)
        return ZANNI_ENOMEM;
    socket->base.ops = &zanni__sockets_zmq;
    socket->zmq = zmq_socket (handle, type);
    if (!socket->zmq) {
        rc = errno == EMFILE ? ZANNI_ESOCKETS : ZANNI_ENOMEM;
        zanni__free (socket);
        return rc;
    }
    *socket_p = &socket->base;
    return 0;
}

static void
s_close (zanni_socket_t *socket)
{
    (void) zmq_close (s_zmq (socket));
    zanni__free (socket);
}

static int
s_set (zanni_socket_t *socket, int option, const void *value, size_t size)
{
    return zmq_setsockopt (s_zmq (socket), option, value, size);
}

static int
s_get (zanni_socket_t *socket, int option, void *value, size_t *size)
{
    return zmq_getsockopt (s_zmq (socket), option, value, size);
}

static int
s_connect (zanni_socket_t *socket, const char *endpoint)
{
    return zmq_connect (s_zmq (socket), endpoint);
}

static int
s_bind (zanni_socket_t *socket, const char *endpoint)
{
    return zmq_bind (s_zmq (socket), endpoint);
}

static void
s_unmonitor (zanni_socket_t *socket)
{
    (void) zmq_socket_monitor (s_zmq (socket), NULL, 0);
}

/* Its name is the socket's own address: libzmq asks for one that nobody else has. Without a limit of what waits libzmq's
   thread would wait for ours with the thousandth event, amid all connections. */
static int
s_monitor (void *handle, zanni_socket_t *socket, zanni_socket_t **monitor_p, int events)
{
    char endpoint [64];
    zanni_socket_t *monitor;
    const int none = 0;
    snprintf (endpoint, sizeof endpoint, "inproc://zanni-monitor-%p", s_zmq (socket));
    int rc = s_open (handle, &monitor, ZMQ_PAIR);
    if (rc)
        return rc;
    (void) s_set (monitor, ZMQ_LINGER, &none, sizeof none);
    (void) s_set (monitor, ZMQ_RCVHWM, &none, sizeof none);
    if (zmq_socket_monitor (s_zmq (socket), endpoint, events) || s_connect (monitor, endpoint)) {
        rc = errno == EMFILE ? ZANNI_ESOCKETS : ZANNI_ENOMEM;
        s_unmonitor (socket);
        s_close (monitor);
        return rc;
    }
    *monitor_p = monitor;
    return 0;
}

static int
s_send (zanni_socket_t *socket, zmq_msg_t *msg, bool more)
{
    return zmq_msg_send (msg, s_zmq (socket), more ? ZMQ_SNDMORE | ZMQ_DONTWAIT : ZMQ_DONTWAIT) < 0 ? -1 : 0;
}

static int
s_recv (zanni_socket_t *socket, zmq_msg_t *msg, bool *more)
{
    if (zmq_msg_recv (msg, s_zmq (socket), ZMQ_DONTWAIT) < 0)
        return -1;
    *more = zmq_msg_more (msg);
    return 0;
}

static int
s_origin (zanni_socket_t *socket, zmq_msg_t *msg)
{
    (void) socket;
    return zmq_msg_get (msg, ZMQ_SRCFD);
}

static int
s_descriptor (zanni_socket_t *socket)
{
    int fd = -1;
    size_t size = sizeof fd;
    return s_get (socket, ZMQ_FD, &fd, &size) ? -1 : fd;
}

static void
s_wait (void *handle, const zanni_socket_wait_t *items, int count, int timeout_ms)
{
    zmq_pollitem_t polled [S_WAITS];
    (void) handle;
    count = count < S_WAITS ? count : S_WAITS;
    for (int i = 0; i < count; i++)
        polled [i] = (zmq_pollitem_t) {
            .socket = items [i].socket ? s_zmq (items [i].socket) : NULL, .fd = items [i].fd, .events = ZMQ_POLLIN
        };
    (void) zmq_poll (polled, count, timeout_ms);
}

/* Asked with a socket of the system's own: libzmq does not say why it could not connect. */
static bool
s_refused (void *handle, const char *endpoint)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t prefix = strlen (S_IPC);
    (void) handle;
    if (strncmp (endpoint, S_IPC, prefix) || strlen (endpoint + prefix) >= sizeof address.sun_path)
        return false;
    memcpy (address.sun_path, endpoint + prefix, strlen (endpoint + prefix));
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool refused = connect (fd, (const struct sockaddr *) &address, sizeof address)
                   && (errno == ECONNREFUSED || errno == ENOENT);
    close (fd);
    return refused;
}

const zanni_sockets_t zanni__sockets_zmq = {
    .size = sizeof (zanni_sockets_t), .begin = s_begin, .end = s_end, .open = s_open, .close = s_close, .set = s_set,
    .get = s_get, .connect = s_connect, .bind = s_bind, .monitor = s_monitor, .unmonitor = s_unmonitor, .send = s_send,
    .recv = s_recv, .origin = s_origin, .descriptor = s_descriptor, .wait = s_wait, .refused = s_refused
};
