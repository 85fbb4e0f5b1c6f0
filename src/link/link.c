/* The link's operations, its peers, and its look at everything.

   A hub is woken by the descriptors of its sockets, which the worker watches, and by the time: `next_ns` is never later
   than the first thing that is due, and what is due is only looked for then. Peers are found by their endpoint; one that
   has none, since nobody can dial it, by its node. */

#include "hub.h"

#include "../base/memory.h"

#include "../base/assert.h"
#include <stdio.h>
#include <string.h>

static uint64_t
s_hash (const zanni_bytes_t *endpoint, const uint8_t *node)
{
    return zanni__spread (endpoint->size ? zanni__hash_bytes (0, endpoint->data, endpoint->size)
                                         : zanni__hash_bytes (0, node, 16));
}

static bool
s_is (const zanni__peer_t *peer, const zanni_bytes_t *endpoint, const uint8_t *node)
{
    size_t size = strlen (peer->base.endpoint);
    if (size != endpoint->size)
        return false;
    return size ? !memcmp (peer->base.endpoint, endpoint->data, size) : !memcmp (peer->base.node, node, 16);
}

zanni__peer_t *
zanni__peer_find (zanni__hub_t *hub, const zanni_bytes_t *endpoint, const uint8_t *node)
{
    uint64_t hash = s_hash (endpoint, node);
    zanni__entry_t *entry = zanni__table_find (&hub->table, hash);
    while (entry && !s_is (ZANNI__CONTAINER (entry, zanni__peer_t, entry), endpoint, node))
        entry = zanni__table_again (entry->next, hash);
    return entry ? ZANNI__CONTAINER (entry, zanni__peer_t, entry) : NULL;
}

/* Finds or makes it; the caller holds it, by a join or a session, before it lets it be. */
int
zanni__peer_get (zanni__hub_t *hub, zanni__peer_t **peer_p, const zanni_bytes_t *endpoint, const uint8_t *node)
{
    if (endpoint->size >= sizeof (*peer_p)->base.endpoint)
        return ZANNI_ETOOBIG;
    zanni__peer_t *peer = zanni__peer_find (hub, endpoint, node);
    if (peer) {
        *peer_p = peer;
        return 0;
    }
    peer = zanni__calloc (sizeof *peer);
    if (!peer)
        return ZANNI_ENOMEM;
    peer->hub = hub;
    peer->base.item_most = zanni__window_item_most (hub->window);
    peer->base.serial = ++hub->peer_serial;
    memcpy (peer->base.node, node, sizeof peer->base.node);
    if (endpoint->size)
        memcpy (peer->base.endpoint, endpoint->data, endpoint->size);
    peer->base.far = zanni__is_tcp (peer->base.endpoint);
    zanni__link_init (&peer->dirty);
    zanni__outbox_init (&peer->out, hub->window);
    zanni__inbox_init (&peer->in, hub->window);
    if (!zanni__table_put (&hub->table, &peer->entry, s_hash (endpoint, node))) {
        zanni__free (peer);
        return ZANNI_ENOMEM;
    }
    zanni__list_append (&hub->peers, &peer->all);
    *peer_p = peer;
    return 0;
}

bool
zanni__peer_is_far (const zanni__peer_t *peer, const zanni_bytes_t *listens, const uint8_t *node)
{
    return peer->base.far && !memcmp (peer->base.node, node, sizeof peer->base.node)
        && strlen (peer->base.listens) == listens->size && !memcmp (peer->base.listens, listens->data, listens->size);
}

/* Of a node that this endpoint is known of; whoever dialled, or such that dialled us. */
static zanni__peer_t *
s_find_far (zanni__hub_t *hub, const zanni_bytes_t *listens, const uint8_t *node, bool dialled_us)
{
    for (zanni__link_t *link = hub->peers.next; link != &hub->peers; link = link->next) {
        zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        if ((!dialled_us || *peer->base.endpoint == '~') && zanni__peer_is_far (peer, listens, node))
            return peer;
    }
    return NULL;
}

/* It is not known by where it says that it listens, which may be a lie, or lead nowhere from here. */
int
zanni__peer_far (zanni__hub_t *hub, zanni__peer_t **peer_p, const zanni_wire_hello_t *hello)
{
    char name [16];
    zanni__peer_t *peer = s_find_far (hub, &hello->endpoint, hello->node, true);
    if (peer) {
        *peer_p = peer;
        return 0;
    }
    snprintf (name, sizeof name, "~%llu", (unsigned long long) hub->peer_serial + 1);
    const zanni_bytes_t endpoint = { name, strlen (name) };
    int rc = zanni__peer_get (hub, &peer, &endpoint, hello->node);
    if (rc)
        return rc;
    peer->base.far = true;
    zanni__peer_listens (peer, hello);
    *peer_p = peer;
    return 0;
}

/* Others cannot make us dial anything else. */
static bool
s_is_far_name (const zanni_bytes_t *endpoint)
{
    return endpoint->size && (*(const char *) endpoint->data == '~'
                              || (endpoint->size > 6 && !memcmp (endpoint->data, "tcp://", 6)));
}

void
zanni__peer_listens (zanni__peer_t *peer, const zanni_wire_hello_t *hello)
{
    memset (peer->base.listens, 0, sizeof peer->base.listens);
    if (peer->base.far && s_is_far_name (&hello->endpoint) && hello->endpoint.size < sizeof peer->base.listens)
        memcpy (peer->base.listens, hello->endpoint.data, hello->endpoint.size);
}

static void
s_settle (zanni__peer_t *peer)
{
    zanni__hub_t *hub = peer->hub;
    if (peer->joins || peer->pins || peer->alive)
        return;
    zanni__table_remove (&hub->table, &peer->entry);
    zanni__link_remove (&peer->all);
    zanni__link_remove (&peer->dirty);
    zanni__free (peer);
    zanni__hub_free (hub);
}

void
zanni__peer_unpin (zanni__peer_t *peer)
{
    zanni__assert (peer->pins);
    peer->pins--;
    s_settle (peer);
}

void
zanni__peer_leave (zanni__peer_t *peer)
{
    zanni__assert (peer->joins);
    peer->joins--;
    if (!peer->joins && !peer->alive)
        zanni__home_unwatch (peer);
    s_settle (peer);
}

void
zanni__hub_tidy (zanni__hub_t *hub)
{
    while (hub->old_dials) {
        zanni__dial_t *dial = hub->old_dials;
        hub->old_dials = dial->next;
        zanni__free (dial);
    }
    while (hub->old_lanes) {
        zanni__lane_t *lane = hub->old_lanes;
        hub->old_lanes = lane->next;
        zanni__free (lane->header);
        zanni__free (lane);
    }
}

void
zanni__hub_free (zanni__hub_t *hub)
{
    if (!hub->closed || !zanni__list_empty (&hub->peers))
        return;
    zanni__table_free (&hub->table);
    zanni__table_free (&hub->routes);
    zanni__pool_end (hub->pool);
    zanni__free (hub->tables.refs);
    zanni__free (hub->tables.buffers);
    zanni__free (hub->wire_buffers);
    zanni__free (hub->buffers);
    if (hub->handle)
        hub->sockets->end (hub->handle);
    zanni__free (hub);
}

static bool
s_has_memory (zanni__hub_t *hub)
{
    hub->pool = zanni__pool_new ();
    hub->tables.refs = zanni__malloc (ZANNI_WIRE_TABLE_MAX * sizeof *hub->tables.refs);
    hub->tables.buffers = zanni__malloc (ZANNI_WIRE_TABLE_MAX * sizeof *hub->tables.buffers);
    hub->wire_buffers = zanni__malloc (ZANNI_WIRE_TABLE_MAX * sizeof *hub->wire_buffers);
    hub->buffers = zanni__malloc (ZANNI_WIRE_TABLE_MAX * sizeof (zanni_buffer_t *));
    return hub->pool && hub->tables.refs && hub->tables.buffers && hub->wire_buffers && hub->buffers;
}

static int
s_open (void *context, zanni_worker_t *worker, void **link_p)
{
    zanni__hub_t *hub = zanni__calloc (sizeof *hub);
    if (!hub)
        return ZANNI_ENOMEM;
    hub->worker = worker;
    hub->sockets = context ? context : &zanni__sockets_zmq;
    hub->window = worker->node->options.window_bytes;
    hub->interval_ns = (int64_t) worker->node->options.heartbeat_ms * 1000000;
    hub->next_ns = hub->look_ns = INT64_MAX;
    hub->lane_fd = -1;
    zanni__link_init (&hub->offers);
    zanni__link_init (&hub->lanes);
    zanni__link_init (&hub->peers);
    zanni__link_init (&hub->dirty);
    zanni__link_init (&hub->stirred);
    zanni__link_init (&hub->broken);
    zanni__gate_init (&hub->near);
    zanni__gate_init (&hub->far);
    zanni__hello_host (hub->host);
    snprintf (hub->nameless, sizeof hub->nameless, "~%llu", (unsigned long long) worker->serial);
    strcpy (hub->far_endpoint, hub->nameless);
    int rc = s_has_memory (hub) ? hub->sockets->begin (hub->sockets->context, worker, &hub->handle) : ZANNI_ENOMEM;
    if (rc) {
        hub->closed = true;
        zanni__hub_free (hub);
        return rc;
    }
    *link_p = hub;
    return 0;
}

static int
s_listen (void *link, const char *endpoint, int fd, int lane_fd)
{
    return zanni__listen (link, endpoint, fd, lane_fd);
}

static int
s_join (void *link, const char *endpoint, const uint8_t *node, zanni_peer_t **peer_p)
{
    static const uint8_t nobody [16];
    zanni__peer_t *peer;
    const zanni_bytes_t bytes = { endpoint, strlen (endpoint) };
    peer = zanni__is_tcp (endpoint) ? s_find_far (link, &bytes, node, false) : NULL;
    if (peer && *peer->base.endpoint == '~' && !peer->alive)
        peer = NULL;   // it dialled us once; by its own endpoint it can be dialled
    int rc = peer ? 0 : zanni__peer_get (link, &peer, &bytes, node);
    if (rc)
        return rc;
    if (!peer->alive || !memcmp (peer->base.node, nobody, sizeof nobody))
        memcpy (peer->base.node, node, sizeof peer->base.node);
    peer->joins++;
    *peer_p = &peer->base;
    return 0;
}

static void
s_leave (zanni_peer_t *base)
{
    zanni__peer_leave ((zanni__peer_t *) (void *) base);
}

static bool
s_admits (zanni_peer_t *base, uint64_t charge)
{
    zanni__peer_t *peer = (zanni__peer_t *) (void *) base;
    if (!peer->alive || zanni__window_admits (&peer->out, charge))
        return true;
    peer->out.wanted = true;
    return false;
}

/* What does not count in the window has a limit of its own, beyond which the session cannot go on; what goes beyond the
   window, since nobody asked for room, has the same. */
static int
s_check (zanni__peer_t *peer, const zanni_record_t *record, const zanni_buffer_t *const *buffers)
{
    uint64_t bytes = 0;
    if (peer->out.weight > ZANNI__BACKLOG) {
        zanni__log (peer->hub->worker->node, ZANNI_LOG_ERROR,
                    "the session with %s ends: it does not take what is sent to it", peer->base.endpoint);
        zanni__session_lost (peer);
        return ZANNI_EFULL;
    }
    for (uint32_t i = 0; i < record->buffers_count; i++)
        bytes += zanni_buffer_size (buffers [i]);
    uint64_t charge = zanni__record_charge (peer, record, bytes);
    return charge && peer->out.charge + charge > peer->out.window + ZANNI__BACKLOG ? ZANNI_EFULL : 0;
}

static int
s_send (zanni_peer_t *base, const zanni_record_t *record, const zanni_buffer_t *const *buffers)
{
    zanni__peer_t *peer = (zanni__peer_t *) (void *) base;
    if (peer->hub->closing)
        return ZANNI_ECLOSED;
    int rc = peer->alive ? 0 : zanni__session_begin (peer);
    if (!rc && (peer->out.weight > ZANNI__BACKLOG || peer->out.charge > peer->out.window))
        rc = s_check (peer, record, buffers);
    if (!rc)
        rc = zanni__outbox_send (peer, record, buffers);
    if (!rc)
        zanni__session_dirty (peer);
    return rc;
}

/* Only in a parcel that is open, which none is once the link closes, and where nothing waits for buffers: it might have to
   wait behind that. */
static uint8_t *
s_room (zanni_peer_t *base, size_t size)
{
    zanni__peer_t *peer = (zanni__peer_t *) (void *) base;
    zanni__parcel_t *parcel = peer->out.writing;
    uintptr_t waiting = (uintptr_t) peer->out.transfers | (uintptr_t) peer->out.held | (uintptr_t) peer->out.early;
    if (!parcel || parcel->room - parcel->end < size || waiting)
        return NULL;
    return parcel->data + parcel->end;
}

static int
s_wrote (zanni_peer_t *base, size_t size, uint64_t charge)
{
    zanni__peer_t *peer = (zanni__peer_t *) (void *) base;
    zanni__outbox_t *out = &peer->out;
    if (!zanni__window_admits (out, charge)) {
        out->wanted = true;
        return ZANNI_EFULL;
    }
    out->writing->end += (uint32_t) size;
    out->writing->records++;
    out->writing->charge += charge;
    out->records++;
    out->charge += charge;
    peer->base.sent = out->sequence + 1;
    zanni__session_dirty (peer);
    return 0;
}

static void
s_prefer (zanni_peer_t *base, uint32_t level_max, uint32_t in_band_max)
{
    zanni__peer_t *peer = (zanni__peer_t *) (void *) base;
    peer->level_most = level_max;
    peer->in_band_most = in_band_max;
}

/* Flushes everybody who has something; their sockets are then looked at once. */
static void
s_flush (void *link)
{
    zanni__hub_t *hub = link;
    while (!zanni__list_empty (&hub->dirty)) {
        zanni__peer_t *peer = ZANNI__CONTAINER (hub->dirty.next, zanni__peer_t, dirty);
        zanni__link_remove (&peer->dirty);
        if (!peer->up)
            continue;
        zanni__outbox_flush (peer);
        zanni__peer_sent (peer);
    }
}

static void
s_taken (zanni_peer_t *base, uint64_t charge)
{
    zanni__peer_taken ((zanni__peer_t *) (void *) base, charge);
}

static void
s_do_due (zanni__hub_t *hub)
{
    zanni__link_t *next;
    int64_t now_ns = hub->worker->now_ns;
    hub->next_ns = INT64_MAX;
    for (zanni__link_t *link = hub->peers.next; link != &hub->peers; link = next) {
        zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        peer->pins++;
        zanni__session_due (peer, now_ns);
        next = link->next;
        zanni__peer_unpin (peer);
    }
    zanni__pulses_due (hub, now_ns);
    zanni__far_due (hub, now_ns);
    zanni__listen_due (hub);
}

/* What stirred is read in turn, all of it unless that is much: the rest stays in the list. */
uint32_t
zanni__hub_receive (zanni__hub_t *hub)
{
    zanni__assert (!hub->receiving);
    hub->receiving = true;
    hub->messages = hub->records = 0;
    hub->messages_most = ZANNI__LOOK_MESSAGES;
    /* acquire pairs with the release of who has counted: what is not trusted any more is not read. */
    if (hub->distrusts != atomic_load_explicit (&hub->worker->node->distrusts, memory_order_acquire))
        zanni__far_look (hub);
    if (!zanni__list_empty (&hub->lanes))
        zanni__lanes_read (hub);
    if (atomic_load_explicit (&hub->worker->slept, memory_order_relaxed))
        hub->messages_most = 1;
    while (!zanni__hub_has_enough (hub) && !zanni__list_empty (&hub->stirred)) {
        zanni__source_t *source = ZANNI__CONTAINER (hub->stirred.next, zanni__source_t, stirred);
        zanni__link_remove (&source->stirred);
        if (source->read (source)) {
            zanni__source_stir (source);
            source->calm = hub->messages_most == 1;
        }
    }
    if (hub->next_ns <= hub->worker->now_ns)
        s_do_due (hub);
    s_flush (hub);
    hub->receiving = false;
    zanni__hub_tidy (hub);
    return hub->records;
}

static int
s_receive (void *link)
{
    return (int) zanni__hub_receive (link);
}

static bool
s_waiting (void *link)
{
    zanni__hub_t *hub = link;
    while (!zanni__list_empty (&hub->stirred)) {
        zanni__source_t *source = ZANNI__CONTAINER (hub->stirred.next, zanni__source_t, stirred);
        if (!zanni__source_is_calm (source))
            return true;
        zanni__link_remove (&source->stirred);
    }
    return !zanni__list_empty (&hub->dirty) || zanni__lanes_wait (hub);
}

static bool
s_shares (void *link)
{
    return !zanni__list_empty (&((zanni__hub_t *) link)->lanes);
}

static bool
s_rest (void *link)
{
    return !s_waiting (link) && zanni__lanes_sleep (link);
}

static int64_t
s_next_ns (void *link)
{
    return ((const zanni__hub_t *) link)->next_ns;
}

static void
s_event (void *link, const zanni_node_event_t *event)
{
    switch (event->change) {
    case ZANNI_NODE_WATCH:
        zanni__pulse_watch (link, event);
        break;
    case ZANNI_NODE_ENDED:
        zanni__home_ended (link, event);
        break;
    case ZANNI_NODE_LOST:
        zanni__home_lost (link, event);
        break;
    case ZANNI_NODE_NEXT:
        zanni__dial_ahead (link, event->endpoint);
        break;
    case ZANNI_NODE_TRUST:
        zanni__far_look (link);
        break;
    case ZANNI_NODE_LISTEN:
        break;
    }
}

static void
s_close (void *link, int64_t until_ns)
{
    zanni__hub_close (link, until_ns);
}

const zanni_link_ops_t zanni__link_zmq = {
    .size = sizeof (zanni_link_ops_t), .open = s_open, .listen = s_listen, .bind = zanni__bind, .join = s_join, .leave = s_leave,
    .admits = s_admits, .send = s_send, .trusts = zanni__trusts, .room = s_room, .wrote = s_wrote, .prefer = s_prefer,
    .flush = s_flush, .taken = s_taken,
    .receive = s_receive, .waiting = s_waiting, .shares = s_shares, .rest = s_rest, .next_ns = s_next_ns, .event = s_event, .close = s_close
};

static int
s_seat (void *context, zanni_worker_t *worker, char endpoint [ZANNI_ENDPOINT_MAX])
{
    const zanni_sockets_t *sockets = context;
    return sockets->seat (sockets->context, worker, endpoint);
}

void
zanni_link_over (zanni_link_ops_t *link, const zanni_sockets_t *sockets)
{
    *link = zanni__link_zmq;
    link->context = (void *) (uintptr_t) sockets;
    link->seat = sockets->seat ? s_seat : NULL;
}
