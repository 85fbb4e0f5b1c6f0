/* Pools. In pool-dispatch a producer tells empty jobs to a pool of four shared actors, 4,096 at most without a
   credit; each of the four gives back 64 credits for as many jobs, and as all take turns, a count that is a multiple
   of 256 gives all credits back: then it is over. The same told to one actor, without a pool, is its limit. In pool
   the root maps jobs of 1 ms over a pool of two processes. */

#include "bench.h"
#include "burn.h"

#include <stdio.h>
#include <string.h>

#define CREDITS 4096
#define BATCH 64
#define HANDS 4
#define AT_ONCE 16

typedef struct {
    int64_t left;
    int64_t open;            // told and not given back
    int64_t started_ns;
    zanni_ref_t *to;
    zanni_promise_t *done;
} boss_t;

static int
boss_produce (zanni_t *self, boss_t *boss)
{
    int rc = 0;
    while (!rc && boss->left && boss->open < CREDITS) {
        rc = zanni_tell (self, boss->to, "item", boss->left);
        boss->left--;
        boss->open++;
    }
    if (!rc && !boss->left && !boss->open)
        rc = zanni_promise_reply (self, &boss->done, bench_now_ns () - boss->started_ns);
    return rc;
}

static int
boss_go (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    int rc = zanni_read (msg, &boss->left);
    boss->left += -boss->left & (BATCH * HANDS - 1);
    if (!rc)
        rc = zanni_promise_new (self, &boss->done, msg);
    boss->started_ns = bench_now_ns ();
    return rc ? rc : boss_produce (self, boss);
}

static int
boss_credit (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    int64_t credit;
    int rc = zanni_read (msg, &credit);
    boss->open -= credit;
    return rc ? rc : boss_produce (self, boss);
}

/* Whom it produces for: a pool, or one actor. */
static int
boss_start (zanni_t *self, zanni_msg_t *msg)
{
    boss_t *boss = zanni_state (self);
    const zanni_spawn_t here = { .worker = 1 };
    const zanni_pool_options_t options = { .workers = HANDS, .spawn = &here };
    bool pool;
    int rc = zanni_read (msg, &pool);
    if (rc)
        return rc;
    return pool ? zanni_pool (self, &boss->to, "pool-hand", &options)
                : zanni_spawn (self, &boss->to, "pool-hand", &here);
}

static void
boss_stop (zanni_t *self, const zanni_reason_t *reason)
{
    boss_t *boss = zanni_state (self);
    (void) self, (void) reason;
    zanni_ref_destroy (&boss->to);
}

typedef struct {
    int64_t count;
} hand_t;

static int
hand_item (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (!rc && ++hand->count % BATCH == 0)
        rc = zanni_tell (self, zanni_msg_from (msg), "credit", BATCH);
    return rc;
}

static int
hand_burn (zanni_t *self, zanni_msg_t *msg)
{
    uint64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, burn (number));
}

static const zanni_method_t boss_methods [] = {
    ZANNI_METHOD ("go", "x", "x", boss_go, "Produces so many."),
    ZANNI_METHOD ("credit", "x", "", boss_credit, "May produce more."), ZANNI_METHOD_END
};
const zanni_class_t bench_pool_boss_class = {
    .name = "pool-boss", .state_size = sizeof (boss_t), .methods = boss_methods, .start_in = "b", .start = boss_start,
    .stop = boss_stop
};
static const zanni_method_t hand_methods [] = {
    ZANNI_METHOD ("item", "x", "", hand_item, "An empty job."),
    ZANNI_REPEATABLE ("burn", "t", "t", hand_burn, "1 ms of work."), ZANNI_METHOD_END
};
const zanni_class_t bench_pool_hand_class = {
    .name = "pool-hand", .state_size = sizeof (hand_t), .methods = hand_methods
};

static void
s_dispatch (zanni_t *self, const char *name, bool pool)
{
    ZANNI_AUTO (zanni_ref_t) boss = NULL;
    const zanni_spawn_t here = { .worker = 1 };
    const bench_run_t run = { .name = name, .method = "go" };
    bench_check (zanni_spawn (self, &boss, "pool-boss", &here, pool), "spawn");
    bench_rate (self, boss, &run);
}

void
bench_pool_dispatch_case (zanni_t *self, const char *name)
{
    bool pool = strcmp (name, "pool-dispatch-tell");
    s_dispatch (self, name, pool);
    if (pool && !bench_exactly)
        s_dispatch (self, "pool-dispatch-tell", false);
}

typedef struct {
    zanni_t *self;
    int64_t left;
} work_t;

static int
s_next (void *closure, zanni_msg_t **msg_p)
{
    work_t *work = closure;
    return work->left-- > 0 ? zanni_msg_new (work->self, msg_p, "burn", (uint64_t) work->left) : 0;
}

static int
s_done (void *closure, uint64_t index, int rc, zanni_msg_t *reply)
{
    (void) closure, (void) index, (void) reply;
    return rc;
}

void
bench_pool_case (zanni_t *self, const char *name)
{
    ZANNI_AUTO (zanni_ref_t) pool = NULL;
    const zanni_spawn_t process = { .place = ZANNI_PROCESS };
    const zanni_pool_options_t options = {
        .workers = 2, .routing = ZANNI_PULL, .ahead = 2, .spawn = &process
    };
    int64_t count = 0, next = bench_exactly ? bench_exactly : 100;
    double seconds;
    bench_check (zanni_pool (self, &pool, "pool-hand", &options), "pool");
    do {
        work_t work = { self, count = next };
        const zanni_map_t map = { .next = s_next, .done = s_done, .closure = &work, .in_flight = AT_ONCE };
        int64_t started_ns = bench_now_ns ();
        bench_check (zanni_map (self, pool, &map), "map");
        seconds = (double) (bench_now_ns () - started_ns) / 1e9;
        next = bench_grow (count, seconds);
    }
    while (next);
    printf ("%s %.1f /s\n", name, (double) count / seconds);
    bench_check_letters (self);
}
