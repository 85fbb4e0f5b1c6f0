/* The secret is checked as ssh checks a private key: a file that others on the machine can read is no secret, and to
   go on with it would hide that. It is opened first and looked at then, so that what was checked is what is read. */

#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAST 16

static bool
fault (const char *path, const char *what)
{
    fprintf (stderr, "%s: %s: %s\n", program_invocation_short_name, path, what);
    return false;
}

static bool
check (int fd, const char *path)
{
    struct stat status;
    if (fstat (fd, &status))
        return fault (path, strerror (errno));
    if (!S_ISREG (status.st_mode))
        return fault (path, "is not a file");
    if (status.st_uid != geteuid () && status.st_uid != 0)
        return fault (path, "belongs to another user");
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return fault (path, "others can read it, so it is no secret any more: make a new one, with chmod 400");
    return true;
}

static bool
is_long_enough (const char *text, const char *path)
{
    return strlen (text) >= LEAST || fault (path, "a secret has at least 16 bytes");
}

static bool
check_environment (void)
{
    const char *text = getenv ("ZANNI_SECRET");
    if (!text)
        return fault ("no secret", "name its file with -s, or set ZANNI_SECRET");
    return is_long_enough (text, "ZANNI_SECRET");
}

bool
secret_read (char text [SECRET_SIZE], const char *path)
{
    *text = '\0';
    if (!path)
        return check_environment ();
    int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);   // a pipe by that name must not keep us
    if (fd < 0)
        return fault (path, strerror (errno));
    bool good = check (fd, path);
    ssize_t size = good ? read (fd, text, SECRET_SIZE - 1) : 0;
    close (fd);
    text [size > 0 ? size : 0] = '\0';
    text [strcspn (text, "\n")] = '\0';
    return good && is_long_enough (text, path);
}
