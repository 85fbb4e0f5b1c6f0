/* What the tests of supervisors share: a class of children, and what they did.

   A child writes a line into a ledger, a file, whenever it starts and stops: the order of what different actors do
   shows nowhere else, since messages of several have none. It tells the root the same line, so that this can wait for
   it. A child whose name the folder of the ledger has as a file does not start; where that ends with ".ends" it
   starts, and ends at once. */

#ifndef TESTS_CONFORMANCE_SUPERVISOR_H
#define TESTS_CONFORMANCE_SUPERVISOR_H

#include "support.h"
#include "support/scratch.h"

#define PATIENCE_MS 20000
#define CHILDREN 8

static char folder [SCRATCH_PATH];

typedef struct {
    zanni_ref_t *witness;
    char folder [SCRATCH_PATH];
    char name [32];
    int64_t sum;
} ward_t;

static void
write_line (const char *where, const char *line)
{
    char path [96];
    snprintf (path, sizeof path, "%s/ledger", where);
    int fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    size_t size = strlen (line);
    if (fd < 0 || write (fd, line, size) != (ssize_t) size)
        _exit (99);
    close (fd);
}

static int
ward_says (zanni_t *self, const char *what)
{
    ward_t *ward = zanni_state (self);
    char line [64];
    snprintf (line, sizeof line, "%s %s\n", what, ward->name);
    write_line (ward->folder, line);
    line [strlen (line) - 1] = 0;
    return report (self, ward->witness, "%s", line);
}

static int
ward_start (zanni_t *self, zanni_msg_t *msg)
{
    ward_t *ward = zanni_state (self);
    const zanni_ref_t *witness;
    const char *where, *name;
    char path [136];
    int rc = zanni_read (msg, &witness, &where, &name);
    if (!rc)
        rc = zanni_ref_weak (self, &ward->witness, witness);
    if (rc)
        return rc;
    snprintf (ward->folder, sizeof ward->folder, "%s", where);
    snprintf (ward->name, sizeof ward->name, "%s", name);
    snprintf (path, sizeof path - 8, "%s/%s", where, name);
    if (!access (path, F_OK)) {
        (void) ward_says (self, "fail");
        return ZANNI_ENOSPACE;
    }
    rc = ward_says (self, "start");
    strcat (path, ".ends");
    return rc || access (path, F_OK) ? rc : zanni_exit_error (self, 8, "in its start");
}

static void
ward_stop (zanni_t *self, const zanni_reason_t *reason)
{
    (void) reason;
    (void) ward_says (self, "stop");
}

/* Ends as it is told. */
static int
ward_end (zanni_t *self, zanni_msg_t *msg)
{
    int kind;
    int rc = zanni_read (msg, &kind);
    if (rc)
        return rc;
    if (kind == ZANNI_EXIT_SIGNAL)
        (void) raise (SIGKILL);
    if (kind == ZANNI_EXIT_CODE)
        _exit (3);
    return kind == ZANNI_EXIT_ERROR ? zanni_exit_error (self, 7, "no disk") : zanni_exit (self);
}

static int
ward_add (zanni_t *self, zanni_msg_t *msg)
{
    ward_t *ward = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    ward->sum += rc ? 0 : number;
    return rc;
}

static int
ward_sum (zanni_t *self, zanni_msg_t *msg)
{
    const ward_t *ward = zanni_state (self);
    return zanni_reply (self, msg, ward->sum);
}

static int
ward_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) getpid ());
}

/* Never returns. */
static int
ward_hang (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    while (pause ()) {}
    return 0;
}

static const zanni_method_t ward_methods [] = {
    ZANNI_METHOD ("end", "i", "", ward_end, "Ends in that way."),
    ZANNI_METHOD ("add", "x", "", ward_add, "Adds."),
    ZANNI_METHOD ("sum", "", "x", ward_sum, "Of what was added."),
    ZANNI_METHOD ("pid", "", "x", ward_pid, "Of its process."),
    ZANNI_METHOD ("hang", "", "", ward_hang, "For ever."),
    ZANNI_METHOD_END
};
static const zanni_class_t ward_class = {
    .name = "ward", .state_size = sizeof (ward_t), .methods = ward_methods, .start_in = "rss", .start = ward_start,
    .stop = ward_stop
};

static inline void
open_ledger (void)
{
    cr_assert (scratch_new (folder));
}

static inline void
close_ledger (void)
{
    char command [96];
    snprintf (command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq (system (command), 0);
}

/* A file of that name in the folder, or none. */
static inline void
forbid (const char *name, bool forbids)
{
    char path [128];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    int fd = forbids ? open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    cr_assert (forbids ? fd >= 0 : !unlink (path));
    if (forbids)
        close (fd);
}

/* What was done since the last look, "start a, start b"; the root awaits so many lines first. */
static inline const char *
ledger (int lines)
{
    static char text [4096];
    char path [96];
    for (int i = 0; i < lines; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = NULL;
        int rc = zanni_receive (root, &msg, PATIENCE_MS);
        cr_assert_eq (rc, 0, "line %d did not come: %s", i, zanni_strerror (rc));
        cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_TELL);
    }
    snprintf (path, sizeof path, "%s/ledger", folder);
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read (fd, text, sizeof text - 1);
    cr_assert_geq (size, 0);
    if (fd >= 0)
        close (fd);
    (void) unlink (path);
    text [size ? size - 1 : 0] = 0;
    char *out = text;
    static char row [2 * sizeof text];
    size_t used = 0;
    for (; *out; out++)
        used += (size_t) snprintf (row + used, sizeof row - used, *out == '\n' ? ", " : "%c", *out);
    row [used] = 0;
    return row;
}
#define done_so_far(lines, expected) cr_assert_str_eq (ledger (lines), expected)

/* A ward in the place, for a table of children. */
static inline zanni_child_t
ward (const char *name, zanni_restarts_t restarts, zanni_arg_t args [3])
{
    args [0] = zanni_arg_ref (zanni_self (root));
    args [1] = zanni_arg_string (folder);
    args [2] = zanni_arg_string (name);
    return (zanni_child_t) {
        .name = name, .class_name = "ward", .args = zanni_arg_list (args, 3), .restarts = restarts,
        .spawn = { PLACED }, .stop_ms = PATIENCE_MS
    };
}

static inline zanni_ref_t *
supervise (const zanni_supervisor_t *supervisor)
{
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    int rc = zanni_supervise (root, &ref, supervisor, &(zanni_spawn_t) { .error = &error });
    cr_assert_eq (rc, 0, "%s: %s", zanni_strerror (rc), error.text);
    return ref;
}

/* A reference to a child of the supervisor, for the caller to destroy. */
static inline zanni_ref_t *
child_of (const zanni_ref_t *supervisor, const char *name)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    zanni_error_t error = { 0 };
    const zanni_ref_t *ref;
    zanni_ref_t *kept = NULL;
    const zanni_ask_t options = { .error = &error, .deadline_ms = PATIENCE_MS };
    int rc = zanni_call_with (root, &reply, supervisor, &options, "child", name);
    cr_assert_eq (rc, 0, "child %s: %s", name, error.text);
    cr_assert_eq (zanni_read (reply, &ref), 0);
    cr_assert_eq (zanni_ref_keep (root, &kept, ref), 0);
    return kept;
}

/* The state of a child, "" where it is in no list any more, and its restarts. */
static inline const char *
state_of (const zanni_ref_t *supervisor, const char *wanted, uint64_t *restarts)
{
    static char found [32];
    ZANNI_AUTO (zanni_msg_t) reply = call (supervisor, "children");
    size_t count, fields;
    *found = 0;
    cr_assert_eq (zanni_enter (reply, &count), 0);
    for (size_t i = 0; i < count; i++) {
        const char *name, *class_name, *state;
        uint64_t times;
        cr_assert_eq (zanni_enter (reply, &fields), 0);
        cr_assert_eq (zanni_read (reply, &name, &class_name, &state, &times), 0);
        cr_assert_eq (zanni_leave (reply), 0);
        if (strcmp (name, wanted))
            continue;
        snprintf (found, sizeof found, "%s", state);
        if (restarts)
            *restarts = times;
    }
    return found;
}

/* Asks until it is so. */
static inline void
await_state (const zanni_ref_t *supervisor, const char *name, const char *state)
{
    int64_t until_ns = zanni_now_ns (root) + INT64_C (1000000) * PATIENCE_MS;
    const char *found;
    while (strcmp (found = state_of (supervisor, name, NULL), state))
        cr_assert_lt (zanni_now_ns (root), until_ns, "child %s is %s, not %s", name, found, state);
}

/* A supervisor of a, b and c. */
typedef struct {
    zanni_arg_t args [CHILDREN] [3];
    zanni_child_t children [CHILDREN];
    zanni_supervisor_t what;
} family_t;

static family_t family;
static char at_last [256];   // what was done before the end that was awaited

static inline zanni_supervisor_t *
family_of (zanni_strategy_t strategy, zanni_restarts_t restarts)
{
    static const char *const names [] = { "a", "b", "c" };
    memset (&family, 0, sizeof family);
    for (int i = 0; i < 3; i++)
        family.children [i] = ward (names [i], i == 1 ? restarts : ZANNI_PERMANENT, family.args [i]);
    family.what = (zanni_supervisor_t) {
        .strategy = strategy, .max_restarts = 100, .within_ms = 60000, .children = family.children
    };
    return &family.what;
}

/* The first of what there is to see, with a new ledger. */
static inline zanni_ref_t *
begin_family (const zanni_supervisor_t *what)
{
    open_ledger ();
    zanni_ref_t *supervisor = supervise (what);
    done_so_far (3, "start a, start b, start c");
    return supervisor;
}

/* The DOWN of that monitor, and every line that is in the ledger then, in whatever order they come. */
static inline zanni_reason_t
await_down (uint64_t id)
{
    zanni_down_t down = { .monitor = 0 };
    int lines = 0;
    while (!down.monitor) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        lines += zanni_msg_kind (msg) == ZANNI_MSG_TELL;
        if (zanni_msg_kind (msg) == ZANNI_MSG_DOWN) {
            cr_assert_eq (zanni_msg_down (msg, &down), 0);
            cr_assert_eq (down.monitor, id);
        }
    }
    const char *text = ledger (0);
    snprintf (at_last, sizeof at_last, "%s", text);
    for (lines = -lines; *text; text++)
        lines += *text == ',' || !text [1];
    (void) ledger (lines);
    return down.reason;
}

static inline void
end_family (zanni_ref_t **supervisor_p)
{
    uint64_t id = monitor (*supervisor_p);
    cr_assert_eq (zanni_stop (root, *supervisor_p), 0);
    await_down (id);
    zanni_ref_destroy (supervisor_p);
}

static inline void
close_family (zanni_ref_t **supervisor_p)
{
    end_family (supervisor_p);
    close_ledger ();
}

#endif
