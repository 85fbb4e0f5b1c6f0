/* pen.h: msgpack to a bounded piece of memory, piece by piece, by msgpack-c's packer.

   A pen that has met the end of its room is full: it goes no further and writes nothing more, so that only the last
   one to use it has to look. */

#ifndef ZANNI_WIRE_PEN_H
#define ZANNI_WIRE_PEN_H

#include <msgpack/pack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    uint8_t *at;
    const uint8_t *end;
    bool full;
} zanni__pen_t;

/* msgpack-c's callback: takes all of a piece or nothing. */
static inline int
zanni__pen_append (void *data, const char *bytes, size_t size)
{
    zanni__pen_t *pen = data;
    if (pen->full || (size_t) (pen->end - pen->at) < size) {
        pen->full = true;
        return -1;
    }
    if (size)
        memcpy (pen->at, bytes, size);
    pen->at += size;
    return 0;
}

#define ZANNI__PACKER(name, pen) msgpack_packer name = { (pen), zanni__pen_append }

static inline void
zanni__pen_nil (zanni__pen_t *pen)
{
    ZANNI__PACKER (packer, pen);
    (void) msgpack_pack_nil (&packer);
}

static inline void
zanni__pen_bool (zanni__pen_t *pen, bool value)
{
    ZANNI__PACKER (packer, pen);
    (void) (value ? msgpack_pack_true (&packer) : msgpack_pack_false (&packer));
}

static inline void
zanni__pen_uint (zanni__pen_t *pen, uint64_t value)
{
    ZANNI__PACKER (packer, pen);
    (void) msgpack_pack_uint64 (&packer, value);
}

static inline void
zanni__pen_int (zanni__pen_t *pen, int64_t value)
{
    ZANNI__PACKER (packer, pen);
    (void) msgpack_pack_int64 (&packer, value);
}

static inline void
zanni__pen_array (zanni__pen_t *pen, uint32_t count)
{
    ZANNI__PACKER (packer, pen);
    (void) msgpack_pack_array (&packer, count);
}

static inline void
zanni__pen_text (zanni__pen_t *pen, const void *text, size_t size)
{
    ZANNI__PACKER (packer, pen);
    (void) msgpack_pack_str (&packer, size);
    (void) zanni__pen_append (pen, text, size);
}

static inline void
zanni__pen_bytes (zanni__pen_t *pen, const void *bytes, size_t size)
{
    ZANNI__PACKER (packer, pen);
    (void) msgpack_pack_bin (&packer, size);
    (void) zanni__pen_append (pen, bytes, size);
}

static inline void
zanni__pen_ext (zanni__pen_t *pen, int8_t type, const void *bytes, size_t size)
{
    ZANNI__PACKER (packer, pen);
    (void) msgpack_pack_ext (&packer, size, type);
    (void) zanni__pen_append (pen, bytes, size);
}

#endif
