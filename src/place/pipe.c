/* A zactor function of the program's and its pipe.

   czmq's own protocol does not suffice. zactor_new waits for the function's first signal, and so for user code, which the
   control thread must not; a zactor signals in the midst of its life, too, so its last signal cannot be told from
   others; and czmq drops the last signal, or "$TERM", when the pipe is full. Therefore a function of ours runs around the
   program's: it signals at once, so that the program's first signal comes through as a message; and when the program's has
   returned it sends a mark of our own, for which it waits until there is room. Behind the mark the pipe's limit is lifted,
   so that czmq's own last signal cannot be lost, which zactor_destroy will wait for.

   What is sent while the function returns must not vanish: a send holds the lock under which `returned` is set, and what
   was in the pipe by then is handed back as unread. */

#include "pipe.h"

#include "../base/memory.h"

#include <zanni/error.h>

#define S_AT_ONCE 256   // messages thrown away before the control thread looks at its other duties

int
zanni__pipe_new (zanni__pipe_t **pipe_p, zanni_zactor_fn *fn, void *args, const char *name)
{
    zanni__pipe_t *pipe = zanni__calloc (sizeof *pipe);
    if (!pipe)
        return ZANNI_ENOMEM;
    pipe->fn = fn;
    pipe->args = args;
    pipe->mark = (zanni__pipe_mark_t) { "zanni: returned", pipe };
    pipe->watched_fd = -1;
    snprintf (pipe->name, sizeof pipe->name, "%s", name);
    pthread_mutex_init (&pipe->lock, NULL);
    *pipe_p = pipe;
    return 0;
}

void
zanni__pipe_free (zanni__pipe_t **pipe_p)
{
    zanni__pipe_t *pipe = *pipe_p;
    zmsg_t *zmsg;
    if (!pipe)
        return;
    *pipe_p = NULL;
    while ((zmsg = zanni__pipe_unread (pipe)))
        zmsg_destroy (&zmsg);
    zlist_destroy (&pipe->unread);
    pthread_mutex_destroy (&pipe->lock);
    zanni__free (pipe);
}

static zlist_t *
s_read_rest (zsock_t *theirs)
{
    zmsg_t *zmsg;
    zlist_t *rest = zlist_new ();
    zsock_set_rcvtimeo (theirs, 0);
    while ((zmsg = zmsg_recv (theirs)))
        zlist_append (rest, zmsg);
    return rest;
}

void
zanni__pipe_begin (zanni__pipe_t *pipe, zsock_t *ours)
{
    pipe->sock = ours;
    zsock_set_sndtimeo (ours, 0);
}

void
zanni__pipe_end (zanni__pipe_t *pipe, zsock_t *theirs)
{
    pthread_mutex_lock (&pipe->lock);
    pipe->returned = true;
    pthread_mutex_unlock (&pipe->lock);
    zlist_t *rest = s_read_rest (theirs);
    pthread_mutex_lock (&pipe->lock);
    pipe->unread = rest;
    pthread_mutex_unlock (&pipe->lock);
    zsock_set_sndtimeo (theirs, -1);
    while (zmq_send (zsock_resolve (theirs), &pipe->mark, sizeof pipe->mark, 0) < 0 && errno == EINTR)
        continue;
    zsock_set_sndhwm (theirs, 0);
}

zanni__sent_t
zanni__pipe_send (zanni__pipe_t *pipe, zmsg_t **zmsg_p)
{
    zanni__sent_t sent = ZANNI__SENT;
    pthread_mutex_lock (&pipe->lock);
    if (pipe->returned)
        sent = ZANNI__NO_READER;
    else if (!(zsock_events (pipe->sock) & ZMQ_POLLOUT) || zmsg_send (zmsg_p, pipe->sock))
        sent = ZANNI__NO_ROOM;
    pthread_mutex_unlock (&pipe->lock);
    return sent;
}

bool
zanni__pipe_tell_to_end (zanni__pipe_t *pipe)
{
    if (pipe->told)
        return true;
    zmsg_t *zmsg = zmsg_new ();
    zmsg_addstr (zmsg, "$TERM");
    pipe->told = zanni__pipe_send (pipe, &zmsg) != ZANNI__NO_ROOM;
    zmsg_destroy (&zmsg);
    return pipe->told;
}

static bool
s_is_mark (const zanni__pipe_t *pipe, zmsg_t *zmsg)
{
    zframe_t *frame = zmsg_first (zmsg);
    return zmsg_size (zmsg) == 1 && zframe_size (frame) == sizeof pipe->mark
           && memcmp (zframe_data (frame), &pipe->mark, sizeof pipe->mark) == 0;
}

/* Nothing behind the mark is read: the signal there is zactor_destroy's. */
zmsg_t *
zanni__pipe_receive (zanni__pipe_t *pipe)
{
    if (pipe->ended || !(zsock_events (pipe->sock) & ZMQ_POLLIN))
        return NULL;
    zmsg_t *zmsg = zmsg_recv (pipe->sock);
    if (!zmsg || !s_is_mark (pipe, zmsg))
        return zmsg;
    pipe->ended = true;
    zmsg_destroy (&zmsg);
    return NULL;
}

bool
zanni__pipe_returned (zanni__pipe_t *pipe)
{
    pthread_mutex_lock (&pipe->lock);
    bool returned = pipe->returned;
    pthread_mutex_unlock (&pipe->lock);
    return returned;
}

zmsg_t *
zanni__pipe_unread (zanni__pipe_t *pipe)
{
    pthread_mutex_lock (&pipe->lock);
    zmsg_t *zmsg = pipe->unread ? zlist_pop (pipe->unread) : NULL;
    pthread_mutex_unlock (&pipe->lock);
    return zmsg;
}

bool
zanni__pipe_wind_up (zanni__pipe_t *pipe)
{
    (void) zanni__pipe_tell_to_end (pipe);
    for (int i = 0; i < S_AT_ONCE; i++) {
        zmsg_t *zmsg = zanni__pipe_receive (pipe);
        if (!zmsg)
            return false;
        zmsg_destroy (&zmsg);
    }
    return true;
}
