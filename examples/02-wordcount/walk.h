/* walk.h: the files below some paths, one after the other. */

#ifndef WORDCOUNT_WALK_H
#define WORDCOUNT_WALK_H

#include <stdint.h>

typedef struct walk walk_t;

/* NULL: out of memory. */
walk_t *walk_new (const char *const *paths);
void walk_destroy (walk_t **walk_p);

/* The path of the next regular file, valid until the next call; NULL when there is none left. What cannot be read, or
   was named on the command line and is no file or folder, is warned about. */
const char *walk_next (walk_t *walk);

/* The bytes in all files below these paths, for a progress bar: warns about nothing. */
uint64_t walk_size (const char *const *paths);

#endif
