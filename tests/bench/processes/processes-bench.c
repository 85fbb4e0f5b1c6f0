/* processes-bench: what two processes reach without any framework.

   pool: the parent gives each of two children a number on a socket pair, who works on it for about 1 ms and writes the result
   back; who has answered gets the next. Each has two at a time, so that none waits for its parent. */

#define _GNU_SOURCE

#include "../burn.h"
#include "../peer.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHILDREN 2
#define AHEAD 2

static int s_fds [CHILDREN];

static _Noreturn void
s_be_child (int fd)
{
    uint64_t number;
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    while (read (fd, &number, sizeof number) == sizeof number) {
        number = burn (number);
        peer_check (write (fd, &number, sizeof number) == sizeof number, "write");
    }
    _exit (EXIT_SUCCESS);
}

static void
s_open (void)
{
    for (int i = 0; i < CHILDREN; i++) {
        int pair [2];
        peer_check (!socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
        pid_t pid = fork ();
        peer_check (pid >= 0, "fork");
        if (!pid)
            s_be_child (pair [1]);
        close (pair [1]);
        s_fds [i] = pair [0];
    }
}

static void
s_give (int child, int64_t *given, int64_t count)
{
    uint64_t number = (uint64_t) *given;
    if (*given == count)
        return;
    peer_check (write (s_fds [child], &number, sizeof number) == sizeof number, "write");
    ++*given;
}

static void
s_pool (int64_t count)
{
    int64_t given = 0, done = 0;
    if (!s_fds [0])
        s_open ();
    for (int i = 0; i < CHILDREN * AHEAD; i++)
        s_give (i % CHILDREN, &given, count);
    while (done < count) {
        struct pollfd polls [CHILDREN] = { { .fd = s_fds [0], .events = POLLIN }, { .fd = s_fds [1], .events = POLLIN } };
        peer_check (poll (polls, CHILDREN, -1) > 0, "poll");
        for (int i = 0; i < CHILDREN; i++) {
            uint64_t number;
            if (!polls [i].revents)
                continue;
            peer_check (read (s_fds [i], &number, sizeof number) == sizeof number, "read");
            done++;
            s_give (i, &given, count);
        }
    }
}

int
main (int argc, char **argv)
{
    static const peer_case_t cases [] = { { "pool", s_pool, 100 }, { NULL, NULL, 0 } };
    return peer_main (argc, argv, cases);
}
