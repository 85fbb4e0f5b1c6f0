/* fields.h: what each kind of record holds, as one table for the writer (encode.c) and the reader (decode.c).

   A kind is a string of letters, one a field, in the order of the wire; what stands between [ and ] is an array inside
   the record. A letter is a row: how the field looks as msgpack, where it lies in zanni_record_t, its range, and what
   a reader says of a wrong one. Readers skip what stands behind the last letter, in the record and in each array. */

#ifndef ZANNI_WIRE_FIELDS_H
#define ZANNI_WIRE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZANNI__ID_SIZE 16       // bytes of a nonce, a node and a host
#define ZANNI__WIRE_STRONG 1u   // flags of a full reference
#define ZANNI__WIRE_OWN 2u
#define ZANNI__WIRE_RESTARTABLE 1u   // flags of a SPAWN's spot
#define ZANNI__WIRE_WAITS 1u         // two bits from this one on
#define ZANNI__WIRE_AGAIN 8u

typedef enum {
    ZANNI__FIELD_NUMBER = 1,   // unsigned, `width` bytes in the record
    ZANNI__FIELD_SIGNED,       // int64_t
    ZANNI__FIELD_FLAG,         // bool
    ZANNI__FIELD_TEXT,         // zanni_bytes_t, at most `most` of them
    ZANNI__FIELD_ID,           // 16 bytes
    ZANNI__FIELD_ID_OR_NIL,
    ZANNI__FIELD_ACTOR,        // zanni_wire_actor_t
    ZANNI__FIELD_RELAYED,      // the same, or a full reference that goes to `about`
    ZANNI__FIELD_ABOUT,        // a full reference
    ZANNI__FIELD_REFS,
    ZANNI__FIELD_BUFFERS,
    ZANNI__FIELD_ARGS,
    ZANNI__FIELD_OPTIONS,      // an array of which nothing is known yet
    ZANNI__FIELD_MAYBE_BYTES,  // the last of a record: zanni_bytes_t, or nothing at all
    ZANNI__FIELD_MAYBE_NUMBER,   // the same: uint64_t, which is 0 then
    ZANNI__FIELD_MAYBE_SPOT,  // the same, of a SPAWN: `to` and as.spawn
    ZANNI__FIELD_FORMS
} zanni__field_form_t;

typedef struct {
    uint8_t form;      // zanni__field_form_t
    uint8_t width;
    uint16_t offset;   // in zanni_record_t
    int64_t least;     // of SIGNED
    uint64_t most;     // of NUMBER, SIGNED and TEXT
    const char *fault;
} zanni__field_t;

typedef struct {
    const char *name;      // NULL: there is no such kind
    const char *letters;
    bool payload;          // it has references, buffers and arguments
} zanni__layout_t;

extern const zanni__field_t zanni__fields [128];

/* NULL: the kind is not known. */
const zanni__layout_t *zanni__kind (uint64_t kind);

/* How many elements an array has whose letters begin here: up to its ] or the end. */
uint32_t zanni__letters_count (const char *letters);

#endif
