/* Pools: whatever workers, askers and owners do, a job is answered once; one that may not be repeated is begun
   once; a worker has no more of them than it should; one that ends whoever does it takes no other along; and when
   the pool has gone nothing is left. */

#include "scene.h"

#define JOBS 60
#define ATTEMPTS 3

typedef enum { AT_ONCE, LATER, FAILS, SAYS_DOWN, NEVER, EXITS, HOWS } how_t;

/* One job as the test sees it. */
typedef struct {
    how_t how;
    bool repeatable;
    bool told;
    uint64_t ask;
    int begun;
    int answers;
    int code;
} job_t;

static job_t jobs [JOBS + 1];   // one may come too late
static int count;            // of jobs that were sent
static uint32_t ahead;       // no more at once with a worker; 0: any number
static int handled;          // of those that were told

typedef struct {
    zanni_promise_t *promises [JOBS + 1];
    uint32_t open;
} hand_t;

static int
hand_work (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    uint64_t timer;
    int number;
    check_eq (zanni_read (msg, &number), 0);
    job_t *job = &jobs [number];
    job->begun++;
    check (job->begun <= (job->repeatable ? ATTEMPTS : 1));
    check (!ahead || hand->open < ahead);
    handled += job->told;
    zanni_sim_spend (scene_now->world, scene_draw (3000));
    if (job->how == EXITS) {
        int rc = job->told ? 0 : zanni_promise_new (self, &hand->promises [number], msg);   // else this is its answer
        return rc ? rc : zanni_exit_error (self, 9, "as told");
    }
    if (job->told || job->how == AT_ONCE)
        return zanni_reply (self, msg, number);
    if (job->how == FAILS)
        return zanni_fail (self, msg, 7, "no");
    if (job->how == SAYS_DOWN)
        return ZANNI_EDOWN;   // as if somebody were
    hand->open++;
    check_eq (zanni_promise_new (self, &hand->promises [number], msg), 0);
    return job->how == LATER ? zanni_timer (self, &timer, scene_draw (10), 0, "later") : 0;
}

/* The first of those that are to be answered. */
static int
hand_later (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    (void) msg;
    for (int i = 0; i < JOBS; i++)
        if (hand->promises [i] && jobs [i].how == LATER) {
            hand->open--;
            return zanni_promise_reply (self, &hand->promises [i], i);
        }
    return 0;
}

static const zanni_method_t hand_methods [] = {
    ZANNI_METHOD ("once", "i", "i", hand_work, "Somehow."),
    ZANNI_REPEATABLE ("again", "i", "i", hand_work, "Somehow."),
    ZANNI_PRIVATE ("later", "", "", hand_later, "Keeps a promise."),
    ZANNI_METHOD_END
};
static const zanni_class_t hand_class = { .name = "hand", .state_size = sizeof (hand_t), .methods = hand_methods };
static const zanni_class_t *const classes [] = { &hand_class, NULL };
static const scene_setup_t setup = { .classes = classes };
static const scene_setup_t slow = { .classes = classes, .world = { .latency_ns = 3 * MS, .tick_ns = 20000 } };

static zanni_ref_t *pool;

/* In its own process every class of the library's is made once, and stays. */
static void
warm_up (void)
{
    zanni_t *self = NULL;
    zanni_ref_t *ref = NULL;
    cr_assert_eq (zanni_init (classes), 0);
    cr_assert_eq (zanni_new (&self, NULL), 0);
    for (zanni_routing_t routing = ZANNI_BROADCAST; routing <= ZANNI_LEAST_BUSY; routing++) {
        const zanni_pool_options_t options = { .workers = 1, .routing = routing };
        cr_assert_eq (zanni_pool (self, &ref, "hand", &options), 0);
        zanni_ref_destroy (&ref);
    }
    cr_assert_eq (zanni_destroy (&self), 0);
}

static void
begin_pool (zanni_pool_options_t options)
{
    static const zanni_routing_t routings [] = {
        ZANNI_ROUND_ROBIN, ZANNI_RANDOM, ZANNI_BY_KEY, ZANNI_LEAST_BUSY, ZANNI_PULL
    };
    zanni_spawn_t spawn = {
        .place = scene_draw (6) ? ZANNI_SHARED : ZANNI_THREAD,
        .mailbox_messages = scene_draw (2) ? 1 + scene_draw (6) : 0
    };
    options.workers = 1 + scene_draw (4);
    options.routing = routings [scene_draw (5)];
    options.spawn = &spawn;
    options.restarts = 65535;
    options.attempts = ATTEMPTS;
    memset (jobs, 0, sizeof jobs);
    count = handled = 0;
    check_eq (zanni_pool (scene_now->self, &pool, "hand", &options), 0);
}

static void
on_answer (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    job_t *job = arg;
    zanni_error_t error;
    int number;
    (void) self;
    job->answers++;
    if (!zanni_msg_error (reply, &error)) {
        job->code = error.code;
        return;
    }
    check_eq (zanni_read (reply, &number), 0);
    check_eq (number, job - jobs);
}

static void
send_job (job_t what, int64_t deadline_ms)
{
    job_t *job = &jobs [count];
    *job = what;
    const char *method = what.repeatable ? "again" : "once";
    const zanni_ask_t ask = { .then = on_answer, .arg = job, .deadline_ms = deadline_ms, .id_p = &job->ask };
    int rc = what.told ? zanni_tell (scene_now->self, pool, method, count)
                       : zanni_ask (scene_now->self, pool, &ask, method, count);
    if (!rc)
        count++;
    check (!rc || rc == ZANNI_EFULL || rc == ZANNI_ENOACTOR);
}

static void
resize (void)
{
    int rc = zanni_pool_resize (scene_now->self, pool, 1 + scene_draw (5));
    check (!rc || rc == ZANNI_ENOACTOR);
}

static bool drained;

static void
on_drained (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    (void) self, (void) arg;
    drained = zanni_msg_kind (reply) == ZANNI_MSG_REPLY;
}

/* All that was sent before is done. */
static void
drain (void)
{
    const zanni_ask_t ask = { .then = on_drained, .deadline_ms = -1 };
    drained = false;
    check_eq (zanni_pool_drain_ask (scene_now->self, pool, &ask), 0);
}

static void
end_pool (void)
{
    zanni_ref_destroy (&pool);
    scene_pass (1000);
    check_eq (scene_stats ().actors, 1);
}

/* Nobody ends but those who leave, and everything is done, in every kind of pool. */
static void
play (scene_t *scene)
{
    ahead = scene_draw (3);
    begin_pool ((zanni_pool_options_t) { .ahead = ahead ? ahead : ZANNI_POOL_AHEAD });
    for (int i = 0; i < JOBS; i++) {
        job_t job = {
            .how = scene_draw (3) ? AT_ONCE : LATER, .repeatable = scene_draw (2), .told = scene_draw (3) == 0
        };
        if (!ahead && !job.repeatable)
            job.how = AT_ONCE;   // who leaves may end before it answers such a one, for that is not the pool's
        send_job (job, -1);
        if (scene_draw (10) == 0)
            resize ();
        if (scene_draw (10) == 0)
            check_eq (zanni_run (scene->self, scene_draw (5)), 0);
    }
    drain ();
    scene_pass (5000);
    check (drained);
    int told = 0;
    for (int i = 0; i < count; i++) {
        check_eq (jobs [i].begun, 1);
        check_eq (jobs [i].answers, !jobs [i].told);
        check_eq (jobs [i].code, 0);
        told += jobs [i].told;
    }
    check_eq (handled, told);
    check_eq (scene_stats ().dead_letters, 0);
    end_pool ();
}

Test (pool, does_each_job_once)
{
    warm_up ();
    scene_run (&setup, play);
    scene_run (&slow, play);
}

/* Anything may happen, at any moment. Those that nobody answers have a deadline. */
static void
play_wild (scene_t *scene)
{
    ahead = 0;
    begin_pool ((zanni_pool_options_t) { .ahead = scene_draw (3) ? 1 + scene_draw (3) : ZANNI_POOL_AHEAD });
    for (int i = 0; i < JOBS; i++) {
        job_t job = {
            .how = scene_draw (3) ? AT_ONCE : (how_t) scene_draw (HOWS), .repeatable = scene_draw (2),
            .told = scene_draw (3) == 0
        };
        send_job (job, job.how == NEVER || scene_draw (5) == 0 ? 1 + (int64_t) scene_draw (50) : -1);
        if (scene_draw (10) == 0)
            resize ();
        if (scene_draw (10) == 0)
            check_eq (zanni_run (scene->self, scene_draw (5)), 0);
        if (scene_draw (10) == 0 && count)
            check_eq (zanni_cancel (scene->self, jobs [scene_draw ((uint32_t) count)].ask), 0);
    }
    int sent = count;
    bool drains = scene_draw (3);
    if (drains) {
        drain ();
        check_eq (zanni_run (scene->self, scene_draw (5)), 0);
        send_job ((job_t) { .repeatable = true }, -1);   // too late
        resize ();
    }
    else if (scene_draw (2))
        check_eq (scene_draw (2) ? zanni_kill (scene->self, pool) : zanni_stop (scene->self, pool), 0);
    else
        zanni_ref_destroy (&pool);
    scene_pass (5000);
    for (int i = 0; i < count; i++) {
        check_eq (jobs [i].answers, !jobs [i].told);
        if (i >= sent)
            check (jobs [i].code == ZANNI_ECLOSED || jobs [i].code == ZANNI_EDOWN || jobs [i].code == ZANNI_ENOACTOR);
    }
    zanni_ref_destroy (&pool);
    scene_pass (1000);
    if (!drains)
        check_eq (scene_stats ().actors, 1);
    else   // a worker that answers never does not leave before its asker gives up, which all have
        check (drained && scene_stats ().actors == 1);
}

Test (pool, ends_each_job_once_whatever_happens)
{
    warm_up ();
    scene_run (&setup, play_wild);
    scene_run (&slow, play_wild);
}

/* Jobs that end whoever does them among others. */
static void
play_fatal (scene_t *scene)
{
    uint32_t fatal = 1 + scene_draw (3);
    ahead = 0;
    begin_pool ((zanni_pool_options_t) { .ahead = scene_draw (2) ? 1 + scene_draw (3) : ZANNI_POOL_AHEAD });
    for (int i = 0; i < JOBS; i++) {
        bool ends = scene_draw (JOBS) < fatal;
        send_job ((job_t) { .how = ends ? EXITS : scene_draw (4) ? AT_ONCE : LATER, .repeatable = true }, -1);
        if (scene_draw (20) == 0)
            resize ();
        if (scene_draw (20) == 0)
            check_eq (zanni_run (scene->self, scene_draw (5)), 0);
    }
    scene_pass (5000);
    for (int i = 0; i < count; i++) {
        const job_t *job = &jobs [i];
        check_eq (job->answers, 1);
        check_eq (job->code, job->how == EXITS ? ZANNI_EDOWN : 0);
        check (job->begun >= 1);
    }
    drain ();
    scene_pass (1000);
    check (drained);
    end_pool ();
}

Test (pool, loses_no_job_but_the_one_that_ends_its_workers)
{
    warm_up ();
    scene_run (&setup, play_fatal);
    scene_run (&slow, play_fatal);
}
