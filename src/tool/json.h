/* json.h: what travels between nodes, as JSON. Everything that makes JSON answers a new one, or NULL where memory is
   out. Shared by the command and by the tests of the golden vectors. */

#ifndef ZANNI_TOOL_JSON_H
#define ZANNI_TOOL_JSON_H

#include <jansson.h>
#include <zanni/sys/wire.h>

/* A record: an object of its kind's name and its fields, in the order of the wire. */
json_t *tool_record (const zanni_record_t *record);

/* Arguments: an array of their values. They were checked by zanni_wire_decode. */
json_t *tool_values (const zanni_bytes_t *args);

/* A whole header frame: the array "records", and "frames", how many frames the records count. Where the frame breaks
   the protocol, "fault" says how, and the records are those before. */
json_t *tool_frame (const void *frame, size_t size);

/* Bytes as lower-case hex digits. */
json_t *tool_hex (const void *data, size_t size);

/* A number; over INT64_MAX, where JSON libraries differ, a string of digits. */
json_t *tool_number (uint64_t number);

#endif
