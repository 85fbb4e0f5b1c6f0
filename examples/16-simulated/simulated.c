/* Tests the bank from seeds: each is a world of its own, in which connections break and networks fail at other moments.

       simulated                    plays 200 worlds
       simulated SEED               plays that one, and prints what happens in it
       simulated --forget [SEED]    with the mistake, which some worlds find */

#include "bank.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zanni/net.h>
#include <zanni/sim.h>

#define SEEDS 200
#define TRANSFERS 10
#define ADDRESS "tcp://10.0.0.1:7000"

static const char *program;

typedef struct {
    zanni_sim_t *sim;
    zanni_t *bank, *branch;      // two nodes
    zanni_ref_t *accounts [2];   // as the bank has them
    zanni_ref_t *known [2];      // and the branch
} world_t;

/* What goes wrong in a test ends it. */
static void
must (int rc, const char *what)
{
    if (!rc)
        return;
    fprintf (stderr, "%s: %s\n", what, zanni_strerror (rc));
    exit (EXIT_FAILURE);
}

static void
print (void *context, const char *text)
{
    (void) context;
    fputs (text, stderr);
}

static void
begin (world_t *world, uint64_t seed, bool alone)
{
    static const char *const names [] = { "one", "other" };
    const zanni_sim_options_t options = {
        .seed = seed, .net_ns = 20000000, .line = alone ? print : NULL, .stuck = print
    };
    must (zanni_sim_new (&world->sim, &options), "world");
    must (zanni_sim_node (world->sim, &world->bank, NULL), "bank");
    must (zanni_sim_node (world->sim, &world->branch, NULL), "branch");
    must (zanni_bind (world->bank, ADDRESS, &(const zanni_bind_t) { .insecure = true }), "bind");
    for (int i = 0; i < 2; i++) {
        const zanni_connect_t connect = { .name = names [i], .insecure = true };
        must (zanni_spawn (world->bank, &world->accounts [i], "account", NULL), "account");
        must (zanni_offer (world->bank, names [i], world->accounts [i]), "offer");
        must (zanni_connect (world->branch, &world->known [i], ADDRESS, &connect), "connect");
    }
}

/* Transfers at the branch, while its way to the bank fails. */
static void
play (world_t *world)
{
    zanni_ref_t *transfers [TRANSFERS];
    zanni_sim_set_faults (world->sim, &(zanni_sim_faults_t) { .reset_percent = 10, .slow_percent = 5, .slow_ns = 200000000 });
    for (int64_t i = 0; i < TRANSFERS; i++) {
        must (zanni_spawn (world->branch, &transfers [i], "transfer", NULL, world->known [i % 2], world->known [(i + 1) % 2],
                           i + 1, 10 + i), "transfer");
        if (!zanni_sim_below (world->sim, 3))
            must (zanni_sim_cut (world->sim, world->bank, world->branch), "cut");
        zanni_sim_pass (world->sim, zanni_sim_below (world->sim, 4000));
        zanni_sim_heal (world->sim, NULL, NULL);
    }
    zanni_sim_set_faults (world->sim, &(zanni_sim_faults_t) { 0 });
    zanni_sim_pass (world->sim, 60000);
    for (int i = 0; i < TRANSFERS; i++)
        zanni_ref_destroy (&transfers [i]);
}

/* Whether every transfer was made, and just once. */
static bool
holds (world_t *world, uint64_t seed)
{
    int64_t expected [2] = { 0, 0 }, balance [2];
    for (int64_t i = 0; i < TRANSFERS; i++) {
        expected [i % 2] -= 10 + i;
        expected [(i + 1) % 2] += 10 + i;
    }
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        must (zanni_call (world->bank, &reply, world->accounts [i], "add", INT64_C (0), INT64_C (0)), "balance");
        must (zanni_read (reply, &balance [i]), "balance");
    }
    if (balance [0] == expected [0] && balance [1] == expected [1])
        return true;
    printf ("seed %" PRIu64 ": the balances are %" PRId64 " and %" PRId64 ", not %" PRId64 " and %" PRId64 "; see: %s%s %" PRIu64
            "\n", seed, balance [0], balance [1], expected [0], expected [1], program, account_forgets ? " --forget" : "", seed);
    return false;
}

static bool
test (uint64_t seed, bool alone)
{
    world_t world = { .sim = NULL };
    begin (&world, seed, alone);
    play (&world);
    bool good = holds (&world, seed);
    for (int i = 0; i < 2; i++) {
        zanni_ref_destroy (&world.known [i]);
        zanni_ref_destroy (&world.accounts [i]);
    }
    must (zanni_destroy (&world.branch), "end of the branch");
    must (zanni_destroy (&world.bank), "end of the bank");
    zanni_sim_destroy (&world.sim);
    return good;
}

int
main (int argc, char **argv)
{
    static const zanni_class_t *const classes [] = { &account_class, &transfer_class, NULL };
    int at = 1;
    program = argv [0];
    must (zanni_init (classes), "classes");
    if (at < argc && !strcmp (argv [at], "--forget"))
        account_forgets = true, at++;
    if (at < argc)
        return test (strtoull (argv [at], NULL, 10), true) ? EXIT_SUCCESS : EXIT_FAILURE;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        if (!test (seed, false))
            return EXIT_FAILURE;
    printf ("%d worlds, %d transfers in each: every one was made once\n", SEEDS, TRANSFERS);
    return EXIT_SUCCESS;
}
