/* nodes.h: the nodes that this one has met, and what any of them may ask it without knowing an actor: who serves the blobs
   of a node, itself or one that it has met; and who is offered by a name.

   A node is looked for by its number, the first 8 bytes of its id (big-endian), which is what the reference of a blob names. */

#ifndef ZANNI_ACTOR_REMOTE_NODES_H
#define ZANNI_ACTOR_REMOTE_NODES_H

#include "../node.h"
#include "remote.h"

#include "../../wire/reader.h"

#define ZANNI__NODE_ACTOR (UINT64_C (1) << 63)   // an id that no actor has: the node itself is asked
#define ZANNI__MET_MAX 1024

/* A node by where it was met last. */
typedef struct {
    uint8_t node [16];
    char endpoint [ZANNI_ENDPOINT_MAX];
} zanni__met_t;

static inline uint64_t
zanni__node_number (const uint8_t node [16])
{
    return zanni__wire_number (node, 8);
}

/* Remembers a node; without memory it does not. Any thread of the node, as all that follow. */
void zanni__node_met (zanni_node_t *node, const uint8_t id [16], const char *endpoint);
bool zanni__node_find (zanni_node_t *node, zanni__met_t *met, uint64_t number);
void zanni__node_forget (zanni_node_t *node, const zanni__met_t *met);   // what was only heard of, and is not true

/* Up to `room` of those that were met; how many. */
uint32_t zanni__node_list (zanni_node_t *node, zanni__met_t *all, uint32_t room);
void zanni__node_forget_all (zanni_node_t *node);

/* Who serves this node's blobs from now on: an actor of its, or NULL, nobody. */
void zanni__node_offer (zanni_node_t *node, zanni__identity_t *server);

/* Answers what a peer asks the node itself, which counts as handled already: "zanni.blobs" (t), with a reference to who
   serves the blobs of the node with that number, which is this one; "zanni.where" (t), with id and endpoint of a node that
   was met, as far as who asks may be told; "zanni.find" (s), with a reference to who is offered by that name. */
void zanni__node_asked (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_record_t *ask);

/* offer.c. An actor that others may find by a name ("": whoever connects without one), in place of another one; it is held
   weakly. NULL: nobody any more. ZANNI_ENOMEM. Any thread of the node, as zanni__offer_find, which answers a reference of
   the caller's, or NULL. */
int zanni__offer_set (zanni_node_t *node, const char *name, zanni__identity_t *identity);
zanni__identity_t *zanni__offer_find (zanni_node_t *node, const void *name, size_t size);

/* The same in two steps, of which the second cannot fail: NULL, no memory. */
struct zanni__offer *zanni__offer_new (const char *name, zanni__identity_t *identity);
void zanni__offer_put_p (zanni_node_t *node, struct zanni__offer **offer_p);
void zanni__offer_destroy (struct zanni__offer **offer_p);   // one that was not put; forgives NULL

int zanni__offers_list (zanni_node_t *node, zanni_list_t *names);   // of those that live
void zanni__offers_free (zanni_node_t *node);   // when it ends

/* A reference to whatever node listens at an endpoint. */
int zanni__node_at (zanni_t *self, zanni_ref_t **ref_p, const char *endpoint);

/* A reference, of the actor `self`, to a node that was met, so that it can be asked. */
int zanni__node_known (zanni_t *self, zanni_ref_t **ref_p, const zanni__met_t *met);

#endif
