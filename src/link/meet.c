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
#include "../base/passing.h"
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
    const zanni_options_t *options = &hub->worker->node->options;
    return !options->lane_off || options->wire_level_max > 2;
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
    zanni__link_init (&lane->returns);
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
    zanni__share_end (lane, lane->peer && lane->peer->sentenced);
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

static void
s_offer_fill (s_offer_t *offer, const zanni__peer_t *peer, bool rings)
{
    *offer = (s_offer_t) { .ring_size = rings ? ZANNI__RING_SIZE : 0, .session = peer->number };
    memcpy (offer->magic, s_magic, sizeof offer->magic);
    memcpy (offer->node, peer->hub->worker->node->id, sizeof offer->node);
}

/* Makes rings and bells and sends them. */
static bool
s_equip (zanni__lane_t *lane, const s_offer_t *offer)
{
    int memory = -1;
    if (zanni__memfd_new (&memory, 2 * (uint64_t) ZANNI__RING_MAPPED))
        return false;
    lane->bell.fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    lane->other_bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int fds [S_FDS] = { memory, lane->bell.fd, lane->other_bell };
    bool sent = lane->bell.fd >= 0 && lane->other_bell >= 0 && !s_map (lane, memory, true)
                && zanni__pass (lane->socket, offer, sizeof *offer, fds, S_FDS);
    close (memory);
    return sent;
}

static bool
s_offer (zanni__lane_t *lane, const zanni__peer_t *peer)
{
    s_offer_t offer;
    bool rings = !lane->hub->worker->node->options.lane_off;
    s_offer_fill (&offer, peer, rings);
    return rings ? s_equip (lane, &offer) : zanni__pass (lane->socket, &offer, sizeof offer, NULL, 0);
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
    if (connect (fd, (const struct sockaddr *) &address, sizeof address) || !zanni__pass_is_ours (fd)) {
        close (fd);
        return;
    }
    zanni__lane_t *lane = s_new (peer->hub, fd);
    if (!lane)
        return;
    lane->peer = peer;
    if (s_offer (lane, peer))
        peer->lane = lane;
    else
        zanni__lane_close (&lane);
}

static bool
s_is_eventfd (int fd)
{
    struct stat status;
    return !fstat (fd, &status) && !(status.st_mode & S_IFMT) && fcntl (fd, F_SETFL, O_NONBLOCK) >= 0;
}

/* What came with it is checked before it is used for anything; the bells are the lane's then. */
static bool
s_check (zanni__lane_t *lane, const s_offer_t *offer, const int *fds)
{
    if (!zanni__memfd_is_good (fds [0], 2 * (uint64_t) ZANNI__RING_MAPPED, false) || !s_is_eventfd (fds [1])
        || !s_is_eventfd (fds [2]) || offer->ring_size != ZANNI__RING_SIZE || s_map (lane, fds [0], false))
        return false;
    lane->other_bell = fds [1];
    lane->bell.fd = fds [2];
    return true;
}

/* The rings, where there are some. */
static bool
s_take_rings (zanni__lane_t *lane, const s_offer_t *offer, const int *fds)
{
    bool good = s_check (lane, offer, fds);
    close (fds [0]);
    if (!good) {
        close (fds [1]);
        close (fds [2]);
    }
    return good;
}

/* Looks at the packet first: how many descriptors it has to have stands in it. */
static bool
s_receive (zanni__lane_t *lane)
{
    s_offer_t offer;
    int fds [S_FDS];
    if (recv (lane->socket, &offer, sizeof offer, MSG_PEEK | MSG_DONTWAIT) != (ssize_t) sizeof offer
        || zanni__pass_take (lane->socket, &offer, sizeof offer, fds, offer.ring_size ? S_FDS : 0)
        || memcmp (offer.magic, s_magic, sizeof offer.magic))
        return false;
    lane->session = offer.session;
    memcpy (lane->node, offer.node, sizeof lane->node);
    return !offer.ring_size || s_take_rings (lane, &offer, fds);
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
        zanni__lane_t *lane = zanni__pass_is_ours (fd) && !zanni__descriptors_left (3) ? s_new (hub, fd) : (close (fd), NULL);
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
    if (peer->lane && zanni__lane_begin (peer->lane, !hub->worker->node->options.lane_off))
        zanni__lane_close (&peer->lane);
    if (hub->offers_count)
        s_sweep (hub, S_OFFERS / 2);
}
