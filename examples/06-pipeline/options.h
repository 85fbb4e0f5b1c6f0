/* options.h: what the command line says. */

#ifndef PIPELINE_OPTIONS_H
#define PIPELINE_OPTIONS_H

#include <zanni.h>

#define STAGES_MAX 16

typedef struct {
    uint64_t frames;       // how many there are to be; 0: until a signal
    unsigned stages;       // filters between source and sink
    zanni_place_t place;   // where source, filters and sink run
} options_t;

/* 0, or -1 after saying on stderr what is wrong; 1 where --help was answered. */
int options_read (options_t *options, int argc, char **argv);

#endif
