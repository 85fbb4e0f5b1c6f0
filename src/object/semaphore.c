/* zanni.semaphore and zanni.bounded_semaphore: so many may acquire, until somebody releases.

   The two differ in what a unit is. Of a semaphore it is something that has happened (a job is there): whoever
   releases adds one, whoever acquires uses one up, and nobody holds any. Of a bounded one it is a place that an actor
   takes and gives back: there are never more than at the start, and the places of an actor that ends come back. */

#include "classes.h"
#include "waiting.h"

#include <inttypes.h>
#include <zanni/message.h>

typedef struct {
    zanni__waiting_t waiting;
    zanni__link_t line;
    int64_t free;
    int64_t most;   // INT64_MAX: unbounded
    bool bounded;
} s_semaphore_t;

static void
s_serve (zanni__waiting_t *waiting)
{
    s_semaphore_t *semaphore = (s_semaphore_t *) waiting;
    zanni__wait_t *wait;
    while (semaphore->free && (wait = zanni__line_first (waiting, &semaphore->line))) {
        zanni__client_t *client = wait->client;
        if (zanni__wait_answer (waiting, wait, NULL, 0))
            continue;
        semaphore->free--;
        client->held += semaphore->bounded;
    }
}

static void
s_back (zanni__waiting_t *waiting, zanni__wait_t *wait, bool ended)
{
    s_semaphore_t *semaphore = (s_semaphore_t *) waiting;
    if (semaphore->bounded && (ended || !wait->client->held))
        return;   // comes back with all that the client holds; or it was released without waiting for the answer
    wait->client->held -= semaphore->bounded;
    semaphore->free += semaphore->free < semaphore->most;   // so many may have been released meanwhile
}

static void
s_down (zanni__waiting_t *waiting, zanni__client_t *client)
{
    s_semaphore_t *semaphore = (s_semaphore_t *) waiting;
    semaphore->free += client->held;
}

static const zanni__waiting_ops_t s_ops = { .back = s_back, .down = s_down, .serve = s_serve };

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_semaphore_t *semaphore = zanni_state (self);
    int rc = zanni_read (msg, &semaphore->free);
    if (!rc && semaphore->free < 0)
        rc = zanni__refuse (msg, ZANNI_EINVAL, "a semaphore cannot begin with %" PRId64 ": it is 0 or more",
                            semaphore->free);
    semaphore->most = INT64_MAX;
    zanni__waiting_begin (&semaphore->waiting, self, &s_ops);
    zanni__link_init (&semaphore->line);
    return rc;
}

static int
s_start_bounded (zanni_t *self, zanni_msg_t *msg)
{
    s_semaphore_t *semaphore = zanni_state (self);
    int rc = s_start (self, msg);
    semaphore->most = semaphore->free;
    semaphore->bounded = true;
    return rc;
}

static int
s_acquire (zanni_t *self, zanni_msg_t *msg)
{
    s_semaphore_t *semaphore = zanni_state (self);
    zanni__wait_t *wait;
    int rc = zanni__wait_enter (&semaphore->waiting, &wait, msg, &semaphore->line);
    return rc ? rc : zanni__wait_stay (&semaphore->waiting);
}

/* 0, or why so many cannot be released. */
static int
s_check (s_semaphore_t *semaphore, zanni_msg_t *msg, int64_t count)
{
    const zanni__client_t *client = zanni__client_of (&semaphore->waiting, msg);
    int64_t held = client ? client->held : 0;
    if (count < 1)
        return zanni__refuse (msg, ZANNI_EINVAL, "release of %" PRId64 ": it is 1 or more", count);
    if (semaphore->bounded && count > held)
        return zanni__refuse (msg, ZANNI_EPERM, "release of %" PRId64 ": who asks holds %" PRId64 " of %" PRId64,
                              count, held, semaphore->most);
    if (count > semaphore->most - semaphore->free)
        return zanni__refuse (msg, ZANNI_ETOOBIG, "release of %" PRId64 ": %" PRId64 " are free", count,
                              semaphore->free);
    return 0;
}

static int
s_release (zanni_t *self, zanni_msg_t *msg)
{
    s_semaphore_t *semaphore = zanni_state (self);
    int64_t count;
    int rc = zanni_read (msg, &count);
    if (!rc)
        rc = s_check (semaphore, msg, count);
    if (rc)
        return rc;
    if (semaphore->bounded)
        zanni__client_of (&semaphore->waiting, msg)->held -= count;
    semaphore->free += count;
    s_serve (&semaphore->waiting);
    return 0;
}

static int
s_value (zanni_t *self, zanni_msg_t *msg)
{
    const s_semaphore_t *semaphore = zanni_state (self);
    return zanni_reply (self, msg, semaphore->free);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("acquire", "xt", "", s_acquire, "Waits until one is free, and takes it."),
    ZANNI_METHOD ("release", "x", "", s_release, "So many are free again."),
    ZANNI_METHOD ("value", "", "x", s_value, "How many are free."),
    ZANNI__WAITING_METHODS,
    ZANNI_METHOD_END
};

const zanni_class_t zanni__semaphore_class = {
    .name = "zanni.semaphore", .state_size = sizeof (s_semaphore_t), .methods = s_methods, .start_in = "x",
    .start = s_start, .stop = zanni__waiting_stop, .down = zanni__waiting_down,
    .text = "Counts what has happened and was not used."
};

const zanni_class_t zanni__bounded_class = {
    .name = "zanni.bounded_semaphore", .state_size = sizeof (s_semaphore_t), .methods = s_methods, .start_in = "x",
    .start = s_start_bounded, .stop = zanni__waiting_stop, .down = zanni__waiting_down,
    .text = "Places that actors take and give back."
};
