/* Order: what one actor sends to another arrives in that order, whatever lies between them: tells, asks, replies,
   errors and at last the DOWN; while posts are refused, too. */

#include "scene.h"

#define SENDERS 6
#define MESSAGES 120

/* What each sender has sent so far, and the last of it that arrived. */
static int sent [SENDERS];
static int arrived [SENDERS];
static int downs [SENDERS];
static int answers [SENDERS];      // that came back to the sender
static int asked [SENDERS];
static int echoed [SENDERS];       // the last of what the receiver sent to this sender

/* A sender sends so many numbers in a row, every now and then as an ask. It is told its number. */
typedef struct {
    int number;
    zanni_ref_t *to;
} sender_t;

static int
sender_start (zanni_t *self, zanni_msg_t *msg)
{
    sender_t *sender = zanni_state (self);
    const zanni_ref_t *to;
    int rc = zanni_read (msg, &sender->number, &to);
    return rc ? rc : zanni_ref_keep (self, &sender->to, to);
}

static void
s_check_echo (sender_t *sender, int number)
{
    check_eq (number, echoed [sender->number] + 1);
    echoed [sender->number] = number;
}

static void
on_answer (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    sender_t *sender = zanni_state (self);
    int number;
    (void) arg;
    answers [sender->number]++;
    if (zanni_msg_kind (reply) == ZANNI_MSG_REPLY) {
        check_eq (zanni_read (reply, &number), 0);
        s_check_echo (sender, number);
    }
}

static int
sender_echo (zanni_t *self, zanni_msg_t *msg)
{
    int number;
    check_eq (zanni_read (msg, &number), 0);
    s_check_echo (zanni_state (self), number);
    return 0;
}

static int
sender_go (zanni_t *self, zanni_msg_t *msg)
{
    sender_t *sender = zanni_state (self);
    static const zanni_ask_t options = { .then = on_answer, .deadline_ms = -1 };
    int count;
    int rc = zanni_read (msg, &count);
    for (; !rc && count > 0; count--) {
        int number = ++sent [sender->number];
        uint32_t how = scene_draw (4);
        if (how)
            rc = zanni_tell (self, sender->to, "take", sender->number, number);
        else {
            rc = zanni_ask (self, sender->to, &options, "answer", sender->number, number);
            asked [sender->number]++;
        }
        if (!scene_draw (8) && count > 1) {   // the rest in another turn
            const zanni_ref_t *me = zanni_self (self);
            return rc ? rc : zanni_tell (self, me, "go", count - 1);
        }
    }
    check_eq (rc, 0);
    return rc;
}

static int
sender_leave (zanni_t *self, zanni_msg_t *msg)
{
    sender_t *sender = zanni_state (self);
    (void) msg;
    for (int i = 0; i < 5; i++)
        check_eq (zanni_tell (self, sender->to, "take", sender->number, ++sent [sender->number]), 0);
    return zanni_exit (self);
}

static const zanni_method_t sender_methods [] = {
    ZANNI_METHOD ("go", "i", "", sender_go, "Sends so many."),
    ZANNI_METHOD ("leave", "", "", sender_leave, "Sends some and ends."),
    ZANNI_METHOD ("echo", "i", "", sender_echo, "What the receiver sends."),
    ZANNI_METHOD_END
};
static const zanni_class_t sender_class = {
    .name = "sender", .state_size = sizeof (sender_t), .methods = sender_methods, .start_in = "ir",
    .start = sender_start
};

/* The receiver numbers whatever it sends to a sender: tells, replies, errors among it. */
typedef struct {
    int echoes [SENDERS];
    uint64_t monitors [SENDERS];
    zanni_promise_t *promises [SENDERS];
} receiver_t;

static int
receiver_take (zanni_t *self, zanni_msg_t *msg)
{
    receiver_t *receiver = zanni_state (self);
    int from, number;
    check_eq (zanni_read (msg, &from, &number), 0);
    check_eq (number, arrived [from] + 1);
    check_eq (downs [from], 0);
    arrived [from] = number;
    if (scene_draw (3) == 0 && zanni_tell (self, zanni_msg_from (msg), "echo", receiver->echoes [from] + 1) == 0)
        receiver->echoes [from]++;
    return 0;
}

static int
receiver_answer (zanni_t *self, zanni_msg_t *msg)
{
    receiver_t *receiver = zanni_state (self);
    int rc = receiver_take (self, msg);
    int from;
    zanni_rewind (msg);
    check_eq (zanni_read (msg, &from), 0);
    if (scene_draw (5) == 0)
        return zanni_fail (self, msg, 1, "not today");
    return rc ? rc : zanni_reply (self, msg, ++receiver->echoes [from]);
}

static int
receiver_watch (zanni_t *self, zanni_msg_t *msg)
{
    receiver_t *receiver = zanni_state (self);
    int from;
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &from, &ref);
    return rc ? rc : zanni_monitor (self, &receiver->monitors [from], ref);
}

static void
receiver_down (zanni_t *self, const zanni_down_t *down)
{
    receiver_t *receiver = zanni_state (self);
    for (int i = 0; i < SENDERS; i++)
        if (receiver->monitors [i] == down->monitor) {
            downs [i]++;
            check_eq (arrived [i], sent [i]);
            check_eq (down->reason.kind, ZANNI_EXIT_NORMAL);
        }
}

static const zanni_method_t receiver_methods [] = {
    ZANNI_METHOD ("take", "ii", "", receiver_take, "Sender, number."),
    ZANNI_METHOD ("answer", "ii", "i", receiver_answer, "The same, answered."),
    ZANNI_METHOD ("watch", "ir", "", receiver_watch, "Monitors a sender."),
    ZANNI_METHOD_END
};
static const zanni_class_t receiver_class = {
    .name = "receiver", .state_size = sizeof (receiver_t), .methods = receiver_methods, .down = receiver_down
};

static const zanni_class_t *const classes [] = { &sender_class, &receiver_class, NULL };

static zanni_ref_t *
spawn_anywhere (scene_t *scene, const char *class_name, int number, const zanni_ref_t *to)
{
    zanni_ref_t *ref = NULL;
    uint32_t where = scene_draw (6);
    zanni_spawn_t options = { .place = where == 0 ? ZANNI_HERE : where == 1 ? ZANNI_THREAD : ZANNI_SHARED };
    if (where > 1)
        options.worker = where - 1;
    check_eq (to ? zanni_spawn (scene->self, &ref, class_name, &options, number, to)
                 : zanni_spawn (scene->self, &ref, class_name, &options),
              0);
    return ref;
}

static void
play (scene_t *scene)
{
    zanni_ref_t *senders [SENDERS];
    memset (sent, 0, sizeof sent);
    memset (arrived, 0, sizeof arrived);
    memset (downs, 0, sizeof downs);
    memset (asked, 0, sizeof asked);
    memset (answers, 0, sizeof answers);
    memset (echoed, 0, sizeof echoed);
    ZANNI_AUTO (zanni_ref_t) receiver = spawn_anywhere (scene, "receiver", 0, NULL);
    for (int i = 0; i < SENDERS; i++) {
        senders [i] = spawn_anywhere (scene, "sender", i, receiver);
        check_eq (zanni_tell (scene->self, receiver, "watch", i, senders [i]), 0);
    }
    scene_settle ();
    for (int i = 0; i < SENDERS; i++)
        check_eq (zanni_tell (scene->self, senders [i], "go", MESSAGES), 0);
    if (scene_draw (2))
        scene_settle ();
    scene_pass (10000);
    for (int i = 0; i < SENDERS; i++) {
        check_eq (sent [i], MESSAGES);
        check_eq (arrived [i], MESSAGES);
        check_eq (answers [i], asked [i]);
        check_eq (zanni_tell (scene->self, senders [i], "leave"), 0);
    }
    scene_pass (10000);
    for (int i = 0; i < SENDERS; i++) {
        check_eq (arrived [i], MESSAGES + 5);
        check_eq (downs [i], 1);
        zanni_ref_destroy (&senders [i]);
    }
    check_eq (scene_stats ().dead_letters, 0);
}

Test (order, per_pair)
{
    scene_run (&(scene_setup_t) { .classes = classes }, play);
}

Test (order, per_pair_with_latency_and_time)
{
    scene_run (&(scene_setup_t) { .classes = classes, .world = { .latency_ns = MS, .tick_ns = 2000 } }, play);
}

static void
play_refused (scene_t *scene)
{
    zanni_sim_set_faults (scene->world, &(zanni_sim_faults_t) { .refuse_percent = 40 });
    play (scene);
}

Test (order, per_pair_when_posts_are_refused)
{
    scene_run (&(scene_setup_t) { .classes = classes }, play_refused);
}

/* The last words of an actor, its open promises' errors and its DOWN: in this order. */
static int last_words;
static int word;

typedef struct {
    zanni_promise_t *promise;
} leaver_t;

static int
leaver_ask (zanni_t *self, zanni_msg_t *msg)
{
    leaver_t *leaver = zanni_state (self);
    return zanni_promise_new (self, &leaver->promise, msg);
}

static int
leaver_leave (zanni_t *self, zanni_msg_t *msg)
{
    for (int i = 1; i <= 10; i++)
        check_eq (zanni_tell (self, zanni_msg_from (msg), "word", i), 0);
    return zanni_exit (self);
}

static const zanni_method_t leaver_methods [] = {
    ZANNI_METHOD ("ask", "", "i", leaver_ask, "Is never answered."),
    ZANNI_METHOD ("leave", "", "", leaver_leave, "Says ten words and ends."),
    ZANNI_METHOD_END
};
static const zanni_class_t leaver_class = {
    .name = "leaver", .state_size = sizeof (leaver_t), .methods = leaver_methods
};
static const zanni_class_t *const leaver_classes [] = { &leaver_class, NULL };

static void
play_last_words (scene_t *scene)
{
    ZANNI_AUTO (zanni_ref_t) leaver = NULL;
    zanni_spawn_t options = { .place = scene_draw (2) ? ZANNI_THREAD : ZANNI_SHARED };
    zanni_ask_t ask = { .deadline_ms = -1 };
    zanni_error_t error;
    zanni_down_t down;
    uint64_t monitor;
    check_eq (zanni_spawn (scene->self, &leaver, "leaver", &options), 0);
    check_eq (zanni_monitor (scene->self, &monitor, leaver), 0);
    check_eq (zanni_ask (scene->self, leaver, &ask, "ask"), 0);
    check_eq (zanni_tell (scene->self, leaver, "leave"), 0);
    word = last_words = 0;
    for (;;) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        check_eq (zanni_receive (scene->self, &msg, 1000), 0);
        if (zanni_msg_kind (msg) == ZANNI_MSG_TELL) {
            check_eq (zanni_read (msg, &word), 0);
            check_eq (word, ++last_words);
        }
        else if (zanni_msg_kind (msg) == ZANNI_MSG_ERROR) {
            check_eq (zanni_msg_error (msg, &error), 0);
            check_eq (error.code, ZANNI_EDOWN);
            check_eq (last_words++, 10);
        }
        else {
            check_eq (zanni_msg_down (msg, &down), 0);
            check_eq (down.monitor, monitor);
            check_eq (last_words, 11);
            break;
        }
    }
}

Test (order, last_words_then_errors_then_down)
{
    scene_run (&(scene_setup_t) { .classes = leaver_classes }, play_last_words);
}
