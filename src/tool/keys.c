/* Files rather than values: a command line can be read by all users of a host, as long as it runs. */

#include "keys.h"

static const struct argp_option s_options [] = {
    { "secret-file", 's', "FILE", 0, "The secret that both sides have is the first line of FILE; default: ZANNI_SECRET in the environment", 0 },
    { "certificate", 'c', "FILE", 0, "Instead, or beside it to dial by: the node's own key, as `zanni keygen' makes it", 0 },
    { 0 }
};

static error_t
s_parse (int key, char *argument, struct argp_state *state)
{
    tool_keys_t *keys = state->input;
    switch (key) {
    case 's':
        keys->secret_file = argument;
        return 0;
    case 'c':
        keys->certificate = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp tool_keys_argp = { s_options, s_parse, NULL, NULL, NULL, NULL, NULL };
