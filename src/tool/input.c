/* Frames from files: bytes as they were captured, hex digits, or an entry of a file of golden vectors
   (tests/golden/README.md). */

#include "input.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_STEP 65536
#define S_MOST (16 << 20)   // bytes of a file; a frame has 65536 at most

static bool
s_complain (const char *path, const char *what)
{
    fprintf (stderr, "zanni: %s: %s\n", strcmp (path, "-") ? path : "standard input", what);
    return false;
}

static bool
s_read_all (tool_bytes_t *bytes, FILE *file)
{
    size_t got = 1;
    while (got && bytes->size < S_MOST) {
        uint8_t *more = realloc (bytes->data, bytes->size + S_STEP);
        if (!more)
            return false;
        bytes->data = more;
        got = fread (more + bytes->size, 1, S_STEP, file);
        bytes->size += got;
    }
    return !ferror (file);
}

bool
tool_read (tool_bytes_t *bytes, const char *path)
{
    bool standard = !strcmp (path, "-");
    FILE *file = standard ? stdin : fopen (path, "rb");
    if (!file)
        return s_complain (path, strerror (errno));
    bool good = s_read_all (bytes, file);
    if (!good)
        (void) s_complain (path, strerror (errno));
    if (!standard)
        (void) fclose (file);
    if (good && bytes->size >= S_MOST)
        return s_complain (path, "is too large to be a frame");
    return good;
}

static int
s_digit (uint8_t letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    letter |= 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool
tool_unhex (tool_bytes_t *bytes)
{
    size_t size = 0;
    for (size_t i = 0; i < bytes->size; i++) {
        if (isspace (bytes->data [i]))
            continue;
        int high = s_digit (bytes->data [i]);
        int low = i + 1 < bytes->size ? s_digit (bytes->data [i + 1]) : -1;
        if (high < 0 || low < 0)
            return false;
        bytes->data [size++] = (uint8_t) (high << 4 | low);
        i++;
    }
    bytes->size = size;
    return true;
}

/* The hex text of a vector, or NULL. */
static const char *
s_find (const json_t *file, const char *name)
{
    size_t i;
    const json_t *vector;
    json_array_foreach (json_object_get (file, "vectors"), i, vector) {
        const char *other = json_string_value (json_object_get (vector, "name"));
        if (other && !strcmp (other, name))
            return json_string_value (json_object_get (vector, "hex"));
    }
    return NULL;
}

bool
tool_vector (tool_bytes_t *bytes, const char *path, const char *name)
{
    json_error_t error;
    json_t *file = strcmp (path, "-") ? json_load_file (path, 0, &error) : json_loadf (stdin, 0, &error);
    if (!file)
        return s_complain (path, error.text);
    const char *hex = s_find (file, name);
    bytes->data = hex ? (uint8_t *) strdup (hex) : NULL;
    bytes->size = hex && bytes->data ? strlen (hex) : 0;
    json_decref (file);
    if (!hex)
        return s_complain (path, "has no vector of this name");
    return bytes->data && (tool_unhex (bytes) || s_complain (path, "the vector's hex is none"));
}
