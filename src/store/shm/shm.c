/* Blobs in memory that other processes of the host map.

   The bytes of a blob are a buffer of the node's region. Large ones are memory files (message/region.c), so a process that
   has the blob's reference gets a descriptor of it from a thread of this one (server.c) and maps it to read
   (client.c); small ones are copied through the socket. The connection is the lease: what its other end holds is given
   back when it ends, however that is. The memory goes back into the region's pool, where the next blob finds it warm.

   The number of a store is the tag of its lease in the user's runtime directory, so that a reference alone says where to
   ask. The thread starts with the first put: who only reads needs none. */

#include "shm.h"

#include "../../base/memory.h"

#include <string.h>
#include <unistd.h>

static int
s_open (zanni_t *self, void **store_p, uint64_t *number, const char *place, const zanni_store_options_t *options)
{
    const zanni_node_t *node = self->worker->node;
    if (*place)
        return zanni__store_fail (options, ZANNI_EINVAL, "a store in shared memory is \"shm:\" and has no place: what is "
                                  "\"%.100s\"?", place);
    zanni__shm_t *shm = zanni__calloc (sizeof *shm);
    if (!shm)
        return ZANNI_ENOMEM;
    int rc = node->clock.random (node->clock.context, shm->number, sizeof shm->number);
    shm->memory = rc ? NULL : zanni__memory_new (node, options);
    if (!shm->memory) {
        rc = rc ? rc : ZANNI_ENOMEM;
        zanni__free (shm);
        return rc;
    }
    shm->options = *options;
    shm->wake_fd = -1;
    shm->memory->changed = zanni__shm_changed;
    shm->memory->context = shm;
    memcpy (number, shm->number, sizeof *number);
    *store_p = shm;
    return 0;
}

static void
s_close (void *store)
{
    zanni__shm_t *shm = store;
    zanni__shm_hang_up (shm);
    zanni__shm_stop (shm);
    zanni__memory_close (shm->memory);
    zanni__free (shm);
}

/* Only what others can map. */
static int
s_put_buffer (void *store, zanni_stored_t *stored, const zanni_buffer_t *buffer)
{
    zanni__shm_t *shm = store;
    zanni_segment_t segment;
    if (stored->size && !zanni__buffer_segment (buffer, &segment))
        return ZANNI_EROUTE;
    int rc = zanni__shm_serve (shm);
    return rc ? rc : zanni__memory_put (shm->memory, stored, buffer);
}

static int
s_begin (void *store, void **put_p, const zanni_stored_t *stored, uint64_t expected)
{
    zanni__shm_t *shm = store;
    int rc = zanni__shm_serve (shm);
    return rc ? rc : zanni__memory_begin (shm->memory, put_p, stored, expected);
}

static bool
s_is_here (const zanni__shm_t *shm, const zanni_blob_t *blob)
{
    return !memcmp (&blob->store, shm->number, sizeof shm->number);
}

static int
s_get (void *store, zanni_found_t *found, const zanni_blob_t *blob)
{
    zanni__shm_t *shm = store;
    return s_is_here (shm, blob) ? zanni__memory_get (shm->memory, found, blob->id) : zanni__shm_fetch (shm, found, blob);
}

static int
s_read (void *store, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size, bool *more)
{
    zanni__shm_t *shm = store;
    if (s_is_here (shm, blob))
        return zanni__memory_read (shm->memory, blob->id, offset, data, size, more);
    zanni__shm_answer_t answer = { .got = *size < ZANNI__SHM_PIECE ? (uint32_t) *size : ZANNI__SHM_PIECE };
    int rc = zanni__shm_read (shm, blob, offset, data, &answer);
    *size = answer.got;
    *more = answer.more;
    return rc;
}

/* A put of this handle's own goes on on this very thread, or not at all. */
static void
s_wait (void *store, const zanni_blob_t *blob, uint64_t offset, uint32_t timeout_ms)
{
    zanni__shm_request_t request = { .op = ZANNI__SHM_WAIT, .offset = offset, .timeout_ms = timeout_ms };
    zanni__shm_answer_t answer;
    if (s_is_here (store, blob))
        (void) usleep (1000);
    else
        (void) zanni__shm_ask (store, blob, &request, &answer);
}

static int
s_list (void *store, int (*each) (void *, const zanni_stored_t *), void *context)
{
    return zanni__memory_list (((zanni__shm_t *) store)->memory, each, context);
}

/* What is asked of another handle, or done here. */
static int
s_do (zanni__shm_t *shm, const zanni_blob_t *blob, zanni__shm_op_t op,
      int (*here) (zanni__memory_t *memory, const uint8_t id [16]))
{
    zanni__shm_request_t request = { .op = op };
    zanni__shm_answer_t answer;
    if (s_is_here (shm, blob))
        return here (shm->memory, blob->id);
    int rc = zanni__shm_ask (shm, blob, &request, &answer);
    return rc ? rc : answer.rc;
}

static int
s_drop (void *store, const zanni_blob_t *blob)
{
    return s_do (store, blob, ZANNI__SHM_DROP, zanni__memory_drop);
}

static int
s_retain (void *store, const zanni_blob_t *blob)
{
    return s_do (store, blob, ZANNI__SHM_RETAIN, zanni__memory_retain);
}

static int
s_release (void *store, const zanni_blob_t *blob)
{
    return s_do (store, blob, ZANNI__SHM_RELEASE, zanni__memory_release);
}

const zanni_store_ops_t zanni__store_shm = {
    .size = sizeof (zanni_store_ops_t), .kind = "shm", .open = s_open, .close = s_close, .begin = s_begin,
    .append = zanni__memory_append,
    .commit = zanni__memory_commit, .abort = zanni__memory_abort, .put = s_put_buffer, .get = s_get, .read = s_read,
    .wait = s_wait, .list = s_list, .drop = s_drop, .retain = s_retain, .release = s_release
};
