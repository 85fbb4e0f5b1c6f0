/* Timers: once, repeated, cancelled, many; at the very nanosecond of virtual time. */

#include "scene.h"

#include <stdlib.h>

#define TIMERS_MAX 600

/* What a tick carries is the number of its timer here. */
typedef struct {
    int64_t due_ns;          // when the next tick is to come
    int64_t every_ns;
    uint64_t id;
    int ticks;
    bool ended;              // no tick may come any more
} plan_t;

static plan_t plans [TIMERS_MAX];
static int plans_count;
static int64_t last_due_ns;
static int64_t slow_ns;      // what a slow tick takes

static int
timed_set (zanni_t *self, zanni_msg_t *msg)
{
    int64_t after_ms, every_ms;
    int rc = zanni_read (msg, &after_ms, &every_ms);
    if (rc)
        return rc;
    int number = plans_count++;
    plan_t *plan = &plans [number];
    *plan = (plan_t) { .due_ns = zanni_now_ns (self) + after_ms * MS, .every_ns = every_ms * MS };
    rc = zanni_timer (self, &plan->id, after_ms, every_ms, "tick", number);
    return rc;
}

static int
timed_tick (zanni_t *self, zanni_msg_t *msg)
{
    int number;
    check_eq (zanni_read (msg, &number), 0);
    plan_t *plan = &plans [number];
    int64_t now_ns = zanni_now_ns (self);
    check (!plan->ended);
    check_eq (now_ns, plan->due_ns);
    check (plan->due_ns >= last_due_ns);
    last_due_ns = plan->due_ns;
    plan->ticks++;
    plan->due_ns += plan->every_ns;
    plan->ended = !plan->every_ns;
    return 0;
}

static int
timed_slow (zanni_t *self, zanni_msg_t *msg)
{
    int number;
    (void) self;
    check_eq (zanni_read (msg, &number), 0);
    check (!plans [number].ended);
    plans [number].ticks++;
    zanni_sim_spend (scene_now->world, slow_ns);
    return 0;
}

static int
timed_set_slow (zanni_t *self, zanni_msg_t *msg)
{
    int64_t every_ms;
    int rc = zanni_read (msg, &every_ms);
    plans_count = 1;
    plans [0] = (plan_t) { .every_ns = every_ms * MS };
    return rc ? rc : zanni_timer (self, &plans [0].id, every_ms, every_ms, "slow", 0);
}

static int
timed_cancel (zanni_t *self, zanni_msg_t *msg)
{
    int number;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    plans [number].ended = true;
    return zanni_timer_cancel (self, plans [number].id);
}

static int
timed_noop (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 0;
}

static const zanni_method_t timed_methods [] = {
    ZANNI_METHOD ("set", "xx", "", timed_set, "Sets a timer: after, every."),
    ZANNI_METHOD ("set_slow", "x", "", timed_set_slow, "Sets timer 0 with slow ticks."),
    ZANNI_METHOD ("cancel", "i", "", timed_cancel, "Cancels one."),
    ZANNI_METHOD ("noop", "", "", timed_noop, "Nothing."),
    ZANNI_PRIVATE ("tick", "i", "", timed_tick, "A timer is due."),
    ZANNI_PRIVATE ("slow", "i", "", timed_slow, "A timer is due, and takes its time."),
    ZANNI_METHOD_END
};
static const zanni_class_t timed_class = { .name = "timed", .methods = timed_methods };
static const zanni_class_t *const classes [] = { &timed_class, NULL };
static const scene_setup_t setup = { .classes = classes };

static zanni_ref_t *
begin (void)
{
    plans_count = 0;
    last_due_ns = 0;
    return scene_spawn ("timed", scene_draw (5));
}

static void
play_once (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) timed = begin ();
    for (int i = 0; i < 20; i++)
        check_eq (zanni_tell (scene->self, timed, "set", scene_draw (50), 0), 0);
    scene_settle ();
    scene_pass (49);
    for (int i = 0; i < 20; i++)
        check_eq (plans [i].ticks, 1);
    scene_pass (1000);
    for (int i = 0; i < 20; i++)
        check_eq (plans [i].ticks, 1);
}

Test (timer, comes_once_at_its_time)
{
    scene_run (&setup, play_once);
}

static void
play_many (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) timed = begin ();
    for (int i = 0; i < TIMERS_MAX; i++)
        check_eq (zanni_tell (scene->self, timed, "set", scene_draw (100000), 0), 0);
    scene_settle ();
    for (int i = 0; i < TIMERS_MAX; i += 1 + (int) scene_draw (4))
        check_eq (zanni_tell (scene->self, timed, "cancel", i), 0);
    scene_settle ();
    scene_pass (100000);
    for (int i = 0; i < TIMERS_MAX; i++)
        check (plans [i].ended);   // by its tick, which was checked, or cancelled
}

Test (timer, many_come_in_order)
{
    const scene_setup_t fewer = { .classes = classes, .seeds = 50 };
    scene_run (&fewer, play_many);
}

static void
play_repeated (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) timed = begin ();
    uint32_t after [10], every [10];
    for (int i = 0; i < 10; i++) {
        after [i] = scene_draw (100);
        every [i] = 1 + scene_draw (30);
        check_eq (zanni_tell (scene->self, timed, "set", after [i], every [i]), 0);
    }
    scene_settle ();
    scene_pass (1000);
    for (int i = 0; i < 10; i++) {
        check_eq (plans [i].ticks, 1 + (1000 - after [i]) / every [i]);
        check_eq (zanni_tell (scene->self, timed, "cancel", i), 0);
    }
    scene_settle ();
    scene_pass (1000);   // each tick checks that its timer has not ended
}

Test (timer, repeated_comes_at_each_multiple)
{
    scene_run (&setup, play_repeated);
}

static void
play_slow (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) timed = begin ();
    int64_t every_ms = 1 + scene_draw (20);
    slow_ns = (1 + scene_draw (100)) * MS + scene_draw ((uint32_t) MS);
    check_eq (zanni_tell (scene->self, timed, "set_slow", every_ms), 0);
    scene_settle ();
    int64_t began_ns = scene_now_ns ();
    check_eq (zanni_run (scene->self, 2000), 0);
    int64_t passed_ns = scene_now_ns () - began_ns;
    int64_t period_ns = slow_ns > every_ms * MS ? slow_ns : every_ms * MS;
    /* One runs while the next waits: it falls behind its interval, but not by more than one tick. */
    check (plans [0].ticks <= passed_ns / period_ns + 1);
    check (plans [0].ticks >= passed_ns / (period_ns + every_ms * MS) - 1);
    check_eq (zanni_tell (scene->self, timed, "cancel", 0), 0);
    check_eq (zanni_run (scene->self, 10000), 0);
    check (plans [0].ended);   // no tick comes any more
}

Test (timer, at_most_one_tick_waits)
{
    scene_run (&setup, play_slow);
}

/* The tick already waits behind some hundred messages when one of them cancels its timer. */
static void
play_cancel (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) timed = begin ();
    int at = (int) scene_draw (600);
    check_eq (zanni_tell (scene->self, timed, "set", 0, scene_draw (2)), 0);
    for (int i = 0; i < 600; i++)
        check_eq (i == at ? zanni_tell (scene->self, timed, "cancel", 0) : zanni_tell (scene->self, timed, "noop"), 0);
    scene_settle ();
    check (plans [0].ended);
    scene_pass (10);
    check (plans [0].ticks <= 1);
}

Test (timer, cancelled_while_its_tick_waits)
{
    scene_run (&setup, play_cancel);
}

static int
busy_work (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    zanni_sim_spend (scene_now->world, MS);
    return 0;
}

static const zanni_method_t busy_methods [] = {
    ZANNI_METHOD ("work", "", "", busy_work, "Takes a millisecond."),
    ZANNI_METHOD_END
};
static const zanni_class_t busy_class = { .name = "busy", .methods = busy_methods };

static int late_ticks;
static int64_t latest_ns;

static int
watch_tick (zanni_t *self, zanni_msg_t *msg)
{
    int64_t due_ns;
    check_eq (zanni_read (msg, &due_ns), 0);
    int64_t late_ns = zanni_now_ns (self) - due_ns;
    latest_ns = late_ns > latest_ns ? late_ns : latest_ns;
    late_ticks++;
    return 0;
}

static int
watch_set (zanni_t *self, zanni_msg_t *msg)
{
    int64_t after_ms;
    uint64_t timer;
    check_eq (zanni_read (msg, &after_ms), 0);
    return zanni_timer (self, &timer, after_ms, 0, "tick", zanni_now_ns (self) + after_ms * MS);
}

static const zanni_method_t watch_methods [] = {
    ZANNI_METHOD ("set", "x", "", watch_set, "Sets a timer."),
    ZANNI_PRIVATE ("tick", "x", "", watch_tick, "How late it is."),
    ZANNI_METHOD_END
};
static const zanni_class_t watch_class = { .name = "watch", .methods = watch_methods };
static const zanni_class_t *const busy_classes [] = { &busy_class, &watch_class, NULL };

/* Ten neighbours with some thousand messages of a millisecond each, and a timer every now and then. */
static void
play_neighbours (scene_t *scene)
{
    zanni_ref_t *busy [10];
    ZANNI_AUTO (zanni_ref_t) watch = scene_spawn ("watch", 1);
    late_ticks = 0;
    latest_ns = 0;
    for (int i = 0; i < 10; i++)
        busy [i] = scene_spawn ("busy", 1);
    for (int i = 0; i < 20; i++)
        check_eq (zanni_tell (scene->self, watch, "set", 500 + (int64_t) scene_draw (1500)), 0);
    scene_settle ();
    for (int i = 0; i < 3000; i++)
        check_eq (zanni_tell (scene->self, busy [scene_draw (10)], "work"), 0);
    scene_pass (10000);
    check_eq (late_ticks, 20);
    check (latest_ns <= 30 * MS);   // each neighbour's turn and a few looks
    for (int i = 0; i < 10; i++)
        zanni_ref_destroy (&busy [i]);
}

Test (timer, is_not_held_up_by_slow_neighbours)
{
    scene_run (&(scene_setup_t) { .classes = busy_classes, .seeds = 20 }, play_neighbours);
}

static void
play_root (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) timed = begin ();
    ZANNI_AUTO (zanni_msg_t) first = NULL;
    zanni_msg_t *msg = NULL;
    uint64_t early, late;
    int number;
    int64_t began_ns = scene_now_ns ();
    check_eq (zanni_timer (scene->self, &early, 3, 5, "early", 1), 0);
    check_eq (zanni_timer (scene->self, &late, 7, 0, "late", 2), 0);
    check_eq (zanni_receive (scene->self, &first, -1), 0);
    check_eq (scene_now_ns () - began_ns, 3 * MS);
    check (!strcmp (zanni_msg_method (first), "early"));
    check_eq (zanni_read (first, &number), 0);
    check_eq (number, 1);
    check_eq (zanni_run (scene->self, 10), 0);   // both have come and wait to be received
    check_eq (zanni_timer_cancel (scene->self, late), 0);
    check_eq (zanni_timer_cancel (scene->self, early), 0);
    check_eq (zanni_timer_cancel (scene->self, early), 0);
    check_eq (zanni_receive (scene->self, &msg, 100), ZANNI_ETIMEOUT);
    check_eq (scene_now_ns () - began_ns, 113 * MS);
}

Test (timer, of_a_root_that_receives)
{
    scene_run (&setup, play_root);
}

static void
play_end (scene_t *scene)
{
    zanni_ref_t *timed = begin ();
    for (int i = 0; i < 10; i++)
        check_eq (zanni_tell (scene->self, timed, "set", scene_draw (20), scene_draw (2)), 0);
    scene_settle ();
    check_eq (zanni_run (scene->self, scene_draw (10)), 0);
    check_eq (scene_draw (2) ? zanni_stop (scene->self, timed) : zanni_kill (scene->self, timed), 0);
    scene_settle ();
    for (int i = 0; i < 10; i++)
        plans [i].ended = true;
    scene_pass (100);
    zanni_ref_destroy (&timed);
}

Test (timer, ends_with_its_actor)
{
    scene_run (&setup, play_end);
}
