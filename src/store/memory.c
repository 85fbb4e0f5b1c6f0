#include "memory.h"

#include "../base/memory.h"

#include <string.h>

#define S_FIRST ((uint64_t) 64 << 10)   // bytes of a put of which nobody said how many there will be

typedef struct {
    zanni__memory_t *memory;
    zanni__blob_t *blob;
} s_put_t;

static uint64_t
s_hash (const uint8_t id [16])
{
    uint64_t hash;
    memcpy (&hash, id, sizeof hash);
    return hash;
}

static bool
s_is_over (const zanni__blob_t *blob, int64_t now_ms)
{
    return blob->stored.expires_ms && blob->stored.expires_ms <= now_ms;
}

zanni__blob_t *
zanni__memory_find (const zanni__memory_t *memory, const uint8_t id [16])
{
    zanni__entry_t *entry = zanni__table_find (&memory->blobs, s_hash (id));
    while (entry && memcmp (((zanni__blob_t *) (void *) entry)->stored.id, id, 16))
        entry = zanni__table_again (entry->next, s_hash (id));
    zanni__blob_t *blob = (zanni__blob_t *) (void *) entry;
    return blob && s_is_over (blob, zanni__store_now_ms ()) ? NULL : blob;
}

/* Under the lock: it is known no more; who has the lock buries it behind. */
static void
s_take_out (zanni__memory_t *memory, zanni__blob_t *blob, zanni__blob_t **dead)
{
    zanni__table_remove (&memory->blobs, &blob->entry);
    memory->used -= blob->charged;
    blob->dead = *dead;
    *dead = blob;
}

static void
s_bury (zanni__blob_t *dead)
{
    while (dead) {
        zanni__blob_t *blob = dead;
        dead = blob->dead;
        zanni_buffer_destroy (&blob->buffer);
        zanni__free (blob);
    }
}

/* Ends what began with the lock. */
static void
s_unlock (zanni__memory_t *memory, zanni__blob_t *dead)
{
    pthread_mutex_unlock (&memory->lock);
    s_bury (dead);
}

static void
s_changed (const zanni__memory_t *memory)
{
    if (memory->changed)
        memory->changed (memory->context);
}

zanni__memory_t *
zanni__memory_new (const zanni_node_t *node, const zanni_store_options_t *options)
{
    zanni__memory_t *memory = zanni__calloc (sizeof *memory);
    if (!memory)
        return NULL;
    atomic_init (&memory->users, 1);
    memory->ops = node->region_ops;
    memory->region = node->region;
    memory->quota_bytes = options->quota_bytes;
    pthread_mutex_init (&memory->lock, NULL);
    return memory;
}

void
zanni__memory_use (zanni__memory_t *memory)
{
    /* Relaxed: whoever has found it keeps it from being closed. */
    atomic_fetch_add_explicit (&memory->users, 1, memory_order_relaxed);
}

void
zanni__memory_unuse (zanni__memory_t *memory)
{
    if (atomic_fetch_sub_explicit (&memory->users, 1, memory_order_acq_rel) > 1)
        return;
    zanni__table_free (&memory->blobs);
    pthread_mutex_destroy (&memory->lock);
    zanni__free (memory);
}

void
zanni__memory_close (zanni__memory_t *memory)
{
    zanni__blob_t *dead = NULL;
    zanni__entry_t *entry;
    uint32_t at = 0;
    pthread_mutex_lock (&memory->lock);
    while ((entry = zanni__table_first (&memory->blobs, &at)))
        s_take_out (memory, (zanni__blob_t *) (void *) entry, &dead);
    s_unlock (memory, dead);
    zanni__memory_unuse (memory);
}

/* Those whose time is over make room. */
static void
s_sweep (zanni__memory_t *memory, zanni__blob_t **dead)
{
    int64_t now_ms = zanni__store_now_ms ();
    for (uint32_t i = 0; i < memory->blobs.size; i++)
        for (zanni__entry_t *next, *entry = memory->blobs.buckets [i]; entry; entry = next) {
            zanni__blob_t *blob = (zanni__blob_t *) (void *) entry;
            next = entry->next;
            if (blob->whole && s_is_over (blob, now_ms))
                s_take_out (memory, blob, dead);
        }
}

/* Counts `more` bytes, if the quota has room for them. */
static bool
s_take_room (zanni__memory_t *memory, uint64_t more)
{
    uint64_t quota = memory->quota_bytes;
    if (quota && (memory->used > quota || more > quota - memory->used))
        return false;
    memory->used += more;
    return true;
}

/* Under the lock: a new entry with no bytes. */
static zanni__blob_t *
s_add (zanni__memory_t *memory, const zanni_stored_t *stored)
{
    zanni__blob_t *blob = zanni__calloc (sizeof *blob);
    if (!blob)
        return NULL;
    blob->stored = *stored;
    blob->holds = blob->owned = stored->counted;
    if (zanni__table_put (&memory->blobs, &blob->entry, s_hash (stored->id)))
        return blob;
    zanni__free (blob);
    return NULL;
}

int
zanni__memory_put (zanni__memory_t *memory, const zanni_stored_t *stored, const zanni_buffer_t *buffer)
{
    zanni__blob_t *blob = NULL, *dead = NULL;
    int rc = 0;
    pthread_mutex_lock (&memory->lock);
    s_sweep (memory, &dead);
    if (!s_take_room (memory, stored->size))
        rc = ZANNI_ENOSPACE;
    else if (!(blob = s_add (memory, stored))) {
        memory->used -= stored->size;
        rc = ZANNI_ENOMEM;
    }
    else {
        blob->buffer = zanni_buffer_keep (buffer);
        blob->charged = stored->size;
        blob->whole = true;
    }
    s_unlock (memory, dead);
    return rc;
}

/* Makes the put's buffer at least so large; what is there is copied. Those who read it meanwhile keep the one before. */
static int
s_grow (zanni__memory_t *memory, zanni__blob_t *blob, uint64_t size)
{
    uint64_t before = blob->buffer ? zanni_buffer_size (blob->buffer) : 0;
    if (size <= before)
        return 0;
    uint64_t wanted = before * 2 > size ? before * 2 : size > S_FIRST ? size : S_FIRST;
    if (!s_take_room (memory, wanted - blob->charged)) {
        wanted = size;
        if (!s_take_room (memory, wanted - blob->charged))
            return ZANNI_ENOSPACE;
    }
    zanni_buffer_t *larger;
    int rc = zanni__buffer_new (&larger, memory->ops, memory->region, wanted);
    if (rc) {
        memory->used -= wanted - blob->charged;
        return rc;
    }
    blob->charged = wanted;
    if (blob->stored.size)
        memcpy (larger->data, zanni_buffer_data (blob->buffer), blob->stored.size);
    zanni_buffer_destroy (&blob->buffer);
    blob->buffer = larger;
    return 0;
}

int
zanni__memory_begin (zanni__memory_t *memory, void **put_p, const zanni_stored_t *stored, uint64_t expected)
{
    zanni_stored_t begun = *stored;
    zanni__blob_t *dead = NULL;
    s_put_t *put = zanni__calloc (sizeof *put);
    if (!put)
        return ZANNI_ENOMEM;
    begun.size = begun.checksum = 0;
    pthread_mutex_lock (&memory->lock);
    s_sweep (memory, &dead);
    put->memory = memory;
    put->blob = s_add (memory, &begun);
    int rc = put->blob ? s_grow (memory, put->blob, expected) : ZANNI_ENOMEM;
    if (rc && put->blob)
        s_take_out (memory, put->blob, &dead);
    s_unlock (memory, dead);
    if (rc)
        zanni__free (put);
    else
        *put_p = put;
    return rc;
}

/* Nobody reads behind the size, so the bytes are written without the lock. */
int
zanni__memory_append (void *context, const void *data, size_t size)
{
    s_put_t *put = context;
    zanni__memory_t *memory = put->memory;
    zanni__blob_t *blob = put->blob;
    pthread_mutex_lock (&memory->lock);
    int rc = s_grow (memory, blob, blob->stored.size + size);
    pthread_mutex_unlock (&memory->lock);
    if (rc)
        return rc;
    memcpy (blob->buffer->data + blob->stored.size, data, size);
    pthread_mutex_lock (&memory->lock);
    blob->stored.size += size;
    pthread_mutex_unlock (&memory->lock);
    s_changed (memory);
    return 0;
}

int
zanni__memory_commit (void *context, const zanni_stored_t *stored)
{
    s_put_t *put = context;
    zanni__memory_t *memory = put->memory;
    pthread_mutex_lock (&memory->lock);
    put->blob->stored.checksum = stored->checksum;
    put->blob->whole = true;
    memory->used -= put->blob->charged - put->blob->stored.size;   // what was made room for in vain
    put->blob->charged = put->blob->stored.size;
    pthread_mutex_unlock (&memory->lock);
    s_changed (memory);
    zanni__free (put);
    return 0;
}

void
zanni__memory_abort (void *context)
{
    s_put_t *put = context;
    zanni__memory_t *memory = put->memory;
    zanni__blob_t *dead = NULL;
    pthread_mutex_lock (&memory->lock);
    s_take_out (memory, put->blob, &dead);
    s_unlock (memory, dead);
    s_changed (memory);
    zanni__free (put);
}

/* As much of the buffer as was put. */
static int
s_take (const zanni__blob_t *blob, zanni_found_t *found)
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

int
zanni__memory_get (zanni__memory_t *memory, zanni_found_t *found, const uint8_t id [16])
{
    pthread_mutex_lock (&memory->lock);
    const zanni__blob_t *blob = zanni__memory_find (memory, id);
    int rc = !blob ? ZANNI_EGONE : blob->whole ? s_take (blob, found) : ZANNI_EAGAIN;
    pthread_mutex_unlock (&memory->lock);
    return rc;
}

int
zanni__memory_read (zanni__memory_t *memory, const uint8_t id [16], uint64_t offset, void *data, size_t *size, bool *more)
{
    pthread_mutex_lock (&memory->lock);
    const zanni__blob_t *blob = zanni__memory_find (memory, id);
    uint64_t left = blob && offset < blob->stored.size ? blob->stored.size - offset : 0;
    *size = left < *size ? (size_t) left : *size;
    *more = blob && !blob->whole;
    if (*size)
        memcpy (data, blob->buffer->data + offset, *size);
    pthread_mutex_unlock (&memory->lock);
    return blob ? 0 : ZANNI_EGONE;
}

bool
zanni__memory_has_more (zanni__memory_t *memory, const uint8_t id [16], uint64_t offset)
{
    pthread_mutex_lock (&memory->lock);
    const zanni__blob_t *blob = zanni__memory_find (memory, id);
    bool more = !blob || blob->whole || blob->stored.size > offset;
    pthread_mutex_unlock (&memory->lock);
    return more;
}

uint64_t
zanni__memory_left (zanni__memory_t *memory, const uint8_t id [16], uint64_t offset)
{
    pthread_mutex_lock (&memory->lock);
    const zanni__blob_t *blob = zanni__memory_find (memory, id);
    uint64_t left = blob && blob->stored.size > offset ? blob->stored.size - offset : 0;
    pthread_mutex_unlock (&memory->lock);
    return left;
}

int
zanni__memory_list (zanni__memory_t *memory, int (*each) (void *, const zanni_stored_t *), void *context)
{
    uint32_t count = 0;
    zanni__blob_t *dead = NULL;
    pthread_mutex_lock (&memory->lock);
    s_sweep (memory, &dead);
    zanni_stored_t *all = zanni__malloc ((memory->blobs.count + 1) * sizeof *all);
    for (uint32_t i = 0; i < memory->blobs.size && all; i++)
        for (zanni__entry_t *entry = memory->blobs.buckets [i]; entry; entry = entry->next)
            if (((zanni__blob_t *) (void *) entry)->whole)
                all [count++] = ((zanni__blob_t *) (void *) entry)->stored;
    s_unlock (memory, dead);
    int rc = all ? 0 : ZANNI_ENOMEM;
    for (uint32_t i = 0; i < count && !rc; i++)   // who is told may use the store
        rc = each (context, &all [i]);
    zanni__free (all);
    return rc;
}

int
zanni__memory_drop (zanni__memory_t *memory, const uint8_t id [16])
{
    zanni__blob_t *dead = NULL;
    pthread_mutex_lock (&memory->lock);
    zanni__blob_t *blob = zanni__memory_find (memory, id);
    int rc = !blob ? ZANNI_EGONE : blob->whole ? 0 : ZANNI_EAGAIN;
    if (!rc)
        s_take_out (memory, blob, &dead);
    s_unlock (memory, dead);
    return rc;
}

static int
s_hold (zanni__memory_t *memory, const uint8_t id [16], bool own)
{
    pthread_mutex_lock (&memory->lock);
    zanni__blob_t *blob = zanni__memory_find (memory, id);
    int rc = blob ? 0 : ZANNI_EGONE;
    if (blob) {
        blob->holds++;
        blob->owned += own;
    }
    pthread_mutex_unlock (&memory->lock);
    return rc;
}

static int
s_unhold (zanni__memory_t *memory, const uint8_t id [16], bool own)
{
    zanni__blob_t *dead = NULL;
    pthread_mutex_lock (&memory->lock);
    zanni__blob_t *blob = zanni__memory_find (memory, id);
    int rc = !blob ? ZANNI_EGONE : (own ? blob->owned : blob->holds) ? 0 : ZANNI_EINVAL;
    if (!rc) {
        blob->owned -= own;
        if (!--blob->holds && blob->stored.counted && blob->whole)
            s_take_out (memory, blob, &dead);
    }
    s_unlock (memory, dead);
    return rc;
}

int
zanni__memory_retain (zanni__memory_t *memory, const uint8_t id [16])
{
    return s_hold (memory, id, true);
}

int
zanni__memory_release (zanni__memory_t *memory, const uint8_t id [16])
{
    return s_unhold (memory, id, true);
}

int
zanni__memory_hold (zanni__memory_t *memory, const uint8_t id [16])
{
    return s_hold (memory, id, false);
}

int
zanni__memory_unhold (zanni__memory_t *memory, const uint8_t id [16])
{
    return s_unhold (memory, id, false);
}
