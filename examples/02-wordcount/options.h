/* options.h: what the command line says. */

#ifndef WORDCOUNT_OPTIONS_H
#define WORDCOUNT_OPTIONS_H

#include <stdbool.h>
#include <zanni.h>

#define WORKERS_MAX 64

typedef struct {
    zanni_place_t place;     // where the counters run
    unsigned workers;        // how many there are
    bool verify;
    bool chaos;              // kill counters by chance,
    uint32_t seed;           // ... which this decides
    const char *table;       // file for the whole table, or NULL
    const char *const *paths;   // files and folders to count, ends with NULL; they live as long as the program
} options_t;

/* 0, or -1 after saying on stderr what is wrong; 1 where --help was answered. */
int options_read (options_t *options, int argc, char **argv);

#endif
