/* Nearly all text is ASCII, so eight bytes are looked at in one step, and 32 where there are as many: a word whose
   bytes are all from 1 to 127 keeps its eight top bits clear, and so does that word with one taken from each byte.
   Only where that fails are characters decoded, up to the next plain word. */

#include "text.h"

#define S_WORD 8
#define S_BLOCK 32

static inline uint64_t
s_strange (const uint8_t *at)
{
    uint64_t word;
    memcpy (&word, at, sizeof word);
    return zanni__text_strange (word);
}

static inline bool
s_plain (const uint8_t *at)
{
    return !(s_strange (at) & ZANNI__TEXT_TOPS);
}

static inline bool
s_plain_block (const uint8_t *at)
{
    return !((s_strange (at) | s_strange (at + 8) | s_strange (at + 16) | s_strange (at + 24)) & ZANNI__TEXT_TOPS);
}

static inline bool
s_follows (uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* How many bytes the character at `at` takes; 0: it is none. The range of the second byte excludes longer forms
   than needed, surrogates, and what lies beyond U+10FFFF. */
static size_t
s_character (const uint8_t *at, size_t left)
{
    uint8_t first = at [0];
    if (first - 1u < 0x7f)
        return 1;
    if (first < 0xc2 || first > 0xf4 || left < 2 || !s_follows (at [1]))
        return 0;
    if (first < 0xe0)
        return 2;
    if (left < 3 || !s_follows (at [2]))
        return 0;
    if (first < 0xf0)
        return (first == 0xe0 && at [1] < 0xa0) || (first == 0xed && at [1] > 0x9f) ? 0 : 3;
    if (left < 4 || !s_follows (at [3]))
        return 0;
    return (first == 0xf0 && at [1] < 0x90) || (first == 0xf4 && at [1] > 0x8f) ? 0 : 4;
}

/* Behind the plain words that `at` begins with. */
static inline const uint8_t *
s_skip_plain (const uint8_t *at, size_t left)
{
    while (left >= S_BLOCK && s_plain_block (at)) {
        at += S_BLOCK;
        left -= S_BLOCK;
    }
    while (left >= S_WORD && s_plain (at)) {
        at += S_WORD;
        left -= S_WORD;
    }
    return at;
}

bool
zanni__text_valid (const void *data, size_t size)
{
    const uint8_t *at = data;
    const uint8_t *end = at + size;
    for (;;) {
        at = s_skip_plain (at, (size_t) (end - at));
        size_t left = (size_t) (end - at);
        if (!left || (left < S_WORD && size >= S_WORD && s_plain (end - S_WORD)))
            return true;   // a short rest is looked at together with what is before it
        size_t taken = s_character (at, left);
        if (!taken)
            return false;
        at += taken;
    }
}

/* Whether the bytes up to the end could begin a character. */
static bool
s_half (const uint8_t *at, size_t left)
{
    size_t whole = at [0] < 0xc2 || at [0] > 0xf4 ? 0 : at [0] < 0xe0 ? 2 : at [0] < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < left; i++)
        if (!s_follows (at [i]))
            return false;
    return left < whole;
}

void
zanni__text_mend (char *text)
{
    uint8_t *at = (uint8_t *) text;
    for (size_t left = strlen (text), taken; left; at += taken, left -= taken) {
        taken = s_character (at, left);
        if (taken)
            continue;
        if (s_half (at, left)) {
            *at = 0;
            return;
        }
        *at = '?';
        taken = 1;
    }
}
