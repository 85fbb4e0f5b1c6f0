/* Sessions: numbered conversations that outlive their connections.

   A session is dialled by one side and duplex. It stands once both have said who they are; when its connection breaks, the
   dialer makes another, both say what they have seen last, and go on behind that. `up` is whether the present connection
   is welcomed, which is when parcels may be sent.

   Down is final. It comes from whoever knows: the other side says BYE; the home of its process says that it ended; a pulse
   is gone; or nobody listens at its endpoint any more. Where that last one is all there is, but a home may know more, or
   the process has hardly begun, there is a time of doubt first, in which the home's word is waited for. A home's sentence
   is carried out when the dead one's connection is seen to have ended and what it had written was read. */

#include "hub.h"

#include "../base/memory.h"

#include "../base/assert.h"
#include <stdio.h>
#include <string.h>

#define S_BACKOFF_FIRST_NS 10000000
#define S_BACKOFF_LAST_NS 1000000000
#define S_BYE_LINGER_MS 1000
#define S_DENIALS 3   // handshakes in a row that end early, before the first is over
#define S_CLIENT_INTERVALS 5   // for which one that nobody can dial may be away

static const zanni_reason_t s_no_connection = { .kind = ZANNI_EXIT_NO_CONNECTION };

void
zanni__session_dirty (zanni__peer_t *peer)
{
    if (zanni__list_empty (&peer->dirty))
        zanni__list_append (&peer->hub->dirty, &peer->dirty);
}

static void
s_begin (zanni__peer_t *peer)
{
    zanni__hub_t *hub = peer->hub;
    zanni__assert (!peer->alive);
    zanni__outbox_init (&peer->out, hub->window);
    zanni__inbox_init (&peer->in, hub->window);
    peer->base.item_most = zanni__window_item_most (hub->window);
    peer->alive = true;
    peer->level = 0;
    peer->claims = peer->takes_claims = false;
    peer->denials = 0;
    peer->ours = peer->stood = peer->up = peer->sentenced = peer->restarts = peer->base.no_links = false;
    peer->redial_ns = peer->doubt_ns = INT64_MAX;
    peer->backoff_ns = S_BACKOFF_FIRST_NS;
    peer->base.sent = peer->base.acknowledged = 0;
}

/* Numbers only grow, also over incarnations, and over the workers of a node: they begin at the time. */
uint64_t
zanni__number_next (zanni__hub_t *hub)
{
    uint64_t now = (uint64_t) zanni__hub_now (hub);
    hub->number = now > hub->number ? now : hub->number + 1;
    return hub->number;
}

static void
s_dial_broke (zanni__dial_t *dial)
{
    zanni__session_broke (dial->owner);
}

static int
s_dial (zanni__peer_t *peer)
{
    const zanni__dialling_t how = { .owner = peer, .came = zanni__mail_dialled, .broke = s_dial_broke };
    peer->redial_ns = INT64_MAX;
    int rc = zanni__dial_new (peer->hub, &peer->dial, peer->base.endpoint, &how);
    if (rc)
        return rc;
    if (!peer->stood && !peer->base.far)
        zanni__lane_offer (peer);
    peer->connection = zanni__number_next (peer->hub);
    (void) zanni__hello_send (peer);
    return 0;
}

/* Others of this host reach us where we listen, which has to be made first. */
static int
s_know_oneself (zanni__hub_t *hub)
{
    const char *endpoint;
    int rc = *hub->endpoint ? 0 : zanni_worker_endpoint (hub->worker, &endpoint);
    if (!rc && !*hub->endpoint)
        strncpy (hub->endpoint, endpoint, sizeof hub->endpoint - 1);
    return rc;
}

int
zanni__session_begin (zanni__peer_t *peer)
{
    zanni__hub_t *hub = peer->hub;
    int rc = peer->base.far ? 0 : s_know_oneself (hub);
    if (*peer->base.endpoint == '~')
        rc = ZANNI_EROUTE;
    if (rc)
        return rc;
    s_begin (peer);
    peer->ours = true;
    peer->number = zanni__number_next (hub);
    rc = s_dial (peer);
    if (rc)
        peer->alive = false;
    return rc;
}

/* What was queued for a session that we dialled, and that never stood, goes on in this one. */
void
zanni__session_accept (zanni__peer_t *peer, uint64_t number)
{
    zanni__lane_close (&peer->lane);
    if (peer->alive)
        zanni__dial_close (&peer->dial, 0);
    else
        s_begin (peer);
    zanni__assert (!peer->stood);
    peer->ours = false;
    peer->redial_ns = INT64_MAX;
    peer->number = number;
}

static uint64_t
s_grave_hash (const uint8_t *node, const void *endpoint, size_t size)
{
    uint64_t hash;
    memcpy (&hash, node, sizeof hash);
    return zanni__hash_bytes (hash, endpoint, size);
}

static void
s_bury (zanni__peer_t *peer)
{
    zanni__hub_t *hub = peer->hub;
    uint32_t at = hub->graves_next++ % ZANNI__GRAVES;
    const char *endpoint = peer->base.far ? peer->base.listens : peer->base.endpoint;
    hub->graves [at].hash = s_grave_hash (peer->base.node, endpoint, strlen (endpoint));
    hub->graves [at].number = peer->number;
}

bool
zanni__grave_has (const zanni__hub_t *hub, const zanni_wire_hello_t *hello)
{
    uint64_t hash = s_grave_hash (hello->node, hello->endpoint.data, hello->endpoint.size);
    for (uint32_t i = 0; i < ZANNI__GRAVES; i++)
        if (hub->graves [i].number == hello->session && hub->graves [i].hash == hash)
            return true;
    return false;
}

/* The peer may be gone behind this, unless it is pinned. */
void
zanni__session_down (zanni__peer_t *peer, const zanni_reason_t *reason, bool restarts, bool final)
{
    zanni_reason_t why = *reason;   // it may be the peer's own
    zanni__assert (peer->alive);
    if (!peer->ours)
        s_bury (peer);
    peer->pins++;
    zanni__dial_close (&peer->dial, peer->up ? S_BYE_LINGER_MS : 0);   // a BYE may be on its way
    zanni__lane_close (&peer->lane);
    peer->alive = peer->up = false;
    peer->generation++;
    zanni__route_end (peer->hub, &peer->route);
    if (!peer->joins || peer->hub->closing)   // else why it ended is still to be told, and known when it is sent to again
        zanni__home_unwatch (peer);
    zanni__outbox_clear (&peer->out);
    zanni__inbox_clear (peer);
    zanni__link_remove (&peer->dirty);
    zanni__far_drop (peer);
    zanni_worker_peer_down (peer->hub->worker, &peer->base, &why, restarts, final);
    zanni__peer_unpin (peer);
}

void
zanni__session_lost (zanni__peer_t *peer)
{
    const zanni__way_t way = zanni__peer_way (peer);
    if (peer->sentenced) {
        zanni__session_down (peer, &peer->reason, peer->restarts, !peer->restarts);
        return;
    }
    if (way.socket && peer->up)   // should it live after all
        zanni__bye_send (&way, ZANNI_BYE_DEAD, "");
    zanni__session_down (peer, &s_no_connection, false, false);
}

void
zanni__session_fault (zanni__peer_t *peer, const char *text)
{
    const zanni__way_t way = zanni__peer_way (peer);
    zanni__log (peer->hub->worker->node, ZANNI_LOG_WARNING, "the session with %s ends: what came breaks the protocol: %s",
                peer->base.endpoint, text);
    if (way.socket)
        zanni__bye_send (&way, ZANNI_BYE_FAULT, text);
    zanni__session_down (peer, &s_no_connection, false, false);
}

void
zanni__session_doubt (zanni__peer_t *peer)
{
    zanni__hub_t *hub = peer->hub;
    if (peer->doubt_ns != INT64_MAX)
        return;
    if (peer->stood && !*peer->base.home && *peer->base.endpoint) {
        zanni__session_lost (peer);
        return;
    }
    if (!peer->stood)
        zanni__home_guess (peer);
    int64_t patience_ns = *peer->base.endpoint ? hub->interval_ns : S_CLIENT_INTERVALS * hub->interval_ns;
    peer->doubt_ns = zanni__hub_now (hub) + patience_ns;
    peer->doubt_over = false;
    zanni__hub_due (hub, peer->doubt_ns);
}

static void
s_redial_later (zanni__peer_t *peer)
{
    peer->redial_ns = zanni__hub_now (peer->hub) + peer->backoff_ns;
    peer->backoff_ns = peer->backoff_ns * 2 < S_BACKOFF_LAST_NS ? peer->backoff_ns * 2 : S_BACKOFF_LAST_NS;
    zanni__hub_due (peer->hub, peer->redial_ns);
}

/* What it means that a handshake was ended by the other side. */
static const char *
s_why_denied (const zanni__dial_t *dial)
{
    if (!dial || !dial->certified)
        return "does not take our secret, or has none";
    return dial->not_admitted ? "does not admit our key" : "has another key than was said, or none";
}

/* A connection to another host that never stood. Whoever refuses our key, or speaks without any, ends it amid the handshake,
   and says no more; that may happen once for another reason. */
static void
s_far_broke (zanni__peer_t *peer, bool denied, const char *why)
{
    static const zanni_reason_t refused = { .kind = ZANNI_EXIT_ERROR, .code = ZANNI_EAUTH };
    zanni_reason_t reason = refused;
    peer->denials = denied ? peer->denials + 1 : 0;
    if (peer->denials < S_DENIALS) {
        if (!denied)
            zanni__session_doubt (peer);
        return;
    }
    snprintf (reason.text, sizeof reason.text, "%.62s %s", peer->base.endpoint, why);
    zanni__log (peer->hub->worker->node, ZANNI_LOG_WARNING, "%s", reason.text);
    zanni__session_down (peer, &reason, false, false);
}

void
zanni__session_broke (zanni__peer_t *peer)
{
    bool denied = peer->dial && peer->dial->denied;
    const char *why = s_why_denied (peer->dial);
    uint32_t generation = peer->generation;
    if (!zanni__lane_drain (peer))
        return;
    peer->up = false;
    peer->in.ack_ns = INT64_MAX;
    zanni__dial_close (&peer->dial, 0);
    zanni__route_end (peer->hub, &peer->route);
    if (peer->sentenced)
        zanni__session_lost (peer);
    else if (peer->ours) {
        if (peer->base.far && !peer->stood)
            s_far_broke (peer, denied, why);
        if (peer->generation == generation)
            s_redial_later (peer);
    }
    else if (!*peer->base.endpoint || zanni__dial_refused (peer->hub, peer->base.endpoint))
        zanni__session_doubt (peer);
    else
        zanni__pulse_miss (peer);
}

static void
s_redial (zanni__peer_t *peer)
{
    uint32_t generation = peer->generation;
    if (zanni__dial_refused (peer->hub, peer->base.endpoint)) {
        zanni__session_doubt (peer);
        if (peer->generation == generation)
            s_redial_later (peer);
        return;
    }
    int rc = s_dial (peer);
    if (rc == ZANNI_EAUTH && peer->base.far)   // by now
        zanni__far_denied (peer, "nobody is trusted there");
    else if (rc)
        s_redial_later (peer);   // too few sockets or the like: later, maybe
}

/* The worker may have been away for long: what dispels the doubt may wait to be read. */
static bool
s_is_over (zanni__peer_t *peer)
{
    zanni__source_t *source = zanni__peer_source (peer);
    if (!peer->ours && !source)   // what came last of its connection, or the next one's HELLO
        source = peer->base.far ? &peer->hub->far.router : &peer->hub->near.router;
    bool asked = peer->doubt_over;
    peer->doubt_over = true;
    if (asked)
        return zanni__source_is_read (source);
    zanni__source_stir (source);
    return false;
}

void
zanni__session_due (zanni__peer_t *peer, int64_t now_ns)
{
    if (!peer->alive)
        return;
    if (peer->in.ack_ns <= now_ns) {
        peer->in.ack_ns = INT64_MAX;
        if (peer->up && zanni__post_ack (peer))
            zanni__peer_sent (peer);
    }
    zanni__hub_due (peer->hub, peer->in.ack_ns);
    if (peer->doubt_ns <= now_ns && s_is_over (peer)) {
        zanni__session_lost (peer);
        return;
    }
    zanni__hub_due (peer->hub, peer->doubt_ns);
    if (peer->redial_ns <= now_ns)
        s_redial (peer);   // it may be gone now
    else
        zanni__hub_due (peer->hub, peer->redial_ns);
}

/* What both can do. */
static uint32_t
s_level (const zanni__peer_t *peer, const zanni_wire_hello_t *hello)
{
    uint32_t level = peer->hub->worker->node->options.wire_level_max;
    if (level > 2 && !(peer->lane && hello->abilities & ZANNI_ABILITY_SHARED))
        level = 2;
    return hello->abilities & ZANNI_ABILITY_FRAMES ? level : 1;
}

/* The smaller of the two windows counts, in both directions. */
static void
s_stand (zanni__peer_t *peer, const zanni_wire_hello_t *hello)
{
    uint64_t window = hello->window < peer->hub->window ? hello->window : peer->hub->window;
    peer->stood = true;
    peer->level = s_level (peer, hello);
    peer->claims = !peer->base.far && peer->hub->worker->node->claims && hello->abilities & ZANNI_ABILITY_CLAIMS;
    peer->out.window = peer->out.room = peer->in.told_room = window;
    peer->base.item_most = zanni__window_item_most (window);
    peer->base.no_links = !(hello->abilities & ZANNI_ABILITY_LINK);
    memcpy (peer->base.node, hello->node, sizeof peer->base.node);
    peer->base.incarnation = hello->incarnation;
    memset (peer->base.home, 0, sizeof peer->base.home);
    if (hello->home.size < sizeof peer->base.home && hello->home.size)
        memcpy (peer->base.home, hello->home.data, hello->home.size);
}

/* Whether both sides have the same lane, or none; it is the session's from its beginning to its end. */
static bool
s_agree_on_lane (zanni__peer_t *peer, const zanni_wire_hello_t *hello)
{
    bool theirs = hello->abilities & ZANNI_ABILITY_LANE;
    if (peer->stood || !peer->ours)
        return peer->stood ? theirs == (peer->lane != NULL) : true;   // WELCOME has said what we have
    if (!theirs)
        zanni__lane_close (&peer->lane);
    return !theirs || (peer->lane && !zanni__lane_begin (peer->lane, hello->abilities & ZANNI_ABILITY_RINGS));
}

void
zanni__session_welcomed (zanni__peer_t *peer, const zanni_wire_hello_t *hello)
{
    uint32_t generation = peer->generation;
    bool first = !peer->stood;
    if (hello->last > peer->out.sequence) {
        zanni__session_fault (peer, "it has seen a batch that was never sent");
        return;
    }
    if (!s_agree_on_lane (peer, hello)) {
        zanni__session_fault (peer, "the two sides do not have the same lane");
        return;
    }
    if (first)
        s_stand (peer, hello);
    peer->up = true;
    peer->redial_ns = INT64_MAX;
    peer->doubt_ns = peer->sentenced ? peer->doubt_ns : INT64_MAX;
    peer->backoff_ns = S_BACKOFF_FIRST_NS;
    peer->in.told = peer->in.seen;
    peer->pins++;
    zanni__session_acknowledge (peer, hello->last, NULL);
    if (peer->generation == generation) {
        zanni__outbox_again (peer, hello->last);   // before any of those goes
        zanni__earlies_release (peer);
        zanni__outbox_flush (peer);
        zanni__home_watch (peer);
        if (peer->ours)   // its pulse may have been given up meanwhile
            zanni__pulse_want (peer);
        if (first && peer->base.no_links)
            zanni_worker_no_links (peer->hub->worker, &peer->base);
        if (!first && peer->up)
            (void) zanni__post_ack (peer);   // room that was told on the last connection may have been lost with it
    }
    zanni__peer_unpin (peer);
}

/* `room`: what the peer said with it, or NULL. */
void
zanni__session_acknowledge (zanni__peer_t *peer, uint64_t ack, const uint64_t *room)
{
    zanni__outbox_t *out = &peer->out;
    zanni_worker_t *worker = peer->hub->worker;
    uint32_t generation = peer->generation;
    uint64_t before = out->charge;
    if (ack > out->sequence) {
        zanni__session_fault (peer, "it acknowledges a batch that was never sent");
        return;
    }
    if (room)
        zanni__window_told (out, ack, *room, peer->base.acknowledged);
    if (ack > peer->base.acknowledged) {
        (void) zanni__outbox_acknowledged (out, ack);
        if (!room)   // as far as we know it is still there
            out->room -= before - out->charge < out->room ? before - out->charge : out->room;
        peer->base.acknowledged = ack;
        if (out->transfers)
            zanni__session_dirty (peer);
        if (peer->base.awaited)
            zanni_worker_acknowledged (worker, &peer->base);
    }
    if (peer->generation == generation && out->wanted && zanni__window_half_open (out)) {
        out->wanted = false;
        zanni_worker_peer_room (worker, &peer->base);
    }
}
