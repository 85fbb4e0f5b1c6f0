/* The arithmetic of windows. */

#include "link/hub.h"

#include <criterion/criterion.h>

static zanni__outbox_t
outbox (uint64_t window, uint64_t room, uint64_t charge)
{
    return (zanni__outbox_t) { .window = window, .room = room, .charge = charge };
}

Test (window, admits_what_has_room)
{
    zanni__outbox_t out = outbox (1000, 1000, 400);
    cr_assert (zanni__window_admits (&out, 600));
    cr_assert_not (zanni__window_admits (&out, 601));
}

Test (window, admits_anything_when_it_is_whole)
{
    zanni__outbox_t whole = outbox (1000, 1000, 0);
    zanni__outbox_t used = outbox (1000, 1000, 1);
    zanni__outbox_t held = outbox (1000, 999, 0);
    cr_assert (zanni__window_admits (&whole, UINT64_MAX));
    cr_assert_not (zanni__window_admits (&used, 1000));
    cr_assert_not (zanni__window_admits (&held, 1000));
}

Test (window, admits_nothing_behind_an_item_that_was_larger)
{
    zanni__outbox_t out = outbox (1000, 1000, 5000);
    cr_assert_not (zanni__window_admits (&out, 0));
    cr_assert_not (zanni__window_half_open (&out));
}

Test (window, heeds_the_later_word_of_two)
{
    zanni__outbox_t out = outbox (1000, 500, 0);
    zanni__window_told (&out, 4, 900, 5);
    cr_assert_eq (out.room, 500, "an older batch");
    zanni__window_told (&out, 5, 400, 5);
    cr_assert_eq (out.room, 500, "of one batch, less room is older");
    zanni__window_told (&out, 5, 600, 5);
    cr_assert_eq (out.room, 600);
    zanni__window_told (&out, 6, 100, 5);
    cr_assert_eq (out.room, 100, "a later batch, whatever it says");
    zanni__window_told (&out, 7, 5000, 6);
    cr_assert_eq (out.room, 1000, "no more than was agreed");
}

Test (window, that_is_half_open_admits_whatever_counts_at_most)
{
    uint64_t most = zanni__window_item_most (1000);
    zanni__outbox_t half = outbox (1000, 1000, 1000 - most);
    zanni__outbox_t one = outbox (1000, 1000, most);
    cr_assert (zanni__window_half_open (&half));
    cr_assert (zanni__window_admits (&half, most));
    cr_assert_not (zanni__window_admits (&one, most), "of those that are larger one is under way");
    cr_assert (zanni__window_admits (&one, 400), "and smaller ones pass it");
}

Test (window, has_no_room_beyond_what_is_held)
{
    cr_assert_eq (zanni__window_room (1000, 0), 1000);
    cr_assert_eq (zanni__window_room (1000, 999), 1);
    cr_assert_eq (zanni__window_room (1000, 5000), 0);
}

Test (window, is_told_at_once_when_somebody_may_wait_for_it)
{
    zanni__inbox_t in = { .told_room = 1000 };
    cr_assert_not (zanni__window_tell_now (&in, 1000, 0));
    in.came = 250;
    cr_assert (zanni__window_tell_now (&in, 1000, 0), "a quarter came");
    in.came = 0;
    in.told_room = 499;
    cr_assert_not (zanni__window_tell_now (&in, 1000, 500));
    cr_assert (zanni__window_tell_now (&in, 1000, 499), "half is open again");
    in.told_room = 0;
    cr_assert (zanni__window_tell_now (&in, 1000, 0));
    in.told_room = 600;
    cr_assert_not (zanni__window_tell_now (&in, 1000, 300));
    cr_assert (zanni__window_tell_now (&in, 1000, 0), "what is larger than the window may wait");
}
