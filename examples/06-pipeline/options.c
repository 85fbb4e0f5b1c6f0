/* options.c: the command line, by getopt_long. */

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_FRAMES_MAX UINT64_C (1000000000)

static const char s_usage [] =
    "usage: pipeline [--frames N] [--stages N] [--place process|thread]\n"
    "Sends frames of 16 MiB from a source through filters to a sink, which checks them.\n"
    "  --frames N   how many frames, 200 by default; 0: until Ctrl-C\n"
    "  --stages N   how many filters, 1 to 16; 2 by default\n"
    "  --place P    where source, filters and sink run: each in a process (the default) or a thread of its own\n";

static int
s_read_place (zanni_place_t *place, const char *name)
{
    if (!strcmp (name, "process"))
        *place = ZANNI_PROCESS;
    else if (!strcmp (name, "thread"))
        *place = ZANNI_THREAD;
    else {
        fprintf (stderr, "pipeline: --place is \"%s\"; it may be process or thread\n", name);
        return -1;
    }
    return 0;
}

static int
s_read_number (uint64_t *number, const char *name, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull (text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value < least || value > most) {
        fprintf (stderr, "pipeline: --%s is \"%s\"; it may be %" PRIu64 " to %" PRIu64 "\n", name, text, least, most);
        return -1;
    }
    *number = value;
    return 0;
}

static int
s_read_one (options_t *options, int letter)
{
    uint64_t number = options->stages;
    int rc;
    switch (letter) {
    case 'f':
        return s_read_number (&options->frames, "frames", optarg, 0, S_FRAMES_MAX);
    case 's':
        rc = s_read_number (&number, "stages", optarg, 1, STAGES_MAX);
        options->stages = (unsigned) number;
        return rc;
    case 'p':
        return s_read_place (&options->place, optarg);
    case 'h':
        fputs (s_usage, stdout);
        return 1;
    default:
        fputs (s_usage, stderr);
        return -1;
    }
}

int
options_read (options_t *options, int argc, char **argv)
{
    static const struct option names [] = {
        { "frames", required_argument, NULL, 'f' },
        { "stages", required_argument, NULL, 's' },
        { "place", required_argument, NULL, 'p' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };
    int letter;
    *options = (options_t) { .frames = 200, .stages = 2, .place = ZANNI_PROCESS };
    while ((letter = getopt_long (argc, argv, "", names, NULL)) != -1) {
        int rc = s_read_one (options, letter);
        if (rc)
            return rc;
    }
    if (optind == argc)
        return 0;
    fprintf (stderr, "pipeline: \"%s\" is not an option\n", argv [optind]);
    return -1;
}
