/* sockets.h: the seam through which the default link speaks: ZeroMQ's sockets, or what stands in for them.

   A link uses DEALERs that connect, ROUTERs that are bound, and a monitor of each; nothing of it blocks but `wait`. Another
   table makes sockets that behave like these in memory, so that the sessions above are the real ones: see zanni/sim.h. What
   an operation's comment does not say is as in libzmq: types, options, numbers of events, errno. Weaker stability promise
   than the rest of the API.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_SYS_SOCKETS_H
#define ZANNI_SYS_SOCKETS_H

#include "link.h"

struct zmq_msg_t;   // libzmq's own

typedef struct zanni_sockets zanni_sockets_t;

/* What every socket begins with. */
typedef struct {
    const zanni_sockets_t *ops;
} zanni_socket_t;

/* What is waited for: a socket, or where that is NULL a descriptor. */
typedef struct {
    zanni_socket_t *socket;
    int fd;
} zanni_socket_wait_t;

/* All on the thread of one worker. */
struct zanni_sockets {
    size_t size;   // sizeof (zanni_sockets_t), or 0
    void *context;
    /* What the sockets of one link have in common; `end` when all are closed. ZANNI_EDESCRIPTORS, ZANNI_ETHREADS,
       ZANNI_ENOMEM. */
    int (*begin) (void *context, zanni_worker_t *worker, void **handle_p);
    void (*end) (void *handle);
    /* A socket of that type. ZANNI_EDESCRIPTORS, ZANNI_ESOCKETS, ZANNI_ENOMEM. */
    int (*open) (void *handle, zanni_socket_t **socket_p, int type);
    void (*close) (zanni_socket_t *socket);
    int (*set) (zanni_socket_t *socket, int option, const void *value, size_t size);   // -1: errno says why
    int (*get) (zanni_socket_t *socket, int option, void *value, size_t *size);
    int (*connect) (zanni_socket_t *socket, const char *endpoint);
    int (*bind) (zanni_socket_t *socket, const char *endpoint);
    /* A further socket, from which the events of this one are read; to be closed by its owner, before this one, behind an
       `unmonitor`. As open. */
    int (*monitor) (void *handle, zanni_socket_t *socket, zanni_socket_t **monitor_p, int events);
    void (*unmonitor) (zanni_socket_t *socket);
    /* One frame; `more` follow, or follow it. The message is the socket's on 0, empty then. -1: it would have to wait, or has
       nowhere to go. */
    int (*send) (zanni_socket_t *socket, struct zmq_msg_t *msg, bool more);
    int (*recv) (zanni_socket_t *socket, struct zmq_msg_t *msg, bool *more);
    /* Which connection the message came by that was received last, whose first frame behind the id this is, as events of the
       monitor name it. -1: not known. */
    int (*origin) (zanni_socket_t *socket, struct zmq_msg_t *msg);
    /* A descriptor that is edge-triggered when something may be read. -1: there is none, and `watch` is given what is called
       then, from anywhere on the thread but in operations of this table; NULL: nothing any more. */
    int (*descriptor) (zanni_socket_t *socket);
    void (*watch) (zanni_socket_t *socket, void (*stirred) (void *context), void *context);
    /* Until something can be read at one of them, or the time is over, or sooner. */
    void (*wait) (void *handle, const zanni_socket_wait_t *items, int count, int timeout_ms);
    /* Whether surely nobody listens there. */
    bool (*refused) (void *handle, const char *endpoint);
    /* Where `worker` is to listen for others of this host, which is bound later, without a descriptor. NULL: the node makes
       sockets in the user's runtime directory. */
    int (*seat) (void *context, zanni_worker_t *worker, char endpoint [ZANNI_ENDPOINT_MAX]);
};

#ifdef __cplusplus
extern "C" {
#endif

/* Fills `link` with the default operations, over these sockets. Any thread; both have to outlive their nodes. */
ZANNI_EXPORT void zanni_link_over (zanni_link_ops_t *link, const zanni_sockets_t *sockets);

#ifdef __cplusplus
}
#endif
#endif
