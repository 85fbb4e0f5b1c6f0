/* Supervisors: whatever children do to themselves, and whatever others do to them meanwhile, what was sent to one
   that is begun again under its reference is handled once and in order; children are started and stopped in their
   order; and when all is over nothing is left. */

#include "scene.h"

#include <stdio.h>

#define CHILDREN 4
#define CLIENTS 3

/* One child as the test sees it. */
typedef struct {
    int incarnation;
    int alive;              // at most one; where a monitor found no memory, its successor may be faster
    int last [CLIENTS];     // number from each
    int handled;
    bool fails;             // its next start does
} state_t;

static state_t states [CHILDREN];
static int lives;           // of all children
static bool starved;        // there may be no memory
static bool ordered;        // those before one that starts live, those behind do not

typedef struct {
    int number;
} child_t;

static int
child_start (zanni_t *self, zanni_msg_t *msg)
{
    child_t *child = zanni_state (self);
    check_eq (zanni_read (msg, &child->number), 0);
    state_t *state = &states [child->number];
    check (!state->alive || starved);
    for (int i = 0; ordered && i < CHILDREN; i++)
        check_eq (states [i].alive, i < child->number);
    if (state->fails) {
        state->fails = false;
        return ZANNI_EPERM;
    }
    state->incarnation++;
    state->alive++;
    lives++;
    return 0;
}

static void
child_stop (zanni_t *self, const zanni_reason_t *reason)
{
    const child_t *child = zanni_state (self);
    (void) reason;
    check (states [child->number].alive);
    states [child->number].alive--;
    lives--;
}

/* Handles a number, and then may end: 0 no, 1 normally, 2 by an error, 3 by an error with a start that fails behind
   it. */
static int
child_take (zanni_t *self, zanni_msg_t *msg)
{
    const child_t *child = zanni_state (self);
    state_t *state = &states [child->number];
    int from, number, how;
    check (state->alive);
    check_eq (zanni_read (msg, &from, &number, &how), 0);
    check (number == state->last [from] + 1 || (starved && number > state->last [from]));
    state->last [from] = number;
    state->handled++;
    state->fails = state->fails || how == 3;
    return how == 0 ? 0 : how == 1 ? zanni_exit (self) : zanni_exit_error (self, how, "as told");
}

static const zanni_method_t child_methods [] = {
    ZANNI_METHOD ("take", "iii", "", child_take, "Sender, number, how it ends."),
    ZANNI_METHOD_END
};
static const zanni_class_t child_class = {
    .name = "child", .state_size = sizeof (child_t), .methods = child_methods, .start_in = "i", .start = child_start,
    .stop = child_stop
};

/* Sends numbers to the children, whose references it gets once. */
typedef struct {
    int number;
    zanni_ref_t *children [CHILDREN];
    int sent [CHILDREN];
} client_t;

static int sent;
static bool mortal;   // children may end

static int
client_start (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    int rc = zanni_read (msg, &client->number);
    for (int i = 0; !rc && i < CHILDREN; i++) {
        const zanni_ref_t *ref;
        rc = zanni_read (msg, &ref);
        if (!rc)
            rc = zanni_ref_keep (self, &client->children [i], ref);
    }
    return rc;
}

static int
client_go (zanni_t *self, zanni_msg_t *msg)
{
    client_t *client = zanni_state (self);
    int count;
    check_eq (zanni_read (msg, &count), 0);
    while (count-- > 0) {
        uint32_t at = scene_draw (CHILDREN);
        int how = mortal && scene_draw (6) == 0 ? 1 + (int) scene_draw (3) : 0;
        int rc = zanni_tell (self, client->children [at], "take", client->number, client->sent [at] + 1, how);
        check (!rc || rc == ZANNI_ENOACTOR || (starved && rc == ZANNI_ENOMEM));
        client->sent [at] += !rc;
        sent += !rc;
    }
    return 0;
}

static const zanni_method_t client_methods [] = {
    ZANNI_METHOD ("go", "i", "", client_go, "Sends so many."),
    ZANNI_METHOD_END
};
static const zanni_class_t client_class = {
    .name = "client", .state_size = sizeof (client_t), .methods = client_methods, .start_in = "irrrr",
    .start = client_start
};
static const zanni_class_t *const classes [] = { &child_class, &client_class, NULL };
static const scene_setup_t setup = { .classes = classes, .seeds = SCENE_MANY };
static const scene_setup_t slow = {
    .classes = classes, .world = { .latency_ns = 3 * MS, .tick_ns = 20000 }, .seeds = SCENE_MANY
};

static zanni_ref_t *supervisor;
static zanni_ref_t *clients [CLIENTS];

static zanni_spawn_t
any_place (void)
{
    uint32_t where = scene_draw (7);
    return (zanni_spawn_t) {
        .place = where == 5 ? ZANNI_THREAD : where ? ZANNI_SHARED : ZANNI_HERE, .worker = where < 5 ? where : 0
    };
}

static int
begin_supervisor (zanni_strategy_t strategy, int32_t most, zanni_error_t *error)
{
    static const char *const names [] = { "0", "1", "2", "3" };
    zanni_child_t children [CHILDREN + 1] = { { .name = "0" } };
    zanni_arg_t numbers [CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        numbers [i] = zanni_arg_int (i);
        children [i] = (zanni_child_t) {
            .name = names [i], .class_name = "child", .args = zanni_arg_list (&numbers [i], 1), .spawn = any_place ()
        };
    }
    const zanni_supervisor_t what = {
        .strategy = strategy, .max_restarts = most, .within_ms = 1000000,
        .delay_ms = scene_draw (2) ? scene_draw (4) : 0, .delay_max_ms = 5, .jitter = scene_draw (101),
        .children = children
    };
    zanni_spawn_t options = any_place ();
    options.error = error;
    sent = lives = 0;
    ordered = !starved;
    return zanni_supervise (scene_now->self, &supervisor, &what, &options);
}

static const zanni_ref_t *
get_child (zanni_msg_t **reply_p, int number)
{
    char name [2] = { (char) ('0' + number), 0 };
    const zanni_ref_t *ref;
    check_eq (zanni_call (scene_now->self, reply_p, supervisor, "child", name), 0);
    check_eq (zanni_read (*reply_p, &ref), 0);
    return ref;
}

static void
begin_clients (void)
{
    zanni_msg_t *replies [CHILDREN] = { NULL };
    const zanni_ref_t *refs [CHILDREN];
    for (int i = 0; i < CHILDREN; i++)
        refs [i] = get_child (&replies [i], i);
    for (int i = 0; i < CLIENTS; i++) {
        zanni_spawn_t options = { .worker = 1 + scene_draw (4) };
        check_eq (zanni_spawn (scene_now->self, &clients [i], "client", &options, i, refs [0], refs [1], refs [2],
                               refs [3]),
                  0);
    }
    for (int i = 0; i < CHILDREN; i++)
        zanni_msg_destroy (&replies [i]);
    scene_pass (20);
}

static void
end_clients (void)
{
    for (int i = 0; i < CLIENTS; i++)
        zanni_ref_destroy (&clients [i]);
}

static void
let_them_go (int rounds)
{
    for (int i = 0; i < rounds; i++) {
        check_eq (zanni_tell (scene_now->self, clients [scene_draw (CLIENTS)], "go", (int) scene_draw (20)), 0);
        if (scene_draw (3) == 0)
            check_eq (zanni_run (scene_now->self, scene_draw (5)), 0);
    }
}

static void
play (scene_t *scene)
{
    zanni_strategy_t strategy = (zanni_strategy_t) scene_draw (3);
    (void) scene;
    memset (states, 0, sizeof states);
    mortal = true;
    check_eq (begin_supervisor (strategy, 10000, NULL), 0);
    check_eq (lives, CHILDREN);
    ordered = false;
    begin_clients ();
    let_them_go (30);
    scene_pass (2000);
    check_eq (lives, CHILDREN);
    int handled = 0;
    for (int i = 0; i < CHILDREN; i++)
        handled += states [i].handled;
    check_eq (handled, sent);   // though children ended in between, many times
    check_eq (scene_stats ().dead_letters, 0);
    zanni_ref_destroy (&supervisor);
    scene_pass (100);
    check_eq (lives, 0);
    end_clients ();
}

Test (supervisor, loses_nothing)
{
    scene_run (&setup, play);
    scene_run (&slow, play);
}

/* Somebody who owns them stops and kills children, and at the end, at any moment, the supervisor. */
static void
play_race (scene_t *scene)
{
    memset (states, 0, sizeof states);
    mortal = true;
    check_eq (begin_supervisor ((zanni_strategy_t) scene_draw (3), 1 + (int32_t) scene_draw (30), NULL), 0);
    ordered = false;
    begin_clients ();
    for (int i = 0; i < 5; i++) {
        ZANNI_AUTO (zanni_msg_t) reply = NULL;
        char name [2] = { (char) ('0' + scene_draw (CHILDREN)), 0 };
        const zanni_ref_t *ref;
        let_them_go (3);
        if (zanni_call (scene->self, &reply, supervisor, "child", name) || zanni_read (reply, &ref))
            break;   // it has given up
        int rc = zanni_stop (scene->self, ref);
        check (!rc || rc == ZANNI_ENOACTOR);
    }
    if (scene_draw (2))
        check_eq (zanni_run (scene->self, scene_draw (10)), 0);
    int rc = scene_draw (4) ? zanni_stop (scene->self, supervisor) : 0;
    check (!rc || rc == ZANNI_ENOACTOR);
    if (scene_draw (2))
        zanni_ref_destroy (&supervisor);
    scene_pass (3000);
    zanni_ref_destroy (&supervisor);
    scene_pass (3000);
    check_eq (lives, 0);
    check_eq (scene_stats ().actors, 1 + CLIENTS);
    end_clients ();
}

Test (supervisor, leaves_nothing_whenever_it_ends)
{
    scene_run (&setup, play_race);
    scene_run (&slow, play_race);
}

/* A first start that fails: those before it have started and stop, those behind it never do. */
static void
play_failing (scene_t *scene)
{
    zanni_error_t error = { 0 };
    char expected [32];
    uint32_t at = scene_draw (CHILDREN);
    memset (states, 0, sizeof states);
    states [at].fails = true;
    check_eq (begin_supervisor ((zanni_strategy_t) scene_draw (3), 1, &error), ZANNI_EPERM);
    snprintf (expected, sizeof expected, "child %u: the start", (unsigned) at);
    check (!strncmp (error.text, expected, strlen (expected)));
    check (!supervisor);
    check_eq (zanni_run (scene->self, 100), 0);
    check_eq (lives, 0);
    for (uint32_t i = 0; i < CHILDREN; i++)
        check_eq (states [i].incarnation, i < at);
}

Test (supervisor, that_cannot_begin_leaves_nothing)
{
    scene_run (&setup, play_failing);
    scene_run (&slow, play_failing);
}

/* One allocation fails while it begins: it does, or says why not. */
static long failing;
static bool struck;

static void
play_without_memory (scene_t *scene)
{
    memset (states, 0, sizeof states);
    starved = true;
    faults_fail (failing, 0);
    int rc = begin_supervisor ((zanni_strategy_t) scene_draw (3), 10, NULL);
    struck = faults_struck ();
    faults_fail (0, 0);
    check (!rc || rc == ZANNI_ENOMEM);
    check_eq (!supervisor, rc != 0);
    zanni_ref_destroy (&supervisor);
    check_eq (zanni_run (scene->self, 6000), 0);
    check_eq (lives, 0);
    check_eq (scene_stats ().actors, 1);
    starved = false;
}

Test (supervisor, begins_without_memory_or_leaves_nothing)
{
    struck = true;
    for (failing = 1; struck; failing++)
        (void) scene_run_seed (&setup, play_without_memory, 1 + (uint64_t) failing % 7);
    cr_assert_gt (failing, 50);
}

/* Memory is short while children end and begin again. Some of what was sent may be lost, nothing more. */
static void
play_starved (scene_t *scene)
{
    memset (states, 0, sizeof states);
    starved = mortal = true;
    check_eq (begin_supervisor ((zanni_strategy_t) scene_draw (3), 10000, NULL), 0);
    ordered = false;
    begin_clients ();
    faults_fail_some (5 + scene_draw (100), scene->seed);
    for (int i = 0; i < 30; i++) {
        int rc = zanni_tell (scene->self, clients [scene_draw (CLIENTS)], "go", (int) scene_draw (20));
        check (!rc || rc == ZANNI_ENOMEM);
        if (scene_draw (3) == 0)
            check_eq (zanni_run (scene->self, scene_draw (5)), 0);
    }
    check_eq (zanni_run (scene->self, 100), 0);
    faults_fail (0, 0);
    mortal = false;
    scene_pass (8000);
    check_eq (scene_stats ().actors, 2 + CLIENTS + CHILDREN);
    zanni_ref_destroy (&supervisor);
    scene_pass (6000);
    check_eq (scene_stats ().actors, 1 + CLIENTS);
    end_clients ();
    starved = false;
}

Test (supervisor, goes_on_when_there_is_memory_again)
{
    scene_run (&setup, play_starved);
}
