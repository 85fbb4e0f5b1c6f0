/* merger.c: the actor that adds up what the counters found, chunk by chunk. */

#include "classes.h"

#include "pack.h"
#include "words.h"

typedef struct {
    words_t words;
} merger_t;

static void
merger_stop (zanni_t *self, const zanni_reason_t *reason)
{
    merger_t *merger = zanni_state (self);
    (void) reason;
    words_free (&merger->words);
}

static int
merger_add (zanni_t *self, zanni_msg_t *msg)
{
    merger_t *merger = zanni_state (self);
    return unpack_words (msg, &merger->words);
}

static int
merger_result (zanni_t *self, zanni_msg_t *msg)
{
    const merger_t *merger = zanni_state (self);
    ZANNI_AUTO (zanni_list_t) words = NULL;
    int rc = pack_words (&words, &merger->words);
    if (rc)
        return rc;
    return zanni_reply (self, msg, zanni_list_arg (words));
}

static const zanni_method_t merger_methods [] = {
    ZANNI_METHOD ("add", "a(st)", "", merger_add, "Add the words of a chunk."),
    ZANNI_METHOD ("result", "", "a(st)", merger_result, "Answers all words so far."),
    ZANNI_METHOD_END
};

const zanni_class_t merger_class = {
    .name = "merger", .state_size = sizeof (merger_t), .methods = merger_methods, .stop = merger_stop,
    .text = "Adds up the words of all chunks."
};
