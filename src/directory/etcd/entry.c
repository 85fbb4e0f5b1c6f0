/* What clients put and drop. A client has a slot for each key, where what is to be done stands in a row: so that what was
   dropped and put again at once goes in that order, while different keys go beside each other.

   A put is a transaction: a name, if its folder is empty; a member, if its folder has no name. Where that does not hold,
   the same transaction says what is there, which may be the very entry: then all is well, for puts are repeated. An etcd
   whose space is used up refuses it before it looks, so it is asked again without the put. A drop takes out what belongs to
   the client's lease, and so never what somebody else has taken meanwhile. */

#include "etcd.h"

#include <inttypes.h>
#include <stdio.h>

#define S_SLOTS_MOST 8192      // of a client
#define S_TRIES 3

typedef struct {
    zanni__link_t link;
    bool drop;
    bool looks;                // does not put, but sees whether it is there
    uint32_t tries;
    uint64_t number;
    zanni_msg_t *msg;          // or NULL: nobody asked for it
    char value [];             // of a put
} s_op_t;

typedef struct {
    zanni__link_t link;
    zanni__etcd_client_t *client;
    zanni__link_t ops;         // the first of them is under way, if `busy`
    bool busy;
    bool leaving;              // the last of them drops
    bool doubted;              // its agent has to put it again
    bool alone;
    uint64_t number;           // of the last put; 0: not known
    char *group;               // behind the key; "" where that is not known
    char key [];
} s_slot_t;

static s_slot_t *
s_by_key (const zanni__etcd_client_t *client, const char *key)
{
    for (zanni__link_t *at = client->slots.prev; at != &client->slots; at = at->prev)
        if (!strcmp (ZANNI__CONTAINER (at, s_slot_t, link)->key, key))
            return ZANNI__CONTAINER (at, s_slot_t, link);
    return NULL;
}

static s_slot_t *
s_by_number (const zanni__etcd_client_t *client, uint64_t number)
{
    for (zanni__link_t *at = client->slots.prev; at != &client->slots; at = at->prev) {
        s_slot_t *slot = ZANNI__CONTAINER (at, s_slot_t, link);
        if (slot->number == number && !slot->leaving)
            return slot;
    }
    return NULL;
}

static void
s_end_op (s_op_t *op)
{
    zanni__link_remove (&op->link);
    zanni_msg_destroy (&op->msg);
    free (op);
}

static void
s_free (s_slot_t *slot)
{
    while (!zanni__list_empty (&slot->ops))
        s_end_op (ZANNI__CONTAINER (slot->ops.next, s_op_t, link));
    zanni__link_remove (&slot->link);
    slot->client->slots_count--;
    free (slot);
}

static int
s_new_slot (zanni__etcd_client_t *client, s_slot_t **slot_p, const char *key, const char *group)
{
    size_t size = strlen (key) + 1;
    bool full = client->slots_count == S_SLOTS_MOST;
    s_slot_t *slot = full ? NULL : calloc (1, sizeof *slot + size + strlen (group) + 1);
    if (!slot)
        return full ? ZANNI_EFULL : ZANNI_ENOMEM;
    slot->client = client;
    slot->group = slot->key + size;
    memcpy (slot->key, key, size);
    strcpy (slot->group, group);
    zanni__link_init (&slot->ops);
    zanni__list_append (&client->slots, &slot->link);
    client->slots_count++;
    *slot_p = slot;
    return 0;
}

/* One more thing to do; `msg` may be NULL, and is kept. */
static int
s_add (s_slot_t *slot, zanni_msg_t *msg, uint64_t number, const char *value)
{
    s_op_t *op = calloc (1, sizeof *op + (value ? strlen (value) : 0) + 1);
    int rc = op ? 0 : ZANNI_ENOMEM;
    if (!rc && msg)
        rc = zanni_msg_keep (&op->msg, msg);
    if (rc) {
        free (op);
        return rc;
    }
    op->drop = !value;
    op->number = number;
    strcpy (op->value, value ? value : "");
    zanni__list_append (&slot->ops, &op->link);
    slot->leaving = op->drop;
    return 0;
}

static void s_next (s_slot_t *slot);

/* The first is done; what is left of a slot without an entry goes. */
static void
s_done (s_slot_t *slot, bool there)
{
    s_end_op (ZANNI__CONTAINER (slot->ops.next, s_op_t, link));
    if (zanni__list_empty (&slot->ops) && !there)
        s_free (slot);
    else
        s_next (slot);
}

static void
s_fail (s_slot_t *slot, int code, const char *text)
{
    s_op_t *op = ZANNI__CONTAINER (slot->ops.next, s_op_t, link);
    zanni__etcd_refuse (slot->client->etcd, &op->msg, code == ZANNI_ENOSPACE ? ZANNI_EFULL : code, text);
    s_done (slot, op->drop);   // of a drop that failed nothing is known
}

static void
s_fail_in_use (s_slot_t *slot, bool members)
{
    char text [232];
    snprintf (text, sizeof text, members ? "\"%.150s\" is a group that has members, so it can be no name"
              : "the name \"%.150s\" is held by somebody else", slot->group);
    s_fail (slot, ZANNI_EINUSE, text);
}

/* One of its client's that was given up is in the way: out with it, before the first. */
static int
s_drop_first (s_slot_t *slot)
{
    bool leaving = slot->leaving;
    int rc = s_add (slot, NULL, 0, NULL);
    if (rc)
        return rc;
    zanni__link_t *drop = slot->ops.prev;
    zanni__link_remove (drop);
    zanni__list_append (slot->ops.next, drop);
    slot->leaving = leaving;
    return 0;
}

/* What the first put found in its way. */
static void
s_refused (s_slot_t *slot, const json_t *responses)
{
    zanni__etcd_client_t *client = slot->client;
    s_op_t *op = ZANNI__CONTAINER (slot->ops.next, s_op_t, link);
    zanni__etcd_entry_t first;
    uint64_t owner, number;
    bool is_there = !slot->alone && json_array_size (zanni__etcd_found (responses, 2));
    bool found = zanni__etcd_read_entry (json_array_get (zanni__etcd_found (responses, 1), 0), &first);
    bool is_name = found && slot->alone && !strcmp (first.key, slot->key);
    bool is_mine = is_name && zanni__etcd_read_owner (first.value, &owner, &number) && owner == client->number;
    if (is_there || (is_mine && number == op->number)) {
        zanni__etcd_accept (client->etcd, &op->msg, NULL, 0);
        s_done (slot, true);
    } else if (is_mine && op->tries++ < S_TRIES && !s_drop_first (slot))
        s_next (slot);
    else if (found)
        s_fail_in_use (slot, slot->alone && !is_name);
    else
        s_fail (slot, ZANNI_ESYSTEM, "etcd says that a put failed, and not why");
}

static void
s_on_put (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_t *etcd = owner;
    s_slot_t *slot = context;
    zanni__etcd_client_t *client = slot->client;
    s_op_t *op = ZANNI__CONTAINER (slot->ops.next, s_op_t, link);
    const json_t *responses;
    int rc = zanni__etcd_outcome (etcd, answer, &responses, NULL);
    slot->busy = false;
    if (client->ended)
        ;
    else if (rc == 1 && op->looks)
        s_fail (slot, ZANNI_EFULL, "the space of etcd is used up, so nothing new is put there: compact and defragment it, then "
                "disarm its alarm");
    else if (rc == 1) {
        zanni__etcd_accept (etcd, &op->msg, NULL, 0);
        s_done (slot, true);
    } else if (!rc)
        s_refused (slot, responses);
    else if (rc == ZANNI_ENOSPACE && !op->looks) {
        op->looks = true;
        s_next (slot);
    } else if (rc == ZANNI_EGONE && op->tries++ < S_TRIES) {   // the lease
        client->lease = client->lease == ZANNI__ETCD_HELD ? ZANNI__ETCD_NO_LEASE : client->lease;
        s_next (slot);
    } else
        s_fail (slot, rc == ZANNI_EGONE ? ZANNI_ESYSTEM : rc, *answer->text ? answer->text : "etcd cannot be understood");
    zanni__etcd_client_done (client);
}

static void
s_on_drop (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_t *etcd = owner;
    s_slot_t *slot = context;
    zanni__etcd_client_t *client = slot->client;
    s_op_t *op = ZANNI__CONTAINER (slot->ops.next, s_op_t, link);
    int rc = zanni__etcd_outcome (etcd, answer, NULL, NULL);
    slot->busy = false;
    if (client->ended)
        ;
    else if (rc >= 0) {
        zanni__etcd_accept (etcd, &op->msg, NULL, 0);
        s_done (slot, false);
    } else
        s_fail (slot, rc, *answer->text ? answer->text : "etcd cannot be understood");
    zanni__etcd_client_done (client);
}

static json_t *
s_put_body (const s_slot_t *slot, const s_op_t *op)
{
    const zanni__etcd_t *etcd = slot->client->etcd;
    char folder [ZANNI__ETCD_KEY], name [ZANNI__ETCD_KEY], behind [ZANNI__ETCD_KEY];
    strcpy (folder, slot->key);
    strrchr (folder, '/') [1] = 0;
    zanni__etcd_behind (behind, folder);
    zanni__etcd_entry_key (name, folder, 0, 0, true);
    json_t *put = op->looks ? json_array ()
                  : json_pack ("[{s:{s:o, s:o, s:o}}]", "request_put", "key", zanni__etcd_bytes (slot->key), "value",
                               zanni__etcd_bytes (op->value), "lease",
                               zanni__etcd_decimal (zanni__etcd_lease_id (slot->client)));
    if (slot->alone) {
        json_t *compare = zanni__etcd_compare ("CREATE", folder, behind, "create_revision", json_string ("0"));
        return zanni__etcd_txn (etcd, json_pack ("[o]", compare), put,
                                json_pack ("[o]", zanni__etcd_range (folder, behind, 1, 0)));
    }
    json_t *compare = json_pack ("[o, o]", zanni__etcd_compare ("CREATE", name, NULL, "create_revision", json_string ("0")),
                                 zanni__etcd_compare ("CREATE", slot->key, NULL, "create_revision", json_string ("0")));
    return zanni__etcd_txn (etcd, compare, put, json_pack ("[o, o]", zanni__etcd_range (name, NULL, 1, 0),
                                                           zanni__etcd_range (slot->key, NULL, 1, 0)));
}

static json_t *
s_drop_body (const s_slot_t *slot)
{
    json_t *lease = zanni__etcd_decimal (zanni__etcd_lease_id (slot->client));
    json_t *drop = json_pack ("[{s:{s:o}}]", "request_delete_range", "key", zanni__etcd_bytes (slot->key));
    return zanni__etcd_txn (slot->client->etcd,
                            json_pack ("[o]", zanni__etcd_compare ("LEASE", slot->key, NULL, "lease", lease)), drop,
                            json_array ());
}

/* Goes on with the first, where nothing is under way. */
static void
s_next (s_slot_t *slot)
{
    zanni__etcd_client_t *client = slot->client;
    if (slot->busy || zanni__list_empty (&slot->ops))
        return;
    s_op_t *op = ZANNI__CONTAINER (slot->ops.next, s_op_t, link);
    int ready = op->drop ? 1 : zanni__etcd_lease_ready (client);
    if (!ready)
        return;
    slot->busy = true;
    client->going++;
    int rc = ready < 0 ? ready
             : zanni__etcd_say (client->etcd, "/v3/kv/txn", op->drop ? s_drop_body (slot) : s_put_body (slot, op),
                                op->drop ? s_on_drop : s_on_put, slot);
    if (!rc)
        return;
    slot->busy = false;
    client->going--;
    s_fail (slot, rc, "etcd cannot be asked");
}

/* "CLIENT.NUMBER REFERENCE" of who can be dialled from everywhere. */
static int
s_value (zanni__etcd_t *etcd, zanni_msg_t *msg, char value [ZANNI__ETCD_VALUE], uint64_t client, uint64_t number,
         const zanni_ref_t *ref)
{
    static const zanni_error_t deaf = {
        .code = ZANNI_EINVAL,
        .text = "its node listens nowhere, so who finds it in etcd could not reach it: call zanni_bind first"
    };
    zanni__etcd_owner (value, client, number);
    size_t size = strlen (value);
    value [size++] = ' ';
    int rc = zanni_ref_text (etcd->self, ref, value + size, ZANNI__ETCD_VALUE - size);
    if (rc || !strncmp (value + size, "tcp:", 4))
        return rc;
    rc = zanni_pass (etcd->self, msg, &deaf);
    return rc ? rc : ZANNI_EINVAL;
}

typedef struct {
    uint64_t client;
    uint64_t number;
    const char *group;
    bool alone;
    uint32_t lease_ms;
    const zanni_ref_t *ref;
} s_put_t;

/* The slot that it goes into; `refused`: it holds another entry, which is a name. */
static int
s_slot_for (zanni__etcd_client_t *client, s_slot_t **slot_p, const s_put_t *put, bool *refused)
{
    char folder [ZANNI__ETCD_KEY], key [ZANNI__ETCD_KEY];
    zanni__etcd_folder (folder, client->etcd->place.prefix, put->group);
    zanni__etcd_entry_key (key, folder, put->client, put->number, put->alone);
    s_slot_t *slot = s_by_key (client, key);
    int rc = slot ? 0 : s_new_slot (client, &slot, key, put->group);
    if (rc)
        return rc;
    *refused = !slot->leaving && !slot->doubted && slot->number && slot->number != put->number;
    if (!*refused && slot->doubted && slot->number && slot->number != put->number)
        rc = s_add (slot, NULL, slot->number, NULL);
    *slot_p = slot;
    return rc;
}

static int
s_refuse_put (zanni__etcd_t *etcd, zanni_msg_t *msg, const char *group)
{
    zanni_error_t error = { .code = ZANNI_EINUSE };
    snprintf (error.text, sizeof error.text, "the name \"%.150s\" is held by somebody else", group);
    int rc = zanni_pass (etcd->self, msg, &error);
    return rc ? rc : ZANNI_EINUSE;
}

static int
s_read_put (zanni_msg_t *msg, s_put_t *put)
{
    int rc = zanni_read (msg, &put->client, &put->number, &put->group, &put->alone, &put->lease_ms, &put->ref);
    bool good = !rc && put->client && put->number && zanni__etcd_group_is_good (put->group)
                && put->lease_ms >= ZANNI__ETCD_LEASE_LEAST_MS && put->lease_ms <= ZANNI__ETCD_LEASE_MOST_MS;
    return rc ? rc : good ? 0 : ZANNI_EINVAL;
}

int
zanni__etcd_put (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    zanni__etcd_client_t *client;
    char value [ZANNI__ETCD_VALUE];
    s_put_t put;
    s_slot_t *slot;
    bool refused = false;
    int rc = etcd->base ? s_read_put (msg, &put) : ZANNI_ENODE;
    if (!rc)
        rc = s_value (etcd, msg, value, put.client, put.number, put.ref);
    if (!rc)
        rc = zanni__etcd_client_get (etcd, &client, msg);
    if (!rc && client->number && client->number != put.client)
        rc = ZANNI_EINVAL;
    if (rc)
        return rc;
    client->number = put.client;
    client->lease_ms = put.lease_ms;
    zanni__etcd_client_speaks (client);
    rc = s_slot_for (client, &slot, &put, &refused);
    if (!rc && refused)
        return s_refuse_put (etcd, msg, put.group);
    if (!rc)
        rc = s_add (slot, msg, put.number, value);
    if (rc)
        return rc;
    slot->number = put.number;
    slot->alone = put.alone;
    slot->doubted = false;
    s_next (slot);
    return 0;
}

int
zanni__etcd_drop (zanni_t *self, zanni_msg_t *msg)
{
    const zanni__etcd_t *etcd = zanni_state (self);
    uint64_t number, which;
    int rc = zanni_read (msg, &number, &which);
    if (rc)
        return rc;
    zanni__etcd_client_t *client = zanni__etcd_client_find (etcd, msg);
    if (client && !client->number)
        client->number = number;   // it has put before, by another actor than this
    if (client)
        zanni__etcd_client_speaks (client);
    s_slot_t *slot = client && client->number == number ? s_by_number (client, which) : NULL;
    if (!slot)
        return zanni_reply (self, msg);
    rc = s_add (slot, msg, which, NULL);
    if (!rc)
        s_next (slot);
    return rc;
}

void
zanni__etcd_slots_go (zanni__etcd_client_t *client)
{
    for (zanni__link_t *next, *at = client->slots.next; at != &client->slots; at = next) {
        next = at->next;
        s_next (ZANNI__CONTAINER (at, s_slot_t, link));
    }
}

void
zanni__etcd_slots_fail (zanni__etcd_client_t *client, int code, const char *text)
{
    for (zanni__link_t *next, *at = client->slots.next; at != &client->slots; at = next) {
        s_slot_t *slot = ZANNI__CONTAINER (at, s_slot_t, link);
        next = at->next;
        if (!slot->busy && !zanni__list_empty (&slot->ops) && !ZANNI__CONTAINER (slot->ops.next, s_op_t, link)->drop)
            s_fail (slot, code, text);
    }
}

void
zanni__etcd_slots_doubt (zanni__etcd_client_t *client)
{
    for (zanni__link_t *at = client->slots.next; at != &client->slots; at = at->next)
        ZANNI__CONTAINER (at, s_slot_t, link)->doubted = true;
}

void
zanni__etcd_slots_sweep (zanni__etcd_client_t *client)
{
    for (zanni__link_t *next, *at = client->slots.next; at != &client->slots; at = next) {
        s_slot_t *slot = ZANNI__CONTAINER (at, s_slot_t, link);
        next = at->next;
        if (slot->doubted && !slot->leaving && !s_add (slot, NULL, slot->number, NULL))
            s_next (slot);
    }
}

void
zanni__etcd_slot_adopt (zanni__etcd_client_t *client, const char *key)
{
    char folder [ZANNI__ETCD_KEY];
    s_slot_t *slot;
    snprintf (folder, sizeof folder, "%sgroups/", client->etcd->place.prefix);
    bool ours = !strncmp (key, folder, strlen (folder)) && strchr (key + strlen (folder), '/');
    if (!ours || s_by_key (client, key) || s_new_slot (client, &slot, key, ""))
        return;   // where there is no memory it stays until the lease is over
    slot->number = zanni__etcd_number_of (key, client->number);
    slot->alone = !slot->number;
    slot->doubted = true;
}

void
zanni__etcd_slots_free (zanni__etcd_client_t *client)
{
    while (!zanni__list_empty (&client->slots))
        s_free (ZANNI__CONTAINER (client->slots.next, s_slot_t, link));
}
