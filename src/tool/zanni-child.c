/* zanni-child: runs process actors for programs whose `main` is not theirs to change, such as an interpreter's or a test
   runner's. The program names it as options.child_program, with `--load LIBRARY` as its arguments; each library has an
   array `zanni_classes` of classes, which ends with NULL. The library starts it; by hand it only says what it is for. */

#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main (int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (strcmp (argv [i], "--load") || i + 1 == argc) {
            fputs ("usage: zanni-child --load LIBRARY [--load LIBRARY...]\n", stderr);
            return 2;
        }
        if (!tool_load ("zanni-child", argv [i + 1]))
            return EXIT_FAILURE;
    }
    zanni_init (tool_loaded ());   // where the library started this program, it does not return
    fputs ("zanni-child: runs process actors; zanni starts it, as options.child_program says\n", stderr);
    return 2;
}
