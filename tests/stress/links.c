/* Chains and rings of linked actors over all workers: each links the next while the last is stopped, killed, or
   fails. However these cross, all of them end, each once, and who is linked with the first and traps is told
   once. */

#include "maker.h"

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

/* Makes one chain behind the other. */
typedef struct {
    maker_t base;
    bool told;           // of the head of the present one
    zanni_ref_t *chain [S_LONGEST];
} linker_t;

static int
s_end_one (zanni_t *self, linker_t *linker, const zanni_ref_t *ref)
{
    const zanni_reason_t reason = { .kind = ZANNI_EXIT_CODE, .code = 7 };
    int rc = 0;
    switch (stress_random (&linker->base.random, 4)) {
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
s_spawn (zanni_t *self, linker_t *linker, uint32_t at)
{
    const zanni_spawn_t shared = { .worker = stress_random (&linker->base.random, 4) };
    const zanni_spawn_t alone = { .place = ZANNI_THREAD };
    bool lonely = stress_random (&linker->base.random, 50) == 0;
    uint64_t monitor;
    int rc = zanni_spawn (self, &linker->chain [at], "member", lonely ? &alone : &shared);
    if (rc == ZANNI_ESOCKETS || rc == ZANNI_ETHREADS || rc == ZANNI_EDESCRIPTORS)
        rc = zanni_spawn (self, &linker->chain [at], "member", &shared);
    if (!rc)
        rc = zanni_monitor (self, &monitor, linker->chain [at]);
    linker->base.open += !rc;
    return rc;
}

/* Each links the next, or finds it gone, unless it has ended itself: so all end with the last. */
static int
s_more (zanni_t *self, zanni_msg_t *msg)
{
    linker_t *linker = zanni_state (self);
    uint32_t length = 1 + stress_random (&linker->base.random, S_LONGEST), when = stress_random (&linker->base.random, length);
    bool ring = length > 1 && stress_random (&linker->base.random, 2);
    (void) msg;
    linker->told = false;
    for (uint32_t i = 0; i < length; i++)
        STRESS_OK (s_spawn (self, linker, i));
    STRESS_OK (zanni_link (self, linker->chain [0]));
    for (uint32_t i = 0; i < length; i++) {
        if (i == when)
            STRESS_OK (s_end_one (self, linker, linker->chain [length - 1]));
        int rc = i + 1 < length || ring ? zanni_tell (self, linker->chain [i], "join", linker->chain [(i + 1) % length]) : 0;
        STRESS_CHECK (!rc || rc == ZANNI_ENOACTOR);
    }
    return 0;
}

static void
s_over (zanni_t *self, linker_t *linker)
{
    if (linker->base.open || !linker->told)
        return;
    for (int i = 0; i < S_LONGEST; i++)
        zanni_ref_destroy (&linker->chain [i]);
    if (--linker->base.left)
        STRESS_OK (zanni_tell (self, zanni_self (self), "more"));
    else
        maker_done (self, &linker->base);
}

static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    linker_t *linker = zanni_state (self);
    if (!down->monitor)
        return;   // its start was overtaken by its end; its monitor says so, too
    STRESS_CHECK (down->reason.kind != ZANNI_EXIT_NORMAL && linker->base.open > 0);
    linker->base.open--;
    s_over (self, linker);
}

static void
s_exit (zanni_t *self, const zanni_exit_signal_t *signal)
{
    linker_t *linker = zanni_state (self);
    STRESS_CHECK (signal->linked && !linker->told && zanni_ref_equal (signal->from, linker->chain [0]));
    linker->told = true;
    s_over (self, linker);
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    int rc = maker_start (self, msg);
    return rc ? rc : zanni_trap_exits (self, true);
}

static const zanni_method_t s_linker_methods [] = {
    ZANNI_PRIVATE ("more", "", "", s_more, "Makes a chain."), ZANNI_METHOD_END
};
static const zanni_class_t s_linker = {
    .name = "maker", .state_size = sizeof (linker_t), .methods = s_linker_methods, .start_in = MAKER_START_IN,
    .start = s_start, .down = s_down, .exit = s_exit
};
static const zanni_class_t *const s_classes [] = { &s_member, &s_linker, NULL };

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, 3000, 300000) / MAKERS;
    maker_play (s_classes, count);
    printf ("ended together: %" PRId64 " chains\n", MAKERS * count);
    return 0;
}
