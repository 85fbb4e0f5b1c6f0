/* report.h: the result, for people and for a file. */

#ifndef WORDCOUNT_REPORT_H
#define WORDCOUNT_REPORT_H

#include "reader.h"

/* The most frequent words. */
int report_top (const count_t *count);

/* Writes every word to a file, a line each, by count and then by word; says on stderr what goes wrong. */
int report_table (const count_t *count, const char *path);

/* What --chaos did: `chaos: seed N, K counters killed, C chunks counted once more`. */
void report_chaos (const count_t *count, uint32_t seed);

/* The last line: `verb: N words, D distinct, F files, X MB, Y MB/s`. */
void report_totals (const count_t *count, const char *verb, double seconds);

#endif
