/* cutter.c: files into chunks of about a megabyte, each of them one message.

   A large file is mapped, and the mapping lent to zanni as a buffer, whose free function unmaps it. Its chunks are
   slices of that buffer: nothing is copied, and the mapping goes when the last slice was counted, whoever was the last.
   Each chunk ends where a word ends, so that no word is counted as two halves. A large gzip file cannot be cut; it is
   one chunk.

   Most files are small, though, and for a few kilobytes a mapping and a message cost more than the counting. So small
   ones are read into one buffer of zanni's pool until the next does not fit; the list of parts says where each begins.

   A mapped file that somebody shortens while it is counted ends the program by a signal, as with every program that
   maps files. */

#include "cutter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "file.h"
#include "progress.h"
#include "walk.h"
#include "words.h"

#define S_CHUNK ((size_t) 1 << 20)
#define S_SMALL (S_CHUNK / 4)   // larger files are mapped

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

void
cutter_destroy (cutter_t **cutter_p)
{
    cutter_t *cutter = *cutter_p;
    if (!cutter)
        return;
    zanni_buffer_destroy (&cutter->map);
    file_close (&cutter->file);
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

static void
s_free (void *data, void *hint)
{
    (void) hint;
    free (data);
}

/* Some files say that they are empty and are not, as those below /proc: such a one is read at once and cut like one that
   is mapped. 1: that failed, which was said. */
static int
s_slurp (cutter_t *cutter, zanni_t *self)
{
    file_t *file = &cutter->file;
    char *data = NULL;
    ssize_t size = file_read_all (file, &data);
    if (size < 0) {
        s_warn (file->name, errno);
        file_close (file);
    }
    int rc = size < 0 ? 1 : 0;
    if (size > 0)
        rc = zanni_buffer_wrap (self, &cutter->map, data, (size_t) size, s_free, NULL);
    if (size <= 0 || rc)
        free (data);
    else {
        file->size = (size_t) size;
        cutter->at = 0;
    }
    return rc;
}

/* Makes sure that a file is open, if there is one left. */
static bool
s_file_next (cutter_t *cutter)
{
    const char *name;
    while (cutter->file.fd < 0 && (name = walk_next (cutter->walk))) {
        int error = file_open (&cutter->file, name);
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
        file_close (file);
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
        file_close (&cutter->file);
    }
    return rc;
}

/* Puts the open file into a buffer that has room for it. */
static int
s_gather_one (cutter_t *cutter, chunk_t *chunk, char *data)
{
    int rc = 0;
    ssize_t size = file_read (&cutter->file, data + chunk->size);
    if (size < 0)
        s_warn (cutter->file.name, errno);
    else {
        rc = s_add_part (chunk, &cutter->file, (size_t) size);
        chunk->files++;
    }
    file_close (&cutter->file);
    return rc;
}

/* Whether the open file goes into this chunk. One that says it is empty was looked into when it came first; behind
   others it waits for the next chunk, to be looked into then. */
static bool
s_joins (const cutter_t *cutter, const chunk_t *chunk)
{
    size_t size = cutter->file.size;
    return size <= S_SMALL && size <= S_CHUNK - chunk->size && (size || !chunk->files);
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
    while (!rc && s_file_next (cutter) && s_joins (cutter, chunk))
        rc = s_gather_one (cutter, chunk, data);
    if (rc)
        return rc;
    return zanni_buffer_slice (&chunk->bytes, buffer, 0, chunk->size);
}

/* Finds something to cut: maps the next file where it is large, reads it where it does not say how large it is. False:
   there is none left. */
static int
s_prepare (cutter_t *cutter, zanni_t *self, bool *found)
{
    int rc = 1;
    while (rc == 1 && s_file_next (cutter)) {
        rc = 0;
        if (!cutter->map && cutter->file.size > S_SMALL)
            rc = s_map (cutter, self);
        else if (!cutter->map && !cutter->file.size)
            rc = s_slurp (cutter, self);
    }
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
