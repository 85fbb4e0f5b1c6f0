/* Links: actors of several workers link, unlink and end as the seed draws, so that these messages cross in every
   way. When all is quiet every pair is linked anew, and then one actor after the other ends: whatever came
   before, each of those that are left has to be told of each end once. A half of a link that the other side does
   not have would show in that: a link that is there already is not asked for again. */

#include "scene.h"

#define ACTORS 5

/* One of them as the test sees it. */
typedef struct {
    bool ended;
    bool traps;
    bool undone [ACTORS];     // unlinked by this one, and not linked since
    int told [ACTORS];        // of the end of each
} state_t;

static state_t states [ACTORS];
static bool quiet;            // nothing of before is under way: what comes now is counted
static bool short_of_memory;
static bool one_sided;        // of each pair only the one with the smaller number links and unlinks

typedef struct {
    int number;
    zanni_ref_t *others [ACTORS];
} twin_t;

static int
twin_start (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    return zanni_read (msg, &twin->number);
}

static void
twin_stop (zanni_t *self, const zanni_reason_t *reason)
{
    const twin_t *twin = zanni_state (self);
    check (reason->kind != ZANNI_EXIT_NORMAL || !quiet);
    check (!states [twin->number].ended);
    states [twin->number].ended = true;
}

static void
twin_exit (zanni_t *self, const zanni_exit_signal_t *signal)
{
    const twin_t *twin = zanni_state (self);
    state_t *state = &states [twin->number];
    for (int i = 0; i < ACTORS; i++)
        if (twin->others [i] && zanni_ref_equal (twin->others [i], signal->from)) {
            check (!one_sided || !state->undone [i]);
            state->told [i]++;
            check (!quiet || signal->reason.code == 100 + i);
        }
    check (signal->linked);
}

static int
twin_know (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    const zanni_ref_t *ref;
    int number;
    check_eq (zanni_read (msg, &number, &ref), 0);
    return zanni_ref_weak (self, &twin->others [number], ref);
}

static int
twin_link (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    int number;
    check_eq (zanni_read (msg, &number), 0);
    states [twin->number].undone [number] = false;
    return zanni_link (self, twin->others [number]);
}

static int
twin_unlink (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    int number;
    check_eq (zanni_read (msg, &number), 0);
    int rc = zanni_unlink (self, twin->others [number]);
    states [twin->number].undone [number] = !rc;
    return rc;
}

static int
twin_trap (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    check_eq (zanni_read (msg, &states [twin->number].traps), 0);
    return zanni_trap_exits (self, states [twin->number].traps);
}

static int
twin_end (zanni_t *self, zanni_msg_t *msg)
{
    const twin_t *twin = zanni_state (self);
    (void) msg;
    return zanni_exit_error (self, 100 + twin->number, "");
}

static const zanni_method_t twin_methods [] = {
    ZANNI_METHOD ("know", "ir", "", twin_know, ""),     ZANNI_METHOD ("link", "i", "", twin_link, ""),
    ZANNI_METHOD ("unlink", "i", "", twin_unlink, ""),  ZANNI_METHOD ("trap", "b", "", twin_trap, ""),
    ZANNI_METHOD ("end", "i", "", twin_end, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t twin_class = {
    .name = "twin", .state_size = sizeof (twin_t), .methods = twin_methods, .start_in = "i", .start = twin_start,
    .stop = twin_stop, .exit = twin_exit
};
static const zanni_class_t *const classes [] = { &twin_class, NULL };
static const scene_setup_t setup = { .classes = classes, .seeds = SCENE_MANY };

static zanni_ref_t *twins [ACTORS];

static void
begin (scene_t *scene)
{
    memset (states, 0, sizeof states);
    quiet = false;
    one_sided = scene_draw (2);
    for (int i = 0; i < ACTORS; i++) {
        const zanni_spawn_t options = { .worker = 1 + scene_draw (4) };
        twins [i] = NULL;
        check_eq (zanni_spawn (scene->self, &twins [i], "twin", &options, i), 0);
        check_eq (zanni_tell (scene->self, twins [i], "trap", true), 0);
    }
    for (int i = 0; i < ACTORS; i++)
        for (int j = 0; j < ACTORS; j++)
            check_eq (zanni_tell (scene->self, twins [i], "know", j, twins [j]), 0);
    scene_settle ();
}

static void
finish (scene_t *scene)
{
    (void) scene;
    for (int i = 0; i < ACTORS; i++)
        zanni_ref_destroy (&twins [i]);
}

/* What somebody is told; who has ended is not there to hear it. */
static void
say (scene_t *scene, int actor, const char *method, int number)
{
    int rc = zanni_tell (scene->self, twins [actor], method, number);
    check (!rc || (rc == ZANNI_ENOACTOR && states [actor].ended) || (rc == ZANNI_ENOMEM && short_of_memory));
}

/* Links and unlinks at random; now and then all that is under way arrives. */
static void
stir (scene_t *scene, uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++) {
        int one = (int) scene_draw (ACTORS), other = (int) scene_draw (ACTORS - 1);
        other += other >= one;
        bool turned = one_sided && other < one;
        say (scene, turned ? other : one, scene_draw (3) ? "link" : "unlink", turned ? one : other);
        if (!scene_draw (6))
            check_eq (zanni_run (scene->self, 0), 0);
    }
}

static int
count_alive (void)
{
    int alive = 0;
    for (int i = 0; i < ACTORS; i++)
        alive += !states [i].ended;
    return alive;
}

/* Each pair that is left, by one of the two, drawn. */
static void
link_all (scene_t *scene)
{
    scene_settle ();
    for (int i = 0; i < ACTORS; i++)
        for (int j = 0; j < i; j++) {
            bool turned = one_sided || scene_draw (2);
            if (!states [i].ended && !states [j].ended)
                say (scene, turned ? j : i, "link", turned ? i : j);
        }
    scene_settle ();
    for (int i = 0; i < ACTORS; i++)
        memset (states [i].told, 0, sizeof states [i].told);
    quiet = true;
}

/* All others hear of each end, once. */
static void
end_all (scene_t *scene)
{
    for (int left = count_alive (); left; left--) {
        int next = (int) scene_draw (ACTORS);
        while (states [next].ended)
            next = (next + 1) % ACTORS;
        say (scene, next, "end", 0);
        scene_settle ();
        check (states [next].ended);
        check_eq (count_alive (), left - 1);
        for (int i = 0; i < ACTORS; i++)
            check (states [i].ended || states [i].told [next] == 1);
    }
}

static void
play_crossing (scene_t *scene)
{
    begin (scene);
    stir (scene, 10 + scene_draw (60));
    link_all (scene);
    end_all (scene);
    finish (scene);
}

Test (link, and_unlink_that_cross_leave_both_sides_of_one_mind)
{
    scene_run (&setup, play_crossing);
}

/* Somebody ends amid it all. */
static void
play_ends (scene_t *scene)
{
    begin (scene);
    for (int i = 0; i < 2; i++) {
        stir (scene, 5 + scene_draw (20));
        say (scene, (int) scene_draw (ACTORS), "end", 0);
    }
    stir (scene, 5 + scene_draw (20));
    link_all (scene);
    end_all (scene);
    finish (scene);
}

Test (link, that_crosses_its_partners_end_is_over_for_both)
{
    scene_run (&setup, play_ends);
}

/* Links that find no memory are none, on either side. */
static void
play_without_memory (scene_t *scene)
{
    begin (scene);
    one_sided = false;
    short_of_memory = true;
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { .refuse_percent = 20 });
    faults_fail_some (2 + scene_draw (20), scene->seed);
    stir (scene, 10 + scene_draw (60));
    if (scene_draw (2))
        scene_settle ();
    faults_fail (0, 0);
    short_of_memory = false;
    link_all (scene);
    end_all (scene);
    finish (scene);
}

Test (link, without_memory_is_on_both_sides_or_on_none)
{
    scene_run (&setup, play_without_memory);
}

/* Those that do not trap go along; who traps is told of each that it was linked with. */
static void
play_fate (scene_t *scene)
{
    begin (scene);
    link_all (scene);
    int first = (int) scene_draw (ACTORS), who_traps = (int) scene_draw (ACTORS);
    quiet = false;   // reasons are those of the first
    for (int i = 0; i < ACTORS; i++)
        check_eq (zanni_tell (scene->self, twins [i], "trap", i == who_traps), 0);
    scene_settle ();
    say (scene, first, "end", 0);
    scene_settle ();
    check_eq (count_alive (), first == who_traps ? 0 : 1);
    for (int i = 0; i < ACTORS && first != who_traps; i++)
        check_eq (states [who_traps].told [i], i != who_traps);
    finish (scene);
}

Test (link, is_shared_fate_for_all_but_who_traps)
{
    scene_run (&setup, play_fate);
}
