/* cert.h: files with the key of a node, as people exchange them. */

#ifndef ZANNI_LINK_CERT_H
#define ZANNI_LINK_CERT_H

#include "../actor/node.h"

#define ZANNI__Z85 41   // bytes of a key as text, with its NUL

/* Reads the public key of a file and, where `secret_key` is not NULL, the secret one, for which nobody but its owner, who runs
   this process, or root, may be able to read the file. On failure `text` says what is wrong with it. ZANNI_EAUTH: with what
   it says, or who may read it; ZANNI_ESYSTEM: it cannot be read, and errno says why. */
int zanni__cert_read (const char *path, uint8_t public_key [ZANNI__KEY], uint8_t *secret_key, char *text, size_t size);

/* 40 characters of Z85; false: they are none. The caller of the other one has room for ZANNI__Z85. */
bool zanni__key_parse (uint8_t key [ZANNI__KEY], const char *text);
const char *zanni__key_text (char *text, const uint8_t key [ZANNI__KEY]);

#endif
