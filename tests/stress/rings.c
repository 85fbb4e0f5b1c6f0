/* Two threads at the ends of one ring: pieces of any size go through, in order and once; who finds nothing sleeps in a pipe
   until the other end wakes it, so that one wake-up that is lost stops everything. Both ends are of one mapping, for a race
   is seen by the address. */

#include "base/memfd.h"
#include "link/ring.h"
#include "stress.h"

#include <pthread.h>
#include <unistd.h>

#define S_PIECE 5000u

static zanni__ring_t s_writer, s_reader;
static int s_to_reader [2], s_to_writer [2];
static uint64_t s_bytes;   // that are to go through

static void
s_wake (const int *pipe)
{
    STRESS_CHECK (write (pipe [1], "", 1) == 1);
}

static void
s_sleep (const int *pipe)
{
    char byte;
    STRESS_CHECK (read (pipe [0], &byte, 1) == 1);
}

static void *
s_write_all (void *unused)
{
    uint8_t piece [S_PIECE];
    uint64_t random = 1, at = 0;
    (void) unused;
    while (at < s_bytes) {
        uint32_t size = 1 + stress_random (&random, S_PIECE);
        if (size > s_bytes - at)
            size = (uint32_t) (s_bytes - at);
        while (zanni__ring_room (&s_writer, size) < size)
            if (zanni__ring_wait_for_room (&s_writer, size))
                s_sleep (s_to_writer);
        for (uint32_t i = 0; i < size; i++)
            piece [i] = (uint8_t) (at + i);
        zanni__ring_put (&s_writer, piece, size);
        at += size;
        if ((stress_random (&random, 4) || at >= s_bytes) && zanni__ring_wrote (&s_writer))
            s_wake (s_to_reader);
    }
    return NULL;
}

static void
s_read_all (void)
{
    uint8_t piece [S_PIECE];
    uint64_t random = 2, at = 0;
    while (at < s_bytes) {
        uint64_t ready = zanni__ring_ready (&s_reader);
        STRESS_CHECK (ready <= ZANNI__RING_SIZE);
        if (!ready) {
            if (zanni__ring_sleep (&s_reader))
                s_sleep (s_to_reader);
            continue;
        }
        uint32_t size = 1 + stress_random (&random, S_PIECE);
        if (size > ready)
            size = (uint32_t) ready;
        zanni__ring_take (&s_reader, piece, size);
        for (uint32_t i = 0; i < size; i++)
            STRESS_CHECK (piece [i] == (uint8_t) (at + i));
        at += size;
        if (zanni__ring_took (&s_reader))
            s_wake (s_to_writer);
    }
}

int
main (int argc, char **argv)
{
    int fd;
    pthread_t thread;
    s_bytes = (uint64_t) stress_count (argc, argv, STRESS_SLOW ? 20 : 200, 4000) << 20;
    STRESS_OK (zanni__memfd_new (&fd, ZANNI__RING_MAPPED));
    STRESS_OK (zanni__ring_map (&s_writer, fd, 0));
    s_reader = s_writer;
    STRESS_CHECK (!pipe (s_to_reader) && !pipe (s_to_writer));
    STRESS_CHECK (!pthread_create (&thread, NULL, s_write_all, NULL));
    s_read_all ();
    STRESS_CHECK (!pthread_join (thread, NULL));
    zanni__ring_unmap (&s_writer);
    close (fd);
    printf ("%" PRIu64 " MiB went through\n", s_bytes >> 20);
    return 0;
}
