/* given.h: arguments that are given as JSON, and results as JSON. */

#ifndef ZANNI_TOOL_GIVEN_H
#define ZANNI_TOOL_GIVEN_H

#include <jansson.h>
#include <zanni.h>

typedef struct {
    zanni_arg_t *args;
    size_t count;
    json_t *json;                 // the array that strings lie in
    struct tool_piece *pieces;    // memory
    zanni_t *self;                // who makes buffers
} tool_given_t;

/* Makes arguments of texts, each of them JSON: numbers, strings, true, false, null, arrays; an object is a list of pairs, but
   for {"bytes": HEX} and {"buffer": HEX}. NULL, or what is wrong, with `which` text. To be given back however it goes. */
const char *tool_given (tool_given_t *given, zanni_t *self, char *const *texts, size_t count, size_t *which);
void tool_given_free (tool_given_t *given);

/* The next value of an answer; NULL: memory is out. */
json_t *tool_result (zanni_msg_t *reply);

#endif
