/* process.h: the processes of a node, as its control thread sees them. Everything here is that thread's own. */

#ifndef ZANNI_PLACE_PROCESS_H
#define ZANNI_PLACE_PROCESS_H

#include <zanni/sys/place.h>

typedef struct zanni__children zanni__children_t;

/* Whose processes they are. It may be called back within every function below. */
typedef struct {
    void *context;
    const char *program;            // that is started; NULL: this one. Stays, as its arguments
    const char *const *arguments;   // end with NULL; may be NULL
    /* A request was answered, once: 0 and process->endpoint, or an error and process->error. */
    void (*answered) (void *context, void *request, int rc);
    /* Where the next process will listen. May be NULL. */
    void (*seat) (void *context, const char *endpoint);
    /* A process whose request was answered 0 has ended, once. `kept`: where it listened still does. Whether it is to stay so. */
    bool (*ended) (void *context, const uint8_t *node, uint64_t incarnation, const zanni_reason_t *reason, bool kept);
} zanni__children_owner_t;

/* ZANNI_ENOMEM, ZANNI_EDESCRIPTORS. Starts nothing yet. */
int zanni__children_new (zanni__children_t **children_p, const zanni__children_owner_t *owner);

/* Asks for a process; `request` is what will be answered, `process` must stay until then. Never blocks, but for the time
   that posix_spawn takes, when there is no launcher. */
void zanni__children_start (zanni__children_t *children, zanni_process_t *process, void *request);

/* Has a process end, as killed, or `at_once`, as by a SIGKILL of anybody's; the launcher is told as soon as it takes that in.
   0; ZANNI_ENOACTOR: it is none of these. Forgives NULL. */
int zanni__children_kill (zanni__children_t *children, const uint8_t *node, bool at_once);

/* A place that was kept is of no use any more. Forgives NULL. */
void zanni__children_forget (zanni__children_t *children, const char *endpoint);

/* Readable when `step` has something to do. */
int zanni__children_fd (const zanni__children_t *children);

/* Takes in what has happened; answers in how many milliseconds it wants to be called again, -1: it does not. */
int zanni__children_step (zanni__children_t *children);

/* Tells all processes to end; who is left after `grace_ms` is killed. */
void zanni__children_stop (zanni__children_t *children, int64_t grace_ms);

/* Processes that were asked for or run, and launchers that are about to end. */
int zanni__children_count (const zanni__children_t *children);

/* Kills what is left, and waits for `wait_ms` until the launcher has cleaned up and ended, then kills that. Everything
   is answered and told by then. Nulls; forgives NULL. */
void zanni__children_destroy (zanni__children_t **children_p, int64_t wait_ms);

#endif
