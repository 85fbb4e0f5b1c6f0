/* A lock and a queue in a storm: processes acquire, get and put, with times that are over and asks that are given up
   at any moment, so that what they are given crosses what they give up; or that are killed at any moment. In the end
   the lock is free, it was never held by two, and the queue holds each of its items once. */

#include "conformance/support.h"

#define LONG (getenv ("ZANNI_LONG") != NULL)
#define S_ITEMS 10
#define S_PROCESSES 4
#define S_FOREVER (-1)

typedef struct {
    zanni_ref_t *lock, *queue, *inside;
    uint64_t random;
    int64_t late, held, got;   // what was given up; locks and items that were had
    bool two;                  // held the lock at once
} stormer_t;

/* xorshift; its quality is of no matter. */
static uint64_t
s_random (stormer_t *stormer, uint64_t below)
{
    stormer->random ^= stormer->random << 13;
    stormer->random ^= stormer->random >> 7;
    stormer->random ^= stormer->random << 17;
    return stormer->random % below;
}

static int
stormer_use (zanni_t *self, zanni_msg_t *msg)
{
    stormer_t *stormer = zanni_state (self);
    const zanni_ref_t *lock, *queue, *inside;
    int rc = zanni_read (msg, &lock, &queue, &inside, &stormer->random);
    if (!rc)
        rc = zanni_ref_keep (self, &stormer->lock, lock);
    if (!rc)
        rc = zanni_ref_keep (self, &stormer->queue, queue);
    return rc ? rc : zanni_ref_keep (self, &stormer->inside, inside);
}

static int
s_add (zanni_t *self, const zanni_ref_t *counter, int number, int64_t *sum)
{
    zanni_msg_t *reply = NULL;
    const zanni_ask_t options = { .deadline_ms = -1 };
    int rc = zanni_call_with (self, &reply, counter, &options, "add", number);
    if (!rc)
        rc = zanni_read (reply, sum);
    zanni_msg_destroy (&reply);
    return rc;
}

/* With the lock: nobody else is inside. */
static int
s_hold (zanni_t *self, stormer_t *stormer)
{
    int64_t sum = 0;
    int rc = s_add (self, stormer->inside, 1, &sum);
    stormer->two = stormer->two || sum != 1;
    if (!rc)
        rc = s_add (self, stormer->inside, -1, &sum);
    stormer->held++;
    return rc ? rc : zanni_call_with (self, NULL, stormer->lock, &(zanni_ask_t) { .deadline_ms = -1 }, "release");
}

/* An item that was got is put back, however long that takes. */
static int
s_return (zanni_t *self, stormer_t *stormer, zanni_msg_t *item)
{
    int64_t number;
    int rc = zanni_read (item, &number);
    stormer->got++;
    return rc ? rc : zanni_queue_put (self, stormer->queue, S_FOREVER, number);
}

/* An ask that is cancelled in the moment in which it may be answered. */
static int
s_give_up (zanni_t *self, stormer_t *stormer, const zanni_ref_t *ref, const char *method)
{
    uint64_t ask;
    const zanni_ask_t options = { .id_p = &ask };
    int rc = zanni_wait_ask (self, ref, &options, S_FOREVER, method);
    if (!rc && s_random (stormer, 2))   // others go first
        rc = zanni_call_with (self, NULL, stormer->inside, &(zanni_ask_t) { .deadline_ms = -1 }, "get");
    stormer->late++;
    return rc ? rc : zanni_cancel (self, ask);
}

/* Timeouts of the object's, deadlines of the ask's, and cancels. */
static int
s_try (zanni_t *self, stormer_t *stormer, bool gets)
{
    const zanni_ref_t *ref = gets ? stormer->queue : stormer->lock;
    const char *method = gets ? "get" : "acquire";
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_ask_t options = { .deadline_ms = 0 };
    int64_t timeout_ms = (int64_t) s_random (stormer, 2);
    uint64_t how = s_random (stormer, 4);
    if (how == 0)
        return s_give_up (self, stormer, ref, method);
    if (how < 3) {
        options.deadline_ms = 1;
        timeout_ms = S_FOREVER;
    }
    int rc = zanni_wait_call (self, &reply, ref, &options, timeout_ms, method);
    if (rc == ZANNI_ETIMEOUT) {
        stormer->late++;
        return 0;
    }
    return rc ? rc : gets ? s_return (self, stormer, reply) : s_hold (self, stormer);
}

static int
stormer_storm (zanni_t *self, zanni_msg_t *msg)
{
    stormer_t *stormer = zanni_state (self);
    int64_t count;
    int rc = zanni_read (msg, &count);
    while (!rc && stormer->late < count)
        rc = s_try (self, stormer, s_random (stormer, 2));
    return rc ? rc : zanni_reply (self, msg, stormer->late, stormer->held, stormer->got, stormer->two);
}

/* Holds the lock and is killed, or is killed while it waits for it: whichever it comes to. */
static int
stormer_fall (zanni_t *self, zanni_msg_t *msg)
{
    stormer_t *stormer = zanni_state (self);
    int rc = 0;
    (void) msg;
    for (uint64_t i = s_random (stormer, 8); !rc && i; i--)
        rc = s_try (self, stormer, false);
    if (!rc)
        rc = zanni_wait_ask (self, stormer->lock, NULL, S_FOREVER, "acquire");
    if (!rc && s_random (stormer, 2))
        rc = zanni_call_with (self, NULL, stormer->inside, &(zanni_ask_t) { .deadline_ms = -1 }, "get");
    raise (SIGKILL);
    return rc;
}

/* Cancelled asks have no callback, so their ends come here. */
static const zanni_method_t stormer_methods [] = {
    ZANNI_METHOD ("use", "rrrt", "", stormer_use, "The lock, the queue, the counter of who is inside, and a seed."),
    ZANNI_METHOD ("storm", "x", "xxxb", stormer_storm, "Gives up so many times; what came of it."),
    ZANNI_METHOD ("fall", "", "", stormer_fall, "Is killed with the lock, or before it has it."),
    ZANNI_METHOD_END
};
static const zanni_class_t stormer_class = {
    .name = "stormer", .state_size = sizeof (stormer_t), .methods = stormer_methods
};

CLASSES (&stormer_class);

static zanni_ref_t *s_lock, *s_queue, *s_inside;

static zanni_ref_t *
s_stormer (uint64_t seed)
{
    zanni_ref_t *stormer = spawn_with (&(zanni_spawn_t) { .place = ZANNI_PROCESS }, "stormer");
    done (stormer, "use", s_lock, s_queue, s_inside, seed);
    return stormer;
}

static void
s_begin (void)
{
    s_lock = spawn ("zanni.lock");
    s_queue = spawn ("zanni.queue", 0);
    s_inside = spawn ("zanni.counter", 0);
}

static void
s_end (void)
{
    zanni_ref_destroy (&s_lock);
    zanni_ref_destroy (&s_queue);
    zanni_ref_destroy (&s_inside);
}

/* All of them are still to be got; what the last ones gave up may be on its way back. */
static void
s_check_items (void)
{
    bool seen [S_ITEMS] = { false };
    for (int i = 0; i < S_ITEMS; i++) {
        ZANNI_AUTO (zanni_msg_t) item = NULL;
        int64_t number;
        cr_assert_eq (zanni_queue_get (root, &item, s_queue, 30000), 0, "%d items are left of %d", i, S_ITEMS);
        cr_assert_eq (zanni_read (item, &number), 0);
        cr_assert (number >= 0 && number < S_ITEMS && !seen [number], "item %d twice", (int) number);
        seen [number] = true;
    }
    cr_assert_eq (call_int (s_queue, "size"), 0);
}

static void
s_storm (int64_t count)
{
    zanni_ref_t *stormers [S_PROCESSES];
    int64_t late = 0, held = 0, got = 0;
    s_begin ();
    for (int i = 0; i < S_ITEMS; i++)
        cr_assert_eq (zanni_queue_put (root, s_queue, 0, i), 0);
    for (int i = 0; i < S_PROCESSES; i++) {
        const zanni_ask_t options = { .deadline_ms = -1 };
        stormers [i] = s_stormer ((uint64_t) i * 7919 + 17);
        cr_assert_eq (zanni_ask (root, stormers [i], &options, "storm", count / S_PROCESSES), 0);
    }
    for (int i = 0; i < S_PROCESSES; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        zanni_error_t error = { 0 };
        int64_t numbers [3];
        bool two;
        cr_assert_eq (zanni_receive (root, &msg, -1), 0);
        cr_assert (zanni_msg_error (msg, &error) != 0, "%s", error.text);
        cr_assert_eq (zanni_read (msg, &numbers [0], &numbers [1], &numbers [2], &two), 0);
        cr_assert_not (two, "two had the lock at once");
        late += numbers [0];
        held += numbers [1];
        got += numbers [2];
    }
    cr_assert_geq (late, count / S_PROCESSES * S_PROCESSES);
    cr_assert (held && got, "the lock was had %d times, an item %d times", (int) held, (int) got);
    for (int i = 0; i < S_PROCESSES; i++)
        zanni_ref_destroy (&stormers [i]);
    bool abandoned = true;
    cr_assert_eq (zanni_lock_acquire (root, &abandoned, s_lock, 30000), 0, "the lock is lost");
    cr_assert_not (abandoned);
    s_check_items ();
    s_end ();
}

#define S_TEST(name, where) \
    static void name##_in_##where (void); \
    Test (objects, name##_in_##where, .timeout = 900) \
    { \
        conform (classes, s_##where, name##_in_##where); \
    } \
    static void name##_in_##where (void)

static const zanni_place_t s_shared = ZANNI_SHARED, s_process = ZANNI_PROCESS;

S_TEST (lose_nothing, shared)
{
    s_storm (LONG ? 100000 : 5000);
}

S_TEST (lose_nothing, process)
{
    s_storm (LONG ? 100000 : 5000);
}

S_TEST (survive_their_holders, shared)
{
    s_begin ();
    for (int round = 0; round < (LONG ? 100 : 5); round++) {
        zanni_ref_t *stormers [S_PROCESSES];
        for (int i = 0; i < S_PROCESSES; i++) {
            stormers [i] = s_stormer ((uint64_t) (round * S_PROCESSES + i) * 7919 + 17);
            tell (stormers [i], "fall");
        }
        for (int i = 0; i < 3; i++) {
            cr_assert_eq (zanni_lock_acquire (root, NULL, s_lock, 60000), 0, "the lock is lost");
            cr_assert_eq (zanni_lock_release (root, s_lock), 0);
        }
        for (int i = 0; i < S_PROCESSES; i++)
            zanni_ref_destroy (&stormers [i]);
    }
    s_end ();
}
