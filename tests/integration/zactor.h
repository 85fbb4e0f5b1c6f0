/* zactor.h: what the tests of zactor functions share.

   The root plays the program: it spawns a function, tells it something and reads with zanni_receive what comes back.
   Functions run on threads of their own, so they assert nothing: they say what they saw through their pipe, or leave it
   in the stage that they get as `args`. A function that is to stand still waits at a gate until the test opens it. */

#ifndef TESTS_INTEGRATION_ZACTOR_H
#define TESTS_INTEGRATION_ZACTOR_H

#include "probe.h"

#include <criterion/criterion.h>
#include <czmq.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <zanni.h>
#include <zanni/czmq.h>

#define DEADLINE_MS 10000

static zanni_t *root;
static _Atomic int log_errors;
static char log_text [1024];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

/* What a function and its test have in common. */
typedef struct {
    sem_t gate;
    _Atomic bool ready;        // about to signal
    _Atomic bool terminated;   // read "$TERM"
    _Atomic bool returned;
    _Atomic int seen;          // messages but that
    int count;                 // how much a function is to do
} stage_t;

static inline void
s_note_log (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    pthread_mutex_lock (&log_lock);
    log_errors += level == ZANNI_LOG_ERROR;
    strncat (log_text, text, sizeof log_text - strlen (log_text) - 1);
    pthread_mutex_unlock (&log_lock);
}

static inline bool
s_logged (const char *part)
{
    pthread_mutex_lock (&log_lock);
    bool found = strstr (log_text, part) != NULL;
    pthread_mutex_unlock (&log_lock);
    return found;
}

static inline void
s_begin (zanni_options_t options)
{
    options.log = s_note_log;
    cr_assert_eq (zanni_new (&root, &options), 0);
}

static inline void
s_finish (void)
{
    cr_assert_eq (zanni_destroy (&root), 0);
    cr_assert_eq (log_errors, 0, "logged: %s", log_text);
}

static inline stage_t *
s_stage (int count)
{
    static stage_t stage;
    sem_init (&stage.gate, 0, 0);
    stage.count = count;
    return &stage;
}

static inline void
s_wait_at (sem_t *gate)
{
    while (sem_wait (gate) && errno == EINTR)
        continue;
}

static inline bool
s_is_term (zmsg_t *zmsg)
{
    return zframe_streq (zmsg_first (zmsg), "$TERM");
}

/* Sends back what it gets. */
static inline void
s_echo (zsock_t *pipe, void *args)
{
    stage_t *stage = args;
    zmsg_t *zmsg;
    stage->ready = true;
    zsock_signal (pipe, 0);
    while ((zmsg = zmsg_recv (pipe)) && !s_is_term (zmsg)) {
        stage->seen++;
        zmsg_send (&zmsg, pipe);
    }
    stage->terminated = zmsg != NULL;
    zmsg_destroy (&zmsg);
    stage->returned = true;
}

/* Reads nothing before its gate opens; then all there is. */
static inline void
s_sluggard (zsock_t *pipe, void *args)
{
    stage_t *stage = args;
    zmsg_t *zmsg;
    zsock_signal (pipe, 0);
    s_wait_at (&stage->gate);
    while ((zmsg = zmsg_recv (pipe)) && !s_is_term (zmsg)) {
        stage->seen++;
        zmsg_destroy (&zmsg);
    }
    stage->terminated = zmsg != NULL;
    zmsg_destroy (&zmsg);
    stage->returned = true;
}

/* Deaf: returns when its gate opens, and reads nothing. */
static inline void
s_deaf (zsock_t *pipe, void *args)
{
    stage_t *stage = args;
    zsock_signal (pipe, 0);
    s_wait_at (&stage->gate);
    stage->returned = true;
}

/* Says so many numbers when its gate opens, and returns. */
static inline void
s_counter (zsock_t *pipe, void *args)
{
    stage_t *stage = args;
    zsock_signal (pipe, 0);
    s_wait_at (&stage->gate);
    for (int i = 0; i < stage->count; i++)
        zstr_sendf (pipe, "%d", i);
    stage->returned = true;
}

static inline zanni_ref_t *
s_spawn (zanni_zactor_fn *fn, stage_t *stage)
{
    zanni_ref_t *ref = NULL;
    int rc = zanni_spawn_zactor (root, &ref, fn, stage, "heard");
    cr_assert_eq (rc, 0, "spawn: %s", zanni_strerror (rc));
    return ref;
}

static inline zanni_msg_t *
s_next (void)
{
    zanni_msg_t *msg = NULL;
    int rc = zanni_receive (root, &msg, DEADLINE_MS);
    cr_assert_eq (rc, 0, "nothing came: %s", zanni_strerror (rc));
    return msg;
}

/* The next message is told to "heard" with so many frames, which the caller reads. */
static inline zanni_msg_t *
s_heard (size_t frames)
{
    zanni_msg_t *msg = s_next ();
    size_t count = 0;
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_TELL);
    cr_assert_str_eq (zanni_msg_method (msg), "heard");
    cr_assert_eq (zanni_enter (msg, &count), 0);
    cr_assert_eq (count, frames, "%zu frames", count);
    return msg;
}

static inline void
s_expect_frame (zanni_msg_t *msg, const char *text)
{
    zanni_bytes_t bytes = { 0 };
    cr_assert_eq (zanni_read (msg, &bytes), 0);
    cr_assert (bytes.size == strlen (text) && memcmp (bytes.data, text, bytes.size) == 0, "\"%.*s\", \"%s\" was due",
               (int) bytes.size, (const char *) bytes.data, text);
}

static inline void
s_expect_heard (const char *text)
{
    ZANNI_AUTO (zanni_msg_t) msg = s_heard (1);
    s_expect_frame (msg, text);
}

static inline void
s_expect_down (zanni_exit_t kind)
{
    ZANNI_AUTO (zanni_msg_t) msg = s_next ();
    zanni_down_t down;
    cr_assert_eq (zanni_msg_kind (msg), ZANNI_MSG_DOWN, "%s came", zanni_msg_method (msg));
    cr_assert_eq (zanni_msg_down (msg, &down), 0);
    cr_assert_eq (down.reason.kind, kind, "ended by %d", (int) down.reason.kind);
}

static inline void
s_monitor (const zanni_ref_t *ref)
{
    uint64_t monitor;
    cr_assert_eq (zanni_monitor (root, &monitor, ref), 0);
}

#endif
