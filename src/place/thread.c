/* The control thread: one zactor that makes, stops and abandons every other zactor of its node, and runs the undertaker.
   It never runs user code, so it always answers.

   Others ask it by a list of requests under a lock and an eventfd; who asks for a thread waits until it runs or cannot.
   zactor_new hangs when no thread can be made and aborts when sockets or descriptors are short, so all three are probed
   first. A thread that does not end in time is left alone: its zactor is never destroyed, and what it could still touch
   is never freed.

   A program that exits without zanni_destroy would be aborted by czmq's own exit handler, which finds its threads alive;
   ours was registered later, so it runs before and stops them, within a second. */

#include "thread.h"

#include "inproc.h"

#include "../base/list.h"
#include "../base/memory.h"

#include <czmq.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define S_EXIT_SECONDS 1

typedef struct {
    zanni__link_t link;        // in the place's threads
    zanni_worker_t *worker;    // held
    zactor_t *zactor;
    _Atomic bool over;         // its thread is done with the worker (release; acquire)
    struct s_place *place;
} s_thread_t;

typedef struct {
    zanni__link_t link;
    zanni_worker_t *worker;
    int rc;
    bool done;
} s_request_t;

typedef struct s_place {
    zanni__link_t all;         // among the places of the process
    zanni_worker_t *undertaker;
    zactor_t *control;
    int wake_fd;
    pthread_mutex_t lock;      // guards from here
    pthread_cond_t changed;
    zanni__link_t requests;
    bool stopping;
    bool quitting;
    int64_t quit_ns;
    int threads_count;         // to here
    bool stopped;              // the control thread's own: it has told all workers
    zanni__link_t threads;
} s_place_t;

static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t s_places_lock = PTHREAD_MUTEX_INITIALIZER;
static zanni__link_t s_places = { &s_places, &s_places };

static void
s_wake (s_place_t *place)
{
    uint64_t one = 1;
    ssize_t size = write (place->wake_fd, &one, sizeof one);
    (void) size;
}

/* A point in time `seconds` from now for pthread_cond_timedwait. */
static struct timespec
s_after (int64_t ns)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    time.tv_sec += ns / 1000000000;
    time.tv_nsec += ns % 1000000000;
    if (time.tv_nsec >= 1000000000) {
        time.tv_sec++;
        time.tv_nsec -= 1000000000;
    }
    return time;
}

/* Stops a place's threads and waits; under its lock. Answers how many are left. */
static int
s_stop_threads (s_place_t *place, int64_t within_ns)
{
    struct timespec until = s_after (within_ns);
    place->stopping = true;
    s_wake (place);
    while (place->threads_count)
        if (pthread_cond_timedwait (&place->changed, &place->lock, &until))
            break;
    return place->threads_count;
}

static void
s_at_exit (void)
{
    pthread_mutex_lock (&s_places_lock);
    for (zanni__link_t *link = s_places.next; link != &s_places; link = link->next) {
        s_place_t *place = ZANNI__CONTAINER (link, s_place_t, all);
        pthread_mutex_lock (&place->lock);
        (void) s_stop_threads (place, INT64_C (1000000000) * S_EXIT_SECONDS);
        place->quitting = true;
        place->quit_ns = 0;
        s_wake (place);
        pthread_mutex_unlock (&place->lock);
        zactor_destroy (&place->control);
    }
    pthread_mutex_unlock (&s_places_lock);
}

/* czmq installs handlers for SIGINT and SIGTERM when it comes up; the host's stay what they were. */
static void
s_czmq_init (void)
{
    struct sigaction interrupt, terminate;
    sigaction (SIGINT, NULL, &interrupt);
    sigaction (SIGTERM, NULL, &terminate);
    zsys_init ();
    sigaction (SIGINT, &interrupt, NULL);
    sigaction (SIGTERM, &terminate, NULL);
    (void) atexit (s_at_exit);
}

void
zanni__czmq_init (void)
{
    pthread_once (&s_once, s_czmq_init);
}

static void *
s_nothing (void *argument)
{
    return argument;
}

int
zanni__zactor_possible (void)
{
    pthread_t thread;
    int rc = zanni__descriptors_left (6);
    if (rc)
        return rc;
    zsock_t *one = zsock_new (ZMQ_PAIR);
    zsock_t *two = one ? zsock_new (ZMQ_PAIR) : NULL;
    bool possible = two != NULL;
    zsock_destroy (&two);
    zsock_destroy (&one);
    if (!possible)
        return ZANNI_ESOCKETS;
    if (pthread_create (&thread, NULL, s_nothing, NULL))
        return ZANNI_ETHREADS;
    pthread_join (thread, NULL);
    return 0;
}

static void
s_thread_main (zsock_t *pipe, void *argument)
{
    s_thread_t *thread = argument;
    s_place_t *place = thread->place;
    zsock_signal (pipe, 0);
    zanni_worker_main (thread->worker);
    /* release: the control thread may free what this one used. */
    atomic_store_explicit (&thread->over, true, memory_order_release);
    s_wake (place);
}

static int
s_make (s_place_t *place, zanni_worker_t *worker)
{
    int rc = zanni__zactor_possible ();
    if (rc)
        return rc;
    s_thread_t *thread = zanni__calloc (sizeof *thread);
    if (!thread)
        return ZANNI_ENOMEM;
    zanni_worker_hold (worker);
    thread->worker = worker;
    thread->place = place;
    zanni__list_append (&place->threads, &thread->link);
    thread->zactor = zactor_new (s_thread_main, thread);
    if (!thread->zactor) {
        zanni__link_remove (&thread->link);
        zanni_worker_drop (worker);
        zanni__free (thread);
        return ZANNI_ENOMEM;
    }
    return 0;
}

static void
s_answer_requests (s_place_t *place)
{
    pthread_mutex_lock (&place->lock);
    while (!zanni__list_empty (&place->requests)) {
        s_request_t *request = ZANNI__CONTAINER (place->requests.next, s_request_t, link);
        zanni__link_remove (&request->link);
        pthread_mutex_unlock (&place->lock);
        int rc = s_make (place, request->worker);
        pthread_mutex_lock (&place->lock);
        place->threads_count += !rc;
        request->rc = rc;
        request->done = true;
        pthread_cond_broadcast (&place->changed);
    }
    pthread_mutex_unlock (&place->lock);
}

static void
s_reap (s_place_t *place)
{
    zanni__link_t *next;
    for (zanni__link_t *link = place->threads.next; link != &place->threads; link = next) {
        s_thread_t *thread = ZANNI__CONTAINER (link, s_thread_t, link);
        next = link->next;
        if (!atomic_load_explicit (&thread->over, memory_order_acquire))
            continue;
        zanni__link_remove (link);
        zactor_destroy (&thread->zactor);
        zanni_worker_drop (thread->worker);
        zanni__free (thread);
        pthread_mutex_lock (&place->lock);
        place->threads_count--;
        pthread_cond_broadcast (&place->changed);
        pthread_mutex_unlock (&place->lock);
    }
}

static void
s_stop_workers (s_place_t *place)
{
    for (zanni__link_t *link = place->threads.next; link != &place->threads; link = link->next)
        zanni_worker_stop (place->undertaker, ZANNI__CONTAINER (link, s_thread_t, link)->worker);
    place->stopped = true;
}

/* One round of the control thread; false: it is over. */
static bool
s_control (s_place_t *place, int64_t *until_ns)
{
    uint64_t count;
    ssize_t size = read (place->wake_fd, &count, sizeof count);
    (void) size;
    s_answer_requests (place);
    pthread_mutex_lock (&place->lock);
    bool stopping = place->stopping;
    bool quitting = place->quitting;
    int64_t quit_ns = place->quit_ns;
    pthread_mutex_unlock (&place->lock);
    if (stopping && !place->stopped)
        s_stop_workers (place);
    s_reap (place);
    (void) zanni_worker_step (place->undertaker);
    /* While batches are given back by libzmq's reaper nothing wakes this thread: it looks every millisecond. */
    *until_ns = quitting ? zanni_worker_now_ns (place->undertaker) + 1000000 : INT64_MAX;
    if (!quitting)
        return true;
    return zanni_worker_unsettled (place->undertaker) && zanni_worker_now_ns (place->undertaker) < quit_ns;
}

static void
s_control_main (zsock_t *pipe, void *argument)
{
    s_place_t *place = argument;
    zanni_worker_enter (place->undertaker);
    zsock_signal (pipe, 0);
    int64_t until_ns;
    while (s_control (place, &until_ns))
        zanni_worker_wait (place->undertaker, until_ns, place->wake_fd);
    zanni_worker_end (place->undertaker);
}

static int
s_place_new (s_place_t **place_p, zanni_worker_t *undertaker)
{
    pthread_condattr_t attributes;
    s_place_t *place = zanni__calloc (sizeof *place);
    if (!place)
        return ZANNI_ENOMEM;
    place->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (place->wake_fd < 0) {
        zanni__free (place);
        return ZANNI_EDESCRIPTORS;
    }
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

static void
s_place_free (s_place_t *place)
{
    pthread_mutex_lock (&s_places_lock);
    zanni__link_remove (&place->all);
    pthread_mutex_unlock (&s_places_lock);
    close (place->wake_fd);
    pthread_cond_destroy (&place->changed);
    pthread_mutex_destroy (&place->lock);
    zanni__free (place);
}

/* Threads of zanni take no signal of the host: they inherit a mask that blocks all. */
static zactor_t *
s_control_new (s_place_t *place)
{
    sigset_t every, before;
    sigfillset (&every);
    pthread_sigmask (SIG_SETMASK, &every, &before);
    zactor_t *control = zactor_new (s_control_main, place);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return control;
}

static int
s_open (void **place_p, zanni_worker_t *undertaker)
{
    s_place_t *place;
    zanni__czmq_init ();
    int rc = zanni__zactor_possible ();
    if (!rc)
        rc = s_place_new (&place, undertaker);
    if (rc)
        return rc;
    place->control = s_control_new (place);
    if (!place->control) {
        s_place_free (place);
        return ZANNI_ENOMEM;
    }
    pthread_mutex_lock (&s_places_lock);
    zanni__list_append (&s_places, &place->all);
    pthread_mutex_unlock (&s_places_lock);
    *place_p = place;
    return 0;
}

static void
s_rouse (void *self)
{
    s_wake (self);
}

static int
s_start (void *self, zanni_worker_t *worker)
{
    s_place_t *place = self;
    s_request_t request = { .worker = worker };
    pthread_mutex_lock (&place->lock);
    if (place->stopping) {
        pthread_mutex_unlock (&place->lock);
        return ZANNI_ECLOSED;
    }
    zanni__list_append (&place->requests, &request.link);
    s_wake (place);
    while (!request.done)
        pthread_cond_wait (&place->changed, &place->lock);
    pthread_mutex_unlock (&place->lock);
    return request.rc;
}

static void
s_name_stuck (s_place_t *place)
{
    char text [160];
    for (zanni__link_t *link = place->threads.next; link != &place->threads; link = link->next) {
        const zanni_worker_t *worker = ZANNI__CONTAINER (link, s_thread_t, link)->worker;
        snprintf (text, sizeof text, "%s did not end in time and is abandoned", zanni_worker_name (worker));
        zanni_worker_log (worker, ZANNI_LOG_ERROR, text);
    }
}

static int
s_finish (void *self, int64_t until_ns)
{
    s_place_t *place = self;
    int64_t left_ns = until_ns - zanni_worker_now_ns (place->undertaker);
    pthread_mutex_lock (&place->lock);
    int stuck = s_stop_threads (place, left_ns > 0 ? left_ns : 0);
    pthread_mutex_unlock (&place->lock);
    return stuck;
}

static void
s_close (void *self, int64_t until_ns)
{
    s_place_t *place = self;
    pthread_mutex_lock (&place->lock);
    bool stuck = place->threads_count > 0;
    place->quitting = true;
    place->quit_ns = until_ns;
    s_wake (place);
    pthread_mutex_unlock (&place->lock);
    zactor_destroy (&place->control);
    if (!stuck) {
        s_place_free (place);
        return;
    }
    s_name_stuck (place);
    pthread_mutex_lock (&s_places_lock);   // what is abandoned may still touch it: never freed
    zanni__link_remove (&place->all);
    pthread_mutex_unlock (&s_places_lock);
}

const zanni_place_ops_t zanni__place_thread = {
    .size = sizeof (zanni_place_ops_t), .open = s_open, .rouse = s_rouse, .start = s_start, .finish = s_finish,
    .close = s_close
};
