/* zanni.condition: a reentrant lock whose holder may give it up until another holder notifies it.

   It is a lock with a second line. Whoever waits there goes over to the line of the lock when it is notified or its
   time is over, and its ask is answered when it has the lock again, as many times as before. */

#include "classes.h"
#include "lock.h"

#include <inttypes.h>
#include <zanni/message.h>

typedef struct {
    zanni__lock_t lock;
    zanni__link_t waits;
} s_condition_t;

static void
s_return (s_condition_t *condition, zanni__wait_t *wait, bool notified)
{
    zanni__wait_move (&condition->lock.waiting, wait, &condition->lock.line);
    wait->item = notified ? &zanni__lock_true : &zanni__lock_false;
}

/* In the line of the lock there is another time: of one who acquires. */
static void
s_late (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    if (wait->count)
        s_return ((s_condition_t *) waiting, wait, false);
    else
        zanni__wait_fail (waiting, wait, ZANNI_ETIMEOUT, "timeout: not within %" PRId64 " ms", wait->timeout_ms);
}

/* Whoever was notified and gives up, or ends, before it is known to go on: the next one is notified instead. */
static void
s_pass_on (zanni__waiting_t *waiting, const zanni__wait_t *wait)
{
    s_condition_t *condition = (s_condition_t *) waiting;
    zanni__wait_t *next = wait->item == &zanni__lock_true ? zanni__line_first (waiting, &condition->waits) : NULL;
    if (next)
        s_return (condition, next, true);
}

static void
s_gone (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    s_pass_on (waiting, wait);
}

static void
s_back (zanni__waiting_t *waiting, zanni__wait_t *wait, bool ended)
{
    zanni__lock_back (waiting, wait, ended);
    s_pass_on (waiting, wait);
}

static const zanni__waiting_ops_t s_ops = {
    .late = s_late, .back = s_back, .gone = s_gone, .down = zanni__lock_down, .serve = zanni__lock_serve
};

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_condition_t *condition = zanni_state (self);
    (void) msg;
    condition->lock.waiting.ops = &s_ops;
    zanni__link_init (&condition->waits);
    return 0;
}

static int
s_wait (zanni_t *self, zanni_msg_t *msg)
{
    s_condition_t *condition = zanni_state (self);
    zanni__lock_t *lock = &condition->lock;
    zanni__wait_t *wait;
    int rc = zanni__lock_check (lock, msg);
    if (!rc)
        rc = zanni__wait_enter (&lock->waiting, &wait, msg, &condition->waits);
    if (rc)
        return rc;
    wait->count = lock->depth;
    zanni__grants_free (&lock->waiting, lock->holder);
    zanni__lock_free (lock);
    return zanni__wait_stay (&lock->waiting);
}

static int
s_notify_so_many (zanni_t *self, zanni_msg_t *msg, int64_t count)
{
    s_condition_t *condition = zanni_state (self);
    zanni__wait_t *wait;
    for (; count > 0 && (wait = zanni__line_first (&condition->lock.waiting, &condition->waits)); count--)
        s_return (condition, wait, true);
    (void) msg;
    return 0;
}

static int
s_notify (zanni_t *self, zanni_msg_t *msg)
{
    s_condition_t *condition = zanni_state (self);
    int64_t count;
    int rc = zanni__lock_check (&condition->lock, msg);
    if (!rc)
        rc = zanni_read (msg, &count);
    if (!rc && count < 1)
        rc = zanni__refuse (msg, ZANNI_EINVAL, "notify of %" PRId64 ": it is 1 or more", count);
    return rc ? rc : s_notify_so_many (self, msg, count);
}

static int
s_notify_all (zanni_t *self, zanni_msg_t *msg)
{
    s_condition_t *condition = zanni_state (self);
    int rc = zanni__lock_check (&condition->lock, msg);
    return rc ? rc : s_notify_so_many (self, msg, INT64_MAX);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("wait", "xt", "b", s_wait, "Gives the lock up until it is notified; whether it was, and not late."),
    ZANNI_METHOD ("notify", "x", "", s_notify, "So many who wait go on when they get the lock."),
    ZANNI_METHOD ("notify_all", "", "", s_notify_all, "All who wait do."),
    ZANNI_METHOD_END
};

const zanni_class_t zanni__condition_class = {
    .name = "zanni.condition", .parent = "zanni.rlock", .state_size = sizeof (s_condition_t), .methods = s_methods,
    .start = s_start, .text = "A lock whose holder may wait to be notified."
};
