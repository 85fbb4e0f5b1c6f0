/* cutter.c: files into chunks of about a megabyte, each of them one message.

   A large file is mapped, and the mapping lent to zanni as a buffer, whose free function unmaps it. Its chunks are
   slices of that buffer: nothing is copied, and the mapping goes when the last slice was counted, whoever was the last.
   Each chunk ends where a word ends, so that no word is counted as two halves. A large gzip file cannot be cut; it is
   one chunk.

   Most files are small, though, and for a few kilobytes a mapping and a message cost more than the counting. So small
   ones are read into one buffer of zanni's pool until the next does not fit; the list of parts says where each begins.

   A mapped file that somebody shortens while it is counted ends the program by SIGBUS, as with every program that maps
   files. */

#include "cutter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "progress.h"
#include "walk.h"
#include "words.h"

#define S_CHUNK ((size_t) 1 << 20)
#define S_SMALL (S_CHUNK / 4)   // larger files are mapped

/* A file that was opened and is not yet in a chunk. */
typedef struct {
    int fd;   // -1: none
    size_t size;
    char *name;
    bool gzip;
} file_t;

struct cutter {
    walk_t *walk;
    file_t file;
    zanni_buffer_t *map;   // the large file that is being cut, or NULL
    size_t at;             // up to where it was
};

cutter_t *
cutter_new (const char *const *paths)
{
    cutter_t *cutter = calloc (1, sizeof *cutter);
    if (!cutter)
        return NULL;
    cutter->file.fd = -1;
    cutter->walk = walk_new (paths);
    if (!cutter->walk)
        cutter_destroy (&cutter);
    return cutter;
}

static void
s_file_close (file_t *file)
{
    if (file->fd >= 0)
        (void) close (file->fd);
    free (file->name);
    *file = (file_t) { .fd = -1 };
}

void
cutter_destroy (cutter_t **cutter_p)
{
    cutter_t *cutter = *cutter_p;
    if (!cutter)
        return;
    zanni_buffer_destroy (&cutter->map);
    s_file_close (&cutter->file);
    if (cutter->walk)
        walk_destroy (&cutter->walk);
    free (cutter);
    *cutter_p = NULL;
}

void
chunk_free (chunk_t *chunk)
{
    zanni_buffer_destroy (&chunk->bytes);
    zanni_list_destroy (&chunk->parts);
}

static void
s_warn (const char *name, int error)
{
    progress_warn (name, strlen (name), strerror (error));
}

static bool
s_is_gzip (const char *name)
{
    size_t length = strlen (name);
    return length >= 3 && !strcmp (name + length - 3, ".gz");
}

/* Opens a file. Between the walk and this it may have become a link or a pipe: neither is followed or waited for. */
static int
s_file_open (file_t *file, const char *name)
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

/* Makes sure that a file is open, if there is one left. */
static bool
s_file_next (cutter_t *cutter)
{
    const char *name;
    while (cutter->file.fd < 0 && (name = walk_next (cutter->walk))) {
        int error = s_file_open (&cutter->file, name);
        if (error)
            s_warn (name, error);
    }
    return cutter->file.fd >= 0;
}

static int
s_add_part (chunk_t *chunk, const file_t *file, size_t size)
{
    zanni_bytes_t name = { file->name, strlen (file->name) };
    chunk->size += size;
    return zanni_list_append (chunk->parts, ZANNI_LIST (name, size, file->gzip));
}

static void
s_unmap (void *data, void *size)
{
    (void) munmap (data, (size_t) (uintptr_t) size);
}

/* Maps the open file. 1: it cannot be mapped, which was said. */
static int
s_map (cutter_t *cutter, zanni_t *self)
{
    file_t *file = &cutter->file;
    void *data = mmap (NULL, file->size, PROT_READ, MAP_PRIVATE, file->fd, 0);
    if (data == MAP_FAILED) {
        s_warn (file->name, errno);
        s_file_close (file);
        return 1;
    }
    int rc = zanni_buffer_wrap (self, &cutter->map, data, file->size, s_unmap, (void *) (uintptr_t) file->size);
    if (rc)
        s_unmap (data, (void *) (uintptr_t) file->size);
    cutter->at = 0;
    return rc;
}

/* Where the piece that begins at `at` ends: behind the word that S_CHUNK bytes end in. */
static size_t
s_find_end (const cutter_t *cutter)
{
    const char *data = zanni_buffer_data (cutter->map);
    size_t size = cutter->file.size;
    if (cutter->file.gzip || size - cutter->at <= S_CHUNK)
        return size;
    size_t end = cutter->at + S_CHUNK;
    while (end < size && words_letter (data [end]))
        end++;
    return end;
}

/* The next slice of the mapped file. */
static int
s_cut (cutter_t *cutter, chunk_t *chunk)
{
    size_t end = s_find_end (cutter);
    int rc = zanni_buffer_slice (&chunk->bytes, cutter->map, cutter->at, end - cutter->at);
    if (!rc)
        rc = s_add_part (chunk, &cutter->file, end - cutter->at);
    chunk->files = !cutter->at;
    cutter->at = end;
    if (!rc && end == cutter->file.size) {
        zanni_buffer_destroy (&cutter->map);
        s_file_close (&cutter->file);
    }
    return rc;
}

/* Reads at most so many bytes of the open file, which may have become shorter. Its size, or -1. */
static ssize_t
s_read (const file_t *file, char *data)
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

/* Puts the open file into a buffer that has room for it. */
static int
s_gather_one (cutter_t *cutter, chunk_t *chunk, char *data)
{
    int rc = 0;
    ssize_t size = s_read (&cutter->file, data + chunk->size);
    if (size < 0)
        s_warn (cutter->file.name, errno);
    else {
        rc = s_add_part (chunk, &cutter->file, (size_t) size);
        chunk->files++;
    }
    s_file_close (&cutter->file);
    return rc;
}

/* Small files in one buffer, until one is large or does not fit; that one waits for the next chunk. */
static int
s_gather (cutter_t *cutter, zanni_t *self, chunk_t *chunk)
{
    ZANNI_AUTO (zanni_buffer_t) buffer = NULL;
    void *data;
    int rc = zanni_buffer_new (self, &buffer, S_CHUNK);
    if (!rc)
        rc = zanni_buffer_edit (&data, buffer);
    while (!rc && s_file_next (cutter) && cutter->file.size <= S_SMALL
           && cutter->file.size <= S_CHUNK - chunk->size)
        rc = s_gather_one (cutter, chunk, data);
    if (rc)
        return rc;
    return zanni_buffer_slice (&chunk->bytes, buffer, 0, chunk->size);
}

/* Finds something to cut: maps the next file where it is large. False: there is none left. */
static int
s_prepare (cutter_t *cutter, zanni_t *self, bool *found)
{
    int rc = 1;
    while (rc == 1 && s_file_next (cutter))
        rc = cutter->map || cutter->file.size <= S_SMALL ? 0 : s_map (cutter, self);
    *found = rc == 0;
    return rc < 0 ? rc : 0;
}

int
cutter_next (cutter_t *cutter, zanni_t *self, chunk_t *chunk)
{
    bool found;
    int rc = s_prepare (cutter, self, &found);
    if (rc || !found)
        return rc;
    *chunk = (chunk_t) { .files = 0 };
    rc = zanni_list_new (&chunk->parts);
    if (!rc)
        rc = cutter->map ? s_cut (cutter, chunk) : s_gather (cutter, self, chunk);
    if (rc)
        chunk_free (chunk);
    return rc ? rc : 1;
}
