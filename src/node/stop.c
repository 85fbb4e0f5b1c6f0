/* Asking that a node end, and the root's waiting for that.

   The first who asks is heard, in one atomic number, so that a signal handler may. What wakes the root is an eventfd of its
   own, made when it first waits: who asks before that finds none, and the root looks at the number behind making it. One
   of the two sees the other, whatever the order (both are sequentially consistent). */

#include "make.h"

#include "../actor/watch.h"
#include "../base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define S_BY_ACTOR 1
#define S_BY_SIGNAL 2   // + its number

/* Async-signal-safe. Whether it was the first. */
static bool
s_ask (zanni_node_t *node, int who)
{
    int nobody = 0;
    const uint64_t one = 1;
    bool first = atomic_compare_exchange_strong (&node->stop_asked, &nobody, who);
    int fd = atomic_load (&node->stop_fd);
    if (fd >= 0) {
        ssize_t size = write (fd, &one, sizeof one);
        (void) size;
    }
    return first;
}

void
zanni_node_interrupt (zanni_node_t *node, int signal)
{
    int before = errno;
    if (node)
        (void) s_ask (node, S_BY_SIGNAL + (signal > 0 ? signal : 0));
    errno = before;
}

/* A process actor's node has nobody who waits: it ends with that actor. */
static int
s_stop_process (zanni_t *self, int64_t code, const char *text)
{
    zanni_worker_t *worker = self->worker;
    zanni__identity_t *owner = worker->node->root->owner;
    if (self->identity == owner)
        return code || text ? zanni_exit_error (self, code, text) : zanni_exit (self);
    zanni_msg_t *msg = zanni__msg_new (worker);
    if (!msg)
        return ZANNI_ENOMEM;
    msg->item.kind = ZANNI__STOP;
    msg->to = owner;
    zanni__msg_set_from (worker, msg, self->identity, owner->worker);
    zanni__hold_to (msg);
    zanni__dispatch (self, msg);
    return 0;
}

int
zanni_node_stop (zanni_t *self, int64_t code, const char *text)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_node_t *node = self->worker->node;
    if (node->root->kind == ZANNI__WORKER_PROCESS)
        return s_stop_process (self, code, text);
    pthread_mutex_lock (&node->lock);
    if (!atomic_load (&node->stop_asked)) {   // what a signal asks meanwhile has its own number
        node->stop_reason = (zanni_reason_t) { .kind = code || text ? ZANNI_EXIT_ERROR : ZANNI_EXIT_NORMAL, .code = code };
        snprintf (node->stop_reason.text, sizeof node->stop_reason.text, "%s", text ? text : "");
        (void) s_ask (node, S_BY_ACTOR);
    }
    pthread_mutex_unlock (&node->lock);
    return 0;
}

static void
s_rang (zanni_worker_t *worker, zanni__hook_fd_t *hook, uint32_t events)
{
    uint64_t count;
    ssize_t size = read (hook->fd, &count, sizeof count);
    (void) worker, (void) events, (void) size;
}

/* From now on who asks wakes the root. */
static int
s_listen (zanni_worker_t *root)
{
    zanni_node_t *node = root->node;
    if (node->stop_hook)
        return 0;
    zanni__hook_fd_t *hook = zanni__calloc (sizeof *hook);
    if (!hook)
        return ZANNI_ENOMEM;
    *hook = (zanni__hook_fd_t) { .fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = s_rang };
    int rc = hook->fd < 0 ? ZANNI_EDESCRIPTORS : zanni__hook_fd_add (root, hook, EPOLLIN);
    if (rc) {
        if (hook->fd >= 0)
            close (hook->fd);
        zanni__free (hook);
        return rc;
    }
    node->stop_hook = hook;
    atomic_store (&node->stop_fd, hook->fd);
    return 0;
}

void
zanni__stop_free (zanni_node_t *node)
{
    if (!node->stop_hook)
        return;
    close (node->stop_hook->fd);
    zanni__free (node->stop_hook);
}

static bool
s_is_over (zanni_worker_t *worker)
{
    return worker->quit || atomic_load (&worker->node->stop_asked);
}

static void
s_tell (zanni_node_t *node, zanni_reason_t *reason)
{
    int asked = atomic_load (&node->stop_asked);
    *reason = (zanni_reason_t) { .kind = ZANNI_EXIT_NORMAL };
    if (asked == S_BY_ACTOR) {
        pthread_mutex_lock (&node->lock);
        *reason = node->stop_reason;
        pthread_mutex_unlock (&node->lock);
    }
    else if (asked == S_BY_SIGNAL)
        reason->kind = ZANNI_EXIT_SHUTDOWN;
    else if (asked)
        *reason = (zanni_reason_t) { .kind = ZANNI_EXIT_SIGNAL, .code = asked - S_BY_SIGNAL };
}

int
zanni_wait (zanni_t *self, zanni_reason_t *reason, int64_t timeout_ms)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_worker_t *worker = self->worker;
    if (worker->kind != ZANNI__WORKER_ROOT || !zanni__is_owner (self))
        return ZANNI_EOWNER;
    rc = s_listen (worker);
    if (!rc)
        rc = zanni__run_until (self, s_is_over, timeout_ms);
    if (rc)
        return rc;
    if (!s_is_over (worker))
        return ZANNI_ETIMEOUT;
    worker->quit = false;
    if (reason)
        s_tell (worker->node, reason);
    return 0;
}
