/* rundir.h: the user's runtime directory, where sockets of nodes lie.

   A lease is one process's right to names in it: a lock file that it holds by flock, and sockets whose names begin like
   that file's. What lies there without a holder is of the dead, and anyone may sweep it. Any thread. */

#ifndef ZANNI_BASE_RUNDIR_H
#define ZANNI_BASE_RUNDIR_H

#include <stddef.h>
#include <stdint.h>

#define ZANNI__ENDPOINT_MAX 108

typedef struct zanni__lease zanni__lease_t;

/* Makes the directory (0700, its owner checked), sweeps it, and takes a lease in it. `tag` makes its names unique. 0;
   ZANNI_ENOMEM, ZANNI_EDESCRIPTORS, ZANNI_ESYSTEM: *why (may be NULL) says what, in words that stay. */
int zanni__lease_new (zanni__lease_t **lease_p, const uint8_t tag [8], const char **why);

/* Unlinks its sockets and its lock; nulls; forgives NULL. */
void zanni__lease_destroy (zanni__lease_t **lease_p);

/* In a child of fork: forgets it without unlinking anything. */
void zanni__lease_forget (zanni__lease_t **lease_p);

/* A socket that listens at a new name of the lease: `endpoint` is "ipc://" and its path. The caller closes it. */
int zanni__lease_listen (zanni__lease_t *lease, char endpoint [ZANNI__ENDPOINT_MAX], int *fd_p);

/* Unlinks one endpoint of the lease, whose socket is not needed any more. */
void zanni__lease_unlisten (zanni__lease_t *lease, const char *endpoint);

/* Unlinks what the dead have left in the directory, if there is one. */
void zanni__rundir_sweep (void);

#endif
