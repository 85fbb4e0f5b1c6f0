/* Weak handles of buffers. */

#include "support.h"

#include "message/region.h"

#include <pthread.h>
#include <stdatomic.h>

static int released;

static void
release (void *data, void *hint)
{
    (void) data;
    (void) hint;
    released++;
}

static zanni_buffer_t *
lent (void)
{
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni__buffer_wrap (&buffer, &released, sizeof released, release, NULL), 0);
    return buffer;
}

Test (weak, a_buffer_that_somebody_holds_is_got_back)
{
    zanni_buffer_t *buffer = lent (), *again = NULL;
    zanni_weak_t *weak = NULL;
    cr_assert_eq (zanni_buffer_weak (&weak, buffer), 0);
    cr_assert_eq (zanni_weak_get (&again, weak), 0);
    cr_assert_eq (again, buffer);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (released, 0, "it was got");
    zanni_buffer_destroy (&again);
    cr_assert_eq (released, 1, "a weak handle keeps nothing");
    zanni_weak_destroy (&weak);
    cr_assert_null (weak);
    zanni_weak_destroy (&weak);
}

Test (weak, a_buffer_without_holders_is_gone)
{
    zanni_buffer_t *buffer = lent (), *again = NULL;
    zanni_weak_t *weak = NULL;
    cr_assert_eq (zanni_buffer_weak (&weak, buffer), 0);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (zanni_weak_get (&again, weak), ZANNI_EGONE);
    cr_assert_null (again);
    cr_assert_str_eq (zanni_strerror (ZANNI_EGONE), "gone");
    zanni_weak_destroy (&weak);
}

Test (weak, handles_outlive_each_other_and_the_buffer_in_any_order)
{
    zanni_buffer_t *buffer = lent (), *again = NULL;
    zanni_weak_t *one = NULL, *two = NULL;
    cr_assert_eq (zanni_buffer_weak (&one, buffer), 0);
    cr_assert_eq (zanni_buffer_weak (&two, buffer), 0);
    zanni_weak_t *three = zanni_weak_keep (two);
    zanni_weak_destroy (&one);
    zanni_weak_destroy (&two);
    cr_assert_eq (zanni_weak_get (&again, three), 0);
    zanni_buffer_destroy (&again);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (zanni_weak_get (&again, three), ZANNI_EGONE);
    zanni_weak_destroy (&three);
}

Test (weak, a_slice_is_gone_though_its_root_is_there)
{
    zanni_buffer_t *buffer = lent (), *slice = NULL, *again = NULL;
    zanni_weak_t *of_slice = NULL, *of_root = NULL;
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 1, 2), 0);
    cr_assert_eq (zanni_buffer_weak (&of_slice, slice), 0);
    cr_assert_eq (zanni_buffer_weak (&of_root, buffer), 0);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (zanni_weak_get (&again, of_root), 0, "the slice holds it");
    zanni_buffer_destroy (&slice);
    zanni_buffer_t *none = NULL;
    cr_assert_eq (zanni_weak_get (&none, of_slice), ZANNI_EGONE);
    zanni_buffer_destroy (&again);
    cr_assert_eq (zanni_weak_get (&none, of_root), ZANNI_EGONE);
    zanni_weak_destroy (&of_slice);
    zanni_weak_destroy (&of_root);
}

Test (weak, asking_for_one_seals_the_buffer)
{
    zanni_buffer_t *buffer = lent ();
    zanni_weak_t *weak = NULL;
    void *data = NULL;
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    cr_assert_eq (zanni_buffer_weak (&weak, buffer), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), ZANNI_ESEALED);
    zanni_weak_destroy (&weak);
    zanni_buffer_destroy (&buffer);
}

Test (weak, a_buffer_that_has_one_is_not_opened_again)
{
    zanni_buffer_t *buffer = NULL, *plain = NULL;
    zanni_weak_t *weak = NULL;
    void *region = NULL;
    cr_assert_eq (zanni__region_default.open (&region, 1 << 16, 1 << 30), 0);
    cr_assert_eq (zanni__buffer_new (&plain, &zanni__region_default, region, 10), 0);
    cr_assert (zanni__buffer_unseal (plain));
    cr_assert_eq (atomic_load (&plain->users), 2);
    zanni_buffer_t *other = plain;
    zanni_buffer_destroy (&other);
    zanni_buffer_destroy (&plain);
    cr_assert_eq (zanni__buffer_new (&buffer, &zanni__region_default, region, 10), 0);
    cr_assert_eq (zanni_buffer_weak (&weak, buffer), 0);
    cr_assert_not (zanni__buffer_unseal (buffer));
    cr_assert_eq (atomic_load (&buffer->users), 1);
    zanni_weak_destroy (&weak);
    zanni_buffer_destroy (&buffer);
    zanni__region_default.close (region);
}

Test (weak, without_memory_nothing_has_changed)
{
    zanni_buffer_t *buffer = lent ();
    zanni_weak_t *weak = NULL;
    void *data = NULL;
    faults_install ();
    faults_fail (1, 0);
    cr_assert_eq (zanni_buffer_weak (&weak, buffer), ZANNI_ENOMEM);
    faults_fail (0, 0);
    cr_assert_null (weak);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    faults_remove ();
    zanni_buffer_destroy (&buffer);
}
