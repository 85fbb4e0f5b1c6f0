#include "away.h"

#include "../../base/memory.h"

#include <string.h>

struct zanni__known {
    zanni__known_t *next;
    uint64_t number;
    zanni_ref_t *server;
};

static void
s_free (zanni__known_t *known)
{
    zanni_ref_destroy (&known->server);
    zanni__free (known);
}

void
zanni__away_forget (zanni__peer_store_t *store)
{
    while (store->known) {
        zanni__known_t *known = store->known;
        store->known = known->next;
        s_free (known);
    }
}

const zanni_ref_t *
zanni__away_server (const zanni__peer_store_t *store, uint64_t number)
{
    const zanni__known_t *known = store->known;
    while (known && known->number != number)
        known = known->next;
    return known ? known->server : NULL;
}

int
zanni__away_learn (zanni__peer_store_t *store, const zanni_ref_t *server, uint64_t number)
{
    zanni__known_t *known = zanni__calloc (sizeof *known);
    if (!known)
        return ZANNI_ENOMEM;
    int rc = zanni_ref_weak (store->self, &known->server, server);
    if (rc) {
        zanni__free (known);
        return rc;
    }
    known->number = number;
    known->next = store->known;
    store->known = known;
    return 0;
}

void
zanni__away_unlearn (zanni__peer_store_t *store, uint64_t number)
{
    zanni__known_t **at = &store->known;
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    if (!*at)
        return;
    zanni__known_t *known = *at;
    *at = known->next;
    s_free (known);
}

int
zanni__away_code (int rc)
{
    return rc == ZANNI_ENOACTOR || rc == ZANNI_EDOWN || rc == ZANNI_ENODE || rc == ZANNI_EROUTE ? ZANNI_EGONE : rc;
}

/* It was asked by a stand-in of the asker's own worker, whose peer another host may be. */
static bool
s_may_name (const zanni_msg_t *reply, const zanni_bytes_t *endpoint)
{
    const zanni__identity_t *from = reply->from;
    return from->elsewhere && from->worker == reply->to->worker && zanni__may_be_dialled (from->as.remote->peer, endpoint);
}

int
zanni__away_where (zanni_msg_t *reply, zanni__met_t *met, uint64_t number)
{
    zanni_bytes_t node, endpoint;
    int rc = zanni_read (reply, &node, &endpoint);
    if (rc)
        return rc;
    if (node.size != sizeof met->node || endpoint.size >= sizeof met->endpoint || !s_may_name (reply, &endpoint))
        return ZANNI_EGONE;
    *met = (zanni__met_t) { .endpoint = "" };
    memcpy (met->node, node.data, sizeof met->node);
    memcpy (met->endpoint, endpoint.data, endpoint.size);
    return zanni__node_number (met->node) == number ? 0 : ZANNI_EGONE;
}

int
zanni__away_found (zanni_msg_t *reply, zanni_found_t *found, const zanni_blob_t *blob)
{
    const zanni_buffer_t *buffer;
    zanni_segment_t segment;
    uint64_t checksum;
    int rc = zanni_read (reply, &checksum, &buffer);
    if (rc)
        return rc;
    memcpy (found->stored.id, blob->id, sizeof found->stored.id);
    found->stored.size = zanni_buffer_size (buffer);
    found->stored.checksum = checksum;
    found->buffer = zanni_buffer_keep (buffer);
    found->mapped = zanni__buffer_segment (buffer, &segment);
    return 0;
}
