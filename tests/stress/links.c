/* Chains and rings of linked actors over all workers: each links the next while the last is stopped, killed, or
   fails. However these cross, all of them end, each once, and who is linked with the first and traps is told
   once. */

#include "stress.h"

#define S_LONGEST 8

static int
s_join (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next);
    return rc ? rc : zanni_link (self, next);
}

static int
s_fail (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit_error (self, 7, "on purpose");
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("join", "r", "", s_join, "Links that one."), ZANNI_METHOD ("fail", "", "", s_fail, "Ends the actor."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_member = { .name = "member", .methods = s_methods };

typedef struct {
    zanni_ref_t *boss;
    int64_t left;        // chains to make
    int64_t open;        // monitors of the present one that have not fired
    bool told;           // of its head
    zanni_ref_t *chain [S_LONGEST];
    uint64_t random;
} maker_t;

static int
s_end_one (zanni_t *self, maker_t *maker, const zanni_ref_t *ref)
{
    const zanni_reason_t reason = { .kind = ZANNI_EXIT_CODE, .code = 7 };
    int rc = 0;
    switch (stress_random (&maker->random, 4)) {
    case 0:
        return zanni_stop (self, ref);
    case 1:
        return zanni_kill (self, ref);
    case 2:
        return zanni_exit_signal (self, ref, &reason);
    default:
        rc = zanni_tell (self, ref, "fail");
        return rc == ZANNI_ENOACTOR ? 0 : rc;   // a ring was faster
    }
}

static int
s_spawn (zanni_t *self, maker_t *maker, uint32_t at)
{
    const zanni_spawn_t shared = { .worker = stress_random (&maker->random, 4) };
    const zanni_spawn_t alone = { .place = ZANNI_THREAD };
    bool lonely = stress_random (&maker->random, 50) == 0;
    uint64_t monitor;
    int rc = zanni_spawn (self, &maker->chain [at], "member", lonely ? &alone : &shared);
    if (rc == ZANNI_ESOCKETS || rc == ZANNI_ETHREADS || rc == ZANNI_EDESCRIPTORS)
        rc = zanni_spawn (self, &maker->chain [at], "member", &shared);
    if (!rc)
        rc = zanni_monitor (self, &monitor, maker->chain [at]);
    maker->open += !rc;
    return rc;
}

/* Each links the next, or finds it gone, unless it has ended itself: so all end with the last. */
static int
s_more (zanni_t *self, zanni_msg_t *msg)
{
    maker_t *maker = zanni_state (self);
    uint32_t length = 1 + stress_random (&maker->random, S_LONGEST), when = stress_random (&maker->random, length);
    bool ring = length > 1 && stress_random (&maker->random, 2);
    (void) msg;
    maker->told = false;
    for (uint32_t i = 0; i < length; i++)
        STRESS_OK (s_spawn (self, maker, i));
    STRESS_OK (zanni_link (self, maker->chain [0]));
    for (uint32_t i = 0; i < length; i++) {
        if (i == when)
            STRESS_OK (s_end_one (self, maker, maker->chain [length - 1]));
        int rc = i + 1 < length || ring ? zanni_tell (self, maker->chain [i], "join", maker->chain [(i + 1) % length]) : 0;
        STRESS_CHECK (!rc || rc == ZANNI_ENOACTOR);
    }
    return 0;
}

static void
s_over (zanni_t *self, maker_t *maker)
{
    if (maker->open || !maker->told)
        return;
    for (int i = 0; i < S_LONGEST; i++)
        zanni_ref_destroy (&maker->chain [i]);
    if (--maker->left)
        STRESS_OK (zanni_tell (self, zanni_self (self), "more"));
    else
        STRESS_OK (zanni_tell (self, maker->boss, "done", maker->left));
}

static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    maker_t *maker = zanni_state (self);
    if (!down->monitor)
        return;   // its start was overtaken by its end; its monitor says so, too
    STRESS_CHECK (down->reason.kind != ZANNI_EXIT_NORMAL && maker->open > 0);
    maker->open--;
    s_over (self, maker);
}

static void
s_exit (zanni_t *self, const zanni_exit_signal_t *signal)
{
    maker_t *maker = zanni_state (self);
    STRESS_CHECK (signal->linked && !maker->told && zanni_ref_equal (signal->from, maker->chain [0]));
    maker->told = true;
    s_over (self, maker);
}

static int
s_maker_start (zanni_t *self, zanni_msg_t *msg)
{
    maker_t *maker = zanni_state (self);
    const zanni_ref_t *boss;
    int rc = zanni_read (msg, &boss, &maker->left, &maker->random);
    if (!rc)
        rc = zanni_ref_weak (self, &maker->boss, boss);
    if (!rc)
        rc = zanni_trap_exits (self, true);
    return rc ? rc : zanni_tell (self, zanni_self (self), "more");
}

static const zanni_method_t s_maker_methods [] = {
    ZANNI_PRIVATE ("more", "", "", s_more, "Makes a chain."), ZANNI_METHOD_END
};
static const zanni_class_t s_maker = {
    .name = "maker", .state_size = sizeof (maker_t), .methods = s_maker_methods, .start_in = "rxt",
    .start = s_maker_start, .down = s_down, .exit = s_exit
};
static const zanni_class_t *const s_classes [] = { &s_member, &s_maker, NULL };

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, 3000, 300000) / 3;
    zanni_ref_t *makers [3] = { NULL };
    zanni_t *self = NULL;
    STRESS_OK (zanni_init (s_classes));
    STRESS_OK (zanni_new (&self, &(zanni_options_t) { .workers = 3 }));
    for (uint32_t i = 0; i < 3; i++)
        STRESS_OK (zanni_spawn (self, &makers [i], "maker", &(zanni_spawn_t) { .worker = i + 1 }, zanni_self (self),
                                count, i + 1));
    for (int i = 0; i < 3; i++)
        stress_await (self, "done");
    for (int i = 0; i < 3; i++)
        zanni_ref_destroy (&makers [i]);
    STRESS_OK (zanni_destroy (&self));
    printf ("ended together: %" PRId64 " chains\n", 3 * count);
    return 0;
}
