/* Rows of tells to processes: whoever, whatever and however mixed, each arrives once, at whom it was for, by the method
   that was called, in order. */

#include "process.h"

#define SENDERS 3
#define MOST 20

/* What an actor has got: how many, and how many of them were not the next, or not for it. */
typedef struct {
    int64_t last [SENDERS];
    int64_t wrong;
    int64_t number;
} ledger_t;

static int
note (zanni_t *self, zanni_msg_t *msg, int64_t method)
{
    ledger_t *ledger = zanni_state (self);
    int64_t to, by, sender, number;
    int rc = zanni_read (msg, &to, &by, &sender, &number);
    if (rc)
        return rc;
    bool good = to == ledger->number && by == method && sender < SENDERS && number == ledger->last [sender] + 1;
    ledger->wrong += !good;
    if (sender < SENDERS)
        ledger->last [sender] = number;
    return 0;
}

static int
ledger_plain (zanni_t *self, zanni_msg_t *msg)
{
    return note (self, msg, 0);
}

static int
ledger_other (zanni_t *self, zanni_msg_t *msg)
{
    return note (self, msg, 1);
}

/* With text, which may be too long for the short form. */
static int
ledger_text (zanni_t *self, zanni_msg_t *msg)
{
    return note (self, msg, 2);
}

static int
ledger_buffer (zanni_t *self, zanni_msg_t *msg)
{
    return note (self, msg, 3);
}

static int
ledger_ref (zanni_t *self, zanni_msg_t *msg)
{
    return note (self, msg, 4);
}

static int
ledger_sum (zanni_t *self, zanni_msg_t *msg)
{
    const ledger_t *ledger = zanni_state (self);
    return zanni_reply (self, msg, ledger->last [0], ledger->last [1], ledger->last [2], ledger->wrong);
}

static int
ledger_spawn (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    ZANNI_AUTO (zanni_ref_t) other = NULL;
    int rc = zanni_read (msg, &number);
    if (!rc)
        rc = zanni_spawn (self, &other, "ledger", &(zanni_spawn_t) { .place = ZANNI_HERE }, number);
    return rc ? rc : zanni_reply (self, msg, other);
}

static int
ledger_end (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static int
ledger_start (zanni_t *self, zanni_msg_t *msg)
{
    ledger_t *ledger = zanni_state (self);
    return zanni_read (msg, &ledger->number);
}

static const zanni_method_t ledger_methods [] = {
    ZANNI_METHOD ("plain", "xxxx", "", ledger_plain, ""),
    ZANNI_METHOD ("other", "xxxx", "", ledger_other, ""),
    ZANNI_METHOD ("text", "xxxxs", "", ledger_text, ""),
    ZANNI_METHOD ("buffer", "xxxxB", "", ledger_buffer, ""),
    ZANNI_METHOD ("ref", "xxxxr", "", ledger_ref, ""),
    ZANNI_METHOD ("sum", "", "xxxx", ledger_sum, ""),
    ZANNI_METHOD ("spawn", "x", "r", ledger_spawn, ""),
    ZANNI_METHOD ("end", "", "", ledger_end, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t ledger_class = {
    .name = "ledger", .state_size = sizeof (ledger_t), .start_in = "x", .start = ledger_start,
    .methods = ledger_methods
};

/* Sends what it is told to, as a further sender: an actor beside the root, or on a worker of its own. */
typedef struct {
    const zanni_ref_t *const *refs;
    int64_t count;
    int64_t sender;
    unsigned seed;
} plan_t;

static zanni_buffer_t *buffer, *big;   // the second leaves in pieces, which the others of its two wait behind
static char text [400];

static int
send_one (zanni_t *self, const plan_t *plan, int64_t to, int64_t by, int64_t number)
{
    const zanni_ref_t *ref = plan->refs [to];
    int64_t sender = plan->sender;
    switch (by) {
    case 0:
        return zanni_tell_wait (self, ref, DEADLINE_MS, "plain", to, by, sender, number);
    case 1:
        return zanni_tell_wait (self, ref, DEADLINE_MS, "other", to, by, sender, number);
    case 2:
        return zanni_tell_wait (self, ref, DEADLINE_MS, "text", to, by, sender, number, text + number % 400);
    case 3:
        return zanni_tell_wait (self, ref, DEADLINE_MS, "buffer", to, by, sender, number, number % 40 ? buffer : big);
    default:
        return zanni_tell_wait (self, ref, DEADLINE_MS, "ref", to, by, sender, number, ref);
    }
}

/* Rows of random length, to a random actor by a random method. Most are plain, and told, as a program would. */
static int
send_rows (zanni_t *self, const plan_t *plan)
{
    int64_t numbers [2] = { 0, 0 };
    unsigned seed = plan->seed;
    int rc = 0;
    for (int64_t sent = 0; !rc && sent < plan->count;) {
        int64_t to = rand_r (&seed) % 2;
        int64_t by = rand_r (&seed) % 3 ? rand_r (&seed) % 2 : rand_r (&seed) % 5;
        for (int row = rand_r (&seed) % MOST; !rc && row >= 0 && sent < plan->count; row--, sent++) {
            int64_t number = ++numbers [to];
            rc = by == 0 ? zanni_tell (self, plan->refs [to], "plain", to, by, plan->sender, number) : ZANNI_EFULL;
            if (rc == ZANNI_EFULL)
                rc = send_one (self, plan, to, by, number);
        }
    }
    return rc;
}

static int
rower_run (zanni_t *self)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    const void *at;
    int64_t address;
    int rc = zanni_receive (self, &msg, DEADLINE_MS);
    if (!rc)
        rc = zanni_read (msg, &address);
    if (rc)
        return rc;
    at = (const void *) (intptr_t) address;
    rc = send_rows (self, at);
    return rc ? rc : zanni_reply (self, msg);
}

static const zanni_method_t rower_methods [] = {
    ZANNI_METHOD ("row", "x", "", NULL, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t rower_class = { .name = "rower", .methods = rower_methods, .run = rower_run };

/* Always has something to do, until it is told that there was enough of that. */
static bool enough;
static int64_t turns_left;

static int
restless_go (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    for (int64_t until_ns = zanni_now_ns (self) + 500000; zanni_now_ns (self) < until_ns;) {}
    return enough || --turns_left <= 0 ? 0 : zanni_tell (self, zanni_self (self), "go");
}

static const zanni_method_t restless_methods [] = {
    ZANNI_METHOD ("go", "", "", restless_go, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t restless_class = { .name = "restless", .methods = restless_methods };

CLASSES (&ledger_class, &rower_class, &restless_class, &worker_class);
PROCESS_SUITE (rows);

static int64_t
sum_of (const zanni_ref_t *ref)
{
    int64_t last [3] = { 0 }, wrong = -1;
    ZANNI_AUTO (zanni_msg_t) reply = call (ref, "sum");
    cr_assert_eq (zanni_read (reply, &last [0], &last [1], &last [2], &wrong), 0);
    cr_assert_eq (wrong, 0, "%" PRId64 " came wrongly", wrong);
    return last [0] + last [1] + last [2];
}

static void
set_up_text (void)
{
    memset (text, 'z', sizeof text - 1);
    cr_assert_eq (zanni_buffer_new (root, &buffer, 100), 0);
    cr_assert_eq (zanni_buffer_new (root, &big, (size_t) 3 << 20), 0);
}

static void
tear_down_text (void)
{
    zanni_buffer_destroy (&buffer);
    zanni_buffer_destroy (&big);
}

Test (rows, of_one_sender_arrive_in_order_each_at_its_own)
{
    set_up_text ();
    for (unsigned seed = 1; seed <= 5; seed++) {
        ZANNI_AUTO (zanni_ref_t) one = spawn_with (&(zanni_spawn_t) { .place = ZANNI_PROCESS }, "ledger", 0);
        ZANNI_AUTO (zanni_ref_t) other = kept (one, "spawn", 1);
        const zanni_ref_t *refs [] = { one, other };
        const plan_t plan = { .refs = refs, .count = 20000, .sender = 0, .seed = seed };
        cr_assert_eq (send_rows (root, &plan), 0);
        cr_assert_eq (sum_of (one) + sum_of (other), 20000);
    }
    tear_down_text ();
}

Test (rows, of_several_senders_arrive_in_order_each_at_its_own)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_with (&(zanni_spawn_t) { .place = ZANNI_PROCESS }, "ledger", 0);
    ZANNI_AUTO (zanni_ref_t) other = kept (one, "spawn", 1);
    const zanni_ref_t *refs [] = { one, other };
    set_up_text ();
    plan_t plans [SENDERS];
    zanni_ref_t *rowers [SENDERS];
    uint64_t ids [SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        plans [i] = (plan_t) { .refs = refs, .count = 20000, .sender = i, .seed = (unsigned) i + 7 };
        rowers [i] = spawn_with (&(zanni_spawn_t) { .place = ZANNI_THREAD }, "rower");
        ids [i] = ask (rowers [i], "row", (int64_t) (intptr_t) &plans [i]);
    }
    for (int i = 0; i < SENDERS; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_REPLY);
        cr_assert (zanni_msg_id (msg) == ids [0] || zanni_msg_id (msg) == ids [1] || zanni_msg_id (msg) == ids [2]);
    }
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * DEADLINE_MS;
    while (sum_of (one) + sum_of (other) != 20000 * SENDERS)   // others' ways are not this one's
        cr_assert_lt (zanni_now_ns (root), until_ns);
    for (int i = 0; i < SENDERS; i++)
        zanni_ref_destroy (&rowers [i]);
    tear_down_text ();
}

/* Those behind the end of their receiver are dead letters, and the other's still arrive. */
Test (rows, to_one_that_ends_amid_them_do_not_go_astray)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_with (&(zanni_spawn_t) { .place = ZANNI_PROCESS }, "ledger", 0);
    ZANNI_AUTO (zanni_ref_t) other = kept (one, "spawn", 1);
    uint64_t down = monitor (other);
    for (int64_t i = 1; i <= 1000; i++) {
        cr_assert_eq (zanni_tell (root, other, "plain", 1, 0, 0, i), 0);
        if (i == 500)
            cr_assert_eq (zanni_tell (root, other, "end"), 0);
    }
    for (int64_t i = 1; i <= 1000; i++)
        cr_assert_eq (zanni_tell (root, one, "plain", 0, 0, 0, i), 0);
    cr_assert_eq (sum_of (one), 1000);
    expect_reason (down, "normal");
}

static void
has_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    (void) arg;
    enough = zanni_msg_kind (reply) == ZANNI_MSG_REPLY;
    cr_assert_eq (zanni_exit (self), 0);   // ends zanni_run
}

/* What was taken by zanni_receive is no work that is left: an answer comes through, though somebody always has some. */
Test (rows, that_were_received_do_not_keep_away_what_comes_later)
{
    const int64_t count = 20000;
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (0);
    done (ref, "hold", zanni_self (root));
    uint64_t id = ask (ref, "send", 0, count, 0);
    for (int64_t i = 0; i < count; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        cr_assert_str_eq (zanni_msg_method (msg), "note");
    }
    ZANNI_AUTO (zanni_msg_t) sent = next ();
    cr_assert_eq (zanni_msg_id (sent), id);
    cr_assert_eq (zanni_run (root, 100), 0);   // nothing is due by then that would make it look
    turns_left = 4000;   // 2 s at least
    ZANNI_AUTO (zanni_ref_t) restless = spawn_with (&(zanni_spawn_t) { .place = ZANNI_HERE }, "restless");
    cr_assert_eq (zanni_tell (root, restless, "go"), 0);
    const zanni_ask_t patient = { .then = has_answered, .deadline_ms = 3600000 };
    cr_assert_eq (zanni_ask (root, ref, &patient, "add", 1), 0);
    cr_assert_eq (zanni_run (root, 4 * DEADLINE_MS), 0);
    cr_assert (enough);
    cr_assert_gt (turns_left, 0, "it was answered when nothing else was left to do");
    done (ref, "drop");
}
