/* Exit signals; and links of those who are not among others: the root, attached threads, loops, processes, other
   nodes. */

#include "twin.h"

/* A loop actor that reads until it is told to end; what it traps it tells its owner. */
static int
loop_run (zanni_t *self)
{
    zanni_ref_t *witness = NULL;
    zanni_msg_t *msg = NULL;
    int rc;
    while ((rc = zanni_receive (self, &msg, -1)) == 0) {
        zanni_exit_signal_t signal;
        char text [160];
        bool traps = false;
        if (!zanni_msg_exit (msg, &signal))
            rc = report (self, witness, "trapped in a loop: %s", zanni_reason_string (&signal.reason, text, sizeof text));
        else if (zanni_msg_kind (msg) == ZANNI_MSG_ASK) {
            rc = zanni_read (msg, &traps);
            if (!rc)
                rc = zanni_trap_exits (self, traps);
            if (!rc && !witness)
                rc = zanni_ref_weak (self, &witness, zanni_msg_from (msg));
            if (!rc)
                rc = zanni_reply (self, msg);
        }
        zanni_msg_destroy (&msg);
        if (rc)
            break;
    }
    (void) report (self, witness, "out of the loop: %s", zanni_strerror (rc));
    zanni_ref_destroy (&witness);
    return rc == ZANNI_ECLOSED ? 0 : rc;
}
static const zanni_method_t loop_methods [] = {
    ZANNI_METHOD ("trap", "b", "", NULL, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t loop_class = { .name = "loop", .methods = loop_methods, .run = loop_run };

/* The root, where it serves. */
static int exits_of_root;

static void
warden_exit (zanni_t *self, const zanni_exit_signal_t *signal)
{
    (void) self;
    exits_of_root += signal->linked && signal->reason.kind == ZANNI_EXIT_ERROR;
}
static const zanni_class_t warden_class = { .name = "warden", .exit = warden_exit };

CLASSES (&twin_class, &loop_class, &warden_class);

EVERYWHERE (exits, an_exit_signal_ends_with_its_reason_and_a_normal_one_is_ignored)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    ZANNI_AUTO (zanni_ref_t) three = spawn_twin (3);
    done (one, "signal", two, (int64_t) ZANNI_EXIT_NORMAL, 0, "");
    done (two, "link", three);
    done (one, "signal", two, (int64_t) ZANNI_EXIT_ERROR, 7, "told so");
    expect_all ("2 stops: error 7: told so", "2 ended: error 7: told so", "3 stops: error 7: told so",
                "3 ended: error 7: told so");
    expect_alive (one, 0);
}

EVERYWHERE (exits, an_exit_signal_is_trapped_but_for_a_kill)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    done (two, "trap", true);
    done (one, "signal", two, (int64_t) ZANNI_EXIT_NORMAL, 0, "");
    expect_all ("2 traps: normal from another");
    done (one, "signal", two, (int64_t) ZANNI_EXIT_SHUTDOWN, 0, "");
    expect_all ("2 traps: shutdown from another");
    done (one, "signal", two, (int64_t) ZANNI_EXIT_SIGNAL, 9, "");
    expect_all ("2 traps: signal 9 (SIGKILL) from another");
    done (one, "signal", two, (int64_t) ZANNI_EXIT_KILLED, 0, "");
    expect_all ("2 ended: killed");
    expect_nothing ();
}

EVERYWHERE (exits, the_root_traps_by_its_messages)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    cr_assert_eq (zanni_trap_exits (root, true), 0);
    cr_assert_eq (zanni_link (root, one), 0);
    cr_assert_eq (zanni_link (root, one), 0);
    tell (one, "fail", 3, "enough");
    expect_all ("1 stops: error 3: enough", "1 ended: error 3: enough", "root traps: error 3: enough, linked");
    cr_assert_eq (zanni_link (root, two), 0);
    expect_alive (two, 0);
    tell (two, "end");
    ZANNI_AUTO (zanni_msg_t) msg = next ();   // it stops; its exit comes before its down
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_TELL);
    cr_assert_eq (zanni_unlink (root, two), 0);
    cr_assert_eq (expect_down (monitors [2], false).kind, ZANNI_EXIT_NORMAL);
    expect_nothing ();
}

EVERYWHERE (exits, a_root_that_serves_has_a_hook)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    exits_of_root = 0;
    cr_assert_eq (zanni_serve (root, "warden"), 0);
    cr_assert_eq (zanni_trap_exits (root, true), 0);
    cr_assert_eq (zanni_link (root, one), 0);
    tell (one, "fail", 3, "enough");
    for (int left = 2000; left && !exits_of_root; left--)
        cr_assert_eq (zanni_run (root, 10), 0);
    cr_assert_eq (exits_of_root, 1);
}

EVERYWHERE (exits, a_root_that_is_ended_by_one_is_closed_and_takes_the_others_along)
{
    zanni_msg_t *msg = NULL;
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    cr_assert_eq (zanni_link (root, one), 0);
    tell (one, "fail", 3, "enough");
    int rc = 0;
    while (!rc) {   // what one had to say may come before
        rc = zanni_receive (root, &msg, 2 * DEADLINE_MS);
        zanni_msg_destroy (&msg);
    }
    cr_assert_eq (rc, ZANNI_ECLOSED, "%s", zanni_strerror (rc));
    cr_assert_eq (zanni_receive (root, &msg, 0), ZANNI_ECLOSED);
    cr_assert_eq (zanni_step (root, 10), ZANNI_ECLOSED);
    cr_assert_eq (zanni_run (root, -1), ZANNI_ECLOSED);
}

EVERYWHERE (exits, a_run_of_the_root_ends_by_one)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    cr_assert_eq (zanni_link (root, one), 0);
    const zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = 3 };
    cr_assert_eq (zanni_exit_signal (root, one, &reason), 0);
    cr_assert_eq (zanni_run (root, -1), ZANNI_ECLOSED);
}

/* An attached thread that links and ends. */
static struct {
    zanni_node_t *node;
    char text [ZANNI_REF_TEXT];
    const zanni_ref_t *ref;
    int rc;
} attached;

static void *
attach_and_link (void *arg)
{
    zanni_t *self = NULL;
    zanni_ref_t *child = NULL;
    (void) arg;
    attached.rc = zanni_attach (&self, attached.node);
    const zanni_spawn_t options = { PLACED };
    if (!attached.rc)
        attached.rc = zanni_spawn (self, &child, "twin", (&options), attached.ref, 1);
    if (!attached.rc)
        attached.rc = zanni_link (self, child);
    zanni_msg_t *reply = NULL;
    if (!attached.rc)
        attached.rc = zanni_call (self, &reply, child, "exits");   // the link is there
    zanni_msg_destroy (&reply);
    (void) zanni_destroy (&self);   // with its reference
    return NULL;
}

EVERYWHERE_HERE (exits, an_attached_thread_that_ends_takes_its_partner_along)
{
    pthread_t thread;
    attached.node = zanni_node_of (root);
    attached.ref = zanni_self (root);
    cr_assert_eq (pthread_create (&thread, NULL, attach_and_link, NULL), 0);
    expect ("1 stops: shutdown");
    cr_assert_eq (pthread_join (thread, NULL), 0);
    cr_assert_eq (attached.rc, 0, "%s", zanni_strerror (attached.rc));
}

ALONE (exits, a_loop_actor_ends_by_an_exit_or_reads_it)
{
    ZANNI_AUTO (zanni_ref_t) loop = spawn ("loop");
    const zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = 3 };
    monitors [1] = monitor (loop);
    done (loop, "trap", true);
    cr_assert_eq (zanni_exit_signal (root, loop, &reason), 0);
    expect_all ("trapped in a loop: error 3");
    done (loop, "trap", false);
    cr_assert_eq (zanni_exit_signal (root, loop, &reason), 0);
    expect_all ("out of the loop: closed", "1 ended: error 3");
}

CONFORM_ONCE (exits, a_process_that_crashes_takes_its_partner_along, ZANNI_PROCESS)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    done (one, "link", two);
    tell (two, "crash");
    expect_all ("2 ended: signal 9 (SIGKILL)", "1 stops: signal 9 (SIGKILL)", "1 ended: signal 9 (SIGKILL)");
}

CONFORM_ONCE (exits, are_lost_with_the_connection_of_a_node, OTHER_NODE)
{
    place = ZANNI_SHARED;
    zanni_ref_t *on = other_node;
    other_node = NULL;
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    other_node = on;
    ZANNI_AUTO (zanni_ref_t) three = spawn_twin (3);
    ZANNI_AUTO (zanni_ref_t) four = spawn_twin (4);
    done (two, "trap", true);
    done (one, "link", three);
    done (four, "link", two);
    done (two, "link", four);
    cr_assert_eq (kill (other_pid, SIGKILL), 0);
    expect_all ("1 stops: no connection", "1 ended: no connection", "2 traps: no connection from its partner, linked",
                "3 ended: no connection", "4 ended: no connection");
    expect_alive (two, 1);
    place = OTHER_NODE;
}

/* A process is not reached by tcp, so this node stands between. */
CONFORM_ONCE (exits, lead_through_a_node_that_stands_between, OTHER_NODE)
{
    for (int way = 0; way < 4; way++) {
        const zanni_spawn_t process = { .place = ZANNI_PROCESS };
        ZANNI_AUTO (zanni_ref_t) far = spawn_twin (1);
        ZANNI_AUTO (zanni_ref_t) near = spawn_with (&process, "twin", zanni_self (root), 2);
        monitors [2] = monitor (near);
        zanni_ref_t *first = way & 1 ? far : near, *second = way & 1 ? near : far;
        done (first, "link", second);
        if (way == 1)
            done (second, "link", first);
        tell (way & 2 ? first : second, "fail", way, "enough");
        char lines [4] [64];
        for (int i = 0; i < 4; i++)
            snprintf (lines [i], sizeof lines [i], "%d %s: error %d: enough", 1 + i / 2, i % 2 ? "ended" : "stops", way);
        expect_all (lines [0], lines [1], lines [2], lines [3]);
    }
}

CONFORM_ONCE (exits, a_process_that_crashes_is_known_beyond_the_node_between, OTHER_NODE)
{
    const zanni_spawn_t process = { .place = ZANNI_PROCESS };
    ZANNI_AUTO (zanni_ref_t) far = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) near = spawn_with (&process, "twin", zanni_self (root), 2);
    monitors [2] = monitor (near);
    done (far, "link", near);
    tell (near, "crash");
    expect_all ("2 ended: signal 9 (SIGKILL)", "1 stops: signal 9 (SIGKILL)", "1 ended: signal 9 (SIGKILL)");
}

EVERYWHERE (exits, a_reason_that_is_cut_amid_a_character_is_told_as_far_as_it_goes)
{
    char text [200];
    for (int i = 0; i < 99; i++)
        memcpy (text + 2 * i, "\xc3\xa4", 3);
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    uint64_t down = monitors [1];
    tell (one, "fail", 3, text);
    zanni_reason_t reason = expect_down (down, false);   // it cannot be reported when it stops
    cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (strncmp (reason.text, text, 110), 0);
}
