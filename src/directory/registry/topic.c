/* The groups of a registry. Every change has a number, which counts up through all groups from a random beginning;
   what joined by a change has that number as its id. The last changes of a group stay, so that who asks again soon
   misses none, even what joined and left between; who comes too late lists the group anew.

   An empty group stays, too, with its changes, for a while: else who watches it would miss what is begun and ended
   between two asks. Pages are small, since a record has to fit into a frame with the addresses of all references. */

#include "topic.h"

#include "../../base/memory.h"

#include <string.h>

#define S_CHANGES_MOST 1024        // of a topic
#define S_TOPICS_MOST 65536
#define S_ENTRIES_MOST 262144
#define S_WAITERS_MOST 65536
#define S_EMPTY_NS INT64_C (60000000000)

typedef struct {
    zanni__link_t link;
    uint64_t version;
    uint64_t id;
    zanni_ref_t *ref;     // of what joined; NULL: it left
} s_change_t;

typedef struct {
    zanni__link_t link;
    zanni_promise_t *promise;
} s_waiter_t;

zanni__topic_t *
zanni__topic_find (const zanni__topics_t *topics, const char *name)
{
    size_t size = strlen (name);
    uint64_t hash = zanni__directory_hash (name, size);
    zanni__entry_t *at = zanni__table_find (&topics->table, hash);
    for (; at; at = zanni__table_again (at->next, hash)) {
        zanni__topic_t *topic = ZANNI__CONTAINER (at, zanni__topic_t, entry);
        if (topic->size == size && !memcmp (topic->name, name, size))
            return topic;
    }
    return NULL;
}

int
zanni__topic_get (zanni_t *self, zanni__topics_t *topics, zanni__topic_t **topic_p, const char *name)
{
    zanni__topic_t *topic = zanni__topic_find (topics, name);
    size_t size = strlen (name);
    if (!topic && topics->topics == S_TOPICS_MOST)
        return ZANNI_EFULL;
    if (!topic) {
        topic = zanni__calloc (sizeof *topic + size + 1);
        if (!topic)
            return ZANNI_ENOMEM;
        memcpy (topic->name, name, size);
        topic->size = size;
        topic->forgotten = topics->swept;
        zanni__link_init (&topic->entries);
        zanni__link_init (&topic->changes);
        zanni__link_init (&topic->waiters);
        if (!zanni__table_put (&topics->table, &topic->entry, zanni__directory_hash (name, size))) {
            zanni__free (topic);
            return ZANNI_ENOMEM;
        }
        zanni__list_append (&topics->all, &topic->link);
        topics->topics++;
    }
    topic->touched_ns = zanni_now_ns (self);
    *topic_p = topic;
    return 0;
}

static void
s_forget_first (zanni__topic_t *topic)
{
    s_change_t *change = ZANNI__CONTAINER (topic->changes.next, s_change_t, link);
    zanni__link_remove (&change->link);
    topic->forgotten = change->version;
    topic->changes_count--;
    zanni_ref_destroy (&change->ref);
    zanni__free (change);
}

static void
s_end_waiter (zanni__topics_t *topics, s_waiter_t *waiter)
{
    zanni__link_remove (&waiter->link);
    zanni_promise_destroy (&waiter->promise);
    zanni__free (waiter);
    topics->waiters--;
}

/* Changes as the arguments of an answer. */
typedef struct {
    size_t count;
    size_t joined;
    zanni_arg_t pairs [ZANNI__PAGE] [2];
    zanni_arg_t changes [ZANNI__PAGE];
    zanni_arg_t refs [ZANNI__PAGE];
    zanni_arg_t args [3];
} s_answer_t;

static void
s_add_change (s_answer_t *answer, const s_change_t *change)
{
    zanni_arg_t *pair = answer->pairs [answer->count];
    pair [0] = zanni_arg_uint (change->id);
    pair [1] = zanni_arg_bool (change->ref != NULL);
    answer->changes [answer->count++] = zanni_arg_list (pair, 2);
    if (change->ref)
        answer->refs [answer->joined++] = zanni_arg_ref (change->ref);
    answer->args [0] = zanni_arg_uint (change->version);
    answer->args [1] = zanni_arg_list (answer->changes, answer->count);
    answer->args [2] = zanni_arg_list (answer->refs, answer->joined);
}

/* Who waits knows all changes but this one, the first that came since. NULL, or without memory to answer: the promise is
   dropped, and who asked asks anew. */
static void
s_tell_waiters (zanni_t *self, zanni__topics_t *topics, zanni__topic_t *topic, const s_change_t *change)
{
    s_answer_t answer;
    answer.count = answer.joined = 0;
    if (change)
        s_add_change (&answer, change);
    while (!zanni__list_empty (&topic->waiters)) {
        s_waiter_t *waiter = ZANNI__CONTAINER (topic->waiters.next, s_waiter_t, link);
        int rc = change ? zanni_promise_reply_args (self, &waiter->promise, answer.args, 3) : 0;
        (void) rc;
        s_end_waiter (topics, waiter);
    }
}

/* Takes `ref` over. Without memory nothing is known of the past any more. */
static void
s_note (zanni_t *self, zanni__topics_t *topics, zanni__topic_t *topic, uint64_t id, zanni_ref_t *ref)
{
    s_change_t *change = zanni__calloc (sizeof *change);
    if (change) {
        *change = (s_change_t) { .version = topics->version, .id = id, .ref = ref };
        zanni__list_append (&topic->changes, &change->link);
        topic->changes_count++;
    } else
        zanni_ref_destroy (&ref);
    while (topic->changes_count > (change ? S_CHANGES_MOST : 0))
        s_forget_first (topic);
    if (!change)
        topic->forgotten = topics->version;
    topic->touched_ns = zanni_now_ns (self);
    s_tell_waiters (self, topics, topic, change);
}

int
zanni__topic_add (zanni_t *self, zanni__topics_t *topics, zanni__topic_t *topic, zanni__offered_t **offered_p,
                  const zanni_ref_t *ref)
{
    if (topics->entries == S_ENTRIES_MOST)
        return ZANNI_EFULL;
    zanni__offered_t *offered = zanni__calloc (sizeof *offered);
    zanni_ref_t *copy = NULL;
    if (!offered)
        return ZANNI_ENOMEM;
    int rc = zanni_ref_weak (self, &offered->ref, ref);
    if (!rc)
        rc = zanni_ref_weak (self, &copy, ref);
    if (rc) {
        zanni_ref_destroy (&offered->ref);
        zanni__free (offered);
        return rc;
    }
    offered->topic = topic;
    offered->id = ++topics->version;
    zanni__link_init (&offered->of_client);
    zanni__list_append (&topic->entries, &offered->link);
    topics->entries++;
    s_note (self, topics, topic, offered->id, copy);
    *offered_p = offered;
    return 0;
}

void
zanni__topic_remove (zanni_t *self, zanni__topics_t *topics, zanni__offered_t *offered)
{
    zanni__topic_t *topic = offered->topic;
    uint64_t id = offered->id;
    zanni__link_remove (&offered->link);
    zanni__link_remove (&offered->of_client);
    zanni_ref_destroy (&offered->ref);
    zanni__free (offered);
    topics->entries--;
    topics->version++;
    s_note (self, topics, topic, id, NULL);
}

int
zanni__topic_list (zanni_t *self, zanni_msg_t *msg, const zanni__topics_t *topics, const zanni__topic_t *topic,
                   uint64_t after)
{
    zanni_arg_t ids [ZANNI__PAGE], refs [ZANNI__PAGE];
    size_t count = 0;
    bool more = false;
    for (zanni__link_t *at = topic ? topic->entries.next : NULL; topic && at != &topic->entries; at = at->next) {
        const zanni__offered_t *offered = ZANNI__CONTAINER (at, zanni__offered_t, link);
        if (offered->id <= after)
            continue;
        more = count == ZANNI__PAGE;
        if (more)
            break;
        ids [count] = zanni_arg_uint (offered->id);
        refs [count++] = zanni_arg_ref (offered->ref);
    }
    return zanni_reply (self, msg, topics->version, more, zanni_arg_list (ids, count), zanni_arg_list (refs, count));
}

int
zanni__topic_watch (zanni_t *self, zanni_msg_t *msg, zanni__topics_t *topics, zanni__topic_t *topic, uint64_t version)
{
    s_answer_t answer;
    answer.count = answer.joined = 0;
    if (version < topic->forgotten || version > topics->version)
        return ZANNI_EGONE;
    for (zanni__link_t *at = topic->changes.next; at != &topic->changes && answer.count < ZANNI__PAGE; at = at->next) {
        const s_change_t *change = ZANNI__CONTAINER (at, s_change_t, link);
        if (change->version > version)
            s_add_change (&answer, change);
    }
    if (answer.count)
        return zanni_reply_args (self, msg, answer.args, 3);
    if (topics->waiters == S_WAITERS_MOST)
        return ZANNI_EFULL;
    s_waiter_t *waiter = zanni__calloc (sizeof *waiter);
    if (!waiter)
        return ZANNI_ENOMEM;
    int rc = zanni_promise_new (self, &waiter->promise, msg);
    if (rc) {
        zanni__free (waiter);
        return rc;
    }
    zanni__list_append (&topic->waiters, &waiter->link);
    topics->waiters++;
    return 0;
}

static void
s_free_topic (zanni__topics_t *topics, zanni__topic_t *topic)
{
    while (!zanni__list_empty (&topic->waiters))
        s_end_waiter (topics, ZANNI__CONTAINER (topic->waiters.next, s_waiter_t, link));
    while (!zanni__list_empty (&topic->changes))
        s_forget_first (topic);
    zanni__table_remove (&topics->table, &topic->entry);
    zanni__link_remove (&topic->link);
    zanni__free (topic);
    topics->topics--;
}

void
zanni__topics_sweep (zanni_t *self, zanni__topics_t *topics)
{
    int64_t now_ns = zanni_now_ns (self);
    for (zanni__link_t *next, *at = topics->all.next; at != &topics->all; at = next) {
        zanni__topic_t *topic = ZANNI__CONTAINER (at, zanni__topic_t, link);
        next = at->next;
        for (zanni__link_t *after, *of = topic->waiters.next; of != &topic->waiters; of = after) {
            s_waiter_t *waiter = ZANNI__CONTAINER (of, s_waiter_t, link);
            after = of->next;
            if (zanni_promise_is_void (waiter->promise))
                s_end_waiter (topics, waiter);
        }
        bool used = !zanni__list_empty (&topic->entries) || !zanni__list_empty (&topic->waiters);
        if (used || now_ns - topic->touched_ns <= S_EMPTY_NS)
            continue;
        s_free_topic (topics, topic);
        topics->swept = topics->version;
    }
}

/* Promises that are dropped are answered `no reply`: who watches lists again, and finds that the registry has ended. */
void
zanni__topics_hush (zanni__topics_t *topics)
{
    for (zanni__link_t *at = topics->all.next; at != &topics->all; at = at->next) {
        zanni__topic_t *topic = ZANNI__CONTAINER (at, zanni__topic_t, link);
        while (!zanni__list_empty (&topic->waiters))
            s_end_waiter (topics, ZANNI__CONTAINER (topic->waiters.next, s_waiter_t, link));
    }
}

/* Of a registry that ends; entries are the clients' to free before. */
void
zanni__topics_free (zanni__topics_t *topics)
{
    while (!zanni__list_empty (&topics->all))
        s_free_topic (topics, ZANNI__CONTAINER (topics->all.next, zanni__topic_t, link));
    zanni__table_free (&topics->table);
}
