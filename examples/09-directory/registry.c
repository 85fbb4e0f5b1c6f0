/* registry: who offers which name or group, for programs on other machines.

   It begins the registry of its node and listens; all else is the library's. It keeps nothing on disk: where it is
   begun anew, its members publish again what they have, so that it is complete within their lease.

       registry [-s SECRET-FILE] ENDPOINT [ADVERTISED]

   ENDPOINT is "tcp://ADDRESS:PORT": one of this machine's addresses, or a star for all; port 0 is one that is
   free. SIGTERM and SIGINT end it. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zanni.h>

/* Who was refused, and why, is worth a line in the journal. */
static void
say (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    if (level >= ZANNI_LOG_WARNING)
        fprintf (stderr, "registry: %s\n", text);
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
    ZANNI_AUTO (zanni_ref_t) registry = NULL;
    const char *where = NULL;
    int rc = zanni_registry (self, &registry);
    if (!rc)
        rc = zanni_bind (self, endpoint, &(zanni_bind_t) { .advertised = advertised });
    if (!rc)
        rc = zanni_endpoint (self, &where);
    if (rc)
        return rc;
    printf ("registry: listens at %s\n", where);
    fflush (stdout);
    return zanni_wait (self, NULL, -1);   // until a signal
}

int
main (int argc, char **argv)
{
    zanni_init ((const zanni_class_t *const []) { NULL });
    zanni_options_t options = { .log = say };
    const struct sigaction ends = { .sa_handler = end };
    int option;
    while ((option = getopt (argc, argv, "s:")) == 's')
        options.secret_file = optarg;
    if (option != -1 || optind == argc) {
        fprintf (stderr, "usage: registry [-s SECRET-FILE] ENDPOINT [ADVERTISED]\n");
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
        fprintf (stderr, "registry: %s: %s\n", argv [optind], zanni_strerror (rc));
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
