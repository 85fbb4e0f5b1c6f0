/* reader.h: the program's own thread as an actor, which leads the counting. */

#ifndef WORDCOUNT_READER_H
#define WORDCOUNT_READER_H

#include "options.h"
#include "words.h"

/* What was counted. */
typedef struct {
    words_t words;
    uint64_t files;
    uint64_t bytes;        // of text: what gzip files hold, not what they weigh
    uint64_t kills;        // by --chaos
    uint64_t repeated;     // chunks that were sent once more, since their counter died
    zanni_error_t error;   // why it came to nothing; code 0: it did not
} count_t;

/* Starts the other actors and sends the first chunks. `self` is the root, which serves the class "reader" already;
   zanni_run then works until all is counted. */
int reader_begin (zanni_t *self, const options_t *options, count_t *count);

#endif
