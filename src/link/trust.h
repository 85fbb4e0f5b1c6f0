/* trust.h: which keys a node has, shows and believes, beside the one of a secret: see zanni/trust.h. Any thread of the node. */

#ifndef ZANNI_LINK_TRUST_H
#define ZANNI_LINK_TRUST_H

#include "../actor/node.h"

/* How a connection is made: with which key pair of ours, to whom. */
typedef struct {
    zanni__keypair_t own;
    uint8_t server [ZANNI__KEY];
    bool certified;   // by keys of their own, not by a secret
} zanni__dialled_by_t;

/* Makes the node's, of its options, which it forgets. On failure `text` says what is wrong. ZANNI_EAUTH, ZANNI_ESYSTEM,
   ZANNI_EINVAL, ZANNI_ENOMEM. */
int zanni__trust_new (zanni_node_t *node, char *text, size_t size);
void zanni__trust_free (zanni_node_t *node);

/* Whether the node has a certificate; whether it has a folder of those who may connect, which changes without a word. */
bool zanni__trust_certified (const zanni_node_t *node);
bool zanni__trust_has_folder (const zanni_node_t *node);

/* The pair that a listener shows, which whoever gets it wipes. 0; 1: there is none, so it would be open; ZANNI_ENOMEM,
   ZANNI_ESYSTEM: there is a secret, but no pair can be made of it now, which opens nothing. */
int zanni__trust_listen (zanni_node_t *node, zanni__keypair_t *own);

/* The pairs to dial there with. 0; 1: there is no key at all, for anybody; ZANNI_EAUTH: nobody is trusted there; or the same. */
int zanni__trust_dial (zanni_node_t *node, zanni__dialled_by_t *by, const char *endpoint);

/* Whether whoever has been dialled there, and had that key (NULL: none), would be again. */
bool zanni__trust_holds (zanni_node_t *node, const char *endpoint, const uint8_t *key);

/* Who is at an address, from now on: the holder of `key`, or of the secret, or with neither nobody. Workers
   have to be told (ZANNI_NODE_TRUST). ZANNI_EAUTH: see `text`. */
int zanni__trust_set (zanni_node_t *node, const char *endpoint, const uint8_t *key, const char *secret, char *text, size_t size);

/* Which key a node's id goes with, as long as a session or pulse with it lasts: a claim for each. `key` of zeros: none. false:
   another one has it, or there is no memory. */
bool zanni__claim_take (zanni_node_t *node, const uint8_t id [16], const uint8_t key [ZANNI__KEY]);
bool zanni__claim_fits (zanni_node_t *node, const uint8_t id [16], const uint8_t key [ZANNI__KEY]);
void zanni__claim_give (zanni_node_t *node, const uint8_t id [16]);

/* admit.c. Whether the holder of a key may connect, which looks at the folder if files have come or gone, or as it was seen
   last; a look, if the last one is long ago. */
typedef struct zanni__admission zanni__admission_t;
int zanni__admission_new (zanni__admission_t **admission_p, const char *folder, char *text, size_t size);
void zanni__admission_free (zanni__admission_t *admission);
bool zanni__admission_asked (zanni_node_t *node, zanni__admission_t *admission, const uint8_t key [ZANNI__KEY]);
bool zanni__admission_has (zanni__admission_t *admission, const uint8_t key [ZANNI__KEY]);
void zanni__admission_look (zanni_node_t *node, zanni__admission_t *admission, int64_t least_ns);

/* The same for the node, whose workers ask as it was seen last: libzmq has asked of each connection. */
bool zanni__trust_asked (void *node, const uint8_t key [ZANNI__KEY]);
bool zanni__trust_admits (zanni_node_t *node, const uint8_t key [ZANNI__KEY]);
void zanni__trust_look (void *node);

#endif
