/* The actor of a registry, on a worker of the pool: everything is in its memory, and nobody waits for anything but
   changes.

   Its clients are the agents of handles (sys/directory.h). A client is known from its first entry on, is watched
   by a monitor, which tells of its end and of that of its node, and has a lease besides, so that what a monitor
   never tells of does not stay. One timer for all of them goes off when the first lease may be over; who renewed
   meanwhile is passed over. */

#include "registry.h"
#include "topic.h"

#include "../../base/memory.h"

#define S_CLIENTS_MOST 65536
#define S_SWEEP_MS 10000   // at the latest, what nobody needs is looked for

typedef struct {
    zanni__entry_t entry;      // by its number
    zanni__link_t link;        // among all
    zanni__link_t offered;
    zanni__table_t numbers;    // of the same, by their number
    zanni__entry_t monitored;
    uint64_t monitor;
    int64_t due_ns;
    zanni_ref_t *agent;
} s_client_t;

typedef struct {
    zanni__topics_t topics;
    zanni__table_t clients;
    zanni__table_t monitors;   // of the same, by their monitor
    zanni__link_t all;
    uint32_t clients_count;
    int64_t due_ns;            // of the timer
    uint64_t timer;
    zanni_ref_t *own;          // of one that stays as long as its node
} s_registry_t;

static int
s_set_timer (zanni_t *self, s_registry_t *registry, int64_t due_ns)
{
    int64_t now_ns = zanni_now_ns (self);
    if (registry->timer && registry->due_ns <= due_ns && registry->due_ns > now_ns)
        return 0;
    int rc = registry->timer ? zanni_timer_cancel (self, registry->timer) : 0;
    registry->timer = 0;
    int64_t after_ms = due_ns > now_ns ? (due_ns - now_ns) / 1000000 + 1 : 1;
    if (!rc)
        rc = zanni_timer (self, &registry->timer, after_ms, 0, "zanni.due");
    registry->due_ns = due_ns;
    return rc;
}

/* NULL: it is not known; also where somebody else says that number. */
static s_client_t *
s_find (const s_registry_t *registry, const zanni_msg_t *msg, uint64_t number)
{
    zanni__entry_t *at = zanni__table_find (&registry->clients, number);
    for (; at; at = zanni__table_again (at->next, number)) {
        s_client_t *client = ZANNI__CONTAINER (at, s_client_t, entry);
        if (zanni_ref_equal (client->agent, zanni_msg_from (msg)))
            return client;
    }
    return NULL;
}

static void
s_take_out (zanni_t *self, s_client_t *client, zanni__offered_t *offered)
{
    s_registry_t *registry = zanni_state (self);
    zanni__table_remove (&client->numbers, &offered->numbered);
    zanni__topic_remove (self, &registry->topics, offered);
}

static void
s_end_client (zanni_t *self, s_client_t *client)
{
    s_registry_t *registry = zanni_state (self);
    while (!zanni__list_empty (&client->offered))
        s_take_out (self, client, ZANNI__CONTAINER (client->offered.next, zanni__offered_t, of_client));
    int rc = client->monitor ? zanni_demonitor (self, client->monitor) : 0;
    (void) rc;   // one that has fired is over
    if (client->monitored.hash)
        zanni__table_remove (&registry->monitors, &client->monitored);
    zanni__table_free (&client->numbers);
    zanni__table_remove (&registry->clients, &client->entry);
    zanni__link_remove (&client->link);
    zanni_ref_destroy (&client->agent);
    zanni__free (client);
    registry->clients_count--;
}

static int
s_new_client (zanni_t *self, s_client_t **client_p, const zanni_msg_t *msg, uint64_t number)
{
    s_registry_t *registry = zanni_state (self);
    s_client_t *client = registry->clients_count < S_CLIENTS_MOST ? zanni__calloc (sizeof *client) : NULL;
    if (!client)
        return registry->clients_count < S_CLIENTS_MOST ? ZANNI_ENOMEM : ZANNI_EFULL;
    if (!zanni__table_put (&registry->clients, &client->entry, number)) {
        zanni__free (client);
        return ZANNI_ENOMEM;
    }
    zanni__list_append (&registry->all, &client->link);
    zanni__link_init (&client->offered);
    registry->clients_count++;
    int rc = zanni_ref_weak (self, &client->agent, zanni_msg_from (msg));
    if (!rc)
        rc = zanni_monitor (self, &client->monitor, client->agent);
    if (!rc && !zanni__table_put (&registry->monitors, &client->monitored, zanni__spread (client->monitor)))
        rc = ZANNI_ENOMEM;
    if (rc)
        s_end_client (self, client);
    else
        *client_p = client;
    return rc;
}

static int
s_renew (zanni_t *self, s_client_t *client, uint32_t lease_ms)
{
    if (lease_ms < ZANNI__LEASE_LEAST_MS || lease_ms > ZANNI__LEASE_MOST_MS)
        return ZANNI_EINVAL;
    client->due_ns = zanni_now_ns (self) + INT64_C (1000000) * lease_ms;
    return s_set_timer (self, zanni_state (self), client->due_ns);
}

static zanni__offered_t *
s_offered (const s_client_t *client, uint64_t number)
{
    zanni__entry_t *at = zanni__table_find (&client->numbers, zanni__spread (number));
    return at ? ZANNI__CONTAINER (at, zanni__offered_t, numbered) : NULL;
}

typedef struct {
    uint64_t client;
    uint64_t number;
    const char *group;
    bool alone;
    uint32_t lease_ms;
    const zanni_ref_t *ref;
} s_put_t;

/* Refuses what may not be beside what is there. */
static int
s_check (zanni_t *self, zanni_msg_t *msg, const zanni__topic_t *topic, const s_put_t *put)
{
    if (zanni__list_empty (&topic->entries))
        return 0;
    const zanni__offered_t *first = ZANNI__CONTAINER (topic->entries.next, zanni__offered_t, link);
    if (first->alone)
        return zanni__directory_refuse (self, msg, ZANNI_EINUSE, "the name \"%.150s\" is held by somebody else",
                                        put->group);
    if (put->alone)
        return zanni__directory_refuse (self, msg, ZANNI_EINUSE,
                                        "\"%.150s\" is a group that has members, so it can be no name",
                                        put->group);
    return 0;
}

static int
s_place (zanni_t *self, zanni_msg_t *msg, s_client_t *client, const s_put_t *put)
{
    s_registry_t *registry = zanni_state (self);
    zanni__topic_t *topic;
    zanni__offered_t *offered;
    int rc = zanni__topic_get (self, &registry->topics, &topic, put->group);
    if (!rc)
        rc = s_check (self, msg, topic, put);
    if (!rc)
        rc = zanni__topic_add (self, &registry->topics, topic, &offered, put->ref);
    if (rc)
        return rc;
    offered->number = put->number;
    offered->alone = put->alone;
    if (!zanni__table_put (&client->numbers, &offered->numbered, zanni__spread (put->number))) {
        zanni__topic_remove (self, &registry->topics, offered);
        return ZANNI_ENOMEM;
    }
    zanni__list_append (&client->offered, &offered->of_client);
    return 0;
}

static int
s_put (zanni_t *self, zanni_msg_t *msg)
{
    s_put_t put;
    int rc = zanni_read (msg, &put.client, &put.number, &put.group, &put.alone, &put.lease_ms, &put.ref);
    if (!rc && !zanni__group_is_good (put.group))
        rc = ZANNI_EINVAL;
    if (rc)
        return rc;
    s_client_t *client = s_find (zanni_state (self), msg, put.client);
    rc = client ? 0 : s_new_client (self, &client, msg, put.client);
    if (rc)
        return rc;
    rc = s_renew (self, client, put.lease_ms);
    if (!rc && !s_offered (client, put.number))
        rc = s_place (self, msg, client, &put);
    if (rc && zanni__list_empty (&client->offered))
        s_end_client (self, client);
    return rc ? rc : zanni_reply (self, msg);
}

static int
s_drop (zanni_t *self, zanni_msg_t *msg)
{
    const s_registry_t *registry = zanni_state (self);
    uint64_t number, which;
    int rc = zanni_read (msg, &number, &which);
    if (rc)
        return rc;
    s_client_t *client = s_find (registry, msg, number);
    zanni__offered_t *offered = client ? s_offered (client, which) : NULL;
    if (offered)
        s_take_out (self, client, offered);
    if (client && zanni__list_empty (&client->offered))
        s_end_client (self, client);
    return zanni_reply (self, msg);
}

static int
s_on_renew (zanni_t *self, zanni_msg_t *msg)
{
    uint64_t number;
    uint32_t lease_ms;
    int rc = zanni_read (msg, &number, &lease_ms);
    if (rc)
        return rc;
    s_client_t *client = s_find (zanni_state (self), msg, number);
    rc = client ? s_renew (self, client, lease_ms) : ZANNI_EGONE;
    return rc ? rc : zanni_reply (self, msg);
}

static int
s_lookup (zanni_t *self, zanni_msg_t *msg)
{
    const s_registry_t *registry = zanni_state (self);
    const char *group;
    int rc = zanni_read (msg, &group);
    if (rc)
        return rc;
    const zanni__topic_t *topic = zanni__topic_find (&registry->topics, group);
    if (!topic || zanni__list_empty (&topic->entries))
        return zanni__directory_refuse (self, msg, ZANNI_EGONE, "nobody is known as \"%.150s\"", group);
    return zanni_reply (self, msg, ZANNI__CONTAINER (topic->entries.next, zanni__offered_t, link)->ref);
}

static int
s_list (zanni_t *self, zanni_msg_t *msg)
{
    const s_registry_t *registry = zanni_state (self);
    const char *group;
    uint64_t after;
    int rc = zanni_read (msg, &group, &after);
    if (rc)
        return rc;
    return zanni__topic_list (self, msg, &registry->topics, zanni__topic_find (&registry->topics, group), after);
}

static int
s_watch (zanni_t *self, zanni_msg_t *msg)
{
    s_registry_t *registry = zanni_state (self);
    const char *group;
    uint64_t version;
    zanni__topic_t *topic;
    int rc = zanni_read (msg, &group, &version);
    if (!rc && !zanni__group_is_good (group))
        rc = ZANNI_EINVAL;
    if (rc)
        return rc;
    rc = zanni__topic_get (self, &registry->topics, &topic, group);
    if (!rc)
        rc = s_set_timer (self, registry, zanni_now_ns (self) + INT64_C (1000000) * S_SWEEP_MS);
    return rc ? rc : zanni__topic_watch (self, msg, &registry->topics, topic, version);
}

/* One that nobody holds but itself: it lives as long as its node. */
static int
s_stay (zanni_t *self, zanni_msg_t *msg)
{
    s_registry_t *registry = zanni_state (self);
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    if (rc || registry->own || !zanni_ref_equal (ref, zanni_self (self)))
        return rc;
    return zanni_ref_keep (self, &registry->own, ref);
}

static int
s_due (zanni_t *self, zanni_msg_t *msg)
{
    s_registry_t *registry = zanni_state (self);
    int64_t now_ns = zanni_now_ns (self);
    int64_t due_ns = now_ns + INT64_C (1000000) * S_SWEEP_MS;
    (void) msg;
    registry->timer = 0;
    for (zanni__link_t *next, *at = registry->all.next; at != &registry->all; at = next) {
        s_client_t *client = ZANNI__CONTAINER (at, s_client_t, link);
        next = at->next;
        if (client->due_ns <= now_ns)
            s_end_client (self, client);
        else if (client->due_ns < due_ns)
            due_ns = client->due_ns;
    }
    zanni__topics_sweep (self, &registry->topics);
    bool idle = zanni__list_empty (&registry->all) && zanni__list_empty (&registry->topics.all);
    return idle ? 0 : s_set_timer (self, registry, due_ns);
}

static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    const s_registry_t *registry = zanni_state (self);
    zanni__entry_t *at = zanni__table_find (&registry->monitors, zanni__spread (down->monitor));
    if (at)
        s_end_client (self, ZANNI__CONTAINER (at, s_client_t, monitored));
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_registry_t *registry = zanni_state (self);
    const zanni_clock_t *clock = &self->worker->node->clock;
    (void) msg;
    zanni__link_init (&registry->all);
    zanni__link_init (&registry->topics.all);
    int rc = clock->random (clock->context, &registry->topics.version, sizeof registry->topics.version);
    registry->topics.version >>= 2;   // room to count; never 0
    registry->topics.swept = ++registry->topics.version;
    return rc;
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    s_registry_t *registry = zanni_state (self);
    (void) reason;
    zanni__topics_hush (&registry->topics);
    while (!zanni__list_empty (&registry->all))
        s_end_client (self, ZANNI__CONTAINER (registry->all.next, s_client_t, link));
    zanni__topics_free (&registry->topics);
    zanni__table_free (&registry->clients);
    zanni__table_free (&registry->monitors);
    zanni_ref_destroy (&registry->own);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("put", "ttsbur", "", s_put, "An entry of a client's in a group, which is alone there or not."),
    ZANNI_METHOD ("drop", "tt", "", s_drop, "Takes it out."),
    ZANNI_METHOD ("renew", "tu", "", s_on_renew, "A client's lease."),
    ZANNI_METHOD ("lookup", "s", "r", s_lookup, "The eldest of a group."),
    ZANNI_METHOD ("list", "st", "tbatar", s_list, "Those of a group behind an id."),
    ZANNI_METHOD ("watch", "st", "ta(tb)ar", s_watch, "Answers when there are later changes than that version."),
    ZANNI_METHOD ("stay", "r", "", s_stay, "Its own strong reference, so that it stays."),
    ZANNI_PRIVATE ("zanni.due", "", "", s_due, "A lease may be over."),
    ZANNI_METHOD_END
};

static const zanni_class_t s_definition = {
    .name = ZANNI__REGISTRY, .state_size = sizeof (s_registry_t), .methods = s_methods, .start = s_start,
    .stop = s_stop,
    .down = s_down, .text = "Knows who offers which name or group."
};

static zanni__own_class_t s_class = { .definition = &s_definition };

int
zanni__registry_spawn (zanni_t *self, zanni_ref_t **ref_p)
{
    static const zanni_spawn_t options = { .place = ZANNI_SHARED, .mailbox_messages = 65536 };
    const zanni__words_t words = { NULL, NULL, 0 };
    const zanni__class_t *cls;
    int rc = zanni__class_own (&cls, &s_class);
    return rc ? rc : zanni__spawn (self, ref_p, cls, &options, &words);
}
