/* How a store in shared memory reaches what others have put.

   One connection goes to each handle that was asked for something; buffers that came by it keep it, since its end would say
   that they are not used any more. The last mappings are kept, too: blobs lie in the owner's pool, so the next one is mostly
   where one was before, and to map it anew costs a fault a page. When the owner has given memory back to the system they
   are let go of. Nothing that comes is believed: a descriptor has to be memory of a fixed size that
   nobody can write to any more, and large enough. */

#include "shm.h"

#include "../../base/memfd.h"
#include "../../base/memory.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define S_PATIENCE_MS 1000   // for room to give something back
#define S_KEPT 4             // mappings that nobody may use

/* Memory of the owner's, mapped to read. */
typedef struct s_mapping {
    struct s_mapping *next;    // of the client's
    _Atomic uint32_t users;    // the client, and each buffer in it; the last (acq_rel) unmaps
    ino_t inode;               // of the memory file, which stays as long as it is mapped
    void *at;
    size_t size;
} s_mapping_t;

struct zanni__shm_client {
    zanni__shm_client_t *next;
    _Atomic uint32_t users;    // the handle, and each buffer; the last (acq_rel) hangs up
    uint64_t number;
    uint64_t gone;             // as the owner has said last
    s_mapping_t *mappings;     // the last one first; of the handle's thread
    int fd;
};

/* A blob that lies in one. */
typedef struct {
    zanni__shm_client_t *client;
    uint64_t lease;
    s_mapping_t *mapping;
} s_lease_t;

static void
s_mapping_unuse (s_mapping_t *mapping)
{
    if (atomic_fetch_sub_explicit (&mapping->users, 1, memory_order_acq_rel) > 1)
        return;
    (void) munmap (mapping->at, mapping->size);
    zanni__free (mapping);
}

/* All but the first `kept` are not kept any more. */
static void
s_mappings_trim (zanni__shm_client_t *client, int kept)
{
    s_mapping_t **at = &client->mappings;
    while (*at && kept--)
        at = &(*at)->next;
    while (*at) {
        s_mapping_t *mapping = *at;
        *at = mapping->next;
        s_mapping_unuse (mapping);
    }
}

static void
s_unuse (zanni__shm_client_t *client)
{
    if (atomic_fetch_sub_explicit (&client->users, 1, memory_order_acq_rel) > 1)
        return;
    close (client->fd);
    zanni__free (client);
}

void
zanni__shm_hang_up (zanni__shm_t *shm)
{
    while (shm->clients) {
        zanni__shm_client_t *client = shm->clients;
        shm->clients = client->next;
        s_mappings_trim (client, 0);
        s_unuse (client);
    }
}

/* Whoever put it has ended, or never was: ZANNI_EGONE. ZANNI_ETIMEOUT: too many ask at once. */
static int
s_dial (int *fd_p, uint64_t number)
{
    struct sockaddr_un address;
    uint8_t tag [8];
    memcpy (tag, &number, sizeof tag);
    zanni__rundir_beside (tag, &address);
    int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ZANNI_EDESCRIPTORS;
    int rc = connect (fd, (const struct sockaddr *) &address, sizeof address) ? errno == EAGAIN ? ZANNI_ETIMEOUT : ZANNI_EGONE
                                                                             : 0;
    if (!rc && !zanni__pass_is_ours (fd))
        rc = ZANNI_EGONE;
    if (rc)
        close (fd);
    else
        *fd_p = fd;
    return rc;
}

static int
s_client (zanni__shm_t *shm, zanni__shm_client_t **client_p, uint64_t number)
{
    zanni__shm_client_t *client = shm->clients;
    while (client && client->number != number)
        client = client->next;
    if (client) {
        *client_p = client;
        return 0;
    }
    int fd;
    int rc = s_dial (&fd, number);
    if (rc)
        return rc;
    client = zanni__calloc (sizeof *client);
    if (!client) {
        close (fd);
        return ZANNI_ENOMEM;
    }
    atomic_init (&client->users, 1);
    client->number = number;
    client->fd = fd;
    client->next = shm->clients;
    shm->clients = client;
    *client_p = client;
    return 0;
}

/* The connection is of no use any more; buffers that came by it keep it. */
static int
s_forget (zanni__shm_t *shm, zanni__shm_client_t *client, int rc)
{
    zanni__shm_client_t **at = &shm->clients;
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    s_mappings_trim (client, 0);
    s_unuse (client);
    return rc;
}

static int
s_await (int fd, int64_t until_ms)
{
    struct pollfd item = { .fd = fd, .events = POLLIN };
    for (;;) {
        int64_t left_ms = until_ms - zanni__store_ticks_ms ();
        int ready = poll (&item, 1, left_ms > 0 ? (int) left_ms : 0);
        if (ready > 0)
            return 0;
        if (ready == 0 && left_ms <= 0)
            return ZANNI_ETIMEOUT;
    }
}

/* Sends a request and waits for its answer to be there. */
static int
s_request (zanni__shm_t *shm, zanni__shm_client_t **client_p, const zanni_blob_t *blob, zanni__shm_request_t *request)
{
    int64_t until_ms = zanni__store_ticks_ms () + shm->options.deadline_ms
                       + (request->op == ZANNI__SHM_WAIT ? request->timeout_ms : 0);
    int rc = s_client (shm, client_p, blob->store);
    if (rc)
        return rc;
    memcpy (request->id, blob->id, sizeof request->id);
    if (!zanni__pass ((*client_p)->fd, request, sizeof *request, NULL, 0))
        return s_forget (shm, *client_p, ZANNI_EGONE);
    rc = s_await ((*client_p)->fd, until_ms);
    return rc ? s_forget (shm, *client_p, rc) : 0;
}

int
zanni__shm_ask (zanni__shm_t *shm, const zanni_blob_t *blob, zanni__shm_request_t *request, zanni__shm_answer_t *answer)
{
    zanni__shm_client_t *client;
    int rc = s_request (shm, &client, blob, request);
    if (rc)
        return rc;
    rc = zanni__pass_take (client->fd, answer, sizeof *answer, NULL, 0);
    return rc ? s_forget (shm, client, ZANNI_EGONE) : 0;
}

int
zanni__shm_read (zanni__shm_t *shm, const zanni_blob_t *blob, uint64_t offset, void *data, zanni__shm_answer_t *answer)
{
    zanni__shm_client_t *client;
    zanni__shm_request_t request = { .op = ZANNI__SHM_READ, .offset = offset, .timeout_ms = answer->got };
    struct iovec pieces [2] = { { answer, sizeof *answer }, { data, answer->got } };
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };
    int rc = s_request (shm, &client, blob, &request);
    if (rc)
        return rc;
    ssize_t size = recvmsg (client->fd, &message, MSG_DONTWAIT);
    if (size < (ssize_t) sizeof *answer || (size_t) size != sizeof *answer + answer->got)
        return s_forget (shm, client, ZANNI_EGONE);
    return answer->rc;
}

/* Whether the owner hears of it or not, it is not used here any more. */
static void
s_give (void *data, void *hint)
{
    s_lease_t *lease = hint;
    const zanni__shm_request_t request = { .op = ZANNI__SHM_GIVE, .offset = lease->lease };
    (void) data;
    s_mapping_unuse (lease->mapping);
    if (!zanni__pass (lease->client->fd, &request, sizeof request, NULL, 0)) {   // it is full, or of no use any more
        struct pollfd item = { .fd = lease->client->fd, .events = POLLOUT };
        if (poll (&item, 1, S_PATIENCE_MS) == 1)
            (void) zanni__pass (lease->client->fd, &request, sizeof request, NULL, 0);
    }
    s_unuse (lease->client);
    zanni__free (lease);
}

/* A new mapping, which the client keeps. */
static int
s_map_new (zanni__shm_client_t *client, ino_t inode, size_t size, int fd)
{
    if (!zanni__memfd_is_good (fd, size, true))
        return ZANNI_ECORRUPT;
    s_mapping_t *mapping = zanni__malloc (sizeof *mapping);
    if (!mapping)
        return ZANNI_ENOMEM;
    *mapping = (s_mapping_t) {
        .next = client->mappings, .inode = inode, .size = size, .at = mmap (NULL, size, PROT_READ, MAP_SHARED, fd, 0)
    };
    if (mapping->at == MAP_FAILED) {
        zanni__free (mapping);
        return ZANNI_ENOMEM;
    }
    atomic_init (&mapping->users, 1);
    client->mappings = mapping;
    s_mappings_trim (client, S_KEPT);
    return 0;
}

/* The mapping of a memory file comes first among the client's, where it is not yet. */
static int
s_map_find (zanni__shm_client_t *client, size_t size, int fd)
{
    struct stat file;
    if (fstat (fd, &file))
        return ZANNI_ECORRUPT;
    s_mapping_t **at = &client->mappings;
    while (*at && ((*at)->inode != file.st_ino || (*at)->size != size))
        at = &(*at)->next;
    if (!*at)
        return s_map_new (client, file.st_ino, size, fd);
    s_mapping_t *mapping = *at;
    *at = mapping->next;
    mapping->next = client->mappings;
    client->mappings = mapping;
    return 0;
}

static int
s_map (zanni__shm_client_t *client, const zanni__shm_answer_t *answer, int fd, zanni_found_t *found)
{
    if (!answer->segment_size || answer->offset > answer->segment_size
        || answer->size > answer->segment_size - answer->offset)
        return ZANNI_ECORRUPT;
    if (answer->gone != client->gone)
        s_mappings_trim (client, 0);
    client->gone = answer->gone;
    s_lease_t *lease = zanni__malloc (sizeof *lease);
    int rc = lease ? s_map_find (client, answer->segment_size, fd) : ZANNI_ENOMEM;
    if (rc) {
        zanni__free (lease);
        return rc;
    }
    *lease = (s_lease_t) { client, answer->lease, client->mappings };
    /* relaxed, both: the handle's own uses keep them meanwhile. */
    atomic_fetch_add_explicit (&client->users, 1, memory_order_relaxed);
    atomic_fetch_add_explicit (&lease->mapping->users, 1, memory_order_relaxed);
    found->data = (const uint8_t *) lease->mapping->at + answer->offset;
    found->release = s_give;
    found->hint = lease;
    found->mapped = true;
    return 0;
}

/* A small one is copied, piece by piece. */
static int
s_copy (zanni__shm_t *shm, zanni_found_t *found, const zanni_blob_t *blob)
{
    int rc = zanni__buffer_new (&found->buffer, shm->memory->ops, shm->memory->region, found->stored.size);
    if (rc)
        return rc;
    uint8_t *data = found->buffer->data;
    for (uint64_t at = 0; !rc && at < found->stored.size;) {
        uint64_t left = found->stored.size - at;
        zanni__shm_answer_t answer = { .got = left < ZANNI__SHM_PIECE ? (uint32_t) left : ZANNI__SHM_PIECE };
        rc = zanni__shm_read (shm, blob, at, data + at, &answer);
        at += answer.got;
        if (!rc && !answer.got)
            rc = ZANNI_EGONE;
    }
    if (rc)
        zanni_buffer_destroy (&found->buffer);
    return rc;
}

int
zanni__shm_fetch (zanni__shm_t *shm, zanni_found_t *found, const zanni_blob_t *blob)
{
    zanni__shm_client_t *client;
    zanni__shm_request_t request = { .op = ZANNI__SHM_GET };
    zanni__shm_answer_t answer;
    int fd = -1;
    int rc = s_request (shm, &client, blob, &request);
    if (rc)
        return rc;
    if (recv (client->fd, &answer, sizeof answer, MSG_PEEK | MSG_DONTWAIT) != (ssize_t) sizeof answer
        || zanni__pass_take (client->fd, &answer, sizeof answer, &fd, answer.shared ? 1 : 0))
        return s_forget (shm, client, ZANNI_EGONE);
    memcpy (found->stored.id, blob->id, sizeof found->stored.id);
    found->stored.size = answer.size;
    found->stored.checksum = answer.checksum;
    if (answer.rc) {
        if (fd >= 0)
            close (fd);
        return answer.rc;
    }
    if (!answer.shared)
        return s_copy (shm, found, blob);
    rc = s_map (client, &answer, fd, found);
    close (fd);
    return rc;
}
