/* The text that says how to see a seed again is made before the seed is played, since who is hit by a signal can only write. */

#include "seeds.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S_PATIENCE 30   // seconds that a seed has

static const int s_signals [] = { SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV };

#define S_SIGNALS (sizeof s_signals / sizeof *s_signals)

static struct sigaction s_before [S_SIGNALS];
static char s_again [4400];
static char s_last_words [4500];

/* Sanitizers have a handler of their own, which gets what comes again: on return, or here. */
static void
s_hit (int number)
{
    ssize_t size = write (STDERR_FILENO, s_last_words, strlen (s_last_words));
    (void) size;
    for (size_t i = 0; i < S_SIGNALS; i++)
        (void) sigaction (s_signals [i], &s_before [i], NULL);
    if (number == SIGALRM)
        (void) raise (number);
}

static void
s_listen (void)
{
    static bool listens;
    struct sigaction action = { .sa_handler = s_hit };
    if (listens)
        return;
    listens = true;
    (void) sigemptyset (&action.sa_mask);
    for (size_t i = 0; i < S_SIGNALS; i++)
        (void) sigaction (s_signals [i], &action, &s_before [i]);
}

static uint64_t
s_number (const char *text)
{
    return strtoull (text, NULL, 10);
}

seeds_t
seeds_usual (uint64_t usual)
{
    const char *only = getenv ("ZANNI_SEED");
    const char *many = getenv ("ZANNI_SEEDS");
    const char *to = many ? strchr (many, '-') : NULL;
    seeds_t seeds = { .seed = 0, .last = getenv ("ZANNI_LONG") ? usual * 100 : usual, .alone = only };
    if (many)
        seeds = (seeds_t) { .seed = to ? s_number (many) - 1 : 0, .last = s_number (to ? to + 1 : many) };
    if (only)
        seeds = (seeds_t) { .seed = s_number (only) - 1, .last = s_number (only), .alone = true };
    return seeds;
}

bool
seeds_next (seeds_t *seeds)
{
    if (seeds->seed == seeds->last) {
        (void) alarm (0);
        return false;
    }
    seeds_play (++seeds->seed);
    return true;
}

void
seeds_play (uint64_t seed)
{
    static char program [4000];
    if (!*program && readlink ("/proc/self/exe", program, sizeof program - 1) < 0)
        strcpy (program, "test");
    snprintf (s_again, sizeof s_again, "seed %" PRIu64 ", alone: ZANNI_SEED=%" PRIu64 " %s --filter %s/%s", seed, seed, program,
              criterion_current_test->category, criterion_current_test->name);
    snprintf (s_last_words, sizeof s_last_words, "This was %s\n", s_again);
    s_listen ();
    (void) alarm (S_PATIENCE);
}

const char *
seeds_again (void)
{
    return s_again;
}
