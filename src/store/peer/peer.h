/* peer.h: blobs that a node serves over its sessions.

   A *home* is what the handles of one node have in common: one actor on a worker of the pool, which answers other nodes, and
   a list of the handles, whose memory it looks into. It starts with the first put. The number of all these stores is that of
   the node (actor/remote/nodes.h), so whoever has met the node, or has met one that has, finds the actor by a blob's reference. */

#ifndef ZANNI_STORE_PEER_H
#define ZANNI_STORE_PEER_H

#include "../../actor/remote/nodes.h"
#include "../../base/list.h"
#include "../memory.h"

#define ZANNI__PEER_PIECE ((size_t) 1 << 20)   // bytes that one "read" is answered with, at most

typedef struct zanni__home zanni__home_t;
typedef struct zanni__known zanni__known_t;
typedef struct zanni__fetch zanni__fetch_t;

/* What a handle retains of others' blobs. */
typedef struct zanni__retained {
    struct zanni__retained *next;
    zanni_blob_t blob;
    uint64_t count;
} zanni__retained_t;

typedef struct {
    zanni_t *self;
    zanni_store_options_t options;
    uint64_t number;
    zanni__link_t link;         // in its home, under the lock of all
    zanni__memory_t *memory;    // what it has put
    zanni__home_t *home;        // NULL: nothing was put
    zanni_ref_t *server;        // strong
    zanni__retained_t *retained;
    zanni__known_t *known;      // who serves other nodes' blobs
    zanni__link_t fetches;      // that are under way
} zanni__peer_store_t;

/* home.c. Joins the home of the handle's node, where it has not yet, and founds it where there is none: others may ask for
   what is put from now on. Who only reads founds none: ZANNI_EGONE. May wait for an actor to start, with no lock held. */
int zanni__home_join (zanni__peer_store_t *store, bool found);
void zanni__home_leave (zanni__peer_store_t *store);

/* The memory that has a blob, for the caller to unuse; NULL: none. */
zanni__memory_t *zanni__home_find (zanni__home_t *home, const uint8_t id [16]);

/* For the actor: the home by its number, NULL: there is none any more; and what it is woken by, readable when something has
   changed. */
zanni__home_t *zanni__home_enter (uint64_t serial);
void zanni__home_exit (zanni__home_t *home);
int zanni__home_wake_fd (const zanni__home_t *home);

/* server.c. Starts the actor that answers for a home. */
int zanni__home_serve (zanni_t *self, zanni_ref_t **server_p, uint64_t serial);

/* client.c. What other nodes are asked, all by calls: ZANNI_EOWNER where the actor may not block. */
int zanni__away_get (zanni__peer_store_t *store, zanni_found_t *found, const zanni_blob_t *blob);
int zanni__away_read (zanni__peer_store_t *store, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size,
                      bool *more);
void zanni__away_wait (zanni__peer_store_t *store, const zanni_blob_t *blob, uint64_t offset, uint32_t timeout_ms);
int zanni__away_do (zanni__peer_store_t *store, const zanni_blob_t *blob, const char *what);

/* Says so and does not wait: what was retained is given back. */
void zanni__away_give_back (zanni__peer_store_t *store, const zanni_blob_t *blob);
void zanni__away_forget (zanni__peer_store_t *store);

/* fetch.c. A get that nobody waits for; zanni__away_give_up ends all that are under way. */
void zanni__away_fetch (zanni__peer_store_t *store, const zanni_blob_t *blob, zanni_store_found_fn *found, void *context);
void zanni__away_give_up (zanni__peer_store_t *store);

#endif
