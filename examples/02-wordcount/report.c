/* report.c: the result, for people and for a file. A megabyte is a million bytes of text. */

#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_TOP 20
#define S_MEGABYTE 1e6

static void
s_write (FILE *file, const char *format, const words_t *words, const word_t *const *sorted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf (file, format, sorted [i]->count, words_text (words, sorted [i]));
}

int
report_top (const count_t *count)
{
    size_t found;
    const word_t **sorted = words_sorted (&count->words, WORDS_BY_COUNT, &found);
    if (!sorted)
        return -1;
    s_write (stdout, "%12" PRIu64 " %s\n", &count->words, sorted, found < S_TOP ? found : S_TOP);
    free (sorted);
    return 0;
}

static int
s_fail (const char *path)
{
    fprintf (stderr, "wordcount: %s: %s\n", path, strerror (errno));
    return -1;
}

int
report_table (const count_t *count, const char *path)
{
    size_t found;
    const word_t **sorted = words_sorted (&count->words, WORDS_BY_COUNT, &found);
    FILE *file = sorted ? fopen (path, "w") : NULL;
    if (!file) {
        free (sorted);
        return s_fail (path);
    }
    s_write (file, "%" PRIu64 " %s\n", &count->words, sorted, found);
    free (sorted);
    int failed = ferror (file);
    if (fclose (file) || failed)
        return s_fail (path);
    return 0;
}

void
report_chaos (const count_t *count, uint32_t seed)
{
    printf ("chaos: seed %" PRIu32 ", %" PRIu64 " counters killed, %" PRIu64 " chunks counted once more\n", seed,
            count->kills, count->repeated);
}

void
report_totals (const count_t *count, const char *verb, double seconds)
{
    double megabytes = (double) count->bytes / S_MEGABYTE;
    printf ("%s: %" PRIu64 " words, %zu distinct, %" PRIu64 " files, %.1f MB, %.1f MB/s\n", verb, count->words.total,
            count->words.distinct, count->files, megabytes, seconds > 0 ? megabytes / seconds : 0);
}
