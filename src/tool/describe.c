/* zanni describe and zanni ps: what an actor of another node is, and what there is in its node, as JSON. */

#include "json.h"
#include "talk.h"
#include "verbs.h"

#include <stdlib.h>

/* The next argument, an array of entries: what `each` makes of every one of them. NULL: it is none. */
static json_t *
s_entries (zanni_msg_t *reply, json_t *(*each) (zanni_msg_t *reply))
{
    size_t count;
    json_t *array = json_array ();
    int rc = zanni_enter (reply, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        size_t members;
        rc = zanni_enter (reply, &members);
        json_t *entry = rc ? NULL : each (reply);
        if (!rc)
            rc = entry ? zanni_leave (reply) : ZANNI_EARGS;
        (void) json_array_append_new (array, entry);
    }
    if (!rc)
        rc = zanni_leave (reply);
    if (!rc)
        return array;
    json_decref (array);
    return NULL;
}

static json_t *
s_method (zanni_msg_t *reply)
{
    const char *name, *in, *out, *text;
    if (zanni_read (reply, &name, &in, &out, &text))
        return NULL;
    return json_pack ("{s:s,s:s,s:s,s:s}", "name", name, "in", in, "out", out, "text", text);
}

static json_t *
s_description (zanni_msg_t *reply)
{
    const char *class_name, *text;
    if (zanni_read (reply, &class_name, &text))
        return NULL;
    return json_pack ("{s:s,s:s,s:o}", "class", class_name, "text", text, "methods", s_entries (reply, s_method));
}

static json_t *
s_worker (zanni_msg_t *reply)
{
    const char *name;
    uint64_t actors;
    if (zanni_read (reply, &name, &actors))
        return NULL;
    return json_pack ("{s:s,s:o}", "name", name, "actors", tool_number (actors));
}

static json_t *
s_actor (zanni_msg_t *reply)
{
    const char *class_name, *worker;
    uint64_t number, queued;
    if (zanni_read (reply, &number, &class_name, &worker, &queued))
        return NULL;
    return json_pack ("{s:o,s:s,s:s,s:o}", "actor", tool_number (number), "class", class_name, "worker", worker, "queued",
                      tool_number (queued));
}

static json_t *
s_counts (zanni_msg_t *reply)
{
    static const char *const names [] = {
        "messages", "dead_letters", "failed_tells", "late_replies", "actors", "threads"
    };
    size_t members;
    json_t *counts = json_object ();
    int rc = zanni_enter (reply, &members);
    for (size_t i = 0; !rc && i < sizeof names / sizeof *names; i++) {
        uint64_t number = 0;
        rc = zanni_read (reply, &number);
        (void) json_object_set_new (counts, names [i], tool_number (number));
    }
    if (!rc)
        rc = zanni_leave (reply);
    if (!rc)
        return counts;
    json_decref (counts);
    return NULL;
}

static json_t *
s_names (zanni_msg_t *reply)
{
    size_t count;
    const char *name;
    json_t *array = json_array ();
    int rc = zanni_enter (reply, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        rc = zanni_read (reply, &name);
        if (!rc)
            (void) json_array_append_new (array, json_string (name));
    }
    if (!rc)
        rc = zanni_leave (reply);
    if (!rc)
        return array;
    json_decref (array);
    return NULL;
}

static json_t *
s_census (zanni_msg_t *reply)
{
    const char *name;
    zanni_bytes_t id;
    uint32_t pid;
    int64_t time_ns;
    if (zanni_read (reply, &name, &id, &pid, &time_ns))
        return NULL;
    json_t *counts = s_counts (reply);
    json_t *workers = s_entries (reply, s_worker);
    json_t *actors = s_entries (reply, s_actor);
    return json_pack ("{s:s,s:o,s:I,s:f,s:o,s:o,s:o,s:o}", "name", name, "node", tool_hex (id.data, id.size), "pid",
                      (json_int_t) pid, "time", (double) time_ns / 1e9, "counts", counts, "workers", workers, "actors", actors,
                      "offers", s_names (reply));
}

static json_t *
s_ask_row (zanni_msg_t *reply)
{
    uint64_t asker, receiver;
    const char *asker_class, *receiver_class, *method;
    int64_t age_ms;
    bool waits, away;
    if (zanni_read (reply, &asker, &asker_class, &receiver, &receiver_class, &method, &age_ms, &waits, &away))
        return NULL;
    return json_pack ("{s:o,s:s,s:o,s:s,s:s,s:I,s:b,s:b}", "asker", tool_number (asker), "asker_class", asker_class, "receiver",
                      tool_number (receiver), "receiver_class", receiver_class, "method", method, "age_ms",
                      (json_int_t) age_ms, "waits", waits, "away", away);
}

static json_t *
s_mailbox (zanni_msg_t *reply)
{
    uint64_t actor, messages, bytes;
    const char *class_name;
    if (zanni_read (reply, &actor, &class_name, &messages, &bytes))
        return NULL;
    return json_pack ("{s:o,s:s,s:o,s:o}", "actor", tool_number (actor), "class", class_name, "messages",
                      tool_number (messages), "bytes", tool_number (bytes));
}

static json_t *
s_work_row (zanni_msg_t *reply)
{
    const char *name, *class_name, *method;
    int64_t for_ms;
    bool known;
    uint64_t actors, queued, held;
    if (zanni_read (reply, &name, &class_name, &method, &for_ms, &known, &actors, &queued, &held))
        return NULL;
    json_t *asks = s_entries (reply, s_ask_row);
    json_t *mailboxes = s_entries (reply, s_mailbox);
    bool stuck = false;
    uint64_t actor = 0;
    if (zanni_read (reply, &stuck, &actor))
        stuck = false;   // a node of an older version does not say
    return json_pack ("{s:s,s:s,s:s,s:I,s:b,s:o,s:b,s:o,s:o,s:o,s:o,s:o}", "name", name, "class", class_name, "method",
                      method, "for_ms", (json_int_t) for_ms, "stuck", stuck, "actor", tool_number (actor), "known", known,
                      "actors", tool_number (actors), "queued", tool_number (queued), "held", tool_number (held), "asks",
                      asks, "mailboxes", mailboxes);
}

static json_t *
s_work (zanni_msg_t *reply)
{
    return json_pack ("{s:o}", "work", s_entries (reply, s_work_row));
}

static bool
s_show (tool_peer_t *peer, const tool_talk_t *talk, const char *method, json_t *(*show) (zanni_msg_t *reply))
{
    zanni_msg_t *reply = tool_ask (peer, talk, method, NULL, 0);
    if (!reply)
        return false;
    json_t *json = show (reply);
    bool good = json ? tool_print (json, false) : tool_complain (method, ZANNI_EARGS, "the answer is none of this version's");
    zanni_msg_destroy (&reply);
    return good;
}

static int
s_run (const struct argp *argp, int argc, char **argv, const char *method, json_t *(*show) (zanni_msg_t *reply))
{
    tool_aim_t aim = { .place = NULL };
    tool_peer_t peer;
    if (argp_parse (argp, argc, argv, 0, NULL, &aim))
        return EXIT_FAILURE;
    if (aim.work) {
        method = "zanni.work";
        show = s_work;
    }
    bool good = tool_reach (&peer, aim.place, &aim.talk) && s_show (&peer, &aim.talk, method, show);
    tool_leave (&peer);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
tool_describe (int argc, char **argv)
{
    static const struct argp argp = {
        NULL, tool_aim_parse, "ENDPOINT[/NAME]", "Shows what an actor of another node is: its class, and its methods with their "
        "arguments and answers as signatures.\vThe actor is the one that listens at tcp://HOST:PORT, or with /NAME the one "
        "that is offered there by that name.", tool_aim_children, NULL, NULL
    };
    return s_run (&argp, argc, argv, "zanni.describe", s_description);
}

static error_t
s_parse_ps (int key, char *argument, struct argp_state *state)
{
    if (key != 'w')
        return tool_aim_parse (key, argument, state);
    ((tool_aim_t *) state->input)->work = true;
    return 0;
}

int
tool_ps (int argc, char **argv)
{
    static const struct argp_option options [] = {
        { "work", 'w', NULL, 0, "What each worker is at instead: what it is in, asks that wait, the fullest mailboxes", 0 }, { 0 }
    };
    static const struct argp argp = {
        options, s_parse_ps, "ENDPOINT[/NAME]", "Shows what there is in a node: what it has counted, its workers, those of its "
        "actors that other nodes know, and the names that it offers.\vActors that no other node has heard of are counted, "
        "and not listed. With /NAME it is the node of the actor that is offered by that name.", tool_aim_children, NULL, NULL
    };
    return s_run (&argp, argc, argv, "zanni.node", s_census);
}
