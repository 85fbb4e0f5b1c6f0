/* twin.h: what the tests of links share: actors that end as they are told, link, and report what they trap; and
   what the root hears of them, as lines.

   What comes from different actors comes in any order, so a test says what is to come, and takes it as it comes.
   What must not come is looked for once everything that might bring it has been answered. */

#ifndef TESTS_CONFORMANCE_TWIN_H
#define TESTS_CONFORMANCE_TWIN_H

#include "support.h"

#define TWINS 8

/* Ends as it is told, links, and reports what it traps. */
typedef struct {
    zanni_ref_t *witness;
    int64_t number;
    zanni_ref_t *partner;
    int64_t exits;
    bool unlinked;
    int64_t late;           // exits that came behind an unlink
} twin_t;

static int
twin_start (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness, &twin->number);
    return rc ? rc : zanni_ref_keep (self, &twin->witness, witness);
}

static void
twin_stop (zanni_t *self, const zanni_reason_t *reason)
{
    const twin_t *twin = zanni_state (self);
    char text [160];
    (void) report (self, twin->witness, "%d stops: %s", (int) twin->number, zanni_reason_string (reason, text, sizeof text));
}

static void
twin_exit (zanni_t *self, const zanni_exit_signal_t *signal)
{
    twin_t *twin = zanni_state (self);
    char text [160];
    twin->exits++;
    twin->late += twin->unlinked;
    (void) report (self, twin->witness, "%d traps: %s from %s%s", (int) twin->number,
                   zanni_reason_string (&signal->reason, text, sizeof text),
                   twin->partner && zanni_ref_equal (twin->partner, signal->from) ? "its partner" : "another",
                   signal->linked ? ", linked" : "");
}

static void
twin_down (zanni_t *self, const zanni_down_t *down)
{
    const twin_t *twin = zanni_state (self);
    (void) down;
    (void) report (self, twin->witness, "%d sees the end, %d late", (int) twin->number, (int) twin->late);
}

static void
twin_linked (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_promise_t *promise = arg;
    (void) reply;
    (void) !zanni_promise_reply (self, &promise);
}

static int
keep_partner (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &ref);
    zanni_ref_destroy (&twin->partner);
    return rc ? rc : zanni_ref_weak (self, &twin->partner, ref);
}

/* Links, and answers when the link has arrived: the ask behind it was answered. */
static int
twin_link (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    zanni_promise_t *promise;
    int rc = keep_partner (self, msg);
    if (!rc)
        rc = zanni_link (self, twin->partner);
    if (!rc)
        rc = zanni_promise_new (self, &promise, msg);
    if (rc)
        return rc;
    const zanni_ask_t ask = { .then = twin_linked, .arg = promise };
    return zanni_ask (self, twin->partner, &ask, "exits");
}

/* Only links. */
static int
twin_tie (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    int rc = keep_partner (self, msg);
    return rc ? rc : zanni_link (self, twin->partner);
}

static int
twin_unlink (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    (void) msg;
    int rc = zanni_unlink (self, twin->partner);
    twin->unlinked = !rc;
    return rc;
}

static int
twin_watch (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    uint64_t id;
    (void) msg;
    return zanni_monitor (self, &id, twin->partner);
}

static int
twin_trap (zanni_t *self, zanni_msg_t *msg)
{
    bool trap;
    int rc = zanni_read (msg, &trap);
    return rc ? rc : zanni_trap_exits (self, trap);
}

static int
twin_end (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit (self);
}

static int
twin_fail (zanni_t *self, zanni_msg_t *msg)
{
    int64_t code;
    const char *text;
    int rc = zanni_read (msg, &code, &text);
    return rc ? rc : zanni_exit_error (self, code, text);
}

static int
twin_note_and_fail (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    (void) msg;
    int rc = zanni_tell (self, twin->partner, "note");
    return rc ? rc : zanni_exit_error (self, 5, "noted");
}

static int
twin_note (zanni_t *self, zanni_msg_t *msg)
{
    twin_t *twin = zanni_state (self);
    (void) msg;
    return report (self, twin->witness, "%d notes", (int) twin->number);
}

static int
twin_signal (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    zanni_reason_t reason = { 0 };
    const char *text;
    int64_t kind;
    int rc = zanni_read (msg, &ref, &kind, &reason.code, &text);
    reason.kind = (zanni_exit_t) kind;
    if (!rc)
        snprintf (reason.text, sizeof reason.text, "%s", text);
    return rc ? rc : zanni_exit_signal (self, ref, &reason);
}

static int
twin_exits (zanni_t *self, zanni_msg_t *msg)
{
    const twin_t *twin = zanni_state (self);
    return zanni_reply (self, msg, twin->exits);
}

/* A child that it is linked with before it can have begun. */
static int
twin_bear (zanni_t *self, zanni_msg_t *msg)
{
    const twin_t *twin = zanni_state (self);
    const char *class_name;
    zanni_ref_t *child;   // ends with this actor at the latest
    int rc = zanni_read (msg, &class_name);
    if (!rc)
        rc = zanni_spawn (self, &child, class_name, (&(zanni_spawn_t) { .place = ZANNI_THREAD }), twin->witness,
                          twin->number + 1);
    return rc ? rc : zanni_link (self, child);
}

static int
twin_crash (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return kill (getpid (), SIGKILL);
}

static const zanni_method_t twin_methods [] = {
    ZANNI_METHOD ("link", "r", "", twin_link, ""),
    ZANNI_METHOD ("tie", "r", "", twin_tie, ""),
    ZANNI_METHOD ("unlink", "", "", twin_unlink, ""),
    ZANNI_METHOD ("watch", "", "", twin_watch, ""),
    ZANNI_METHOD ("trap", "b", "", twin_trap, ""),
    ZANNI_METHOD ("end", "", "", twin_end, ""),
    ZANNI_METHOD ("fail", "xs", "", twin_fail, ""),
    ZANNI_METHOD ("note and fail", "", "", twin_note_and_fail, ""),
    ZANNI_METHOD ("note", "", "", twin_note, ""),
    ZANNI_METHOD ("signal", "rxxs", "", twin_signal, ""),
    ZANNI_METHOD ("exits", "", "x", twin_exits, ""),
    ZANNI_METHOD ("bear", "s", "", twin_bear, ""),
    ZANNI_METHOD ("crash", "", "", twin_crash, ""),
    ZANNI_METHOD_END
};
UNUSED static const zanni_class_t twin_class = {
    .name = "twin", .state_size = sizeof (twin_t), .methods = twin_methods, .start_in = "rx", .start = twin_start,
    .stop = twin_stop, .down = twin_down, .exit = twin_exit
};

static int
stillborn_start (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return ZANNI_EARGS;
}
UNUSED static const zanni_class_t stillborn_class = { .name = "stillborn", .start_in = "rx", .start = stillborn_start };

static uint64_t monitors [TWINS];

/* The root learns of its end. */
static inline zanni_ref_t *
spawn_twin (int64_t number)
{
    const zanni_spawn_t options = { PLACED, .restartable = true };
    zanni_ref_t *ref = spawn_with (&options, "twin", zanni_self (root), number);
    monitors [number] = monitor (ref);
    return ref;
}

/* A message to the root as a line. */
static inline void
say_line (char *line, size_t size, zanni_msg_t *msg)
{
    char text [160];
    const char *said = "?";
    zanni_down_t down;
    zanni_exit_signal_t signal;
    int number = 0;
    if (!zanni_msg_down (msg, &down)) {
        while (number < TWINS && monitors [number] != down.monitor)
            number++;
        snprintf (line, size, "%d ended: %s", number, zanni_reason_string (&down.reason, text, sizeof text));
    }
    else if (!zanni_msg_exit (msg, &signal))
        snprintf (line, size, "root traps: %s%s", zanni_reason_string (&signal.reason, text, sizeof text),
                  signal.linked ? ", linked" : "");
    else {
        cr_assert_eq (zanni_read (msg, &said), 0);
        snprintf (line, size, "%s", said);
    }
}

/* These lines come next, in any order. */
static inline void
expect_lines (const char *const *lines)
{
    bool seen [32] = { false };
    size_t count = 0;
    while (lines [count])
        count++;
    for (size_t i = 0; i < count; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        char line [240];
        size_t at = 0;
        int rc = zanni_receive (root, &msg, 2 * DEADLINE_MS);
        for (size_t j = 0; rc && j < count; j++)
            cr_assert (seen [j], "\"%s\" did not come: %s", lines [j], zanni_strerror (rc));
        say_line (line, sizeof line, msg);
        while (at < count && (seen [at] || strcmp (lines [at], line) != 0))
            at++;
        cr_assert_lt (at, count, "\"%s\" came", line);
        seen [at] = true;
    }
}
#define expect_all(...) expect_lines ((const char *const []) { __VA_ARGS__, NULL })

static inline void
expect_alive (const zanni_ref_t *twin, int64_t exits)
{
    cr_assert_eq (call_int (twin, "exits"), exits);
}

#endif
