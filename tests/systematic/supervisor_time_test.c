/* Supervisors in virtual time: how many restarts are made in how long, exactly; how long they are delayed; and what becomes
   of very many. */

#include "scene.h"

#include <stdio.h>

static int64_t started_ns [64];   // when the last starts of the child were, in order
static int starts;
static int failing;               // so many starts from now on fail
static int shortened;             // delays, by chance

static int
child_start (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    started_ns [starts++ % 64] = scene_now_ns ();
    return failing && failing-- ? ZANNI_ENOSPACE : 0;
}

static int
child_end (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit_error (self, 1, "as told");
}

static const zanni_method_t child_methods [] = {
    ZANNI_METHOD ("end", "", "", child_end, "Ends with an error."),
    ZANNI_METHOD_END
};
static const zanni_class_t child_class = { .name = "child", .methods = child_methods, .start = child_start };
static const zanni_class_t *const classes [] = { &child_class, NULL };
static const scene_setup_t setup = { .classes = classes };

static zanni_ref_t *supervisor;

/* Supervisor and child are on the root's worker: nothing takes time. */
static zanni_ref_t *
begin_child (zanni_supervisor_t what)
{
    const zanni_child_t children [] = {
        { .name = "child", .class_name = "child", .spawn = { .place = ZANNI_HERE } }, ZANNI_CHILD_END
    };
    const zanni_spawn_t here = { .place = ZANNI_HERE };
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *ref;
    zanni_ref_t *child = NULL;
    what.children = children;
    starts = failing = 0;
    check_eq (zanni_supervise (scene_now->self, &supervisor, &what, &here), 0);
    check_eq (starts, 1);
    check_eq (zanni_call (scene_now->self, &reply, supervisor, "child", "child"), 0);
    check_eq (zanni_read (reply, &ref), 0);
    check_eq (zanni_ref_keep (scene_now->self, &child, ref), 0);
    return child;
}

static void
end_child (zanni_ref_t **child_p)
{
    zanni_ref_destroy (child_p);
    zanni_ref_destroy (&supervisor);
    scene_settle ();
    check_eq (scene_stats ().actors, 1);
}

/* Whether the child is begun again, at once. */
static bool
begins_again (const zanni_ref_t *child)
{
    int before = starts;
    int rc = zanni_tell (scene_now->self, child, "end");
    check (!rc || rc == ZANNI_ENOACTOR);
    scene_settle ();
    check (starts - before <= 1);
    return starts > before;
}

static void
play_limit (scene_t *scene)
{
    int most = 1 + (int) scene_draw (5);
    int64_t within_ms = 1 + (int64_t) scene_draw (1000);
    zanni_ref_t *child = begin_child ((zanni_supervisor_t) { .max_restarts = most, .within_ms = within_ms });
    int64_t at_ms [64], now_ms = 0;
    for (int made = 0; made < 60; made++) {
        int64_t oldest_ms = made < most ? INT64_MIN / 2 : at_ms [made - most];
        at_ms [made] = now_ms;
        bool again = begins_again (child);
        check_eq (again, now_ms - oldest_ms > within_ms);
        if (!again)
            break;
        int64_t pause_ms = scene_draw (3) ? within_ms / most + (int64_t) scene_draw (3) : (int64_t) scene_draw (1000);
        scene_pass (pause_ms);
        now_ms += pause_ms;
    }
    (void) scene;
    end_child (&child);
}

Test (supervisor_time, restarts_are_counted_for_as_long_as_it_is_said_and_not_a_moment_longer)
{
    scene_run (&setup, play_limit);
}

/* One that fails in its start again and again: the n-th restart comes after twice the time of that before. */
static void
play_delay (scene_t *scene)
{
    const zanni_supervisor_t what = {
        .max_restarts = 1000, .within_ms = 100000000, .delay_ms = 1 + scene_draw (100),
        .delay_max_ms = 1 + scene_draw (5000), .jitter = scene_draw (3) ? scene_draw (101) : 0
    };
    int64_t most_ms = what.delay_max_ms > what.delay_ms ? what.delay_max_ms : what.delay_ms;
    zanni_ref_t *child = begin_child (what);
    (void) scene;
    for (int round = 0; round < 2; round++) {
        int64_t before_ns = scene_now_ns (), due_ms = what.delay_ms;
        int first = starts;
        failing = 10;
        check_eq (zanni_tell (scene_now->self, child, "end"), 0);
        scene_pass (12 * most_ms);
        check_eq (starts - first, 11);
        for (int i = first; i < starts; i++) {
            int64_t took_ns = started_ns [i % 64] - before_ns;
            before_ns = started_ns [i % 64];
            check (took_ns <= due_ms * MS);
            shortened += took_ns < due_ms * MS;
            check (took_ns >= due_ms * (100 - what.jitter) / 100 * MS);
            due_ms = due_ms * 2 < most_ms ? due_ms * 2 : most_ms;
        }
        scene_pass (most_ms);   // it lives for so long: then all is as in the beginning
    }
    end_child (&child);
}

Test (supervisor_time, a_delay_doubles_up_to_its_most_until_the_child_lives_for_that_long)
{
    scene_run (&setup, play_delay);
    cr_assert (shortened || getenv ("ZANNI_SEED"), "there is no jitter");
}

static void
restart_often (const zanni_ref_t *child, int times)
{
    while (times--)
        check (begins_again (child));
}

static void
add_and_remove (const zanni_ref_t *dynamic, int times)
{
    while (times--) {
        ZANNI_AUTO (zanni_msg_t) added = NULL;
        ZANNI_AUTO (zanni_msg_t) removed = NULL;
        check_eq (zanni_call (scene_now->self, &added, dynamic, "add", "", zanni_arg_list (NULL, 0)), 0);
        check_eq (zanni_call (scene_now->self, &removed, dynamic, "remove", "child"), ZANNI_ENOACTOR);
        const zanni_ref_t *child;
        check_eq (zanni_read (added, &child), 0);
        check_eq (zanni_stop (scene_now->self, child), 0);
        scene_settle ();
    }
}

/* The first of them fill free lists. */
static void
play_many (scene_t *scene)
{
    const zanni_supervisor_t what = { .max_restarts = 60000, .within_ms = 1000000 };
    zanni_ref_t *child = begin_child (what);
    restart_often (child, 100);
    long held = faults_held ();
    restart_often (child, 20000);
    check_eq (faults_held (), held);
    end_child (&child);

    const zanni_child_t children [] = {
        { .name = "child", .class_name = "child", .restarts = ZANNI_TEMPORARY }, ZANNI_CHILD_END
    };
    const zanni_supervisor_t dynamic = { .strategy = ZANNI_DYNAMIC, .children = children };
    check_eq (zanni_supervise (scene->self, &supervisor, &dynamic, NULL), 0);
    add_and_remove (supervisor, 2000);
    held = faults_held ();
    add_and_remove (supervisor, 2000);
    check_eq (faults_held (), held);
    zanni_ref_destroy (&supervisor);
    scene_settle ();
}

Test (supervisor_time, very_many_restarts_and_children_leave_nothing_behind)
{
    (void) scene_run_seed (&setup, play_many, 1);
}
