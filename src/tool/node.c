/* zanni node: a node that runs classes from shared objects, and ends well on SIGTERM and SIGINT.

   Its own class says what it is to who asks. Signals are blocked before there is any other thread, and read from a
   descriptor beside the node's. Processes of its actors are this program again, as `zanni child`. */

#include "load.h"
#include "talk.h"
#include "verbs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define S_MOST 64      // of each of --load and --offer
#define S_BUDGET 1000

typedef struct {
    tool_keys_t keys;
    const char *allowed;
    const char *listen;
    const char *loads [S_MOST];
    size_t loads_count;
    const char *offers [S_MOST];   // CLASS=NAME
    size_t offers_count;
    bool allow_spawn;
    bool insecure;
    bool verbose;
} s_options_t;

static const zanni_class_t s_class = { .name = "zanni-node", .text = "A node that `zanni node' runs." };
static const zanni_class_t *const s_classes [] = { &s_class, NULL };

static const struct argp_option s_options [] = {
    { "listen", 'l', "ENDPOINT", 0, "Where others connect: tcp://ADDRESS:PORT; address * is all, port 0 one that is free", 0 },
    { "load", 'L', "LIBRARY", 0, "Classes of this shared object (its array zanni_classes), any number of times", 0 },
    { "offer", 'o', "CLASS=NAME", 0, "An actor of that class, without arguments, who connects finds by that name", 0 },
    { "allowed", 'A', "FOLDER", 0, "With a --certificate: who may connect, by their public certificates in FOLDER", 0 },
    { "allow-spawn", 'a', NULL, 0, "Who connects may spawn actors of the classes here", 0 },
    { "insecure", 'k', NULL, 0, "Without a secret, on this host: listen at 127.0.0.1 to whoever is there", 0 },
    { "verbose", 'v', NULL, 0, "Say on standard error what happens, not only what is wrong", 0 },
    { 0 }
};

static const char s_help [] =
    "Runs a node until SIGTERM or SIGINT; prints where it listens.\v"
    "Who connects has to have the same secret, or a certificate that is allowed. Each --offer starts an actor "
    "of a loaded class, which shares a worker or, where its class has a run hook, has a thread of its own.";

static void
s_add (struct argp_state *state, const char **list, size_t *count, const char *argument)
{
    if (*count == S_MOST)
        argp_error (state, "\"%s\" is one too many: there can be %d", argument, S_MOST);
    else
        list [(*count)++] = argument;
}

static error_t
s_parse (int key, char *argument, struct argp_state *state)
{
    s_options_t *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs [0] = &options->keys;
        return 0;
    case 'A':
        options->allowed = argument;
        return 0;
    case 'l':
        options->listen = argument;
        return 0;
    case 'L':
        s_add (state, options->loads, &options->loads_count, argument);
        return 0;
    case 'o':
        if (!strchr (argument, '=') || *argument == '=' || !strchr (argument, '=') [1])
            argp_error (state, "--offer: \"%s\" is no CLASS=NAME", argument);
        s_add (state, options->offers, &options->offers_count, argument);
        return 0;
    case 'a':
        options->allow_spawn = true;
        return 0;
    case 'k':
        options->insecure = true;
        return 0;
    case 'v':
        options->verbose = true;
        return 0;
    case ARGP_KEY_END:
        if (!options->listen)
            argp_error (state, "say where to --listen");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void
s_log (void *context, zanni_log_level_t level, const char *text)
{
    const s_options_t *options = context;
    if (options->verbose || level >= ZANNI_LOG_WARNING)
        fprintf (stderr, "zanni: %s\n", text);
}

static bool
s_load (const s_options_t *options)
{
    zanni_error_t error = { .code = 0 };
    for (size_t i = 0; i < options->loads_count; i++)
        if (!tool_load ("zanni", options->loads [i]))
            return false;
    int rc = zanni_register (s_classes, &error);
    if (!rc)
        rc = zanni_register (tool_loaded (), &error);
    return !rc || tool_complain ("the classes", rc, error.text);
}

/* What runs processes: this program again, which loads the same. */
static bool
s_new (zanni_t **self_p, s_options_t *options)
{
    const char *arguments [2 * S_MOST + 2] = { "child" };
    zanni_error_t error = { .code = 0 };
    for (size_t i = 0; i < options->loads_count; i++) {
        arguments [1 + 2 * i] = "--load";
        arguments [2 + 2 * i] = options->loads [i];
    }
    const zanni_options_t node = {
        .name = "zanni node", .secret_file = options->keys.secret_file, .certificate = options->keys.certificate,
        .allowed = options->allowed, .insecure = options->insecure, .allow_spawn = options->allow_spawn, .counts = true,
        .child_arguments = arguments, .log = s_log, .log_context = options, .error = &error
    };
    int rc = zanni_new (self_p, &node);
    return !rc || tool_complain ("the node cannot be made", rc, error.text);
}

static bool
s_listen (zanni_t *self, const s_options_t *options)
{
    const char *endpoint = "";
    zanni_error_t error = { .code = 0 };
    int rc = zanni_serve (self, s_class.name);
    if (!rc)
        rc = zanni_bind (self, options->listen, &(zanni_bind_t) { .error = &error });
    if (!rc)
        rc = zanni_endpoint (self, &endpoint);
    if (rc)
        return tool_complain_of ("--listen", rc, error.text);
    printf ("zanni: listens at %s\n", endpoint);
    return !fflush (stdout);
}

static bool
s_offer (zanni_t *self, zanni_ref_t **ref_p, const char *offer)
{
    zanni_error_t error = { .code = 0 };
    char name [TOOL_PLACE_MAX];
    const char *equals = strchr (offer, '=');
    snprintf (name, sizeof name, "%.*s", (int) (equals - offer), offer);
    const zanni_class_t *cls = tool_loaded_class (name);
    const zanni_spawn_t spawn = { .place = cls && cls->run ? ZANNI_THREAD : ZANNI_SHARED, .error = &error };
    int rc = zanni_spawn_args (self, ref_p, name, &spawn, NULL, 0);
    if (!rc)
        rc = zanni_offer (self, equals + 1, *ref_p);
    if (rc)
        (void) tool_complain (offer, rc, error.text);
    zanni_error_reset (&error);
    return !rc;
}

static bool
s_offer_all (zanni_t *self, zanni_ref_t **refs, const s_options_t *options)
{
    bool good = true;
    for (size_t i = 0; good && i < options->offers_count; i++)
        good = s_offer (self, &refs [i], options->offers [i]);
    return good;
}

/* Until a signal says that it is enough. */
static bool
s_run (zanni_t *self, int signals)
{
    int fd;
    int rc = zanni_fd (self, &fd);
    while (rc >= 0) {
        struct pollfd items [] = { { .fd = signals, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
        if (poll (items, 2, -1) < 0 && errno != EINTR)
            return tool_complain ("poll", ZANNI_ESYSTEM, strerror (errno));
        if (items [0].revents)
            return true;
        rc = zanni_step (self, S_BUDGET);
    }
    return tool_complain ("the node", rc, NULL);
}

static int
s_block_signals (void)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    return sigprocmask (SIG_BLOCK, &set, NULL) ? -1 : signalfd (-1, &set, SFD_CLOEXEC);
}

int
tool_node (int argc, char **argv)
{
    static const struct argp_child children [] = { { &tool_keys_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { s_options, s_parse, "--listen ENDPOINT", s_help, children, NULL, NULL };
    s_options_t options = { .listen = NULL };
    zanni_t *self = NULL;
    zanni_ref_t *refs [S_MOST] = { NULL };
    if (argp_parse (&argp, argc, argv, 0, NULL, &options))
        return EXIT_FAILURE;
    int signals = s_block_signals ();
    bool good = signals >= 0 || tool_complain ("signals", ZANNI_ESYSTEM, strerror (errno));
    good = good && s_load (&options) && s_new (&self, &options) && s_offer_all (self, refs, &options)
        && s_listen (self, &options) && s_run (self, signals);
    for (size_t i = 0; i < options.offers_count; i++)
        zanni_ref_destroy (&refs [i]);
    int rc = zanni_destroy (&self);
    if (rc)
        good = tool_complain ("the end", rc, NULL);
    if (signals >= 0)
        close (signals);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
tool_child (int argc, char **argv)
{
    return tool_be_child ("zanni child", argc, argv);
}
