/* progress.h: what is seen while frames flow. */

#ifndef PIPELINE_PROGRESS_H
#define PIPELINE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool terminal;     // stdout is one
    bool drawn;        // the cursor is behind a line that will be rewritten
    int64_t then_ns;   // the last line's
    uint64_t then;     // frames that had arrived then
} progress_t;

/* How often a line is wanted. */
int64_t progress_every_ms (const progress_t *progress);

void progress_begin (progress_t *progress, int64_t now_ns);

/* Shows how many of how many frames (0: there is no end) have arrived, and how fast since the last line. */
void progress_show (progress_t *progress, uint64_t arrived, uint64_t frames, int64_t now_ns);

/* Takes the line away. */
void progress_clear (progress_t *progress);

#endif
