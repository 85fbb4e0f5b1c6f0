/* args.h: the arguments of a message as they lie in memory.

   Argument bytes are one msgpack array, the same in every place, and are never rewritten. A reference or buffer in
   them is an index (ext type 1 or 2, one byte of data below 256, else two, big-endian) into the side table, which
   holds the handles: first all references, then all buffers. Bytes and table lie inside the message's own block
   where they fit, bytes from its start and table at its end; else, or when several messages share them
   (zanni_send_all), in a counted payload of their own. */

#ifndef ZANNI_MESSAGE_ARGS_H
#define ZANNI_MESSAGE_ARGS_H

#include "../wire/limits.h"
#include <stdatomic.h>
#include <stdint.h>
#include <zanni/arg.h>

#define ZANNI__EXT_REF 1
#define ZANNI__EXT_BUFFER 2
#define ZANNI__EXT_BLOB ZANNI__WIRE_BLOB_EXT   // data: store, id, size, checksum
#define ZANNI__EXT_BOUND 4   // data: msgpack [index of the reference, method]
#define ZANNI__EXT_OBJECT 6  // data: msgpack name, version, [fields...]; see object.c
#define ZANNI__TABLE_MAX 65535

typedef struct {
    const uint8_t *bytes;
    void **table;
    uint32_t size;      // of bytes
    uint16_t refs;
    uint16_t buffers;
} zanni__args_t;

typedef struct {
    _Atomic uint32_t users;   // messages that point here; the last release (acq_rel) frees
    zanni__args_t args;       // in memory of its own
} zanni__payload_t;

/* How a layer above copies and drops references; messages know them as opaque. */
typedef struct {
    zanni_ref_t *(*keep) (void *context, const zanni_ref_t *ref);   // NULL: out of memory
    void (*drop) (void *context, zanni_ref_t *ref);
    void *context;
} zanni__refs_t;

/* Where to pack. */
typedef struct {
    uint8_t *room;              // the message's own room, aligned to 8; may be NULL with size 0
    size_t room_size;
    const zanni__refs_t *refs;  // NULL: references are ZANNI_EARGS
} zanni__pack_t;

/* Drops what the table holds; frees the payload with its last user. `payload` may be NULL. */
void zanni__args_release (zanni__args_t *args, zanni__payload_t *payload, const zanni__refs_t *refs);

/* Moves arguments that lie in a message's room into a payload of their own. ZANNI_ENOMEM: nothing has changed. */
int zanni__args_to_payload (zanni__args_t *args, zanni__payload_t **payload_p);

/* A copy of `from` with handles of its own. What lies in a payload that several messages share goes with the last of
   them, on whatever worker that is; who holds a reference may want to know it dropped behind his own messages. On
   failure nothing is kept: ZANNI_ENOMEM. */
int zanni__args_copy (zanni__args_t *args, zanni__payload_t **payload_p, const zanni__args_t *from,
                      const zanni__refs_t *refs);

/* Arguments that came from elsewhere: copies the bytes and takes over the handles of `from`, into the room where they fit
   or a payload. `from` stays the caller's, but for the handles, on 0. ZANNI_ENOMEM. */
int zanni__args_move (zanni__args_t *args, zanni__payload_t **payload_p, const zanni__pack_t *pack,
                      const zanni__args_t *from);

/* Bytes that the arguments count for in a mailbox: argument bytes and buffer sizes, at most UINT32_MAX. */
uint32_t zanni__args_weight (const zanni__args_t *args);

#endif
