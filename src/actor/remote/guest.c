/* Guests: actors that other nodes spawn here, where this node's options allow it, of classes that are registered here.

   Their spawner chose number and right to own, so that it could send at once: the guest is known by these from the beginning,
   one in a process of its own by an alias. The spawner's strong reference is lent to its peer before the start is on its way,
   so the guest ends with the last reference there, or with the peer. Its START has the spawner's stand-in as its sender and
   is answered like any other: by SPAWNED, or by the error. */

#include "inbound.h"

#include "../deliver.h"
#include "../envelope.h"

#include <stdio.h>

typedef struct {
    zanni__arrival_t *arrival;
    const zanni__class_t *cls;
    zanni__care_t care;
    zanni_worker_t *from;         // on whose worker HERE is
    zanni_address_t address;      // that its spawner chose
    zanni_error_t error;
} s_guest_t;

static int
s_fail (s_guest_t *guest, int code, const char *text)
{
    zanni__error_set (&guest->error, code, text);
    return code;
}

/* HERE is the worker of an actor that the spawner knows. */
static int
s_find_beside (s_guest_t *guest)
{
    zanni_worker_t *worker = guest->arrival->worker;
    bool own;
    if (guest->care.options.place != ZANNI_HERE)
        return 0;
    zanni__identity_t *beside = zanni__reach (worker, &guest->arrival->record->as.spawn.beside, &own);
    if (!beside)
        return s_fail (guest, ZANNI_ENOACTOR, "no such actor: whom it was to be beside is gone");
    bool here = !beside->elsewhere && !atomic_load_explicit (&beside->worker->closed, memory_order_acquire);
    guest->from = beside->worker;
    if (here)
        zanni_worker_hold (guest->from);
    zanni__identity_unref (beside);
    if (!here) {
        guest->from = NULL;
        return s_fail (guest, ZANNI_EINVAL, "HERE: that actor has a process of its own");
    }
    return 0;
}

static int
s_find_class (s_guest_t *guest)
{
    char name [ZANNI_WIRE_NAME_MAX + 1], text [ZANNI_WIRE_NAME_MAX + 80];
    const zanni_bytes_t *given = &guest->arrival->record->method;
    snprintf (name, sizeof name, "%.*s", (int) given->size, (const char *) given->data);
    guest->cls = zanni__class_named (name);
    if (guest->cls)
        return 0;
    snprintf (text, sizeof text, "no such class on that node: %.100s; has its program registered it?", name);
    return s_fail (guest, ZANNI_ENOCLASS, text);
}

/* What the record asks for can be, and may. */
static int
s_check (s_guest_t *guest)
{
    const zanni_record_t *record = guest->arrival->record;
    zanni_node_t *node = guest->arrival->worker->node;
    if (!node->options.allow_spawn)
        return s_fail (guest, ZANNI_EPERM, "not permitted: that node does not allow others to spawn on it");
    if (zanni__node_is_ending (node) || zanni__node_drains (node))
        return s_fail (guest, ZANNI_ECLOSED, "closed: that node is about to end");
    if (record->as.spawn.place > ZANNI_PROCESS || record->as.spawn.waits > ZANNI__WAITS_ALWAYS
        || record->as.spawn.overflow > ZANNI_DROP_NEWEST)
        return s_fail (guest, ZANNI_EINVAL, "invalid argument: that node knows no such place or overflow");
    if (record->to.actor >> 62 != 1 || !record->from.nonce || zanni__export_taken (node, record->to.actor))
        return s_fail (guest, ZANNI_EINVAL, "invalid argument: the number is none for an actor to be, or taken");
    guest->care.waits = record->as.spawn.waits;
    guest->care.options = (zanni_spawn_t) {
        .place = (zanni_place_t) record->as.spawn.place, .worker = record->as.spawn.worker,
        .restartable = record->as.spawn.restartable, .overflow = (zanni_overflow_t) record->as.spawn.overflow,
        .mailbox_messages = record->as.spawn.mailbox_messages, .mailbox_bytes = record->as.spawn.mailbox_bytes,
        .watchdog_ms = record->as.spawn.watchdog_ms > INT32_MAX ? -1 : (int64_t) record->as.spawn.watchdog_ms,
        .error = &guest->error
    };
    int rc = s_find_class (guest);
    return rc ? rc : s_find_beside (guest);
}

/* Its START, and the loan that it lives by. */
static int
s_welcome (s_guest_t *guest, zanni_msg_t **start_p, zanni__identity_t *identity)
{
    zanni__arrival_t *arrival = guest->arrival;
    zanni_msg_t *start = zanni__arrival_msg (arrival, identity, ZANNI__START);
    if (!start)
        return ZANNI_ENOMEM;
    int rc = zanni__arrival_arguments (arrival, start);
    if (!rc)
        rc = zanni__lend (arrival->peer, &guest->address, identity, true);
    if (rc) {
        start->item.flags |= ZANNI__ANSWERED;
        zanni__msg_free (arrival->worker, start);
        return rc;
    }
    start->deadline_ns = INT64_MAX;
    zanni__hold_to (start);
    *start_p = start;
    return 0;
}

static int
s_take_in (s_guest_t *guest)
{
    zanni__arrival_t *arrival = guest->arrival;
    zanni_worker_t *worker = arrival->worker;
    zanni__identity_t *identity;
    zanni_msg_t *start;
    int rc = zanni__spawn_place (worker->node, guest->from, &identity, guest->cls, &guest->care.options);
    if (rc)
        return rc;
    identity->waits = guest->care.waits;
    identity->id = arrival->record->to.actor;
    identity->busy |= ZANNI__UNBORN;
    rc = zanni__export_as (identity, arrival->record->to.nonce);
    if (!rc)
        rc = s_welcome (guest, &start, identity);
    if (!rc && zanni__spawned_alone (identity)) {
        rc = zanni__node_start_worker (identity->worker);
        if (rc) {
            zanni__lend_undo (arrival->peer, &guest->address);
            start->item.flags |= ZANNI__ANSWERED;
            zanni__msg_free (worker, start);
        }
    }
    if (rc)
        zanni__spawn_undo (identity);
    else
        zanni__send (worker, identity->worker, &start->item);
    return rc;
}

/* One with a process of its own is a stand-in here. */
static int
s_take_in_process (s_guest_t *guest)
{
    zanni__arrival_t *arrival = guest->arrival;
    zanni_worker_t *worker = arrival->worker;
    zanni__identity_t *identity;
    zanni_msg_t *start = NULL;
    int rc = zanni__node_process (worker, &identity, guest->cls, &guest->care);
    if (rc)
        return rc;
    zanni__identity_ref (identity);
    rc = zanni__alias_as (identity, arrival->record->to.actor, arrival->record->to.nonce);
    if (!rc)
        rc = zanni__retain (worker, identity);
    if (!rc)
        rc = s_welcome (guest, &start, identity);
    if (rc)
        zanni__node_kill (worker, identity->as.remote->address.node);
    else
        zanni__send (worker, worker, &start->item);
    zanni__identity_unref (identity);
    return rc;
}

void
zanni__take_guest (zanni__arrival_t *arrival)
{
    s_guest_t guest = {
        .arrival = arrival, .address = zanni__address (arrival->worker, NULL, arrival->record->to.actor)
    };
    zanni__arrival_handled (arrival);
    int rc = s_check (&guest);
    if (!rc)
        rc = guest.care.options.place == ZANNI_PROCESS ? s_take_in_process (&guest) : s_take_in (&guest);
    if (guest.from)
        zanni_worker_drop (guest.from);
    if (!rc)
        return;
    zanni__arrival_error (arrival, rc, guest.error.code ? guest.error.text : zanni_strerror (rc));
    zanni__log (arrival->worker->node, ZANNI_LOG_WARNING, "a spawn by another node is refused: %s",
                guest.error.code ? guest.error.text : zanni_strerror (rc));
}
