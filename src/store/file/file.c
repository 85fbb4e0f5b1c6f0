/* One file a blob, in a folder.

   A file is a head of one page and then the bytes, so that they can be mapped. While they are put it is called
   "<id>.part" and locked by its process (flock); the head says how many bytes are there, for those who follow. Committed,
   it is renamed to "<id>.blob", all at once. Whose process has died is known by its lock, which the kernel gives back: such
   a put is over, and anybody may sweep it away.

   A counted blob lives as long as somebody has its file locked (shared): whoever retains it does, and the kernel lets go
   for a process that ends. The last one to release it finds that nobody else has it, and deletes it; a sweep does for the
   dead. Nothing else is kept anywhere, so that any number of processes, on whatever hosts share the folder, need not know
   of each other.

   A reader that waits for more watches the file (inotify). */

#include "../store.h"

#include "../../base/memory.h"
#include "../../base/system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define S_HEAD 4096          // bytes in front of a blob's own
#define S_PATH 4096
#define S_YOUNG_MS 10000   // in which a beginning, or a commit, is over
#define S_PART ".part"
#define S_BLOB ".blob"

enum { S_GOES_ON, S_WHOLE, S_ABORTED };

/* At the beginning of a file; both sides are of one host's byte order. */
typedef struct {
    char magic [8];
    uint32_t state;
    uint32_t counted;
    uint64_t size;           // of what is there
    uint64_t checksum;
    int64_t expires_ms;
} s_head_t;

static const char s_magic [8] = "zblob/1";

/* A blob that this handle retains. */
typedef struct s_hold {
    struct s_hold *next;
    uint8_t id [16];
    int fd;                  // with the lock
    uint32_t count;
} s_hold_t;

typedef struct {
    int folder;
    zanni_store_options_t options;
    s_hold_t *holds;
} s_store_t;

typedef struct {
    s_store_t *store;
    int fd;
    uint8_t id [16];
    s_head_t head;
    uint64_t others;         // bytes that there were when it began
} s_put_t;

typedef struct {
    char text [ZANNI__ID_TEXT + 8];
} s_name_t;

static s_name_t
s_name (const uint8_t id [16], const char *suffix)
{
    char text [ZANNI__ID_TEXT];
    s_name_t name;
    zanni__id_print (id, text);
    snprintf (name.text, sizeof name.text, "%s%s", text, suffix);
    return name;
}

static int
s_code (void)
{
    switch (errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ZANNI_ENOSPACE;
    case ENOENT:
        return ZANNI_EGONE;
    default:
        return zanni__system_code (errno);
    }
}

static bool
s_read_head (int fd, s_head_t *head)
{
    return pread (fd, head, sizeof *head, 0) == (ssize_t) sizeof *head && !memcmp (head->magic, s_magic, sizeof s_magic);
}

static bool
s_write_head (int fd, const s_head_t *head)
{
    return pwrite (fd, head, sizeof *head, 0) == (ssize_t) sizeof *head;
}

static bool
s_is_expired (const s_head_t *head)
{
    return head->expires_ms && head->expires_ms <= zanni__store_now_ms ();
}

/* Whether the lock could be had, which says that nobody has it. */
static bool
s_lock (int fd, int how)
{
    return !flock (fd, how | LOCK_NB);
}

/* Calls `see` for each file of a suffix; not 0 ends it, and is the answer. */
static int
s_each (const s_store_t *store, const char *suffix, int (*see) (const s_store_t *, const char *, void *), void *context)
{
    int fd = openat (store->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir (fd);
    int rc = folder ? 0 : s_code ();
    if (!folder && fd >= 0)
        close (fd);
    for (struct dirent *entry; !rc && folder && (entry = readdir (folder));) {
        size_t size = strlen (entry->d_name);
        if (size == ZANNI__ID_TEXT - 1 + strlen (suffix) && !strcmp (entry->d_name + ZANNI__ID_TEXT - 1, suffix))
            rc = see (store, entry->d_name, context);
    }
    if (folder)
        closedir (folder);
    return rc;
}

/* Whether it has just been made, and has no head yet, or is being committed: for a moment it may be without a lock then. */
static bool
s_is_young (int fd)
{
    s_head_t head;
    struct stat status;
    return (!s_read_head (fd, &head) || head.state == S_WHOLE) && !fstat (fd, &status)
           && zanni__store_now_ms () - (int64_t) status.st_mtim.tv_sec * 1000 < S_YOUNG_MS;
}

/* A put whose process has ended. */
static int
s_sweep_part (const s_store_t *store, const char *name, void *context)
{
    (void) context;
    int fd = openat (store->folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (s_lock (fd, LOCK_EX) && !s_is_young (fd))
        (void) unlinkat (store->folder, name, 0);
    close (fd);
    return 0;
}

/* A blob whose time is over, or that nobody retains any more. */
static int
s_sweep_blob (const s_store_t *store, const char *name, void *context)
{
    s_head_t head;
    (void) context;
    int fd = openat (store->folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (s_read_head (fd, &head) && (s_is_expired (&head) || (head.counted && s_lock (fd, LOCK_EX))))
        (void) unlinkat (store->folder, name, 0);
    close (fd);
    return 0;
}

static void
s_sweep (const s_store_t *store)
{
    (void) s_each (store, S_PART, s_sweep_part, NULL);
    (void) s_each (store, S_BLOB, s_sweep_blob, NULL);
}

static int
s_open (zanni_t *self, void **store_p, uint64_t *number, const char *place, const zanni_store_options_t *options)
{
    char path [S_PATH];
    (void) self;
    if (!*place)
        return zanni__store_fail (options, ZANNI_EINVAL, "a store of files needs a folder: file:/a/folder%s", "");
    if (mkdir (place, 0700) && errno != EEXIST)
        return zanni__store_fail (options, ZANNI_ESYSTEM, "the folder %.150s of the store cannot be made", place);
    int folder = open (place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || !realpath (place, path)) {
        int rc = s_code ();
        if (folder >= 0)
            close (folder);
        return zanni__store_fail (options, rc, "%.150s is no folder that a store can be in", place);
    }
    s_store_t *store = zanni__calloc (sizeof *store);
    if (!store) {
        close (folder);
        return ZANNI_ENOMEM;
    }
    store->folder = folder;
    store->options = *options;
    *number = zanni__store_sum (path, strlen (path));
    *store_p = store;
    s_sweep (store);
    return 0;
}

static s_hold_t **
s_hold (s_store_t *store, const uint8_t id [16])
{
    s_hold_t **at = &store->holds;
    while (*at && memcmp ((*at)->id, id, 16))
        at = &(*at)->next;
    return at;
}

/* The last hold of this handle: whoever finds nobody else with a lock deletes the file. */
static void
s_let_go (s_store_t *store, s_hold_t **at)
{
    s_hold_t *hold = *at;
    const s_name_t name = s_name (hold->id, S_BLOB);
    *at = hold->next;
    if (s_lock (hold->fd, LOCK_EX))
        (void) unlinkat (store->folder, name.text, 0);
    close (hold->fd);
    zanni__free (hold);
}

static void
s_close (void *context)
{
    s_store_t *store = context;
    while (store->holds)
        s_let_go (store, &store->holds);
    close (store->folder);
    zanni__free (store);
}

static int
s_add_size (const s_store_t *store, const char *name, void *context)
{
    struct stat status;
    if (!fstatat (store->folder, name, &status, 0) && status.st_size > S_HEAD)
        *(uint64_t *) context += (uint64_t) status.st_size - S_HEAD;
    return 0;
}

/* Bytes that there are, what goes on included; nobody asks where there is no quota. */
static uint64_t
s_used (const s_store_t *store)
{
    uint64_t used = 0;
    if (!store->options.quota_bytes)
        return 0;
    (void) s_each (store, S_PART, s_add_size, &used);
    (void) s_each (store, S_BLOB, s_add_size, &used);
    return used;
}

static bool
s_fits (const s_store_t *store, uint64_t used, uint64_t more)
{
    uint64_t quota = store->options.quota_bytes;
    return !quota || (used <= quota && more <= quota - used);
}

static void
s_abort (void *context)
{
    s_put_t *put = context;
    const s_name_t name = s_name (put->id, S_PART);
    put->head.state = S_ABORTED;
    (void) s_write_head (put->fd, &put->head);   // for those who follow
    (void) unlinkat (put->store->folder, name.text, 0);
    close (put->fd);
    zanni__free (put);
}

/* The file with its head; room for what is expected, so that a disk that is full says so now. */
static int
s_create (s_put_t *put, uint64_t expected)
{
    const s_name_t name = s_name (put->id, S_PART);
    put->fd = openat (put->store->folder, name.text, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (put->fd < 0)
        return s_code ();
    if (flock (put->fd, LOCK_EX) || !s_write_head (put->fd, &put->head))
        return s_code ();
    if (expected && fallocate (put->fd, 0, 0, (off_t) (S_HEAD + expected)) && errno != EOPNOTSUPP)
        return s_code ();
    return 0;
}

static int
s_begin (void *context, void **put_p, const zanni_stored_t *stored, uint64_t expected)
{
    s_store_t *store = context;
    s_sweep (store);
    uint64_t others = s_used (store);
    if (!s_fits (store, others, expected))
        return ZANNI_ENOSPACE;
    s_put_t *put = zanni__calloc (sizeof *put);
    if (!put)
        return ZANNI_ENOMEM;
    put->store = store;
    put->others = others;
    put->head = (s_head_t) { .expires_ms = stored->expires_ms, .counted = stored->counted };
    memcpy (put->head.magic, s_magic, sizeof s_magic);
    memcpy (put->id, stored->id, sizeof put->id);
    int rc = s_create (put, expected);
    if (!rc) {
        *put_p = put;
        return 0;
    }
    if (put->fd >= 0)
        s_abort (put);
    else
        zanni__free (put);
    return rc;
}

static int
s_append (void *context, const void *data, size_t size)
{
    s_put_t *put = context;
    if (!s_fits (put->store, put->others, put->head.size + size))
        return ZANNI_ENOSPACE;
    for (size_t done = 0; done < size;) {
        ssize_t wrote = pwrite (put->fd, (const uint8_t *) data + done, size - done,
                                (off_t) (S_HEAD + put->head.size + done));
        if (wrote < 0 && errno != EINTR)
            return s_code ();
        done += wrote > 0 ? (size_t) wrote : 0;
    }
    put->head.size += size;
    return s_write_head (put->fd, &put->head) ? 0 : s_code ();
}

/* A hold of a file whose lock the caller has. */
static int
s_hold_new (s_store_t *store, const uint8_t id [16], int fd)
{
    s_hold_t *hold = zanni__calloc (sizeof *hold);
    if (!hold)
        return ZANNI_ENOMEM;
    memcpy (hold->id, id, sizeof hold->id);
    hold->fd = fd;
    hold->count = 1;
    hold->next = store->holds;
    store->holds = hold;
    return 0;
}

/* The lock is never given back in between: from one that is ours alone it becomes one that others may have, too. */
static int
s_finish (s_put_t *put)
{
    const s_name_t part = s_name (put->id, S_PART), blob = s_name (put->id, S_BLOB);
    s_store_t *store = put->store;
    if (ftruncate (put->fd, (off_t) (S_HEAD + put->head.size)) || !s_write_head (put->fd, &put->head)
        || (store->options.durable && fsync (put->fd)))
        return s_code ();
    if (put->head.counted && (flock (put->fd, LOCK_SH) || s_hold_new (store, put->id, put->fd)))
        return ZANNI_ENOMEM;
    if (renameat (store->folder, part.text, store->folder, blob.text)) {
        int rc = s_code ();
        if (put->head.counted) {
            s_hold_t *hold = store->holds;
            store->holds = hold->next;
            zanni__free (hold);
        }
        return rc;
    }
    if (store->options.durable)
        (void) fsync (store->folder);
    return 0;
}

static int
s_commit (void *context, const zanni_stored_t *stored)
{
    s_put_t *put = context;
    put->head.state = S_WHOLE;
    put->head.checksum = stored->checksum;
    int rc = s_fits (put->store, s_used (put->store), 0) ? s_finish (put) : ZANNI_ENOSPACE;
    if (rc) {
        s_abort (put);
        return rc;
    }
    if (!put->head.counted)
        close (put->fd);   // else it is the hold's
    zanni__free (put);
    return 0;
}

/* Opens a blob, or a put that goes on; its head is read. Only its name says that it is whole. */
static int
s_find (const s_store_t *store, const uint8_t id [16], int *fd_p, s_head_t *head)
{
    const s_name_t blob = s_name (id, S_BLOB), part = s_name (id, S_PART);
    bool going = false;
    int fd = openat (store->folder, blob.text, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        fd = openat (store->folder, part.text, O_RDONLY | O_CLOEXEC);
        going = fd >= 0;
    }
    if (fd < 0 && errno == ENOENT)   // it was renamed between the two
        fd = openat (store->folder, blob.text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return s_code ();
    int rc = s_read_head (fd, head) ? 0 : ZANNI_ECORRUPT;
    if (!rc && going && head->state == S_WHOLE)
        head->state = S_GOES_ON;
    if (!rc && (s_is_expired (head) || head->state == S_ABORTED))
        rc = ZANNI_EGONE;
    if (rc)
        close (fd);
    else
        *fd_p = fd;
    return rc;
}

typedef struct {
    void *at;
    size_t size;
} s_map_t;

static void
s_unmap (void *data, void *hint)
{
    s_map_t *map = hint;
    (void) data;
    (void) munmap (map->at, map->size);
    zanni__free (map);
}

static int
s_map (int fd, zanni_found_t *found)
{
    struct stat status;
    uint64_t size = S_HEAD + found->stored.size;
    if (fstat (fd, &status) || (uint64_t) status.st_size < size)
        return ZANNI_ECORRUPT;
    s_map_t *map = zanni__malloc (sizeof *map);
    if (!map)
        return ZANNI_ENOMEM;
    *map = (s_map_t) { mmap (NULL, size, PROT_READ, MAP_SHARED, fd, 0), size };
    if (map->at == MAP_FAILED) {
        zanni__free (map);
        return s_code ();
    }
    found->data = (const uint8_t *) map->at + S_HEAD;
    found->release = s_unmap;
    found->hint = map;
    found->mapped = true;
    return 0;
}

static int
s_get (void *context, zanni_found_t *found, const zanni_blob_t *blob)
{
    s_head_t head;
    int fd;
    int rc = s_find (context, blob->id, &fd, &head);
    if (rc)
        return rc;
    memcpy (found->stored.id, blob->id, sizeof found->stored.id);
    found->stored.size = head.size;
    found->stored.checksum = head.checksum;
    rc = head.state == S_WHOLE ? s_map (fd, found) : ZANNI_EAGAIN;
    close (fd);
    return rc;
}

static int
s_read (void *context, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size, bool *more)
{
    s_head_t head;
    int fd;
    int rc = s_find (context, blob->id, &fd, &head);
    if (rc)
        return rc;
    uint64_t left = offset < head.size ? head.size - offset : 0;
    size_t wanted = left < *size ? (size_t) left : *size;
    ssize_t got = wanted ? pread (fd, data, wanted, (off_t) (S_HEAD + offset)) : 0;
    *more = head.state == S_GOES_ON;
    if (got < 0)
        rc = s_code ();
    else if (!got && *more && s_lock (fd, LOCK_EX) && s_read_head (fd, &head) && head.state == S_GOES_ON)
        rc = ZANNI_EGONE;   // nobody puts it any more
    else
        *size = (size_t) got;
    close (fd);
    return rc;
}

/* Looks once more behind having begun to watch: what came in between would not be told. */
static void
s_wait (void *context, const zanni_blob_t *blob, uint64_t offset, uint32_t timeout_ms)
{
    char path [64];
    s_head_t head;
    int fd;
    if (s_find (context, blob->id, &fd, &head))
        return;
    struct pollfd item = { .fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN };
    snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
    bool watches = item.fd >= 0
                   && inotify_add_watch (item.fd, path, IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB | IN_CLOSE_WRITE)
                          >= 0;
    if (s_read_head (fd, &head) && head.state == S_GOES_ON && head.size <= offset)
        (void) poll (&item, watches ? 1 : 0, watches ? (int) timeout_ms : 1);
    if (item.fd >= 0)
        close (item.fd);
    close (fd);
}

typedef struct {
    int (*each) (void *context, const zanni_stored_t *stored);
    void *context;
} s_listing_t;

static int
s_list_one (const s_store_t *store, const char *name, void *context)
{
    const s_listing_t *listing = context;
    s_head_t head;
    zanni_stored_t stored = { .size = 0 };
    int fd = openat (store->folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    bool good = s_read_head (fd, &head) && !s_is_expired (&head) && zanni__id_parse (stored.id, name);
    close (fd);
    stored.size = head.size;
    stored.checksum = head.checksum;
    stored.expires_ms = head.expires_ms;
    stored.counted = head.counted;
    return good ? listing->each (listing->context, &stored) : 0;
}

static int
s_list (void *context, int (*each) (void *, const zanni_stored_t *), void *inner)
{
    s_listing_t listing = { each, inner };
    s_sweep (context);
    return s_each (context, S_BLOB, s_list_one, &listing);
}

static int
s_drop (void *context, const zanni_blob_t *blob)
{
    const s_store_t *store = context;
    const s_name_t name = s_name (blob->id, S_BLOB);
    return unlinkat (store->folder, name.text, 0) ? s_code () : 0;
}

static int
s_retain (void *context, const zanni_blob_t *blob)
{
    s_store_t *store = context;
    s_head_t head;
    int fd;
    s_hold_t *hold = *s_hold (store, blob->id);
    if (hold) {
        hold->count++;
        return 0;
    }
    int rc = s_find (store, blob->id, &fd, &head);
    if (rc)
        return rc;
    if (head.state != S_WHOLE || !s_lock (fd, LOCK_SH))
        rc = head.state == S_WHOLE ? ZANNI_EGONE : ZANNI_EAGAIN;   // the last one is deleting it
    else
        rc = s_hold_new (store, blob->id, fd);
    if (rc)
        close (fd);
    return rc;
}

static int
s_release (void *context, const zanni_blob_t *blob)
{
    s_hold_t **at = s_hold (context, blob->id);
    if (!*at)
        return ZANNI_EINVAL;
    if (!--(*at)->count)
        s_let_go (context, at);
    return 0;
}

const zanni_store_ops_t zanni__store_file = {
    .size = sizeof (zanni_store_ops_t), .kind = "file", .open = s_open, .close = s_close, .begin = s_begin,
    .append = s_append, .commit = s_commit, .abort = s_abort, .get = s_get, .read = s_read, .wait = s_wait, .list = s_list,
    .drop = s_drop, .retain = s_retain, .release = s_release
};
