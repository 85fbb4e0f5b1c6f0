/* Values become msgpack here, by msgpack-c's packer. Its functions hand every piece to a callback; s_append is
   that callback, and since each use below names it where the packer is made, the compiler puts it in place: an
   integer costs a few compares, one check for room and one store.

   Nothing is asked about the size beforehand. Most arguments fit the room they are packed into, so measuring them
   first would cost every message what only few need; those that do not fit grow (ops->grow). */

#include "pack.h"

#include "../wire/limits.h"
#include "../wire/reader.h"
#include "../wire/text.h"
#include "args.h"
#include "object.h"
#include "value.h"
#include <msgpack/pack.h>
#include <string.h>

static bool
s_fail (zanni__writer_t *writer, int error)
{
    writer->error = error;
    return false;
}

static inline int
s_append (void *data, const char *bytes, size_t size)
{
    zanni__writer_t *writer = data;
    if (__builtin_expect ((size_t) (writer->end - writer->at) < size, 0) && !writer->ops->grow (writer, size))
        return -1;
    memcpy (writer->at, bytes, size);
    writer->at += size;
    return 0;
}

bool
zanni__writer_append (zanni__writer_t *writer, const void *data, size_t size)
{
    return !size || s_append (writer, data, size) == 0;
}

#define S_PACKER(name, writer) msgpack_packer name = { (writer), s_append }

static bool
s_int (zanni__writer_t *writer, int64_t value)
{
    S_PACKER (packer, writer);
    return msgpack_pack_int64 (&packer, value) == 0;
}

bool
zanni__writer_array (zanni__writer_t *writer, size_t count)
{
    S_PACKER (packer, writer);
    if (count > UINT32_MAX)
        return s_fail (writer, ZANNI_ETOOBIG);
    return msgpack_pack_array (&packer, count) == 0;
}

static bool
s_pack_int (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    return s_int (writer, arg->value.i);
}

static bool
s_pack_uint (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    S_PACKER (packer, writer);
    return msgpack_pack_uint64 (&packer, arg->value.u) == 0;
}

static bool
s_pack_bool (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    S_PACKER (packer, writer);
    return (arg->value.i ? msgpack_pack_true (&packer) : msgpack_pack_false (&packer)) == 0;
}

static bool
s_double (zanni__writer_t *writer, double value)
{
    S_PACKER (packer, writer);
    return msgpack_pack_double (&packer, value) == 0;
}

static bool
s_pack_double (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    return s_double (writer, arg->value.d);
}

static bool
s_string (zanni__writer_t *writer, const char *text)
{
    if (!text)
        return s_fail (writer, ZANNI_EARGS);
    size_t size = strlen (text);
    if (size > UINT32_MAX)
        return s_fail (writer, ZANNI_ETOOBIG);
    if (!zanni__text_valid (text, size))
        return s_fail (writer, ZANNI_EARGS);
    S_PACKER (packer, writer);
    return msgpack_pack_str (&packer, size) == 0 && s_append (writer, text, size) == 0;
}

static bool
s_pack_string (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    return s_string (writer, arg->value.p);
}

static bool
s_pack_bytes (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    S_PACKER (packer, writer);
    if (arg->size && !arg->value.p)
        return s_fail (writer, ZANNI_EARGS);
    if (arg->size > UINT32_MAX)
        return s_fail (writer, ZANNI_ETOOBIG);
    if (msgpack_pack_bin (&packer, arg->size))
        return false;
    return !arg->size || s_append (writer, arg->value.p, arg->size) == 0;
}

/* An index is one byte below 256, else two, big-endian. */
static bool
s_handle (zanni__writer_t *writer, int8_t type, uint32_t index)
{
    S_PACKER (packer, writer);
    char body [2] = { (char) (uint8_t) (index >> 8), (char) (uint8_t) index };
    size_t skip = index < 256;
    return msgpack_pack_ext (&packer, 2 - skip, type) == 0 && s_append (writer, body + skip, 2 - skip) == 0;
}

static bool
s_pack_ref (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    uint32_t index;
    if (!arg->value.p || !writer->ops->keep_ref)
        return s_fail (writer, ZANNI_EARGS);
    return writer->ops->keep_ref (writer, arg->value.p, &index) && s_handle (writer, ZANNI__EXT_REF, index);
}

static bool
s_pack_buffer (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    uint32_t index;
    if (!arg->value.p || !writer->ops->keep_buffer)
        return s_fail (writer, ZANNI_EARGS);
    return writer->ops->keep_buffer (writer, arg->value.p, &index) && s_handle (writer, ZANNI__EXT_BUFFER, index);
}

static bool
s_pack_blob (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    S_PACKER (packer, writer);
    uint8_t body [ZANNI__WIRE_BLOB_BYTES];
    if (!arg->value.p)
        return s_fail (writer, ZANNI_EARGS);
    zanni__blob_to_bytes (body, arg->value.p);
    return msgpack_pack_ext (&packer, sizeof body, ZANNI__EXT_BLOB) == 0 && zanni__writer_append (writer, body, sizeof body);
}

/* Bytes that an index of msgpack's smallest form takes. */
static size_t
s_int_size (uint32_t index)
{
    if (index < 128)
        return 1;
    return index < 256 ? 2 : index < 65536 ? 3 : 5;
}

static size_t
s_string_size (size_t size)
{
    if (size < 32)
        return 1 + size;
    return (size < 256 ? 2 : size < 65536 ? 3 : 5) + size;
}

static bool
s_pack_bound (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    S_PACKER (packer, writer);
    const zanni_bound_t *bound = arg->value.p;
    uint32_t index;
    if (!bound || !bound->ref || !bound->method || !writer->ops->keep_ref)
        return s_fail (writer, ZANNI_EARGS);
    if (!writer->ops->keep_ref (writer, bound->ref, &index))
        return false;
    size_t size = strlen (bound->method);
    if (size > UINT16_MAX)
        return s_fail (writer, ZANNI_ETOOBIG);
    if (msgpack_pack_ext (&packer, 1 + s_int_size (index) + s_string_size (size), ZANNI__EXT_BOUND))
        return false;
    return zanni__writer_array (writer, 2) && s_int (writer, index) && s_string (writer, bound->method);
}

/* The head of an array of arg->size values, whose kind may be any. */
static bool
s_open (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    if (arg->size && !arg->value.p)
        return s_fail (writer, ZANNI_EARGS);
    if (depth >= ZANNI__PACK_DEPTH)
        return s_fail (writer, ZANNI_ETOOBIG);
    return zanni__writer_array (writer, arg->size);
}

static bool
s_pack_ints (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    const int64_t *values = arg->value.p;
    bool good = s_open (writer, arg, depth);
    for (size_t i = 0; good && i < arg->size; i++)
        good = s_int (writer, values [i]);
    return good;
}

static bool
s_pack_doubles (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    const double *values = arg->value.p;
    bool good = s_open (writer, arg, depth);
    for (size_t i = 0; good && i < arg->size; i++)
        good = s_double (writer, values [i]);
    return good;
}

static bool
s_pack_strings (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    const char *const *values = arg->value.p;
    bool good = s_open (writer, arg, depth);
    for (size_t i = 0; good && i < arg->size; i++)
        good = s_string (writer, values [i]);
    return good;
}

static bool
s_pack_list (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    return s_open (writer, arg, depth) && zanni__writer_values (writer, arg->value.p, arg->size, depth + 1);
}

/* Indices in a ready-made value would point into the table of this message, which knows nothing of them. */
#define S_INDICES (1u << ZANNI__EXT_REF | 1u << ZANNI__EXT_BUFFER | 1u << ZANNI__EXT_BOUND)
#define S_OBJECT (1u << ZANNI__EXT_OBJECT)

/* The same where there are registered types, which may hide an index. All values are met in a row, since the elements
   of an array follow its head. */
static bool
s_objects_plain (const zanni_arg_t *arg)
{
    zanni__reader_t reader = zanni__reader (arg->value.p, (uint32_t) arg->size);
    zanni__value_t value;
    bool plain = true;
    while (plain && zanni__reader_next (&reader, &value))
        if (value.form == ZANNI__EXT && value.ext == ZANNI__EXT_OBJECT)
            plain = zanni__object_plain (&value);
    return plain;
}

static bool
s_is_packed (const zanni_arg_t *arg, uint32_t depth)
{
    zanni__reader_t reader = zanni__reader (arg->value.p, (uint32_t) arg->size);
    if (zanni__reader_skip_but (&reader, ZANNI__WIRE_DEPTH - depth, S_INDICES | S_OBJECT))
        return reader.at == reader.end;
    return zanni__reader_skip_but (&reader, ZANNI__WIRE_DEPTH - depth, S_INDICES) && reader.at == reader.end
        && s_objects_plain (arg);
}

static bool
s_pack_packed (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    if (!arg->value.p)
        return s_fail (writer, ZANNI_EARGS);
    if (arg->size > UINT32_MAX)
        return s_fail (writer, ZANNI_ETOOBIG);
    if (!s_is_packed (arg, depth))
        return s_fail (writer, ZANNI_EARGS);
    return s_append (writer, arg->value.p, arg->size) == 0;
}

static bool
s_pack_typed (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    return arg->value.p ? zanni__typed_pack (writer, arg->value.p) : s_fail (writer, ZANNI_EARGS);
}

static bool
s_pack_object (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth)
{
    (void) depth;
    return arg->value.p ? zanni__object_pack (writer, arg->value.p) : s_fail (writer, ZANNI_EARGS);
}

typedef bool s_pack_fn (zanni__writer_t *writer, const zanni_arg_t *arg, uint32_t depth);

static s_pack_fn *const s_packers [] = {
    [ZANNI_ARG_INT] = s_pack_int,       [ZANNI_ARG_UINT] = s_pack_uint,       [ZANNI_ARG_BOOL] = s_pack_bool,
    [ZANNI_ARG_DOUBLE] = s_pack_double, [ZANNI_ARG_STRING] = s_pack_string,   [ZANNI_ARG_BYTES] = s_pack_bytes,
    [ZANNI_ARG_REF] = s_pack_ref,       [ZANNI_ARG_BUFFER] = s_pack_buffer,   [ZANNI_ARG_LIST] = s_pack_list,
    [ZANNI_ARG_INTS] = s_pack_ints,     [ZANNI_ARG_DOUBLES] = s_pack_doubles, [ZANNI_ARG_STRINGS] = s_pack_strings,
    [ZANNI_ARG_PACKED] = s_pack_packed, [ZANNI_ARG_BOUND] = s_pack_bound,
    [ZANNI_ARG_TYPED] = s_pack_typed,   [ZANNI_ARG_OBJECT] = s_pack_object,   [ZANNI_ARG_BLOB] = s_pack_blob,
};

bool
zanni__writer_values (zanni__writer_t *writer, const zanni_arg_t *list, size_t count, uint32_t depth)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t tag = list [i].tag;
        if (tag >= sizeof s_packers / sizeof *s_packers || !s_packers [tag])
            return s_fail (writer, ZANNI_EARGS);
        if (!s_packers [tag] (writer, &list [i], depth))
            return false;
    }
    return true;
}
