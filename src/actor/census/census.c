/* A census sees what threads other than an actor's own may see: the workers under the node's lock, and the actors in the table
   of exports under its. So actors that no other node has ever heard of are counted, and not listed: their lists are their
   workers' own. Whoever has a reference to any actor of the node may ask, for no right comes with the answer. */

#include "census.h"

#include "../remote/nodes.h"

static bool
s_is_alive (const zanni__identity_t *identity)
{
    return !atomic_load_explicit (&identity->ended, memory_order_relaxed);
}

/* An alias may stand for an actor that is known by another number, too; it is one more way in, and listed as such. */
static int
s_list_actors (zanni_list_t *list, zanni_node_t *node)
{
    int rc = 0;
    uint32_t left = ZANNI__CENSUS_MOST;
    pthread_mutex_lock (&node->exports_lock);
    for (uint32_t i = 0; i < node->exports.size; i++)
        for (zanni__entry_t *entry = node->exports.buckets [i]; entry && left && !rc; entry = entry->next) {
            const zanni__export_t *export = (const zanni__export_t *) (void *) entry;
            const zanni__identity_t *identity = export->identity;
            if (!s_is_alive (identity))
                continue;
            const char *class_name = zanni_ref_class (&identity->self);
            uint32_t queued = atomic_load_explicit (&identity->queued, memory_order_relaxed);
            rc = zanni_list_append (list, ZANNI_LIST (export->id, class_name, identity->worker->name, queued));
            left--;
        }
    pthread_mutex_unlock (&node->exports_lock);
    return rc;
}

static int
s_list_workers (zanni_list_t *list, zanni_node_t *node)
{
    int rc = 0;
    pthread_mutex_lock (&node->lock);
    for (uint32_t i = 0; i < node->workers_size && !rc; i++) {
        const zanni_worker_t *worker = node->workers [i];
        if (worker && worker->kind != ZANNI__WORKER_CONTROL)
            rc = zanni_list_append (list, ZANNI_LIST (worker->name, atomic_load_explicit (&worker->counts.actors,
                                                                                          memory_order_relaxed)));
    }
    pthread_mutex_unlock (&node->lock);
    return rc;
}

static int
s_reply (zanni_t *self, zanni_msg_t *msg, zanni_list_t *workers, zanni_list_t *actors, zanni_list_t *offers)
{
    zanni_node_t *node = self->worker->node;
    const zanni_clock_t *clock = &node->clock;
    zanni_stats_t stats;
    int rc = zanni_stats (self, &stats);
    if (rc)
        return rc;
    return zanni_reply (self, msg, node->name, zanni_arg_bytes (node->id, sizeof node->id), (uint32_t) node->pid,
                        clock->wall_ns ? clock->wall_ns (clock->context) : (int64_t) 0,
                        ZANNI_LIST (stats.messages, stats.dead_letters, stats.failed_tells, stats.late_replies,
                                    stats.actors, stats.threads),
                        zanni_list_arg (workers), zanni_list_arg (actors), zanni_list_arg (offers));
}

int
zanni__answer_census (zanni_t *self, zanni_msg_t *msg)
{
    zanni_node_t *node = self->worker->node;
    ZANNI_AUTO (zanni_list_t) workers = NULL;
    ZANNI_AUTO (zanni_list_t) actors = NULL;
    ZANNI_AUTO (zanni_list_t) offers = NULL;
    int rc = zanni_list_new (&workers);
    if (!rc)
        rc = zanni_list_new (&actors);
    if (!rc)
        rc = zanni_list_new (&offers);
    if (!rc)
        rc = s_list_workers (workers, node);
    if (!rc)
        rc = s_list_actors (actors, node);
    if (!rc)
        rc = zanni__offers_list (node, offers);
    return rc ? rc : s_reply (self, msg, workers, actors, offers);
}
