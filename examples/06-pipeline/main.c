/* pipeline: large frames from a source through filters to a sink, each in a process of its own.

   The program's own thread is the conductor: it says when a frame is made, hears when it has arrived, and shows how
   fast they are. README.md says how the actors work together; each file says at its head why it is as it is. To make
   a pipeline of your own, begin with filter.c and frame.c.

   A frame is one message with a buffer. Where the next stage is another process, the buffer's memory is mapped there
   instead of being sent; nothing in this program sees to that. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zanni.h>

#include "classes.h"
#include "conductor.h"
#include "frame.h"
#include "options.h"

static const zanni_class_t *const classes [] = {
    &conductor_class, &stage_class, &source_class, &filter_class, &sink_class, NULL
};

/* What zanni itself has to say: a call that went wrong in a handler, a thread that would not end. */
static void
s_log (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    if (level >= ZANNI_LOG_ERROR)
        fprintf (stderr, "pipeline: %s\n", text);
}

/* SIGINT and SIGTERM become readable instead of ending the program. -1: there is no descriptor. */
static int
s_take_signals (void)
{
    sigset_t signals;
    sigemptyset (&signals);
    sigaddset (&signals, SIGINT);
    sigaddset (&signals, SIGTERM);
    (void) sigprocmask (SIG_BLOCK, &signals, NULL);
    return signalfd (-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* All the frames that can be under way may wait at one stage, so a mailbox has room for them. So has the window, which
   is what may be on its way to another process, and four times: what has been taken is told the sender by and by, a
   quarter of the window at a time. The limits that a node has by itself are for smaller messages. A process's node has
   the same ones as this. */
static int
s_run (const options_t *options, int signals, result_t *result)
{
    ZANNI_AUTO (zanni_t) self = NULL;
    uint64_t room = (conductor_in_flight (options) + 1) * (uint64_t) FRAME_SIZE;
    zanni_options_t node = {
        .name = "pipeline", .mailbox_bytes = room, .window_bytes = 4 * room, .log = s_log, .error = &result->error
    };
    int rc = signals < 0 ? ZANNI_EDESCRIPTORS : zanni_new (&self, &node);
    if (!rc)
        rc = zanni_serve (self, "conductor");
    if (!rc)
        rc = conductor_begin (self, options, signals, result);
    if (!rc)
        rc = zanni_run (self, -1);
    return rc ? rc : result->error.code;
}

static int
s_fail (const result_t *result, int rc)
{
    fprintf (stderr, "pipeline: %s\n", *result->error.text ? result->error.text : zanni_strerror (rc));
    if (result->sent)
        fprintf (stderr, "pipeline: %" PRIu64 " frames had arrived, %" PRIu64 " were under way and are lost\n",
                 result->arrived, result->sent - result->arrived);
    return EXIT_FAILURE;
}

/* A megabyte is a million bytes. The exit status of a run that a signal cut short is the one that shells expect. */
static int
s_report (const options_t *options, const result_t *result)
{
    double megabytes = (double) result->arrived * FRAME_SIZE / 1e6;
    printf ("pipeline: %s%" PRIu64 " frames, %.1f MB, %.1f MB/s, 0 lost, in order, checksums equal\n",
            result->signal ? "interrupted: " : "", result->arrived, megabytes,
            result->seconds > 0 ? megabytes / result->seconds : 0);
    if (fflush (stdout) || ferror (stdout)) {
        fputs ("pipeline: the result cannot be written to the standard output\n", stderr);
        return EXIT_FAILURE;
    }
    return result->signal && options->frames ? 128 + result->signal : EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
    zanni_init (classes);   // first line; in a stage's process it never returns
    options_t options;
    result_t result = { .sent = 0 };
    int rc = options_read (&options, argc, argv);
    if (rc)
        return rc < 0 ? 2 : EXIT_SUCCESS;
    int signals = s_take_signals ();
    rc = s_run (&options, signals, &result);
    int status = rc ? s_fail (&result, rc) : s_report (&options, &result);
    zanni_error_reset (&result.error);
    if (signals >= 0)
        (void) close (signals);
    return status;
}
