/* queue.h: whatever can lie in a mailbox or travel between workers begins with an item.

   A message is an item, and so is a dropped reference: it queues by itself, behind what its holder sent, and needs
   no memory to do so. A queue is a singly linked list with a tail; an item is in one queue at a time, whose thread
   alone touches it. */

#ifndef ZANNI_BASE_QUEUE_H
#define ZANNI_BASE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

typedef struct zanni__item {
    struct zanni__item *next;
    uint8_t kind;      // zanni__kind_t
    uint8_t flags;
    uint16_t holds;    // who needs a message: its queue or handler, and zanni_msg_keep
    uint32_t weight;   // bytes it counts for in a mailbox
} zanni__item_t;

typedef struct {
    zanni__item_t *head;
    zanni__item_t *tail;   // undefined while head is NULL
} zanni__queue_t;

static inline void
zanni__queue_push (zanni__queue_t *queue, zanni__item_t *item)
{
    item->next = NULL;
    if (queue->head)
        queue->tail->next = item;
    else
        queue->head = item;
    queue->tail = item;
}

static inline void
zanni__queue_push_front (zanni__queue_t *queue, zanni__item_t *item)
{
    item->next = queue->head;
    if (!queue->head)
        queue->tail = item;
    queue->head = item;
}

static inline zanni__item_t *
zanni__queue_pop (zanni__queue_t *queue)
{
    zanni__item_t *item = queue->head;
    if (item)
        queue->head = item->next;
    return item;
}

/* Puts `item` behind `before`, which is in the queue; NULL: at its front. */
static inline void
zanni__queue_insert (zanni__queue_t *queue, zanni__item_t *before, zanni__item_t *item)
{
    if (!before) {
        zanni__queue_push_front (queue, item);
        return;
    }
    item->next = before->next;
    before->next = item;
    if (queue->tail == before)
        queue->tail = item;
}

/* Takes `item` out, which is behind `before`; NULL: at the front. */
static inline void
zanni__queue_unlink (zanni__queue_t *queue, zanni__item_t *before, zanni__item_t *item)
{
    if (before)
        before->next = item->next;
    else
        queue->head = item->next;
    if (queue->tail == item)
        queue->tail = before;
}

/* Puts all of `other` before `queue`; `other` is empty then. */
static inline void
zanni__queue_prepend (zanni__queue_t *queue, zanni__queue_t *other)
{
    if (!other->head)
        return;
    other->tail->next = queue->head;
    if (!queue->head)
        queue->tail = other->tail;
    queue->head = other->head;
    other->head = NULL;
}

/* Takes everything out of `queue`, as a chain. */
static inline zanni__item_t *
zanni__queue_take (zanni__queue_t *queue)
{
    zanni__item_t *chain = queue->head;
    queue->head = NULL;
    return chain;
}

#endif
