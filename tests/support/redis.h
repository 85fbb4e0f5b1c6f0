/* redis.h: a Redis server of a test's own, in a folder of its own, which keeps nothing and ends with whoever started it. */

#ifndef TESTS_SUPPORT_REDIS_H
#define TESTS_SUPPORT_REDIS_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Replaces the process. `option`: one more with its value, or NULL. */
static inline void
redis_become (const char *directory, int log, const char *option, const char *value)
{
    char path [200];
    snprintf (path, sizeof path, "%s/socket", directory);
    (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
    (void) dup2 (log, STDOUT_FILENO);
    execlp ("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir",
            directory, option, value, (char *) NULL);
    _exit (127);
}

/* The server listens on FOLDER/socket when this is done: its log says so, or ends with it. -1: there is none. */
static inline pid_t
redis_start (const char *directory, const char *option, const char *value)
{
    int fds [2];
    char line [256] = "";
    if (pipe2 (fds, O_CLOEXEC))
        return -1;
    pid_t pid = fork ();
    if (!pid)
        redis_become (directory, fds [1], option, value);
    close (fds [1]);
    FILE *log = fdopen (fds [0], "r");
    bool good = pid > 0 && log;
    while (good && !strstr (line, "eady to accept"))
        good = fgets (line, sizeof line, log) != NULL;
    if (log)
        fclose (log);
    return good ? pid : -1;
}

static inline void
redis_stop (pid_t *pid)
{
    if (*pid > 0) {
        (void) kill (*pid, SIGKILL);
        (void) waitpid (*pid, NULL, 0);
    }
    *pid = 0;
}

#endif
