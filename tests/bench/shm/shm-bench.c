/* shm-bench: what shared memory reaches without any framework.

   handover-100MB: one mapping of 100 MB (memfd) that two processes share and use again and again. The near side fills
   it in place and says so with eight bytes on an eventfd; the far side sums it there and answers the sum on a pipe. It
   is the least that a hand-over can cost: nothing is copied, mapped or touched for the first time.

   store-shm: 100 MB copied into memory and out of it again, all of it warm. It is the least that a store which keeps
   the bytes can cost: a put copies them in, a get that gives the caller his own copies them out.

   The far process is forked before anything is measured, and ends with its parent. */

#define _GNU_SOURCE

#include "../peer.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static uint8_t *s_region;
static int s_filled_fd;
static int s_answer_fds [2];

static _Noreturn void
s_be_far (void)
{
    uint64_t word;
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    while (read (s_filled_fd, &word, sizeof word) == sizeof word) {
        word = peer_sum (s_region, PEER_100MB);
        peer_check (write (s_answer_fds [1], &word, sizeof word) == sizeof word, "write");
    }
    _exit (EXIT_FAILURE);
}

static void
s_open (void)
{
    int fd = memfd_create ("handover", MFD_CLOEXEC);
    peer_check (fd >= 0 && !ftruncate (fd, (off_t) PEER_100MB), "memfd_create");
    s_region = mmap (NULL, PEER_100MB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    peer_check (s_region != MAP_FAILED, "mmap");
    s_filled_fd = eventfd (0, EFD_CLOEXEC);
    peer_check (s_filled_fd >= 0 && !pipe (s_answer_fds), "pipe");
    pid_t pid = fork ();
    peer_check (pid >= 0, "fork");
    if (!pid)
        s_be_far ();
    close (s_answer_fds [1]);   // so that its end is seen
}

static void
s_handover (int64_t count)
{
    static uint8_t byte;
    if (!s_region)
        s_open ();
    for (int64_t i = 0; i < count; i++) {
        uint64_t word = 1;
        memset (s_region, ++byte, PEER_100MB);
        peer_check (write (s_filled_fd, &word, sizeof word) == sizeof word, "write");
        peer_check (read (s_answer_fds [0], &word, sizeof word) == sizeof word, "read");
        peer_check (word == peer_sum_of (byte, PEER_100MB), "the sum");
    }
}

static void
s_store (int64_t count)
{
    static uint8_t *from, *kept, *to;
    if (!from) {
        from = malloc (PEER_100MB);
        kept = malloc (PEER_100MB);
        to = malloc (PEER_100MB);
        peer_check (from && kept && to, "malloc");
        memset (from, 0x5a, PEER_100MB);
        memset (kept, 0, PEER_100MB);
        memset (to, 0, PEER_100MB);
    }
    for (int64_t i = 0; i < count; i++) {
        memcpy (kept, from, PEER_100MB);
        __asm__ volatile ("" ::: "memory");   // what is copied on is what was copied
        memcpy (to, kept, PEER_100MB);
        __asm__ volatile ("" ::: "memory");
    }
    peer_check (!count || to [PEER_100MB - 1] == 0x5a, "the copy");
}

int
main (int argc, char **argv)
{
    static const peer_case_t cases [] = { { "handover-100MB", s_handover, 2 }, { "store-shm", s_store, 2 },
                                          { NULL, NULL, 0 } };
    return peer_main (argc, argv, cases);
}
