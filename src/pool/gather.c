/* Pools that ask all: what is told goes to every worker; an ask does, too, and its answer is the list of theirs, put
   together from their arguments as they are. That is why references and buffers have no place in it: in the arguments
   there are only their numbers in the table of each.

   The time for it ends a little before that of the asker, so that what is there by then is an answer still. */

#include "pool.h"

#include "../base/memory.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define S_MARGIN_MS 100
#define S_HEAD 5            // of a msgpack array of any size
#define S_ARRAY32 0xdd
#define S_MOST (64u << 20)  // bytes of all answers

typedef struct {
    zanni__link_t link;
    zanni__pool_t *pool;
    zanni_promise_t *promise;   // NULL: it was answered
    zanni_msg_t *fault;         // kept: the last error
    int code;                   // why the last answer is none, though it is no error
    uint64_t number;
    uint8_t *bytes;
    size_t size;
    size_t room;
    uint32_t open;              // asks
    uint32_t good;
    uint32_t enough;
    bool counts;                // the answers are empty: their number is the answer
} s_gather_t;

static void
s_free (s_gather_t *gather)
{
    zanni__link_remove (&gather->link);
    zanni_promise_destroy (&gather->promise);
    zanni_msg_destroy (&gather->fault);
    zanni__free (gather->bytes);
    zanni__free (gather);
}

static int
s_append (s_gather_t *gather, const zanni__args_t *args)
{
    size_t size = gather->size + args->size;
    if (args->refs || args->buffers)
        return ZANNI_EARGS;
    if (size > S_MOST)
        return ZANNI_ETOOBIG;
    if (size > gather->room) {
        size_t room = size < 128 ? 256 : 2 * size;
        uint8_t *bytes = zanni__realloc (gather->bytes, room);
        if (!bytes)
            return ZANNI_ENOMEM;
        gather->bytes = bytes;
        gather->room = room;
    }
    memcpy (gather->bytes + gather->size, args->bytes, args->size);
    gather->size = size;
    return 0;
}

static void
s_answer (s_gather_t *gather)
{
    zanni_t *self = gather->pool->self;
    zanni_arg_t arg = zanni_arg_uint (gather->good);
    if (!gather->good && gather->fault) {
        zanni__promise_pass (self, &gather->promise, gather->fault);
        return;
    }
    if (!gather->good && gather->code) {
        zanni_error_t error = { .code = gather->code };
        snprintf (error.text, sizeof error.text, "%s: of many answers none may have references or buffers, nor all "
                  "together %u MiB", zanni_strerror (gather->code), S_MOST >> 20);
        zanni__promise_error (self, &gather->promise, &error);
        return;
    }
    if (!gather->counts) {
        uint32_t count = htobe32 (gather->good);
        gather->bytes [0] = S_ARRAY32;
        memcpy (gather->bytes + 1, &count, sizeof count);
        arg = zanni_arg_packed ((zanni_packed_t) { gather->bytes, gather->size });
    }
    int rc = zanni_promise_reply_args (self, &gather->promise, &arg, 1);
    if (rc)   // without memory
        zanni_promise_destroy (&gather->promise);
}

static void
s_heard (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    s_gather_t *gather = arg;
    zanni__pool_t *pool = gather->pool;
    bool good = zanni_msg_kind (reply) == ZANNI_MSG_REPLY;
    (void) self;
    if (good && !gather->counts)
        good = !(gather->code = s_append (gather, &reply->args));
    gather->open--;
    gather->good += good;
    if (!good && zanni_msg_kind (reply) == ZANNI_MSG_ERROR) {
        zanni_msg_destroy (&gather->fault);
        int rc = zanni_msg_keep (&gather->fault, reply);
        (void) rc;   // without memory, no reason is given
    }
    if (gather->promise && (!gather->open || gather->good == gather->enough)) {
        pool->status.done++;
        s_answer (gather);
    }
    if (gather->open)
        return;
    s_free (gather);
    zanni__pool_seats_settle (pool);
}

/* When the answer is due; -1: whenever. */
static int64_t
s_left_ms (const zanni__pool_t *pool, const zanni_msg_t *msg)
{
    int64_t left_ms = zanni_msg_remaining_ms (msg);
    int64_t gather_ms = pool->setup.gather_ms;
    if (left_ms != INT64_MAX)
        left_ms -= left_ms / 5 < S_MARGIN_MS ? left_ms / 5 : S_MARGIN_MS;
    if (gather_ms && gather_ms < left_ms)
        left_ms = gather_ms;
    return left_ms == INT64_MAX ? -1 : left_ms > 0 ? left_ms : 1;
}

static int
s_ask_all (zanni__pool_t *pool, s_gather_t *gather, zanni_msg_t *msg, const char *method)
{
    const zanni_ask_t ask = { .then = s_heard, .arg = gather, .deadline_ms = s_left_ms (pool, msg) };
    int rc = ZANNI_ENOACTOR;
    for (uint32_t i = 0; i < pool->count; i++) {
        const zanni_ref_t *ref = pool->seats [i]->ref;
        int result = ref ? zanni__ask_again (pool->self, ref, &ask, msg, method) : ZANNI_ENOACTOR;
        gather->open += !result;
        if (result)
            rc = result;
    }
    return gather->open ? 0 : rc;
}

/* Copies to all; a worker that takes none is a dead letter. */
static int
s_tell_all (zanni__pool_t *pool, zanni_msg_t *msg, const char *method)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        const zanni_ref_t *ref = pool->seats [i]->ref;
        int rc = ref ? zanni_forward (pool->self, msg, ref, method) : ZANNI_ENOACTOR;
        if (rc)
            zanni__pool_letter (pool, msg, zanni_strerror (rc));
    }
    pool->status.done++;
    return 0;
}

int
zanni__gather (zanni__pool_t *pool, zanni_msg_t *msg, const zanni__method_t *method)
{
    if (zanni_msg_kind (msg) == ZANNI_MSG_TELL)
        return s_tell_all (pool, msg, method->name);
    s_gather_t *gather = zanni__calloc (sizeof *gather);
    if (!gather)
        return ZANNI_ENOMEM;
    *gather = (s_gather_t) {
        .pool = pool, .enough = pool->setup.enough, .size = S_HEAD, .counts = !*method->out,
        .number = ++pool->gathered
    };
    zanni__list_append (&pool->gathers, &gather->link);
    int rc = s_append (gather, &(zanni__args_t) { .bytes = (const uint8_t *) "" });   // room for the head
    if (!rc)
        rc = s_ask_all (pool, gather, msg, method->name);
    if (!rc)
        rc = zanni_promise_new (pool->self, &gather->promise, msg);
    if (rc && !gather->open)
        s_free (gather);
    return rc;   // with no memory for the promise: the handler answers, and what is heard goes nowhere
}

bool
zanni__gathers_over (const zanni__pool_t *pool, uint64_t number)
{
    return zanni__list_empty (&pool->gathers)
           || ZANNI__CONTAINER (pool->gathers.next, s_gather_t, link)->number > number;
}

void
zanni__gathers_free (zanni__pool_t *pool)
{
    while (!zanni__list_empty (&pool->gathers)) {   // what is kept and promised ends with the actor
        s_gather_t *gather = ZANNI__CONTAINER (pool->gathers.next, s_gather_t, link);
        zanni__link_remove (&gather->link);
        zanni__free (gather->bytes);
        zanni__free (gather);
    }
}
