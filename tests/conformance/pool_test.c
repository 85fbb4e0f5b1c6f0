/* Pools: who gets a job, what becomes of it and of those who do it, in each place that a worker can be in. */

#include "pool.h"

CLASSES (&hand_class, &runner_class);

#define DIES (place == ZANNI_PROCESS)   // by a signal; elsewhere by itself

EVERYWHERE (pool, answers_what_a_worker_answers)
{
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2 });
    for (int64_t i = 0; i < 20; i++)
        cr_assert_eq (call_int (pool, "square", i), i * i);
    cr_assert_eq (call_int (pool, "first"), 5);
}

EVERYWHERE (pool, takes_turns_by_round_robin)
{
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 3 });
    int64_t first [3];
    for (int i = 0; i < 3; i++)
        first [i] = call_int (pool, "who");
    cr_assert (first [0] != first [1] && first [1] != first [2] && first [0] != first [2]);
    for (int i = 0; i < 12; i++)
        cr_assert_eq (call_int (pool, "who"), first [i % 3]);
}

EVERYWHERE (pool, reaches_all_by_chance)
{
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 2, .routing = ZANNI_RANDOM });
    int64_t one = call_int (pool, "who");
    int tries = 0;
    while (tries < 1000 && call_int (pool, "who") == one)
        tries++;
    cr_assert_lt (tries, 1000);
}

EVERYWHERE (pool, keeps_a_key_with_its_worker)
{
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 3, .routing = ZANNI_BY_KEY });
    int64_t of [20], now [20];
    bool several = false;
    for (int64_t i = 0; i < 20; i++) {
        of [i] = call_int (pool, "of", i);
        several |= of [i] != of [0];
    }
    cr_assert (several);
    for (int64_t i = 0; i < 20; i++)
        cr_assert_eq (call_int (pool, "of", i), of [i]);
    cr_assert_eq (call_int (pool, "named", "seven"), call_int (pool, "named", "seven"));
    cr_assert_eq (zanni_pool_resize (root, pool, 2), 0);
    for (int64_t i = 0; i < 20; i++)
        now [i] = call_int (pool, "of", i);
    for (int i = 0; i < 20; i++)   // those who are left have theirs still
        for (int j = 0; j < 20; j++)
            cr_assert (now [i] == of [i] || now [j] != of [i], "key %d has moved", i);
}

EVERYWHERE (pool, refuses_a_job_without_a_key)
{
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 1, .routing = ZANNI_BY_KEY });
    cr_assert_eq (refused (&error, pool, "who"), ZANNI_EARGS);
    cr_assert_not_null (strstr (error.text, "no first argument"), "%s", error.text);
}

EVERYWHERE (pool, gives_to_the_least_busy)
{
    uint64_t ask;
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 2, .routing = ZANNI_LEAST_BUSY, .ahead = ZANNI_POOL_AHEAD });
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&ask), "hold", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_ref_t) busy = holder ();
    int64_t other = call_int (pool, "who");
    cr_assert_neq ((uint64_t) other, zanni_ref_hash (busy) >> 1);
    for (int i = 0; i < 5; i++)
        cr_assert_eq (call_int (pool, "who"), other);
    tell (busy, "release");
    ZANNI_AUTO (zanni_msg_t) answer = answer_to (ask, 0);
}

EVERYWHERE (pool, lets_jobs_wait_until_a_worker_pulls_them)
{
    uint64_t held, waits;
    const zanni_ask_t long_ask = { .id_p = &held, .deadline_ms = -1 };
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 1, .routing = ZANNI_PULL });
    cr_assert_eq (zanni_ask (root, pool, &long_ask, "hold", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_ref_t) busy = holder ();
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&waits), "square", 9), 0);
    zanni_pool_status_t status = status_of (pool);
    cr_assert_eq (status.given, 1);
    cr_assert_eq (status.waiting, 1);
    tell (busy, "release");
    ZANNI_AUTO (zanni_msg_t) first = answer_to (held, 0);
    ZANNI_AUTO (zanni_msg_t) second = answer_to (waits, 0);
}

EVERYWHERE (pool, refuses_more_than_may_wait)
{
    uint64_t ask;
    const zanni_ask_t forever = { .id_p = &ask, .deadline_ms = -1 };
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 1, .routing = ZANNI_PULL, .queue = 3 });
    cr_assert_eq (zanni_ask (root, pool, &forever, "hold", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_ref_t) busy = holder ();
    for (int i = 0; i < 3; i++)
        cr_assert_eq (zanni_ask (root, pool, &forever, "square", i), 0);
    cr_assert_eq (status_of (pool).waiting, 3, "that can be asked of a full one, too");
    int rc = zanni_ask (root, pool, &forever, "square", 4);
    cr_assert_eq (rc, ZANNI_EFULL, "%s", zanni_strerror (rc));
    tell (busy, "release");
    for (int i = 0; i < 4; i++) {
        ZANNI_AUTO (zanni_msg_t) answer = next ();
        cr_assert_eq (zanni_msg_kind (answer), ZANNI_MSG_REPLY);
    }
}

EVERYWHERE (pool, passes_an_error_of_a_worker_on)
{
    zanni_error_t error = { 0 };
    int64_t data = 0;
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 1, .ahead = 1 });
    cr_assert_eq (refused (&error, pool, "fail"), ZANNI_EAPP);
    cr_assert_eq (error.app_code, 42);
    cr_assert_str_eq (error.text, "no luck");
    cr_assert_eq (zanni_read (error.data, &data), 0);
    cr_assert_eq (data, 5);
    zanni_error_reset (&error);
    cr_assert_eq (refused (&error, pool, "down"), ZANNI_EDOWN);   // said by one that lives
    zanni_error_reset (&error);
    cr_assert_eq (call_int (pool, "square", 3), 9);
    cr_assert_eq (status_of (pool).ended, 0);
}

EVERYWHERE (pool, tells_whoever_is_next)
{
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2 });
    tell (pool, "report", zanni_self (root), "one");
    expect ("one");
    tell (pool, "report", zanni_self (root), "two");
    expect ("two");
}

EVERYWHERE (pool, tells_all_by_broadcast)
{
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 3, .routing = ZANNI_BROADCAST });
    tell (pool, "report", zanni_self (root), "here");
    for (int i = 0; i < 3; i++)
        expect ("here");
    (void) status_of (pool);
    expect_nothing ();
}

EVERYWHERE (pool, gathers_the_answers_of_all)
{
    size_t count = 0, values = 0;
    int64_t value;
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 3, .routing = ZANNI_BROADCAST });
    ZANNI_AUTO (zanni_msg_t) reply = call (pool, "square", 7);
    cr_assert_eq (zanni_enter (reply, &count), 0);
    cr_assert_eq (count, 3);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq (zanni_enter (reply, &values), 0);
        cr_assert_eq (values, 1);
        cr_assert_eq (zanni_read (reply, &value), 0);
        cr_assert_eq (value, 49);
        cr_assert_eq (zanni_leave (reply), 0);
    }
    cr_assert_eq (zanni_leave (reply), 0);
    cr_assert_eq (call_int (pool, "release"), 3, "those without an answer are counted");
    zanni_error_t error = { 0 };
    cr_assert_eq (refused (&error, pool, "fail"), ZANNI_EAPP);
    cr_assert_eq (refused (&error, pool, "itself"), ZANNI_EARGS);
    cr_assert_not_null (strstr (error.text, "references"), "%s", error.text);
    zanni_error_reset (&error);
}

EVERYWHERE (pool, is_content_with_the_first_answers)
{
    uint64_t ask;
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 2, .routing = ZANNI_BROADCAST, .enough = 1 });
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&ask), "hold", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_ref_t) one = holder ();
    ZANNI_AUTO (zanni_ref_t) other = holder ();
    tell (one, "release");
    ZANNI_AUTO (zanni_msg_t) answer = answer_to (ask, 0);
    uint32_t good = 0;
    cr_assert_eq (zanni_read (answer, &good), 0);
    cr_assert_eq (good, 1);
}

/* Whether they hold it by then or do not, nobody has answered. */
EVERYWHERE (pool, answers_when_the_time_is_over)
{
    uint64_t ask, id = 0;
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 2, .routing = ZANNI_BROADCAST, .gather_ms = 100 });
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&ask), "hold", zanni_self (root)), 0);
    while (id != ask) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        zanni_error_t error = { 0 };
        cr_assert_eq (zanni_receive (root, &msg, PATIENCE_MS), 0);
        id = zanni_msg_id (msg);
        cr_assert_eq (zanni_msg_error (msg, &error), id == ask ? 0 : ZANNI_EINVAL);
        cr_assert_eq (error.code, id == ask ? ZANNI_ETIMEOUT : 0);
    }
}

EVERYWHERE (pool, gives_a_repeatable_job_to_another_when_its_worker_dies)
{
    once_t once;
    begin_once (&once);
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2, .ahead = 1 });
    cr_assert_eq (call_int (pool, "stumble", once.path, DIES, 3), 3);
    zanni_pool_status_t status = status_of (pool);
    cr_assert_eq (status.repeated, 1);
    cr_assert_eq (status.ended, 1);
    cr_assert_eq (status.lost, 0);
    end_once (&once);
}

EVERYWHERE (pool, says_that_a_job_was_lost_with_its_worker)
{
    uint64_t waits;
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 1, .ahead = 1 });
    uint64_t dies;
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&dies), "die", DIES), 0);
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&waits), "first"), 0);
    ZANNI_AUTO (zanni_msg_t) lost = answer_to (dies, ZANNI_EDOWN);
    cr_assert_eq (zanni_msg_error (lost, &error), 0);
    cr_assert_not_null (strstr (error.text, DIES ? "signal 9" : "told to"), "%s", error.text);
    cr_assert_not_null (strstr (error.text, "not declared repeatable"), "%s", error.text);
    ZANNI_AUTO (zanni_msg_t) done = answer_to (waits, 0);   // by the one that came instead
    zanni_pool_status_t status = status_of (pool);
    cr_assert_eq (status.lost, 1);
    cr_assert_eq (status.ended, 1);
}

EVERYWHERE (pool, gives_up_a_job_that_ends_whoever_takes_it)
{
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 1, .ahead = 1, .attempts = 2, .restarts = 10 });
    uint64_t ask;
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&ask), "fatal", DIES), 0);
    ZANNI_AUTO (zanni_msg_t) lost = answer_to (ask, ZANNI_EDOWN);
    cr_assert_eq (zanni_msg_error (lost, &error), 0);
    cr_assert_not_null (strstr (error.text, "begun 2 times"), "%s", error.text);
    cr_assert_eq (status_of (pool).ended, 2);
    cr_assert_eq (call_int (pool, "square", 4), 16);
}

EVERYWHERE (pool, ends_when_too_many_workers_have_ended)
{
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 1, .ahead = 1, .restarts = 2, .restart_ms = 3600000 });
    uint64_t down = monitor (pool);
    for (int i = 0; i < 3; i++)
        tell (pool, "die", DIES);
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    cr_assert_eq (zanni_receive (root, &msg, PATIENCE_MS), 0);
    zanni_down_t end;
    cr_assert_eq (zanni_msg_down (msg, &end), 0);
    cr_assert_eq (end.monitor, down);
    cr_assert_eq (end.reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_not_null (strstr (end.reason.text, "3 workers of class hand ended"), "%s", end.reason.text);
    cr_assert_eq (zanni_pool_resize (root, pool, 2), ZANNI_ENOACTOR);
    cr_assert_neq (zanni_pool_drain (root, pool, 0), 0);
}

EVERYWHERE (pool, grows_and_shrinks)
{
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 1, .ahead = 1 });
    uint64_t ask;
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&ask), "hold", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_ref_t) busy = holder ();
    cr_assert_eq (zanni_pool_resize (root, pool, 3), 0);
    cr_assert_eq (call_int (pool, "square", 2), 4, "there is somebody new");
    cr_assert_eq (status_of (pool).workers, 3);
    uint64_t down = monitor (busy);
    cr_assert_eq (zanni_pool_resize (root, pool, 1), 0);   // the first stays
    cr_assert_eq (zanni_pool_resize (root, pool, 2), 0);
    tell (busy, "release");
    ZANNI_AUTO (zanni_msg_t) answer = answer_to (ask, 0);
    cr_assert_eq (call_int (pool, "square", 3), 9);
    cr_assert_eq (status_of (pool).workers, 2);
    cr_assert_eq (status_of (pool).ended, 0);
    cr_assert_eq (zanni_demonitor (root, down), 0);
}

EVERYWHERE (pool, lets_a_worker_finish_before_it_leaves)
{
    uint64_t asks [2];
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2, .ahead = 1 });
    for (int i = 0; i < 2; i++)
        cr_assert_eq (zanni_ask (root, pool, FOREVER (&asks [i]), "hold", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_ref_t) one = holder ();
    ZANNI_AUTO (zanni_ref_t) other = holder ();
    cr_assert_eq (zanni_pool_resize (root, pool, 1), 0);
    cr_assert_eq (status_of (pool).given, 2);
    tell (one, "release");
    tell (other, "release");
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) answer = next ();
        cr_assert_eq (zanni_msg_kind (answer), ZANNI_MSG_REPLY);
    }
}

EVERYWHERE (pool, does_what_it_has_when_it_is_drained)
{
    uint64_t held, waits, drains;
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 1, .ahead = 1 });
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&held), "hold", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_ref_t) busy = holder ();
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&waits), "square", 6), 0);
    cr_assert_eq (zanni_pool_drain_ask (root, pool, FOREVER (&drains)), 0);
    cr_assert_eq (refused (&error, pool, "square", 5), ZANNI_ECLOSED);
    cr_assert_eq (zanni_pool_drain (root, pool, 0), ZANNI_ECLOSED);
    cr_assert_eq (refused (&error, pool, "zanni.resize", 2), ZANNI_ECLOSED);
    uint64_t down = monitor (pool);
    tell (busy, "release");
    zanni_ref_destroy (&busy);   // else it would not end
    ZANNI_AUTO (zanni_msg_t) first = answer_to (held, 0);
    ZANNI_AUTO (zanni_msg_t) second = answer_to (waits, 0);
    ZANNI_AUTO (zanni_msg_t) last = answer_to (drains, 0);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
}

EVERYWHERE (pool, that_only_hands_on_is_drained)
{
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 2, .ahead = ZANNI_POOL_AHEAD });
    for (int i = 0; i < 10; i++)
        tell (pool, "report", zanni_self (root), "done");
    cr_assert_eq (zanni_pool_drain (root, pool, PATIENCE_MS), 0);
    for (int i = 0; i < 10; i++)
        expect ("done");
}

EVERYWHERE (pool, answers_what_waits_when_it_is_stopped)
{
    uint64_t held, waits;
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 1, .ahead = 1 });
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&held), "hold", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_ref_t) busy = holder ();
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&waits), "square", 6), 0);
    cr_assert_eq (status_of (pool).waiting, 1);
    cr_assert_eq (zanni_stop (root, pool), 0);
    for (int i = 0; i < 2; i++) {
        ZANNI_AUTO (zanni_msg_t) answer = next ();
        zanni_error_t error = { 0 };
        cr_assert_eq (zanni_msg_error (answer, &error), 0);
        cr_assert_eq (error.code, ZANNI_EDOWN);
    }
}

EVERYWHERE (pool, that_is_killed_lets_its_workers_go)
{
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 1 });
    ZANNI_AUTO (zanni_msg_t) reply = call (pool, "itself");
    const zanni_ref_t *worker = NULL;
    ZANNI_AUTO (zanni_ref_t) weak = NULL;
    cr_assert_eq (zanni_read (reply, &worker), 0);
    cr_assert_eq (zanni_ref_weak (root, &weak, worker), 0);
    zanni_msg_destroy (&reply);
    uint64_t down = monitor (weak);
    cr_assert_eq (call_int (weak, "first"), 5, "it is watched by now");
    cr_assert_eq (zanni_kill (root, pool), 0);
    zanni_reason_t reason = expect_down (down, false);
    char why [128];
    cr_assert_eq (reason.kind, ZANNI_EXIT_NORMAL, "%s", zanni_reason_string (&reason, why, sizeof why));
}

EVERYWHERE (pool, can_be_asked_by_whoever_gets_its_reference)
{
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2 });
    ZANNI_AUTO (zanni_ref_t) other = spawn ("hand", 1);
    cr_assert_eq (call_int (other, "through", pool, 11), 121);
}

/* What waits in the pool is room that its sender does not have, wherever that is. */
EVERYWHERE (pool, bounds_what_may_wait_in_it)
{
    begin_again ((zanni_options_t) { .window_bytes = 256 << 10 });
    const zanni_pool_options_t options = { .workers = 1, .routing = ZANNI_PULL, .queue = 1000 };
    ZANNI_AUTO (zanni_ref_t) pool = NULL;
    uint64_t ask;
    cr_assert_eq (zanni_pool (root, &pool, "hand", &options, 5), 0);
    cr_assert_eq (zanni_ask (root, pool, FOREVER (&ask), "hold", zanni_self (root)), 0);
    ZANNI_AUTO (zanni_ref_t) busy = holder ();
    ZANNI_AUTO (zanni_ref_t) other = spawn ("hand", 1);
    int64_t told = call_int (other, "flood", pool);
    cr_assert (told >= 500 && told < 100000, "%" PRId64 " were taken", told);
    tell (busy, "release");
    ZANNI_AUTO (zanni_msg_t) answer = answer_to (ask, 0);
    cr_assert_eq (zanni_pool_drain (root, pool, PATIENCE_MS), 0);
}

EVERYWHERE (pool, describes_what_its_workers_can_do)
{
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 1 });
    ZANNI_AUTO (zanni_msg_t) reply = call (pool, "zanni.describe");
    const char *name = "";
    cr_assert_eq (zanni_read (reply, &name), 0);
    cr_assert_str_eq (name, "zanni.pool:hand");
    cr_assert_eq (refused (&error, pool, "cube", 3), ZANNI_ENOMETHOD);
    cr_assert_not_null (strstr (error.text, "has no cube"), "%s", error.text);
    cr_assert_eq (refused (&error, pool, "secret"), ZANNI_ENOMETHOD);
    cr_assert_eq (refused (&error, pool, "square", "x"), ZANNI_EARGS);
    cr_assert_not_null (strstr (error.text, "argument 1 is a string"), "%s", error.text);
}
