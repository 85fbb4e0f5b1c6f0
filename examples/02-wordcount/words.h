/* words.h: how often each word occurs. */

#ifndef WORDCOUNT_WORDS_H
#define WORDCOUNT_WORDS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t count;    // a word may have been taken back: 0
    size_t text;       // where its letters begin in words_t.text
    uint32_t length;   // 0: a free place
    uint32_t hash;
} word_t;

typedef struct {
    word_t *places;
    size_t capacity;   // of places, a power of two
    size_t distinct;   // used ones
    uint64_t total;
    char *text;        // all words, each with a NUL behind it, then the word that is being read
    size_t used;       // bytes of finished words
    size_t room;
    size_t length;     // letters of the word that is being read
    uint32_t hash;     // and their hash so far
} words_t;

/* An empty table is all zero; these leave it so, the first one with its memory kept for the next text. */
void words_clear (words_t *words);
void words_free (words_t *words);

/* Counts a word `count` times. All functions that count answer 0, or -1 when out of memory. */
int words_add (words_t *words, const char *text, size_t length, uint64_t count);

/* Counts the words of a piece of text. A word may go on in the next piece, until words_end says that the text is
   over. `step` is 1, or -1 to take back what was counted. */
int words_scan (words_t *words, const char *text, size_t size, int step);
int words_end (words_t *words, int step);

/* Whether an ASCII letter, and so part of a word. */
int words_letter (char letter);

/* The text of a word, NUL behind it; valid until something is counted. */
const char *words_text (const words_t *words, const word_t *word);

/* All words that count, in a new array for the caller to free, by ASCII order or by count (descending) first; NULL
   when out of memory. */
typedef enum { WORDS_BY_TEXT, WORDS_BY_COUNT } words_order_t;
const word_t **words_sorted (const words_t *words, words_order_t order, size_t *count);

#endif
