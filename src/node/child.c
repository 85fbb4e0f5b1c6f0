/* The process of a process actor: a node of which that actor is the root.

   It runs where zanni_init was called in a child that the launcher forked, and never returns from there. Its worker is like
   that of an actor in a thread; the node goes on as long as anything in it is referred to from elsewhere. What it is to
   be stands in its brief; with which arguments it starts comes by the first session, as a SPAWN.

   As a rule the process is there before anybody wants it. Then its node is made and listens by what a sibling was told, and
   only who it is waits for the brief: who dials it so soon is in libzmq's hands until the worker begins to read. */

#include "child.h"

#include "../base/memory.h"
#include "../place/launcher.h"
#include "brief.h"
#include "make.h"

#include "../actor/watch.h"
#include "../actor/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zanni/sys/link.h>

#define S_OTHER_VERSION "the program is of another version of zanni than its spawner%s"
#define S_IDS_BITS 40   // an incarnation's actors have ids of their own, but for actor 0

static int
s_fail (const zanni__birth_t *birth, int code, const char *what, const char *value)
{
    char text [400];
    snprintf (text, sizeof text, what, value);
    zanni__birth_failed (birth, code, text);
    return EXIT_FAILURE;
}

/* Other actors of this node outlive the one that is killed. */
static void
s_bid (zanni_worker_t *worker, bool kills)
{
    worker->stopping = worker->stopping || !kills;
    zanni__end_for_good (worker, worker->owner,
                         (zanni_reason_t) { .kind = kills ? ZANNI_EXIT_KILLED : ZANNI_EXIT_SHUTDOWN });
}

/* The launcher says stop or kill, or is gone, and with it all that this process is for. */
static void
s_on_control (zanni_worker_t *worker, zanni__hook_fd_t *hook, uint32_t events)
{
    char word [16];
    ssize_t size = read (hook->fd, word, sizeof word);
    (void) events;
    if (size <= 0)
        _exit (EXIT_FAILURE);
    s_bid (worker, *word == 'k');
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
    identity->heeds |= identity->overflow != ZANNI_REJECT ? ZANNI__HEEDS_LIMIT : 0;
    identity->restartable = brief->restartable;
    identity->incarnation = (uint32_t) brief->incarnation;
    identity->waits = brief->waits;
    if (brief->limit)
        atomic_store_explicit (&identity->limit, brief->limit, memory_order_relaxed);
    if (brief->limit_bytes)
        identity->limit_bytes = brief->limit_bytes;
    zanni__worker_own (worker, identity);
    return zanni__export_as (identity, brief->own);
}

static int
s_listen (zanni_worker_t *worker, const char *endpoint, int fd, int lane_fd)
{
    int rc = zanni__worker_link (worker);
    if (rc)
        return rc;
    snprintf (worker->endpoint, sizeof worker->endpoint, "%s", endpoint);
    return worker->node->link->listen (worker->link, worker->endpoint, fd, lane_fd);
}

/* One that is to follow another listens where that did. */
static int
s_listen_there (zanni_worker_t *worker, const zanni__birth_t *birth)
{
    return birth->moved ? s_listen (worker, birth->seat->endpoint, birth->seat->fd, birth->seat->lane_fd) : 0;
}

static void
s_set_options (zanni_options_t *options, const zanni__brief_t *brief, const char **arguments)
{
    *options = brief->options;
    for (uint32_t i = 0; i < brief->arguments_count; i++)
        arguments [i] = brief->arguments [i];
    options->claim_store = *brief->claim_store ? brief->claim_store : NULL;
    options->child_program = *brief->program ? brief->program : NULL;
    options->child_arguments = brief->arguments_count ? arguments : NULL;
}

/* A node that listens, with the options that all processes of the spawner's have. It is nobody in particular yet. */
static int
s_prepare (zanni_node_t **node_p, const zanni__birth_t *birth, const zanni__brief_t *sibling)
{
    const char *arguments [ZANNI__BRIEF_ARGUMENTS + 1] = { NULL };
    zanni_options_t options;
    zanni_node_t *node;
    s_set_options (&options, sibling, arguments);
    int rc = zanni__node_new (&node, &options, NULL, ZANNI__WORKER_PROCESS);
    if (rc)
        return s_fail (birth, rc, "the process's node cannot be made: %s", zanni_strerror (rc));
    zanni_worker_enter (node->root);
    rc = s_listen (node->root, birth->seat->endpoint, birth->seat->fd, birth->seat->lane_fd);
    if (rc)
        return s_fail (birth, rc, "the process cannot be reached: %s", zanni_strerror (rc));
    *node_p = node;
    return 0;
}

/* It is that of this actor from now on, whose watchdog need not be its sibling's. */
static int
s_be (zanni_node_t *node, const zanni__brief_t *brief, const zanni__class_t *cls, zanni__page_t *page)
{
    node->options.watchdog_ms = brief->options.watchdog_ms;
    node->root->page = page;
    memcpy (node->id, brief->node, sizeof node->id);
    node->incarnation = brief->incarnation;
    node->home = brief->home;
    return s_make_actor (node->root, brief, cls);
}

static int
s_run (zanni_node_t *node, const zanni__birth_t *birth, const zanni__brief_t *brief, const zanni__class_t *cls)
{
    zanni_worker_t *worker = node->root;
    zanni__hook_fd_t control = { .fd = birth->control_fd, .ready = s_on_control };
    int rc = s_be (node, brief, cls, birth->page);
    if (!rc)
        rc = s_listen_there (worker, birth);
    if (!rc)
        rc = zanni__hook_fd_add (worker, &control, EPOLLIN);
    if (rc)
        return s_fail (birth, rc, "the process cannot be reached: %s", zanni_strerror (rc));
    zanni__worker_loop (worker);
    zanni__birth_over (birth);
    zanni__hook_fd_remove (worker, &control);
    zanni__node_unref (node);
    return zanni__node_destroy (node) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Becomes what the request says. */
static int
s_become (zanni_node_t *node, const zanni__birth_t *birth, zanni__brief_t *brief)
{
    zanni_error_t fault;
    if (!zanni__brief_read (brief, birth->brief, birth->brief_size))
        return s_fail (birth, ZANNI_EINVAL, S_OTHER_VERSION, "");
    if (zanni__class_fault (&fault))
        return s_fail (birth, fault.code, "%s", fault.text);
    const zanni__class_t *cls = zanni__class_named (brief->cls);
    if (!cls)
        return s_fail (birth, ZANNI_ENOCLASS, "no such class in the process: %.60s; does its program give it to zanni_init?",
                       brief->cls);
    return s_run (node, birth, brief, cls);
}

int
zanni__child_main (zanni__birth_t *birth)
{
    zanni_node_t *node;
    zanni__brief_t *brief = zanni__malloc (sizeof *brief);
    if (!brief || !zanni__brief_read (brief, birth->sibling, birth->sibling_size))
        return s_fail (birth, ZANNI_EINVAL, S_OTHER_VERSION, "");
    int rc = s_prepare (&node, birth, brief);
    if (!rc) {
        zanni__birth_await (birth);
        rc = s_become (node, birth, brief);
    }
    zanni__free (brief);
    return rc;
}

/* A process actor that has none: its node is one more of this process. */
struct zanni_process_child {
    zanni_node_t *node;
    zanni__brief_t brief;
};

static int
s_end_of_child (zanni_process_child_t *child)
{
    zanni__node_unref (child->node);
    int rc = zanni__node_destroy (child->node);
    zanni__free (child);
    return rc;
}

int
zanni_child_begin (zanni_process_child_t **child_p, const zanni_process_t *process, const zanni_options_t *seams)
{
    zanni_process_child_t *child = zanni__calloc (sizeof *child);
    if (!child)
        return ZANNI_ENOMEM;
    int rc = zanni__brief_read (&child->brief, process->brief, process->brief_size) ? 0 : ZANNI_EINVAL;
    const zanni__class_t *cls = rc ? NULL : zanni__class_named (child->brief.cls);
    zanni_options_t options = child->brief.options;
    options.clock = seams->clock;
    options.port = seams->port;
    options.place = seams->place;
    options.link = seams->link;
    if (!rc)
        rc = cls ? zanni__node_new (&child->node, &options, NULL, ZANNI__WORKER_PROCESS) : ZANNI_ENOCLASS;
    if (rc) {
        zanni__free (child);
        return rc;
    }
    zanni_worker_enter (child->node->root);
    rc = s_be (child->node, &child->brief, cls, NULL);
    if (!rc)
        rc = zanni__watchdog_arm (child->node, child->node->options.watchdog_ms);
    if (!rc)
        rc = s_listen (child->node->root, process->endpoint, -1, -1);
    if (rc)
        (void) s_end_of_child (child);
    else
        *child_p = child;
    return rc;
}

void
zanni_child_bid (zanni_process_child_t *child, bool kills)
{
    zanni_worker_enter (child->node->root);
    s_bid (child->node->root, kills);
}

bool
zanni_child_stuck (const zanni_process_child_t *child, zanni_reason_t *reason)
{
    const zanni_worker_t *root = child->node->root;
    const zanni__method_t *method = root->stuck_in;
    int64_t limit_ns = child->node->options.watchdog_ms * INT64_C (1000000);
    uint64_t actor;
    if (!limit_ns || !zanni__is_stuck (root, &actor) || root->vigil.spent_ns < limit_ns)
        return false;
    zanni__watchdog_reason (reason, method->cls->definition->name, method->hook, method->name, root->vigil.spent_ns);
    return true;
}

int
zanni_child_run (zanni_process_child_t *child)
{
    zanni_worker_enter (child->node->root);
    zanni__worker_loop (child->node->root);
    return s_end_of_child (child);
}
