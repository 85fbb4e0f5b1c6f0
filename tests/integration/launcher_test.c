/* What a launcher starts: children that do what they are told and say why they ended, from a program that is the right one,
   with nothing of anybody else's, and one of them in advance. */

#include "launcher.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

TestSuite (launcher, .init = s_set_up, .fini = s_tear_down);

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
    return scratch_entries (context) == standard + own + child + spare && scratch_entries (s_directory) == 5;
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

static void
s_limit_descriptors (pid_t pid, rlim_t limit)
{
    struct rlimit limits;
    cr_assert_eq (prlimit (pid, RLIMIT_NOFILE, NULL, &limits), 0);
    limits.rlim_cur = limit;
    cr_assert_eq (prlimit (pid, RLIMIT_NOFILE, &limits, NULL), 0);
}

/* The request had the promise, which ends with it: the launcher does not keep that place for nobody. */
Test (launcher, a_child_that_cannot_be_forked_where_it_was_promised_is_refused_and_the_next_have_spares_again)
{
    s_open ();
    s_child_t *first = s_spawn_known ("heed");
    s_search_t search = { .launcher = first->launcher, .known = first->pid };
    cr_assert (s_drive (s_is_seated, first));
    cr_assert (probe_until (NULL, s_has_spare, &search));
    int spare_fd = zanni__pid_open (search.spare);
    s_limit_descriptors (first->launcher, 3);
    cr_assert_eq (kill (search.spare, SIGKILL), 0);
    cr_assert (s_is_gone (spare_fd));
    close (spare_fd);
    s_child_t *refused = s_spawn ("say");   // as far as is known then
    cr_assert (s_drive (s_has_ended, refused));
    cr_assert_eq (refused->reason.code, ZANNI_EDESCRIPTORS, "%s", refused->reason.text);
    s_limit_descriptors (first->launcher, 1000);
    s_check_reason ("exit 3", "exit code 3");
    cr_assert (s_drive (s_is_seated, refused), "no further seat is promised");
    cr_assert (probe_until (NULL, s_has_spare, &search));
    cr_assert_eq (s_spawn_known ("say")->pid, search.spare);
    cr_assert_not (first->ended);
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

Test (launcher, a_node_says_what_is_wrong_with_the_program)
{
    s_child_t child = { .rc = 0 };
    s_begin_node (0, "/nowhere/program");
    cr_assert_eq (s_place_process (&child, "exit 0"), ZANNI_ESYSTEM);
    cr_assert (strstr (child.error.text, "/nowhere/program: No such file"), "%s", child.error.text);
    cr_assert_eq (zanni_destroy (&s_self), 0);
}

/* One that may be followed by another; where it is to listen, or "". */
static s_child_t *
s_ask_for_one_of_many (const char *brief, const char *endpoint)
{
    s_child_t *child = &s_all [s_count];
    memset (child, 0, sizeof *child);
    child->process = (zanni_process_t) {
        .node = { (uint8_t) s_count }, .incarnation = 7, .brief = brief, .brief_size = strlen (brief), .keeps = true,
        .error = &child->error
    };
    snprintf (child->process.endpoint, sizeof child->process.endpoint, "%s", endpoint);
    s_count++;
    zanni__children_start (s_children, &child->process, child);
    cr_assert (s_drive (s_is_answered, child));
    cr_assert_eq (child->rc, 0, "%s", child->error.text);
    return child;
}

/* A connection; -1: nobody listens there. */
static int
s_dial (const char *endpoint)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf (address.sun_path, sizeof address.sun_path, "%s", endpoint + strlen ("ipc://"));
    if (!connect (fd, (const struct sockaddr *) &address, sizeof address))
        return fd;
    close (fd);
    return -1;
}

static bool
s_is_free (const s_child_t *child)
{
    int fd = s_dial (child->process.endpoint);
    if (fd >= 0)
        close (fd);
    return fd < 0;
}

Test (launcher, who_dials_where_one_has_crashed_gets_the_next_one)
{
    s_open ();
    s_child_t *before = s_ask_for_one_of_many ("signal 11", "");
    for (int i = 0; i < 3; i++) {
        char line [128] = "";
        cr_assert (s_drive (s_has_ended, before));
        cr_assert (before->kept);
        int fd = s_dial (before->process.endpoint);
        cr_assert_geq (fd, 0);
        s_child_t *next = s_ask_for_one_of_many ("say", before->process.endpoint);
        cr_assert_str_eq (next->process.endpoint, before->process.endpoint);
        cr_assert (probe_readable (fd, S_LIMIT_S * 1000));
        cr_assert_gt (read (fd, line, sizeof line - 1), 0);
        cr_assert_gt (atoi (line), 0);
        close (fd);
        before = next;
    }
    cr_assert (s_drive (s_has_ended, before));
    zanni__children_forget (s_children, before->process.endpoint);
    cr_assert (s_drive (s_is_free, before));
    s_child_t *late = s_ask_for_one_of_many ("say", before->process.endpoint);
    cr_assert (s_drive (s_has_ended, late));
    cr_assert_eq (late->reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_not (late->kept);
    s_close ();
}
