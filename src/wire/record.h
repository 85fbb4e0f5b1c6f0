/* record.h: records to and from the bytes of a header frame. See README.md for what they mean. */

#ifndef ZANNI_WIRE_RECORD_H
#define ZANNI_WIRE_RECORD_H

#include "reader.h"
#include <zanni/sys/wire.h>

/* Where a record that is read keeps its tables; used again for the next. In memory of whoever reads. */
typedef struct {
    zanni_wire_ref_t *refs;          // ZANNI_WIRE_TABLE_MAX of them
    zanni_wire_buffer_t *buffers;    // ZANNI_WIRE_TABLE_MAX of them
    zanni_wire_ref_t about;
} zanni__tables_t;

/* A plain tell (tell.h) is one whose method and arguments are shorter than this; what stands before the arguments, which
   ends with a byte that says their size, is its head. Tells that follow each other mostly have the same. */
#define ZANNI__TELL_METHOD 32
#define ZANNI__TELL_ARGS 256
#define ZANNI__TELL_HEAD 96      // bytes of the longest, or more

/* Writes one record to the `room` bytes at `at`. Answers its size; 0: it does not fit, and what was written there
   means nothing. The record is one of ours: lengths and counts are within the limits of sys/wire.h (asserted). */
size_t zanni__record_write (uint8_t *at, size_t room, const zanni_record_t *record);

/* Reads the next record. 1: there is one; 0: the frame has ended; -1: it breaks the protocol, *fault says how (a text
   that stays), and the reader stands at what is wrong. Unknown kinds are passed over; elements behind those that are
   known, too. Does not check that the arguments are an array of well-formed values: whoever reads arguments does. */
int zanni__record_read (zanni__reader_t *reader, zanni_record_t *record, zanni__tables_t *tables, const char **fault);

/* Whether its bytes are a frame. */
static inline bool
zanni__wire_framed (const zanni_wire_buffer_t *buffer)
{
    return !buffer->chunks && !buffer->bytes && !buffer->segment && !buffer->blob;
}

/* How many frames of its message are the record's own. */
uint32_t zanni__record_frames (const zanni_record_t *record);

#endif
