/* sink.h: what is sent as an instance of a registered type. */

#ifndef PERFORMANCE_SINK_H
#define PERFORMANCE_SINK_H

#include <zanni.h>

#define DOCUMENT_TEXT 2048
#define DOCUMENT_INDEX 16384   // numbers

/* A text, and where its words are: quick to have, and easy to make again where it is needed. */
typedef struct {
    char text [DOCUMENT_TEXT];
    int64_t *index;   // NULL: not made
} document_t;

extern const zanni_type_t document_lean;    // the text travels
extern const zanni_type_t document_whole;   // the index, too

#endif
