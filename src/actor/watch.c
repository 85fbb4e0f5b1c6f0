/* Watches. A descriptor lies in the worker's epoll set as one-shot: what fires rests until it is armed again. A ZeroMQ
   socket's descriptor is edge-triggered and may stay silent with a message waiting, so its ZMQ_EVENTS are asked at every
   look while it is armed, and the worker does not sleep on one that is ready. */

#include "watch.h"

#include "pending.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zanni/watch.h>
#include <zmq.h>

static int
s_open (zanni_worker_t *worker)
{
    if (worker->epoll >= 0)
        return 0;
    worker->epoll = epoll_create1 (EPOLL_CLOEXEC);
    return worker->epoll >= 0 ? 0 : ZANNI_EDESCRIPTORS;
}

static uint32_t
s_epoll_events (uint32_t events)
{
    return ((events & ZANNI_READABLE) ? (uint32_t) EPOLLIN : 0) | ((events & ZANNI_WRITABLE) ? (uint32_t) EPOLLOUT : 0);
}

static uint32_t
s_from_epoll (uint32_t events)
{
    return ((events & EPOLLIN) ? ZANNI_READABLE : 0) | ((events & EPOLLOUT) ? ZANNI_WRITABLE : 0)
           | ((events & (EPOLLERR | EPOLLHUP)) ? ZANNI_BROKEN : 0);
}

/* Arms in epoll: a descriptor for its events once, a socket for any new stir: it may rest with messages waiting, and
   the worker then sleeps. */
static int
s_arm (zanni_worker_t *worker, zanni__pending_t *pending, int operation)
{
    bool socket = pending->as.watch.socket != NULL;
    struct epoll_event event = {
        .events = socket ? (uint32_t) (EPOLLIN | EPOLLET)
                         : s_epoll_events (pending->as.watch.events) | (uint32_t) EPOLLONESHOT,
        .data.u64 = pending->id
    };
    if (epoll_ctl (worker->epoll, operation, pending->as.watch.fd, &event)) {
        int why = errno;
        return why == ENOMEM || why == ENOSPC ? ZANNI_ENOMEM : ZANNI_EINVAL;
    }
    pending->as.watch.armed = true;
    return 0;
}

static uint32_t
s_socket_events (const zanni__pending_t *pending)
{
    int events = 0;
    size_t size = sizeof events;
    if (zmq_getsockopt (pending->as.watch.socket, ZMQ_EVENTS, &events, &size))
        return ZANNI_BROKEN;
    uint32_t seen = ((events & ZMQ_POLLIN) ? ZANNI_READABLE : 0) | ((events & ZMQ_POLLOUT) ? ZANNI_WRITABLE : 0);
    return seen & pending->as.watch.events;
}

/* One event is one message; without memory for it the watch stays armed. */
static void
s_fire (zanni_worker_t *worker, zanni__pending_t *pending, uint32_t events)
{
    zanni_msg_t *msg = zanni__msg_new (worker);
    const zanni_msg_t *tick = pending->as.watch.tick;
    const zanni_arg_t arg = ZANNI_ARG (events);
    const char *name = tick->method ? "" : tick->name;
    if (!msg || zanni__msg_pack (worker, msg, &arg, 1) || !(name = zanni__msg_copy (msg, name, strlen (name)))) {
        if (msg)
            zanni__msg_free (worker, msg);
        if (!pending->as.watch.socket)
            (void) s_arm (worker, pending, EPOLL_CTL_MOD);
        return;
    }
    msg->to = tick->to;
    msg->method = tick->method;
    msg->id = pending->id;
    msg->item.flags |= ZANNI__TICK;
    msg->name = tick->method ? NULL : name;
    zanni__msg_set_from (worker, msg, tick->to, worker);
    pending->as.watch.armed = false;
    zanni__deliver (worker, &msg->item);
}

static void
s_poll_sockets (zanni_worker_t *worker)
{
    zanni__pending_t *next;
    for (zanni__pending_t *pending = worker->sockets; pending; pending = next) {
        next = pending->as.watch.next_socket;
        uint32_t events = pending->as.watch.armed ? s_socket_events (pending) : 0;
        if (events)
            s_fire (worker, pending, events);
    }
}

/* An event names a watch by its id, or a hook by its address and the highest bit, which no id has. */
#define S_HOOK UINT64_C (0x8000000000000000)
#define S_PORT 0   // no watch has it

/* A hook that was removed meanwhile is in the list no more. */
static void
s_call_hook (zanni_worker_t *worker, const struct epoll_event *event)
{
    zanni__hook_fd_t *hook = worker->hooks;
    while (hook && ((uint64_t) (uintptr_t) hook | S_HOOK) != event->data.u64)
        hook = hook->next;
    if (hook)
        hook->ready (worker, hook, event->events);
}

/* In milliseconds, rounded up. */
static int
s_timeout (int64_t left_ns)
{
    if (left_ns == INT64_MAX)
        return -1;
    if (left_ns <= 0)
        return 0;
    return left_ns > INT64_C (3600000000000) ? 3600000 : (int) ((left_ns + 999999) / 1000000);
}

void
zanni__watches_poll (zanni_worker_t *worker, int64_t left_ns)
{
    struct epoll_event events [32];
    int count = epoll_wait (worker->epoll, events, 32, s_timeout (left_ns));
    for (int i = 0; i < count; i++) {
        if (events [i].data.u64 & S_HOOK) {
            s_call_hook (worker, &events [i]);
            continue;
        }
        worker->port_stirred |= events [i].data.u64 == S_PORT;
        zanni__pending_t *pending = zanni__pending_find (worker, events [i].data.u64);
        if (pending && !pending->as.watch.socket && pending->as.watch.armed)
            s_fire (worker, pending, s_from_epoll (events [i].events));
    }
    s_poll_sockets (worker);
}

int
zanni__hook_fd_add (zanni_worker_t *worker, zanni__hook_fd_t *hook, uint32_t epoll_events)
{
    struct epoll_event event = { .events = epoll_events, .data.u64 = (uint64_t) (uintptr_t) hook | S_HOOK };
    int rc = s_open (worker);
    if (rc)
        return rc;
    if (epoll_ctl (worker->epoll, EPOLL_CTL_ADD, hook->fd, &event))
        return ZANNI_ENOMEM;
    hook->next = worker->hooks;
    worker->hooks = hook;
    worker->watches++;
    return 0;
}

void
zanni__hook_fd_remove (zanni_worker_t *worker, zanni__hook_fd_t *hook)
{
    zanni__hook_fd_t **at = &worker->hooks;
    while (*at && *at != hook)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = hook->next;
    worker->watches--;
    (void) epoll_ctl (worker->epoll, EPOLL_CTL_DEL, hook->fd, NULL);
}

bool
zanni__watches_ready (const zanni_worker_t *worker)
{
    for (const zanni__pending_t *pending = worker->sockets; pending; pending = pending->as.watch.next_socket)
        if (pending->as.watch.armed && s_socket_events (pending))
            return true;
    return false;
}

void
zanni__watches_wait (zanni_worker_t *worker, int64_t left_ns)
{
    struct pollfd items [] = { { .fd = worker->node->bell, .events = POLLIN }, { .fd = worker->epoll, .events = POLLIN } };
    struct timespec time = { .tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000 };
    if (left_ns > 0)
        (void) ppoll (items, worker->epoll >= 0 ? 2 : 1, left_ns == INT64_MAX ? NULL : &time, NULL);
}

int
zanni__watches_with (zanni_worker_t *worker, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = S_PORT };
    if (worker->epoll < 0 || fd < 0)
        return worker->epoll < 0 ? fd : worker->epoll;
    return epoll_ctl (worker->epoll, EPOLL_CTL_ADD, fd, &event) && errno != EEXIST ? fd : worker->epoll;
}

void
zanni__watches_without (zanni_worker_t *worker, int fd)
{
    (void) epoll_ctl (worker->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void
zanni__watches_close (zanni_worker_t *worker)
{
    if (worker->epoll >= 0)
        close (worker->epoll);
    worker->epoll = -1;
}

void
zanni__watch_release (zanni_worker_t *worker, zanni__pending_t *pending)
{
    zanni__pending_t **at = &worker->sockets;
    while (*at && *at != pending)
        at = &(*at)->as.watch.next_socket;
    if (*at)
        *at = pending->as.watch.next_socket;
    if (pending->as.watch.fd >= 0) {
        (void) epoll_ctl (worker->epoll, EPOLL_CTL_DEL, pending->as.watch.fd, NULL);
        worker->watches--;
    }
    if (pending->as.watch.tick)
        zanni__msg_release (worker, pending->as.watch.tick);
}

/* Fills a new watch; on failure the caller frees it. */
static int
s_begin (zanni_t *self, zanni__pending_t *pending, int fd, const char *method)
{
    const zanni__words_t words = { method, NULL, 0 };
    int rc = s_open (self->worker);
    if (!rc)
        rc = zanni__tick_new (self, &pending->as.watch.tick, &words, "u");
    if (rc)
        return rc;
    pending->as.watch.fd = fd;
    rc = s_arm (self->worker, pending, EPOLL_CTL_ADD);
    if (rc)
        pending->as.watch.fd = -1;
    else
        self->worker->watches++;
    return rc;
}

static int
s_watch (zanni_t *self, uint64_t *watch_p, int fd, void *socket, uint32_t events, const char *method)
{
    zanni__pending_t *pending;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!watch_p || fd < 0 || !method || !events || events > (ZANNI_READABLE | ZANNI_WRITABLE | ZANNI_BROKEN))
        return ZANNI_EINVAL;
    rc = zanni__pending_new (self, &pending, ZANNI__A_WATCH);
    if (rc)
        return rc;
    pending->as.watch.fd = -1;
    pending->as.watch.events = events;
    pending->as.watch.socket = socket;
    rc = s_begin (self, pending, fd, method);
    if (rc) {
        zanni__pending_free (self->worker, pending);
        return rc;
    }
    if (socket) {
        pending->as.watch.next_socket = self->worker->sockets;
        self->worker->sockets = pending;
    }
    *watch_p = pending->id;
    zanni__uncorked (self->worker);
    return 0;
}

int
zanni_watch (zanni_t *self, uint64_t *watch_p, int fd, uint32_t events, const char *method)
{
    return s_watch (self, watch_p, fd, NULL, events, method);
}

int
zanni_watch_socket (zanni_t *self, uint64_t *watch_p, void *socket, uint32_t events, const char *method)
{
    int fd = -1;
    size_t size = sizeof fd;
    if (!socket || zmq_getsockopt (socket, ZMQ_FD, &fd, &size))
        return ZANNI_EINVAL;
    return s_watch (self, watch_p, fd, socket, events, method);
}

static int
s_find (zanni_t *self, uint64_t watch, zanni__pending_t **pending_p)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    *pending_p = zanni__pending_find (self->worker, watch);
    if (*pending_p && ((*pending_p)->actor != self || (*pending_p)->kind != ZANNI__A_WATCH))
        *pending_p = NULL;
    return 0;
}

int
zanni_watch_again (zanni_t *self, uint64_t watch)
{
    zanni__pending_t *pending;
    int rc = s_find (self, watch, &pending);
    if (rc)
        return rc;
    if (!pending)
        return ZANNI_EINVAL;
    if (pending->as.watch.armed)
        return 0;
    rc = s_arm (self->worker, pending, EPOLL_CTL_MOD);
    zanni__uncorked (self->worker);
    return rc;
}

int
zanni_watch_cancel (zanni_t *self, uint64_t watch)
{
    zanni__pending_t *pending;
    int rc = s_find (self, watch, &pending);
    if (!rc && pending)
        zanni__pending_free (self->worker, pending);
    return rc;
}
