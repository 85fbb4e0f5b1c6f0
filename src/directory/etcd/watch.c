/* Changes. etcd tells them by one answer that does not end, for all groups that somebody watches; each is told from a
   revision on, so that it can be begun anew without a loss: when a group is added, which is how it is done, and when the
   connection was cut. The last changes of a group stay here, as in a registry, and who comes too late lists it anew; so
   does everybody whose group etcd has compacted.

   A revision may have many changes (a lease that ends takes all of its entries along), so a version is a revision and the
   number of a change in it, which is in the order that etcd tells them. Lines of the answer come from within curl, where
   nothing may be begun or ended; what follows from them is left to timers. */

#include "etcd.h"

#include <inttypes.h>
#include <stdio.h>

#define S_CHANGES_MOST 1024        // of a topic
#define S_TOPICS_MOST 4096
#define S_WAITERS_MOST 65536
#define S_EMPTY_NS INT64_C (60000000000)
#define S_GATHER_MS 10             // so many groups are added at once
#define S_STABLE_NS INT64_C (1000000000)

typedef struct {
    zanni__link_t link;
    uint64_t version;
    uint64_t id;
    char text [];                  // of the reference of what joined; "": it left
} s_change_t;

typedef struct {
    zanni__link_t link;
    uint64_t version;              // of the last change that it knows
    zanni_promise_t *promise;
} s_waiter_t;

typedef struct {
    zanni__link_t link;
    zanni__link_t changes;
    zanni__link_t waiters;
    uint64_t serial;               // the number of its watch; 0: etcd has refused to tell
    uint64_t forgotten;            // changes up to this version are not there
    uint64_t seen;                 // the last one that was told
    uint64_t revision;             // of what is being told
    uint64_t part;
    uint32_t changes_count;
    int64_t touched_ns;
    char folder [ZANNI__ETCD_KEY];
    char group [];
} s_topic_t;

static void
s_forget_first (s_topic_t *topic)
{
    s_change_t *change = ZANNI__CONTAINER (topic->changes.next, s_change_t, link);
    topic->forgotten = change->version;
    topic->changes_count--;
    zanni__link_remove (&change->link);
    free (change);
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
    while (!zanni__list_empty (&topic->changes))
        s_forget_first (topic);
    zanni__link_remove (&topic->link);
    etcd->topics_count--;
    free (topic);
}

static void
s_restart_soon (zanni__etcd_t *etcd)
{
    int rc = etcd->restart || etcd->lost ? 0 : zanni_timer (etcd->self, &etcd->restart, S_GATHER_MS, 0, "stream");
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

/* What follows `version`, as the arguments of an answer. What joined and is no reference is left out. */
static void
s_changes (zanni__etcd_t *etcd, s_answer_t *answer, const s_topic_t *topic, uint64_t version)
{
    *answer = (s_answer_t) { .version = version };
    for (zanni__link_t *at = topic->changes.next; at != &topic->changes && answer->count < ZANNI__ETCD_PAGE; at = at->next) {
        const s_change_t *change = ZANNI__CONTAINER (at, s_change_t, link);
        zanni_ref_t **ref_p = &answer->refs [answer->refs_count];
        if (change->version <= version)
            continue;
        answer->version = change->version;
        if (*change->text && zanni_ref_parse (etcd->self, ref_p, change->text))
            continue;
        if (*change->text)
            answer->joined [answer->refs_count++] = zanni_arg_ref (*ref_p);
        answer->pairs [answer->count] [0] = zanni_arg_uint (change->id);
        answer->pairs [answer->count] [1] = zanni_arg_bool (*change->text);
        answer->changes [answer->count] = zanni_arg_list (answer->pairs [answer->count], 2);
        answer->count++;
    }
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
        next = at->next;
        if (waiter->version >= topic->seen)
            continue;   // it knows that already: it has listed since
        bool late = waiter->version < topic->forgotten;
        s_changes (etcd, &answer, topic, waiter->version);
        int rc = late ? 0 : zanni_promise_reply_args (etcd->self, &waiter->promise, answer.args, 3);
        (void) rc;
        s_drop_answer (&answer);
        s_end_waiter (etcd, waiter);
    }
}

/* false: there is no memory. */
static bool
s_note (s_topic_t *topic, uint64_t id, const char *text)
{
    s_change_t *change = calloc (1, sizeof *change + strlen (text) + 1);
    if (!change)
        return false;
    change->version = topic->seen;
    change->id = id;
    strcpy (change->text, text);
    zanni__list_append (&topic->changes, &change->link);
    if (++topic->changes_count > S_CHANGES_MOST)
        s_forget_first (topic);
    return true;
}

/* An event; false: the group has to be listed anew. */
static bool
s_event (zanni__etcd_t *etcd, s_topic_t *topic, const json_t *event)
{
    zanni__etcd_entry_t entry, before;
    const char *type = json_string_value (json_object_get (event, "type"));
    bool gone = type && !strcmp (type, "DELETE");
    if (!zanni__etcd_read_entry (json_object_get (event, "kv"), &entry) || !entry.changed || entry.changed >> 46
        || entry.changed < topic->revision)
        return false;
    topic->part = entry.changed == topic->revision ? topic->part + 1 : 0;
    topic->revision = entry.changed;
    if (topic->part >= ZANNI__ETCD_ALL)
        return false;
    uint64_t version = zanni__etcd_version (etcd, topic->revision, topic->part);
    if (version <= topic->seen)
        return true;   // the answer has begun anew
    topic->seen = version;
    if (gone)
        return zanni__etcd_read_entry (json_object_get (event, "prev_kv"), &before) && before.created
               && s_note (topic, etcd->base + before.created, "");
    const char *text = entry.created == entry.changed && *entry.key ? zanni__etcd_ref_text (entry.value) : NULL;
    return !text || s_note (topic, etcd->base + entry.created, text);
}

static s_topic_t *
s_by_serial (const zanni__etcd_t *etcd, uint64_t serial)
{
    for (zanni__link_t *at = etcd->topics.next; at != &etcd->topics; at = at->next)
        if (ZANNI__CONTAINER (at, s_topic_t, link)->serial == serial)
            return ZANNI__CONTAINER (at, s_topic_t, link);
    return NULL;
}

static void
s_on_line (zanni__etcd_t *etcd, const json_t *line)
{
    const json_t *result = json_object_get (line, "result"), *event;
    uint64_t serial;
    size_t i;
    s_topic_t *topic = zanni__etcd_number (result, "watch_id", &serial) && serial ? s_by_serial (etcd, serial) : NULL;
    bool over = json_is_true (json_object_get (result, "canceled"));
    if (!topic)
        return;
    if (over && !json_object_get (result, "compact_revision")) {
        topic->serial = 0;   // who waits asks again when that is over, and not at once
        return;
    }
    bool good = !over;
    json_array_foreach (json_object_get (result, "events"), i, event)
        good = good && s_event (etcd, topic, event);
    if (good)
        s_tell_waiters (etcd, topic);
    else
        s_free (etcd, topic);
}

static void
s_on_beat (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    (void) context;
    if (zanni__etcd_outcome (owner, answer, NULL, NULL) < 0)
        zanni__etcd_lost (owner, answer->text);
}

/* One that was cut is begun anew, and it is asked whether etcd is the one of before. */
static void
s_on_end (zanni__etcd_t *etcd, const zanni__etcd_answer_t *answer)
{
    bool stable = zanni_now_ns (etcd->self) - etcd->stream_ns > S_STABLE_NS;
    etcd->stream = NULL;
    if (!stable || etcd->http.closed) {
        zanni__etcd_lost (etcd, answer->text);
        return;
    }
    s_restart_soon (etcd);
    json_t *txn = zanni__etcd_txn (etcd, json_array (), json_array (), json_array ());
    if (zanni__etcd_say (etcd, "/v3/kv/txn", txn, s_on_beat, NULL))
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
s_request (const zanni__etcd_t *etcd, s_topic_t *topic)
{
    char behind [ZANNI__ETCD_KEY];
    uint64_t seen = topic->seen - etcd->base;
    zanni__etcd_behind (behind, topic->folder);
    topic->revision = 0;
    return json_pack ("{s:{s:o, s:o, s:o, s:o, s:b, s:b}}", "create_request", "key", zanni__etcd_bytes (topic->folder),
                      "range_end", zanni__etcd_bytes (behind), "watch_id", zanni__etcd_decimal (topic->serial),
                      "start_revision", zanni__etcd_decimal ((seen >> 16) + ((seen & ZANNI__ETCD_ALL) == ZANNI__ETCD_ALL)),
                      "prev_kv", 1, "fragment", 1);
}

int
zanni__etcd_stream (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    json_t *body = json_array ();
    int rc = body ? 0 : ZANNI_ENOMEM;
    (void) msg;
    etcd->restart = 0;
    if (etcd->stream)
        zanni__etcd_cancel (&etcd->http, etcd->stream);
    etcd->stream = NULL;
    etcd->stream_ns = zanni_now_ns (self);
    for (zanni__link_t *at = etcd->topics.next; at != &etcd->topics && !rc; at = at->next) {
        s_topic_t *topic = ZANNI__CONTAINER (at, s_topic_t, link);
        if (topic->serial)
            rc = json_array_append_new (body, s_request (etcd, topic)) ? ZANNI_ENOMEM : 0;
    }
    if (rc || !json_array_size (body)) {
        json_decref (body);
        body = NULL;
    }
    const zanni__etcd_post_t post = { .path = "/v3/watch", .body = body, .then = s_on_stream };
    if (body)
        rc = zanni__etcd_post (&etcd->http, &etcd->stream, &post);
    if (rc)
        zanni__etcd_lost (etcd, "changes in etcd cannot be watched");
    return rc;
}

static int
s_new (zanni__etcd_t *etcd, s_topic_t **topic_p, const char *group, uint64_t version)
{
    s_topic_t *topic = etcd->topics_count < S_TOPICS_MOST ? calloc (1, sizeof *topic + strlen (group) + 1) : NULL;
    if (!topic)
        return etcd->topics_count < S_TOPICS_MOST ? ZANNI_ENOMEM : ZANNI_EFULL;
    topic->serial = ++etcd->topics_serial;
    topic->forgotten = topic->seen = version;
    strcpy (topic->group, group);
    zanni__etcd_folder (topic->folder, etcd->place.prefix, group);
    zanni__link_init (&topic->changes);
    zanni__link_init (&topic->waiters);
    zanni__list_append (&etcd->topics, &topic->link);
    etcd->topics_count++;
    s_restart_soon (etcd);
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
    s_topic_t *topic = NULL;
    s_answer_t answer;
    const char *group;
    uint64_t version;
    int rc = etcd->base ? zanni_read (msg, &group, &version) : ZANNI_ENODE;
    if (!rc && !zanni__etcd_group_is_good (group))
        rc = ZANNI_EINVAL;
    if (!rc && (version <= etcd->base || (version - etcd->base) >> 62))
        rc = ZANNI_EGONE;
    for (zanni__link_t *at = etcd->topics.next; !rc && !topic && at != &etcd->topics; at = at->next)
        if (!strcmp (ZANNI__CONTAINER (at, s_topic_t, link)->group, group))
            topic = ZANNI__CONTAINER (at, s_topic_t, link);
    if (!rc && topic && !topic->serial) {
        s_free (etcd, topic);
        topic = NULL;
    }
    if (!rc && !topic)
        rc = s_new (etcd, &topic, group, version);
    if (rc || version < topic->forgotten)
        return rc ? rc : ZANNI_EGONE;
    topic->touched_ns = zanni_now_ns (self);
    if (version >= topic->seen)
        return s_wait (etcd, topic, msg, version);
    s_changes (etcd, &answer, topic, version);
    rc = answer.version == version ? s_wait (etcd, topic, msg, version) : zanni_reply_args (self, msg, answer.args, 3);
    s_drop_answer (&answer);
    return rc;
}

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
        if (!zanni__list_empty (&topic->waiters) || now_ns - topic->touched_ns <= S_EMPTY_NS)
            continue;
        s_free (etcd, topic);
        s_restart_soon (etcd);
    }
}

void
zanni__etcd_topics_free (zanni__etcd_t *etcd)
{
    while (!zanni__list_empty (&etcd->topics))
        s_free (etcd, ZANNI__CONTAINER (etcd->topics.next, s_topic_t, link));
}
