/* Process actors, as their parent's node sees them: their home.

   Everything about such an actor travels the session with its node. Here is only what that cannot say: which processes there
   are, and why one ended. Their ends are told to every worker of this node as an event; other nodes ask at this one's
   home endpoint, that of the undertaker, which never runs user code and so always answers. An end is remembered for
   some time, for those who ask late. */

#include "../actor/watchdog.h"
#include "../base/memory.h"
#include "brief.h"
#include "make.h"

#include <signal.h>
#include <stdio.h>

#define S_ENDS 1024   // that are remembered

typedef struct {
    uint8_t node [16];
    zanni_reason_t reason;
} s_end_t;

/* One that has not ended. */
typedef struct {
    zanni__link_t link;
    uint8_t node [16];
    char cls [64];
} s_living_t;

struct zanni__processes {
    pthread_mutex_t lock;
    zanni__link_t living;
    uint32_t next;      // of `ends`, a ring
    s_end_t ends [S_ENDS];
};

zanni__processes_t *
zanni__processes_new (void)
{
    zanni__processes_t *processes = zanni__calloc (sizeof *processes);
    if (!processes)
        return NULL;
    pthread_mutex_init (&processes->lock, NULL);
    zanni__link_init (&processes->living);
    return processes;
}

void
zanni__processes_free (zanni__processes_t *processes)
{
    if (!processes)
        return;
    while (!zanni__list_empty (&processes->living)) {
        s_living_t *living = ZANNI__CONTAINER (processes->living.next, s_living_t, link);
        zanni__link_remove (&living->link);
        zanni__free (living);
    }
    pthread_mutex_destroy (&processes->lock);
    zanni__free (processes);
}

/* Under the node's lock: made with the first process. */
static int
s_processes (zanni_node_t *node)
{
    pthread_mutex_lock (&node->lock);
    if (!node->processes)
        node->processes = zanni__processes_new ();
    int rc = node->processes ? 0 : ZANNI_ENOMEM;
    pthread_mutex_unlock (&node->lock);
    return rc;
}

bool
zanni__process_ended (zanni_node_t *node, const uint8_t id [16], zanni_reason_t *reason)
{
    bool found = false;
    pthread_mutex_lock (&node->lock);
    zanni__processes_t *processes = node->processes;
    pthread_mutex_unlock (&node->lock);
    if (!processes)
        return false;
    pthread_mutex_lock (&processes->lock);
    for (uint32_t i = 0; !found && i < S_ENDS; i++)
        if (!memcmp (processes->ends [i].node, id, 16)) {
            *reason = processes->ends [i].reason;
            found = true;
        }
    pthread_mutex_unlock (&processes->lock);
    return found;
}

static int
s_live (zanni__processes_t *processes, const zanni__brief_t *brief)
{
    s_living_t *living = zanni__calloc (sizeof *living);
    if (!living)
        return ZANNI_ENOMEM;
    memcpy (living->node, brief->node, sizeof living->node);
    snprintf (living->cls, sizeof living->cls, "%.*s", (int) sizeof living->cls - 1, brief->cls);
    pthread_mutex_lock (&processes->lock);
    zanni__list_append (&processes->living, &living->link);
    pthread_mutex_unlock (&processes->lock);
    return 0;
}

/* What it was of; false: it is not known. */
static bool
s_live_no_more (zanni__processes_t *processes, const uint8_t *id, char cls [64])
{
    bool found = false;
    pthread_mutex_lock (&processes->lock);
    for (zanni__link_t *link = processes->living.next; !found && link != &processes->living; link = link->next) {
        s_living_t *living = ZANNI__CONTAINER (link, s_living_t, link);
        if (memcmp (living->node, id, sizeof living->node))
            continue;
        found = true;
        link = link->prev;
        memcpy (cls, living->cls, sizeof living->cls);
        zanni__link_remove (&living->link);
        zanni__free (living);
    }
    pthread_mutex_unlock (&processes->lock);
    return found;
}

static void
s_name_stuck (const zanni_node_t *node, const char *cls, const zanni_reason_t *reason)
{
    if (reason->kind == ZANNI_EXIT_ERROR && reason->code == ZANNI_EWATCHDOG)
        zanni__log (node, ZANNI_LOG_WARNING, "process actor %s is killed: %s", cls, reason->text);
}

/* While its node ends, a process is only killed where it did not end by itself in time: the log names it. */
static void
s_name_late (const zanni_node_t *node, const char *cls, const zanni_reason_t *reason)
{
    bool killed = reason->kind == ZANNI_EXIT_KILLED || (reason->kind == ZANNI_EXIT_SIGNAL && reason->code == SIGKILL);
    if (killed && zanni__node_is_ending (node))
        zanni__log (node, ZANNI_LOG_WARNING, "shutdown: process actor %s was not stopped in time and is killed", cls);
}

static void
s_remember (zanni__processes_t *processes, const uint8_t *id, const zanni_reason_t *reason)
{
    pthread_mutex_lock (&processes->lock);
    s_end_t *end = &processes->ends [processes->next++ % S_ENDS];
    memcpy (end->node, id, sizeof end->node);
    end->reason = *reason;
    pthread_mutex_unlock (&processes->lock);
}

void
zanni_worker_process_ended (zanni_worker_t *undertaker, const uint8_t *node, uint64_t incarnation,
                            const zanni_reason_t *reason)
{
    zanni_node_event_t event = {
        .change = ZANNI_NODE_ENDED, .incarnation = incarnation, .kind = (uint8_t) reason->kind, .code = reason->code
    };
    memcpy (event.node, node, sizeof event.node);
    snprintf (event.text, sizeof event.text, "%.*s", (int) sizeof event.text - 1, reason->text);
    char cls [64];
    if (s_live_no_more (undertaker->node->processes, node, cls)) {
        s_name_late (undertaker->node, cls, reason);
        s_name_stuck (undertaker->node, cls, reason);
    }
    s_remember (undertaker->node->processes, node, reason);   // before it is told: see s_begin
    zanni_worker_event (undertaker, NULL, &event);
}

void
zanni_worker_process_next (zanni_worker_t *undertaker, const char *endpoint)
{
    zanni_node_event_t event = { .change = ZANNI_NODE_NEXT };
    snprintf (event.endpoint, sizeof event.endpoint, "%s", endpoint);
    zanni_worker_event (undertaker, NULL, &event);
}

static void
s_set_program (zanni__brief_t *brief, const zanni_options_t *options)
{
    snprintf (brief->program, sizeof brief->program, "%s", options->child_program ? options->child_program : "");
    const char *const *argument = options->child_arguments;
    for (; argument && *argument && brief->arguments_count < ZANNI__BRIEF_ARGUMENTS; argument++)
        snprintf (brief->arguments [brief->arguments_count++], sizeof brief->arguments [0], "%s", *argument);
}

static int
s_set_brief (zanni__brief_t *brief, zanni_worker_t *worker, const zanni__class_t *cls, const zanni__care_t *care)
{
    zanni_node_t *node = worker->node;
    const zanni_spawn_t *options = &care->options;
    const char *home;
    int rc = zanni__worker_endpoint (worker, node->undertaker, &home);
    if (!rc)
        rc = node->clock.random (node->clock.context, brief->node, sizeof brief->node);
    if (!rc)
        rc = node->clock.random (node->clock.context, brief->own, sizeof brief->own);
    if (rc)
        return rc;
    snprintf (brief->home, sizeof brief->home, "%s", home);
    snprintf (brief->cls, sizeof brief->cls, "%s", cls->definition->name);
    brief->options = node->options;
    brief->options.watchdog_ms = zanni__watchdog_limit (node, options->watchdog_ms);
    memcpy (brief->claim_store, node->claim_store, sizeof brief->claim_store);
    brief->incarnation = 1;
    brief->limit = options->mailbox_messages;
    brief->limit_bytes = options->mailbox_bytes;
    brief->overflow = (uint8_t) options->overflow;
    brief->restartable = options->restartable;
    brief->waits = care->waits;
    s_set_program (brief, &node->options);
    return 0;
}

/* Has a process made that listens. */
static int
s_begin (zanni_node_t *node, const zanni__brief_t *brief, zanni_process_t *process)
{
    uint8_t bytes [ZANNI_BRIEF_MAX];
    void *place = atomic_load_explicit (&node->place_handle, memory_order_acquire);
    if (!node->place->process)
        return ZANNI_EROUTE;
    process->brief = bytes;
    process->brief_size = zanni__brief_write (bytes, sizeof bytes, brief);
    if (!process->brief_size)
        return ZANNI_ETOOBIG;
    memcpy (process->node, brief->node, sizeof process->node);
    process->incarnation = brief->incarnation;
    process->watchdog_ms = brief->options.watchdog_ms;
    return node->place->process (place, process);
}

/* The stand-in; where the process has ended by now, its worker had nobody to tell of that. */
static int
s_stand_in (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni__brief_t *brief,
            const zanni_process_t *process)
{
    const zanni_wire_ref_t ref = {
        .node = brief->node, .nonce = brief->own, .own = true, .strong = true,
        .endpoint = { process->endpoint, strlen (process->endpoint) }, .cls = { brief->cls, strlen (brief->cls) }
    };
    zanni_reason_t reason;
    int rc = zanni__remote_get (worker, identity_p, &ref);
    if (rc || !zanni__process_ended (worker->node, brief->node, &reason))
        return rc;
    zanni_node_event_t event = {
        .change = ZANNI_NODE_ENDED, .incarnation = 1, .kind = (uint8_t) reason.kind, .code = reason.code
    };
    memcpy (event.node, brief->node, sizeof event.node);
    snprintf (event.text, sizeof event.text, "%.*s", (int) sizeof event.text - 1, reason.text);
    zanni_worker_event (worker, worker, &event);
    return 0;
}

void
zanni__node_kill (const zanni_worker_t *from, const uint8_t *process)
{
    zanni_node_t *node = from->node;
    void *place = atomic_load_explicit (&node->place_handle, memory_order_acquire);
    pthread_mutex_lock (&node->lock);
    bool has_some = node->processes != NULL;
    pthread_mutex_unlock (&node->lock);
    if (place && has_some && node->place->kill && from != node->undertaker)
        node->place->kill (place, process);
}

int
zanni__node_process (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni__class_t *cls,
                     const zanni__care_t *care)
{
    zanni_node_t *node = worker->node;
    zanni_process_t process = { .error = care->options.error };
    zanni__brief_t *brief = zanni__calloc (sizeof *brief);
    if (!brief)
        return ZANNI_ENOMEM;
    int rc = zanni__node_open (node);
    if (!rc)
        rc = s_processes (node);
    if (!rc)
        rc = s_set_brief (brief, worker, cls, care);
    if (!rc)
        rc = s_live (node->processes, brief);
    if (!rc) {
        char none [64];
        rc = s_begin (node, brief, &process);
        if (rc)
            (void) s_live_no_more (node->processes, brief->node, none);
    }
    if (!rc)
        rc = s_stand_in (worker, identity_p, brief, &process);
    zanni__free (brief);
    return rc;
}
