/* Who may speak: HELLO, WELCOME and BYE, and what comes from a connection before and behind them.

   Nothing but HELLO is taken from a connection that is not known, and nothing numbered before WELCOME. A session belongs
   to the connection that was dialled last, as far as its dialer numbers them; else to that which said its HELLO last.

   Two sides may dial each other at once. The session that the node with the smaller id dials stays (of two endpoints of
   one node, the smaller one's): that one answers BYE (crossed) to the other's HELLO, while the other lets go of its own
   dial, whose queue goes on in the session that stays. Numbers of a dialer grow, so a greater one says that the session
   before was given up there. */

#include "hub.h"

#include "../actor/remote/claims.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define S_CROSSED_NS 1000000000    // for which the other side's HELLO is waited for
#define S_STRANGERS_NS 1000000000  // between two lines of the log about them
#define S_STRANGERS_TOLD 64        // BYEs to them in that time

/* A message that is being read. */
typedef struct {
    zanni__hub_t *hub;
    zanni__way_t way;
    zanni__peer_t *peer;        // whose session it came by, or NULL
    zanni__route_t *route;      // what it came by where we listen; NULL: it is not known
    zanni__mail_t *mail;
    zanni__shown_t shown;       // by whose HELLO it is
    bool by_lane;               // which is there as long as its session is, whatever its connection does
    zanni__reader_t reader;
    zanni_record_t record;
    const char *fault;
} s_letter_t;

static int
s_digit (char letter)
{
    return letter >= '0' && letter <= '9' ? letter - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Of this user on this host as long as it runs: the kernel's boot id, with the user's in its last bytes. */
void
zanni__hello_host (uint8_t host [16])
{
    char text [40] = "";
    uint32_t user = (uint32_t) getuid ();
    int count = 0;
    int fd = open ("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read (fd, text, sizeof text) : 0;
    if (fd >= 0)
        close (fd);
    memset (host, 0, 16);
    for (ssize_t i = 0; i < size && count < 32; i++)
        if (s_digit (text [i]) >= 0) {
            host [count / 2] = (uint8_t) (host [count / 2] << 4 | s_digit (text [i]));
            count++;
        }
    for (int i = 0; i < 4; i++)
        host [12 + i] ^= (uint8_t) (user >> (8 * i));
}

static zanni_bytes_t
s_bytes (const char *text)
{
    return (zanni_bytes_t) { text, strlen (text) };
}

void
zanni__hello_fill (zanni__hub_t *hub, zanni_wire_hello_t *hello, bool far)
{
    const zanni_node_t *node = hub->worker->node;
    *hello = (zanni_wire_hello_t) {
        .version_min = ZANNI_WIRE_VERSION, .version_max = ZANNI_WIRE_VERSION, .node = node->id,
        .incarnation = node->incarnation, .name = s_bytes (node->name), .host = hub->host, .window = hub->window,
        .buffer_max = ZANNI__BUFFER_LARGEST, .endpoint = s_bytes (far ? hub->far_endpoint : hub->endpoint),
        .home = s_bytes (far || !node->home ? "" : node->home)
    };
}

static uint32_t
s_abilities (zanni__peer_t *peer)
{
    zanni_worker_t *worker = peer->hub->worker;
    const zanni__claim_ops_t *claims = worker->node->claims;
    uint32_t level = worker->node->options.wire_level_max;
    uint32_t abilities = ZANNI_ABILITY_LINK;
    abilities |= (level > 1 ? ZANNI_ABILITY_FRAMES : 0) | (level > 2 ? ZANNI_ABILITY_SHARED : 0);
    peer->takes_claims |= !peer->base.far && claims && !claims->check (worker, NULL);   // said once, it stays true
    abilities |= peer->takes_claims ? ZANNI_ABILITY_CLAIMS : 0;
    if (!peer->lane)
        return abilities;
    return abilities | ZANNI_ABILITY_LANE | (peer->lane->rings ? ZANNI_ABILITY_RINGS : 0);
}

static bool
s_say (zanni__peer_t *peer, zanni_record_kind_t kind)
{
    zanni_record_t record = { .kind = (uint8_t) kind };
    const zanni__way_t way = zanni__peer_way (peer);
    zanni__hello_fill (peer->hub, &record.as.hello, peer->base.far);
    if (peer->base.far && kind == ZANNI_RECORD_HELLO)
        record.as.hello.endpoint = s_bytes (peer->said);
    record.as.hello.session = peer->number;
    record.as.hello.last = peer->in.seen;
    record.as.hello.connection = kind == ZANNI_RECORD_HELLO ? peer->connection : 0;
    record.as.hello.abilities = s_abilities (peer);
    return zanni__post_record (&way, &record);
}

/* The name of before, to those who have heard it: by another one it would be somebody else, and the last session, of which
   they may not know that it is down, would go on beside the next. */
bool
zanni__hello_send (zanni__peer_t *peer)
{
    zanni__hub_t *hub = peer->hub;
    if (!peer->said)
        peer->said = *hub->far_endpoint == '~' ? hub->nameless : hub->far_endpoint;
    return s_say (peer, ZANNI_RECORD_HELLO);
}

void
zanni__bye_send (const zanni__way_t *way, zanni_bye_t code, const char *text)
{
    zanni_record_t record = { .kind = ZANNI_RECORD_BYE };
    record.as.error.code = code;
    record.as.error.text = s_bytes (text);
    if (record.as.error.text.size > ZANNI_WIRE_TEXT_MAX)
        record.as.error.text.size = ZANNI_WIRE_TEXT_MAX;
    (void) zanni__post_record (way, &record);
}

static bool
s_same (const zanni_wire_hello_t *hello, const zanni__peer_t *peer)
{
    return !memcmp (hello->node, peer->base.node, sizeof peer->base.node) && hello->incarnation == peer->base.incarnation;
}

/* Who answers here is not who did: the other one has ended, and its home will say why. */
static void
s_replaced (zanni__peer_t *peer)
{
    const zanni__way_t way = zanni__peer_way (peer);
    if (way.socket)
        zanni__bye_send (&way, ZANNI_BYE_DEAD, "");
    peer->up = false;
    peer->redial_ns = INT64_MAX;
    zanni__dial_close (&peer->dial, 100);
    if (peer->sentenced)
        zanni__session_lost (peer);
    else
        zanni__session_doubt (peer);
}

static bool
s_is_known (const uint8_t *node)
{
    static const uint8_t nobody [16];
    return memcmp (node, nobody, sizeof nobody) != 0;
}

static void
s_welcome_came (s_letter_t *letter)
{
    zanni__peer_t *peer = letter->peer;
    const zanni_wire_hello_t *hello = &letter->record.as.hello;
    if (!peer->ours || peer->up)
        letter->fault = "WELCOME: it is not expected";
    else if (hello->version_min != ZANNI_WIRE_VERSION)
        letter->fault = "WELCOME: a version that was not offered";
    else if (hello->session != peer->number)
        letter->fault = "WELCOME: of another session";
    else if (peer->stood ? !s_same (hello, peer) : s_is_known (peer->base.node) && memcmp (hello->node, peer->base.node, 16))
        s_replaced (peer);
    else if (zanni__far_keep (peer, hello->node, &peer->dial->shown)) {
        zanni__peer_listens (peer, hello);
        zanni__session_welcomed (peer, hello);
    }
}

/* The other's dial stays: its HELLO comes soon, or else ours goes on. */
static void
s_crossed (zanni__peer_t *peer)
{
    if (peer->stood || !peer->ours)
        return;
    zanni__dial_close (&peer->dial, 0);
    zanni__lane_close (&peer->lane);
    peer->redial_ns = zanni__hub_now (peer->hub) + S_CROSSED_NS;
    zanni__hub_due (peer->hub, peer->redial_ns);
}

static void
s_log_bye (const zanni__peer_t *peer, const zanni_record_t *bye)
{
    char text [ZANNI_WIRE_TEXT_MAX + 1] = "";
    if (bye->as.error.text.size)
        memcpy (text, bye->as.error.text.data, bye->as.error.text.size < sizeof text ? bye->as.error.text.size : 0);
    zanni__log (peer->hub->worker->node, ZANNI_LOG_WARNING, "%s ends the session: %s%s%s", peer->base.endpoint,
                bye->as.error.code == ZANNI_BYE_VERSION ? "no version in common" : "what we sent breaks the protocol",
                *text ? ": " : "", text);
}

static void
s_distrusted (zanni__peer_t *peer, const zanni_bytes_t *said)
{
    char text [64] = "";
    if (said->size)
        memcpy (text, said->data, said->size < sizeof text ? said->size : sizeof text - 1);
    zanni__log (peer->hub->worker->node, ZANNI_LOG_WARNING, "%s does not trust this node: %s", peer->base.endpoint, text);
    zanni__far_denied (peer, *text ? text : "it does not trust this node");
}

static void
s_bye_came (s_letter_t *letter)
{
    static const zanni_reason_t shutdown = { .kind = ZANNI_EXIT_SHUTDOWN };
    zanni__peer_t *peer = letter->peer;
    if (!zanni__lane_drain (peer))   // what it said before
        return;
    switch (letter->record.as.error.code) {
    case ZANNI_BYE_DONE:
        zanni__session_down (peer, peer->sentenced ? &peer->reason : &shutdown, peer->restarts,
                             peer->sentenced && !peer->restarts);
        return;
    case ZANNI_BYE_CROSSED:
        s_crossed (peer);
        return;
    case ZANNI_BYE_DEAD:
        s_replaced (peer);
        return;
    case ZANNI_BYE_DISTRUST:
        s_distrusted (peer, &letter->record.as.error.text);
        return;
    default:
        s_log_bye (peer, &letter->record);
        zanni__session_lost (peer);
    }
}

static bool
s_version_fits (const s_letter_t *letter)
{
    const zanni_wire_hello_t *hello = &letter->record.as.hello;
    if (hello->version_min <= ZANNI_WIRE_VERSION && hello->version_max >= ZANNI_WIRE_VERSION)
        return true;
    zanni__log (letter->hub->worker->node, ZANNI_LOG_WARNING, "a node that speaks versions %u to %u is refused",
                hello->version_min, hello->version_max);
    zanni__bye_send (&letter->way, ZANNI_BYE_VERSION, "this node speaks version 1");
    return false;
}

/* Whether our own dial stays, of two that meet. */
static bool
s_ours_stays (const zanni__hub_t *hub, const zanni_wire_hello_t *hello)
{
    int order = memcmp (hub->worker->node->id, hello->node, 16);
    size_t size = strlen (hub->endpoint);
    if (order)
        return order < 0;
    order = memcmp (hub->endpoint, hello->endpoint.data, size < hello->endpoint.size ? size : hello->endpoint.size);
    return order ? order < 0 : size < hello->endpoint.size;
}

typedef enum { S_TAKE, S_CROSSED, S_DEAD } s_verdict_t;

/* The peer has given the session up itself. */
static void
s_given_up (zanni__peer_t *peer)
{
    peer->up = false;   // and so need not be told
    zanni__session_lost (peer);
}

/* A later session of the same node. Should the one before have another connection that stands (two nodes of one id and one
   key), whoever is at its end learns of it now, and not when he speaks next. */
static void
s_followed (zanni__peer_t *peer, const zanni__route_t *route)
{
    const zanni__way_t way = zanni__peer_way (peer);
    if (peer->up && way.socket && peer->route != route)
        zanni__bye_send (&way, ZANNI_BYE_DEAD, "");
    s_given_up (peer);
}

/* What becomes of a HELLO from a peer with which there is a session; that one may be down behind this. */
static s_verdict_t
s_judge (zanni__peer_t *peer, const s_letter_t *letter)
{
    const zanni_wire_hello_t *hello = &letter->record.as.hello;
    if (peer->stood && !s_same (hello, peer)) {   // the next incarnation comes before the word of its home
        if (*peer->base.home && !peer->sentenced) {
            zanni__session_doubt (peer);
            return S_CROSSED;
        }
        s_given_up (peer);
        return S_TAKE;
    }
    if (peer->ours) {
        if (s_ours_stays (peer->hub, hello))
            return S_CROSSED;
        if (peer->stood)
            s_given_up (peer);
        return S_TAKE;
    }
    if (hello->session < peer->number)
        return S_DEAD;
    if (hello->session > peer->number)
        s_followed (peer, letter->route);
    else if (hello->connection && hello->connection < peer->connection)
        return S_DEAD;   // its dialer has given it up for the one that we have heard of
    return S_TAKE;
}

/* The number of its connection. */
static int
s_origin (const s_letter_t *letter)
{
    return letter->way.socket->ops->origin (letter->way.socket, &letter->mail->header);
}

/* Puts the session on this connection. */
static void
s_accept (s_letter_t *letter, zanni__peer_t *peer)
{
    int events, fd = s_origin (letter);
    size_t size = sizeof events;
    zanni__hub_t *hub = letter->hub;
    const zanni_wire_hello_t hello = letter->record.as.hello;
    if (!peer->alive || peer->ours)
        zanni__session_accept (peer, hello.session);
    zanni__pulse_follows (hub, hello.node);
    peer->connection = hello.connection;
    peer->up = false;
    if (!peer->route || letter->route != peer->route) {
        zanni__route_end (hub, &peer->route);
        peer->route = zanni__route_new (hub, &letter->way, fd);
        if (!peer->route)
            return;   // no memory: it dials again, or not
        peer->route->peer = peer;
    }
    if (!zanni__far_keep (peer, hello.node, &letter->shown))
        return;
    memcpy (peer->base.node, hello.node, sizeof peer->base.node);
    if (!peer->base.far && !peer->stood && hello.abilities & ZANNI_ABILITY_LANE)
        zanni__lane_accept (peer);
    (void) zanni__socket_get (letter->way.socket, ZMQ_EVENTS, &events, &size);   // it sees what connections are gone
    if (!s_say (peer, ZANNI_RECORD_WELCOME)) {
        zanni__session_broke (peer);
        return;
    }
    zanni__session_welcomed (peer, &hello);
}

/* A connection from another host is of one session or one pulse as long as that lasts: else who has a key could make any
   number of them, which nothing would end. */
static bool
s_is_of_another (const s_letter_t *letter, const zanni_wire_hello_t *hello)
{
    const zanni__peer_t *peer = letter->peer && letter->peer->alive ? letter->peer : NULL;
    const zanni__pulse_t *pulse = letter->route ? letter->route->pulse : NULL;
    if (letter->way.socket != letter->hub->far.router.socket)
        return false;
    if (pulse)
        return !hello->purpose || !zanni__pulse_is_with (pulse, hello->node);
    return peer && (hello->purpose || !zanni__peer_is_far (peer, &hello->endpoint, hello->node));
}

static void
s_hello_came (s_letter_t *letter)
{
    zanni__peer_t *peer = NULL;
    zanni__hub_t *hub = letter->hub;
    const zanni_wire_hello_t *hello = &letter->record.as.hello;
    s_verdict_t verdict = S_TAKE;
    if (!s_version_fits (letter))
        return;
    if (hub->closing) {
        zanni__bye_send (&letter->way, ZANNI_BYE_DONE, "");
        return;
    }
    if (!zanni__far_hello (hub, &letter->way, letter->mail, hello, &letter->shown))
        return;
    if (s_is_of_another (letter, hello)) {
        letter->fault = "HELLO: its connection is another's";
        if (letter->route->pulse)
            zanni__pulse_fault (letter->route->pulse);   // with its route
        return;
    }
    if (hello->purpose) {
        zanni__pulse_came (hub, &letter->way, s_origin (letter), hello, &letter->shown);
        return;
    }
    if (letter->way.socket == hub->near.router.socket && hello->endpoint.size
        && *(const char *) hello->endpoint.data == '~') {
        zanni__bye_send (&letter->way, ZANNI_BYE_FAULT, "HELLO: on this host endpoints have to be dialled");
        return;
    }
    if (zanni__grave_has (hub, hello)) {
        zanni__bye_send (&letter->way, ZANNI_BYE_DEAD, "");
        return;
    }
    if (letter->way.socket == hub->far.router.socket ? zanni__peer_far (hub, &peer, hello)
                                                     : zanni__peer_get (hub, &peer, &hello->endpoint, hello->node))
        return;
    peer->pins++;
    if (peer->alive)
        verdict = s_judge (peer, letter);
    if (verdict == S_TAKE && hello->last && !(peer->alive && !peer->ours))
        verdict = S_DEAD;   // it has stood, but not with us
    if (verdict == S_TAKE)
        s_accept (letter, peer);
    else
        zanni__bye_send (&letter->way, verdict == S_DEAD ? ZANNI_BYE_DEAD : ZANNI_BYE_CROSSED, "");
    zanni__peer_unpin (peer);
}

/* One record of a message without number. Where it comes by a session: false, that one has gone. */
static void
s_control (s_letter_t *letter)
{
    zanni__peer_t *peer = letter->peer;
    const zanni_record_t *record = &letter->record;
    if (letter->by_lane && record->kind != ZANNI_RECORD_ACK)
        letter->fault = "this record does not belong into a lane";
    else if (record->kind == ZANNI_RECORD_HELLO && letter->way.id_size)
        s_hello_came (letter);
    else if (!peer && letter->route && letter->route->pulse && record->kind == ZANNI_RECORD_BYE)
        zanni__pulse_done (letter->route->pulse);
    else if (!peer && record->kind != ZANNI_RECORD_BYE)
        letter->fault = "it has not said HELLO";
    else if (!peer)
        return;   // of a session that is down here
    else if (record->kind == ZANNI_RECORD_WELCOME)
        s_welcome_came (letter);
    else if (record->kind == ZANNI_RECORD_BYE)
        s_bye_came (letter);
    else if (record->kind == ZANNI_RECORD_ACK && (peer->up || letter->by_lane))
        zanni__session_acknowledge (peer, record->as.batch.ack, &record->as.batch.window);
    else
        letter->fault = "this record needs a numbered message";
}

/* Reads the BATCH; false: it is none. */
static bool
s_open (s_letter_t *letter)
{
    zmq_msg_t *header = &letter->mail->header;
    size_t size = zmq_msg_size (header);
    letter->fault = "the header frame is too long";
    if (size > ZANNI_WIRE_HEADER_MAX)
        return false;
    letter->reader = zanni__reader (zmq_msg_data (header), (uint32_t) size);
    letter->fault = "it does not begin with a BATCH";
    int rc = zanni__record_read (&letter->reader, &letter->record, &letter->hub->tables, &letter->fault);
    if (rc == 1 && letter->record.kind == ZANNI_RECORD_BATCH) {
        letter->fault = NULL;
        return true;
    }
    return false;
}

static void
s_controls (s_letter_t *letter)
{
    zanni__peer_t *peer = letter->peer;
    uint32_t generation = peer ? peer->generation : 0;
    int rc = 1;
    while (!letter->fault && rc == 1) {
        rc = zanni__record_read (&letter->reader, &letter->record, &letter->hub->tables, &letter->fault);
        if (rc == 1)
            s_control (letter);
        if (!peer && rc == 1)
            return;   // whose connection it is may be another matter now
        if (peer && peer->generation != generation)
            letter->peer = peer = NULL;
        if (!peer)
            return;
    }
}

/* A peer that was stopped, and given up meanwhile, may go on with a session that is down here: it is told. What only makes
   noise does not fill the log, or the memory with answers that it does not read. */
static void
s_stranger (const s_letter_t *letter)
{
    zanni__hub_t *hub = letter->hub;
    int64_t now_ns = zanni__hub_now (hub);
    bool quiet = hub->strangers_ns && now_ns - hub->strangers_ns < S_STRANGERS_NS;
    hub->strangers = quiet ? hub->strangers + 1 : 0;
    if (hub->strangers < S_STRANGERS_TOLD && letter->way.id_size)
        zanni__bye_send (&letter->way, ZANNI_BYE_DEAD, "");
    if (quiet)
        return;
    hub->strangers_ns = now_ns;
    zanni__log (hub->worker->node, ZANNI_LOG_WARNING, "a message from a connection without a session is dropped: %s",
                letter->fault ? letter->fault : "it has not said HELLO");
}

static void
s_take (s_letter_t *letter)
{
    zanni__peer_t *peer = letter->peer;
    if (peer)
        peer->pins++;
    if (s_open (letter)) {
        if (!letter->record.as.batch.sequence)
            s_controls (letter);
        else if (peer && (peer->up || letter->by_lane))
            zanni__inbox_take (peer, letter->mail, &letter->reader, &letter->record);
        else
            letter->fault = "a numbered message before WELCOME";
    }
    if (letter->fault && letter->peer)
        zanni__session_fault (letter->peer, letter->fault);
    else if (letter->fault)
        s_stranger (letter);
    if (peer)
        zanni__peer_unpin (peer);
}

void
zanni__mail_dialled (zanni__dial_t *dial, zanni__mail_t *mail)
{
    zanni__peer_t *peer = dial->owner;
    s_letter_t letter = { .hub = peer->hub, .way = zanni__dial_way (dial), .peer = peer, .mail = mail };
    s_take (&letter);
}

void
zanni__mail_came (zanni__hub_t *hub, const zanni__way_t *way, zanni__route_t *route, zanni__mail_t *mail)
{
    s_letter_t letter = {
        .hub = hub, .way = *way, .peer = route ? route->peer : NULL, .route = route, .mail = mail
    };
    s_take (&letter);
}

void
zanni__mail_by_lane (zanni__peer_t *peer, zanni__mail_t *mail)
{
    s_letter_t letter = { .hub = peer->hub, .peer = peer, .mail = mail, .by_lane = true };
    s_take (&letter);
}
