/* service: an actor that programs on other machines use.

   The program's own thread is the actor: it keeps how much of what is in stock, listens where the command line says,
   and offers itself as "stock". It runs until somebody who has the secret calls its method `stop`, or SIGTERM or SIGINT
   comes: then zanni_wait returns, and the program ends. Whoever has another secret, or none, does not get as far as to an actor.

       service [-s SECRET-FILE] ENDPOINT [ADVERTISED]

   ENDPOINT is "tcp://ADDRESS:PORT": one of this machine's addresses, or a star for all; port 0 is one that is free.
   ADVERTISED is how others dial it where that is different: behind a name, or a forwarded port. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zanni.h>

#define KINDS 100
#define NAME_SIZE 64
#define UNKNOWN 1   // our own error codes
#define NO_ROOM 2

typedef struct {
    struct {
        char name [NAME_SIZE];
        int64_t pieces;
    } kinds [KINDS];
    size_t used;
} stock_t;

/* Where that kind stands, or would stand. */
static size_t
find (const stock_t *stock, const char *name)
{
    size_t at = 0;
    while (at < stock->used && strcmp (stock->kinds [at].name, name) != 0)
        at++;
    return at;
}

static int
stock_add (zanni_t *self, zanni_msg_t *msg)
{
    stock_t *stock = zanni_state (self);
    const char *name;
    int64_t pieces;
    int rc = zanni_read (msg, &name, &pieces);
    if (rc)
        return rc;
    size_t at = find (stock, name);
    if (at == KINDS || strlen (name) >= NAME_SIZE)
        return zanni_fail (self, msg, NO_ROOM, "there is no room for it");
    if (at == stock->used) {
        strcpy (stock->kinds [at].name, name);
        stock->used++;
    }
    stock->kinds [at].pieces += pieces;
    return zanni_reply (self, msg, stock->kinds [at].pieces);
}

static int
stock_count (zanni_t *self, zanni_msg_t *msg)
{
    const stock_t *stock = zanni_state (self);
    const char *name;
    int rc = zanni_read (msg, &name);
    if (rc)
        return rc;
    size_t at = find (stock, name);
    if (at == stock->used)
        return zanni_fail (self, msg, UNKNOWN, "nobody ever brought any of that");
    return zanni_reply (self, msg, stock->kinds [at].pieces);
}

/* The answer is on its way before the node ends. */
static int
stock_stop (zanni_t *self, zanni_msg_t *msg)
{
    int rc = zanni_reply (self, msg);
    return rc ? rc : zanni_node_stop (self, 0, NULL);
}

static const zanni_method_t stock_methods [] = {
    ZANNI_METHOD ("add", "sx", "x", stock_add, "So many pieces of that came; answers how many there are now."),
    ZANNI_METHOD ("count", "s", "x", stock_count, "How many pieces of that there are."),
    ZANNI_METHOD ("stop", "", "", stock_stop, "Ends the service."), ZANNI_METHOD_END
};
static const zanni_class_t stock_class = {
    .name = "stock", .state_size = sizeof (stock_t), .methods = stock_methods
};
static const zanni_class_t *const classes [] = { &stock_class, NULL };

/* Who was refused, and why, is worth a line in the journal. */
static void
say (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    if (level >= ZANNI_LOG_WARNING)
        fprintf (stderr, "service: %s\n", text);
}

static zanni_node_t *volatile node;   // NULL: it is not there yet, or not any more

static void
end (int signal)
{
    zanni_node_interrupt (node, signal);
}

static int
serve (zanni_t *self, const char *endpoint, const char *advertised)
{
    const char *where = NULL;
    int rc = zanni_serve (self, "stock");
    if (!rc)
        rc = zanni_bind (self, endpoint, &(zanni_bind_t) { .advertised = advertised });
    if (!rc)
        rc = zanni_offer (self, "stock", zanni_self (self));
    if (!rc)
        rc = zanni_endpoint (self, &where);
    if (rc)
        return rc;
    printf ("service: listens at %s\n", where);
    fflush (stdout);
    return zanni_wait (self, NULL, -1);   // until stop, or a signal
}

int
main (int argc, char **argv)
{
    zanni_init (classes);
    zanni_options_t options = { .log = say };
    const struct sigaction ends = { .sa_handler = end };
    int option;
    while ((option = getopt (argc, argv, "s:")) == 's')
        options.secret_file = optarg;
    if (option != -1 || optind == argc) {
        fprintf (stderr, "usage: service [-s SECRET-FILE] ENDPOINT [ADVERTISED]\n");
        return EXIT_FAILURE;
    }
    ZANNI_AUTO (zanni_t) self = NULL;
    int rc = zanni_new (&self, &options);
    if (!rc) {
        node = zanni_node_of (self);
        sigaction (SIGTERM, &ends, NULL);
        sigaction (SIGINT, &ends, NULL);
        rc = serve (self, argv [optind], argv [optind + 1]);
        node = NULL;
    }
    if (rc)
        fprintf (stderr, "service: %s: %s\n", argv [optind], zanni_strerror (rc));
    else
        printf ("service: stopped\n");
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
