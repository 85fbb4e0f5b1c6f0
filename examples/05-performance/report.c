/* report.c: a table with bars for the terminal, and a stacked bar chart by gnuplot, which reads its data from the same
   pipe as its commands. Times go from a microsecond to seconds in one table, so bars are as long as the logarithm. */

#include "report.h"

#include <stdio.h>
#include <stdlib.h>

#define S_BAR 24

static double
s_total (const cost_t *cost)
{
    return cost->pack + cost->transport + cost->unpack;
}

/* How many marks stand for so many seconds, of which `most` has S_BAR: four for each power of ten. */
static int
s_bar (double seconds, double most)
{
    int length = S_BAR;
    for (double left = most; left > seconds * 1.333 && length > 1; left /= 1.778)
        length--;
    return length;
}

void
report_outcome (const outcome_t *outcome)
{
    double most = 0;
    for (size_t i = 0; i < outcome->count; i++)
        if (s_total (&outcome->rows [i].cost) > most)
            most = s_total (&outcome->rows [i].cost);
    printf ("    %-24s %11s %11s %11s %12s\n", "microseconds", "pack", "transport", "unpack", "bytes");
    for (size_t i = 0; i < outcome->count; i++) {
        const row_t *row = &outcome->rows [i];
        printf ("    %-24s %11.2f %11.2f %11.2f %12.0f %.*s\n", row->label, row->cost.pack * 1e6,
                row->cost.transport * 1e6, row->cost.unpack * 1e6, row->cost.bytes, s_bar (s_total (&row->cost), most),
                "########################");
    }
}

int
report_chart (const tip_t *tip, const outcome_t *outcome, const char *folder)
{
    if (system ("command -v gnuplot >/dev/null 2>&1")) {
        fputs ("performance: gnuplot is not installed, so there is no chart but the bars\n", stderr);
        return 0;
    }
    FILE *plot = popen ("gnuplot", "w");
    if (!plot)
        return -1;
    fprintf (plot, "set terminal svg size 900,500\nset output '%s/%s.svg'\nset title '%s'\n", folder, tip->name,
             tip->claim);
    fputs ("set style data histogram\nset style histogram rowstacked\nset style fill solid\nset boxwidth 0.7\n"
           "set ylabel 'microseconds'\nset xtics rotate by -30\nset yrange [0:*]\n$costs << END\n", plot);
    for (size_t i = 0; i < outcome->count; i++) {
        const row_t *row = &outcome->rows [i];
        fprintf (plot, "\"%s\" %f %f %f\n", row->label, row->cost.pack * 1e6, row->cost.transport * 1e6,
                 row->cost.unpack * 1e6);
    }
    fputs ("END\nplot $costs using 2:xtic(1) title 'pack', '' using 3 title 'transport', '' using 4 title 'unpack'\n",
           plot);
    return pclose (plot) ? -1 : 0;
}
