/* The runtime directory: whose it is, leases in it, and what the dead leave. Each test has a folder of its own for the
   system's, and finds it empty in the end. */

#include "base/rundir.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zanni/error.h>

static char s_folder [SCRATCH_PATH];                        // what the system would give
static char s_directory [SCRATCH_PATH + sizeof "/zanni"];   // ours in it
static const uint8_t s_tag [8] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
static const uint8_t s_other_tag [8] = { 1 };

static void
make_folder (void)
{
    cr_assert (scratch_runtime (s_folder, s_directory));
}

static void
remove_folder (void)
{
    (void) rmdir (s_directory);
    cr_assert_eq (rmdir (s_folder), 0, "%s is not empty", s_folder);
}

TestSuite (rundir, .init = make_folder, .fini = remove_folder);

static bool
exists (const char *name)
{
    char path [192];
    snprintf (path, sizeof path, "%s/%s", s_directory, name);
    return access (path, F_OK) == 0;
}

static void
touch (const char *name)
{
    char path [192];
    snprintf (path, sizeof path, "%s/%s", s_directory, name);
    int fd = open (path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert_geq (fd, 0);
    close (fd);
}

static mode_t
mode_of (const char *path)
{
    struct stat status;
    cr_assert_eq (lstat (path, &status), 0);
    return status.st_mode & 07777;
}

static bool
dial (const char *endpoint)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf (address.sun_path, sizeof address.sun_path, "%s", endpoint + strlen ("ipc://"));
    bool good = fd >= 0 && !connect (fd, (const struct sockaddr *) &address, sizeof address);
    close (fd);
    return good;
}

static zanni__lease_t *
lease_of (const uint8_t tag [8])
{
    zanni__lease_t *lease = NULL;
    const char *why = "";
    int rc = zanni__lease_new (&lease, tag, &why);
    cr_assert_eq (rc, 0, "%d: %s", rc, why);
    return lease;
}

/* Runs `program` in a child that then ends without cleaning up. */
static void
in_dying_child (void (*program) (void))
{
    pid_t pid = fork ();
    if (!pid) {
        program ();
        (void) kill (getpid (), SIGKILL);
    }
    cr_assert_eq (waitpid (pid, NULL, 0), pid);
}

static const char *
fault (void)
{
    zanni__lease_t *lease = NULL;
    const char *why = "";
    cr_assert_eq (zanni__lease_new (&lease, s_tag, &why), ZANNI_ESYSTEM);
    cr_assert_null (lease);
    return why;
}

Test (rundir, directory_lock_and_sockets_are_the_users_alone_whatever_the_umask)
{
    const mode_t masks [] = { 022, 0, 0777 };
    for (int i = 0; i < 3; i++) {
        zanni__seat_t seat;
        umask (masks [i]);
        zanni__lease_t *lease = lease_of (s_tag);
        cr_assert_eq (zanni__lease_listen (lease, &seat), 0);
        cr_assert_eq (umask (022), masks [i]);
        cr_assert_eq (mode_of (s_directory), 0700);
        cr_assert_eq (mode_of (seat.endpoint + strlen ("ipc://")), 0600);
        cr_assert (exists ("0123456789abcdef.lock"));
        cr_assert (exists ("0123456789abcdef-0"));
        cr_assert (fcntl (seat.fd, F_GETFD) & FD_CLOEXEC);
        zanni__seat_close (&seat);
        zanni__lease_destroy (&lease);
        cr_assert_null (lease);
        cr_assert_eq (scratch_entries (s_directory), 0);
        cr_assert_eq (rmdir (s_directory), 0);
    }
}

Test (rundir, a_symbolic_link_is_refused)
{
    char target [96];
    snprintf (target, sizeof target, "%s/target", s_folder);
    cr_assert_eq (mkdir (target, 0700), 0);
    cr_assert_eq (symlink (target, s_directory), 0);
    cr_assert (strstr (fault (), "symbolic link"));
    zanni__rundir_sweep ();
    cr_assert_eq (unlink (s_directory), 0);
    cr_assert_eq (rmdir (target), 0);
}

Test (rundir, a_directory_that_is_open_to_others_is_refused)
{
    cr_assert_eq (mkdir (s_directory, 0700), 0);
    cr_assert_eq (chmod (s_directory, 0750), 0);
    cr_assert (strstr (fault (), "0700"));
}

Test (rundir, a_directory_of_another_user_is_refused)
{
    if (geteuid ())
        return;   // only root can give it away
    cr_assert_eq (mkdir (s_directory, 0700), 0);
    cr_assert_eq (chown (s_directory, 12345, (gid_t) -1), 0);
    cr_assert (strstr (fault (), "another user"));
}

Test (rundir, a_file_in_its_place_is_refused)
{
    int fd = open (s_directory, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close (fd);
    cr_assert (strstr (fault (), "cannot be opened"));
    cr_assert_eq (unlink (s_directory), 0);
}

/* Where the system's folder is no good, /tmp/zanni-<uid> serves. */
Test (rundir, a_bad_folder_of_the_systems_is_not_used)
{
    char tmp [48];
    char much [200];
    memset (much, 'x', sizeof much - 1);
    much [0] = '/';
    much [sizeof much - 1] = 0;
    const char *folders [] = { NULL, "", "relative", "/nowhere/at/all", much };
    snprintf (tmp, sizeof tmp, "ipc:///tmp/zanni-%u/", geteuid ());
    for (int i = 0; i < 5; i++) {
        zanni__seat_t seat;
        cr_assert_eq (folders [i] ? setenv ("XDG_RUNTIME_DIR", folders [i], 1) : unsetenv ("XDG_RUNTIME_DIR"), 0);
        zanni__lease_t *lease = lease_of (s_tag);
        cr_assert_eq (zanni__lease_listen (lease, &seat), 0);
        cr_assert_eq (strncmp (seat.endpoint, tmp, strlen (tmp)), 0, "%s", seat.endpoint);
        zanni__seat_close (&seat);
        zanni__lease_destroy (&lease);
    }
}

Test (rundir, endpoints_are_different_short_and_answer_until_they_are_given_back)
{
    zanni__seat_t seats [20];
    zanni__lease_t *lease = lease_of (s_tag);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq (zanni__lease_listen (lease, &seats [i]), 0);
        cr_assert (dial (seats [i].endpoint));
        for (int j = 0; j < i; j++)
            cr_assert_str_neq (seats [i].endpoint, seats [j].endpoint);
    }
    zanni__lease_unlisten (lease, seats [7].endpoint);
    zanni__lease_unlisten (lease, seats [7].endpoint);
    cr_assert_not (dial (seats [7].endpoint));
    cr_assert (dial (seats [8].endpoint));
    cr_assert_eq (scratch_entries (s_directory), 39);
    zanni__lease_destroy (&lease);
    cr_assert_eq (scratch_entries (s_directory), 0);
    for (int i = 0; i < 20; i++)
        zanni__seat_close (&seats [i]);
    zanni__lease_destroy (&lease);
}

Test (rundir, only_its_own_endpoints_are_given_back)
{
    zanni__seat_t seat;
    char path [128];
    zanni__lease_t *lease = lease_of (s_tag);
    zanni__lease_t *other = lease_of (s_other_tag);
    cr_assert_eq (zanni__lease_listen (other, &seat), 0);
    zanni__lease_unlisten (lease, seat.endpoint);
    snprintf (path, sizeof path, "ipc://%s/0123456789abcdef.lock", s_directory);
    zanni__lease_unlisten (lease, path);
    zanni__lease_unlisten (lease, "tcp://127.0.0.1:5555");
    zanni__lease_unlisten (lease, "");
    cr_assert_eq (scratch_entries (s_directory), 4);
    zanni__lease_destroy (&lease);
    cr_assert (dial (seat.endpoint));
    zanni__lease_destroy (&other);
    zanni__seat_close (&seat);
}

Test (rundir, a_tag_is_held_once)
{
    zanni__lease_t *lease = lease_of (s_tag);
    cr_assert (strstr (fault (), "another process"));
    zanni__lease_destroy (&lease);
    lease = lease_of (s_tag);
    zanni__lease_destroy (&lease);
}

static void
leave_three (void)
{
    zanni__seat_t seat;
    zanni__lease_t *lease = NULL;
    if (!zanni__lease_new (&lease, s_tag, NULL))
        for (int i = 0; i < 3; i++)
            (void) zanni__lease_listen (lease, &seat);
}

Test (rundir, what_the_dead_left_is_swept_and_what_lives_is_not)
{
    zanni__seat_t seat;
    in_dying_child (leave_three);
    cr_assert_eq (scratch_entries (s_directory), 7);
    zanni__lease_t *lease = lease_of (s_other_tag);   // sweeps, too
    cr_assert_eq (scratch_entries (s_directory), 1);
    cr_assert_eq (zanni__lease_listen (lease, &seat), 0);
    in_dying_child (leave_three);
    zanni__rundir_sweep ();
    cr_assert_eq (scratch_entries (s_directory), 3);
    cr_assert (dial (seat.endpoint));
    zanni__lease_destroy (&lease);
    zanni__seat_close (&seat);
}

Test (rundir, sockets_whose_lock_is_gone_are_swept_and_strangers_files_are_not)
{
    const char *strangers [] = { "notes.txt", "0123456789abcdef-x", "0123456789abcdef-1", "0123456789ABCDEF.lock",
                                 "0123456789abcdef", "abc.lock", "0123456789abcdef0.lock" };
    char path [128];
    in_dying_child (leave_three);
    snprintf (path, sizeof path, "%s/0123456789abcdef.lock", s_directory);
    cr_assert_eq (unlink (path), 0);
    snprintf (path, sizeof path, "%s/0123456789abcdef-1", s_directory);
    cr_assert_eq (unlink (path), 0);
    for (int i = 0; i < 7; i++)
        touch (strangers [i]);   // a socket's name on a plain file, too
    cr_assert_eq (scratch_entries (s_directory), 12);
    zanni__rundir_sweep ();
    cr_assert_eq (scratch_entries (s_directory), 7);
    for (int i = 0; i < 7; i++) {
        cr_assert (exists (strangers [i]));
        snprintf (path, sizeof path, "%s/%s", s_directory, strangers [i]);
        cr_assert_eq (unlink (path), 0);
    }
}

/* A process that the holder forked may forget the lease, and its end takes nothing away. */
static zanni__lease_t *s_parents;

static void
forget (void)
{
    zanni__lease_forget (&s_parents);
    if (s_parents)
        abort ();
    zanni__rundir_sweep ();
}

Test (rundir, a_forked_child_that_forgets_takes_nothing_away)
{
    zanni__seat_t seat;
    s_parents = lease_of (s_tag);
    cr_assert_eq (zanni__lease_listen (s_parents, &seat), 0);
    in_dying_child (forget);
    cr_assert_eq (scratch_entries (s_directory), 3);
    zanni__rundir_sweep ();
    cr_assert_eq (scratch_entries (s_directory), 3);
    zanni__lease_destroy (&s_parents);
    zanni__seat_close (&seat);
}

/* Sweepers and makers at once: no lease and no socket of the living is lost. */
#define LEASES 200

static void *
use_leases (void *argument)
{
    uint8_t tag [8] = { 0 };
    tag [0] = (uint8_t) (uintptr_t) argument;   // the same again and again, so that sweepers meet it
    for (int i = 0; i < LEASES; i++) {
        zanni__seat_t seat;
        zanni__lease_t *lease = lease_of (tag);
        cr_assert_eq (zanni__lease_listen (lease, &seat), 0);
        zanni__rundir_sweep ();
        cr_assert (dial (seat.endpoint));
        zanni__seat_close (&seat);
        zanni__lease_destroy (&lease);
    }
    return NULL;
}

Test (rundir, makers_and_sweepers_do_not_disturb_each_other)
{
    pthread_t threads [4];
    for (uintptr_t i = 0; i < 4; i++)
        cr_assert_eq (pthread_create (&threads [i], NULL, use_leases, (void *) (i + 1)), 0);
    for (int i = 0; i < 4; i++)
        pthread_join (threads [i], NULL);
    cr_assert_eq (scratch_entries (s_directory), 0);
}

static void *
sweep (void *argument)
{
    zanni__rundir_sweep ();
    return argument;
}

/* Each may find the other's lock, but what one of them passes by the other has swept. */
Test (rundir, two_sweepers_leave_nothing)
{
    for (int round = 0; round < 300; round++) {
        pthread_t threads [2];
        in_dying_child (leave_three);
        for (int i = 0; i < 2; i++)
            cr_assert_eq (pthread_create (&threads [i], NULL, sweep, NULL), 0);
        for (int i = 0; i < 2; i++)
            pthread_join (threads [i], NULL);
        cr_assert_eq (scratch_entries (s_directory), 0, "something is left in round %d", round);
    }
}

Test (rundir, without_a_directory_there_is_nothing_to_sweep)
{
    zanni__rundir_sweep ();
    cr_assert_neq (access (s_directory, F_OK), 0);
}
