/* Who gets a job, on seats that are made up: nobody sits there. */

#include "pool/pool.h"

#include <criterion/criterion.h>

#define SEATS 8

static zanni__pool_t pool;
static zanni__pool_seat_t seats [SEATS];
static zanni__pool_seat_t *places [SEATS];
static zanni_t *root;

static void
set_up (void)
{
    cr_assert_eq (zanni_new (&root, NULL), 0);
    pool = (zanni__pool_t) { .seats = places, .count = SEATS, .random = 12345 };
    pool.setup.ahead = 2;
    for (uint32_t i = 0; i < SEATS; i++) {
        seats [i] = (zanni__pool_seat_t) { .number = i };
        zanni__link_init (&seats [i].waiting);
        places [i] = &seats [i];
    }
}

static void
tear_down (void)
{
    cr_assert_eq (zanni_destroy (&root), 0);
}

TestSuite (route, .init = set_up, .fini = tear_down);

static zanni__pool_seat_t *
chosen (const zanni_msg_t *msg)
{
    zanni__pool_seat_t *seat = NULL;
    bool can = false;
    cr_assert_eq (zanni__pool_choose (&pool, &seat, &can, msg), 0);
    return can ? seat : NULL;
}

Test (route, round_robin_passes_over_those_who_have_enough)
{
    seats [1].shut = ZANNI__POOL_ABSENT;
    seats [2].busy = 2;
    seats [3].shut = ZANNI__POOL_FULL;
    seats [4].shut = ZANNI__POOL_LEAVES;
    seats [5].busy = 1;
    cr_assert_eq (chosen (NULL), &seats [0]);
    cr_assert_eq (chosen (NULL), &seats [5]);
    cr_assert_eq (chosen (NULL), &seats [6]);
    cr_assert_eq (chosen (NULL), &seats [7]);
    cr_assert_eq (chosen (NULL), &seats [0]);
}

Test (route, nobody_is_chosen_where_all_have_enough)
{
    for (int i = 0; i < SEATS; i++)
        seats [i].busy = 2;
    for (uint32_t routing = ZANNI_ROUND_ROBIN; routing <= ZANNI_PULL; routing++) {
        pool.setup.routing = routing;
        if (routing != ZANNI_BY_KEY)
            cr_assert_null (chosen (NULL));
    }
}

Test (route, the_least_busy_is_chosen_and_of_equals_the_next)
{
    pool.setup.routing = ZANNI_LEAST_BUSY;
    for (int i = 0; i < SEATS; i++)
        seats [i].busy = 1;
    seats [6].busy = 0;
    seats [2].busy = 0;
    seats [2].shut = ZANNI__POOL_ABSENT;   // who is not there is not idle
    cr_assert_eq (chosen (NULL), &seats [6]);
    seats [6].busy = 1;
    cr_assert_eq (chosen (NULL), &seats [7]);
    cr_assert_eq (chosen (NULL), &seats [0]);
}

Test (route, chance_reaches_every_seat)
{
    int hits [SEATS] = { 0 };
    pool.setup.routing = ZANNI_RANDOM;
    for (int i = 0; i < 8000; i++)
        hits [chosen (NULL)->number]++;
    for (int i = 0; i < SEATS; i++)
        cr_assert (hits [i] > 500 && hits [i] < 2000, "seat %d was chosen %d times", i, hits [i]);
}

static uint32_t
seat_of (int64_t key)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    cr_assert_eq (zanni_msg_new (root, &msg, "any", key, "more"), 0);
    return chosen (msg)->number;
}

Test (route, a_seat_that_goes_takes_no_other_keys_along)
{
    enum { KEYS = 1000 };
    uint32_t before [KEYS];
    int hits [SEATS] = { 0 };
    pool.setup.routing = ZANNI_BY_KEY;
    for (int i = 0; i < KEYS; i++)
        hits [before [i] = seat_of (i)]++;
    for (int i = 0; i < SEATS; i++)
        cr_assert (hits [i] > KEYS / SEATS / 2 && hits [i] < KEYS / SEATS * 2, "seat %d has %d keys", i, hits [i]);
    pool.count--;
    for (int i = 0; i < KEYS; i++)
        cr_assert (seat_of (i) == before [i] || before [i] == SEATS - 1);
}

Test (route, a_seat_that_comes_takes_its_share_of_the_keys_and_no_other_moves)
{
    enum { KEYS = 1000 };
    uint32_t before [KEYS];
    int moved = 0;
    pool.setup.routing = ZANNI_BY_KEY;
    pool.count--;
    for (int i = 0; i < KEYS; i++)
        before [i] = seat_of (i);
    pool.count++;
    for (int i = 0; i < KEYS; i++) {
        uint32_t now = seat_of (i);
        cr_assert (now == before [i] || now == SEATS - 1);
        moved += now != before [i];
    }
    cr_assert (moved > KEYS / SEATS / 2 && moved < KEYS / SEATS * 2, "%d keys have moved", moved);
}

Test (route, whoever_does_a_job_anew_does_nothing_else)
{
    for (int i = 0; i < SEATS; i++)
        seats [i].busy = i != 3;
    pool.suspects = 1;
    cr_assert_eq (chosen (NULL), &seats [3]);
    seats [3].busy = 1;
    cr_assert_null (chosen (NULL));
    pool.suspects = 0;
    cr_assert_not_null (chosen (NULL));
}

Test (route, equal_keys_are_equal_however_they_are_written)
{
    ZANNI_AUTO (zanni_msg_t) small = NULL;
    ZANNI_AUTO (zanni_msg_t) large = NULL;
    static const uint8_t bytes [] = { 0xcf, 0, 0, 0, 0, 0, 0, 0, 7 };   // in eight of them
    const zanni_packed_t seven = { bytes, sizeof bytes };
    pool.setup.routing = ZANNI_BY_KEY;
    cr_assert_eq (zanni_msg_new (root, &small, "any", 7), 0);
    cr_assert_eq (zanni_msg_new (root, &large, "any", seven), 0);
    cr_assert_eq (chosen (small), chosen (large));
}

Test (route, without_a_key_there_is_no_way)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni__pool_seat_t *seat = NULL;
    bool can = false;
    pool.setup.routing = ZANNI_BY_KEY;
    cr_assert_eq (zanni_msg_new (root, &msg, "any"), 0);
    cr_assert_eq (zanni__pool_choose (&pool, &seat, &can, msg), ZANNI_EARGS);
    cr_assert_null (seat);
}

Test (route, who_waits_for_a_key_comes_first)
{
    zanni__link_t job;
    pool.setup.routing = ZANNI_BY_KEY;
    for (int i = 0; i < SEATS; i++)
        zanni__link_init (&seats [i].waiting);
    uint32_t number = seat_of (5);
    zanni__list_append (&seats [number].waiting, &job);
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    cr_assert_eq (zanni_msg_new (root, &msg, "any", 5), 0);
    cr_assert_null (chosen (msg));
}
