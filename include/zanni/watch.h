/* watch.h: descriptors and ZeroMQ sockets of the host as messages. Call these from the actor whose `self` it is; none
   blocks.

   A watch tells a method of its own actor when something is ready. It then rests until zanni_watch_again, so that one
   event is one message: the handler reads what is there and re-arms. It ends with its actor's incarnation. The
   program owns the descriptor or socket and ends the watch before it closes it.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_WATCH_H
#define ZANNI_WATCH_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ZANNI_READABLE 1u
#define ZANNI_WRITABLE 2u
#define ZANNI_BROKEN 4u     // error or hang-up; always reported

/* Tells `method`, with signature "u" (the events) when one of `events` holds for the descriptor. One watch a descriptor
   and thread: ZANNI_EINVAL where an actor of this worker watches it already, or it cannot be watched. */
ZANNI_EXPORT int zanni_watch (zanni_t *self, uint64_t *watch_p, int fd, uint32_t events,
                              const char *method) ZANNI_CHECKED;

/* The same for a raw ZeroMQ socket (zsock_resolve gives that of a czmq one), by its ZMQ_EVENTS. The actor's worker
   must be the only thread that uses the socket. */
ZANNI_EXPORT int zanni_watch_socket (zanni_t *self, uint64_t *watch_p, void *socket, uint32_t events,
                                     const char *method) ZANNI_CHECKED;

/* Arms a watch again after its message. ZANNI_EINVAL for an id that has ended. */
ZANNI_EXPORT int zanni_watch_again (zanni_t *self, uint64_t watch) ZANNI_CHECKED;

/* Ends a watch; a message of it that waits in the mailbox is not delivered any more. An id that has ended is no
   error. */
ZANNI_EXPORT int zanni_watch_cancel (zanni_t *self, uint64_t watch) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
