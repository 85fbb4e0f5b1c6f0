/* Weak handles of buffers: they do not keep one, but get it back as long as somebody does.

   A buffer knows a weak handle only when one was asked for: then a small block is attached to it, which both count. The
   block has a lock under which the buffer behind it is looked at: whoever gets it takes a count unless there is none
   left, and whoever gave the last count back takes the buffer out before its memory goes. So keeping and giving back a
   buffer are what they were, one atomic addition each; only the last one looks whether there is a block. A count beside
   the count, as shared pointers of other languages have it, would have cost every buffer that nobody watches.

   Who gets a buffer from a weak handle is a second holder, at any time: so asking for one seals it. */

#include "buffer.h"

#include "../base/assert.h"
#include "../base/memory.h"
#include <pthread.h>

struct zanni_weak {
    pthread_mutex_t lock;
    zanni_buffer_t *buffer;    // NULL: gone. With the lock
    _Atomic uint32_t users;    // handles, and the buffer; the last release (acq_rel) frees
};

static void
s_drop (zanni_weak_t *weak)
{
    if (atomic_fetch_sub_explicit (&weak->users, 1, memory_order_acq_rel) > 1)
        return;
    pthread_mutex_destroy (&weak->lock);
    zanni__free (weak);
}

static zanni_weak_t *
s_new (zanni_buffer_t *buffer)
{
    zanni_weak_t *weak = zanni__malloc (sizeof *weak);
    if (!weak)
        return NULL;
    pthread_mutex_init (&weak->lock, NULL);
    weak->buffer = buffer;
    atomic_init (&weak->users, 1);
    return weak;
}

/* The block of a buffer, made where there is none; NULL: out of memory. Two threads may come here at once. */
static zanni_weak_t *
s_attach (zanni_buffer_t *buffer)
{
    /* Acquire: pairs with the exchange below, so that the block is there. */
    zanni_weak_t *known = atomic_load_explicit (&buffer->weak, memory_order_acquire);
    if (known)
        return known;
    zanni_weak_t *own = s_new (buffer);
    if (!own)
        return NULL;
    if (atomic_compare_exchange_strong_explicit (&buffer->weak, &known, own, memory_order_acq_rel,
                                                 memory_order_acquire))
        return own;
    s_drop (own);
    return known;
}

int
zanni_buffer_weak (zanni_weak_t **weak_p, const zanni_buffer_t *buffer)
{
    zanni_buffer_t *held = (zanni_buffer_t *) (uintptr_t) buffer;
    if (!buffer)
        return ZANNI_EINVAL;
    zanni_weak_t *weak = s_attach (held);
    if (!weak)
        return ZANNI_ENOMEM;
    atomic_store_explicit (&held->sealed, true, memory_order_relaxed);   // as zanni_buffer_keep does
    atomic_fetch_add_explicit (&weak->users, 1, memory_order_relaxed);   // the buffer's count keeps the block
    *weak_p = weak;
    return 0;
}

/* One more count, unless there is none any more. */
static bool
s_revive (zanni_buffer_t *buffer)
{
    uint32_t users = atomic_load_explicit (&buffer->users, memory_order_relaxed);
    while (users) {
        zanni__assert (users < UINT32_MAX);
        /* Acquire: what holders did before they let go is seen, as by one who got the buffer from them. */
        if (atomic_compare_exchange_weak_explicit (&buffer->users, &users, users + 1, memory_order_acquire,
                                                   memory_order_relaxed))
            return true;
    }
    return false;
}

int
zanni_weak_get (zanni_buffer_t **buffer_p, zanni_weak_t *weak)
{
    pthread_mutex_lock (&weak->lock);
    zanni_buffer_t *buffer = weak->buffer;
    bool there = buffer && s_revive (buffer);
    pthread_mutex_unlock (&weak->lock);
    if (!there)
        return ZANNI_EGONE;
    *buffer_p = buffer;
    return 0;
}

zanni_weak_t *
zanni_weak_keep (zanni_weak_t *weak)
{
    /* Relaxed: the caller's own handle keeps the block meanwhile. */
    if (weak)
        atomic_fetch_add_explicit (&weak->users, 1, memory_order_relaxed);
    return weak;
}

void
zanni_weak_destroy (zanni_weak_t **weak_p)
{
    if (!weak_p || !*weak_p)
        return;
    zanni_weak_t *weak = *weak_p;
    *weak_p = NULL;
    s_drop (weak);
}

void
zanni__weak_end (zanni_buffer_t *buffer)
{
    zanni_weak_t *weak = atomic_load_explicit (&buffer->weak, memory_order_relaxed);
    zanni__assert (!atomic_load_explicit (&buffer->users, memory_order_relaxed));
    pthread_mutex_lock (&weak->lock);
    weak->buffer = NULL;
    pthread_mutex_unlock (&weak->lock);
    s_drop (weak);
}
