/* Pools that ask all: the answer is a list of those that were good by the moment at which it was due, not earlier
   than it is known and not later than was said, whoever answers late, never, with an error, or ends. */

#include "scene.h"

#define WORKERS 5
#define GATHER_MS 100
#define LATE_MS 1000
#define SLACK_MS 12          // what messages take here, there and back

typedef enum { AT_ONCE, SOON, LATE, NEVER, FAILS, EXITS, HOWS } how_t;

static how_t hows [WORKERS];
static int starts;           // of workers
static int asked;            // how many of them were

typedef struct {
    int number;
    zanni_promise_t *promise;
} hand_t;

static int
hand_start (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    (void) msg;
    hand->number = starts++ % WORKERS;   // who comes in place of another does as somebody else did
    return 0;
}

static int
hand_later (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    (void) msg;
    return zanni_promise_reply (self, &hand->promise, hand->number);
}

static int
hand_work (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    how_t how = hows [hand->number];
    uint64_t timer;
    asked++;
    if (how == FAILS)
        return zanni_fail (self, msg, 7, "no");
    if (how == AT_ONCE) {
            return zanni_reply (self, msg, hand->number);
    }
    check (!zanni_promise_new (self, &hand->promise, msg) || zanni_msg_kind (msg) == ZANNI_MSG_TELL);
    if (how == EXITS)
        return zanni_exit_error (self, 9, "as told");
    return how == NEVER ? 0 : zanni_timer (self, &timer, how == SOON ? 10 : LATE_MS, 0, "later");
}

static const zanni_method_t hand_methods [] = {
    ZANNI_METHOD ("work", "", "i", hand_work, "Somehow."),
    ZANNI_PRIVATE ("later", "", "", hand_later, "Keeps its promise."),
    ZANNI_METHOD_END
};
static const zanni_class_t hand_class = {
    .name = "hand", .state_size = sizeof (hand_t), .methods = hand_methods, .start = hand_start
};
static const zanni_class_t *const classes [] = { &hand_class, NULL };
static const scene_setup_t setup = { .classes = classes, .world = { .latency_ns = 3 * MS, .tick_ns = 1000 } };

static int answers;
static int code;
static size_t good;
static int64_t at_ns;

static void
on_answer (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error;
    (void) self, (void) arg;
    answers++;
    at_ns = scene_now_ns ();
    code = zanni_msg_error (reply, &error) ? 0 : error.code;
    if (!code)
        check_eq (zanni_enter (reply, &good), 0);
}

static const zanni_ask_t patient = { .then = on_answer, .deadline_ms = -1 };

/* How many of the workers do that. */
static int
count_of (how_t how, int workers)
{
    int count = 0;
    for (int i = 0; i < workers; i++)
        count += hows [i] == how;
    return count;
}

static zanni_ref_t *
begin_pool (int workers, int enough, int64_t gather_ms)
{
    zanni_ref_t *pool = NULL;
    const zanni_pool_options_t options = {
        .workers = (uint32_t) workers, .routing = ZANNI_BROADCAST, .enough = (uint32_t) enough,
        .gather_ms = gather_ms, .restarts = 1000
    };
    starts = asked = answers = code = 0;
    good = 0;
    check_eq (zanni_pool (scene_now->self, &pool, "hand", &options), 0);
    return pool;
}

static void
play (scene_t *scene)
{
    int workers = 1 + (int) scene_draw (WORKERS);
    int enough = (int) scene_draw ((uint32_t) workers + 1);
    bool own = scene_draw (2);   // the pool's own time, or what the ask leaves it
    for (int i = 0; i < workers; i++)
        hows [i] = (how_t) scene_draw (HOWS);
    zanni_ref_t *pool = begin_pool (workers, enough, own ? GATHER_MS : 0);
    const zanni_ask_t ask = { .then = on_answer, .deadline_ms = own ? -1 : GATHER_MS };
    int64_t began_ns = scene_now_ns ();
    check_eq (zanni_ask (scene->self, pool, &ask, "work"), 0);
    scene_pass (2 * LATE_MS);
    int soon = count_of (AT_ONCE, workers) + count_of (SOON, workers);
    int slow = count_of (LATE, workers) + count_of (NEVER, workers);
    bool full = enough && soon >= enough;
    int64_t took_ms = (at_ns - began_ns) / MS;
    check_eq (answers, 1);
    check_eq (asked, workers);
    check_eq (good, full ? enough : soon);
    check_eq (code, soon ? 0 : slow ? ZANNI_ETIMEOUT : code);
    check (soon || code);
    if (full || !slow)
        check (took_ms <= 10 + 2 * SLACK_MS);
    else
        check (took_ms >= (own ? GATHER_MS : GATHER_MS / 2) && took_ms <= GATHER_MS + 2 * SLACK_MS);
    zanni_ref_destroy (&pool);
    scene_pass (100);
    check_eq (scene_stats ().actors, 1);
}

/* In its own process every class of the library's is made once, and stays. */
static void
warm_up (void)
{
    zanni_t *self = NULL;
    zanni_ref_t *pool = NULL;
    const zanni_pool_options_t options = { .workers = 1, .routing = ZANNI_BROADCAST };
    cr_assert_eq (zanni_init (classes), 0);
    cr_assert_eq (zanni_new (&self, NULL), 0);
    cr_assert_eq (zanni_pool (self, &pool, "hand", &options), 0);
    zanni_ref_destroy (&pool);
    cr_assert_eq (zanni_destroy (&self), 0);
}

Test (gather, answers_what_is_there_when_it_is_due)
{
    warm_up ();
    scene_run (&setup, play);
}

/* Who leaves answers what it was asked before, also where that takes long; and a pool that drains waits for it. */
static void
play_leaving (scene_t *scene)
{
    for (int i = 0; i < WORKERS; i++)
        hows [i] = LATE;
    zanni_ref_t *pool = begin_pool (WORKERS, 0, 0);
    check_eq (zanni_ask (scene->self, pool, &patient, "work"), 0);
    if (scene_draw (2))
        check_eq (zanni_run (scene->self, scene_draw (20)), 0);
    check_eq (zanni_pool_resize (scene->self, pool, 1 + scene_draw (WORKERS - 1)), 0);
    if (scene_draw (2))
        check_eq (zanni_pool_drain_ask (scene->self, pool, &(zanni_ask_t) { .deadline_ms = -1 }), 0);
    scene_pass (2 * LATE_MS);
    check_eq (answers, 1);
    check_eq (code, 0);
    check_eq (good, WORKERS);
    zanni_ref_destroy (&pool);
    scene_pass (100);
    check_eq (scene_stats ().actors, 1);
}

Test (gather, waits_for_those_who_leave)
{
    warm_up ();
    scene_run (&setup, play_leaving);
}

/* Nobody is there, for all have just ended. */
static void
play_none (scene_t *scene)
{
    for (int i = 0; i < WORKERS; i++)
        hows [i] = EXITS;
    zanni_ref_t *pool = begin_pool (WORKERS, 0, 0);
    int sent = 1 + (int) scene_draw (4);
    for (int i = 0; i < sent; i++) {
        check_eq (zanni_ask (scene->self, pool, &patient, "work"), 0);
        check_eq (zanni_tell (scene->self, pool, "work"), 0);
        if (scene_draw (2))
            check_eq (zanni_run (scene->self, scene_draw (10)), 0);
    }
    scene_pass (2 * LATE_MS);
    check_eq (answers, sent);
    check (code == ZANNI_EDOWN || code == ZANNI_ENOACTOR);
    zanni_ref_destroy (&pool);
    scene_pass (100);
    check_eq (scene_stats ().actors, 1);
}

Test (gather, of_nobody_is_an_error)
{
    warm_up ();
    scene_run (&setup, play_none);
}
