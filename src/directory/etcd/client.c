/* Clients, which are agents of this node, and their leases: one each, with the client's number, so that it is known again
   by the actor that comes after a loss of etcd. That one takes it over with all that belongs to it, and nobody sees who
   stays there leave. An agent puts all that it has again in one go; what it has not put a second later is dropped.

   A lease is renewed when the agent renews, and not by us, so it is over when the agent is stuck, too. Where a put has found
   it over, and got another, the agent is told by its next renewal what went with it. It is given back when the agent has
   ended. Of seconds: etcd gives no less than it takes to elect a leader, one and a half times. */

#include "etcd.h"

#include <inttypes.h>

#define S_CLIENTS_MOST 65536
#define S_TRIES 3
#define S_SETTLE_MS 1000

zanni__etcd_client_t *
zanni__etcd_client_find (const zanni__etcd_t *etcd, const zanni_msg_t *msg)
{
    const zanni_ref_t *from = zanni_msg_from (msg);
    for (zanni__link_t *at = etcd->clients.next; at != &etcd->clients; at = at->next) {
        zanni__etcd_client_t *client = ZANNI__CONTAINER (at, zanni__etcd_client_t, link);
        if (!client->ended && zanni_ref_equal (client->agent, from))
            return client;
    }
    return NULL;
}

static void
s_free (zanni__etcd_client_t *client)
{
    zanni__etcd_slots_free (client);
    client->etcd->clients_count--;
    zanni__link_remove (&client->link);
    zanni_ref_destroy (&client->agent);
    free (client);
}

int
zanni__etcd_client_get (zanni__etcd_t *etcd, zanni__etcd_client_t **client_p, const zanni_msg_t *msg)
{
    zanni__etcd_client_t *client = zanni__etcd_client_find (etcd, msg);
    if (!client && etcd->clients_count == S_CLIENTS_MOST)
        return ZANNI_EFULL;
    if (client) {
        *client_p = client;
        return 0;
    }
    client = calloc (1, sizeof *client);
    if (!client)
        return ZANNI_ENOMEM;
    client->etcd = etcd;
    zanni__link_init (&client->slots);
    zanni__list_append (&etcd->clients, &client->link);
    etcd->clients_count++;
    int rc = zanni_ref_weak (etcd->self, &client->agent, zanni_msg_from (msg));
    if (!rc)
        rc = zanni_monitor (etcd->self, &client->monitor, client->agent);
    if (rc)
        s_free (client);
    else
        *client_p = client;
    return rc;
}

/* Numbers of clients are random; those of leases are signed, and not 0. */
uint64_t
zanni__etcd_lease_id (const zanni__etcd_client_t *client)
{
    return (client->number & INT64_MAX) | 1;
}

/* {"ID": lease}, and `seconds` of it; 0: without them. */
static json_t *
s_lease (const zanni__etcd_client_t *client, uint32_t lease_ms)
{
    json_t *body = json_pack ("{s:o}", "ID", zanni__etcd_decimal (zanni__etcd_lease_id (client)));
    if (body && lease_ms && json_object_set_new (body, "TTL", zanni__etcd_decimal ((lease_ms + 999) / 1000))) {
        json_decref (body);
        return NULL;
    }
    return body;
}

static void
s_on_revoked (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    (void) context;
    (void) answer;   // else it is over by itself
    zanni__etcd_rest (owner);
}

/* Takes back all that it has. */
static void
s_revoke (zanni__etcd_client_t *client)
{
    int rc = client->number
             ? zanni__etcd_say (client->etcd, "/v3/lease/revoke", s_lease (client, 0), s_on_revoked, NULL) : 0;
    (void) rc;
}

void
zanni__etcd_client_done (zanni__etcd_client_t *client)
{
    client->going--;
    if (client->ended && !client->going)
        s_free (client);
}

static void
s_end (zanni__etcd_client_t *client)
{
    client->ended = true;
    s_revoke (client);
    client->going++;
    zanni__etcd_client_done (client);
}

void
zanni__etcd_client_down (zanni__etcd_t *etcd, uint64_t monitor)
{
    for (zanni__link_t *at = etcd->clients.next; at != &etcd->clients; at = at->next) {
        zanni__etcd_client_t *client = ZANNI__CONTAINER (at, zanni__etcd_client_t, link);
        if (client->monitor != monitor || client->ended)
            continue;
        s_end (client);
        return;
    }
}

void
zanni__etcd_clients_end (zanni__etcd_t *etcd)
{
    for (zanni__link_t *next, *at = etcd->clients.next; at != &etcd->clients; at = next) {
        zanni__etcd_client_t *client = ZANNI__CONTAINER (at, zanni__etcd_client_t, link);
        next = at->next;
        if (!client->ended)
            s_end (client);
    }
}

void
zanni__etcd_clients_free (zanni__etcd_t *etcd)
{
    while (!zanni__list_empty (&etcd->clients))
        s_free (ZANNI__CONTAINER (etcd->clients.next, zanni__etcd_client_t, link));
}

static void
s_hold (zanni__etcd_client_t *client, uint64_t seconds)
{
    uint64_t most = ZANNI__ETCD_LEASE_MOST_MS / 1000;
    client->lease = ZANNI__ETCD_HELD;
    client->had = true;
    client->tries = 0;
    client->held_ns = client->asked_ns + INT64_C (1000000000) * (int64_t) (seconds < most ? seconds : most);
    zanni__etcd_slots_go (client);
}

static void
s_fail (zanni__etcd_client_t *client, int code, const char *text)
{
    client->lease = ZANNI__ETCD_NO_LEASE;
    client->tries = 0;
    if (code == ZANNI_ENODE)
        zanni__etcd_lost (client->etcd, text);
    zanni__etcd_slots_fail (client, code == ZANNI_ENOSPACE ? ZANNI_EFULL : code, text);
}

static int s_grant (zanni__etcd_client_t *client);

/* It is not there, or not any more. */
static void
s_is_over (zanni__etcd_client_t *client)
{
    int rc = client->tries++ < S_TRIES ? s_grant (client) : ZANNI_ESYSTEM;
    if (rc)
        s_fail (client, rc, "etcd gives no lease");
}

/* How long it lasts; false: it is over. Answers of streams have a frame. */
static bool
s_read_seconds (const json_t *json, uint64_t *seconds)
{
    const json_t *result = json_object_get (json, "result");
    return zanni__etcd_number (result ? result : json, "TTL", seconds) && *seconds;
}

static void
s_on_kept (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_client_t *client = context;
    uint64_t seconds;
    (void) owner;
    if (client->ended)
        ;
    else if (answer->code)
        s_fail (client, answer->code, answer->text);
    else if (s_read_seconds (answer->json, &seconds))
        s_hold (client, seconds);
    else
        s_is_over (client);
    zanni__etcd_client_done (client);
}

/* Begins a call about the lease, which a failure ends. */
static int
s_say (zanni__etcd_client_t *client, const char *path, json_t *body, zanni__etcd_then_fn *then)
{
    client->asked_ns = zanni_now_ns (client->etcd->self);
    int rc = zanni__etcd_say (client->etcd, path, body, then, client);
    client->going += !rc;
    return rc;
}

/* What belongs to the lease is of an actor before this one. */
static void
s_adopt (zanni__etcd_client_t *client, const json_t *json)
{
    char key [ZANNI__ETCD_KEY];
    size_t i;
    const json_t *item;
    json_array_foreach (json_object_get (json, "keys"), i, item) {
        if (zanni__etcd_unbytes (item, key, sizeof key))
            zanni__etcd_slot_adopt (client, key);
    }
}

static int
s_keep (zanni__etcd_client_t *client)
{
    return s_say (client, "/v3/lease/keepalive", s_lease (client, 0), s_on_kept);
}

static void
s_on_keys (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_client_t *client = context;
    bool many = answer->code == ZANNI_ETOOBIG;   // what is not adopted is found by its puts, or goes with the lease
    uint64_t seconds;
    (void) owner;
    if (client->ended)
        ;
    else if (answer->code == ZANNI_ENODE)
        s_fail (client, answer->code, answer->text);
    else if (many || s_read_seconds (answer->json, &seconds)) {
        if (!many)
            s_adopt (client, answer->json);
        int rc = s_keep (client);
        if (rc)
            s_fail (client, rc, "etcd cannot be asked for a lease");
    } else
        s_is_over (client);
    zanni__etcd_client_done (client);
}

static int
s_look_for_keys (zanni__etcd_client_t *client, zanni__etcd_then_fn *then)
{
    json_t *body = s_lease (client, 0);
    if (body && json_object_set_new (body, "keys", json_true ())) {
        json_decref (body);
        body = NULL;
    }
    return s_say (client, "/v3/lease/timetolive", body, then);
}

static void
s_on_granted (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_client_t *client = context;
    uint64_t seconds;
    int rc = answer->code;
    const char *text = rc ? answer->text : "etcd gives a lease without a time";
    (void) owner;
    if (client->ended)
        rc = 0;
    else if (rc == ZANNI_EINUSE)
        rc = s_keep (client);
    else if (!rc && s_read_seconds (answer->json, &seconds)) {
        client->lost |= client->had;
        s_hold (client, seconds);
    } else
        rc = rc ? rc : ZANNI_ESYSTEM;
    if (rc)
        s_fail (client, rc, text);
    zanni__etcd_client_done (client);
}

static int
s_grant (zanni__etcd_client_t *client)
{
    return s_say (client, "/v3/lease/grant", s_lease (client, client->lease_ms), s_on_granted);
}

/* One of its own that is there is taken over, which an etcd whose space is used up does, too, and gives no new one. */
int
zanni__etcd_lease_ready (zanni__etcd_client_t *client)
{
    bool held = client->lease == ZANNI__ETCD_HELD && zanni_now_ns (client->etcd->self) < client->held_ns;
    if (held || client->lease == ZANNI__ETCD_ASKED)
        return held;
    int rc = client->had ? s_keep (client) : s_look_for_keys (client, s_on_keys);
    client->lease = rc ? ZANNI__ETCD_NO_LEASE : ZANNI__ETCD_ASKED;
    return rc;
}

typedef struct {
    zanni__etcd_client_t *client;
    zanni_msg_t *msg;
    int64_t asked_ns;
} s_renewal_t;

static void
s_on_renewed (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_t *etcd = owner;
    s_renewal_t *renewal = context;
    zanni__etcd_client_t *client = renewal->client;
    uint64_t seconds = 0;
    if (answer->code == ZANNI_ENODE)
        zanni__etcd_lost (etcd, answer->text);
    if (answer->code)
        zanni__etcd_refuse (etcd, &renewal->msg, answer->code, answer->text);
    else if (!s_read_seconds (answer->json, &seconds)) {
        client->lease = client->lease == ZANNI__ETCD_HELD ? ZANNI__ETCD_NO_LEASE : client->lease;
        client->had = false;   // as its agent knows now
        zanni__etcd_refuse (etcd, &renewal->msg, ZANNI_EGONE, "the lease is over");
    } else {
        if (client->lease == ZANNI__ETCD_HELD && client->asked_ns < renewal->asked_ns) {
            client->asked_ns = renewal->asked_ns;
            s_hold (client, seconds);
        }
        zanni__etcd_accept (etcd, &renewal->msg, NULL, 0);
    }
    free (renewal);
    zanni__etcd_client_done (client);
}

/* An agent that has nothing any more says no number that has not been dropped: then nobody but its lease knows what it
   had. */
static void
s_on_left (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_client_t *client = context;
    (void) owner;
    if (!client->ended && !answer->code) {
        s_adopt (client, answer->json);
        zanni__etcd_slots_sweep (client);
    }
    zanni__etcd_client_done (client);
}

/* Drops what was not put again; false: that is not known yet. */
static bool
s_settle (zanni__etcd_client_t *client)
{
    if (client->lease == ZANNI__ETCD_ASKED)
        return false;
    client->again = false;
    if (client->had)
        zanni__etcd_slots_sweep (client);
    else if (client->number && s_look_for_keys (client, s_on_left))
        client->again = true;
    return !client->again;
}

static int
s_settle_later (zanni__etcd_t *etcd)
{
    return etcd->settling ? 0 : zanni_timer (etcd->self, &etcd->settling, S_SETTLE_MS, 0, "settle");
}

int
zanni__etcd_settle (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    int64_t before_ns = zanni_now_ns (self) - INT64_C (1000000) * S_SETTLE_MS;
    bool all = true;
    (void) msg;
    etcd->settling = 0;
    for (zanni__link_t *at = etcd->clients.next; at != &etcd->clients && etcd->base; at = at->next) {
        zanni__etcd_client_t *client = ZANNI__CONTAINER (at, zanni__etcd_client_t, link);
        if (client->again && client->begun_ns && !client->ended)
            all &= client->begun_ns <= before_ns && s_settle (client);
    }
    return all ? 0 : s_settle_later (etcd);
}

void
zanni__etcd_client_again (zanni__etcd_client_t *client)
{
    client->again = true;
    client->begun_ns = 0;
    zanni__etcd_slots_doubt (client);
}

void
zanni__etcd_client_speaks (zanni__etcd_client_t *client)
{
    if (!client->again || client->begun_ns)
        return;
    client->begun_ns = zanni_now_ns (client->etcd->self);
    int rc = s_settle_later (client->etcd);
    (void) rc;   // without memory for it, what is in doubt stays
}

int
zanni__etcd_renew (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    uint64_t number;
    uint32_t lease_ms;
    int rc = zanni_read (msg, &number, &lease_ms);
    if (!rc && (lease_ms < ZANNI__ETCD_LEASE_LEAST_MS || lease_ms > ZANNI__ETCD_LEASE_MOST_MS))
        rc = ZANNI_EINVAL;
    if (rc)
        return rc;
    zanni__etcd_client_t *client = zanni__etcd_client_find (etcd, msg);
    bool lost = client && client->lost;   // entries went with the lease before this one, and are to be put again
    if (!client || lost || client->number != number || zanni__list_empty (&client->slots)) {
        if (lost)
            client->lost = false;
        return ZANNI_EGONE;
    }
    s_renewal_t *renewal = calloc (1, sizeof *renewal);
    if (!renewal)
        return ZANNI_ENOMEM;
    *renewal = (s_renewal_t) { .client = client, .asked_ns = zanni_now_ns (self) };
    rc = zanni_msg_keep (&renewal->msg, msg);
    if (!rc)
        rc = zanni__etcd_say (etcd, "/v3/lease/keepalive", s_lease (client, 0), s_on_renewed, renewal);
    if (!rc) {
        client->going++;
        return 0;
    }
    zanni__etcd_refuse (etcd, &renewal->msg, rc, "etcd cannot be asked");
    free (renewal);
    return 0;
}
