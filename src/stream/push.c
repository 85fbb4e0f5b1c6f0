/* The producer's side of a stream.

   Credit is counted here alone: what was sent, and what the consumer has handled. To learn that, a MARK goes behind
   the items, once half of the credit is used since the last one, and whenever a push finds no credit; its answer says
   that all before it was handled. So an item costs one tell, and the consumer counts nothing. One MARK is under way
   at a time.

   Whatever finds the consumer's mailbox, or the window to its node, full waits for room there, and goes on in order:
   WAIT, items that wait, END or MARK.

   Callbacks of asks and monitors lead to the stream, so it is freed when it was let go of and none of them is due. */

#include "stream.h"

#include "../base/memory.h"

#include <stdio.h>

#define S_ARGS_MAX 3

typedef enum { S_OPENING, S_OPEN, S_OVER } s_state_t;

typedef struct {
    zanni_stream_t base;
    zanni__annex_t annex;
    zanni_stream_options_t options;
    char *method;
    s_state_t state;
    uint32_t due;            // callbacks that are to come
    bool free;               // its handle was destroyed
    bool refused;            // a push was
    bool awaits_room;
    bool waits;              // WAIT was sent
    bool marks;              // a MARK is under way
    bool ends;               // END is to be sent,
    bool ended;              // and was
    zanni_error_t error;     // what END says; code 0: nothing
    uint32_t window_items;
    uint64_t window_bytes;
    uint64_t sent_items;     // each of these counts from the beginning
    uint64_t sent_bytes;
    uint64_t marked_items;   // before the last MARK
    uint64_t marked_bytes;
    uint64_t handled_items;
    uint64_t handled_bytes;
    zanni__queue_t waiting;  // items, as messages
    uint32_t waiting_items;
    uint64_t waiting_bytes;
    uint64_t dropped;
} s_producer_t;

static s_producer_t *
s_producer (zanni_stream_t *stream)
{
    return (s_producer_t *) (void *) stream;
}

/* 0 where the calling thread may use the handle. */
static int
s_check (zanni_t *self, const zanni_stream_t *stream)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    return stream && stream->pushes && stream->self == self ? 0 : ZANNI_EINVAL;
}

static zanni_msg_t *
s_first (const s_producer_t *producer)
{
    return (zanni_msg_t *) (void *) producer->waiting.head;
}

/* The oldest that waits. */
static zanni_msg_t *
s_take_first (s_producer_t *producer)
{
    zanni_msg_t *msg = (zanni_msg_t *) (void *) zanni__queue_pop (&producer->waiting);
    producer->waiting_items--;
    producer->waiting_bytes -= msg->item.weight;
    return msg;
}

static void
s_forget_waiting (s_producer_t *producer)
{
    while (producer->waiting.head)
        zanni__msg_free (producer->base.self->worker, s_take_first (producer));
}

static void
s_free (s_producer_t *producer)
{
    s_forget_waiting (producer);
    zanni__hook_remove (&producer->annex.hook);
    zanni_ref_destroy (&producer->base.peer);
    zanni__free (producer->method);
    zanni__free (producer);
}

static int s_make (s_producer_t *producer, zanni_msg_t **msg_p, zanni__stream_kind_t kind, const zanni_arg_t *args,
                   size_t count);

/* The consumer, which has answered OPEN or will, is not to watch the next incarnation in place of this one. No limit of
   a mailbox keeps that back. */
static void
s_say_gone (s_producer_t *producer)
{
    zanni_t *self = producer->base.self;
    zanni_msg_t *msg;
    char text [128];
    const char *why = self->reason ? zanni_reason_string (self->reason, text, sizeof text) : "";
    if (s_make (producer, &msg, ZANNI__GONE, ZANNI_ARGS (why)))
        return;
    zanni__hold_borrowed (self->worker, msg, producer->base.peer);
    zanni__dispatch (self, msg);
}

static void
s_end_annex (zanni__annex_t *annex)
{
    s_producer_t *producer = ZANNI__CONTAINER (annex, s_producer_t, annex);
    if (producer->state == S_OPENING)
        s_say_gone (producer);
    s_free (producer);
}

static void
s_free_if_done (s_producer_t *producer)
{
    if (producer->free && producer->state == S_OVER && !producer->due)
        s_free (producer);
}

/* The stream is over. */
static void
s_over (s_producer_t *producer, const zanni_error_t *error)
{
    if (producer->state == S_OVER)
        return;
    producer->state = S_OVER;
    s_forget_waiting (producer);
    if (producer->free || !producer->options.ended)
        return;
    producer->due++;   // so that it is there until this is done
    producer->options.ended (producer->base.self, &producer->base, error);
    producer->due--;
}

static void
s_over_for (s_producer_t *producer, int code)
{
    zanni_error_t error = { .code = code };
    snprintf (error.text, sizeof error.text, "%s", zanni_strerror (code));
    s_over (producer, &error);
}

static bool
s_has_credit (const s_producer_t *producer, uint32_t weight)
{
    uint64_t items = producer->sent_items - producer->handled_items;
    uint64_t bytes = producer->sent_bytes - producer->handled_bytes;
    return producer->state == S_OPEN && items < producer->window_items
           && (!bytes || bytes + weight <= producer->window_bytes);
}

static bool
s_wants_mark (const s_producer_t *producer, bool blocked)
{
    uint64_t items = producer->sent_items - producer->marked_items;
    uint64_t bytes = producer->sent_bytes - producer->marked_bytes;
    if (producer->marks || !items)
        return false;
    return blocked || items >= (producer->window_items + 1) / 2 || bytes >= producer->window_bytes / 2;
}

static int
s_ask (s_producer_t *producer, zanni__stream_kind_t kind, const zanni_arg_t *args, size_t count, zanni_reply_fn *then)
{
    const zanni_ask_t ask = { .then = then, .arg = producer, .deadline_ms = -1 };
    const zanni_arg_t all [S_ARGS_MAX] = {
        ZANNI_ARG (producer->base.key), ZANNI_ARG ((unsigned char) kind), zanni_arg_list (args, count)
    };
    int rc = zanni_ask_args (producer->base.self, producer->base.peer, &ask, producer->method, all, S_ARGS_MAX);
    producer->due += !rc;
    return rc;
}

static void s_go_on (s_producer_t *producer);

static void
s_has_room (zanni_t *self, const zanni_down_t *down, void *arg)
{
    s_producer_t *producer = arg;
    (void) self, (void) down;
    producer->due--;
    producer->awaits_room = false;
    s_go_on (producer);
}

/* What cannot be sent for want of room there, or of memory here, waits. */
static void
s_await_room (s_producer_t *producer)
{
    if (producer->awaits_room)
        return;
    int rc = zanni__room_then (producer->base.self, producer->base.peer, s_has_room, producer);
    producer->awaits_room = !rc;
    producer->due += !rc;
    if (rc)
        s_over_for (producer, rc);
}

/* The answer of WAIT. */
static void
s_was_waited (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    s_producer_t *producer = arg;
    zanni_error_t error;
    (void) self;
    producer->due--;
    s_over (producer, zanni_msg_error (reply, &error) ? NULL : &error);
    s_free_if_done (producer);
}

static void
s_was_handled (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    s_producer_t *producer = arg;
    (void) self;
    producer->due--;
    producer->marks = false;
    if (zanni_msg_kind (reply) == ZANNI_MSG_REPLY) {
        producer->handled_items = producer->marked_items;
        producer->handled_bytes = producer->marked_bytes;
    }
    else {   // the consumer had no memory for an answer: once more. Or it has ended: WAIT says so
        producer->marked_items = producer->handled_items;
        producer->marked_bytes = producer->handled_bytes;
    }
    s_go_on (producer);
}

static int
s_mark (s_producer_t *producer)
{
    int rc = s_ask (producer, ZANNI__MARK, NULL, 0, s_was_handled);
    if (rc)
        return rc;
    producer->marks = true;
    producer->marked_items = producer->sent_items;
    producer->marked_bytes = producer->sent_bytes;
    return 0;
}

static int
s_send_end (s_producer_t *producer)
{
    const zanni_error_t *error = &producer->error;
    const char *text = error->text;
    const zanni_arg_t what [] = { ZANNI_ARG (error->code), ZANNI_ARG (error->app_code), ZANNI_ARG (text) };
    const zanni_arg_t all [S_ARGS_MAX] = {
        ZANNI_ARG (producer->base.key), ZANNI_ARG ((unsigned char) ZANNI__END), zanni_arg_list (what, error->code ? 3 : 0)
    };
    int rc = zanni_tell_args (producer->base.self, producer->base.peer, producer->method, all, S_ARGS_MAX);
    producer->ended = !rc;
    return rc;
}

/* An item that the consumer's mailbox admits. */
static void
s_dispatch (s_producer_t *producer, zanni_msg_t *msg)
{
    zanni_t *self = producer->base.self;
    producer->sent_items++;
    producer->sent_bytes += msg->item.weight;
    msg->item.flags |= ZANNI__COUNTED;
    zanni__hold_borrowed (self->worker, msg, producer->base.peer);
    zanni__dispatch (self, msg);
}

static int
s_send_waiting (s_producer_t *producer)
{
    while (producer->waiting.head && s_has_credit (producer, s_first (producer)->item.weight)) {
        zanni_msg_t *msg = s_first (producer);
        int rc = zanni__admit (producer->base.self->worker, msg->to, msg->item.weight);
        if (rc)
            return rc;
        s_dispatch (producer, s_take_first (producer));
    }
    return 0;
}

static int
s_send_all (s_producer_t *producer)
{
    int rc = 0;
    if (!producer->waits) {
        rc = s_ask (producer, ZANNI__WAIT, NULL, 0, s_was_waited);
        producer->waits = !rc;
    }
    if (!rc)
        rc = s_send_waiting (producer);
    if (!rc && producer->ends && !producer->ended && !producer->waiting.head)
        rc = s_send_end (producer);
    uint32_t weight = producer->waiting.head ? s_first (producer)->item.weight : 0;
    bool blocked = (producer->refused || producer->waiting.head) && !s_has_credit (producer, weight);
    if (!rc && !producer->ended && s_wants_mark (producer, blocked))
        rc = s_mark (producer);
    return rc;
}

/* Sends what there is to send, and calls who waits for credit. */
static void
s_go_on (s_producer_t *producer)
{
    int rc = producer->state == S_OPEN ? s_send_all (producer) : 0;
    if (rc == ZANNI_EFULL || rc == ZANNI_ENOMEM)
        s_await_room (producer);   // any other error ends WAIT
    else if (rc && !producer->waits)
        s_over_for (producer, rc);
    if (!rc && producer->refused && !producer->ends && !producer->awaits_room && s_has_credit (producer, 0)) {
        producer->refused = false;
        producer->due++;
        if (producer->options.room && !producer->free)
            producer->options.room (producer->base.self, &producer->base);
        producer->due--;
    }
    s_free_if_done (producer);
}

/* The answer of OPEN. */
static void
s_was_opened (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    s_producer_t *producer = arg;
    zanni_error_t error;
    size_t count = 0;
    (void) self;
    producer->due--;
    if (!zanni_msg_error (reply, &error))
        s_over (producer, &error);
    else if (zanni_enter (reply, &count) || zanni_read (reply, &producer->window_items, &producer->window_bytes)
             || !producer->window_items)
        s_over_for (producer, ZANNI_EARGS);
    else {
        producer->state = S_OPEN;
        producer->refused |= producer->options.overflow == ZANNI_REJECT;   // nobody could push yet
    }
    s_go_on (producer);
}

static int
s_options (zanni_stream_options_t *options, const zanni_stream_options_t *given)
{
    *options = given ? *given : (zanni_stream_options_t) { 0 };
    if ((options->size && options->size != sizeof *options) || (unsigned) options->overflow > ZANNI_DROP_NEWEST)
        return ZANNI_EINVAL;
    if (!options->waiting_items)
        options->waiting_items = ZANNI__STREAM_WAITING;
    if (!options->waiting_bytes)
        options->waiting_bytes = ZANNI__STREAM_BYTES;
    return 0;
}

static int
s_new (zanni_t *self, s_producer_t **producer_p, const zanni_ref_t *ref, const char *method)
{
    size_t size = strlen (method) + 1;
    s_producer_t *producer = zanni__calloc (sizeof *producer);
    char *name = producer ? zanni__malloc (size) : NULL;
    int rc = name && zanni__more (self) ? zanni_ref_weak (self, &producer->base.peer, ref) : ZANNI_ENOMEM;
    if (rc) {
        zanni__free (name);
        zanni__free (producer);
        return rc;
    }
    producer->method = memcpy (name, method, size);
    producer->base.self = self;
    producer->base.pushes = true;
    producer->base.key = ++self->worker->pending_serial;   // no other stream of this actor has it
    producer->annex.end = s_end_annex;
    zanni__hook_insert (&self->more->annexes, &producer->annex.hook);
    *producer_p = producer;
    return 0;
}

int
zanni_stream_open_args (zanni_t *self, zanni_stream_t **stream_p, const zanni_ref_t *ref,
                        const zanni_stream_options_t *options, const char *method, const zanni_arg_t *args, size_t count)
{
    s_producer_t *producer;
    zanni_stream_options_t own;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!stream_p || !ref || !method || (count && !args))
        return ZANNI_EINVAL;
    rc = s_options (&own, options);
    if (!rc)
        rc = s_new (self, &producer, ref, method);
    if (rc)
        return rc;
    producer->options = own;
    producer->base.data = own.data;
    rc = s_ask (producer, ZANNI__OPEN, args, count, s_was_opened);
    if (rc) {
        s_free (producer);
        return rc;
    }
    *stream_p = &producer->base;
    return 0;
}

/* Puts an item behind those that wait; what is over the limit goes. */
static void
s_keep (s_producer_t *producer, zanni_msg_t *msg)
{
    zanni_worker_t *worker = producer->base.self->worker;
    const zanni_stream_options_t *options = &producer->options;
    while (producer->waiting_items
           && (producer->waiting_items >= options->waiting_items
               || producer->waiting_bytes + msg->item.weight > options->waiting_bytes)) {
        producer->dropped++;
        if (options->overflow == ZANNI_DROP_NEWEST) {
            zanni__msg_free (worker, msg);
            return;
        }
        zanni__msg_free (worker, s_take_first (producer));
    }
    zanni__queue_push (&producer->waiting, &msg->item);
    producer->waiting_items++;
    producer->waiting_bytes += msg->item.weight;
}

static int
s_make (s_producer_t *producer, zanni_msg_t **msg_p, zanni__stream_kind_t kind, const zanni_arg_t *args, size_t count)
{
    zanni_t *self = producer->base.self;
    zanni__identity_t *to;
    const zanni_arg_t all [S_ARGS_MAX] = {
        ZANNI_ARG (producer->base.key), ZANNI_ARG ((unsigned char) kind), zanni_arg_list (args, count)
    };
    const zanni__words_t words = { producer->method, all, S_ARGS_MAX };
    int rc = zanni__target (self->worker, &to, producer->base.peer);
    return rc ? rc : zanni__msg_make (self, msg_p, to, &words);
}

/* An item is not sent now: it waits, or is refused. */
static int
s_put_off (s_producer_t *producer, zanni_msg_t *msg, bool no_room)
{
    bool rejects = producer->options.overflow == ZANNI_REJECT;
    if (rejects) {
        zanni__msg_free (producer->base.self->worker, msg);
        producer->refused = true;
    }
    else
        s_keep (producer, msg);
    if (no_room)
        s_await_room (producer);
    else if (producer->state == S_OPEN && s_wants_mark (producer, true) && s_mark (producer))
        s_await_room (producer);
    return rejects ? ZANNI_EFULL : 0;
}

int
zanni_push_args (zanni_t *self, zanni_stream_t *stream, const zanni_arg_t *args, size_t count)
{
    zanni_msg_t *msg;
    int rc = s_check (self, stream);
    if (rc)
        return rc;
    s_producer_t *producer = s_producer (stream);
    if (count && !args)
        return ZANNI_EINVAL;
    if (producer->state == S_OVER || producer->ends)
        return ZANNI_ECLOSED;
    rc = s_make (producer, &msg, ZANNI__ITEM, args, count);
    if (rc)
        return rc;
    if (producer->waiting.head || !s_has_credit (producer, msg->item.weight))
        return s_put_off (producer, msg, false);
    rc = zanni__admit (self->worker, msg->to, msg->item.weight);
    if (rc == ZANNI_EFULL)
        return s_put_off (producer, msg, true);
    if (rc) {
        zanni__msg_free (self->worker, msg);
        return rc;
    }
    s_dispatch (producer, msg);
    if (s_wants_mark (producer, false) && s_mark (producer) == ZANNI_EFULL)
        s_await_room (producer);
    return 0;
}

static int
s_end_with (zanni_t *self, zanni_stream_t *stream, const zanni_error_t *error)
{
    int rc = s_check (self, stream);
    if (rc)
        return rc;
    s_producer_t *producer = s_producer (stream);
    if (producer->state == S_OVER || producer->ends)
        return ZANNI_ECLOSED;
    producer->ends = true;
    producer->error = *error;
    s_go_on (producer);
    return 0;
}

int
zanni_stream_end (zanni_t *self, zanni_stream_t *stream)
{
    return s_end_with (self, stream, &(zanni_error_t) { 0 });
}

int
zanni_stream_fail (zanni_t *self, zanni_stream_t *stream, int64_t code, const char *text)
{
    zanni_error_t error = { .code = ZANNI_EAPP, .app_code = code };
    snprintf (error.text, sizeof error.text, "%s", text ? text : "");
    return s_end_with (self, stream, &error);
}

uint64_t
zanni_stream_dropped (const zanni_stream_t *stream)
{
    return stream && stream->pushes ? ((const s_producer_t *) (const void *) stream)->dropped : 0;
}

void
zanni_stream_destroy (zanni_stream_t **stream_p)
{
    if (!stream_p || !*stream_p)
        return;
    zanni_stream_t *stream = *stream_p;
    zanni_t *self = stream->self;
    *stream_p = NULL;
    if (!stream->pushes || zanni__check_thread (self)) {
        zanni__log (self->worker->node, ZANNI_LOG_ERROR, "a stream was destroyed that is not the calling actor's own");
        return;
    }
    s_producer_t *producer = s_producer (stream);
    producer->free = true;
    if (producer->state == S_OVER || producer->ends) {
        s_free_if_done (producer);
        return;
    }
    s_forget_waiting (producer);
    producer->ends = true;
    producer->error = (zanni_error_t) { .code = ZANNI_ECANCELED };
    snprintf (producer->error.text, sizeof producer->error.text, "%s", zanni_strerror (ZANNI_ECANCELED));
    s_go_on (producer);
}
