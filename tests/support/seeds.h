/* seeds.h: tests that are played from many seeds, a world each.

       for (seeds_t seeds = seeds_usual (1000); seeds_next (&seeds);)
           s_play (seeds.seed, seeds.alone);

   Whatever ends such a test says how to see it again: `check` and `check_eq`; a signal; a seed that is still played after half a
   minute, which is some thousand times as long as one takes.

   ZANNI_SEED=n in the environment plays that one alone, whose trace is then to be printed; ZANNI_SEEDS=n plays those up to n,
   ZANNI_SEEDS=m-n those from m on; ZANNI_LONG=1 plays a hundred times as many as usual. */

#ifndef TESTS_SUPPORT_SEEDS_H
#define TESTS_SUPPORT_SEEDS_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
    uint64_t seed;
    uint64_t last;
    bool alone;      // it is the only one, and its trace is wanted
} seeds_t;

/* From 1 to `usual`, or those of the environment. */
seeds_t seeds_usual (uint64_t usual);
bool seeds_next (seeds_t *seeds);

/* What is played from now on, for who has seeds of its own. */
void seeds_play (uint64_t seed);

/* "seed 7, alone: ZANNI_SEED=7 /path/to/test --filter suite/test", of what is played now. */
const char *seeds_again (void);

#define check(condition) cr_assert (condition, "%s: %s", #condition, seeds_again ())
#define check_eq(one, other)                                                                                    \
    do {                                                                                                        \
        long long check_one = (long long) (one);                                                                \
        long long check_other = (long long) (other);                                                            \
        cr_assert (check_one == check_other, "%s is %lld, %s is %lld: %s", #one, check_one, #other, check_other, \
                   seeds_again ());                                                                             \
    } while (0)

/* Prints a line of a trace; for zanni_sim_options_t. */
static inline void
seeds_print (void *context, const char *text)
{
    (void) context;
    fputs (text, stderr);
}

#endif
