/* A worker watches a descriptor for one of its actors. */

#include <criterion/criterion.h>
#include <sys/eventfd.h>
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
