/* Draining: what a node has is done, and nothing new comes from other hosts. */

#include "support.h"

typedef struct {
    int64_t notes;
    zanni_promise_t *promise;
    zanni_ref_t *next;
} clerk_t;

static int
clerk_note (zanni_t *self, zanni_msg_t *msg)
{
    clerk_t *clerk = zanni_state (self);
    clerk->notes++;
    return zanni_reply (self, msg, clerk->notes);
}

/* Passes so many on, one after the other. */
static int
clerk_countdown (zanni_t *self, zanni_msg_t *msg)
{
    clerk_t *clerk = zanni_state (self);
    int64_t left;
    int rc = zanni_read (msg, &left);
    clerk->notes++;
    return rc || !left ? rc : zanni_tell (self, clerk->next ? clerk->next : zanni_self (self), "countdown", left - 1);
}

static int
clerk_know (zanni_t *self, zanni_msg_t *msg)
{
    clerk_t *clerk = zanni_state (self);
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next);
    return rc ? rc : zanni_ref_weak (self, &clerk->next, next);
}

static int
clerk_promise (zanni_t *self, zanni_msg_t *msg)
{
    clerk_t *clerk = zanni_state (self);
    return zanni_promise_new (self, &clerk->promise, msg);
}

static int
clerk_keep (zanni_t *self, zanni_msg_t *msg)
{
    clerk_t *clerk = zanni_state (self);
    (void) msg;
    return clerk->promise ? zanni_promise_reply (self, &clerk->promise, (int64_t) 0) : ZANNI_EINVAL;
}

static void
s_tried (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_promise_t *promise = arg;
    zanni_error_t error = { 0 };
    int rc = zanni_msg_error (reply, &error) ? 0 : error.code;
    rc = zanni_promise_reply (self, &promise, (int64_t) rc);
    zanni_promise_destroy (&promise);
    (void) rc;
}

/* Asks the next one, and answers the code of what came of that. */
static int
clerk_try (zanni_t *self, zanni_msg_t *msg)
{
    const clerk_t *clerk = zanni_state (self);
    zanni_promise_t *promise;
    int rc = zanni_promise_new (self, &promise, msg);
    if (rc)
        return rc;
    const zanni_ask_t options = { .then = s_tried, .arg = promise };
    rc = zanni_ask (self, clerk->next, &options, "note");
    if (rc)
        zanni_promise_destroy (&promise);
    return rc;
}

static const zanni_method_t clerk_methods [] = {
    ZANNI_METHOD ("note", "", "x", clerk_note, "Counts."),
    ZANNI_METHOD ("countdown", "x", "", clerk_countdown, "Tells the next one, or itself, one less."),
    ZANNI_METHOD ("know", "r", "", clerk_know, "Who is the next."),
    ZANNI_METHOD ("promise", "", "x", clerk_promise, "Answers later."),
    ZANNI_METHOD ("keep", "", "", clerk_keep, "Keeps its promise."),
    ZANNI_METHOD ("try", "", "x", clerk_try, "Asks the next one for note."), ZANNI_METHOD_END
};
static const zanni_class_t clerk_class = { .name = "clerk", .state_size = sizeof (clerk_t), .methods = clerk_methods };

CLASSES (&clerk_class, &runner_class);

#define LONG_MS 15000

BESIDE (drain, what_is_queued_is_handled_and_what_follows_from_that)
{
    zanni_left_t left;
    ZANNI_AUTO (zanni_ref_t) one = spawn ("clerk");
    ZANNI_AUTO (zanni_ref_t) other = spawn ("clerk");
    done (one, "know", other);
    done (other, "know", one);
    tell (one, "countdown", 20000);
    int rc = zanni_drain (root, &left, LONG_MS);
    cr_assert_eq (rc, 0, "%s: %" PRIu64 " queued, %" PRIu64 " held, %" PRIu64 " asked, %" PRIu64 " unknown", zanni_strerror (rc),
                  left.queued, left.held, left.asked, left.unknown);
    cr_assert_eq (call_int (one, "note"), 10002);
    cr_assert_eq (call_int (other, "note"), 10001);
    cr_assert_eq (zanni_drain (root, NULL, LONG_MS), 0);
}

BESIDE (drain, an_ask_that_is_not_answered_is_left)
{
    zanni_left_t left;
    ZANNI_AUTO (zanni_ref_t) clerk = spawn ("clerk");
    const zanni_ask_t options = { .deadline_ms = 60000 };
    cr_assert_eq (zanni_ask (root, clerk, &options, "promise"), 0);
    do
        cr_assert_eq (zanni_drain (root, &left, 50), ZANNI_ETIMEOUT);
    while (!left.held);   // it may not have begun with it
    cr_assert_eq (left.held, 1);
    tell (clerk, "keep");
    cr_assert_eq (zanni_drain (root, &left, LONG_MS), 0);
    cr_assert_eq (left.held, 0);
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
}

CONFORM_ONCE (drain, what_an_actor_has_asked_a_process_is_waited_for, ZANNI_PROCESS)
{
    zanni_left_t left;
    ZANNI_AUTO (zanni_ref_t) there = spawn ("clerk");
    ZANNI_AUTO (zanni_ref_t) here = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "clerk");
    const zanni_ask_t options = { .deadline_ms = 60000 };
    done (here, "know", there);
    cr_assert_eq (zanni_ask (root, here, &options, "try"), 0);
    cr_assert_eq (zanni_drain (root, &left, LONG_MS), 0);
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    int64_t code = -1;
    cr_assert_eq (zanni_read (reply, &code), 0);
    cr_assert_eq (code, 0);
}

CONFORM_ONCE (drain, another_host_can_ask_nothing_more_and_its_answers_still_come, OTHER_NODE)
{
    ZANNI_AUTO (zanni_ref_t) there = spawn ("clerk");
    ZANNI_AUTO (zanni_ref_t) here = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "clerk");
    done (there, "know", here);
    cr_assert_eq (call_int (there, "try"), 0);
    cr_assert_eq (zanni_drain (root, NULL, LONG_MS), 0);
    cr_assert_eq (call_int (there, "try"), ZANNI_ECLOSED);
    cr_assert_eq (call_int (here, "note"), 2, "those of this node go on");
}

static int
s_drain_in_a_handler (zanni_t *self)
{
    return zanni_drain (self, NULL, 0) == ZANNI_EOWNER ? 0 : ZANNI_EINVAL;
}

CONFORM_ONCE (drain, nobody_comes_to_a_node_that_drains_and_only_its_root_may_say_so, ZANNI_SHARED)
{
    zanni_t *guest = NULL;
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    run_in (runner, s_drain_in_a_handler);
    cr_assert_eq (zanni_drain (NULL, NULL, 0), ZANNI_EINVAL);
    cr_assert_eq (zanni_drain (root, NULL, LONG_MS), 0);
    cr_assert_eq (zanni_attach (&guest, zanni_node_of (root)), ZANNI_ECLOSED);
}
