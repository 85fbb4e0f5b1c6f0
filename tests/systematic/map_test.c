/* Maps: no more jobs under way than was said, results once each and, where that is wanted, in order, whatever the
   first takes; and however a map ends (well, by its functions, by those whom it asks, by being cancelled at any
   moment) its end is told once, and nobody is called behind it. */

#include "scene.h"

#define JOBS 40

typedef enum { AT_ONCE, LATER, FAILS, EXITS } how_t;

static how_t hows [JOBS];
static int begun [JOBS];
static int wait_ms;          // LATER; 0: any

typedef struct {
    zanni_promise_t *promises [JOBS];
} hand_t;

static int
hand_work (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    uint64_t timer;
    int number, rc;
    check_eq (zanni_read (msg, &number), 0);
    begun [number]++;
    switch (hows [number]) {
    case FAILS:
        return zanni_fail (self, msg, 7, "no");
    case EXITS:
        rc = zanni_promise_new (self, &hand->promises [number], msg);
        return rc ? rc : zanni_exit_error (self, 9, "as told");
    case LATER:
        check_eq (zanni_promise_new (self, &hand->promises [number], msg), 0);
        return zanni_timer (self, &timer, wait_ms ? wait_ms : (int) scene_draw (10), 0, "later", number);
    default:
        return zanni_reply (self, msg, number);
    }
}

static int
hand_later (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    int number;
    check_eq (zanni_read (msg, &number), 0);
    return zanni_promise_reply (self, &hand->promises [number], number);
}

static const zanni_method_t hand_methods [] = {
    ZANNI_REPEATABLE ("work", "i", "i", hand_work, "Somehow."),
    ZANNI_PRIVATE ("later", "i", "", hand_later, "Keeps a promise."),
    ZANNI_METHOD_END
};
static const zanni_class_t hand_class = { .name = "hand", .state_size = sizeof (hand_t), .methods = hand_methods };
static const zanni_class_t *const classes [] = { &hand_class, NULL };
static const scene_setup_t setup = { .classes = classes };
static const scene_setup_t slow = { .classes = classes, .world = { .latency_ns = 3 * MS, .tick_ns = 20000 } };

/* One map as the test sees it. */
static struct {
    zanni_ref_t *map;
    int wanted;
    int in_flight;
    bool ordered;
    int next_fails_at;       // call; 0: never
    int done_fails_at;
    int cancel_at;           // call of either
    int made;
    int done;
    int failed;
    int calls;
    int seen [JOBS];
    int over;
    int code;
    bool cancelled;
} work;

/* Whoever is called may cancel the map then and there. */
static void
on_call (void)
{
    check (!work.cancelled);
    check (!work.over);
    if (++work.calls != work.cancel_at)
        return;
    zanni_map_cancel (scene_now->self, &work.map);
    work.cancelled = true;
}

static int
make_job (void *closure, zanni_msg_t **msg_p)
{
    (void) closure;
    on_call ();
    check (work.made - work.done < work.in_flight);
    if (work.next_fails_at && work.made + 1 == work.next_fails_at)
        return ZANNI_ENOSPACE;
    if (work.made == work.wanted)
        return 0;
    return zanni_msg_new (scene_now->self, msg_p, "work", work.made++);
}

static int
take_result (void *closure, uint64_t index, int rc, zanni_msg_t *reply)
{
    int number = -1;
    (void) closure;
    on_call ();
    check (!work.ordered || (int) index == work.done);
    check (rc || (!zanni_read (reply, &number) && number == (int) index));
    work.seen [index]++;
    work.done++;
    work.failed += rc != 0;
    return work.done == work.done_fails_at ? ZANNI_ETOOBIG : 0;
}

static int
no_job (void *closure, zanni_msg_t **msg_p)
{
    (void) closure, (void) msg_p;
    return 0;
}

static void
on_over (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error;
    (void) self, (void) arg;
    work.over++;
    work.code = zanni_msg_error (reply, &error) ? 0 : error.code;
}

/* In its own process every class of the library's is made once, and stays. */
static void
warm_up (void)
{
    zanni_t *self = NULL;
    zanni_ref_t *pool = NULL;
    cr_assert_eq (zanni_init (classes), 0);
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_pool (self, &pool, "hand", &((zanni_pool_options_t) { .workers = 1 })), 0);
    cr_assert_eq (zanni_map (self, pool, &((zanni_map_t) { .next = no_job, .done = take_result })), 0);
    zanni_ref_destroy (&pool);
    cr_assert_eq (zanni_destroy (&self), 0);
}

static zanni_ref_t *
begin_pool (uint32_t workers, uint32_t ahead)
{
    zanni_ref_t *pool = NULL;
    const zanni_spawn_t spawn = { .mailbox_messages = scene_draw (2) ? 1 + scene_draw (4) : 0 };
    const zanni_pool_options_t options = {
        .workers = workers, .ahead = ahead, .queue = scene_draw (2) ? 2 + scene_draw (4) : 0, .spawn = &spawn,
        .restarts = 1000
    };
    check_eq (zanni_pool (scene_now->self, &pool, "hand", &options), 0);
    return pool;
}

static void
begin_map (const zanni_ref_t *ref)
{
    const zanni_map_t map = {
        .next = make_job, .done = take_result, .in_flight = (uint32_t) work.in_flight, .ordered = work.ordered,
        .deadline_ms = -1
    };
    memset (begun, 0, sizeof begun);
    check_eq (zanni_map_ask (scene_now->self, &work.map, ref, &map, &(zanni_ask_t) { .then = on_over }), 0);
}

static void
begin_work (void)
{
    memset (&work, 0, sizeof work);
    work.wanted = (int) scene_draw (JOBS);
    work.in_flight = 1 + (int) scene_draw (10);
    work.ordered = scene_draw (2);
    wait_ms = 0;
    for (int i = 0; i < JOBS; i++)
        hows [i] = scene_draw (2) ? AT_ONCE : (how_t) scene_draw (4);
}

static void
end_work (zanni_ref_t **pool)
{
    check_eq (work.over, 1);
    for (int i = 0; i < work.made; i++)
        check_eq (work.seen [i], work.cancelled ? work.seen [i] != 0 : 1);
    zanni_map_cancel (scene_now->self, &work.map);
    zanni_ref_destroy (pool);
    scene_pass (1000);
    check_eq (scene_stats ().actors, 1);
}

static void
play (scene_t *scene)
{
    begin_work ();
    work.next_fails_at = scene_draw (3) ? 0 : 1 + (int) scene_draw (JOBS);
    work.done_fails_at = scene_draw (3) ? 0 : 1 + (int) scene_draw (JOBS);
    work.cancel_at = scene_draw (3) ? 0 : 1 + (int) scene_draw (JOBS);
    zanni_ref_t *pool = begin_pool (1 + scene_draw (4), scene_draw (4));
    begin_map (pool);
    if (scene_draw (4) == 0) {
        check_eq (zanni_run (scene->self, scene_draw (10)), 0);
        if (scene_draw (2)) {
            work.cancelled |= !work.over;
            zanni_map_cancel (scene->self, &work.map);
        }
        else
            check_eq (zanni_stop (scene->self, pool), 0);
    }
    scene_pass (5000);
    int made = work.made;
    if (work.cancelled)
        check (work.code);   // or why it was about to end
    else if (work.code != ZANNI_ENOACTOR && work.code)   // by one of the two
        check (work.code == ZANNI_ENOSPACE ? made + 1 == work.next_fails_at : work.code == ZANNI_ETOOBIG);
    else if (!work.code)
        check (made == work.wanted && work.done == made);
    end_work (&pool);
}

Test (map, ends_once_with_each_job_answered_once)
{
    warm_up ();
    scene_run (&setup, play);
    scene_run (&slow, play);
}

/* The first takes long: only so many others begin meanwhile. */
static void
play_slow_first (scene_t *scene)
{
    begin_work ();
    work.ordered = true;
    work.wanted = JOBS;
    for (int i = 0; i < JOBS; i++)
        hows [i] = i ? AT_ONCE : LATER;
    wait_ms = 1000;
    zanni_ref_t *pool = begin_pool (2, 1);
    begin_map (pool);
    check_eq (zanni_run (scene->self, 500), 0);
    check_eq (work.made, work.in_flight);
    check_eq (work.done, 0);
    for (int i = 0; i < JOBS; i++)
        check_eq (begun [i], i < work.in_flight);
    scene_pass (5000);
    check_eq (work.done, JOBS);
    check_eq (work.code, 0);
    end_work (&pool);
}

Test (map, holds_no_more_results_back_than_may_be_under_way)
{
    warm_up ();
    scene_run (&slow, play_slow_first);
}

/* What waits in a pool for one that is cancelled is not begun any more. */
static void
play_cancelled (scene_t *scene)
{
    begin_work ();
    work.wanted = JOBS;
    work.in_flight = 10;
    for (int i = 0; i < JOBS; i++)
        hows [i] = LATER;
    wait_ms = 100;
    zanni_ref_t *pool = begin_pool (1, 1);
    begin_map (pool);
    check_eq (zanni_run (scene->self, 250), 0);
    zanni_map_cancel (scene->self, &work.map);
    work.cancelled = true;
    scene_pass (5000);
    int all = 0;
    for (int i = 0; i < JOBS; i++)
        all += begun [i];
    check_eq (all, 3);
    check_eq (scene_stats ().dead_letters, 0);
    end_work (&pool);
}

Test (map, that_is_cancelled_cancels_its_jobs)
{
    warm_up ();
    scene_run (&slow, play_cancelled);
}

/* A function that should not block, but tries to, is told so. */
static int
block_in (void *closure, uint64_t index, int rc, zanni_msg_t *reply)
{
    const zanni_ref_t *pool = closure;
    zanni_t *self = scene_now->self;
    zanni_msg_t *msg = NULL;
    (void) reply;
    check_eq (rc, 0);
    check_eq ((int) index, work.done++);
    check_eq (zanni_call (self, NULL, pool, "work", 1), ZANNI_EOWNER);
    check_eq (zanni_receive (self, &msg, 10), ZANNI_EOWNER);
    check_eq (zanni_run (self, 10), ZANNI_EOWNER);
    const zanni_map_t map = { .next = make_job, .done = take_result };
    check_eq (zanni_map (self, pool, &map), ZANNI_EOWNER);
    rc = zanni_ask (self, pool, &(zanni_ask_t) { .then = on_over }, "work", 2);
    check (!rc || rc == ZANNI_EFULL);
    work.calls += !rc;
    return 0;
}

static void
play_blocking (scene_t *scene)
{
    begin_work ();
    work.wanted = work.in_flight = 3;
    for (int i = 0; i < JOBS; i++)
        hows [i] = AT_ONCE;
    zanni_ref_t *pool = begin_pool (1, 1);
    const zanni_map_t map = { .next = make_job, .done = block_in, .closure = pool, .ordered = true, .in_flight = 3 };
    check_eq (zanni_map (scene->self, pool, &map), 0);
    check_eq (work.done, 3);
    scene_pass (100);
    check_eq (work.over, work.calls - 4);   // those that next counted
    zanni_ref_destroy (&pool);
}

Test (map, functions_may_ask_and_must_not_block)
{
    warm_up ();
    scene_run (&setup, play_blocking);
}
