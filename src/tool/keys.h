/* keys.h: by what a node of ours is known to those of other hosts, as all verbs take it that make one. */

#ifndef ZANNI_TOOL_KEYS_H
#define ZANNI_TOOL_KEYS_H

#include <argp.h>
#include <zanni.h>

typedef struct {
    const char *secret_file;   // NULL: ZANNI_SECRET in the environment, if that is set
    const char *certificate;
} tool_keys_t;

/* A child of the verb's own argp, with a tool_keys_t as its input. */
extern const struct argp tool_keys_argp;

#endif
