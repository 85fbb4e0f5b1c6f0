/* Flow: a mailbox at its limit says so truthfully, and says once when there is room again; what is dropped is a dead
   letter; a blocking send waits as long as it should.

   While the test's own code runs nobody else does, so what it has sent lies in the mailbox or on the way to it. */

#include "scene.h"

static int handled;
static int last;
static int writable;
static int refused;
static int accepted;
static int64_t spend_ns;

static int
sink_take (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    check_eq (zanni_read (msg, &last), 0);
    handled++;
    zanni_sim_spend (scene_now->world, spend_ns);
    return 0;
}

static int
sink_bytes (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    handled++;
    return 0;
}

static int
sink_answer (zanni_t *self, zanni_msg_t *msg)
{
    handled++;
    return zanni_reply (self, msg, 1);
}

static const zanni_method_t sink_methods [] = {
    ZANNI_METHOD ("take", "i", "", sink_take, "Takes a number."),
    ZANNI_METHOD ("bytes", "ay", "", sink_bytes, "Takes bytes."),
    ZANNI_METHOD ("answer", "", "i", sink_answer, "Answers."),
    ZANNI_METHOD_END
};
static const zanni_class_t sink_class = { .name = "sink", .methods = sink_methods };

/* Fills a sink as far as it goes, and goes on whenever there is room, until it has sent so many. */
typedef struct {
    zanni_ref_t *to;
    int left;
    bool waits;
} pump_t;

static int
pump_on (zanni_t *self, pump_t *pump)
{
    while (pump->left) {
        int rc = zanni_tell (self, pump->to, "take", pump->left);
        if (rc == ZANNI_EFULL) {
            refused++;
            check (!pump->waits);
            pump->waits = true;
            return zanni_when_writable (self, pump->to, "again");
        }
        check_eq (rc, 0);
        pump->left--;
    }
    return 0;
}

static int
pump_go (zanni_t *self, zanni_msg_t *msg)
{
    pump_t *pump = zanni_state (self);
    const zanni_ref_t *to;
    check_eq (zanni_read (msg, &to, &pump->left), 0);
    check_eq (zanni_ref_keep (self, &pump->to, to), 0);
    return pump_on (self, pump);
}

/* Sends in one turn until it is told to stop. */
static int
pump_burst (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *to;
    int most;
    check_eq (zanni_read (msg, &to, &most), 0);
    while (most-- > 0) {
        int rc = zanni_tell (self, to, "take", 0);
        if (rc) {
            check_eq (rc, ZANNI_EFULL);
            refused++;
            break;
        }
        accepted++;
    }
    return 0;
}

static int
pump_again (zanni_t *self, zanni_msg_t *msg)
{
    pump_t *pump = zanni_state (self);
    (void) msg;
    check (pump->waits);
    pump->waits = false;
    writable++;
    return pump_on (self, pump);
}

static const zanni_method_t pump_methods [] = {
    ZANNI_METHOD ("go", "ri", "", pump_go, "Where to and how many."),
    ZANNI_METHOD ("burst", "ri", "", pump_burst, "Where to and how many, at once."),
    ZANNI_PRIVATE ("again", "", "", pump_again, "There is room again."),
    ZANNI_METHOD_END
};
static const zanni_class_t pump_class = { .name = "pump", .state_size = sizeof (pump_t), .methods = pump_methods };

static int
host_writable (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    writable++;
    return 0;
}

static const zanni_method_t host_methods [] = {
    ZANNI_PRIVATE ("writable", "", "", host_writable, "There is room again."),
    ZANNI_METHOD_END
};
static const zanni_class_t host_class = { .name = "host", .methods = host_methods };

static const zanni_class_t *const classes [] = { &sink_class, &pump_class, &host_class, NULL };
static const scene_setup_t setup = { .classes = classes };
static const scene_setup_t slow = { .classes = classes, .world.latency_ns = 10 * MS };

static zanni_ref_t *
begin (const zanni_spawn_t *limits)
{
    zanni_ref_t *ref = NULL;
    zanni_spawn_t options = *limits;
    uint32_t worker = scene_draw (5);
    handled = last = writable = refused = accepted = 0;
    spend_ns = 0;
    options.place = worker ? ZANNI_SHARED : ZANNI_HERE;
    options.worker = worker;
    check_eq (zanni_spawn (scene_now->self, &ref, "sink", &options), 0);
    return ref;
}

static void
play_limit (scene_t *scene)
{
    int limit = 1 + (int) scene_draw (100);
    ZANNI_AUTO (zanni_ref_t) sink = begin (&(zanni_spawn_t) { .mailbox_messages = (uint32_t) limit });
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < limit; i++)
            check_eq (zanni_tell (scene->self, sink, "take", i), 0);
        check_eq (zanni_tell (scene->self, sink, "take", 0), ZANNI_EFULL);
        check_eq (zanni_ask (scene->self, sink, NULL, "answer"), ZANNI_EFULL);
        check_eq (zanni_call (scene->self, NULL, sink, "answer"), ZANNI_EFULL);
        scene_settle ();
        check_eq (handled, limit * (round + 1));
    }
    scene_pass (10000);
    check_eq (handled, limit * 3);
    check_eq (scene_stats ().dead_letters, 0);
}

Test (flow, a_limit_is_exact)
{
    scene_run (&setup, play_limit);
}

/* The receiver does not run: senders on workers of their own fill it one after the other. */
static int limit_of_many;

static void
play_limit_of_many (scene_t *scene)
{
    zanni_t *other = NULL;
    ZANNI_AUTO (zanni_msg_t) hello = NULL;
    zanni_ref_t *pumps [3];
    accepted = refused = 0;
    check_eq (zanni_attach (&other, zanni_node_of (scene->self)), 0);
    check_eq (zanni_tell (other, zanni_self (scene->self), "hello"), 0);
    check_eq (zanni_receive (scene->self, &hello, -1), 0);
    for (uint32_t i = 0; i < 3; i++) {
        zanni_spawn_t options = { .worker = i + 1, .mailbox_messages = 100 };
        check_eq (zanni_spawn (scene->self, &pumps [i], "pump", &options), 0);
    }
    for (int i = 0; i < 12; i++) {
        int most = i < 6 ? (int) scene_draw (200) : 2 * limit_of_many;
        check_eq (zanni_tell (scene->self, pumps [scene_draw (3)], "burst", zanni_msg_from (hello), most), 0);
    }
    scene_settle ();
    check (refused > 0);
    check_eq (accepted, limit_of_many);
    for (int i = 0; i < 3; i++)
        zanni_ref_destroy (&pumps [i]);
    check_eq (zanni_destroy (&other), 0);
}

Test (flow, a_limit_is_exact_for_many)
{
    static const int limits [] = { 1, 7, 100, 1000, 5000 };
    for (int i = 0; i < 5; i++) {
        limit_of_many = limits [i];
        scene_run (&(scene_setup_t) { .classes = classes, .node.mailbox_messages = (uint32_t) limits [i], .seeds = 40 },
                   play_limit_of_many);
    }
}

static void
play_bytes (scene_t *scene)
{
    static const uint8_t data [1000];
    ZANNI_AUTO (zanni_ref_t) sink = begin (&(zanni_spawn_t) { .mailbox_bytes = 10000 });
    accepted = 0;
    int rc;
    while (!(rc = zanni_tell (scene->self, sink, "bytes", zanni_arg_bytes (data, sizeof data))))
        accepted++;
    check_eq (rc, ZANNI_EFULL);
    check (accepted == 9);   // with what msgpack adds a tenth is over it
    scene_settle ();
    check_eq (handled, 9);
    uint8_t *large = calloc (1, 20000);   // one larger than the limit passes where nothing else waits
    check_eq (zanni_tell (scene->self, sink, "bytes", zanni_arg_bytes (large, 20000)), 0);
    check_eq (zanni_tell (scene->self, sink, "bytes", zanni_arg_bytes (data, 1)), ZANNI_EFULL);
    free (large);
    scene_settle ();
    check_eq (handled, 10);
}

Test (flow, a_limit_in_bytes)
{
    scene_run (&setup, play_bytes);
}

static void
play_writable (scene_t *scene)
{
    int limit = 2 + (int) scene_draw (50);
    check_eq (zanni_serve (scene->self, "host"), 0);
    zanni_ref_t *sink = begin (&(zanni_spawn_t) { .mailbox_messages = (uint32_t) limit });
    check_eq (zanni_when_writable (scene->self, sink, "writable"), 0);   // it is
    scene_settle ();
    check_eq (writable, 1);
    for (int i = 0; i < limit; i++)
        check_eq (zanni_tell (scene->self, sink, "take", i), 0);
    check_eq (zanni_when_writable (scene->self, sink, "writable"), 0);
    scene_settle ();
    scene_pass (1000);
    check_eq (writable, 2);
    check_eq (zanni_stop (scene->self, sink), 0);
    if (scene_draw (2))
        scene_settle ();
    check_eq (zanni_when_writable (scene->self, sink, "writable"), 0);   // it is gone: nothing to wait for
    scene_settle ();
    check_eq (writable, 3);
    zanni_ref_destroy (&sink);
    scene_pass (1000);
    check_eq (writable, 3);
}

Test (flow, when_writable_fires_once)
{
    scene_run (&setup, play_writable);
}

#define PUMPS 4
#define PUMPED 200

static void
play_pumps (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) sink = begin (&(zanni_spawn_t) { .mailbox_messages = 1 + scene_draw (20) });
    zanni_ref_t *pumps [PUMPS];
    for (int i = 0; i < PUMPS; i++) {
        pumps [i] = scene_spawn ("pump", scene_draw (5));
        check_eq (zanni_tell (scene->self, pumps [i], "go", sink, PUMPED), 0);
    }
    scene_pass (100000);
    check_eq (handled, PUMPS * PUMPED);
    check_eq (writable, refused);
    check_eq (scene_stats ().dead_letters, 0);
    for (int i = 0; i < PUMPS; i++)
        zanni_ref_destroy (&pumps [i]);
}

Test (flow, four_pumps_into_one_sink)
{
    scene_run (&setup, play_pumps);
    scene_run (&slow, play_pumps);
}

static void
play_drop_oldest (scene_t *scene)
{
    int limit = 1 + (int) scene_draw (20);
    int count = (int) scene_draw (60);
    ZANNI_AUTO (zanni_ref_t) sink = begin (
        &(zanni_spawn_t) { .mailbox_messages = (uint32_t) limit, .overflow = ZANNI_DROP_OLDEST });
    for (int i = 1; i <= count; i++)
        check_eq (zanni_tell (scene->self, sink, "take", i), 0);
    scene_settle ();
    check_eq (handled + (int) scene_stats ().dead_letters, count);
    check (handled >= (count < limit ? count : limit));
    check_eq (last, count);   // the newest always stays
}

Test (flow, drop_oldest)
{
    scene_run (&setup, play_drop_oldest);
}

static void
play_drop_newest (scene_t *scene)
{
    int limit = 1 + (int) scene_draw (20);
    int count = (int) scene_draw (60);
    ZANNI_AUTO (zanni_ref_t) sink = begin (
        &(zanni_spawn_t) { .mailbox_messages = (uint32_t) limit, .overflow = ZANNI_DROP_NEWEST });
    for (int i = 1; i <= count; i++)
        check_eq (zanni_tell (scene->self, sink, "take", i), 0);
    scene_settle ();
    check_eq (handled + (int) scene_stats ().dead_letters, count);
    check (handled >= (count < limit ? count : limit));
}

Test (flow, drop_newest)
{
    scene_run (&setup, play_drop_newest);
}

static int ends;
static int fulls;

static void
on_end (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error;
    (void) self;
    (void) arg;
    ends++;
    if (!zanni_msg_error (reply, &error)) {
        check_eq (error.code, ZANNI_EFULL);
        fulls++;
    }
}

static void
play_dropped_asks (scene_t *scene)
{
    int limit = 1 + (int) scene_draw (10);
    int count = (int) scene_draw (40);
    zanni_ask_t options = { .then = on_end };
    ZANNI_AUTO (zanni_ref_t) sink = begin (&(zanni_spawn_t) {
        .mailbox_messages = (uint32_t) limit, .overflow = scene_draw (2) ? ZANNI_DROP_OLDEST : ZANNI_DROP_NEWEST });
    ends = fulls = 0;
    for (int i = 0; i < count; i++)
        check_eq (zanni_ask (scene->self, sink, &options, "answer"), 0);
    scene_settle ();
    check_eq (ends, count);
    check_eq (handled, count - fulls);
    check_eq (scene_stats ().dead_letters, 0);
}

Test (flow, a_dropped_ask_is_answered_full)
{
    scene_run (&setup, play_dropped_asks);
}

/* An attached thread that nobody steps: its mailbox stays as it is. */
typedef struct {
    zanni_t *other;
    zanni_ref_t *ref;
} closed_t;

static void
open_closed (scene_t *scene, closed_t *closed, int limit)
{
    ZANNI_AUTO (zanni_msg_t) hello = NULL;
    check_eq (zanni_attach (&closed->other, zanni_node_of (scene->self)), 0);
    check_eq (zanni_tell (closed->other, zanni_self (scene->self), "hello"), 0);
    check_eq (zanni_receive (scene->self, &hello, -1), 0);
    check_eq (zanni_ref_keep (scene->self, &closed->ref, zanni_msg_from (hello)), 0);
    for (int i = 0; i < limit; i++)
        check_eq (zanni_tell (scene->self, closed->ref, "take", i), 0);
}

static void
play_wait_in_vain (scene_t *scene)
{
    closed_t closed;
    int64_t wait_ms = scene_draw (200);
    open_closed (scene, &closed, 5);
    int64_t began_ns = scene_now_ns ();
    check_eq (zanni_tell_wait (scene->self, closed.ref, wait_ms, "take", 1), ZANNI_ETIMEOUT);
    check_eq (scene_now_ns () - began_ns, wait_ms * MS);
    zanni_msg_t *msg = NULL;
    check_eq (zanni_receive (scene->self, &msg, 10), ZANNI_ETIMEOUT);   // nothing of the waiting is left over
    zanni_ref_destroy (&closed.ref);
    check_eq (zanni_destroy (&closed.other), 0);
    check_eq (zanni_receive (scene->self, &msg, 10), ZANNI_ETIMEOUT);
}

Test (flow, a_blocking_send_waits_no_longer_than_it_should)
{
    scene_run (&(scene_setup_t) { .classes = classes, .node.mailbox_messages = 5 }, play_wait_in_vain);
}

static void
play_wait (scene_t *scene)
{
    int limit = 1 + (int) scene_draw (10);
    int count = 50 + (int) scene_draw (50);
    ZANNI_AUTO (zanni_ref_t) sink = begin (&(zanni_spawn_t) { .mailbox_messages = (uint32_t) limit });
    spend_ns = MS;
    for (int i = 1; i <= count; i++)
        check_eq (zanni_tell_wait (scene->self, sink, -1, "take", i), 0);
    scene_pass (1000);
    check_eq (handled, count);
    check_eq (last, count);
    check_eq (zanni_stop (scene->self, sink), 0);
    scene_pass (1000);
    check_eq (zanni_tell_wait (scene->self, sink, -1, "take", 0), ZANNI_ENOACTOR);
}

Test (flow, a_blocking_send_goes_on_when_there_is_room)
{
    scene_run (&setup, play_wait);
    scene_run (&slow, play_wait);
}
