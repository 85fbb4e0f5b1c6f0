/* keys.h: the key pair of a node with a secret. */

#ifndef ZANNI_LINK_KEYS_H
#define ZANNI_LINK_KEYS_H

#include "../actor/node.h"

/* Takes a copy of the secret that the node's options say, or else ZANNI_SECRET in the environment; there need not be one. On
   failure `text` says what is wrong. ZANNI_EAUTH: it is too short to be one, or too long, or others can read its file;
   ZANNI_EINVAL: two were said; ZANNI_ESYSTEM: the file cannot be read. */
int zanni__keys_set (zanni_node_t *node, char *text, size_t size);

/* The pair of the node's secret, which stays where it is. 0; 1: the node has no secret; ZANNI_ENOMEM, ZANNI_ESYSTEM: it has
   one, of which none could be made. The first call takes a tenth of a second and 64 MiB. Any thread of the node. */
int zanni__keys_of (zanni_node_t *node, const zanni__keypair_t **pair_p);

/* The pair that follows from a secret; takes as long. ZANNI_EAUTH: it is too short to be one, or too long; ZANNI_ENOMEM,
   ZANNI_ESYSTEM. */
int zanni__keys_derive (zanni__keypair_t *pair, const char *secret);

void zanni__keys_wipe (zanni_node_t *node);

#endif
