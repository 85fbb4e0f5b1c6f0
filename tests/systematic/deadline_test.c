/* Deadlines of asks: when they are over, what is left of them on the way, who inherits them, and what becomes of an
   answer that comes too late. */

#include "scene.h"

/* Keeps every ask as a promise until it is told to answer them; or asks somebody else in turn. */
typedef struct {
    zanni_promise_t *promises [16];
    int count;
    zanni_ref_t *other;
} holder_t;

static int64_t remaining_ms;     // what the last ask had left when it came
static int handled;
static int answered;
static int answer_code;
static int64_t answered_ns;

static int
holder_hold (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    remaining_ms = zanni_msg_remaining_ms (msg);
    handled++;
    return zanni_promise_new (self, &holder->promises [holder->count++], msg);
}

static int
holder_release (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    bool is_void;
    int rc = zanni_read (msg, &is_void);
    while (!rc && holder->count) {
        zanni_promise_t **promise = &holder->promises [--holder->count];
        check_eq (zanni_promise_is_void (*promise), is_void);
        check_eq (zanni_promise_reply (self, promise, 1), 0);
    }
    return rc;
}

static int
holder_other (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    return rc ? rc : zanni_ref_keep (self, &holder->other, other);
}

static void
on_answer (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error;
    (void) arg;
    answered++;
    answered_ns = zanni_now_ns (self);
    answer_code = zanni_msg_error (reply, &error) ? 0 : error.code;
}

/* Spends some time and asks the other one, with the deadline that it inherits or (not 0) its own. */
static int
holder_nest (zanni_t *self, zanni_msg_t *msg)
{
    holder_t *holder = zanni_state (self);
    int64_t spend_ms, own_ms;
    int rc = zanni_read (msg, &spend_ms, &own_ms);
    if (rc)
        return rc;
    zanni_sim_spend (scene_now->world, spend_ms * MS);
    zanni_ask_t options = { .then = on_answer, .deadline_ms = own_ms };
    rc = zanni_ask (self, holder->other, &options, "hold");
    return rc ? rc : zanni_promise_new (self, &holder->promises [holder->count++], msg);
}

static const zanni_method_t holder_methods [] = {
    ZANNI_METHOD ("hold", "", "i", holder_hold, "Answers when it is released."),
    ZANNI_METHOD ("release", "b", "", holder_release, "Answers all; whether they should be void."),
    ZANNI_METHOD ("other", "r", "", holder_other, "Whom to ask."),
    ZANNI_METHOD ("nest", "xx", "i", holder_nest, "Asks the other one."),
    ZANNI_METHOD_END
};
static const zanni_class_t holder_class = {
    .name = "holder", .state_size = sizeof (holder_t), .methods = holder_methods
};
static const zanni_class_t *const classes [] = { &holder_class, NULL };
static const scene_setup_t setup = { .classes = classes };
static const scene_setup_t slow = { .classes = classes, .world.latency_ns = 20 * MS };

static zanni_ref_t *
begin (uint32_t worker)
{
    handled = answered = answer_code = 0;
    remaining_ms = answered_ns = 0;
    return scene_spawn ("holder", worker);
}

static void
play_timeout (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) holder = begin (scene_draw (5));
    zanni_error_t error = { 0 };
    int64_t deadline_ms = scene_draw (3) ? 1 + scene_draw (200) : 0;
    int64_t began_ns = scene_now_ns ();
    zanni_ask_t options = { .deadline_ms = deadline_ms, .error = &error };
    check_eq (zanni_call_with (scene->self, NULL, holder, &options, "hold"), ZANNI_ETIMEOUT);
    check_eq (error.code, ZANNI_ETIMEOUT);
    check_eq (scene_now_ns () - began_ns, (deadline_ms ? deadline_ms : 5000) * MS);
    scene_settle ();
    scene_pass (10000);
}

Test (deadline, of_a_call_is_kept_to_the_nanosecond)
{
    scene_run (&setup, play_timeout);
    scene_run (&slow, play_timeout);
}

static void
play_asked (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) first = begin (scene_draw (5));
    ZANNI_AUTO (zanni_ref_t) second = scene_spawn ("holder", scene_draw (5));
    int64_t deadline_ms = 30 + scene_draw (100);
    check_eq (zanni_tell (scene->self, first, "other", second), 0);
    scene_settle ();
    int64_t began_ns = scene_now_ns ();
    /* The nested ask has its own deadline; the call's is longer. */
    zanni_ask_t options = { .deadline_ms = 1000 };
    check_eq (zanni_call_with (scene->self, NULL, first, &options, "nest", 0, deadline_ms), ZANNI_ETIMEOUT);
    check_eq (answered, 1);
    check_eq (answer_code, ZANNI_ETIMEOUT);
    check_eq (answered_ns - began_ns, deadline_ms * MS);
    scene_settle ();
    check_eq (answered, 1);
}

Test (deadline, of_an_ask_is_kept_to_the_nanosecond)
{
    scene_run (&setup, play_asked);
}

static void
play_remaining (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) holder = begin (1);
    zanni_ask_t options = { .deadline_ms = 100 };
    check_eq (zanni_call_with (scene->self, NULL, holder, &options, "hold"), ZANNI_ETIMEOUT);
    check_eq (handled, 1);
    check (remaining_ms >= 80 && remaining_ms <= 100);   // counted down by the way there
    options.deadline_ms = -1;
    options.then = on_answer;
    check_eq (zanni_ask (scene->self, holder, &options, "hold"), 0);
    scene_pass (3600000);
    check_eq (handled, 2);
    check (remaining_ms == INT64_MAX);
    check_eq (answered, 0);
}

Test (deadline, is_counted_down_on_the_way)
{
    scene_run (&slow, play_remaining);
}

static void
play_inherited (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) first = begin (scene_draw (5));
    ZANNI_AUTO (zanni_ref_t) second = scene_spawn ("holder", scene_draw (5));
    int64_t spend_ms = scene_draw (100);
    int64_t deadline_ms = 101 + scene_draw (100);
    check_eq (zanni_tell (scene->self, first, "other", second), 0);
    scene_settle ();
    int64_t began_ns = scene_now_ns ();
    zanni_ask_t options = { .deadline_ms = deadline_ms };
    check_eq (zanni_call_with (scene->self, NULL, first, &options, "nest", spend_ms, 0), ZANNI_ETIMEOUT);
    check_eq (scene_now_ns () - began_ns, deadline_ms * MS);
    check_eq (remaining_ms, deadline_ms - spend_ms);
    scene_settle ();
    check_eq (answered, 1);
    check_eq (answered_ns - began_ns, deadline_ms * MS);
    check_eq (answer_code, ZANNI_ETIMEOUT);
}

Test (deadline, is_inherited_by_what_is_asked_meanwhile)
{
    scene_run (&setup, play_inherited);
}

static void
play_over_before (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) holder = begin (1);
    zanni_ask_t options = { .deadline_ms = 1 + scene_draw (30) };
    int64_t began_ns = scene_now_ns ();
    check_eq (zanni_call_with (scene->self, NULL, holder, &options, "hold"), ZANNI_ETIMEOUT);
    check_eq (scene_now_ns () - began_ns, options.deadline_ms * MS);
    scene_pass (100);
    check (handled == 0 || remaining_ms > 0);   // what came too late was not begun
}

Test (deadline, that_is_over_spares_the_receiver_the_work)
{
    scene_run (&slow, play_over_before);
}

static void
play_late (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) holder = begin (scene_draw (5));
    int asks = 1 + (int) scene_draw (10);
    int timely = (int) scene_draw (2);
    zanni_ask_t options = { .then = on_answer, .deadline_ms = 10 };
    for (int i = 0; i < asks; i++)
        check_eq (zanni_ask (scene->self, holder, &options, "hold"), 0);
    scene_settle ();
    check_eq (handled, asks);
    scene_pass (timely ? 9 : 10);
    check_eq (answered, timely ? 0 : asks);
    check_eq (zanni_tell (scene->self, holder, "release", !timely), 0);
    scene_settle ();
    check_eq (answered, asks);
    check_eq (answer_code, timely ? 0 : ZANNI_ETIMEOUT);
    check_eq (scene_stats ().late_replies, timely ? 0 : asks);
    scene_pass (100);
    check_eq (answered, asks);
}

Test (deadline, a_late_reply_vanishes_and_is_counted)
{
    scene_run (&setup, play_late);
}

/* The answer came in time, but its asker was busy until the deadline was over. */
static void
play_busy (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) holder = begin (1 + scene_draw (4));
    zanni_ask_t options = { .then = on_answer, .deadline_ms = 10 };
    check_eq (zanni_ask (scene->self, holder, &options, "hold"), 0);
    check_eq (zanni_tell (scene->self, holder, "release", false), 0);
    zanni_sim_settle (scene->world, NULL);
    check_eq (answered, 0);
    zanni_sim_spend (scene->world, 50 * MS);
    scene_settle ();
    check_eq (answered, 1);
    check_eq (answer_code, 0);
    check_eq (scene_stats ().late_replies, 0);
}

Test (deadline, does_not_undo_an_answer_that_waits)
{
    scene_run (&setup, play_busy);
}

static void
play_cancel (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) holder = begin (scene_draw (5));
    uint64_t id;
    zanni_ask_t options = { .then = on_answer, .id_p = &id };
    check_eq (zanni_ask (scene->self, holder, &options, "hold"), 0);
    bool begun = scene_draw (2);
    if (begun)
        scene_settle ();
    check_eq (zanni_cancel (scene->self, id), 0);
    check_eq (zanni_cancel (scene->self, id), 0);
    scene_settle ();
    check_eq (answered, 1);
    check_eq (answer_code, ZANNI_ECANCELED);
    check (!begun || handled == 1);
    check_eq (zanni_tell (scene->self, holder, "release", true), 0);
    scene_settle ();
    scene_pass (10000);
    check_eq (answered, 1);
    check_eq (zanni_cancel (scene->self, id), 0);
}

Test (deadline, cancelling_makes_promises_void)
{
    scene_run (&setup, play_cancel);
}
