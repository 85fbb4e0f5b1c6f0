/* load.h: classes from shared objects, each of which has an array `zanni_classes` that ends with NULL. What fails says why
   on standard error. */

#ifndef ZANNI_TOOL_LOAD_H
#define ZANNI_TOOL_LOAD_H

#include <stdbool.h>
#include <zanni/class.h>

/* Adds those of a library; `who` is the program's name, for what it says. */
bool tool_load (const char *who, const char *library);

/* All that were loaded, ends with NULL. */
const zanni_class_t *const *tool_loaded (void);

/* NULL: there is none of that name among them. */
const zanni_class_t *tool_loaded_class (const char *name);

/* A program for processes, whose arguments are `--load LIBRARY` any number of times: does not return where the library
   started it; else says what it is for, or what is wrong, and answers the exit status. */
int tool_be_child (const char *who, int argc, char **argv);

#endif
