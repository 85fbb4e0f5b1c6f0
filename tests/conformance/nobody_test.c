/* Wherever a reference goes, one may be NULL, or its actor be gone: each function says so, and nothing else happens. */

#include "support.h"

static int
moth_end (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static int
moth_answer (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return 0;
}

static const zanni_method_t moth_methods [] = {
    ZANNI_METHOD ("end", "", "", moth_end, "Ends."),
    ZANNI_METHOD ("answer", "", "", moth_answer, "Answers."),
    ZANNI_METHOD_END
};
static const zanni_class_t moth_class = { .name = "moth", .methods = moth_methods };

CLASSES (&moth_class);

static zanni_reason_t reason = { .kind = ZANNI_EXIT_SHUTDOWN };

static int
do_tell (const zanni_ref_t *ref)
{
    return zanni_tell (root, ref, "answer");
}

static int
do_tell_wait (const zanni_ref_t *ref)
{
    return zanni_tell_wait (root, ref, 10000, "answer");
}

static int
do_send_all (const zanni_ref_t *ref)
{
    int result = 0;
    int rc = zanni_send_all (root, &ref, 1, &result, "answer");
    return rc < 0 ? rc : result;
}

static int
do_when_writable (const zanni_ref_t *ref)
{
    return zanni_when_writable (root, ref, "answer");
}

static int
do_ask (const zanni_ref_t *ref)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_error_t error = { 0 };
    int rc = zanni_ask (root, ref, NULL, "answer");
    if (rc)
        return rc;
    msg = next ();
    cr_assert_eq (zanni_msg_error (msg, &error), 0);
    return error.code;
}

static int
do_call (const zanni_ref_t *ref)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_error_t error = { 0 };
    const zanni_ask_t options = { .error = &error };
    int rc = zanni_call_with (root, &reply, ref, &options, "answer");
    cr_assert_eq (rc, error.code);
    cr_assert (strlen (error.text) > 5, "%s", error.text);
    return rc;
}

static int
do_argument (const zanni_ref_t *ref)
{
    return zanni_tell (root, zanni_self (root), "saw", ref);
}

static int
do_stop (const zanni_ref_t *ref)
{
    return zanni_stop (root, ref);
}

static int
do_kill (const zanni_ref_t *ref)
{
    return zanni_kill (root, ref);
}

static int
do_restart (const zanni_ref_t *ref)
{
    return zanni_restart (root, ref);
}

static int
do_monitor (const zanni_ref_t *ref)
{
    uint64_t id;
    return zanni_monitor (root, &id, ref);
}

static int
do_link (const zanni_ref_t *ref)
{
    return zanni_link (root, ref);
}

static int
do_unlink (const zanni_ref_t *ref)
{
    return zanni_unlink (root, ref);
}

static int
do_exit_signal (const zanni_ref_t *ref)
{
    return zanni_exit_signal (root, ref, &reason);
}

static int
do_copy (const zanni_ref_t *ref)
{
    ZANNI_AUTO (zanni_ref_t) kept = NULL;
    ZANNI_AUTO (zanni_ref_t) weak = NULL;
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    int rc = zanni_ref_keep (root, &kept, ref);
    cr_assert_eq (zanni_ref_weak (root, &weak, ref), rc);
    cr_assert_eq (zanni_ref_limit (root, &limited, ref), rc);
    return rc;
}

static int
do_text (const zanni_ref_t *ref)
{
    char text [ZANNI_REF_TEXT];
    return zanni_ref_text (root, ref, text, sizeof text);
}

static int
do_set_wire (const zanni_ref_t *ref)
{
    return zanni_set_wire (root, ref, &(zanni_wire_t) { .level_max = 1 });
}

static int
do_lock (const zanni_ref_t *ref)
{
    int rc = zanni_lock_acquire (root, NULL, ref, 1000);
    cr_assert_eq (zanni_lock_release (root, ref), rc);
    cr_assert_eq (zanni_semaphore_acquire (root, ref, 1000), rc);
    cr_assert_eq (zanni_semaphore_release (root, ref, 1), rc);
    cr_assert_eq (zanni_event_wait (root, ref, 1000), rc);
    return rc;
}

static int
do_queue (const zanni_ref_t *ref)
{
    ZANNI_AUTO (zanni_msg_t) item = NULL;
    int rc = zanni_queue_put (root, ref, 1000, 5);
    cr_assert_eq (zanni_queue_get (root, &item, ref, 1000), rc);
    cr_assert_eq (zanni_queue_join (root, ref, 1000), rc);
    return rc;
}

static int
do_wait_together (const zanni_ref_t *ref)
{
    bool notified;
    int64_t index;
    int rc = zanni_condition_wait (root, &notified, ref, 1000);
    cr_assert_eq (zanni_barrier_wait (root, &index, ref, 1000), rc);
    return rc;
}

static int
do_pool (const zanni_ref_t *ref)
{
    zanni_pool_status_t status;
    int rc = zanni_pool_status (root, ref, &status);
    cr_assert_eq (zanni_pool_resize (root, ref, 2), rc);
    cr_assert_eq (zanni_pool_drain (root, ref, 1000), rc);
    return rc;
}

static int
one_job (void *closure, zanni_msg_t **msg_p)
{
    int *left = closure;
    return (*left)-- > 0 ? zanni_msg_new (root, msg_p, "answer") : 0;
}

static int
was_done (void *closure, uint64_t index, int rc, zanni_msg_t *reply)
{
    (void) closure, (void) index, (void) reply;
    return rc;
}

static int
do_map (const zanni_ref_t *ref)
{
    int left = 1;
    return zanni_map (root, ref, &(zanni_map_t) { .next = one_job, .done = was_done, .closure = &left });
}

static int
do_stream (const zanni_ref_t *ref)
{
    zanni_stream_t *stream = NULL;
    int rc = zanni_stream_open (root, &stream, ref, NULL, "answer");
    zanni_stream_destroy (&stream);
    return rc;
}

/* What each of them answers, and what comes then. */
static const struct {
    const char *name;
    int (*act) (const zanni_ref_t *ref);
    int null;
    int gone;
    int kind;   // of the message that is due, or -1
} acts [] = {
    { "tell", do_tell, ZANNI_EINVAL, ZANNI_ENOACTOR, -1 },
    { "tell, waiting", do_tell_wait, ZANNI_EINVAL, ZANNI_ENOACTOR, -1 },
    { "send to all", do_send_all, ZANNI_EINVAL, ZANNI_ENOACTOR, -1 },
    { "when writable", do_when_writable, ZANNI_EINVAL, 0, ZANNI_MSG_TELL },
    { "ask", do_ask, ZANNI_EINVAL, ZANNI_ENOACTOR, -1 },
    { "call", do_call, ZANNI_EINVAL, ZANNI_ENOACTOR, -1 },
    { "argument", do_argument, ZANNI_EARGS, 0, ZANNI_MSG_TELL },
    { "stop", do_stop, ZANNI_EINVAL, 0, -1 },
    { "kill", do_kill, ZANNI_EINVAL, 0, -1 },
    { "restart", do_restart, ZANNI_EINVAL, 0, -1 },
    { "monitor", do_monitor, ZANNI_EINVAL, 0, ZANNI_MSG_DOWN },
    { "link", do_link, ZANNI_EINVAL, 0, ZANNI_MSG_EXIT },
    { "unlink", do_unlink, ZANNI_EINVAL, 0, -1 },
    { "exit signal", do_exit_signal, ZANNI_EINVAL, 0, -1 },
    { "copies", do_copy, ZANNI_EINVAL, 0, -1 },
    { "text", do_text, ZANNI_EINVAL, 0, -1 },
    { "wire", do_set_wire, ZANNI_EINVAL, 0, -1 },
    { "locks", do_lock, ZANNI_EINVAL, ZANNI_ENOACTOR, -1 },
    { "queue", do_queue, ZANNI_EINVAL, ZANNI_ENOACTOR, -1 },
    { "condition, barrier", do_wait_together, ZANNI_EINVAL, ZANNI_ENOACTOR, -1 },
    { "pool", do_pool, ZANNI_EINVAL, ZANNI_EINVAL, -1 },   // it is none
    { "map", do_map, ZANNI_EINVAL, ZANNI_ENOACTOR, -1 },
    { "stream", do_stream, ZANNI_EINVAL, ZANNI_ENOACTOR, -1 }
};
#define ACTS (sizeof acts / sizeof *acts)

CONFORM_ONCE (nobody, null_is_refused_wherever_a_reference_goes, ZANNI_SHARED)
{
    for (size_t i = 0; i < ACTS; i++) {
        int rc = acts [i].act (NULL);
        cr_assert_eq (rc, acts [i].null, "%s: %s", acts [i].name, zanni_strerror (rc));
    }
    expect_nothing ();
    cr_assert_not (zanni_ref_is_strong (NULL) || zanni_ref_is_own (NULL));
    cr_assert_str_eq (zanni_ref_class (NULL), "");
    cr_assert_eq (zanni_ref_address (NULL).actor, 0);
    cr_assert_eq (zanni_ref_hash (NULL), zanni_ref_hash (NULL));
}

EVERYWHERE (nobody, who_is_gone_is_told_of_wherever_its_reference_goes)
{
    ZANNI_AUTO (zanni_ref_t) moth = spawn ("moth");
    uint64_t id = monitor (moth);
    cr_assert_eq (zanni_trap_exits (root, true), 0);
    tell (moth, "end");
    cr_assert_eq (expect_down (id, false).kind, ZANNI_EXIT_NORMAL);
    for (size_t i = 0; i < ACTS; i++) {
        int rc = acts [i].act (moth);
        cr_assert_eq (rc, acts [i].gone, "%s: %s", acts [i].name, zanni_strerror (rc));
        if (acts [i].kind < 0)
            continue;
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        cr_assert_eq ((int) zanni_msg_kind (msg), acts [i].kind, "%s", acts [i].name);
    }
    expect_nothing ();
}
