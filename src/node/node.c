/* A node: options with their defaults, the table of its workers, and the order in which it ends.

   A node begins as one worker, the root's, without threads or sockets. The first actor that needs another worker, or
   the first attached thread, opens it: ports, the control thread, the undertaker. The end goes the other way: end.c. */

#include "../actor/remote/claims.h"
#include "../actor/remote/nodes.h"
#include "../actor/pending.h"
#include "../actor/census/tally.h"
#include "../actor/watchdog.h"

#include "../base/clock.h"
#include "../base/memory.h"
#include "../actor/remote/rights.h"
#include "../link/keys.h"
#include "../link/trust.h"
#include "../link/link.h"
#include "../link/translate.h"
#include "../message/region.h"
#include "../place/inproc.h"
#include "../place/thread.h"
#include "../store/store.h"
#include "make.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define S_MAILBOX_MESSAGES 8192
#define S_MAILBOX_BYTES (UINT64_C (256) << 20)
#define S_ASK_DEADLINE_MS 5000
#define S_SHUTDOWN_MS 5000
#define S_HEARTBEAT_MS 1000
#define S_WINDOW_BYTES ((uint64_t) 8 << 20)
#define S_CHUNK_BYTES (256u << 10)
#define S_CHUNK_LEAST (16u << 10)
#define S_CHUNK_MOST (1u << 20)
#define S_IN_BAND_MAX 1024
#define S_CLAIM_LEAST ((uint64_t) 1 << 20)
#define S_SHARE_LEAST ((uint64_t) 64 << 10)
#ifdef ZANNI__LANE_OFF
#define S_LANE_OFF true
#define S_LEVEL_MAX 2
#else
#define S_LANE_OFF false
#define S_LEVEL_MAX 3
#endif
#define S_WORKERS_MOST 1024

void
zanni__log (const zanni_node_t *node, zanni_log_level_t level, const char *format, ...)
{
    char text [512];
    va_list list;
    if (!node->options.log)
        return;
    va_start (list, format);
    vsnprintf (text, sizeof text, format, list);
    va_end (list);
    node->options.log (node->options.log_context, level, text);
}

void
zanni__node_ref (zanni_node_t *node)
{
    atomic_fetch_add_explicit (&node->users, 1, memory_order_relaxed);
}

static void
s_free (zanni_node_t *node)
{
    if (node->region)
        node->region_ops->close (node->region);
    if (node->bell >= 0)
        close (node->bell);
    zanni__stop_free (node);
    zanni__processes_free (node->processes);
    zanni__tally_destroy (&node->past_tally);
    zanni__table_free (&node->exports);
    zanni__table_free (&node->shares);
    zanni__table_free (&node->pulses);
    zanni__translations_free (node);
    zanni__keys_wipe (node);
    zanni__trust_free (node);
    zanni__rights_free (node);
    zanni__node_forget_all (node);
    pthread_mutex_destroy (&node->exports_lock);
    pthread_mutex_destroy (&node->lock);
    pthread_mutex_destroy (&node->pool_lock);
    zanni__free (node->workers);
    zanni__free (node->pool);
    zanni__free ((void *) (uintptr_t) node->options.child_arguments);
    zanni__free (node);
}

void
zanni__node_unref (zanni_node_t *node)
{
    if (atomic_fetch_sub_explicit (&node->users, 1, memory_order_acq_rel) == 1)
        s_free (node);
}

/* What is pushed last lies on top; the undertaker turns the stack over. */
void
zanni__node_orphan_again (zanni_node_t *node, zanni__item_t *chain)
{
    zanni__item_t *next;
    for (; chain; chain = next) {
        next = chain->next;
        zanni__item_t *top = atomic_load_explicit (&node->orphans, memory_order_relaxed);
        do
            chain->next = top;
        while (!atomic_compare_exchange_weak_explicit (&node->orphans, &top, chain, memory_order_release,
                                                       memory_order_relaxed));
    }
}

static void
s_rouse (zanni_node_t *node)
{
    void *place = atomic_load_explicit (&node->place_handle, memory_order_acquire);
    if (place)
        node->place->rouse (place);
}

void
zanni__node_orphan (zanni_node_t *node, zanni__item_t *chain)
{
    zanni__node_orphan_again (node, chain);
    s_rouse (node);
}

/* acq_rel pairs with the undertaker's look at the same number, who has put back before what waits for a worker to close: one
   of the two comes first, and who comes second sees what the other has done. */
void
zanni__node_closing (zanni_node_t *node)
{
    atomic_fetch_add_explicit (&node->closings, 1, memory_order_acq_rel);
    if (atomic_load_explicit (&node->orphans, memory_order_relaxed))
        s_rouse (node);
}

/* The program of processes and its arguments, for as long as the node lives: one piece of memory that begins with the
   arguments' array, behind which come all the texts. */
static int
s_copy_program (zanni_options_t *own)
{
    const char *const *given = own->child_arguments;
    const char *program = own->child_program;
    size_t count = 0, size = program ? strlen (program) + 1 : 0;
    own->child_arguments = NULL;
    own->child_program = NULL;
    while (given && given [count])
        size += strlen (given [count++]) + 1;
    if (!size)
        return 0;
    const char **words = zanni__malloc ((count + 1) * sizeof *words + size);
    if (!words)
        return ZANNI_ENOMEM;
    char *at = (char *) (words + count + 1);
    for (size_t i = 0; i < count; i++) {
        words [i] = at;
        at = stpcpy (at, given [i]) + 1;
    }
    words [count] = NULL;
    own->child_arguments = words;
    if (program)
        own->child_program = memcpy (at, program, strlen (program) + 1);
    return 0;
}

/* Whoever a worker would wait for could not run meanwhile. */
static bool
s_has_one_cpu (void)
{
    cpu_set_t cpus;
    return !sched_getaffinity (0, sizeof cpus, &cpus) && CPU_COUNT (&cpus) < 2;
}

static void
s_set_sharing (zanni_options_t *own)
{
    own->lane_off = own->lane_off || S_LANE_OFF;
    own->sleep_at_once = own->sleep_at_once || s_has_one_cpu ();
    if (!own->wire_level_max || own->wire_level_max > S_LEVEL_MAX)
        own->wire_level_max = S_LEVEL_MAX;
    if (!own->in_band_max)
        own->in_band_max = S_IN_BAND_MAX;
    if (!own->chunk_bytes)
        own->chunk_bytes = S_CHUNK_BYTES;
    own->chunk_bytes = own->chunk_bytes < S_CHUNK_LEAST ? S_CHUNK_LEAST : own->chunk_bytes;
    own->chunk_bytes = own->chunk_bytes > S_CHUNK_MOST ? S_CHUNK_MOST : own->chunk_bytes;
    if (!own->share_least)
        own->share_least = S_SHARE_LEAST;
    if (!own->share_most)
        own->share_most = (uint64_t) sysconf (_SC_PHYS_PAGES) / 4 * (uint64_t) sysconf (_SC_PAGESIZE);
}

static int
s_set_claims (zanni_node_t *node)
{
    zanni_options_t *own = &node->options;
    if (!own->claim_store)
        return 0;
    if (strlen (own->claim_store) >= sizeof node->claim_store)
        return ZANNI_EINVAL;
    strcpy (node->claim_store, own->claim_store);
    own->claim_store = node->claim_store;
    own->claim_least = own->claim_least ? own->claim_least : S_CLAIM_LEAST;
    node->claims = &zanni__store_claims;
    return 0;
}

static int
s_set_options (zanni_node_t *node, const zanni_options_t *options)
{
    zanni_options_t *own = &node->options;
    if (options)
        *own = *options;
    long cpus = sysconf (_SC_NPROCESSORS_ONLN);
    if (!own->workers)
        own->workers = cpus > 0 && cpus < S_WORKERS_MOST ? (uint32_t) cpus : 1;
    if (!own->mailbox_messages)
        own->mailbox_messages = S_MAILBOX_MESSAGES;
    if (!own->mailbox_bytes)
        own->mailbox_bytes = S_MAILBOX_BYTES;
    if (!own->ask_deadline_ms)
        own->ask_deadline_ms = S_ASK_DEADLINE_MS;
    if (!own->shutdown_ms)
        own->shutdown_ms = S_SHUTDOWN_MS;
    if (!own->heartbeat_ms)
        own->heartbeat_ms = S_HEARTBEAT_MS;
    if (!own->window_bytes)
        own->window_bytes = S_WINDOW_BYTES;
    s_set_sharing (own);
    snprintf (node->name, sizeof node->name, "%s", own->name ? own->name : "zanni");
    own->name = node->name;
    own->error = NULL;
    node->clock = own->clock ? *own->clock : zanni__clock_system;
    node->port = own->port ? own->port : &zanni__port_inproc;
    node->place = own->place ? own->place : &zanni__place_thread;
    node->link = own->link ? own->link : &zanni__link_zmq;
    node->region_ops = own->region ? own->region : &zanni__region_default;
    int rc = s_set_claims (node);
    return rc ? rc : s_copy_program (own);
}

static int
s_set_trust (zanni_node_t *node, zanni_error_t *error)
{
    char text [200] = "";
    int rc = zanni__keys_set (node, text, sizeof text);
    node->options.secret = node->options.secret_file = NULL;
    if (!rc)
        rc = zanni__trust_new (node, text, sizeof text);
    if (rc && *text && error)
        zanni__error_set (error, rc, text);
    else if (rc && *text)
        zanni__log (node, ZANNI_LOG_ERROR, "%s", text);
    return rc;
}

static int
s_node_new (zanni_node_t **node_p, const zanni_options_t *options, const uint8_t *id)
{
    zanni_node_t *node = zanni__calloc (sizeof *node);
    if (!node)
        return ZANNI_ENOMEM;
    atomic_init (&node->users, 1);
    atomic_init (&node->stop_until_ns, INT64_MAX);
    atomic_init (&node->stop_fd, -1);
    node->pid = getpid ();
    node->bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = s_set_options (node, options);
    pthread_mutex_init (&node->lock, NULL);
    pthread_mutex_init (&node->pool_lock, NULL);
    pthread_mutex_init (&node->exports_lock, NULL);
    pthread_mutex_init (&node->keys.lock, NULL);
    if (!rc)
        rc = s_set_trust (node, options ? options->error : NULL);
    node->incarnation = 1;
    node->home = "";
    node->pool = zanni__calloc (node->options.workers * sizeof *node->pool);
    if (!node->pool)
        rc = ZANNI_ENOMEM;
    if (!rc && node->bell < 0)
        rc = ZANNI_EDESCRIPTORS;
    if (!rc)
        rc = node->region_ops->open (&node->region, node->options.share_least,
                                     node->options.wire_level_max < 3 ? 0 : node->options.share_most);
    if (!rc && id)
        memcpy (node->id, id, sizeof node->id);
    else if (!rc)
        rc = node->clock.random (node->clock.context, node->id, sizeof node->id);
    if (rc) {
        zanni__node_unref (node);
        return rc;
    }
    *node_p = node;
    return 0;
}

/* Under the lock: a free number, and the table grown to hold it. */
static int
s_take_number (zanni_node_t *node, zanni_worker_t *worker)
{
    uint32_t number = 0;
    while (number < node->workers_size && node->workers [number])
        number++;
    if (number == node->workers_size) {
        uint32_t size = number ? number * 2 : 8;
        if (size > ZANNI__WORKERS_MAX)
            return ZANNI_ETOOBIG;
        zanni_worker_t **workers = zanni__realloc (node->workers, size * sizeof *workers);
        if (!workers)
            return ZANNI_ENOMEM;
        memset (workers + number, 0, (size - number) * sizeof *workers);
        node->workers = workers;
        node->workers_size = size;
    }
    worker->number = number;
    worker->serial = ++node->next_serial;
    node->workers [number] = worker;
    return 0;
}

static int
s_open_port (zanni_worker_t *worker)
{
    const zanni_port_ops_t *ops = worker->node->port;
    void *port;
    int rc = ops->open (ops->context, worker, &port);
    if (!rc)
        worker->port = port;
    return rc;
}

static int
s_add_worker (zanni_node_t *node, zanni_worker_t **worker_p, int kind, const char *name)
{
    zanni_worker_t *worker = zanni__worker_new (node, (zanni__worker_kind_t) kind, name);
    if (!worker)
        return ZANNI_ENOMEM;
    int rc = s_take_number (node, worker);
    bool is_root = kind == ZANNI__WORKER_ROOT || kind == ZANNI__WORKER_PROCESS;
    bool needs_port = !is_root || node->options.port;
    if (!rc && needs_port) {
        rc = s_open_port (worker);
        if (rc)
            node->workers [worker->number] = NULL;
    }
    if (rc) {
        zanni_worker_drop (worker);
        return rc;
    }
    *worker_p = worker;
    return 0;
}

/* Under the lock. The root's port is opened here, by whatever thread: the root is then the only other one. */
static int
s_open (zanni_node_t *node)
{
    void *place;
    const uint64_t one = 1;
    if (atomic_load_explicit (&node->place_handle, memory_order_relaxed))
        return 0;
    int rc = 0;
    if (!node->root->port) {
        rc = s_open_port (node->root);
        if (!rc && write (node->bell, &one, sizeof one) < 0)
            rc = ZANNI_ESYSTEM;
    }
    zanni_worker_t *undertaker = NULL;
    if (!rc)
        rc = s_add_worker (node, &undertaker, ZANNI__WORKER_CONTROL, "control thread");
    if (!rc) {
        node->undertaker = undertaker;
        rc = node->place->open (&place, undertaker);
    }
    if (rc) {
        node->undertaker = node->root;
        if (undertaker) {
            node->port->close (undertaker->port);
            undertaker->port = NULL;
            node->workers [undertaker->number] = NULL;
            zanni_worker_drop (undertaker);
        }
        return rc;
    }
    /* release: whoever sees the place sees the undertaker. */
    atomic_store_explicit (&node->place_handle, place, memory_order_release);
    return 0;
}

int
zanni__node_open (zanni_node_t *node)
{
    pthread_mutex_lock (&node->lock);
    int rc = node->ending ? ZANNI_ECLOSED : s_open (node);
    pthread_mutex_unlock (&node->lock);
    return rc;
}

int
zanni__node_add_worker (zanni_node_t *node, zanni_worker_t **worker_p, int kind, const char *name)
{
    pthread_mutex_lock (&node->lock);
    int rc = node->ending ? ZANNI_ECLOSED : s_open (node);
    if (!rc)
        rc = s_add_worker (node, worker_p, kind, name);
    pthread_mutex_unlock (&node->lock);
    return rc;
}

int
zanni__node_start_worker (zanni_worker_t *worker)
{
    zanni_node_t *node = worker->node;
    void *place = atomic_load_explicit (&node->place_handle, memory_order_acquire);
    return node->place->start (place, worker);
}

void
zanni__node_cancel_worker (zanni_worker_t *worker)
{
    zanni_node_t *node = worker->node;
    atomic_store_explicit (&worker->closed, true, memory_order_release);
    zanni__worker_own (worker, NULL);
    node->port->close (worker->port);
    worker->port = NULL;
    zanni__node_remove_worker (node, worker);
    zanni_worker_drop (worker);
}

static void
s_add_counts (zanni_stats_t *stats, const zanni__counts_t *counts)
{
    stats->messages += atomic_load_explicit (&counts->messages, memory_order_relaxed);
    stats->dead_letters += atomic_load_explicit (&counts->dead_letters, memory_order_relaxed);
    stats->failed_tells += atomic_load_explicit (&counts->failed_tells, memory_order_relaxed);
    stats->late_replies += atomic_load_explicit (&counts->late_replies, memory_order_relaxed);
    stats->actors += atomic_load_explicit (&counts->actors, memory_order_relaxed);
}

void
zanni__node_remove_worker (zanni_node_t *node, zanni_worker_t *worker)
{
    pthread_mutex_lock (&node->lock);
    if (node->workers [worker->number] == worker) {
        node->workers [worker->number] = NULL;
        s_add_counts (&node->past, &worker->counts);
        zanni__tally_leave (worker);
    }
    pthread_mutex_unlock (&node->lock);
}

/* Under pool_lock; on failure the worker, if there is one, is still to be cancelled. */
static int
s_start_pool_worker (zanni_node_t *node, zanni_worker_t **worker_p, uint32_t index)
{
    char name [32];
    snprintf (name, sizeof name, "worker %u", index + 1);
    int rc = zanni__node_add_worker (node, worker_p, ZANNI__WORKER_POOL, name);
    if (!rc)
        rc = zanni__node_start_worker (*worker_p);
    if (!rc)
        node->pool [index] = *worker_p;
    return rc;
}

/* Each pool worker starts with its first actor. A second spawner waits for the same. */
int
zanni__node_pool_worker (zanni_node_t *node, zanni_worker_t **worker_p, uint32_t index)
{
    pthread_mutex_lock (&node->pool_lock);
    zanni_worker_t *worker = node->pool [index];
    int rc = worker ? 0 : s_start_pool_worker (node, &worker, index);
    pthread_mutex_unlock (&node->pool_lock);
    if (rc && worker)
        zanni__node_cancel_worker (worker);
    if (!rc)
        *worker_p = worker;
    return rc;
}

/* An actor for a thread of the host: it owns its worker and serves no class yet. */
static int
s_host_actor (zanni_t **self_p, zanni_worker_t *worker)
{
    zanni__identity_t *identity = zanni__identity_new (worker, zanni__class_none ());
    if (!identity)
        return ZANNI_ENOMEM;
    zanni_t *self = zanni__actor_new (worker, identity, zanni__class_none ());
    if (!self) {
        identity->state = ZANNI__ENDED;
        zanni__identity_unref (identity);
        return ZANNI_ENOMEM;
    }
    identity->pinned = true;
    identity->state = ZANNI__RUNNING;
    identity->actor = self;
    zanni__worker_own (worker, identity);
    zanni_worker_enter (worker);
    zanni__enlist (worker, identity);
    *self_p = self;
    return 0;
}

int
zanni__node_new (zanni_node_t **node_p, const zanni_options_t *options, const uint8_t *id, zanni__worker_kind_t kind)
{
    zanni_node_t *node;
    int rc = zanni__own_classes ();
    if (!rc)
        rc = s_node_new (&node, options, id);
    if (rc)
        return rc;
    rc = s_add_worker (node, &node->root, (int) kind, kind == ZANNI__WORKER_ROOT ? "root" : "process actor");
    if (rc)
        zanni__node_unref (node);
    else {
        node->undertaker = node->root;
        *node_p = node;
    }
    return rc;
}

static int
s_watch_root (zanni_t **self_p, zanni_node_t *node)
{
    int rc = zanni__watchdog_arm (node, node->options.watchdog_ms);
    if (rc)
        (void) zanni_destroy (self_p);
    return rc;
}

int
zanni_new (zanni_t **self_p, const zanni_options_t *options)
{
    zanni_error_t fault = { 0 };
    zanni_node_t *node;
    if (options && options->size && options->size != sizeof *options)
        return ZANNI_EINVAL;   // of another version: nothing in it is where it should be
    zanni_options_t own = ZANNI_OPTIONS_DEFAULT;
    zanni_error_t *error = options ? options->error : NULL;
    if (options)
        own = *options;
    own.error = error ? &fault : NULL;   // else the log says it
    if (!self_p || (options && (options->workers > S_WORKERS_MOST || (options->port && !options->place))))
        return ZANNI_EINVAL;
    if (own.watchdog_ms > INT32_MAX) {
        zanni__error_set (error, ZANNI_EINVAL, "`watchdog_ms` is over 2147483647");
        return ZANNI_EINVAL;
    }
    int rc = zanni__class_fault (&fault);
    if (rc) {
        if (error)
            *error = fault;
        return rc;
    }
    rc = zanni__node_new (&node, &own, NULL, ZANNI__WORKER_ROOT);
    if (!rc) {
        rc = node->claims ? node->claims->check (node->root, &fault) : 0;
        if (!rc)
            rc = s_host_actor (self_p, node->root);
        if (rc)
            zanni__worker_close (node->root), zanni_worker_drop (node->root);
        zanni__node_unref (node);   // the root's worker holds it now
    }
    if (!rc)
        rc = s_watch_root (self_p, node);
    if (rc && error)
        zanni__error_set (error, rc, *fault.text ? fault.text : NULL);
    return rc;
}

int
zanni_attach (zanni_t **self_p, zanni_node_t *node)
{
    zanni_worker_t *worker;
    if (!self_p || !node)
        return ZANNI_EINVAL;
    if (getpid () != node->pid)
        return ZANNI_EFORK;
    if (zanni__node_drains (node))
        return ZANNI_ECLOSED;
    int rc = zanni__node_add_worker (node, &worker, ZANNI__WORKER_ATTACHED, "attached thread");
    if (rc)
        return rc;
    rc = s_host_actor (self_p, worker);
    if (rc)
        zanni__node_cancel_worker (worker);
    return rc;
}

zanni_node_t *
zanni_node_of (zanni_t *self)
{
    return self->worker->node;
}

uint64_t
zanni__node_actors (zanni_node_t *node)
{
    uint64_t actors = 0;
    pthread_mutex_lock (&node->lock);
    for (uint32_t i = 0; i < node->workers_size; i++)
        if (node->workers [i])
            actors += atomic_load_explicit (&node->workers [i]->counts.actors, memory_order_relaxed);
    pthread_mutex_unlock (&node->lock);
    return actors;
}

int
zanni_stats (zanni_t *self, zanni_stats_t *stats)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!stats)
        return ZANNI_EINVAL;
    zanni_node_t *node = self->worker->node;
    pthread_mutex_lock (&node->lock);
    *stats = node->past;
    for (uint32_t i = 0; i < node->workers_size; i++) {
        const zanni_worker_t *worker = node->workers [i];
        if (!worker)
            continue;
        s_add_counts (stats, &worker->counts);
        stats->threads += worker->kind >= ZANNI__WORKER_POOL;
    }
    pthread_mutex_unlock (&node->lock);
    return 0;
}

int
zanni_dead_letters (zanni_t *self, const char *method)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_node_t *node = self->worker->node;
    if (method && (!*method || strlen (method) >= sizeof node->subscriber_method))
        return ZANNI_EINVAL;
    if (method)
        zanni__identity_ref (self->identity);
    pthread_mutex_lock (&node->lock);
    zanni__identity_t *before = node->subscriber;
    node->subscriber = method ? self->identity : NULL;
    snprintf (node->subscriber_method, sizeof node->subscriber_method, "%s", method ? method : "");
    atomic_store_explicit (&node->subscribed, method != NULL, memory_order_relaxed);
    pthread_mutex_unlock (&node->lock);
    if (before)
        zanni__identity_unref (before);
    return 0;
}
