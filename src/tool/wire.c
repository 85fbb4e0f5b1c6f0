/* zanni wire: header frames of the wire protocol as JSON, one object a frame, one line a record. */

#include "input.h"
#include "json.h"
#include "verbs.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    bool hex;
    const char *vector;
    char **paths;
    int count;
} s_options_t;

static const struct argp_option s_options [] = {
    { "hex", 'x', NULL, 0, "The files are text: hex digits, with any space between bytes", 0 },
    { "vector", 'n', "NAME", 0, "The files hold golden vectors; show the one of this name", 0 },
    { 0 }
};

static const char s_help [] =
    "Shows header frames, as they travel between nodes, as JSON: every record with its fields.\v"
    "Each FILE holds one frame; without any, or with -, it is standard input. The exit status is 1 where a frame "
    "breaks the protocol or a file cannot be read.";

static error_t
s_parse (int key, char *argument, struct argp_state *state)
{
    s_options_t *options = state->input;
    switch (key) {
    case 'x':
        options->hex = true;
        return 0;
    case 'n':
        options->vector = argument;
        return 0;
    case ARGP_KEY_ARGS:
        options->paths = state->argv + state->next;
        options->count = state->argc - state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void
s_print_line (const json_t *record, bool last)
{
    printf ("    ");
    (void) json_dumpf (record, stdout, 0);
    puts (last ? "" : ",");
}

static void
s_print (const json_t *frame)
{
    size_t i;
    const json_t *record;
    const json_t *records = json_object_get (frame, "records");
    const json_t *fault = json_object_get (frame, "fault");
    size_t count = json_array_size (records);
    printf ("{\n  \"records\": [%s", count ? "\n" : "");
    json_array_foreach (records, i, record)
        s_print_line (record, i + 1 == count);
    printf ("%s],\n  \"frames\": %" JSON_INTEGER_FORMAT, count ? "  " : "",
            json_integer_value (json_object_get (frame, "frames")));
    if (fault) {
        printf (",\n  \"fault\": ");
        (void) json_dumpf (fault, stdout, JSON_ENCODE_ANY);
    }
    puts ("\n}");
}

static bool
s_show (const tool_bytes_t *bytes, const char *path)
{
    json_t *frame = tool_frame (bytes->data, bytes->size);
    if (!frame) {
        fprintf (stderr, "zanni: out of memory\n");
        return false;
    }
    const char *fault = json_string_value (json_object_get (frame, "fault"));
    s_print (frame);
    (void) fflush (stdout);
    if (fault)
        fprintf (stderr, "zanni: %s breaks the protocol: %s\n", strcmp (path, "-") ? path : "standard input", fault);
    bool good = !fault;
    json_decref (frame);
    return good;
}

static bool
s_get (tool_bytes_t *bytes, const s_options_t *options, const char *path)
{
    if (options->vector)
        return tool_vector (bytes, path, options->vector);
    if (!tool_read (bytes, path))
        return false;
    if (!options->hex || tool_unhex (bytes))
        return true;
    fprintf (stderr, "zanni: %s: is not made of hex digits, two a byte\n", path);
    return false;
}

static bool
s_show_file (const s_options_t *options, const char *path)
{
    tool_bytes_t bytes = { .data = NULL };
    bool good = s_get (&bytes, options, path) && s_show (&bytes, path);
    free (bytes.data);
    return good;
}

int
tool_wire (int argc, char **argv)
{
    static const struct argp argp = { s_options, s_parse, "[FILE...|-]", s_help, NULL, NULL, NULL };
    s_options_t options = { .count = 0 };
    bool good = true;
    if (argp_parse (&argp, argc, argv, 0, NULL, &options))
        return EXIT_FAILURE;
    if (!options.count)
        good = s_show_file (&options, "-");
    for (int i = 0; i < options.count; i++)
        good &= s_show_file (&options, options.paths [i]);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
