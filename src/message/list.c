/* A list grows in memory of its own and is packed into a message as one ready-made value. The count stands before
   the items and is known last, so five bytes, the longest head of a msgpack array, are kept free at the front; the
   head that is written is the shortest and ends where the items begin. */

#include "list.h"

#include "../base/memory.h"
#include "../base/assert.h"
#include <string.h>

#define S_HEAD 5
#define S_LEAST 256

static bool
s_grow (zanni__writer_t *writer, size_t need)
{
    size_t used = (size_t) (writer->at - writer->start);
    writer->error = ZANNI_ETOOBIG;
    if (need > UINT32_MAX - used)
        return false;
    size_t capacity = 2 * used > used + need ? 2 * used : used + need;
    capacity = capacity < S_LEAST ? S_LEAST : capacity;
    uint8_t *memory = zanni__realloc (writer->start, capacity);
    writer->error = ZANNI_ENOMEM;
    if (!memory)
        return false;
    writer->start = memory;
    writer->at = memory + used;
    writer->end = memory + capacity;
    return true;
}

/* Handles live in the table of a message, so there are none here. */
static const zanni__writer_ops_t s_ops = { s_grow, NULL, NULL };

int
zanni_list_new (zanni_list_t **list_p)
{
    zanni_list_t *list = zanni__malloc (sizeof *list);
    if (!list)
        return ZANNI_ENOMEM;
    uint8_t *memory = zanni__malloc (S_LEAST);
    if (!memory) {
        zanni__free (list);
        return ZANNI_ENOMEM;
    }
    *list = (zanni_list_t) {
        .own = { .at = memory + S_HEAD, .end = memory + S_LEAST, .start = memory, .ops = &s_ops }
    };
    list->writer = &list->own;
    *list_p = list;
    return 0;
}

void
zanni_list_destroy (zanni_list_t **list_p)
{
    if (!list_p || !*list_p)
        return;
    zanni__free ((*list_p)->own.start);
    zanni__free (*list_p);
    *list_p = NULL;
}

int
zanni_list_append_args (zanni_list_t *list, const zanni_arg_t *args, size_t count)
{
    zanni__writer_t *writer = list->writer;
    size_t used = (size_t) (writer->at - writer->start);
    bool inside = writer->inside;
    if (count > UINT32_MAX - list->count)
        return ZANNI_ETOOBIG;
    if (!zanni__writer_values (writer, args, count, 1)) {
        writer->at = writer->start + used;
        writer->inside = inside;
        return writer->error;
    }
    list->count += (uint32_t) count;
    return 0;
}

zanni_arg_t
zanni_list_arg (zanni_list_t *list)
{
    uint8_t head [S_HEAD];
    if (list->writer != &list->own)
        return zanni_arg_packed ((zanni_packed_t) { NULL, 0 });   // of a hook: it is in its message already
    zanni__writer_t writer = { .at = head, .end = head + S_HEAD, .start = head, .ops = &s_ops };
    bool good = zanni__writer_array (&writer, list->count);
    zanni__assert (good);
    (void) good;
    size_t size = (size_t) (writer.at - head);
    uint8_t *start = list->own.start + S_HEAD - size;
    memcpy (start, head, size);
    return zanni_arg_packed ((zanni_packed_t) { start, (size_t) (list->own.at - start) });
}
