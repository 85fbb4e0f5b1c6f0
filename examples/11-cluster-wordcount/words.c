/* words.c: a hash table of words: open addressing, linear probing, at most half full. Words are compared without regard
   to case and kept in lower case, so a text is read where it lies. */

#include "words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LEAST 1024u

bool
words_letter (char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

/* The place of a word, or the free one where it belongs. */
static word_t *
find (const words_t *words, const char *text, size_t length)
{
    uint64_t hash = 14695981039346656037u;   // FNV-1a
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char) (text [i] | 0x20)) * 1099511628211u;
    for (size_t at = (size_t) (hash ^ hash >> 32);; at++) {
        word_t *word = &words->places [at & (words->capacity - 1)];
        if (!word->text || (word->length == length && !strncasecmp (word->text, text, length)))
            return word;
    }
}

static bool
make_place (words_t *words)
{
    if (words->distinct < words->capacity / 2)
        return true;
    words_t larger = *words;
    larger.capacity = words->capacity ? words->capacity * 2 : LEAST;
    larger.places = calloc (larger.capacity, sizeof *larger.places);
    if (!larger.places)
        return false;
    for (word_t *word = words->places; word < words->places + words->capacity; word++)
        if (word->text)
            *find (&larger, word->text, word->length) = *word;
    free (words->places);
    *words = larger;
    return true;
}

bool
words_add (words_t *words, const char *text, size_t length, uint64_t count)
{
    if (!make_place (words))
        return false;
    word_t *word = find (words, text, length);
    if (!word->text) {
        word->text = calloc (1, length + 1);
        if (!word->text)
            return false;
        for (size_t i = 0; i < length; i++)
            word->text [i] = text [i] | 0x20;
        word->length = length;
        words->distinct++;
    }
    word->count += count;
    words->total += count;
    return true;
}

bool
words_scan (words_t *words, const char *text, size_t size)
{
    const char *end = text + size;
    while (text < end) {
        const char *begin = text;
        while (text < end && words_letter (*text))
            text++;
        if (text == begin)
            text++;
        else if (!words_add (words, begin, (size_t) (text - begin), 1))
            return false;
    }
    return true;
}

static int
compare (const void *one, const void *other)
{
    const word_t *left = one, *right = other;
    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    return strcmp (left->text, right->text);
}

void
words_sort (words_t *words)
{
    size_t used = 0;
    for (size_t i = 0; i < words->capacity; i++)
        if (words->places [i].text)
            words->places [used++] = words->places [i];
    words->capacity = used;
    if (used)
        qsort (words->places, used, sizeof *words->places, compare);
}

void
words_free (words_t *words)
{
    for (size_t i = 0; i < words->capacity; i++)
        free (words->places [i].text);
    free (words->places);
    *words = (words_t) { .capacity = 0 };
}
