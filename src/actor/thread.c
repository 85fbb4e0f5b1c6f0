/* Which thread is which. Every thread has a token, the address of a variable of its own; a worker remembers the token of
   the thread that drives it. A child of fork keeps the thread that forked, with the same address, so the child's copy of
   the token is cleared by a fork handler and nothing fits any more. */

#include "worker.h"

#include <unistd.h>

_Thread_local const void *zanni__thread_token __attribute__ ((tls_model ("initial-exec")));
static _Thread_local char s_mark;
static pthread_once_t s_once = PTHREAD_ONCE_INIT;

static void
s_in_child (void)
{
    zanni__thread_token = NULL;
}

static void
s_watch_forks (void)
{
    (void) pthread_atfork (NULL, NULL, s_in_child);
}

const void *
zanni__thread_enter (void)
{
    pthread_once (&s_once, s_watch_forks);
    zanni__thread_token = &s_mark;
    return &s_mark;
}

int
zanni__wrong_thread (const zanni_worker_t *worker)
{
    if (worker->thread && worker->thread == zanni__thread_token)
        return 0;
    return getpid () == worker->node->pid ? ZANNI_ETHREAD : ZANNI_EFORK;
}
