/* counter.c: the actor that counts a chunk.

   A chunk is one buffer, which is read where it lies: a piece of a mapped file, or many small files one behind the
   other. The list beside it says what its parts are (the file's name, the bytes of it, whether they are gzip), and
   every part ends the word before it. The actor keeps one table for all chunks and empties it for each, so that a
   chunk's answer is all that there is to know about the chunk: if it never comes, nothing of the chunk was counted.

   A gzip file turns out to be truncated or damaged at its end only. Then it is unpacked once more, up to the same
   place, to take back what was counted of it: such a file is left out as a whole, and says so in the answer. */

#include "classes.h"

#include <stdbool.h>
#include <unistd.h>

#include "gunzip.h"
#include "pack.h"
#include "words.h"

typedef struct {
    words_t words;
    gunzip_t gunzip;
    uint64_t bytes;   // of text in this chunk
    int step;         // 1, or -1 while a part is taken back
} counter_t;

typedef struct {
    zanni_bytes_t name;
    uint64_t size;
    bool gzip;
    const char *data;
} part_t;

static int
counter_start (zanni_t *self, zanni_msg_t *msg)
{
    counter_t *counter = zanni_state (self);
    (void) msg;
    return gunzip_start (&counter->gunzip) ? ZANNI_ENOMEM : 0;
}

static void
counter_stop (zanni_t *self, const zanni_reason_t *reason)
{
    counter_t *counter = zanni_state (self);
    (void) reason;
    gunzip_stop (&counter->gunzip);
    words_free (&counter->words);
}

/* A piece of text: gunzip's sink. */
static int
s_scan (void *arg, const char *text, size_t size)
{
    counter_t *counter = arg;
    counter->bytes += (uint64_t) counter->step * size;
    return words_scan (&counter->words, text, size, counter->step);
}

static gunzip_result_t
s_count_gzip (counter_t *counter, const part_t *part, int step)
{
    counter->step = step;
    gunzip_result_t result = gunzip_run (&counter->gunzip, part->data, part->size, s_scan, counter);
    return words_end (&counter->words, step) ? GUNZIP_GIVEN_UP : result;
}

static int
s_count_text (counter_t *counter, const part_t *part)
{
    counter->step = 1;
    if (s_scan (counter, part->data, part->size) || words_end (&counter->words, 1))
        return ZANNI_ENOMEM;
    return 0;
}

static int
s_count_part (counter_t *counter, const part_t *part, zanni_list_t *faults)
{
    if (!part->gzip)
        return s_count_text (counter, part);
    gunzip_result_t result = s_count_gzip (counter, part, 1);
    if (result == GUNZIP_WHOLE)
        return 0;
    if (result == GUNZIP_GIVEN_UP || s_count_gzip (counter, part, -1) == GUNZIP_GIVEN_UP)
        return ZANNI_ENOMEM;
    return zanni_list_append (faults, ZANNI_LIST (part->name, gunzip_text (result)));
}

/* Reads the next part's description; its bytes lie behind those of the parts before it. */
static int
s_read_part (zanni_msg_t *msg, part_t *part, const char **at, const char *end)
{
    size_t fields;
    int rc = zanni_enter (msg, &fields);
    if (!rc)
        rc = zanni_read (msg, &part->name, &part->size, &part->gzip);
    if (!rc)
        rc = zanni_leave (msg);
    if (!rc && part->size > (size_t) (end - *at))
        rc = ZANNI_EARGS;
    if (rc)
        return rc;
    part->data = *at;
    *at += part->size;
    return 0;
}

static int
s_count_chunk (counter_t *counter, zanni_msg_t *msg, zanni_list_t *faults)
{
    const zanni_buffer_t *chunk;
    size_t parts = 0;
    int rc = zanni_read (msg, &chunk);
    if (!rc)
        rc = zanni_enter (msg, &parts);
    if (rc)
        return rc;
    const char *at = zanni_buffer_data (chunk);
    const char *end = at + zanni_buffer_size (chunk);
    for (size_t i = 0; !rc && i < parts; i++) {
        part_t part;
        rc = s_read_part (msg, &part, &at, end);
        if (!rc)
            rc = s_count_part (counter, &part, faults);
    }
    return rc;
}

static int
counter_count (zanni_t *self, zanni_msg_t *msg)
{
    counter_t *counter = zanni_state (self);
    ZANNI_AUTO (zanni_list_t) faults = NULL;
    ZANNI_AUTO (zanni_list_t) words = NULL;
    words_clear (&counter->words);
    counter->bytes = 0;
    int rc = zanni_list_new (&faults);
    if (!rc)
        rc = s_count_chunk (counter, msg, faults);
    if (!rc)
        rc = pack_words (&words, &counter->words);
    if (rc)
        return rc;
    return zanni_reply (self, msg, (int) getpid (), counter->bytes, zanni_list_arg (faults), zanni_list_arg (words));
}

static const zanni_method_t counter_methods [] = {
    ZANNI_METHOD ("count", "Ba(aytb)", "ita(ays)a(st)", counter_count,
                  "Count a chunk of parts (name, size, gzip); answers who did it, bytes of text, faults, and words."),
    ZANNI_METHOD_END
};

const zanni_class_t counter_class = {
    .name = "counter", .state_size = sizeof (counter_t), .methods = counter_methods,
    .start = counter_start, .stop = counter_stop, .text = "Counts the words of one chunk."
};
