/* The thread that answers for a store in shared memory.

   It runs no code of the program's, so it always answers. What a connection has, leases of buffers and holds of counted
   blobs, is given back when its other end is gone. A store that is closed while others may still have its memory mapped
   abandons that memory: it is not used for anything else. */

#include "shm.h"

#include "../../base/assert.h"
#include "../../base/memory.h"
#include "../../base/sockets.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define S_CONNECTIONS 256

typedef struct s_lease {
    struct s_lease *next;
    uint64_t number;
    zanni_buffer_t *buffer;
} s_lease_t;

typedef struct s_hold {
    struct s_hold *next;
    uint8_t id [16];
} s_hold_t;

typedef struct {
    int fd;
    s_lease_t *leases;
    s_hold_t *holds;
    uint64_t last;             // lease
    bool waits;                // for more of:
    uint8_t id [16];
    uint64_t offset;
    int64_t until_ms;
} s_connection_t;

typedef struct {
    zanni__shm_t *shm;
    s_connection_t connections [S_CONNECTIONS];
    int count;
} s_server_t;

static bool
s_answer (s_connection_t *connection, const zanni__shm_answer_t *answer, const void *data)
{
    struct iovec pieces [2] = { { (void *) (uintptr_t) answer, sizeof *answer }, { (void *) (uintptr_t) data, answer->got } };
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = answer->got ? 2 : 1 };
    return sendmsg (connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* A descriptor, where others can map the buffer; the lease keeps it. */
static void
s_share (const zanni__shm_t *shm, s_connection_t *connection, const zanni__blob_t *blob, zanni__shm_answer_t *answer, int *fd)
{
    zanni_segment_t segment;
    if (!blob->buffer || !blob->stored.size || !zanni__buffer_segment (blob->buffer, &segment))
        return;
    s_lease_t *lease = zanni__malloc (sizeof *lease);
    if (!lease) {
        answer->rc = ZANNI_ENOMEM;
        return;
    }
    *lease = (s_lease_t) { connection->leases, ++connection->last, zanni_buffer_keep (blob->buffer) };
    connection->leases = lease;
    answer->shared = 1;
    answer->lease = lease->number;
    answer->segment_size = segment.size;
    answer->gone = shm->memory->ops->gone (shm->memory->region);
    answer->offset = segment.offset;
    *fd = segment.fd;
}

static bool
s_get (zanni__shm_t *shm, s_connection_t *connection, const zanni__shm_request_t *request)
{
    zanni__shm_answer_t answer = { .rc = 0 };
    int fd = -1;
    pthread_mutex_lock (&shm->memory->lock);
    const zanni__blob_t *blob = zanni__memory_find (shm->memory, request->id);
    if (!blob || !blob->whole)
        answer.rc = blob ? ZANNI_EAGAIN : ZANNI_EGONE;
    else {
        answer.size = blob->stored.size;
        answer.checksum = blob->stored.checksum;
        s_share (shm, connection, blob, &answer, &fd);
    }
    pthread_mutex_unlock (&shm->memory->lock);
    return zanni__pass (connection->fd, &answer, sizeof answer, &fd, fd >= 0);
}

static void
s_give (s_connection_t *connection, uint64_t number, bool all)
{
    s_lease_t **at = &connection->leases;
    while (*at) {
        s_lease_t *lease = *at;
        if (!all && lease->number != number) {
            at = &lease->next;
            continue;
        }
        *at = lease->next;
        zanni_buffer_destroy (&lease->buffer);
        zanni__free (lease);
    }
}

static bool
s_read (zanni__shm_t *shm, s_connection_t *connection, const zanni__shm_request_t *request)
{
    zanni__shm_answer_t answer = { .rc = ZANNI_EGONE };
    pthread_mutex_lock (&shm->memory->lock);
    const zanni__blob_t *blob = zanni__memory_find (shm->memory, request->id);
    const void *data = NULL;
    if (blob) {
        uint64_t left = request->offset < blob->stored.size ? blob->stored.size - request->offset : 0;
        uint64_t most = request->timeout_ms < ZANNI__SHM_PIECE ? request->timeout_ms : ZANNI__SHM_PIECE;
        answer = (zanni__shm_answer_t) { .size = blob->stored.size, .more = !blob->whole, .got = (uint32_t) (left < most ? left : most) };
        data = answer.got ? blob->buffer->data + request->offset : NULL;
    }
    bool good = s_answer (connection, &answer, data);
    pthread_mutex_unlock (&shm->memory->lock);
    return good;
}

static bool
s_hold (zanni__shm_t *shm, s_connection_t *connection, const zanni__shm_request_t *request)
{
    s_hold_t *hold = zanni__malloc (sizeof *hold);
    const zanni__shm_answer_t answer = { .rc = hold ? zanni__memory_hold (shm->memory, request->id) : ZANNI_ENOMEM };
    if (answer.rc)
        zanni__free (hold);
    else {
        hold->next = connection->holds;
        memcpy (hold->id, request->id, sizeof hold->id);
        connection->holds = hold;
    }
    return s_answer (connection, &answer, NULL);
}

static bool
s_unhold (zanni__shm_t *shm, s_connection_t *connection, const zanni__shm_request_t *request)
{
    zanni__shm_answer_t answer = { .rc = ZANNI_EINVAL };
    s_hold_t **at = &connection->holds;
    while (*at && memcmp ((*at)->id, request->id, sizeof request->id))
        at = &(*at)->next;
    if (*at) {
        s_hold_t *hold = *at;
        *at = hold->next;
        zanni__free (hold);
        answer.rc = zanni__memory_unhold (shm->memory, request->id);
    }
    return s_answer (connection, &answer, NULL);
}

static bool
s_drop (zanni__shm_t *shm, s_connection_t *connection, const zanni__shm_request_t *request)
{
    const zanni__shm_answer_t answer = { .rc = zanni__memory_drop (shm->memory, request->id) };
    return s_answer (connection, &answer, NULL);
}

static bool
s_obey (zanni__shm_t *shm, s_connection_t *connection, const zanni__shm_request_t *request)
{
    switch (request->op) {
    case ZANNI__SHM_GET:
        return s_get (shm, connection, request);
    case ZANNI__SHM_GIVE:
        s_give (connection, request->offset, false);
        return true;
    case ZANNI__SHM_READ:
        return s_read (shm, connection, request);
    case ZANNI__SHM_WAIT:
        connection->waits = true;
        connection->offset = request->offset;
        connection->until_ms = zanni__store_ticks_ms () + request->timeout_ms;
        memcpy (connection->id, request->id, sizeof connection->id);
        return true;
    case ZANNI__SHM_RETAIN:
        return s_hold (shm, connection, request);
    case ZANNI__SHM_RELEASE:
        return s_unhold (shm, connection, request);
    case ZANNI__SHM_DROP:
        return s_drop (shm, connection, request);
    default:
        return false;
    }
}

/* Its other end is gone, or does not keep to the rules; `alive`: it may still have what it was given. */
static void
s_end (s_server_t *server, int index, bool alive)
{
    s_connection_t *connection = &server->connections [index];
    zanni__shm_t *shm = server->shm;
    for (s_lease_t *lease = connection->leases; lease && alive; lease = lease->next)
        zanni__buffer_abandon (lease->buffer);
    s_give (connection, 0, true);
    while (connection->holds) {
        s_hold_t *hold = connection->holds;
        connection->holds = hold->next;
        (void) zanni__memory_unhold (shm->memory, hold->id);
        zanni__free (hold);
    }
    close (connection->fd);
    *connection = server->connections [--server->count];
}

/* Everything that it said by now; false: it is to end, and `*gone` says whether it did so itself. */
static bool
s_listen_to (zanni__shm_t *shm, s_connection_t *connection, bool *gone)
{
    zanni__shm_request_t request;
    for (;;) {
        ssize_t size = recv (connection->fd, &request, sizeof request, MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        *gone = size <= 0;
        if (size != (ssize_t) sizeof request || !s_obey (shm, connection, &request))
            return false;
    }
}

static void
s_accept (s_server_t *server)
{
    int fd;
    while ((fd = accept4 (server->shm->seat.lane_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        if (server->count == S_CONNECTIONS || !zanni__pass_is_ours (fd)) {
            close (fd);
            continue;
        }
        server->connections [server->count++] = (s_connection_t) { .fd = fd };
    }
}

/* Answers those who wait for what has come, or long enough. Milliseconds until the next; -1: nobody waits. */
static int
s_wake (s_server_t *server)
{
    int64_t now_ms = zanni__store_ticks_ms (), next_ms = INT64_MAX;
    for (int i = 0; i < server->count; i++) {
        s_connection_t *connection = &server->connections [i];
        const zanni__shm_answer_t answer = { .rc = 0 };
        if (!connection->waits)
            continue;
        if (connection->until_ms <= now_ms || zanni__memory_has_more (server->shm->memory, connection->id, connection->offset)) {
            connection->waits = false;
            (void) s_answer (connection, &answer, NULL);
        }
        else if (connection->until_ms < next_ms)
            next_ms = connection->until_ms;
    }
    return next_ms == INT64_MAX ? -1 : (int) (next_ms - now_ms);
}

static bool
s_is_stopping (zanni__shm_t *shm)
{
    pthread_mutex_lock (&shm->memory->lock);
    bool stopping = shm->stopping;
    pthread_mutex_unlock (&shm->memory->lock);
    return stopping;
}

static void
s_look (s_server_t *server, int timeout_ms)
{
    struct pollfd items [S_CONNECTIONS + 2];
    int count = server->count;
    uint64_t rings;
    items [0] = (struct pollfd) { .fd = server->shm->wake_fd, .events = POLLIN };
    items [1] = (struct pollfd) { .fd = server->shm->seat.lane_fd, .events = POLLIN };
    for (int i = 0; i < count; i++)
        items [i + 2] = (struct pollfd) { .fd = server->connections [i].fd, .events = POLLIN };
    (void) poll (items, (nfds_t) count + 2, timeout_ms);
    ssize_t size = read (server->shm->wake_fd, &rings, sizeof rings);
    (void) size;
    for (int i = count - 1; i >= 0; i--) {   // who ends is replaced by one that was looked at
        bool gone = false;
        if (items [i + 2].revents && !s_listen_to (server->shm, &server->connections [i], &gone))
            s_end (server, i, !gone);
    }
    s_accept (server);
}

static void *
s_main (void *context)
{
    s_server_t *server = context;
    (void) prctl (PR_SET_NAME, "zanni shm");
    while (!s_is_stopping (server->shm))
        s_look (server, s_wake (server));
    while (server->count)
        s_end (server, server->count - 1, true);
    zanni__free (server);
    return NULL;
}

/* The thread gets no signal of the host's. */
static int
s_start (zanni__shm_t *shm)
{
    sigset_t all, before;
    s_server_t *server = zanni__calloc (sizeof *server);
    if (!server)
        return ZANNI_ENOMEM;
    server->shm = shm;
    sigfillset (&all);
    (void) pthread_sigmask (SIG_SETMASK, &all, &before);
    int rc = pthread_create (&shm->server, NULL, s_main, server) ? ZANNI_ETHREADS : 0;
    (void) pthread_sigmask (SIG_SETMASK, &before, NULL);
    if (rc)
        zanni__free (server);
    return rc;
}

int
zanni__shm_serve (zanni__shm_t *shm)
{
    if (shm->lease)
        return 0;
    shm->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (shm->wake_fd < 0)
        return ZANNI_EDESCRIPTORS;
    int rc = zanni__lease_new (&shm->lease, shm->number, NULL);
    if (!rc)
        rc = zanni__lease_listen (shm->lease, &shm->seat);
    if (!rc)
        rc = s_start (shm);
    if (!rc)
        return 0;
    zanni__seat_close (&shm->seat);
    zanni__lease_destroy (&shm->lease);
    close (shm->wake_fd);
    shm->wake_fd = -1;
    return rc;
}

void
zanni__shm_changed (void *context)
{
    const zanni__shm_t *shm = context;
    const uint64_t one = 1;
    if (shm->wake_fd < 0)
        return;
    ssize_t size = write (shm->wake_fd, &one, sizeof one);
    (void) size;
}

void
zanni__shm_stop (zanni__shm_t *shm)
{
    if (!shm->lease)
        return;
    pthread_mutex_lock (&shm->memory->lock);
    shm->stopping = true;
    pthread_mutex_unlock (&shm->memory->lock);
    zanni__shm_changed (shm);
    (void) pthread_join (shm->server, NULL);
    zanni__lease_destroy (&shm->lease);
    zanni__seat_close (&shm->seat);
    close (shm->wake_fd);
    shm->wake_fd = -1;
}
