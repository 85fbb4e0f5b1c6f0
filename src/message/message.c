/* What reading adds to a message: an `extra` for the few that need one, and copies of strings.

   A string is read NUL-terminated, but argument bytes are never rewritten and may be shared, so there is no place
   for the NUL: strings are copied. Most copies fit between the argument bytes and the side table in the message's
   own block; the others go to chunks that grow, so that a list of many strings costs few allocations. */

#include "message.h"

#include "../base/memory.h"
#include <string.h>

#define S_CHUNK_LEAST 256
#define S_CHUNK_MOST 65536

typedef struct s_chunk {
    struct s_chunk *next;
    size_t size, used;
    char data [];
} s_chunk_t;

zanni__extra_t *
zanni__msg_extra (zanni_msg_t *msg)
{
    if (msg->extra)
        return msg->extra;
    zanni__extra_t *extra = zanni__calloc (sizeof *extra);
    if (!extra)
        return NULL;
    extra->msg = msg;
    zanni__link_init (&extra->kept);
    zanni__link_init (&extra->instances);
    msg->extra = extra;
    return extra;
}

void
zanni__msg_extra_free (zanni_msg_t *msg)
{
    zanni__extra_t *extra = msg->extra;
    if (!extra)
        return;
    zanni__instances_drop (&extra->instances);
    s_chunk_t *chunk = extra->strings;
    while (chunk) {
        s_chunk_t *next = chunk->next;
        zanni__free (chunk);
        chunk = next;
    }
    zanni__free (extra->chain);
    zanni__free (extra);
    msg->extra = NULL;
}

void
zanni__msg_set_fault (zanni_msg_t *msg, const char *text)
{
    zanni__extra_t *extra = zanni__msg_extra (msg);
    if (!extra)
        return;
    size_t size = strnlen (text, sizeof extra->fault - 1);
    memcpy (extra->fault, text, size);
    extra->fault [size] = 0;
}

/* The free middle of the room: what lies between `room_used`, or the argument bytes where they are here, and the
   table where that is here. */
char *
zanni__msg_room_left (zanni_msg_t *msg, size_t size)
{
    uintptr_t room = (uintptr_t) msg->room;
    uintptr_t table = (uintptr_t) msg->args.table;
    bool bytes_here = msg->args.bytes == msg->room;
    bool table_here = table >= room && table < room + ZANNI__MESSAGE_ROOM;
    size_t used = bytes_here && msg->room_used < msg->args.size ? msg->args.size : msg->room_used;
    size_t end = table_here ? table - room : ZANNI__MESSAGE_ROOM;
    if (used > end || end - used < size)
        return NULL;
    msg->room_used = (uint32_t) (used + size);
    return (char *) msg->room + used;
}

static char *
s_take_chunk (zanni_msg_t *msg, size_t size)
{
    zanni__extra_t *extra = zanni__msg_extra (msg);
    if (!extra)
        return NULL;
    s_chunk_t *chunk = extra->strings;
    if (!chunk || chunk->size - chunk->used < size) {
        size_t room = chunk ? 2 * chunk->size : S_CHUNK_LEAST;
        room = room > S_CHUNK_MOST ? S_CHUNK_MOST : room;
        room = room < size ? size : room;
        chunk = zanni__malloc (sizeof *chunk + room);
        if (!chunk)
            return NULL;
        *chunk = (s_chunk_t) { .next = extra->strings, .size = room };
        extra->strings = chunk;
    }
    chunk->used += size;
    return chunk->data + chunk->used - size;
}

void *
zanni__msg_room (zanni_msg_t *msg, size_t size)
{
    void *room = zanni__msg_room_left (msg, size);
    return room ? room : s_take_chunk (msg, size);
}

char *
zanni__msg_copy (zanni_msg_t *msg, const void *data, size_t size)
{
    char *copy = zanni__msg_room (msg, size + 1);
    if (!copy)
        return NULL;
    if (size)
        memcpy (copy, data, size);
    copy [size] = 0;
    return copy;
}
