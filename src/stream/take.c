/* The consumer's side of a stream, which counts nothing: a MARK is answered when it is handled, so behind all the
   items before it.

   An actor's inlets hang in a table of their keys; who sent what comes is compared, too, so that nobody speaks for
   another and two producers may have the same key. What comes for a stream that is not there any more is passed over:
   it was on its way. A stream that ended here before its WAIT came is kept until then, for that is what has to be
   answered. */

#include "stream.h"

#include "../base/memory.h"
#include "../base/table.h"

#include <stdio.h>

#define S_INLETS_MAX 65536   // of one actor

typedef struct {
    zanni_stream_t base;
    zanni__entry_t entry;
    zanni_inlet_t inlet;
    uint64_t monitor;        // of the producer
    zanni_msg_t *wait;       // its WAIT, which ends with the stream; NULL: it has not come yet
    bool over;               // by this side: `error` is what the WAIT is answered with
    zanni_error_t error;
} s_consumer_t;

/* All of an actor. */
typedef struct {
    zanni__annex_t annex;
    zanni__table_t table;
} s_inlets_t;

static s_consumer_t *
s_consumer_at (zanni__entry_t *entry)
{
    return ZANNI__CONTAINER (entry, s_consumer_t, entry);
}

static s_consumer_t *
s_find (const zanni_t *self, uint64_t key, const zanni_ref_t *peer)
{
    const s_inlets_t *inlets = self->more ? self->more->inlets : NULL;
    uint64_t hash = zanni__spread (key);
    zanni__entry_t *entry = inlets ? zanni__table_find (&inlets->table, hash) : NULL;
    for (; entry; entry = zanni__table_again (entry->next, hash))
        if (s_consumer_at (entry)->base.key == key && zanni_ref_equal (s_consumer_at (entry)->base.peer, peer))
            return s_consumer_at (entry);
    return NULL;
}

static void
s_free (s_consumer_t *consumer)
{
    s_inlets_t *inlets = consumer->base.self->more->inlets;
    zanni__table_remove (&inlets->table, &consumer->entry);
    zanni_msg_destroy (&consumer->wait);
    zanni_ref_destroy (&consumer->base.peer);
    zanni__free (consumer);
}

/* The actor has ended: so have its monitors, and what it kept was answered and is gone. */
static void
s_end_annex (zanni__annex_t *annex)
{
    uint32_t at = 0;
    zanni__entry_t *entry;
    s_inlets_t *inlets = ZANNI__CONTAINER (annex, s_inlets_t, annex);
    while ((entry = zanni__table_first (&inlets->table, &at))) {
        s_consumer_t *consumer = s_consumer_at (entry);
        consumer->wait = NULL;
        s_free (consumer);
    }
    zanni__table_free (&inlets->table);
    zanni__free (inlets);
}

static s_inlets_t *
s_inlets (zanni_t *self)
{
    zanni__more_t *more = zanni__more (self);
    if (!more || more->inlets)
        return more ? more->inlets : NULL;
    s_inlets_t *inlets = zanni__calloc (sizeof *inlets);
    if (!inlets)
        return NULL;
    inlets->annex.end = s_end_annex;
    zanni__hook_insert (&more->annexes, &inlets->annex.hook);
    more->inlets = inlets;
    return inlets;
}

/* The stream is over, by this side or the other; the producer hears of it by its WAIT. */
static void
s_over (s_consumer_t *consumer, const zanni_error_t *error, bool tells)
{
    zanni_t *self = consumer->base.self;
    zanni_stream_ended_fn *ended = consumer->over ? NULL : consumer->inlet.ended;
    consumer->over = true;
    if (error && !consumer->error.code)
        consumer->error = (zanni_error_t) { .code = error->code, .app_code = error->app_code, .origin = error->origin };
    if (error)
        snprintf (consumer->error.text, sizeof consumer->error.text, "%s", error->text);
    if (ended && tells)
        ended (self, &consumer->base, error);
}

/* Its monitor must not call back any more. */
static void
s_unwatch (s_consumer_t *consumer)
{
    zanni_t *self = consumer->base.self;
    zanni__pending_t *pending = zanni__pending_find (self->worker, consumer->monitor);
    if (zanni_demonitor (self, consumer->monitor) && pending)   // no memory to say so: its DOWN comes, to nobody
        zanni__pending_free (self->worker, pending);
}

/* Frees a stream that is over once its WAIT has come; it is answered as this side wants. */
static void
s_close (s_consumer_t *consumer, bool well)
{
    zanni_t *self = consumer->base.self;
    if (!consumer->wait)
        return;
    int rc = well ? zanni_reply (self, consumer->wait, zanni_arg_list (NULL, 0))
                  : zanni_pass (self, consumer->wait, &consumer->error);
    (void) rc;   // without memory the message itself goes back
    s_unwatch (consumer);
    s_free (consumer);
}

/* Its producer, or the way there, is gone. */
static void
s_lose (s_consumer_t *consumer, int code, const char *why)
{
    zanni_error_t error = { .code = code };
    snprintf (error.text, sizeof error.text, "producer down: %s", why);
    s_over (consumer, &error, true);
    s_free (consumer);
}

static void
s_is_down (zanni_t *self, const zanni_down_t *down, void *arg)
{
    char why [160];
    int code = down->reason.kind == ZANNI_EXIT_NO_CONNECTION ? ZANNI_ENODE : ZANNI_EDOWN;
    (void) self;
    s_lose (arg, code, zanni_reason_string (&down->reason, why, sizeof why));
}

static int
s_new (zanni_t *self, s_consumer_t **consumer_p, uint64_t key, zanni_msg_t *msg)
{
    s_inlets_t *inlets = s_inlets (self);
    if (inlets && inlets->table.count >= S_INLETS_MAX)
        return ZANNI_EFULL;
    s_consumer_t *consumer = inlets ? zanni__calloc (sizeof *consumer) : NULL;
    int rc = consumer ? zanni_ref_weak (self, &consumer->base.peer, zanni_msg_from (msg)) : ZANNI_ENOMEM;
    if (rc) {
        zanni__free (consumer);
        return rc;
    }
    consumer->base.self = self;
    consumer->base.key = key;
    rc = zanni__monitor_then (self, &consumer->monitor, consumer->base.peer, s_is_down, consumer);
    if (!rc && !zanni__table_put (&inlets->table, &consumer->entry, zanni__spread (key))) {
        s_unwatch (consumer);
        rc = ZANNI_ENOMEM;
    }
    if (rc) {
        zanni_ref_destroy (&consumer->base.peer);
        zanni__free (consumer);
        return rc;
    }
    *consumer_p = consumer;
    return 0;
}

static void
s_undo (s_consumer_t *consumer)
{
    s_unwatch (consumer);
    s_free (consumer);
}

static int
s_set_inlet (s_consumer_t *consumer, const zanni_inlet_t *inlet)
{
    consumer->inlet = *inlet;
    if (!consumer->inlet.items)
        consumer->inlet.items = ZANNI__STREAM_ITEMS;
    if (!consumer->inlet.bytes)
        consumer->inlet.bytes = ZANNI__STREAM_BYTES;
    return consumer->inlet.items <= ZANNI__STREAM_ITEMS_MAX ? 0 : ZANNI_EINVAL;
}

/* An OPEN, which is read up to the further arguments. */
static int
s_open (zanni_t *self, uint64_t key, zanni_msg_t *msg, const zanni_inlet_t *inlet)
{
    s_consumer_t *consumer;
    if (zanni_msg_kind (msg) != ZANNI_MSG_ASK || s_find (self, key, zanni_msg_from (msg)))
        return ZANNI_EINVAL;
    int rc = s_new (self, &consumer, key, msg);
    if (rc)
        return rc;
    rc = s_set_inlet (consumer, inlet);
    if (!rc && inlet->opened)
        rc = inlet->opened (self, &consumer->base, msg);
    if (rc) {
        s_undo (consumer);
        return rc;
    }
    rc = zanni_reply (self, msg, ZANNI_LIST (consumer->inlet.items, consumer->inlet.bytes));
    if (rc) {   // who has opened it hears of its end
        zanni_error_t error = { .code = rc };
        snprintf (error.text, sizeof error.text, "%s", zanni_strerror (rc));
        s_over (consumer, &error, true);
        s_undo (consumer);
    }
    return rc;
}

static int
s_wait (s_consumer_t *consumer, zanni_msg_t *msg)
{
    if (zanni_msg_kind (msg) != ZANNI_MSG_ASK || consumer->wait)
        return ZANNI_EINVAL;
    int rc = zanni_msg_keep (&consumer->wait, msg);
    if (!rc && consumer->over)
        s_close (consumer, false);
    return rc;
}

/* What came of the stream could not be handled: it ends with that. */
static void
s_fail (s_consumer_t *consumer, const zanni_msg_t *msg, int rc)
{
    const char *fault = zanni_msg_fault (msg);
    zanni_error_t error = { .code = rc, .origin = zanni_ref_address (zanni_self (consumer->base.self)) };
    snprintf (error.text, sizeof error.text, "%s%s%s", zanni_strerror (rc), *fault ? ": " : "", fault);
    s_over (consumer, &error, true);
    s_close (consumer, false);
}

static int
s_item (s_consumer_t *consumer, zanni_msg_t *msg)
{
    zanni_t *self = consumer->base.self;
    uint64_t key = consumer->base.key;
    if (consumer->over)
        return 0;
    int rc = consumer->inlet.item (self, &consumer->base, msg);
    bool there = rc < 0 && s_find (self, key, zanni_msg_from (msg)) == consumer;   // it may have been cancelled
    if (there && !consumer->over)
        s_fail (consumer, msg, rc);
    return 0;
}

/* Behind all items: the producer has ended the stream, for itself or with an error. */
static int
s_end (s_consumer_t *consumer, zanni_msg_t *msg, size_t count)
{
    zanni_error_t error = { .origin = zanni_ref_address (zanni_msg_from (msg)) };
    const char *text = "";
    if (consumer->over)
        return 0;   // its WAIT is answered with that
    int rc = count ? zanni_read (msg, &error.code, &error.app_code, &text) : 0;
    if (rc || (count && error.code >= 0)) {
        s_fail (consumer, msg, rc ? rc : ZANNI_EINVAL);
        return rc ? rc : ZANNI_EINVAL;
    }
    snprintf (error.text, sizeof error.text, "%s", text);
    s_over (consumer, count ? &error : NULL, true);
    s_close (consumer, true);
    return 0;
}

static int
s_gone (s_consumer_t *consumer, zanni_msg_t *msg)
{
    const char *why;
    int rc = zanni_read (msg, &why);
    if (rc)
        return rc;
    s_unwatch (consumer);
    s_lose (consumer, ZANNI_EDOWN, why);
    return 0;
}

static int
s_handle (s_consumer_t *consumer, unsigned char kind, zanni_msg_t *msg, size_t count)
{
    switch (kind) {
    case ZANNI__WAIT:
        return s_wait (consumer, msg);
    case ZANNI__ITEM:
        return s_item (consumer, msg);
    case ZANNI__MARK:
        return zanni_reply (consumer->base.self, msg, zanni_arg_list (NULL, 0));
    case ZANNI__END:
        return s_end (consumer, msg, count);
    case ZANNI__GONE:
        return s_gone (consumer, msg);
    default:
        return ZANNI_EINVAL;
    }
}

int
zanni_stream_take (zanni_t *self, zanni_msg_t *msg, const zanni_inlet_t *inlet)
{
    uint64_t key;
    unsigned char kind;
    size_t count = 0;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!msg || !inlet || !inlet->item)
        return ZANNI_EINVAL;
    rc = zanni_read (msg, &key, &kind);
    if (rc)
        return rc;
    s_consumer_t *consumer = s_find (self, key, zanni_msg_from (msg));
    rc = zanni_enter (msg, &count);
    if (rc && consumer && !consumer->over && zanni_msg_kind (msg) == ZANNI_MSG_TELL)
        s_fail (consumer, msg, rc);
    if (rc)
        return rc;
    if (kind == ZANNI__OPEN)
        return s_open (self, key, msg, inlet);
    if (consumer)
        return s_handle (consumer, kind, msg, count);
    return zanni_msg_kind (msg) == ZANNI_MSG_ASK ? ZANNI_ECANCELED : 0;
}

int
zanni_stream_cancel (zanni_t *self, zanni_stream_t *stream, int64_t code, const char *text)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!stream || stream->pushes || stream->self != self)
        return ZANNI_EINVAL;
    s_consumer_t *consumer = (s_consumer_t *) (void *) stream;
    if (consumer->over)
        return ZANNI_ECLOSED;
    zanni_error_t error = { .code = ZANNI_EAPP, .app_code = code, .origin = zanni_ref_address (zanni_self (self)) };
    snprintf (error.text, sizeof error.text, "%s", text ? text : "");
    s_over (consumer, &error, false);
    s_close (consumer, false);
    return 0;
}

void
zanni_stream_set_data (zanni_stream_t *stream, void *data)
{
    if (stream)
        stream->data = data;
}

void *
zanni_stream_data (const zanni_stream_t *stream)
{
    return stream ? stream->data : NULL;
}

const zanni_ref_t *
zanni_stream_peer (const zanni_stream_t *stream)
{
    return stream ? stream->peer : NULL;
}
