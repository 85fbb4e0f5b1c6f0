/* Outlets: what a worker's actors send to actors of other workers.

   There is an outlet for every worker that was ever sent to, found by that worker's number; those with something in
   them form a chain. A batch is one allocation for many items, and the items need none, being linked through
   themselves. A worker number is used again after its worker has ended, so an outlet names the worker that it is for.

   Sending cannot fail: where a batch or the port finds no memory the items wait for the next flush, and those for a
   worker that has ended go to the undertaker. */

#include "worker.h"

#include "../base/memory.h"

static zanni_batch_t *
s_batch_new (zanni_node_t *node)
{
    zanni_batch_t *batch = zanni__malloc (sizeof *batch);
    if (!batch)
        return NULL;
    *batch = (zanni_batch_t) { .node = node };
    zanni__node_ref (node);
    return batch;
}

static void
s_batch_free (zanni_batch_t *batch)
{
    zanni_node_t *node = batch->node;
    zanni__free (batch);
    zanni__node_unref (node);
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
    if (rc) {
        zanni__node_orphan (node, zanni__queue_take (&batch->items));
        s_batch_free (batch);
    }
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
        outlet->batch = s_batch_new (worker->node);
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
    if (!outlet) {   // no memory for a batch: the undertaker posts it, or buries it
        item->next = NULL;
        zanni__node_orphan (worker->node, item);
        return;
    }
    zanni__queue_push (&outlet->batch->items, item);
    if (++outlet->batch->count >= ZANNI__BATCH_ITEMS && worker->corked)
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
        if (outlet->batch) {
            zanni__node_orphan (worker->node, zanni__queue_take (&outlet->batch->items));
            s_batch_free (outlet->batch);
        }
        if (outlet->to)
            zanni_worker_drop (outlet->to);
    }
    zanni__free (worker->outlets);
    worker->outlets = NULL;
    worker->outlets_size = 0;
    worker->dirty = 0;
}

void
zanni_worker_deliver (zanni_worker_t *worker, zanni_batch_t *batch)
{
    atomic_fetch_sub_explicit (&worker->node->batches, 1, memory_order_release);
    zanni__item_t *next;
    for (zanni__item_t *item = zanni__queue_take (&batch->items); item; item = next) {
        next = item->next;
        zanni__coming (item, -1);
        zanni__deliver (worker, item);
    }
    s_batch_free (batch);
}

void
zanni_batch_undelivered (zanni_batch_t *batch)
{
    zanni_node_t *node = batch->node;
    zanni__node_orphan (node, zanni__queue_take (&batch->items));
    atomic_fetch_sub_explicit (&node->batches, 1, memory_order_release);
    s_batch_free (batch);
}
