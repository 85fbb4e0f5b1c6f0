/* The runtime's half of the seam, without a runtime: what a link calls is counted and shown to the test. */

#include "stub.h"

#include "actor/watch.h"
#include "base/clock.h"
#include "base/memory.h"
#include "link/keys.h"
#include "link/trust.h"
#include "message/buffer.h"
#include "message/region.h"

#include <assert.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zanni/sys/link.h>

static int s_serial;

int64_t
stub_now_ns (void)
{
    return zanni__clock_system.now_ns (zanni__clock_system.context);
}

static stub_t *
s_stub (const zanni_worker_t *worker)
{
    return (stub_t *) (uintptr_t) worker;
}

void
zanni__log (const zanni_node_t *node, zanni_log_level_t level, const char *format, ...)
{
    stub_t *stub = ZANNI__CONTAINER (node, stub_t, node);
    va_list arguments;
    (void) level;
    va_start (arguments, format);
    vsnprintf (stub->log, sizeof stub->log, format, arguments);
    va_end (arguments);
    if (getenv ("STUB_LOG"))
        fprintf (stderr, "%02x: %s\n", node->id [0], stub->log);
}

int
zanni__hook_fd_add (zanni_worker_t *worker, zanni__hook_fd_t *hook, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = hook };
    if (epoll_ctl (worker->epoll, EPOLL_CTL_ADD, hook->fd, &event))
        return ZANNI_ENOMEM;
    hook->next = worker->hooks;
    worker->hooks = hook;
    return 0;
}

void
zanni__hook_fd_remove (zanni_worker_t *worker, zanni__hook_fd_t *hook)
{
    zanni__hook_fd_t **at = &worker->hooks;
    while (*at && *at != hook)
        at = &(*at)->next;
    if (*at)
        *at = hook->next;
    (void) epoll_ctl (worker->epoll, EPOLL_CTL_DEL, hook->fd, NULL);
}

/* No node here names a store. */
void
zanni_worker_lost (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers,
                   int code)
{
    (void) worker, (void) peer, (void) record, (void) buffers, (void) code;
}

int
zanni_worker_record (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers,
                     const char **fault)
{
    stub_t *stub = s_stub (worker);
    bool counts = record->kind == ZANNI_RECORD_TELL || record->kind == ZANNI_RECORD_ASK
                  || record->kind == ZANNI_RECORD_SPAWN;
    uint64_t charge = 64 + record->args.size;
    int rc = stub->record ? stub->record (stub, peer, record, buffers) : 0;
    for (uint32_t i = 0; i < record->buffers_count; i++) {
        charge += zanni_buffer_size (buffers [i]);
        zanni_buffer_destroy (&buffers [i]);
    }
    stub->records++;
    if (counts && stub->keeps)
        stub->kept += charge;
    else if (counts)
        zanni__link_zmq.taken (peer, charge);
    if (rc)
        *fault = "the test does not like it";
    return rc;
}

bool
zanni_worker_tell_again (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_bytes_t *args)
{
    (void) worker, (void) peer, (void) args;
    return false;
}

void
zanni_worker_peer_down (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_reason_t *reason, bool restarts,
                        bool final)
{
    stub_t *stub = s_stub (worker);
    (void) peer;
    stub->downs++;
    stub->reason = *reason;
    stub->restarts = restarts;
    stub->final = final;
}

void
zanni_worker_no_links (zanni_worker_t *worker, zanni_peer_t *peer)
{
    (void) peer;
    s_stub (worker)->no_links++;
}

void
zanni_worker_peer_room (zanni_worker_t *worker, zanni_peer_t *peer)
{
    (void) peer;
    s_stub (worker)->rooms++;
}

void
zanni_worker_acknowledged (zanni_worker_t *worker, zanni_peer_t *peer)
{
    (void) peer;
    s_stub (worker)->acknowledged++;
}

int
zanni_worker_buffer (zanni_worker_t *worker, zanni_buffer_t **buffer_p, size_t size)
{
    return zanni__buffer_new (buffer_p, worker->node->region_ops, worker->node->region, size);
}

int
zanni_worker_wrap (zanni_worker_t *worker, zanni_buffer_t **buffer_p, const zanni_block_t *block,
                   zanni_buffer_free_fn *release)
{
    (void) worker;   // all of a stub is one thread
    return zanni__buffer_wrap (buffer_p, block->data, block->size, release, block->handle);
}

static int
s_listen (const char *endpoint, int type, const char *suffix)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf (address.sun_path, sizeof address.sun_path, "%s%s", endpoint + 6, suffix);
    unlink (address.sun_path);
    if (bind (fd, (struct sockaddr *) &address, sizeof address) || listen (fd, 128))
        abort ();
    return fd;
}

void
stub_listen_at (stub_t *stub, const char *endpoint)
{
    snprintf (stub->worker.endpoint, sizeof stub->worker.endpoint, "%s", endpoint);
    stub->listen_fd = s_listen (endpoint, SOCK_STREAM, "");
    stub->lane_fd = s_listen (endpoint, SOCK_SEQPACKET, "+");
}

int
zanni_worker_endpoint (zanni_worker_t *worker, const char **endpoint_p)
{
    stub_t *stub = s_stub (worker);
    char endpoint [ZANNI_ENDPOINT_MAX];
    if (!*worker->endpoint) {
        snprintf (endpoint, sizeof endpoint, "ipc:///tmp/zanni-stub-%d-%d", (int) getpid (), s_serial++);
        stub_listen_at (stub, endpoint);
    }
    *endpoint_p = worker->endpoint;
    return 0;
}

void
zanni_worker_event (zanni_worker_t *from, zanni_worker_t *to, const zanni_node_event_t *event)
{
    stub_t *stub = s_stub (from);
    (void) to;
    assert (stub->events_count < 64);
    stub->events [stub->events_count++] = *event;
}

/* Nobody looks at them but the tests. */
void
zanni__events_look (zanni_worker_t *worker)
{
    (void) worker;
}

const char *
stub_secret (void)
{
    const char *how = getenv ("STUB_TCP");
    return how && strcmp (how, "openly") ? how : NULL;
}

static void
s_let_speak_tcp (zanni_node_t *node)
{
    char text [160];
    node->options.secret = stub_secret ();
    node->options.insecure = !node->options.secret;
    pthread_mutex_init (&node->exports_lock, NULL);
    if (zanni__trust_new (node, text, sizeof text) || zanni__keys_set (node, text, sizeof text))
        abort ();
}

void
stub_open_with (stub_t *stub, uint8_t id, uint64_t window, uint32_t heartbeat_ms)
{
    memset (stub, 0, sizeof *stub);
    memset (stub->node.id, id, sizeof stub->node.id);
    stub->node.clock = zanni__clock_system;
    stub->node.incarnation = 1;
    stub->node.home = "";
    stub->node.options.window_bytes = window;
    stub->node.options.wire_level_max = getenv ("STUB_LEVEL") ? (uint32_t) atoi (getenv ("STUB_LEVEL")) : 2;
    stub->node.options.lane_off = getenv ("STUB_LANE") != NULL;
    stub->node.options.in_band_max = 1024;
    stub->node.options.chunk_bytes = 256 << 10;
    stub->node.options.share_least = 64 << 10;
    stub->node.options.heartbeat_ms = heartbeat_ms;
    s_let_speak_tcp (&stub->node);
    stub->node.region_ops = &zanni__region_default;
    stub->node.region_ops->open (&stub->node.region, 1 << 16, 1 << 30);
    pthread_mutex_init (&stub->node.lock, NULL);
    snprintf (stub->node.name, sizeof stub->node.name, "stub");
    stub->worker.node = &stub->node;
    stub->worker.epoll = epoll_create1 (EPOLL_CLOEXEC);
    stub->worker.now_ns = stub_now_ns ();
    stub->listen_fd = -1;
    atomic_init (&stub->node.undertaker, &stub->worker);
    if (zanni__link_zmq.open (NULL, &stub->worker, &stub->link))
        abort ();
}

static void
s_unlink (const char *path)
{
    char beside [ZANNI_ENDPOINT_MAX + 1];
    snprintf (beside, sizeof beside, "%s+", path);
    unlink (path);
    unlink (beside);
}

static void
s_free (stub_t *stub)
{
    zanni__table_free (&stub->node.pulses);
    if (*stub->worker.endpoint)
        s_unlink (stub->worker.endpoint + 6);
    close (stub->worker.epoll);
    stub->node.region_ops->close (stub->node.region);
    zanni__trust_free (&stub->node);
    zanni__keys_wipe (&stub->node);
    pthread_mutex_destroy (&stub->node.exports_lock);
    pthread_mutex_destroy (&stub->node.lock);
}

void
stub_close (stub_t *stub, int64_t wait_ms)
{
    zanni__link_zmq.close (stub->link, stub_now_ns () + wait_ms * 1000000);
    s_free (stub);
}

const char *
stub_endpoint (stub_t *stub)
{
    const char *endpoint;
    (void) zanni_worker_endpoint (&stub->worker, &endpoint);
    return endpoint;
}

const char *
stub_bind (stub_t *stub)
{
    const zanni_link_bind_t how = { .endpoint = "tcp://127.0.0.1:0", .advertised = "" };
    if (zanni__link_zmq.bind (stub->link, &how, stub->bound))
        abort ();
    return stub->bound;
}

static void
s_events (stub_t *stub)
{
    zanni_node_event_t events [64];
    int count = stub->events_count;
    memcpy (events, stub->events, sizeof events);
    stub->events_count = 0;
    for (int i = 0; i < count; i++) {
        stub->lost += events [i].change == ZANNI_NODE_LOST;
        stub->ended += events [i].change == ZANNI_NODE_ENDED;
        stub->watched += events [i].change == ZANNI_NODE_WATCH;
        zanni__link_zmq.event (stub->link, &events [i]);
    }
}

static void
s_hooks (stub_t *stub)
{
    struct epoll_event events [32];
    int count = epoll_wait (stub->worker.epoll, events, 32, 0);
    for (int i = 0; i < count; i++) {
        zanni__hook_fd_t *hook = stub->worker.hooks;
        while (hook && hook != events [i].data.ptr)
            hook = hook->next;
        if (hook)
            hook->ready (&stub->worker, hook, events [i].events);
    }
}

/* In the order of a worker's look: what the descriptors show is for the next one. */
void
stub_step (stub_t *stub, int64_t wait_ms)
{
    struct pollfd item = { .fd = stub->worker.epoll, .events = POLLIN };
    int64_t now_ns = stub_now_ns ();
    int64_t next_ns = zanni__link_zmq.next_ns (stub->link);
    if (stub->listen_fd >= 0) {
        int fd = stub->listen_fd;
        stub->listen_fd = -1;
        if (zanni__link_zmq.listen (stub->link, stub->worker.endpoint, fd, stub->lane_fd))
            abort ();
    }
    if (!zanni__link_zmq.rest (stub->link) || stub->events_count)
        wait_ms = 0;
    else if (next_ns - now_ns < wait_ms * 1000000)
        wait_ms = next_ns > now_ns ? (next_ns - now_ns) / 1000000 + 1 : 0;
    (void) poll (&item, 1, (int) wait_ms);
    stub->worker.now_ns = stub_now_ns ();
    zanni__link_zmq.receive (stub->link);
    s_hooks (stub);
    s_events (stub);
    zanni__link_zmq.flush (stub->link);
}

bool
stub_run (stub_t **stubs, int count, int64_t wait_ms, bool (*done) (void *context), void *context)
{
    int64_t until_ns = stub_now_ns () + wait_ms * 1000000;
    while (!done || !done (context)) {
        struct pollfd items [16];
        int64_t now_ns = stub_now_ns ();
        int64_t next_ns = until_ns;
        for (int i = 0; i < count; i++) {
            stub_step (stubs [i], 0);
            int64_t due_ns = zanni__link_zmq.next_ns (stubs [i]->link);
            next_ns = due_ns < next_ns ? due_ns : next_ns;
            if (!zanni__link_zmq.rest (stubs [i]->link) || stubs [i]->events_count)
                next_ns = 0;
            items [i] = (struct pollfd) { .fd = stubs [i]->worker.epoll, .events = POLLIN };
        }
        if (now_ns >= until_ns)
            return done && done (context);
        if (next_ns > now_ns && (!done || !done (context)))
            (void) poll (items, (nfds_t) count, (int) ((next_ns - now_ns) / 1000000 + 1));
    }
    return true;
}

zanni_buffer_t *
stub_buffer (stub_t *stub, size_t size, uint64_t seed)
{
    zanni_buffer_t *buffer;
    void *data;
    if (zanni_worker_buffer (&stub->worker, &buffer, size) || zanni_buffer_edit (&data, buffer))
        abort ();
    for (size_t i = 0; i < size; i++)
        ((uint8_t *) data) [i] = (uint8_t) (seed + i * 7 + (i >> 8));
    return buffer;
}

bool
stub_buffer_is (const zanni_buffer_t *buffer, size_t size, uint64_t seed)
{
    const uint8_t *data = zanni_buffer_data (buffer);
    if (zanni_buffer_size (buffer) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (data [i] != (uint8_t) (seed + i * 7 + (i >> 8)))
            return false;
    return true;
}

int
stub_send (stub_t *stub, zanni_peer_t *peer, const zanni_record_t *record, zanni_buffer_t **buffers)
{
    (void) stub;
    return zanni__link_zmq.send (peer, record, (const zanni_buffer_t *const *) buffers);
}

int
stub_tell (stub_t *stub, zanni_peer_t *peer, uint64_t from, uint64_t number, size_t size)
{
    static const uint8_t nonce [16] = { 1, 2, 3 };
    uint8_t args [10] = { 0x91, 0xcf };
    zanni_buffer_t *buffer = size ? stub_buffer (stub, size, number) : NULL;
    for (int i = 0; i < 8; i++)
        args [2 + i] = (uint8_t) (number >> (56 - 8 * i));
    const zanni_record_t record = {
        .kind = ZANNI_RECORD_TELL, .to = { 1, nonce }, .from = { from, nonce }, .method = { "add", 3 },
        .args = { args, sizeof args }, .buffers_count = size > 0, .remaining_ms = -1
    };
    int rc = stub_send (stub, peer, &record, &buffer);
    zanni_buffer_destroy (&buffer);
    return rc;
}

uint64_t
stub_number (const zanni_record_t *record)
{
    const uint8_t *args = record->args.data;
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | args [2 + i];
    return number;
}
