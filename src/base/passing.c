/* SCM_RIGHTS, with nothing left open that was not asked for. */

#include "passing.h"

#include "assert.h"
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zanni/error.h>

typedef union {
    struct cmsghdr header;
    char room [CMSG_SPACE (ZANNI__PASSED_MOST * sizeof (int))];
} s_control_t;

bool
zanni__pass (int socket, const void *packet, size_t size, const int *fds, int count)
{
    s_control_t control = { .room = { 0 } };
    struct iovec piece = { (void *) (uintptr_t) packet, size };
    struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
    zanni__assert (count >= 0 && count <= ZANNI__PASSED_MOST);
    if (count) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE ((size_t) count * sizeof (int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN ((size_t) count * sizeof (int));
        memcpy (CMSG_DATA (&control.header), fds, (size_t) count * sizeof (int));
    }
    return sendmsg (socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t) size;
}

/* Takes the descriptors out of what came; those that are too many are closed. Answers how many there were. */
static int
s_take (struct msghdr *message, int *fds, int most)
{
    int count = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR (message); part; part = CMSG_NXTHDR (message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (part->cmsg_len - CMSG_LEN (0)) / sizeof (int);
        for (size_t i = 0; i < here; i++, count++) {
            int fd;
            memcpy (&fd, CMSG_DATA (part) + i * sizeof fd, sizeof fd);
            if (count < most)
                fds [count] = fd;
            else
                close (fd);
        }
    }
    return count;
}

int
zanni__pass_take (int socket, void *packet, size_t size, int *fds, int count)
{
    s_control_t control;
    struct iovec piece = { packet, size };
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    ssize_t came = recvmsg (socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (came <= 0)
        return ZANNI_EROUTE;
    int got = s_take (&message, fds, count);
    if (came == (ssize_t) size && got == count && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return 0;
    for (int i = 0; i < got && i < count; i++)
        close (fds [i]);
    return ZANNI_EARGS;
}

bool
zanni__pass_is_ours (int socket)
{
    struct ucred other;
    socklen_t size = sizeof other;
    return !getsockopt (socket, SOL_SOCKET, SO_PEERCRED, &other, &size) && other.uid == geteuid ();
}
