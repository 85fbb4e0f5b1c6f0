/* A cursor goes over what a list or dictionary held when it was opened: it shares those values, so nothing is copied
   and changes do not disturb it. It belongs to the client that opened it, and ends with that. */

#include "cursor.h"

#include "../base/memory.h"

#include <inttypes.h>
#include <zanni/sys/wire.h>

#define S_CURSORS_MOST 1024
#define S_CHUNK_BYTES (1u << 20)   // a chunk holds one item more than fits here at most
#define S_CHUNK_HANDLES ZANNI_WIRE_TABLE_MAX

typedef struct {
    zanni__link_t link;
    zanni__client_t *client;
    uint64_t id;
    zanni__kept_t **values;
    size_t count, at;
    uint32_t per;
} s_cursor_t;

static void
s_free_values (zanni__kept_t **values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        zanni__kept_drop (values [i]);
    zanni__free (values);
}

static void
s_free (zanni__cursors_t *cursors, s_cursor_t *cursor)
{
    zanni__link_remove (&cursor->link);
    cursors->count--;
    s_free_values (cursor->values, cursor->count);
    zanni__free (cursor);
}

static void
s_down (zanni__waiting_t *waiting, zanni__client_t *client)
{
    zanni__cursors_t *cursors = (zanni__cursors_t *) waiting;
    for (zanni__link_t *next, *at = cursors->all.next; at != &cursors->all; at = next) {
        s_cursor_t *cursor = ZANNI__CONTAINER (at, s_cursor_t, link);
        next = at->next;
        if (cursor->client == client)
            s_free (cursors, cursor);
    }
}

void
zanni__cursors_begin (zanni__cursors_t *cursors, zanni_t *self)
{
    static const zanni__waiting_ops_t ops = { .down = s_down };
    zanni__waiting_begin (&cursors->waiting, self, &ops);
    zanni__link_init (&cursors->all);
}

void
zanni__cursors_end (zanni__cursors_t *cursors)
{
    while (cursors->waiting.self && !zanni__list_empty (&cursors->all))
        s_free (cursors, ZANNI__CONTAINER (cursors->all.next, s_cursor_t, link));
    zanni__waiting_end (&cursors->waiting, NULL);
}

int
zanni__many_reply (zanni_t *self, zanni_msg_t *msg, zanni__kept_t *const *values, size_t count, uint32_t per)
{
    size_t items = count / per;
    zanni_arg_t *args = zanni__malloc ((count + items + 1) * sizeof *args);
    if (!args)
        return ZANNI_ENOMEM;
    for (size_t i = 0; i < count; i++)
        args [i] = values [i]->arg;
    for (size_t i = 0; per > 1 && i < items; i++)
        args [count + i] = zanni_arg_list (args + i * per, per);
    int rc = zanni_reply (self, msg, zanni_arg_list (per > 1 ? args + count : args, items));
    zanni__free (args);
    return rc;
}

int
zanni__cursor_open (zanni_t *self, zanni_msg_t *msg, zanni__kept_t **values, size_t count, uint32_t per)
{
    zanni__cursors_t *cursors = zanni_state (self);
    zanni__client_t *client;
    s_cursor_t *cursor = NULL;
    int rc = zanni__client_get (&cursors->waiting, &client, msg);
    if (!rc && cursors->count == S_CURSORS_MOST)
        rc = zanni__refuse (msg, ZANNI_ETOOBIG, "%d cursors are open: close some", S_CURSORS_MOST);
    if (!rc && !(cursor = zanni__calloc (sizeof *cursor)))
        rc = ZANNI_ENOMEM;
    if (rc) {
        s_free_values (values, count);
        return rc;
    }
    *cursor = (s_cursor_t) {
        .client = client, .id = ++cursors->serial, .values = values, .count = count, .per = per
    };
    zanni__list_append (&cursors->all, &cursor->link);
    cursors->count++;
    return zanni_reply (self, msg, cursor->id);
}

/* The sender's cursor of that number, the next argument. */
static int
s_find (zanni__cursors_t *cursors, s_cursor_t **cursor_p, zanni_msg_t *msg)
{
    uint64_t id;
    int rc = zanni_read (msg, &id);
    const zanni__client_t *client = rc ? NULL : zanni__client_of (&cursors->waiting, msg);
    for (zanni__link_t *at = cursors->all.next; client && at != &cursors->all; at = at->next) {
        s_cursor_t *cursor = ZANNI__CONTAINER (at, s_cursor_t, link);
        if (cursor->id != id || cursor->client != client)
            continue;
        *cursor_p = cursor;
        return 0;
    }
    return rc ? rc : zanni__refuse (msg, ZANNI_ENOKEY, "%s: who asks has no cursor %" PRIu64, zanni_msg_method (msg),
                                    id);
}

/* How many values the next chunk has: so many items at most, and no more than travel in one message. */
static size_t
s_chunk (const s_cursor_t *cursor, int64_t most)
{
    size_t count = 0, bytes = 0, handles = 0;
    while (most-- && cursor->at + count < cursor->count && bytes < S_CHUNK_BYTES) {
        for (uint32_t i = 0; i < cursor->per; i++) {
            bytes += cursor->values [cursor->at + count + i]->weight;
            handles += cursor->values [cursor->at + count + i]->handles;
        }
        if (count && handles > S_CHUNK_HANDLES)
            break;
        count += cursor->per;
    }
    return count;
}

int
zanni__cursor_next (zanni_t *self, zanni_msg_t *msg)
{
    zanni__cursors_t *cursors = zanni_state (self);
    s_cursor_t *cursor;
    int64_t most;
    int rc = s_find (cursors, &cursor, msg);
    if (!rc)
        rc = zanni_read (msg, &most);
    if (!rc && most < 1)
        rc = zanni__refuse (msg, ZANNI_EINVAL, "next: %" PRId64 " items at most: it is 1 or more", most);
    if (rc)
        return rc;
    size_t count = s_chunk (cursor, most);
    rc = zanni__many_reply (self, msg, cursor->values + cursor->at, count, cursor->per);
    if (!rc)
        cursor->at += count;
    return rc;
}

int
zanni__cursor_close (zanni_t *self, zanni_msg_t *msg)
{
    zanni__cursors_t *cursors = zanni_state (self);
    s_cursor_t *cursor;
    int rc = s_find (cursors, &cursor, msg);
    if (!rc)
        s_free (cursors, cursor);
    return rc;
}
