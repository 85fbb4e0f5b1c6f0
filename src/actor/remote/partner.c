/* Links with actors of other nodes.

   A stand-in is where both directions pass. A LINK that passes stays there, as a MONITOR does, with its copy on
   the way: one that comes from the other node, too, beside the message for whom it is for. So each node can tell
   its own side when the other is gone, which needs no memory; and what comes from there as the end of a link is
   that LINK, turned into an EXIT or UNLINK, or nothing, where there is none of that number. What leaves takes it
   away. An exit signal, which has no number, needs the right to own.

   Partners are named by the session: one of a third node by an alias, to which everything comes back by the same
   session. What stays keeps that name, by which the other node is told when the alias is gone already. */

#include "inbound.h"

#include "../../wire/text.h"

#include <stdio.h>

zanni_wire_reason_t
zanni__reason_to_wire (const zanni_reason_t *reason)
{
    size_t length = strlen (reason->text), size = length;
    while (size && length - size < 4 && !zanni__text_valid (reason->text, size))
        size--;
    size = length - size < 4 ? size : 0;
    return (zanni_wire_reason_t) { (uint8_t) reason->kind, reason->code, { reason->text, size } };
}

zanni_reason_t
zanni__reason_from_wire (const zanni_record_t *record)
{
    const zanni_wire_reason_t *wire = &record->as.end.reason;
    zanni_reason_t reason = { .kind = (zanni_exit_t) wire->kind, .code = wire->code };
    size_t most = sizeof reason.text - 1;
    if (wire->text.size)
        memcpy (reason.text, wire->text.data, wire->text.size < most ? wire->text.size : most);
    return reason;
}

/* The room of a LINK that stays: how its sender is known to the other node. */
typedef struct {
    uint64_t actor;
    uint8_t nonce [ZANNI__NONCE];
} s_name_t;

static s_name_t *
s_name_of (zanni_msg_t *link)
{
    return (s_name_t *) (void *) link->room;
}

static int
s_set_name (s_name_t *name, zanni__identity_t *from)
{
    const zanni__export_t *export;
    int rc = from->elsewhere ? zanni__alias_get (from, &export) : zanni__export_get (from, &export);
    if (rc)
        return rc;
    name->actor = export->id;
    memcpy (name->nonce, export->call, sizeof name->nonce);
    return 0;
}

/* From who has that name; a LINK and a signal need the right to own. */
static int
s_send (zanni_worker_t *worker, const zanni_msg_t *msg, zanni_record_kind_t kind, const s_name_t *name)
{
    const zanni__remote_t *to = msg->to->as.remote;
    zanni_record_t record = {
        .kind = (uint8_t) kind, .id = msg->id, .from = { name->actor, name->nonce },
        .to = zanni__remote_to (to, kind == ZANNI_RECORD_LINK || !msg->id)
    };
    if (kind == ZANNI_RECORD_EXIT)
        record.as.end.reason = zanni__reason_to_wire ((const zanni_reason_t *) (const void *) msg->room);
    int rc = worker->node->link->send (to->peer, &record, NULL);
    if (!rc)
        zanni__remote_sent (worker);
    return rc;
}

static zanni_reason_t
s_no_links (void)
{
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = ZANNI_ENOMETHOD };
    snprintf (reason.text, sizeof reason.text, "its node is of a version that knows no links");
    return reason;
}

/* Why there is no link with an actor of another node. */
static zanni_reason_t
s_why_not (int rc)
{
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = rc };
    if (rc == ZANNI_ENOACTOR)
        return (zanni_reason_t) { .kind = ZANNI_EXIT_NO_ACTOR };
    if (rc == ZANNI_EROUTE || rc == ZANNI_ECLOSED)
        return (zanni_reason_t) { .kind = ZANNI_EXIT_NO_CONNECTION };
    if (rc == ZANNI_ENOMETHOD)
        return s_no_links ();
    snprintf (reason.text, sizeof reason.text, "%s", zanni_strerror (rc));
    return reason;
}

void
zanni__route_link (zanni_worker_t *worker, zanni_msg_t *link)
{
    zanni__identity_t *to = link->to;
    int rc = ZANNI_ENOACTOR;
    if (!atomic_load_explicit (&to->ended, memory_order_relaxed))
        rc = to->as.remote->peer->no_links ? ZANNI_ENOMETHOD : s_set_name (s_name_of (link), link->from);
    if (!rc)
        rc = s_send (worker, link, ZANNI_RECORD_LINK, s_name_of (link));
    if (!rc) {
        zanni__watcher_add (worker, to, link);
        return;
    }
    const zanni_reason_t reason = s_why_not (rc);
    zanni__exit_now (worker, link, &reason);
}

static void
s_route_signal (zanni_worker_t *worker, const zanni_msg_t *exit)
{
    const zanni__identity_t *to = exit->to;
    if (atomic_load_explicit (&to->ended, memory_order_relaxed))
        return;
    s_name_t name;
    if (!to->as.remote->peer->no_links && !s_set_name (&name, exit->from))
        (void) s_send (worker, exit, ZANNI_RECORD_EXIT, &name);   // as with a stop: without a way there it is gone
    else if (to->as.remote->peer->no_links)
        zanni__log (worker->node, ZANNI_LOG_WARNING, "an exit signal to %s is ignored: %s",
                    zanni_ref_class (&to->self), s_no_links ().text);
}

/* The end of a link, for whom the session is still there. */
void
zanni__route_exit (zanni_worker_t *worker, zanni_msg_t *msg)
{
    bool exits = msg->item.kind == ZANNI__EXIT;
    zanni_msg_t *link = msg->id ? zanni__watcher_take (msg->to, msg->from, msg->id) : NULL;
    if (link) {
        (void) s_send (worker, msg, exits ? ZANNI_RECORD_EXIT : ZANNI_RECORD_UNLINK, s_name_of (link));
        zanni__msg_release (worker, link);
    }
    else if (!msg->id)
        s_route_signal (worker, msg);
    zanni__msg_release (worker, msg);
}

/* A session with a node that knows no links: who linked before that was known is told. */
void
zanni_worker_no_links (zanni_worker_t *worker, zanni_peer_t *peer)
{
    const zanni__table_t *table = &worker->remotes->stand_ins;
    const zanni_reason_t reason = s_no_links ();
    for (uint32_t i = 0; i < table->size; i++)
        for (zanni__entry_t *entry = table->buckets [i]; entry; entry = entry->next) {
            const zanni__remote_t *remote = (zanni__remote_t *) (void *) entry;
            if (remote->peer == peer)
                zanni__watchers_unlink (worker, remote->identity, &reason);
        }
}

/* Ends a link that was asked for and cannot be. */
static int
s_refuse (zanni__arrival_t *arrival, const zanni_reason_t *reason)
{
    const zanni_record_t *link = arrival->record;
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_EXIT, .id = link->id, .to = link->from, .from = link->to,
        .as.end.reason = zanni__reason_to_wire (reason)
    };
    if (!arrival->worker->node->link->send (arrival->peer, &record, NULL))
        zanni__remote_sent (arrival->worker);
    return 0;
}

/* What stays with the sender's stand-in, beside the LINK that goes on. */
static bool
s_stay (zanni__arrival_t *arrival, const zanni_msg_t *link)
{
    zanni_worker_t *worker = arrival->worker;
    zanni_msg_t *msg = zanni__msg_new (worker);
    if (!msg)
        return false;
    s_name_of (msg)->actor = arrival->record->to.actor;
    zanni__nonce_to_call (s_name_of (msg)->nonce, arrival->record->to.nonce);
    msg->item.kind = ZANNI__LINK;
    msg->id = link->id;
    msg->to = link->from;
    zanni__msg_set_from (worker, msg, link->to, worker);
    zanni__hold_to (msg);
    zanni__watcher_add (worker, msg->to, msg);
    return true;
}

static int
s_take_link (zanni__arrival_t *arrival, zanni__identity_t *to)
{
    zanni_worker_t *worker = arrival->worker;
    zanni_msg_t *msg = zanni__arrival_msg (arrival, to, ZANNI__LINK);
    if (msg && s_stay (arrival, msg)) {
        zanni__hold_to (msg);
        zanni__send (worker, to->worker, &msg->item);
        return 0;
    }
    if (msg)
        zanni__msg_free (worker, msg);
    const zanni_reason_t reason = s_why_not (ZANNI_ENOMEM);
    return s_refuse (arrival, &reason);
}

int
zanni__take_link (zanni__arrival_t *arrival)
{
    bool own;
    const zanni_record_t *record = arrival->record;
    if (!record->id || !record->from.nonce || !record->to.nonce)
        return zanni__arrival_fault (arrival, "LINK: without a number, or of nobody");
    zanni__identity_t *to = zanni__reach (arrival->worker, &record->to, &own);
    bool ended = !to || atomic_load_explicit (&to->ended, memory_order_relaxed);
    zanni_reason_t reason = s_why_not (ended ? ZANNI_ENOACTOR : ZANNI_EPERM);
    int rc = ended || !own ? s_refuse (arrival, &reason) : s_take_link (arrival, to);
    if (to)
        zanni__identity_unref (to);
    return rc;
}

/* The LINK that stands with the sender's stand-in, for `to`; NULL: it is over. */
static zanni_msg_t *
s_linked (zanni__arrival_t *arrival)
{
    bool own;
    zanni__identity_t *from, *to = zanni__reach (arrival->worker, &arrival->record->to, &own);
    zanni_msg_t *link = NULL;
    if (to && !zanni__arrival_from (arrival, &from))
        link = zanni__watcher_take (from, to, arrival->record->id);
    if (to)
        zanni__identity_unref (to);
    return link;
}

int
zanni__take_unlink (zanni__arrival_t *arrival)
{
    if (!arrival->record->from.nonce || !arrival->record->to.nonce)
        return zanni__arrival_fault (arrival, "UNLINK: of nobody");
    zanni_msg_t *msg = s_linked (arrival);
    if (!msg)
        return 0;
    zanni__msg_turn (arrival->worker, msg, ZANNI__UNLINK);
    zanni__send (arrival->worker, msg->to->worker, &msg->item);
    return 0;
}

static void
s_take_signal (zanni__arrival_t *arrival, zanni__identity_t *to)
{
    zanni_worker_t *worker = arrival->worker;
    const zanni_reason_t reason = zanni__reason_from_wire (arrival->record);
    bool kills = reason.kind == ZANNI_EXIT_KILLED;
    zanni_msg_t *msg = zanni__arrival_msg (arrival, to, kills ? ZANNI__KILL : ZANNI__EXIT);
    if (!msg)
        return;   // as if it had come too late
    *(zanni_reason_t *) (void *) msg->room = reason;
    zanni__hold_to (msg);
    zanni__send (worker, to->worker, &msg->item);
}

int
zanni__take_exit (zanni__arrival_t *arrival)
{
    bool own;
    const zanni_record_t *record = arrival->record;
    if (!record->from.nonce || !record->to.nonce)
        return zanni__arrival_fault (arrival, "EXIT: of nobody");
    if (record->id) {
        const zanni_reason_t reason = zanni__reason_from_wire (record);
        zanni_msg_t *link = s_linked (arrival);
        if (link)
            zanni__exit_now (arrival->worker, link, &reason);
        return 0;
    }
    zanni__identity_t *to = zanni__reach (arrival->worker, &record->to, &own);
    if (to && own)
        s_take_signal (arrival, to);
    else if (to)
        zanni__log (arrival->worker->node, ZANNI_LOG_WARNING, "EXIT of %s: not permitted, it needs the right to own",
                    zanni_ref_class (&to->self));
    if (to)
        zanni__identity_unref (to);
    return 0;
}
