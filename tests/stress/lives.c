/* Many lives: actors are spawned on all workers, monitored from another one, restarted, stopped, killed, dropped, told to
   end themselves, or fail at their start, in random order. Every incarnation is reported once, with a reason that fits
   what was done to it, and in the end nobody is left. */

#include "maker.h"

typedef enum { S_DROP, S_STOP, S_KILL, S_LEAVE, S_FAIL, S_RESTART, S_FATES } s_fate_t;

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    bool fails;
    int rc = zanni_read (msg, &fails);
    (void) self;
    return rc ? rc : fails ? ZANNI_EAPP : 0;
}

static int
s_leave (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("leave", "", "", s_leave, "Ends the actor."), ZANNI_METHOD_END
};
static const zanni_class_t s_mortal = { .name = "mortal", .methods = s_methods, .start_in = "b", .start = s_start };

static int
s_end_as (zanni_t *self, maker_t *maker, zanni_ref_t *ref, s_fate_t fate)
{
    uint64_t monitor;
    switch (fate) {
    case S_STOP:
        return zanni_stop (self, ref);
    case S_KILL:
        return zanni_kill (self, ref);
    case S_LEAVE:
        return zanni_tell (self, ref, "leave");
    case S_RESTART:
        STRESS_OK (zanni_restart (self, ref));
        STRESS_OK (zanni_monitor (self, &monitor, ref));   // the next incarnation
        maker->open++;
        return zanni_stop (self, ref);
    default:
        return 0;
    }
}

static int
s_make_one (zanni_t *self, maker_t *maker)
{
    s_fate_t fate = (s_fate_t) stress_random (&maker->random, S_FATES);
    const zanni_spawn_t where = {
        .place = stress_random (&maker->random, 100) == 0 ? ZANNI_THREAD : ZANNI_SHARED,
        .worker = stress_random (&maker->random, 4), .restartable = fate == S_RESTART
    };
    const zanni_spawn_t there = { .place = where.place, .worker = where.place == ZANNI_SHARED ? where.worker : 0,
                                  .restartable = where.restartable };
    zanni_ref_t *ref = NULL;
    uint64_t monitor;
    int rc = zanni_spawn (self, &ref, "mortal", &there, fate == S_FAIL);
    if (rc == ZANNI_ESOCKETS || rc == ZANNI_ETHREADS || rc == ZANNI_EDESCRIPTORS)
        return 0;   // hundreds of threads are ending: there is no room for another one now
    if (rc)   // on this worker the start ran at once
        return fate == S_FAIL && rc == ZANNI_EAPP ? 0 : rc;
    STRESS_OK (zanni_monitor (self, &monitor, ref));
    maker->open++;
    rc = s_end_as (self, maker, ref, fate);
    zanni_ref_destroy (&ref);
    return rc;
}

static int
s_more (zanni_t *self, zanni_msg_t *msg)
{
    maker_t *maker = zanni_state (self);
    (void) msg;
    for (int i = 0; i < 20 && maker->left; i++, maker->left--)
        STRESS_OK (s_make_one (self, maker));
    if (maker->left)
        return zanni_tell (self, zanni_self (self), "more");
    if (!maker->open)
        maker_done (self, maker);
    return 0;
}

static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    maker_t *maker = zanni_state (self);
    if (!down->monitor) {   // a start elsewhere failed, or was overtaken by the end; its monitor says so, too
        STRESS_CHECK (down->reason.kind == ZANNI_EXIT_ERROR);
        return;
    }
    STRESS_CHECK (down->reason.kind <= ZANNI_EXIT_NO_ACTOR || down->reason.kind == ZANNI_EXIT_ERROR);
    STRESS_CHECK (maker->open > 0);
    maker->open--;
    if (!maker->left && !maker->open)
        maker_done (self, maker);
}

static const zanni_method_t s_maker_methods [] = {
    ZANNI_PRIVATE ("more", "", "", s_more, "Makes more."), ZANNI_METHOD_END
};
static const zanni_class_t s_maker = {
    .name = "maker", .state_size = sizeof (maker_t), .methods = s_maker_methods, .start_in = MAKER_START_IN,
    .start = maker_start, .down = s_down
};
static const zanni_class_t *const s_classes [] = { &s_mortal, &s_maker, NULL };

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, 6000, 600000) / MAKERS;
    maker_play (s_classes, count);
    printf ("lived and died: %" PRId64 " actors\n", MAKERS * count);
    return 0;
}
