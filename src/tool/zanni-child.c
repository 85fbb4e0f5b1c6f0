/* zanni-child: runs process actors for programs whose `main` is not theirs to change, such as an interpreter's or a test
   runner's. The program names it as options.child_program, with `--load LIBRARY` as its arguments; each library has an
   array `zanni_classes` of classes, which ends with NULL. The library starts it; by hand it only says what it is for. */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zanni.h>

#define S_CLASSES_MOST 1024

static const zanni_class_t *s_classes [S_CLASSES_MOST + 1];
static size_t s_count;

static int
s_fail (const char *library, const char *why)
{
    fprintf (stderr, "zanni-child: %s: %s\n", library, why);
    return EXIT_FAILURE;
}

/* Adds a library's classes. */
static int
s_load (const char *library)
{
    void *handle = dlopen (library, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return s_fail (library, dlerror ());
    const zanni_class_t *const *classes = dlsym (handle, "zanni_classes");
    if (!classes)
        return s_fail (library, "it has no array `zanni_classes`");
    for (; *classes; classes++) {
        if (s_count == S_CLASSES_MOST)
            return s_fail (library, "too many classes");
        s_classes [s_count++] = *classes;
    }
    return 0;
}

int
main (int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (strcmp (argv [i], "--load") || i + 1 == argc) {
            fputs ("usage: zanni-child --load LIBRARY [--load LIBRARY...]\n", stderr);
            return 2;
        }
        if (s_load (argv [i + 1]))
            return EXIT_FAILURE;
    }
    zanni_init (s_classes);   // where the library started this program, it does not return
    fputs ("zanni-child: runs process actors; zanni starts it, as options.child_program says\n", stderr);
    return 2;
}
