/* control.h: a place and its threads, as the control thread (thread.c) and the end of it all (end.c) share them. */

#ifndef ZANNI_PLACE_CONTROL_H
#define ZANNI_PLACE_CONTROL_H

#include "pipe.h"
#include "process.h"

#include "../actor/worker.h"
#include "../base/list.h"

#include <czmq.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

typedef struct zanni__place zanni__place_t;

/* A zactor of a place's. */
typedef struct {
    zanni__link_t link;        // in the place's threads
    zanni_worker_t *worker;    // held; NULL: a function of the program's
    zanni__pipe_t *guest;      // that; NULL: a worker
    zactor_t *zactor;
    _Atomic (zsock_t *) pipe;  // its own end (relaxed)
    _Atomic bool over;         // its thread is done with the worker (release; acquire)
    bool asleep;               // for good: it came back when its place was left (the place's lock)
    zanni__place_t *place;
} zanni__thread_t;

struct zanni__place {
    zanni__link_t all;         // among the places of the process
    zanni_worker_t *undertaker;
    zactor_t *control;
    int wake_fd;
    int epoll;                 // of wake_fd, released pipes, processes; -1: there was none of these yet
    pthread_mutex_t lock;      // guards from here
    pthread_cond_t changed;
    zanni__link_t requests;
    bool stopping;
    int64_t grace_ms;          // from then on, for processes
    bool quitting;
    int64_t quit_ns;
    bool left;                 // with threads in it: for good
    int threads_count;
    int processes_count;       // to here
    bool stopped;              // the control thread's own: it has told all workers
    zanni__link_t threads;
    zanni__children_t *children;   // NULL: there was no process yet
};

/* The control thread has something to do. */
static inline void
zanni__place_wake (zanni__place_t *place)
{
    uint64_t one = 1;
    ssize_t size = write (place->wake_fd, &one, sizeof one);
    (void) size;
}

/* Once its control thread has ended, or could not be made. */
void zanni__place_free (zanni__place_t *place);   // thread.c

/* end.c: the last two operations of the place, and which places there are, should the program exit. */
int zanni__place_finish (void *self, int64_t until_ns, int64_t wait_ns);
void zanni__place_close (void *self, int64_t until_ns);
void zanni__place_remember (zanni__place_t *place);
void zanni__place_forget (zanni__place_t *place);

#endif
