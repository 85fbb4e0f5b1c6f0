/* crew: workers that come and go, on any number of machines.

   The program's own thread is a worker: it listens, so that who finds it dials it, joins the group "crew" of the
   registry, and does jobs until it is told to go. When it crashes, or its machine does, it is out of the group as
   soon as the registry knows, at the latest when its lease is over; when the registry crashes, it joins again by
   itself.

       crew [-s SECRET-FILE] REGISTRY NAME [ENDPOINT]

   REGISTRY is "tcp://HOST:PORT", ENDPOINT where this machine is reached, with a port or 0; default:
   tcp://127.0.0.1:0. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zanni.h>

typedef struct {
    const char *name;
    int64_t done;
} worker_t;

/* A job: how many primes there are below a number. */
static int64_t
primes_below (int64_t limit)
{
    int64_t count = 0;
    for (int64_t n = 2; n < limit; n++) {
        int64_t by = 2;
        while (by * by <= n && n % by)
            by++;
        count += by * by > n;
    }
    return count;
}

static int
worker_count (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    int64_t limit;
    int rc = zanni_read (msg, &limit);
    if (rc)
        return rc;
    worker->done++;
    return zanni_reply (self, msg, primes_below (limit), worker->name);
}

/* A topic: all members are told. */
static int
worker_go (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static const zanni_method_t worker_methods [] = {
    ZANNI_METHOD ("count", "x", "xs", worker_count, "How many primes there are below that; and who has counted."),
    ZANNI_METHOD ("go", "", "", worker_go, "The work is done."), ZANNI_METHOD_END
};
static const zanni_class_t worker_class = {
    .name = "worker", .state_size = sizeof (worker_t), .methods = worker_methods
};
static const zanni_class_t *const classes [] = { &worker_class, NULL };

static int
serve (zanni_t *self, const char *registry, const char *name, const char *endpoint)
{
    ZANNI_AUTO (zanni_directory_t) directory = NULL;
    zanni_error_t error = { .code = 0 };
    char place [300];
    snprintf (place, sizeof place, "registry:%s", registry);
    int rc = zanni_serve (self, "worker");
    if (!rc)
        rc = zanni_bind (self, endpoint, NULL);
    if (!rc)
        rc = zanni_directory_open (self, &directory, place, &(zanni_directory_options_t) { .error = &error });
    if (!rc)
        rc = zanni_directory_join (directory, "crew", zanni_self (self));
    if (rc) {
        fprintf (stderr, "crew: %s: %s\n", name, *error.text ? error.text : zanni_strerror (rc));
        return rc;
    }
    worker_t *worker = zanni_state (self);
    worker->name = name;
    printf ("crew: %s has joined\n", name);
    fflush (stdout);
    rc = zanni_run (self, -1);   // until go
    printf ("crew: %s has done %" PRId64 " jobs\n", name, worker->done);
    return rc;
}

int
main (int argc, char **argv)
{
    zanni_init (classes);
    zanni_error_t error = { .code = 0 };
    zanni_options_t node = { .error = &error };
    int option;
    while ((option = getopt (argc, argv, "s:")) == 's')
        node.secret_file = optarg;
    if (option != -1 || argc - optind < 2) {
        fprintf (stderr, "usage: crew [-s SECRET-FILE] REGISTRY NAME [ENDPOINT]\n");
        return EXIT_FAILURE;
    }
    ZANNI_AUTO (zanni_t) self = NULL;
    int rc = zanni_new (&self, &node);
    const char *endpoint = argc - optind > 2 ? argv [optind + 2] : "tcp://127.0.0.1:0";
    if (rc)
        fprintf (stderr, "crew: %s\n", *error.text ? error.text : zanni_strerror (rc));
    else
        rc = serve (self, argv [optind], argv [optind + 1], endpoint);
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
