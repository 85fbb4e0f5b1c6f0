/* performance: a guide that measures what it says.

   Each tip promises a ratio, in the table below; README.md says why it holds and when it does not. The program measures
   both sides of each, on public calls only, and fails when a promise is not kept. Promises are at most half of what a quiet
   machine shows, for others are not quiet. */

#include "measure.h"
#include "report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined HAS_LMDB
#include <zanni/lmdb.h>
#endif

#define S_TRIES 3

static const zanni_class_t *const classes [] = { &sink_class, NULL };

static const tip_t s_tips [] = {
    { "simplify", "numbers are faster than pairs of strings", 6, tip_simplify },
    { "trim", "what nobody reads need not travel: fewer bytes", 200, tip_trim },
    { "choose", "a cache that stays at home: faster", 10, tip_choose },
    { "fixed", "instances of fixed layout are faster than hashes of strings", 10, tip_fixed },
    { "stores", "16 MiB in the fastest store, and a reference, are faster than in the arguments", 2, tip_stores },
    { "buffers", "a buffer of 1 MiB in shared memory is faster than in band", 4, tip_buffers },
    { "reuse", "memory of the pool is faster than fresh memory", 3, tip_reuse }
};

typedef struct {
    bool quick;
    const char *tip;      // NULL: all
    const char *charts;   // a folder, or NULL
} options_t;

static const char s_usage [] =
    "usage: performance [--quick] [--tip NAME] [--charts FOLDER]\n"
    "Measures what each tip of its README.md promises.\n"
    "  --quick           smaller sizes and fewer messages: some seconds in all\n"
    "  --tip NAME        this one alone: simplify, trim, choose, fixed, stores,\n"
    "                    buffers, reuse\n"
    "  --charts FOLDER   a bar chart of each as SVG, where gnuplot is installed\n";

static int
s_read_options (options_t *options, int argc, char **argv)
{
    static const struct option names [] = {
        { "quick", no_argument, NULL, 'q' }, { "tip", required_argument, NULL, 't' },
        { "charts", required_argument, NULL, 'c' }, { NULL, 0, NULL, 0 }
    };
    int letter;
    *options = (options_t) { .quick = false };
    while ((letter = getopt_long (argc, argv, "", names, NULL)) != -1) {
        if (letter == 'q')
            options->quick = true;
        else if (letter == 't')
            options->tip = optarg;
        else if (letter == 'c')
            options->charts = optarg;
        else
            return -1;
    }
    return optind == argc ? 0 : -1;
}

/* Measures it, and again where it seems not to hold: whatever else runs meanwhile slows one of the two sides. */
static int
s_measure (const tip_t *tip, const options_t *options, outcome_t *outcome)
{
    int rc = 0;
    for (int try = 0; !rc && try < S_TRIES && (!try || outcome->ratio < tip->at_least); try++) {
        *outcome = (outcome_t) { .count = 0 };
        rc = tip->measure (outcome, options->quick);
    }
    return rc;
}

/* Whether the tip holds. */
static bool
s_run (const tip_t *tip, const options_t *options)
{
    outcome_t outcome;
    printf ("%s: %s (%g times at least)\n", tip->name, tip->claim, tip->at_least);
    (void) fflush (stdout);
    int rc = s_measure (tip, options, &outcome);
    if (rc) {
        fprintf (stderr, "performance: %s was not measured: %s\n", tip->name, zanni_strerror (rc));
        return false;
    }
    bool holds = outcome.ratio >= tip->at_least;
    report_outcome (&outcome);
    if (options->charts && report_chart (tip, &outcome, options->charts))
        fprintf (stderr, "performance: there is no chart of %s: gnuplot failed\n", tip->name);
    printf ("    %s\ntip-%s RATIO %.2f\n\n", holds ? "holds" : "FAILED", tip->name, outcome.ratio);
    (void) fflush (stdout);
    return holds;
}

int
main (int argc, char **argv)
{
#if defined HAS_LMDB
    if (zanni_lmdb_register ())
        return EXIT_FAILURE;
#endif
    zanni_init (classes);   // zanni_new answers what is wrong with a class
    options_t options;
    unsigned hold = 0, failed = 0;
    if (s_read_options (&options, argc, argv)) {
        fputs (s_usage, stderr);
        return 2;
    }
    for (size_t i = 0; i < sizeof s_tips / sizeof *s_tips; i++) {
        if (options.tip && strcmp (options.tip, s_tips [i].name))
            continue;
        if (s_run (&s_tips [i], &options))
            hold++;
        else
            failed++;
    }
    if (!hold && !failed) {
        fprintf (stderr, "performance: --tip is \"%s\", which is none\n%s", options.tip, s_usage);
        return 2;
    }
    printf ("tips: %u hold, %u failed\n", hold, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
