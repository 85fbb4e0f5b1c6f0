/* Pending things: see pending.h. The table hands out slots from a free list threaded through the array (a free slot
   holds the next free one's number, tagged by its lowest bit, which no pointer has). */

#include "pending.h"

#include "../base/memory.h"

#define ZANNI__PENDINGS_MAX (UINT32_C (1) << 24)

static zanni__pending_t *
s_free_slot (uint32_t next)
{
    return (zanni__pending_t *) (((uintptr_t) next << 1) | 1);
}

static bool
s_is_free (const zanni__pending_t *slot)
{
    return (uintptr_t) slot & 1;
}

static int
s_grow_table (zanni_worker_t *worker)
{
    uint32_t old = worker->pendings_size;
    uint32_t size = old ? old * 2 : 16;
    if (size > ZANNI__PENDINGS_MAX)
        return ZANNI_ETOOBIG;
    zanni__pending_t **slots = zanni__realloc (worker->pendings, size * sizeof *slots);
    if (!slots)
        return ZANNI_ENOMEM;
    worker->pendings = slots;
    worker->pendings_size = size;
    for (uint32_t i = old; i < size; i++)
        slots [i] = s_free_slot (i + 1 < size ? i + 2 : 0);
    worker->pendings_free = old + 1;
    return 0;
}

int
zanni__pending_new (zanni_t *self, zanni__pending_t **pending_p, zanni__pending_kind_t kind)
{
    zanni_worker_t *worker = self->worker;
    if (!worker->pendings_free) {
        int rc = s_grow_table (worker);
        if (rc)
            return rc;
    }
    zanni__pending_t *pending = zanni__calloc (sizeof *pending);
    if (!pending)
        return ZANNI_ENOMEM;
    uint32_t slot = worker->pendings_free - 1;
    worker->pendings_free = (uint32_t) ((uintptr_t) worker->pendings [slot] >> 1);
    worker->pendings [slot] = pending;
    pending->id = (++worker->pending_serial << 24) | slot;
    pending->actor = self;
    pending->kind = kind;
    zanni__hook_insert (&self->pendings, &pending->hook);
    *pending_p = pending;
    return 0;
}

zanni__pending_t *
zanni__pending_find (zanni_worker_t *worker, uint64_t id)
{
    uint32_t slot = (uint32_t) (id & (ZANNI__PENDINGS_MAX - 1));
    if (slot >= worker->pendings_size || s_is_free (worker->pendings [slot]))
        return NULL;
    zanni__pending_t *pending = worker->pendings [slot];
    return pending->id == id ? pending : NULL;
}

zanni__pending_t *
zanni__pending_at (const zanni_worker_t *worker, uint32_t slot)
{
    return s_is_free (worker->pendings [slot]) ? NULL : worker->pendings [slot];
}

static void
s_let_go (zanni_worker_t *worker, zanni__pending_t *pending)
{
    switch (pending->kind) {
    case ZANNI__AN_ASK:
        if (pending->as.ask.target)
            zanni__unhold_from (worker, pending->as.ask.target);
        if (pending->as.ask.answer)
            zanni__msg_release (worker, pending->as.ask.answer);
        break;
    case ZANNI__A_MONITOR:
        if (pending->as.monitor.target)
            zanni__unhold_from (worker, pending->as.monitor.target);
        break;
    case ZANNI__A_LINK:
        zanni__exit_forget (worker, pending);
        break;
    case ZANNI__A_TIMER:
        if (pending->as.timer.tick)
            zanni__msg_release (worker, pending->as.timer.tick);
        break;
    case ZANNI__A_WATCH:
        zanni__watch_release (worker, pending);
        break;
    }
}

void
zanni__pending_free (zanni_worker_t *worker, zanni__pending_t *pending)
{
    uint32_t slot = (uint32_t) (pending->id & (ZANNI__PENDINGS_MAX - 1));
    zanni__due_clear (worker, pending);
    zanni__hook_remove (&pending->hook);
    worker->pendings [slot] = s_free_slot (worker->pendings_free);
    worker->pendings_free = slot + 1;
    s_let_go (worker, pending);
    zanni__free (pending);
}

static void
s_place (zanni_worker_t *worker, uint32_t at, zanni__pending_t *pending)
{
    worker->heap [at] = pending;
    pending->heap_at = at + 1;
}

static void
s_sift_up (zanni_worker_t *worker, uint32_t at, zanni__pending_t *pending)
{
    while (at) {
        uint32_t parent = (at - 1) / 4;
        if (worker->heap [parent]->due_ns <= pending->due_ns)
            break;
        s_place (worker, at, worker->heap [parent]);
        at = parent;
    }
    s_place (worker, at, pending);
}

static void
s_sift_down (zanni_worker_t *worker, uint32_t at, zanni__pending_t *pending)
{
    for (;;) {
        uint32_t child = at * 4 + 1;
        uint32_t end = child + 4 < worker->heap_count ? child + 4 : worker->heap_count;
        if (child >= worker->heap_count)
            break;
        for (uint32_t other = child + 1; other < end; other++)
            if (worker->heap [other]->due_ns < worker->heap [child]->due_ns)
                child = other;
        if (worker->heap [child]->due_ns >= pending->due_ns)
            break;
        s_place (worker, at, worker->heap [child]);
        at = child;
    }
    s_place (worker, at, pending);
}

int
zanni__due_set (zanni_worker_t *worker, zanni__pending_t *pending, int64_t due_ns)
{
    zanni__due_clear (worker, pending);
    if (worker->heap_count == worker->heap_size) {
        uint32_t size = worker->heap_size ? worker->heap_size * 2 : 16;
        zanni__pending_t **heap = zanni__realloc (worker->heap, size * sizeof *heap);
        if (!heap)
            return ZANNI_ENOMEM;
        worker->heap = heap;
        worker->heap_size = size;
    }
    pending->due_ns = due_ns;
    s_sift_up (worker, worker->heap_count++, pending);
    return 0;
}

void
zanni__due_clear (zanni_worker_t *worker, zanni__pending_t *pending)
{
    if (!pending->heap_at)
        return;
    uint32_t at = pending->heap_at - 1;
    zanni__pending_t *last = worker->heap [--worker->heap_count];
    pending->heap_at = 0;
    if (last == pending)
        return;
    if (at && worker->heap [(at - 1) / 4]->due_ns > last->due_ns)
        s_sift_up (worker, at, last);
    else
        s_sift_down (worker, at, last);
}

void
zanni__due_fire (zanni_worker_t *worker)
{
    while (worker->heap_count && worker->heap [0]->due_ns <= worker->now_ns) {
        zanni__pending_t *pending = worker->heap [0];
        zanni__due_clear (worker, pending);
        if (pending->kind == ZANNI__A_TIMER)
            zanni__timer_expired (worker, pending);
        else
            zanni__ask_expired (worker, pending);
    }
}

void
zanni__hold_from (zanni_worker_t *worker, zanni__identity_t *identity)
{
    if (identity->worker == worker)
        zanni__identity_hold (identity);
    else
        zanni__identity_ref (identity);
}

void
zanni__unhold_from (zanni_worker_t *worker, zanni__identity_t *identity)
{
    if (identity->worker == worker)
        zanni__identity_unhold (identity);
    else
        zanni__identity_unref (identity);
}
