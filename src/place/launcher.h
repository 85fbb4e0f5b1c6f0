/* launcher.h: the launcher, a process that forks process actors. */

#ifndef ZANNI_PLACE_LAUNCHER_H
#define ZANNI_PLACE_LAUNCHER_H

#include "../actor/beat.h"
#include "../base/rundir.h"

#include <stdbool.h>
#include <stddef.h>
#include <zanni/error.h>

#define ZANNI__LAUNCHER_VARIABLE "ZANNI_LAUNCHER"   // in its environment: the descriptor of its socket

/* What a forked child begins with. */
typedef struct {
    const void *brief;         // NULL until the request has come: see zanni__birth_await
    size_t brief_size;
    const void *sibling;       // the brief of the child before, or its own: of the same node
    size_t sibling_size;
    const zanni__seat_t *seat; // where it listens; its sockets are the child's own
    zanni__page_t *page;       // in which it shows the launcher its beat
    bool moved;                // when the request came, from where it had listened before, as nobody in particular
    int control_fd;            // to the launcher, by packets: "stop" and "kill" come in; why it failed (msgpack [code, text]) may go
                               // out; its end of file means that the launcher is gone
} zanni__birth_t;

/* Runs in the child, as soon as that is forked: it goes as far as it can, and then awaits its brief. What it answers is the
   exit code. */
typedef int zanni__child_fn (zanni__birth_t *birth);

/* Waits for the request, which fills in the brief; ends the process when the launcher is gone. */
void zanni__birth_await (zanni__birth_t *birth);

/* The descriptor, where this process was started as a launcher (the mark is taken off the environment), else -1. */
int zanni__launcher_fd (void);

/* Serves until the other end of `fd` is closed and all children have ended. Answers the exit code. */
int zanni__launcher_main (int fd, zanni__child_fn *child);

/* In the child: tells the launcher, and by it the spawner, why this process is about to end. */
void zanni__birth_failed (const zanni__birth_t *birth, int code, const char *text);

/* The same of one that is to end: nobody follows it where it listened. */
void zanni__birth_over (const zanni__birth_t *birth);

/* In the launcher: what it has said there. It comes from a process of the user's own, but is read like a stranger's. false:
   nothing. */
bool zanni__birth_report (int control_fd, zanni_reason_t *reason);

#endif
