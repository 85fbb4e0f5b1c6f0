/* zanni.barrier: so many go on together, when the last of them has come.

   Who comes and does not stay (its time is over, it gives up, it ends) breaks it: the others would wait for one who
   does not come any more. They get an error, and so does everybody until it is reset. */

#include "classes.h"
#include "waiting.h"

#include <inttypes.h>
#include <zanni/message.h>

#define S_BROKEN "closed: the barrier is broken: %s; reset mends it"
#define S_GAVE_UP "somebody who waited gave up or ended"

typedef struct {
    zanni__waiting_t waiting;
    zanni__link_t line;
    int64_t parties;
    int64_t waits;
    const char *broken;   // why; NULL: it is whole
} s_barrier_t;

static void
s_break (s_barrier_t *barrier, const char *why)
{
    if (!barrier->broken)
        barrier->broken = why;
}

/* An ask without a ticket may have ended at its asker's, by a deadline of its own or because it was cancelled. */
static bool
s_is_deserted (const s_barrier_t *barrier)
{
    const zanni__link_t *at = barrier->line.next;
    while (at != &barrier->line && !zanni_promise_is_void (ZANNI__CONTAINER (at, zanni__wait_t, line)->promise))
        at = at->next;
    return at != &barrier->line;
}

/* Everybody in line gets its place, in the order in which they came; or the error. */
static void
s_serve (zanni__waiting_t *waiting)
{
    s_barrier_t *barrier = (s_barrier_t *) waiting;
    int64_t index = 0;
    if (!barrier->broken && barrier->waits < barrier->parties)
        return;
    if (!barrier->broken && s_is_deserted (barrier))
        s_break (barrier, S_GAVE_UP);
    while (!zanni__list_empty (&barrier->line)) {
        zanni__wait_t *wait = ZANNI__CONTAINER (barrier->line.next, zanni__wait_t, line);
        const zanni_arg_t answer = zanni_arg_int (index++);
        barrier->waits--;
        if (barrier->broken)
            zanni__wait_fail (waiting, wait, ZANNI_ECLOSED, S_BROKEN, barrier->broken);
        else {
            int rc = zanni__wait_answer (waiting, wait, &answer, 1);
            (void) rc;   // its client has the error
        }
    }
}

static void
s_late (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    s_barrier_t *barrier = (s_barrier_t *) waiting;
    barrier->waits--;
    s_break (barrier, "somebody's time was over");
    zanni__wait_fail (waiting, wait, ZANNI_ETIMEOUT, "timeout: not all %" PRId64 " came within %" PRId64
                      " ms, and the barrier is broken", barrier->parties, wait->timeout_ms);
}

static void
s_gone (zanni__waiting_t *waiting, zanni__wait_t *wait)
{
    s_barrier_t *barrier = (s_barrier_t *) waiting;
    (void) wait;
    barrier->waits--;
    s_break (barrier, S_GAVE_UP);
}

static const zanni__waiting_ops_t s_ops = { .late = s_late, .gone = s_gone, .serve = s_serve, .careless = true };

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_barrier_t *barrier = zanni_state (self);
    int rc = zanni_read (msg, &barrier->parties);
    if (!rc && barrier->parties < 1)
        rc = zanni__refuse (msg, ZANNI_EINVAL, "a barrier for %" PRId64 ": it is 1 or more", barrier->parties);
    zanni__waiting_begin (&barrier->waiting, self, &s_ops);
    zanni__link_init (&barrier->line);
    return rc;
}

static int
s_wait (zanni_t *self, zanni_msg_t *msg)
{
    s_barrier_t *barrier = zanni_state (self);
    zanni__wait_t *wait;
    if (barrier->broken)
        return zanni__refuse (msg, ZANNI_ECLOSED, "the barrier is broken: %s; reset mends it", barrier->broken);
    int rc = zanni__wait_enter (&barrier->waiting, &wait, msg, &barrier->line);
    if (rc)
        return rc;
    barrier->waits++;
    return zanni__wait_stay (&barrier->waiting);
}

static int
s_abort (zanni_t *self, zanni_msg_t *msg)
{
    s_barrier_t *barrier = zanni_state (self);
    (void) msg;
    s_break (barrier, "it was aborted");
    s_serve (&barrier->waiting);
    return 0;
}

static int
s_reset (zanni_t *self, zanni_msg_t *msg)
{
    s_barrier_t *barrier = zanni_state (self);
    (void) msg;
    s_break (barrier, "it was reset meanwhile");
    s_serve (&barrier->waiting);
    barrier->broken = NULL;
    return 0;
}

static int
s_look (zanni_t *self, zanni_msg_t *msg)
{
    const s_barrier_t *barrier = zanni_state (self);
    return zanni_reply (self, msg, barrier->parties, barrier->waits, barrier->broken != NULL);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("wait", "xt", "x", s_wait, "Until all have come; as how manieth who asks came, from 0."),
    ZANNI_METHOD ("abort", "", "", s_abort, "Breaks it."),
    ZANNI_METHOD ("reset", "", "", s_reset, "As at the start; who waits gets an error."),
    ZANNI_METHOD ("look", "", "xxb", s_look, "How many it is for; how many wait; whether it is broken."),
    ZANNI__WAITING_METHODS,
    ZANNI_METHOD_END
};

const zanni_class_t zanni__barrier_class = {
    .name = "zanni.barrier", .state_size = sizeof (s_barrier_t), .methods = s_methods, .start_in = "x",
    .start = s_start, .stop = zanni__waiting_stop, .down = zanni__waiting_down, .text = "So many go on together."
};
