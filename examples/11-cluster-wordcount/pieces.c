/* pieces.c: a file is mapped, and the mapping lent to zanni as a buffer, which is unmapped by its last user. Pieces are
   slices of it, which end where a word ends: no byte is copied between the file and the socket, and no word is counted
   as two halves. One file is mapped at a time, and those whose pieces are under way.

   A file that somebody shortens meanwhile ends the program by a signal, as with every program that maps files. */

#include "pieces.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void
unmap (void *data, void *size)
{
    munmap (data, (size_t) (uintptr_t) size);
}

static int
fault (const char *name, const char *what)
{
    fprintf (stderr, "coordinator: %s: %s\n", name, what);
    return ZANNI_ESYSTEM;
}

/* Lends the file's bytes, if there are any. */
static int
lend (zanni_t *self, zanni_buffer_t **file_p, const char *name, int fd)
{
    struct stat status;
    if (fstat (fd, &status))
        return fault (name, strerror (errno));
    if (!S_ISREG (status.st_mode))
        return fault (name, "is not a file");
    size_t size = (size_t) status.st_size;
    void *data = size ? mmap (NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (!data)
        return 0;
    if (data == MAP_FAILED)
        return fault (name, strerror (errno));
    int rc = zanni_buffer_wrap (self, file_p, data, size, unmap, (void *) (uintptr_t) size);
    if (rc)
        munmap (data, size);
    return rc;
}

static int
open_next (zanni_t *self, pieces_t *pieces)
{
    const char *name = *pieces->files++;
    int fd = open (name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);   // a pipe by that name must not keep us
    if (fd < 0)
        return fault (name, strerror (errno));
    int rc = lend (self, &pieces->file, name, fd);
    pieces->at = 0;
    close (fd);
    return rc;
}

int
pieces_next (zanni_t *self, pieces_t *pieces, zanni_buffer_t **piece_p)
{
    int rc = 0;
    while (!rc && !pieces->file && *pieces->files)
        rc = open_next (self, pieces);
    if (rc || !pieces->file)
        return rc;
    const char *data = zanni_buffer_data (pieces->file);
    size_t size = zanni_buffer_size (pieces->file), begin = pieces->at;
    size_t end = size - begin > PIECE_BYTES ? begin + PIECE_BYTES : size;
    while (end < size && words_letter (data [end]))
        end++;
    rc = zanni_buffer_slice (piece_p, pieces->file, begin, end - begin);
    pieces->at = end;
    if (!rc && end == size)
        zanni_buffer_destroy (&pieces->file);
    return rc;
}
