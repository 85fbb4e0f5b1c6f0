/* How a store gets what another node serves.

   The actor that serves a number is asked for once and remembered. The node is one that this one has met, which any message
   from it sees to; else those that were met are asked where it is. */

#include "peer.h"

#include "../../base/memory.h"

#include <string.h>

#define S_ASKED 64   // nodes that are asked where another one is

struct zanni__known {
    zanni__known_t *next;
    uint64_t number;
    zanni_ref_t *server;
};

void
zanni__away_forget (zanni__peer_store_t *store)
{
    while (store->known) {
        zanni__known_t *known = store->known;
        store->known = known->next;
        zanni_ref_destroy (&known->server);
        zanni__free (known);
    }
}

static zanni_ask_t
s_patience (const zanni__peer_store_t *store)
{
    return (zanni_ask_t) { .deadline_ms = store->options.deadline_ms };
}

/* Asks a node itself. */
static int
s_ask_node (zanni__peer_store_t *store, zanni_msg_t **reply_p, const zanni__met_t *met, const char *what, uint64_t number)
{
    const zanni_ask_t patience = s_patience (store);
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    int rc = zanni__node_known (store->self, &ref, met);
    return rc ? rc : zanni_call_with (store->self, reply_p, ref, &patience, what, number);
}

/* Whether one of those that were met knows where that node is. */
static int
s_ask_around (zanni__peer_store_t *store, zanni__met_t *met, uint64_t number)
{
    zanni__met_t *all = zanni__malloc (S_ASKED * sizeof *all);
    if (!all)
        return ZANNI_ENOMEM;
    uint32_t count = zanni__node_list (store->self->worker->node, all, S_ASKED);
    int rc = ZANNI_EGONE;
    for (uint32_t i = 0; i < count && rc && rc != ZANNI_EOWNER; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        zanni_bytes_t node, endpoint;
        rc = s_ask_node (store, &reply, &all [i], "zanni.where", number);
        if (!rc)
            rc = zanni_read (reply, &node, &endpoint);
        if (!rc && (node.size != sizeof met->node || endpoint.size >= sizeof met->endpoint))
            rc = ZANNI_EGONE;
        if (rc)
            continue;
        *met = (zanni__met_t) { .endpoint = "" };
        memcpy (met->node, node.data, sizeof met->node);
        memcpy (met->endpoint, endpoint.data, endpoint.size);
        rc = zanni__node_number (met->node) == number ? 0 : ZANNI_EGONE;
    }
    zanni__free (all);
    return rc;
}

static int
s_learn (zanni__peer_store_t *store, const zanni_ref_t *server, uint64_t number)
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

static int
s_find (zanni__peer_store_t *store, uint64_t number)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *server;
    zanni__met_t met;
    int rc = zanni__node_find (store->self->worker->node, &met, number) ? 0 : s_ask_around (store, &met, number);
    if (!rc)
        rc = s_ask_node (store, &reply, &met, "zanni.blobs", number);
    if (!rc)
        rc = zanni_read (reply, &server);
    return rc ? rc : s_learn (store, server, number);
}

/* Who is gone has nothing any more. */
static int
s_code (int rc)
{
    return rc == ZANNI_ENOACTOR || rc == ZANNI_EDOWN || rc == ZANNI_ENODE || rc == ZANNI_EROUTE ? ZANNI_EGONE : rc;
}

static void
s_unlearn (zanni__peer_store_t *store, uint64_t number)
{
    zanni__known_t **at = &store->known;
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    if (!*at)
        return;
    zanni__known_t *known = *at;
    *at = known->next;
    zanni_ref_destroy (&known->server);
    zanni__free (known);
}

typedef struct {
    const zanni_blob_t *blob;
    const char *method;
    const zanni_arg_t *args;   // the first is the blob
    size_t count;
    int64_t deadline_ms;       // 0: the store's
} s_question_t;

/* An actor that has ended may have a successor; it is asked for once. */
static int
s_ask (zanni__peer_store_t *store, zanni_msg_t **reply_p, const s_question_t *question)
{
    uint64_t number = question->blob->store;
    zanni_ask_t patience = s_patience (store);
    if (question->deadline_ms)
        patience.deadline_ms = question->deadline_ms;
    for (int attempt = 0;; attempt++) {
        const zanni__known_t *known = store->known;
        while (known && known->number != number)
            known = known->next;
        bool fresh = !known;
        if (fresh) {
            int rc = s_find (store, number);
            if (rc)
                return s_code (rc);
            known = store->known;
        }
        int rc = zanni_call_args (store->self, reply_p, known->server, &patience, question->method, question->args,
                                  question->count);
        if (s_code (rc) != ZANNI_EGONE || rc == ZANNI_EGONE)
            return rc;
        s_unlearn (store, number);
        if (fresh || attempt)
            return ZANNI_EGONE;
    }
}

int
zanni__away_do (zanni__peer_store_t *store, const zanni_blob_t *blob, const char *what)
{
    const zanni_arg_t arg = zanni_arg_blob (blob);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    return s_ask (store, &reply, &(s_question_t) { .blob = blob, .method = what, .args = &arg, .count = 1 });
}

int
zanni__away_get (zanni__peer_store_t *store, zanni_found_t *found, const zanni_blob_t *blob)
{
    const zanni_arg_t arg = zanni_arg_blob (blob);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_buffer_t *buffer;
    zanni_segment_t segment;
    uint64_t checksum;
    int rc = s_ask (store, &reply, &(s_question_t) { .blob = blob, .method = "get", .args = &arg, .count = 1 });
    if (!rc)
        rc = zanni_read (reply, &checksum, &buffer);
    if (rc)
        return rc;
    memcpy (found->stored.id, blob->id, sizeof found->stored.id);
    found->stored.size = zanni_buffer_size (buffer);
    found->stored.checksum = checksum;
    found->buffer = zanni_buffer_keep (buffer);
    found->mapped = zanni__buffer_segment (buffer, &segment);
    return 0;
}

int
zanni__away_read (zanni__peer_store_t *store, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size,
                  bool *more)
{
    const zanni_arg_t args [] = { zanni_arg_blob (blob), zanni_arg_uint (offset), zanni_arg_uint (*size) };
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_buffer_t *piece;
    uint64_t got;
    int rc = s_ask (store, &reply, &(s_question_t) { .blob = blob, .method = "read", .args = args, .count = 3 });
    if (!rc)
        rc = zanni_read (reply, &got, more, &piece);
    if (!rc && (got > *size || got > zanni_buffer_size (piece)))
        rc = ZANNI_ECORRUPT;
    if (rc)
        return rc;
    if (got)
        memcpy (data, zanni_buffer_data (piece), got);
    *size = got;
    return 0;
}

void
zanni__away_wait (zanni__peer_store_t *store, const zanni_blob_t *blob, uint64_t offset, uint32_t timeout_ms)
{
    const zanni_arg_t args [] = { zanni_arg_blob (blob), zanni_arg_uint (offset) };
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const s_question_t question = { .blob = blob, .method = "wait", .args = args, .count = 2, .deadline_ms = timeout_ms + 1 };
    int rc = s_ask (store, &reply, &question);
    (void) rc;   // what there is shows when it is read
}
