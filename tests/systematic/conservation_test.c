/* Nothing vanishes: every tell that was accepted is handled once or is a dead letter, every ask is handled at most once
   and ends once. Citizens on all workers tell, ask, forward, watch, spawn, drop and end by chance; the root meddles; what
   is bounded overflows; posts are refused, batches lost, allocations fail. */

#include "scene.h"

#define CITIZENS 10
#define ASKS 2000

static uint64_t sent;            // tells that were accepted
static uint64_t handled;         // tells that a handler has seen and not forwarded
static int wanderers;            // spawned by citizens, alive

typedef struct {
    int ends;
    int handled;
    int code;
    bool of_root;
} ask_t;

static ask_t asks [ASKS];
static int asks_count;
static bool tight;               // memory or ports fail: what may fail for that may

static bool
accepted (int rc)
{
    check (rc == 0 || rc == ZANNI_EFULL || rc == ZANNI_ENOACTOR || (tight && rc == ZANNI_ENOMEM));
    return !rc;
}

typedef struct {
    zanni_ref_t *known [CITIZENS];
    zanni_ref_t *child;
    zanni_promise_t *promise;
    uint64_t asked;              // the ask that may be cancelled
} citizen_t;

static const zanni_ref_t *
somebody (const citizen_t *citizen)
{
    const zanni_ref_t *known = citizen->known [scene_draw (CITIZENS)];
    return citizen->child && scene_draw (4) == 0 ? citizen->child : known;
}

static void
on_end (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    ask_t *ask = arg;
    zanni_error_t error = { 0 };
    (void) self;
    check_eq (++ask->ends, 1);
    ask->code = zanni_msg_error (reply, &error) ? 0 : error.code;
    if (!ask->code)
        check_eq (ask->handled, 1);
}

static void
ask_somebody (zanni_t *self, citizen_t *citizen, const zanni_ref_t *to, int hops)
{
    if (asks_count == ASKS)
        return;
    int number = asks_count;
    zanni_ask_t options = {
        .then = on_end, .arg = &asks [number], .deadline_ms = (int64_t) scene_draw (30) - 1, .id_p = &citizen->asked
    };
    asks [number] = (ask_t) { .code = 1 };
    if (accepted (zanni_ask (self, to, &options, "question", number, hops)))
        asks_count++;
}

static void
tell_somebody (zanni_t *self, const citizen_t *citizen, const zanni_ref_t *to, int hops)
{
    const zanni_ref_t *all [3] = { to, somebody (citizen), somebody (citizen) };
    int results [3];
    int rc;
    switch (scene_draw (8)) {
    case 0:
        sent += accepted (zanni_tell (self, to, "no such method", 1));
        break;
    case 1:
        sent += accepted (zanni_tell (self, to, "act", "not a number"));
        break;
    case 2:
        rc = all [1] && all [2] ? zanni_send_all (self, all, 3, results, "act", hops) : 0;
        check (rc >= 0 || (tight && rc == ZANNI_ENOMEM));
        sent += rc > 0 ? (uint64_t) rc : 0;
        break;
    case 3:
        sent += accepted (zanni_tell (self, to, "know", all [1] ? all [1] : zanni_self (self)));
        break;
    default:
        sent += accepted (zanni_tell (self, to, "act", hops));
    }
}

static void
spawn_child (zanni_t *self, citizen_t *citizen)
{
    uint32_t where = scene_draw (7);
    zanni_spawn_t options = {
        .place = where == 0 ? ZANNI_HERE : where == 1 ? ZANNI_THREAD : ZANNI_SHARED,
        .worker = where > 2 ? where - 2 : 0, .mailbox_messages = 1 + scene_draw (20)
    };
    zanni_ref_destroy (&citizen->child);
    int rc = zanni_spawn (self, &citizen->child, "citizen", &options);
    if (rc && !tight)
        check (rc == ZANNI_ECLOSED || rc == ZANNI_ENOACTOR);   // told to stop while it waited; the node ends
}

static void
act (zanni_t *self, int hops)
{
    citizen_t *citizen = zanni_state (self);
    uint64_t id;
    for (uint32_t n = scene_draw (4); hops > 0 && n > 0; n--) {
        const zanni_ref_t *to = somebody (citizen);
        if (!to)
            continue;
        switch (scene_draw (16)) {
        case 0:
            (void) !zanni_when_writable (self, to, "writable");
            break;
        case 1:
            (void) !zanni_monitor (self, &id, to);
            break;
        case 2:
            (void) !zanni_timer (self, &id, scene_draw (5), 0, "tick", hops - 1);
            break;
        case 3:
            spawn_child (self, citizen);
            break;
        case 4:
            (void) !zanni_cancel (self, citizen->asked);
            break;
        case 5:
        case 6:
        case 7:
        case 8:
            ask_somebody (self, citizen, to, hops - 1);
            break;
        default:
            tell_somebody (self, citizen, to, hops - 1);
        }
    }
}

static int
citizen_act (zanni_t *self, zanni_msg_t *msg)
{
    citizen_t *citizen = zanni_state (self);
    int hops;
    check_eq (zanni_read (msg, &hops), 0);
    const zanni_ref_t *other = somebody (citizen);
    if (scene_draw (6) == 0 && other && zanni_forward (self, msg, other, NULL) == 0)
        return 0;
    handled++;
    act (self, hops);
    if (scene_draw (40) == 0)
        return zanni_exit (self);
    return scene_draw (20) ? 0 : ZANNI_EPERM;
}

static int
citizen_tick (zanni_t *self, zanni_msg_t *msg)
{
    int hops;
    check_eq (zanni_read (msg, &hops), 0);
    act (self, hops);
    return 0;
}

static int
citizen_know (zanni_t *self, zanni_msg_t *msg)
{
    citizen_t *citizen = zanni_state (self);
    const zanni_ref_t *ref;
    uint32_t at = scene_draw (CITIZENS);
    check_eq (zanni_read (msg, &ref), 0);
    handled++;
    zanni_ref_destroy (&citizen->known [at]);
    (void) !(scene_draw (3) ? zanni_ref_weak (self, &citizen->known [at], ref)
                            : zanni_ref_keep (self, &citizen->known [at], ref));
    return 0;
}

static int
citizen_question (zanni_t *self, zanni_msg_t *msg)
{
    citizen_t *citizen = zanni_state (self);
    int number, hops;
    check_eq (zanni_read (msg, &number, &hops), 0);
    const zanni_ref_t *other = somebody (citizen);
    if (scene_draw (5) == 0 && other && zanni_forward (self, msg, other, NULL) == 0)
        return 0;
    check_eq (++asks [number].handled, 1);
    act (self, hops);
    if (scene_draw (4))
        return zanni_reply (self, msg, number);
    if (scene_draw (40) == 0)
        return zanni_exit (self);
    if (scene_draw (2))
        return 0;
    zanni_promise_destroy (&citizen->promise);
    return zanni_promise_new (self, &citizen->promise, msg);
}

static int
citizen_writable (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 0;
}

static int
citizen_start (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    wanderers++;
    return 0;
}

static const zanni_method_t citizen_methods [] = {
    ZANNI_METHOD ("act", "i", "", citizen_act, "Does things."),
    ZANNI_METHOD ("know", "r", "", citizen_know, "Remembers somebody."),
    ZANNI_METHOD ("question", "ii", "i", citizen_question, "Answers, mostly."),
    ZANNI_PRIVATE ("tick", "i", "", citizen_tick, "Does things later."),
    ZANNI_PRIVATE ("writable", "", "", citizen_writable, "There is room."),
    ZANNI_METHOD_END
};
static const zanni_class_t citizen_class = {
    .name = "citizen", .state_size = sizeof (citizen_t), .methods = citizen_methods, .start = citizen_start
};
static const zanni_class_t *const classes [] = { &citizen_class, NULL };

static zanni_ref_t *citizens [CITIZENS];

static void
spawn_all (scene_t *scene)
{
    for (uint32_t i = 0; i < CITIZENS; i++) {
        uint32_t where = scene_draw (6);
        zanni_spawn_t options = {
            .place = where == 0 ? ZANNI_HERE : where == 1 ? ZANNI_THREAD : ZANNI_SHARED,
            .worker = where > 1 ? where - 1 : 0, .restartable = scene_draw (2),
            .overflow = (zanni_overflow_t) scene_draw (3), .mailbox_messages = 1 + scene_draw (50)
        };
        citizens [i] = NULL;
        int rc = zanni_spawn (scene->self, &citizens [i], "citizen", &options);
        check (rc == 0 || tight);
    }
    for (int i = 0; i < CITIZENS * 4; i++) {
        const zanni_ref_t *one = citizens [scene_draw (CITIZENS)];
        const zanni_ref_t *other = scene_draw (8) ? citizens [scene_draw (CITIZENS)] : zanni_self (scene->self);
        if (one && other)
            sent += accepted (zanni_tell (scene->self, one, "know", other));
        if (scene_draw (4) == 0)
            scene_settle ();
    }
}

static void
meddle (scene_t *scene)
{
    zanni_ref_t *ref = citizens [scene_draw (CITIZENS)];
    zanni_msg_t *msg = NULL;
    if (!ref)
        return;
    switch (scene_draw (20)) {
    case 0:
        accepted (zanni_stop (scene->self, ref));
        break;
    case 1:
        accepted (zanni_kill (scene->self, ref));
        break;
    case 2:
        accepted (zanni_restart (scene->self, ref));
        break;
    case 3:
        check_eq (zanni_run (scene->self, scene_draw (20)), 0);
        break;
    case 4:
        if (zanni_receive (scene->self, &msg, scene_draw (3)) == 0) {
            handled += zanni_msg_kind (msg) == ZANNI_MSG_TELL;
            zanni_msg_destroy (&msg);
        }
        break;
    default:
        sent += accepted (zanni_tell (scene->self, ref, "act", (int) scene_draw (6)));
    }
}

static void
reset (void)
{
    sent = handled = 0;
    asks_count = wanderers = 0;
}

static void
finish (scene_t *scene)
{
    zanni_msg_t *msg = NULL;
    scene_pass (1000);
    for (int i = 0; i < CITIZENS; i++)
        if (citizens [i])
            accepted (zanni_stop (scene->self, citizens [i]));
    for (int i = 0; i < CITIZENS; i++)
        zanni_ref_destroy (&citizens [i]);
    scene_pass (10000);
    while (zanni_receive (scene->self, &msg, 0) == 0) {
        handled += zanni_msg_kind (msg) == ZANNI_MSG_TELL;
        zanni_msg_destroy (&msg);
    }
}

static void
play (scene_t *scene)
{
    reset ();
    spawn_all (scene);
    for (int i = 0; i < 60; i++)
        meddle (scene);
    finish (scene);
    /* Wanderers may still hold each other in rings; what they have got is handled all the same. */
    zanni_stats_t stats = scene_stats ();
    check_eq (handled + stats.dead_letters, sent);
}

static void
run (scene_play_fn *fn, zanni_sim_options_t world)
{
    tight = false;
    scene_run (&(scene_setup_t) { .classes = classes, .world = world }, fn);
}

Test (conservation, of_tells_and_asks)
{
    run (play, (zanni_sim_options_t) { 0 });
}

Test (conservation, with_latency)
{
    run (play, (zanni_sim_options_t) { .latency_ns = 10 * MS });
}

Test (conservation, while_the_clock_ticks)
{
    run (play, (zanni_sim_options_t) { .latency_ns = MS, .tick_ns = 30000 });
}

static void
play_refused (scene_t *scene)
{
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { .refuse_percent = 20, .lose_percent = 2 });
    play (scene);
}

Test (conservation, when_posts_are_refused_and_batches_lost)
{
    run (play_refused, (zanni_sim_options_t) { .latency_ns = 10 * MS });
}

/* Neither ports nor threads are to be had for every worker. */
static void
play_starved (scene_t *scene)
{
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { .closed_percent = 30, .threadless_percent = 30 });
    play (scene);
}

Test (conservation, when_ports_and_threads_are_short)
{
    tight = true;
    scene_run (&(scene_setup_t) { .classes = classes }, play_starved);
}

/* Nothing is left over whenever it is cut off. */
static void
play_cut (scene_t *scene)
{
    reset ();
    spawn_all (scene);
    for (uint32_t n = scene_draw (60); n > 0; n--)
        meddle (scene);
    for (int i = 0; i < CITIZENS; i++)
        if (scene_draw (2))
            zanni_ref_destroy (&citizens [i]);
}

Test (conservation, of_memory_at_the_end_of_the_node)
{
    run (play_cut, (zanni_sim_options_t) { .latency_ns = 10 * MS });
}

static void
play_short (scene_t *scene)
{
    reset ();
    spawn_all (scene);
    for (int i = 0; i < 12; i++)
        meddle (scene);
    finish (scene);
    zanni_stats_t stats = scene_stats ();
    check_eq (handled + stats.dead_letters, sent);
}

/* One short play, as often as it allocates, and each time another allocation fails. */
Test (conservation, whichever_allocation_fails)
{
    const scene_setup_t setup = { .classes = classes, .world.latency_ns = MS, .may_fail = true };
    const uint64_t plays = scene_full () ? 20 : 2;
    tight = true;
    for (uint64_t seed = 1; seed <= plays; seed++) {
        bool struck = true;
        for (long nth = 1; struck; nth++) {
            scene_register (&setup);
            faults_fail (nth, 0);
            (void) scene_run_seed (&setup, play_short, seed);
            struck = faults_struck ();
        }
    }
    faults_fail (0, 0);
}

static void
play_scarce (scene_t *scene)
{
    faults_fail_some (1 + scene_draw (30), scene->seed);
    reset ();
    spawn_all (scene);
    for (int i = 0; i < 60; i++)
        meddle (scene);
    faults_fail (0, 0);
    finish (scene);
    zanni_stats_t stats = scene_stats ();
    check_eq (handled + stats.dead_letters, sent);
}

Test (conservation, when_many_allocations_fail)
{
    tight = true;
    scene_run (&(scene_setup_t) { .classes = classes, .world.latency_ns = MS }, play_scarce);
}
