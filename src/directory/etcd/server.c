/* The actor that speaks to an etcd, in a thread of its own: whatever it parses or encrypts, no other actor waits for.

   It is reached when it has found the base (txn.c) at one of the endpoints, and then stays with that. When etcd does not
   answer any more, the actor ends: so its clients get to know, by their monitors, that they have to find the directory
   anew, and to publish again. Before it was reached it lives on, since they come again and again. It holds itself, and
   ends when no agent is left that has ever reached it.

   Leases outlive the actor for a while, and are taken over by the next one (client.c). */

#include "etcd.h"

#include <stdio.h>
#include <sys/random.h>

#define S_BEAT_MS 5000
#define S_REACH_MS 1200u
#define S_GOODBYE_MS 500

void
zanni__etcd_lost (zanni__etcd_t *etcd, const char *text)
{
    if (etcd->lost)
        return;
    etcd->lost = true;
    int rc = zanni_exit_error (etcd->self, ZANNI_ENODE, text);
    (void) rc;
}

void
zanni__etcd_rest (zanni__etcd_t *etcd)
{
    bool idle = zanni__list_empty (&etcd->clients) && !etcd->http.going_count && !etcd->http.waiting_count;
    int rc = idle && etcd->own && !etcd->lost ? zanni_exit (etcd->self) : 0;
    (void) rc;
}

void
zanni__etcd_refuse (zanni__etcd_t *etcd, zanni_msg_t **msg_p, int code, const char *text)
{
    zanni_error_t error = { .code = code };
    snprintf (error.text, sizeof error.text, "%s", text);
    int rc = *msg_p ? zanni_pass (etcd->self, *msg_p, &error) : 0;
    (void) rc;   // a tell, or there is no memory: then destroying it is an answer
    zanni_msg_destroy (msg_p);
}

void
zanni__etcd_accept (zanni__etcd_t *etcd, zanni_msg_t **msg_p, const zanni_arg_t *args, size_t count)
{
    int rc = *msg_p ? zanni_reply_args (etcd->self, *msg_p, args, count) : 0;
    (void) rc;
    zanni_msg_destroy (msg_p);
}

int
zanni__etcd_say (zanni__etcd_t *etcd, const char *path, json_t *body, zanni__etcd_then_fn *then, void *context)
{
    const zanni__etcd_post_t post = {
        .path = path, .body = body, .timeout_ms = ZANNI__ETCD_CALL_MS, .then = then, .context = context
    };
    return zanni__etcd_post (&etcd->http, NULL, &post);
}

/* All who wait for it, by a code or by itself. */
static void
s_answer (zanni__etcd_t *etcd, int code, const char *text)
{
    const zanni_arg_t me = zanni_arg_ref (zanni_self (etcd->self));
    etcd->reaching = false;
    while (!zanni__list_empty (&etcd->askers)) {
        zanni__etcd_asker_t *asker = ZANNI__CONTAINER (etcd->askers.next, zanni__etcd_asker_t, link);
        zanni__link_remove (&asker->link);
        if (code)
            zanni__etcd_refuse (etcd, &asker->msg, code, text);
        else
            zanni__etcd_accept (etcd, &asker->msg, &me, 1);
        free (asker);
    }
}

static void s_try (zanni__etcd_t *etcd, bool leave);

/* 16 digits of a number that leaves room to count; false: they are something else. */
static bool
s_read_base (zanni__etcd_t *etcd, const json_t *json, const json_t *found)
{
    zanni__etcd_entry_t entry;
    if (!found && json_is_true (json_object_get (json, "succeeded")))
        return true;
    if (!zanni__etcd_read_entry (found, &entry) || strlen (entry.value) != 16
        || strspn (entry.value, "0123456789abcdef") != 16 || *entry.value > '3')
        return false;
    strcpy (etcd->base_text, entry.value);
    return true;
}

/* `context` is not NULL where one was to be left. */
static void
s_on_base (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_t *etcd = owner;
    const json_t *found = json_array_get (zanni__etcd_found (json_object_get (answer->json, "responses"), 0), 0);
    if (answer->code && ++etcd->tried < etcd->place.endpoints_count && !etcd->http.closed) {
        etcd->http.endpoint = (etcd->http.endpoint + 1) % etcd->place.endpoints_count;
        s_try (etcd, false);
        return;
    }
    if (!answer->code && !found && !context) {
        s_try (etcd, true);
        return;
    }
    int rc = answer->code;
    const char *text = answer->text;
    if (!rc && !s_read_base (etcd, answer->json, found)) {
        rc = ZANNI_ECORRUPT;
        text = "what stands in etcd below that prefix is no directory: name another prefix, behind HOST:PORT/";
    }
    uint64_t base = rc ? 0 : strtoull (etcd->base_text, NULL, 16);
    if (!rc)
        rc = zanni_timer (etcd->self, &etcd->beat, S_BEAT_MS, S_BEAT_MS, "beat");
    if (!rc)
        etcd->base = base;
    s_answer (etcd, rc, text);
    zanni__etcd_rest (etcd);
}

/* Asks for the base, or leaves one where there still is none. An etcd whose space is used up takes nothing in which there
   is a put, whatever comes of it, and can be read for all that: so it is asked first. */
static void
s_try (zanni__etcd_t *etcd, bool leave)
{
    uint64_t random;
    bool good = getrandom (&random, sizeof random, 0) == sizeof random;
    snprintf (etcd->base_text, sizeof etcd->base_text, "%016llx", (unsigned long long) (random >> 2) | 1);
    json_t *range = zanni__etcd_range (etcd->base_key, NULL, 1, 0);
    json_t *put = json_pack ("{s:{s:o, s:o}}", "request_put", "key", zanni__etcd_bytes (etcd->base_key), "value",
                             zanni__etcd_bytes (etcd->base_text));
    json_t *none = zanni__etcd_compare ("CREATE", etcd->base_key, NULL, "create_revision", json_string ("0"));
    json_t *asked = json_pack ("{s:[O]}", "success", range);
    json_t *left = json_pack ("{s:[o], s:[o], s:[o]}", "compare", none, "success", put, "failure", range);
    const zanni__etcd_post_t post = {
        .path = "/v3/kv/txn", .timeout_ms = S_REACH_MS, .then = s_on_base, .body = leave ? left : asked,
        .context = leave ? etcd : NULL
    };
    json_decref (leave ? asked : left);
    int rc = zanni__etcd_post (&etcd->http, NULL, &post);
    if (rc || !good)
        s_answer (etcd, rc ? rc : ZANNI_ESYSTEM, "etcd cannot be asked");
}

static int
s_reach (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    zanni__etcd_client_t *client;
    int rc = zanni__etcd_client_get (etcd, &client, msg);
    if (rc)
        return rc;
    zanni__etcd_client_again (client);
    if (etcd->base)
        return zanni_reply (self, msg, zanni_self (self));
    zanni__etcd_asker_t *asker = calloc (1, sizeof *asker);
    rc = asker ? zanni_msg_keep (&asker->msg, msg) : ZANNI_ENOMEM;
    if (rc) {
        free (asker);
        return rc;
    }
    zanni__list_append (&etcd->askers, &asker->link);
    if (etcd->reaching)
        return 0;
    etcd->reaching = true;
    etcd->tried = 0;
    s_try (etcd, false);
    return 0;
}

static void
s_on_beat (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_t *etcd = owner;
    (void) context;
    int rc = zanni__etcd_outcome (etcd, answer, NULL, NULL);
    if (rc < 0)
        zanni__etcd_lost (etcd, answer->text);
}

/* That etcd is there, can work, and is the one of before, is asked where nothing else may do it. */
static int
s_beat (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    (void) msg;
    zanni__etcd_topics_sweep (etcd);
    zanni__etcd_sheets_sweep (etcd, zanni_now_ns (self) - INT64_C (1000000) * S_BEAT_MS);
    zanni__etcd_rest (etcd);
    json_t *txn = zanni__etcd_txn (etcd, json_array (), json_array (), json_array ());
    return zanni__etcd_say (etcd, "/v3/kv/txn", txn, s_on_beat, NULL);
}

static int
s_ready (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni__etcd_http_ready (&((zanni__etcd_t *) zanni_state (self))->http);
}

static int
s_due (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni__etcd_http_due (&((zanni__etcd_t *) zanni_state (self))->http);
}

static int
s_stay (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    if (rc || etcd->own || !zanni_ref_equal (ref, zanni_self (self)))
        return rc;
    return zanni_ref_keep (self, &etcd->own, ref);
}

static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    zanni__etcd_t *etcd = zanni_state (self);
    zanni__etcd_client_down (etcd, down->monitor);
    zanni__etcd_rest (etcd);
}

/* Other nodes do not choose whom this one speaks to, whatever they may spawn. */
static bool
s_is_elsewhere (zanni_t *self, const zanni_ref_t *ref)
{
    zanni_address_t its = zanni_ref_address (ref), own = zanni_ref_address (zanni_self (self));
    return memcmp (its.node, own.node, sizeof own.node) != 0;
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    const char *place;
    int rc = zanni_read (msg, &place);
    etcd->self = self;
    zanni__link_init (&etcd->askers);
    zanni__link_init (&etcd->clients);
    zanni__link_init (&etcd->sheets);
    zanni__link_init (&etcd->topics);
    zanni__link_init (&etcd->rest.changes);
    if (!rc && s_is_elsewhere (self, zanni_msg_from (msg)))
        rc = ZANNI_EPERM;
    if (!rc)
        rc = zanni__etcd_place_read (&etcd->place, place, NULL);
    if (rc)
        return rc;
    snprintf (etcd->base_key, sizeof etcd->base_key, "%sbase", etcd->place.prefix);
    rc = zanni__etcd_http_open (&etcd->http, self, etcd, &etcd->place);
    if (rc)
        zanni__etcd_http_close (&etcd->http);
    return rc;
}

/* Who has ended, or ends with the node, takes what it had back, where etcd is there. */
static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    zanni__etcd_t *etcd = zanni_state (self);
    (void) reason;
    if (!etcd->askers.next)
        return;
    zanni__etcd_unknown (self);
    if (!etcd->lost && etcd->base) {
        zanni__etcd_clients_end (etcd);
        zanni__etcd_http_finish (&etcd->http, S_GOODBYE_MS);
    }
    etcd->lost = true;
    zanni__etcd_http_close (&etcd->http);
    s_answer (etcd, ZANNI_ENODE, "the actor that speaks to etcd has ended");
    zanni__etcd_topics_free (etcd);
    zanni__etcd_sheets_sweep (etcd, INT64_MAX);
    zanni__etcd_clients_free (etcd);
    zanni_ref_destroy (&etcd->own);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("put", "ttsbur", "", zanni__etcd_put, "An entry of a client's in a group, which is alone there or not."),
    ZANNI_METHOD ("drop", "tt", "", zanni__etcd_drop, "Takes it out."),
    ZANNI_METHOD ("renew", "tu", "", zanni__etcd_renew, "A client's lease."),
    ZANNI_METHOD ("lookup", "s", "r", zanni__etcd_lookup, "The eldest of a group."),
    ZANNI_METHOD ("list", "st", "tbatar", zanni__etcd_list, "Those of a group behind an id."),
    ZANNI_METHOD ("watch", "st", "ta(tb)ar", zanni__etcd_watch, "Answers when there are later changes than that version."),
    ZANNI_METHOD ("reach", "", "r", s_reach, "Itself, when etcd is reached."),
    ZANNI_METHOD ("stay", "r", "", s_stay, "Its own strong reference, so that it stays."),
    ZANNI_PRIVATE (ZANNI__ETCD_READY, "u", "", s_ready, "A descriptor is ready."),
    ZANNI_PRIVATE (ZANNI__ETCD_DUE, "", "", s_due, "Time of a call is over."),
    ZANNI_PRIVATE ("beat", "", "", s_beat, "Whether etcd is there is looked at."),
    ZANNI_PRIVATE ("settle", "", "", zanni__etcd_settle, "What was not put again is dropped."),
    ZANNI_PRIVATE ("stream", "", "", zanni__etcd_stream, "What is watched begins anew."),
    ZANNI_METHOD_END
};

const zanni_class_t zanni__etcd_class = {
    .name = ZANNI__ETCD_CLASS, .state_size = sizeof (zanni__etcd_t), .methods = s_methods, .start_in = "s",
    .start = s_start, .stop = s_stop, .down = s_down, .text = "Knows who offers which name or group, by an etcd."
};
