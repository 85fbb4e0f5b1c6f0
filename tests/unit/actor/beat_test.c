/* How long a handler takes, as whoever looks at beats counts it. */

#include "actor/beat.h"

#include <criterion/criterion.h>

#define PERIOD_NS 1000

static zanni__beat_t s_beat;
static zanni__vigil_t s_vigil;

static bool
look (uint64_t number, int64_t now_ns)
{
    atomic_store (&s_beat.number, number);
    return zanni__vigil_look (&s_vigil, &s_beat, now_ns, PERIOD_NS);
}

Test (beat, the_time_of_a_handler_counts_from_the_look_that_first_saw_it)
{
    cr_assert (!look (7, 5000));
    cr_assert_eq (s_vigil.spent_ns, 0);
    cr_assert (look (7, 6000));
    cr_assert (look (7, 7500));
    cr_assert_eq (s_vigil.spent_ns, 2500);
}

Test (beat, the_next_handler_has_its_own_time)
{
    (void) look (7, 1000);
    (void) look (7, 2000);
    cr_assert (!look (8, 3000));
    cr_assert_eq (s_vigil.spent_ns, 0);
    cr_assert (look (8, 4000));
    cr_assert_eq (s_vigil.spent_ns, 1000);
}

Test (beat, who_is_in_no_handler_has_no_time)
{
    (void) look (0, 1000);
    cr_assert (!look (0, 2000));
    cr_assert_eq (s_vigil.spent_ns, 0);
}

/* Neither could run meanwhile, perhaps. */
Test (beat, a_look_that_comes_late_counts_as_one)
{
    (void) look (7, 1000);
    cr_assert (look (7, INT64_C (3600000000000)));
    cr_assert_eq (s_vigil.spent_ns, PERIOD_NS);
}

Test (beat, there_are_four_looks_in_the_time_of_a_handler_but_a_millisecond_lies_between_them)
{
    cr_assert_eq (zanni__watchdog_period_ns (1000), 250000000);
    cr_assert_eq (zanni__watchdog_period_ns (1), 1000000);
    cr_assert_gt (zanni__watchdog_period_ns (INT32_MAX), 0);
}
