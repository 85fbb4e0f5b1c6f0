/* A store handle: opening it, with errors for people; connections that stand, one after the other; what it retains.

   What a handle retains is known here, too, since the server forgets it with the connection. */

#include "handle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
s_register_session (zanni__redis_store_t *store)
{
    redisReply *reply = NULL;
    char text [ZANNI__REDIS_ID], count [ZANNI__REDIS_NUMBER];
    int rc = zanni__redis_call (&store->redis, &reply, (const char *const []) { "SADD", "zanni:owners", store->redis.session, NULL });
    if (!rc)
        freeReplyObject (reply);
    for (const zanni__redis_hold_t *hold = store->holds; hold && !rc; hold = hold->next) {
        zanni__redis_id (text, hold->id);
        const char *const values [] = { text, store->redis.session, zanni__redis_digits (count, hold->count), NULL };
        int held = zanni__redis_change (&store->redis, ZANNI__REDIS_RETAIN, values);
        rc = held == ZANNI_EGONE || held == ZANNI_EAGAIN ? 0 : held;
    }
    return rc;
}

/* A connection that stands, as far as can be seen, with nothing owed. */
int
zanni__redis_ready (zanni__redis_store_t *store)
{
    if (store->redis.context && !zanni__redis_settle (&store->redis) && !zanni__redis_is_broken (&store->redis))
        return 0;
    int rc = zanni__redis_connect (&store->redis);
    if (!rc)
        rc = s_register_session (store);
    return rc == ZANNI_ENODE ? ZANNI_ESYSTEM : rc;
}

/* Whether the server writes each change to its disk before it answers. */
static int
s_check_durable (zanni__redis_store_t *store)
{
    static const char *const wanted [] = { "appendonly", "yes", "appendfsync", "always" };
    int rc = 0;
    for (int i = 0; store->options.durable && !rc && i < 4; i += 2) {
        redisReply *reply = NULL;
        rc = zanni__redis_call (&store->redis, &reply, (const char *const []) { "CONFIG", "GET", wanted [i], NULL });
        if (rc)
            return rc;
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !reply->element [1]->str
            || strcmp (reply->element [1]->str, wanted [i + 1])) {
            rc = ZANNI_ESYSTEM;
            snprintf (store->redis.error, sizeof store->redis.error,
                      "it does not keep what is put durably: that needs appendonly yes, appendfsync always");
        }
        freeReplyObject (reply);
    }
    return rc;
}

/* The number is in the server, which may be reached by several ways; the first one who asks makes it of the run's name. */
static int
s_find_number (zanni__redis_store_t *store, uint64_t *number)
{
    redisReply *reply = NULL;
    char text [ZANNI__REDIS_NUMBER], *end = text;
    uint64_t hash = UINT64_C (0xcbf29ce484222325);
    for (const char *at = store->redis.session; *at && *at != ':'; at++)
        hash = (hash ^ (uint8_t) *at) * UINT64_C (0x100000001b3);
    int rc = zanni__redis_call (&store->redis, &reply,
                                (const char *const []) { "SET", "zanni:store", zanni__redis_digits (text, hash), "NX", NULL });
    if (rc)
        return rc;
    freeReplyObject (reply);
    rc = zanni__redis_call (&store->redis, &reply, (const char *const []) { "GET", "zanni:store", NULL });
    if (rc)
        return rc;
    if (reply->type == REDIS_REPLY_STRING)
        *number = strtoull (reply->str, &end, 10);
    rc = reply->type == REDIS_REPLY_STRING && end != reply->str && !*end ? 0 : ZANNI_ECORRUPT;
    freeReplyObject (reply);
    return rc;
}

/* [[USER:]PASSWORD@]/PATH or [[USER:]PASSWORD@]HOST:PORT; false: it makes no sense, or there is no memory. */
static bool
s_read_place (zanni__redis_t *redis, const char *place)
{
    const char *at = strrchr (place, '@'), *where = at ? at + 1 : place;
    const char *colon = strrchr (where, ':');
    bool good = *where == '/' || (colon && colon > where && colon - where < 256 && atoi (colon + 1) > 0 && atoi (colon + 1) < 65536);
    redis->place = good ? strdup (where) : NULL;
    if (!redis->place || !at)
        return redis->place != NULL;
    const char *split = memchr (place, ':', (size_t) (at - place));
    redis->user = split && split > place ? strndup (place, (size_t) (split - place)) : NULL;
    redis->password = split ? strndup (split + 1, (size_t) (at - split) - 1) : strndup (place, (size_t) (at - place));
    return redis->password != NULL;
}

static void
s_free (zanni__redis_store_t *store)
{
    zanni__redis_disconnect (&store->redis);
    while (store->holds) {
        zanni__redis_hold_t *hold = store->holds;
        store->holds = hold->next;
        free (hold);
    }
    free (store->redis.place);
    free (store->redis.user);
    free (store->redis.password);
    free (store);
}

static int
s_explain (zanni__redis_store_t *store, const zanni_store_options_t *options, int code)
{
    const char *place = store->redis.place, *why = store->redis.error;
    if (options->error) {
        zanni_error_t *error = options->error;
        zanni_error_reset (error);
        error->code = code == ZANNI_ENODE ? ZANNI_ESYSTEM : code;
        if (!place)
            snprintf (error->text, sizeof error->text,
                      "a store in Redis needs a server: redis:/a/socket or redis:HOST:PORT, PASSWORD@ in front if it asks for one");
        else if (code == ZANNI_ENODE && *place == '/')
            snprintf (error->text, sizeof error->text,
                      "no Redis server answers at %.74s: start one with redis-server --unixsocket %.74s --port 0", place, place);
        else if (code == ZANNI_ENODE)
            snprintf (error->text, sizeof error->text, "no Redis server answers at %.70s (%.40s): start one with redis-server --port %s",
                      place, why, strrchr (place, ':') + 1);
        else if (code == ZANNI_EPERM)
            snprintf (error->text, sizeof error->text, "the Redis server at %.60s wants another password (redis:PASSWORD@PLACE): %.90s",
                      place, why);
        else
            snprintf (error->text, sizeof error->text, "the Redis server at %.70s cannot be used: %.120s", place, why);
    }
    s_free (store);
    return code == ZANNI_ENODE ? ZANNI_ESYSTEM : code;
}

int
zanni__redis_open (zanni_t *self, void **store_p, uint64_t *number, const char *place, const zanni_store_options_t *options)
{
    uint64_t found = 0;
    zanni__redis_store_t *store = calloc (1, sizeof *store);
    if (!store)
        return ZANNI_ENOMEM;
    store->self = self;
    store->options = *options;
    store->options.error = NULL;
    store->redis.deadline_ms = options->deadline_ms;
    if (!s_read_place (&store->redis, place))
        return s_explain (store, options, ZANNI_EINVAL);
    int rc = zanni__redis_connect (&store->redis);
    if (!rc)
        rc = s_register_session (store);
    if (!rc)
        rc = s_check_durable (store);
    if (!rc)
        rc = s_find_number (store, &found);
    if (!rc)
        rc = zanni__redis_sweep (&store->redis);
    if (rc)
        return s_explain (store, options, rc);
    *number = found;
    *store_p = store;
    return 0;
}

void
zanni__redis_close (void *context)
{
    zanni__redis_store_t *store = context;
    if (store->redis.context)   // else whoever sees that its connection is gone does it
        (void) zanni__redis_change (&store->redis, ZANNI__REDIS_BURY, (const char *const []) { store->redis.session, NULL });
    s_free (store);
}

static zanni__redis_hold_t **
s_hold (zanni__redis_store_t *store, const uint8_t id [16])
{
    zanni__redis_hold_t **at = &store->holds;
    while (*at && memcmp ((*at)->id, id, 16))
        at = &(*at)->next;
    return at;
}

/* One more in our own list; false: there is no memory. */
bool
zanni__redis_note_hold (zanni__redis_store_t *store, const uint8_t id [16])
{
    zanni__redis_hold_t **at = s_hold (store, id);
    if (!*at) {
        *at = calloc (1, sizeof **at);
        if (!*at)
            return false;
        memcpy ((*at)->id, id, 16);
    }
    (*at)->count++;
    return true;
}

void
zanni__redis_forget_hold (zanni__redis_store_t *store, const uint8_t id [16])
{
    zanni__redis_hold_t **at = s_hold (store, id), *hold = *at;
    if (!hold || --hold->count)
        return;
    *at = hold->next;
    free (hold);
}

int
zanni__redis_retain (void *context, const zanni_blob_t *blob)
{
    zanni__redis_store_t *store = context;
    char text [ZANNI__REDIS_ID];
    int rc = zanni__redis_ready (store);
    if (rc)
        return rc;
    if (!zanni__redis_note_hold (store, blob->id))
        return ZANNI_ENOMEM;
    zanni__redis_id (text, blob->id);
    rc = zanni__redis_change (&store->redis, ZANNI__REDIS_RETAIN, (const char *const []) { text, store->redis.session, "1", NULL });
    if (rc)
        zanni__redis_forget_hold (store, blob->id);
    return rc;
}

int
zanni__redis_release (void *context, const zanni_blob_t *blob)
{
    zanni__redis_store_t *store = context;
    char text [ZANNI__REDIS_ID];
    int rc = zanni__redis_ready (store);
    if (rc)
        return rc;
    if (!*s_hold (store, blob->id))
        return ZANNI_EINVAL;
    zanni__redis_id (text, blob->id);
    rc = zanni__redis_change (&store->redis, ZANNI__REDIS_RELEASE, (const char *const []) { text, store->redis.session, NULL });
    if (!rc || rc == ZANNI_EINVAL)
        zanni__redis_forget_hold (store, blob->id);
    return rc;
}
