/* The end of a node: phases with deadlines, within options.shutdown_ms in all.

   1. Nothing new: no spawn, no attached thread, no further worker. What actors have begun goes on.
   2. Every worker but the root's is told to end. It stops its actors, whose stop hooks run; its sessions close when what was
      said last has been acknowledged. Three quarters of the time are for that. Then the log names who is still there, and
      what it is in.
   3. What is left is killed: processes from outside, actors without their stop hooks, as soon as their worker gets to it. A
      thread that is in the program's code cannot be ended: at seven eighths of the time it is abandoned, and named.
   4. The root's own actors stop and its sessions close, and the control thread is joined: what is left of the time, for
      which those that were stuck leave an eighth.

   Whoever ends waits for acknowledgements of what it said, some of which the root has to give: so that goes on looking,
   though it handles nothing any more. */

#include "make.h"

#include "../actor/remote/nodes.h"
#include "../base/rundir.h"

#include <inttypes.h>

#define S_FINISH_NS 1000000   // between two looks while threads and processes end

static int64_t
s_share (const zanni_node_t *node, int64_t eighths)
{
    return (int64_t) node->options.shutdown_ms * 1000000 / 8 * eighths;
}

/* Waits until all have ended, but not beyond `until_ns`; answers how many have not. */
static int
s_wait (zanni_node_t *node, void *place, int64_t until_ns)
{
    int left = 1;
    int64_t now_ns = zanni__node_now (node);
    while (left && now_ns < until_ns) {
        int64_t wait_ns = until_ns - now_ns > S_FINISH_NS ? now_ns + S_FINISH_NS : until_ns;
        left = node->place->finish (place, until_ns + 1, wait_ns);   // beyond that: it does not kill yet
        zanni__worker_look (node->root);
        now_ns = zanni__node_now (node);
    }
    return left;
}

/* Which workers are still there, under the node's lock for a moment each: the log is the program's. */
static zanni_worker_t *
s_next_living (zanni_node_t *node, uint32_t *number)
{
    zanni_worker_t *found = NULL;
    pthread_mutex_lock (&node->lock);
    while (!found && *number < node->workers_size) {
        zanni_worker_t *worker = node->workers [(*number)++];
        if (worker && worker != node->root && worker->kind != ZANNI__WORKER_CONTROL && !zanni_worker_ended (worker))
            found = worker;
    }
    if (found)
        zanni_worker_hold (found);
    pthread_mutex_unlock (&node->lock);
    return found;
}

static void
s_name_living (zanni_node_t *node, int64_t since_ns)
{
    uint32_t number = 0;
    zanni_worker_t *worker;
    char text [200];
    int64_t after_ms = (zanni__node_now (node) - since_ns) / 1000000;
    while ((worker = s_next_living (node, &number))) {
        zanni__log (node, ZANNI_LOG_WARNING, "shutdown: %s has not ended after %" PRId64 " ms: %s", worker->name, after_ms,
                    zanni_worker_doing (worker, text, sizeof text));
        zanni_worker_drop (worker);
    }
}

/* Phases 2 and 3. Answers how many threads are abandoned. */
static int
s_finish (zanni_node_t *node, void *place)
{
    int64_t begun_ns = zanni__node_now (node);
    int64_t stop_ns = begun_ns + s_share (node, 6);
    int64_t kill_ns = begun_ns + s_share (node, 7);
    atomic_store_explicit (&node->stop_until_ns, stop_ns, memory_order_relaxed);
    if (!s_wait (node, place, stop_ns))
        return 0;
    s_name_living (node, begun_ns);
    int left = node->place->finish (place, stop_ns, stop_ns);
    return left ? s_wait (node, place, kill_ns) : 0;
}

/* Phase 4. */
static void
s_end_root (zanni_node_t *node, int64_t end_ns)
{
    int64_t now_ns = zanni__node_now (node);
    int64_t until_ns = end_ns - now_ns > s_share (node, 1) ? end_ns : now_ns + s_share (node, 1);
    for (uint32_t i = 0; i < node->options.workers; i++)
        if (node->pool [i])
            zanni_worker_drop (node->pool [i]);
    atomic_store_explicit (&node->stop_until_ns, until_ns, memory_order_relaxed);
    zanni__worker_close (node->root);
}

/* The undertaker is the root again once its thread has ended. */
static void
s_end_place (zanni_node_t *node, void *place, int64_t end_ns)
{
    int64_t now_ns = zanni__node_now (node);
    zanni_worker_t *undertaker = node->undertaker;
    node->place->close (place, end_ns - now_ns > s_share (node, 1) ? end_ns : now_ns + s_share (node, 1));
    atomic_store_explicit (&node->place_handle, NULL, memory_order_release);
    zanni_worker_drop (undertaker);
}

int
zanni__node_destroy (zanni_node_t *node)
{
    zanni_worker_t *root = node->root;
    int stuck = 0;
    int64_t end_ns = zanni__node_now (node) + s_share (node, 8);
    pthread_mutex_lock (&node->lock);
    node->ending = true;
    pthread_mutex_unlock (&node->lock);
    atomic_store_explicit (&node->stop_until_ns, end_ns, memory_order_relaxed);
    void *place = atomic_load_explicit (&node->place_handle, memory_order_acquire);
    if (place)
        stuck = s_finish (node, place);
    s_end_root (node, end_ns);
    pthread_mutex_lock (&node->lock);
    node->settling = true;
    pthread_mutex_unlock (&node->lock);
    if (place)
        s_end_place (node, place, end_ns);
    node->undertaker = root;
    while (atomic_load_explicit (&node->orphans, memory_order_acquire)) {
        zanni__bury_orphans (root);
        zanni__flush (root);
    }
    zanni__outlets_free (root);
    if (node->subscriber)
        zanni__identity_unref (node->subscriber);
    node->subscriber = NULL;
    zanni__offers_free (node);   // who is offered holds the node, by its worker
    zanni__lease_destroy (&node->lease);
    zanni_worker_drop (root);
    return stuck ? ZANNI_ESTUCK : 0;
}

int
zanni_destroy (zanni_t **self_p)
{
    if (!self_p || !*self_p)
        return 0;
    zanni_t *self = *self_p;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_worker_t *worker = self->worker;
    if (!self->identity->pinned || worker->blocking || self->identity->busy & ZANNI__IN_TURN || worker->corked)
        return ZANNI_EOWNER;
    *self_p = NULL;
    if (worker->kind == ZANNI__WORKER_ROOT)
        return zanni__node_destroy (worker->node);
    zanni__worker_close (worker);
    zanni_worker_drop (worker);
    return 0;
}
