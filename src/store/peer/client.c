/* What a store asks other nodes and waits for, by calls. */

#include "away.h"

#include "../../base/memory.h"

#include <string.h>

/* One question to another node, and all that has to be asked before. */
typedef struct {
    zanni__peer_store_t *store;
    const zanni_blob_t *blob;
    const char *method;
    const zanni_arg_t *args;   // the first is the blob
    size_t count;
    int64_t until_ms;          // for everything together
} s_question_t;

static s_question_t
s_question (zanni__peer_store_t *store, const zanni_blob_t *blob, const char *method, const zanni_arg_t *args, size_t count)
{
    int64_t until_ms = zanni__store_ticks_ms () + store->options.deadline_ms;
    return (s_question_t) { store, blob, method, args, count, until_ms };
}

/* What is left of its time; at least a millisecond, for 0 would mean a default. */
static zanni_ask_t
s_patience (const s_question_t *question)
{
    int64_t left_ms = question->until_ms - zanni__store_ticks_ms ();
    return (zanni_ask_t) { .deadline_ms = left_ms > 0 ? left_ms : 1 };
}

/* Asks a node itself. */
static int
s_ask_node (const s_question_t *question, zanni_msg_t **reply_p, const zanni__met_t *met, const char *what)
{
    const zanni_ask_t patience = s_patience (question);
    zanni_t *self = question->store->self;
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    int rc = zanni__node_known (self, &ref, met);
    return rc ? rc : zanni_call_with (self, reply_p, ref, &patience, what, question->blob->store);
}

/* Who serves the blobs of that node, if it is there. */
static int
s_meet (const s_question_t *question, const zanni__met_t *met)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *server;
    int rc = s_ask_node (question, &reply, met, "zanni.blobs");
    if (!rc)
        rc = zanni_read (reply, &server);
    return rc ? rc : zanni__away_learn (question->store, server, question->blob->store);
}

/* One of those that were met says where that node is, and is right. */
static int
s_ask_one (const s_question_t *question, const zanni__met_t *one)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni__met_t met;
    int rc = s_ask_node (question, &reply, one, "zanni.where");
    if (!rc)
        rc = zanni__away_where (reply, &met, question->blob->store);
    if (rc)
        return rc;
    rc = s_meet (question, &met);
    if (rc)
        zanni__node_forget (question->store->self->worker->node, &met);
    return rc;
}

static int
s_ask_around (const s_question_t *question)
{
    zanni__met_t *all = zanni__malloc (ZANNI__AWAY_ASKED * sizeof *all);
    if (!all)
        return ZANNI_ENOMEM;
    uint32_t count = zanni__node_list (question->store->self->worker->node, all, ZANNI__AWAY_ASKED);
    int rc = ZANNI_EGONE;
    for (uint32_t i = 0; i < count && rc && rc != ZANNI_EOWNER; i++)
        rc = zanni__store_ticks_ms () < question->until_ms ? s_ask_one (question, &all [i]) : ZANNI_EGONE;
    zanni__free (all);
    return !rc || rc == ZANNI_EOWNER ? rc : ZANNI_EGONE;   // nobody knows
}

static int
s_find (const s_question_t *question)
{
    zanni__met_t met;
    if (zanni__node_find (question->store->self->worker->node, &met, question->blob->store))
        return s_meet (question, &met);
    return s_ask_around (question);
}

/* An actor that has ended may have a successor; it is asked for once. */
static int
s_ask (const s_question_t *question, zanni_msg_t **reply_p)
{
    zanni__peer_store_t *store = question->store;
    uint64_t number = question->blob->store;
    for (int attempt = 0; attempt < 2; attempt++) {
        int rc = zanni__away_server (store, number) ? 0 : s_find (question);
        if (rc)
            return zanni__away_code (rc);
        const zanni_ask_t patience = s_patience (question);
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
    const s_question_t question = s_question (store, blob, what, &arg, 1);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    return s_ask (&question, &reply);
}

void
zanni__away_give_back (zanni__peer_store_t *store, const zanni_blob_t *blob)
{
    const zanni_ref_t *server = zanni__away_server (store, blob->store);
    int rc = server ? zanni_tell (store->self, server, "release", blob) : 0;
    (void) rc;   // where it cannot be told it is gone, or hears of this actor's end
}

int
zanni__away_get (zanni__peer_store_t *store, zanni_found_t *found, const zanni_blob_t *blob)
{
    const zanni_arg_t arg = zanni_arg_blob (blob);
    const s_question_t question = s_question (store, blob, "get", &arg, 1);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int rc = s_ask (&question, &reply);
    return rc ? rc : zanni__away_found (reply, found, blob);
}

int
zanni__away_read (zanni__peer_store_t *store, const zanni_blob_t *blob, uint64_t offset, void *data, size_t *size,
                  bool *more)
{
    const zanni_arg_t args [] = { zanni_arg_blob (blob), zanni_arg_uint (offset), zanni_arg_uint (*size) };
    const s_question_t question = s_question (store, blob, "read", args, 3);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_buffer_t *piece;
    int rc = s_ask (&question, &reply);
    if (!rc)
        rc = zanni_read (reply, more, &piece);
    size_t got = rc ? 0 : zanni_buffer_size (piece);
    if (!rc && got > *size)
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
    s_question_t question = s_question (store, blob, "wait", args, 2);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    question.until_ms = zanni__store_ticks_ms () + (int64_t) timeout_ms;
    int rc = s_ask (&question, &reply);
    (void) rc;   // what there is shows when it is read
}
