/* The end of a link, the one thing here that blocks.

   What was sent is waited for until it is acknowledged, so that a process that ends in good order loses nothing that it
   said; meanwhile what comes is taken in as ever. Then everybody gets a BYE. */

#include "hub.h"

#include "../base/memory.h"

#include <string.h>

#define S_LONGEST_MS 100   // of one wait

/* Whether a session waits for an acknowledgement. */
static bool
s_is_busy (zanni__hub_t *hub)
{
    for (zanni__link_t *link = hub->peers.next; link != &hub->peers; link = link->next) {
        const zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        if (peer->alive && !zanni__outbox_idle (&peer->out))
            return true;
    }
    return false;
}

static int
s_gate_items (const zanni__gate_t *gate, zanni_socket_wait_t *items)
{
    if (!gate->router.socket)
        return 0;
    items [0] = (zanni_socket_wait_t) { .socket = gate->router.socket };
    items [1] = (zanni_socket_wait_t) { .socket = gate->monitor.socket };
    return 2;
}

static int
s_items (const zanni__hub_t *hub, zanni_socket_wait_t *items, int room)
{
    int count = 0;
    const zanni__link_t *link = hub->peers.next;
    count += s_gate_items (&hub->near, items);
    count += s_gate_items (&hub->far, items + count);
    for (; link != &hub->peers && count + 3 <= room; link = link->next) {
        const zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        if (zanni__peer_has_rings (peer) && peer->stood)
            items [count++] = (zanni_socket_wait_t) { .fd = peer->lane->bell.fd };
        if (!peer->alive || !peer->dial)
            continue;
        items [count++] = (zanni_socket_wait_t) { .socket = peer->dial->dealer.socket };
        items [count++] = (zanni_socket_wait_t) { .socket = peer->dial->monitor.socket };
    }
    return count;
}

static void
s_stir_all (zanni__hub_t *hub)
{
    zanni__source_stir (&hub->near.router);
    zanni__source_stir (&hub->near.monitor);
    zanni__source_stir (&hub->far.router);
    zanni__source_stir (&hub->far.monitor);
    for (zanni__link_t *link = hub->peers.next; link != &hub->peers; link = link->next) {
        const zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        if (zanni__peer_has_rings (peer) && peer->stood)
            peer->lane->bell.ready (hub->worker, &peer->lane->bell, 0);
        if (!peer->dial)
            continue;
        zanni__source_stir (&peer->dial->dealer);
        zanni__source_stir (&peer->dial->monitor);
    }
}

/* Waits for something to come, some time at most. Where there are very many sockets not all end the wait. */
static void
s_wait (zanni__hub_t *hub, int64_t until_ns)
{
    zanni_socket_wait_t items [128];
    int64_t now_ns = zanni__hub_now (hub);
    int64_t next_ns = hub->next_ns < until_ns ? hub->next_ns : until_ns;
    int64_t left_ms = next_ns > now_ns ? (next_ns - now_ns) / 1000000 + 1 : 0;
    int count = s_items (hub, items, 128);
    if (zanni__lanes_sleep (hub))
        hub->sockets->wait (hub->handle, items, count, left_ms < S_LONGEST_MS ? (int) left_ms : S_LONGEST_MS);
    s_stir_all (hub);
}

static void
s_drain (zanni__hub_t *hub, int64_t until_ns)
{
    for (;;) {
        hub->worker->now_ns = zanni__hub_now (hub);
        for (zanni__link_t *link = hub->peers.next; link != &hub->peers; link = link->next)
            zanni__outbox_flush (ZANNI__CONTAINER (link, zanni__peer_t, all));
        (void) zanni__hub_receive (hub);
        zanni__events_look (hub->worker);   // somebody may have ended who is waited for
        if (!s_is_busy (hub) || hub->worker->now_ns >= until_ns)
            return;
        s_wait (hub, until_ns);
    }
}

static void
s_part (zanni__peer_t *peer)
{
    static const zanni_reason_t shutdown = { .kind = ZANNI_EXIT_SHUTDOWN };
    const zanni__way_t way = zanni__peer_way (peer);
    if (way.socket && peer->up) {
        if (peer->in.told != peer->in.seen)
            (void) zanni__post_ack (peer);
        zanni__bye_send (&way, ZANNI_BYE_DONE, "");
    }
    zanni__session_down (peer, &shutdown, false, false);
}

void
zanni__hub_close (zanni__hub_t *hub, int64_t until_ns)
{
    zanni__link_t *next;
    s_drain (hub, until_ns);
    hub->closing = true;   // nothing new begins
    for (zanni__link_t *link = hub->peers.next; link != &hub->peers; link = next) {
        zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        peer->pins++;
        if (peer->alive)
            s_part (peer);
        zanni__home_unwatch (peer);
        next = link->next;
        zanni__peer_unpin (peer);
    }
    zanni__pulses_close (hub);
    zanni__dial_close (&hub->ahead, 0);
    zanni__listen_close (hub);
    zanni__hub_tidy (hub);
    hub->closed = true;
    zanni__hub_free (hub);
}
