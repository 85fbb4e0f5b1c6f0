/* input.h: where the bytes of a frame come from. What fails says why on standard error. */

#ifndef ZANNI_TOOL_INPUT_H
#define ZANNI_TOOL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *data;   // free it
    size_t size;
} tool_bytes_t;

/* All of a file, or of standard input where the path is "-". */
bool tool_read (tool_bytes_t *bytes, const char *path);

/* Hex digits become bytes, in place; white space may stand between bytes. False: there is something else. */
bool tool_unhex (tool_bytes_t *bytes);

/* The frame of the vector `name` in a file of golden vectors. */
bool tool_vector (tool_bytes_t *bytes, const char *path, const char *name);

#endif
