/* value.h: what checking against a signature and reading have in common: one value of the arguments and what it
   means there. Everything here bounds what it uses; the bytes may come from a stranger. */

#ifndef ZANNI_MESSAGE_VALUE_H
#define ZANNI_MESSAGE_VALUE_H

#include "../wire/reader.h"
#include "args.h"

/* The arguments as a reader at their first value, and how many there are; false: they are no msgpack array. */
bool zanni__args_begin (const zanni__args_t *args, zanni__reader_t *reader, uint32_t *count);

/* Whether a number is a double without loss, and which. */
bool zanni__value_double (const zanni__value_t *value, double *number);

/* The handle that a value of ext type ZANNI__EXT_REF or ZANNI__EXT_BUFFER means; NULL: it means none. */
void *zanni__value_handle (const zanni__value_t *value, const zanni__args_t *args, int8_t ext);

/* The reference and method (a valid string) of a bound method; false: it is none. */
bool zanni__value_bound (const zanni__value_t *value, const zanni__args_t *args, zanni_ref_t **ref,
                         zanni__value_t *method);

/* A blob as it travels, and back; false: the value is none. */
void zanni__blob_to_bytes (uint8_t bytes [ZANNI__WIRE_BLOB_BYTES], const zanni_blob_t *blob);
bool zanni__value_is_blob (const zanni__value_t *value);
void zanni__blob_of_bytes (zanni_blob_t *blob, const uint8_t bytes [ZANNI__WIRE_BLOB_BYTES]);

/* Whether a value is a string that zanni lets pass. */
bool zanni__value_text (const zanni__value_t *value);

#endif
