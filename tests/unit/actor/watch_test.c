/* A worker watches a descriptor for one of its actors. */

#include <criterion/criterion.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <zanni.h>

Test (watch, a_descriptor_is_watched_once_on_a_worker)
{
    zanni_t *self = NULL;
    uint64_t first = 0, second = 77;
    int fd = eventfd (0, EFD_CLOEXEC);
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_watch (self, &first, fd, ZANNI_READABLE, "ready"), 0);
    cr_assert_eq (zanni_watch (self, &second, fd, ZANNI_WRITABLE, "ready"), ZANNI_EINVAL);
    cr_assert_eq (second, 77);
    cr_assert_eq (zanni_watch_cancel (self, first), 0);
    cr_assert_eq (zanni_watch (self, &second, fd, ZANNI_WRITABLE, "ready"), 0);
    cr_assert_eq (zanni_destroy (&self), 0);
    cr_assert_eq (close (fd), 0);
}

static const zanni_class_t plain = { .name = "plain" };
static const zanni_class_t *const classes [] = { &plain, NULL };

static int64_t
thread_ns (void)
{
    struct timespec now;
    cr_assert_eq (clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return now.tv_sec * INT64_C (1000000000) + now.tv_nsec;
}

/* What woke the root for its port, once, is nothing to be woken by again: a wait takes no processor. */
Test (watch, a_root_that_has_waited_beside_one_rests_when_other_workers_have_come)
{
    zanni_t *self = NULL;
    zanni_ref_t *other = NULL;
    uint64_t watch = 0;
    int fd = eventfd (0, EFD_CLOEXEC);
    cr_assert_eq (zanni_init (classes), 0);
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_watch (self, &watch, fd, ZANNI_READABLE, "ready"), 0);
    cr_assert_eq (zanni_run (self, 5), 0);
    cr_assert_eq (zanni_watch_cancel (self, watch), 0);
    cr_assert_eq (zanni_spawn (self, &other, "plain", NULL), 0);
    cr_assert_eq (zanni_run (self, 5), 0);
    int64_t before_ns = thread_ns ();
    cr_assert_eq (zanni_run (self, 300), 0);
    cr_assert_lt (thread_ns () - before_ns, 100000000);
    zanni_ref_destroy (&other);
    cr_assert_eq (zanni_destroy (&self), 0);
    cr_assert_eq (close (fd), 0);
}
