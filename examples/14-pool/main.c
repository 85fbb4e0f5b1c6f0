/* pool: a picture of the Mandelbrot set, computed row by row in as many processes as there are processors.

   The program is what you see in s_run: a pool of crunchers, and a map that asks it for one row after the other, a
   few at a time, and gets them back in order. The pool starts the processes, gives each a row when it has done the
   last, and has another one take its place, and its row, when one dies; --chaos kills one now and then to show it. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zanni.h>

#include "cruncher.h"
#include "picture.h"
#include "progress.h"

#define CHAOS_EVERY 40    // rows
#define WORKERS_MOST 256

typedef struct {
    zanni_t *self;
    picture_t picture;
    uint32_t next;
    bool chaos;
    pid_t killed;
    uint32_t kills;
} run_t;

typedef struct {
    uint32_t size;
    uint32_t workers;
    const char *file;
    bool chaos;
} options_t;

static volatile sig_atomic_t interrupted;

static void
s_interrupt (int signal)
{
    interrupted = signal;
}

/* The next job; none when all rows have been asked for. */
static int
s_next (void *closure, zanni_msg_t **msg_p)
{
    run_t *run = closure;
    if (run->next == run->picture.size)
        return 0;
    return zanni_msg_new (run->self, msg_p, "row", run->next++, run->picture.size);
}

/* The rows come in order, since the map was asked for that. A negative answer ends the map. */
static int
s_done (void *closure, uint64_t index, int rc, zanni_msg_t *reply)
{
    run_t *run = closure;
    zanni_bytes_t row;
    int pid;
    if (!rc)
        rc = zanni_read (reply, &row, &pid);
    if (rc)
        return rc;
    if (run->chaos && index % CHAOS_EVERY == CHAOS_EVERY - 1 && pid != run->killed && !kill (pid, SIGKILL)) {
        run->killed = pid;
        run->kills++;
    }
    if (interrupted)
        return ZANNI_ECANCELED;
    return picture_row (&run->picture, row.data) ? ZANNI_ESYSTEM : 0;
}

static void
s_progress (void *closure, const zanni_map_progress_t *progress)
{
    const run_t *run = closure;
    progress_show (progress, run->picture.size);
}

static int
s_run (const options_t *options, run_t *run, zanni_error_t *error)
{
    ZANNI_AUTO (zanni_t) self = NULL;
    ZANNI_AUTO (zanni_ref_t) pool = NULL;
    const zanni_spawn_t process = { .place = ZANNI_PROCESS };
    const zanni_pool_options_t how = {
        .workers = options->workers, .routing = ZANNI_PULL, .spawn = &process, .error = error,
        .restarts = 100 + options->size / CHAOS_EVERY   // more than chaos ends
    };
    const zanni_map_t map = {
        .next = s_next, .done = s_done, .closure = run, .ordered = true, .in_flight = 4 * options->workers,
        .deadline_ms = -1, .progress = s_progress, .progress_ms = progress_every_ms (), .error = error
    };
    int rc = zanni_new (&self, &(zanni_options_t) { .name = "pool", .error = error });
    run->self = self;
    if (!rc)
        rc = zanni_pool (self, &pool, "cruncher", &how);
    if (!rc)
        rc = zanni_map (self, pool, &map);
    progress_clear ();
    return rc;
}

static const char s_usage [] =
    "usage: pool [--size N] [--workers N] [--file NAME] [--chaos]\n"
    "Computes a picture of the Mandelbrot set in several processes.\n"
    "  --size N      points in each direction, 1 to 8192; 1200 by default\n"
    "  --workers N   processes, 1 to 256; as many as processors by default\n"
    "  --file NAME   where the picture goes, as PGM\n"
    "  --chaos       kills a process now and then, which changes nothing\n";

static bool
s_number (uint32_t *number, const char *name, uint32_t most)
{
    char *end;
    unsigned long value = strtoul (optarg, &end, 10);
    bool good = *optarg >= '0' && *optarg <= '9' && !*end && value >= 1 && value <= most;
    if (good)
        *number = (uint32_t) value;
    else
        fprintf (stderr, "pool: --%s is \"%s\"; it may be 1 to %" PRIu32 "\n", name, optarg, most);
    return good;
}

/* The exit status where the program is not to go on, else -1. */
static int
s_read_options (options_t *options, int argc, char **argv)
{
    static const struct option names [] = {
        { "size", required_argument, NULL, 's' }, { "workers", required_argument, NULL, 'w' },
        { "file", required_argument, NULL, 'f' }, { "chaos", no_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
    };
    long processors = sysconf (_SC_NPROCESSORS_ONLN);
    int letter;
    *options = (options_t) { .size = 1200 };
    options->workers = processors < 1 ? 1 : processors > WORKERS_MOST ? WORKERS_MOST : (uint32_t) processors;
    while ((letter = getopt_long (argc, argv, "", names, NULL)) != -1) {
        bool good = true;
        if (letter == 's')
            good = s_number (&options->size, "size", SIZE_MAX_POINTS);
        else if (letter == 'w')
            good = s_number (&options->workers, "workers", WORKERS_MOST);
        else if (letter == 'f')
            options->file = optarg;
        else if (letter == 'c')
            options->chaos = true;
        else {
            fputs (s_usage, letter == 'h' ? stdout : stderr);
            return letter == 'h' ? EXIT_SUCCESS : 2;
        }
        if (!good)
            return 2;
    }
    if (optind < argc)
        fprintf (stderr, "pool: \"%s\" is not an option\n", argv [optind]);
    return optind < argc ? 2 : -1;
}

int
main (int argc, char **argv)
{
    static const zanni_class_t *const classes [] = { &cruncher_class, NULL };
    zanni_init (classes);   // first line; in a worker's process it never returns
    options_t options;
    zanni_error_t error = { 0 };
    int status = s_read_options (&options, argc, argv);
    if (status >= 0)
        return status;
    run_t run = { .chaos = options.chaos };
    if (picture_begin (&run.picture, options.file, options.size)) {
        fprintf (stderr, "pool: %s cannot be written: %s\n", options.file, strerror (errno));
        return EXIT_FAILURE;
    }
    (void) signal (SIGINT, s_interrupt);
    (void) signal (SIGTERM, s_interrupt);
    int rc = s_run (&options, &run, &error);
    if (picture_end (&run.picture) && !rc)
        rc = ZANNI_ESYSTEM;
    if (rc && interrupted) {
        fprintf (stderr, "pool: interrupted after %" PRIu32 " rows\n", run.picture.rows);
        return 128 + interrupted;
    }
    if (rc) {
        fprintf (stderr, "pool: %s\n", *error.text ? error.text : zanni_strerror (rc));
        return EXIT_FAILURE;
    }
    printf ("pool: %" PRIu32 " rows, %" PRIu64 " points in the set, %" PRIu32 " processes killed\n", run.picture.rows,
            run.picture.inside, run.kills);
    return fflush (stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
