/* Pools that grow, shrink and are drained while they work, and jobs that end whoever does them. */

#include "pool.h"

CLASSES (&hand_class, &runner_class);

#define DIES (place == ZANNI_PROCESS)   // by a signal; elsewhere by itself
#define KEYS 20
#define JOBS 20

/* Asks to hold, and who does then. */
static zanni_ref_t *
hold (const zanni_ref_t *pool, uint64_t *ask, const char *method)
{
    cr_assert_eq (zanni_ask (root, pool, FOREVER (ask), method, zanni_self (root)), 0);
    return holder ();
}

/* The second leaves with a job that it does not finish. */
EVERYWHERE (pool, repeats_a_job_of_one_who_leaves_while_it_is_drained)
{
    uint64_t first, second, drains;
    ZANNI_AUTO (zanni_ref_t) pool = pool_of ((zanni_pool_options_t) { .workers = 2, .ahead = 1 });
    zanni_ref_t *one = hold (pool, &first, "keep");
    zanni_ref_t *other = hold (pool, &second, "keep");
    cr_assert_eq (zanni_pool_resize (root, pool, 1), 0);
    tell (one, "release");
    ZANNI_AUTO (zanni_msg_t) answer = answer_to (first, 0);
    zanni_ref_destroy (&one);
    cr_assert_eq (zanni_pool_drain_ask (root, pool, FOREVER (&drains)), 0);
    cr_assert_eq (status_of (pool).given, 1);
    tell (other, "die", DIES);
    zanni_ref_destroy (&other);
    one = holder ();
    tell (one, "release");
    zanni_ref_destroy (&one);
    ZANNI_AUTO (zanni_msg_t) repeated = answer_to (second, 0);
    ZANNI_AUTO (zanni_msg_t) drained = answer_to (drains, 0);
}

/* One after the other: of whom they came in one row it takes no other along. */
EVERYWHERE (pool, loses_no_repeatable_job_but_the_one_that_ends_its_workers)
{
    uint64_t fatal, ask;
    int good = 0;
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 2, .ahead = ZANNI_POOL_AHEAD, .restarts = 100 });
    for (int i = 0; i < JOBS; i++) {
        cr_assert_eq (zanni_ask (root, pool, FOREVER (&ask), "square", i), 0);
        if (i == 3)
            cr_assert_eq (zanni_ask (root, pool, FOREVER (&fatal), "fatal", DIES), 0);
    }
    for (int i = 0; i < JOBS + 1; i++) {
        ZANNI_AUTO (zanni_msg_t) answer = NULL;
        cr_assert_eq (zanni_receive (root, &answer, PATIENCE_MS), 0);
        bool lost = zanni_msg_kind (answer) == ZANNI_MSG_ERROR;
        cr_assert_eq (lost, zanni_msg_id (answer) == fatal);
        good += !lost;
    }
    cr_assert_eq (good, JOBS);
    zanni_pool_status_t status = status_of (pool);
    cr_assert_eq (status.lost, 1);
    cr_assert_eq (status.ended, 3);
}

/* Its worker blocks, with a mailbox that is full. */
CONFORM_ONCE (pool, begins_no_job_that_was_cancelled_while_it_waited, ZANNI_THREAD)
{
    const zanni_spawn_t how = { .place = ZANNI_THREAD, .mailbox_messages = 2 };
    ZANNI_AUTO (zanni_ref_t) pool = NULL;
    int fds [2];
    uint64_t ask = 0;
    cr_assert_eq (pipe2 (fds, O_CLOEXEC), 0);
    cr_assert_eq (zanni_pool (root, &pool, "hand", &((zanni_pool_options_t) { .workers = 1, .spawn = &how }), 5), 0);
    tell (pool, "block", fds [0]);
    for (int i = 0; i < 10; i++)
        cr_assert_eq (zanni_ask (root, pool, FOREVER (&ask), "report", zanni_self (root), i < 9 ? "good" : "bad"), 0);
    cr_assert_gt (status_of (pool).waiting, 0);
    cr_assert_eq (zanni_cancel (root, ask), 0);
    ZANNI_AUTO (zanni_msg_t) cancelled = answer_to (ask, ZANNI_ECANCELED);
    cr_assert_gt (status_of (pool).waiting, 0, "the pool has heard of it by now");
    cr_assert_eq (write (fds [1], "", 1), 1);
    for (int i = 0; i < 18; i++) {   // each says its line and is answered
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        const char *line = "";
        cr_assert_neq (zanni_msg_kind (msg), ZANNI_MSG_ERROR);
        if (zanni_msg_kind (msg) == ZANNI_MSG_TELL)
            cr_assert (!zanni_read (msg, &line) && !strcmp (line, "good"), "%s", line);
    }
    cr_assert_eq (call_int (pool, "first"), 5);
    expect_nothing ();
    close (fds [0]);
    close (fds [1]);
}

EVERYWHERE (pool, that_grew_bears_more_ends)
{
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 1, .ahead = 1, .restart_ms = 3600000 });
    uint64_t ask;
    cr_assert_eq (zanni_pool_resize (root, pool, 2), 0);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq (zanni_ask (root, pool, FOREVER (&ask), "die", DIES), 0);
        ZANNI_AUTO (zanni_msg_t) lost = answer_to (ask, ZANNI_EDOWN);
    }
    cr_assert_eq (call_int (pool, "square", 3), 9);
    cr_assert_eq (status_of (pool).ended, 5);
}

/* Who has a key, by one of the answers; that of the one that held the first is passed over. */
static void
take_who (int64_t *who, const uint64_t *asks, uint64_t held)
{
    ZANNI_AUTO (zanni_msg_t) answer = NULL;
    int i = 0;
    cr_assert_eq (zanni_receive (root, &answer, PATIENCE_MS), 0);
    if (zanni_msg_id (answer) == held) {   // not one of them: the next
        zanni_msg_destroy (&answer);
        cr_assert_eq (zanni_receive (root, &answer, PATIENCE_MS), 0);
    }
    while (i < KEYS && asks [i] != zanni_msg_id (answer))
        i++;
    cr_assert_lt (i, KEYS);
    cr_assert_eq (zanni_read (answer, &who [i]), 0);
}

EVERYWHERE (pool, that_grew_moves_what_waits_with_its_key)
{
    uint64_t held, asks [KEYS];
    int64_t who [KEYS];
    int moved = 0;
    ZANNI_AUTO (zanni_ref_t) pool =
        pool_of ((zanni_pool_options_t) { .workers = 1, .routing = ZANNI_BY_KEY, .ahead = 1 });
    ZANNI_AUTO (zanni_ref_t) busy = hold (pool, &held, "hold");
    int64_t first = (int64_t) (zanni_ref_hash (busy) >> 1);
    for (int64_t i = 0; i < KEYS; i++)
        cr_assert_eq (zanni_ask (root, pool, FOREVER (&asks [i]), "of", i), 0);
    cr_assert_eq (status_of (pool).waiting, KEYS);
    cr_assert_eq (zanni_pool_resize (root, pool, 2), 0);
    take_who (who, asks, held);   // of the new one, though the first one is busy
    tell (busy, "release");
    for (int i = 1; i < KEYS; i++)
        take_who (who, asks, held);
    for (int64_t i = 0; i < KEYS; i++) {
        cr_assert_eq (call_int (pool, "of", i), who [i]);
        moved += who [i] != first;
    }
    cr_assert (moved > 2 && moved < KEYS - 2, "%d keys have moved", moved);
}
