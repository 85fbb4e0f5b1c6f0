/* Libraries stay loaded: classes are for good. */

#include "load.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_CLASSES_MOST 1024

static const zanni_class_t *s_classes [S_CLASSES_MOST + 1];
static size_t s_count;

static bool
s_complain (const char *who, const char *library, const char *why)
{
    fprintf (stderr, "%s: %s: %s\n", who, library, why);
    return false;
}

bool
tool_load (const char *who, const char *library)
{
    void *handle = dlopen (library, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return s_complain (who, library, dlerror ());
    const zanni_class_t *const *classes = dlsym (handle, "zanni_classes");
    if (!classes)
        return s_complain (who, library, "it has no array `zanni_classes`");
    for (; *classes; classes++) {
        if (s_count == S_CLASSES_MOST)
            return s_complain (who, library, "too many classes");
        s_classes [s_count++] = *classes;
    }
    return true;
}

const zanni_class_t *const *
tool_loaded (void)
{
    return s_classes;
}

const zanni_class_t *
tool_loaded_class (const char *name)
{
    for (size_t i = 0; i < s_count; i++)
        if (!strcmp (s_classes [i]->name, name))
            return s_classes [i];
    return NULL;
}

int
tool_be_child (const char *who, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (strcmp (argv [i], "--load") || i + 1 == argc) {
            fprintf (stderr, "usage: %s --load LIBRARY [--load LIBRARY...]\n", who);
            return 2;
        }
        if (!tool_load (who, argv [i + 1]))
            return EXIT_FAILURE;
    }
    zanni_init (s_classes);   // where the library started this program, it does not return
    fprintf (stderr, "%s: runs process actors for programs of zanni, which start it: see options.child_program\n", who);
    return 2;
}
