/* Everything is done in handlers, so that an actor of this class lives anywhere; what blocks needs a process or a
   thread. */

#include "worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S_WAIT_MS 60000

typedef struct {
    int64_t total;
    zanni_ref_t *other;
    zanni_ref_t *witness;
    zanni_promise_t *promise;   // the last
    int64_t promises;
    int64_t delay_ms;           // before it relays
    uint64_t asked;
    struct {
        int64_t last, wrong;
        int64_t wanted;         // when so many have come, a byte is due:
        int fd;
    } senders [WORKER_SENDERS];
} s_worker_t;

static void
s_report (zanni_t *self, const char *text)
{
    const s_worker_t *worker = zanni_state (self);
    if (worker->witness && zanni_tell (self, worker->witness, "saw", text))
        abort ();   // which its test sees
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    int rc = zanni_read (msg, &worker->total);
    if (!rc && worker->total == WORKER_DIES)
        rc = raise (SIGKILL);
    return rc ? rc : worker->total < 0 ? ZANNI_EAPP : 0;
}

static void
s_stop (zanni_t *self, const zanni_reason_t *reason)
{
    const s_worker_t *worker = zanni_state (self);
    char text [200], why [160];
    snprintf (text, sizeof text, "stopped at %d: %s", (int) worker->total,
              zanni_reason_string (reason, why, sizeof why));
    s_report (self, text);
}

static void
s_down (zanni_t *self, const zanni_down_t *down)
{
    char text [200], why [160];
    snprintf (text, sizeof text, "down: %s%s", zanni_reason_string (&down->reason, why, sizeof why),
              down->restarts ? ", restarts" : "");
    s_report (self, text);
}

static int
s_add (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    worker->total += rc ? 0 : number;
    return rc ? rc : zanni_reply (self, msg, worker->total);
}

static int
s_count (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    (void) msg;
    worker->total++;
    return 0;
}

static int
s_total (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    return zanni_reply (self, msg, worker->total);
}

static int
s_echo (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &buffer);
    return rc ? rc : zanni_reply (self, msg, buffer);
}

static int
s_text_of (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    char text [ZANNI_REF_TEXT];
    int rc = zanni_read (msg, &ref);
    if (!rc)
        rc = zanni_ref_text (self, ref, text, sizeof text);
    return rc ? rc : zanni_reply (self, msg, (const char *) text);
}

static int
s_knows (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    const char *text;
    ZANNI_AUTO (zanni_ref_t) parsed = NULL;
    int rc = zanni_read (msg, &ref, &text);
    if (!rc)
        rc = zanni_ref_parse (self, &parsed, text);
    return rc ? rc : zanni_reply (self, msg, zanni_ref_equal (ref, parsed));
}

static int
s_offer (zanni_t *self, zanni_msg_t *msg)
{
    const char *name;
    const zanni_ref_t *ref;
    int rc = zanni_read (msg, &name, &ref);
    return rc ? rc : zanni_offer (self, name, ref);
}

static int
s_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, getpid ());
}

static int
s_parent (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, getppid ());
}

static int
s_raise (zanni_t *self, zanni_msg_t *msg)
{
    int32_t number;
    int rc = zanni_read (msg, &number);
    (void) self;
    return rc ? rc : raise (number);
}

static int
s_leave (zanni_t *self, zanni_msg_t *msg)
{
    int32_t code;
    int rc = zanni_read (msg, &code);
    (void) self;
    if (!rc)
        exit (code);
    return rc;
}

static int
s_finish (zanni_t *self, zanni_msg_t *msg)
{
    int64_t code;
    const char *text;
    int rc = zanni_read (msg, &code, &text);
    return rc ? rc : zanni_exit_error (self, code, text);
}

static int
s_spawn (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    int32_t place;
    int rc = zanni_read (msg, &place);
    const zanni_spawn_t options = { .place = (zanni_place_t) place };
    zanni_ref_destroy (&worker->other);
    if (!rc)
        rc = zanni_spawn (self, &worker->other, "worker", &options, 100);
    return rc ? rc : zanni_reply (self, msg, worker->other);
}

/* One on the node of whom it is given, by a weak reference: only it holds that. */
static int
s_spawn_on (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    zanni_spawn_t options = { 0 };
    int32_t place;
    int64_t total;
    zanni_ref_t *weak = NULL;
    int rc = zanni_read (msg, &options.on, &place, &total);
    options.place = (zanni_place_t) place;
    zanni_ref_destroy (&worker->other);
    if (!rc)
        rc = zanni_spawn (self, &worker->other, "worker", &options, total);
    if (!rc)
        rc = zanni_ref_weak (self, &weak, worker->other);
    if (!rc)
        rc = zanni_tell (self, worker->other, "add", 1);
    if (!rc)
        rc = zanni_reply (self, msg, weak);
    zanni_ref_destroy (&weak);
    return rc;
}

/* An actor of another class beside it. */
static int
s_spawn_beside (zanni_t *self, zanni_msg_t *msg)
{
    const char *class_name;
    zanni_ref_t *beside;
    const zanni_spawn_t options = { .place = ZANNI_HERE };
    int rc = zanni_read (msg, &class_name);
    if (!rc)
        rc = zanni_spawn (self, &beside, class_name, &options);
    if (rc)
        return rc;
    rc = zanni_reply (self, msg, beside);
    zanni_ref_destroy (&beside);
    return rc;
}

/* One whose start fails. */
static int
s_spawn_wrongly (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    const zanni_spawn_t options = { .place = ZANNI_PROCESS };
    (void) msg;
    zanni_ref_destroy (&worker->other);
    return zanni_spawn (self, &worker->other, "worker", &options, -1);
}

static int
s_hold (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    zanni_ref_destroy (&worker->other);
    return rc ? rc : zanni_ref_keep (self, &worker->other, other);
}

static int
s_drop (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    (void) self;
    (void) msg;
    zanni_ref_destroy (&worker->other);
    return 0;
}

static int
s_lend (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    return zanni_reply (self, msg, worker->other);
}

static int
s_holds (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    return zanni_reply (self, msg, worker->other != NULL);
}

static int
s_give (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    const zanni_ref_t *to;
    int rc = zanni_read (msg, &to);
    return rc ? rc : zanni_tell (self, to, "hold", worker->other);
}

static int
s_same (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *one, *other;
    int rc = zanni_read (msg, &one, &other);
    return rc ? rc : zanni_reply (self, msg, zanni_ref_equal (one, other));
}

static int
s_pass (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    return zanni_forward (self, msg, worker->other, "add");
}

static int
s_pass_promise (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    return zanni_forward (self, msg, worker->other, "promise");
}

static void
s_relayed (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_promise_t *promise = arg;
    zanni_error_t error;
    int64_t number = 0;
    int rc = zanni_msg_error (reply, &error);
    if (!rc)
        rc = zanni_promise_fail (self, &promise, error.code, error.text);
    else if (!(rc = zanni_read (reply, &number)))
        rc = zanni_promise_reply (self, &promise, number);
    if (rc)
        zanni_promise_destroy (&promise);
}

static void
s_work (zanni_t *self, int64_t ms)
{
    for (int64_t until_ns = zanni_now_ns (self) + ms * 1000000; zanni_now_ns (self) < until_ns;) {}
}

/* Asks its other for something that takes nothing, or the number 0. */
static int
s_relay (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    const char *method;
    zanni_promise_t *promise;
    int rc = zanni_read (msg, &method);
    if (!rc)
        rc = zanni_promise_new (self, &promise, msg);
    if (rc)
        return rc;
    s_work (self, worker->delay_ms);
    const zanni_ask_t ask = { .then = s_relayed, .arg = promise };
    rc = strcmp (method, "add") == 0 ? zanni_ask (self, worker->other, &ask, method, 0)
                                     : zanni_ask (self, worker->other, &ask, method);
    return rc ? zanni_promise_fail (self, &promise, rc, zanni_strerror (rc)) : 0;
}

static int
s_set_delay (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    return zanni_read (msg, &worker->delay_ms);
}

/* An ask that its other has, when it is given up: the one behind it was answered. */
static void
s_has_arrived (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    uint64_t *id = arg;
    (void) reply;
    if (zanni_cancel (self, *id))
        abort ();
}

static int
s_ask_and_cancel (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    const zanni_ask_t ask = { .deadline_ms = -1, .id_p = &worker->asked };
    const zanni_ask_t behind = { .then = s_has_arrived, .arg = &worker->asked };
    (void) msg;
    int rc = zanni_ask (self, worker->other, &ask, "promise");
    return rc ? rc : zanni_ask (self, worker->other, &behind, "add", 0);
}

static int
s_call (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    int64_t number;
    int rc = zanni_read (msg, &number);
    if (!rc)
        rc = zanni_call (self, &reply, worker->other, "add", number);
    if (!rc)
        rc = zanni_read (reply, &number);
    return rc ? rc : zanni_reply (self, msg, number);
}

/* Those before the last are only kept. */
static int
s_promise (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    int rc = zanni_promise_new (self, &worker->promise, msg);
    worker->promises += !rc;
    return rc;
}

static int
s_promises (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    return zanni_reply (self, msg, worker->promises);
}

static int
s_is_void (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    return zanni_reply (self, msg, zanni_promise_is_void (worker->promise));
}

static int
s_fulfil (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_promise_reply (self, &worker->promise, number);
}

static int
s_compute (zanni_t *self, zanni_msg_t *msg)
{
    int64_t ms;
    int rc = zanni_read (msg, &ms);
    s_report (self, "computing");
    if (!rc)
        s_work (self, ms);
    return rc;
}

static int
s_remaining (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, zanni_msg_remaining_ms (msg));
}

static int
s_stop_other (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    return zanni_reply (self, msg, zanni_stop (self, worker->other));
}

static int
s_tell_and_drop (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    int64_t times;
    int rc = zanni_read (msg, &times);
    for (; !rc && times; times--)
        rc = zanni_tell_wait (self, worker->other, S_WAIT_MS, "count");
    zanni_ref_destroy (&worker->other);
    return rc;
}

static int
s_witness (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    const zanni_ref_t *witness;
    int rc = zanni_read (msg, &witness);
    zanni_ref_destroy (&worker->witness);
    return rc ? rc : zanni_ref_weak (self, &worker->witness, witness);
}

static void
s_watching (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_promise_t *promise = arg;
    (void) reply;
    if (zanni_promise_reply (self, &promise))
        zanni_promise_destroy (&promise);
}

/* Answers when the monitor has arrived: the ask behind it was answered. */
static int
s_watch (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *ref;
    zanni_promise_t *promise;
    uint64_t monitor;
    int rc = zanni_read (msg, &ref);
    if (!rc)
        rc = zanni_monitor (self, &monitor, ref);
    if (!rc)
        rc = zanni_promise_new (self, &promise, msg);
    if (rc)
        return rc;
    const zanni_ask_t ask = { .then = s_watching, .arg = promise };
    rc = zanni_ask (self, ref, &ask, "add", 0);
    return rc == ZANNI_ENOACTOR ? zanni_promise_reply (self, &promise) : rc;
}

static int
s_send (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    int64_t sender, count, begin_ns;
    int rc = zanni_read (msg, &sender, &count, &begin_ns);
    while (!rc && zanni_now_ns (self) < begin_ns) {}
    for (int64_t i = 1; !rc && i <= count; i++)
        rc = zanni_tell_wait (self, worker->other, S_WAIT_MS, "note", sender, i);
    return rc ? rc : zanni_reply (self, msg);
}

static void
s_notify (s_worker_t *worker, int64_t sender)
{
    int fd = worker->senders [sender].fd;
    if (!fd || worker->senders [sender].last < worker->senders [sender].wanted)
        return;
    if (write (fd, "n", 1) == 1)
        worker->senders [sender].fd = 0;
    close (fd);
}

static int
s_note (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    int64_t sender, number;
    int rc = zanni_read (msg, &sender, &number);
    if (rc || sender < 0 || sender >= WORKER_SENDERS)
        return rc ? rc : ZANNI_EINVAL;
    worker->senders [sender].wrong += number != worker->senders [sender].last + 1;
    worker->senders [sender].last = number;
    s_notify (worker, sender);
    return 0;
}

static int
s_noted (zanni_t *self, zanni_msg_t *msg)
{
    const s_worker_t *worker = zanni_state (self);
    int64_t sender;
    int rc = zanni_read (msg, &sender);
    if (rc || sender < 0 || sender >= WORKER_SENDERS)
        return rc ? rc : ZANNI_EINVAL;
    return zanni_reply (self, msg, worker->senders [sender].last, worker->senders [sender].wrong);
}

static int
s_when_noted (zanni_t *self, zanni_msg_t *msg)
{
    s_worker_t *worker = zanni_state (self);
    char path [64];
    int64_t sender, wanted;
    int32_t pid, fd;
    int rc = zanni_read (msg, &sender, &wanted, &pid, &fd);
    if (rc || sender < 0 || sender >= WORKER_SENDERS)
        return rc ? rc : ZANNI_EINVAL;
    snprintf (path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    worker->senders [sender].fd = open (path, O_WRONLY | O_CLOEXEC);
    worker->senders [sender].wanted = wanted;
    if (worker->senders [sender].fd < 0)
        return ZANNI_ESYSTEM;
    s_notify (worker, sender);
    return 0;
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("add", "x", "x", s_add, ""),
    ZANNI_METHOD ("count", "", "", s_count, ""),
    ZANNI_METHOD ("total", "", "x", s_total, ""),
    ZANNI_METHOD ("echo", "B", "B", s_echo, ""),
    ZANNI_METHOD ("text of", "r", "s", s_text_of, ""),
    ZANNI_METHOD ("knows", "rs", "b", s_knows, ""),
    ZANNI_METHOD ("offer", "sr", "", s_offer, ""),
    ZANNI_METHOD ("pid", "", "x", s_pid, ""),
    ZANNI_METHOD ("parent", "", "x", s_parent, ""),
    ZANNI_METHOD ("raise", "i", "", s_raise, ""),
    ZANNI_METHOD ("leave", "i", "", s_leave, ""),
    ZANNI_METHOD ("finish", "xs", "", s_finish, ""),
    ZANNI_METHOD ("spawn", "i", "r", s_spawn, ""),
    ZANNI_METHOD ("spawn on", "rix", "r", s_spawn_on, "There."),
    ZANNI_METHOD ("spawn beside", "s", "r", s_spawn_beside, ""),
    ZANNI_METHOD ("spawn wrongly", "", "", s_spawn_wrongly, ""),
    ZANNI_METHOD ("hold", "r", "", s_hold, ""),
    ZANNI_METHOD ("drop", "", "", s_drop, ""),
    ZANNI_METHOD ("lend", "", "r", s_lend, ""),
    ZANNI_METHOD ("holds something", "", "b", s_holds, ""),
    ZANNI_METHOD ("give", "r", "", s_give, ""),
    ZANNI_METHOD ("same", "rr", "b", s_same, ""),
    ZANNI_METHOD ("pass", "x", "x", s_pass, ""),
    ZANNI_METHOD ("pass promise", "", "x", s_pass_promise, ""),
    ZANNI_METHOD ("work before it relays", "x", "", s_set_delay, ""),
    ZANNI_METHOD ("relay", "s", "x", s_relay, ""),
    ZANNI_METHOD ("ask and cancel", "", "", s_ask_and_cancel, ""),
    ZANNI_METHOD ("call", "x", "x", s_call, ""),
    ZANNI_METHOD ("promise", "", "x", s_promise, ""),
    ZANNI_METHOD ("promises", "", "x", s_promises, ""),
    ZANNI_METHOD ("is void", "", "b", s_is_void, ""),
    ZANNI_METHOD ("fulfil", "x", "", s_fulfil, ""),
    ZANNI_METHOD ("compute", "x", "", s_compute, ""),
    ZANNI_METHOD ("remaining", "", "x", s_remaining, ""),
    ZANNI_METHOD ("stop other", "", "i", s_stop_other, ""),
    ZANNI_METHOD ("tell and drop", "x", "", s_tell_and_drop, ""),
    ZANNI_METHOD ("witness", "r", "", s_witness, ""),
    ZANNI_METHOD ("watch", "r", "", s_watch, ""),
    ZANNI_METHOD ("send", "xxx", "", s_send, ""),
    ZANNI_METHOD ("note", "xx", "", s_note, ""),
    ZANNI_METHOD ("noted", "x", "xx", s_noted, ""),
    ZANNI_METHOD ("when noted", "xxii", "", s_when_noted, ""),
    ZANNI_METHOD_END
};

const zanni_class_t worker_class = {
    .name = "worker", .state_size = sizeof (s_worker_t), .methods = s_methods, .start_in = "x", .start = s_start,
    .stop = s_stop, .down = s_down
};
