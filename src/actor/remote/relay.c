/* Relays: asks, spawns and monitors of actors whom the other node cannot answer itself: those of other workers, where only
   this one has a session with it, since it dialled us or is of another host; and those of third nodes, which it knows by an
   alias. Ids belong to the worker that made them, so here they get another, which no id of a pending thing ever reaches;
   the answer is taken back to the asker as if its receiver were on this worker. A tell needs nothing of this.

   What is never answered, since its asker's deadline has passed, is found when there are twice as many. */

#include "remote.h"

#include "../answer.h"
#include "../pending.h"

#include "../../base/memory.h"

#define S_FIRST (UINT64_C (1) << 62)
#define S_SWEEP_LEAST 256
#define S_GRACE_NS INT64_C (1000000000)   // behind a deadline: an answer may be under way

static void
s_free (zanni__relayed_t *relayed)
{
    zanni__identity_unref (relayed->from);
    zanni__identity_unhold (relayed->to);
    zanni__free (relayed);
}

void
zanni__relay_end (zanni_worker_t *worker, zanni__relayed_t *relayed)
{
    if (!relayed)
        return;
    zanni__table_remove (&worker->remotes->relayed, &relayed->entry);
    s_free (relayed);
}

/* Calls for each, which may end it. */
static void
s_each (zanni_worker_t *worker, void (*fn) (zanni_worker_t *worker, zanni__relayed_t *relayed, void *context), void *context)
{
    const zanni__table_t *table = &worker->remotes->relayed;
    for (uint32_t i = 0; i < table->size; i++) {
        zanni__entry_t *next;
        for (zanni__entry_t *entry = table->buckets [i]; entry; entry = next) {
            next = entry->next;
            fn (worker, (zanni__relayed_t *) (void *) entry, context);
        }
    }
}

static void
s_end_late (zanni_worker_t *worker, zanni__relayed_t *relayed, void *context)
{
    (void) context;
    if (relayed->due_ns <= worker->now_ns)
        zanni__relay_end (worker, relayed);
}

static void
s_sweep (zanni_worker_t *worker)
{
    zanni__remotes_t *remotes = worker->remotes;
    if (remotes->relayed.count < remotes->relay_sweep_at)
        return;
    s_each (worker, s_end_late, NULL);
    remotes->relay_sweep_at = remotes->relayed.count * 2 > S_SWEEP_LEAST ? remotes->relayed.count * 2 : S_SWEEP_LEAST;
}

int
zanni__relay_new (zanni_worker_t *worker, const zanni_msg_t *msg, uint64_t *number)
{
    zanni__remotes_t *remotes = worker->remotes;
    s_sweep (worker);
    zanni__relayed_t *relayed = zanni__malloc (sizeof *relayed);
    if (!relayed)
        return ZANNI_ENOMEM;
    bool ends = msg->item.kind == ZANNI__ASK && msg->deadline_ns < INT64_MAX - S_GRACE_NS;
    *relayed = (zanni__relayed_t) {
        .number = S_FIRST | (msg->id & ZANNI__TICKETED) | ++remotes->relay_serial, .from = msg->from, .to = msg->to, .id = msg->id,
        .due_ns = ends ? msg->deadline_ns + S_GRACE_NS : INT64_MAX, .monitors = msg->item.kind == ZANNI__MONITOR,
        .starts = msg->item.kind == ZANNI__START
    };
    zanni__identity_ref (relayed->from);
    zanni__identity_hold (relayed->to);
    if (!zanni__table_put (&remotes->relayed, &relayed->entry, zanni__spread (relayed->number))) {
        s_free (relayed);
        return ZANNI_ENOMEM;
    }
    *number = relayed->number;
    return 0;
}

zanni__relayed_t *
zanni__relay_find (zanni_worker_t *worker, uint64_t number)
{
    zanni__entry_t *entry = zanni__table_find (&worker->remotes->relayed, zanni__spread (number));
    return (zanni__relayed_t *) (void *) entry;
}

typedef struct {
    const zanni_msg_t *msg;
    zanni__relayed_t *found;
} s_search_t;

bool
zanni__same_asker (const zanni__identity_t *asker, const zanni__identity_t *by)
{
    return asker == by || (asker->elsewhere && by->elsewhere && asker->worker == by->worker
                           && asker->as.remote->serial == by->as.remote->serial);
}

/* Whoever it was for at first: it may have been forwarded. */
static void
s_compare (zanni_worker_t *worker, zanni__relayed_t *relayed, void *context)
{
    (void) worker;
    s_search_t *search = context;
    if (relayed->id == search->msg->id && zanni__same_asker (relayed->from, search->msg->from))
        search->found = relayed;
}

zanni__relayed_t *
zanni__relay_of (zanni_worker_t *worker, const zanni_msg_t *msg)
{
    s_search_t search = { msg, NULL };
    s_each (worker, s_compare, &search);
    return search.found;
}

zanni_msg_t *
zanni__relay_answer (zanni_worker_t *worker, const zanni__relayed_t *relayed, zanni__kind_t kind)
{
    zanni_msg_t *msg = zanni__msg_new (worker);
    if (!msg)
        return NULL;
    msg->item.kind = (uint8_t) kind;
    msg->to = relayed->from;
    msg->id = relayed->id;
    zanni__msg_set_from (worker, msg, relayed->to, relayed->from->worker);
    zanni__hold_to (msg);
    return msg;
}

typedef struct {
    const zanni_peer_t *peer;
    zanni__entry_t *failed;   // by entry.next
} s_failure_t;

static void
s_take_failed (zanni_worker_t *worker, zanni__relayed_t *relayed, void *context)
{
    s_failure_t *failure = context;
    if (relayed->to->as.remote->peer != failure->peer)
        return;
    zanni__table_remove (&worker->remotes->relayed, &relayed->entry);
    relayed->entry.next = failure->failed;
    failure->failed = &relayed->entry;
}

/* Monitors end with their stand-in. What is sent may end others, so all that fail are taken out first. */
void
zanni__relays_fail (zanni_worker_t *worker, const zanni_peer_t *peer, const zanni__answer_t *asks,
                    const zanni__answer_t *starts)
{
    s_failure_t failure = { .peer = peer };
    s_each (worker, s_take_failed, &failure);
    while (failure.failed) {
        zanni__relayed_t *relayed = (zanni__relayed_t *) (void *) failure.failed;
        failure.failed = failure.failed->next;
        const zanni__answer_t *why = relayed->starts ? starts : asks;
        zanni_msg_t *msg = relayed->monitors ? NULL : zanni__relay_answer (worker, relayed, ZANNI__ERROR);
        s_free (relayed);
        if (!msg)
            continue;   // the asker's deadline ends it
        zanni__error_fill (msg, why->code, why->text);
        zanni__send (worker, msg->to->worker, &msg->item);
    }
}

static void
s_end (zanni_worker_t *worker, zanni__relayed_t *relayed, void *context)
{
    (void) context;
    zanni__relay_end (worker, relayed);
}

void
zanni__relays_free (zanni_worker_t *worker)
{
    s_each (worker, s_end, NULL);
    zanni__table_free (&worker->remotes->relayed);
}
