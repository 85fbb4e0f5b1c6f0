/* The actor that stands for a zactor function of the program's.

   It lives on a pool worker, whose thread goes on whatever the spawner does, and holds our end of the function's pipe:
   every message for it, whatever the method, goes into the pipe as a zmsg, and every zmsg that comes out is told to the
   spawner. Both ways push back. While the pipe is full, messages wait here and go on counting as the mailbox's, so that
   their senders are refused like those of any slow actor; while the spawner's mailbox is full, nothing is read.

   The function cannot be ended, only told to. So whatever is to end the actor (stop, kill, the last strong reference)
   begins its end only: `closing` notes why, "$TERM" goes into the pipe, and the actor ends when the function has
   returned, or when the node's shutdown time is over. Then, and at once when its worker ends, the control thread gets the
   pipe. An actor of its own rather than something inside the worker keeps monitors, order and limits what they are for
   everyone.

   Its class has no name that a program could spawn it by; its methods are its own, for watch, timer and waiter. */

#include "pipe.h"
#include "thread.h"
#include "zmsg.h"

#include "../actor/deliver.h"
#include "../actor/pending.h"
#include "../base/memory.h"

#include <zanni/timer.h>
#include <zanni/watch.h>

#define S_AT_ONCE 64   // zmsgs that are told before others of the worker have their turn

typedef struct {
    zanni__pipe_t *pipe;        // NULL: released, or not there yet
    zanni_ref_t *spawner;       // weak
    char method [256];          // of the spawner's
    uint64_t watch;             // of the pipe
    zanni_promise_t *started;   // the spawner waits for the function's first signal
    bool signalled;             // which has come
    bool closing;               // told to end, for this reason
    zanni_reason_t reason;
    zanni__queue_t waiting;     // kept messages, while the pipe is full
    zmsg_t *held;               // while the spawner's mailbox is full
} s_zactor_t;

/* A message that nobody gets. */
static void
s_bury (zanni_t *self, zanni_msg_t *msg)
{
    zanni__dead_letter (self->worker, msg, zanni_strerror (ZANNI_ENOACTOR));
}

static void
s_bury_waiting (zanni_t *self)
{
    s_zactor_t *zactor = zanni_state (self);
    zanni__item_t *item;
    while ((item = zanni__queue_pop (&zactor->waiting))) {
        zanni_msg_t *msg = (zanni_msg_t *) (void *) item;
        zanni__leave (self->worker, msg);
        s_bury (self, msg);
        zanni__msg_release (self->worker, msg);
    }
}

/* The same for words on their way from or to a pipe; without memory only the count remains. */
static void
s_bury_words (zanni_t *self, zanni__identity_t *to, const zanni__words_t *words)
{
    zanni_msg_t *msg;
    if (zanni__msg_make (self, &msg, to, words)) {
        zanni__count (&self->worker->counts.dead_letters, 1);
        return;
    }
    s_bury (self, msg);
    zanni__msg_release (self->worker, msg);
}

/* What the function left in its pipe. */
static void
s_bury_unread (zanni_t *self)
{
    s_zactor_t *zactor = zanni_state (self);
    zanni__words_t words;
    zmsg_t *zmsg;
    void *memory;
    while ((zmsg = zanni__pipe_unread (zactor->pipe))) {
        bool ours = zmsg_size (zmsg) == 1 && zframe_streq (zmsg_first (zmsg), "$TERM");
        if (!ours && !zanni__zmsg_words (&words, &memory, zmsg, NULL)) {
            s_bury_words (self, self->identity, &words);
            zanni__free (memory);
        }
        else if (!ours)
            zanni__count (&self->worker->counts.dead_letters, 1);
        zmsg_destroy (&zmsg);
    }
}

/* A zmsg of the function's that cannot be told. */
static void
s_bury_zmsg (zanni_t *self, zmsg_t *zmsg)
{
    s_zactor_t *zactor = zanni_state (self);
    zanni_arg_t frames;
    void *memory;
    if (zanni__zmsg_frames (&frames, &memory, zmsg)) {
        zanni__count (&self->worker->counts.dead_letters, 1);
        return;
    }
    const zanni__words_t words = { zactor->method, &frames, 1 };
    s_bury_words (self, zactor->spawner->identity, &words);
    zanni__free (memory);
}

/* Gives back all that the actor has. */
static void
s_let_go (zanni_t *self)
{
    s_zactor_t *zactor = zanni_state (self);
    zanni__pipe_t *pipe = zactor->pipe;
    if (!pipe)
        return;
    int rc = zanni_watch_cancel (self, zactor->watch);
    zanni__assert (!rc);
    (void) rc;
    (void) zanni__pipe_tell_to_end (pipe);
    s_bury_waiting (self);
    s_bury_unread (self);
    if (zactor->held)
        s_bury_zmsg (self, zactor->held);
    zmsg_destroy (&zactor->held);
    zactor->pipe = NULL;
    zanni__pipe_release (pipe);
}

static void
s_end (zanni_t *self)
{
    s_zactor_t *zactor = zanni_state (self);
    s_let_go (self);
    zanni__request_end (self->worker, self->identity, zactor->reason);
}

/* The spawner need not wait any longer. */
static void
s_started (zanni_t *self)
{
    s_zactor_t *zactor = zanni_state (self);
    zactor->signalled = true;
    if (zactor->started && zanni_promise_reply_args (self, &zactor->started, NULL, 0))
        zanni_promise_destroy (&zactor->started);
}

/* Sends one message into the pipe; ZANNI_EFULL: not now. */
static int
s_send (zanni_t *self, zanni_msg_t *msg)
{
    s_zactor_t *zactor = zanni_state (self);
    zmsg_t *zmsg;
    int rc = zanni_msg_zmsg (msg, &zmsg);
    if (rc)
        return rc;
    zanni__sent_t sent = zanni__pipe_send (zactor->pipe, &zmsg);
    zmsg_destroy (&zmsg);
    if (sent == ZANNI__NO_READER)
        s_bury (self, msg);
    return sent == ZANNI__NO_ROOM ? ZANNI_EFULL : 0;
}

/* What waits goes into the pipe as far as there is room, and "$TERM" behind it. */
static void
s_push (zanni_t *self)
{
    s_zactor_t *zactor = zanni_state (self);
    while (zactor->waiting.head) {
        zanni_msg_t *msg = (zanni_msg_t *) (void *) zactor->waiting.head;
        int rc = s_send (self, msg);
        if (rc == ZANNI_EFULL)
            return;
        if (rc)   // no memory: it could be converted when it came
            s_bury (self, msg);
        (void) zanni__queue_pop (&zactor->waiting);
        zanni__leave (self->worker, msg);
        zanni__msg_release (self->worker, msg);
    }
    if (zactor->closing)
        (void) zanni__pipe_tell_to_end (zactor->pipe);
}

static int
s_tell_frames (zanni_t *self, zmsg_t *zmsg)
{
    s_zactor_t *zactor = zanni_state (self);
    zanni_arg_t frames;
    void *memory;
    int rc = zanni__zmsg_frames (&frames, &memory, zmsg);
    if (rc)
        return rc;
    rc = zanni_tell_args (self, zactor->spawner, zactor->method, &frames, 1);
    zanni__free (memory);
    return rc;
}

/* Tells the spawner; false: its mailbox is full, and the zmsg is held until it has room. */
static bool
s_tell (zanni_t *self, zmsg_t *zmsg)
{
    s_zactor_t *zactor = zanni_state (self);
    int rc = s_tell_frames (self, zmsg);
    if (rc == ZANNI_EFULL && !zanni_when_writable (self, zactor->spawner, "zanni.room")) {
        zactor->held = zmsg;
        return false;
    }
    if (rc)
        s_bury_zmsg (self, zmsg);
    zmsg_destroy (&zmsg);
    return true;
}

static void
s_pull (zanni_t *self)
{
    s_zactor_t *zactor = zanni_state (self);
    for (int i = 0; i < S_AT_ONCE && !zactor->held; i++) {
        zmsg_t *zmsg = zanni__pipe_receive (zactor->pipe);
        if (!zmsg)
            return;
        if (!zactor->signalled && zmsg_signal (zmsg) >= 0) {
            s_started (self);
            zmsg_destroy (&zmsg);
        }
        else
            (void) s_tell (self, zmsg);
    }
}

/* Sets what the watch looks for, while it rests or not. */
static void
s_arm (zanni_t *self)
{
    s_zactor_t *zactor = zanni_state (self);
    zanni__pending_t *watch = zanni__pending_find (self->worker, zactor->watch);
    bool sends = zactor->waiting.head || (zactor->closing && !zactor->pipe->told);
    zanni__assert (watch && watch->kind == ZANNI__A_WATCH);
    watch->as.watch.events = (zactor->held ? 0 : ZANNI_READABLE) | (sends ? ZANNI_WRITABLE : 0);
    int rc = zanni_watch_again (self, zactor->watch);
    zanni__assert (!rc);
    (void) rc;
}

static void
s_pump (zanni_t *self)
{
    s_zactor_t *zactor = zanni_state (self);
    s_push (self);
    s_pull (self);
    if (!zactor->pipe->ended) {
        s_arm (self);
        return;
    }
    if (!zactor->closing)
        s_started (self);
    s_end (self);
}

static int
s_on_pipe (zanni_t *self, zanni_msg_t *msg)
{
    s_zactor_t *zactor = zanni_state (self);
    (void) msg;
    if (zactor->pipe)
        s_pump (self);
    return 0;
}

static int
s_on_room (zanni_t *self, zanni_msg_t *msg)
{
    s_zactor_t *zactor = zanni_state (self);
    zmsg_t *zmsg = zactor->held;
    (void) msg;
    zactor->held = NULL;
    if (zmsg && s_tell (self, zmsg))
        s_pump (self);
    return 0;
}

static int
s_on_late (zanni_t *self, zanni_msg_t *msg)
{
    s_zactor_t *zactor = zanni_state (self);
    (void) msg;
    if (!zactor->pipe)
        return 0;
    if (!zanni__pipe_returned (zactor->pipe))
        zanni__log (self->worker->node, ZANNI_LOG_ERROR, "%s did not end in time and is abandoned",
                    zactor->pipe->name);
    s_end (self);
    return 0;
}

/* Whatever is told. */
static int
s_on_any (zanni_t *self, zanni_msg_t *msg)
{
    s_zactor_t *zactor = zanni_state (self);
    zanni_msg_t *kept;
    if (zanni_msg_kind (msg) == ZANNI_MSG_ASK) {
        zanni__msg_set_fault (msg, "a zactor takes messages and answers none");
        return ZANNI_ENOREPLY;
    }
    if (zactor->closing || !zactor->pipe) {
        s_bury (self, msg);
        return 0;
    }
    int rc = zactor->waiting.head ? ZANNI_EFULL : s_send (self, msg);
    if (rc != ZANNI_EFULL)
        return rc;
    rc = zanni_msg_keep (&kept, msg);
    if (rc)
        return rc;
    kept->item.flags |= ZANNI__COUNTED;
    zanni__count_queued (self->identity, 1, kept->item.weight);
    zanni__queue_push (&zactor->waiting, &kept->item);
    s_arm (self);
    return 0;
}

static bool
s_closing (zanni_t *self, const zanni_reason_t *reason)
{
    s_zactor_t *zactor = zanni_state (self);
    uint64_t timer;
    if (!zactor->pipe)
        return false;
    if (self->worker->stopping) {
        s_let_go (self);
        return false;
    }
    bool kills = reason->kind == ZANNI_EXIT_KILLED;
    if (!zactor->closing || kills)
        zactor->reason = *reason;
    if (zactor->closing)
        return true;
    zactor->closing = true;
    if (reason->kind != ZANNI_EXIT_NORMAL)   // it overtakes what waits
        s_bury_waiting (self);
    if (zanni_timer (self, &timer, self->worker->node->options.shutdown_ms, 0, "zanni.late")) {
        s_let_go (self);   // without memory for a deadline
        return false;
    }
    s_push (self);
    s_arm (self);
    return true;
}

static int
s_begin (zanni_t *self, s_zactor_t *zactor, zanni_zactor_fn *fn, void *args)
{
    char name [96];
    void *place = atomic_load_explicit (&self->worker->node->place_handle, memory_order_acquire);
    snprintf (name, sizeof name, "zactor %" PRIu64 " for %.60s", self->identity->id, zactor->method);
    int rc = zanni__pipe_new (&zactor->pipe, fn, args, name);
    if (rc)
        return rc;
    rc = zanni__pipe_start (place, zactor->pipe);
    if (rc)
        zanni__pipe_free (&zactor->pipe);
    return rc;
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_zactor_t *zactor = zanni_state (self);
    const zanni_ref_t *spawner;
    const char *method;
    uint64_t fn, args;
    int rc = zanni_read (msg, &spawner, &method, &fn, &args);
    if (!rc)
        rc = zanni_ref_weak (self, &zactor->spawner, spawner);
    if (rc)
        return rc;
    snprintf (zactor->method, sizeof zactor->method, "%s", method);
    rc = s_begin (self, zactor, (zanni_zactor_fn *) (uintptr_t) fn, (void *) (uintptr_t) args);
    if (rc)
        return rc;
    rc = zanni_watch_socket (self, &zactor->watch, zsock_resolve (zactor->pipe->sock), ZANNI_READABLE, "zanni.pipe");
    if (!rc) {
        rc = zanni_promise_new (self, &zactor->started, msg);
        rc = rc == ZANNI_EREPLIED ? 0 : rc;   // a spawner on this worker cannot wait
    }
    if (rc)
        s_let_go (self);
    return rc;
}

static const zanni_method_t s_methods [] = {
    ZANNI_PRIVATE ("zanni.pipe", "u", "", s_on_pipe, "The pipe is ready."),
    ZANNI_PRIVATE ("zanni.room", "", "", s_on_room, "The spawner's mailbox has room."),
    ZANNI_PRIVATE ("zanni.late", "", "", s_on_late, "The time to end is over."),
    ZANNI_METHOD_END
};

static const zanni_class_t s_definition = {
    .name = "zanni.zactor", .state_size = sizeof (s_zactor_t), .methods = s_methods, .start_in = "rstt",
    .start = s_start, .text = "A zactor function of the program's; takes any method."
};

static const zanni__method_t s_any = { .name = "", .in = "", .out = "", .handler = s_on_any, .any = true };

static zanni__own_class_t s_class = { .definition = &s_definition, .any = &s_any, .closing = s_closing };

/* Whether what comes out of the pipe can be told to this method, where the spawner's class has it. */
static int
s_check_method (zanni_t *self, const char *method)
{
    const zanni_arg_t frame = zanni_arg_bytes ("", 0);
    const zanni_arg_t frames = zanni_arg_list (&frame, 1);
    const zanni__words_t words = { method, &frames, 1 };
    zanni_msg_t *msg;
    if (!*method || strlen (method) >= sizeof ((s_zactor_t *) 0)->method)
        return ZANNI_EINVAL;
    int rc = zanni__tick_new (self, &msg, &words, NULL);
    if (rc)
        return rc;
    if (msg->method && msg->method->flags & ZANNI_METHOD_PRIVATE)
        rc = ZANNI_EPERM;
    zanni__msg_release (self->worker, msg);
    return rc;
}

int
zanni_spawn_zactor (zanni_t *self, zanni_ref_t **ref_p, zanni_zactor_fn *fn, void *args, const char *method)
{
    static const zanni_spawn_t options;
    const zanni__class_t *cls;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!ref_p || !fn || !method || self->worker->node->place != &zanni__place_thread)
        return ZANNI_EINVAL;
    rc = s_check_method (self, method);
    if (!rc)
        rc = zanni__class_own (&cls, &s_class);
    if (rc)
        return rc;
    const zanni_arg_t start [] = {
        ZANNI_ARG (zanni_self (self)), ZANNI_ARG (method), ZANNI_ARG ((uint64_t) (uintptr_t) fn),
        ZANNI_ARG ((uint64_t) (uintptr_t) args)
    };
    const zanni__words_t words = { NULL, start, 4 };
    return zanni__spawn (self, ref_p, cls, &options, &words);
}
