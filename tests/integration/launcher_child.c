/* A program whose children do what their brief says, in place of a node of zanni's:

       exit CODE | signal NUMBER | report CODE TEXT | print | heed | stubborn | say | list

   `heed` ends with 0 when it is told to stop, `stubborn` does not; both, `say` and `list` accept one connection at their
   endpoint first and write a line: "PID LAUNCHER-PID", or for `list` what each of their descriptors is. The program's own
   arguments: `mute` returns from main at once, `hang` never does, `loud` shows that arguments come through. */

#include "place/launcher.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zanni/error.h>

static const char *s_argument = "";

static int
s_accept (const zanni__birth_t *birth)
{
    struct pollfd items [] = { { birth->seat->fd, POLLIN, 0 }, { birth->control_fd, POLLIN, 0 } };
    if (poll (items, 2, -1) < 1 || !items [0].revents)
        return -1;
    return accept (birth->seat->fd, NULL, NULL);
}

static int
s_say (const zanni__birth_t *birth)
{
    char line [128];
    int fd = s_accept (birth);
    int size = snprintf (line, sizeof line, "%d %d %s\n", getpid (), getppid (), s_argument);
    ssize_t written = fd < 0 ? -1 : write (fd, line, (size_t) size);
    close (fd);
    return written == size ? 0 : 90;
}

static int
s_list (const zanni__birth_t *birth)
{
    char path [320], target [128];
    int fd = s_accept (birth);
    DIR *folder = opendir ("/proc/self/fd");
    for (struct dirent *entry; folder && (entry = readdir (folder));) {
        int number = atoi (entry->d_name);
        if (*entry->d_name == '.' || number == dirfd (folder) || number == fd)
            continue;
        snprintf (path, sizeof path, "/proc/self/fd/%d", number);
        ssize_t size = readlink (path, target, sizeof target - 1);
        if (size < 0)
            continue;   // ZeroMQ closed it just now
        target [size] = 0;
        dprintf (fd, "%s %s\n", number == birth->seat->fd || number == birth->seat->lane_fd ? "listen"
                                : number == birth->control_fd ? "control"
                                : number < 3                  ? "standard"
                                                              : "other", target);
    }
    sigset_t blocked;
    sigprocmask (SIG_SETMASK, NULL, &blocked);
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigismember (&blocked, number) == 1 || (!sigaction (number, NULL, &action) && action.sa_handler != SIG_DFL))
            dprintf (fd, "signal %d\n", number);
    }
    return 0;
}

static int
s_stay (const zanni__birth_t *birth, int heeds)
{
    char word [16];
    int code = s_say (birth);
    while (!code) {
        ssize_t size;
        struct pollfd item = { birth->control_fd, POLLIN, 0 };
        (void) poll (&item, 1, -1);
        size = read (birth->control_fd, word, sizeof word);
        if (heeds && size == 4 && !memcmp (word, "stop", 4))
            return 0;
        if (size <= 0)
            return 91;
    }
    return code;
}

static int
s_signal (int number)
{
    (void) prctl (PR_SET_DUMPABLE, 0);   // no core file
    (void) kill (getpid (), number);
    return 92;
}

static int
s_report (const zanni__birth_t *birth, const char *text)
{
    char *rest;
    long code = strtol (text, &rest, 10);
    zanni__birth_failed (birth, (int) code, rest + 1);
    return 5;
}

static int
s_child (zanni__birth_t *birth)
{
    char brief [512];
    zanni__birth_await (birth);
    size_t size = birth->brief_size < sizeof brief ? birth->brief_size : sizeof brief - 1;
    memcpy (brief, birth->brief, size);
    brief [size] = 0;
    if (!strncmp (brief, "exit ", 5))
        return atoi (brief + 5);
    if (!strncmp (brief, "signal ", 7))
        return s_signal (atoi (brief + 7));
    if (!strncmp (brief, "report ", 7))
        return s_report (birth, brief + 7);
    if (!strcmp (brief, "list"))
        return s_list (birth);
    if (!strcmp (brief, "say"))
        return s_say (birth);
    if (!strcmp (brief, "print"))
        return printf ("a line\n") < 0;
    return s_stay (birth, !strcmp (brief, "heed"));
}

int
main (int argc, char **argv)
{
    const char *argument = argc > 1 ? argv [1] : "";
    if (!strcmp (argument, "mute"))
        return 0;
    while (!strcmp (argument, "hang"))
        pause ();
    if (argc > 1)
        s_argument = argument;
    (void) signal (SIGUSR1, SIG_IGN);   // does not reach the children
    int fd = zanni__launcher_fd ();
    if (fd < 0 || getenv (ZANNI__LAUNCHER_VARIABLE) || zanni__launcher_fd () >= 0)
        return 2;
    _exit (zanni__launcher_main (fd, s_child));
}
