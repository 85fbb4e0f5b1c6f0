/* Buffers that belong to a node: pooled ones come from its region, wrapped ones go back to the worker that lent them. */

#include "worker.h"

#include "../message/buffer.h"

#include <string.h>

int
zanni_buffer_new (zanni_t *self, zanni_buffer_t **buffer_p, size_t size)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_node_t *node = self->worker->node;
    return buffer_p ? zanni__buffer_new (buffer_p, node->region_ops, node->region, size) : ZANNI_EINVAL;
}

static int
s_copy (const zanni_node_t *node, zanni_buffer_t **copy_p, const zanni_buffer_t *buffer)
{
    void *data;
    uint64_t shape [ZANNI_BUFFER_DIMENSIONS];
    zanni_element_t element;
    size_t size = zanni_buffer_size (buffer);
    size_t dimensions = zanni_buffer_array (buffer, &element, shape);
    zanni_buffer_t *copy;
    int rc = zanni__buffer_new (&copy, node->region_ops, node->region, size);
    if (rc)
        return rc;
    rc = zanni_buffer_edit (&data, copy);
    if (!rc && size)
        memcpy (data, zanni_buffer_data (buffer), size);
    if (!rc && dimensions)
        rc = zanni_buffer_set_array (copy, element, dimensions, shape);
    zanni__assert (!rc);   // what one buffer is another of its size can be
    *copy_p = copy;
    return 0;
}

int
zanni_buffer_writable (zanni_t *self, zanni_buffer_t **writable_p, const zanni_buffer_t *buffer)
{
    zanni_buffer_t *same = (zanni_buffer_t *) (uintptr_t) buffer;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!writable_p || !buffer)
        return ZANNI_EINVAL;
    if (!zanni__buffer_unseal (same))
        return s_copy (self->worker->node, writable_p, buffer);
    *writable_p = same;
    return 0;
}

/* Gives it to the undertaker, unless that has gone. The thread may be the host's, which knows nothing of the node's end:
   under the lock the undertaker does not go. */
static bool
s_entrust (zanni_buffer_t *buffer, zanni_node_t *node)
{
    pthread_mutex_lock (&node->lock);
    bool stays = !node->settling;
    if (stays) {
        buffer->item = (zanni__item_t) { .kind = ZANNI__BUFFER };
        zanni__node_orphan (node, &buffer->item);
    }
    pthread_mutex_unlock (&node->lock);
    return stays;
}

/* The last user of a wrapped buffer is done, on whatever thread. */
static void
s_send_home (zanni_buffer_t *buffer)
{
    zanni_worker_t *home = buffer->home;
    zanni_node_t *node = home->node;
    bool gone = atomic_load_explicit (&home->closed, memory_order_acquire) || home->thread == zanni__thread_token;
    zanni__node_ref (node);
    if (gone || !s_entrust (buffer, node))
        zanni__buffer_home (buffer);
    zanni__node_unref (node);
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
zanni_worker_wrap (zanni_worker_t *worker, zanni_buffer_t **buffer_p, const zanni_block_t *block,
                   zanni_buffer_free_fn *release)
{
    zanni_buffer_t *buffer;
    int rc = zanni__buffer_wrap (&buffer, block->data, block->size, release, block->handle);
    if (rc)
        return rc;
    if (release) {
        zanni_worker_hold (worker);
        buffer->home = worker;
        buffer->send_home = s_send_home;
    }
    *buffer_p = buffer;
    return 0;
}

int
zanni_buffer_wrap (zanni_t *self, zanni_buffer_t **buffer_p, void *data, size_t size, zanni_buffer_free_fn *release,
                   void *hint)
{
    const zanni_block_t block = { data, size, hint };
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    return buffer_p && (data || !size) ? zanni_worker_wrap (self->worker, buffer_p, &block, release) : ZANNI_EINVAL;
}
