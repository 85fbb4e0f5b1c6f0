/* Counts by method: each worker has a table of rows of its own, by class and method, so that counting needs neither a
   lock nor an atomic addition, and a node that does not count pays one look at a pointer a message.

   A row is made with the first message and stays: who reads walks chains that only grow at their head (release; acquire),
   and numbers that only their worker writes (relaxed). A message whose row finds no memory is not counted. When a worker
   ends, its rows go to the node, where those of the same method become one, so that threads which come and go leave no
   more behind than there are methods.

   The sums are gathered under the node's lock and told without it, since who is told may call anything. */

#include "tally.h"

#include "../../base/memory.h"

#include <stdlib.h>
#include <zanni/counts.h>

#define S_CHAINS 64   // a power of two

typedef struct zanni__row {
    struct zanni__row *next;
    const zanni__class_t *cls;
    const zanni__method_t *method;
    _Atomic uint64_t messages;
    _Atomic uint64_t argument_bytes;
    _Atomic uint64_t buffer_bytes;
    _Atomic uint64_t largest_bytes;
    _Atomic uint64_t total_ns;
    _Atomic uint64_t longest_ns;
} s_row_t;

struct zanni__tally {
    _Atomic (s_row_t *) chains [S_CHAINS];
};

zanni__tally_t *
zanni__tally_new (void)
{
    return zanni__calloc (sizeof (zanni__tally_t));
}

void
zanni__tally_destroy (zanni__tally_t **tally_p)
{
    zanni__tally_t *tally = *tally_p;
    for (size_t i = 0; tally && i < S_CHAINS; i++) {
        s_row_t *next;
        for (s_row_t *row = atomic_load_explicit (&tally->chains [i], memory_order_relaxed); row; row = next) {
            next = row->next;
            zanni__free (row);
        }
    }
    zanni__free (tally);
    *tally_p = NULL;
}

static _Atomic (s_row_t *) *
s_chain (zanni__tally_t *tally, const zanni__method_t *method)
{
    return &tally->chains [((uintptr_t) method / sizeof *method) & (S_CHAINS - 1)];
}

static s_row_t *
s_find (zanni__tally_t *tally, const zanni__class_t *cls, const zanni__method_t *method)
{
    /* Relaxed: only who owns the tally adds to it. */
    s_row_t *row = atomic_load_explicit (s_chain (tally, method), memory_order_relaxed);
    while (row && (row->method != method || row->cls != cls))
        row = row->next;
    return row;
}

static void
s_push (zanni__tally_t *tally, s_row_t *row)
{
    _Atomic (s_row_t *) *chain = s_chain (tally, row->method);
    row->next = atomic_load_explicit (chain, memory_order_relaxed);
    /* release pairs with the acquire of s_sum: who sees the row sees whose it is. */
    atomic_store_explicit (chain, row, memory_order_release);
}

static s_row_t *
s_make (zanni__tally_t *tally, const zanni__class_t *cls, const zanni__method_t *method)
{
    s_row_t *row = zanni__calloc (sizeof *row);
    if (!row)
        return NULL;
    row->cls = cls;
    row->method = method;
    s_push (tally, row);
    return row;
}

static void
s_raise (_Atomic uint64_t *most, uint64_t number)
{
    if (number > atomic_load_explicit (most, memory_order_relaxed))
        atomic_store_explicit (most, number, memory_order_relaxed);
}

struct zanni__row *
zanni__tally_add (zanni_worker_t *worker, const zanni_msg_t *msg)
{
    const zanni__class_t *cls = zanni__behaviour (msg->to);
    const zanni__args_t *args = &msg->args;
    s_row_t *row = s_find (worker->tally, cls, msg->method);
    if (!row)
        row = s_make (worker->tally, cls, msg->method);
    if (!row)
        return NULL;
    uint64_t bytes = 0;
    for (uint32_t i = args->refs; i < (uint32_t) args->refs + args->buffers; i++)
        bytes += zanni_buffer_size (args->table [i]);
    zanni__count (&row->messages, 1);
    zanni__count (&row->argument_bytes, args->size);
    zanni__count (&row->buffer_bytes, (int64_t) bytes);
    s_raise (&row->largest_bytes, args->size + bytes);
    return row;
}

void
zanni__tally_took (struct zanni__row *row, int64_t ns)
{
    if (!row)
        return;
    zanni__count (&row->total_ns, ns);
    s_raise (&row->longest_ns, (uint64_t) ns);
}

static void
s_merge (zanni__tally_t *past, s_row_t *row)
{
    s_row_t *same = s_find (past, row->cls, row->method);
    if (!same) {
        s_push (past, row);
        return;
    }
    zanni__count (&same->messages, (int64_t) atomic_load_explicit (&row->messages, memory_order_relaxed));
    zanni__count (&same->argument_bytes, (int64_t) atomic_load_explicit (&row->argument_bytes, memory_order_relaxed));
    zanni__count (&same->buffer_bytes, (int64_t) atomic_load_explicit (&row->buffer_bytes, memory_order_relaxed));
    s_raise (&same->largest_bytes, atomic_load_explicit (&row->largest_bytes, memory_order_relaxed));
    zanni__count (&same->total_ns, (int64_t) atomic_load_explicit (&row->total_ns, memory_order_relaxed));
    s_raise (&same->longest_ns, atomic_load_explicit (&row->longest_ns, memory_order_relaxed));
    zanni__free (row);
}

void
zanni__tally_leave (zanni_worker_t *worker)
{
    zanni_node_t *node = worker->node;
    zanni__tally_t *tally = worker->tally;
    worker->tally = NULL;
    if (!node->past_tally) {
        node->past_tally = tally;
        return;
    }
    for (size_t i = 0; tally && i < S_CHAINS; i++) {
        s_row_t *next;
        for (s_row_t *row = atomic_load_explicit (&tally->chains [i], memory_order_relaxed); row; row = next) {
            next = row->next;
            s_merge (node->past_tally, row);
        }
    }
    zanni__free (tally);
}

/* A growing array of what is to be told. */
typedef struct {
    zanni_count_t *counts;
    size_t count;
    size_t room;
} s_sums_t;

static int
s_append (s_sums_t *sums, s_row_t *row)
{
    if (sums->count == sums->room) {
        size_t room = sums->room ? sums->room * 2 : 64;
        zanni_count_t *counts = zanni__realloc (sums->counts, room * sizeof *counts);
        if (!counts)
            return ZANNI_ENOMEM;
        sums->counts = counts;
        sums->room = room;
    }
    sums->counts [sums->count++] = (zanni_count_t) {
        .class_name = row->cls->definition->name ? row->cls->definition->name : "", .method = row->method->name,
        .messages = atomic_load_explicit (&row->messages, memory_order_relaxed),
        .argument_bytes = atomic_load_explicit (&row->argument_bytes, memory_order_relaxed),
        .buffer_bytes = atomic_load_explicit (&row->buffer_bytes, memory_order_relaxed),
        .largest_bytes = atomic_load_explicit (&row->largest_bytes, memory_order_relaxed),
        .total_ns = atomic_load_explicit (&row->total_ns, memory_order_relaxed),
        .longest_ns = atomic_load_explicit (&row->longest_ns, memory_order_relaxed)
    };
    return 0;
}

static int
s_sum (s_sums_t *sums, zanni__tally_t *tally)
{
    int rc = 0;
    for (size_t i = 0; tally && !rc && i < S_CHAINS; i++) {
        s_row_t *row = atomic_load_explicit (&tally->chains [i], memory_order_acquire);
        for (; row && !rc; row = row->next)
            rc = s_append (sums, row);
    }
    return rc;
}

static int
s_sum_all (s_sums_t *sums, zanni_node_t *node)
{
    pthread_mutex_lock (&node->lock);
    int rc = s_sum (sums, node->past_tally);
    for (uint32_t i = 0; !rc && i < node->workers_size; i++)
        if (node->workers [i])
            rc = s_sum (sums, node->workers [i]->tally);
    pthread_mutex_unlock (&node->lock);
    return rc;
}

static int
s_compare (const void *one, const void *other)
{
    const zanni_count_t *left = one;
    const zanni_count_t *right = other;
    int order = strcmp (left->class_name, right->class_name);
    return order ? order : strcmp (left->method, right->method);
}

/* Neighbours that are the same method, counted by several workers, become one. */
static size_t
s_join (zanni_count_t *counts, size_t count)
{
    size_t joined = 0;
    for (size_t i = 0; i < count; i++) {
        zanni_count_t *last = joined ? &counts [joined - 1] : NULL;
        if (!last || s_compare (last, &counts [i])) {
            counts [joined++] = counts [i];
            continue;
        }
        last->messages += counts [i].messages;
        last->argument_bytes += counts [i].argument_bytes;
        last->buffer_bytes += counts [i].buffer_bytes;
        if (last->largest_bytes < counts [i].largest_bytes)
            last->largest_bytes = counts [i].largest_bytes;
        last->total_ns += counts [i].total_ns;
        if (last->longest_ns < counts [i].longest_ns)
            last->longest_ns = counts [i].longest_ns;
    }
    return joined;
}

int
zanni_counts (zanni_t *self, zanni_count_fn *each, void *context)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!each || !self->worker->node->options.counts)
        return ZANNI_EINVAL;
    s_sums_t sums = { .counts = NULL };
    rc = s_sum_all (&sums, self->worker->node);
    if (!rc && sums.count) {
        qsort (sums.counts, sums.count, sizeof *sums.counts, s_compare);
        sums.count = s_join (sums.counts, sums.count);
        for (size_t i = 0; i < sums.count; i++)
            each (context, &sums.counts [i]);
    }
    zanni__free (sums.counts);
    return rc;
}

typedef struct {
    zanni_list_t *list;
    int rc;
} s_answer_t;

static void
s_list (void *context, const zanni_count_t *count)
{
    s_answer_t *answer = context;
    if (!answer->rc)
        answer->rc = zanni_list_append (answer->list, ZANNI_LIST (count->class_name, count->method, count->messages,
                                                                  count->argument_bytes, count->buffer_bytes,
                                                                  count->largest_bytes, count->total_ns,
                                                                  count->longest_ns));
}

int
zanni__answer_counts (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_list_t) list = NULL;
    int rc = zanni_list_new (&list);
    s_answer_t answer = { list, 0 };
    if (!rc)
        rc = zanni_counts (self, s_list, &answer);
    if (!rc)
        rc = answer.rc;
    return rc ? rc : zanni_reply (self, msg, zanni_list_arg (list));
}
