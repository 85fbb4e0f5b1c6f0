/* Buffers: counts, the seal, slices, element types, and where memory goes. */

#include "support.h"

#include "message/region.h"

static void *region;

static void
open_region (void)
{
    faults_install ();
    cr_assert_eq (zanni__region_default.open (&region, 1 << 16, 1 << 30), 0);
}

static void
close_region (void)
{
    zanni__region_default.close (region);
    cr_assert_eq (faults_held (), 0, "%ld allocations are left", faults_held ());
}

TestSuite (buffer, .init = open_region, .fini = close_region);

static zanni_buffer_t *
pooled (size_t size)
{
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni__buffer_new (&buffer, &zanni__region_default, region, size), 0);
    return buffer;
}

typedef struct {
    int calls;
    void *data;
} released_t;

static void
note_release (void *data, void *hint)
{
    released_t *released = hint;
    released->calls++;
    released->data = data;
}

static char lent [64];

static zanni_buffer_t *
wrapped (released_t *released)
{
    zanni_buffer_t *buffer = NULL;
    *released = (released_t) { 0, NULL };
    cr_assert_eq (zanni__buffer_wrap (&buffer, lent, sizeof lent, note_release, released), 0);
    return buffer;
}

Test (buffer, that_is_new_can_be_written_and_read)
{
    zanni_buffer_t *buffer = pooled (1000);
    void *data = NULL;
    cr_assert_eq (zanni_buffer_size (buffer), 1000);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memset (data, 7, 1000);
    cr_assert_eq (zanni_buffer_data (buffer), data);
    zanni_buffer_destroy (&buffer);
    cr_assert_null (buffer);
}

Test (buffer, data_is_aligned_to_64)
{
    for (size_t size = 1; size < 200000; size += size / 3 + 1) {
        zanni_buffer_t *buffer = pooled (size);
        cr_assert_eq ((uintptr_t) zanni_buffer_data (buffer) % 64, 0);
        zanni_buffer_destroy (&buffer);
    }
}

Test (buffer, may_have_no_bytes)
{
    zanni_buffer_t *buffer = pooled (0);
    zanni_buffer_t *slice = NULL;
    void *data = NULL;
    cr_assert_eq (zanni_buffer_size (buffer), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    cr_assert_not_null (data);
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 0, 0), 0);
    cr_assert_eq (zanni_buffer_size (slice), 0);
    zanni_buffer_destroy (&slice);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (zanni__buffer_wrap (&buffer, NULL, 0, NULL, NULL), 0);
    zanni_buffer_destroy (&buffer);
}

Test (buffer, of_nothing_cannot_be_wrapped)
{
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni__buffer_wrap (&buffer, NULL, 1, NULL, NULL), ZANNI_EINVAL);
    cr_assert_null (buffer);
}

Test (buffer, release_runs_once_after_the_last_user)
{
    released_t released;
    zanni_buffer_t *buffer = wrapped (&released);
    zanni_buffer_t *second = zanni_buffer_keep (buffer);
    cr_assert_eq (second, buffer);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (released.calls, 0);
    zanni_buffer_destroy (&second);
    cr_assert_eq (released.calls, 1);
    cr_assert_eq (released.data, lent);
}

Test (buffer, release_waits_for_slices)
{
    released_t released;
    zanni_buffer_t *buffer = wrapped (&released), *slice = NULL, *inner = NULL;
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 8, 32), 0);
    cr_assert_eq (zanni_buffer_slice (&inner, slice, 8, 8), 0);
    zanni_buffer_destroy (&buffer);
    zanni_buffer_destroy (&slice);
    cr_assert_eq (released.calls, 0);
    cr_assert_eq (zanni_buffer_data (inner), lent + 16);
    zanni_buffer_destroy (&inner);
    cr_assert_eq (released.calls, 1);
    cr_assert_eq (released.data, lent);
}

Test (buffer, release_of_no_bytes_gets_the_lent_pointer)
{
    released_t released = { 0, NULL };
    zanni_buffer_t *buffer = NULL;
    cr_assert_eq (zanni__buffer_wrap (&buffer, lent, 0, note_release, &released), 0);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (released.data, lent);
}

static zanni_buffer_t *sent_home;

static void
send_home (zanni_buffer_t *buffer)
{
    sent_home = buffer;
}

Test (buffer, goes_home_before_its_release)
{
    released_t released;
    zanni_buffer_t *buffer = wrapped (&released), *slice = NULL;
    buffer->home = &released;
    buffer->send_home = send_home;
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 0, 1), 0);
    zanni_buffer_destroy (&buffer);
    cr_assert_null (sent_home);
    zanni_buffer_destroy (&slice);
    cr_assert_not_null (sent_home);
    cr_assert_eq (sent_home->home, &released);
    cr_assert_eq (released.calls, 0);
    zanni__buffer_finish (sent_home);
    cr_assert_eq (released.calls, 1);
}

Test (buffer, is_sealed_once_it_is_kept)
{
    zanni_buffer_t *buffer = pooled (10);
    void *data = NULL;
    uint64_t shape = 10;
    zanni_buffer_t *second = zanni_buffer_keep (buffer);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), ZANNI_ESEALED);
    cr_assert_null (data);
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_UINT8, 1, &shape), ZANNI_ESEALED);
    zanni_buffer_destroy (&second);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), ZANNI_ESEALED, "it stays so");
    zanni_buffer_destroy (&buffer);
}

Test (buffer, is_sealed_once_it_is_sliced_and_so_is_the_slice)
{
    zanni_buffer_t *buffer = pooled (10), *slice = NULL;
    void *data;
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 2, 5), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), ZANNI_ESEALED);
    cr_assert_eq (zanni_buffer_edit (&data, slice), ZANNI_ESEALED);
    zanni_buffer_destroy (&buffer);
    zanni_buffer_destroy (&slice);
}

Test (buffer, is_sealed_once_it_is_sent)
{
    zanni_buffer_t *buffer = pooled (10);
    void *data;
    zanni_msg_t *msg = test_packed (buffer);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), ZANNI_ESEALED);
    const zanni_buffer_t *got = NULL;
    cr_assert_eq (zanni_read (msg, &got), 0);
    cr_assert_eq (got, buffer);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (zanni_buffer_size (got), 10);
    test_free (msg);
}

Test (buffer, a_failed_slice_does_not_seal)
{
    zanni_buffer_t *buffer = pooled (10), *slice = NULL;
    void *data;
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 5, 6), ZANNI_EINVAL);
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 11, 0), ZANNI_EINVAL);
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, SIZE_MAX, 1), ZANNI_EINVAL);
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 1, SIZE_MAX), ZANNI_EINVAL);
    cr_assert_eq (zanni_buffer_slice (&slice, NULL, 0, 0), ZANNI_EINVAL);
    faults_fail (1, 0);
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 0, 10), ZANNI_ENOMEM);
    cr_assert_null (slice);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    zanni_buffer_destroy (&buffer);
}

Test (buffer, slices_see_their_part)
{
    zanni_buffer_t *buffer = pooled (100), *slice = NULL, *inner = NULL;
    void *data;
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    for (int i = 0; i < 100; i++)
        ((uint8_t *) data) [i] = (uint8_t) i;
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 10, 50), 0);
    cr_assert_eq (zanni_buffer_slice (&inner, slice, 40, 10), 0);
    cr_assert_eq (inner->root, buffer, "the root is held directly");
    zanni_buffer_destroy (&slice);
    zanni_buffer_destroy (&buffer);
    cr_assert_eq (*(const uint8_t *) zanni_buffer_data (inner), 50);
    cr_assert_eq (zanni_buffer_size (inner), 10);
    zanni_buffer_destroy (&inner);
}

Test (buffer, says_what_it_holds)
{
    zanni_buffer_t *buffer = pooled (24 * sizeof (double));
    zanni_element_t element = ZANNI_INT8;
    uint64_t shape [ZANNI_BUFFER_DIMENSIONS];
    cr_assert_eq (zanni_buffer_array (buffer, &element, shape), 0);
    cr_assert_eq (element, ZANNI_RAW);
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_FLOAT64, 3, (const uint64_t []) { 2, 3, 4 }), 0);
    cr_assert_eq (zanni_buffer_array (buffer, &element, shape), 3);
    cr_assert_eq (element, ZANNI_FLOAT64);
    cr_assert_arr_eq (shape, ((uint64_t []) { 2, 3, 4 }), 3 * sizeof *shape);
    cr_assert_eq (zanni_buffer_array (buffer, NULL, NULL), 3);
    zanni_buffer_destroy (&buffer);
}

Test (buffer, a_slice_is_raw)
{
    zanni_buffer_t *buffer = pooled (80), *slice = NULL;
    zanni_element_t element = ZANNI_INT8;
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_INT64, 1, (const uint64_t []) { 10 }), 0);
    cr_assert_eq (zanni_buffer_slice (&slice, buffer, 0, 80), 0);
    cr_assert_eq (zanni_buffer_array (slice, &element, NULL), 0);
    cr_assert_eq (element, ZANNI_RAW);
    zanni_buffer_destroy (&slice);
    zanni_buffer_destroy (&buffer);
}

Test (buffer, a_shape_must_fit)
{
    static const uint64_t ones [9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    zanni_buffer_t *buffer = pooled (16);
    static const struct {
        zanni_element_t element;
        size_t dimensions;
        uint64_t shape [3];
        int rc;
    } cases [] = {
        { ZANNI_UINT8, 1, { 16 }, 0 },
        { ZANNI_UINT8, 1, { 17 }, ZANNI_EINVAL },
        { ZANNI_RAW, 2, { 4, 4 }, 0 },
        { ZANNI_INT16, 1, { 8 }, 0 },
        { ZANNI_INT16, 1, { 9 }, ZANNI_EINVAL },
        { ZANNI_FLOAT32, 2, { 2, 2 }, 0 },
        { ZANNI_FLOAT64, 2, { 2, 2 }, ZANNI_EINVAL },
        { ZANNI_INT64, 2, { UINT64_C (1) << 32, UINT64_C (1) << 32 }, ZANNI_EINVAL },
        { ZANNI_INT64, 3, { UINT64_C (1) << 32, 0, UINT64_C (1) << 32 }, 0 },
        { (zanni_element_t) 99, 1, { 1 }, ZANNI_EINVAL },
        { ZANNI_INT8, 0, { 0 }, ZANNI_EINVAL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq (zanni_buffer_set_array (buffer, cases [i].element, cases [i].dimensions, cases [i].shape),
                      cases [i].rc, "%zu", i);
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_INT8, 9, ones), ZANNI_EINVAL);
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_INT8, 8, ones), 0);
    cr_assert_eq (zanni_buffer_set_array (buffer, ZANNI_INT8, 1, NULL), ZANNI_EINVAL);
    zanni_buffer_destroy (&buffer);
}

Test (buffer, null_is_forgiven)
{
    zanni_buffer_t *buffer = NULL;
    zanni_buffer_destroy (NULL);
    zanni_buffer_destroy (&buffer);
    cr_assert_null (zanni_buffer_keep (NULL));
}

Test (buffer, survives_every_failing_allocation)
{
    int rc = ZANNI_ENOMEM;
    for (long failing = 0; rc; failing++) {
        zanni_buffer_t *buffer = NULL;
        long held = faults_held ();
        faults_fail (failing + 1, 0);
        rc = zanni__buffer_new (&buffer, &zanni__region_default, region, 100000 + (size_t) failing * 100000);
        cr_assert (!rc || rc == ZANNI_ENOMEM);
        cr_assert_eq (buffer != NULL, !rc);
        cr_assert_leq (faults_held (), held + (rc ? 1 : 2), "a block may be cached");
        zanni_buffer_destroy (&buffer);
    }
    faults_fail (1, 0);
    zanni_buffer_t *buffer = NULL;
    released_t released = { 0, NULL };
    cr_assert_eq (zanni__buffer_wrap (&buffer, lent, sizeof lent, note_release, &released), ZANNI_ENOMEM);
    cr_assert_eq (released.calls, 0);
}
