/* zanni.event: something that has happened, or not yet. */

#include "classes.h"
#include "waiting.h"

#include <zanni/message.h>

typedef struct {
    zanni__waiting_t waiting;
    zanni__link_t line;
    bool set;
} s_event_t;

static void
s_serve (zanni__waiting_t *waiting)
{
    s_event_t *event = (s_event_t *) waiting;
    zanni__wait_t *wait;
    while (event->set && (wait = zanni__line_first (waiting, &event->line))) {
        int rc = zanni__wait_answer (waiting, wait, NULL, 0);
        (void) rc;   // its client has the error
    }
}

static const zanni__waiting_ops_t s_ops = { .serve = s_serve, .careless = true };

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_event_t *event = zanni_state (self);
    (void) msg;
    zanni__waiting_begin (&event->waiting, self, &s_ops);
    zanni__link_init (&event->line);
    return 0;
}

/* Whoever waits now has waited long enough, even where it is cleared in the next moment. */
static int
s_set (zanni_t *self, zanni_msg_t *msg)
{
    s_event_t *event = zanni_state (self);
    (void) msg;
    event->set = true;
    s_serve (&event->waiting);
    return 0;
}

static int
s_clear (zanni_t *self, zanni_msg_t *msg)
{
    s_event_t *event = zanni_state (self);
    (void) msg;
    event->set = false;
    return 0;
}

static int
s_is_set (zanni_t *self, zanni_msg_t *msg)
{
    const s_event_t *event = zanni_state (self);
    return zanni_reply (self, msg, event->set);
}

static int
s_wait (zanni_t *self, zanni_msg_t *msg)
{
    s_event_t *event = zanni_state (self);
    zanni__wait_t *wait;
    int rc = zanni__wait_enter (&event->waiting, &wait, msg, &event->line);
    return rc ? rc : zanni__wait_stay (&event->waiting);
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("set", "", "", s_set, "It has happened; all who wait go on."),
    ZANNI_METHOD ("clear", "", "", s_clear, "Not yet, again."),
    ZANNI_METHOD ("is_set", "", "b", s_is_set, "Whether it has."),
    ZANNI_METHOD ("wait", "xt", "", s_wait, "Until it has."),
    ZANNI__WAITING_METHODS,
    ZANNI_METHOD_END
};

const zanni_class_t zanni__event_class = {
    .name = "zanni.event", .state_size = sizeof (s_event_t), .methods = s_methods, .start_in = "",
    .start = s_start, .stop = zanni__waiting_stop, .down = zanni__waiting_down,
    .text = "Something that has happened, or not yet."
};
