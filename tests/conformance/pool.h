/* What the tests of pools and maps share: a class of workers, and a pool of them in the place of the test. */

#ifndef TESTS_CONFORMANCE_POOL_H
#define TESTS_CONFORMANCE_POOL_H

#include "support.h"
#include "support/scratch.h"

#define FOREVER(id) &((zanni_ask_t) { .id_p = (id), .deadline_ms = -1 })
#define PATIENCE_MS 15000   // for what a loaded machine takes long for: processes

typedef struct {
    int64_t first;             // what it was started with
    zanni_promise_t *held;
    zanni_ref_t *watched;
} hand_t;

static int
hand_start (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    return zanni_read (msg, &hand->first);
}

static void
hand_stop (zanni_t *self, const zanni_reason_t *reason)
{
    hand_t *hand = zanni_state (self);
    (void) self, (void) reason;
    zanni_ref_destroy (&hand->watched);
}

static int
hand_square (zanni_t *self, zanni_msg_t *msg)
{
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number * number);
}

static int
hand_first (zanni_t *self, zanni_msg_t *msg)
{
    const hand_t *hand = zanni_state (self);
    return zanni_reply (self, msg, hand->first);
}

/* Who it is, as a number. */
static int
hand_who (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, zanni_ref_hash (zanni_self (self)) >> 1);
}

/* Reports to a witness, and who it is. */
static int
hand_report (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *witness;
    const char *line;
    int rc = zanni_read (msg, &witness, &line);
    return rc ? rc : zanni_tell (self, witness, "saw", line);
}

/* Answers when it is told to. */
static int
hand_hold (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    if (!rc)
        rc = zanni_promise_new (self, &hand->held, msg);
    return rc ? rc : zanni_tell (self, witness, "holds", zanni_self (self));
}

static int
hand_release (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    (void) msg;
    return hand->held ? zanni_promise_reply (self, &hand->held) : 0;
}

/* Ends inside of this job. */
static int
end_in (zanni_t *self, zanni_msg_t *msg, bool process)
{
    hand_t *hand = zanni_state (self);
    if (process)
        (void) kill (getpid (), SIGKILL);
    int rc = zanni_msg_kind (msg) == ZANNI_MSG_ASK ? zanni_promise_new (self, &hand->held, msg) : 0;
    return rc ? rc : zanni_exit_error (self, 7, "told to");
}

static int
hand_die (zanni_t *self, zanni_msg_t *msg)
{
    bool process;
    int rc = zanni_read (msg, &process);
    return rc ? rc : end_in (self, msg, process);
}

/* As long as the file is there, takes it away and ends. */
static int
hand_stumble (zanni_t *self, zanni_msg_t *msg)
{
    const char *path;
    bool process;
    int64_t number;
    int rc = zanni_read (msg, &path, &process, &number);
    if (rc)
        return rc;
    return unlink (path) ? zanni_reply (self, msg, number) : end_in (self, msg, process);
}

/* A file for "stumble", which the first who is asked removes, in a folder that end_once then removes. */
typedef struct {
    char folder [SCRATCH_PATH];
    char path [SCRATCH_PATH + sizeof "/once"];
} once_t;

static inline void
begin_once (once_t *once)
{
    cr_assert (scratch_new (once->folder));
    snprintf (once->path, sizeof once->path, "%s/once", once->folder);
    int fd = open (once->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert_geq (fd, 0);
    close (fd);
}

static inline void
end_once (const once_t *once)
{
    cr_assert_eq (rmdir (once->folder), 0);
}

static int
hand_fail (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_fail (self, msg, 42, "no luck", 5);
}

/* An error as that of an end, but the worker lives. */
static int
hand_down (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return ZANNI_EDOWN;
}

static int
hand_secret (zanni_t *self, zanni_msg_t *msg)
{
    (void) self, (void) msg;
    return 0;
}

static int
hand_itself (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, zanni_self (self));
}

/* Asks a pool, and answers what that did. */
static void
hand_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    hand_t *hand = zanni_state (self);
    int64_t number = -1;
    int rc = zanni_read (reply, &number);
    (void) arg, (void) rc;
    rc = zanni_promise_reply (self, &hand->held, number);
    (void) rc;
}

static int
hand_through (zanni_t *self, zanni_msg_t *msg)
{
    hand_t *hand = zanni_state (self);
    const zanni_ref_t *pool;
    int64_t number;
    int rc = zanni_read (msg, &pool, &number);
    if (!rc)
        rc = zanni_promise_new (self, &hand->held, msg);
    return rc ? rc : zanni_ask (self, pool, &((zanni_ask_t) { .then = hand_answered }), "square", number);
}

/* Of a pool that it has not made. */
static int
hand_resize (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *pool;
    uint32_t workers;
    int rc = zanni_read (msg, &pool, &workers);
    return rc ? rc : zanni_pool_resize (self, pool, workers);
}

/* Tells a pool until it takes no more; answers how often it did. */
static int
hand_flood (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *pool;
    int64_t count = 0;
    int rc = zanni_read (msg, &pool);
    while (!rc && count < 1000000)
        if (!(rc = zanni_tell (self, pool, "square", count)))
            count++;
    return rc == ZANNI_EFULL || !rc ? zanni_reply (self, msg, count) : rc;
}

/* Until there is something to read. */
static int
hand_block (zanni_t *self, zanni_msg_t *msg)
{
    int fd;
    char byte;
    int rc = zanni_read (msg, &fd);
    (void) self;
    return rc ? rc : read (fd, &byte, 1) == 1 ? 0 : ZANNI_ESYSTEM;
}

static const zanni_method_t hand_methods [] = {
    ZANNI_REPEATABLE ("square", "x", "x", hand_square, "Of a number."),
    ZANNI_METHOD ("first", "", "x", hand_first, "What it was started with."),
    ZANNI_METHOD ("who", "", "x", hand_who, "It is."),
    ZANNI_METHOD ("of", "x", "x", hand_who, "It is: of a key."),
    ZANNI_METHOD ("named", "s", "x", hand_who, "It is: of a key."),
    ZANNI_METHOD ("report", "rs", "", hand_report, "Tells a witness."),
    ZANNI_METHOD ("hold", "r", "", hand_hold, "Answers when it is told to."),
    ZANNI_REPEATABLE ("keep", "r", "", hand_hold, "The same, and may be begun anew."),
    ZANNI_METHOD ("release", "", "", hand_release, "Now."),
    ZANNI_METHOD ("block", "i", "", hand_block, "Blocks."),
    ZANNI_METHOD ("die", "b", "", hand_die, "Ends."),
    ZANNI_REPEATABLE ("stumble", "sbx", "x", hand_stumble, "Ends, if there is a file."),
    ZANNI_REPEATABLE ("fatal", "b", "", hand_die, "Ends, whoever does it."),
    ZANNI_METHOD ("fail", "", "x", hand_fail, "Answers an error."),
    ZANNI_METHOD ("down", "", "x", hand_down, "Answers that somebody is down."),
    ZANNI_METHOD ("itself", "", "r", hand_itself, "Its reference."),
    ZANNI_METHOD ("through", "rx", "x", hand_through, "Asks a pool."),
    ZANNI_METHOD ("flood", "r", "x", hand_flood, "A pool."),
    ZANNI_METHOD ("resize", "ru", "", hand_resize, "A pool."),
    ZANNI_PRIVATE ("secret", "", "", hand_secret, "For itself."),
    ZANNI_METHOD_END
};
static const zanni_class_t hand_class = {
    .name = "hand", .state_size = sizeof (hand_t), .methods = hand_methods, .start_in = "x", .start = hand_start,
    .stop = hand_stop
};

static zanni_ref_t *
pool_of (zanni_pool_options_t options)
{
    zanni_ref_t *pool = NULL;
    zanni_error_t error = { 0 };
    zanni_spawn_t how = { PLACED, .start_ms = PATIENCE_MS };
    options.spawn = &how;
    options.error = &error;
    int rc = zanni_pool (root, &pool, "hand", &options, 5);
    cr_assert_eq (rc, 0, "%s: %s", zanni_strerror (rc), error.text);
    return pool;
}

UNUSED static zanni_pool_status_t
status_of (const zanni_ref_t *pool)
{
    zanni_pool_status_t status = { 0 };
    cr_assert_eq (zanni_pool_status (root, pool, &status), 0);
    return status;
}

/* Whom a job is held by: the next message says it. Strong, to be destroyed. */
UNUSED static zanni_ref_t *
holder (void)
{
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    const zanni_ref_t *ref = NULL;
    zanni_ref_t *copy = NULL;
    cr_assert_str_eq (zanni_msg_method (msg), "holds");
    cr_assert_eq (zanni_read (msg, &ref), 0);
    cr_assert_eq (zanni_ref_keep (root, &copy, ref), 0);
    return copy;
}

/* The answer of an ask. */
UNUSED static zanni_msg_t *
answer_to (uint64_t ask, int code)
{
    ZANNI_AUTO (zanni_msg_t) msg = NULL;
    zanni_error_t error = { 0 };
    cr_assert_eq (zanni_receive (root, &msg, PATIENCE_MS), 0, "no answer");
    cr_assert_eq (zanni_msg_id (msg), ask, "a message of kind %d came: %s", (int) zanni_msg_kind (msg),
                  zanni_msg_method (msg));
    int rc = zanni_msg_error (msg, &error);
    (void) rc;
    cr_assert_eq (error.code, code, "%s", error.text);
    zanni_msg_t *answer = msg;
    msg = NULL;
    return answer;
}

#endif
