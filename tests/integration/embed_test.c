/* A node inside a program that has a loop of its own: the descriptor, the step, nodes beside each other, threads that
   join. A test drives its loop by hand: the descriptor is polled, a step is made, the descriptor is polled again. */

#include "probe.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A host: counts what it is told. */
typedef struct {
    int64_t sum;
    int told;
    int watched;
    int downs;
    uint64_t watch;
    int fd;
} host_t;

static int
s_host_add (zanni_t *self, zanni_msg_t *msg)
{
    host_t *host = zanni_state (self);
    int64_t number;
    int rc = zanni_read (msg, &number);
    host->sum += rc ? 0 : number;
    host->told++;
    return rc ? rc : zanni_reply (self, msg, host->sum);
}

static int
s_host_ready (zanni_t *self, zanni_msg_t *msg)
{
    host_t *host = zanni_state (self);
    uint64_t value;
    (void) msg;
    host->watched++;
    if (read (host->fd, &value, sizeof value) != sizeof value)
        return ZANNI_ESYSTEM;
    return zanni_watch_again (self, host->watch);
}

static void
s_host_down (zanni_t *self, const zanni_down_t *down)
{
    host_t *host = zanni_state (self);
    (void) down;
    host->downs++;
}

static const zanni_method_t s_host_methods [] = {
    ZANNI_METHOD ("add", "x", "x", s_host_add, "Adds a number."),
    ZANNI_PRIVATE ("ready", "u", "", s_host_ready, "The watched descriptor has something."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_host_class = {
    .name = "host", .state_size = sizeof (host_t), .methods = s_host_methods, .down = s_host_down
};

/* Tells back to the host, as often as it is asked to. */
static int
s_caller_call (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *host;
    int64_t times;
    int rc = zanni_read (msg, &host, &times);
    for (int64_t i = 0; !rc && i < times; i++)
        rc = zanni_tell (self, host, "add", 1);
    return rc;
}

static const zanni_method_t s_caller_methods [] = {
    ZANNI_METHOD ("call", "rx", "", s_caller_call, "Tells the host `add` so often."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_caller_class = { .name = "caller", .methods = s_caller_methods };
static const zanni_class_t *const s_classes [] = { &s_host_class, &s_caller_class, NULL };

typedef struct {
    zanni_t *self;
    host_t *host;
    int fd;
    int threads;   // of the process before: the test runner may have some
} loop_t;

static void
s_begin (loop_t *loop)
{
    cr_assert_eq (zanni_init (s_classes), 0);
    cr_assert_eq (zanni_init (probe_classes), 0);
    loop->self = NULL;
    loop->threads = probe_threads ();
    cr_assert_eq (zanni_new (&loop->self, NULL), 0);
    cr_assert_eq (zanni_serve (loop->self, "host"), 0);
    loop->host = zanni_state (loop->self);
    cr_assert_eq (zanni_fd (loop->self, &loop->fd), 0);
}

static void
s_finish (loop_t *loop)
{
    cr_assert_eq (zanni_destroy (&loop->self), 0);
}

/* Steps until nothing is left; every answer 1 must find the descriptor readable. */
static void
s_settle (loop_t *loop, uint32_t budget)
{
    int left;
    while ((left = zanni_step (loop->self, budget)) == 1)
        cr_assert (probe_readable (loop->fd, 0), "work is left and the descriptor is quiet");
    cr_assert_eq (left, 0);
}

/* Waits for the descriptor and steps, until `count` is what is wanted. */
static void
s_loop_until (loop_t *loop, const int *count, int wanted)
{
    while (*count < wanted) {
        cr_assert (probe_readable (loop->fd, 10000), "the descriptor did not tell: %d of %d", *count, wanted);
        cr_assert_geq (zanni_step (loop->self, 16), 0);
    }
}

Test (embed, a_descriptor_is_quiet_when_nothing_is_to_do)
{
    loop_t loop;
    s_begin (&loop);
    s_settle (&loop, 16);
    cr_assert_not (probe_readable (loop.fd, 50));
    cr_assert_eq (probe_threads (), loop.threads, "a node without other workers has no thread");
    s_finish (&loop);
}

Test (embed, a_tell_from_outside_a_step_makes_the_descriptor_readable)
{
    loop_t loop;
    s_begin (&loop);
    s_settle (&loop, 16);
    cr_assert_eq (zanni_tell (loop.self, zanni_self (loop.self), "add", 7), 0);
    cr_assert (probe_readable (loop.fd, 0));
    cr_assert (probe_readable (loop.fd, 0), "it is level-triggered");
    cr_assert_eq (loop.host->told, 0, "handled inside a step only");
    s_settle (&loop, 16);
    cr_assert_eq (loop.host->told, 1);
    cr_assert_not (probe_readable (loop.fd, 50));
    s_finish (&loop);
}

Test (embed, a_step_handles_no_more_than_its_budget)
{
    loop_t loop;
    s_begin (&loop);
    for (int i = 0; i < 10; i++)
        cr_assert_eq (zanni_tell (loop.self, zanni_self (loop.self), "add", 1), 0);
    for (int i = 1; i <= 9; i++) {
        cr_assert_eq (zanni_step (loop.self, 1), 1);
        cr_assert_eq (loop.host->told, i);
        cr_assert (probe_readable (loop.fd, 0));
    }
    cr_assert_eq (zanni_step (loop.self, 1), 0);
    cr_assert_eq (loop.host->told, 10);
    cr_assert_not (probe_readable (loop.fd, 0));
    cr_assert_eq (zanni_step (loop.self, 0), ZANNI_EINVAL);
    s_finish (&loop);
}

Test (embed, a_step_without_work_does_not_block)
{
    loop_t loop;
    uint64_t timer;
    s_begin (&loop);
    cr_assert_eq (zanni_timer (loop.self, &timer, 3600000, 0, "add", 1), 0);
    double begun = probe_seconds ();
    for (int i = 0; i < 1000; i++)
        cr_assert_eq (zanni_step (loop.self, 16), 0);
    cr_assert_lt (probe_seconds () - begun, 5);
    s_finish (&loop);
}

Test (embed, a_timer_makes_the_descriptor_readable_when_it_is_due)
{
    loop_t loop;
    uint64_t timer;
    s_begin (&loop);
    double begun = probe_seconds ();
    cr_assert_eq (zanni_timer (loop.self, &timer, 30, 20, "add", 1), 0);
    s_settle (&loop, 16);
    cr_assert_not (probe_readable (loop.fd, 0));
    s_loop_until (&loop, &loop.host->told, 3);
    cr_assert_geq (probe_seconds () - begun, 0.0699);
    cr_assert_eq (zanni_timer_cancel (loop.self, timer), 0);
    s_settle (&loop, 16);
    cr_assert_not (probe_readable (loop.fd, 60), "a timer that was cancelled is quiet");
    s_finish (&loop);
}

Test (embed, a_message_from_another_worker_makes_the_descriptor_readable)
{
    loop_t loop;
    ZANNI_AUTO (zanni_ref_t) caller = NULL;
    s_begin (&loop);
    cr_assert_eq (zanni_spawn (loop.self, &caller, "caller", NULL), 0);
    for (int i = 1; i <= 200; i++) {
        cr_assert_eq (zanni_tell (loop.self, caller, "call", zanni_self (loop.self), 3), 0);
        s_loop_until (&loop, &loop.host->told, 3 * i);
    }
    s_settle (&loop, 16);
    cr_assert_not (probe_readable (loop.fd, 50));
    zanni_ref_destroy (&caller);
    s_finish (&loop);
}

Test (embed, what_a_blocking_call_leaves_behind_keeps_the_descriptor_readable)
{
    loop_t loop;
    ZANNI_AUTO (zanni_ref_t) caller = NULL;
    ZANNI_AUTO (zanni_ref_t) echo = NULL;
    const zanni_spawn_t there = { .worker = 1 };
    s_begin (&loop);
    cr_assert_eq (zanni_spawn (loop.self, &caller, "caller", &there), 0);
    cr_assert_eq (zanni_spawn (loop.self, &echo, "echo", &there), 0);
    for (int i = 1; i <= 100; i++) {   // the echo comes behind what the caller told: both are on one worker
        cr_assert_eq (zanni_tell (loop.self, caller, "call", zanni_self (loop.self), 2), 0);
        cr_assert_eq (zanni_call (loop.self, NULL, echo, "echo", 1), 0);
        s_loop_until (&loop, &loop.host->told, 2 * i);
    }
    zanni_ref_destroy (&caller);
    zanni_ref_destroy (&echo);
    s_finish (&loop);
}

Test (embed, the_end_of_an_actor_makes_the_descriptor_readable)
{
    loop_t loop;
    uint64_t monitor;
    s_begin (&loop);
    for (int i = 1; i <= 20; i++) {
        zanni_ref_t *echo = NULL;
        const zanni_spawn_t where = { .place = i % 2 ? ZANNI_SHARED : ZANNI_THREAD };
        cr_assert_eq (zanni_spawn (loop.self, &echo, "echo", &where), 0);
        cr_assert_eq (zanni_monitor (loop.self, &monitor, echo), 0);
        zanni_ref_destroy (&echo);
        s_loop_until (&loop, &loop.host->downs, i);
    }
    s_finish (&loop);
}

Test (embed, a_watched_descriptor_shows_through_the_nodes)
{
    loop_t loop;
    const uint64_t one = 1;
    s_begin (&loop);
    loop.host->fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    cr_assert_eq (zanni_watch (loop.self, &loop.host->watch, loop.host->fd, ZANNI_READABLE, "ready"), 0);
    s_settle (&loop, 16);
    cr_assert_not (probe_readable (loop.fd, 0));
    for (int i = 1; i <= 10; i++) {
        cr_assert_eq (write (loop.host->fd, &one, sizeof one), sizeof one);
        s_loop_until (&loop, &loop.host->watched, i);
        s_settle (&loop, 16);
        cr_assert_not (probe_readable (loop.fd, 0));
    }
    cr_assert_eq (zanni_watch_cancel (loop.self, loop.host->watch), 0);
    close (loop.host->fd);
    s_finish (&loop);
}

Test (embed, the_descriptor_works_inside_an_epoll_set_with_others)
{
    loop_t loop;
    struct epoll_event event = { .events = EPOLLIN };
    uint64_t timer;
    s_begin (&loop);
    int epoll = epoll_create1 (EPOLL_CLOEXEC);
    cr_assert_eq (epoll_ctl (epoll, EPOLL_CTL_ADD, loop.fd, &event), 0);
    cr_assert_eq (zanni_timer (loop.self, &timer, 10, 0, "add", 1), 0);
    while (loop.host->told < 1) {
        cr_assert_eq (epoll_wait (epoll, &event, 1, 10000), 1);
        cr_assert_geq (zanni_step (loop.self, 1), 0);
    }
    cr_assert_eq (epoll_wait (epoll, &event, 1, 30), 0);
    close (epoll);
    s_finish (&loop);
}

/* Actors of the host's own thread need no other. */
Test (embed, a_node_runs_without_any_thread)
{
    loop_t loop;
    zanni_ref_t *echoes [10] = { NULL };
    uint64_t timer;
    s_begin (&loop);
    cr_assert_eq (probe_threads (), loop.threads);
    for (int i = 0; i < 10; i++) {
        zanni_msg_t *reply = NULL;
        int64_t number = 0;
        cr_assert_eq (zanni_spawn (loop.self, &echoes [i], "echo", &(zanni_spawn_t) { .place = ZANNI_HERE }), 0);
        cr_assert_eq (zanni_call (loop.self, &reply, echoes [i], "echo", i), 0);
        cr_assert_eq (zanni_read (reply, &number), 0);
        cr_assert_eq (number, i);
        zanni_msg_destroy (&reply);
    }
    cr_assert_eq (zanni_timer (loop.self, &timer, 5, 0, "add", 1), 0);
    s_loop_until (&loop, &loop.host->told, 1);
    cr_assert_eq (zanni_run (loop.self, 10), 0);
    cr_assert_eq (probe_threads (), loop.threads);
    for (int i = 0; i < 10; i++)
        zanni_ref_destroy (&echoes [i]);
    s_finish (&loop);
    cr_assert_eq (probe_threads (), loop.threads);
}

Test (embed, nodes_live_one_after_the_other_and_at_once_on_one_thread)
{
    zanni_t *nodes [5] = { NULL };
    zanni_ref_t *echoes [5] = { NULL };
    cr_assert_eq (zanni_init (probe_classes), 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5; i++) {
            cr_assert_eq (zanni_new (&nodes [i], NULL), 0);
            cr_assert_eq (zanni_spawn (nodes [i], &echoes [i], "echo", NULL), 0);
        }
        for (int i = 0; i < 5; i++)
            cr_assert_eq (zanni_call (nodes [i], NULL, echoes [i], "echo", i), 0);
        for (int i = 0; i < 5; i++) {
            int at = round == 1 ? 4 - i : i;   // in either order
            zanni_ref_destroy (&echoes [at]);
            cr_assert_eq (zanni_destroy (&nodes [at]), 0);
        }
    }
}

static void *
s_own_node (void *argument)
{
    int64_t rounds = *(const int64_t *) argument;
    for (int64_t i = 0; i < rounds; i++) {
        zanni_t *self = NULL;
        zanni_ref_t *echo = NULL;
        if (zanni_new (&self, NULL) || zanni_spawn (self, &echo, "echo", NULL)
            || zanni_call (self, NULL, echo, "echo", i))
            return NULL;
        zanni_ref_destroy (&echo);
        if (zanni_destroy (&self))
            return NULL;
    }
    return argument;
}

Test (embed, threads_have_nodes_of_their_own_at_once)
{
    pthread_t threads [4];
    int64_t rounds = 5;
    cr_assert_eq (zanni_init (probe_classes), 0);
    for (int i = 0; i < 4; i++)
        cr_assert_eq (pthread_create (&threads [i], NULL, s_own_node, &rounds), 0);
    for (int i = 0; i < 4; i++) {
        void *result = NULL;
        cr_assert_eq (pthread_join (threads [i], &result), 0);
        cr_assert_eq (result, &rounds);
    }
}

/* A handle belongs to the thread that got it, so what a thread is told of comes to it as an argument. */
typedef struct {
    zanni_node_t *node;
    const zanni_ref_t *host;   // the root's own reference: any thread may read it, as long as the root is there
    int rounds;
    _Atomic int done;
    _Atomic int rc;
} guests_t;

static void *
s_guest (void *argument)
{
    guests_t *guests = argument;
    zanni_t *self = NULL;
    zanni_ref_t *echo = NULL;
    int rc = zanni_attach (&self, guests->node);
    if (!rc)
        rc = zanni_spawn (self, &echo, "echo", NULL);
    for (int i = 0; !rc && i < guests->rounds; i++) {
        rc = zanni_call (self, NULL, echo, "echo", i);
        if (!rc)
            rc = zanni_call (self, NULL, guests->host, "add", 1);
    }
    zanni_ref_destroy (&echo);
    int end = zanni_destroy (&self);
    if (rc || end)
        guests->rc = rc ? rc : end;
    guests->done++;
    return NULL;
}

Test (embed, threads_of_the_host_attach_while_it_waits)
{
    loop_t loop;
    pthread_t threads [4];
    s_begin (&loop);
    guests_t guests = { .node = zanni_node_of (loop.self), .host = zanni_self (loop.self), .rounds = 50 };
    for (int i = 0; i < 4; i++)
        cr_assert_eq (pthread_create (&threads [i], NULL, s_guest, &guests), 0);
    s_loop_until (&loop, &loop.host->told, 4 * 50);
    for (int i = 0; i < 4; i++)
        cr_assert_eq (pthread_join (threads [i], NULL), 0);
    cr_assert_eq (guests.rc, 0, "%s", zanni_strerror (guests.rc));
    cr_assert_eq (loop.host->sum, 4 * 50);
    s_finish (&loop);
}

/* The root waits in zanni_receive, without a port, when the first thread attaches. */
static void *
s_teller (void *argument)
{
    guests_t *guests = argument;
    zanni_t *self = NULL;
    int rc = zanni_attach (&self, guests->node);
    if (!rc)
        rc = zanni_tell (self, guests->host, "hello", 1);
    int end = zanni_destroy (&self);
    guests->rc = rc ? rc : end;
    return NULL;
}

Test (embed, a_thread_that_attaches_wakes_a_root_that_waits)
{
    zanni_t *self = NULL;
    zanni_msg_t *msg = NULL;
    pthread_t thread;
    cr_assert_eq (zanni_new (&self, NULL), 0);
    guests_t guests = { .node = zanni_node_of (self), .host = zanni_self (self) };
    cr_assert_eq (pthread_create (&thread, NULL, s_teller, &guests), 0);
    cr_assert_eq (zanni_receive (self, &msg, 10000), 0);
    cr_assert_str_eq (zanni_msg_method (msg), "hello");
    zanni_msg_destroy (&msg);
    cr_assert_eq (pthread_join (thread, NULL), 0);
    cr_assert_eq (guests.rc, 0);
    cr_assert_eq (zanni_destroy (&self), 0);
}

static void *
s_stranger (void *argument)
{
    zanni_t *self = argument;
    int fd;
    bool refused = zanni_step (self, 1) == ZANNI_ETHREAD && zanni_run (self, 0) == ZANNI_ETHREAD
                   && zanni_fd (self, &fd) == ZANNI_ETHREAD
                   && zanni_tell (self, zanni_self (self), "add", 1) == ZANNI_ETHREAD
                   && zanni_destroy (&self) == ZANNI_ETHREAD && self;
    return refused ? argument : NULL;
}

Test (embed, a_self_is_refused_on_another_thread)
{
    loop_t loop;
    pthread_t thread;
    void *result = NULL;
    s_begin (&loop);
    cr_assert_eq (pthread_create (&thread, NULL, s_stranger, loop.self), 0);
    cr_assert_eq (pthread_join (thread, &result), 0);
    cr_assert_eq (result, loop.self);
    s_finish (&loop);
}

/* An actor that asks for the node's end while it ends: its stop hook sees that nothing new begins. */
static _Atomic (zanni_node_t *) s_ending_node;
static _Atomic int s_attach_rc;

static void *
s_late_guest (void *argument)
{
    zanni_t *self = NULL;
    (void) argument;
    s_attach_rc = zanni_attach (&self, s_ending_node);
    return NULL;
}

static void
s_last_stop (zanni_t *self, const zanni_reason_t *reason)
{
    pthread_t thread;
    zanni_ref_t *echo = NULL;
    (void) reason;
    if (!pthread_create (&thread, NULL, s_late_guest, NULL))
        pthread_join (thread, NULL);
    if (zanni_spawn (self, &echo, "echo", &(zanni_spawn_t) { .place = ZANNI_THREAD }) != ZANNI_ECLOSED)
        s_attach_rc = 1;
}

Test (embed, nothing_joins_a_node_that_is_ending)
{
    static const zanni_class_t last = { .name = "last", .stop = s_last_stop };
    static const zanni_class_t *const classes [] = { &last, NULL };
    zanni_t *self = NULL;
    zanni_ref_t *ref = NULL;
    cr_assert_eq (zanni_init (classes), 0);
    cr_assert_eq (zanni_init (probe_classes), 0);
    cr_assert_eq (zanni_new (&self, NULL), 0);
    s_ending_node = zanni_node_of (self);
    cr_assert_eq (zanni_spawn (self, &ref, "last", NULL), 0);
    cr_assert_eq (zanni_destroy (&self), 0);
    cr_assert_eq (s_attach_rc, ZANNI_ECLOSED);
}
