/* gunzip.h: the text of a gzip file that lies in memory. */

#ifndef WORDCOUNT_GUNZIP_H
#define WORDCOUNT_GUNZIP_H

#include <stddef.h>
#include <zlib.h>

#define GUNZIP_WINDOW 65536

typedef struct {
    z_stream stream;
    char window [GUNZIP_WINDOW];
} gunzip_t;

/* Gets the text piece by piece; 0, or -1 to give up. */
typedef int gunzip_sink_fn (void *arg, const char *text, size_t size);

typedef enum { GUNZIP_WHOLE, GUNZIP_NOT_GZIP, GUNZIP_TRUNCATED, GUNZIP_DAMAGED, GUNZIP_GIVEN_UP } gunzip_result_t;

/* 0, or -1 when out of memory. The structure can then be used for any number of files. */
int gunzip_start (gunzip_t *gunzip);
void gunzip_stop (gunzip_t *gunzip);

/* The sink has got all there was to get, whatever the result. The same bytes always end in the same place. */
gunzip_result_t gunzip_run (gunzip_t *gunzip, const void *data, size_t size, gunzip_sink_fn *sink, void *arg);

/* What is wrong with the file, for people. */
const char *gunzip_text (gunzip_result_t result);

#endif
