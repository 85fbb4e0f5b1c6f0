/* Sockets of all nodes live in a context of the library's own, one per process, made with the first socket's owner and
   terminated with the last: several contexts with security can crash in libzmq 4.3.4.

   libzmq aborts when it opens a socket with very few descriptors left, or starts its own threads where none can be made,
   so both are probed first. Where the highest numbers that a descriptor may have are free, one call of poll shows that;
   else as many are opened. Threads are started. */

#include "sockets.h"

#include "assert.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zanni/error.h>
#include <zmq.h>

#define S_RESERVE 16         // descriptors that must be left
#define S_PROBED 64          // at most
#define S_SOCKETS 65000      // of the context

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static void *s_context;      // guarded by s_lock, as its users
static int s_context_users;

/* Whether so many of the highest numbers are nobody's. Who uses them up, or closes a gap below, is seen by opening. */
static bool
s_top_is_free (int wanted)
{
    struct pollfd items [S_PROBED];
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) || limit.rlim_cur < (rlim_t) wanted || limit.rlim_cur > INT_MAX)
        return false;
    for (int i = 0; i < wanted; i++)
        items [i] = (struct pollfd) { .fd = (int) limit.rlim_cur - 1 - i };
    int count = poll (items, (nfds_t) wanted, 0);
    for (int i = 0; i < count; i++)
        if (items [i].revents != POLLNVAL)
            return false;
    return count == wanted;
}

int
zanni__descriptors_left (int count)
{
    int fds [S_PROBED];
    int opened = 0;
    int wanted = count + S_RESERVE < S_PROBED ? count + S_RESERVE : S_PROBED;
    if (s_top_is_free (wanted))
        return 0;
    int first = eventfd (0, EFD_CLOEXEC);
    if (first < 0)
        return ZANNI_EDESCRIPTORS;
    while (opened < wanted) {
        int fd = fcntl (first, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            break;
        fds [opened++] = fd;
    }
    for (int i = 0; i < opened; i++)
        close (fds [i]);
    close (first);
    return opened == wanted ? 0 : ZANNI_EDESCRIPTORS;
}

/* Lives until it gets the lock. */
static void *
s_probe (void *argument)
{
    pthread_mutex_lock (argument);
    pthread_mutex_unlock (argument);
    return NULL;
}

int
zanni__threads_left (int count)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads [4];
    sigset_t before, every;
    int made = 0;
    zanni__assert (count <= 4);
    sigfillset (&every);   // the probes take no signal of the host
    pthread_sigmask (SIG_SETMASK, &every, &before);
    pthread_mutex_lock (&lock);
    while (made < count && !pthread_create (&threads [made], NULL, s_probe, &lock))
        made++;
    pthread_mutex_unlock (&lock);
    for (int i = 0; i < made; i++)
        pthread_join (threads [i], NULL);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return made == count ? 0 : ZANNI_ETHREADS;
}

int
zanni__zmq_context_take (void **context_p)
{
    int rc = 0;
    pthread_mutex_lock (&s_lock);
    if (!s_context)   // its own descriptors, and libzmq's two threads, which start with its first socket
        rc = zanni__descriptors_left (8);
    if (!s_context && !rc)
        rc = zanni__threads_left (2);
    if (!s_context && !rc) {
        s_context = zmq_ctx_new ();
        if (s_context)
            (void) zmq_ctx_set (s_context, ZMQ_MAX_SOCKETS, S_SOCKETS);
        else
            rc = ZANNI_ENOMEM;
    }
    s_context_users += !rc;
    if (!rc)
        *context_p = s_context;
    pthread_mutex_unlock (&s_lock);
    return rc;
}

void
zanni__zmq_context_give (void)
{
    pthread_mutex_lock (&s_lock);
    void *ended = --s_context_users ? NULL : s_context;
    if (ended)
        s_context = NULL;
    pthread_mutex_unlock (&s_lock);
    if (ended)
        (void) zmq_ctx_term (ended);
}
