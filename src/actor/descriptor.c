/* zanni_fd: one descriptor that is readable as long as zanni_step has something to do.

   An epoll set holds what can make work: the port (or the bell that tells of it), the watches, a timer for the next due
   time, and an eventfd that is raised while work is left. The port's own descriptor is edge-triggered, so after every step and every send from outside
   a turn the eventfd is set to the truth. */

#include "descriptor.h"

#include "pending.h"
#include "watch.h"

#include "../base/memory.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct zanni__descriptor {
    int epoll;
    int raised_fd;
    int timer_fd;
    bool raised;
    bool has_port;
    bool has_watches;
    int64_t due_ns;      // what the timer is set to
};

static int
s_add (const struct zanni__descriptor *descriptor, int fd)
{
    struct epoll_event event = { .events = EPOLLIN };
    return epoll_ctl (descriptor->epoll, EPOLL_CTL_ADD, fd, &event);
}

void
zanni__descriptor_close (zanni_worker_t *worker)
{
    struct zanni__descriptor *descriptor = worker->descriptor;
    if (!descriptor)
        return;
    worker->descriptor = NULL;
    const int fds [] = { descriptor->epoll, descriptor->raised_fd, descriptor->timer_fd };
    for (size_t i = 0; i < 3; i++)
        if (fds [i] >= 0)
            close (fds [i]);
    zanni__free (descriptor);
}

static int
s_open (zanni_worker_t *worker)
{
    struct zanni__descriptor *descriptor = zanni__malloc (sizeof *descriptor);
    if (!descriptor)
        return ZANNI_ENOMEM;
    *descriptor = (struct zanni__descriptor) {
        .epoll = epoll_create1 (EPOLL_CLOEXEC), .raised_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK),
        .timer_fd = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), .due_ns = INT64_MAX
    };
    worker->descriptor = descriptor;
    if (descriptor->epoll < 0 || descriptor->raised_fd < 0 || descriptor->timer_fd < 0
        || s_add (descriptor, descriptor->raised_fd) || s_add (descriptor, descriptor->timer_fd)
        || (!worker->port && s_add (descriptor, worker->node->bell))) {
        zanni__descriptor_close (worker);
        return ZANNI_EDESCRIPTORS;
    }
    return 0;
}

/* Port and watches may come after the descriptor. */
static void
s_join (zanni_worker_t *worker, struct zanni__descriptor *descriptor)
{
    int fd = worker->port && !descriptor->has_port ? worker->node->port->fd (worker->port) : -1;
    if (fd >= 0 && !s_add (descriptor, fd)) {
        descriptor->has_port = true;
        (void) epoll_ctl (descriptor->epoll, EPOLL_CTL_DEL, worker->node->bell, NULL);
    }
    if (worker->epoll >= 0 && !descriptor->has_watches && !s_add (descriptor, worker->epoll))
        descriptor->has_watches = true;
}

static void
s_set_timer (zanni_worker_t *worker, struct zanni__descriptor *descriptor)
{
    int64_t due_ns = zanni__worker_due (worker);
    if (due_ns == descriptor->due_ns)
        return;
    int64_t left_ns = due_ns == INT64_MAX ? 0 : due_ns - zanni__node_now (worker->node);
    if (due_ns != INT64_MAX && left_ns < 1)
        left_ns = 1;
    struct itimerspec time = { .it_value = { left_ns / 1000000000, left_ns % 1000000000 } };
    (void) timerfd_settime (descriptor->timer_fd, 0, &time, NULL);
    descriptor->due_ns = due_ns;
}

static void
s_raise (struct zanni__descriptor *descriptor, bool raise)
{
    uint64_t value = 1;
    if (raise == descriptor->raised)
        return;
    descriptor->raised = raise;
    ssize_t size = raise ? write (descriptor->raised_fd, &value, sizeof value)
                         : read (descriptor->raised_fd, &value, sizeof value);
    (void) size;
}

void
zanni__descriptor_update (zanni_worker_t *worker)
{
    struct zanni__descriptor *descriptor = worker->descriptor;
    if (!descriptor)
        return;
    s_join (worker, descriptor);
    s_set_timer (worker, descriptor);
    bool left = !zanni__worker_rests (worker) || zanni__worker_due (worker) <= zanni__node_now (worker->node);
    if (worker->port && worker->node->port->waiting (worker->port))
        left = worker->port_stirred = true;   // its descriptor may be silent now
    s_raise (descriptor, left);
}

int
zanni_fd (zanni_t *self, int *fd_p)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_worker_t *worker = self->worker;
    if (!fd_p || !self->identity->pinned)
        return ZANNI_EINVAL;
    if (!worker->descriptor)
        rc = s_open (worker);
    if (rc)
        return rc;
    zanni__descriptor_update (worker);
    *fd_p = worker->descriptor->epoll;
    return 0;
}

int
zanni_step (zanni_t *self, uint32_t budget)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    zanni_worker_t *worker = self->worker;
    if (!self->identity->pinned || worker->blocking || worker->corked || self->identity->busy & ZANNI__IN_TURN)
        return ZANNI_EOWNER;
    if (!budget)
        return ZANNI_EINVAL;
    if (self->closing)
        return ZANNI_ECLOSED;
    zanni__worker_look (worker);
    zanni__worker_run (worker, budget);
    zanni__worker_look (worker);
    bool left = zanni__worker_busy (worker);
    zanni__descriptor_update (worker);
    return left;
}
