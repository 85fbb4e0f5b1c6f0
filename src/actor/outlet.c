/* Outlets: what a worker's actors send to actors of other workers.

   There is an outlet for every worker that was ever sent to, found by that worker's number; those with something in
   them form a chain. A batch holds the addresses of its items, so that the receiver can fetch the next ones into its
   cache while it takes in the first: a chain through the items would cost it one cache miss after the other.

   Messages that have crossed go home in the same way: whoever has enough free ones answers a batch with as many, as one
   chain. So a stream in one direction allocates nothing, and its memory stays warm.

   A worker number is used again after its worker has ended, so an outlet names the worker that it is for. Sending cannot
   fail: where a batch or the port finds no memory the items wait for the next flush or go the undertaker's way, and those
   for a worker that has ended go to the undertaker. */

#include "worker.h"

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

static void
s_batch_orphan (zanni_batch_t *batch)
{
    zanni_worker_t *from = batch->from;
    for (uint32_t i = 0; i < batch->count; i++) {
        batch->items [i]->next = NULL;
        zanni__node_orphan (from->node, batch->items [i]);
    }
    s_batch_free (batch);
}

/* What was sent to a worker counts as coming until that worker takes it in. */
void
zanni__coming (zanni__item_t *item, int by)
{
    if (item->kind > ZANNI__ASK || !(item->flags & ZANNI__COUNTED))
        return;
    zanni__identity_t *to = zanni__item_to (item);
    atomic_fetch_add_explicit (&to->coming, (uint32_t) by, memory_order_relaxed);
    atomic_fetch_add_explicit (&to->coming_bytes, (uint64_t) ((int64_t) item->weight * by), memory_order_relaxed);
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

/* Gives one outlet's batch to the port; what the port refuses for good goes to the undertaker. */
static bool
s_emit (zanni_worker_t *worker, zanni__outlet_t *outlet)
{
    zanni_batch_t *batch = outlet->batch;
    zanni_node_t *node = worker->node;
    int rc = ZANNI_ECLOSED;
    /* acquire pairs with the release at the end of the worker: whoever sees it closed sees it ended. */
    if (worker->port && !atomic_load_explicit (&outlet->to->closed, memory_order_acquire)) {
        atomic_fetch_add_explicit (&node->batches, 1, memory_order_relaxed);
        rc = node->port->post (worker->port, outlet->to, batch);
        if (rc)
            atomic_fetch_sub_explicit (&node->batches, 1, memory_order_release);
    }
    if (rc == ZANNI_ENOMEM)
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
        outlet->next = worker->dirty;
        worker->dirty = to->number + 1;
    }
    return outlet;
}

void
zanni__post (zanni_worker_t *worker, zanni_worker_t *to, zanni__item_t *item)
{
    zanni__coming (item, 1);
    zanni__outlet_t *outlet = s_outlet (worker, to);
    if (!outlet || outlet->batch->count == ZANNI__BATCH_ITEMS) {   // no memory: the undertaker posts it, or buries it
        item->next = NULL;
        zanni__node_orphan (worker->node, item);
        return;
    }
    outlet->batch->items [outlet->batch->count++] = item;
    if (outlet->batch->count == ZANNI__BATCH_ITEMS)
        zanni__flush (worker);
}

void
zanni__flush (zanni_worker_t *worker)
{
    uint32_t at = worker->dirty;
    worker->dirty = 0;
    while (at) {
        zanni__outlet_t *outlet = &worker->outlets [at - 1];
        uint32_t next = outlet->next;
        if (outlet->batch && !s_emit (worker, outlet)) {
            outlet->next = worker->dirty;
            worker->dirty = at;
        }
        at = next;
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
    zanni__free (worker->outlets);
    worker->outlets = NULL;
    worker->outlets_size = 0;
    worker->dirty = 0;
}

/* Free messages as one item: the first names the last, so that the chain is taken in at one stroke. */
static void
s_send_memory_home (zanni_worker_t *worker, zanni_worker_t *home, uint32_t count)
{
    if (worker->free_count < ZANNI__FREE_ENOUGH + count || atomic_load_explicit (&home->closed, memory_order_relaxed))
        return;
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
        zanni__free (first);
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
    for (uint32_t i = 0; i < count; i++) {
        if (i + ahead < count)
            s_fetch (batch->items [i + ahead]);
        zanni__coming (batch->items [i], -1);
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
