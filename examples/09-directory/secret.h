/* secret.h: what both machines know, and nobody else. */

#ifndef SECRET_H
#define SECRET_H

#include <stdbool.h>

#define SECRET_SIZE 257   // of a text: 255 bytes, a newline, a zero

/* The first line of the file at `path`, which only its owner may be able to read. Without a path the secret has to be
   in ZANNI_SECRET, where zanni finds it: then `text` is empty. false: it was said on stderr what is wrong. */
bool secret_read (char text [SECRET_SIZE], const char *path);

#endif
