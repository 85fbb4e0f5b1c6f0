/* Sockets, and when they are read.

   A ZeroMQ descriptor is edge-triggered: it stirs once for something new, and what is there must be read until nothing is
   left. So a source that has stirred stays in the hub's list until a read found less than it might take. A send makes
   libzmq look after its commands, too, which may swallow a stir: whoever has sent asks once whether something came.

   Each look into a socket is a system call. A worker that has waited for a message goes on with the first one that it gets,
   an ask or its answer as a rule, and looks for a second when that is done: before it sleeps, and once for both reasons. */

#include "hub.h"

#include "../base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define S_WAITING 1000   // complete messages that wait in libzmq for us, a connection; then the sender's wait

void
zanni__source_stir (zanni__source_t *source)
{
    if (!source || !source->socket)
        return;
    source->calm = false;
    if (zanni__list_empty (&source->stirred))
        zanni__list_append (&source->hub->stirred, &source->stirred);
}

static bool
s_has_message (const zanni__source_t *source)
{
    int events = 0;
    size_t size = sizeof events;
    return !zanni__socket_get (source->socket, ZMQ_EVENTS, &events, &size) && events & ZMQ_POLLIN;
}

bool
zanni__source_is_calm (zanni__source_t *source)
{
    return source->calm && !source->ends && !s_has_message (source);
}

bool
zanni__source_is_read (const zanni__source_t *source)
{
    return !source || zanni__list_empty (&source->stirred);
}

static void
s_ready (zanni_worker_t *worker, zanni__hook_fd_t *hook, uint32_t events)
{
    (void) worker;
    (void) events;
    zanni__source_stir ((zanni__source_t *) (void *) hook);
}

static void
s_stirred (void *context)
{
    zanni__source_stir (context);
}

void
zanni__source_sent (zanni__source_t *source)
{
    if (zanni__list_empty (&source->stirred) && s_has_message (source))
        zanni__source_stir (source);
}

int
zanni__socket_new (zanni__hub_t *hub, zanni_socket_t **socket_p, int type, int linger_ms)
{
    const int none = 0;
    const int waiting = S_WAITING;
    const int64_t largest = ZANNI_WIRE_FRAME_MAX;
    zanni_socket_t *socket;
    int rc = hub->sockets->open (hub->handle, &socket, type);
    if (rc)
        return rc;
    (void) zanni__socket_set (socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    (void) zanni__socket_set (socket, ZMQ_SNDHWM, &none, sizeof none);
    (void) zanni__socket_set (socket, ZMQ_RCVHWM, &waiting, sizeof waiting);
    (void) zanni__socket_set (socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest);
    *socket_p = socket;
    return 0;
}

/* Pings go out twice an interval; an answer is missing after five quarters. So who has stopped is noticed after seven
   quarters at most, and behind a whole one more without a new connection a pulse is lost: what is left of three intervals
   is for timers that come late. */
void
zanni__socket_pings (zanni_socket_t *socket, int64_t interval_ns)
{
    int quarter = (int) (interval_ns / 4000000);
    int ping = quarter ? quarter * 2 : 1;
    int timeout = quarter ? quarter * 5 : 1;
    (void) zanni__socket_set (socket, ZMQ_HEARTBEAT_IVL, &ping, sizeof ping);
    (void) zanni__socket_set (socket, ZMQ_HEARTBEAT_TIMEOUT, &timeout, sizeof timeout);
}

int
zanni__source_open (zanni__source_t *source, zanni__hub_t *hub, zanni_socket_t *socket,
                    bool (*read) (zanni__source_t *))
{
    zanni__link_init (&source->stirred);
    source->hub = hub;
    source->hook.ready = s_ready;
    source->read = read;
    source->hook.fd = hub->sockets->descriptor (socket);
    int rc = source->hook.fd >= 0 ? zanni__hook_fd_add (hub->worker, &source->hook, EPOLLIN | EPOLLET)
             : hub->sockets->watch ? 0 : ZANNI_ESYSTEM;
    if (rc) {
        hub->sockets->close (socket);
        return rc;
    }
    if (source->hook.fd < 0)
        hub->sockets->watch (socket, s_stirred, source);
    source->socket = socket;
    zanni__source_stir (source);
    return 0;
}

void
zanni__source_close (zanni__source_t *source)
{
    if (!source->socket)
        return;
    if (source->hook.fd >= 0)
        zanni__hook_fd_remove (source->hub->worker, &source->hook);
    zanni__link_remove (&source->stirred);
    source->socket->ops->close (source->socket);
    source->socket = NULL;
}

int
zanni__monitor_open (zanni__source_t *monitor, zanni__source_t *of, bool (*read) (zanni__source_t *))
{
    zanni_socket_t *socket;
    const zanni__hub_t *hub = of->hub;
    const int events = ZMQ_EVENT_LISTENING | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CLOSED
                       | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                       | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    int rc = hub->sockets->monitor (hub->handle, of->socket, &socket, events);
    return rc ? rc : zanni__source_open (monitor, of->hub, socket, read);
}

bool
zanni__monitor_read (zanni__source_t *monitor, int *event, int *value)
{
    uint16_t number = 0;
    uint32_t what = 0;
    bool more = false;
    zmq_msg_t frame;
    (void) zmq_msg_init (&frame);
    if (zanni__socket_recv (monitor->socket, &frame, &more))
        return false;
    if (zmq_msg_size (&frame) >= sizeof number + sizeof what) {
        const uint8_t *data = zmq_msg_data (&frame);
        memcpy (&number, data, sizeof number);
        memcpy (&what, data + sizeof number, sizeof what);
    }
    while (more && !zanni__socket_recv (monitor->socket, &frame, &more)) {}   // the address
    (void) zmq_msg_close (&frame);
    *event = number;
    *value = (int) what;
    return true;
}

/* What is over the limit is read, or the next message would begin in the middle of this, and thrown away. */
bool
zanni__mail_read (zanni__mail_t *mail, zanni_socket_t *socket)
{
    zmq_msg_t over;
    mail->count = mail->used = 0;
    mail->crowded = false;
    (void) zmq_msg_init (&mail->header);
    bool more;
    if (zanni__socket_recv (socket, &mail->header, &more))
        return false;
    while (more) {
        mail->crowded = mail->count == ZANNI_WIRE_FRAMES_MAX;
        zmq_msg_t *frame = mail->crowded ? &over : &mail->frames [mail->count++];
        (void) zmq_msg_init (frame);
        if (zanni__socket_recv (socket, frame, &more))
            more = false;
        if (mail->crowded)
            (void) zmq_msg_close (frame);
    }
    return true;
}

void
zanni__mail_close (zanni__mail_t *mail)
{
    (void) zmq_msg_close (&mail->header);
    for (uint32_t i = 0; i < mail->count; i++)
        (void) zmq_msg_close (&mail->frames [i]);   // empty where a record took it
    mail->count = 0;
}
