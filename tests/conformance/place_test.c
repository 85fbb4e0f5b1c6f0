/* Where an actor runs: beside its spawner, on a worker of the pool, or alone. And what follows for those who share a
   worker: one that blocks lets the others work, and one that owns it ends them when it ends. */

#include "support.h"

typedef struct {
    zanni_ref_t *witness;
    zanni_ref_t *child;
} lodger_t;

static int
lodger_start (zanni_t *self, zanni_msg_t *msg)
{
    lodger_t *lodger = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    return rc ? rc : zanni_ref_keep (self, &lodger->witness, witness);
}

static void
lodger_stop (zanni_t *self, const zanni_reason_t *reason)
{
    lodger_t *lodger = zanni_state (self);
    char text [160];
    (void) report (self, lodger->witness, "%s stopped: %s", lodger->child ? "parent" : "child",
                   zanni_reason_string (reason, text, sizeof text));
}

/* The number of its thread, which no other has, wherever it is. */
static int
lodger_thread (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) gettid ());
}

static int
lodger_process (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, getpid ());
}

/* Spawns another like itself, and answers with a weak reference to it. */
static int
lodger_spawn (zanni_t *self, zanni_msg_t *msg)
{
    lodger_t *lodger = zanni_state (self);
    zanni_ref_t *weak;
    int32_t where;
    uint32_t worker;
    int rc = zanni_read (msg, &where, &worker);
    const zanni_spawn_t options = { .place = (zanni_place_t) where, .worker = worker };
    zanni_ref_destroy (&lodger->child);
    if (!rc)
        rc = zanni_spawn (self, &lodger->child, "lodger", &options, lodger->witness);
    if (!rc)
        rc = zanni_ref_weak (self, &weak, lodger->child);
    if (rc)
        return rc;
    rc = zanni_reply (self, msg, weak);
    zanni_ref_destroy (&weak);
    return rc;
}

/* What a call of its child answers, or the code. */
static int
lodger_call (zanni_t *self, zanni_msg_t *msg)
{
    lodger_t *lodger = zanni_state (self);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int64_t thread = 0;
    int rc = zanni_call (self, &reply, lodger->child, "thread");
    if (!rc)
        rc = zanni_read (reply, &thread);
    return zanni_reply (self, msg, rc, thread);
}

static int
lodger_lend (zanni_t *self, zanni_msg_t *msg)
{
    lodger_t *lodger = zanni_state (self);
    return zanni_reply (self, msg, lodger->child);
}

static int
lodger_exit (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static const zanni_method_t lodger_methods [] = {
    ZANNI_METHOD ("thread", "", "x", lodger_thread, ""),
    ZANNI_METHOD ("process", "", "i", lodger_process, ""),
    ZANNI_METHOD ("spawn", "iu", "r", lodger_spawn, ""),
    ZANNI_METHOD ("call", "", "ix", lodger_call, ""),
    ZANNI_METHOD ("lend", "", "r", lodger_lend, ""),
    ZANNI_METHOD ("exit", "", "", lodger_exit, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t lodger_class = {
    .name = "lodger", .state_size = sizeof (lodger_t), .methods = lodger_methods, .start_in = "r",
    .start = lodger_start, .stop = lodger_stop
};
CLASSES (&lodger_class);

static int64_t
thread_of (const zanni_ref_t *ref)
{
    ZANNI_AUTO (zanni_msg_t) reply = call (ref, "thread");
    int64_t thread = 0;
    cr_assert_eq (zanni_read (reply, &thread), 0);
    return thread;
}

/* A child of `parent` in `where`; the message that brings it is the caller's. */
static const zanni_ref_t *
child_of (zanni_msg_t **msg_p, const zanni_ref_t *parent, zanni_place_t where)
{
    const zanni_ref_t *child = NULL;
    zanni_msg_destroy (msg_p);
    *msg_p = call (parent, "spawn", (int) where, 0u);
    cr_assert_eq (zanni_read (*msg_p, &child), 0);
    return child;
}

EVERYWHERE (places, are_where_they_say)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn ("lodger", zanni_self (root));
    ZANNI_AUTO (zanni_ref_t) two = spawn ("lodger", zanni_self (root));
    bool is_here = thread_of (one) == (int64_t) gettid ();
    cr_assert_eq (is_here, place == ZANNI_HERE);
    cr_assert_eq (call_int (one, "process") != getpid (), apart ());
    if (place != ZANNI_SHARED)
        cr_assert_eq (thread_of (one) == thread_of (two), place == ZANNI_HERE);
}

EVERYWHERE (places, beside_each_other_share_a_thread)
{
    ZANNI_AUTO (zanni_ref_t) parent = spawn ("lodger", zanni_self (root));
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    const zanni_ref_t *here = child_of (&msg, parent, ZANNI_HERE);
    cr_assert_eq (thread_of (here), thread_of (parent));
    const zanni_ref_t *alone = child_of (&msg, parent, ZANNI_THREAD);
    cr_assert_neq (thread_of (alone), thread_of (parent));
    cr_assert_neq (thread_of (alone), (int64_t) gettid ());
    const zanni_ref_t *shared = child_of (&msg, parent, ZANNI_SHARED);
    cr_assert_eq (thread_of (shared) == thread_of (parent), place == ZANNI_SHARED || place == OTHER_NODE);
    cr_assert_neq (thread_of (shared), (int64_t) gettid ());
}

CONFORM_ONCE (places, on_a_worker_of_the_pool_can_be_chosen, ZANNI_SHARED)
{
    begin_again ((zanni_options_t) { .workers = 2 });
    zanni_ref_t *refs [4];
    int64_t threads [4];
    for (uint32_t i = 0; i < 4; i++) {
        const zanni_spawn_t options = { .worker = 1 + i % 2 };
        refs [i] = spawn_with (&options, "lodger", zanni_self (root));
        threads [i] = thread_of (refs [i]);
    }
    cr_assert_eq (threads [0], threads [2]);
    cr_assert_eq (threads [1], threads [3]);
    cr_assert_neq (threads [0], threads [1]);
    cr_assert_eq (stats ().threads, 3);   // and the control thread
    zanni_ref_t *none = NULL;
    cr_assert_eq (zanni_spawn (root, &none, "lodger", &(zanni_spawn_t) { .worker = 3 }, zanni_self (root)),
                  ZANNI_EINVAL);
    for (int i = 0; i < 4; i++)
        zanni_ref_destroy (&refs [i]);
}

EVERYWHERE (places, an_actor_that_blocks_lets_those_beside_it_work)
{
    ZANNI_AUTO (zanni_ref_t) parent = spawn ("lodger", zanni_self (root));
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    (void) child_of (&msg, parent, ZANNI_HERE);
    ZANNI_AUTO (zanni_msg_t) reply = call (parent, "call");
    int32_t rc = 0;
    int64_t thread = 0;
    cr_assert_eq (zanni_read (reply, &rc, &thread), 0);
    cr_assert_eq (rc, owns () ? 0 : ZANNI_EOWNER);
    if (owns ())
        cr_assert_eq (thread, thread_of (parent));
}

EVERYWHERE (places, only_the_owner_of_a_worker_may_block)
{
    ZANNI_AUTO (zanni_ref_t) parent = spawn ("lodger", zanni_self (root));
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    ZANNI_AUTO (zanni_msg_t) other = NULL;
    const zanni_ref_t *child = child_of (&msg, parent, ZANNI_HERE);
    (void) child_of (&other, child, ZANNI_SHARED);
    ZANNI_AUTO (zanni_msg_t) reply = call (child, "call");
    int32_t rc = 0;
    cr_assert_eq (zanni_read (reply, &rc), 0);
    cr_assert_eq (rc, ZANNI_EOWNER);
}

EVERYWHERE_HERE (places, the_end_of_a_parent_drops_its_children)
{
    ZANNI_AUTO (zanni_ref_t) parent = spawn ("lodger", zanni_self (root));
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    const zanni_ref_t *child = child_of (&msg, parent, place);
    uint64_t down = monitor (child);
    (void) thread_of (child);   // it is watched by now
    cr_assert_eq (zanni_kill (root, parent), 0);
    if (!apart ()) {
        expect ("child stopped: normal");   // its last strong reference is gone
        cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
        return;
    }
    const char *text = "";   // that of a process, and its home ends: it tells which it heard of first
    ZANNI_AUTO (zanni_msg_t) told = next ();
    cr_assert_eq (zanni_read (told, &text), 0);
    bool dropped = strcmp (text, "child stopped: normal") == 0;
    cr_assert (dropped || strcmp (text, "child stopped: shutdown") == 0, "%s", text);
    cr_assert_eq (expect_down (down, false).kind, dropped ? ZANNI_EXIT_NORMAL : ZANNI_EXIT_SHUTDOWN);
}

/* A strong reference elsewhere does not help an actor whose worker ends. */
CONFORM_ONCE (places, those_beside_an_actor_in_a_thread_end_with_it, ZANNI_THREAD)
{
    ZANNI_AUTO (zanni_ref_t) parent = spawn ("lodger", zanni_self (root));
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    const zanni_ref_t *child = child_of (&msg, parent, ZANNI_HERE);
    ZANNI_AUTO (zanni_msg_t) lent = call (parent, "lend");   // holds the child as long as it lives
    uint64_t down = monitor (child);
    tell (parent, "exit");
    expect ("parent stopped: normal");
    expect ("child stopped: shutdown");
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_SHUTDOWN);
    down = monitor (child);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NO_ACTOR);
    cr_assert_eq (zanni_tell (root, child, "exit"), ZANNI_ENOACTOR);
}

/* Its process is no more than a place to live in: it goes on as long as anybody in it is held. */
CONFORM_ONCE (places, those_beside_an_actor_in_a_process_live_on_while_they_are_held, ZANNI_PROCESS)
{
    ZANNI_AUTO (zanni_ref_t) parent = spawn ("lodger", zanni_self (root));
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_ref_t *child = NULL;
    const zanni_ref_t *lent = NULL;
    (void) child_of (&msg, parent, ZANNI_HERE);
    zanni_msg_t *reply = call (parent, "lend");
    cr_assert_eq (zanni_read (reply, &lent), 0);
    cr_assert_eq (zanni_ref_keep (root, &child, lent), 0);
    zanni_msg_destroy (&reply);
    uint64_t down = monitor (parent);
    tell (parent, "exit");
    expect ("parent stopped: normal");
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
    cr_assert_neq (call_int (child, "process"), getpid ());
    down = monitor (child);
    zanni_ref_destroy (&child);
    expect ("child stopped: normal");
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NORMAL);
}

/* A thread of the host that leaves the node takes those beside it along. */
static zanni_node_t *s_node;
static int s_outcome;

static void *
attach_and_leave (void *witness)
{
    zanni_t *self = NULL;
    zanni_ref_t *child = NULL;
    int rc = zanni_attach (&self, s_node);
    if (!rc)
        rc = zanni_spawn (self, &child, "lodger", &(zanni_spawn_t) { .place = ZANNI_HERE }, (zanni_ref_t *) witness);
    if (!rc)
        rc = zanni_tell (self, witness, "child", child);
    int end = zanni_destroy (&self);
    s_outcome = rc ? rc : end;
    return NULL;
}

CONFORM_ONCE (places, those_beside_a_thread_of_the_host_end_when_it_leaves, ZANNI_HERE)
{
    pthread_t thread;
    const zanni_ref_t *child = NULL;
    s_node = zanni_node_of (root);
    zanni_ref_t *self = NULL;
    cr_assert_eq (zanni_ref_weak (root, &self, zanni_self (root)), 0);
    cr_assert_eq (pthread_create (&thread, NULL, attach_and_leave, self), 0);
    cr_assert_eq (pthread_join (thread, NULL), 0);
    cr_assert_eq (s_outcome, 0);
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    cr_assert_eq (zanni_read (msg, &child), 0);
    expect ("child stopped: shutdown");
    uint64_t down = monitor (child);
    cr_assert_eq (expect_down (down, false).kind, ZANNI_EXIT_NO_ACTOR);
    zanni_ref_destroy (&self);
}
