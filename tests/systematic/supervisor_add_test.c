/* Children that are added, removed, end and fail, at any moment and by anybody: each ask has its one answer, what the
   supervisor says of its children is so, and nothing is left. */

#include "scene.h"

#include <stdio.h>

#define NAMES 3

static int asks;        // that are not answered
static bool ends;       // the supervisor is told to end, or may have given up
static bool forgets;    // what ends is not begun again

/* Starts, fails to, or may end in its start. */
static int
child_start (zanni_t *self, zanni_msg_t *msg)
{
    int how;
    check_eq (zanni_read (msg, &how), 0);
    return how == 1 ? ZANNI_ENOSPACE : how == 2 && scene_draw (2) ? zanni_exit (self) : 0;
}

static int
child_end (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return scene_draw (2) ? zanni_exit (self) : zanni_exit_error (self, 1, "as told");
}

static const zanni_method_t child_methods [] = {
    ZANNI_METHOD ("end", "", "", child_end, "Ends, in good order or not."),
    ZANNI_METHOD_END
};
static const zanni_class_t child_class = {
    .name = "child", .methods = child_methods, .start_in = "i", .start = child_start
};
static const zanni_class_t *const classes [] = { &child_class, NULL };
static const scene_setup_t setup = { .classes = classes };
static const scene_setup_t slow = { .classes = classes, .world = { .latency_ns = 3 * MS, .tick_ns = 20000 } };

static zanni_ref_t *supervisor;

static zanni_spawn_t
any_place (void)
{
    uint32_t where = scene_draw (7);
    return (zanni_spawn_t) {
        .place = where == 5 ? ZANNI_THREAD : where ? ZANNI_SHARED : ZANNI_HERE, .worker = where < 5 ? where : 0
    };
}

static void
begin_supervisor (int32_t most)
{
    zanni_child_t children [] = {
        { .name = "child", .class_name = "child", .spawn = any_place () }, ZANNI_CHILD_END
    };
    const zanni_supervisor_t what = {
        .strategy = ZANNI_DYNAMIC, .max_restarts = most, .within_ms = 1000000, .delay_ms = scene_draw (2) ? scene_draw (4) : 0,
        .delay_max_ms = 5, .children = children
    };
    zanni_spawn_t options = any_place ();
    children [0].restarts = forgets ? ZANNI_TEMPORARY : (zanni_restarts_t) scene_draw (3);
    asks = 0;
    ends = false;
    check_eq (zanni_supervise (scene_now->self, &supervisor, &what, &options), 0);
}

/* Whoever it was gets that message, or is killed. */
static void
do_to (const zanni_ref_t *child)
{
    int rc = scene_draw (4) ? zanni_tell (scene_now->self, child, "end") : zanni_kill (scene_now->self, child);
    check (!rc || rc == ZANNI_ENOACTOR);
}

static bool
is_known (int code)
{
    return code == ZANNI_ENOACTOR || code == ZANNI_EINUSE || code == ZANNI_ENOSPACE || code == ZANNI_EDOWN
           || (ends && code == ZANNI_ECLOSED);
}

/* The answers of "add", "child" and "remove": a child, nothing, or why not, in words that name a child. */
static void
answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error = { 0 };
    const zanni_ref_t *child;
    const char *method = arg;
    (void) self;
    asks--;
    if (!zanni_msg_error (reply, &error)) {
        cr_assert (is_known (error.code), "%s: %s: %s", method, error.text, seeds_again ());
        check (ends || strstr (error.text, "child"));
    }
    else if (strcmp (method, "remove")) {
        check_eq (zanni_read (reply, &child), 0);
        if (!scene_draw (3))
            do_to (child);
    }
}

static void
ask_something (void)
{
    static char *const methods [] = { "add", "add", "add", "child", "remove" };
    char name [2] = { (char) ('a' + scene_draw (NAMES)), 0 };
    char *method = methods [scene_draw (5)];
    const zanni_ask_t options = { .then = answered, .arg = method, .deadline_ms = 1000000 };
    bool adds = !strcmp (method, "add");
    int rc = adds ? zanni_ask (scene_now->self, supervisor, &options, method, scene_draw (4) ? name : "",
                               ZANNI_LIST ((int) scene_draw (scene_draw (2) ? 3 : 1)))
                  : zanni_ask (scene_now->self, supervisor, &options, method, name);
    asks += !rc;
    check (!rc || (ends && rc == ZANNI_ENOACTOR));
}

static int
count_children (void)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    size_t count = 0;
    check_eq (zanni_call (scene_now->self, &reply, supervisor, "children"), 0);
    check_eq (zanni_enter (reply, &count), 0);
    return (int) count;
}

static void
play (scene_t *scene)
{
    forgets = scene_draw (2);
    begin_supervisor (60000);
    for (int i = 0; i < 60; i++) {
        ask_something ();
        if (scene_draw (3) == 0)
            check_eq (zanni_run (scene->self, scene_draw (5)), 0);
    }
    scene_pass (100);
    check_eq (asks, 0);
    if (forgets)   // others may be between two incarnations, for ever
        check_eq (count_children (), scene_stats ().actors - 2);
    ends = true;
    zanni_ref_destroy (&supervisor);
    scene_pass (10000);
    check_eq (scene_stats ().actors, 1);
}

Test (supervisor_add, answers_everybody_and_knows_its_children)
{
    scene_run (&setup, play);
    scene_run (&slow, play);
}

/* It is stopped, killed, or gives up, amid all that. */
static void
play_end (scene_t *scene)
{
    forgets = false;
    begin_supervisor (1 + (int32_t) scene_draw (10));
    ends = true;
    int last = (int) scene_draw (40);
    for (int i = 0; i < 60; i++) {
        int rc = i != last ? 0 : scene_draw (2) ? zanni_stop (scene->self, supervisor) : zanni_kill (scene->self, supervisor);
        check (!rc || rc == ZANNI_ENOACTOR);
        ask_something ();
        if (scene_draw (3) == 0)
            check_eq (zanni_run (scene->self, scene_draw (5)), 0);
    }
    scene_pass (10000);
    check_eq (asks, 0);
    check_eq (scene_stats ().actors, 1);
    zanni_ref_destroy (&supervisor);
}

Test (supervisor_add, answers_everybody_when_it_ends)
{
    scene_run (&setup, play_end);
    scene_run (&slow, play_end);
}
