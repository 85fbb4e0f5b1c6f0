/* Dead letters and DOWNs: the subscriber hears of every dead letter once; every monitor fires once, unless it was taken
   back, and then not at all. */

#include "scene.h"

#define MONITORS 60

static int notices;
static uint64_t sent;
static uint64_t handled;

/* Monitors as the test sees them. */
typedef struct {
    uint64_t id;
    int downs;
    bool taken_back;
} monitor_t;

static monitor_t monitors [MONITORS];
static int monitors_count;

static int
listener_hear (zanni_t *self, zanni_msg_t *msg)
{
    const char *class_name, *method, *why;
    uint64_t size;
    (void) self;
    check_eq (zanni_read (msg, &class_name, &method, &why, &size), 0);
    check (!strcmp (class_name, "mayfly"));
    check (!strcmp (method, "poke") || !strcmp (method, "no such"));
    check (*why != 0 && size > 0);
    notices++;
    return 0;
}

static int
listener_listen (zanni_t *self, zanni_msg_t *msg)
{
    bool listens;
    check_eq (zanni_read (msg, &listens), 0);
    return zanni_dead_letters (self, listens ? "hear" : NULL);
}

static const zanni_method_t listener_methods [] = {
    ZANNI_METHOD ("listen", "b", "", listener_listen, "Subscribes, or ends it."),
    ZANNI_PRIVATE ("hear", "ssst", "", listener_hear, "A dead letter."),
    ZANNI_METHOD_END
};
static const zanni_class_t listener_class = { .name = "listener", .methods = listener_methods };

static int
mayfly_poke (zanni_t *self, zanni_msg_t *msg)
{
    bool last;
    check_eq (zanni_read (msg, &last), 0);
    handled++;
    return last ? zanni_exit (self) : 0;
}

static const zanni_method_t mayfly_methods [] = {
    ZANNI_METHOD ("poke", "b", "", mayfly_poke, "Counts; the last one ends it."),
    ZANNI_METHOD_END
};
static const zanni_class_t mayfly_class = { .name = "mayfly", .methods = mayfly_methods };

/* Watches mayflies: takes some monitors back, before or after the end. */
static int
watcher_watch (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    check_eq (zanni_read (msg, &ref), 0);
    for (uint32_t n = scene_draw (4); n > 0 && monitors_count < MONITORS; n--) {
        monitor_t *monitor = &monitors [monitors_count++];
        *monitor = (monitor_t) { 0 };
        check_eq (zanni_monitor (self, &monitor->id, ref), 0);
    }
    return 0;
}

static int
watcher_leave (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    for (int i = 0; i < monitors_count; i++)
        if (scene_draw (3) == 0) {
            check_eq (zanni_demonitor (self, monitors [i].id), 0);
            monitors [i].taken_back |= !monitors [i].downs;
        }
    return 0;
}

static void
watcher_down (zanni_t *self, const zanni_down_t *down)
{
    (void) self;
    for (int i = 0; i < monitors_count; i++)
        if (monitors [i].id == down->monitor) {
            monitors [i].downs++;
            check (!monitors [i].taken_back);
        }
}

static const zanni_method_t watcher_methods [] = {
    ZANNI_METHOD ("watch", "r", "", watcher_watch, "Monitors somebody some times."),
    ZANNI_METHOD ("leave", "", "", watcher_leave, "Takes some back."),
    ZANNI_METHOD_END
};
static const zanni_class_t watcher_class = {
    .name = "watcher", .methods = watcher_methods, .down = watcher_down
};

static const zanni_class_t *const classes [] = { &listener_class, &mayfly_class, &watcher_class, NULL };
static const scene_setup_t setup = { .classes = classes };
static const scene_setup_t slow = { .classes = classes, .world.latency_ns = 3 * MS };

static void
poke (scene_t *scene, const zanni_ref_t *mayfly)
{
    int rc = scene_draw (6) ? zanni_tell (scene->self, mayfly, "poke", scene_draw (10) == 0)
                            : zanni_tell (scene->self, mayfly, "no such");
    check (rc == 0 || rc == ZANNI_ENOACTOR);
    sent += !rc;
}

static void
play_letters (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) listener = scene_spawn ("listener", scene_draw (5));
    sent = handled = 0;
    notices = 0;
    check_eq (zanni_tell (scene->self, listener, "listen", true), 0);
    scene_pass (10);
    for (int i = 0; i < 10; i++) {
        ZANNI_AUTO (zanni_ref_t) mayfly = scene_spawn ("mayfly", scene_draw (5));
        for (uint32_t n = scene_draw (30); n > 0; n--)
            poke (scene, mayfly);
        if (scene_draw (2))
            scene_pass (1);
        if (scene_draw (2))
            check_eq (zanni_kill (scene->self, mayfly), 0);
    }
    scene_pass (100);
    check_eq (scene_stats ().dead_letters, sent - handled);
    check_eq (notices, sent - handled);
    check_eq (zanni_tell (scene->self, listener, "listen", false), 0);
    scene_pass (10);
    ZANNI_AUTO (zanni_ref_t) mayfly = scene_spawn ("mayfly", 1);
    check_eq (zanni_tell (scene->self, mayfly, "no such"), 0);
    scene_pass (10);
    check_eq (notices, sent - handled);
}

Test (letter, each_is_told_once)
{
    scene_run (&setup, play_letters);
    scene_run (&slow, play_letters);
}

/* The subscriber itself ends: letters are counted, and nobody is told. */
static void
play_deaf (scene_t *scene)
{
    zanni_ref_t *listener = scene_spawn ("listener", scene_draw (5));
    ZANNI_AUTO (zanni_ref_t) mayfly = scene_spawn ("mayfly", scene_draw (5));
    notices = 0;
    check_eq (zanni_tell (scene->self, listener, "listen", true), 0);
    scene_settle ();
    check_eq (zanni_tell (scene->self, mayfly, "no such"), 0);
    check_eq (zanni_stop (scene->self, listener), 0);
    if (scene_draw (2))
        zanni_ref_destroy (&listener);
    scene_settle ();
    check_eq (zanni_tell (scene->self, mayfly, "no such"), 0);
    scene_settle ();
    check (notices <= 1);
    check (scene_stats ().dead_letters >= 2);   // notices that came too late are letters, too
    zanni_ref_destroy (&listener);
}

Test (letter, subscriber_may_end)
{
    scene_run (&setup, play_deaf);
}

static void
play_monitors (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) watcher = scene_spawn ("watcher", scene_draw (5));
    zanni_ref_t *mayflies [8];
    monitors_count = 0;
    sent = handled = 0;
    for (int i = 0; i < 8; i++)
        mayflies [i] = scene_spawn ("mayfly", scene_draw (5));
    for (int i = 0; i < 40; i++) {
        zanni_ref_t *mayfly = mayflies [scene_draw (8)];
        switch (scene_draw (4)) {
        case 0:
            poke (scene, mayfly);
            break;
        case 1:
            check_eq (zanni_tell (scene->self, watcher, "leave"), 0);
            break;
        case 2:
            check_eq (zanni_run (scene->self, scene_draw (3)), 0);
            break;
        default:
            check_eq (zanni_tell (scene->self, watcher, "watch", mayfly), 0);
        }
    }
    for (int i = 0; i < 8; i++)
        zanni_ref_destroy (&mayflies [i]);
    scene_pass (100);
    for (int i = 0; i < monitors_count; i++)
        check_eq (monitors [i].downs, !monitors [i].taken_back);
}

Test (letter, each_monitor_fires_once)
{
    scene_run (&setup, play_monitors);
    scene_run (&slow, play_monitors);
}
