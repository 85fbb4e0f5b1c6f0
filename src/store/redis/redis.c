/* Blobs in a Redis server, which any number of processes of any number of hosts use at once.

   The bytes of a blob are in pieces of one size, so that the server takes one while the next is on its way, and memory
   that it has used is used again. A put sends them without waiting for what the server says of each; that is read when
   many are owed, and at the end at the latest. A get asks for some pieces ahead, and each goes to its place in the buffer.

   A put and what is retained belong to the connection (heads.c). Where it breaks, puts are over, and what was retained is
   retained anew by the next connection, unless somebody has swept it in between.

   Limits: Redis 6.2 or later, not a cluster; a server that evicts keys when its memory is full loses blobs. */

#include "handle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zanni/redis.h>

#define S_AHEAD 4         // pieces that a get has asked for
#define S_OWED 64         // replies that a put does not wait for
#define S_LOOK_MS 200     // in which who follows a put looks whether its putter lives

typedef struct {
    zanni__redis_store_t *store;
    uint8_t id [16];
    char text [ZANNI__REDIS_ID];
    uint64_t size, pieces, generation;
    int rc;                        // what failed behind its back
} s_put_t;

static uint64_t
s_pieces (uint64_t size)
{
    return size / ZANNI__REDIS_PIECE + (size % ZANNI__REDIS_PIECE != 0);
}

static int
s_begin (void *context, void **put_p, const zanni_stored_t *stored, uint64_t expected)
{
    zanni__redis_store_t *store = context;
    char pieces [ZANNI__REDIS_NUMBER], more [ZANNI__REDIS_NUMBER], quota [ZANNI__REDIS_NUMBER];
    int rc = zanni__redis_ready (store);
    if (!rc)
        rc = zanni__redis_sweep (&store->redis);
    s_put_t *put = rc ? NULL : calloc (1, sizeof *put);
    if (!put)
        return rc ? rc : ZANNI_ENOMEM;
    *put = (s_put_t) { .store = store, .pieces = s_pieces (expected), .generation = store->redis.generation };
    memcpy (put->id, stored->id, sizeof put->id);
    zanni__redis_id (put->text, stored->id);
    const char *const values [] = { put->text, store->redis.session, zanni__redis_digits (pieces, put->pieces), zanni__redis_digits (more, expected),
                                    zanni__redis_digits (quota, store->options.quota_bytes), NULL };
    rc = zanni__redis_change (&store->redis, ZANNI__REDIS_BEGIN, values);
    if (rc)
        free (put);
    else
        *put_p = put;
    return rc;
}

/* Replies that come from now on are this put's; those of others are waited for. */
static int
s_own_replies (s_put_t *put)
{
    zanni__redis_t *redis = &put->store->redis;
    if (redis->owed_rc != &put->rc || redis->owed > S_OWED)
        (void) zanni__redis_settle (redis);
    if (!put->rc && (!redis->context || redis->generation != put->generation))
        put->rc = ZANNI_ESYSTEM;   // its connection is gone, and it with it
    redis->owed_rc = &put->rc;
    return put->rc;
}

static int
s_send_pieces (s_put_t *put, const uint8_t *data, size_t size)
{
    char key [ZANNI__REDIS_KEY];
    int rc = 0;
    while (size && !rc) {
        size_t in = put->size % ZANNI__REDIS_PIECE, take = ZANNI__REDIS_PIECE - in;
        take = take < size ? take : size;
        rc = s_own_replies (put);
        zanni__redis_piece (key, put->id, put->size / ZANNI__REDIS_PIECE);
        if (!rc)
            rc = zanni__redis_send_data (&put->store->redis, in ? "APPEND" : "SET", key, data, take);
        put->size += rc ? 0 : take;
        data += take;
        size -= take;
    }
    return rc;
}

/* The head says first how many pieces there may be, and last how many bytes there are. */
static int
s_append (void *context, const void *data, size_t size)
{
    s_put_t *put = context;
    zanni__redis_t *redis = &put->store->redis;
    char number [ZANNI__REDIS_NUMBER], quota [ZANNI__REDIS_NUMBER];
    uint64_t pieces = s_pieces (put->size + size);
    int rc = s_own_replies (put);
    if (!rc && pieces > put->pieces) {
        put->pieces = pieces;
        const char *const values [] = { put->text, redis->session, zanni__redis_digits (number, pieces), NULL };
        rc = zanni__redis_change_later (redis, ZANNI__REDIS_REACH, values);
    }
    if (!rc)
        rc = s_send_pieces (put, data, size);
    if (!rc) {
        const char *const values [] = { put->text, redis->session, zanni__redis_digits (number, put->size),
                                        zanni__redis_digits (quota, put->store->options.quota_bytes), NULL };
        rc = zanni__redis_change_later (redis, ZANNI__REDIS_GROW, values);
    }
    put->rc = put->rc ? put->rc : rc;
    return rc;
}

static void
s_abort (void *context)
{
    s_put_t *put = context;
    zanni__redis_t *redis = &put->store->redis;
    char pieces [ZANNI__REDIS_NUMBER];
    (void) zanni__redis_settle (redis);
    if (redis->context && redis->generation == put->generation) {   // else it is buried with its session
        const char *const values [] = { put->text, redis->session, zanni__redis_digits (pieces, put->pieces), NULL };
        (void) zanni__redis_change (redis, ZANNI__REDIS_ERASE, values);
    }
    free (put);
}

static int
s_commit (void *context, const zanni_stored_t *stored)
{
    s_put_t *put = context;
    zanni__redis_store_t *store = put->store;
    char size [ZANNI__REDIS_NUMBER], sum [ZANNI__REDIS_NUMBER], expires [ZANNI__REDIS_NUMBER];
    (void) s_own_replies (put);
    (void) zanni__redis_settle (&store->redis);
    int rc = put->rc;
    if (!rc && put->size != stored->size)
        rc = ZANNI_ESYSTEM;
    if (!rc && stored->counted && !zanni__redis_note_hold (store, put->id))
        rc = ZANNI_ENOMEM;
    if (!rc) {
        snprintf (sum, sizeof sum, "%" PRIx64, stored->checksum);
        const char *const values [] = { put->text, store->redis.session, zanni__redis_digits (size, stored->size), sum,
                                        zanni__redis_digits (expires, (uint64_t) stored->expires_ms), stored->counted ? "1" : "0", NULL };
        rc = zanni__redis_change (&store->redis, ZANNI__REDIS_COMMIT, values);
        if (rc && stored->counted)
            zanni__redis_forget_hold (store, put->id);
    }
    if (rc)
        s_abort (put);
    else
        free (put);
    return rc;
}

/* Whole pieces to where they belong, some asked for ahead. Whatever comes is read to its end, so that the connection
   stays. */
static int
s_get_pieces (zanni__redis_store_t *store, const zanni_stored_t *stored, uint8_t *data)
{
    char key [ZANNI__REDIS_KEY];
    uint64_t pieces = s_pieces (stored->size), asked = 0;
    int rc = 0;
    for (uint64_t i = 0; i < pieces; i++) {
        for (; asked < pieces && asked < i + S_AHEAD; asked++) {
            zanni__redis_piece (key, stored->id, asked);
            int sent = zanni__redis_send (&store->redis, (const char *const []) { "GET", key, NULL });
            if (sent)
                return sent;
        }
        uint64_t at = i * ZANNI__REDIS_PIECE, left = stored->size - at;
        size_t wanted = left < ZANNI__REDIS_PIECE ? (size_t) left : ZANNI__REDIS_PIECE;
        int64_t got = -1;
        int read = zanni__redis_bulk (&store->redis, data + at, wanted, &got);
        if (!store->redis.context)
            return read;
        if (!rc && (read || got != (int64_t) wanted))
            rc = read ? read : ZANNI_ECORRUPT;
    }
    return rc;
}

static int
s_get (void *context, zanni_found_t *found, const zanni_blob_t *blob)
{
    zanni__redis_store_t *store = context;
    zanni__redis_head_t head;
    void *data;
    int rc = zanni__redis_ready (store);
    if (!rc)
        rc = zanni__redis_head (&store->redis, blob->id, &head);
    if (rc)
        return rc;
    if (!head.whole)
        return zanni__redis_lives (&store->redis, head.owner) ? ZANNI_EAGAIN : ZANNI_EGONE;
    if (blob->size != UINT64_MAX && blob->size != head.stored.size)
        return ZANNI_ECORRUPT;   // before there is memory for it
    found->stored = head.stored;
    rc = zanni_buffer_new (store->self, &found->buffer, head.stored.size);
    if (rc)
        return rc;
    rc = zanni_buffer_edit (&data, found->buffer);
    if (!rc)
        rc = s_get_pieces (store, &head.stored, data);
    if (!rc)
        return 0;
    if (rc == ZANNI_ECORRUPT && zanni__redis_head (&store->redis, blob->id, &head) == ZANNI_EGONE)
        rc = ZANNI_EGONE;   // it was deleted while it was read
    zanni_buffer_destroy (&found->buffer);
    return rc;
}

/* From one piece as much as is wanted and there. */
static int
s_read_piece (zanni__redis_store_t *store, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size)
{
    char key [ZANNI__REDIS_KEY], from [ZANNI__REDIS_NUMBER], to [ZANNI__REDIS_NUMBER];
    size_t in = offset % ZANNI__REDIS_PIECE;
    size_t wanted = *size < ZANNI__REDIS_PIECE - in ? *size : ZANNI__REDIS_PIECE - in;
    int64_t got = -1;
    zanni__redis_piece (key, blob->id, offset / ZANNI__REDIS_PIECE);
    const char *const words [] = { "GETRANGE", key, zanni__redis_digits (from, in), zanni__redis_digits (to, in + wanted - 1), NULL };
    int rc = zanni__redis_send (&store->redis, words);
    if (!rc)
        rc = zanni__redis_bulk (&store->redis, data, wanted, &got);
    if (!rc && got != (int64_t) wanted)
        rc = ZANNI_ECORRUPT;
    *size = wanted;
    return rc;
}

static int
s_read (void *context, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size, bool *more)
{
    zanni__redis_store_t *store = context;
    zanni__redis_head_t head;
    int rc = zanni__redis_ready (store);
    if (!rc)
        rc = zanni__redis_head (&store->redis, blob->id, &head);
    if (rc)
        return rc;
    *more = !head.whole;
    uint64_t left = offset < head.stored.size ? head.stored.size - offset : 0;
    size_t there = left < *size ? (size_t) left : *size;
    if (!there && *more && !zanni__redis_lives (&store->redis, head.owner))
        return ZANNI_EGONE;
    if (there)
        rc = s_read_piece (store, blob, offset, data, &there);
    if (rc == ZANNI_ECORRUPT && zanni__redis_head (&store->redis, blob->id, &head) == ZANNI_EGONE)
        rc = ZANNI_EGONE;
    *size = there;
    return rc;
}

/* The server tells when there is more; whether the putter lives is looked at in between. */
static void
s_wait (void *context, const zanni_blob_t *blob, uint64_t offset, uint32_t timeout_ms)
{
    zanni__redis_store_t *store = context;
    char key [ZANNI__REDIS_KEY], number [ZANNI__REDIS_NUMBER], above [ZANNI__REDIS_NUMBER + 4];
    redisReply *reply = NULL;
    uint32_t wait_ms = timeout_ms < S_LOOK_MS ? timeout_ms : S_LOOK_MS;
    if (!wait_ms || zanni__redis_ready (store))
        return;
    zanni__redis_key (key, "s", blob->id);
    snprintf (above, sizeof above, "%" PRIu64 "-0", offset);
    const char *const words [] = { "XREAD", "COUNT", "1", "BLOCK", zanni__redis_digits (number, wait_ms), "STREAMS", key, above, NULL };
    if (!zanni__redis_send (&store->redis, words) && !zanni__redis_reply (&store->redis, &reply, wait_ms))
        freeReplyObject (reply);
}

static int
s_list (void *context, int (*each) (void *, const zanni_stored_t *), void *inner)
{
    zanni__redis_store_t *store = context;
    redisReply *ids = NULL;
    int rc = zanni__redis_ready (store);
    if (!rc)
        rc = zanni__redis_sweep (&store->redis);
    if (!rc)
        rc = zanni__redis_call (&store->redis, &ids, (const char *const []) { "SMEMBERS", "zanni:blobs", NULL });
    if (rc)
        return rc;
    if (ids->type != REDIS_REPLY_ARRAY)
        rc = ZANNI_ECORRUPT;
    for (size_t i = 0; !rc && i < ids->elements; i++) {
        zanni__redis_head_t head;
        zanni_blob_t blob = { .size = 0 };
        const char *text = ids->element [i]->str;
        bool good = text && strlen (text) == 32 && strspn (text, "0123456789abcdef") == 32;
        for (int k = 0; good && k < 16; k++)
            good = sscanf (text + 2 * k, "%2hhx", &blob.id [k]) == 1;
        int known = good ? zanni__redis_ready (store) : ZANNI_ECORRUPT;   // who was told may have used the store
        if (!known)
            known = zanni__redis_head (&store->redis, blob.id, &head);
        redisReply *reply = NULL;
        if (known == ZANNI_EGONE
            && !zanni__redis_call (&store->redis, &reply, (const char *const []) { "SREM", "zanni:blobs", text, NULL }))
            freeReplyObject (reply);
        if (!known && head.whole)
            rc = each (inner, &head.stored);
        else if (!store->redis.context)
            rc = known;
    }
    freeReplyObject (ids);
    return rc;
}

static int
s_drop (void *context, const zanni_blob_t *blob)
{
    zanni__redis_store_t *store = context;
    char text [ZANNI__REDIS_ID];
    int rc = zanni__redis_ready (store);
    zanni__redis_id (text, blob->id);
    return rc ? rc : zanni__redis_change (&store->redis, ZANNI__REDIS_DROP, (const char *const []) { text, NULL });
}

static const zanni_store_ops_t s_ops = {
    .size = sizeof (zanni_store_ops_t), .kind = "redis", .open = zanni__redis_open, .close = zanni__redis_close, .begin = s_begin,
    .append = s_append, .commit = s_commit, .abort = s_abort, .get = s_get, .read = s_read, .wait = s_wait, .list = s_list,
    .drop = s_drop, .retain = zanni__redis_retain, .release = zanni__redis_release
};

int
zanni_redis_register (void)
{
    return zanni_store_register (&s_ops);
}
