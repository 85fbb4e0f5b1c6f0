/* wordcount: counts the words of real text with actors.

   A word is a maximal run of ASCII letters, folded to lower case. The program's own thread is the reader: it cuts files
   into chunks and hands them to counters on other threads; a merger adds up what they find. README.md says how these
   work together; each file says at its head why it is as it is.

   The node lives only while files are counted. What comes after, the report and the comparison with coreutils, is a
   plain program. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zanni.h>

#include "classes.h"
#include "options.h"
#include "progress.h"
#include "reader.h"
#include "report.h"
#include "verify.h"

#define S_NO_LIMIT (UINT64_C (1) << 60)

static const zanni_class_t *const classes [] = { &reader_class, &counter_class, &merger_class, NULL };

static double
s_now (void)
{
    struct timespec now;
    (void) clock_gettime (CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* What zanni itself has to say: a call that went wrong in a handler, a thread that would not end. */
static void
s_log (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    if (level >= ZANNI_LOG_WARNING)
        fprintf (stderr, "wordcount: %s\n", text);
}

/* Credits are all the flow control there is (reader.c), and a chunk may be as large as a file: so neither a mailbox nor
   what is on its way to a process is bounded in bytes. */
static int
s_count (const options_t *options, count_t *count)
{
    ZANNI_AUTO (zanni_t) self = NULL;
    zanni_options_t node = {
        .name = "wordcount", .workers = options->workers, .mailbox_bytes = S_NO_LIMIT, .window_bytes = S_NO_LIMIT,
        .log = s_log, .error = &count->error
    };
    int rc = zanni_new (&self, &node);
    if (options->chaos)
        fprintf (stderr, "wordcount: counters are killed by chance, as they are again with --chaos=%" PRIu32 "\n",
                 options->seed);
    if (!rc)
        rc = zanni_serve (self, "reader");
    if (!rc)
        rc = reader_begin (self, options, count);
    if (!rc)
        rc = zanni_run (self, -1);
    return rc ? rc : count->error.code;
}

/* Says why the counting came to nothing. */
static int
s_fail (const count_t *count, int rc)
{
    fprintf (stderr, "wordcount: %s\n", *count->error.text ? count->error.text : zanni_strerror (rc));
    return EXIT_FAILURE;
}

static int
s_verify (const options_t *options, const count_t *count)
{
    (void) fflush (stdout);
    progress_note ("counting again with coreutils ...");
    int rc = verify (&count->words, options->paths);
    progress_clear ();
    return rc;
}

/* What the user gets, and the exit status. */
static int
s_report (const options_t *options, const count_t *count, double seconds)
{
    const char *verb = options->verify ? "verified" : "counted";
    if (!count->files) {
        fputs ("wordcount: there is no file to count\n", stderr);
        return EXIT_FAILURE;
    }
    if (!count->words.total)
        fputs ("wordcount: the files hold no words\n", stderr);
    if (report_top (count) || (options->table && report_table (count, options->table)))
        return EXIT_FAILURE;
    if (options->verify && s_verify (options, count))
        return EXIT_FAILURE;
    if (options->chaos)
        report_chaos (count, options->seed);
    report_totals (count, verb, seconds);
    if (fflush (stdout) || ferror (stdout)) {
        fputs ("wordcount: the result cannot be written to the standard output\n", stderr);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
    zanni_init (classes);   // first line; zanni_new answers what is wrong with a class
    options_t options;
    count_t count = { .files = 0 };
    int rc = options_read (&options, argc, argv);
    if (rc)
        return rc < 0 ? 2 : EXIT_SUCCESS;
    double start = s_now ();
    rc = s_count (&options, &count);
    double seconds = s_now () - start;
    int status = rc ? s_fail (&count, rc) : s_report (&options, &count, seconds);
    zanni_error_reset (&count.error);
    words_free (&count.words);
    return status;
}
