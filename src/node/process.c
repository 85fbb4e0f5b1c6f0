/* Process actors, as their parent's node sees them: their home.

   Everything about such an actor travels the session with its node. Here is only what that cannot say: which processes there
   are, and why one ended. Their ends are told to every worker of this node as an event; other nodes ask at this one's
   home endpoint, that of the undertaker, which never runs user code and so always answers. An end is remembered for
   some time, for those who ask late.

   One that has a supervisor does not end with its process, as long as that did not come to its own end: it waits, as any
   identity does, for its next incarnation. The place keeps the sockets where it listened, so whoever dials there meanwhile
   waits with it, in the kernel's queue, and what is sent to it in sessions that do not stand yet. All are told that the
   incarnation has ended and another one may follow. That one begins when its supervisor's AGAIN passes the stand-in here:
   another process with the same brief, which that AGAIN then starts. Where it is not to follow (it is stopped or killed
   meanwhile, or nobody holds it any more) the incarnation that never was has ended, for good. */

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
    uint64_t incarnation;   // the last that has begun
    char cls [64];
    char endpoint [ZANNI_ENDPOINT_MAX];
    uint8_t care;           // zanni__waits_t: behind which ends it waits
    bool waits;             // that one has ended
    bool unheld;            // and none is to follow, for nobody holds it
    zanni_reason_t reason;  // of that end
    size_t brief_size;
    uint8_t brief [];       // of one that may wait
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

/* NULL: there was none yet. */
static zanni__processes_t *
s_processes_of (zanni_node_t *node)
{
    pthread_mutex_lock (&node->lock);
    zanni__processes_t *processes = node->processes;
    pthread_mutex_unlock (&node->lock);
    return processes;
}

bool
zanni__process_ended (zanni_node_t *node, const uint8_t id [16], zanni_reason_t *reason)
{
    bool found = false;
    zanni__processes_t *processes = s_processes_of (node);
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

/* Under the lock, as all that follow of its kind. */
static s_living_t *
s_find (zanni__processes_t *processes, const uint8_t *id)
{
    for (zanni__link_t *link = processes->living.next; link != &processes->living; link = link->next) {
        s_living_t *living = ZANNI__CONTAINER (link, s_living_t, link);
        if (!memcmp (living->node, id, sizeof living->node))
            return living;
    }
    return NULL;
}

static int
s_live (zanni__processes_t *processes, const zanni__brief_t *brief, const uint8_t *bytes, size_t size)
{
    s_living_t *living = zanni__calloc (sizeof *living + (brief->waits ? size : 0));
    if (!living)
        return ZANNI_ENOMEM;
    memcpy (living->node, brief->node, sizeof living->node);
    living->incarnation = brief->incarnation;
    living->care = brief->waits;
    living->brief_size = brief->waits ? size : 0;
    memcpy (living->brief, bytes, living->brief_size);
    snprintf (living->cls, sizeof living->cls, "%.*s", (int) sizeof living->cls - 1, brief->cls);
    pthread_mutex_lock (&processes->lock);
    zanni__list_append (&processes->living, &living->link);
    pthread_mutex_unlock (&processes->lock);
    return 0;
}

static void
s_live_no_more (s_living_t *living)
{
    zanni__link_remove (&living->link);
    zanni__free (living);
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
    s_end_t *end = &processes->ends [processes->next++ % S_ENDS];
    memcpy (end->node, id, sizeof end->node);
    end->reason = *reason;
}

static void
s_tell (zanni_worker_t *from, zanni_worker_t *to, const uint8_t *id, uint64_t incarnation, const zanni_reason_t *reason,
        bool restarts)
{
    zanni_node_event_t event = {
        .change = ZANNI_NODE_ENDED, .incarnation = incarnation, .restarts = restarts, .kind = (uint8_t) reason->kind,
        .code = reason->code
    };
    memcpy (event.node, id, sizeof event.node);
    snprintf (event.text, sizeof event.text, "%.*s", (int) sizeof event.text - 1, reason->text);
    zanni_worker_event (from, to, &event);
}

/* Whether another incarnation is to follow on one that ended so: one that was killed by zanni_kill was so for good. */
static bool
s_is_to_wait (const zanni_node_t *node, const s_living_t *living, const zanni_reason_t *reason)
{
    bool abnormal = reason->kind > ZANNI_EXIT_SHUTDOWN;
    if (!living->care || living->unheld || reason->kind == ZANNI_EXIT_KILLED || zanni__node_is_ending (node))
        return false;
    return abnormal || living->care == ZANNI__WAITS_ALWAYS;
}

bool
zanni_worker_process_ended (zanni_worker_t *undertaker, const uint8_t *node, uint64_t incarnation,
                            const zanni_reason_t *reason, bool kept)
{
    zanni__processes_t *processes = undertaker->node->processes;
    char cls [64] = "";
    bool waits = false;
    pthread_mutex_lock (&processes->lock);
    s_living_t *living = s_find (processes, node);
    if (living) {
        memcpy (cls, living->cls, sizeof cls);
        waits = kept && s_is_to_wait (undertaker->node, living, reason);
        living->waits = waits;
        living->reason = *reason;
    }
    if (living && !waits)
        s_live_no_more (living);
    if (!waits)
        s_remember (processes, node, reason);   // before it is told: see s_stand_in
    pthread_mutex_unlock (&processes->lock);
    if (*cls) {
        s_name_late (undertaker->node, cls, reason);
        s_name_stuck (undertaker->node, cls, reason);
    }
    s_tell (undertaker, NULL, node, incarnation, reason, waits);
    return waits;
}

bool
zanni__process_gone (zanni_node_t *node, const uint8_t id [16], uint64_t incarnation, zanni_reason_t *reason, bool *restarts)
{
    zanni__processes_t *processes = s_processes_of (node);
    *restarts = false;
    if (zanni__process_ended (node, id, reason))
        return true;
    if (!processes)
        return false;
    pthread_mutex_lock (&processes->lock);
    const s_living_t *living = s_find (processes, id);
    bool gone = living && incarnation && living->incarnation + living->waits > incarnation;
    if (gone)
        *reason = living->reason;
    *restarts = gone;
    pthread_mutex_unlock (&processes->lock);
    return gone;
}

/* One that waits has ended for good. */
static void
s_end_waiting (zanni_worker_t *worker, s_living_t *living, const zanni_reason_t *reason)
{
    zanni_node_t *node = worker->node;
    const s_living_t was = *living;
    s_live_no_more (living);
    s_remember (node->processes, was.node, reason);
    pthread_mutex_unlock (&node->processes->lock);
    if (node->place->forget)
        node->place->forget (atomic_load_explicit (&node->place_handle, memory_order_acquire), was.endpoint);
    s_tell (worker, NULL, was.node, was.incarnation + 1, reason, false);
}

bool
zanni__process_waits (zanni_node_t *node, const uint8_t id [16])
{
    zanni__processes_t *processes = s_processes_of (node);
    if (!processes)
        return false;
    pthread_mutex_lock (&processes->lock);
    const s_living_t *living = s_find (processes, id);
    bool waits = living && living->waits;
    pthread_mutex_unlock (&processes->lock);
    return waits;
}

void
zanni__process_no_more (zanni_worker_t *worker, const uint8_t id [16], const zanni_reason_t *reason)
{
    zanni__processes_t *processes = s_processes_of (worker->node);
    if (!processes)
        return;
    pthread_mutex_lock (&processes->lock);
    s_living_t *living = s_find (processes, id);
    if (living && living->waits) {
        s_end_waiting (worker, living, reason);
        return;
    }
    if (living)
        living->unheld = true;
    pthread_mutex_unlock (&processes->lock);
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

/* Has a process made that listens; where, process->endpoint says if it has to be the same place as before. */
static int
s_begin (zanni_node_t *node, const zanni__brief_t *brief, const uint8_t *bytes, size_t size, zanni_process_t *process)
{
    process->brief = bytes;
    process->brief_size = size;
    memcpy (process->node, brief->node, sizeof process->node);
    process->incarnation = brief->incarnation;
    process->watchdog_ms = brief->options.watchdog_ms;
    process->keeps = brief->waits;
    return node->place->process (atomic_load_explicit (&node->place_handle, memory_order_acquire), process);
}

/* The first incarnation. */
static int
s_begin_first (zanni_node_t *node, const zanni__brief_t *brief, zanni_process_t *process)
{
    uint8_t bytes [ZANNI_BRIEF_MAX];
    zanni__processes_t *processes = node->processes;
    if (!node->place->process)
        return ZANNI_EROUTE;
    size_t size = zanni__brief_write (bytes, sizeof bytes, brief);
    int rc = size ? s_live (processes, brief, bytes, size) : ZANNI_ETOOBIG;
    if (rc)
        return rc;
    rc = s_begin (node, brief, bytes, size, process);
    pthread_mutex_lock (&processes->lock);
    s_living_t *living = s_find (processes, brief->node);
    if (living && rc)
        s_live_no_more (living);
    else if (living)
        memcpy (living->endpoint, process->endpoint, sizeof living->endpoint);
    pthread_mutex_unlock (&processes->lock);
    return rc;
}

/* Of one that waits: what it is to be, and where. */
static bool
s_take_waiting (zanni__processes_t *processes, const uint8_t *id, zanni_process_t *process, zanni__brief_t *brief)
{
    pthread_mutex_lock (&processes->lock);
    s_living_t *living = s_find (processes, id);
    bool waits = living && living->waits && zanni__brief_read (brief, living->brief, living->brief_size);
    if (waits) {
        living->waits = false;
        brief->incarnation = ++living->incarnation;
        memcpy (process->endpoint, living->endpoint, sizeof process->endpoint);
    }
    pthread_mutex_unlock (&processes->lock);
    return waits;
}

/* Where none can be made, that is the end of the incarnation, and another one may follow. */
int
zanni__process_again (zanni_worker_t *worker, const uint8_t id [16])
{
    uint8_t bytes [ZANNI_BRIEF_MAX];
    zanni__brief_t brief;
    zanni_node_t *node = worker->node;
    zanni_process_t process = { .error = NULL };
    zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR };
    zanni__processes_t *processes = s_processes_of (node);
    if (!processes || !s_take_waiting (processes, id, &process, &brief))
        return 0;
    size_t size = zanni__brief_write (bytes, sizeof bytes, &brief);
    int rc = size ? s_begin (node, &brief, bytes, size, &process) : ZANNI_ETOOBIG;
    if (!rc)
        return 0;
    reason.code = rc;
    snprintf (reason.text, sizeof reason.text, "%s", zanni_strerror (rc));
    if (!zanni_worker_process_ended (worker, id, brief.incarnation, &reason, true) && node->place->forget)
        node->place->forget (atomic_load_explicit (&node->place_handle, memory_order_acquire), process.endpoint);
    return rc;
}

/* The stand-in; where the process has ended by now, its worker had nobody to tell of that. One that may wait ends with
   the last reference here. */
static int
s_stand_in (zanni_worker_t *worker, zanni__identity_t **identity_p, const zanni__brief_t *brief,
            const zanni_process_t *process)
{
    const zanni_wire_ref_t ref = {
        .node = brief->node, .nonce = brief->own, .own = true, .strong = true,
        .endpoint = { process->endpoint, strlen (process->endpoint) }, .cls = { brief->cls, strlen (brief->cls) }
    };
    zanni_reason_t reason;
    bool restarts;
    int rc = zanni__remote_get (worker, identity_p, &ref);
    if (!rc)
        (*identity_p)->as.remote->spawned = brief->waits;
    if (!rc && zanni__process_gone (worker->node, brief->node, 1, &reason, &restarts))
        s_tell (worker, worker, brief->node, 1, &reason, restarts);
    return rc;
}

void
zanni__node_kill (const zanni_worker_t *from, const uint8_t *process)
{
    zanni_node_t *node = from->node;
    void *place = atomic_load_explicit (&node->place_handle, memory_order_acquire);
    if (place && s_processes_of (node) && node->place->kill && from != node->undertaker)
        node->place->kill (place, process);
}

bool
zanni__process_crash (const zanni_worker_t *from, const uint8_t id [16])
{
    zanni_node_t *node = from->node;
    zanni__processes_t *processes = s_processes_of (node);
    if (!processes || !node->place->crash || from == node->undertaker)
        return false;
    pthread_mutex_lock (&processes->lock);
    bool lives = s_find (processes, id);
    pthread_mutex_unlock (&processes->lock);
    if (lives)
        node->place->crash (atomic_load_explicit (&node->place_handle, memory_order_acquire), id);
    return lives;
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
        rc = s_begin_first (node, brief, &process);
    if (!rc)
        rc = s_stand_in (worker, identity_p, brief, &process);
    zanni__free (brief);
    return rc;
}
