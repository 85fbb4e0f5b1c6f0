/* One thread a connection, for some never end. A script may be changed while it is read: a test changes it between two of
   its questions only. */

#include "liar.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static liar_script_t *s_script;

/* The next request: its path. false: the connection has ended. */
static bool
s_read (int fd, char path [64])
{
    static const char length_is [] = "Content-Length: ";
    char head [8192];
    size_t size = 0;
    const char *end = NULL;
    while (!end && size < sizeof head - 1) {
        ssize_t got = recv (fd, head + size, sizeof head - 1 - size, 0);
        if (got <= 0)
            return false;
        size += (size_t) got;
        head [size] = 0;
        end = strstr (head, "\r\n\r\n");
    }
    const char *length = strstr (head, length_is);
    if (!end || !length || sscanf (head, "POST %63s", path) != 1)
        return false;
    size_t left = (size_t) atol (length + strlen (length_is)), has = size - (size_t) (end + 4 - head);
    while (left > has) {
        ssize_t got = recv (fd, head, left - has < sizeof head ? left - has : sizeof head, 0);
        if (got <= 0)
            return false;
        has += (size_t) got;
    }
    return true;
}

/* Whether the connection goes on. */
static bool
s_answer (int fd, const liar_answer_t *answer)
{
    bool good = send (fd, answer->text, strlen (answer->text), MSG_NOSIGNAL) > 0;
    for (unsigned i = 0; good && i < answer->repeat; i++)
        good = send (fd, answer->again, strlen (answer->again), MSG_NOSIGNAL) > 0;
    char none;
    while (good && answer->hold && recv (fd, &none, 1, 0) > 0)
        continue;
    return good && !answer->hold && strstr (answer->text, "Content-Length: ") && !answer->repeat;
}

static void *
s_serve (void *context)
{
    int fd = (int) (intptr_t) context;
    char path [64] = "";
    bool on = true;
    while (on && s_read (fd, path)) {
        __atomic_add_fetch (&s_script->asked, 1, __ATOMIC_RELAXED);
        const liar_answer_t *answer = s_script->answers;
        while (*answer->path && strcmp (answer->path, path))
            answer++;
        on = *answer->path && s_answer (fd, answer);
    }
    close (fd);
    return NULL;
}

static void
s_run (int listener)
{
    pthread_attr_t attributes;
    pthread_attr_init (&attributes);
    pthread_attr_setdetachstate (&attributes, PTHREAD_CREATE_DETACHED);
    for (;;) {
        pthread_t thread;
        int fd = accept (listener, NULL, NULL);
        if (fd >= 0 && pthread_create (&thread, &attributes, s_serve, (void *) (intptr_t) fd))
            close (fd);
    }
}

int
liar_start (liar_t *liar)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s_script = mmap (NULL, sizeof *s_script, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (fd < 0 || s_script == MAP_FAILED || bind (fd, (struct sockaddr *) &address, size) || listen (fd, 64)
        || getsockname (fd, (struct sockaddr *) &address, &size))
        return -1;
    *liar = (liar_t) { .pid = fork (), .port = ntohs (address.sin_port), .script = s_script };
    if (!liar->pid) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        s_run (fd);
    }
    close (fd);
    return liar->pid > 0 ? 0 : -1;
}

void
liar_end (liar_t *liar)
{
    (void) kill (liar->pid, SIGKILL);
    (void) waitpid (liar->pid, NULL, 0);
    (void) munmap (liar->script, sizeof *liar->script);
}

liar_answer_t *
liar_says_raw (liar_t *liar, const char *path, const char *bytes)
{
    liar_answer_t *answer = liar->script->answers;
    while (*answer->path && strcmp (answer->path, path))
        answer++;
    *answer = (liar_answer_t) { .repeat = 0 };
    snprintf (answer->text, sizeof answer->text, "%s", bytes);
    snprintf (answer->path, sizeof answer->path, "%s", path);
    return answer;
}

void
liar_says (liar_t *liar, const char *path, const char *body)
{
    char bytes [LIAR_TEXT];
    snprintf (bytes, sizeof bytes, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
              strlen (body), body);
    (void) liar_says_raw (liar, path, bytes);
}
