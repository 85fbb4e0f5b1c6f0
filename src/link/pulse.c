/* Whether other nodes live, seen from outside of what their workers do.

   A pulse is a connection between two nodes that carries HELLO and nothing else, and ZMTP heartbeats, which libzmq's
   own threads answer: an actor that computes does not stop it, and no flood hides that it has stopped. The control
   thread of the node that dialled a session keeps it. It breaks when answers are missing, or for any other reason; then
   it is dialled again at once, and stands again when libzmq there has shaken hands, whatever its worker does. Where it
   does not within one interval the node is lost, which all workers hear. The other side knows the pulse by its HELLO,
   and waits as long for the next one, or for the first, where a session that the dialer has to dial again lost its
   connection. It does not rely on the dialer's pings to miss it: libzmq learns from each for how long the next may be
   away, but waits for ever for the first, and again behind every other message. So a listener pings, too.

   A process of this node's own is dialled a little later: its session's first messages go before, and should it end
   meanwhile, its home hears of that without a pulse.

   Who finds a node lost lets go of all pulses with it, those that stand, too: its sessions are down here, and a pulse that
   goes on would keep them at the other side, which may wait for us to dial. So that one finds this node lost in its turn.

   When nobody listens any more at the endpoint that the pulse was dialled at, its worker has ended, but its node may
   live on: then the workers are asked who has a session with that node, and the pulse goes to that one's endpoint. Where
   none has a connection just then, it is the first session to be welcomed again that wants another. */

#include "hub.h"

#include "../base/memory.h"
#include "trust.h"

#include <string.h>

#define S_FIRST_INTERVALS 3   // until a new one has to stand
#define S_FIRST_PARTS 16      // of an interval, until a new one is dialled to a process of our own

struct zanni__pulse {
    zanni__entry_t entry;      // among those that the node's workers have shown
    zanni__pulse_t *next;
    zanni__hub_t *hub;
    uint8_t node [16];
    uint64_t incarnation;
    char endpoint [ZANNI_ENDPOINT_MAX];
    bool ours;
    zanni__dial_t *dial;       // of ours
    zanni__route_t *route;     // of the other side's
    uint64_t connection;       // number of that; 0: it said none
    int64_t losses;            // that whoever asked for it last had heard of
    int64_t lost_ns;           // when the node is lost; INT64_MAX: it stands
    int64_t redial_ns;
    bool dialled;              // once at least
    bool shown;
    bool far;                  // what it is waited for at
    bool expected;             // nothing of it came so far: see zanni__pulse_miss
    zanni__shown_t by;         // of the other side's by tcp
    bool claimed;              // its node's id, for that key
    bool over;                 // that time has come, and everything is read once more
};

static zanni__pulse_t *
s_find (zanni__hub_t *hub, const uint8_t *node, bool ours)
{
    zanni__pulse_t *pulse = hub->pulses;
    while (pulse && (pulse->ours != ours || memcmp (pulse->node, node, sizeof pulse->node)))
        pulse = pulse->next;
    return pulse;
}

static zanni__pulse_t *
s_new (zanni__hub_t *hub, const uint8_t *node, bool ours)
{
    zanni__pulse_t *pulse = zanni__calloc (sizeof *pulse);
    if (!pulse)
        return NULL;
    memcpy (pulse->node, node, sizeof pulse->node);
    pulse->hub = hub;
    pulse->ours = ours;
    pulse->losses = hub->losses;
    pulse->lost_ns = pulse->redial_ns = INT64_MAX;
    pulse->next = hub->pulses;
    hub->pulses = pulse;
    return pulse;
}

static uint64_t
s_number (const uint8_t *node)
{
    uint64_t number;
    memcpy (&number, node, sizeof number);
    return number;
}

/* Workers of a node know of each other's pulses, of whatever direction. */
static void
s_show (zanni__pulse_t *pulse)
{
    zanni_node_t *node = pulse->hub->worker->node;
    pthread_mutex_lock (&node->exports_lock);
    if (!pulse->shown)
        pulse->shown = zanni__table_put (&node->pulses, &pulse->entry, s_number (pulse->node));
    pthread_mutex_unlock (&node->exports_lock);
}

static void
s_hide (zanni__pulse_t *pulse)
{
    zanni_node_t *node = pulse->hub->worker->node;
    pthread_mutex_lock (&node->exports_lock);
    if (pulse->shown)
        zanni__table_remove (&node->pulses, &pulse->entry);
    pthread_mutex_unlock (&node->exports_lock);
}

static bool
s_has_shown (zanni_node_t *node, const uint8_t *id)
{
    pthread_mutex_lock (&node->exports_lock);
    bool found = zanni__table_find (&node->pulses, s_number (id)) != NULL;
    pthread_mutex_unlock (&node->exports_lock);
    return found;
}

static void
s_free (zanni__pulse_t *pulse)
{
    zanni__hub_t *hub = pulse->hub;
    zanni__pulse_t **at = &hub->pulses;
    while (*at != pulse)
        at = &(*at)->next;
    *at = pulse->next;
    zanni__dial_close (&pulse->dial, 0);
    zanni__route_end (hub, &pulse->route);
    s_hide (pulse);
    if (pulse->claimed)
        zanni__claim_give (hub->worker->node, pulse->node);
    zanni__free (pulse);
}

static void
s_wait (zanni__pulse_t *pulse, int64_t intervals)
{
    if (pulse->lost_ns == INT64_MAX) {
        pulse->lost_ns = zanni__hub_now (pulse->hub) + intervals * pulse->hub->interval_ns;
        pulse->over = false;
    }
    zanni__hub_due (pulse->hub, pulse->lost_ns);
}

static void
s_tell (zanni__pulse_t *pulse, zanni_node_change_t change)
{
    zanni_node_event_t event = { .change = change, .incarnation = pulse->incarnation };
    if (change == ZANNI_NODE_LOST)   // relaxed: only that they differ and grow counts
        event.code = 1 + atomic_fetch_add_explicit (&pulse->hub->worker->node->losses, 1, memory_order_relaxed);
    memcpy (event.node, pulse->node, sizeof event.node);
    zanni_worker_event (pulse->hub->worker, NULL, &event);
}

/* WELCOME, which says nothing new; or BYE: the other side does not trust us any more, and is about to end all sessions, which
   says more than that it is lost. */
static void
s_came (zanni__dial_t *dial, zanni__mail_t *mail)
{
    zanni__pulse_t *pulse = dial->owner;
    zanni_record_t record;
    const char *fault = NULL;
    zanni__tables_t *tables = &pulse->hub->tables;
    size_t size = zmq_msg_size (&mail->header);
    if (size > ZANNI_WIRE_HEADER_MAX)
        return;
    zanni__reader_t reader = zanni__reader (zmq_msg_data (&mail->header), (uint32_t) size);
    bool batch = zanni__record_read (&reader, &record, tables, &fault) == 1 && record.kind == ZANNI_RECORD_BATCH;
    if (!batch || zanni__record_read (&reader, &record, tables, &fault) != 1 || record.kind != ZANNI_RECORD_BYE)
        return;
    zanni__dial_close (&pulse->dial, 0);
    s_wait (pulse, S_FIRST_INTERVALS);
}

static void
s_stands (zanni__dial_t *dial)
{
    zanni__pulse_t *pulse = dial->owner;
    pulse->lost_ns = INT64_MAX;
}

static void
s_broke (zanni__dial_t *dial)
{
    zanni__pulse_t *pulse = dial->owner;
    int64_t pause_ns = dial->shook ? 0 : pulse->hub->interval_ns / S_FIRST_PARTS;   // nobody may listen there any more
    zanni__dial_close (&pulse->dial, 0);
    s_wait (pulse, 1);
    pulse->redial_ns = zanni__hub_now (pulse->hub) + pause_ns;
    zanni__hub_due (pulse->hub, pulse->redial_ns);
}

static void
s_dial (zanni__pulse_t *pulse)
{
    zanni__hub_t *hub = pulse->hub;
    zanni_record_t record = { .kind = ZANNI_RECORD_HELLO };
    const zanni__dialling_t how = {
        .owner = pulse, .came = s_came, .stands = s_stands, .broke = s_broke,
        .pulse_ns = hub->interval_ns
    };
    pulse->redial_ns = INT64_MAX;
    pulse->dialled = true;
    if (zanni__dial_new (hub, &pulse->dial, pulse->endpoint, &how)) {
        pulse->redial_ns = zanni__hub_now (hub) + hub->interval_ns / 8;
        zanni__hub_due (hub, pulse->redial_ns);
        return;
    }
    const zanni__way_t way = zanni__dial_way (pulse->dial);
    zanni__hello_fill (hub, &record.as.hello, zanni__is_tcp (pulse->endpoint));
    record.as.hello.purpose = 1;
    record.as.hello.connection = zanni__number_next (hub);
    (void) zanni__post_record (&way, &record);
}

/* Who has a session with that node, and dialled it, is asked, or says so. */
void
zanni__pulse_want (zanni__peer_t *peer)
{
    zanni_worker_t *worker = peer->hub->worker;
    zanni_worker_t *undertaker = atomic_load_explicit (&worker->node->undertaker, memory_order_relaxed);
    zanni_node_event_t event = {
        .change = ZANNI_NODE_WATCH, .incarnation = peer->base.incarnation, .code = peer->hub->losses
    };
    event.own = *peer->base.home && zanni__home_is_here (peer->hub, peer->base.home);
    peer->hub->spawns = peer->hub->spawns || event.own;
    memcpy (event.node, peer->base.node, sizeof event.node);
    memcpy (event.endpoint, peer->base.endpoint, sizeof event.endpoint);
    if (undertaker)
        zanni_worker_event (worker, undertaker, &event);
}

/* A session that the other side dialled, and has to dial again, lost its connection. That side may have been stopped before
   its pulse came, to whatever worker, and then there is none that could be lost. */
void
zanni__pulse_miss (zanni__peer_t *peer)
{
    zanni__hub_t *hub = peer->hub;
    if (s_has_shown (hub->worker->node, peer->base.node) || s_find (hub, peer->base.node, false))
        return;
    zanni__pulse_t *pulse = s_new (hub, peer->base.node, false);
    if (!pulse)
        return;
    pulse->incarnation = peer->base.incarnation;
    pulse->expected = true;
    pulse->far = peer->base.far;
    s_wait (pulse, 1);
}

/* Its node has dialled a session, maybe again: it lives, and a new pulse follows, which may take as long as any that is
   new. */
void
zanni__pulse_follows (zanni__hub_t *hub, const uint8_t *node)
{
    zanni__pulse_t *pulse = s_find (hub, node, false);
    if (!pulse || pulse->lost_ns == INT64_MAX)
        return;
    pulse->lost_ns = INT64_MAX;
    s_wait (pulse, S_FIRST_INTERVALS);
}

/* One that was expected only: by now it came to another worker, or the session is there again. */
static bool
s_is_needless (const zanni__pulse_t *pulse)
{
    const zanni__hub_t *hub = pulse->hub;
    if (!pulse->expected)
        return false;
    for (const zanni__link_t *link = hub->peers.next; link != &hub->peers; link = link->next) {
        const zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        if (peer->alive && peer->up && !memcmp (peer->base.node, pulse->node, sizeof pulse->node))
            return true;
    }
    return s_has_shown (hub->worker->node, pulse->node);
}

/* A pulse is gone without a verdict. Who has a session with that node that was dialled here wants another; one that waits for
   the other side to dial may have relied on that pulse. */
static void
s_answer (zanni__hub_t *hub, const zanni_node_event_t *event)
{
    bool wanted = false;
    for (zanni__link_t *link = hub->peers.next; link != &hub->peers; link = link->next) {
        zanni__peer_t *peer = ZANNI__CONTAINER (link, zanni__peer_t, all);
        if (!peer->alive || memcmp (peer->base.node, event->node, sizeof peer->base.node))
            continue;
        if (peer->ours && peer->up && !wanted)
            zanni__pulse_want (peer);
        else if (!peer->ours && !peer->up)
            zanni__pulse_miss (peer);
        wanted = wanted || (peer->ours && peer->up);
    }
}

void
zanni__pulse_watch (zanni__hub_t *hub, const zanni_node_event_t *event)
{
    if (!*event->endpoint) {
        s_answer (hub, event);
        return;
    }
    zanni__pulse_t *pulse = s_find (hub, event->node, true);
    if (!pulse)
        pulse = s_new (hub, event->node, true);
    if (!pulse)
        return;
    s_show (pulse);
    pulse->incarnation = event->incarnation;
    if (pulse->losses < event->code)
        pulse->losses = event->code;
    if (pulse->dial)
        return;
    memcpy (pulse->endpoint, event->endpoint, sizeof pulse->endpoint);
    if (zanni__is_tcp (pulse->endpoint))
        zanni__far_watch (hub);
    s_wait (pulse, S_FIRST_INTERVALS);
    if (!event->own)
        s_dial (pulse);
    else if (pulse->redial_ns == INT64_MAX) {
        pulse->redial_ns = zanni__hub_now (hub) + hub->interval_ns / S_FIRST_PARTS;
        zanni__hub_due (hub, pulse->redial_ns);
    }
}

/* Another one's pulse would keep a node, or end it. */
static bool
s_is_claimed (zanni__pulse_t *pulse, const zanni__way_t *way, const zanni__shown_t *shown)
{
    if (!pulse->claimed && way->socket == pulse->hub->far.router.socket) {
        pulse->claimed = zanni__claim_take (pulse->hub->worker->node, pulse->node, shown->key);
        pulse->by = *shown;
        return pulse->claimed;
    }
    return true;   // HELLO was looked at
}

/* Of a connection that its dialer has given up for the one that we have heard of. */
static bool
s_is_late (const zanni__pulse_t *known, const zanni_wire_hello_t *hello)
{
    return hello->connection && hello->connection < known->connection && hello->incarnation == known->incarnation;
}

void
zanni__pulse_came (zanni__hub_t *hub, const zanni__way_t *way, int fd, const zanni_wire_hello_t *hello,
                   const zanni__shown_t *shown)
{
    zanni_record_t record = { .kind = ZANNI_RECORD_WELCOME };
    zanni__pulse_t *known = s_find (hub, hello->node, false);
    if (known && s_is_late (known, hello)) {
        zanni__bye_send (way, ZANNI_BYE_DEAD, "");
        return;
    }
    zanni__pulse_t *pulse = known ? known : s_new (hub, hello->node, false);
    zanni__route_t *route = pulse && s_is_claimed (pulse, way, shown) ? zanni__route_new (hub, way, fd) : NULL;
    if (!route) {
        if (pulse && !known)
            s_free (pulse);   // nothing would end it
        return;
    }
    if (route != pulse->route)
        zanni__route_end (hub, &pulse->route);
    s_show (pulse);
    pulse->expected = false;
    pulse->far = way->socket == hub->far.router.socket;
    if (pulse->far)
        zanni__far_watch (hub);
    route->pulse = pulse;
    pulse->route = route;
    pulse->connection = hello->connection;
    pulse->incarnation = hello->incarnation;
    pulse->losses = hub->losses;
    pulse->lost_ns = INT64_MAX;
    zanni__hello_fill (hub, &record.as.hello, pulse->far);
    if (!zanni__post_record (way, &record))
        zanni__pulse_broke (hub, pulse);
}

void
zanni__pulse_detach (zanni__pulse_t *pulse)
{
    if (!pulse)
        return;
    pulse->route = NULL;
    s_wait (pulse, 1);
}

bool
zanni__pulse_is_with (const zanni__pulse_t *pulse, const uint8_t *node)
{
    return !memcmp (pulse->node, node, sizeof pulse->node);
}

void
zanni__pulse_broke (zanni__hub_t *hub, zanni__pulse_t *pulse)
{
    zanni__route_end (hub, &pulse->route);
    s_wait (pulse, 1);
}

void
zanni__pulse_done (zanni__pulse_t *pulse)
{
    s_free (pulse);
}

void
zanni__pulse_fault (zanni__pulse_t *pulse)
{
    s_tell (pulse, ZANNI_NODE_LOST);
    s_free (pulse);
}

void
zanni__pulses_ended (zanni__hub_t *hub, const uint8_t *node, uint64_t incarnation)
{
    zanni__pulse_t *next;
    for (zanni__pulse_t *pulse = hub->pulses; pulse; pulse = next) {
        next = pulse->next;
        if (pulse->incarnation <= incarnation && !memcmp (pulse->node, node, sizeof pulse->node))
            s_free (pulse);
    }
}

/* But one that a session needs which was begun since; others may have begun without asking. */
void
zanni__pulses_lost (zanni__hub_t *hub, const zanni_node_event_t *event)
{
    zanni__pulse_t *next;
    if (hub->losses < event->code)
        hub->losses = event->code;
    for (zanni__pulse_t *pulse = hub->pulses; pulse; pulse = next) {
        next = pulse->next;
        if (pulse->incarnation > event->incarnation || pulse->losses >= event->code
            || memcmp (pulse->node, event->node, sizeof pulse->node))
            continue;
        s_tell (pulse, ZANNI_NODE_WATCH);
        s_free (pulse);
    }
}

/* The worker may have been away for long: a new connection, or its HELLO, may wait to be read. */
static bool
s_is_over (zanni__pulse_t *pulse)
{
    zanni__hub_t *hub = pulse->hub;
    zanni__gate_t *gate = pulse->far ? &hub->far : &hub->near;
    zanni__source_t *first = pulse->ours ? pulse->dial ? &pulse->dial->monitor : NULL : &gate->monitor;
    zanni__source_t *second = pulse->ours ? NULL : &gate->router;
    bool asked = pulse->over;
    pulse->over = true;
    if (asked)
        return zanni__source_is_read (first) && zanni__source_is_read (second);
    zanni__source_stir (first);
    zanni__source_stir (second);
    return false;
}

static void
s_due (zanni__pulse_t *pulse, int64_t now_ns)
{
    if (pulse->lost_ns <= now_ns && s_is_over (pulse)) {
        if (!s_is_needless (pulse))
            s_tell (pulse, ZANNI_NODE_LOST);
        s_free (pulse);
        return;
    }
    zanni__hub_due (pulse->hub, pulse->lost_ns);
    if (pulse->redial_ns > now_ns) {
        zanni__hub_due (pulse->hub, pulse->redial_ns);
        return;
    }
    if (!pulse->dialled || !zanni__dial_refused (pulse->hub, pulse->endpoint)) {
        s_dial (pulse);
        return;
    }
    s_tell (pulse, ZANNI_NODE_WATCH);
    s_free (pulse);
}

/* Where it was dialled by us, its sessions have ended by now, and it is told no more than that. */
void
zanni__pulses_distrust (zanni__hub_t *hub)
{
    zanni__pulse_t *next;
    for (zanni__pulse_t *pulse = hub->pulses; pulse; pulse = next) {
        next = pulse->next;
        const zanni__shown_t *shown = pulse->dial ? &pulse->dial->shown : &pulse->by;
        bool far = pulse->ours ? zanni__is_tcp (pulse->endpoint) : pulse->claimed;
        if (!far || (pulse->ours && !pulse->dial) || zanni__far_is_trusted (hub, pulse->endpoint, shown, pulse->ours))
            continue;
        const zanni__way_t way = pulse->route ? zanni__route_way (pulse->route) : (zanni__way_t) { NULL, NULL, 0 };
        if (way.socket)
            zanni__bye_send (&way, ZANNI_BYE_DISTRUST, "");
        s_free (pulse);
    }
}

void
zanni__pulses_due (zanni__hub_t *hub, int64_t now_ns)
{
    zanni__pulse_t *next;
    for (zanni__pulse_t *pulse = hub->pulses; pulse; pulse = next) {
        next = pulse->next;
        s_due (pulse, now_ns);
    }
}

void
zanni__pulses_close (zanni__hub_t *hub)
{
    while (hub->pulses) {
        zanni__pulse_t *pulse = hub->pulses;
        if (pulse->dial) {
            const zanni__way_t way = zanni__dial_way (pulse->dial);
            zanni__bye_send (&way, ZANNI_BYE_DONE, "");
            zanni__dial_close (&pulse->dial, 100);
        }
        s_free (pulse);
    }
}
