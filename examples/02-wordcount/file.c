/* file.c: opening and reading. */

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define S_STEP ((size_t) 1 << 20)

static bool
s_is_gzip (const char *name)
{
    size_t length = strlen (name);
    return length >= 3 && !strcmp (name + length - 3, ".gz");
}

int
file_open (file_t *file, const char *name)
{
    struct stat about;
    int fd = open (name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = fstat (fd, &about) ? errno : 0;
    if (!error && !S_ISREG (about.st_mode))
        error = EINVAL;
    char *copy = error ? NULL : strdup (name);
    if (!copy) {
        (void) close (fd);
        return error ? error : ENOMEM;
    }
    *file = (file_t) { .fd = fd, .size = (size_t) about.st_size, .name = copy, .gzip = s_is_gzip (name) };
    return 0;
}

void
file_close (file_t *file)
{
    if (file->fd >= 0)
        (void) close (file->fd);
    free (file->name);
    *file = (file_t) { .fd = -1 };
}

ssize_t
file_read (const file_t *file, char *data)
{
    size_t size = 0;
    while (size < file->size) {
        ssize_t got = read (file->fd, data + size, file->size - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (!got)
            break;
        size += (size_t) got;
    }
    return (ssize_t) size;
}

ssize_t
file_read_all (const file_t *file, char **data_p)
{
    size_t size = 0, room = 0;
    char *data = NULL;
    for (;;) {
        if (size == room) {
            char *more = realloc (data, room += S_STEP);
            if (!more)
                break;
            data = more;
        }
        ssize_t got = read (file->fd, data + size, room - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            *data_p = data;
            return got < 0 ? got : (ssize_t) size;
        }
        size += (size_t) got;
    }
    *data_p = data;
    errno = ENOMEM;
    return -1;
}
