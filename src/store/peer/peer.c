/* Blobs in the memory of a node, which serves them to others over its sessions: no server, no folder, no shared memory.

   What is put stays where it is, and a buffer that is put whole is not copied. Another node asks for it by an ordinary ask
   and gets it as an ordinary buffer: in shared memory on the same host, in frames and chunks from farther away. What a
   handle has put goes with it. */

#include "peer.h"

#include "../../base/memory.h"

#include <string.h>
#include <unistd.h>

static int
s_open (zanni_t *self, void **store_p, uint64_t *number, const char *place, const zanni_store_options_t *options)
{
    const zanni_node_t *node = self->worker->node;
    if (*place)
        return zanni__store_fail (options, ZANNI_EINVAL, "a store that the node serves itself is \"peer:\" and has no place: "
                                  "what is \"%.100s\"?", place);
    zanni__peer_store_t *store = zanni__calloc (sizeof *store);
    if (!store)
        return ZANNI_ENOMEM;
    store->memory = zanni__memory_new (node, options);
    if (!store->memory) {
        zanni__free (store);
        return ZANNI_ENOMEM;
    }
    store->self = self;
    store->options = *options;
    *number = store->number = zanni__node_number (node->id);
    zanni__link_init (&store->link);
    zanni__link_init (&store->fetches);
    *store_p = store;
    return 0;
}

/* The memory of this node that has it, for the caller to unuse; NULL: none, and `*away` says whether it is another node's. */
static zanni__memory_t *
s_here (zanni__peer_store_t *store, const zanni_blob_t *blob, bool *away)
{
    *away = blob->store != store->number;
    return *away || zanni__home_join (store, false) ? NULL : zanni__home_find (store->home, blob->id);
}

static void
s_give_back (zanni__peer_store_t *store, const zanni__retained_t *retained)
{
    bool away;
    zanni__memory_t *memory = s_here (store, &retained->blob, &away);
    for (uint64_t i = 0; i < retained->count && (memory || away); i++)
        if (away)
            zanni__away_give_back (store, &retained->blob);
        else
            (void) zanni__memory_unhold (memory, retained->blob.id);
    if (memory)
        zanni__memory_unuse (memory);
}

static void
s_close (void *context)
{
    zanni__peer_store_t *store = context;
    zanni__away_give_up (store);
    while (store->retained) {
        zanni__retained_t *retained = store->retained;
        store->retained = retained->next;
        s_give_back (store, retained);
        zanni__free (retained);
    }
    zanni__home_leave (store);
    zanni__away_forget (store);
    zanni__memory_close (store->memory);
    zanni__free (store);
}

static int
s_put (void *context, zanni_stored_t *stored, const zanni_buffer_t *buffer)
{
    zanni__peer_store_t *store = context;
    int rc = zanni__home_join (store, true);
    return rc ? rc : zanni__memory_put (store->memory, stored, buffer);
}

static int
s_begin (void *context, void **put_p, const zanni_stored_t *stored, uint64_t expected)
{
    zanni__peer_store_t *store = context;
    int rc = zanni__home_join (store, true);
    return rc ? rc : zanni__memory_begin (store->memory, put_p, stored, expected);
}

static int
s_get (void *context, zanni_found_t *found, const zanni_blob_t *blob)
{
    zanni__peer_store_t *store = context;
    bool away;
    zanni__memory_t *memory = s_here (store, blob, &away);
    if (away)
        return zanni__away_get (store, found, blob);
    int rc = memory ? zanni__memory_get (memory, found, blob->id) : ZANNI_EGONE;
    if (memory)
        zanni__memory_unuse (memory);
    return rc;
}

static void
s_fetch (void *context, const zanni_blob_t *blob, zanni_store_found_fn *tell, void *inner)
{
    zanni__peer_store_t *store = context;
    zanni_found_t found = { .buffer = NULL };
    if (blob->store != store->number)
        zanni__away_fetch (store, blob, tell, inner);
    else
        tell (inner, s_get (store, &found, blob), &found);
}

static int
s_read (void *context, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size, bool *more)
{
    zanni__peer_store_t *store = context;
    bool away;
    zanni__memory_t *memory = s_here (store, blob, &away);
    if (away)
        return zanni__away_read (store, blob, offset, data, size, more);
    int rc = memory ? zanni__memory_read (memory, blob->id, offset, data, size, more) : ZANNI_EGONE;
    if (memory)
        zanni__memory_unuse (memory);
    return rc;
}

/* Of this node: another thread may put it, or this one does, and nothing comes meanwhile. */
static void
s_wait (void *context, const zanni_blob_t *blob, uint64_t offset, uint32_t timeout_ms)
{
    zanni__peer_store_t *store = context;
    if (blob->store != store->number)
        zanni__away_wait (store, blob, offset, timeout_ms);
    else
        (void) usleep (1000);
}

static int
s_list (void *context, int (*each) (void *, const zanni_stored_t *), void *inner)
{
    return zanni__memory_list (((zanni__peer_store_t *) context)->memory, each, inner);
}

static int
s_drop (void *context, const zanni_blob_t *blob)
{
    zanni__peer_store_t *store = context;
    bool away;
    zanni__memory_t *memory = s_here (store, blob, &away);
    if (away)
        return zanni__away_do (store, blob, "drop");
    int rc = memory ? zanni__memory_drop (memory, blob->id) : ZANNI_EGONE;
    if (memory)
        zanni__memory_unuse (memory);
    return rc;
}

/* Where a blob stands among those that are retained; at NULL where it does not. */
static zanni__retained_t **
s_retained (zanni__peer_store_t *store, const zanni_blob_t *blob)
{
    zanni__retained_t **at = &store->retained;
    while (*at && memcmp ((*at)->blob.id, blob->id, sizeof blob->id))
        at = &(*at)->next;
    return at;
}

static int
s_hold (zanni__peer_store_t *store, zanni__memory_t *memory, const zanni_blob_t *blob)
{
    zanni__retained_t **at = s_retained (store, blob);
    zanni__retained_t *retained = *at ? *at : zanni__calloc (sizeof *retained);
    if (!retained)
        return ZANNI_ENOMEM;
    int rc = memory ? zanni__memory_hold (memory, blob->id) : zanni__away_do (store, blob, "retain");
    if (rc && !*at)
        zanni__free (retained);
    if (rc)
        return rc;
    retained->blob = *blob;
    retained->count++;
    *at = retained;
    return 0;
}

static int
s_unhold (zanni__peer_store_t *store, zanni__memory_t *memory, const zanni_blob_t *blob)
{
    zanni__retained_t **at = s_retained (store, blob);
    zanni__retained_t *retained = *at;
    if (!retained)
        return ZANNI_EINVAL;
    int rc = memory ? zanni__memory_unhold (memory, blob->id) : zanni__away_do (store, blob, "release");
    if (!rc && !--retained->count) {
        *at = retained->next;
        zanni__free (retained);
    }
    return rc;
}

/* What the handle has put itself counts there, all else in its list. */
static int
s_count (zanni__peer_store_t *store, const zanni_blob_t *blob, bool more)
{
    bool away;
    zanni__memory_t *memory = s_here (store, blob, &away);
    int rc = ZANNI_EGONE;
    if (memory == store->memory)
        rc = more ? zanni__memory_retain (memory, blob->id) : zanni__memory_release (memory, blob->id);
    else if (memory || away)
        rc = more ? s_hold (store, memory, blob) : s_unhold (store, memory, blob);
    if (memory)
        zanni__memory_unuse (memory);
    return rc;
}

static int
s_retain (void *store, const zanni_blob_t *blob)
{
    return s_count (store, blob, true);
}

static int
s_release (void *store, const zanni_blob_t *blob)
{
    return s_count (store, blob, false);
}

const zanni_store_ops_t zanni__store_peer = {
    .size = sizeof (zanni_store_ops_t), .kind = "peer", .open = s_open, .close = s_close, .begin = s_begin,
    .append = zanni__memory_append, .commit = zanni__memory_commit, .abort = zanni__memory_abort, .put = s_put,
    .get = s_get, .fetch = s_fetch, .read = s_read, .wait = s_wait, .list = s_list, .drop = s_drop, .retain = s_retain,
    .release = s_release
};
