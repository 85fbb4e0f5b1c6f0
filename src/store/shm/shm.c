/* Blobs in memory that other processes of the host map.

   The bytes of a blob are a buffer of the node's region: one that a program made with zanni_buffer_new is kept as it is,
   and not copied; what comes piece by piece grows in one. Large buffers are memory files (message/region.c), so a process
   that has the blob's reference gets a descriptor of it from a thread of this one (server.c) and maps it to read
   (client.c); small ones are copied through the socket. The connection is the lease: what its other end holds is given
   back when it ends, however that is. The memory goes back into the region's pool, where the next blob finds it warm.

   The number of a store is the tag of its lease in the user's runtime directory, so that a reference alone says where to
   ask. The thread starts with the first put: who only reads needs none. */

#include "shm.h"

#include "../../base/memory.h"

#include <string.h>
#include <unistd.h>

#define S_FIRST ((uint64_t) 64 << 10)   // bytes of a put of which nobody said how many there will be

typedef struct {
    zanni__shm_t *shm;
    zanni__shm_blob_t *blob;
} s_put_t;

static uint64_t
s_hash (const uint8_t id [16])
{
    uint64_t hash;
    memcpy (&hash, id, sizeof hash);
    return hash;
}

zanni__shm_blob_t *
zanni__shm_find (const zanni__shm_t *shm, const uint8_t id [16])
{
    zanni__entry_t *entry = zanni__table_find (&shm->blobs, s_hash (id));
    while (entry && memcmp (((zanni__shm_blob_t *) (void *) entry)->stored.id, id, 16))
        entry = zanni__table_again (entry->next, s_hash (id));
    zanni__shm_blob_t *blob = (zanni__shm_blob_t *) (void *) entry;
    bool over = blob && blob->stored.expires_ms && blob->stored.expires_ms <= zanni__store_now_ms ();
    return over ? NULL : blob;
}

void
zanni__shm_free (zanni__shm_t *shm, zanni__shm_blob_t *blob)
{
    zanni__table_remove (&shm->blobs, &blob->entry);
    shm->used -= blob->charged;
    zanni_buffer_destroy (&blob->buffer);
    zanni__free (blob);
}

int
zanni__shm_unhold (zanni__shm_t *shm, const uint8_t id [16])
{
    zanni__shm_blob_t *blob = zanni__shm_find (shm, id);
    if (!blob)
        return ZANNI_EGONE;
    if (!blob->holds)
        return ZANNI_EINVAL;
    if (!--blob->holds && blob->stored.counted && blob->whole)
        zanni__shm_free (shm, blob);
    return 0;
}

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
    if (rc) {
        zanni__free (shm);
        return rc;
    }
    shm->ops = node->region_ops;
    shm->region = node->region;
    shm->options = *options;
    shm->wake_fd = -1;
    pthread_mutex_init (&shm->lock, NULL);
    memcpy (number, shm->number, sizeof *number);
    *store_p = shm;
    return 0;
}

static void
s_close (void *store)
{
    zanni__shm_t *shm = store;
    zanni__entry_t *entry;
    uint32_t at = 0;
    zanni__shm_hang_up (shm);
    zanni__shm_stop (shm);
    while ((entry = zanni__table_first (&shm->blobs, &at)))
        zanni__shm_free (shm, (zanni__shm_blob_t *) (void *) entry);
    zanni__table_free (&shm->blobs);
    pthread_mutex_destroy (&shm->lock);
    zanni__free (shm);
}

/* Those whose time is over make room. */
static void
s_sweep (zanni__shm_t *shm)
{
    int64_t now_ms = zanni__store_now_ms ();
    for (uint32_t i = 0; i < shm->blobs.size; i++)
        for (zanni__entry_t *next, *entry = shm->blobs.buckets [i]; entry; entry = next) {
            zanni__shm_blob_t *blob = (zanni__shm_blob_t *) (void *) entry;
            next = entry->next;
            if (blob->whole && blob->stored.expires_ms && blob->stored.expires_ms <= now_ms)
                zanni__shm_free (shm, blob);
        }
}

/* Counts `more` bytes, if the quota has room for them. */
static bool
s_take_room (zanni__shm_t *shm, uint64_t more)
{
    uint64_t quota = shm->options.quota_bytes;
    if (quota && (shm->used > quota || more > quota - shm->used))
        return false;
    shm->used += more;
    return true;
}

/* Under the lock: a new entry with no bytes. */
static zanni__shm_blob_t *
s_add (zanni__shm_t *shm, const zanni_stored_t *stored)
{
    zanni__shm_blob_t *blob = zanni__calloc (sizeof *blob);
    if (!blob)
        return NULL;
    blob->stored = *stored;
    blob->holds = stored->counted;
    if (zanni__table_put (&shm->blobs, &blob->entry, s_hash (stored->id)))
        return blob;
    zanni__free (blob);
    return NULL;
}

static int
s_put_buffer (void *store, const zanni_stored_t *stored, const zanni_buffer_t *buffer)
{
    zanni__shm_t *shm = store;
    zanni_segment_t segment;
    if (stored->size && !zanni__buffer_segment (buffer, &segment))
        return ZANNI_EROUTE;
    int rc = zanni__shm_serve (shm);
    if (rc)
        return rc;
    pthread_mutex_lock (&shm->lock);
    s_sweep (shm);
    zanni__shm_blob_t *blob = NULL;
    if (!s_take_room (shm, stored->size))
        rc = ZANNI_ENOSPACE;
    else if (!(blob = s_add (shm, stored))) {
        shm->used -= stored->size;
        rc = ZANNI_ENOMEM;
    }
    else {
        blob->buffer = zanni_buffer_keep (buffer);
        blob->charged = stored->size;
        blob->whole = true;
    }
    pthread_mutex_unlock (&shm->lock);
    return rc;
}

/* Makes the put's buffer at least so large; what is there is copied. Those who read it meanwhile keep the one before. */
static int
s_grow (zanni__shm_t *shm, zanni__shm_blob_t *blob, uint64_t size)
{
    uint64_t before = blob->buffer ? zanni_buffer_size (blob->buffer) : 0;
    if (size <= before)
        return 0;
    uint64_t wanted = before * 2 > size ? before * 2 : size > S_FIRST ? size : S_FIRST;
    if (!s_take_room (shm, wanted - blob->charged)) {
        wanted = size;
        if (!s_take_room (shm, wanted - blob->charged))
            return ZANNI_ENOSPACE;
    }
    zanni_buffer_t *larger;
    int rc = zanni__buffer_new (&larger, shm->ops, shm->region, wanted);
    if (rc) {
        shm->used -= wanted - blob->charged;
        return rc;
    }
    blob->charged = wanted;
    if (blob->stored.size)
        memcpy (larger->data, zanni_buffer_data (blob->buffer), blob->stored.size);
    zanni_buffer_destroy (&blob->buffer);
    blob->buffer = larger;
    return 0;
}

static int
s_begin (void *store, void **put_p, const zanni_stored_t *stored, uint64_t expected)
{
    zanni__shm_t *shm = store;
    zanni_stored_t begun = *stored;
    s_put_t *put = zanni__calloc (sizeof *put);
    int rc = put ? zanni__shm_serve (shm) : ZANNI_ENOMEM;
    if (rc) {
        zanni__free (put);
        return rc;
    }
    begun.size = begun.checksum = 0;
    pthread_mutex_lock (&shm->lock);
    s_sweep (shm);
    put->shm = shm;
    put->blob = s_add (shm, &begun);
    rc = put->blob ? s_grow (shm, put->blob, expected) : ZANNI_ENOMEM;
    if (rc && put->blob)
        zanni__shm_free (shm, put->blob);
    pthread_mutex_unlock (&shm->lock);
    if (rc)
        zanni__free (put);
    else
        *put_p = put;
    return rc;
}

/* Nobody reads behind the size, so the bytes are written without the lock. */
static int
s_append (void *context, const void *data, size_t size)
{
    s_put_t *put = context;
    zanni__shm_t *shm = put->shm;
    zanni__shm_blob_t *blob = put->blob;
    pthread_mutex_lock (&shm->lock);
    int rc = s_grow (shm, blob, blob->stored.size + size);
    pthread_mutex_unlock (&shm->lock);
    if (rc)
        return rc;
    memcpy (blob->buffer->data + blob->stored.size, data, size);
    pthread_mutex_lock (&shm->lock);
    blob->stored.size += size;
    pthread_mutex_unlock (&shm->lock);
    zanni__shm_changed (shm);
    return 0;
}

static int
s_commit (void *context, const zanni_stored_t *stored)
{
    s_put_t *put = context;
    zanni__shm_t *shm = put->shm;
    pthread_mutex_lock (&shm->lock);
    put->blob->stored.checksum = stored->checksum;
    put->blob->whole = true;
    shm->used -= put->blob->charged - put->blob->stored.size;   // what was made room for in vain
    put->blob->charged = put->blob->stored.size;
    pthread_mutex_unlock (&shm->lock);
    zanni__shm_changed (shm);
    zanni__free (put);
    return 0;
}

static void
s_abort (void *context)
{
    s_put_t *put = context;
    zanni__shm_t *shm = put->shm;
    pthread_mutex_lock (&shm->lock);
    zanni__shm_free (shm, put->blob);
    pthread_mutex_unlock (&shm->lock);
    zanni__shm_changed (shm);
    zanni__free (put);
}

static bool
s_is_here (const zanni__shm_t *shm, const zanni_blob_t *blob)
{
    return !memcmp (&blob->store, shm->number, sizeof shm->number);
}

/* As much of the buffer as was put. */
static int
s_take (const zanni__shm_blob_t *blob, zanni_found_t *found)
{
    found->stored = blob->stored;
    found->mapped = true;
    if (blob->buffer && zanni_buffer_size (blob->buffer) == blob->stored.size) {
        found->buffer = zanni_buffer_keep (blob->buffer);
        return 0;
    }
    if (blob->buffer)
        return zanni_buffer_slice (&found->buffer, blob->buffer, 0, blob->stored.size);
    return zanni__buffer_new (&found->buffer, NULL, NULL, 0);
}

static int
s_get (void *store, zanni_found_t *found, const zanni_blob_t *reference)
{
    zanni__shm_t *shm = store;
    if (!s_is_here (shm, reference))
        return zanni__shm_fetch (shm, found, reference);
    pthread_mutex_lock (&shm->lock);
    const zanni__shm_blob_t *blob = zanni__shm_find (shm, reference->id);
    int rc = !blob ? ZANNI_EGONE : blob->whole ? s_take (blob, found) : ZANNI_EAGAIN;
    pthread_mutex_unlock (&shm->lock);
    return rc;
}

static int
s_read (void *store, const zanni_blob_t *reference, uint64_t offset, void *data, size_t *size, bool *more)
{
    zanni__shm_t *shm = store;
    if (!s_is_here (shm, reference)) {
        zanni__shm_answer_t answer = { .got = *size < ZANNI__SHM_PIECE ? (uint32_t) *size : ZANNI__SHM_PIECE };
        int rc = zanni__shm_read (shm, reference, offset, data, &answer);
        *size = answer.got;
        *more = answer.more;
        return rc;
    }
    pthread_mutex_lock (&shm->lock);
    const zanni__shm_blob_t *blob = zanni__shm_find (shm, reference->id);
    uint64_t left = blob && offset < blob->stored.size ? blob->stored.size - offset : 0;
    *size = left < *size ? (size_t) left : *size;
    *more = blob && !blob->whole;
    if (*size)
        memcpy (data, blob->buffer->data + offset, *size);
    pthread_mutex_unlock (&shm->lock);
    return blob ? 0 : ZANNI_EGONE;
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
    zanni__shm_t *shm = store;
    uint32_t count = 0;
    pthread_mutex_lock (&shm->lock);
    s_sweep (shm);
    zanni_stored_t *all = zanni__malloc ((shm->blobs.count + 1) * sizeof *all);
    for (uint32_t i = 0; i < shm->blobs.size && all; i++)
        for (zanni__entry_t *entry = shm->blobs.buckets [i]; entry; entry = entry->next)
            if (((zanni__shm_blob_t *) (void *) entry)->whole)
                all [count++] = ((zanni__shm_blob_t *) (void *) entry)->stored;
    pthread_mutex_unlock (&shm->lock);
    int rc = all ? 0 : ZANNI_ENOMEM;
    for (uint32_t i = 0; i < count && !rc; i++)   // who is told may use the store
        rc = each (context, &all [i]);
    zanni__free (all);
    return rc;
}

/* What is asked of another handle, or done here. */
static int
s_do (zanni__shm_t *shm, const zanni_blob_t *reference, zanni__shm_op_t op)
{
    zanni__shm_request_t request = { .op = op };
    zanni__shm_answer_t answer;
    if (!s_is_here (shm, reference)) {
        int rc = zanni__shm_ask (shm, reference, &request, &answer);
        return rc ? rc : answer.rc;
    }
    pthread_mutex_lock (&shm->lock);
    zanni__shm_blob_t *blob = zanni__shm_find (shm, reference->id);
    int rc = blob ? 0 : ZANNI_EGONE;
    if (!rc && op == ZANNI__SHM_RELEASE)
        rc = zanni__shm_unhold (shm, reference->id);
    else if (!rc && op == ZANNI__SHM_RETAIN)
        blob->holds++;
    else if (!rc && blob->whole)
        zanni__shm_free (shm, blob);
    else if (!rc)
        rc = ZANNI_EAGAIN;
    pthread_mutex_unlock (&shm->lock);
    return rc;
}

static int
s_drop (void *store, const zanni_blob_t *blob)
{
    return s_do (store, blob, ZANNI__SHM_DROP);
}

static int
s_retain (void *store, const zanni_blob_t *blob)
{
    return s_do (store, blob, ZANNI__SHM_RETAIN);
}

static int
s_release (void *store, const zanni_blob_t *blob)
{
    return s_do (store, blob, ZANNI__SHM_RELEASE);
}

const zanni_store_ops_t zanni__store_shm = {
    .size = sizeof (zanni_store_ops_t), .kind = "shm", .open = s_open, .close = s_close, .begin = s_begin,
    .append = s_append, .commit = s_commit, .abort = s_abort, .put = s_put_buffer, .get = s_get, .read = s_read,
    .wait = s_wait, .list = s_list, .drop = s_drop, .retain = s_retain, .release = s_release
};
