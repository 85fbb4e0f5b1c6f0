/* Claim check: what is sent is a blob's reference, and the bytes stay in the store that the node's options name.

   Each worker has a handle of that store. A blob is counted, so it goes when its process ends, and is deleted when the batch
   that names it is acknowledged: by then the receiver has got its bytes. A buffer that goes to several in a row is put once. */

#include "store.h"

#include "../actor/remote/claims.h"
#include "../base/memory.h"
#include "../message/value.h"

#include <stdatomic.h>
#include <string.h>

#define S_DEADLINE_MS 1000   // of what the store does: the worker waits meanwhile
#define S_PAUSE_MS 1000      // in which a store that has failed is not asked

/* A worker's. */
typedef struct {
    zanni_t self;               // of nobody: whose thread it is, for the store
    zanni_store_t *store;       // NULL: not open
    int64_t again_ms;           // when a store that has failed is asked again
    int failed;                 // how it did
    zanni_weak_t *source;       // of the last buffer that was put
    zanni_weak_t *claim;        // and what it became
    _Atomic uint32_t users;     // the worker, and claims that are out; the last (acq_rel) frees
} s_claims_t;

/* One blob. */
typedef struct {
    s_claims_t *claims;
    zanni_blob_t blob;
    uint8_t bytes [ZANNI__WIRE_BLOB_BYTES];
} s_claim_t;

static void
s_unuse (s_claims_t *claims)
{
    if (atomic_fetch_sub_explicit (&claims->users, 1, memory_order_acq_rel) == 1)
        zanni__free (claims);
}

/* The store rests a while, and that is said once. */
static int
s_fail (s_claims_t *claims, int code, const char *text)
{
    const zanni_node_t *node = claims->self.worker->node;
    zanni__log (node, ZANNI_LOG_WARNING, "what is large goes with its message for a while: %s fails: %s", node->claim_store,
                *text ? text : zanni_strerror (code));
    claims->again_ms = zanni__store_ticks_ms () + S_PAUSE_MS;
    claims->failed = code;
    return code;
}

static int
s_claims (zanni_worker_t *worker, s_claims_t **claims_p)
{
    if (!worker->claims) {
        s_claims_t *claims = zanni__calloc (sizeof *claims);
        if (!claims)
            return ZANNI_ENOMEM;
        atomic_init (&claims->users, 1);
        claims->self.worker = worker;
        worker->claims = claims;
    }
    *claims_p = worker->claims;
    return 0;
}

/* With its store open; ask for it no more often than that makes sense. */
static int
s_open (zanni_worker_t *worker, s_claims_t **claims_p, zanni_error_t *error)
{
    const zanni_store_options_t options = { .counted = true, .deadline_ms = S_DEADLINE_MS, .error = error };
    int rc = s_claims (worker, claims_p);
    s_claims_t *claims = *claims_p;
    if (rc || claims->store)
        return rc;
    if (zanni__store_ticks_ms () < claims->again_ms)
        return claims->failed;
    rc = zanni_store_open (&claims->self, &claims->store, worker->node->options.claim_store, &options);
    return rc ? s_fail (claims, rc, error->text) : 0;
}

static int
s_check (zanni_worker_t *worker, zanni_error_t *error)
{
    s_claims_t *claims;
    zanni_error_t fault = { .code = 0 };
    const char *place = worker->node->options.claim_store;
    if (!strncmp (place, "peer:", 5)) {
        if (error)
            *error = (zanni_error_t) { .code = ZANNI_EINVAL, .text = "claim_store: \"peer:\" asks the sender for the bytes that "
                                       "it should be spared: name another store" };
        return ZANNI_EINVAL;
    }
    int rc = s_open (worker, &claims, &fault);
    if (rc && error)
        *error = fault;
    return rc;
}

static void
s_over (void *data, void *hint)
{
    s_claim_t *claim = hint;
    s_claims_t *claims = claim->claims;
    (void) data;
    int rc = claims->store ? zanni_store_delete (claims->store, &claim->blob) : 0;
    (void) rc;   // where it is gone already
    zanni__free (claim);
    s_unuse (claims);
}

/* What the same buffer became just now, if that is still there. */
static bool
s_again (s_claims_t *claims, zanni_buffer_t **claim_p, const zanni_buffer_t *buffer)
{
    zanni_buffer_t *source = NULL;
    bool same = claims->source && !zanni_weak_get (&source, claims->source) && source == buffer;
    zanni_buffer_destroy (&source);
    return same && !zanni_weak_get (claim_p, claims->claim);
}

static void
s_forget (s_claims_t *claims)
{
    zanni_weak_destroy (&claims->source);
    zanni_weak_destroy (&claims->claim);
}

/* Without memory the next one is put again. */
static void
s_remember (s_claims_t *claims, const zanni_buffer_t *claim, const zanni_buffer_t *buffer)
{
    s_forget (claims);
    if (zanni_buffer_weak (&claims->source, buffer) || zanni_buffer_weak (&claims->claim, claim))
        s_forget (claims);
}

static int
s_put (zanni_worker_t *worker, zanni_buffer_t **claim_p, const zanni_buffer_t *buffer)
{
    s_claims_t *claims;
    zanni_error_t fault = { .code = 0 };
    int rc = s_open (worker, &claims, &fault);
    if (rc)
        return rc;
    if (s_again (claims, claim_p, buffer))
        return 0;
    if (zanni__store_ticks_ms () < claims->again_ms)
        return claims->failed;
    s_claim_t *claim = zanni__malloc (sizeof *claim);
    if (!claim)
        return ZANNI_ENOMEM;
    claim->claims = claims;
    rc = zanni_store_put (claims->store, &claim->blob, buffer);
    if (rc) {
        zanni__free (claim);
        return s_fail (claims, rc, "");
    }
    zanni__blob_to_bytes (claim->bytes, &claim->blob);
    /* relaxed: the worker's own use keeps it meanwhile. */
    atomic_fetch_add_explicit (&claims->users, 1, memory_order_relaxed);
    rc = zanni_worker_wrap (worker, claim_p, &(zanni_block_t) { claim->bytes, sizeof claim->bytes, claim }, s_over);
    if (rc)
        s_over (NULL, claim);
    else
        s_remember (claims, *claim_p, buffer);
    return rc;
}

static int
s_take (zanni_worker_t *worker, zanni_buffer_t **buffer_p, const uint8_t *bytes)
{
    s_claims_t *claims;
    zanni_blob_t blob;
    zanni_error_t fault = { .code = 0 };
    int rc = s_open (worker, &claims, &fault);
    if (rc)
        return rc;
    zanni__blob_of_bytes (&blob, bytes);
    return zanni_store_get (claims->store, buffer_p, &blob);
}

static void
s_close (zanni_worker_t *worker)
{
    s_claims_t *claims = worker->claims;
    if (!claims)
        return;
    worker->claims = NULL;
    s_forget (claims);
    zanni_store_close (&claims->store);
    s_unuse (claims);
}

const zanni__claim_ops_t zanni__store_claims = { .check = s_check, .put = s_put, .take = s_take, .close = s_close };

int
zanni_set_claims (zanni_t *self, uint64_t least)
{
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!self->worker->node->claims)
        return ZANNI_EINVAL;
    zanni__more_t *more = zanni__more (self);
    if (!more)
        return ZANNI_ENOMEM;
    more->claim_least = least;
    return 0;
}
