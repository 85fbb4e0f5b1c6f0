/* passing.h: descriptors that go from one process to another, with a packet of fixed size, by a SOCK_SEQPACKET socket.
   Neither blocks. Any thread. */

#ifndef ZANNI_BASE_PASSING_H
#define ZANNI_BASE_PASSING_H

#include <stdbool.h>
#include <stddef.h>

#define ZANNI__PASSED_MOST 4   // descriptors with one packet

/* false: the socket is full, or its other end is gone. */
bool zanni__pass (int socket, const void *packet, size_t size, const int *fds, int count);

/* Takes the next packet, of exactly that size, with exactly so many descriptors, which are the caller's then (CLOEXEC).
   0; ZANNI_EROUTE: there is none, or not any more; ZANNI_EARGS: it is another one, which is thrown away. */
int zanni__pass_take (int socket, void *packet, size_t size, int *fds, int count);

/* Whether the process at the other end is one of the same user's. */
bool zanni__pass_is_ours (int socket);

#endif
