/* counter: the actor that counts the words of a piece of text, on whatever host.

   It is built as a shared object, which `zanni node --load` loads: the worker hosts need nothing else of this program.
   The piece is read where it arrived. What an answer says is all that the actor knows: it keeps nothing from one piece
   to the next, so a piece whose answer never came was not counted, and may be given to another. */

#include "words.h"

#include <zanni.h>

static int
counter_count (zanni_t *self, zanni_msg_t *msg)
{
    ZANNI_AUTO (zanni_list_t) list = NULL;
    const zanni_buffer_t *piece;
    words_t words = { .capacity = 0 };
    int rc = zanni_read (msg, &piece);
    if (!rc)
        rc = zanni_list_new (&list);
    if (!rc && !words_scan (&words, zanni_buffer_data (piece), zanni_buffer_size (piece)))
        rc = ZANNI_ENOMEM;
    for (size_t i = 0; !rc && i < words.capacity; i++)
        if (words.places [i].text)
            rc = zanni_list_append (list, ZANNI_LIST (words.places [i].text, words.places [i].count));
    words_free (&words);
    return rc ? rc : zanni_reply (self, msg, zanni_list_arg (list));
}

static const zanni_method_t counter_methods [] = {
    ZANNI_METHOD ("count", "B", "a(st)", counter_count, "The words of a piece of text, and how often each is in it."),
    ZANNI_METHOD_END
};
static const zanni_class_t counter_class = {
    .name = "counter", .methods = counter_methods, .text = "Counts the words of one piece of text."
};

ZANNI_EXPORT const zanni_class_t *const zanni_classes [] = { &counter_class, NULL };
