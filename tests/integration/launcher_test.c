/* The launcher and the control thread's side of it, with a program whose children do what they are told (launcher_child.c),
   and no node; in the end with one.

   Each test has a runtime directory of its own, which must be empty in the end. What ends is waited for by its pidfd, what
   happens by the set that the control thread would wait in: all with a deadline. */

#include "place/process.h"
#include "place/launch.h"

#include "actor/worker.h"
#include "base/rundir.h"
#include "node/make.h"
#include "probe.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define S_LIMIT_S 20   // for anything that has to happen

static char s_folder [64];
static char s_directory [96];

static void
s_set_up (void)
{
    snprintf (s_folder, sizeof s_folder, "/tmp/zanni-test-XXXXXX");
    cr_assert (mkdtemp (s_folder));
    snprintf (s_directory, sizeof s_directory, "%s/zanni", s_folder);
    cr_assert_eq (setenv ("XDG_RUNTIME_DIR", s_folder, 1), 0);
}

static void
s_tear_down (void)
{
    (void) rmdir (s_directory);
    cr_assert_eq (rmdir (s_folder), 0, "something is left in %s", s_directory);
}

TestSuite (launcher, .init = s_set_up, .fini = s_tear_down);

static int
s_entries (const char *path)
{
    int count = 0;
    DIR *folder = opendir (path);
    for (struct dirent *entry; folder && (entry = readdir (folder));)
        count += *entry->d_name != '.';
    if (folder)
        closedir (folder);
    return count;
}

/* A process that was asked for. */
typedef struct {
    zanni_process_t process;
    zanni_error_t error;
    bool answered;
    int rc;
    int ended;              // how often
    zanni_reason_t reason;
    pid_t pid;              // if it said so
    pid_t launcher;
} s_child_t;

#define S_CHILDREN 200
static s_child_t s_all [S_CHILDREN];
static int s_count;
static zanni__children_t *s_children;
static char s_seat [108];   // the last that was promised
static int s_seats;

static void
s_on_answered (void *context, void *request, int rc)
{
    s_child_t *child = request;
    (void) context;
    cr_assert_not (child->answered);
    child->answered = true;
    child->rc = rc;
}

static void
s_on_ended (void *context, const uint8_t *node, uint64_t incarnation, const zanni_reason_t *reason)
{
    s_child_t *child = &s_all [node [0]];
    (void) context;
    cr_assert_eq (incarnation, 7);
    cr_assert_lt (node [0], s_count);
    child->ended++;
    child->reason = *reason;
}

static void
s_on_seat (void *context, const char *endpoint)
{
    (void) context;
    snprintf (s_seat, sizeof s_seat, "%s", endpoint);
    s_seats++;
}

static void
s_open_with (const char *program, const char *const *arguments)
{
    const zanni__children_owner_t owner = {
        .program = program, .arguments = arguments, .answered = s_on_answered, .ended = s_on_ended,
        .seat = s_on_seat
    };
    cr_assert_eq (zanni__children_new (&s_children, &owner), 0);
}

static void
s_open (void)
{
    s_open_with (LAUNCHER_CHILD, NULL);
}

static void
s_close (void)
{
    zanni__children_destroy (&s_children, S_LIMIT_S * 1000);
    cr_assert_null (s_children);
    cr_assert_eq (s_entries (s_directory), 0);
}

static s_child_t *
s_ask (const char *brief)
{
    s_child_t *child = &s_all [s_count];
    memset (child, 0, sizeof *child);
    child->process = (zanni_process_t) {
        .node = { (uint8_t) s_count }, .incarnation = 7, .brief = brief, .brief_size = strlen (brief),
        .error = &child->error
    };
    s_count++;
    zanni__children_start (s_children, &child->process, child);
    return child;
}

static bool
s_is_answered (const s_child_t *child)
{
    return child->answered;
}

static bool
s_has_ended (const s_child_t *child)
{
    return child->ended > 0;
}

static bool
s_drive (bool (*holds) (const s_child_t *child), const s_child_t *child)
{
    double until = probe_seconds () + S_LIMIT_S;
    struct pollfd item = { .fd = zanni__children_fd (s_children), .events = POLLIN };
    for (;;) {
        int next_ms = zanni__children_step (s_children);
        if (holds (child))
            return true;
        if (probe_seconds () > until)
            return false;
        (void) poll (&item, 1, next_ms < 0 ? 1000 : next_ms);
    }
}

static s_child_t *
s_spawn (const char *brief)
{
    s_child_t *child = s_ask (brief);
    cr_assert (s_drive (s_is_answered, child), "%s is not answered", brief);
    cr_assert_eq (child->rc, 0, "%s: %s", brief, child->error.text);
    return child;
}

/* Connects to a child and reads what it says. */
static void
s_listen_to (const s_child_t *child, char *text, size_t size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t used = 0;
    ssize_t more;
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq (strncmp (child->process.endpoint, "ipc://", 6), 0);
    snprintf (address.sun_path, sizeof address.sun_path, "%s", child->process.endpoint + 6);
    cr_assert_eq (connect (fd, (const struct sockaddr *) &address, sizeof address), 0);
    while (used < size - 1 && probe_readable (fd, S_LIMIT_S * 1000)
           && (more = read (fd, text + used, size - 1 - used)) > 0)
        used += (size_t) more;
    text [used] = 0;
    close (fd);
}

/* A child that stays, and who it is. */
static s_child_t *
s_spawn_known (const char *brief)
{
    char line [128];
    s_child_t *child = s_spawn (brief);
    s_listen_to (child, line, sizeof line);
    cr_assert_eq (sscanf (line, "%d %d", &child->pid, &child->launcher), 2, "it said \"%s\"", line);
    return child;
}

static bool
s_is_gone (int pid_fd)
{
    return probe_readable (pid_fd, S_LIMIT_S * 1000);
}

static void
s_check_reason (const char *brief, const char *expected)
{
    char text [192];
    s_child_t *child = s_spawn (brief);
    cr_assert (s_drive (s_has_ended, child), "%s does not end", brief);
    cr_assert_str_eq (zanni_reason_string (&child->reason, text, sizeof text), expected);
}

Test (launcher, reasons_are_told_as_they_are)
{
    s_open ();
    s_check_reason ("exit 0", "normal");
    s_check_reason ("exit 1", "exit code 1");
    s_check_reason ("exit 255", "exit code 255");
    s_check_reason ("signal 11", "signal 11 (SIGSEGV)");
    s_check_reason ("signal 9", "signal 9 (SIGKILL)");
    s_check_reason ("signal 15", "signal 15 (SIGTERM)");
    s_check_reason ("signal 10", "signal 10 (SIGUSR1)");
    s_check_reason ("signal 2", "signal 2 (SIGINT)");
    s_check_reason ("report -6 no such class: clown", "error -6: no such class: clown");
    s_check_reason ("report 70000 ", "error 70000");
    s_close ();
    for (int i = 0; i < s_count; i++)
        cr_assert_eq (s_all [i].ended, 1);
}

Test (launcher, a_long_report_is_cut)
{
    char brief [300] = "report 3 ";
    memset (brief + 9, 'x', 250);
    s_open ();
    s_child_t *child = s_spawn (brief);
    cr_assert (s_drive (s_has_ended, child));
    cr_assert_eq (child->reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (strlen (child->reason.text), sizeof child->reason.text - 1);
    s_close ();
}

Test (launcher, arguments_of_the_program_come_through)
{
    const char *arguments [] = { "loud", "more", NULL };
    char line [128];
    s_open_with (LAUNCHER_CHILD, arguments);
    s_listen_to (s_spawn ("say"), line, sizeof line);
    cr_assert (strstr (line, " loud\n"), "it said \"%s\"", line);
    s_close ();
}

Test (launcher, children_that_are_told_to_stop_do_and_others_are_killed)
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

Test (launcher, closing_kills_and_waits)
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

Test (launcher, one_that_does_not_close_is_killed)
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
    cr_assert_eq (s_entries (s_directory), 0);
    close (child_fd);
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

Test (launcher, a_parent_that_is_killed_leaves_nothing)
{
    int fds [4];
    pid_t parent = s_start_parent (fds);
    cr_assert_gt (s_entries (s_directory), 4);
    cr_assert_eq (kill (parent, SIGKILL), 0);
    for (int i = 0; i < 4; i++)
        cr_assert (s_is_gone (fds [i]));
    cr_assert_eq (waitpid (parent, NULL, 0), parent);
    cr_assert_eq (s_entries (s_directory), 0);
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

Test (launcher, a_copy_of_the_socket_in_another_process_does_not_keep_it_alive)
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

Test (launcher, when_it_is_killed_its_children_end_and_the_next_one_starts_clean)
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
    cr_assert_leq (s_entries (s_directory), 5);   // the new one's lock, and two seats
    s_close ();
    for (int i = 0; i < 5; i++)
        cr_assert_eq (children [i]->ended, 1);
}

/* What was asked of a launcher that was killed just then is asked again of the next. */
Test (launcher, a_request_survives_the_end_of_a_launcher)
{
    s_open ();
    s_child_t *first = s_spawn_known ("stubborn");
    cr_assert_eq (kill (first->launcher, SIGSTOP), 0);
    s_child_t *asked = s_ask ("exit 4");
    cr_assert_eq (kill (first->launcher, SIGKILL), 0);
    cr_assert (s_drive (s_is_answered, asked));
    cr_assert_eq (asked->rc, 0, "%s", asked->error.text);
    cr_assert (s_drive (s_has_ended, asked));
    cr_assert_eq (asked->reason.code, 4);
    s_close ();
}

/* What cannot be started says why. */

static void
s_check_refused (const char *program, const char *const *arguments, const char *expected)
{
    s_open_with (program, arguments);
    for (int i = 0; i < 3; i++) {
        s_child_t *child = s_ask ("exit 0");
        cr_assert (s_drive (s_is_answered, child));
        cr_assert_eq (child->rc, ZANNI_ESYSTEM);
        cr_assert_eq (child->error.code, ZANNI_ESYSTEM);
        cr_assert (strstr (child->error.text, expected), "%s", child->error.text);
        cr_assert (strstr (child->error.text, program), "%s", child->error.text);
    }
    s_close ();
}

Test (launcher, a_program_that_is_not_there_is_named)
{
    s_check_refused ("/nowhere/program", NULL, "No such file or directory");
}

Test (launcher, a_program_that_is_none_is_named)
{
    s_check_refused ("/etc/passwd", NULL, "Permission denied");
}

Test (launcher, a_program_without_zanni_init_is_named)
{
    const char *mute [] = { "mute", NULL };
    s_check_refused (LAUNCHER_CHILD, mute, "does its main begin with zanni_init?");
}

Test (launcher, a_program_that_does_not_answer_is_killed)
{
    const char *hang [] = { "hang", NULL };
    if (!probe_long ())
        return;   // ten seconds
    s_open_with (LAUNCHER_CHILD, hang);
    s_child_t *child = s_ask ("exit 0");
    cr_assert (s_drive (s_is_answered, child));
    cr_assert (strstr (child->error.text, "did not answer"), "%s", child->error.text);
    s_close ();
}

Test (launcher, a_brief_has_its_greatest_size)
{
    static char brief [ZANNI_BRIEF_MAX + 2] = "exit 3";
    s_open ();
    memset (brief + strlen (brief), ' ', sizeof brief - strlen (brief) - 2);
    s_child_t *most = s_spawn (brief);
    cr_assert (s_drive (s_has_ended, most));
    cr_assert_eq (most->reason.code, 3);
    brief [ZANNI_BRIEF_MAX] = ' ';
    s_child_t *more = s_ask (brief);
    cr_assert (more->answered);
    cr_assert_eq (more->rc, ZANNI_ETOOBIG);
    s_close ();
}

/* Descriptors. */

/* The launcher makes the spare when it has answered, so that is only seen a little later. */
static bool
s_is_settled (void *context)
{
    const int standard = 3, own = 4, child = 3, spare = 3;   // own: parent's socket and pidfd, signalfd, lock
    return s_entries (context) == standard + own + child + spare && s_entries (s_directory) == 5;
}

Test (launcher, a_hundred_children_leave_descriptors_flat)
{
    char path [64];
    s_open ();
    s_child_t *first = s_spawn_known ("heed");
    snprintf (path, sizeof path, "/proc/%d/fd", first->launcher);
    cr_assert (probe_until (NULL, s_is_settled, path));
    int here = probe_descriptors ();
    for (int round = 0; round < 10; round++) {
        s_child_t *some [10];
        for (int i = 0; i < 10; i++)
            some [i] = s_spawn (i % 2 ? "exit 0" : "signal 11");
        for (int i = 0; i < 10; i++)
            cr_assert (s_drive (s_has_ended, some [i]));
    }
    cr_assert_eq (probe_descriptors (), here);
    cr_assert (probe_until (NULL, s_is_settled, path));
    s_close ();
}

Test (launcher, many_requests_at_once_are_all_answered)
{
    s_child_t *some [100];
    s_open ();
    for (int i = 0; i < 100; i++)
        some [i] = s_ask (i % 2 ? "exit 0" : "exit 9");
    for (int i = 0; i < 100; i++) {
        cr_assert (s_drive (s_is_answered, some [i]));
        cr_assert_eq (some [i]->rc, 0, "%s", some [i]->error.text);
        cr_assert (s_drive (s_has_ended, some [i]));
        cr_assert_eq (some [i]->reason.code, i % 2 ? 0 : 9);
    }
    s_close ();
}

Test (launcher, children_get_no_descriptor_and_no_signal_of_anybody_elses)
{
    char text [4096];
    int kinds [3] = { 0 };
    int leaks [5];
    for (int i = 0; i < 5; i++)
        leaks [i] = open ("/etc/passwd", O_RDONLY);   // no CLOEXEC
    sigset_t every;
    sigfillset (&every);
    sigprocmask (SIG_SETMASK, &every, NULL);
    (void) signal (SIGPIPE, SIG_IGN);
    s_open ();
    s_child_t *other = s_spawn_known ("heed");
    s_listen_to (s_spawn ("list"), text, sizeof text);
    for (char *rest, *line = strtok_r (text, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest)) {
        kinds [0] += !strncmp (line, "standard ", 9);
        kinds [1] += !strncmp (line, "listen socket:", 14);
        kinds [2] += !strncmp (line, "control socket:", 15);
        if (strcmp (line, "other anon_inode:[eventfd]") && strcmp (line, "other anon_inode:[eventpoll]"))   // ZeroMQ's
            cr_assert_null (strstr (line, "other"), "%s", line);
        cr_assert_null (strstr (line, "signal"), "%s", line);
    }
    cr_assert_leq (kinds [0], 3);
    cr_assert_eq (kinds [1], 2);
    cr_assert_eq (kinds [2], 1);
    cr_assert_not (other->ended);
    s_close ();
    for (int i = 0; i < 5; i++)
        close (leaks [i]);
}

/* The spare: the launcher's child that is not `known`; 0: there is none. */
typedef struct {
    pid_t launcher;
    pid_t known;
    pid_t spare;
} s_search_t;

static bool
s_has_spare (void *context)
{
    char path [64];
    s_search_t *search = context;
    pid_t pid;
    snprintf (path, sizeof path, "/proc/%d/task/%d/children", search->launcher, search->launcher);
    FILE *file = fopen (path, "r");
    search->spare = 0;
    while (file && fscanf (file, "%d", &pid) == 1)
        search->spare = pid == search->known ? search->spare : pid;
    if (file)
        (void) fclose (file);
    return search->spare != 0;
}

static bool
s_is_seated (const s_child_t *child)
{
    return s_seats == (int) (child - s_all) + 1;   // after each request, one
}

/* Its seat, which was promised, goes on to the next child. */
Test (launcher, a_spare_is_used_and_one_that_has_ended_is_not)
{
    s_open ();
    s_child_t *first = s_spawn_known ("heed");
    s_search_t search = { .launcher = first->launcher, .known = first->pid };
    cr_assert (s_drive (s_is_seated, first));
    cr_assert (probe_until (NULL, s_has_spare, &search));
    s_child_t *second = s_spawn_known ("say");
    cr_assert_eq (second->pid, search.spare);
    cr_assert_str_eq (second->process.endpoint, s_seat);
    cr_assert (s_drive (s_has_ended, second));
    cr_assert (s_drive (s_is_seated, second));
    cr_assert (probe_until (NULL, s_has_spare, &search));
    int spare_fd = zanni__pid_open (search.spare);
    cr_assert_eq (kill (search.spare, SIGKILL), 0);
    cr_assert (s_is_gone (spare_fd));
    s_child_t *third = s_spawn_known ("say");
    cr_assert_str_eq (third->process.endpoint, s_seat);
    cr_assert (s_drive (s_has_ended, third));
    s_check_reason ("exit 5", "exit code 5");
    cr_assert_not (first->ended);
    close (spare_fd);
    s_close ();
}

/* Hosts. */

Test (launcher, a_host_may_ignore_the_end_of_children)
{
    (void) signal (SIGCHLD, SIG_IGN);
    s_open ();
    s_check_reason ("exit 6", "exit code 6");
    s_child_t *child = s_spawn_known ("stubborn");
    cr_assert_eq (kill (child->pid, SIGSEGV), 0);
    cr_assert (s_drive (s_has_ended, child));
    cr_assert_eq (child->reason.code, SIGSEGV);
    s_close ();
}

Test (launcher, a_host_may_reap_whatever_ends)
{
    s_open ();
    s_child_t *child = s_spawn_known ("stubborn");
    cr_assert_eq (kill (child->launcher, SIGKILL), 0);
    cr_assert_eq (waitpid (-1, NULL, 0), child->launcher);   // before its end was seen
    cr_assert (s_drive (s_has_ended, child));
    cr_assert_eq (child->reason.code, SIGKILL);
    s_check_reason ("exit 6", "exit code 6");
    s_close ();
}

static int
s_run_printing_child (void)
{
    s_set_up ();
    s_open ();
    if (!s_drive (s_has_ended, s_spawn ("print")))
        return 1;
    s_close ();
    s_tear_down ();
    return 0;
}

Test (launcher, what_a_child_printed_is_not_lost)
{
    probe_end_t end;
    probe_child (&end, s_run_printing_child, S_LIMIT_S);
    cr_assert (probe_exited (&end, 0));
    cr_assert_str_eq (end.output, "a line\n");
}

/* The same with a node around it. */

static zanni_t *s_self;

/* Asks the place of the node, as a spawn does. */
static int
s_place_process (s_child_t *child, const char *brief)
{
    zanni_node_t *node = zanni_node_of (s_self);
    child->process = (zanni_process_t) {
        .node = { 1 }, .incarnation = 1, .brief = brief, .brief_size = strlen (brief), .error = &child->error
    };
    return node->place->process (node->place_handle, &child->process);
}

static void
s_begin_node (uint32_t shutdown_ms, const char *program)
{
    const zanni_options_t options = { .shutdown_ms = shutdown_ms, .child_program = program };
    zanni_ref_t *ref = NULL;
    cr_assert_eq (zanni_init (probe_classes), 0);
    cr_assert_eq (zanni_new (&s_self, &options), 0);
    cr_assert_eq (zanni_spawn (s_self, &ref, "echo", &(zanni_spawn_t) { .place = ZANNI_THREAD }), 0);
    zanni_ref_destroy (&ref);
    zanni_node_of (s_self)->processes = zanni__processes_new ();   // as the first spawn of a process does
}

static void
s_know (s_child_t *child)
{
    char line [128];
    s_listen_to (child, line, sizeof line);
    cr_assert_eq (sscanf (line, "%d %d", &child->pid, &child->launcher), 2);
}

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
    cr_assert_eq (s_entries (s_directory), 0);
    close (child_fd);
    close (launcher_fd);
}

Test (launcher, a_node_that_ends_tells_its_processes)
{
    s_check_node_end ("heed", 20000, 0);
}

Test (launcher, a_node_that_ends_kills_a_process_that_stays)
{
    s_check_node_end ("stubborn", 400, 0.39);
}

Test (launcher, a_node_says_what_is_wrong_with_the_program)
{
    s_child_t child = { .rc = 0 };
    s_begin_node (0, "/nowhere/program");
    cr_assert_eq (s_place_process (&child, "exit 0"), ZANNI_ESYSTEM);
    cr_assert (strstr (child.error.text, "/nowhere/program: No such file"), "%s", child.error.text);
    cr_assert_eq (zanni_destroy (&s_self), 0);
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

Test (launcher, exit_without_destroy_ends_processes_too)
{
    probe_end_t end;
    pid_t pids [2];
    probe_child (&end, s_exit_undestroyed, S_LIMIT_S);
    cr_assert (probe_exited (&end, 1));
    cr_assert_eq (sscanf (end.output, "%d %d", &pids [0], &pids [1]), 2);
    cr_assert_neq (kill (pids [0], 0), 0);
    cr_assert_neq (kill (pids [1], 0), 0);
    cr_assert_eq (s_entries (s_directory), 0);
}
