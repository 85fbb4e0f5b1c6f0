/* cutter.h: files into chunks. */

#ifndef WORDCOUNT_CUTTER_H
#define WORDCOUNT_CUTTER_H

#include <zanni.h>

/* What is sent to a counter in one message, and what the reader has to know about it. */
typedef struct {
    zanni_buffer_t *bytes;
    zanni_list_t *parts;   // (name, size, gzip) for each file or piece of a file in it, in order
    uint64_t files;        // how many files begin in it
    uint64_t size;         // of the files' bytes, for the progress bar
} chunk_t;

typedef struct cutter cutter_t;

/* Cuts the files below some paths. NULL: out of memory. */
cutter_t *cutter_new (const char *const *paths);
void cutter_destroy (cutter_t **cutter_p);

/* Makes the next chunk: 1; 0 when all files were cut; negative: a ZANNI_E... code. What cannot be read is warned
   about and left out. */
int cutter_next (cutter_t *cutter, zanni_t *self, chunk_t *chunk);

/* Gives back what a chunk holds. */
void chunk_free (chunk_t *chunk);

#endif
