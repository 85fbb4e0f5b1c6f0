/* verify.h: a second opinion. */

#ifndef WORDCOUNT_VERIFY_H
#define WORDCOUNT_VERIFY_H

#include "words.h"

/* Counts the words below the paths once more with the system's own tools. 0: every word has the same count; else -1,
   and stderr says where the first difference is, or why it could not be found out. */
int verify (const words_t *words, const char *const *paths);

#endif
