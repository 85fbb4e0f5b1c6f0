/* options.c: the command line, by getopt_long. */

#include "options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const s_default_paths [] = { "/usr/share/doc", "/usr/share/common-licenses", NULL };

static const char s_usage [] =
    "usage: wordcount [--place shared|thread|process] [--workers N] [--verify] [--table FILE] [--chaos[=SEED]]\n"
    "                 [PATH...]\n"
    "Counts the words of files and folders (by default those of the system's documentation).\n"
    "  --place P     where the counting actors run: shared (on a pool of threads, the default), thread or process\n"
    "                (in one of its own each)\n"
    "  --workers N   how many there are, 1 to 64; by default as many as processors\n"
    "  --verify      counts again with coreutils and compares the whole table\n"
    "  --table FILE  writes every word with its count, the most frequent first\n"
    "  --chaos[=N]   kills counting actors by chance while they work, which changes nothing; the same N (0 to\n"
    "                4294967295) chooses alike\n";

static int
s_read_place (zanni_place_t *place, const char *name)
{
    static const struct {
        const char *name;
        zanni_place_t place;
    } places [] = { { "shared", ZANNI_SHARED }, { "thread", ZANNI_THREAD }, { "process", ZANNI_PROCESS } };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!strcmp (places [i].name, name)) {
            *place = places [i].place;
            return 0;
        }
    fprintf (stderr, "wordcount: --place is \"%s\"; it may be shared, thread or process\n", name);
    return -1;
}

static int
s_read_workers (unsigned *workers, const char *text)
{
    char *end;
    long number = strtol (text, &end, 10);
    if (end == text || *end || number < 1 || number > WORKERS_MAX) {
        fprintf (stderr, "wordcount: --workers is \"%s\"; it may be 1 to %d\n", text, WORKERS_MAX);
        return -1;
    }
    *workers = (unsigned) number;
    return 0;
}

/* The seed is the program's to choose where the user has none. */
static int
s_read_chaos (options_t *options, const char *text)
{
    char *end;
    options->chaos = true;
    if (!text)
        return getentropy (&options->seed, sizeof options->seed);
    unsigned long number = strtoul (text, &end, 10);
    if (*text < '0' || *text > '9' || *end || number > UINT32_MAX) {
        fprintf (stderr, "wordcount: --chaos is \"%s\"; it may be 0 to %" PRIu32 "\n", text, UINT32_MAX);
        return -1;
    }
    options->seed = (uint32_t) number;
    return 0;
}

static unsigned
s_processors (void)
{
    long count = sysconf (_SC_NPROCESSORS_ONLN);
    if (count < 1)
        return 1;
    return count > WORKERS_MAX ? WORKERS_MAX : (unsigned) count;
}

static int
s_read_one (options_t *options, int letter)
{
    switch (letter) {
    case 'p':
        return s_read_place (&options->place, optarg);
    case 'w':
        return s_read_workers (&options->workers, optarg);
    case 'v':
        options->verify = true;
        return 0;
    case 't':
        options->table = optarg;
        return 0;
    case 'c':
        return s_read_chaos (options, optarg);
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
        { "place", required_argument, NULL, 'p' },
        { "workers", required_argument, NULL, 'w' },
        { "verify", no_argument, NULL, 'v' },
        { "table", required_argument, NULL, 't' },
        { "chaos", optional_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };
    int letter;
    *options = (options_t) { .place = ZANNI_SHARED, .workers = s_processors (), .paths = s_default_paths };
    while ((letter = getopt_long (argc, argv, "", names, NULL)) != -1) {
        int rc = s_read_one (options, letter);
        if (rc)
            return rc;
    }
    if (optind < argc)
        options->paths = (const char *const *) argv + optind;
    return 0;
}
