/* jobs: deals work out to whoever is in the crew.

   It follows the group, so that it says who comes and goes, and gives each job to the next member. A job whose
   worker is lost while it does it is given to another one: what a job is has to bear being done twice. At the end
   the whole group, which is a topic, is told to go.

       jobs [-s SECRET-FILE] REGISTRY JOBS LIMIT [stay]

   REGISTRY is "tcp://HOST:PORT"; each of JOBS jobs counts the primes below LIMIT. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zanni.h>

#define TRIES 200
#define PATIENCE_MS 100   // between two looks for members

typedef struct {
    int64_t result;
    int64_t again;        // jobs that had to be done once more
} totals_t;

/* What has come meanwhile: who joined, who left. Waits that long for the first. */
static int
news (zanni_t *self, int64_t wait_ms)
{
    for (;;) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        const char *what, *group;
        const zanni_ref_t *who;
        int rc = zanni_receive (self, &msg, wait_ms);
        if (rc)
            return rc == ZANNI_ETIMEOUT ? 0 : rc;
        if (!strcmp (zanni_msg_method (msg), "changed") && !zanni_read (msg, &what, &group, &who))
            printf ("jobs: somebody has %s the %s\n", what, group);
        fflush (stdout);
        wait_ms = 0;
    }
}

/* One job, by whoever is next; by another one where that is lost. */
static int
do_job (zanni_t *self, zanni_router_t *crew, int64_t limit, totals_t *totals)
{
    int rc = 0;
    for (int tries = 0; tries < TRIES; tries++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        const zanni_ref_t *worker = NULL;
        const char *name;
        rc = zanni_router_next (crew, &worker, NULL);
        if (!rc)
            rc = zanni_call (self, &reply, worker, "count", limit);
        if (!rc)
            return zanni_read (reply, &totals->result, &name);
        totals->again += worker != NULL;
        int heard = news (self, PATIENCE_MS);   // nobody is there, or not any more
        if (heard)
            return heard;
    }
    return rc;
}

static int
work (zanni_t *self, zanni_directory_t *directory, char **words)
{
    ZANNI_AUTO (zanni_router_t) crew = NULL;
    totals_t totals = { 0, 0 };
    int64_t jobs = atoll (words [1]), limit = atoll (words [2]);
    int rc = zanni_directory_subscribe (directory, "crew", "changed");
    if (!rc)
        rc = zanni_router_open (directory, &crew, "crew", ZANNI_ROUND_ROBIN);
    for (int64_t i = 0; !rc && i < jobs; i++) {
        rc = do_job (self, crew, limit, &totals);
        if (!rc)
            rc = news (self, 0);
    }
    if (rc)
        return rc;
    printf ("jobs: %" PRId64 " jobs are done, %" PRId64 " primes each, %s\n", jobs, totals.result,
            totals.again ? "some of them twice" : "each once");
    rc = words [3] ? 0 : zanni_topic_tell (crew, "go");
    return rc < 0 ? rc : 0;
}

int
main (int argc, char **argv)
{
    zanni_error_t error = { .code = 0 };
    zanni_options_t node = { .error = &error };
    char place [300];
    int option;
    while ((option = getopt (argc, argv, "s:")) == 's')
        node.secret_file = optarg;
    if (option != -1 || argc - optind < 3) {
        fprintf (stderr, "usage: jobs [-s SECRET-FILE] REGISTRY JOBS LIMIT [stay]\n");
        return EXIT_FAILURE;
    }
    ZANNI_AUTO (zanni_t) self = NULL;
    ZANNI_AUTO (zanni_directory_t) directory = NULL;
    const zanni_directory_options_t options = { .error = &error };
    snprintf (place, sizeof place, "registry:%s", argv [optind]);
    int rc = zanni_new (&self, &node);
    if (!rc)
        rc = zanni_directory_open (self, &directory, place, &options);
    if (!rc)
        rc = work (self, directory, argv + optind);
    if (rc)
        fprintf (stderr, "jobs: %s: %s\n", place, *error.text ? error.text : zanni_strerror (rc));
    return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
