/* How many may be at the door. Until a connection has shaken hands nobody knows whose it is, and it may cost us a descriptor,
   two small buffers, and one frame of the largest size for as long as a handshake may take (3 seconds, libzmq's
   HANDSHAKE_IVL). libzmq bounds each of these but the number of connections, and gives no way to refuse one. So where
   too many are there the kernel is told to throw away what comes for the socket that listens (a filter that passes
   nothing): who wants to connect hears nothing and tries again after a second, and connections that stand are not touched.
   To unbind instead would refuse those who wait in the kernel, and might lose the port.

   Who is still there, without HELLO, after the time that a handshake may take has shaken hands: with a key that is admitted,
   or with none where the listener is open. It does not count any more.

   The worker that listens keeps the limit, when it looks: not while an actor of its computes. */

#include "throng.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#define S_HANDSHAKE_NS INT64_C (3500000000)

bool
zanni__throng_listens (zanni__throng_t *throng, int fd)
{
    zanni__throng_close (throng);
    fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
    throng->fd = fd > 0 ? fd : 0;
    return throng->fd;
}

static void
s_shut (zanni__throng_t *throng, bool shut)
{
    struct sock_filter nothing = { .code = BPF_RET | BPF_K, .k = 0 };
    const struct sock_fprog program = { .len = 1, .filter = &nothing };
    int unused = 0;
    int failed = shut ? setsockopt (throng->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program)
                      : setsockopt (throng->fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
    throng->shut = shut && !failed;
}

void
zanni__throng_close (zanni__throng_t *throng)
{
    if (throng->fd)
        close (throng->fd);
    throng->fd = 0;
    throng->shut = false;
    throng->count = 0;
}

void
zanni__throng_left (zanni__throng_t *throng, int fd)
{
    for (uint32_t i = 0; i < throng->count; i++)
        if (throng->waiting [i].fd == fd) {
            throng->waiting [i] = throng->waiting [--throng->count];
            return;
        }
}

void
zanni__throng_came (zanni__throng_t *throng, int fd, int64_t now_ns)
{
    zanni__throng_left (throng, fd);   // the one that had this number before
    if (throng->count == ZANNI__THRONG_ROOM)
        return;
    throng->waiting [throng->count].fd = fd;
    throng->waiting [throng->count++].since_ns = now_ns;
}

static int64_t
s_forget_old (zanni__throng_t *throng, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    for (uint32_t i = 0; i < throng->count;) {
        int64_t over_ns = throng->waiting [i].since_ns + S_HANDSHAKE_NS;
        if (over_ns <= now_ns) {
            throng->waiting [i] = throng->waiting [--throng->count];
            continue;
        }
        next_ns = over_ns < next_ns ? over_ns : next_ns;
        i++;
    }
    return next_ns;
}

bool
zanni__throng_judge (zanni__throng_t *throng, int64_t now_ns, int64_t *due_ns)
{
    bool before = throng->shut;
    *due_ns = INT64_MAX;
    if (!throng->fd || (!throng->shut && throng->count < ZANNI__THRONG_MOST))
        return false;
    int64_t next_ns = s_forget_old (throng, now_ns);
    if (!before && throng->count >= ZANNI__THRONG_MOST)
        s_shut (throng, true);
    else if (before && throng->count < ZANNI__THRONG_MOST / 2)
        s_shut (throng, false);
    if (throng->shut)
        *due_ns = next_ns;
    return throng->shut && !before;
}
