/* zanni keygen: a key pair for a node, in two files. */

#include "verbs.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zanni.h>

static error_t
s_parse (int key, char *argument, struct argp_state *state)
{
    const char **file = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*file)
            argp_error (state, "one FILE is enough");
        *file = argument;
        return 0;
    case ARGP_KEY_END:
        if (!*file)
            argp_error (state, "say which FILE the key goes to");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int
tool_keygen (int argc, char **argv)
{
    static const struct argp argp = {
        .parser = s_parse, .args_doc = "FILE",
        .doc = "Makes a key pair for a node: FILE, which is secret and for its options.certificate, and FILE.pub, for those "
               "who are to trust it. Neither may exist."
    };
    const char *file = NULL;
    if (argp_parse (&argp, argc, argv, 0, NULL, &file) || !file)
        return EXIT_FAILURE;
    int rc = zanni_keygen (file);
    int why = errno;
    if (!rc)
        return EXIT_SUCCESS;
    fprintf (stderr, "zanni keygen: %s: %s\n", file, rc == ZANNI_ESYSTEM ? strerror (why) : zanni_strerror (rc));
    return EXIT_FAILURE;
}
