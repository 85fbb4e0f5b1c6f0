/* pipe.h: a zactor function of the program's, on its own thread, and our end of its pipe.

   One thread at a time uses our end: the worker of the actor that stands for it, from zanni__pipe_start until
   zanni__pipe_release, then the control thread. Request and release hand it over under the place's lock. */

#ifndef ZANNI_PLACE_PIPE_H
#define ZANNI_PLACE_PIPE_H

#include <czmq.h>
#include <pthread.h>
#include <stdatomic.h>
#include <zanni/czmq.h>

typedef struct {
    char word [16];
    const void *pipe;
} zanni__pipe_mark_t;

typedef struct {
    zanni_zactor_fn *fn;
    void *args;
    char name [96];              // for logs
    void *place;                 // where it runs
    zsock_t *sock;               // our end; of the zactor
    zanni__pipe_mark_t mark;     // the last thing that comes out of the pipe
    bool told;                   // "$TERM" was sent
    bool ended;                  // the mark has come
    int watched_fd;              // by the control thread; -1: not yet
    _Atomic bool released;       // to the control thread (release; acquire)
    pthread_mutex_t lock;        // guards the two
    bool returned;               // fn has
    zlist_t *unread;             // zmsgs that it left in the pipe; there once the mark has come
} zanni__pipe_t;

typedef enum { ZANNI__SENT, ZANNI__NO_ROOM, ZANNI__NO_READER } zanni__sent_t;

/* ZANNI_ENOMEM. `name` is for logs. */
int zanni__pipe_new (zanni__pipe_t **pipe_p, zanni_zactor_fn *fn, void *args, const char *name);
void zanni__pipe_free (zanni__pipe_t **pipe_p);

/* Runs fn on a zactor of its own, which the control thread of `place` makes. From then on the caller uses our end, until
   it releases the pipe, which it must, and not touch it any more. Errors as `start` of the place; then the caller frees
   the pipe. */
int zanni__pipe_start (void *place, zanni__pipe_t *pipe);
void zanni__pipe_release (zanni__pipe_t *pipe);

/* For the control thread: our end is there. For fn's own: fn has returned. */
void zanni__pipe_begin (zanni__pipe_t *pipe, zsock_t *ours);
void zanni__pipe_end (zanni__pipe_t *pipe, zsock_t *theirs);

/* For whoever uses our end; none blocks. A message is consumed when it was sent. */
zanni__sent_t zanni__pipe_send (zanni__pipe_t *pipe, zmsg_t **zmsg_p);

/* Tells fn to end; false: there is no room, try again when the pipe is writable. */
bool zanni__pipe_tell_to_end (zanni__pipe_t *pipe);

/* The next message out of the pipe, for the caller to destroy; NULL: none now, or the mark has come (`ended`). */
zmsg_t *zanni__pipe_receive (zanni__pipe_t *pipe);

/* Whether fn has returned. */
bool zanni__pipe_returned (zanni__pipe_t *pipe);

/* The next message that fn left unread, for the caller to destroy, or NULL. After the mark. */
zmsg_t *zanni__pipe_unread (zanni__pipe_t *pipe);

/* Tells fn to end and throws away what it says: for a pipe whose actor is gone. Whether there is more. */
bool zanni__pipe_wind_up (zanni__pipe_t *pipe);

#endif
