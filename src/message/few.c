/* The quick way to pack: a few numbers, strings and bytes that fit the message's room, which is what nearly every
   message holds. Nothing can grow here and no handle is kept, so there is nothing to undo and the place to write
   to stays in a register. Whatever does not fit is packed again from the beginning by the general way (pack.c),
   which also finds out what is wrong where something is. */

#include "pack.h"

#include "../wire/text.h"
#include <string.h>

#define S_HEAD_MOST 5     // bytes before the data of a string

static inline uint8_t *
s_put_uint (uint8_t *at, const uint8_t *end, const zanni_arg_t *arg)
{
    msgpack_packer packer = { &at, zanni__pack_append };
    if (end - at < ZANNI__PACK_NUMBER)
        return NULL;
    (void) msgpack_pack_uint64 (&packer, arg->value.u);
    return at;
}

static inline uint8_t *
s_put_double (uint8_t *at, const uint8_t *end, const zanni_arg_t *arg)
{
    msgpack_packer packer = { &at, zanni__pack_append };
    if (end - at < ZANNI__PACK_NUMBER)
        return NULL;
    (void) msgpack_pack_double (&packer, arg->value.d);
    return at;
}

static inline uint8_t *
s_put_bool (uint8_t *at, const uint8_t *end, const zanni_arg_t *arg)
{
    msgpack_packer packer = { &at, zanni__pack_append };
    if (at == end)
        return NULL;
    (void) (arg->value.i ? msgpack_pack_true (&packer) : msgpack_pack_false (&packer));
    return at;
}

static inline bool
s_fits (const uint8_t *at, const uint8_t *end, size_t size)
{
    return end - at >= S_HEAD_MOST && size <= (size_t) (end - at) - S_HEAD_MOST;
}

static inline uint8_t *
s_put_string (uint8_t *at, const uint8_t *end, const zanni_arg_t *arg)
{
    msgpack_packer packer = { &at, zanni__pack_append };
    const char *text = arg->value.p;
    size_t size = text ? strlen (text) : SIZE_MAX;
    if (!s_fits (at, end, size) || !zanni__text_valid (text, size))
        return NULL;
    (void) msgpack_pack_str (&packer, size);
    memcpy (at, text, size);
    return at + size;
}

static inline uint8_t *
s_put_bytes (uint8_t *at, const uint8_t *end, const zanni_arg_t *arg)
{
    msgpack_packer packer = { &at, zanni__pack_append };
    if (!arg->value.p || !s_fits (at, end, arg->size))
        return NULL;
    (void) msgpack_pack_bin (&packer, arg->size);
    memcpy (at, arg->value.p, arg->size);
    return at + arg->size;
}

/* A switch, not a table, so that all of it is one function with its values in registers. */
static inline uint8_t *
s_put (uint8_t *at, const uint8_t *end, const zanni_arg_t *arg)
{
    switch (arg->tag) {
    case ZANNI_ARG_INT:
        return end - at < ZANNI__PACK_NUMBER ? NULL : zanni__pack_int (at, arg->value.i);
    case ZANNI_ARG_UINT:
        return s_put_uint (at, end, arg);
    case ZANNI_ARG_BOOL:
        return s_put_bool (at, end, arg);
    case ZANNI_ARG_DOUBLE:
        return s_put_double (at, end, arg);
    case ZANNI_ARG_STRING:
        return s_put_string (at, end, arg);
    case ZANNI_ARG_BYTES:
        return s_put_bytes (at, end, arg);
    default:
        return NULL;
    }
}

static inline uint8_t *
s_put_all (uint8_t *at, const uint8_t *end, const zanni_arg_t *list, size_t count)
{
    if (count > 15 || at == end)
        return NULL;
    *at++ = (uint8_t) (0x90 | count);   // the head of a short array
    for (size_t i = 0; at && i < count; i++)
        at = s_put (at, end, &list [i]);
    return at;
}

uint8_t *
zanni__args_put (uint8_t *at, const uint8_t *end, const zanni_arg_t *list, size_t count)
{
    return s_put_all (at, end, list, count);
}

int
zanni__args_pack_few (zanni__args_t *args, zanni__payload_t **payload_p, const zanni__pack_t *pack,
                      const zanni_arg_t *list, size_t count)
{
    const uint8_t *at = s_put_all (pack->room, pack->room + pack->room_size, list, count);
    if (!at)
        return zanni__args_pack_all (args, payload_p, pack, list, count);
    *args = (zanni__args_t) { .bytes = pack->room, .size = (uint32_t) (at - pack->room) };
    *payload_p = NULL;
    return 0;
}
