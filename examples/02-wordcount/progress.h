/* progress.h: what goes to stderr while files are counted. */

#ifndef WORDCOUNT_PROGRESS_H
#define WORDCOUNT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_EVERY_MS 100

/* Whether there is a terminal to draw on. */
bool progress_wanted (void);

/* Draws the bar: so many bytes of all that there are. */
void progress_show (uint64_t done, uint64_t all);

/* Says in its place what is being done; nothing where there is no terminal. */
void progress_note (const char *text);

/* Takes the bar or the note away. */
void progress_clear (void);

/* One line about a file that is left out (size bytes of path, no NUL needed), and why. */
void progress_warn (const char *path, size_t size, const char *why);

#endif
