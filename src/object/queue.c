/* zanni.queue and zanni.joinable_queue: items go in at the end and out at the front, each to one actor.

   An item that was given by a ticket stays with the wait that got it until its client says that it came; it goes back
   to the front when the client gave up or ended before. An item that was put by a ticket knows the wait that put it,
   for as long as its client may not know yet that it is in: where that gave up, the item is taken out again, unless
   somebody has got it by then. What an actor put that has ended stays. */

#include "classes.h"
#include "kept.h"
#include "waiting.h"

#include "../base/memory.h"

#include <inttypes.h>
#include <zanni/message.h>

typedef struct {
    zanni__link_t link;
    zanni__kept_t *value;
    uint64_t serial;      // in the order in which they came in
    zanni__wait_t *put;   // which may be undone; or NULL
} s_item_t;

typedef struct {
    zanni__waiting_t waiting;
    zanni__link_t getters, putters, joiners;
    zanni__link_t items;
    int64_t count;
    int64_t most;         // 0: any number
    int64_t unfinished;   // that were put and not done
    zanni__link_t *back;  // the item that was put back last, if it is in; or NULL
    uint64_t serial;
} s_queue_t;

static void
s_free (void *item)
{
    zanni__kept_drop (((s_item_t *) item)->value);
    zanni__free (item);
}

/* Nothing can be undone any more about how it came in. */
static void
s_is_in (s_item_t *item)
{
    if (item->put)
        item->put->item = NULL;
    item->put = NULL;
}

static void
s_take_out (s_queue_t *queue, s_item_t *item)
{
    if (queue->back == &item->link)
        queue->back = NULL;
    zanni__link_remove (&item->link);
    queue->count--;
}

static uint64_t
s_serial (const zanni__link_t *link)
{
    return ZANNI__CONTAINER (link, s_item_t, link)->serial;
}

/* To the front, but behind what came in before it and was put back, too. Most times its place is beside that of the
   one that was put back before it. */
static void
s_put_back (s_queue_t *queue, s_item_t *item)
{
    zanni__link_t *at = queue->back ? queue->back : queue->items.next;
    while (at != &queue->items && s_serial (at) < item->serial)
        at = at->next;
    while (at->prev != &queue->items && s_serial (at->prev) > item->serial)
        at = at->prev;
    zanni__list_append (at, &item->link);   // before that
    queue->back = &item->link;
    queue->count++;
}

/* The item of a wait for room goes in. */
static void
s_admit (s_queue_t *queue, zanni__wait_t *wait)
{
    s_item_t *item = wait->item;
    bool kept = wait->ticket != 0;
    if (zanni__wait_answer (&queue->waiting, wait, NULL, 0)) {
        s_free (item);
        return;
    }
    item->put = kept ? wait : NULL;
    item->serial = queue->serial++;
    zanni__list_append (&queue->items, &item->link);
    queue->count++;
    queue->unfinished++;
}

/* The first item goes to a wait for one. Where the answer cannot be made, the item stays. */
static void
s_give (s_queue_t *queue, zanni__wait_t *wait)
{
    s_item_t *item = ZANNI__CONTAINER (queue->items.next, s_item_t, link);
    bool kept = wait->ticket != 0;
    if (zanni__wait_answer (&queue->waiting, wait, &item->value->arg, 1))
        return;
    s_take_out (queue, item);
    s_is_in (item);
    if (kept)
        wait->item = item;
    else
        s_free (item);
}

static void
s_serve (zanni__waiting_t *waiting)
{
    s_queue_t *queue = (s_queue_t *) waiting;
    zanni__wait_t *wait;
    do {
        while ((!queue->most || queue->count < queue->most) && (wait = zanni__line_first (waiting, &queue->putters)))
            s_admit (queue, wait);
        wait = queue->count ? zanni__line_first (waiting, &queue->getters) : NULL;
        if (wait)
            s_give (queue, wait);
    } while (wait);
    while (!queue->unfinished && (wait = zanni__line_first (waiting, &queue->joiners))) {
        int rc = zanni__wait_answer (waiting, wait, NULL, 0);
        (void) rc;   // its client has the error
    }
}

/* `flag`: it puts. */
static void
s_late (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    s_queue_t *queue = (s_queue_t *) waiting;
    if (wait->flag) {
        s_free (wait->item);
        zanni__wait_fail (waiting, wait, ZANNI_ETIMEOUT, "timeout: the queue is full, with %" PRId64 " items, for"
                          " %" PRId64 " ms", queue->count, wait->timeout_ms);
    }
    else if (wait->count)
        zanni__wait_fail (waiting, wait, ZANNI_ETIMEOUT, "timeout: %" PRId64 " items are not done after %" PRId64
                          " ms", queue->unfinished, wait->timeout_ms);
    else
        zanni__wait_fail (waiting, wait, ZANNI_ETIMEOUT, "timeout: the queue is empty for %" PRId64 " ms",
                          wait->timeout_ms);
}

static void
s_gone (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    (void) waiting;
    if (wait->flag)
        s_free (wait->item);
    wait->item = NULL;
}

static void
s_back (zanni__waiting_t *waiting, zanni__wait_t *wait, bool ended)
{
    s_queue_t *queue = (s_queue_t *) waiting;
    s_item_t *item = wait->item;
    wait->item = NULL;
    if (!item)
        return;
    if (!wait->flag)
        s_put_back (queue, item);
    else if (ended)
        item->put = NULL;
    else {
        s_take_out (queue, item);
        s_free (item);
        queue->unfinished -= queue->unfinished > 0;   // somebody may have called it done
    }
}

static void
s_got (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    s_item_t *item = wait->item;
    (void) waiting;
    wait->item = NULL;
    if (item && wait->flag)
        item->put = NULL;
    else if (item)
        s_free (item);
}

static const zanni__waiting_ops_t s_ops = {
    .late = s_late, .back = s_back, .got = s_got, .gone = s_gone, .serve = s_serve
};

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_queue_t *queue = zanni_state (self);
    int rc = zanni_read (msg, &queue->most);
    if (!rc && queue->most < 0)
        rc = zanni__refuse (msg, ZANNI_EINVAL, "a queue cannot hold %" PRId64 " items at most: 0 is any number",
                            queue->most);
    zanni__waiting_begin (&queue->waiting, self, &s_ops);
    zanni__link_init (&queue->getters);
    zanni__link_init (&queue->putters);
    zanni__link_init (&queue->joiners);
    zanni__link_init (&queue->items);
    return rc;
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_queue_t *queue = zanni_state (self);
    (void) reason;
    if (!queue->waiting.self)
        return;
    while (!zanni__list_empty (&queue->items)) {
        s_item_t *item = ZANNI__CONTAINER (queue->items.next, s_item_t, link);
        zanni__link_remove (&item->link);
        s_is_in (item);
        s_free (item);
    }
    zanni__waiting_end (&queue->waiting, s_free);
}

static int
s_put (zanni_t *self, zanni_msg_t *msg)
{
    s_queue_t *queue = zanni_state (self);
    zanni__wait_t *wait;
    s_item_t *item = zanni__calloc (sizeof *item);
    if (!item)
        return ZANNI_ENOMEM;
    zanni__link_init (&item->link);
    int rc = zanni__kept_read (self, &item->value, msg);
    if (!rc)
        rc = zanni__wait_enter (&queue->waiting, &wait, msg, &queue->putters);
    if (rc) {
        s_free (item);
        return rc;
    }
    wait->item = item;
    wait->flag = true;
    return zanni__wait_stay (&queue->waiting);
}

static int
s_get (zanni_t *self, zanni_msg_t *msg)
{
    s_queue_t *queue = zanni_state (self);
    zanni__wait_t *wait;
    int rc = zanni__wait_enter (&queue->waiting, &wait, msg, &queue->getters);
    return rc ? rc : zanni__wait_stay (&queue->waiting);
}

static int
s_size (zanni_t *self, zanni_msg_t *msg)
{
    const s_queue_t *queue = zanni_state (self);
    return zanni_reply (self, msg, queue->count);
}

static int
s_task_done (zanni_t *self, zanni_msg_t *msg)
{
    s_queue_t *queue = zanni_state (self);
    (void) self;
    if (!queue->unfinished)
        return zanni__refuse (msg, ZANNI_EINVAL, "task_done: all items are done already");
    queue->unfinished--;
    s_serve (&queue->waiting);
    return 0;
}

static int
s_join (zanni_t *self, zanni_msg_t *msg)
{
    s_queue_t *queue = zanni_state (self);
    zanni__wait_t *wait;
    int rc = zanni__wait_enter (&queue->waiting, &wait, msg, &queue->joiners);
    if (rc)
        return rc;
    wait->count = 1;
    return zanni__wait_stay (&queue->waiting);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("put", "vxt", "", s_put, "At the end, when there is room."),
    ZANNI_METHOD ("get", "xt", "v", s_get, "The first item, when there is one."),
    ZANNI_METHOD ("size", "", "x", s_size, "How many items are in it."),
    ZANNI__WAITING_METHODS,
    ZANNI_METHOD_END
};

const zanni_class_t zanni__queue_class = {
    .name = "zanni.queue", .state_size = sizeof (s_queue_t), .methods = s_methods, .start_in = "x", .start = s_start,
    .stop = s_stop, .down = zanni__waiting_down, .text = "Items, each for one actor."
};

static const zanni_method_t s_joinable_methods [] = {
    ZANNI_METHOD ("task_done", "", "", s_task_done, "An item that was got is done."),
    ZANNI_METHOD ("join", "xt", "", s_join, "Until all that was put is done."),
    ZANNI_METHOD_END
};

const zanni_class_t zanni__joinable_class = {
    .name = "zanni.joinable_queue", .parent = "zanni.queue", .state_size = sizeof (s_queue_t),
    .methods = s_joinable_methods, .text = "Items, each for one actor, which says when it is done with it."
};
