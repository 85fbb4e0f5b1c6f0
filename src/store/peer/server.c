/* The actor that answers for a node's blobs. It is alone on its thread, so it answers whatever the node's other actors do.

   What an asker retains is his until he ends: each hold is watched. Who waits for more of a put has a promise, looked at
   again whenever something changes, and forgotten when its deadline is over. */

#include "peer.h"

#include "../../base/memory.h"

#include <unistd.h>
#include <zanni/watch.h>

typedef struct {
    zanni__link_t link;
    uint8_t id [16];
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
    zanni__home_t *home;
    uint64_t watch;
    zanni__link_t holds;
    zanni__link_t waiters;
} s_server_t;

static int
s_get (zanni_t *self, zanni_msg_t *msg)
{
    const s_server_t *server = zanni_state (self);
    zanni_blob_t blob;
    zanni_found_t found;
    int rc = zanni_read (msg, &blob);
    if (rc)
        return rc;
    zanni__memory_t *memory = zanni__home_find (server->home, blob.id);
    if (!memory)
        return ZANNI_EGONE;
    rc = zanni__memory_get (memory, &found, blob.id);
    zanni__home_found (server->home);
    if (rc)
        return rc;
    rc = zanni_reply (self, msg, found.stored.checksum, found.buffer);
    zanni_buffer_destroy (&found.buffer);
    return rc;
}

static int
s_read (zanni_t *self, zanni_msg_t *msg)
{
    const s_server_t *server = zanni_state (self);
    ZANNI_AUTO (zanni_buffer_t) piece = NULL;
    zanni_blob_t blob;
    uint64_t offset, most;
    void *data;
    bool more;
    int rc = zanni_read (msg, &blob, &offset, &most);
    size_t size = most < ZANNI__PEER_PIECE ? (size_t) most : ZANNI__PEER_PIECE;
    if (!rc)
        rc = zanni_buffer_new (self, &piece, size);
    if (!rc)
        rc = zanni_buffer_edit (&data, piece);
    if (rc)
        return rc;
    zanni__memory_t *memory = zanni__home_find (server->home, blob.id);
    if (!memory)
        return ZANNI_EGONE;
    rc = zanni__memory_read (memory, blob.id, offset, data, &size, &more);
    zanni__home_found (server->home);
    return rc ? rc : zanni_reply (self, msg, size, more, piece);
}

static bool
s_has_more (const s_server_t *server, const uint8_t id [16], uint64_t offset)
{
    zanni__memory_t *memory = zanni__home_find (server->home, id);
    if (!memory)
        return true;
    bool more = zanni__memory_has_more (memory, id, offset);
    zanni__home_found (server->home);
    return more;
}

static void
s_end_waiter (s_waiter_t *waiter)
{
    zanni__link_remove (&waiter->link);
    zanni_promise_destroy (&waiter->promise);
    zanni__free (waiter);
}

static void
s_look (zanni_t *self, s_server_t *server)
{
    for (zanni__link_t *next, *at = server->waiters.next; at != &server->waiters; at = next) {
        s_waiter_t *waiter = ZANNI__CONTAINER (at, s_waiter_t, link);
        next = at->next;
        if (zanni_promise_is_void (waiter->promise))
            s_end_waiter (waiter);
        else if (s_has_more (server, waiter->id, waiter->offset)) {
            int rc = zanni_promise_reply (self, &waiter->promise);
            (void) rc;   // without memory the asker's deadline does
            s_end_waiter (waiter);
        }
    }
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
    s_waiter_t *waiter = zanni__calloc (sizeof *waiter);
    if (!waiter)
        return ZANNI_ENOMEM;
    rc = zanni_promise_new (self, &waiter->promise, msg);
    if (rc) {
        zanni__free (waiter);
        return rc;
    }
    memcpy (waiter->id, blob.id, sizeof waiter->id);
    waiter->offset = offset;
    zanni__list_append (&server->waiters, &waiter->link);
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

/* One of the three calls that take a blob and answer nothing. */
static int
s_do (zanni_t *self, const zanni_blob_t *blob, int (*what) (zanni__memory_t *memory, const uint8_t id [16]))
{
    const s_server_t *server = zanni_state (self);
    zanni__memory_t *memory = zanni__home_find (server->home, blob->id);
    if (!memory)
        return ZANNI_EGONE;
    int rc = what (memory, blob->id);
    zanni__home_found (server->home);
    return rc;
}

static int
s_drop (zanni_t *self, zanni_msg_t *msg)
{
    zanni_blob_t blob;
    int rc = zanni_read (msg, &blob);
    if (!rc)
        rc = s_do (self, &blob, zanni__memory_drop);
    return rc ? rc : zanni_reply (self, msg);
}

static void
s_end_hold (zanni_t *self, s_hold_t *hold)
{
    int rc = hold->monitor ? zanni_demonitor (self, hold->monitor) : 0;
    (void) rc;   // one that has fired is over
    zanni__link_remove (&hold->link);
    zanni_ref_destroy (&hold->holder);
    zanni__free (hold);
}

static int
s_retain (zanni_t *self, zanni_msg_t *msg)
{
    s_server_t *server = zanni_state (self);
    zanni_blob_t blob;
    int rc = zanni_read (msg, &blob);
    s_hold_t *hold = rc ? NULL : zanni__calloc (sizeof *hold);
    if (!hold)
        return rc ? rc : ZANNI_ENOMEM;
    zanni__list_append (&server->holds, &hold->link);
    memcpy (hold->id, blob.id, sizeof hold->id);
    rc = zanni_ref_weak (self, &hold->holder, zanni_msg_from (msg));
    if (!rc)
        rc = zanni_monitor (self, &hold->monitor, hold->holder);
    if (!rc)
        rc = s_do (self, &blob, zanni__memory_retain);
    if (!rc)
        return zanni_reply (self, msg);
    s_end_hold (self, hold);
    return rc;
}

static int
s_release (zanni_t *self, zanni_msg_t *msg)
{
    s_server_t *server = zanni_state (self);
    zanni_blob_t blob;
    int rc = zanni_read (msg, &blob);
    if (rc)
        return rc;
    for (zanni__link_t *at = server->holds.next; at != &server->holds; at = at->next) {
        s_hold_t *hold = ZANNI__CONTAINER (at, s_hold_t, link);
        if (memcmp (hold->id, blob.id, sizeof hold->id) || !zanni_ref_equal (hold->holder, zanni_msg_from (msg)))
            continue;
        s_end_hold (self, hold);
        rc = s_do (self, &blob, zanni__memory_release);
        return rc ? rc : zanni_reply (self, msg);
    }
    return ZANNI_EINVAL;
}

/* What somebody held who has ended. */
static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    s_server_t *server = zanni_state (self);
    for (zanni__link_t *at = server->holds.next; at != &server->holds; at = at->next) {
        s_hold_t *hold = ZANNI__CONTAINER (at, s_hold_t, link);
        if (hold->monitor != down->monitor)
            continue;
        zanni_blob_t blob;
        memcpy (blob.id, hold->id, sizeof blob.id);
        (void) s_do (self, &blob, zanni__memory_release);
        s_end_hold (self, hold);
        return;
    }
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_server_t *server = zanni_state (self);
    uint64_t home;
    int rc = zanni_read (msg, &home);
    if (rc)
        return rc;
    server->home = (zanni__home_t *) (uintptr_t) home;
    zanni__link_init (&server->holds);
    zanni__link_init (&server->waiters);
    rc = zanni_watch (self, &server->watch, zanni__home_wake_fd (server->home), ZANNI_READABLE, "zanni.changed");
    if (rc)
        zanni__home_unuse (server->home);   // who does not start is not stopped
    return rc;
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_server_t *server = zanni_state (self);
    (void) reason;
    while (!zanni__list_empty (&server->waiters))
        s_end_waiter (ZANNI__CONTAINER (server->waiters.next, s_waiter_t, link));
    while (!zanni__list_empty (&server->holds))
        s_end_hold (self, ZANNI__CONTAINER (server->holds.next, s_hold_t, link));
    int rc = zanni_watch_cancel (self, server->watch);
    (void) rc;   // it has ended already
    zanni__home_unuse (server->home);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("get", "K", "tB", s_get, "The checksum and the bytes of a blob."),
    ZANNI_METHOD ("read", "Ktt", "tbB", s_read, "Some bytes from an offset on, at most so many: how many, whether its put goes on."),
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

/* Under the lock of all homes, so once. */
int
zanni__home_serve (zanni_t *self, zanni_ref_t **server_p, zanni__home_t *home)
{
    static zanni__class_t *cls;
    static const zanni_spawn_t options = { .place = ZANNI_THREAD };
    const zanni_arg_t start = zanni_arg_uint ((uint64_t) (uintptr_t) home);
    const zanni__words_t words = { NULL, &start, 1 };
    int rc = cls ? 0 : zanni__class_make (&cls, &s_definition);
    if (rc)
        return rc;
    zanni__home_use (home);
    rc = zanni__spawn (self, server_p, cls, &options, &words);
    if (rc)
        zanni__home_unuse (home);
    return rc;
}
