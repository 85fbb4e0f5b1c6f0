/* keys.h: the key pair of a node with a secret. */

#ifndef ZANNI_LINK_KEYS_H
#define ZANNI_LINK_KEYS_H

#include "../actor/node.h"

/* Takes a copy of the secret (NULL: what ZANNI_SECRET in the environment says, or none). ZANNI_EAUTH: it is too short to be
   one, or too long. */
int zanni__keys_set (zanni_node_t *node, const char *secret);

/* NULL: the node has no secret. The first call takes a tenth of a second and 64 MiB. Any thread of the node. */
const zanni__keys_t *zanni__keys_of (zanni_node_t *node);

/* The pair that follows from a secret; takes as long. ZANNI_EAUTH: it is too short to be one, or too long. */
int zanni__keys_derive (uint8_t public_key [ZANNI__KEY], uint8_t secret_key [ZANNI__KEY], const char *secret);

void zanni__keys_wipe (zanni_node_t *node);

#endif
