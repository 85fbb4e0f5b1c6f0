/* Whose key speaks for which node, and until when.

   libzmq has seen to it that who speaks has a key that was admitted (zap.c), or is who was dialled. What it does not know is
   what we do with that: a session is of one key, whose rights count for all that comes by it; a node's id goes with one key
   at a time; and a key that is not trusted any more loses its sessions and pulses, though its connections stay, for a
   ROUTER cannot close one. On such a connection nothing is taken but HELLO, which is refused. */

#include "hub.h"

#include "../actor/remote/rights.h"
#include "cert.h"
#include "trust.h"

#include <stdio.h>
#include <string.h>

#define S_LOOK_NS 500000000
#define S_REFUSED_NS 1000000000   // between two lines of the log
#define S_REFUSED_TOLD 64         // in that time

bool
zanni__far_is_trusted (zanni__hub_t *hub, const char *endpoint, const zanni__shown_t *shown, bool ours)
{
    zanni_node_t *node = hub->worker->node;
    const uint8_t *key = shown->keyed ? shown->key : NULL;
    if (ours)
        return zanni__trust_holds (node, endpoint, key);
    return key ? zanni__trust_admits (node, key) : !hub->admits;
}

/* The log says so once a second, and what is answered has a limit, for it may not be read. */
static void
s_refuse (zanni__hub_t *hub, const zanni__way_t *way, const char *name, const char *why)
{
    int64_t now_ns = zanni__hub_now (hub);
    if (!hub->distrusted_ns || now_ns - hub->distrusted_ns >= S_REFUSED_NS) {
        hub->distrusted_ns = now_ns;
        hub->distrusted = 0;
        zanni__log (hub->worker->node, ZANNI_LOG_WARNING, "%s is refused: %s", name, why);
    }
    if (way->socket && hub->distrusted++ < S_REFUSED_TOLD)
        zanni__bye_send (way, ZANNI_BYE_DISTRUST, why);
}

bool
zanni__far_hello (zanni__hub_t *hub, const zanni__way_t *way, zanni__mail_t *mail, const zanni_wire_hello_t *hello,
                  zanni__shown_t *shown)
{
    const char *why = NULL;
    char name [80] = "";
    *shown = (zanni__shown_t) { .keyed = false };
    if (way->socket != hub->far.router.socket)
        return true;
    const char *user = zmq_msg_gets (&mail->header, "User-Id");   // of a frame of the body: that of the id has none (4.3.4)
    shown->keyed = user && zanni__key_parse (shown->key, user);
    if (!zanni__far_is_trusted (hub, "", shown, false))
        why = "its key is not allowed, or not any more";
    else if (!zanni__claim_fits (hub->worker->node, hello->node, shown->key))
        why = "it claims to be a node that is known by another key";
    if (!why)
        return true;
    snprintf (name, sizeof name, "\"%.*s\"", hello->name.size < 64 ? (int) hello->name.size : 64, (const char *) hello->name.data);
    s_refuse (hub, way, name, why);
    return false;
}

static bool
s_claim (zanni__peer_t *peer, const uint8_t *node, const zanni__shown_t *shown)
{
    zanni_node_t *ours = peer->hub->worker->node;
    if (peer->claimed && !memcmp (peer->base.node, node, sizeof peer->base.node)
        && !memcmp (&peer->shown.key, shown->key, sizeof shown->key))
        return true;   // on its next connection
    zanni__far_drop (peer);
    if (!zanni__claim_take (ours, node, shown->key))
        return false;
    peer->claimed = true;
    peer->shown = *shown;
    memcpy (peer->base.node, node, sizeof peer->base.node);
    peer->base.rights = shown->keyed ? zanni__rights_of (ours, shown->key) : NULL;
    return !shown->keyed || peer->base.rights;
}

bool
zanni__far_keep (zanni__peer_t *peer, const uint8_t *node, const zanni__shown_t *shown)
{
    static const char why [] = "it claims to be a node that is known by another key";
    const zanni__way_t way = zanni__peer_way (peer);
    if (!peer->base.far || s_claim (peer, node, shown)) {
        if (peer->base.far)
            zanni__far_watch (peer->hub);
        return true;
    }
    s_refuse (peer->hub, &way, peer->base.endpoint, why);
    zanni__far_denied (peer, why);
    return false;
}

void
zanni__far_drop (zanni__peer_t *peer)
{
    if (peer->claimed)
        zanni__claim_give (peer->hub->worker->node, peer->base.node);
    peer->claimed = false;
    peer->shown = (zanni__shown_t) { .keyed = false };
    peer->base.rights = NULL;
}

void
zanni__far_denied (zanni__peer_t *peer, const char *text)
{
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = ZANNI_EAUTH };
    snprintf (reason.text, sizeof reason.text, "%.50s: %.58s", peer->base.endpoint, text);
    zanni__session_down (peer, &reason, false, false);
}

void
zanni__far_watch (zanni__hub_t *hub)
{
    if (!zanni__trust_has_folder (hub->worker->node) || hub->look_ns != INT64_MAX)
        return;
    hub->look_ns = zanni__hub_now (hub) + S_LOOK_NS;
    zanni__hub_due (hub, hub->look_ns);
}

static void
s_distrust (zanni__peer_t *peer)
{
    const zanni__way_t way = zanni__peer_way (peer);
    bool listens = *peer->base.listens && *peer->base.listens != '~';
    const char *name = *peer->base.endpoint == '~' && listens ? peer->base.listens : peer->base.endpoint;
    zanni__log (peer->hub->worker->node, ZANNI_LOG_WARNING, "the session with %s ends: its key is not trusted any more", name);
    if (way.socket && peer->up)
        zanni__bye_send (&way, ZANNI_BYE_DISTRUST, "the key is not trusted any more");
    zanni__far_denied (peer, "its key is not trusted any more");
}

/* Who has the session, and whom its connection was dialled to, be it that nobody has answered yet. What is yet to be dialled
   is asked about then. */
static bool
s_is_trusted (const zanni__peer_t *peer)
{
    zanni__hub_t *hub = peer->hub;
    const zanni__dial_t *dial = peer->ours ? peer->dial : NULL;
    if (dial && !zanni__far_is_trusted (hub, peer->base.endpoint, &dial->shown, true))
        return false;
    return !peer->claimed || zanni__far_is_trusted (hub, peer->base.endpoint, &peer->shown, peer->ours);
}

void
zanni__far_look (zanni__hub_t *hub)
{
    zanni__link_t *next;
    hub->distrusts = atomic_load_explicit (&hub->worker->node->distrusts, memory_order_acquire);
    for (zanni__link_t *link = hub->peers.next; link != &hub->peers; link = next) {
        zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        peer->pins++;
        if (peer->alive && peer->base.far && !s_is_trusted (peer))
            s_distrust (peer);
        next = link->next;
        zanni__peer_unpin (peer);
    }
    zanni__pulses_distrust (hub);
}

/* The worker wakes from time to time as long as it has something that may end so: receive begins with a look. */
void
zanni__far_due (zanni__hub_t *hub, int64_t now_ns)
{
    bool needed = hub->pulses != NULL;
    if (hub->look_ns == INT64_MAX)
        return;
    for (const zanni__link_t *link = hub->peers.next; link != &hub->peers && !needed; link = link->next) {
        const zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        needed = peer->alive && peer->base.far;
    }
    if (!needed)
        hub->look_ns = INT64_MAX;
    else if (hub->look_ns <= now_ns)
        hub->look_ns = now_ns + S_LOOK_NS;
    zanni__hub_due (hub, hub->look_ns);
}
