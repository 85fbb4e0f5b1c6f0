/* report.h: what the reader gets to see. */

#ifndef PERFORMANCE_REPORT_H
#define PERFORMANCE_REPORT_H

#include "tip.h"

/* A table of the rows and a bar of each. */
void report_outcome (const outcome_t *outcome);

/* The same as NAME.svg in a folder, by gnuplot; says so where there is none. -1: it failed. */
int report_chart (const tip_t *tip, const outcome_t *outcome, const char *folder);

#endif
