/* launch.h: what the control thread and its launcher say to each other, in packets on one socket pair.

   Both are of the same library as a rule, but a child program may have been linked with another: the version comes
   first, and a launcher refuses what is not its own. */

#ifndef ZANNI_PLACE_LAUNCH_H
#define ZANNI_PLACE_LAUNCH_H

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define ZANNI__LAUNCH_VERSION 4
#define ZANNI__LAUNCH_TEXT 232
#define ZANNI__LAUNCH_SECOND 112   // where in the text a second endpoint begins

typedef enum {
    /* To the launcher. */
    ZANNI__LAUNCH_START = 1,   // id, code: milliseconds that a handler has, or 0; text: the seat, or ""; second: where it is to
                               // listen instead, a place that was kept, or ""; kept: that place is to be kept when it ends;
                               // the brief follows
    ZANNI__LAUNCH_STOP,        // code: milliseconds until those that are left are killed
    ZANNI__LAUNCH_KILL,        // id, code: milliseconds until it is told, and again until it is killed
    ZANNI__LAUNCH_CLOSE,       // kills all that are left, cleans up and ends
    ZANNI__LAUNCH_FORGET,      // text: a place that was kept and will not be needed
    /* From it. */
    ZANNI__LAUNCH_STARTED,     // id, code: its pid, text: its endpoint
    ZANNI__LAUNCH_REFUSED,     // id, code: ZANNI_E..., text, kept
    ZANNI__LAUNCH_SEAT,        // text: the endpoint of the next process
    ZANNI__LAUNCH_ENDED        // id; reason, code, text as in zanni_reason_t; kept: where it listened is
} zanni__launch_kind_t;

typedef struct {
    uint32_t version;
    uint32_t kind;
    uint64_t id;
    int64_t code;
    uint32_t reason;
    uint32_t size;             // of what follows the packet
    uint32_t kept;             // a bool
    char text [ZANNI__LAUNCH_TEXT];
} zanni__launch_t;

/* Runs a launcher with `fd` as its socket; `program` NULL: this one; `name` is what it is called. 0 or an errno. */
int zanni__launch_run (const char *program, const char *name, const char *const *arguments, int fd, pid_t *pid_p);

/* In the launcher, first of all. */
void zanni__launch_settle (void);

/* A descriptor that becomes readable when the process has ended; -1. */
static inline int
zanni__pid_open (pid_t pid)
{
    return (int) syscall (SYS_pidfd_open, pid, 0);
}

#endif
