/* tell.h: the quick way for a plain tell: no references, no buffers, arguments of fewer than 256 bytes in the header,
   a method's name of fewer than 32, both actors in the session's two nodes. It does what the general way would, byte
   for byte, with every place known; whatever is not plain, or is not written in the shortest form, it leaves alone. */

#ifndef ZANNI_WIRE_TELL_H
#define ZANNI_WIRE_TELL_H

#include "../base/inline.h"
#include "fields.h"
#include "reader.h"
#include "record.h"
#include "text.h"
#include <msgpack/pack.h>
#include <string.h>
#include <zanni/sys/wire.h>

#define ZANNI__TELL_ACTOR 28     // bytes of the longest actor
/* Bytes of the longest plain tell without its arguments. */
#define ZANNI__TELL_ROOM (2 + 2 * ZANNI__TELL_ACTOR + ZANNI__TELL_METHOD + 2 + 2)
_Static_assert (ZANNI__TELL_HEAD >= ZANNI__TELL_ROOM, "the longest head fits");

/* msgpack-c's callback where the room has been looked at. */
static inline int
zanni__tell_append (void *data, const char *bytes, size_t size)
{
    uint8_t **at = data;
    memcpy (*at, bytes, size);
    *at += size;
    return 0;
}

/* Copies what is short in two steps that may overlap, without a call. Answers where it ends. */
ZANNI__INLINE uint8_t *
zanni__tell_put_bytes (uint8_t *at, const zanni_bytes_t *bytes)
{
    const uint8_t *from = bytes->data;
    size_t size = bytes->size;
    if (size > 16)
        memcpy (at, from, size);
    else if (size >= 8) {
        memcpy (at, from, 8);
        memcpy (at + size - 8, from + size - 8, 8);
    }
    else if (size >= 4) {
        memcpy (at, from, 4);
        memcpy (at + size - 4, from + size - 4, 4);
    }
    else if (size) {
        at [0] = from [0];
        at [size / 2] = from [size / 2];
        at [size - 1] = from [size - 1];
    }
    return at + size;
}

ZANNI__INLINE uint8_t *
zanni__tell_put_actor (uint8_t *at, const zanni_wire_actor_t *actor)
{
    msgpack_packer packer = { &at, zanni__tell_append };
    if (!actor->nonce) {
        *at = 0xc0;
        return at + 1;
    }
    *at++ = 0x92;
    (void) msgpack_pack_uint64 (&packer, actor->actor);
    *at++ = 0xc4;
    *at++ = ZANNI__ID_SIZE;
    memcpy (at, actor->nonce, ZANNI__ID_SIZE);
    return at + ZANNI__ID_SIZE;
}

/* Writes a plain tell for which there is room for sure; 0: it is none, or there may not be. */
ZANNI__INLINE size_t
zanni__tell_write (uint8_t *start, size_t room, const zanni_record_t *record)
{
    uint8_t *at = start;
    if (record->kind != ZANNI_RECORD_TELL || record->refs_count || record->buffers_count || record->args_framed
        || record->args_chunks || record->about || record->method.size >= ZANNI__TELL_METHOD
        || record->args.size >= ZANNI__TELL_ARGS || room < ZANNI__TELL_ROOM + record->args.size)
        return 0;
    *at++ = 0x97;
    *at++ = ZANNI_RECORD_TELL;
    at = zanni__tell_put_actor (at, &record->to);
    at = zanni__tell_put_actor (at, &record->from);
    *at++ = (uint8_t) (0xa0 | record->method.size);
    at = zanni__tell_put_bytes (at, &record->method);
    *at++ = 0x90;   // no references
    *at++ = 0x90;   // no buffers
    *at++ = 0xc4;
    *at++ = (uint8_t) record->args.size;
    return (size_t) (zanni__tell_put_bytes (at, &record->args) - start);
}

/* Where the actor that begins at `at` ends; NULL: it is none of this session, or the bytes end before a tell would. */
ZANNI__INLINE const uint8_t *
zanni__tell_get_actor (const uint8_t *at, const uint8_t *end, zanni_wire_actor_t *actor)
{
    int64_t number = 0;
    const uint8_t *nonce = NULL;
    if (end - at <= 2 + 2 + ZANNI__ID_SIZE || *at != 0x92)
        at = at != end && *at == 0xc0 ? at + 1 : NULL;   // nobody
    else {
        at++;
        if (*at < 0x80)
            number = *at++;
        else
            at = zanni__wire_int (at, end, &number);
        if (!at || number < 0 || end - at < 2 + ZANNI__ID_SIZE || at [0] != 0xc4 || at [1] != ZANNI__ID_SIZE)
            return NULL;
        nonce = at + 2;
        at += 2 + ZANNI__ID_SIZE;
    }
    actor->actor = (uint64_t) number;
    actor->nonce = nonce;
    return at;
}

/* Whether a method's name is UTF-8. Most are plain and short: then one word, of which only the name's bytes count, says
   so as in text.c. */
ZANNI__INLINE bool
zanni__tell_is_text (const uint8_t *at, const uint8_t *end, size_t size)
{
    uint64_t word;
    if (size - 1 >= sizeof word || end - at < (ptrdiff_t) sizeof word)
        return zanni__text_valid (at, size);
    memcpy (&word, at, sizeof word);
    word = le64toh (word);
    uint64_t strange = (word | (word - UINT64_C (0x0101010101010101))) & UINT64_C (0x8080808080808080);
    return !(strange << (64 - 8 * size)) || zanni__text_valid (at, size);
}

/* Reads the record that begins at the reader if it is a plain tell. Else false, and the reader has not moved. */
ZANNI__INLINE bool
zanni__tell_read (zanni__reader_t *reader, zanni_record_t *record)
{
    const uint8_t *at = reader->at;
    const uint8_t *end = reader->end;
    if (end - at < 2 || at [0] != 0x97 || at [1] != ZANNI_RECORD_TELL)
        return false;
    at = zanni__tell_get_actor (at + 2, end, &record->to);
    if (!at)
        return false;
    at = zanni__tell_get_actor (at, end, &record->from);
    if (!at || at == end || (*at & 0xe0) != 0xa0)
        return false;
    size_t method = *at++ & 0x1f;
    if ((size_t) (end - at) < method + 4 || !zanni__tell_is_text (at, end, method))
        return false;
    record->method = (zanni_bytes_t) { .data = at, .size = method };
    at += method;
    size_t args = at [3];
    if (at [0] != 0x90 || at [1] != 0x90 || at [2] != 0xc4 || (size_t) (end - at) < 4 + args)
        return false;
    record->kind = ZANNI_RECORD_TELL;
    record->args_framed = false;
    record->args_chunks = 0;
    record->refs_count = 0;
    record->buffers_count = 0;
    record->args = (zanni_bytes_t) { .data = at + 4, .size = args };
    record->refs = NULL;
    record->buffers = NULL;
    record->about = NULL;
    reader->at = at + 4 + args;
    return true;
}

/* The size of the head of a tell that was read from `size` bytes at `start`; 0: it has none, since it is not plain. */
static inline uint32_t
zanni__tell_head (const uint8_t *start, size_t size, const zanni_record_t *record)
{
    const uint8_t *args = record->args.data;
    if (record->kind != ZANNI_RECORD_TELL || record->refs_count || record->buffers_count || record->about
        || record->args_framed || record->args_chunks || record->args.size >= ZANNI__TELL_ARGS)
        return 0;
    bool ends = args + record->args.size == start + size;
    bool is_short = args - start <= ZANNI__TELL_HEAD && args - start > 2 && args [-2] == 0xc4;
    return ends && is_short && *start == 0x97 ? (uint32_t) (args - start) : 0;
}

/* Whether a tell with that head begins at the reader: its arguments then, and the reader stands behind them. */
ZANNI__INLINE bool
zanni__tell_again (zanni__reader_t *reader, const uint8_t *head, uint32_t size, zanni_bytes_t *args)
{
    const uint8_t *at = reader->at;
    size_t left = (size_t) (reader->end - at);
    if (!size || left < size || memcmp (at, head, size - 1) || left - size < at [size - 1])
        return false;
    *args = (zanni_bytes_t) { at + size, at [size - 1] };
    reader->at = at + size + at [size - 1];
    return true;
}

#endif
