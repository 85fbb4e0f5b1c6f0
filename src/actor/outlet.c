/* Outlets: what a worker's actors send to actors of other workers.

   There is an outlet for every worker that was ever sent to, found by that worker's number; those with something in
   them form a chain. A batch holds the addresses of its items, so that the receiver can fetch the next ones into its
   cache while it takes in the first: a chain through the items would cost it one cache miss after the other.

   Messages that have crossed go home in the same way: whoever has enough free ones answers a batch with as many, as one
   chain. So a stream in one direction allocates nothing, and its memory stays warm. A worker whose owner only sends and
   never looks takes nothing in, so only so many chains are sent to it; what is over stays with the receiver.

   A worker number is used again after its worker has ended, so an outlet names the worker that it is for. Sending cannot
   fail: where a batch or the port finds no memory the items wait for the next flush, and those for a worker that has
   ended go to the undertaker. Nothing overtakes: a reference's drop that came before what was sent through it would free
   whom that is for. So while one item is without a batch, whatever is posted later queues behind it. */

#include "envelope.h"

#include "../base/memory.h"

static zanni_batch_t *
s_batch_new (zanni_worker_t *worker)
{
    zanni_batch_t *batch = worker->free_batches;
    if (batch) {
        worker->free_batches = batch->next;
        worker->free_batches_count--;
    }
    else {
        batch = zanni__malloc (sizeof *batch);
        if (!batch)
            return NULL;
    }
    zanni_worker_hold (worker);
    batch->from = worker;
    batch->count = 0;
    return batch;
}

static void
s_batch_free (zanni_batch_t *batch)
{
    zanni_worker_t *from = batch->from;
    zanni__free (batch);
    zanni_worker_drop (from);
}

/* A batch that was taken in stays with the worker that took it, up to a few. */
static void
s_batch_recycle (zanni_worker_t *worker, zanni_batch_t *batch)
{
    if (worker->free_batches_count >= ZANNI__FREE_BATCHES) {
        s_batch_free (batch);
        return;
    }
    zanni_worker_t *from = batch->from;
    batch->next = worker->free_batches;
    worker->free_batches = batch;
    worker->free_batches_count++;
    zanni_worker_drop (from);
}

/* What has been gathered about a run of messages for one actor, or from one: neighbours in a batch mostly have both in
   common, and each atomic addition to a line that another worker writes costs more than the rest of the way. */
typedef struct {
    zanni__identity_t *identity;
    uint32_t count;
    uint64_t bytes;
} s_run_t;

static void
s_add_coming (zanni__identity_t *to, uint32_t count, uint64_t bytes)
{
    atomic_fetch_add_explicit (&to->coming, count, memory_order_relaxed);
    atomic_fetch_add_explicit (&to->coming_bytes, bytes, memory_order_relaxed);
}

static inline bool
s_counts (const zanni__item_t *item)
{
    return item->kind <= ZANNI__ASK && item->flags & ZANNI__COUNTED;
}

/* What was not used of a credit. */
static void
s_give_back (zanni__outlet_t *outlet)
{
    if (outlet->admits)
        s_add_coming (outlet->admits, 0 - outlet->credit, 0 - outlet->credit_bytes);
    outlet->admits = NULL;
    outlet->credit = 0;
    outlet->credit_bytes = 0;
}

/* A message counts as coming until its receiver's worker takes it in. Where there is room for many, as many are counted
   at once as go into a batch, and the rest is given back with it: the receiver's counts lie in a line that its worker
   writes all the time. */
static void
s_count (zanni__outlet_t *outlet, zanni__item_t *item)
{
    zanni__identity_t *to = zanni__item_to (item);
    if (outlet->admits == to && outlet->credit && outlet->credit_bytes >= item->weight) {
        outlet->credit--;
        outlet->credit_bytes -= item->weight;
        return;
    }
    uint64_t room = 0;
    s_give_back (outlet);
    if (zanni__room_of (to, &room) && room > 8 * ZANNI__BATCH_ITEMS && item->weight <= to->limit_bytes / 4) {
        outlet->admits = to;
        outlet->credit = ZANNI__BATCH_ITEMS - 1;
        outlet->credit_bytes = to->limit_bytes / 64;
    }
    s_add_coming (to, 1 + outlet->credit, item->weight + outlet->credit_bytes);
}

static void
s_taken_in (const zanni_batch_t *batch)
{
    s_run_t run = { NULL, 0, 0 };
    for (uint32_t i = 0; i < batch->count; i++) {
        zanni__item_t *item = batch->items [i];
        if (!s_counts (item))
            continue;
        zanni__identity_t *to = zanni__item_to (item);
        if (to != run.identity) {
            if (run.count)
                s_add_coming (run.identity, 0 - run.count, 0 - run.bytes);
            run = (s_run_t) { to, 0, 0 };
        }
        run.count++;
        run.bytes += item->weight;
    }
    if (run.count)
        s_add_coming (run.identity, 0 - run.count, 0 - run.bytes);
}

/* An orphan that is to be posted once more. */
void
zanni__uncount_coming (zanni__item_t *item)
{
    if (s_counts (item))
        s_add_coming (zanni__item_to (item), UINT32_MAX, 0 - (uint64_t) item->weight);
}

/* A run of messages from one actor of this worker: its holds on their sender become such as other threads can drop. */
static void
s_end_leaving (s_run_t *run)
{
    if (!run->count)
        return;
    atomic_fetch_add_explicit (&run->identity->refs, run->count, memory_order_relaxed);
    run->identity->holds -= run->count - 1;
    zanni__identity_unhold (run->identity);
}

static void
s_leave (s_run_t *run, zanni__item_t *item)
{
    if (item->kind > ZANNI__ASK || item->flags & ZANNI__REMOTE)
        return;
    zanni__identity_t *from = ((zanni_msg_t *) (void *) item)->from;
    if (from != run->identity) {
        s_end_leaving (run);
        *run = (s_run_t) { from, 0, 0 };
    }
    run->count++;
    item->flags |= ZANNI__REMOTE;
}

static void
s_leave_all (const zanni_batch_t *batch)
{
    s_run_t run = { NULL, 0, 0 };
    for (uint32_t i = 0; i < batch->count; i++)
        s_leave (&run, batch->items [i]);
    s_end_leaving (&run);
}

/* On the thread of the worker that the items come from, or after they have left it. */
static void
s_batch_orphan (zanni_batch_t *batch)
{
    zanni_worker_t *from = batch->from;
    s_leave_all (batch);
    for (uint32_t i = 0; i < batch->count; i++) {
        batch->items [i]->next = NULL;
        zanni__node_orphan (from->node, batch->items [i]);
    }
    s_batch_free (batch);
}

static bool
s_grow (zanni_worker_t *worker, uint32_t number)
{
    if (number < worker->outlets_size)
        return true;
    uint32_t size = number + 8;
    zanni__outlet_t *outlets = zanni__realloc (worker->outlets, size * sizeof *outlets);
    if (!outlets)
        return false;
    memset (outlets + worker->outlets_size, 0, (size - worker->outlets_size) * sizeof *outlets);
    worker->outlets = outlets;
    worker->outlets_size = size;
    return true;
}

/* Posts unless the receiver is about to end: see its `posting`. */
static int
s_port_post (zanni_worker_t *worker, zanni_worker_t *to, zanni_batch_t *batch)
{
    zanni_node_t *node = worker->node;
    int rc = ZANNI_ECLOSED;
    if (!worker->port)
        return rc;
    atomic_fetch_add (&to->posting, 1);
    if (!atomic_load (&to->refusing)) {
        atomic_fetch_add_explicit (&node->batches, 1, memory_order_relaxed);
        rc = node->port->post (worker->port, to, batch);
        if (rc)
            atomic_fetch_sub_explicit (&node->batches, 1, memory_order_release);
    }
    atomic_fetch_sub_explicit (&to->posting, 1, memory_order_release);
    return rc;
}

/* Gives one outlet's batch to the port; what is for a worker that ends goes to the undertaker. Whatever else the port
   lacks, the batch waits. */
static bool
s_emit (zanni_worker_t *worker, zanni__outlet_t *outlet)
{
    zanni_batch_t *batch = outlet->batch;
    s_leave_all (batch);
    s_give_back (outlet);
    int rc = s_port_post (worker, outlet->to, batch);
    if (rc && rc != ZANNI_ECLOSED)
        return false;
    outlet->batch = NULL;
    if (rc)
        s_batch_orphan (batch);
    return true;
}

static zanni__outlet_t *
s_outlet (zanni_worker_t *worker, zanni_worker_t *to)
{
    if (!s_grow (worker, to->number))
        return NULL;
    zanni__outlet_t *outlet = &worker->outlets [to->number];
    if (outlet->to != to) {
        if (outlet->batch && !s_emit (worker, outlet))
            return NULL;
        zanni_worker_hold (to);
        if (outlet->to)
            zanni_worker_drop (outlet->to);
        outlet->to = to;
    }
    if (!outlet->batch) {
        outlet->batch = s_batch_new (worker);
        if (!outlet->batch)
            return NULL;
        if (!worker->dirty)
            worker->dirty_ns = worker->now_ns;
        if (!outlet->listed) {
            outlet->next = worker->dirty;
            worker->dirty = to->number + 1;
            outlet->listed = true;
        }
    }
    return outlet;
}

/* Into the batch for its worker; false: there is no memory for one. */
static bool
s_put (zanni_worker_t *worker, zanni_worker_t *to, zanni__item_t *item)
{
    zanni__outlet_t *outlet = s_outlet (worker, to);
    if (!outlet || outlet->batch->count == ZANNI__BATCH_ITEMS)
        return false;
    if (s_counts (item))
        s_count (outlet, item);
    outlet->batch->items [outlet->batch->count++] = item;
    return true;
}

static void
s_emit_all (zanni_worker_t *worker)
{
    uint32_t at = worker->dirty;
    worker->dirty = 0;
    while (at) {
        zanni__outlet_t *outlet = &worker->outlets [at - 1];
        uint32_t next = outlet->next;
        outlet->listed = false;
        if (outlet->batch && !s_emit (worker, outlet)) {
            outlet->next = worker->dirty;
            worker->dirty = at;
            outlet->listed = true;
        }
        at = next;
    }
}

static void
s_unstall (zanni_worker_t *worker)
{
    zanni__item_t *item;
    bool more = true;
    while (more && (item = worker->stalled.head)) {
        zanni__item_t *next = item->next;
        more = s_put (worker, zanni__item_home (item), item);
        if (more)
            worker->stalled.head = next;
        else if (worker->dirty) {   // its batch may be full
            s_emit_all (worker);
            more = s_put (worker, zanni__item_home (item), item);
            if (more)
                worker->stalled.head = next;
        }
    }
}

static __attribute__ ((noinline)) void
s_stall (zanni_worker_t *worker, zanni_worker_t *to, zanni__item_t *item)
{
    if (item->kind == ZANNI__MEMORY) {   // it may as well stay here
        atomic_fetch_sub_explicit (&to->homebound, 1, memory_order_relaxed);
        zanni__memory_home (worker, (zanni_msg_t *) (void *) item);
        return;
    }
    zanni__queue_push (&worker->stalled, item);
}

void
zanni__post (zanni_worker_t *worker, zanni_worker_t *to, zanni__item_t *item)
{
    if (__builtin_expect (worker->stalled.head != NULL, 0) || !s_put (worker, to, item)) {
        s_stall (worker, to, item);
        return;
    }
    if (worker->outlets [to->number].batch->count == ZANNI__BATCH_ITEMS)
        zanni__flush (worker);
}

void
zanni__flush (zanni_worker_t *worker)
{
    s_emit_all (worker);
    if (worker->link_dirty) {
        worker->link_dirty = false;
        zanni__credit (worker);   // an answer says, too, how much room there is again
        worker->node->link->flush (worker->link);
    }
    if (__builtin_expect (worker->stalled.head != NULL, 0)) {
        s_unstall (worker);
        s_emit_all (worker);
    }
}

void
zanni__outlets_free (zanni_worker_t *worker)
{
    for (uint32_t i = 0; i < worker->outlets_size; i++) {
        zanni__outlet_t *outlet = &worker->outlets [i];
        if (outlet->batch)
            s_batch_orphan (outlet->batch);
        if (outlet->to)
            zanni_worker_drop (outlet->to);
    }
    zanni__item_t *item;
    while ((item = zanni__queue_pop (&worker->stalled))) {
        s_run_t run = { NULL, 0, 0 };
        s_leave (&run, item);
        s_end_leaving (&run);
        item->next = NULL;
        zanni__node_orphan (worker->node, item);
    }
    zanni__free (worker->outlets);
    worker->outlets = NULL;
    worker->outlets_size = 0;
    worker->dirty = 0;
}

/* Free messages as one item: the first names the last, so that the chain is taken in at one stroke. */
static void
s_send_memory_home (zanni_worker_t *worker, zanni_worker_t *home, uint32_t count)
{
    if (worker->free_count < ZANNI__FREE_ENOUGH + count || atomic_load_explicit (&home->closed, memory_order_relaxed)
        || atomic_load_explicit (&home->homebound, memory_order_relaxed) >= ZANNI__HOMEBOUND)
        return;
    atomic_fetch_add_explicit (&home->homebound, 1, memory_order_relaxed);
    zanni_msg_t *first = worker->free_messages;
    zanni_msg_t *last = first;
    for (uint32_t i = 1; i < count; i++)
        last = (zanni_msg_t *) (void *) last->item.next;
    worker->free_messages = (zanni_msg_t *) (void *) last->item.next;
    worker->free_count -= count;
    last->item.next = NULL;
    first->item.kind = ZANNI__MEMORY;
    first->item.weight = count;
    first->from = (zanni__identity_t *) (void *) last;
    first->to = (zanni__identity_t *) (void *) first->item.next;   // the rest: an item travels alone
    zanni__post (worker, home, &first->item);
}

void
zanni__memory_home (zanni_worker_t *worker, zanni_msg_t *first)
{
    zanni_msg_t *last = (zanni_msg_t *) (void *) first->from;
    first->item.next = (zanni__item_t *) (void *) first->to;
    if (worker->free_count + first->item.weight <= ZANNI__FREE_MESSAGES) {
        worker->free_count += first->item.weight;
        last->item.next = (zanni__item_t *) (void *) worker->free_messages;
        worker->free_messages = first;
        return;
    }
    while (first) {
        zanni_msg_t *next = (zanni_msg_t *) (void *) first->item.next;
        zanni__msg_discard (first);
        first = next;
    }
}

/* What a receiver reads of a message. */
static inline void
s_fetch (const zanni__item_t *item)
{
    const char *at = (const char *) item;
    __builtin_prefetch (at);
    __builtin_prefetch (at + 64);
    __builtin_prefetch (at + 128);
    __builtin_prefetch (at + 192);
}

void
zanni_worker_deliver (zanni_worker_t *worker, zanni_batch_t *batch)
{
    const uint32_t ahead = 8;
    uint32_t count = batch->count;
    bool memory = count == 1 && batch->items [0]->kind == ZANNI__MEMORY;
    atomic_fetch_sub_explicit (&worker->node->batches, 1, memory_order_release);
    for (uint32_t i = 0; i < count && i < ahead; i++)
        s_fetch (batch->items [i]);
    s_taken_in (batch);
    for (uint32_t i = 0; i < count; i++) {
        if (i + ahead < count)
            s_fetch (batch->items [i + ahead]);
        zanni__deliver (worker, batch->items [i]);
    }
    if (!memory && batch->from != worker)
        s_send_memory_home (worker, batch->from, count);
    s_batch_recycle (worker, batch);
}

void
zanni_batch_undelivered (zanni_batch_t *batch)
{
    zanni_worker_t *from = batch->from;
    zanni_worker_hold (from);
    s_batch_orphan (batch);
    atomic_fetch_sub_explicit (&from->node->batches, 1, memory_order_release);
    zanni_worker_drop (from);
}
