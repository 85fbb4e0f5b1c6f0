/* Three nodes, between which references travel while connections break, nodes are cut off from each other, and one may crash.
   Whatever the seed: an ask ends once, a monitor fires once, and when everything has healed and everybody has dropped what he
   held, nobody is left but the roots. */

#include "support/seeds.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zanni.h>
#include <zanni/net.h>
#include <zanni/sim.h>

#define MS INT64_C (1000000)
#define NODES 3
#define SEEDS 1000
#define STEPS 60
#define HELD 12      // references that a member has at most
#define MONITORS 200

/* A root, which holds what it is given. */
typedef struct {
    zanni_ref_t *held [HELD];
    uint32_t count;
} s_member_t;

typedef struct {
    zanni_t *self;       // NULL: it crashed
    uint8_t id [16];
    zanni_ref_t *others [NODES];
    int asked;
    int ended;
} s_node_t;

static struct {
    zanni_sim_t *sim;
    s_node_t nodes [NODES];
    int monitors;
    int fired [MONITORS];
    uint64_t ids [NODES][MONITORS];   // by node; 0: none
} s_play;

/* Writes down who does what with whom: the number of a node, and of an actor there. */
static void
s_note (const s_node_t *node, const char *what, const zanni_ref_t *ref)
{
    const zanni_address_t address = zanni_ref_address (ref);
    int where = 0;
    while (where < NODES && memcmp (s_play.nodes [where].id, address.node, sizeof address.node))
        where++;
    zanni_sim_note (s_play.sim, "%d %s %d.%" PRIu64, (int) (node - s_play.nodes), what, where, address.actor);
}

static const s_node_t *
s_node_of (const zanni_t *self)
{
    const s_node_t *node = s_play.nodes;
    while (node->self != self)
        node++;
    return node;
}

static int
s_member_take (zanni_t *self, zanni_msg_t *msg)
{
    s_member_t *member = zanni_state (self);
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    if (rc || member->count == HELD)
        return rc;
    rc = zanni_ref_keep (self, &member->held [member->count], ref);
    if (!rc)
        s_note (s_node_of (self), "takes", member->held [member->count++]);
    return rc;
}

static void
s_member_down (zanni_t *self, const zanni_down_t *down)
{
    const s_node_t *node = s_node_of (self);
    for (int i = 0; i < s_play.monitors; i++)
        if (s_play.ids [node - s_play.nodes][i] == down->monitor) {
            zanni_sim_note (s_play.sim, "monitor %d fires: %d", i, (int) down->reason.kind);
            s_play.fired [i]++;
        }
}

static const zanni_method_t s_member_methods [] = {
    ZANNI_METHOD ("take", "r", "", s_member_take, "Holds that, if there is room."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_member_class = {
    .name = "member", .state_size = sizeof (s_member_t), .methods = s_member_methods, .down = s_member_down
};

static int
s_leaf_echo (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

static int
s_leaf_end (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static const zanni_method_t s_leaf_methods [] = {
    ZANNI_METHOD ("echo", "x", "x", s_leaf_echo, "Answers it."),
    ZANNI_METHOD ("end", "", "", s_leaf_end, "Ends."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_leaf_class = { .name = "leaf", .methods = s_leaf_methods };
static const zanni_class_t *const s_classes [] = { &s_member_class, &s_leaf_class, NULL };

static uint32_t
s_draw (uint32_t limit)
{
    return zanni_sim_below (s_play.sim, limit);
}

static void
s_log (void *context, zanni_log_level_t level, const char *text)
{
    (void) context, (void) level;
    fprintf (stderr, "log: %s\n", text);
}

static const char *
s_endpoint (uint32_t index)
{
    static const char *const endpoints [NODES] = { "tcp://10.0.0.1:7000", "tcp://10.0.0.2:7000", "tcp://10.0.0.3:7000" };
    return endpoints [index];
}

static void
s_begin (uint64_t seed, bool alone)
{
    const zanni_sim_options_t world = {
        .seed = seed, .latency_ns = MS, .net_ns = 10 * MS, .stuck = seeds_print, .line = alone ? seeds_print : NULL
    };
    const zanni_bind_t bind = { .insecure = true };
    const zanni_connect_t connect = { .insecure = true };
    zanni_options_t options = ZANNI_OPTIONS_DEFAULT;
    options.workers = 2;
    options.log = alone ? s_log : NULL;
    memset (&s_play, 0, sizeof s_play);
    check_eq (zanni_sim_new (&s_play.sim, &world), 0);
    for (uint32_t i = 0; i < NODES; i++) {
        zanni_t **self = &s_play.nodes [i].self;
        check_eq (zanni_sim_node (s_play.sim, self, &options), 0);
        check_eq (zanni_serve (*self, "member"), 0);
        const zanni_address_t address = zanni_ref_address (zanni_self (*self));
        memcpy (s_play.nodes [i].id, address.node, sizeof address.node);
        check_eq (zanni_bind (*self, s_endpoint (i), &bind), 0);
    }
    for (uint32_t i = 0; i < NODES; i++)
        for (uint32_t j = 0; j < NODES; j++)
            if (i != j)
                check_eq (zanni_connect (s_play.nodes [i].self, &s_play.nodes [i].others [j], s_endpoint (j), &connect), 0);
}

static void
s_answered (zanni_t *self, zanni_msg_t *reply, void *context)
{
    (void) self, (void) reply;
    ((s_node_t *) context)->ended++;
}

static void
s_spawn (s_node_t *node, s_member_t *member)
{
    const zanni_spawn_t options = { .place = s_draw (8) ? ZANNI_SHARED : ZANNI_THREAD };
    if (member->count == HELD || zanni_spawn (node->self, &member->held [member->count], "leaf", &options))
        return;   // slow workers may take too long
    s_note (node, "spawns", member->held [member->count++]);
}

static void
s_drop (s_member_t *member, uint32_t at)
{
    zanni_ref_destroy (&member->held [at]);
    member->held [at] = member->held [--member->count];
}

static void
s_monitor (s_node_t *node, const zanni_ref_t *ref)
{
    uint64_t id;
    if (s_play.monitors == MONITORS || zanni_monitor (node->self, &id, ref))
        return;
    zanni_sim_note (s_play.sim, "monitor %d", s_play.monitors);
    s_play.ids [node - s_play.nodes][s_play.monitors++] = id;
}

/* The other one may be gone. */
static void
s_may_fail (int rc)
{
    (void) rc;
}

/* What a member does with something that it holds. */
static void
s_use (s_node_t *node, s_member_t *member)
{
    uint32_t at = s_draw (member->count);
    const zanni_ref_t *ref = member->held [at];
    const zanni_ask_t ask = { .then = s_answered, .arg = node };
    const zanni_ref_t *other = node->others [s_draw (NODES)];
    static const char *const names [] = { "monitors", "drops", "tells of", "tells of", "tells of", "ends", "asks", "asks" };
    uint32_t what = s_draw (8);
    s_note (node, names [what], ref);
    switch (what) {
    case 0:
        s_monitor (node, ref);
        break;
    case 1:
        s_drop (member, at);
        break;
    case 2:
    case 3:
    case 4:
        if (other)
            s_may_fail (zanni_tell (node->self, other, "take", ref));
        break;
    case 5:
        if (!s_draw (4))
            s_may_fail (zanni_tell (node->self, ref, "end"));
        break;
    default:
        node->asked += !zanni_ask (node->self, ref, &ask, "echo", 1);
        break;
    }
}

/* Nobody is there to hear what it is owed. */
static void
s_crash (s_node_t *node)
{
    s_member_t *member = zanni_state (node->self);
    check_eq (zanni_sim_crash (s_play.sim, node->self), 0);
    for (int i = 0; i < s_play.monitors; i++)
        s_play.fired [i] += s_play.ids [0][i] && !s_play.fired [i];
    while (member->count)
        s_drop (member, member->count - 1);
    for (uint32_t i = 0; i < NODES; i++)
        zanni_ref_destroy (&node->others [i]);
    check_eq (zanni_destroy (&node->self), 0);
}

static void
s_disturb (bool crashes)
{
    uint32_t one = s_draw (NODES), other = (one + 1 + s_draw (NODES - 1)) % NODES;
    zanni_t *first = s_play.nodes [one].self, *second = s_play.nodes [other].self;
    if (!first || !second)
        return;
    switch (s_draw (8)) {
    case 0:
        check_eq (zanni_sim_cut (s_play.sim, first, s_draw (2) ? second : NULL), 0);
        break;
    case 1:
    case 2:
        zanni_sim_heal (s_play.sim, NULL, NULL);
        break;
    case 3:
        zanni_sim_pass (s_play.sim, s_draw (6000));
        break;
    case 4:
        if (crashes && s_play.nodes [0].self && !s_draw (3))
            s_crash (&s_play.nodes [0]);
        break;
    default:
        check_eq (zanni_sim_reset (s_play.sim, first, second), 0);
        break;
    }
}

static void
s_act (bool crashes)
{
    s_node_t *node = &s_play.nodes [s_draw (NODES)];
    s_member_t *member = node->self ? zanni_state (node->self) : NULL;
    if (!s_draw (8))
        s_disturb (crashes);
    else if (member && (!member->count || !s_draw (4)))
        s_spawn (node, member);
    else if (member)
        s_use (node, member);
    zanni_sim_pass (s_play.sim, s_draw (30));
}

static void
s_drop_all (void)
{
    for (uint32_t i = 0; i < NODES; i++) {
        s_member_t *member = s_play.nodes [i].self ? zanni_state (s_play.nodes [i].self) : NULL;
        while (member && member->count)
            s_drop (member, member->count - 1);
    }
}

static void
s_end (void)
{
    zanni_sim_heal (s_play.sim, NULL, NULL);
    zanni_sim_set_faults (s_play.sim, &(zanni_sim_faults_t) { 0 });
    zanni_sim_pass (s_play.sim, 30000);
    s_drop_all ();
    zanni_sim_pass (s_play.sim, 30000);
    for (uint32_t i = 0; i < NODES; i++) {
        zanni_stats_t stats = { .actors = 1 };
        if (s_play.nodes [i].self)
            check_eq (zanni_stats (s_play.nodes [i].self, &stats), 0);
        zanni_sim_note (s_play.sim, "%u has %" PRIu64 " actors left", i, stats.actors - 1);
        check_eq (stats.actors, 1);
    }
    for (uint32_t i = 0; i < NODES; i++)
        if (s_play.nodes [i].self)
            check_eq (s_play.nodes [i].ended, s_play.nodes [i].asked);
    for (int i = 0; i < s_play.monitors; i++)
        check_eq (s_play.fired [i], 1);
    for (uint32_t i = 0; i < NODES; i++) {
        for (uint32_t j = 0; j < NODES; j++)
            zanni_ref_destroy (&s_play.nodes [i].others [j]);
        check_eq (zanni_destroy (&s_play.nodes [i].self), 0);
    }
    zanni_sim_destroy (&s_play.sim);
}

static uint64_t
s_one (uint64_t seed, bool crashes, bool alone)
{
    s_begin (seed, alone);
    const zanni_sim_faults_t faults = {
        .reset_percent = seed % 3 ? 0 : 5, .slow_percent = seed % 4 ? 0 : 10, .slow_ns = 3000 * MS,
        .refuse_percent = seed % 5 ? 0 : 10, .repeat_percent = seed % 7 ? 0 : 20
    };
    zanni_sim_set_faults (s_play.sim, &faults);
    for (int i = 0; i < STEPS; i++)
        s_act (crashes);
    uint64_t hash = zanni_sim_hash (s_play.sim);
    s_end ();
    return hash;
}

static void
s_all (bool crashes)
{
    cr_assert_eq (zanni_init (s_classes), 0);
    for (seeds_t seeds = seeds_usual (SEEDS); seeds_next (&seeds);)
        (void) s_one (seeds.seed, crashes, seeds.alone);
}

Test (cluster, loses_and_repeats_nothing)
{
    s_all (false);
}

Test (cluster, survives_a_crash)
{
    s_all (true);
}

/* What its own control thread has to say to a root that waits for the other side has to wait, and nobody else does. */
Test (cluster, a_node_ends_while_another_is_out_of_reach)
{
    const zanni_sim_options_t world = { .net_ns = 10 * MS, .stuck = seeds_print };
    const zanni_bind_t bind = { .insecure = true };
    const zanni_connect_t connect = { .insecure = true };
    zanni_options_t options = ZANNI_OPTIONS_DEFAULT;
    zanni_sim_t *sim = NULL;
    zanni_t *one = NULL, *other = NULL;
    ZANNI_AUTO (zanni_ref_t) ref = NULL;
    options.shutdown_ms = 60000;
    cr_assert_eq (zanni_init (s_classes), 0);
    cr_assert_eq (zanni_sim_new (&sim, &world), 0);
    cr_assert_eq (zanni_sim_node (sim, &one, &options), 0);
    cr_assert_eq (zanni_sim_node (sim, &other, NULL), 0);
    cr_assert_eq (zanni_serve (other, "leaf"), 0);
    cr_assert_eq (zanni_bind (other, s_endpoint (0), &bind), 0);
    cr_assert_eq (zanni_connect (one, &ref, s_endpoint (0), &connect), 0);
    zanni_sim_pass (sim, 1000);
    cr_assert_eq (zanni_sim_cut (sim, one, other), 0);
    cr_assert_eq (zanni_tell (one, ref, "end"), 0);
    zanni_ref_destroy (&ref);
    cr_assert_eq (zanni_destroy (&one), 0);
    cr_assert_eq (zanni_destroy (&other), 0);
    zanni_sim_destroy (&sim);
}

Test (cluster, the_same_seed_gives_the_same_trace)
{
    cr_assert_eq (zanni_init (s_classes), 0);
    for (seeds_t seeds = seeds_usual (20); seeds_next (&seeds);)
        check_eq (s_one (seeds.seed, true, seeds.alone) == s_one (seeds.seed, true, seeds.alone), true);
}

/* Both sides of a pair have a pulse, and miss it at different times: a cut may end between the two. Then the side that found
   nothing holds what it lent to the other one, and must learn that this one has given up. */
static void
s_cut_for (int64_t cut_ms)
{
    seeds_play ((uint64_t) cut_ms);
    s_begin ((uint64_t) cut_ms, false);
    s_node_t *zero = &s_play.nodes [0], *one = &s_play.nodes [1];
    zanni_ref_t *leaf = NULL;
    check_eq (zanni_spawn (one->self, &leaf, "leaf", NULL), 0);
    check_eq (zanni_tell (one->self, one->others [0], "take", leaf), 0);
    zanni_sim_pass (s_play.sim, 100);
    check_eq (zanni_sim_cut (s_play.sim, zero->self, one->self), 0);
    s_drop_all ();
    zanni_sim_pass (s_play.sim, cut_ms);
    zanni_ref_destroy (&leaf);
    s_end ();
}

Test (cluster, who_finds_another_lost_is_found_lost_by_that_one)
{
    cr_assert_eq (zanni_init (s_classes), 0);
    for (int64_t ms = 1500; ms < 4500; ms += 10)
        s_cut_for (ms);
}
