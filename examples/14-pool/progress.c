/* progress.c: what zanni_map tells of itself, for people. */

#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WIDTH 40

int64_t
progress_every_ms (void)
{
    return isatty (STDERR_FILENO) ? 100 : 2000;
}

void
progress_show (const zanni_map_progress_t *progress, uint64_t all)
{
    static const char full [WIDTH + 1] = "########################################";
    int filled = (int) (progress->done * WIDTH / all);
    uint64_t percent = progress->done * 100 / all;
    double seconds = (double) progress->elapsed_ms / 1000;
    double left = progress->done ? seconds * (double) (all - progress->done) / (double) progress->done : 0;
    if (isatty (STDERR_FILENO))
        fprintf (stderr, "\r[%.*s%*s] %3" PRIu64 " %%, %.0f s left   ", filled, full, WIDTH - filled, "", percent,
                 left);
    else if (progress->done < all)
        fprintf (stderr, "pool: %" PRIu64 " of %" PRIu64 " rows after %.0f s\n", progress->done, all, seconds);
}

void
progress_clear (void)
{
    if (isatty (STDERR_FILENO))
        fprintf (stderr, "\r%*s\r", WIDTH + 24, "");
}
