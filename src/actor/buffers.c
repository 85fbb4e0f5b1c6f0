/* Buffers that belong to a node: pooled ones come from its region, wrapped ones go back to the worker that lent them. */

#include "worker.h"

#include "../message/buffer.h"

int
zanni_buffer_new (zanni_t *self, zanni_buffer_t **buffer_p, size_t size)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_node_t *node = self->worker->node;
    return buffer_p ? zanni__buffer_new (buffer_p, node->region_ops, node->region, size) : ZANNI_EINVAL;
}

/* The last user of a wrapped buffer is done, on whatever thread. */
static void
s_send_home (zanni_buffer_t *buffer)
{
    zanni_worker_t *home = buffer->home;
    bool gone = atomic_load_explicit (&home->closed, memory_order_acquire);
    if (gone || home->thread == zanni__thread_token) {
        zanni__buffer_finish (buffer);
        zanni_worker_drop (home);
        return;
    }
    buffer->item = (zanni__item_t) { .kind = ZANNI__BUFFER };
    zanni__node_orphan (home->node, &buffer->item);
}

/* It has arrived there, or never will. */
void
zanni__buffer_home (zanni_buffer_t *buffer)
{
    zanni_worker_t *home = buffer->home;
    zanni__buffer_finish (buffer);
    zanni_worker_drop (home);
}

int
zanni_buffer_wrap (zanni_t *self, zanni_buffer_t **buffer_p, void *data, size_t size, zanni_buffer_free_fn *release,
                   void *hint)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!buffer_p || (size && !data))
        return ZANNI_EINVAL;
    zanni_buffer_t *buffer;
    rc = zanni__buffer_wrap (&buffer, data, size, release, hint);
    if (rc)
        return rc;
    if (release) {
        zanni_worker_hold (self->worker);
        buffer->home = self->worker;
        buffer->send_home = s_send_home;
    }
    *buffer_p = buffer;
    return 0;
}
