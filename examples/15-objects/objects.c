/* objects: processes that share a lock, a queue and an event.

   Four processes wait for an event, take jobs out of a queue, and enter each into a ledger: a file in which the sum
   of all jobs stands. Reading it, adding and writing it back must not be done by two at a time, so it is done with a
   lock. One job is bad: whoever gets it dies with the lock in its hands. Then the lock goes to the next who waits,
   who learns that it was abandoned, and looks after what it protects.

   Queue, lock and event are actors like any others, of classes that zanni has ready. Here they live in the main
   process; a reference is all that a worker needs, and it would be the same on another machine. A job that was got
   and a lock that is asked for then reach one place in that order, so when the lock is had, the job is not given to
   another any more. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zanni.h>

#define WORKERS 4
#define JOBS 200
#define WANTED (JOBS * (JOBS + 1) / 2)
#define LAST 0     // a job that says: no more
#define BAD (-1)   // one that kills
#define FOREVER (-1)

static int
ledger_read (const char *path, int64_t *sum)
{
    FILE *file = fopen (path, "r");
    int found = file ? fscanf (file, "%" SCNd64, sum) : 0;
    if (file)
        fclose (file);
    return found == 1 ? 0 : ZANNI_ECORRUPT;
}

static int
ledger_write (const char *path, int64_t sum)
{
    FILE *file = fopen (path, "w");
    if (!file)
        return ZANNI_ESYSTEM;
    fprintf (file, "%" PRId64 "\n", sum);
    return fclose (file) ? ZANNI_ESYSTEM : 0;
}

/* With the lock. The one before had it and died: what it protects is looked at before it is trusted again. */
static int
enter (const char *path, int64_t job, bool abandoned)
{
    int64_t sum;
    if (job == BAD)
        raise (SIGKILL);
    int rc = ledger_read (path, &sum);
    if (abandoned) {
        printf ("objects: the lock was abandoned, the ledger is %s\n", rc ? "broken" : "whole");
        fflush (stdout);
    }
    return rc ? rc : ledger_write (path, sum + job);
}

static int
do_job (zanni_t *self, const zanni_ref_t *lock, const char *path, int64_t job)
{
    bool abandoned = false;
    int rc = zanni_lock_acquire (self, &abandoned, lock, FOREVER);
    if (rc)
        return rc;
    rc = enter (path, job, abandoned);
    int released = zanni_lock_release (self, lock);
    return rc ? rc : released;
}

static int
next_job (zanni_t *self, const zanni_ref_t *queue, int64_t *job)
{
    ZANNI_AUTO (zanni_msg_t) item = NULL;
    int rc = zanni_queue_get (self, &item, queue, FOREVER);
    return rc ? rc : zanni_read (item, job);
}

/* An actor in a process of its own may block, as here: for the event, for jobs, for the lock. */
static int
worker_work (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *start, *queue, *lock;
    const char *path;
    int64_t job = LAST, done = 0;
    int rc = zanni_read (msg, &start, &queue, &lock, &path);
    if (!rc)
        rc = zanni_event_wait (self, start, FOREVER);
    while (!rc && !(rc = next_job (self, queue, &job)) && job != LAST) {
        rc = do_job (self, lock, path, job);
        done++;
    }
    return rc ? rc : zanni_reply (self, msg, done);
}

static const zanni_method_t worker_methods [] = {
    ZANNI_METHOD ("work", "rrrs", "x", worker_work, "Event, queue, lock, ledger; how many jobs it did."),
    ZANNI_METHOD_END
};
static const zanni_class_t worker_class = { .name = "worker", .methods = worker_methods };
static const zanni_class_t *const classes [] = { &worker_class, NULL };

typedef struct {
    zanni_ref_t *start, *queue, *lock, *workers [WORKERS];
} office_t;

static int
open_office (zanni_t *self, office_t *office, const char *path)
{
    const zanni_spawn_t process = { .place = ZANNI_PROCESS };
    const zanni_spawn_t here = { .place = ZANNI_HERE };   // they run while main waits, and are in one place
    const zanni_ask_t patient = { .deadline_ms = -1 };   // answered at the end, to zanni_receive
    int rc = zanni_spawn (self, &office->start, "zanni.event", &here);
    if (!rc)
        rc = zanni_spawn (self, &office->queue, "zanni.queue", &here, 16);   // at most 16 jobs: then put waits
    if (!rc)
        rc = zanni_spawn (self, &office->lock, "zanni.lock", &here);
    for (int i = 0; !rc && i < WORKERS; i++) {
        rc = zanni_spawn (self, &office->workers [i], "worker", &process);
        if (!rc)
            rc = zanni_ask (self, office->workers [i], &patient, "work", office->start, office->queue, office->lock,
                            path);
    }
    return rc;
}

static void
close_office (office_t *office)
{
    for (int i = 0; i < WORKERS; i++)
        zanni_ref_destroy (&office->workers [i]);
    zanni_ref_destroy (&office->lock);
    zanni_ref_destroy (&office->queue);
    zanni_ref_destroy (&office->start);
}

static int
put_jobs (zanni_t *self, const office_t *office)
{
    int rc = zanni_call (self, NULL, office->start, "set");
    for (int job = 1; !rc && job <= JOBS; job++) {
        rc = zanni_queue_put (self, office->queue, FOREVER, job);
        if (!rc && job == JOBS / 2)
            rc = zanni_queue_put (self, office->queue, FOREVER, BAD);
    }
    for (int i = 0; !rc && i < WORKERS - 1; i++)
        rc = zanni_queue_put (self, office->queue, FOREVER, LAST);
    return rc;
}

/* How many jobs were done by the workers that lived to tell. */
static int
count (zanni_t *self, int64_t *done, int *dead)
{
    for (int i = 0; i < WORKERS; i++) {
        ZANNI_AUTO (zanni_msg_t) answer = NULL;
        int64_t jobs = 0;
        int rc = zanni_receive (self, &answer, FOREVER);
        if (rc)
            return rc;
        *dead += zanni_msg_kind (answer) == ZANNI_MSG_ERROR;
        if (!zanni_read (answer, &jobs))
            *done += jobs;
    }
    return 0;
}

int
main (void)
{
    zanni_init (classes);   // in the workers' processes it never returns
    ZANNI_AUTO (zanni_t) self = NULL;
    office_t office = { .start = NULL };
    char path [] = P_tmpdir "/ledger-XXXXXX";
    int64_t done = 0, sum = 0;
    int dead = 0, fd = mkstemp (path);
    int rc = fd < 0 ? ZANNI_ESYSTEM : ledger_write (path, 0);
    if (!rc)
        rc = zanni_new (&self, NULL);
    if (!rc)
        rc = open_office (self, &office, path);
    if (!rc)
        rc = put_jobs (self, &office);
    if (!rc)
        rc = count (self, &done, &dead);
    if (!rc)
        rc = ledger_read (path, &sum);
    close_office (&office);
    if (fd >= 0)
        close (fd), unlink (path);
    if (rc) {
        fprintf (stderr, "objects: %s\n", zanni_strerror (rc));
        return EXIT_FAILURE;
    }
    printf ("objects: %" PRId64 " jobs by %d processes, %d of which died; the ledger says %" PRId64 " of %d\n", done,
            WORKERS, dead, sum, WANTED);
    return sum == WANTED ? EXIT_SUCCESS : EXIT_FAILURE;
}
