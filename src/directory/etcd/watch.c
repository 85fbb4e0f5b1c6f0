/* Changes. etcd tells them by one answer that does not end, from a revision on, so that it can be begun anew without a loss
   when the connection was cut. It is one watch, of all groups, whatever the number of those that somebody here follows:
   more than one could be asked for in one request, but the server of etcd reads no further in it once it has begun to
   answer; and a connection for each group would be many. The last changes of a group stay here, as in a registry, and who
   comes too late lists it anew; so does everybody when etcd has compacted what is to be told. Those of groups that nobody
   follows stay for a while, too: for who has listed one and is about to.

   A revision may have many changes (a lease that ends takes all of its entries along), so a version is a revision and the
   number of a change in it, which is in the order that etcd tells them. Lines of the answer come from within curl, where
   nothing may be begun or ended; what follows from them is left to a timer. */

#include "etcd.h"

#include <stdio.h>

#define S_CHANGES_MOST 1024        // of a group, and of all that nobody follows
#define S_TOPICS_MOST 4096
#define S_WAITERS_MOST 65536
#define S_EMPTY_NS INT64_C (60000000000)
#define S_SOON_MS 10
#define S_REFUSED_MS 2000
#define S_STABLE_NS INT64_C (1000000000)

typedef struct {
    zanni__link_t link;
    uint64_t version;
    uint64_t id;
    const char *ref;               // the text of what joined; NULL: it left
    char folder [];                // and behind it that text
} s_change_t;

typedef struct {
    zanni__link_t link;
    uint64_t version;              // of the last change that it knows
    zanni_promise_t *promise;
} s_waiter_t;

/* A group that somebody follows. */
typedef struct {
    zanni__link_t link;
    zanni__link_t waiters;
    zanni__etcd_log_t log;
    bool changed;                  // by what is being told
    int64_t touched_ns;
    char folder [];
} s_topic_t;

static s_topic_t *
s_by_folder (const zanni__etcd_t *etcd, const char *folder)
{
    for (zanni__link_t *at = etcd->topics.next; at != &etcd->topics; at = at->next)
        if (!strcmp (ZANNI__CONTAINER (at, s_topic_t, link)->folder, folder))
            return ZANNI__CONTAINER (at, s_topic_t, link);
    return NULL;
}

static void
s_forget_first (zanni__etcd_log_t *log)
{
    s_change_t *change = ZANNI__CONTAINER (log->changes.next, s_change_t, link);
    log->forgotten = change->version;
    log->count--;
    zanni__link_remove (&change->link);
    free (change);
}

static void
s_clear (zanni__etcd_log_t *log)
{
    while (!zanni__list_empty (&log->changes))
        s_forget_first (log);
}

static void
s_append (zanni__etcd_log_t *log, s_change_t *change)
{
    zanni__list_append (&log->changes, &change->link);
    if (++log->count > S_CHANGES_MOST)
        s_forget_first (log);
}

static void
s_end_waiter (zanni__etcd_t *etcd, s_waiter_t *waiter)
{
    zanni__link_remove (&waiter->link);
    zanni_promise_destroy (&waiter->promise);   // where it was not answered: that is, by `no reply`, and who asked lists anew
    free (waiter);
    etcd->waiters_count--;
}

static void
s_free (zanni__etcd_t *etcd, s_topic_t *topic)
{
    while (!zanni__list_empty (&topic->waiters))
        s_end_waiter (etcd, ZANNI__CONTAINER (topic->waiters.next, s_waiter_t, link));
    s_clear (&topic->log);
    s_clear (&etcd->rest);
    etcd->rest.forgotten = etcd->seen;   // who follows it again may have missed some
    zanni__link_remove (&topic->link);
    etcd->topics_count--;
    free (topic);
}

/* Nothing is known of changes any more: who waits lists anew. */
void
zanni__etcd_topics_free (zanni__etcd_t *etcd)
{
    while (!zanni__list_empty (&etcd->topics))
        s_free (etcd, ZANNI__CONTAINER (etcd->topics.next, s_topic_t, link));
}

static void
s_restart (zanni__etcd_t *etcd, int64_t after_ms)
{
    int rc = etcd->restart || etcd->lost ? 0 : zanni_timer (etcd->self, &etcd->restart, after_ms, 0, "stream");
    if (rc)
        zanni__etcd_lost (etcd, "changes in etcd cannot be watched without a timer");
}

typedef struct {
    size_t count, refs_count;
    uint64_t version;
    zanni_ref_t *refs [ZANNI__ETCD_PAGE];
    zanni_arg_t pairs [ZANNI__ETCD_PAGE] [2];
    zanni_arg_t changes [ZANNI__ETCD_PAGE];
    zanni_arg_t joined [ZANNI__ETCD_PAGE];
    zanni_arg_t args [3];
} s_answer_t;

/* One more of the answer, unless it joined and is no reference. */
static void
s_answer_change (zanni__etcd_t *etcd, s_answer_t *answer, const s_change_t *change)
{
    zanni_ref_t **ref_p = &answer->refs [answer->refs_count];
    answer->version = change->version;
    if (change->ref && zanni_ref_parse (etcd->self, ref_p, change->ref))
        return;
    if (change->ref)
        answer->joined [answer->refs_count++] = zanni_arg_ref (*ref_p);
    answer->pairs [answer->count] [0] = zanni_arg_uint (change->id);
    answer->pairs [answer->count] [1] = zanni_arg_bool (change->ref != NULL);
    answer->changes [answer->count] = zanni_arg_list (answer->pairs [answer->count], 2);
    answer->count++;
}

/* What follows `version` in a group, as the arguments of an answer. Most know all but the last. */
static void
s_changes (zanni__etcd_t *etcd, s_answer_t *answer, const s_topic_t *topic, uint64_t version)
{
    const zanni__link_t *all = &topic->log.changes, *at = all;
    *answer = (s_answer_t) { .version = version };
    while (at->prev != all && ZANNI__CONTAINER (at->prev, s_change_t, link)->version > version)
        at = at->prev;
    for (; at != all && answer->count < ZANNI__ETCD_PAGE; at = at->next)
        s_answer_change (etcd, answer, ZANNI__CONTAINER (at, s_change_t, link));
    answer->args [0] = zanni_arg_uint (answer->version);
    answer->args [1] = zanni_arg_list (answer->changes, answer->count);
    answer->args [2] = zanni_arg_list (answer->joined, answer->refs_count);
}

static void
s_drop_answer (s_answer_t *answer)
{
    for (size_t i = 0; i < answer->refs_count; i++)
        zanni_ref_destroy (&answer->refs [i]);
}

static void
s_tell_waiters (zanni__etcd_t *etcd, s_topic_t *topic)
{
    s_answer_t answer;
    for (zanni__link_t *next, *at = topic->waiters.next; at != &topic->waiters; at = next) {
        s_waiter_t *waiter = ZANNI__CONTAINER (at, s_waiter_t, link);
        bool late = waiter->version < topic->log.forgotten;
        next = at->next;
        s_changes (etcd, &answer, topic, waiter->version);
        bool knows = !late && answer.version == waiter->version;   // it has listed since
        int rc = late || knows ? 0 : zanni_promise_reply_args (etcd->self, &waiter->promise, answer.args, 3);
        (void) rc;
        s_drop_answer (&answer);
        if (!knows)
            s_end_waiter (etcd, waiter);
    }
}

/* false: there is no memory. */
static bool
s_note (zanni__etcd_t *etcd, const char *key, uint64_t id, const char *ref)
{
    size_t folder = (size_t) (strrchr (key, '/') + 1 - key), text = ref ? strlen (ref) + 1 : 0;
    s_change_t *change = calloc (1, sizeof *change + folder + 1 + text);
    if (!change)
        return false;
    change->version = etcd->seen;
    change->id = id;
    memcpy (change->folder, key, folder);
    if (ref)
        change->ref = memcpy (change->folder + folder + 1, ref, text);
    s_topic_t *topic = s_by_folder (etcd, change->folder);
    s_append (topic ? &topic->log : &etcd->rest, change);
    if (topic)
        topic->changed = true;
    return true;
}

/* Its number among the changes of its revision; false: that cannot be. */
static bool
s_count (zanni__etcd_t *etcd, uint64_t revision)
{
    if (!revision || revision >> 46 || revision < etcd->revision)
        return false;
    etcd->part = revision == etcd->revision ? etcd->part + 1 : 0;
    etcd->revision = revision;
    return etcd->part < ZANNI__ETCD_ALL;
}

/* An event; false: nothing can be known of changes any more. */
static bool
s_event (zanni__etcd_t *etcd, const json_t *event)
{
    zanni__etcd_entry_t entry, before;
    const char *type = json_string_value (json_object_get (event, "type"));
    bool gone = type && !strcmp (type, "DELETE");
    if (!zanni__etcd_read_entry (json_object_get (event, "kv"), &entry) || !s_count (etcd, entry.changed))
        return false;
    uint64_t version = zanni__etcd_version (etcd, etcd->revision, etcd->part);
    if (version <= etcd->seen)
        return true;   // the answer has begun anew
    etcd->seen = version;
    if (!strchr (entry.key, '/'))
        return true;   // that is none of ours
    if (gone)
        return zanni__etcd_read_entry (json_object_get (event, "prev_kv"), &before) && before.created
               && s_note (etcd, entry.key, etcd->base + before.created, NULL);
    const char *ref = entry.created == entry.changed ? zanni__etcd_ref_text (entry.value) : NULL;
    return !ref || s_note (etcd, entry.key, etcd->base + entry.created, ref);
}

/* Everybody whose group has changed. */
static void
s_tell (zanni__etcd_t *etcd)
{
    for (zanni__link_t *at = etcd->topics.next; at != &etcd->topics; at = at->next) {
        s_topic_t *topic = ZANNI__CONTAINER (at, s_topic_t, link);
        if (topic->changed)
            s_tell_waiters (etcd, topic);
        topic->changed = false;
    }
}

static void
s_on_line (zanni__etcd_t *etcd, const json_t *line)
{
    const json_t *result = json_object_get (line, "result"), *event;
    size_t i;
    if (etcd->restart)
        return;   // it ends: what is told now is told again by the next one
    uint64_t compacted;
    bool over = json_is_true (json_object_get (result, "canceled"));
    bool good = !over || (zanni__etcd_number (result, "compact_revision", &compacted) && !compacted);
    json_array_foreach (json_object_get (result, "events"), i, event)
        good = good && s_event (etcd, event);
    if (good && !over) {
        s_tell (etcd);
        return;
    }
    if (!good)
        zanni__etcd_topics_free (etcd);
    etcd->refused = over && good;   // not to be asked for again at once
    s_restart (etcd, etcd->refused ? S_REFUSED_MS : S_SOON_MS);
}

static void
s_on_look (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    (void) context;
    if (zanni__etcd_outcome (owner, answer, NULL, NULL) < 0)
        zanni__etcd_lost (owner, answer->text);
}

/* One that was cut is begun anew, and it is asked whether etcd is the one of before. */
static void
s_on_end (zanni__etcd_t *etcd, const zanni__etcd_answer_t *answer)
{
    bool stable = etcd->refused || zanni_now_ns (etcd->self) - etcd->stream_ns > S_STABLE_NS;
    etcd->stream = NULL;
    if (!stable || etcd->http.closed) {
        zanni__etcd_lost (etcd, answer->text);
        return;
    }
    s_restart (etcd, S_SOON_MS);
    json_t *txn = zanni__etcd_txn (etcd, json_array (), json_array (), json_array ());
    if (zanni__etcd_say (etcd, "/v3/kv/txn", txn, s_on_look, NULL))
        zanni__etcd_lost (etcd, answer->text);
}

static void
s_on_stream (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    (void) context;
    if (answer->more)
        s_on_line (owner, answer->json);
    else
        s_on_end (owner, answer);
}

/* From the revision of what was seen last, some of which may be to come. */
static json_t *
s_request (zanni__etcd_t *etcd)
{
    char all [ZANNI__ETCD_PREFIX + 16], behind [ZANNI__ETCD_KEY];
    uint64_t seen = etcd->seen - etcd->base;
    bool whole = (seen & ZANNI__ETCD_ALL) == ZANNI__ETCD_ALL;
    snprintf (all, sizeof all, "%sgroups/", etcd->place.prefix);
    zanni__etcd_behind (behind, all);
    etcd->revision = 0;
    return json_pack ("{s:{s:o, s:o, s:o, s:b, s:b}}", "create_request", "key", zanni__etcd_bytes (all), "range_end",
                      zanni__etcd_bytes (behind), "start_revision", zanni__etcd_decimal ((seen >> 16) + whole), "prev_kv", 1,
                      "fragment", 1);
}

int
zanni__etcd_stream (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    (void) msg;
    etcd->restart = 0;
    etcd->refused = false;
    if (etcd->stream)
        zanni__etcd_cancel (&etcd->http, etcd->stream);
    etcd->stream = NULL;
    etcd->stream_ns = zanni_now_ns (self);
    if (zanni__list_empty (&etcd->topics) || etcd->lost)
        return 0;
    const zanni__etcd_post_t post = { .path = "/v3/watch", .body = s_request (etcd), .then = s_on_stream };
    int rc = zanni__etcd_post (&etcd->http, &etcd->stream, &post);
    if (rc)
        zanni__etcd_lost (etcd, "changes in etcd cannot be watched");
    return rc;
}

/* What has changed in a group before it was followed. */
static void
s_take_over (zanni__etcd_t *etcd, s_topic_t *topic)
{
    for (zanni__link_t *next, *at = etcd->rest.changes.next; at != &etcd->rest.changes; at = next) {
        next = at->next;
        if (strcmp (ZANNI__CONTAINER (at, s_change_t, link)->folder, topic->folder))
            continue;
        zanni__link_remove (at);
        etcd->rest.count--;
        s_append (&topic->log, ZANNI__CONTAINER (at, s_change_t, link));
    }
}

/* The first one says from where on changes are told. */
static int
s_new (zanni__etcd_t *etcd, s_topic_t **topic_p, const char *folder, uint64_t version)
{
    s_topic_t *topic = etcd->topics_count < S_TOPICS_MOST ? calloc (1, sizeof *topic + strlen (folder) + 1) : NULL;
    if (!topic)
        return etcd->topics_count < S_TOPICS_MOST ? ZANNI_ENOMEM : ZANNI_EFULL;
    if (zanni__list_empty (&etcd->topics)) {
        etcd->rest.forgotten = etcd->seen = version;
        s_restart (etcd, S_SOON_MS);
    }
    strcpy (topic->folder, folder);
    zanni__link_init (&topic->waiters);
    zanni__link_init (&topic->log.changes);
    topic->log.forgotten = etcd->rest.forgotten;
    s_take_over (etcd, topic);
    zanni__list_append (&etcd->topics, &topic->link);
    etcd->topics_count++;
    *topic_p = topic;
    return 0;
}

static int
s_wait (zanni__etcd_t *etcd, s_topic_t *topic, zanni_msg_t *msg, uint64_t version)
{
    s_waiter_t *waiter = etcd->waiters_count < S_WAITERS_MOST ? calloc (1, sizeof *waiter) : NULL;
    if (!waiter)
        return etcd->waiters_count < S_WAITERS_MOST ? ZANNI_ENOMEM : ZANNI_EFULL;
    waiter->version = version;
    int rc = zanni_promise_new (etcd->self, &waiter->promise, msg);
    if (rc) {
        free (waiter);
        return rc;
    }
    zanni__list_append (&topic->waiters, &waiter->link);
    etcd->waiters_count++;
    return 0;
}

int
zanni__etcd_watch (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    char folder [ZANNI__ETCD_KEY];
    s_answer_t answer;
    const char *group;
    uint64_t version;
    int rc = etcd->base ? zanni_read (msg, &group, &version) : ZANNI_ENODE;
    if (!rc && !zanni__etcd_group_is_good (group))
        rc = ZANNI_EINVAL;
    if (!rc && (version <= etcd->base || (version - etcd->base) >> 62))
        rc = ZANNI_EGONE;
    if (rc)
        return rc;
    zanni__etcd_folder (folder, etcd->place.prefix, group);
    s_topic_t *topic = s_by_folder (etcd, folder);
    rc = topic ? 0 : s_new (etcd, &topic, folder, version);
    if (rc)
        return rc;
    topic->touched_ns = zanni_now_ns (self);
    if (version < topic->log.forgotten)
        return ZANNI_EGONE;
    s_changes (etcd, &answer, topic, version);
    rc = answer.version == version ? s_wait (etcd, topic, msg, version) : zanni_reply_args (self, msg, answer.args, 3);
    s_drop_answer (&answer);
    return rc;
}

/* Frees what nobody needs any more: promises in vain, groups that nobody has followed for long. */
void
zanni__etcd_topics_sweep (zanni__etcd_t *etcd)
{
    int64_t now_ns = zanni_now_ns (etcd->self);
    for (zanni__link_t *next, *at = etcd->topics.next; at != &etcd->topics; at = next) {
        s_topic_t *topic = ZANNI__CONTAINER (at, s_topic_t, link);
        next = at->next;
        for (zanni__link_t *after, *of = topic->waiters.next; of != &topic->waiters; of = after) {
            s_waiter_t *waiter = ZANNI__CONTAINER (of, s_waiter_t, link);
            after = of->next;
            if (zanni_promise_is_void (waiter->promise))
                s_end_waiter (etcd, waiter);
        }
        if (zanni__list_empty (&topic->waiters) && now_ns - topic->touched_ns > S_EMPTY_NS)
            s_free (etcd, topic);
    }
    if (zanni__list_empty (&etcd->topics) && etcd->stream)
        s_restart (etcd, S_SOON_MS);   // which ends it
}
