/* What a node takes it gives back, and what it does when there is no more: descriptors, threads, sockets.

   The limits are set in a child of the test, forked before anything of ZeroMQ was used: a process cannot raise a hard
   limit again, and libzmq would abort it where zanni failed to look first. */

#include "probe.h"
#include "support/faults.h"

#include <criterion/criterion.h>
#include <czmq.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Nodes that come and go. */

#define S_NOISE 100000   // bytes by which what others have allocated varies, however many nodes there were

static void
s_one_node (void)
{
    zanni_t *self = NULL;
    zanni_ref_t *shared = NULL, *thread = NULL;
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_spawn (self, &shared, "echo", NULL), 0);
    cr_assert_eq (zanni_spawn (self, &thread, "reader", &(zanni_spawn_t) { .place = ZANNI_THREAD }), 0);
    cr_assert_eq (zanni_buffer_new (self, &buffer, 100000), 0);
    zanni_buffer_destroy (&buffer);
    for (int i = 0; i < 10; i++) {
        cr_assert_eq (zanni_call (self, NULL, shared, "echo", i), 0);
        cr_assert_eq (zanni_call (self, NULL, thread, "echo", i), 0);
    }
    if (probe_descriptors () % 2)   // with and without what the program still holds
        zanni_ref_destroy (&shared);
    cr_assert_eq (zanni_destroy (&self), 0);
}

/* What is allocated, by whomever, behind ten nodes: the least, since sockets that end are not always gone at once. */
static size_t
s_ten_nodes (void)
{
    size_t least = SIZE_MAX;
    for (int i = 0; i < 10; i++) {
        s_one_node ();
        least = probe_allocated () < least ? probe_allocated () : least;
    }
    return least;
}

typedef struct {
    int descriptors;
    int threads;
} level_t;

static bool
s_is_down_to (void *context)
{
    const level_t *level = context;
    return probe_descriptors () <= level->descriptors && probe_threads () <= level->threads;
}

Test (resources, nodes_come_and_go_and_leave_nothing_behind, .timeout = 1000)
{
    int count = probe_long () ? 1000 : 200;
    cr_assert_eq (zanni_init (probe_classes), 0);
    faults_install ();
    (void) s_ten_nodes ();
    size_t allocated = s_ten_nodes ();
    size_t resident = probe_resident ();
    level_t level = { probe_descriptors (), probe_threads () };
    for (int i = 0; i < count; i++) {
        s_one_node ();
        cr_assert_eq (faults_held (), 0, "node %d left %ld blocks", i, faults_held ());
    }
    size_t after = s_ten_nodes ();
    cr_assert (probe_until (NULL, s_is_down_to, &level), "%d descriptors and %d threads, %d and %d before",
               probe_descriptors (), probe_threads (), level.descriptors, level.threads);
    if (probe_sanitized ())
        return;
    cr_assert_lt (after, allocated + S_NOISE);
    cr_assert_lt (probe_resident (), resident + (16u << 20));
}

/* Many at once. */

static void
s_many (zanni_t *self, int count, const zanni_spawn_t *where)
{
    zanni_ref_t **refs = calloc ((size_t) count, sizeof *refs);
    zanni_stats_t stats;
    cr_assert (refs);
    for (int i = 0; i < count; i++)
        cr_assert_eq (zanni_spawn (self, &refs [i], i % 2 && where->place == ZANNI_THREAD ? "reader" : "echo", where), 0);
    for (int i = 0; i < count; i++) {
        zanni_msg_t *reply = NULL;
        int64_t number = -1;
        cr_assert_eq (zanni_call (self, &reply, refs [i], "echo", i), 0);
        cr_assert_eq (zanni_read (reply, &number), 0);
        cr_assert_eq (number, i);
        zanni_msg_destroy (&reply);
    }
    cr_assert_eq (zanni_stats (self, &stats), 0);
    cr_assert_geq (stats.actors, (uint64_t) count + 1);
    for (int i = 0; i < count; i++)
        zanni_ref_destroy (&refs [i]);
    free (refs);
}

static bool
s_is_alone (void *context)
{
    zanni_stats_t stats;
    return !zanni_stats (context, &stats) && stats.actors == 1;
}

Test (resources, ten_thousand_shared_actors_live_at_once, .timeout = 300)
{
    zanni_t *self = NULL;
    cr_assert_eq (zanni_init (probe_classes), 0);
    cr_assert_eq (zanni_new (&self, NULL), 0);
    s_many (self, 10000, &(zanni_spawn_t) { .place = ZANNI_SHARED });
    cr_assert (probe_until (self, s_is_alone, self));
    cr_assert_eq (zanni_destroy (&self), 0);
}

Test (resources, two_hundred_thread_actors_live_at_once, .timeout = 300)
{
    zanni_t *self = NULL;
    cr_assert_eq (zanni_init (probe_classes), 0);
    cr_assert_eq (zanni_new (&self, NULL), 0);
    s_many (self, 200, &(zanni_spawn_t) { .place = ZANNI_THREAD });
    cr_assert (probe_until (self, s_is_alone, self));
    s_many (self, 200, &(zanni_spawn_t) { .place = ZANNI_THREAD });
    cr_assert_eq (zanni_destroy (&self), 0);
}

/* Descriptors run out. */

static bool
s_limit (__rlimit_resource_t kind, rlim_t most)
{
    struct rlimit limit;
    if (getrlimit (kind, &limit))
        return false;
    limit.rlim_cur = most;
    return setrlimit (kind, &limit) == 0;
}

/* Spawns threads until it is refused; answers why. */
static int
s_fill (zanni_t *self, zanni_ref_t **refs, int most, int *count)
{
    int rc = 0;
    while (!rc && *count < most) {
        rc = zanni_spawn (self, &refs [*count], "echo", &(zanni_spawn_t) { .place = ZANNI_THREAD });
        *count += !rc;
    }
    return rc;
}

static bool
s_all_answer (zanni_t *self, zanni_ref_t **refs, int count)
{
    for (int i = 0; i < count; i++)
        if (zanni_call (self, NULL, refs [i], "echo", i))
            return false;
    return true;
}

static int
s_few_descriptors (void)
{
    static zanni_ref_t *refs [100];
    int count = 0;
    int fd;
    zanni_t *self = NULL;
    if (!s_limit (RLIMIT_NOFILE, 64) || zanni_init (probe_classes) || zanni_new (&self, NULL))
        return 2;
    if (s_fill (self, refs, 100, &count) != ZANNI_EDESCRIPTORS || !count)
        return 3;
    if (!s_all_answer (self, refs, count) || zanni_fd (self, &fd))
        return 4;
    for (int i = 0; i < 100; i++) {   // refused again and again, and the others live on
        zanni_ref_t *ref = NULL;
        if (zanni_spawn (self, &ref, "echo", &(zanni_spawn_t) { .place = ZANNI_THREAD }) != ZANNI_EDESCRIPTORS || ref)
            return 5;
        if (zanni_spawn (self, &ref, "echo", &(zanni_spawn_t) { .place = ZANNI_HERE }))
            return 6;
        zanni_ref_destroy (&ref);
    }
    if (!s_all_answer (self, refs, count))
        return 7;
    if (!s_limit (RLIMIT_NOFILE, 1000) || s_fill (self, refs, 100, &count) || !s_all_answer (self, refs, count))
        return 8;
    return zanni_destroy (&self) ? 9 : 0;
}

Test (resources, few_descriptors_are_an_error_and_more_of_them_help)
{
    probe_end_t end;
    probe_child (&end, s_few_descriptors, 60);
    cr_assert (probe_exited (&end, 0));
    cr_assert_str_eq (end.output, "");
}

/* From the first call on, with every number of free descriptors: an error or success, and afterwards all works. */
static int
s_any_few_descriptors (void)
{
    if (zanni_init (probe_classes))
        return 2;
    int used = probe_descriptors ();
    for (int spare = 0; spare < 64; spare++) {
        zanni_t *self = NULL;
        zanni_ref_t *ref = NULL;
        int fd;
        if (!s_limit (RLIMIT_NOFILE, (rlim_t) (used + spare)))
            return 3;
        int rc = zanni_new (&self, NULL);
        if (!rc)
            rc = zanni_spawn (self, &ref, "echo", &(zanni_spawn_t) { .place = spare % 2 ? ZANNI_SHARED : ZANNI_THREAD });
        if (!rc)
            rc = zanni_call (self, NULL, ref, "echo", 1);
        if (!rc)
            rc = zanni_fd (self, &fd);
        if (rc && rc != ZANNI_EDESCRIPTORS) {
            fprintf (stderr, "with %d spare descriptors: %s\n", spare, zanni_strerror (rc));
            return 4;
        }
        s_limit (RLIMIT_NOFILE, 1000);
        zanni_ref_destroy (&ref);
        if (self && (zanni_spawn (self, &ref, "echo", NULL) || zanni_call (self, NULL, ref, "echo", 1)))
            return 5;
        zanni_ref_destroy (&ref);
        if (zanni_destroy (&self))
            return 6;
    }
    return 0;
}

Test (resources, any_number_of_free_descriptors_is_survived)
{
    probe_end_t end;
    probe_child (&end, s_any_few_descriptors, 60);
    cr_assert (probe_exited (&end, 0));
    cr_assert_str_eq (end.output, "");
}

/* Threads run out: as nobody, who has few, since the limit does not hold for root. */

#define S_NOBODY 65534

static int
s_thread_limit (int more)
{
    if (getuid () == 0 && (setgid (S_NOBODY) || setuid (S_NOBODY)))
        return -1;
    return s_limit (RLIMIT_NPROC, (rlim_t) (probe_threads () + more)) ? 0 : -1;
}

static int
s_few_threads (void)
{
    static zanni_ref_t *refs [100];
    int count = 0;
    zanni_t *self = NULL;
    if (s_thread_limit (12))
        return 77;
    if (zanni_init (probe_classes) || zanni_new (&self, NULL))
        return 2;
    int rc = s_fill (self, refs, 100, &count);
    if (rc != ZANNI_ETHREADS || !count) {
        fprintf (stderr, "after %d threads: %s\n", count, zanni_strerror (rc));
        return rc ? 3 : 77;
    }
    if (!s_all_answer (self, refs, count))
        return 4;
    uint64_t monitor;
    zanni_msg_t *msg = NULL;
    count--;
    if (zanni_monitor (self, &monitor, refs [count]) || zanni_stop (self, refs [count])
        || zanni_receive (self, &msg, 10000))
        return 5;
    zanni_msg_destroy (&msg);
    zanni_ref_destroy (&refs [count]);
    for (int i = 0; i < 1000 && (rc = zanni_spawn (self, &refs [count], "echo",
                                                   &(zanni_spawn_t) { .place = ZANNI_THREAD })); i++)
        if (rc != ZANNI_ETHREADS || zanni_run (self, 1))   // until the one that was stopped has gone
            return 6;
    return rc || zanni_destroy (&self) ? 7 : 0;
}

/* Even the first: libzmq's own and the control thread. */
static int
s_hardly_a_thread (void)
{
    for (int spare = 0; spare < 8; spare++) {
        zanni_t *self = NULL;
        zanni_ref_t *ref = NULL;
        if (spare ? !s_limit (RLIMIT_NPROC, (rlim_t) (probe_threads () + spare)) : s_thread_limit (8))
            return 77;
        if (!spare && !s_limit (RLIMIT_NPROC, (rlim_t) probe_threads ()))
            return 77;
        if (zanni_init (probe_classes) || zanni_new (&self, NULL))
            return 2;
        int rc = zanni_spawn (self, &ref, "echo", NULL);
        if (rc && rc != ZANNI_ETHREADS) {
            fprintf (stderr, "with %d spare threads: %s\n", spare, zanni_strerror (rc));
            return 3;
        }
        if (!rc && zanni_call (self, NULL, ref, "echo", 1))
            return 4;
        zanni_ref_destroy (&ref);
        if (zanni_destroy (&self))
            return 5;
    }
    return 0;
}

static void
s_check_threads (int (*program) (void))
{
    probe_end_t end;
    probe_child (&end, program, 60);
    if (WIFEXITED (end.status) && WEXITSTATUS (end.status) == 77)
        cr_skip_test ("the number of threads cannot be limited here");
    cr_assert (probe_exited (&end, 0));
    cr_assert_str_eq (end.output, "");
}

Test (resources, few_threads_are_an_error_and_more_of_them_help)
{
    s_check_threads (s_few_threads);
}

Test (resources, a_node_without_any_thread_to_be_had_lives_on)
{
    s_check_threads (s_hardly_a_thread);
}

/* Sockets run out: czmq's, whose number the host has set low. */
static int
s_few_sockets (void)
{
    static zanni_ref_t *refs [100];
    int count = 0;
    zanni_t *self = NULL;
    zsys_set_max_sockets (32);
    if (zanni_init (probe_classes) || zanni_new (&self, NULL))
        return 2;
    int rc = s_fill (self, refs, 100, &count);
    if (rc != ZANNI_ESOCKETS || !count) {
        fprintf (stderr, "after %d threads: %s\n", count, zanni_strerror (rc));
        return 3;
    }
    if (!s_all_answer (self, refs, count))
        return 4;
    for (int i = 0; i < count; i++)
        zanni_ref_destroy (&refs [i]);
    count = 0;
    for (int i = 0; i < 1000 && !count; i++)
        if (zanni_run (self, 1)
            || ((rc = zanni_spawn (self, refs, "echo", &(zanni_spawn_t) { .place = ZANNI_THREAD })) && rc != ZANNI_ESOCKETS))
            return 5;
        else
            count += !rc;
    return count && s_all_answer (self, refs, 1) && !zanni_destroy (&self) ? 0 : 6;
}

Test (resources, few_sockets_are_an_error_and_more_of_them_help)
{
    probe_end_t end;
    probe_child (&end, s_few_sockets, 60);
    cr_assert (probe_exited (&end, 0));
    cr_assert_str_eq (end.output, "");
}
