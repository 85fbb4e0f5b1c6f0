/* Ends, and what they leave, which is nothing: of children that are told to, or killed; of their parent, of a copy of its
   socket, of the launcher; of a node around it all. */

#include "launcher.h"

#include "base/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

TestSuite (launcher_end, .init = s_set_up, .fini = s_tear_down);

Test (launcher_end, children_that_are_told_to_stop_do_and_others_are_killed)
{
    s_open ();
    s_child_t *good = s_spawn_known ("heed");
    s_child_t *bad = s_spawn_known ("stubborn");
    zanni__children_stop (s_children, 300);
    double begun = probe_seconds ();
    cr_assert (s_drive (s_has_ended, good));
    cr_assert_eq (good->reason.kind, ZANNI_EXIT_NORMAL);
    cr_assert (s_drive (s_has_ended, bad));
    cr_assert_eq (bad->reason.kind, ZANNI_EXIT_SIGNAL);
    cr_assert_eq (bad->reason.code, SIGKILL);
    cr_assert_geq (probe_seconds () - begun, 0.29);
    s_child_t *late = s_ask ("exit 0");
    cr_assert (s_drive (s_is_answered, late));
    cr_assert_eq (late->rc, ZANNI_ECLOSED);
    s_close ();
}

Test (launcher_end, closing_kills_and_waits)
{
    s_open ();
    s_child_t *child = s_spawn_known ("stubborn");
    int child_fd = zanni__pid_open (child->pid);
    int launcher_fd = zanni__pid_open (child->launcher);
    s_close ();
    cr_assert (probe_readable (child_fd, 0));
    cr_assert (probe_readable (launcher_fd, 0));
    cr_assert_eq (child->ended, 1);
    cr_assert_eq (child->reason.code, SIGKILL);
    cr_assert_eq (waitpid (-1, NULL, 0), -1);   // no zombie
    cr_assert_eq (errno, ECHILD);
    close (child_fd);
    close (launcher_fd);
}

Test (launcher_end, one_that_does_not_close_is_killed)
{
    s_open ();
    s_child_t *child = s_spawn_known ("stubborn");
    int child_fd = zanni__pid_open (child->pid);
    cr_assert_eq (kill (child->launcher, SIGSTOP), 0);
    double begun = probe_seconds ();
    zanni__children_destroy (&s_children, 200);
    cr_assert_lt (probe_seconds () - begun, 10);
    cr_assert (probe_readable (child_fd, 0));
    cr_assert_eq (child->ended, 1);
    cr_assert_eq (scratch_entries (s_directory), 0);
    close (child_fd);
}

static bool
s_is_started (const s_child_t *child)
{
    return child->answered || child->ended;
}

/* One that does not hear it, for it was stopped. */
static s_child_t *
s_spawn_deaf (void)
{
    s_child_t *child = s_spawn_known ("stubborn");
    cr_assert_eq (kill (child->pid, SIGSTOP), 0);
    return child;
}

Test (launcher_end, who_is_to_be_killed_and_is_deaf_is)
{
    s_open ();
    s_child_t *other = s_spawn_known ("stubborn");
    s_child_t *child = s_spawn_deaf ();
    cr_assert_eq (zanni__children_kill (s_children, child->process.node, false), 0);
    cr_assert_eq (zanni__children_kill (s_children, (const uint8_t [16]) { 99 }, false), ZANNI_ENOACTOR);
    cr_assert (s_drive (s_has_ended, child));
    cr_assert_eq (child->reason.kind, ZANNI_EXIT_KILLED);
    cr_assert_not (other->ended);
    s_close ();
}

/* Requests as large as they may be, which a launcher that is stopped does not take in. */
static void
s_fill (int count)
{
    static char brief [ZANNI_BRIEF_MAX + 1] = "exit 0";
    memset (brief + strlen (brief), ' ', sizeof brief - strlen (brief) - 1);
    for (int i = 0; i < count; i++)
        (void) s_ask (brief);
}

Test (launcher_end, who_is_to_be_killed_is_though_the_launcher_had_no_room_for_that_word)
{
    s_open ();
    s_child_t *child = s_spawn_deaf ();
    int requests = s_count;
    cr_assert_eq (kill (child->launcher, SIGSTOP), 0);
    s_fill (60);
    cr_assert_eq (zanni__children_kill (s_children, child->process.node, false), 0);
    cr_assert_eq (kill (child->launcher, SIGCONT), 0);
    cr_assert (s_drive (s_has_ended, child), "the word was lost");
    cr_assert_eq (child->reason.kind, ZANNI_EXIT_KILLED);
    for (int i = requests; i < s_count; i++)
        cr_assert (s_drive (s_has_ended, &s_all [i]));
    s_close ();
}

/* Those that the launcher never got are forgotten, and those that it got before are not known any more. */
Test (launcher_end, requests_that_came_too_late_start_nothing)
{
    if (!probe_long ())
        return;   // ten seconds
    s_open ();
    s_child_t *child = s_spawn_known ("stubborn");
    int requests = s_count;
    cr_assert_eq (kill (child->launcher, SIGSTOP), 0);
    s_fill (60);
    for (int i = requests; i < s_count; i++)
        cr_assert (s_drive (s_is_started, &s_all [i]));
    cr_assert_eq (s_all [s_count - 1].rc, ZANNI_ETIMEOUT);
    cr_assert_eq (kill (child->launcher, SIGCONT), 0);
    s_child_t *next = s_spawn ("exit 0");
    cr_assert (s_drive (s_has_ended, next));
    cr_assert_not (s_all [s_count - 2].ended);
    s_close ();
}

/* What a parent that is killed leaves. */

/* A program that has children, says who they and their launcher are, and waits for its end. */
static void
s_be_parent (int out)
{
    const uint8_t tag [8] = { 99 };
    zanni__seat_t seat;
    zanni__lease_t *lease = NULL;
    s_open ();
    cr_assert_eq (zanni__lease_new (&lease, tag, NULL), 0);
    cr_assert_eq (zanni__lease_listen (lease, &seat), 0);
    for (int i = 0; i < 3; i++) {
        s_child_t *child = s_spawn_known (i ? "stubborn" : "heed");
        pid_t pids [] = { child->pid, child->launcher };
        cr_assert_eq (write (out, pids, sizeof pids), sizeof pids);
    }
    for (;;)
        pause ();
}

/* Starts one; pidfds of its three children and their launcher. */
static pid_t
s_start_parent (int fds [4])
{
    int pipes [2];
    pid_t pids [2];
    cr_assert_eq (pipe2 (pipes, O_CLOEXEC), 0);
    pid_t parent = fork ();
    if (!parent)
        s_be_parent (pipes [1]);
    close (pipes [1]);
    for (int i = 0; i < 3; i++) {
        cr_assert (probe_readable (pipes [0], S_LIMIT_S * 1000));
        cr_assert_eq (read (pipes [0], pids, sizeof pids), sizeof pids);
        fds [i] = zanni__pid_open (pids [0]);
        fds [3] = i ? fds [3] : zanni__pid_open (pids [1]);
    }
    close (pipes [0]);
    return parent;
}

Test (launcher_end, a_parent_that_is_killed_leaves_nothing)
{
    int fds [4];
    pid_t parent = s_start_parent (fds);
    cr_assert_gt (scratch_entries (s_directory), 4);
    cr_assert_eq (kill (parent, SIGKILL), 0);
    for (int i = 0; i < 4; i++)
        cr_assert (s_is_gone (fds [i]));
    cr_assert_eq (waitpid (parent, NULL, 0), parent);
    cr_assert_eq (scratch_entries (s_directory), 0);
}

/* Another process may have inherited the parent's end of the socket: there is no end of file then. */
static void
s_be_parent_of_a_copy (int out)
{
    int pipes [2];
    char byte;
    s_open ();
    s_child_t *child = s_spawn_known ("stubborn");
    pid_t pids [] = { child->pid, child->launcher, 0 };
    cr_assert_eq (pipe2 (pipes, O_CLOEXEC), 0);
    pids [2] = fork ();
    if (!pids [2])
        _exit (read (out, &byte, 1) != 0);   // until the test closes it
    cr_assert_eq (write (out, pids, sizeof pids), sizeof pids);
    for (;;)
        pause ();
}

Test (launcher_end, a_copy_of_the_socket_in_another_process_does_not_keep_it_alive)
{
    int pair [2];
    pid_t pids [3];
    cr_assert_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    pid_t parent = fork ();
    if (!parent) {
        close (pair [0]);
        s_be_parent_of_a_copy (pair [1]);
    }
    close (pair [1]);
    cr_assert (probe_readable (pair [0], S_LIMIT_S * 1000));
    cr_assert_eq (read (pair [0], pids, sizeof pids), sizeof pids);
    int child_fd = zanni__pid_open (pids [0]);
    int launcher_fd = zanni__pid_open (pids [1]);
    int copy_fd = zanni__pid_open (pids [2]);
    cr_assert_eq (kill (parent, SIGKILL), 0);
    cr_assert (s_is_gone (child_fd));
    cr_assert (s_is_gone (launcher_fd));
    cr_assert_not (probe_readable (copy_fd, 0));
    cr_assert_eq (waitpid (parent, NULL, 0), parent);
    close (pair [0]);
    cr_assert (s_is_gone (copy_fd));
}

/* A launcher that is killed. */

Test (launcher_end, when_it_is_killed_its_children_end_and_the_next_one_starts_clean)
{
    s_child_t *children [5];
    int fds [5];
    s_open ();
    for (int i = 0; i < 5; i++) {
        children [i] = s_spawn_known ("stubborn");
        fds [i] = zanni__pid_open (children [i]->pid);
    }
    pid_t launcher = children [0]->launcher;
    cr_assert_eq (kill (launcher, SIGKILL), 0);
    for (int i = 0; i < 5; i++) {
        cr_assert (s_drive (s_has_ended, children [i]));
        cr_assert (probe_readable (fds [i], 0));   // it is told when it is true
        cr_assert_eq (children [i]->reason.kind, ZANNI_EXIT_SIGNAL);
        cr_assert_eq (children [i]->reason.code, SIGKILL);
        close (fds [i]);
    }
    s_child_t *next = s_spawn_known ("heed");
    cr_assert_neq (next->launcher, launcher);
    cr_assert_leq (scratch_entries (s_directory), 5);   // the new one's lock, and two seats
    s_close ();
    for (int i = 0; i < 5; i++)
        cr_assert_eq (children [i]->ended, 1);
}

/* What was asked of a launcher that was killed just then is asked again of the next. A process that it had promised is
   another matter, which ends with it: so the promise, if there is one, is taken before. */
Test (launcher_end, a_request_survives_the_end_of_a_launcher)
{
    s_open ();
    s_child_t *first = s_spawn_known ("stubborn");
    cr_assert_eq (kill (first->launcher, SIGSTOP), 0);
    s_child_t *promised = s_ask ("exit 4");
    s_child_t *asked = s_ask ("exit 4");
    cr_assert_eq (kill (first->launcher, SIGKILL), 0);
    cr_assert (s_drive (s_is_answered, asked));
    cr_assert_eq (asked->rc, 0, "%s", asked->error.text);
    cr_assert (s_drive (s_has_ended, asked));
    cr_assert_eq (asked->reason.code, 4);
    cr_assert (s_drive (s_has_ended, promised));
    s_close ();
}

/* With a node around it. */

static void
s_check_node_end (const char *brief, uint32_t shutdown_ms, double least_s)
{
    s_child_t child = { .rc = 0 };
    s_begin_node (shutdown_ms, LAUNCHER_CHILD);
    cr_assert_eq (s_place_process (&child, brief), 0, "%s", child.error.text);
    s_know (&child);
    int child_fd = zanni__pid_open (child.pid);
    int launcher_fd = zanni__pid_open (child.launcher);
    double begun = probe_seconds ();
    cr_assert_eq (zanni_destroy (&s_self), 0);
    double seconds = probe_seconds () - begun;
    cr_assert (probe_readable (child_fd, 0));
    cr_assert (probe_readable (launcher_fd, 0));
    cr_assert_geq (seconds, least_s);
    cr_assert_lt (seconds, least_s + 3);
    cr_assert_eq (scratch_entries (s_directory), 0);
    close (child_fd);
    close (launcher_fd);
}

Test (launcher_end, a_node_that_ends_tells_its_processes)
{
    s_check_node_end ("heed", 20000, 0);
}

Test (launcher_end, a_node_that_ends_kills_a_process_that_stays)
{
    s_check_node_end ("stubborn", 400, 0.29);
}

/* It leaves by exit, and its processes go with it. */
static int
s_exit_undestroyed (void)
{
    s_child_t child = { .rc = 0 };
    s_begin_node (0, LAUNCHER_CHILD);
    if (s_place_process (&child, "heed"))
        return 2;
    s_know (&child);
    printf ("%d %d\n", child.pid, child.launcher);
    return 1;
}

Test (launcher_end, exit_without_destroy_ends_processes_too)
{
    probe_end_t end;
    pid_t pids [2];
    probe_child (&end, s_exit_undestroyed, S_LIMIT_S);
    cr_assert (probe_exited (&end, 1));
    cr_assert_eq (sscanf (end.output, "%d %d", &pids [0], &pids [1]), 2);
    cr_assert_neq (kill (pids [0], 0), 0);
    cr_assert_neq (kill (pids [1], 0), 0);
    cr_assert_eq (scratch_entries (s_directory), 0);
}
