/* The system as the clock seam sees it. */

#include "base/clock.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

static const zanni_clock_t *const system_clock = &zanni__clock_system;

static int64_t
now (void)
{
    return system_clock->now_ns (system_clock->context);
}

Test (clock, never_goes_back)
{
    int64_t before = now ();
    for (int i = 0; i < 10000; i++) {
        int64_t after = now ();
        cr_assert_geq (after, before);
        before = after;
    }
}

Test (clock, counts_nanoseconds)
{
    struct timespec first, last;
    clock_gettime (CLOCK_MONOTONIC, &first);
    int64_t time = now ();
    clock_gettime (CLOCK_MONOTONIC, &last);
    cr_assert_geq (time, first.tv_sec * INT64_C (1000000000) + first.tv_nsec);
    cr_assert_leq (time, last.tv_sec * INT64_C (1000000000) + last.tv_nsec);
}

Test (clock, random_fills_all_bytes_and_no_more)
{
    /* More than getrandom answers without a chance of an interruption. */
    static uint8_t bytes [100000 + 1];
    static uint32_t seen [256];
    cr_assert_eq (system_clock->random (system_clock->context, bytes, sizeof bytes - 1), 0);
    for (size_t i = 0; i < sizeof bytes - 1; i++)
        seen [bytes [i]]++;
    for (size_t i = 0; i < 256; i++)
        cr_assert_gt (seen [i], 100);   // 390 on average
    cr_assert_eq (bytes [sizeof bytes - 1], 0);
}

Test (clock, random_differs_each_time)
{
    uint8_t one [16], other [16];
    cr_assert_eq (system_clock->random (system_clock->context, one, sizeof one), 0);
    cr_assert_eq (system_clock->random (system_clock->context, other, sizeof other), 0);
    cr_assert_neq (memcmp (one, other, sizeof one), 0);
}

Test (clock, random_of_nothing_is_no_error)
{
    cr_assert_eq (system_clock->random (system_clock->context, NULL, 0), 0);
}

Test (clock, random_into_no_memory_is_an_error)
{
    void *nowhere = (void *) 16;
    cr_assert_eq (system_clock->random (system_clock->context, nowhere, 16), ZANNI_ESYSTEM);
}

Test (clock, chooses_in_turn)
{
    uint32_t first = system_clock->choose (system_clock->context, 3);
    for (uint32_t i = 1; i < 10; i++)
        cr_assert_eq (system_clock->choose (system_clock->context, 3), (first + i) % 3);
}

Test (clock, chooses_the_only_one)
{
    cr_assert_eq (system_clock->choose (system_clock->context, 1), 0);
    cr_assert_eq (system_clock->choose (system_clock->context, 0), 0);
}

Test (clock, with_a_context_of_its_own_has_turns_of_its_own)
{
    zanni__turns_t turns = 0;
    zanni_clock_t own = *system_clock;
    own.context = &turns;
    cr_assert_eq (own.choose (own.context, 4), 0);
    (void) system_clock->choose (system_clock->context, 4);
    cr_assert_eq (own.choose (own.context, 4), 1);
}

#define THREADS 4
#define EACH 5000

static zanni__turns_t chosen [5];

static void *
choose_many (void *arg)
{
    for (int i = 0; i < EACH; i++)
        atomic_fetch_add (&chosen [system_clock->choose (system_clock->context, 5)], 1);
    return arg;
}

Test (clock, chooses_evenly_from_many_threads)
{
    pthread_t threads [THREADS];
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq (pthread_create (&threads [i], NULL, choose_many, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join (threads [i], NULL);
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq (chosen [i], THREADS * EACH / 5);
}
