/* launcher.h: what the tests of the launcher share: the control thread's side of it without a control thread, with a program
   whose children do what they are told (launcher_child.c); and a node around both.

   Each test has a runtime directory of its own, which must be empty in the end. What ends is waited for by its pidfd, what
   happens by the set that the control thread would wait in: all with a deadline. */

#ifndef TESTS_INTEGRATION_LAUNCHER_H
#define TESTS_INTEGRATION_LAUNCHER_H

#include "place/process.h"
#include "place/launch.h"

#include "actor/worker.h"
#include "node/make.h"
#include "probe.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define S_LIMIT_S 20   // for anything that has to happen

static char s_folder [SCRATCH_PATH];
static char s_directory [SCRATCH_PATH + sizeof "/zanni"];

static inline void
s_set_up (void)
{
    cr_assert (scratch_runtime (s_folder, s_directory));
}

static inline void
s_tear_down (void)
{
    (void) rmdir (s_directory);
    cr_assert_eq (rmdir (s_folder), 0, "something is left in %s", s_directory);
}

/* A process that was asked for. */
typedef struct {
    zanni_process_t process;
    zanni_error_t error;
    bool answered;
    int rc;
    int ended;              // how often
    bool kept;              // where it listened was, then
    zanni_reason_t reason;
    pid_t pid;              // if it said so
    pid_t launcher;
} s_child_t;

#define S_CHILDREN 200
static s_child_t s_all [S_CHILDREN];
static int s_count;
static zanni__children_t *s_children;
static char s_seat [108];   // the last that was promised
static int s_seats;

static inline void
s_on_answered (void *context, void *request, int rc)
{
    s_child_t *child = request;
    (void) context;
    cr_assert_not (child->answered);
    child->answered = true;
    child->rc = rc;
}

static inline bool
s_on_ended (void *context, const uint8_t *node, uint64_t incarnation, const zanni_reason_t *reason, bool kept)
{
    s_child_t *child = &s_all [node [0]];
    (void) context;
    cr_assert_eq (incarnation, 7);
    cr_assert_lt (node [0], s_count);
    child->ended++;
    child->reason = *reason;
    child->kept = kept;
    return child->process.keeps;
}

static inline void
s_on_seat (void *context, const char *endpoint)
{
    (void) context;
    snprintf (s_seat, sizeof s_seat, "%s", endpoint);
    s_seats++;
}

static inline void
s_open_with (const char *program, const char *const *arguments)
{
    const zanni__children_owner_t owner = {
        .program = program, .arguments = arguments, .answered = s_on_answered, .ended = s_on_ended,
        .seat = s_on_seat
    };
    cr_assert_eq (zanni__children_new (&s_children, &owner), 0);
}

static inline void
s_open (void)
{
    s_open_with (LAUNCHER_CHILD, NULL);
}

static inline void
s_close (void)
{
    zanni__children_destroy (&s_children, S_LIMIT_S * 1000);
    cr_assert_null (s_children);
    cr_assert_eq (scratch_entries (s_directory), 0);
}

static inline s_child_t *
s_ask (const char *brief)
{
    s_child_t *child = &s_all [s_count];
    memset (child, 0, sizeof *child);
    child->process = (zanni_process_t) {
        .node = { (uint8_t) s_count }, .incarnation = 7, .brief = brief, .brief_size = strlen (brief),
        .error = &child->error
    };
    s_count++;
    zanni__children_start (s_children, &child->process, child);
    return child;
}

static inline bool
s_is_answered (const s_child_t *child)
{
    return child->answered;
}

static inline bool
s_has_ended (const s_child_t *child)
{
    return child->ended > 0;
}

static inline bool
s_drive (bool (*holds) (const s_child_t *child), const s_child_t *child)
{
    double until = probe_seconds () + S_LIMIT_S;
    struct pollfd item = { .fd = zanni__children_fd (s_children), .events = POLLIN };
    for (;;) {
        int next_ms = zanni__children_step (s_children);
        if (holds (child))
            return true;
        if (probe_seconds () > until)
            return false;
        (void) poll (&item, 1, next_ms < 0 ? 1000 : next_ms);
    }
}

static inline s_child_t *
s_spawn (const char *brief)
{
    s_child_t *child = s_ask (brief);
    cr_assert (s_drive (s_is_answered, child), "%s is not answered", brief);
    cr_assert_eq (child->rc, 0, "%s: %s", brief, child->error.text);
    return child;
}

/* Connects to a child and reads what it says. */
static inline void
s_listen_to (const s_child_t *child, char *text, size_t size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t used = 0;
    ssize_t more;
    int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq (strncmp (child->process.endpoint, "ipc://", 6), 0);
    snprintf (address.sun_path, sizeof address.sun_path, "%s", child->process.endpoint + 6);
    cr_assert_eq (connect (fd, (const struct sockaddr *) &address, sizeof address), 0);
    while (used < size - 1 && probe_readable (fd, S_LIMIT_S * 1000)
           && (more = read (fd, text + used, size - 1 - used)) > 0)
        used += (size_t) more;
    text [used] = 0;
    close (fd);
}

/* A child that stays, and who it is. */
static inline s_child_t *
s_spawn_known (const char *brief)
{
    char line [128];
    s_child_t *child = s_spawn (brief);
    s_listen_to (child, line, sizeof line);
    cr_assert_eq (sscanf (line, "%d %d", &child->pid, &child->launcher), 2, "it said \"%s\"", line);
    return child;
}

static inline bool
s_is_gone (int pid_fd)
{
    return probe_readable (pid_fd, S_LIMIT_S * 1000);
}

static inline void
s_check_reason (const char *brief, const char *expected)
{
    char text [192];
    s_child_t *child = s_spawn (brief);
    cr_assert (s_drive (s_has_ended, child), "%s does not end", brief);
    cr_assert_str_eq (zanni_reason_string (&child->reason, text, sizeof text), expected);
}

/* A node around it. */

static zanni_t *s_self;

/* Asks the place of the node, as a spawn does. */
static inline int
s_place_process (s_child_t *child, const char *brief)
{
    zanni_node_t *node = zanni_node_of (s_self);
    child->process = (zanni_process_t) {
        .node = { 1 }, .incarnation = 1, .brief = brief, .brief_size = strlen (brief), .error = &child->error
    };
    return node->place->process (node->place_handle, &child->process);
}

static inline void
s_begin_node (uint32_t shutdown_ms, const char *program)
{
    const zanni_options_t options = { .shutdown_ms = shutdown_ms, .child_program = program };
    zanni_ref_t *ref = NULL;
    cr_assert_eq (zanni_init (probe_classes), 0);
    cr_assert_eq (zanni_new (&s_self, &options), 0);
    cr_assert_eq (zanni_spawn (s_self, &ref, "echo", &(zanni_spawn_t) { .place = ZANNI_THREAD }), 0);
    zanni_ref_destroy (&ref);
    zanni_node_of (s_self)->processes = zanni__processes_new ();   // as the first spawn of a process does
}

static inline void
s_know (s_child_t *child)
{
    char line [128];
    s_listen_to (child, line, sizeof line);
    cr_assert_eq (sscanf (line, "%d %d", &child->pid, &child->launcher), 2);
}

#endif
