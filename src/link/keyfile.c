/* A secret that others can read is none, and to go on with it would hide that. A file is opened first and looked at then, by
   its descriptor, so that what was checked is what is read; and without waiting, since a pipe by that name must not keep us. */

#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* errno stays what it is. */
static int
s_fail (const char *path, char *text, size_t size)
{
    int why = errno;
    snprintf (text, size, "%.120s: %s", path, strerror (why));
    errno = why;
    return ZANNI_ESYSTEM;
}

/* Whether it may be read, given who else could. */
static int
s_check (int fd, bool secret, const char *path, char *text, size_t size)
{
    struct stat status;
    if (fstat (fd, &status))
        return s_fail (path, text, size);
    if (!S_ISREG (status.st_mode) || status.st_size > ZANNI__KEYFILE) {
        snprintf (text, size, "%.120s is no file with a key: it is no file at all, or has more than %d bytes", path, ZANNI__KEYFILE);
        return ZANNI_EAUTH;
    }
    if (secret && status.st_mode & (S_IRWXG | S_IRWXO)) {
        snprintf (text, size, "%.120s: others than its owner can read this secret (mode %03o); chmod 600", path,
                  (unsigned) status.st_mode & 0777);
        return ZANNI_EAUTH;
    }
    if (secret && status.st_uid != geteuid () && status.st_uid) {
        snprintf (text, size, "%.120s: this secret belongs to another user, who can read it", path);
        return ZANNI_EAUTH;
    }
    return 0;
}

static int
s_read (int fd, char file [ZANNI__KEYFILE + 1], const char *path, char *text, size_t size)
{
    size_t used = 0;
    ssize_t got = 1;
    while (got > 0 && used < ZANNI__KEYFILE) {
        got = read (fd, file + used, ZANNI__KEYFILE - used);
        used += got > 0 ? (size_t) got : 0;
    }
    file [used] = 0;
    if (got >= 0)
        return 0;
    sodium_memzero (file, used);
    return s_fail (path, text, size);
}

int
zanni__keyfile_read (char file [ZANNI__KEYFILE + 1], const char *path, bool secret, char *text, size_t size)
{
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return s_fail (path, text, size);
    int rc = s_check (fd, secret, path, text, size);
    if (!rc)
        rc = s_read (fd, file, path, text, size);
    close (fd);
    return rc;
}
