/* zanni call: asks an actor of another node something. */

#include "given.h"
#include "talk.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    tool_talk_t talk;
    char **words;   // endpoint, method, arguments
    size_t count;
} s_options_t;

static const char s_help [] =
    "Asks an actor of another node, and prints its answer as JSON, one value a line.\v"
    "The actor is the one that listens at tcp://HOST:PORT, or with /NAME behind that the one which is offered there by "
    "that name; `zanni describe' says what it can be asked. Each ARGUMENT is JSON: a number, '\"a string\"', true, null, "
    "an array; an object is a list of pairs, but {\"bytes\": HEX} and {\"buffer\": HEX} are bytes and a buffer. Options "
    "stand before ENDPOINT. The exit status is 1 where there is no answer; then the error is told.";

static error_t
s_parse (int key, char *argument, struct argp_state *state)
{
    s_options_t *options = state->input;
    (void) argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs [0] = &options->talk;
        return 0;
    case ARGP_KEY_ARG:   // from here on all is the actor's, minus signs, too
        options->words = state->argv + state->next - 1;
        options->count = (size_t) (state->argc - state->next + 1);
        state->next = state->argc;
        return 0;
    case ARGP_KEY_END:
        if (options->count < 2)
            argp_error (state, "say whom to ask, and what");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool
s_print_all (zanni_msg_t *reply)
{
    bool good = true;
    while (good && zanni_more (reply))
        good = tool_print (tool_result (reply), true);
    return good;
}

static bool
s_call (tool_peer_t *peer, const s_options_t *options)
{
    tool_given_t given;
    size_t which;
    char what [64];
    bool good = false;
    const char *fault = tool_given (&given, peer->self, options->words + 2, options->count - 2, &which);
    if (fault) {
        snprintf (what, sizeof what, "argument %zu", which + 1);
        (void) tool_complain (what, ZANNI_EINVAL, fault);
    }
    else {
        zanni_msg_t *reply = tool_ask (peer, &options->talk, options->words [1], given.args, given.count);
        good = reply && s_print_all (reply);
        zanni_msg_destroy (&reply);
    }
    tool_given_free (&given);
    return good;
}

int
tool_call (int argc, char **argv)
{
    static const struct argp_child children [] = { { &tool_talk_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = {
        NULL, s_parse, "ENDPOINT[/NAME] METHOD [ARGUMENT...]", s_help, children, NULL, NULL
    };
    s_options_t options = { .count = 0 };
    tool_peer_t peer;
    if (argp_parse (&argp, argc, argv, ARGP_IN_ORDER, NULL, &options))
        return EXIT_FAILURE;
    bool good = tool_reach (&peer, options.words [0], &options.talk) && s_call (&peer, &options);
    tool_leave (&peer);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
