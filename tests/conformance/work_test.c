/* What a node is at: what each thread is in, asks that are not answered, and what lies in mailboxes. */

#include "support.h"

typedef struct {
    zanni_ref_t *next;
    zanni_promise_t *promise;
    int pid, said_fd, go_fd;
} worker_t;

static int
worker_start (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    return zanni_read (msg, &worker->pid, &worker->said_fd, &worker->go_fd);
}

static int
s_hold (const worker_t *worker)
{
    char letter = 'h';
    bool good = write (reach (worker->pid, worker->said_fd, O_WRONLY), &letter, 1) == 1
             && read (reach (worker->pid, worker->go_fd, O_RDONLY), &letter, 1) == 1;
    return good ? 0 : ZANNI_ESYSTEM;
}

static int
worker_stay (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return s_hold (zanni_state (self));
}

static int
worker_know (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next);
    return rc ? rc : zanni_ref_weak (self, &worker->next, next);
}

static int
worker_promise (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    return zanni_promise_new (self, &worker->promise, msg);
}

static int
worker_keep (zanni_t *self, zanni_msg_t *msg)
{
    worker_t *worker = zanni_state (self);
    (void) msg;
    return worker->promise ? zanni_promise_reply (self, &worker->promise) : ZANNI_EINVAL;
}

static int
worker_call (zanni_t *self, zanni_msg_t *msg)
{
    const worker_t *worker = zanni_state (self);
    (void) msg;
    return zanni_call (self, NULL, worker->next, "promise");
}

static const zanni_method_t worker_methods [] = {
    ZANNI_METHOD ("stay", "", "", worker_stay, "Returns when it may."),
    ZANNI_METHOD ("know", "r", "", worker_know, "Who is the next."),
    ZANNI_METHOD ("promise", "", "", worker_promise, "Answers later."),
    ZANNI_METHOD ("keep", "", "", worker_keep, "Keeps its promise."),
    ZANNI_METHOD ("call", "", "", worker_call, "Calls promise."), ZANNI_METHOD_END
};
static const zanni_class_t worker_class = {
    .name = "worker", .state_size = sizeof (worker_t), .methods = worker_methods, .start_in = "iii", .start = worker_start
};

CLASSES (&worker_class, &runner_class);

static int s_said [2];
static int s_go [2];

static zanni_ref_t *
spawn_worker (void)
{
    if (!s_said [1]) {
        cr_assert_eq (pipe2 (s_said, O_CLOEXEC), 0);
        cr_assert_eq (pipe2 (s_go, O_CLOEXEC), 0);
    }
    return spawn ("worker", (int) getpid (), s_said [1], s_go [0]);
}

static void
await_held (void)
{
    char letter;
    cr_assert_eq (read (s_said [0], &letter, 1), 1);
}

static void
let_go (void)
{
    cr_assert_eq (write (s_go [1], "g", 1), 1);
}

/* What was told that fits, of all workers. */
typedef struct {
    bool known, waits, away;
    int rows, asks;
    uint64_t queued, held;
    const char *class_name, *method, *receiver_class;   // that are looked for
    bool in_it;
    uint64_t mailbox;
} seen_t;

static void
s_note (void *context, const zanni_work_t *work)
{
    seen_t *seen = context;
    seen->rows++;
    seen->queued += work->queued;
    seen->held += work->held;
    if (!strcmp (work->class_name, seen->class_name) && !strcmp (work->method, seen->method)) {
        seen->in_it = true;
        seen->known = work->known;
    }
    for (size_t i = 0; i < work->asks_count; i++) {
        const zanni_work_ask_t *ask = &work->asks [i];
        if (strcmp (ask->method, seen->method) != 0)
            continue;
        cr_assert_geq (ask->age_ms, 0);
        seen->asks++;
        seen->waits |= ask->waits;
        seen->away |= ask->away;
        seen->receiver_class = worker_class.name;
        cr_assert_str_eq (ask->receiver_class, "worker");
    }
    for (size_t i = 0; i < work->mailboxes_count; i++)
        if (!strcmp (work->mailboxes [i].class_name, seen->class_name))
            seen->mailbox = work->mailboxes [i].messages;
}

static seen_t
look (const char *method, int64_t wait_ms)
{
    seen_t seen = { .class_name = "worker", .method = method };
    cr_assert_eq (zanni_work (root, wait_ms, s_note, &seen), 0);
    cr_assert_gt (seen.rows, 0);
    return seen;
}

EVERYWHERE (work, an_ask_without_an_answer_is_seen_at_its_asker_until_it_has_one)
{
    ZANNI_AUTO (zanni_ref_t) worker = spawn_worker ();
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ask_t options = { .deadline_ms = 60000 };
    cr_assert_eq (look ("promise", DEADLINE_MS).asks, 0);
    cr_assert_eq (zanni_ask (root, worker, &options, "promise"), 0);
    seen_t seen = look ("promise", DEADLINE_MS);
    cr_assert_eq (seen.asks, 1);
    cr_assert_eq (seen.away, apart ());
    cr_assert (!seen.waits);
    tell (worker, "keep");
    reply = next ();
    cr_assert_eq (zanni_msg_kind (reply), ZANNI_MSG_REPLY);
    cr_assert_eq (look ("promise", DEADLINE_MS).asks, 0);
}

BESIDE (work, an_ask_that_is_kept_counts_at_whom_it_is_with)
{
    ZANNI_AUTO (zanni_ref_t) worker = spawn_worker ();
    const zanni_ask_t options = { .deadline_ms = 60000 };
    cr_assert_eq (zanni_ask (root, worker, &options, "promise"), 0);
    done (worker, "zanni.describe");   // behind it
    while (look ("promise", DEADLINE_MS).held != 1) {}   // a thread that did not run for long is not asked
    tell (worker, "keep");
    ZANNI_AUTO (zanni_msg_t) reply = next ();
    while (look ("promise", DEADLINE_MS).held != 0) {}
}

#define OWN_THREAD(ROW, suite, name) \
    ROW (suite, name, shared, ZANNI_SHARED) \
    ROW (suite, name, thread, ZANNI_THREAD)

CONFORM_IN (OWN_THREAD, work, who_is_in_a_long_method_is_seen_with_it_though_it_says_nothing)
{
    ZANNI_AUTO (zanni_ref_t) worker = spawn_worker ();
    tell (worker, "stay");
    await_held ();
    seen_t seen = look ("stay", 1);
    cr_assert (seen.in_it);
    cr_assert (!seen.known);
    let_go ();
    done (worker, "zanni.describe");
    seen = look ("stay", DEADLINE_MS);
    cr_assert (!seen.in_it);
}

/* Its worker goes on meanwhile; what comes for itself gathers in its mailbox. */
CONFORM_ONCE (work, who_waits_in_a_call_is_seen_with_its_method_its_ask_and_its_mailbox, ZANNI_THREAD)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_worker ();
    ZANNI_AUTO (zanni_ref_t) other = spawn_worker ();
    done (one, "know", other);
    tell (one, "call");
    while (!look ("promise", DEADLINE_MS).waits) {}
    seen_t seen = { .known = false };
    while (!seen.known)
        seen = look ("call", DEADLINE_MS);
    cr_assert (seen.in_it);
    for (int i = 0; i < 3; i++)
        tell (one, "zanni.describe");
    while ((seen = look ("call", DEADLINE_MS)).mailbox < 3) {}
    cr_assert_eq (seen.mailbox, 3);
    cr_assert_eq (seen.queued, 3);
    tell (other, "keep");
    while (look ("promise", DEADLINE_MS).waits) {}
}

EVERYWHERE (work, whoever_has_a_reference_may_ask)
{
    ZANNI_AUTO (zanni_ref_t) worker = spawn_worker ();
    ZANNI_AUTO (zanni_msg_t) reply = call (worker, "zanni.work");
    size_t rows, count;
    cr_assert_eq (zanni_enter (reply, &rows), 0);
    cr_assert_gt (rows, 0);
    cr_assert_eq (zanni_enter (reply, &count), 0);
    const char *name, *class_name, *method;
    int64_t for_ms;
    bool known;
    uint64_t actors, queued, held;
    int rc = zanni_read (reply, &name, &class_name, &method, &for_ms, &known, &actors, &queued, &held);
    cr_assert_eq (rc, 0);
    cr_assert_gt (strlen (name), 0);
}

static int
s_work_here (zanni_t *self)
{
    return zanni_work (self, 0, s_note, NULL) == ZANNI_EOWNER ? 0 : ZANNI_EINVAL;
}

CONFORM_ONCE (work, only_who_may_block_looks_itself, ZANNI_SHARED)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    run_in (runner, s_work_here);
    cr_assert_eq (zanni_work (root, 0, NULL, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_work (NULL, 0, s_note, NULL), ZANNI_EINVAL);
}
