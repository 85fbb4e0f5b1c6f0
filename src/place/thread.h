/* thread.h: the default place, threads made by czmq. */

#ifndef ZANNI_PLACE_THREAD_H
#define ZANNI_PLACE_THREAD_H

#include <zanni/sys/place.h>

extern const zanni_place_ops_t zanni__place_thread;

/* Brings czmq up without its signal handlers, once. Any thread. */
void zanni__czmq_init (void);

/* 0 where a further zactor can be made: a thread, two sockets, their descriptors. Any thread. */
int zanni__zactor_possible (void);

#endif
