/* zanni.lock and zanni.rlock: a lock, held by one actor at a time; the second may be had several times by its holder.

   Who asks first gets it first. Of a lock that its holder got by a ticket and that comes back, nobody knows that it
   was held; one whose holder ended with it is abandoned, and the next one learns that. */

#include "lock.h"

#include "classes.h"

#include <zanni/message.h>

char zanni__lock_true, zanni__lock_false;

void
zanni__lock_free (zanni__lock_t *lock)
{
    lock->holder = NULL;
    lock->depth = 0;
}

static void
s_grant (zanni__lock_t *lock, zanni__wait_t *wait)
{
    zanni__client_t *client = wait->client;
    int64_t depth = wait->count ? wait->count : 1;
    bool told = lock->abandoned && !wait->item;
    const zanni_arg_t answer = zanni_arg_bool (wait->item ? wait->item == &zanni__lock_true : told);
    wait->flag = told;
    wait->count = depth;
    if (zanni__wait_answer (&lock->waiting, wait, &answer, 1))
        return;
    lock->holder = client;
    lock->depth = depth;
    lock->abandoned = lock->abandoned && !told;
}

void
zanni__lock_serve (zanni__waiting_t *waiting)
{
    zanni__lock_t *lock = (zanni__lock_t *) waiting;
    zanni__wait_t *wait;
    while (!lock->holder && (wait = zanni__line_first (waiting, &lock->line)))
        s_grant (lock, wait);
}

/* When its client has ended, all of it comes back in a moment. Grants end with a lock's release, so this one is of
   now. */
void
zanni__lock_back (zanni__waiting_t *waiting, zanni__wait_t *wait, bool ended)
{
    zanni__lock_t *lock = (zanni__lock_t *) waiting;
    if (ended || lock->holder != wait->client)
        return;
    lock->abandoned = lock->abandoned || wait->flag;
    lock->depth -= wait->count < lock->depth ? wait->count : lock->depth;   // some of it may have been released
    if (!lock->depth)
        zanni__lock_free (lock);
}

void
zanni__lock_down (zanni__waiting_t *waiting, zanni__client_t *client)
{
    zanni__lock_t *lock = (zanni__lock_t *) waiting;
    if (lock->holder != client)
        return;
    zanni__lock_free (lock);
    lock->abandoned = true;
}

const zanni__waiting_ops_t zanni__lock_ops = {
    .back = zanni__lock_back, .down = zanni__lock_down, .serve = zanni__lock_serve
};

int
zanni__lock_start (zanni_t *self, zanni_msg_t *msg)
{
    zanni__lock_t *lock = zanni_state (self);
    (void) msg;
    zanni__waiting_begin (&lock->waiting, self, &zanni__lock_ops);
    zanni__link_init (&lock->line);
    return 0;
}

static int
s_start_reentrant (zanni_t *self, zanni_msg_t *msg)
{
    zanni__lock_t *lock = zanni_state (self);
    lock->reentrant = true;
    return zanni__lock_start (self, msg);
}

/* Once more, by its holder. */
static void
s_again (zanni__lock_t *lock, zanni__wait_t *wait)
{
    const zanni_arg_t answer = zanni_arg_bool (false);
    wait->count = 1;
    if (!zanni__wait_answer (&lock->waiting, wait, &answer, 1))
        lock->depth++;
}

static int
s_acquire (zanni_t *self, zanni_msg_t *msg)
{
    zanni__lock_t *lock = zanni_state (self);
    zanni__wait_t *wait;
    zanni__client_t *client = zanni__client_of (&lock->waiting, msg);
    bool has = client && lock->holder == client;
    if (has && !lock->reentrant)
        return zanni__refuse (msg, ZANNI_EINUSE, "who asks holds the lock: it would wait for itself"
                              " (zanni.rlock may be had again)");
    int rc = zanni__wait_enter (&lock->waiting, &wait, msg, &lock->line);
    if (!rc && has)
        s_again (lock, wait);
    return rc ? rc : zanni__wait_stay (&lock->waiting);
}

int
zanni__lock_check (zanni__lock_t *lock, zanni_msg_t *msg)
{
    if (!lock->holder)
        return zanni__refuse (msg, ZANNI_EPERM, "%s: nobody holds the lock", zanni_msg_method (msg));
    if (lock->holder != zanni__client_of (&lock->waiting, msg))
        return zanni__refuse (msg, ZANNI_EPERM, "%s: another actor holds the lock", zanni_msg_method (msg));
    return 0;
}

static int
s_release (zanni_t *self, zanni_msg_t *msg)
{
    zanni__lock_t *lock = zanni_state (self);
    int rc = zanni__lock_check (lock, msg);
    if (rc)
        return rc;
    if (!--lock->depth) {
        zanni__grants_free (&lock->waiting, lock->holder);   // who releases it has got it
        zanni__lock_free (lock);
        lock->waiting.ops->serve (&lock->waiting);
    }
    return 0;
}

static int
s_holder (zanni_t *self, zanni_msg_t *msg)
{
    zanni__lock_t *lock = zanni_state (self);
    const zanni__client_t *client = zanni__client_of (&lock->waiting, msg);
    return zanni_reply (self, msg, lock->depth, client && lock->holder == client);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("acquire", "xt", "b", s_acquire, "Waits for the lock; whether its last holder ended with it."),
    ZANNI_METHOD ("release", "", "", s_release, "By its holder."),
    ZANNI_METHOD ("held", "", "xb", s_holder, "How many times it is held; whether by who asks."),
    ZANNI__WAITING_METHODS,
    ZANNI_METHOD_END
};

const zanni_class_t zanni__lock_class = {
    .name = "zanni.lock", .state_size = sizeof (zanni__lock_t), .methods = s_methods, .start_in = "",
    .start = zanni__lock_start, .stop = zanni__waiting_stop, .down = zanni__waiting_down,
    .text = "A lock, held by one actor."
};

const zanni_class_t zanni__rlock_class = {
    .name = "zanni.rlock", .state_size = sizeof (zanni__lock_t), .methods = s_methods, .start_in = "",
    .start = s_start_reentrant, .stop = zanni__waiting_stop, .down = zanni__waiting_down,
    .text = "A lock that its holder may have several times."
};
