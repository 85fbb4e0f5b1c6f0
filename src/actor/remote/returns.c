/* What comes back: answers to asks and spawns, the ends of actors that are monitored. Each is for something pending, found by
   the id that the record names; or for an actor of another worker, by what relay.c remembers. What nobody waits for any more
   vanishes. */

#include "inbound.h"

#include "../answer.h"
#include "../deliver.h"
#include "../envelope.h"
#include "../pending.h"

#include <stdio.h>

/* The ask that an answer is for, or NULL: it came late. */
static zanni__pending_t *
s_asked (zanni__arrival_t *arrival)
{
    zanni__pending_t *pending = zanni__pending_find (arrival->worker, arrival->record->id);
    if (pending && pending->kind == ZANNI__AN_ASK && !pending->as.ask.answer)
        return pending;
    zanni__count (&arrival->worker->counts.late_replies, 1);
    return NULL;
}

/* An answer comes from whom the ask is pointed at now. */
static zanni_msg_t *
s_answer_new (zanni__arrival_t *arrival, zanni__pending_t *pending, zanni__kind_t kind)
{
    zanni_worker_t *worker = arrival->worker;
    zanni_msg_t *msg = zanni__msg_take (worker);
    zanni__identity_t *from = pending->as.ask.target ? pending->as.ask.target : pending->actor->identity;
    if (!msg)
        return NULL;
    msg->item.kind = (uint8_t) kind;
    msg->to = pending->actor->identity;
    msg->id = pending->id;
    zanni__msg_set_from (worker, msg, from, worker);
    zanni__hold_to (msg);
    return msg;
}

static void
s_fill_error (zanni__arrival_t *arrival, zanni_msg_t *msg)
{
    const zanni_record_t *record = arrival->record;
    zanni_error_t error = { .code = (int) record->as.error.code, .app_code = record->as.error.app_code };
    error.origin.actor = record->as.error.actor;
    memcpy (error.origin.node, record->as.error.node ? record->as.error.node : arrival->peer->node, 16);
    snprintf (error.text, sizeof error.text, "%.*s", (int) record->as.error.text.size,
              (const char *) record->as.error.text.data);
    zanni__error_take (msg, &error);
}

/* To an actor of another worker: see relay.c. */
static int
s_take_relayed (zanni__arrival_t *arrival, zanni__kind_t kind)
{
    const zanni_record_t *record = arrival->record;
    zanni_worker_t *worker = arrival->worker;
    zanni__relayed_t *relayed = zanni__relay_find (worker, record->id);
    if (!relayed || relayed->monitors)
        return 0;   // as for any ask, whoever it was forwarded to may answer
    zanni_msg_t *msg = zanni__relay_answer (worker, relayed, kind);
    zanni__relay_end (worker, relayed);
    if (!msg)
        return 0;   // its deadline ends it
    if (kind == ZANNI__ERROR)
        s_fill_error (arrival, msg);
    bool started = record->kind == ZANNI_RECORD_SPAWNED;
    if (started)
        msg->code = ZANNI__STARTED;
    int rc = started ? zanni__msg_pack (worker, msg, NULL, 0) : zanni__arrival_arguments (arrival, msg);
    if (rc) {
        msg->item.kind = ZANNI__ERROR;
        zanni__error_fill (msg, rc, zanni_strerror (rc));
    }
    zanni__send (worker, msg->to->worker, &msg->item);
    return 0;
}

/* The actor is there, so others may reach it in their own ways. */
static void
s_is_born (const zanni__pending_t *pending)
{
    uint8_t spawning = ZANNI__SPAWNING;
    const zanni__identity_t *target = pending->as.ask.target;
    if (pending->as.ask.starts && target && target->elsewhere)
        (void) atomic_compare_exchange_strong_explicit (&target->as.remote->birth, &spawning, ZANNI__BORN,
                                                        memory_order_relaxed, memory_order_relaxed);
}

int
zanni__take_reply (zanni__arrival_t *arrival)
{
    if (zanni__relay_is (arrival->record->id))
        return s_take_relayed (arrival, ZANNI__REPLY);
    zanni_worker_t *worker = arrival->worker;
    zanni__pending_t *pending = s_asked (arrival);
    if (!pending)
        return 0;
    s_is_born (pending);
    zanni_msg_t *msg = s_answer_new (arrival, pending, ZANNI__REPLY);
    int rc = msg ? 0 : ZANNI_ENOMEM;
    if (msg && arrival->record->kind == ZANNI_RECORD_REPLY)
        rc = zanni__arrival_arguments (arrival, msg);
    else if (msg)
        rc = zanni__msg_pack (worker, msg, NULL, 0);
    if (!rc) {
        zanni__deliver (worker, &msg->item);
        return 0;
    }
    if (msg)
        zanni__msg_free (worker, msg);
    zanni__ask_fail (worker, pending, rc, zanni_strerror (rc));
    return 0;
}

int
zanni__take_error (zanni__arrival_t *arrival)
{
    const zanni_record_t *record = arrival->record;
    zanni_worker_t *worker = arrival->worker;
    if (record->as.error.code >= 0 || record->as.error.code < INT32_MIN)
        return zanni__arrival_fault (arrival, "ERROR: the code is no error");
    if (zanni__relay_is (record->id))
        return s_take_relayed (arrival, ZANNI__ERROR);
    zanni__pending_t *pending = s_asked (arrival);
    if (!pending)
        return 0;
    zanni_msg_t *msg = s_answer_new (arrival, pending, ZANNI__ERROR);
    if (msg)
        s_fill_error (arrival, msg);
    if (msg && !zanni__arrival_arguments (arrival, msg)) {
        zanni__deliver (worker, &msg->item);
        return 0;
    }
    if (msg)
        zanni__msg_free (worker, msg);
    char text [sizeof ((zanni_error_t *) 0)->text];
    snprintf (text, sizeof text, "%.*s", (int) record->as.error.text.size, (const char *) record->as.error.text.data);
    zanni__ask_fail (worker, pending, (int) record->as.error.code, text);
    return 0;
}

void
zanni__repoint (zanni_worker_t *worker, uint64_t ask, zanni__identity_t *target)
{
    zanni__pending_t *pending = zanni__pending_find (worker, ask);
    if (!pending || pending->kind != ZANNI__AN_ASK)
        return;
    zanni__identity_t *before = pending->as.ask.target;
    zanni__hold_from (worker, target);
    pending->as.ask.target = target;
    if (before)
        zanni__unhold_from (worker, before);
    /* A monitor that nobody waits for makes the session by which we learn of its end. */
    if (target->elsewhere && target->worker == worker)
        (void) zanni__route_about (worker, target, ZANNI_RECORD_MONITOR, ask, false);
}

/* The same of an ask that is another's. */
static void
s_repoint_relay (zanni_worker_t *worker, zanni__relayed_t *relayed, zanni__identity_t *target)
{
    zanni__identity_hold (target);
    zanni__identity_unhold (relayed->to);
    relayed->to = target;
    (void) zanni__route_about (worker, target, ZANNI_RECORD_MONITOR, relayed->number, false);
}

int
zanni__take_forwarded (zanni__arrival_t *arrival)
{
    zanni__identity_t *target;
    bool own;
    if (!arrival->record->about)
        return zanni__arrival_fault (arrival, "FORWARDED: to nobody");
    const zanni_wire_ref_t whole = zanni__arrival_whole (arrival, arrival->record->about);
    if (zanni__ref_meant (arrival->worker, &target, &whole, &own))
        return 0;   // without memory the ask's deadline stays
    zanni__relayed_t *relayed = zanni__relay_is (arrival->record->id)
                                    ? zanni__relay_find (arrival->worker, arrival->record->id) : NULL;
    if (!relayed)
        zanni__repoint (arrival->worker, arrival->record->id, target);
    else if (target->elsewhere && target->worker == arrival->worker)
        s_repoint_relay (arrival->worker, relayed, target);
    zanni__identity_unref (target);   // one of ours is asked by this session in a moment: see inbound.c
    return 0;
}

/* The monitor that waits with the stand-in becomes the DOWN. */
int
zanni__take_down (zanni__arrival_t *arrival)
{
    const zanni_record_t *record = arrival->record;
    zanni_worker_t *worker = arrival->worker;
    zanni__relayed_t *relayed = zanni__relay_is (record->id) ? zanni__relay_find (worker, record->id) : NULL;
    zanni__pending_t *pending = relayed ? NULL : zanni__pending_find (worker, record->id);
    zanni__identity_t *identity = relayed ? relayed->to
                                  : pending && pending->kind == ZANNI__A_MONITOR ? pending->as.monitor.target : NULL;
    if (!identity || !identity->elsewhere || identity->worker != worker || identity->as.remote->peer != arrival->peer
        || (relayed && !relayed->monitors))
        return 0;
    const zanni__identity_t *from = relayed ? relayed->from : pending->actor->identity;
    uint64_t id = relayed ? relayed->id : record->id;
    const zanni_reason_t reason = zanni__reason_from_wire (record);
    if (!record->as.end.restarts)
        zanni__remote_ended (identity);
    zanni__watcher_fire (worker, identity, from, id, &reason, record->as.end.restarts);
    zanni__relay_end (worker, relayed);
    return 0;
}
