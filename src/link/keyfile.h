/* keyfile.h: files with keys and secrets. */

#ifndef ZANNI_LINK_KEYFILE_H
#define ZANNI_LINK_KEYFILE_H

#include "../actor/node.h"

#define ZANNI__KEYFILE 4096   // bytes that one has at most

/* What is in a file, and a NUL behind it; the caller wipes it. Where it is `secret`, nobody but its owner, who runs this
   process, or root, may be able to read it, as with a private key of ssh. On failure `text` says what is wrong. ZANNI_EAUTH:
   with who may read it, or it is no file of that size; ZANNI_ESYSTEM: it cannot be read, and errno says why. */
int zanni__keyfile_read (char file [ZANNI__KEYFILE + 1], const char *path, bool secret, char *text, size_t size);

#endif
