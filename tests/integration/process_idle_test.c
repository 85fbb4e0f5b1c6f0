/* What processes that have nothing to do cost, however busy they were before: workers stay awake for moments only. */

#include "process.h"

PROCESS_SUITE (idle);
CLASSES (&worker_class);

/* CPU time of this process and another one, in nanoseconds. */
static int64_t
used_ns (pid_t other)
{
    clockid_t theirs;
    struct timespec ours_time, their_time;
    cr_assert_eq (clock_getcpuclockid (other, &theirs), 0);
    cr_assert_eq (clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &ours_time), 0);
    cr_assert_eq (clock_gettime (theirs, &their_time), 0);
    return (ours_time.tv_sec + their_time.tv_sec) * INT64_C (1000000000) + ours_time.tv_nsec + their_time.tv_nsec;
}

static void
exchange (const zanni_ref_t *ref, int count)
{
    for (int i = 0; i < count; i++)
        cr_assert_eq (call_int (ref, "add", 1), i + 1);
}

Test (idle, behind_an_exchange_costs_nothing)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    pid_t pid = pid_of (ref);
    exchange (ref, 2000);
    int64_t before_ns = used_ns (pid);
    cr_assert_eq (zanni_run (root, 500), 0);
    int64_t used = (used_ns (pid) - before_ns) / 1000000;
    cr_assert_lt (used, 50, "%d ms of CPU time in 500 of rest", (int) used);
}

/* What comes every two milliseconds is slept for. */
Test (idle, between_rare_messages_costs_nothing)
{
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    pid_t pid = pid_of (ref);
    exchange (ref, 2000);
    int64_t before_ns = used_ns (pid);
    for (int i = 0; i < 200; i++) {
        cr_assert_eq (zanni_run (root, 2), 0);
        tell (ref, "count");
    }
    int64_t used = (used_ns (pid) - before_ns) / 1000000;
    cr_assert_lt (used, 200, "%d ms of CPU time in 400", (int) used);
}

/* Where the program wants it so, and with one CPU, nobody stays awake: all is as before, a little later. */
Test (idle, at_once_is_no_other_behaviour)
{
    begin_again ((zanni_options_t) { .sleep_at_once = true });
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    exchange (ref, 2000);
}
