/* Counted references across nodes.

   A strong reference that leaves is lent: this worker keeps one strong handle for the peer, and how often it went there,
   until as many are released or the peer's session is down for good. Where the actor is of a third node, the peer tells
   that one to hold it too (RETAIN), and releases us only when it knows that this has arrived.

   "Only when it has arrived" is the other thing kept here: what has to wait until all that was sent to a peer is
   acknowledged. A reference that is dropped on another worker than its stand-in's waits so, or its RELEASE would overtake
   what was sent through it, for the two take different sessions. */

#include "remote.h"

#include "../../base/memory.h"

typedef struct {
    zanni__entry_t entry;
    zanni_address_t address;
    zanni_ref_t *ref;      // strong, of no holder
    uint64_t count;
} s_loan_t;

/* What happens once so much is acknowledged: a dropped reference goes on, or a lender is released. */
typedef struct s_behind {
    struct s_behind *next;
    uint64_t mark;
    zanni_ref_t *ref;          // or:
    zanni_peer_t *lender;      // joined
    zanni_address_t address;
} s_behind_t;

typedef struct {
    zanni__table_t loans;
    s_behind_t *first;
    s_behind_t **last;
} s_held_t;

static s_held_t *
s_held (zanni_peer_t *peer)
{
    if (!peer->held) {
        s_held_t *held = zanni__calloc (sizeof *held);
        if (held)
            held->last = &held->first;
        peer->held = held;
    }
    return peer->held;
}

static s_loan_t *
s_find (const s_held_t *held, const zanni_address_t *address)
{
    uint64_t hash = zanni__address_hash (address);
    zanni__entry_t *entry = held ? zanni__table_find (&held->loans, hash) : NULL;
    while (entry && memcmp (&((s_loan_t *) (void *) entry)->address, address, sizeof *address))
        entry = zanni__table_again (entry->next, hash);
    return (s_loan_t *) (void *) entry;
}

static void
s_end_loan (zanni_worker_t *worker, s_held_t *held, s_loan_t *loan)
{
    zanni__table_remove (&held->loans, &loan->entry);
    zanni__ref_drop (worker, loan->ref);
    zanni__free (loan);
}

int
zanni__lend (zanni_peer_t *peer, const zanni_address_t *address, zanni__identity_t *identity, bool own)
{
    s_held_t *held = s_held (peer);
    if (!held)
        return ZANNI_ENOMEM;
    s_loan_t *loan = s_find (held, address);
    if (loan) {
        loan->count++;
        return 0;
    }
    loan = zanni__calloc (sizeof *loan);
    zanni_ref_t *ref = loan ? zanni__ref_new (identity, NULL, true, own) : NULL;
    if (!ref || !zanni__table_put (&held->loans, &loan->entry, zanni__address_hash (address))) {
        if (ref)
            zanni__ref_undo (ref);
        zanni__free (loan);
        return ZANNI_ENOMEM;
    }
    loan->address = *address;
    loan->ref = ref;
    loan->count = 1;
    return 0;
}

void
zanni__lend_nothing (zanni_peer_t *peer)
{
    s_held_t *held = peer->held;
    if (!held || held->loans.count || held->first)
        return;
    zanni__table_free (&held->loans);
    zanni__free (held);
    peer->held = NULL;
}

void
zanni__lend_undo (zanni_peer_t *peer, const zanni_address_t *address)
{
    s_held_t *held = peer->held;
    s_loan_t *loan = s_find (held, address);
    zanni__assert (loan && loan->count == 1);
    zanni__table_remove (&held->loans, &loan->entry);
    zanni__ref_undo (loan->ref);
    zanni__free (loan);
    zanni__lend_nothing (peer);
}

void
zanni__lend_end (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_address_t *address, uint64_t count)
{
    s_held_t *held = peer->held;
    s_loan_t *loan = s_find (held, address);
    if (!loan)
        return;
    loan->count -= count < loan->count ? count : loan->count;
    if (!loan->count)
        s_end_loan (worker, held, loan);
}

static void
s_release (zanni_worker_t *worker, zanni_peer_t *lender, const zanni_address_t *address)
{
    static const uint8_t unknown [ZANNI__NONCE];
    const zanni_wire_ref_t about = { .node = address->node, .actor = address->actor, .nonce = unknown };
    const zanni_record_t record = { .kind = ZANNI_RECORD_RELEASE, .about = &about, .as.count = 1 };
    if (!worker->node->link->send (lender, &record, NULL))   // else the end of the session does
        zanni__remote_sent (worker);
}

static void
s_do (zanni_worker_t *worker, s_behind_t *behind)
{
    if (behind->ref)
        zanni__send (worker, behind->ref->identity->worker, &behind->ref->as.item);
    else {
        s_release (worker, behind->lender, &behind->address);
        worker->node->link->leave (behind->lender);
    }
    zanni__free (behind);
}

static void
s_do_acknowledged (zanni_worker_t *worker, zanni_peer_t *peer, s_held_t *held, bool all)
{
    s_behind_t *behind;
    while ((behind = held->first) && (all || behind->mark <= peer->acknowledged)) {
        held->first = behind->next;
        if (!held->first)
            held->last = &held->first;
        s_do (worker, behind);
    }
    peer->awaited = held->first != NULL;
}

void
zanni_worker_acknowledged (zanni_worker_t *worker, zanni_peer_t *peer)
{
    if (peer->held)
        s_do_acknowledged (worker, peer, peer->held, false);
}

void
zanni__lend_end_all (zanni_worker_t *worker, zanni_peer_t *peer)
{
    s_held_t *held = peer->held;
    zanni__entry_t *entry;
    uint32_t at = 0;
    if (!held)
        return;
    s_do_acknowledged (worker, peer, held, true);
    while ((entry = zanni__table_first (&held->loans, &at)))
        s_end_loan (worker, held, (s_loan_t *) (void *) entry);
    zanni__table_free (&held->loans);
    zanni__free (held);
    peer->held = NULL;
}

static bool
s_put_behind (zanni_peer_t *peer, const s_behind_t *what)
{
    s_held_t *held = s_held (peer);
    s_behind_t *behind = held ? zanni__malloc (sizeof *behind) : NULL;
    if (!behind)
        return false;
    *behind = *what;
    behind->next = NULL;
    behind->mark = peer->sent;
    *held->last = behind;
    held->last = &behind->next;
    peer->awaited = true;
    return true;
}

bool
zanni__drop_behind (zanni_peer_t *peer, zanni_ref_t *ref)
{
    const s_behind_t what = { .ref = ref };
    return peer->acknowledged < peer->sent && s_put_behind (peer, &what);
}

void
zanni__release_behind (zanni_worker_t *worker, zanni_peer_t *owner, zanni_peer_t *lender,
                       const zanni_address_t *address)
{
    const zanni_link_ops_t *link = worker->node->link;
    s_behind_t what = { .address = *address };
    if (owner->acknowledged >= owner->sent) {
        s_release (worker, lender, address);
        return;
    }
    if (link->join (worker->link, lender->endpoint, lender->node, &what.lender))
        return;   // the end of the session with it will do
    if (!s_put_behind (owner, &what))
        link->leave (what.lender);
}

int
zanni__retain (zanni_worker_t *worker, zanni__identity_t *identity)
{
    zanni__remote_t *remote = identity->as.remote;
    /* relaxed: a hint, as everywhere. */
    if (!identity->elsewhere || remote->lent || atomic_load_explicit (&identity->ended, memory_order_relaxed))
        return 0;
    int rc = zanni__route_about (worker, identity, ZANNI_RECORD_RETAIN, 0, false);
    remote->lent = !rc;
    return rc;
}
