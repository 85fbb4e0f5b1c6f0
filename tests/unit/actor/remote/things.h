/* things.h: three nodes on one thread, and a class of actors that answer, hold, lend, forward and keep what they are told. An
   actor of the first node, to which the second has a reference. */

#ifndef TESTS_UNIT_ACTOR_THINGS_H
#define TESTS_UNIT_ACTOR_THINGS_H

#include "loopback.h"

typedef struct {
    int64_t total;
    zanni_ref_t *other;
    zanni_msg_t *kept;
    zanni_promise_t *promise;
    bool ready;
} thing_t;

static int s_stopped;
static zanni_exit_t s_stop_kind;

static int
thing_add (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    thing->total += number;
    return zanni_reply (self, msg, thing->total);
}

static int
thing_fail (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_fail (self, msg, 7, "no luck", "with data");
}

static int
thing_hold (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    zanni_ref_destroy (&thing->other);
    return rc ? rc : zanni_ref_keep (self, &thing->other, other);
}

static int
thing_drop (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    (void) self, (void) msg;
    zanni_ref_destroy (&thing->other);
    return 0;
}

static int
thing_lend (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    return zanni_reply (self, msg, thing->other);
}

static int
thing_pass (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    return zanni_forward (self, msg, thing->other, "add");
}

static int
thing_wait (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    (void) self;
    return zanni_msg_keep (&thing->kept, msg);
}

static int
thing_answer (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    (void) msg;
    int rc = zanni_reply (self, thing->kept);
    zanni_msg_destroy (&thing->kept);
    return rc;
}

static int
thing_promise (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    return zanni_promise_new (self, &thing->promise, msg);
}

static int
thing_fulfil (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    (void) msg;
    return zanni_promise_reply (self, &thing->promise, 7);
}

static int
thing_is_void (zanni_t *self, zanni_msg_t *msg)
{
    const thing_t *thing = zanni_state (self);
    return zanni_reply (self, msg, (int64_t) zanni_promise_is_void (thing->promise));
}

static int
thing_pass_promise (zanni_t *self, zanni_msg_t *msg)
{
    const thing_t *thing = zanni_state (self);
    return zanni_forward (self, msg, thing->other, "promise");
}

static int
thing_spawn_there (zanni_t *self, zanni_msg_t *msg)
{
    const thing_t *thing = zanni_state (self);
    ZANNI_AUTO (zanni_ref_t) spawned = NULL;
    const zanni_ref_t *with;
    const zanni_spawn_t options = { .place = ZANNI_THREAD, .on = thing->other };
    int rc = zanni_read (msg, &with);
    return rc ? rc : zanni_spawn (self, &spawned, "thing", &options, with);
}

static int
thing_end (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit_error (self, 3, "enough");
}

static int
thing_size (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    return rc ? rc : zanni_reply (self, msg, (int64_t) zanni_buffer_size (buffer));
}

/* As a node answers "zanni.where": that with the number 0. */
static int
thing_where (zanni_t *self, zanni_msg_t *msg)
{
    static const uint8_t node [16];
    const char *endpoint;
    int rc = zanni_read (msg, &endpoint);
    return rc ? rc : zanni_reply (self, msg, zanni_arg_bytes (node, sizeof node), endpoint);
}

static int
thing_secret (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    thing->total = 1000;
    return zanni_reply (self, msg);
}

/* Adds a number, once it is ready. */
static int
thing_add_later (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    return thing->ready ? thing_add (self, msg) : zanni_stash (self, msg);
}

static int
thing_get_ready (zanni_t *self, zanni_msg_t *msg)
{
    thing_t *thing = zanni_state (self);
    thing->ready = true;
    return zanni_reply (self, msg, zanni_unstash_all (self));
}

static void
thing_stop (zanni_t *self, const zanni_reason_t *reason)
{
    thing_t *thing = zanni_state (self);
    s_stopped++;
    s_stop_kind = reason->kind;
    zanni_ref_destroy (&thing->other);
    zanni_msg_destroy (&thing->kept);
    zanni_promise_destroy (&thing->promise);
    (void) self;
}

static const zanni_method_t thing_methods [] = {
    ZANNI_METHOD ("add", "x", "x", thing_add, ""),     ZANNI_METHOD ("fail", "", "x", thing_fail, ""),
    ZANNI_METHOD ("hold", "r", "", thing_hold, ""),    ZANNI_METHOD ("drop", "", "", thing_drop, ""),
    ZANNI_METHOD ("lend", "", "r", thing_lend, ""),    ZANNI_METHOD ("pass", "x", "x", thing_pass, ""),
    ZANNI_METHOD ("wait", "", "", thing_wait, ""),     ZANNI_METHOD ("end", "", "", thing_end, ""),
    ZANNI_METHOD ("size", "B", "x", thing_size, ""),   ZANNI_PRIVATE ("secret", "", "", thing_secret, ""),
    ZANNI_METHOD ("answer", "", "", thing_answer, ""), ZANNI_METHOD ("promise", "", "x", thing_promise, ""),
    ZANNI_METHOD ("fulfil", "", "", thing_fulfil, ""), ZANNI_METHOD ("is void", "", "x", thing_is_void, ""),
    ZANNI_METHOD ("pass promise", "", "x", thing_pass_promise, ""),
    ZANNI_METHOD ("spawn there", "r", "", thing_spawn_there, ""),
    ZANNI_METHOD ("where", "s", "ays", thing_where, ""),
    ZANNI_METHOD ("add later", "x", "x", thing_add_later, ""), ZANNI_METHOD ("get ready", "", "x", thing_get_ready, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t thing_class = {
    .name = "thing", .state_size = sizeof (thing_t), .methods = thing_methods, .stop = thing_stop
};
static const zanni_class_t *const classes [] = { &thing_class, NULL };

/* Three nodes, an actor in the first, and a reference of the second to it. */
static zanni_t *s_nodes [3];
static zanni_ref_t *s_local;
static zanni_ref_t *s_remote;

static inline void
settle (void)
{
    loop_settle (s_nodes, 3);
}

static inline zanni_ref_t *
spawn_in (int node)
{
    zanni_ref_t *ref = NULL;
    const zanni_spawn_t options = { .place = ZANNI_HERE, .restartable = true };
    cr_assert_eq (zanni_spawn (s_nodes [node], &ref, "thing", &options), 0);
    return ref;
}

/* With options of the first node's. */
static inline void
setup_with (zanni_options_t options)
{
    cr_assert_eq (zanni_init (classes), 0);
    for (int i = 0; i < 3; i++)
        s_nodes [i] = loop_node (i ? (zanni_options_t) { 0 } : options);
    s_local = spawn_in (0);
    s_remote = loop_introduce (s_nodes [1], s_nodes [0], s_local, true);
    settle ();
}

static inline void
setup (void)
{
    setup_with ((zanni_options_t) { 0 });
}

static inline void
teardown (void)
{
    zanni_ref_destroy (&s_local);
    zanni_ref_destroy (&s_remote);
    for (int i = 0; i < 3; i++)
        cr_assert_eq (zanni_destroy (&s_nodes [i]), 0);
}

/* The answer of an ask by node `node`, which is there at once, since everybody has run. */
static inline zanni_msg_t *
asked_args (int node, const zanni_ref_t *ref, const char *method, const zanni_arg_t *args, size_t count)
{
    zanni_msg_t *reply = NULL;
    cr_assert_eq (zanni_ask_args (s_nodes [node], ref, NULL, method, args, count), 0);
    settle ();
    cr_assert_eq (zanni_receive (s_nodes [node], &reply, 0), 0, "no answer to %s", method);
    return reply;
}
#define asked(node, ref, ...) asked_args (node, ref, ZANNI_ARGV (__VA_ARGS__))

static inline int64_t
number_of (zanni_msg_t *reply)
{
    int64_t number = -1;
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
    cr_assert_eq (zanni_read (reply, &number), 0);
    zanni_msg_destroy (&reply);
    return number;
}

#endif
