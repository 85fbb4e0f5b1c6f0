/* Nothing is left behind, however a host, its launcher or its processes end: no process, no socket, no lock, no descriptor.

   A host is a program of its own here, which the test forks, so that it can be ended in every way; it uses zanni only in
   there. It says which processes it has (the launcher and whoever descends from it), and does what it was told with a byte
   on a pipe. */

#include "process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

CLASSES (&worker_class);

static void
set_up_folder (void)
{
    make_folder ();
}

TestSuite (left, .init = set_up_folder, .fini = remove_folder, .timeout = LONG_TIMEOUT);

#define PROCESSES 64

typedef struct {
    pid_t host, launcher;
    pid_t worker;               // one of the processes
    int host_fd;
    int fds [PROCESSES];        // of the launcher, and of all that descends from it
    int count;
    int order;                  // a byte written here is an order
} host_t;

/* What a host does on an order. */
static int
obey (char order, zanni_t *self, zanni_ref_t *worker)
{
    switch (order) {
    case 'd':
        return zanni_destroy (&self) ? 3 : 0;
    case 'x':
        exit (1);
    case 'a':
        abort ();
    case 'r':
        zanni_ref_destroy (&worker);
        return zanni_run (self, -1) ? 4 : 0;
    default:
        return 5;
    }
}

/* Three processes, and one more of the first. */
static int
be_host (int report, int order)
{
    zanni_t *self = NULL;
    zanni_ref_t *refs [3] = { NULL };
    zanni_msg_t *reply = NULL;
    const zanni_spawn_t options = { .place = ZANNI_PROCESS };
    int64_t pids [2] = { 0 };
    char byte = 0;
    int rc = zanni_new (&self, NULL);
    for (int i = 0; !rc && i < 3; i++)
        rc = zanni_spawn (self, &refs [i], "worker", &options, 0);
    if (!rc)
        rc = zanni_call (self, &reply, refs [0], "spawn", (int) ZANNI_PROCESS);
    zanni_msg_destroy (&reply);
    for (int i = 0; !rc && i < 2; i++) {
        rc = zanni_call (self, &reply, refs [1], i ? "parent" : "pid");
        if (!rc)
            rc = zanni_read (reply, &pids [i]);
        zanni_msg_destroy (&reply);
    }
    if (rc || write (report, pids, sizeof pids) != sizeof pids)
        return 6;
    return read (order, &byte, 1) == 1 ? obey (byte, self, refs [1]) : 7;
}

/* The parent of a process and its state; false: there is none. */
static bool
look_at (pid_t pid, pid_t *parent, char *state)
{
    char path [64], line [512];
    int number = 0;
    snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
    FILE *file = fopen (path, "r");
    if (!file)
        return false;
    char *rest = fgets (line, sizeof line, file) ? strrchr (line, ')') : NULL;
    (void) fclose (file);
    if (!rest || sscanf (rest + 1, " %c %d", state, &number) != 2)
        return false;
    *parent = (pid_t) number;
    return true;
}

static bool
descends_from (pid_t pid, pid_t elder)
{
    char state;
    for (int depth = 0; pid > 1 && depth < 16; depth++) {
        if (pid == elder)
            return true;
        if (!look_at (pid, &pid, &state))
            return false;
    }
    return false;
}

/* Calls for each process of the system. */
static int
count_processes (bool (*holds) (pid_t pid, void *context), void *context)
{
    int count = 0;
    DIR *handle = opendir ("/proc");
    cr_assert_not_null (handle);
    for (struct dirent *entry; (entry = readdir (handle));) {
        pid_t pid = (pid_t) atoi (entry->d_name);
        count += pid > 0 && holds (pid, context);
    }
    closedir (handle);
    return count;
}

static bool
note_descendant (pid_t pid, void *context)
{
    host_t *host = context;
    if (host->count == PROCESSES || !descends_from (pid, host->launcher))
        return false;
    int fd = (int) syscall (SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return false;   // it has ended
    host->fds [host->count++] = fd;
    return true;
}

static void
start_host (host_t *host, int (*program) (int report, int order))
{
    int report [2], order [2];
    int64_t pids [2] = { 0 };
    cr_assert_eq (pipe2 (report, O_CLOEXEC) + pipe2 (order, O_CLOEXEC), 0);
    memset (host, 0, sizeof *host);
    fflush (NULL);
    host->host = fork ();
    if (!host->host) {
        close (report [0]);
        close (order [1]);
        _exit (program (report [1], order [0]));
    }
    close (report [1]);
    close (order [0]);
    host->host_fd = open_pid (host->host);
    host->order = order [1];
    cr_assert_eq (read (report [0], pids, sizeof pids), (ssize_t) sizeof pids, "the host has failed");
    close (report [0]);
    host->worker = (pid_t) pids [0];
    host->launcher = (pid_t) pids [1];
    cr_assert_geq (count_processes (note_descendant, host), 6);   // two launchers and four processes
    cr_assert_gt (scratch_entries (directory), 0);
}

static void
signal_to_all (const host_t *host, int number)
{
    for (int i = 0; i < host->count; i++)
        (void) syscall (SYS_pidfd_send_signal, host->fds [i], number, NULL, 0);
}

static void
order_host (const host_t *host, char order)
{
    cr_assert_eq (write (host->order, &order, 1), 1);
}

/* All are gone; with what status the host ended is the answer. */
static int
expect_end_of (host_t *host)
{
    int status = 0;
    expect_gone (host->host_fd);
    cr_assert_eq (waitpid (host->host, &status, 0), host->host);
    for (int i = 0; i < host->count; i++)
        expect_gone (host->fds [i]);
    close (host->order);
    return status;
}

Test (left, is_nothing_after_destroy)
{
    host_t host;
    start_host (&host, be_host);
    order_host (&host, 'd');
    int status = expect_end_of (&host);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0, "status %x", (unsigned) status);
    expect_no_sockets ();
}

Test (left, is_nothing_after_exit_without_destroy)
{
    host_t host;
    start_host (&host, be_host);
    order_host (&host, 'x');
    int status = expect_end_of (&host);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 1, "status %x", (unsigned) status);
    expect_no_sockets ();
}

Test (left, is_nothing_after_abort)
{
    host_t host;
    start_host (&host, be_host);
    order_host (&host, 'a');
    cr_assert (WIFSIGNALED (expect_end_of (&host)));
    expect_no_sockets ();
}

Test (left, is_nothing_when_the_host_is_killed)
{
    for (int round = 0; round < (LONG ? 100 : 5); round++) {
        host_t host;
        start_host (&host, be_host);
        signal_to (host.host, SIGKILL);
        cr_assert (WIFSIGNALED (expect_end_of (&host)));
        expect_no_sockets ();
    }
}

/* The host goes on, without any process. */
Test (left, is_nothing_of_a_launcher_that_is_killed)
{
    host_t host;
    start_host (&host, be_host);
    signal_to (host.launcher, SIGKILL);
    for (int i = 0; i < host.count; i++)
        expect_gone (host.fds [i]);
    host.count = 0;
    cr_assert (!is_gone (host.host_fd));
    order_host (&host, 'd');
    int status = expect_end_of (&host);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0, "status %x", (unsigned) status);
    expect_no_sockets ();
}

Test (left, is_nothing_of_a_process_that_is_killed)
{
    host_t host;
    start_host (&host, be_host);
    int worker = open_pid (host.worker);   // before it is reaped
    signal_to (host.worker, SIGKILL);
    expect_gone (worker);
    order_host (&host, 'd');
    int status = expect_end_of (&host);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0, "status %x", (unsigned) status);
    expect_no_sockets ();
}

/* Nobody who could clean up lives: the next node does. */
Test (left, is_swept_at_the_next_start_where_nobody_could_clean_up)
{
    host_t host;
    start_host (&host, be_host);
    signal_to (host.host, SIGSTOP);
    signal_to_all (&host, SIGSTOP);
    signal_to_all (&host, SIGKILL);
    signal_to (host.host, SIGKILL);
    (void) expect_end_of (&host);
    int stale = scratch_entries (directory);
    cr_assert_gt (stale, 0, "there is nothing to sweep");
    begin ((zanni_options_t) { 0 });
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (1);
    cr_assert_eq (call_int (ref, "add", 1), 2);
    zanni_ref_destroy (&ref);
    end ();
    expect_no_sockets ();
}

/* What the living have is not touched by those who sweep. */
Test (left, is_not_what_another_node_still_uses)
{
    host_t host;
    start_host (&host, be_host);
    for (int round = 0; round < 3; round++) {
        begin ((zanni_options_t) { 0 });
        ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (1);
        cr_assert_eq (call_int (ref, "add", 1), 2);
        zanni_ref_destroy (&ref);
        end ();
    }
    cr_assert_gt (scratch_entries (directory), 0);
    cr_assert (!is_gone (host.host_fd));
    order_host (&host, 'd');
    int status = expect_end_of (&host);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0, "status %x", (unsigned) status);
}

/* Whatever the host's umask. */
Test (left, is_for_nobody_else_to_use)
{
    mode_t before = umask (0);
    begin ((zanni_options_t) { 0 });
    ZANNI_AUTO (zanni_ref_t) ref = spawn_worker (1);
    cr_assert_eq (umask (before), 0);
    struct stat status;
    cr_assert_eq (stat (directory, &status), 0);
    cr_assert_eq (status.st_mode & 07777, 0700);
    DIR *handle = opendir (directory);
    int sockets = 0;
    for (struct dirent *entry; (entry = readdir (handle));) {
        if (*entry->d_name == '.')
            continue;
        cr_assert_eq (fstatat (dirfd (handle), entry->d_name, &status, AT_SYMLINK_NOFOLLOW), 0);
        cr_assert_eq (status.st_mode & 077, 0, "%s has the mode %o", entry->d_name, (unsigned) status.st_mode);
        sockets += S_ISSOCK (status.st_mode);
    }
    closedir (handle);
    cr_assert_geq (sockets, 2);
    zanni_ref_destroy (&ref);
    end ();
}

static bool
is_zombie_of_ours (pid_t pid, void *context)
{
    const pid_t *parents = context;
    pid_t parent;
    char state;
    return look_at (pid, &parent, &state) && state == 'Z' && (parent == parents [0] || parent == parents [1]);
}

/* The launcher may still be about to reap the last one. */
static void
expect_no_zombies (pid_t parents [2])
{
    for (int left = DEADLINE_MS / 10; left && count_processes (is_zombie_of_ours, parents); left--)
        cr_assert_eq (zanni_run (root, 10), 0);
    cr_assert_eq (count_processes (is_zombie_of_ours, parents), 0);
}

/* The launcher may still be about to let go of the last one, or in the middle of making a spare one. */
static void
expect_at_most (const char *path, int most)
{
    for (int left = DEADLINE_MS / 10; left && scratch_entries (path) > most; left--)
        cr_assert_eq (zanni_run (root, 10), 0);
    cr_assert_leq (scratch_entries (path), most, "%d in %s, where %d may be", scratch_entries (path), path, most);
}

/* The launcher's descriptors are its own; ours and its stay as they were. */
Test (left, is_nothing_of_a_hundred_processes_that_came_and_went)
{
    begin ((zanni_options_t) { 0 });
    ZANNI_AUTO (zanni_ref_t) first = spawn_worker (0);
    pid_t parents [2] = { getpid (), (pid_t) call_int (first, "parent") };
    char theirs [64];
    int here = 0, there = 0, files = 0;
    snprintf (theirs, sizeof theirs, "/proc/%d/fd", (int) parents [1]);
    for (int round = 0; round < (LONG ? 1000 : 110); round++) {
        zanni_ref_t *ref = spawn_worker (round);
        int pidfd = pidfd_of (ref);
        uint64_t down = monitor (ref);
        if (round % 3)
            zanni_ref_destroy (&ref);
        else
            tell (ref, "raise", SIGKILL);
        (void) expect_down (down, false);
        zanni_ref_destroy (&ref);
        expect_gone (pidfd);
        if (round != 9)
            continue;
        here = scratch_entries ("/proc/self/fd");
        there = scratch_entries (theirs);
        files = scratch_entries (directory);
    }
    int spare = 5;   // of one that is there now, or not
    expect_at_most ("/proc/self/fd", here + 8);
    expect_at_most (theirs, there + spare);
    expect_at_most (directory, files + 4);
    expect_no_zombies (parents);
    zanni_ref_destroy (&first);
    end ();
    cr_assert_eq (count_processes (is_zombie_of_ours, parents), 0);
}

/* A host as they are: it listens, ignores the end of children, and takes whatever it can wait for. */
static int
be_careless_host (int report, int order)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int64_t pids [2] = { 0 };
    char byte = 0;
    signal (SIGCHLD, SIG_IGN);
    int listener = socket (AF_INET, SOCK_STREAM, 0);   // without CLOEXEC
    if (listener < 0 || bind (listener, (struct sockaddr *) &address, size) || listen (listener, 5)
        || getsockname (listener, (struct sockaddr *) &address, &size))
        return 2;
    zanni_t *self = NULL;
    zanni_ref_t *refs [2] = { NULL };
    zanni_msg_t *reply = NULL;
    uint64_t down = 0;
    const zanni_spawn_t options = { .place = ZANNI_PROCESS };
    int rc = zanni_new (&self, NULL);
    for (int i = 0; !rc && i < 2; i++)
        rc = zanni_spawn (self, &refs [i], "worker", &options, 0);
    if (!rc)
        rc = zanni_call (self, &reply, refs [0], "spawn", (int) ZANNI_PROCESS);   // so that there are as many as ever
    zanni_msg_destroy (&reply);
    if (!rc)
        rc = zanni_call (self, &reply, refs [0], "parent");
    if (!rc)
        rc = zanni_read (reply, &pids [1]);
    zanni_msg_destroy (&reply);
    pids [0] = ntohs (address.sin_port);
    close (listener);
    if (!rc)
        rc = zanni_monitor (self, &down, refs [1]);
    if (!rc)
        rc = zanni_tell (self, refs [1], "raise", SIGSEGV);
    while (waitpid (-1, NULL, WNOHANG) > 0) {}
    if (!rc)
        rc = zanni_receive (self, &reply, DEADLINE_MS);
    zanni_down_t end = { 0 };
    if (!rc)
        rc = zanni_msg_down (reply, &end);
    zanni_msg_destroy (&reply);
    if (rc || end.reason.kind != ZANNI_EXIT_SIGNAL || end.reason.code != SIGSEGV)
        return 3;
    if (write (report, pids, sizeof pids) != sizeof pids || read (order, &byte, 1) != 1)
        return 4;
    while (waitpid (-1, NULL, WNOHANG) > 0) {}
    struct sigaction action;
    if (sigaction (SIGCHLD, NULL, &action) || action.sa_handler != SIG_IGN)
        return 5;
    return obey (byte, self, refs [0]);
}

/* No process has inherited the socket: its port is free once the host has closed it. */
Test (left, is_no_socket_of_a_host_that_listens_and_ignores_its_children)
{
    host_t host;
    start_host (&host, be_careless_host);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons ((uint16_t) host.worker), .sin_addr.s_addr = htonl (INADDR_LOOPBACK)
    };
    int probe = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq (connect (probe, (struct sockaddr *) &address, sizeof address), -1);
    cr_assert_eq (errno, ECONNREFUSED);
    close (probe);
    order_host (&host, 'd');
    int status = expect_end_of (&host);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0, "status %x", (unsigned) status);
}
