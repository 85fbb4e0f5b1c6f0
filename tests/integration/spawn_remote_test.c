/* Actors that are spawned on other nodes: in each place there, by tcp and between processes of this host; why a spawn fails;
   what ends them. */

#include "tcp.h"

typedef struct {
    zanni_ref_t *other;
    zanni_buffer_t *buffer;
    int64_t number;
} keeper_t;

static int
keeper_start (zanni_t *self, zanni_msg_t *msg)
{
    keeper_t *keeper = zanni_state (self);
    const zanni_ref_t *other;
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &other, &buffer, &keeper->number);
    if (!rc)
        rc = zanni_ref_keep (self, &keeper->other, other);
    if (!rc)
        keeper->buffer = zanni_buffer_keep (buffer);
    return rc ? rc : zanni_tell (self, keeper->other, "saw", "kept");
}

static void
keeper_stop (zanni_t *self, const zanni_reason_t *reason)
{
    keeper_t *keeper = zanni_state (self);
    (void) reason;
    zanni_buffer_destroy (&keeper->buffer);
}

static int
keeper_size (zanni_t *self, zanni_msg_t *msg)
{
    const keeper_t *keeper = zanni_state (self);
    return zanni_reply (self, msg, (int64_t) zanni_buffer_size (keeper->buffer) + keeper->number);
}

static int
keeper_last (zanni_t *self, zanni_msg_t *msg)
{
    const keeper_t *keeper = zanni_state (self);
    const uint8_t *bytes = zanni_buffer_data (keeper->buffer);
    return zanni_reply (self, msg, (int64_t) bytes [zanni_buffer_size (keeper->buffer) - 1]);
}

static const zanni_method_t keeper_methods [] = {
    ZANNI_METHOD ("size", "", "x", keeper_size, "Of its buffer, and its number."),
    ZANNI_METHOD ("last", "", "x", keeper_last, "Byte of its buffer."),
    ZANNI_METHOD_END
};
static const zanni_class_t keeper_class = {
    .name = "keeper", .state_size = sizeof (keeper_t), .methods = keeper_methods, .start_in = "rBx",
    .start = keeper_start, .stop = keeper_stop
};

static const zanni_class_t secret_class = {
    .name = "only there", .state_size = sizeof (keeper_t), .methods = keeper_methods, .start_in = "rBx",
    .start = keeper_start, .stop = keeper_stop
};
static const zanni_class_t *const there_classes [] = { &secret_class, NULL };

/* A loop actor, which calls: it owns its worker. */
static int
blocker_run (zanni_t *self)
{
    zanni_msg_t *msg;
    int rc;
    while (!(rc = zanni_receive (self, &msg, -1))) {
        rc = zanni_reply (self, msg, (int64_t) 7);
        zanni_msg_destroy (&msg);
        if (rc)
            return rc;
    }
    return rc == ZANNI_ECLOSED ? 0 : rc;
}

static const zanni_method_t blocker_methods [] = {
    ZANNI_METHOD ("seven", "", "x", NULL, "Answers 7."),
    ZANNI_METHOD_END
};
static const zanni_class_t blocker_class = { .name = "blocker", .methods = blocker_methods, .run = blocker_run };

CLASSES (&worker_class, &keeper_class, &blocker_class);
TCP_SUITE (spawn_remote);

static const zanni_options_t allowing = { .insecure = true, .allow_spawn = true, .workers = 2 };
static const zanni_options_t openly = { .insecure = true, .workers = 2 };

static host_t host;
static zanni_ref_t *there;   // the host's root

static void
meet (zanni_options_t options)
{
    start_host (&host, options);
    begin (openly);
    there = connect_to (host.endpoint, NULL);
}

static void
part (void)
{
    zanni_ref_destroy (&there);
    end ();
    end_host (&host);
}

static zanni_ref_t *
spawn_there (zanni_place_t where, int64_t total)
{
    const zanni_spawn_t options = { .place = where, .on = there, .restartable = true };
    return spawn_with (&options, "worker", total);
}

/* The code, and what is said. */
static int
refused_spawn (zanni_error_t *error, zanni_place_t where, const char *cls, int64_t total)
{
    zanni_ref_t *ref = NULL;
    const zanni_spawn_t options = { .place = where, .on = there, .error = error };
    int rc = zanni_spawn (root, &ref, cls, &options, total);
    cr_assert_null (ref);
    cr_assert_eq (error->code, rc);
    return rc;
}

static const zanni_place_t places [] = { ZANNI_SHARED, ZANNI_HERE, ZANNI_THREAD, ZANNI_PROCESS };
#define EACH(where) for (const zanni_place_t *where = places; where < places + 4; where++)

Test (spawn_remote, runs_in_each_place_there)
{
    meet (allowing);
    EACH (where) {
        zanni_ref_t *ref = spawn_there (*where, 5);
        cr_assert (zanni_ref_is_strong (ref) && zanni_ref_is_own (ref));
        cr_assert_str_eq (zanni_ref_class (ref), "worker");
        cr_assert_eq (pid_of (ref) == host.pid, *where != ZANNI_PROCESS);
        cr_assert_neq (pid_of (ref), getpid ());
        for (int i = 1; i <= 100; i++)
            cr_assert_eq (call_int (ref, "add", 1), 5 + i);
        zanni_ref_destroy (&ref);
    }
    part ();
}

Test (spawn_remote, ends_with_its_last_reference)
{
    meet (allowing);
    EACH (where) {
        zanni_ref_t *ref = spawn_there (*where, 5);
        done (ref, "witness", zanni_self (root));
        uint64_t id = monitor (ref);
        tell (ref, "add", 2);
        zanni_ref_destroy (&ref);
        expect ("stopped at 7: normal");
        expect_reason (id, "normal");
    }
    part ();
}

Test (spawn_remote, is_stopped_killed_and_restarted_by_its_spawner)
{
    meet (allowing);
    EACH (where) {
        zanni_ref_t *ref = spawn_there (*where, 5);
        done (ref, "add", 3);
        uint64_t id = monitor (ref);
        cr_assert_eq (zanni_restart (root, ref), 0);
        cr_assert_eq (expect_down (id, true).kind, ZANNI_EXIT_SHUTDOWN);
        cr_assert_eq (call_int (ref, "total"), 5);
        id = monitor (ref);
        cr_assert_eq (zanni_stop (root, ref), 0);
        expect_reason (id, "shutdown");
        zanni_ref_destroy (&ref);
        ref = spawn_there (*where, 5);
        id = monitor (ref);
        cr_assert_eq (call_int (ref, "total"), 5);   // a kill may overtake a monitor
        cr_assert_eq (zanni_kill (root, ref), 0);
        expect_reason (id, "killed");
        zanni_ref_destroy (&ref);
    }
    part ();
}

static void
expect_kept (const char *cls, zanni_place_t where, size_t size)
{
    zanni_buffer_t *buffer = NULL;
    void *data = NULL;
    const zanni_spawn_t options = { .place = where, .on = there };
    cr_assert_eq (zanni_buffer_new (root, &buffer, size), 0);
    cr_assert_eq (zanni_buffer_edit (&data, buffer), 0);
    memset (data, 77, size);
    zanni_ref_t *ref = spawn_with (&options, cls, zanni_self (root), buffer, (int64_t) 1);
    expect ("kept");
    cr_assert_eq (call_int (ref, "size"), (int64_t) size + 1);
    cr_assert_eq (call_int (ref, "last"), 77);
    zanni_buffer_destroy (&buffer);
    zanni_ref_destroy (&ref);
}

Test (spawn_remote, gets_references_and_buffers_to_start_with)
{
    meet (allowing);
    EACH (where) {
        expect_kept ("keeper", *where, 100);
        expect_kept ("keeper", *where, 3u << 20);
    }
    part ();
}

Test (spawn_remote, is_of_a_class_that_only_that_node_knows)
{
    host_classes = there_classes;
    meet (allowing);
    EACH (where)
        if (*where != ZANNI_PROCESS)
            expect_kept ("only there", *where, 100);
    part ();
}

Test (spawn_remote, runs_a_loop_in_a_thread_there)
{
    zanni_error_t error = { 0 };
    meet (allowing);
    const zanni_spawn_t options = { .place = ZANNI_THREAD, .on = there };
    zanni_ref_t *ref = spawn_with (&options, "blocker");
    cr_assert_eq (call_int (ref, "seven"), 7);
    zanni_ref_destroy (&ref);
    const zanni_spawn_t wrong = { .on = there, .error = &error };
    cr_assert_eq (zanni_spawn (root, &ref, "blocker", &wrong), ZANNI_EINVAL);
    cr_assert (strstr (error.text, "run hook"), "%s", error.text);
    part ();
}

Test (spawn_remote, says_why_it_failed)
{
    zanni_error_t error = { 0 };
    zanni_ref_t *ref = NULL;
    meet (allowing);
    EACH (where) {
        cr_assert_eq (refused_spawn (&error, *where, "worker", -1), ZANNI_EAPP);
        cr_assert (strstr (error.text, "the start of worker failed"), "%s", error.text);
        cr_assert_eq (refused_spawn (&error, *where, "nobody's", 1), ZANNI_ENOCLASS);
        cr_assert (strstr (error.text, "nobody's"), "%s", error.text);
        const zanni_spawn_t options = { .place = *where, .on = there, .error = &error };
        cr_assert_eq (zanni_spawn (root, &ref, "worker", &options, "a text"), ZANNI_EARGS);
        cr_assert (strstr (error.text, "bad arguments for the start of worker"), "%s", error.text);
    }
    cr_assert_eq (refused_spawn (&error, ZANNI_SHARED, "zanni.blobs", 1), ZANNI_ENOCLASS);
    cr_assert_eq (refused_spawn (&error, (zanni_place_t) 9, "worker", 1), ZANNI_EINVAL);
    const zanni_spawn_t far = { .on = there, .worker = 3, .error = &error };
    cr_assert_eq (zanni_spawn (root, &ref, "worker", &far, 1), ZANNI_EINVAL);
    cr_assert_null (ref);
    part ();
}

Test (spawn_remote, is_not_permitted_unless_the_node_says_so)
{
    zanni_error_t error = { 0 };
    meet (openly);
    EACH (where)
        cr_assert_eq (refused_spawn (&error, *where, "worker", 1), ZANNI_EPERM);
    cr_assert (strstr (error.text, "does not allow"), "%s", error.text);
    cr_assert (host_logs (&host, "is refused"));
    part ();
}

Test (spawn_remote, ends_a_process_that_dies_while_it_starts_or_later)
{
    zanni_error_t error = { 0 };
    meet (allowing);
    cr_assert_eq (refused_spawn (&error, ZANNI_PROCESS, "worker", WORKER_DIES), ZANNI_EDOWN);
    zanni_ref_t *ref = spawn_there (ZANNI_PROCESS, 5);
    uint64_t id = monitor (ref);
    tell (ref, "raise", SIGKILL);
    expect_reason (id, "signal 9 (SIGKILL)");
    zanni_ref_destroy (&ref);
    part ();
}

/* One that may not block gets its reference at once, and what it sends follows. */
Test (spawn_remote, by_one_that_shares_its_worker_does_not_wait)
{
    meet (allowing);
    zanni_ref_t *spawner = spawn_with (&(zanni_spawn_t) { .worker = 1 }, "worker", 0);
    done (spawner, "witness", zanni_self (root));
    EACH (where) {
        zanni_ref_t *weak = kept (spawner, "spawn on", there, *where, 10);
        until_answers (weak, "total", 11);
        cr_assert_eq (pid_of (weak) == host.pid, *where != ZANNI_PROCESS);
        zanni_ref_destroy (&weak);
    }
    zanni_ref_t *weak = kept (spawner, "spawn on", there, ZANNI_SHARED, -1);
    expect ("down: error -19: the start of worker failed: application error");
    zanni_ref_destroy (&weak);
    zanni_ref_destroy (&spawner);
    part ();
}

Test (spawn_remote, ends_with_its_spawner)
{
    meet (allowing);
    EACH (where) {
        zanni_ref_t *spawner = spawn_with (&(zanni_spawn_t) { .place = ZANNI_THREAD }, "worker", 0);
        zanni_ref_t *weak = kept (spawner, "spawn on", there, *where, 10);
        uint64_t id = monitor (weak);
        until_answers (weak, "total", 11);   // it is monitored
        cr_assert_eq (zanni_kill (root, spawner), 0);
        zanni_exit_t kind = expect_down (id, false).kind;
        cr_assert (kind == ZANNI_EXIT_NORMAL || kind == ZANNI_EXIT_SHUTDOWN, "it ends by %d", (int) kind);
        zanni_ref_destroy (&weak);
        zanni_ref_destroy (&spawner);
    }
    part ();
}

Test (spawn_remote, ends_with_the_node_of_its_spawner)
{
    host_t second;
    start_host (&second, openly);
    meet (allowing);
    zanni_ref_t *spawner = connect_to (second.endpoint, NULL);
    EACH (where) {
        zanni_ref_t *weak = kept (spawner, "spawn on", there, *where, 10);
        done (weak, "witness", zanni_self (root));
        zanni_ref_destroy (&weak);
    }
    signal_to (second.pid, SIGKILL);
    for (int i = 0; i < 4; i++)
        expect ("stopped at 11: normal");
    zanni_ref_destroy (&spawner);
    end_host (&second);
    part ();
}

Test (spawn_remote, is_lost_with_its_host)
{
    zanni_error_t error = { 0 };
    meet (allowing);
    zanni_ref_t *ref = spawn_there (ZANNI_SHARED, 5);
    uint64_t id = monitor (ref);
    signal_to (host.pid, SIGKILL);
    cr_assert_eq (expect_down (id, false).kind, ZANNI_EXIT_NO_CONNECTION);
    cr_assert_eq (refused_spawn (&error, ZANNI_SHARED, "worker", 1), ZANNI_ENODE);
    zanni_ref_destroy (&ref);
    part ();
}

/* Between processes of one host. */
Test (spawn_remote, runs_in_each_place_of_a_process)
{
    begin ((zanni_options_t) { .allow_spawn = true, .workers = 2 });
    zanni_ref_t *process = spawn_worker (1);
    pid_t pid = pid_of (process);
    there = process;
    EACH (where) {
        zanni_ref_t *ref = spawn_there (*where, 5);
        cr_assert_eq (pid_of (ref) == pid, *where != ZANNI_PROCESS);
        cr_assert_eq (call_int (ref, "add", 1), 6);
        uint64_t id = monitor (ref);
        zanni_ref_destroy (&ref);
        expect_reason (id, "normal");
        expect_kept ("keeper", *where, 1u << 20);
    }
    zanni_ref_t *ref = spawn_there (ZANNI_SHARED, 5);
    uint64_t id = monitor (ref);
    signal_to (pid, SIGKILL);
    cr_assert_eq (expect_down (id, false).kind, ZANNI_EXIT_SIGNAL);
    zanni_ref_destroy (&ref);
    zanni_ref_destroy (&process);
    end ();
}

/* Up, and beside: a process spawns on the node that it is of, and on another process. */
Test (spawn_remote, is_done_by_processes)
{
    begin ((zanni_options_t) { .allow_spawn = true, .workers = 2 });
    zanni_ref_t *process = spawn_worker (1);
    zanni_ref_t *other = spawn_worker (1);
    const zanni_ref_t *const hosts [] = { zanni_self (root), other };
    const pid_t pids [] = { getpid (), pid_of (other) };
    for (int i = 0; i < 2; i++) {
        EACH (where) {
            zanni_ref_t *weak = kept (process, "spawn on", hosts [i], *where, 5);
            cr_assert_eq (pid_of (weak) == pids [i], *where != ZANNI_PROCESS);
            until_answers (weak, "total", 6);   // what the spawner told it may come behind this: order holds between two
            zanni_ref_destroy (&weak);
        }
        done (process, "drop");
    }
    zanni_ref_destroy (&other);
    zanni_ref_destroy (&process);
    end ();
}

Test (spawn_remote, is_not_permitted_on_a_process_unless_the_options_say_so)
{
    zanni_error_t error = { 0 };
    begin ((zanni_options_t) { 0 });
    zanni_ref_t *process = spawn_worker (1);
    there = process;
    EACH (where)
        cr_assert_eq (refused_spawn (&error, *where, "worker", 1), ZANNI_EPERM);
    zanni_ref_destroy (&process);
    end ();
}

/* On one's own node it is a spawn like any other. */
Test (spawn_remote, on_the_own_node_is_a_spawn)
{
    begin ((zanni_options_t) { 0 });
    there = (zanni_ref_t *) zanni_self (root);
    EACH (where) {
        zanni_ref_t *ref = spawn_there (*where, 5);
        cr_assert_eq (call_int (ref, "add", 1), 6);
        zanni_ref_destroy (&ref);
    }
    end ();
}
