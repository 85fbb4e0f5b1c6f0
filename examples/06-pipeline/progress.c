/* progress.c: the throughput, live. On a terminal it is one line that is rewritten in place, twice a second.
   Elsewhere (a file, a pipe, a log of some service) it is a plain line a second, flushed, without a character to move
   a cursor.

   Only the program's main thread writes: it is the conductor, and the stages tell it what they did instead of
   printing it. So there is no lock, and no line of one in the middle of another's. */

#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "frame.h"

#define S_WIDTH 60

void
progress_begin (progress_t *progress, int64_t now_ns)
{
    *progress = (progress_t) { .terminal = isatty (STDOUT_FILENO) == 1, .then_ns = now_ns };
}

int64_t
progress_every_ms (const progress_t *progress)
{
    return progress->terminal ? 500 : 1000;
}

void
progress_show (progress_t *progress, uint64_t arrived, uint64_t frames, int64_t now_ns)
{
    char text [S_WIDTH + 1];
    char all [32] = "";
    double seconds = (double) (now_ns - progress->then_ns) / 1e9;
    double megabytes = (double) (arrived - progress->then) * FRAME_SIZE / 1e6;
    if (frames)
        snprintf (all, sizeof all, " of %" PRIu64, frames);
    double speed = seconds > 0 ? megabytes / seconds : 0;
    snprintf (text, sizeof text, "%" PRIu64 "%s frames, %.0f MB/s", arrived, all, speed);
    if (progress->terminal)
        printf ("\r%-*s", S_WIDTH, text);
    else
        puts (text);
    (void) fflush (stdout);
    progress->drawn = progress->terminal;
    progress->then_ns = now_ns;
    progress->then = arrived;
}

void
progress_clear (progress_t *progress)
{
    if (progress->drawn)
        printf ("\r%*s\r", S_WIDTH, "");
    (void) fflush (stdout);
    progress->drawn = false;
}
