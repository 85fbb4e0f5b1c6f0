/* Every job ends exactly once. Askers on all workers ask and tell pools of all kinds, whose workers, shared and in
   threads, answer at once, later, with an error, not at all, or end in the middle; some asks are cancelled, some have
   a deadline of a millisecond; the pools grow and shrink all the time, and are drained in the end. Each ask has a
   counter that its answer raises. */

#define ASKER_OPEN 32

#include "asker.h"

#define S_ASKERS 3
#define S_POOLS 5

typedef struct {
    zanni_promise_t *promise;
    uint64_t random;
} hand_t;

static int
s_later (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    (void) msg;
    return hand->promise ? zanni_promise_reply (self, &hand->promise, 5) : 0;
}

static int
s_promise (zanni_t *self, hand_t *hand, zanni_msg_t *msg)
{
    uint64_t timer;
    zanni_promise_destroy (&hand->promise);   // the one before gets no answer
    if (zanni_msg_kind (msg) != ZANNI_MSG_ASK)
        return 0;
    STRESS_OK (zanni_timer (self, &timer, 1, 0, "later"));
    return zanni_promise_new (self, &hand->promise, msg);
}

static int
s_work (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    int64_t key;
    STRESS_OK (zanni_read (msg, &key));
    if (!hand->random)
        hand->random = (uint64_t) key + 7;
    switch (stress_random (&hand->random, 8)) {
    case 0:
        return s_promise (self, hand, msg);
    case 1:
        return zanni_msg_kind (msg) == ZANNI_MSG_ASK ? zanni_fail (self, msg, 7, "no") : 0;
    case 2:
        return ZANNI_EDOWN;   // as if somebody were
    case 3:
        return stress_random (&hand->random, 20) ? 0 : zanni_exit (self);
    default:
        return zanni_reply (self, msg, key);
    }
}

static const zanni_method_t s_hand_methods [] = {
    ZANNI_METHOD ("once", "x", "x", s_work, "Answers somehow."),
    ZANNI_REPEATABLE ("again", "x", "x", s_work, "Answers somehow."),
    ZANNI_PRIVATE ("later", "", "", s_later, "Keeps a promise."), ZANNI_METHOD_END
};
static const zanni_class_t s_hand = { .name = "hand", .state_size = sizeof (hand_t), .methods = s_hand_methods };

static int
asker_sends (zanni_t *self, asker_t *asker, const zanni_ref_t *to, const zanni_ask_t *options)
{
    static const char *const methods [] = { "once", "again" };
    const char *method = methods [stress_random (&asker->random, 2)];
    int64_t key = stress_random (&asker->random, 100);
    int rc = zanni_ask (self, to, options, method, key);
    int told = stress_random (&asker->random, 4) ? 0 : zanni_tell (self, to, method, key);
    STRESS_CHECK (rc == 0 || rc == ZANNI_EFULL);
    STRESS_CHECK (told == 0 || told == ZANNI_EFULL);
    return rc;
}

static const zanni_class_t *const s_classes [] = { &s_hand, &asker_class, NULL };

static zanni_ref_t *s_pools [S_POOLS];
static zanni_ref_t *s_askers [S_ASKERS];

static void
s_set_up (zanni_t *self, int64_t count)
{
    static const zanni_routing_t routings [S_POOLS] = {
        ZANNI_ROUND_ROBIN, ZANNI_RANDOM, ZANNI_BY_KEY, ZANNI_LEAST_BUSY, ZANNI_PULL
    };
    const zanni_spawn_t thread = { .place = ZANNI_THREAD };
    for (uint32_t i = 0; i < S_POOLS; i++) {
        const zanni_pool_options_t options = {
            .workers = 3, .routing = routings [i], .ahead = i == 2 ? 2 : 0, .restarts = 65535, .restart_ms = 1,
            .spawn = i == 4 ? &thread : NULL
        };
        STRESS_OK (zanni_pool (self, &s_pools [i], "hand", &options));
    }
    for (uint32_t i = 0; i < S_ASKERS; i++)
        s_askers [i] = asker_new (self, &(zanni_spawn_t) { .worker = i + 1 }, s_pools, S_POOLS, count, i + 77);
}

/* Grows and shrinks pools until all askers are done. */
static void
s_stir (zanni_t *self)
{
    uint64_t random = 5;
    for (int done = 0; done < S_ASKERS;) {
        zanni_msg_t *msg = NULL;
        uint32_t at = stress_random (&random, S_POOLS);
        int rc = zanni_receive (self, &msg, 1);
        STRESS_CHECK (rc == 0 || rc == ZANNI_ETIMEOUT);
        done += !rc;
        zanni_msg_destroy (&msg);
        STRESS_OK (zanni_pool_resize (self, s_pools [at], 1 + stress_random (&random, at == 4 ? 3 : 6)));
    }
}

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, 6000, 600000) / S_ASKERS;
    zanni_t *self = NULL;
    STRESS_OK (zanni_init (s_classes));
    STRESS_OK (zanni_new (&self, &(zanni_options_t) { .workers = 3, .shutdown_ms = STRESS_WAIT_MS }));
    s_set_up (self, count);
    s_stir (self);
    for (int i = 0; i < S_POOLS; i++) {
        zanni_pool_status_t status;
        STRESS_OK (zanni_pool_status (self, s_pools [i], &status));
        STRESS_OK (zanni_pool_drain (self, s_pools [i], STRESS_WAIT_MS));
        zanni_ref_destroy (&s_pools [i]);
    }
    for (int i = 0; i < S_ASKERS; i++)
        zanni_ref_destroy (&s_askers [i]);
    STRESS_OK (zanni_destroy (&self));
    printf ("ended once: %" PRId64 " jobs\n", S_ASKERS * count);
    return 0;
}
