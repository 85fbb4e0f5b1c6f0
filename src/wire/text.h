/* text.h: what a string may be on the wire and in arguments. */

#ifndef ZANNI_WIRE_TEXT_H
#define ZANNI_WIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes are UTF-8 (shortest forms, no surrogates, at most U+10FFFF) without NUL. */
bool zanni__text_valid (const void *data, size_t size);

#endif
