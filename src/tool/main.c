/* zanni: the command. Its first argument says what to do; the rest is the verb's own. */

#include "verbs.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_USAGE_STATUS 2

typedef struct {
    const char *name;
    int (*run) (int argc, char **argv);
} s_verb_t;

static const s_verb_t s_verbs [] = {
    { "call", tool_call },     { "describe", tool_describe }, { "doctor", tool_doctor }, { "node", tool_node },
    { "keygen", tool_keygen }, { "ps", tool_ps },             { "wire", tool_wire },     { "child", tool_child }
};

static const char s_help [] = "Runs, asks and looks at nodes of zanni, actors in C on ZeroMQ.\v"
                              "Verbs:\n"
                              "  node       run a node with classes from shared objects\n"
                              "  call       ask an actor of a node, with arguments and answer as JSON\n"
                              "  describe   show what an actor is and can be asked\n"
                              "  ps         show what there is in a node\n"
                              "  doctor     look whether nodes can run here, and reach another one\n"
                              "  keygen     make the key pair of a node\n"
                              "  wire       show what travels between nodes, as JSON\n"
                              "\n`zanni VERB --help' says what a verb takes.";

typedef struct {
    const s_verb_t *verb;
    int first;   // argument of the verb
} s_choice_t;

static error_t
s_parse (int key, char *argument, struct argp_state *state)
{
    s_choice_t *choice = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        for (size_t i = 0; i < sizeof s_verbs / sizeof *s_verbs; i++)
            if (!strcmp (s_verbs [i].name, argument))
                choice->verb = &s_verbs [i];
        if (!choice->verb)
            argp_error (state, "there is no verb \"%s\"", argument);
        choice->first = state->next;
        state->next = state->argc;   // the rest is not ours
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error (state, "say what to do");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int
main (int argc, char **argv)
{
    static const struct argp argp = { .parser = s_parse, .args_doc = "VERB [ARGUMENT...]", .doc = s_help };
    s_choice_t choice = { .first = argc };
    char name [32];
    argp_err_exit_status = S_USAGE_STATUS;
    if (argp_parse (&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice) || !choice.verb)
        return S_USAGE_STATUS;
    snprintf (name, sizeof name, "zanni %s", choice.verb->name);
    argv [choice.first - 1] = name;
    return choice.verb->run (argc - choice.first + 1, argv + choice.first - 1);
}
