/* coordinator: has the words of files counted on any number of hosts.

   On each host runs `zanni node`, which has loaded the counter's class; the counters themselves are spawned there from
   here, and end with this program. Each of them has one piece of text at a time: that is all the flow control, but where
   pieces are so large that there is no room for the next one on the way to its host, which then waits for it. A piece
   whose counter is lost, with its host, its node or the way there, stays where it is, and the next counter that has
   nothing to do gets it. An ask ends exactly once, by the whole answer or by an error; so what a lost counter had counted
   is in no sum, and the result is exact whoever dies.

       coordinator [-s SECRET-FILE] [-n WORDS] -w ENDPOINT [-w ENDPOINT]... FILE...

   ENDPOINT is that of a worker host's node, "tcp://HOST:PORT". WORDS is how many words are shown, the most frequent
   first; default: 20; 0: all. */

#include "pieces.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zanni.h>

#define HOSTS 64
#define COUNTERS 16   // on each host, whose processors they share: their pieces fit into its window (8 MiB) twice
#define TOP 20

typedef struct {
    zanni_ref_t *ref;        // NULL: there is none, or none any more
    size_t host;
    zanni_buffer_t *piece;   // that it counts, or is to; NULL: it has nothing to do
    uint64_t ask;            // 0: it does not count it yet
} counter_t;

typedef struct {
    const char *hosts [HOSTS];   // their endpoints
    bool lost [HOSTS];
    bool full [HOSTS];           // there is no room on the way there, until a message of its name tells that there is
    size_t hosts_count;
    counter_t counters [HOSTS * COUNTERS];   // the first of each host, then the second of each, ...
    size_t counters_count;
    pieces_t pieces;
    words_t words;
    uint64_t counted;
    uint64_t again;              // pieces that had to be given to another
    const char *where;           // it went wrong
} job_t;

#define EACH(counter, job) \
    for (counter_t *counter = (job)->counters; counter < (job)->counters + (job)->counters_count; counter++)

/* Spawns the counters of a host. One that is not there is left out. */
static void
hire (zanni_t *self, job_t *job, size_t host)
{
    ZANNI_AUTO (zanni_ref_t) node = NULL;
    zanni_error_t error = { .code = 0 };
    int rc = zanni_connect (self, &node, job->hosts [host], &(zanni_connect_t) { .error = &error });
    const zanni_spawn_t there = { .on = node, .error = &error };
    for (size_t i = 0; !rc && i < COUNTERS; i++) {
        counter_t *counter = &job->counters [i * job->hosts_count + host];
        counter->host = host;
        rc = zanni_spawn (self, &counter->ref, "counter", &there);
    }
    if (rc)
        fprintf (stderr, "coordinator: %s: %s\n", job->hosts [host], *error.text ? error.text : zanni_strerror (rc));
    else
        printf ("coordinator: %d counters at %s\n", COUNTERS, job->hosts [host]);
    fflush (stdout);
    zanni_error_reset (&error);
}

/* One that a lost counter had, else a new one; NULL where there is none. */
static int
next_piece (zanni_t *self, job_t *job, zanni_buffer_t **piece_p)
{
    EACH (counter, job)
        if (!counter->ref && counter->piece) {
            *piece_p = counter->piece;
            counter->piece = NULL;
            job->again++;
            return 0;
        }
    return pieces_next (self, &job->pieces, piece_p);
}

/* Where that is why, the counter is lost; its piece waits for another. */
static int
lose (job_t *job, counter_t *counter, int rc)
{
    const char *host = job->hosts [counter->host];
    if (!rc)
        return 0;
    if (rc != ZANNI_ENODE && rc != ZANNI_EDOWN && rc != ZANNI_ENOACTOR && rc != ZANNI_EROUTE) {
        job->where = host;
        return rc;
    }
    if (!job->lost [counter->host])
        fprintf (stderr, "coordinator: %s: %s, others go on\n", host, zanni_strerror (rc));
    job->lost [counter->host] = true;
    zanni_ref_destroy (&counter->ref);
    return 0;
}

/* What came of an ask that has not been answered: a counter is lost, or waits until there is room for its piece. */
static int
fail (zanni_t *self, job_t *job, counter_t *counter, int rc)
{
    counter->ask = 0;
    if (rc == ZANNI_EFULL) {
        job->full [counter->host] = true;
        rc = zanni_when_writable (self, counter->ref, job->hosts [counter->host]);
    }
    return lose (job, counter, rc);
}

/* Gives a piece to each counter that has nothing to do. Answers how many have something to do. */
static int
deal (zanni_t *self, job_t *job)
{
    int rc = 0, busy = 0, left = 0;
    EACH (counter, job) {
        const zanni_ask_t ask = { .deadline_ms = -1, .id_p = &counter->ask };
        if (!counter->ref)
            continue;
        bool full = job->full [counter->host];
        if (!full && !counter->piece)
            rc = next_piece (self, job, &counter->piece);
        if (!rc && !full && counter->piece && !counter->ask) {
            rc = zanni_ask (self, counter->ref, &ask, "count", counter->piece);
            rc = rc ? fail (self, job, counter, rc) : 0;
        }
        if (rc)
            return rc;
        left += counter->ref != NULL;
        busy += counter->ref && counter->piece;
    }
    return left ? busy : ZANNI_EGONE;
}

/* Adds up what a counter has found. */
static int
add (words_t *words, zanni_msg_t *reply)
{
    size_t count, fields;
    int rc = zanni_enter (reply, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        zanni_bytes_t text;
        uint64_t times;
        rc = zanni_enter (reply, &fields);
        if (!rc)
            rc = zanni_read (reply, &text, &times);
        if (!rc)
            rc = zanni_leave (reply);
        if (!rc && !words_add (words, text.data, text.size, times))
            rc = ZANNI_ENOMEM;
    }
    return rc;
}

/* Waits for an answer, or for room. */
static int
hear (zanni_t *self, job_t *job)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_error_t error;
    int rc = zanni_receive (self, &reply, -1);
    if (rc)
        return rc;
    for (size_t host = 0; host < job->hosts_count; host++)
        if (zanni_msg_kind (reply) == ZANNI_MSG_TELL && !strcmp (zanni_msg_method (reply), job->hosts [host]))
            job->full [host] = false;
    EACH (counter, job) {
        if (!counter->ref || !counter->ask || counter->ask != zanni_msg_id (reply))
            continue;
        if (!zanni_msg_error (reply, &error))
            return fail (self, job, counter, error.code);
        job->counted++;
        counter->ask = 0;
        zanni_buffer_destroy (&counter->piece);
        return add (&job->words, reply);
    }
    return 0;
}

static int
work (zanni_t *self, job_t *job)
{
    for (size_t host = 0; host < job->hosts_count; host++)
        hire (self, job, host);
    int rc = deal (self, job);
    while (rc > 0) {
        rc = hear (self, job);
        if (!rc)
            rc = deal (self, job);
    }
    if (rc == ZANNI_EGONE)
        fprintf (stderr, "coordinator: no host is there to count\n");
    else if (rc && rc != ZANNI_ESYSTEM)   // which pieces.c has told
        fprintf (stderr, "coordinator: %s: %s\n", job->where ? job->where : "cannot go on", zanni_strerror (rc));
    EACH (counter, job) {
        zanni_ref_destroy (&counter->ref);
        zanni_buffer_destroy (&counter->piece);
    }
    zanni_buffer_destroy (&job->pieces.file);
    return rc;
}

static bool
report (job_t *job, size_t top)
{
    words_t *words = &job->words;
    words_sort (words);
    for (size_t i = 0; i < words->distinct && (!top || i < top); i++)
        printf ("%12" PRIu64 " %s\n", words->places [i].count, words->places [i].text);
    printf ("counted: %" PRIu64 " words, %zu distinct, %" PRIu64 " pieces, %" PRIu64 " of them given twice\n",
            words->total, words->distinct, job->counted, job->again);
    words_free (words);
    if (!fflush (stdout) && !ferror (stdout))
        return true;
    perror ("coordinator: the standard output");
    return false;
}

static bool
read_options (job_t *job, size_t *top, zanni_options_t *node, int argc, char **argv)
{
    int option;
    while ((option = getopt (argc, argv, "s:n:w:")) != -1)
        if (option == 's')
            node->secret_file = optarg;
        else if (option == 'n')
            *top = strtoul (optarg, NULL, 10);
        else if (option == 'w' && job->hosts_count < HOSTS)
            job->hosts [job->hosts_count++] = optarg;
        else
            return false;
    job->counters_count = job->hosts_count * COUNTERS;
    job->pieces.files = argv + optind;
    return job->hosts_count && optind < argc;
}

int
main (int argc, char **argv)
{
    static job_t job;
    zanni_error_t error = { .code = 0 };
    zanni_options_t node = { .error = &error };
    size_t top = TOP;
    if (!read_options (&job, &top, &node, argc, argv)) {
        fprintf (stderr, "usage: coordinator [-s SECRET-FILE] [-n WORDS] -w ENDPOINT [-w ENDPOINT]... FILE...\n");
        return EXIT_FAILURE;
    }
    ZANNI_AUTO (zanni_t) self = NULL;
    int rc = zanni_new (&self, &node);
    if (rc)
        fprintf (stderr, "coordinator: %s\n", *error.text ? error.text : zanni_strerror (rc));
    else
        rc = work (self, &job);
    return !rc && report (&job, top) ? EXIT_SUCCESS : EXIT_FAILURE;
}
