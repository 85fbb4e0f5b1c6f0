/* No memory: every call that allocates goes through all its n-th failing allocations, each in a fresh node, so that no
   list is warm. What fails answers ZANNI_ENOMEM, leaves its outputs alone and works when it is called again; when the
   node is gone every block is back.

   An operation runs with one failing allocation (the n-th from its beginning, on whatever thread) until an n is reached
   that it does not come to. With full counts also with all further ones failing, and scenes of all operations under
   random failures. */

#include "probe.h"
#include "support/faults.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zanni/timer.h>
#include <zanni/watch.h>
#include <zmq.h>

static const char s_long [] =
    "a text that is longer than the room of a message, so that it needs memory of its own: "
    "one two three four five six seven eight nine ten one two three four five six seven eight nine ten "
    "one two three four five six seven eight nine ten one two three four five six seven eight nine ten "
    "one two three four five six seven eight nine ten one two three four five six seven eight nine ten "
    "one two three four five six seven eight nine ten one two three four five six seven eight nine ten";

/* A server that uses what handlers have. What it cannot do for want of memory is its answer. */

typedef struct {
    zanni_promise_t *promise;
    zanni_msg_t *kept;
} server_t;

static int
s_echo (zanni_t *self, zanni_msg_t *msg)
{
    const char *text;
    int rc = zanni_read (msg, &text);
    return rc ? rc : zanni_reply (self, msg, text);
}

static int
s_later (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    int rc = zanni_promise_new (self, &server->promise, msg);
    if (!rc)
        rc = zanni_promise_reply (self, &server->promise, s_long);
    zanni_promise_destroy (&server->promise);
    return rc;
}

static int
s_keep (zanni_t *self, zanni_msg_t *msg)
{
    server_t *server = zanni_state (self);
    int rc = zanni_msg_keep (&server->kept, msg);
    if (!rc)
        rc = zanni_reply (self, server->kept, s_long);
    zanni_msg_destroy (&server->kept);
    return rc;
}

static int
s_refuse (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_fail (self, msg, 42, "no", s_long);
}

static int
s_enter (zanni_t *self, zanni_msg_t *msg)
{
    size_t count;
    const char *one, *two;
    int rc = zanni_enter (msg, &count);
    if (!rc)
        rc = zanni_read (msg, &one, &two);
    return rc ? rc : zanni_reply (self, msg, one);
}

static int
s_hand_on (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *other;
    int rc = zanni_read (msg, &other);
    return rc ? rc : zanni_forward (self, msg, other, "take");
}

static int
s_take (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, s_long);
}

static int
s_nothing (zanni_t *self, zanni_msg_t *msg)
{
    (void) self;
    (void) msg;
    return 0;
}

static int
s_start (zanni_t *self, zanni_msg_t *msg)
{
    const char *text;
    (void) self;
    return zanni_read (msg, &text);
}

static int
s_leave (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return zanni_exit_error (self, 5, "enough");
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("echo", "s", "s", s_echo, "Answers the text."),
    ZANNI_METHOD ("later", "", "s", s_later, "Answers by a promise."),
    ZANNI_METHOD ("keep", "", "s", s_keep, "Answers a kept message."),
    ZANNI_METHOD ("refuse", "", "", s_refuse, "Answers an error."),
    ZANNI_METHOD ("enter", "as", "s", s_enter, "Reads a list."),
    ZANNI_METHOD ("hand on", "r", "s", s_hand_on, "Hands the ask on."),
    ZANNI_METHOD ("take", "r", "s", s_take, "Takes what was handed on."),
    ZANNI_METHOD ("nothing", "", "", s_nothing, "Does nothing."),
    ZANNI_METHOD ("tick", "v", "", s_nothing, "A timer's."),
    ZANNI_METHOD ("ready", "u", "", s_nothing, "A watch's."),
    ZANNI_METHOD ("buffer", "B", "", s_nothing, "Gets a buffer."),
    ZANNI_METHOD ("leave", "", "", s_leave, "Ends with an error."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_server = { .name = "server", .state_size = sizeof (server_t), .methods = s_methods };
static const zanni_class_t s_picky = {
    .name = "picky", .parent = "server", .state_size = sizeof (server_t), .start_in = "s", .start = s_start
};
static const zanni_class_t *const s_classes [] = { &s_server, &s_picky, NULL };

/* What an operation works with; `place` is where its actors live. */
typedef struct {
    zanni_t *self;
    zanni_ref_t *one;
    zanni_ref_t *two;
    zanni_spawn_t where;
} scene_t;

typedef int operation_fn (scene_t *scene);

static int
s_do_new (scene_t *scene)
{
    zanni_t *other = NULL;
    (void) scene;
    const char *const arguments [] = { "--load", "library", NULL };
    const zanni_options_t options = { .child_program = "program", .child_arguments = arguments };
    int rc = zanni_new (&other, &options);
    cr_assert_eq (rc != 0, other == NULL);
    return rc ? rc : zanni_destroy (&other);
}

static int
s_do_spawn (scene_t *scene)
{
    zanni_ref_t *ref = NULL;
    zanni_error_t error = { 0 };
    zanni_spawn_t where = scene->where;
    where.restartable = true;
    where.error = &error;
    int rc = zanni_spawn (scene->self, &ref, "picky", &where, s_long);
    cr_assert_eq (rc != 0, ref == NULL);
    cr_assert_eq (error.code, rc);
    zanni_error_reset (&error);
    if (!rc)
        rc = zanni_call (scene->self, NULL, ref, "nothing");
    zanni_ref_destroy (&ref);
    return rc;
}

static int
s_call (scene_t *scene, const char *method, const zanni_arg_t *args, size_t count)
{
    zanni_msg_t *reply = NULL;
    zanni_error_t error = { 0 };
    const char *text;
    const zanni_ask_t options = { .error = &error };
    int rc = zanni_call_args (scene->self, &reply, scene->one, &options, method, args, count);
    cr_assert_eq (error.code, rc);
    zanni_error_reset (&error);
    if (reply && zanni_more (reply))
        rc = zanni_read (reply, &text);
    zanni_msg_destroy (&reply);
    return rc;
}

static int
s_do_call (scene_t *scene)
{
    return s_call (scene, "echo", ZANNI_ARGS (s_long));
}

static int
s_do_promise (scene_t *scene)
{
    int rc = s_call (scene, "later", NULL, 0);
    return rc == ZANNI_ENOREPLY ? ZANNI_ENOMEM : rc;   // the handler had no memory and dropped its promise
}

static int
s_do_keep (scene_t *scene)
{
    return s_call (scene, "keep", NULL, 0);
}

static int
s_do_fail (scene_t *scene)
{
    int rc = s_call (scene, "refuse", NULL, 0);
    return rc == ZANNI_EAPP ? 0 : rc;
}

static int
s_do_enter (scene_t *scene)
{
    return s_call (scene, "enter", ZANNI_ARGS (ZANNI_LIST (s_long, s_long)));
}

static int
s_do_forward (scene_t *scene)
{
    return s_call (scene, "hand on", ZANNI_ARGS (scene->two));
}

static int
s_do_describe (scene_t *scene)
{
    zanni_msg_t *reply = NULL;
    int rc = zanni_call (scene->self, &reply, scene->one, "zanni.describe");
    zanni_msg_destroy (&reply);
    return rc;
}

static void
s_then (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    zanni_error_t error;
    (void) self;
    *(int *) arg = zanni_msg_error (reply, &error) ? 1 : error.code;
}

static int
s_do_ask (scene_t *scene)
{
    int outcome = 0;
    uint64_t id = 0;
    const zanni_ask_t options = { .then = s_then, .arg = &outcome, .id_p = &id };
    int rc = zanni_ask (scene->self, scene->one, &options, "echo", s_long);
    if (rc) {
        cr_assert_eq (id, 0);
        return rc;
    }
    double until = probe_seconds () + 10;
    while (!outcome && probe_seconds () < until)
        cr_assert_eq (zanni_run (scene->self, 1), 0);
    cr_assert_neq (outcome, 0, "an ask did not end");
    return outcome == 1 ? 0 : outcome;
}

static int
s_do_cancel (scene_t *scene)
{
    int outcome = 0;
    uint64_t id = 0;
    const zanni_ask_t options = { .then = s_then, .arg = &outcome, .id_p = &id, .deadline_ms = -1 };
    int rc = zanni_ask (scene->self, scene->one, &options, "echo", s_long);
    if (!rc)
        rc = zanni_cancel (scene->self, id);
    double until = probe_seconds () + 10;
    while (id && !outcome && probe_seconds () < until)
        cr_assert_eq (zanni_run (scene->self, 1), 0);
    cr_assert (!id || outcome);
    return rc;
}

static int
s_do_tell (scene_t *scene)
{
    int rc = zanni_tell (scene->self, scene->one, "tick", s_long);
    if (!rc)
        rc = zanni_tell (scene->self, scene->one, "a method that the class does not have", scene->two, s_long);
    if (!rc)
        rc = zanni_call (scene->self, NULL, scene->one, "nothing");
    return rc;
}

static int
s_do_tell_wait (scene_t *scene)
{
    return zanni_tell_wait (scene->self, scene->one, 1000, "tick", s_long);
}

static int
s_do_send_all (scene_t *scene)
{
    const zanni_ref_t *refs [] = { scene->one, scene->two, scene->one };
    int results [3] = { 1, 1, 1 };
    int rc = zanni_send_all (scene->self, refs, 3, results, "tick", s_long);
    if (rc < 0) {
        cr_assert_eq (results [0], 1);
        return rc;
    }
    for (int i = 0; i < 3; i++)
        cr_assert (results [i] == 0 || results [i] == ZANNI_ENOMEM);
    return rc == 3 ? zanni_call (scene->self, NULL, scene->one, "nothing") : ZANNI_ENOMEM;
}

static int
s_do_when_writable (scene_t *scene)
{
    int rc = zanni_when_writable (scene->self, scene->one, "nothing");
    return rc ? rc : zanni_call (scene->self, NULL, scene->one, "nothing");
}

static int
s_do_timer (scene_t *scene)
{
    uint64_t timer = 0;
    int rc = zanni_timer (scene->self, &timer, 0, 1, "tick", s_long);
    cr_assert_eq (rc != 0, timer == 0);
    if (rc)
        return rc;
    cr_assert_eq (zanni_run (scene->self, 3), 0);
    return zanni_timer_cancel (scene->self, timer);
}

static int
s_do_watch (scene_t *scene)
{
    uint64_t watch = 0;
    int fd = eventfd (1, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = zanni_watch (scene->self, &watch, fd, ZANNI_READABLE, "ready");
    cr_assert_eq (rc != 0, watch == 0);
    if (!rc) {
        cr_assert_eq (zanni_run (scene->self, 2), 0);
        rc = zanni_watch_again (scene->self, watch);
        cr_assert_eq (zanni_watch_cancel (scene->self, watch), 0);
    }
    close (fd);
    return rc;
}

static int
s_do_watch_socket (scene_t *scene)
{
    uint64_t watch = 0;
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, ZMQ_DEALER);
    int rc = zanni_watch_socket (scene->self, &watch, socket, ZANNI_READABLE, "ready");
    cr_assert_eq (rc != 0, watch == 0);
    if (!rc)
        cr_assert_eq (zanni_watch_cancel (scene->self, watch), 0);
    (void) zmq_close (socket);
    (void) zmq_ctx_term (context);
    return rc;
}

static int
s_do_monitor (scene_t *scene)
{
    uint64_t monitor = 0;
    int rc = zanni_monitor (scene->self, &monitor, scene->one);
    cr_assert_eq (rc != 0, monitor == 0);
    return rc ? rc : zanni_demonitor (scene->self, monitor);
}

static int
s_do_refs (scene_t *scene)
{
    zanni_ref_t *refs [3] = { NULL, NULL, NULL };
    int rc = zanni_ref_keep (scene->self, &refs [0], scene->one);
    if (!rc)
        rc = zanni_ref_weak (scene->self, &refs [1], scene->one);
    if (!rc)
        rc = zanni_ref_limit (scene->self, &refs [2], scene->one);
    for (int i = 0; i < 3; i++)
        zanni_ref_destroy (&refs [i]);
    return rc;
}

static void
s_released (void *data, void *hint)
{
    (void) data;
    ++*(int *) hint;
}

static int
s_do_buffers (scene_t *scene)
{
    int released = 0, wraps = 0;
    zanni_buffer_t *pooled = NULL, *wrapped = NULL, *slice = NULL;
    int rc = zanni_buffer_new (scene->self, &pooled, 100000);
    if (!rc)
        rc = zanni_buffer_wrap (scene->self, &wrapped, &released, 1, s_released, &released);
    wraps = wrapped != NULL;
    if (!rc)
        rc = zanni_buffer_slice (&slice, pooled, 10, 100);
    if (!rc)
        rc = zanni_tell (scene->self, scene->one, "buffer", slice);
    if (!rc)
        rc = zanni_tell (scene->self, scene->two, "buffer", pooled);
    zanni_buffer_destroy (&pooled);
    zanni_buffer_destroy (&wrapped);
    zanni_buffer_destroy (&slice);
    cr_assert_eq (released, wraps);
    return rc;
}

static int
s_do_lists (scene_t *scene)
{
    zanni_list_t *list = NULL;
    (void) scene;
    int rc = zanni_list_new (&list);
    cr_assert_eq (rc != 0, list == NULL);
    for (int i = 0; !rc && i < 3; i++)
        rc = zanni_list_append (list, s_long, ZANNI_LIST (1, s_long));
    zanni_list_destroy (&list);
    return rc;
}

static int
s_do_serve (scene_t *scene)
{
    return zanni_serve (scene->self, "picky", s_long);
}

static int
s_do_fd (scene_t *scene)
{
    int fd = -1;
    int rc = zanni_fd (scene->self, &fd);
    cr_assert_eq (rc != 0, fd == -1);
    return rc;
}

static void *
s_guest (void *argument)
{
    zanni_t *self = NULL;
    static int rc;
    rc = zanni_attach (&self, argument);
    if (!rc != (self != NULL))
        rc = ZANNI_EINVAL;
    if (self)
        rc = zanni_destroy (&self);
    return &rc;
}

static int
s_do_attach (scene_t *scene)
{
    pthread_t thread;
    void *rc = NULL;
    cr_assert_eq (pthread_create (&thread, NULL, s_guest, zanni_node_of (scene->self)), 0);
    cr_assert_eq (pthread_join (thread, &rc), 0);
    return *(int *) rc;
}

static int
s_do_ends (scene_t *scene)
{
    zanni_ref_t *ref = NULL;
    uint64_t monitor;
    zanni_spawn_t where = scene->where;
    where.restartable = true;
    int rc = zanni_spawn (scene->self, &ref, "picky", &where, "short");
    if (!rc)
        rc = zanni_monitor (scene->self, &monitor, ref);
    if (!rc)
        rc = zanni_restart (scene->self, ref);
    if (!rc)
        rc = zanni_tell (scene->self, ref, "leave");
    if (!rc)
        rc = zanni_stop (scene->self, ref);
    if (!rc)
        rc = zanni_kill (scene->self, ref);
    zanni_ref_destroy (&ref);
    cr_assert_eq (zanni_run (scene->self, 2), 0);
    return rc == ZANNI_ENOACTOR ? ZANNI_ENOMEM : rc;   // its next incarnation found no memory
}

static int
s_do_dead_letters (scene_t *scene)
{
    int rc = zanni_dead_letters (scene->self, "letter");
    if (!rc)
        rc = zanni_tell (scene->self, scene->one, "no such method", 1);
    if (!rc)
        rc = zanni_call (scene->self, NULL, scene->one, "nothing");
    return rc;
}

/* Where a job, or a whole pool, has failed for want of memory, that is told as it can be. */
static int
s_as_told (int rc)
{
    return rc == ZANNI_ENOREPLY || rc == ZANNI_EDOWN || rc == ZANNI_ENOACTOR || rc == ZANNI_ETIMEOUT ? ZANNI_ENOMEM : rc;
}

static int
s_with_pool (scene_t *scene, zanni_routing_t routing, operation_fn *run)
{
    zanni_error_t error = { 0 };
    scene_t inner = { .self = scene->self, .where = scene->where };
    const zanni_pool_options_t options = {
        .workers = 2, .routing = routing, .ahead = 1, .spawn = &scene->where, .error = &error
    };
    int rc = zanni_pool (scene->self, &inner.one, "picky", &options, s_long);
    cr_assert_eq (rc != 0, inner.one == NULL);
    zanni_error_reset (&error);
    if (!rc)
        rc = run (&inner);
    zanni_ref_destroy (&inner.one);
    return s_as_told (rc);
}

static int
s_do_jobs (scene_t *scene)
{
    int rc = zanni_tell (scene->self, scene->one, "tick", s_long);
    if (!rc)
        rc = s_do_call (scene);
    if (!rc)
        rc = zanni_pool_resize (scene->self, scene->one, 3);
    if (!rc)
        rc = zanni_pool_resize (scene->self, scene->one, 1);
    return rc ? rc : zanni_pool_drain (scene->self, scene->one, 0);
}

static int
s_do_pool (scene_t *scene)
{
    return s_with_pool (scene, ZANNI_ROUND_ROBIN, s_do_jobs);
}

static int
s_do_keys (scene_t *scene)
{
    return s_with_pool (scene, ZANNI_BY_KEY, s_do_call);
}

static int
s_do_listen_to_all (scene_t *scene)
{
    return zanni_call (scene->self, NULL, scene->one, "echo", s_long);
}

static int
s_do_gather (scene_t *scene)
{
    return s_with_pool (scene, ZANNI_BROADCAST, s_do_listen_to_all);
}

typedef struct {
    zanni_t *self;
    int left;
    int given;
} work_t;

static int
s_next_job (void *closure, zanni_msg_t **msg_p)
{
    work_t *work = closure;
    return work->left-- > 0 ? zanni_msg_new (work->self, msg_p, "echo", s_long) : 0;
}

static int
s_job_done (void *closure, uint64_t index, int rc, zanni_msg_t *reply)
{
    work_t *work = closure;
    (void) index, (void) reply;
    work->given++;
    return rc;
}

static void
s_see (void *closure, const zanni_map_progress_t *progress)
{
    (void) closure, (void) progress;
}

static int
s_do_map_jobs (scene_t *scene)
{
    work_t work = { scene->self, 5, 0 };
    const zanni_map_t map = {
        .next = s_next_job, .done = s_job_done, .closure = &work, .in_flight = 2, .ordered = true, .progress = s_see
    };
    int rc = zanni_map (scene->self, scene->one, &map);
    cr_assert (rc || work.given == 5);
    return rc;
}

static int
s_do_map (scene_t *scene)
{
    return s_with_pool (scene, ZANNI_PULL, s_do_map_jobs);
}

/* What is made once in a process, and stays. */
static void
s_warm_up (void)
{
    scene_t scene = { .where = { .place = ZANNI_HERE } };
    cr_assert_eq (zanni_new (&scene.self, NULL), 0);
    cr_assert_eq (s_do_map (&scene), 0);
    cr_assert_eq (s_do_gather (&scene), 0);
    cr_assert_eq (zanni_destroy (&scene.self), 0);
}

static const struct {
    const char *name;
    operation_fn *run;
    bool served;   // the root has a class
} s_operations [] = {
    { "new", s_do_new, false },
    { "spawn", s_do_spawn, false },
    { "call", s_do_call, false },
    { "promise", s_do_promise, false },
    { "keep", s_do_keep, false },
    { "fail", s_do_fail, false },
    { "enter", s_do_enter, false },
    { "forward", s_do_forward, false },
    { "describe", s_do_describe, false },
    { "ask", s_do_ask, true },
    { "cancel", s_do_cancel, true },
    { "tell", s_do_tell, false },
    { "tell_wait", s_do_tell_wait, false },
    { "send_all", s_do_send_all, false },
    { "when_writable", s_do_when_writable, true },
    { "timer", s_do_timer, true },
    { "watch", s_do_watch, true },
    { "watch_socket", s_do_watch_socket, true },
    { "monitor", s_do_monitor, false },
    { "refs", s_do_refs, false },
    { "buffers", s_do_buffers, false },
    { "lists", s_do_lists, false },
    { "serve", s_do_serve, false },
    { "fd", s_do_fd, false },
    { "attach", s_do_attach, false },
    { "ends", s_do_ends, true },
    { "dead_letters", s_do_dead_letters, false },
    { "pool", s_do_pool, false },
    { "keys", s_do_keys, false },
    { "gather", s_do_gather, false },
    { "map", s_do_map, false },
};
#define S_OPERATIONS (sizeof s_operations / sizeof *s_operations)

static void
s_set (scene_t *scene, zanni_place_t place, bool served)
{
    *scene = (scene_t) { .where = { .place = place } };
    cr_assert_eq (zanni_new (&scene->self, &(zanni_options_t) { .shutdown_ms = 20000 }), 0);
    if (served)
        cr_assert_eq (zanni_serve (scene->self, "server"), 0);
    cr_assert_eq (zanni_spawn (scene->self, &scene->one, "server", &scene->where), 0);
    cr_assert_eq (zanni_spawn (scene->self, &scene->two, "server", &scene->where), 0);
}

static void
s_strike (scene_t *scene)
{
    zanni_ref_destroy (&scene->one);
    zanni_ref_destroy (&scene->two);
    cr_assert_eq (zanni_destroy (&scene->self), 0);
}

static bool
s_all_back (void *context)
{
    return faults_held () == *(const long *) context;
}

/* One operation with its n-th allocation failing, and `more` behind it; false: it has fewer. */
static bool
s_try (size_t at, zanni_place_t place, long nth, long more)
{
    scene_t scene;
    const char *name = s_operations [at].name;
    long held = faults_held ();
    s_set (&scene, place, s_operations [at].served);
    faults_fail (nth, more);
    int rc = s_operations [at].run (&scene);
    bool struck = faults_struck ();
    faults_fail (0, 0);
    cr_assert (rc == 0 || (struck && rc == ZANNI_ENOMEM), "%s in place %d, allocation %ld: %s", name, (int) place, nth,
               zanni_strerror (rc));
    if (rc || s_operations [at].run != s_do_serve) {   // serving is for once
        rc = s_operations [at].run (&scene);
        cr_assert_eq (rc, 0, "%s in place %d after allocation %ld: %s", name, (int) place, nth, zanni_strerror (rc));
    }
    s_strike (&scene);
    cr_assert (probe_until (NULL, s_all_back, &held), "%s in place %d, allocation %ld: %ld blocks are left", name,
               (int) place, nth, faults_held () - held);
    return struck;
}

static void
s_try_all (zanni_place_t place)
{
    cr_assert_eq (zanni_init (s_classes), 0);
    s_warm_up ();
    faults_install ();
    for (size_t at = 0; at < S_OPERATIONS; at++) {
        long nth = 1;
        while (s_try (at, place, nth, 0))
            cr_assert_lt (++nth, 1000);
        cr_assert_gt (nth, 1, "%s allocates nothing", s_operations [at].name);
    }
    faults_remove ();
}

Test (memory, each_failing_allocation_is_an_error_beside_the_root, .timeout = 300)
{
    s_try_all (ZANNI_HERE);
}

Test (memory, each_failing_allocation_is_an_error_on_another_worker, .timeout = 300)
{
    s_try_all (ZANNI_SHARED);
}

Test (memory, each_failing_allocation_is_an_error_in_a_thread, .timeout = 300)
{
    s_try_all (ZANNI_THREAD);
}

/* Random failures under everything that runs, also on the other threads: nothing hangs, nothing is lost. */
static void
s_try_by_chance (zanni_place_t place, unsigned long seed)
{
    scene_t scene;
    long held = faults_held ();
    s_set (&scene, place, true);
    faults_fail_some (7, seed);
    for (size_t at = 0; at < S_OPERATIONS; at++)
        if (s_operations [at].run != s_do_serve)
            (void) s_operations [at].run (&scene);
    faults_fail_some (0, 0);
    for (size_t at = 0; at < S_OPERATIONS; at++)
        if (s_operations [at].run != s_do_serve && s_operations [at].served) {
            int rc = s_operations [at].run (&scene);
            cr_assert_eq (rc, 0, "%s in place %d by chance, seed %lu: %s", s_operations [at].name, (int) place, seed,
                          zanni_strerror (rc));
        }
    s_strike (&scene);
    cr_assert (probe_until (NULL, s_all_back, &held), "in place %d by chance, seed %lu: %ld blocks are left", (int) place,
               seed, faults_held () - held);
}

Test (memory, failing_allocations_by_chance_lose_nothing, .timeout = 1000)
{
    unsigned long seeds = probe_long () ? 300 : 5;
    cr_assert_eq (zanni_init (s_classes), 0);
    s_warm_up ();
    faults_install ();
    for (unsigned long seed = 1; seed <= seeds; seed++)
        for (int place = ZANNI_SHARED; place <= ZANNI_THREAD; place++)
            s_try_by_chance ((zanni_place_t) place, seed);
    faults_remove ();
}

/* A node in which memory stays out can still be taken down. */
Test (memory, memory_that_stays_out_is_an_error_every_time, .timeout = 1000)
{
    cr_assert_eq (zanni_init (s_classes), 0);
    s_warm_up ();
    faults_install ();
    for (size_t at = 0; at < S_OPERATIONS; at++)
        for (long nth = 1; s_try (at, ZANNI_HERE, nth, 1000000) && (probe_long () || nth < 3); nth++)
            cr_assert_lt (nth, 1000);
    faults_remove ();
}
