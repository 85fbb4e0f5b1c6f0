/* golden.h: the golden vectors, for tests in C. */

#ifndef ZANNI_TESTS_GOLDEN_H
#define ZANNI_TESTS_GOLDEN_H

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const golden_files [] = { "records.json", "forms.json", "invalid.json" };

/* The array of a file's vectors, or NULL; `*file_p` is to be given back (json_decref). */
static inline const json_t *
golden_load (const char *name, json_t **file_p)
{
    char path [512];
    snprintf (path, sizeof path, "%s/%s", ZANNI_GOLDEN, name);
    *file_p = json_load_file (path, 0, NULL);
    return json_object_get (*file_p, "vectors");
}

static inline const char *
golden_text (const json_t *vector, const char *member)
{
    return json_string_value (json_object_get (vector, member));
}

static inline uint8_t
golden_digit (char letter)
{
    return (uint8_t) (letter <= '9' ? letter - '0' : letter - 'a' + 10);
}

/* The bytes of a vector, in a block of their very size, which is to be freed. */
static inline uint8_t *
golden_bytes (const json_t *vector, size_t *size)
{
    const char *hex = golden_text (vector, "hex");
    uint8_t *bytes = malloc (strlen (hex) / 2 + 1);
    *size = 0;
    for (; *hex; hex += *hex == ' ' ? 1 : 2)
        if (*hex != ' ')
            bytes [(*size)++] = (uint8_t) (golden_digit (hex [0]) << 4 | golden_digit (hex [1]));
    uint8_t *exact = realloc (bytes, *size ? *size : 1);
    return exact ? exact : bytes;
}

#endif
