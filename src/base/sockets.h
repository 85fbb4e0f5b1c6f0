/* sockets.h: the ZeroMQ context of the library's own, and whether what a socket or thread needs is left. Any thread. */

#ifndef ZANNI_BASE_SOCKETS_H
#define ZANNI_BASE_SOCKETS_H

/* The process's one context, made for the first user and terminated by the last; each take needs a give, which waits for
   the sockets of the last user to close. ZANNI_EDESCRIPTORS, ZANNI_ETHREADS, ZANNI_ENOMEM. */
int zanni__zmq_context_take (void **context_p);
void zanni__zmq_context_give (void);

/* 0 where `count` more descriptors can be opened and a reserve of 16 is left; ZANNI_EDESCRIPTORS. */
int zanni__descriptors_left (int count);

/* 0 where `count` (at most 4) more threads can be started; ZANNI_ETHREADS. */
int zanni__threads_left (int count);

#endif
