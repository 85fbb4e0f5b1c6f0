/* words.h: how often each word occurs. A word is a maximal run of ASCII letters, folded to lower case. */

#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *text;       // NULL: a free place
    size_t length;
    uint64_t count;
} word_t;

typedef struct {
    word_t *places;
    size_t capacity;   // of places, a power of two
    size_t distinct;
    uint64_t total;
} words_t;             // all zero: an empty one

bool words_letter (char letter);

/* Counts a word so many times; all words of a text. false: out of memory. */
bool words_add (words_t *words, const char *text, size_t length, uint64_t count);
bool words_scan (words_t *words, const char *text, size_t size);

/* Moves the words to the first `distinct` places, the most frequent first, then by ASCII order: nothing can be added to
   them any more. */
void words_sort (words_t *words);

/* Empties it. */
void words_free (words_t *words);

#endif
