/* Records that are queued before the session stands.

   How a buffer travels is only known once HELLO and WELCOME have said what both sides can do. So a record with buffers, or
   with arguments that do not travel in it, waits for that, and all that are queued behind it do, in their order. It is kept
   as the bytes that it would have without them, and is read again when the session stands. */

#include "hub.h"

#include "../base/memory.h"
#include "../message/buffer.h"

#include <string.h>

struct zanni__early {
    zanni__early_t *next;
    zanni__pair_t pair;            // which may not be in the bytes
    zanni_buffer_t *args;          // where they are longer than a record may have them
    zanni_buffer_t **buffers;
    uint32_t buffers_count;
    bool charged;                  // it counts in the window, else by its bytes
    uint64_t count;
    uint64_t claim_least;          // of the record
    uint32_t size;
    uint8_t bytes [];
};

static void
s_free (zanni__early_t *early)
{
    for (uint32_t i = 0; i < early->buffers_count; i++)
        zanni_buffer_destroy (&early->buffers [i]);
    zanni_buffer_destroy (&early->args);
    zanni__free (early->buffers);
    zanni__free (early);
}

void
zanni__earlies_free (zanni__early_t *chain)
{
    while (chain) {
        zanni__early_t *early = chain;
        chain = early->next;
        s_free (early);
    }
}

static int
s_keep_args (zanni__peer_t *peer, zanni__early_t *early, const zanni_bytes_t *args)
{
    void *data;
    int rc = zanni_worker_buffer (peer->hub->worker, &early->args, args->size);
    if (!rc && !zanni_buffer_edit (&data, early->args))
        memcpy (data, args->data, args->size);
    return rc;
}

static int
s_keep_buffers (zanni__early_t *early, const zanni_buffer_t *const *buffers, uint32_t count)
{
    if (!count)
        return 0;
    early->buffers = zanni__malloc (count * sizeof *early->buffers);
    if (!early->buffers)
        return ZANNI_ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        early->buffers [i] = zanni_buffer_keep (buffers [i]);
    early->buffers_count = count;
    return 0;
}

/* What it counts for, until it is sent. */
static void
s_count (zanni__early_t *early, const zanni__peer_t *peer, const zanni_record_t *record)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < early->buffers_count; i++)
        bytes += zanni_buffer_size (early->buffers [i]);
    uint64_t charge = zanni__record_charge (peer, record, bytes);
    early->charged = charge > 0;
    early->count = charge ? charge : ZANNI__CHARGE_RECORD + record->args.size + bytes;
}

/* The bytes of the record, without what is kept beside them. */
static zanni__early_t *
s_write (zanni__peer_t *peer, const zanni_record_t *record, int *rc)
{
    zanni_record_t bare = *record;
    zanni__parcel_t *scratch = zanni__parcel_new (peer->hub->pool, ZANNI_WIRE_HEADER_MAX);
    *rc = ZANNI_ENOMEM;
    if (!scratch)
        return NULL;
    bare.buffers_count = 0;
    if (record->args.size > ZANNI_WIRE_INLINE_MAX)
        bare.args = (zanni_bytes_t) { NULL, 0 };
    size_t size = zanni__record_write (scratch->data, scratch->room - ZANNI__PARCEL_FRONT, &bare);
    zanni__early_t *early = size ? zanni__calloc (sizeof *early + size) : NULL;
    if (early) {
        memcpy (early->bytes, scratch->data, size);
        early->size = (uint32_t) size;
    }
    else if (!size)
        *rc = ZANNI_ETOOBIG;
    zanni__parcel_drop (scratch);
    return early;
}

int
zanni__early_put (zanni__peer_t *peer, const zanni_record_t *record, const zanni_buffer_t *const *buffers)
{
    int rc;
    zanni__outbox_t *out = &peer->out;
    if (record->buffers_count > ZANNI_WIRE_TABLE_MAX)
        return ZANNI_ETOOBIG;
    zanni__early_t *early = s_write (peer, record, &rc);
    if (!early)
        return rc;
    rc = record->args.size > ZANNI_WIRE_INLINE_MAX ? s_keep_args (peer, early, &record->args) : 0;
    if (!rc)
        rc = s_keep_buffers (early, buffers, record->buffers_count);
    if (rc) {
        s_free (early);
        return rc;
    }
    early->pair = zanni__pair_of (record);
    early->claim_least = record->claim_least;
    s_count (early, peer, record);
    *(early->charged ? &out->charge : &out->weight) += early->count;
    *out->early_last = early;
    out->early_last = &early->next;
    return 0;
}

static int
s_send (zanni__peer_t *peer, const zanni__early_t *early)
{
    zanni_record_t record;
    const char *fault;
    zanni__reader_t reader = zanni__reader (early->bytes, early->size);
    if (zanni__record_read (&reader, &record, &peer->hub->tables, &fault) != 1)
        return ZANNI_EINVAL;
    record.buffers_count = early->buffers_count;
    record.claim_least = early->claim_least;
    if (early->args)
        record.args = (zanni_bytes_t) { zanni_buffer_data (early->args), zanni_buffer_size (early->args) };
    return zanni__outbox_send_as (peer, &record, (const zanni_buffer_t *const *) early->buffers, &early->pair);
}

/* The session stands. What cannot be sent now for want of memory is lost to an answer or a promise somewhere: the session
   cannot go on. */
void
zanni__earlies_release (zanni__peer_t *peer)
{
    zanni__outbox_t *out = &peer->out;
    uint32_t generation = peer->generation;
    while (out->early) {
        zanni__early_t *early = out->early;
        *(early->charged ? &out->charge : &out->weight) -= early->count;
        out->early = early->next;
        if (!out->early)
            out->early_last = &out->early;
        int rc = s_send (peer, early);
        s_free (early);
        if (rc)
            zanni__session_lost (peer);
        if (peer->generation != generation)
            return;
    }
}
