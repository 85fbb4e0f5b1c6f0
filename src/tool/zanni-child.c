/* zanni-child: runs process actors for programs whose `main` is not theirs to change, such as an interpreter's or a test
   runner's. The program names it as options.child_program, with `--load LIBRARY` as its arguments; each library has an
   array `zanni_classes` of classes, which ends with NULL. The library starts it; by hand it only says what it is for. */

#include "load.h"

int
main (int argc, char **argv)
{
    return tool_be_child ("zanni-child", argc, argv);
}
