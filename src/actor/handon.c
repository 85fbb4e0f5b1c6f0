/* What comes by this worker's sessions for actors of other workers, and of other nodes, by an alias. It counts in the window of its
   peer as long as the mailbox that it went to is more than half full, or that node's window is: whoever has that mailbox
   tells nobody, so while there is such a debt it is looked after once a millisecond. A debt outlives its session, as what
   the link counts does. */

#include "remote.h"

#include "../base/memory.h"

#define S_AGAIN_NS 1000000

struct zanni__debt {
    struct zanni__debt *next;
    zanni__identity_t *to;     // with a reference
    zanni__identity_t *from;   // held: a stand-in, by which the peer is joined
    uint64_t charge;
};

/* Of a stand-in, the window of its own session is asked, where that is this worker's. */
static bool
s_has_room (const zanni_worker_t *worker, const zanni__identity_t *to)
{
    if (to->elsewhere) {
        if (to->worker != worker)
            return zanni__remote_admits (worker, to, 1) != ZANNI_EFULL;
        zanni_peer_t *peer = to->as.remote->peer;
        return !peer || worker->node->link->admits (peer, ZANNI__CHARGE);
    }
    uint64_t count = (uint64_t) atomic_load_explicit (&to->queued, memory_order_relaxed)
                     + atomic_load_explicit (&to->coming, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit (&to->queued_bytes, memory_order_relaxed)
                     + atomic_load_explicit (&to->coming_bytes, memory_order_relaxed);
    return atomic_load_explicit (&to->ended, memory_order_relaxed)
        || (count <= atomic_load_explicit (&to->limit, memory_order_relaxed) / 2 && bytes <= to->limit_bytes / 2);
}

static struct zanni__debt *
s_find (const zanni__remotes_t *remotes, const zanni_msg_t *msg)
{
    struct zanni__debt *debt = remotes->debts;
    while (debt && (debt->to != msg->to || debt->from->as.remote->peer != msg->from->as.remote->peer))
        debt = debt->next;
    return debt;
}

/* false: there is no memory to remember it. */
static bool
s_owe (zanni_worker_t *worker, const zanni_msg_t *msg, uint64_t charge)
{
    zanni__remotes_t *remotes = worker->remotes;
    struct zanni__debt *debt = s_find (remotes, msg);
    if (debt) {
        debt->charge += charge;
        return true;
    }
    debt = zanni__malloc (sizeof *debt);
    if (!debt)
        return false;
    *debt = (struct zanni__debt) { .next = remotes->debts, .to = msg->to, .from = msg->from, .charge = charge };
    zanni__identity_ref (debt->to);
    zanni__identity_hold (debt->from);
    remotes->debts = debt;
    worker->debts_ns = worker->now_ns + S_AGAIN_NS;
    return true;
}

void
zanni__hand_on (zanni_worker_t *worker, zanni_peer_t *peer, zanni_msg_t *msg)
{
    uint64_t charge = zanni__charge (peer, msg->item.weight);
    const zanni__identity_t *from = msg->from;
    bool sent_by_peer = from->elsewhere && from->worker == worker && from->as.remote->peer == peer;
    if (!sent_by_peer || s_has_room (worker, msg->to) || !s_owe (worker, msg, charge))
        worker->node->link->taken (peer, charge);
    zanni__hold_to (msg);
    zanni__send (worker, msg->to->worker, &msg->item);
}

static void
s_free (struct zanni__debt *debt)
{
    zanni__identity_unref (debt->to);
    zanni__identity_unhold (debt->from);
    zanni__free (debt);
}

void
zanni__debts_look (zanni_worker_t *worker)
{
    zanni__remotes_t *remotes = worker->remotes;
    for (struct zanni__debt **at = &remotes->debts; *at;) {
        struct zanni__debt *debt = *at;
        zanni_peer_t *peer = debt->from->as.remote->peer;
        if (peer && !s_has_room (worker, debt->to)) {
            at = &debt->next;
            continue;
        }
        *at = debt->next;
        if (peer)
            worker->node->link->taken (peer, debt->charge);
        s_free (debt);
    }
    worker->debts_ns = remotes->debts ? worker->now_ns + S_AGAIN_NS : INT64_MAX;
}

void
zanni__debts_free (zanni_worker_t *worker)
{
    struct zanni__debt *debt;
    while ((debt = worker->remotes->debts)) {
        worker->remotes->debts = debt->next;
        s_free (debt);
    }
}
