/* pieces.h: files, cut into pieces of text. */

#ifndef PIECES_H
#define PIECES_H

#include <zanni.h>

#define PIECE_BYTES (256u << 10)   // and the rest of its last word

typedef struct {
    char *const *files;     // names of those to come; NULL ends them
    zanni_buffer_t *file;   // the one that is being cut
    size_t at;              // up to where it was
} pieces_t;

/* The next piece, for the caller to destroy; NULL where there is no more. An error with a file is told on stderr:
   ZANNI_ESYSTEM; ZANNI_ENOMEM, ZANNI_ETHREAD. */
int pieces_next (zanni_t *self, pieces_t *pieces, zanni_buffer_t **piece_p);

#endif
