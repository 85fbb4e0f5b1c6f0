/* Sealed memory files.

   Size seals alone do not keep a reader from SIGBUS: a page that was never there is looked for when it is touched, and
   there may be none. So all pages are allocated before anybody gets the descriptor, and whoever gets one from somebody
   else counts them. */

#include "memfd.h"

#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define S_SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)
#define S_BLOCK 512   // bytes that st_blocks counts

/* No room for pages is no memory. */
static int
s_code (void)
{
    return errno == ENOSPC ? ZANNI_ENOMEM : zanni__system_code (errno);
}

/* All of it is allocated, however often a signal comes. */
static int
s_allocate (int fd, uint64_t size)
{
    while (fallocate (fd, 0, 0, (off_t) size))
        if (errno != EINTR)
            return s_code ();
    return fcntl (fd, F_ADD_SEALS, S_SIZE_SEALS) ? s_code () : 0;
}

int
zanni__memfd_new (int *fd_p, uint64_t size)
{
    int fd = memfd_create ("zanni", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return s_code ();
    int rc = s_allocate (fd, size);
    if (rc)
        close (fd);
    else
        *fd_p = fd;
    return rc;
}

uint64_t
zanni__memfd_serial (void)
{
    static _Atomic uint64_t last;   // relaxed: only its uniqueness counts
    return atomic_fetch_add_explicit (&last, 1, memory_order_relaxed) + 1;
}

bool
zanni__memfd_seal (int fd)
{
    return !fcntl (fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
}

bool
zanni__memfd_is_good (int fd, uint64_t size, bool sealed)
{
    struct stat status;
    int seals = fcntl (fd, F_GET_SEALS);
    int wanted = sealed ? S_SIZE_SEALS | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL : S_SIZE_SEALS;
    return seals >= 0 && (seals & wanted) == wanted && !fstat (fd, &status) && S_ISREG (status.st_mode)
           && status.st_size >= 0 && (uint64_t) status.st_size >= size
           && (uint64_t) status.st_blocks * S_BLOCK >= (uint64_t) status.st_size;
}
