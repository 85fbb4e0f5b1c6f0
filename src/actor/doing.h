/* doing.h: what a worker's thread is in, as other threads may see it: the log of a node that ends, and who asks what goes on.

   A method, or a class's hook, lives as long as the process, so a pointer to it is all that has to be said; it costs one
   store a message. Since when is not said: the worker's last look was a moment before, so that is what others take. */

#ifndef ZANNI_ACTOR_DOING_H
#define ZANNI_ACTOR_DOING_H

#include "worker.h"

/* NULL: nothing of the program's. On the worker's thread (relaxed: it is for people). */
ZANNI__INLINE void
zanni__doing (zanni_worker_t *worker, const zanni__method_t *method)
{
    atomic_store_explicit (&worker->doing, method, memory_order_relaxed);
}

static inline const zanni__method_t *
zanni__doing_what (const zanni_worker_t *worker)
{
    return atomic_load_explicit (&worker->doing, memory_order_relaxed);
}

static inline void
zanni__doing_hook (zanni_worker_t *worker, const zanni__identity_t *identity, zanni__hook_kind_t kind)
{
    const zanni__class_t *cls = atomic_load_explicit (&identity->cls, memory_order_relaxed);
    zanni__doing (worker, &cls->hooks [kind]);
}

#endif
