/* What comes by this worker's sessions for actors of other workers, and of other nodes, by an alias; and for whomever, if it did
   not come straight from its sender. It counts in the window of its peer as long as the mailbox that it went to is more than
   half full, or that node's window is: whoever has that mailbox tells nobody, so while there is such a debt it is looked
   after once a millisecond. A debt outlives its session, as what the link counts does. */

#include "remote.h"

#include "../../base/memory.h"

#define S_AGAIN_NS 1000000

struct zanni__debt {
    struct zanni__debt *next;
    zanni__identity_t *to;   // with a reference
    zanni_peer_t *peer;      // joined
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
s_find (const zanni__remotes_t *remotes, const zanni_peer_t *peer, const zanni__identity_t *to)
{
    struct zanni__debt *debt = remotes->debts;
    while (debt && (debt->to != to || debt->peer != peer))
        debt = debt->next;
    return debt;
}

static struct zanni__debt *
s_new (zanni_worker_t *worker, zanni_peer_t *peer, zanni__identity_t *to)
{
    const zanni_link_ops_t *link = worker->node->link;
    zanni__remotes_t *remotes = worker->remotes;
    zanni_peer_t *joined;
    struct zanni__debt *debt = zanni__malloc (sizeof *debt);
    if (!debt || link->join (worker->link, peer->endpoint, peer->node, &joined)) {
        zanni__free (debt);
        return NULL;
    }
    if (joined != peer) {   // its session has ended amid this
        link->leave (joined);
        zanni__free (debt);
        return NULL;
    }
    *debt = (struct zanni__debt) { .next = remotes->debts, .to = to, .peer = peer };
    zanni__identity_ref (to);
    remotes->debts = debt;
    worker->debts_ns = worker->now_ns + S_AGAIN_NS;
    return debt;
}

void
zanni__owe (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_msg_t *msg)
{
    uint64_t charge = zanni__charge (peer, msg->item.weight);
    struct zanni__debt *debt = NULL;
    if (!s_has_room (worker, msg->to)) {
        debt = s_find (worker->remotes, peer, msg->to);
        debt = debt ? debt : s_new (worker, peer, msg->to);
    }
    if (debt)
        debt->charge += charge;
    else
        worker->node->link->taken (peer, charge);
}

void
zanni__hand_on (zanni_worker_t *worker, zanni_peer_t *peer, zanni_msg_t *msg)
{
    zanni__owe (worker, peer, msg);
    zanni__hold_to (msg);
    zanni__send (worker, msg->to->worker, &msg->item);
}

static void
s_free (const zanni_worker_t *worker, struct zanni__debt *debt)
{
    zanni__identity_unref (debt->to);
    worker->node->link->leave (debt->peer);
    zanni__free (debt);
}

void
zanni__debts_look (zanni_worker_t *worker)
{
    zanni__remotes_t *remotes = worker->remotes;
    for (struct zanni__debt **at = &remotes->debts; *at;) {
        struct zanni__debt *debt = *at;
        if (!s_has_room (worker, debt->to)) {
            at = &debt->next;
            continue;
        }
        *at = debt->next;
        worker->node->link->taken (debt->peer, debt->charge);
        s_free (worker, debt);
    }
    worker->debts_ns = remotes->debts ? worker->now_ns + S_AGAIN_NS : INT64_MAX;
}

void
zanni__debts_free (zanni_worker_t *worker)
{
    struct zanni__debt *debt;
    while ((debt = worker->remotes->debts)) {
        worker->remotes->debts = debt->next;
        s_free (worker, debt);
    }
}
