/* How a lane comes to be.

   Beside each endpoint that listens stands a second socket, for programs of the same user on the same host. The dialer of
   a session connects there first, which either is done at once or cannot be, and sends one packet: whose session it is,
   and the descriptors of the rings and of two eventfds, one to wake each side. Then it says HELLO, with the ability. By
   the time that HELLO is read the offer lies there; the listener checks it, maps it, and says in its WELCOME whether it
   stands. Both sides use it from the first numbered message on, or never.

   Whatever goes wrong on the way (no such socket, another user's, a queue that is full, no memory) means that there is no
   lane, and the session goes on without. What is offered by somebody who then never says HELLO is thrown away when he
   ends, or when there are too many. */

#include "hub.h"

#include "../base/memfd.h"
#include "../base/memory.h"
#include "../base/rundir.h"
#include "../base/sockets.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <fcntl.h>
#include <unistd.h>

#define S_SCHEME "ipc://"
#define S_OFFERS 64      // that may lie here
#define S_FDS 3          // the rings, the dialer's bell, the listener's

/* What the dialer sends; both sides are programs of one host, so it is as it lies in memory. */
typedef struct {
    char magic [8];
    uint32_t ring_size;        // 0: descriptors of buffers only
    uint32_t reserved;
    uint64_t session;
    uint8_t node [16];
} s_offer_t;

static const char s_magic [8] = "zanni/1";

/* Where one listens for lanes at an endpoint; false: nowhere. */
static bool
s_address (struct sockaddr_un *address, const char *endpoint)
{
    const char *path = endpoint + strlen (S_SCHEME);
    if (strncmp (endpoint, S_SCHEME, strlen (S_SCHEME))
        || strlen (path) + strlen (ZANNI__LANE_SUFFIX) >= sizeof address->sun_path)
        return false;
    *address = (struct sockaddr_un) { .sun_family = AF_UNIX };
    strcpy (address->sun_path, path);
    strcat (address->sun_path, ZANNI__LANE_SUFFIX);
    return true;
}

static int
s_socket (void)
{
    return socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static bool
s_is_wanted (const zanni__hub_t *hub)
{
    return !hub->worker->node->options.lane_off;
}

void
zanni__lane_listen (zanni__hub_t *hub, int fd)
{
    hub->lane_fd = fd;
}

void
zanni__lane_unlisten (zanni__hub_t *hub)
{
    if (hub->lane_fd >= 0)
        close (hub->lane_fd);
    hub->lane_fd = -1;
    while (!zanni__list_empty (&hub->offers)) {
        zanni__lane_t *lane = ZANNI__CONTAINER (hub->offers.next, zanni__lane_t, all);
        zanni__lane_close (&lane);
    }
}

static zanni__lane_t *
s_new (zanni__hub_t *hub, int socket)
{
    zanni__lane_t *lane = zanni__calloc (sizeof *lane);
    if (!lane) {
        close (socket);
        return NULL;
    }
    zanni__link_init (&lane->all);
    lane->hub = hub;
    lane->socket = socket;
    lane->bell.fd = lane->other_bell = -1;
    return lane;
}

/* It may be in use further up the stack, so its memory waits. */
void
zanni__lane_close (zanni__lane_t **lane_p)
{
    zanni__lane_t *lane = *lane_p;
    if (!lane)
        return;
    *lane_p = NULL;
    const int fds [] = { lane->socket, lane->bell.fd, lane->other_bell };
    zanni__lane_end (lane);
    zanni__hook_fd_remove (lane->hub->worker, &lane->bell);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds [i] >= 0)
            close (fds [i]);
    zanni__ring_unmap (&lane->in);
    zanni__ring_unmap (&lane->out);
    zanni__link_remove (&lane->all);
    lane->peer = NULL;
    lane->next = lane->hub->old_lanes;
    lane->hub->old_lanes = lane;
}

/* Both are the same user's, whatever the folder lets in. */
static bool
s_is_ours (int socket)
{
    struct ucred other;
    socklen_t size = sizeof other;
    return !getsockopt (socket, SOL_SOCKET, SO_PEERCRED, &other, &size) && other.uid == geteuid ();
}

/* The dialer's side writes the first ring, the listener's the second. */
static int
s_map (zanni__lane_t *lane, int fd, bool dialer)
{
    int rc = zanni__ring_map (dialer ? &lane->out : &lane->in, fd, 0);
    if (!rc)
        rc = zanni__ring_map (dialer ? &lane->in : &lane->out, fd, ZANNI__RING_MAPPED);
    lane->rings = !rc;
    return rc;
}

static bool
s_send (int socket, const s_offer_t *offer, const int *fds)
{
    union {
        struct cmsghdr header;
        uint8_t room [CMSG_SPACE (S_FDS * sizeof (int))];
    } control = { .room = { 0 } };
    struct iovec piece = { (void *) (uintptr_t) offer, sizeof *offer };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room
    };
    control.header = (struct cmsghdr) {
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN (S_FDS * sizeof (int))
    };
    memcpy (CMSG_DATA (&control.header), fds, S_FDS * sizeof (int));
    return sendmsg (socket, &message, MSG_NOSIGNAL) == (ssize_t) sizeof *offer;
}

static void
s_offer_fill (s_offer_t *offer, const zanni__peer_t *peer)
{
    *offer = (s_offer_t) { .ring_size = ZANNI__RING_SIZE, .session = peer->number };
    memcpy (offer->magic, s_magic, sizeof offer->magic);
    memcpy (offer->node, peer->hub->worker->node->id, sizeof offer->node);
}

/* Makes rings and bells and sends them. */
static bool
s_equip (zanni__lane_t *lane, const zanni__peer_t *peer)
{
    s_offer_t offer;
    int memory = -1;
    if (zanni__memfd_new (&memory, 2 * (uint64_t) ZANNI__RING_MAPPED))
        return false;
    lane->bell.fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    lane->other_bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int fds [S_FDS] = { memory, lane->bell.fd, lane->other_bell };
    s_offer_fill (&offer, peer);
    bool sent = lane->bell.fd >= 0 && lane->other_bell >= 0 && !s_map (lane, memory, true) && s_send (lane->socket, &offer, fds);
    close (memory);
    return sent;
}

void
zanni__lane_offer (zanni__peer_t *peer)
{
    struct sockaddr_un address;
    if (peer->lane || !s_is_wanted (peer->hub) || !s_address (&address, peer->base.endpoint)
        || zanni__descriptors_left (4))
        return;
    int fd = s_socket ();
    if (fd < 0)
        return;
    if (connect (fd, (const struct sockaddr *) &address, sizeof address) || !s_is_ours (fd)) {
        close (fd);
        return;
    }
    zanni__lane_t *lane = s_new (peer->hub, fd);
    if (!lane)
        return;
    lane->peer = peer;
    if (s_equip (lane, peer))
        peer->lane = lane;
    else
        zanni__lane_close (&lane);
}

/* Takes the descriptors out of what came; whatever is too much is closed. */
static int
s_take_fds (struct msghdr *message, int *fds)
{
    int count = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR (message); part; part = CMSG_NXTHDR (message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (part->cmsg_len - CMSG_LEN (0)) / sizeof (int);
        for (size_t i = 0; i < here; i++) {
            int fd;
            memcpy (&fd, CMSG_DATA (part) + i * sizeof fd, sizeof fd);
            if (count < S_FDS)
                fds [count++] = fd;
            else
                close (fd);
        }
    }
    return count;
}

static bool
s_is_eventfd (int fd)
{
    struct stat status;
    return !fstat (fd, &status) && !(status.st_mode & S_IFMT) && fcntl (fd, F_SETFL, O_NONBLOCK) >= 0;
}

/* What came with it is checked before it is used for anything. */
static bool
s_check (zanni__lane_t *lane, const s_offer_t *offer, const int *fds, int count)
{
    if (memcmp (offer->magic, s_magic, sizeof offer->magic) || offer->ring_size != ZANNI__RING_SIZE || count != S_FDS
        || !zanni__memfd_is_good (fds [0], 2 * (uint64_t) ZANNI__RING_MAPPED, false) || !s_is_eventfd (fds [1])
        || !s_is_eventfd (fds [2]) || s_map (lane, fds [0], false))
        return false;
    lane->other_bell = fds [1];
    lane->bell.fd = fds [2];
    lane->session = offer->session;
    memcpy (lane->node, offer->node, sizeof lane->node);
    return true;
}

static bool
s_receive (zanni__lane_t *lane)
{
    s_offer_t offer;
    int fds [S_FDS];
    union {
        struct cmsghdr header;
        uint8_t room [CMSG_SPACE (2 * S_FDS * sizeof (int))];
    } control;
    struct iovec piece = { &offer, sizeof offer };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.room
    };
    ssize_t size = recvmsg (lane->socket, &message, MSG_CMSG_CLOEXEC);
    int count = size < 0 ? 0 : s_take_fds (&message, fds);
    bool good = size == (ssize_t) sizeof offer && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
                && s_check (lane, &offer, fds, count);
    int closed = good ? 1 : count;   // of a good one the bells are the lane's now
    for (int i = 0; i < closed; i++)
        close (fds [i]);
    return good;
}

/* Who offered and is gone, or says nothing, does not stand in the way of others. */
static void
s_sweep (zanni__hub_t *hub, uint32_t most)
{
    zanni__link_t *next;
    for (zanni__link_t *link = hub->offers.next; link != &hub->offers; link = next) {
        zanni__lane_t *lane = ZANNI__CONTAINER (link, zanni__lane_t, all);
        struct pollfd item = { .fd = lane->socket, .events = 0 };
        next = link->next;
        if (hub->offers_count <= most && !(poll (&item, 1, 0) == 1 && item.revents & POLLHUP))
            continue;
        hub->offers_count--;
        zanni__lane_close (&lane);
    }
}

/* Everything that was offered by now. */
static void
s_collect (zanni__hub_t *hub)
{
    int fd;
    while (hub->lane_fd >= 0 && (fd = accept4 (hub->lane_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        zanni__lane_t *lane = s_is_ours (fd) && !zanni__descriptors_left (3) ? s_new (hub, fd) : (close (fd), NULL);
        if (!lane)
            continue;
        if (!s_receive (lane)) {
            zanni__lane_close (&lane);
            continue;
        }
        zanni__list_append (&hub->offers, &lane->all);
        hub->offers_count++;
    }
}

void
zanni__lane_accept (zanni__peer_t *peer)
{
    zanni__hub_t *hub = peer->hub;
    s_collect (hub);
    for (zanni__link_t *link = hub->offers.prev; link != &hub->offers && !peer->lane; link = link->prev) {
        zanni__lane_t *lane = ZANNI__CONTAINER (link, zanni__lane_t, all);
        if (lane->session != peer->number || memcmp (lane->node, peer->base.node, sizeof lane->node))
            continue;
        peer->lane = lane;
        lane->peer = peer;
        hub->offers_count--;
    }
    if (peer->lane)
        zanni__link_remove (&peer->lane->all);
    if (peer->lane && zanni__lane_begin (peer->lane))
        zanni__lane_close (&peer->lane);
    if (hub->offers_count)
        s_sweep (hub, S_OFFERS / 2);
}
