/* pack.h: writes argument values as msgpack into memory that can grow. Messages (pack.c) and lists (list.c) differ
   in where the memory comes from and in whether handles are allowed. */

#ifndef ZANNI_MESSAGE_PACK_H
#define ZANNI_MESSAGE_PACK_H

#include "../base/inline.h"
#include "args.h"
#include <msgpack/pack.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ZANNI__PACK_DEPTH 8    // lists inside lists
#define ZANNI__PACK_NUMBER 9   // bytes of the longest number

typedef struct zanni__writer zanni__writer_t;

/* The hooks set writer->error and answer false where they fail. */
typedef struct {
    /* Makes room for at least `need` more bytes: moves start, at and end. */
    bool (*grow) (zanni__writer_t *writer, size_t need);
    /* Keeps a reference or buffer and answers its index. */
    bool (*keep_ref) (zanni__writer_t *writer, const zanni_ref_t *ref, uint32_t *index);
    bool (*keep_buffer) (zanni__writer_t *writer, const zanni_buffer_t *buffer, uint32_t *index);
} zanni__writer_ops_t;

struct zanni__writer {
    uint8_t *at;      // next byte to write
    uint8_t *end;     // of the memory
    uint8_t *start;
    const zanni__writer_ops_t *ops;
    const zanni_type_t *type;    // whose instance is packed; NULL: none is
    int error;
    bool inside;      // a registered type, which holds no other
};

/* Sees to room for `need` more bytes. */
ZANNI__INLINE bool
zanni__writer_room (zanni__writer_t *writer, size_t need)
{
    return __builtin_expect ((size_t) (writer->end - writer->at) >= need, 1) || writer->ops->grow (writer, need);
}

bool zanni__writer_append (zanni__writer_t *writer, const void *data, size_t size);

/* Writes the head of an array of `count` values. */
bool zanni__writer_array (zanni__writer_t *writer, size_t count);

/* Writes `count` values one behind the other, which are inside `depth` arrays. False: writer->error says why, and
   some bytes may have been written. */
bool zanni__writer_values (zanni__writer_t *writer, const zanni_arg_t *list, size_t count, uint32_t depth);

/* msgpack-c's callback where `data` is the place to write to; whoever uses it has looked for room. */
static inline int
zanni__pack_append (void *data, const char *bytes, size_t size)
{
    uint8_t **at = data;
    memcpy (*at, bytes, size);
    *at += size;
    return 0;
}

/* Writes an integer, for which there must be ZANNI__PACK_NUMBER bytes, and answers where it ends. */
static inline uint8_t *
zanni__pack_int (uint8_t *at, int64_t value)
{
    msgpack_packer packer = { &at, zanni__pack_append };
    (void) msgpack_pack_int64 (&packer, value);
    return at;
}

/* Packs plain values to the bytes from `at` to `end`. Answers where they end; NULL: they do not fit, or are not plain. */
uint8_t *zanni__args_put (uint8_t *at, const uint8_t *end, const zanni_arg_t *list, size_t count);

/* Two of the three ways of zanni__args_pack: a few plain values that fit the room, else the next; and everything. */
int zanni__args_pack_few (zanni__args_t *args, zanni__payload_t **payload_p, const zanni__pack_t *pack,
                          const zanni_arg_t *list, size_t count);
int zanni__args_pack_all (zanni__args_t *args, zanni__payload_t **payload_p, const zanni__pack_t *pack,
                          const zanni_arg_t *list, size_t count);

/* Packs `count` arguments; keeps every reference and buffer (sealing it). Fills *args, and *payload_p with the
   payload they lie in or NULL when they fit the room. On failure nothing is kept: ZANNI_ENOMEM; ZANNI_ETOOBIG
   (over UINT32_MAX bytes, over ZANNI__TABLE_MAX table entries, lists over 8 deep); ZANNI_EARGS (NULL string,
   reference or buffer, string that is not UTF-8, unknown tag, a packed value that is not exactly one or holds
   references or buffers). One integer is so common that it is packed in line. */
ZANNI__INLINE int
zanni__args_pack (zanni__args_t *args, zanni__payload_t **payload_p, const zanni__pack_t *pack,
                  const zanni_arg_t *list, size_t count)
{
    uint8_t *room = pack->room;
    if (count != 1 || list->tag != ZANNI_ARG_INT || pack->room_size <= ZANNI__PACK_NUMBER)
        return zanni__args_pack_few (args, payload_p, pack, list, count);
    *room = 0x91;   // the head of an array of one
    uint8_t *end = zanni__pack_int (room + 1, list->value.i);
    *args = (zanni__args_t) { .bytes = room, .size = (uint32_t) (end - room) };
    *payload_p = NULL;
    return 0;
}

#endif
