/* picture.h: what becomes of the rows. */

#ifndef PICTURE_H
#define PICTURE_H

#include <stdint.h>
#include <stdio.h>

typedef struct {
    FILE *file;       // NULL: none is written
    uint32_t size;
    uint32_t rows;    // that are there
    uint64_t inside;  // black points: they are in the set
} picture_t;

/* Begins a PGM file, where there is a name. -1: it cannot be written, as errno says. */
int picture_begin (picture_t *picture, const char *name, uint32_t size);

/* The next row, from the top. */
int picture_row (picture_t *picture, const uint8_t *grey);

/* Closes the file. -1: it is not whole. */
int picture_end (picture_t *picture);

#endif
