/* What a store asks other nodes and waits for, by calls. */

#include "away.h"

#include "../../base/memory.h"

#include <string.h>

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
s_ask_around (zanni__peer_store_t *store, uint64_t number)
{
    zanni__met_t *all = zanni__malloc (ZANNI__AWAY_ASKED * sizeof *all);
    if (!all)
        return ZANNI_ENOMEM;
    uint32_t count = zanni__node_list (store->self->worker->node, all, ZANNI__AWAY_ASKED);
    int rc = ZANNI_EGONE;
    for (uint32_t i = 0; i < count && rc && rc != ZANNI_EOWNER; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        rc = s_ask_node (store, &reply, &all [i], "zanni.where", number);
        if (!rc)
            rc = zanni__away_where (store->self, reply, number);
    }
    zanni__free (all);
    return rc;
}

static int
s_find (zanni__peer_store_t *store, uint64_t number)
{
    zanni_node_t *node = store->self->worker->node;
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *server;
    zanni__met_t met;
    int rc = zanni__node_find (node, &met, number) ? 0 : s_ask_around (store, number);
    if (!rc)
        rc = zanni__node_find (node, &met, number) ? s_ask_node (store, &reply, &met, "zanni.blobs", number) : ZANNI_EGONE;
    if (!rc)
        rc = zanni_read (reply, &server);
    return rc ? rc : zanni__away_learn (store, server, number);
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
    for (int attempt = 0; attempt < 2; attempt++) {
        int rc = zanni__away_server (store, number) ? 0 : s_find (store, number);
        if (rc)
            return zanni__away_code (rc);
        rc = zanni_call_args (store->self, reply_p, zanni__away_server (store, number), &patience, question->method,
                              question->args, question->count);
        if (zanni__away_code (rc) == rc)
            return rc;
        zanni__away_unlearn (store, number);
    }
    return ZANNI_EGONE;
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
    int rc = s_ask (store, &reply, &(s_question_t) { .blob = blob, .method = "get", .args = &arg, .count = 1 });
    return rc ? rc : zanni__away_found (reply, found, blob);
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
