/* Numbers widen where nothing is lost; handles are indices that are checked against the table that came with them.
   */

#include "value.h"

#include "../wire/text.h"
#include <string.h>
#include <zanni/store.h>

bool
zanni__args_begin (const zanni__args_t *args, zanni__reader_t *reader, uint32_t *count)
{
    *reader = zanni__reader (args->bytes, args->size);
    *count = 0;
    return !args->size || zanni__reader_array (reader, count);
}

/* A double holds 53 significant bits: those between the highest and the lowest set one. */
static bool
s_is_exact (uint64_t magnitude)
{
    if (!magnitude)
        return true;
    return 64 - __builtin_clzll (magnitude) - __builtin_ctzll (magnitude) <= 53;
}

bool
zanni__value_double (const zanni__value_t *value, double *number)
{
    switch (value->form) {
    case ZANNI__FLOAT:
        *number = value->value.d;
        return true;
    case ZANNI__UINT:
        *number = (double) value->value.u;
        return s_is_exact (value->value.u);
    case ZANNI__INT:
        *number = (double) value->value.i;
        return s_is_exact (-(uint64_t) value->value.i);
    default:
        return false;
    }
}

void *
zanni__value_handle (const zanni__value_t *value, const zanni__args_t *args, int8_t ext)
{
    uint32_t first = ext == ZANNI__EXT_REF ? 0 : args->refs;
    uint32_t count = ext == ZANNI__EXT_REF ? args->refs : args->buffers;
    if (value->form != ZANNI__EXT || value->ext != ext || value->size < 1 || value->size > 2)
        return NULL;
    uint32_t index = value->value.data [0];
    if (value->size == 2)
        index = index << 8 | value->value.data [1];
    return index < count ? args->table [first + index] : NULL;
}

bool
zanni__value_text (const zanni__value_t *value)
{
    return value->form == ZANNI__STR && zanni__text_valid (value->value.data, value->size);
}

bool
zanni__value_bound (const zanni__value_t *value, const zanni__args_t *args, zanni_ref_t **ref,
                    zanni__value_t *method)
{
    zanni__value_t index;
    uint32_t count;
    if (value->form != ZANNI__EXT || value->ext != ZANNI__EXT_BOUND)
        return false;
    zanni__reader_t reader = zanni__reader (value->value.data, value->size);
    if (!zanni__reader_array (&reader, &count) || count != 2 || !zanni__reader_next (&reader, &index)
        || !zanni__reader_next (&reader, method) || reader.at != reader.end)
        return false;
    if (index.form != ZANNI__UINT || index.value.u >= args->refs || !zanni__value_text (method))
        return false;
    *ref = args->table [index.value.u];
    return true;
}

/* Numbers are big-endian, as everywhere on the wire. */
void
zanni__blob_to_bytes (uint8_t bytes [ZANNI__WIRE_BLOB_BYTES], const zanni_blob_t *blob)
{
    const uint64_t store = htobe64 (blob->store), size = htobe64 (blob->size), checksum = htobe64 (blob->checksum);
    memcpy (bytes, &store, 8);
    memcpy (bytes + 8, blob->id, 16);
    memcpy (bytes + 24, &size, 8);
    memcpy (bytes + 32, &checksum, 8);
}

bool
zanni__value_is_blob (const zanni__value_t *value)
{
    return value->form == ZANNI__EXT && value->ext == ZANNI__EXT_BLOB && value->size == ZANNI__WIRE_BLOB_BYTES;
}

void
zanni__blob_of_bytes (zanni_blob_t *blob, const uint8_t bytes [ZANNI__WIRE_BLOB_BYTES])
{
    *blob = (zanni_blob_t) {
        .store = zanni__wire_number (bytes, 8), .size = zanni__wire_number (bytes + 24, 8),
        .checksum = zanni__wire_number (bytes + 32, 8)
    };
    memcpy (blob->id, bytes + 8, 16);
}
