/* memfd.h: memory that processes of one host share, as a descriptor. It has no name anywhere, and goes with the last who
   has it open or mapped. Any thread. */

#ifndef ZANNI_BASE_MEMFD_H
#define ZANNI_BASE_MEMFD_H

#include <stdbool.h>
#include <stdint.h>

/* `size` bytes, all of which are there (who touches them later is never ended for want of memory), and whose size cannot
   change any more. ZANNI_EDESCRIPTORS, ZANNI_ENOMEM, ZANNI_ESYSTEM: this system has none. */
int zanni__memfd_new (int *fd_p, uint64_t size);

/* A number that no other piece of memory of this process's has had. */
uint64_t zanni__memfd_serial (void);

/* From now on nobody maps it to write, but who has it mapped already writes on. false: the system cannot. */
bool zanni__memfd_seal (int fd);

/* Whether what somebody sent is such memory: of at least so many bytes, all there, of a fixed size. `sealed`: and nobody
   can map it to write. */
bool zanni__memfd_is_good (int fd, uint64_t size, bool sealed);

#endif
