/* rundir.h: the user's runtime directory, where sockets of nodes lie.

   A lease is one process's right to names in it: a lock file that it holds by flock, and sockets whose names begin like
   that file's. What lies there without a holder is of the dead, and anyone may sweep it. Any thread. */

#ifndef ZANNI_BASE_RUNDIR_H
#define ZANNI_BASE_RUNDIR_H

#include <stddef.h>
#include <stdint.h>

#define ZANNI__ENDPOINT_MAX 108
#define ZANNI__LANE_SUFFIX "+"   // of the second socket's path

/* Where a worker listens, by two sockets: one for messages, and one beside it by which programs of the same user hand over
   descriptors. */
typedef struct {
    char endpoint [ZANNI__ENDPOINT_MAX];   // "ipc://" and the path of the first
    int fd;
    int lane_fd;
} zanni__seat_t;

typedef struct zanni__lease zanni__lease_t;

/* Makes the directory (0700, its owner checked), sweeps it, and takes a lease in it. `tag` makes its names unique. 0;
   ZANNI_ENOMEM, ZANNI_EDESCRIPTORS, ZANNI_ESYSTEM: *why (may be NULL) says what, in words that stay. */
int zanni__lease_new (zanni__lease_t **lease_p, const uint8_t tag [8], const char **why);

/* Unlinks its sockets and its lock; nulls; forgives NULL. */
void zanni__lease_destroy (zanni__lease_t **lease_p);

/* In a child of fork: forgets it without unlinking anything. */
void zanni__lease_forget (zanni__lease_t **lease_p);

/* Sockets that listen at a new name of the lease. The caller closes them. */
int zanni__lease_listen (zanni__lease_t *lease, zanni__seat_t *seat);

/* Closes what is open of it. */
void zanni__seat_close (zanni__seat_t *seat);

/* Unlinks one endpoint of the lease, whose sockets are not needed any more. */
void zanni__lease_unlisten (zanni__lease_t *lease, const char *endpoint);

/* Where a lease of that tag listens with the second socket of its first seat, whether or not there is one. */
struct sockaddr_un;
void zanni__rundir_beside (const uint8_t tag [8], struct sockaddr_un *address);

/* Unlinks what the dead have left in the directory, if there is one. */
void zanni__rundir_sweep (void);

#endif
