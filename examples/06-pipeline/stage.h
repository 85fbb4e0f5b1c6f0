/* stage.h: what source, filter and sink have in common. */

#ifndef PIPELINE_STAGE_H
#define PIPELINE_STAGE_H

#include <zanni.h>

#define STAGE_NAME 16   // room for a stage's name, which is its thread's, too

typedef struct {
    zanni_ref_t *next;   // whom it hands its frames on to; for the sink, the conductor
    unsigned number;     // 0 is the source, then come the filters, then the sink
    char name [STAGE_NAME];
} stage_t;

/* The name of a stage: "source", "filter 2", "sink". */
void stage_name (char name [STAGE_NAME], const char *class_name, unsigned number);

/* Hands a frame on. */
int stage_send (zanni_t *self, uint64_t number, uint64_t checksum, const zanni_buffer_t *frame);

/* What a handler of a stage returns: where `rc` is an error, the actor ends with it. */
int stage_end (zanni_t *self, uint64_t number, int rc);

#endif
