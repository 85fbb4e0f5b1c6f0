/* The launcher: a small process between a node and its process actors. It is the node's program again, started when the
   node first wanted a process actor; zanni_init, with which that program's main begins, finds the mark in the environment
   and comes here. It has one thread, no ZeroMQ context and no node, so that it may fork, which the host may not. It is
   the parent of all children, so nobody else reaps them, and it knows why they end.

   It waits for three things only: a packet from the node, the end of a child, the end of the node's process. That is seen
   by the socket's end of file and by the process itself, since a child that the host forked may keep that socket open.
   Then children are killed, and what they and the node left in the runtime directory is swept. The launcher needs no
   signal at its parent's death; one would keep it from cleaning up. The children have one: they do not outlive a
   launcher that was killed.

   A child gets nothing of the launcher's but its listening socket and its end of a socket pair, and begins with default
   signals. The request comes to it there as the first packet. What it says about its end, it writes there; that is read
   when it has ended.

   To fork, to start the threads of a ZeroMQ context and to make a node that listens is most of what a process actor's start
   takes. So one child is forked in advance, the spare, when a first was asked for and there has been nothing to do for a
   moment. It goes as far as it can without knowing what it will be, by the brief of the child before, which is of the same
   node; a request for it is passed on, and that is all. It is one process more to be seen, called "zanni spare", and ends
   with the others.

   Where a child listened that has ended, and another one may follow, its sockets are kept until that is asked for, or the
   parent says that it will not be. The spare, if there is one, gets them with the request, and leaves its own place.

   Where it listens, its seat, is told to the parent at once, so that a connection can be made and a request answered before
   the launcher has heard of it. So a seat is promised, once, to the request that names it: should the spare end, the next
   child gets it. */

#include "launcher.h"
#include "guard.h"
#include "launch.h"

#include "../base/clock.h"
#include "../base/list.h"
#include "../base/memory.h"
#include "../base/passing.h"
#include "../base/rundir.h"
#include "../base/system.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zanni/error.h>
#include <zanni/sys/place.h>

#define S_STOP "stop"
#define S_KILL "kill"
#define S_PACKET_MAX (sizeof (zanni__launch_t) + ZANNI_BRIEF_MAX)
#define S_SPARE_MS 2             // without anything to do, until a spare is forked
#define S_PARENT_MS 1000         // for the parent to be gone, when its socket is

typedef struct {
    zanni__link_t link;
    uint64_t id;                 // 0: a spare, of which nobody knows
    pid_t pid;
    zanni__seat_t seat;          // where it listens
    int control_fd;              // the launcher's end
    int64_t kill_ns;             // when it is told that it is to end, or, if it has not heard, killed; INT64_MAX
    int64_t patience_ms;         // for each of the two
    zanni__guard_t guard;
    bool told;
    bool killed;
    bool keeps;                  // its place, when it ends
    bool over;                   // it has said that it is
    zanni_reason_t reason;       // once it has ended
} s_child_t;

/* A packet that the parent's socket had no room for. */
typedef struct {
    zanni__link_t link;
    zanni__launch_t packet;
} s_word_t;

typedef struct {
    int fd;                      // to the parent
    int parent_fd;               // its process
    int signal_fd;               // SIGCHLD
    pid_t pid;
    zanni__child_fn *run;
    zanni__lease_t *lease;       // NULL: could not be had yet
    zanni__link_t children;
    zanni__link_t kept;          // those that have ended, whose place is kept
    s_child_t *spare;            // one of them, or NULL
    zanni__seat_t seat;          // that of a spare that has ended; without sockets: there is none
    bool used;                   // and the next one will be wanted
    bool littered;               // there is something to be swept
    char brief [ZANNI_BRIEF_MAX];   // of the last request
    size_t brief_size;
    zanni__link_t words;
    int64_t kill_ns;             // who is left then is killed
    int64_t look_ns;             // the first kill_ns of a child, or before
    int64_t guard_ns;            // the first look of a guard, or before
    bool stopping;
    bool closing;                // the parent said so: it lives on
    bool over;
} s_launcher_t;

static int64_t
s_now_ns (void)
{
    return zanni__clock_system.now_ns (zanni__clock_system.context);
}

static int64_t
s_earlier (int64_t one_ns, int64_t other_ns)
{
    return one_ns < other_ns ? one_ns : other_ns;
}

/* What is said to the parent. */

/* False: not now. Whom it cannot reach does not want to know. */
static bool
s_try_send (s_launcher_t *launcher, const zanni__launch_t *packet)
{
    ssize_t size = send (launcher->fd, packet, sizeof *packet, MSG_DONTWAIT | MSG_NOSIGNAL);
    return size >= 0 || (errno != EAGAIN && errno != EINTR && errno != ENOBUFS);
}

static void
s_send_words (s_launcher_t *launcher)
{
    while (!zanni__list_empty (&launcher->words)) {
        s_word_t *word = ZANNI__CONTAINER (launcher->words.next, s_word_t, link);
        if (!s_try_send (launcher, &word->packet))
            return;
        zanni__link_remove (&word->link);
        zanni__free (word);
    }
}

/* Without memory to remember it the launcher is of no use any more: everything ends. */
static void
s_say (s_launcher_t *launcher, const zanni__launch_t *packet)
{
    if (zanni__list_empty (&launcher->words) && s_try_send (launcher, packet))
        return;
    s_word_t *word = zanni__malloc (sizeof *word);
    if (!word) {
        launcher->over = true;
        return;
    }
    word->packet = *packet;
    zanni__list_append (&launcher->words, &word->link);
}

static void
s_refuse (s_launcher_t *launcher, uint64_t id, int code, const char *text, bool kept)
{
    zanni__launch_t packet = {
        .version = ZANNI__LAUNCH_VERSION, .kind = ZANNI__LAUNCH_REFUSED, .id = id, .code = code, .kept = kept
    };
    snprintf (packet.text, sizeof packet.text, "%s", text);
    s_say (launcher, &packet);
}

static void
s_say_ended (s_launcher_t *launcher, const s_child_t *child)
{
    zanni__launch_t packet = {
        .version = ZANNI__LAUNCH_VERSION, .kind = ZANNI__LAUNCH_ENDED, .id = child->id, .code = child->reason.code,
        .reason = child->reason.kind, .kept = child->seat.fd >= 0
    };
    snprintf (packet.text, sizeof packet.text, "%s", child->reason.text);
    s_say (launcher, &packet);
}

/* The child. */

/* It execs nothing, so that CLOEXEC is of no help. */
static void
s_close_others (s_launcher_t *launcher, const s_child_t *self)
{
    zanni__lease_forget (&launcher->lease);
    close (launcher->fd);
    close (launcher->signal_fd);
    if (launcher->parent_fd >= 0)
        close (launcher->parent_fd);
    zanni__seat_close (&launcher->seat);
    for (zanni__link_t *link = launcher->children.next; link != &launcher->children; link = link->next) {
        s_child_t *child = ZANNI__CONTAINER (link, s_child_t, link);
        if (child != self)
            zanni__seat_close (&child->seat);
        if (child != self)
            zanni__guard_free (&child->guard);
        close (child->control_fd);
    }
    for (zanni__link_t *link = launcher->kept.next; link != &launcher->kept; link = link->next) {
        s_child_t *child = ZANNI__CONTAINER (link, s_child_t, link);
        if (child->seat.fd != self->seat.fd)   // it was that one's
            zanni__seat_close (&child->seat);
    }
}

static _Noreturn void
s_be_child (s_launcher_t *launcher, const s_child_t *self, int control_fd)
{
    sigset_t none;
    (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != launcher->pid)
        _exit (EXIT_FAILURE);   // it was gone before that
    s_close_others (launcher, self);
    close (self->control_fd);
    (void) prctl (PR_SET_NAME, "zanni spare");
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    zanni__birth_t birth = {
        .sibling = launcher->brief, .sibling_size = launcher->brief_size,
        .seat = &self->seat, .page = self->guard.page, .control_fd = control_fd
    };
    int code = launcher->run (&birth);
    fflush (NULL);   // what it printed is not lost; handlers of exit are the program's, and not for a child
    _exit (code);
}

/* Its beginning and its end. */

static int
s_lease_make (s_launcher_t *launcher, const char **why)
{
    uint8_t tag [8];
    if (launcher->lease)
        return 0;
    *why = "there are no random numbers";
    int rc = zanni__clock_system.random (zanni__clock_system.context, tag, sizeof tag);
    return rc ? rc : zanni__lease_new (&launcher->lease, tag, why);
}

/* Gives it a socket pair and forks. */
static int
s_fork (s_launcher_t *launcher, s_child_t *child, const char **why)
{
    int fds [2];
    *why = "no socket pair can be made";
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
        return zanni__system_code (errno);
    child->control_fd = fds [0];
    child->pid = fork ();
    if (!child->pid)
        s_be_child (launcher, child, fds [1]);
    *why = "no process can be forked";
    close (fds [1]);
    if (child->pid > 0)
        return 0;
    close (fds [0]);
    return ZANNI_ESYSTEM;
}

/* Who had the place, if it was kept. */
static s_child_t *
s_find_kept (s_launcher_t *launcher, const char *endpoint)
{
    for (zanni__link_t *link = launcher->kept.next; link != &launcher->kept; link = link->next)
        if (!strcmp (ZANNI__CONTAINER (link, s_child_t, link)->seat.endpoint, endpoint))
            return ZANNI__CONTAINER (link, s_child_t, link);
    return NULL;
}

/* Where it listens: at the promised place, one that was kept, or a new one. */
static int
s_seat_take (s_launcher_t *launcher, s_child_t *child, const char *seat, const char **why)
{
    s_child_t *before = *seat ? s_find_kept (launcher, seat) : NULL;
    if (before) {
        child->seat = before->seat;
        return 0;
    }
    if (launcher->seat.fd >= 0 && !strcmp (seat, launcher->seat.endpoint)) {
        child->seat = launcher->seat;
        launcher->seat.fd = launcher->seat.lane_fd = -1;
        return 0;
    }
    int rc = s_lease_make (launcher, why);
    *why = rc ? *why : *seat ? "the place that it was to have is gone" : "no socket can be made in the runtime directory";
    if (!rc && *seat)
        rc = ZANNI_ESYSTEM;
    return rc ? rc : zanni__lease_listen (launcher->lease, &child->seat);
}

static void
s_seat_drop (s_launcher_t *launcher, zanni__seat_t *seat)
{
    if (seat->fd < 0)
        return;
    zanni__lease_unlisten (launcher->lease, seat->endpoint);
    zanni__seat_close (seat);
}

/* There will be no such child. A place that was promised or kept stays so; another one is nobody's. */
static void
s_seat_return (s_launcher_t *launcher, s_child_t *child, const char *seat)
{
    if (s_find_kept (launcher, seat))
        return;
    if (*seat)
        launcher->seat = child->seat;
    else
        s_seat_drop (launcher, &child->seat);
}

/* The place is somebody's again. */
static void
s_forget_kept (s_launcher_t *launcher, const char *endpoint)
{
    s_child_t *before = s_find_kept (launcher, endpoint);
    if (!before)
        return;
    zanni__link_remove (&before->link);
    zanni__free (before);
}

/* A child that listens at `seat`, or where it can, and waits for a request. */
static int
s_child_new (s_launcher_t *launcher, s_child_t **child_p, const char *seat, const char **why)
{
    s_child_t *child = zanni__calloc (sizeof *child);
    *why = "out of memory";
    if (!child)
        return ZANNI_ENOMEM;
    int rc = zanni__guard_new (&child->guard);
    if (!rc)
        rc = s_seat_take (launcher, child, seat, why);
    if (rc) {
        zanni__guard_free (&child->guard);
        zanni__free (child);
        return rc;
    }
    child->kill_ns = INT64_MAX;
    rc = s_fork (launcher, child, why);
    if (rc) {
        s_seat_return (launcher, child, seat);
        zanni__guard_free (&child->guard);
        zanni__free (child);
        return rc;
    }
    zanni__list_append (&launcher->children, &child->link);
    s_forget_kept (launcher, seat);
    *child_p = child;
    return 0;
}

static bool
s_pass_on (const s_child_t *child, const void *packet, size_t size)
{
    return child && send (child->control_fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t) size;
}

/* The spare's place is promised: the next child gets it. */
static void
s_keep_seat (s_launcher_t *launcher, s_child_t *spare)
{
    launcher->spare = NULL;
    launcher->seat = spare->seat;
    spare->seat.fd = spare->seat.lane_fd = -1;
}

/* A spare goes over to a place that was kept. */
static bool
s_move (s_launcher_t *launcher, s_child_t *spare, const zanni__launch_t *request, const void *packet)
{
    const char *endpoint = request->text + ZANNI__LAUNCH_SECOND;
    s_child_t *kept = s_find_kept (launcher, endpoint);
    const int fds [2] = { kept ? kept->seat.fd : -1, kept ? kept->seat.lane_fd : -1 };
    if (!kept || !zanni__pass (spare->control_fd, packet, sizeof *request + request->size, fds, 2))
        return false;
    s_seat_drop (launcher, &spare->seat);
    spare->seat = kept->seat;
    s_forget_kept (launcher, endpoint);
    return true;
}

/* Without a spare. A promise is for one request, whatever becomes of that: the next place is promised anew. */
static int
s_start_anew (s_launcher_t *launcher, s_child_t **child_p, const zanni__launch_t *request, const void *packet,
              const char **why)
{
    const char *again = request->text + ZANNI__LAUNCH_SECOND;
    int rc = s_child_new (launcher, child_p, *again ? again : request->text, why);
    if ((rc || *again) && *request->text && !strcmp (request->text, launcher->seat.endpoint))
        s_seat_drop (launcher, &launcher->seat);
    if (rc)
        return rc;
    *why = "the process ended before it began";
    if (s_pass_on (*child_p, packet, sizeof *request + request->size))
        return 0;
    (void) kill ((*child_p)->pid, SIGKILL);
    return ZANNI_ESYSTEM;
}

/* The packet as it came, and what it says. */
static void
s_start (s_launcher_t *launcher, const zanni__launch_t *request, const void *packet)
{
    const char *why;
    const size_t size = sizeof *request + request->size;
    s_child_t *child = launcher->spare && !strcmp (request->text, launcher->spare->seat.endpoint) ? launcher->spare : NULL;
    launcher->used = true;
    memcpy (launcher->brief, (const char *) packet + sizeof *request, request->size);
    launcher->brief_size = request->size;
    int rc = 0;
    const char *again = request->text + ZANNI__LAUNCH_SECOND;
    bool passed = *again && child ? s_move (launcher, child, request, packet) : s_pass_on (child, packet, size);
    if (child && !passed) {
        s_keep_seat (launcher, child);   // it has ended, and is left to be reaped
        (void) kill (child->pid, SIGKILL);   // or does not read, and would share its sockets with the next
    }
    else if (child)
        launcher->spare = NULL;
    if (!passed)
        rc = s_start_anew (launcher, &child, request, packet, &why);
    if (rc) {
        s_refuse (launcher, request->id, rc, why, *again && s_find_kept (launcher, again));
        return;
    }
    child->id = request->id;
    zanni__guard_set (&child->guard, (uint32_t) request->code, s_now_ns ());
    launcher->guard_ns = s_earlier (launcher->guard_ns, child->guard.due_ns);
    child->keeps = request->kept;
    zanni__launch_t answer = {
        .version = ZANNI__LAUNCH_VERSION, .kind = ZANNI__LAUNCH_STARTED, .id = child->id, .code = child->pid
    };
    snprintf (answer.text, sizeof answer.text, "%s", child->seat.endpoint);
    s_say (launcher, &answer);
}

static void
s_take_reason (s_child_t *child, int status)
{
    zanni_reason_t *reason = &child->reason;
    if (zanni__birth_report (child->control_fd, reason)) {
        child->over = !reason->code;
        if (!child->over)
            return;
    }
    bool by_kill = WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL;
    if (child->guard.killed && by_kill)
        zanni__guard_reason (&child->guard, reason);
    else if (child->killed && by_kill)
        *reason = (zanni_reason_t) { .kind = ZANNI_EXIT_KILLED };
    else if (WIFSIGNALED (status))
        *reason = (zanni_reason_t) { .kind = ZANNI_EXIT_SIGNAL, .code = WTERMSIG (status) };
    else if (WEXITSTATUS (status))
        *reason = (zanni_reason_t) { .kind = ZANNI_EXIT_CODE, .code = WEXITSTATUS (status) };
    else
        *reason = (zanni_reason_t) { .kind = ZANNI_EXIT_NORMAL };
}

/* By pid or, where that is 0, by id. */
static s_child_t *
s_find (s_launcher_t *launcher, pid_t pid, uint64_t id)
{
    for (zanni__link_t *link = launcher->children.next; link != &launcher->children; link = link->next) {
        s_child_t *child = ZANNI__CONTAINER (link, s_child_t, link);
        if (pid ? child->pid == pid : child->id == id)
            return child;
    }
    return NULL;
}

static void
s_end (s_launcher_t *launcher, s_child_t *child, int status, zanni__link_t *ended)
{
    zanni__link_remove (&child->link);
    zanni__list_append (ended, &child->link);
    s_take_reason (child, status);
    if (launcher->spare == child)
        s_keep_seat (launcher, child);
    if (!child->keeps || child->over)
        s_seat_drop (launcher, &child->seat);
    close (child->control_fd);
}

static void
s_sweep (s_launcher_t *launcher)
{
    launcher->littered = false;
    zanni__rundir_sweep ();
}

/* Nothing of a child is left when its end is told: it may have had a lease of its own, which one that came to the end of
   its program gave back. Where another one may follow, that has time. */
static void
s_tell_ends (s_launcher_t *launcher, zanni__link_t *ended)
{
    bool now = false;
    for (zanni__link_t *link = ended->next; link != ended; link = link->next) {
        const s_child_t *child = ZANNI__CONTAINER (link, s_child_t, link);
        bool littered = child->reason.kind != ZANNI_EXIT_NORMAL;
        launcher->littered = launcher->littered || littered;
        now = now || (littered && child->seat.fd < 0);
    }
    if (now)
        s_sweep (launcher);
    while (!zanni__list_empty (ended)) {
        s_child_t *child = ZANNI__CONTAINER (ended->next, s_child_t, link);
        if (child->id)
            s_say_ended (launcher, child);
        zanni__link_remove (&child->link);
        zanni__guard_free (&child->guard);
        if (child->seat.fd >= 0)
            zanni__list_append (&launcher->kept, &child->link);
        else
            zanni__free (child);
    }
}

/* Those that have ended. */
static void
s_reap (s_launcher_t *launcher)
{
    zanni__link_t ended = { &ended, &ended };
    int status;
    pid_t pid;
    while ((pid = waitpid (-1, &status, WNOHANG)) > 0) {
        s_child_t *child = s_find (launcher, pid, 0);
        if (child)   // else what main did before zanni_init was called
            s_end (launcher, child, status, &ended);
    }
    s_tell_ends (launcher, &ended);
}

/* All, which were killed. */
static void
s_reap_all (s_launcher_t *launcher)
{
    zanni__link_t ended = { &ended, &ended };
    while (!zanni__list_empty (&launcher->children)) {
        s_child_t *child = ZANNI__CONTAINER (launcher->children.next, s_child_t, link);
        int status = SIGKILL;
        while (waitpid (child->pid, &status, 0) < 0 && errno == EINTR)
            continue;
        s_end (launcher, child, status, &ended);
    }
    s_tell_ends (launcher, &ended);
}

static void
s_kill_all (s_launcher_t *launcher)
{
    for (zanni__link_t *link = launcher->children.next; link != &launcher->children; link = link->next)
        (void) kill (ZANNI__CONTAINER (link, s_child_t, link)->pid, SIGKILL);
    launcher->kill_ns = INT64_MAX;
}

static void
s_stop_all (s_launcher_t *launcher, int64_t grace_ms)
{
    launcher->stopping = true;
    launcher->kill_ns = s_now_ns () + grace_ms * 1000000;
    for (zanni__link_t *link = launcher->children.next; link != &launcher->children; link = link->next) {
        const s_child_t *child = ZANNI__CONTAINER (link, s_child_t, link);
        if (child == launcher->spare)
            (void) kill (child->pid, SIGKILL);
        else
            (void) send (child->control_fd, S_STOP, strlen (S_STOP), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

/* That it is to end is under way to it by its session, behind what was sent before. It is told here, too, if that takes too
   long, and, should it not hear that either, killed. */
static void
s_kill (s_launcher_t *launcher, s_child_t *child, int64_t patience_ms)
{
    if (child->patience_ms)
        return;   // it was asked for before
    child->patience_ms = patience_ms;
    child->kill_ns = s_now_ns () + patience_ms * 1000000;
    launcher->look_ns = s_earlier (launcher->look_ns, child->kill_ns);
}

/* What it was told waits unread, which the sender's end of the socket pair tells. */
static bool
s_is_deaf (const s_child_t *child)
{
    int unread = 0;
    return ioctl (child->control_fd, SIOCOUTQ, &unread) || unread;
}

static void
s_kill_more (s_child_t *child, int64_t now_ns)
{
    child->kill_ns = child->told ? INT64_MAX : now_ns + child->patience_ms * 1000000;
    if (child->told)
        child->killed = s_is_deaf (child) && !kill (child->pid, SIGKILL);
    else
        (void) send (child->control_fd, S_KILL, strlen (S_KILL), MSG_DONTWAIT | MSG_NOSIGNAL);
    child->told = true;
}

static void
s_kill_deaf (s_launcher_t *launcher, int64_t now_ns)
{
    launcher->look_ns = INT64_MAX;
    for (zanni__link_t *link = launcher->children.next; link != &launcher->children; link = link->next) {
        s_child_t *child = ZANNI__CONTAINER (link, s_child_t, link);
        if (child->kill_ns <= now_ns)
            s_kill_more (child, now_ns);
        launcher->look_ns = s_earlier (launcher->look_ns, child->kill_ns);
    }
}

static void
s_look_at_beats (s_launcher_t *launcher, int64_t now_ns)
{
    launcher->guard_ns = INT64_MAX;
    for (zanni__link_t *link = launcher->children.next; link != &launcher->children; link = link->next) {
        s_child_t *child = ZANNI__CONTAINER (link, s_child_t, link);
        zanni__guard_look (&child->guard, child->pid, now_ns);
        launcher->guard_ns = s_earlier (launcher->guard_ns, child->guard.due_ns);
    }
}

/* What the parent says. */

static void
s_obey (s_launcher_t *launcher, const zanni__launch_t *packet, const void *bytes)
{
    s_child_t *child;
    switch (packet->kind) {
    case ZANNI__LAUNCH_START:
        if (launcher->stopping)
            s_refuse (launcher, packet->id, ZANNI_ECLOSED, "the node is ending", false);
        else
            s_start (launcher, packet, bytes);
        break;
    case ZANNI__LAUNCH_STOP:
        s_stop_all (launcher, packet->code);
        break;
    case ZANNI__LAUNCH_KILL:
        child = s_find (launcher, 0, packet->id);
        if (child && !packet->code)
            (void) kill (child->pid, SIGKILL);
        else if (child)
            s_kill (launcher, child, packet->code);
        break;
    case ZANNI__LAUNCH_FORGET:
        child = s_find_kept (launcher, packet->text);
        if (child)
            s_seat_drop (launcher, &child->seat);
        s_forget_kept (launcher, packet->text);
        break;
    case ZANNI__LAUNCH_CLOSE:
        launcher->over = launcher->closing = true;
        break;
    default:
        break;
    }
}

/* One packet; false: there is none now. */
static bool
s_receive (s_launcher_t *launcher)
{
    static char buffer [S_PACKET_MAX];
    zanni__launch_t packet;
    ssize_t size = recv (launcher->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (size <= 0) {
        launcher->over = true;
        return false;
    }
    if ((size_t) size < sizeof packet)
        return true;
    memcpy (&packet, buffer, sizeof packet);
    packet.text [sizeof packet.text - 1] = packet.text [ZANNI__LAUNCH_SECOND - 1] = 0;
    if (packet.version != ZANNI__LAUNCH_VERSION)
        s_refuse (launcher, packet.id, ZANNI_ESYSTEM, "the child program is linked with another version of zanni", false);
    else if (packet.size == (size_t) size - sizeof packet)
        s_obey (launcher, &packet, buffer);
    return !launcher->over;
}

/* Whether a spare would be of use. Where one cannot be had, the next request will say why. */
static bool
s_wants_spare (const s_launcher_t *launcher)
{
    return launcher->used && !launcher->spare && !launcher->stopping && !launcher->over;
}

static int
s_timeout_ms (const s_launcher_t *launcher)
{
    int64_t due_ns = s_earlier (s_earlier (launcher->kill_ns, launcher->look_ns), launcher->guard_ns);
    if (s_wants_spare (launcher) || launcher->littered)
        return S_SPARE_MS;
    if (due_ns == INT64_MAX)
        return -1;
    int64_t left_ms = (due_ns - s_now_ns () + 999999) / 1000000;
    return left_ms < 0 ? 0 : left_ms > INT32_MAX ? INT32_MAX : (int) left_ms;
}

static void
s_make_spare (s_launcher_t *launcher)
{
    const char *why;
    bool promised = launcher->seat.fd >= 0;
    launcher->used = false;   // until the next request, should it fail
    if (s_child_new (launcher, &launcher->spare, promised ? launcher->seat.endpoint : "", &why) || promised)
        return;
    zanni__launch_t packet = { .version = ZANNI__LAUNCH_VERSION, .kind = ZANNI__LAUNCH_SEAT };
    snprintf (packet.text, sizeof packet.text, "%s", launcher->spare->seat.endpoint);
    s_say (launcher, &packet);
}

/* Whoever is to be killed by now. */
static void
s_kill_late (s_launcher_t *launcher)
{
    int64_t now_ns = s_now_ns ();
    if (launcher->kill_ns <= now_ns)
        s_kill_all (launcher);
    if (launcher->look_ns <= now_ns)
        s_kill_deaf (launcher, now_ns);
    if (launcher->guard_ns <= now_ns)
        s_look_at_beats (launcher, now_ns);
}

static void
s_round (s_launcher_t *launcher)
{
    struct signalfd_siginfo information;
    struct pollfd items [] = {
        { .fd = launcher->fd, .events = (short) (zanni__list_empty (&launcher->words) ? POLLIN : POLLIN | POLLOUT) },
        { .fd = launcher->signal_fd, .events = POLLIN },
        { .fd = launcher->parent_fd, .events = POLLIN }
    };
    int ready = poll (items, 3, s_timeout_ms (launcher));
    if (ready < 0)
        return;
    if (!ready && s_wants_spare (launcher))
        s_make_spare (launcher);
    else if (!ready && launcher->littered)
        s_sweep (launcher);
    if (items [0].revents)
        while (s_receive (launcher))
            continue;
    s_send_words (launcher);
    if (items [1].revents) {
        ssize_t size = read (launcher->signal_fd, &information, sizeof information);
        (void) size;
        s_reap (launcher);
    }
    if (items [2].revents)
        launcher->over = true;
    s_kill_late (launcher);
}

/* The beginning and the end of it all. */

/* The children are killed and reaped, and all that they and a dead parent left is unlinked. A parent's lock is only free
   when it is gone altogether, a little after its socket is. */
static void
s_wind_up (s_launcher_t *launcher)
{
    struct pollfd item = { .fd = launcher->parent_fd, .events = POLLIN };
    s_kill_all (launcher);
    s_reap_all (launcher);
    if (!launcher->closing && launcher->parent_fd >= 0)
        (void) poll (&item, 1, S_PARENT_MS);
    zanni__lease_destroy (&launcher->lease);
    zanni__rundir_sweep ();
}

int
zanni__launcher_main (int fd, zanni__child_fn *child)
{
    s_launcher_t launcher = {
        .fd = fd, .pid = getpid (), .run = child, .kill_ns = INT64_MAX, .look_ns = INT64_MAX,
        .guard_ns = INT64_MAX, .seat = { .fd = -1, .lane_fd = -1 }
    };
    sigset_t wanted;
    zanni__launch_settle ();
    zanni__link_init (&launcher.children);
    zanni__link_init (&launcher.kept);
    zanni__link_init (&launcher.words);
    sigemptyset (&wanted);
    sigaddset (&wanted, SIGCHLD);
    sigprocmask (SIG_SETMASK, &wanted, NULL);
    launcher.signal_fd = signalfd (-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (launcher.signal_fd < 0)
        return 1;
    launcher.parent_fd = zanni__pid_open (getppid ());
    while (!launcher.over)
        s_round (&launcher);
    s_wind_up (&launcher);
    return 0;
}
