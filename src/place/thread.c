/* The control thread: one zactor that makes and stops every other zactor of its node, and runs the undertaker. It never
   runs user code, so it always answers.

   Others ask it by a list of requests under a lock and an eventfd; who asks for a thread waits until it runs or cannot.
   zactor_new hangs when no thread can be made and aborts when sockets or descriptors are short, so all three are probed
   first. A thread that does not end in time is left alone: see end.c.

   Zactor functions of the program's (pipe.h) run on threads that are made, counted and abandoned like those of workers.
   A pipe that is released to this thread is wound up: the function is told to end, and what comes out is thrown away.

   Processes (process.h) are this thread's, too: a request for one is answered when the launcher has spoken. What is left of
   them when the node has ended is killed, so none is ever abandoned. An epoll set, made with the first pipe or process, is
   what wakes this thread for them. */

#include "thread.h"

#include "control.h"

#include "../base/memory.h"
#include "../base/sockets.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define S_CLOSE_MS 1000   // for the launcher to be gone

typedef struct {
    zanni__link_t link;
    zanni_worker_t *worker;    // one of these
    zanni__pipe_t *guest;
    zanni_process_t *process;
    bool kills;                // or the process of `node` is to end
    bool crashes;              // that at once
    char place [ZANNI_ENDPOINT_MAX];   // or this place is free, where it is none of the above
    uint8_t node [16];
    bool unattended;           // nobody waits: it is freed when it was done
    int rc;
    bool done;
} s_request_t;

/* Threads of zanni take no signal of the host: they inherit a mask that blocks all. */
static void
s_block_signals (sigset_t *before)
{
    sigset_t every;
    sigfillset (&every);
    pthread_sigmask (SIG_SETMASK, &every, before);
}

/* A probed socket's number is only free again when libzmq has dealt with it, on a thread of its own; just behind that it
   closes the socket's descriptor. Whoever gets the same descriptor meanwhile makes this wait for nothing, but not long. */
static void
s_close_probe (void *socket)
{
    int fd = -1;
    size_t size = sizeof fd;
    const struct timespec moment = { .tv_nsec = 20000 };
    if (!socket)
        return;
    (void) zmq_getsockopt (socket, ZMQ_FD, &fd, &size);
    (void) zsys_close (socket, __FILE__, __LINE__);
    for (int i = 0; i < 100 && fcntl (fd, F_GETFD) >= 0; i++)
        nanosleep (&moment, NULL);
}

int
zanni__zactor_possible (void)
{
    int rc = zanni__descriptors_left (6);
    if (!rc)
        rc = zanni__threads_left (1);
    if (rc)
        return rc;
    void *one = zsys_socket (ZMQ_PAIR, __FILE__, __LINE__);   // zsock_new would end the program
    void *two = one ? zsys_socket (ZMQ_PAIR, __FILE__, __LINE__) : NULL;
    bool possible = two != NULL;
    s_close_probe (two);
    s_close_probe (one);
    return possible ? 0 : ZANNI_ESOCKETS;
}

/* A thread that was left comes back: czmq may be gone. With `over` it is done otherwise. */
static void
s_come_back (zanni__thread_t *thread, bool over)
{
    zanni__place_t *place = thread->place;
    pthread_mutex_lock (&place->lock);
    bool left = place->left;
    thread->asleep = left;
    /* release: the control thread may free what this one used. */
    if (over && !left)
        atomic_store_explicit (&thread->over, true, memory_order_release);
    if (left)
        pthread_cond_broadcast (&place->changed);
    zanni__place_wake (place);
    pthread_mutex_unlock (&place->lock);
    while (left)
        pause ();
}

static void
s_thread_main (zsock_t *pipe, void *argument)
{
    zanni__thread_t *thread = argument;
    thread->pipe = pipe;
    zsock_signal (pipe, 0);
    if (thread->worker)
        zanni_worker_main (thread->worker);
    else {
        thread->guest->fn (pipe, thread->guest->args);
        s_come_back (thread, false);
        zanni__pipe_end (thread->guest, pipe);
    }
    s_come_back (thread, true);
}

/* From now on what wakes this thread is a set. */
static int
s_open_epoll (zanni__place_t *place)
{
    if (place->epoll >= 0)
        return 0;
    struct epoll_event event = { .events = EPOLLIN };
    int set = epoll_create1 (EPOLL_CLOEXEC);
    if (set >= 0 && epoll_ctl (set, EPOLL_CTL_ADD, place->wake_fd, &event)) {
        close (set);
        set = -1;
    }
    place->epoll = set;
    return set >= 0 ? 0 : ZANNI_EDESCRIPTORS;
}

static int
s_make (zanni__place_t *place, const s_request_t *request)
{
    int rc = zanni__zactor_possible ();
    if (!rc && request->guest)
        rc = s_open_epoll (place);
    if (rc)
        return rc;
    zanni__thread_t *thread = zanni__calloc (sizeof *thread);
    if (!thread)
        return ZANNI_ENOMEM;
    thread->worker = request->worker;
    thread->guest = request->guest;
    thread->place = place;
    thread->zactor = zactor_new (s_thread_main, thread);
    if (!thread->zactor) {
        zanni__free (thread);
        return ZANNI_ENOMEM;
    }
    zanni__list_append (&place->threads, &thread->link);
    if (thread->worker)
        zanni_worker_hold (thread->worker);
    else
        zanni__pipe_begin (thread->guest, zactor_sock (thread->zactor));
    return 0;
}

static void
s_answer (zanni__place_t *place, s_request_t *request, int rc)
{
    pthread_mutex_lock (&place->lock);
    if (!rc && request->process)
        place->processes_count++;   // until it is counted anew: who asked may end the node at once
    else if (!rc && !request->kills)
        place->threads_count++;
    request->rc = rc;
    request->done = true;
    pthread_cond_broadcast (&place->changed);
    pthread_mutex_unlock (&place->lock);
}

static void
s_process_answered (void *context, void *request, int rc)
{
    s_answer (context, request, rc);
}

static bool
s_process_ended (void *context, const uint8_t *node, uint64_t incarnation, const zanni_reason_t *reason, bool kept)
{
    return zanni_worker_process_ended (((zanni__place_t *) context)->undertaker, node, incarnation, reason, kept);
}

static void
s_process_seat (void *context, const char *endpoint)
{
    zanni_worker_process_next (((zanni__place_t *) context)->undertaker, endpoint);
}

static int
s_open_children (zanni__place_t *place)
{
    const zanni_options_t *options = &place->undertaker->node->options;
    const zanni__children_owner_t owner = {
        .context = place, .program = options->child_program, .arguments = options->child_arguments,
        .answered = s_process_answered, .ended = s_process_ended, .seat = s_process_seat
    };
    struct epoll_event event = { .events = EPOLLIN };
    if (place->children)
        return 0;
    int rc = s_open_epoll (place);
    if (!rc)
        rc = zanni__children_new (&place->children, &owner);
    if (!rc && epoll_ctl (place->epoll, EPOLL_CTL_ADD, zanni__children_fd (place->children), &event)) {
        zanni__children_destroy (&place->children, 0);
        rc = ZANNI_EDESCRIPTORS;
    }
    return rc;
}

/* It is answered some time later. */
static void
s_make_process (zanni__place_t *place, s_request_t *request)
{
    int rc = s_open_children (place);
    if (!rc) {
        zanni__children_start (place->children, request->process, request);
        return;
    }
    zanni__error_set (request->process->error, rc, NULL);
    s_answer (place, request, rc);
}

static void
s_kill_process (zanni__place_t *place, s_request_t *request)
{
    int rc = 0;
    if (*request->place)
        zanni__children_forget (place->children, request->place);
    else
        rc = zanni__children_kill (place->children, request->node, request->crashes);
    if (request->unattended)
        zanni__free (request);
    else
        s_answer (place, request, rc);
}

/* Those that are there now: others may come for ever, and what has ended is to be reaped meanwhile. */
static void
s_answer_requests (zanni__place_t *place)
{
    int left = 0;
    pthread_mutex_lock (&place->lock);
    for (const zanni__link_t *link = place->requests.next; link != &place->requests; link = link->next)
        left++;
    for (; left > 0; left--) {
        s_request_t *request = ZANNI__CONTAINER (place->requests.next, s_request_t, link);
        zanni__link_remove (&request->link);
        pthread_mutex_unlock (&place->lock);
        if (request->process)
            s_make_process (place, request);
        else if (request->kills)
            s_kill_process (place, request);
        else
            s_answer (place, request, s_make (place, request));
        pthread_mutex_lock (&place->lock);
    }
    pthread_mutex_unlock (&place->lock);
}

static void
s_watch (zanni__place_t *place, zanni__pipe_t *guest)
{
    struct epoll_event event = { .events = EPOLLIN };
    int fd = zsock_fd (guest->sock);
    if (guest->watched_fd < 0 && !epoll_ctl (place->epoll, EPOLL_CTL_ADD, fd, &event))
        guest->watched_fd = fd;
}

/* Whether a guest's pipe is this thread's. */
static bool
s_is_released (const zanni__pipe_t *guest)
{
    /* acquire pairs with the release of zanni__pipe_release. */
    return guest && atomic_load_explicit (&guest->released, memory_order_acquire);
}

static void
s_wind_up (zanni__place_t *place)
{
    for (zanni__link_t *link = place->threads.next; link != &place->threads; link = link->next) {
        zanni__thread_t *thread = ZANNI__CONTAINER (link, zanni__thread_t, link);
        if (!s_is_released (thread->guest) || atomic_load_explicit (&thread->over, memory_order_acquire))
            continue;
        s_watch (place, thread->guest);
        if (zanni__pipe_wind_up (thread->guest))
            zanni__place_wake (place);
    }
}

static void
s_free_thread (zanni__place_t *place, zanni__thread_t *thread)
{
    zanni__link_remove (&thread->link);
    if (thread->guest && thread->guest->watched_fd >= 0)
        (void) epoll_ctl (place->epoll, EPOLL_CTL_DEL, thread->guest->watched_fd, NULL);
    zactor_destroy (&thread->zactor);
    zanni__pipe_free (&thread->guest);
    if (thread->worker)
        zanni_worker_drop (thread->worker);
    zanni__free (thread);
}

static void
s_reap (zanni__place_t *place)
{
    zanni__link_t *next;
    for (zanni__link_t *link = place->threads.next; link != &place->threads; link = next) {
        zanni__thread_t *thread = ZANNI__CONTAINER (link, zanni__thread_t, link);
        next = link->next;
        if (!atomic_load_explicit (&thread->over, memory_order_acquire)
            || (thread->guest && !s_is_released (thread->guest)))
            continue;
        s_free_thread (place, thread);
        pthread_mutex_lock (&place->lock);
        place->threads_count--;
        pthread_cond_broadcast (&place->changed);
        pthread_mutex_unlock (&place->lock);
    }
}

/* Answers when it has to be called again, by the clock of the node. */
static int64_t
s_step_children (zanni__place_t *place)
{
    if (!place->children)
        return INT64_MAX;
    int next_ms = zanni__children_step (place->children);
    int count = zanni__children_count (place->children);
    pthread_mutex_lock (&place->lock);
    if (count < place->processes_count)
        pthread_cond_broadcast (&place->changed);
    place->processes_count = count;
    pthread_mutex_unlock (&place->lock);
    return next_ms < 0 ? INT64_MAX : zanni_worker_now_ns (place->undertaker) + next_ms * INT64_C (1000000);
}

static void
s_end_children (zanni__place_t *place)
{
    if (!place->children)
        return;
    (void) epoll_ctl (place->epoll, EPOLL_CTL_DEL, zanni__children_fd (place->children), NULL);
    zanni__children_destroy (&place->children, S_CLOSE_MS);
}

static void
s_stop_workers (zanni__place_t *place, int64_t grace_ms)
{
    if (place->children)
        zanni__children_stop (place->children, grace_ms);
    for (zanni__link_t *link = place->threads.next; link != &place->threads; link = link->next) {
        zanni_worker_t *worker = ZANNI__CONTAINER (link, zanni__thread_t, link)->worker;
        if (worker)   // a guest's actor, on some worker, ends with that
            zanni_worker_stop (place->undertaker, worker);
    }
    place->stopped = true;
}

/* One round of the control thread; false: it is over. */
static bool
s_control (zanni__place_t *place, int64_t *until_ns)
{
    uint64_t count;
    ssize_t size = read (place->wake_fd, &count, sizeof count);
    (void) size;
    pthread_mutex_lock (&place->lock);
    bool stopping = place->stopping;   // and so no further request behind those that are answered now
    bool quitting = place->quitting;
    int64_t quit_ns = place->quit_ns;
    int64_t grace_ms = place->grace_ms;
    pthread_mutex_unlock (&place->lock);
    s_answer_requests (place);
    if (stopping && !place->stopped)
        s_stop_workers (place, grace_ms);
    s_wind_up (place);
    s_reap (place);
    if (quitting)
        s_end_children (place);
    *until_ns = s_step_children (place);
    (void) zanni_worker_step (place->undertaker);
    /* While batches are given back by libzmq's reaper nothing wakes this thread: it looks every millisecond. */
    if (!quitting)
        return true;
    *until_ns = zanni_worker_now_ns (place->undertaker) + 1000000;
    return zanni_worker_unsettled (place->undertaker) && zanni_worker_now_ns (place->undertaker) < quit_ns;
}

static void
s_control_main (zsock_t *pipe, void *argument)
{
    zanni__place_t *place = argument;
    zanni_worker_enter (place->undertaker);
    zsock_signal (pipe, 0);
    int64_t until_ns;
    while (s_control (place, &until_ns))
        zanni_worker_wait (place->undertaker, until_ns, place->epoll >= 0 ? place->epoll : place->wake_fd);
    zanni_worker_end (place->undertaker);
}

static int
s_place_new (zanni__place_t **place_p, zanni_worker_t *undertaker)
{
    pthread_condattr_t attributes;
    zanni__place_t *place = zanni__calloc (sizeof *place);
    if (!place)
        return ZANNI_ENOMEM;
    place->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (place->wake_fd < 0) {
        zanni__free (place);
        return ZANNI_EDESCRIPTORS;
    }
    place->epoll = -1;
    place->undertaker = undertaker;
    zanni__link_init (&place->requests);
    zanni__link_init (&place->threads);
    zanni__link_init (&place->all);
    pthread_mutex_init (&place->lock, NULL);
    pthread_condattr_init (&attributes);
    pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
    pthread_cond_init (&place->changed, &attributes);
    pthread_condattr_destroy (&attributes);
    *place_p = place;
    return 0;
}

void
zanni__place_free (zanni__place_t *place)
{
    zanni__place_forget (place);
    if (place->epoll >= 0)
        close (place->epoll);
    close (place->wake_fd);
    pthread_cond_destroy (&place->changed);
    pthread_mutex_destroy (&place->lock);
    zanni__free (place);
}

static zactor_t *
s_control_new (zanni__place_t *place)
{
    sigset_t before;
    s_block_signals (&before);
    zactor_t *control = zactor_new (s_control_main, place);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return control;
}

static int
s_open (void **place_p, zanni_worker_t *undertaker)
{
    zanni__place_t *place;
    int rc = zanni__descriptors_left (10);   // czmq's context and its two threads, which may start now; the control thread
    if (!rc)
        rc = zanni__threads_left (3);
    if (!rc) {
        zanni__czmq_init ();
        rc = zanni__zactor_possible ();
    }
    if (!rc)
        rc = s_place_new (&place, undertaker);
    if (rc)
        return rc;
    place->control = s_control_new (place);
    if (!place->control) {
        zanni__place_free (place);
        return ZANNI_ENOMEM;
    }
    zanni__place_remember (place);
    *place_p = place;
    return 0;
}

static void
s_rouse (void *self)
{
    zanni__place_wake (self);
}

/* Waits until the control thread has done it, if anybody does. */
static int
s_request (zanni__place_t *place, s_request_t *request)
{
    int rc = 0;
    pthread_mutex_lock (&place->lock);
    if (place->stopping) {
        pthread_mutex_unlock (&place->lock);
        return ZANNI_ECLOSED;
    }
    bool waits = !request->unattended;   // else it may be gone in a moment
    zanni__list_append (&place->requests, &request->link);
    zanni__place_wake (place);
    while (waits && !request->done)
        pthread_cond_wait (&place->changed, &place->lock);
    if (waits)
        rc = request->rc;
    pthread_mutex_unlock (&place->lock);
    return rc;
}

static int
s_start (void *self, zanni_worker_t *worker)
{
    s_request_t request = { .worker = worker };
    return s_request (self, &request);
}

static int
s_process (void *self, zanni_process_t *process)
{
    s_request_t request = { .process = process };
    int rc = s_request (self, &request);
    if (rc == ZANNI_ECLOSED)
        zanni__error_set (process->error, rc, NULL);
    return rc;
}

/* Who kills is a worker that has other actors, too, and does not wait for it, as long as there is memory. */
static void
s_request_unattended (void *self, s_request_t *waiting)
{
    s_request_t *request = zanni__malloc (sizeof *request);
    if (!request) {
        (void) s_request (self, waiting);
        return;
    }
    *request = *waiting;
    request->unattended = true;
    if (s_request (self, request))
        zanni__free (request);
}

static void
s_kill (void *self, const uint8_t *node)
{
    s_request_t request = { .kills = true };
    memcpy (request.node, node, sizeof request.node);
    s_request_unattended (self, &request);
}

static void
s_crash (void *self, const uint8_t *node)
{
    s_request_t request = { .kills = true, .crashes = true };
    memcpy (request.node, node, sizeof request.node);
    s_request_unattended (self, &request);
}

static void
s_forget (void *self, const char *endpoint)
{
    s_request_t request = { .kills = true };
    snprintf (request.place, sizeof request.place, "%s", endpoint);
    s_request_unattended (self, &request);
}

int
zanni__pipe_start (void *place, zanni__pipe_t *pipe)
{
    s_request_t request = { .guest = pipe };
    pipe->place = place;
    return s_request (place, &request);
}

void
zanni__pipe_release (zanni__pipe_t *pipe)
{
    zanni__place_t *place = pipe->place;
    pthread_mutex_lock (&place->lock);
    /* release: the control thread sees the pipe as it was left. */
    atomic_store_explicit (&pipe->released, true, memory_order_release);
    zanni__place_wake (place);
    pthread_mutex_unlock (&place->lock);
}

const zanni_place_ops_t zanni__place_thread = {
    .size = sizeof (zanni_place_ops_t), .open = s_open, .rouse = s_rouse, .start = s_start, .process = s_process,
    .forget = s_forget, .crash = s_crash, .kill = s_kill, .finish = zanni__place_finish, .close = zanni__place_close
};
