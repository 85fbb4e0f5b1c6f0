/* guard.h: an actor that asks another one for a promise, watches it, and says by a pipe what it sees of that and when, also
   where nobody can reach it by its node. */

#ifndef TESTS_INTEGRATION_GUARD_H
#define TESTS_INTEGRATION_GUARD_H

#include "process.h"

typedef enum { GUARD_ERROR, GUARD_DOWN, GUARD_ANSWER } guard_kind_t;

typedef struct {
    guard_kind_t kind;
    int64_t value;       // the code, the kind of the reason, the number
    int64_t at_ns;       // as zanni_now_ns, which is the same in all processes
} guard_seen_t;

static inline void
s_guard_says (zanni_t *self, guard_kind_t kind, int64_t value)
{
    const int *fd = zanni_state (self);
    const guard_seen_t seen = { .kind = kind, .value = value, .at_ns = zanni_now_ns (self) };
    if (write (*fd, &seen, sizeof seen) != sizeof seen)
        abort ();   // which its test sees
}

static inline void
s_guard_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error;
    int64_t number = -1;
    (void) arg;
    if (!zanni_msg_error (reply, &error))
        s_guard_says (self, GUARD_ERROR, error.code);
    else
        s_guard_says (self, GUARD_ANSWER, zanni_read (reply, &number) ? -1 : number);
}

static inline void
s_guard_down (zanni_t *self, const zanni_down_t *down)
{
    s_guard_says (self, GUARD_DOWN, down->reason.kind);
}

static inline int
s_guard_watch (zanni_t *self, zanni_msg_t *msg)
{
    int *fd = zanni_state (self);
    const zanni_ref_t *ref;
    uint64_t monitor;
    const zanni_ask_t ask = { .deadline_ms = 3600000, .then = s_guard_answered };
    int rc = zanni_read (msg, &ref, fd);
    if (!rc)
        rc = zanni_monitor (self, &monitor, ref);
    return rc ? rc : zanni_ask (self, ref, &ask, "promise");
}

static const zanni_method_t guard_methods [] = {
    ZANNI_METHOD ("watch", "ri", "", s_guard_watch, "Says by that descriptor what becomes of that one, from now on."),
    ZANNI_METHOD_END
};
static const zanni_class_t guard_class = {
    .name = "guard", .state_size = sizeof (int), .methods = guard_methods, .down = s_guard_down
};
static const zanni_class_t *const guard_classes [] = { &guard_class, NULL };

/* What it sees next. */
static inline guard_seen_t
guard_sees (int fd)
{
    guard_seen_t seen = { 0 };
    struct pollfd item = { .fd = fd, .events = POLLIN };
    cr_assert_eq (poll (&item, 1, DEADLINE_MS), 1, "the guard sees nothing");
    cr_assert_eq (read (fd, &seen, sizeof seen), sizeof seen);
    return seen;
}

static inline bool
guard_sees_nothing (int fd)
{
    struct pollfd item = { .fd = fd, .events = POLLIN };
    return poll (&item, 1, 0) == 0;
}

/* That the other one's node is lost: the ask and the monitor say so, once each, the later of them so many ms behind that. */
static inline int64_t
guard_sees_loss (int fd, int64_t since_ns)
{
    bool error = false, down = false;
    int64_t at_ns = since_ns;
    for (int i = 0; i < 2; i++) {
        const guard_seen_t seen = guard_sees (fd);
        error |= seen.kind == GUARD_ERROR && seen.value == ZANNI_ENODE;
        down |= seen.kind == GUARD_DOWN && seen.value == ZANNI_EXIT_NO_CONNECTION;
        at_ns = seen.at_ns > at_ns ? seen.at_ns : at_ns;
    }
    cr_assert (error && down);
    return (at_ns - since_ns) / 1000000;
}

#endif
