/* A get that nobody waits for: each answer leads to the next question. Who serves the blob is asked for where it is not
   known, and before that, where its node was not met, those that were are asked one after the other. */

#include "away.h"

#include "../../actor/pending.h"
#include "../../base/memory.h"

struct zanni__fetch {
    zanni__link_t link;          // among its handle's
    zanni__peer_store_t *store;
    zanni_blob_t blob;
    zanni_store_found_fn *found;
    void *context;
    uint64_t ask;                // that is under way
    int64_t until_ms;            // for everything together
    zanni__met_t heard;          // of the node, from another one; "": nothing
    zanni__met_t *all;           // who is asked where the node is; NULL: nobody yet
    uint32_t count, at;
    bool again;                  // who served it had ended, and was asked for once more
};

static void s_go_on (zanni__fetch_t *fetch);

static void
s_end (zanni__fetch_t *fetch, int rc, zanni_found_t *found)
{
    zanni_store_found_fn *tell = fetch->found;
    void *context = fetch->context;
    zanni__link_remove (&fetch->link);
    zanni__free (fetch->all);
    zanni__free (fetch);
    tell (context, zanni__away_code (rc), found);
}

/* The code of an answer that is an error, or 0. */
static int
s_code (const zanni_msg_t *reply)
{
    zanni_error_t error = { .code = 0 };
    return zanni_msg_error (reply, &error) ? 0 : error.code;
}

static int
s_ask (zanni__fetch_t *fetch, const zanni_ref_t *ref, zanni_reply_fn *then, const char *method, const zanni_arg_t *arg)
{
    zanni__peer_store_t *store = fetch->store;
    int64_t left_ms = fetch->until_ms - zanni__store_ticks_ms ();
    const zanni_ask_t options = { .then = then, .arg = fetch, .id_p = &fetch->ask, .deadline_ms = left_ms };
    if (left_ms <= 0)
        return ZANNI_ETIMEOUT;
    return zanni_ask_args (store->self, ref, &options, method, arg, 1);
}

static int
s_ask_node (zanni__fetch_t *fetch, const zanni__met_t *met, zanni_reply_fn *then, const char *method)
{
    const zanni_arg_t number = zanni_arg_uint (fetch->blob.store);
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    int rc = zanni__node_known (fetch->store->self, &ref, met);
    return rc ? rc : s_ask (fetch, ref, then, method, &number);
}

static void
s_on_bytes (zanni_t *self, zanni_msg_t *reply, void *context)
{
    zanni__fetch_t *fetch = context;
    zanni_found_t found = { .buffer = NULL };
    (void) self;
    int rc = s_code (reply);
    if (zanni__away_code (rc) != rc) {   // who served it has ended, and may have a successor
        zanni__away_unlearn (fetch->store, fetch->blob.store);
        if (!fetch->again) {
            fetch->again = true;
            s_go_on (fetch);
            return;
        }
    }
    if (!rc)
        rc = zanni__away_found (reply, &found, &fetch->blob);
    s_end (fetch, rc, &found);
}

static void
s_on_server (zanni_t *self, zanni_msg_t *reply, void *context)
{
    zanni__fetch_t *fetch = context;
    const zanni_ref_t *server;
    int rc = s_code (reply);
    if (!rc)
        rc = zanni_read (reply, &server);
    if (!rc)
        rc = zanni__away_learn (fetch->store, server, fetch->blob.store);
    if (rc && *fetch->heard.endpoint) {   // that was not true: the next one may know
        zanni__node_forget (self->worker->node, &fetch->heard);
        fetch->heard = (zanni__met_t) { .endpoint = "" };
        rc = 0;
    }
    if (rc)
        s_end (fetch, rc, NULL);
    else
        s_go_on (fetch);
}

static void
s_on_where (zanni_t *self, zanni_msg_t *reply, void *context)
{
    zanni__fetch_t *fetch = context;
    (void) self;
    int rc = s_code (reply);
    if (!rc)
        rc = zanni__away_where (reply, &fetch->heard, fetch->blob.store);
    if (rc)
        fetch->heard = (zanni__met_t) { .endpoint = "" };
    s_go_on (fetch);
}

/* The next of those that were met; ZANNI_EGONE: nobody knows. */
static int
s_ask_next (zanni__fetch_t *fetch)
{
    if (!fetch->all) {
        fetch->all = zanni__malloc (ZANNI__AWAY_ASKED * sizeof *fetch->all);
        if (!fetch->all)
            return ZANNI_ENOMEM;
        fetch->count = zanni__node_list (fetch->store->self->worker->node, fetch->all, ZANNI__AWAY_ASKED);
    }
    while (fetch->at < fetch->count)
        if (!s_ask_node (fetch, &fetch->all [fetch->at++], s_on_where, "zanni.where"))
            return 0;
    return ZANNI_EGONE;
}

static void
s_go_on (zanni__fetch_t *fetch)
{
    const zanni_arg_t blob = zanni_arg_blob (&fetch->blob);
    const zanni_ref_t *server = zanni__away_server (fetch->store, fetch->blob.store);
    zanni__met_t met;
    int rc;
    if (*fetch->heard.endpoint && !server)
        rc = s_ask_node (fetch, &fetch->heard, s_on_server, "zanni.blobs");
    else if (server)
        rc = s_ask (fetch, server, s_on_bytes, "get", &blob);
    else if (!fetch->all && zanni__node_find (fetch->store->self->worker->node, &met, fetch->blob.store))
        rc = s_ask_node (fetch, &met, s_on_server, "zanni.blobs");
    else
        rc = s_ask_next (fetch);
    if (rc)
        s_end (fetch, rc, NULL);
}

void
zanni__away_fetch (zanni__peer_store_t *store, const zanni_blob_t *blob, zanni_store_found_fn *found, void *context)
{
    zanni__fetch_t *fetch = zanni__calloc (sizeof *fetch);
    if (!fetch) {
        found (context, ZANNI_ENOMEM, NULL);
        return;
    }
    fetch->store = store;
    fetch->until_ms = zanni__store_ticks_ms () + store->options.deadline_ms;
    fetch->blob = *blob;
    fetch->found = found;
    fetch->context = context;
    zanni__list_append (&store->fetches, &fetch->link);
    s_go_on (fetch);
}

/* An answer that comes yet has come late. */
void
zanni__away_give_up (zanni__peer_store_t *store)
{
    while (!zanni__list_empty (&store->fetches)) {
        zanni__fetch_t *fetch = ZANNI__CONTAINER (store->fetches.next, zanni__fetch_t, link);
        zanni__pending_t *pending = zanni__pending_find (store->self->worker, fetch->ask);
        if (pending)
            zanni__pending_free (store->self->worker, pending);
        s_end (fetch, ZANNI_ECLOSED, NULL);
    }
}
