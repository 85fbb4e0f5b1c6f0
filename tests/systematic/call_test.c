/* Blocking: while an owner waits in call or receive its worker goes on, every other actor of it included, but none of its
   own handlers and callbacks; what comes for it meanwhile is there afterwards, in order. */

#include "scene.h"

static bool blocked;          // the root is
static int own;               // what the root's own handlers and callbacks saw
static int ticks;
static int64_t next_tick_ns;
static int called;

/* Ticks on the root's worker. */
static int
clock_go (zanni_t *self, zanni_msg_t *msg)
{
    uint64_t timer;
    (void) msg;
    next_tick_ns = zanni_now_ns (self) + 7 * MS;
    return zanni_timer (self, &timer, 7, 7, "tick");
}

static int
clock_tick (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    check_eq (zanni_now_ns (self), next_tick_ns);
    next_tick_ns += 7 * MS;
    ticks++;
    return 0;
}

static const zanni_method_t clock_methods [] = {
    ZANNI_METHOD ("go", "", "", clock_go, "Begins to tick."),
    ZANNI_PRIVATE ("tick", "", "", clock_tick, "Ticks."),
    ZANNI_METHOD_END
};
static const zanni_class_t clock_class = { .name = "clock", .methods = clock_methods };

/* Answers after so many milliseconds; -1: never. */
typedef struct {
    zanni_promise_t *promises [16];
    int count;
} late_t;

static int
late_ask (zanni_t *self, zanni_msg_t *msg)
{
    late_t *late = zanni_state (self);
    uint64_t timer;
    int64_t after_ms;
    check_eq (zanni_read (msg, &after_ms), 0);
    if (after_ms == 0)
        return zanni_reply (self, msg, 0);
    check_eq (zanni_promise_new (self, &late->promises [late->count++], msg), 0);
    return after_ms > 0 ? zanni_timer (self, &timer, after_ms, 0, "answer", late->count - 1) : 0;
}

static int
late_answer (zanni_t *self, zanni_msg_t *msg)
{
    late_t *late = zanni_state (self);
    int at;
    check_eq (zanni_read (msg, &at), 0);
    return zanni_promise_reply (self, &late->promises [at], at);
}

static const zanni_method_t late_methods [] = {
    ZANNI_METHOD ("ask", "x", "i", late_ask, "Answers later."),
    ZANNI_PRIVATE ("answer", "i", "", late_answer, "It is later."),
    ZANNI_METHOD_END
};
static const zanni_class_t late_class = { .name = "late", .state_size = sizeof (late_t), .methods = late_methods };

/* The root itself, with a class. */
static int
host_note (zanni_t *self, zanni_msg_t *msg)
{
    int number;
    (void) self;
    check (!blocked);
    check_eq (zanni_read (msg, &number), 0);
    check_eq (number, own + 1);
    own = number;
    return 0;
}

static const zanni_method_t host_methods [] = {
    ZANNI_METHOD ("note", "i", "", host_note, "Counts, in order."),
    ZANNI_METHOD_END
};
static const zanni_class_t host_class = { .name = "host", .methods = host_methods };

/* Sends notes to whoever asks for them. */
static int
noter_go (zanni_t *self, zanni_msg_t *msg)
{
    int from, count;
    check_eq (zanni_read (msg, &from, &count), 0);
    for (int i = 1; i <= count; i++)
        check_eq (zanni_tell (self, zanni_msg_from (msg), "note", from + i), 0);
    return 0;
}

static const zanni_method_t noter_methods [] = {
    ZANNI_METHOD ("go", "ii", "", noter_go, "Sends notes to its sender."),
    ZANNI_METHOD_END
};
static const zanni_class_t noter_class = { .name = "noter", .methods = noter_methods };

/* A THREAD actor that calls. */
typedef struct {
    zanni_ref_t *late;
} caller_t;

static int
caller_late (zanni_t *self, zanni_msg_t *msg)
{
    caller_t *caller = zanni_state (self);
    const zanni_ref_t *ref;
    check_eq (zanni_read (msg, &ref), 0);
    return zanni_ref_keep (self, &caller->late, ref);
}

static int
caller_call (zanni_t *self, zanni_msg_t *msg)
{
    const caller_t *caller = zanni_state (self);
    int64_t after_ms, deadline_ms;
    check_eq (zanni_read (msg, &after_ms, &deadline_ms), 0);
    int64_t began_ns = zanni_now_ns (self);
    zanni_ask_t options = { .deadline_ms = deadline_ms };
    int rc = zanni_call_with (self, NULL, caller->late, &options, "ask", after_ms);
    check_eq (rc, after_ms < deadline_ms ? 0 : ZANNI_ETIMEOUT);
    check (zanni_now_ns (self) - began_ns >= (after_ms < deadline_ms ? after_ms : deadline_ms) * MS);
    called++;
    return 0;
}

static const zanni_method_t caller_methods [] = {
    ZANNI_METHOD ("late", "r", "", caller_late, "Whom to call."),
    ZANNI_METHOD ("call", "xx", "", caller_call, "Calls it."),
    ZANNI_METHOD_END
};
static const zanni_class_t caller_class = {
    .name = "caller", .state_size = sizeof (caller_t), .methods = caller_methods
};

static const zanni_class_t *const classes [] = {
    &clock_class, &late_class, &host_class, &noter_class, &caller_class, NULL
};
static const scene_setup_t setup = { .classes = classes };

static void
on_own (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    (void) self;
    (void) reply;
    check (!blocked);
    (*(int *) arg)++;
}

static void
play_goes_on (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) late = scene_spawn ("late", scene_draw (5));
    ZANNI_AUTO (zanni_ref_t) clock = scene_spawn ("clock", 0);
    ZANNI_AUTO (zanni_ref_t) noter = scene_spawn ("noter", scene_draw (5));
    int answers = 0;
    int64_t after_ms = scene_draw (200);
    zanni_ask_t own_ask = { .then = on_own, .arg = &answers };
    check_eq (zanni_serve (scene->self, "host"), 0);
    own = ticks = 0;
    check_eq (zanni_tell (scene->self, clock, "go"), 0);
    scene_settle ();
    int64_t began_ns = scene_now_ns ();
    check_eq (zanni_tell (scene->self, noter, "go", 0, 20), 0);
    check_eq (zanni_ask (scene->self, late, &own_ask, "ask", (int64_t) 0), 0);
    blocked = true;
    check_eq (zanni_call (scene->self, NULL, late, "ask", after_ms), 0);
    blocked = false;
    check_eq (scene_now_ns () - began_ns, after_ms * MS);
    check_eq (own, 0);
    check_eq (answers, 0);
    check (ticks >= (after_ms - 1) / 7 && ticks <= after_ms / 7);   // the last one may come with the answer
    scene_settle ();
    check_eq (own, 20);
    check_eq (answers, 1);
}

Test (call, the_worker_goes_on_but_its_owner_does_not)
{
    scene_run (&setup, play_goes_on);
}

/* In order: what zanni_receive passes over stays in its place. */
static void
play_receive (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) noter = scene_spawn ("noter", scene_draw (5));
    ZANNI_AUTO (zanni_ref_t) late = scene_spawn ("late", scene_draw (5));
    int count = 0;
    for (int i = 0; i < 5; i++) {
        check_eq (zanni_tell (scene->self, noter, "go", i * 10, 10), 0);
        if (scene_draw (2))
            check_eq (zanni_call (scene->self, NULL, late, "ask", (int64_t) scene_draw (10)), 0);
        if (scene_draw (2))
            scene_pass (1);
    }
    while (count < 50) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        int number;
        check_eq (zanni_receive (scene->self, &msg, 1000), 0);
        check_eq (zanni_read (msg, &number), 0);
        check_eq (number, ++count);
    }
}

Test (call, what_comes_meanwhile_is_received_in_order)
{
    scene_run (&setup, play_receive);
}

static void
play_threads (scene_t *scene)
{
    zanni_ref_t *late [3];
    zanni_ref_t *callers [3];
    int calls = 0;
    called = 0;
    for (int i = 0; i < 3; i++) {
        zanni_spawn_t options = { .place = ZANNI_THREAD };
        late [i] = scene_spawn ("late", 1 + scene_draw (4));
        check_eq (zanni_spawn (scene->self, &callers [i], "caller", &options), 0);
        check_eq (zanni_tell (scene->self, callers [i], "late", late [i]), 0);
    }
    for (int i = 0; i < 12; i++, calls++) {
        int64_t after_ms = scene_draw (30);
        int64_t deadline_ms = after_ms + (scene_draw (2) ? 100 : 0);
        check_eq (zanni_tell (scene->self, callers [scene_draw (3)], "call", after_ms, deadline_ms + 1), 0);
        if (scene_draw (3) == 0)
            check_eq (zanni_run (scene->self, scene_draw (30)), 0);
    }
    scene_pass (10000);
    check_eq (called, calls);
    for (int i = 0; i < 3; i++) {
        zanni_ref_destroy (&callers [i]);
        zanni_ref_destroy (&late [i]);
    }
}

Test (call, by_thread_actors)
{
    scene_run (&setup, play_threads);
}

/* Told to stop while it waits: the wait ends. */
static int
sleeper_sleep (zanni_t *self, zanni_msg_t *msg)
{
    zanni_msg_t *other = NULL;
    (void) msg;
    int64_t began_ns = zanni_now_ns (self);
    check_eq (zanni_receive (self, &other, 60000), ZANNI_ECLOSED);
    check (zanni_now_ns (self) - began_ns < 1000 * MS);
    check_eq (zanni_call (self, NULL, zanni_msg_from (msg), "note"), ZANNI_ECLOSED);
    called++;
    return 0;
}

static const zanni_method_t sleeper_methods [] = {
    ZANNI_METHOD ("sleep", "", "", sleeper_sleep, "Waits for what never comes."),
    ZANNI_METHOD_END
};
static const zanni_class_t sleeper_class = { .name = "sleeper", .methods = sleeper_methods };

/* Stops another after a while. */
static int
alarm_set (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    uint64_t timer;
    int64_t after_ms;
    check_eq (zanni_read (msg, &ref, &after_ms), 0);
    return zanni_timer (self, &timer, after_ms, 0, "ring", ref);
}

static int
alarm_ring (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    check_eq (zanni_read (msg, &ref), 0);
    return scene_draw (2) ? zanni_stop (self, ref) : zanni_kill (self, ref);
}

static const zanni_method_t alarm_methods [] = {
    ZANNI_METHOD ("set", "rx", "", alarm_set, "Whom to end, and when."),
    ZANNI_PRIVATE ("ring", "r", "", alarm_ring, "Now."),
    ZANNI_METHOD_END
};
static const zanni_class_t alarm_class = { .name = "alarm", .methods = alarm_methods };
static const zanni_class_t *const sleeper_classes [] = { &sleeper_class, &alarm_class, NULL };

static void
play_stopped (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) sleeper = NULL;
    ZANNI_AUTO (zanni_ref_t) alarm = scene_spawn ("alarm", 1 + scene_draw (4));
    zanni_spawn_t options = { .place = ZANNI_THREAD };
    called = 0;
    check_eq (zanni_spawn (scene->self, &sleeper, "sleeper", &options), 0);
    check_eq (zanni_tell (scene->self, alarm, "set", sleeper, (int64_t) scene_draw (500)), 0);
    check_eq (zanni_tell (scene->self, sleeper, "sleep"), 0);
    scene_pass (1000);
    check (called <= 1);   // the alarm may have come first
    check_eq (scene_stats ().actors, 2);
}

Test (call, ends_when_its_actor_is_told_to_stop)
{
    scene_run (&(scene_setup_t) { .classes = sleeper_classes }, play_stopped);
}

/* One of a ring, who calls the next one whenever it is called. */
typedef struct {
    zanni_ref_t *next;
} member_t;

static int
member_know (zanni_t *self, zanni_msg_t *msg)
{
    member_t *member = zanni_state (self);
    const zanni_ref_t *next;
    check_eq (zanni_read (msg, &next), 0);
    return zanni_ref_weak (self, &member->next, next);
}

static int
member_run (zanni_t *self, zanni_msg_t *msg)
{
    const member_t *member = zanni_state (self);
    zanni_error_t error = { 0 };
    const zanni_ask_t options = { .error = &error, .deadline_ms = -1 };
    int rc = zanni_call_with (self, NULL, member->next, &options, "run");
    check (rc == ZANNI_EDEADLOCK || rc == ZANNI_ECLOSED);   // it is found in the middle, and what is behind that goes on
    rc = zanni_pass (self, msg, &error);
    zanni_error_reset (&error);
    return rc;
}

static const zanni_method_t member_methods [] = {
    ZANNI_METHOD ("know", "r", "", member_know, "Who is the next."),
    ZANNI_METHOD ("run", "", "", member_run, "Calls run of that."),
    ZANNI_METHOD_END
};
static const zanni_class_t member_class = {
    .name = "member", .state_size = sizeof (member_t), .methods = member_methods
};
static const zanni_class_t *const member_classes [] = { &member_class, NULL };

/* Who closes it is told of the sixteen before him, and the first is not among them: a probe finds it. */
#define RING 18

static void
play_ring (scene_t *scene)
{
    zanni_ref_t *ring [RING] = { NULL };
    const zanni_spawn_t thread = { .place = ZANNI_THREAD };
    const zanni_ask_t options = { .deadline_ms = -1 };
    for (int i = 0; i < RING; i++)
        check_eq (zanni_spawn (scene->self, &ring [i], "member", &thread), 0);
    for (int i = 0; i < RING; i++)
        check_eq (zanni_tell (scene->self, ring [i], "know", ring [(i + 1) % RING]), 0);
    scene_pass (10);
    int64_t begun_ns = scene_now_ns ();
    check_eq (zanni_call_with (scene->self, NULL, ring [0], &options, "run"), ZANNI_EDEADLOCK);
    check (scene_now_ns () - begun_ns > 100 * MS);
    check (scene_now_ns () - begun_ns < 1000 * MS);
    for (int i = 0; i < RING; i++)
        zanni_ref_destroy (&ring [i]);
}

/* Each step is another thread's, which takes its time on a machine that is busy. */
Test (call, in_a_ring_is_found_within_a_second)
{
    scene_run (&(scene_setup_t) { .classes = member_classes, .world = { .latency_ns = MS }, .seeds = 2 }, play_ring);
}
