/* Spawning by an actor that may not block, onto other workers: its start is under way while its reference is used
   already, by the spawner and by others, whose messages may come first; a start that fails is heard by the spawner. */

#include "scene.h"

#define CHILDREN 12

/* What became of each child. */
typedef struct {
    bool fails;
    bool slow;          // its start takes longer than any deadline
    bool spawned;
    int started;
    int poked;          // handled
    int sent;           // accepted by tell
    int answers;        // of asks that others sent
    int errors;
    int asked;
    int downs;          // of monitors
    int monitors;
    int stopped;
} child_state_t;

static child_state_t children [CHILDREN];
static bool cut;        // the node is ending: anybody may be gone

typedef struct {
    int number;
} child_t;

static int
child_start (zanni_t *self, zanni_msg_t *msg)
{
    child_t *child = zanni_state (self);
    check_eq (zanni_read (msg, &child->number), 0);
    child_state_t *state = &children [child->number];
    check_eq (state->started, 0);
    state->started++;
    if (state->slow)
        zanni_sim_spend (scene_now->world, 10000 * MS);
    return state->fails ? ZANNI_EPERM : 0;
}

static int
child_poke (zanni_t *self, zanni_msg_t *msg)
{
    const child_t *child = zanni_state (self);
    (void) msg;
    check_eq (children [child->number].started, 1);
    check_eq (children [child->number].fails, 0);
    children [child->number].poked++;
    return 0;
}

static int
child_ask (zanni_t *self, zanni_msg_t *msg)
{
    const child_t *child = zanni_state (self);
    check_eq (children [child->number].started, 1);
    return zanni_reply (self, msg, child->number);
}

static void
child_stop (zanni_t *self, const zanni_reason_t *reason)
{
    const child_t *child = zanni_state (self);
    (void) reason;
    children [child->number].stopped++;
}

static const zanni_method_t child_methods [] = {
    ZANNI_METHOD ("poke", "", "", child_poke, "Counts."),
    ZANNI_METHOD ("ask", "", "i", child_ask, "Answers its number."),
    ZANNI_METHOD_END
};
static const zanni_class_t child_class = {
    .name = "child", .state_size = sizeof (child_t), .methods = child_methods, .start_in = "i",
    .start = child_start, .stop = child_stop
};

/* A neighbour pokes, asks and monitors whomever it is told of, and passes the reference on. */
typedef struct {
    zanni_ref_t *next;
    uint64_t monitors [CHILDREN * 4];
    int numbers [CHILDREN * 4];
    int count;
} neighbour_t;

static void
on_answer (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    child_state_t *state = arg;
    (void) self;
    if (zanni_msg_kind (reply) == ZANNI_MSG_REPLY)
        state->answers++;
    else
        state->errors++;
}

static int
neighbour_next (zanni_t *self, zanni_msg_t *msg)
{
    neighbour_t *neighbour = zanni_state (self);
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    return rc ? rc : zanni_ref_weak (self, &neighbour->next, ref);
}

static void
use (zanni_t *self, const zanni_ref_t *ref, int number)
{
    child_state_t *state = &children [number];
    zanni_ask_t options = { .then = on_answer, .arg = state };
    for (uint32_t i = scene_draw (3); i > 0; i--) {
        int rc = zanni_tell (self, ref, "poke");
        check (rc == 0 || (rc == ZANNI_ENOACTOR && (state->fails || cut)));
        state->sent += !rc;
    }
    if (scene_draw (2)) {
        int rc = zanni_ask (self, ref, &options, "ask");
        check (rc == 0 || (rc == ZANNI_ENOACTOR && (state->fails || cut)));
        state->asked += !rc;
    }
}

static int
neighbour_meet (zanni_t *self, zanni_msg_t *msg)
{
    neighbour_t *neighbour = zanni_state (self);
    const zanni_ref_t *ref;
    int number, hops;
    check_eq (zanni_read (msg, &number, &ref, &hops), 0);
    use (self, ref, number);
    if (scene_draw (3) == 0 && neighbour->count < CHILDREN * 4) {
        check_eq (zanni_monitor (self, &neighbour->monitors [neighbour->count], ref), 0);
        neighbour->numbers [neighbour->count++] = number;
        children [number].monitors++;
    }
    int rc = hops ? zanni_tell (self, neighbour->next, "meet", number, ref, hops - 1) : 0;
    check (rc == 0 || (rc == ZANNI_ENOACTOR && cut));
    return 0;
}

static void
neighbour_down (zanni_t *self, const zanni_down_t *down)
{
    const neighbour_t *neighbour = zanni_state (self);
    for (int i = 0; i < neighbour->count; i++)
        if (neighbour->monitors [i] == down->monitor)
            children [neighbour->numbers [i]].downs++;
}

static const zanni_method_t neighbour_methods [] = {
    ZANNI_METHOD ("next", "r", "", neighbour_next, "Whom to pass to."),
    ZANNI_METHOD ("meet", "iri", "", neighbour_meet, "A child."),
    ZANNI_METHOD_END
};
static const zanni_class_t neighbour_class = {
    .name = "neighbour", .state_size = sizeof (neighbour_t), .methods = neighbour_methods, .down = neighbour_down
};

/* A parent spawns a child anywhere, uses it at once, shows it to a neighbour and drops it some time. */
typedef struct {
    zanni_ref_t *neighbour;
    zanni_ref_t *children [CHILDREN];
} parent_t;

static int
parent_neighbour (zanni_t *self, zanni_msg_t *msg)
{
    parent_t *parent = zanni_state (self);
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    return rc ? rc : zanni_ref_weak (self, &parent->neighbour, ref);
}

static int
parent_spawn (zanni_t *self, zanni_msg_t *msg)
{
    parent_t *parent = zanni_state (self);
    int number;
    uint32_t where = scene_draw (6);
    zanni_spawn_t options = {
        .place = where == 5 ? ZANNI_THREAD : where ? ZANNI_SHARED : ZANNI_HERE, .worker = where < 5 ? where : 0
    };
    check_eq (zanni_read (msg, &number), 0);
    child_state_t *state = &children [number];
    int rc = zanni_spawn (self, &parent->children [number], "child", &options, number);
    if (rc) {   // on this very worker; or the node ends
        check ((rc == ZANNI_EPERM && state->fails) || rc == ZANNI_ECLOSED);
        return 0;
    }
    state->spawned = true;
    use (self, parent->children [number], number);
    rc = zanni_tell (self, parent->neighbour, "meet", number, parent->children [number], (int) scene_draw (4));
    check (rc == 0 || (rc == ZANNI_ENOACTOR && cut));
    if (scene_draw (2))
        zanni_ref_destroy (&parent->children [number]);
    return 0;
}

static int
parent_drop (zanni_t *self, zanni_msg_t *msg)
{
    parent_t *parent = zanni_state (self);
    (void) msg;
    for (int i = 0; i < CHILDREN; i++)
        zanni_ref_destroy (&parent->children [i]);
    return 0;
}

static int heard;     // starts that failed, by down hooks

static void
parent_down (zanni_t *self, const zanni_down_t *down)
{
    (void) self;
    heard++;
    check_eq (down->monitor, 0);
    check_eq (down->reason.kind, ZANNI_EXIT_ERROR);
    check (down->reason.code == ZANNI_EPERM || (cut && down->reason.code == ZANNI_ENOACTOR));
    check (!strcmp (zanni_ref_class (down->ref), "child"));
}

static const zanni_method_t parent_methods [] = {
    ZANNI_METHOD ("neighbour", "r", "", parent_neighbour, "Who sees the children."),
    ZANNI_METHOD ("spawn", "i", "", parent_spawn, "Spawns one."),
    ZANNI_METHOD ("drop", "", "", parent_drop, "Drops all."),
    ZANNI_METHOD_END
};
static const zanni_class_t parent_class = {
    .name = "parent", .state_size = sizeof (parent_t), .methods = parent_methods, .down = parent_down
};

static const zanni_class_t *const classes [] = { &child_class, &neighbour_class, &parent_class, NULL };

static void
play (scene_t *scene)
{
    zanni_ref_t *neighbours [3];
    zanni_ref_t *parents [2];
    int failing = 0;
    heard = 0;
    cut = false;
    for (int i = 0; i < 3; i++)
        neighbours [i] = scene_spawn ("neighbour", 1 + scene_draw (4));
    for (int i = 0; i < 3; i++)
        check_eq (zanni_tell (scene->self, neighbours [i], "next", neighbours [(i + 1) % 3]), 0);
    for (int i = 0; i < 2; i++) {
        parents [i] = scene_spawn ("parent", 1 + scene_draw (4));
        check_eq (zanni_tell (scene->self, parents [i], "neighbour", neighbours [i]), 0);
    }
    scene_pass (100);
    for (int i = 0; i < CHILDREN; i++) {
        children [i] = (child_state_t) { .fails = scene_draw (3) == 0, .slow = scene_draw (8) == 0 };
        check_eq (zanni_tell (scene->self, parents [scene_draw (2)], "spawn", i), 0);
    }
    scene_pass (500000);
    for (int i = 0; i < 2; i++)
        check_eq (zanni_tell (scene->self, parents [i], "drop"), 0);
    scene_pass (10000);
    uint64_t buried = 0;
    for (int i = 0; i < CHILDREN; i++) {
        const child_state_t *state = &children [i];
        check_eq (state->started, 1);
        failing += state->fails && state->spawned;
        check_eq (state->answers + state->errors, state->asked);
        check_eq (state->downs, state->monitors);
        check_eq (state->stopped, !state->fails);
        buried += (uint64_t) (state->sent - state->poked);
        check (state->fails || state->sent == state->poked);
        check (!state->fails || state->answers == 0);
    }
    check_eq (heard, failing);
    check_eq (scene_stats ().dead_letters, buried);
    check_eq (scene_stats ().actors, 6);
    for (int i = 0; i < 3; i++)
        zanni_ref_destroy (&neighbours [i]);
    for (int i = 0; i < 2; i++)
        zanni_ref_destroy (&parents [i]);
}

Test (spawn, used_before_its_start)
{
    scene_run (&(scene_setup_t) { .classes = classes }, play);
}

Test (spawn, used_before_its_start_with_latency)
{
    scene_run (&(scene_setup_t) { .classes = classes, .world = { .latency_ns = 5 * MS, .tick_ns = 10000 } }, play);
}

/* The node ends while starts are under way. */
static void
play_cut (scene_t *scene)
{
    cut = true;
    ZANNI_AUTO (zanni_ref_t) neighbour = scene_spawn ("neighbour", 1 + scene_draw (4));
    ZANNI_AUTO (zanni_ref_t) parent = scene_spawn ("parent", 1 + scene_draw (4));
    check_eq (zanni_tell (scene->self, neighbour, "next", neighbour), 0);
    check_eq (zanni_tell (scene->self, parent, "neighbour", neighbour), 0);
    scene_pass (10);
    for (int i = 0; i < CHILDREN; i++) {
        children [i] = (child_state_t) { .fails = scene_draw (3) == 0 };
        check_eq (zanni_tell (scene->self, parent, "spawn", i), 0);
    }
    check_eq (zanni_run (scene->self, scene_draw (6)), 0);
}

Test (spawn, under_way_at_the_end_of_the_node)
{
    scene_run (&(scene_setup_t) { .classes = classes, .world.latency_ns = 5 * MS }, play_cut);
}

/* By one that waits: it gets the outcome itself. */
static void
play_waiting (scene_t *scene)
{
    uint32_t where = scene_draw (6);
    zanni_error_t error = { 0 };
    zanni_ref_t *ref = NULL;
    zanni_spawn_t options = {
        .place = where == 5 ? ZANNI_THREAD : where ? ZANNI_SHARED : ZANNI_HERE, .worker = where < 5 ? where : 0,
        .error = &error
    };
    children [0] = (child_state_t) { .fails = scene_draw (2) };
    int rc = zanni_spawn (scene->self, &ref, "child", &options, 0);
    check_eq (rc, children [0].fails ? ZANNI_EPERM : 0);
    check_eq (error.code, rc);
    check_eq (children [0].started, 1);
    check (!rc == !!ref);
    zanni_ref_destroy (&ref);
    scene_pass (100);
    check_eq (scene_stats ().actors, 1);
}

Test (spawn, by_one_that_waits)
{
    scene_run (&(scene_setup_t) { .classes = classes }, play_waiting);
    scene_run (&(scene_setup_t) { .classes = classes, .world.latency_ns = 5 * MS }, play_waiting);
}

/* It waits no longer than it was told; the start that comes later is in vain. */
static void
play_impatient (scene_t *scene)
{
    zanni_ref_t *ref = NULL;
    zanni_spawn_t options = { .worker = 1, .start_ms = 1 + scene_draw (10) };
    int64_t began_ns = scene_now_ns ();
    children [0] = (child_state_t) { 0 };
    int rc = zanni_spawn (scene->self, &ref, "child", &options, 0);
    check (rc == 0 || rc == ZANNI_ETIMEOUT);
    if (rc)
        check_eq (scene_now_ns () - began_ns, options.start_ms * MS);
    check (!rc == !!ref);
    zanni_ref_destroy (&ref);
    scene_pass (100);
    check_eq (children [0].started, 1);
    check_eq (children [0].stopped, 1);
    check_eq (scene_stats ().actors, 1);
}

Test (spawn, by_one_that_waits_no_longer)
{
    scene_run (&(scene_setup_t) { .classes = classes, .world.latency_ns = 10 * MS }, play_impatient);
}
