/* The user's runtime directory: $XDG_RUNTIME_DIR/zanni, or /tmp/zanni-<uid> where that variable is not set or no good.

   A name in it begins with the tag of its lease, 16 hex digits: "<tag>.lock", which the holder keeps locked by flock
   for as long as it lives, and sockets "<tag>-<number>", each with another one, "<tag>-<number>+", beside it. The
   kernel gives the lock back however the holder ends, so whoever gets the lock of another's tag knows that its holder
   is dead, and may unlink what has that tag. It keeps the lock while it does; and a lock that was got is only good if
   the file is still the one at that name, since a sweeper may have unlinked it in between. A socket whose lock file
   is gone is swept by making that file: so nobody can begin to use the tag meanwhile. Who has a dead one's lock
   unlinks all that has its tag, not only what it came across: another sweeper that finds the lock taken passes on,
   and may do so for good.

   Nothing in here relies on the umask, which is the host's: the directory is 0700 and looked at before it is used, and
   sockets are made 0600 inside. Names of abstract sockets have no owner, and a pid in a file says little about a process
   that may be dead; neither is used. */

#include "rundir.h"

#include "memory.h"
#include "system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define S_SCHEME "ipc://"
#define S_TAG 16                // hex digits
#define S_DIRECTORY_MAX 72      // bytes of its path; scheme, tag, number and NUL go with it into an endpoint
#define S_LOCK_MAX (S_TAG + 6)
#define S_NO_MODE "the runtime directory cannot be given the mode 0700"
#define S_TRIES 1000            // a sweeper holds a lock for the time of two system calls, if it gets its processor

struct zanni__lease {
    char directory [S_DIRECTORY_MAX + 1];
    char tag [S_TAG + 1];
    int lock_fd;
    _Atomic uint32_t next;      // number of a socket (relaxed: only its uniqueness counts)
};

static int
s_fail (const char **why, int code, const char *text)
{
    *why = text;
    return code;
}

/* Whether the system gave us a folder of our own. */
static bool
s_is_ours (const char *folder)
{
    struct stat status;
    return *folder == '/' && !stat (folder, &status) && S_ISDIR (status.st_mode) && status.st_uid == geteuid ();
}

static void
s_name_directory (char path [S_DIRECTORY_MAX + 1])
{
    const char *folder = getenv ("XDG_RUNTIME_DIR");
    if (folder && strlen (folder) + sizeof "/zanni" <= S_DIRECTORY_MAX && s_is_ours (folder))
        snprintf (path, S_DIRECTORY_MAX + 1, "%s/zanni", folder);
    else
        snprintf (path, S_DIRECTORY_MAX + 1, "/tmp/zanni-%u", geteuid ());
}

/* What is wrong with the directory, or NULL. A mode that a strange umask took bits from is put right. */
static const char *
s_directory_fault (int directory)
{
    struct stat status;
    if (fstat (directory, &status))
        return "the runtime directory cannot be looked at";
    if (status.st_uid != geteuid ())
        return "the runtime directory belongs to another user";
    if (status.st_mode & 077)
        return "the runtime directory is open to other users: its mode should be 0700";
    if ((status.st_mode & 0700) != 0700 && fchmod (directory, 0700))
        return S_NO_MODE;
    return NULL;
}

/* A descriptor of the directory, checked. */
static int
s_open_directory (int *directory_p, const char *path, const char **why)
{
    struct stat status;
    int directory = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) {
        int code = zanni__system_code (errno);
        if (!lstat (path, &status) && S_ISLNK (status.st_mode))
            return s_fail (why, code, "the runtime directory is a symbolic link");
        return s_fail (why, code, "the runtime directory cannot be opened");
    }
    const char *fault = s_directory_fault (directory);
    if (fault) {
        close (directory);
        return s_fail (why, ZANNI_ESYSTEM, fault);
    }
    *directory_p = directory;
    return 0;
}

static int
s_make_directory (const char *path, const char **why)
{
    if (!mkdir (path, 0700))
        return chmod (path, 0700) ? s_fail (why, zanni__system_code (errno), S_NO_MODE) : 0;
    return errno == EEXIST ? 0 : s_fail (why, zanni__system_code (errno), "the runtime directory cannot be made");
}

static bool
s_is_same_file (int fd, int directory, const char *name)
{
    struct stat held, named;
    return !fstat (fd, &held) && !fstatat (directory, name, &named, AT_SYMLINK_NOFOLLOW)
           && held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

/* Makes and locks the file; answers its descriptor, or -1: EWOULDBLOCK says that another has it. */
static int
s_lock (int directory, const char *name)
{
    for (;;) {
        int fd = openat (directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return -1;
        if (flock (fd, LOCK_EX | LOCK_NB)) {
            int error = errno;
            close (fd);
            errno = error;
            return -1;
        }
        if (s_is_same_file (fd, directory, name)) {
            (void) fchmod (fd, 0600);
            return fd;
        }
        close (fd);   // a sweeper unlinked it just now
    }
}

static bool
s_is_tag (const char *name)
{
    return strspn (name, "0123456789abcdef") == S_TAG;
}

static bool
s_is_lock_name (const char *name)
{
    return s_is_tag (name) && !strcmp (name + S_TAG, ".lock");
}

static bool
s_is_socket_name (const char *name)
{
    if (!s_is_tag (name) || name [S_TAG] != '-')
        return false;
    size_t digits = strspn (name + S_TAG + 1, "0123456789");
    const char *rest = name + S_TAG + 1 + digits;
    return digits && (!*rest || !strcmp (rest, ZANNI__LANE_SUFFIX));
}

static void
s_unlink_socket (int directory, const char *name)
{
    struct stat status;
    if (!fstatat (directory, name, &status, AT_SYMLINK_NOFOLLOW) && S_ISSOCK (status.st_mode))
        (void) unlinkat (directory, name, 0);
}

/* Calls `see` for every name in the directory. */
static void
s_each (int directory, void (*see) (int directory, const char *name, const char *tag), const char *tag)
{
    int fd = openat (directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir (fd);
    if (!folder) {
        if (fd >= 0)
            close (fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir (folder));)
        see (directory, entry->d_name, tag);
    closedir (folder);
}

static void
s_see_own (int directory, const char *name, const char *tag)
{
    if (s_is_socket_name (name) && !strncmp (name, tag, S_TAG))
        s_unlink_socket (directory, name);
}

/* Unlinks all that has this tag, its lock at last, unless that is held. */
static void
s_sweep_tag (int directory, const char *tag)
{
    char lock [S_LOCK_MAX];
    snprintf (lock, sizeof lock, "%.*s.lock", S_TAG, tag);
    int fd = s_lock (directory, lock);
    if (fd < 0)
        return;
    s_each (directory, s_see_own, tag);
    (void) unlinkat (directory, lock, 0);
    close (fd);
}

/* What was listed may have been swept with another of its tag. */
static void
s_see_stale (int directory, const char *name, const char *tag)
{
    (void) tag;
    if ((s_is_lock_name (name) || s_is_socket_name (name)) && !faccessat (directory, name, F_OK, AT_SYMLINK_NOFOLLOW))
        s_sweep_tag (directory, name);
}

void
zanni__rundir_sweep (void)
{
    char path [S_DIRECTORY_MAX + 1];
    const char *why;
    int directory;
    s_name_directory (path);
    if (s_open_directory (&directory, path, &why))
        return;
    s_each (directory, s_see_stale, NULL);
    close (directory);
}

/* A sweeper may have the lock for a moment, or as long as it takes until it gets a processor again. */
static int
s_lock_for_good (int directory, const char *name)
{
    const struct timespec moment = { .tv_nsec = 1000000 };
    int fd = s_lock (directory, name);
    for (int i = 0; i < S_TRIES && fd < 0 && errno == EWOULDBLOCK; i++) {
        (void) nanosleep (&moment, NULL);
        fd = s_lock (directory, name);
    }
    return fd;
}

/* Everything of a lease but its memory. */
static int
s_take (zanni__lease_t *lease, const char **why)
{
    char lock [S_LOCK_MAX];
    int directory;
    s_name_directory (lease->directory);
    int rc = s_make_directory (lease->directory, why);
    if (!rc)
        rc = s_open_directory (&directory, lease->directory, why);
    if (rc)
        return rc;
    s_each (directory, s_see_stale, NULL);
    snprintf (lock, sizeof lock, "%s.lock", lease->tag);
    lease->lock_fd = s_lock_for_good (directory, lock);
    if (lease->lock_fd < 0)
        rc = s_fail (why, zanni__system_code (errno), errno == EWOULDBLOCK ? "another process holds this lock in the runtime directory"
                                                          : "no lock can be made in the runtime directory");
    close (directory);
    return rc;
}

int
zanni__lease_new (zanni__lease_t **lease_p, const uint8_t tag [8], const char **why)
{
    const char *unsaid;
    zanni__lease_t *lease = zanni__calloc (sizeof *lease);
    if (!lease)
        return s_fail (why ? why : &unsaid, ZANNI_ENOMEM, "out of memory");
    for (int i = 0; i < S_TAG / 2; i++)
        snprintf (lease->tag + (size_t) i * 2, 3, "%02x", tag [i]);
    int rc = s_take (lease, why ? why : &unsaid);
    if (rc) {
        zanni__free (lease);
        return rc;
    }
    *lease_p = lease;
    return 0;
}

void
zanni__lease_destroy (zanni__lease_t **lease_p)
{
    zanni__lease_t *lease = *lease_p;
    char lock [S_LOCK_MAX];
    const char *why;
    int directory;
    if (!lease)
        return;
    *lease_p = NULL;
    if (!s_open_directory (&directory, lease->directory, &why)) {
        snprintf (lock, sizeof lock, "%s.lock", lease->tag);
        s_each (directory, s_see_own, lease->tag);
        if (s_is_same_file (lease->lock_fd, directory, lock))
            (void) unlinkat (directory, lock, 0);
        close (directory);
    }
    close (lease->lock_fd);
    zanni__free (lease);
}

void
zanni__lease_forget (zanni__lease_t **lease_p)
{
    zanni__lease_t *lease = *lease_p;
    if (!lease)
        return;
    *lease_p = NULL;
    close (lease->lock_fd);   // the parent's stays: the lock goes with the last of the two
    zanni__free (lease);
}

/* Binds the socket to a name that is not taken yet; what a dead holder of the same tag left may be. */
static int
s_bind (zanni__lease_t *lease, int fd, struct sockaddr_un *address)
{
    for (int i = 0; i < S_TRIES; i++) {
        uint32_t number = atomic_fetch_add_explicit (&lease->next, 1, memory_order_relaxed);
        snprintf (address->sun_path, sizeof address->sun_path, "%s/%s-%u", lease->directory, lease->tag, number);
        if (!bind (fd, (const struct sockaddr *) address, sizeof *address))
            return 0;
        if (errno != EADDRINUSE)
            break;
    }
    return zanni__system_code (errno);
}

/* The mode and the queue of a socket that is bound, which is unlinked where that fails. */
static int
s_open (int fd, const char *path)
{
    if (!chmod (path, 0600) && !listen (fd, SOMAXCONN))
        return 0;
    int rc = zanni__system_code (errno);
    (void) unlink (path);
    return rc;
}

static int
s_listen_first (zanni__lease_t *lease, zanni__seat_t *seat, struct sockaddr_un *address)
{
    seat->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = seat->fd < 0 ? zanni__system_code (errno) : s_bind (lease, seat->fd, address);
    return rc ? rc : s_open (seat->fd, address->sun_path);
}

/* Beside the first, at a name that is ours with it; a dead one's may lie there. */
static int
s_listen_beside (zanni__seat_t *seat, const struct sockaddr_un *first)
{
    struct sockaddr_un address = *first;
    strcat (address.sun_path, ZANNI__LANE_SUFFIX);
    seat->lane_fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (seat->lane_fd < 0)
        return zanni__system_code (errno);
    (void) unlink (address.sun_path);
    int rc = bind (seat->lane_fd, (const struct sockaddr *) &address, sizeof address) ? zanni__system_code (errno) : 0;
    return rc ? rc : s_open (seat->lane_fd, address.sun_path);
}

int
zanni__lease_listen (zanni__lease_t *lease, zanni__seat_t *seat)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    zanni__seat_t made = { .fd = -1, .lane_fd = -1 };
    int rc = s_listen_first (lease, &made, &address);
    if (!rc) {
        rc = s_listen_beside (&made, &address);
        if (rc)
            (void) unlink (address.sun_path);
    }
    if (rc) {
        zanni__seat_close (&made);
        return rc;
    }
    _Static_assert (sizeof S_SCHEME + S_DIRECTORY_MAX + 1 + S_TAG + 1 + 10 <= ZANNI__ENDPOINT_MAX, "an endpoint fits");
    _Static_assert (S_DIRECTORY_MAX + 1 + S_TAG + 1 + 10 + sizeof ZANNI__LANE_SUFFIX <= sizeof address.sun_path,
                    "the name beside it fits");
    snprintf (made.endpoint, sizeof made.endpoint, S_SCHEME "%.*s", ZANNI__ENDPOINT_MAX - (int) sizeof S_SCHEME,
              address.sun_path);
    *seat = made;
    return 0;
}

void
zanni__seat_close (zanni__seat_t *seat)
{
    if (seat->fd >= 0)
        close (seat->fd);
    if (seat->lane_fd >= 0)
        close (seat->lane_fd);
    seat->fd = seat->lane_fd = -1;
}

void
zanni__lease_unlisten (zanni__lease_t *lease, const char *endpoint)
{
    size_t scheme = strlen (S_SCHEME);
    size_t folder = strlen (lease->directory);
    const char *path = endpoint + scheme;
    if (strncmp (endpoint, S_SCHEME, scheme) || strncmp (path, lease->directory, folder) || path [folder] != '/')
        return;
    const char *name = path + folder + 1;
    char beside [ZANNI__ENDPOINT_MAX + sizeof ZANNI__LANE_SUFFIX];
    if (!s_is_socket_name (name) || strncmp (name, lease->tag, S_TAG))
        return;
    snprintf (beside, sizeof beside, "%s" ZANNI__LANE_SUFFIX, path);
    (void) unlink (path);
    (void) unlink (beside);
}

void
zanni__rundir_beside (const uint8_t tag [8], struct sockaddr_un *address)
{
    char directory [S_DIRECTORY_MAX + 1], text [S_TAG + 1];
    s_name_directory (directory);
    for (int i = 0; i < S_TAG / 2; i++)
        snprintf (text + (size_t) i * 2, 3, "%02x", tag [i]);
    *address = (struct sockaddr_un) { .sun_family = AF_UNIX };
    snprintf (address->sun_path, sizeof address->sun_path, "%s/%s-0" ZANNI__LANE_SUFFIX, directory, text);
}
