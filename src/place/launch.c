/* A launcher is this program, or the one that options name, run with the mark in its environment and one socket. */

#include "launch.h"
#include "launcher.h"

#include "../base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define S_LAUNCHER_FD 3          // of the launcher's own
#define S_TEXT_OF(value) S_TEXT_OF_2 (value)
#define S_TEXT_OF_2(value) #value
#define S_MARK ZANNI__LAUNCHER_VARIABLE "=" S_TEXT_OF (S_LAUNCHER_FD)

extern char **environ;

static size_t
s_length (const char *const *texts)
{
    size_t length = 0;
    while (texts && texts [length])
        length++;
    return length;
}

/* argv and behind it environ, in one piece; borrows all texts. `environment_p` is where that begins. */
static char **
s_words (const char *name, const char *const *arguments, char ***environment_p)
{
    size_t given = s_length (arguments);
    size_t variables = s_length ((const char *const *) environ);
    const char **words = zanni__malloc ((given + variables + 4) * sizeof *words);
    size_t at = 0;
    if (!words)
        return NULL;
    words [at++] = name;
    for (size_t i = 0; i < given; i++)
        words [at++] = arguments [i];
    words [at++] = NULL;
    *environment_p = (char **) (void *) (words + at);
    for (size_t i = 0; i < variables; i++)
        if (strncmp (environ [i], ZANNI__LAUNCHER_VARIABLE "=", sizeof ZANNI__LAUNCHER_VARIABLE))
            words [at++] = environ [i];
    words [at++] = S_MARK;
    words [at] = NULL;
    return (char **) (void *) words;   // posix_spawn only reads them
}

int
zanni__launch_run (const char *program, const char *name, const char *const *arguments, int fd, pid_t *pid_p)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    char **environment = NULL;
    char **words = s_words (name, arguments, &environment);
    if (!words)
        return ENOMEM;
    sigfillset (&all);
    sigemptyset (&none);
    posix_spawnattr_init (&attributes);
    posix_spawnattr_setflags (&attributes,
                              POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigdefault (&attributes, &all);
    posix_spawnattr_setsigmask (&attributes, &none);
    posix_spawnattr_setpgroup (&attributes, 0);
    posix_spawn_file_actions_init (&actions);
    int error = posix_spawn_file_actions_adddup2 (&actions, fd, S_LAUNCHER_FD);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np (&actions, S_LAUNCHER_FD + 1);
    if (!error)
        error = posix_spawnp (pid_p, program ? program : "/proc/self/exe", &actions,
                              &attributes, words, environment);
    posix_spawn_file_actions_destroy (&actions);
    posix_spawnattr_destroy (&attributes);
    zanni__free (words);
    return error;
}

/* What main did before it came here must not reach the children: handlers, and half-written lines. */
void
zanni__launch_settle (void)
{
    int fd;
    for (int number = 1; number < NSIG; number++)
        (void) signal (number, SIG_DFL);
    fflush (NULL);
    while ((fd = open ("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
        continue;   // no socket may pass for an output
    if (fd >= 0)
        close (fd);
    (void) prctl (PR_SET_NAME, "zanni launcher");
}
