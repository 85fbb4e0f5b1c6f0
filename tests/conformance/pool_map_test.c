/* Maps: many jobs for a pool, or for one actor, wherever they are. */

#include "pool.h"

CLASSES (&hand_class, &runner_class);

#define JOBS 300

typedef struct {
    zanni_t *self;
    int64_t jobs;              // how many there are to be
    int64_t made;
    int64_t done;
    int64_t most;              // at once
    bool ordered;
    int64_t break_at;          // `done` ends the map at that number; 0: never
    int64_t fail_at;           // `next` does
    int failures;
    int last_rc;
    int progress;
    zanni_map_progress_t last;
    const char *method;
    uint8_t seen [4096];
} work_t;

static int
make_job (void *closure, zanni_msg_t **msg_p)
{
    work_t *work = closure;
    if (work->fail_at && work->made == work->fail_at)
        return ZANNI_ESYSTEM;
    if (work->made == work->jobs)
        return 0;
    if (work->made - work->done + 1 > work->most)
        work->most = work->made - work->done + 1;
    work->made++;
    if (work->method)
        return zanni_msg_new (work->self, msg_p, work->method);
    return zanni_msg_new (work->self, msg_p, "square", work->made - 1);
}

/* Assertions stand behind the map: this runs on the test's own thread, but says too much 300 times. */
static int
take_result (void *closure, uint64_t index, int rc, zanni_msg_t *reply)
{
    work_t *work = closure;
    int64_t number = -1;
    work->failures += rc != 0;
    work->last_rc = rc;
    bool right = rc || (!zanni_read (reply, &number) && number == (int64_t) (index * index)) || work->method;
    if (work->ordered && (int64_t) index != work->done)
        right = false;
    work->seen [index] = (uint8_t) (work->seen [index] + (right ? 1 : 100));
    work->done++;
    return work->break_at && work->done == work->break_at ? ZANNI_ENOSPACE : 0;
}

static void
see_progress (void *closure, const zanni_map_progress_t *progress)
{
    work_t *work = closure;
    work->progress++;
    work->last = *progress;
}

static void
expect_each_once (const work_t *work, int64_t count)
{
    cr_assert_eq (work->done, count);
    for (int64_t i = 0; i < count; i++)
        cr_assert_eq (work->seen [i], 1, "job %" PRId64 ": %d", i, work->seen [i]);
}

static int
map_over (const zanni_ref_t *ref, work_t *work, zanni_map_t map)
{
    zanni_error_t error = { 0 };
    work->self = root;
    work->ordered = map.ordered;
    map.next = make_job;
    map.done = take_result;
    map.closure = work;
    map.error = &error;
    if (!map.deadline_ms)
        map.deadline_ms = PATIENCE_MS;
    int rc = zanni_map (root, ref, &map);
    cr_assert_eq (error.code, rc);
    return rc;
}

EVERYWHERE (map, answers_each_job_once)
{
    work_t work = { .jobs = JOBS };
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2 });
    cr_assert_eq (map_over (pool, &work, (zanni_map_t) { .in_flight = 7 }), 0);
    expect_each_once (&work, JOBS);
    cr_assert_eq (work.failures, 0);
    cr_assert_leq (work.most, 7);
}

EVERYWHERE (map, gives_results_in_order)
{
    work_t work = { .jobs = JOBS };
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 3, .routing = ZANNI_PULL });
    cr_assert_eq (map_over (pool, &work, (zanni_map_t) { .ordered = true, .in_flight = 10 }), 0);
    expect_each_once (&work, JOBS);
    cr_assert_leq (work.most, 10);
}

EVERYWHERE (map, asks_any_actor)
{
    work_t work = { .jobs = JOBS };
    ZANNI_AUTO (zanni_ref_t) hand = spawn ("hand", 1);
    cr_assert_eq (map_over (hand, &work, (zanni_map_t) { 0 }), 0);
    expect_each_once (&work, JOBS);
}

EVERYWHERE (map, of_nothing_is_done)
{
    work_t work = { .jobs = 0 };
    ZANNI_AUTO (zanni_ref_t) hand = spawn ("hand", 1);
    cr_assert_eq (map_over (hand, &work, (zanni_map_t) { .progress = see_progress }), 0);
    cr_assert_eq (work.done, 0);
    cr_assert_eq (work.progress, 1);
}

EVERYWHERE (map, tells_how_far_it_is)
{
    work_t work = { .jobs = JOBS };
    ZANNI_AUTO (zanni_ref_t) hand = spawn ("hand", 1);
    cr_assert_eq (map_over (hand, &work, (zanni_map_t) { .progress = see_progress, .progress_ms = 1 }), 0);
    cr_assert_geq (work.progress, 1);
    cr_assert_eq (work.last.begun, JOBS);
    cr_assert_eq (work.last.done, JOBS);
    cr_assert_eq (work.last.failed, 0);
}

EVERYWHERE (map, goes_on_where_jobs_fail)
{
    work_t work = { .jobs = 50, .method = "fail" };
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2, .ahead = 1 });
    cr_assert_eq (map_over (pool, &work, (zanni_map_t) { .progress = see_progress }), 0);
    expect_each_once (&work, 50);
    cr_assert_eq (work.failures, 50);
    cr_assert_eq (work.last_rc, ZANNI_EAPP);
    cr_assert_eq (work.last.failed, 50);
}

EVERYWHERE (map, goes_on_where_nobody_knows_the_method)
{
    work_t work = { .jobs = 20, .method = "nothing" };
    ZANNI_AUTO (zanni_ref_t) hand = spawn ("hand", 1);
    cr_assert_eq (map_over (hand, &work, (zanni_map_t) { .in_flight = 3 }), 0);
    expect_each_once (&work, 20);
    cr_assert_eq (work.failures, 20);
    cr_assert_eq (work.last_rc, ZANNI_ENOMETHOD);
}

EVERYWHERE (map, waits_for_room)
{
    work_t work = { .jobs = JOBS };
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 2, .routing = ZANNI_PULL, .queue = 4 });
    cr_assert_eq (map_over (pool, &work, (zanni_map_t) { .in_flight = 100 }), 0);
    expect_each_once (&work, JOBS);
    cr_assert_eq (work.failures, 0);
}

EVERYWHERE (map, ends_as_the_receiver_of_results_says)
{
    work_t work = { .jobs = JOBS, .break_at = 20 };
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2 });
    cr_assert_eq (map_over (pool, &work, (zanni_map_t) { .in_flight = 10 }), ZANNI_ENOSPACE);
    cr_assert_eq (work.done, work.made);
    expect_each_once (&work, work.made);
    cr_assert_lt (work.made, 40);
}

EVERYWHERE (map, ends_as_the_maker_of_jobs_says)
{
    work_t work = { .jobs = JOBS, .fail_at = 30 };
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2 });
    cr_assert_eq (map_over (pool, &work, (zanni_map_t) { .in_flight = 10 }), ZANNI_ESYSTEM);
    expect_each_once (&work, 30);
}

EVERYWHERE (map, ends_when_nobody_is_there)
{
    work_t work = { .jobs = JOBS };
    zanni_ref_t *hand = spawn ("hand", 1);
    uint64_t down = monitor (hand);
    cr_assert_eq (zanni_stop (root, hand), 0);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_SHUTDOWN);
    int rc = map_over (hand, &work, (zanni_map_t) { .in_flight = 4 });
    zanni_ref_destroy (&hand);
    expect_each_once (&work, work.made);
    cr_assert_eq (work.failures, work.made);
    if (!apart ())   // else that may be known with the first answer only
        cr_assert (rc < 0 && work.made < JOBS);
}

EVERYWHERE (map, repeats_jobs_whose_workers_die)
{
    once_t once;
    begin_once (&once);
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2, .ahead = 2 });
    uint64_t ask;
    const zanni_ask_t patient = { .id_p = &ask, .deadline_ms = -1 };
    cr_assert_eq (zanni_ask (root, pool, &patient, "stumble", once.path, place == ZANNI_PROCESS, 8), 0);
    work_t work = { .jobs = JOBS };
    cr_assert_eq (map_over (pool, &work, (zanni_map_t) { 0 }), 0);
    expect_each_once (&work, JOBS);
    cr_assert_eq (work.failures, 0);
    ZANNI_AUTO (zanni_msg_t) answer = answer_to (ask, 0);
    end_once (&once);
}

EVERYWHERE (map, that_does_not_block_answers_when_all_is_done)
{
    work_t work = { .self = root, .jobs = JOBS };
    uint64_t ask;
    ZANNI_AUTO (zanni_ref_t) hand = spawn ("hand", 1);
    ZANNI_AUTO (zanni_ref_t) running = NULL;
    const zanni_map_t map = { .next = make_job, .done = take_result, .closure = &work, .deadline_ms = PATIENCE_MS };
    cr_assert_eq (zanni_map_ask (root, &running, hand, &map, &((zanni_ask_t) { .id_p = &ask })), 0);
    ZANNI_AUTO (zanni_msg_t) answer = answer_to (ask, 0);
    expect_each_once (&work, JOBS);
    zanni_map_cancel (root, &running);
    cr_assert_null (running);
}

EVERYWHERE (map, that_is_cancelled_calls_nobody_any_more)
{
    work_t work = { .self = root, .jobs = JOBS };
    uint64_t ask;
    ZANNI_AUTO (zanni_ref_t) hand = spawn ("hand", 1);
    ZANNI_AUTO (zanni_ref_t) running = NULL;
    const zanni_map_t map = {
        .next = make_job, .done = take_result, .closure = &work, .in_flight = 5, .deadline_ms = PATIENCE_MS
    };
    cr_assert_eq (zanni_map_ask (root, &running, hand, &map, &((zanni_ask_t) { .id_p = &ask })), 0);
    zanni_map_cancel (root, &running);
    int64_t done = work.done;
    ZANNI_AUTO (zanni_msg_t) answer = answer_to (ask, ZANNI_ECANCELED);
    cr_assert_eq (call_int (hand, "first"), 1);
    cr_assert_eq (work.done, done);
}

/* In a shared actor, which must not block. */
static work_t runner_work;

static void
runner_over (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    (void) arg;
    (void) report (self, witness_of (self), "over: %d", (int) zanni_msg_kind (reply));
}

static int
runner_maps (zanni_t *self)
{
    const zanni_map_t map = { .next = make_job, .done = take_result, .closure = &runner_work };
    zanni_ref_t *hand = NULL, *running = NULL;
    int rc = zanni_spawn (self, &hand, "hand", NULL, 1);
    if (!rc && zanni_map (self, hand, &map) != ZANNI_EOWNER)
        rc = ZANNI_EINVAL;
    runner_work = (work_t) { .self = self, .jobs = JOBS };
    if (!rc)
        rc = zanni_map_ask (self, &running, hand, &map, &((zanni_ask_t) { .then = runner_over }));
    return rc;   // both references end with the runner
}

CONFORM_ONCE (map, runs_in_a_shared_actor, ZANNI_SHARED)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    run_in (runner, runner_maps);
    expect ("over: 2");
    expect_each_once (&runner_work, JOBS);
}

CONFORM_ONCE (map, refuses_what_makes_no_sense, ZANNI_SHARED)
{
    work_t work = { .self = root };
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) hand = spawn ("hand", 1);
    zanni_map_t map = { .next = make_job, .done = take_result, .closure = &work, .error = &error };
    cr_assert_eq (zanni_map (NULL, hand, &map), ZANNI_EINVAL);
    cr_assert_eq (zanni_map (root, hand, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_map (root, NULL, &map), ZANNI_EINVAL);
    cr_assert_not_null (strstr (error.text, "a reference"), "%s", error.text);
    map.next = NULL;
    cr_assert_eq (zanni_map (root, hand, &map), ZANNI_EINVAL);
    cr_assert_not_null (strstr (error.text, "`next`"), "%s", error.text);
    map.next = make_job;
    map.in_flight = 100000;
    cr_assert_eq (zanni_map (root, hand, &map), ZANNI_EINVAL);
    map.in_flight = 0;
    map.size = 3;
    cr_assert_eq (zanni_map (root, hand, &map), ZANNI_EINVAL);
    map.size = sizeof map;
    cr_assert_eq (zanni_map_ask (root, NULL, hand, &map, NULL), ZANNI_EINVAL);
    zanni_map_cancel (root, NULL);
    zanni_ref_t *none = NULL;
    zanni_map_cancel (root, &none);
}
