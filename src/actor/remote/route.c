/* Routes: how messages leave the node.

   What arrives at a stand-in is written as a record and handed to the link of its worker. Nothing above knows the
   difference: an ask that came in over a link has a stand-in as its sender, so its answer goes back by the same hook, with
   the id that it came with; and what stays with a living actor (who monitors it, who waits for room) stays with its
   stand-in, so that it can be told when the node is gone, which needs no memory. */

#include "remote.h"

#include "../answer.h"
#include "../chain.h"
#include "../pending.h"

#include "../../base/memory.h"

#include <stdio.h>

#define S_FEW 8   // references that need no memory of their own

/* A record on its way to `to`, a stand-in of this worker. */
typedef struct {
    zanni_worker_t *worker;
    zanni__remote_t *to;
    zanni_record_t record;
    zanni_wire_ref_t about;
    zanni_wire_ref_t few [S_FEW];
    zanni_wire_ref_t *refs;
    uint32_t lent;             // so many of the message's references have been lent
    uint64_t relay;            // that was made for it; 0: none
} s_route_t;

static int
s_send (s_route_t *route, const zanni_buffer_t *const *buffers)
{
    int rc = route->worker->node->link->send (route->to->peer, &route->record, buffers);
    if (!rc)
        zanni__remote_sent (route->worker);
    return rc;
}

int
zanni__route_about (zanni_worker_t *worker, zanni__identity_t *to, zanni_record_kind_t kind, uint64_t id, bool own)
{
    zanni__remote_t *remote = to->as.remote;
    const zanni_record_t record = {
        .kind = (uint8_t) kind, .id = id, .to = zanni__remote_to (remote, own), .remaining_ms = -1
    };
    int rc = worker->node->link->send (remote->peer, &record, NULL);
    if (!rc)
        zanni__remote_sent (worker);
    return rc;
}

/* An actor of this worker is known by the session; any other, such as the first sender of what was forwarded, by a
   reference. */
static int
s_set_from (s_route_t *route, zanni__identity_t *from)
{
    const zanni__export_t *export;
    bool ours = !from->elsewhere && (from->worker == route->worker || route->to->peer->far);
    if (ours) {
        int rc = zanni__export_get (from, &export);
        if (!rc)
            route->record.from = (zanni_wire_actor_t) { from->id, export->call };
        return rc;
    }
    route->record.about = &route->about;
    return zanni__ref_to_wire (route->worker, route->to->peer, &route->about, from, false, false);
}

/* Answers do not name who sends them to whom, but the link has to know: they stay in order with the rest of what one
   sends to the other. The nonce only says that there is one. */
static void
s_set_pair (s_route_t *route, const zanni__identity_t *from)
{
    if (from->elsewhere || (from->worker != route->worker && !route->to->peer->far))
        return;
    route->record.to = zanni__remote_to (route->to, false);
    route->record.from = (zanni_wire_actor_t) { from->id, route->record.to.nonce };
}

static void
s_take_back (s_route_t *route)
{
    for (uint32_t i = 0; i < route->lent; i++) {
        const zanni_wire_ref_t *wire = &route->refs [i];
        zanni_address_t address = zanni__address (route->worker, wire->node, wire->actor);
        if (wire->strong)
            zanni__lend_end (route->worker, route->to->peer, &address, 1);
    }
    zanni__lend_nothing (route->to->peer);
    if (route->refs != route->few)
        zanni__free (route->refs);
}

static int
s_set_ref (s_route_t *route, const zanni_ref_t *ref)
{
    zanni_wire_ref_t *wire = &route->refs [route->lent];
    int rc = zanni__ref_to_wire (route->worker, route->to->peer, wire, ref->identity, ref->strong, ref->own);
    if (!rc && ref->strong) {
        const zanni_address_t address = zanni__address (route->worker, wire->node, wire->actor);
        rc = zanni__lend (route->to->peer, &address, ref->identity, ref->own);
    }
    route->lent += !rc;
    return rc;
}

static int
s_set_refs (s_route_t *route, const zanni_msg_t *msg)
{
    uint32_t count = msg->args.refs;
    if (count > ZANNI_WIRE_TABLE_MAX)
        return ZANNI_ETOOBIG;
    route->refs = count <= S_FEW ? route->few : zanni__malloc (count * sizeof *route->refs);
    if (!route->refs) {
        route->refs = route->few;
        return ZANNI_ENOMEM;
    }
    int rc = 0;
    for (uint32_t i = 0; !rc && i < count; i++)
        rc = s_set_ref (route, msg->args.table [i]);
    route->record.refs = route->refs;
    route->record.refs_count = count;
    return rc;
}

/* What the sender has said of claims; 0: nothing, or it is not here to be asked. */
static uint64_t
s_claim_least (const zanni_worker_t *worker, const zanni__identity_t *from)
{
    bool here = worker->node->claims && from && !from->elsewhere && from->worker == worker && from->actor;
    return here && from->actor->more ? from->actor->more->claim_least : 0;
}

/* Arguments and what lies beside them; then off it goes. */
static int
s_send_arguments (s_route_t *route, const zanni_msg_t *msg)
{
    static const uint8_t nothing [] = { 0x90 };
    const zanni_buffer_t *const *buffers = NULL;
    route->record.args = (zanni_bytes_t) { msg->args.bytes, msg->args.size };
    if (!msg->args.size)
        route->record.args = (zanni_bytes_t) { nothing, sizeof nothing };
    if (msg->args.buffers > ZANNI_WIRE_TABLE_MAX)
        return ZANNI_ETOOBIG;
    if (msg->args.buffers) {
        route->record.claim_least = s_claim_least (route->worker, msg->from);
        buffers = (const zanni_buffer_t *const *) (msg->args.table + msg->args.refs);
        route->record.buffers_count = msg->args.buffers;
    }
    if (!msg->args.refs)
        return s_send (route, buffers);
    int rc = s_set_refs (route, msg);
    if (!rc)
        rc = s_send (route, buffers);
    if (rc)
        s_take_back (route);
    else if (route->refs != route->few)
        zanni__free (route->refs);
    return rc;
}

static int64_t
s_remaining_ms (const zanni_worker_t *worker, const zanni_msg_t *msg)
{
    if (msg->deadline_ns == INT64_MAX)
        return -1;
    int64_t left_ns = msg->deadline_ns - zanni__node_now (worker->node);
    return left_ns > 0 ? (left_ns + 999999) / 1000000 : 0;
}

/* Whether what is asked for `from` is answered to this worker, which takes it on: of an actor that is named by the session
   though it is another worker's, or by an alias. Others are answered where they listen. */
static bool
s_answers_here (const s_route_t *route, const zanni__identity_t *from)
{
    const zanni_wire_ref_t *about = route->record.about;
    if (!about)
        return from->worker != route->worker;
    return from->elsewhere && !about->node;
}

/* By its number the answer finds its way. An id that came with a message may look like one, and is another node's. */
static int
s_set_relay (s_route_t *route, const zanni_msg_t *msg)
{
    int rc = zanni__relay_new (route->worker, msg, &route->relay);
    if (!rc)
        route->record.id = route->relay;
    return rc;
}

static int
s_route_message (s_route_t *route, zanni_msg_t *msg)
{
    zanni_record_t *record = &route->record;
    const char *method = zanni_msg_method (msg);
    bool asks = msg->item.kind == ZANNI__ASK;
    record->kind = asks ? ZANNI_RECORD_ASK : ZANNI_RECORD_TELL;
    record->to = zanni__remote_to (route->to, false);
    record->method = (zanni_bytes_t) { method, strlen (method) };
    uint8_t waiting [ZANNI__CHAIN_BYTES];
    if (asks) {
        record->as.ask.waiting = zanni__chain_write (msg, waiting, sizeof waiting);
        record->id = msg->id;
        record->remaining_ms = s_remaining_ms (route->worker, msg);
    }
    int rc = s_set_from (route, msg->from);
    if (!rc && asks && s_answers_here (route, msg->from))
        rc = s_set_relay (route, msg);
    return rc ? rc : s_send_arguments (route, msg);
}

/* Where on a node that runs. The number of who is to be is in `to`, so that what is sent to it stays behind. */
static void
s_set_place (s_route_t *route)
{
    const zanni__place_t *place = route->to->place;
    route->record.to = zanni__remote_to (route->to, true);
    route->record.as.spawn.place = (uint8_t) place->options.place;
    route->record.as.spawn.worker = place->options.worker;
    route->record.as.spawn.restartable = place->options.restartable;
    route->record.as.spawn.waits = place->waits;
    route->record.as.spawn.overflow = (uint8_t) place->options.overflow;
    route->record.as.spawn.mailbox_messages = place->options.mailbox_messages;
    route->record.as.spawn.mailbox_bytes = place->options.mailbox_bytes;
    route->record.as.spawn.watchdog_ms = (uint32_t) place->options.watchdog_ms;   // none, -1, is the most
    route->record.as.spawn.beside = place->beside;
}

/* A spawner of another node is known to the process by an alias, and answered by a relay: relay.c. */
static int
s_set_spawner (s_route_t *route, const zanni_msg_t *msg)
{
    const zanni__export_t *alias;
    if (!msg->from->elsewhere)
        return s_set_from (route, msg->from);
    int rc = zanni__alias_get (msg->from, &alias);
    if (rc)
        return rc;
    route->record.from = (zanni_wire_actor_t) { alias->id, alias->call };
    return s_set_relay (route, msg);
}

/* Its process may have ended; then there is another one now, which does not know yet who holds it. */
static int
s_begin_again (zanni_worker_t *worker, zanni__identity_t *identity)
{
    int rc = zanni__process_again (worker, identity->as.remote->address.node);
    return rc ? rc : zanni__retain (worker, identity);
}

static int
s_route_start (s_route_t *route, zanni_msg_t *msg)
{
    const char *name = route->to->name;
    bool again = msg->item.kind == ZANNI__AGAIN;
    int rc = again && !route->to->address.actor ? s_begin_again (route->worker, msg->to) : 0;
    if (rc)
        return rc;
    route->record.kind = ZANNI_RECORD_SPAWN;
    route->record.id = msg->id;
    route->record.method = (zanni_bytes_t) { name, strlen (name) };
    if (again) {
        route->record.to = zanni__remote_to (route->to, true);
        route->record.as.spawn.again = true;
    }
    else if (route->to->place)
        s_set_place (route);
    rc = s_set_spawner (route, msg);
    return rc ? rc : s_send_arguments (route, msg);
}

static int
s_route_reply (s_route_t *route, zanni_msg_t *msg)
{
    route->record.id = msg->id;
    route->record.kind = ZANNI_RECORD_REPLY;
    s_set_pair (route, msg->from);
    if (msg->code != ZANNI__STARTED)
        return s_send_arguments (route, msg);
    route->record.kind = ZANNI_RECORD_SPAWNED;
    route->record.about = &route->about;
    int rc = zanni__ref_to_wire (route->worker, route->to->peer, &route->about, msg->from, false, false);
    return rc ? rc : s_send (route, NULL);
}

static int
s_route_error (s_route_t *route, zanni_msg_t *msg)
{
    zanni_record_t *record = &route->record;
    zanni_error_t error;
    int rc = zanni_msg_error (msg, &error);
    zanni__assert (!rc);
    (void) rc;
    record->kind = ZANNI_RECORD_ERROR;
    record->id = msg->id;
    s_set_pair (route, msg->from);
    record->as.error.code = error.code;
    record->as.error.app_code = error.app_code;
    record->as.error.text = (zanni_bytes_t) { error.text, strlen (error.text) };
    record->as.error.node = error.origin.node;
    record->as.error.actor = error.origin.actor;
    return s_send_arguments (route, msg);
}

static int
s_route_down (s_route_t *route, zanni_msg_t *msg)
{
    zanni_record_t *record = &route->record;
    zanni_down_t down;
    int rc = zanni_msg_down (msg, &down);
    zanni__assert (!rc);
    (void) rc;
    record->kind = ZANNI_RECORD_DOWN;
    record->id = msg->id;
    s_set_pair (route, msg->from);
    record->as.end.reason = zanni__reason_to_wire (&down.reason);
    record->as.end.restarts = down.restarts;
    return s_send (route, NULL);
}

static int
s_route_forwarded (s_route_t *route, zanni_msg_t *msg)
{
    const zanni_ref_t *target = msg->args.table [0];
    route->record.kind = ZANNI_RECORD_FORWARDED;
    route->record.id = msg->id;
    s_set_pair (route, msg->from);
    route->record.about = &route->about;
    int rc = zanni__ref_to_wire (route->worker, route->to->peer, &route->about, target->identity, false, false);
    return rc ? rc : s_send (route, NULL);
}

/* A process that waits for its next incarnation, and one that is to, though it may never read again, are the matter of this
   node, where it is theirs. Whether that is all. */
static bool
s_commands_home (const s_route_t *route, const zanni_msg_t *msg)
{
    zanni_worker_t *worker = route->worker;
    const uint8_t *node = route->to->address.node;
    bool holds = msg->code == ZANNI__HOLDS_ON;
    bool kills = msg->item.kind == ZANNI__KILL;
    const zanni_reason_t reason = { .kind = kills ? ZANNI_EXIT_KILLED : ZANNI_EXIT_SHUTDOWN };
    if (route->to->address.actor || msg->item.kind == ZANNI__RESTART)
        return false;
    bool waits = zanni__process_waits (worker->node, node);
    if (waits && !holds)
        zanni__process_no_more (worker, node, &reason);
    if (waits)
        return true;
    if (kills && holds)
        return zanni__process_crash (worker, node);
    if (kills)
        zanni__node_kill (worker, node);   // it may never read again
    return false;
}

static int
s_route_command (s_route_t *route, zanni_msg_t *msg)
{
    bool restarts = msg->item.kind == ZANNI__RESTART;
    if (s_commands_home (route, msg))
        return 0;
    route->record.kind = restarts ? ZANNI_RECORD_RESTART : ZANNI_RECORD_STOP;
    route->record.to = zanni__remote_to (route->to, true);
    route->record.as.end.reason.kind = msg->item.kind == ZANNI__KILL ? ZANNI_EXIT_KILLED : ZANNI_EXIT_SHUTDOWN;
    route->record.as.end.reason.code = msg->code;
    return s_send (route, NULL);
}

/* Of somebody else's ask only what was relayed is known by this session, to whom it is at now. Any other id would be taken
   for one of this worker's. */
static int
s_route_cancel (s_route_t *route, zanni_msg_t *msg)
{
    bool relays = zanni__relays (route->worker, msg->from);
    zanni__relayed_t *relayed = relays ? zanni__relay_of (route->worker, msg) : NULL;
    if (relays && !relayed)
        return 0;   // it is answered, or went another way
    if (relayed)
        route->to = relayed->to->as.remote;
    route->record.kind = ZANNI_RECORD_CANCEL;
    route->record.id = relayed ? relayed->number : msg->id;
    route->record.to = zanni__remote_to (route->to, false);
    int rc = s_send (route, NULL);
    zanni__relay_end (route->worker, relayed);
    return rc;
}

/* It follows its ask the way that that took. */
static int
s_route_probe (s_route_t *route, zanni_msg_t *msg)
{
    uint8_t waiting [ZANNI__PROBE_BYTES];
    bool relays = zanni__relays (route->worker, msg->from);
    zanni__relayed_t *relayed = relays ? zanni__relay_of (route->worker, msg) : NULL;
    if (relays && !relayed)
        return 0;
    if (relayed)
        route->to = relayed->to->as.remote;
    route->record.kind = ZANNI_RECORD_PROBE;
    route->record.id = relayed ? relayed->number : msg->id;
    route->record.to = zanni__remote_to (route->to, false);
    route->record.as.ask.waiting = zanni__chain_write (msg, waiting, sizeof waiting);
    return s_send (route, NULL);
}

/* By kind of item: what is sent and then done with. */
static int (*const s_routes []) (s_route_t *route, zanni_msg_t *msg) = {
    [ZANNI__TELL] = s_route_message,   [ZANNI__ASK] = s_route_message,  [ZANNI__START] = s_route_start,
    [ZANNI__AGAIN] = s_route_start,
    [ZANNI__REPLY] = s_route_reply,    [ZANNI__ERROR] = s_route_error,  [ZANNI__DOWN] = s_route_down,
    [ZANNI__FORWARDED] = s_route_forwarded, [ZANNI__CANCEL] = s_route_cancel, [ZANNI__PROBE] = s_route_probe, [ZANNI__STOP] = s_route_command,
    [ZANNI__KILL] = s_route_command,   [ZANNI__RESTART] = s_route_command
};

/* The last strong reference here is gone: its owner is told. Where there is no memory to, the end of the session does. */
static void
s_route_drop (zanni_worker_t *worker, zanni_ref_t *ref)
{
    zanni__identity_t *identity = ref->identity;
    zanni__remote_t *remote = identity->as.remote;
    /* acq_rel: pairs with itself, as in any count. */
    bool last = ref->strong && atomic_fetch_sub_explicit (&identity->strong, 1, memory_order_acq_rel) == 1;
    if (last && remote->spawned)
        zanni__process_no_more (worker, remote->address.node, &(zanni_reason_t) { .kind = ZANNI_EXIT_NORMAL });
    if (last && remote->lent) {
        const zanni_record_t record = {
            .kind = ZANNI_RECORD_RELEASE, .to = zanni__remote_to (remote, false), .as.count = remote->lent
        };
        remote->lent = 0;
        if (!worker->node->link->send (remote->peer, &record, NULL))
            zanni__remote_sent (worker);
    }
    zanni__free_ref (ref);
}

/* The monitor stays here, its copy goes to the actor's node. */
static void
s_route_monitor (zanni_worker_t *worker, zanni_msg_t *monitor)
{
    zanni__identity_t *to = monitor->to;
    uint64_t number = monitor->id;
    bool gone = atomic_load_explicit (&to->ended, memory_order_relaxed);
    bool relays = zanni__relays (worker, monitor->from);
    bool relayed = !gone && relays && !zanni__relay_new (worker, monitor, &number);
    if (!gone && relayed == relays && !zanni__route_about (worker, to, ZANNI_RECORD_MONITOR, number, false)) {
        zanni__watcher_add (worker, to, monitor);
        return;
    }
    if (relayed)
        zanni__relay_end (worker, zanni__relay_find (worker, number));
    zanni__down_now (worker, monitor, NULL, false);
}

static void
s_route_demonitor (zanni_worker_t *worker, zanni_msg_t *demonitor)
{
    bool relays = zanni__relays (worker, demonitor->from);
    zanni__relayed_t *relayed = relays ? zanni__relay_of (worker, demonitor) : NULL;
    uint64_t number = relayed ? relayed->number : demonitor->id;
    zanni__relay_end (worker, relayed);
    if (!relays || relayed)   // else its DOWN has just passed
        (void) zanni__route_about (worker, demonitor->to, ZANNI_RECORD_DEMONITOR, number, false);
    zanni__watcher_remove (worker, demonitor->to, demonitor);
}

static void
s_route_waiter (zanni_worker_t *worker, zanni_msg_t *waiter)
{
    if (waiter->item.flags & ZANNI__TICK || zanni__remote_admits (worker, waiter->to, 0) != ZANNI_EFULL) {
        atomic_store_explicit (&waiter->to->as.remote->full, false, memory_order_relaxed);
        zanni__waiter_now (worker, waiter);
    }
    else
        zanni__watcher_add (worker, waiter->to, waiter);
}

/* No key is known for its address, which whoever asked is told: that of a node without a secret, most often. */
static void
s_route_untrusted (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = ZANNI_EAUTH };
    snprintf (reason.text, sizeof reason.text, "no secret or key is known for %.80s", msg->to->as.remote->endpoint);
    zanni__bury (worker, &msg->item, ZANNI_EAUTH, &reason);
}

static void s_route_away (zanni_worker_t *worker, zanni_msg_t *msg);

/* An answer that cannot travel: whoever asked learns that instead. */
static void
s_route_refusal (zanni_worker_t *worker, zanni_msg_t *reply, int code)
{
    static const uint8_t nothing [] = { 0x90 };   // an empty array
    char text [160];
    snprintf (text, sizeof text, "%s: the answer, of %u bytes with %u references and %u buffers; to another node travel at"
              " most %d of these each", zanni_strerror (code), reply->args.size, reply->args.refs, reply->args.buffers,
              ZANNI_WIRE_TABLE_MAX);
    zanni__args_release (&reply->args, reply->payload, &worker->ref_hooks);
    reply->args = (zanni__args_t) { .bytes = nothing, .size = sizeof nothing };
    reply->payload = NULL;
    zanni__error_fill (reply, code, text);
    s_route_away (worker, reply);
}

static void
s_route_away (zanni_worker_t *worker, zanni_msg_t *msg)
{
    static const zanni_reason_t cut_off = { .kind = ZANNI_EXIT_NO_CONNECTION };
    s_route_t route = { .worker = worker, .to = msg->to->as.remote, .record.remaining_ms = -1 };
    int rc = ZANNI_ENOACTOR;
    if (!atomic_load_explicit (&msg->to->ended, memory_order_relaxed))
        rc = s_routes [msg->item.kind](&route, msg);
    if (rc && route.relay)
        zanni__relay_end (worker, zanni__relay_find (worker, route.relay));
    if (rc == ZANNI_EAUTH)
        s_route_untrusted (worker, msg);
    else if (rc == ZANNI_ETOOBIG && msg->item.kind == ZANNI__REPLY)
        s_route_refusal (worker, msg, rc);
    else if (rc)
        zanni__bury (worker, &msg->item, rc, rc == ZANNI_EROUTE ? &cut_off : NULL);
    if (rc)
        return;
    if (msg->from && msg->from->worker != worker && !worker->node->link->admits (route.to->peer, ZANNI__CHARGE))
        atomic_store_explicit (&route.to->full, true, memory_order_relaxed);
    msg->item.flags |= ZANNI__ANSWERED;   // the other node's to answer now
    zanni__msg_release (worker, msg);
}

void
zanni__route (zanni_worker_t *worker, zanni__item_t *item)
{
    zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
    item->flags &= (uint8_t) ~ZANNI__COUNTED;
    switch (item->kind) {
    case ZANNI__DROP:
        s_route_drop (worker, (zanni_ref_t *) (void *) item);
        break;
    case ZANNI__MONITOR:
        s_route_monitor (worker, msg);
        break;
    case ZANNI__DEMONITOR:
        s_route_demonitor (worker, msg);
        break;
    case ZANNI__WAITER:
        s_route_waiter (worker, msg);
        break;
    case ZANNI__LINK:
        zanni__route_link (worker, msg);
        break;
    case ZANNI__EXIT:
    case ZANNI__UNLINK:
        zanni__route_exit (worker, msg);
        break;
    default:
        s_route_away (worker, msg);
    }
}
