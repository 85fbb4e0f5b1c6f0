/* away.h: who serves the blobs of other nodes, and what their answers mean, for those who wait (client.c) and those who do
   not (fetch.c).

   The actor that serves a number is asked for once and remembered. Its node is one that this one has met, which any message
   from it sees to; else those that were met are asked where it is. */

#ifndef ZANNI_STORE_PEER_AWAY_H
#define ZANNI_STORE_PEER_AWAY_H

#include "peer.h"

#define ZANNI__AWAY_ASKED 64   // nodes that are asked where another one is

/* Borrowed; NULL: not known yet. */
const zanni_ref_t *zanni__away_server (const zanni__peer_store_t *store, uint64_t number);
int zanni__away_learn (zanni__peer_store_t *store, const zanni_ref_t *server, uint64_t number);
void zanni__away_unlearn (zanni__peer_store_t *store, uint64_t number);

/* Who is gone has nothing any more: ZANNI_EGONE; other codes as they are. */
int zanni__away_code (int rc);

/* The answers to "zanni.where", which may not be true, and to "get". */
int zanni__away_where (zanni_msg_t *reply, zanni__met_t *met, uint64_t number);
int zanni__away_found (zanni_msg_t *reply, zanni_found_t *found, const zanni_blob_t *blob);

#endif
