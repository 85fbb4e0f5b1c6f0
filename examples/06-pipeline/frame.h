/* frame.h: what flows through the pipeline: 16 MiB of samples in one buffer. */

#ifndef PIPELINE_FRAME_H
#define PIPELINE_FRAME_H

#include <zanni.h>

#define FRAME_ROWS 1024
#define FRAME_COLUMNS 2048
#define FRAME_SAMPLES ((size_t) FRAME_ROWS * FRAME_COLUMNS)
#define FRAME_SIZE (FRAME_SAMPLES * sizeof (uint64_t))

/* Makes frame `number`, for the caller to destroy, and its checksum. ZANNI_ENOMEM. */
int frame_new (zanni_t *self, zanni_buffer_t **frame_p, uint64_t *checksum, uint64_t number);

/* Whether a buffer is a frame; ZANNI_EARGS. */
int frame_check (const zanni_buffer_t *frame);

/* The key of a filter, by its number; that of 0 changes nothing. */
uint64_t frame_key (unsigned number);

/* Makes a frame, for the caller to destroy, of the samples of another one with a key applied. Whoever does it once more
   takes the key off again. ZANNI_ENOMEM. */
int frame_filter (zanni_t *self, zanni_buffer_t **frame_p, const zanni_buffer_t *other, uint64_t key);

/* The checksum that a frame had before a key was applied to it. */
uint64_t frame_checksum (const zanni_buffer_t *frame, uint64_t key);

#endif
