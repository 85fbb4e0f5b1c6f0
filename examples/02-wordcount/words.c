/* words.c: a hash table of words, and the loop that cuts text into them.

   Places hold fixed records and lie in one array (open addressing, linear probing, at most half full); the letters of
   all words lie in one growing block. So a new word allocates nothing, and clearing keeps the memory warm for the next
   chunk.

   The loop folds each letter to lower case by a table and appends it to the block, right behind the finished words,
   while it computes the hash. At the end of a word it is either known, and the letters are forgotten by not moving
   `used`, or it is new and stands already where it belongs. A word that goes on in the next piece of text just stays
   there. The block is made large enough for a whole piece before the loop, which therefore checks nothing. */

#include "words.h"

#include <stdlib.h>
#include <string.h>

#define S_LEAST 4096u
#define S_HASH_START 2166136261u   // FNV-1a
#define S_HASH_FACTOR 16777619u

#define S_ROW(lower, upper) [lower] = lower, [upper] = lower
static const char s_letters [256] = {
    S_ROW ('a', 'A'), S_ROW ('b', 'B'), S_ROW ('c', 'C'), S_ROW ('d', 'D'), S_ROW ('e', 'E'), S_ROW ('f', 'F'),
    S_ROW ('g', 'G'), S_ROW ('h', 'H'), S_ROW ('i', 'I'), S_ROW ('j', 'J'), S_ROW ('k', 'K'), S_ROW ('l', 'L'),
    S_ROW ('m', 'M'), S_ROW ('n', 'N'), S_ROW ('o', 'O'), S_ROW ('p', 'P'), S_ROW ('q', 'Q'), S_ROW ('r', 'R'),
    S_ROW ('s', 'S'), S_ROW ('t', 'T'), S_ROW ('u', 'U'), S_ROW ('v', 'V'), S_ROW ('w', 'W'), S_ROW ('x', 'X'),
    S_ROW ('y', 'Y'), S_ROW ('z', 'Z')
};

void
words_clear (words_t *words)
{
    if (words->places)
        memset (words->places, 0, words->capacity * sizeof *words->places);
    words->distinct = words->used = words->length = 0;
    words->total = 0;
    words->hash = S_HASH_START;
}

void
words_free (words_t *words)
{
    free (words->places);
    free (words->text);
    *words = (words_t) { .capacity = 0 };
}

/* The place of a word that has this text, or the free one where it belongs. */
static word_t *
s_find (const words_t *words, const char *text, size_t length, uint32_t hash)
{
    size_t mask = words->capacity - 1;
    size_t at = (hash ^ hash >> 15) & mask;
    for (;; at = (at + 1) & mask) {
        word_t *word = &words->places [at];
        if (!word->length)
            return word;
        if (word->hash == hash && word->length == length && !memcmp (words->text + word->text, text, length))
            return word;
    }
}

/* Makes sure that one more word has a place. */
static int
s_make_place (words_t *words)
{
    if (words->distinct < words->capacity / 2)
        return 0;
    words_t larger = *words;
    larger.capacity = words->capacity ? words->capacity * 2 : S_LEAST;
    larger.places = calloc (larger.capacity, sizeof *larger.places);
    if (!larger.places)
        return -1;
    for (size_t i = 0; i < words->capacity; i++) {
        const word_t *word = &words->places [i];
        if (word->length)
            *s_find (&larger, words->text + word->text, word->length, word->hash) = *word;
    }
    free (words->places);
    *words = larger;
    return 0;
}

/* Makes sure that so many letters, each perhaps a word with its NUL, fit behind what is there. */
static int
s_make_room (words_t *words, size_t size)
{
    size_t wanted = words->used + words->length + size + 2;
    if (wanted <= words->room)
        return 0;
    size_t room = words->room * 2 > wanted ? words->room * 2 : wanted;
    char *text = realloc (words->text, room);
    if (!text)
        return -1;
    words->text = text;
    words->room = room;
    return 0;
}

/* Counts the word that stands behind the finished ones. */
static int
s_count (words_t *words, size_t length, uint32_t hash, uint64_t count)
{
    char *text = words->text + words->used;
    if (length > UINT32_MAX || s_make_place (words))
        return -1;
    word_t *word = s_find (words, text, length, hash);
    if (!word->length) {
        *word = (word_t) { .text = words->used, .length = (uint32_t) length, .hash = hash };
        text [length] = 0;
        words->used += length + 1;
        words->distinct++;
    }
    word->count += count;
    words->total += count;
    return 0;
}

int
words_add (words_t *words, const char *text, size_t length, uint64_t count)
{
    uint32_t hash = S_HASH_START;
    if (!length || s_make_room (words, length))
        return length ? -1 : 0;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char) text [i]) * S_HASH_FACTOR;
    memcpy (words->text + words->used, text, length);
    return s_count (words, length, hash, count);
}

int
words_scan (words_t *words, const char *text, size_t size, int step)
{
    if (s_make_room (words, size))
        return -1;
    char *start = words->text + words->used;
    char *at = start + words->length;
    uint32_t hash = words->length ? words->hash : S_HASH_START;
    for (size_t i = 0; i < size; i++) {
        char letter = s_letters [(unsigned char) text [i]];
        if (letter) {
            *at++ = letter;
            hash = (hash ^ (unsigned char) letter) * S_HASH_FACTOR;
        }
        else if (at != start) {
            if (s_count (words, (size_t) (at - start), hash, (uint64_t) (int64_t) step))
                return -1;
            at = start = words->text + words->used;
            hash = S_HASH_START;
        }
    }
    words->length = (size_t) (at - start);
    words->hash = hash;
    return 0;
}

int
words_end (words_t *words, int step)
{
    size_t length = words->length;
    words->length = 0;
    return length ? s_count (words, length, words->hash, (uint64_t) (int64_t) step) : 0;
}

int
words_letter (char letter)
{
    return s_letters [(unsigned char) letter] != 0;
}

const char *
words_text (const words_t *words, const word_t *word)
{
    return words->text + word->text;
}

static int
s_compare_texts (const void *one, const void *other, void *arg)
{
    const words_t *words = arg;
    return strcmp (words_text (words, *(const word_t *const *) one),
                   words_text (words, *(const word_t *const *) other));
}

static int
s_compare_counts (const void *one, const void *other, void *arg)
{
    uint64_t left = (*(const word_t *const *) one)->count;
    uint64_t right = (*(const word_t *const *) other)->count;
    if (left != right)
        return left < right ? 1 : -1;
    return s_compare_texts (one, other, arg);
}

const word_t **
words_sorted (const words_t *words, words_order_t order, size_t *count)
{
    const word_t **sorted = calloc (words->distinct + 1, sizeof *sorted);
    size_t found = 0;
    if (!sorted)
        return NULL;
    for (size_t i = 0; i < words->capacity; i++)
        if (words->places [i].count)
            sorted [found++] = &words->places [i];
    qsort_r (sorted, found, sizeof *sorted, order == WORDS_BY_COUNT ? s_compare_counts : s_compare_texts,
             (void *) (uintptr_t) words);
    *count = found;
    return sorted;
}
