/* peer.h: what the small baselines in C share: a clock, a rate with growing counts, and `PROGRAM [--quick] CASE`.

   A case is a function that does the work a given number of times. It runs with growing counts until one run is long
   enough to be trusted; the earlier runs warm up, so that what is measured is the steady state: memory that was touched
   before, a file that has its size, a connection that stands. What must not be measured is done before, at the first
   call with a count of 0.

   Whatever fails ends the program with a message and status 1: a baseline that does less than its work is no baseline. */

#ifndef ZANNI_BENCH_PEER_H
#define ZANNI_BENCH_PEER_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PEER_100MB ((size_t) 100 * 1000 * 1000)
#define PEER_GROWTH 50

typedef struct {
    const char *name;
    void (*work) (int64_t count);
    int64_t first;              // count of the first run
} peer_case_t;

static inline void
peer_check (int good, const char *what)
{
    if (good)
        return;
    fprintf (stderr, "%s failed: %s\n", what, strerror (errno));
    exit (EXIT_FAILURE);
}

static inline double
peer_now_s (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

static inline uint64_t
peer_word (const uint8_t *bytes)
{
    uint64_t word;
    memcpy (&word, bytes, sizeof word);
    return word;
}

/* The sum of the words: all bytes are read, at the speed of memory. By four sums, since the speed of a loop of one
   addition depends on the address where the compiler happens to put it, by half. */
static inline uint64_t
peer_sum (const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t a = 0, b = 0, c = 0, d = 0;
    for (; size >= 4 * sizeof a; size -= 4 * sizeof a, bytes += 4 * sizeof a) {
        a += peer_word (bytes);
        b += peer_word (bytes + sizeof a);
        c += peer_word (bytes + 2 * sizeof a);
        d += peer_word (bytes + 3 * sizeof a);
    }
    for (; size >= sizeof a; size -= sizeof a, bytes += sizeof a)
        a += peer_word (bytes);
    return a + b + c + d;
}

/* The sum of so many bytes that are all the same. */
static inline uint64_t
peer_sum_of (uint8_t byte, size_t size)
{
    return (uint64_t) (size / sizeof (uint64_t)) * (UINT64_MAX / 255 * byte);
}

static inline void
peer_run (const peer_case_t *bench, double target_s)
{
    int64_t count = bench->first;
    double elapsed_s;
    bench->work (0);
    for (;;) {
        double started_s = peer_now_s ();
        bench->work (count);
        elapsed_s = peer_now_s () - started_s;
        if (elapsed_s >= 0.7 * target_s)
            break;
        double growth = target_s / elapsed_s;
        count = 1 + (int64_t) ((double) count * (growth > PEER_GROWTH ? PEER_GROWTH : growth));
    }
    printf ("%s %.3f /s\n", bench->name, (double) count / elapsed_s);
}

/* The whole of a main; `cases` ends with a name of NULL. */
static inline int
peer_main (int argc, char **argv, const peer_case_t *cases)
{
    int quick = argc > 1 && !strcmp (argv [1], "--quick");
    const char *name = argc == 2 + quick ? argv [1 + quick] : "";
    for (const peer_case_t *each = cases; each->name; each++)
        if (!strcmp (each->name, name)) {
            peer_run (each, quick ? 0.05 : 1.5);
            return EXIT_SUCCESS;
        }
    fprintf (stderr, "usage: %s [--quick] CASE\ncases:", argv [0]);
    for (const peer_case_t *each = cases; each->name; each++)
        fprintf (stderr, " %s", each->name);
    fputc ('\n', stderr);
    return 2;
}

#endif
