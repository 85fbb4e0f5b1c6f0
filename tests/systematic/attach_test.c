/* Attached threads (here all on one): they come and go while others send to them, ask them and hold them. What they have
   not received when they go is dead letters and errors. */

#include "scene.h"

#define VISITORS 4
#define ASKS 400

typedef struct {
    int ends;
    int code;
} ask_t;

static ask_t asks [ASKS];
static int asks_count;
static uint64_t sent;
static uint64_t handled;

/* Sends to visitors, which it knows by what they send. */
typedef struct {
    zanni_ref_t *known [VISITORS];
} local_t;

static void
on_end (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    ask_t *ask = arg;
    zanni_error_t error = { 0 };
    (void) self;
    check_eq (++ask->ends, 1);
    ask->code = zanni_msg_error (reply, &error) ? 0 : error.code;
}

static int
local_hello (zanni_t *self, zanni_msg_t *msg)
{
    local_t *local = zanni_state (self);
    int at;
    check_eq (zanni_read (msg, &at), 0);
    handled++;
    zanni_ref_destroy (&local->known [at]);
    return zanni_ref_keep (self, &local->known [at], zanni_msg_from (msg));
}

static int
local_go (zanni_t *self, zanni_msg_t *msg)
{
    local_t *local = zanni_state (self);
    (void) msg;
    handled++;
    for (uint32_t n = scene_draw (10); n > 0; n--) {
        const zanni_ref_t *to = local->known [scene_draw (VISITORS)];
        uint64_t monitor;
        if (!to)
            continue;
        if (scene_draw (10) == 0)
            check_eq (zanni_monitor (self, &monitor, to), 0);
        if (scene_draw (2) || asks_count == ASKS) {
            int rc = zanni_tell (self, to, "word");
            check (rc == 0 || rc == ZANNI_ENOACTOR);
            sent += !rc;
            continue;
        }
        zanni_ask_t options = { .then = on_end, .arg = &asks [asks_count], .deadline_ms = -1 };
        asks [asks_count] = (ask_t) { .code = 1 };
        int rc = zanni_ask (self, to, &options, "question");
        check (rc == 0 || rc == ZANNI_ENOACTOR);
        asks_count += !rc;
    }
    return 0;
}

static const zanni_method_t local_methods [] = {
    ZANNI_METHOD ("hello", "i", "", local_hello, "A visitor."),
    ZANNI_METHOD ("go", "", "", local_go, "Sends to visitors."),
    ZANNI_METHOD_END
};
static const zanni_class_t local_class = {
    .name = "local", .state_size = sizeof (local_t), .methods = local_methods
};
static const zanni_class_t *const classes [] = { &local_class, NULL };

/* One visitor: attached, or not there; it keeps some of what it got. */
typedef struct {
    zanni_t *self;
    zanni_msg_t *kept;
} visitor_t;

static visitor_t visitors [VISITORS];

static void
take (visitor_t *visitor, zanni_msg_t *msg)
{
    handled += zanni_msg_kind (msg) == ZANNI_MSG_TELL;
    if (zanni_msg_kind (msg) == ZANNI_MSG_ASK && scene_draw (3))
        check_eq (zanni_reply (visitor->self, msg), 0);
    if (scene_draw (2)) {
        zanni_msg_destroy (&visitor->kept);
        visitor->kept = msg;
        return;
    }
    zanni_msg_destroy (&msg);
}

static void
leave (visitor_t *visitor)
{
    zanni_msg_destroy (&visitor->kept);
    check_eq (zanni_destroy (&visitor->self), 0);
}

static void
visit (scene_t *scene, int at, zanni_ref_t *const *locals)
{
    visitor_t *visitor = &visitors [at];
    zanni_msg_t *msg = NULL;
    if (!visitor->self) {
        check_eq (zanni_attach (&visitor->self, zanni_node_of (scene->self)), 0);
        check_eq (zanni_tell (visitor->self, zanni_self (scene->self), "known"), 0);
        sent++;
        return;
    }
    switch (scene_draw (8)) {
    case 0:
        leave (visitor);
        break;
    case 1:
    case 2:
        check (zanni_step (visitor->self, 1 + scene_draw (20)) >= 0);
        break;
    case 3:
    case 4:
        if (zanni_receive (visitor->self, &msg, scene_draw (3)) == 0)
            take (visitor, msg);
        break;
    default:
        check_eq (zanni_tell (visitor->self, locals [scene_draw (3)], "hello", at), 0);
        sent++;
    }
}

static zanni_ref_t *locals [3];

/* Visitors know the locals by references that they got; here they are lent the root's, which is on the same thread. */
static void
play (scene_t *scene)
{
    asks_count = 0;
    sent = handled = 0;
    for (int i = 0; i < 3; i++)
        locals [i] = scene_spawn ("local", 1 + scene_draw (4));
    for (int i = 0; i < 80; i++) {
        if (scene_draw (3))
            visit (scene, (int) scene_draw (VISITORS), locals);
        else {
            check_eq (zanni_tell (scene->self, locals [scene_draw (3)], "go"), 0);
            sent++;
        }
        if (scene_draw (3) == 0)
            check_eq (zanni_run (scene->self, scene_draw (3)), 0);
    }
    for (int i = 0; i < VISITORS; i++)
        if (visitors [i].self)
            leave (&visitors [i]);
    scene_pass (1000);
    for (int i = 0; i < asks_count; i++)
        check_eq (asks [i].ends, 1);
    zanni_msg_t *msg = NULL;
    while (zanni_receive (scene->self, &msg, 0) == 0) {
        handled++;
        zanni_msg_destroy (&msg);
    }
    check_eq (handled + scene_stats ().dead_letters, sent);
    check_eq (scene_stats ().actors, 4);
    for (int i = 0; i < 3; i++)
        zanni_ref_destroy (&locals [i]);
}

Test (attach, threads_come_and_go)
{
    scene_run (&(scene_setup_t) { .classes = classes }, play);
    scene_run (&(scene_setup_t) { .classes = classes, .world.latency_ns = 3 * MS }, play);
}
