/* client: uses the actor of service.c, from another machine or this one.

   It connects, which gives it a reference that is used like any other, and monitors the service, so that it learns of
   its end whatever that is: told to stop, crashed, or cut off. Then it does what the command line says:

       client [-s SECRET-FILE] ENDPOINT                 brings some pieces and counts them
       client [-s SECRET-FILE] ENDPOINT count KIND      counts
       client [-s SECRET-FILE] ENDPOINT stop            ends the service, and waits until it has ended

   ENDPOINT is "tcp://HOST:PORT". The secret has to be the service's. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zanni.h>

#define END_MS 5000

/* What went wrong, in the service's own words where it said some. */
static int
complain (const char *what, int rc, zanni_error_t *error)
{
    const char *text = error && *error->text ? error->text : zanni_strerror (rc);
    fprintf (stderr, "client: %s: %s\n", what, text);
    zanni_error_reset (error);
    return rc;
}

static int
count (zanni_t *self, const zanni_ref_t *stock, const char *kind)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_error_t error = { .code = 0 };
    int64_t pieces;
    int rc = zanni_call_with (self, &reply, stock, &((zanni_ask_t) { .error = &error }), "count", kind);
    if (!rc)
        rc = zanni_read (reply, &pieces);
    if (rc)
        return complain (kind, rc, &error);
    printf ("client: %" PRId64 " %s\n", pieces, kind);
    return 0;
}

static int
bring (zanni_t *self, const zanni_ref_t *stock)
{
    static const char *const kinds [] = { "masks", "lanterns", "masks" };
    zanni_error_t error = { .code = 0 };
    int rc = 0;
    for (int64_t i = 0; !rc && i < 3; i++)
        rc = zanni_call_with (self, NULL, stock, &((zanni_ask_t) { .error = &error }), "add", kinds [i], i + 1);
    if (rc)
        return complain ("add", rc, &error);
    rc = count (self, stock, "masks");
    return rc ? rc : count (self, stock, "lanterns");
}

/* DOWN comes behind the answer, and says how the service ended. */
static int
stop (zanni_t *self, const zanni_ref_t *stock)
{
    ZANNI_AUTO (zanni_msg_t) message = NULL;
    zanni_error_t error = { .code = 0 };
    zanni_down_t down;
    char reason [128];
    int rc = zanni_call_with (self, NULL, stock, &((zanni_ask_t) { .error = &error }), "stop");
    if (!rc)
        rc = zanni_receive (self, &message, END_MS);
    if (!rc)
        rc = zanni_msg_down (message, &down);
    if (rc)
        return complain ("stop", rc, &error);
    printf ("client: the service has ended: %s\n", zanni_reason_string (&down.reason, reason, sizeof reason));
    return 0;
}

/* `words` are those of the command line, from the endpoint on; NULL ends them. */
static int
work (zanni_t *self, char **words)
{
    ZANNI_AUTO (zanni_ref_t) stock = NULL;
    uint64_t monitor;
    zanni_error_t error = { .code = 0 };
    int rc = zanni_connect (self, &stock, words [0], &(zanni_connect_t) { .name = "stock", .error = &error });
    if (!rc)
        rc = zanni_monitor (self, &monitor, stock);
    if (rc)
        return complain ("connect", rc, &error);
    if (!words [1])
        return bring (self, stock);
    return words [2] ? count (self, stock, words [2]) : stop (self, stock);
}

static bool
understands (int words, char **word)
{
    if (words == 1 || (words == 2 && !strcmp (word [1], "stop")) || (words == 3 && !strcmp (word [1], "count")))
        return true;
    fprintf (stderr, "usage: client [-s SECRET-FILE] ENDPOINT [count KIND | stop]\n");
    return false;
}

int
main (int argc, char **argv)
{
    zanni_error_t error = { .code = 0 };
    zanni_options_t options = { .error = &error };
    int option;
    while ((option = getopt (argc, argv, "s:")) == 's')
        options.secret_file = optarg;
    if (option != -1 || !understands (argc - optind, argv + optind))
        return EXIT_FAILURE;
    ZANNI_AUTO (zanni_t) self = NULL;
    int rc = zanni_new (&self, &options);
    if (rc)
        complain ("new", rc, &error);
    return rc || work (self, argv + optind) ? EXIT_FAILURE : EXIT_SUCCESS;
}
