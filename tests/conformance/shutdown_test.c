/* The end of a node: who asks for it, in which order it happens, and what becomes of those that do not end in time. */

#include "support.h"

#include <poll.h>
#include <time.h>

/* Writes a letter to a descriptor of the test's when it stops, or stays in a method or its stop hook until the test has it
   go on: it reads a letter from another one. */
typedef struct {
    int pid;
    int stopped_fd;
    int stay_fd;
    int rc;
} player_t;

static void
put (const player_t *player, char letter)
{
    int fd = reach (player->pid, player->stopped_fd, O_WRONLY);
    ssize_t size = write (fd, &letter, 1);
    (void) size;
}

static void
stay (const player_t *player)
{
    char letter;
    ssize_t size = read (reach (player->pid, player->stay_fd, O_RDONLY), &letter, 1);
    (void) size;
}

static int
player_start (zanni_t *self, zanni_msg_t *msg)
{
    player_t *player = zanni_state (self);
    return zanni_read (msg, &player->pid, &player->stopped_fd, &player->stay_fd);
}

static void
player_stop (zanni_t *self, const zanni_reason_t *reason)
{
    const player_t *player = zanni_state (self);
    put (player, reason->kind == ZANNI_EXIT_SHUTDOWN ? 's' : '?');
    if (player->stay_fd >= 0)
        stay (player);
}

static int
player_stay (zanni_t *self, zanni_msg_t *msg)
{
    const player_t *player = zanni_state (self);
    (void) msg;
    put (player, 'i');
    stay (player);
    return 0;
}

static int
player_end_all (zanni_t *self, zanni_msg_t *msg)
{
    int64_t code;
    const char *text;
    int rc = zanni_read (msg, &code, &text);
    if (!rc)
        rc = zanni_node_stop (self, code, *text ? text : NULL);
    return rc ? rc : zanni_reply (self, msg);
}

static int
player_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) getpid ());
}

static const zanni_method_t player_methods [] = {
    ZANNI_METHOD ("stay", "", "", player_stay, "Does not return until it may."),
    ZANNI_METHOD ("end all", "xs", "", player_end_all, "Asks that the node end."),
    ZANNI_METHOD ("pid", "", "x", player_pid, "Of its process."), ZANNI_METHOD_END
};
static const zanni_class_t player_class = {
    .name = "player", .state_size = sizeof (player_t), .methods = player_methods, .start_in = "iii", .start = player_start,
    .stop = player_stop
};

/* Spawns another one when it stops, if it may. */
static void
heir_stop (zanni_t *self, const zanni_reason_t *reason)
{
    zanni_ref_t *ref = NULL;
    const player_t *player = zanni_state (self);
    zanni_error_t error = { 0 };
    (void) reason;
    int rc = zanni_spawn (self, &ref, "runner", &((zanni_spawn_t) { .place = ZANNI_HERE, .error = &error }));
    put (player, rc == ZANNI_ECLOSED && strstr (error.text, "ending") ? 'c' : '?');
    zanni_ref_destroy (&ref);
}

static const zanni_class_t heir_class = {
    .name = "heir", .state_size = sizeof (player_t), .start_in = "iii", .start = player_start, .stop = heir_stop
};

CLASSES (&player_class, &heir_class, &runner_class);

#define LONG_MS 60000       // more than what ends well needs, however busy the machine is

static int s_stopped [2];   // the test reads, actors write
static int s_stay [2];      // and the other way round

static void
open_pipes (void)
{
    cr_assert_eq (pipe2 (s_stopped, O_CLOEXEC), 0);
    cr_assert_eq (pipe2 (s_stay, O_CLOEXEC), 0);
}

static char
letter (void)
{
    char got = 0;
    cr_assert_eq (read (s_stopped [0], &got, 1), 1);
    return got;
}

/* No actor has said anything else: they have all ended. */
static void
no_letter (void)
{
    char got;
    cr_assert_eq (fcntl (s_stopped [0], F_SETFL, O_NONBLOCK), 0);
    cr_assert_lt (read (s_stopped [0], &got, 1), 0, "an actor said '%c'", got);
}

static zanni_ref_t *
spawn_player (const zanni_spawn_t *options, bool stays)
{
    return spawn_with (options, "player", (int) getpid (), s_stopped [1], stays ? s_stay [0] : -1);
}

EVERYWHERE_HERE (shutdown, every_actor_that_is_left_stops_and_the_log_names_nobody)
{
    open_pipes ();
    begin_again ((zanni_options_t) { .shutdown_ms = LONG_MS });
    zanni_ref_t *refs [5];
    for (int i = 0; i < 5; i++)
        refs [i] = spawn_player (&(zanni_spawn_t) { .place = place }, false);
    (void) refs;   // held until the end
    begin_again ((zanni_options_t) { 0 });
    for (int i = 0; i < 5; i++)
        cr_assert_eq (letter (), 's');
    no_letter ();
    cr_assert (!logged ("shutdown"), "%s", s_log.text);
}

EVERYWHERE_HERE (shutdown, a_stop_hook_can_start_nobody_any_more)
{
    open_pipes ();
    begin_again ((zanni_options_t) { .shutdown_ms = LONG_MS });
    zanni_ref_t *ref = spawn ("heir", (int) getpid (), s_stopped [1], -1);
    (void) ref;
    bool alone = place == ZANNI_PROCESS;   // whose own node is there as long as it is
    begin_again ((zanni_options_t) { 0 });
    char got = letter ();
    cr_assert (got == 'c' || alone, "'%c'", got);
}

BESIDE (shutdown, an_actor_that_asks_ends_the_waiting_of_the_root)
{
    open_pipes ();
    zanni_reason_t reason = { .kind = ZANNI_EXIT_KILLED };
    ZANNI_AUTO (zanni_ref_t) ref = spawn_player (&(zanni_spawn_t) { .place = place }, false);
    cr_assert_eq (zanni_wait (root, &reason, 0), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_wait (root, &reason, 1), ZANNI_ETIMEOUT);
    cr_assert_eq (reason.kind, ZANNI_EXIT_KILLED, "untouched");
    tell (ref, "end all", 7, "the show is over");
    cr_assert_eq (zanni_wait (root, &reason, DEADLINE_MS), 0);
    cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (reason.code, 7);
    cr_assert_str_eq (reason.text, "the show is over");
    done (ref, "end all", 8, "again");   // nothing has ended yet, and the first was heard
    cr_assert_eq (zanni_wait (root, &reason, DEADLINE_MS), 0);
    cr_assert_eq (reason.code, 7);
    cr_assert_eq (zanni_wait (root, NULL, 0), 0);
}

BESIDE (shutdown, an_end_without_code_and_text_is_normal)
{
    open_pipes ();
    zanni_reason_t reason = { .kind = ZANNI_EXIT_KILLED };
    ZANNI_AUTO (zanni_ref_t) ref = spawn_player (&(zanni_spawn_t) { .place = place }, false);
    tell (ref, "end all", 0, "");
    cr_assert_eq (zanni_wait (root, &reason, DEADLINE_MS), 0);
    cr_assert_eq (reason.kind, ZANNI_EXIT_NORMAL);
}

CONFORM_ONCE (shutdown, a_process_actor_that_asks_ends_itself, ZANNI_PROCESS)
{
    open_pipes ();
    ZANNI_AUTO (zanni_ref_t) ref = spawn_player (&(zanni_spawn_t) { .place = place }, false);
    uint64_t id = monitor (ref);
    tell (ref, "end all", 7, "the show is over");
    zanni_reason_t reason = expect_down (id, false);
    cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (reason.code, 7);
    cr_assert_str_eq (reason.text, "the show is over");
    cr_assert_eq (zanni_wait (root, &reason, 0), ZANNI_ETIMEOUT);
}

static zanni_node_t *s_node;

static void
s_interrupt (int number)
{
    zanni_node_interrupt (s_node, number);
}

static int
s_send_signal (zanni_t *self)
{
    (void) self;
    return kill (getpid (), SIGUSR1);
}

CONFORM_ONCE (shutdown, a_signal_handler_of_the_host_may_ask, ZANNI_SHARED)
{
    const struct sigaction action = { .sa_handler = s_interrupt };
    zanni_reason_t reason = { .kind = ZANNI_EXIT_KILLED };
    char text [64];
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    s_node = zanni_node_of (root);
    cr_assert_eq (sigaction (SIGUSR1, &action, NULL), 0);
    tell (runner, "do", (uint64_t) (uintptr_t) s_send_signal);
    cr_assert_eq (zanni_wait (root, &reason, DEADLINE_MS), 0);
    cr_assert_str_eq (zanni_reason_string (&reason, text, sizeof text), "signal 10 (SIGUSR1)");
}

CONFORM_ONCE (shutdown, who_asks_before_anybody_waits_is_heard, ZANNI_SHARED)
{
    zanni_reason_t reason = { .kind = ZANNI_EXIT_KILLED };
    zanni_node_interrupt (NULL, SIGTERM);
    zanni_node_interrupt (zanni_node_of (root), 0);
    zanni_node_interrupt (zanni_node_of (root), SIGTERM);
    cr_assert_eq (zanni_node_stop (root, 3, "too late"), 0);
    cr_assert_eq (zanni_wait (root, &reason, -1), 0);
    cr_assert_eq (reason.kind, ZANNI_EXIT_SHUTDOWN);
}

BESIDE (shutdown, a_host_with_its_own_loop_sees_it_in_its_descriptor)
{
    open_pipes ();
    int fd;
    ZANNI_AUTO (zanni_ref_t) ref = spawn_player (&(zanni_spawn_t) { .place = place }, false);
    cr_assert_eq (zanni_fd (root, &fd), 0);
    cr_assert_eq (zanni_wait (root, NULL, 0), ZANNI_ETIMEOUT);
    tell (ref, "end all", 0, "");
    zanni_reason_t reason;
    int rc;
    while ((rc = zanni_wait (root, &reason, 0)) == ZANNI_ETIMEOUT) {
        struct pollfd item = { .fd = fd, .events = POLLIN };
        cr_assert_eq (poll (&item, 1, DEADLINE_MS), 1);
        cr_assert_geq (zanni_step (root, 10), 0);
    }
    cr_assert_eq (rc, 0);
}

static int
s_wait_in_a_handler (zanni_t *self)
{
    return zanni_wait (self, NULL, 0) == ZANNI_EOWNER ? 0 : ZANNI_EINVAL;
}

CONFORM_ONCE (shutdown, only_the_root_waits_for_the_end, ZANNI_SHARED)
{
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    run_in (runner, s_wait_in_a_handler);
    cr_assert_eq (zanni_wait (NULL, NULL, 0), ZANNI_EINVAL);
    cr_assert_eq (zanni_node_stop (NULL, 0, NULL), ZANNI_EINVAL);
}

static int
s_destroy_in_a_handler (zanni_t *self)
{
    zanni_t *copy = self;
    return zanni_destroy (&copy) == ZANNI_EOWNER && copy == self ? 0 : ZANNI_EINVAL;
}

static void
s_destroy_in_an_answer (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    bool *refused = arg;
    (void) reply;
    *refused = !s_destroy_in_a_handler (self);
}

CONFORM_ONCE (shutdown, nobody_is_destroyed_amid_what_it_does, ZANNI_SHARED)
{
    bool refused = false;
    ZANNI_AUTO (zanni_ref_t) runner = spawn_runner ();
    run_in (runner, s_destroy_in_a_handler);
    const zanni_ask_t options = { .then = s_destroy_in_an_answer, .arg = &refused };
    cr_assert_eq (zanni_ask (root, runner, &options, "do", (uint64_t) (uintptr_t) s_destroy_in_a_handler), 0);
    while (!refused)
        cr_assert_eq (zanni_run (root, 1), 0);
    cr_assert_eq (zanni_destroy (NULL), 0);
}

/* Those that do not end in time. What the log says lets them go on, where they may. */

static struct {
    int warnings, errors, go_on_at;
    char text [4096];
} s_said;

static void
s_hear (void *context, zanni_log_level_t level, const char *text)
{
    (void) context;
    size_t used = strlen (s_said.text);
    snprintf (s_said.text + used, sizeof s_said.text - used, "%s\n", text);
    s_said.warnings += level == ZANNI_LOG_WARNING;
    s_said.errors += level == ZANNI_LOG_ERROR;
    if (s_said.warnings + s_said.errors == s_said.go_on_at) {
        ssize_t size = write (s_stay [1], "gg", 2);
        (void) size;
    }
}

#define STUCK_MS 200    // nothing else is to end meanwhile
#define SLOW_MS 8000    // an eighth of it is enough for what is let go

/* With a log of ours. */
static void
begin_stuck (uint32_t shutdown_ms)
{
    const zanni_options_t options = { .shutdown_ms = shutdown_ms, .log = s_hear, .workers = 1 };
    open_pipes ();
    end ();
    cr_assert_eq (zanni_new (&root, &options), 0);
}

static void
end_stuck (int rc)
{
    cr_assert_eq (zanni_destroy (&root), rc, "the node said:\n%s", s_said.text);
}

#define OWN_THREAD(ROW, suite, name) \
    ROW (suite, name, shared, ZANNI_SHARED) \
    ROW (suite, name, thread, ZANNI_THREAD)

CONFORM_IN (OWN_THREAD, shutdown, who_is_stuck_in_a_method_is_named_with_it_and_abandoned)
{
    begin_stuck (STUCK_MS);
    zanni_ref_t *ref = spawn_player (&(zanni_spawn_t) { .place = place }, true);
    bool shares = place == ZANNI_SHARED;
    zanni_ref_t *behind = shares ? spawn_player (&(zanni_spawn_t) { .place = place }, false) : NULL;
    tell (ref, "stay");
    cr_assert_eq (letter (), 'i');
    (void) behind;
    end_stuck (ZANNI_ESTUCK);
    cr_assert_eq (s_said.errors, 1);
    cr_assert (strstr (s_said.text, "has not ended after "), "%s", s_said.text);
    cr_assert (strstr (s_said.text, " is abandoned: player is in its method stay, for "), "%s", s_said.text);
    cr_assert_eq (strstr (s_said.text, "1 more actors wait for that") != NULL, shares, "%s", s_said.text);
    begin ((zanni_options_t) { 0 });
}

CONFORM_IN (OWN_THREAD, shutdown, who_is_stuck_in_its_stop_hook_is_named_with_it_and_abandoned)
{
    begin_stuck (STUCK_MS);
    zanni_ref_t *ref = spawn_player (&(zanni_spawn_t) { .place = place }, true);
    (void) ref;
    end_stuck (ZANNI_ESTUCK);
    cr_assert_eq (letter (), 's');
    cr_assert (strstr (s_said.text, " is abandoned: player is in its hook stop, for "), "%s", s_said.text);
    begin ((zanni_options_t) { 0 });
}

CONFORM_ONCE (shutdown, those_behind_a_slow_stop_hook_are_killed_and_named, ZANNI_SHARED)
{
    begin_stuck (SLOW_MS);
    zanni_ref_t *refs [3];
    for (int i = 0; i < 3; i++)
        refs [i] = spawn_player (&(zanni_spawn_t) { .place = place }, true);
    (void) refs;
    s_said.go_on_at = 1;   // the log names the worker
    end_stuck (0);
    cr_assert_eq (letter (), 's');
    no_letter ();
    cr_assert_eq (s_said.warnings, 3, "%s", s_said.text);
    cr_assert (strstr (s_said.text, "worker 1 has not ended after "), "%s", s_said.text);
    cr_assert (strstr (s_said.text, "player is in its hook stop, for "), "%s", s_said.text);
    cr_assert (strstr (s_said.text, "(player) of worker 1 was not stopped in time and is killed"), "%s", s_said.text);
    begin ((zanni_options_t) { 0 });
}

CONFORM_ONCE (shutdown, a_process_that_does_not_end_is_named_and_killed, ZANNI_PROCESS)
{
    begin_stuck (STUCK_MS);
    zanni_ref_t *ref = spawn_player (&(zanni_spawn_t) { .place = place }, true);
    tell (ref, "stay");
    cr_assert_eq (letter (), 'i');
    end_stuck (0);
    cr_assert_eq (s_said.errors, 0, "%s", s_said.text);
    cr_assert (strstr (s_said.text, "process actor player was not stopped in time and is killed"), "%s", s_said.text);
    begin ((zanni_options_t) { 0 });
}

/* Many. */

#define MANY 10000

static double
s_seconds (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

CONFORM_ONCE (shutdown, many_actors_stop_about_as_fast_as_they_start, ZANNI_SHARED)
{
    static zanni_ref_t *refs [MANY];
    end ();
    begin ((zanni_options_t) { .shutdown_ms = LONG_MS });
    double begun = s_seconds ();
    for (int i = 0; i < MANY; i++)
        refs [i] = spawn_with (&(zanni_spawn_t) { .place = ZANNI_SHARED }, "runner");
    (void) refs;
    double started = s_seconds ();
    cr_assert_eq (zanni_destroy (&root), 0);
    double ended = s_seconds ();
    cr_log_info ("%d actors: %.1f ms to start, %.1f ms to stop", MANY, (started - begun) * 1e3, (ended - started) * 1e3);
    cr_assert_lt (ended - started, 20 * (started - begun) + 1);   // the machine may have been busy meanwhile
    cr_assert (!logged ("shutdown"), "%s", s_log.text);
    begin ((zanni_options_t) { 0 });
}
