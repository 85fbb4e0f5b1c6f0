/* trust.h: which nodes of other hosts trust each other, by keys that tell one from the other.

   With one secret (options.secret_file) all who hold it are one and the same. With certificates each node has a key pair
   of its own: options.certificate names the file with its secret key, and options.allowed a folder with the public
   certificates of those who may connect to it. zanni_keygen, or `zanni keygen FILE`, makes both files. A node that
   listens with a certificate is dialled by those who know its public key, which zanni_trust says for each address. It
   is not dialled by a secret, but may itself dial others by one.

   The folder may change while the node runs: a new file admits its key, and one that is gone refuses it from then on,
   and ends its sessions within a second, or when the thread that has them is done with what it does. It is about who
   connects: who was dialled is trusted by zanni_trust. A file is to be moved into the folder when it is whole (rename).
   Names that begin with "." or end with "_secret" are not looked at, nor are files of more than 4 KiB, and no more than
   4,096 keys are admitted. Only the node's user, or root, may own the folder, or be able to write there. One that is
   gone admits nobody; where it cannot be read for now, for want of descriptors or memory, who may connect stays as it
   was.

   Keys are 40 characters of Z85 (ZeroMQ RFC 32); files are those of czmq's certificates, of which the lines
   `public-key` and `secret-key` are read. All functions are for the thread of `self`, what they say holds for its whole
   node.

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_TRUST_H
#define ZANNI_TRUST_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a key pair: the secret certificate in `file`, which only its owner can read, and the public one in "FILE.pub".
   Neither may exist. Any thread. ZANNI_EINVAL; ZANNI_ESYSTEM: errno says why. */
ZANNI_EXPORT int zanni_keygen (const char *file) ZANNI_CHECKED;

/* By what a node at an address is known: one of the three. */
typedef struct {
    size_t size;          // sizeof (zanni_trust_t), or 0
    const char *key;      // its public key; the calling node needs a certificate to show
    const char *file;     // its public certificate; the same
    const char *secret;   // one that both have, 16 to 255 bytes; blocks a tenth of a second. Not kept
    zanni_error_t *error; // filled on failure, but for ZANNI_EINVAL and ZANNI_ETHREAD; may be NULL
} zanni_trust_t;

/* Who listens at `address` ("tcp://host:port", as references and zanni_connect spell it) has to have that key, from now on: at
   the next connection, and the one that there is ends if it has another. NULL: nobody is trusted there from
   now on, neither by options.secret nor openly, until this says who is. A reference to a node that is not trusted can be
   had all the same: using it is ZANNI_EAUTH, which names the address, until this was said. Two nodes use one kind of key,
   certificate or secret, with each other. ZANNI_EAUTH: the file or the secret is none, or there is no certificate to show;
   ZANNI_EINVAL, ZANNI_ESYSTEM, ZANNI_ENOMEM, ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_trust (zanni_t *self, const char *address, const zanni_trust_t *by) ZANNI_CHECKED;

/* What the holder of a key may do on this node, whoever of the two has dialled. */
typedef struct {
    size_t size;                  // sizeof (zanni_policy_t), or 0
    const char *const *names;     // that it may connect to, which end with NULL: those of zanni_offer, "" for the actor that
                                  // binds; NULL: all
    const char *const *methods;   // that it may call and tell, which end with NULL: "add" of any class, "counter.add" of
                                  // that one; NULL: all
    bool spawn;                   // whether it may begin actors, where options.allow_spawn lets others do so at all; default: no
} zanni_policy_t;

/* Says what the holder of `key`, or of the public certificate in `file` (one of the two is NULL), may do; a policy of
   NULL is that of keys of which nothing was said: all names and methods, and to spawn what options.allow_spawn says. It
   holds from the next message on. What it does not permit is answered with ZANNI_EPERM, or is a dead letter. It does
   not admit the key: that is for options.allowed and zanni_trust. All is copied. ZANNI_EAUTH, ZANNI_EINVAL,
   ZANNI_ESYSTEM, ZANNI_ENOMEM, ZANNI_ETHREAD. */
ZANNI_EXPORT int zanni_allow (zanni_t *self, const char *key, const char *file, const zanni_policy_t *policy) ZANNI_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
