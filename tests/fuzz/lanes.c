/* A hundred thousand lanes whose other end lies (lane.c): bytes of a seeded generator, and what honest ends do with
   bytes that are changed, cut out or put in. ZANNI_LONG multiplies the count by 20.

       fuzz-lanes FOLDER      writes what honest ends do there, a file each, for libFuzzer to begin with */

#include "lane.h"

#include "support/hostile.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_ROUNDS 100000
#define S_LARGEST 512
#define S_QUIET "\x0b\x0b"   // the other end does nothing, at either ring
#define S_QUIETS S_QUIET S_QUIET S_QUIET S_QUIET S_QUIET S_QUIET S_QUIET
#define S_NEXT "\x01"        // a call that has nothing to do
#define S_LOOK "\x05"
#define S_STORY(bytes) { (const uint8_t *) (bytes), sizeof (bytes) - 1 }

/* First the position, then in turn a call of ours and what the other end does. */
static const struct {
    const uint8_t *bytes;
    size_t size;
} s_stories [] = {
    S_STORY ("\x00" S_NEXT "\x01\x00\x01\x20" "\x0b" S_LOOK S_QUIETS S_QUIETS),
    S_STORY ("\xff" S_NEXT "\x01\x02\x01\x20\xc8\x00\xc8\x02" "\x0b" S_NEXT "\x03\xff\x04" "\x0b" S_LOOK S_QUIETS),
    S_STORY ("\x00" S_NEXT "\x01\x01\x01\x08\xff\x0c" "\x0b" S_NEXT "\x04\x0b" S_LOOK S_QUIETS S_QUIETS "\x04\x0b"
             S_LOOK S_QUIETS "\x04\x0b" S_LOOK S_QUIETS),
    S_STORY ("\x00" "\x00\x01\x30\x00" S_QUIETS "\x0b\x00" "\x02\x40" S_QUIETS "\x0b\x00"),
    S_STORY ("\xff" "\x00\x01\x30\x02\xff\x0c\x10\x02" S_QUIETS "\x0b\x00" "\x01" S_QUIETS "\x0b\x00" "\x01" S_QUIETS),
    S_STORY ("\x00" S_NEXT "\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x0b" "\x03" S_QUIET S_LOOK S_QUIETS "\x04"),
    S_STORY ("\x00" S_NEXT "\x01\xf8\x01\x08" "\x0b" S_NEXT "\x04\x0b" S_LOOK S_QUIETS S_QUIETS),
    S_STORY ("\x7f" S_NEXT "\x05\x01\x80" "\x0b" S_LOOK S_QUIETS)
};
#define S_STORIES (sizeof s_stories / sizeof *s_stories)

static uint64_t s_seed = UINT64_C (0x9e3779b97f4a7c15);

static uint32_t
s_random (uint32_t below)
{
    uint8_t bytes [4];
    uint32_t number;
    hostile_fill (&s_seed, bytes, sizeof bytes);
    memcpy (&number, bytes, sizeof number);
    return number % below;
}

/* A story with some changes; it answers its size. */
static size_t
s_change (uint8_t *bytes)
{
    size_t story = s_random (S_STORIES);
    size_t size = s_stories [story].size;
    memcpy (bytes, s_stories [story].bytes, size);
    for (uint32_t left = 1 + s_random (8); left; left--) {
        size_t at = s_random ((uint32_t) size);
        uint32_t kind = s_random (4);
        if (kind == 0 && size > 1)
            memmove (bytes + at, bytes + at + 1, --size - at);
        else if (kind == 1 && size < S_LARGEST) {
            memmove (bytes + at + 1, bytes + at, size - at);
            hostile_fill (&s_seed, bytes + at, 1);
            size++;
        }
        else
            bytes [at] = (uint8_t) s_random (s_random (2) ? 256 : 16);
    }
    return size;
}

static size_t
s_make (uint8_t *bytes)
{
    if (s_random (2))
        return s_change (bytes);
    size_t size = s_random (S_LARGEST);
    hostile_fill (&s_seed, bytes, size);
    return size;
}

static int
s_write (const char *folder)
{
    for (size_t i = 0; i < S_STORIES; i++) {
        char path [4096];
        snprintf (path, sizeof path, "%s/%zu", folder, i);
        FILE *file = fopen (path, "w");
        bool good = file && fwrite (s_stories [i].bytes, s_stories [i].size, 1, file) == 1;
        if (!file || fclose (file) || !good)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
    uint32_t rounds = getenv ("ZANNI_LONG") ? 20u * S_ROUNDS : S_ROUNDS;
    lane_count_t count = { .messages = 0 };
    uint8_t bytes [S_LARGEST];
    if (argc > 1)
        return s_write (argv [1]);
    for (size_t i = 0; i < S_STORIES; i++)
        lane_drive (s_stories [i].bytes, s_stories [i].size, &count);
    for (uint32_t i = 0; i < rounds; i++) {
        /* Exactly as large, so that the address sanitizer sees who reads on. */
        size_t size = s_make (bytes);
        uint8_t *exact = malloc (size ? size : 1);
        memcpy (exact, bytes, size);
        lane_drive (exact, size, &count);
        free (exact);
    }
    printf ("%u lanes: %zu messages were taken, %zu lies found\n", rounds, (size_t) count.messages,
            (size_t) count.faults);
    return count.messages > rounds / 10 && count.faults > rounds / 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}
