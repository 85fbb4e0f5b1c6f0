/* The process of a process actor: a node of which that actor is the root.

   It runs where zanni_init was called in a child that the launcher forked, and never returns from there. Its worker is like
   that of an actor in a thread; the node goes on as long as anything in it is referred to from elsewhere. What it is to
   be stands in its brief; with which arguments it starts comes by the first session, as a SPAWN. */

#include "child.h"

#include "../base/memory.h"
#include "../place/launcher.h"
#include "brief.h"
#include "make.h"

#include "../actor/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zanni/sys/link.h>

#define S_IDS_BITS 40   // an incarnation's actors have ids of their own, but for actor 0

typedef struct {
    zanni__hook_fd_t hook;
    const zanni__birth_t *birth;
} s_control_t;

static int
s_fail (const zanni__birth_t *birth, int code, const char *what, const char *value)
{
    char text [400];
    snprintf (text, sizeof text, what, value);
    zanni__birth_failed (birth, code, text);
    return EXIT_FAILURE;
}

/* The launcher says stop, or is gone, and with it all that this process is for. */
static void
s_on_control (zanni_worker_t *worker, zanni__hook_fd_t *hook, uint32_t events)
{
    char word [16];
    ssize_t size = read (hook->fd, word, sizeof word);
    (void) events;
    if (size <= 0)
        _exit (EXIT_FAILURE);
    worker->stopping = true;
    zanni__request_end (worker, worker->owner, (zanni_reason_t) { .kind = ZANNI_EXIT_SHUTDOWN });
}

/* The actor, which waits for its start. */
static int
s_make_actor (zanni_worker_t *worker, const zanni__brief_t *brief, const zanni__class_t *cls)
{
    zanni_node_t *node = worker->node;
    zanni__identity_t *identity = zanni__identity_new (worker, cls);
    if (!identity)
        return ZANNI_ENOMEM;
    zanni__assert (!identity->id);
    atomic_store_explicit (&node->next_actor, ((brief->incarnation - 1) << S_IDS_BITS) + 1, memory_order_relaxed);
    identity->busy |= ZANNI__UNBORN;
    identity->overflow = brief->overflow;
    identity->restartable = brief->restartable;
    if (brief->limit)
        atomic_store_explicit (&identity->limit, brief->limit, memory_order_relaxed);
    if (brief->limit_bytes)
        identity->limit_bytes = brief->limit_bytes;
    zanni__worker_own (worker, identity);
    return zanni__export_as (identity, brief->own);
}

static int
s_listen (zanni_worker_t *worker, const zanni__birth_t *birth)
{
    int rc = zanni__worker_link (worker);
    if (rc)
        return rc;
    snprintf (worker->endpoint, sizeof worker->endpoint, "%s", birth->endpoint);
    return worker->node->link->listen (worker->link, worker->endpoint, birth->listen_fd);
}

static void
s_set_options (zanni_options_t *options, const zanni__brief_t *brief, const char **arguments)
{
    *options = brief->options;
    for (uint32_t i = 0; i < brief->arguments_count; i++)
        arguments [i] = brief->arguments [i];
    options->child_program = *brief->program ? brief->program : NULL;
    options->child_arguments = brief->arguments_count ? arguments : NULL;
}

static int
s_run (const zanni__birth_t *birth, const zanni__brief_t *brief, const zanni__class_t *cls)
{
    const char *arguments [ZANNI__BRIEF_ARGUMENTS + 1] = { NULL };
    zanni_options_t options;
    zanni_node_t *node;
    s_control_t control = { .hook = { .fd = birth->control_fd, .ready = s_on_control }, .birth = birth };
    s_set_options (&options, brief, arguments);
    int rc = zanni__node_new (&node, &options, brief->node, ZANNI__WORKER_PROCESS);
    if (rc)
        return s_fail (birth, rc, "the process's node cannot be made: %s", zanni_strerror (rc));
    zanni_worker_t *worker = node->root;
    node->incarnation = brief->incarnation;
    node->home = brief->home;
    zanni_worker_enter (worker);
    rc = s_make_actor (worker, brief, cls);
    if (!rc)
        rc = zanni__hook_fd_add (worker, &control.hook, EPOLLIN);
    if (!rc)
        rc = s_listen (worker, birth);
    if (rc)
        return s_fail (birth, rc, "the process cannot be reached: %s", zanni_strerror (rc));
    zanni__worker_loop (worker);
    zanni__hook_fd_remove (worker, &control.hook);
    zanni__node_unref (node);
    return zanni__node_destroy (node) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
zanni__child_main (const zanni__birth_t *birth)
{
    zanni_error_t fault;
    zanni__brief_t *brief = zanni__malloc (sizeof *brief);
    if (!brief || !zanni__brief_read (brief, birth->brief, birth->brief_size))
        return s_fail (birth, ZANNI_EINVAL, "the program is of another version of zanni than its spawner%s", "");
    if (zanni__class_fault (&fault))
        return s_fail (birth, fault.code, "%s", fault.text);
    const zanni__class_t *cls = zanni__class_find (brief->cls);
    if (!cls)
        return s_fail (birth, ZANNI_ENOCLASS, "no such class in the process: %.60s; does its program give it to zanni_init?",
                       brief->cls);
    int rc = s_run (birth, brief, cls);
    zanni__free (brief);
    return rc;
}
