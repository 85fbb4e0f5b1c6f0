/* pack.h: a table of words as an argument of signature a(st). */

#ifndef WORDCOUNT_PACK_H
#define WORDCOUNT_PACK_H

#include <zanni.h>

#include "words.h"

/* All words of a table, in no order, in a new list. */
int pack_words (zanni_list_t **list_p, const words_t *words);

/* Adds the words in the next argument of a message to a table. */
int unpack_words (zanni_msg_t *msg, words_t *words);

#endif
