/* One root actor, which blocks in calls: a command has nothing else to do. */

#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct argp_option s_options [] = {
    { "trust", 'T', "FILE", 0, "The node has the public key in FILE; --certificate is ours, which it has to know", 0 },
    { "insecure", 'k', NULL, 0, "Talk without a secret, to a node on this host that is open", 0 },
    { "timeout", 't', "MS", 0, "Wait so many milliseconds at most (default 5000)", 0 },
    { 0 }
};

static error_t
s_parse (int key, char *argument, struct argp_state *state)
{
    tool_talk_t *talk = state->input;
    char *end = argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs [0] = &talk->keys;
        return 0;
    case 'T':
        talk->trust = argument;
        return 0;
    case 'k':
        talk->insecure = true;
        return 0;
    case 't':
        talk->timeout_ms = strtoll (argument, &end, 10);
        if (*end || talk->timeout_ms <= 0 || talk->timeout_ms > 86400000)
            argp_error (state, "--timeout: \"%s\" is no number of milliseconds from 1 to 86400000", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child s_children [] = { { &tool_keys_argp, 0, NULL, 0 }, { 0 } };
const struct argp tool_talk_argp = { s_options, s_parse, NULL, NULL, s_children, NULL, NULL };
const struct argp_child tool_aim_children [] = { { &tool_talk_argp, 0, NULL, 0 }, { 0 } };

error_t
tool_aim_parse (int key, char *argument, struct argp_state *state)
{
    tool_aim_t *aim = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs [0] = &aim->talk;
        return 0;
    case ARGP_KEY_ARG:
        if (aim->place)
            argp_error (state, "\"%s\" is one argument too many", argument);
        aim->place = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        if (!aim->optional)
            argp_error (state, "say whom to ask");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

bool
tool_complain (const char *what, int code, const char *text)
{
    fprintf (stderr, "zanni: %s: %s\n", what, text && *text ? text : zanni_strerror (code));
    return false;
}

bool
tool_complain_of (const char *place, int code, const char *text)
{
    (void) tool_complain (place, code, text);
    if (code == ZANNI_EAUTH)
        fputs ("zanni: both sides need the same secret: --secret-file, or ZANNI_SECRET in the environment; or each a certificate"
               " that the other one trusts; or --insecure, on this host, where the node is open, too\n", stderr);
    return false;
}

bool
tool_place (tool_place_t *place, const char *text)
{
    bool tcp = !strncmp (text, "tcp://", 6);
    const char *slash = tcp ? strchr (text + 6, '/') : NULL;
    size_t size = slash ? (size_t) (slash - text) : strlen (text);
    if (!tcp || size >= sizeof place->endpoint || (slash && strlen (slash + 1) >= sizeof place->name))
        return tool_complain (text, ZANNI_EINVAL, "is no tcp://HOST:PORT, with or without /NAME behind it");
    snprintf (place->endpoint, sizeof place->endpoint, "%.*s", (int) size, text);
    snprintf (place->name, sizeof place->name, "%s", slash ? slash + 1 : "");
    return true;
}

static bool
s_begin (zanni_t **self_p, const tool_talk_t *talk)
{
    zanni_error_t error = { .code = 0 };
    const zanni_options_t options = {
        .name = "zanni", .workers = 1, .secret_file = talk->keys.secret_file, .certificate = talk->keys.certificate,
        .insecure = talk->insecure, .error = &error
    };
    int rc = zanni_new (self_p, &options);
    return !rc || tool_complain ("a node cannot be made", rc, error.text);
}

static int
s_connect (tool_peer_t *peer, const tool_place_t *place, const tool_talk_t *talk, zanni_error_t *error)
{
    const zanni_connect_t connect = {
        .name = *place->name ? place->name : NULL, .timeout_ms = talk->timeout_ms, .error = error
    };
    int rc = 0;
    if (talk->trust)
        rc = zanni_trust (peer->self, place->endpoint, &(zanni_trust_t) { .file = talk->trust, .error = error });
    return rc ? rc : zanni_connect (peer->self, &peer->ref, place->endpoint, &connect);
}

bool
tool_reach (tool_peer_t *peer, const char *text, const tool_talk_t *talk)
{
    tool_place_t place;
    *peer = (tool_peer_t) { .self = NULL };
    if (!tool_place (&place, text) || !s_begin (&peer->self, talk))
        return false;
    zanni_error_t error = { .code = 0 };
    int rc = s_connect (peer, &place, talk, &error);
    if (rc == ZANNI_ENOACTOR)
        return tool_complain (text, rc, *place.name ? "nobody is offered there by that name" : "nobody is offered there");
    return !rc || tool_complain_of (text, rc, error.text);
}

void
tool_leave (tool_peer_t *peer)
{
    zanni_ref_destroy (&peer->ref);
    (void) zanni_destroy (&peer->self);
}

zanni_msg_t *
tool_ask (tool_peer_t *peer, const tool_talk_t *talk, const char *method, const zanni_arg_t *args, size_t count)
{
    zanni_msg_t *reply = NULL;
    zanni_error_t error = { .code = 0 };
    char text [sizeof error.text + 32];
    const zanni_ask_t ask = { .deadline_ms = talk->timeout_ms, .error = &error };
    int rc = zanni_call_args (peer->self, &reply, peer->ref, &ask, method, args, count);
    if (!rc)
        return reply;
    snprintf (text, sizeof text, "%s", error.text);
    if (rc == ZANNI_EAPP)
        snprintf (text, sizeof text, "error %lld: %s", (long long) error.app_code, error.text);
    (void) tool_complain (method, rc, text);
    zanni_error_reset (&error);
    return NULL;
}

bool
tool_print (json_t *json, bool line)
{
    if (!json)
        return tool_complain ("the answer", ZANNI_ENOMEM, NULL);
    size_t flags = JSON_ENCODE_ANY | (line ? 0 : JSON_INDENT (2));
    bool good = !json_dumpf (json, stdout, flags) && putchar ('\n') != EOF && !fflush (stdout);
    json_decref (json);
    return good || tool_complain ("the answer", ZANNI_ESYSTEM, "cannot be written");
}
