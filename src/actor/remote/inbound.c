/* Records that came in become items for actors of this node, as if they had been sent here. Answers are the matter of
   returns.c.

   Everything in a record may be a lie, so nothing is used unchecked: an actor is found by id and nonce, an answer by an ask
   that is pending, a reference to one of ours by its nonce. Only what cannot be meant breaks the protocol; that somebody
   is gone, or memory is out, is answered to who asked.

   What comes from a peer counts in its window until it leaves the mailbox (zanni__leave), if it came straight: its sender is
   one of that peer's then, and it is on the sender's stand-in's worker, so it holds that as a message does which has never
   travelled, without ZANNI__REMOTE. What was forwarded, or is told by another session of the sender's node than the one by
   which the sender is known here, has the flag, and counts until its mailbox has room for more, as what goes on to another
   worker or node does: handon.c. */

#include "nodes.h"

#include "inbound.h"

#include "../chain.h"

#include "../deliver.h"
#include "../envelope.h"
#include "rights.h"

#include "../../base/memory.h"

#include <stdio.h>
#include <zanni/buffer.h>

/* Names of our own mean nothing from others, and other hosts do not make us dial anything of this one. */
bool
zanni__may_be_dialled (const zanni_peer_t *peer, const zanni_bytes_t *endpoint)
{
    if (peer->far)
        return endpoint->size > 6 && !memcmp (endpoint->data, "tcp://", 6);
    return endpoint->size && *(const char *) endpoint->data != '~';
}

/* A reference with what the session leaves out. */
zanni_wire_ref_t
zanni__arrival_whole (const zanni__arrival_t *arrival, const zanni_wire_ref_t *ref)
{
    zanni_wire_ref_t whole = *ref;
    if (!whole.node)
        whole.node = arrival->peer->node;
    if (!zanni__may_be_dialled (arrival->peer, &whole.endpoint))
        whole.endpoint = (zanni_bytes_t) { arrival->peer->endpoint, strlen (arrival->peer->endpoint) };
    return whole;
}

/* An actor of the peer that is named by the session; without a nonce, the runtime at its endpoint: a stand-in of its own,
   by an id that no actor has, so that what it is told goes to the worker which said it. */
static int
s_of_peer (zanni__arrival_t *arrival, zanni__identity_t **identity_p, const zanni_wire_actor_t *actor)
{
    static const uint8_t nobody [ZANNI__NONCE];
    zanni__remotes_t *remotes = arrival->worker->remotes;
    zanni__identity_t *last = remotes->last;
    const zanni_wire_ref_t ref = {
        .actor = actor->nonce ? actor->actor : UINT64_MAX - arrival->peer->serial,
        .nonce = actor->nonce ? actor->nonce : nobody
    };
    bool tells = arrival->record->kind == ZANNI_RECORD_TELL;
    if (last && last->as.remote->address.actor == ref.actor && last->as.remote->peer == arrival->peer
        && !(tells && last->as.remote->by_peer)) {
        *identity_p = last;
        return 0;
    }
    const zanni_wire_ref_t whole = zanni__arrival_whole (arrival, &ref);
    int rc = zanni__remote_get (arrival->worker, identity_p, &whole);
    if (!rc && (*identity_p)->as.remote->peer != arrival->peer && !tells)
        rc = zanni__remote_by (arrival->worker, identity_p, &whole, arrival->peer);
    if (!rc && (*identity_p)->as.remote->peer == arrival->peer)
        remotes->last = *identity_p;
    return rc;
}

int
zanni__arrival_from (zanni__arrival_t *arrival, zanni__identity_t **identity_p)
{
    return s_of_peer (arrival, identity_p, &arrival->record->from);
}

/* An actor of ours that is gone: an identity that has ended. */
static zanni__identity_t *
s_ours_ended (zanni_worker_t *worker, const zanni_wire_ref_t *ref)
{
    zanni__identity_t *identity = zanni__identity_new (worker, zanni__class_none ());
    if (!identity)
        return NULL;
    identity->id = ref->actor;
    identity->state = ZANNI__ENDED;
    identity->owned = false;
    atomic_store_explicit (&identity->ended, true, memory_order_relaxed);
    atomic_store_explicit (&identity->limit, 0, memory_order_relaxed);
    return identity;
}

/* An actor of ours that a reference names: a reference of the caller's. */
static zanni__identity_t *
s_ours (zanni_worker_t *worker, const zanni_wire_ref_t *ref, bool *own)
{
    const zanni_wire_actor_t actor = { ref->actor, ref->nonce };
    zanni__identity_t *identity = zanni__export_find (worker->node, &actor, own);
    if (identity)
        return identity;
    *own = false;
    return s_ours_ended (worker, ref);
}

static bool
s_is_ours (const zanni_worker_t *worker, const zanni_wire_ref_t *whole)
{
    return !memcmp (whole->node, worker->node->id, sizeof worker->node->id);
}

/* Who is meant, with a reference of the caller's. */
int
zanni__ref_meant (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni_wire_ref_t *whole, bool *own)
{
    *own = whole->own;
    if (s_is_ours (worker, whole)) {
        *identity_p = s_ours (worker, whole, own);
        return *identity_p ? 0 : ZANNI_ENOMEM;
    }
    int rc = zanni__remote_get (worker, identity_p, whole);
    if (!rc)
        zanni__identity_ref (*identity_p);
    return rc;
}

/* A strong reference was lent to us by the peer: by its owner, or by somebody who holds it himself. */
static void
s_borrow (zanni__arrival_t *arrival, zanni__identity_t *identity, const zanni_wire_ref_t *whole)
{
    zanni_worker_t *worker = arrival->worker;
    zanni_address_t address = zanni__address (worker, whole->node, whole->actor);
    if (s_is_ours (worker, whole)) {   // home again, or where its alias is from
        zanni__release_behind (worker, arrival->peer, arrival->peer, &address);
        return;
    }
    zanni__remote_t *remote = identity->as.remote;
    if (remote->peer == arrival->peer) {
        remote->lent++;
        return;
    }
    (void) zanni__retain (worker, identity);
    zanni__release_behind (worker, remote->peer, arrival->peer, &address);
}

static zanni_ref_t *
s_handle (zanni__arrival_t *arrival, const zanni_wire_ref_t *ref)
{
    zanni__identity_t *identity;
    bool own;
    const zanni_wire_ref_t whole = zanni__arrival_whole (arrival, ref);
    if (zanni__ref_meant (arrival->worker, &identity, &whole, &own))
        return NULL;
    zanni_ref_t *handle = zanni__ref_new (identity, NULL, ref->strong, own);
    if (handle && ref->strong)
        s_borrow (arrival, identity, &whole);
    zanni__identity_unref (identity);
    return handle;
}

static void
s_drop_handles (zanni_worker_t *worker, void **table, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        zanni__ref_drop (worker, table [i]);
}

/* Handles and buffers in one table: references first. */
static int
s_fill_table (zanni__arrival_t *arrival, void **table)
{
    const zanni_record_t *record = arrival->record;
    for (uint32_t i = 0; i < record->refs_count; i++) {
        table [i] = s_handle (arrival, &record->refs [i]);
        if (!table [i]) {
            s_drop_handles (arrival->worker, table, i);
            return ZANNI_ENOMEM;
        }
        arrival->borrowed = i + 1;
    }
    if (record->buffers_count)
        memcpy (table + record->refs_count, arrival->buffers, record->buffers_count * sizeof *table);
    return 0;
}

/* Moves the record's arguments into `msg`, behind what of its room is taken. */
int
zanni__arrival_arguments (zanni__arrival_t *arrival, zanni_msg_t *msg)
{
    const zanni_record_t *record = arrival->record;
    zanni_worker_t *worker = arrival->worker;
    void *few [16];
    uint32_t used = (msg->room_used + 7u) & ~7u;
    uint32_t count = record->refs_count + record->buffers_count;
    void **table = count <= 16 ? few : zanni__malloc (count * sizeof *table);
    if (!table)
        return ZANNI_ENOMEM;
    int rc = s_fill_table (arrival, table);
    const zanni__args_t from = {
        .bytes = record->args.data, .size = (uint32_t) record->args.size, .table = table,
        .refs = (uint16_t) record->refs_count, .buffers = (uint16_t) record->buffers_count
    };
    const zanni__pack_t room = { .room = msg->room + used, .room_size = ZANNI__MESSAGE_ROOM - used };
    if (!rc) {
        rc = zanni__args_move (&msg->args, &msg->payload, &room, &from);
        if (rc)
            s_drop_handles (worker, table, record->refs_count);
    }
    if (table != few)
        zanni__free (table);
    if (rc)
        return rc;
    arrival->kept = true;
    if (!msg->payload)
        msg->room_used = used + msg->args.size;
    msg->item.weight = msg->args.buffers ? zanni__args_weight (&msg->args) : msg->args.size;
    return 0;
}

/* The method by its name, of the last that were asked for. */
static const zanni__method_t *
s_method (zanni_worker_t *worker, const zanni__class_t *cls, const zanni_bytes_t *name)
{
    const uint8_t *bytes = name->data;
    uintptr_t key = name->size * 31 + bytes [0] + bytes [name->size - 1] * 7u + ((uintptr_t) cls >> 4);
    zanni__memo_t *memo = &worker->remotes->methods [key % ZANNI__MEMO];
    if (memo->cls == cls && !strncmp (memo->name, name->data, name->size) && !memo->name [name->size])
        return memo->method;
    char text [ZANNI_WIRE_NAME_MAX + 1];
    memcpy (text, name->data, name->size);
    text [name->size] = 0;
    const zanni__method_t *method = zanni__class_method (cls, text);
    if (method)
        *memo = (zanni__memo_t) { .name = method->name, .cls = cls, .method = method };
    return method;
}

static int
s_set_method (zanni_worker_t *worker, zanni_msg_t *msg, const zanni_bytes_t *name)
{
    const zanni__class_t *cls = atomic_load_explicit (&msg->to->cls, memory_order_relaxed);
    if (name->size)
        msg->method = s_method (worker, cls, name);
    if (msg->method)
        return 0;
    msg->name = zanni__msg_copy (msg, name->data, name->size);
    return msg->name ? 0 : ZANNI_ENOMEM;
}

/* Who asked by a relay of this worker, and what was forwarded has come home: its answer goes straight to the asker, who knows
   it by another id. */
static void
s_end_relay (zanni_worker_t *worker, zanni_msg_t *msg)
{
    zanni__relayed_t *relayed = zanni__relay_is (msg->id) ? zanni__relay_find (worker, msg->id) : NULL;
    if (!relayed || relayed->from != msg->from || relayed->monitors)
        return;
    msg->id = relayed->id;
    zanni__relay_end (worker, relayed);
}

/* Holds the sender: an actor of the peer, or for what was forwarded whoever sent it first. */
static int
s_set_from (zanni__arrival_t *arrival, zanni_msg_t *msg)
{
    zanni__identity_t *from;
    bool own;
    const zanni_record_t *record = arrival->record;
    if (!record->about) {
        int rc = s_of_peer (arrival, &from, &record->from);
        bool straight = !rc && from->as.remote->peer == arrival->peer;
        if (!rc)
            zanni__msg_set_from (arrival->worker, msg, from, straight ? msg->to->worker : NULL);
        return rc;
    }
    const zanni_wire_ref_t whole = zanni__arrival_whole (arrival, record->about);
    int rc = zanni__ref_meant (arrival->worker, &from, &whole, &own);
    if (rc)
        return rc;
    msg->from = from;
    msg->item.flags |= ZANNI__REMOTE;   // held by `refs`
    if (s_is_ours (arrival->worker, &whole))   // any other has ids of its own node
        s_end_relay (arrival->worker, msg);
    return 0;
}

/* A message for `to`, of whatever worker, whose sender is set; NULL: there is no memory, or no way to the sender, which is
   told as if it were that. */
zanni_msg_t *
zanni__arrival_msg (zanni__arrival_t *arrival, zanni__identity_t *to, zanni__kind_t kind)
{
    zanni_msg_t *msg = zanni__msg_take (arrival->worker);
    if (!msg)
        return NULL;
    msg->item.kind = (uint8_t) kind;
    msg->to = to;
    msg->id = arrival->record->id;
    if (s_set_from (arrival, msg)) {
        zanni__msg_free (arrival->worker, msg);
        return NULL;
    }
    return msg;
}

/* What came counts as handled. */
void
zanni__arrival_handled (const zanni__arrival_t *arrival)
{
    uint64_t weight = arrival->record->args.size;
    for (uint32_t i = 0; i < arrival->record->buffers_count; i++)
        weight += zanni_buffer_size (arrival->buffers [i]);
    arrival->worker->node->link->taken (arrival->peer, zanni__charge (arrival->peer, weight));
}

/* Tells who asked what is wrong. */
void
zanni__arrival_error (zanni__arrival_t *arrival, int code, const char *text)
{
    const zanni_record_t *record = arrival->record;
    const zanni_record_t error = {
        .kind = ZANNI_RECORD_ERROR, .id = record->id, .remaining_ms = -1, .args = { "\x90", 1 },
        .as.error = { .code = code, .text = { text, strnlen (text, ZANNI_WIRE_TEXT_MAX) }, .actor = record->to.actor }
    };
    if (!arrival->worker->node->link->send (arrival->peer, &error, NULL))
        zanni__remote_sent (arrival->worker);
}

/* What the peer sent may not be, or there is no memory for it: its window opens again, and who asked is told, if that can be. */
static int
s_refuse (zanni__arrival_t *arrival, int code)
{
    const zanni_record_t *record = arrival->record;
    zanni__arrival_handled (arrival);
    zanni__count (&arrival->worker->counts.dead_letters, record->kind == ZANNI_RECORD_TELL);
    if (record->kind == ZANNI_RECORD_TELL || record->about)
        return 0;
    zanni__arrival_error (arrival, code, zanni_strerror (code));
    return 0;
}

/* Whom a message is for, with a reference of the caller's; one that is gone is known no more, but its letters are dead
   ones of its address. */
static zanni__identity_t *
s_receiver (zanni__arrival_t *arrival)
{
    static const uint8_t nobody [ZANNI__NONCE];
    bool own;
    const zanni_wire_actor_t *to = &arrival->record->to;
    zanni__identity_t *identity = zanni__reach (arrival->worker, to, &own);
    const zanni_wire_ref_t ref = { .actor = to->actor, .nonce = nobody };
    return identity ? identity : s_ours_ended (arrival->worker, &ref);
}

static zanni__kind_t
s_kind (const zanni__arrival_t *arrival)
{
    return arrival->record->kind == ZANNI_RECORD_ASK ? ZANNI__ASK : ZANNI__TELL;
}

/* An actor of this worker itself, whose mailbox counts for the window. */
static bool
s_is_here (const zanni_worker_t *worker, const zanni__identity_t *to)
{
    return to->worker == worker && !to->elsewhere;
}

/* Fills a message that came; the caller delivers it. */
static int
s_fill_message (zanni__arrival_t *arrival, zanni_msg_t *msg)
{
    const zanni_record_t *record = arrival->record;
    int rc = s_set_method (arrival->worker, msg, &record->method);
    if (!rc)
        rc = zanni__arrival_arguments (arrival, msg);
    if (rc)
        return rc;
    if (msg->item.kind == ZANNI__ASK && record->as.ask.waiting.data)
        zanni__chain_read (msg, &record->as.ask.waiting);
    if (msg->item.kind == ZANNI__ASK && record->remaining_ms >= 0 && record->remaining_ms < INT64_MAX / 4000000)
        msg->deadline_ns = zanni__node_now (arrival->worker->node) + record->remaining_ms * 1000000;
    msg->item.flags |= ZANNI__COUNTED;
    return 0;
}

/* An actor's own message that somebody sends back, or says so, is from outside all the same: private methods take an
   actor at its word. */
static bool
s_reaches_private (const zanni_msg_t *msg)
{
    return msg->from == msg->to && msg->method && msg->method->flags & ZANNI_METHOD_PRIVATE;
}

static void
s_deliver (zanni__arrival_t *arrival, zanni_msg_t *msg)
{
    zanni_worker_t *worker = arrival->worker;
    if (s_reaches_private (msg)) {
        zanni__arrival_handled (arrival);
        msg->item.flags &= (uint8_t) ~ZANNI__COUNTED;
        zanni__bury (worker, &msg->item, ZANNI_EPERM, NULL);
        return;
    }
    if (!s_is_here (worker, msg->to)) {
        zanni__hand_on (worker, arrival->peer, msg);
        return;
    }
    if (msg->item.flags & ZANNI__REMOTE)
        zanni__owe (worker, arrival->peer, msg);
    if (msg->to->state == ZANNI__ENDED)
        zanni__hold_to (msg);
    zanni__deliver (worker, &msg->item);
}

/* It becomes a message all the same, which is buried: so whoever asked is told, also where it was forwarded, and a tell is a
   dead letter that is told of. */
static int
s_lose_message (zanni__arrival_t *arrival, zanni__identity_t *to, int code)
{
    zanni_worker_t *worker = arrival->worker;
    zanni_msg_t *msg = zanni__arrival_msg (arrival, to, s_kind (arrival));
    int rc = msg ? s_fill_message (arrival, msg) : ZANNI_ENOMEM;
    if (!rc) {
        zanni__arrival_handled (arrival);
        zanni__hold_to (msg);
        msg->item.flags &= (uint8_t) ~ZANNI__COUNTED;   // it was in no mailbox
        zanni__tell_forget (worker);
        zanni__bury (worker, &msg->item, code, NULL);
    }
    else if (msg)
        zanni__msg_free (worker, msg);
    return rc;
}

/* Whether the key of its session permits that, where another host speaks. */
static bool
s_is_permitted (const zanni__arrival_t *arrival, const zanni__identity_t *to)
{
    const zanni__rights_t *rights = arrival->peer->rights;
    return !zanni__rights_limit (rights) || zanni__rights_method (rights, zanni_ref_class (&to->self), &arrival->record->method);
}

static int
s_accept_message (zanni__arrival_t *arrival, zanni__identity_t *to)
{
    zanni_worker_t *worker = arrival->worker;
    zanni_msg_t *msg = zanni__arrival_msg (arrival, to, s_kind (arrival));
    int rc = msg ? s_fill_message (arrival, msg) : ZANNI_ENOMEM;
    bool tells = arrival->record->kind == ZANNI_RECORD_TELL;
    bool plain = tells && !arrival->record->about && s_is_here (worker, to);
    if (!rc) {
        if (plain)
            zanni__tell_came (worker, arrival->peer, msg);
        s_deliver (arrival, msg);
    }
    else if (msg)
        zanni__msg_free (worker, msg);
    if (tells && (rc || !plain))
        zanni__tell_forget (worker);
    return rc;
}

static int
s_take_message (zanni__arrival_t *arrival)
{
    if (arrival->record->kind == ZANNI_RECORD_ASK && arrival->record->to.actor == ZANNI__NODE_ACTOR) {
        zanni__arrival_handled (arrival);
        zanni__node_asked (arrival->worker, arrival->peer, arrival->record);
        return 0;
    }
    zanni__identity_t *to = s_receiver (arrival);
    bool may = !to || s_is_permitted (arrival, to);
    int rc = ZANNI_ENOMEM;
    if (to && may && arrival->peer->far && zanni__node_drains (arrival->worker->node)) {
        rc = s_lose_message (arrival, to, ZANNI_ECLOSED);
        zanni__identity_unref (to);
    }
    else if (to) {
        rc = may ? s_accept_message (arrival, to) : s_lose_message (arrival, to, ZANNI_EPERM);
        zanni__identity_unref (to);
    }
    else
        zanni__tell_forget (arrival->worker);
    return rc ? s_refuse (arrival, may ? rc : ZANNI_EPERM) : 0;
}

/* An actor of ours, which waits, begins again; that of a process that has begun in place of another one begins now. */
static int
s_take_again (zanni__arrival_t *arrival)
{
    bool own = false;
    zanni__identity_t *to = zanni__reach (arrival->worker, &arrival->record->to, &own);
    bool unborn = to && to == arrival->worker->owner && to->busy & ZANNI__UNBORN;
    zanni_msg_t *start = to && own ? zanni__arrival_msg (arrival, to, unborn ? ZANNI__START : ZANNI__AGAIN) : NULL;
    int rc = !to ? ZANNI_ENOACTOR : !own ? ZANNI_EPERM : start ? zanni__arrival_arguments (arrival, start) : ZANNI_ENOMEM;
    if (!rc) {
        zanni__arrival_handled (arrival);
        zanni__hold_to (start);
        zanni__send (arrival->worker, to->worker, &start->item);
    }
    else if (start) {
        start->item.flags |= ZANNI__ANSWERED;
        zanni__msg_free (arrival->worker, start);
    }
    if (to)
        zanni__identity_unref (to);
    return rc ? s_refuse (arrival, rc) : 0;
}

/* The actor of a process is told how to begin, once; any other is the matter of guest.c. */
static int
s_take_spawn (zanni__arrival_t *arrival)
{
    zanni_worker_t *worker = arrival->worker;
    zanni__identity_t *owner = worker->owner;
    if (arrival->record->to.nonce && !zanni__rights_spawn (arrival->peer->rights))
        return s_refuse (arrival, ZANNI_EPERM);
    if (arrival->record->to.nonce && arrival->record->as.spawn.again)
        return s_take_again (arrival);
    if (arrival->record->to.nonce) {
        zanni__take_guest (arrival);
        return 0;
    }
    if (!owner || !(owner->busy & ZANNI__UNBORN))
        return s_refuse (arrival, ZANNI_EPERM);
    zanni_msg_t *start = zanni__arrival_msg (arrival, owner, ZANNI__START);
    int rc = start ? zanni__arrival_arguments (arrival, start) : ZANNI_ENOMEM;
    if (rc) {
        if (start)
            zanni__msg_free (worker, start);
        return s_refuse (arrival, rc);
    }
    worker->node->link->taken (arrival->peer, zanni__charge (arrival->peer, start->item.weight));
    zanni__deliver (worker, &start->item);
    return 0;
}

/* An item about an actor of ours, whose reference it takes; nothing, where that is gone or it may not be. */
static int
s_tell_about (zanni__arrival_t *arrival, zanni__identity_t *to, zanni__kind_t kind, bool may)
{
    zanni_worker_t *worker = arrival->worker;
    if (to && !may)
        zanni__log (worker->node, ZANNI_LOG_WARNING, "%s of %s: not permitted, it needs the right to own",
                    zanni_record_name (arrival->record->kind), zanni_ref_class (&to->self));
    zanni_msg_t *msg = to && may ? zanni__arrival_msg (arrival, to, kind) : NULL;
    if (msg) {
        if (kind == ZANNI__STOP || kind == ZANNI__KILL)
            msg->code = arrival->record->as.end.reason.code == ZANNI__HOLDS_ON ? ZANNI__HOLDS_ON : 0;
        zanni__hold_to (msg);
        zanni__send (worker, to->worker, &msg->item);
    }
    if (to)
        zanni__identity_unref (to);
    return 0;
}

/* What is about an actor of ours and has no arguments. Without memory it is as if it had come too late. */
static int
s_take_about (zanni__arrival_t *arrival, zanni__kind_t kind, bool needs_own)
{
    bool own;
    zanni__identity_t *to = zanni__reach (arrival->worker, &arrival->record->to, &own);
    return s_tell_about (arrival, to, kind, own || !needs_own);
}

static int
s_take_cancel (zanni__arrival_t *arrival)
{
    return s_take_about (arrival, ZANNI__CANCEL, false);
}

static int
s_take_probe (zanni__arrival_t *arrival)
{
    bool own;
    zanni_worker_t *worker = arrival->worker;
    zanni__identity_t *to = zanni__reach (worker, &arrival->record->to, &own);
    zanni_msg_t *msg = to ? zanni__arrival_msg (arrival, to, ZANNI__PROBE) : NULL;
    if (msg) {
        zanni__chain_read (msg, &arrival->record->as.ask.waiting);
        zanni__hold_to (msg);
        zanni__send (worker, to->worker, &msg->item);
    }
    if (to)
        zanni__identity_unref (to);
    return 0;
}

static int
s_take_demonitor (zanni__arrival_t *arrival)
{
    return s_take_about (arrival, ZANNI__DEMONITOR, false);
}

static int
s_take_stop (zanni__arrival_t *arrival)
{
    bool kills = arrival->record->as.end.reason.kind == ZANNI_EXIT_KILLED;
    return s_take_about (arrival, kills ? ZANNI__KILL : ZANNI__STOP, true);
}

static int
s_take_restart (zanni__arrival_t *arrival)
{
    return s_take_about (arrival, ZANNI__RESTART, true);
}

static int
s_send_down (zanni__arrival_t *arrival, const zanni_reason_t *reason, bool restarts)
{
    zanni_record_t record = { .kind = ZANNI_RECORD_DOWN, .id = arrival->record->id, .as.end.restarts = restarts };
    record.as.end.reason = zanni__reason_to_wire (reason);
    if (!arrival->worker->node->link->send (arrival->peer, &record, NULL))
        zanni__remote_sent (arrival->worker);
    return 0;
}

/* Somebody wants to know of the end of a process of ours, that of the incarnation whose number is the nonce: its stand-in
   here, where ends are told first, keeps the monitor by itself. */
static int
s_take_home_monitor (zanni__arrival_t *arrival)
{
    static const uint8_t unknown [ZANNI__NONCE];
    static const zanni_reason_t no_connection = { .kind = ZANNI_EXIT_NO_CONNECTION };
    zanni__identity_t *identity;
    zanni_reason_t reason;
    bool restarts;
    zanni_wire_ref_t whole = zanni__arrival_whole (arrival, arrival->record->about);
    if (zanni__process_gone (arrival->worker->node, whole.node, zanni__wire_number (whole.nonce, 8), &reason, &restarts))
        return s_send_down (arrival, &reason, restarts);
    whole.nonce = unknown;
    if (zanni__remote_get (arrival->worker, &identity, &whole))
        return s_send_down (arrival, &no_connection, false);
    zanni_record_t plain = *arrival->record;
    zanni__arrival_t of_session = *arrival;
    plain.about = NULL;
    of_session.record = &plain;
    zanni__identity_ref (identity);   // the sender may be new, and then unused stand-ins are swept
    zanni_msg_t *msg = zanni__arrival_msg (&of_session, identity, ZANNI__MONITOR);
    if (msg) {
        zanni__hold_to (msg);
        zanni__watcher_add (arrival->worker, identity, msg);
    }
    zanni__identity_unref (identity);
    return msg ? 0 : s_send_down (arrival, &no_connection, false);
}

static int
s_take_monitor (zanni__arrival_t *arrival)
{
    static const zanni_reason_t gone = { .kind = ZANNI_EXIT_NO_ACTOR };
    bool own;
    if (arrival->record->about)
        return s_take_home_monitor (arrival);
    zanni__identity_t *to = zanni__reach (arrival->worker, &arrival->record->to, &own);
    bool ended = !to || atomic_load_explicit (&to->ended, memory_order_relaxed)
                 || (to->worker == arrival->worker && to->state == ZANNI__ENDED);
    if (!ended)
        return s_tell_about (arrival, to, ZANNI__MONITOR, true);
    if (to)
        zanni__identity_unref (to);
    return s_send_down (arrival, &gone, false);
}

static int
s_take_retain (zanni__arrival_t *arrival)
{
    bool own;
    zanni__identity_t *to = zanni__reach (arrival->worker, &arrival->record->to, &own);
    const zanni_address_t address = zanni__address (arrival->worker, NULL, arrival->record->to.actor);
    if (to && !atomic_load_explicit (&to->ended, memory_order_relaxed))
        (void) zanni__lend (arrival->peer, &address, to, own);   // without memory its holder finds it gone
    if (to)
        zanni__identity_unref (to);
    return 0;
}

static int
s_take_release (zanni__arrival_t *arrival)
{
    const zanni_record_t *record = arrival->record;
    zanni_address_t address = zanni__address (arrival->worker, NULL, record->to.actor);
    if (record->about) {
        const zanni_wire_ref_t whole = zanni__arrival_whole (arrival, record->about);
        address = zanni__address (arrival->worker, whole.node, whole.actor);
    }
    zanni__lend_end (arrival->worker, arrival->peer, &address, record->as.count);
    return 0;
}

static int (*const s_takers []) (zanni__arrival_t *arrival) = {
    [ZANNI_RECORD_TELL] = s_take_message,     [ZANNI_RECORD_ASK] = s_take_message,
    [ZANNI_RECORD_REPLY] = zanni__take_reply,      [ZANNI_RECORD_ERROR] = zanni__take_error,
    [ZANNI_RECORD_CANCEL] = s_take_cancel,    [ZANNI_RECORD_FORWARDED] = zanni__take_forwarded,
    [ZANNI_RECORD_PROBE] = s_take_probe,
    [ZANNI_RECORD_MONITOR] = s_take_monitor,  [ZANNI_RECORD_DEMONITOR] = s_take_demonitor,
    [ZANNI_RECORD_DOWN] = zanni__take_down,        [ZANNI_RECORD_RETAIN] = s_take_retain,
    [ZANNI_RECORD_RELEASE] = s_take_release,  [ZANNI_RECORD_SPAWN] = s_take_spawn,
    [ZANNI_RECORD_SPAWNED] = zanni__take_reply,    [ZANNI_RECORD_STOP] = s_take_stop,
    [ZANNI_RECORD_RESTART] = s_take_restart,  [ZANNI_RECORD_LINK] = zanni__take_link,
    [ZANNI_RECORD_UNLINK] = zanni__take_unlink,    [ZANNI_RECORD_EXIT] = zanni__take_exit
};

/* What came with it and is in no message: references are taken and dropped, as if it had been read, for the peer has lent
   them. */
static void
s_drop (zanni__arrival_t *arrival)
{
    const zanni_record_t *record = arrival->record;
    if (arrival->kept)
        return;
    for (uint32_t i = arrival->borrowed; i < record->refs_count; i++) {
        zanni_ref_t *handle = record->refs [i].strong ? s_handle (arrival, &record->refs [i]) : NULL;
        if (handle)
            zanni__ref_drop (arrival->worker, handle);
    }
    for (uint32_t i = 0; i < record->buffers_count; i++)
        zanni_buffer_destroy (&arrival->buffers [i]);
}

void
zanni_worker_lost (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers,
                   int code)
{
    static const char what [] = "a buffer of the answer could not be had from the store";
    zanni_record_t error = { .kind = ZANNI_RECORD_ERROR, .id = record->id, .args = { "\x90", 1 } };
    zanni__arrival_t arrival = { .worker = worker, .peer = peer, .record = record, .buffers = buffers };
    bool message = record->kind == ZANNI_RECORD_TELL || record->kind == ZANNI_RECORD_ASK;
    zanni__identity_t *to = message ? s_receiver (&arrival) : NULL;
    int rc = to ? s_lose_message (&arrival, to, code) : message ? ZANNI_ENOMEM : 0;
    if (to)
        zanni__identity_unref (to);
    error.as.error.code = code;
    error.as.error.text = (zanni_bytes_t) { what, sizeof what - 1 };
    if (record->kind == ZANNI_RECORD_REPLY || record->kind == ZANNI_RECORD_ERROR)
        rc = zanni__take_error (&(zanni__arrival_t) { .worker = worker, .peer = peer, .record = &error });
    else if (!message || rc)
        rc = s_refuse (&arrival, rc ? rc : code);
    (void) rc;   // it breaks no protocol
    s_drop (&arrival);
}

int
zanni_worker_record (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_record_t *record,
                     zanni_buffer_t **buffers, const char **fault)
{
    zanni__arrival_t arrival = { .worker = worker, .peer = peer, .record = record, .buffers = buffers };
    bool known = record->kind < sizeof s_takers / sizeof *s_takers && s_takers [record->kind];
    int rc = known ? s_takers [record->kind](&arrival) : 0;   // of an ability that was not agreed: nothing
    s_drop (&arrival);
    if (rc)
        *fault = arrival.fault;
    return rc;
}
