/* A ring between two ends in one process: what goes in comes out, in order and once; who waits is woken; lies are told. */

#include "base/memfd.h"
#include "link/ring.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static zanni__ring_t writer, reader;

static void
make (void)
{
    int fd;
    cr_assert_eq (zanni__memfd_new (&fd, ZANNI__RING_MAPPED), 0);
    cr_assert_eq (zanni__ring_map (&writer, fd, 0), 0);
    cr_assert_eq (zanni__ring_map (&reader, fd, 0), 0);
    close (fd);
}

static void
unmake (void)
{
    zanni__ring_unmap (&writer);
    zanni__ring_unmap (&reader);
    zanni__ring_unmap (&reader);
}

TestSuite (ring, .init = make, .fini = unmake, .timeout = 20);

/* Bytes that can be told apart, of which there are as many as wanted. */
static uint8_t
byte_at (uint64_t at)
{
    return (uint8_t) (at * 7 + (at >> 8) * 31);
}

static void
put (uint64_t from, size_t size)
{
    static uint8_t bytes [ZANNI__RING_SIZE];
    for (size_t i = 0; i < size; i++)
        bytes [i] = byte_at (from + i);
    zanni__ring_put (&writer, bytes, size);
}

static void
expect (uint64_t from, size_t size)
{
    static uint8_t bytes [ZANNI__RING_SIZE];
    zanni__ring_take (&reader, bytes, size);
    for (size_t i = 0; i < size; i++)
        cr_assert_eq (bytes [i], byte_at (from + i), "byte %lu", from + i);
}

Test (ring, shows_what_was_put_when_it_is_told_to)
{
    put (0, 10);
    cr_assert_eq (zanni__ring_ready (&reader), 0);
    (void) zanni__ring_wrote (&writer);
    cr_assert_eq (zanni__ring_ready (&reader), 10);
    expect (0, 10);
    cr_assert_eq (zanni__ring_ready (&reader), 0);
}

Test (ring, is_one_piece_wherever_it_begins)
{
    uint64_t at = 0;
    for (size_t size = ZANNI__RING_SIZE; size; size -= size / 3 + 1) {
        cr_assert_geq (zanni__ring_room (&writer, size), size);
        put (at, size);
        (void) zanni__ring_wrote (&writer);
        cr_assert_eq (zanni__ring_ready (&reader), size);
        expect (at, size);
        (void) zanni__ring_took (&reader);
        at += size;
    }
    cr_assert_gt (at, ZANNI__RING_SIZE, "it has gone round");
}

Test (ring, has_room_for_its_size_and_no_more)
{
    cr_assert_eq (zanni__ring_room (&writer, 1), ZANNI__RING_SIZE);
    put (0, ZANNI__RING_SIZE);
    cr_assert_eq (zanni__ring_room (&writer, 1), 0);
    (void) zanni__ring_wrote (&writer);
    cr_assert_eq (zanni__ring_ready (&reader), ZANNI__RING_SIZE);
    expect (0, 100);
    cr_assert_eq (zanni__ring_room (&writer, 1), 0, "it was not given back yet");
    (void) zanni__ring_took (&reader);
    cr_assert_eq (zanni__ring_room (&writer, 1), 100);
}

Test (ring, wakes_a_reader_that_sleeps_once)
{
    put (0, 1);
    cr_assert_not (zanni__ring_wrote (&writer), "it does not sleep");
    cr_assert_not (zanni__ring_sleep (&reader), "there is something to read");
    cr_assert_eq (zanni__ring_ready (&reader), 1);
    expect (0, 1);
    cr_assert (zanni__ring_sleep (&reader));
    put (1, 1);
    cr_assert (zanni__ring_wrote (&writer));
    put (2, 1);
    cr_assert_not (zanni__ring_wrote (&writer));
}

Test (ring, wakes_a_writer_that_waits_when_it_is_worth_it)
{
    put (0, ZANNI__RING_SIZE);
    (void) zanni__ring_wrote (&writer);
    cr_assert (zanni__ring_wait_for_room (&writer, 1));
    cr_assert_eq (zanni__ring_ready (&reader), ZANNI__RING_SIZE);
    expect (0, 10);
    cr_assert_not (zanni__ring_took (&reader), "ten bytes are not worth it");
    expect (10, ZANNI__RING_SIZE / 2);
    cr_assert (zanni__ring_took (&reader));
    cr_assert_not (zanni__ring_took (&reader), "it was told");
    cr_assert_not (zanni__ring_wait_for_room (&writer, 1), "there is room");
    cr_assert_not (zanni__ring_took (&reader), "and it does not wait");
}

Test (ring, tells_lies_of_the_other_end)
{
    atomic_store (&reader.shared->written, ZANNI__RING_SIZE + 1);
    cr_assert_gt (zanni__ring_ready (&reader), ZANNI__RING_SIZE);
    atomic_store (&reader.shared->written, UINT64_MAX);
    cr_assert_gt (zanni__ring_ready (&reader), ZANNI__RING_SIZE);
    put (0, ZANNI__RING_SIZE);
    atomic_store (&writer.shared->read, ZANNI__RING_SIZE + 1);
    cr_assert_gt (zanni__ring_room (&writer, 1), ZANNI__RING_SIZE);
}
