/* pack.c: a table of words as msgpack, and back.

   Words are read as bytes: that gives a view into the message, where reading them as strings would copy each. */

#include "pack.h"

int
pack_words (zanni_list_t **list_p, const words_t *words)
{
    zanni_list_t *list;
    int rc = zanni_list_new (&list);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < words->capacity; i++) {
        const word_t *word = &words->places [i];
        if (word->count)
            rc = zanni_list_append (list, ZANNI_LIST (words_text (words, word), word->count));
    }
    if (rc)
        zanni_list_destroy (&list);
    else
        *list_p = list;
    return rc;
}

static int
s_unpack_word (zanni_msg_t *msg, words_t *words)
{
    size_t fields;
    zanni_bytes_t text;
    uint64_t count;
    int rc = zanni_enter (msg, &fields);
    if (!rc)
        rc = zanni_read (msg, &text, &count);
    if (!rc)
        rc = zanni_leave (msg);
    if (rc)
        return rc;
    return words_add (words, text.data, text.size, count) ? ZANNI_ENOMEM : 0;
}

int
unpack_words (zanni_msg_t *msg, words_t *words)
{
    size_t count;
    int rc = zanni_enter (msg, &count);
    for (size_t i = 0; !rc && i < count; i++)
        rc = s_unpack_word (msg, words);
    return rc ? rc : zanni_leave (msg);
}
