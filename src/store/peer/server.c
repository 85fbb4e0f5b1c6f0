/* The actor that answers for a node's blobs, on a worker of the pool, where nobody blocks. Not on a thread of its own: that would
   end with the last handle, and its sockets with it, amid what others still ask.

   What an asker retains is his until he ends: he is watched as long as he retains something. Who waits for more of a put has
   a promise, looked at again whenever something changes, and forgotten when its deadline is over. Of both there are so many at
   most, since those who ask are strangers. */

#include "peer.h"

#include "../../base/memory.h"

#include <unistd.h>
#include <zanni/watch.h>

#define S_HOLDS_MOST 16384
#define S_WAITERS_MOST 4096

/* What one asker retains of one blob. */
typedef struct {
    zanni__link_t link;
    uint8_t id [16];
    uint64_t count;
    uint64_t monitor;
    zanni_ref_t *holder;
} s_hold_t;

typedef struct {
    zanni__link_t link;
    uint8_t id [16];
    uint64_t offset;
    zanni_promise_t *promise;
} s_waiter_t;

typedef struct {
    zanni__home_t *home;     // NULL: it was gone when this began, and this ends, too
    uint64_t watch;          // 0: there is none yet
    zanni__link_t holds;
    zanni__link_t waiters;
    uint32_t holds_count;
    uint32_t waiters_count;
} s_server_t;

/* The memory that has it, for the caller to unuse; NULL: none. */
static zanni__memory_t *
s_memory (const s_server_t *server, const uint8_t id [16])
{
    return server->home ? zanni__home_find (server->home, id) : NULL;
}

static int
s_get (zanni_t *self, zanni_msg_t *msg)
{
    const s_server_t *server = zanni_state (self);
    zanni_blob_t blob;
    zanni_found_t found;
    int rc = zanni_read (msg, &blob);
    if (rc)
        return rc;
    zanni__memory_t *memory = s_memory (server, blob.id);
    if (!memory)
        return ZANNI_EGONE;
    rc = zanni__memory_get (memory, &found, blob.id);
    zanni__memory_unuse (memory);
    if (rc)
        return rc;
    rc = zanni_reply (self, msg, found.stored.checksum, found.buffer);
    zanni_buffer_destroy (&found.buffer);
    return rc;
}

/* No more memory than there are bytes, for what was in it before is nobody else's to see. */
static int
s_copy (zanni_t *self, zanni_buffer_t **piece_p, zanni__memory_t *memory, const zanni_blob_t *blob, uint64_t offset,
        uint64_t most)
{
    uint64_t left = zanni__memory_left (memory, blob->id, offset);
    size_t size = left < most ? (size_t) left : (size_t) most;
    size_t got = size;
    void *data;
    bool more;
    int rc = zanni_buffer_new (self, piece_p, size);
    if (!rc)
        rc = zanni_buffer_edit (&data, *piece_p);
    if (!rc)
        rc = zanni__memory_read (memory, blob->id, offset, data, &got, &more);
    return !rc && got < size ? ZANNI_EGONE : rc;   // a blob only grows, as long as it is there
}

static int
s_read (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_buffer_t) piece = NULL;
    zanni_blob_t blob;
    uint64_t offset, most;
    size_t none = 0;
    bool more;
    int rc = zanni_read (msg, &blob, &offset, &most);
    if (rc)
        return rc;
    zanni__memory_t *memory = s_memory (zanni_state (self), blob.id);
    if (!memory)
        return ZANNI_EGONE;
    rc = zanni__memory_read (memory, blob.id, offset, NULL, &none, &more);   // before the bytes, or some could be missed
    if (!rc)
        rc = s_copy (self, &piece, memory, &blob, offset, most < ZANNI__PEER_PIECE ? most : ZANNI__PEER_PIECE);
    zanni__memory_unuse (memory);
    return rc ? rc : zanni_reply (self, msg, more, piece);
}

static bool
s_has_more (const s_server_t *server, const uint8_t id [16], uint64_t offset)
{
    zanni__memory_t *memory = s_memory (server, id);
    if (!memory)
        return true;
    bool more = zanni__memory_has_more (memory, id, offset);
    zanni__memory_unuse (memory);
    return more;
}

static void
s_end_waiter (s_server_t *server, s_waiter_t *waiter)
{
    zanni__link_remove (&waiter->link);
    zanni_promise_destroy (&waiter->promise);
    zanni__free (waiter);
    server->waiters_count--;
}

static void
s_look (zanni_t *self, s_server_t *server)
{
    for (zanni__link_t *next, *at = server->waiters.next; at != &server->waiters; at = next) {
        s_waiter_t *waiter = ZANNI__CONTAINER (at, s_waiter_t, link);
        next = at->next;
        if (zanni_promise_is_void (waiter->promise))
            s_end_waiter (server, waiter);
        else if (s_has_more (server, waiter->id, waiter->offset)) {
            int rc = zanni_promise_reply (self, &waiter->promise);
            (void) rc;   // without memory the asker's deadline does
            s_end_waiter (server, waiter);
        }
    }
}

/* Again where there were no descriptors before. */
static int
s_listen (zanni_t *self, s_server_t *server)
{
    if (server->watch || !server->home)
        return 0;
    return zanni_watch (self, &server->watch, zanni__home_wake_fd (server->home), ZANNI_READABLE, "zanni.changed");
}

static int
s_wait (zanni_t *self, zanni_msg_t *msg)
{
    s_server_t *server = zanni_state (self);
    zanni_blob_t blob;
    uint64_t offset;
    int rc = zanni_read (msg, &blob, &offset);
    if (rc)
        return rc;
    s_look (self, server);   // those whose time is over go, too
    if (s_has_more (server, blob.id, offset))
        return zanni_reply (self, msg);
    rc = server->waiters_count == S_WAITERS_MOST ? ZANNI_EFULL : s_listen (self, server);
    s_waiter_t *waiter = rc ? NULL : zanni__calloc (sizeof *waiter);
    if (!waiter)
        return rc ? rc : ZANNI_ENOMEM;
    rc = zanni_promise_new (self, &waiter->promise, msg);
    if (rc) {
        zanni__free (waiter);
        return rc;
    }
    memcpy (waiter->id, blob.id, sizeof waiter->id);
    waiter->offset = offset;
    zanni__list_append (&server->waiters, &waiter->link);
    server->waiters_count++;
    return 0;
}

static int
s_changed (zanni_t *self, zanni_msg_t *msg)
{
    s_server_t *server = zanni_state (self);
    uint64_t rings;
    (void) msg;
    ssize_t size = read (zanni__home_wake_fd (server->home), &rings, sizeof rings);
    (void) size;
    s_look (self, server);
    return zanni_watch_again (self, server->watch);
}

static int
s_do (const s_server_t *server, const uint8_t id [16], int (*what) (zanni__memory_t *memory, const uint8_t id [16]))
{
    zanni__memory_t *memory = s_memory (server, id);
    int rc = memory ? what (memory, id) : ZANNI_EGONE;
    if (memory)
        zanni__memory_unuse (memory);
    return rc;
}

static int
s_drop (zanni_t *self, zanni_msg_t *msg)
{
    zanni_blob_t blob;
    int rc = zanni_read (msg, &blob);
    if (!rc)
        rc = s_do (zanni_state (self), blob.id, zanni__memory_drop);
    return rc ? rc : zanni_reply (self, msg);
}

static void
s_end_hold (zanni_t *self, s_hold_t *hold)
{
    s_server_t *server = zanni_state (self);
    int rc = hold->monitor ? zanni_demonitor (self, hold->monitor) : 0;
    (void) rc;   // one that has fired is over
    zanni__link_remove (&hold->link);
    zanni_ref_destroy (&hold->holder);
    zanni__free (hold);
    server->holds_count--;
}

static s_hold_t *
s_find_hold (const s_server_t *server, const uint8_t id [16], const zanni_ref_t *holder)
{
    for (zanni__link_t *at = server->holds.next; at != &server->holds; at = at->next) {
        s_hold_t *hold = ZANNI__CONTAINER (at, s_hold_t, link);
        if (!memcmp (hold->id, id, sizeof hold->id) && zanni_ref_equal (hold->holder, holder))
            return hold;
    }
    return NULL;
}

/* One with a count of none. */
static int
s_new_hold (zanni_t *self, s_hold_t **hold_p, const uint8_t id [16], const zanni_ref_t *holder)
{
    s_server_t *server = zanni_state (self);
    if (server->holds_count == S_HOLDS_MOST)
        return ZANNI_EFULL;
    s_hold_t *hold = zanni__calloc (sizeof *hold);
    if (!hold)
        return ZANNI_ENOMEM;
    zanni__list_append (&server->holds, &hold->link);
    server->holds_count++;
    memcpy (hold->id, id, sizeof hold->id);
    int rc = zanni_ref_weak (self, &hold->holder, holder);
    if (!rc)
        rc = zanni_monitor (self, &hold->monitor, hold->holder);
    if (rc)
        s_end_hold (self, hold);
    else
        *hold_p = hold;
    return rc;
}

static int
s_retain (zanni_t *self, zanni_msg_t *msg)
{
    const s_server_t *server = zanni_state (self);
    zanni_blob_t blob;
    int rc = zanni_read (msg, &blob);
    if (rc)
        return rc;
    s_hold_t *hold = s_find_hold (server, blob.id, zanni_msg_from (msg));
    rc = hold ? 0 : s_new_hold (self, &hold, blob.id, zanni_msg_from (msg));
    if (rc)
        return rc;
    rc = s_do (server, blob.id, zanni__memory_hold);
    hold->count += !rc;
    if (!hold->count)
        s_end_hold (self, hold);
    return rc ? rc : zanni_reply (self, msg);
}

static int
s_release (zanni_t *self, zanni_msg_t *msg)
{
    const s_server_t *server = zanni_state (self);
    zanni_blob_t blob;
    int rc = zanni_read (msg, &blob);
    if (rc)
        return rc;
    s_hold_t *hold = s_find_hold (server, blob.id, zanni_msg_from (msg));
    if (!hold)
        return ZANNI_EINVAL;
    if (!--hold->count)
        s_end_hold (self, hold);
    rc = s_do (server, blob.id, zanni__memory_unhold);
    return rc ? rc : zanni_reply (self, msg);
}

/* What somebody held who has ended. */
static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    const s_server_t *server = zanni_state (self);
    for (zanni__link_t *at = server->holds.next; at != &server->holds; at = at->next) {
        s_hold_t *hold = ZANNI__CONTAINER (at, s_hold_t, link);
        if (hold->monitor != down->monitor)
            continue;
        for (; hold->count; hold->count--)
            (void) s_do (server, hold->id, zanni__memory_unhold);
        s_end_hold (self, hold);
        return;
    }
}

/* It does not fail: a home that is gone has taken back the reference that this was spawned with. */
static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_server_t *server = zanni_state (self);
    uint64_t serial;
    int rc = zanni_read (msg, &serial);
    if (rc)
        return rc;
    zanni__link_init (&server->holds);
    zanni__link_init (&server->waiters);
    server->home = zanni__home_enter (serial);
    rc = s_listen (self, server);
    (void) rc;   // who waits tries again
    return 0;
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_server_t *server = zanni_state (self);
    (void) reason;
    while (!zanni__list_empty (&server->waiters))
        s_end_waiter (server, ZANNI__CONTAINER (server->waiters.next, s_waiter_t, link));
    while (!zanni__list_empty (&server->holds))
        s_end_hold (self, ZANNI__CONTAINER (server->holds.next, s_hold_t, link));
    int rc = server->watch ? zanni_watch_cancel (self, server->watch) : 0;
    (void) rc;   // it has ended already
    if (server->home)
        zanni__home_exit (server->home);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("get", "K", "tB", s_get, "The checksum and the bytes of a blob."),
    ZANNI_METHOD ("read", "Ktt", "bB", s_read, "Bytes from an offset on, at most so many; whether its put goes on."),
    ZANNI_METHOD ("wait", "Kt", "", s_wait, "Answers when there may be more bytes than that."),
    ZANNI_METHOD ("drop", "K", "", s_drop, "Deletes a blob."),
    ZANNI_METHOD ("retain", "K", "", s_retain, "One more hold of the asker's."),
    ZANNI_METHOD ("release", "K", "", s_release, "One less."),
    ZANNI_PRIVATE ("zanni.changed", "u", "", s_changed, "Something was put."),
    ZANNI_METHOD_END
};

static const zanni_class_t s_definition = {
    .name = "zanni.blobs", .state_size = sizeof (s_server_t), .methods = s_methods, .start_in = "t", .start = s_start,
    .stop = s_stop, .down = s_down, .text = "Serves what was put into the \"peer:\" stores of its node."
};

static zanni__own_class_t s_class = { .definition = &s_definition };

int
zanni__home_serve (zanni_t *self, zanni_ref_t **server_p, uint64_t serial)
{
    static const zanni_spawn_t options = { .place = ZANNI_SHARED };
    const zanni_arg_t start = zanni_arg_uint (serial);
    const zanni__words_t words = { NULL, &start, 1 };
    const zanni__class_t *cls;
    int rc = zanni__class_own (&cls, &s_class);
    return rc ? rc : zanni__spawn (self, server_p, cls, &options, &words);
}
