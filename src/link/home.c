/* Why nodes end.

   The home of a process is told by its launcher why it ended, and tells every worker of its own node as an event. Others
   ask: a session with a process of another home makes a session with that home, too, and leaves a MONITOR of the
   process's own actor there, under an id that no actor's monitor has. The DOWN that comes is a sentence for all sessions
   with that incarnation: each ends when what it had written was read, which is when its connection is seen to have ended,
   or after one interval. The watch outlasts the session, which may end a little before that DOWN: then it says that there
   is nobody any more, to whoever still has a reference.

   A home may also have lost the process, for it does not answer, but has not ended either. It has waited for as long as
   anybody does, so nobody waits any longer; and its word is needed by who had no time to get a pulse of its own. */

#include "hub.h"

#include <stdio.h>
#include <string.h>

#define S_OURS UINT64_C (0x8000000000000000)   // in the ids of our monitors

bool
zanni__home_is_here (const zanni__hub_t *hub, const char *home)
{
    zanni_node_t *node = hub->worker->node;
    const zanni_worker_t *undertaker = atomic_load_explicit (&node->undertaker, memory_order_relaxed);
    pthread_mutex_lock (&node->lock);   // of its endpoint
    bool same = undertaker && !strcmp (undertaker->endpoint, home);
    pthread_mutex_unlock (&node->lock);
    return same || !strcmp (hub->endpoint, home);
}

/* Homes join their sessions, so that nodes which name each other as home, as no processes of ours do, would stay for ever:
   who would close such a circle has none. */
static bool
s_leads_to (const zanni__peer_t *from, const zanni__peer_t *peer)
{
    while (from && from != peer)
        from = from->home;
    return from != NULL;
}

static void
s_write (uint8_t nonce [16], uint64_t incarnation)
{
    for (int i = 0; i < 8; i++)
        nonce [i] = (uint8_t) (incarnation >> (56 - 8 * i));
}

void
zanni__home_watch (zanni__peer_t *peer)
{
    static const uint8_t unknown [16];
    zanni__hub_t *hub = peer->hub;
    const char *home = peer->base.home;
    uint8_t nonce [16] = { 0 };
    bool forgotten = peer->home && (peer->watch_generation != peer->home->generation || strcmp (peer->home->base.endpoint, home));
    bool another = peer->home && peer->stood && peer->watched != peer->base.incarnation;
    if (forgotten || another)   // the home has forgotten it with the session, or was a guess
        zanni__home_unwatch (peer);
    if (!*home || peer->home || zanni__home_is_here (hub, home) || !strcmp (home, peer->base.endpoint))
        return;
    zanni__peer_t *watched;
    const zanni_bytes_t endpoint = { home, strlen (home) };
    if (zanni__peer_get (hub, &watched, &endpoint, unknown) || s_leads_to (watched, peer))
        return;
    peer->home = watched;
    peer->watched = peer->stood ? peer->base.incarnation : 0;
    s_write (nonce, peer->watched);
    const zanni_wire_ref_t about = {
        .node = peer->base.node, .nonce = nonce, .endpoint = { peer->base.endpoint, strlen (peer->base.endpoint) }
    };
    const zanni_record_t record = { .kind = ZANNI_RECORD_MONITOR, .id = S_OURS | ++hub->watch_serial, .about = &about };
    watched->joins++;
    peer->watch = record.id;
    if (zanni__link_zmq.send (&watched->base, &record, NULL)) {
        zanni__home_unwatch (peer);   // its pulse is what is left
        return;
    }
    peer->watch_generation = watched->generation;
    zanni__session_dirty (watched);
}

/* Nobody listens there any more. One that we never met may be a process of our own home, and have ended before it could say
   so. */
void
zanni__home_guess (zanni__peer_t *peer)
{
    const char *home = peer->hub->worker->node->home;
    static const uint8_t unknown [16];
    if (*peer->base.home)
        zanni__home_watch (peer);
    if (!home || peer->base.far || *peer->base.home || !memcmp (peer->base.node, unknown, sizeof unknown))
        return;
    strncpy (peer->base.home, home, sizeof peer->base.home - 1);
    zanni__home_watch (peer);
}

void
zanni__home_unwatch (zanni__peer_t *peer)
{
    zanni__peer_t *home = peer->home;
    peer->home = NULL;
    peer->watch = 0;
    if (home)
        zanni__peer_leave (home);
}

/* The incarnation behind all that are known of, with which a session is that does not stand yet. */
static uint64_t
s_next (const zanni__peer_t *peer)
{
    return (peer->ended > peer->base.incarnation ? peer->ended : peer->base.incarnation) + 1;
}

/* A DOWN for a monitor of ours; false: it is an actor's. */
bool
zanni__home_down (zanni__peer_t *from, const zanni_record_t *record)
{
    zanni__hub_t *hub = from->hub;
    zanni_node_event_t event = { .change = ZANNI_NODE_ENDED, .restarts = record->as.end.restarts };
    const zanni_wire_reason_t *reason = &record->as.end.reason;
    if (!(record->id & S_OURS))
        return false;
    for (zanni__link_t *link = hub->peers.next; link != &hub->peers; link = link->next) {
        zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        if (peer->home != from || peer->watch != record->id)
            continue;
        if (reason->kind == ZANNI_EXIT_NO_CONNECTION)
            event.change = ZANNI_NODE_LOST;
        event.incarnation = peer->watched ? peer->watched : s_next (peer);
        event.kind = reason->kind;
        event.code = reason->code;
        memcpy (event.node, peer->base.node, sizeof event.node);
        size_t most = sizeof event.text - 1;
        snprintf (event.text, sizeof event.text, "%.*s", (int) (reason->text.size < most ? reason->text.size : most),
                  reason->text.size ? (const char *) reason->text.data : "");
        zanni_worker_event (hub->worker, NULL, &event);   // to this worker, too
        zanni__home_unwatch (peer);
        break;
    }
    return true;
}

static void
s_sentence (zanni__peer_t *peer, const zanni_node_event_t *event)
{
    peer->sentenced = true;
    peer->restarts = event->restarts;
    peer->reason = (zanni_reason_t) { .kind = (zanni_exit_t) event->kind, .code = event->code };
    memcpy (peer->reason.text, event->text, sizeof event->text);
}

/* Whether there may be something left to read of it. */
static bool
s_is_read (const zanni__peer_t *peer)
{
    return !peer->up;
}

static void
s_end (zanni__peer_t *peer, const zanni_node_event_t *event)
{
    zanni__hub_t *hub = peer->hub;
    peer->ended = event->incarnation;
    s_sentence (peer, event);
    if (!peer->alive) {
        const zanni_reason_t reason = peer->reason;
        peer->pins++;
        zanni_worker_peer_down (hub->worker, &peer->base, &reason, peer->restarts, !peer->restarts);
        zanni__peer_unpin (peer);
    }
    else if (s_is_read (peer))
        zanni__session_lost (peer);
    else {
        peer->doubt_ns = zanni__hub_now (hub) + hub->interval_ns;
        peer->doubt_over = false;
        zanni__hub_due (hub, peer->doubt_ns);
    }
}

/* Calls for each peer of that node and incarnation, which may be gone behind it. */
static void
s_each (zanni__hub_t *hub, const zanni_node_event_t *event, void (*fn) (zanni__peer_t *, const zanni_node_event_t *))
{
    zanni__link_t *next;
    for (zanni__link_t *link = hub->peers.next; link != &hub->peers; link = next) {
        zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        peer->pins++;
        bool meant = peer->base.incarnation <= event->incarnation
                     && !memcmp (peer->base.node, event->node, sizeof peer->base.node);
        if (meant)
            fn (peer, event);
        next = link->next;
        zanni__peer_unpin (peer);
    }
}

static void
s_end_once (zanni__peer_t *peer, const zanni_node_event_t *event)
{
    if (peer->ended < event->incarnation)
        s_end (peer, event);
}

void
zanni__home_ended (zanni__hub_t *hub, const zanni_node_event_t *event)
{
    zanni__pulses_ended (hub, event->node, event->incarnation);
    s_each (hub, event, s_end_once);
}

static void
s_lose (zanni__peer_t *peer, const zanni_node_event_t *event)
{
    (void) event;
    if (peer->alive)
        zanni__session_lost (peer);
}

void
zanni__home_lost (zanni__hub_t *hub, const zanni_node_event_t *event)
{
    zanni__pulses_lost (hub, event);
    s_each (hub, event, s_lose);
}
