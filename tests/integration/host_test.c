/* What the host keeps while zanni is in its process: signals, output, czmq, its way out, and fork.

   Each program here that ends by exit runs in a child of the test, forked before anything of zanni or ZeroMQ was used,
   and is watched from outside: how it ended, when, and what it wrote. What it leaves undestroyed hangs in `left`, as it
   would in a program's own globals. */

#include "probe.h"

#include <criterion/criterion.h>
#include <czmq.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    zanni_t *self;
    zanni_ref_t *ref;
    zsock_t *socket;
    zactor_t *actor;
    zactor_t *auth;
} left;

static const zanni_spawn_t shared = ZANNI_SPAWN_DEFAULT;
static const zanni_spawn_t thread = { .place = ZANNI_THREAD };

/* A log that is read after the node's end. */
static _Atomic int s_errors;
static char s_last_error [256];

static void
s_log (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    if (level != ZANNI_LOG_ERROR)
        return;
    snprintf (s_last_error, sizeof s_last_error, "%s", text);
    s_errors++;
}

/* A node with an actor that has answered once. */
static int
s_begin (const char *class_name, const zanni_spawn_t *where, uint32_t shutdown_ms)
{
    const zanni_options_t options = { .shutdown_ms = shutdown_ms, .log = s_log };
    int rc = zanni_init (probe_classes);
    if (!rc)
        rc = zanni_new (&left.self, &options);
    if (!rc)
        rc = zanni_spawn (left.self, &left.ref, class_name, where);
    return rc ? rc : zanni_call (left.self, NULL, left.ref, "echo", 1);
}

static int
s_end (void)
{
    zanni_ref_destroy (&left.ref);
    return zanni_destroy (&left.self);
}

/* Signals. */

static const int s_signals [] = { SIGINT, SIGTERM, SIGCHLD, SIGUSR1 };
static _Atomic int s_caught;
static _Atomic long s_caught_by;

static void
s_catch (int number)
{
    (void) number;
    s_caught_by = syscall (SYS_gettid);
    s_caught++;
}

static bool
s_handlers_are_there (void)
{
    struct sigaction action;
    for (size_t i = 0; i < 4; i++)
        if (sigaction (s_signals [i], NULL, &action) || action.sa_handler != s_catch)
            return false;
    return true;
}

/* What a thread blocks, as a mask by signal number - 1. */
static unsigned long long
s_blocked_by (const char *thread_id)
{
    char path [288];
    char line [256];
    unsigned long long mask = 0;
    snprintf (path, sizeof path, "/proc/self/task/%s/status", thread_id);
    FILE *file = fopen (path, "r");
    while (file && fgets (line, sizeof line, file))
        if (!strncmp (line, "SigBlk:", 7))
            mask = strtoull (line + 7, NULL, 16);
    if (file)
        (void) fclose (file);
    return mask;
}

/* How many threads block every signal that can be blocked; libc keeps 32 and 33 for itself. */
static int
s_threads_that_block_all (void)
{
    const unsigned long long some = (1ull << (SIGKILL - 1)) | (1ull << (SIGSTOP - 1)) | (3ull << 31);
    int count = 0;
    DIR *folder = opendir ("/proc/self/task");
    for (struct dirent *entry; folder && (entry = readdir (folder));)
        count += *entry->d_name != '.' && (s_blocked_by (entry->d_name) | some) == ~0ull;
    if (folder)
        closedir (folder);
    return count;
}

Test (host, signal_handlers_survive_and_signals_come_to_the_hosts_threads)
{
    struct sigaction action = { .sa_handler = s_catch };
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq (sigaction (s_signals [i], &action, NULL), 0);
    int before = probe_threads ();
    cr_assert_eq (s_begin ("echo", &thread, 0), 0);
    zanni_ref_t *echo = NULL;
    cr_assert_eq (zanni_spawn (left.self, &echo, "echo", NULL), 0);
    cr_assert (s_handlers_are_there ());
    int ours = probe_threads () - before;
    cr_assert_gt (ours, 2);
    cr_assert_geq (s_threads_that_block_all (), ours);
    for (int i = 1; i <= 40; i++) {
        cr_assert_eq (kill (getpid (), s_signals [i % 4]), 0);   // comes at once: this thread does not block it
        cr_assert_eq (s_caught, i);
        cr_assert_eq (s_caught_by, syscall (SYS_gettid));
        cr_assert_eq (zanni_call (left.self, NULL, i % 2 ? echo : left.ref, "echo", i), 0);
    }
    zanni_ref_destroy (&echo);
    cr_assert_eq (s_end (), 0);
    cr_assert (s_handlers_are_there ());
}

/* A signal that comes while the root waits does not disturb it. */
Test (host, a_wait_goes_on_after_a_signal)
{
    struct sigaction action = { .sa_handler = s_catch };
    zanni_msg_t *msg = NULL;
    timer_t timer;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    const struct itimerspec time = { { 0, 2000000 }, { 0, 2000000 } };
    cr_assert_eq (sigaction (SIGUSR1, &action, NULL), 0);
    cr_assert_eq (s_begin ("echo", &shared, 0), 0);
    cr_assert_eq (timer_create (CLOCK_MONOTONIC, &event, &timer), 0);
    cr_assert_eq (timer_settime (timer, 0, &time, NULL), 0);
    double begun = probe_seconds ();
    cr_assert_eq (zanni_receive (left.self, &msg, 100), ZANNI_ETIMEOUT);
    cr_assert_geq (probe_seconds () - begun, 0.099);
    cr_assert_gt (s_caught, 5);
    timer_delete (timer);
    cr_assert_eq (s_end (), 0);
}

/* Output. */

static void
s_quarrel (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    (void) level;
    (void) text;
}

static int
s_noisy_program (void)
{
    const zanni_options_t options = { .shutdown_ms = 300, .log = s_quarrel };
    zanni_error_t error = { 0 };
    zanni_ref_t *none = NULL;
    for (int i = 0; i < 2; i++) {
        if (zanni_init (probe_classes) || zanni_new (&left.self, i ? &options : NULL)
            || zanni_spawn (left.self, &left.ref, "echo", &thread)
            || zanni_spawn (left.self, &none, "nobody", &(zanni_spawn_t) { .error = &error }) != ZANNI_ENOCLASS
            || zanni_call (left.self, NULL, left.ref, "echo", "text") != ZANNI_EARGS
            || zanni_tell (left.self, left.ref, "echo", "text") || zanni_tell (left.self, left.ref, "unknown")
            || zanni_call (left.self, NULL, left.ref, "echo", 1) || zanni_tell (left.self, left.ref, "stop")
            || zanni_call (left.self, NULL, left.ref, "echo", 1) == 0)
            return 2;
        int rc = s_end ();
        if (rc)
            return 3;
    }
    return s_begin ("echo", &thread, 100) || !probe_block (left.self, left.ref) || s_end () != ZANNI_ESTUCK;
}

Test (host, nothing_is_written_to_its_output)
{
    probe_end_t end;
    probe_child (&end, s_noisy_program, 20);
    cr_assert (probe_exited (&end, 0));
    cr_assert_str_eq (end.output, "");
}

/* czmq. */

static void
s_echo_actor (zsock_t *pipe, void *args)
{
    (void) args;
    zsock_signal (pipe, 0);
    for (;;) {
        char *text = zstr_recv (pipe);
        bool over = !text || streq (text, "$TERM");
        if (!over)
            zstr_send (pipe, text);
        zstr_free (&text);
        if (over)
            return;
    }
}

static bool
s_czmq_begins (void)
{
    zsys_set_max_sockets (777);
    left.socket = zsock_new_rep ("inproc://host");
    left.actor = zactor_new (s_echo_actor, NULL);
    left.auth = zactor_new (zauth, NULL);
    return left.socket && left.actor && left.auth;
}

static bool
s_czmq_works (void)
{
    char *text = NULL;
    zstr_send (left.actor, "still here");
    text = zstr_recv (left.actor);
    bool good = text && streq (text, "still here");
    zstr_free (&text);
    zsock_t *client = zsock_new_req ("inproc://host");
    zstr_send (client, "hello");
    text = zstr_recv (left.socket);
    good = good && text && streq (text, "hello");
    zstr_free (&text);
    zstr_send (left.socket, "welcome");
    zsock_destroy (&client);
    zstr_sendx (left.auth, "ALLOW", "127.0.0.1", NULL);
    return good && zsock_wait (left.auth) == 0;
}

static int
s_czmq_program (void)
{
    struct sigaction action = { .sa_handler = s_catch };
    FILE *log = tmpfile ();
    if (!log || !s_czmq_begins ())
        return 2;
    zsys_set_logstream (log);
    for (size_t i = 0; i < 4; i++)
        sigaction (s_signals [i], &action, NULL);
    for (int i = 0; i < 3; i++) {
        if (s_begin ("echo", i % 2 ? &shared : &thread, 0))
            return 3;
        if (!s_czmq_works () || !s_handlers_are_there () || zsys_socket_limit () < 777)
            return 4;
        if (s_end ())
            return 5;
        if (!s_czmq_works () || !s_handlers_are_there ())
            return 6;
    }
    if (ftell (log) != 0)
        return 7;
    zsys_info ("the host's own line");
    long own = ftell (log);
    zactor_destroy (&left.auth);
    zactor_destroy (&left.actor);
    zsock_destroy (&left.socket);
    zsys_set_logstream (stdout);
    (void) fclose (log);
    return own > 0 ? 0 : 8;
}

Test (host, a_host_that_uses_czmq_keeps_its_handlers_log_and_limits)
{
    probe_end_t end;
    probe_child (&end, s_czmq_program, 30);
    cr_assert (probe_exited (&end, 0));
    cr_assert_str_eq (end.output, "");
}

/* zanni comes first, czmq later. */
static int
s_czmq_later_program (void)
{
    if (s_begin ("echo", &thread, 0) || s_end ())
        return 2;
    left.socket = zsock_new_rep ("inproc://host");
    left.actor = zactor_new (s_echo_actor, NULL);
    left.auth = zactor_new (zauth, NULL);
    if (!left.socket || !left.actor || !left.auth || !s_czmq_works () || s_begin ("echo", &thread, 0))
        return 3;
    bool good = s_czmq_works ();
    zactor_destroy (&left.auth);
    zactor_destroy (&left.actor);
    zsock_destroy (&left.socket);
    return good && !s_end () ? 0 : 4;
}

Test (host, a_host_may_begin_with_czmq_after_zanni)
{
    probe_end_t end;
    probe_child (&end, s_czmq_later_program, 30);
    cr_assert (probe_exited (&end, 0));
    cr_assert_str_eq (end.output, "");
}

/* The way out. */

static int
s_exits_with_nothing_begun (void)
{
    return zanni_init (probe_classes) || zanni_new (&left.self, NULL) ? 2 : 1;
}

static int
s_exits_with_idle_actors (void)
{
    return s_begin ("echo", &shared, 0) ? 2 : 1;
}

static int
s_exits_with_an_idle_thread (void)
{
    return s_begin ("echo", &thread, 0) ? 2 : 1;
}

static int
s_exits_with_a_waiting_reader (void)
{
    return s_begin ("reader", &thread, 0) ? 2 : 1;
}

static int
s_exits_with_a_stuck_thread (void)
{
    return s_begin ("echo", &thread, 0) || !probe_block (left.self, left.ref) ? 2 : 1;
}

static int
s_exits_with_a_stuck_worker (void)
{
    return s_begin ("echo", &shared, 0) || !probe_block (left.self, left.ref) ? 2 : 1;
}

/* Two actors that tell each other for ever. */
static int
s_volley (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_tell (self, zanni_msg_from (msg), "volley");
}

static const zanni_method_t s_player_methods [] = {
    ZANNI_METHOD ("volley", "", "", s_volley, "Tells it back."), ZANNI_METHOD_END
};
static const zanni_class_t s_player = { .name = "player", .methods = s_player_methods };

static int
s_server (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *player;
    int rc = zanni_read (msg, &player);
    return rc ? rc : zanni_tell (self, player, "volley");
}

static const zanni_method_t s_server_methods [] = {
    ZANNI_METHOD ("serve", "r", "", s_server, "Begins."),
    ZANNI_METHOD ("volley", "", "", s_volley, "Tells it back."), ZANNI_METHOD_END
};
static const zanni_class_t s_server_class = { .name = "server", .methods = s_server_methods };
static const zanni_class_t *const s_game [] = { &s_player, &s_server_class, NULL };

static int
s_exits_with_busy_actors (void)
{
    static zanni_ref_t *players [8], *servers [8];
    if (zanni_init (s_game) || s_begin ("echo", &shared, 0))
        return 2;
    for (int i = 0; i < 8; i++)
        if (zanni_spawn (left.self, &players [i], "player", i % 4 ? &shared : &thread)
            || zanni_spawn (left.self, &servers [i], "server", i % 3 ? &shared : &thread)
            || zanni_tell (left.self, servers [i], "serve", players [i]))
            return 3;
    return 1;
}

static int
s_exits_beside_czmq (void)
{
    left.socket = zsock_new_rep ("inproc://host");   // an actor of czmq's own would abort the program at exit
    return left.socket && !s_begin ("reader", &thread, 0) ? 1 : 2;
}

static void *
s_guest (void *argument)
{
    static zanni_t *self;
    if (!zanni_attach (&self, argument) && !zanni_tell (self, left.ref, "echo", 1))
        exit (1);
    exit (2);
}

static int
s_exits_on_an_attached_thread (void)
{
    pthread_t guest;
    if (s_begin ("echo", &thread, 0) || pthread_create (&guest, NULL, s_guest, zanni_node_of (left.self)))
        return 3;
    pthread_join (guest, NULL);
    return 4;
}

static int
s_exits_after_being_stuck (void)
{
    if (s_begin ("echo", &thread, 200) || !probe_block (left.self, left.ref))
        return 2;
    return s_end () == ZANNI_ESTUCK ? 1 : 3;
}

/* Within this: a second for what does not end, and what a busy machine takes. */
#define S_AT_ONCE_S 5

static void
s_check_exit (int (*program) (void), bool silent)
{
    probe_end_t end;
    probe_child (&end, program, 30);
    cr_assert (probe_exited (&end, 1));
    cr_assert_lt (end.seconds, S_AT_ONCE_S);
    if (silent)
        cr_assert_str_eq (end.output, "");
}

Test (host, exit_without_destroy_ends_a_program_that_began_nothing)
{
    s_check_exit (s_exits_with_nothing_begun, true);
}

Test (host, exit_without_destroy_ends_idle_actors)
{
    s_check_exit (s_exits_with_idle_actors, true);
    s_check_exit (s_exits_with_an_idle_thread, true);
}

Test (host, exit_without_destroy_ends_a_thread_that_waits_in_receive)
{
    s_check_exit (s_exits_with_a_waiting_reader, true);
}

Test (host, exit_without_destroy_ends_busy_actors)
{
    s_check_exit (s_exits_with_busy_actors, true);
}

Test (host, exit_without_destroy_leaves_what_is_stuck)
{
    s_check_exit (s_exits_with_a_stuck_thread, true);
    s_check_exit (s_exits_with_a_stuck_worker, true);
}

Test (host, exit_without_destroy_works_beside_czmq)
{
    s_check_exit (s_exits_beside_czmq, false);   // czmq names the host's own open socket
}

Test (host, exit_without_destroy_works_on_an_attached_thread)
{
    s_check_exit (s_exits_on_an_attached_thread, true);
}

Test (host, a_program_can_exit_after_a_thread_was_abandoned)
{
    s_check_exit (s_exits_after_being_stuck, true);
}

/* A stuck thread. */

Test (host, a_stuck_thread_is_abandoned_in_time_and_named)
{
    cr_assert_eq (s_begin ("echo", &thread, 300), 0);
    cr_assert (probe_block (left.self, left.ref));
    double begun = probe_seconds ();
    cr_assert_eq (s_end (), ZANNI_ESTUCK);
    double seconds = probe_seconds () - begun;
    cr_assert_geq (seconds, 0.25);   // the rest of it is for what comes behind
    cr_assert_lt (seconds, 3);
    cr_assert_eq (s_errors, 1);
    cr_assert (strstr (s_last_error, "thread actor echo"), "the log says \"%s\"", s_last_error);
    cr_assert (strstr (s_last_error, "echo is in its method block, for "), "the log says \"%s\"", s_last_error);
}

Test (host, others_end_well_beside_a_stuck_thread)
{
    static zanni_ref_t *others [20];
    cr_assert_eq (s_begin ("echo", &thread, 300), 0);
    for (int i = 0; i < 20; i++)
        cr_assert_eq (zanni_spawn (left.self, &others [i], i % 2 ? "reader" : "echo", &thread), 0);
    cr_assert (probe_block (left.self, left.ref));
    int threads = probe_threads ();
    cr_assert_eq (zanni_destroy (&left.self), ZANNI_ESTUCK);
    cr_assert_eq (s_errors, 1);
    cr_assert_leq (probe_threads (), threads - 20);
    cr_assert_eq (s_begin ("reader", &thread, 300), 0, "a new node works");
    cr_assert_eq (s_end (), 0);
}

/* fork. */

static int
s_in_the_child (void)
{
    zanni_t *other = NULL;
    zanni_msg_t *msg = NULL;
    int fd;
    if (zanni_tell (left.self, left.ref, "echo", 1) != ZANNI_EFORK
        || zanni_call (left.self, NULL, left.ref, "echo", 1) != ZANNI_EFORK
        || zanni_receive (left.self, &msg, 0) != ZANNI_EFORK || zanni_step (left.self, 1) != ZANNI_EFORK
        || zanni_run (left.self, 0) != ZANNI_EFORK || zanni_fd (left.self, &fd) != ZANNI_EFORK
        || zanni_attach (&other, zanni_node_of (left.self)) != ZANNI_EFORK
        || zanni_spawn (left.self, &left.ref, "echo", NULL) != ZANNI_EFORK)
        return 11;
    return zanni_destroy (&left.self) == ZANNI_EFORK ? 10 : 12;
}

static int
s_forking_program (void)
{
    int status = 0;
    if (s_begin ("reader", &thread, 0))
        return 2;
    pid_t pid = fork ();
    if (!pid)
        exit (s_in_the_child ());
    if (waitpid (pid, &status, 0) != pid || !WIFEXITED (status) || WEXITSTATUS (status) != 10) {
        fprintf (stderr, "the child of fork ended with %x\n", (unsigned) status);
        return 3;
    }
    for (int i = 0; i < 100; i++)
        if (zanni_call (left.self, NULL, left.ref, "echo", i))
            return 4;
    return s_end () ? 5 : 0;
}

Test (host, a_child_of_fork_is_told_so_and_ends_cleanly)
{
    probe_end_t end;
    probe_child (&end, s_forking_program, 20);
    cr_assert (probe_exited (&end, 0));
    cr_assert_str_eq (end.output, "");
}
